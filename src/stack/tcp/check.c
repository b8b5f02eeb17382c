// SPDX-License-Identifier: MIT
/*
 * tcp/check.c - what may be trusted of a sock, in each state
 *
 * tcp_check() names the first thing that does not hold. Tests and simulations ask after every step; the stack itself never
 * does. Each line is one fact that other code relies on. Most hold in every state that has a peer (the three check_*_side
 * and check_timers); those of one state alone stand in a function of its name.
 */
#include "stack/tcp/fastopen.h"

#define HOLDS(what)                  \
	do {                         \
		if (!(what))         \
			return #what; \
	} while (0)

/* The states that a queued FIN leads to, and those that the peer's does. */
#define FIN_QUEUED   (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSING | TCPF_LAST_ACK)
#define FIN_UNACKED  (TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK)
#define FIN_RECEIVED (TCPF_CLOSE_WAIT | TCPF_CLOSING | TCPF_LAST_ACK)

/* ------------------------------------------------------------------ queues */

static uint32_t queued_bytes(struct sk_buff *queue)
{
	uint32_t n = 0;

	for (struct sk_buff *skb = queue; skb; skb = skb->next)
		n += skb->len;
	return n;
}

static uint32_t queue_cost(const struct sk_buff *queue)
{
	uint32_t n = 0;

	for (const struct sk_buff *skb = queue; skb; skb = skb->next)
		n += tcp_skb_truesize(skb);
	return n;
}

/* A queue covers [seq, end) without a hole. Returns its end. */
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

/* FIN stands on the very last buffer of the send queues, and on no other. */
static unsigned fins_queued(const struct tcp_sock *tp, bool *last)
{
	unsigned n = 0;

	*last = false;
	for (const struct sk_buff *skb = tp->rtx_queue; skb; skb = skb->next) {
		n += !!(skb->tcp_flags & TCPHDR_FIN);
		*last = skb->tcp_flags & TCPHDR_FIN;
	}
	for (const struct sk_buff *skb = tp->write_queue; skb; skb = skb->next) {
		n += !!(skb->tcp_flags & TCPHDR_FIN);
		*last = skb->tcp_flags & TCPHDR_FIN;
	}
	return n;
}

static const char *check_send_side(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t pcount = 0, lost = 0, sacked = 0, end;

	HOLDS(!after(tp->snd_una, tp->snd_nxt));
	HOLDS(!after(tp->snd_nxt, tp->write_seq));
	HOLDS(queue_cost(tp->rtx_queue) + queue_cost(tp->write_queue) == sk->wmem_queued);
	for (struct sk_buff *skb = tp->rtx_queue; skb; skb = skb->next) {
		pcount += tcp_skb_pcount(skb);
		lost += skb->sacked & TCPCB_LOST ? tcp_skb_pcount(skb) : 0;
		sacked += skb->sacked & TCPCB_SACKED_ACKED ? tcp_skb_pcount(skb) : 0;
	}
	HOLDS(pcount == tp->packets_out);
	HOLDS(lost == tp->lost_out);
	HOLDS(sacked <= tp->sacked_out);
	HOLDS(tp->sacked_out + tp->lost_out <= tp->packets_out);
	HOLDS(tp->retrans_out <= tp->packets_out);
	HOLDS(tp->rtx_queue || tp->snd_una == tp->snd_nxt);
	HOLDS(tp->write_queue || tp->snd_nxt == tp->write_seq);
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

static const char *check_out_of_order(const struct sock *sk, uint32_t *bytes)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t last = tp->rcv_nxt;

	for (struct sk_buff *skb = tp->ofo->queue; skb; skb = skb->next) {
		HOLDS(!before(skb->seq, last));
		last = skb->end_seq;
		*bytes += skb->len;
	}
	HOLDS(tp->ofo->num_sacks <= 4);
	HOLDS(!sock_flag(sk, SOCK_DONE) || !tp->ofo->queue);
	return NULL;
}

/* Whatever was acknowledged is there for the reader, or was read: until the owner gives up reading. */
static const char *check_receive_side(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t ofo_bytes = 0, end = 0;
	const char *broken = tp->ofo ? check_out_of_order(sk, &ofo_bytes) : NULL;

	if (broken)
		return broken;
	HOLDS(!after(tp->copied_seq, tp->rcv_nxt));
	HOLDS(!after(tp->rcv_wup, tp->rcv_nxt));
	HOLDS(ofo_bytes + queued_bytes(tp->receive_queue) == sk->rmem_alloc);
	if (tp->receive_queue) {
		HOLDS(!after(tp->receive_queue->seq, tp->copied_seq));
		HOLDS(is_contiguous(tp->receive_queue, tp->receive_queue->seq, &end));
		HOLDS(end == tp->rcv_nxt);
	} else {
		HOLDS(sk->shutdown & RCV_SHUTDOWN || tp->copied_seq == tp->rcv_nxt);
	}
	HOLDS(!sock_flag(sk, SOCK_DONE) || sk->shutdown & RCV_SHUTDOWN);
	HOLDS(!sock_flag(sk, SOCK_DEAD) || !queued_bytes(tp->receive_queue)); /* a bare FIN may stand there */
	return NULL;
}

/* ------------------------------------------------------------------ timers */

/* The one that promises the connection an end, or a next step. */
static const char *check_timers(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	HOLDS(!sk->deadlines || timer_armed(&sk->common.timer));
	HOLDS(tcp_deadline_set(sk, SOCK_RETRANS) == (tp->retrans_kind != ICSK_TIME_NONE));
	HOLDS(!(tp->ack.pending & ICSK_ACK_TIMER) || tcp_deadline_set(sk, SOCK_DELACK));
	HOLDS(!tp->packets_out || tcp_deadline_set(sk, SOCK_RETRANS));
	HOLDS(tp->packets_out || tp->retrans_kind == ICSK_TIME_NONE || tp->retrans_kind == ICSK_TIME_PROBE0 ||
	      sock_flag(sk, SOCK_FASTOPEN_REQ));
	if (tp->write_queue && !tp->packets_out && sk_in(sk, FIN_UNACKED))
		HOLDS(tcp_deadline_set(sk, SOCK_RETRANS)); /* a FIN that cannot leave is probed for */
	return NULL;
}

/* ------------------------------------------------------------------ each state */

/* Nobody finds it, nothing happens to it any more; what was received may still be read (RR-05). */
static const char *check_closed(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	HOLDS(!sk->common.hashed);
	HOLDS(!sk->deadlines && !timer_armed(&sk->common.timer));
	HOLDS(!tp->rtx_queue && !tp->write_queue);
	HOLDS(!sk->wmem_queued && !tp->packets_out);
	return NULL;
}

static const char *check_listener(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t waiting = 0;

	HOLDS(tp->listen);
	HOLDS(sk->common.hashed && sk->bind);
	HOLDS(sk->socket);
	HOLDS(!sk->deadlines);
	HOLDS(!tp->rtx_queue && !tp->write_queue && !tp->receive_queue && !tp->ofo);
	HOLDS(tp->listen->young <= tp->listen->qlen);
	for (struct sock *child = tp->listen->accept_head; child; child = tcp_sk(child)->accept_next) {
		HOLDS(!child->socket && !sock_flag(child, SOCK_DEAD));
		HOLDS(tcp_sk(child)->accept_next || child == tp->listen->accept_tail);
		waiting++;
	}
	HOLDS(waiting == tp->listen->ack_backlog);
	return NULL;
}

/*
 * Its SYN, or crossed SYN-ACK, is all that it has sent; programs' data waits outside (SP). A child whose last ACK carried a
 * SYN too was refused that segment: it is in SYN_RECV with nothing in flight and no timer, until the next one.
 */
static const char *check_opening(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool child = sk->common.state == TCP_SYN_RECV && tp->snd_una == tp->write_seq;

	HOLDS(!sock_flag(sk, SOCK_DEAD) && !sock_flag(sk, SOCK_DONE));
	if (sock_flag(sk, SOCK_FASTOPEN_REQ)) { /* it reads and writes already */
		HOLDS(tp->retrans_kind == ICSK_TIME_RETRANS);
		return NULL;
	}
	if (sock_flag(sk, SOCK_FASTOPEN)) { /* its SYN and data are two */
		HOLDS(tp->packets_out <= 2 && tp->retrans_kind == ICSK_TIME_RETRANS);
		HOLDS(tp->write_seq == tp->snd_una + 1 + queued_bytes(tp->rtx_queue) + queued_bytes(tp->write_queue));
		return NULL;
	}
	HOLDS(!tp->write_queue && !tp->receive_queue);
	HOLDS(!tp->ofo || (sk->common.state == TCP_SYN_RECV && !tp->ofo->queue));
	HOLDS(child || tp->write_seq == tp->snd_una + 1);
	HOLDS(child || (tp->packets_out == 1 && tp->retrans_kind == ICSK_TIME_RETRANS));
	return NULL;
}

/* Its SYN waits for the first write(), and no number means anything yet. */
static const char *check_deferred(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	HOLDS(sk->common.state == TCP_SYN_SENT && sk->common.hashed && sk->bind);
	HOLDS(!tcp_deadline_set(sk, SOCK_RETRANS) && !tp->rtx_queue && !tp->write_queue && !tp->receive_queue);
	return NULL;
}

/* The request that a child of Fast Open still needs, and the limit that it counts against. */
static const char *check_fastopen(struct sock *sk)
{
	const struct tcp_fastopen *fo = tcp_fastopen(sk);
	uint32_t resets = 0;

	HOLDS(fo);
	HOLDS(!fo->req == !sock_flag(sk, SOCK_FASTOPEN_REQ));
	HOLDS(!fo->req || sk_in(sk, TCPF_SYN_RECV | TCPF_FIN_WAIT1));
	HOLDS(!fo->req || (fo->req->listener->refcnt > 0 && tcp_fastopen(fo->req->listener)->qlen > 0));
	HOLDS(!fo->io || sk->socket);
	for (const struct request_sock *req = fo->rst_head; req; req = req == fo->rst_tail ? NULL : tcp_fastopen_next_reset(req))
		resets++;
	HOLDS(resets <= fo->qlen);
	HOLDS(!resets || sk->common.state == TCP_LISTEN);
	return NULL;
}

static const char *check_open(struct sock *sk)
{
	bool last;

	HOLDS(!fins_queued(tcp_sk(sk), &last));
	HOLDS(!sock_flag(sk, SOCK_DEAD));
	return NULL;
}

/* Our FIN waits at the end of what we have to say. For want of memory there may be none (US-09), and then no data either. */
static const char *check_fin_unacked(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool last;
	unsigned fins = fins_queued(tp, &last);

	HOLDS(fins <= 1);
	HOLDS(!fins || last);
	HOLDS(!fins || before(tp->snd_una, tp->write_seq));
	return NULL;
}

/* All that we had to say was heard. Only an orphan has a limit, and then it is its only timer. */
static const char *check_fin_wait2(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	HOLDS(tp->snd_una == tp->write_seq);
	HOLDS(!tp->rtx_queue && !tp->write_queue);
	HOLDS(!tcp_deadline_set(sk, SOCK_RETRANS));
	HOLDS(!sock_flag(sk, SOCK_DONE));
	HOLDS(!sock_flag(sk, SOCK_DEAD) || tcp_deadline_set(sk, SOCK_KEEPALIVE));
	return NULL;
}

static const char *check_state(struct sock *sk)
{
	switch (sk->common.state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return check_opening(sk);
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		return check_open(sk);
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return check_fin_unacked(sk);
	case TCP_FIN_WAIT2:
		return check_fin_wait2(sk);
	}
	return "a state that no sock has";
}

static const char *check_connection(struct sock *sk)
{
	HOLDS(sk->common.hashed && sk->bind);
	HOLDS(sk->common.num && sk->common.dport);
	HOLDS(!sk_in(sk, FIN_QUEUED) || sk->shutdown & SEND_SHUTDOWN);
	HOLDS(!sk_in(sk, FIN_RECEIVED) == !sock_flag(sk, SOCK_DONE));
	HOLDS(!sock_flag(sk, SOCK_DEAD) || sk->shutdown == SHUTDOWN_MASK);
	HOLDS(!sock_flag(sk, SOCK_DEAD) || sk_in(sk, FIN_QUEUED));
	return NULL;
}

const char *tcp_check(struct sock *sk)
{
	const char *broken;

	HOLDS(sk->refcnt > 0);
	HOLDS(!sock_flag(sk, SOCK_DEAD) || !sk->socket);
	broken = sock_flag(sk, SOCK_FASTOPEN) ? check_fastopen(sk) : NULL;
	if (broken)
		return broken;
	if (sock_flag(sk, SOCK_DEFER_CONNECT) && !tcp_fastopen(sk)->pending)
		return check_deferred(sk);
	if (sk->common.state == TCP_CLOSE)
		return check_closed(sk);
	if (sk->common.state == TCP_LISTEN)
		return check_listener(sk);
	broken = check_connection(sk);
	broken = broken ? broken : check_state(sk);
	broken = broken ? broken : check_send_side(sk);
	broken = broken ? broken : check_receive_side(sk);
	return broken ? broken : check_timers(sk);
}

/* ------------------------------------------------------------------ the small ones: found by segments, ended by a timer */

const char *tcp_check_request(const struct request_sock *req)
{
	HOLDS(req->common.hashed && timer_armed(&req->common.timer));
	HOLDS(req->listener && req->listener->refcnt > 0);
	HOLDS(req->common.num && req->common.dport);
	return NULL;
}

const char *tcp_check_timewait(const struct timewait_sock *tw)
{
	HOLDS(tw->common.hashed && timer_armed(&tw->common.timer));
	HOLDS(tw->bind);
	HOLDS(tw->common.num && tw->common.dport);
	return NULL;
}
