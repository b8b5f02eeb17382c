// SPDX-License-Identifier: MIT
/*
 * sock/sock.c - what all socks share: references, options of their own, waking the program's half, parting from it
 *
 * In:  tcp/ changes a sock and says what happened: sk_state_change(), sk_data_ready(), ...
 * Out: whoever waits on the socket is told (wait.c); an orphan has nobody.
 */
#include "stack/sock/sock.h"

#include <sys/epoll.h>

const struct sock_opts sock_opts_default = {
	.rcvtimeo_ms = UINT32_MAX,
	.sndtimeo_ms = UINT32_MAX,
};

/* ------------------------------------------------------------------ references and the end */

void sock_hold(struct sock *sk)
{
	assert(sk->refcnt > 0);
	sk->refcnt++;
}

void sock_put(struct sock *sk)
{
	struct net *net = sk->net;

	assert(sk->refcnt > 0);
	if (--sk->refcnt)
		return;
	assert(!sk->common.hashed);
	sk->common.hash.next = net->dead;
	net->dead = &sk->common.hash;
	net->unsettled = true;
}

void sock_reap(struct net *net, void (*destroy)(struct sock *sk))
{
	while (net->dead) {
		struct sock *sk = container_of(net->dead, struct sock, common.hash);

		net->dead = sk->common.hash.next;
		destroy(sk);
	}
}

/* ------------------------------------------------------------------ the program's half */

void sock_graft(struct sock *sk, struct socket *socket, struct wait_queue *wq)
{
	sk->socket = socket;
	sk->wq = wq;
}

void sock_orphan(struct sock *sk)
{
	sock_set_flag(sk, SOCK_DEAD);
	sk->socket = NULL;
	sk->wq = NULL;
}

static void sk_wake(struct sock *sk, uint32_t key, unsigned exclusive)
{
	if (sk->wq)
		wake_up(sk->wq, key, exclusive);
}

void sk_state_change(struct sock *sk)
{
	sk_wake(sk, 0, 0);
}

void sk_data_ready(struct sock *sk)
{
	sk_wake(sk, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND, 1);
}

void sk_error_report(struct sock *sk)
{
	sk_wake(sk, EPOLLERR, 1);
}

void sk_write_space(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_NOSPACE))
		return;
	sock_reset_flag(sk, SOCK_NOSPACE);
	sk_wake(sk, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND, 1);
}

int sock_error(struct sock *sk)
{
	int err = sk->err;

	sk->err = 0;
	return -err;
}

/* ------------------------------------------------------------------ the address pair */

void sock_addrs(const struct sock_common *c, struct in6_addr *daddr, struct in6_addr *saddr)
{
	switch (c->state) {
	case TCP_NEW_SYN_RECV: {
		const struct request_sock *req = container_of(c, struct request_sock, common);

		*daddr = req->daddr;
		*saddr = req->saddr;
		return;
	}
	case TCP_TIME_WAIT: {
		const struct timewait_sock *tw = container_of(c, struct timewait_sock, common);

		if (c->v4) {
			*daddr = addr_from_v4(tw->addrs);
			*saddr = addr_from_v4(tw->addrs + 4);
		} else {
			memcpy(daddr, tw->addrs, 16);
			memcpy(saddr, tw->addrs + 16, 16);
		}
		return;
	}
	default: {
		const struct sock *sk = container_of(c, struct sock, common);

		*daddr = sk->daddr;
		*saddr = sk->rcv_saddr;
	}
	}
}
