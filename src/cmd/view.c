// SPDX-License-Identifier: MIT
/*
 * cmd/view.c - what a run looks like: a capture with comments, and a ladder while it happens
 *
 * The stack says why before it says what: the events since the last frame that left are the reasons of the next one,
 * and become that packet's comment in the capture. Where many programs share a stack, only FIN and RST have one, which
 * waits for its segment by the ports: who made it leave, and by which rule. The ladder is drawn by the lab's pen.
 */
#include "cmd/view.h"

#include "lab/frame.h"
#include "lab/ladder.h"
#include "lab/pcapng.h"

#include <lastack/trace.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NSEC	1000000000ull
#define REMARKS 256 /* that wait for their segment; the oldest is given up */

/* What is to be said about the FIN or RST from one port to another. */
struct remark {
	uint16_t sport, dport;
	uint8_t flag; /* LAB_FIN, LAB_RST; 0: none */
	char text[160];
};

/**
 * struct view - both pictures of one run
 * @file:      capture, or NULL
 * @draws:     the ladder is wanted
 * @epoch_ns:  what makes a date of the host's clock
 * @shown_ns:  time of the ladder's last row; an event has the time of the entry in which it happens, which may be older
 *             than a frame that the entry has sent already
 * @said:      events since the last frame that left
 * @remarks:   a ring, @remarked of them so far
 */
struct view {
	FILE *file;
	struct lab_pcapng pcap;
	uint32_t interface, loopback;
	struct lab_ladder ladder;
	bool draws;
	uint64_t epoch_ns, shown_ns;
	char said[512];
	unsigned remarked;
	struct remark remarks[REMARKS];
};

static void write_file(void *sink, const void *bytes, size_t len)
{
	fwrite(bytes, 1, len, sink);
}

static void write_line(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
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
	view->draws = ladder;
	lab_ladder_begin(&view->ladder, LAB_LADDER_LEFT, "lastack", "kernel", write_line, NULL);
	view->epoch_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	if (!pcap)
		return view;
	view->file = fopen(pcap, "wb");
	if (!view->file) {
		free(view);
		return NULL;
	}
	lab_pcapng_begin(&view->pcap, write_file, view->file, "lastack");
	if (interface)
		view->interface = lab_pcapng_interface(&view->pcap, interface);
	view->loopback = lab_pcapng_interface(&view->pcap, "lo");
	return view;
}

/* ------------------------------------------------------------------ remarks on FIN and RST */

static void remark_add(struct view *view, const struct la_trace_event *event, const char *who)
{
	struct remark *remark = &view->remarks[view->remarked++ % REMARKS];

	remark->sport = event->sport;
	remark->dport = event->dport;
	remark->flag = event->kind == LA_TRACE_RST ? LAB_RST : LAB_FIN;
	snprintf(remark->text, sizeof(remark->text), "%s%s%s%s%s%s%s", who, *who ? ": " : "", event->row,
		 *event->row ? " " : "", event->cause, *event->reason ? ", " : "", event->reason);
}

/* The newest for this segment; a FIN may be sent again, a RST is said once. */
static const char *remark_find(struct view *view, const void *frame, size_t len)
{
	unsigned oldest = view->remarked > REMARKS ? view->remarked - REMARKS : 0;
	struct lab_segment seg;

	if (!view->remarked || !lab_segment_read(&seg, frame, len) || seg.protocol != IPPROTO_TCP ||
	    !(seg.flags & (LAB_FIN | LAB_RST)))
		return NULL;
	for (unsigned i = view->remarked; i-- > oldest;) {
		struct remark *remark = &view->remarks[i % REMARKS];

		if (remark->sport != seg.sport || remark->dport != seg.dport || !(remark->flag & seg.flags))
			continue;
		if (remark->flag == LAB_RST)
			remark->flag = 0;
		return remark->text;
	}
	return NULL;
}

/* ------------------------------------------------------------------ what comes in */

/* The ladder is about connections; what else a kernel says on a new interface only disturbs it. */
static bool is_tcp(const uint8_t *packet, size_t len)
{
	return len > 20 && packet[packet[0] >> 4 == 4 ? 9 : 6] == IPPROTO_TCP;
}

static const char *frame_comment(struct view *view, const void *frame, size_t len)
{
	return *view->said ? view->said : remark_find(view, frame, len);
}

void view_frame(struct view *view, bool out, const void *frame, size_t len, uint64_t now_ns)
{
	if (view->draws && is_tcp(frame, len)) {
		view->shown_ns = now_ns;
		lab_ladder_frame(&view->ladder, now_ns, out ? LAB_A : LAB_B, frame, len, LAB_SENT);
	}
	if (view->file)
		lab_pcapng_packet(&view->pcap, view->interface, now_ns + view->epoch_ns,
				  out ? LAB_PCAPNG_OUT : LAB_PCAPNG_IN, frame, len,
				  out ? frame_comment(view, frame, len) : NULL);
	if (out)
		*view->said = 0;
}

void view_looped(struct view *view, const void *packet, size_t len, uint64_t now_ns)
{
	const char *remark = remark_find(view, packet, len);

	if (!view->file)
		return;
	lab_pcapng_packet(&view->pcap, view->loopback, now_ns + view->epoch_ns, LAB_PCAPNG_OUT, packet, len, remark);
	if (remark)
		fflush(view->file); /* a stack may run for long before anybody looks */
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

void view_trace(struct view *view, const struct la_trace_event *event, const char *who)
{
	size_t len = strlen(view->said);
	char text[128] = "";

	event_text(event, text, sizeof(text));
	if (view->draws) {
		struct la_trace_event row = *event;

		if (row.now_ns < view->shown_ns)
			row.now_ns = view->shown_ns;
		view->shown_ns = row.now_ns;
		lab_ladder_event(&view->ladder, LAB_A, &row);
	}
	if (who) {
		if (event->kind == LA_TRACE_RST || event->kind == LA_TRACE_FIN)
			remark_add(view, event, who);
		return;
	}
	snprintf(view->said + len, sizeof(view->said) - len, "%s%s%s%s", len ? "; " : "", text, *event->row ? " " : "",
		 event->row);
}

void view_ladder_end(struct view *view)
{
	if (view->draws)
		lab_ladder_end(&view->ladder);
	view->draws = false;
}

void view_end(struct view *view)
{
	view_ladder_end(view);
	if (view->file && fclose(view->file))
		perror("lastack: the capture is incomplete");
	free(view);
}
