// SPDX-License-Identifier: MIT
/*
 * scenario/memory.c - programs on a machine without memory: they are told what Linux would tell them, try again, and get there
 *
 * Every other scenario is run with each allocation refused, too (harness.h), but there only the ruins are looked at. Here the
 * programs mind: what a call says for want of memory must be what Linux says, a second try must succeed once there is memory
 * again, no byte may be lost or doubled by the first one, and close() never fails.
 */
#include <fcntl.h>
#include <netinet/ip.h>
#include <stdio.h>

#include "harness.h"

/* ------------------------------------------------------------------ refusing, in turn */

/* How memory is short: the nth request alone, or all from the nth on, for five seconds. */
struct shortage {
	enum side side;
	bool blocks, lasts;
	uint64_t nth;
};

static const struct shortage *now_short;
static unsigned denials; /* calls that said they had no memory */

static struct lab_refusal *refusal_of(struct duo *d, const struct shortage *s)
{
	struct lab_host *host = duo_of(d, s->side)->host;

	return s->blocks ? &host->blocks : &host->objects;
}

static void memory_returns(struct lab_world *world, void *arg)
{
	(void)world;
	((struct lab_refusal *)arg)->nth = 0;
}

static void begin_shortage(struct duo *d)
{
	struct lab_refusal *refusal = refusal_of(d, now_short);

	lab_refuse(refusal, now_short->nth, now_short->lasts);
	if (now_short->lasts)
		lab_at(d->world, d->world->now_ns + 5 * LAB_S, memory_returns, refusal);
}

/* Plays @body with each @stride-th request for memory refused, on either side, until it gets to its end without one. */
static void in_shortages(void (*body)(struct duo *d), uint64_t stride)
{
	denials = 0;
	for (int kind = 0; kind < 8; kind++) {
		struct shortage s = { .side = kind & 1 ? SERVER : CLIENT, .blocks = kind & 2, .lasts = kind & 4, .nth = 1 };
		uint64_t refused;

		do {
			struct duo d = duo_hosts();

			now_short = &s;
			begin_shortage(&d);
			body(&d);
			refused = refusal_of(&d, &s)->refused;
			duo_end(&d);
			s.nth += stride;
		} while (refused);
	}
	EXPECT(denials > 0);
}

/* One try: @result, where it is one of the errors that want of memory may have; else the call is done. */
static bool denied(const char *what, int64_t result, const int *errors)
{
	if (result >= 0 || result == LAB_BLOCKED)
		return false;
	for (; *errors; errors++) {
		if (result == -*errors) {
			denials++;
			return true;
		}
	}
	harness_fail(__FILE__, __LINE__, "%s says %s for want of memory (%s %s request %llu%s)", what,
		     strerrorname_np((int)-result), now_short->side == CLIENT ? "client's" : "server's",
		     now_short->blocks ? "block" : "object", (unsigned long long)now_short->nth,
		     now_short->lasts ? " and later" : "");
}

/* Tries until the call does not say that there is no memory; each time half a second later. */
#define INSIST(d, call, ...)								\
	__extension__({									\
		static const int errors_[] = { __VA_ARGS__, 0 };			\
		int64_t result_;							\
											\
		while (denied(#call, (result_ = (call)), errors_))			\
			duo_run_ms((d), 500);						\
		result_;								\
	})

#define ON(d, who, what, ...) LAB_TRY(&(d)->who.thread, what, __VA_ARGS__)

/* ------------------------------------------------------------------ the programs */

static void server_begins(struct duo *d)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(DUO_PORT) };
	struct linger linger = { 1, 60 };
	int one = 1;

	d->listener = (int)INSIST(d, ON(d, server, socket, AF_INET6, SOCK_STREAM, 0), ENOBUFS, ENOMEM, ENFILE);
	EXPECT(d->listener >= 0);
	EXPECT_EQ(INSIST(d, ON(d, server, setsockopt, d->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), ENOMEM), 0);
	EXPECT_EQ(INSIST(d, ON(d, server, setsockopt, d->listener, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), ENOMEM),
		  0);
	EXPECT_EQ(INSIST(d, ON(d, server, bind, d->listener, (struct sockaddr *)&any, sizeof(any)), EADDRINUSE), 0);
	EXPECT_EQ(INSIST(d, ON(d, server, listen, d->listener, 16), ENOMEM, EADDRINUSE), 0);
}

static void client_connects(struct duo *d)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, AF_INET6, DUO_PORT, &addr);
	struct sockaddr *to = (struct sockaddr *)&addr;
	int64_t result;

	d->client.fd = (int)INSIST(d, ON(d, client, socket, AF_INET6, SOCK_STREAM, 0), ENOBUFS, ENOMEM, ENFILE);
	EXPECT(d->client.fd >= 0);
	result = INSIST(d, DUO_CALL(d, CLIENT, connect, to, len), ENOBUFS, ENOMEM, EADDRNOTAVAIL);
	EXPECT_EQ(result, 0);
}

static void server_takes(struct duo *d)
{
	EXPECT_EQ(ON(d, server, fcntl, d->listener, F_SETFL, O_NONBLOCK), 0);
	d->server.fd = (int)INSIST(d, ON(d, server, accept4, d->listener, NULL, NULL, 0), ENFILE, ENOMEM, EAGAIN);
	EXPECT(d->server.fd >= 0);
}

/* @bytes of the pattern, from one to the other; either may have to wait for memory. */
static void moves(struct duo *d, enum side from, enum side to, uint32_t bytes)
{
	uint64_t limit = d->world->now_ns + 600 * LAB_S;
	uint32_t sent = 0, got = 0;
	uint8_t buf[3000];

	while (got < bytes) {
		uint32_t len = bytes - sent < sizeof(buf) ? bytes - sent : (uint32_t)sizeof(buf);
		int64_t n;

		for (uint32_t i = 0; i < len; i++)
			buf[i] = lab_raw_byte(sent + i);
		n = len ? DUO_TRY(d, from, send, buf, len, MSG_DONTWAIT) : 0;
		EXPECT(n >= 0 || n == -EAGAIN);
		sent += n > 0 ? (uint32_t)n : 0;
		n = duo_recv(d, to, buf, sizeof(buf));
		EXPECT(n > 0 || n == -EAGAIN);
		for (int64_t i = 0; i < n; i++)
			EXPECT_EQ(buf[i], lab_raw_byte(got++));
		if (d->world->now_ns >= limit)
			harness_fail(__FILE__, __LINE__, "stuck at %u of %u bytes", got, bytes);
		duo_run_ms(d, 10);
	}
}

static void both_close(struct duo *d)
{
	EXPECT_EQ(duo_close(d, CLIENT), 0);
	duo_run_ms(d, 100);
	EXPECT_EQ(duo_close(d, SERVER), 0);
	EXPECT_EQ(ON(d, server, close, d->listener), 0);
	duo_run_ms(d, 10000);
	EXPECT_EQ(duo_usage(d, CLIENT).files, 0);
	EXPECT_EQ(duo_usage(d, SERVER).files, 0);
	EXPECT_EQ(duo_usage(d, SERVER).sockets, 0);
	EXPECT_EQ(duo_usage(d, SERVER).skbs, 0);
}

static void a_whole_life(struct duo *d)
{
	server_begins(d);
	client_connects(d);
	server_takes(d);
	moves(d, CLIENT, SERVER, 5000);
	moves(d, SERVER, CLIENT, 5000);
	both_close(d);
}

TEST_ONCE(a_life_is_lived_in_spite_of_every_shortage)
{
	in_shortages(a_whole_life, 1);
}

static void with_loss(struct duo *d)
{
	server_begins(d);
	client_connects(d);
	server_takes(d);
	lab_wire_weather(d->wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 5 * LAB_MS, .loss_ppm = 50000,
								    .reorder_ppm = 100000, .reorder_ns = 5 * LAB_MS });
	moves(d, CLIENT, SERVER, 15000);
	moves(d, SERVER, CLIENT, 15000);
	both_close(d);
}

TEST_ONCE(what_is_lost_on_the_wire_is_repaired_in_spite_of_it)
{
	in_shortages(with_loss, 3);
}

/* The set watches the listener and the connection: each event comes once there was memory to ask for it. */
static void through_epoll(struct duo *d)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = 1 }, got = { 0 };
	int epfd;

	server_begins(d);
	epfd = (int)INSIST(d, ON(d, server, epoll_create1, 0), ENOMEM, ENFILE);
	EXPECT(epfd >= 0);
	EXPECT_EQ(INSIST(d, ON(d, server, epoll_ctl, epfd, EPOLL_CTL_ADD, d->listener, &event), ENOMEM), 0);
	client_connects(d);
	EXPECT_EQ(LAB_CALL(&d->server.thread, epoll_wait, epfd, &got, 1, 60000), 1);
	EXPECT_EQ(got.data.fd, 1);
	server_takes(d);
	event.data.fd = 2;
	EXPECT_EQ(INSIST(d, ON(d, server, epoll_ctl, epfd, EPOLL_CTL_ADD, d->server.fd, &event), ENOMEM), 0);
	moves(d, CLIENT, SERVER, 1000);
	EXPECT_EQ(ON(d, server, epoll_wait, epfd, &got, 1, 0), 0);
	EXPECT(INSIST(d, duo_send(d, CLIENT, "x"), EAGAIN) == 1);
	EXPECT_EQ(LAB_CALL(&d->server.thread, epoll_wait, epfd, &got, 1, 60000), 1);
	EXPECT_EQ(got.data.fd, 2);
	EXPECT_RECV(d, SERVER, "x");
	EXPECT_EQ(ON(d, server, close, epfd), 0);
	both_close(d);
}

TEST_ONCE(epoll_says_enomem_and_then_tells_everything)
{
	in_shortages(through_epoll, 1);
}

static void through_poll(struct duo *d)
{
	struct pollfd fds[40];

	server_begins(d);
	client_connects(d);
	server_takes(d);
	for (int i = 0; i < 40; i++)
		fds[i] = (struct pollfd){ .fd = d->server.fd, .events = POLLIN };
	EXPECT_EQ(INSIST(d, LAB_CALL(&d->server.thread, poll, fds, 40, 10), ENOMEM), 0);
	EXPECT(INSIST(d, duo_send(d, CLIENT, "x"), EAGAIN) == 1);
	EXPECT_EQ(INSIST(d, LAB_CALL(&d->server.thread, poll, fds, 40, 60000), ENOMEM), 40);
	both_close(d);
}

TEST_ONCE(poll_of_many_descriptors_says_enomem_and_then_all_of_them)
{
	in_shortages(through_poll, 1);
}

/* Forks and copies: what fails has taken no reference. */
static void through_copies(struct duo *d)
{
	struct lab_thread child = { 0 };
	struct la_file *flight;
	int copies[100], fd;

	server_begins(d);
	client_connects(d);
	server_takes(d);
	for (int i = 0; i < 100; i++) {
		copies[i] = (int)INSIST(d, DUO_TRY(d, SERVER, dup), ENOMEM);
		EXPECT(copies[i] > d->server.fd);
	}
	fd = (int)INSIST(d, DUO_TRY(d, SERVER, dup2, 500), ENOMEM);
	EXPECT_EQ(fd, 500);
	for (child = lab_fork(&d->server.thread); !child.task; child = lab_fork(&d->server.thread))
		denials++, duo_run_ms(d, 500);
	for (flight = la_file_get(child.task, 500); !flight; flight = la_file_get(child.task, 500))
		denials++, duo_run_ms(d, 500);
	EXPECT_EQ(la_file_count(flight), 2 * 102 + 1);
	lab_exit(&child);
	EXPECT_EQ(la_file_count(flight), 102 + 1);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(ON(d, server, close, copies[i]), 0);
	EXPECT_EQ(ON(d, server, close, 500), 0);
	EXPECT_EQ(la_file_count(flight), 2);
	fd = la_file_install(d->server.thread.task, flight, O_CLOEXEC); /* the table has grown already */
	EXPECT(fd >= 0);
	EXPECT_EQ(ON(d, server, close, fd), 0);
	both_close(d);
}

TEST_ONCE(a_copy_that_finds_no_memory_has_taken_no_reference)
{
	in_shortages(through_copies, 1);
}

/*
 * Twenty SYNs at once: those for which there is no room come again. One whose SYN-ACK was known but whose request had to be
 * dropped later believes in its connection, as on Linux, until it sends something: a reset is an end, too.
 */
enum { MANY = 20 };

struct crowd {
	struct lab_call *calls[MANY];
	int fds[MANY];
	bool ended[MANY];
};

static void crowd_looks_again(struct duo *d, struct crowd *crowd, int i, bool speaks)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, AF_INET6, DUO_PORT, &addr);
	char byte;
	int64_t n;

	if (crowd->calls[i]->pending || crowd->ended[i])
		return;
	if (crowd->calls[i]->result) {
		EXPECT(denied("connect", crowd->calls[i]->result, (int[]){ ENOBUFS, ENOMEM, EADDRNOTAVAIL, 0 }));
		crowd->calls[i] = LAB_START(&d->client.thread, connect, crowd->fds[i], (struct sockaddr *)&addr, len);
		return;
	}
	n = ON(d, client, recv, crowd->fds[i], &byte, 1, MSG_DONTWAIT);
	EXPECT(n == 0 || n == -EAGAIN || n == -ECONNRESET);
	crowd->ended[i] = n != -EAGAIN;
	if (speaks && !crowd->ended[i])
		ON(d, client, send, crowd->fds[i], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void many_at_once(struct duo *d)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, AF_INET6, DUO_PORT, &addr);
	struct crowd crowd = { 0 };
	int ended = 0, accepted = 0;

	server_begins(d);
	EXPECT_EQ(ON(d, server, fcntl, d->listener, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < MANY; i++) {
		crowd.fds[i] = (int)INSIST(d, ON(d, client, socket, AF_INET6, SOCK_STREAM, 0), ENOBUFS, ENOMEM, ENFILE);
		crowd.calls[i] = LAB_START(&d->client.thread, connect, crowd.fds[i], (struct sockaddr *)&addr, len);
	}
	for (int tries = 0; ended < MANY && tries < 400; tries++) {
		int fd;

		duo_run_ms(d, 500);
		for (; (fd = (int)ON(d, server, accept4, d->listener, NULL, NULL, 0)) >= 0; accepted++)
			LAB_START(&d->server.thread, close, fd); /* it lingers */
		EXPECT(fd == -EAGAIN || fd == -ENFILE || fd == -ENOMEM);
		ended = 0;
		for (int i = 0; i < MANY; i++) {
			crowd_looks_again(d, &crowd, i, tries > 100);
			ended += crowd.ended[i];
		}
	}
	EXPECT_EQ(ended, MANY);
	EXPECT(accepted > MANY / 2);
	EXPECT_EQ(duo_usage(d, SERVER).requests, 0);
}

TEST_ONCE(connections_that_find_no_room_come_again)
{
	in_shortages(many_at_once, 13);
}

/* ------------------------------------------------------------------ single things, by name */

TEST_ONCE(a_syn_without_memory_for_it_is_dropped_and_counted)
{
	struct duo d = solo_listening();

	lab_refuse(&d.server.host->objects, 1, true);
	lab_refuse(&d.server.host->blocks, 1, true);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenDrops", 1);
	EXPECT_TRACE(&d, "server DROP cause=no_memory");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
}

TEST_ONCE(data_without_memory_for_it_is_not_acknowledged_and_the_window_is_0)
{
	struct duo d = solo_accepted();

	lab_refuse(&d.server.host->objects, 1, true);
	solo_say(&d, "P. 1:1001(1000) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1 win 0");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPRcvQDrop", 1);
	lab_refuse(&d.server.host->objects, 0, false);
	solo_say(&d, ". 0:0(0) ack 1 win 65535"); /* a probe */
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT(d.raw->seg.window > 60000);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_RECV(&d, SERVER, "abc");
}

TEST_ONCE(without_memory_for_a_time_wait_the_connection_ends_at_once)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	lab_refuse(&d.server.host->objects, 2, true); /* the first is for the FIN */
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeWaitOverflow", 1);
}

/* rows: US-09 */
TEST_ONCE(a_fin_without_memory_rides_on_what_was_sent)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	lab_refuse(&d.server.host->objects, 1, true);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	duo_run_ms(&d, 240);
	EXPECT_HEARD(&d, "FP. 1:4(3) ack 1");
	solo_say(&d, ". 1:1(0) ack 5 win 65535");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeWaitOverflow", 1);
}

TEST_ONCE(an_orphan_whose_fin_found_no_memory_is_reset)
{
	struct duo d = solo_accepted();

	lab_refuse(&d.server.host->objects, 1, true);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=close_orphan_limit");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

TEST_ONCE(a_write_without_memory_waits_and_goes_on_when_there_is_some)
{
	struct duo d = duo_established();
	static const char text[1000];
	struct lab_call *call;

	lab_refuse(&d.client.host->objects, 1, true);
	call = DUO_START(&d, CLIENT, send, text, sizeof(text), 0);
	duo_run_ms(&d, 1000);
	EXPECT(call->pending);
	EXPECT_EQ(duo_send(&d, CLIENT, "x"), -EAGAIN);
	lab_refuse(&d.client.host->objects, 0, false);
	duo_run_ms(&d, 5000);
	EXPECT_EQ(call->result, 1000);
}

TEST_ONCE(a_table_without_room_says_emfile)
{
	struct duo d = duo_established();

	EXPECT_EQ(DUO_TRY(&d, SERVER, fcntl, F_DUPFD, 1 << 24), -EINVAL);
	EXPECT_EQ(DUO_TRY(&d, SERVER, dup2, 1 << 24), -EBADF);
	EXPECT_EQ(DUO_TRY(&d, SERVER, fcntl, F_DUPFD, (1 << 24) - 1), (1 << 24) - 1);
	EXPECT_EQ(DUO_TRY(&d, SERVER, fcntl, F_DUPFD, (1 << 24) - 1), -EMFILE);
}

/* Linux counts the notes of MSG_ZEROCOPY against net.core.optmem_max, 832 bytes each (seen with the same calls over loopback). */
TEST_ONCE(zerocopy_calls_that_are_not_told_yet_are_157)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 24), 0);
	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1 << 20), 1 << 20);
	for (int i = 0; i < 157; i++) { /* a write() between two, or they would be told together */
		EXPECT_EQ(DUO_TRY(&d, SERVER, send, "x", 1, MSG_ZEROCOPY | MSG_EOR), 1);
		EXPECT_EQ(DUO_TRY(&d, SERVER, send, "x", 1, MSG_EOR), 1);
	}
	EXPECT_EQ(DUO_TRY(&d, SERVER, send, "x", 1, MSG_ZEROCOPY | MSG_EOR), -ENOBUFS);
	EXPECT_EQ(DUO_TRY(&d, SERVER, send, "x", 1, 0), 1);
}
