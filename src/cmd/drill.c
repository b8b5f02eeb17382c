// SPDX-License-Identifier: MIT
/*
 * cmd/drill.c - lastack drill: packetdrill scripts on Lastack in virtual time, and on the running kernel
 *
 * All scripts are parsed before the first is played. Then each is played over each of its families on each side that
 * was asked for, one run after the other, a side of its own for every run. What came of it is TAP: a point per script
 * and family, and what there is to say about it in comments. With both sides a point also asks that they did the same.
 */
#include "cmd/drill.h"

#include "drill/tell.h"
#include "host/drill/drill.h"
#include "lab/drill.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A run on the kernel that fails while the machine had no time for it for so long: so many plays before it counts. */
#define STALLED_NS 3000000
enum { MOST_PLAYS = 3 };

static const char *const side_names[] = {[DRILL_ON_LASTACK] = "lastack", [DRILL_ON_LINUX] = "linux"};

/* struct drill_session - all that is played */
struct drill_session {
	struct drill_options options;
	struct drill_plan plan;
	struct drill_pcap *pcap;
	size_t passed, failed;
};

/* ------------------------------------------------------------------ one run */

static bool open_side(enum drill_on on, const struct drill_net *net, struct drill_trace *trace,
		      struct drill_side **side, struct drill_text *why)
{
	struct lab_drill_options options = {.trace = drill_trace_take, .arg = trace};

	if (on == DRILL_ON_LINUX)
		return host_drill_open(net, side, why);
	*side = lab_drill_open(net, &options, why);
	return *side;
}

/* The settings of the command line; the script may change them again. */
static bool apply_settings(const struct drill_options *options, struct drill_side *side, struct drill_text *why)
{
	for (unsigned i = 0; i < options->n_set; i++) {
		const char *equals = strchr(options->set[i], '=');
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)(equals - options->set[i]), options->set[i]);
		if (!side->ops->sysctl(side, name, equals + 1, why))
			return false;
	}
	return true;
}

/* The wire of an item's runs. @folder is for the path's folder, and the caller's to keep. */
static bool make_net(struct drill_net *net, const struct drill_session *session, const struct drill_item *item,
		     char *folder, size_t size, struct drill_text *why)
{
	if (!drill_net_init(net, item->script, item->family, session->options.runner, why))
		return false;
	snprintf(folder, size, "%s", item->path);
	net->folder = dirname(folder);
	return true;
}

static void play_on(const struct drill_session *session, const struct drill_item *item, enum drill_on on,
		    struct drill_played *played)
{
	struct drill_verdict *verdict = &played->verdict;
	struct drill_net net;
	struct drill_play play = {
		.script = item->script,
		.net = &net,
		.watch = session->options.on[DRILL_ON_LASTACK] && session->options.on[DRILL_ON_LINUX],
		.python = drill_python,
	};
	char folder[PATH_MAX];

	*played = (struct drill_played){.side = side_names[on], .record = drill_record_new()};
	played->trace.record = played->record;
	verdict->outcome = DRILL_FAILED;
	if (!make_net(&net, session, item, folder, sizeof(folder), &verdict->text) ||
	    !open_side(on, &net, &played->trace, &play.side, &verdict->text))
		return;
	played->trace.begin_ns = play.side->ops->now(play.side);
	if (apply_settings(&session->options, play.side, &verdict->text))
		drill_run(&play, played->record, verdict);
	if (on == DRILL_ON_LINUX)
		played->stalled_ns = host_drill_stalled(play.side);
	play.side->ops->close(play.side);
}

/* ------------------------------------------------------------------ one point of TAP */

static void tell_point(const struct drill_session *session, const struct drill_item *item,
		       const struct drill_played played[DRILL_SIDES], const struct drill_diff *diff)
{
	for (enum drill_on on = 0; on < DRILL_SIDES; on++) {
		if (!session->options.on[on])
			continue;
		if (session->options.verbose)
			drill_show_events(&played[on]);
		if (played[on].verdict.outcome != DRILL_PASSED)
			drill_show_failure(item, &played[on]);
		else if (session->options.ladder)
			drill_show_ladder(&played[on], session->options.ladder);
	}
	if (diff)
		drill_show_diff(diff);
}

/* Gives whether all is well with it. */
static bool play_sides(const struct drill_session *session, const struct drill_item *item,
		       struct drill_played played[DRILL_SIDES], struct drill_diff **diff)
{
	bool good = true;

	for (enum drill_on on = 0; on < DRILL_SIDES; on++) {
		if (!session->options.on[on])
			continue;
		play_on(session, item, on, &played[on]);
		good &= played[on].verdict.outcome == DRILL_PASSED;
	}
	if (played[DRILL_ON_LASTACK].record && played[DRILL_ON_LINUX].record)
		*diff = drill_compare(played[DRILL_ON_LINUX].record, played[DRILL_ON_LASTACK].record);
	return good && !*diff;
}

static void forget_sides(struct drill_played played[DRILL_SIDES], struct drill_diff *diff)
{
	drill_diff_free(diff);
	for (enum drill_on on = 0; on < DRILL_SIDES; on++) {
		drill_trace_end(&played[on].trace);
		drill_record_free(played[on].record);
		played[on] = (struct drill_played){0};
	}
}

/* Was the machine too busy for its times to mean anything? Then that is said. */
static bool is_worth_another(const struct drill_item *item, const struct drill_played played[DRILL_SIDES],
			     unsigned plays)
{
	int64_t stalled_ns = played[DRILL_ON_LINUX].stalled_ns;

	if (stalled_ns < STALLED_NS || plays == MOST_PLAYS)
		return false;
	printf("# %s: the machine stood still for %lld ms meanwhile: played again\n", item->path,
	       (long long)(stalled_ns / 1000000));
	return true;
}

static void play_item(struct drill_session *session, const struct drill_item *item, size_t number)
{
	struct drill_played played[DRILL_SIDES] = {0};
	struct drill_diff *diff = NULL;
	unsigned plays = 1;
	bool good;

	while (!(good = play_sides(session, item, played, &diff)) && is_worth_another(item, played, plays++)) {
		forget_sides(played, diff);
		diff = NULL;
	}
	for (enum drill_on on = 0; on < DRILL_SIDES; on++)
		if (session->pcap && session->options.on[on])
			drill_pcap_run(session->pcap, item, &played[on]);
	printf("%sok %zu - %s (%s)\n", good ? "" : "not ", number, item->path, drill_family_name(item->family));
	tell_point(session, item, played, diff);
	fflush(stdout);
	*(good ? &session->passed : &session->failed) += 1;
	forget_sides(played, diff);
}

/* ------------------------------------------------------------------ all of them */

/* Is there a kernel to play on at all? Asked before the first script: what is missing is missing for all of them. */
static int try_linux(const struct drill_session *session)
{
	char folder[PATH_MAX];
	struct drill_text why;
	struct drill_side *side;
	struct drill_net net;

	if (!make_net(&net, session, &session->plan.items[0], folder, sizeof(folder), &why))
		return 0; /* the run itself will say it */
	if (!host_drill_open(&net, &side, &why))
		return fail(session->options.command, "%s", why.text);
	side->ops->close(side);
	return 0;
}

static int play_all(struct drill_session *session)
{
	bool on_linux = session->options.on[DRILL_ON_LINUX];

	if (on_linux && try_linux(session))
		return EXIT_FAILURE;
	printf("TAP version 13\n1..%zu\n", session->plan.n);
	if (on_linux && host_drill_other_kernel())
		printf("# this kernel is %s, the reference is " HOST_DRILL_REFERENCE ": what it does may differ\n",
		       host_drill_kernel());
	for (size_t i = 0; i < session->plan.n; i++)
		play_item(session, &session->plan.items[i], i + 1);
	printf("%zu passed, %zu failed\n", session->passed, session->failed);
	return session->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ------------------------------------------------------------------ the command line */

enum { OPT_ON = 2, OPT_IP, OPT_SET, OPT_PCAP, OPT_LADDER, OPT_VERBOSE, OPT_DEFINE, OPT_TOLERANCE, OPT_COMPARED };

static const struct option_spec drill_options[] = {
	{OPT_ON, "on", "SIDE", "lastack (default), linux: the running kernel, or both: compared"},
	{OPT_IP, "ip", "FAMILY", "4, 6, 4in6: with that family's addresses; or all (default) that the file's name allows"},
	{OPT_SET, "set", "NAME=VALUE", "a sysctl for every run, before the script's own; may be repeated"},
	{OPT_DEFINE, "D", "NAME=VALUE", "what a symbol in the scripts stands for; may be repeated"},
	{OPT_TOLERANCE, "tolerance_usecs", "NUMBER", "how exact times must be, instead of what the scripts say"},
	{OPT_PCAP, "pcap", "FILE", "write all frames into a capture (pcapng), with the script's lines"},
	{OPT_LADDER, "ladder", "LINE", "draw what happened from the script's LINE on; 1: all of it"},
	{OPT_VERBOSE, "v", NULL, "print all that happened"},
	{OPT_COMPARED, "help-compared", NULL, "list what --on both compares, and what not and why"},
	{0, NULL, NULL, NULL},
};

static int read_on(struct drill_options *options, const char *value)
{
	bool both = !strcmp(value, "both");

	options->on[DRILL_ON_LASTACK] = both || !strcmp(value, "lastack");
	options->on[DRILL_ON_LINUX] = both || !strcmp(value, "linux");
	if (!options->on[DRILL_ON_LASTACK] && !options->on[DRILL_ON_LINUX])
		return misuse(options->command, "--on wants lastack, linux or both, not %s", value);
	return 0;
}

static int read_family(struct drill_options *options, const char *value)
{
	static const char *const words[] = {[DRILL_IPV4] = "4", [DRILL_IPV6] = "6", [DRILL_4IN6] = "4in6"};
	bool any = false;

	for (enum drill_family family = 0; family < DRILL_FAMILIES; family++) {
		options->family[family] = !strcmp(value, "all") || !strcmp(value, words[family]);
		any |= options->family[family];
	}
	options->runner = any && strcmp(value, "all");
	return any ? 0 : misuse(options->command, "--ip wants 4, 6, 4in6 or all, not %s", value);
}

static int read_set(struct drill_options *options, const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value || !equals[1])
		return misuse(options->command, "--set wants NAME=VALUE, not %s", value);
	if (options->n_set == DRILL_MAX_WORDS)
		return misuse(options->command, "more than %d times --set", DRILL_MAX_WORDS);
	options->set[options->n_set++] = value;
	return 0;
}

static int read_define(struct drill_options *options, char *value)
{
	char *equals = strchr(value, '=');

	if (!equals || equals == value)
		return misuse(options->command, "-D wants NAME=VALUE, not %s", value);
	if (options->n_define == DRILL_MAX_WORDS)
		return misuse(options->command, "more than %d times -D", DRILL_MAX_WORDS);
	*equals = '\0';
	options->define[options->n_define++] = (struct drill_define){value, equals + 1};
	return 0;
}

static int read_option(struct drill_options *options, int id, const char *value)
{
	uint64_t number;

	switch (id) {
	case OPT_ON:
		return read_on(options, value);
	case OPT_IP:
		return read_family(options, value);
	case OPT_SET:
		return read_set(options, value);
	case OPT_DEFINE:
		return read_define(options, (char *)value); /* our own argv */
	case OPT_PCAP:
		options->pcap = value;
		return 0;
	case OPT_LADDER:
		if (!parse_number(value, 1, INT_MAX, &number))
			return misuse(options->command, "--ladder wants a line of the script, not %s", value);
		options->ladder = (int)number;
		return 0;
	case OPT_TOLERANCE:
		options->tolerance = value;
		if (!parse_number(value, 0, 1000000000, &number))
			return misuse(options->command, "--tolerance_usecs wants microseconds, not %s", value);
		return 0;
	default:
		options->verbose = true;
		return 0;
	}
}

/* Goes on behind a script that is wrong: who repairs them wants to know of all. */
static int add_all(struct drill_session *session, char **paths, int n)
{
	int status = -1;

	for (int i = 0; i < n; i++)
		if (drill_plan_add(&session->plan, &session->options, paths[i]))
			status = EXIT_USAGE;
	if (status < 0 && !session->plan.n)
		return misuse(session->options.command, "none of these scripts is for that family");
	return status;
}

/* Options wherever they stand, then the scripts: each is parsed with all options. -1: go on. */
static int read_arguments(struct drill_session *session, int argc, char **argv)
{
	struct drill_options *options = &session->options;
	const char *value;
	struct args args;
	int id, n = 0;

	args_init(&args, options->command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == OPT_COMPARED) {
			drill_show_compared();
			return EXIT_SUCCESS;
		}
		if (id == ARGS_PLAIN)
			argv[n++] = (char *)value; /* in the place of an argument that has been read */
		else if (read_option(options, id, value))
			return EXIT_USAGE;
	}
	if (!n)
		return misuse(options->command, "a script is missing");
	return add_all(session, argv, n);
}

static int drill_command_run(const struct command *command, int argc, char **argv)
{
	struct drill_session session = {.options = {.command = command, .on = {[DRILL_ON_LASTACK] = true}}};
	int status;

	read_family(&session.options, "all");
	status = read_arguments(&session, argc, argv);
	if (status < 0 && session.options.pcap) {
		session.pcap = drill_pcap_new(session.options.pcap);
		if (!session.pcap)
			status =
				fail(command, "cannot write the capture %s: %s", session.options.pcap, strerror(errno));
	}
	if (status < 0)
		status = play_all(&session);
	if (session.pcap && !drill_pcap_end(session.pcap))
		status = fail(command, "the capture %s is not complete", session.options.pcap);
	drill_plan_end(&session.plan);
	return status;
}

const struct command drill_command = {
	.name = "drill",
	.args = "FILE.pkt... | DIRECTORY...",
	.about = "plays packetdrill scripts on Lastack in virtual time, and on the running kernel",
	.details =
		"  lastack drill tests/packet                     all scripts of a directory, over all families\n"
		"  lastack drill --on both --ip 4 close.pkt       does Lastack do what this kernel does?\n\n"
		"Output is TAP and a line that counts. A wrong script is told with line and column before anything is\n"
		"played. docs/drill.md is about writing scripts and reading differences.\n",
	.options = drill_options,
	.run = drill_command_run,
};
