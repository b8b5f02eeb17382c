// SPDX-License-Identifier: MIT
/*
 * drill/run_read.c - a packet that left the side becomes one of the script's language
 */
#include "drill/run_wire.h"

#include "lab/frame.h"

#include <netinet/in.h>
#include <string.h>

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void read_ip(struct run_seen *seen, const struct lab_segment *seg, const uint8_t *ip)
{
	struct drill_ip *to = &seen->packet.ip;

	to->tos_check = DRILL_TOS_BYTE;
	to->has_ttl = true;
	to->ttl = seg->hop_limit;
	if (seg->family == AF_INET6) {
		to->tos = (uint8_t)(get16(ip) >> 4);
		to->has_flow_label = true;
		to->flow_label = get32(ip) & 0xfffff;
	} else {
		to->tos = ip[1];
		seen->odd_bits = ip[0] != 0x45;
	}
}

/* ---------------------------------------------------------------- options */

static bool read_sack(struct drill_option *to, const uint8_t *p, unsigned n)
{
	if (n % 8 || n / 8 > DRILL_MAX_SACK)
		return false;
	to->kind = DRILL_OPT_SACK;
	to->sack.n = n / 8;
	for (unsigned i = 0; i < to->sack.n; i++, p += 8) {
		to->sack.block[i].start = get32(p);
		to->sack.block[i].end = get32(p + 4);
	}
	return true;
}

static bool read_cookie(struct drill_option *to, enum drill_option_kind kind, const uint8_t *p, unsigned n)
{
	if (n > DRILL_MAX_COOKIE)
		return false;
	to->kind = kind;
	to->cookie.length = n;
	memcpy(to->cookie.bytes, p, n);
	return true;
}

static bool read_accecn(struct drill_option *to, const uint8_t *p, unsigned n, bool e1b_first)
{
	static const enum drill_accecn_field orders[2][DRILL_ACCECN_FIELDS] = {
		{DRILL_E0B, DRILL_CEB, DRILL_E1B},
		{DRILL_E1B, DRILL_CEB, DRILL_E0B},
	};

	if (n % 3 || n / 3 > DRILL_ACCECN_FIELDS)
		return false;
	to->kind = DRILL_OPT_ACCECN;
	to->accecn.n = n / 3;
	for (unsigned i = 0; i < to->accecn.n; i++, p += 3) {
		to->accecn.item[i].field = orders[e1b_first][i];
		to->accecn.item[i].value = (uint32_t)p[0] << 16 | get16(p + 1);
	}
	return true;
}

/* @n bytes behind kind and length. False: the language has no such option. */
static bool read_option(struct drill_option *to, unsigned kind, const uint8_t *p, unsigned n)
{
	to->length = n + 2;
	if (kind == 2 && n == 2) {
		to->kind = DRILL_OPT_MSS;
		to->mss = (uint16_t)get16(p);
	} else if (kind == 3 && n == 1) {
		to->kind = DRILL_OPT_WSCALE;
		to->wscale = p[0];
	} else if (kind == 4 && !n) {
		to->kind = DRILL_OPT_SACKOK;
	} else if (kind == 8 && n == 8) {
		to->kind = DRILL_OPT_TS;
		to->ts.val = get32(p);
		to->ts.ecr = get32(p + 4);
	} else if (kind == 5) {
		return read_sack(to, p, n);
	} else if (kind == 19 && n == 16) {
		return read_cookie(to, DRILL_OPT_MD5, p, n);
	} else if (kind == 34) {
		return read_cookie(to, DRILL_OPT_FO, p, n);
	} else if (kind == 254 && n >= 2 && get16(p) == 0xf989) {
		return read_cookie(to, DRILL_OPT_FOEXP, p + 2, n - 2);
	} else if (kind == 172 || kind == 174) {
		return read_accecn(to, p, n, kind == 174);
	} else {
		return false;
	}
	return true;
}

static void read_options(struct run_seen *seen, const uint8_t *p, const uint8_t *end)
{
	struct drill_option **tail = &seen->packet.tcp.options;
	struct drill_option *to = seen->options;

	for (; p < end; p += to++->length) {
		memset(to, 0, sizeof(*to));
		if (*p <= 1) {
			to->kind = *p ? DRILL_OPT_NOP : DRILL_OPT_EOL;
			to->length = 1;
		} else if (end - p < 2 || p[1] < 2 || p[1] > end - p || !read_option(to, p[0], p + 2, p[1] - 2U)) {
			seen->odd_option = p[0];
			break;
		}
		*tail = to;
		tail = &to->next;
	}
	*tail = NULL;
}

/* ---------------------------------------------------------------- segments */

static void read_tcp(struct run_seen *seen, const struct lab_segment *seg)
{
	struct drill_tcp *tcp = &seen->packet.tcp;
	const uint8_t *header = seg->options - 20;

	seen->packet.kind = DRILL_TCP;
	tcp->has_ports = true;
	tcp->src_port = seg->sport;
	tcp->dst_port = seg->dport;
	tcp->flags = seg->flags | (header[12] & 1 ? DRILL_AE : 0);
	seen->odd_bits |= header[12] & 0x0e;
	tcp->seq = seg->seq;
	tcp->length = (uint16_t)seg->payload_len;
	tcp->end = tcp->seq + seg->payload_len;
	tcp->ack = seg->ack;
	tcp->has_ack = tcp->flags & DRILL_ACK;
	tcp->has_window = true;
	tcp->window = seg->window;
	tcp->urg = seg->urgent;
	tcp->has_urg = seg->urgent;
	tcp->option_bytes = seg->options_len;
	seen->payload = seg->payload;
	seen->payload_len = seg->payload_len;
	read_options(seen, seg->options, seg->options + seg->options_len);
}

bool run_read(struct run_seen *seen, const struct drill_frame *frame)
{
	struct lab_segment seg;

	memset(&seen->packet, 0, sizeof(seen->packet));
	seen->at_ns = frame->at_ns;
	seen->odd_option = RUN_NO_ODD_OPTION;
	seen->odd_bits = false;
	seen->payload_len = 0;
	if (!lab_segment_read(&seg, frame->bytes, frame->len))
		return false;
	seen->family = seg.family;
	memcpy(seen->saddr, seg.saddr, 16);
	memcpy(seen->daddr, seg.daddr, 16);
	seen->packet.outbound = true;
	read_ip(seen, &seg, frame->bytes);
	if (seg.protocol == IPPROTO_TCP && seg.options) {
		read_tcp(seen, &seg);
		return true;
	}
	seen->packet.kind = DRILL_ICMP;
	seen->icmp_type = seg.icmp_type;
	seen->icmp_code = seg.icmp_code;
	return seg.protocol == IPPROTO_ICMP || seg.protocol == IPPROTO_ICMPV6;
}

void run_to_script(struct run_seen *seen, const struct run_flow *flow)
{
	struct drill_tcp *tcp = &seen->packet.tcp;
	bool syn = tcp->flags & DRILL_SYN;
	uint32_t peer = run_remote_offset(flow, syn);

	tcp->seq -= run_local_offset(flow, syn);
	tcp->end -= run_local_offset(flow, syn);
	if (tcp->flags & DRILL_ACK)
		tcp->ack -= peer;
	for (struct drill_option *option = tcp->options; option; option = option->next)
		for (unsigned i = 0; option->kind == DRILL_OPT_SACK && i < option->sack.n; i++) {
			option->sack.block[i].start -= peer;
			option->sack.block[i].end -= peer;
		}
}

/* ---------------------------------------------------------------- options of both kinds of packets */

struct drill_option *run_find_option(struct drill_option *option, enum drill_option_kind kind)
{
	while (option && option->kind != kind)
		option = option->next;
	return option;
}

static bool same_blocks(const struct drill_option *a, const struct drill_option *b)
{
	for (unsigned i = 0; i < a->sack.n; i++)
		if (a->sack.block[i].start != b->sack.block[i].start || a->sack.block[i].end != b->sack.block[i].end)
			return false;
	return true;
}

static bool same_counts(const struct drill_option *a, const struct drill_option *b)
{
	for (unsigned i = 0; i < a->accecn.n; i++)
		if (a->accecn.item[i].field != b->accecn.item[i].field ||
		    a->accecn.item[i].value != b->accecn.item[i].value)
			return false;
	return true;
}

bool run_same_option(const struct drill_option *a, const struct drill_option *b)
{
	if (a->kind != b->kind || a->length != b->length)
		return false;
	switch (a->kind) {
	case DRILL_OPT_EOL:
	case DRILL_OPT_NOP:
	case DRILL_OPT_SACKOK:
		return true;
	case DRILL_OPT_MSS:
		return a->mss == b->mss;
	case DRILL_OPT_WSCALE:
		return a->wscale == b->wscale;
	case DRILL_OPT_SACK:
		return same_blocks(a, b);
	case DRILL_OPT_TS:
		return a->ts.val == b->ts.val && a->ts.ecr == b->ts.ecr;
	case DRILL_OPT_MD5:
	case DRILL_OPT_FO:
	case DRILL_OPT_FOEXP:
		return !memcmp(a->cookie.bytes, b->cookie.bytes, a->cookie.length);
	case DRILL_OPT_ACCECN:
		return same_counts(a, b);
	}
	return false;
}
