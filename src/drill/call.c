// SPDX-License-Identifier: MIT
/*
 * drill/call.c - a script's system calls: one table, one way through it
 *
 *	drill_call_prepare   the row of the call's name; each kind of argument puts its own (call_arg.h)
 *	drill_call_check     descriptors that came and went are noted; result, errno, then each argument that came back
 *
 * Compared is what the script writes: a result exactly, but for new descriptors, which only have to be some; an errno where
 * it is named. Data are zeros and are not compared.
 */
#include "drill/call_arg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* struct field - zeros, as many as a call needed; an earlier one may still be in use */
struct field {
	struct field *next;
	void *zeros;
};

struct drill_calls {
	const struct drill_wire *wire;
	struct drill_fd *fds, **last;
	struct drill_fd *under_test;
	struct field *fields;
	size_t field_size; /* of the first */
};

/**
 * struct call_row - a call of the language
 * @min, @max: how many arguments it may have
 * @gives_fd:  any result that is not negative is as good as another
 */
struct call_row {
	const char *name;
	uint8_t min, max;
	bool gives_fd;
	const struct call_arg *args[CALL_MAX_ARGS];
};

#define FD	     &call_arg_fd
#define NUMBER	     &call_arg_number
#define READ_BUFFER  &call_arg_read_buffer
#define WRITE_BUFFER &call_arg_write_buffer
#define CONNECT_NAME &call_arg_connect_name
#define NAME_LENGTH  &call_arg_name_length
#define NAME_OUT     &call_arg_name_out

/* clang-format off */
static const struct call_row rows[DRILL_SYSCALLS] = {
	[DRILL_SYS_SOCKET]	 = {"socket", 3, 3, true, {&call_arg_domain, NUMBER, NUMBER}},
	[DRILL_SYS_BIND]	 = {"bind", 3, 3, false, {FD, &call_arg_bind_name, NAME_LENGTH}},
	[DRILL_SYS_LISTEN]	 = {"listen", 2, 2, false, {FD, NUMBER}},
	[DRILL_SYS_ACCEPT]	 = {"accept", 3, 3, true, {FD, NAME_OUT, NAME_LENGTH}},
	[DRILL_SYS_CONNECT]	 = {"connect", 3, 3, false, {FD, CONNECT_NAME, NAME_LENGTH}},
	[DRILL_SYS_READ]	 = {"read", 3, 3, false, {FD, READ_BUFFER, NUMBER}},
	[DRILL_SYS_READV]	 = {"readv", 3, 3, false, {FD, &call_arg_read_iov, NUMBER}},
	[DRILL_SYS_RECV]	 = {"recv", 4, 4, false, {FD, READ_BUFFER, NUMBER, NUMBER}},
	[DRILL_SYS_RECVFROM]	 = {"recvfrom", 6, 6, false, {FD, READ_BUFFER, NUMBER, NUMBER, NAME_OUT, NAME_LENGTH}},
	[DRILL_SYS_RECVMSG]	 = {"recvmsg", 3, 3, false, {FD, &call_arg_msg_recv, NUMBER}},
	[DRILL_SYS_WRITE]	 = {"write", 3, 3, false, {FD, WRITE_BUFFER, NUMBER}},
	[DRILL_SYS_WRITEV]	 = {"writev", 3, 3, false, {FD, &call_arg_write_iov, NUMBER}},
	[DRILL_SYS_SEND]	 = {"send", 4, 4, false, {FD, WRITE_BUFFER, NUMBER, NUMBER}},
	[DRILL_SYS_SENDTO]	 = {"sendto", 6, 6, false, {FD, WRITE_BUFFER, NUMBER, NUMBER, CONNECT_NAME, NAME_LENGTH}},
	[DRILL_SYS_SENDMSG]	 = {"sendmsg", 3, 3, false, {FD, &call_arg_msg_send, NUMBER}},
	[DRILL_SYS_FCNTL]	 = {"fcntl", 2, 3, false, {FD, NUMBER, NUMBER}},
	[DRILL_SYS_IOCTL]	 = {"ioctl", 2, 3, false, {FD, NUMBER, &call_arg_int}},
	[DRILL_SYS_CLOSE]	 = {"close", 1, 1, false, {FD}},
	[DRILL_SYS_SHUTDOWN]	 = {"shutdown", 2, 2, false, {FD, NUMBER}},
	[DRILL_SYS_GETSOCKOPT]	 = {"getsockopt", 5, 5, false,
				    {FD, NUMBER, NUMBER, &call_arg_option_get, &call_arg_option_length}},
	[DRILL_SYS_SETSOCKOPT]	 = {"setsockopt", 5, 5, false, {FD, NUMBER, NUMBER, &call_arg_option_set, NUMBER}},
	[DRILL_SYS_POLL]	 = {"poll", 3, 3, false, {&call_arg_pollfds, NUMBER, NUMBER}},
	[DRILL_SYS_CAP_SET]	 = {"cap_set", 3, 3, false, {NUMBER, NUMBER, NUMBER}},
	[DRILL_SYS_OPEN]	 = {"open", 2, 2, true, {&call_arg_path, NUMBER}},
	[DRILL_SYS_SENDFILE]	 = {"sendfile", 4, 4, false, {FD, FD, &call_arg_offset, NUMBER}},
	[DRILL_SYS_EPOLL_CREATE] = {"epoll_create", 1, 1, true, {NUMBER}},
	[DRILL_SYS_EPOLL_CTL]	 = {"epoll_ctl", 4, 4, false, {FD, NUMBER, FD, &call_arg_epoll_ctl}},
	[DRILL_SYS_EPOLL_WAIT]	 = {"epoll_wait", 4, 4, false, {FD, &call_arg_epoll_wait, NUMBER, NUMBER}},
	[DRILL_SYS_PIPE]	 = {"pipe", 1, 1, false, {&call_arg_pipe}},
	[DRILL_SYS_SPLICE]	 = {"splice", 6, 6, false, {FD, &call_arg_offset, FD, &call_arg_offset, NUMBER, NUMBER}},
};
/* clang-format on */

/* ---------------------------------------------------------------- text */

static void put_list(struct call_text *text, const char *format, va_list args)
{
	size_t room = text->at < text->size ? text->size - text->at : 0;
	int n = vsnprintf(room ? text->to + text->at : NULL, room, format, args);

	text->at += n > 0 ? (size_t)n : 0;
}

void call_put(struct call_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_list(text, format, args);
	va_end(args);
}

bool call_fail(struct drill_text *why, const char *format, ...)
{
	struct call_text text = {why->text, sizeof(why->text), 0};
	va_list args;

	va_start(args, format);
	put_list(&text, format, args);
	va_end(args);
	return false;
}

void call_put_expr(struct call_text *text, const struct drill_expr *expr)
{
	size_t room = text->at < text->size ? text->size - text->at : 0;

	text->at += drill_print_expr(expr, room ? text->to + text->at : NULL, room);
}

void call_put_bytes(struct call_text *text, const void *bytes, size_t length)
{
	struct drill_expr string = {.kind = DRILL_STRING, .text = bytes, .length = length};

	call_put_expr(text, &string);
}

/* ---------------------------------------------------------------- descriptors */

static void *need(void *mem)
{
	if (!mem)
		abort();
	return mem;
}

struct drill_calls *drill_calls_new(const struct drill_wire *wire)
{
	struct drill_calls *calls = need(calloc(1, sizeof(*calls)));

	calls->wire = wire;
	calls->last = &calls->fds;
	return calls;
}

void drill_calls_free(struct drill_calls *calls)
{
	while (calls->fds) {
		struct drill_fd *fd = calls->fds;

		calls->fds = fd->next;
		free(fd);
	}
	while (calls->fields) {
		struct field *field = calls->fields;

		calls->fields = field->next;
		free(field->zeros);
		free(field);
	}
	free(calls);
}

const struct drill_fd *drill_calls_fds(const struct drill_calls *calls)
{
	return calls->fds;
}

/* The newest with the number: accept() may give one that is still open, for connections that the script needs no more. */
static struct drill_fd *find(const struct drill_calls *calls, int number)
{
	struct drill_fd *fd, *newest = NULL;

	for (fd = calls->fds; fd; fd = fd->next)
		if (!fd->closed && fd->number == number)
			newest = fd;
	return newest;
}

const struct drill_fd *drill_calls_find(const struct drill_calls *calls, int number)
{
	return find(calls, number);
}

const struct drill_fd *drill_calls_under_test(const struct drill_calls *calls)
{
	return calls->under_test;
}

/* False: the script gives a number twice. The descriptor is noted all the same. */
static bool add_fd(struct drill_calls *calls, const struct drill_fd *like, struct drill_text *wrong)
{
	struct drill_fd *fd = need(malloc(sizeof(*fd)));
	bool twice = like->number >= 0 && like->role != DRILL_FD_ACCEPTED && find(calls, like->number);

	*fd = *like;
	fd->next = NULL;
	*calls->last = fd;
	calls->last = &fd->next;
	if (fd->kind == DRILL_FD_SOCKET)
		calls->under_test = fd;
	return !twice || call_fail(wrong, "descriptor %d of the script is open already", like->number);
}

/* ---------------------------------------------------------------- what the kinds of arguments use */

void *call_alloc(struct drill_prepared *call, size_t size)
{
	return drill_alloc(call->own->arena, size ? size : 1);
}

void *call_zeros(struct drill_calls *calls, size_t size)
{
	struct field *field;

	if (calls->fields && size <= calls->field_size)
		return calls->fields->zeros;
	field = need(malloc(sizeof(*field)));
	calls->field_size = size < 65536 ? 65536 : size;
	field->zeros = need(calloc(1, calls->field_size));
	field->next = calls->fields;
	calls->fields = field;
	return field->zeros;
}

const struct drill_wire *call_wire(const struct drill_prepared *call)
{
	return call->own->calls->wire;
}

bool call_side_fd(const struct drill_prepared *call, const struct drill_expr *expr, int *side_fd,
		  struct drill_text *why)
{
	const struct drill_fd *fd;
	int32_t number;

	if (!call_int32(expr, &number, "a descriptor", why))
		return false;
	fd = find(call->own->calls, number);
	if (!fd)
		return call_fail(why, "the script has no open descriptor %d", number);
	*side_fd = fd->side_fd;
	return true;
}

int call_script_fd(const struct drill_prepared *call, int side_fd)
{
	const struct drill_fd *fd = call->own->calls->fds;

	while (fd && (fd->closed || fd->side_fd != side_fd))
		fd = fd->next;
	return fd ? fd->number : -1;
}

void call_connects(struct drill_prepared *call, bool back)
{
	struct drill_fd *fd = find(call->own->calls, call->fd);

	if (back)
		fd->role = DRILL_FD_FRESH;
	else if (fd->role == DRILL_FD_FRESH)
		fd->role = DRILL_FD_CONNECTING;
}

/* ---------------------------------------------------------------- before the call */

static const struct call_row *row_of(const char *name)
{
	const struct call_row *row = rows;

	while (row < rows + DRILL_SYSCALLS && strcmp(row->name, name))
		row++;
	return row < rows + DRILL_SYSCALLS ? row : NULL;
}

static bool count_fits(const struct call_row *row, unsigned n, struct drill_text *why)
{
	if (n >= row->min && n <= row->max)
		return true;
	if (row->min == row->max)
		return call_fail(why, "%s() takes %u arguments, not %u", row->name, row->min, n);
	return call_fail(why, "%s() takes %u or %u arguments, not %u", row->name, row->min, row->max, n);
}

static bool put_args(struct drill_prepared *call, struct drill_text *why)
{
	const struct call_row *row = call->own->row;
	const struct drill_expr *expr = call->call->args;
	int32_t result;

	if (!count_fits(row, call->call->n_args, why) || !call_int32(call->call->result, &result, "the result", why))
		return false;
	for (unsigned at = 0; expr; expr = expr->next, at++) {
		call->own->args[at] = expr;
		if (!row->args[at]->put(call, at, expr, why))
			return false;
	}
	return true;
}

struct drill_prepared *drill_call_prepare(struct drill_calls *calls, const struct drill_call *call,
					  struct drill_text *why)
{
	const struct call_row *row = row_of(call->name);
	struct drill_prepared *prepared;

	if (!row) {
		call_fail(why, "the call %s() is not supported", call->name);
		return NULL;
	}
	prepared = need(calloc(1, sizeof(*prepared)));
	prepared->own = need(calloc(1, sizeof(*prepared->own)));
	prepared->own->arena = drill_arena_new();
	prepared->own->calls = calls;
	prepared->own->row = row;
	prepared->sys.no = (enum drill_sysno)(row - rows);
	prepared->call = call;
	prepared->fd = -1;
	if (put_args(prepared, why))
		return prepared;
	drill_call_free(prepared);
	return NULL;
}

void drill_call_free(struct drill_prepared *prepared)
{
	drill_arena_free(prepared->own->arena);
	free(prepared->own);
	free(prepared);
}

/* ---------------------------------------------------------------- what the call did to descriptors */

static enum drill_fd_kind kind_of_new_fd(enum drill_sysno no)
{
	switch (no) {
	case DRILL_SYS_EPOLL_CREATE:
		return DRILL_FD_EPOLL;
	case DRILL_SYS_OPEN:
		return DRILL_FD_FILE;
	default:
		return DRILL_FD_SOCKET;
	}
}

/* Where accept() says that the connection comes from. */
static void read_peer(const struct drill_prepared *call, struct drill_fd *fd)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr *addr = (const void *)(uintptr_t)call->sys.arg[1];
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (addr && addr->sa_family == AF_INET) {
		memcpy(fd->peer, mapped, sizeof(mapped));
		memcpy(fd->peer + sizeof(mapped), &in->sin_addr, sizeof(in->sin_addr));
		fd->peer_port = ntohs(in->sin_port);
	} else if (addr && addr->sa_family == AF_INET6) {
		memcpy(fd->peer, &in6->sin6_addr, sizeof(fd->peer));
		fd->peer_port = ntohs(in6->sin6_port);
	}
}

static bool note_new_fd(const struct drill_prepared *call, struct drill_text *wrong)
{
	const struct drill_fd *listener = find(call->own->calls, call->fd);
	struct drill_fd fd = {
		.number = (int)call->call->result->value,
		.side_fd = (int)call->sys.result,
		.kind = kind_of_new_fd(call->sys.no),
	};

	if (call->sys.no == DRILL_SYS_SOCKET) {
		fd.domain = (int)call->sys.arg[0];
		fd.type = (int)call->sys.arg[1];
		fd.protocol = (int)call->sys.arg[2];
	} else if (call->sys.no == DRILL_SYS_ACCEPT) {
		fd.domain = listener ? listener->domain : 0;
		fd.type = listener ? listener->type : 0;
		fd.protocol = listener ? listener->protocol : 0;
		fd.role = DRILL_FD_ACCEPTED;
		read_peer(call, &fd);
	}
	return add_fd(call->own->calls, &fd, wrong);
}

static bool note_pipe(const struct drill_prepared *call, struct drill_text *wrong)
{
	const int *side_fd = (const int *)(uintptr_t)call->sys.arg[0];
	const struct drill_expr *item = call->own->args[0]->items;
	struct drill_fd in = {.number = (int)item->value, .side_fd = side_fd[0], .kind = DRILL_FD_PIPE};
	struct drill_fd out = {.number = (int)item->next->value, .side_fd = side_fd[1], .kind = DRILL_FD_PIPE};

	return add_fd(call->own->calls, &in, wrong) & add_fd(call->own->calls, &out, wrong);
}

/* A number is free after close(), whatever that says. */
static bool note_fds(const struct drill_prepared *call, struct drill_text *wrong)
{
	struct drill_fd *fd = find(call->own->calls, call->fd);

	if (call->sys.no == DRILL_SYS_CLOSE && fd)
		fd->closed = true;
	if (call->sys.result < 0)
		return true;
	if (call->sys.no == DRILL_SYS_LISTEN && fd)
		fd->role = DRILL_FD_LISTENING;
	if (call->sys.no == DRILL_SYS_PIPE)
		return note_pipe(call, wrong);
	return !call->own->row->gives_fd || note_new_fd(call, wrong);
}

/* ---------------------------------------------------------------- after the call */

static const char *err_name(int64_t result, char *to, size_t size)
{
	const char *name = drill_errno_name((int)-result);

	snprintf(to, size, "errno %d", (int)-result);
	return name ? name : to;
}

static bool result_is_right(const struct drill_prepared *call, struct drill_text *wrong)
{
	const struct drill_call *script = call->call;
	int32_t asked = (int32_t)script->result->value;
	int64_t result = call->sys.result;
	int32_t is = result < 0 ? -1 : (int32_t)result;
	char err[32];

	if (call->own->row->gives_fd && asked >= 0 ? is < 0 : is != asked) {
		if (result < 0)
			return call_fail(wrong, "%s() fails with %s", script->name, err_name(result, err, sizeof(err)));
		return call_fail(wrong, "%s() gives %d instead of %d", script->name, is, asked);
	}
	if (script->err && result < 0 && -result != script->err)
		return call_fail(wrong, "%s() fails with %s instead of %s", script->name,
				 err_name(result, err, sizeof(err)), script->err_name);
	return true;
}

static bool args_are_right(const struct drill_prepared *call, struct drill_text *wrong)
{
	const struct call_row *row = call->own->row;

	for (unsigned at = 0; at < call->call->n_args; at++)
		if (row->args[at]->check && !row->args[at]->check(call, at, call->own->args[at], wrong))
			return false;
	return true;
}

/* Makes the texts of what came back, once. */
static void tell_args(struct drill_prepared *call)
{
	const struct call_row *row = call->own->row;
	char room[2048];

	for (unsigned at = 0; at < call->call->n_args; at++) {
		struct call_text text = {room, sizeof(room), 0};

		room[0] = '\0';
		if (row->args[at]->tell)
			row->args[at]->tell(call, at, call->own->args[at], &text);
		call->own->out[at] = drill_copy(call->own->arena, room, strlen(room));
	}
}

int64_t drill_call_result(const struct drill_prepared *prepared)
{
	bool new_fd = prepared->own->row->gives_fd && prepared->sys.result >= 0;

	return new_fd && prepared->call->result->value >= 0 ? prepared->call->result->value : prepared->sys.result;
}

const char *drill_call_out(struct drill_prepared *prepared)
{
	char room[4096] = "";
	struct call_text text = {room, sizeof(room), 0};

	if (prepared->own->all_out)
		return prepared->own->all_out;
	tell_args(prepared);
	for (unsigned at = 0; at < prepared->call->n_args; at++)
		if (prepared->own->out[at][0])
			call_put(&text, "%s%s", text.at ? ", " : "", prepared->own->out[at]);
	prepared->own->all_out = drill_copy(prepared->own->arena, room, strlen(room));
	return prepared->own->all_out;
}

/* ---------------------------------------------------------------- expected beside actual */

static void put_asked_result(struct call_text *text, const struct drill_call *call)
{
	call_put_expr(text, call->result);
	call_put(text, call->err_name ? " %s" : "", call->err_name);
}

static void put_result(struct call_text *text, const struct drill_prepared *call)
{
	int64_t result = drill_call_result(call);
	char err[32];

	if (result < 0)
		call_put(text, "-1 %s", err_name(result, err, sizeof(err)));
	else
		call_put(text, call->call->result->hex ? "0x%llx" : "%lld", (long long)result);
}

/* Both lines, each argument as wide as in the other. */
static void put_both(struct drill_prepared *call, struct call_text *asked, struct call_text *is)
{
	call_put(asked, "%s(", call->call->name);
	call_put(is, "%s(", call->call->name);
	for (unsigned at = 0; at < call->call->n_args; at++) {
		const char *out = call->own->out[at], *comma = at + 1 < call->call->n_args ? ", " : "";
		char room[2048] = "";
		struct call_text arg = {room, sizeof(room), 0};
		int width;

		call_put_expr(&arg, call->own->args[at]);
		if (!*out)
			out = room;
		width = (int)(strlen(out) > strlen(room) ? strlen(out) : strlen(room));
		call_put(asked, "%s%s%*s", room, comma, width - (int)strlen(room), "");
		call_put(is, "%s%s%*s", out, comma, width - (int)strlen(out), "");
	}
	call_put(asked, ") = ");
	call_put(is, ") = ");
	put_asked_result(asked, call->call);
	put_result(is, call);
}

bool drill_call_check(struct drill_prepared *prepared, struct drill_verdict *verdict)
{
	struct call_text asked = {verdict->expected.text, sizeof(verdict->expected.text), 0};
	struct call_text is = {verdict->actual.text, sizeof(verdict->actual.text), 0};
	struct drill_text wrong = {""};
	bool right = note_fds(prepared, &wrong);

	if (right && result_is_right(prepared, &wrong) && args_are_right(prepared, &wrong))
		return true;
	drill_call_out(prepared);
	verdict->outcome = DRILL_FAILED;
	verdict->text = wrong;
	put_both(prepared, &asked, &is);
	return false;
}
