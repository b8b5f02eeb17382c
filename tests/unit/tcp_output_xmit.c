// SPDX-License-Identifier: MIT
/*
 * tcp/xmit.c, fragment.c, output.c, mtu.c: what leaves, in which units, cut where
 *
 * The sizes of units were read off Linux 6.18.44 with packetdrill, pacing and all.
 */
#include "tcp_output_env.h"

/* ------------------------------------------------------------------ units */

static void a_unit_is_two_segments_at_ten_milliseconds_and_ends_in_psh(void **state)
{
	(void)state;
	queue(&e, 12000);
	push(&e);
	assert_int_equal(e.n.sent_count, 10); /* the congestion window */
	for (int i = 0; i < 10; i++)
		ASSERT_SAID(&e, i, i % 2 ? TCPHDR_ACK | TCPHDR_PSH : TCPHDR_ACK, 1u + (uint32_t)i * MSS, MSS);
	assert_int_equal(e.tp->packets_out, 10);
	assert_int_equal(counter(&e, MIB_Tcp_OutSegs), 10);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPOrigDataSent), 10);
}

static void a_unit_takes_half_the_congestion_window_at_most(void **state)
{
	(void)state;
	e.tp->pacing_bytes = 0; /* no limit */
	queue(&e, 12000);
	push(&e);
	for (int i = 0; i < 10; i++)
		assert_int_equal(said(&e, i).flags, i % 5 == 4 ? TCPHDR_ACK | TCPHDR_PSH : TCPHDR_ACK);
}

static void units_grow_with_the_rate_and_with_nearness(void **state)
{
	struct net *net = &e.n.net;

	(void)state;
	assert_int_equal(tcp_tso_autosize(1, 1000000, 65215, 1460, net), 2); /* tcp_min_tso_segs */
	assert_int_equal(tcp_tso_autosize(14600, 1000000, 65215, 1460, net), 10);
	assert_int_equal(tcp_tso_autosize(0, UINT32_MAX, 65215, 1460, net), 44);
	assert_int_equal(tcp_tso_autosize(1, 511, 65215, 1460, net), 44);
	assert_int_equal(tcp_tso_autosize(1, 512, 65215, 1460, net), 22); /* halved each 512 us */
	assert_int_equal(tcp_tso_autosize(1, 1024, 65215, 1460, net), 11);
}

static void a_write_makes_units_of_half_the_peers_largest_window(void **state)
{
	uint32_t goal;

	(void)state;
	assert_int_equal(tcp_send_mss(e.sk, &goal, 0), MSS);
	assert_int_equal(goal, 32000);
	assert_int_equal(tcp_send_mss(e.sk, &goal, MSG_OOB), MSS);
	assert_int_equal(goal, MSS);
	e.tp->max_window = 1 << 20;
	tcp_send_mss(e.sk, &goal, 0);
	assert_int_equal(goal, 65000); /* 65536 less 321 for headers */
}

static void segments_fit_into_half_of_a_small_window(void **state)
{
	(void)state;
	e.tp->max_window = 600;
	assert_int_equal(tcp_sync_mss(e.sk, 1500), 300);
	e.tp->max_window = TCP_MSS_DEFAULT; /* a tiny one is filled at once */
	assert_int_equal(tcp_sync_mss(e.sk, 1500), TCP_MSS_DEFAULT);
	e.tp->max_window = 65535;
	assert_int_equal(tcp_sync_mss(e.sk, 640), 600);
	assert_int_equal(tcp_sync_mss(e.sk, 60), 48); /* tcp_min_snd_mss */
}

/* ------------------------------------------------------------------ Nagle, cork */

static void a_small_segment_waits_for_the_small_one_in_flight(void **state)
{
	(void)state;
	queue(&e, 100);
	push(&e);
	queue(&e, 100);
	push(&e);
	assert_int_equal(e.n.sent_count, 1);
	e.tp->snd_una = e.tp->snd_nxt; /* its ACK */
	push(&e);
	assert_int_equal(e.n.sent_count, 2);
}

static void a_small_segment_behind_full_ones_does_not_wait(void **state)
{
	(void)state;
	queue(&e, MSS);
	push(&e);
	queue(&e, 1500);
	push(&e);
	assert_int_equal(e.n.sent_count, 3); /* Minshall: the short end went too */
	queue(&e, 1500);
	push(&e);
	assert_int_equal(e.n.sent_count, 4); /* now one is in flight: only the full one goes */
	ASSERT_SAID(&e, 3, TCPHDR_ACK, 2501, MSS);
}

static void cork_holds_the_short_end_until_fin(void **state)
{
	(void)state;
	e.tp->nonagle = TCP_NAGLE_CORK;
	queue(&e, 1300)->tcp_flags = 0;
	push(&e);
	assert_int_equal(e.n.sent_count, 1);
	e.tp->snd_cwnd = 1;
	tcp_send_fin(e.sk, CAUSE_close);
	assert_int_equal(e.n.sent_count, 1);
	e.tp->snd_cwnd = 10;
	push(&e); /* still corked, but it carries the FIN */
	assert_int_equal(e.n.sent_count, 2);
	ASSERT_SAID(&e, 1, TCPHDR_ACK | TCPHDR_FIN, 1001, 300); /* US-02: FIN adds no PSH */
}

/* ------------------------------------------------------------------ windows */

static void the_peers_window_cuts_a_unit_and_nothing_leaves_behind_it(void **state)
{
	(void)state;
	e.tp->snd_wnd = 3500;
	e.tp->pacing_bytes = 0;
	queue(&e, 10000);
	push(&e);
	assert_int_equal(e.n.sent_count, 4);
	ASSERT_SAID(&e, 3, TCPHDR_ACK | TCPHDR_PSH, 3001, 500);
	assert_int_equal(e.tp->write_queue->seq - ISS, 3501);
}

static void a_number_outside_a_shrunken_window_is_not_used(void **state)
{
	(void)state;
	e.tp->snd_nxt += 5000;
	e.tp->snd_wnd = 2000;
	assert_int_equal(tcp_acceptable_seq(e.tp) - ISS, 2001);
	e.tp->wscale_ok = 1;
	e.tp->rcv_wscale = 10;
	assert_int_equal(tcp_acceptable_seq(e.tp) - ISS, 2001);
	e.tp->snd_wnd = 5000 - 1023; /* within one unit of our own scale */
	assert_int_equal(tcp_acceptable_seq(e.tp) - ISS, 5001);
	e.tp->snd_wnd = 5000 - 1024;
	assert_int_equal(tcp_acceptable_seq(e.tp) - ISS, 5001 - 1024);
	e.tp->snd_nxt -= 5000;
}

static void a_zero_window_holds_even_the_fin(void **state)
{
	(void)state;
	e.tp->snd_wnd = 0;
	tcp_send_fin(e.sk, CAUSE_close);
	assert_int_equal(e.n.sent_count, 0);
	assert_int_equal(e.tp->retrans_kind, ICSK_TIME_PROBE0);
	e.tp->snd_wnd = 1;
	push(&e);
	ASSERT_SAID(&e, 0, TCPHDR_ACK | TCPHDR_FIN, 1, 0);
}

/* ------------------------------------------------------------------ FIN without memory */

static void without_memory_the_fin_joins_what_is_in_flight(void **state)
{
	(void)state;
	queue(&e, 100);
	push(&e);
	e.n.world.refusing = true;
	tcp_send_fin(e.sk, CAUSE_close);
	e.n.world.refusing = false;
	assert_int_equal(e.n.sent_count, 1);
	assert_int_equal(e.tp->snd_nxt, e.tp->write_seq);
	run_ms(&e, 300);
	ASSERT_SAID(&e, 1, TCPHDR_ACK | TCPHDR_PSH | TCPHDR_FIN, 1, 100);
}

/* ------------------------------------------------------------------ cutting and joining */

static void assert_bytes(const struct sk_buff *skb)
{
	for (uint32_t i = 0; i < skb->len; i++)
		assert_int_equal(skb_data(skb)[i], (skb->seq + i) % 251);
}

static void a_cut_leaves_every_byte_in_its_place(void **state)
{
	static const uint32_t cases[][2] = { { 40, 10 }, { 40, 40 }, { 3000, 20 }, { 3000, 1000 }, { 3000, 2900 }, { 3000, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sk_buff *skb = queue(&e, cases[i][0]), *rest;

		skb->tcp_flags |= TCPHDR_FIN;
		skb->end_seq = ++e.tp->write_seq;
		skb->eor = true;
		assert_int_equal(tcp_fragment(e.sk, &e.tp->write_queue, skb, cases[i][1], MSS), 0);
		rest = skb->next;
		assert_int_equal(skb->len, cases[i][1]);
		assert_int_equal(rest->len, cases[i][0] - cases[i][1]);
		assert_int_equal(skb->end_seq, rest->seq);
		assert_int_equal(rest->end_seq - rest->seq, rest->len + 1);
		assert_int_equal(skb->tcp_flags, 0);
		assert_int_equal(rest->tcp_flags, TCPHDR_FIN | TCPHDR_PSH);
		assert_true(rest->eor && !skb->eor);
		assert_bytes(skb);
		assert_bytes(rest);
		tcp_write_queue_purge(e.sk);
	}
}

static void a_cut_without_memory_changes_nothing(void **state)
{
	struct sk_buff *skb = queue(&e, 3000);

	(void)state;
	e.n.world.refusing = true;
	assert_int_equal(tcp_fragment(e.sk, &e.tp->write_queue, skb, 1000, MSS), -ENOMEM);
	e.n.world.refusing = false;
	assert_int_equal(skb->len, 3000);
	assert_null(skb->next);
	assert_bytes(skb);
}

static void a_cut_in_flight_counts_the_segments_anew(void **state)
{
	(void)state;
	queue(&e, 2000);
	push(&e);
	assert_int_equal(e.tp->packets_out, 2);
	e.tp->rtx_queue->sacked = TCPCB_LOST;
	e.tp->lost_out = 2;
	tcp_fragment(e.sk, &e.tp->rtx_queue, e.tp->rtx_queue, 500, MSS);
	assert_int_equal(e.tp->packets_out, 3);
	assert_int_equal(e.tp->lost_out, 3);
}

static void a_small_segment_takes_its_neighbours_along_when_sent_again(void **state)
{
	(void)state;
	e.tp->nonagle = TCP_NAGLE_OFF;
	queue(&e, 100);
	push(&e);
	queue(&e, 200);
	push(&e);
	queue(&e, 800);
	push(&e);
	tcp_send_fin(e.sk, CAUSE_close);
	assert_int_equal(e.n.sent_count, 4);
	run_ms(&e, 300); /* the RTO */
	ASSERT_SAID(&e, 4, TCPHDR_ACK | TCPHDR_PSH, 1, 300); /* 800 more would be too large */
	assert_int_equal(e.tp->packets_out, 3);
	e.tp->rtx_queue->next->sacked = 0;
	e.tp->lost_out--;
	assert_int_equal(tcp_retransmit_skb(e.sk, e.tp->rtx_queue->next, 1), 0);
	ASSERT_SAID(&e, 5, TCPHDR_ACK | TCPHDR_PSH | TCPHDR_FIN, 301, 800);
	assert_int_equal(e.tp->packets_out, 2);
	for (struct sk_buff *skb = e.tp->rtx_queue; skb; skb = skb->next)
		assert_bytes(skb);
}

static void what_the_peer_has_is_not_joined_to_what_it_lacks(void **state)
{
	(void)state;
	e.tp->nonagle = TCP_NAGLE_OFF;
	queue(&e, 100);
	push(&e);
	queue(&e, 200);
	push(&e);
	e.tp->sack_ok = 1;
	e.tp->rtx_queue->next->sacked = TCPCB_SACKED_ACKED;
	e.tp->sacked_out = 1;
	assert_int_equal(tcp_retransmit_skb(e.sk, e.tp->rtx_queue, 1), 0);
	ASSERT_SAID(&e, 2, TCPHDR_ACK | TCPHDR_PSH, 1, 100);
}

static void nothing_is_sent_again_behind_a_window_that_shrank(void **state)
{
	(void)state;
	queue(&e, 2000);
	queue(&e, 2000);
	push(&e);
	e.tp->snd_wnd = 500;
	assert_int_equal(tcp_retransmit_skb(e.sk, e.tp->rtx_queue->next, 1), -EAGAIN);
	assert_int_equal(tcp_retransmit_skb(e.sk, e.tp->rtx_queue, 1), 0);
	ASSERT_SAID(&e, 4, TCPHDR_ACK, 1, 500);
	e.tp->snd_wnd = 0; /* one segment then serves as a probe */
	e.tp->snd_una += 500;
	assert_int_equal(tcp_retransmit_skb(e.sk, e.tp->rtx_queue->next, 1), 0);
	ASSERT_SAID(&e, 5, TCPHDR_ACK, 501, 1000);
	e.tp->snd_una -= 500;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_unit_is_two_segments_at_ten_milliseconds_and_ends_in_psh),
		TEST(a_unit_takes_half_the_congestion_window_at_most),
		TEST(units_grow_with_the_rate_and_with_nearness),
		TEST(a_write_makes_units_of_half_the_peers_largest_window),
		TEST(segments_fit_into_half_of_a_small_window),
		TEST(a_small_segment_waits_for_the_small_one_in_flight),
		TEST(a_small_segment_behind_full_ones_does_not_wait),
		TEST(cork_holds_the_short_end_until_fin),
		TEST(the_peers_window_cuts_a_unit_and_nothing_leaves_behind_it),
		TEST(a_number_outside_a_shrunken_window_is_not_used),
		TEST(a_zero_window_holds_even_the_fin),
		TEST(without_memory_the_fin_joins_what_is_in_flight),
		TEST(a_cut_leaves_every_byte_in_its_place),
		TEST(a_cut_without_memory_changes_nothing),
		TEST(a_cut_in_flight_counts_the_segments_anew),
		TEST(a_small_segment_takes_its_neighbours_along_when_sent_again),
		TEST(what_the_peer_has_is_not_joined_to_what_it_lacks),
		TEST(nothing_is_sent_again_behind_a_window_that_shrank),
	};

	return cmocka_run_group_tests_name("tcp/xmit", tests, NULL, NULL);
}
