// SPDX-License-Identifier: MIT
/*
 * drill/run_expect.c - the next packet of the connection against a line of the script
 *
 * A line with payload may be several packets on the wire: as long as their bytes are fewer than the line's, the next
 * one is added, which has to continue the one before. All of them together are one packet: numbers, CWR and the
 * place in the order from the first, the other fields, options and the time from the last.
 *
 *	next() --run_read()--> is it the flow's? --run_to_script()--> joined with those before --> field by field
 */
#include "drill/runner.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_S = 2, PATIENCE_ANY_S = 300 };

/**
 * struct heard - what the line is compared with
 * @first_seq, @first_cwr: of the first piece; the other fields of @seen are those of the last
 * @length: bytes of all pieces
 */
struct heard {
	struct run_seen seen;
	unsigned pieces;
	uint32_t first_seq;
	bool first_cwr;
	size_t length;
};

/* ---------------------------------------------------------------- what is shown when it is not the same */

static void show(struct drill_text *to, const struct drill_packet *packet, int64_t at_ns)
{
	int n = snprintf(to->text, sizeof(to->text), "%.6f ", (double)at_ns / 1e9);

	drill_print_packet(packet, to->text + n, sizeof(to->text) - (size_t)n);
}

/* The next word of @from behind @to; both stand at the same column afterwards if the caller pads. */
static size_t take_word(const char **from, char *to, size_t room)
{
	size_t n = 0;

	while (**from == ' ')
		(*from)++;
	for (; **from && **from != ' ' && n + 1 < room; (*from)++)
		to[n++] = **from;
	return n;
}

static size_t pad(char *line, size_t at, size_t width, size_t size)
{
	while (width-- && at + 1 < size)
		line[at++] = ' ';
	return at;
}

/* What is left of @from where the other line has no more words; no blanks at the end. */
static void finish_line(char *line, size_t at, size_t size, const char *from)
{
	size_t n;

	snprintf(line + at, at < size ? size - at : 0, "%s", from + strspn(from, " "));
	for (n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
}

/* Word under word: a short one is followed by as many blanks as it takes. */
static void align(struct drill_text *a, struct drill_text *b)
{
	struct drill_text from_a = *a, from_b = *b;
	const char *pa = from_a.text, *pb = from_b.text;
	size_t at = 0;

	while (*pa && *pb && at + 2 < sizeof(a->text)) {
		size_t room = sizeof(a->text) - at - 1;
		size_t na = take_word(&pa, a->text + at, room), nb = take_word(&pb, b->text + at, room);
		size_t width = (na > nb ? na : nb) + 1;

		pad(a->text, at + na, width - na, sizeof(a->text));
		pad(b->text, at + nb, width - nb, sizeof(b->text));
		at += width;
	}
	finish_line(a->text, at, sizeof(a->text), pa);
	finish_line(b->text, at, sizeof(b->text), pb);
}

/* Of the packet that came only that is shown which the line speaks of. */
static void show_both(struct runner *run, const struct heard *heard)
{
	const struct drill_packet *line = &run->event->packet;
	struct drill_packet shown = heard->seen.packet;

	show(&run->verdict->expected, line, run->due.ns);
	if (shown.kind == DRILL_ICMP || line->kind == DRILL_ICMP) {
		snprintf(run->verdict->actual.text, sizeof(run->verdict->actual.text), "%.6f > icmp type %u code %u",
			 (double)(heard->seen.at_ns - run->wire.begin_ns) / 1e9, heard->seen.icmp_type,
			 heard->seen.icmp_code);
	} else {
		shown.ip.tos_check = line->ip.tos_check;
		if (line->ip.tos_check == DRILL_TOS_ECN || line->ip.tos_check == DRILL_TOS_ECT01) {
			shown.ip.tos_check = DRILL_TOS_ECN;
			shown.ip.tos &= 3;
		}
		shown.ip.has_ttl = line->ip.has_ttl;
		shown.ip.has_flow_label = line->ip.has_flow_label;
		shown.tcp.has_ports = line->tcp.has_ports;
		shown.tcp.has_window = line->tcp.has_window;
		shown.tcp.ace = line->tcp.ace;
		shown.tcp.seq = heard->first_seq;
		shown.tcp.length = (uint16_t)heard->length;
		shown.tcp.end = heard->first_seq + (uint32_t)heard->length;
		show(&run->verdict->actual, &shown, heard->seen.at_ns - run->wire.begin_ns);
	}
	align(&run->verdict->expected, &run->verdict->actual);
}

static bool differs(struct runner *run, const struct heard *heard, const char *what, uint32_t expected, uint32_t actual)
{
	show_both(run, heard);
	return run_end(run, DRILL_FAILED, run->event->pos, "the packet's %s is %u (0x%x), expected %u (0x%x)", what,
		       actual, actual, expected, expected);
}

/* ---------------------------------------------------------------- the next packet of the flow */

static bool is_from_side_to_script(const struct runner *run, const struct run_seen *seen)
{
	return !memcmp(seen->daddr, run->net->remote, 16) &&
	       (run->net->anyip || !memcmp(seen->saddr, run->net->local, 16));
}

/* Ports in the line take the place of the flow's. */
static bool has_ports_of(const struct run_flow *flow, const struct drill_tcp *line, const struct drill_tcp *tcp)
{
	uint16_t src = line->has_ports && line->src_port ? line->src_port : flow->local_port;
	uint16_t dst = line->has_ports && line->dst_port ? line->dst_port : flow->remote_port;

	return tcp->src_port == src && tcp->dst_port == dst;
}

static bool is_syn(const struct drill_tcp *tcp)
{
	return tcp->flags & DRILL_SYN && !(tcp->flags & DRILL_ACK);
}

/* An older connection may still be sending its SYN. */
static bool is_of_older(const struct run_flow *flow, const struct drill_tcp *tcp)
{
	while ((flow = flow->older))
		if (flow->local_port == tcp->src_port && flow->remote_port == tcp->dst_port)
			return true;
	return false;
}

/* The side chooses its port and its first number when it connects: they are learned from its SYN. */
static bool is_of_flow(struct runner *run, const struct run_seen *seen)
{
	const struct drill_packet *line = &run->event->packet;
	const struct drill_tcp *tcp = &seen->packet.tcp;
	struct run_flow *flow = run->flow;

	if (!is_from_side_to_script(run, seen))
		return false;
	if (seen->packet.kind != DRILL_TCP || line->kind != DRILL_TCP)
		return seen->packet.kind == line->kind;
	if (has_ports_of(flow, &line->tcp, tcp))
		return true;
	if (flow->state != FLOW_SYN_EXPECTED || !is_syn(tcp) || tcp->dst_port != flow->remote_port ||
	    is_of_older(flow, tcp))
		return false;
	flow->local_port = tcp->src_port;
	flow->local_isn = tcp->seq;
	return true;
}

static bool nothing_came(struct runner *run)
{
	show(&run->verdict->expected, &run->event->packet, run->due.ns);
	snprintf(run->verdict->actual.text, sizeof(run->verdict->actual.text), "(nothing)");
	return run_end(run, DRILL_FAILED, run->event->pos, "no packet came, and it is %.6f s",
		       (double)run_now(run) / 1e9);
}

/* Packets of other connections pass unseen, but for the record. */
static bool next_of_flow(struct runner *run, struct run_seen *seen)
{
	bool any = run->event->time.kind == DRILL_ANY_TIME;
	int64_t until_ns = run_now(run);

	if (until_ns < run->due.end_ns && !any)
		until_ns = run->due.end_ns;
	until_ns += run->wire.begin_ns + (any ? PATIENCE_ANY_S : PATIENCE_S) * RUN_SECOND;
	while (run->side->ops->next(run->side, &run->frame, until_ns)) {
		bool ours = run_read(seen, &run->frame) && is_of_flow(run, seen);

		drill_record_frame(run->record, DRILL_HEARD, ours ? run->event : NULL,
				   run->frame.at_ns - run->wire.begin_ns, run->frame.bytes, run->frame.len);
		if (ours)
			return true;
	}
	return run_returned(run) && nothing_came(run);
}

/* ---------------------------------------------------------------- pieces of one line */

static void learn_synack(struct runner *run, const struct run_seen *seen)
{
	const struct drill_tcp *line = &run->event->packet.tcp;

	if (run->flow->state == FLOW_GREETED && line->flags & DRILL_SYN && line->flags & DRILL_ACK) {
		run->flow->state = FLOW_SYNACK_SENT;
		run->flow->local_isn = seen->packet.tcp.seq;
	}
}

/* A piece continues the one before; only the last may be shorter. FIN, PSH and CWR may be at either end. */
static bool continues(struct runner *run, const struct heard *heard, const struct run_seen *piece)
{
	const struct drill_tcp *a = &heard->seen.packet.tcp, *b = &piece->packet.tcp;
	uint16_t ends = DRILL_FIN | DRILL_PSH | DRILL_CWR;
	size_t missing = run->event->packet.tcp.length - heard->length;
	bool same = a->option_bytes == b->option_bytes && (a->flags & ~ends) == (b->flags & ~ends) &&
		    a->end == b->seq && a->ack == b->ack && a->window == b->window && a->urg == b->urg;

	if (same && (piece->payload_len >= missing || piece->payload_len == heard->seen.payload_len))
		return true;
	show_both(run, heard);
	return run_end(run, DRILL_FAILED, run->event->pos,
		       "only %zu of %u bytes came in packets of one kind; the next has %zu bytes, seq %u",
		       heard->length, run->event->packet.tcp.length, piece->payload_len, b->seq);
}

static bool is_all_zero(const uint8_t *bytes, size_t len)
{
	return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

static void join(struct heard *heard, const struct run_seen *piece)
{
	if (!heard->pieces++) {
		heard->first_seq = piece->packet.tcp.seq;
		heard->first_cwr = piece->packet.tcp.flags & DRILL_CWR;
	}
	heard->length += piece->payload_len;
	heard->seen = *piece;
	if (piece->packet.tcp.options) /* the list stands in the piece: now in its copy */
		heard->seen.packet.tcp.options = heard->seen.options;
	for (struct drill_option *option = heard->seen.packet.tcp.options; option && option->next; option++)
		option->next = option + 1;
}

static bool add_piece(struct runner *run, struct heard *heard)
{
	struct run_seen piece;

	if (!next_of_flow(run, &piece))
		return false;
	if (piece.packet.kind == DRILL_TCP) {
		learn_synack(run, &piece);
		run_to_script(&piece, run->flow);
	}
	if (heard->pieces && !continues(run, heard, &piece))
		return false;
	join(heard, &piece);
	if (!is_all_zero(piece.payload, piece.payload_len)) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos,
			       "the packet carries other bytes than the zeroes that were written");
	}
	return true;
}

static bool collect(struct runner *run, struct heard *heard)
{
	const struct drill_packet *line = &run->event->packet;
	size_t length = line->kind == DRILL_TCP ? line->tcp.length : 0;

	heard->pieces = 0;
	heard->length = 0;
	do {
		if (!add_piece(run, heard))
			return false;
	} while (heard->length < length && !run->set.strict_segments);
	if (heard->length == length || line->kind != DRILL_TCP)
		return true;
	return differs(run, heard, "length", (uint32_t)length, (uint32_t)heard->length);
}

/* ---------------------------------------------------------------- field by field */

static bool check_ip(struct runner *run, const struct heard *heard)
{
	const struct drill_ip *line = &run->event->packet.ip, *ip = &heard->seen.packet.ip;
	unsigned ecn = ip->tos & 3;

	if (line->tos_check == DRILL_TOS_ECT01 && ecn != 1 && ecn != 2) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos, "the packet's ECN bits are %u, expected 1 or 2",
			       ecn);
	}
	if (line->tos_check == DRILL_TOS_ECN && ecn != line->tos) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos, "the packet's ECN bits are %u, expected %u", ecn,
			       line->tos);
	}
	if (line->tos_check == DRILL_TOS_BYTE && ip->tos != line->tos)
		return differs(run, heard, "TOS", line->tos, ip->tos);
	if (line->has_ttl && ip->ttl != line->ttl)
		return differs(run, heard, "TTL", line->ttl, ip->ttl);
	if (heard->seen.odd_bits) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos,
			       "the packet has IP options, or TCP's reserved bits are set");
	}
	return true;
}

/* A label has no value that a script could know: the same name asks for the same label, another name for another. */
static bool check_label(struct runner *run, const struct heard *heard)
{
	const struct drill_ip *line = &run->event->packet.ip, *ip = &heard->seen.packet.ip;
	struct run_flow *flow = run->flow;
	const char *fault = NULL;

	if (!line->has_flow_label || !line->flow_label || !ip->has_flow_label)
		return true;
	if (!ip->flow_label)
		fault = "the packet has no flow label";
	else if (flow->script_label == line->flow_label && flow->label != ip->flow_label)
		fault = "the packet's flow label has changed, expected the one that it had";
	else if (flow->script_label && flow->script_label != line->flow_label && flow->label == ip->flow_label)
		fault = "the packet's flow label has not changed, expected another";
	if (fault) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos, "%s", fault);
	}
	flow->script_label = line->flow_label;
	flow->label = ip->flow_label;
	return true;
}

static bool check_tcp(struct runner *run, const struct heard *heard)
{
	const struct drill_tcp *line = &run->event->packet.tcp, *tcp = &heard->seen.packet.tcp;

	if (tcp->flags != line->flags) {
		show_both(run, heard);
		return run_end(run, DRILL_FAILED, run->event->pos, "the packet's flags differ");
	}
	if (heard->first_seq != line->seq)
		return differs(run, heard, "seq", line->seq, heard->first_seq);
	if (tcp->ack != line->ack)
		return differs(run, heard, "ack", line->ack, tcp->ack);
	if (line->has_window && tcp->window != line->window)
		return differs(run, heard, "window", line->window, tcp->window);
	if (tcp->urg != line->urg)
		return differs(run, heard, "urgent pointer", line->urg, tcp->urg);
	return true;
}

/* What counts is the whole time since the beginning: stamps do not start anew with each line. */
static bool check_stamp(struct runner *run, const struct heard *heard, uint32_t expected, uint32_t actual)
{
	int32_t steps = (int32_t)(actual - expected);
	int64_t off_ns = (steps < 0 ? -(int64_t)steps : steps) * run->set.ts_tick_ns;

	if (off_ns <= run_slack(&run->set.slack, run->due.ns))
		return true;
	return differs(run, heard, "TS val", expected, actual);
}

static bool check_options(struct runner *run, const struct heard *heard)
{
	const struct drill_tcp *line = &run->event->packet.tcp;
	const struct drill_option *a = line->options, *b = heard->seen.packet.tcp.options;

	if (line->any_options)
		return true;
	for (; a && b && a->kind == b->kind; a = a->next, b = b->next) {
		if (a->kind == DRILL_OPT_TS) {
			if (!check_stamp(run, heard, a->ts.val, b->ts.val))
				return false;
		} else if (!run_same_option(a, b)) {
			break;
		}
	}
	if (!a && !b && heard->seen.odd_option == RUN_NO_ODD_OPTION)
		return true;
	show_both(run, heard);
	if (heard->seen.odd_option != RUN_NO_ODD_OPTION)
		return run_end(run, DRILL_FAILED, run->event->pos,
			       "the packet has an option of kind %d, which a script cannot name",
			       heard->seen.odd_option);
	return run_end(run, DRILL_FAILED, run->event->pos, "the packet's options differ");
}

/* The script's time stamp and the packet's belong together from now on; the packet's is shown as the script counts. */
static void learn_stamp(struct runner *run, struct heard *heard)
{
	struct drill_option *a = run_find_option(run->event->packet.tcp.options, DRILL_OPT_TS);
	struct drill_option *b = run_find_option(heard->seen.packet.tcp.options, DRILL_OPT_TS);

	if (!a || !b)
		return;
	run_stamp_learn(run->flow, a->ts.val, b->ts.val);
	b->ts.val = run_stamp_to_script(run->flow, b->ts.val);
}

static bool check_icmp(struct runner *run, const struct heard *heard)
{
	const struct drill_icmp *line = &run->event->packet.icmp;
	uint8_t type, code;

	if (!drill_icmp_numbers(line, heard->seen.family, &type, &code))
		return run_end(run, DRILL_UNSUPPORTED, run->event->pos,
			       "over this family there is no message `icmp %s%s%s`", line->type, line->code ? " " : "",
			       line->code ? line->code : "");
	if (type != heard->seen.icmp_type)
		return differs(run, heard, "ICMP type", type, heard->seen.icmp_type);
	if (code != heard->seen.icmp_code)
		return differs(run, heard, "ICMP code", code, heard->seen.icmp_code);
	return true;
}

static bool check_time(struct runner *run, const struct heard *heard)
{
	struct drill_text why;

	if (run_in_time(&run->due, run_line_slack(run), heard->seen.at_ns - run->wire.begin_ns, "the packet out", &why))
		return true;
	show_both(run, heard);
	return run_end(run, DRILL_FAILED, run->event->pos, "%s", why.text);
}

static bool check(struct runner *run, struct heard *heard)
{
	struct drill_tcp *tcp = &heard->seen.packet.tcp;

	if (run->event->packet.kind == DRILL_ICMP)
		return check_ip(run, heard) && check_icmp(run, heard) && check_time(run, heard);
	tcp->flags = (uint16_t)((tcp->flags & ~DRILL_CWR) | (heard->first_cwr ? DRILL_CWR : 0));
	learn_stamp(run, heard);
	return check_ip(run, heard) && check_tcp(run, heard) && check_label(run, heard) && check_options(run, heard) &&
	       check_time(run, heard);
}

/* ---------------------------------------------------------------- the line */

/* The line with a connection's SYN, or SYN-ACK, says from where the script counts the side's numbers. */
static void follow_handshake(struct run_flow *flow, const struct drill_tcp *line)
{
	if (flow->state == FLOW_CONNECTING && is_syn(line)) {
		flow->state = FLOW_SYN_EXPECTED;
		flow->script_isn = line->seq;
	} else if (flow->state == FLOW_GREETED && line->flags & DRILL_SYN && line->flags & DRILL_ACK) {
		flow->script_isn = line->seq;
	}
}

bool run_packet_out(struct runner *run)
{
	const struct drill_packet *line = &run->event->packet;
	struct heard heard;

	if (!run->flow)
		return run_end(run, DRILL_FAILED, run->event->pos,
			       "there is no connection yet to which the packet could belong");
	if (line->kind == DRILL_TCP)
		follow_handshake(run->flow, &line->tcp);
	return collect(run, &heard) && check(run, &heard) && run_returned(run);
}

void run_drain(struct runner *run)
{
	while (run->side->ops->next(run->side, &run->frame, run->side->ops->now(run->side)))
		drill_record_frame(run->record, DRILL_HEARD, NULL, run->frame.at_ns - run->wire.begin_ns,
				   run->frame.bytes, run->frame.len);
}
