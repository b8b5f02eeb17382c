/* SPDX-License-Identifier: MIT */
/*
 * drill/run_wire.h - packets of a script as bytes, and bytes as packets of a script
 *
 *	struct drill_packet, numbers of the script --run_write()--> IP packet, the numbers of the flow
 *	struct drill_packet, numbers of the script <--run_read()--- IP packet
 *
 * Bytes are read with the lab's eyes (lab/frame.h), which share nothing with the stack's.
 */
#ifndef DRILL_RUN_WIRE_H
#define DRILL_RUN_WIRE_H

#include "drill/backend.h"
#include "drill/run_flow.h"

enum { RUN_PACKET_MAX = 40 + 65535, RUN_NO_ODD_OPTION = -1 };

/*
 * An inbound packet for @to (RUN_PACKET_MAX bytes); @scaled: an echoed time stamp that was never sent is counted on
 * from the first. Gives its length, or 0 and the reason.
 */
size_t run_write(uint8_t *to, const struct drill_net *net, const struct drill_packet *packet,
		 const struct run_flow *flow, bool scaled, struct drill_text *why);

/**
 * struct run_seen - a packet that left the side
 * @packet:  as a script would have it; numbers are those of the wire until run_to_script()
 * @options: those of @packet, one after the other
 * @odd_option: kind of an option that the language cannot name, RUN_NO_ODD_OPTION: there is none
 * @odd_bits: what is set and has no name: IP options, TCP's reserved bits
 * @payload: borrowed from the frame
 * @icmp_type, @icmp_code: of an ICMP packet, of which @packet has no more than the kind
 */
struct run_seen {
	int64_t at_ns;
	uint8_t saddr[16], daddr[16];
	int family;
	struct drill_packet packet;
	struct drill_option options[DRILL_MAX_TCP_OPTIONS];
	int odd_option;
	bool odd_bits;
	const uint8_t *payload;
	size_t payload_len;
	uint8_t icmp_type, icmp_code;
};

/* False: neither TCP nor ICMP, or no whole packet. */
bool run_read(struct run_seen *seen, const struct drill_frame *frame);

/* Sequence numbers become the script's; time stamps stay. */
void run_to_script(struct run_seen *seen, const struct run_flow *flow);

struct drill_option *run_find_option(struct drill_option *option, enum drill_option_kind kind);

/* Same kind, same length, same values. */
bool run_same_option(const struct drill_option *a, const struct drill_option *b);

#endif
