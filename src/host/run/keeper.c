// SPDX-License-Identifier: MIT
/*
 * host/run/keeper.c - keeps a stack as long as a program on it lives, and reaps what the programs leave
 *
 * In:   SIGCHLD; the executor's notes, with the descriptors of all segments; its words on stderr, by a pipe.
 * Here: keeper_check() asks after every event whether anybody is left: children, segments in use, joined programs. If
 *       not, the executor is told to end, and the folder is removed when it has.
 * Out:  reports to the launcher. Should the executor die, ENETDOWN to all calls in progress and to those that follow.
 *
 * The executor is a child that waitpid(-1) does not see (no exit signal, __WCLONE): "no child left" means "no program
 * left".
 */
#include "host/run/keeper.h"

#include "host/run/executor.h"
#include "host/run/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOURN_MS 2 /* how often calls to a dead executor are answered */

/* A segment in use, or a bell of one; we map it, or ring it, only when the executor has died. */
struct kept {
	struct kept *next;
	int fd;
	bool bell;
	pid_t pid;
	uint64_t number;
	struct seg *seg;
};

/**
 * struct keeper - the process between launcher and programs
 * @front:    reports go there; -1 once nobody listens
 * @notes:    the executor; -1: joined, or dead
 * @words:    what the executor writes to stderr; -1: its end
 * @dead:     the executor died unasked
 * @ending:   it was told to end
 */
struct keeper {
	const struct launch *launch;
	int front, signals, notes, words;
	pid_t program, executor;
	struct kept *kept;
	bool ready, started, children, background, dead, ending, removed, over;
};

static void report(struct keeper *k, enum report_kind kind, int value)
{
	struct report message = {kind, value};

	if (k->front >= 0)
		send(k->front, &message, sizeof(message), MSG_NOSIGNAL);
}

static void fail_start(struct keeper *k, int status)
{
	report(k, REPORT_FAILED, status);
	k->over = true;
}

static void say(const struct keeper *k, const char *sentence)
{
	k->launch->say(k->launch->world, sentence);
}

/* ------------------------------------------------------------------ starting */

static void null_descriptor(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, fd);
	close(null);
}

static void executor_process(struct keeper *k, int notes, int words)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(words, STDERR_FILENO);
	null_descriptor(STDIN_FILENO);
	null_descriptor(STDOUT_FILENO);
	close(words);
	close(k->front);
	close(k->signals);
	close(k->launch->folder->hold); /* the lock stays, should the keeper be killed */
	_exit(k->launch->executor(k->launch->world, notes));
}

static int start_executor(struct keeper *k)
{
	int notes[2], words[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, notes) || pipe2(words, O_CLOEXEC))
		return -errno;
	k->executor = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0); /* fork() but for the exit signal */
	if (k->executor < 0)
		return -errno;
	if (!k->executor) {
		close(notes[0]);
		close(words[0]);
		executor_process(k, notes[1], words[1]);
	}
	close(notes[1]);
	close(words[1]);
	k->notes = notes[0];
	k->words = words[0];
	return 0;
}

static void start_program(struct keeper *k)
{
	pid_t pid = fork();

	if (!pid)
		launch_exec(k->launch);
	if (pid < 0) {
		say(k, strerror(errno));
		fail_start(k, LAUNCH_FAILED);
		return;
	}
	k->program = pid;
	k->started = k->children = true;
	report(k, REPORT_STARTED, pid);
	/* They are the program's: who reads the other end of a pipe must see its end. */
	null_descriptor(STDIN_FILENO);
	null_descriptor(STDOUT_FILENO);
}

/* ------------------------------------------------------------------ the executor's notes */

static void keep(struct keeper *k, const struct executor_note *note, int fd)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept) {
		close(fd);
		return;
	}
	*kept = (struct kept){.fd = fd, .bell = note->kind == NOTE_BELL, .pid = note->pid, .number = note->number};
	kept->next = k->kept;
	k->kept = kept;
}

static void drop(struct keeper *k, uint64_t number)
{
	struct kept **at = &k->kept, *kept;

	while ((kept = *at)) {
		if (kept->number != number) {
			at = &kept->next;
			continue;
		}
		*at = kept->next;
		close(kept->fd);
		free(kept);
	}
}

static int message_descriptor(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

/* One note; false: there is none left, or the executor is gone. */
static bool take_note(struct keeper *k)
{
	struct executor_note note;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&note, sizeof(note)};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(k->notes, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (len != sizeof(note))
		return false;
	fd = message_descriptor(&message);
	if (note.kind == NOTE_READY && !k->ready) {
		k->ready = true;
		start_program(k);
	} else if ((note.kind == NOTE_SEGMENT || note.kind == NOTE_BELL) && fd >= 0) {
		keep(k, &note, fd);
		fd = -1;
	} else if (note.kind == NOTE_GONE && !k->ending) { /* at its end it leaves those who live to us */
		drop(k, note.number);
	}
	if (fd >= 0)
		close(fd);
	return true;
}

/* What the executor says goes where our own words go. */
static void on_words(struct keeper *k)
{
	char text[4096];
	ssize_t len = read(k->words, text, sizeof(text));

	if (len > 0 && write(STDERR_FILENO, text, (size_t)len) == len)
		return;
	if (len <= 0) {
		close(k->words);
		k->words = -1;
	}
}

/* ------------------------------------------------------------------ after the executor's death */

static bool end_call(struct seg_slot *slot)
{
	uint32_t state = atomic_load(&slot->state);

	if (state < SLOT_SUBMITTED || state > SLOT_PENDING_EINTR)
		return false;
	slot->result = -ENETDOWN;
	slot->signal = 0;
	atomic_store(&slot->state, SLOT_DONE);
	syscall(SYS_futex, &slot->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return true;
}

static void ring(int bell)
{
	uint64_t one = 1;

	if (write(bell, &one, sizeof(one)) < 0)
		return; /* a full one rings already */
}

/* All of them at first, later those that were submitted since. False: there was none. */
static bool end_calls(struct kept *kept)
{
	bool any = false;

	if (!kept->seg) {
		kept->seg = mmap(NULL, sizeof(*kept->seg), PROT_READ | PROT_WRITE, MAP_SHARED, kept->fd, 0);
		if (kept->seg == MAP_FAILED) {
			kept->seg = NULL;
			return false;
		}
		for (unsigned i = 0; i < SEG_SLOTS; i++)
			any |= end_call(&kept->seg->slot[i]);
		for (unsigned i = 0; i < SEG_LOANS; i++)
			atomic_store(&kept->seg->loan[i].word, 0);
	}
	for (unsigned i = 0; i < SEG_WORDS; i++)
		for (uint64_t set = atomic_exchange(&kept->seg->submitted[i], 0); set; set &= set - 1)
			any |= end_call(&kept->seg->slot[64 * i + (unsigned)__builtin_ctzll(set)]);
	return any;
}

/* Nobody owns the stack any more: whoever waits for it is told so, and whoever comes. */
static void mourn(struct keeper *k)
{
	bool any = false;

	for (struct kept *kept = k->kept; kept; kept = kept->next)
		any |= !kept->bell && end_calls(kept);
	for (struct kept *kept = k->kept; any && kept; kept = kept->next)
		if (kept->bell)
			ring(kept->fd);
}

static void on_executor_gone(struct keeper *k)
{
	char sentence[160];
	int status = 0;

	waitpid(k->executor, &status, __WALL);
	while (k->words >= 0)
		on_words(k);
	close(k->notes);
	k->notes = -1;
	k->executor = 0;
	if (!k->started) {
		fail_start(k, WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : LAUNCH_FAILED);
		return;
	}
	k->dead = true;
	if (k->ending) { /* as it should; but who ends a stack by SIGTERM may leave programs behind */
		k->ending = false;
		return;
	}
	snprintf(sentence, sizeof(sentence), "the stack's executor %s %d: the calls of its programs fail with ENETDOWN",
		 WIFSIGNALED(status) ? "was killed by signal" : "ended with status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	say(k, sentence);
}

/* ------------------------------------------------------------------ children */

static void reap(struct keeper *k)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(k->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGTERM && k->notes >= 0)
			k->ending = send(k->notes, &(struct executor_note){.kind = NOTE_END},
					 sizeof(struct executor_note), MSG_NOSIGNAL) > 0;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != k->program)
			continue;
		if (WIFSTOPPED(status)) {
			report(k, REPORT_STOPPED, WSTOPSIG(status));
			continue;
		}
		report(k, REPORT_ENDED, status);
		k->program = 0;
	}
	k->children = pid == 0;
}

/* A program that was not started here may still be on the stack. */
static bool anybody_left(const struct keeper *k)
{
	if (k->children)
		return true;
	if (!k->launch->executor)
		return false;
	for (const struct kept *kept = k->kept; kept; kept = kept->next)
		if (!kill(kept->pid, 0) || errno == EPERM)
			return true;
	return folder_is_held(k->launch->folder);
}

/* See group_has_it(). */
static void forget_signal(struct keeper *k)
{
	struct report message;
	sigset_t set;

	if (recv(k->front, &message, sizeof(message), MSG_DONTWAIT) != sizeof(message)) {
		close(k->front); /* the launcher was killed */
		k->front = -1;
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, message.value);
	sigtimedwait(&set, NULL, &(struct timespec){0, 0});
}

/* From now on SIGTERM is meant for us. */
static void go_to_background(struct keeper *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigtimedwait(&set, NULL, &(struct timespec){0, 0});
	sigaddset(&set, SIGCHLD);
	signalfd(k->signals, &set, 0);
	k->background = true;
	report(k, REPORT_BACKGROUND, 0);
	if (k->launch->wait)
		return;
	close(k->front);
	k->front = -1;
	null_descriptor(STDERR_FILENO);
}

/* Once: the next stack of this name may be there already. */
static void remove_folder(struct keeper *k)
{
	if (k->launch->executor && !k->removed)
		folder_remove(k->launch->folder);
	k->removed = true;
}

static void keeper_check(struct keeper *k)
{
	struct executor_note end = {.kind = NOTE_END};

	if (!k->started || k->over || k->ending)
		return;
	if (anybody_left(k)) {
		if (!k->program && !k->background)
			go_to_background(k);
		return;
	}
	if (k->notes < 0) {
		k->over = true;
		return;
	}
	k->ending = true;
	remove_folder(k);
	if (send(k->notes, &end, sizeof(end), MSG_NOSIGNAL) < 0)
		kill(k->executor, SIGKILL);
}

/* ------------------------------------------------------------------ the loop */

static void keeper_wait(struct keeper *k)
{
	bool held = k->started && !k->children && !k->ending && k->launch->executor;
	struct pollfd fds[] = {
		{.fd = k->signals, .events = POLLIN}, {.fd = k->notes, .events = POLLIN},
		{.fd = k->words, .events = POLLIN},   {.fd = held ? k->launch->folder->hold : -1, .events = POLLIN},
		{.fd = k->front, .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), k->dead ? MOURN_MS : -1) < 0)
		return;
	if (fds[2].revents)
		on_words(k);
	if (fds[1].revents) {
		while (take_note(k))
			;
		if (fds[1].revents & (POLLHUP | POLLERR))
			on_executor_gone(k);
	}
	if (fds[4].revents)
		forget_signal(k);
	if (fds[0].revents)
		reap(k);
	if (k->dead)
		mourn(k);
	keeper_check(k);
}

static int keeper_signals(void)
{
	sigset_t set;

	/* Nothing that is meant for the program ends us. */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/*
 * Joined: as long as we are connected to the executor, whoever descends from us may come to it, whatever user he
 * became.
 * Never closed, and no failure: most programs need nobody to speak for them.
 */
static void speak_for_program(const struct launch *launch)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control", launch->folder->path);
	if (fd >= 0)
		connect(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* A segment and up to a thousand bells for each process; launch_exec() gives the program its own limit back. */
static void raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

void keeper_run(const struct launch *launch, int front)
{
	struct keeper keeper = {.launch = launch, .front = front, .notes = -1, .words = -1};
	struct keeper *k = &keeper;
	int error = 0;

	k->signals = keeper_signals();
	raise_limit();
	prctl(PR_SET_NAME, "lastack-keeper");
	if (k->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1))
		error = -errno;
	if (!error && launch->space) {
		int status = launch->space(launch->world);

		if (status)
			fail_start(k, status);
	}
	if (!error && !k->over && launch->executor)
		error = start_executor(k);
	else if (!error && !k->over) {
		speak_for_program(launch);
		start_program(k);
	}
	if (!error && !k->over && launch->executor)
		folder_write_keeper(launch->folder, getpid(), launch->rootless);
	if (error) {
		say(k, strerror(-error));
		fail_start(k, LAUNCH_FAILED);
	}
	while (!k->over)
		keeper_wait(k);
	remove_folder(k);
}
