// SPDX-License-Identifier: MIT
/*
 * tcp/rcvwin.c, cong.c, reset.c: the window that is offered, the one that is kept, and segments without a queue
 *
 * The offered windows were read off Linux 6.18.44 with packetdrill.
 */
#include "tcp_output_env.h"

/* ------------------------------------------------------------------ the first window */

static void initial(uint32_t space, uint32_t mss, bool wscale_ok, uint32_t clamp, uint32_t want_wnd, unsigned want_scale)
{
	uint32_t wnd;
	uint8_t scale;

	tcp_select_initial_window(e.sk, space, mss, wscale_ok, &wnd, &clamp, &scale);
	assert_int_equal(wnd, want_wnd);
	assert_int_equal(scale, want_scale);
}

static void the_first_window_is_whole_segments_and_its_scale_fits_the_largest_buffer(void **state)
{
	(void)state;
	initial(65536, 1460, true, 0, 64240, 10);
	initial(65536, 1448, true, 0, 65160, 10);
	initial(65536, 1460, false, 0, 64240, 0);
	initial(65536, 1460, true, 10000, 8760, 0); /* TCP_WINDOW_CLAMP */
	initial(1000, 1460, true, 0, 1000, 10);
	e.n.net.sysctl.tcp_rmem[2] = 6291456;
	initial(65536, 1460, true, 0, 64240, 7);
	e.n.net.sysctl.tcp_workaround_signed_windows = 1;
	initial(65536, 1460, true, 0, MAX_TCP_WINDOW, 7);
}

/* ------------------------------------------------------------------ later ones */

/* The peer sends @len bytes in one segment, in order; nobody reads them. */
static void arrive(uint32_t len)
{
	if (len >= e.tp->rcv_mss) {
		if (len != e.tp->rcv_mss)
			tcp_learn_scaling_ratio(e.sk, len);
		e.tp->rcv_mss = (uint16_t)len;
	}
	e.tp->rcv_nxt += len;
	e.sk->rmem_alloc += len;
	tcp_grow_window(e.sk, len);
}

static void read_all(void)
{
	e.tp->copied_seq = e.tp->rcv_nxt;
	e.sk->rmem_alloc = 0;
}

static void segments_of_1000_and_1460_bytes_move_the_window_as_on_linux(void **state)
{
	(void)state;
	arrive(1000);
	assert_int_equal(tcp_select_window(e.sk), 63240); /* never less than was offered */
	e.tp->rcv_wscale = 7;
	assert_int_equal(tcp_select_window(e.sk), 495);
	for (int i = 0; i < 5; i++)
		arrive(1460);
	assert_int_equal(e.tp->scaling_ratio, 162);
	assert_int_equal(tcp_full_space(e.sk), 82944);
}

static void the_cost_of_a_segment_is_the_allocators(void **state)
{
	(void)state;
	assert_int_equal(tcp_truesize(1), 896);
	assert_int_equal(tcp_truesize(216), 896);
	assert_int_equal(tcp_truesize(217), 1280);
	assert_int_equal(tcp_truesize(1000), 2304);
	assert_int_equal(tcp_truesize(1460), 2304);
	assert_int_equal(tcp_truesize(65000), 66024);
	assert_int_equal(tcp_queue_cost(7300, 1460), 5 * 2304);
	assert_int_equal(tcp_queue_cost(1500, 300), 3 * 1280); /* two share a buffer */
	assert_int_equal(tcp_queue_cost(1, 1460), 2304);
}

static void a_nearly_full_buffer_offers_nothing_rather_than_crumbs(void **state)
{
	(void)state;
	e.sk->rcvbuf = 20000;
	e.tp->window_clamp = e.tp->rcv_ssthresh = 10000;
	e.tp->rcv_wnd = 0;
	e.tp->rcv_wscale = 7;
	arrive(536);
	for (int i = 0; i < 14; i++)
		arrive(536);
	assert_int_equal(tcp_space(e.sk), (20000 - 15 * 1280) / 2);
	assert_int_equal(__tcp_select_window(e.sk), 0);
	assert_int_equal(tcp_select_window(e.sk), 0);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPToZeroWindowAdv), 0); /* it was 0 before */
	read_all();
	assert_int_not_equal(tcp_select_window(e.sk), 0);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPFromZeroWindowAdv), 1);
}

static void what_was_offered_is_not_taken_back(void **state)
{
	(void)state;
	e.tp->rcv_mss = 1460;
	e.sk->rmem_alloc = e.sk->rcvbuf;
	assert_int_equal(tcp_select_window(e.sk), 64240);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPWantZeroWindowAdv), 1);
	e.tp->ack.pending = ICSK_ACK_NOMEM; /* but for data that had to be dropped */
	assert_int_equal(tcp_select_window(e.sk), 0);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPToZeroWindowAdv), 1);
	e.sk->rmem_alloc = 0;
}

static void without_scaling_windows_are_whole_segments(void **state)
{
	(void)state;
	e.tp->rcv_wnd = 0;
	e.tp->rcv_mss = 1460;
	assert_int_equal(__tcp_select_window(e.sk), 64076 - 64076 % 1460);
	e.tp->rcv_wscale = 10;
	assert_int_equal(__tcp_select_window(e.sk), 63 * 1024); /* rounded up: scaling loses nothing */
}

static void with_shrink_window_the_window_follows_the_room(void **state)
{
	(void)state;
	e.n.net.sysctl.tcp_shrink_window = 1;
	e.tp->rcv_wscale = 10;
	e.tp->rcv_mss = 1460;
	e.sk->rmem_alloc = 20 * 1460;
	assert_int_equal(tcp_select_window(e.sk), 41); /* (131072 - 20 * 2304) / 2, rounded down */
	e.sk->rmem_alloc = 0;
}

/* ------------------------------------------------------------------ read() */

static void a_read_that_doubles_the_window_tells_so(void **state)
{
	(void)state;
	e.tp->rcv_wnd = 64240;
	arrive(1460);
	tcp_cleanup_rbuf(e.sk, 1460); /* nothing was read in truth */
	assert_int_equal(e.n.sent_count, 0);
	e.tp->rcv_nxt = e.tp->rcv_wup + 40000;
	read_all();
	tcp_cleanup_rbuf(e.sk, 0);
	assert_int_equal(e.n.sent_count, 0);
	tcp_cleanup_rbuf(e.sk, 1);
	assert_int_equal(e.n.sent_count, 1);
	e.tp->rcv_nxt = e.tp->rcv_wup + 60000;
	e.sk->shutdown = RCV_SHUTDOWN; /* no more will come */
	tcp_cleanup_rbuf(e.sk, 1);
	assert_int_equal(e.n.sent_count, 1);
}

static void a_read_that_empties_the_queue_sends_a_waiting_ack_unless_in_a_dialogue(void **state)
{
	(void)state;
	e.tp->ack.pending = ICSK_ACK_SCHED | ICSK_ACK_PUSHED;
	e.tp->ack.pingpong = 1;
	tcp_cleanup_rbuf(e.sk, 10);
	assert_int_equal(e.n.sent_count, 0);
	e.tp->ack.pingpong = 0;
	e.sk->rmem_alloc = 1;
	tcp_cleanup_rbuf(e.sk, 10);
	assert_int_equal(e.n.sent_count, 0);
	e.sk->rmem_alloc = 0;
	tcp_cleanup_rbuf(e.sk, 10);
	assert_int_equal(e.n.sent_count, 1);
	e.tp->ack.pending = ICSK_ACK_SCHED;
	e.tp->rcv_nxt += 537; /* more than one segment */
	tcp_cleanup_rbuf(e.sk, 0);
	assert_int_equal(e.n.sent_count, 2);
}

static void the_buffer_grows_with_the_rate_of_reading(void **state)
{
	(void)state;
	e.tp->rcv_rtt_us = 80000;
	e.tp->rcvq_space.space = 14600;
	e.tp->rcvq_space.seq = e.tp->copied_seq;
	e.tp->rcvq_space.time_us = net_time_us(&e.n.net);
	e.tp->rcv_nxt = e.tp->copied_seq += 100000;
	run_ms(&e, 9);
	tcp_rcv_space_adjust(e.sk);
	assert_int_equal(e.sk->rcvbuf, 131072); /* too early */
	run_ms(&e, 1);
	tcp_rcv_space_adjust(e.sk);
	assert_int_equal(e.tp->rcvq_space.space, 100000);
	assert_int_equal(e.sk->rcvbuf, 2 * (200000 + 2 * (200000ull * 85400 / 14600)));
	assert_int_equal(e.tp->window_clamp, e.sk->rcvbuf / 2);
}

/* ------------------------------------------------------------------ no room */

static void ahead(uint32_t seq, uint32_t len)
{
	struct sk_buff *skb = skb_alloc(&e.n.net.skbs, len);

	if (!e.tp->ofo)
		e.tp->ofo = slab_zalloc(&e.n.net.tcp->ofos);
	skb->len = len;
	skb->seq = e.tp->rcv_nxt + seq;
	skb->end_seq = skb->seq + len;
	skb_queue_tail(&e.tp->ofo->queue, skb);
	e.sk->rmem_alloc += len;
	e.tp->ofo->num_sacks = 1;
}

static void what_lies_furthest_ahead_is_forgotten_first(void **state)
{
	(void)state;
	sock_set_flag(e.sk, SOCK_RCVBUF_LOCK);
	e.sk->rcvbuf = 16000;
	for (uint32_t i = 1; i <= 8; i++)
		ahead(i * 2000, 2000);
	assert_true(!tcp_rmem_full(e.sk, 2000));
	assert_int_equal(e.sk->rmem_alloc, 14000);
	assert_int_equal(skb_peek_tail(e.tp->ofo->queue)->seq, e.tp->rcv_nxt + 14000);
	assert_int_equal(e.tp->ofo->num_sacks, 0); /* the peer must not rely on it */
	assert_int_equal(counter(&e, MIB_TcpExt_PruneCalled), 1);
	assert_int_equal(counter(&e, MIB_TcpExt_OfoPruned), 1);
	e.sk->rmem_alloc += 8000; /* in order, unread: that stays */
	assert_true(tcp_rmem_full(e.sk, 20000));
	assert_null(e.tp->ofo);
	assert_int_equal(counter(&e, MIB_TcpExt_RcvPruned), 1);
	e.sk->rmem_alloc = 0;
	assert_false(tcp_rmem_full(e.sk, 20000)); /* an empty queue takes anything */
}

/* ------------------------------------------------------------------ the congestion window */

static void a_window_grows_only_where_it_is_used(void **state)
{
	(void)state;
	tcp_cong_avoid(e.sk, 2);
	assert_int_equal(e.tp->snd_cwnd, 10);
	e.tp->packets_out = 5;
	tcp_cwnd_validate(e.sk, false);
	tcp_cong_avoid(e.sk, 2);
	assert_int_equal(e.tp->snd_cwnd, 10); /* half of it was out: not more than half */
	e.tp->packets_out = 6;
	tcp_cwnd_validate(e.sk, false);
	tcp_cong_avoid(e.sk, 2);
	assert_int_equal(e.tp->snd_cwnd, 12);
	e.tp->packets_out = 0;
}

static void slow_start_ends_at_the_threshold(void **state)
{
	(void)state;
	e.tp->snd_ssthresh = 12;
	e.tp->is_cwnd_limited = 1;
	tcp_cong_avoid(e.sk, 5);
	assert_int_equal(e.tp->snd_cwnd, 12);
	assert_int_equal(e.tp->snd_cwnd_cnt, 3);
	tcp_cong_avoid(e.sk, 9);
	assert_int_equal(e.tp->snd_cwnd, 13); /* a window acknowledged: one more */
	assert_int_equal(tcp_reno_ssthresh(e.sk), 6);
	e.tp->snd_cwnd = 3;
	assert_int_equal(tcp_reno_ssthresh(e.sk), 2);
}

static void an_idle_connection_begins_again_with_the_initial_window(void **state)
{
	(void)state;
	e.tp->snd_cwnd = 80;
	e.tp->snd_ssthresh = 40;
	run_ms(&e, 212);
	tcp_cwnd_restart_after_idle(e.sk);
	assert_int_equal(e.tp->snd_cwnd, 80);
	run_ms(&e, 212 + 10);
	tcp_cwnd_restart_after_idle(e.sk);
	assert_int_equal(e.tp->snd_cwnd, 20); /* two RTOs have passed: halved twice */
	assert_int_equal(e.tp->snd_ssthresh, 60);
	run_ms(&e, 5000);
	tcp_cwnd_restart_after_idle(e.sk);
	assert_int_equal(e.tp->snd_cwnd, TCP_INIT_CWND);
}

/* ------------------------------------------------------------------ segments without a queue */

static struct tcp_seg refused(uint8_t flags, uint32_t len)
{
	return (struct tcp_seg){
		.saddr = A("10.0.0.2"), .daddr = A("10.0.0.1"), .sport = 1234, .dport = 80,
		.seq = ISS + 100, .end_seq = ISS + 100 + len + !!(flags & TCPHDR_SYN) + !!(flags & TCPHDR_FIN),
		.ack = ISS + 700, .len = len, .flags = flags,
	};
}

static void a_refused_segment_with_ack_names_the_number_of_its_rst(void **state)
{
	struct tcp_seg seg = refused(TCPHDR_ACK | TCPHDR_FIN, 10);

	(void)state;
	tcp_send_reply_reset(&e.n.net, NULL, &seg, CAUSE_no_socket);
	ASSERT_SAID(&e, 0, TCPHDR_RST, 700, 0);
	assert_int_equal(said(&e, 0).ack, 0);
	assert_int_equal(said(&e, 0).wnd, 0);
}

static void one_without_ack_is_acknowledged_by_its_rst(void **state)
{
	struct tcp_seg seg = refused(TCPHDR_SYN, 10);

	(void)state;
	tcp_send_reply_reset(&e.n.net, NULL, &seg, CAUSE_no_socket);
	assert_int_equal(said(&e, 0).flags, TCPHDR_RST | TCPHDR_ACK);
	assert_int_equal(said(&e, 0).seq, 0);
	assert_int_equal(said(&e, 0).ack, ISS + 111);
	assert_int_equal(counter(&e, MIB_Tcp_OutRsts), 1);
	assert_int_equal(counter(&e, MIB_Tcp_OutSegs), 1);
}

static void neither_a_rst_nor_a_broadcast_is_answered(void **state)
{
	struct tcp_seg rst = refused(TCPHDR_RST, 0), broadcast = refused(TCPHDR_SYN, 0);

	(void)state;
	broadcast.daddr = A("10.0.0.255");
	tcp_send_reply_reset(&e.n.net, NULL, &rst, CAUSE_no_socket);
	tcp_send_reply_reset(&e.n.net, NULL, &broadcast, CAUSE_no_socket);
	assert_int_equal(e.n.sent_count, 0);
	assert_int_equal(counter(&e, MIB_Tcp_OutRsts), 0);
}

static void an_active_rst_that_cannot_leave_is_counted(void **state)
{
	(void)state;
	e.n.xmit_result = -ENOBUFS;
	tcp_send_active_reset(e.sk, CAUSE_close_unread);
	assert_int_equal(counter(&e, MIB_Tcp_OutRsts), 1);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPAbortFailed), 1);
}

static void an_advertised_segment_is_the_devices_or_the_users(void **state)
{
	struct in6_addr v4 = A("10.0.0.2"), v6 = A("fd00::2");

	(void)state;
	assert_int_equal(tcp_advertise_mss(&e.n.net, &v4, 0), 1460);
	assert_int_equal(tcp_advertise_mss(&e.n.net, &v6, 0), 1440);
	assert_int_equal(tcp_advertise_mss(&e.n.net, &v4, 500), 500);
	assert_int_equal(tcp_advertise_mss(&e.n.net, &v4, 9000), 1460);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_window_is_whole_segments_and_its_scale_fits_the_largest_buffer),
		TEST(segments_of_1000_and_1460_bytes_move_the_window_as_on_linux),
		TEST(the_cost_of_a_segment_is_the_allocators),
		TEST(a_nearly_full_buffer_offers_nothing_rather_than_crumbs),
		TEST(what_was_offered_is_not_taken_back),
		TEST(without_scaling_windows_are_whole_segments),
		TEST(with_shrink_window_the_window_follows_the_room),
		TEST(a_read_that_doubles_the_window_tells_so),
		TEST(a_read_that_empties_the_queue_sends_a_waiting_ack_unless_in_a_dialogue),
		TEST(the_buffer_grows_with_the_rate_of_reading),
		TEST(what_lies_furthest_ahead_is_forgotten_first),
		TEST(a_window_grows_only_where_it_is_used),
		TEST(slow_start_ends_at_the_threshold),
		TEST(an_idle_connection_begins_again_with_the_initial_window),
		TEST(a_refused_segment_with_ack_names_the_number_of_its_rst),
		TEST(one_without_ack_is_acknowledged_by_its_rst),
		TEST(neither_a_rst_nor_a_broadcast_is_answered),
		TEST(an_active_rst_that_cannot_leave_is_counted),
		TEST(an_advertised_segment_is_the_devices_or_the_users),
	};

	return cmocka_run_group_tests_name("tcp/window", tests, NULL, NULL);
}
