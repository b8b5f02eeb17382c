// SPDX-License-Identifier: MIT
/*
 * tcp/ofo.c - what arrives out of order, and the SACK blocks that tell of it (RFC 2018, RFC 2883)
 *
 *	tcp_data_queue_ofo   a segment lies ahead of rcv_nxt: keep it, sorted, without overlaps
 *	tcp_ofo_queue        a hole was filled: what follows moves to the receive queue
 *	tcp_dsack_set        something came twice: the next ACK says so
 *
 * All of it hangs on tcp_sock.ofo, which exists only while there is something to keep or to tell.
 */
#include "stack/tcp/tcp.h"

static struct tcp_ofo *ofo_get(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->ofo)
		tp->ofo = slab_zalloc(&sk->net->tcp->ofos);
	return tp->ofo;
}

/* Nothing kept and nothing to tell: an idle connection does not pay for it. */
static void ofo_put_if_idle(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ofo && !tp->ofo->queue && !tp->ofo->num_sacks && !tp->ofo->dsack) {
		slab_free(&sk->net->tcp->ofos, tp->ofo);
		tp->ofo = NULL;
	}
}

static void drop(struct sock *sk, struct tcp_ofo *ofo, struct sk_buff *skb)
{
	sk->rmem_alloc -= skb->len;
	skb_unlink(&ofo->queue, skb);
	skb_free(&sk->net->skbs, skb);
}

void tcp_ofo_purge(struct sock *sk)
{
	struct tcp_ofo *ofo = tcp_sk(sk)->ofo;

	if (!ofo)
		return;
	while (ofo->queue)
		drop(sk, ofo, ofo->queue);
	slab_free(&sk->net->tcp->ofos, ofo);
	tcp_sk(sk)->ofo = NULL;
}

/* ------------------------------------------------------------------ SACK blocks */

void tcp_dsack_set(struct sock *sk, uint32_t seq, uint32_t end_seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_ofo *ofo;

	if (!tp->sack_ok || !sk->net->sysctl.tcp_dsack)
		return;
	ofo = ofo_get(sk);
	if (!ofo)
		return; /* a hint only */
	NET_INC(sk->net, before(seq, tp->rcv_nxt) ? MIB_TcpExt_TCPDSACKOldSent : MIB_TcpExt_TCPDSACKOfoSent);
	ofo->dsack = true;
	ofo->duplicate_sack = (struct sack_block){ seq, end_seq };
}

/* It goes with an ACK before the next segment with text that is not predicted, or not at all. */
void tcp_dsack_forget(struct sock *sk)
{
	tcp_sk(sk)->ofo->dsack = false;
	ofo_put_if_idle(sk);
}

/* More that came twice, with the same segment: one block tells of it if both meet, else of the first. */
static void dsack_extend(struct sock *sk, uint32_t seq, uint32_t end_seq)
{
	struct tcp_ofo *ofo = tcp_sk(sk)->ofo;
	struct sack_block *block = &ofo->duplicate_sack;

	if (!ofo->dsack) {
		tcp_dsack_set(sk, seq, end_seq);
	} else if (!after(seq, block->end) && !before(end_seq, block->start)) {
		if (before(seq, block->start))
			block->start = seq;
		if (after(end_seq, block->end))
			block->end = end_seq;
	}
}

/* The block that holds the newest segment comes first; blocks that it joins with are merged into it. */
static void sack_add(struct tcp_ofo *ofo, uint32_t seq, uint32_t end_seq)
{
	struct sack_block first = { seq, end_seq };
	unsigned kept = 0;
	struct sack_block old[4];

	memcpy(old, ofo->selective_acks, sizeof(old));
	for (unsigned i = 0; i < ofo->num_sacks; i++) {
		if (!after(old[i].start, first.end) && !before(old[i].end, first.start)) {
			if (before(old[i].start, first.start))
				first.start = old[i].start;
			if (after(old[i].end, first.end))
				first.end = old[i].end;
		} else if (kept < ARRAY_SIZE(old) - 1) {
			ofo->selective_acks[1 + kept++] = old[i];
		}
	}
	ofo->selective_acks[0] = first;
	ofo->num_sacks = (uint8_t)(kept + 1);
}

/* What has become in order needs no block any more. */
static void sack_remove(struct tcp_sock *tp)
{
	struct tcp_ofo *ofo = tp->ofo;
	unsigned kept = 0;

	if (!ofo->queue) {
		ofo->num_sacks = 0;
		return;
	}
	for (unsigned i = 0; i < ofo->num_sacks; i++)
		if (before(tp->rcv_nxt, ofo->selective_acks[i].start))
			ofo->selective_acks[kept++] = ofo->selective_acks[i];
	ofo->num_sacks = (uint8_t)kept;
}

/* ------------------------------------------------------------------ the queue */

/* The last entry that begins at or before @seq; NULL: none. New segments mostly belong at the end: search from there. */
static struct sk_buff *find_before(struct tcp_ofo *ofo, uint32_t seq)
{
	struct sk_buff *skb = skb_peek_tail(ofo->queue);

	while (skb && after(skb->seq, seq))
		skb = skb == ofo->queue ? NULL : skb->prev;
	return skb;
}

/* Entries that the new one covers wholly go; one that it meets in part is met by cutting the new one's end. Returns the new
 * end, which does not reach into the next entry. */
static uint32_t cover(struct sock *sk, struct tcp_ofo *ofo, struct sk_buff *next, uint32_t end_seq)
{
	struct sk_buff *tmp;

	for (; next && after(end_seq, next->seq); next = tmp) {
		tmp = next->next;
		if (before(end_seq, next->end_seq)) {
			dsack_extend(sk, next->seq, end_seq);
			return next->seq;
		}
		dsack_extend(sk, next->seq, next->end_seq);
		NET_INC(sk->net, MIB_TcpExt_TCPOFOMerge);
		drop(sk, ofo, next);
	}
	return end_seq;
}

/* Places [seq, end_seq) of the segment behind @prev. False: no memory. */
static bool insert(struct sock *sk, struct tcp_ofo *ofo, struct sk_buff *prev, const struct tcp_seg *seg, uint32_t seq,
		   uint32_t end_seq)
{
	struct skb_pool *pool = &sk->net->skbs;
	bool fin = seg_has(seg, TCPHDR_FIN) && end_seq == seg->end_seq;
	uint32_t len = end_seq - seq - fin;
	struct sk_buff *skb;

	skb = skb_alloc(pool, len);
	if (!skb)
		return false;
	skb_append(pool, skb, seg->data + (seq - seg->seq), len);
	skb->seq = seq;
	skb->end_seq = end_seq;
	skb->tcp_flags = fin ? TCPHDR_FIN : 0;
	if (prev)
		skb_queue_after(&ofo->queue, prev, skb);
	else
		skb_queue_head(&ofo->queue, skb);
	sk->rmem_alloc += len;
	return true;
}

void tcp_data_queue_ofo(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_ofo *ofo = ofo_get(sk);
	uint32_t seq = seg->seq, end_seq = seg->end_seq;
	struct sk_buff *prev;

	if (!ofo || tcp_rmem_full(sk, seg->len)) {
		NET_INC(sk->net, MIB_TcpExt_TCPOFODrop);
		tcp_data_ready(sk);
		ofo_put_if_idle(sk);
		return;
	}
	tp->ack.pending |= ICSK_ACK_SCHED;
	tcp_measure_rcv_mss(sk, seg);
	NET_INC(sk->net, MIB_TcpExt_TCPOFOQueue);
	ofo = ofo_get(sk); /* pruning may have taken it */
	if (!ofo)
		return;
	prev = find_before(ofo, seq);
	if (prev && prev->seq == seq && after(end_seq, prev->end_seq))
		prev = prev == ofo->queue ? NULL : prev->prev; /* it gives way, whatever stood on it: a FIN is forgotten */
	if (prev && before(seq, prev->end_seq)) {
		if (!after(end_seq, prev->end_seq)) { /* all of it is here */
			NET_INC(sk->net, MIB_TcpExt_TCPOFOMerge);
			tcp_dsack_set(sk, seq, end_seq);
			if (tp->sack_ok)
				sack_add(ofo, prev->seq, prev->end_seq);
			return;
		}
		tcp_dsack_set(sk, seq, prev->end_seq);
		seq = prev->end_seq;
	}
	end_seq = cover(sk, ofo, prev ? prev->next : ofo->queue, end_seq);
	if (after(end_seq, seq) && !insert(sk, ofo, prev, seg, seq, end_seq)) {
		NET_INC(sk->net, MIB_TcpExt_TCPOFODrop);
		ofo_put_if_idle(sk);
		return;
	}
	if (tp->sack_ok)
		sack_add(ofo, seq, end_seq);
	if (seg->len >= 128)
		tcp_grow_window(sk, seg->len);
}

/* RFC 5681 section 4.2: a gap that was filled is acknowledged at once, with a FIN behind it too. */
void tcp_ofo_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t dsack_high = tp->rcv_nxt;
	bool hole = tp->ofo->queue, fin;
	struct sk_buff *skb;

	while (tp->ofo && (skb = tp->ofo->queue) && !after(skb->seq, tp->rcv_nxt)) {
		uint32_t known = tp->rcv_nxt - skb->seq;

		fin = skb->tcp_flags & TCPHDR_FIN;
		if (before(skb->seq, dsack_high))
			dsack_extend(sk, skb->seq, before(skb->end_seq, dsack_high) ? skb->end_seq : dsack_high);
		if (!after(skb->end_seq, tp->rcv_nxt)) {
			drop(sk, tp->ofo, skb);
			continue;
		}
		if (!tcp_queue_rcv(sk, tp->rcv_nxt, skb_data(skb) + known, skb->len - known, fin))
			return; /* no memory: it waits here; the ACK already sent did not cover it */
		drop(sk, tp->ofo, skb);
		if (fin) {
			tp->ack.pending |= ICSK_ACK_NOW;
			tcp_fin(sk); /* purges the rest */
			return;
		}
	}
	if (!tp->ofo)
		return;
	if (hole && !tp->ofo->queue)
		tp->ack.pending |= ICSK_ACK_NOW;
	sack_remove(tp);
	ofo_put_if_idle(sk);
}
