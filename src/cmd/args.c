// SPDX-License-Identifier: MIT
/*
 * cmd/args.c - the command line: options by table, help made from the same table, one clear sentence for a mistake
 */
#include "cmd/args.h"

#include "cmd/setup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void complain(const struct command *command, const char *fmt, va_list list)
{
	fflush(stdout);
	fprintf(stderr, "lastack%s%s: ", command ? " " : "", command ? command->name : "");
	vfprintf(stderr, fmt, list);
}

int fail(const struct command *command, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	complain(command, fmt, list);
	va_end(list);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

int misuse(const struct command *command, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	complain(command, fmt, list);
	va_end(list);
	fprintf(stderr, "; see \"lastack%s%s --help\"\n", command ? " " : "", command ? command->name : "");
	return EXIT_USAGE;
}

bool parse_number(const char *text, uint64_t lowest, uint64_t highest, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end && *number >= lowest && *number <= highest;
}

/* ------------------------------------------------------------------ walking through the arguments */

void args_init(struct args *args, const struct command *command, int argc, char **argv)
{
	*args = (struct args){.command = command, .argc = argc, .argv = argv};
}

static const struct option_spec *find_option(const struct option_spec *table, const char *name, size_t len)
{
	for (; table && table->name; table++)
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	return NULL;
}

/* A name of one letter has one dash. */
static size_t option_dashes(const struct option_spec *spec)
{
	return spec->name[1] ? 2 : 1;
}

/* "-tan" where each letter is an option without a value. */
static bool are_letters(const struct option_spec *table, const char *text)
{
	const struct option_spec *spec;

	for (; *text; text++) {
		spec = find_option(table, text, 1);
		if (!spec || spec->value)
			return false;
	}
	return true;
}

int args_next(struct args *args, const char **value)
{
	const struct command *command = args->command;
	const struct option_spec *spec;
	const char *arg, *equals;
	size_t len, dashes;

	if (args->letters && *args->letters)
		return find_option(command->options, args->letters++, 1)->id;
	if (args->next >= args->argc)
		return ARGS_END;
	*value = arg = args->argv[args->next++];
	if (arg[0] != '-' || !arg[1])
		return ARGS_PLAIN;
	dashes = strspn(arg, "-");
	arg += dashes < 2 ? dashes : 2;
	if (dashes == 1 && arg[1] && are_letters(command->options, arg)) {
		args->letters = arg + 1;
		return find_option(command->options, arg, 1)->id;
	}
	equals = strchr(arg, '=');
	len = equals ? (size_t)(equals - arg) : strlen(arg);
	spec = find_option(command->options, arg, len);
	if (!spec && command->network)
		spec = find_option(setup_options, arg, len);
	if (!spec || dashes != option_dashes(spec)) {
		misuse(command, "unknown option %.*s", (int)(arg + len - *value), *value);
		return ARGS_ERROR;
	}
	if (!spec->value && equals) {
		misuse(command, "option %.*s%s takes no value", (int)dashes, "--", spec->name);
		return ARGS_ERROR;
	}
	if (spec->value && !equals && args->next >= args->argc) {
		misuse(command, "option %.*s%s wants a value, %s", (int)dashes, "--", spec->name, spec->value);
		return ARGS_ERROR;
	}
	if (spec->value)
		*value = equals ? equals + 1 : args->argv[args->next++];
	return spec->id;
}

/* ------------------------------------------------------------------ help */

static void print_options(const char *title, const struct option_spec *table)
{
	char left[64];

	if (!table || !table->name)
		return;
	printf("\n%s:\n", title);
	for (; table->name; table++) {
		snprintf(left, sizeof(left), "%.*s%s%s%s", (int)option_dashes(table), "--", table->name,
			 table->value ? " " : "", table->value ? table->value : "");
		printf("  %-26s %s\n", left, table->help);
	}
}

void command_help(const struct command *command)
{
	printf("usage: lastack %s [OPTION...]%s%s\n\n%s.\n", command->name, *command->args ? " " : "", command->args,
	       command->about);
	if (command->details)
		printf("\n%s", command->details);
	print_options("options", command->options);
	if (command->network)
		print_options("the network", setup_options);
	if (!command->program)
		printf("\nexit status: 0 done, 1 it failed, 2 it was asked for wrongly\n");
}
