// SPDX-License-Identifier: MIT
/*
 * tcp/state.c - the one function that moves a state, and what is told about it
 *
 * Every move goes through tcp_set_state(), which checks that it is one of the diagram's, counts it, and traces it with its
 * cause just before the store, as the kernel's tracepoint does. The small socks (requests, stand-ins) are told of by
 * tcp_trace_state() at the places where they come and go: listen.c, timewait.c.
 */
#include "stack/tcp/tcp.h"

#include <lastack/trace.h>

static const char *const state_names[TCP_MAX_STATES] = {
#define STATE_NAME(name, nr) [nr] = #name,
	TCP_STATES(STATE_NAME)
#undef STATE_NAME
};

static const struct {
	const char *name, *row, *counter, *reason;
} causes[TCP_CAUSE_COUNT] = {
#define CAUSE_TEXT(id, row, counter, reason) [CAUSE_##id] = { #id, row, counter, reason },
	TCP_CAUSES(CAUSE_TEXT)
#undef CAUSE_TEXT
};

LA_API const char *la_state_name(unsigned state)
{
	return state < TCP_MAX_STATES && state_names[state] ? state_names[state] : "?";
}

/* ------------------------------------------------------------------ the diagram */

/*
 * From each state the ones that may follow. CLOSE may follow any. A state behind a FIN is entered when the FIN is queued
 * (linux-close.md 0.4); SYN_RECV -> FIN_WAIT1 is close() after crossed SYNs (CL-05); TIME_WAIT is a sock of its own kind, so
 * no full sock enters it.
 */
static const uint16_t may_follow[TCP_MAX_STATES] = {
	[TCP_CLOSE] = TCPF_LISTEN | TCPF_SYN_SENT | TCPF_SYN_RECV,
	[TCP_LISTEN] = 0,
	[TCP_SYN_SENT] = TCPF_SYN_RECV | TCPF_ESTABLISHED,
	[TCP_SYN_RECV] = TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_CLOSE_WAIT,
	[TCP_ESTABLISHED] = TCPF_FIN_WAIT1 | TCPF_CLOSE_WAIT,
	[TCP_FIN_WAIT1] = TCPF_FIN_WAIT2 | TCPF_CLOSING,
	[TCP_FIN_WAIT2] = 0,
	[TCP_CLOSE_WAIT] = TCPF_LAST_ACK,
	[TCP_LAST_ACK] = 0,
	[TCP_CLOSING] = 0,
};

bool tcp_move_is_legal(enum tcp_state prev, enum tcp_state next)
{
	return next == TCP_CLOSE || may_follow[prev] & 1u << next;
}

/* CurrEstab counts ESTABLISHED and CLOSE_WAIT; EstabResets their fall to CLOSE in one step. */
static void count_move(struct net *net, enum tcp_state prev, enum tcp_state next)
{
	const unsigned counted = TCPF_ESTABLISHED | TCPF_CLOSE_WAIT;
	bool was = 1u << prev & counted, is = 1u << next & counted;

	if (was == is)
		return;
	NET_ADD(net, MIB_Tcp_CurrEstab, is ? 1 : UINT64_MAX); /* up or down by one */
	if (next == TCP_CLOSE)
		NET_INC(net, MIB_Tcp_EstabResets);
}

void tcp_set_state(struct sock *sk, enum tcp_state next, enum tcp_cause cause)
{
	enum tcp_state prev = sk->common.state;
	bool other_owner; /* of its port: a listener excludes more */

	if (prev == next)
		return;
	assert(tcp_move_is_legal(prev, next)); /* an illegal move is our bug, never the peer's */
	count_move(sk->net, prev, next);
	if (next == TCP_CLOSE) {
		inet_unhash(sk->net, &sk->common); /* nobody finds a closed sock in a table */
		if (sk->bind && !sock_flag(sk, SOCK_BINDPORT_LOCK))
			inet_put_port(sk); /* a port by number is kept until the end */
	}
	sk->cause = cause;
	tcp_trace_state(sk->net, &sk->common, prev, next, cause);
	other_owner = (prev == TCP_LISTEN || next == TCP_LISTEN) && sk->bind;
	if (other_owner)
		inet_bind_count(sk, -1);
	sk->common.state = next;
	if (other_owner)
		inet_bind_count(sk, +1);
}

/* ------------------------------------------------------------------ telling */

/* Names the owner @c; where a segment found none, or one without a peer of its own, the addresses it was sent to. */
static void trace(struct net *net, struct la_trace_event *e, const struct sock_common *c, const struct tcp_seg *seg,
		  enum tcp_cause cause)
{
	const struct la_env *env = net->mem.env;
	struct in6_addr saddr, daddr;

	if (c && (c->dport || !seg)) {
		sock_addrs(c, &daddr, &saddr);
		e->sport = c->num;
		e->dport = c->dport;
		e->family = c->family;
	} else {
		saddr = seg->daddr;
		daddr = seg->saddr;
		e->sport = seg->dport;
		e->dport = seg->sport;
		e->family = addr_is_v4(&saddr) ? AF_INET : AF_INET6;
	}
	if (c) {
		if (!e->oldstate)
			e->oldstate = e->newstate = c->state;
		if (c->state != TCP_NEW_SYN_RECV && c->state != TCP_TIME_WAIT)
			e->id = container_of(c, struct sock, common)->id;
	}
	memcpy(e->saddr, &saddr, 16);
	memcpy(e->daddr, &daddr, 16);
	e->now_ns = net->now_ns;
	e->cause = causes[cause].name;
	e->row = causes[cause].row;
	e->counter = causes[cause].counter;
	e->reason = e->kind == LA_TRACE_RST ? causes[cause].reason : "";
	env->trace(env->world, e);
}

void __tcp_trace_state(struct net *net, const struct sock_common *c, unsigned oldstate, unsigned newstate,
		     enum tcp_cause cause)
{
	trace(net,
	      &(struct la_trace_event){ .kind = LA_TRACE_STATE, .oldstate = oldstate, .newstate = newstate, .name = "state" },
	      c, NULL, cause);
}

void __tcp_trace_step(struct sock *sk, const char *function)
{
	trace(sk->net, &(struct la_trace_event){ .kind = LA_TRACE_STEP, .name = function }, &sk->common, NULL, CAUSE_none);
}

void tcp_trace_rst(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause, bool active)
{
	if (net_traced(net))
		trace(net, &(struct la_trace_event){ .kind = LA_TRACE_RST, .name = active ? "active" : "reply" }, c, seg, cause);
}

void tcp_trace_fin(struct sock *sk, enum tcp_cause cause)
{
	if (net_traced(sk->net))
		trace(sk->net, &(struct la_trace_event){ .kind = LA_TRACE_FIN, .name = "queued" }, &sk->common, NULL, cause);
}

void tcp_trace_drop(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause)
{
	if (net_traced(net))
		trace(net, &(struct la_trace_event){ .kind = LA_TRACE_DROP, .name = seg ? "segment" : "sock" }, c, seg, cause);
}
