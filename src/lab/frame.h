/* SPDX-License-Identifier: MIT */
/*
 * lab/frame.h - a frame on a wire, and the small reader and writer of TCP segments that pictures and scripted peers use
 *
 * The lab reads frames with eyes of its own: it shares no header code with the stack, so that a mistake in one is seen
 * by the other.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include "lab/lab.h"

/**
 * struct lab_frame - one IP packet on a wire; counted, because pictures keep frames that wires lose
 * @number:   from 1 in order of sending, over the whole world
 * @sent_ns:  when the sender handed it over
 * @extra_ns: how much longer than others it takes (reordering)
 */
struct lab_frame {
	uint32_t refs;
	uint64_t number;
	uint64_t sent_ns;
	uint64_t extra_ns;
	size_t len;
	uint8_t bytes[];
};

struct lab_frame *lab_frame_new(const void *bytes, size_t len); /* gives; @bytes NULL: zeroes */
struct lab_frame *lab_frame_copy(const struct lab_frame *frame);
struct lab_frame *lab_frame_get(struct lab_frame *frame);
void lab_frame_put(struct lab_frame *frame);

enum {
	LAB_FIN = 0x01,
	LAB_SYN = 0x02,
	LAB_RST = 0x04,
	LAB_PSH = 0x08,
	LAB_ACK = 0x10,
	LAB_URG = 0x20,
	LAB_ECE = 0x40,
	LAB_CWR = 0x80,
};

/**
 * struct lab_segment - what a frame says; all numbers in host order
 * @protocol: of the packet: 6 is TCP; the fields from @sport on are only there for TCP
 * @fragment: a fragment behind the first, which has no TCP header, or one whose rest follows
 * @broken:   lengths that do not fit or a wrong checksum; what could be read is there
 * @options, @payload: borrowed from the frame
 * @icmp_type, @icmp_code: where @protocol is 1 or 58
 */
struct lab_segment {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t protocol;
	uint8_t hop_limit;
	bool fragment, broken;
	uint8_t saddr[16], daddr[16]; /* IPv4: mapped, ::ffff:a.b.c.d */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	const uint8_t *options, *payload;
	uint32_t options_len, payload_len;
	uint8_t icmp_type, icmp_code;
};

/* False where it is no IP packet at all. */
bool lab_segment_read(struct lab_segment *seg, const void *frame, size_t len);
/* Gives a whole packet with right lengths and checksums; hop limit 64 where it is 0. */
struct lab_frame *lab_segment_write(const struct lab_segment *seg);
/* Gives an ICMP or ICMPv6 error about @frame, from where it was going to where it came from. @info is the second word of
 * the message: the MTU of "too big", else 0. */
struct lab_frame *lab_icmp_error(const void *frame, size_t len, uint8_t type, uint8_t code, uint32_t info);
/* Checksum of @len bytes on top of @sum; 0xffff where a packet with its own checksum in it is right. */
uint16_t lab_checksum(uint32_t sum, const void *bytes, size_t len);
/* How much of sequence space it takes: SYN and FIN count one each. */
uint32_t lab_segment_span(const struct lab_segment *seg);

/* ------------------------------------------------------------------ segments as text, packetdrill's way
 *
 *	"F. 4:4(0) ack 1 win 502 <nop,nop,TS val 5 ecr 3>"		numbers count from the SYN of their side
 */

/**
 * struct lab_flows - initial sequence numbers of every connection seen; learned from SYNs, or from the first segment
 *
 * Zero it before use. What a flow was called does not matter to the order in which anything is written.
 */
struct lab_flows {
	struct lab_flow **heads;
	size_t room, count;
};

void lab_flows_learn(struct lab_flows *flows, const struct lab_segment *seg);
/* Says it instead: @seg's own side counts from @isn. */
void lab_flows_set(struct lab_flows *flows, const struct lab_segment *seg, uint32_t isn);
/* The number from which @seg's own numbers count (@reverse: those that it acknowledges); false when unknown. */
bool lab_flows_isn(const struct lab_flows *flows, const struct lab_segment *seg, bool reverse, uint32_t *isn);
void lab_flows_free(struct lab_flows *flows);

enum { LAB_TEXT_WINDOW = 1, LAB_TEXT_OPTIONS = 2, LAB_TEXT_ALL = 3 };
#define LAB_TEXT_MAX 256

/* Writes at most @cap bytes and a 0; returns @text. Other packets than TCP are named. */
char *lab_segment_text(char *text, size_t cap, const struct lab_flows *flows, const struct lab_segment *seg, int what);
/* Reads such text into flags, seq, ack, window, options (at most 40 bytes, to @options) and payload_len, on top of what
 * stands in @seg; numbers stay relative. False where it cannot be understood. */
bool lab_segment_parse(struct lab_segment *seg, uint8_t options[40], const char *text);

#endif
