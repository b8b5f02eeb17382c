// SPDX-License-Identifier: MIT
/*
 * sock/hashinfo.c - who owns which addresses and ports
 *
 * In:   a segment's address pair: whose is it?  A sock: may it have this port, or any?
 * Here: three tables (hashinfo.h). Whether two socks get along on a port depends on the addresses, on SO_REUSEADDR and
 *       SO_REUSEPORT of both, and on listening; so a bind bucket counts its owners by those, and a conflict is a look
 *       at a few counts. Rules and quirks are those of Linux 6.18, seen on the running kernel
 *       (tests/unit/hashinfo_bind.c).
 * Out:  a sock in a table, or -EADDRINUSE, -EADDRNOTAVAIL.
 *
 * All socks of a stack belong to one user: where Linux compares user ids, they agree.
 */
#include "stack/sock/hashinfo.h"
#include "base/mix.h"

#include <errno.h>

/* ------------------------------------------------------------------ address pairs */

uint32_t pair_hash(const struct net *net, const struct in6_addr *saddr, uint16_t sport, const struct in6_addr *daddr,
		   uint16_t dport)
{
	uint32_t ports = (uint32_t)sport << 16 | dport;

	if (likely(addr_is_v4(saddr))) {
		const uint32_t four[2] = {saddr->s6_addr32[3], daddr->s6_addr32[3]};

		return mix_hash(four, 1, ports, &net->hash_key);
	}
	return mix_hash((const struct in6_addr[2]){*saddr, *daddr}, 4, ports, &net->hash_key);
}

static struct sock_common *pair_find(const struct net *net, uint32_t hash, const struct in6_addr *saddr, uint16_t sport,
				     const struct in6_addr *daddr, uint16_t dport)
{
	struct hnode *n;

	htab_for_each_candidate (n, &net->hashinfo->pairs, hash) {
		struct sock_common *c = container_of(n, struct sock_common, hash);
		struct in6_addr his, ours;

		if (unlikely(c->num != sport || c->dport != dport))
			continue;
		sock_addrs(c, &his, &ours);
		if (likely(addr_equal(&ours, saddr) && addr_equal(&his, daddr)))
			return c;
	}
	return NULL;
}

struct sock_common *inet_lookup_established(struct net *net, const struct in6_addr *saddr, uint16_t sport,
					    const struct in6_addr *daddr, uint16_t dport)
{
	return pair_find(net, pair_hash(net, saddr, sport, daddr, dport), saddr, sport, daddr, dport);
}

void inet_ehash_insert(struct net *net, struct sock_common *c)
{
	struct in6_addr daddr, saddr;

	assert(!c->hashed);
	sock_addrs(c, &daddr, &saddr);
	htab_insert(&net->hashinfo->pairs, &c->hash, pair_hash(net, &saddr, c->num, &daddr, c->dport));
	c->hashed = 1;
}

void inet_ehash_replace(struct net *net, struct sock_common *old, struct sock_common *c)
{
	assert(old->hashed && !old->listed && !c->hashed);
	htab_replace(&net->hashinfo->pairs, &old->hash, &c->hash);
	old->hashed = 0;
	c->hashed = 1;
}

/* ------------------------------------------------------------------ ports and bind buckets */

/* Under what address a sock is bound: that of IPv4 is mapped for both families, and 0.0.0.0 is not ::. */
struct bind_addr {
	struct in6_addr addr;
	bool v6only; /* of :: alone */
};

static struct bind_addr bind_addr_of(const struct sock *sk)
{
	struct bind_addr a = {.addr = sk->rcv_saddr};

	if (IN6_IS_ADDR_UNSPECIFIED(&a.addr)) {
		if (sk->common.family == AF_INET)
			a.addr = addr_from_v4(&(struct in_addr){0});
		else
			a.v6only = sk->common.ipv6only;
	}
	return a;
}

static struct inet_bind_port *port_find(const struct inet_hashinfo *h, uint16_t port)
{
	struct inet_bind_port **page = h->ports[port / PORTS_PAGE];

	return page ? page[port % PORTS_PAGE] : NULL;
}

static uint32_t bucket_hash(const struct net *net, const struct bind_addr *a, uint16_t port)
{
	return mix_hash(&a->addr, 2, (uint32_t)port << 1 | a->v6only, &net->hash_key);
}

static bool bucket_is(const struct inet_bind_bucket *b, const struct inet_bind_port *p, const struct bind_addr *a)
{
	return b->port == p && b->v6only == a->v6only && addr_equal(&b->addr, &a->addr);
}

/* A port that connect() chose has one bucket as a rule, and one that a server listens on has its first for any address. */
static struct inet_bind_bucket *bucket_find(const struct net *net, const struct inet_bind_port *p, const struct bind_addr *a)
{
	struct inet_bind_bucket *b;
	struct hnode *n;
	uint32_t hash;

	if (!p || list_empty(&p->buckets))
		return NULL;
	b = list_first_entry(&p->buckets, struct inet_bind_bucket, node);
	if (bucket_is(b, p, a))
		return b;
	if (b->node.next == &p->buckets)
		return NULL;
	hash = bucket_hash(net, a, p->port);
	htab_for_each_candidate(n, &net->hashinfo->binds, hash) {
		b = container_of(n, struct inet_bind_bucket, hash);
		if (bucket_is(b, p, a))
			return b;
	}
	return NULL;
}

static struct inet_bind_port *port_create(struct inet_hashinfo *h, uint16_t port, int fastreuse)
{
	struct inet_bind_port ***page = &h->ports[port / PORTS_PAGE], *p;

	if (!*page)
		*page = mem_zalloc(h->port_cache.mem, PORTS_PAGE * sizeof(**page));
	p = *page ? slab_zalloc(&h->port_cache) : NULL;
	if (!p)
		return NULL;
	p->port = port;
	p->fastreuse = p->fastreuseport = fastreuse;
	list_init(&p->buckets);
	(*page)[port % PORTS_PAGE] = p;
	return p;
}

static void port_put(struct inet_hashinfo *h, struct inet_bind_port *p)
{
	struct inet_bind_bucket *b;

	if (list_empty(&p->buckets)) {
		h->ports[p->port / PORTS_PAGE][p->port % PORTS_PAGE] = NULL;
		slab_free(&h->port_cache, p);
		return;
	}
	if (p->fastreuse == -1 && p->fastreuseport == -1)
		return;
	list_for_each_entry (b, &p->buckets, node)
		if (b->fastreuse != -1 || b->fastreuseport != -1)
			return;
	p->fastreuse = p->fastreuseport = -1;
}

/* The bucket of the sock's address at @port, which is @p if anyone has it; made where there is none. @fastreuse: what a new
 * one begins with. NULL: no memory. */
static struct inet_bind_bucket *bucket_get(const struct sock *sk, struct inet_bind_port *p, uint16_t port, int fastreuse)
{
	struct inet_hashinfo *h = sk->net->hashinfo;
	struct bind_addr a = bind_addr_of(sk);
	struct inet_bind_bucket *b = bucket_find(sk->net, p, &a);

	if (b)
		return b;
	if (!p && !(p = port_create(h, port, fastreuse)))
		return NULL;
	b = slab_zalloc(&h->bucket_cache);
	if (!b) {
		if (list_empty(&p->buckets))
			port_put(h, p);
		return NULL;
	}
	b->port = p;
	b->addr = a.addr;
	b->v6only = a.v6only;
	b->fastreuse = b->fastreuseport = fastreuse;
	list_add_tail(&b->node, &p->buckets);
	htab_insert(&h->binds, &b->hash, bucket_hash(sk->net, &a, port));
	return b;
}

static uint32_t bucket_owners(const struct inet_bind_bucket *b)
{
	return b->owners[0] + b->owners[1] + b->owners[2] + b->owners[3];
}

/* A share has gone. With the last one the bucket goes; with the last that came by bind(), connect() may use the port
 * again. */
static void bucket_put(struct inet_hashinfo *h, struct inet_bind_bucket *b)
{
	struct inet_bind_port *p = b->port;
	uint32_t owners = bucket_owners(b);

	if (!owners) {
		assert(!b->listeners);
		list_del_init(&b->node);
		htab_remove(&h->binds, &b->hash);
		slab_free(&h->bucket_cache, b);
	} else if (b->connect_owners == owners && (b->fastreuse != -1 || b->fastreuseport != -1)) {
		b->fastreuse = b->fastreuseport = -1;
	} else {
		return; /* nothing has changed for the port, which need not be looked at */
	}
	port_put(h, p);
}

static unsigned bind_class(const struct sock_common *c)
{
	return (c->reuse && !c->listed ? BIND_REUSE : 0) | (c->reuseport ? BIND_REUSEPORT : 0);
}

static void bucket_count(struct inet_bind_bucket *b, struct sock_common *c)
{
	c->bind_class = bind_class(c);
	b->owners[c->bind_class]++;
	b->connect_owners += c->connect_bind;
}

static void bucket_uncount(struct inet_bind_bucket *b, struct sock_common *c)
{
	assert(b->owners[c->bind_class] > 0);
	b->owners[c->bind_class]--;
	b->connect_owners -= c->connect_bind;
}

void inet_bind_count(struct sock *sk, int change)
{
	if (!sk->bind)
		return;
	if (change > 0)
		bucket_count(sk->bind, &sk->common);
	else
		bucket_uncount(sk->bind, &sk->common);
}

static void inet_bind_hash(struct sock *sk, struct inet_bind_bucket *b, bool by_connect)
{
	sk->common.num = b->port->port;
	sk->common.connect_bind = by_connect;
	sk->bind = b;
	bucket_count(b, &sk->common);
}

void inet_put_port(struct sock *sk)
{
	struct inet_bind_bucket *b = sk->bind;

	if (!b)
		return;
	assert(!sk->common.listed);
	bucket_uncount(b, &sk->common);
	sk->bind = NULL;
	sk->common.connect_bind = 0;
	bucket_put(sk->net->hashinfo, b);
}

int inet_inherit_port(struct sock *listener, struct sock *child)
{
	struct inet_bind_bucket *b;

	assert(listener->bind && listener->bind->port->port == child->common.num);
	b = bucket_get(child, listener->bind->port, child->common.num, 0);
	if (!b)
		return -ENOMEM;
	inet_bind_hash(child, b, false);
	return 0;
}

int inet_bhash2_update_saddr(struct sock *sk)
{
	struct inet_bind_bucket *old = sk->bind, *b;

	if (!old)
		return 0;
	b = bucket_get(sk, old->port, old->port->port, sk->common.connect_bind ? -1 : 0);
	if (!b)
		return -ENOMEM;
	if (b == old)
		return 0;
	bucket_uncount(old, &sk->common);
	sk->bind = b;
	bucket_count(b, &sk->common);
	bucket_put(sk->net->hashinfo, old);
	return 0;
}

void inet_bind_bucket_move(struct net *net, struct sock *sk, struct timewait_sock *tw)
{
	(void)net;
	tw->bind = sk->bind;
	if (!tw->bind)
		return;
	tw->common.reuse = sk->common.reuse;
	tw->common.reuseport = sk->common.reuseport;
	tw->common.connect_bind = sk->common.connect_bind;
	bucket_count(tw->bind, &tw->common);
}

void inet_bind_bucket_put_tw(struct net *net, struct timewait_sock *tw)
{
	struct inet_bind_bucket *b = tw->bind;

	if (!b)
		return;
	bucket_uncount(b, &tw->common);
	tw->bind = NULL;
	bucket_put(net->hashinfo, b);
}

/* ------------------------------------------------------------------ bind(): conflicts */

/* Does an owner of @b stand in the way? @any_port: the port need not be this one, so that nothing is shared. */
static bool owners_conflict(const struct sock *sk, const struct inet_bind_bucket *b, bool any_port)
{
	unsigned tolerant = (sk->common.reuse ? BIND_REUSE : 0) | (sk->common.reuseport ? BIND_REUSEPORT : 0);

	for (unsigned class = 0; b && class < ARRAY_SIZE(b->owners); class ++)
		if (b->owners[class] && (any_port || !(class & tolerant)))
			return true;
	return false;
}

static bool addr_conflict(const struct sock *sk, const struct inet_bind_port *p, const struct bind_addr *a, bool any_port)
{
	return owners_conflict(sk, bucket_find(sk->net, p, a), any_port);
}

/* A sock on any address of its family has to do with each address of that family ... */
static bool any_addr_conflict(const struct sock *sk, const struct bind_addr *a, const struct inet_bind_port *p,
			      bool any_port)
{
	bool v4_any = addr_is_v4(&a->addr);
	const struct inet_bind_bucket *b;

	list_for_each_entry (b, &p->buckets, node) {
		bool b_any = IN6_IS_ADDR_UNSPECIFIED(&b->addr), overlap;

		if (addr_is_v4(&b->addr))
			overlap = v4_any || !a->v6only;
		else
			overlap = !v4_any || (b_any && !b->v6only);
		if (overlap && owners_conflict(sk, b, any_port))
			return true;
	}
	return false;
}

/* ... and one on an address with that address and the two or three kinds of "any" that cover it. */
static bool inet_csk_bind_conflict(const struct sock *sk, const struct inet_bind_port *p, bool any_port)
{
	struct bind_addr a = bind_addr_of(sk);
	const struct bind_addr dual_any = {.v6only = false}, v6_any = {.v6only = true};
	const struct bind_addr v4_any = {.addr = addr_from_v4(&(struct in_addr){0})};

	if (addr_is_any(&a.addr))
		return any_addr_conflict(sk, &a, p, any_port);
	return addr_conflict(sk, p, &a, any_port) || addr_conflict(sk, p, &dual_any, any_port) ||
	       addr_conflict(sk, p, addr_is_v4(&a.addr) ? &v4_any : &v6_any, any_port);
}

/* A SO_REUSEPORT sock is let in without a look at the owners, if the one before it covers its address. */
static bool sk_reuseport_match(const struct inet_bind_port *p, const struct sock *sk)
{
	struct bind_addr a = bind_addr_of(sk);

	if (p->fastreuseport <= 0 || !sk->common.reuseport)
		return false;
	if (addr_equal(&p->fast_addr, &a.addr))
		return p->fast_family == AF_INET6 || !sk->common.ipv6only;
	if (!addr_is_any(&p->fast_addr))
		return false;
	if (addr_is_v4(&p->fast_addr))
		return addr_is_v4(&a.addr) || (p->fast_family == AF_INET && !sk->common.ipv6only);
	return !(p->fast_v6only && addr_is_v4(&a.addr));
}

/* Linux has a bind bucket begin with an owner, so that fastreuse never becomes 1: SO_REUSEADDR always has the owners
 * looked at. */
static void inet_csk_update_fastreuse(struct inet_bind_bucket *b, const struct sock *sk)
{
	struct inet_bind_port *p = b->port;

	if (!sk->common.reuse || sk->common.state == TCP_LISTEN)
		p->fastreuse = 0;
	if (!sk->common.reuseport) {
		p->fastreuseport = 0;
	} else if (!sk_reuseport_match(p, sk)) {
		p->fastreuseport = 1;
		p->fast_addr = bind_addr_of(sk).addr;
		p->fast_v6only = sk->common.ipv6only;
		p->fast_family = sk->common.family;
	}
	b->fastreuse = p->fastreuse;
	b->fastreuseport = p->fastreuseport;
}

/* ------------------------------------------------------------------ bind(): any port */

static bool port_is_open(const struct sock *sk, uint16_t port)
{
	const struct inet_bind_port *p = port_find(sk->net->hashinfo, port);

	return !p || !inet_csk_bind_conflict(sk, p, true);
}

/* From a random place of [low, high) on; first the ports of the other parity than @low's: those are left to
 * connect(). */
static uint16_t find_open_port_in(const struct sock *sk, uint32_t low, uint32_t high)
{
	uint32_t remaining = high - low, offset;

	if (remaining > 1)
		remaining &= ~1u;
	offset = (uint32_t)net_random(sk->net) % remaining | 1;
	for (int parity = 0; parity < 2; parity++, offset--) {
		uint32_t port = low + offset;

		for (uint32_t i = 0; i < remaining; i += 2, port += 2) {
			if (port >= high)
				port -= remaining;
			if (port_is_open(sk, port))
				return port;
		}
	}
	return 0;
}

/* A sock with SO_REUSEADDR looks at the lower half first. 0: all are taken. */
static uint16_t inet_csk_find_open_port(const struct sock *sk)
{
	uint32_t low = sk->net->sysctl.ip_local_port_range_low, high = sk->net->sysctl.ip_local_port_range_high + 1u;
	uint32_t half = low + ((high - low) >> 2 << 1);
	uint16_t port;

	if (!sk->common.reuse || high - low < 4)
		return find_open_port_in(sk, low, high);
	port = find_open_port_in(sk, low, half);
	return port ? port : find_open_port_in(sk, half, high);
}

int inet_csk_get_port(struct sock *sk, uint16_t port)
{
	bool by_number = port;
	struct inet_bind_port *p;
	struct inet_bind_bucket *b;

	assert(!sk->bind);
	if (!by_number)
		port = inet_csk_find_open_port(sk);
	if (!port)
		return -EADDRINUSE;
	p = port_find(sk->net->hashinfo, port);
	if (by_number && p && !sock_flag(sk, SOCK_FORCE_REUSE) && !sk_reuseport_match(p, sk) &&
	    inet_csk_bind_conflict(sk, p, false))
		return -EADDRINUSE;
	b = bucket_get(sk, p, port, 0);
	if (!b)
		return -EADDRINUSE;
	inet_bind_hash(sk, b, false);
	inet_csk_update_fastreuse(b, sk);
	return 0;
}

int inet_csk_listen_check(struct sock *sk)
{
	struct inet_bind_bucket *b = sk->bind;
	bool conflict;

	if (!b)
		return inet_csk_get_port(sk, 0);
	inet_bind_count(sk, -1); /* it is no stranger to itself */
	conflict = !sk_reuseport_match(b->port, sk) && inet_csk_bind_conflict(sk, b->port, false);
	inet_bind_count(sk, +1);
	if (conflict)
		return -EADDRINUSE;
	inet_csk_update_fastreuse(b, sk);
	return 0;
}

/* ------------------------------------------------------------------ connect(): a pair of one's own */

struct pair_claim {
	bool (*tw_reuse)(struct sock *sk, struct timewait_sock *tw, bool port_by_number);
	void (*tw_kill)(struct net *net, struct timewait_sock *tw);
	bool by_number;
	struct timewait_sock *tw; /* owns the pair, and gives it up */
};

static int inet_check_established(struct sock *sk, uint16_t port, struct pair_claim *claim)
{
	struct sock_common *c = inet_lookup_established(sk->net, &sk->rcv_saddr, port, &sk->daddr, sk->common.dport);

	claim->tw = NULL;
	if (!c)
		return 0;
	if (c->state != TCP_TIME_WAIT || !claim->tw_reuse(sk, tw_from_common(c), claim->by_number))
		return -EADDRNOTAVAIL;
	claim->tw = tw_from_common(c);
	return 0;
}

static void pair_take(struct sock *sk, struct pair_claim *claim)
{
	if (claim->tw) {
		NET_INC(sk->net, MIB_TcpExt_TWRecycled);
		claim->tw_kill(sk->net, claim->tw);
	}
	inet_ehash_insert(sk->net, &sk->common);
}

/* Ports that somebody has bound by number are not for connect() to choose; those of other connections are. */
static int connect_try_port(struct sock *sk, uint16_t port, struct pair_claim *claim)
{
	struct inet_bind_port *p = port_find(sk->net->hashinfo, port);
	struct inet_bind_bucket *b;

	if (p && (p->fastreuse >= 0 || p->fastreuseport >= 0))
		return -EADDRNOTAVAIL;
	if (inet_check_established(sk, port, claim))
		return -EADDRNOTAVAIL;
	b = bucket_get(sk, p, port, -1);
	if (!b)
		return -ENOMEM;
	inet_bind_hash(sk, b, true);
	pair_take(sk, claim);
	return 0;
}

static uint64_t port_offset(const struct sock *sk)
{
	return addr_siphash(&sk->rcv_saddr, &sk->daddr, sk->common.dport, &sk->net->port_key);
}

/* RFC 6056 section 3.3.4: an offset by a keyed hash of the peer, and a table of counters by another part of it. The
 * ports of the parity of the lowest come first. */
static int connect_choose_port(struct sock *sk, struct pair_claim *claim)
{
	uint32_t low = sk->net->sysctl.ip_local_port_range_low, high = sk->net->sysctl.ip_local_port_range_high + 1u;
	uint32_t remaining = high - low, offset;
	uint64_t hash = port_offset(sk);
	uint32_t *perturb = &sk->net->hashinfo->connect_offset[hash % CONNECT_OFFSETS];

	if (remaining > 1)
		remaining &= ~1u;
	offset = (*perturb + (uint32_t)(hash >> 32)) % remaining & ~1u;
	for (int parity = 0; parity < (remaining > 1 ? 2 : 1); parity++, offset++) {
		uint32_t port = low + offset;

		for (uint32_t i = 0; i < remaining; i += 2, port += 2) {
			int err;

			if (port >= high)
				port -= remaining;
			err = connect_try_port(sk, port, claim);
			if (err == -EADDRNOTAVAIL)
				continue;
			if (!err)
				*perturb += max_t(uint32_t, i, net_random(sk->net) % 8 * 2) + 2;
			return err;
		}
	}
	return -EADDRNOTAVAIL;
}

int inet_hash_connect(struct sock *sk, bool (*tw_reuse)(struct sock *sk, struct timewait_sock *tw, bool port_by_number),
		      void (*tw_kill)(struct net *net, struct timewait_sock *tw))
{
	struct pair_claim claim = {.tw_reuse = tw_reuse, .tw_kill = tw_kill, .by_number = sk->bind != NULL};
	int err;

	if (!sk->bind)
		return connect_choose_port(sk, &claim);
	err = inet_bhash2_update_saddr(sk);
	if (!err)
		err = inet_check_established(sk, sk->common.num, &claim);
	if (!err)
		pair_take(sk, &claim);
	return err;
}

/* ------------------------------------------------------------------ listeners */

static struct sock *listener_of(struct hnode *n)
{
	return container_of(n, struct sock, common.hash);
}

/* The newest comes first, but SO_REUSEPORT socks of AF_INET6 stand behind the others. */
void inet_listen_hash(struct net *net, struct sock *sk)
{
	struct hnode **link = &sk->bind->listeners;

	assert(!sk->common.hashed && sk->bind);
	if (sk->common.family == AF_INET6 && sk->common.reuseport)
		while (*link)
			link = &(*link)->next;
	sk->common.hash.next = *link;
	*link = &sk->common.hash;
	inet_bind_count(sk, -1);
	sk->common.hashed = sk->common.listed = 1;
	inet_bind_count(sk, +1);
	net->hashinfo->listeners++;
}

static void inet_unlisten(struct net *net, struct sock *sk)
{
	struct hnode **link = &sk->bind->listeners;

	while (*link != &sk->common.hash)
		link = &(*link)->next;
	*link = sk->common.hash.next;
	inet_bind_count(sk, -1);
	sk->common.hashed = sk->common.listed = 0;
	inet_bind_count(sk, +1);
	net->hashinfo->listeners--;
}

void inet_unhash(struct net *net, struct sock_common *c)
{
	if (!c->hashed)
		return;
	if (c->listed)
		return inet_unlisten(net, sk_from_common(c));
	htab_remove(&net->hashinfo->pairs, &c->hash);
	c->hashed = 0;
}

/* One of the group to which @sk belongs, by the hash of the pair. */
static struct sock *reuseport_select_sock(struct inet_bind_bucket *b, struct sock *sk, uint32_t hash)
{
	uint8_t family = sk->common.family;
	uint32_t group = 0, nth;

	for (struct hnode *n = b->listeners; n; n = n->next)
		group += listener_of(n)->common.reuseport && listener_of(n)->common.family == family;
	nth = (uint32_t)((uint64_t)hash * group >> 32);
	for (struct hnode *n = b->listeners; n; n = n->next) {
		sk = listener_of(n);
		if (sk->common.reuseport && sk->common.family == family && !nth--)
			break;
	}
	return sk;
}

/* Only a SO_REUSEPORT group listens with several on one address; of two, AF_INET's stands before AF_INET6's. */
static struct sock *bucket_listener(struct inet_bind_bucket *b, uint32_t hash)
{
	struct sock *first = b && b->listeners ? listener_of(b->listeners) : NULL;

	return first && first->common.reuseport ? reuseport_select_sock(b, first, hash) : first;
}

struct sock *inet_reuseport_heir(const struct sock *sk, const struct sock_common *c)
{
	const struct bind_addr a = bind_addr_of(sk);
	uint16_t port = sk->common.num ? sk->common.num : c->num; /* a closed sock has given its number back */
	struct inet_bind_bucket *b = bucket_find(sk->net, port_find(sk->net->hashinfo, port), &a);

	for (struct hnode *n = b ? b->listeners : NULL; n; n = n->next)
		if (listener_of(n)->common.reuseport && listener_of(n)->common.family == sk->common.family)
			return reuseport_select_sock(b, listener_of(n), c->hash_value);
	return NULL;
}

struct sock *inet_lookup_listener(struct net *net, const struct in6_addr *saddr, uint16_t sport,
				  const struct in6_addr *daddr, uint16_t dport)
{
	const bool v4 = addr_is_v4(saddr);
	const struct bind_addr tries[] = {
		{.addr = *saddr},								/* the address itself */
		{.addr = v4 ? addr_from_v4(&(struct in_addr){0}) : in6addr_any, .v6only = !v4}, /* any of the family */
		{.addr = in6addr_any},								/* any at all */
	};
	const struct inet_bind_port *p = port_find(net->hashinfo, sport);
	uint32_t hash;
	struct sock *sk;

	if (!p)
		return NULL;
	hash = pair_hash(net, saddr, sport, daddr, dport);
	for (unsigned i = 0; i < ARRAY_SIZE(tries); i++) {
		sk = bucket_listener(bucket_find(net, p, &tries[i]), hash);
		if (sk)
			return sk;
	}
	return NULL;
}

/* ------------------------------------------------------------------ beginning, end, and a look at everything */

int hashinfo_init(struct net *net)
{
	struct inet_hashinfo *h = mem_zalloc(&net->mem, sizeof(*h));

	if (!h)
		return -ENOMEM;
	htab_init(&h->pairs, &net->mem);
	htab_init(&h->binds, &net->mem);
	slab_init(&h->port_cache, &net->mem, "bind ports", sizeof(struct inet_bind_port));
	slab_init(&h->bucket_cache, &net->mem, "bind buckets", sizeof(struct inet_bind_bucket));
	for (unsigned i = 0; i < CONNECT_OFFSETS; i++)
		h->connect_offset[i] = (uint32_t)net_random(net);
	net->hashinfo = h;
	return 0;
}

void hashinfo_exit(struct net *net)
{
	struct inet_hashinfo *h = net->hashinfo;

	if (!h)
		return;
	htab_destroy(&h->pairs);
	for (unsigned i = 0; i < ARRAY_SIZE(h->ports); i++)
		mem_free(&net->mem, h->ports[i], PORTS_PAGE * sizeof(**h->ports));
	htab_destroy(&h->binds);
	slab_destroy(&h->port_cache);
	slab_destroy(&h->bucket_cache);
	mem_free(&net->mem, h, sizeof(*h));
	net->hashinfo = NULL;
}

void inet_walk(struct net *net, void (*visit)(void *arg, struct sock_common *c), void *arg)
{
	struct inet_hashinfo *h = net->hashinfo;
	struct hnode *n, *next;

	for (uint32_t slot = 0; slot <= h->pairs.mask; slot++) {
		for (n = h->pairs.slot[slot]; n; n = next) {
			next = n->next;
			visit(arg, container_of(n, struct sock_common, hash));
		}
	}
	for (uint32_t slot = 0; slot <= h->binds.mask; slot++) {
		struct hnode *b, *b_next;

		for (b = h->binds.slot[slot]; b; b = b_next) {
			b_next = b->next; /* a bucket may go with its last listener */
			for (n = container_of(b, struct inet_bind_bucket, hash)->listeners; n; n = next) {
				next = n->next;
				visit(arg, container_of(n, struct sock_common, hash));
			}
		}
	}
}

/* What the tables say about the owners of ports, to be compared with what the buckets count. */
struct owner_count {
	uint64_t owners;
	const char *wrong;
};

static void owner_check(void *arg, struct sock_common *c)
{
	struct owner_count *count = arg;
	const struct inet_bind_bucket *b;

	if (c->state == TCP_NEW_SYN_RECV)
		return;
	b = c->state == TCP_TIME_WAIT ? tw_from_common(c)->bind : sk_from_common(c)->bind;
	if (!c->hashed)
		count->wrong = "a sock in a table does not know that it is in one";
	if (c->listed != (c->state == TCP_LISTEN))
		count->wrong = "a sock is in the wrong table";
	if (!b)
		return;
	if (b->port->port != c->num)
		count->wrong = "a sock owns a port that is not its own";
	if (!b->owners[c->bind_class])
		count->wrong = "a sock is not counted among the owners of its port";
	count->owners++;
}

/* Ports are found by their addresses: to go through all numbers after every step would be most of what a simulation does. */
const char *hashinfo_check(const struct net *net)
{
	const struct inet_hashinfo *h = net->hashinfo;
	struct owner_count found = {0};
	uint64_t counted = 0, ports = 0, listed = 0;

	inet_walk((struct net *)net, owner_check, &found);
	if (found.wrong)
		return found.wrong;
	for (uint32_t slot = 0; slot <= h->binds.mask; slot++) {
		for (const struct hnode *n = h->binds.slot[slot]; n; n = n->next) {
			const struct inet_bind_bucket *b = container_of(n, struct inet_bind_bucket, hash), *of_port;

			if (!bucket_owners(b) || port_find(h, b->port->port) != b->port)
				return "a bind bucket without owners, or of another port";
			if (b->connect_owners > bucket_owners(b))
				return "more owners came by connect() than there are owners";
			counted += bucket_owners(b);
			if (b->port->buckets.next != &b->node)
				continue;
			ports++;
			list_for_each_entry (of_port, &b->port->buckets, node)
				listed += of_port->port == b->port;
		}
	}
	if (ports != h->port_cache.objects)
		return "a port without owners is kept";
	if (listed != h->binds.count)
		return "bind buckets that belong to no port";
	return counted < found.owners ? "more socks own ports than the bind buckets count" : NULL;
}
