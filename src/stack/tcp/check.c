// SPDX-License-Identifier: MIT
/*
 * tcp/check.c - what may be trusted of a sock, in each state
 *
 * tcp_check() names the first thing that does not hold. Tests and simulations ask after every step; the stack itself never
 * does. Each line is one fact that other code relies on.
 */
#include "stack/tcp/tcp.h"

#define HOLDS(what)                  \
	do {                         \
		if (!(what))         \
			return #what; \
	} while (0)

static uint32_t queued_bytes(struct sk_buff *queue)
{
	uint32_t n = 0;

	for (struct sk_buff *skb = queue; skb; skb = skb->next)
		n += skb->len;
	return n;
}

/* A queue of the send side covers [seq, end) without a hole. Returns its end. */
static bool is_contiguous(const struct sk_buff *queue, uint32_t seq, uint32_t *end)
{
	for (const struct sk_buff *skb = queue; skb; skb = skb->next) {
		if (skb->seq != seq)
			return false;
		seq = skb->end_seq;
	}
	*end = seq;
	return true;
}

static const char *check_send_side(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t pcount = 0, end;

	HOLDS(!after(tp->snd_una, tp->snd_nxt));
	HOLDS(!after(tp->snd_nxt, tp->write_seq));
	HOLDS(queued_bytes(tp->rtx_queue) + queued_bytes(tp->write_queue) == sk->wmem_queued);
	for (struct sk_buff *skb = tp->rtx_queue; skb; skb = skb->next)
		pcount += tcp_skb_pcount(skb);
	HOLDS(pcount == tp->packets_out);
	HOLDS(tp->sacked_out + tp->lost_out <= tp->packets_out);
	HOLDS(tp->retrans_out <= tp->packets_out);
	if (tp->rtx_queue) {
		HOLDS(!after(tp->rtx_queue->seq, tp->snd_una));
		HOLDS(is_contiguous(tp->rtx_queue, tp->rtx_queue->seq, &end));
		HOLDS(end == tp->snd_nxt);
	}
	if (tp->write_queue) {
		HOLDS(is_contiguous(tp->write_queue, tp->snd_nxt, &end));
		HOLDS(end == tp->write_seq);
	}
	return NULL;
}

static const char *check_receive_side(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t ofo_bytes = 0, last = tp->rcv_nxt;

	HOLDS(!after(tp->copied_seq, tp->rcv_nxt));
	HOLDS(!after(tp->rcv_wup, tp->rcv_nxt));
	if (tp->receive_queue)
		HOLDS(skb_peek_tail(tp->receive_queue)->end_seq == tp->rcv_nxt);
	if (tp->ofo) {
		for (struct sk_buff *skb = tp->ofo->queue; skb; skb = skb->next) {
			HOLDS(!before(skb->seq, last));
			last = skb->end_seq;
			ofo_bytes += skb->len;
		}
		HOLDS(tp->ofo->num_sacks <= 4);
	}
	HOLDS(ofo_bytes + queued_bytes(tp->receive_queue) == sk->rmem_alloc);
	HOLDS(!sock_flag(sk, SOCK_DONE) || sk->shutdown & RCV_SHUTDOWN);
	HOLDS(!sock_flag(sk, SOCK_DONE) || !tp->ofo || !tp->ofo->queue);
	return NULL;
}

/* The timer that promises the connection an end, or a next step. */
static const char *check_timers(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	HOLDS(!sk->deadlines || timer_armed(&sk->common.timer));
	HOLDS(!tp->packets_out || tcp_deadline_set(sk, SOCK_RETRANS));
	if (tp->write_queue && !tp->packets_out && sk_in(sk, TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK))
		HOLDS(tcp_deadline_set(sk, SOCK_RETRANS)); /* a FIN that cannot leave is probed for */
	return NULL;
}

static const char *check_state(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool fin_queued = sk_in(sk, TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSING | TCPF_LAST_ACK);

	switch (sk->common.state) {
	case TCP_CLOSE:
		HOLDS(!sk->common.hashed);
		HOLDS(!sk->deadlines);
		HOLDS(!tp->rtx_queue && !tp->write_queue);
		return NULL;
	case TCP_LISTEN:
		HOLDS(tp->listen);
		HOLDS(sk->common.hashed && sk->bind);
		HOLDS(sk->socket);
		return NULL;
	case TCP_FIN_WAIT2:
		HOLDS(tp->snd_una == tp->write_seq);
		break;
	default:
		break;
	}
	HOLDS(sk->common.hashed && sk->bind);
	HOLDS(sk->common.num && sk->common.dport);
	HOLDS(!fin_queued || sk->shutdown & SEND_SHUTDOWN);
	HOLDS(!sk_in(sk, TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING) || sock_flag(sk, SOCK_DONE));
	return NULL;
}

const char *tcp_check(struct sock *sk)
{
	const char *broken;

	HOLDS(sk->refcnt > 0);
	HOLDS(!sock_flag(sk, SOCK_DEAD) || !sk->socket);
	HOLDS(!sock_flag(sk, SOCK_DEAD) || sk_in(sk, TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSING | TCPF_LAST_ACK));
	broken = check_state(sk);
	if (!broken && sk->common.state != TCP_CLOSE && sk->common.state != TCP_LISTEN) {
		broken = check_send_side(sk);
		broken = broken ? broken : check_receive_side(sk);
		broken = broken ? broken : check_timers(sk);
	}
	return broken;
}
