// SPDX-License-Identifier: MIT
/*
 * life/shutdown.c - shutdown(2): it counts no references and acts on the socket at once, through whichever descriptor
 *
 *   sys_shutdown    the number names a socket
 *   inet_shutdown   the two bits that calls and poll look at; a listener and an attempt to connect are given up
 *   tcp_shutdown    SHUT_WR: a FIN behind what is queued
 *
 * The descriptor stays; only close() ends it. What each state makes of it: linux-close.md section 12.
 */
#include "stack/life/life.h"

#include <errno.h>

static int inet_shutdown(struct socket *socket, int how);

int64_t sys_shutdown(struct op *op)
{
	struct socket *socket = socket_of(op->file);

	if (!socket)
		return -ENOTSOCK;
	tcp_trace_step(socket->sk, __func__);
	return inet_shutdown(socket, op->u.shutdown.how);
}

const struct op_class sys_shutdown_class = {.name = "shutdown", .try = sys_shutdown, .takes_fd = true};

/* The socket layer's note: an attempt is no more, a connection that came up meanwhile is noticed. */
static void socket_note_shutdown(struct socket *socket)
{
	if (socket->state != SS_CONNECTING)
		return;
	if (sk_in(socket->sk, TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_CLOSE))
		socket->state = SS_DISCONNECTING;
	else
		socket->state = SS_CONNECTED;
}

static int inet_shutdown(struct socket *socket, int how)
{
	struct sock *sk = socket->sk;
	int err = 0;

	tcp_trace_step(sk, __func__);
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	how++; /* SHUT_RD, SHUT_WR, SHUT_RDWR are now RCV_SHUTDOWN, SEND_SHUTDOWN and both */
	socket_note_shutdown(socket);

	switch (sk->common.state) {
	case TCP_LISTEN:
		if (!(how & RCV_SHUTDOWN))
			break; /* no effect whatever (LS-06) */
		tcp_disconnect(sk, CAUSE_shutdown_listener);
		socket->state = SS_UNCONNECTED;
		break;
	case TCP_SYN_SENT:
		tcp_disconnect(sk, CAUSE_shutdown_syn_sent);
		socket->state = SS_UNCONNECTED;
		break;
	case TCP_CLOSE:
		err = -ENOTCONN; /* and the bits are set all the same: they outlive the next connect() (SH-17) */
				 /* fall through */
	default:
		sk->shutdown |= how;
		tcp_shutdown(sk, how);
	}
	sk_state_change(sk); /* everyone looks again */
	return err;
}

/* Also called when the handshake of crossed SYNs ends with SHUT_WR already asked for (SH-13). */
void tcp_shutdown(struct sock *sk, int how)
{
	tcp_trace_step(sk, __func__);
	if (!(how & SEND_SHUTDOWN))
		return;
	/* Elsewhere the FIN is queued already, or it is too early (SYN_RECV) or too late for one. */
	if (sk_in(sk, TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) && tcp_close_state(sk, CAUSE_shutdown_write))
		tcp_send_fin(sk, CAUSE_shutdown_write);
}
