// SPDX-License-Identifier: MIT
/*
 * tcp/timer.c, probe.c: deadlines, and how long a silent peer is waited for
 *
 * The times are those of the closing rules (TM, OR, KA). The peer is silent unless a test answers in its place.
 */
#include "tcp_output_env.h"

#define ASSERT_NEAR(s, want) \
	do { \
		double s_ = (s); \
		if (s_ < (want) || s_ > (want) + 0.005) \
			fail_msg("%s is %.3f s, not %.3f", #s, s_, (double)(want)); \
	} while (0)

/* ------------------------------------------------------------------ one timer for three deadlines */

static void a_deadline_that_moves_later_leaves_the_timer_alone(void **state)
{
	struct timer *t = &e.sk->common.timer;
	uint32_t now = e.n.net.jiffies;

	(void)state;
	tcp_set_deadline(e.sk, SOCK_RETRANS, now + 100);
	tcp_set_deadline(e.sk, SOCK_RETRANS, now + 200);
	tcp_set_deadline(e.sk, SOCK_KEEPALIVE, now + 300);
	assert_int_equal(t->expires, now + 100);
	tcp_set_deadline(e.sk, SOCK_DELACK, now + 50);
	assert_int_equal(t->expires, now + 50);
	tcp_clear_deadline(e.sk, SOCK_DELACK);
	assert_true(next_deadline(&e, 1000)); /* early, and nothing is due */
	assert_int_equal(t->expires, now + 200);
	assert_true(tcp_deadline_set(e.sk, SOCK_RETRANS));
	assert_true(next_deadline(&e, 1000));
	assert_false(tcp_deadline_set(e.sk, SOCK_RETRANS));
	assert_int_equal(t->expires, now + 300);
}

static void a_deadline_is_never_early(void **state)
{
	(void)state;
	set_now(&e, e.n.net.now_ns + 1); /* just behind a tick */
	tcp_reset_xmit_timer(e.sk, ICSK_TIME_RETRANS, 50);
	assert_int_equal(e.sk->deadline[SOCK_RETRANS], e.n.net.jiffies + 51);
	tcp_reset_xmit_timer(e.sk, ICSK_TIME_RETRANS, 1000000); /* nor later than the longest RTO */
	assert_int_equal(e.sk->deadline[SOCK_RETRANS], e.n.net.jiffies + 30001);
}

/* ------------------------------------------------------------------ retransmission */

static void the_model_doubles_and_then_grows_by_the_longest_rto(void **state)
{
	(void)state;
	assert_int_equal(tcp_model_timeout_ms(0, 50, 30000), 200);
	assert_int_equal(tcp_model_timeout_ms(1, 50, 30000), 600);
	assert_int_equal(tcp_model_timeout_ms(8, 50, 30000), 102200);	/* an orphan */
	assert_int_equal(tcp_model_timeout_ms(15, 50, 30000), 924600); /* tcp_retries2 */
	assert_int_equal(tcp_model_timeout_ms(6, 250, 30000), 127000); /* a SYN */
	assert_int_equal(tcp_model_timeout_ms(2, 300, 250), 300 * 4 + 2 * 250 * 4);
}

static void data_leave_again_at_doubling_intervals(void **state)
{
	static const double at[] = { 0.212, 0.636, 1.484, 3.180 };

	(void)state;
	queue(&e, 100);
	push(&e);
	for (int i = 0; i < 4; i++) {
		assert_true(next_deadline(&e, 10000));
		ASSERT_NEAR(now_s(&e), at[i]);
		ASSERT_SAID(&e, 1 + i, TCPHDR_ACK | TCPHDR_PSH, 1, 100);
	}
	assert_int_equal(counter(&e, MIB_Tcp_OutSegs), 1);
	assert_int_equal(counter(&e, MIB_Tcp_RetransSegs), 4);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPTimeouts), 4);
}

static void an_unanswered_owner_gives_up_at_the_first_rto_behind_924_6_s(void **state)
{
	(void)state;
	queue(&e, 100);
	push(&e);
	ASSERT_NEAR(run_to_close(&e, 2000), 936.876); /* 937 s were seen on Linux */
	assert_int_equal(e.sk->err, ETIMEDOUT);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPAbortOnTimeout), 1);
	assert_int_equal(counter(&e, MIB_Tcp_OutRsts), 0);
}

static void an_icmp_error_is_the_reason_that_is_told(void **state)
{
	(void)state;
	e.sk->err_soft = EHOSTUNREACH;
	queue(&e, 100);
	push(&e);
	run_to_close(&e, 2000);
	assert_int_equal(e.sk->err, EHOSTUNREACH);
}

static void the_users_timeout_ends_on_the_millisecond(void **state)
{
	struct sock_opts *opts = sock_opts_own(e.sk);

	(void)state;
	opts->user_timeout_ms = 1000;
	queue(&e, 100);
	push(&e);
	ASSERT_NEAR(run_to_close(&e, 100), 1.212); /* TM-03: from the first repetition */
	assert_int_equal(e.sk->cause, CAUSE_timeout_user);
}

static void an_orphan_is_given_up_after_eight_repetitions(void **state)
{
	(void)state;
	orphan(&e);
	queue(&e, 100);
	push(&e);
	ASSERT_NEAR(run_to_close(&e, 2000), 108.332); /* the first RTO behind 102.2 s */
	assert_int_equal(e.sk->cause, CAUSE_timeout_orphan);
}

static void too_many_orphans_end_with_a_rst(void **state)
{
	(void)state;
	e.n.net.sysctl.tcp_max_orphans = 1;
	e.n.net.tcp->orphans = 2;
	orphan(&e);
	queue(&e, 100);
	push(&e);
	assert_true(next_deadline(&e, 10000));
	assert_int_equal(e.sk->common.state, TCP_CLOSE);
	assert_int_equal(said(&e, 1).flags, TCPHDR_RST | TCPHDR_ACK);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPAbortOnMemory), 1);
	e.n.net.tcp->orphans = 0;
}

static void a_window_taken_back_may_stay_closed_as_long_as_the_peer_answers(void **state)
{
	(void)state;
	queue(&e, 1000);
	push(&e);
	e.tp->snd_wnd = 0;
	while (now_s(&e) < 400 && next_deadline(&e, 1000000)) {
		e.tp->rcv_tstamp_ms = net_time_ms(&e.n.net); /* its answer */
		ip_net_forget(&e.n);
	}
	assert_int_equal(e.sk->common.state, TCP_ESTABLISHED);
	e.begin_ns = e.n.net.now_ns;
	run_to_close(&e, 2000); /* TM-07: and now it is silent */
	assert_int_equal(e.sk->common.state, TCP_CLOSE);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPTimeouts), 0);
}

static void a_window_taken_back_in_silence_ends_at_the_first_rto_behind_240_s(void **state)
{
	(void)state;
	queue(&e, 1000);
	push(&e);
	e.tp->snd_wnd = 0;
	ASSERT_NEAR(run_to_close(&e, 2000), 336.876);
}

/* ------------------------------------------------------------------ the device's queue is full */

static void a_full_queue_is_tried_again_each_half_second_without_back_off(void **state)
{
	(void)state;
	queue(&e, 100);
	push(&e);
	run_ms(&e, 100);
	e.n.xmit_result = -ENOBUFS;
	run_ms(&e, 3150); /* 0.212, 0.712 ... 3.212 s */
	assert_int_equal(counter(&e, MIB_TcpExt_TCPRetransFail), 7);
	assert_int_equal(e.tp->rto_j, 53);
	e.n.xmit_result = 0;
	run_ms(&e, 500);
	assert_int_equal(e.tp->rto_j, 106);
}

static void new_data_behind_a_full_queue_end_after_fifteen_tries(void **state)
{
	(void)state;
	e.n.xmit_result = -ENOBUFS;
	queue(&e, 100);
	push(&e);
	assert_int_equal(e.tp->packets_out, 0);
	ASSERT_NEAR(run_to_close(&e, 100), 7.712); /* TM-10: 8 s */
	assert_int_equal(e.sk->err, ETIMEDOUT);
}

static void the_fin_of_an_orphan_behind_a_full_queue_ends_after_eight(void **state)
{
	(void)state;
	e.n.xmit_result = -ENOBUFS;
	tcp_send_fin(e.sk, CAUSE_close);
	orphan(&e);
	ASSERT_NEAR(run_to_close(&e, 100), 4.212);
	assert_int_equal(e.sk->common.state, TCP_CLOSE);
}

/* ------------------------------------------------------------------ a window that is closed */

static void a_closed_window_is_probed_at_doubling_intervals(void **state)
{
	static const double at[] = { 0.212, 0.636, 1.484, 3.180 };

	(void)state;
	e.tp->snd_wnd = 0;
	queue(&e, 100);
	push(&e);
	for (int i = 0; i < 4; i++) {
		assert_true(next_deadline(&e, 10000));
		ASSERT_NEAR(now_s(&e), at[i]);
		ASSERT_SAID(&e, i, TCPHDR_ACK, 0, 0);
	}
	assert_int_equal(counter(&e, MIB_TcpExt_TCPWinProbe), 4);
}

static void fifteen_probes_without_an_answer_end_it(void **state)
{
	(void)state;
	e.tp->snd_wnd = 0;
	queue(&e, 100);
	push(&e);
	ASSERT_NEAR(run_to_close(&e, 4000), 936.876);
	assert_int_equal(e.sk->cause, CAUSE_timeout_probes);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPWinProbe), 15);
}

static void answered_probes_keep_an_owner_but_not_an_orphan(void **state)
{
	(void)state;
	e.n.net.sysctl.tcp_orphan_retries = 3; /* in place of 8, but never reached */
	e.tp->snd_wnd = 0;
	queue(&e, 100);
	push(&e);
	orphan(&e);
	while (e.sk->common.state != TCP_CLOSE && now_s(&e) < 5000 && next_deadline(&e, 1000000)) {
		e.tp->probes_out = 0; /* the answer; the back-off goes on */
		ip_net_forget(&e.n);
	}
	ASSERT_NEAR(now_s(&e), 336.876); /* OR-04: the first timer with the back-off at its longest */
}

static void a_little_window_is_used_by_a_probe(void **state)
{
	(void)state;
	e.tp->snd_wnd = 300;
	e.tp->nonagle = 0;
	queue(&e, 1000);
	push(&e);
	assert_int_equal(e.n.sent_count, 0);
	run_ms(&e, 220);
	ASSERT_SAID(&e, 0, TCPHDR_ACK | TCPHDR_PSH, 1, 300);
	assert_int_equal(e.tp->packets_out, 1);
}

/* ------------------------------------------------------------------ tail loss */

static void the_tail_is_probed_after_two_round_trips(void **state)
{
	(void)state;
	e.tp->sack_ok = 1;
	queue(&e, 2000);
	push(&e);
	assert_true(next_deadline(&e, 1000));
	ASSERT_NEAR(now_s(&e), 0.022);
	ASSERT_SAID(&e, 2, TCPHDR_ACK | TCPHDR_PSH, 1001, 1000);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPLossProbes), 1);
	assert_true(next_deadline(&e, 1000)); /* then the RTO, from the probe on and not doubled */
	ASSERT_NEAR(now_s(&e), 0.236);
	ASSERT_SAID(&e, 3, TCPHDR_ACK, 1, 1000);
}

static void a_single_segment_is_probed_after_the_peers_delayed_ack(void **state)
{
	(void)state;
	e.tp->sack_ok = 1;
	e.tp->rto_j = 100;
	queue(&e, 100);
	push(&e);
	assert_true(next_deadline(&e, 1000));
	ASSERT_NEAR(now_s(&e), 0.22);
	assert_int_equal(e.tp->tlp_high_seq, e.tp->snd_nxt);
}

static void the_probe_is_new_data_where_there_is_some(void **state)
{
	(void)state;
	e.tp->sack_ok = 1;
	e.tp->snd_cwnd = 2;
	queue(&e, 3000);
	push(&e);
	assert_int_equal(e.n.sent_count, 2);
	assert_true(next_deadline(&e, 1000));
	ASSERT_SAID(&e, 2, TCPHDR_ACK | TCPHDR_PSH, 2001, 1000);
}

/* ------------------------------------------------------------------ delayed ACK */

static void an_ack_waits_40_ms_and_longer_when_that_was_in_vain(void **state)
{
	(void)state;
	e.tp->ack.ato_j = TCP_ATO_MIN_J;
	tcp_send_delayed_ack(e.sk);
	run_ms(&e, 39);
	assert_int_equal(e.n.sent_count, 0);
	run_ms(&e, 5);
	assert_int_equal(e.n.sent_count, 1);
	assert_int_equal(e.tp->ack.ato_j, 2 * TCP_ATO_MIN_J);
	assert_int_equal(counter(&e, MIB_TcpExt_DelayedACKs), 1);
	tcp_send_delayed_ack(e.sk); /* no longer than the round trip, 40 ms at least */
	assert_int_equal(e.sk->deadline[SOCK_DELACK], tick_after_jiffies(&e.n.net, TCP_DELACK_MIN_J));
}

static void an_ack_that_is_about_to_leave_anyway_leaves_now(void **state)
{
	(void)state;
	e.tp->ack.ato_j = TCP_ATO_MIN_J;
	tcp_send_delayed_ack(e.sk);
	run_ms(&e, 34);
	tcp_send_delayed_ack(e.sk);
	assert_int_equal(e.n.sent_count, 1);
	assert_false(tcp_deadline_set(e.sk, SOCK_DELACK));
	assert_int_equal(e.tp->ack.pending, 0);
}

static void data_sent_soon_after_data_came_make_a_dialogue(void **state)
{
	(void)state;
	e.tp->ack.ato_j = TCP_ATO_MIN_J;
	run_ms(&e, 40); /* longer ago than ATO */
	queue(&e, 10);
	push(&e);
	assert_int_equal(e.tp->ack.pingpong, 0);
	e.tp->lrcvtime_ms = net_time_ms(&e.n.net);
	e.tp->nonagle = TCP_NAGLE_OFF;
	queue(&e, 10);
	push(&e);
	assert_int_equal(e.tp->ack.pingpong, 1);
}

/* ------------------------------------------------------------------ keepalive, and the end of an orphan */

static void keepalive_asks_nine_times_and_then_resets(void **state)
{
	(void)state;
	tcp_set_keepalive(e.sk, true);
	sock_set_flag(e.sk, SOCK_KEEPOPEN);
	assert_true(next_deadline(&e, 8000000));
	ASSERT_NEAR(now_s(&e), 7200);
	ASSERT_SAID(&e, 0, TCPHDR_ACK, 0, 0);
	run_to_close(&e, 9000);
	ASSERT_NEAR(now_s(&e), 7200 + 9 * 75);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPKeepAlive), 9);
	assert_int_equal(counter(&e, MIB_Tcp_OutRsts), 1);
	assert_int_equal(e.sk->err, ETIMEDOUT);
}

static void keepalive_counts_from_the_last_that_was_heard(void **state)
{
	(void)state;
	sock_opts_own(e.sk)->keepalive_time_ms = 1000;
	tcp_set_keepalive(e.sk, true);
	sock_set_flag(e.sk, SOCK_KEEPOPEN);
	run_ms(&e, 600);
	e.tp->rcv_tstamp_ms = net_time_ms(&e.n.net);
	run_ms(&e, 900);
	assert_int_equal(e.n.sent_count, 0);
	run_ms(&e, 120);
	assert_int_equal(e.n.sent_count, 1);
}

static void keepalive_with_a_user_timeout_asks_once(void **state)
{
	struct sock_opts *opts = sock_opts_own(e.sk);

	(void)state;
	opts->keepalive_time_ms = 1000;
	opts->keepalive_intvl_ms = 1000;
	opts->user_timeout_ms = 500;
	tcp_set_keepalive(e.sk, true);
	sock_set_flag(e.sk, SOCK_KEEPOPEN);
	ASSERT_NEAR(run_to_close(&e, 100), 2); /* KA-04 */
}

static void data_in_flight_need_no_keepalive(void **state)
{
	(void)state;
	sock_opts_own(e.sk)->keepalive_time_ms = 1000;
	tcp_set_keepalive(e.sk, true);
	sock_set_flag(e.sk, SOCK_KEEPOPEN);
	queue(&e, 10);
	push(&e);
	run_ms(&e, 5000);
	assert_int_equal(counter(&e, MIB_TcpExt_TCPKeepAlive), 0);
}

static void an_orphan_that_stayed_in_fin_wait2_ends_with_a_rst(void **state)
{
	(void)state;
	tcp_set_state(e.sk, TCP_FIN_WAIT1, CAUSE_close);
	tcp_set_state(e.sk, TCP_FIN_WAIT2, CAUSE_fin_acked);
	orphan(&e);
	tcp_reset_keepalive_timer(e.sk, 60 * HZ); /* F2-18 */
	assert_true(next_deadline(&e, 100000));
	ASSERT_NEAR(now_s(&e), 60);
	assert_int_equal(e.sk->common.state, TCP_CLOSE);
	assert_int_equal(said(&e, 0).flags, TCPHDR_RST | TCPHDR_ACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_deadline_that_moves_later_leaves_the_timer_alone),
		TEST(a_deadline_is_never_early),
		TEST(the_model_doubles_and_then_grows_by_the_longest_rto),
		TEST(data_leave_again_at_doubling_intervals),
		TEST(an_unanswered_owner_gives_up_at_the_first_rto_behind_924_6_s),
		TEST(an_icmp_error_is_the_reason_that_is_told),
		TEST(the_users_timeout_ends_on_the_millisecond),
		TEST(an_orphan_is_given_up_after_eight_repetitions),
		TEST(too_many_orphans_end_with_a_rst),
		TEST(a_window_taken_back_may_stay_closed_as_long_as_the_peer_answers),
		TEST(a_window_taken_back_in_silence_ends_at_the_first_rto_behind_240_s),
		TEST(a_full_queue_is_tried_again_each_half_second_without_back_off),
		TEST(new_data_behind_a_full_queue_end_after_fifteen_tries),
		TEST(the_fin_of_an_orphan_behind_a_full_queue_ends_after_eight),
		TEST(a_closed_window_is_probed_at_doubling_intervals),
		TEST(fifteen_probes_without_an_answer_end_it),
		TEST(answered_probes_keep_an_owner_but_not_an_orphan),
		TEST(a_little_window_is_used_by_a_probe),
		TEST(the_tail_is_probed_after_two_round_trips),
		TEST(a_single_segment_is_probed_after_the_peers_delayed_ack),
		TEST(the_probe_is_new_data_where_there_is_some),
		TEST(an_ack_waits_40_ms_and_longer_when_that_was_in_vain),
		TEST(an_ack_that_is_about_to_leave_anyway_leaves_now),
		TEST(data_sent_soon_after_data_came_make_a_dialogue),
		TEST(keepalive_asks_nine_times_and_then_resets),
		TEST(keepalive_counts_from_the_last_that_was_heard),
		TEST(keepalive_with_a_user_timeout_asks_once),
		TEST(data_in_flight_need_no_keepalive),
		TEST(an_orphan_that_stayed_in_fin_wait2_ends_with_a_rst),
	};

	return cmocka_run_group_tests_name("tcp/timer", tests, NULL, NULL);
}
