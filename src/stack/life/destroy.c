// SPDX-License-Identifier: MIT
/*
 * life/destroy.c - the administrator ends a connection: SOCK_DESTROY, `ss -K` (DC-11, DC-12)
 *
 * In:   an entry of la_socks().
 * Here: who is found under its addresses ends: with RST where the peer would go on believing in it.
 * Out:  calls on it end with ECONNABORTED; a request or a stand-in goes without a word.
 */
#include "stack/life/life.h"

#include <errno.h>
#include <lastack/stack.h>

static void destroy_sock(struct sock *sk)
{
	const unsigned told = TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV;

	if (sk->common.state == TCP_LISTEN)
		tcp_listen_stop(sk, CAUSE_destroyed);
	if (sk_in(sk, told))
		tcp_send_active_reset(sk, CAUSE_destroyed);
	tcp_done_with_error(sk, ECONNABORTED, CAUSE_destroyed);
}

/* Who is at these addresses: as a segment finds it. */
static struct sock_common *find(struct net *net, const struct la_sock_info *which)
{
	struct in6_addr saddr, daddr;
	struct sock *listener;

	memcpy(&saddr, which->saddr, sizeof(saddr));
	memcpy(&daddr, which->daddr, sizeof(daddr));
	if (which->state != TCP_LISTEN)
		return inet_lookup_established(net, &saddr, which->sport, &daddr, which->dport);
	listener = inet_lookup_listener(net, &saddr, which->sport, &daddr, which->dport);
	return listener ? &listener->common : NULL;
}

int la_sock_destroy(struct la_stack *stack, const struct la_sock_info *which, uint64_t now_ns)
{
	struct net *net = (struct net *)stack;
	struct sock_common *c;

	net_enter(net, now_ns);
	c = find(net, which);
	if (c && c->state == TCP_NEW_SYN_RECV)
		tcp_req_drop(net, req_from_common(c), CAUSE_destroyed);
	else if (c && c->state == TCP_TIME_WAIT)
		tcp_timewait_destroy(net, tw_from_common(c));
	else if (c)
		destroy_sock(sk_from_common(c));
	net_leave(net);
	return c ? 0 : -ENOENT;
}
