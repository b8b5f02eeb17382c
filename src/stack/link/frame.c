// SPDX-License-Identifier: MIT
/*
 * link/frame.c - a unit of TCP segments becomes frames
 *
 * In:  struct la_frame: one IP and one TCP header, and more payload than one segment takes.
 * Out: frame number n has a copy of both headers with its own lengths, IPv4 id, sequence number and checksums. FIN and
 *      PSH stand on the last one only, CWR on the first only (RFC 3168: once is enough); everything else is alike in
 *      all.
 *
 * This runs in drivers, outside of any stack: no state, no memory.
 */
#include "stack/link/link.h"
#include "stack/wire/wire.h"
#include <sys/socket.h>

/* Copies @len bytes from @off on; what is copied must be there. */
static void iov_copy(uint8_t *to, const struct iovec *iov, size_t off, size_t len)
{
	for (; len; iov++) {
		size_t piece;

		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		piece = min(iov->iov_len - off, len);
		memcpy(to, (const uint8_t *)iov->iov_base + off, piece);
		to += piece;
		len -= piece;
		off = 0;
	}
}

/* The addresses of a packet in the stack's form. */
static uint64_t pseudo_of(const uint8_t *ip, uint8_t family, uint32_t tcp_len)
{
	struct in6_addr saddr, daddr;

	if (family == AF_INET) {
		saddr = addr_from_v4(ip + 12);
		daddr = addr_from_v4(ip + 16);
	} else {
		memcpy(&saddr, ip + 8, 16);
		memcpy(&daddr, ip + 24, 16);
	}
	return csum_pseudo(&saddr, &daddr, tcp_len, IPPROTO_TCP);
}

static uint32_t ip_hdr_len(const struct la_frame *frame, const uint8_t *buf)
{
	return frame->family == AF_INET ? (buf[0] & 15) * 4u : IP6_HDR_LEN;
}

/* TCP's checksum, of the @len bytes of a whole frame at @buf. */
static void fill_csum(const struct la_frame *frame, uint8_t *buf, uint32_t len)
{
	uint32_t ip_len = ip_hdr_len(frame, buf);
	uint8_t *tcp = buf + ip_len;
	uint16_t csum = 0;

	memcpy(tcp + 16, &csum, 2);
	csum = csum_fold(csum_partial(tcp, len - ip_len, pseudo_of(buf, frame->family, len - ip_len)));
	memcpy(tcp + 16, &csum, 2);
}

/* Makes the headers at @buf those of @payload bytes that begin @off bytes into the unit's; the payload follows them. */
static void finish_headers(const struct la_frame *frame, uint8_t *buf, uint32_t index, uint32_t off, uint32_t payload)
{
	uint32_t len = frame->hdr_len + payload;
	uint8_t *tcp = buf + ip_hdr_len(frame, buf);

	if (frame->family == AF_INET) {
		put_be16(buf + 2, (uint16_t)len);
		put_be16(buf + 4, (uint16_t)(get_be16(buf + 4) + index));
		ip4_update_csum(buf);
	} else {
		put_be16(buf + 4, (uint16_t)(len - IP6_HDR_LEN));
	}
	put_be32(tcp + 4, get_be32(tcp + 4) + off);
	if (frame->hdr_len + off + payload < frame->len)
		tcp[13] &= (uint8_t)~(TCPHDR_FIN | TCPHDR_PSH);
	if (off)
		tcp[13] &= (uint8_t)~TCPHDR_CWR;
	fill_csum(frame, buf, len);
}

uint32_t la_frame_count(const struct la_frame *frame)
{
	uint32_t payload = frame->len - frame->hdr_len;

	if (!frame->gso_size || payload <= frame->gso_size)
		return 1;
	return (payload + frame->gso_size - 1) / frame->gso_size;
}

size_t la_frame_cut(const struct la_frame *frame, uint32_t index, void *buf, size_t cap)
{
	uint32_t off, payload;

	if (index >= la_frame_count(frame))
		return 0;
	if (!frame->gso_size) {
		if (cap < frame->len)
			return 0;
		iov_copy(buf, frame->iov, 0, frame->len);
		if (frame->csum_missing)
			fill_csum(frame, buf, frame->len);
		return frame->len;
	}
	off = index * frame->gso_size;
	payload = min_t(uint32_t, frame->gso_size, frame->len - frame->hdr_len - off);
	if (cap < frame->hdr_len + payload)
		return 0;
	iov_copy(buf, frame->iov, 0, frame->hdr_len);
	iov_copy((uint8_t *)buf + frame->hdr_len, frame->iov, frame->hdr_len + off, payload);
	finish_headers(frame, buf, index, off, payload);
	return frame->hdr_len + payload;
}

void frame_whole(const struct la_frame *frame, uint8_t *buf)
{
	iov_copy(buf, frame->iov, 0, frame->len);
	if (frame->gso_size)
		finish_headers(frame, buf, 0, 0, frame->len - frame->hdr_len);
}
