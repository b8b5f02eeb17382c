// SPDX-License-Identifier: MIT
/*
 * drill/record.c - what happened in one run: a list that only grows, and the counters before and after
 */
#include "drill/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in the lab: without memory for its own notes the bench stops. */
static void *need(void *mem)
{
	if (!mem)
		abort();
	return mem;
}

struct drill_record *drill_record_new(void)
{
	struct drill_record *record = need(calloc(1, sizeof(*record)));

	record->last = &record->first;
	return record;
}

static void entry_free(struct drill_entry *entry)
{
	if (entry->kind == DRILL_SAID || entry->kind == DRILL_HEARD)
		free(entry->frame);
	else if (entry->kind == DRILL_BEGAN || entry->kind == DRILL_ENDED)
		free(entry->out);
	free(entry);
}

void drill_record_free(struct drill_record *record)
{
	struct drill_entry *entry;

	if (!record)
		return;
	while ((entry = record->first)) {
		record->first = entry->next;
		entry_free(entry);
	}
	free(record->counters);
	free(record);
}

struct drill_entry *drill_record_add(struct drill_record *record, enum drill_entry_kind kind,
				     const struct drill_event *event, int64_t at_ns)
{
	struct drill_entry *entry = need(calloc(1, sizeof(*entry)));

	entry->kind = kind;
	entry->event = event;
	entry->at_ns = at_ns;
	if (kind == DRILL_BEGAN || kind == DRILL_ENDED)
		entry->out = need(strdup(""));
	*record->last = entry;
	record->last = &entry->next;
	record->count++;
	return entry;
}

struct drill_entry *drill_record_frame(struct drill_record *record, enum drill_entry_kind kind,
				       const struct drill_event *event, int64_t at_ns, const void *frame, size_t len)
{
	struct drill_entry *entry = drill_record_add(record, kind, event, at_ns);

	entry->frame = need(malloc(len ? len : 1));
	memcpy(entry->frame, frame, len);
	entry->len = len;
	return entry;
}

void drill_record_out(struct drill_entry *entry, const char *text)
{
	free(entry->out);
	entry->out = need(strdup(text));
}

/* ---------------------------------------------------------------- counters */

/* struct taking - the counters being read: into a fresh list, which is merged with the record's when it is whole */
struct taking {
	struct drill_counter *counters;
	size_t n, room;
};

static void take(void *arg, const char *name, uint64_t value)
{
	struct taking *taking = arg;
	struct drill_counter *counter;

	if (taking->n == taking->room) {
		taking->room = taking->room ? 2 * taking->room : 256;
		taking->counters = need(realloc(taking->counters, taking->room * sizeof(*taking->counters)));
	}
	counter = &taking->counters[taking->n++];
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	counter->before = counter->after = value;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct drill_counter *)a)->name, ((const struct drill_counter *)b)->name);
}

static struct drill_counter *counter_find(const struct drill_counter *sorted, size_t n, const char *name)
{
	struct drill_counter key;

	snprintf(key.name, sizeof(key.name), "%s", name);
	return n ? bsearch(&key, sorted, n, sizeof(key), by_name) : NULL;
}

void drill_record_counters(struct drill_record *record, struct drill_side *side)
{
	struct taking taking = {0};

	side->ops->counters(side, take, &taking);
	if (taking.n)
		qsort(taking.counters, taking.n, sizeof(*taking.counters), by_name);
	if (!record->counters) {
		record->counters = taking.counters;
		record->n_counters = taking.n;
		return;
	}
	for (size_t i = 0; i < record->n_counters; i++) {
		const struct drill_counter *now = counter_find(taking.counters, taking.n, record->counters[i].name);

		if (now)
			record->counters[i].after = now->after;
	}
	free(taking.counters);
}

bool drill_record_moved(const struct drill_record *record, const char *name, int64_t *by)
{
	const struct drill_counter *counter = counter_find(record->counters, record->n_counters, name);

	*by = counter ? (int64_t)(counter->after - counter->before) : 0;
	return counter;
}
