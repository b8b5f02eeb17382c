/* SPDX-License-Identifier: MIT */
/*
 * drill/run_time.h - when a line of the script is due, and whether something came in time
 *
 * All times are counted from the script's beginning. What is not written as absolute counts from the end of the line
 * before; a packet in directly behind a packet in counts from the time at which that one was due, so that no delay
 * of ours adds up.
 */
#ifndef DRILL_RUN_TIME_H
#define DRILL_RUN_TIME_H

#include "drill/backend.h"
#include "drill/script.h"

/* struct run_due - between @ns and @end_ns; @from_ns is the point from which a relative time was counted */
struct run_due {
	enum drill_time_kind kind;
	int64_t ns, end_ns, from_ns;
};

/*
 * struct run_slack - how far off a time may be: so much, or this share of the interval in millionths, whichever is
 * more
 */
struct run_slack {
	int64_t ns;
	int64_t ppm;
};

/*
 * @before: the event before, with its time; NULL where @event is the first. @now_ns: when the runner turned to
 * @event.
 */
struct run_due run_due(const struct drill_event *event, const struct drill_event *before,
		       const struct run_due *before_due, int64_t now_ns);

/* The end of a blocking call that was due at @due. */
struct run_due run_due_end(const struct drill_event *event, const struct run_due *due);

int64_t run_slack(const struct run_slack *slack, int64_t interval_ns);

/* False: @what happened too early or too late; @why says by how much. */
bool run_in_time(const struct run_due *due, int64_t slack_ns, int64_t at_ns, const char *what, struct drill_text *why);

#endif
