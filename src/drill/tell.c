// SPDX-License-Identifier: MIT
/*
 * drill/tell.c - the entries of a record in the script's language: what really happened in the place of what was asked
 */
#include "drill/tell.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *to;
	size_t size, at;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *format, ...)
{
	size_t room = out->size - out->at;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->to + out->at, room, format, args);
	va_end(args);
	if (n > 0)
		out->at += (size_t)n < room ? (size_t)n : room - 1;
}

const char *drill_family_name(enum drill_family family)
{
	static const char *const names[] = {
		[DRILL_IPV4] = "ipv4", [DRILL_IPV6] = "ipv6", [DRILL_4IN6] = "ipv4-mapped-ipv6"};

	return names[family];
}

const char *drill_state_name(int state)
{
	static const char *const names[] = {
		"none",	 "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",    "TIME_WAIT",
		"CLOSE", "CLOSE_WAIT",	"LAST_ACK", "LISTEN",	"CLOSING",   "NEW_SYN_RECV",
	};

	return state >= 0 && state < (int)(sizeof(names) / sizeof(names[0])) ? names[state] : "?";
}

/* ---------------------------------------------------------------- packets */

/* What the lab's text of a segment has no words for: the ECN bits of the IP header. */
static void put_ecn(struct out *out, const struct drill_entry *entry)
{
	static const char *const names[] = {"", " [ect1]", " [ect0]", " [ce]"};
	const uint8_t *p = entry->frame;

	if (entry->len >= 2)
		put(out, "%s", names[(p[0] >> 4 == 4 ? p[1] : p[1] >> 4) & 3]);
}

static void put_packet(struct out *out, struct drill_teller *teller, const struct drill_entry *entry)
{
	struct lab_segment seg;
	char text[LAB_TEXT_MAX];

	put(out, entry->kind == DRILL_HEARD ? ">" : "<");
	put_ecn(out, entry);
	if (!lab_segment_read(&seg, entry->frame, entry->len)) {
		put(out, " %zu bytes that are no IP packet", entry->len);
		return;
	}
	lab_flows_learn(&teller->flows, &seg);
	put(out, " %s", lab_segment_text(text, sizeof(text), &teller->flows, &seg, LAB_TEXT_ALL));
}

/* ---------------------------------------------------------------- calls */

static void put_call(struct out *out, const struct drill_event *event)
{
	char text[DRILL_TELL_MAX];

	if (!event || event->kind != DRILL_SYSCALL) {
		put(out, "a call");
		return;
	}
	put(out, "%s(", event->call.name);
	for (const struct drill_expr *arg = event->call.args; arg; arg = arg->next) {
		drill_print_expr(arg, text, sizeof(text));
		put(out, "%s%s", text, arg->next ? ", " : "");
	}
	put(out, ")");
}

static void put_result(struct out *out, const struct drill_entry *entry)
{
	const char *name = entry->result < 0 ? drill_errno_name((int)-entry->result) : NULL;

	if (entry->result >= 0)
		put(out, "%" PRId64, entry->result);
	else if (name)
		put(out, "-1 %s", name);
	else
		put(out, "-1 errno %" PRId64, -entry->result);
	if (*entry->out)
		put(out, ", %s", entry->out);
}

const char *drill_tell_call(const struct drill_event *event, char *to, size_t size)
{
	struct out out = {to, size, 0};

	put_call(&out, event);
	return to;
}

const char *drill_tell_result(const struct drill_entry *entry, char *to, size_t size)
{
	struct out out = {to, size, 0};

	put_result(&out, entry);
	return to;
}

/* ---------------------------------------------------------------- how a socket stands */

static void put_bytes(struct out *out, int64_t bytes, const char *what)
{
	if (bytes >= 0)
		put(out, ", %" PRId64 " %s", bytes, what);
}

static void put_stood(struct out *out, const struct drill_entry *entry)
{
	char bits[160];

	put(out, "fd %d: %s, %s", entry->stood_fd, drill_state_name(entry->state),
	    drill_poll_names("POLL", entry->bits, bits, sizeof(bits)));
	put_bytes(out, entry->recv_q, "to read");
	put_bytes(out, entry->send_q, "unacknowledged");
}

/* ---------------------------------------------------------------- all of them */

const char *drill_tell(struct drill_teller *teller, const struct drill_entry *entry, char *to, size_t size)
{
	struct out out = {to, size, 0};

	*to = '\0';
	switch (entry->kind) {
	case DRILL_SAID:
	case DRILL_HEARD:
		put_packet(&out, teller, entry);
		break;
	case DRILL_BEGAN:
		put_call(&out, entry->event);
		put(&out, " waits");
		break;
	case DRILL_ENDED:
		put_call(&out, entry->event);
		put(&out, " = ");
		put_result(&out, entry);
		break;
	case DRILL_STOOD:
		put_stood(&out, entry);
		break;
	}
	return to;
}

void drill_teller_end(struct drill_teller *teller)
{
	lab_flows_free(&teller->flows);
}
