/* SPDX-License-Identifier: MIT */
/*
 * drill/run.h - a script is played on a side
 *
 *	script.h events, one after the other ------------------------------------------.
 *	   at its time:  packet in   wire numbers for the script's, inject()            |
 *	                 packet out  next() frame against the line                      | -> record.h
 *	                 call        args*.c: C arguments, start(), results against it  |
 *	                 `shell`     settings.c: sysctl, ip ... else command()          |
 *	                 %{ code }%  code.c: values asked for now, Python at the end   -'
 *
 * The first line that does not come out as written ends the run with a verdict. Pure: all that acts is behind backend.h and
 * the one function in struct drill_play.
 */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include "drill/backend.h"
#include "drill/record.h"
#include "drill/script.h"

/**
 * struct drill_play - one run
 * @net:    how the side was made
 * @watch:  also record how each socket stands after each line, and the counters
 * @python: runs a program with python3; false with what it said. @arg is handed back
 */
struct drill_play {
	const struct drill_script *script;
	struct drill_side *side;
	const struct drill_net *net;
	bool watch;
	bool (*python)(void *arg, const char *program, struct drill_text *said);
	void *arg;
};

enum drill_outcome {
	DRILL_PASSED,
	DRILL_FAILED,	   /* the side did not do what the line says */
	DRILL_UNSUPPORTED, /* the line asks for what this side, or this runner, does not have: @text names it */
};

/**
 * struct drill_verdict - how a run ended
 * @pos:      the line that did not come out; 0:0 where it is none
 * @text:     what is wrong, in one sentence
 * @expected, @actual: of a packet or a call, in the script's language, one under the other aligned; "" where there is none
 */
struct drill_verdict {
	enum drill_outcome outcome;
	struct drill_pos pos;
	struct drill_text text;
	struct drill_text expected, actual;
};

/*
 * The wire that a script wants, from its options (mtu, local_ip, ...) over the defaults of its family. @runner: the family's
 * addresses (and IPv6's MTU) win over the script's, as they do where the original's runner gives them on the command
 * line. False: the reason.
 */
bool drill_net_init(struct drill_net *net, const struct drill_script *script, enum drill_family family, bool runner,
		    struct drill_text *why);

/* What the command line adds to a script of this family before it is parsed: TFO_COOKIE, CODE, ... Gives the number written. */
#define DRILL_FAMILY_DEFINES 8
size_t drill_family_defines(enum drill_family family, struct drill_define to[DRILL_FAMILY_DEFINES]);

/* Plays a script; the record is the caller's, empty at first. */
void drill_run(const struct drill_play *play, struct drill_record *record, struct drill_verdict *verdict);

#endif
