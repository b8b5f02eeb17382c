/* SPDX-License-Identifier: MIT */
/*
 * base/timer.h - hierarchical timer wheel, O(1) arm and disarm, ticks of 4 ms (Linux's jiffy at HZ 250)
 *
 * Levels of 64 slots, each 64 times coarser than the one below; a timer moves down a level at most once per level. The
 * level of a timer follows from its tick and the wheel's alone, and so timers of one tick are always in one slot. Each
 * level keeps a 64-bit word of occupied slots, so "what is next?" looks at a few words. Timers fire exactly: never before
 * their tick, in the order of their ticks, and within one tick in the order in which they were armed.
 * The wheel knows no functions: a timer carries a kind, and its owner dispatches on it.
 */
#ifndef LA_TIMER_H
#define LA_TIMER_H

#include "base/base.h"

#define HZ 250u
#define TICK_NSEC (NSEC_PER_SEC / HZ)

struct timer {
	struct timer *next;
	struct timer **pprev; /* NULL: not armed */
	uint32_t expires;     /* tick, wraps */
	uint8_t kind;	      /* enum timer_kind of the owner (net.h) */
	uint8_t level, slot;  /* where it hangs; the wheel's */
};

#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 5
/*
 * The top level is a ring: the slot of the present block must not be taken for the one a lap later. 49 days; a deadline
 * beyond is parked at that distance and re-armed on the way (behind those armed for its tick directly). A deadline is
 * less than 2^31 ticks ahead: 99 days.
 */
#define WHEEL_SPAN ((WHEEL_SLOTS - 1) << (WHEEL_BITS * (WHEEL_LEVELS - 1)))

struct wheel {
	uint32_t now; /* tick up to which all has fired */
	uint32_t count;
	uint64_t occupied[WHEEL_LEVELS];
	struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
	struct timer **tail[WHEEL_LEVELS][WHEEL_SLOTS]; /* so that a slot keeps the order of arming */
};

void wheel_init(struct wheel *w, uint32_t now);
void timer_arm(struct wheel *w, struct timer *t, uint32_t expires); /* moves an armed one; a tick not after now: next tick */
void timer_disarm(struct wheel *w, struct timer *t);		     /* an idle one is left alone */
static inline bool timer_armed(const struct timer *t) { return t->pprev != NULL; }
/* The next tick at which wheel_pop() may have something; false: nothing armed. May be early (a level moves down). */
bool wheel_next(const struct wheel *w, uint32_t *tick);
/* Moves the wheel to @now and returns the next due timer, disarmed, or NULL when none is left up to @now. */
struct timer *wheel_pop(struct wheel *w, uint32_t now);
/* After wheel_pop(): who may be the next one, of the same tick; NULL: nobody is known. It stays armed. */
static inline const struct timer *wheel_peek(const struct wheel *w)
{
	return w->slot[0][w->now & (WHEEL_SLOTS - 1)];
}

#endif
