// SPDX-License-Identifier: MIT
/*
 * drill/so/frame.c - is this a packet that a receiver would accept?
 *
 * packetdrill compares header fields but does not verify the checksum of TCP, and skips what it does not know. Lengths
 * and checksums of everything that the stack sends are verified here, by code that shares nothing with the stack's.
 */
#include "drill/so/so.h"

#include <netinet/in.h>

static uint32_t load16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Ones' complement sum of 16-bit words, big endian; @sum is carried on. */
static uint32_t add_words(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2) {
		sum += load16(p);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (len)
		sum += (uint32_t)p[0] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

/* @addrs: source and destination, one behind the other; the sum of a good packet is all ones. */
static bool transport_sum_is_good(const uint8_t *addrs, size_t addrs_len, unsigned proto, const uint8_t *data,
				  size_t len)
{
	uint32_t sum = proto + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff);

	sum = add_words((sum & 0xffff) + (sum >> 16), addrs, addrs_len);
	return add_words(sum, data, len) == 0xffff;
}

static const char *tcp_fault(const uint8_t *addrs, size_t addrs_len, const uint8_t *tcp, size_t len)
{
	size_t doff = len >= 20 ? (tcp[12] >> 4) * 4u : 0;

	if (doff < 20 || doff > len)
		return "TCP header length";
	if (!transport_sum_is_good(addrs, addrs_len, IPPROTO_TCP, tcp, len))
		return "TCP checksum";
	return NULL;
}

static const char *ipv4_fault(const uint8_t *frame, size_t len)
{
	size_t hlen = (frame[0] & 15) * 4u;

	if (len < 20 || hlen < 20 || hlen > len || load16(frame + 2) != len)
		return "IPv4 lengths";
	if (add_words(0, frame, hlen) != 0xffff)
		return "IPv4 header checksum";
	if (frame[9] == IPPROTO_TCP)
		return tcp_fault(frame + 12, 8, frame + hlen, len - hlen);
	if (frame[9] == IPPROTO_ICMP && add_words(0, frame + hlen, len - hlen) != 0xffff)
		return "ICMP checksum";
	return NULL;
}

static const char *ipv6_fault(const uint8_t *frame, size_t len)
{
	if (len < 40 || load16(frame + 4) != len - 40)
		return "IPv6 lengths";
	if (frame[6] == IPPROTO_TCP)
		return tcp_fault(frame + 8, 32, frame + 40, len - 40);
	if (frame[6] == IPPROTO_ICMPV6 && !transport_sum_is_good(frame + 8, 32, IPPROTO_ICMPV6, frame + 40, len - 40))
		return "ICMPv6 checksum";
	return NULL;
}

const char *frame_fault(const uint8_t *frame, size_t len)
{
	if (len && frame[0] >> 4 == 4)
		return ipv4_fault(frame, len);
	if (len && frame[0] >> 4 == 6)
		return ipv6_fault(frame, len);
	return "IP version";
}
