// SPDX-License-Identifier: MIT
/*
 * scenario/harness.c - tests as sentences, in a virtual world
 *
 * In:   tests, registered before main() in the order in which they stand in their file.
 * Here: each is run by cmocka; a run records every trace and frame as a line, draws a ladder, and is checked after every
 *       step. harness_fail() leaves a test from anywhere by longjmp() to attempt().
 * Out:  cmocka's verdict; for a failure the seed and the ladder.
 */
#include "harness.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/ladder.h"
#include "lab/pcapng.h"

#define THREADS_MAX 64
#define REFUSALS_MAX 20000

struct line {
	char *text;
	bool wire;
};

/* What happened in a run, and who is in it. */
struct record {
	struct lab_observer observer;
	struct lab_flows flows;
	struct line *lines;
	size_t count, room;
	size_t begin;	  /* expectations look from here on */
	size_t cursor[2][3]; /* traces, frames; of client, server, script */
	char **ladder_lines;
	size_t ladder_count, ladder_room;
	struct lab_ladder ladder;
	struct lab_capture capture;
	FILE *capture_file;
	struct lab_thread threads[THREADS_MAX];
	unsigned nr_threads;
	uint64_t *counters[2];
	bool off;
};

/* One process runs one test at a time: here alone a global is at home. */
static struct {
	struct harness_test *tests;
	struct duo duo; /* the run of now; world NULL: none */
	struct record *record;
	jmp_buf escape;
	char failure[1024];
	const char *failed_file;
	int failed_line;
	bool broken;	    /* an invariant does not hold: a failure under all circumstances */
	int family;
	uint64_t seed;
	const char *title;
	int victim;	    /* number of the host that is refused memory, 0: none */
	bool blocks;	    /* ... its blocks, else its objects */
	uint64_t nth;
	uint64_t refused;   /* how often that happened in the last run */
} h;

/* ------------------------------------------------------------------ failing */

void harness_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h.failure, sizeof(h.failure), format, args);
	va_end(args);
	h.failed_file = file;
	h.failed_line = line;
	longjmp(h.escape, 1);
}

/* Runs @part of a test; false when it was left by harness_fail(). */
static bool attempt(void (*part)(void))
{
	if (setjmp(h.escape))
		return false;
	part();
	return true;
}

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
	rec->lines[rec->count++] = (struct line){ strdup(text), wire };
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
		snprintf(what, sizeof(what), "%s -> %s", la_state_name(event->oldstate),
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
	static const char *const fates[] = { "", " lost", " too_long", " refused" };
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

static void record_begin(struct duo *d)
{
	struct record *rec = lab_zalloc(sizeof(*rec));
	const char *dir = getenv("LA_PCAP");
	char path[512];

	h.record = rec;
	rec->observer = (struct lab_observer){ .trace = record_trace, .sent = record_sent };
	lab_world_observe(d->world, &rec->observer);
	lab_ladder_watch(&rec->ladder, d->wire, record_ladder, rec);
	snprintf(path, sizeof(path), "%s/%s.pcapng", dir ? dir : "", h.title);
	if (dir && !h.victim && (rec->capture_file = fopen(path, "w")))
		lab_capture_begin(&rec->capture, d->world, capture_write, rec->capture_file);
}

static void record_end(struct record *rec)
{
	lab_ladder_end(&rec->ladder);
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
	const char *text = lab_raw_hear(d->raw);

	if (!pattern && text)
		harness_fail(file, line, "the script heard \"%s\", expected silence", text);
	if (pattern && (!text || !line_matches(text, pattern)))
		harness_fail(file, line, "the script heard \"%s\", expected \"%s\"", text ? text : "nothing", pattern);
}

static const char *poll_names(int bits, char text[128])
{
	static const struct { int bit; const char *name; } names[] = {
		{ POLLIN, "IN" }, { POLLPRI, "PRI" }, { POLLOUT, "OUT" }, { POLLERR, "ERR" }, { POLLHUP, "HUP" },
		{ POLLNVAL, "NVAL" }, { POLLRDNORM, "RDNORM" }, { POLLRDBAND, "RDBAND" }, { POLLWRNORM, "WRNORM" },
		{ POLLWRBAND, "WRBAND" }, { POLLRDHUP, "RDHUP" },
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
		harness_fail(file, line, "poll says \"%s\", expected \"%s\"", poll_names(got, a), poll_names(wanted, b));
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

/* ------------------------------------------------------------------ acting */

struct duo_side *duo_of(struct duo *d, enum side side)
{
	return side == CLIENT ? &d->client : &d->server;
}

void duo_run_ms(struct duo *d, uint64_t ms)
{
	lab_run_for(d->world, ms * LAB_MS);
}

int64_t duo_send(struct duo *d, enum side side, const char *text)
{
	return DUO_TRY(d, side, send, text, strlen(text), MSG_DONTWAIT);
}

int64_t duo_send_bytes(struct duo *d, enum side side, size_t len)
{
	char *buf = lab_zalloc(len + 1);
	int64_t n;

	for (size_t i = 0; i < len; i++)
		buf[i] = (char)lab_raw_byte((uint32_t)i + 1);
	n = DUO_TRY(d, side, send, buf, len, MSG_DONTWAIT);
	free(buf);
	return n;
}

int64_t duo_recv(struct duo *d, enum side side, void *buf, size_t len)
{
	return DUO_TRY(d, side, recv, buf, len, MSG_DONTWAIT);
}

int64_t duo_shutdown(struct duo *d, enum side side, int how)
{
	return DUO_TRY(d, side, shutdown, how);
}

int64_t duo_close(struct duo *d, enum side side)
{
	int64_t result = DUO_CALL(d, side, close);

	duo_of(d, side)->fd = -1;
	return result;
}

int64_t duo_linger(struct duo *d, enum side side, int onoff, int seconds)
{
	struct linger linger = { onoff, seconds };

	return DUO_TRY(d, side, setsockopt, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

int64_t duo_set(struct duo *d, enum side side, int level, int name, int value)
{
	return DUO_TRY(d, side, setsockopt, level, name, &value, sizeof(value));
}

int64_t duo_get(struct duo *d, enum side side, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	int64_t result = DUO_TRY(d, side, getsockopt, level, name, &value, &len);

	return result ? result : value;
}

int duo_poll(struct duo *d, enum side side)
{
	struct pollfd pfd = { .fd = duo_of(d, side)->fd, .events = (short)~(POLLERR | POLLHUP | POLLNVAL) };

	LAB_TRY(&duo_of(d, side)->thread, poll, &pfd, 1, 0);
	return (unsigned short)pfd.revents;
}

static struct lab_thread *duo_task(struct duo *d, enum side side,
				   struct lab_thread (*make)(const struct lab_thread *thread))
{
	struct lab_thread *thread = &h.record->threads[h.record->nr_threads];

	if (h.record->nr_threads == THREADS_MAX)
		harness_fail(__FILE__, __LINE__, "more than %d tasks", THREADS_MAX);
	*thread = make(&duo_of(d, side)->thread);
	if (!thread->task)
		harness_fail(__FILE__, __LINE__, "no memory for a task");
	h.record->nr_threads++;
	return thread;
}

struct lab_thread *duo_fork(struct duo *d, enum side side)
{
	return duo_task(d, side, lab_fork);
}

struct lab_thread *duo_thread(struct duo *d, enum side side)
{
	return duo_task(d, side, lab_thread_of);
}

void duo_sysctl(struct duo *d, enum side side, const char *name, const char *value)
{
	EXPECT_EQ(la_sysctl_set(duo_of(d, side)->host->stack, name, value), 0);
}

struct la_usage duo_usage(struct duo *d, enum side side)
{
	struct la_usage usage;

	la_usage(duo_of(d, side)->host->stack, &usage);
	return usage;
}

uint64_t duo_counter(struct duo *d, enum side side, const char *wanted)
{
	const uint64_t *before = h.record->counters[side];
	const char *name;
	uint64_t value;

	for (size_t i = 0; la_counter_at(duo_of(d, side)->host->stack, i, &name, &value); i++) {
		if (!strcmp(name, wanted))
			return value - (before ? before[i] : 0);
	}
	harness_fail(__FILE__, __LINE__, "no counter %s", wanted);
}

struct state_search {
	uint16_t sport, dport;
	const char *found;
};

static bool state_visit(void *arg, const struct la_sock_info *info)
{
	struct state_search *search = arg;
	bool server = info->sport == DUO_PORT;

	if (info->dport && server == (search->sport == DUO_PORT))
		search->found = la_state_name(info->state);
	return true;
}

/* The connection between the two, whichever port the client has; of several, the one listed last. */
const char *duo_state(struct duo *d, enum side side)
{
	struct state_search search = { .sport = side == SERVER ? DUO_PORT : 0, .found = "" };

	la_socks(duo_of(d, side)->host->stack, state_visit, &search);
	return search.found;
}

void duo_forget(struct duo *d)
{
	h.record->begin = h.record->count;
	for (int side = CLIENT; side <= SERVER; side++) {
		struct lab_host *host = duo_of(d, side)->host;
		size_t count = 0;
		const char *name;
		uint64_t value;

		if (!host)
			continue;
		while (la_counter_at(host->stack, count, &name, &value))
			count++;
		free(h.record->counters[side]);
		h.record->counters[side] = lab_zalloc((count + 1) * sizeof(uint64_t));
		for (size_t i = 0; i < count; i++)
			la_counter_at(host->stack, i, &name, &h.record->counters[side][i]);
	}
	if (d->raw) {
		while (lab_raw_hear(d->raw))
			;
	}
}

void solo_say(struct duo *d, const char *text)
{
	if (!lab_raw_say(d->raw, text))
		harness_fail(__FILE__, __LINE__, "the script cannot say \"%s\"", text);
	lab_run_for(d->world, 0);
}

/* ------------------------------------------------------------------ beginnings */

static void check_step(struct lab_world *world, void *arg)
{
	struct lab_host *host;
	const char *wrong = lab_check(world, &host);

	(void)arg;
	if (!wrong)
		return;
	h.broken = true;
	harness_fail(__FILE__, __LINE__, "la_check() on %s: %s", host->name, wrong);
}

static int domain(const struct duo *d)
{
	return d->family == AF_INET ? AF_INET : AF_INET6;
}

static void side_process(struct duo_side *side)
{
	if (!side->host)
		return;
	side->thread = lab_process(side->host);
	if (!side->thread.task)
		abort(); /* nothing is refused yet */
	h.record->threads[h.record->nr_threads++] = side->thread;
}

/* Both sides, or one and a script (@scripted: CLIENT or SERVER, else none), wired together and watched. */
static struct duo duo_wired(int scripted)
{
	struct duo d = { .listener = -1, .family = h.family, .client = { .name = "client", .fd = -1 },
			 .server = { .name = "server", .fd = -1 } };
	struct lab_host *host;

	duo_end(&h.duo);
	d.world = lab_world_new(h.seed);
	d.world->after_step = check_step;
	if (scripted != CLIENT)
		d.client.host = lab_host_new(d.world, "client");
	if (scripted != SERVER)
		d.server.host = lab_host_new(d.world, "server");
	if (d.client.host && d.server.host) {
		d.wire = lab_wire_new(d.world, d.client.host, d.server.host, 1500);
	} else {
		host = d.client.host ? d.client.host : d.server.host;
		d.raw = lab_raw_new(d.world, host, d.family == AF_INET6 ? AF_INET6 : AF_INET, 1500);
		d.wire = d.raw->wire;
		lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ 0 });
	}
	record_begin(&d);
	side_process(&d.client);
	side_process(&d.server);
	h.duo = d;
	for (host = d.world->hosts; host; host = host->next) {
		if ((int)host->number == h.victim)
			lab_refuse(h.blocks ? &host->blocks : &host->objects, h.nth, false);
	}
	duo_forget(&d);
	return d;
}

struct duo duo_hosts(void)
{
	return duo_wired(-1);
}

static int opened(struct duo *d, enum side side)
{
	int fd = (int)LAB_TRY(&duo_of(d, side)->thread, socket, domain(d), SOCK_STREAM, 0);

	if (fd < 0)
		harness_fail(__FILE__, __LINE__, "socket() on %s: %s", duo_of(d, side)->name, strerrorname_np(-fd));
	return fd;
}

static void server_listens(struct duo *d)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(DUO_PORT) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(DUO_PORT) };
	bool v4 = d->family == AF_INET;

	d->listener = opened(d, SERVER);
	EXPECT_EQ(LAB_TRY(&d->server.thread, bind, d->listener, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
			  v4 ? sizeof(in) : sizeof(in6)), 0);
	EXPECT_EQ(LAB_TRY(&d->server.thread, listen, d->listener, 16), 0);
}

static void server_accepts(struct duo *d)
{
	d->server.fd = (int)LAB_TRY(&d->server.thread, accept4, d->listener, NULL, NULL, 0);
	if (d->server.fd < 0)
		harness_fail(__FILE__, __LINE__, "accept4(): %d", d->server.fd);
	EXPECT_EQ(LAB_TRY(&d->server.thread, close, d->listener), 0);
	d->listener = -1;
	lab_run_for(d->world, 0);
	duo_forget(d);
}

struct duo duo_listening(void)
{
	struct duo d = duo_wired(-1);

	server_listens(&d);
	d.client.fd = opened(&d, CLIENT);
	duo_forget(&d);
	return d;
}

struct duo duo_established(void)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	lab_run_for(d.world, 2 * LAB_MS);
	server_accepts(&d);
	return d;
}

struct duo solo_listening(void)
{
	struct duo d = duo_wired(CLIENT);

	server_listens(&d);
	d.raw->host_port = DUO_PORT;
	duo_forget(&d);
	return d;
}

struct duo solo_accepted(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	server_accepts(&d);
	return d;
}

struct duo solo_connected(void)
{
	struct duo d = duo_wired(SERVER);
	struct sockaddr_storage addr;
	struct lab_call *call;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	d.raw->port = DUO_PORT;
	d.client.fd = opened(&d, CLIENT);
	call = DUO_START(&d, CLIENT, connect, (struct sockaddr *)&addr, len);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "S 0:0(0)");
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_EQ(call->result, 0);
	duo_forget(&d);
	return d;
}

/* ------------------------------------------------------------------ the end of a run */

static void expect_nothing_left(const struct lab_host *host)
{
	struct la_usage u;

	la_usage(host->stack, &u);
	if (u.tasks | u.files | u.sockets | u.socks | u.requests | u.timewaits | u.skbs | u.orphans | u.timers | u.ops)
		harness_fail(__FILE__, __LINE__, "left on %s: %d tasks, %d files, %d sockets, %d socks, %d requests, "
			     "%d timewaits, %d skbs, %d orphans, %d timers, %d ops", host->name, (int)u.tasks,
			     (int)u.files, (int)u.sockets, (int)u.socks, (int)u.requests, (int)u.timewaits,
			     (int)u.skbs, (int)u.orphans, (int)u.timers, (int)u.ops);
}

/* Frees all without looking; a test that failed may leave anything. */
static uint64_t discard(void)
{
	uint64_t leaked;

	if (!h.duo.world)
		return 0;
	h.duo.world->after_step = NULL;
	leaked = lab_world_free(h.duo.world);
	record_end(h.record);
	h.record = NULL;
	h.duo.world = NULL;
	return leaked;
}

void duo_end(struct duo *d)
{
	struct lab_world *world = h.duo.world;
	bool idle;

	if (!d->world || d->world != world)
		return;
	for (struct lab_host *host = world->hosts; host; host = host->next) {
		h.refused += host->objects.refused + host->blocks.refused;
		lab_refuse(&host->objects, 0, false);
		lab_refuse(&host->blocks, 0, false);
	}
	lab_calls_cancel(world);
	for (unsigned i = 0; i < h.record->nr_threads; i++)
		lab_exit(&h.record->threads[i]);
	idle = lab_run_idle(world, LAB_PATIENCE_NS);
	for (struct lab_host *host = world->hosts; host; host = host->next)
		expect_nothing_left(host);
	if (!idle)
		harness_fail(__FILE__, __LINE__, "an hour after the end something still wants to happen");
	d->world = NULL;
	if (discard())
		harness_fail(__FILE__, __LINE__, "a stack did not give all its memory back");
}

static void finish(void)
{
	duo_end(&h.duo);
}

/* ------------------------------------------------------------------ tests */

void harness_register(struct harness_test *test)
{
	struct harness_test **last = &h.tests;

	while (*last)
		last = &(*last)->next;
	*last = test;
}

void harness_seed(uint64_t seed)
{
	h.seed = seed;
}

static void show_failure(const char *when)
{
	fprintf(stderr, "\n%s: seed %llu%s\n", h.title, (unsigned long long)h.seed, when);
	if (h.record) {
		lab_ladder_end(&h.record->ladder);
		for (size_t i = 0; i < h.record->ladder_count; i++)
			fprintf(stderr, "%s\n", h.record->ladder_lines[i]);
	}
	if (h.failed_file)
		fprintf(stderr, "%s:%d: %s\n", h.failed_file, h.failed_line, h.failure);
}

static void fail_hard(const char *when)
{
	show_failure(when);
	discard();
	_fail(h.failed_file, h.failed_line);
}

static void seed_from_environment(void)
{
	const char *seed = getenv("SEED");

	h.seed = seed ? strtoull(seed, NULL, 0) : 1;
}

/* One run of the test as it stands. */
static void run_once(const struct harness_test *test)
{
	h.victim = 0;
	seed_from_environment();
	if (!attempt(test->body) || !attempt(finish))
		fail_hard("");
}

/* The same with each allocation of one host refused in turn, until the run needs no more of them. */
static void run_refused(const struct harness_test *test, int victim, bool blocks)
{
	char when[96];

	for (uint64_t nth = 1; nth <= REFUSALS_MAX; nth++) {
		h.victim = victim;
		h.blocks = blocks;
		h.nth = nth;
		h.refused = 0;
		seed_from_environment();
		snprintf(when, sizeof(when), ", %s %llu of host %d refused", blocks ? "block" : "object",
			 (unsigned long long)nth, victim);
		if ((!attempt(test->body) && h.broken) || !attempt(finish))
			fail_hard(when);
		if (!h.refused)
			break;
	}
	h.victim = 0;
}

/* An assertion of the library does not tell in which run it failed: this does. */
static void on_abort(int sig)
{
	(void)sig;
	show_failure(", aborted");
	if (h.victim)
		fprintf(stderr, "%s %llu of host %d was refused\n", h.blocks ? "block" : "object",
			(unsigned long long)h.nth, h.victim);
}

static void play_test(void **state)
{
	const struct harness_test *test = *state;
	static const int families[] = { AF_INET, AF_INET6, LAB_MAPPED };

	signal(SIGABRT, on_abort);
	h.title = test->name;
	h.broken = false;
	h.duo.world = NULL; /* a test that crashed has left it */
	for (int i = 0; i < (test->how & HARNESS_FAMILIES ? 3 : 1); i++) {
		h.family = families[i];
		run_once(test);
		for (int victim = 1; !(test->how & HARNESS_ONCE) && victim <= 2; victim++) {
			run_refused(test, victim, false);
			run_refused(test, victim, true);
		}
	}
}

/*
 * `scenario-NAME [part of a test's name]`; `scenario-NAME -l` lists them.
 * Weak: a program that only prints (tools/twice) has a main() of its own.
 */
__attribute__((weak)) int main(int argc, char **argv)
{
	struct CMUnitTest *tests;
	char filter[256];
	size_t count = 0;

	for (struct harness_test *test = h.tests; test; test = test->next)
		count++;
	tests = lab_zalloc((count + 1) * sizeof(*tests));
	count = 0;
	for (struct harness_test *test = h.tests; test; test = test->next) {
		tests[count++] = (struct CMUnitTest){ .name = test->name, .test_func = play_test,
						      .initial_state = test };
		if (argc > 1 && !strcmp(argv[1], "-l"))
			puts(test->name);
	}
	if (argc > 1 && !strcmp(argv[1], "-l"))
		return 0;
	if (argc > 1) {
		snprintf(filter, sizeof(filter), "*%s*", argv[1]);
		cmocka_set_test_filter(filter);
	}
	return _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
}
