/* SPDX-License-Identifier: MIT */
/*
 * drill/call_arg.h - the kinds of arguments that system calls have
 *
 * A row of call.c says which kinds a call's arguments are; a kind knows how to make C's argument from the script's, whether
 * what came back in it is what the script has, and how that would stand in a script.
 */
#ifndef DRILL_CALL_ARG_H
#define DRILL_CALL_ARG_H

#include "drill/call.h"
#include "drill/lex.h"

enum { CALL_MAX_ARGS = 6, CALL_MAX_BUFFER = 1 << 30 };

/* struct call_text - text in the making; what does not fit is cut */
struct call_text {
	char *to;
	size_t size;
	size_t at;
};

void call_put(struct call_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void call_put_expr(struct call_text *text, const struct drill_expr *expr);
void call_put_bytes(struct call_text *text, const void *bytes, size_t length);

/* A sentence into @why or @wrong; gives false, so that it can be returned. */
bool call_fail(struct drill_text *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * struct call_arg - a kind of argument; functions that it does not need are NULL
 * @put:   argument @at from @expr; kinds with an address also set the length behind it. False with the reason
 * @check: the call has returned: false with what is wrong
 * @tell:  what the call wrote there, as script text; nothing where it wrote nothing
 */
struct call_arg {
	bool (*put)(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why);
	bool (*check)(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
		      struct drill_text *wrong);
	void (*tell)(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
		     struct call_text *text);
};

/* numbers, descriptors, buffers, names, options (call_arg.c) */
extern const struct call_arg call_arg_fd, call_arg_number, call_arg_domain, call_arg_bind_name, call_arg_connect_name,
	call_arg_name_length, call_arg_name_out, call_arg_read_buffer, call_arg_write_buffer, call_arg_int,
	call_arg_offset, call_arg_path, call_arg_pipe, call_arg_option_set, call_arg_option_get, call_arg_option_length;

/* what programs wait for (call_wait.c) */
extern const struct call_arg call_arg_pollfds, call_arg_epoll_ctl, call_arg_epoll_wait;

/* scattered data and messages (call_msg.c) */
extern const struct call_arg call_arg_read_iov, call_arg_write_iov, call_arg_msg_recv, call_arg_msg_send;

struct call_row;

/**
 * struct drill_call_own - what a prepared call keeps to itself
 * @arena: arguments, expectations and texts
 * @args:  the script's, by number
 * @out, @all_out: what came back, as text, once it has been asked for
 */
struct drill_call_own {
	struct drill_calls *calls;
	const struct call_row *row;
	struct drill_arena *arena;
	const struct drill_expr *args[CALL_MAX_ARGS];
	const char *out[CALL_MAX_ARGS];
	const char *all_out;
};

/* ---------------------------------------------------------------- what the kinds use */

/* Memory of the call, zeroed. */
void *call_alloc(struct drill_prepared *call, size_t size);
/* @size bytes that are zero as long as the run lasts: pages that were sent without copying are sent again. */
void *call_zeros(struct drill_calls *calls, size_t size);
const struct drill_wire *call_wire(const struct drill_prepared *call);

/* A number that fits into 32 bits, signed or unsigned. @what names it in the reason. */
bool call_int32(const struct drill_expr *expr, int32_t *value, const char *what, struct drill_text *why);
/* [number] */
bool call_bracketed(const struct drill_expr *expr, int32_t *value, const char *what, struct drill_text *why);
/* The side's descriptor for the script's number. */
bool call_side_fd(const struct drill_prepared *call, const struct drill_expr *expr, int *side_fd,
		  struct drill_text *why);
/* The script's number for the side's descriptor, or -1. */
int call_script_fd(const struct drill_prepared *call, int side_fd);

/* The address of the script's end, or of the side's with @own_end, at @addr; gives its length. */
unsigned call_name(const struct drill_prepared *call, bool own_end, void *addr);
/* The first argument's socket is about to send a SYN to the script's end; @back: it takes that back. */
void call_connects(struct drill_prepared *call, bool back);

/* A buffer for data that come in: not zero, so that it shows what was not written. */
void *call_read_buffer(struct drill_prepared *call, size_t size);
/* Are these the zeros that scripts send? */
bool call_data_is_plain(const void *data, size_t length);

#endif
