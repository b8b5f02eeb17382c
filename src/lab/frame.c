// SPDX-License-Identifier: MIT
/*
 * lab/frame.c - frames and the bytes of TCP segments
 *
 * In:   the bytes of an IP packet; or a segment in words.
 * Here: lab_segment_read() takes a packet apart without trusting any length in it; lab_segment_write() builds one,
 *       lab_icmp_error() a complaint about one.
 * Out:  a segment in words that borrows the frame; or a frame.
 */
#include "lab/frame.h"

#include <string.h>
#include <sys/socket.h>

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMPV6 = 58,
	PROTO_DSTOPTS = 60
};

struct lab_frame *lab_frame_new(const void *bytes, size_t len)
{
	struct lab_frame *frame = lab_zalloc(sizeof(*frame) + len);

	frame->refs = 1;
	frame->len = len;
	if (bytes)
		memcpy(frame->bytes, bytes, len);
	return frame;
}

struct lab_frame *lab_frame_copy(const struct lab_frame *frame)
{
	struct lab_frame *copy = lab_frame_new(frame->bytes, frame->len);

	copy->number = frame->number;
	copy->sent_ns = frame->sent_ns;
	return copy;
}

struct lab_frame *lab_frame_get(struct lab_frame *frame)
{
	frame->refs++;
	return frame;
}

void lab_frame_put(struct lab_frame *frame)
{
	if (!--frame->refs)
		free(frame);
}

/* ------------------------------------------------------------------ numbers in network order */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

uint16_t lab_checksum(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t total = sum;

	for (; len > 1; len -= 2, p += 2)
		total += get16(p);
	if (len)
		total += (uint32_t)p[0] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

/* The sum over addresses, length and protocol. A mapped prefix would add to it, so IPv4 counts its four bytes alone. */
static uint16_t pseudo_sum(const struct lab_segment *seg, uint32_t len)
{
	unsigned skip = seg->family == AF_INET ? 12 : 0;
	uint32_t sum = seg->protocol + (len >> 16) + (len & 0xffff);

	sum = lab_checksum(sum, seg->saddr + skip, 16 - skip);
	return lab_checksum(sum, seg->daddr + skip, 16 - skip);
}

static void map_address(uint8_t *addr, const uint8_t *ip4)
{
	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	memcpy(addr + 12, ip4, 4);
}

/* ------------------------------------------------------------------ reading */

/* Each of these reads one header and returns where the next begins; NULL: there is none, or it does not fit. */
static const uint8_t *read_ipv4(struct lab_segment *seg, const uint8_t *p, const uint8_t **end)
{
	size_t have = (size_t)(*end - p), hlen = (p[0] & 15) * 4U, total;

	seg->family = AF_INET;
	if (have < 20 || hlen < 20 || hlen > have) {
		seg->broken = true;
		return NULL;
	}
	total = get16(p + 2);
	seg->hop_limit = p[8];
	seg->protocol = p[9];
	map_address(seg->saddr, p + 12);
	map_address(seg->daddr, p + 16);
	seg->fragment = get16(p + 6) & 0x3fff;
	seg->broken = lab_checksum(0, p, hlen) != 0xffff || total < hlen || total > have;
	if (total < hlen || total > have)
		return NULL;
	*end = p + total;
	return seg->fragment && (get16(p + 6) & 0x1fff) ? NULL : p + hlen;
}

static const uint8_t *read_ipv6(struct lab_segment *seg, const uint8_t *p, const uint8_t **end)
{
	seg->family = AF_INET6;
	if (*end - p < 40 || *end - p < 40 + get16(p + 4)) {
		seg->broken = true;
		return NULL;
	}
	*end = p + 40 + get16(p + 4);
	seg->protocol = p[6];
	seg->hop_limit = p[7];
	memcpy(seg->saddr, p + 8, 16);
	memcpy(seg->daddr, p + 24, 16);
	for (p += 40;;) {
		bool frag = seg->protocol == PROTO_FRAGMENT;
		size_t len = 8;

		if (!frag && seg->protocol != PROTO_HOPOPTS && seg->protocol != PROTO_ROUTING &&
		    seg->protocol != PROTO_DSTOPTS)
			return p;
		if (*end - p < 8 || (!frag && (size_t)(*end - p) < (len = 8 + p[1] * 8U))) {
			seg->broken = true;
			return NULL;
		}
		seg->protocol = p[0];
		if (frag && (get16(p + 2) & 0xfff9)) {
			seg->fragment = true;
			if (get16(p + 2) & 0xfff8)
				return NULL;
		}
		p += len;
	}
}

static void read_tcp(struct lab_segment *seg, const uint8_t *p, const uint8_t *end)
{
	size_t have = (size_t)(end - p), hlen;

	hlen = have < 20 ? 0 : (p[12] >> 4) * 4U;
	if (hlen < 20 || hlen > have) {
		seg->broken = true;
		return;
	}
	seg->sport = get16(p);
	seg->dport = get16(p + 2);
	seg->seq = get32(p + 4);
	seg->ack = get32(p + 8);
	seg->flags = p[13];
	seg->window = get16(p + 14);
	seg->urgent = get16(p + 18);
	seg->options = p + 20;
	seg->options_len = (uint32_t)hlen - 20;
	seg->payload = p + hlen;
	seg->payload_len = (uint32_t)(have - hlen);
	if (!seg->fragment && lab_checksum(pseudo_sum(seg, (uint32_t)have), p, have) != 0xffff)
		seg->broken = true;
}

bool lab_segment_read(struct lab_segment *seg, const void *frame, size_t len)
{
	const uint8_t *p = frame, *end = p + len;

	memset(seg, 0, sizeof(*seg));
	if (len < 1 || (p[0] >> 4 != 4 && p[0] >> 4 != 6))
		return false;
	p = p[0] >> 4 == 4 ? read_ipv4(seg, p, &end) : read_ipv6(seg, p, &end);
	if (!p)
		return true;
	if (seg->protocol == PROTO_TCP) {
		read_tcp(seg, p, end);
	} else if ((seg->protocol == PROTO_ICMP || seg->protocol == PROTO_ICMPV6) && end - p >= 2) {
		seg->icmp_type = p[0];
		seg->icmp_code = p[1];
	}
	return true;
}

uint32_t lab_segment_span(const struct lab_segment *seg)
{
	return seg->payload_len + !!(seg->flags & LAB_SYN) + !!(seg->flags & LAB_FIN);
}

/* ------------------------------------------------------------------ writing */

/* The header of a packet with @len bytes of @seg->protocol in it; returns where those begin. */
static uint8_t *write_ip(uint8_t *p, const struct lab_segment *seg, uint32_t len)
{
	uint8_t hops = seg->hop_limit ? seg->hop_limit : 64;

	if (seg->family == AF_INET6) {
		p[0] = 0x60;
		put16(p + 4, len);
		p[6] = seg->protocol;
		p[7] = hops;
		memcpy(p + 8, seg->saddr, 16);
		memcpy(p + 24, seg->daddr, 16);
		return p + 40;
	}
	p[0] = 0x45;
	put16(p + 2, 20 + len);
	p[6] = 0x40;
	p[8] = hops;
	p[9] = seg->protocol;
	memcpy(p + 12, seg->saddr + 12, 4);
	memcpy(p + 16, seg->daddr + 12, 4);
	put16(p + 10, (uint16_t)~lab_checksum(0, p, 20));
	return p + 20;
}

struct lab_frame *lab_segment_write(const struct lab_segment *said)
{
	struct lab_segment with_protocol = *said;
	const struct lab_segment *seg = &with_protocol;
	uint32_t opts = (seg->options_len + 3) & ~3U, tcp_len = 20 + opts + seg->payload_len;
	struct lab_frame *frame = lab_frame_new(NULL, (seg->family == AF_INET6 ? 40 : 20) + tcp_len);
	uint8_t *p;

	with_protocol.protocol = PROTO_TCP;
	p = write_ip(frame->bytes, seg, tcp_len);

	put16(p, seg->sport);
	put16(p + 2, seg->dport);
	put32(p + 4, seg->seq);
	put32(p + 8, seg->ack);
	p[12] = (uint8_t)((20 + opts) / 4 << 4);
	p[13] = seg->flags;
	put16(p + 14, seg->window);
	put16(p + 18, seg->urgent);
	if (seg->options_len)
		memcpy(p + 20, seg->options, seg->options_len);
	if (seg->payload_len)
		memcpy(p + 20 + opts, seg->payload, seg->payload_len);
	put16(p + 16, (uint16_t)~lab_checksum(pseudo_sum(seg, tcp_len), p, tcp_len));
	return frame;
}

struct lab_frame *lab_icmp_error(const void *about, size_t len, uint8_t type, uint8_t code, uint32_t info)
{
	struct lab_segment seg, error = {.hop_limit = 64};
	struct lab_frame *frame;
	uint32_t quoted, total;
	uint8_t *p;

	if (!lab_segment_read(&seg, about, len))
		return lab_frame_new(about, len);
	error.family = seg.family;
	error.protocol = seg.family == AF_INET6 ? PROTO_ICMPV6 : PROTO_ICMP;
	memcpy(error.saddr, seg.daddr, 16);
	memcpy(error.daddr, seg.saddr, 16);
	quoted = len < 128 ? (uint32_t)len : 128; /* headers with all options and a little more */
	total = 8 + quoted;
	frame = lab_frame_new(NULL, (seg.family == AF_INET6 ? 40 : 20) + total);
	p = write_ip(frame->bytes, &error, total);
	p[0] = type;
	p[1] = code;
	put32(p + 4, info);
	memcpy(p + 8, about, quoted);
	put16(p + 2, (uint16_t)~lab_checksum(seg.family == AF_INET6 ? pseudo_sum(&error, total) : 0, p, total));
	return frame;
}
