/* SPDX-License-Identifier: MIT */
/*
 * drill/code.h - %{ }%: Python assertions about a socket
 *
 * In:   at each block's time the values of TCP_INFO, TCP_CC_INFO and SO_MEMINFO of the socket under test.
 * Here: they become assignments (tcpi_state = 1), and the block's text follows.
 * Out:  at the script's end one program for python3; the first assertion that does not hold says its line, and all fails.
 */
#ifndef DRILL_CODE_H
#define DRILL_CODE_H

#include "drill/backend.h"
#include "drill/run.h"
#include "drill/script.h"

/* The program of one run, empty at first. @file is the script's name, for messages. */
struct drill_code *drill_code_new(const char *file);
void drill_code_free(struct drill_code *code);

/* A block's time has come. @fd is the side's descriptor; false: the side does not tell these values, with the reason. */
bool drill_code_take(struct drill_code *code, struct drill_side *side, int fd, const struct drill_event *event,
		     struct drill_text *why);

/* The program so far; "" where there was no block. */
const char *drill_code_program(const struct drill_code *code);

/*
 * What Python said when the program failed, as a verdict: its @pos is the line of the block's text that did not hold, its
 * text the assertion.
 */
void drill_code_failed(const struct drill_code *code, const struct drill_text *said, struct drill_verdict *verdict);

#endif
