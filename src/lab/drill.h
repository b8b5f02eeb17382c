/* SPDX-License-Identifier: MIT */
/*
 * lab/drill.h - the side `lastack`: one stack in virtual time, on which scripts are played (drill/backend.h)
 *
 * Nothing here waits: the clock goes from one deadline of the stack to the next, and a script of an hour is played
 * in no time. The same script and seed make the same run, byte for byte.
 */
#ifndef LAB_DRILL_H
#define LAB_DRILL_H

#include <lastack/trace.h>

#include "drill/backend.h"

/**
 * struct lab_drill_options - zeroed: seed 0, nobody listens
 * @trace: what the stack says about itself, as it happens; @arg is handed back
 */
struct lab_drill_options {
	uint64_t seed;
	void (*trace)(void *arg, const struct la_trace_event *event);
	void *arg;
};

/* Gives a side on this wire, or NULL and the reason; side->ops->close() ends it. @options may be NULL. */
struct drill_side *lab_drill_open(const struct drill_net *net, const struct lab_drill_options *options,
				  struct drill_text *why);

#endif
