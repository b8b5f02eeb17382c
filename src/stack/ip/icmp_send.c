// SPDX-License-Identifier: MIT
/*
 * ip/icmp_send.c - ICMP and ICMPv6 leave
 *
 * In:  the packet that gave the reason, or an echo's answer (icmp.c).
 * Here: is an error allowed? Never about an error, a later fragment, a broadcast, or to an address that names no single
 *      host; and no more than icmp_msgs_per_sec in all and one each icmp_ratelimit ms (IPv6: 100 ms, less for a wider
 *      route) to one host, of whose silence six may be saved up. Loopback has no limit.
 * Out: ip_xmit(), with as much of the packet quoted as fits into 576 (IPv6: 1280) bytes.
 */
#include "stack/ip/tables.h"

#define XRLIM_BURST 6
#define ICMP_PEERS 256		/* hosts remembered; the one that was quiet longest is forgotten first */
#define ICMPV6_RATELIMIT_MS 100 /* net.ipv6.icmp.ratelimit */
#define IPV4_QUOTE_MTU 576
#define TOS_MASK 0x1e
#define TOS_INTERNETCONTROL 0xc0

/* ------------------------------------------------------------------ limits */

static uint64_t now_ms(const struct net *net)
{
	return net->now_ns / NSEC_PER_MSEC;
}

/* Takes one of the credits that icmp_msgs_per_sec refills. Linux takes 0 to 2 by chance, to be harder to count. */
static bool global_allow(struct net *net)
{
	struct ip *ip = net->ip;
	uint64_t delta = min(now_ms(net) - ip->icmp_stamp_ms, (uint64_t)1000);
	uint64_t more = delta < 20 ? 0 : (uint64_t)net->sysctl.icmp_msgs_per_sec * delta / 1000;

	if (more) {
		ip->icmp_stamp_ms = now_ms(net);
		ip->icmp_credit = (uint32_t)min(ip->icmp_credit + more, (uint64_t)net->sysctl.icmp_msgs_burst);
	}
	if (!ip->icmp_credit) {
		NET_INC(net, MIB_Icmp_OutRateLimitGlobal);
		return false;
	}
	ip->icmp_credit--;
	return true;
}

/* The record of @addr, a new one or that of the host that asked longest ago; NULL: no memory. */
static struct icmp_peer *peer_get(struct net *net, const struct in6_addr *addr)
{
	struct ip *ip = net->ip;
	struct icmp_peer *peer;

	list_for_each_entry(peer, &ip->icmp_peers, age)
		if (addr_equal(&peer->addr, addr))
			goto found;
	if (ip->icmp_peer_count >= ICMP_PEERS) {
		peer = list_first_entry(&ip->icmp_peers, struct icmp_peer, age);
	} else {
		peer = mem_alloc(&net->mem, sizeof(*peer));
		if (!peer)
			return NULL;
		list_init(&peer->age);
		ip->icmp_peer_count++;
	}
	peer->addr = *addr;
	peer->tokens_ms = UINT32_MAX; /* capped by the first question */
	peer->stamp_ms = now_ms(net);
found:
	list_del_init(&peer->age);
	list_add_tail(&peer->age, &ip->icmp_peers);
	return peer;
}

static bool peer_allow(struct net *net, const struct in6_addr *addr, uint64_t wait_ms)
{
	struct icmp_peer *peer = peer_get(net, addr);

	if (!peer)
		return false;
	peer->tokens_ms = min(peer->tokens_ms + now_ms(net) - peer->stamp_ms, XRLIM_BURST * wait_ms);
	peer->stamp_ms = now_ms(net);
	if (peer->tokens_ms < wait_ms)
		return false;
	peer->tokens_ms -= wait_ms;
	return true;
}

void icmp_send_exit(struct net *net)
{
	struct icmp_peer *peer, *tmp;

	list_for_each_entry_safe(peer, tmp, &net->ip->icmp_peers, age)
		mem_free(&net->mem, peer, sizeof(*peer));
	list_init(&net->ip->icmp_peers);
}

static bool icmp_allow(struct net *net, int ifindex, const struct in6_addr *to, uint8_t type)
{
	if (!(net->sysctl.icmp_ratemask >> type & 1))
		return true;
	if (ifindex != LOOPBACK_IFINDEX && !global_allow(net))
		return false;
	if (ip_dst(net, to)->ifindex == LOOPBACK_IFINDEX)
		return true;
	if (peer_allow(net, to, (uint64_t)net->sysctl.icmp_ratelimit))
		return true;
	NET_INC(net, MIB_Icmp_OutRateLimitHost);
	return false;
}

static bool icmpv6_allow(struct net *net, int ifindex, const struct in6_addr *to, uint8_t type)
{
	const struct dst *dst;

	if (type == ICMPV6_PKT_TOOBIG)
		return true;
	if (ifindex != LOOPBACK_IFINDEX && !global_allow(net))
		return false;
	dst = ip_dst(net, to);
	if (dst->ifindex == LOOPBACK_IFINDEX)
		return true;
	if (peer_allow(net, to, ICMPV6_RATELIMIT_MS >> ((128 - dst->prefixlen) >> 5)))
		return true;
	NET_INC(net, MIB_Icmp6_OutRateLimitHost);
	return false;
}

/* ------------------------------------------------------------------ out */

static void count_out(struct net *net, bool v4, uint8_t type)
{
	static const uint16_t icmp[NR_ICMP_TYPES + 1] = {
		[ICMP_ECHOREPLY] = MIB_Icmp_OutEchoReps,
		[ICMP_DEST_UNREACH] = MIB_Icmp_OutDestUnreachs,
		[ICMP_TIME_EXCEEDED] = MIB_Icmp_OutTimeExcds,
		[ICMP_PARAMETERPROB] = MIB_Icmp_OutParmProbs,
	};
	static const uint16_t icmpv6[256] = {
		[ICMPV6_DEST_UNREACH] = MIB_Icmp6_OutDestUnreachs,
		[ICMPV6_PKT_TOOBIG] = MIB_Icmp6_OutPktTooBigs,
		[ICMPV6_TIME_EXCEED] = MIB_Icmp6_OutTimeExcds,
		[ICMPV6_PARAMPROB] = MIB_Icmp6_OutParmProblems,
		[ICMPV6_ECHO_REPLY] = MIB_Icmp6_OutEchoReplies,
	};

	NET_INC(net, v4 ? MIB_Icmp_OutMsgs : MIB_Icmp6_OutMsgs);
	NET_INC(net, v4 ? icmp[type] : icmpv6[type]);
}

void icmp_push(struct net *net, struct ip_out *out, const uint8_t *hdr, const uint8_t *body, uint32_t body_len)
{
	uint8_t packet[IP_HEADROOM + ICMP_HDR_LEN];
	bool v4 = out->proto == IPPROTO_ICMP;
	uint64_t sum = 0;
	uint16_t csum;

	out->hdr = memcpy(packet + IP_HEADROOM, hdr, ICMP_HDR_LEN);
	out->hdr_len = ICMP_HDR_LEN;
	out->data = body;
	out->len = body_len;
	memset(out->hdr + 2, 0, 2);
	if (!v4)
		sum = csum_pseudo(&out->saddr, &out->daddr, ICMP_HDR_LEN + body_len, IPPROTO_ICMPV6);
	csum = csum_fold(csum_partial(body, body_len, csum_partial(out->hdr, ICMP_HDR_LEN, sum)));
	memcpy(out->hdr + 2, &csum, 2);
	if (!v4 && ip_mtu(net, &out->daddr) == 0) { /* counted without a message */
		NET_INC(net, MIB_Ip6_OutNoRoutes);
		return;
	}
	count_out(net, v4, hdr[0]);
	ip_xmit(net, out);
}

/* An error about an error would go on for ever; a type that nobody knows may be one. */
static bool is_icmp_error(uint8_t type)
{
	const uint32_t errors = 1u << ICMP_DEST_UNREACH | 1u << ICMP_SOURCE_QUENCH | 1u << ICMP_REDIRECT |
				1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB;

	return type > NR_ICMP_TYPES || errors >> type & 1;
}

void icmp_send(struct net *net, int ifindex, const uint8_t *pkt, uint32_t len, uint8_t type, uint8_t code,
	       uint32_t info)
{
	struct ip_out out = {
		.saddr = addr_from_v4(pkt + 16),
		.daddr = addr_from_v4(pkt + 12),
		.proto = IPPROTO_ICMP,
		.dsfield = (pkt[1] & TOS_MASK) | TOS_INTERNETCONTROL,
	};
	uint32_t hdr_len = (pkt[0] & 15) * 4u, mtu, room;
	uint8_t hdr[ICMP_HDR_LEN] = { type, code };

	if (!ip_is_local(net, &out.saddr)) /* it was a broadcast */
		return;
	if (get_be16(pkt + 6) & IP_OFFSET)
		return;
	if (pkt[9] == IPPROTO_ICMP && (len <= hdr_len || is_icmp_error(pkt[hdr_len])))
		return;
	mtu = ip_mtu(net, &out.daddr);
	if (!mtu || !icmp_allow(net, ifindex, &out.daddr, type))
		return;
	room = min(mtu, (uint32_t)IPV4_QUOTE_MTU) - IP4_HDR_LEN - ICMP_HDR_LEN;
	put_be32(hdr + 4, info);
	icmp_push(net, &out, hdr, pkt, min(len, room));
}

/* A transport's header that is not there cannot be an error's. */
static bool quotes_icmpv6_error(const uint8_t *pkt, uint32_t len)
{
	uint32_t off;
	uint8_t proto;

	if (!ip6_find_transport(pkt, len, &proto, &off) || proto != IPPROTO_ICMPV6)
		return false;
	return off >= len || !(pkt[off] & ICMPV6_INFOMSG_MASK);
}

void icmpv6_send(struct net *net, int ifindex, const uint8_t *pkt, uint32_t len, uint8_t type, uint8_t code,
		 uint32_t info)
{
	struct ip_out out = { .proto = IPPROTO_ICMPV6 };
	uint8_t hdr[ICMP_HDR_LEN] = { type, code };
	int out_ifindex;

	memcpy(&out.daddr, pkt + 8, 16);
	memcpy(&out.saddr, pkt + 24, 16);
	if (addr_is_multicast(&out.saddr) && !(type == ICMPV6_PARAMPROB && code == ICMPV6_UNK_OPTION))
		return;
	if (IN6_IS_ADDR_UNSPECIFIED(&out.daddr) || addr_is_multicast(&out.daddr) || addr_is_v4(&out.daddr))
		return;
	if (quotes_icmpv6_error(pkt, len))
		return;
	if (!ip_is_local(net, &out.saddr) || addr_is_v4(&out.saddr))
		out.saddr = in6addr_any;
	if (ip_route(net, &out.daddr, &out.saddr, &out_ifindex) || !icmpv6_allow(net, ifindex, &out.daddr, type))
		return;
	put_be32(hdr + 4, info);
	icmp_push(net, &out, hdr, pkt, min(len, IPV6_MIN_MTU - IP6_HDR_LEN - ICMP_HDR_LEN));
}

void icmpv6_param_prob(struct net *net, const struct ip6_walk *walk, uint8_t code, uint32_t where)
{
	icmpv6_send(net, walk->ifindex, walk->pkt, walk->len, ICMPV6_PARAMPROB, code, where);
}
