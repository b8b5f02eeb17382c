// SPDX-License-Identifier: MIT
/*
 * ip/input.c - a frame on its way up
 *
 *	ip_rcv		which family?
 *	ip4_rcv		header, addresses, options	ip6_rcv		header, hop-by-hop options, addresses
 *	ip4_defrag	if it is a part		ip6_deliver	extension headers, fragments among them
 *	ip4_deliver	who takes the protocol?	ip6_transport	who takes the protocol?
 *
 * Nothing is forwarded. Each drop counts what Linux 6.18 counts, which is often nothing (a martian source).
 */
#include "stack/ip/tables.h"

/* ------------------------------------------------------------------ IPv4 */

static bool ip4_header_ok(struct net *net, struct ip_header *h, const uint8_t *p, size_t len)
{
	switch (ip4_parse(h, p, len)) {
	case IP_HDR_OK:
		return true;
	case IP_HDR_TRUNCATED:
		NET_INC(net, MIB_IpExt_InTruncatedPkts);
		return false;
	case IP_HDR_BAD_CSUM:
		NET_INC(net, MIB_IpExt_InCsumErrors);
		break;
	case IP_HDR_BAD:
		break;
	}
	NET_INC(net, MIB_Ip_InHdrErrors);
	return false;
}

static bool ip4_options_ok(struct net *net, int ifindex, const uint8_t *p, const struct ip_header *h)
{
	uint8_t pointer = 0;

	switch (ip4_check_options(p, h->hdr_len, &pointer)) {
	case IP4_OPTIONS_OK:
		return true;
	case IP4_OPTIONS_SOURCE_ROUTE:
		return false;
	case IP4_OPTIONS_BAD:
		break;
	}
	NET_INC(net, MIB_Ip_InHdrErrors);
	icmp_send(net, ifindex, p, h->len, ICMP_PARAMETERPROB, 0, (uint32_t)pointer << 24);
	return false;
}

static void ip4_rcv(struct net *net, int ifindex, const uint8_t *p, size_t len)
{
	struct ip_header h;
	const struct dst *to;
	enum dst_kind kind;

	NET_INC(net, MIB_Ip_InReceives);
	if (unlikely(!ip4_header_ok(net, &h, p, len)))
		return;
	to = ip_dst(net, &h.daddr);
	kind = to->kind;
	/* The look at the source also prepares the answer's route; it may overwrite *to. */
	if (ifindex != LOOPBACK_IFINDEX && unlikely(to->martian_to || ip_dst(net, &h.saddr)->martian_from))
		return;
	if (unlikely(kind != DST_LOCAL && kind != DST_BROADCAST)) {
		if (kind != DST_MULTICAST) /* of no group are we a member */
			NET_INC(net, MIB_Ip_InAddrErrors);
		return;
	}
	if (unlikely(h.hdr_len > IP4_HDR_LEN) && !ip4_options_ok(net, ifindex, p, &h))
		return;
	if (unlikely(h.frag & (IP_MF | IP_OFFSET)))
		ip4_defrag(net, ifindex, p, &h, kind);
	else
		ip4_deliver(net, ifindex, p, &h, kind);
}

void ip4_deliver(struct net *net, int ifindex, const uint8_t *p, const struct ip_header *h, enum dst_kind kind)
{
	const struct ip_protocol *ops = net->ip->proto[h->proto];
	struct ip_packet pkt = {
		.ip = h,
		.data = p + h->hdr_len,
		.len = h->len - h->hdr_len,
		.hdr = p,
		.hdr_len = h->hdr_len,
		.csum_ok = dev_features(net, ifindex) & LA_DEVICE_RX_CSUM,
		.gso_size = ifindex == LOOPBACK_IFINDEX ? loopback_gso_size(net) : 0,
		.ifindex = ifindex,
	};

	if (unlikely(h->proto == IPPROTO_ICMP)) {
		icmp_rcv(net, &pkt, kind);
	} else if (ops) {
		if (kind == DST_LOCAL) /* no transport of ours has anything to do with broadcast */
			ops->rcv(net, &pkt);
	} else if (h->proto != IPPROTO_IGMP) { /* which a host without groups may ignore */
		NET_INC(net, MIB_Ip_InUnknownProtos);
		if (kind == DST_LOCAL)
			icmp_send(net, ifindex, p, h->len, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
		return;
	}
	NET_INC(net, MIB_Ip_InDelivers);
}

/* ------------------------------------------------------------------ IPv6 */

#define SCOPE_RESERVED 0
#define SCOPE_INTERFACE 1

static bool ip6_header_ok(struct net *net, struct ip_header *h, const uint8_t *p, size_t len, int ifindex)
{
	bool loopback = ifindex == LOOPBACK_IFINDEX;

	switch (ip6_parse(h, p, len)) {
	case IP_HDR_OK:
		break;
	case IP_HDR_TRUNCATED:
		NET_INC(net, MIB_Ip6_InTruncatedPkts);
		return false;
	default:
		goto bad;
	}
	if (!loopback && (IN6_IS_ADDR_LOOPBACK(&h->saddr) || IN6_IS_ADDR_LOOPBACK(&h->daddr)))
		goto bad;
	/* A mapped address on the wire would be taken for an IPv4 one here; Linux drops it later, when it is used. */
	if (addr_is_multicast(&h->saddr) || addr_is_v4(&h->saddr))
		goto bad;
	if (h->daddr.s6_addr[0] == 0xff && (addr_scope(&h->daddr) == SCOPE_RESERVED ||
					    (!loopback && addr_scope(&h->daddr) == SCOPE_INTERFACE)))
		goto bad;
	return true;
bad:
	NET_INC(net, MIB_Ip6_InHdrErrors);
	return false;
}

/* The options or hop-by-hop header at walk->off; steps behind it. */
static bool ip6_options(struct net *net, struct ip6_walk *walk, bool hbh)
{
	const uint8_t *ext = walk->pkt + walk->off;
	uint32_t len = ip6_ext_len(ext, walk->len - walk->off), where = 0;
	enum ip6_options_verdict verdict;
	uint8_t code = 0;

	verdict = len ? ip6_check_options(ext, len, walk->off, hbh, &code, &where) : IP6_OPTIONS_DROP;
	if (verdict == IP6_OPTIONS_OK) {
		walk->nhoff = walk->off;
		walk->next = ext[0];
		walk->off += len;
		return true;
	}
	NET_INC(net, MIB_Ip6_InHdrErrors);
	if (verdict == IP6_OPTIONS_REPORT || (verdict == IP6_OPTIONS_REPORT_UNICAST && !walk->multicast))
		icmpv6_param_prob(net, walk, code, where);
	return false;
}

/* No routing header is obeyed. One that has nothing left to visit is stepped over, except those of kinds that Linux
 * knows and has switched off: segment routing (4) and RPL (3) go without a word. */
static bool ip6_routing(struct net *net, struct ip6_walk *walk)
{
	const uint8_t *ext = walk->pkt + walk->off;
	uint32_t len = ip6_ext_len(ext, walk->len - walk->off);

	if (!len) {
		NET_INC(net, MIB_Ip6_InHdrErrors);
		return false;
	}
	if (ext[2] == 3 || ext[2] == 4)
		return false;
	if (walk->multicast) {
		NET_INC(net, MIB_Ip6_InAddrErrors);
		return false;
	}
	if (ext[3]) {
		NET_INC(net, MIB_Ip6_InHdrErrors);
		icmpv6_param_prob(net, walk, ICMPV6_HDR_FIELD, walk->off + 2);
		return false;
	}
	walk->nhoff = walk->off;
	walk->next = ext[0];
	walk->off += len;
	return true;
}

/* True: it was no real fragment (RFC 6946), go on behind its header. */
static bool ip6_fragment(struct net *net, struct ip6_walk *walk)
{
	const uint8_t *ext = walk->pkt + walk->off;

	NET_INC(net, MIB_Ip6_ReasmReqds);
	if (walk->fragmented || get_be16(walk->pkt + 4) == 0) {
		NET_INC(net, MIB_Ip6_InHdrErrors);
		icmpv6_param_prob(net, walk, ICMPV6_HDR_FIELD, walk->off);
		return false;
	}
	if (walk->len - walk->off < IP6_FRAG_HDR_LEN) {
		NET_INC(net, MIB_Ip6_InHdrErrors);
		return false;
	}
	if (get_be16(ext + 2) & (IP6_OFFSET | IP6_MF)) {
		ip6_defrag(net, walk);
		return false;
	}
	NET_INC(net, MIB_Ip6_ReasmOKs);
	walk->fragmented = true;
	walk->nhoff = walk->off;
	walk->next = ext[0];
	walk->off += IP6_FRAG_HDR_LEN;
	return true;
}

static void ip6_transport(struct net *net, const struct ip6_walk *walk)
{
	const struct ip_protocol *ops = net->ip->proto[walk->next];
	struct ip_packet pkt = {
		.ip = walk->h,
		.data = walk->pkt + walk->off,
		.len = walk->len - walk->off,
		.hdr = walk->pkt,
		.hdr_len = walk->off,
		.csum_ok = dev_features(net, walk->ifindex) & LA_DEVICE_RX_CSUM,
		.gso_size = walk->ifindex == LOOPBACK_IFINDEX ? loopback_gso_size(net) : 0,
		.ifindex = walk->ifindex,
	};

	if (walk->next == IPPROTO_ICMPV6) {
		icmpv6_rcv(net, &pkt, walk->multicast);
	} else if (ops) {
		if (!walk->multicast)
			ops->rcv(net, &pkt);
	} else if (walk->next != IPPROTO_NONE) {
		NET_INC(net, MIB_Ip6_InUnknownProtos);
		icmpv6_param_prob(net, walk, ICMPV6_UNK_NEXTHDR, walk->nhoff);
		return;
	}
	NET_INC(net, MIB_Ip6_InDelivers);
}

/* A hop-by-hop header is allowed as the first one only; here it is a protocol that nobody knows. */
void ip6_deliver(struct net *net, struct ip6_walk *walk)
{
	bool more = true;

	while (more) {
		switch (walk->next) {
		case IPPROTO_DSTOPTS:
			more = ip6_options(net, walk, false);
			break;
		case IPPROTO_ROUTING:
			more = ip6_routing(net, walk);
			break;
		case IPPROTO_FRAGMENT:
			more = ip6_fragment(net, walk);
			break;
		default:
			ip6_transport(net, walk);
			return;
		}
	}
}

/* Not for us: a router we are not. IPv6 tells the sender where there is not even a route, IPv4 does not. */
static void ip6_not_local(struct net *net, int ifindex, const uint8_t *p, const struct ip_header *h)
{
	bool mapped = addr_is_v4(&h->daddr), any = IN6_IS_ADDR_UNSPECIFIED(&h->daddr);

	if (!mapped && ip_dst(net, &h->daddr)->kind == DST_UNICAST) {
		NET_INC(net, MIB_Ip6_InAddrErrors);
		return;
	}
	NET_INC(net, any ? MIB_Ip6_InAddrErrors : MIB_Ip6_InNoRoutes);
	icmpv6_send(net, ifindex, p, h->len, ICMPV6_DEST_UNREACH, ICMPV6_NOROUTE, 0);
}

static bool is_all_nodes(const struct in6_addr *a)
{
	static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 0x02, [15] = 1 } };

	return addr_equal(a, &all_nodes);
}

static void ip6_rcv(struct net *net, int ifindex, const uint8_t *p, size_t len)
{
	struct ip_header h;
	struct ip6_walk walk = { .h = &h, .pkt = p, .off = IP6_HDR_LEN, .nhoff = 6, .ifindex = ifindex };

	NET_INC(net, MIB_Ip6_InReceives);
	if (unlikely(!ip6_header_ok(net, &h, p, len, ifindex)))
		return;
	walk.len = h.len;
	walk.next = h.proto;
	walk.multicast = h.daddr.s6_addr[0] == 0xff;
	if (unlikely(walk.next == IPPROTO_HOPOPTS) && !ip6_options(net, &walk, true))
		return;
	if (walk.multicast) {
		if (is_all_nodes(&h.daddr))
			ip6_deliver(net, &walk);
	} else if (likely(!addr_is_v4(&h.daddr) && ip_dst(net, &h.daddr)->kind == DST_LOCAL)) {
		ip6_deliver(net, &walk);
	} else {
		ip6_not_local(net, ifindex, p, &h);
	}
}

/* ------------------------------------------------------------------ both */

void ip_rcv(struct net *net, int ifindex, const void *frame, size_t len)
{
	const uint8_t *p = frame;

	if (unlikely(!len))
		return;
	if (likely(p[0] >> 4 == 4))
		ip4_rcv(net, ifindex, p, len);
	else if (p[0] >> 4 == 6)
		ip6_rcv(net, ifindex, p, len);
}
