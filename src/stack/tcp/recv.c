// SPDX-License-Identifier: MIT
/*
 * tcp/recv.c - what read() does: the receive queue goes to the program
 *
 *	receive_queue -> tcp_recvmsg: from copied_seq on, stopping at the urgent byte and at the FIN
 *	              -> rcvwin.c: is an ACK or a larger window due?
 *	nothing there: DONE, err, SHUT_RD, CLOSED in that order (linux-close.md section 20), else the call waits
 *
 * A buffer leaves the queue, and the account, when all of it has been read. MSG_PEEK reads with a sequence number of
 * its own.
 */
#include "stack/tcp/tcp.h"

#include <errno.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ the urgent byte by itself */

static int64_t tcp_recv_urg(struct sock *sk, struct tcp_io *io)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sock_flag(sk, SOCK_URGINLINE) || !tp->urg_data || tp->urg_data == TCP_URG_READ)
		return -EINVAL; /* there is none */
	if (sk->common.state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (tp->urg_data & TCP_URG_VALID) {
		uint8_t c = (uint8_t)tp->urg_data;

		if (!(io->flags & MSG_PEEK))
			tp->urg_data = TCP_URG_READ;
		io->msg_flags |= MSG_OOB;
		if (!io->iter.count) {
			io->msg_flags |= MSG_TRUNC;
			return 0;
		}
		return io->flags & MSG_TRUNC || copy_to_iter(&io->iter, &c, 1) ? 1 : -EFAULT;
	}
	if (sk->common.state == TCP_CLOSE || sk->shutdown & RCV_SHUTDOWN)
		return 0;
	return -EAGAIN; /* it is announced, but did not come yet: Linux does not wait for it */
}

/* ------------------------------------------------------------------ the queue */

static void tcp_eat_skb(struct sock *sk, struct sk_buff *skb)
{
	skb_unlink(&tcp_sk(sk)->receive_queue, skb);
	sk->rmem_alloc -= skb->len;
	skb_free(&sk->net->skbs, skb);
}

/* The buffer in which @seq lies, or which has only its FIN left. */
static struct sk_buff *tcp_find_skb(struct tcp_sock *tp, uint32_t seq, uint32_t *offset)
{
	struct sk_buff *skb;

	skb_queue_walk (tp->receive_queue, skb) {
		*offset = seq - skb->seq;
		if (*offset < skb->len || (*offset == skb->len && skb->tcp_flags & TCPHDR_FIN))
			return skb;
	}
	return NULL;
}

/* How much of the @used bytes at *@seq may be read at once? The urgent byte is passed over, or is a boundary. */
static uint32_t tcp_stop_at_urgent(struct sock *sk, struct tcp_io *io, uint32_t *seq, uint32_t *offset, uint32_t used)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t distance = tp->urg_seq - *seq;

	if (likely(!tp->urg_data) || distance >= used)
		return used;
	if (distance)
		return distance;
	if (!sock_flag(sk, SOCK_URGINLINE)) {
		++*seq;
		++*offset;
		io->urg_hole++;
		used--;
	}
	return used;
}

/* One buffer's worth.  1: go on; 0: the FIN was met; -EFAULT. */
static int tcp_read_skb(struct sock *sk, struct tcp_io *io, struct sk_buff *skb, uint32_t offset, uint32_t *seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t used = (uint32_t)min(io->iter.count, (size_t)(skb->len - offset));

	if (skb->len > offset) { /* else only its FIN is left */
		used = tcp_stop_at_urgent(sk, io, seq, &offset, used);
		if (used) {
			if (unlikely(io->flags & MSG_TRUNC))
				iov_iter_advance(&io->iter, used);
			else if (unlikely(!copy_to_iter(&io->iter, skb_data(skb) + offset, used)))
				return -EFAULT;
			*seq += used;
			io->done += used;
			tcp_rcv_space_adjust(sk);
		}
		if (unlikely(tp->urg_data) && after(tp->copied_seq, tp->urg_seq))
			tp->urg_data = 0;
		if (offset + used < skb->len)
			return 1;
	}
	if (skb->tcp_flags & TCPHDR_FIN)
		++*seq;
	used = skb->tcp_flags & TCPHDR_FIN;
	if (likely(!(io->flags & MSG_PEEK)))
		tcp_eat_skb(sk, skb);
	return !used;
}

/* The queue has no more.  0: the call ends with what it has; -EAGAIN: it waits; else its error. */
static int tcp_recv_nothing(struct sock *sk, struct tcp_io *io)
{
	if (io->done) {
		bool over = io->done >= io->target || io->nonblock || sk->err || sk->common.state == TCP_CLOSE ||
			    sk->shutdown & RCV_SHUTDOWN;

		return over ? 0 : -EAGAIN;
	}
	if (sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->err)
		return sock_error(sk);
	if (sk->shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->common.state == TCP_CLOSE)
		return -ENOTCONN;
	return -EAGAIN;
}

/* Reads until the caller has what it wants (0), the FIN is met (0), or there is no more (as tcp_recv_nothing()). */
static int tcp_recv_queue(struct sock *sk, struct tcp_io *io, uint32_t *seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int more;

	do {
		uint32_t offset;
		struct sk_buff *skb;

		if (unlikely(tp->urg_data) && tp->urg_seq == *seq && io->done)
			return 0; /* a read ends before the urgent byte */
		skb = tcp_find_skb(tp, *seq, &offset);
		if (!skb)
			return tcp_recv_nothing(sk, io);
		more = tcp_read_skb(sk, io, skb, offset, seq);
		if (unlikely(more < 0))
			return more;
	} while (more && io->iter.count);
	return 0;
}

int64_t tcp_recvmsg(struct sock *sk, struct tcp_io *io, bool *wait)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t *seq = &tp->copied_seq;
	int err;

	*wait = false;
	if (unlikely(sk->common.state == TCP_LISTEN))
		return -ENOTCONN;
	if (unlikely(io->flags & MSG_OOB))
		return tcp_recv_urg(sk, io);
	if (unlikely(sock_flag(sk, SOCK_REPAIR))) {
		int64_t n = tcp_repair_recv(sk, io);

		if (n != TCP_REPAIR_AS_EVER)
			return n;
	}
	if (unlikely(io->disconnects != sk->disconnects))
		return io->done ? (int64_t)io->done : -EPIPE;
	if (unlikely(io->flags & MSG_PEEK)) {
		if (!io->resumed || io->peek_seq - (uint32_t)io->done - io->urg_hole != tp->copied_seq)
			io->peek_seq = tp->copied_seq; /* someone else has read on: begin anew there, as Linux */
		seq = &io->peek_seq;
	}

	err = tcp_recv_queue(sk, io, seq);
	*wait = err == -EAGAIN && !io->nonblock;
	io->resumed = true;
	tcp_cleanup_rbuf(sk, (uint32_t)io->done);
	return io->done ? (int64_t)io->done : err;
}

/* ------------------------------------------------------------------ without reading */

/* Data comes before an error and before the end, but a mark, a larger SO_RCVLOWAT, and repair have rules of their own. */
static bool tcp_recv_is_plain(const struct sock *sk)
{
	return sk_in(sk, TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSE_WAIT) &&
	       !tcp_sk(sk)->urg_data && sk->rcvlowat == 1 && !sk->err && !sock_flag(sk, SOCK_REPAIR);
}

size_t tcp_recv_preview(const struct sock *sk, uint8_t *buf, size_t room)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t inq = tcp_recv_is_plain(sk) ? tcp_inq(sk) : 0, seq = tp->copied_seq;
	struct sk_buff *skb;

	if (!inq || inq > room)
		return 0;
	skb_queue_walk (tp->receive_queue, skb) {
		uint32_t offset = seq - skb->seq;

		if (offset >= skb->len)
			continue;
		memcpy(buf + (seq - tp->copied_seq), skb_data(skb) + offset, skb->len - offset);
		seq += skb->len - offset;
	}
	return seq - tp->copied_seq == inq ? inq : 0;
}
