/* SPDX-License-Identifier: MIT */
/*
 * sim/life.h - one world of random lives
 */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "lab/invariants.h"

/**
 * struct life_tally - what was lived through
 * @lives: attempts to connect; crossed ones count once
 * @open:  ends that were established
 * @urgent, @flights, @execs, @events: urgent bytes read as such, descriptors in flight, exec(), what epoll_wait() told
 * @refused: requests for memory that were refused
 */
struct life_tally {
	uint64_t lives, open, calls, steps, bytes, ends, resets, timewaits;
	uint64_t urgent, flights, execs, events, refused;
};

/* True if all held; otherwise @why says what did not. @show prints the ladder. */
bool life_world(uint64_t seed, bool show, struct life_tally *tally, char *why, size_t cap);

#endif
