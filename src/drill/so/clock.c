// SPDX-License-Identifier: MIT
/*
 * drill/so/clock.c - virtual time
 *
 * The clock never jumps over a deadline of the stack: it stops at each, so that every timer fires, and every packet leaves,
 * at its own nanosecond.
 */
#include "drill/so/so.h"

static void advance_to(struct so *so, uint64_t at_ns)
{
	if (at_ns > so->now_ns)
		so->now_ns = at_ns;
	la_advance(so->stack, so->now_ns);
	if (la_deadline_ns(so->stack) <= so->now_ns)
		so_die("the stack's next deadline lies in the past after la_advance()");
}

void clock_run_to(struct so *so, uint64_t to_ns)
{
	uint64_t due_ns;

	while ((due_ns = la_deadline_ns(so->stack)) <= to_ns)
		advance_to(so, due_ns);
	so->now_ns = to_ns;
}

bool clock_step(struct so *so, uint64_t limit_ns)
{
	uint64_t due_ns = la_deadline_ns(so->stack);

	if (due_ns == UINT64_MAX || due_ns > limit_ns)
		return false;
	advance_to(so, due_ns);
	return true;
}

int clock_usleep(void *userdata, unsigned us)
{
	struct so *so = userdata;

	so_enter(so);
	clock_run_to(so, so->now_ns + us * SO_NSEC_PER_USEC);
	so_leave(so);
	return 0;
}

/*
 * packetdrill asks for the end of a blocking call on the thread that made it: it is told when the call ended, wherever
 * the main thread has brought the clock meanwhile.
 */
static uint64_t tell_time(struct so *so)
{
	if (so->returning && pthread_equal(pthread_self(), so->returning_thread)) {
		so->returning = false;
		return so->returning_ns;
	}
	clock_run_to(so, so->now_ns + SO_NSEC_PER_USEC);
	return so->now_ns;
}

int clock_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz)
{
	struct so *so = userdata;
	uint64_t time_ns;

	(void)tz;
	so_enter(so);
	time_ns = tell_time(so);
	so_leave(so);
	tv->tv_sec = (time_t)(time_ns / SO_NSEC_PER_SEC);
	tv->tv_usec = (suseconds_t)(time_ns % SO_NSEC_PER_SEC / SO_NSEC_PER_USEC);
	return 0;
}
