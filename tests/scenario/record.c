// SPDX-License-Identifier: MIT
/*
 * scenario/record.c - what happened in a run, as lines, and expectations about them
 *
 * In:   traces of the hosts and frames on the wire, from the observers of the world.
 * Here: each becomes a line of words; a ladder is drawn beside, and a capture where LA_PCAP asks for one.
 * Out:  expectations that hold, or harness_fail().
 */
#include "run.h"

#include <poll.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ recording */

static void *grown(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 256;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

static void record_line(struct record *rec, bool wire, const char *text)
{
	if (rec->off)
		return;
	rec->lines = grown(rec->lines, rec->count, &rec->room, sizeof(*rec->lines));
	rec->lines[rec->count++] = (struct line){strdup(text), wire};
}

static void record_ladder(void *arg, const char *text)
{
	struct record *rec = arg;

	if (rec->off)
		return;
	rec->ladder_lines = grown(rec->ladder_lines, rec->ladder_count, &rec->ladder_room, sizeof(char *));
	rec->ladder_lines[rec->ladder_count++] = strdup(text);
}

static const char *word_if(const char *value)
{
	return *value ? value : "-";
}

static void record_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	struct record *rec = lab_container_of(obs, struct record, observer);
	char what[96], text[320];

	switch (event->kind) {
	case LA_TRACE_STATE:
		snprintf(what, sizeof(what), "%s -> %s", event->oldstate ? la_state_name(event->oldstate) : "new",
			 la_state_name(event->newstate));
		break;
	case LA_TRACE_STEP:
		snprintf(what, sizeof(what), "step %s", event->name);
		break;
	case LA_TRACE_RST:
		snprintf(what, sizeof(what), "RST %s", event->name);
		break;
	case LA_TRACE_FIN:
		snprintf(what, sizeof(what), "FIN");
		break;
	case LA_TRACE_DROP:
		snprintf(what, sizeof(what), "DROP %s", event->name);
		break;
	}
	snprintf(text, sizeof(text), "%s %s cause=%s row=%s reason=%s counter=%s", host->name, what, event->cause,
		 word_if(event->row), word_if(event->reason), word_if(event->counter));
	record_line(rec, false, text);
}

static const char *end_name(const struct lab_wire *wire, enum lab_end end)
{
	return wire->port[end].host ? wire->port[end].host->name : "script";
}

static void record_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from,
			const struct lab_frame *frame, enum lab_fate fate)
{
	static const char *const fates[] = {"", " lost", " too_long", " refused"};
	struct record *rec = lab_container_of(obs, struct record, observer);
	char words[LAB_TEXT_MAX], text[LAB_TEXT_MAX + 64];
	struct lab_segment seg;

	if (rec->off || !lab_segment_read(&seg, frame->bytes, frame->len))
		return;
	lab_flows_learn(&rec->flows, &seg);
	lab_segment_text(words, sizeof(words), &rec->flows, &seg, LAB_TEXT_ALL);
	snprintf(text, sizeof(text), "%s > %s %s%s", end_name(wire, from), end_name(wire, !from), words, fates[fate]);
	record_line(rec, true, text);
}

static void capture_write(void *sink, const void *bytes, size_t len)
{
	fwrite(bytes, 1, len, sink);
}

void record_begin(struct duo *d)
{
	struct record *rec = lab_zalloc(sizeof(*rec));
	const char *dir = getenv("LA_PCAP");
	char path[512];

	h.record = rec;
	rec->observer = (struct lab_observer){.trace = record_trace, .sent = record_sent};
	lab_world_observe(d->world, &rec->observer);
	lab_invariants_watch(&rec->invariants, d->world);
	lab_ladder_watch(&rec->ladder, d->wire, record_ladder, rec);
	rec->ladder.calls = true;
	snprintf(path, sizeof(path), "%s/%s.pcapng", dir ? dir : "", h.title);
	if (dir && !h.victim && (rec->capture_file = fopen(path, "w")))
		lab_capture_begin(&rec->capture, d->world, capture_write, rec->capture_file);
}

void record_end(struct record *rec)
{
	lab_ladder_end(&rec->ladder);
	lab_invariants_free(&rec->invariants);
	lab_flows_free(&rec->flows);
	if (rec->capture_file) {
		lab_capture_end(&rec->capture);
		fclose(rec->capture_file);
	}
	for (size_t i = 0; i < rec->count; i++)
		free(rec->lines[i].text);
	for (size_t i = 0; i < rec->ladder_count; i++)
		free(rec->ladder_lines[i]);
	free(rec->lines);
	free(rec->ladder_lines);
	free(rec->counters[CLIENT]);
	free(rec->counters[SERVER]);
	free(rec);
}

void duo_no_record(struct duo *d)
{
	(void)d;
	h.record->off = true;
}

/* ------------------------------------------------------------------ looking at the record */

/* Whether the words of @pattern stand in @text in this order, the first of them first. */
static bool line_matches(const char *text, const char *pattern)
{
	bool first = true;

	while (*pattern) {
		size_t want = strcspn(pattern, " "), len;

		for (;; text += len, text += strspn(text, " "), first = false) {
			len = strcspn(text, " ");
			if (!len)
				return false;
			if (len == want && !strncmp(text, pattern, len))
				break;
			if (first)
				return false;
		}
		first = false;
		text += len;
		text += strspn(text, " ");
		pattern += want;
		pattern += strspn(pattern, " ");
	}
	return true;
}

static size_t *cursor_of(bool wire, const char *pattern)
{
	int who = !strncmp(pattern, "client", 6) ? 0 : !strncmp(pattern, "server", 6) ? 1 : 2;

	return &h.record->cursor[wire][who];
}

void harness_line(const char *file, int line, bool wire, const char *pattern)
{
	size_t *cursor = cursor_of(wire, pattern), i;

	for (i = *cursor > h.record->begin ? *cursor : h.record->begin; i < h.record->count; i++) {
		if (h.record->lines[i].wire == wire && line_matches(h.record->lines[i].text, pattern)) {
			*cursor = i + 1;
			return;
		}
	}
	harness_fail(file, line, "%s has not (or not any more) \"%s\"", wire ? "the wire" : "the trace", pattern);
}

void harness_no_line(const char *file, int line, bool wire, const char *pattern)
{
	for (size_t i = h.record->begin; i < h.record->count; i++) {
		if (h.record->lines[i].wire == wire && line_matches(h.record->lines[i].text, pattern))
			harness_fail(file, line, "\"%s\" has happened: %s", pattern, h.record->lines[i].text);
	}
}

void harness_heard(const char *file, int line, struct duo *d, const char *pattern)
{
	const char *text;

	lab_run_for(d->world, 0); /* what has been sent arrives */
	text = lab_raw_hear(d->raw);
	if (!pattern && text)
		harness_fail(file, line, "the script heard \"%s\", expected silence", text);
	if (pattern && (!text || !line_matches(text, pattern)))
		harness_fail(file, line, "the script heard \"%s\", expected \"%s\"", text ? text : "nothing", pattern);
}

static const char *poll_names(int bits, char text[128])
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{POLLIN, "IN"},		{POLLPRI, "PRI"},	{POLLOUT, "OUT"},	{POLLERR, "ERR"},
		{POLLHUP, "HUP"},	{POLLNVAL, "NVAL"},	{POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
		{POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}, {POLLRDHUP, "RDHUP"},
	};
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (bits & names[i].bit)
			len += (size_t)snprintf(text + len, 128 - len, "%s%s", len ? " " : "", names[i].name);
	}
	return text;
}

void harness_poll(const char *file, int line, int got, int wanted)
{
	char a[128], b[128];

	if (got != wanted)
		harness_fail(file, line, "poll says \"%s\", expected \"%s\"", poll_names(got, a),
			     poll_names(wanted, b));
}

void harness_recv(const char *file, int line, struct duo *d, enum side side, const char *text)
{
	char buf[4096] = "";
	int64_t n = duo_recv(d, side, buf, sizeof(buf) - 1);

	if (n < 0)
		harness_fail(file, line, "recv() says %s, expected \"%s\"", strerrorname_np((int)-n), text);
	if ((size_t)n != strlen(text) || memcmp(buf, text, (size_t)n))
		harness_fail(file, line, "recv() gives \"%s\", expected \"%s\"", buf, text);
}

/* ------------------------------------------------------------------ values */

void harness_equal(const char *file, int line, const char *what, int64_t got, int64_t wanted)
{
	char text[64];

	if (got == wanted)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)got);
	if (got == LAB_BLOCKED)
		snprintf(text, sizeof(text), "\"still blocked\"");
	else if (got < 0 && got > -4096)
		snprintf(text, sizeof(text), "-%s", strerrorname_np((int)-got));
	harness_fail(file, line, "%s is %s, expected %lld", what, text, (long long)wanted);
}

void harness_string(const char *file, int line, const char *what, const char *got, const char *wanted)
{
	if (strcmp(got, wanted))
		harness_fail(file, line, "%s is \"%s\", expected \"%s\"", what, got, wanted);
}
