// SPDX-License-Identifier: MIT
/*
 * host/run/executor.c - the executor's life and its loop
 *
 * One round: what was done with loans, and the calls that were submitted; the stack's timers; then, but not in every round
 * while there are calls, its epoll: frames, FIFOs that hang up, deaths, the control socket, the launcher. With nothing to do it
 * looks for calls a while longer, as the answer to one is often the next, and then sleeps: it says so on the shared page, looks once more, and
 * whoever submits afterwards rings its bell. While a program is busy with what was lent to it, it only dozes.
 *
 * It runs before the programs where it may (take_precedence): they wait for it as they would for the kernel, and one that
 * has a call in progress could only look on.
 */
#include "host/run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EVENTS	256
#define DOZE_NS 50000
#define LOOK_NS 20000 /* while calls come, descriptors are looked at this often */
#define NSEC	1000000000ull
#define AMISS	16 /* bells in a row from where its callers had better not be, after which it moves */
#define RETRY	64 /* sleeps after which looking for calls is tried in full again */

/* ------------------------------------------------------------------ descriptors */

int watch_add(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLIN, .data.ptr = watch};

	return epoll_ctl(ex->epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? -errno : 0;
}

void watch_close(struct executor *ex, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(ex->epoll, EPOLL_CTL_DEL, watch->fd, NULL); /* a program may have the same description: its bell */
	close(watch->fd);
	watch->fd = -1;
}

/* Every file of every program costs one here. */
static void raise_limit(void)
{
	struct rlimit limit, most;
	unsigned long max = 0;
	FILE *f = fopen("/proc/sys/fs/nr_open", "r");

	if (f && fscanf(f, "%lu", &max) != 1)
		max = 0;
	if (f)
		fclose(f);
	most = (struct rlimit){max, max};
	if (max && !setrlimit(RLIMIT_NOFILE, &most))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* ------------------------------------------------------------------ the launcher */

void executor_note(struct executor *ex, enum executor_note_kind kind, const struct client *client, int fd)
{
	struct executor_note note = {.kind = kind};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {&note, sizeof(note)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (ex->launcher.fd < 0)
		return;
	if (client) {
		note.pid = client->pid;
		note.number = client->number;
	}
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(int));
	}
	/* Only a launcher that hangs could refuse it; then it could not help either. */
	if (sendmsg(ex->launcher.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void on_launcher(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct executor_note note;

	(void)events;
	if (recv(watch->fd, &note, sizeof(note), MSG_DONTWAIT) > 0)
		executor_stop(ex);
	else
		watch_close(ex, watch);
}

/* A launcher that was killed told nothing: its programs go on, and the stack ends with the last of them. */
static bool is_deserted(const struct executor *ex)
{
	return ex->options.launcher_fd >= 0 && ex->launcher.fd < 0 && !ex->clients;
}

/* ------------------------------------------------------------------ the loop */

static void on_frames(struct executor *ex, struct watch *watch, uint32_t events)
{
	int n = host_receive(ex->options.host);

	(void)watch;
	(void)events;
	if (n < 0) {
		ex->error = n;
		ex->stopped = true;
	}
	ex->busy_ns = host_now_ns();
}

/* Things that could not be done in the middle of others. */
static void end_of_turn(struct executor *ex)
{
	if (ex->loans_ended)
		loans_take(ex);
	calls_wake(ex);
	if (ex->files.doubtful)
		files_look(ex);
	if (ex->sweep)
		clients_sweep(ex);
}

/* Waits for descriptors until @until_ns, not at all if that is past. */
static int look(struct executor *ex, uint64_t now_ns, uint64_t until_ns)
{
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec ts = {(time_t)(left_ns / NSEC), (long)(left_ns % NSEC)};
	struct epoll_event events[EVENTS];
	int n;

	n = epoll_pwait2(ex->epoll, events, EVENTS, until_ns == UINT64_MAX ? NULL : &ts, NULL);
	atomic_store_explicit(&ex->shared->sleeping, SEG_AWAKE, memory_order_relaxed);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n)
		loans_take(ex); /* whatever came, they were before it */
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		if (watch->fd >= 0)
			watch->ready(ex, watch, events[i].events);
	}
	return 0;
}

/* With nothing to do. */
static int sleep_until(struct executor *ex, uint64_t now_ns, uint64_t until_ns)
{
	int error;

	atomic_store(&ex->shared->sleeping, SEG_ASLEEP);
	if (calls_waiting(ex) || loans_waiting(ex)) {
		atomic_store_explicit(&ex->shared->sleeping, SEG_AWAKE, memory_order_relaxed);
		return 0;
	}
	ex->sleeps++;
	error = look(ex, now_ns, until_ns);
	ex->slept_ns += ((int64_t)(host_now_ns() - now_ns) - (int64_t)ex->slept_ns) / 8;
	return error;
}

/*
 * Programs have something to do for which they need no call: leave them the processor, and let frames gather. What they send
 * meanwhile leaves when they make a call, or when this time is over.
 */
static void doze(struct executor *ex)
{
	struct timespec ts = {0, DOZE_NS};

	atomic_store(&ex->shared->sleeping, SEG_DOZING);
	if (!calls_waiting(ex))
		syscall(SYS_futex, &ex->shared->sleeping, FUTEX_WAIT, SEG_DOZING, &ts, NULL, 0);
	atomic_store_explicit(&ex->shared->sleeping, SEG_AWAKE, memory_order_relaxed);
	ex->lent = loans_waiting(ex); /* else they do something else */
}

/* The other thread of this core may have the work. */
static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Looking for calls is worth about as long as they took to come of late. Where they never come in time (the caller's processor
 * is ours) it only keeps them from coming; so the less it helps the shorter it is, and now and then, once, it is tried in full.
 */
static uint64_t patience_ns(const struct executor *ex)
{
	return ex->trying ? ex->options.spin_us * 1000ull : ex->patience_ns;
}

static void looked_in_vain(struct executor *ex)
{
	if (!ex->trying)
		ex->patience_ns -= ex->patience_ns / 4;
	ex->trying = ex->sleeps % RETRY == 0;
}

static void call_came(struct executor *ex, uint64_t gap_ns)
{
	uint64_t most = ex->options.spin_us * 1000ull, wanted = 2 * gap_ns + 1000;

	if (wanted > most)
		wanted = most;
	ex->patience_ns = ex->trying ? wanted : (3 * ex->patience_ns + wanted) / 4;
	ex->trying = false;
}

/* The calls that are there, and the timers that are due. */
static bool work(struct executor *ex, uint64_t *now_ns)
{
	bool busy = calls_take(ex);

	*now_ns = host_now_ns();
	if (busy) {
		if (ex->looking)
			call_came(ex, *now_ns - ex->busy_ns);
		ex->busy_ns = *now_ns;
	}
	ex->looking = !busy;
	if (la_deadline_ns(ex->stack) <= *now_ns)
		la_advance(ex->stack, *now_ns);
	end_of_turn(ex);
	return busy;
}

static int round_of(struct executor *ex)
{
	uint64_t now_ns;
	bool busy = work(ex, &now_ns);
	int error;

	if (!busy && ex->lent && now_ns - ex->busy_ns >= patience_ns(ex)) {
		doze(ex);
		return 0;
	}
	if (!busy && now_ns - ex->busy_ns >= patience_ns(ex)) {
		looked_in_vain(ex);
		error = sleep_until(ex, now_ns, la_deadline_ns(ex->stack));
		ex->looking = false;
	} else if (now_ns >= ex->look_ns) {
		error = look(ex, now_ns, 0);
	} else {
		relax();
		return 0;
	}
	end_of_turn(ex);
	ex->look_ns = host_now_ns() + LOOK_NS;
	return error;
}

/* To that processor, or away from it, if that is allowed; what is allowed stays as it was. */
static void move(uint32_t cpu, bool away)
{
	cpu_set_t all, there;

	if (cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(all), &all) < 0 || !CPU_ISSET(cpu, &all))
		return;
	CPU_ZERO(&there);
	if (away)
		there = all;
	CPU_CLR(cpu, &there);
	if (!away)
		CPU_SET(cpu, &there);
	if (CPU_COUNT(&there) && !sched_setaffinity(0, sizeof(there), &there))
		sched_setaffinity(0, sizeof(all), &all);
}

/*
 * Who rings from another processor waits until that wakes up, tens of microseconds on a virtual machine; on one's own it takes a
 * switch there and back. So the executor follows its callers, when they have come from one place for a while. But callers that
 * come back sooner than it would give up looking for them are seen without any bell, from elsewhere only: it leaves them theirs.
 */
void executor_rung_from(struct executor *ex, uint32_t cpu)
{
	bool busy = ex->slept_ns < ex->options.spin_us * 1000ull, apart = cpu != (uint32_t)sched_getcpu();

	if (apart == busy || cpu != ex->rung_from) {
		ex->rung_from = cpu;
		ex->rung_amiss = 0;
		return;
	}
	if (++ex->rung_amiss < AMISS)
		return;
	ex->rung_amiss = 0;
	ex->trying = busy;
	move(cpu, busy);
}

/* Without the right to it: with short slices, which wake up sooner than long ones. */
static void take_precedence(void)
{
	struct sched_param first = {.sched_priority = 1};
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attr = {.size = sizeof(attr), .runtime_ns = 100000};

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* a doze is shorter than what it would otherwise be rounded up to */
	if (sched_setscheduler(0, SCHED_FIFO, &first) < 0)
		syscall(SYS_sched_setattr, 0, &attr, 0);
}

int executor_run(struct executor *ex)
{
	int error = 0;

	take_precedence();
	executor_note(ex, NOTE_READY, NULL, -1);
	while (!ex->stopped && !error && !is_deserted(ex))
		error = round_of(ex);
	return error ? error : ex->error;
}

void executor_stop(struct executor *ex)
{
	ex->stopped = true;
}

/* ------------------------------------------------------------------ life */

/* On one processor nothing happens while somebody looks whether it has. */
static bool is_alone(void)
{
	cpu_set_t all;

	return !sched_getaffinity(0, sizeof(all), &all) && CPU_COUNT(&all) == 1;
}

static int shared_open(struct executor *ex)
{
	int fd = memfd_create("lastack-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), error = -ENOMEM;
	char path[32];
	void *mem;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*ex->shared)) < 0)
		goto out_close;
	mem = mmap(NULL, sizeof(*ex->shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		goto out_close;
	ex->shared = mem;
	ex->shared->magic = SEG_MAGIC;
	ex->shared->version = SEG_VERSION;
	ex->shared->spin_ns = is_alone() ? 0 : ex->options.spin_us * 1000ull / 4;
	/* Ours is the only mapping that can write. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ex->shared_fd = open(path, O_RDONLY | O_CLOEXEC);
	error = ex->shared_fd < 0 ? -errno : 0;

out_close:
	close(fd);
	return error;
}

static int watches_open(struct executor *ex)
{
	struct host *host = ex->options.host;
	int error = 0;

	ex->tun = (struct watch){host->tun.fd, on_frames};
	ex->launcher = (struct watch){ex->options.launcher_fd, on_launcher};
	if (ex->tun.fd >= 0)
		error = watch_add(ex, &ex->tun, 0);
	if (!error && ex->launcher.fd >= 0)
		error = watch_add(ex, &ex->launcher, EPOLLRDHUP);
	return error ? error : control_open(ex);
}

int executor_new(struct executor **out, const struct executor_options *options)
{
	struct executor *ex = calloc(1, sizeof(*ex));
	int error;

	if (!ex)
		return -ENOMEM;
	raise_limit();
	ex->options = *options;
	ex->stack = options->host->stack;
	ex->fifos = ex->shared_fd = ex->control.fd = ex->launcher.fd = -1;
	ex->dir = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ex->epoll = epoll_create1(EPOLL_CLOEXEC);
	ex->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	error = ex->dir < 0 || ex->epoll < 0 || ex->reserve < 0 ? -errno : 0;
	if (!error)
		error = shared_open(ex);
	if (!error) {
		ex->task = la_task_new(ex->stack);
		error = ex->task ? files_open(ex) : -ENOMEM;
	}
	if (!error)
		error = watches_open(ex);
	if (error)
		executor_free(ex);
	else
		*out = ex;
	return error;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void executor_free(struct executor *ex)
{
	if (!ex)
		return;
	for (struct client *client = ex->clients; client; client = client->next)
		client_gone(ex, client);
	ex->refused = false;
	clients_sweep(ex);
	if (ex->dir >= 0) {
		files_close(ex);
		unlinkat(ex->dir, "control", 0);
	}
	if (ex->task)
		la_task_exit(ex->task, host_now_ns());
	watch_close(ex, &ex->control);
	close_if_open(ex->shared_fd);
	if (ex->shared)
		munmap(ex->shared, sizeof(*ex->shared));
	close_if_open(ex->reserve);
	close_if_open(ex->epoll);
	close_if_open(ex->dir);
	free(ex);
}

/* ------------------------------------------------------------------ what others ask */

struct la_task *executor_task(struct executor *ex)
{
	return ex->task;
}

const char *executor_who(struct executor *ex)
{
	const struct run_call *c = ex->running;
	const struct client *client = c ? c->client : ex->abandoned ? ex->abandoned->client : NULL;

	ex->who[0] = 0;
	if (c && client->gone)
		snprintf(ex->who, sizeof(ex->who), "%s[%d] exit", client->comm, (int)client->pid);
	else if (c && c->number >= 0)
		snprintf(ex->who, sizeof(ex->who), "%s[%d] %s(%d)", client->comm, (int)client->pid, call_classes[c->call].name,
			 c->number);
	else if (c)
		snprintf(ex->who, sizeof(ex->who), "%s[%d] %s", client->comm, (int)client->pid, call_classes[c->call].name);
	else if (ex->abandoned)
		snprintf(ex->who, sizeof(ex->who), "last descriptor gone");
	return ex->who;
}

static uint64_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count > 3 ? count - 3 : 0; /* ".", "..", and the folder itself */
}

void executor_figures(struct executor *ex, struct executor_figures *f)
{
	*f = (struct executor_figures){
		.files = ex->files.bound,
		.spares = ex->files.spares,
		.kernel_sets = ex->files.kernel_sets,
		.descriptors = count_descriptors() - ex->files.pooled,
		.calls = ex->calls,
		.sleeps = ex->sleeps,
		.wakes = ex->wakes,
	};
	for (const struct client *client = ex->clients; client; client = client->next) {
		if (client->gone)
			continue;
		f->connections++;
		f->processes += client->seg != NULL;
		for (unsigned i = 0; client->seg && i < SEG_SLOTS; i++)
			f->calls_pending += client->calls[i] && client->calls[i]->state == CALL_PENDING;
	}
}
