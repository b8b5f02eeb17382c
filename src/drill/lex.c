// SPDX-License-Identifier: MIT
/*
 * drill/lex.c - cuts a script into tokens
 *
 * In:   the text, one character after the other.
 * Here: blanks and comments are stepped over (a comment may say `needs-sysctl:`); the longest token wins; a word that
 *       is a defined symbol becomes what it stands for.
 * Out:  lexer->token, one at a time.
 */
#include "drill/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- errors */

void lex_fail(struct drill_lexer *lexer, struct drill_pos pos, const char *format, ...)
{
	va_list args;

	if (lexer->failed)
		return;
	lexer->failed = true;
	lexer->error->pos = pos;
	va_start(args, format);
	vsnprintf(lexer->error->text, sizeof(lexer->error->text), format, args);
	va_end(args);
	lexer->token.kind = TOKEN_END;
}

static void describe(const struct drill_token *token, char *to, size_t size)
{
	int shown = token->length > 40 ? 40 : (int)token->length;

	for (int i = 0; i < shown; i++)
		if ((unsigned char)token->text[i] < ' ')
			shown = i;
	switch (token->kind) {
	case TOKEN_END:
		snprintf(to, size, "the end of the script");
		break;
	case TOKEN_COMMAND:
		snprintf(to, size, "the command `%.*s`", shown, token->text);
		break;
	case TOKEN_CODE:
		snprintf(to, size, "the code %%{ %.*s }%%", shown, token->text);
		break;
	case TOKEN_STRING:
		snprintf(to, size, "the string \"%.*s\"", shown, token->text);
		break;
	case TOKEN_OPTION:
		snprintf(to, size, "the option --%.*s", shown, token->text);
		break;
	case TOKEN_SIGN:
		if (token->value <= ' ' || token->value > '~')
			snprintf(to, size, "the byte 0x%02x", (unsigned)token->value);
		else
			snprintf(to, size, "'%c'", (int)token->value);
		break;
	default:
		snprintf(to, size, "\"%.*s\"", shown, token->text);
	}
}

void lex_expected(struct drill_lexer *lexer, const char *what)
{
	char found[80];

	describe(&lexer->token, found, sizeof(found));
	lex_fail(lexer, lexer->token.pos, "expected %s, found %s", what, found);
}

void lex_unsupported(struct drill_lexer *lexer, struct drill_pos pos, const char *what)
{
	lex_fail(lexer, pos, "not supported: %s", what);
}

/* ---------------------------------------------------------------- characters */

static int char_at(const struct drill_lexer *lexer, size_t at)
{
	return at < lexer->length ? (unsigned char)lexer->text[at] : 0;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_char(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool begins(const struct drill_lexer *lexer, const char *with)
{
	size_t length = strlen(with);

	return lexer->length - lexer->at >= length && !memcmp(lexer->text + lexer->at, with, length);
}

static struct drill_pos here(const struct drill_lexer *lexer)
{
	return (struct drill_pos){lexer->line, (int)(lexer->at - lexer->line_at) + 1};
}

/* Forward to @at; lines are counted nowhere else. A NUL would end text too early wherever it is used as a C string. */
static void move_to(struct drill_lexer *lexer, size_t at)
{
	for (; lexer->at < at; lexer->at++) {
		if (!lexer->text[lexer->at])
			lex_fail(lexer, here(lexer), "expected text, found a NUL byte");
		if (lexer->text[lexer->at] == '\n') {
			lexer->line++;
			lexer->line_at = lexer->at + 1;
		}
	}
}

/* Where @what stands first at or after @at; the text's length if it does not. */
static size_t find(const struct drill_lexer *lexer, size_t at, const char *what)
{
	const char *found = NULL;

	if (at < lexer->length)
		found = memmem(lexer->text + at, lexer->length - at, what, strlen(what));
	return found ? (size_t)(found - lexer->text) : lexer->length;
}

/* ---------------------------------------------------------------- comments */

/* `// needs-sysctl: NAME=VALUE`: the value goes up to the end of the line. */
static void read_needs(struct drill_lexer *lexer, size_t end)
{
	static const char mark[] = "needs-sysctl:";
	size_t at = find(lexer, lexer->at, mark);
	size_t name, equals;
	struct drill_note *note;

	if (at >= end)
		return;
	for (size_t i = lexer->at + 2; i < at; i++)
		if (!is_blank(char_at(lexer, i)))
			return; /* the words are only mentioned */
	name = at + strlen(mark);
	while (name < end && is_blank(char_at(lexer, name)))
		name++;
	while (end > name && is_blank(char_at(lexer, end - 1)))
		end--;
	equals = find(lexer, name, "=");
	if (equals >= end || equals == name) {
		lex_fail(lexer, here(lexer), "expected NAME=VALUE behind needs-sysctl:");
		return;
	}
	note = drill_alloc(lexer->arena, sizeof(*note));
	note->pos = here(lexer);
	note->name = drill_copy(lexer->arena, lexer->text + name, equals - name);
	note->value = drill_copy(lexer->arena, lexer->text + equals + 1, end - equals - 1);
	*lexer->needs_tail = note;
	lexer->needs_tail = &note->next;
}

static void skip_blanks(struct drill_lexer *lexer)
{
	while (lexer->at < lexer->length && !lexer->failed) {
		size_t end;

		if (is_blank(char_at(lexer, lexer->at))) {
			move_to(lexer, lexer->at + 1);
		} else if (begins(lexer, "//")) {
			end = find(lexer, lexer->at, "\n");
			read_needs(lexer, end);
			move_to(lexer, end);
		} else if (begins(lexer, "/*")) {
			end = find(lexer, lexer->at + 2, "*/");
			if (end == lexer->length)
				lex_fail(lexer, here(lexer),
					 "expected */ at the end of this comment, found the end of the script");
			else
				move_to(lexer, end + 2);
		} else {
			break;
		}
	}
}

/* ---------------------------------------------------------------- tokens */

static void take(struct drill_lexer *lexer, enum drill_token_kind kind, size_t end)
{
	lexer->token.kind = kind;
	lexer->token.text = lexer->text + lexer->at;
	lexer->token.length = end - lexer->at;
	move_to(lexer, end);
}

/* All between two delimiters; @opening bytes long is the first, @close the second. */
static void take_between(struct drill_lexer *lexer, enum drill_token_kind kind, size_t opening, const char *close)
{
	size_t begin = lexer->at + opening;
	size_t end = begin;

	if (strlen(close) == 1) { /* a back-slash hides the delimiter */
		while (end < lexer->length && lexer->text[end] != *close)
			end += lexer->text[end] == '\\' ? 2 : 1;
	} else {
		end = find(lexer, begin, close);
	}
	if (end >= lexer->length) {
		lex_fail(lexer, lexer->token.pos, "expected %s to end what begins here, found the end of the script",
			 close);
		return;
	}
	take(lexer, kind, end + strlen(close));
	lexer->token.text = lexer->text + begin;
	lexer->token.length = end - begin;
}

static void take_code(struct drill_lexer *lexer)
{
	struct drill_token *token = &lexer->token;

	take_between(lexer, TOKEN_CODE, 2, "}%");
	while (token->length && (*token->text == ' ' || *token->text == '\t')) {
		token->text++;
		token->length--;
	}
	while (token->length && (token->text[token->length - 1] == ' ' || token->text[token->length - 1] == '\t'))
		token->length--;
}

/* --name or --name=value; blanks belong to the value only within quotes or back-ticks. */
static void take_option(struct drill_lexer *lexer)
{
	size_t end = lexer->at + 2;
	int quote = 0;

	for (; end < lexer->length; end++) {
		int c = char_at(lexer, end);

		if (quote ? c == quote : c == '"' || c == '`')
			quote = quote ? 0 : c;
		else if (!quote && is_blank(c))
			break;
	}
	if (quote) {
		lex_fail(lexer, lexer->token.pos,
			 "expected %c at the end of the option's value, found the end of the script", quote);
		return;
	}
	take(lexer, TOKEN_OPTION, end);
	lexer->token.text += 2;
	lexer->token.length -= 2;
}

static void read_number(struct drill_lexer *lexer)
{
	struct drill_token *token = &lexer->token;
	bool negative = *token->text == '-';
	size_t i = token->hex ? 2 : negative;
	int64_t value = 0;

	for (; i < token->length; i++) {
		int c = token->text[i];
		int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		if (__builtin_mul_overflow(value, token->hex ? 16 : 10, &value) ||
		    __builtin_add_overflow(value, digit, &value)) {
			lex_fail(lexer, token->pos, "the number %.*s does not fit into 63 bits",
				 token->length > 60 ? 60 : (int)token->length, token->text);
			return;
		}
	}
	token->value = negative ? -value : value;
}

static size_t skip_digits(const struct drill_lexer *lexer, size_t at)
{
	while (is_digit(char_at(lexer, at)))
		at++;
	return at;
}

static bool is_hex(const char *text, size_t length)
{
	if (length < 3 || text[0] != '0' || text[1] != 'x')
		return false;
	for (size_t i = 2; i < length; i++)
		if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f') && !(text[i] >= 'A' && text[i] <= 'F'))
			return false;
	return true;
}

/* "text" or `command` with nothing in it that would end it earlier or later */
static bool is_quoted(const char *text, size_t length)
{
	return length > 1 && (*text == '"' || *text == '`') && text[length - 1] == *text &&
	       !memchr(text + 1, *text, length - 2) && text[length - 2] != '\\';
}

static bool is_word(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && is_word_char((unsigned char)text[n]))
		n++;
	return n && n == length;
}

static bool is_decimal(const char *text, size_t length)
{
	size_t sign = length && *text == '-';
	size_t n = sign;

	while (n < length && is_digit((unsigned char)text[n]))
		n++;
	return n > sign && n == length;
}

/* The word becomes what @define says it stands for. */
static void substitute(struct drill_lexer *lexer, const struct drill_define *define)
{
	struct drill_token *token = &lexer->token;

	token->text = define->value;
	token->length = strlen(define->value);
	if (is_quoted(token->text, token->length)) {
		token->kind = *token->text == '"' ? TOKEN_STRING : TOKEN_COMMAND;
		token->text++;
		token->length -= 2;
	} else if (is_decimal(token->text, token->length) || is_hex(token->text, token->length)) {
		token->kind = TOKEN_INTEGER;
		token->hex = is_hex(token->text, token->length);
		read_number(lexer);
	} else if (!is_word(token->text, token->length)) {
		lex_fail(lexer, token->pos,
			 "expected a symbol for a word, a number, \"text\" or `command`, found %.40s=%.60s",
			 define->name, define->value);
	}
}

static const struct drill_define *definition(const struct drill_lexer *lexer, const struct drill_token *word)
{
	for (size_t i = 0; i < lexer->n_defines; i++) {
		const char *name = lexer->defines[i].name;

		if (strlen(name) == word->length && !memcmp(name, word->text, word->length))
			return &lexer->defines[i];
	}
	return NULL;
}

/* A run of word characters: a number if it is only that, else a word. With '.' or '-' before it, always a number. */
static void take_word_or_number(struct drill_lexer *lexer)
{
	size_t sign = char_at(lexer, lexer->at) == '-';
	size_t digits = skip_digits(lexer, lexer->at + sign);
	size_t word = lexer->at;

	while (is_word_char(char_at(lexer, word)))
		word++;
	if (char_at(lexer, digits) == '.' && is_digit(char_at(lexer, digits + 1))) {
		take(lexer, TOKEN_DECIMAL, skip_digits(lexer, digits + 1));
	} else if (digits > lexer->at + sign && digits >= word) {
		take(lexer, TOKEN_INTEGER, digits);
		read_number(lexer);
	} else if (is_hex(lexer->text + lexer->at, word - lexer->at)) {
		take(lexer, TOKEN_INTEGER, word);
		lexer->token.hex = true;
		read_number(lexer);
	} else {
		const struct drill_define *define;

		take(lexer, TOKEN_WORD, word);
		define = definition(lexer, &lexer->token);
		if (define)
			substitute(lexer, define);
	}
}

static bool number_begins(const struct drill_lexer *lexer)
{
	size_t at = lexer->at + (char_at(lexer, lexer->at) == '-');

	return is_digit(char_at(lexer, at)) || (char_at(lexer, at) == '.' && is_digit(char_at(lexer, at + 1)));
}

void lex_next(struct drill_lexer *lexer)
{
	struct drill_token *token = &lexer->token;

	skip_blanks(lexer);
	*token = (struct drill_token){.kind = TOKEN_END, .pos = here(lexer), .at = lexer->at, .text = ""};
	if (lexer->failed || lexer->at == lexer->length)
		return;
	token->value = char_at(lexer, lexer->at);
	if (begins(lexer, "--") && is_word_char(char_at(lexer, lexer->at + 2)))
		take_option(lexer);
	else if (begins(lexer, "..."))
		take(lexer, TOKEN_ELLIPSIS, lexer->at + 3);
	else if (begins(lexer, "%{"))
		take_code(lexer);
	else if (token->value == '"')
		take_between(lexer, TOKEN_STRING, 1, "\"");
	else if (token->value == '`')
		take_between(lexer, TOKEN_COMMAND, 1, "`");
	else if (is_word_char((int)token->value) || number_begins(lexer))
		take_word_or_number(lexer);
	else
		take(lexer, TOKEN_SIGN, lexer->at + 1);
}

void lex_again_to_blank(struct drill_lexer *lexer)
{
	size_t end = lexer->token.at;

	if (lexer->failed || lexer->token.kind == TOKEN_END)
		return;
	while (end < lexer->length && !is_blank(char_at(lexer, end)))
		end++;
	lexer->token.kind = TOKEN_WORD;
	lexer->token.text = lexer->text + lexer->token.at;
	lexer->token.length = end - lexer->token.at;
	/* No token with a line end in it comes here: the new end is on the line of the old one or before it. */
	lexer->at = end;
}

void lex_again_to_bracket(struct drill_lexer *lexer)
{
	size_t end = find(lexer, lexer->token.at, ")");

	if (lexer->failed)
		return;
	if (end == lexer->length) {
		lex_fail(lexer, lexer->token.pos, "expected ')' to end what begins here, found the end of the script");
		return;
	}
	lexer->token.kind = TOKEN_STRING;
	lexer->token.text = lexer->text + lexer->token.at + 1;
	lexer->token.length = end - lexer->token.at - 1;
	move_to(lexer, end + 1);
}

int lex_peek(const struct drill_lexer *lexer)
{
	size_t at = lexer->at;

	while (is_blank(char_at(lexer, at)))
		at++;
	return char_at(lexer, at);
}

void lex_define(struct drill_lexer *lexer, const char *name, const char *value)
{
	size_t n = lexer->n_defines;

	if (!(n & (n - 1))) { /* full at each power of two */
		struct drill_define *more = drill_alloc(lexer->arena, (n ? 2 * n : 1) * sizeof(*more));

		if (n)
			memcpy(more, lexer->defines, n * sizeof(*more));
		lexer->defines = more;
	}
	lexer->defines[lexer->n_defines++] = (struct drill_define){name, value};
}

/* ---------------------------------------------------------------- what the parser asks */

bool lex_is_sign(const struct drill_lexer *lexer, int sign)
{
	return lexer->token.kind == TOKEN_SIGN && lexer->token.value == sign;
}

bool lex_is_word(const struct drill_lexer *lexer, const char *word)
{
	const struct drill_token *token = &lexer->token;

	return token->kind == TOKEN_WORD && token->length == strlen(word) && !memcmp(token->text, word, token->length);
}

bool lex_accept_sign(struct drill_lexer *lexer, int sign)
{
	bool is = lex_is_sign(lexer, sign);

	if (is)
		lex_next(lexer);
	return is;
}

bool lex_accept_word(struct drill_lexer *lexer, const char *word)
{
	bool is = lex_is_word(lexer, word);

	if (is)
		lex_next(lexer);
	return is;
}

void lex_expect_sign(struct drill_lexer *lexer, int sign, const char *where)
{
	char what[120];

	if (lex_accept_sign(lexer, sign))
		return;
	snprintf(what, sizeof(what), "'%c' %s", sign, where);
	lex_expected(lexer, what);
}

int64_t lex_expect_integer(struct drill_lexer *lexer, const char *what, int64_t min, int64_t max)
{
	int64_t value = lexer->token.value;
	char expected[120];

	if (lexer->token.kind != TOKEN_INTEGER || value < min || value > max) {
		snprintf(expected, sizeof(expected), "%s from %lld to %lld", what, (long long)min, (long long)max);
		lex_expected(lexer, expected);
		return 0;
	}
	lex_next(lexer);
	return value;
}

const char *lex_expect_word(struct drill_lexer *lexer, const char *what)
{
	const char *word;

	if (lexer->token.kind != TOKEN_WORD) {
		lex_expected(lexer, what);
		return "";
	}
	word = drill_copy(lexer->arena, lexer->token.text, lexer->token.length);
	lex_next(lexer);
	return word;
}
