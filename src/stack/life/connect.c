// SPDX-License-Identifier: MIT
/*
 * life/connect.c - connect(2): the SYN goes out, and the call waits until it is known what came of it
 *
 *	sys_connect           the number names a socket
 *	  connect_begin       by the socket's own note: EISCONN, EALREADY, or tcp_start_connect
 *	  connect_wait        SYN_SENT and SYN_RECV are waited out, for SO_SNDTIMEO
 *	  connect_end         up, or failed: then the socket is as new (WK-04)
 *	connect(AF_UNSPEC)    tcp_disconnect (section 13)
 *	sendmsg_connect       the same for a sendto() with MSG_FASTOPEN, or the first write() where the SYN has waited for it
 *
 * A second call on a non-blocking socket finds SS_CONNECTING and takes up at connect_wait: so it is the one that is
 * told of success, or of the error (HS-08, RR-13).
 */
#include "stack/life/open.h"
#include "stack/tcp/fastopen.h"

#include <errno.h>

static int64_t connect_unspec(struct socket *socket)
{
	struct sock *sk = socket->sk;

	tcp_trace_step(sk, "sys_connect");
	sk->disconnects++; /* calls that wait on it end (DC-10) */
	tcp_disconnect(sk, CAUSE_disconnect);
	socket->state = SS_UNCONNECTED;
	return 0;
}

static int connect_start(struct socket *socket, const struct sockaddr *addr, socklen_t len)
{
	struct sock *sk = socket->sk;
	struct in6_addr ip;
	uint16_t port;
	int err;

	if (sk->common.state != TCP_CLOSE)
		return -EISCONN;
	err = inet_addr_in(sk, addr, len, &ip, &port);
	if (!err)
		err = tcp_start_connect(sk, &ip, port);
	if (!err)
		socket->state = SS_CONNECTING;
	return err;
}

#define CONNECT_DEFERRED 1

/* 0 to go on, with what the call returns if it does not wait in *@unready; CONNECT_DEFERRED: 0 is its result; else its error. */
static int connect_begin(struct socket *socket, const struct sockaddr *addr, socklen_t len, bool is_sendmsg, int *unready)
{
	int err;

	switch (socket->state) {
	case SS_UNCONNECTED:
		err = connect_start(socket, addr, len);
		*unready = -EINPROGRESS;
		return !err && sock_flag(socket->sk, SOCK_DEFER_CONNECT) ? CONNECT_DEFERRED : err;
	case SS_CONNECTING:
		*unready = -EALREADY;
		if (sock_flag(socket->sk, SOCK_DEFER_CONNECT))
			*unready = is_sendmsg ? -EINPROGRESS : -EISCONN;
		return 0;
	case SS_CONNECTED:
		return -EISCONN;
	default:
		return -EINVAL; /* shutdown() came between */
	}
}

static int64_t connect_wait(struct op *op, struct socket *socket)
{
	uint32_t timeo_ms = socket->sk->opts->sndtimeo_ms;

	if (op_never_waits(op, 0, timeo_ms))
		return op->u.addr.err;
	op->u.addr.waits = true;
	op->u.addr.disconnects = socket->sk->disconnects;
	return op_wait_on_socket(op, socket, timeo_ms);
}

static int64_t connect_end(struct socket *socket)
{
	struct sock *sk = socket->sk;
	int err;

	if (sk->common.state != TCP_CLOSE) {
		socket->state = SS_CONNECTED;
		return 0;
	}
	err = sock_error(sk);
	socket->state = SS_UNCONNECTED;
	sk->disconnects++;
	tcp_disconnect(sk, CAUSE_connect_failed);
	return err ? err : -ECONNABORTED;
}

static int64_t try_connect(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	int err;

	if (!socket)
		return -ENOTSOCK;
	if (!op->u.addr.waits) {
		err = sockaddr_check(op->u.addr.addr, op->u.addr.len);
		if (!err && op->u.addr.len < sizeof(sa_family_t))
			err = -EINVAL;
		if (err)
			return err;
		if (op->u.addr.addr->sa_family == AF_UNSPEC)
			return connect_unspec(socket);
		err = connect_begin(socket, op->u.addr.addr, op->u.addr.len, false, &op->u.addr.err);
		if (err)
			return err == CONNECT_DEFERRED ? 0 : err;
	} else if (op->u.addr.disconnects != socket->sk->disconnects) {
		return -EPIPE;
	}
	if (sk_in(socket->sk, TCPF_SYN_SENT | TCPF_SYN_RECV))
		return connect_wait(op, socket);
	return connect_end(socket);
}

static int64_t connect_expired(struct op *op)
{
	return op->u.addr.err; /* and the attempt goes on */
}

const struct op_class sys_connect = {
	.name = "connect",
	.try = try_connect,
	.expired = connect_expired,
	.takes_fd = true,
};

/* ------------------------------------------------------------------ sendto(MSG_FASTOPEN), a deferred SYN */

int64_t sendmsg_connect_over(struct op *op, struct socket *socket, int64_t err)
{
	struct tcp_io *io = &op->u.io.tcp;

	op->u.io.connecting = false;
	io->done += tcp_fastopen_end(socket->sk);
	return err == -EINPROGRESS && io->done ? (int64_t)io->done : err;
}

/* The SYN that connect() has left to the first write(). */
static void connect_deferred(struct sock *sk)
{
	if (!tcp_connect(sk))
		return;
	tcp_set_state(sk, TCP_CLOSE, CAUSE_connect_failed);
	sk->common.dport = 0;
}

static int sendmsg_connect_begin(struct op *op, struct socket *socket)
{
	const struct msghdr *msg = op->u.io.msg;
	const struct sockaddr *addr = msg ? msg->msg_name : op->u.io.addr;
	socklen_t len = msg ? msg->msg_namelen : op->u.io.addrlen;
	struct sock *sk = socket->sk;
	int err;

	if (addr && len >= sizeof(sa_family_t) && addr->sa_family == AF_UNSPEC)
		return -EOPNOTSUPP;
	err = tcp_fastopen_begin(sk, &op->u.io.tcp);
	if (err)
		return err;
	op->u.io.connecting = true;
	if (sock_flag(sk, SOCK_DEFER_CONNECT))
		connect_deferred(sk);
	if (addr && len < sizeof(sa_family_t))
		return -EINVAL;
	return connect_begin(socket, addr, addr ? len : 0, true, &op->u.io.unready);
}

int64_t sendmsg_connect(struct op *op, struct socket *socket)
{
	uint32_t timeo_ms = socket->sk->opts->sndtimeo_ms;
	int64_t err = 0;

	if (!op->u.io.connecting)
		err = sendmsg_connect_begin(op, socket);
	else if (op->u.io.tcp.disconnects != socket->sk->disconnects)
		err = -EPIPE;
	if (!err && sk_in(socket->sk, TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (!op_never_waits(op, op->u.io.flags, timeo_ms))
			return op_wait_on_socket(op, socket, timeo_ms);
		err = op->u.io.unready;
	} else if (!err) {
		err = connect_end(socket);
	}
	return op->u.io.connecting ? sendmsg_connect_over(op, socket, err) : err;
}
