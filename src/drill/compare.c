// SPDX-License-Identifier: MIT
/*
 * drill/compare.c - two records of one script side by side: the list of differences
 *
 * In:   what happened on the kernel, and what happened on Lastack.
 * Here: both are cut where the shorter one ends, read (compare_read.c), and compared part by part (compare_packet.c,
 *       compare_call.c) by the table in compared.c.
 * Out:  differences in the order of the script; those of counters stand at the end.
 */
#include "drill/compare_own.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *compare_need(void *mem)
{
	if (!mem)
		abort();
	return mem;
}

void compare_differ(struct compare *compare, struct drill_pos pos, enum drill_aspect aspect, const char *detail,
		    const char *linux_text, const char *lastack_text)
{
	struct drill_diff *diff = compare_need(calloc(1, sizeof(*diff)));

	diff->pos = pos;
	snprintf(diff->what, sizeof(diff->what), "%s%s%s", drill_compared[aspect].name, detail ? " " : "",
		 detail ? detail : "");
	diff->linux_side = compare_need(strdup(linux_text ? linux_text : "-"));
	diff->lastack_side = compare_need(strdup(lastack_text ? lastack_text : "-"));
	*compare->last = diff;
	compare->last = &diff->next;
}

void drill_diff_free(struct drill_diff *diff)
{
	while (diff) {
		struct drill_diff *next = diff->next;

		free(diff->linux_side);
		free(diff->lastack_side);
		free(diff);
		diff = next;
	}
}

/* The last line that a run has come to; a run that failed may end long before the other. */
static unsigned last_event(const struct drill_record *record)
{
	unsigned last = 0;

	for (const struct drill_entry *entry = record->first; entry; entry = entry->next)
		if (entry->event && entry->event->number > last)
			last = entry->event->number;
	return last;
}

static unsigned line_of(const struct drill_diff *diff)
{
	return diff->pos.line ? (unsigned)diff->pos.line : UINT_MAX;
}

/* Those of one line stay in the order in which they were found: packets, calls, sockets. */
static struct drill_diff *sorted(struct drill_diff *list)
{
	struct drill_diff *out = NULL;

	while (list) {
		struct drill_diff *diff = list, **at = &out;

		list = list->next;
		while (*at && line_of(*at) <= line_of(diff))
			at = &(*at)->next;
		diff->next = *at;
		*at = diff;
	}
	return out;
}

struct drill_diff *drill_compare(const struct drill_record *linux_record, const struct drill_record *lastack_record)
{
	unsigned linux_last = last_event(linux_record), lastack_last = last_event(lastack_record);
	unsigned limit = linux_last < lastack_last ? linux_last : lastack_last;
	struct compare compare = {0};

	compare.last = &compare.first;
	compare_side_read(&compare.linux_side, linux_record, limit);
	compare_side_read(&compare.lastack_side, lastack_record, limit);
	compare_packets(&compare);
	compare_calls(&compare);
	compare_sockets(&compare);
	if (linux_last == lastack_last) /* otherwise they have counted different things */
		compare_counters(&compare);
	compare_side_end(&compare.linux_side);
	compare_side_end(&compare.lastack_side);
	return sorted(compare.first);
}
