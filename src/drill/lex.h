/* SPDX-License-Identifier: MIT */
/* drill/lex.h - the tokens of a script, and the memory that its tree stands in */
#ifndef DRILL_LEX_H
#define DRILL_LEX_H

#include "drill/script.h"

/* ---------------------------------------------------------------- memory (arena.c) */

/* Everything of one script is allocated here, zeroed, and freed together. Never NULL: no memory ends the program. */
struct drill_arena *drill_arena_new(void);
void *drill_alloc(struct drill_arena *arena, size_t size);
char *drill_copy(struct drill_arena *arena, const char *text, size_t length);
void drill_arena_free(struct drill_arena *arena);

/* ---------------------------------------------------------------- tokens (lex.c) */

enum drill_token_kind {
	TOKEN_END,
	TOKEN_WORD,	/* letters, digits, underscores */
	TOKEN_INTEGER,	/* 10 -1 0x10: value, hex */
	TOKEN_DECIMAL,	/* .5 1.25 */
	TOKEN_ELLIPSIS, /* ... */
	TOKEN_STRING,	/* text between the quotes, escapes as written */
	TOKEN_COMMAND,	/* text between the back-ticks */
	TOKEN_CODE,	/* text between %{ and }%, without blanks at both ends */
	TOKEN_OPTION,	/* text after --, with =VALUE */
	TOKEN_SIGN,	/* any other character: value */
};

/**
 * struct drill_token - a piece of the text
 * @at:    where it begins in the script
 * @text:  borrowed from the script, or from the symbol that the word stood for
 */
struct drill_token {
	enum drill_token_kind kind;
	struct drill_pos pos;
	size_t at;
	const char *text;
	size_t length;
	int64_t value;
	bool hex;
};

/**
 * struct drill_lexer - the text and where we are in it
 * @token:   the current one; the parser looks at it, and at nothing behind it
 * @at, @line, @line_at:  where the next token will be looked for; where its line begins
 * @failed:  @error holds the first error. From then on every token is TOKEN_END, so that all loops of the parser end
 * @needs_tail:  where the next `needs-sysctl` comment is put
 */
struct drill_lexer {
	const char *text;
	size_t length;
	struct drill_token token;
	size_t at;
	int line;
	size_t line_at;
	bool failed;
	struct drill_error *error;
	struct drill_arena *arena;
	struct drill_note **needs_tail;
	struct drill_define *defines; /* those of the script come behind the given ones */
	size_t n_defines;
	unsigned depth; /* of nested expressions */
};

void lex_next(struct drill_lexer *lexer);

/* The current token again, as all that stands up to the next blank: TCP's flags do not follow the rules of words. */
void lex_again_to_blank(struct drill_lexer *lexer);

/* The current token is '(': it becomes a STRING of all up to ')', which is stepped over by the next lex_next(). */
void lex_again_to_bracket(struct drill_lexer *lexer);

/* The first character behind the current token and the blanks after it; 0 at the end. */
int lex_peek(const struct drill_lexer *lexer);

/* A word that shall stand for other text from now on, unless it is defined already. */
void lex_define(struct drill_lexer *lexer, const char *name, const char *value);

bool lex_is_sign(const struct drill_lexer *lexer, int sign);
bool lex_is_word(const struct drill_lexer *lexer, const char *word);

/* Both step over the token if it is the one asked for. */
bool lex_accept_sign(struct drill_lexer *lexer, int sign);
bool lex_accept_word(struct drill_lexer *lexer, const char *word);

/* An error unless the current token is this one; steps over it. */
void lex_expect_sign(struct drill_lexer *lexer, int sign, const char *where);

/* An integer within the limits: 0 after an error. @what: "the window". */
int64_t lex_expect_integer(struct drill_lexer *lexer, const char *what, int64_t min, int64_t max);

/* A word, copied; "" after an error. */
const char *lex_expect_word(struct drill_lexer *lexer, const char *what);

/* The three kinds of errors. The first one counts, later ones are its consequence. */
void lex_expected(struct drill_lexer *lexer, const char *what); /* "expected WHAT, found TOKEN" */
void lex_unsupported(struct drill_lexer *lexer, struct drill_pos pos, const char *what);
void lex_fail(struct drill_lexer *lexer, struct drill_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
