// SPDX-License-Identifier: MIT
/*
 * scenario/rows_limits.c - limits that the kernel has once for the whole machine, and pairs that a TIME_WAIT holds
 *
 * What is expected here was recorded from the kernel by tests/oracle/calls --host, row by row (calls.txt).
 */
#include <stdio.h>

#include "harness.h"

/* rows: OR-05 */
TEST_FAMILIES(an_orphan_meets_the_limit_at_its_first_repetition)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_orphans", "0");
	duo_run_ms(&d, 250);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 0);
}

/* An orphan, as many as may be, repeats its FIN. */
static struct duo orphan_at_the_limit(uint64_t idle_ms)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_orphans", "1");
	duo_run_ms(&d, idle_ms);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	return d;
}

/* rows: OR-05 */
TEST_FAMILIES(an_orphan_at_the_limit_lives_on)
{
	struct duo d = orphan_at_the_limit(0);

	duo_run_ms(&d, 250);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
}

/* rows: OR-05 */
TEST_FAMILIES(an_orphan_that_was_silent_for_long_counts_twice)
{
	struct duo d = orphan_at_the_limit(250000);

	duo_run_ms(&d, 250);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
}

/* rows: OR-05 */
TEST_FAMILIES(an_orphan_whose_peer_is_unreachable_counts_twice)
{
	struct duo d = orphan_at_the_limit(0);

	lab_raw_icmp(d.raw, d.family == AF_INET6 ? 1 : 3, d.family == AF_INET6 ? 3 : 1, 0);
	duo_run_ms(&d, 250);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
}

/* rows: OR-05 */
TEST_FAMILIES(an_orphan_over_the_limit_whose_time_is_over_ends_in_silence)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_orphan_retries", "10");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 100), 100);
	duo_run_ms(&d, 1);
	solo_say(&d, ". 1:1(0) ack 1 win 0");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 300000);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	lab_raw_forget(d.raw);
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_orphans", "0");
	duo_run_ms(&d, 130000);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 0);
}

/* Behind a closed window @bytes are queued, and all sockets together may hold three pages. */
static struct duo with_queued(size_t bytes)
{
	struct duo d = solo_accepted();

	solo_say(&d, ". 1:1(0) ack 1 win 0");
	EXPECT_EQ(duo_send_bytes(&d, SERVER, bytes), (int64_t)bytes);
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_mem", "1 2 3");
	return d;
}

/* rows: OR-06 */
TEST_FAMILIES(too_much_memory_resets_an_orphan_that_holds_some_of_it)
{
	struct duo d = with_queued(20000);

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

/* rows: OR-06 */
TEST_FAMILIES(too_much_memory_spares_an_orphan_that_holds_little)
{
	struct duo d = with_queued(600);

	/* out of order: memory, but nothing unread */
	for (unsigned n = 1; n <= 8; n++) {
		char text[64];

		snprintf(text, sizeof(text), "P. %u:%u(1400) ack 1 win 0", 2000 * n, 2000 * n + 1400);
		solo_say(&d, text);
	}
	duo_forget(&d);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 0);
}

/* rows: OR-06 */
TEST_FAMILIES(too_much_memory_spares_who_has_an_owner)
{
	struct duo d = with_queued(20000);

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnMemory", 0);
}

/* ------------------------------------------------------------------ a pair that is in TIME_WAIT */

struct again {
	int64_t now, later; /* what connect() said, and once more a second later */
};

static void open_client(struct duo *d, bool by_number)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(40000) };

	d->client.fd = (int)LAB_TRY(&d->client.thread, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (!by_number)
		return;
	EXPECT_EQ(duo_set(d, CLIENT, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	EXPECT_EQ(DUO_TRY(d, CLIENT, bind, (struct sockaddr *)&from, sizeof(from)), 0);
}

static int64_t connect_client(struct duo *d)
{
	struct sockaddr_storage to;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, AF_INET, DUO_PORT, &to);

	return DUO_TRY(d, CLIENT, connect, (struct sockaddr *)&to, len);
}

/* A connection of the client's from port 40000 has ended in @state on its side, and now it connects from there again. */
static struct again connect_again(bool timestamps, bool by_number, const char *tw_reuse, const char *state)
{
	struct duo d = duo_listening();
	struct again again;

	EXPECT_EQ(DUO_TRY(&d, CLIENT, close), 0);
	duo_sysctl(&d, CLIENT, "net.ipv4.ip_local_port_range", "40000 40000");
	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_tw_reuse", tw_reuse);
	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_timestamps", timestamps ? "1" : "0");
	open_client(&d, by_number);
	EXPECT_EQ(connect_client(&d), -EINPROGRESS);
	duo_run_ms(&d, 20);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 20);
	if (!strcmp(state, "TIME_WAIT"))
		EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 20);
	EXPECT_STATE(&d, CLIENT, state);
	open_client(&d, by_number);
	again.now = connect_client(&d);
	duo_run_ms(&d, 1100);
	again.later = again.now == -EINPROGRESS ? 0 : connect_client(&d);
	return again;
}

/* rows: TW-17 */
TEST(a_port_by_number_takes_the_pair_over_at_once)
{
	EXPECT_EQ(connect_again(true, true, "2", "TIME_WAIT").now, -EINPROGRESS);
}

/* rows: TW-17 */
TEST(a_port_by_number_takes_it_over_from_a_stand_in_too)
{
	EXPECT_EQ(connect_again(true, true, "0", "FIN_WAIT2").now, -EINPROGRESS);
}

/* rows: TW-17 */
TEST(without_timestamps_the_pair_is_never_taken_over)
{
	struct again again = connect_again(false, true, "1", "TIME_WAIT");

	EXPECT_EQ(again.now, -EADDRNOTAVAIL);
	EXPECT_EQ(again.later, -EADDRNOTAVAIL);
}

/* rows: TW-17 */
TEST(a_chosen_port_takes_the_pair_over_after_a_second_with_tw_reuse)
{
	struct again again = connect_again(true, false, "1", "TIME_WAIT");

	EXPECT_EQ(again.now, -EADDRNOTAVAIL);
	EXPECT_EQ(again.later, -EINPROGRESS);
}

/* rows: TW-17 */
TEST(tw_reuse_2_is_for_loopback_alone)
{
	struct again again = connect_again(true, false, "2", "TIME_WAIT");

	EXPECT_EQ(again.now, -EADDRNOTAVAIL);
	EXPECT_EQ(again.later, -EADDRNOTAVAIL);
}

/* rows: TW-17 */
TEST(a_chosen_port_never_takes_over_a_stand_in)
{
	struct again again = connect_again(true, false, "1", "FIN_WAIT2");

	EXPECT_EQ(again.now, -EADDRNOTAVAIL);
	EXPECT_EQ(again.later, -EADDRNOTAVAIL);
}

/* ------------------------------------------------------------------ names */

static void expect_names(struct duo *d, int64_t of_the_peer)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	EXPECT_EQ(DUO_TRY(d, SERVER, getpeername, (struct sockaddr *)&name, &len), of_the_peer);
	len = sizeof(name);
	EXPECT_EQ(DUO_TRY(d, SERVER, getsockname, (struct sockaddr *)&name, &len), 0);
	EXPECT_EQ(ntohs(((struct sockaddr_in *)&name)->sin_port), DUO_PORT);
}

/* rows: SP-06 */
TEST_FAMILIES(the_peers_name_is_gone_with_a_reset_and_ours_stays)
{
	struct duo d = solo_accepted();

	expect_names(&d, 0);
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	expect_names(&d, -ENOTCONN);
}

/* rows: SP-06 */
TEST_FAMILIES(the_peers_name_is_gone_in_time_wait)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	expect_names(&d, 0);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	expect_names(&d, -ENOTCONN);
}

/* rows: SP-06 */
TEST_FAMILIES(the_peers_name_is_gone_when_last_ack_is_over)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	expect_names(&d, 0);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	expect_names(&d, -ENOTCONN);
}
