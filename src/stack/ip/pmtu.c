// SPDX-License-Identifier: MIT
/*
 * ip/pmtu.c - path MTUs that routers have told us
 *
 * In:  ip_update_pmtu(), after the transport has believed an ICMP error.
 * Out: route.c asks when it fills its cache. An entry is forgotten mtu_expires seconds later, found stale by whoever
 *      looks next; there are at most PMTU_MAX, and a new one displaces the oldest.
 */
#include "stack/ip/tables.h"

#define PMTU_MAX 4096

void pmtu_init(struct net *net)
{
	htab_init(&net->ip->pmtu_hash, &net->mem);
	list_init(&net->ip->pmtu_age);
}

static void pmtu_free(struct net *net, struct pmtu *p)
{
	struct ip *ip = net->ip;

	htab_remove(&ip->pmtu_hash, &p->node);
	list_del_init(&p->age);
	dst_forget(ip, &p->daddr);
	ip->pmtu_count--;
	mem_free(&net->mem, p, sizeof(*p));
}

void pmtu_exit(struct net *net)
{
	struct pmtu *p, *tmp;

	list_for_each_entry_safe(p, tmp, &net->ip->pmtu_age, age)
		pmtu_free(net, p);
	htab_destroy(&net->ip->pmtu_hash);
}

static uint32_t pmtu_hash(const struct net *net, const struct in6_addr *daddr)
{
	return (uint32_t)siphash(daddr, sizeof(*daddr), &net->hash_key);
}

static struct pmtu *pmtu_lookup(struct net *net, const struct in6_addr *daddr)
{
	uint32_t hash;
	struct hnode *n;

	if (!net->ip->pmtu_count)
		return NULL;
	hash = pmtu_hash(net, daddr);
	htab_for_each_candidate(n, &net->ip->pmtu_hash, hash) {
		struct pmtu *p = container_of(n, struct pmtu, node);

		if (addr_equal(&p->daddr, daddr))
			return p;
	}
	return NULL;
}

const struct pmtu *pmtu_find(struct net *net, const struct in6_addr *daddr)
{
	struct pmtu *p = pmtu_lookup(net, daddr);

	if (!p || net->now_ns < p->expires_ns)
		return p;
	pmtu_free(net, p);
	return NULL;
}

static struct pmtu *pmtu_new(struct net *net, const struct in6_addr *daddr)
{
	struct ip *ip = net->ip;
	struct pmtu *p;

	if (ip->pmtu_count >= PMTU_MAX)
		pmtu_free(net, list_first_entry(&ip->pmtu_age, struct pmtu, age));
	p = mem_zalloc(&net->mem, sizeof(*p));
	if (!p)
		return NULL;
	p->daddr = *daddr;
	list_init(&p->age);
	htab_insert(&ip->pmtu_hash, &p->node, pmtu_hash(net, daddr));
	ip->pmtu_count++;
	return p;
}

/* A path MTU only falls, until it expires. IPv4: a router that tells less than min_pmtu is not followed, but from then
 * on larger packets leave without DF. IPv6: every link carries 1280. */
uint32_t ip_update_pmtu(struct net *net, const struct in6_addr *daddr, uint32_t mtu)
{
	const struct dst *dst = ip_dst(net, daddr);
	uint32_t old = dst->mtu, lowest = addr_is_v4(daddr) ? (uint32_t)net->sysctl.min_pmtu : IPV6_MIN_MTU;
	bool locked = addr_is_v4(daddr) && mtu < lowest;
	struct pmtu *p;

	if (dst->kind != DST_UNICAST && dst->kind != DST_LOCAL)
		return old;
	if (mtu > old || dst->mtu_locked)
		return old;
	mtu = max(mtu, min(lowest, old));
	p = pmtu_lookup(net, daddr);
	if (!p)
		p = pmtu_new(net, daddr);
	if (!p)
		return old;
	p->mtu = mtu;
	p->locked = locked;
	p->expires_ns = net->now_ns + (uint64_t)net->sysctl.mtu_expires * NSEC_PER_SEC;
	list_del_init(&p->age);
	list_add_tail(&p->age, &net->ip->pmtu_age);
	dst_forget(net->ip, daddr);
	return ip_mtu(net, daddr);
}
