// SPDX-License-Identifier: MIT
/*
 * cmd/ss.c - lastack ss: the sockets of a running stack, as `ss` shows those of the kernel
 *
 * The stack gives all that there is to say about each (cmd/report.h); here lines and columns are chosen and laid out.
 * With -i and -m there is a second line, as with ss, unless -O.
 */
#include "cmd/report.h"

#include "host/run/folder.h"

#include <stdio.h>
#include <string.h>

enum {
	OPT_TCP = 2,
	OPT_ALL,
	OPT_LISTENING,
	OPT_NUMERIC,
	OPT_OPTIONS,
	OPT_PROCESSES,
	OPT_INFO,
	OPT_EXTENDED,
	OPT_MEMORY,
	OPT_IPV4,
	OPT_IPV6,
	OPT_NO_HEADER,
	OPT_ONE_LINE,
	OPT_SUMMARY,
	OPT_LIST,
	OPT_NAME,
	OPT_COUNT, /* of them */
};

static const struct option_spec ss_options[] = {
	{OPT_TCP, "t", NULL, "TCP sockets: there are no others"},
	{OPT_ALL, "a", NULL, "all: listening ones, half-open ones and TIME-WAIT too"},
	{OPT_LISTENING, "l", NULL, "only the listening ones"},
	{OPT_NUMERIC, "n", NULL, "ports as numbers: they always are"},
	{OPT_OPTIONS, "o", NULL, "the timer that runs, what is left of it, how often it was in vain"},
	{OPT_PROCESSES, "p", NULL, "the processes that have it open, and as which number"},
	{OPT_INFO, "i", NULL, "the state of the protocol: window scales, times, congestion window"},
	{OPT_EXTENDED, "e", NULL, "user, inode, cookie, which directions are shut down"},
	{OPT_MEMORY, "m", NULL, "memory held and allowed"},
	{OPT_IPV4, "4", NULL, "only IPv4"},
	{OPT_IPV6, "6", NULL, "only IPv6"},
	{OPT_NO_HEADER, "H", NULL, "no headline"},
	{OPT_ONE_LINE, "O", NULL, "one line a socket"},
	{OPT_SUMMARY, "s", NULL, "how much of everything the stack holds, and whether it is in order"},
	{OPT_NAME, "name", "NAME", "of the stack, as the argument"},
	{OPT_LIST, "list", NULL, "only the names of the stacks that run"},
	{0, NULL, NULL, NULL},
};

/* A line of the answer, cut into its fields. */
struct row {
	struct row *next;
	char *field[FIELDS];
};

struct widths {
	int state, recv_q, send_q, local, local_port, peer, peer_port;
};

/* ------------------------------------------------------------------ which */

static struct row *cut_row(char *line)
{
	struct row *row = calloc(1, sizeof(*row));

	for (int i = 0; row && i < FIELDS; i++)
		row->field[i] = line ? strsep(&line, "\t") : (char *)"";
	for (int i = 0; row && i < FIELDS; i++)
		if (!row->field[i])
			row->field[i] = (char *)"";
	return row;
}

static bool is_state(const struct row *row, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(row->field[FIELD_STATE], *names))
			return true;
	return false;
}

static bool is_wanted(const struct row *row, const bool *asked)
{
	static const char *const listening[] = {"LISTEN", NULL};
	static const char *const seldom[] = {"LISTEN", "TIME-WAIT", "SYN-RECV", "UNCONN", NULL};
	bool v6 = row->field[FIELD_LOCAL][0] == '[' || row->field[FIELD_LOCAL][0] == '*';

	if ((asked[OPT_IPV4] || asked[OPT_IPV6]) && !asked[v6 ? OPT_IPV6 : OPT_IPV4])
		return false;
	if (asked[OPT_ALL])
		return true;
	return asked[OPT_LISTENING] ? is_state(row, listening) : !is_state(row, seldom);
}

static struct row *read_rows(char *text, const bool *asked)
{
	struct row *rows = NULL, **end = &rows, *row;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		row = *line ? cut_row(line) : NULL;
		if (row && !is_wanted(row, asked)) {
			free(row);
			row = NULL;
		}
		if (row) {
			*end = row;
			end = &row->next;
		}
	}
	return rows;
}

/* ------------------------------------------------------------------ how */

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (len > *width)
		*width = len;
}

static void measure(struct widths *w, const struct row *row)
{
	*w = (struct widths){
		.state = 5, .recv_q = 6, .send_q = 6, .local = 13, .local_port = 4, .peer = 12, .peer_port = 4};
	for (; row; row = row->next) {
		widen(&w->state, row->field[FIELD_STATE]);
		widen(&w->recv_q, row->field[FIELD_RECV_Q]);
		widen(&w->send_q, row->field[FIELD_SEND_Q]);
		widen(&w->local, row->field[FIELD_LOCAL]);
		widen(&w->local_port, row->field[FIELD_LOCAL_PORT]);
		widen(&w->peer, row->field[FIELD_PEER]);
		widen(&w->peer_port, row->field[FIELD_PEER_PORT]);
	}
}

static void print_columns(const struct widths *w, char *const *f)
{
	printf("%-*s %-*s %-*s %*s:%-*s %*s:%-*s", w->state, f[FIELD_STATE], w->recv_q, f[FIELD_RECV_Q], w->send_q,
	       f[FIELD_SEND_Q], w->local, f[FIELD_LOCAL], w->local_port, f[FIELD_LOCAL_PORT], w->peer, f[FIELD_PEER],
	       w->peer_port, f[FIELD_PEER_PORT]);
}

static void print_header(const struct widths *w)
{
	static char *const titles[FIELDS] = {
		[FIELD_STATE] = "State",	 [FIELD_RECV_Q] = "Recv-Q",   [FIELD_SEND_Q] = "Send-Q",
		[FIELD_LOCAL] = "Local Address", [FIELD_LOCAL_PORT] = "Port", [FIELD_PEER] = "Peer Address",
		[FIELD_PEER_PORT] = "Port",
	};

	print_columns(w, titles);
	printf(" Process\n");
}

static void print_row(const struct widths *w, const struct row *row, const bool *asked)
{
	static const struct {
		int option;
		enum report_field field;
		bool below;
	} parts[] = {
		{OPT_PROCESSES, FIELD_USERS, false},   {OPT_OPTIONS, FIELD_TIMER, false},
		{OPT_EXTENDED, FIELD_EXTENDED, false}, {OPT_MEMORY, FIELD_MEMORY, true},
		{OPT_INFO, FIELD_INFO, true},
	};
	bool below = asked[OPT_ONE_LINE];

	print_columns(w, row->field);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *text = row->field[parts[i].field];

		if (!asked[parts[i].option] || !*text)
			continue;
		printf("%s%s", parts[i].below && !below ? "\n\t " : " ", text);
		below |= parts[i].below;
	}
	putchar('\n');
}

/* ------------------------------------------------------------------ the command */

static void print_name(void *arg, const char *name)
{
	(void)arg;
	puts(name);
}

/* Sets @asked by option, *@wanted to the stack's name; 0 or EXIT_USAGE. */
static int read_asked(const struct command *command, int argc, char **argv, bool *asked, const char **wanted)
{
	static const int usual[] = {OPT_ALL, OPT_OPTIONS, OPT_PROCESSES, OPT_INFO};
	const char *value;
	struct args args;
	bool any = false;
	int id;

	args_init(&args, command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN && *wanted)
			return misuse(command, "%s is one argument too many", value);
		if (id == ARGS_PLAIN || id == OPT_NAME)
			*wanted = value;
		else
			any = asked[id] = true;
	}
	for (size_t i = 0; !any && i < sizeof(usual) / sizeof(usual[0]); i++)
		asked[usual[i]] = true;
	return 0;
}

/* Takes @text. */
static void print_answer(char *text, const bool *asked)
{
	struct row *rows, *next;
	struct widths w;

	if (asked[OPT_SUMMARY]) {
		fputs(text, stdout);
		free(text);
		return;
	}
	rows = read_rows(text, asked);
	measure(&w, rows);
	if (!asked[OPT_NO_HEADER])
		print_header(&w);
	for (struct row *row = rows; row; row = next) {
		print_row(&w, row, asked);
		next = row->next;
		free(row);
	}
	free(text);
}

static int ss_run(const struct command *command, int argc, char **argv)
{
	char name[FOLDER_NAME + 1], *text;
	bool asked[OPT_COUNT] = {false};
	const char *wanted = NULL, *line = "ss";

	if (read_asked(command, argc, argv, asked, &wanted))
		return EXIT_USAGE;
	if (asked[OPT_LIST]) {
		folder_each(print_name, NULL);
		return 0;
	}
	if (asked[OPT_SUMMARY])
		line = "usage";
	else if (asked[OPT_PROCESSES] || asked[OPT_EXTENDED])
		line = "ss owners";
	text = report_ask(command, wanted, line, name);
	if (!text)
		return EXIT_FAILURE;
	print_answer(text, asked);
	return 0;
}

const struct command ss_command = {
	.name = "ss",
	.args = "[NAME]",
	.about = "the sockets of a running stack, as ss shows the kernel's",
	.details = "  lastack ss -tan\n\nWithout an option as with -tanopi. NAME is the stack's; without it, the one "
		   "that we run on, or the only one.\n",
	.options = ss_options,
	.run = ss_run,
};
