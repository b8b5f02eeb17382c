/* SPDX-License-Identifier: MIT */
/*
 * wire/iphdr.h - IPv4 (RFC 791) and IPv6 (RFC 8200) headers, their options and extension headers
 *
 * Both families are read into one struct. What a verdict counts as stands in ip/input.c.
 */
#ifndef LA_WIRE_IPHDR_H
#define LA_WIRE_IPHDR_H

#include "stack/wire/csum.h"

#define IP4_HDR_LEN 20
#define IP6_HDR_LEN 40
#define IP6_FRAG_HDR_LEN 8
#define IP_MAX_LEN 65535u /* of an IPv4 packet, and of what follows an IPv6 header */
#define IPV6_MIN_MTU 1280u

/* the fragment field of IPv4 */
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff /* in units of 8 bytes */
/* the one of IPv6's fragment header */
#define IP6_MF 0x0001
#define IP6_OFFSET 0xfff8 /* in bytes */

#define INET_ECN_MASK 3
#define INET_ECN_CE 3

struct ip_header {
	struct in6_addr saddr, daddr;
	uint32_t len;	  /* of the packet as its header says, header included; never more than there is */
	uint16_t hdr_len; /* with IPv4's options, without extension headers */
	uint16_t id, frag; /* IPv4 only */
	uint8_t proto, dsfield, ttl;
};

enum ip_verdict {
	IP_HDR_OK,
	IP_HDR_BAD,	  /* version, lengths that contradict each other, no whole header */
	IP_HDR_BAD_CSUM,  /* IPv4 */
	IP_HDR_TRUNCATED, /* the header is good, but promises more bytes than came */
};

static inline uint16_t ip4_header_csum(const uint8_t *p, size_t len)
{
	uint64_t word[2];
	uint32_t last;

	if (unlikely(len != IP4_HDR_LEN))
		return csum_fold(csum_partial(p, len, 0));
	memcpy(word, p, sizeof(word));
	memcpy(&last, p + sizeof(word), sizeof(last));
	return csum_fold(csum_add(csum_add(word[0], word[1]), last));
}

/* In the order of Linux's ip_rcv_core(): which error is counted depends on it. */
static inline enum ip_verdict ip4_parse(struct ip_header *h, const uint8_t *p, size_t len)
{
	uint32_t hdr_len, whole;

	if (unlikely(len < IP4_HDR_LEN || p[0] >> 4 != 4))
		return IP_HDR_BAD;
	hdr_len = (p[0] & 15) * 4u;
	if (hdr_len < IP4_HDR_LEN || hdr_len > len)
		return IP_HDR_BAD;
	if (ip4_header_csum(p, hdr_len))
		return IP_HDR_BAD_CSUM;
	whole = get_be16(p + 2);
	if (whole > len)
		return IP_HDR_TRUNCATED;
	if (whole < hdr_len)
		return IP_HDR_BAD;
	h->hdr_len = (uint16_t)hdr_len;
	h->len = whole;
	h->dsfield = p[1];
	h->id = get_be16(p + 4);
	h->frag = get_be16(p + 6);
	h->ttl = p[8];
	h->proto = p[9];
	h->saddr = addr_from_v4(p + 12);
	h->daddr = addr_from_v4(p + 16);
	return IP_HDR_OK;
}
enum ip_verdict ip6_parse(struct ip_header *h, const uint8_t *p, size_t len);
/* Write a header of IP4_HDR_LEN, IP6_HDR_LEN bytes; h->hdr_len is not read: there are no options. */
static inline void ip4_build(uint8_t *p, const struct ip_header *h)
{
	uint32_t first = 0x45000000 | (uint32_t)h->dsfield << 16 | (uint16_t)h->len, second = (uint32_t)h->id << 16 | h->frag;
	uint32_t third = (uint32_t)h->ttl << 24 | (uint32_t)h->proto << 16;
	uint64_t sum = (uint64_t)htonl(first) + htonl(second) + htonl(third);

	sum += (uint64_t)h->saddr.s6_addr32[3] + h->daddr.s6_addr32[3];
	put_be32(p, first);
	put_be32(p + 4, second);
	put_be32(p + 8, third | ntohs(csum_fold(sum)));
	memcpy(p + 12, &h->saddr.s6_addr32[3], 4);
	memcpy(p + 16, &h->daddr.s6_addr32[3], 4);
}
void ip6_build(uint8_t *p, const struct ip_header *h);
void ip4_update_csum(uint8_t *p); /* of a header with or without options */

enum ip4_options_verdict {
	IP4_OPTIONS_OK,
	IP4_OPTIONS_SOURCE_ROUTE, /* well-formed, and not for us */
	IP4_OPTIONS_BAD,	  /* *pointer: the offending byte, counted from the header's first */
};
enum ip4_options_verdict ip4_check_options(const uint8_t *hdr, size_t hdr_len, uint8_t *pointer);

/* Length of the options, routing or hop-by-hop header at @p, of which @room bytes are there; 0: not whole. */
uint32_t ip6_ext_len(const uint8_t *p, uint32_t room);

enum ip6_options_verdict {
	IP6_OPTIONS_OK,
	IP6_OPTIONS_DROP,
	IP6_OPTIONS_REPORT,	    /* and a parameter problem: *code, *offset from the header's first byte */
	IP6_OPTIONS_REPORT_UNICAST, /* the same, unless the packet was multicast */
};
/* Looks at all options in the hop-by-hop (@hbh) or destination options header of ip6_ext_len() bytes at @ext, which
 * lies @ext_off bytes behind the beginning of its packet. */
enum ip6_options_verdict ip6_check_options(const uint8_t *ext, uint32_t len, uint32_t ext_off, bool hbh, uint8_t *code,
					   uint32_t *offset);

/* Finds the transport header in the @len bytes of an IPv6 packet: its protocol and offset. False: it is not there, or
 * not in this fragment. */
bool ip6_find_transport(const uint8_t *pkt, uint32_t len, uint8_t *proto, uint32_t *offset);

#endif
