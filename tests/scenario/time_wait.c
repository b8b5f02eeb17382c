// SPDX-License-Identifier: MIT
/*
 * scenario/time_wait.c - the 60 seconds after both FINs: what restarts them, what ends them, what may open anew
 *
 * linux-close.md section 8. In most of these the listener stays open, so that a SYN would find it.
 */
#include "harness.h"

/* A child of a listener that stays, closed by us first and then by the script: TIME_WAIT, entered now. @options: of SYNs */
static struct duo in_time_wait(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
	duo_forget(&d);
	return d;
}

/* The same with timestamps: the script's run from 1000. */
static struct duo in_time_wait_with_timestamps(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460,TS val 1000 ecr 0>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535 <nop,nop,TS val 1001 ecr 0>");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 2 win 65535 <nop,nop,TS val 1002 ecr 0>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	duo_forget(&d);
	return d;
}

/* TIME_WAIT was entered, or its time started anew, @ms ago: it lasts 60 s from then. */
static void expect_full_time(struct duo *d, uint64_t ms)
{
	duo_run_ms(d, 59900 - ms);
	EXPECT_STATE(d, SERVER, "TIME_WAIT");
	duo_run_ms(d, 200);
	EXPECT_STATE(d, SERVER, "");
	EXPECT_EQ(duo_usage(d, SERVER).timewaits, 0);
}

TEST_FAMILIES(time_wait_lasts_60_seconds)
{
	struct duo d = in_time_wait();

	expect_full_time(&d, 0);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

TEST_FAMILIES(fin_timeout_does_not_change_time_wait)
{
	struct duo d = in_time_wait();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fin_timeout", "1");
	expect_full_time(&d, 0);
}

TEST_FAMILIES(the_fin_again_is_acknowledged_and_starts_the_60_seconds_anew)
{
	struct duo d = in_time_wait();

	duo_run_ms(&d, 30000);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	expect_full_time(&d, 0);
}

TEST_FAMILIES(an_empty_segment_in_place_starts_the_60_seconds_anew_in_silence)
{
	struct duo d = in_time_wait();

	duo_run_ms(&d, 30000);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_SILENCE(&d);
	expect_full_time(&d, 0);
}

TEST_FAMILIES(data_is_acknowledged_and_starts_the_60_seconds_anew)
{
	struct duo d = in_time_wait();

	duo_run_ms(&d, 30000);
	solo_say(&d, "P. 2:12(10) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	expect_full_time(&d, 0);
}

TEST_FAMILIES(empty_segments_out_of_place_draw_one_ack_in_half_a_second)
{
	struct duo d = in_time_wait();

	duo_run_ms(&d, 1000);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPACKSkippedTimeWait", 1);
	solo_say(&d, "P. 1:11(10) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	duo_run_ms(&d, 600);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
}

TEST_FAMILIES(a_syn_beyond_the_old_numbers_opens_anew)
{
	struct duo d = in_time_wait();

	solo_say(&d, "S 5000:5000(0) win 65535 <mss 1460>");
	EXPECT_TRACE(&d, "server TIME_WAIT -> CLOSE cause=time_wait_syn row=TW-05");
	EXPECT_HEARD(&d, "S. 65539:65539(0) ack 5001");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 1);
	solo_say(&d, ". 5001:5001(0) ack 65540 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	/* an old duplicate of the first incarnation */
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 65540:65540(0) ack 5001");
}

TEST_FAMILIES(a_syn_that_is_not_newer_is_acknowledged)
{
	struct duo d = in_time_wait();

	duo_run_ms(&d, 30000);
	solo_say(&d, "S 1:1(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	expect_full_time(&d, 30000);
}

TEST_FAMILIES(a_syn_ack_never_opens)
{
	struct duo d = in_time_wait();

	solo_say(&d, "S. 5000:5000(0) ack 2 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(a_newer_syn_without_a_listener_is_acknowledged_not_reset)
{
	struct duo d = in_time_wait();

	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	solo_say(&d, "S 5000:5000(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(with_timestamps_a_newer_one_lets_any_syn_open_anew)
{
	struct duo d = in_time_wait_with_timestamps();

	duo_run_ms(&d, 50);
	solo_say(&d, "S 1:1(0) win 65535 <mss 1460,TS val 1100 ecr 0>");
	EXPECT_HEARD(&d, "S. 65539:65539(0) ack 2");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
}

TEST_FAMILIES(with_timestamps_an_old_segment_is_acknowledged_and_counted)
{
	struct duo d = in_time_wait_with_timestamps();

	duo_run_ms(&d, 30000);
	solo_say(&d, "P. 2:12(10) ack 2 win 65535 <nop,nop,TS val 900 ecr 0>");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_COUNTER(&d, SERVER, "TcpExtPAWSTimewait", 1);
	expect_full_time(&d, 0);
}

TEST_FAMILIES(with_timestamps_an_old_reset_does_not_end_it)
{
	struct duo d = in_time_wait_with_timestamps();

	solo_say(&d, "R 2:2(0) win 0 <nop,nop,TS val 900 ecr 0>");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_COUNTER(&d, SERVER, "TcpExtPAWSTimewait", 1);
	solo_say(&d, "R 2:2(0) win 0");
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(a_reset_in_place_ends_time_wait)
{
	struct duo d = in_time_wait();

	solo_say(&d, "R 2:2(0) win 0");
	EXPECT_TRACE(&d, "server TIME_WAIT -> CLOSE cause=time_wait_rst row=TW-07");
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

TEST_FAMILIES(with_rfc1337_a_reset_does_not_end_time_wait)
{
	struct duo d = in_time_wait();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_rfc1337", "1");
	solo_say(&d, "R 2:2(0) win 0");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(a_reset_out_of_place_is_ignored)
{
	struct duo d = in_time_wait();

	solo_say(&d, "R 1:1(0) win 0");
	solo_say(&d, "R 3:3(0) win 0");
	EXPECT_SILENCE(&d);
	expect_full_time(&d, 0);
}

TEST_FAMILIES(the_passive_side_has_no_time_wait)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 50);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 50);
	EXPECT_EQ(duo_usage(&d, CLIENT).timewaits, 1);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTW", 0);
}

TEST_FAMILIES(beyond_the_limit_the_last_ack_goes_out_and_nothing_remains)
{
	struct duo d = duo_established();

	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_max_tw_buckets", "1");
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	duo_run_ms(&d, 50);
	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_max_tw_buckets", "0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 50);
	EXPECT_WIRE(&d, "client > server . 2:2(0) ack 2");
	EXPECT_STATE(&d, CLIENT, "");
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPTimeWaitOverflow", 1);
}

/* ------------------------------------------------------------------ the owner, the port, the pair */

TEST_FAMILIES(the_owner_of_a_time_wait_is_closed_and_keeps_its_local_name)
{
	struct duo d = duo_established();
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	duo_run_ms(&d, 50);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 50);
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	EXPECT_RECV(&d, CLIENT, "");
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), -ENOTCONN);
	EXPECT_POLL(&d, CLIENT, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, getpeername, (struct sockaddr *)&addr, &len), -ENOTCONN);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, getsockname, (struct sockaddr *)&addr, &len), 0);
	EXPECT(((struct sockaddr_in *)&addr)->sin_port != 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
}

TEST(a_port_in_time_wait_can_be_bound_where_both_allow_it)
{
	struct duo d = solo_listening();
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(DUO_PORT) };
	int one = 1, with, without;

	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	with = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);
	without = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, bind, without, (struct sockaddr *)&in, sizeof(in)), -EADDRINUSE);
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, with, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, bind, with, (struct sockaddr *)&in, sizeof(in)), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, listen, with, 1), 0);
	duo_run_ms(&d, 61000);
	EXPECT_EQ(LAB_TRY(&d.server.thread, bind, without, (struct sockaddr *)&in, sizeof(in)), -EADDRINUSE);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, with), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, bind, without, (struct sockaddr *)&in, sizeof(in)), 0);
}

/* The client's second connect() from the port of its first connection, which is in TIME_WAIT. */
static int64_t connect_from_the_same_port(struct duo *d)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to;
	struct sockaddr_storage addr;
	socklen_t len = sizeof(from);
	int one = 1;

	lab_wire_addr(d->wire, LAB_B, AF_INET, DUO_PORT, &addr);
	memcpy(&to, &addr, sizeof(to));
	EXPECT_EQ(DUO_TRY(d, CLIENT, getsockname, (struct sockaddr *)&from, &len), 0);
	EXPECT_EQ(duo_set(d, CLIENT, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(duo_close(d, CLIENT), 0);
	duo_run_ms(d, 50);
	EXPECT_EQ(duo_close(d, SERVER), 0);
	duo_run_ms(d, 50);
	EXPECT_STATE(d, CLIENT, "TIME_WAIT");
	d->client.fd = (int)LAB_TRY(&d->client.thread, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_EQ(DUO_TRY(d, CLIENT, setsockopt, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	EXPECT_EQ(DUO_TRY(d, CLIENT, bind, (struct sockaddr *)&from, sizeof(from)), 0);
	duo_forget(d);
	return DUO_TRY(d, CLIENT, connect, (struct sockaddr *)&to, sizeof(to));
}

TEST(connect_from_a_numbered_port_takes_the_pair_over_from_time_wait)
{
	struct duo d = duo_established(); /* with timestamps */

	EXPECT_EQ(connect_from_the_same_port(&d), -EINPROGRESS);
	EXPECT_TRACE(&d, "client TIME_WAIT -> CLOSE cause=time_wait_reused row=TW-17");
	EXPECT_EQ(duo_usage(&d, CLIENT).timewaits, 0);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
	EXPECT_WIRE(&d, "client > server S");
}

TEST(without_timestamps_the_pair_stays_taken)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, AF_INET, DUO_PORT, &addr);

	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_timestamps", "0");
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	duo_run_ms(&d, 10);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(connect_from_the_same_port(&d), -EADDRNOTAVAIL);
	EXPECT_EQ(duo_usage(&d, CLIENT).timewaits, 1);
}
