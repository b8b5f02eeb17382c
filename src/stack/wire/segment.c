// SPDX-License-Identifier: MIT
/*
 * wire/segment.c - TCP header and options
 *
 * In:  the transport part of a packet; whatever it says about its own lengths is checked against the bytes that are
 *      there before the next byte is read.
 * Out: struct tcp_seg, a view of it. Options are read on demand: most segments never need them.
 */
#include "stack/wire/segment.h"

enum tcp_seg_verdict tcp_read_segment(struct tcp_seg *seg, const struct in6_addr *saddr, const struct in6_addr *daddr,
				      const uint8_t *p, uint32_t len)
{
	uint32_t hdr_len;

	if (len < TCP_HDR_LEN)
		return TCP_SEG_TRUNCATED;
	hdr_len = (p[12] >> 4) * 4u;
	if (hdr_len < TCP_HDR_LEN)
		return TCP_SEG_BAD_HEADER;
	if (hdr_len > len)
		return TCP_SEG_TRUNCATED;

	seg->saddr = *saddr;
	seg->daddr = *daddr;
	seg->sport = get_be16(p);
	seg->dport = get_be16(p + 2);
	seg->seq = get_be32(p + 4);
	seg->ack = get_be32(p + 8);
	seg->flags = p[13];
	seg->wnd = get_be16(p + 14);
	seg->urg_ptr = get_be16(p + 18);
	seg->opt = p + TCP_HDR_LEN;
	seg->opt_len = (uint8_t)(hdr_len - TCP_HDR_LEN);
	seg->data = p + hdr_len;
	seg->len = len - hdr_len;
	seg->end_seq = seg->seq + seg->len + !!seg_has(seg, TCPHDR_SYN) + !!seg_has(seg, TCPHDR_FIN);
	seg->options_parsed = false;
	seg->dsfield = 0;
	seg->gso_size = 0;
	seg->ifindex = 0;
	return TCP_SEG_OK;
}

enum tcp_seg_verdict tcp_parse_segment(struct tcp_seg *seg, const struct in6_addr *saddr, const struct in6_addr *daddr,
				       const uint8_t *p, uint32_t len)
{
	enum tcp_seg_verdict verdict = tcp_read_segment(seg, saddr, daddr, p, len);

	if (verdict == TCP_SEG_OK && csum_fold(csum_partial(p, len, csum_pseudo(saddr, daddr, len, IPPROTO_TCP))))
		return TCP_SEG_BAD_CSUM;
	return verdict;
}

static void parse_sack(struct tcp_options *opt, const uint8_t *p, size_t len)
{
	if (len < TCPOLEN_SACK_PERBLOCK || len % TCPOLEN_SACK_PERBLOCK)
		return;
	opt->nsacks = (uint8_t)min(len / TCPOLEN_SACK_PERBLOCK, ARRAY_SIZE(opt->sack));
	for (unsigned i = 0; i < opt->nsacks; i++, p += TCPOLEN_SACK_PERBLOCK)
		opt->sack[i] = (struct sack_block){ get_be32(p), get_be32(p + 4) };
}

/* One option of a known length; a known kind of a wrong length is skipped. */
static void parse_option(struct tcp_options *opt, uint8_t kind, const uint8_t *value, size_t size, bool syn)
{
	switch (kind) {
	case TCPOPT_MSS:
		if (size == TCPOLEN_MSS && syn && get_be16(value))
			opt->mss = get_be16(value);
		break;
	case TCPOPT_WINDOW:
		if (size == TCPOLEN_WINDOW && syn) {
			opt->wscale_ok = true;
			opt->wscale = min_t(uint8_t, *value, TCP_MAX_WSCALE);
		}
		break;
	case TCPOPT_SACK_PERM:
		if (size == TCPOLEN_SACK_PERM && syn)
			opt->sack_ok = true;
		break;
	case TCPOPT_SACK:
		parse_sack(opt, value, size - TCPOLEN_SACK_BASE);
		break;
	case TCPOPT_TIMESTAMP:
		if (size == TCPOLEN_TIMESTAMP) {
			opt->saw_tstamp = true;
			opt->tsval = get_be32(value);
			opt->tsecr = get_be32(value + 4);
		}
		break;
	case TCPOPT_FASTOPEN:
	case TCPOPT_EXP:
		opt->fastopen |= syn;
		break;
	}
}

void tcp_parse_options(struct tcp_options *opt, const uint8_t *p, size_t len, bool syn)
{
	tcp_clear_options(opt);
	if (likely(len >= TCPOLEN_TSTAMP_ALIGNED && get_be32(p) == TCPOPT_TSTAMP_ALIGNED)) {
		opt->saw_tstamp = true;
		opt->tsval = get_be32(p + 4);
		opt->tsecr = get_be32(p + 8);
		p += TCPOLEN_TSTAMP_ALIGNED, len -= TCPOLEN_TSTAMP_ALIGNED;
	}
	while (len) {
		size_t size;

		if (*p == TCPOPT_EOL)
			return;
		if (*p == TCPOPT_NOP) {
			p++, len--;
			continue;
		}
		if (len < 2)
			return;
		size = p[1];
		if (size < 2 || size > len)
			return;
		parse_option(opt, *p, p + 2, size, syn);
		p += size, len -= size;
	}
}

static uint8_t *put_option(uint8_t *p, uint8_t first, uint8_t second, uint8_t kind, uint8_t size)
{
	put_be32(p, (uint32_t)first << 24 | second << 16 | kind << 8 | size);
	return p + 4;
}

/* Linux fills 32-bit words: two NOPs stand before what would be crooked, and SACK-permitted takes their place before a
 * timestamp. */
size_t tcp_write_options(uint8_t *start, const struct tcp_options *opt)
{
	uint8_t *p = start;
	size_t room, blocks;

	if (opt->mss) {
		p[0] = TCPOPT_MSS;
		p[1] = TCPOLEN_MSS;
		put_be16(p + 2, opt->mss);
		p += TCPOLEN_MSS;
	}
	if (opt->saw_tstamp) {
		if (opt->sack_ok)
			p = put_option(p, TCPOPT_SACK_PERM, TCPOLEN_SACK_PERM, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP);
		else
			p = put_option(p, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP);
		put_be32(p, opt->tsval);
		put_be32(p + 4, opt->tsecr);
		p += 8;
	} else if (opt->sack_ok) {
		p = put_option(p, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_SACK_PERM, TCPOLEN_SACK_PERM);
	}
	if (opt->wscale_ok)
		p = put_option(p, TCPOPT_NOP, TCPOPT_WINDOW, TCPOLEN_WINDOW, opt->wscale);

	room = TCP_OPT_MAX - (size_t)(p - start);
	if (!opt->nsacks || room < 4 + TCPOLEN_SACK_PERBLOCK)
		return (size_t)(p - start);
	blocks = min(min_t(size_t, opt->nsacks, ARRAY_SIZE(opt->sack)), (room - 4) / TCPOLEN_SACK_PERBLOCK);
	p = put_option(p, TCPOPT_NOP, TCPOPT_NOP, TCPOPT_SACK,
		       (uint8_t)(TCPOLEN_SACK_BASE + blocks * TCPOLEN_SACK_PERBLOCK));
	for (size_t i = 0; i < blocks; i++, p += TCPOLEN_SACK_PERBLOCK) {
		put_be32(p, opt->sack[i].start);
		put_be32(p + 4, opt->sack[i].end);
	}
	return (size_t)(p - start);
}

/* ------------------------------------------------------------------ Fast Open */

static void take_cookie(struct tcp_fastopen_cookie *foc, const uint8_t *value, size_t len, bool exp)
{
	if (len & 1)
		return;
	foc->exp = exp;
	foc->len = -1;
	if (len && (len < TCP_FASTOPEN_COOKIE_MIN || len > TCP_FASTOPEN_COOKIE_MAX))
		return;
	memcpy(foc->val, value, len);
	foc->len = (int8_t)len;
}

void tcp_parse_fastopen(struct tcp_fastopen_cookie *foc, const uint8_t *p, size_t len)
{
	size_t size;

	foc->len = -1;
	foc->exp = false;
	for (; len && *p != TCPOPT_EOL; p += size, len -= size) {
		size = *p == TCPOPT_NOP ? 1 : len > 1 ? p[1] : 0;
		if (size > len || size < (*p == TCPOPT_NOP ? 1 : 2))
			return;
		if (*p == TCPOPT_FASTOPEN)
			take_cookie(foc, p + 2, size - 2, false);
		else if (*p == TCPOPT_EXP && size >= 4 && get_be16(p + 2) == TCPOPT_FASTOPEN_MAGIC)
			take_cookie(foc, p + 4, size - 4, true);
	}
}

size_t tcp_write_fastopen(uint8_t *p, size_t room, const struct tcp_fastopen_cookie *foc)
{
	size_t head = foc->exp ? 4 : 2, len = foc->len < 0 ? 0 : (size_t)foc->len;

	if (foc->len < 0 || ((head + len + 3) & ~(size_t)3) > room)
		return 0;
	p[0] = foc->exp ? TCPOPT_EXP : TCPOPT_FASTOPEN;
	p[1] = (uint8_t)(head + len);
	if (foc->exp)
		put_be16(p + 2, TCPOPT_FASTOPEN_MAGIC);
	memcpy(p + head, foc->val, len);
	for (len += head; len & 3; len++)
		p[len] = TCPOPT_NOP;
	return len;
}
