// SPDX-License-Identifier: MIT
/*
 * host/drill/clock.c - the side's time is CLOCK_MONOTONIC
 *
 * Frames, and messages that programs receive, are stamped by CLOCK_REALTIME; what is between the two is asked anew for each frame, so that
 * a clock that is being set moves nothing.
 * A sleeper is woken a little late, by an amount that depends on who else wants the processor. So we wake early and look
 * at the clock for the rest, and ask for a real-time priority, which only root gets. Both are for short: nothing here
 * keeps a processor longer than CLOCK_SPIN_NS, save clock_begin() for one tick.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CLOCK_SPIN_NS	(50 * NS_PER_US)
#define CLOCK_TICK_MAX	(11 * NS_PER_MS) /* at 100 Hz, and a little */
#define CLOCK_INTO_TICK (750 * NS_PER_US)

static int64_t clock_read(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec * NS_PER_S + at.tv_nsec;
}

int64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_of_real(int64_t real_ns)
{
	int64_t real = clock_read(CLOCK_REALTIME);

	return real_ns - real + clock_now();
}

static struct timespec clock_stamp(struct timespec at)
{
	return at.tv_sec || at.tv_nsec ? clock_spec(clock_of_real(at.tv_sec * NS_PER_S + at.tv_nsec)) : at;
}

/* An unused stamp of the three stays 0. What is between the kernel's bytes and C's structs, memcpy() bridges. */
void clock_of_message(struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		bool spec = cmsg->cmsg_type == SCM_TIMESTAMPNS || cmsg->cmsg_type == SCM_TIMESTAMPING;
		size_t room = cmsg->cmsg_len - CMSG_LEN(0), at;
		struct timespec stamp;
		struct timeval coarse;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_len < CMSG_LEN(0))
			continue;
		for (at = 0; spec && at + sizeof(stamp) <= room; at += sizeof(stamp)) {
			memcpy(&stamp, CMSG_DATA(cmsg) + at, sizeof(stamp));
			stamp = clock_stamp(stamp);
			memcpy(CMSG_DATA(cmsg) + at, &stamp, sizeof(stamp));
		}
		if (cmsg->cmsg_type == SCM_TIMESTAMP && room >= sizeof(coarse)) {
			memcpy(&coarse, CMSG_DATA(cmsg), sizeof(coarse));
			stamp = clock_stamp((struct timespec){coarse.tv_sec, coarse.tv_usec * NS_PER_US});
			coarse = (struct timeval){stamp.tv_sec, stamp.tv_nsec / NS_PER_US};
			memcpy(CMSG_DATA(cmsg), &coarse, sizeof(coarse));
		}
	}
}

struct timespec clock_spec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int64_t clock_side_now(struct drill_side *side)
{
	(void)side;
	return clock_now();
}

void clock_sleep(struct drill_side *side, int64_t until_ns)
{
	struct timespec early = clock_spec(until_ns - CLOCK_SPIN_NS);

	(void)side;
	if (until_ns - clock_now() > CLOCK_SPIN_NS)
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &early, NULL) == EINTR)
			;
	while (clock_now() < until_ns)
		;
}

/*
 * Timers of TCP count ticks, and end up to one tick later than their time. Events at whole milliseconds stay away from the
 * edge if time 0 does; and where in the tick it is decides how late a timer looks. The original begins 0.25 ms after a tick
 * and is woken some 0.3 ms late, several times in a script: its events are about 0.75 ms behind a tick, and ours are, too.
 */
int64_t clock_begin(struct drill_side *side)
{
	int64_t tick = clock_read(CLOCK_MONOTONIC_COARSE), end = clock_now() + CLOCK_TICK_MAX;

	while (clock_read(CLOCK_MONOTONIC_COARSE) == tick && clock_now() < end)
		;
	end = clock_now() + CLOCK_INTO_TICK;
	clock_sleep(side, end);
	stall_forget(linux_side(side)->stall);
	return end;
}

/* Children are not meant: they begin without the priority. One processor alone is left to everybody. */
void clock_hurry(void)
{
	struct sched_param param = {.sched_priority = sched_get_priority_min(SCHED_RR)};

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param);
}
