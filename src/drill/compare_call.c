// SPDX-License-Identifier: MIT
/*
 * drill/compare_call.c - calls, how sockets stand, and counters, side by side
 *
 * Calls belong together by their line, sockets by line and descriptor, counters by name.
 */
#include "drill/compare_own.h"

#include "drill/tell.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct drill_pos pos_of(const struct drill_entry *entry)
{
	return entry->event ? entry->event->pos : (struct drill_pos){0};
}

static const struct drill_entry *find(const struct compare_side *side, enum drill_entry_kind kind,
				      const struct drill_event *event, int fd, size_t *at)
{
	for (size_t i = 0; i < side->n; i++) {
		const struct drill_entry *entry = side->entries[i];

		if (entry->kind != kind || !entry->event || !event || entry->event->number != event->number ||
		    (kind == DRILL_STOOD && entry->stood_fd != fd))
			continue;
		*at = i;
		return entry;
	}
	return NULL;
}

/* ---------------------------------------------------------------- calls */

/* Which number a descriptor gets is an affair of the program's; that there is one is not. */
static bool gives_descriptor(enum drill_sysno no)
{
	return no == DRILL_SYS_SOCKET || no == DRILL_SYS_ACCEPT || no == DRILL_SYS_OPEN || no == DRILL_SYS_EPOLL_CREATE;
}

static bool same_result(const struct drill_entry *a, const struct drill_entry *b)
{
	return a->result == b->result || (gives_descriptor(a->no) && a->result >= 0 && b->result >= 0);
}

static const char *call_text(const struct drill_entry *entry, char *to, size_t size)
{
	struct drill_teller teller = {0};

	return entry ? drill_tell(&teller, entry, to, size) : NULL;
}

static void tell_call(struct compare *compare, enum drill_aspect aspect, const struct drill_entry *a,
		      const struct drill_entry *b)
{
	char text_a[DRILL_TELL_MAX], text_b[DRILL_TELL_MAX];

	compare_differ(compare, pos_of(a ? a : b), aspect, NULL, call_text(a, text_a, sizeof(text_a)),
		       call_text(b, text_b, sizeof(text_b)));
}

static void compare_call_time(struct compare *compare, const struct drill_entry *a, const struct compare_when *when_a,
			      const struct compare_when *when_b)
{
	char text_a[64], text_b[64];

	if (compare_times_agree(when_a, when_b))
		return;
	snprintf(text_a, sizeof(text_a), "%.4f s  %s returns", (double)when_a->at_ns / 1e9, a->event->call.name);
	snprintf(text_b, sizeof(text_b), "%.4f s  %s returns", (double)when_b->at_ns / 1e9, a->event->call.name);
	compare_differ(compare, pos_of(a), DRILL_TIME, NULL, text_a, text_b);
}

static void compare_ended(struct compare *compare, const struct drill_entry *a, size_t at)
{
	size_t other, began;
	const struct drill_entry *b = find(&compare->lastack_side, DRILL_ENDED, a->event, -1, &other);
	bool waited_a, waited_b;

	if (!b) {
		tell_call(compare, DRILL_RESULT, a, NULL);
		return;
	}
	if (!same_result(a, b))
		tell_call(compare, DRILL_RESULT, a, b);
	else if (strcmp(a->out, b->out))
		tell_call(compare, DRILL_OUTPUT, a, b);
	waited_a = find(&compare->linux_side, DRILL_BEGAN, a->event, -1, &began);
	waited_b = find(&compare->lastack_side, DRILL_BEGAN, a->event, -1, &began);
	if (waited_a != waited_b)
		compare_differ(compare, pos_of(a), DRILL_WAITING, NULL, waited_a ? "it waits" : "it returns at once",
			       waited_b ? "it waits" : "it returns at once");
	else if (waited_a)
		compare_call_time(compare, a, &compare->linux_side.when[at], &compare->lastack_side.when[other]);
}

void compare_calls(struct compare *compare)
{
	const struct compare_side *linux_side = &compare->linux_side, *lastack_side = &compare->lastack_side;
	size_t at;

	for (size_t i = 0; i < linux_side->n; i++)
		if (linux_side->entries[i]->kind == DRILL_ENDED && linux_side->entries[i]->event)
			compare_ended(compare, linux_side->entries[i], i);
	for (size_t i = 0; i < lastack_side->n; i++) {
		const struct drill_entry *b = lastack_side->entries[i];

		if (b->kind == DRILL_ENDED && b->event && !find(linux_side, DRILL_ENDED, b->event, -1, &at))
			tell_call(compare, DRILL_RESULT, NULL, b);
	}
}

/* ---------------------------------------------------------------- sockets */

static void compare_bits(struct compare *compare, const struct drill_entry *a, const struct drill_entry *b)
{
	char text_a[192], text_b[192], names[160];

	if (a->bits == b->bits)
		return;
	snprintf(text_a, sizeof(text_a), "fd %d: %s", a->stood_fd,
		 drill_poll_names("POLL", a->bits, names, sizeof(names)));
	snprintf(text_b, sizeof(text_b), "fd %d: %s", b->stood_fd,
		 drill_poll_names("POLL", b->bits, names, sizeof(names)));
	compare_differ(compare, pos_of(a), DRILL_POLL_BITS, NULL, text_a, text_b);
}

static void queue_text(char *to, size_t size, const struct drill_entry *entry, int64_t bytes)
{
	const char *name = bytes < 0 ? drill_errno_name((int)-bytes) : NULL;

	if (name)
		snprintf(to, size, "fd %d: %s", entry->stood_fd, name);
	else
		snprintf(to, size, "fd %d: %" PRId64, entry->stood_fd, bytes);
}

static void compare_queue(struct compare *compare, enum drill_aspect aspect, const struct drill_entry *a,
			  int64_t bytes_a, const struct drill_entry *b, int64_t bytes_b)
{
	char text_a[64], text_b[64];

	if (bytes_a == bytes_b)
		return;
	queue_text(text_a, sizeof(text_a), a, bytes_a);
	queue_text(text_b, sizeof(text_b), b, bytes_b);
	compare_differ(compare, pos_of(a), aspect, NULL, text_a, text_b);
}

static void compare_stood(struct compare *compare, const struct drill_entry *a, const struct drill_entry *b)
{
	char text_a[64], text_b[64];

	if (a->state != b->state) {
		snprintf(text_a, sizeof(text_a), "fd %d: %s", a->stood_fd, drill_state_name(a->state));
		snprintf(text_b, sizeof(text_b), "fd %d: %s", b->stood_fd, drill_state_name(b->state));
		compare_differ(compare, pos_of(a), DRILL_STATE, NULL, text_a, text_b);
	}
	compare_bits(compare, a, b);
	compare_queue(compare, DRILL_RECV_QUEUE, a, a->recv_q, b, b->recv_q);
	compare_queue(compare, DRILL_SEND_QUEUE, a, a->send_q, b, b->send_q);
}

/* A descriptor that means nothing any more stands like one that is not asked about: its close() may still wait. */
static bool is_open(const struct drill_entry *entry)
{
	return entry && !(entry->bits & POLLNVAL);
}

/*
 * Is a call that has waited on this socket just about to return? Then it may have taken what the socket has to tell,
 * or not.
 */
static bool is_settling(const struct compare_side *side, const struct drill_entry *stood, size_t at)
{
	for (size_t i = at + 1; i < side->n && side->entries[i]->at_ns - stood->at_ns <= DRILL_NOISE_NS; i++) {
		const struct drill_entry *entry = side->entries[i];
		size_t began;

		if (entry->kind == DRILL_ENDED && entry->fd == stood->stood_fd && entry->event != stood->event &&
		    find(side, DRILL_BEGAN, entry->event, -1, &began) && began < at)
			return true;
	}
	return false;
}

static void compare_socket(struct compare *compare, const struct drill_entry *a, const struct drill_entry *b)
{
	char text[32];

	if (is_open(a) && is_open(b)) {
		compare_stood(compare, a, b);
	} else if (is_open(a) || is_open(b)) {
		snprintf(text, sizeof(text), "fd %d is open", (a ? a : b)->stood_fd);
		compare_differ(compare, pos_of(a ? a : b), DRILL_STATE, NULL, is_open(a) ? text : NULL,
			       is_open(b) ? text : NULL);
	}
}

void compare_sockets(struct compare *compare)
{
	const struct compare_side *linux_side = &compare->linux_side, *lastack_side = &compare->lastack_side;
	size_t at;

	for (size_t i = 0; i < linux_side->n; i++) {
		const struct drill_entry *a = linux_side->entries[i];

		if (a->kind == DRILL_STOOD && a->event && !is_settling(linux_side, a, i))
			compare_socket(compare, a, find(lastack_side, DRILL_STOOD, a->event, a->stood_fd, &at));
	}
	for (size_t i = 0; i < lastack_side->n; i++) {
		const struct drill_entry *b = lastack_side->entries[i];

		if (b->kind == DRILL_STOOD && b->event && !find(linux_side, DRILL_STOOD, b->event, b->stood_fd, &at))
			compare_socket(compare, NULL, b);
	}
}

/* ---------------------------------------------------------------- counters */

static bool in_list(const char *name)
{
	for (const char *const *at = drill_counters_compared; *at; at++)
		if (!strcmp(*at, name))
			return true;
	return false;
}

static void compare_counter(struct compare *compare, const char *name)
{
	int64_t a, b;
	char text_a[32], text_b[32];

	drill_record_moved(compare->linux_side.record, name, &a);
	drill_record_moved(compare->lastack_side.record, name, &b);
	if (a == b)
		return;
	snprintf(text_a, sizeof(text_a), "%+" PRId64, a);
	snprintf(text_b, sizeof(text_b), "%+" PRId64, b);
	compare_differ(compare, (struct drill_pos){0}, DRILL_COUNTER, name, text_a, text_b);
}

/* A counter that stands in neither list and moves is told, too: the lists are to be complete. */
static void compare_strangers(struct compare *compare, const struct drill_record *record,
			      const struct drill_record *before)
{
	int64_t by;

	for (size_t i = 0; i < record->n_counters; i++) {
		const struct drill_counter *counter = &record->counters[i];

		if (counter->before == counter->after || in_list(counter->name) ||
		    drill_counter_excluded(counter->name))
			continue;
		if (!before || !drill_record_moved(before, counter->name, &by) || !by)
			compare_counter(compare, counter->name);
	}
}

void compare_counters(struct compare *compare)
{
	const struct drill_record *linux_record = compare->linux_side.record;

	if (!linux_record->n_counters || !compare->lastack_side.record->n_counters)
		return; /* not asked for */
	for (const char *const *name = drill_counters_compared; *name; name++)
		compare_counter(compare, *name);
	compare_strangers(compare, linux_record, NULL);
	compare_strangers(compare, compare->lastack_side.record, linux_record);
}
