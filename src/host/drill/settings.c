// SPDX-License-Identifier: MIT
/*
 * host/drill/settings.c - what a script sets and asks for beside its calls
 *
 * /proc/sys/net shows each thread the settings of its own namespace, so writing a file there is all. What the machine has
 * only once is not shown, or read-only: it is never changed, and a script that wants it otherwise is told so.
 * Lines of shell begin in the script's folder, inside the namespace, with none of our descriptors.
 */
#include "host/drill/side.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---------------------------------------------------------------- sysctl */

int settings_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* A setting's value with single blanks between its numbers; false: it is not to be read here. */
static bool setting_read(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, to, size - 1);
	close(fd);
	to[len < 0 ? 0 : len] = 0;
	return len >= 0;
}

static bool value_same(const char *a, const char *b)
{
	for (;;) {
		while (isspace((unsigned char)*a) && (isspace((unsigned char)a[1]) || !a[1]))
			a++;
		while (isspace((unsigned char)*b) && (isspace((unsigned char)b[1]) || !b[1]))
			b++;
		if (!*a || !*b)
			return !*a && !*b;
		if (*a != *b && !(isspace((unsigned char)*a) && isspace((unsigned char)*b)))
			return false;
		a++, b++;
	}
}

/* net.ipv4.tcp_ecn and net/ipv4/tcp_ecn; a device's own dots are slashes in the first form, as for sysctl(8) */
static bool setting_path(const char *name, char *to, size_t size)
{
	size_t at = (size_t)snprintf(to, size, "/proc/sys/%s", name), i;
	bool dots = strcspn(name, ".") < strcspn(name, "/");

	if (at >= size || strstr(name, ".."))
		return false;
	for (i = strlen("/proc/sys/"); dots && i < at; i++)
		to[i] = to[i] == '.' ? '/' : to[i] == '/' ? '.' : to[i];
	return true;
}

/* The same setting of the namespace that we come from: what the machine has only once is there. */
static bool setting_at_home(struct linux_side *self, const char *path, char *to, size_t size)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool there = false;

	if (here < 0)
		return false;
	if (!setns(self->home, CLONE_NEWNET)) {
		there = setting_read(path, to, size);
		if (setns(here, CLONE_NEWNET))
			abort(); /* every later call would act on the machine's own network */
	}
	close(here);
	return there;
}

static bool setting_refused(struct linux_side *self, const char *path, const char *name, const char *value, int error,
			    struct drill_text *why)
{
	char now[256];

	if (error == EPERM && strstr(name, "congestion_control") &&
	    setting_read("/proc/sys/net/ipv4/tcp_allowed_congestion_control", now, sizeof(now)))
		return side_refuse(why,
				   "the machine allows a namespace no %s, only %.*s: outside, \"sysctl -w "
				   "net.ipv4.tcp_allowed_congestion_control='%.*s %s'\"",
				   value, (int)strcspn(now, "\n"), now, (int)strcspn(now, "\n"), now, value);
	if (error == ENOENT && strstr(name, "congestion_control"))
		return side_refuse(why, "this kernel has no congestion control %s: \"modprobe tcp_%s\"", value, value);
	if (error != ENOENT && error != EACCES && error != EPERM && error != EROFS)
		return side_refuse(why, "%s does not take \"%s\" (%s)", name, value, strerror(error));
	if (!setting_read(path, now, sizeof(now)) && !setting_at_home(self, path, now, sizeof(now))) {
		if (error == ENOENT)
			return side_refuse(why, "this kernel has no %s", name);
		return side_refuse(why, "%s is a setting of the whole machine: set it outside", name);
	}
	if (value_same(now, value))
		return true;
	return side_refuse(why,
			   "%s is not a namespace's own: it is \"%.*s\" for the whole machine, and stays so unless "
			   "you set it outside",
			   name, (int)strcspn(now, "\n"), now);
}

bool settings_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why)
{
	struct linux_side *self = linux_side(side);
	char path[256], now[256];
	int err;

	if (!setting_path(name, path, sizeof(path)))
		return side_refuse(why, "%s is not the name of a setting", name);
	if (strncmp(path, "/proc/sys/net/", strlen("/proc/sys/net/"))) {
		if (setting_read(path, now, sizeof(now)) && value_same(now, value))
			return true;
		return side_refuse(why, "%s is a setting of the whole machine: set it outside", name);
	}
	err = settings_write(path, value);
	if (!err)
		return true;
	/* open() of a file that is there says EACCES or EPERM; ENOENT then comes from its value */
	return setting_refused(self, path, name, value, -err, why);
}

/* ---------------------------------------------------------------- lines of shell */

/* What it has said, blanks at the end cut off, behind how it ended. */
static bool command_failed(int output, int status, struct drill_text *why)
{
	char said[sizeof(why->text) / 2] = "";
	ssize_t len = pread(output, said, sizeof(said) - 1, 0);

	while (len > 0 && isspace((unsigned char)said[len - 1]))
		said[--len] = 0;
	if (WIFSIGNALED(status))
		return side_refuse(why, "the command was killed by signal %d%s%s", WTERMSIG(status),
				   len > 0 ? ": " : "", said);
	return side_refuse(why, "the command failed with status %d%s%s", WEXITSTATUS(status), len > 0 ? ": " : "",
			   said);
}

/* A group of its own, so that all of it can be ended; signals as a shell expects them. */
static int command_spawn(struct linux_side *self, const char *line, int output, pid_t *pid)
{
	char *const argv[] = {"sh", "-c", (char *)(uintptr_t)line, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	if (self->folder != AT_FDCWD)
		posix_spawn_file_actions_addfchdir_np(&files, self->folder);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, 1);
	posix_spawn_file_actions_adddup2(&files, output, 2);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	err = posix_spawn(pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

/* False: it took longer than anybody would wait, and has been ended with all that it had started. */
static bool command_wait(struct linux_side *self, pid_t pid, int *status)
{
	int64_t end = clock_now() + SIDE_PATIENCE_NS;
	bool patient = true;

	calls_patience(self);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		if (patient && clock_now() >= end) {
			kill(-pid, SIGKILL);
			patient = false;
		}
	calls_patience_ends(self);
	return patient;
}

bool settings_command(struct drill_side *side, const char *line, struct drill_text *why)
{
	struct linux_side *self = linux_side(side);
	int output = memfd_create("drill", MFD_CLOEXEC), err, status = 0;
	bool done = false;
	pid_t pid;

	if (output < 0)
		return side_refuse(why, "cannot make a file for the command's output (%s)", strerror(errno));
	err = command_spawn(self, line, output, &pid);
	if (err)
		side_refuse(why, "cannot start /bin/sh (%s)", strerror(err));
	else if (!command_wait(self, pid, &status))
		side_refuse(why, "the command had not ended after %lld s", SIDE_PATIENCE_NS / NS_PER_S);
	else if (status)
		command_failed(output, status, why);
	else
		done = true;
	close(output);
	return done;
}

/* ---------------------------------------------------------------- counters */

typedef void each_counter(void *arg, const char *name, uint64_t value);

/* Lines come in pairs: "Tcp: RtoMin ActiveOpens ..." and "Tcp: 200 1 ..."; the name is TcpActiveOpens. */
static void counters_pair(char *names, char *values, each_counter *each, void *arg)
{
	char *name_rest, *value_rest, *name = strtok_r(names, " \n", &name_rest), *value, full[128];
	const char *group = name;

	value = strtok_r(values, " \n", &value_rest);
	if (!group || !value || !*group)
		return;
	name[strlen(name) - 1] = 0;
	for (;;) {
		name = strtok_r(NULL, " \n", &name_rest);
		value = strtok_r(NULL, " \n", &value_rest);
		if (!name || !value)
			return;
		snprintf(full, sizeof(full), "%s%s", group, name);
		each(arg, full, strtoull(value, NULL, 10));
	}
}

static void counters_pairs(const char *path, each_counter *each, void *arg)
{
	FILE *file = fopen(path, "re");
	char *names = NULL, *values = NULL;
	size_t names_size = 0, values_size = 0;

	if (!file)
		return;
	while (getline(&names, &names_size, file) > 0 && getline(&values, &values_size, file) > 0)
		counters_pair(names, values, each, arg);
	free(names);
	free(values);
	fclose(file);
}

/* One name and its value a line. */
static void counters_list(const char *path, each_counter *each, void *arg)
{
	FILE *file = fopen(path, "re");
	char line[128], name[96];
	unsigned long long value;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%95s %llu", name, &value) == 2)
			each(arg, name, value);
	fclose(file);
}

/* "self" would be the first thread's namespace. */
void settings_counters(struct drill_side *side, each_counter *each, void *arg)
{
	(void)side;
	counters_pairs("/proc/thread-self/net/snmp", each, arg);
	counters_pairs("/proc/thread-self/net/netstat", each, arg);
	counters_list("/proc/thread-self/net/snmp6", each, arg);
}
