/* SPDX-License-Identifier: MIT */
/*
 * drill/compare.h - two records of one script: what did the sides do differently?
 *
 * What is compared, and what is not and why, stands in compared.c as one table, which `lastack drill --help-compared`
 * and the documentation print. An empty difference is the definition of "as Linux".
 */
#ifndef DRILL_COMPARE_H
#define DRILL_COMPARE_H

#include "drill/record.h"
#include "drill/run.h"

/**
 * struct drill_diff - one thing that differs
 * @pos:   the script's line around which it happened; 0:0: at the end
 * @what:  a name of the table: "window", "result", "state", "counter TcpExtTCPAbortOnData", "time" ...
 * @linux_side, @lastack_side: how it was here and there, in the script's language; "-": it was not there
 */
struct drill_diff {
	struct drill_diff *next;
	struct drill_pos pos;
	char what[64];
	char *linux_side, *lastack_side;
};

/*
 * Gives the differences in the order of the script; NULL: none. A run that ended early is compared as far as it went.
 */
struct drill_diff *drill_compare(const struct drill_record *linux_record, const struct drill_record *lastack_record);
void drill_diff_free(struct drill_diff *diff);

/* ---------------------------------------------------------------- the table (compared.c) */

/*
 * How exact times are. Lastack's are; a timer of the kernel may come late by an eighth of its length, a tick of the
 * coarse clock and what a busy machine takes, counted from what may have armed it: the packet in or out before, the
 * call before, or the segment's earlier transmission. Early it may be by the tick and the machine only.
 */
#define DRILL_TICK_NS	  4000000
#define DRILL_NOISE_NS	  20000000
#define DRILL_TIMER_SHARE 8

/* What a segment is compared by, and what else; compared.c has a row for each, in this order. */
enum drill_aspect {
	DRILL_SEGMENT,
	DRILL_CONNECTION,
	DRILL_FLAGS,
	DRILL_PUSH,
	DRILL_SEQUENCE,
	DRILL_LENGTH,
	DRILL_ACKNOWLEDGED,
	DRILL_WINDOW,
	DRILL_URGENT,
	DRILL_SYN_OPTIONS,
	DRILL_OPTIONS,
	DRILL_SACK_BLOCKS,
	DRILL_TS_ECHO,
	DRILL_TRAFFIC_CLASS,
	DRILL_HOP_LIMIT,
	DRILL_CHECKSUM,
	DRILL_ICMP_MESSAGE,
	DRILL_TIME,
	DRILL_RESULT,
	DRILL_OUTPUT,
	DRILL_WAITING,
	DRILL_STATE,
	DRILL_POLL_BITS,
	DRILL_RECV_QUEUE,
	DRILL_SEND_QUEUE,
	DRILL_COUNTER,
	DRILL_ASPECTS
};

/* struct drill_row - a thing that differs or may differ; @text: how it is compared, or the reason why it is not */
struct drill_row {
	const char *name, *text;
};

extern const struct drill_row drill_compared[DRILL_ASPECTS];
/*
 * Both end with a row without a name. @name may hold several counters, with blanks between, and a star at a name's
 * end.
 */
extern const struct drill_row drill_not_compared[], drill_counters_not_compared[];
/* Names of the counters that are compared, ends with NULL. */
extern const char *const drill_counters_compared[];

/* Does this counter stand in the list of those not compared? */
bool drill_counter_excluded(const char *name);

#endif
