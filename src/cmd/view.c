/* SPDX-License-Identifier: MIT */
/*
 * cmd/view.c - what a run looks like: a capture with comments, and a ladder while it happens
 *
 * The stack says why before it says what: the events since the last frame that left are the reasons of the next one.
 * They become that packet's comment in the capture; in the ladder they stand on lines of their own.
 */
#include "cmd/view.h"

#include "lab/pcapng.h"

#include <lastack/trace.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NSEC 1000000000ull

/**
 * struct view - both pictures of one run
 * @file:      capture, or NULL
 * @begin_ns:  the run's first instant
 * @epoch_ns:  what makes a date of the host's clock
 * @said:      events since the last frame that left
 */
struct view {
	FILE *file;
	struct lab_pcapng pcap;
	uint32_t interface;
	bool ladder;
	uint64_t begin_ns, epoch_ns;
	char said[512];
};

static void write_file(void *sink, const void *bytes, size_t len)
{
	fwrite(bytes, 1, len, sink);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

struct view *view_new(const char *pcap, bool ladder, const char *interface)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->ladder = ladder;
	view->begin_ns = clock_ns(CLOCK_MONOTONIC);
	view->epoch_ns = clock_ns(CLOCK_REALTIME) - view->begin_ns;
	if (!pcap)
		return view;
	view->file = fopen(pcap, "wb");
	if (!view->file) {
		free(view);
		return NULL;
	}
	lab_pcapng_begin(&view->pcap, write_file, view->file, "lastack");
	view->interface = lab_pcapng_interface(&view->pcap, interface);
	return view;
}

/* ------------------------------------------------------------------ the ladder */

struct segment {
	uint16_t sport, dport;
	uint32_t seq, ack, window, len;
	uint8_t flags;
};

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* Reads a TCP segment out of an IP packet; false where it is something else, or cut short. */
static bool segment_read(const uint8_t *packet, size_t len, struct segment *seg)
{
	bool v4 = len >= 20 && packet[0] >> 4 == 4;
	size_t ip_len = v4 ? (packet[0] & 15u) * 4u : 40;
	size_t tcp_len;

	if (len < ip_len + 20 || packet[v4 ? 9 : 6] != IPPROTO_TCP || (v4 && (get16(packet + 6) & 0x1fff)))
		return false;
	packet += ip_len;
	tcp_len = (packet[12] >> 4) * 4u;
	if (len < ip_len + tcp_len)
		return false;
	*seg = (struct segment){
		.sport = (uint16_t)get16(packet), .dport = (uint16_t)get16(packet + 2), .seq = get32(packet + 4),
		.ack = get32(packet + 8), .window = get16(packet + 14), .len = (uint32_t)(len - ip_len - tcp_len),
		.flags = packet[13],
	};
	return true;
}

static void ladder_frame(const struct view *view, bool out, const uint8_t *packet, size_t len, uint64_t now_ns)
{
	static const char names[] = "FSRP.UEW";
	struct segment seg;
	char flags[9];
	int n = 0;

	if (!segment_read(packet, len, &seg))
		return;
	for (int i = 0; i < 8; i++)
		if (seg.flags & 1u << i)
			flags[n++] = names[i];
	flags[n] = 0;
	fprintf(stderr, "%11.6f  %s %5u  %-4s seq %u len %u", (double)(now_ns - view->begin_ns) / 1e9,
		out ? "----->" : "<-----", out ? seg.dport : seg.sport, flags, seg.seq, seg.len);
	if (seg.flags & 0x10)
		fprintf(stderr, " ack %u", seg.ack);
	fprintf(stderr, " win %u\n", seg.window);
}

/* ------------------------------------------------------------------ what comes in */

void view_frame(struct view *view, bool out, const void *frame, size_t len, uint64_t now_ns)
{
	if (view->ladder)
		ladder_frame(view, out, frame, len, now_ns);
	if (view->file)
		lab_pcapng_packet(&view->pcap, view->interface, now_ns + view->epoch_ns,
				  out ? LAB_PCAPNG_OUT : LAB_PCAPNG_IN, frame, len,
				  out && *view->said ? view->said : NULL);
	if (out)
		*view->said = 0;
}

static void event_text(const struct la_trace_event *event, char *text, size_t cap)
{
	switch (event->kind) {
	case LA_TRACE_STATE:
		snprintf(text, cap, "%s -> %s (%s)", event->oldstate ? la_state_name(event->oldstate) : "new",
			 la_state_name(event->newstate), event->cause);
		break;
	case LA_TRACE_STEP:
		snprintf(text, cap, "%s()", event->name);
		break;
	case LA_TRACE_RST:
		snprintf(text, cap, "%s RST (%s)", event->name, event->cause);
		break;
	case LA_TRACE_FIN:
		snprintf(text, cap, "FIN queued (%s)", event->cause);
		break;
	case LA_TRACE_DROP:
		snprintf(text, cap, "dropped (%s)", event->cause);
		break;
	}
}

void view_trace(struct view *view, const struct la_trace_event *event)
{
	size_t len = strlen(view->said);
	char text[128] = "";

	event_text(event, text, sizeof(text));
	if (view->ladder)
		fprintf(stderr, "%11.6f  %s%s%s\n", (double)(event->now_ns - view->begin_ns) / 1e9, text,
			*event->row ? " " : "", event->row);
	snprintf(view->said + len, sizeof(view->said) - len, "%s%s%s%s", len ? "; " : "", text, *event->row ? " " : "",
		 event->row);
}

void view_end(struct view *view)
{
	if (view->file && fclose(view->file))
		perror("lastack: the capture is incomplete");
	free(view);
}
