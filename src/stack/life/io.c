// SPDX-License-Identifier: MIT
/*
 * life/io.c - everything that moves data: read, readv, recv, recvfrom, recvmsg; write, writev, send, sendto, sendmsg
 *
 *	begin      where is the memory, and how much of it?  what may be wrong with the call itself
 *	try        tcp_recvmsg() or tcp_sendmsg() do what can be done now ...
 *	  wait     ... and if that is not all, the operation waits on the socket and tries again when woken
 *	end        its time over, or a signal: what was moved counts; only a call that moved nothing reports an error
 *
 * All forms come here as one; struct tcp_io is their progress.
 */
#include "stack/life/open.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

enum {
	IOV_LIMIT = 1024,      /* UIO_MAXIOV */
	RETRY_MEMORY_MS = 100, /* a writer that waits for memory and not for the peer */
};
#define MAX_RW_COUNT	   ((size_t)INT_MAX & ~(size_t)4095) /* no call moves more */

/* ------------------------------------------------------------------ begin */

/* Sums the pieces as the kernel imports them: a negative length is refused, and what exceeds the limit is cut off. */
static int import_iovec(const struct iovec *iov, int iovcnt, size_t *total)
{
	*total = 0;
	if (unlikely(iovcnt && !iov))
		return -EFAULT;
	for (int i = 0; i < iovcnt; i++) {
		if (unlikely((ssize_t)iov[i].iov_len < 0))
			return -EINVAL;
		*total += min(iov[i].iov_len, MAX_RW_COUNT - *total);
	}
	return 0;
}

/* recvmsg() and sendmsg(): the header says where the memory is. */
static int import_msghdr(struct op *op)
{
	const struct msghdr *msg = op->u.io.msg;

	if (!msg)
		return -EFAULT;
	if ((int)msg->msg_namelen < 0)
		return -EINVAL;
	if (msg->msg_iovlen > IOV_LIMIT)
		return -EMSGSIZE;
	op->u.io.iov = msg->msg_iov;
	op->u.io.iovcnt = (int)msg->msg_iovlen;
	return 0;
}

static int io_begin(struct op *op, struct sock *sk, uint32_t timeo_ms)
{
	struct tcp_io *io = &op->u.io.tcp;
	size_t total;
	int err;

	if (unlikely(op->u.io.msg)) {
		err = import_msghdr(op);
		if (err)
			return err;
	}
	if (unlikely(op->u.io.iovcnt < 0 || op->u.io.iovcnt > IOV_LIMIT))
		return -EINVAL;
	err = import_iovec(op->u.io.iov, op->u.io.iovcnt, &total);
	if (unlikely(err))
		return err;
	*io = (struct tcp_io){
		.flags = op->u.io.flags,
		.disconnects = sk->disconnects,
		.nonblock = op_never_waits(op, op->u.io.flags, timeo_ms),
	};
	iov_iter_init(&io->iter, op->u.io.iov, total);
	return 0;
}

/* ------------------------------------------------------------------ receiving */

/* Where the sender's name would go: TCP has none to tell, and says so by a length of 0. */
static int64_t recv_end(struct op *op, int64_t n)
{
	struct msghdr *msg = op->u.io.msg;

	if (n < 0)
		return n;
	if (unlikely(msg)) {
		if (msg->msg_name)
			msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		msg->msg_flags = op->u.io.tcp.msg_flags;
	} else if (unlikely(op->u.io.addr)) {
		if (!op->u.io.addrlenp)
			return -EFAULT;
		if ((int)*op->u.io.addrlenp < 0)
			return -EINVAL;
		*op->u.io.addrlenp = 0;
	}
	return n;
}

static int64_t recv_error(struct op *op, struct sock *sk)
{
	struct msghdr *msg = op->u.io.msg;
	struct tcp_io *io = &op->u.io.tcp;
	int64_t n;

	if (!msg)
		return inet_recv_error(sk, io, NULL, op->u.io.addr, op->u.io.addrlenp);
	n = inet_recv_error(sk, io, msg, msg->msg_name, &msg->msg_namelen);
	if (n >= 0)
		msg->msg_flags = io->msg_flags;
	return n;
}

static size_t recv_target(const struct sock *sk, const struct tcp_io *io)
{
	size_t target = unlikely(io->flags & MSG_WAITALL) ? io->iter.count : min(io->iter.count, (size_t)sk->rcvlowat);

	return likely(target) ? target : 1;
}

static int64_t try_recvmsg(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	struct tcp_io *io = &op->u.io.tcp;
	struct sock *sk;
	int64_t n;
	bool wait;
	int err;

	if (!socket)
		return op->u.io.is_read ? -EINVAL : -ENOTSOCK;
	sk = socket->sk;
	if (!io->resumed) {
		err = io_begin(op, sk, sk->opts->rcvtimeo_ms);
		if (unlikely(err))
			return err;
		if (unlikely(op->u.io.is_read && !io->iter.count))
			return 0; /* read() of nothing; recv() of nothing waits (WK-11) */
		if (unlikely(io->flags & MSG_ERRQUEUE))
			return recv_error(op, sk);
		io->target = recv_target(sk, io);
	}
	n = tcp_recvmsg(sk, io, &wait);
	return wait ? op_wait_on_socket(op, socket, sk->opts->rcvtimeo_ms) : recv_end(op, n);
}

/* ------------------------------------------------------------------ sending */

/* Control messages mean nothing to TCP, but a wrong one is refused. */
static int check_control(const struct msghdr *msg)
{
	if (likely(!msg || !msg->msg_controllen))
		return 0;
	if (!msg->msg_control)
		return -EFAULT;
	for (const struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR((struct msghdr *)msg, (struct cmsghdr *)c)) {
		size_t left = (size_t)((const char *)msg->msg_control + msg->msg_controllen - (const char *)c);

		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > left)
			return -EINVAL;
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SCM_CREDENTIALS && c->cmsg_type != SO_MARK)
			return -EINVAL;
	}
	return 0;
}

static int send_begin(struct op *op, struct sock *sk)
{
	int err = op->u.io.msg ? 0 : sockaddr_check(op->u.io.addr, op->u.io.addr ? op->u.io.addrlen : 0);

	if (likely(!err))
		err = io_begin(op, sk, sk->opts->sndtimeo_ms);
	return err;
}

/* SIGPIPE goes with EPIPE, also where that was the pending error of a RST in CLOSE_WAIT (SP-01 to SP-03). */
static int64_t send_end(struct op *op, int64_t n)
{
	if (unlikely(n == -EPIPE) && !(op->u.io.flags & MSG_NOSIGNAL))
		op_signal(op, SIGPIPE);
	return n;
}

/* To a peer that was not known before, or only by name: the SYN may take the data along. */
static bool connects_first(const struct op *op, const struct sock *sk)
{
	return unlikely(op->u.io.flags & MSG_FASTOPEN || sock_flag(sk, SOCK_DEFER_CONNECT)) &&
	       !sock_flag(sk, SOCK_REPAIR);
}

static int64_t try_sendmsg(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	struct tcp_io *io = &op->u.io.tcp;
	bool connects = op->u.io.connecting;
	uint32_t timeo_ms;
	int64_t n;
	bool wait;
	int err;

	if (!socket)
		return op->u.io.is_write ? -EINVAL : -ENOTSOCK;
	if (likely(!io->resumed && !op->u.io.connecting)) {
		err = send_begin(op, socket->sk);
		if (likely(!err))
			err = check_control(op->u.io.msg);
		if (unlikely(err))
			return err;
		connects = connects_first(op, socket->sk);
	}
	if (unlikely(connects)) {
		n = sendmsg_connect(op, socket);
		if (n)
			return n == OP_WAIT ? n : send_end(op, n);
	}
	n = tcp_sendmsg(socket->sk, io, &wait);
	if (!wait)
		return send_end(op, n);
	timeo_ms = socket->sk->opts->sndtimeo_ms;
	if (io->no_memory && timeo_ms == UINT32_MAX)
		timeo_ms = RETRY_MEMORY_MS;
	return op_wait_on_socket(op, socket, timeo_ms);
}

/* ------------------------------------------------------------------ end */

static int64_t io_expired(struct op *op)
{
	return op->u.io.tcp.done ? (int64_t)op->u.io.tcp.done : -EAGAIN;
}

static int64_t io_interrupted(struct op *op)
{
	return op->u.io.tcp.done ? (int64_t)op->u.io.tcp.done : -EINTR;
}

static int64_t recv_expired(struct op *op)
{
	return recv_end(op, io_expired(op));
}

static int64_t recv_interrupted(struct op *op)
{
	return recv_end(op, io_interrupted(op));
}

static int64_t send_expired(struct op *op)
{
	if (op->u.io.tcp.no_memory && socket_of(op->file)->sk->opts->sndtimeo_ms == UINT32_MAX) {
		op->limited = false; /* it was only the pause between two tries */
		return try_sendmsg(op);
	}
	if (op->u.io.connecting)
		return sendmsg_connect_over(op, socket_of(op->file), op->u.io.unready);
	return io_expired(op);
}

static int64_t send_interrupted(struct op *op)
{
	if (op->u.io.connecting)
		return sendmsg_connect_over(op, socket_of(op->file), -EINTR);
	return io_interrupted(op);
}

const struct op_class sys_recvmsg = {
	.name = "recvmsg",
	.try = try_recvmsg,
	.expired = recv_expired,
	.interrupted = recv_interrupted,
	.takes_fd = true,
};

const struct op_class sys_sendmsg = {
	.name = "sendmsg",
	.try = try_sendmsg,
	.expired = send_expired,
	.interrupted = send_interrupted,
	.takes_fd = true,
};
