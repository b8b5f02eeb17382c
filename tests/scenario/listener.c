// SPDX-License-Identifier: MIT
/*
 * scenario/listener.c - a listener that closes or shuts down with connections half-open and un-accepted, and full queues
 *
 * linux-close.md section 10, and of section 11 what concerns requests, deferred accepts, cookies and full queues.
 */
#include "harness.h"

#define LISTENER_TRY(d, what, ...) LAB_TRY(&(d)->server.thread, what, (d)->listener, ##__VA_ARGS__)

static int64_t close_listener(struct duo *d)
{
	int fd = d->listener;

	d->listener = -1;
	return LAB_TRY(&d->server.thread, close, fd);
}

static int listener_poll(struct duo *d)
{
	struct pollfd pfd = { .fd = d->listener, .events = (short)~(POLLERR | POLLHUP | POLLNVAL) };

	LAB_TRY(&d->server.thread, poll, &pfd, 1, 0);
	return (unsigned short)pfd.revents;
}

/* A listener that knows one SYN. */
static struct duo half_open(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	return d;
}

/* One connection waits to be accepted. */
static struct duo unaccepted(void)
{
	struct duo d = half_open();

	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 2);
	return d;
}

/* ------------------------------------------------------------------ closed with connections */

TEST_FAMILIES(close_says_nothing_to_a_half_open_connection_whose_ack_then_meets_rst)
{
	struct duo d = half_open();

	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_SILENCE(&d);
	EXPECT_TRACE(&d, "server LISTEN -> CLOSE cause=close_listener row=CL-02");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_TRACE(&d, "server NEW_SYN_RECV -> CLOSE cause=request_gone row=LS-01");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpAttemptFails", 0);
}

TEST_FAMILIES(a_half_open_connection_left_alone_ends_with_its_timer_and_no_repetition)
{
	struct duo d = half_open();

	EXPECT_EQ(close_listener(&d), 0);
	duo_run_ms(&d, 900);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	duo_run_ms(&d, 200);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(close_resets_a_connection_that_nobody_accepted)
{
	struct duo d = unaccepted();

	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=close_child row=LS-02");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

TEST_FAMILIES(one_reset_covers_the_data_that_an_unaccepted_connection_has)
{
	struct duo d = unaccepted();

	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 101");
	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 101");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 0);
	solo_say(&d, "P. 101:201(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(the_reset_of_an_unaccepted_connection_in_close_wait_covers_its_fin)
{
	struct duo d = unaccepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 2");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

TEST_FAMILIES(unaccepted_connections_are_reset_in_the_order_of_their_coming)
{
	struct duo d = solo_listening();

	for (int i = 0; i < 5; i++) {
		d.raw->port = (uint16_t)(5000 + (i * 7) % 5);
		d.raw->knows_host = false;
		solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
		solo_say(&d, ". 1:1(0) ack 1 win 65535");
	}
	duo_forget(&d);
	EXPECT_EQ(close_listener(&d), 0);
	lab_run_for(d.world, 0);
	for (int i = 0; i < 5; i++) {
		EXPECT(lab_raw_hear(d.raw) != NULL);
		EXPECT_EQ(d.raw->seg.dport, 5000 + (i * 7) % 5);
		EXPECT_EQ(d.raw->seg.flags, LAB_RST | LAB_ACK);
	}
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 5);
}

TEST_FAMILIES(an_accepted_connection_does_not_care)
{
	struct duo d = unaccepted();

	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 4");
}

TEST_FAMILIES(a_connection_reset_before_it_is_accepted_is_still_handed_out)
{
	struct duo d = unaccepted();

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_EQ(listener_poll(&d), DUO_IN);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(for_a_connection_reset_already_a_closing_listener_says_nothing)
{
	struct duo d = unaccepted();

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

TEST_FAMILIES(a_syn_after_the_close_meets_rst)
{
	struct duo d = solo_listening();

	EXPECT_EQ(close_listener(&d), 0);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R. 0:0(0) ack 1");
}

TEST(two_hosts_a_client_whose_connection_nobody_accepted_reads_econnreset)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, AF_INET, DUO_PORT, &addr);

	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	duo_run_ms(&d, 10);
	EXPECT_EQ(close_listener(&d), 0);
	duo_run_ms(&d, 10);
	EXPECT_EQ(duo_recv(&d, CLIENT, (char[1]){ 0 }, 1), -ECONNRESET);
}

/* ------------------------------------------------------------------ shut down */

TEST_FAMILIES(shut_rd_stops_listening_and_the_same_socket_can_listen_again)
{
	struct duo d = unaccepted();

	EXPECT_EQ(listener_poll(&d), DUO_IN);
	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_RD), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server LISTEN -> CLOSE cause=shutdown_listener row=LS-05");
	EXPECT_EQ(listener_poll(&d), DUO_OUT | POLLHUP);
	EXPECT_EQ(duo_accept(&d), -EINVAL);
	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_RD), -ENOTCONN);
	EXPECT_EQ(LISTENER_TRY(&d, listen, 8), 0);
	d.raw->port++;
	lab_raw_forget(d.raw);
	d.raw->host_port = DUO_PORT;
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
}

TEST_FAMILIES(shut_wr_on_a_listener_changes_nothing)
{
	struct duo d = solo_listening();

	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_WR), 0);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_WR), 0);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
}

TEST_FAMILIES(shut_rdwr_leaves_a_half_open_connection_that_then_meets_rst)
{
	struct duo d = half_open();

	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_RDWR), 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_EQ(close_listener(&d), 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

/* rows: LS-09 */
TEST_FAMILIES(a_half_open_connection_survives_shutdown_where_listen_comes_before_its_ack)
{
	struct duo d = half_open();

	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_RD), 0);
	EXPECT_EQ(LISTENER_TRY(&d, listen, 8), 0);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
}

TEST_FAMILIES(a_port_that_listen_chose_is_given_up_by_shutdown)
{
	struct duo d = duo_hosts();
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	uint16_t first;

	d.listener = (int)LAB_TRY(&d.server.thread, socket, d.family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	EXPECT_EQ(LISTENER_TRY(&d, listen, 1), 0);
	EXPECT_EQ(LISTENER_TRY(&d, getsockname, (struct sockaddr *)&addr, &len), 0);
	first = ((struct sockaddr_in *)&addr)->sin_port;
	EXPECT(first != 0);
	EXPECT_EQ(LISTENER_TRY(&d, shutdown, SHUT_RD), 0);
	EXPECT_EQ(LISTENER_TRY(&d, listen, 1), 0);
	len = sizeof(addr);
	EXPECT_EQ(LISTENER_TRY(&d, getsockname, (struct sockaddr *)&addr, &len), 0);
	EXPECT(((struct sockaddr_in *)&addr)->sin_port != first);
}

TEST_FAMILIES(listen_again_only_changes_the_backlog)
{
	struct duo d = unaccepted();

	EXPECT_EQ(LISTENER_TRY(&d, listen, 1), 0);
	EXPECT_SILENCE(&d);
	EXPECT(duo_accept(&d) >= 0);
}

TEST_FAMILIES(a_connected_or_reset_socket_cannot_listen)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(DUO_TRY(&d, SERVER, listen, 1), -EINVAL);
	EXPECT_EQ(DUO_TRY(&d, SERVER, accept4, NULL, NULL, 0), -EINVAL);
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_EQ(DUO_TRY(&d, SERVER, listen, 1), -EINVAL);
}

/* ------------------------------------------------------------------ what a listener and a request make of segments */

TEST_FAMILIES(a_listener_answers_only_what_may_be_answered)
{
	struct duo d = solo_listening();

	solo_say(&d, ". 1:1(0) ack 77 win 65535");
	EXPECT_HEARD(&d, "R 77:77(0)");
	solo_say(&d, "S. 0:0(0) ack 77 win 65535");
	EXPECT_HEARD(&d, "R 77:77(0)");
	solo_say(&d, "R 1:1(0) win 0");
	solo_say(&d, "FS 0:0(0) win 65535");
	solo_say(&d, "F 0:0(0) win 65535");
	solo_say(&d, "P 0:10(10) win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
}

TEST_FAMILIES(a_half_open_connection_repeats_its_answer_resets_a_wrong_ack_and_ends_by_reset)
{
	struct duo d = half_open();

	duo_run_ms(&d, 100);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 77 win 65535");
	EXPECT_HEARD(&d, "R 77:77(0)");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	solo_say(&d, "R 1:1(0) win 0");
	EXPECT_TRACE(&d, "server NEW_SYN_RECV -> CLOSE cause=rst_request row=HS-03");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpAttemptFails", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtEmbryonicRsts", 1);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_EQ(duo_accept(&d), -EAGAIN);
}

/* rows: HS-07 */
TEST_FAMILIES(another_syn_in_the_window_removes_the_request_with_rst)
{
	struct duo d = half_open();

	solo_say(&d, "S 500:500(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R. 0:0(0) ack 501");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtEmbryonicRsts", 1);
}

TEST_FAMILIES(an_unanswered_syn_ack_is_repeated_five_times_and_forgotten)
{
	static const int seconds[] = { 1, 3, 7, 15, 31 };
	struct duo d = half_open();
	uint64_t begun = d.world->now_ns;

	for (size_t i = 0; i < 5; i++) {
		lab_run_until(d.world, begun + (uint64_t)seconds[i] * LAB_S - 20 * LAB_MS);
		EXPECT_SILENCE(&d);
		duo_run_ms(&d, 60);
		EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	}
	lab_run_until(d.world, begun + 62900 * LAB_MS);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	duo_run_ms(&d, 200);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeouts", 6);
	EXPECT_COUNTER(&d, SERVER, "TcpRetransSegs", 5);
}

TEST_FAMILIES(a_fin_may_end_the_handshake)
{
	struct duo d = half_open();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 2");
}

/* ------------------------------------------------------------------ deferred, full, cookies */

TEST_FAMILIES(a_deferred_accept_waits_for_data)
{
	struct duo d = solo_listening();
	int seconds = 5;

	EXPECT_EQ(LISTENER_TRY(&d, setsockopt, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)), 0);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_accept(&d), -EAGAIN);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPDeferAcceptDrop", 1);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "abc");
}

/* Connects the script from @port, SYN and ACK. */
static void connects_from(struct duo *d, uint16_t port)
{
	d->raw->port = port;
	lab_raw_forget(d->raw);
	d->raw->host_port = DUO_PORT;
	solo_say(d, "S 0:0(0) win 65535 <mss 1460>");
	solo_say(d, ". 1:1(0) ack 1 win 65535");
}

TEST_FAMILIES(a_full_accept_queue_drops_syns_and_counts_them)
{
	struct duo d = solo_listening();

	EXPECT_EQ(LISTENER_TRY(&d, listen, 0), 0);
	connects_from(&d, 6000);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_SILENCE(&d);
	d.raw->port = 6001;
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenOverflows", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenDrops", 1);
	EXPECT(duo_accept(&d) >= 0);
	connects_from(&d, 6001);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
}

/* The queue holds one; a second handshake, begun before, ends when there is no room. */
static struct duo overflowing(void)
{
	struct duo d = solo_listening();

	EXPECT_EQ(LISTENER_TRY(&d, listen, 1), 0);
	connects_from(&d, 6000);
	d.raw->port = 6001;
	lab_raw_forget(d.raw);
	d.raw->host_port = DUO_PORT;
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(LISTENER_TRY(&d, listen, 0), 0);
	return d;
}

/* rows: AQ-02 */
TEST_FAMILIES(the_last_ack_that_finds_no_room_is_ignored_and_the_answer_repeated)
{
	struct duo d = overflowing();

	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenOverflows", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenDrops", 1);
	duo_run_ms(&d, 1010);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT(duo_accept(&d) >= 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "abc");
}

/* rows: AQ-03 */
TEST_FAMILIES(with_abort_on_overflow_it_meets_rst)
{
	struct duo d = overflowing();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_abort_on_overflow", "1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtEmbryonicRsts", 1);
}

TEST_FAMILIES(a_cookie_costs_nothing_and_an_ack_that_fits_makes_the_connection)
{
	struct duo d = solo_listening();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "2");
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesSent", 1);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesRecv", 1);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	d.raw->port++;
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesFailed", 1);
}

TEST(a_cookie_that_comes_back_while_a_later_syn_is_remembered_makes_no_second_connection)
{
	struct duo d = solo_listening();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "2");
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "1");
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesRecv", 1);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 1);
}

TEST(many_half_open_connections_are_forgotten_with_their_listener_and_nothing_is_said)
{
	struct duo d = solo_listening();

	for (uint16_t port = 6000; port < 6010; port++) {
		d.raw->port = port;
		solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	}
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 10);
	duo_forget(&d);
	EXPECT_EQ(close_listener(&d), 0);
	duo_run_ms(&d, 2000);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}
