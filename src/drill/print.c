// SPDX-License-Identifier: MIT
/*
 * drill/print.c - a script's tree back to text
 *
 * What is written here parses to the same tree: messages show a line as its author would write it, and the test of the
 * parser is that text, tree, text, tree come out alike. Times are shown to the nanosecond without needless zeros.
 */
#include "drill/script.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* struct out - as of snprintf: @at goes on counting where the room ends */
struct out {
	char *to;
	size_t size;
	size_t at;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
	size_t room = out->at < out->size ? out->size - out->at : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? out->to + out->at : NULL, room, format, args);
	va_end(args);
	out->at += n > 0 ? (size_t)n : 0;
}

static struct out begin(char *to, size_t size)
{
	if (size)
		*to = '\0';
	return (struct out){to, size, 0};
}

/* ---------------------------------------------------------------- time */

static void put_seconds(struct out *out, int64_t ns)
{
	char digits[11];
	int n = 9;

	snprintf(digits, sizeof(digits), "%09u", (unsigned)(ns % 1000000000));
	while (n && digits[n - 1] == '0')
		n--;
	put(out, "%" PRId64 "%s%.*s", ns / 1000000000, n ? "." : "", n, digits);
}

static void put_time(struct out *out, const struct drill_event *event)
{
	const struct drill_time *time = &event->time;
	const char *sign = time->kind == DRILL_AFTER || time->kind == DRILL_AFTER_RANGE ? "+" : "";

	if (time->kind == DRILL_ANY_TIME) {
		put(out, "*");
		return;
	}
	put(out, "%s", sign);
	put_seconds(out, time->ns);
	if (time->kind == DRILL_AT_RANGE || time->kind == DRILL_AFTER_RANGE) {
		put(out, "~%s", sign);
		put_seconds(out, time->end_ns);
	}
	if (event->kind == DRILL_SYSCALL && event->call.blocks) {
		put(out, "...");
		put_seconds(out, event->call.end_ns);
	}
}

/* ---------------------------------------------------------------- packets */

static void put_ip(struct out *out, const struct drill_ip *ip)
{
	static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
	const char *comma = "";

	if (!ip->tos_check && !ip->has_flow_label && !ip->has_ttl)
		return;
	put(out, " [");
	if (ip->tos_check == DRILL_TOS_ECN)
		put(out, "%s", ecn[ip->tos & 3]);
	else if (ip->tos_check == DRILL_TOS_ECT01)
		put(out, "ect01");
	else if (ip->tos_check == DRILL_TOS_BYTE)
		put(out, "tos 0x%x", ip->tos);
	if (ip->tos_check)
		comma = ", ";
	if (ip->has_flow_label) {
		put(out, "%sflowlabel 0x%" PRIx32, comma, ip->flow_label);
		comma = ", ";
	}
	if (ip->has_ttl)
		put(out, "%sttl %u", comma, ip->ttl);
	put(out, "]");
}

static void put_flags(struct out *out, const struct drill_tcp *tcp)
{
	static const struct {
		uint16_t bit;
		char letter;
	} letters[] = {
		{DRILL_SYN, 'S'}, {DRILL_FIN, 'F'}, {DRILL_RST, 'R'}, {DRILL_PSH, 'P'}, {DRILL_URG, 'U'},
		{DRILL_ECE, 'E'}, {DRILL_CWR, 'W'}, {DRILL_AE, 'A'},  {DRILL_ACK, '.'},
	};

	if (!tcp->flags && !tcp->ace)
		put(out, "-");
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (tcp->flags & letters[i].bit && !(tcp->ace && letters[i].bit >= DRILL_ECE))
			put(out, "%c", letters[i].letter);
	if (tcp->ace)
		put(out, "%u", tcp->flags / DRILL_ECE);
}

static void put_cookie(struct out *out, const struct drill_option *option)
{
	for (unsigned i = 0; i < option->cookie.length; i++)
		put(out, "%s%02x", i ? "" : " ", option->cookie.bytes[i]);
}

static void put_option(struct out *out, const struct drill_option *option)
{
	static const char *const names[] = {
		[DRILL_OPT_EOL] = "eol",       [DRILL_OPT_NOP] = "nop",	      [DRILL_OPT_MSS] = "mss",
		[DRILL_OPT_WSCALE] = "wscale", [DRILL_OPT_SACKOK] = "sackOK", [DRILL_OPT_SACK] = "sack",
		[DRILL_OPT_TS] = "TS",	       [DRILL_OPT_MD5] = "md5",	      [DRILL_OPT_FO] = "FO",
		[DRILL_OPT_FOEXP] = "FOEXP",   [DRILL_OPT_ACCECN] = "ECN",
	};
	static const char *const counters[] = {[DRILL_E0B] = "e0b", [DRILL_CEB] = "ceb", [DRILL_E1B] = "e1b"};

	put(out, "%s", names[option->kind]);
	switch (option->kind) {
	case DRILL_OPT_MSS:
		put(out, " %u", option->mss);
		break;
	case DRILL_OPT_WSCALE:
		put(out, " %u", option->wscale);
		break;
	case DRILL_OPT_SACK:
		for (unsigned i = 0; i < option->sack.n; i++)
			put(out, " %" PRIu32 ":%" PRIu32, option->sack.block[i].start, option->sack.block[i].end);
		break;
	case DRILL_OPT_TS:
		put(out, " val %" PRIu32 " ecr %" PRIu32, option->ts.val, option->ts.ecr);
		break;
	case DRILL_OPT_MD5:
	case DRILL_OPT_FO:
	case DRILL_OPT_FOEXP:
		put_cookie(out, option);
		break;
	case DRILL_OPT_ACCECN:
		for (unsigned i = 0; i < option->accecn.n; i++)
			put(out, " %s %" PRIu32, counters[option->accecn.item[i].field], option->accecn.item[i].value);
		break;
	default:
		break;
	}
}

static void put_tcp(struct out *out, const struct drill_tcp *tcp)
{
	if (tcp->has_ports)
		put(out, "%u > %u ", tcp->src_port, tcp->dst_port);
	put_flags(out, tcp);
	put(out, " %" PRIu32 ":%" PRIu32 "(%u)", tcp->seq, tcp->end, tcp->length);
	if (tcp->has_ack)
		put(out, " ack %" PRIu32, tcp->ack);
	if (tcp->has_window)
		put(out, " win %u", tcp->window);
	if (tcp->has_urg)
		put(out, " urg %u", tcp->urg);
	if (tcp->any_options)
		put(out, " <...>");
	for (const struct drill_option *option = tcp->options; option; option = option->next) {
		put(out, "%s", option == tcp->options ? " <" : ",");
		put_option(out, option);
		if (!option->next)
			put(out, ">");
	}
}

static void put_icmp(struct out *out, const struct drill_icmp *icmp)
{
	put(out, "icmp %s", icmp->type);
	if (icmp->code)
		put(out, " %s", icmp->code);
	if (icmp->has_mtu)
		put(out, " mtu %" PRIu32, icmp->mtu);
	if (icmp->has_id)
		put(out, " id %u", icmp->id);
	if (icmp->has_quote)
		put(out, " [%" PRIu32 ":%" PRIu32 "(%u)]", icmp->quote_seq, icmp->quote_seq + icmp->quote_length,
		    icmp->quote_length);
}

static void put_packet(struct out *out, const struct drill_packet *packet)
{
	put(out, "%c", packet->outbound ? '>' : '<');
	put_ip(out, &packet->ip);
	put(out, " ");
	if (packet->kind == DRILL_ICMP)
		put_icmp(out, &packet->icmp);
	else
		put_tcp(out, &packet->tcp);
}

/* ---------------------------------------------------------------- expressions */

static void put_string(struct out *out, const struct drill_expr *expr)
{
	put(out, "\"");
	for (size_t i = 0; i < expr->length; i++) {
		unsigned char c = (unsigned char)expr->text[i];

		if (c == '"' || c == '\\')
			put(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			put(out, "\\x%02x", c);
		else
			put(out, "%c", c);
	}
	put(out, expr->more ? "\"..." : "\"");
}

static void put_expr(struct out *out, const struct drill_expr *expr);

static void put_items(struct out *out, const struct drill_expr *item, const char *between)
{
	for (; item; item = item->next) {
		if (item->field)
			put(out, "%s", item->field);
		if (item->count) {
			put(out, "(");
			put_expr(out, item->count);
			put(out, ")");
		}
		if (item->field)
			put(out, "=");
		put_expr(out, item);
		if (item->next)
			put(out, "%s", between);
	}
}

static void put_expr(struct out *out, const struct drill_expr *expr)
{
	switch (expr->kind) {
	case DRILL_ELLIPSIS:
		put(out, "...");
		break;
	case DRILL_INTEGER:
		put(out, expr->hex ? "0x%" PRIx64 : "%" PRId64, expr->value);
		break;
	case DRILL_WORD:
		put(out, "%s", expr->text);
		break;
	case DRILL_STRING:
		put_string(out, expr);
		break;
	case DRILL_OR:
		put_items(out, expr->items, "|");
		break;
	case DRILL_LIST:
		put(out, "[");
		put_items(out, expr->items, ", ");
		put(out, "]");
		break;
	case DRILL_STRUCT:
		put(out, "{");
		put_items(out, expr->items, ", ");
		put(out, "}");
		break;
	case DRILL_CALL:
		put(out, "%s(", expr->text);
		put_items(out, expr->items, ", ");
		put(out, ")");
		break;
	}
}

/* ---------------------------------------------------------------- events and all */

static void put_call(struct out *out, const struct drill_call *call)
{
	put(out, "%s(", call->name);
	put_items(out, call->args, ", ");
	put(out, ") = ");
	put_expr(out, call->result);
	if (call->err_name)
		put(out, " %s", call->err_name);
	if (call->note)
		put(out, " (%s)", call->note);
}

static void put_event(struct out *out, const struct drill_event *event)
{
	put_time(out, event);
	put(out, " ");
	switch (event->kind) {
	case DRILL_PACKET:
		put_packet(out, &event->packet);
		break;
	case DRILL_SYSCALL:
		put_call(out, &event->call);
		break;
	case DRILL_COMMAND:
		put(out, "`%s`", event->text);
		break;
	case DRILL_CODE:
		put(out, "%%{ %s }%%", event->text);
		break;
	}
}

static void put_script(struct out *out, const struct drill_script *script)
{
	for (const struct drill_note *need = script->needs; need; need = need->next)
		put(out, "// needs-sysctl: %s=%s\n", need->name, need->value);
	for (const struct drill_note *option = script->options; option; option = option->next)
		put(out, "--%s%s%s\n", option->name, option->value ? "=" : "", option->value ? option->value : "");
	if (script->init)
		put(out, "`%s`\n", script->init->value);
	for (const struct drill_event *event = script->events; event; event = event->next) {
		put_event(out, event);
		put(out, "\n");
	}
	if (script->cleanup)
		put(out, "`%s`\n", script->cleanup->value);
}

size_t drill_print_script(const struct drill_script *script, char *to, size_t size)
{
	struct out out = begin(to, size);

	put_script(&out, script);
	return out.at;
}

size_t drill_print_event(const struct drill_event *event, char *to, size_t size)
{
	struct out out = begin(to, size);

	put_event(&out, event);
	return out.at;
}

size_t drill_print_time(const struct drill_event *event, char *to, size_t size)
{
	struct out out = begin(to, size);

	put_time(&out, event);
	return out.at;
}

size_t drill_print_packet(const struct drill_packet *packet, char *to, size_t size)
{
	struct out out = begin(to, size);

	put_packet(&out, packet);
	return out.at;
}

size_t drill_print_expr(const struct drill_expr *expr, char *to, size_t size)
{
	struct out out = begin(to, size);

	put_expr(&out, expr);
	return out.at;
}
