/* SPDX-License-Identifier: MIT */
/* wire/segment.h - a TCP segment: header (RFC 9293 section 3.1) and options, read and written */
#ifndef LA_WIRE_SEGMENT_H
#define LA_WIRE_SEGMENT_H

#include "stack/wire/csum.h"

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
#define TCP_CSUM_AT 16

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define TCPOPT_WINDOW 3
#define TCPOPT_SACK_PERM 4
#define TCPOPT_SACK 5
#define TCPOPT_TIMESTAMP 8
#define TCPOPT_FASTOPEN 34
#define TCPOPT_EXP 254		      /* RFC 6994: a 16-bit number tells whose experiment */
#define TCPOPT_FASTOPEN_MAGIC 0xf989 /* Fast Open, before it had a kind of its own */

#define TCPOLEN_MSS 4
#define TCPOLEN_WINDOW 3
#define TCPOLEN_SACK_PERM 2
#define TCPOLEN_SACK_BASE 2
#define TCPOLEN_SACK_PERBLOCK 8
#define TCPOLEN_TIMESTAMP 10
#define TCP_MAX_WSCALE 14
#define TCP_FASTOPEN_COOKIE_MIN 4
#define TCP_FASTOPEN_COOKIE_MAX 16
#define TCP_FASTOPEN_COOKIE_SIZE 8 /* of ours */

/* Two NOPs and a timestamp: so begin the options of nearly every segment, and most have no others. */
#define TCPOPT_TSTAMP_ALIGNED (TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP)
#define TCPOLEN_TSTAMP_ALIGNED 12

struct sack_block {
	uint32_t start, end;
};

/* The option of Fast Open, RFC 7413 section 4.1.1 */
struct tcp_fastopen_cookie {
	uint8_t val[TCP_FASTOPEN_COOKIE_MAX];
	int8_t len; /* 0: one is asked for; -1: there is no such option */
	bool exp;   /* in the experimental form */
};

/* options of one segment */
struct tcp_options {
	uint16_t mss;	  /* 0: none */
	uint8_t wscale;	  /* 0..14, capped as RFC 7323 says */
	bool wscale_ok, sack_ok, saw_tstamp;
	uint8_t nsacks;
	bool fastopen;	  /* perhaps: tcp_parse_fastopen() */
	uint32_t tsval, tsecr;
	struct sack_block sack[4]; /* the first nsacks */
};
static inline void tcp_clear_options(struct tcp_options *opt) { memset(opt, 0, offsetof(struct tcp_options, sack)); }
/* Reads what stands behind the fixed header; a malformed option ends the reading, as in Linux. @syn: MSS, window scale
 * and SACK-permitted count only there. */
void tcp_parse_options(struct tcp_options *opt, const uint8_t *p, size_t len, bool syn);
/* Writes options in Linux's order and padding to @p, of TCP_OPT_MAX bytes; returns their length, a multiple of 4. mss
 * 0, !wscale_ok, ... leave one out. SACK blocks as many as fit and as nsacks says. */
size_t tcp_write_options(uint8_t *p, const struct tcp_options *opt);
static inline size_t tcp_write_timestamp(uint8_t *p, uint32_t tsval, uint32_t tsecr) /* the same, where it is the only one */
{
	put_be32(p, TCPOPT_TSTAMP_ALIGNED);
	put_be32(p + 4, tsval);
	put_be32(p + 8, tsecr);
	return TCPOLEN_TSTAMP_ALIGNED;
}

/* The cookie among the options of a SYN; len -1: none, or an impossible one. */
void tcp_parse_fastopen(struct tcp_fastopen_cookie *foc, const uint8_t *p, size_t len);
/* Writes the option to @p, where @room bytes are left; 0: there is no room, or no option. */
size_t tcp_write_fastopen(uint8_t *p, size_t room, const struct tcp_fastopen_cookie *foc);

/* The fixed part of a header of @len bytes; checksum and urgent pointer are 0. */
static inline void tcp_write_header(uint8_t *p, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack, uint32_t len,
				    uint8_t flags, uint16_t wnd)
{
	put_be32(p, (uint32_t)sport << 16 | dport);
	put_be32(p + 4, seq);
	put_be32(p + 8, ack);
	put_be32(p + 12, len << 26 | (uint32_t)flags << 16 | wnd);
	put_be32(p + 16, 0);
}

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
	uint16_t gso_size; /* a unit of segments of this size, as loopback brings them; 0: one segment */
	int ifindex;
};
static inline bool seg_has(const struct tcp_seg *seg, uint8_t flag) { return seg->flags & flag; }

/* What Linux counts differs by the kind of damage (tcp_v4_rcv); InSegs counts in every case. */
enum tcp_seg_verdict {
	TCP_SEG_OK,
	TCP_SEG_TRUNCATED,  /* shorter than its header: dropped, not counted as an error */
	TCP_SEG_BAD_HEADER, /* data offset below 5: InErrs */
	TCP_SEG_BAD_CSUM,   /* InCsumErrors and InErrs */
};
/* Reads the @len bytes at @p, the transport part of a packet from @saddr to @daddr. Fills all of @seg but options,
 * whose reading is left to whoever needs them, and dsfield, gso_size, ifindex: 0, the caller's to fill. */
enum tcp_seg_verdict tcp_parse_segment(struct tcp_seg *seg, const struct in6_addr *saddr, const struct in6_addr *daddr,
				       const uint8_t *p, uint32_t len);
/* The same for bytes whose checksum somebody else vouches for. */
enum tcp_seg_verdict tcp_read_segment(struct tcp_seg *seg, const struct in6_addr *saddr, const struct in6_addr *daddr,
				      const uint8_t *p, uint32_t len);

#endif
