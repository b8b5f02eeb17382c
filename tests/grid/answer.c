// SPDX-License-Identifier: MIT
/*
 * tests/grid/answer.c - a cell is played, and what came of it becomes one line
 *
 *	"> . 2:2(0) ack 101 <nop,nop,TS>; later > F. ...; 4: CLOSE_WAIT IN|OUT|RDHUP; getsockopt = 0 [104]; TcpExtTCPChallengeACK 1"
 *
 * Segments and how sockets stood: from the grid's segment on. Windows are zero or not, but for a SYN's; of time stamps only
 * that they are there; "later" is behind the pause in which an immediate answer comes. Counters: over the whole script.
 */
#include "tests/grid/grid.h"

#include "host/drill/drill.h"
#include "lab/drill.h"
#include "lab/frame.h"

#include <lastack/trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATER_NS (25 * LAB_MS) /* a delayed ACK takes 40 ms, an immediate answer microseconds */
#define ANY_NUMBER 200000u
#define LATE_NS	 (30 * LAB_MS) /* the pause may take this much longer */

/* ------------------------------------------------------------------ words */

__attribute__((format(printf, 2, 3))) static void say(char *to, const char *format, ...)
{
	size_t len = strlen(to);
	va_list args;

	va_start(args, format);
	vsnprintf(to + len, GRID_ANSWER - len, format, args);
	va_end(args);
}

/* Takes the values out of "TS val 123 ecr 45": they are the side's own clock. */
static void blank_time_stamps(char *text)
{
	char *mark = strstr(text, "TS val ");
	char *end = mark ? mark + strcspn(mark, ",>") : NULL;

	if (mark)
		memmove(mark + 2, end, strlen(end) + 1);
}

static void say_segment(char *to, struct lab_flows *flows, const struct drill_entry *entry, int64_t since_ns)
{
	struct lab_segment seg;
	char text[LAB_TEXT_MAX];
	bool syn;

	if (!lab_segment_read(&seg, entry->frame, entry->len))
		return;
	lab_flows_learn(flows, &seg);
	syn = seg.flags & LAB_SYN;
	lab_segment_text(text, sizeof(text), flows, &seg, syn ? LAB_TEXT_ALL : LAB_TEXT_OPTIONS);
	blank_time_stamps(text);
	say(to, "%s> %s%s; ", entry->at_ns - since_ns > (int64_t)LATER_NS ? "later " : "", text,
	    !syn && !seg.window ? " win 0" : "");
}

static void say_call(char *to, const struct drill_entry *entry)
{
	const char *err = entry->result < 0 ? drill_errno_name((int)-entry->result) : NULL;

	if (err)
		say(to, "%s %s%s; ", entry->event->call.name, err, entry->out ? entry->out : "");
	else
		say(to, "%s %s; ", entry->event->call.name, entry->out ? entry->out : "");
}

static void say_stand(char *to, const struct drill_entry *entry)
{
	char bits[120];

	say(to, "%d: %s %s; ", entry->stood_fd, entry->state ? la_state_name(entry->state) : "-",
	    drill_poll_names("POLL", entry->bits, bits, sizeof(bits)));
}

/* Only what the connection's fate moves; drill's own list (compared.c) is wider. */
static bool counter_counts(const char *name)
{
	static const char *const names[] = {
		"TcpAttemptFails", "TcpEstabResets", "TcpOutRsts", "TcpInErrs", "TcpActiveOpens", "TcpPassiveOpens",
		"TcpExtTCPAbortOnData", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnMemory", "TcpExtTCPAbortOnTimeout",
		"TcpExtTCPAbortOnLinger", "TcpExtTCPAbortFailed", "TcpExtEmbryonicRsts", "TcpExtPAWSActive",
		"TcpExtPAWSEstab", "TcpExtPAWSTimewait", "TcpExtTSEcrRejected", "TcpExtPAWSOldAck", "TcpExtTW",
		"TcpExtTWRecycled", "TcpExtTWKilled", "TcpExtTCPChallengeACK", "TcpExtTCPSYNChallenge",
		"TcpExtTCPACKSkippedSynRecv", "TcpExtTCPACKSkippedPAWS", "TcpExtTCPACKSkippedSeq",
		"TcpExtTCPACKSkippedFinWait2", "TcpExtTCPACKSkippedTimeWait", "TcpExtTCPACKSkippedChallenge",
		"TcpExtTCPDSACKOldSent", "TcpExtTCPDSACKOfoSent", "TcpExtTCPOFOQueue", "TcpExtTCPOFODrop",
		"TcpExtListenDrops", "TcpExtListenOverflows", "TcpExtTCPReqQFullDrop", "TcpExtOutOfWindowIcmps",
		"TcpExtTCPSynRetrans", "TcpExtBeyondWindow", "TcpExtTCPRcvQDrop", "TcpExtTCPZeroWindowDrop",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void say_counters(char *to, const struct drill_record *record)
{
	for (size_t i = 0; i < record->n_counters; i++) {
		const struct drill_counter *counter = &record->counters[i];

		if (counter->after != counter->before && counter_counts(counter->name))
			say(to, "%s %llu; ", counter->name, (unsigned long long)(counter->after - counter->before));
	}
}

/* ------------------------------------------------------------------ records */

static bool is_segment(const struct drill_entry *entry)
{
	return entry->kind == DRILL_HEARD || entry->kind == DRILL_SAID;
}

/* Segments before calls: both sides have read what left by the end only, and the times of calls are not compared. */
static void say_segments(const struct drill_record *record, int line, char *to)
{
	struct lab_flows flows = {0};
	struct lab_segment seg;
	int64_t since_ns = INT64_MAX;

	for (const struct drill_entry *entry = record->first; entry; entry = entry->next) {
		if (entry->kind == DRILL_SAID && entry->event->pos.line == line)
			since_ns = entry->at_ns;
		if (entry->kind == DRILL_HEARD && entry->at_ns >= since_ns)
			say_segment(to, &flows, entry, since_ns);
		else if (is_segment(entry) && lab_segment_read(&seg, entry->frame, entry->len))
			lab_flows_learn(&flows, &seg);
	}
	lab_flows_free(&flows);
}

void grid_answer_text(const struct drill_record *record, int line, char *to)
{
	to[0] = '\0';
	say_segments(record, line, to);
	for (const struct drill_entry *entry = record->first; entry; entry = entry->next) {
		if (!entry->event || entry->event->pos.line < line)
			continue;
		if (entry->kind == DRILL_ENDED)
			say_call(to, entry);
		else if (entry->kind == DRILL_STOOD)
			say_stand(to, entry);
	}
	say_counters(to, record);
	if (to[0])
		to[strlen(to) - 2] = '\0'; /* the last "; " */
}

static bool newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Scales are 7 both ways; a SYN's window has none. Before our SYN any number will do that leaves room on both sides. */
void grid_place_of(const struct drill_record *record, struct grid_place *place)
{
	uint32_t isn[2] = {0}; /* the script's, the side's */
	struct lab_segment seg;

	*place = (struct grid_place){.edge = ANY_NUMBER, .right = ANY_NUMBER + 65535};
	for (const struct drill_entry *entry = record->first; entry; entry = entry->next) {
		bool heard = entry->kind == DRILL_HEARD;
		uint32_t edge;

		if (!is_segment(entry) || !lab_segment_read(&seg, entry->frame, entry->len))
			continue;
		if (seg.flags & LAB_SYN)
			isn[heard] = seg.seq;
		edge = seg.flags & LAB_ACK ? seg.ack - isn[!heard] : 0;
		if (heard) {
			place->nxt = seg.seq - isn[1] + lab_segment_span(&seg);
			if (seg.flags & LAB_ACK) {
				place->edge = edge;
				place->right = edge + (seg.flags & LAB_SYN ? seg.window : (uint32_t)seg.window << 7);
			}
		} else if (newer(edge, place->una)) {
			place->una = edge;
		}
	}
}

/* ------------------------------------------------------------------ a run */

/* Did the last call come so late that a retransmission may have come first? */
static bool is_late(const struct drill_record *record, int line)
{
	int64_t since_ns = 0, last_ns = 0;

	for (const struct drill_entry *entry = record->first; entry; entry = entry->next) {
		if (entry->kind == DRILL_SAID && entry->event->pos.line <= line)
			since_ns = entry->at_ns;
		if (entry->kind == DRILL_ENDED)
			last_ns = entry->at_ns;
	}
	return last_ns > since_ns + (int64_t)(GRID_PAUSE_MS * LAB_MS + LATE_NS);
}

static struct drill_side *open_side(enum grid_side which, const struct drill_net *net, struct drill_text *why)
{
	struct drill_side *side = NULL;

	if (which == GRID_LASTACK)
		return lab_drill_open(net, NULL, why);
	return host_drill_open(net, &side, why) ? side : NULL;
}

/**
 * struct run - a script that was played
 * @script: NULL: it could not be, and @why says the reason
 */
struct run {
	char *text;
	struct drill_script *script;
	struct drill_record *record;
	struct drill_verdict verdict;
	struct drill_text why;
};

static void run_begin(struct run *run, enum grid_side which, const struct grid_cell *cell, const struct grid_place *place)
{
	enum drill_family family = cell->variant & GRID_IPV6 ? DRILL_IPV6 : DRILL_IPV4;
	struct drill_play playing = {.watch = true};
	struct drill_net net;
	struct drill_error error;

	*run = (struct run){.text = grid_script(cell, place), .record = drill_record_new()};
	run->script = drill_parse(cell->situation->name, run->text, strlen(run->text), NULL, 0, &error);
	if (!run->script) {
		snprintf(run->why.text, sizeof(run->why.text), "line %d: %s", error.pos.line, error.text);
		return;
	}
	playing.script = run->script;
	playing.net = &net;
	playing.side = drill_net_init(&net, run->script, family, false, &run->why) ? open_side(which, &net, &run->why) : NULL;
	if (!playing.side) {
		drill_script_free(run->script);
		run->script = NULL;
		return;
	}
	drill_run(&playing, run->record, &run->verdict);
	playing.side->ops->close(playing.side);
}

static void run_end(struct run *run)
{
	if (run->script)
		drill_script_free(run->script);
	drill_record_free(run->record);
	free(run->text);
}

static void say_failure(const struct run *run, char *to)
{
	const struct drill_verdict *verdict = &run->verdict;

	if (run->script)
		snprintf(to, GRID_ANSWER, "! line %d: %.300s; expected %.200s; found %.200s", verdict->pos.line,
			 verdict->text.text, verdict->expected.text, verdict->actual.text);
	else
		snprintf(to, GRID_ANSWER, "! %.400s", run->why.text);
}

static int lines_of(const char *text)
{
	int lines = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

void grid_answer(enum grid_side side, const struct grid_cell *cell, const struct grid_place *place,
		 char answer[GRID_ANSWER])
{
	struct run run;
	int question;

	run_begin(&run, side, cell, place);
	question = lines_of(run.text);
	if (!run.script || (run.verdict.outcome != DRILL_PASSED && run.verdict.pos.line != question))
		say_failure(&run, answer);
	else if (is_late(run.record, question - 1))
		snprintf(answer, GRID_ANSWER, "%s", GRID_LATE);
	else
		grid_answer_text(run.record, question - 1, answer);
	run_end(&run);
}

bool grid_find_place(enum grid_side side, const struct grid_situation *situation, unsigned variant,
		     struct grid_place *place, char why[GRID_ANSWER])
{
	const struct grid_cell cell = {.situation = situation, .variant = variant};
	struct run run;
	bool well;

	run_begin(&run, side, &cell, NULL);
	well = run.script && run.verdict.outcome == DRILL_PASSED;
	if (well)
		grid_place_of(run.record, place);
	else
		say_failure(&run, why);
	run_end(&run);
	return well;
}
