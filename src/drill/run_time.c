// SPDX-License-Identifier: MIT
/*
 * drill/run_time.c - when a line of the script is due, and whether something came in time
 */
#include "drill/run_time.h"

#include <stdio.h>

static bool is_packet_in(const struct drill_event *event)
{
	return event->kind == DRILL_PACKET && !event->packet.outbound;
}

static bool is_relative(enum drill_time_kind kind)
{
	return kind == DRILL_AFTER || kind == DRILL_AFTER_RANGE || kind == DRILL_ANY_TIME;
}

struct run_due run_due(const struct drill_event *event, const struct drill_event *before,
		       const struct run_due *before_due, int64_t now_ns)
{
	const struct drill_time *time = &event->time;
	struct run_due due = {.kind = time->kind, .ns = time->ns, .end_ns = time->end_ns};

	if (!before || !is_relative(time->kind))
		return due;
	due.from_ns = is_packet_in(before) && is_packet_in(event) ? before_due->ns : now_ns;
	due.ns += due.from_ns;
	due.end_ns += due.from_ns;
	return due;
}

struct run_due run_due_end(const struct drill_event *event, const struct run_due *due)
{
	int64_t at_ns = event->call.end_ns + due->from_ns;

	return (struct run_due){.kind = due->kind, .ns = at_ns, .end_ns = at_ns, .from_ns = due->from_ns};
}

int64_t run_slack(const struct run_slack *slack, int64_t interval_ns)
{
	int64_t share = interval_ns / 1000000 * slack->ppm + interval_ns % 1000000 * slack->ppm / 1000000;

	return share > slack->ns ? share : slack->ns;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

bool run_in_time(const struct run_due *due, int64_t slack_ns, int64_t at_ns, const char *what, struct drill_text *why)
{
	bool range = due->kind == DRILL_AT_RANGE || due->kind == DRILL_AFTER_RANGE;
	char when[64];

	if (due->kind == DRILL_ANY_TIME || (at_ns >= due->ns - slack_ns && at_ns <= due->end_ns + slack_ns))
		return true;
	if (range)
		snprintf(when, sizeof(when), "between %.6f and %.6f s", seconds(due->ns), seconds(due->end_ns));
	else
		snprintf(when, sizeof(when), "at %.6f s", seconds(due->ns));
	snprintf(why->text, sizeof(why->text),
		 "expected %s %s, but it happened at %.6f s, %.6f s too %s; tolerance %.6f s", what, when,
		 seconds(at_ns), seconds(at_ns < due->ns ? due->ns - at_ns : at_ns - due->end_ns),
		 at_ns < due->ns ? "early" : "late", seconds(slack_ns));
	return false;
}
