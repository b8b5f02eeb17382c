// SPDX-License-Identifier: MIT
/*
 * drill/parse_expr.c - arguments and results of system calls
 *
 *	... 10 0x1f SOL_SOCKET "text" A|B [list] htons(80) {onoff=1, linger=0}
 *
 * Names become numbers here: a constant that nobody knows is an error with its place. A struct is known by its first
 * field; the table says which other fields it has.
 */
#include "drill/parse.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_FIELDS = 6 };

static struct drill_expr *new_expr(struct drill_lexer *lexer, enum drill_expr_kind kind)
{
	struct drill_expr *expr = drill_alloc(lexer->arena, sizeof(*expr));

	expr->kind = kind;
	expr->pos = lexer->token.pos;
	return expr;
}

bool drill_is_number(const struct drill_expr *expr)
{
	switch (expr->kind) {
	case DRILL_INTEGER:
	case DRILL_WORD:
		return true;
	case DRILL_OR:
		for (const struct drill_expr *item = expr->items; item; item = item->next)
			if (!drill_is_number(item))
				return false;
		return true;
	case DRILL_CALL:
		return strcmp(expr->text, "inet6_addr") && expr->length;
	default:
		return false;
	}
}

const struct drill_expr *drill_field(const struct drill_expr *expr, const char *name)
{
	const struct drill_expr *item = expr->items;

	while (item && (!item->field || strcmp(item->field, name)))
		item = item->next;
	return item;
}

/* ---------------------------------------------------------------- strings */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* One escape, *at behind the back-slash; -1: there is no such escape. */
static int unescape(const char *text, size_t length, size_t *at)
{
	static const char from[] = "\\\"fnrtv", to[] = "\\\"\f\n\r\t\v";
	const char *found;

	if (*at >= length || !text[*at])
		return -1;
	if (text[*at] == 'x' && *at + 2 < length) {
		int high = hex_digit(text[*at + 1]);
		int low = hex_digit(text[*at + 2]);

		*at += 3;
		return high < 0 || low < 0 ? -1 : high << 4 | low;
	}
	found = strchr(from, text[(*at)++]);
	return found ? to[found - from] : -1;
}

/* A string on its way: @room bytes at @text, one of them for the end. */
struct string {
	char *text;
	size_t length;
	size_t room;
};

static void make_room(struct drill_lexer *lexer, struct string *string, size_t more)
{
	char *text;

	if (string->length + more < string->room)
		return;
	string->room = 2 * (string->length + more) + 1;
	text = drill_alloc(lexer->arena, string->room);
	if (string->length)
		memcpy(text, string->text, string->length);
	string->text = text;
}

static void append_token(struct drill_lexer *lexer, struct string *string)
{
	const struct drill_token *token = &lexer->token;

	make_room(lexer, string, token->length);
	for (size_t i = 0; i < token->length;) {
		int c = (unsigned char)token->text[i++];

		if (c == '\\')
			c = unescape(token->text, token->length, &i);
		if (c < 0) {
			lex_fail(lexer, token->pos,
				 "expected the escapes \\\\ \\\" \\f \\n \\r \\t \\v \\xHH in a string, found another");
			return;
		}
		string->text[string->length++] = (char)c;
	}
	lex_next(lexer);
}

static struct drill_expr *parse_string(struct drill_lexer *lexer)
{
	struct drill_expr *expr = new_expr(lexer, DRILL_STRING);
	struct string string = {0};

	while (lexer->token.kind == TOKEN_STRING)
		append_token(lexer, &string);
	expr->text = string.text;
	expr->length = string.length;
	if (lexer->token.kind == TOKEN_ELLIPSIS) {
		expr->more = true;
		lex_next(lexer);
	}
	return expr;
}

/* ---------------------------------------------------------------- words and calls */

static void read_call(struct drill_lexer *lexer, struct drill_expr *call)
{
	const struct drill_expr *arg = call->items;
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (!strcmp(call->text, "htons")) {
		if (!drill_is_number(arg) || arg->value < 0 || arg->value > UINT16_MAX)
			lex_fail(lexer, arg->pos, "expected a port from 0 to 65535 in htons()");
		call->value = htons((uint16_t)arg->value);
		call->length = sizeof(uint16_t);
	} else if (arg->kind != DRILL_STRING) {
		lex_fail(lexer, arg->pos, "expected an address in quotes in %s()", call->text);
	} else if (!strcmp(call->text, "inet_addr") && inet_pton(AF_INET, arg->text, &ipv4) == 1) {
		call->value = ipv4.s_addr;
		call->length = sizeof(ipv4);
	} else if (inet_pton(AF_INET6, arg->text, &ipv6) != 1) { /* within a sockaddr inet_addr() may hold IPv6 */
		lex_fail(lexer, arg->pos, "expected an IP address in %s(), found \"%s\"", call->text, arg->text);
	}
}

static bool is_call(const struct drill_lexer *lexer)
{
	return lex_is_word(lexer, "htons") || lex_is_word(lexer, "inet_addr") || lex_is_word(lexer, "inet6_addr");
}

static struct drill_expr *parse_call(struct drill_lexer *lexer)
{
	struct drill_expr *call = new_expr(lexer, DRILL_CALL);

	call->text = lex_expect_word(lexer, "a function");
	lex_expect_sign(lexer, '(', "before the function's argument");
	call->items = parse_expr(lexer);
	if (!lexer->failed)
		read_call(lexer, call);
	lex_expect_sign(lexer, ')', "behind the function's argument");
	return call;
}

static struct drill_expr *parse_word(struct drill_lexer *lexer)
{
	struct drill_expr *expr = new_expr(lexer, DRILL_WORD);

	expr->text = lex_expect_word(lexer, "a constant");
	if (!drill_constant(expr->text, &expr->value))
		lex_fail(lexer, expr->pos,
			 "expected a value, found \"%.60s\", which is neither a constant of Linux nor a defined symbol",
			 expr->text);
	return expr;
}

/* ---------------------------------------------------------------- structs */

struct field {
	const char *name;
	enum { NEEDED, OPTIONAL, ONE_OF } need; /* ONE_OF: exactly one among those of the struct */
	bool counted;				/* name(n)=value */
};

static const struct form {
	enum drill_struct form;
	struct field fields[MAX_FIELDS + 1]; /* the first one tells the struct */
} forms[] = {
	{DRILL_LINGER, {{.name = "onoff"}, {.name = "linger"}}},
	{DRILL_SOCKADDR, {{.name = "sa_family"}, {.name = "sin_port"}, {.name = "sin_addr"}}},
	{DRILL_POLLFD, {{.name = "fd"}, {.name = "events"}, {.name = "revents", .need = OPTIONAL}}},
	{DRILL_EPOLL_EVENT,
	 {{.name = "events"},
	  {.name = "fd", .need = ONE_OF},
	  {.name = "ptr", .need = ONE_OF},
	  {.name = "u32", .need = ONE_OF},
	  {.name = "u64", .need = ONE_OF}}},
	{DRILL_MSGHDR,
	 {{.name = "msg_name", .counted = true},
	  {.name = "msg_iov", .counted = true},
	  {.name = "msg_flags"},
	  {.name = "msg_control", .need = OPTIONAL}}},
	{DRILL_CMSG, {{.name = "cmsg_level"}, {.name = "cmsg_type"}, {.name = "cmsg_data"}}},
	{DRILL_TIMESTAMPING, {{.name = "scm_sec"}, {.name = "scm_nsec"}}},
	{DRILL_EXTENDED_ERR,
	 {{.name = "ee_errno"},
	  {.name = "ee_origin"},
	  {.name = "ee_type"},
	  {.name = "ee_code"},
	  {.name = "ee_info"},
	  {.name = "ee_data"}}},
};

static const struct form *form_of(const char *first_field)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].fields[0].name, first_field))
			return &forms[i];
	return NULL;
}

static const struct field *field_of(const struct form *form, const char *name)
{
	for (const struct field *field = form->fields; field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

/* Are all fields there that the struct needs, and one of those that exclude each other? */
static void check_fields(struct drill_lexer *lexer, const struct form *form, const struct drill_expr *expr)
{
	unsigned choices = 0, chosen = 0;

	for (const struct field *field = form->fields; field->name; field++) {
		bool given = drill_field(expr, field->name);

		if (field->need == NEEDED && !given)
			lex_fail(lexer, expr->pos, "expected %s= in this struct, found none", field->name);
		choices += field->need == ONE_OF;
		chosen += field->need == ONE_OF && given;
	}
	if (choices && chosen != 1)
		lex_fail(lexer, expr->pos, "expected one of fd=, ptr=, u32= and u64= in this struct, found %u", chosen);
}

static void check_sockaddr(struct drill_lexer *lexer, const struct drill_expr *expr)
{
	const struct drill_expr *family = drill_field(expr, "sa_family");
	const struct drill_expr *port = drill_field(expr, "sin_port");
	const struct drill_expr *addr = drill_field(expr, "sin_addr");

	if (!drill_is_number(family) || (family->value != AF_INET && family->value != AF_INET6))
		lex_fail(lexer, family->pos, "expected sa_family=AF_INET or AF_INET6");
	else if (port->kind != DRILL_CALL || strcmp(port->text, "htons"))
		lex_fail(lexer, port->pos, "expected sin_port=htons(PORT)");
	else if (addr->kind != DRILL_CALL || !strcmp(addr->text, "htons"))
		lex_fail(lexer, addr->pos, "expected sin_addr=inet_addr(\"ADDRESS\")");
	else if ((family->value == AF_INET) != drill_is_number(addr))
		lex_fail(lexer, addr->pos, "expected an address of the family that sa_family names, found \"%s\"",
			 addr->items->text);
}

/* One `name=value`, or `name(n)=value`. @form is NULL among constants with values. */
static struct drill_expr *parse_field(struct drill_lexer *lexer, const struct form *form, struct drill_expr *expr)
{
	struct drill_pos pos = lexer->token.pos;
	const char *name = lex_expect_word(lexer, "a field's name");
	const struct field *field = form ? field_of(form, name) : NULL;
	struct drill_expr *count = NULL, *value;
	int64_t number = 0;

	if (form && !field)
		lex_fail(lexer, pos, "expected a field of the struct that begins with %s=, found \"%s\"",
			 form->fields[0].name, name);
	else if (!form && !drill_constant(name, &number))
		lex_fail(lexer, pos, "expected the name of a field or a constant of Linux, found \"%.60s\"", name);
	else if (form && drill_field(expr, name))
		lex_fail(lexer, pos, "expected each field once, found %s= again", name);
	if (field && field->counted) {
		lex_expect_sign(lexer, '(', "before the field's number of elements");
		count = parse_expr(lexer);
		lex_expect_sign(lexer, ')', "behind the field's number of elements");
	}
	lex_expect_sign(lexer, '=', "behind a field's name");
	value = parse_expr(lexer);
	value->field = name;
	value->field_number = number;
	value->count = count;
	return value;
}

static void parse_fields(struct drill_lexer *lexer, struct drill_expr *expr)
{
	char first[32] = "";
	const struct form *form;
	struct drill_expr **tail = &expr->items;

	if (lexer->token.length < sizeof(first))
		memcpy(first, lexer->token.text, lexer->token.length);
	form = form_of(first);
	expr->form = form ? form->form : DRILL_NAMED_VALUES;
	do {
		*tail = parse_field(lexer, form, expr);
		tail = &(*tail)->next;
	} while (lex_accept_sign(lexer, ','));
	lex_expect_sign(lexer, '}', "or ',' behind a field");
	if (form && !lexer->failed)
		check_fields(lexer, form, expr);
	if (expr->form == DRILL_SOCKADDR && !lexer->failed)
		check_sockaddr(lexer, expr);
}

static struct drill_expr *parse_struct(struct drill_lexer *lexer)
{
	struct drill_expr *expr = new_expr(lexer, DRILL_STRUCT);
	unsigned n;

	lex_next(lexer);
	if (lex_is_sign(lexer, '('))
		lex_unsupported(lexer, lexer->token.pos, "a stack of MPLS labels");
	else if (lex_is_word(lexer, "flags") || lex_is_word(lexer, "Flags"))
		lex_unsupported(lexer, lexer->token.pos, "a GRE header");
	else if (lexer->token.kind == TOKEN_WORD && (lex_peek(lexer) == '=' || lex_peek(lexer) == '(') &&
		 !is_call(lexer))
		parse_fields(lexer, expr);
	else {
		expr->form = DRILL_IOVEC;
		expr->items = parse_expr_list(lexer, '}', &n);
		if (n != 2)
			lex_fail(lexer, expr->pos, "expected two values in an iovec, {..., LENGTH}, found %u", n);
	}
	return expr;
}

/* ---------------------------------------------------------------- one value, many values */

static struct drill_expr *parse_simple(struct drill_lexer *lexer)
{
	struct drill_expr *expr = NULL;
	unsigned n;

	switch (lexer->token.kind) {
	case TOKEN_ELLIPSIS:
		expr = new_expr(lexer, DRILL_ELLIPSIS);
		lex_next(lexer);
		return expr;
	case TOKEN_INTEGER:
		expr = new_expr(lexer, DRILL_INTEGER);
		expr->value = lexer->token.value;
		expr->hex = lexer->token.hex;
		lex_next(lexer);
		return expr;
	case TOKEN_WORD:
		return is_call(lexer) ? parse_call(lexer) : parse_word(lexer);
	case TOKEN_STRING:
		return parse_string(lexer);
	default:
		break;
	}
	if (lex_is_sign(lexer, '{'))
		return parse_struct(lexer);
	expr = new_expr(lexer, DRILL_LIST);
	if (!lex_accept_sign(lexer, '['))
		lex_expected(lexer, "a value");
	else if (!lex_accept_sign(lexer, ']'))
		expr->items = parse_expr_list(lexer, ']', &n);
	return expr;
}

/* a|b|c: one number */
static struct drill_expr *parse_or(struct drill_lexer *lexer, struct drill_expr *first)
{
	struct drill_expr *expr = new_expr(lexer, DRILL_OR);
	struct drill_expr **tail = &first->next;

	expr->pos = first->pos;
	expr->items = first;
	while (lex_accept_sign(lexer, '|')) {
		*tail = parse_simple(lexer);
		tail = &(*tail)->next;
	}
	for (struct drill_expr *item = first; item; item = item->next) {
		if (!drill_is_number(item))
			lex_fail(lexer, item->pos, "expected a number or a constant beside '|'");
		expr->value |= item->value;
	}
	return expr;
}

struct drill_expr *parse_expr(struct drill_lexer *lexer)
{
	struct drill_expr *expr;

	if (lexer->depth == MAX_DEPTH)
		lex_fail(lexer, lexer->token.pos, "expected at most %d values within each other", MAX_DEPTH);
	lexer->depth++;
	expr = parse_simple(lexer);
	if (lex_is_sign(lexer, '|'))
		expr = parse_or(lexer, expr);
	lexer->depth--;
	return expr;
}

struct drill_expr *parse_expr_list(struct drill_lexer *lexer, int close, unsigned *n)
{
	struct drill_expr *first = NULL;
	struct drill_expr **tail = &first;

	*n = 0;
	do {
		*tail = parse_expr(lexer);
		tail = &(*tail)->next;
		++*n;
	} while (lex_accept_sign(lexer, ','));
	lex_expect_sign(lexer, close, "or ',' behind a value");
	return first;
}
