// SPDX-License-Identifier: MIT
/*
 * tcp/cong.c - the congestion window: Reno (RFC 5681), initial window of ten (RFC 6928), validated (RFC 7661's forerunner)
 *
 *	an ACK       tcp_cong_avoid      slow start below snd_ssthresh, one segment a round trip above
 *	a loss       tcp_reno_ssthresh   half (ack.c does the rest)
 *	             tcp_update_pacing_rate   how large a unit may be
 *	sending      tcp_cwnd_validate   a window that is not used does not grow, and shrinks in time
 *	idle         tcp_cwnd_restart_after_idle   RFC 2861
 *
 * All is counted in segments. Linux's default is CUBIC, which goes as Reno does in slow start and until the first loss.
 */
#include "stack/tcp/output.h"

static bool in_slow_start(const struct tcp_sock *tp)
{
	return tp->snd_cwnd < tp->snd_ssthresh;
}

void tcp_init_congestion(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH; /* a SYN that was lost says nothing about it */
	tp->snd_cwnd_cnt = 0;
	tp->snd_cwnd_used = 0;
	tp->is_cwnd_limited = 0;
	tp->max_packets_out = 0;
	tp->cwnd_usage_seq = tp->snd_nxt;
}

uint32_t tcp_reno_ssthresh(const struct sock *sk)
{
	return max(tcp_sk(sk)->snd_cwnd >> 1, 2u);
}

/* Does the window limit what we send? In slow start half used is used: it doubles what was acknowledged. */
static bool is_cwnd_limited(const struct tcp_sock *tp)
{
	if (tp->is_cwnd_limited)
		return true;
	return in_slow_start(tp) && tp->snd_cwnd < 2 * tp->max_packets_out;
}

/* One segment more for each window acknowledged. */
static void avoid_congestion(struct tcp_sock *tp, uint32_t acked)
{
	uint32_t w = tp->snd_cwnd;

	if (tp->snd_cwnd_cnt >= w) {
		tp->snd_cwnd_cnt = 0;
		tp->snd_cwnd++;
	}
	tp->snd_cwnd_cnt += acked;
	if (tp->snd_cwnd_cnt >= w) {
		tp->snd_cwnd += tp->snd_cwnd_cnt / w;
		tp->snd_cwnd_cnt %= w;
	}
}

void tcp_cong_avoid(struct sock *sk, uint32_t acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!is_cwnd_limited(tp))
		return;
	if (in_slow_start(tp)) {
		uint32_t cwnd = min(tp->snd_cwnd + acked, tp->snd_ssthresh);

		acked -= cwnd - tp->snd_cwnd;
		tp->snd_cwnd = cwnd;
	}
	if (acked)
		avoid_congestion(tp, acked);
}

/* A round trip's window twice over while it still doubles, a fifth more later. Nothing is paced here, but units are sized so
 * that one lasts a millisecond. */
void tcp_update_pacing_rate(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t percent = tp->snd_cwnd < tp->snd_ssthresh / 2 ? 200 : 120;
	uint64_t rate = (uint64_t)tp->mss_cache * max(tp->snd_cwnd, tp->packets_out) * (percent * (1000000ull << 3) / 100);

	if (tp->srtt_us)
		rate /= tp->srtt_us;
	tp->pacing_bytes = (uint32_t)min_t(uint64_t, max_t(uint64_t, rate >> 10, 1), UINT32_MAX);
}

/* ------------------------------------------------------------------ a window that is not used */

/* Three quarters of the window are remembered as what the path carried. */
uint32_t tcp_current_ssthresh(const struct tcp_sock *tp)
{
	if (tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery)
		return tp->snd_ssthresh;
	return max(tp->snd_ssthresh, (tp->snd_cwnd >> 1) + (tp->snd_cwnd >> 2));
}

static void application_limited(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t used;

	if (tp->ca_state == TCP_CA_Open && sk->socket && !sock_flag(sk, SOCK_NOSPACE)) {
		used = max_t(uint32_t, tp->snd_cwnd_used, TCP_INIT_CWND);
		if (used < tp->snd_cwnd) {
			tp->snd_ssthresh = tcp_current_ssthresh(tp);
			tp->snd_cwnd = (tp->snd_cwnd + used) >> 1;
		}
		tp->snd_cwnd_used = 0;
	}
	tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
}

void tcp_cwnd_validate(struct sock *sk, bool limited)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_ms(sk->net);

	/* of a window's worth of sending the strongest sign counts: that it was limited, else how far it got */
	if (!before(tp->snd_una, tp->cwnd_usage_seq) || limited ||
	    (!tp->is_cwnd_limited && tp->packets_out > tp->max_packets_out)) {
		tp->is_cwnd_limited = limited;
		tp->max_packets_out = tp->packets_out;
		tp->cwnd_usage_seq = tp->snd_nxt;
	}
	if (is_cwnd_limited(tp)) {
		tp->snd_cwnd_used = 0;
		tp->snd_cwnd_stamp_ms = now;
		return;
	}
	tp->snd_cwnd_used = max(tp->snd_cwnd_used, tp->packets_out);
	if (sk->net->sysctl.tcp_slow_start_after_idle &&
	    (int32_t)(now - tp->snd_cwnd_stamp_ms) >= (int32_t)jiffies_to_msecs(tp->rto_j))
		application_limited(sk);
}

/* Nothing sent for more than an RTO: half the window for each that has passed, the initial one at least. */
void tcp_cwnd_restart_after_idle(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int32_t idle = (int32_t)(net_time_ms(sk->net) - tp->lsndtime_ms), rto = (int32_t)jiffies_to_msecs(tp->rto_j);
	uint32_t least = min_t(uint32_t, TCP_INIT_CWND, tp->snd_cwnd);

	if (!sk->net->sysctl.tcp_slow_start_after_idle || tp->packets_out || idle <= rto)
		return;
	tp->snd_ssthresh = tcp_current_ssthresh(tp);
	while ((idle -= rto) > 0 && tp->snd_cwnd > least)
		tp->snd_cwnd >>= 1;
	tp->snd_cwnd = max(tp->snd_cwnd, least);
	tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
	tp->snd_cwnd_used = 0;
}
