// SPDX-License-Identifier: MIT
/*
 * scenario/duo.c - two sides in a virtual world: how a run begins, what can be done in it, how it ends
 *
 * In:   calls of a test.
 * Here: they become operations of tasks, segments of a script, or time that passes.
 * Out:  results; at the end of a run nothing may be left of it.
 */
#include "run.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ beginnings */

static void check_step(struct lab_world *world, void *arg)
{
	const char *wrong = lab_invariants_check(&h.record->invariants);

	(void)world;
	(void)arg;
	if (!wrong)
		return;
	h.broken = true;
	harness_fail(__FILE__, __LINE__, "%s", wrong);
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
	struct duo d = {.listener = -1,
			.family = h.family,
			.client = {.name = "client", .fd = -1},
			.server = {.name = "server", .fd = -1}};
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
		lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){0});
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
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(DUO_PORT)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(DUO_PORT)};
	bool v4 = d->family == AF_INET;

	d->listener = opened(d, SERVER);
	EXPECT_EQ(LAB_TRY(&d->server.thread, bind, d->listener, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6,
			  v4 ? sizeof(in) : sizeof(in6)),
		  0);
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

struct duo solo_connecting(void)
{
	struct duo d = duo_wired(SERVER);
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	d.raw->port = DUO_PORT;
	d.client.fd = opened(&d, CLIENT);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, fcntl, F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EINPROGRESS);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "S 0:0(0)");
	duo_forget(&d);
	return d;
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

int64_t duo_accept(struct duo *d)
{
	int64_t fd;

	EXPECT_EQ(LAB_TRY(&d->server.thread, fcntl, d->listener, F_SETFL, O_NONBLOCK), 0);
	fd = LAB_TRY(&d->server.thread, accept4, d->listener, NULL, NULL, 0);
	d->server.fd = fd < 0 ? -1 : (int)fd;
	return fd;
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
	struct linger linger = {onoff, seconds};

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
	struct pollfd pfd = {.fd = duo_of(d, side)->fd, .events = (short)~(POLLERR | POLLHUP | POLLNVAL)};

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

void duo_exit(struct duo *d, enum side side)
{
	struct duo_side *who = duo_of(d, side);

	for (unsigned i = 0; i < h.record->nr_threads; i++) {
		if (h.record->threads[i].task == who->thread.task)
			h.record->threads[i].task = NULL;
	}
	lab_exit(&who->thread);
	who->fd = -1;
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
	struct state_search search = {.sport = side == SERVER ? DUO_PORT : 0, .found = ""};

	la_socks(duo_of(d, side)->host->stack, state_visit, &search);
	return search.found;
}

void duo_forget(struct duo *d)
{
	h.record->begin = h.record->count;
	lab_ladder_flush(&h.record->ladder);
	h.record->ladder.shown_ns = LAB_NEVER; /* the next line tells its time */
	h.record->ladder_begin = h.record->ladder_count;
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

/* ------------------------------------------------------------------ the end of a run */

/* Frees all without looking; a test that failed may leave anything. */
uint64_t discard(void)
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
	const char *wrong;
	uint64_t leaked;
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
	wrong = lab_invariants_rest(&h.record->invariants);
	if (wrong)
		harness_fail(__FILE__, __LINE__, "%s", wrong);
	if (!idle)
		harness_fail(__FILE__, __LINE__, "an hour after the end something still wants to happen");
	leaked = discard(); /* which forgets h.duo: @d may be that one */
	d->world = NULL;
	if (leaked)
		harness_fail(__FILE__, __LINE__, "a stack did not give all its memory back");
}
