/* SPDX-License-Identifier: MIT */
/*
 * drill/compare.h - two records of one script: what did the sides do differently?
 *
 * What is compared, and what is not and why, stands in compared.c as one table, which `lastack drill --help-compared` and the
 * documentation print. An empty difference is the definition of "as Linux".
 */
#ifndef DRILL_COMPARE_H
#define DRILL_COMPARE_H

#include "drill/record.h"
#include "drill/run.h"

/**
 * struct drill_diff - one thing that differs
 * @pos:   the script's line around which it happened
 * @what:  "window", "options", "segment missing", "result", "poll bits", "state", "counter TcpExtTCPAbortOnData", "time" ...
 * @linux_side, @lastack_side: how it was here and there, in the script's language
 */
struct drill_diff {
	struct drill_diff *next;
	struct drill_pos pos;
	char what[64];
	char *linux_side, *lastack_side;
};

/* Gives the differences in the order of the script; NULL: none. */
struct drill_diff *drill_compare(const struct drill_play *play, const struct drill_record *linux_record,
				 const struct drill_record *lastack_record);
void drill_diff_free(struct drill_diff *diff);

#endif
