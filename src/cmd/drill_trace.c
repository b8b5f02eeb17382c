// SPDX-License-Identifier: MIT
/*
 * cmd/drill_trace.c - what Lastack said about itself during a run, and which of it belongs to which entry of the record
 *
 * The stack speaks while it acts: what it says before the record's entry number n is noted stands before that entry.
 * The kernel says nothing; its trace stays empty.
 */
#include "cmd/drill.h"

#include <stdio.h>
#include <string.h>

void drill_trace_take(void *arg, const struct la_trace_event *event)
{
	struct drill_trace *trace = arg;
	struct drill_remark *remark;

	if (trace->n == trace->room) {
		trace->room = trace->room ? 2 * trace->room : 64;
		trace->remarks = realloc(trace->remarks, trace->room * sizeof(*trace->remarks));
		if (!trace->remarks)
			abort();
	}
	remark = &trace->remarks[trace->n++];
	remark->before = trace->record->count;
	remark->event = *event; /* its words are the stack's constants */
}

void drill_trace_end(struct drill_trace *trace)
{
	free(trace->remarks);
}

static void cause_text(const struct la_trace_event *event, char *to, size_t size)
{
	snprintf(to, size, "%s: %s%s%s%s%s", event->kind == LA_TRACE_RST ? "RST" : "FIN", event->cause,
		 *event->row ? ", " : "", event->row, *event->counter ? ", " : "", event->counter);
}

/* The last remark of this kind about this connection before the entry. */
static const struct la_trace_event *find_cause(const struct drill_trace *trace, size_t number, enum la_trace_kind kind,
					       const struct lab_segment *seg)
{
	for (size_t i = trace->n; i--;) {
		const struct la_trace_event *event = &trace->remarks[i].event;

		if (trace->remarks[i].before <= number && event->kind == kind && event->sport == seg->sport &&
		    event->dport == seg->dport)
			return event;
	}
	return NULL;
}

bool drill_trace_cause(const struct drill_trace *trace, size_t number, const struct drill_entry *entry, char *to,
		       size_t size)
{
	const struct la_trace_event *event;
	struct lab_segment seg;

	if (entry->kind != DRILL_HEARD || !lab_segment_read(&seg, entry->frame, entry->len) || seg.protocol != 6 ||
	    !(seg.flags & (LAB_RST | LAB_FIN)))
		return false;
	event = find_cause(trace, number, seg.flags & LAB_RST ? LA_TRACE_RST : LA_TRACE_FIN, &seg);
	if (event)
		cause_text(event, to, size);
	return event;
}
