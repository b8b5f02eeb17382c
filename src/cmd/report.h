/* SPDX-License-Identifier: MIT */
/*
 * cmd/report.h - what `lastack ss` and `lastack nstat` ask a running stack, and how it answers
 */
#ifndef LA_CMD_REPORT_H
#define LA_CMD_REPORT_H

#include <stdio.h>

struct executor;
struct la_stack;

/* In the executor: answers one line, "ss" or "nstat". */
void report_answer(struct la_stack *stack, struct executor *ex, const char *line, FILE *out);

#endif
