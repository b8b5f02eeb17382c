// SPDX-License-Identifier: MIT
/*
 * lab/ladder.c - the picture of a connection as text
 *
 * In:   frames and trace events in the order of time.
 * Here: each becomes words in one of three columns; words that do not fit go on in the next row; functions of a path that
 *       are entered at one instant share rows; plain data segments are folded.
 * Out:  lines, at most 120 columns wide.
 */
#include "lab/ladder.h"

#include "lab/task.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LEFT, WIRE, RIGHT };
enum { TIME_COLS = 12 };

/* ------------------------------------------------------------------ rows */

/* The names of the sides, above the first row. */
static void head(struct lab_ladder *ladder, uint64_t now_ns)
{
	char text[LAB_LADDER_COLS + 64];

	if (!ladder->start_ns)
		ladder->start_ns = now_ns;
	ladder->shown_ns = LAB_NEVER;
	ladder->started = true;
	snprintf(text, sizeof(text), "%10s  %-*s%-*s  %s", "seconds", (int)ladder->cols[LEFT], ladder->name[LAB_A],
		 (int)ladder->cols[WIRE], "", ladder->name[LAB_B]);
	ladder->line(ladder->arg, text);
}

/* One row; the time stands where it has changed. Empty wire cells show the two ends of the wire. */
static void row(struct lab_ladder *ladder, uint64_t now_ns, const char *left, const char *wire, const char *right)
{
	char text[LAB_LADDER_COLS + 64], when[16] = "", idle[LAB_LADDER_COLS];
	int len;

	if (!ladder->started)
		head(ladder, now_ns);
	if (now_ns != ladder->shown_ns) {
		uint64_t us = (now_ns - ladder->start_ns) / LAB_US;

		snprintf(when, sizeof(when), "%3u.%06u", (unsigned)(us / 1000000), (unsigned)(us % 1000000));
		ladder->shown_ns = now_ns;
	}
	snprintf(idle, sizeof(idle), "|%*s|", (int)ladder->cols[WIRE] - 2, "");
	len = snprintf(text, sizeof(text), "%10s  %-*.*s%-*s  %s", when, (int)ladder->cols[LEFT],
		       (int)ladder->cols[LEFT], left, (int)ladder->cols[WIRE], wire ? wire : idle, right);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	ladder->line(ladder->arg, text);
}

/* Words of one side, in as many rows as they need; those after the first are indented. */
static void side_rows(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end end, const char *words)
{
	size_t room = ladder->cols[end == LAB_A ? LEFT : RIGHT] - 2, indent = 0;
	char part[LAB_LADDER_COLS];

	while (*words) {
		size_t len = strlen(words), take = len;

		if (len > room - indent) {
			for (take = room - indent; take && words[take] != ' '; take--)
				;
			if (!take)
				take = room - indent; /* one word longer than a row */
		}
		snprintf(part, sizeof(part), "%*s%.*s", (int)indent, "", (int)take, words);
		row(ladder, now_ns, end == LAB_A ? part : "", NULL, end == LAB_A ? "" : part);
		words += take;
		words += strspn(words, " ");
		indent = 2;
	}
}

/* ------------------------------------------------------------------ what is held back: paths and folded segments */

static void path_flush(struct lab_ladder *ladder)
{
	char path[sizeof(ladder->path)];

	if (!ladder->path[0])
		return;
	memcpy(path, ladder->path, sizeof(path));
	ladder->path[0] = '\0';
	side_rows(ladder, ladder->path_ns, ladder->path_end, path);
}

static void path_add(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end end, const char *function)
{
	size_t len = strlen(ladder->path);

	if (len &&
	    (ladder->path_ns != now_ns || ladder->path_end != end || len + strlen(function) + 4 > sizeof(ladder->path)))
		path_flush(ladder);
	len = strlen(ladder->path);
	ladder->path_ns = now_ns;
	ladder->path_end = end;
	snprintf(ladder->path + len, sizeof(ladder->path) - len, "%s%s", len ? " > " : "", function);
}

static void fold_flush(struct lab_ladder *ladder)
{
	char text[LAB_LADDER_COLS], cell[LAB_LADDER_COLS];
	int inner = (int)ladder->cols[WIRE] - 2;

	ladder->plain = 0;
	if (!ladder->folded)
		return;
	snprintf(text, sizeof(text), "... %u more, %llu B >, %llu B <, %u lost", ladder->folded,
		 (unsigned long long)ladder->folded_bytes[LAB_A], (unsigned long long)ladder->folded_bytes[LAB_B],
		 ladder->folded_lost);
	if (!ladder->folded_lost)
		*strrchr(text, ',') = '\0';
	snprintf(cell, sizeof(cell), "|   %-*.*s|", inner - 3, inner - 3, text);
	ladder->folded = ladder->folded_lost = 0;
	ladder->folded_bytes[LAB_A] = ladder->folded_bytes[LAB_B] = 0;
	row(ladder, ladder->folded_ns, "", cell, "");
}

void lab_ladder_flush(struct lab_ladder *ladder)
{
	path_flush(ladder);
	fold_flush(ladder);
}

/* A plain segment too many is counted instead of drawn. */
static bool fold(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end from, const struct lab_segment *seg,
		 enum lab_fate fate)
{
	if (seg->protocol != 6 || seg->broken || seg->flags & (LAB_SYN | LAB_FIN | LAB_RST | LAB_URG)) {
		fold_flush(ladder);
		return false;
	}
	if (!ladder->fold || ladder->plain++ < ladder->fold)
		return false;
	ladder->folded++;
	ladder->folded_lost += fate != LAB_SENT;
	ladder->folded_bytes[from] += seg->payload_len;
	ladder->folded_ns = now_ns;
	return true;
}

/* ------------------------------------------------------------------ arrows */

/* "-- words ---->" in @inner columns, or "-- words ---X lost" where the frame goes nowhere. */
static void draw_right(char *cell, int inner, const char *words, const char *lost)
{
	int len = snprintf(cell, (size_t)inner + 1, "-- %.*s ", inner - 12, words);
	int stop = *lost ? inner - (int)strlen(lost) - 3 : inner;

	for (; len < stop; len++)
		cell[len] = '-';
	if (*lost)
		len += snprintf(cell + len, (size_t)(inner - len) + 1, "X %s ", lost);
	else
		cell[inner - 1] = '>';
	cell[len] = '\0';
}

static void draw_left(char *cell, int inner, const char *words, const char *lost)
{
	int start = *lost ? (int)strlen(lost) + 3 : 1, len = (int)strlen(words);

	if (len > inner - 12)
		len = inner - 12;
	memset(cell, '-', (size_t)inner);
	memset(cell, ' ', (size_t)start);
	cell[0] = *lost ? ' ' : '<';
	if (*lost) {
		memcpy(cell + 1, lost, strlen(lost));
		cell[start - 1] = 'X';
	}
	cell[inner - len - 4] = ' ';
	memcpy(cell + inner - len - 3, words, (size_t)len);
	cell[inner - 3] = ' ';
	cell[inner] = '\0';
}

void lab_ladder_frame(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end from, const void *frame, size_t len,
		      enum lab_fate fate)
{
	static const char *const fates[] = {"", "lost", "too long", "ENOBUFS"};
	int inner = (int)ladder->cols[WIRE] - 2;
	char words[LAB_TEXT_MAX], arrow[LAB_LADDER_COLS], cell[LAB_LADDER_COLS + 2];
	struct lab_segment seg;

	if (!lab_segment_read(&seg, frame, len))
		return;
	path_flush(ladder);
	lab_flows_learn(&ladder->flows, &seg);
	if (fold(ladder, now_ns, from, &seg, fate))
		return;
	lab_segment_text(words, sizeof(words), &ladder->flows, &seg, LAB_TEXT_WINDOW);
	if ((int)strlen(words) > inner - 12)
		lab_segment_text(words, sizeof(words), &ladder->flows, &seg, 0);
	if (from == LAB_A)
		draw_right(arrow, inner, words, fates[fate]);
	else
		draw_left(arrow, inner, words, fates[fate]);
	snprintf(cell, sizeof(cell), "|%s|", arrow);
	row(ladder, now_ns, "", cell, "");
}

/* ------------------------------------------------------------------ what stacks say */

static void say_cause(char *words, size_t cap, const char *what, const struct la_trace_event *event)
{
	snprintf(words, cap, "%s  (%s%s%s%s%s)", what, event->cause, *event->row ? ", " : "", event->row,
		 *event->counter ? ", " : "", event->counter);
}

void lab_ladder_event(struct lab_ladder *ladder, enum lab_end end, const struct la_trace_event *event)
{
	char what[96], words[256];

	if (event->kind == LA_TRACE_STEP) {
		if (!ladder->steps)
			return;
		if (!ladder->path[0])
			fold_flush(ladder); /* segments from before the call stand above it */
		path_add(ladder, event->now_ns, end, event->name);
		return;
	}
	lab_ladder_flush(ladder);
	switch (event->kind) {
	case LA_TRACE_STATE:
		snprintf(what, sizeof(what), "%s -> %s", event->oldstate ? la_state_name(event->oldstate) : "new",
			 la_state_name(event->newstate));
		break;
	case LA_TRACE_RST:
		snprintf(what, sizeof(what), "RST, %s", event->name);
		break;
	case LA_TRACE_FIN:
		snprintf(what, sizeof(what), "FIN queued");
		break;
	default:
		snprintf(what, sizeof(what), "drops it: %s", event->name);
		break;
	}
	say_cause(words, sizeof(words), what, event);
	side_rows(ladder, event->now_ns, end, words);
}

void lab_ladder_say(struct lab_ladder *ladder, uint64_t now_ns, enum lab_end end, const char *text)
{
	lab_ladder_flush(ladder);
	side_rows(ladder, now_ns, end, text);
}

void lab_ladder_note(struct lab_ladder *ladder, uint64_t now_ns, const char *text)
{
	char words[LAB_LADDER_COLS];

	lab_ladder_flush(ladder);
	snprintf(words, sizeof(words), "%*s# %s", TIME_COLS, "", text);
	(void)now_ns;
	ladder->line(ladder->arg, words);
}

/* ------------------------------------------------------------------ beginning and end */

void lab_ladder_begin(struct lab_ladder *ladder, enum lab_ladder_look look, const char *left, const char *right,
		      void (*line)(void *arg, const char *text), void *arg)
{
	static const unsigned looks[][3] = {[LAB_LADDER_BOTH] = {30, 46, 28}, [LAB_LADDER_LEFT] = {48, 46, 10}};

	memset(ladder, 0, sizeof(*ladder));
	memcpy(ladder->cols, looks[look], sizeof(ladder->cols));
	ladder->line = line;
	ladder->arg = arg;
	ladder->fold = 8;
	ladder->steps = true;
	snprintf(ladder->name[LAB_A], sizeof(ladder->name[LAB_A]), "%s", left);
	snprintf(ladder->name[LAB_B], sizeof(ladder->name[LAB_B]), "%s", right);
}

void lab_ladder_end(struct lab_ladder *ladder)
{
	lab_ladder_flush(ladder);
	lab_flows_free(&ladder->flows);
}

/* ------------------------------------------------------------------ a virtual world */

/* "task 2: ", or nothing for the first; false: there are too many of them. */
static bool call_who(struct lab_ladder *ladder, enum lab_end end, const struct lab_call *call, char who[16])
{
	const struct la_task **tasks = ladder->tasks[end];

	for (int i = 0; i < LAB_LADDER_TASKS; i++) {
		if (!tasks[i])
			tasks[i] = call->thread.task;
		if (tasks[i] != call->thread.task)
			continue;
		snprintf(who, 16, i ? "task %d: " : "", i + 1);
		return true;
	}
	return false;
}

/* What the call asks for, as far as it is told in a picture. */
static void call_args(const struct la_op_description *what, char *to, size_t size)
{
	static const char *const how[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};

	*to = '\0';
	if (!strcmp(what->name, "shutdown") && what->args[0] >= 0 && what->args[0] <= 2)
		snprintf(to, size, ", %s", how[what->args[0]]);
	else if (what->len)
		snprintf(to, size, ", %zu", what->len);
}

static void call_say(struct lab_ladder *ladder, uint64_t now_ns, const struct lab_call *call, const char *came_of_it)
{
	char who[16], args[32], text[LAB_LADDER_COLS], fd[16] = "";
	const char *name = call->what.name;
	size_t len = strlen(name);

	if (!strcmp(name, "recvmsg") || !strcmp(name, "sendmsg"))
		len = 4; /* all that read and all that write are these two */
	for (int end = LAB_A; end <= LAB_B; end++) {
		if (ladder->wire->port[end].host != call->thread.host || !call_who(ladder, end, call, who))
			continue;
		if (call->what.fd >= 0)
			snprintf(fd, sizeof(fd), "%d", call->what.fd);
		call_args(&call->what, args, sizeof(args));
		snprintf(text, sizeof(text), "%s%.*s(%s%s)%s", who, (int)len, name, fd, args, came_of_it);
		lab_ladder_say(ladder, now_ns, end, text);
	}
}

/* Something happens: if the call that was made last has not returned and the clock has moved, it waits. */
static void made_waits(struct lab_ladder *ladder)
{
	struct lab_call *call = ladder->made;

	if (!call || call->begun_ns == call->world->now_ns)
		return;
	ladder->made = NULL;
	call_say(ladder, call->begun_ns, call, " waits");
}

static void watch_called(struct lab_observer *obs, struct lab_call *call)
{
	struct lab_ladder *ladder = lab_container_of(obs, struct lab_ladder, observer);

	made_waits(ladder);
	if (ladder->made)
		call_say(ladder, call->begun_ns, ladder->made, " waits");
	ladder->made = ladder->calls ? call : NULL;
}

static void watch_returned(struct lab_observer *obs, struct lab_call *call)
{
	struct lab_ladder *ladder = lab_container_of(obs, struct lab_ladder, observer);
	char text[48];

	made_waits(ladder);
	if (ladder->made == call)
		ladder->made = NULL;
	if (call->result < 0 && call->result > -4096)
		snprintf(text, sizeof(text), " = -1 %s", strerrorname_np((int)-call->result));
	else
		snprintf(text, sizeof(text), " = %lld", (long long)call->result);
	if (ladder->calls)
		call_say(ladder, call->world->now_ns, call, text);
}

static void watch_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from,
		       const struct lab_frame *frame, enum lab_fate fate)
{
	struct lab_ladder *ladder = lab_container_of(obs, struct lab_ladder, observer);

	made_waits(ladder);
	if (wire == ladder->wire)
		lab_ladder_frame(ladder, wire->world->now_ns, from, frame->bytes, frame->len, fate);
}

static void watch_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	struct lab_ladder *ladder = lab_container_of(obs, struct lab_ladder, observer);

	made_waits(ladder);
	for (int end = LAB_A; end <= LAB_B; end++) {
		if (ladder->wire->port[end].host == host)
			lab_ladder_event(ladder, end, event);
	}
}

void lab_ladder_watch(struct lab_ladder *ladder, struct lab_wire *wire, void (*line)(void *arg, const char *text),
		      void *arg)
{
	const struct lab_host *a = wire->port[LAB_A].host, *b = wire->port[LAB_B].host;

	lab_ladder_begin(ladder, a && b ? LAB_LADDER_BOTH : LAB_LADDER_LEFT, a ? a->name : "script",
			 b ? b->name : "script", line, arg);
	ladder->wire = wire;
	ladder->start_ns = wire->world->now_ns;
	ladder->observer = (struct lab_observer){
		.trace = watch_trace,
		.sent = watch_sent,
		.called = watch_called,
		.returned = watch_returned,
	};
	lab_world_observe(wire->world, &ladder->observer);
}
