// SPDX-License-Identifier: MIT
/*
 * tcp/send.c - what write() does: the program's bytes become units of the send queue
 *
 *	program -> tcp_sendmsg: the last unit is filled up to size_goal, then a new one, while SO_SNDBUF has room
 *	        -> tcp_push: PSH, urgent pointer, Nagle or cork, and output.c sends what may go
 *	no room: the call waits on the socket; ack.c frees, tcp_check_space() wakes
 *
 * Units are as large as Linux makes them, because their ends are visible: PSH stands there. Room is counted in payload
 * bytes, and a unit that has been begun is filled whatever SO_SNDBUF says, as in Linux.
 */
#include "stack/tcp/tcp.h"

#include <errno.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ room */

/* Bytes that TCP_NOTSENT_LOWAT lets lie unsent */
static uint32_t tcp_notsent_lowat(const struct sock *sk)
{
	return sk->opts->notsent_lowat ? sk->opts->notsent_lowat : (uint32_t)sk->net->sysctl.tcp_notsent_lowat;
}

bool sk_stream_memory_free(const struct sock *sk, bool wake)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->wmem_queued >= sk->sndbuf)
		return false;
	return (tp->write_seq - tp->snd_nxt) << wake < tcp_notsent_lowat(sk);
}

bool sk_stream_is_writeable(const struct sock *sk)
{
	return sk_stream_wspace(sk) >= sk->wmem_queued >> 1 && sk_stream_memory_free(sk, true);
}

void sk_stream_write_space(struct sock *sk)
{
	if (sk_stream_is_writeable(sk))
		sk_write_space(sk);
}

enum { SHORT_UNIT = 500 }; /* as long as a segment on a path of 552 bytes, the narrowest there is */

/* A new unit begins as long as the buffer is not full. How long units will be is not known yet. */
size_t tcp_send_preview(const struct sock *sk)
{
	uint32_t unit = min_t(uint32_t, tcp_sk(sk)->mss_cache, SHORT_UNIT), cost = unit + TCP_SKB_COST;

	if (!sk_in(sk, TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) || sk->err)
		return 0;
	if (sock_flag(sk, SOCK_REPAIR) || tcp_notsent_lowat(sk) != UINT32_MAX || sk->wmem_queued >= sk->sndbuf)
		return 0;
	return (size_t)((sk->sndbuf - sk->wmem_queued + cost - 1) / cost) * unit;
}

/*
 * Linux counts what a segment costs it, headers and all: mss rounded up to a power of two and more. We keep the values
 * that this gives, 46080 on Ethernet and 2626560 on loopback, since SO_SNDBUF shows them.
 */
enum {
	SEGMENT_OVERHEAD = 256 + 320, /* MAX_TCP_HEADER, skb_shared_info */
	SK_BUFF_COST = TCP_SKB_COST - SEGMENT_OVERHEAD,
};

static uint32_t roundup_pow_of_two(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

void tcp_sndbuf_expand(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t per_mss = roundup_pow_of_two(max(tp->mss_clamp, tp->mss_cache) + SEGMENT_OVERHEAD) + SK_BUFF_COST;
	uint32_t segs = max(max_t(uint32_t, TCP_INIT_CWND, tp->snd_cwnd), tp->reordering + 1);
	uint64_t want = 2ull * segs * per_mss;

	if (sk->sndbuf < want)
		sk->sndbuf = (uint32_t)min_t(uint64_t, want, sk->net->sysctl.tcp_wmem[2]);
}

/* May the buffer follow the window? Not where the program chose its size, nor while the window is full. */
static bool tcp_should_expand_sndbuf(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return !sock_flag(sk, SOCK_SNDBUF_LOCK) && tcp_packets_in_flight(tp) < tp->snd_cwnd;
}

void tcp_check_space(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!sock_flag(sk, SOCK_NOSPACE))
		return;
	if (tcp_should_expand_sndbuf(sk)) {
		tcp_sndbuf_expand(sk);
		tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
	}
	sk_stream_write_space(sk);
}

/* ------------------------------------------------------------------ pushing */

static void tcp_mark_push(struct tcp_sock *tp, struct sk_buff *skb)
{
	skb->tcp_flags |= TCPHDR_PSH;
	tp->pushed_seq = tp->write_seq;
}

/* More than half of the largest window that the peer ever offered was queued since the last PSH. */
static bool forced_push(const struct tcp_sock *tp)
{
	return after(tp->write_seq, tp->pushed_seq + (tp->max_window >> 1));
}

/* A call has queued what it could: mark its end and see what may leave. */
static void tcp_push(struct sock *sk, int flags, uint32_t mss_now, int nonagle)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_write_queue_tail(sk);

	if (!skb)
		return;
	if (likely(!(flags & MSG_MORE)) || forced_push(tp))
		tcp_mark_push(tp, skb);
	if (unlikely(flags & MSG_OOB))
		tp->snd_up = tp->write_seq;
	__tcp_push_pending_frames(sk, mss_now, flags & MSG_MORE ? TCP_NAGLE_CORK : nonagle);
}

/* ------------------------------------------------------------------ units */

static struct sk_buff *tcp_new_unit(struct sock *sk, uint32_t room)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = skb_alloc(&sk->net->skbs, room);

	if (!skb)
		return NULL;
	skb->seq = skb->end_seq = tp->write_seq;
	skb_queue_tail(&tp->write_queue, skb);
	sk->wmem_queued += tcp_skb_truesize(skb);
	tp->nonagle &= ~TCP_NAGLE_PUSH;
	tcp_cwnd_restart_after_idle(sk);
	return skb;
}

/* One that was begun for bytes that could not be had. */
static void tcp_remove_empty_unit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_write_queue_tail(sk);

	if (skb && skb->seq == skb->end_seq) {
		skb_unlink(&tp->write_queue, skb);
		tcp_wmem_free_skb(sk, skb);
	}
}

/* The unit to fill and how much it still takes: the last one, or a new one if SO_SNDBUF allows. NULL: neither. */
static struct sk_buff *tcp_unit_to_fill(struct sock *sk, struct tcp_io *io, uint32_t size_goal, uint32_t *room)
{
	struct sk_buff *skb = tcp_write_queue_tail(sk);

	if (skb && !skb->eor && skb->len < size_goal) {
		if (likely(!io->apart)) {
			*room = size_goal - skb->len;
			return skb;
		}
		tcp_mark_push(tcp_sk(sk), skb);
		skb->eor = true;
	}
	if (!sk_stream_memory_free(sk, false))
		return NULL;
	*room = size_goal;
	skb = tcp_new_unit(sk, (uint32_t)min(io->iter.count, (size_t)size_goal));
	io->no_memory = !skb;
	io->apart = false;
	return skb;
}

/* Moves up to @room bytes into @skb: their number, 0 if there is no memory, -EFAULT. */
static int64_t tcp_fill_unit(struct sock *sk, struct tcp_io *io, struct sk_buff *skb, uint32_t room)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t copy = (uint32_t)min(io->iter.count, (size_t)room);

	if (!skb_reserve_tail(&sk->net->skbs, skb, copy)) {
		io->no_memory = true;
		return 0;
	}
	if (unlikely(!copy_from_iter(skb_tail(skb), &io->iter, copy)))
		return -EFAULT;
	if (!io->done)
		skb->tcp_flags &= ~TCPHDR_PSH; /* what follows belongs to this write() */
	skb->len += copy;
	skb->end_seq += copy;
	skb->gso_segs = 0;
	tp->write_seq += copy;
	tcp_zerocopy_grows(sk, skb, copy, io->zerocopy);
	sk->wmem_queued += copy;
	io->done += copy;
	return copy;
}

/* A unit is full in the middle of a write(). */
static void tcp_unit_full(struct sock *sk, struct sk_buff *skb, uint32_t mss_now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (forced_push(tp)) {
		tcp_mark_push(tp, skb);
		__tcp_push_pending_frames(sk, mss_now, TCP_NAGLE_PUSH);
	} else if (skb == tcp_send_head(sk)) {
		tcp_push_one(sk, mss_now);
	}
}

/* ------------------------------------------------------------------ waiting and failing */

/* Not connected yet, or no more: 0 go on, -EAGAIN wait, or the error (sk_stream_wait_connect). */
static int tcp_send_connected(struct sock *sk)
{
	int err;

	if (likely(sk_in(sk, TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) || sock_flag(sk, SOCK_FASTOPEN_REQ))
		return 0;
	err = sock_error(sk);
	if (err)
		return err;
	return sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV) ? -EAGAIN : -EPIPE;
}

/* Nothing was taken: -EPIPE gives way to a pending error (section 20). */
static int tcp_send_error(struct sock *sk, int err)
{
	int pending = err == -EPIPE ? sock_error(sk) : 0;

	if (err == -EAGAIN && !tcp_sk(sk)->write_queue && !tcp_sk(sk)->rtx_queue)
		sk_write_space(sk); /* an edge-triggered waiter must not miss that there is room */
	return pending ? pending : err;
}

static int64_t tcp_send_wait(struct sock *sk, struct tcp_io *io, bool *wait)
{
	io->resumed = true;
	*wait = !io->nonblock;
	if (*wait)
		return io->done ? (int64_t)io->done : -EAGAIN;
	return io->done ? (int64_t)io->done : tcp_send_error(sk, -EAGAIN);
}

/* ------------------------------------------------------------------ */

/* Queues until all is queued (0), there is no room (-EAGAIN), or an error. */
static int tcp_send_fill(struct sock *sk, struct tcp_io *io, uint32_t *mss_now)
{
	uint32_t size_goal, room;

	*mss_now = tcp_send_mss(sk, &size_goal, io->flags);
	if (unlikely(sk->err || sk->shutdown & SEND_SHUTDOWN))
		return -EPIPE;
	if (unlikely(!tcp_zerocopy_begin(sk, io))) {
		io->no_memory = true;
		return -EAGAIN;
	}
	while (io->iter.count) {
		struct sk_buff *skb = tcp_unit_to_fill(sk, io, size_goal, &room);
		int64_t n = skb ? tcp_fill_unit(sk, io, skb, room) : 0;

		if (n <= 0)
			return n ? (int)n : -EAGAIN;
		if (unlikely(io->flags & MSG_EOR) && !io->iter.count)
			skb->eor = true;
		if (io->iter.count && skb->len >= size_goal && !(io->flags & MSG_OOB))
			tcp_unit_full(sk, skb, *mss_now);
	}
	return 0;
}

int64_t tcp_sendmsg(struct sock *sk, struct tcp_io *io, bool *wait)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mss_now;
	int err;

	*wait = io->no_memory = false;
	if (likely(!io->done)) { /* once something is queued, the state no longer matters: err and SHUT_WR do */
		err = tcp_send_connected(sk);
		if (unlikely(tcp_zerocopy_wanted(sk, io)) && !io->resumed && tcp_zerocopy_full(sk, io))
			return -ENOBUFS;
		if (err == -EAGAIN)
			return tcp_send_wait(sk, io, wait);
		if (err)
			return tcp_send_error(sk, err);
	}

	if (unlikely(sock_flag(sk, SOCK_REPAIR))) {
		int64_t n = tcp_repair_send(sk, io);

		if (n != TCP_REPAIR_AS_EVER)
			return n;
	}
	err = tcp_send_fill(sk, io, &mss_now);
	if (unlikely(err)) {
		tcp_remove_empty_unit(sk);
		tcp_zerocopy_abort(sk, io);
	}
	if (unlikely(err == -EAGAIN)) {
		sock_set_flag(sk, SOCK_NOSPACE);
		if (io->done)
			tcp_push(sk, io->flags & ~MSG_MORE, mss_now, TCP_NAGLE_PUSH);
		return tcp_send_wait(sk, io, wait);
	}
	if (unlikely(err) && !io->done)
		return tcp_send_error(sk, err);
	if (io->done)
		tcp_push(sk, io->flags, mss_now, tp->nonagle);
	return (int64_t)io->done;
}
