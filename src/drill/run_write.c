// SPDX-License-Identifier: MIT
/*
 * drill/run_write.c - an inbound packet of the script becomes bytes
 *
 *	IP header | TCP header, options, zeroes
 *	IP header | ICMP header | the header of the packet that it is about, and the first 8 bytes of its TCP header
 *
 * What the script does not say is what packetdrill sends: TTL 255, no flow label, payload of zeroes.
 */
#include "drill/run_wire.h"

#include "lab/frame.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

enum { TTL_OF_THE_SCRIPT = 255, QUOTED_TCP = 8, ICMP_HEADER = 8 };

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static bool is_ipv6(const struct drill_net *net)
{
	return net->family == DRILL_IPV6;
}

static size_t ip_header_length(const struct drill_net *net)
{
	return is_ipv6(net) ? 40 : 20;
}

/* struct leg - who sends to whom, and what */
struct leg {
	const uint8_t *from, *to;
	uint8_t protocol;
	size_t payload;
};

/* ---------------------------------------------------------------- IP */

static void put_ipv4(uint8_t *p, const struct leg *leg, const struct drill_ip *ip)
{
	p[0] = 0x45;
	p[1] = ip->tos;
	put16(p + 2, (uint32_t)(20 + leg->payload));
	p[8] = ip->has_ttl ? ip->ttl : TTL_OF_THE_SCRIPT;
	p[9] = leg->protocol;
	memcpy(p + 12, leg->from + 12, 4);
	memcpy(p + 16, leg->to + 12, 4);
	put16(p + 10, (uint16_t)~lab_checksum(0, p, 20));
}

static void put_ipv6(uint8_t *p, const struct leg *leg, const struct drill_ip *ip)
{
	put32(p, 6U << 28 | (uint32_t)ip->tos << 20 | (ip->has_flow_label ? ip->flow_label : 0));
	put16(p + 4, (uint32_t)leg->payload);
	p[6] = leg->protocol;
	p[7] = ip->has_ttl ? ip->ttl : TTL_OF_THE_SCRIPT;
	memcpy(p + 8, leg->from, 16);
	memcpy(p + 24, leg->to, 16);
}

/* Gives where the payload begins. */
static uint8_t *put_ip(uint8_t *p, const struct drill_net *net, const struct leg *leg, const struct drill_ip *ip)
{
	memset(p, 0, ip_header_length(net));
	if (is_ipv6(net))
		put_ipv6(p, leg, ip);
	else
		put_ipv4(p, leg, ip);
	return p + ip_header_length(net);
}

/* Over addresses, protocol and payload; the checksum's own bytes are zero. */
static uint16_t transport_checksum(const struct drill_net *net, const struct leg *leg, const uint8_t *payload)
{
	unsigned skip = is_ipv6(net) ? 0 : 12;
	uint32_t sum = leg->protocol + (uint32_t)(leg->payload >> 16) + (uint32_t)(leg->payload & 0xffff);

	sum = lab_checksum(sum, leg->from + skip, 16 - skip);
	sum = lab_checksum(sum, leg->to + skip, 16 - skip);
	return (uint16_t)~lab_checksum(sum, payload, leg->payload);
}

/* ---------------------------------------------------------------- TCP options */

static uint8_t *put_head(uint8_t *p, uint8_t kind, const struct drill_option *option)
{
	*p++ = kind;
	*p++ = (uint8_t)option->length;
	return p;
}

static void put_sack(uint8_t *p, const struct drill_option *option, uint32_t offset)
{
	p = put_head(p, 5, option);
	for (unsigned i = 0; i < option->sack.n; i++, p += 8) {
		put32(p, option->sack.block[i].start + offset);
		put32(p + 4, option->sack.block[i].end + offset);
	}
}

static void put_accecn(uint8_t *p, const struct drill_option *option)
{
	bool e1b_first = option->accecn.n && option->accecn.item[0].field == DRILL_E1B;

	p = put_head(p, e1b_first ? 174 : 172, option);
	for (unsigned i = 0; i < option->accecn.n; i++, p += 3) {
		p[0] = (uint8_t)(option->accecn.item[i].value >> 16);
		put16(p + 1, option->accecn.item[i].value);
	}
}

static void put_option(uint8_t *p, const struct drill_option *option, const struct run_flow *flow, bool syn)
{
	switch (option->kind) {
	case DRILL_OPT_EOL:
	case DRILL_OPT_NOP:
		*p = option->kind == DRILL_OPT_NOP;
		break;
	case DRILL_OPT_MSS:
		put16(put_head(p, 2, option), option->mss);
		break;
	case DRILL_OPT_WSCALE:
		*put_head(p, 3, option) = option->wscale;
		break;
	case DRILL_OPT_SACKOK:
		put_head(p, 4, option);
		break;
	case DRILL_OPT_SACK:
		put_sack(p, option, run_local_offset(flow, syn));
		break;
	case DRILL_OPT_TS:
		p = put_head(p, 8, option);
		put32(p, option->ts.val);
		put32(p + 4, option->ts.ecr);
		break;
	case DRILL_OPT_MD5:
	case DRILL_OPT_FO:
		p = put_head(p, option->kind == DRILL_OPT_FO ? 34 : 19, option);
		memcpy(p, option->cookie.bytes, option->cookie.length);
		break;
	case DRILL_OPT_FOEXP:
		p = put_head(p, 254, option);
		put16(p, 0xf989);
		memcpy(p + 2, option->cookie.bytes, option->cookie.length);
		break;
	case DRILL_OPT_ACCECN:
		put_accecn(p, option);
		break;
	}
}

/*
 * What the peer echoes is a value that the side has sent: the script's stands for it. A segment without ACK echoes
 * nothing, and its number is sent as written.
 */
static bool put_options(uint8_t *p, const struct drill_tcp *tcp, const struct run_flow *flow, bool scaled,
			struct drill_text *why)
{
	for (const struct drill_option *option = tcp->options; option; option = option->next) {
		uint32_t ecr;

		put_option(p, option, flow, tcp->flags & DRILL_SYN);
		if (option->kind == DRILL_OPT_TS && tcp->flags & DRILL_ACK) {
			if (!run_stamp_wire(flow, option->ts.ecr, &ecr)) {
				if (!scaled || !flow->n_stamps) {
					snprintf(why->text, sizeof(why->text),
						 "the packet echoes TS val %u, which no packet out had before: take a "
						 "value that "
						 "one had, or --tcp_ts_ecr_scaled",
						 option->ts.ecr);
					return false;
				}
				ecr = run_stamp_to_wire(flow, option->ts.ecr);
			}
			put32(p + 6, ecr);
		}
		p += option->length;
	}
	return true;
}

/* ---------------------------------------------------------------- TCP */

static size_t write_tcp(uint8_t *to, const struct drill_net *net, const struct drill_packet *packet,
			const struct run_flow *flow, bool scaled, struct drill_text *why)
{
	const struct drill_tcp *tcp = &packet->tcp;
	bool syn = tcp->flags & DRILL_SYN;
	size_t header = 20 + tcp->option_bytes;
	struct leg leg = {net->remote, net->local, IPPROTO_TCP, header + tcp->length};
	uint8_t *p;

	if (leg.payload + (is_ipv6(net) ? 0 : 20) > 65535) {
		snprintf(why->text, sizeof(why->text), "a packet with %u bytes of payload is longer than IP allows",
			 tcp->length);
		return 0;
	}
	p = put_ip(to, net, &leg, &packet->ip);
	memset(p, 0, leg.payload);
	put16(p, tcp->has_ports && tcp->src_port ? tcp->src_port : flow->remote_port);
	put16(p + 2, tcp->has_ports && tcp->dst_port ? tcp->dst_port : flow->local_port);
	put32(p + 4, tcp->seq + run_remote_offset(flow, syn));
	put32(p + 8, tcp->flags & DRILL_ACK ? tcp->ack + run_local_offset(flow, syn) : tcp->ack);
	p[12] = (uint8_t)(header / 4 << 4 | (tcp->flags & DRILL_AE ? 1 : 0));
	p[13] = (uint8_t)tcp->flags;
	put16(p + 14, tcp->window);
	put16(p + 18, tcp->has_urg ? tcp->urg : 0);
	if (!put_options(p + 20, tcp, flow, scaled, why))
		return 0;
	put16(p + 16, transport_checksum(net, &leg, p));
	return (size_t)(p - to) + leg.payload;
}

/* ---------------------------------------------------------------- ICMP */

static size_t quote_length(const struct drill_net *net, const struct drill_icmp *icmp)
{
	bool echo = !strncmp(icmp->type, "echo_", 5);

	return echo ? 0 : ip_header_length(net) + QUOTED_TCP;
}

/* The beginning of a segment of the side's, as a router would have seen it. */
static void put_quote(uint8_t *p, const struct drill_net *net, const struct drill_icmp *icmp,
		      const struct run_flow *flow)
{
	struct leg leg = {net->local, net->remote, IPPROTO_TCP, 20U + icmp->quote_length};
	const struct drill_ip plain = {.tos = 0};

	p = put_ip(p, net, &leg, &plain);
	put16(p, flow->local_port);
	put16(p + 2, flow->remote_port);
	put32(p + 4, icmp->quote_seq + run_local_offset(flow, false));
}

/* The rest of the header: the MTU of a packet that was too big, the identifier of an echo. */
static bool put_icmp_rest(uint8_t *p, const struct drill_net *net, const struct drill_icmp *icmp,
			  struct drill_text *why)
{
	bool too_big =
		is_ipv6(net) ? p[0] == ICMP6_PACKET_TOO_BIG : p[0] == ICMP_DEST_UNREACH && p[1] == ICMP_FRAG_NEEDED;

	if (icmp->has_id)
		put16(p + 4, icmp->id);
	if (!icmp->has_mtu)
		return true;
	if (!too_big || (!is_ipv6(net) && icmp->mtu > 65535)) {
		snprintf(why->text, sizeof(why->text), "over this family a packet `icmp %s%s%s` has no MTU of %u",
			 icmp->type, icmp->code ? " " : "", icmp->code ? icmp->code : "", icmp->mtu);
		return false;
	}
	put32(p + 4, icmp->mtu); /* ICMP: 16 unused bits before it */
	return true;
}

static size_t write_icmp(uint8_t *to, const struct drill_net *net, const struct drill_packet *packet,
			 const struct run_flow *flow, struct drill_text *why)
{
	const struct drill_icmp *icmp = &packet->icmp;
	size_t quote = quote_length(net, icmp);
	struct leg leg = {net->remote, net->local, is_ipv6(net) ? IPPROTO_ICMPV6 : IPPROTO_ICMP, ICMP_HEADER + quote};
	uint8_t *p = put_ip(to, net, &leg, &packet->ip);

	memset(p, 0, leg.payload);
	if (!drill_icmp_numbers(icmp, is_ipv6(net) ? AF_INET6 : AF_INET, p, p + 1)) {
		snprintf(why->text, sizeof(why->text), "%s has no message `%s%s%s`", is_ipv6(net) ? "ICMPv6" : "ICMP",
			 icmp->type, icmp->code ? " " : "", icmp->code ? icmp->code : "");
		return 0;
	}
	if (!put_icmp_rest(p, net, icmp, why))
		return 0;
	if (quote)
		put_quote(p + ICMP_HEADER, net, icmp, flow);
	put16(p + 2, is_ipv6(net) ? transport_checksum(net, &leg, p) : (uint16_t)~lab_checksum(0, p, leg.payload));
	return (size_t)(p - to) + leg.payload;
}

size_t run_write(uint8_t *to, const struct drill_net *net, const struct drill_packet *packet,
		 const struct run_flow *flow, bool scaled, struct drill_text *why)
{
	if (packet->kind == DRILL_ICMP)
		return write_icmp(to, net, packet, flow, why);
	return write_tcp(to, net, packet, flow, scaled, why);
}
