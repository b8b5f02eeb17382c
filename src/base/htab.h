/* SPDX-License-Identifier: MIT */
/*
 * base/htab.h - hash table of embedded nodes; singly linked chains, doubled in place as it fills
 *
 * The 32-bit hash comes from the caller (keyed: siphash.h) and is kept in the node, so that chains are compared by it
 * first and growing computes nothing. A table that cannot grow for want of memory goes on with longer chains; an
 * insertion never fails. The order of a chain depends on the hash key: whoever walks a table may let nothing that is
 * emitted depend on that order.
 */
#ifndef LA_HTAB_H
#define LA_HTAB_H

#include "base/mem.h"

struct hnode {
	struct hnode *next;
	uint32_t hash;
	uint32_t extra; /* the owner's: padding otherwise */
};

struct htab {
	struct mem *mem; /* borrowed */
	struct hnode **slot;
	uint32_t mask; /* slots - 1 */
	uint32_t count;
	struct hnode *first_slot[1]; /* the table before its first growth: an empty one costs nothing, init cannot fail */
};

void htab_init(struct htab *t, struct mem *mem);
void htab_destroy(struct htab *t); /* frees the table, not the nodes */
void htab_insert(struct htab *t, struct hnode *n, uint32_t hash);
bool htab_remove(struct htab *t, struct hnode *n); /* false if it was not there */
void htab_replace(struct htab *t, struct hnode *old, struct hnode *n); /* @n stands for the same, in @old's place */
static inline struct hnode *htab_first(const struct htab *t, uint32_t hash) { return t->slot[hash & t->mask]; }

/* A lookup or removal will follow: the chain's head may come into the cache meanwhile. */
static inline void htab_prefetch(const struct htab *t, uint32_t hash) { __builtin_prefetch(&t->slot[hash & t->mask]); }

/* for (n = htab_first(t, h); n; n = n->next) if (n->hash == h && ...) */
#define htab_for_each_candidate(n, t, h) \
	for ((n) = htab_first(t, h); (n); (n) = (n)->next) \
		if ((n)->hash == (h))

#endif
