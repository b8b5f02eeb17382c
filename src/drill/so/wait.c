// SPDX-License-Identifier: MIT
/*
 * drill/so/wait.c - a call of a program: an operation and a thread that waits for it
 *
 *	call_begin - la_prep_*() - call_run -+- LA_DONE ------------------- result
 *	                                     '- LA_PENDING - wait ... done - result
 *
 * The system call thread sleeps on a condition variable, which packetdrill sees in /proc and takes as "it blocks". Its
 * clock is moved by the main thread. When the main thread stays away - at the end of a script it only waits for the
 * call to come back, a second at most - the sleeper moves the clock itself.
 * On the main thread nothing else can happen while a call waits: there the clock is moved at once.
 */
#include "drill/so/so.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define QUIET_MS 250 /* real time without a word from the main thread after which a sleeper moves the clock */

void call_begin(struct so_call *call, void *userdata)
{
	memset(call, 0, sizeof(*call));
	call->so = userdata;
	so_enter(call->so);
}

int64_t call_end(struct so_call *call, int64_t result)
{
	so_leave(call->so);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static void on_done(struct la_op *op)
{
	struct so_call *call = op->user;

	call->completed = true;
	call->completed_ns = call->so->now_ns;
	pthread_cond_broadcast(&call->so->done);
}

static void wait_on_main(struct so_call *call)
{
	struct so *so = call->so;
	uint64_t limit_ns = so->now_ns + SO_PATIENCE_NS;

	while (!call->completed)
		if (!clock_step(so, limit_ns)) {
			fprintf(stderr, "lastack: a call that the script does not mark as blocking waits for ever\n");
			la_cancel(&call->op, so->now_ns);
		}
}

/* True when the main thread has not come in for a while. */
static bool main_is_quiet(struct so *so)
{
	uint64_t seen = so->main_calls;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += QUIET_MS * 1000000L;
	ts.tv_sec += ts.tv_nsec / 1000000000L;
	ts.tv_nsec %= 1000000000L;
	return pthread_cond_timedwait(&so->done, &so->lock, &ts) == ETIMEDOUT && seen == so->main_calls;
}

static void wait_on_thread(struct so_call *call)
{
	struct so *so = call->so;

	while (!call->completed)
		if (main_is_quiet(so))
			while (!call->completed && clock_step(so, so->now_ns + SO_PATIENCE_NS))
				;
	so->returning = true;
	so->returning_thread = pthread_self();
	so->returning_ns = call->completed_ns;
}

int64_t call_run(struct so_call *call)
{
	struct so *so = call->so;

	call->op.done = on_done;
	call->op.user = call;
	if (la_submit(so->task, &call->op, so->now_ns) == LA_PENDING) {
		if (pthread_equal(pthread_self(), so->main))
			wait_on_main(call);
		else
			wait_on_thread(call);
	}
	return call->op.result;
}
