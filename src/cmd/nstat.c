// SPDX-License-Identifier: MIT
/*
 * cmd/nstat.c - lastack nstat: the counters of a running stack, as `nstat` shows those of the kernel
 *
 * What was shown last lies in the stack's folder, so that each call shows what was added since; it goes with the stack.
 */
#include "cmd/report.h"

#include "host/run/folder.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_ABSOLUTE = 2,
	OPT_ZEROS,
	OPT_NO_UPDATE,
	OPT_NO_OUTPUT,
	OPT_RESET,
	OPT_JSON,
	OPT_JSON_LETTER,
	OPT_NAME,
	OPT_COUNT
};

static const struct option_spec nstat_options[] = {
	{OPT_ABSOLUTE, "a", NULL, "absolute values, not what was added since the last call"},
	{OPT_ZEROS, "z", NULL, "zeros too"},
	{OPT_NO_UPDATE, "s", NULL, "this is no last call for the next one"},
	{OPT_NO_OUTPUT, "n", NULL, "only be the last call, show nothing"},
	{OPT_RESET, "r", NULL, "forget the last call"},
	{OPT_JSON_LETTER, "j", NULL, "as JSON"},
	{OPT_JSON, "json", NULL, "the same"},
	{OPT_NAME, "name", "NAME", "of the stack, as the argument"},
	{0, NULL, NULL, NULL},
};

struct counters {
	char *text;
	size_t count, room;
	struct counter {
		const char *name;
		uint64_t value;
	} * list;
};

struct nstat {
	const struct command *command;
	bool asked[OPT_COUNT];
	const char *wanted;
	char **patterns;
	int pattern_count;
	char name[FOLDER_NAME + 1], history[FOLDER_PATH + 32];
	struct counters now, before;
};

/* ------------------------------------------------------------------ "NAME VALUE ..." by the line */

/* Takes @text. */
static void read_counters(struct counters *counters, char *text)
{
	char *line, *rest = text, *space;

	counters->text = text;
	while ((line = strsep(&rest, "\n"))) {
		space = strchr(line, ' ');
		if (!space || *line == '#')
			continue;
		if (counters->count == counters->room) {
			struct counter *more = realloc(counters->list, (counters->room + 256) * sizeof(*more));

			if (!more)
				return;
			counters->list = more;
			counters->room += 256;
		}
		*space = 0;
		counters->list[counters->count++] = (struct counter){line, strtoull(space + 1, NULL, 10)};
	}
}

static void free_counters(struct counters *counters)
{
	free(counters->list);
	free(counters->text);
}

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "re"), *out;
	char *text = NULL, part[4096];
	size_t len, n;

	if (!in)
		return NULL;
	out = open_memstream(&text, &len);
	while (out && (n = fread(part, 1, sizeof(part), in)))
		fwrite(part, 1, n, out);
	fclose(in);
	if (out)
		fclose(out);
	return text;
}

/* A value that fell is of an earlier stack of this name. */
static uint64_t added(const struct nstat *ns, const struct counter *counter)
{
	const struct counters *before = &ns->before;

	if (ns->asked[OPT_ABSOLUTE])
		return counter->value;
	if (!strcmp(counter->name, "TcpCurrEstab"))
		return 0; /* a level: nothing is added to it */
	for (size_t i = 0; i < before->count; i++)
		if (!strcmp(before->list[i].name, counter->name))
			return counter->value - (before->list[i].value > counter->value ? 0 : before->list[i].value);
	return counter->value;
}

static void write_history(const struct nstat *ns)
{
	FILE *out;

	if (ns->asked[OPT_NO_UPDATE])
		return;
	out = fopen(ns->history, "we");
	if (!out)
		return; /* a stack of somebody else's: there is no last call then */
	for (size_t i = 0; i < ns->now.count; i++)
		report_counter(out, ns->now.list[i].name, ns->now.list[i].value);
	fclose(out);
}

/* ------------------------------------------------------------------ output */

static bool is_wanted(const struct nstat *ns, const struct counter *counter, uint64_t value)
{
	if (!value && !ns->asked[OPT_ZEROS])
		return false;
	for (int i = 0; i < ns->pattern_count; i++)
		if (!fnmatch(ns->patterns[i], counter->name, FNM_CASEFOLD))
			return true;
	return !ns->pattern_count;
}

static void print_counters(const struct nstat *ns, bool json)
{
	const char *comma = "";

	printf(json ? "{\"kernel\":{" : "#kernel\n");
	for (size_t i = 0; i < ns->now.count; i++) {
		const struct counter *counter = &ns->now.list[i];
		uint64_t value = added(ns, counter);

		if (!is_wanted(ns, counter, value))
			continue;
		if (json)
			printf("%s\"%s\":%llu", comma, counter->name, (unsigned long long)value);
		else
			report_counter(stdout, counter->name, value);
		comma = ",";
	}
	if (json)
		printf("}}\n");
}

/* ------------------------------------------------------------------ the command */

static void match_name(void *arg, const char *name)
{
	const char **wanted = arg;

	if (*wanted && !strcmp(*wanted, name))
		*wanted = NULL;
}

/* The first argument is a stack's name if a stack has it, else a pattern as the others. */
static const char *take_name(struct nstat *ns)
{
	const char *wanted = ns->pattern_count ? ns->patterns[0] : NULL, *left = wanted;

	if (ns->wanted)
		return ns->wanted;
	folder_each(match_name, &left);
	if (!wanted || left)
		return NULL;
	ns->patterns++;
	ns->pattern_count--;
	return wanted;
}

static int nstat_ask(struct nstat *ns)
{
	char path[FOLDER_PATH], *text = report_ask(ns->command, take_name(ns), "nstat", ns->name);

	if (!text)
		return EXIT_FAILURE;
	read_counters(&ns->now, text);
	if (folder_path(path, ns->name))
		snprintf(ns->history, sizeof(ns->history), "%s/nstat.%u", path, (unsigned)getuid());
	if (ns->asked[OPT_RESET])
		unlink(ns->history);
	text = read_file(ns->history);
	if (text)
		read_counters(&ns->before, text);
	return 0;
}

static int nstat_run(const struct command *command, int argc, char **argv)
{
	struct nstat ns = {.command = command, .patterns = argv};
	const char *value;
	struct args args;
	int id, status;

	args_init(&args, command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN)
			argv[ns.pattern_count++] = (char *)value;
		else if (id == OPT_NAME)
			ns.wanted = value;
		else
			ns.asked[id] = true;
	}
	status = nstat_ask(&ns);
	if (!status) {
		if (!ns.asked[OPT_NO_OUTPUT])
			print_counters(&ns, ns.asked[OPT_JSON] || ns.asked[OPT_JSON_LETTER]);
		write_history(&ns);
	}
	free_counters(&ns.now);
	free_counters(&ns.before);
	return status;
}

const struct command nstat_command = {
	.name = "nstat",
	.args = "[NAME] [PATTERN...]",
	.about = "the counters of a running stack, as nstat shows the kernel's",
	.details = "  lastack nstat -az 'TcpExtTCPAbort*'\n\nNAME is the stack's; without it, the one that we run on, "
		   "or the only one.\n",
	.options = nstat_options,
	.run = nstat_run,
};
