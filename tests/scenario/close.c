// SPDX-License-Identifier: MIT
/*
 * scenario/close.c - close() in every state, with data unread, with data unsent
 *
 * linux-close.md sections 2, 3 and 4. The same closings with SO_LINGER are in linger.c, what comes after the FIN in
 * fin_wait.c, time_wait.c and crossed.c, listeners in listener.c.
 */
#include "harness.h"

/* ------------------------------------------------------------------ the orderly ways */

TEST_FAMILIES(who_closes_first_goes_the_long_way_and_waits_60_seconds)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_TRACE(&d, "client step sys_close");
	EXPECT_TRACE(&d, "client step filp_close");
	EXPECT_TRACE(&d, "client step fput");
	EXPECT_TRACE(&d, "client step __fput");
	EXPECT_TRACE(&d, "client step sock_close");
	EXPECT_TRACE(&d, "client step sock_release");
	EXPECT_TRACE(&d, "client step inet_release");
	EXPECT_TRACE(&d, "client step tcp_close");
	EXPECT_TRACE(&d, "client ESTABLISHED -> FIN_WAIT1 cause=close row=CL-04");
	EXPECT_TRACE(&d, "client FIN cause=close");
	EXPECT_TRACE(&d, "client step tcp_orphan");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, CLIENT).orphans, 1);
	duo_run_ms(&d, 100);
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE_WAIT cause=fin_received");
	EXPECT_TRACE(&d, "client FIN_WAIT1 -> FIN_WAIT2 cause=fin_acked");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT2");
	EXPECT_EQ(duo_usage(&d, CLIENT).orphans, 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).timewaits, 1);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_TRACE(&d, "server CLOSE_WAIT -> LAST_ACK cause=close_passive row=CL-07");
	duo_run_ms(&d, 100);
	EXPECT_TRACE(&d, "client FIN_WAIT2 -> TIME_WAIT cause=fin_both");
	EXPECT_TRACE(&d, "server LAST_ACK -> CLOSE cause=fin_last_ack");
	EXPECT_WIRE(&d, "client > server F. 1:1(0) ack 1");
	EXPECT_WIRE(&d, "server > client . 1:1(0) ack 2");
	EXPECT_WIRE(&d, "server > client F. 1:1(0) ack 2");
	EXPECT_WIRE(&d, "client > server . 2:2(0) ack 2");
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTW", 1);
	EXPECT_COUNTER(&d, CLIENT, "TcpOutRsts", 0);
	EXPECT_COUNTER(&d, CLIENT, "TcpCurrEstab", -1);
	EXPECT_COUNTER(&d, CLIENT, "TcpEstabResets", 0);
	EXPECT_COUNTER(&d, SERVER, "TcpCurrEstab", -1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
	duo_run_ms(&d, 59800);
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	duo_run_ms(&d, 300);
	EXPECT_STATE(&d, CLIENT, "");
	EXPECT_TRACE(&d, "client TIME_WAIT -> CLOSE cause=time_wait_over");
}

TEST_FAMILIES(the_server_may_be_the_one_that_closes_first)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_send(&d, SERVER, "bye"), 3);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 100);
	EXPECT_RECV(&d, CLIENT, "bye");
	EXPECT_RECV(&d, CLIENT, "");
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 100);
	EXPECT_WIRE(&d, "server > client P. 1:4(3) ack 1");
	EXPECT_WIRE(&d, "server > client F. 4:4(0) ack 1");
	EXPECT_WIRE(&d, "client > server F. 1:1(0) ack 5");
	EXPECT_WIRE(&d, "server > client . 5:5(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_STATE(&d, CLIENT, "");
}

TEST_FAMILIES(in_a_dialogue_the_fin_carries_the_ack_and_three_segments_close)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 4");
	duo_run_ms(&d, 10);
	solo_say(&d, "P. 4:7(3) ack 4 win 65535");
	EXPECT_RECV(&d, SERVER, "def");
	EXPECT_EQ(duo_send(&d, SERVER, "def"), 3);
	EXPECT_HEARD(&d, "P. 4:7(3) ack 7");
	duo_run_ms(&d, 10);
	solo_say(&d, "F. 7:7(0) ack 7 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 7:7(0) ack 8");
	solo_say(&d, ". 8:8(0) ack 8 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "");
	solo_say(&d, ". 8:8(0) ack 8 win 65535");
	EXPECT_HEARD(&d, "R 8:8(0)");
}

TEST_FAMILIES(the_ack_of_a_fin_in_a_dialogue_comes_after_40_ms_by_itself)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 4");
	duo_run_ms(&d, 10);
	solo_say(&d, "F. 4:4(0) ack 4 win 65535");
	duo_run_ms(&d, 30);
	EXPECT_SILENCE(&d);
	duo_run_ms(&d, 20);
	EXPECT_HEARD(&d, ". 4:4(0) ack 5");
}

/* ------------------------------------------------------------------ in other states */

TEST_FAMILIES(a_socket_that_never_connected_closes_in_silence)
{
	struct duo d = duo_listening();

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).socks, 0);
	EXPECT_NO_WIRE(&d, "client");
}

TEST_FAMILIES(close_in_syn_sent_says_nothing_and_a_late_answer_meets_rst)
{
	struct duo d = solo_connecting();

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_TRACE(&d, "client SYN_SENT -> CLOSE cause=close_syn_sent row=CL-03");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).socks, 0);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(a_fin_in_last_ack_is_repeated_until_acknowledged)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	EXPECT_STATE(&d, SERVER, "LAST_ACK");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	duo_run_ms(&d, 240);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	duo_run_ms(&d, 430);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpRetransSegs", 2);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeouts", 2);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
}

TEST_FAMILIES(an_orphan_gives_its_fin_up_in_silence_after_a_hundred_seconds)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 100000);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	duo_run_ms(&d, 7000);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=timeout_orphan row=OR-02");
	EXPECT_NO_WIRE(&d, "server > script R.");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_WIRE(&d, "server > script R 2:2(0)");
}

TEST_FAMILIES(close_after_shutdown_sends_no_second_fin)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(close_in_closing_leaves_an_orphan_that_ends_in_time_wait)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "CLOSING");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "CLOSING");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(close_in_last_ack_reached_by_shutdown_adds_nothing)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	EXPECT_TRACE(&d, "server CLOSE_WAIT -> LAST_ACK cause=shutdown_write");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "");
}

/* rows: FD-22 */
TEST_FAMILIES(close_after_a_reset_frees_and_says_nothing)
{
	struct duo d = solo_accepted();

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
}

/* rows: CL-13 OR-05 */
TEST(close_beyond_the_limit_of_orphans_sends_fin_and_rst)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_orphans", "0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=close_orphan_limit row=CL-13");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 0);
}

TEST(the_number_is_free_at_once_and_a_second_close_says_ebadf)
{
	struct duo d = duo_established();
	int fd = d.server.fd;

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, fd), -EBADF);
	EXPECT_EQ(LAB_TRY(&d.server.thread, shutdown, fd, SHUT_WR), -EBADF);
	EXPECT_EQ(LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0), 0); /* where the listener was */
	EXPECT_EQ(LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0), fd);
}

/* ------------------------------------------------------------------ unread data */

/* Segments of 1000 bytes over either family. */
static struct duo accepted_with_mss_1000(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1000>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	duo_forget(&d);
	return d;
}

static const char from_established[] = "server ESTABLISHED -> CLOSE cause=close_unread row=UR-01";

static void expect_abort(struct duo *d, const char *move, const char *rst)
{
	EXPECT_EQ(duo_close(d, SERVER), 0);
	EXPECT_TRACE(d, "server step tcp_close");
	EXPECT_TRACE(d, move);
	EXPECT_TRACE(d, "server RST active cause=close_unread reason=TCP_ABORT_ON_CLOSE");
	EXPECT_HEARD(d, rst);
	EXPECT_SILENCE(d);
	EXPECT_NO_TRACE(d, "server FIN");
	EXPECT_STATE(d, SERVER, "");
	EXPECT_EQ(duo_usage(d, SERVER).socks, 0);
	EXPECT_COUNTER(d, SERVER, "TcpExtTCPAbortOnClose", 1);
	EXPECT_COUNTER(d, SERVER, "TcpExtTCPAbortOnData", 0);
	EXPECT_COUNTER(d, SERVER, "TcpOutRsts", 1);
}

TEST_FAMILIES(unread_data_makes_close_reset_and_later_segments_meet_rst)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 101");
	expect_abort(&d, from_established, "R. 1:1(0) ack 101");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	solo_say(&d, "P. 101:201(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	solo_say(&d, "F. 201:201(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(one_unread_byte_is_enough)
{
	struct duo d = solo_accepted();
	char buf[99];

	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 101");
	EXPECT_EQ(duo_recv(&d, SERVER, buf, 99), 99);
	expect_abort(&d, from_established, "R. 1:1(0) ack 101");
}

TEST_FAMILIES(everything_read_closes_with_fin)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 4");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 0);
}

TEST_FAMILIES(what_was_only_peeked_at_is_unread)
{
	struct duo d = solo_accepted();
	char buf[100];

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(DUO_TRY(&d, SERVER, recv, buf, sizeof(buf), MSG_PEEK), 3);
	expect_abort(&d, from_established, "R. 1:1(0) ack 4");
}

TEST_FAMILIES(an_unnoticed_fin_is_no_unread_data)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	EXPECT_STATE(&d, SERVER, "LAST_ACK");
}

TEST_FAMILIES(unread_data_in_close_wait_resets_and_acknowledges_the_fin)
{
	struct duo d = solo_accepted();

	solo_say(&d, "FP. 1:101(100) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 102");
	expect_abort(&d, "server CLOSE_WAIT -> CLOSE cause=close_unread", "R. 1:1(0) ack 102");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

TEST_FAMILIES(data_behind_a_hole_is_not_unread_and_the_filling_segment_meets_rst)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1001:2001(1000) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:1001(1000) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).skbs, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
}

TEST_FAMILIES(the_urgent_byte_taken_out_of_band_still_lies_unread)
{
	struct duo d = solo_accepted();
	char buf[100];

	solo_say(&d, "PU. 1:5(4) ack 1 win 65535 urg 4");
	EXPECT_HEARD(&d, ". 1:1(0) ack 5");
	EXPECT_EQ(DUO_TRY(&d, SERVER, recv, buf, sizeof(buf), MSG_OOB), 1);
	EXPECT_EQ(buf[0], 'd');
	EXPECT_RECV(&d, SERVER, "abc");
	expect_abort(&d, from_established, "R. 1:1(0) ack 5");
}

TEST_FAMILIES(an_urgent_byte_that_reading_has_passed_is_no_unread_data)
{
	struct duo d = solo_accepted();
	char buf[100];

	solo_say(&d, "PU. 1:5(4) ack 1 win 65535 urg 4");
	EXPECT_HEARD(&d, ". 1:1(0) ack 5");
	EXPECT_EQ(DUO_TRY(&d, SERVER, recv, buf, sizeof(buf), MSG_OOB), 1);
	EXPECT_RECV(&d, SERVER, "abc");
	solo_say(&d, "P. 5:8(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 8");
	EXPECT_RECV(&d, SERVER, "efg");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 8");
}

TEST_FAMILIES(an_urgent_byte_read_inline_is_read)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	solo_say(&d, "PU. 1:5(4) ack 1 win 65535 urg 4");
	EXPECT_HEARD(&d, ". 1:1(0) ack 5");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "d");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 5");
}

TEST_FAMILIES(unread_data_in_fin_wait1_resets_behind_the_fin)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 11");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 11");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=close_unread");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
}

TEST_FAMILIES(unread_data_in_fin_wait2_resets_behind_the_fin)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:11(10) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 11");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 11");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=close_unread");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
}

TEST_FAMILIES(unread_data_loses_our_own_unsent_data_too)
{
	struct duo d = accepted_with_mss_1000();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 12000), 12000);
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	duo_run_ms(&d, 1);
	duo_forget(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 10001:10001(0) ack 11");
	EXPECT_EQ(duo_usage(&d, SERVER).skbs, 0);
}

TEST_FAMILIES(the_rst_carries_the_edge_of_a_window_that_shrank)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 2000), 2000);
	solo_say(&d, "P. 1:6(5) ack 1 win 65535");
	solo_say(&d, "P. 6:11(5) ack 1 win 1000");
	duo_run_ms(&d, 1);
	duo_forget(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 1001:1001(0) ack 11");
}

TEST_FAMILIES(unread_data_needs_no_lingering)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 30), 0);
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 11");
	expect_abort(&d, from_established, "R. 1:1(0) ack 11");
}

TEST_FAMILIES(unread_data_with_linger_0_counts_as_unread)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 11");
	expect_abort(&d, from_established, "R. 1:1(0) ack 11");
}

TEST_FAMILIES(a_rst_for_unread_data_carries_the_timestamp_that_was_agreed)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	duo_run_ms(&d, 10);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_WIRE(&d, "server > client R. 1:1(0) ack 4");
	duo_run_ms(&d, 10);
	EXPECT_TRACE(&d, "client ESTABLISHED -> CLOSE cause=rst_received");
	EXPECT_EQ(duo_recv(&d, CLIENT, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_RECV(&d, CLIENT, "");
	EXPECT_COUNTER(&d, CLIENT, "TcpEstabResets", 1);
}

/* ------------------------------------------------------------------ unsent data */

static void finish_by_script(struct duo *d, const char *fin, const char *last_ack)
{
	solo_say(d, fin);
	EXPECT_HEARD(d, last_ack);
	EXPECT_SILENCE(d);
	EXPECT_STATE(d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(a_small_segment_that_nagle_holds_leaves_with_the_fin)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 100), 100);
	EXPECT_HEARD(&d, "P. 1:101(100) ack 1");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 50), 50);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "FP. 101:151(50) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 152 win 65535", ". 152:152(0) ack 2");
}

TEST_FAMILIES(corked_data_leaves_with_the_fin_and_keeps_its_push)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_CORK, 1), 0);
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 700), 700);
	duo_run_ms(&d, 50);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "FP. 1:701(700) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 702 win 65535", ". 702:702(0) ack 2");
}

TEST_FAMILIES(data_sent_with_msg_more_leaves_with_the_fin_without_push)
{
	struct duo d = solo_accepted();
	static const char text[300];

	EXPECT_EQ(DUO_TRY(&d, SERVER, send, text, sizeof(text), MSG_MORE), 300);
	duo_run_ms(&d, 50);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:301(300) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 302 win 65535", ". 302:302(0) ack 2");
}

TEST_FAMILIES(data_under_way_is_followed_by_a_fin_of_its_own)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 500), 500);
	EXPECT_HEARD(&d, "P. 1:501(500) ack 1");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 501:501(0) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 502 win 65535", ". 502:502(0) ack 2");
}

TEST_FAMILIES(data_behind_the_congestion_window_takes_the_fin_on_its_last_segment)
{
	struct duo d = accepted_with_mss_1000();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 12000), 12000);
	EXPECT_WIRE(&d, "server > script . 8001:9001(1000)");
	EXPECT_WIRE(&d, "server > script P. 9001:10001(1000)");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_NO_WIRE(&d, "server > script F.");
	EXPECT_NO_WIRE(&d, "server > script FP.");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	lab_run_for(d.world, 0);
	duo_forget(&d);
	solo_say(&d, ". 1:1(0) ack 10001 win 65535");
	EXPECT_HEARD(&d, ". 10001:11001(1000) ack 1");
	EXPECT_HEARD(&d, "FP. 11001:12001(1000) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 12002 win 65535", ". 12002:12002(0) ack 2");
}

TEST_FAMILIES(behind_a_zero_window_data_and_fin_wait_for_room)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	EXPECT_HEARD(&d, "P. 1:1001(1000) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 300), 300);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	duo_run_ms(&d, 240);
	EXPECT_HEARD(&d, ". 1000:1000(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	duo_run_ms(&d, 430);
	EXPECT_HEARD(&d, ". 1000:1000(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPWinProbe", 2);
	solo_say(&d, ". 1:1(0) ack 1001 win 5000");
	EXPECT_HEARD(&d, "FP. 1001:1301(300) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 1302 win 5000", ". 1302:1302(0) ack 2");
}

TEST_FAMILIES(a_fin_alone_waits_behind_a_zero_window_too)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	EXPECT_HEARD(&d, "P. 1:1001(1000) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	duo_run_ms(&d, 240);
	EXPECT_HEARD(&d, ". 1000:1000(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 1");
	EXPECT_HEARD(&d, "F. 1001:1001(0) ack 1");
	finish_by_script(&d, "F. 1:1(0) ack 1002 win 5000", ". 1002:1002(0) ack 2");
}

HARNESS_TEST(an_orphan_behind_a_zero_window_dies_though_its_probes_are_answered, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = solo_accepted();
	int probes = 0;

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_forget(&d);
	for (int s = 0; s < 400; s++) {
		duo_run_ms(&d, 1000);
		for (; lab_raw_hear(d.raw); probes++)
			solo_say(&d, ". 1:1(0) ack 1001 win 0");
		EXPECT(probes <= 20);
		EXPECT_STR(duo_state(&d, SERVER), s < 320 ? "FIN_WAIT1" : s > 345 ? "" : duo_state(&d, SERVER));
	}
	EXPECT_EQ(probes, 10);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_NO_WIRE(&d, "server > script R.");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
}

TEST_FAMILIES(queued_data_is_lost_when_the_peer_speaks_after_close)
{
	struct duo d = accepted_with_mss_1000();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 12000), 12000);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, "P. 1:11(10) ack 1001 win 65535");
	EXPECT_WIRE(&d, "server > script R 1001:1001(0)");
	EXPECT_EQ(duo_usage(&d, SERVER).skbs, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
}

HARNESS_TEST(much_written_before_close_arrives_whole_with_the_fin_on_its_last_segment,
	     HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();
	uint32_t got = 0, sent = 0;
	char buf[8192];
	int64_t n;

	EXPECT_EQ(duo_set(&d, CLIENT, SOL_SOCKET, SO_SNDBUF, 1 << 17), 0);
	n = duo_send_bytes(&d, CLIENT, 100000);
	EXPECT(n > 60000);
	sent = (uint32_t)n;
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	while ((n = DUO_CALL(&d, SERVER, recv, buf, sizeof(buf), 0)) > 0) {
		for (int64_t i = 0; i < n; i++)
			EXPECT_EQ((uint8_t)buf[i], lab_raw_byte(++got));
	}
	EXPECT_EQ(n, 0);
	EXPECT_EQ(got, sent);
	EXPECT_NO_WIRE(&d, "client > server F.");
	EXPECT_WIRE(&d, "client > server FP.");
}
