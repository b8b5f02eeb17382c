// SPDX-License-Identifier: MIT
/*
 * ip/route.c - our addresses, our routes, and what both say about a destination
 *
 * Addresses are found by hash and kept in the order of adding; routes are a short array, longest prefix first. What
 * they say of a destination (for us? through which device? from which source? how large?) is worked out once and stays
 * in a small direct-mapped cache, so that a packet costs one comparison. Each change of a table begins a new
 * generation, which makes the whole cache stale.
 */
#include "stack/ip/tables.h"
#include <errno.h>

static const struct in6_addr loopback4 = { .s6_addr = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 } };
static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;

int route_init(struct net *net)
{
	struct ip *ip = net->ip;

	htab_init(&ip->addr_hash, &net->mem);
	ip->addrs_tail = &ip->addrs;
	if (ip_addr_add(net, LOOPBACK_IFINDEX, &loopback4, 96 + 8))
		return -ENOMEM;
	return ip_addr_add(net, LOOPBACK_IFINDEX, &loopback6, 128);
}

void route_exit(struct net *net)
{
	struct ip *ip = net->ip;
	struct ip_addr *a;

	while ((a = ip->addrs)) {
		ip->addrs = a->next;
		mem_free(&net->mem, a, sizeof(*a));
	}
	htab_destroy(&ip->addr_hash);
	mem_free(&net->mem, ip->routes, (size_t)ip->route_cap * sizeof(*ip->routes));
}

/* ------------------------------------------------------------------ what is this address? */

static struct ip_addr *addr_find(struct ip *ip, const struct in6_addr *addr)
{
	uint32_t hash = addr_mix(addr);
	struct hnode *n;

	htab_for_each_candidate(n, &ip->addr_hash, hash) {
		struct ip_addr *a = container_of(n, struct ip_addr, node);

		if (addr_equal(&a->addr, addr))
			return a;
	}
	return NULL;
}

/* The last address of an IPv4 prefix of more than two. */
static bool is_subnet_broadcast(const struct ip *ip, const struct in6_addr *addr)
{
	uint32_t host, v4 = get_be32(addr_v4(addr));

	for (const struct ip_addr *a = ip->addrs; a; a = a->next) {
		if (!addr_is_v4(&a->addr) || a->prefixlen > 96 + 30)
			continue;
		host = 0xffffffffu >> (a->prefixlen - 96);
		if ((v4 & host) == host && addr_in_prefix(addr, &a->addr, a->prefixlen))
			return true;
	}
	return false;
}

static enum dst_kind addr_kind(struct ip *ip, const struct in6_addr *addr)
{
	if (addr_find(ip, addr))
		return DST_LOCAL;
	if (addr_is_multicast(addr))
		return DST_MULTICAST;
	if (addr_is_broadcast(addr) || (addr_is_v4(addr) && is_subnet_broadcast(ip, addr)))
		return DST_BROADCAST;
	return addr_is_loopback(addr) ? DST_LOCAL : DST_UNICAST;
}

bool ip_is_local(struct net *net, const struct in6_addr *addr)
{
	return ip_dst(net, addr)->kind == DST_LOCAL;
}

bool ip_can_bind(struct net *net, const struct in6_addr *addr)
{
	enum dst_kind kind;

	if (addr_is_any(addr) || net->sysctl.ip_nonlocal_bind)
		return true;
	kind = ip_dst(net, addr)->kind;
	return kind == DST_LOCAL || (addr_is_v4(addr) && (kind == DST_BROADCAST || kind == DST_MULTICAST));
}

/* ------------------------------------------------------------------ which source suits it? */

/* IPv4: an address of the same device whose prefix has the destination in it, else that device's first, else any. */
static const struct ip_addr *select_v4(const struct ip *ip, const struct in6_addr *daddr, int ifindex)
{
	const struct ip_addr *first = NULL, *other = NULL;

	for (const struct ip_addr *a = ip->addrs; a; a = a->next) {
		if (!addr_is_v4(&a->addr))
			continue;
		if (a->ifindex == ifindex) {
			if (addr_in_prefix(daddr, &a->addr, a->prefixlen))
				return a;
			first = first ? first : a;
		} else if (a->ifindex != LOOPBACK_IFINDEX && !other) {
			other = a;
		}
	}
	return first ? first : other;
}

/* IPv6, RFC 6724 as far as one host without deprecated or mobile addresses needs it: large enough a scope (rule 2), the
 * device (5), the longest common prefix (8). */
static unsigned score_v6(const struct ip_addr *a, const struct in6_addr *daddr, int ifindex)
{
	unsigned have = addr_scope(&a->addr), want = addr_scope(daddr);
	unsigned scope = have >= want ? 32 - (have - want) : have;

	return scope << 16 | (unsigned)(a->ifindex == ifindex) << 8 |
	       min_t(unsigned, addr_common_bits(&a->addr, daddr), a->prefixlen);
}

static const struct ip_addr *select_v6(const struct ip *ip, const struct in6_addr *daddr, int ifindex)
{
	const struct ip_addr *best = NULL;
	unsigned best_score = 0;

	for (const struct ip_addr *a = ip->addrs; a; a = a->next) {
		unsigned score;

		if (addr_is_v4(&a->addr) || (a->ifindex == LOOPBACK_IFINDEX && ifindex != LOOPBACK_IFINDEX))
			continue;
		score = score_v6(a, daddr, ifindex);
		if (!best || score > best_score) {
			best = a;
			best_score = score;
		}
	}
	return best;
}

/* To one of our own addresses a packet goes from that address; to the rest of 127.0.0.0/8 from 127.0.0.1. */
static struct in6_addr select_source(struct ip *ip, const struct dst *dst)
{
	const struct ip_addr *a;

	if (dst->kind == DST_LOCAL)
		return addr_find(ip, &dst->daddr) ? dst->daddr : loopback4;
	a = addr_is_v4(&dst->daddr) ? select_v4(ip, &dst->daddr, dst->ifindex) :
				      select_v6(ip, &dst->daddr, dst->ifindex);
	return a ? a->addr : in6addr_any;
}

/* ------------------------------------------------------------------ destinations */

static const struct ip_route *route_lookup(const struct ip *ip, const struct in6_addr *daddr)
{
	for (int i = 0; i < ip->route_count; i++)
		if (addr_in_prefix(daddr, &ip->routes[i].dst, ip->routes[i].prefixlen) &&
		    addr_is_v4(daddr) == addr_is_v4(&ip->routes[i].dst))
			return &ip->routes[i];
	return NULL;
}

static void dst_set_mtu(struct net *net, struct dst *dst)
{
	const struct pmtu *pmtu = pmtu_find(net, &dst->daddr);

	dst->mtu = dev_mtu(net, dst->ifindex);
	if (addr_is_v4(&dst->daddr))
		dst->mtu = min(dst->mtu, IP_MAX_LEN); /* loopback's 65536 does not fit into the header */
	dst->expires_ns = UINT64_MAX;
	dst->mtu_locked = false;
	if (!pmtu)
		return;
	dst->expires_ns = pmtu->expires_ns;
	dst->mtu = min(dst->mtu, pmtu->mtu);
	dst->mtu_locked = pmtu->locked;
}

/* Martians: IPv4 addresses that cannot have come over a wire. A neighbour with another idea of the prefix may well have a
 * broadcast address of ours: Linux lets it pass. */
static bool martian_source(const struct in6_addr *addr, enum dst_kind kind)
{
	return addr_is_any(addr) || addr_is_broadcast(addr) || addr_is_loopback(addr) || kind == DST_LOCAL ||
	       kind == DST_MULTICAST;
}

const struct dst *ip_dst_slow(struct net *net, struct dst *dst, const struct in6_addr *daddr)
{
	struct ip *ip = net->ip;
	const struct ip_route *route;

	memset(dst, 0, sizeof(*dst));
	dst->daddr = *daddr;
	dst->gen = ip->gen;
	dst->id = &ip->ids[addr_mix(daddr) % IP_IDS];
	dst->kind = addr_kind(ip, daddr);
	dst->martian_from = martian_source(daddr, dst->kind);
	dst->martian_to = addr_is_any(daddr) || addr_is_loopback(daddr);
	dst->prefixlen = 128;
	dst->expires_ns = UINT64_MAX;
	if (dst->kind == DST_LOCAL) {
		dst->ifindex = LOOPBACK_IFINDEX;
	} else if (dst->kind == DST_UNICAST) {
		route = addr_is_any(daddr) ? NULL : route_lookup(ip, daddr);
		if (!route) {
			dst->kind = DST_UNREACHABLE;
			return dst;
		}
		dst->ifindex = route->ifindex;
		dst->prefixlen = route->prefixlen;
	} else {
		return dst;
	}
	dst_set_mtu(net, dst);
	dst->tx_csum = dev_features(net, dst->ifindex) & LA_DEVICE_TX_CSUM;
	dst->saddr = select_source(ip, dst);
	return dst;
}

void dst_forget(struct ip *ip, const struct in6_addr *daddr)
{
	ip->cache[addr_mix(daddr) >> (32 - DST_CACHE_BITS)].gen = 0;
}

int ip_route(struct net *net, const struct in6_addr *daddr, struct in6_addr *saddr, int *ifindex)
{
	const struct dst *dst;

	if (!addr_is_any(saddr) && !net->sysctl.ip_nonlocal_bind && !ip_is_local(net, saddr))
		return -EINVAL;
	dst = ip_dst(net, daddr);
	if (dst->kind != DST_UNICAST && dst->kind != DST_LOCAL)
		return -ENETUNREACH;
	*ifindex = dst->ifindex;
	if (!addr_is_any(saddr))
		return 0;
	if (addr_is_any(&dst->saddr))
		return -EADDRNOTAVAIL;
	*saddr = dst->saddr;
	return 0;
}

uint32_t ip_mtu(struct net *net, const struct in6_addr *daddr)
{
	return ip_dst(net, daddr)->mtu;
}

uint32_t ip_gso_max(struct net *net, const struct in6_addr *daddr)
{
	return dev_gso_max(net, ip_dst(net, daddr)->ifindex);
}

/* ------------------------------------------------------------------ changes */

static void new_generation(struct ip *ip)
{
	if (!++ip->gen) { /* once in 2^32: old entries must not come to life again */
		memset(ip->cache, 0, sizeof(ip->cache));
		ip->gen = 1;
	}
}

static bool is_unicast(const struct in6_addr *addr)
{
	return !addr_is_any(addr) && !addr_is_multicast(addr) && !addr_is_broadcast(addr);
}

static bool prefixlen_fits(const struct in6_addr *addr, unsigned prefixlen)
{
	return prefixlen <= 128 && (!addr_is_v4(addr) || prefixlen >= 96);
}

int ip_addr_add(struct net *net, int ifindex, const struct in6_addr *addr, unsigned prefixlen)
{
	struct ip *ip = net->ip;
	struct ip_addr *a;
	int err = 0;

	if (!is_unicast(addr) || !prefixlen_fits(addr, prefixlen) || !dev_mtu(net, ifindex))
		return -EINVAL;
	if (addr_is_loopback(addr) && ifindex != LOOPBACK_IFINDEX)
		return -EINVAL;
	if (addr_find(ip, addr))
		return -EEXIST;
	a = mem_alloc(&net->mem, sizeof(*a));
	if (!a)
		return -ENOMEM;
	if (ifindex != LOOPBACK_IFINDEX)
		err = ip_route_add(net, ifindex, addr, prefixlen);
	if (err && err != -EEXIST) { /* a second address of the same prefix is well */
		mem_free(&net->mem, a, sizeof(*a));
		return err;
	}
	*a = (struct ip_addr){ .addr = *addr, .ifindex = ifindex, .prefixlen = (uint8_t)prefixlen };
	*ip->addrs_tail = a;
	ip->addrs_tail = &a->next;
	htab_insert(&ip->addr_hash, &a->node, addr_mix(addr));
	new_generation(ip);
	return 0;
}

static struct in6_addr prefix_of(const struct in6_addr *addr, unsigned prefixlen)
{
	struct in6_addr prefix = *addr;

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = prefixlen > 8 * i ? min(prefixlen - 8 * i, 8u) : 0;

		prefix.s6_addr[i] &= (uint8_t)(0xff00 >> keep);
	}
	return prefix;
}

static bool routes_grow(struct net *net)
{
	struct ip *ip = net->ip;
	int cap = max(4, 2 * ip->route_cap);
	struct ip_route *routes;

	if (ip->route_count < ip->route_cap)
		return true;
	routes = mem_alloc(&net->mem, (size_t)cap * sizeof(*routes));
	if (!routes)
		return false;
	if (ip->route_count)
		memcpy(routes, ip->routes, (size_t)ip->route_count * sizeof(*routes));
	mem_free(&net->mem, ip->routes, (size_t)ip->route_cap * sizeof(*routes));
	ip->routes = routes;
	ip->route_cap = cap;
	return true;
}

/* Among prefixes of one length the order does not matter: they exclude each other. */
int ip_route_add(struct net *net, int ifindex, const struct in6_addr *dst, unsigned prefixlen)
{
	struct ip *ip = net->ip;
	struct ip_route route = { .ifindex = ifindex, .prefixlen = (uint8_t)prefixlen };
	int i, place;

	if (!prefixlen_fits(dst, prefixlen) || !dev_mtu(net, ifindex))
		return -EINVAL;
	route.dst = prefix_of(dst, prefixlen);
	for (i = 0, place = 0; i < ip->route_count; i++) {
		if (ip->routes[i].prefixlen == prefixlen && addr_equal(&ip->routes[i].dst, &route.dst))
			return -EEXIST;
		if (ip->routes[i].prefixlen >= prefixlen)
			place = i + 1;
	}
	if (!routes_grow(net))
		return -ENOMEM;
	memmove(&ip->routes[place + 1], &ip->routes[place], (size_t)(ip->route_count - place) * sizeof(route));
	ip->routes[place] = route;
	ip->route_count++;
	new_generation(ip);
	return 0;
}
