// SPDX-License-Identifier: MIT
/*
 * host/drill/calls.c - a program's calls
 *
 *	start()  announced to wait: a worker thread makes it, and we look on until it has returned or sleeps in the kernel
 *	         else: made right here, interrupted after SIDE_PATIENCE_NS
 *	finish() the worker's call has returned, or not until then
 *	abandon() SIDE_SIGNAL, until it has returned
 *
 * What has been woken comes first: before the next call, or packet, each worker that does not sleep is let return. On a busy
 * machine a program might otherwise close what another is just about to look at.
 *
 * A worker is handed its calls through one word, its phase, on which either side sleeps (futex). Before CALLING it may
 * sleep for want of work; from then until RETURNED it sleeps only in the call itself. So a worker in this phase that /proc
 * shows as sleeping waits for what the script is about, however busy the machine.
 *
 * A script closes only what its calls have made: any other number is replaced by -1 on the way. SIGPIPE is blocked in all
 * threads of a side, and taken back from the queue where a call has raised it.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum worker_phase { WORKER_IDLE, WORKER_ASKED, WORKER_CALLING, WORKER_RETURNED, WORKER_ENDS };

/**
 * struct side_worker - a thread for one call at a time
 * @stat:  its /proc file
 * @phase: enum worker_phase; IDLE -> ASKED by us, -> CALLING -> RETURNED by it, -> IDLE by us when the result is taken
 * @sys:   the call, which belongs to it from ASKED to RETURNED
 */
struct side_worker {
	struct side_worker *next;
	pthread_t thread;
	pid_t tid;
	int stat;
	int folder;
	_Atomic uint32_t phase;
	struct drill_sys *sys;
};

/* ---------------------------------------------------------------- phases */

static void phase_set(struct side_worker *worker, enum worker_phase phase)
{
	atomic_store(&worker->phase, phase);
	syscall(SYS_futex, &worker->phase, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Sleeps while the phase is @phase, at most until then. */
static void phase_wait(struct side_worker *worker, enum worker_phase phase, int64_t until_ns)
{
	struct timespec until = clock_spec(until_ns);

	while (atomic_load(&worker->phase) == phase && clock_now() < until_ns)
		syscall(SYS_futex, &worker->phase, FUTEX_WAIT_BITSET_PRIVATE, phase, &until, NULL,
			FUTEX_BITSET_MATCH_ANY);
}

/* ---------------------------------------------------------------- one call */

/* Was SIGPIPE raised with it? Then it is pending in this thread, and is taken. */
static int call_signal(const struct drill_sys *sys)
{
	const struct timespec now = {0};
	sigset_t pipe;

	if (sys->result != -EPIPE)
		return 0;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	return sigtimedwait(&pipe, NULL, &now) == SIGPIPE ? SIGPIPE : 0;
}

static void call_make(struct drill_sys *sys, int folder)
{
	long result;

	sys->begun_ns = clock_now();
	result = sysno_call(sys->no, sys->arg, folder);
	sys->result = result < 0 ? -errno : result;
	sys->ended_ns = clock_now();
	sys->signal = call_signal(sys);
	if (sys->no == DRILL_SYS_RECVMSG && result >= 0)
		clock_of_message((struct msghdr *)(uintptr_t)sys->arg[1]);
}

/* ---------------------------------------------------------------- the script's descriptors */

static struct side_fd **fd_find(struct linux_side *self, int fd)
{
	struct side_fd **at = &self->fds;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

static void fd_add(struct linux_side *self, int fd)
{
	struct side_fd *entry = calloc(1, sizeof(*entry));

	if (!entry)
		abort();
	*entry = (struct side_fd){.next = self->fds, .fd = fd};
	self->fds = entry;
}

static void fd_remove(struct linux_side *self, int fd)
{
	struct side_fd **at = fd_find(self, fd), *entry = *at;

	if (!entry)
		return;
	*at = entry->next;
	free(entry);
}

/* Numbers that mean something else in this process mean nothing to a script. close() frees its number at once. */
static void fds_before(struct linux_side *self, struct drill_sys *sys)
{
	unsigned which = sysno_fds(sys->no), i;

	for (i = 0; i < 6; i++)
		if (which & 1u << i && !*fd_find(self, (int)sys->arg[i]))
			sys->arg[i] = (uint64_t)-1;
	if (sys->no == DRILL_SYS_CLOSE)
		fd_remove(self, (int)sys->arg[0]);
}

static void fds_after(struct linux_side *self, const struct drill_sys *sys)
{
	const int *pair = (const int *)(uintptr_t)sys->arg[0];

	if (sys->result < 0)
		return;
	switch (sys->no) {
	case DRILL_SYS_SOCKET:
	case DRILL_SYS_ACCEPT:
	case DRILL_SYS_OPEN:
	case DRILL_SYS_EPOLL_CREATE:
		fd_add(self, (int)sys->result);
		break;
	case DRILL_SYS_FCNTL:
		if (sys->arg[1] == F_DUPFD || sys->arg[1] == F_DUPFD_CLOEXEC)
			fd_add(self, (int)sys->result);
		break;
	case DRILL_SYS_PIPE:
		fd_add(self, pair[0]);
		fd_add(self, pair[1]);
		break;
	default:
		break;
	}
}

/* A connection that is left open ends with a reset, so that nothing of it stays in the namespace. */
static void fds_close(struct linux_side *self)
{
	const struct linger now = {.l_onoff = 1};

	while (self->fds) {
		int fd = self->fds->fd;

		fd_remove(self, fd);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
}

/* ---------------------------------------------------------------- workers */

static void *worker_main(void *arg)
{
	struct side_worker *worker = arg;

	clock_hurry();
	worker->tid = gettid();
	phase_set(worker, WORKER_IDLE);
	for (;;) {
		phase_wait(worker, WORKER_IDLE, INT64_MAX);
		phase_wait(worker, WORKER_RETURNED, INT64_MAX);
		switch (atomic_load(&worker->phase)) {
		case WORKER_ASKED:
			atomic_store(&worker->phase, WORKER_CALLING);
			call_make(worker->sys, worker->folder);
			phase_set(worker, WORKER_RETURNED);
			break;
		case WORKER_ENDS:
			return NULL;
		}
	}
}

/* The kernel's word for what a thread does: the letter behind its name in brackets. */
static bool worker_sleeps(const struct side_worker *worker)
{
	char text[512];
	ssize_t len = pread(worker->stat, text, sizeof(text) - 1, 0);
	const char *name_end;

	if (len <= 0)
		return false;
	text[len] = 0;
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static struct side_worker *worker_new(struct linux_side *self)
{
	struct side_worker *worker = calloc(1, sizeof(*worker));
	char path[64];

	if (!worker)
		abort();
	worker->folder = self->folder;
	worker->phase = WORKER_CALLING;
	if (pthread_create(&worker->thread, NULL, worker_main, worker)) {
		free(worker);
		return NULL;
	}
	phase_wait(worker, WORKER_CALLING, INT64_MAX);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", worker->tid);
	worker->stat = open(path, O_RDONLY | O_CLOEXEC);
	worker->next = self->workers;
	self->workers = worker;
	return worker;
}

static struct side_worker *worker_free(struct linux_side *self)
{
	struct side_worker *worker = self->workers;

	while (worker && worker->phase != WORKER_IDLE)
		worker = worker->next;
	return worker ? worker : worker_new(self);
}

static void worker_end(struct side_worker *worker)
{
	phase_set(worker, WORKER_ENDS);
	pthread_join(worker->thread, NULL);
	if (worker->stat >= 0)
		close(worker->stat);
	free(worker);
}

/* Its call has returned: the worker is free again. */
static void worker_take(struct linux_side *self, struct side_worker *worker)
{
	struct drill_sys *sys = worker->sys;

	worker->sys = NULL;
	atomic_store(&worker->phase, WORKER_IDLE);
	sys->side = NULL;
	sys->pending = false;
	fds_after(self, sys);
}

/* Looks on until its call has returned or sleeps. The worker is given the processor, and then the time to get one. */
static void worker_watch(const struct side_worker *worker)
{
	const struct timespec moment = {.tv_nsec = 20 * NS_PER_US};
	unsigned looks;

	for (looks = 0; atomic_load(&worker->phase) != WORKER_RETURNED; looks++) {
		if (atomic_load(&worker->phase) == WORKER_CALLING && worker_sleeps(worker) &&
		    atomic_load(&worker->phase) == WORKER_CALLING)
			return;
		if (looks < 4)
			sched_yield();
		else
			nanosleep(&moment, NULL);
	}
}

void calls_settle(struct linux_side *self)
{
	struct side_worker *worker;

	for (worker = self->workers; worker; worker = worker->next)
		if (worker->sys)
			worker_watch(worker);
}

/* ---------------------------------------------------------------- the side's functions */

static void calls_interrupt(int signal)
{
	(void)signal; /* the call that it comes into returns */
}

bool calls_open(struct linux_side *self, struct drill_text *why)
{
	struct sigaction action = {.sa_handler = calls_interrupt};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIDE_SIGNAL};
	sigset_t set;

	event._sigev_un._tid = gettid();
	sigaction(SIDE_SIGNAL, &action, &self->before.action);
	sigemptyset(&set);
	sigaddset(&set, SIDE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, &self->before.mask);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &self->patience))
		return side_refuse(why, "cannot make a timer (%s)", strerror(errno));
	self->has_patience = true;
	if (!worker_new(self))
		return side_refuse(why, "cannot start a thread (%s)", strerror(errno));
	return true;
}

void calls_close(struct linux_side *self)
{
	while (self->workers) {
		struct side_worker *worker = self->workers;

		if (worker->sys)
			calls_abandon(&self->side, worker->sys);
		self->workers = worker->next;
		worker_end(worker);
	}
	fds_close(self);
	if (self->has_patience)
		timer_delete(self->patience);
	sigaction(SIDE_SIGNAL, &self->before.action, NULL);
	pthread_sigmask(SIG_SETMASK, &self->before.mask, NULL);
}

void calls_patience(struct linux_side *self)
{
	struct itimerspec first = {.it_value = clock_spec(SIDE_PATIENCE_NS), .it_interval = clock_spec(10 * NS_PER_MS)};

	timer_settime(self->patience, 0, &first, NULL);
}

void calls_patience_ends(struct linux_side *self)
{
	const struct itimerspec never = {0};

	timer_settime(self->patience, 0, &never, NULL);
}

bool calls_start(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why)
{
	struct linux_side *self = linux_side(side);
	struct side_worker *worker;

	calls_settle(self);
	sys->pending = false;
	fds_before(self, sys);
	if (!may_wait) {
		calls_patience(self);
		call_make(sys, self->folder);
		calls_patience_ends(self);
		fds_after(self, sys);
		return sys->ended_ns - sys->begun_ns < SIDE_PATIENCE_NS ||
		       side_refuse(why, "it had not returned after %lld s, and was not announced to wait (...)",
				   SIDE_PATIENCE_NS / NS_PER_S);
	}
	worker = worker_free(self);
	if (!worker)
		return side_refuse(why, "cannot start a thread for it (%s)", strerror(errno));
	worker->sys = sys;
	sys->side = worker;
	sys->pending = true;
	phase_set(worker, WORKER_ASKED);
	worker_watch(worker);
	calls_finish(side, sys, 0);
	return true;
}

bool calls_finish(struct drill_side *side, struct drill_sys *sys, int64_t until_ns)
{
	struct side_worker *worker = sys->side;

	if (!sys->pending)
		return true;
	phase_wait(worker, WORKER_CALLING, until_ns);
	if (atomic_load(&worker->phase) != WORKER_RETURNED)
		return false;
	worker_take(linux_side(side), worker);
	return true;
}

/* The signal may come just before the call sleeps, and be lost: so again, until it has returned. */
void calls_abandon(struct drill_side *side, struct drill_sys *sys)
{
	struct side_worker *worker = sys->side;

	while (sys->pending && !calls_finish(side, sys, clock_now() + NS_PER_MS))
		tgkill(getpid(), worker->tid, SIDE_SIGNAL);
}
