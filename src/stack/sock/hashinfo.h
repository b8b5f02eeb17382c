/* SPDX-License-Identifier: MIT */
/*
 * sock/hashinfo.h - who owns which addresses and ports
 *
 *	pairs      local and remote address and port -> sock, request, stand-in   (one table, O(1) at millions)
 *	listeners  local port -> listening socks; the best match wins, as Linux scores them
 *	binds      port + address -> inet_bind_bucket: counts owners by kind, so that a conflict is found without a list of them
 */
#ifndef LA_HASHINFO_H
#define LA_HASHINFO_H

#include "stack/sock/sock.h"

/* One per (port, address) in use; address any included. Freed with its last owner. */
struct inet_bind_bucket {
	struct hnode hash;	/* by port alone: all addresses of a port are neighbours */
	struct in6_addr addr;	/* any, IPv4 mapped, or IPv6 */
	uint16_t port;
	bool v6only;		/* :: that does not cover IPv4 */
	uint32_t owners[8];	/* indexed by BIND_REUSE | BIND_REUSEPORT | BIND_LISTEN */
	uint32_t connect_owners; /* how many of all came by connect()'s own choice of port */
};
enum { BIND_REUSE = 1, BIND_REUSEPORT = 2, BIND_LISTEN = 4 };

struct inet_hashinfo {
	struct htab pairs;
	struct htab listeners;
	struct htab binds;
	struct slab_cache buckets;
	uint32_t connect_offset[256]; /* RFC 6056 section 3.3.4 */
	uint32_t listener_seq;
};

uint32_t pair_hash(const struct net *net, const struct in6_addr *saddr, uint16_t sport, const struct in6_addr *daddr,
		   uint16_t dport);

/* Who owns exactly this pair? NULL: nobody. */
struct sock_common *inet_lookup_established(struct net *net, const struct in6_addr *saddr, uint16_t sport,
					    const struct in6_addr *daddr, uint16_t dport);
/* Who listens for it? The most specific; among equals of a SO_REUSEPORT group one by the hash of the pair. */
struct sock *inet_lookup_listener(struct net *net, const struct in6_addr *saddr, uint16_t sport, const struct in6_addr *daddr,
				  uint16_t dport);

void inet_ehash_insert(struct net *net, struct sock_common *c); /* pair must be free or c's own predecessor removed */
void inet_listen_hash(struct net *net, struct sock *sk);
void inet_unhash(struct net *net, struct sock_common *c); /* either table; one that is in none is left alone */

/* bind(): 0, -EADDRINUSE, -ENOMEM. @port 0: one of the local range, chosen as Linux does (inet_csk_get_port). */
int inet_csk_get_port(struct sock *sk, uint16_t port);
/* connect() of an unbound sock: chooses a port and hashes the pair (inet_hash_connect): 0, -EADDRNOTAVAIL, -ENOMEM. With a
 * bound port: checks the pair. @tw_reuse decides whether a stand-in that owns the pair may be replaced (tcp/timewait.c) and
 * takes what it needs from it; it is then removed by @tw_kill. */
int inet_hash_connect(struct sock *sk, bool (*tw_reuse)(struct sock *sk, struct timewait_sock *tw, bool port_by_number),
		      void (*tw_kill)(struct net *net, struct timewait_sock *tw));
/* A child shares its listener's port; a stand-in its predecessor's: 0 or -ENOMEM (never for a stand-in). */
int inet_inherit_port(struct sock *listener, struct sock *child);
void inet_put_port(struct sock *sk);
void inet_bind_bucket_move(struct net *net, struct sock *sk, struct timewait_sock *tw); /* the sock's share goes to @tw */
void inet_bind_bucket_put_tw(struct net *net, struct timewait_sock *tw);
/* A sock's kind (reuse, reuseport, listening) is about to change or has changed: call before with -1, after with +1. */
void inet_bind_count(struct sock *sk, int change);
/* listen(): the port is ours, may we listen on it? 0 or -EADDRINUSE. */
int inet_csk_listen_check(struct sock *sk);

#endif
