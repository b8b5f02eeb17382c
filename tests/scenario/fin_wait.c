// SPDX-License-Identifier: MIT
/*
 * scenario/fin_wait.c - after the FIN: FIN_WAIT1 and FIN_WAIT2, with an owner, as an orphan, as a stand-in
 *
 * linux-close.md sections 6 and 7.
 */
#include "harness.h"

/* Closed, the FIN on the wire and not acknowledged. */
static struct duo orphan_in_fin_wait1(void)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	return d;
}

static struct duo standin_in_fin_wait2(void)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTW", 1);
	return d;
}

static void expect_gone(struct duo *d)
{
	EXPECT_SILENCE(d);
	EXPECT_STATE(d, SERVER, "");
	EXPECT_EQ(duo_usage(d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(d, SERVER).timewaits, 0);
	EXPECT_EQ(duo_usage(d, SERVER).orphans, 0);
}

/* ------------------------------------------------------------------ FIN_WAIT1 */

TEST_FAMILIES(data_after_close_in_fin_wait1_meets_rst)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=data_after_close row=F1-01");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
	expect_gone(&d);
}

TEST_FAMILIES(data_after_close_that_acknowledges_the_fin_meets_rst)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "P. 1:101(100) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
	expect_gone(&d);
}

TEST_FAMILIES(out_of_order_data_after_close_in_fin_wait1_meets_rst)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "P. 1001:1101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	expect_gone(&d);
}

TEST_FAMILIES(data_with_fin_after_close_in_fin_wait1_meets_rst)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "FP. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	expect_gone(&d);
}

TEST_FAMILIES(a_fin_that_acknowledges_ours_leads_to_time_wait_at_once)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTW", 1);
}

TEST_FAMILIES(with_an_owner_and_only_shut_wr_data_is_received_in_fin_wait1)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
}

TEST_FAMILIES(a_reset_ends_an_orphan_in_fin_wait1)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "R. 1:1(0) ack 2 win 0");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSE cause=rst_received");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
	expect_gone(&d);
}

TEST_FAMILIES(a_syn_to_an_orphan_is_challenged)
{
	struct duo d = orphan_in_fin_wait1();

	solo_say(&d, "S 5000:5000(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 1");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPChallengeACK", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPSYNChallenge", 1);
}

TEST_FAMILIES(an_orphan_goes_on_sending_what_was_queued)
{
	struct duo d = duo_established();
	char buf[8000];

	EXPECT_EQ(duo_send_bytes(&d, CLIENT, 8000), 8000);
	lab_wire_drop_nth(d.wire, LAB_A, 0, 2);
	lab_wire_drop_nth(d.wire, LAB_A, LAB_FIN, 1);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 3000);
	EXPECT_EQ(duo_recv(&d, SERVER, buf, sizeof(buf)), 8000);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT2");
}

/* ------------------------------------------------------------------ the stand-in of FIN_WAIT2 */

TEST_FAMILIES(an_orphan_in_fin_wait2_is_gone_after_60_seconds)
{
	struct duo d = standin_in_fin_wait2();

	duo_run_ms(&d, 59900);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	duo_run_ms(&d, 200);
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=fin_wait2_over row=F2-05");
	expect_gone(&d);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

TEST_FAMILIES(fin_timeout_sets_how_long_an_orphan_waits)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fin_timeout", "5");
	EXPECT_EQ(duo_get(&d, SERVER, IPPROTO_TCP, TCP_LINGER2), 5);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	duo_run_ms(&d, 4900);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	duo_run_ms(&d, 200);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(linger2_sets_it_for_one_socket_and_short_times_count_as_killed)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 2), 0);
	EXPECT_EQ(duo_get(&d, SERVER, IPPROTO_TCP, TCP_LINGER2), 2);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTW", 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTWKilled", 1);
	duo_run_ms(&d, 1900);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	duo_run_ms(&d, 200);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(a_fin_within_linger2_leads_to_a_full_time_wait)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 2), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	duo_run_ms(&d, 1000);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> TIME_WAIT cause=fin_both");
	duo_run_ms(&d, 59900);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	duo_run_ms(&d, 200);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(linger2_is_bounded_and_can_be_taken_back)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 500), 0);
	EXPECT_EQ(duo_get(&d, SERVER, IPPROTO_TCP, TCP_LINGER2), 120);
	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, -7), 0);
	EXPECT_EQ(duo_get(&d, SERVER, IPPROTO_TCP, TCP_LINGER2), -1);
	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 0), 0);
	EXPECT_EQ(duo_get(&d, SERVER, IPPROTO_TCP, TCP_LINGER2), 60);
}

TEST_FAMILIES(a_linger2_above_60_seconds_waits_twice_what_is_above)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 75), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 1);
	duo_run_ms(&d, 14900);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 1);
	duo_run_ms(&d, 200);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	duo_run_ms(&d, 14700);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	duo_run_ms(&d, 400);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(data_for_the_stand_in_meets_rst_and_ends_it)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "P. 1:101(100) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=data_fin_wait2 row=F2-02");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 0);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 1);
	expect_gone(&d);
}

TEST_FAMILIES(data_with_fin_for_the_stand_in_meets_rst)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "FP. 1:101(100) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	expect_gone(&d);
}

TEST_FAMILIES(a_fin_beyond_a_hole_for_the_stand_in_meets_rst)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "F. 11:11(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	expect_gone(&d);
}

TEST_FAMILIES(old_data_for_the_stand_in_draws_an_ack)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, ". 4:4(0) ack 2 win 65535");
	duo_run_ms(&d, 600);
	duo_forget(&d);
	solo_say(&d, "P. 1:4(3) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 4");
	solo_say(&d, "F. 4:4(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 5");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(empty_segments_in_place_or_without_ack_leave_the_stand_in_alone)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	solo_say(&d, ". 1:1(0) ack 900 win 65535");
	solo_say(&d, "P 1:101(100) win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
}

TEST_FAMILIES(a_syn_in_the_window_ends_the_stand_in_with_rst)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "S 500:500(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R. 0:0(0) ack 501");
	expect_gone(&d);
}

TEST_FAMILIES(a_reset_anywhere_in_the_window_ends_the_stand_in)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "R 30000:30000(0) win 0");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=rst_fin_wait2 row=F2-13");
	expect_gone(&d);
}

TEST_FAMILIES(resets_outside_the_window_draw_one_ack_in_half_a_second)
{
	struct duo d = standin_in_fin_wait2();

	solo_say(&d, "R 100000:100000(0) win 0");
	EXPECT_HEARD(&d, ". 2:2(0) ack 1");
	duo_run_ms(&d, 400);
	solo_say(&d, "R 100000:100000(0) win 0");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPACKSkippedFinWait2", 1);
	duo_run_ms(&d, 200);
	solo_say(&d, "R 100000:100000(0) win 0");
	EXPECT_HEARD(&d, ". 2:2(0) ack 1");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
}

TEST_FAMILIES(where_no_stand_in_may_be_made_the_ack_of_the_fin_ends_it)
{
	struct duo d = orphan_in_fin_wait1();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_tw_buckets", "0");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=time_wait_overflow");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeWaitOverflow", 1);
	expect_gone(&d);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

/* ------------------------------------------------------------------ a negative TCP_LINGER2 */

TEST_FAMILIES(a_negative_linger2_makes_close_in_fin_wait2_reset)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, -1), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=close_linger2 row=F2-06");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnLinger", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 0);
	expect_gone(&d);
}

TEST_FAMILIES(a_negative_linger2_answers_the_ack_of_the_fin_with_rst)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, -1), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnLinger", 0);
	expect_gone(&d);
}

/* ------------------------------------------------------------------ with an owner */

TEST_FAMILIES(fin_wait2_with_an_owner_has_no_limit)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, 1), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	duo_run_ms(&d, 600000);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	solo_say(&d, "P. 1:4(3) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	solo_say(&d, "F. 4:4(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 5");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=fin_both");
}

TEST_FAMILIES(close_in_fin_wait2_starts_the_limit)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	duo_run_ms(&d, 100000);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> FIN_WAIT2 cause=close_fin_wait2 row=CL-11");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	duo_run_ms(&d, 59900);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	duo_run_ms(&d, 200);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(the_user_timeout_of_a_closed_socket_stays_valid)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 1100);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	duo_run_ms(&d, 300);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
}
