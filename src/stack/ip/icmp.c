// SPDX-License-Identifier: MIT
/*
 * ip/icmp.c - ICMP and ICMPv6 arrive
 *
 * In:  whole packets from ip/input.c.
 * Out: an answer to an echo request; errors about packets of ours to the transport that sent them. Everything else is
 *      counted and forgotten: redirects and router advertisements are not obeyed, timestamps need a wall clock.
 */
#include "stack/ip/tables.h"
#include <sys/socket.h>

/* Answers with the same bytes behind the type; to a multicast request from the address that suits the asker. */
static void echo_reply(struct net *net, const struct ip_packet *pkt, uint8_t type, bool multicast)
{
	struct ip_out out = {
		.saddr = multicast ? in6addr_any : pkt->ip->daddr,
		.daddr = pkt->ip->saddr,
		.proto = type == ICMP_ECHOREPLY ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.dsfield = pkt->ip->dsfield,
	};
	uint8_t hdr[ICMP_HDR_LEN];
	int ifindex;

	if (multicast && ip_route(net, &out.daddr, &out.saddr, &ifindex))
		return;
	memcpy(hdr, pkt->data, sizeof(hdr));
	hdr[0] = type;
	icmp_push(net, &out, hdr, pkt->data + sizeof(hdr), pkt->len - (uint32_t)sizeof(hdr));
}

static void notify(struct net *net, uint8_t proto, const struct icmp_error *err)
{
	const struct ip_protocol *ops = net->ip->proto[proto];

	if (ops && ops->err)
		ops->err(net, err);
}

/* ------------------------------------------------------------------ ICMP */

static bool icmp_count_in(struct net *net, uint8_t type)
{
	static const uint16_t counter[NR_ICMP_TYPES + 1] = {
		[ICMP_ECHOREPLY] = MIB_Icmp_InEchoReps,
		[ICMP_DEST_UNREACH] = MIB_Icmp_InDestUnreachs,
		[ICMP_SOURCE_QUENCH] = MIB_Icmp_InSrcQuenchs,
		[ICMP_REDIRECT] = MIB_Icmp_InRedirects,
		[ICMP_ECHO] = MIB_Icmp_InEchos,
		[ICMP_TIME_EXCEEDED] = MIB_Icmp_InTimeExcds,
		[ICMP_PARAMETERPROB] = MIB_Icmp_InParmProbs,
		[ICMP_TIMESTAMP] = MIB_Icmp_InTimestamps,
		[ICMP_ADDRESS] = MIB_Icmp_InAddrMasks,
	};

	if (type > NR_ICMP_TYPES)
		return false;
	if (counter[type])
		NET_INC(net, counter[type]);
	return true;
}

/* Is the error one that says something about a connection? False: forget it. */
static bool icmp_concerns_transport(const struct net *net, const struct ip_packet *pkt, uint32_t *mtu)
{
	uint8_t type = pkt->data[0], code = pkt->data[1];

	if (type == ICMP_TIME_EXCEEDED)
		return code != ICMP_EXC_FRAGTIME;
	if (type != ICMP_DEST_UNREACH)
		return true;
	if (code == ICMP_FRAG_NEEDED) {
		if (net->sysctl.ip_no_pmtu_disc == 2)
			return false;
		*mtu = net->sysctl.ip_no_pmtu_disc == 1 ? 0 : get_be16(pkt->data + 6);
	}
	return code <= NR_ICMP_UNREACH;
}

/* False: malformed. Of the quoted packet only as much is looked at as RFC 792 promises: header and eight bytes. */
static bool icmp_unreach(struct net *net, const struct ip_packet *pkt)
{
	const uint8_t *q = pkt->data + ICMP_HDR_LEN;
	uint32_t len = pkt->len - ICMP_HDR_LEN, hdr_len, mtu = 0;

	if (len < IP4_HDR_LEN)
		return false;
	hdr_len = (q[0] & 15) * 4u;
	if (hdr_len < IP4_HDR_LEN)
		return false;
	if (!icmp_concerns_transport(net, pkt, &mtu))
		return true;
	if (len < hdr_len + 8)
		return false;
	notify(net, q[9], &(struct icmp_error){
		.saddr = addr_from_v4(q + 12),
		.daddr = addr_from_v4(q + 16),
		.offender = pkt->ip->saddr,
		.family = AF_INET,
		.type = pkt->data[0],
		.code = pkt->data[1],
		.info = pkt->data[0] == ICMP_PARAMETERPROB ? pkt->data[4] : 0,
		.mtu = mtu,
		.quoted = q + hdr_len,
		.quoted_len = len - hdr_len,
	});
	return true;
}

/* False: counts as an error. */
static bool icmp_dispatch(struct net *net, const struct ip_packet *pkt, bool broadcast)
{
	uint8_t type = pkt->data[0];

	if (!icmp_count_in(net, type))
		return false;
	if (broadcast) /* icmp_echo_ignore_broadcasts; of the rest only address masks may be broadcast */
		return type == ICMP_ADDRESS || type == ICMP_ADDRESSREPLY;
	switch (type) {
	case ICMP_ECHO:
		/* Linux asks its routing table first and says nothing when the asker is unreachable */
		if (!net->sysctl.icmp_echo_ignore_all && ip_mtu(net, &pkt->ip->saddr))
			echo_reply(net, pkt, ICMP_ECHOREPLY, false);
		return true;
	case ICMP_TIMESTAMP:
		return pkt->len >= ICMP_HDR_LEN + 4;
	case ICMP_DEST_UNREACH:
	case ICMP_SOURCE_QUENCH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return icmp_unreach(net, pkt);
	default:
		return true;
	}
}

void icmp_rcv(struct net *net, const struct ip_packet *pkt, enum dst_kind kind)
{
	NET_INC(net, MIB_Icmp_InMsgs);
	if (csum_fold(csum_partial(pkt->data, pkt->len, 0))) {
		NET_INC(net, MIB_Icmp_InCsumErrors);
		NET_INC(net, MIB_Icmp_InErrors);
		return;
	}
	if (pkt->len < ICMP_HDR_LEN || !icmp_dispatch(net, pkt, kind != DST_LOCAL))
		NET_INC(net, MIB_Icmp_InErrors);
}

/* ------------------------------------------------------------------ ICMPv6 */

static void icmpv6_count_in(struct net *net, uint8_t type)
{
	static const uint16_t counter[256] = {
		[ICMPV6_DEST_UNREACH] = MIB_Icmp6_InDestUnreachs,
		[ICMPV6_PKT_TOOBIG] = MIB_Icmp6_InPktTooBigs,
		[ICMPV6_TIME_EXCEED] = MIB_Icmp6_InTimeExcds,
		[ICMPV6_PARAMPROB] = MIB_Icmp6_InParmProblems,
		[ICMPV6_ECHO_REQUEST] = MIB_Icmp6_InEchos,
		[ICMPV6_ECHO_REPLY] = MIB_Icmp6_InEchoReplies,
	};

	if (counter[type])
		NET_INC(net, counter[type]);
}

/* False: malformed. */
static bool icmpv6_notify(struct net *net, const struct ip_packet *pkt)
{
	const uint8_t *q = pkt->data + ICMP_HDR_LEN;
	uint32_t len = pkt->len - ICMP_HDR_LEN, off;
	struct icmp_error err = { .family = AF_INET6, .type = pkt->data[0], .code = pkt->data[1] };
	uint8_t proto;

	if (len < IP6_HDR_LEN || !ip6_find_transport(q, len, &proto, &off) || len - off < 8)
		return false;
	memcpy(&err.saddr, q + 8, 16);
	memcpy(&err.daddr, q + 24, 16);
	if (addr_is_v4(&err.saddr) || addr_is_v4(&err.daddr))
		return false; /* no packet of ours looked like that */
	if (err.type == ICMPV6_PKT_TOOBIG)
		err.mtu = get_be32(pkt->data + 4);
	err.offender = pkt->ip->saddr;
	err.info = get_be32(pkt->data + 4);
	err.quoted = q + off;
	err.quoted_len = len - off;
	notify(net, proto, &err);
	return true;
}

static bool icmpv6_dispatch(struct net *net, const struct ip_packet *pkt, bool multicast)
{
	uint8_t type = pkt->data[0];

	icmpv6_count_in(net, type);
	if (type == ICMPV6_ECHO_REQUEST && !net->sysctl.icmp_echo_ignore_all)
		echo_reply(net, pkt, ICMPV6_ECHO_REPLY, multicast);
	return type & ICMPV6_INFOMSG_MASK || icmpv6_notify(net, pkt);
}

void icmpv6_rcv(struct net *net, const struct ip_packet *pkt, bool multicast)
{
	uint64_t pseudo = csum_pseudo(&pkt->ip->saddr, &pkt->ip->daddr, pkt->len, IPPROTO_ICMPV6);

	NET_INC(net, MIB_Icmp6_InMsgs);
	if (csum_fold(csum_partial(pkt->data, pkt->len, pseudo))) {
		NET_INC(net, MIB_Icmp6_InCsumErrors);
		NET_INC(net, MIB_Icmp6_InErrors);
		return;
	}
	if (pkt->len < ICMP_HDR_LEN || !icmpv6_dispatch(net, pkt, multicast))
		NET_INC(net, MIB_Icmp6_InErrors);
}
