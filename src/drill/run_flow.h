/* SPDX-License-Identifier: MIT */
/*
 * drill/run_flow.h - connections of a script, and its numbers against those on the wire
 *
 * A script tells one story at a time: its packets belong to the flow under test, which is the last one begun - by
 * socket(), or by a packet in that meets a listener. Ports are ours and the side's; sequence numbers in the script
 * count from the first of their sender, but those of a segment with SYN are as written:
 *
 *	            segment with SYN                  any other
 *	peer's      the script's own                  + the peer's first number, as its SYN in the script says
 *	side's      + (its first on the wire          + its first number on the wire
 *	               - its first in the script)
 *
 * The side's first number is learned from its SYN or SYN-ACK. Echoes of its time stamps become what it really sent.
 */
#ifndef DRILL_RUN_FLOW_H
#define DRILL_RUN_FLOW_H

#include "drill/script.h"

enum run_flow_state {
	FLOW_NEW,
	FLOW_LISTENING,
	FLOW_GREETED, /* the script's first packet has met the listener */
	FLOW_SYNACK_SENT,
	FLOW_SYNACK_ACKED,
	FLOW_CONNECTING,   /* connect() was called */
	FLOW_SYN_EXPECTED, /* the script's line with the SYN was reached, or passed */
	FLOW_SYN_ACKED,
};

struct run_stamp {
	uint32_t script, wire;
};

/**
 * struct run_flow - a socket of the script, or a connection that its packets have made
 * @older: the flow before
 * @fd:    the script's descriptor, -1: none yet
 * @script_isn: the side's first number as the script has it
 * @stamps: time stamps of the side, those of the script beside those on the wire; the first of them is the base
 * @label:  the flow label that the script's stands for
 */
struct run_flow {
	struct run_flow *older;
	enum run_flow_state state;
	int fd;
	uint16_t local_port, remote_port;
	uint32_t local_isn, script_isn, remote_isn;
	struct run_stamp *stamps;
	unsigned n_stamps, stamps_room;
	uint32_t script_label, label;
};

struct run_flow *run_flow_new(struct run_flow **newest, int fd);
void run_flows_free(struct run_flow **newest);
/* The newest flow with this descriptor, or NULL. */
struct run_flow *run_flow_find(struct run_flow *newest, int fd);

/* What is added to a number of the script's for the one on the wire. */
uint32_t run_local_offset(const struct run_flow *flow, bool syn);
uint32_t run_remote_offset(const struct run_flow *flow, bool syn);

void run_stamp_learn(struct run_flow *flow, uint32_t script, uint32_t wire);
/* What was on the wire where the script has this. False: it was never there. */
bool run_stamp_wire(const struct run_flow *flow, uint32_t script, uint32_t *wire);
/* Counted on from the first stamp, either way; without one the value itself. */
uint32_t run_stamp_to_wire(const struct run_flow *flow, uint32_t script);
uint32_t run_stamp_to_script(const struct run_flow *flow, uint32_t wire);

#endif
