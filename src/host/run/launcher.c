// SPDX-License-Identifier: MIT
/*
 * host/run/launcher.c - the process that was started: hands signals to the program, ends as the program ends
 *
 * In:   signals, by a signalfd; the keeper's reports.
 * Here: the program is in our process group, so what the terminal sends (SI_KERNEL) it has got already, and what
 *       somebody sends to the whole group, too; what is sent to us alone is sent on. When the program stops we stop,
 *       for the shell that waits for us.
 * Out:  the program's exit status, or death by the same signal.
 */
#include "host/run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the program is to find as we found it. */
static struct {
	sigset_t mask;
	struct sigaction pipe, child;
	struct rlimit files;
} found;

static const int forwarded[] = {SIGINT,	 SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH,
				SIGTSTP, SIGCONT, SIGALRM, SIGPWR,  SIGURG,  SIGIO};

void launch_prepare(void)
{
	int fd;

	/* A standard descriptor that is closed stays so for the program, but nothing of ours may get its number. */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	sigprocmask(SIG_BLOCK, NULL, &found.mask);
	getrlimit(RLIMIT_NOFILE, &found.files);
	sigaction(SIGPIPE, NULL, &found.pipe);
	sigaction(SIGCHLD, NULL, &found.child);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

void launch_exec(const struct launch *launch)
{
	sigaction(SIGPIPE, &found.pipe, NULL);
	sigaction(SIGCHLD, &found.child, NULL);
	setrlimit(RLIMIT_NOFILE, &found.files);
	sigprocmask(SIG_SETMASK, &found.mask, NULL);
	execve(launch->path, launch->argv, launch->environ);
	dprintf(STDERR_FILENO, "lastack run: cannot execute %s: %s\n", launch->path, strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* ------------------------------------------------------------------ the launcher's own life */

struct front {
	const struct launch *launch;
	int reports, signals;
	pid_t keeper, program;
	int program_fd; /* pidfd; -1: not started, or over */
	bool ended, over;
	int status; /* wait status of the program, or exit status << 8 */
};

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool read_proc(pid_t pid, const char *name, char *text, size_t room)
{
	char path[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, room - 1);
	close(fd);
	text[len < 0 ? 0 : len] = 0;
	return len > 0;
}

static void send_on(struct front *front, const struct signalfd_siginfo *info)
{
	siginfo_t copy = {.si_signo = (int)info->ssi_signo, .si_code = info->ssi_code};

	if (info->ssi_code != SI_QUEUE) {
		syscall(SYS_pidfd_send_signal, front->program_fd, info->ssi_signo, NULL, 0);
		return;
	}
	copy.si_pid = getpid();
	copy.si_uid = getuid();
	copy.si_value.sival_ptr = (void *)(uintptr_t)info->ssi_ptr;
	syscall(SYS_pidfd_send_signal, front->program_fd, info->ssi_signo, &copy, 0);
}

/* The keeper is in the group and blocks all signals: one that it has, too, was sent to the group. A group is
 * signalled from its youngest member to its eldest, so the keeper has it before us. It is told to forget it. */
static bool group_has_it(const struct front *front, unsigned sig)
{
	char text[4096];
	const char *line;

	if (!read_proc(front->keeper, "status", text, sizeof(text)))
		return false;
	line = strstr(text, "\nShdPnd:");
	if (!line || !(strtoull(line + 8, NULL, 16) >> (sig - 1) & 1))
		return false;
	send(front->reports, &(struct report){REPORT_FORGET, (int)sig}, sizeof(struct report), MSG_NOSIGNAL);
	return true;
}

static void on_signals(struct front *front)
{
	struct signalfd_siginfo info;

	while (read(front->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_code != SI_KERNEL && front->program_fd >= 0 && !group_has_it(front, info.ssi_signo))
			send_on(front, &info);
		if (info.ssi_signo == SIGTSTP)
			raise(SIGSTOP);
	}
}

/* A report of a stop may be older than the SIGCONT that ended it. */
static bool program_is_stopped(const struct front *front)
{
	char text[512];
	const char *behind;

	if (!read_proc(front->program, "stat", text, sizeof(text)))
		return false;
	behind = strrchr(text, ')');
	return behind && behind[1] == ' ' && behind[2] == 'T';
}

static void on_report(struct front *front)
{
	struct report report;

	if (recv(front->reports, &report, sizeof(report), 0) != sizeof(report)) {
		front->over = true;
		waitpid(front->keeper, NULL, 0);
		return;
	}
	switch ((enum report_kind)report.kind) {
	case REPORT_STARTED:
		front->program = report.value;
		front->program_fd = (int)syscall(SYS_pidfd_open, front->program, 0);
		break;
	case REPORT_STOPPED:
		if (program_is_stopped(front))
			raise(SIGSTOP);
		break;
	case REPORT_ENDED:
		close(front->program_fd);
		front->program_fd = -1;
		front->ended = true;
		front->status = report.value;
		break;
	case REPORT_FAILED:
		front->ended = true;
		front->status = report.value << 8;
		break;
	case REPORT_BACKGROUND:
		front->over = !front->launch->wait;
		break;
	case REPORT_FORGET:
		break;
	}
}

static int front_end(struct front *front)
{
	struct rlimit none = {0, 0};
	sigset_t set;
	int sig;

	if (!front->ended) {
		front->launch->say(front->launch->world,
				   "the process that kept the stack was killed; the program goes on without "
				   "us, its calls may fail");
		return LAUNCH_FAILED;
	}
	if (!WIFSIGNALED(front->status))
		return WEXITSTATUS(front->status);
	sig = WTERMSIG(front->status);
	setrlimit(RLIMIT_CORE, &none); /* the core is the program's, not ours */
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + sig;
}

int launch(const struct launch *launch)
{
	struct front front = {.launch = launch, .program_fd = -1};
	struct pollfd fds[2];
	int pair[2];

	front.signals = watch_signals();
	if (front.signals < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		goto failed;
	front.keeper = fork();
	if (front.keeper < 0)
		goto failed;
	if (!front.keeper) {
		close(pair[0]);
		close(front.signals);
		keeper_run(launch, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	folder_close(launch->folder);
	front.reports = pair[0];
	fds[0] = (struct pollfd){.fd = front.reports, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = front.signals, .events = POLLIN};
	while (!front.over) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			on_report(&front);
		if (fds[1].revents)
			on_signals(&front);
	}
	return front_end(&front);
failed:
	launch->say(launch->world, strerror(errno));
	return LAUNCH_FAILED;
}
