// SPDX-License-Identifier: MIT
/*
 * host/drill/stall.c - did the machine stand still during a run?
 *
 * A thread wakes every STALL_BEAT_NS and looks how late it is. On a machine that has time this is some microseconds; where
 * other programs have the processors, or the machine is a guest whose host gives it none, a run may be late by as much, and
 * its times say nothing about TCP. The thread has no special priority: the kernel's own, which runs TCP's timers when there
 * is much to do, has none either.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <stdlib.h>

#define STALL_BEAT_NS (2 * NS_PER_MS)

/**
 * struct side_stall - the watching thread
 * @ends:  it shall return
 * @longest_ns: how late it was at worst
 */
struct side_stall {
	pthread_t thread;
	atomic_bool ends;
	_Atomic int64_t longest_ns;
};

static void *stall_main(void *arg)
{
	struct side_stall *stall = arg;
	int64_t at = clock_now();

	while (!atomic_load(&stall->ends)) {
		struct timespec next = clock_spec(at += STALL_BEAT_NS);
		int64_t late;

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
		late = clock_now() - at;
		at += late;
		if (late > atomic_load(&stall->longest_ns))
			atomic_store(&stall->longest_ns, late);
	}
	return NULL;
}

/* Without it nothing is missing but the answer. */
struct side_stall *stall_begin(void)
{
	struct side_stall *stall = calloc(1, sizeof(*stall));

	if (stall && pthread_create(&stall->thread, NULL, stall_main, stall)) {
		free(stall);
		stall = NULL;
	}
	return stall;
}

void stall_end(struct side_stall *stall)
{
	if (!stall)
		return;
	atomic_store(&stall->ends, true);
	pthread_join(stall->thread, NULL);
	free(stall);
}

int64_t host_drill_stalled(struct drill_side *side)
{
	struct side_stall *stall = linux_side(side)->stall;

	return stall ? atomic_load(&stall->longest_ns) : 0;
}

/* The time before a script's beginning does not count. */
void stall_forget(struct side_stall *stall)
{
	if (stall)
		atomic_store(&stall->longest_ns, 0);
}
