// SPDX-License-Identifier: MIT
/*
 * cmd/report.c - what a running stack says to `lastack ss` and `lastack nstat`
 */
#include "cmd/report.h"

#include <lastack/stack.h>

#include <string.h>

static void answer_counters(struct la_stack *stack, FILE *out)
{
	const char *name;
	uint64_t value;

	for (size_t i = 0; la_counter_at(stack, i, &name, &value); i++)
		fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

void report_answer(struct la_stack *stack, struct executor *ex, const char *line, FILE *out)
{
	(void)ex;
	if (!strcmp(line, "nstat"))
		answer_counters(stack, out);
	else
		fprintf(out, "? the stack knows no such question\n");
}
