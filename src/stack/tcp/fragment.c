// SPDX-License-Identifier: MIT
/*
 * tcp/fragment.c - units of the send queues cut in two, joined and counted
 *
 * Sequence space, bytes and flags only move between neighbours; nothing is sent here. FIN and PSH always stand on the last
 * part. A unit counts for gso_segs segments in packets_out and its kin, so what changes that number of a unit in flight
 * goes through tcp_adjust_pcount().
 */
#include "stack/tcp/output.h"

void tcp_set_skb_tso_segs(struct sk_buff *skb, uint32_t mss_now)
{
	if (likely(skb->len <= mss_now)) {
		skb->gso_segs = 1;
		skb->gso_size = 0;
		return;
	}
	skb->gso_segs = (uint16_t)((skb->len + mss_now - 1) / mss_now);
	skb->gso_size = (uint16_t)mss_now;
}

/* @skb, in flight, counts for @decr segments less than it did. */
void tcp_adjust_pcount(struct tcp_sock *tp, const struct sk_buff *skb, int decr)
{
	tp->packets_out -= decr;
	if (skb->sacked & TCPCB_SACKED_ACKED)
		tp->sacked_out -= decr;
	if (skb->sacked & TCPCB_SACKED_RETRANS)
		tp->retrans_out -= decr;
	if (skb->sacked & TCPCB_LOST)
		tp->lost_out -= decr;
	if (decr > 0) /* sacked_out is a guess, one a duplicate ACK: SACK blocks are not used yet (ack.c) */
		tp->sacked_out -= min(tp->sacked_out, (uint32_t)decr);
}

/* ------------------------------------------------------------------ cutting */

/*
 * The bytes of @skb behind the first @len go to the empty @rest. The shorter part is the one that is copied: a large unit
 * from which small ones are cut, one after the other, keeps its buffer.
 */
static bool split_payload(struct skb_pool *pool, struct sk_buff *skb, struct sk_buff *rest, uint32_t len)
{
	struct sk_buff front;

	if (skb->head == skb->inline_data || len >= skb->len - len) {
		if (!skb_append(pool, rest, skb_data(skb) + len, skb->len - len))
			return false;
		skb->len = len;
		return true;
	}
	if (!skb_append(pool, rest, skb_data(skb), len))
		return false;
	front = *rest;
	rest->head = skb->head;
	rest->cap = skb->cap;
	rest->off = skb->off + len;
	rest->len = skb->len - len;
	skb->head = front.head;
	skb->cap = front.cap;
	skb->off = front.off;
	skb->len = len;
	if (front.head == rest->inline_data) { /* short enough to lie in the sk_buff itself: which is now the other one */
		memcpy(skb->inline_data, front.inline_data, sizeof(skb->inline_data));
		skb->head = skb->inline_data;
	}
	return true;
}

int tcp_fragment(struct sock *sk, struct sk_buff **queue, struct sk_buff *skb, uint32_t len, uint32_t mss_now)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct skb_pool *pool = &sk->net->skbs;
	struct sk_buff *rest = skb_alloc(pool, 0);
	int before_cut = (int)tcp_skb_pcount(skb);

	assert(len <= skb->len);
	if (!rest)
		return -ENOMEM;
	if (!split_payload(pool, skb, rest, len)) {
		skb_free(pool, rest);
		return -ENOMEM;
	}
	rest->seq = skb->seq + len;
	rest->end_seq = skb->end_seq;
	skb->end_seq = rest->seq;
	rest->tcp_flags = skb->tcp_flags;
	skb->tcp_flags &= ~(TCPHDR_FIN | TCPHDR_PSH);
	rest->sacked = skb->sacked;
	rest->retrans = skb->retrans;
	rest->sent_ns = skb->sent_ns;
	rest->eor = skb->eor;
	skb->eor = false;
	tcp_set_skb_tso_segs(skb, mss_now);
	tcp_set_skb_tso_segs(rest, mss_now);
	if (!before(tp->snd_nxt, rest->end_seq)) /* in flight */
		tcp_adjust_pcount(tp, skb, before_cut - (int)tcp_skb_pcount(skb) - (int)tcp_skb_pcount(rest));
	skb_queue_after(queue, skb, rest);
	sk->wmem_queued += TCP_SKB_COST;
	return 0;
}

/* ------------------------------------------------------------------ joining */

/* What @from has beside its bytes passes to @to in front of it; @from is then of no more use. */
static void absorb(struct sk_buff *to, const struct sk_buff *from)
{
	to->end_seq = from->end_seq;
	to->tcp_flags |= from->tcp_flags;
	to->eor = from->eor;
}

void tcp_grow_skb(struct sock *sk, struct sk_buff *skb, uint32_t amount)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct skb_pool *pool = &sk->net->skbs;
	struct sk_buff *next = skb->next;
	uint32_t n;

	if (!next || skb->eor)
		return;
	n = min(amount, next->len);
	if (!n || !skb_append(pool, skb, skb_data(next), n))
		return;
	skb->end_seq += n;
	next->seq += n;
	skb_pull(next, n);
	if (next->len)
		return;
	absorb(skb, next);
	skb_unlink(&tp->write_queue, next);
	tcp_wmem_free_skb(sk, next);
}

static bool may_collapse(const struct sk_buff *skb)
{
	return tcp_skb_pcount(skb) == 1 && !(skb->sacked & TCPCB_SACKED_ACKED);
}

static bool collapse_next(struct sock *sk, struct sk_buff *to)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct skb_pool *pool = &sk->net->skbs;
	struct sk_buff *next = to->next;

	if (!skb_append(pool, to, skb_data(next), next->len))
		return false;
	sk->wmem_queued += next->len; /* for the moment there twice */
	absorb(to, next);
	to->sacked |= next->sacked & TCPCB_EVER_RETRANS;
	tcp_adjust_pcount(tp, next, (int)tcp_skb_pcount(next));
	skb_unlink(&tp->rtx_queue, next);
	tcp_wmem_free_skb(sk, next);
	return true;
}

/* A small segment takes those behind it along when it is sent again, as far as @space and the window go. */
void tcp_retrans_try_collapse(struct sock *sk, struct sk_buff *to, uint32_t space)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!sk->net->sysctl.tcp_retrans_collapse || to->tcp_flags & TCPHDR_SYN || !may_collapse(to))
		return;
	while (to->next && !to->eor && may_collapse(to->next) && to->len + to->next->len <= space &&
	       !after(to->next->end_seq, tcp_wnd_end(tp)))
		if (!collapse_next(sk, to))
			break;
}
