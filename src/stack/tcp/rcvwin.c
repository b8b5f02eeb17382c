// SPDX-License-Identifier: MIT
/*
 * tcp/rcvwin.c - the window that is offered
 *
 *	handshake    tcp_select_initial_window: first window and scale, from the buffer's size
 *	data come    tcp_grow_window: rcv_ssthresh, the most that is offered, rises with what arrives well filled
 *	             tcp_rmem_full: no room; out-of-order data are forgotten first
 *	read()       tcp_rcv_space_adjust: the buffer grows with the rate of reading;  tcp_cleanup_rbuf: is an ACK due?
 *	any segment  tcp_select_window: what its header says
 *
 * Linux counts what a buffer costs, and turns bytes of memory into bytes of window by a ratio: one half to begin with, then
 * payload to cost of the largest segments that have arrived. Here buffers are counted in payload bytes. The ratio is learnt
 * as Linux learns it, and what waits to be read is taken to have come in segments of rcv_mss bytes; what those cost is
 * computed. So the windows of uniform traffic are Linux's (docs/LINUX.md).
 */
#include "stack/tcp/output.h"

static uint32_t round_up_to(uint32_t n, uint32_t pow2) { return (n + pow2 - 1) & ~(pow2 - 1); }
static uint32_t round_down_to(uint32_t n, uint32_t pow2) { return n & ~(pow2 - 1); }

/* ------------------------------------------------------------------ memory and window */

enum { BUFFER_OVERHEAD = 40 + 64 + 320, SK_BUFF_COST = 256 }; /* headers, padding, skb_shared_info */

/* The buffer of a segment of @len bytes behind a TUN or Ethernet device, in the allocator's sizes. */
static uint32_t buffer_size(uint32_t len)
{
	uint32_t size = 1024;

	if (len + BUFFER_OVERHEAD <= 640)
		return 640;
	while (size < len + BUFFER_OVERHEAD)
		size <<= 1;
	return size;
}

/* What it costs Linux. A unit that arrives whole lies in pages. */
uint32_t tcp_truesize(uint32_t len)
{
	return len + BUFFER_OVERHEAD > 4096 ? len + 1024 : buffer_size(len) + SK_BUFF_COST;
}

/* What @bytes cost that wait to be read, if they came in segments of @mss bytes: small ones share a buffer. */
uint64_t tcp_queue_cost(uint32_t bytes, uint32_t mss)
{
	uint32_t per_buffer = mss;

	if (mss + BUFFER_OVERHEAD <= 4096)
		per_buffer = (buffer_size(mss) - BUFFER_OVERHEAD) / mss * mss;
	return (uint64_t)((bytes + per_buffer - 1) / per_buffer) * tcp_truesize(mss);
}

static uint32_t ratio(const struct sock *sk) /* of 256 */
{
	return likely(tcp_sk(sk)->scaling_ratio) ? tcp_sk(sk)->scaling_ratio : 128;
}

static uint32_t win_from_space(const struct sock *sk, uint32_t space)
{
	return (uint32_t)((uint64_t)space * ratio(sk) >> 8);
}

static uint64_t space_from_win(const struct sock *sk, uint64_t win)
{
	return (win << 8) / ratio(sk);
}

uint32_t tcp_full_space(const struct sock *sk)
{
	return win_from_space(sk, sk->rcvbuf);
}

/* Negative: more has arrived than was ever offered. */
int32_t tcp_space(const struct sock *sk)
{
	uint64_t cost = sk->rmem_alloc ? tcp_queue_cost(sk->rmem_alloc, max_t(uint32_t, tcp_sk(sk)->rcv_mss, 1)) : 0;

	if (unlikely(cost > sk->rcvbuf))
		return -(int32_t)win_from_space(sk, (uint32_t)(cost - sk->rcvbuf));
	return (int32_t)win_from_space(sk, (uint32_t)(sk->rcvbuf - cost));
}

uint32_t tcp_receive_window(const struct tcp_sock *tp)
{
	int32_t win = (int32_t)(tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt);

	return (uint32_t)max(win, 0);
}

/* ------------------------------------------------------------------ in the handshake */

/* Whole segments; scaled so that the largest buffer there may ever be can be offered. */
void tcp_select_initial_window(const struct sock *sk, uint32_t space, uint32_t mss, bool wscale_ok, uint32_t *rcv_wnd,
			       uint32_t *window_clamp, uint8_t *rcv_wscale)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	uint32_t clamp = *window_clamp ? *window_clamp : 65535u << TCP_MAX_WSCALE;
	uint32_t largest;

	space = min(space, clamp);
	if (space > mss)
		space -= space % mss;
	*rcv_wnd = unlikely(sysctl->tcp_workaround_signed_windows) ? min_t(uint32_t, space, MAX_TCP_WINDOW) : space;
	*rcv_wscale = 0;
	if (wscale_ok) {
		largest = max(max(space, (uint32_t)sysctl->tcp_rmem[2]), (uint32_t)sysctl->rmem_max);
		largest = min(largest, clamp);
		if (largest > 65535) /* so many bits more than a header's 16 */
			*rcv_wscale = (uint8_t)min(16 - __builtin_clz(largest), TCP_MAX_WSCALE);
	}
	*window_clamp = min(65535u << *rcv_wscale, clamp);
}

/* ------------------------------------------------------------------ what a header says */

/* Little room: nothing is offered rather than crumbs (silly window, RFC 9293 section 3.8.6.2.2). */
static bool too_little(const struct tcp_sock *tp, uint32_t room, uint32_t mss)
{
	return room < tcp_full_space(&tp->sk) >> 4 || room < mss;
}

/* tcp_shrink_window: the window follows the room even where that takes back what was offered. */
static uint32_t shrinking_window(const struct tcp_sock *tp, uint32_t room, bool scarce, uint32_t mss)
{
	uint32_t unit = 1u << tp->rcv_wscale;

	room = round_down_to(room, unit);
	if (scarce && (too_little(tp, room, mss) || room < unit))
		return 0;
	return room > tp->rcv_ssthresh ? round_up_to(tp->rcv_ssthresh, unit) : room;
}

/* Without scaling: multiples of the peer's segment, and the old value as long as it is good enough. */
static uint32_t whole_segments(const struct tcp_sock *tp, uint32_t room, uint32_t mss, uint32_t full)
{
	uint32_t window = tp->rcv_wnd;

	if (window + mss <= room || window > room)
		return room - room % mss;
	if (mss == full && room > window + (full >> 1))
		return room;
	return window;
}

uint32_t __tcp_select_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t space = tcp_full_space(sk), full = min(tp->window_clamp, space);
	uint32_t room = sk->rmem_alloc ? (uint32_t)max(tcp_space(sk), 0) : space;
	uint32_t mss = min_t(uint32_t, tp->rcv_mss, full);
	uint32_t unit = 1u << tp->rcv_wscale;
	bool scarce = room < full >> 1;

	if (unlikely(!mss))
		return 0;
	if (unlikely(scarce))
		tp->ack.quick = 0;
	if (unlikely(sk->net->sysctl.tcp_shrink_window && tp->rcv_wscale))
		return shrinking_window(tp, room, scarce, mss);
	if (unlikely(scarce)) {
		room = round_down_to(room, unit); /* scaling must not make more of it */
		if (too_little(tp, room, mss))
			return 0;
	}
	room = min(room, tp->rcv_ssthresh);
	return tp->rcv_wscale ? round_up_to(room, unit) : whole_segments(tp, room, mss, full);
}

/* Never less than was offered before, but for data that had to be dropped for want of memory. */
static uint32_t next_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t offered, window;

	if (unlikely(tp->ack.pending & ICSK_ACK_NOMEM))
		return 0;
	offered = tcp_receive_window(tp);
	window = __tcp_select_window(sk);
	if (likely(window >= offered) || (tp->rcv_wscale && sk->net->sysctl.tcp_shrink_window))
		return window;
	if (unlikely(!window))
		NET_INC(sk->net, MIB_TcpExt_TCPWantZeroWindowAdv);
	return round_up_to(offered, 1u << tp->rcv_wscale);
}

uint16_t tcp_select_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool was_open = tp->rcv_wnd;
	uint32_t most = 65535u << tp->rcv_wscale;
	uint16_t said;

	tp->rcv_wnd = next_window(sk);
	tp->rcv_wup = tp->rcv_nxt;
	if (unlikely(sk->net->sysctl.tcp_workaround_signed_windows && !tp->rcv_wscale))
		most = MAX_TCP_WINDOW;
	said = (uint16_t)(min(tp->rcv_wnd, most) >> tp->rcv_wscale);
	if (unlikely(was_open != !!said))
		NET_INC(sk->net, said ? MIB_TcpExt_TCPFromZeroWindowAdv : MIB_TcpExt_TCPToZeroWindowAdv);
	return said;
}

/* ------------------------------------------------------------------ data come */

/* A segment of another size than before has arrived, the largest yet: what it says of the ratio. */
void tcp_learn_scaling_ratio(struct sock *sk, uint32_t len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = min((len << 8) / tcp_truesize(len), 255u), was = ratio(sk), clamp;

	tp->scaling_ratio = (uint8_t)max(now, 1u);
	if (now == was)
		return;
	clamp = max(tcp_full_space(sk), 1152u); /* half of SOCK_MIN_RCVBUF */
	if (clamp < tp->window_clamp)
		tp->rcv_ssthresh = min(tp->rcv_ssthresh, clamp);
	else
		tp->rcv_ssthresh = max(tp->rcv_ssthresh, min(tp->rcv_wnd, clamp));
	tp->window_clamp = clamp;
	tp->rcvq_space.space = min(tp->rcvq_space.space, clamp);
}

/* A segment that costs more than its window's worth: how far may the window grow all the same? */
static uint32_t grow_for_costly(const struct sock *sk, uint32_t len)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t cost = win_from_space(sk, tcp_truesize(len)) >> 1;
	uint32_t window = win_from_space(sk, (uint32_t)sk->net->sysctl.tcp_rmem[2]) >> 1;

	for (; tp->rcv_ssthresh <= window; window >>= 1, cost >>= 1)
		if (cost <= len)
			return 2u * tp->rcv_mss;
	return 0;
}

/* Two segments more for each that arrives: the window keeps ahead of a sender in slow start. */
void tcp_grow_window(struct sock *sk, uint32_t len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int64_t room = (int64_t)min_t(int64_t, tp->window_clamp, tcp_space(sk)) - tp->rcv_ssthresh;
	uint32_t more;

	if (room <= 0)
		return;
	more = win_from_space(sk, tcp_truesize(len)) <= len ? 2u * tp->advmss : grow_for_costly(sk, len);
	if (!more)
		return;
	tp->rcv_ssthresh += min_t(uint32_t, room, max(more, 2 * len));
	tp->ack.quick |= 1;
}

/* An empty queue takes anything: else a segment larger than the buffer could never arrive. */
static bool fits(const struct sock *sk, uint32_t need)
{
	return !sk->rmem_alloc || (uint64_t)sk->rmem_alloc + need <= sk->rcvbuf;
}

/* Out-of-order data go from the far end, an eighth of the buffer at a time; the peer is told that we no longer have them. */
static void prune_ofo_queue(struct sock *sk, uint32_t need)
{
	struct tcp_ofo *ofo = tcp_sk(sk)->ofo;
	uint32_t goal = sk->rcvbuf >> 3, gone = 0;
	struct sk_buff *skb;

	if (!ofo || !ofo->queue)
		return;
	while ((skb = skb_peek_tail(ofo->queue))) {
		gone += skb->len;
		sk->rmem_alloc -= skb->len;
		skb_unlink(&ofo->queue, skb);
		skb_free(&sk->net->skbs, skb);
		if (gone < goal)
			continue;
		if (fits(sk, need))
			break;
		gone = 0;
	}
	NET_INC(sk->net, MIB_TcpExt_OfoPruned);
	ofo->num_sacks = 0;
	ofo->dsack = false;
	if (!ofo->queue)
		tcp_ofo_purge(sk);
}

/* The buffer is smaller than what is in it: it grows to that where nobody fixed its size. */
static void clamp_window(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t most = (uint32_t)sk->net->sysctl.tcp_rmem[2];

	tp->ack.quick = 0;
	if (!sock_flag(sk, SOCK_RCVBUF_LOCK) && sk->rcvbuf < most)
		sk->rcvbuf = max(sk->rcvbuf, min(sk->rmem_alloc, most));
	if (sk->rmem_alloc > sk->rcvbuf)
		tp->rcv_ssthresh = min(tp->window_clamp, 2u * tp->advmss);
}

bool tcp_rmem_full(struct sock *sk, uint32_t need)
{
	if (likely(fits(sk, need)))
		return false;
	NET_INC(sk->net, MIB_TcpExt_PruneCalled);
	clamp_window(sk);
	if (fits(sk, need))
		return false;
	prune_ofo_queue(sk, need);
	if (fits(sk, need))
		return false;
	NET_INC(sk->net, MIB_TcpExt_RcvPruned);
	return true;
}

/* ------------------------------------------------------------------ read() */

/* @rate: bytes read in the last round trip. Twice that for what is under way, and what it grew by again, and again. */
static void rcvbuf_grow(struct sock *sk, uint32_t rate)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t old = max(tp->rcvq_space.space, 1u);
	uint64_t window = 2ull * rate, rcvbuf;

	tp->rcvq_space.space = rate;
	if (!sk->net->sysctl.tcp_moderate_rcvbuf || sock_flag(sk, SOCK_RCVBUF_LOCK))
		return;
	window += window * (rate - old) / old * 2;
	if (tp->ofo && tp->ofo->queue)
		window += skb_peek_tail(tp->ofo->queue)->end_seq - tp->rcv_nxt;
	rcvbuf = min_t(uint64_t, space_from_win(sk, min_t(uint64_t, window, INT32_MAX)), sk->net->sysctl.tcp_rmem[2]);
	if (rcvbuf > sk->rcvbuf) {
		sk->rcvbuf = (uint32_t)rcvbuf;
		tp->window_clamp = tcp_full_space(sk);
	}
}

/* Once a round trip, or thereabouts: how much was read in it? */
void tcp_rcv_space_adjust(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now_us = net_time_us(sk->net);
	int32_t copied;

	if (!tp->rcv_rtt_us || now_us - tp->rcvq_space.time_us < tp->rcv_rtt_us >> 3)
		return;
	copied = (int32_t)(tp->copied_seq - tp->rcvq_space.seq) - (int32_t)(tp->rcv_nxt - tp->copied_seq);
	if (copied > 0 && (uint32_t)copied > tp->rcvq_space.space)
		rcvbuf_grow(sk, (uint32_t)copied);
	tp->rcvq_space.seq = tp->copied_seq;
	tp->rcvq_space.time_us = now_us;
}

/* An ACK that waits has waited long enough: a second segment came, or the program has taken all there was. */
static bool delayed_ack_is_due(const struct sock *sk, uint32_t copied)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool dialogue = tp->ack.pingpong >= sk->net->sysctl.tcp_pingpong_thresh;

	if (!(tp->ack.pending & ICSK_ACK_SCHED))
		return false;
	if (tp->rcv_nxt - tp->rcv_wup > tp->rcv_mss)
		return true;
	return copied && !sk->rmem_alloc &&
	       (tp->ack.pending & ICSK_ACK_PUSHED2 || (tp->ack.pending & ICSK_ACK_PUSHED && !dialogue));
}

/* The window that could be offered is at least twice the one that is. */
static bool window_update_is_due(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t offered = tcp_receive_window(tp), window;

	if (sk->shutdown & RCV_SHUTDOWN || 2ull * offered > tp->window_clamp)
		return false;
	window = __tcp_select_window(sk);
	return window && window >= 2 * offered;
}

void tcp_cleanup_rbuf(struct sock *sk, uint32_t copied)
{
	if (delayed_ack_is_due(sk, copied) || (copied && window_update_is_due(sk)))
		tcp_send_ack(sk);
}
