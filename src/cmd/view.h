/* SPDX-License-Identifier: MIT */
/*
 * cmd/view.h - what a run looks like: a capture with comments, and a ladder while it happens
 */
#ifndef LA_CMD_VIEW_H
#define LA_CMD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct la_trace_event;
struct view;

/* @pcap: file to write, or NULL; @ladder: draw one on stderr; @interface: NULL: only loopback. NULL and errno: the file
 * cannot be written. */
struct view *view_new(const char *pcap, bool ladder, const char *interface);
void view_frame(struct view *view, bool out, const void *frame, size_t len, uint64_t now_ns);
/* What the stack sends to itself. */
void view_looped(struct view *view, const void *packet, size_t len, uint64_t now_ns);
/* @who: NULL, or whose call it is, such as "nginx[123] close(7)", "": nobody's; the comment on its FIN or RST. */
void view_trace(struct view *view, const struct la_trace_event *event, const char *who);
void view_ladder_end(struct view *view); /* the story is over, the capture goes on */
void view_end(struct view *view);	 /* closes the file, frees @view */

#endif
