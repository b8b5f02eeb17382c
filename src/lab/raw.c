// SPDX-License-Identifier: MIT
/*
 * lab/raw.c - a peer that is no stack but a script
 *
 * In:   segments as text from a test; frames that arrive at its end of a wire.
 * Here: relative numbers become real ones and back; what arrives is kept in order.
 * Out:  frames onto the wire; text for expectations.
 */
#include "lab/raw.h"

#include <netinet/in.h>
#include <string.h>

#define RAW_PORT 5000

struct lab_heard {
	struct lab_heard *next;
	struct lab_frame *frame;
};

uint8_t lab_raw_byte(uint32_t number)
{
	return (uint8_t)('a' + (number + 25) % 26);
}

static void heard_free(struct lab_heard *heard)
{
	if (heard)
		lab_frame_put(heard->frame);
	free(heard);
}

/* The host's numbers begin at its SYN; a host that is first heard in the middle, begins there. */
static void raw_learn(struct lab_raw *raw, const struct lab_segment *seg)
{
	bool syn = seg->flags & LAB_SYN;

	if (seg->protocol != IPPROTO_TCP || !seg->sport)
		return;
	if (!raw->host_port)
		raw->host_port = seg->sport;
	if (raw->knows_host || seg->flags & LAB_RST)
		return;
	raw->host_isn = syn ? seg->seq : seg->seq - 1;
	raw->knows_host = true;
}

static void raw_receive(struct lab_port *port, struct lab_frame *frame)
{
	struct lab_raw *raw = port->arg;
	struct lab_heard *heard = lab_zalloc(sizeof(*heard));
	struct lab_segment seg;

	heard->frame = frame;
	*raw->heard_end = heard;
	raw->heard_end = &heard->next;
	if (lab_segment_read(&seg, frame->bytes, frame->len))
		raw_learn(raw, &seg);
}

static void raw_drop(struct lab_port *port)
{
	struct lab_raw *raw = port->arg;

	lab_raw_forget(raw);
	free(raw);
}

struct lab_raw *lab_raw_new(struct lab_world *world, struct lab_host *host, int family, uint32_t mtu)
{
	struct lab_raw *raw = lab_zalloc(sizeof(*raw));
	struct lab_wire *wire = lab_wire_bare(world, mtu);
	struct lab_port *port = &wire->port[LAB_B];

	raw->wire = wire;
	raw->host = host;
	raw->family = family;
	raw->port = RAW_PORT;
	raw->heard_end = &raw->heard;
	port->receive = raw_receive;
	port->drop = raw_drop;
	port->arg = raw;
	if (host)
		lab_port_host(wire, LAB_A, host);
	return raw;
}

void lab_raw_send(struct lab_raw *raw, const struct lab_segment *said)
{
	static const uint8_t nowhere[16];
	struct lab_segment seg = *said;

	seg.family = (uint8_t)raw->family;
	if (!memcmp(seg.saddr, nowhere, 16))
		lab_wire_addr16(raw->wire, LAB_B, raw->family, seg.saddr);
	if (!memcmp(seg.daddr, nowhere, 16))
		lab_wire_addr16(raw->wire, LAB_A, raw->family, seg.daddr);
	if (!seg.sport)
		seg.sport = raw->port;
	if (!seg.dport)
		seg.dport = raw->host_port;
	lab_wire_send(raw->wire, LAB_B, lab_segment_write(&seg));
}

bool lab_raw_say(struct lab_raw *raw, const char *text)
{
	uint8_t options[40], payload[65536];
	struct lab_segment seg = {0};

	if (!lab_segment_parse(&seg, options, text) || seg.payload_len > 65535 - 120)
		return false;
	for (uint32_t i = 0; i < seg.payload_len; i++)
		payload[i] = lab_raw_byte(seg.seq + i);
	seg.payload = payload;
	seg.seq += raw->isn;
	if (seg.flags & LAB_ACK)
		seg.ack += raw->host_isn;
	lab_raw_send(raw, &seg);
	return true;
}

void lab_raw_icmp(struct lab_raw *raw, uint8_t type, uint8_t code, uint32_t info)
{
	const struct lab_frame *frame = raw->taken ? raw->taken->frame : NULL;

	if (frame)
		lab_wire_send(raw->wire, LAB_B, lab_icmp_error(frame->bytes, frame->len, type, code, info));
}

const char *lab_raw_hear(struct lab_raw *raw)
{
	struct lab_heard *heard = raw->heard;
	struct lab_flows flows = {0};
	struct lab_segment back = {0};

	heard_free(raw->taken);
	raw->taken = heard;
	if (!heard)
		return NULL;
	raw->heard = heard->next;
	if (!raw->heard)
		raw->heard_end = &raw->heard;
	if (!lab_segment_read(&raw->seg, heard->frame->bytes, heard->frame->len))
		return "no IP";
	lab_flows_set(&flows, &raw->seg, raw->host_isn);
	memcpy(back.saddr, raw->seg.daddr, 16);
	memcpy(back.daddr, raw->seg.saddr, 16);
	back.sport = raw->seg.dport;
	back.dport = raw->seg.sport;
	lab_flows_set(&flows, &back, raw->isn);
	lab_segment_text(raw->text, sizeof(raw->text), &flows, &raw->seg, LAB_TEXT_ALL);
	lab_flows_free(&flows);
	return raw->text;
}

void lab_raw_forget(struct lab_raw *raw)
{
	struct lab_heard *heard;

	while ((heard = raw->heard)) {
		raw->heard = heard->next;
		heard_free(heard);
	}
	heard_free(raw->taken);
	raw->taken = NULL;
	raw->heard_end = &raw->heard;
	raw->knows_host = false;
	raw->host_isn = 0;
}
