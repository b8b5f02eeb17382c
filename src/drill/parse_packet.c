// SPDX-License-Identifier: MIT
/*
 * drill/parse_packet.c - one packet, inbound or outbound
 *
 *	< S 0:0(0) win 65535 <mss 1460>
 *	> [ect0] P. 1:1001(1000) ack 1 win 500 urg 3 <...>
 *	< icmp unreachable frag_needed mtu 1400 [1:1001(1000)]
 */
#include "drill/parse.h"

#include <string.h>

enum { MAX_IP_BYTES = 65535 };

/* ---------------------------------------------------------------- [ect0], (tos 0x10, flowlabel 0x1), [ttl 3] */

static bool accept_ecn(struct drill_lexer *lexer, struct drill_ip *ip)
{
	static const char *const names[] = {"noecn", "ect1", "ect0", "ce"}; /* in the order of the bits */

	for (uint8_t bits = 0; bits < 4; bits++) {
		if (lex_accept_word(lexer, names[bits])) {
			ip->tos_check = DRILL_TOS_ECN;
			ip->tos = bits;
			return true;
		}
	}
	return false;
}

static bool accept_tos(struct drill_lexer *lexer, struct drill_ip *ip, bool outbound)
{
	if (accept_ecn(lexer, ip))
		return true;
	if (lex_is_word(lexer, "ect01")) {
		if (!outbound)
			lex_fail(lexer, lexer->token.pos,
				 "expected one value, found [ect01], which only outbound packets may have");
		lex_next(lexer);
		ip->tos_check = DRILL_TOS_ECT01;
		return true;
	}
	if (!lex_accept_word(lexer, "tos"))
		return false;
	ip->tos_check = DRILL_TOS_BYTE;
	ip->tos = (uint8_t)lex_expect_integer(lexer, "a traffic class", 0, UINT8_MAX);
	return true;
}

static void parse_ip(struct drill_lexer *lexer, struct drill_ip *ip, bool outbound)
{
	int close = lex_accept_sign(lexer, '[') ? ']' : lex_accept_sign(lexer, '(') ? ')' : 0;

	if (!close)
		return;
	do {
		if (!ip->tos_check && accept_tos(lexer, ip, outbound))
			continue;
		if (!ip->has_flow_label && lex_accept_word(lexer, "flowlabel")) {
			ip->has_flow_label = true;
			ip->flow_label = (uint32_t)lex_expect_integer(lexer, "a flow label", 0, 0xfffff);
		} else if (!ip->has_ttl && lex_accept_word(lexer, "ttl")) {
			ip->has_ttl = true;
			ip->ttl = (uint8_t)lex_expect_integer(lexer, "a TTL", 0, UINT8_MAX);
		} else {
			lex_expected(lexer, "noecn, ect0, ect1, ce, ect01, tos, flowlabel or ttl");
		}
	} while (lex_accept_sign(lexer, ','));
	lex_expect_sign(lexer, close, "behind what is said of IP");
}

/* ---------------------------------------------------------------- TCP */

/* 49152 > 8080: only a number can be followed by '>' here */
static void parse_ports(struct drill_lexer *lexer, struct drill_tcp *tcp)
{
	if (lexer->token.kind != TOKEN_INTEGER || lex_peek(lexer) != '>')
		return;
	tcp->has_ports = true;
	tcp->src_port = (uint16_t)lex_expect_integer(lexer, "a port", 0, UINT16_MAX);
	lex_expect_sign(lexer, '>', "between the ports");
	tcp->dst_port = (uint16_t)lex_expect_integer(lexer, "a port", 0, UINT16_MAX);
}

/* One letter; false: no flag, or AccECN's counter beside the single bits that it is made of. */
static bool read_flag(struct drill_tcp *tcp, char letter, bool *single)
{
	static const char letters[] = "FSRP.UEWA"; /* from the lowest bit on */
	const char *found = strchr(letters, letter);
	unsigned bit = found ? 1u << (found - letters) : 0;

	if (letter >= '0' && letter <= '7' && !tcp->ace && !*single) {
		tcp->ace = true;
		tcp->flags |= (uint16_t)((letter - '0') * DRILL_ECE);
		return true;
	}
	if (!letter || !found || (tcp->ace && bit >= DRILL_ECE))
		return false;
	*single |= bit >= DRILL_ECE;
	tcp->flags |= (uint16_t)bit;
	return true;
}

static void parse_flags(struct drill_lexer *lexer, struct drill_tcp *tcp)
{
	static const char expected[] =
		"TCP flags of the letters F S R P . U, with E W A or one digit from 0 to 7, or '-'";
	const struct drill_token *token = &lexer->token;
	struct drill_pos pos = token->pos;
	bool single = false;

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_DECIMAL && token->kind != TOKEN_INTEGER &&
	    token->kind != TOKEN_SIGN) {
		lex_expected(lexer, expected);
		return;
	}
	lex_again_to_blank(lexer);
	if (token->length == 1 && *token->text == '-') {
		lex_next(lexer);
		return;
	}
	for (size_t i = 0; i < token->length; i++) {
		if (!read_flag(tcp, token->text[i], &single)) {
			pos.column += (int)i;
			lex_fail(lexer, pos, "expected %s, found \"%.*s\"", expected,
				 token->length > 40 ? 40 : (int)token->length, token->text);
			return;
		}
	}
	lex_next(lexer);
}

/* START:END(LENGTH) */
static void parse_range(struct drill_lexer *lexer, uint32_t *start, uint16_t *length)
{
	struct drill_pos pos = lexer->token.pos;
	int64_t end;

	*start = (uint32_t)lex_expect_integer(lexer, "a sequence number", 0, UINT32_MAX);
	lex_expect_sign(lexer, ':', "behind the first sequence number");
	end = lex_expect_integer(lexer, "the sequence number behind the data", 0, UINT32_MAX);
	lex_expect_sign(lexer, '(', "behind the sequence numbers");
	*length = (uint16_t)lex_expect_integer(lexer, "a length of data", 0, UINT16_MAX);
	lex_expect_sign(lexer, ')', "behind the length");
	if (end != (int64_t)*start + *length)
		lex_fail(lexer, pos, "expected START:END(LENGTH) with END = START + LENGTH, found %u:%lld(%u)", *start,
			 (long long)end, *length);
}

static void parse_tcp(struct drill_lexer *lexer, struct drill_packet *packet)
{
	struct drill_pos pos = lexer->token.pos;
	struct drill_tcp *tcp = &packet->tcp;

	packet->kind = DRILL_TCP;
	parse_ports(lexer, tcp);
	parse_flags(lexer, tcp);
	parse_range(lexer, &tcp->seq, &tcp->length);
	tcp->end = tcp->seq + tcp->length;
	tcp->has_ack = lex_accept_word(lexer, "ack");
	if (tcp->has_ack)
		tcp->ack = (uint32_t)lex_expect_integer(lexer, "an acknowledgement", 0, UINT32_MAX);
	tcp->has_window = lex_accept_word(lexer, "win");
	if (tcp->has_window)
		tcp->window = (uint16_t)lex_expect_integer(lexer, "a window", 0, UINT16_MAX);
	else if (!packet->outbound)
		lex_fail(lexer, pos, "expected \"win WINDOW\" in an inbound segment, found none");
	tcp->has_urg = lex_accept_word(lexer, "urg");
	if (tcp->has_urg)
		tcp->urg = (uint16_t)lex_expect_integer(lexer, "an urgent pointer", 0, UINT16_MAX);
	if (lex_is_sign(lexer, '<')) {
		lex_next(lexer);
		parse_tcp_options(lexer, tcp, packet->outbound);
	}
	/* 20 bytes each of IPv4 and TCP, 40 of IPv6: what fits into IPv4 only is left to the runner */
	if (20 + 20 + tcp->option_bytes + tcp->length > MAX_IP_BYTES)
		lex_fail(lexer, pos, "expected a segment of at most %d bytes with its headers", MAX_IP_BYTES);
}

/* ---------------------------------------------------------------- ICMP */

static void parse_quote(struct drill_lexer *lexer, struct drill_icmp *icmp)
{
	if (!lex_accept_sign(lexer, '['))
		return;
	if (lex_is_word(lexer, "udp") || lex_is_word(lexer, "raw")) {
		lex_unsupported(lexer, lexer->token.pos, "ICMP that quotes anything but TCP");
		return;
	}
	icmp->has_quote = true;
	parse_range(lexer, &icmp->quote_seq, &icmp->quote_length);
	lex_expect_sign(lexer, ']', "behind the quoted segment");
}

static bool is_icmp_part(const struct drill_lexer *lexer)
{
	return lex_is_word(lexer, "mtu") || lex_is_word(lexer, "id");
}

static void parse_icmp(struct drill_lexer *lexer, struct drill_packet *packet)
{
	struct drill_icmp *icmp = &packet->icmp;
	struct drill_pos pos = lexer->token.pos;

	packet->kind = DRILL_ICMP;
	icmp->type = lex_expect_word(lexer, "a type of ICMP");
	if (!icmp_type_exists(icmp->type))
		lex_fail(lexer, pos, "expected a type of ICMP or ICMPv6, found \"%.60s\"", icmp->type);
	pos = lexer->token.pos;
	if (lexer->token.kind == TOKEN_WORD && !is_icmp_part(lexer)) {
		icmp->code = lex_expect_word(lexer, "a code");
		if (!icmp_code_exists(icmp->type, icmp->code))
			lex_fail(lexer, pos, "expected a code of %s, found \"%.60s\"", icmp->type, icmp->code);
	}
	icmp->has_mtu = lex_accept_word(lexer, "mtu");
	if (icmp->has_mtu)
		icmp->mtu = (uint32_t)lex_expect_integer(lexer, "an MTU", 0, UINT32_MAX);
	icmp->has_id = lex_accept_word(lexer, "id");
	if (icmp->has_id)
		icmp->id = (uint16_t)lex_expect_integer(lexer, "an echo's identifier", 0, UINT16_MAX);
	parse_quote(lexer, icmp);
}

/* ---------------------------------------------------------------- any packet */

/* What the original can put around a segment, or in its place. */
static bool is_encapsulation(struct drill_lexer *lexer)
{
	static const struct {
		const char *word;
		const char *what;
	} others[] = {
		{"udp", "UDP packets"},
		{"encap", "encapsulation in PSP"},
		{"ipv4", "encapsulation in IPv4"},
		{"ipv6", "encapsulation in IPv6"},
		{"gre", "encapsulation in GRE"},
		{"GREv0", "encapsulation in GRE"},
		{"mpls", "encapsulation in MPLS"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (lex_is_word(lexer, others[i].word)) {
			lex_unsupported(lexer, lexer->token.pos, others[i].what);
			return true;
		}
	}
	return false;
}

void parse_packet(struct drill_lexer *lexer, struct drill_packet *packet)
{
	packet->outbound = lex_is_sign(lexer, '>');
	lex_next(lexer);
	parse_ip(lexer, &packet->ip, packet->outbound);
	if (is_encapsulation(lexer))
		return;
	if (lex_accept_word(lexer, "icmp"))
		parse_icmp(lexer, packet);
	else
		parse_tcp(lexer, packet);
}
