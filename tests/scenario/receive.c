// SPDX-License-Identifier: MIT
/*
 * scenario/receive.c - FIN, RST and SYN of the peer in each state, data that must not come, and the timers that end it all
 *
 * linux-close.md sections 15, 16, 17 and 20.
 */
#include "harness.h"

/* The peer's FIN has come and is acknowledged. */
static struct duo in_close_wait(void)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	return d;
}

/* ------------------------------------------------------------------ FIN */

TEST_FAMILIES(the_rest_of_the_data_is_read_and_then_end_of_file_for_ever)
{
	struct duo d = solo_accepted();

	solo_say(&d, "FP. 1:4(3) ack 1 win 65535");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP);
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
}

TEST_FAMILIES(a_fin_behind_a_hole_waits_for_it_to_be_filled)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 4:4(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_RECV_NOTHING(&d, SERVER);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 5");
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(what_lies_beyond_a_fin_is_forgotten)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 5:105(100) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	solo_say(&d, "F. 4:4(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 5");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_usage(&d, SERVER).skbs, 0);
}

TEST_FAMILIES(data_behind_the_fin_is_ignored_but_its_ack_counts)
{
	struct duo d = in_close_wait();

	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 2");
	solo_say(&d, "P. 2:12(10) ack 4 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_TRACE(&d, "server DROP segment cause=data_behind_fin row=RF-05");
	EXPECT_RECV(&d, SERVER, "");
	duo_run_ms(&d, 1000);
	EXPECT_COUNTER(&d, SERVER, "TcpRetransSegs", 0);
}

TEST_FAMILIES(the_fin_again_is_acknowledged)
{
	struct duo d = in_close_wait();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
}

TEST_FAMILIES(data_across_the_fin_resets_and_is_epipe)
{
	struct duo d = in_close_wait();

	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_TRACE(&d, "server CLOSE_WAIT -> CLOSE cause=data_across_fin row=RF-09");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
	EXPECT_ERROR(&d, SERVER, EPIPE);
}

TEST_FAMILIES(a_segment_without_ack_rst_or_syn_is_dropped)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P 1:11(10) win 65535");
	solo_say(&d, "F 1:1(0) win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_TRACE(&d, "server DROP segment cause=no_ack_flag row=RF-07");
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_RECV_NOTHING(&d, SERVER);
}

TEST_FAMILIES(segments_outside_the_window_draw_one_ack_in_half_a_second_with_data_always)
{
	struct duo d = solo_accepted();

	solo_say(&d, ". 100000:100000(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	solo_say(&d, ". 100000:100000(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPACKSkippedSeq", 1);
	solo_say(&d, "P. 100000:100010(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	solo_say(&d, "P. 100000:100010(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtBeyondWindow", 4);
}

/* ------------------------------------------------------------------ RST */

TEST_FAMILIES(a_reset_is_read_once_as_econnreset)
{
	struct duo d = solo_accepted();

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=rst_received row=RR-02");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpCurrEstab", -1);
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(the_first_write_may_get_the_reset_without_a_signal_and_the_next_gets_one)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	call = DUO_START(&d, SERVER, send, "x", 1, 0);
	EXPECT_EQ(call->result, -ECONNRESET);
	EXPECT_EQ(call->op.signal, 0);
	call = DUO_START(&d, SERVER, send, "x", 1, 0);
	EXPECT_EQ(call->result, -EPIPE);
	EXPECT_EQ(call->op.signal, 13);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(a_reset_in_close_wait_is_epipe_for_a_write_and_nothing_for_a_read)
{
	struct duo d = in_close_wait();
	struct lab_call *call;

	solo_say(&d, "R. 2:2(0) ack 1 win 0");
	EXPECT_TRACE(&d, "server CLOSE_WAIT -> CLOSE cause=rst_received");
	EXPECT_RECV(&d, SERVER, "");
	call = DUO_START(&d, SERVER, send, "x", 1, 0);
	EXPECT_EQ(call->result, -EPIPE);
	EXPECT_EQ(call->op.signal, 13);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

TEST_FAMILIES(a_reset_leaves_what_was_received_readable_before_the_error)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	solo_say(&d, "R. 4:4(0) ack 1 win 0");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(a_reset_drops_what_was_queued_to_send)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 5000), 5000);
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_EQ(duo_usage(&d, SERVER).skbs, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timers, 0);
}

TEST_FAMILIES(a_reset_in_fin_wait_with_an_owner_is_econnreset)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	solo_say(&d, "R. 1:1(0) ack 2 win 0");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=rst_received");
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
}

TEST_FAMILIES(a_reset_in_the_window_but_not_in_place_is_challenged)
{
	struct duo d = solo_accepted();

	solo_say(&d, "R. 100:100(0) ack 1 win 0");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	solo_say(&d, "R. 100:100(0) ack 1 win 0");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPChallengeACK", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPACKSkippedChallenge", 1);
	solo_say(&d, "R. 100000:100000(0) ack 1 win 0");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	solo_say(&d, "R. 1:1(0) ack 999 win 0");
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(a_reset_one_below_the_fin_is_accepted)
{
	struct duo d = in_close_wait();

	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(a_reset_that_finds_nobody_is_not_answered)
{
	struct duo d = solo_listening();

	d.raw->host_port = DUO_PORT + 1;
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_SILENCE(&d);
	solo_say(&d, ". 1:1(0) ack 9 win 65535");
	EXPECT_HEARD(&d, "R 9:9(0)");
	solo_say(&d, "FS 0:0(0) win 65535");
	EXPECT_HEARD(&d, "R. 0:0(0) ack 2");
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 2);
}

/* ------------------------------------------------------------------ SYN, ACK of the wrong things */

TEST_FAMILIES(a_syn_in_established_is_challenged_wherever_it_is)
{
	struct duo d = solo_accepted();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	duo_run_ms(&d, 600);
	solo_say(&d, "S 1000:1000(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	duo_run_ms(&d, 600);
	solo_say(&d, "S. 100000:100000(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPSYNChallenge", 3);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPChallengeACK", 3);
	EXPECT_COUNTER(&d, SERVER, "TcpInErrs", 3);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
}

TEST_FAMILIES(an_ack_of_data_never_sent_is_challenged_and_its_data_dropped)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPChallengeACK", 1);
	EXPECT_RECV_NOTHING(&d, SERVER);
}

/* ------------------------------------------------------------------ timers that end a connection */

TEST_FAMILIES(unanswered_data_ends_in_etimedout_after_fifteen_repetitions)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	duo_run_ms(&d, 920000);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	duo_run_ms(&d, 20000);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=timeout_retries row=TM-02");
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ETIMEDOUT);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
}

TEST_FAMILIES(the_user_timeout_ends_it_sooner)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000), 0);
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	duo_run_ms(&d, 1150);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	duo_run_ms(&d, 150);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ETIMEDOUT);
}

TEST_FAMILIES(keepalive_asks_nine_times_and_resets)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_KEEPINTVL, 5), 0);
	duo_run_ms(&d, 9900);
	EXPECT_SILENCE(&d);
	duo_run_ms(&d, 200);
	EXPECT_HEARD(&d, ". 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535"); /* an answer: it begins again */
	duo_run_ms(&d, 9800);
	EXPECT_SILENCE(&d);
	duo_run_ms(&d, 400);
	for (int i = 0; i < 9; i++) {
		EXPECT_HEARD(&d, ". 0:0(0) ack 1");
		duo_run_ms(&d, 5000);
	}
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=timeout_keepalive row=KA-02");
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ETIMEDOUT);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPKeepAlive", 10);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
}

TEST_FAMILIES(an_owner_probes_a_zero_window_for_ever_while_it_is_answered)
{
	struct duo d = solo_accepted();
	int probes = 0;

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 300), 300);
	duo_forget(&d);
	for (int minute = 0; minute < 60; minute++) {
		duo_run_ms(&d, 60000);
		for (; lab_raw_hear(d.raw); probes++)
			solo_say(&d, ". 1:1(0) ack 1001 win 0");
	}
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT(probes > 20);
	solo_say(&d, ". 1:1(0) ack 1001 win 5000");
	EXPECT_HEARD(&d, "P. 1001:1301(300) ack 1");
}

TEST_FAMILIES(unanswered_probes_of_a_zero_window_end_it)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_retries2", "5");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 300), 300);
	duo_run_ms(&d, 60000);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_ERROR(&d, SERVER, ETIMEDOUT);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPWinProbe", 5);
}
