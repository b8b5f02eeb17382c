/* SPDX-License-Identifier: MIT */
/*
 * host/preload/wait.h - waiting for the stack and for kernel numbers at once
 *
 * Points in time are nanoseconds of CLOCK_MONOTONIC. The executor is asked to wait without limit, or not at all; time
 * limits are kept here, by the kernel's own timers: the stack's tick is coarser than poll()'s.
 */
#ifndef LA_PRELOAD_WAIT_H
#define LA_PRELOAD_WAIT_H

#include "host/preload/preload.h"

#define UNTIL_NOW   0ull
#define UNTIL_NEVER UINT64_MAX

uint64_t time_now_ns(void);
uint64_t until_ns(uint64_t ns);					/* so long from now; 0: UNTIL_NOW */
uint64_t until_ms(int ms);					/* negative: never */
int until_timespec(const struct timespec *ts, uint64_t *until); /* NULL: never; -EINVAL */

/* Sleeps until @call is done or one of @fds[0 .. n) has something: 0, or how many have. Or until @until: -ETIME; or a
 * signal that @mask (NULL: the thread's own) lets through: -EINTR. @call goes on in the last three cases. @fds has
 * room for one more. */
int wait_beside(struct call *call, struct pollfd *fds, nfds_t n, uint64_t until, const sigset_t *mask);
/* A signal that only @mask lets through is taken now: -EINTR; 0: none is there. */
int wait_signal(const sigset_t *mask);

/* poll() on any mixture; what it returns, or a negative errno. */
int64_t poll_numbers(struct pollfd *fds, nfds_t n, uint64_t until, const sigset_t *mask);

/* Memory for a call whose size the program says: @room if it is enough. NULL: none. */
void *scratch_get(void *room, size_t room_size, size_t size);
void scratch_put(void *mem, const void *room, size_t size);

#endif
