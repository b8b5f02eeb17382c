// SPDX-License-Identifier: MIT
/*
 * drill/parse_option.c - the TCP options of a segment
 *
 *	<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>   <nop,nop,sack 1:1001 2001:3001>   <...>
 *
 * Order and padding are the script's: what is written goes to the wire byte for byte, so the lengths have to add up.
 */
#include "drill/parse.h"

#include <string.h>

static void parse_mss(struct drill_lexer *lexer, struct drill_option *option)
{
	option->mss = (uint16_t)lex_expect_integer(lexer, "an MSS", 0, UINT16_MAX);
}

static void parse_wscale(struct drill_lexer *lexer, struct drill_option *option)
{
	option->wscale = (uint8_t)lex_expect_integer(lexer, "a window scale", 0, UINT8_MAX);
}

static void parse_sack(struct drill_lexer *lexer, struct drill_option *option)
{
	unsigned n = 0;

	do {
		if (n == DRILL_MAX_SACK) {
			lex_fail(lexer, lexer->token.pos, "expected at most %d SACK blocks", DRILL_MAX_SACK);
			return;
		}
		option->sack.block[n].start =
			(uint32_t)lex_expect_integer(lexer, "the left edge of a SACK block", 0, UINT32_MAX);
		lex_expect_sign(lexer, ':', "between the edges of a SACK block");
		option->sack.block[n].end =
			(uint32_t)lex_expect_integer(lexer, "the right edge of a SACK block", 0, UINT32_MAX);
		n++;
	} while (lexer->token.kind == TOKEN_INTEGER);
	option->sack.n = n;
	option->length += n * 8;
}

static void parse_timestamp(struct drill_lexer *lexer, struct drill_option *option)
{
	if (!lex_accept_word(lexer, "val"))
		lex_expected(lexer, "\"val\" behind TS");
	option->ts.val = (uint32_t)lex_expect_integer(lexer, "a timestamp", 0, UINT32_MAX);
	if (!lex_accept_word(lexer, "ecr"))
		lex_expected(lexer, "\"ecr\" behind the timestamp");
	option->ts.ecr = (uint32_t)lex_expect_integer(lexer, "an echoed timestamp", 0, UINT32_MAX);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes in hex without a prefix; digits alone look like a number, and are taken as they are written. */
static void parse_bytes(struct drill_lexer *lexer, struct drill_option *option)
{
	const struct drill_token *token = &lexer->token;

	if ((token->kind != TOKEN_WORD && token->kind != TOKEN_INTEGER) || token->length % 2 ||
	    token->length > 2 * DRILL_MAX_COOKIE) {
		lex_expected(lexer, "up to 38 bytes in hex");
		return;
	}
	for (size_t i = 0; i < token->length; i += 2) {
		int high = nibble(token->text[i]);
		int low = nibble(token->text[i + 1]);

		if (high < 0 || low < 0) {
			lex_expected(lexer, "up to 38 bytes in hex");
			return;
		}
		option->cookie.bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	option->cookie.length = (unsigned)token->length / 2;
	option->length += option->cookie.length;
	lex_next(lexer);
}

static void parse_cookie(struct drill_lexer *lexer, struct drill_option *option)
{
	if (!lex_is_sign(lexer, ',') && !lex_is_sign(lexer, '>'))
		parse_bytes(lexer, option);
}

static void parse_md5(struct drill_lexer *lexer, struct drill_option *option)
{
	struct drill_pos pos = lexer->token.pos;

	parse_bytes(lexer, option);
	if (option->cookie.length != 16)
		lex_fail(lexer, pos, "expected 16 bytes behind md5, found %u", option->cookie.length);
}

static bool accept_counter(struct drill_lexer *lexer, enum drill_accecn_field *field)
{
	static const char *const names[] = {[DRILL_E0B] = "e0b", [DRILL_CEB] = "ceb", [DRILL_E1B] = "e1b"};

	for (unsigned i = 0; i < DRILL_ACCECN_FIELDS; i++) {
		if (lex_accept_word(lexer, names[i])) {
			*field = i;
			return true;
		}
	}
	return false;
}

/* ECN e0b 1 ceb 0 e1b 1, or the other way round: the first one decides the kind, ceb stands in the middle */
static void parse_accecn(struct drill_lexer *lexer, struct drill_option *option)
{
	struct drill_pos pos = lexer->token.pos;
	enum drill_accecn_field field, first;
	unsigned n = 0;

	while (n < DRILL_ACCECN_FIELDS && accept_counter(lexer, &field)) {
		option->accecn.item[n].field = field;
		option->accecn.item[n++].value = (uint32_t)lex_expect_integer(lexer, "a counter of bytes", 0, 0xffffff);
	}
	first = option->accecn.item[0].field;
	if (!n || first == DRILL_CEB || (n > 1 && option->accecn.item[1].field != DRILL_CEB) ||
	    (n > 2 && (option->accecn.item[2].field == first || option->accecn.item[2].field == DRILL_CEB)))
		lex_fail(lexer, pos,
			 "expected e0b, ceb, e1b or e1b, ceb, e0b behind ECN; the last ones may be left out");
	option->accecn.n = n;
	option->length += n * 3;
}

static const struct option_form {
	const char *name;
	enum drill_option_kind kind;
	unsigned length; /* without what the script adds */
	void (*parse)(struct drill_lexer *lexer, struct drill_option *option);
} option_forms[] = {
	{"eol", DRILL_OPT_EOL, 1, NULL},
	{"nop", DRILL_OPT_NOP, 1, NULL},
	{"mss", DRILL_OPT_MSS, 4, parse_mss},
	{"wscale", DRILL_OPT_WSCALE, 3, parse_wscale},
	{"sackOK", DRILL_OPT_SACKOK, 2, NULL},
	{"sack", DRILL_OPT_SACK, 2, parse_sack},
	{"TS", DRILL_OPT_TS, 10, parse_timestamp},
	{"md5", DRILL_OPT_MD5, 2, parse_md5},
	{"FO", DRILL_OPT_FO, 2, parse_cookie},
	{"FOEXP", DRILL_OPT_FOEXP, 4, parse_cookie},
	{"ECN", DRILL_OPT_ACCECN, 2, parse_accecn},
};

static struct drill_option *parse_option(struct drill_lexer *lexer)
{
	struct drill_option *option = drill_alloc(lexer->arena, sizeof(*option));

	for (size_t i = 0; i < sizeof(option_forms) / sizeof(option_forms[0]); i++) {
		const struct option_form *form = &option_forms[i];

		if (!lex_accept_word(lexer, form->name))
			continue;
		option->kind = form->kind;
		option->length = form->length;
		if (form->parse)
			form->parse(lexer, option);
		return option;
	}
	lex_expected(lexer, "a TCP option: mss, sackOK, sack, TS, wscale, nop, eol, FO, FOEXP, md5, ECN");
	return option;
}

void parse_tcp_options(struct drill_lexer *lexer, struct drill_tcp *tcp, bool outbound)
{
	struct drill_pos pos = lexer->token.pos;
	struct drill_option **tail = &tcp->options;

	if (lexer->token.kind == TOKEN_ELLIPSIS) {
		tcp->any_options = true;
		if (!outbound)
			lex_fail(lexer, pos, "expected TCP options, found <...>, which only outbound packets may have");
		lex_next(lexer);
		lex_expect_sign(lexer, '>', "behind <...");
		return;
	}
	do {
		*tail = parse_option(lexer);
		tcp->option_bytes += (*tail)->length;
		tail = &(*tail)->next;
	} while (lex_accept_sign(lexer, ','));
	lex_expect_sign(lexer, '>', "or ',' behind a TCP option");
	if (tcp->option_bytes % 4)
		lex_fail(lexer, pos, "expected TCP options of 4, 8, 12 ... bytes, found %u; nop or eol fill up",
			 tcp->option_bytes);
	if (tcp->option_bytes > DRILL_MAX_TCP_OPTIONS)
		lex_fail(lexer, pos, "expected at most %d bytes of TCP options, found %u", DRILL_MAX_TCP_OPTIONS,
			 tcp->option_bytes);
}
