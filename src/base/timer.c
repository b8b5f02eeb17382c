// SPDX-License-Identifier: MIT
/*
 * base/timer.c - hierarchical timer wheel
 *
 * Write tick numbers in base 64. A timer hangs on the level of the highest digit in which its tick differs from the
 * wheel's, in the slot of that digit:
 *
 *   wheel now   3 17 60      timer  3 17 62  ->  level 0, slot 62    fires at its tick
 *                            timer  3 20  5  ->  level 1, slot 20    moves down at 3 20 0
 *                            timer  4  0  0  ->  level 2, slot  4    moves down at 4 0 0, and fires
 *
 * So all of a level comes before all of the next one; the wheel goes from one occupied slot to the next, and whatever
 * lies between needs no look. Timers of one tick move together, each behind the others that were armed before it.
 */
#include "base/timer.h"
#include "base/seq.h"

#define TOP (WHEEL_LEVELS - 1u)
#define DIGIT(tick, level) ((tick) >> (WHEEL_BITS * (level)) & (WHEEL_SLOTS - 1))

void wheel_init(struct wheel *w, uint32_t now)
{
	*w = (struct wheel){ .now = now };
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			w->tail[level][slot] = &w->slot[level][slot];
}

static void wheel_place(struct wheel *w, struct timer *t)
{
	uint32_t tick = t->expires - w->now > WHEEL_SPAN ? w->now + WHEEL_SPAN : t->expires;
	unsigned level = min(TOP, (31u - __builtin_clz((tick ^ w->now) | 1)) / WHEEL_BITS);
	unsigned slot = DIGIT(tick, level);

	t->level = level;
	t->slot = slot;
	t->next = NULL;
	t->pprev = w->tail[level][slot];
	*t->pprev = t;
	w->tail[level][slot] = &t->next;
	w->occupied[level] |= 1ull << slot;
}

void timer_arm(struct wheel *w, struct timer *t, uint32_t expires)
{
	timer_disarm(w, t);
	t->expires = likely(after(expires, w->now)) ? expires : w->now + 1;
	wheel_place(w, t);
	w->count++;
}

void timer_disarm(struct wheel *w, struct timer *t)
{
	if (!t->pprev)
		return;
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	else
		w->tail[t->level][t->slot] = t->pprev;
	if (!w->slot[t->level][t->slot])
		w->occupied[t->level] &= ~(1ull << t->slot);
	t->next = NULL;
	t->pprev = NULL;
	w->count--;
}

/* Where something happens next, and when. The lowest occupied level comes first, and no slot of it lies behind. */
static inline unsigned wheel_look(const struct wheel *w, uint32_t *tick)
{
	unsigned level = 0, present;
	uint64_t ring;

	while (!w->occupied[level])
		level++;
	/* Turn the word until the present slot is bit 0: only the top level is a ring, the others have nothing to wrap. */
	present = DIGIT(w->now, level);
	ring = w->occupied[level] >> present | w->occupied[level] << (-present & 63);
	*tick = ((w->now >> WHEEL_BITS * level) + __builtin_ctzll(ring)) << WHEEL_BITS * level;
	return level;
}

bool wheel_next(const struct wheel *w, uint32_t *tick)
{
	if (!w->count)
		return false;
	wheel_look(w, tick);
	return true;
}

/* The wheel has come to the beginning of the slot: its timers go to lower levels, those of this very tick to level 0. */
static void wheel_move_down(struct wheel *w, unsigned level)
{
	unsigned slot = DIGIT(w->now, level);
	struct timer *t = w->slot[level][slot], *next;

	w->slot[level][slot] = NULL;
	w->tail[level][slot] = &w->slot[level][slot];
	w->occupied[level] &= ~(1ull << slot);
	for (; t; t = next) {
		next = t->next;
		wheel_place(w, t);
	}
}

struct timer *wheel_pop(struct wheel *w, uint32_t now)
{
	while (w->count) {
		uint32_t next;
		unsigned level = wheel_look(w, &next);

		if (after(next, now))
			break;
		w->now = next;
		if (level > 0) {
			wheel_move_down(w, level);
		} else {
			struct timer *t = w->slot[0][DIGIT(next, 0)];

			timer_disarm(w, t);
			return t;
		}
	}
	if (!w->count || after(now, w->now))
		w->now = now;
	return NULL;
}
