/* SPDX-License-Identifier: MIT */
/*
 * sock/hashinfo.h - who owns which addresses and ports
 *
 *	pairs      local and remote address and port -> sock, request, stand-in   (one table, O(1) at millions)
 *	ports      local port -> inet_bind_port -> its addresses
 *	binds      local port and address -> inet_bind_bucket: owners, counted by kind, and the listeners among them
 *
 * A conflict of bind() is found by the counts: nobody walks the owners of a port.
 */
#ifndef LA_HASHINFO_H
#define LA_HASHINFO_H

#include "stack/sock/sock.h"

/*
 * What Linux remembers of a port beside its owners, so that most bind()s need no look at them; and it is visible:
 *	-1  all owners came by connect()'s own choice: another connect() may choose the port
 *	 0  it may not
 *	 1  @fastreuseport: a SO_REUSEPORT sock whose address @fast_addr covers is let in
 */
struct inet_bind_port {
	struct list_head buckets; /* its addresses, in order of first use */
	struct in6_addr fast_addr;
	uint16_t port;
	int8_t fastreuse, fastreuseport;
	uint8_t fast_family;
	bool fast_v6only;
};

/* One per (port, address) in use; address any included. Freed with its last owner. */
struct inet_bind_bucket {
	struct hnode hash;
	struct inet_bind_port *port;
	struct list_head node;	 /* in port->buckets */
	struct in6_addr addr;	 /* ::, IPv4 mapped (0.0.0.0 too), or IPv6 */
	struct hnode *listeners; /* by sock_common.hash, the best first among equals */
	uint32_t owners[4];	 /* by BIND_REUSE | BIND_REUSEPORT */
	uint32_t connect_owners; /* how many of all came by connect()'s own choice of port */
	int8_t fastreuse, fastreuseport;
	bool v6only;		 /* a :: that does not cover IPv4 */
};
/* How an owner lets others in; SO_REUSEADDR of a listener does not. */
enum { BIND_REUSE = 1, BIND_REUSEPORT = 2 };

#define CONNECT_OFFSETS 256 /* RFC 6056 section 3.3.4; Linux: 65536 */

#define PORTS_PAGE 256

struct inet_hashinfo {
	struct htab pairs;
	struct inet_bind_port **ports[65536 / PORTS_PAGE]; /* by number, in pages that begin with their first port */
	struct htab binds;
	struct slab_cache port_cache, bucket_cache;
	uint32_t listeners;
	uint32_t connect_offset[CONNECT_OFFSETS];
};

uint32_t pair_hash(const struct net *net, const struct in6_addr *saddr, uint16_t sport, const struct in6_addr *daddr,
		   uint16_t dport);

/* Who owns exactly this pair? NULL: nobody. */
struct sock_common *inet_lookup_established(struct net *net, const struct in6_addr *saddr, uint16_t sport,
					    const struct in6_addr *daddr, uint16_t dport);
/* Of the SO_REUSEPORT group that listener @sk has left: one that shall have @c, by the hash of its pair; NULL: nobody is left. */
struct sock *inet_reuseport_heir(const struct sock *sk, const struct sock_common *c);
/* Who listens for it? The most specific; among equals of a SO_REUSEPORT group one by the hash of the pair. */
struct sock *inet_lookup_listener(struct net *net, const struct in6_addr *saddr, uint16_t sport,
				  const struct in6_addr *daddr, uint16_t dport);

void inet_ehash_insert(struct net *net, struct sock_common *c); /* pair must be free or c's own predecessor removed */
/* @c, of the same pair, takes the place of @old. */
void inet_ehash_replace(struct net *net, struct sock_common *old, struct sock_common *c);
void inet_listen_hash(struct net *net, struct sock *sk);
void inet_unhash(struct net *net, struct sock_common *c); /* either table; one that is in none is left alone */

/* bind(): 0 or -EADDRINUSE, for want of memory too, as in Linux. @port 0: one of the local range, chosen as Linux does.
 * The sock is bound while sk->bind is set; common.num keeps the number afterwards too, for getsockname() (SP-06). */
int inet_csk_get_port(struct sock *sk, uint16_t port);
/* connect() of an unbound sock: chooses a port and hashes the pair (inet_hash_connect): 0, -EADDRNOTAVAIL, -ENOMEM.
 * With a bound port: checks the pair. @tw_reuse decides whether a stand-in that owns the pair may be replaced
 * (tcp/timewait.c) and takes what it needs from it; it is then removed by @tw_kill. */
int inet_hash_connect(struct sock *sk, bool (*tw_reuse)(struct sock *sk, struct timewait_sock *tw, bool port_by_number),
		      void (*tw_kill)(struct net *net, struct timewait_sock *tw));
/* A child shares its listener's port; a stand-in its predecessor's: 0 or -ENOMEM (never for a stand-in). */
int inet_inherit_port(struct sock *listener, struct sock *child);
void inet_put_port(struct sock *sk);
/* @tw becomes an owner beside its predecessor, which gives its own share back when its socket lets the port go. */
void inet_bind_bucket_move(struct net *net, struct sock *sk, struct timewait_sock *tw);
void inet_bind_bucket_put_tw(struct net *net, struct timewait_sock *tw);
/* @tw will be taken out of the tables soon. */
static inline void inet_twsk_prefetch(const struct net *net, const struct timewait_sock *tw)
{
	htab_prefetch(&net->hashinfo->pairs, tw->common.hash.hash);
	if (tw->bind)
		__builtin_prefetch(tw->bind->owners);
}
/* The sock's address has changed: its share goes to the bucket of the new one. 0, or -ENOMEM and it stays where it was.
 * inet_hash_connect() does it for the address that connect() chose; to be called when that is taken back (Linux:
 * inet_bhash2_update_saddr, inet_bhash2_reset_saddr). One that is not bound is left alone. */
int inet_bhash2_update_saddr(struct sock *sk);
/* SO_REUSEADDR or SO_REUSEPORT is about to change or has changed: call before with -1, after with +1. Listening is
 * noticed by inet_listen_hash() and inet_unhash() themselves. */
void inet_bind_count(struct sock *sk, int change);
/* listen(): may we listen on our port? One that has none gets one. 0 or -EADDRINUSE. State is LISTEN already. */
int inet_csk_listen_check(struct sock *sk);

/* Everyone in a table, in no order that may be shown: socks, requests, stand-ins, listeners. @visit may unhash the one
 * it gets. */
void inet_walk(struct net *net, void (*visit)(void *arg, struct sock_common *c), void *arg);
/* NULL, or what does not hold. */
const char *hashinfo_check(const struct net *net);

#endif
