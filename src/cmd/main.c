// SPDX-License-Identifier: MIT
/*
 * cmd/main.c - lastack: which command, its help, or its mistake
 */
#include "cmd/args.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LASTACK_VERSION "0.1.0"

static const struct command *const commands[] = {&serve_command, &get_command, &echo_command, &play_command,
						 &drill_command, &run_command,	&ss_command,	 &nstat_command};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	printf("usage: lastack COMMAND [OPTION...] [ARGUMENT...]\n\n"
	       "TCP outside the kernel, closing as Linux closes, on a TUN device of its own.\n\ncommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->about);
	printf("\n\"lastack COMMAND --help\" tells about one of them; \"lastack --version\" prints the version.\n"
	       "\nA TUN device wants rights: run as root, or under \"unshare -Urn\".\n");
	return EXIT_SUCCESS;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return misuse(NULL, "a command is missing");
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("lastack " LASTACK_VERSION "\n");
		return EXIT_SUCCESS;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "help")) {
		if (argc < 3)
			return help();
		argv[1] = argv[2];
		argv[2] = "--help";
	}
	command = find_command(argv[1]);
	if (!command)
		return misuse(NULL, "%s is no command", argv[1]);
	if (wants_help(command->program ? argc > 2 : argc - 2, argv + 2)) {
		command_help(command);
		return EXIT_SUCCESS;
	}
	if (!command->program)
		signal(SIGPIPE, SIG_IGN); /* a program of somebody else's inherits what we do to signals */
	return command->run(command, argc - 2, argv + 2);
}
