// SPDX-License-Identifier: MIT
/* wire/ipv6.c - the IPv6 header and the headers between it and the transport's */
#include "stack/wire/iphdr.h"
#include "stack/wire/icmp.h"

#define IPV6_TLV_PAD1 0
#define IPV6_TLV_PADN 1
#define IPV6_TLV_ROUTERALERT 5
#define IPV6_TLV_JUMBO 194
#define MAX_OPTIONS 8 /* net.ipv6.max_dst_opts_number, max_hbh_opts_number */
#define MAX_PADDING 7 /* bytes in a row: more has no use */

enum ip_verdict ip6_parse(struct ip_header *h, const uint8_t *p, size_t len)
{
	uint16_t payload;

	if (len < IP6_HDR_LEN || p[0] >> 4 != 6)
		return IP_HDR_BAD;
	payload = get_be16(p + 4);
	h->proto = p[6];
	h->dsfield = (uint8_t)(p[0] << 4 | p[1] >> 4);
	h->ttl = p[7];
	h->hdr_len = IP6_HDR_LEN;
	h->id = h->frag = 0;
	memcpy(&h->saddr, p + 8, 16);
	memcpy(&h->daddr, p + 24, 16);
	h->len = IP6_HDR_LEN + (uint32_t)payload;
	if (h->len > len)
		return IP_HDR_TRUNCATED;
	if (!payload && h->proto == IPPROTO_HOPOPTS) /* as a jumbogram, whose length an option tells */
		h->len = (uint32_t)min_t(size_t, len, IP6_HDR_LEN + IP_MAX_LEN);
	return IP_HDR_OK;
}

void ip6_build(uint8_t *p, const struct ip_header *h)
{
	put_be32(p, 6u << 28 | (uint32_t)h->dsfield << 20);
	put_be16(p + 4, (uint16_t)(h->len - IP6_HDR_LEN));
	p[6] = h->proto;
	p[7] = h->ttl;
	memcpy(p + 8, &h->saddr, 16);
	memcpy(p + 24, &h->daddr, 16);
}

uint32_t ip6_ext_len(const uint8_t *p, uint32_t room)
{
	uint32_t len = room < 8 ? 0 : (p[1] + 1u) * 8;

	return len <= room ? len : 0;
}

/* The two upper bits of an option say what a host does that does not know it. */
static enum ip6_options_verdict unknown_option(uint8_t kind, uint8_t *code)
{
	static const enum ip6_options_verdict verdict[4] = { IP6_OPTIONS_OK, IP6_OPTIONS_DROP, IP6_OPTIONS_REPORT,
							     IP6_OPTIONS_REPORT_UNICAST };

	*code = ICMPV6_UNK_OPTION;
	return verdict[kind >> 6];
}

/* @off: of the option within the packet. No jumbogram fits into a frame of ours: each one lies about its length. */
static enum ip6_options_verdict check_hbh_option(const uint8_t *opt, uint32_t off, uint8_t *code, uint32_t *where)
{
	switch (opt[0]) {
	case IPV6_TLV_ROUTERALERT:
		return opt[1] == 2 ? IP6_OPTIONS_OK : IP6_OPTIONS_DROP;
	case IPV6_TLV_JUMBO:
		if (opt[1] != 4 || (off & 3) != 2)
			return IP6_OPTIONS_DROP;
		if (get_be32(opt + 2) > IP_MAX_LEN)
			return IP6_OPTIONS_DROP;
		*code = ICMPV6_HDR_FIELD;
		*where = off + 2;
		return IP6_OPTIONS_REPORT;
	default:
		*where = off;
		return unknown_option(opt[0], code);
	}
}

static bool all_zero(const uint8_t *p, uint32_t len)
{
	while (len && !*p)
		p++, len--;
	return !len;
}

enum ip6_options_verdict ip6_check_options(const uint8_t *ext, uint32_t len, uint32_t ext_off, bool hbh, uint8_t *code,
					   uint32_t *offset)
{
	uint32_t padding = 0, options = 0, size;

	for (uint32_t i = 2; i < len; i += size) {
		enum ip6_options_verdict verdict;
		const uint8_t *opt = ext + i;

		size = *opt == IPV6_TLV_PAD1 ? 1 : len - i < 2 ? 0 : opt[1] + 2u;
		if (!size || size > len - i)
			return IP6_OPTIONS_DROP;
		if (*opt <= IPV6_TLV_PADN) {
			padding += size;
			if (padding > MAX_PADDING || (size > 2 && !all_zero(opt + 2, size - 2)))
				return IP6_OPTIONS_DROP;
			continue;
		}
		padding = 0;
		if (++options > MAX_OPTIONS)
			return IP6_OPTIONS_DROP;
		*offset = ext_off + i;
		verdict = hbh ? check_hbh_option(opt, ext_off + i, code, offset) : unknown_option(*opt, code);
		if (verdict != IP6_OPTIONS_OK)
			return verdict;
	}
	return IP6_OPTIONS_OK;
}

static bool is_ext_header(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

bool ip6_find_transport(const uint8_t *pkt, uint32_t len, uint8_t *proto, uint32_t *offset)
{
	uint32_t off = IP6_HDR_LEN;
	uint8_t next = pkt[6];

	while (is_ext_header(next)) {
		const uint8_t *ext = pkt + off;
		uint32_t ext_len = IP6_FRAG_HDR_LEN;

		if (off > len || len - off < 8)
			return false;
		if (next != IPPROTO_FRAGMENT)
			ext_len = ip6_ext_len(ext, len - off);
		else if (get_be16(ext + 2) & IP6_OFFSET)
			return false;
		if (!ext_len)
			return false;
		next = ext[0];
		off += ext_len;
	}
	*proto = next;
	*offset = off;
	return next != IPPROTO_NONE && off <= len;
}
