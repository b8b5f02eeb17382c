// SPDX-License-Identifier: MIT
/*
 * tcp/xmit.c - what may leave now, and in which units
 *
 * In:   the write queue, after a write, an ACK, a FIN, a timer.
 * Here: for the unit in front: congestion window? peer's window? Nagle? is it worth waiting for more? how large?
 * Out:  tcp_transmit_skb() for each unit that may go; it moves to the retransmission queue. What could not go and has
 *       nothing in flight to wait for gets the probe timer.
 *
 * Linux also holds units back that its own queueing discipline has not sent yet (TCP small queues) and spaces them by the
 * pacing timer if asked to; there is no queue below this stack, and neither is modelled.
 */
#include "stack/tcp/output.h"

/* ------------------------------------------------------------------ may it leave? */

bool tcp_snd_wnd_test(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss_now)
{
	uint32_t end_seq = skb->len > mss_now ? skb->seq + mss_now : skb->end_seq;

	return !after(end_seq, tcp_wnd_end(tp));
}

/* Segments that the congestion window admits: at most half of it in one unit, so that two are in flight. */
static uint32_t cwnd_quota(const struct tcp_sock *tp)
{
	uint32_t in_flight = tcp_packets_in_flight(tp);

	if (unlikely(in_flight >= tp->snd_cwnd))
		return 0;
	return min(max(tp->snd_cwnd / 2, 1u), tp->snd_cwnd - in_flight);
}

/* Minshall: only a small segment in flight holds a small one back; full ones do not. */
static bool small_segment_in_flight(const struct tcp_sock *tp)
{
	return after(tp->snd_sml, tp->snd_una) && !after(tp->snd_sml, tp->snd_nxt);
}

bool tcp_nagle_check(const struct tcp_sock *tp, bool partial, int nonagle)
{
	if (!partial)
		return false;
	if (unlikely(nonagle & TCP_NAGLE_CORK))
		return true;
	return !nonagle && tp->packets_out && small_segment_in_flight(tp);
}

static bool nagle_lets_go(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss_now, int nonagle)
{
	if (nonagle & TCP_NAGLE_PUSH)
		return true;
	if (tcp_urg_pending(tp) || skb->tcp_flags & TCPHDR_FIN)
		return true;
	return !tcp_nagle_check(tp, skb->len < mss_now, nonagle);
}

/* ------------------------------------------------------------------ how much at once? */

uint32_t tcp_tso_autosize(uint32_t pacing_bytes, uint32_t min_rtt_us, uint32_t gso_max, uint32_t mss_now, const struct net *net)
{
	uint32_t halvings = min_rtt_us >> net->sysctl.tcp_tso_rtt_log;
	uint64_t bytes = pacing_bytes ? pacing_bytes : gso_max;

	if (halvings < 32)
		bytes += gso_max >> halvings;
	return max((uint32_t)min(bytes, (uint64_t)gso_max) / mss_now, (uint32_t)net->sysctl.tcp_min_tso_segs);
}

/* A unit leaves as one IP packet: two segments of the loopback's size would be too much for it. */
#define UNIT_HEADERS_MAX (40 + 60)

uint32_t tcp_tso_segs(struct sock *sk, uint32_t mss_now)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t fit = max((IP_MAX_LEN - UNIT_HEADERS_MAX) / mss_now, 1u);

	return min(tcp_tso_autosize(tp->pacing_bytes, tp->min_rtt_us, tcp_sk_gso_max(sk), mss_now, sk->net), fit);
}

/* Bytes of a unit of several segments that may go: whole segments, and the short end only if Nagle would let it. */
uint32_t tcp_mss_split_point(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss_now, uint32_t max_segs,
			     int nonagle)
{
	uint32_t window = tcp_wnd_end(tp) - skb->seq, max_len = mss_now * max_segs;
	uint32_t needed = min(skb->len, window);
	uint32_t partial;

	if (max_len <= window && skb->next)
		return max_len;
	if (max_len <= needed)
		return max_len;
	partial = needed % mss_now;
	return tcp_nagle_check(tp, partial, nonagle) ? needed - partial : needed;
}

/* ------------------------------------------------------------------ is it worth waiting for more? */

struct limited {
	bool cwnd, rwnd; /* what keeps us from sending more */
};

/* The ACK that will open the window is due within half a round trip, at most a millisecond. */
static bool ack_is_near(const struct tcp_sock *tp, uint64_t now_ns)
{
	uint64_t srtt_ns = (uint64_t)tp->srtt_us * (NSEC_PER_USEC >> 3);
	int64_t away = (int64_t)(tp->rtx_queue->sent_ns + srtt_ns - now_ns);

	return away <= (int64_t)min(srtt_ns >> 1, (uint64_t)NSEC_PER_MSEC);
}

/* Room for only a part of a large unit, and more room soon: then one larger unit later is better than two now. */
static bool tso_should_defer(const struct sock *sk, const struct sk_buff *skb, uint32_t max_segs, struct limited *by)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t divisor = (uint32_t)sk->net->sysctl.tcp_tso_win_divisor;
	uint32_t cwnd_bytes = tp->snd_cwnd * tp->mss_cache;
	uint32_t send_win = tcp_wnd_end(tp) - skb->seq;
	uint32_t cong_win = (tp->snd_cwnd - tcp_packets_in_flight(tp)) * tp->mss_cache;
	uint32_t limit = min(send_win, cong_win);

	if (tp->ca_state >= TCP_CA_Recovery)
		return false;
	if (net_time_us(sk->net) - tp->wstamp_us >= 1000)
		return false; /* nothing left in the last millisecond: no burst to avoid. Linux's clock is never exactly there */
	if (limit >= max_segs * tp->mss_cache)
		return false;
	if (skb->next && limit >= skb->len)
		return false; /* it will not grow */
	if (divisor ? limit >= min(tp->snd_wnd, cwnd_bytes) / divisor : limit > 3 * tp->mss_cache)
		return false;
	if (!tp->rtx_queue || !ack_is_near(tp, sk->net->now_ns))
		return false;

	if (cong_win < send_win && cong_win <= skb->len)
		return by->cwnd = true;
	if (cong_win >= send_win && send_win <= skb->len)
		return by->rwnd = true;
	return !(skb->tcp_flags & TCPHDR_FIN || skb->eor);
}

/* ------------------------------------------------------------------ the loop */

/* Cuts or fills the unit in front to what may leave now; false: nothing may. */
static bool shape_unit(struct sock *sk, struct sk_buff *skb, uint32_t mss_now, int nonagle, int push_one, uint32_t max_segs,
		       struct limited *by)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t quota = cwnd_quota(tp), limit = mss_now;

	if (unlikely(!quota)) {
		if (push_one != PUSH_PROBE)
			return false;
		quota = 1;
	}
	quota = min(quota, max_segs);
	if (unlikely(skb->next) && quota * mss_now > skb->len)
		tcp_grow_skb(sk, skb, quota * mss_now - skb->len);
	tcp_set_skb_tso_segs(skb, mss_now);
	if (!tcp_snd_wnd_test(tp, skb, mss_now)) {
		by->rwnd = true;
		return false;
	}
	if (skb->gso_segs == 1) {
		if (!nagle_lets_go(tp, skb, mss_now, skb->next ? TCP_NAGLE_PUSH : nonagle))
			return false;
	} else {
		if (push_one == PUSH_ALL && tso_should_defer(sk, skb, max_segs, by))
			return false;
		if (!tcp_urg_pending(tp))
			limit = tcp_mss_split_point(tp, skb, mss_now, quota, nonagle);
	}
	if (skb->len > limit && tcp_fragment(sk, &tp->write_queue, skb, limit, mss_now) < 0)
		return false;
	return skb->seq != skb->end_seq; /* an empty one waits for a writer that waits for memory */
}

/*
 * Sends what may be sent. @push_one: PUSH_ONE sends one unit at most, PUSH_PROBE one segment even beyond the congestion
 * window. True: nothing is in flight although something waits, so a probe timer is needed.
 */
bool tcp_write_xmit(struct sock *sk, uint32_t mss_now, int nonagle, int push_one)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_send_head(sk);
	/* how many segments a unit may have does not matter where one is all there is */
	uint32_t max_segs = unlikely(skb && (skb->next || skb->len > mss_now)) ? tcp_tso_segs(sk, mss_now) : 1, sent = 0;
	struct limited by = { 0 };

	while ((skb = tcp_send_head(sk))) {
		if (unlikely(sock_flag(sk, SOCK_REPAIR)) && tcp_repairs_send_queue(sk)) {
			tcp_set_skb_tso_segs(skb, mss_now);
			skb->sent_ns = max_t(uint64_t, sk->net->now_ns, 1); /* somebody else has sent it */
		} else {
			if (!shape_unit(sk, skb, mss_now, nonagle, push_one, max_segs, &by))
				break;
			if (tcp_transmit_skb(sk, skb) < 0)
				break;
		}
		tcp_event_new_data_sent(sk, skb);
		if (skb->len < tcp_skb_pcount(skb) * mss_now)
			tp->snd_sml = skb->end_seq;
		sent += tcp_skb_pcount(skb);
		if (push_one != PUSH_ALL)
			break;
	}

	by.cwnd |= tcp_packets_in_flight(tp) >= tp->snd_cwnd;
	if (likely(sent) || by.cwnd)
		tcp_cwnd_validate(sk, by.cwnd);
	if (!sent)
		return !tp->packets_out && tp->write_queue;
	if (likely(push_one != PUSH_PROBE))
		tcp_schedule_loss_probe(sk, false); /* one probe an episode */
	return false;
}

void __tcp_push_pending_frames(struct sock *sk, uint32_t cur_mss, int nonagle)
{
	if (likely(sk->common.state != TCP_CLOSE) && unlikely(tcp_write_xmit(sk, cur_mss, nonagle, PUSH_ALL)))
		tcp_check_probe_timer(sk);
}

void tcp_push_pending_frames(struct sock *sk)
{
	if (tcp_send_head(sk))
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), tcp_sk(sk)->nonagle);
}

void tcp_push_one(struct sock *sk, uint32_t mss_now)
{
	tcp_write_xmit(sk, mss_now, TCP_NAGLE_PUSH, PUSH_ONE);
}
