// SPDX-License-Identifier: MIT
/*
 * scenario/crossed.c - both sides at once: simultaneous close, simultaneous open, and what SYN_SENT makes of the rest
 *
 * linux-close.md section 9, rows CL-05, CL-08, HS-05, HS-06, SH-12, SH-13 and RR-01.
 */
#include "harness.h"

/* ------------------------------------------------------------------ both close */

TEST_FAMILIES(two_sides_that_close_at_once_both_wait_in_time_wait)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 50);
	EXPECT_WIRE(&d, "client > server F. 1:1(0) ack 1");
	EXPECT_WIRE(&d, "server > client F. 1:1(0) ack 1");
	EXPECT_WIRE(&d, "client > server . 2:2(0) ack 2");
	EXPECT_WIRE(&d, "server > client . 2:2(0) ack 2");
	EXPECT_TRACE(&d, "client FIN_WAIT1 -> CLOSING cause=fin_crossed row=SC-01");
	EXPECT_TRACE(&d, "client CLOSING -> TIME_WAIT cause=fin_both");
	EXPECT_TRACE(&d, "server FIN_WAIT1 -> CLOSING cause=fin_crossed row=SC-01");
	EXPECT_TRACE(&d, "server CLOSING -> TIME_WAIT cause=fin_both");
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTW", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTW", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
}

TEST_FAMILIES(in_closing_our_fin_is_repeated_with_the_new_ack)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "CLOSING");
	duo_run_ms(&d, 240);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(a_fin_still_queued_is_crossed_too_and_follows_when_there_is_room)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	EXPECT_HEARD(&d, "P. 1:1001(1000) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 300), 300);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, "F. 1:1(0) ack 1001 win 0");
	EXPECT_HEARD(&d, ". 1001:1001(0) ack 2");
	EXPECT_STATE(&d, SERVER, "CLOSING");
	solo_say(&d, ". 2:2(0) ack 1001 win 5000");
	EXPECT_HEARD(&d, "FP. 1001:1301(300) ack 2");
	solo_say(&d, ". 2:2(0) ack 1302 win 5000");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	solo_say(&d, "F. 1:1(0) ack 1302 win 5000");
	EXPECT_HEARD(&d, ". 1302:1302(0) ack 2");
}

TEST_FAMILIES(data_with_the_crossing_fin_is_readable_while_someone_owns_the_socket)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "FP. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 5");
	EXPECT_STATE(&d, SERVER, "CLOSING");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
	solo_say(&d, ". 5:5(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), -ENOTCONN);
}

TEST_FAMILIES(a_reset_in_closing_ends_it)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	solo_say(&d, "R. 2:2(0) ack 2 win 0");
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_ERROR(&d, SERVER, ECONNRESET);
	EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
}

/* ------------------------------------------------------------------ both open */

TEST_FAMILIES(crossed_syns_become_a_connection)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_TRACE(&d, "client SYN_SENT -> SYN_RECV cause=crossed_syns row=SO-01");
	EXPECT_POLL(&d, CLIENT, 0);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_TRACE(&d, "client SYN_RECV -> ESTABLISHED cause=handshake_done");
	EXPECT_POLL(&d, CLIENT, DUO_OUT);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	EXPECT_COUNTER(&d, CLIENT, "TcpCurrEstab", 1);
}

/* The echo in the segment heard last; 0: no time stamp. */
static uint32_t echo_heard(const struct duo *d)
{
	const uint8_t *option = d->raw->seg.options, *end = option + d->raw->seg.options_len;

	while (option + 10 <= end && option[0] != 8)
		option += option[0] == 1 ? 1 : option[1];
	return option + 10 <= end ? (uint32_t)option[6] << 24 | option[7] << 16 | option[8] << 8 | option[9] : 0;
}

/* Scripts do not look at echoes; `drill --on both` does, and found the kernel's the same. */
TEST_FAMILIES(a_crossed_syn_has_its_time_stamp_echoed_at_once)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460,nop,nop,TS val 700 ecr 0>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(echo_heard(&d), 700);
}

TEST_FAMILIES(crossed_syns_and_a_syn_ack_become_one_too)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPChallengeACK", 0);
}

TEST_FAMILIES(a_reset_after_crossed_syns_ends_the_attempt)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_STATE(&d, CLIENT, "");
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 1);
	EXPECT_COUNTER(&d, CLIENT, "TcpEstabResets", 0);
}

TEST_FAMILIES(an_ack_that_is_not_right_after_crossed_syns_meets_rst)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 77 win 65535");
	EXPECT_HEARD(&d, "R 77:77(0)");
	EXPECT_STATE(&d, CLIENT, "SYN_RECV");
}

TEST_FAMILIES(close_after_crossed_syns_sends_the_fin_at_once)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_TRACE(&d, "client SYN_RECV -> FIN_WAIT1 cause=close_syn_recv row=CL-05");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT2");
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
}

TEST_FAMILIES(shutdown_after_crossed_syns_sends_the_fin_behind_the_handshake)
{
	struct duo d = solo_connecting();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, CLIENT, "SYN_RECV");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT2");
}

TEST(two_stacks_that_connect_to_each_other_meet_in_one_connection)
{
	struct duo d = duo_hosts();
	struct lab_call *here, *there;
	struct sockaddr_storage a, b;
	socklen_t len = lab_wire_addr(d.wire, LAB_A, AF_INET, 1000, &a);

	lab_wire_addr(d.wire, LAB_B, AF_INET, DUO_PORT, &b);
	d.client.fd = (int)LAB_TRY(&d.client.thread, socket, AF_INET, SOCK_STREAM, 0);
	d.server.fd = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, bind, (struct sockaddr *)&a, len), 0);
	EXPECT_EQ(DUO_TRY(&d, SERVER, bind, (struct sockaddr *)&b, len), 0);
	here = DUO_START(&d, CLIENT, connect, (struct sockaddr *)&b, len);
	there = DUO_START(&d, SERVER, connect, (struct sockaddr *)&a, len);
	duo_run_ms(&d, 100);
	EXPECT_EQ(here->result, 0);
	EXPECT_EQ(there->result, 0);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	duo_run_ms(&d, 10);
	EXPECT_RECV(&d, SERVER, "abc");
}

/* ------------------------------------------------------------------ SYN_SENT */

TEST_FAMILIES(a_refused_connection_says_so_once)
{
	struct duo d = solo_connecting();

	solo_say(&d, "R. 0:0(0) ack 1 win 0");
	EXPECT_TRACE(&d, "client SYN_SENT -> CLOSE cause=rst_refused row=RR-01");
	EXPECT_POLL(&d, CLIENT, DUO_IN | DUO_OUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_ERROR(&d, CLIENT, ECONNREFUSED);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_RECV(&d, CLIENT, "");
	EXPECT_EQ(DUO_TRY(&d, CLIENT, send, "x", 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 1);
}

TEST_FAMILIES(connect_to_a_closed_port_is_refused)
{
	struct duo d = duo_listening();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT + 1, &addr);

	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -ECONNREFUSED);
	EXPECT_WIRE(&d, "server > client R. 0:0(0) ack 1");
	EXPECT_EQ(duo_recv(&d, CLIENT, (char[1]){ 0 }, 1), -ENOTCONN);
	EXPECT_POLL(&d, CLIENT, DUO_OUT | POLLHUP);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 1);
}

TEST_FAMILIES(syn_sent_ignores_a_reset_without_ack_and_resets_a_wrong_ack)
{
	struct duo d = solo_connecting();

	solo_say(&d, "R 0:0(0) win 0");
	EXPECT_SILENCE(&d);
	solo_say(&d, "S. 0:0(0) ack 9 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R 9:9(0)");
	duo_run_ms(&d, 20);
	EXPECT_HEARD(&d, "S 0:0(0)"); /* taken for a sign of life */
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
}

TEST_FAMILIES(data_and_fin_without_syn_are_ignored_in_syn_sent)
{
	struct duo d = solo_connecting();

	solo_say(&d, "P. 0:10(10) ack 1 win 65535");
	solo_say(&d, "F. 0:0(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
}

TEST_FAMILIES(an_unanswered_syn_is_repeated_linearly_then_doubling_and_given_up)
{
	static const int seconds[] = { 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 };
	struct duo d = solo_connecting();
	uint64_t begun = d.world->now_ns;

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		lab_run_until(d.world, begun + (uint64_t)seconds[i] * LAB_S - 20 * LAB_MS);
		EXPECT_SILENCE(&d);
		duo_run_ms(&d, 60);
		EXPECT_HEARD(&d, "S 0:0(0)");
	}
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPSynRetrans", 10);
	lab_run_until(d.world, begun + 130 * LAB_S);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
	duo_run_ms(&d, 2000);
	EXPECT_STATE(&d, CLIENT, "");
	EXPECT_ERROR(&d, CLIENT, ETIMEDOUT);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 1);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPAbortOnTimeout", 1);
}

TEST_FAMILIES(shutdown_in_syn_sent_drops_the_attempt_in_silence)
{
	struct duo d = solo_connecting();

	EXPECT_POLL(&d, CLIENT, 0);
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	EXPECT_TRACE(&d, "client SYN_SENT -> CLOSE cause=shutdown_syn_sent row=SH-12");
	EXPECT_POLL(&d, CLIENT, DUO_OUT | POLLERR | POLLHUP);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), -ENOTCONN);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(shut_rd_in_syn_sent_drops_it_as_well)
{
	struct duo d = solo_connecting();

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_RD), 0);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_EQ(duo_usage(&d, CLIENT).timers, 0);
}

/* ICMP about the SYN ends the attempt. */
static void expect_icmp_ends_it(uint8_t type, uint8_t code, int err)
{
	struct duo d = solo_connecting();

	duo_run_ms(&d, 1010);
	EXPECT_HEARD(&d, "S 0:0(0)");
	lab_raw_icmp(d.raw, type, code, 0);
	lab_run_for(d.world, 0);
	EXPECT_STATE(&d, CLIENT, "");
	EXPECT_ERROR(&d, CLIENT, err);
	EXPECT_TRACE(&d, "client SYN_SENT -> CLOSE cause=icmp_error row=IC-01");
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 1);
}

TEST_FAMILIES(icmp_errors_end_the_attempt_each_with_its_errno)
{
	static const struct { uint8_t type, code; int err; } v4[] = {
		{ 3, 0, ENETUNREACH }, { 3, 1, EHOSTUNREACH }, { 3, 2, ENOPROTOOPT }, { 3, 3, ECONNREFUSED },
		{ 3, 5, EOPNOTSUPP }, { 3, 6, ENETUNREACH }, { 3, 7, EHOSTDOWN }, { 3, 8, ENONET }, { 3, 13, EHOSTUNREACH },
		{ 11, 0, EHOSTUNREACH }, { 12, 0, EPROTO },
	}, v6[] = {
		{ 1, 0, ENETUNREACH }, { 1, 1, EACCES }, { 1, 3, EHOSTUNREACH }, { 1, 4, ECONNREFUSED }, { 3, 0, EHOSTUNREACH },
		{ 4, 0, EPROTO },
	};
	bool six = duo_hosts().family == AF_INET6;

	for (size_t i = 0; i < (six ? sizeof(v6) : sizeof(v4)) / sizeof(v4[0]); i++)
		expect_icmp_ends_it((six ? v6 : v4)[i].type, (six ? v6 : v4)[i].code, (six ? v6 : v4)[i].err);
}

TEST_FAMILIES(an_icmp_error_about_another_number_is_ignored)
{
	struct duo d = solo_connected();

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	solo_say(&d, ". 1:1(0) ack 4 win 65535");
	lab_raw_icmp(d.raw, d.family == AF_INET6 ? 1 : 3, d.family == AF_INET6 ? 4 : 3, 0);
	lab_run_for(d.world, 0);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtOutOfWindowIcmps", 1);
	EXPECT_ERROR(&d, CLIENT, 0);
}

TEST_FAMILIES(an_icmp_error_in_established_is_soft_and_only_so_error_shows_it)
{
	struct duo d = solo_connected();

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	lab_raw_icmp(d.raw, d.family == AF_INET6 ? 1 : 3, d.family == AF_INET6 ? 4 : 3, 0);
	lab_run_for(d.world, 0);
	EXPECT_POLL(&d, CLIENT, DUO_OUT);
	EXPECT_RECV_NOTHING(&d, CLIENT);
	EXPECT_EQ(duo_send(&d, CLIENT, "d"), 1);
	EXPECT_ERROR(&d, CLIENT, ECONNREFUSED);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
}
