// SPDX-License-Identifier: MIT
/*
 * life/connect.c - connect(2): the SYN goes out, and the call waits until it is known what came of it
 *
 *	sys_connect           the number names a socket
 *	  connect_begin       by the socket's own note: EISCONN, EALREADY, or tcp_start_connect
 *	  connect_wait        SYN_SENT and SYN_RECV are waited out, for SO_SNDTIMEO
 *	  connect_end         up, or failed: then the socket is as new (WK-04)
 *	connect(AF_UNSPEC)    tcp_disconnect (section 13)
 *
 * A second call on a non-blocking socket finds SS_CONNECTING and takes up at connect_wait: so it is the one that is
 * told of success, or of the error (HS-08, RR-13).
 */
#include "stack/life/open.h"

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

/* 0 to go on, with what the call returns if it does not wait in u.addr.err; else its result. */
static int connect_begin(struct op *op, struct socket *socket)
{
	int err;

	switch (socket->state) {
	case SS_UNCONNECTED:
		err = connect_start(socket, op->u.addr.addr, op->u.addr.len);
		op->u.addr.err = -EINPROGRESS;
		return err;
	case SS_CONNECTING:
		op->u.addr.err = -EALREADY;
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
		err = connect_begin(op, socket);
		if (err)
			return err;
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
