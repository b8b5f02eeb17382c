// SPDX-License-Identifier: MIT
/*
 * cmd/run.c - lastack run: an ordinary program whose TCP is Lastack's
 *
 * Here the command line becomes a stack's folder, a program with the preload in its environment, and the body of the
 * executor's process; who starts what and waits for whom is host/run/launcher.h.
 */
#include "cmd/report.h"
#include "cmd/setup.h"
#include "host/run/executor.h"
#include "host/run/launcher.h"
#include "host/run/program.h"
#include "host/run/segment.h"
#include "host/run/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NSEC	      1000000000ull
#define DRAIN_DEFAULT 5
#define SPIN_DEFAULT  200 /* us */
#define PRELOAD	      "liblastack-preload.so"

/**
 * struct run - what was asked for
 * @name:    of the stack; made from the program's where none was given
 * @nstat:   where counters go at the end, @counters once it is open; NULL: nowhere
 * @drain_s: how long orphaned connections may take at the end
 * @keeper:  in the keeper: itself; joining a rootless stack: whose namespaces to enter, else 0
 */
struct run {
	struct setup setup;
	const struct command *command;
	struct folder folder;
	struct program program;
	struct executor *executor;
	FILE *counters;
	const char *name, *join, *nstat;
	char own_name[FOLDER_NAME + 1];
	uint64_t drain_s, drain_until_ns, spin_us;
	pid_t keeper;
	bool rootless, loopback_kernel, loopback_asked, wait;
};

enum {
	OPT_NAME = 2,
	OPT_JOIN,
	OPT_DEV,
	OPT_LOOPBACK,
	OPT_ROOTLESS,
	OPT_DRAIN,
	OPT_SPIN,
	OPT_WAIT,
	OPT_NSTAT,
};

static const struct option_spec run_options[] = {
	{OPT_NAME, "name", "NAME", "name of the stack, for --join, ss and nstat (PROGRAM-PID)"},
	{OPT_JOIN, "join", "NAME", "run the program on this stack, which is there already"},
	{OPT_DEV, "dev", "tun:NAME|none",
	 "the interface, or only the stack's own loopback (none, unless an\n"
	 "                             option below speaks of an interface)"},
	{OPT_LOOPBACK, "loopback", "stack|kernel", "whose 127.0.0.1 and ::1 the program sees (stack)"},
	{OPT_ROOTLESS, "rootless", NULL, "in new user and network namespaces: needs no rights"},
	{OPT_DRAIN, "drain", "SECONDS", "let closed connections finish for so long after the last program (5)"},
	{OPT_SPIN, "spin", "MICROSECONDS", "how long the stack looks for calls before it sleeps, at most (200)"},
	{OPT_NSTAT, "nstat", "FILE", "write all counters to FILE at the end, as \"lastack nstat -az\" prints them"},
	{OPT_WAIT, "wait", NULL, "return when the program's last descendant has ended, too"},
	{0, NULL, NULL, NULL},
};

/* ------------------------------------------------------------------ the executor's process */

static const char *run_who(void *world)
{
	struct run *run = world;

	return run->executor ? executor_who(run->executor) : "";
}

/* Until no connection without a program is left that still has something to say. */
static bool drain_turn(void *world)
{
	struct run *run = world;
	struct la_usage usage;

	la_usage(run->setup.host.stack, &usage);
	if (!usage.orphans || host_now_ns() >= run->drain_until_ns)
		host_stop(&run->setup.host);
	return false;
}

static void drain(struct run *run)
{
	struct host *host = &run->setup.host;

	if (!run->setup.tun_name || !run->drain_s)
		return;
	run->drain_until_ns = host_now_ns() + run->drain_s * NSEC;
	host->hooks.turn = drain_turn;
	host_run(host);
}

static void answer_command(void *world, struct executor *ex, const char *line, FILE *out)
{
	struct run *run = world;

	report_answer(run->setup.host.stack, ex, line, out);
}

static int executor_process(void *world, int launcher_fd)
{
	struct run *run = world;
	struct executor_options options = {
		.dir = run->folder.path,
		.host = &run->setup.host,
		.launcher_fd = launcher_fd,
		.launcher = getppid(),
		.loopback_kernel = run->loopback_kernel,
		.spin_us = (unsigned)run->spin_us,
		.command = answer_command,
		.world = run,
	};
	int status, error;

	prctl(PR_SET_NAME, "lastack-exec");
	run->setup.who = run_who;
	run->setup.world = run;
	if (run->nstat && !(run->counters = fopen(run->nstat, "we"))) {
		fail(run->command, "cannot write the counters to %s: %s", run->nstat, strerror(errno));
		return LAUNCH_FAILED;
	}
	status = setup_host(&run->setup);
	if (status)
		return LAUNCH_FAILED;
	error = executor_new(&run->executor, &options);
	if (error) {
		status = fail(run->command, "the stack cannot be set up in %s: %s", run->folder.path, strerror(-error));
		setup_stop(&run->setup);
		return LAUNCH_FAILED;
	}
	error = executor_run(run->executor);
	if (error)
		fail(run->command, "the interface %s is gone: %s", run->setup.host.tun.name, strerror(-error));
	executor_free(run->executor);
	run->executor = NULL;
	if (!error)
		drain(run);
	if (run->counters) {
		report_counters(run->setup.host.stack, run->counters);
		fclose(run->counters);
	}
	setup_stop(&run->setup);
	return error ? LAUNCH_FAILED : 0;
}

/* ------------------------------------------------------------------ what the program finds */

/* The preload stands beside us in the build, or where it was installed. */
static int find_preload(struct run *run, char *path, size_t room)
{
	static const char *const places[] = {"%.*s/" PRELOAD, "%.*s/../lib/" PRELOAD, LASTACK_LIBDIR "/" PRELOAD};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	self[len < 0 ? 0 : len] = 0;
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, room, places[i], (int)(slash - self), self);
		if (access(path, R_OK))
			continue;
		if (strpbrk(path, " :"))
			return fail(run->command,
				    "%s: the dynamic linker takes no blank or colon in the path of a preload; "
				    "move the build elsewhere",
				    path);
		return 0;
	}
	return fail(run->command, PRELOAD " is missing beside %s: build or install it", self);
}

static int set_environment(struct run *run)
{
	const char *before = getenv("LD_PRELOAD");
	char path[2 * PATH_MAX], list[4 * PATH_MAX];

	if (find_preload(run, path, sizeof(path)))
		return EXIT_FAILURE;
	snprintf(list, sizeof(list), "%s%s%s", path, before && *before ? ":" : "", before ? before : "");
	if (setenv("LD_PRELOAD", list, 1) || setenv(SEG_ENV_DIR, run->folder.path, 1))
		return fail(run->command, "no memory for the environment");
	return 0;
}

/* ------------------------------------------------------------------ the stack's folder */

static void name_stack(struct run *run, const char *program)
{
	const char *slash = strrchr(program, '/');
	char *at = run->own_name;

	snprintf(run->own_name, sizeof(run->own_name), "%.24s-%d", slash ? slash + 1 : program, (int)getpid());
	for (; *at; at++)
		if (strchr(".-_", *at) ? at == run->own_name : !folder_name_is_good((char[]){*at, 0}))
			*at = '_';
	run->name = run->own_name;
}

static int join_stack(struct run *run)
{
	int error = folder_join(&run->folder, run->join);
	bool rootless = false;

	if (!error)
		error = folder_read_keeper(&run->folder, &run->keeper, &rootless);
	if (error == -ESRCH)
		return fail(run->command, "no stack named %s is running; \"lastack ss --list\" names those that are",
			    run->join);
	if (error)
		return fail(run->command, "cannot join %s: %s", run->join, strerror(-error));
	if (!rootless)
		run->keeper = 0;
	return 0;
}

static int make_stack(struct run *run, const char *program)
{
	int error;

	if (!run->name)
		name_stack(run, program);
	error = folder_make(&run->folder, run->name);
	if (error == -EADDRINUSE)
		return fail(run->command, "a stack named %s is running; choose another --name, or --join it",
			    run->name);
	if (error)
		return fail(run->command, "cannot make a folder for the stack %s: %s", run->name, strerror(-error));
	return 0;
}

static int enter_space(void *world)
{
	struct run *run = world;
	const char *why = NULL;
	int error = run->keeper ? room_enter(run->keeper, &why) : room_make(&why);

	if (error)
		fail(run->command, "%s: %s", why, strerror(-error));
	return error ? LAUNCH_FAILED : 0;
}

static void run_say(void *world, const char *sentence)
{
	fail(((struct run *)world)->command, "%s", sentence);
}

/* ------------------------------------------------------------------ the command */

static int option_dev(struct run *run, const char *value)
{
	run->setup.device_asked = true;
	if (!strcmp(value, "none")) {
		run->setup.tun_name = NULL;
		return 0;
	}
	if (strncmp(value, "tun:", 4) || !value[4])
		return misuse(run->command, "--dev wants tun:NAME or none, not %s", value);
	run->setup.tun_name = value + 4;
	return 0;
}

static int run_option(struct run *run, int id, const char *value)
{
	switch (id) {
	case OPT_NAME:
	case OPT_JOIN:
		if (!folder_name_is_good(value))
			return misuse(run->command, "a stack's name is of at most %d letters, digits and .-_, not %s",
				      FOLDER_NAME, value);
		*(id == OPT_NAME ? &run->name : &run->join) = value;
		return 0;
	case OPT_DEV:
		return option_dev(run, value);
	case OPT_LOOPBACK:
		run->loopback_asked = true;
		run->loopback_kernel = !strcmp(value, "kernel");
		if (!run->loopback_kernel && strcmp(value, "stack"))
			return misuse(run->command, "--loopback wants stack or kernel, not %s", value);
		return 0;
	case OPT_ROOTLESS:
		run->rootless = run->setup.device_asked = true;
		return 0;
	case OPT_DRAIN:
		return parse_number(value, 0, 3600, &run->drain_s)
			       ? 0
			       : misuse(run->command, "--drain wants 0 to 3600 seconds, not %s", value);
	case OPT_SPIN:
		return parse_number(value, 0, 1000000, &run->spin_us)
			       ? 0
			       : misuse(run->command, "--spin wants 0 to 1000000 microseconds, not %s", value);
	case OPT_NSTAT:
		run->nstat = value;
		return 0;
	case OPT_WAIT:
		run->wait = true;
		return 0;
	default:
		return setup_option(&run->setup, id, value);
	}
}

/* Is there an option about the stack itself? */
static bool asks_for_stack(const struct run *run)
{
	const struct setup *setup = &run->setup;

	return run->name || run->nstat || run->loopback_asked || setup->device_asked || setup->pcap || setup->ladder ||
	       setup->sysctl_count;
}

/* Our options end at the program, or at "--"; *@first is where it stands. */
static int read_options(struct run *run, int argc, char **argv, int *first)
{
	struct args args;
	const char *value;
	int id;

	args_init(&args, run->command, argc, argv);
	for (;;) {
		if (args.next < argc && !strcmp(argv[args.next], "--")) {
			*first = args.next + 1;
			break;
		}
		id = args_next(&args, &value);
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		*first = args.next - (id == ARGS_PLAIN);
		if (id == ARGS_PLAIN || id == ARGS_END)
			break;
		if (run_option(run, id, value))
			return EXIT_USAGE;
	}
	if (*first >= argc)
		return misuse(run->command, "a program is missing");
	if (run->join && asks_for_stack(run))
		return misuse(run->command,
			      "--join takes the stack as it is: leave out its name, interface, settings and capture");
	if (!run->setup.device_asked)
		run->setup.tun_name = NULL;
	return 0;
}

static int run_run(const struct command *command, int argc, char **argv)
{
	static struct run run = {.drain_s = DRAIN_DEFAULT, .spin_us = SPIN_DEFAULT};
	struct launch job = {.folder = &run.folder, .say = run_say, .world = &run};
	int first, status;

	launch_prepare();
	run.command = command;
	setup_init(&run.setup, command);
	run.setup.only_asked = true;
	if (read_options(&run, argc, argv, &first))
		return LAUNCH_FAILED;
	status = program_find(&run.program, argv[first]);
	if (status) {
		fail(command, "%s", run.program.why);
		return status;
	}
	if (run.join ? join_stack(&run) : make_stack(&run, argv[first]))
		return LAUNCH_FAILED;
	if (set_environment(&run)) {
		if (!run.join)
			folder_remove(&run.folder);
		return LAUNCH_FAILED;
	}
	job.path = run.program.path;
	job.argv = argv + first;
	job.environ = environ;
	job.executor = run.join ? NULL : executor_process;
	job.space = run.rootless || run.keeper ? enter_space : NULL;
	job.wait = run.wait;
	job.rootless = run.rootless;
	return launch(&job);
}

const struct command run_command = {
	.name = "run",
	.args = "[--] PROGRAM [ARGUMENT...]",
	.about = "an ordinary program, all its TCP on Lastack",
	.details =
		"  lastack run -- python3 -m http.server 8000\n"
		"  lastack run --dev tun:la0 --addr 10.9.0.2/24 -- nginx -g 'daemon off;'\n\n"
		"exit status: the program's; 125 lastack failed, 126 the program cannot be run, 127 there is none.\n",
	.options = run_options,
	.network = true,
	.program = true,
	.run = run_run,
};
