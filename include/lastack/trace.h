/* SPDX-License-Identifier: MIT */
/*
 * lastack/trace.h - what a stack says about itself: every move of a state, every RST, FIN and silent drop, with its cause
 *
 * Events arrive at la_env.trace in the order in which things happen. LA_TRACE_STATE carries the fields of the kernel's
 * tracepoint sock:inet_sock_set_state, plus the cause. The list of causes is src/stack/tcp/cause.h.
 */
#ifndef LASTACK_TRACE_H
#define LASTACK_TRACE_H

#include <lastack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum la_trace_kind {
	LA_TRACE_STATE = 1, /* a sock moves from oldstate to newstate */
	LA_TRACE_STEP,	    /* a function of the open, shutdown or close path is entered: @name */
	LA_TRACE_RST,	    /* a RST leaves; @name is "active" or "reply" */
	LA_TRACE_FIN,	    /* a FIN has been queued */
	LA_TRACE_DROP,	    /* a segment is dropped without an answer, or a sock vanishes without a word */
};

/**
 * struct la_trace_event - borrowed for the call
 * @now_ns:   the instant of the entry
 * @id:       number of the sock in this stack, from 1 in order of creation; 0 where none is concerned
 * @oldstate, @newstate: Linux's numbers; equal where nothing moved; 0 where there is no sock
 * @name:     see la_trace_kind; never NULL
 * @cause:    name of the cause, such as "close_unread"; never NULL
 * @row:      the row of the closing rules that says so, such as "UR-01"; "" where none is
 * @reason:   RST: Linux's reset reason, such as "TCP_ABORT_ON_CLOSE"; else ""
 * @counter:  the MIB counter that went up for it, or ""
 */
struct la_trace_event {
	uint64_t now_ns;
	uint64_t id;
	enum la_trace_kind kind;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t oldstate, newstate;
	uint16_t sport, dport; /* host order */
	uint8_t saddr[16], daddr[16]; /* IPv4: mapped */
	const char *name, *cause, *row, *reason, *counter;
};

/* "ESTABLISHED" for 1 and so on; "?" otherwise. */
LA_API const char *la_state_name(unsigned state);

#ifdef __cplusplus
}
#endif
#endif
