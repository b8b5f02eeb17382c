/* SPDX-License-Identifier: MIT */
/* ip/tables.h - struct ip: what the files of this folder share and nobody else looks into */
#ifndef LA_IP_TABLES_H
#define LA_IP_TABLES_H

#include "stack/ip/ip.h"
#include "stack/link/link.h"

#define DST_CACHE_BITS 8 /* entries of 64 bytes */
#define IP_IDS 64

enum dst_kind { DST_UNREACHABLE, DST_UNICAST, DST_LOCAL, DST_BROADCAST, DST_MULTICAST };

/* What is known of one destination. Lives in the cache: the next ip_dst() may overwrite it. */
struct dst {
	struct in6_addr daddr;
	struct in6_addr saddr; /* the source that suits it; :: where there is none */
	uint64_t expires_ns;   /* of the path MTU */
	uint16_t *id;	       /* the next IPv4 id, shared by destinations of one hash */
	uint32_t gen;	       /* valid while it is struct ip's */
	uint32_t mtu;
	int ifindex;
	uint8_t kind;	     /* enum dst_kind */
	uint8_t prefixlen;   /* of the route */
	bool tx_csum : 1;    /* the device wants no checksum of us */
	bool mtu_locked : 1; /* the path MTU learnt was below min_pmtu: larger packets go without DF */
	bool martian_from : 1, martian_to : 1; /* IPv4: cannot have come over a wire as source, as destination */
};

static_assert(sizeof(struct dst) == 64, "found by a shift, and one cache line");

struct ip_addr {
	struct hnode node; /* ip.addr_hash */
	struct ip_addr *next; /* in the order of adding, which source selection goes by */
	struct in6_addr addr;
	int ifindex;
	uint8_t prefixlen;
};

struct ip_route {
	struct in6_addr dst;
	int ifindex;
	uint8_t prefixlen;
};

/* A path MTU learnt from an ICMP error (Linux: a next hop exception). */
struct pmtu {
	struct hnode node;
	struct list_head age; /* ip.pmtu_age, oldest first */
	struct in6_addr daddr;
	uint64_t expires_ns;
	uint32_t mtu;
	bool locked;
};

/* Tokens of one host for ICMP errors, in milliseconds of waiting saved up. */
struct icmp_peer {
	struct list_head age; /* ip.icmp_peers, least recently asked first */
	struct in6_addr addr;
	uint64_t stamp_ms;
	uint64_t tokens_ms;
};

struct ip {
	struct dst cache[1 << DST_CACHE_BITS]; /* the first, so that a shift and an addition find an entry */
	uint32_t gen; /* moves with each change of addresses or routes */
	const struct ip_protocol *proto[256];

	struct htab addr_hash;
	struct ip_addr *addrs, **addrs_tail;
	struct ip_route *routes; /* longest prefix first */
	int route_count, route_cap;

	struct htab pmtu_hash;
	struct list_head pmtu_age;
	uint32_t pmtu_count;

	struct htab frag_hash;
	struct list_head frags;	 /* all struct frag_queue, oldest first */
	uint64_t frag_bytes[2];	 /* held by IPv4's, IPv6's */

	struct list_head icmp_peers;
	uint32_t icmp_peer_count;
	uint32_t icmp_credit;
	uint64_t icmp_stamp_ms;

	uint16_t ids[IP_IDS]; /* next IPv4 id, by a hash of the destination */
};

/* route.c */
const struct dst *ip_dst_slow(struct net *net, struct dst *slot, const struct in6_addr *daddr);
static inline const struct dst *ip_dst(struct net *net, const struct in6_addr *daddr)
{
	struct ip *ip = net->ip;
	struct dst *dst = &ip->cache[addr_mix(daddr) >> (32 - DST_CACHE_BITS)];

	if (likely(dst->gen == ip->gen && addr_equal(&dst->daddr, daddr) && net->now_ns < dst->expires_ns))
		return dst;
	return ip_dst_slow(net, dst, daddr);
}
int route_init(struct net *net);
void route_exit(struct net *net);
void dst_forget(struct ip *ip, const struct in6_addr *daddr);

/* pmtu.c */
void pmtu_init(struct net *net);
void pmtu_exit(struct net *net);
const struct pmtu *pmtu_find(struct net *net, const struct in6_addr *daddr); /* NULL: none, or expired */

/* input.c; @pkt is whole (put together, if it came in fragments) */
void ip4_deliver(struct net *net, int ifindex, const uint8_t *pkt, const struct ip_header *h, enum dst_kind kind);
/* The next header to look at is @next, @off bytes into the @len of @pkt; its number stands @nhoff bytes into it. */
struct ip6_walk {
	const struct ip_header *h;
	const uint8_t *pkt;
	uint32_t len, off, nhoff;
	uint8_t next;
	bool fragmented; /* a fragment header has been seen */
	bool multicast;
	int ifindex;
};
void ip6_deliver(struct net *net, struct ip6_walk *walk);

/* fragment.c */
void frag_init(struct net *net);
void frag_exit(struct net *net);
/* Take note of a fragment, and call ip4_deliver(), ip6_deliver() with the whole if it was the last one missing. */
void ip4_defrag(struct net *net, int ifindex, const uint8_t *pkt, const struct ip_header *h, enum dst_kind kind);
void ip6_defrag(struct net *net, const struct ip6_walk *walk);

/* icmp.c */
void icmp_rcv(struct net *net, const struct ip_packet *pkt, enum dst_kind kind);
void icmpv6_rcv(struct net *net, const struct ip_packet *pkt, bool multicast);

/* icmp_send.c; @pkt: the @len bytes of the packet that gave the reason, from its IP header on */
void icmp_send(struct net *net, int ifindex, const uint8_t *pkt, uint32_t len, uint8_t type, uint8_t code,
	       uint32_t info);
void icmpv6_send(struct net *net, int ifindex, const uint8_t *pkt, uint32_t len, uint8_t type, uint8_t code,
		 uint32_t info);
void icmpv6_param_prob(struct net *net, const struct ip6_walk *walk, uint8_t code, uint32_t where);
void icmp_send_exit(struct net *net);
/* Counts and sends: @hdr, of ICMP_HDR_LEN bytes, whose checksum is filled here in a copy, and @body. */
void icmp_push(struct net *net, struct ip_out *out, const uint8_t *hdr, const uint8_t *body, uint32_t body_len);

#endif
