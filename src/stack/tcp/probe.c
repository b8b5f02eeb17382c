// SPDX-License-Identifier: MIT
/*
 * tcp/probe.c - segments sent to draw an answer
 *
 *	tcp_write_wakeup      is the window still closed, is the peer still there?   zero-window probes, keepalive
 *	tcp_send_loss_probe   was the tail of what we sent lost?                     RFC 8985 section 7
 */
#include "stack/tcp/output.h"

/* ------------------------------------------------------------------ the window, the peer */

/* Without text and with a number that has been acknowledged: the peer must answer what it does not expect. */
static int xmit_probe_skb(struct sock *sk, bool urgent, enum mib counter)
{
	struct sk_buff skb;

	tcp_init_nondata_skb(&skb, tcp_sk(sk)->snd_una - !urgent, TCPHDR_ACK);
	NET_INC(sk->net, counter);
	return tcp_transmit_skb(sk, &skb);
}

/* There is some window, but less than the sender thought worth using: so much is sent. */
static int probe_with_data(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mss = tcp_current_mss(sk), room = tcp_wnd_end(tp) - skb->seq;
	int err;

	if (before(tp->pushed_seq, skb->end_seq))
		tp->pushed_seq = skb->end_seq;
	skb->tcp_flags |= TCPHDR_PSH;
	if (room < skb->end_seq - skb->seq || skb->len > mss) {
		if (tcp_fragment(sk, &tp->write_queue, skb, min(min(room, mss), skb->len), mss) < 0)
			return -1;
		skb->tcp_flags |= TCPHDR_PSH;
	}
	tcp_set_skb_tso_segs(skb, mss);
	err = tcp_transmit_skb(sk, skb);
	if (!err)
		tcp_event_new_data_sent(sk, skb);
	return err;
}

int tcp_write_wakeup(struct sock *sk, enum mib counter)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_send_head(sk);

	if (sk->common.state == TCP_CLOSE)
		return -1;
	if (skb && before(skb->seq, tcp_wnd_end(tp)))
		return probe_with_data(sk, skb);
	if (between(tp->snd_up, tp->snd_una + 1, tp->snd_una + 0xffff))
		xmit_probe_skb(sk, true, counter);
	return xmit_probe_skb(sk, false, counter);
}

void tcp_send_window_probe(struct sock *sk)
{
	if (sk->common.state != TCP_ESTABLISHED)
		return;
	tcp_sk(sk)->snd_wl1 = tcp_sk(sk)->rcv_nxt - 1; /* any answer tells a newer window */
	xmit_probe_skb(sk, false, MIB_TcpExt_TCPWinProbe);
}

void tcp_send_probe0(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = tcp_write_wakeup(sk, MIB_TcpExt_TCPWinProbe);
	uint32_t when_j = TCP_RESOURCE_PROBE_INTERVAL_J;

	if (tp->packets_out || !tp->write_queue) { /* the window was not so closed */
		tp->probes_out = 0;
		tp->backoff = 0;
		tp->probes_tstamp_ms = 0;
		return;
	}
	tp->probes_out++;
	if (!tcp_local_congestion(err)) {
		if (tp->backoff < sk->net->sysctl.tcp_retries2)
			tp->backoff++;
		when_j = tcp_probe0_when_j(sk, tcp_rto_max_j(sk));
	}
	tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, tcp_clamp_probe0_to_user_timeout(sk, when_j));
}

/* ------------------------------------------------------------------ the tail */

/* From now to the end of the RTO that runs since the oldest segment left; negative: it is over. */
int64_t tcp_rto_delta_us(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int64_t rto_us = jiffies_to_usecs(tp->rto_j);

	if (!tp->rtx_queue)
		return rto_us;
	return rto_us - (int64_t)((sk->net->now_ns - tp->rtx_queue->sent_ns) / NSEC_PER_USEC);
}

/*
 * TM-06. Two round trips after the last segment left, the peer's delayed ACK included where only one is in flight. False: no
 * probe, the RTO it is. @advancing_rto: something new was acknowledged, so the RTO starts anew anyway.
 */
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing_rto)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int early_retrans = sk->net->sysctl.tcp_early_retrans;
	uint32_t when_j = TCP_TIMEOUT_INIT_J;
	int64_t rto_us;

	if (unlikely((early_retrans != 3 && early_retrans != 4) || !tp->sack_ok) || !tp->packets_out)
		return false;
	if (sock_flag(sk, SOCK_FASTOPEN_REQ))
		return false; /* nothing of it is sent again yet */
	if (tp->ca_state != TCP_CA_Open && tp->ca_state != TCP_CA_CWR)
		return false;
	if (tp->srtt_us)
		when_j = usecs_to_jiffies((tp->srtt_us >> 2) + (tp->packets_out == 1 ? tcp_rto_min_us(sk) : 2000));
	rto_us = advancing_rto ? jiffies_to_usecs(tp->rto_j) : tcp_rto_delta_us(sk);
	if (rto_us > 0)
		when_j = min(when_j, usecs_to_jiffies((uint64_t)rto_us));
	tcp_reset_xmit_timer(sk, ICSK_TIME_LOSS_PROBE, when_j);
	return true;
}

/* New data if there is any and the window takes it; congestion is not asked. */
static bool probe_by_new_data(struct sock *sk, uint32_t mss)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t was_out = tp->packets_out;

	tcp_write_xmit(sk, mss, TCP_NAGLE_OFF, PUSH_PROBE);
	return tp->packets_out > was_out;
}

/* Else the last segment that was sent. */
static bool probe_by_last(struct sock *sk, uint32_t mss)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = skb_peek_tail(tp->rtx_queue);
	uint32_t front = (tcp_skb_pcount(skb) - 1) * mss;

	if (front && skb->len > front) {
		if (tcp_fragment(sk, &tp->rtx_queue, skb, front, mss))
			return false;
		skb = skb->next;
	}
	if (__tcp_retransmit_skb(sk, skb, 1))
		return false;
	tp->tlp_retrans = 1;
	return true;
}

void tcp_send_loss_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mss = tcp_current_mss(sk);
	struct sk_buff *head = tcp_send_head(sk);
	bool sent = false;

	if (!tp->tlp_high_seq) { /* one at a time */
		tp->tlp_retrans = 0;
		if (head && tcp_snd_wnd_test(tp, head, mss))
			sent = probe_by_new_data(sk, mss);
		else if (tp->rtx_queue)
			sent = probe_by_last(sk, mss);
	}
	if (sent) {
		tp->tlp_high_seq = tp->snd_nxt;
		NET_INC(sk->net, MIB_TcpExt_TCPLossProbes);
		tp->retrans_kind = ICSK_TIME_NONE; /* the RTO counts from here */
	}
	tcp_rearm_rto(sk);
}
