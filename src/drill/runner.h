/* SPDX-License-Identifier: MIT */
/*
 * drill/runner.h - what the parts of the runner share
 *
 *	run.c         one event after the other, at its time; the run's beginning and end
 *	run_calls.c   calls, those that wait among them
 *	run_packets.c packets in
 *	run_expect.c  packets out, against the line
 *	run_watch.c   how the sockets stand after a line
 *	settings*.c   options, shell lines
 *
 * A function that gives bool gives false when the run has ended: the verdict then says why.
 */
#ifndef DRILL_RUNNER_H
#define DRILL_RUNNER_H

#include "drill/call.h"
#include "drill/code.h"
#include "drill/run.h"
#include "drill/run_flow.h"
#include "drill/run_time.h"
#include "drill/run_wire.h"
#include "drill/settings.h"

#define RUN_SECOND 1000000000LL

/* struct run_waiting - a call that has begun and waits */
struct run_waiting {
	struct run_waiting *next;
	const struct drill_event *event;
	struct run_due due;
	struct drill_prepared *call;
};

/**
 * struct runner - one run
 * @event, @due: the line that is played
 * @before, @before_due: the one before; NULL at the first
 * @wire:    what `...` means; @wire.begin_ns is the script's time 0 by the side's clock
 * @flow:    the newest one, which is under test
 * @flows:   how many began with a packet in: each comes from a port of its own
 * @waiting: calls that wait, in order of their beginning
 * @frame:   the last that has left
 */
struct runner {
	const struct drill_play *play;
	struct drill_side *side;
	const struct drill_net *net;
	struct drill_record *record;
	struct drill_verdict *verdict;
	struct drill_settings set;
	struct drill_wire wire;
	struct drill_calls *calls;
	struct drill_code *code;
	struct run_flow *flow;
	unsigned flows;
	struct run_waiting *waiting;
	const struct drill_event *event, *before;
	struct run_due due, before_due;
	struct drill_frame frame;
};

/* Ends the run at @pos: false, always. */
bool run_end(struct runner *run, enum drill_outcome outcome, struct drill_pos pos, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The side's clock, counted from the script's beginning. */
int64_t run_now(const struct runner *run);

/* Waits for the time of the line and looks whether it was met. */
bool run_until_due(struct runner *run, const char *what);

/* How far off the line's time may be. */
int64_t run_line_slack(const struct runner *run);

bool run_call(struct runner *run);
/* Calls that wait and have returned by now are checked. */
bool run_returned(struct runner *run);
/* So are those that are to return by now; they are waited for, within the tolerance. */
bool run_settled(struct runner *run);
/* The script is over: every call has to return now. */
bool run_last_calls(struct runner *run);
/* The run is over: what still waits is broken off. */
void run_abandon_calls(struct runner *run);

bool run_packet_in(struct runner *run);
bool run_packet_out(struct runner *run);
/* Frames that no line asked for, for the record. */
void run_drain(struct runner *run);

void run_watch(struct runner *run);

#endif
