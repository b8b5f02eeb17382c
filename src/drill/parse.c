// SPDX-License-Identifier: MIT
/*
 * drill/parse.c - a script as a whole: options, commands, events
 *
 *	--tolerance_usecs=10000
 *	`sh defaults.sh`
 *	0         socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
 *	+0...0.2  read(3, ..., 10) = -1 ECONNRESET (Connection reset by peer)
 *	+.1~+.2   > R. 1:1(0) ack 1
 *
 * Descent by hand, one function for each part, one token looked at. After the first error the lexer gives only the end,
 * so that every loop here stops; nobody asks for errors on the way.
 */
#include "drill/parse.h"

#include <string.h>

/* ---------------------------------------------------------------- time */

static const int64_t max_time_ns = 1000000000LL * 1000000000; /* 31 years */

/* Seconds, "1.25": digits that are finer than a nanosecond are cut off. */
static int64_t parse_seconds(struct drill_lexer *lexer)
{
	const struct drill_token *token = &lexer->token;
	int64_t ns = 0, unit = 1000000000;
	bool fraction = false;

	if ((token->kind != TOKEN_INTEGER && token->kind != TOKEN_DECIMAL) || token->hex || *token->text == '-') {
		lex_expected(lexer, "a time in seconds");
		return 0;
	}
	for (size_t i = 0; i < token->length; i++) {
		int digit = token->text[i] - '0';

		if (token->text[i] == '.') {
			fraction = true;
			continue;
		}
		if (!fraction && ns >= max_time_ns / 10) {
			lex_expected(lexer, "a time of less than 10^9 seconds");
			return 0;
		}
		if (fraction)
			unit /= 10;
		ns = (fraction ? ns : ns * 10) + digit * unit;
	}
	lex_next(lexer);
	return ns;
}

static void parse_time(struct drill_lexer *lexer, struct drill_time *time)
{
	bool relative = false;

	if (lex_accept_sign(lexer, '*')) {
		time->kind = DRILL_ANY_TIME;
		return;
	}
	relative = lex_accept_sign(lexer, '+');
	time->kind = relative ? DRILL_AFTER : DRILL_AT;
	time->ns = parse_seconds(lexer);
	time->end_ns = time->ns;
	if (!lex_accept_sign(lexer, '~'))
		return;
	time->kind = relative ? DRILL_AFTER_RANGE : DRILL_AT_RANGE;
	if (relative)
		lex_expect_sign(lexer, '+', "before the end of a relative range");
	time->end_ns = parse_seconds(lexer);
}

static bool is_range(const struct drill_time *time)
{
	return time->kind == DRILL_AT_RANGE || time->kind == DRILL_AFTER_RANGE;
}

static void check_time(struct drill_lexer *lexer, const struct drill_event *event)
{
	bool outbound = event->kind == DRILL_PACKET && event->packet.outbound;

	if (is_range(&event->time) && event->time.end_ns < event->time.ns)
		lex_fail(lexer, event->pos, "expected a range of time that ends after its beginning");
	if ((is_range(&event->time) || event->time.kind == DRILL_ANY_TIME) && !outbound)
		lex_fail(lexer, event->pos, "expected one time, found %s, which only outbound packets may have",
			 event->time.kind == DRILL_ANY_TIME ? "'*'" : "a range");
}

/* ---------------------------------------------------------------- calls */

static void parse_result(struct drill_lexer *lexer, struct drill_call *call)
{
	struct drill_pos pos;

	lex_expect_sign(lexer, '=', "behind a call");
	call->result = parse_expr(lexer);
	pos = lexer->token.pos;
	if (lexer->token.kind == TOKEN_WORD) {
		call->err_name = lex_expect_word(lexer, "an errno");
		if (!drill_errno(call->err_name, &call->err))
			lex_fail(lexer, pos, "expected an errno or an event, found \"%.60s\"", call->err_name);
		else if (call->result->kind != DRILL_INTEGER || call->result->value != -1)
			lex_fail(lexer, pos, "expected -1 before an errno");
	}
	if (lex_is_sign(lexer, '(')) {
		lex_again_to_bracket(lexer);
		call->note = drill_copy(lexer->arena, lexer->token.text, lexer->token.length);
		lex_next(lexer);
	}
}

static void parse_call(struct drill_lexer *lexer, struct drill_event *event)
{
	struct drill_call *call = &event->call;

	event->kind = DRILL_SYSCALL;
	call->end_ns = event->time.ns;
	if (lexer->token.kind == TOKEN_ELLIPSIS) {
		struct drill_pos pos;

		lex_next(lexer);
		pos = lexer->token.pos;
		call->blocks = true;
		call->end_ns = parse_seconds(lexer);
		if (call->end_ns < event->time.ns)
			lex_fail(lexer, pos,
				 "expected a call that returns after its beginning; both times are counted from the "
				 "same point");
	}
	call->name = lex_expect_word(lexer, "a packet, a system call, a `command` or %{ code }%");
	lex_expect_sign(lexer, '(', "before a call's arguments");
	if (!lex_accept_sign(lexer, ')'))
		call->args = parse_expr_list(lexer, ')', &call->n_args);
	parse_result(lexer, call);
}

/* ---------------------------------------------------------------- events */

static void parse_action(struct drill_lexer *lexer, struct drill_event *event)
{
	const struct drill_token *token = &lexer->token;

	if (lex_is_sign(lexer, '<') || lex_is_sign(lexer, '>')) {
		event->kind = DRILL_PACKET;
		parse_packet(lexer, &event->packet);
	} else if (token->kind == TOKEN_COMMAND || token->kind == TOKEN_CODE) {
		event->kind = token->kind == TOKEN_COMMAND ? DRILL_COMMAND : DRILL_CODE;
		event->text = drill_copy(lexer->arena, token->text, token->length);
		lex_next(lexer);
	} else {
		parse_call(lexer, event);
	}
}

static void parse_events(struct drill_lexer *lexer, struct drill_script *script)
{
	struct drill_event **tail = &script->events;

	while (lexer->token.kind != TOKEN_END && lexer->token.kind != TOKEN_COMMAND) {
		struct drill_event *event = drill_alloc(lexer->arena, sizeof(*event));

		event->number = script->n_events++;
		event->pos = lexer->token.pos;
		parse_time(lexer, &event->time);
		parse_action(lexer, event);
		if (!lexer->failed)
			check_time(lexer, event);
		*tail = event;
		tail = &event->next;
	}
}

/* ---------------------------------------------------------------- before and behind the events */

static struct drill_note *new_note(struct drill_lexer *lexer)
{
	struct drill_note *note = drill_alloc(lexer->arena, sizeof(*note));

	note->pos = lexer->token.pos;
	return note;
}

static struct drill_note *parse_command(struct drill_lexer *lexer)
{
	struct drill_note *note;

	if (lexer->token.kind != TOKEN_COMMAND)
		return NULL;
	note = new_note(lexer);
	note->name = "command";
	note->value = drill_copy(lexer->arena, lexer->token.text, lexer->token.length);
	lex_next(lexer);
	return note;
}

/* The options of the original; `=`: needs a value. */
static const char *const option_names[] = {
	"ip_version=",
	"bind_port=",
	"code_command=",
	"code_format=",
	"code_sockopt=",
	"connect_port=",
	"remote_ip=",
	"local_ip=",
	"gateway_ip=",
	"netmask_ip=",
	"speed=",
	"mss=",
	"mtu=",
	"init_scripts=",
	"tolerance_usecs=",
	"tolerance_percent=",
	"wire_client",
	"wire_server",
	"wire_server_ip=",
	"wire_server_at=",
	"wire_server_port=",
	"wire_client_dev=",
	"wire_server_dev=",
	"so_filename=",
	"so_flags=",
	"tcp_ts_ecr_scaled",
	"tcp_ts_tick_usecs=",
	"strict_segments",
	"non_fatal=",
	"dry_run",
	"is_anyip",
	"send_omit_free",
	"psp_udp_port=",
	"debug",
	"define=",
	"verbose",
};

static void check_option(struct drill_lexer *lexer, const struct drill_note *note)
{
	size_t length = strlen(note->name);

	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
		const char *known = option_names[i];

		if (strncmp(known, note->name, length) || (known[length] && known[length] != '='))
			continue;
		if (known[length] && !note->value)
			lex_fail(lexer, note->pos, "expected --%s=VALUE, found no value", note->name);
		else if (!known[length] && note->value)
			lex_fail(lexer, note->pos, "expected --%s without a value", note->name);
		return;
	}
	lex_fail(lexer, note->pos, "expected an option of packetdrill, found --%.60s", note->name);
}

static void define(struct drill_lexer *lexer, const struct drill_note *note)
{
	const char *equals = strchr(note->value, '=');

	if (!equals || equals == note->value)
		lex_fail(lexer, note->pos, "expected --define=NAME=VALUE, found --define=%.60s", note->value);
	else
		lex_define(lexer, drill_copy(lexer->arena, note->value, (size_t)(equals - note->value)), equals + 1);
}

static void parse_options(struct drill_lexer *lexer, struct drill_script *script)
{
	struct drill_note **tail = &script->options;

	while (lexer->token.kind == TOKEN_OPTION) {
		const struct drill_token *token = &lexer->token;
		struct drill_note *note = new_note(lexer);
		const char *equals = memchr(token->text, '=', token->length);
		size_t name = equals ? (size_t)(equals - token->text) : token->length;

		note->name = drill_copy(lexer->arena, token->text, name);
		if (equals)
			note->value = drill_copy(lexer->arena, equals + 1, token->length - name - 1);
		check_option(lexer, note);
		if (!lexer->failed && !strcmp(note->name, "define")) {
			define(lexer, note);
		} else {
			*tail = note;
			tail = &note->next;
		}
		lex_next(lexer);
	}
}

static void parse_script(struct drill_lexer *lexer, struct drill_script *script)
{
	lex_next(lexer);
	parse_options(lexer, script);
	script->init = parse_command(lexer);
	if (script->init && lexer->token.kind == TOKEN_COMMAND)
		lex_expected(lexer, "a time before every command between the first and the last one");
	parse_events(lexer, script);
	script->cleanup = parse_command(lexer);
	if (lexer->token.kind != TOKEN_END)
		lex_expected(lexer, "nothing behind a command without a time");
	else if (!script->n_events)
		lex_expected(lexer, "an event");
}

/* ---------------------------------------------------------------- the outside */

struct drill_script *drill_parse(const char *file, const char *text, size_t length, const struct drill_define *defines,
				 size_t n, struct drill_error *error)
{
	struct drill_arena *arena = drill_arena_new();
	struct drill_script *script = drill_alloc(arena, sizeof(*script));
	struct drill_lexer lexer = {
		.text = text,
		.length = length,
		.line = 1,
		.error = error,
		.arena = arena,
		.needs_tail = &script->needs,
	};

	script->arena = arena;
	script->file = drill_copy(arena, file, strlen(file));
	for (size_t i = 0; i < n; i++)
		lex_define(&lexer, defines[i].name, defines[i].value);
	parse_script(&lexer, script);
	if (lexer.failed) {
		drill_script_free(script);
		return NULL;
	}
	return script;
}

void drill_script_free(struct drill_script *script)
{
	if (script)
		drill_arena_free(script->arena);
}

const struct drill_note *drill_find_note(const struct drill_note *list, const char *name)
{
	const struct drill_note *found = NULL;

	for (; list; list = list->next)
		if (!strcmp(list->name, name))
			found = list;
	return found;
}
