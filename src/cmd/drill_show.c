// SPDX-License-Identifier: MIT
/*
 * cmd/drill_show.c - what lastack drill says about a run, in lines that TAP takes for comments
 *
 * A failure is told in three steps: the line of the script and what is wrong with it, what it asks for beside what
 * came, and the ladder of all that happened until then. A difference of two sides is a table with one column each.
 */
#include "cmd/drill.h"

#include "drill/tell.h"
#include "lab/ladder.h"

#include <stdio.h>
#include <string.h>

void drill_show_text(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		printf("# %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* ------------------------------------------------------------------ events as they happened */

static void show_seconds(char *to, size_t size, int64_t ns)
{
	snprintf(to, size, "%s%lld.%06lld", ns < 0 ? "-" : "", (long long)(llabs(ns) / 1000000000),
		 (long long)(llabs(ns) / 1000 % 1000000));
}

/* How a socket stands is asked after every line; it is told when it has changed. */
static bool has_changed(const struct drill_record *record, const struct drill_entry *entry)
{
	const struct drill_entry *before = NULL;

	if (entry->kind != DRILL_STOOD)
		return true;
	for (const struct drill_entry *at = record->first; at != entry; at = at->next)
		if (at->kind == DRILL_STOOD && at->stood_fd == entry->stood_fd)
			before = at;
	return !before || before->state != entry->state || before->bits != entry->bits ||
	       before->recv_q != entry->recv_q || before->send_q != entry->send_q;
}

void drill_show_events(const struct drill_played *played)
{
	char text[DRILL_TELL_MAX], seconds[32], line[16];
	struct drill_teller teller = {0};

	for (const struct drill_entry *entry = played->record->first; entry; entry = entry->next) {
		show_seconds(seconds, sizeof(seconds), entry->at_ns);
		snprintf(line, sizeof(line), entry->event ? "%d" : "-", entry->event ? entry->event->pos.line : 0);
		drill_tell(&teller, entry, text, sizeof(text));
		if (has_changed(played->record, entry))
			printf("# %-7s %4s %12s  %s\n", played->side, line, seconds, text);
	}
	drill_teller_end(&teller);
}

/* ------------------------------------------------------------------ the ladder */

static void ladder_line(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

/* A picture's time never goes back: on a real machine a frame may be noted after what came later. */
static uint64_t forward(uint64_t *shown_ns, int64_t at_ns)
{
	if (at_ns > 0 && (uint64_t)at_ns > *shown_ns)
		*shown_ns = (uint64_t)at_ns;
	return *shown_ns;
}

static bool is_frame(const struct drill_entry *entry)
{
	return entry->kind == DRILL_SAID || entry->kind == DRILL_HEARD;
}

/* The first entry of that line of the script or one behind it; the initial numbers are learnt from what lies before. */
static const struct drill_entry *ladder_start(const struct drill_played *played, int from_line,
					      struct lab_flows *flows, size_t *number)
{
	const struct drill_entry *entry = played->record->first;
	struct lab_segment seg;

	for (; entry && !(entry->event && entry->event->pos.line >= from_line); entry = entry->next, ++*number)
		if (is_frame(entry) && lab_segment_read(&seg, entry->frame, entry->len))
			lab_flows_learn(flows, &seg);
	return entry;
}

void drill_show_ladder(const struct drill_played *played, int from_line)
{
	char text[DRILL_TELL_MAX];
	struct drill_teller teller = {0};
	struct lab_ladder ladder;
	uint64_t shown_ns = 0;
	size_t number = 0, remark = 0;
	const struct drill_entry *entry;

	lab_ladder_begin(&ladder, LAB_LADDER_LEFT, played->side, "script", ladder_line, NULL);
	entry = ladder_start(played, from_line, &ladder.flows, &number);
	while (remark < played->trace.n && played->trace.remarks[remark].before < number)
		remark++;
	for (; entry; entry = entry->next, number++) {
		for (; remark < played->trace.n && played->trace.remarks[remark].before <= number; remark++) {
			struct la_trace_event event = played->trace.remarks[remark].event;

			event.now_ns = forward(&shown_ns, (int64_t)event.now_ns - played->trace.begin_ns);
			lab_ladder_event(&ladder, LAB_A, &event);
		}
		forward(&shown_ns, entry->at_ns);
		if (is_frame(entry))
			lab_ladder_frame(&ladder, shown_ns, entry->kind == DRILL_HEARD ? LAB_A : LAB_B, entry->frame,
					 entry->len, LAB_SENT);
		else if (entry->kind != DRILL_STOOD)
			lab_ladder_say(&ladder, shown_ns, LAB_A, drill_tell(&teller, entry, text, sizeof(text)));
	}
	lab_ladder_end(&ladder);
	drill_teller_end(&teller);
}

/* ------------------------------------------------------------------ a failure */

/* Texts are filled up with blanks so that they stand one under the other. */
static void show_line(const char *head, const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == ' ')
		len--;
	printf("%s%.*s\n", head, (int)len, text);
}

void drill_show_failure(const struct drill_item *item, const struct drill_played *played)
{
	const struct drill_verdict *verdict = &played->verdict;
	char text[sizeof(verdict->text.text) + 512], line[32] = "";

	if (verdict->pos.line)
		snprintf(line, sizeof(line), ":%d", verdict->pos.line);
	snprintf(text, sizeof(text), "%s%s: %s: %s%s", item->path, line, played->side,
		 verdict->outcome == DRILL_UNSUPPORTED ? "not supported: " : "", verdict->text.text);
	drill_show_text(text);
	if (*verdict->expected.text) {
		show_line("#   expected: ", verdict->expected.text);
		show_line("#   actual:   ", verdict->actual.text);
	}
	drill_show_ladder(played, 1);
}

/* ------------------------------------------------------------------ two sides side by side */

enum { MOST_COLS = 60 };

/* struct columns - how wide they are */
struct columns {
	int what, linux_side;
};

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (len > *width && len <= MOST_COLS)
		*width = len;
}

static void show_row(const struct columns *cols, const char *line, const char *what, const char *linux_side,
		     const char *lastack_side)
{
	if ((int)strlen(linux_side) > cols->linux_side) { /* too long to stand beside anything */
		printf("# %5s  %-*s  %s\n", line, cols->what, what, linux_side);
		line = what = linux_side = "";
	}
	printf("# %5s  %-*s  %-*s | %s\n", line, cols->what, what, cols->linux_side, linux_side, lastack_side);
}

void drill_show_diff(const struct drill_diff *diff)
{
	struct columns cols = {(int)strlen("what differs"), (int)strlen("linux")};
	char line[16];

	for (const struct drill_diff *d = diff; d; d = d->next) {
		widen(&cols.what, d->what);
		widen(&cols.linux_side, d->linux_side);
	}
	show_row(&cols, "line", "what differs", "linux", "lastack");
	for (; diff; diff = diff->next) {
		snprintf(line, sizeof(line), diff->pos.line ? "%d" : "end", diff->pos.line);
		show_row(&cols, line, diff->what, diff->linux_side, diff->lastack_side);
	}
}

/* ------------------------------------------------------------------ the list of what is compared */

enum { LIST_COLS = 118 };

/* A name and its text in columns; @words breaks at blanks. */
static void show_item(const char *name, int name_cols, const char *words)
{
	int room = LIST_COLS - 2 - name_cols - (name_cols ? 2 : 0);

	while (*words) {
		int len = (int)strlen(words);

		if (len > room)
			for (len = room; len && words[len] != ' '; len--)
				;
		if (name_cols)
			printf("  %-*s  %.*s\n", name_cols, name, len, words);
		else
			printf("  %.*s\n", len, words);
		words += len;
		words += strspn(words, " ");
		name = "";
	}
}

void drill_show_compared(void)
{
	static char names[8192];

	printf("Compared:\n");
	for (int i = 0; i < DRILL_ASPECTS; i++)
		show_item(drill_compared[i].name, 16, drill_compared[i].text);
	printf("\nNot compared, and why:\n");
	for (const struct drill_row *row = drill_not_compared; row->name; row++)
		show_item(row->name, 16, row->text);
	for (const char *const *name = drill_counters_compared; *name; name++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", *names ? " " : "", *name);
	printf("\nCounters compared, by how much each moved during the run:\n");
	show_item("", 0, names);
	printf("\nCounters not compared:\n");
	for (const struct drill_row *row = drill_counters_not_compared; row->name; row++) {
		show_item("", 0, row->name);
		show_item("", 6, row->text);
	}
	printf("\nA counter that moves and stands in neither list is a difference.\n");
}
