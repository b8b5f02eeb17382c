/* SPDX-License-Identifier: MIT */
/*
 * scenario/run.h - what the three parts of the harness share: harness.c plays tests, duo.c acts, record.c looks
 */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include <setjmp.h>
#include <stdio.h>

#include "harness.h"
#include "lab/invariants.h"
#include "lab/ladder.h"
#include "lab/pcapng.h"

#define THREADS_MAX 64

struct line {
	char *text;
	bool wire;
};

/* What happened in a run, and who is in it. */
struct record {
	struct lab_observer observer;
	struct lab_invariants invariants;
	struct lab_flows flows;
	struct line *lines;
	size_t count, room;
	size_t begin;	     /* expectations look from here on */
	size_t cursor[2][3]; /* traces, frames; of client, server, script */
	char **ladder_lines;
	size_t ladder_count, ladder_room;
	size_t ladder_begin; /* the first line behind the beginning of the run, or duo_forget() */
	struct lab_ladder ladder;
	struct lab_capture capture;
	FILE *capture_file;
	struct lab_thread threads[THREADS_MAX];
	unsigned nr_threads;
	uint64_t *counters[2];
	bool off;
};

/* One process runs one test at a time: here alone a global is at home. */
struct harness {
	struct harness_test *tests;
	struct duo duo; /* the run of now; world NULL: none */
	struct record *record;
	jmp_buf escape;
	char failure[1024];
	const char *failed_file;
	int failed_line;
	bool broken; /* an invariant does not hold: a failure under all circumstances */
	int family;
	uint64_t seed;
	const char *title;
	int victim;  /* number of the host that is refused memory, 0: none */
	bool blocks; /* ... its blocks, else its objects */
	uint64_t nth;
	uint64_t refused; /* how often that happened in the last run */
	bool shows;	  /* a picture of each run is wanted */
};
extern struct harness h;

/* record.c */
void record_begin(struct duo *d);
void record_end(struct record *rec);

/* duo.c */
uint64_t discard(void); /* frees the run of now without looking: a test that failed may leave anything; bytes leaked */

#endif
