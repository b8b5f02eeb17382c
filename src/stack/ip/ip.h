/* SPDX-License-Identifier: MIT */
/*
 * ip/ip.h - IPv4 and IPv6 for one host: frames to transports, transports' packets to devices
 *
 *	frame -> ip_rcv: header good? for us? whole (fragment.c)? -> icmp.c, or tcp through struct ip_protocol
 *	ip_xmit: route -> header -> dev_xmit
 */
#ifndef LA_IP_H
#define LA_IP_H

#include "stack/net.h"
#include "stack/wire/wire.h"

/* A whole packet on its way up: a view, borrowed. From @hdr to the end of @data the bytes lie in one piece. */
struct ip_packet {
	const struct ip_header *ip;
	const uint8_t *data; /* transport header */
	uint32_t len;
	const uint8_t *hdr;  /* IP header, for ICMP's quotation */
	uint32_t hdr_len;    /* with extension headers */
	bool csum_ok;	   /* the device vouches for the transport's checksum */
	uint16_t gso_size; /* a unit of segments of this size, over loopback; 0: one segment */
	int ifindex;
};

/* An ICMP or ICMPv6 error about a packet that we sent. A transport that has no such connection counts IcmpInErrors or
 * Icmp6InErrors. */
struct icmp_error {
	struct in6_addr saddr, daddr; /* of the packet quoted: saddr is ours */
	struct in6_addr offender;     /* who sent the error */
	uint8_t family;
	uint8_t type, code;
	uint32_t info;		/* parameter problem: where; IPv6: the second word of any */
	uint32_t mtu;		/* fragmentation needed, packet too big */
	const uint8_t *quoted;	/* what is quoted of the transport header, at least 8 bytes */
	uint32_t quoted_len;
};

/* What a transport gives to ip_register(): the only arrow upwards. */
struct ip_protocol {
	void (*rcv)(struct net *net, const struct ip_packet *pkt);
	void (*err)(struct net *net, const struct icmp_error *err);
};
void ip_register(struct net *net, uint8_t proto, const struct ip_protocol *ops);

void ip_rcv(struct net *net, int ifindex, const void *frame, size_t len);

/* Where would a packet to @daddr leave, and with which source? @saddr: in: any or wished, out: chosen.
 * 0; -ENETUNREACH (as connect() reports it; broadcast and multicast too); -EINVAL (source is no local address);
 * -EADDRNOTAVAIL (no local address of that family). */
int ip_route(struct net *net, const struct in6_addr *daddr, struct in6_addr *saddr, int *ifindex);
uint32_t ip_mtu(struct net *net, const struct in6_addr *daddr);	   /* path MTU: device's, or learnt and not expired */
uint32_t ip_gso_max(struct net *net, const struct in6_addr *daddr); /* largest unit, bytes with headers */
/* Learns a path MTU from an ICMP error, no lower than min_pmtu (IPv4) or 1280; returns the value now in force. */
uint32_t ip_update_pmtu(struct net *net, const struct in6_addr *daddr, uint32_t mtu);
bool ip_is_local(struct net *net, const struct in6_addr *addr);	   /* one of our unicast addresses, loopback included */
/* May bind() use it? any, local, and (IPv4) multicast or broadcast as Linux has it. */
bool ip_can_bind(struct net *net, const struct in6_addr *addr);
/* Both: 0, -EINVAL, -EEXIST, -ENOMEM. */
int ip_addr_add(struct net *net, int ifindex, const struct in6_addr *addr, unsigned prefixlen /* of 128 */);
int ip_route_add(struct net *net, int ifindex, const struct in6_addr *dst, unsigned prefixlen /* of 128 */);
void ip_frag_timeout(struct net *net, struct timer *t); /* TIMER_FRAG has fired */

/* One packet, or a unit of gso_size segments, of a transport. In a unit the checksum field is filled when it is cut.
 * 0, -ENOBUFS, -ENETUNREACH, -EMSGSIZE (larger than the path MTU, and @df; or larger than 65535). */
struct ip_out {
	struct in6_addr saddr, daddr;
	uint8_t proto, dsfield;
	uint8_t ttl;	    /* 0: the default */
	bool df;	    /* don't fragment; of IPv6: not here either */
	uint8_t csum_at;    /* where in @hdr the checksum goes that is filled in here, unless the device does without; what
			     * stands there is 0, and @hdr was written in words of 4 bytes. 0: the checksum is final */
	uint16_t gso_size;
	uint8_t *hdr;	    /* the transport's; the IP header is written in front of it, into IP_HEADROOM free bytes */
	uint32_t hdr_len;   /* a multiple of 4 */
	uint32_t len;	    /* of @data, which follows */
	const uint8_t *data;
};
#define IP_HEADROOM IP6_HDR_LEN
int ip_xmit(struct net *net, const struct ip_out *out);

#endif
