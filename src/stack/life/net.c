// SPDX-License-Identifier: MIT
/*
 * life/net.c - the instance: made, entered, left, ended
 *
 * In:   a frame, a call, or the passing of time; each is one entry and sees one instant.
 * Here: net_enter(), the work, net_leave(): frames between the stack's own addresses, then woken operations, again and
 *       again until nothing is left; at last the socks that died are freed.
 * Out:  frames through the device table, completions, and the next deadline.
 */
#include "stack/life/life.h"
#include "stack/link/link.h"

#include <errno.h>

/* ------------------------------------------------------------------ an entry */

void net_enter(struct net *net, uint64_t now_ns)
{
	assert(!net->entered); /* a callback must not enter its stack again */
	net->entered = true;
	if (now_ns > net->now_ns)
		net_set_now(net, now_ns);
}

/* What the work has put off, and what that puts off. */
static void net_settle(struct net *net)
{
	for (;;) {
		while (loopback_run(net, ip_rcv))
			;
		if (!op_any_woken(net))
			break;
		op_run_woken(net);
	}
	sock_reap(net, tcp_destroy_sock);
	net->unsettled = false;
}

void net_leave(struct net *net)
{
	if (unlikely(net->unsettled) && !net->held) /* most entries leave nothing */
		net_settle(net);
	net->entered = false;
}

/* ------------------------------------------------------------------ made and ended */

static void net_set_defaults(struct sysctls *s)
{
#define SYSCTL_DEFAULT(name, def, lo, hi, unit) s->name = def;
#define SYSCTL_DEFAULT3(name, a, b, c)		s->name[0] = a, s->name[1] = b, s->name[2] = c;
	SYSCTL_LIST(SYSCTL_DEFAULT, SYSCTL_DEFAULT3)
#undef SYSCTL_DEFAULT
#undef SYSCTL_DEFAULT3
}

static struct siphash_key net_new_key(struct net *net)
{
	struct siphash_key key;
	uint64_t half[2] = {net_random(net), net_random(net)};

	memcpy(&key, half, sizeof(key));
	return key;
}

static void net_exit_layers(struct net *net)
{
	vfs_exit(net);
	tcp_exit(net);
	hashinfo_exit(net);
	ip_exit(net);
	link_exit(net);
}

static int net_init_layers(struct net *net)
{
	int err = link_init(net);

	if (!err)
		err = ip_init(net);
	if (!err)
		err = hashinfo_init(net);
	if (!err)
		err = tcp_init(net);
	if (!err)
		err = vfs_init(net);
	if (err)
		net_exit_layers(net);
	return err;
}

static void net_free(struct net *net)
{
	struct mem mem;

	skb_pool_destroy(&net->skbs);
	mem = net->mem; /* counts down as the rest goes, itself included */
	mem_free(&mem, net, sizeof(*net));
	assert(mem.bytes == 0); /* all that was taken has been given back */
}

struct net *net_create(const struct la_env *env, uint64_t now_ns)
{
	struct mem mem = {.env = env};
	struct net *net = mem_zalloc(&mem, sizeof(*net));

	if (!net)
		return NULL;
	net->mem = mem;
	net_set_now(net, now_ns);
	wheel_init(&net->wheel, net->jiffies);
	skb_pool_init(&net->skbs, &net->mem);
	net_set_defaults(&net->sysctl);
	net->hash_key = net_new_key(net);
	net->isn_key = net_new_key(net);
	net->port_key = net_new_key(net);
	net->ts_key = net_new_key(net);
	net->cookie_key = net_new_key(net);
	if (net_init_layers(net)) {
		net_free(net);
		return NULL;
	}
	return net;
}

/* An orphan goes with the stack, queues and all. It says nothing: the tables have no order that may be shown. What else
 * is in them has no memory but its slab's. */
static void drop_orphan(void *net, struct sock_common *c)
{
	struct sock *sk = sk_from_common(c);

	if (c->state == TCP_TIME_WAIT || c->state == TCP_NEW_SYN_RECV)
		return;
	assert(sock_flag(sk, SOCK_DEAD) && sk->refcnt == 1);
	inet_unhash(net, c);
	sk->refcnt = 0;
	tcp_destroy_sock(sk);
}

void net_destroy(struct net *net)
{
	struct vfs *vfs = net->vfs;

	net_enter(net, net->now_ns);
	net->dying = true;
	while (!list_empty(&vfs->all_tasks))
		task_exit(list_first_entry(&vfs->all_tasks, struct task, node));
	while (!list_empty(&vfs->in_flight))
		fput(flight_land(net, list_first_entry(&vfs->in_flight, struct flight, node)), NULL);
	net_leave(net);
	inet_walk(net, drop_orphan, net);
	net_exit_layers(net);
	net_free(net);
}

/* ------------------------------------------------------------------ packets and time */

/* Stand-ins end in crowds, long after anyone has looked at them: while one ends, what the next one's end will touch comes
 * into the cache. */
static void net_prefetch_timer(const struct net *net, const struct timer *t)
{
	if (!t || t->kind != TIMER_TIMEWAIT)
		return;
	__builtin_prefetch(t->next); /* about which the same will be asked when this one ends */
	__builtin_prefetch(t->next + 1);
	inet_twsk_prefetch(net, container_of(t, struct timewait_sock, common.timer));
}

static void net_timer(struct net *net, struct timer *t)
{
	struct sock_common *c = container_of(t, struct sock_common, timer);

	switch ((enum timer_kind)t->kind) {
	case TIMER_SOCK:
		return tcp_sock_timer(sk_from_common(c));
	case TIMER_REQUEST:
		return tcp_req_timer(net, req_from_common(c));
	case TIMER_TIMEWAIT:
		return tcp_timewait_timer(net, tw_from_common(c));
	case TIMER_OP:
		return op_timer(net, t);
	case TIMER_FRAG:
		return ip_frag_timeout(net, t);
	case TIMER_KINDS:
		break;
	}
	assert(!"a timer of no kind");
}

struct la_stack *la_stack_new(const struct la_env *env, uint64_t now_ns)
{
	return (struct la_stack *)net_create(env, now_ns);
}

void la_stack_free(struct la_stack *stack)
{
	if (stack)
		net_destroy((struct net *)stack);
}

void la_receive(struct la_stack *stack, int ifindex, const void *frame, size_t len, uint64_t now_ns)
{
	struct net *net = (struct net *)stack;

	net_enter(net, now_ns);
	ip_rcv(net, ifindex, frame, len);
	net_leave(net);
}

void la_advance(struct la_stack *stack, uint64_t now_ns)
{
	struct net *net = (struct net *)stack;
	struct timer *t;

	net_enter(net, now_ns);
	while ((t = wheel_pop(&net->wheel, net->jiffies)) != NULL) {
		net_prefetch_timer(net, wheel_peek(&net->wheel));
		net_timer(net, t);
	}
	net_leave(net);
}

uint64_t la_deadline_ns(const struct la_stack *stack)
{
	const struct net *net = (const struct net *)stack;
	uint64_t now_j = net->now_ns / TICK_NSEC;
	uint32_t tick;

	if (!wheel_next(&net->wheel, &tick))
		return UINT64_MAX;
	/* Ticks wrap; what is due already is at most half a lap behind. */
	return after(tick, (uint32_t)now_j) ? (now_j + (tick - (uint32_t)now_j)) * TICK_NSEC : net->now_ns;
}

/* ------------------------------------------------------------------ devices, addresses, routes */

/* 4 or 16 bytes, and a prefix of them, as the stack keeps them: IPv4 mapped. */
static int net_prefix(int family, const void *addr, unsigned prefixlen, struct in6_addr *mapped, unsigned *len)
{
	if (!addr || prefixlen > (family == AF_INET ? 32 : 128))
		return -EINVAL;
	switch (family) {
	case AF_INET:
		*mapped = addr_from_v4(addr);
		*len = prefixlen + 96;
		return 0;
	case AF_INET6:
		memcpy(mapped, addr, sizeof(*mapped));
		*len = prefixlen;
		return 0;
	}
	return -EINVAL;
}

int la_device_add(struct la_stack *stack, struct la_device *dev)
{
	return dev_add((struct net *)stack, dev);
}

int la_addr_add(struct la_stack *stack, int ifindex, int family, const void *addr, unsigned prefixlen)
{
	struct in6_addr mapped;
	unsigned len;
	int err = net_prefix(family, addr, prefixlen, &mapped, &len);

	return err ? err : ip_addr_add((struct net *)stack, ifindex, &mapped, len);
}

int la_route_add(struct la_stack *stack, int ifindex, int family, const void *dst, unsigned prefixlen)
{
	struct in6_addr mapped;
	unsigned len;
	int err = net_prefix(family, dst, prefixlen, &mapped, &len);

	return err ? err : ip_route_add((struct net *)stack, ifindex, &mapped, len);
}
