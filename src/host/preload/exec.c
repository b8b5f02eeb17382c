// SPDX-License-Identifier: MIT
/*
 * host/preload/exec.c - the exec family and posix_spawn: the new program stays on the stack
 *
 * Descriptors need nothing: the kernel hands on those without FD_CLOEXEC, and the new program finds out what they are.
 * But the shim must be loaded into it: programs that give an environment of their own (sshd, cron, su) get LD_PRELOAD
 * and LASTACK_DIR added to it. Where that cannot help (static, Go, set-user-ID: host/run/program.c knows) the program
 * runs all the same, on the kernel's TCP, and one line on stderr says so.
 *
 * This runs in vfork children: nothing is allocated but on the stack, nothing is kept.
 */
#include "host/preload/preload.h"
#include "host/run/program.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_PRELOAD "LD_PRELOAD="
#define ENV_DIR	    SEG_ENV_DIR "="

static char preload[PATH_MAX];			 /* this library's path */
static char dir_variable[sizeof(ENV_DIR) + 256]; /* "LASTACK_DIR=..." as it was when the program began */

__attribute__((constructor(103))) static void exec_start(void)
{
	const char *dir = getenv(SEG_ENV_DIR);
	Dl_info self;

	if (!shim_configured() || !dir || strlen(dir) >= sizeof(dir_variable) - sizeof(ENV_DIR))
		return;
	strcat(strcpy(dir_variable, ENV_DIR), dir);
	if (dladdr((void *)exec_start, &self) && self.dli_fname && strlen(self.dli_fname) < sizeof(preload))
		strcpy(preload, self.dli_fname);
}

/* ------------------------------------------------------------------ the environment */

static char *const *env_find(char *const *env, const char *name)
{
	while (*env && strncmp(*env, name, strlen(name)))
		env++;
	return env;
}

static bool list_has(const char *list, const char *path)
{
	size_t len = strlen(path);

	for (const char *at = strstr(list, path); at; at = strstr(at + 1, path))
		if ((at == list || strchr(": ", at[-1])) && (!at[len] || strchr(": ", at[len])))
			return true;
	return false;
}

/**
 * struct kept_env - what the new program gets
 * @given:	the caller's; never NULL
 * @preloaded:	its LD_PRELOAD, or the end
 * @count:	how many entries it has
 * @text_size:	of the LD_PRELOAD that it needs, 0: it has us already
 */
struct kept_env {
	char *const *given, *const *preloaded;
	size_t count, text_size;
	bool needs_dir, needs_note;
};

static char *no_env[] = {NULL};

static bool env_look(struct kept_env *kept, char *const *env)
{
	const char *list;

	*kept = (struct kept_env){.given = env ? env : no_env};
	if (!*preload)
		return false;
	kept->preloaded = env_find(kept->given, ENV_PRELOAD);
	list = *kept->preloaded ? *kept->preloaded + strlen(ENV_PRELOAD) : "";
	kept->text_size = list_has(list, preload) ? 0 : sizeof(ENV_PRELOAD) + strlen(preload) + 1 + strlen(list);
	kept->needs_dir = !*env_find(kept->given, ENV_DIR);
	kept->needs_note = *say_note() && !*env_find(kept->given, "LASTACK_STDERR=");
	while (kept->given[kept->count])
		kept->count++;
	return kept->text_size || kept->needs_dir || kept->needs_note;
}

/* @env: room for count + 4; @text: for text_size. */
static char *const *env_fill(const struct kept_env *kept, const char **env, char *text)
{
	size_t n = 0;

	for (char *const *at = kept->given; *at; at++)
		if (!kept->text_size || at != kept->preloaded)
			env[n++] = *at;
	if (kept->text_size) {
		strcat(strcpy(text, ENV_PRELOAD), preload);
		if (*kept->preloaded && (*kept->preloaded)[strlen(ENV_PRELOAD)])
			strcat(strcat(text, ":"), *kept->preloaded + strlen(ENV_PRELOAD));
		env[n++] = text;
	}
	if (kept->needs_dir)
		env[n++] = dir_variable;
	if (kept->needs_note)
		env[n++] = say_note();
	env[n] = NULL;
	return (char *const *)env;
}

/**
 * struct launch - one call of the family, to be made with the environment that keeps the program on the stack
 * @run: libc's function; the rest are its arguments, as far as it has them
 */
struct launch {
	int (*run)(const struct launch *launch, char *const *env);
	const char *path;
	char *const *argv, *const *env;
	int fd, flags;
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
};

static int launch_run(const struct launch *launch)
{
	struct kept_env kept;
	bool changes = env_look(&kept, launch->env);
	const char *env[changes ? kept.count + 4 : 1];
	char text[kept.text_size + 1];

	return launch->run(launch, changes ? env_fill(&kept, env, text) : kept.given);
}

/* ------------------------------------------------------------------ programs that we cannot follow */

static void say_program(const char *why)
{
	char line[sizeof(((struct program *)0)->why) + 64];

	strcat(strcpy(line, why), "; what it does with TCP is the kernel's");
	say(line);
}

/* @name as execvp() takes it: by PATH where it has no slash. What cannot be run at all, execve() will say. */
static void warn(const char *name)
{
	struct program program;
	struct stat st;

	if (!*preload || !name || !*name || program_find(&program, name) != PROGRAM_CANNOT_RUN)
		return;
	if (sys(SYS_newfstatat, AT_FDCWD, program.path, &st, 0) == 0 && S_ISREG(st.st_mode) &&
	    sys(SYS_faccessat, AT_FDCWD, program.path, X_OK) == 0)
		say_program(program.why);
}

/* @path as execve() takes it: here, where it has no slash. */
static void warn_path(const char *path)
{
	char here[PATH_MAX];

	if (!path || strlen(path) >= sizeof(here) - 2)
		return;
	strcat(strcpy(here, strchr(path, '/') ? "" : "./"), path);
	warn(here);
}

static void warn_number(int fd)
{
	char path[32] = "/proc/self/fd/";
	char digits[12];
	int n = 0;

	if (fd < 0)
		return;
	do
		digits[n++] = (char)('0' + fd % 10);
	while (fd /= 10);
	for (char *at = path + strlen(path); n; *at = 0)
		*at++ = digits[--n];
	warn(path);
}

/* ------------------------------------------------------------------ libc's names */

static int run_execve(const struct launch *l, char *const *env)
{
	return real.execve(l->path, l->argv, env);
}

static int run_execvpe(const struct launch *l, char *const *env)
{
	return real.execvpe(l->path, l->argv, env);
}

static int run_fexecve(const struct launch *l, char *const *env)
{
	return real.fexecve(l->fd, l->argv, env);
}

static int run_execveat(const struct launch *l, char *const *env)
{
	return real.execveat(l->fd, l->path, l->argv, env, l->flags);
}

static int run_posix_spawn(const struct launch *l, char *const *env)
{
	return real.posix_spawn(l->pid, l->path, l->actions, l->attributes, l->argv, env);
}

static int run_posix_spawnp(const struct launch *l, char *const *env)
{
	return real.posix_spawnp(l->pid, l->path, l->actions, l->attributes, l->argv, env);
}

EXPORT int execve(const char *path, char *const argv[], char *const env[])
{
	shim_ready();
	warn_path(path);
	return launch_run(&(struct launch){.run = run_execve, .path = path, .argv = argv, .env = env});
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const env[])
{
	shim_ready();
	warn(file);
	return launch_run(&(struct launch){.run = run_execvpe, .path = file, .argv = argv, .env = env});
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const env[])
{
	shim_ready();
	warn_number(fd);
	return launch_run(&(struct launch){.run = run_fexecve, .fd = fd, .argv = argv, .env = env});
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const env[], int flags)
{
	shim_ready();
	if (!*path && flags & AT_EMPTY_PATH)
		warn_number(fd);
	else if (fd == AT_FDCWD || *path == '/')
		warn_path(path);
	return launch_run(&(struct launch){.run = run_execveat,
					   .path = path,
					   .argv = argv,
					   .env = env,
					   .fd = fd,
					   .flags = flags});
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
	shim_ready();
	warn_path(path);
	return launch_run(&(struct launch){.run = run_posix_spawn,
					   .path = path,
					   .argv = argv,
					   .env = env,
					   .pid = pid,
					   .actions = actions,
					   .attributes = attributes});
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
	shim_ready();
	warn(file);
	return launch_run(&(struct launch){.run = run_posix_spawnp,
					   .path = file,
					   .argv = argv,
					   .env = env,
					   .pid = pid,
					   .actions = actions,
					   .attributes = attributes});
}

/* ------------------------------------------------------------------ arguments one by one */

/* How many until the NULL, with @first and without it. */
static size_t arguments_count(const char *first, va_list args)
{
	size_t n = first != NULL;

	while (n && va_arg(args, char *))
		n++;
	return n;
}

static void arguments_fill(const char **argv, const char *first, va_list *args)
{
	*argv = first;
	while (*argv)
		*++argv = va_arg(*args, char *);
}

/* Declares @argv; afterwards @args stands behind the NULL. */
#define ARGUMENTS(argv, first, args) \
	va_start(args, first); \
	const char *argv[arguments_count(first, args) + 1]; \
	va_end(args); \
	va_start(args, first); \
	arguments_fill(argv, first, &args)

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list args;

	ARGUMENTS(argv, first, args);
	va_end(args);
	return execve(path, (char *const *)argv, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list args;

	ARGUMENTS(argv, first, args);
	va_end(args);
	return execvpe(file, (char *const *)argv, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char *const *env;
	va_list args;

	ARGUMENTS(argv, first, args);
	env = va_arg(args, char *const *);
	va_end(args);
	return execve(path, (char *const *)argv, env);
}
