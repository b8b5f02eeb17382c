// SPDX-License-Identifier: MIT
/*
 * tcp/repair.c - TCP_REPAIR: a connection leaves one program as numbers and queues, and goes on in another
 *
 *	leaving    TCP_REPAIR on; TCP_QUEUE_SEQ, MSG_PEEK, TCP_REPAIR_WINDOW, TCP_INFO tell it; close() is silent (CL-14)
 *	coming     TCP_REPAIR on; TCP_QUEUE_SEQ, bind(), connect() without a segment, TCP_REPAIR_OPTIONS, TCP_REPAIR_WINDOW;
 *	           what is written into TCP_RECV_QUEUE counts as received, into TCP_SEND_QUEUE as sent
 *	going on   TCP_REPAIR off, with a probe of the peer's window or without one
 *
 * Linux asks for CAP_NET_ADMIN over the network namespace; a stack's tasks are what administers it, and all of them may.
 * While repair is on, segments that come are dealt with as ever: whoever moves a connection keeps them out by other means.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/uapi.h"

#include <errno.h>

/* ------------------------------------------------------------------ the mode */

bool tcp_is_repair_option(int name)
{
	switch (name) {
	case TCP_REPAIR:
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
	case TCP_REPAIR_OPTIONS:
	case TCP_TIMESTAMP:
	case TCP_REPAIR_WINDOW:
		return true;
	default:
		return false;
	}
}

static bool in_repair(const struct sock *sk)
{
	return sock_flag(sk, SOCK_REPAIR);
}

bool tcp_repairs_send_queue(const struct sock *sk)
{
	return sk->opts->repair_queue == TCP_SEND_QUEUE;
}

/* Beside the mode: a port in use can be bound again, because who had it has let go of it in silence. */
static void force_reuse(struct sock *sk, bool on)
{
	if (sk->bind)
		inet_bind_count(sk, -1);
	sk->common.reuse = on;
	if (sk->bind)
		inet_bind_count(sk, +1);
	if (on)
		sock_set_flag(sk, SOCK_FORCE_REUSE);
	else
		sock_reset_flag(sk, SOCK_FORCE_REUSE);
}

static int set_repair(struct sock *sk, int v)
{
	struct sock_opts *own;

	if (sk->common.state == TCP_LISTEN)
		return -EPERM;
	if (v < TCP_REPAIR_OFF_NO_WP || v > TCP_REPAIR_ON)
		return -EINVAL;
	if (v == TCP_REPAIR_ON) {
		own = sock_opts_own(sk);
		if (!own)
			return -ENOMEM;
		own->repair_queue = TCP_NO_QUEUE;
		sock_set_flag(sk, SOCK_REPAIR);
		force_reuse(sk, true);
		return 0;
	}
	sock_reset_flag(sk, SOCK_REPAIR);
	force_reuse(sk, false);
	if (v == TCP_REPAIR_OFF)
		tcp_send_window_probe(sk);
	return 0;
}

static int set_queue(struct sock *sk, int v)
{
	if (!in_repair(sk))
		return -EPERM;
	if (v < 0 || v >= TCP_QUEUES_NR)
		return -EINVAL;
	((struct sock_opts *)sk->opts)->repair_queue = (uint8_t)v; /* its own since TCP_REPAIR */
	return 0;
}

/* ------------------------------------------------------------------ numbers */

static int set_seq(struct sock *sk, uint32_t seq)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sk->common.state != TCP_CLOSE)
		return -EPERM;
	switch (sk->opts->repair_queue) {
	case TCP_SEND_QUEUE:
		tp->write_seq = seq;
		return 0;
	case TCP_RECV_QUEUE:
		if (tp->rcv_nxt != tp->copied_seq)
			return -EPERM;
		tp->rcv_nxt = tp->copied_seq = seq;
		return 0;
	default:
		return -EINVAL;
	}
}

static int get_seq(const struct sock *sk, int *v)
{
	switch (sk->opts->repair_queue) {
	case TCP_SEND_QUEUE:
		*v = (int)tcp_sk(sk)->write_seq;
		return 0;
	case TCP_RECV_QUEUE:
		*v = (int)tcp_sk(sk)->rcv_nxt;
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_window(struct sock *sk, const void *value, socklen_t len)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_repair_window w;

	if (!in_repair(sk))
		return -EPERM;
	if (len != sizeof(w))
		return -EINVAL;
	memcpy(&w, value, sizeof(w));
	if (w.max_window < w.snd_wnd || after(w.snd_wl1, tp->rcv_nxt + w.rcv_wnd) || after(w.rcv_wup, tp->rcv_nxt))
		return -EINVAL;
	tp->snd_wl1 = w.snd_wl1;
	tp->snd_wnd = w.snd_wnd;
	tp->max_window = w.max_window;
	tp->rcv_wnd = w.rcv_wnd;
	tp->rcv_wup = w.rcv_wup;
	return 0;
}

static int get_window(const struct sock *sk, void *value, socklen_t *len)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_repair_window w = {tp->snd_wl1, tp->snd_wnd, tp->max_window, tp->rcv_wnd, tp->rcv_wup};

	if (!len)
		return -EFAULT;
	if (*len != sizeof(w))
		return -EINVAL;
	return in_repair(sk) ? option_put(value, len, &w, sizeof(w)) : -EPERM;
}

/* ------------------------------------------------------------------ what the SYNs had agreed */

static int set_agreed(struct sock *sk, const struct tcp_repair_opt *opt)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t snd_wscale = opt->opt_val & 0xffff, rcv_wscale = opt->opt_val >> 16;

	switch (opt->opt_code) {
	case TCPOPT_MSS:
		tp->mss_clamp = (uint16_t)opt->opt_val;
		tcp_mtup_init(sk);
		return 0;
	case TCPOPT_WINDOW:
		if (snd_wscale > TCP_MAX_WSCALE || rcv_wscale > TCP_MAX_WSCALE)
			return -EFBIG;
		tp->snd_wscale = snd_wscale & 0xf;
		tp->rcv_wscale = rcv_wscale & 0xf;
		tp->wscale_ok = 1;
		return 0;
	case TCPOPT_SACK_PERM:
		if (opt->opt_val)
			return -EINVAL;
		tp->sack_ok = 1;
		return 0;
	case TCPOPT_TIMESTAMP:
		if (opt->opt_val)
			return -EINVAL;
		tp->tstamp_ok = 1;
		return 0;
	default:
		return 0;
	}
}

/* One after the other, until one is wrong; an end too short for another is ignored. */
static int set_options(struct sock *sk, const void *value, socklen_t len)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct tcp_repair_opt opt;
	int err = 0;

	if (!in_repair(sk))
		return -EINVAL;
	if (sk->common.state != TCP_ESTABLISHED || tp->snd_nxt != tp->snd_una || tp->bytes_acked > 1)
		return -EPERM; /* data has gone by what they are now */
	for (const char *p = value; !err && len >= sizeof(opt); p += sizeof(opt), len -= sizeof(opt)) {
		memcpy(&opt, p, sizeof(opt));
		err = set_agreed(sk, &opt);
	}
	return err;
}

/* ------------------------------------------------------------------ setsockopt, getsockopt */

int tcp_repair_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	int v;

	memcpy(&v, value, sizeof(v));
	switch (name) {
	case TCP_REPAIR:
		return set_repair(sk, v);
	case TCP_REPAIR_QUEUE:
		return set_queue(sk, v);
	case TCP_QUEUE_SEQ:
		return set_seq(sk, (uint32_t)v);
	case TCP_REPAIR_OPTIONS:
		return set_options(sk, value, len);
	case TCP_REPAIR_WINDOW:
		return set_window(sk, value, len);
	default: /* TCP_TIMESTAMP */
		if (!in_repair(sk))
			return -EPERM;
		tcp_sk(sk)->tsoffset = (uint32_t)v - net_time_ms(sk->net);
		return 0;
	}
}

int tcp_repair_getsockopt(struct sock *sk, int name, void *value, socklen_t *len)
{
	int v = 0, err = 0;

	switch (name) {
	case TCP_REPAIR:
		v = in_repair(sk);
		break;
	case TCP_REPAIR_QUEUE:
		v = sk->opts->repair_queue;
		err = in_repair(sk) ? 0 : -EINVAL;
		break;
	case TCP_QUEUE_SEQ:
		err = get_seq(sk, &v);
		break;
	case TCP_REPAIR_WINDOW:
		return get_window(sk, value, len);
	case TCP_TIMESTAMP:
		v = (int)(net_time_ms(sk->net) + tcp_sk(sk)->tsoffset);
		break;
	default: /* TCP_REPAIR_OPTIONS can only be set; TCP_INFO shows them */
		return -ENOPROTOOPT;
	}
	return err ? err : option_put(value, len, &v, sizeof(v));
}

/* ------------------------------------------------------------------ the queues */

static bool copy_unit(struct tcp_io *io, const struct sk_buff *skb)
{
	uint32_t n = (uint32_t)min((size_t)skb->len, io->iter.count);

	if (!copy_to_iter(&io->iter, skb_data(skb), n))
		return false;
	io->done += n;
	return true;
}

/* What was sent and not acknowledged, and what was not sent. */
static int64_t peek_sndq(struct sock *sk, struct tcp_io *io)
{
	const struct sk_buff *skb;

	if (io->flags & MSG_OOB)
		return -EINVAL;
	skb_queue_walk(tcp_sk(sk)->rtx_queue, skb)
		if (!copy_unit(io, skb))
			return -EFAULT;
	skb_queue_walk(tcp_sk(sk)->write_queue, skb)
		if (!copy_unit(io, skb))
			return -EFAULT;
	return (int64_t)io->done;
}

int64_t tcp_repair_recv(struct sock *sk, struct tcp_io *io)
{
	if (!(io->flags & MSG_PEEK))
		return -EPERM;
	switch (sk->opts->repair_queue) {
	case TCP_SEND_QUEUE:
		return peek_sndq(sk, io);
	case TCP_RECV_QUEUE:
		return TCP_REPAIR_AS_EVER;
	default:
		return -EINVAL;
	}
}

/* tcp_send_rcvq(): the program says what the peer had sent. */
static int64_t send_rcvq(struct sock *sk, struct tcp_io *io)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t len = (uint32_t)min(io->iter.count, (size_t)sk->rcvbuf);
	struct sk_buff *skb;

	if (!io->iter.count)
		return 0;
	skb = tcp_rmem_full(sk, len) ? NULL : skb_alloc(&sk->net->skbs, len);
	if (!skb)
		return -ENOMEM;
	if (!copy_from_iter(skb_tail(skb), &io->iter, len)) {
		skb_free(&sk->net->skbs, skb);
		return -EFAULT;
	}
	skb->len = len;
	skb->seq = tp->rcv_nxt;
	skb->end_seq = tp->rcv_nxt = skb->seq + len;
	sk->rmem_alloc += len;
	skb_queue_tail(&tp->receive_queue, skb);
	io->done += len;
	return (int64_t)io->done;
}

int64_t tcp_repair_send(struct sock *sk, struct tcp_io *io)
{
	switch (sk->opts->repair_queue) {
	case TCP_SEND_QUEUE:
		return TCP_REPAIR_AS_EVER;
	case TCP_RECV_QUEUE:
		return send_rcvq(sk, io);
	default:
		return -EINVAL;
	}
}
