/* SPDX-License-Identifier: MIT */
/*
 * cmd/args.h - the command line: options by table, help made from the same table, one clear sentence for a mistake
 *
 * Exit status: 0 done, 1 it failed (EXIT_FAILURE), 2 it was asked for wrongly (EXIT_USAGE).
 */
#ifndef LA_CMD_ARGS_H
#define LA_CMD_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define EXIT_USAGE 2
#define ARGS_END   0
#define ARGS_PLAIN 1	/* an argument that is no option */
#define ARGS_ERROR (-1) /* already reported */

/**
 * struct option_spec - one option; a table ends with an entry without a name
 * @id:    what args_next() returns for it, above ARGS_PLAIN
 * @name:  without the two dashes; a name of one letter has one dash
 * @value: what it takes, for the help; NULL: nothing
 * @help:  one line
 */
struct option_spec {
	int id;
	const char *name, *value, *help;
};

/**
 * struct command - one subcommand
 * @args:    its arguments, for the help
 * @about:   one line
 * @details: paragraphs of its help, or NULL
 * @options: its own options; NULL: none
 * @program: what stands behind its options is a program with options of its own
 * @network: it plays on a network device: the options of cmd/setup.h are its options too
 */
struct command {
	const char *name, *args, *about, *details;
	const struct option_spec *options;
	bool program, network;
	int (*run)(const struct command *command, int argc, char **argv);
};

struct args {
	const struct command *command;
	int argc, next;
	char **argv;
	const char *letters; /* what is left of "-tan", which is -t -a -n */
};

/* Makes args_next() walk through @argv, which begins behind the command's name. */
void args_init(struct args *args, const struct command *command, int argc, char **argv);

/* The next option's id with its value, ARGS_PLAIN with the argument, ARGS_END, or ARGS_ERROR. */
int args_next(struct args *args, const char **value);

/* Prints the command's help page. */
void command_help(const struct command *command);

/* "lastack serve: <sentence>" on stderr; returns EXIT_FAILURE. */
__attribute__((format(printf, 2, 3))) int fail(const struct command *command, const char *fmt, ...);

/* The same, with a pointer to --help; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int misuse(const struct command *command, const char *fmt, ...);

/* Reads a whole decimal number within bounds. */
bool parse_number(const char *text, uint64_t lowest, uint64_t highest, uint64_t *number);

extern const struct command serve_command, get_command, echo_command, play_command, drill_command, run_command,
	ss_command, nstat_command;

#endif
