// SPDX-License-Identifier: MIT
/*
 * lab/pcapng.c - captures that Wireshark opens
 *
 * In:   frames with their time and place; traces that tell why a RST or FIN was sent.
 * Here: blocks in the byte order of the machine, as the format allows: type, length, body, options, length.
 * Out:  bytes to the sink.
 */
#include "lab/pcapng.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPT_END = 0, OPT_COMMENT = 1, OPT_IF_NAME = 2, OPT_EPB_FLAGS = 2, OPT_SHB_USERAPPL = 4, OPT_IF_TSRESOL = 9 };
enum { LINKTYPE_RAW = 101, COMMENT_MAX = 512, SAID_MAX = 256 };

/* ------------------------------------------------------------------ blocks */

/* A block under construction: everything but the bytes of a packet, which are written from where they are. */
struct block {
	uint8_t bytes[2 * COMMENT_MAX];
	uint32_t len;
};

static void put(struct block *block, const void *bytes, size_t len)
{
	memcpy(block->bytes + block->len, bytes, len);
	block->len += (uint32_t)len;
	while (block->len & 3)
		block->bytes[block->len++] = 0;
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, 4);
}

static void put_option(struct block *block, uint16_t code, const void *value, size_t len)
{
	if (len > COMMENT_MAX)
		len = COMMENT_MAX;
	put32(block, 0);
	memcpy(block->bytes + block->len - 4, &code, 2);
	memcpy(block->bytes + block->len - 2, &(uint16_t){(uint16_t)len}, 2);
	put(block, value, len);
}

static void block_write(struct lab_pcapng *pcap, uint32_t type, const struct block *block)
{
	uint32_t head[2] = {type, block->len + 12};

	pcap->write(pcap->sink, head, 8);
	pcap->write(pcap->sink, block->bytes, block->len);
	pcap->write(pcap->sink, &head[1], 4);
}

void lab_pcapng_begin(struct lab_pcapng *pcap, void (*write)(void *sink, const void *bytes, size_t len), void *sink,
		      const char *about)
{
	struct block block = {.len = 0};

	*pcap = (struct lab_pcapng){.write = write, .sink = sink};
	put32(&block, 0x1a2b3c4d);	/* says the byte order */
	put32(&block, 1);		/* version 1.0: two halves */
	put(&block, &(int64_t){-1}, 8); /* length of the section: not known yet */
	if (about)
		put_option(&block, OPT_COMMENT, about, strlen(about));
	put_option(&block, OPT_SHB_USERAPPL, "lastack", 7);
	put_option(&block, OPT_END, "", 0);
	block_write(pcap, BLOCK_SECTION, &block);
}

uint32_t lab_pcapng_interface(struct lab_pcapng *pcap, const char *name)
{
	struct block block = {.len = 0};

	put32(&block, LINKTYPE_RAW);
	put32(&block, 0); /* no limit to what is kept of a packet */
	put_option(&block, OPT_IF_NAME, name, strlen(name));
	put_option(&block, OPT_IF_TSRESOL, &(uint8_t){9}, 1);
	put_option(&block, OPT_END, "", 0);
	block_write(pcap, BLOCK_INTERFACE, &block);
	return pcap->interfaces++;
}

void lab_pcapng_packet(struct lab_pcapng *pcap, uint32_t interface, uint64_t time_ns, enum lab_pcapng_way way,
		       const void *bytes, size_t len, const char *comment)
{
	static const uint8_t zeroes[4];
	struct block fixed = {.len = 0}, options = {.len = 0};
	uint32_t padded = ((uint32_t)len + 3) & ~3U, flags = way, head[2];

	put32(&fixed, interface);
	put32(&fixed, (uint32_t)(time_ns >> 32));
	put32(&fixed, (uint32_t)time_ns);
	put32(&fixed, (uint32_t)len);
	put32(&fixed, (uint32_t)len);
	if (comment && *comment)
		put_option(&options, OPT_COMMENT, comment, strlen(comment));
	put_option(&options, OPT_EPB_FLAGS, &flags, 4);
	put_option(&options, OPT_END, "", 0);

	head[0] = BLOCK_PACKET;
	head[1] = 12 + fixed.len + padded + options.len;
	pcap->write(pcap->sink, head, 8);
	pcap->write(pcap->sink, fixed.bytes, fixed.len);
	pcap->write(pcap->sink, bytes, len);
	pcap->write(pcap->sink, zeroes, padded - len);
	pcap->write(pcap->sink, options.bytes, options.len);
	pcap->write(pcap->sink, &head[1], 4);
}

/* ------------------------------------------------------------------ a capture of a world */

/* What a host said about a RST or FIN of its own; found again by the ports when the segment leaves. */
struct lab_said {
	struct lab_said *next;
	const struct lab_host *host;
	uint16_t sport, dport;
	uint8_t flag;
	char text[160];
};

/* Only the newest words are kept. */
static void capture_forget(struct lab_capture *cap, unsigned keep)
{
	struct lab_said **at = &cap->said, *said;

	while (*at && keep--)
		at = &(*at)->next;
	while ((said = *at)) {
		*at = said->next;
		free(said);
	}
}

static void capture_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	struct lab_capture *cap = lab_container_of(obs, struct lab_capture, observer);
	struct lab_said *said;

	if (event->kind != LA_TRACE_RST && event->kind != LA_TRACE_FIN)
		return;
	said = lab_zalloc(sizeof(*said));
	said->host = host;
	said->sport = event->sport;
	said->dport = event->dport;
	said->flag = event->kind == LA_TRACE_RST ? LAB_RST : LAB_FIN;
	snprintf(said->text, sizeof(said->text), "%s: %s %s, cause %s%s%s%s%s", host->name, event->name,
		 event->kind == LA_TRACE_RST ? "RST" : "FIN", event->cause, *event->row ? ", " : "", event->row,
		 *event->counter ? ", " : "", event->counter);
	said->next = cap->said;
	cap->said = said;
	capture_forget(cap, SAID_MAX);
}

/* The newest word on this segment; it is forgotten when told, except for a FIN, which may be sent again. */
static void capture_comment(struct lab_capture *cap, const struct lab_host *host, const struct lab_frame *frame,
			    char *text, size_t room)
{
	struct lab_segment seg;

	*text = '\0';
	if (!cap->said || !host || !lab_segment_read(&seg, frame->bytes, frame->len))
		return;
	for (struct lab_said **at = &cap->said, *said; (said = *at); at = &said->next) {
		if (said->host != host || said->sport != seg.sport || said->dport != seg.dport ||
		    !(said->flag & seg.flags))
			continue;
		snprintf(text, room, "%s", said->text);
		if (said->flag == LAB_RST) {
			*at = said->next;
			free(said);
		}
		return;
	}
}

static uint32_t capture_interface(struct lab_capture *cap, const struct lab_wire *wire, enum lab_end end)
{
	unsigned room = cap->room;
	char name[64];

	if (wire->number >= room) {
		cap->room = 2 * wire->number + 8;
		cap->interfaces = realloc(cap->interfaces, cap->room * sizeof(*cap->interfaces));
		if (!cap->interfaces)
			abort();
		memset(cap->interfaces + room, 0xff, (cap->room - room) * sizeof(*cap->interfaces));
	}
	if (cap->interfaces[wire->number] == UINT32_MAX) {
		for (int i = LAB_A; i <= LAB_B; i++) {
			const struct lab_host *host = wire->port[i].host;
			uint32_t number;

			snprintf(name, sizeof(name), "wire%u-%s", wire->number, host ? host->name : "script");
			number = lab_pcapng_interface(&cap->pcap, name);
			if (i == LAB_A)
				cap->interfaces[wire->number] = number;
		}
	}
	return cap->interfaces[wire->number] + (uint32_t)end;
}

static void capture_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from,
			 const struct lab_frame *frame, enum lab_fate fate)
{
	static const char *const fates[] = {"", "lost. ", "lost: longer than the wire's MTU. ", "refused: ENOBUFS. "};
	struct lab_capture *cap = lab_container_of(obs, struct lab_capture, observer);
	char said[160], comment[224];

	capture_comment(cap, wire->port[from].host, frame, said, sizeof(said));
	snprintf(comment, sizeof(comment), "%s%s", fates[fate], said);
	lab_pcapng_packet(&cap->pcap, capture_interface(cap, wire, from), wire->world->now_ns, LAB_PCAPNG_OUT,
			  frame->bytes, frame->len, comment);
}

static void capture_arrived(struct lab_observer *obs, struct lab_wire *wire, enum lab_end at,
			    const struct lab_frame *frame)
{
	struct lab_capture *cap = lab_container_of(obs, struct lab_capture, observer);

	lab_pcapng_packet(&cap->pcap, capture_interface(cap, wire, at), wire->world->now_ns, LAB_PCAPNG_IN,
			  frame->bytes, frame->len, NULL);
}

void lab_capture_begin(struct lab_capture *cap, struct lab_world *world,
		       void (*write)(void *sink, const void *bytes, size_t len), void *sink)
{
	char about[64];

	memset(cap, 0, sizeof(*cap));
	cap->world = world;
	cap->observer = (struct lab_observer){.trace = capture_trace, .sent = capture_sent, .arrived = capture_arrived};
	snprintf(about, sizeof(about), "virtual world, seed %llu", (unsigned long long)world->seed);
	lab_pcapng_begin(&cap->pcap, write, sink, about);
	lab_world_observe(world, &cap->observer);
}

void lab_capture_end(struct lab_capture *cap)
{
	capture_forget(cap, 0);
	free(cap->interfaces);
	cap->interfaces = NULL;
}
