// SPDX-License-Identifier: MIT
/*
 * lab/text.c - segments as text, packetdrill's way: "F. 4:4(0) ack 1 win 502 <nop,nop,TS val 5 ecr 3>"
 *
 * In:   segments in words, one after the other; the flows learn where each side's numbers begin.
 * Here: numbers are made relative, flags and options become words; or the other way round.
 * Out:  text for pictures and expectations; or the words of a segment for a scripted peer.
 */
#include "lab/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ where numbers begin */

/* One direction of a connection. */
struct lab_flow {
	struct lab_flow *next;
	uint8_t key[36]; /* source, destination, ports */
	uint32_t isn;
	bool ended; /* a FIN or RST was seen either way: the next SYN may be one of a new connection */
};

static void flow_key(uint8_t key[36], const struct lab_segment *seg, bool reverse)
{
	memcpy(key, reverse ? seg->daddr : seg->saddr, 16);
	memcpy(key + 16, reverse ? seg->saddr : seg->daddr, 16);
	memcpy(key + 32, reverse ? &seg->dport : &seg->sport, 2);
	memcpy(key + 34, reverse ? &seg->sport : &seg->dport, 2);
}

static size_t flow_hash(const uint8_t key[36], size_t room)
{
	uint32_t hash = 2166136261U;

	for (int i = 0; i < 36; i++)
		hash = (hash ^ key[i]) * 16777619U;
	return hash % room;
}

static struct lab_flow *flow_find(const struct lab_flows *flows, const uint8_t key[36])
{
	struct lab_flow *flow = flows->room ? flows->heads[flow_hash(key, flows->room)] : NULL;

	while (flow && memcmp(flow->key, key, 36))
		flow = flow->next;
	return flow;
}

static void flows_grow(struct lab_flows *flows)
{
	struct lab_flows old = *flows;

	flows->room = old.room ? 4 * old.room : 64;
	flows->heads = lab_zalloc(flows->room * sizeof(*flows->heads));
	for (size_t i = 0; i < old.room; i++) {
		for (struct lab_flow *flow = old.heads[i], *next; flow; flow = next) {
			struct lab_flow **head = &flows->heads[flow_hash(flow->key, flows->room)];

			next = flow->next;
			flow->next = *head;
			*head = flow;
		}
	}
	free(old.heads);
}

static struct lab_flow *flow_make(struct lab_flows *flows, const uint8_t key[36], uint32_t isn)
{
	struct lab_flow **head, *flow = flow_find(flows, key);

	if (flow)
		return flow;
	if (flows->count++ >= flows->room)
		flows_grow(flows);
	head = &flows->heads[flow_hash(key, flows->room)];
	flow = lab_zalloc(sizeof(*flow));
	memcpy(flow->key, key, 36);
	flow->isn = isn;
	flow->next = *head;
	*head = flow;
	return flow;
}

/*
 * A SYN says where its side begins, but a stray one does not move the beginning of a connection that lives. A side first
 * seen in the middle begins where it was seen: its next byte is number 1. A RST to an unknown connection teaches
 * nothing: its numbers are made from the segment that it answers.
 */
void lab_flows_learn(struct lab_flows *flows, const struct lab_segment *seg)
{
	bool syn = seg->flags & LAB_SYN, rst = seg->flags & LAB_RST, fin = seg->flags & LAB_FIN;
	struct lab_flow *flow, *back;
	uint8_t key[36];

	if (seg->protocol != 6 || !seg->sport)
		return;
	flow_key(key, seg, false);
	flow = rst ? flow_find(flows, key) : flow_make(flows, key, syn ? seg->seq : seg->seq - 1);
	if (flow && syn && !rst && flow->ended) {
		flow->isn = seg->seq;
		flow->ended = false;
	}
	flow_key(key, seg, true);
	back = rst || !(seg->flags & LAB_ACK) ? flow_find(flows, key) : flow_make(flows, key, seg->ack - 1);
	if (fin || rst) {
		if (flow)
			flow->ended = true;
		if (back)
			back->ended = true;
	}
}

void lab_flows_set(struct lab_flows *flows, const struct lab_segment *seg, uint32_t isn)
{
	uint8_t key[36];

	flow_key(key, seg, false);
	flow_make(flows, key, isn)->isn = isn;
}

bool lab_flows_isn(const struct lab_flows *flows, const struct lab_segment *seg, bool reverse, uint32_t *isn)
{
	const struct lab_flow *flow;
	uint8_t key[36];

	flow_key(key, seg, reverse);
	flow = flow_find(flows, key);
	if (flow)
		*isn = flow->isn;
	return flow;
}

void lab_flows_free(struct lab_flows *flows)
{
	for (size_t i = 0; i < flows->room; i++) {
		for (struct lab_flow *flow = flows->heads[i], *next; flow; flow = next) {
			next = flow->next;
			free(flow);
		}
	}
	free(flows->heads);
	*flows = (struct lab_flows){0};
}

/* ------------------------------------------------------------------ words out */

struct out {
	char *text;
	size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void say(struct out *out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->text + out->len, out->cap - out->len, format, args);
	va_end(args);
	if (n > 0)
		out->len += (size_t)n < out->cap - out->len ? (size_t)n : out->cap - out->len - 1;
}

static uint32_t be(const uint8_t *p, unsigned len)
{
	uint32_t v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

enum { OPT_EOL, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 8 };

/* One option of @len bytes at @p; SACK edges count from @isn, which the other side chose. */
static void say_option(struct out *out, const uint8_t *p, unsigned len, uint32_t isn)
{
	if (p[0] == OPT_MSS && len == 4) {
		say(out, "mss %u", be(p + 2, 2));
	} else if (p[0] == OPT_WSCALE && len == 3) {
		say(out, "wscale %u", p[2]);
	} else if (p[0] == OPT_SACK_OK && len == 2) {
		say(out, "sackOK");
	} else if (p[0] == OPT_TS && len == 10) {
		say(out, "TS val %u ecr %u", be(p + 2, 4), be(p + 6, 4));
	} else if (p[0] == OPT_SACK && len >= 10) {
		say(out, "sack");
		for (unsigned i = 2; i + 8 <= len; i += 8)
			say(out, " %u:%u", be(p + i, 4) - isn, be(p + i + 4, 4) - isn);
	} else {
		say(out, "kind-%u len %u", p[0], len);
	}
}

static void say_options(struct out *out, const struct lab_segment *seg, uint32_t isn)
{
	const uint8_t *p = seg->options, *end = p + seg->options_len;
	const char *before = " <";

	while (p < end) {
		unsigned len = *p <= OPT_NOP ? 1 : end - p > 1 ? p[1] : 0;

		say(out, "%s", before);
		before = ",";
		if (*p == OPT_EOL || (len != 1 && (len < 2 || p + len > end))) {
			say(out, *p == OPT_EOL ? "eol" : "cut off");
			break;
		}
		if (*p == OPT_NOP)
			say(out, "nop");
		else
			say_option(out, p, len, isn);
		p += len;
	}
	say(out, "%s", *before == ',' ? ">" : "");
}

static void say_other(struct out *out, const struct lab_segment *seg)
{
	if (seg->protocol == 6)
		say(out, seg->fragment ? "fragment" : "broken TCP");
	else if (seg->protocol == 1 || seg->protocol == 58)
		say(out, "ICMP%s type %u code %u", seg->protocol == 58 ? "v6" : "", seg->icmp_type, seg->icmp_code);
	else
		say(out, "protocol %u", seg->protocol);
}

char *lab_segment_text(char *text, size_t cap, const struct lab_flows *flows, const struct lab_segment *seg, int what)
{
	struct out out = {.text = text, .cap = cap};
	uint32_t isn = 0, peer_isn = 0, seq;

	text[0] = '\0';
	if (seg->protocol != 6 || !seg->sport) {
		say_other(&out, seg);
		return text;
	}
	lab_flows_isn(flows, seg, false, &isn);
	lab_flows_isn(flows, seg, true, &peer_isn);
	for (int i = 0; i < 8; i++) {
		if (seg->flags >> i & 1)
			say(&out, "%c", "FSRP.UEW"[i]);
	}
	if (!seg->flags)
		say(&out, "-");
	/* A reset that is made up from nothing has sequence number 0 itself. */
	seq = seg->flags & LAB_RST && !seg->seq ? 0 : seg->seq - isn;
	say(&out, " %u:%u(%u)", seq, seq + seg->payload_len, seg->payload_len);
	if (seg->flags & LAB_ACK)
		say(&out, " ack %u", seg->ack - peer_isn);
	if (what & LAB_TEXT_WINDOW)
		say(&out, " win %u", seg->window);
	if (seg->flags & LAB_URG)
		say(&out, " urg %u", seg->urgent);
	if (what & LAB_TEXT_OPTIONS)
		say_options(&out, seg, peer_isn);
	if (seg->broken)
		say(&out, " bad checksum");
	return text;
}

/* ------------------------------------------------------------------ words in */

static bool word(const char **p, const char *expected)
{
	size_t len = strlen(expected);

	while (**p == ' ')
		(*p)++;
	if (strncmp(*p, expected, len))
		return false;
	*p += len;
	return true;
}

static bool number(const char **p, uint32_t *value)
{
	char *end;

	while (**p == ' ')
		(*p)++;
	*value = (uint32_t)strtoul(*p, &end, 10);
	if (end == *p)
		return false;
	*p = end;
	return true;
}

static bool parse_flags(struct lab_segment *seg, const char **p)
{
	static const char names[] = "FSRP.UEW";
	const char *found;

	seg->flags = 0;
	if (word(p, "- "))
		return true;
	for (; **p && **p != ' '; (*p)++) {
		found = strchr(names, **p);
		if (!found)
			return false;
		seg->flags |= (uint8_t)(1 << (found - names));
	}
	return seg->flags;
}

/* Appends @kind, a length where it has one, and @a and @b of the given widths. */
static bool put_option(struct lab_segment *seg, uint8_t options[40], uint8_t kind, unsigned len_a, uint32_t a,
		       unsigned len_b, uint32_t b)
{
	unsigned len = kind <= OPT_NOP ? 1 : 2 + len_a + len_b;
	uint8_t *p = options + seg->options_len;

	if (seg->options_len + len > 40)
		return false;
	*p++ = kind;
	if (kind > OPT_NOP)
		*p++ = (uint8_t)len;
	while (len_a)
		*p++ = (uint8_t)(a >> (8 * --len_a));
	while (len_b)
		*p++ = (uint8_t)(b >> (8 * --len_b));
	seg->options = options;
	seg->options_len += len;
	return true;
}

static bool parse_option(struct lab_segment *seg, uint8_t options[40], const char **p)
{
	uint32_t a, b;

	if (word(p, "nop"))
		return put_option(seg, options, OPT_NOP, 0, 0, 0, 0);
	if (word(p, "eol"))
		return put_option(seg, options, OPT_EOL, 0, 0, 0, 0);
	if (word(p, "sackOK"))
		return put_option(seg, options, OPT_SACK_OK, 0, 0, 0, 0);
	if (word(p, "mss"))
		return number(p, &a) && put_option(seg, options, OPT_MSS, 2, a, 0, 0);
	if (word(p, "wscale"))
		return number(p, &a) && put_option(seg, options, OPT_WSCALE, 1, a, 0, 0);
	if (word(p, "TS val"))
		return number(p, &a) && word(p, "ecr") && number(p, &b) && put_option(seg, options, OPT_TS, 4, a, 4, b);
	return false;
}

bool lab_segment_parse(struct lab_segment *seg, uint8_t options[40], const char *text)
{
	const char *p = text;
	uint32_t end, value;

	if (!parse_flags(seg, &p) || !number(&p, &seg->seq) || !word(&p, ":") || !number(&p, &end) || !word(&p, "(") ||
	    !number(&p, &seg->payload_len) || !word(&p, ")") || end - seg->seq != seg->payload_len)
		return false;
	seg->ack = 0;
	if (word(&p, "ack") && !number(&p, &seg->ack))
		return false;
	if (word(&p, "win")) {
		if (!number(&p, &value) || value > 65535)
			return false;
		seg->window = (uint16_t)value;
	}
	if (word(&p, "urg")) {
		if (!number(&p, &value) || value > 65535)
			return false;
		seg->urgent = (uint16_t)value;
	}
	seg->options_len = 0;
	if (word(&p, "<")) {
		do {
			if (!parse_option(seg, options, &p))
				return false;
		} while (word(&p, ","));
		if (!word(&p, ">"))
			return false;
	}
	return !*p;
}
