/* SPDX-License-Identifier: MIT */
/*
 * host/preload/slot.c - one call: from the program's thread to the executor and back
 *
 *   call_begin    a slot: this thread's own, or the next one when a signal handler met the thread within a call
 *   call_submit   SLOT_SUBMITTED, its bit, the doorbell if the executor sleeps
 *   call_wait     looks for the answer for a moment, then sleeps on the state
 *   call_end      the slot is free again; SIGPIPE, if the reply says so
 *
 * Whether a signal ends the sleep is the kernel's decision, not ours: FUTEX_WAIT without a time restarts under SA_RESTART
 * exactly where recv() would, and with a time never does, exactly where poll() would not. EINTR then becomes a request to
 * cancel, and what the executor answers (-EINTR, or a partial count) is the result.
 *
 * A handler that leaves by longjmp(), and a vfork child that is killed, leave a call behind; the next one of the thread sees
 * by its own address on the stack that the older frame is gone, and cancels it.
 */
#include "host/preload/state.h"
#include "host/preload/wait.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define NEST_MAX     8	       /* handlers within handlers, each within a call */
#define LOOK_PART    8	       /* of the time that is waited anyway, this part may be spent looking */
#define SPARE_SEARCH 65536     /* numbers */
#define FRAMES	     (1 << 20) /* no farther apart can two frames of one stack be, for the comparison to mean something */

/**
 * struct nest - the calls of one thread, innermost last
 * @life:  of the process to which the slots belong
 * @depth: calls in progress
 * @slot:  of each depth, number + 1; kept for the next call
 * @frame: where each call in progress keeps its struct call
 * @usual_ns: how long calls took of late: those that are answered at once, those that may wait
 */
struct nest {
	uint64_t life;
	unsigned int depth;
	unsigned int slot[NEST_MAX];
	uintptr_t frame[NEST_MAX];
	uint64_t usual_ns[2];
};

static __thread volatile struct nest nest __attribute__((tls_model("initial-exec")));
static _Atomic int spare_number[SEG_SLOTS]; /* opened for a call in progress, + 1; being opened: -1 - its id */
static pthread_key_t at_thread_end;
static _Atomic int at_thread_end_made; /* 1: being made, 2: made */

/* ------------------------------------------------------------------ whose slot is it */

static int slot_grab(void)
{
	for (unsigned int word = 0; word < SEG_WORDS; word++) {
		uint64_t taken = state->taken[word];

		while (~taken) {
			unsigned int bit = (unsigned int)__builtin_ctzll(~taken);

			if (atomic_compare_exchange_weak(&state->taken[word], &taken, taken | 1ull << bit))
				return (int)(word * 64 + bit);
		}
	}
	return -ENOMEM; /* SEG_SLOTS threads of this process wait at this moment */
}

static void slot_return(unsigned int nr)
{
	atomic_store(&state->seg->slot[nr].state, SLOT_FREE);
	atomic_fetch_and(&state->taken[nr / 64], ~(1ull << nr % 64));
}

static void thread_ends(void *unused)
{
	(void)unused;
	if (nest.life != state->life)
		return;
	for (int level = 0; level < NEST_MAX; level++)
		if (nest.slot[level])
			slot_return(nest.slot[level] - 1);
	memset((void *)&nest, 0, sizeof(nest));
}

static void thread_joins(uint64_t life)
{
	int none = 0;

	memset((void *)&nest, 0, sizeof(nest));
	nest.life = life;
	if (atomic_compare_exchange_strong(&at_thread_end_made, &none, 1))
		at_thread_end_made = pthread_key_create(&at_thread_end, thread_ends) == 0 ? 2 : 3;
	if (at_thread_end_made == 2)
		pthread_setspecific(at_thread_end, (void *)&nest);
}

/* ------------------------------------------------------------------ submission */

static bool call_may_block(enum seg_call what)
{
	return what == CALL_RECV || what == CALL_SEND || what == CALL_ACCEPT4 || what == CALL_CONNECT ||
	       what == CALL_POLL || what == CALL_EPOLL_WAIT;
}

/* What is not @urgent can wait for the end of a doze. */
void executor_ring(bool urgent)
{
	uint32_t sleeping;
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	sleeping = state->shared->sleeping;
	if (sleeping == SEG_AWAKE || (sleeping == SEG_DOZING && !urgent))
		return;
	atomic_store_explicit(&state->seg->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
	if (sleeping == SEG_DOZING)
		sys(SYS_futex, &state->shared->sleeping, FUTEX_WAKE, 1);
	else
		sys(SYS_write, own_fd(state->doorbell), &one, sizeof(one));
}

static void slot_show(unsigned int nr)
{
	atomic_fetch_or(&state->seg->submitted[nr / 64], 1ull << nr % 64);
	executor_ring(true);
}

static void slot_ready(struct seg_slot *slot)
{
	slot->result = 0;
	slot->signal = 0;
	atomic_store(&slot->cancel, 0);
	atomic_store(&slot->sleeper, SLEEPER_NONE);
}

/* A close was announced; the executor may have seen the hang-up and begun. */
static void call_submit_closed(struct call *call)
{
	uint32_t taken = SLOT_TAKEN;

	if (atomic_compare_exchange_strong(&call->slot->state, &taken, SLOT_SUBMITTED))
		slot_show(call->nr);
}

void call_submit(struct call *call)
{
	struct seg_slot *slot = call->slot;

	call->since = time_now_ns();
	if (slot->call == CALL_CLOSED)
		return call_submit_closed(call);
	slot_ready(slot);
	atomic_store(&slot->state, SLOT_SUBMITTED);
	slot_show(call->nr);
}

/* ------------------------------------------------------------------ sleep */

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

/* A handler forked, and this is the child, back from it: the segment is its parent's, and zeros are in its place (attach.c). */
static void call_lose(struct call *call)
{
	static struct seg_slot lost;

	lost.state = SLOT_DONE;
	lost.result = -EINTR;
	lost.signal = 0;
	call->slot = &lost;
	call->since = 0;
}

/*
 * Who sleeps has to be woken: on a virtual machine that takes longer than most answers, on both sides; and while nobody has to
 * be, more is done at a time. So a thread looks for the answer first, where it comes so soon of late that to look for it each
 * time is a small part of waiting for it. To a signal that a thread meets here it is as if it had come before the call.
 */
static void look_for_answer(const struct call *call, uint64_t usual_ns)
{
	uint64_t most = state->shared->spin_ns;

	if (usual_ns > LOOK_PART * most)
		return;
	while (call->slot->state != SLOT_DONE && time_now_ns() - call->since < most)
		relax();
}

/* A few short ones after a long one show that work has begun, however long that one was. */
static void note_how_long(volatile uint64_t *usual_ns, uint64_t took)
{
	uint64_t most = 2 * LOOK_PART * state->shared->spin_ns;

	*usual_ns = (3 * *usual_ns + (took < most ? took : most)) / 4;
}

bool call_done(struct call *call)
{
	volatile uint64_t *usual_ns = &nest.usual_ns[call_may_block((enum seg_call)call->slot->call)];

	if (call->slot->state != SLOT_DONE && state->life == call->life)
		look_for_answer(call, *usual_ns);
	if (state->life != call->life)
		call_lose(call);
	if (call->slot->state != SLOT_DONE)
		return false;
	if (call->since)
		note_how_long(usual_ns, time_now_ns() - call->since);
	call->since = 0;
	return true;
}

/* 0, or -EINTR when the kernel says that a signal ends the call. */
static long sleep_on(struct seg_slot *slot, uint32_t seen)
{
	struct timespec ages = {INT_MAX, 0};
	long ret;

	atomic_store(&slot->sleeper, SLEEPER_FUTEX);
	ret = sys(SYS_futex, &slot->state, FUTEX_WAIT, seen, seen == SLOT_PENDING_EINTR ? &ages : NULL);
	return ret == -EINTR ? ret : 0;
}

void call_cancel(struct call *call)
{
	struct seg_slot *slot = call->slot;
	uint32_t seen = slot->state;

	if (state->life != call->life)
		call_lose(call);
	if (seen != SLOT_SUBMITTED && seen != SLOT_PENDING && seen != SLOT_PENDING_EINTR)
		return;
	atomic_store(&slot->cancel, 1);
	slot_show(call->nr);
	while (!call_done(call)) {
		seen = slot->state;
		if (seen != SLOT_DONE)
			sleep_on(slot, seen);
	}
}

/* The thread is cancelled (pthread_cancel) while it sleeps. */
static void call_abandon(void *arg)
{
	struct call *call = arg;
	int spare = atomic_exchange(&spare_number[call->nr], 0);

	call_cancel(call);
	if (spare > 0)
		sys(SYS_close, spare - 1);
	nest.depth = call->level;
}

static long sleep_cancellable(struct call *call, uint32_t seen)
{
	long ret;
	int type;

	pthread_cleanup_push(call_abandon, call);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = sleep_on(call->slot, seen);
	pthread_setcanceltype(type, NULL);
	pthread_cleanup_pop(0);
	return ret;
}

int64_t call_wait(struct call *call)
{
	struct seg_slot *slot = call->slot;
	bool cancellable = call_may_block((enum seg_call)slot->call);

	call_submit(call);
	while (!call_done(call)) {
		uint32_t seen = slot->state;
		long ret = 0;

		if (seen != SLOT_DONE)
			ret = cancellable ? sleep_cancellable(call, seen) : sleep_on(slot, seen);
		if (ret == -EINTR)
			call_cancel(call);
	}
	return call->slot->result;
}

/* ------------------------------------------------------------------ bells: to sleep in poll */

static int bell_make(unsigned int nr)
{
	struct seg_message message = {.kind = SEG_BELL, .arg = {nr}};
	bool widened = limit_widen();
	int fd = (int)sys(SYS_eventfd2, 0, O_CLOEXEC | O_NONBLOCK), place = fd < 0 ? fd : own_add(fd);
	uint64_t mask;

	if (widened)
		limit_restore();
	if (place < 0)
		return place;
	mask = state_lock();
	fd = control_send(&message, own_fd(place));
	state_unlock(mask);
	if (fd < 0) {
		own_close(place);
		return fd;
	}
	state->bell[nr] = place + 1;
	return 0;
}

int call_bell(struct call *call)
{
	struct seg_slot *slot = call->slot;
	int err = state->bell[call->nr] ? 0 : bell_make(call->nr);

	if (err < 0)
		return err;
	atomic_store(&slot->sleeper, SLEEPER_BELL);
	if (slot->state == SLOT_DONE)
		return -EALREADY;
	return own_fd(state->bell[call->nr] - 1);
}

void call_unbell(struct call *call)
{
	uint64_t count;

	atomic_store(&call->slot->sleeper, SLEEPER_NONE);
	if (state->bell[call->nr])
		sys(SYS_read, own_fd(state->bell[call->nr] - 1), &count, sizeof(count));
}

/* ------------------------------------------------------------------ begin and end */

static void slot_clear(struct seg_slot *slot, enum seg_call what, seg_handle file)
{
	atomic_store(&slot->state, SLOT_TAKEN);
	slot->call = what;
	slot->file = file;
	memset(slot->arg, 0, sizeof(slot->arg));
	slot->aux_len = slot->data_len = slot->name_len = 0;
	slot->signal = 0;
	slot->result = 0;
	slot->number = -1;
}

static struct call call_at(unsigned int level)
{
	unsigned int nr = nest.slot[level] - 1;

	return (struct call){&state->seg->slot[nr], state->seg->data[nr], nr, level, 0, state->life};
}

/* Is the innermost call's frame gone? Frames of one stack only: a handler's own stack may lie anywhere. */
static bool nest_is_stale(const void *here)
{
	uintptr_t inner = nest.frame[nest.depth - 1], now = (uintptr_t)here;
	stack_t alternate = {0};

	if (inner > now || now - inner > FRAMES)
		return false;
	sys(SYS_sigaltstack, NULL, &alternate);
	return !(alternate.ss_flags & SS_ONSTACK);
}

static void nest_drop_stale(const void *here)
{
	while (nest.depth && nest_is_stale(here)) {
		unsigned int level = nest.depth - 1;
		struct call left;

		if (nest.slot[level]) {
			left = call_at(level);
			call_abandon(&left);
		}
		nest.depth = level;
	}
}

int call_begin(struct call *call, enum seg_call what, seg_handle file)
{
	int err = shim_attach(), nr;
	unsigned int level;

	if (err < 0)
		return err;
	if (call_may_block(what))
		pthread_testcancel();
	if (nest.life != state->life)
		thread_joins(state->life);
	if (nest.depth)
		nest_drop_stale(call);
	level = nest.depth;
	if (level == NEST_MAX)
		return -ENOMEM;
	nest.frame[level] = (uintptr_t)call;
	nest.depth = level + 1;
	if (!nest.slot[level]) {
		nr = slot_grab();
		if (nr < 0) {
			nest.depth = level;
			return nr;
		}
		nest.slot[level] = (unsigned int)nr + 1;
	}
	*call = call_at(level);
	slot_clear(call->slot, what, file);
	return 0;
}

int64_t call_end(struct call *call)
{
	int64_t result = call->slot->result;
	int number = call->slot->signal;

	atomic_store(&call->slot->state, SLOT_FREE);
	nest.depth = call->level;
	if (number)
		sys(SYS_tgkill, sys(SYS_getpid), sys(SYS_gettid), number);
	return result;
}

int64_t call_plain(enum seg_call what, seg_handle file, uint64_t a, uint64_t b, uint64_t c)
{
	struct call call;
	int err = call_begin(&call, what, file);

	if (err < 0)
		return err;
	call.slot->arg[0] = a;
	call.slot->arg[1] = b;
	call.slot->arg[2] = c;
	call_wait(&call);
	return call_end(&call);
}

/* ------------------------------------------------------------------ closing: said before it is done */

void call_announce(struct call *call, bool on)
{
	_Atomic uint64_t *word = &state->seg->closing[call->nr / 64];
	uint64_t bit = 1ull << call->nr % 64;

	if (on) {
		slot_ready(call->slot);
		atomic_fetch_or(word, bit);
	} else {
		atomic_fetch_and(word, ~bit);
	}
}

/* ------------------------------------------------------------------ spares: the number of a file to be made */

static void spare_path(char path[16], uint32_t id)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + id % 10);
	while (id /= 10);
	*path++ = 'f';
	*path++ = '/';
	while (n)
		*path++ = digits[--n];
	*path = '\0';
}

/* A handler may have used up this slot's since, or the stack be short of them. */
static int spare_fetch(struct call *call)
{
	struct seg_slot *slot = call->slot;
	seg_handle file = slot->file;
	uint32_t what = slot->call;
	int64_t ret;

	if (slot->spare)
		return 0;
	slot->call = CALL_SPARE;
	ret = call_wait(call);
	slot_clear(slot, (enum seg_call)what, file);
	if (ret < 0)
		return (int)ret;
	return slot->spare ? 0 : -ENFILE;
}

int spare_open(struct call *call)
{
	int dir = folder_fd(), ret;
	char path[16];

	if (dir < 0)
		return dir;
	ret = spare_fetch(call);
	if (ret < 0)
		return ret;
	spare_path(path, SEG_ID(call->slot->spare));
	spare_number[call->nr] = -1 - (int)SEG_ID(call->slot->spare);
	ret = (int)sys(SYS_openat, dir, path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
	spare_number[call->nr] = ret < 0 ? 0 : ret + 1;
	if (ret < 0)
		return ret == -ENOENT ? -ENETDOWN : ret;
	number_forget(ret);
	return ret;
}

int spare_close(struct call *call, int fd, enum seg_kind kind, bool cloexec)
{
	int64_t result = call->slot->result;

	if (!spare_number[call->nr])
		return (int)result; /* closed in a forked child */
	if (result < 0) {
		sys(SYS_close, fd);
		fd = (int)result;
	} else {
		number_set(fd, call->slot->file, kind);
		if (!cloexec)
			sys(SYS_fcntl, fd, F_SETFD, 0);
	}
	spare_number[call->nr] = 0;
	return fd;
}

/* The fork came while another thread was opening it: was it before or after? */
static void spare_drop_opening(uint32_t id)
{
	struct stat wanted, st;
	char path[16];

	spare_path(path, id);
	if (sys(SYS_newfstatat, folder_fd(), path, &wanted, 0) < 0)
		return;
	for (int fd = 0; fd < SPARE_SEARCH; fd++)
		if (sys(SYS_fstat, fd, &st) == 0 && st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)
			sys(SYS_close, fd);
}

void spares_drop_inherited(void)
{
	for (unsigned int nr = 0; nr < SEG_SLOTS; nr++) {
		int number = atomic_exchange(&spare_number[nr], 0);

		if (number < 0)
			spare_drop_opening((uint32_t)(-1 - number));
		else if (number)
			sys(SYS_close, number - 1);
	}
}
