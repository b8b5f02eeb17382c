/* SPDX-License-Identifier: MIT */
/*
 * drill/compare_own.h - what the parts of the comparison share
 *
 *	struct drill_record    compare_read.c     one side: entries in order of time, packets read and joined to units
 *	struct compare_side    compare_packet.c   packets that left, laid side by side
 *	                       compare_call.c     calls, sockets, counters
 *	struct compare         compare.c          the list of differences, in the order of the script
 */
#ifndef DRILL_COMPARE_OWN_H
#define DRILL_COMPARE_OWN_H

#include "drill/compare.h"

#include "lab/frame.h"

/*
 * What may have armed the timer that made something happen. The script's beginning catches what both sides do at once.
 */
enum compare_origin {
	COMPARE_BEGINNING,
	COMPARE_SAID,  /* the last packet in */
	COMPARE_HEARD, /* the last packet out */
	COMPARE_CALL,  /* the last call, or the beginning of this one */
	COMPARE_AGAIN, /* the segment's earlier transmission */
	COMPARE_ORIGINS
};

/* struct compare_when - when something happened, and how long after each origin; negative: there was none */
struct compare_when {
	int64_t at_ns;
	int64_t since_ns[COMPARE_ORIGINS];
};

/**
 * struct compare_packet - a packet that left, or several of one segmentation unit
 * @flow:    number of its connection in the run, from 1; 0: no TCP
 * @flags:   with AE
 * @seq, @ack: relative
 * @length:  payload bytes of all joined segments, @largest: of the longest of them
 * @tos, @hop_limit: of the IP header
 * @info:    second word of an ICMP message
 * @pos:     the line that asked for it, or the last one before it
 */
struct compare_packet {
	struct lab_segment seg;
	unsigned flow;
	uint16_t flags;
	uint32_t seq, ack;
	uint32_t length, largest;
	uint32_t peer_isn;
	uint8_t tos, hop_limit;
	uint32_t info;
	struct compare_when when;
	struct drill_pos pos;
	char text[LAB_TEXT_MAX + 64];
};

/**
 * struct compare_side - a record made ready
 * @entries: of the record, in order of time, without those behind the point that the other side has not reached
 * @when:    of each of them
 */
struct compare_side {
	const struct drill_record *record;
	const struct drill_entry **entries;
	struct compare_when *when;
	struct drill_pos *pos;
	size_t n;
	struct compare_packet *packets;
	size_t n_packets;
};

/* struct compare - a comparison under way */
struct compare {
	struct compare_side linux_side, lastack_side;
	struct drill_diff *first, **last;
};

/* compare_read.c; @limit: number of the last event that both sides have reached */
void compare_side_read(struct compare_side *side, const struct drill_record *record, unsigned limit);
void compare_side_end(struct compare_side *side);
bool compare_times_agree(const struct compare_when *linux_when, const struct compare_when *lastack_when);

/* compare_packet.c, compare_call.c */
void compare_packets(struct compare *compare);
void compare_calls(struct compare *compare);
void compare_sockets(struct compare *compare);
void compare_counters(struct compare *compare);

/* compare.c: one difference more. Texts are copied; NULL: it was not there. @detail stands behind the name, or NULL. */
void compare_differ(struct compare *compare, struct drill_pos pos, enum drill_aspect aspect, const char *detail,
		    const char *linux_text, const char *lastack_text);
void *compare_need(void *mem);

#endif
