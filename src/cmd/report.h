/* SPDX-License-Identifier: MIT */
/*
 * cmd/report.h - what `lastack ss` and `lastack nstat` ask a running stack, and how it answers
 *
 * A question is a line, sent to the stack's control socket (SEG_TEXT); the answer is lines.
 *
 *	ss     -> an endpoint a line, fields between tabs as enum report_field has them; worded as in `ss`, "" for none
 *	ss owners -> the same, with who has it open
 *	nstat  -> all counters as `nstat -az` prints them
 */
#ifndef LA_CMD_REPORT_H
#define LA_CMD_REPORT_H

#include "cmd/args.h"

#include <stdio.h>

struct executor;
struct la_stack;

enum report_field {
	FIELD_STATE,
	FIELD_RECV_Q,
	FIELD_SEND_Q,
	FIELD_LOCAL, /* address, port */
	FIELD_LOCAL_PORT,
	FIELD_PEER,
	FIELD_PEER_PORT,
	FIELD_USERS,	/* -p */
	FIELD_TIMER,	/* -o */
	FIELD_EXTENDED, /* -e */
	FIELD_MEMORY,	/* -m */
	FIELD_INFO,	/* -i */
	FIELDS,
};

/* A counter, and all of a stack's, as `nstat -az` prints them. */
void report_counter(FILE *out, const char *name, uint64_t value);
void report_counters(struct la_stack *stack, FILE *out);

/* In the executor: answers one line. */
void report_answer(struct la_stack *stack, struct executor *ex, const char *line, FILE *out);

/* In a command: asks the stack @name, or the only one that runs. Gives the answer, to be freed; NULL after a message.
 * The stack's name is written to @found (FOLDER_NAME and a zero). */
char *report_ask(const struct command *command, const char *name, const char *line, char *found);

#endif
