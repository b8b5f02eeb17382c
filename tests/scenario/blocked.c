// SPDX-License-Identifier: MIT
/*
 * scenario/blocked.c - calls that wait: what ends them, and what they return then
 *
 * linux-close.md section 19, DC-10, FD-17 and the time limits. What the descriptor's close and shutdown do to waiting
 * calls is in posix.c. Every outcome was seen on the kernel.
 */
#include <fcntl.h>
#include <sys/time.h>

#include "harness.h"

static const struct sockaddr unspec = {.sa_family = AF_UNSPEC};

static struct lab_call *thread_in(struct duo *d, struct lab_call *call)
{
	duo_run_ms(d, 100);
	EXPECT(call->pending);
	return call;
}
#define BLOCKS_IN(d, side, what, ...) thread_in(d, LAB_START(duo_thread(d, side), what, __VA_ARGS__))

/* It returns within the time, with that. */
static void ends_with(struct lab_call *call, uint64_t ms, int64_t result)
{
	EXPECT_EQ(lab_wait(call, ms * LAB_MS), result);
}

static void limit(struct duo *d, enum side side, int fd, int name, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	EXPECT_EQ(LAB_CALL(&duo_of(d, side)->thread, setsockopt, fd, SOL_SOCKET, name, &tv, sizeof(tv)), 0);
}

/* A new socket of the client, and the address of a peer that never answers: the script. */
static int silent_peer(struct duo *d, struct sockaddr_storage *addr, socklen_t *len)
{
	*d = solo_connecting();
	*len = lab_wire_addr(d->wire, LAB_B, d->family, DUO_PORT, addr);
	return (int)LAB_CALL(&d->client.thread, socket, d->family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
}

/* ------------------------------------------------------------------ connect */

TEST_FAMILIES(a_blocked_connect_returns_when_the_handshake_is_done)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EISCONN);
}

TEST_FAMILIES(a_refused_blocked_connect_leaves_a_socket_as_new)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT + 1, &addr);
	char c;

	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -ECONNREFUSED);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_EQ(DUO_CALL(&d, CLIENT, recv, &c, 1, 0), -ENOTCONN);
	EXPECT_POLL(&d, CLIENT, POLLOUT | POLLWRNORM | POLLHUP);
	len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
}

TEST_FAMILIES(connect_gives_up_waiting_at_so_sndtimeo_and_the_attempt_goes_on)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct duo d;
	int fd = silent_peer(&d, &addr, &len);
	char c;

	limit(&d, CLIENT, fd, SO_SNDTIMEO, 300);
	EXPECT_EQ(LAB_CALL(&d.client.thread, connect, fd, (struct sockaddr *)&addr, len), -EINPROGRESS);
	EXPECT_EQ(LAB_CALL(&d.client.thread, connect, fd, (struct sockaddr *)&addr, len), -EALREADY);
	EXPECT_EQ(LAB_CALL(&d.client.thread, send, fd, "x", 1, 0), -EAGAIN);
	EXPECT_EQ(LAB_CALL(&d.client.thread, recv, fd, &c, 1, MSG_DONTWAIT), -EAGAIN);
	EXPECT_EQ(LAB_CALL(&d.client.thread, close, fd), 0);
}

TEST_FAMILIES(a_signal_ends_connect_with_eintr_and_the_attempt_goes_on)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct duo d;
	int fd = silent_peer(&d, &addr, &len);
	struct lab_call *c = BLOCKS_IN(&d, CLIENT, connect, fd, (struct sockaddr *)&addr, len);

	EXPECT_EQ(lab_interrupt(c), -EINTR);
	c = BLOCKS_IN(&d, CLIENT, connect, fd, (struct sockaddr *)&addr, len);
	EXPECT_EQ(lab_interrupt(c), -EINTR);
}

TEST_FAMILIES(an_attempt_that_nobody_answers_ends_a_blocked_connect_with_etimedout)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct duo d;
	int fd = silent_peer(&d, &addr, &len);

	EXPECT_EQ(LAB_CALL(&d.client.thread, connect, fd, (struct sockaddr *)&addr, len), -ETIMEDOUT);
}

TEST_FAMILIES(shutdown_ends_a_blocked_connect_with_econnreset)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct duo d;
	int fd = silent_peer(&d, &addr, &len);
	struct lab_call *c = BLOCKS_IN(&d, CLIENT, connect, fd, (struct sockaddr *)&addr, len);
	char byte;

	EXPECT_EQ(LAB_CALL(&d.client.thread, shutdown, fd, SHUT_RD), 0);
	ends_with(c, 10, -ECONNRESET);
	EXPECT_EQ(LAB_CALL(&d.client.thread, recv, fd, &byte, 1, 0), -ENOTCONN);
}

/* FD-17 */
TEST_FAMILIES(close_under_a_blocked_connect_waits_for_the_connection_and_closes_it)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	struct lab_call *c = LAB_START(duo_thread(&d, CLIENT), connect, d.client.fd, (struct sockaddr *)&addr, len);

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT(c->pending);
	ends_with(c, 100, 0);
	duo_run_ms(&d, 100);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(a_write_waits_for_the_connection_that_is_being_made)
{
	struct duo d = solo_connecting();
	struct lab_call *w;

	EXPECT_EQ(DUO_CALL(&d, CLIENT, fcntl, F_SETFL, 0), 0);
	w = BLOCKS_IN(&d, CLIENT, send, d.client.fd, "abc", 3, 0);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	ends_with(w, 10, 3);
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
}

TEST_FAMILIES(a_write_that_waits_for_a_connection_gets_the_refusal)
{
	struct duo d = solo_connecting();
	struct lab_call *w;

	EXPECT_EQ(DUO_CALL(&d, CLIENT, fcntl, F_SETFL, 0), 0);
	w = BLOCKS_IN(&d, CLIENT, send, d.client.fd, "abc", 3, 0);
	solo_say(&d, "R. 0:0(0) ack 1 win 0");
	ends_with(w, 10, -ECONNREFUSED);
	EXPECT_EQ(w->op.signal, 0);
}

/* ------------------------------------------------------------------ recv */

TEST_FAMILIES(a_reader_wakes_with_data_fin_and_reset)
{
	struct duo d = duo_established();
	char buf[8];
	struct lab_call *r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, buf, sizeof(buf), 0);

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	ends_with(r, 100, 3);
	r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, buf, sizeof(buf), 0);
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	ends_with(r, 100, 0); /* WK-01 */

	d = duo_established();
	r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, buf, sizeof(buf), 0);
	EXPECT_EQ(duo_linger(&d, CLIENT, 1, 0), 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	ends_with(r, 100, -ECONNRESET); /* WK-02 */
	EXPECT_RECV(&d, SERVER, "");
}

/* WK-11 */
TEST_FAMILIES(recv_of_nothing_waits_until_there_is_something_and_takes_none_of_it)
{
	struct duo d = duo_established();
	char c;
	struct lab_call *r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, &c, 0, 0);

	EXPECT_EQ(DUO_CALL(&d, SERVER, read, &c, 0), 0); /* read() does not */
	EXPECT_EQ(duo_send(&d, CLIENT, "x"), 1);
	ends_with(r, 100, 0);
	EXPECT_RECV(&d, SERVER, "x");
}

TEST_FAMILIES(msg_waitall_waits_for_all_and_peeks_as_well)
{
	struct duo d = duo_established();
	char buf[5];

	for (int flags = MSG_WAITALL | MSG_PEEK; flags; flags = flags & MSG_PEEK ? MSG_WAITALL : 0) {
		struct lab_call *r = LAB_START(duo_thread(&d, SERVER), recv, d.server.fd, buf, 5, flags);

		if (flags & MSG_PEEK) {
			EXPECT_EQ(duo_send(&d, CLIENT, "ab"), 2);
			duo_run_ms(&d, 100);
			EXPECT(r->pending);
			EXPECT_EQ(duo_send(&d, CLIENT, "cdef"), 4);
		}
		ends_with(r, 100, 5);
		EXPECT(!memcmp(buf, "abcde", 5));
	}
	EXPECT_RECV(&d, SERVER, "f");
}

TEST_FAMILIES(a_peek_that_waits_begins_anew_where_another_thread_has_read_on)
{
	struct duo d = duo_established();
	char buf[5];
	struct lab_call *p = BLOCKS_IN(&d, SERVER, recv, d.server.fd, buf, 3, MSG_WAITALL | MSG_PEEK);

	EXPECT_EQ(duo_send(&d, CLIENT, "ab"), 2);
	duo_run_ms(&d, 100);
	EXPECT(p->pending);
	EXPECT_RECV(&d, SERVER, "ab");
	EXPECT_EQ(duo_send(&d, CLIENT, "c"), 1);
	ends_with(p, 100, 3);
	EXPECT(!memcmp(buf, "abc", 3));
	EXPECT_RECV(&d, SERVER, "c");
}

/* WK-03 */
TEST_FAMILIES(msg_waitall_returns_its_part_when_fin_reset_shutdown_or_a_signal_comes)
{
	for (int how = 0; how < 5; how++) {
		struct duo d = duo_established();
		char buf[9];
		struct lab_call *r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, buf, sizeof(buf), MSG_WAITALL);

		EXPECT_EQ(duo_send(&d, CLIENT, "part"), 4);
		duo_run_ms(&d, 100);
		EXPECT(r->pending);
		switch (how) {
		case 0:
			EXPECT_EQ(duo_close(&d, CLIENT), 0);
			break;
		case 1:
			EXPECT_EQ(duo_linger(&d, CLIENT, 1, 0), 0);
			EXPECT_EQ(duo_close(&d, CLIENT), 0);
			break;
		case 2:
			EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
			break;
		case 3:
			EXPECT_EQ(lab_interrupt(r), 4);
			break;
		case 4:
			EXPECT_EQ(DUO_CALL(&d, SERVER, connect, &unspec, sizeof(unspec)), 0);
			break;
		}
		ends_with(r, 100, 4);
		EXPECT_ERROR(&d, SERVER, how == 1 || how == 4 ? ECONNRESET : 0);
	}
}

TEST_FAMILIES(so_rcvtimeo_ends_a_read_with_eagain_or_its_part)
{
	struct duo d = duo_established();
	uint64_t begun_ns;
	char buf[8];

	limit(&d, SERVER, d.server.fd, SO_RCVTIMEO, 300);
	begun_ns = d.world->now_ns;
	EXPECT_EQ(DUO_CALL(&d, SERVER, recv, buf, 1, 0), -EAGAIN);
	EXPECT((d.world->now_ns - begun_ns) / LAB_MS >= 300 && (d.world->now_ns - begun_ns) / LAB_MS <= 304);
	EXPECT_EQ(duo_send(&d, CLIENT, "ab"), 2);
	EXPECT_EQ(DUO_CALL(&d, SERVER, recv, buf, 8, MSG_WAITALL), 2);
	limit(&d, SERVER, d.server.fd, SO_RCVTIMEO, 0);
	EXPECT_EQ(DUO_TRY(&d, SERVER, recv, buf, 1, 0), LAB_BLOCKED);
}

/* ------------------------------------------------------------------ accept */

/* rows: LS-13 */
TEST_FAMILIES(one_connection_wakes_one_thread_in_accept_and_shut_rd_all)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	struct lab_call *a[3];
	int done = 0;

	for (int i = 0; i < 3; i++)
		a[i] = BLOCKS_IN(&d, SERVER, accept4, d.listener, NULL, NULL, 0);
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	duo_run_ms(&d, 100);
	for (int i = 0; i < 3; i++)
		done += !a[i]->pending;
	EXPECT_EQ(done, 1);
	EXPECT(!a[0]->pending && a[0]->result >= 0); /* who came first */
	EXPECT_EQ(LAB_CALL(&d.server.thread, shutdown, d.listener, SHUT_RD), 0);
	ends_with(a[1], 100, -EINVAL);
	ends_with(a[2], 100, -EINVAL);
}

TEST_FAMILIES(accept_holds_its_number_while_it_waits)
{
	struct duo d = duo_listening();
	struct lab_call *a = BLOCKS_IN(&d, SERVER, accept4, d.listener, NULL, NULL, 0);
	int64_t next = LAB_CALL(&d.server.thread, dup, d.listener);

	EXPECT_EQ(next, d.listener + 2); /* the one between is accept's */
	EXPECT_EQ(lab_interrupt(a), -EINTR);
	EXPECT_EQ(LAB_CALL(&d.server.thread, dup, d.listener), d.listener + 1);
}

TEST_FAMILIES(so_rcvtimeo_ends_accept_with_eagain)
{
	struct duo d = duo_listening();

	limit(&d, SERVER, d.listener, SO_RCVTIMEO, 300);
	EXPECT_EQ(LAB_CALL(&d.server.thread, accept4, d.listener, NULL, NULL, 0), -EAGAIN);
}

/* ------------------------------------------------------------------ connect(AF_UNSPEC) under a waiting call: DC-10 */

/* rows: DC-10 */
TEST_FAMILIES(disconnect_ends_a_read_with_epipe_and_leaves_the_error)
{
	struct duo d = duo_established();
	char c;
	struct lab_call *r = BLOCKS_IN(&d, SERVER, recv, d.server.fd, &c, 1, 0);

	EXPECT_EQ(DUO_CALL(&d, SERVER, connect, &unspec, sizeof(unspec)), 0);
	ends_with(r, 10, -EPIPE);
	EXPECT_EQ(r->op.signal, 0);
	EXPECT_ERROR(&d, SERVER, ECONNRESET);
}

/* rows: DC-10 */
TEST_FAMILIES(disconnect_ends_connect_with_epipe_and_accept_with_einval)
{
	struct sockaddr_storage addr;
	socklen_t len;
	struct duo d;
	int fd = silent_peer(&d, &addr, &len);
	struct lab_call *c = BLOCKS_IN(&d, CLIENT, connect, fd, (struct sockaddr *)&addr, len);

	EXPECT_EQ(LAB_CALL(&d.client.thread, connect, fd, &unspec, sizeof(unspec)), 0);
	ends_with(c, 10, -EPIPE);

	d = duo_listening();
	c = BLOCKS_IN(&d, SERVER, accept4, d.listener, NULL, NULL, 0);
	EXPECT_EQ(LAB_CALL(&d.server.thread, connect, d.listener, &unspec, sizeof(unspec)), 0);
	ends_with(c, 10, -EINVAL);
}

static char much[1 << 20];

/* rows: DC-10 */
TEST_ONCE(disconnect_ends_a_write_with_its_count_or_econnreset)
{
	struct duo d = duo_established();
	struct lab_call *w = BLOCKS_IN(&d, SERVER, send, d.server.fd, much, sizeof(much), 0);

	EXPECT_EQ(DUO_CALL(&d, SERVER, connect, &unspec, sizeof(unspec)), 0);
	EXPECT(lab_wait(w, 10 * LAB_MS) > 0);
	EXPECT_ERROR(&d, SERVER, ECONNRESET);

	d = duo_established();
	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_SNDBUF, 1), 0);
	while (duo_send_bytes(&d, SERVER, 65536) > 0)
		duo_run_ms(&d, 1000);
	w = BLOCKS_IN(&d, SERVER, send, d.server.fd, "x", 1, 0);
	EXPECT_EQ(DUO_CALL(&d, SERVER, connect, &unspec, sizeof(unspec)), 0);
	ends_with(w, 10, -ECONNRESET);
	EXPECT_EQ(w->op.signal, 0);
	EXPECT_ERROR(&d, SERVER, 0);
}

/* ------------------------------------------------------------------ send */

TEST_ONCE(a_blocked_write_returns_its_part_when_its_time_is_over_or_a_signal_comes)
{
	struct duo d = duo_established();
	struct lab_call *w = BLOCKS_IN(&d, SERVER, send, d.server.fd, much, sizeof(much), 0);
	int64_t part = lab_interrupt(w);

	EXPECT(part > 0 && part < (int64_t)sizeof(much));
	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_SNDBUF, 1), 0);
	w = BLOCKS_IN(&d, SERVER, send, d.server.fd, much, sizeof(much), 0);
	EXPECT_EQ(lab_interrupt(w), -EINTR);
	limit(&d, SERVER, d.server.fd, SO_SNDTIMEO, 300);
	EXPECT_EQ(DUO_CALL(&d, SERVER, send, "x", 1, 0), -EAGAIN);
}

TEST_ONCE(a_blocked_write_that_has_taken_a_part_reports_a_reset_with_the_next_call)
{
	struct duo d = duo_established();
	struct lab_call *w = BLOCKS_IN(&d, SERVER, send, d.server.fd, much, sizeof(much), 0);

	EXPECT_EQ(duo_linger(&d, CLIENT, 1, 0), 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT(lab_wait(w, 100 * LAB_MS) > 0);
	EXPECT_EQ(DUO_CALL(&d, SERVER, send, "x", 1, MSG_NOSIGNAL), -ECONNRESET);
	EXPECT_EQ(DUO_CALL(&d, SERVER, send, "x", 1, MSG_NOSIGNAL), -EPIPE);
}
