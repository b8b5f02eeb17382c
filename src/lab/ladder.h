/* SPDX-License-Identifier: MIT */
/*
 * lab/ladder.h - the picture of a connection as text: who said what when, and what it did to each side
 *
 *	   seconds  client                                                       server
 *	  0.000000  sys_close > filp_close >    |                            |
 *	              fput > ... > tcp_close    |                            |
 *	            ESTABLISHED -> FIN_WAIT1    |                            |
 *	                                        |-- F. 4:4(0) ack 1 win 502 >|
 *	  0.001000                              |                            |  ESTABLISHED -> CLOSE_WAIT
 *
 * It is fed with frames (the bytes of IP packets, from a virtual wire or from a real one) and with what stacks trace, in
 * the order of time, and gives lines of at most 120 columns. Numbers are relative. Long runs of plain data and ACKs are
 * folded into one line. Of a virtual world it shows the calls of threads as well, if it is asked to: what they returned, and
 * where they wait. A host's first task has no name, the others are "task 2", "task 3" as they appear.
 */
#ifndef LAB_LADDER_H
#define LAB_LADDER_H

#include "lab/wire.h"

#define LAB_LADDER_COLS	 120
#define LAB_LADDER_TASKS 8 /* that are told apart on one side; calls of others go untold */

enum lab_ladder_look {
	LAB_LADDER_BOTH, /* both sides are stacks that trace */
	LAB_LADDER_LEFT, /* only the left one: it gets the room */
};

/**
 * struct lab_ladder - a picture being drawn
 * @line:    takes the next line, without its end
 * @fold:    after so many plain segments in a row the rest is counted only; 0: never. 8 at first
 * @steps:   whether functions of the open and close path are shown; they are at first
 * @calls:   whether calls are shown; they are not at first
 * @made:    a call that has not returned yet; told as waiting when the clock moves or another call is made
 */
struct lab_ladder {
	void (*line)(void *arg, const char *text);
	void *arg;
	unsigned fold;
	bool steps, calls;

	char name[2][32];
	unsigned cols[3]; /* left, wire, right */
	uint64_t start_ns, shown_ns;
	bool started;
	struct lab_flows flows;

	enum lab_end path_end; /* functions entered one after the other, not yet drawn */
	uint64_t path_ns;
	char path[512];

	unsigned plain; /* plain segments in a row */
	unsigned folded, folded_lost;
	uint64_t folded_bytes[2], folded_ns;

	struct lab_observer observer;
	struct lab_wire *wire;
	const struct la_task *tasks[2][LAB_LADDER_TASKS];
	struct lab_call *made;
};

void lab_ladder_begin(struct lab_ladder *ladder, enum lab_ladder_look look, const char *left, const char *right,
		      void (*line)(void *arg, const char *text), void *arg);
void lab_ladder_frame(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end from, const void *frame, size_t len,
		      enum lab_fate fate);
void lab_ladder_event(struct lab_ladder *ladder, enum lab_end end, const struct la_trace_event *event);
/* What a program does or is told, on its own side. */
void lab_ladder_say(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end end, const char *text);
/* A remark of the narrator's, across the page. */
void lab_ladder_note(struct lab_ladder *ladder, uint64_t now_ns, const char *text);
/* Draws what is still held back. */
void lab_ladder_flush(struct lab_ladder *ladder);
/* Draws what is still held back and forgets the flows; a ladder without lines has no head either. */
void lab_ladder_end(struct lab_ladder *ladder);

/* Draws one wire of a virtual world from now on: end A to the left. @ladder lives as long as the world. */
void lab_ladder_watch(struct lab_ladder *ladder, struct lab_wire *wire, void (*line)(void *arg, const char *text),
		      void *arg);

#endif
