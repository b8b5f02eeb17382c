// SPDX-License-Identifier: MIT
/*
 * scenario/lab.c - the virtual world and the harness themselves: wires, rules, scripts, pictures, determinism
 *
 * Most of these need two hosts that open and close a connection, nothing finer.
 */
#include "harness.h"

#include <stdio.h>

#include "lab/ladder.h"
#include "lab/pcapng.h"

TEST_FAMILIES(a_connection_opens_speaks_and_closes_in_four_segments)
{
	struct duo d = duo_established();

	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	duo_run_ms(&d, 10);
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 10);
	EXPECT_TRACE(&d, "client ESTABLISHED -> FIN_WAIT1 cause=close");
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 10);
	EXPECT_WIRE(&d, "client > server P. 1:4(3) ack 1");
	EXPECT_WIRE(&d, "client > server F. 4:4(0) ack 1");
	EXPECT_WIRE(&d, "server > client F. 1:1(0) ack 5");
	EXPECT_WIRE(&d, "client > server . 5:5(0) ack 2");
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	EXPECT_STATE(&d, SERVER, "");
	duo_run_ms(&d, 59000);
	EXPECT_STATE(&d, CLIENT, "TIME_WAIT");
	duo_run_ms(&d, 2000);
	EXPECT_STATE(&d, CLIENT, "");
}

TEST(close_with_unread_data_sends_rst_instead_of_fin)
{
	struct duo d = duo_established();

	duo_send(&d, CLIENT, "abc");
	duo_run_ms(&d, 10);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=close_unread");
	EXPECT_WIRE(&d, "server > client R.");
	EXPECT_NO_WIRE(&d, "server > client F.");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 1);
}

static struct {
	struct lab_observer observer;
	uint64_t ids[8];
	unsigned states[8], nr;
} moves;

static void note_move(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	(void)obs;
	(void)host;
	if (event->kind != LA_TRACE_STATE || moves.nr == 8)
		return;
	moves.ids[moves.nr] = event->id;
	moves.states[moves.nr++] = event->newstate;
}

/* What invariants.h knows a sock by. */
TEST(a_trace_names_its_sock_and_requests_and_stand_ins_have_no_name)
{
	struct duo d = solo_listening();
	uint64_t child = 0;
	socklen_t len = sizeof(child);

	memset(&moves, 0, sizeof(moves));
	moves.observer.trace = note_move;
	lab_world_observe(d.world, &moves.observer);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(DUO_TRY(&d, SERVER, getsockopt, SOL_SOCKET, SO_COOKIE, &child, &len), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	for (unsigned i = 0; i < moves.nr; i++)
		EXPECT_EQ(moves.ids[i], i == 0 || moves.states[i] == TCP_TIME_WAIT ? 0 : child);
	EXPECT_EQ(moves.nr, 7);
}

TEST(the_segment_that_a_rule_drops_is_sent_again)
{
	struct duo d = duo_established();
	struct lab_rule *rule = lab_wire_drop_nth(d.wire, LAB_A, LAB_FIN, 1);

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	duo_run_ms(&d, 100);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	duo_run_ms(&d, 1000);
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	EXPECT_WIRE(&d, "client > server F. lost");
	EXPECT_WIRE(&d, "client > server F.");
	EXPECT_EQ(rule->seen, 2);
}

TEST(a_cut_wire_loses_what_is_under_way)
{
	struct duo d = duo_established();

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	lab_wire_cut(d.wire, LAB_BOTH, true);
	duo_run_ms(&d, 10);
	EXPECT_RECV_NOTHING(&d, SERVER);
	lab_wire_cut(d.wire, LAB_BOTH, false);
	duo_run_ms(&d, 1000);
	EXPECT_RECV(&d, SERVER, "abc");
}

TEST(a_stalled_wire_delivers_late_and_in_order)
{
	struct duo d = duo_established();

	lab_wire_stall(d.wire, LAB_A, true);
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	EXPECT_EQ(duo_send(&d, CLIENT, "ab"), 2);
	EXPECT_EQ(duo_send(&d, CLIENT, "cd"), 2);
	duo_run_ms(&d, 100);
	EXPECT_RECV_NOTHING(&d, SERVER);
	lab_wire_stall(d.wire, LAB_A, false);
	duo_run_ms(&d, 2);
	EXPECT_RECV(&d, SERVER, "abcd");
}

TEST(a_script_accepts_a_connection_segment_by_segment)
{
	struct duo d = solo_connected();

	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	solo_say(&d, ". 1:1(0) ack 4 win 65535");
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_HEARD(&d, "F. 4:4(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 5 win 65535");
	EXPECT_HEARD(&d, ". 5:5(0) ack 2");
	EXPECT_SILENCE(&d);
}

TEST(a_script_sends_data_to_a_server_and_resets_it)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:6(5) ack 1 win 65535");
	EXPECT_RECV(&d, SERVER, "abcde");
	solo_say(&d, "R. 6:6(0) ack 1 win 0");
	EXPECT_EQ(DUO_TRY(&d, SERVER, send, "x", 1, MSG_NOSIGNAL), -ECONNRESET);
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=rst_received");
}

TEST(a_blocked_reader_returns_when_data_comes)
{
	struct duo d = duo_established();
	static char buf[16];
	struct lab_call *call = DUO_START(&d, SERVER, recv, buf, sizeof(buf), 0);

	duo_run_ms(&d, 50);
	EXPECT(call->pending);
	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	duo_run_ms(&d, 10);
	EXPECT_EQ(call->result, 3);
	EXPECT_EQ(call->ended_ns - call->begun_ns, 51 * LAB_MS);
}

TEST(an_interrupted_reader_says_eintr)
{
	struct duo d = duo_established();
	static char buf[16];
	struct lab_call *call = DUO_START(&d, SERVER, recv, buf, sizeof(buf), 0);

	duo_run_ms(&d, 50);
	EXPECT_EQ(lab_interrupt(call), -EINTR);
}

TEST_ONCE(a_rough_wire_loses_no_byte)
{
	struct lab_weather rough = {.delay_ns = 5 * LAB_MS,
				    .loss_ppm = 20000,
				    .dup_ppm = 10000,
				    .reorder_ppm = 50000,
				    .reorder_ns = 3 * LAB_MS,
				    .corrupt_ppm = 5000};

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct duo d;

		harness_seed(seed);
		d = duo_established();
		lab_wire_weather(d.wire, LAB_BOTH, &rough);
		duo_both_ways(&d, 100000);
	}
}

TEST_ONCE(a_slow_wire_with_a_short_queue_refuses_frames_and_all_arrives)
{
	struct lab_weather slow = {.delay_ns = 5 * LAB_MS, .rate_bps = 1000000, .queue_bytes = 10000};
	struct duo d = duo_established();

	lab_wire_weather(d.wire, LAB_BOTH, &slow);
	duo_both_ways(&d, 200000);
	EXPECT(d.wire->road[LAB_A].lost > 0);
}

/* ------------------------------------------------------------------ the same seed, the same bytes */

static void hash_bytes(void *sink, const void *bytes, size_t len)
{
	uint64_t *hash = sink;

	for (const uint8_t *p = bytes; len--; p++)
		*hash = (*hash ^ *p) * 1099511628211ULL;
}

static uint64_t capture_of(uint64_t seed)
{
	struct lab_weather rough = {
		.delay_ns = 5 * LAB_MS, .loss_ppm = 50000, .reorder_ppm = 50000, .reorder_ns = 3 * LAB_MS};
	struct lab_capture capture;
	uint64_t hash = 14695981039346656037ULL;
	struct duo d;

	harness_seed(seed);
	d = duo_established();
	lab_capture_begin(&capture, d.world, hash_bytes, &hash);
	lab_wire_weather(d.wire, LAB_BOTH, &rough);
	duo_both_ways(&d, 50000);
	duo_end(&d);
	lab_capture_end(&capture);
	return hash;
}

TEST_ONCE(the_same_seed_makes_the_same_bytes_and_another_others)
{
	uint64_t hash = capture_of(7);

	EXPECT(capture_of(7) == hash);
	EXPECT(capture_of(8) != hash);
}

static void narrow(void *arg, const char *text)
{
	unsigned *lines = arg;

	++*lines;
	if (strlen(text) > LAB_LADDER_COLS)
		harness_fail(__FILE__, __LINE__, "a line of %zu columns: %s", strlen(text), text);
}

TEST_ONCE(no_line_of_a_ladder_is_too_wide)
{
	struct duo d = duo_established();
	struct lab_ladder ladder;
	unsigned lines = 0;

	lab_ladder_watch(&ladder, d.wire, narrow, &lines);
	lab_wire_drop_nth(d.wire, LAB_B, LAB_FIN, 1);
	duo_send(&d, CLIENT, "abc");
	duo_run_ms(&d, 10);
	duo_close(&d, SERVER);
	duo_close(&d, CLIENT);
	duo_end(&d);
	lab_ladder_end(&ladder);
	EXPECT(lines > 4);
}
