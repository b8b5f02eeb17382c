/* SPDX-License-Identifier: MIT */
/*
 * cmd/drill.h - lastack drill: packetdrill scripts on Lastack in virtual time, and on the running kernel
 *
 *	arguments  drill_scripts.c  files found, read and parsed once per family: struct drill_plan
 *	plan       drill.c          played on each side that is asked for, verdicts counted, TAP
 *	remarks    drill_trace.c    why Lastack did it
 *	record     drill_show.c     what failed, what happened, what differs
 *	           drill_pcap.c     the frames, for Wireshark
 */
#ifndef LA_CMD_DRILL_H
#define LA_CMD_DRILL_H

#include "cmd/args.h"

#include "drill/compare.h"
#include "lab/frame.h"

#include <lastack/trace.h>

enum drill_on { DRILL_ON_LASTACK, DRILL_ON_LINUX, DRILL_SIDES };
#define DRILL_FAMILIES	3
#define DRILL_MAX_WORDS 64

/**
 * struct drill_options - the command line
 * @on, @family: which sides, which families (enum drill_family)
 * @runner:      one family was named: its addresses win over the script's, see drill_net_init()
 * @set:         --set, "NAME=VALUE"
 * @define:      -D, cut in two
 * @tolerance:   in microseconds, NULL: as the script says
 * @ladder:      a picture of each run that passed from this line of the script on, 0: none
 */
struct drill_options {
	const struct command *command;
	bool on[DRILL_SIDES], family[DRILL_FAMILIES];
	bool verbose, runner;
	int ladder;
	const char *pcap, *tolerance;
	const char *set[DRILL_MAX_WORDS];
	unsigned n_set;
	struct drill_define define[DRILL_MAX_WORDS];
	unsigned n_define;
};

/* struct drill_item - one script over one family */
struct drill_item {
	char *path;
	enum drill_family family;
	struct drill_script *script;
	struct drill_note *tolerance; /* of the command line, within the script's options */
};

struct drill_plan {
	struct drill_item *items;
	size_t n, room;
};

/* struct drill_remark - what the stack said before the record's entry number @before was noted */
struct drill_remark {
	size_t before;
	struct la_trace_event event;
};

/* struct drill_trace - all remarks of a run; @begin_ns: the script's time 0 by the side's clock */
struct drill_trace {
	const struct drill_record *record;
	int64_t begin_ns;
	struct drill_remark *remarks;
	size_t n, room;
};

/* struct drill_played - one run of an item on one side; @stalled_ns: how long the machine had no time for it at worst */
struct drill_played {
	const char *side;
	struct drill_record *record;
	struct drill_trace trace;
	struct drill_verdict verdict;
	int64_t stalled_ns;
};

/* drill_scripts.c: adds the scripts of a file or directory. 0, or the exit status after what is wrong has been said. */
int drill_plan_add(struct drill_plan *plan, const struct drill_options *options, const char *path);
void drill_plan_end(struct drill_plan *plan);

/* drill_trace.c: struct lab_drill_options.trace, with the struct drill_trace as @arg */
void drill_trace_take(void *arg, const struct la_trace_event *event);
void drill_trace_end(struct drill_trace *trace);
/* Why entry number @number, a frame with RST or FIN, was sent. False: it is none, or nothing was said. */
bool drill_trace_cause(const struct drill_trace *trace, size_t number, const struct drill_entry *entry, char *to,
		       size_t size);

/* drill_show.c: lines that begin with "# " */
void drill_show_text(const char *text);
void drill_show_events(const struct drill_played *played);
void drill_show_failure(const struct drill_item *item, const struct drill_played *played);
void drill_show_ladder(const struct drill_played *played, int from_line);
void drill_show_diff(const struct drill_diff *diff);
/* The list of what is compared, as docs/drill.md quotes it; without "# ". */
void drill_show_compared(void);

/* drill_pcap.c: NULL and errno: the file cannot be written. False at the end: it is not complete. */
struct drill_pcap *drill_pcap_new(const char *path);
void drill_pcap_run(struct drill_pcap *pcap, const struct drill_item *item, const struct drill_played *played);
bool drill_pcap_end(struct drill_pcap *pcap);

/* drill_python.c: struct drill_play.python */
bool drill_python(void *arg, const char *program, struct drill_text *said);

#endif
