// SPDX-License-Identifier: MIT
/*
 * scenario/posix.c - descriptors, tasks and blocked calls: fork, dup, threads, signals
 *
 * The twelve programs of the close matrix (close-matrix/posix/p01 .. p12, which run on Linux) on the library's tasks
 * and threads of control, point by point and in their words. "Mine" of the programs is the server's accepted end here,
 * "the peer" the client's; what they wait for with the clock happens in virtual time. Where a program starts anew with
 * another connection, a new test begins.
 */
#include <fcntl.h>
#include <signal.h>

#include "harness.h"

#define OK(condition, what) \
	do { \
		if (!(condition)) \
			harness_fail(__FILE__, __LINE__, "not ok - %s", what); \
	} while (0)

/* ------------------------------------------------------------------ what the programs have in tap.h */

static struct lab_thread *of(struct duo *d, enum side side)
{
	return &duo_of(d, side)->thread;
}

/* What does this end see within so many ms? T nothing, F end of file, R reset, D data (left there), E else. */
static int sees_fd(const struct lab_thread *thread, int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t n;
	char c;

	if (LAB_CALL(thread, poll, &p, 1, ms) <= 0)
		return 'T';
	n = LAB_CALL(thread, recv, fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n >= 0)
		return n ? 'D' : 'F';
	return n == -ECONNRESET ? 'R' : 'E';
}

static int peer_sees(struct duo *d, int ms)
{
	return sees_fd(of(d, CLIENT), d->client.fd, ms);
}

/* Did it return within so many milliseconds? */
static bool call_done(struct lab_call *call, uint64_t ms)
{
	return lab_wait(call, ms * LAB_MS) != LAB_BLOCKED;
}

/* A call of another thread, and time to block in it. */
#define CALL_START(d, what, ...) \
	__extension__({ \
		struct lab_call *started_ = LAB_START(duo_thread(d, SERVER), what, __VA_ARGS__); \
		duo_run_ms(d, 150); \
		started_; \
	})

/* Fills everything between the two. It is full when a second brings nothing any more: the answer to the first window
 * probe may still enlarge the send buffer, which follows the congestion window. */
static void fill(struct duo *d)
{
	static char junk[65536];

	for (int quiet = 0; quiet < 3;) {
		if (DUO_CALL(d, SERVER, send, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
			quiet = 0;
		} else {
			quiet++;
			duo_run_ms(d, 1000);
		}
	}
}

/* The peer reads all until the end: the last result of its recv(). */
static int64_t drain(struct duo *d)
{
	static char sink[1 << 20];
	int64_t n;

	do
		n = DUO_CALL(d, CLIENT, recv, sink, sizeof(sink), 0);
	while (n > 0);
	return n;
}

/* A call that a signal may come with; the programs count SIGPIPE. */
static int64_t with_signal(struct lab_call *call, int *pipes)
{
	int64_t n = lab_wait(call, LAB_PATIENCE_NS);

	*pipes += call->op.signal == SIGPIPE;
	return n;
}

/* connect() of a new socket to that port of the server: the descriptor or a negative errno. */
static int64_t dial(struct duo *d, uint16_t port)
{
	int fd = (int)LAB_CALL(of(d, CLIENT), socket, d->family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_storage to;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, d->family, port, &to);
	int64_t err = LAB_CALL(of(d, CLIENT), connect, fd, (struct sockaddr *)&to, len);

	if (err)
		LAB_CALL(of(d, CLIENT), close, fd);
	return err ? err : fd;
}

static uint16_t port_of(struct duo *d, int fd)
{
	struct sockaddr_in6 me = {0}; /* the port stands at the same place in both families */
	socklen_t len = sizeof(me);

	OK(!LAB_CALL(of(d, SERVER), getsockname, fd, (struct sockaddr *)&me, &len), "getsockname()");
	return ntohs(me.sin6_port);
}

/* ------------------------------------------------------------------ p01: dup (FD-01, FD-02) */

/* rows: FD-01 */
TEST(p01_a_connection_ends_with_the_last_descriptor_not_the_first)
{
	struct duo d = duo_established();
	int first = d.server.fd, second = (int)DUO_CALL(&d, SERVER, dup);

	OK(!duo_close(&d, SERVER), "close() of one of two");
	OK(peer_sees(&d, 200) == 'T', "close() of one of two descriptors: the peer sees nothing");
	OK(second != first, "dup() gives another number");
	d.server.fd = second;
	OK(duo_send(&d, SERVER, "x") == 1, "the other descriptor still sends");
	duo_run_ms(&d, 10);
	EXPECT_RECV(&d, CLIENT, "x");
	OK(duo_send(&d, CLIENT, "y") == 1, "the peer answers");
	duo_run_ms(&d, 10);
	EXPECT_RECV(&d, SERVER, "y"); /* and receives */
	OK(!duo_close(&d, SERVER), "close() of the second");
	OK(peer_sees(&d, 1000) == 'F', "close() of the last descriptor: FIN");
}

/* rows: FD-02 */
TEST(p01_shutdown_through_one_of_two_descriptors_is_for_both)
{
	struct duo d = duo_established();
	int second = (int)DUO_CALL(&d, SERVER, dup);

	OK(!duo_shutdown(&d, SERVER, SHUT_WR), "shutdown() through one of two descriptors");
	OK(peer_sees(&d, 1000) == 'F', "acts at once: FIN");
	OK(LAB_CALL(of(&d, SERVER), send, second, "x", 1, MSG_NOSIGNAL) == -EPIPE, "the other descriptor gets EPIPE");
}

/* ------------------------------------------------------------------ p02: fork (FD-03, FD-04) */

/* rows: FD-03 */
TEST(p02_after_fork_the_fin_goes_with_the_last_close)
{
	struct duo d = duo_established();
	struct lab_thread *child = duo_fork(&d, SERVER);
	int fd = d.server.fd;

	OK(!duo_close(&d, SERVER), "close() of the parent");
	OK(peer_sees(&d, 200) == 'T', "parent's close(): the peer sees nothing while the child lives");
	OK(LAB_CALL(child, send, fd, "child", 5, MSG_NOSIGNAL) == 5, "child went well");
	OK(peer_sees(&d, 1000) == 'D', "the child still sends");
	EXPECT_RECV(&d, CLIENT, "child"); /* five bytes from the child */
	lab_exit(child);
	OK(peer_sees(&d, 1000) == 'F', "the child's exit is the last close: FIN");
}

/* rows: FD-04 */
TEST(p02_shutdown_in_one_process_is_seen_by_the_other)
{
	struct duo d = duo_established();
	struct lab_thread *child = duo_fork(&d, SERVER);
	char c;

	OK(!LAB_CALL(child, shutdown, d.server.fd, SHUT_RDWR), "shutdown() in the child");
	OK(DUO_CALL(&d, SERVER, recv, &c, 1, 0) == 0, "the parent reads the end at once");
	OK(DUO_CALL(&d, SERVER, send, "x", 1, MSG_NOSIGNAL) == -EPIPE, "and cannot write");
	OK(peer_sees(&d, 1000) == 'F', "the peer has its FIN");
}

/* ------------------------------------------------------------------ p03: threads (FD-05) */

/* rows: FD-05 */
TEST(p03_threads_share_descriptors_one_close_is_everyones)
{
	struct duo d = duo_established();
	struct lab_thread *other = duo_thread(&d, SERVER);

	OK(!LAB_CALL(other, close, d.server.fd), "close() in another thread");
	OK(peer_sees(&d, 1000) == 'F', "close() in another thread: FIN at once");
	OK(DUO_CALL(&d, SERVER, send, "x", 1, MSG_NOSIGNAL) == -EBADF, "the descriptor is gone for every thread");
	OK(DUO_CALL(&d, SERVER, close) == -EBADF, "a second close() fails with EBADF");
	d.server.fd = -1;
}

/* ------------------------------------------------------------------ p04: close() under recv() (FD-10, FD-11) */

/* rows: FD-10 FD-11 WK-07 */
TEST(p04_close_under_a_blocked_recv_waits_for_it_and_does_not_wake_it)
{
	struct duo d = duo_established();
	char buf[64];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf, sizeof(buf), 0);

	OK(r->pending, "recv() blocks");
	OK(!duo_close(&d, SERVER), "close() by another thread succeeds");
	OK(!call_done(r, 300), "recv() is not woken by it");
	OK(peer_sees(&d, 100) == 'T', "no FIN yet");
	OK(duo_send(&d, CLIENT, "hello") == 5, "the peer sends");
	OK(call_done(r, 1000) && r->result == 5, "recv() gets the data");
	OK(peer_sees(&d, 1000) == 'F', "with the end of recv() the FIN goes out");
}

/* rows: FD-11 */
TEST(p04_close_under_a_blocked_recv_that_the_peers_fin_ends)
{
	struct duo d = duo_established();
	char buf[64];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf, sizeof(buf), 0);

	OK(!duo_close(&d, SERVER), "close()");
	OK(!call_done(r, 200), "again: recv() blocks on");
	OK(!duo_shutdown(&d, CLIENT, SHUT_WR), "the peer's FIN");
	OK(call_done(r, 1000) && r->result == 0, "the peer's FIN wakes it with 0");
	OK(peer_sees(&d, 1000) == 'F', "then our FIN follows");
}

/* rows: FD-11 */
TEST(p04_what_recv_leaves_unread_under_close_is_reset)
{
	struct duo d = duo_established();
	char buf[2];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf, sizeof(buf), 0);

	OK(!duo_close(&d, SERVER), "close()");
	OK(duo_send(&d, CLIENT, "hello") == 5, "the peer sends more than is wanted");
	OK(call_done(r, 1000) && r->result == 2, "recv() takes what it wants");
	OK(peer_sees(&d, 1000) == 'R', "the close that follows is judged by what is unread then");
}

TEST(p04_a_signal_ends_the_blocked_recv_and_then_the_connection)
{
	struct duo d = duo_established();
	char buf[2];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf, sizeof(buf), 0);

	OK(!duo_close(&d, SERVER), "close()");
	OK(lab_interrupt(r) == -EINTR, "a signal: EINTR");
	OK(peer_sees(&d, 1000) == 'F', "then our FIN follows");
}

/* ------------------------------------------------------------------ p05: shutdown() wakes recv() (WK-05 to WK-07) */

/* rows: WK-05 WK-06 */
TEST(p05_shutdown_wakes_a_reader_if_it_ends_reading)
{
	struct duo d = duo_established();
	char buf[64];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf, sizeof(buf), 0);

	OK(!duo_shutdown(&d, SERVER, SHUT_WR), "SHUT_WR");
	OK(!call_done(r, 200), "does not wake recv()");
	OK(peer_sees(&d, 500) == 'F', "but sends the FIN");
	OK(!duo_shutdown(&d, SERVER, SHUT_RD), "SHUT_RD");
	OK(call_done(r, 1000) && r->result == 0, "wakes recv() with 0");
}

/* rows: WK-05 */
TEST(p05_shutdown_both_ways_wakes_all_readers_and_sends_the_fin)
{
	struct duo d = duo_established();
	char buf[2][64];
	struct lab_call *r = CALL_START(&d, recv, d.server.fd, buf[0], sizeof(buf[0]), 0);
	struct lab_call *r2 = CALL_START(&d, recv, d.server.fd, buf[1], sizeof(buf[1]), 0);

	OK(!duo_shutdown(&d, SERVER, SHUT_RDWR), "SHUT_RDWR");
	OK(call_done(r, 1000) && r->result == 0, "wakes recv() with 0");
	OK(call_done(r2, 1000) && r2->result == 0, "and the other thread's");
	OK(peer_sees(&d, 1000) == 'F', "and sends the FIN");
}

/* ------------------------------------------------------------------ p06: close() under accept() (FD-12, LS-13) */

/* rows: FD-12 */
TEST(p06_close_under_a_blocked_accept_goes_on_listening_for_one_more)
{
	struct duo d = duo_listening();
	struct lab_call *r = CALL_START(&d, accept4, d.listener, NULL, NULL, 0);
	int64_t peer;

	OK(!LAB_CALL(of(&d, SERVER), close, d.listener), "close() of the listening descriptor");
	d.listener = -1;
	OK(!call_done(r, 300), "accept() is not woken");
	peer = dial(&d, DUO_PORT);
	OK(peer >= 0 && call_done(r, 1000) && r->result >= 0, "the next connection is accepted");
	OK(LAB_CALL(of(&d, CLIENT), send, (int)peer, "x", 1, 0) == 1, "the peer sends");
	OK(sees_fd(of(&d, SERVER), (int)r->result, 1000) == 'D', "and works");
	duo_run_ms(&d, 50);
	OK(dial(&d, DUO_PORT) == -ECONNREFUSED, "afterwards the port refuses");
}

/* ------------------------------------------------------------------ p07: shutdown() wakes accept() (WK-08, LS-05) */

/* rows: WK-08 */
TEST(p07_shutdown_of_a_listener_wakes_accept_and_it_can_listen_again)
{
	struct duo d = duo_listening();
	struct lab_thread *server = of(&d, SERVER);
	struct lab_call *r = CALL_START(&d, accept4, d.listener, NULL, NULL, 0);
	int64_t peer, fd;

	OK(!LAB_CALL(server, shutdown, d.listener, SHUT_WR), "SHUT_WR on a listening socket");
	OK(!call_done(r, 200), "does not wake accept()");
	OK(!LAB_CALL(server, shutdown, d.listener, SHUT_RD), "SHUT_RD on a listening socket");
	OK(call_done(r, 1000) && r->result == -EINVAL, "wakes accept() with EINVAL");
	OK(dial(&d, DUO_PORT) == -ECONNREFUSED, "the port refuses now");
	OK(LAB_CALL(server, accept4, d.listener, NULL, NULL, 0) == -EINVAL, "accept() keeps failing");
	OK(!LAB_CALL(server, listen, d.listener, 8), "the descriptor listens again");
	peer = dial(&d, DUO_PORT);
	fd = LAB_CALL(server, accept4, d.listener, NULL, NULL, 0);
	OK(peer >= 0 && fd >= 0, "on the port it was bound to by number");
	OK(LAB_CALL(of(&d, CLIENT), send, (int)peer, "x", 1, 0) == 1, "the peer sends");
	OK(sees_fd(server, (int)fd, 1000) == 'D', "with a working connection");
}

TEST(p07_a_port_that_the_stack_chose_is_freed_by_shutdown)
{
	struct duo d = duo_hosts();
	struct lab_thread *server = of(&d, SERVER);
	uint16_t port;

	d.listener = (int)LAB_CALL(server, socket, d.family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	OK(!LAB_CALL(server, listen, d.listener, 8), "listen() chooses a port");
	port = port_of(&d, d.listener);
	OK(!LAB_CALL(server, shutdown, d.listener, SHUT_RDWR), "SHUT_RDWR");
	OK(dial(&d, port) == -ECONNREFUSED, "a port the stack chose: shutdown() frees it");
	OK(!LAB_CALL(server, listen, d.listener, 8) && port_of(&d, d.listener), "listen() again has some port");
}

/* ------------------------------------------------------------------ p08: a blocked send() (WK-09, FD-13) */

static char much[65536];

/* rows: WK-09 */
TEST_ONCE(p08_shutdown_of_writing_wakes_a_blocked_send)
{
	struct duo d = duo_established();
	struct lab_call *s;

	fill(&d);
	s = CALL_START(&d, send, d.server.fd, much, sizeof(much), MSG_NOSIGNAL);
	OK(s->pending, "send() blocks on a full connection");
	OK(!duo_shutdown(&d, SERVER, SHUT_RD) && !call_done(s, 200), "SHUT_RD does not wake it");
	OK(!duo_shutdown(&d, SERVER, SHUT_WR), "SHUT_WR");
	OK(call_done(s, 1000) && s->result == -EPIPE, "wakes it with EPIPE");
}

/* rows: FD-13 WK-09 */
TEST_ONCE(p08_close_does_not_wake_a_blocked_send_and_the_fin_follows_it)
{
	struct duo d = duo_established();
	static char sink[1 << 20];
	struct lab_call *s;

	fill(&d);
	s = CALL_START(&d, send, d.server.fd, much, sizeof(much), MSG_NOSIGNAL);
	OK(!duo_close(&d, SERVER) && !call_done(s, 300), "close() does not wake a blocked send()");
	while (s->pending)
		if (DUO_CALL(&d, CLIENT, recv, sink, sizeof(sink), MSG_DONTWAIT) < 0)
			duo_run_ms(&d, 1);
	OK(s->result > 0, "it finishes when the peer reads");
	OK(drain(&d) == 0, "after all the data the peer sees FIN");
}

/* rows: WK-09 */
TEST_ONCE(p08_a_reset_wakes_a_blocked_send)
{
	struct duo d = duo_established();
	struct lab_call *s;

	fill(&d);
	s = CALL_START(&d, send, d.server.fd, much, sizeof(much), MSG_NOSIGNAL);
	OK(!duo_linger(&d, CLIENT, 1, 0) && !duo_close(&d, CLIENT), "the peer resets");
	OK(call_done(s, 1000) && s->result == -ECONNRESET, "a reset by the peer wakes it with ECONNRESET");
}

/* ------------------------------------------------------------------ p09: close() that lingers (LG-06 to LG-08) */

/* How long did the server's close() take? */
static uint64_t close_takes_ms(struct duo *d)
{
	uint64_t begun_ns = d->world->now_ns;

	OK(!duo_close(d, SERVER), "close() returns 0");
	return (d->world->now_ns - begun_ns) / LAB_MS;
}

TEST(p09_lingering_close_of_an_idle_connection_ends_with_the_ack_of_its_fin)
{
	struct duo d = duo_established();

	OK(!duo_linger(&d, SERVER, 1, 5), "SO_LINGER 5 s");
	OK(close_takes_ms(&d) < 1000, "returns as soon as the FIN is acknowledged");
	OK(peer_sees(&d, 1000) == 'F', "with a FIN");
}

static void linger_at_a_silent_peer(bool nonblock)
{
	struct duo d = duo_established();
	uint64_t ms;

	if (nonblock)
		OK(!DUO_CALL(&d, SERVER, fcntl, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
	fill(&d);
	OK(!duo_linger(&d, SERVER, 1, 1), "SO_LINGER 1 s");
	ms = close_takes_ms(&d);
	OK(ms >= 900 && ms < 2500, "blocks for l_linger and returns 0");
	OK(drain(&d) == 0, "the data and the FIN arrive after all");
}

TEST_ONCE(p09_lingering_close_at_a_silent_peer_blocks_for_its_time)
{
	linger_at_a_silent_peer(false);
}

TEST_ONCE(p09_lingering_close_at_a_silent_peer_blocks_in_spite_of_o_nonblock)
{
	linger_at_a_silent_peer(true);
}

TEST_ONCE(p09_lingering_close_blocks_until_the_peer_has_taken_everything)
{
	struct duo d = duo_established();
	struct lab_call *c;

	fill(&d);
	OK(!duo_linger(&d, SERVER, 1, 30), "SO_LINGER 30 s");
	c = CALL_START(&d, close, d.server.fd);
	d.server.fd = -1;
	OK(c->pending, "lingering close() blocks");
	OK(drain(&d) == 0, "the peer reads all");
	OK(call_done(c, 1000) && c->result == 0, "until the peer has taken everything");
}

/* ------------------------------------------------------------------ p10: SIGPIPE (SP-01 to SP-03) */

/* rows: SP-01 SP-02 */
TEST(p10_sigpipe_comes_with_epipe_after_our_own_fin)
{
	struct duo d = duo_established();
	int pipes = 0;

	OK(!duo_shutdown(&d, SERVER, SHUT_WR), "SHUT_WR");
	OK(with_signal(DUO_START(&d, SERVER, write, "x", 1), &pipes) == -EPIPE && pipes == 1,
	   "write() after SHUT_WR: EPIPE and SIGPIPE");
	OK(with_signal(DUO_START(&d, SERVER, send, "x", 1, MSG_NOSIGNAL), &pipes) == -EPIPE && pipes == 1,
	   "MSG_NOSIGNAL: EPIPE without the signal");
	OK(with_signal(DUO_START(&d, SERVER, write, "", 0), &pipes) == -EPIPE && pipes == 2,
	   "an empty write() fails as well, with the signal");
}

/* rows: SP-01 SP-03 */
TEST(p10_sigpipe_comes_with_the_second_write_after_a_reset)
{
	struct duo d = duo_established();
	int pipes = 0;

	OK(!duo_linger(&d, CLIENT, 1, 0) && !duo_close(&d, CLIENT), "the peer resets");
	duo_run_ms(&d, 100);
	OK(with_signal(DUO_START(&d, SERVER, write, "x", 1), &pipes) == -ECONNRESET && pipes == 0,
	   "first write() after a reset: ECONNRESET, no signal");
	OK(with_signal(DUO_START(&d, SERVER, write, "x", 1), &pipes) == -EPIPE && pipes == 1,
	   "second write(): EPIPE and SIGPIPE");
}

/* rows: SP-03 SP-05 */
TEST(p10_the_first_write_to_a_peer_that_closed_succeeds)
{
	struct duo d = duo_established();
	int pipes = 0;

	OK(!duo_close(&d, CLIENT), "the peer closes");
	duo_run_ms(&d, 100);
	OK(with_signal(DUO_START(&d, SERVER, write, "x", 1), &pipes) == 1 && pipes == 0,
	   "first write() to a peer that closed succeeds");
	duo_run_ms(&d, 100);
	OK(with_signal(DUO_START(&d, SERVER, write, "x", 1), &pipes) == -EPIPE && pipes == 1,
	   "its RST then makes the second fail with EPIPE (CLOSE_WAIT)");
}

/* rows: SP-01 */
TEST(p10_a_socket_that_was_never_connected)
{
	struct duo d = duo_hosts();
	int fd = (int)LAB_CALL(of(&d, SERVER), socket, AF_INET, SOCK_STREAM, 0), pipes = 0;
	char c;

	OK(with_signal(LAB_START(of(&d, SERVER), write, fd, "x", 1), &pipes) == -EPIPE && pipes == 1,
	   "write() on a never connected socket: EPIPE and SIGPIPE");
	OK(LAB_CALL(of(&d, SERVER), recv, fd, &c, 1, 0) == -ENOTCONN, "recv() there: ENOTCONN");
}

/* ------------------------------------------------------------------ p11: a process dies (FD-06, FD-07, LG-16) */

/* rows: FD-06 */
TEST(p11_a_killed_process_with_nothing_unread_sends_fin)
{
	struct duo d = duo_established();

	duo_exit(&d, SERVER);
	OK(peer_sees(&d, 1000) == 'F', "killed process, nothing unread: FIN");
}

/* rows: FD-06 */
TEST(p11_a_killed_process_with_unread_data_resets)
{
	struct duo d = duo_established();

	OK(duo_send(&d, CLIENT, "unread") == 6, "send");
	OK(sees_fd(of(&d, SERVER), d.server.fd, 2000) == 'D', "it is there");
	duo_exit(&d, SERVER);
	OK(peer_sees(&d, 1000) == 'R', "killed process with unread data: RST");
}

/* rows: FD-07 LG-16 */
TEST(p11_a_killed_process_with_linger_0_resets)
{
	struct duo d = duo_established();

	OK(!duo_linger(&d, SERVER, 1, 0), "SO_LINGER 0");
	duo_exit(&d, SERVER);
	OK(peer_sees(&d, 1000) == 'R', "killed process with SO_LINGER 0: RST");
}

/* rows: FD-07 LG-16 */
TEST_ONCE(p11_a_dying_process_does_not_linger)
{
	struct duo d = duo_established();
	uint64_t begun_ns;

	OK(!duo_linger(&d, SERVER, 1, 20), "SO_LINGER 20 s");
	fill(&d);
	begun_ns = d.world->now_ns;
	duo_exit(&d, SERVER);
	OK(d.world->now_ns == begun_ns, "a dying process does not linger");
	OK(drain(&d) == 0, "what it wrote arrives, and its FIN");
}

/* ------------------------------------------------------------------ p12: the option (LG-17) */

static struct linger shown(struct duo *d, int fd)
{
	struct linger l = {0x55, 0x55};
	socklen_t len = sizeof(l);

	OK(!LAB_CALL(of(d, SERVER), getsockopt, fd, SOL_SOCKET, SO_LINGER, &l, &len), "getsockopt()");
	OK(len == sizeof(l), "its length");
	return l;
}

static void linger_set(struct duo *d, int fd, int on, int secs)
{
	struct linger l = {on, secs};

	OK(!LAB_CALL(of(d, SERVER), setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), "setsockopt()");
}

/* rows: LG-17 */
TEST(p12_the_values_that_so_linger_takes_and_gives)
{
	struct duo d = duo_hosts();
	int on = 1, s = (int)LAB_CALL(of(&d, SERVER), socket, AF_INET, SOCK_STREAM, 0);
	struct linger l = shown(&d, s);

	OK(!l.l_onoff && !l.l_linger, "a new socket does not linger");
	linger_set(&d, s, 1, 7);
	l = shown(&d, s);
	OK(l.l_onoff == 1 && l.l_linger == 7, "on, 7 s");
	linger_set(&d, s, 0, 3);
	l = shown(&d, s);
	OK(!l.l_onoff && l.l_linger == 7, "off keeps the earlier time");
	linger_set(&d, s, 5, 0);
	l = shown(&d, s);
	OK(l.l_onoff == 1 && !l.l_linger, "any non-zero value switches on");
	OK(LAB_CALL(of(&d, SERVER), setsockopt, s, SOL_SOCKET, SO_LINGER, &on, sizeof(on)) == -EINVAL,
	   "an option value that is too short: EINVAL");
	linger_set(&d, s, 1, 2000000000);
	OK(shown(&d, s).l_linger == 2000000000, "a huge time is kept");
}
