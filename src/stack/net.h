/* SPDX-License-Identifier: MIT */
/*
 * stack/net.h - struct net: one instance of everything, what the kernel calls a network namespace
 *
 * Holds what all layers share: the instant of the running entry, memory, the timer wheel, settings, counters, keys; and
 * one pointer to each layer's own tables, which only that layer looks into.
 *
 * An entry (life/net.c) goes: net_enter(now) - the work - net_leave(). net_leave() runs what was put off, until nothing is
 * left: frames between the stack's own addresses (link/loopback.c), then operations that were woken (file/op.c); at the
 * very end it frees the socks that died (sock/sock.c). Hence: output never recurses into input, an operation never runs
 * inside the processing of a segment, and a dead sock stays readable until its entry ends.
 */
#ifndef LA_NET_H
#define LA_NET_H

#include "base/htab.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/skb.h"
#include "base/timer.h"
#include "stack/mib.h"
#include "stack/sysctl.h"

enum timer_kind {
	TIMER_SOCK,	/* struct sock: the earliest of its deadlines (tcp/timer.c) */
	TIMER_REQUEST,	/* struct request_sock: its SYN-ACK (tcp/listen.c) */
	TIMER_TIMEWAIT, /* struct timewait_sock (tcp/timewait.c) */
	TIMER_OP,	/* struct op: time limit of a call, linger (file/op.c) */
	TIMER_FRAG,	/* a datagram being reassembled (ip/fragment.c) */
	TIMER_KINDS
};

struct link;	   /* link/link.h: devices, loopback queue */
struct ip;	   /* ip/ip.h: addresses, routes, fragments, path MTUs */
struct inet_hashinfo; /* sock/hashinfo.h: who owns which addresses and ports */
struct tcp;	   /* tcp/tcp.h: caches, limits of the protocol */
struct vfs;	   /* file/file.h: caches of tasks, files, the queue of woken operations */

struct net {
	struct mem mem;
	uint64_t now_ns;  /* the instant of the running entry; in other units as asked for again and again, which wrap: */
	uint32_t now_us, now_ms; /* rounded down */
	uint32_t now_s;		 /* the same and 1 more: stamps of 0 mean never */
	uint32_t jiffies;	 /* in ticks of 4 ms, rounded down */
	uint32_t next_tick;	 /* the first tick that is not before now_ns */
	bool entered;
	bool unsettled; /* net_leave() has something to do: a frame on loopback, a woken operation, a dead sock */
	bool held;	/* la_hold(): what entries leave waits for la_let_go() */
	bool dying; /* la_stack_free(): nothing may leave any more */
	struct wheel wheel;
	struct skb_pool skbs;
	struct sysctls sysctl;
	uint64_t mib[MIB_COUNT];
	uint64_t sock_ids; /* last id given to a sock, for traces */
	struct siphash_key hash_key; /* lookup tables */
	struct siphash_key isn_key;  /* RFC 6528 */
	struct siphash_key port_key; /* RFC 6056 */
	struct siphash_key ts_key;   /* RFC 7323 timestamp offsets */
	struct siphash_key cookie_key;
	struct hnode *dead;	     /* socks without references, by sock_common.hash: freed when the entry ends */
	struct link *link;
	struct ip *ip;
	struct inet_hashinfo *hashinfo;
	struct tcp *tcp;
	struct vfs *vfs;
};

static inline void NET_INC(struct net *net, enum mib m) { net->mib[m]++; }
static inline void NET_ADD(struct net *net, enum mib m, uint64_t n) { net->mib[m] += n; }

static inline bool net_traced(const struct net *net) { return unlikely(net->mem.env->trace); }

static inline uint64_t net_random(struct net *net) { return net->mem.env->random(net->mem.env->world); }

/* Deadlines: the first tick that is not before @delay_ns from now. */
static inline uint32_t tick_after_ns(const struct net *net, uint64_t delay_ns)
{
	return (uint32_t)((net->now_ns + delay_ns + TICK_NSEC - 1) / TICK_NSEC);
}
static inline uint32_t tick_after_ms(const struct net *net, uint64_t ms) { return tick_after_ns(net, ms * NSEC_PER_MSEC); }
static inline void net_set_now(struct net *net, uint64_t now_ns)
{
	net->now_ns = now_ns;
	net->now_us = (uint32_t)(now_ns / NSEC_PER_USEC);
	net->now_ms = (uint32_t)(now_ns / NSEC_PER_MSEC);
	net->now_s = (uint32_t)(now_ns / NSEC_PER_SEC) + 1;
	net->jiffies = (uint32_t)(now_ns / TICK_NSEC);
	net->next_tick = tick_after_ns(net, 0);
}
/* For values that Linux keeps in jiffies (timeouts such as icsk_rto). */
static inline uint32_t tick_after_jiffies(const struct net *net, uint32_t j) { return net->next_tick + j; }
static inline uint32_t msecs_to_jiffies(uint32_t ms) { return (ms + 3) / 4; }
static inline uint32_t jiffies_to_msecs(uint32_t j) { return j * 4; }
static inline uint32_t net_time_ms(const struct net *net) { return net->now_ms; }
static inline uint32_t net_time_s(const struct net *net) { return net->now_s; }
static inline uint32_t net_time_us(const struct net *net) { return net->now_us; }

/* each layer's beginning and end; *_init returns 0 or -ENOMEM, *_exit takes a half-made one as well */
int link_init(struct net *net);
void link_exit(struct net *net);
int ip_init(struct net *net);
void ip_exit(struct net *net);
int hashinfo_init(struct net *net);
void hashinfo_exit(struct net *net);
int tcp_init(struct net *net);
void tcp_exit(struct net *net);
int vfs_init(struct net *net);
void vfs_exit(struct net *net);

/* life/net.c */
void net_enter(struct net *net, uint64_t now_ns);
void net_leave(struct net *net);

#endif
