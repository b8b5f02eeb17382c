/* SPDX-License-Identifier: MIT */
/*
 * lab/raw.h - a peer that is no stack but a script: it says exactly the segments it is told to, and keeps those it hears
 *
 *	struct lab_raw *raw = lab_raw_new(world, host, AF_INET, 1500);
 *
 *	lab_raw_say(raw, "S 0:0(0) win 65535 <mss 1460>");
 *	lab_run_for(world, 10 * LAB_MS);
 *	strcmp(lab_raw_hear(raw), "S. 0:0(0) ack 1 win 64240 <mss 1460>") == 0
 *	lab_raw_say(raw, ". 1:1(0) ack 1 win 65535");
 *
 * Numbers are relative: our own to raw->isn, the host's to the SYN that it sent. Payload bytes are a pattern by place in
 * the stream (lab_raw_byte()), so that a receiver can be checked.
 */
#ifndef LAB_RAW_H
#define LAB_RAW_H

#include "lab/wire.h"

struct lab_heard; /* a frame that arrived */

/**
 * struct lab_raw - the scripted end of a wire
 * @family:     AF_INET or AF_INET6
 * @port, @host_port: of what is said; @host_port 0 becomes that of the first segment heard
 * @isn:        where our numbers begin
 * @host_isn:   where the host's begin, learned from its SYN
 * @seg:        the segment last taken by lab_raw_hear(); borrows until the next
 */
struct lab_raw {
	struct lab_wire *wire;
	struct lab_host *host;
	int family;
	uint16_t port, host_port;
	uint32_t isn, host_isn;
	bool knows_host;
	struct lab_segment seg;
	struct lab_heard *heard, **heard_end, *taken;
	char text[256];
};

/* Joins a new peer to @host by a quiet wire with 1 ms delay each way; lives as long as the world. Port 5000 at first. */
struct lab_raw *lab_raw_new(struct lab_world *world, struct lab_host *host, int family, uint32_t mtu);
/* Injects a segment written as in frame.h. False: not understood. */
bool lab_raw_say(struct lab_raw *raw, const char *text);
/* Injects a segment in words; addresses, ports, and with them nothing else, are filled in where they are 0. */
void lab_raw_send(struct lab_raw *raw, const struct lab_segment *seg);
/* Complains by ICMP about the segment last taken by lab_raw_hear(): lab_raw_icmp(raw, 3, 3, 0) is "port unreachable". */
void lab_raw_icmp(struct lab_raw *raw, uint8_t type, uint8_t code, uint32_t info);
/* Takes the oldest segment heard: its text (until the next call) with window and options, or NULL. */
const char *lab_raw_hear(struct lab_raw *raw);
/* Forgets what was heard and the host's numbers: the next connection begins. */
void lab_raw_forget(struct lab_raw *raw);
/* The byte that peers send at place @number (relative, the first is 1). */
uint8_t lab_raw_byte(uint32_t number);

#endif
