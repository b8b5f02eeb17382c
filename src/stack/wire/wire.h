/* SPDX-License-Identifier: MIT */
/*
 * wire/wire.h - headers as bytes: read, written and summed; no state, nothing is trusted
 *
 * Addresses everywhere in the stack are struct in6_addr, IPv4 ones mapped (::ffff:a.b.c.d); the family on the wire follows
 * from the address.
 */
#ifndef LA_WIRE_H
#define LA_WIRE_H

#include "base/base.h"
#include <netinet/in.h>
#include <sys/uio.h>

static inline uint16_t get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get_be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static inline void put_be16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = (uint8_t)v; }
static inline void put_be32(uint8_t *p, uint32_t v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = (uint8_t)v; }

/* ---- addresses (wire/addr.c has what is not inline) */
static inline bool addr_is_v4(const struct in6_addr *a) { return IN6_IS_ADDR_V4MAPPED(a); }
static inline bool addr_equal(const struct in6_addr *a, const struct in6_addr *b) { return !memcmp(a, b, sizeof(*a)); }
static inline struct in6_addr addr_from_v4(const void *four)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.s6_addr[12], four, 4);
	return a;
}
static inline const uint8_t *addr_v4(const struct in6_addr *a) { return &a->s6_addr[12]; }
/* :: and 0.0.0.0 */
static inline bool addr_is_any(const struct in6_addr *a)
{
	static const uint8_t zero[4];

	return IN6_IS_ADDR_UNSPECIFIED(a) || (addr_is_v4(a) && !memcmp(addr_v4(a), zero, 4));
}
bool addr_is_loopback(const struct in6_addr *a);
bool addr_is_multicast(const struct in6_addr *a);
bool addr_is_broadcast(const struct in6_addr *a); /* 255.255.255.255 */

/* ---- Internet checksum, RFC 1071: sums are kept unfolded, in memory order */
uint64_t csum_partial(const void *p, size_t len, uint64_t sum); /* every piece but the last of even length */
uint16_t csum_fold(uint64_t sum);				 /* value to store with memcpy, complemented */
uint64_t csum_pseudo(const struct in6_addr *saddr, const struct in6_addr *daddr, uint32_t len, uint8_t proto);

/* ---- TCP header, RFC 9293 section 3.1 */
#define TCPHDR_FIN 0x01
#define TCPHDR_SYN 0x02
#define TCPHDR_RST 0x04
#define TCPHDR_PSH 0x08
#define TCPHDR_ACK 0x10
#define TCPHDR_URG 0x20
#define TCPHDR_ECE 0x40
#define TCPHDR_CWR 0x80
#define TCP_HDR_LEN 20
#define TCP_OPT_MAX 40

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define TCPOPT_WINDOW 3
#define TCPOPT_SACK_PERM 4
#define TCPOPT_SACK 5
#define TCPOPT_TIMESTAMP 8

struct sack_block {
	uint32_t start, end;
};

/* options of one segment */
struct tcp_options {
	uint16_t mss;	  /* 0: none */
	uint8_t wscale;	  /* 0..14, capped as RFC 7323 says */
	bool wscale_ok, sack_ok, saw_tstamp;
	uint8_t nsacks;
	uint32_t tsval, tsecr;
	struct sack_block sack[4];
};
/* Reads what stands behind the fixed header; a malformed option ends the reading, as in Linux. @syn: MSS, window scale and
 * SACK-permitted count only there. */
void tcp_parse_options(struct tcp_options *opt, const uint8_t *p, size_t len, bool syn);
/* Writes options in Linux's order and padding; returns their length, a multiple of 4. mss 0, !wscale_ok, ... leave one out.
 * SACK blocks as many as fit and as nsacks says. */
size_t tcp_write_options(uint8_t *p, const struct tcp_options *opt);

/* An arriving TCP segment: a view, borrowed from the frame for the length of the entry. */
struct tcp_seg {
	struct in6_addr saddr, daddr; /* as in the packet: saddr is the peer's */
	uint16_t sport, dport;	      /* host order; sport is the peer's */
	uint32_t seq, end_seq, ack;   /* end_seq = seq + len + SYN + FIN */
	uint16_t wnd;		      /* raw, unscaled */
	uint16_t urg_ptr;
	uint8_t flags;	  /* TCPHDR_* */
	uint8_t dsfield;  /* TOS or traffic class */
	uint8_t opt_len;
	const uint8_t *opt; /* raw options */
	const uint8_t *data;
	uint32_t len; /* payload bytes */
	struct tcp_options options; /* filled by tcp_parse_options() when somebody needs them */
	bool options_parsed;
	int ifindex;
};
static inline bool seg_has(const struct tcp_seg *seg, uint8_t flag) { return seg->flags & flag; }

#endif
