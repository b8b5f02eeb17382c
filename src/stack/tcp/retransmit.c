// SPDX-License-Identifier: MIT
/*
 * tcp/retransmit.c - a unit leaves again
 *
 * In:   a unit of the retransmission queue, chosen by loss recovery (ack.c), the timer (timer.c), or a tail loss probe.
 * Here: what was acknowledged meanwhile goes, what is too large for the window or the path is cut, what is small takes its
 *       neighbours along.
 * Out:  tcp_transmit_skb().
 */
#include "stack/tcp/output.h"

/* A part that has been acknowledged is not sent again. */
static bool trim_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t acked;

	if (!before(skb->seq, tp->snd_una))
		return true;
	if (skb->tcp_flags & TCPHDR_SYN) {
		skb->tcp_flags &= ~TCPHDR_SYN;
		skb->seq++;
	}
	if (!after(skb->end_seq, tp->snd_una))
		return false;
	acked = tp->snd_una - skb->seq;
	skb_pull(skb, acked);
	skb->seq += acked;
	sk->wmem_queued -= acked;
	return true;
}

/*
 * Bytes that the window takes of @skb, at least 1. Behind a window that shrank nothing is sent again, except that one segment
 * at snd_una serves as a probe of a window that is zero.
 */
static int32_t window_for(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss)
{
	int32_t avail = (int32_t)(tcp_wnd_end(tp) - skb->seq);

	if (avail > 0)
		return avail;
	return skb->seq == tp->snd_una ? (int32_t)mss : -EAGAIN;
}

/* Cuts @skb to what may leave, or joins the next ones to it; 0, -EAGAIN, -ENOMEM. */
static int shape_retransmission(struct sock *sk, struct sk_buff *skb, uint32_t mss, uint32_t segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int32_t avail = window_for(tp, skb, mss);
	int was = (int)tcp_skb_pcount(skb);
	uint32_t len = mss * segs, wnd;

	if (avail < 0)
		return avail;
	wnd = (uint32_t)avail;
	if (len > wnd)
		len = wnd < mss ? wnd : wnd - wnd % mss;
	if (skb->len > len)
		return tcp_fragment(sk, &tp->rtx_queue, skb, len, mss);

	tcp_set_skb_tso_segs(skb, mss);
	if (was != (int)tcp_skb_pcount(skb))
		tcp_adjust_pcount(tp, skb, was - (int)tcp_skb_pcount(skb));
	if (skb->len < min(wnd, mss))
		tcp_retrans_try_collapse(sk, skb, min(wnd, mss));
	return 0;
}

int __tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->net;
	uint32_t pcount;
	int err;

	if (!trim_acked(sk, skb))
		return -EINVAL;
	err = shape_retransmission(sk, skb, tcp_current_mss(sk), (uint32_t)segs);
	if (err)
		return err;

	pcount = tcp_skb_pcount(skb);
	NET_ADD(net, MIB_Tcp_RetransSegs, pcount);
	if (skb->tcp_flags & TCPHDR_SYN)
		NET_INC(net, MIB_TcpExt_TCPSynRetrans);
	tp->total_retrans += pcount;
	if (skb->retrans < UINT8_MAX)
		skb->retrans++;
	err = tcp_transmit_skb(sk, skb);
	if (err)
		NET_ADD(net, MIB_TcpExt_TCPRetransFail, pcount);
	skb->sacked |= TCPCB_EVER_RETRANS; /* no RTT sample from it, even if this one did not leave */
	return err;
}

int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int err = __tcp_retransmit_skb(sk, skb, segs);

	if (!err) {
		skb->sacked |= TCPCB_SACKED_RETRANS;
		tp->retrans_out += tcp_skb_pcount(skb);
	}
	if (!tp->retrans_stamp_ms) /* of the first one, sent or not; 0: none yet */
		tp->retrans_stamp_ms = max(net_time_ms(sk->net), 1u);
	return err;
}
