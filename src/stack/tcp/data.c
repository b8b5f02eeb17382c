// SPDX-License-Identifier: MIT
/*
 * tcp/data.c - what the peer sends: bytes in order, FIN, urgent data; and when that is acknowledged
 *
 *	tcp_data_queue       where do these bytes belong?  next in order: receive queue; ahead: ofo.c; behind: known already
 *	  tcp_fin              the peer will send no more
 *	tcp_urg              where does urgent data end?                       RFC 6093
 *	tcp_event_data_recv  how does the peer send?  (delayed ACKs adapt to it)
 *	tcp_ack_snd_check    acknowledge at once, or wait for a reply to carry it?   RFC 1122 section 4.2.3.2, RFC 5681
 *
 * Out: readers are woken (tcp_data_ready); the ACK leaves through output.c.
 */
#include "stack/tcp/tcp.h"

/* ------------------------------------------------------------------ quick or delayed ACKs */

static bool in_pingpong(const struct sock *sk)
{
	return tcp_sk(sk)->ack.pingpong >= sk->net->sysctl.tcp_pingpong_thresh;
}

bool tcp_in_quickack_mode(const struct sock *sk)
{
	return tcp_sk(sk)->ack.quick && !in_pingpong(sk);
}

void tcp_incr_quickack(struct sock *sk, unsigned max_quickacks)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t n = tp->rcv_wnd / (2 * max_t(uint32_t, tp->rcv_mss, 1));

	n = min_t(uint32_t, n ? n : 2, max_quickacks);
	if (n > tp->ack.quick)
		tp->ack.quick = (uint8_t)n;
}

void tcp_enter_quickack_mode(struct sock *sk, unsigned max_quickacks)
{
	tcp_incr_quickack(sk, max_quickacks);
	tcp_sk(sk)->ack.pingpong = 0;
	tcp_sk(sk)->ack.ato_j = TCP_ATO_MIN_J;
}

void tcp_initialize_rcv_mss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t hint = min_t(uint32_t, tp->advmss, tp->mss_cache);

	hint = min(hint, tp->rcv_wnd / 2);
	hint = min_t(uint32_t, hint, TCP_MSS_DEFAULT);
	tp->rcv_mss = (uint16_t)max_t(uint32_t, hint, 88);
}

/* How large are the peer's full segments? Short ones that repeat count; one that ends a write is not waited behind. */
void tcp_measure_rcv_mss(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t len = seg->gso_size ? seg->gso_size : seg->len, last = tp->last_seg_size;
	bool remnant = seg->flags & (TCPHDR_FIN | TCPHDR_URG | TCPHDR_SYN | TCPHDR_PSH);

	tp->last_seg_size = 0;
	if (len >= tp->rcv_mss) {
		if (len != tp->rcv_mss)
			tcp_learn_scaling_ratio(sk, seg->len);
		tp->rcv_mss = (uint16_t)min_t(uint32_t, len, tp->advmss);
		if (seg_has(seg, TCPHDR_PSH))
			tp->ack.pending |= ICSK_ACK_PUSHED;
		return;
	}
	len += TCP_HDR_LEN + seg->opt_len;
	if (len >= TCP_MSS_DEFAULT + TCP_HDR_LEN || (len >= 88 + TCP_HDR_LEN && !remnant)) {
		len -= tp->tcp_header_len;
		tp->last_seg_size = (uint16_t)len;
		if (len == last) {
			tp->rcv_mss = (uint16_t)len;
			return;
		}
	}
	if (tp->ack.pending & ICSK_ACK_PUSHED)
		tp->ack.pending |= ICSK_ACK_PUSHED2;
	tp->ack.pending |= ICSK_ACK_PUSHED;
}

/* Without timestamps the time between a window's first and last byte bounds the RTT from above (for rcvwin.c). */
static void tcp_rcv_rtt_measure(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_us(sk->net);

	if (tp->rcv_rtt_time_us && before(tp->rcv_nxt, tp->rcv_rtt_seq))
		return;
	if (tp->rcv_rtt_time_us) {
		uint32_t sample = max_t(uint32_t, now - tp->rcv_rtt_time_us, 1);

		tp->rcv_rtt_us = tp->rcv_rtt_us ? min(tp->rcv_rtt_us, sample << 3) : sample << 3;
	}
	tp->rcv_rtt_seq = tp->rcv_nxt + tp->rcv_wnd;
	tp->rcv_rtt_time_us = now;
}

void tcp_event_data_recv(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_ms(sk->net);

	tp->ack.pending |= ICSK_ACK_SCHED;
	tcp_measure_rcv_mss(sk, seg);
	tcp_rcv_rtt_measure(sk);
	if (!tp->ack.ato_j) {
		tcp_incr_quickack(sk, TCP_MAX_QUICKACKS);
		tp->ack.ato_j = TCP_ATO_MIN_J;
	} else {
		uint32_t m = (now - tp->lrcvtime_ms) / 4;

		if (m <= TCP_ATO_MIN_J / 2)
			tp->ack.ato_j = (tp->ack.ato_j >> 1) + TCP_ATO_MIN_J / 2;
		else if (m < tp->ack.ato_j)
			tp->ack.ato_j = min((tp->ack.ato_j >> 1) + m, tp->rto_j);
		else if (m > tp->rto_j)
			tcp_incr_quickack(sk, TCP_MAX_QUICKACKS); /* after a long pause the peer starts slowly: help it */
	}
	tp->lrcvtime_ms = now;
	if (seg->len >= 128)
		tcp_grow_window(sk, seg->len);
}

void tcp_ack_snd_check(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool more_than_a_segment;

	if (!(tp->ack.pending & ICSK_ACK_SCHED))
		return; /* went out with data already */
	more_than_a_segment = tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss &&
			      (tp->rcv_nxt - tp->copied_seq < sk->rcvlowat || __tcp_select_window(sk) >= tp->rcv_wnd);
	if (more_than_a_segment || tcp_in_quickack_mode(sk) || tp->ack.pending & ICSK_ACK_NOW || (tp->ofo && tp->ofo->queue))
		tcp_send_ack(sk);
	else
		tcp_send_delayed_ack(sk);
}

/* ------------------------------------------------------------------ after input: what may be sent now */

void tcp_data_snd_check(struct sock *sk)
{
	if (tcp_send_head(sk))
		tcp_push_pending_frames(sk);
	tcp_check_space(sk);
}

/* ------------------------------------------------------------------ bytes */

void tcp_data_ready(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t avail = tp->rcv_nxt - tp->copied_seq;

	if (unlikely(avail < sk->rcvlowat) && !sock_flag(sk, SOCK_DONE) && !tcp_rmem_pressure(sk) &&
	    tcp_receive_window(tp) > tp->rcv_mss)
		return;
	sk_data_ready(sk);
}

/* Bytes that are next in order. Small segments share a buffer, so that many of them do not cost a sk_buff each. */
bool tcp_queue_rcv(struct sock *sk, uint32_t seq, const uint8_t *data, uint32_t len, bool fin)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct skb_pool *pool = &sk->net->skbs;
	struct sk_buff *tail = skb_peek_tail(tp->receive_queue);

	assert(seq == tp->rcv_nxt);
	if (tail && tail->end_seq == seq && !(tail->tcp_flags & TCPHDR_FIN) && tail->off + tail->len + len <= tail->cap) {
		skb_append(pool, tail, data, len);
	} else {
		tail = skb_alloc(pool, len);
		if (unlikely(!tail))
			return false;
		skb_append(pool, tail, data, len);
		tail->seq = seq;
		skb_queue_tail(&tp->receive_queue, tail);
	}
	if (unlikely(fin))
		tail->tcp_flags |= TCPHDR_FIN;
	tail->end_seq = seq + len + fin;
	tp->rcv_nxt = tail->end_seq;
	sk->rmem_alloc += len;
	return true;
}

void tcp_send_dupack(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (seg->end_seq != seg->seq && before(seg->seq, tp->rcv_nxt)) {
		uint32_t end = after(seg->end_seq, tp->rcv_nxt) ? tp->rcv_nxt : seg->end_seq;

		NET_INC(sk->net, MIB_TcpExt_DelayedACKLost);
		tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		if (tp->sack_ok && sk->net->sysctl.tcp_dsack)
			tcp_dsack_set(sk, seg->seq, end);
	}
	tcp_send_ack(sk);
}

/* The peer sends what we cannot use: it shall learn soon where we are. */
static void out_of_window(struct sock *sk)
{
	tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
	tcp_sk(sk)->ack.pending |= ICSK_ACK_SCHED;
}

/* Bytes in order, from rcv_nxt on; what stands before it in the segment is known already. */
static void take_in_order(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t known = tp->rcv_nxt - seg->seq, len = seg->len - min(known, seg->len);
	bool fin = seg_has(seg, TCPHDR_FIN);

	if (unlikely(tcp_rmem_full(sk, len) || !tcp_queue_rcv(sk, tp->rcv_nxt, seg->data + known, len, fin))) {
		tp->ack.pending |= ICSK_ACK_SCHED | ICSK_ACK_NOW | ICSK_ACK_NOMEM; /* a window of 0 is told */
		tcp_data_ready(sk);
		NET_INC(sk->net, MIB_TcpExt_TCPRcvQDrop);
		return;
	}
	if (seg->len) /* known bytes are a sign of life, too */
		tcp_event_data_recv(sk, seg);
	if (unlikely(fin))
		tcp_fin(sk);
	if (unlikely(tp->ofo))
		tcp_ofo_queue(sk);
	if (likely(sk->socket))
		tcp_data_ready(sk);
}

void tcp_data_queue(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t window = tcp_receive_window(tp);

	if (seg->seq == seg->end_seq)
		return;
	if (likely(seg->seq == tp->rcv_nxt)) {
		if (unlikely(!window && seg->len)) {
			NET_INC(sk->net, MIB_TcpExt_TCPZeroWindowDrop);
			out_of_window(sk);
			return;
		}
		take_in_order(sk, seg);
		return;
	}
	if (!after(seg->end_seq, tp->rcv_nxt)) { /* all known: our ACK was lost or late */
		NET_INC(sk->net, MIB_TcpExt_DelayedACKLost);
		tcp_dsack_set(sk, seg->seq, seg->end_seq);
		out_of_window(sk);
		return;
	}
	if (!before(seg->seq, tp->rcv_nxt + window)) {
		out_of_window(sk);
		return;
	}
	if (before(seg->seq, tp->rcv_nxt)) {
		tcp_dsack_set(sk, seg->seq, tp->rcv_nxt);
		if (!window) {
			NET_INC(sk->net, MIB_TcpExt_TCPZeroWindowDrop);
			out_of_window(sk);
			return;
		}
		take_in_order(sk, seg);
		return;
	}
	tcp_data_queue_ofo(sk, seg);
}

/* ------------------------------------------------------------------ FIN */

/* The peer's FIN is in order (section 15). Its number is already counted in rcv_nxt. */
void tcp_fin(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->ack.pending |= ICSK_ACK_SCHED;
	sk->shutdown |= RCV_SHUTDOWN;
	sock_set_flag(sk, SOCK_DONE);
	switch (sk->common.state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		tcp_set_state(sk, TCP_CLOSE_WAIT, CAUSE_fin_received);
		tp->ack.pingpong = (uint8_t)sk->net->sysctl.tcp_pingpong_thresh; /* our FIN may carry the ACK */
		break;
	case TCP_FIN_WAIT1:
		tcp_send_ack(sk);
		tcp_set_state(sk, TCP_CLOSING, CAUSE_fin_crossed);
		break;
	case TCP_FIN_WAIT2:
		tcp_send_ack(sk);
		tcp_ofo_purge(sk);
		tcp_time_wait(sk, false, 0, CAUSE_fin_both);
		return;
	default: /* it was taken before: a repetition */
		break;
	}
	tcp_ofo_purge(sk); /* nothing lies behind a FIN */
	if (!sock_flag(sk, SOCK_DEAD))
		sk_state_change(sk);
}

/* ------------------------------------------------------------------ urgent data */

static void tcp_check_urg(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t ptr = seg->urg_ptr;

	if (ptr && !sk->net->sysctl.tcp_stdurg)
		ptr--;
	ptr += seg->seq;
	if (after(tp->copied_seq, ptr) || before(ptr, tp->rcv_nxt))
		return; /* was read, or was here before */
	if (tp->urg_data && !after(ptr, tp->urg_seq))
		return;
	/* A read that stopped just before an urgent byte steps over it when the next one comes. */
	if (tp->urg_seq == tp->copied_seq && tp->urg_data && !sock_flag(sk, SOCK_URGINLINE) && tp->copied_seq != tp->rcv_nxt) {
		struct sk_buff *skb = tp->receive_queue;

		tp->copied_seq++;
		if (skb && !before(tp->copied_seq, skb->end_seq)) {
			sk->rmem_alloc -= skb->len;
			skb_unlink(&tp->receive_queue, skb);
			skb_free(&sk->net->skbs, skb);
		}
	}
	tp->urg_data = TCP_URG_NOTYET;
	tp->urg_seq = ptr;
}

void tcp_urg(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t at, hdr_len;

	if (seg_has(seg, TCPHDR_URG))
		tcp_check_urg(sk, seg);
	if (tp->urg_data != TCP_URG_NOTYET)
		return;
	/* Counted from the header's first byte, in case it lies before this segment: Linux then takes a byte of the header. */
	hdr_len = TCP_HDR_LEN + seg->opt_len;
	at = tp->urg_seq - seg->seq + hdr_len - !!seg_has(seg, TCPHDR_SYN);
	if (at >= hdr_len + seg->len)
		return;
	tp->urg_data = TCP_URG_VALID | (seg->data - hdr_len)[at];
	if (!sock_flag(sk, SOCK_DEAD))
		sk_data_ready(sk);
}
