/* SPDX-License-Identifier: MIT */
/*
 * sock/wait.h - who wants to know when something changes: operations, polls, epoll items
 *
 * An entry is embedded in what waits. wake_up() calls each entry's function, which must only note the fact (put an
 * operation on the queue of woken ones, an epoll item on its ready list): nothing runs inside the processing of a segment.
 */
#ifndef LA_WAIT_H
#define LA_WAIT_H

#include "base/list.h"

struct wait_entry {
	struct list_head node; /* initialised empty; in a queue while waiting */
	/* @key: EPOLL* bits of what happened, 0: look at everything. True: this was an exclusive waiter and it took the wake-up */
	bool (*wake)(struct wait_entry *entry, uint32_t key);
};

struct wait_queue {
	struct list_head entries; /* in order of arrival */
};

static inline void wait_queue_init(struct wait_queue *q) { list_init(&q->entries); }
static inline void wait_add(struct wait_queue *q, struct wait_entry *e) { list_add_tail(&e->node, &q->entries); }
/* Who does not wait exclusively stands before those who do: a wake-up that stops at one of these has told everyone else. */
static inline void wait_add_first(struct wait_queue *q, struct wait_entry *e) { list_add(&e->node, &q->entries); }
static inline void wait_remove(struct wait_entry *e) { list_del_init(&e->node); }
/* Calls the entries in order; stops after @exclusive exclusive ones took it (0: no limit). Entries may leave during it. */
void wake_up(struct wait_queue *q, uint32_t key, unsigned exclusive);

#endif
