// SPDX-License-Identifier: MIT
/*
 * drill/call_wait.c - arguments of poll() and epoll
 *
 * Descriptors within the structs are the script's in its text and the side's in the call. Of what epoll_wait() gives only the
 * first event is compared, also where it gives none: then all of it is 0.
 */
#include "drill/call_arg.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

enum { MAX_EVENTS = 65536 };

/* ---------------------------------------------------------------- poll */

/* {fd=3, events=POLLIN, revents=POLLIN}; without revents: 0 */
static bool read_pollfd(struct drill_prepared *call, const struct drill_expr *expr, struct pollfd *pollfd,
			struct drill_text *why)
{
	const struct drill_expr *events, *revents;

	if (expr->kind != DRILL_STRUCT || expr->form != DRILL_POLLFD)
		return call_fail(why, "poll() takes a list of {fd=, events=, revents=}");
	events = drill_field(expr, "events");
	revents = drill_field(expr, "revents");
	if (!drill_is_number(events) || (revents && !drill_is_number(revents)))
		return call_fail(why, "events and revents have to be numbers");
	pollfd->events = (short)events->value;
	return call_side_fd(call, drill_field(expr, "fd"), &pollfd->fd, why);
}

static bool put_pollfds(struct drill_prepared *call, unsigned at, const struct drill_expr *expr, struct drill_text *why)
{
	const struct drill_expr *item;
	struct pollfd *fds;
	int64_t n = 0;

	if (expr->kind != DRILL_LIST)
		return call_fail(why, "poll() takes a list of {fd=, events=, revents=}");
	for (item = expr->items; item; item = item->next)
		n++;
	if (drill_is_number(expr->next) && expr->next->value != n)
		return call_fail(why, "the list has %lld descriptors, the number behind it is %lld", (long long)n,
				 (long long)expr->next->value);
	fds = call_alloc(call, (size_t)n * sizeof(*fds));
	call->sys.arg[at] = (uintptr_t)fds;
	for (item = expr->items; item; item = item->next)
		if (!read_pollfd(call, item, fds++, why))
			return false;
	return true;
}

static uint16_t asked_revents(const struct drill_expr *item)
{
	const struct drill_expr *revents = drill_field(item, "revents");

	return revents ? (uint16_t)revents->value : 0;
}

static bool check_pollfds(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct drill_text *wrong)
{
	const struct pollfd *fd = (const void *)(uintptr_t)call->sys.arg[at];
	char is[200], asked[200];

	if (call->sys.result < 0)
		return true;
	for (const struct drill_expr *item = expr->items; item; item = item->next, fd++) {
		if ((uint16_t)fd->revents == asked_revents(item))
			continue;
		drill_poll_names("POLL", (uint16_t)fd->revents, is, sizeof(is));
		drill_poll_names("POLL", asked_revents(item), asked, sizeof(asked));
		return call_fail(wrong, "poll() gives %s for descriptor %lld instead of %s", is,
				 (long long)drill_field(item, "fd")->value, asked);
	}
	return true;
}

static void tell_pollfds(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			 struct call_text *text)
{
	const struct pollfd *fd = (const void *)(uintptr_t)call->sys.arg[at];
	char revents[200];

	if (call->sys.result < 0)
		return;
	call_put(text, "[");
	for (const struct drill_expr *item = expr->items; item; item = item->next, fd++) {
		call_put(text, "{fd=");
		call_put_expr(text, drill_field(item, "fd"));
		call_put(text, ", events=");
		call_put_expr(text, drill_field(item, "events"));
		drill_poll_names("POLL", (uint16_t)fd->revents, revents, sizeof(revents));
		call_put(text, ", revents=%s}%s", revents, item->next ? ", " : "");
	}
	call_put(text, "]");
}

/* ---------------------------------------------------------------- epoll */

static const char *const data_names[] = {"fd", "ptr", "u32", "u64"};
enum data { DATA_FD, DATA_PTR, DATA_U32, DATA_U64, DATA_KINDS };

static enum data data_of(const struct drill_expr *event)
{
	enum data data = DATA_FD;

	while (data < DATA_U64 && !drill_field(event, data_names[data]))
		data++;
	return data;
}

static bool read_event(const struct drill_prepared *call, const struct drill_expr *expr, struct epoll_event *event,
		       struct drill_text *why)
{
	const struct drill_expr *events, *data;
	int fd;

	if (expr->kind != DRILL_STRUCT || expr->form != DRILL_EPOLL_EVENT)
		return call_fail(why,
				 "an event of epoll is {events=, fd=}, or with ptr=, u32=, u64= in the place of fd=");
	events = drill_field(expr, "events");
	data = drill_field(expr, data_names[data_of(expr)]);
	if (!drill_is_number(events) || !drill_is_number(data))
		return call_fail(why, "the fields of an event have to be numbers");
	event->events = (uint32_t)events->value;
	switch (data_of(expr)) {
	case DATA_FD:
		if (!call_side_fd(call, data, &fd, why))
			return false;
		event->data.fd = fd;
		break;
	case DATA_U32:
		event->data.u32 = (uint32_t)data->value;
		break;
	default:
		event->data.u64 = (uint64_t)data->value;
		break;
	}
	return true;
}

static bool put_epoll_ctl(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct drill_text *why)
{
	struct epoll_event *event = call_alloc(call, sizeof(*event));

	if (drill_is_number(expr) && !expr->value)
		return true;
	if (!read_event(call, expr, event, why))
		return false;
	if (data_of(expr) == DATA_FD && event->data.fd != (int)call->sys.arg[at - 1])
		return call_fail(why, "the descriptor in the event is not the one before it");
	call->sys.arg[at] = (uintptr_t)event;
	return true;
}

static bool put_epoll_wait(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			   struct drill_text *why)
{
	struct epoll_event expected;
	int32_t n;

	if (!call_int32(expr->next, &n, "the number of events", why) || !read_event(call, expr, &expected, why))
		return false;
	if (n > MAX_EVENTS)
		return call_fail(why, "%d events are not supported", n);
	call->sys.arg[at] = (uintptr_t)call_alloc(call, (size_t)(n > 0 ? n : 1) * sizeof(expected));
	return true;
}

static void tell_event(const struct drill_prepared *call, const struct epoll_event *event, enum data data,
		       struct call_text *text)
{
	char bits[200];

	drill_poll_names("EPOLL", event->events, bits, sizeof(bits));
	call_put(text, "{events=%s, %s=", bits, data_names[data]);
	if (data == DATA_FD && event->events)
		call_put(text, "%d}", call_script_fd(call, event->data.fd));
	else
		call_put(text, "%llu}", (unsigned long long)(data == DATA_U32 ? event->data.u32 : event->data.u64));
}

/* All events that it gave; a script can name one. */
static void tell_epoll_wait(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			    struct call_text *text)
{
	const struct epoll_event *event = (const void *)(uintptr_t)call->sys.arg[at];

	if (call->sys.result < 0)
		return;
	for (int64_t i = 0; i == 0 || i < call->sys.result; i++) {
		call_put(text, i ? ", " : "");
		tell_event(call, &event[i], data_of(expr), text);
	}
}

static bool same_event(const struct drill_prepared *call, const struct epoll_event *event,
		       const struct drill_expr *expr)
{
	struct epoll_event expected = {0};
	struct drill_text why;

	if (!read_event(call, expr, &expected, &why) || event->events != expected.events)
		return false;
	switch (data_of(expr)) {
	case DATA_FD:
		return event->data.fd == expected.data.fd;
	case DATA_U32:
		return event->data.u32 == expected.data.u32;
	default:
		return event->data.u64 == expected.data.u64;
	}
}

static bool check_epoll_wait(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			     struct drill_text *wrong)
{
	const struct epoll_event *event = (const void *)(uintptr_t)call->sys.arg[at];
	struct call_text text = {wrong->text, sizeof(wrong->text), 0};

	if (same_event(call, event, expr))
		return true;
	call_put(&text, "the first event is ");
	tell_event(call, event, data_of(expr), &text);
	call_put(&text, " instead of ");
	call_put_expr(&text, expr);
	return false;
}

const struct call_arg call_arg_pollfds = {put_pollfds, check_pollfds, tell_pollfds};
const struct call_arg call_arg_epoll_ctl = {.put = put_epoll_ctl};
const struct call_arg call_arg_epoll_wait = {put_epoll_wait, check_epoll_wait, tell_epoll_wait};
