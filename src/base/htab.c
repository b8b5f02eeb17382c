// SPDX-License-Identifier: MIT
/*
 * base/htab.c - hash table of embedded nodes
 *
 * In:   a node and the keyed hash of what it stands for; the low bits choose the chain.
 * Here: with more nodes than half the slots, the array doubles; nodes are dealt out again by the hash they carry. Who is
 *       not found, or removed as the oldest, has all others of its chain looked at, each a line of memory.
 * Out:  the chain of a hash, at its head the node that came last.
 */
#include "base/htab.h"

#define HTAB_FIRST 16u		/* slots of the first array */
#define HTAB_MOST (1u << 30)

void htab_init(struct htab *t, struct mem *mem)
{
	*t = (struct htab){ .mem = mem };
	t->slot = t->first_slot;
}

void htab_destroy(struct htab *t)
{
	if (t->slot != t->first_slot)
		mem_free(t->mem, t->slot, (t->mask + 1ull) * sizeof(*t->slot));
	htab_init(t, t->mem);
}

/* For want of memory the chains grow longer instead; the next insertion tries again. */
static void htab_grow(struct htab *t)
{
	uint32_t old = t->mask + 1, slots = max(old * 2, HTAB_FIRST);
	struct hnode **slot = mem_zalloc(t->mem, slots * sizeof(*slot));
	struct hnode *n, *next;

	if (!slot)
		return;
	for (uint32_t i = 0; i < old; i++) {
		for (n = t->slot[i]; n; n = next) {
			next = n->next;
			n->next = slot[n->hash & (slots - 1)];
			slot[n->hash & (slots - 1)] = n;
		}
	}
	if (t->slot != t->first_slot)
		mem_free(t->mem, t->slot, old * sizeof(*t->slot));
	t->slot = slot;
	t->mask = slots - 1;
}

void htab_insert(struct htab *t, struct hnode *n, uint32_t hash)
{
	struct hnode **head;

	if (unlikely(t->count > t->mask / 2) && t->mask < HTAB_MOST - 1)
		htab_grow(t);
	head = &t->slot[hash & t->mask];
	n->hash = hash;
	n->next = *head;
	*head = n;
	t->count++;
}

bool htab_remove(struct htab *t, struct hnode *n)
{
	struct hnode **link = &t->slot[n->hash & t->mask];

	while (*link && *link != n)
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = n->next;
	n->next = NULL;
	t->count--;
	return true;
}

void htab_replace(struct htab *t, struct hnode *old, struct hnode *n)
{
	struct hnode **link = &t->slot[old->hash & t->mask];

	while (*link != old)
		link = &(*link)->next;
	*n = *old;
	*link = n;
	old->next = NULL;
}
