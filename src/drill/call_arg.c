// SPDX-License-Identifier: MIT
/*
 * drill/call_arg.c - arguments of system calls: numbers, descriptors, buffers, addresses, options
 */
#include "drill/call_arg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { OPTION_ROOM = 64, MAX_OPTION = 65536, SHOWN_BYTES = 16, UNWRITTEN = 0xa5, MARKED_BYTES = 1 << 20 };

static bool is_null(const struct drill_expr *expr)
{
	return drill_is_number(expr) && !expr->value;
}

/* ---------------------------------------------------------------- numbers and descriptors */

bool call_int32(const struct drill_expr *expr, int32_t *value, const char *what, struct drill_text *why)
{
	if (!drill_is_number(expr))
		return call_fail(why, "%s has to be a number", what);
	if (expr->value < INT32_MIN || expr->value > UINT32_MAX)
		return call_fail(why, "%s does not fit into 32 bits", what);
	*value = (int32_t)expr->value;
	return true;
}

bool call_bracketed(const struct drill_expr *expr, int32_t *value, const char *what, struct drill_text *why)
{
	if (expr->kind != DRILL_LIST || !expr->items || expr->items->next)
		return call_fail(why, "%s has to be one number in brackets, [4]", what);
	return call_int32(expr->items, value, what, why);
}

static bool put_number(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	char what[24];
	int32_t value;

	snprintf(what, sizeof(what), "argument %u", at + 1);
	if (!call_int32(expr, &value, what, why))
		return false;
	call->sys.arg[at] = (uint64_t)(int64_t)value;
	return true;
}

static bool put_fd(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	int fd;

	if (!call_side_fd(call, expr, &fd, why))
		return false;
	call->sys.arg[at] = (uint64_t)(int64_t)fd;
	if (!at)
		call->fd = (int)expr->value;
	return true;
}

static bool put_domain(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	if (expr->kind != DRILL_ELLIPSIS)
		return put_number(call, at, expr, why);
	call->sys.arg[at] = call_wire(call)->net->family == DRILL_IPV4 ? AF_INET : AF_INET6;
	return true;
}

/* ---------------------------------------------------------------- buffers */

void *call_read_buffer(struct drill_prepared *call, size_t size)
{
	void *buffer = call_alloc(call, size);

	return memset(buffer, UNWRITTEN, size < MARKED_BYTES ? size : MARKED_BYTES);
}

bool call_data_is_plain(const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length && !bytes[length - 1])
		length--;
	return !length;
}

/* @buffer is `...` or NULL, its size stands behind it. */
static bool put_buffer(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, bool reads,
		       struct drill_text *why)
{
	int32_t size;

	if (expr->kind != DRILL_ELLIPSIS && !is_null(expr))
		return call_fail(why, "a buffer has to be ... or NULL");
	if (!call_int32(expr->next, &size, "the buffer's size", why))
		return false;
	if (expr->kind != DRILL_ELLIPSIS)
		return true;
	if (size < 0 || size > CALL_MAX_BUFFER)
		return call_fail(why, "a buffer of %d bytes is not supported", size);
	call->sys.arg[at] =
		(uintptr_t)(reads ? call_read_buffer(call, (size_t)size) : call_zeros(call->own->calls, (size_t)size));
	return true;
}

static bool put_read_buffer(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			    struct drill_text *why)
{
	return put_buffer(call, at, expr, true, why);
}

/* What a socket for pings sends has to begin with the type of an echo request. */
static bool put_write_buffer(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			     struct drill_text *why)
{
	const struct drill_fd *fd = drill_calls_find(call->own->calls, call->fd);
	uint8_t *echo;

	if (!put_buffer(call, at, expr, false, why))
		return false;
	if (fd->kind == DRILL_FD_SOCKET && (fd->type & 0xf) == SOCK_DGRAM && expr->next->value >= 8 &&
	    call->sys.arg[at] && (fd->protocol == IPPROTO_ICMP || fd->protocol == IPPROTO_ICMPV6)) {
		echo = call_alloc(call, (size_t)expr->next->value);
		*echo = fd->protocol == IPPROTO_ICMP ? 8 : 128;
		call->sys.arg[at] = (uintptr_t)echo;
	}
	return true;
}

static void tell_read_buffer(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			     struct call_text *text)
{
	const void *data = (const void *)(uintptr_t)call->sys.arg[at];
	int64_t length = call->sys.result < expr->next->value ? call->sys.result : expr->next->value;

	if (!data || length <= 0 || call_data_is_plain(data, (size_t)length))
		return;
	call_put_bytes(text, data, length < SHOWN_BYTES ? (size_t)length : SHOWN_BYTES);
	call_put(text, length > SHOWN_BYTES ? "..." : "");
}

/* ---------------------------------------------------------------- addresses */

unsigned call_name(const struct drill_prepared *call, bool own_end, void *addr)
{
	const struct drill_wire *wire = call_wire(call);
	const uint8_t *ip = own_end ? wire->net->local : wire->net->remote;
	uint16_t port = htons(own_end ? wire->bind_port : wire->connect_port);

	if (wire->net->family == DRILL_IPV4) {
		struct sockaddr_in *in = addr;

		in->sin_family = AF_INET;
		in->sin_port = port;
		memcpy(&in->sin_addr, ip + 12, 4);
		return sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = addr;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = port;
		memcpy(&in6->sin6_addr, ip, 16);
		return sizeof(*in6);
	}
}

static bool put_bind_name(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct drill_text *why)
{
	struct sockaddr_storage *addr = call_alloc(call, sizeof(*addr));

	if (expr->kind != DRILL_ELLIPSIS)
		return call_fail(why, "an address of the script's own is not supported here: write ...");
	call->sys.arg[at] = (uintptr_t)addr;
	call->sys.arg[at + 1] = call_name(call, true, addr);
	return true;
}

/* `...` is the script's end, AF_UNSPEC no address at all: that takes a connection back. */
static bool put_connect_name(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			     struct drill_text *why)
{
	struct sockaddr_storage *addr = call_alloc(call, sizeof(*addr));
	int32_t family;

	call->sys.arg[at] = (uintptr_t)addr;
	if (expr->kind == DRILL_ELLIPSIS) {
		call->sys.arg[at + 1] = call_name(call, false, addr);
		call_connects(call, false);
		return true;
	}
	if (!drill_is_number(expr))
		return call_fail(why, "an address of the script's own is not supported here: write ... or a family");
	if (!call_int32(expr, &family, "the family", why))
		return false;
	addr->ss_family = (sa_family_t)family;
	call->sys.arg[at + 1] = sizeof(*addr);
	call_connects(call, family == AF_UNSPEC);
	return true;
}

static bool put_name_length(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			    struct drill_text *why)
{
	(void)call;
	(void)at;
	return expr->kind == DRILL_ELLIPSIS || is_null(expr) ||
	       call_fail(why, "an address has its own length: write ...");
}

/* Also makes the length that stands behind it. */
static bool put_name_out(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			 struct drill_text *why)
{
	socklen_t *length = call_alloc(call, sizeof(*length));

	if (is_null(expr))
		return true;
	if (expr->kind != DRILL_ELLIPSIS)
		return call_fail(why, "an address that comes back is not compared: write ... or NULL");
	*length = sizeof(struct sockaddr_storage);
	call->sys.arg[at] = (uintptr_t)call_alloc(call, *length);
	call->sys.arg[at + 1] = (uintptr_t)length;
	return true;
}

/* Only accept() has to give one; what recvfrom() writes there nobody looks at. */
static bool check_name_out(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			   struct drill_text *wrong)
{
	const struct sockaddr *addr = (const void *)(uintptr_t)call->sys.arg[at];
	socklen_t length, right;

	(void)expr;
	if (!addr || call->sys.no != DRILL_SYS_ACCEPT || call->sys.result < 0)
		return true;
	length = *(const socklen_t *)(uintptr_t)call->sys.arg[at + 1];
	right = addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
		return call_fail(wrong, "the address that came back has family %d", addr->sa_family);
	return length == right ||
	       call_fail(wrong, "the address that came back has %u bytes instead of %u", length, right);
}

static void tell_name_out(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct call_text *text)
{
	const struct sockaddr_storage *addr = (const void *)(uintptr_t)call->sys.arg[at];
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;
	bool v4 = addr && addr->ss_family == AF_INET;
	char ip[INET6_ADDRSTRLEN];

	(void)expr;
	if (!addr || !addr->ss_family || call->sys.result < 0)
		return;
	inet_ntop(addr->ss_family, v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, ip, sizeof(ip));
	call_put(text, "{sa_family=%s, sin_port=htons(%u), sin_addr=inet_addr(\"%s\")}", v4 ? "AF_INET" : "AF_INET6",
		 ntohs(in->sin_port), ip);
}

/* ---------------------------------------------------------------- small things by address */

/* ioctl's [n]: what comes back is compared. FIONBIO alone reads it. */
static bool put_int(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	int32_t *value = call_alloc(call, sizeof(*value)), expected;

	if (!call_bracketed(expr, &expected, "what the ioctl gives", why))
		return false;
	if (call->sys.arg[1] == FIONBIO || call->sys.arg[1] == FIOASYNC)
		*value = expected;
	call->sys.arg[at] = (uintptr_t)value;
	return true;
}

static bool check_int(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
		      struct drill_text *wrong)
{
	int32_t value = *(const int32_t *)(uintptr_t)call->sys.arg[at];

	return call->sys.result < 0 || value == (int32_t)expr->items->value ||
	       call_fail(wrong, "the ioctl gives %d instead of %d", value, (int32_t)expr->items->value);
}

static void tell_int(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
		     struct call_text *text)
{
	(void)expr;
	if (call->sys.result >= 0)
		call_put(text, "[%d]", *(const int32_t *)(uintptr_t)call->sys.arg[at]);
}

/* NULL or [n] */
static bool put_offset(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	int64_t *offset = call_alloc(call, sizeof(*offset));

	if (is_null(expr))
		return true;
	if (expr->kind != DRILL_LIST || !expr->items || expr->items->next || !drill_is_number(expr->items))
		return call_fail(why, "an offset has to be NULL or one number in brackets, [0]");
	*offset = expr->items->value;
	call->sys.arg[at] = (uintptr_t)offset;
	return true;
}

static void tell_offset(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			struct call_text *text)
{
	(void)expr;
	if (call->sys.arg[at] && call->sys.result >= 0)
		call_put(text, "[%lld]", (long long)*(const int64_t *)(uintptr_t)call->sys.arg[at]);
}

static bool put_path(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	if (expr->kind != DRILL_STRING || expr->more)
		return call_fail(why, "a file's name has to be a string");
	call->sys.arg[at] = (uintptr_t)expr->text;
	return true;
}

static bool put_pipe(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	const struct drill_expr *item = expr->kind == DRILL_LIST ? expr->items : NULL;
	int32_t number;

	if (!item || !item->next || item->next->next)
		return call_fail(why, "a pipe has two descriptors: [4, 5]");
	for (; item; item = item->next)
		if (!call_int32(item, &number, "a pipe's descriptor", why))
			return false;
	call->sys.arg[at] = (uintptr_t)call_alloc(call, 2 * sizeof(int));
	return true;
}

/* ---------------------------------------------------------------- options */

/* An option's value as bytes; gives their number, or -1: there is no such value. NULL has 0. */
static long option_bytes(const struct drill_expr *expr, void *to, size_t room, struct drill_text *why)
{
	const struct drill_expr *onoff, *linger;
	int32_t value;

	if (is_null(expr))
		return 0;
	if (expr->kind == DRILL_STRING && !expr->more && expr->length <= room) {
		memcpy(to, expr->text, expr->length);
		return (long)expr->length;
	}
	if (expr->kind == DRILL_CALL && !strcmp(expr->text, "inet6_addr"))
		return inet_pton(AF_INET6, expr->items->text, to) == 1 ? 16 : -1;
	if (expr->kind == DRILL_STRUCT && expr->form == DRILL_LINGER) {
		onoff = drill_field(expr, "onoff");
		linger = drill_field(expr, "linger");
		if (!call_int32(onoff, &value, "onoff", why))
			return -1;
		memcpy(to, &value, sizeof(value));
		if (!call_int32(linger, &value, "linger", why))
			return -1;
		memcpy((uint8_t *)to + sizeof(value), &value, sizeof(value));
		return 2 * sizeof(value);
	}
	if (expr->kind == DRILL_LIST) {
		if (!call_bracketed(expr, &value, "the option's value", why))
			return -1;
		memcpy(to, &value, sizeof(value));
		return sizeof(value);
	}
	call_fail(why, "an option's value has to be [NUMBER], \"text\", {onoff=, linger=}, inet6_addr() or NULL");
	return -1;
}

static bool put_option_set(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			   struct drill_text *why)
{
	size_t room = OPTION_ROOM + (expr->kind == DRILL_STRING ? expr->length : 0);
	void *value;
	int32_t length;

	if (!call_int32(expr->next, &length, "the option's length", why))
		return false;
	if (length > MAX_OPTION)
		return call_fail(why, "an option of %d bytes is not supported", length);
	value = call_alloc(call, room + (length > 0 ? (size_t)length : 0));
	if (option_bytes(expr, value, room, why) < 0)
		return false;
	if (!is_null(expr))
		call->sys.arg[at] = (uintptr_t)value;
	return true;
}

static bool put_option_get(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			   struct drill_text *why)
{
	size_t room = OPTION_ROOM + (expr->kind == DRILL_STRING ? expr->length : 0);
	void *expected = call_alloc(call, room);
	int32_t length;

	if (option_bytes(expr, expected, room, why) < 0 ||
	    !call_bracketed(expr->next, &length, "the option's length", why))
		return false;
	if (length > MAX_OPTION)
		return call_fail(why, "an option of %d bytes is not supported", length);
	if (!is_null(expr))
		call->sys.arg[at] = (uintptr_t)call_alloc(call, OPTION_ROOM + (length > 0 ? (size_t)length : 0));
	return true;
}

static bool put_option_length(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			      struct drill_text *why)
{
	socklen_t *length = call_alloc(call, sizeof(*length));

	call->sys.arg[at] = (uintptr_t)length;
	return call_bracketed(expr, (int32_t *)length, "the option's length", why);
}

static int32_t option_length(const struct drill_prepared *call, unsigned at)
{
	return (int32_t) * (const socklen_t *)(uintptr_t)call->sys.arg[at + 1];
}

/* As a script has it: in the form in which this script asks for it, where it has the right length for it. */
static void tell_option_get(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			    struct call_text *text)
{
	const void *value = (const void *)(uintptr_t)call->sys.arg[at];
	int32_t length = option_length(call, at), word[2];
	char ip[INET6_ADDRSTRLEN];

	if (!value || call->sys.result < 0 || length < 0 || length > MAX_OPTION)
		return;
	memcpy(word, value, sizeof(word));
	if (expr->kind == DRILL_LIST && length == sizeof(int32_t))
		call_put(text, expr->items->hex ? "[0x%x]" : "[%d]", word[0]);
	else if (expr->kind == DRILL_STRUCT && length == sizeof(word))
		call_put(text, "{onoff=%d, linger=%d}", word[0], word[1]);
	else if (expr->kind == DRILL_CALL && length == 16)
		call_put(text, "inet6_addr(\"%s\")", inet_ntop(AF_INET6, value, ip, sizeof(ip)));
	else
		call_put_bytes(text, value, (size_t)length);
}

static void tell_option_length(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			       struct call_text *text)
{
	(void)expr;
	if (call->sys.result >= 0)
		call_put(text, "[%d]", option_length(call, at - 1));
}

static bool check_option_get(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			     struct drill_text *wrong)
{
	uint8_t expected[MAX_OPTION];
	const void *value = (const void *)(uintptr_t)call->sys.arg[at];
	int32_t length = option_length(call, at), asked = (int32_t)expr->next->items->value;
	struct call_text text = {wrong->text, sizeof(wrong->text), 0};
	long right;

	if (length != asked)
		return call_fail(wrong, "the option's length is %d instead of %d", length, asked);
	if (!value)
		return true;
	right = option_bytes(expr, expected, sizeof(expected), wrong);
	if (right != length)
		return call_fail(wrong, "the value in the script has %ld bytes, the option %d", right, length);
	if (!memcmp(expected, value, (size_t)right))
		return true;
	call_put(&text, "the option's value is ");
	tell_option_get(call, at, expr, &text);
	call_put(&text, " instead of ");
	call_put_expr(&text, expr);
	return false;
}

/* ---------------------------------------------------------------- the kinds */

const struct call_arg call_arg_fd = {.put = put_fd};
const struct call_arg call_arg_number = {.put = put_number};
const struct call_arg call_arg_domain = {.put = put_domain};
const struct call_arg call_arg_bind_name = {.put = put_bind_name};
const struct call_arg call_arg_connect_name = {.put = put_connect_name};
const struct call_arg call_arg_name_length = {.put = put_name_length};
const struct call_arg call_arg_name_out = {put_name_out, check_name_out, tell_name_out};
const struct call_arg call_arg_read_buffer = {.put = put_read_buffer, .tell = tell_read_buffer};
const struct call_arg call_arg_write_buffer = {.put = put_write_buffer};
const struct call_arg call_arg_int = {put_int, check_int, tell_int};
const struct call_arg call_arg_offset = {.put = put_offset, .tell = tell_offset};
const struct call_arg call_arg_path = {.put = put_path};
const struct call_arg call_arg_pipe = {.put = put_pipe};
const struct call_arg call_arg_option_set = {.put = put_option_set};
const struct call_arg call_arg_option_get = {put_option_get, check_option_get, tell_option_get};
const struct call_arg call_arg_option_length = {.put = put_option_length, .tell = tell_option_length};
