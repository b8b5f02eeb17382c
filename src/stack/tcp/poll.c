// SPDX-License-Identifier: MIT
/* tcp/poll.c - what poll, select and epoll say of a sock, bit for bit as Linux (linux-close.md section 14) */
#include "stack/tcp/tcp.h"

#include <poll.h>

/* Enough to read for SO_RCVLOWAT, or nothing more can come because the buffer or the window is full? */
static bool tcp_readable(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int32_t avail = (int32_t)(tp->rcv_nxt - tp->copied_seq);
	uint32_t target = sk->rcvlowat;

	if (tp->urg_data && tp->urg_seq == tp->copied_seq && !sock_flag(sk, SOCK_URGINLINE))
		target++; /* the urgent byte is not read by read() */
	if (avail <= 0)
		return false;
	return (uint32_t)avail >= target || tcp_rmem_pressure(sk) || tcp_receive_window(tp) <= tp->rcv_mss;
}

static bool tcp_writable(struct sock *sk)
{
	if (sk->shutdown & SEND_SHUTDOWN || sk_stream_is_writeable(sk))
		return true;
	sock_set_flag(sk, SOCK_NOSPACE); /* whoever polls is told when there is room */
	return false;
}

uint32_t tcp_poll(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mask = 0;

	if (sk->common.state == TCP_LISTEN)
		return tp->listen && tp->listen->accept_head ? POLLIN | POLLRDNORM : 0;
	if (sk->shutdown == SHUTDOWN_MASK || sk->common.state == TCP_CLOSE)
		mask |= POLLHUP;
	if (sk->shutdown & RCV_SHUTDOWN)
		mask |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV) || sock_flag(sk, SOCK_FASTOPEN_REQ)) {
		if (tcp_readable(sk))
			mask |= POLLIN | POLLRDNORM;
		if (tcp_writable(sk))
			mask |= POLLOUT | POLLWRNORM;
		if (tp->urg_data & TCP_URG_VALID)
			mask |= POLLPRI;
	} else if (sk->common.state == TCP_SYN_SENT && sock_flag(sk, SOCK_DEFER_CONNECT)) {
		mask |= POLLOUT | POLLWRNORM; /* whoever waits for that shall write: only then the SYN leaves */
	}
	if (sk->err || sock_flag(sk, SOCK_ERRQUEUE))
		mask |= POLLERR;
	return mask;
}
