/* SPDX-License-Identifier: MIT */
/* drill/parse.h - what the files of the parser know of each other; each function begins at the current token */
#ifndef DRILL_PARSE_H
#define DRILL_PARSE_H

#include "drill/lex.h"

/* `<` or `>` and all that follows, up to the options (parse_packet.c) */
void parse_packet(struct drill_lexer *lexer, struct drill_packet *packet);

/* The list in `<mss 1460,nop>`, behind the `<` (parse_option.c) */
void parse_tcp_options(struct drill_lexer *lexer, struct drill_tcp *tcp, bool outbound);

/* One value, and values with commas up to @close, which is stepped over (parse_expr.c) */
struct drill_expr *parse_expr(struct drill_lexer *lexer);
struct drill_expr *parse_expr_list(struct drill_lexer *lexer, int close, unsigned *n);

/* Is this the name of an ICMP message or code in either family? (icmp.c) */
bool icmp_type_exists(const char *type);
bool icmp_code_exists(const char *type, const char *code);

#endif
