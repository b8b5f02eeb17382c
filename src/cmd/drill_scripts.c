// SPDX-License-Identifier: MIT
/*
 * cmd/drill_scripts.c - from the arguments to parsed scripts
 *
 * In:   names of files and directories; a directory stands for all .pkt files in it and below, sorted.
 * Here: each is read once and parsed once for every family that its name and the command line allow, with the symbols
 *       of that family. As with packetdrill's own runner a name that ends in v4.pkt is for IPv4 only, one that ends in
 *       v6.pkt for IPv6 only; "IPv4" includes IPv4-mapped addresses there.
 * Out:  the plan; or what is wrong, with file, line and column, before anything has been played.
 */
#include "cmd/drill.h"

#include "drill/tell.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_SCRIPT = 16 << 20 };

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

static bool allows(const char *path, enum drill_family family)
{
	return family == DRILL_IPV6 ? !ends_in(path, "v4.pkt") : !ends_in(path, "v6.pkt");
}

/* ------------------------------------------------------------------ one script */

static struct drill_item *plan_item(struct drill_plan *plan)
{
	if (plan->n == plan->room) {
		plan->room = plan->room ? 2 * plan->room : 64;
		plan->items = realloc(plan->items, plan->room * sizeof(*plan->items));
		if (!plan->items)
			abort();
	}
	plan->items[plan->n] = (struct drill_item){0};
	return &plan->items[plan->n++];
}

/* The command line's tolerance goes behind the script's options: the last one counts. */
static void override_tolerance(struct drill_item *item, const char *tolerance)
{
	struct drill_note **last = &item->script->options, *note = calloc(1, sizeof(*note));

	if (!note)
		abort();
	*note = (struct drill_note){.name = "tolerance_usecs", .value = tolerance};
	while (*last)
		last = &(*last)->next;
	*last = item->tolerance = note;
}

static bool parse_one(struct drill_plan *plan, const struct drill_options *options, const char *path,
		      enum drill_family family, const char *text, size_t length)
{
	struct drill_define defines[DRILL_MAX_WORDS + DRILL_FAMILY_DEFINES];
	struct drill_error error = {0};
	struct drill_script *script;
	struct drill_item *item;
	size_t n = options->n_define;

	memcpy(defines, options->define, n * sizeof(*defines)); /* the first of two with the same name counts */
	n += drill_family_defines(family, defines + n);
	script = drill_parse(path, text, length, defines, n, &error);
	if (!script) {
		fflush(stdout);
		fprintf(stderr, "%s:%d:%d: %s\n", path, error.pos.line, error.pos.column, error.text);
		return false;
	}
	item = plan_item(plan);
	item->path = strdup(path);
	item->family = family;
	item->script = script;
	if (options->tolerance)
		override_tolerance(item, options->tolerance);
	return true;
}

/* Gives all of a file, NULL and errno when it cannot be read. */
static char *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	size_t room = 4096;
	char *text = file ? malloc(room) : NULL;

	*length = 0;
	while (text && !feof(file) && !ferror(file) && *length < MAX_SCRIPT) {
		if (*length == room)
			text = realloc(text, room *= 2);
		if (text)
			*length += fread(text + *length, 1, room - *length, file);
	}
	if (text && ferror(file)) {
		int err = errno;

		free(text);
		text = NULL;
		errno = err;
	}
	if (file) {
		int err = errno;

		fclose(file);
		errno = err;
	}
	return text;
}

static int add_script(struct drill_plan *plan, const struct drill_options *options, const char *path)
{
	size_t length;
	char *text = read_file(path, &length);
	int status = 0;

	if (!text) {
		fail(options->command, "%s cannot be read: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	for (enum drill_family family = 0; family < DRILL_FAMILIES && !status; family++) {
		if (options->family[family] && allows(path, family) &&
		    !parse_one(plan, options, path, family, text, length))
			status = EXIT_USAGE;
	}
	free(text);
	return status;
}

/* ------------------------------------------------------------------ directories */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All scripts of a directory, also when some are wrong: who repairs them wants to know of all. */
static int add_directory(struct drill_plan *plan, const struct drill_options *options, char *path)
{
	char *const paths[] = {path, NULL};
	FTS *walk = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	size_t found = 0;
	int status = 0;
	FTSENT *file;

	while (walk && (file = fts_read(walk))) {
		if (file->fts_info == FTS_DNR || file->fts_info == FTS_ERR) {
			fail(options->command, "%s cannot be read: %s", file->fts_path, strerror(file->fts_errno));
			status = EXIT_USAGE;
		}
		if (file->fts_info != FTS_F || !ends_in(file->fts_name, ".pkt"))
			continue;
		found++;
		if (add_script(plan, options, file->fts_path))
			status = EXIT_USAGE;
	}
	if (walk)
		fts_close(walk);
	if (!found && !status)
		status = misuse(options->command, "there is no script in %s, no file whose name ends in .pkt", path);
	return status;
}

int drill_plan_add(struct drill_plan *plan, const struct drill_options *options, const char *path)
{
	size_t len = strlen(path);
	char *copy = strdup(path);
	struct stat stat_of;
	int status;

	if (!copy)
		abort();
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	if (!stat(copy, &stat_of) && S_ISDIR(stat_of.st_mode))
		status = add_directory(plan, options, copy);
	else
		status = add_script(plan, options, copy);
	free(copy);
	return status;
}

void drill_plan_end(struct drill_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		drill_script_free(plan->items[i].script);
		free(plan->items[i].tolerance);
		free(plan->items[i].path);
	}
	free(plan->items);
}
