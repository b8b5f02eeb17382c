// SPDX-License-Identifier: MIT
/*
 * drill/arena.c - memory that is given piece by piece and taken back as a whole
 *
 * A script's tree has many small parts with one lifetime. They are cut from blocks; the blocks are what is freed.
 */
#include "drill/lex.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16384 };

struct block {
	struct block *next;
	alignas(max_align_t) unsigned char bytes[];
};

struct drill_arena {
	struct block *blocks;
	size_t used; /* of the first block */
	size_t size;
};

static void *need(void *mem)
{
	if (!mem)
		abort();
	return mem;
}

struct drill_arena *drill_arena_new(void)
{
	return need(calloc(1, sizeof(struct drill_arena)));
}

void *drill_alloc(struct drill_arena *arena, size_t size)
{
	size_t whole = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	void *mem;

	if (whole > arena->size - arena->used) {
		size_t room = whole > BLOCK_BYTES ? whole : BLOCK_BYTES;
		struct block *block = need(calloc(1, sizeof(*block) + room));

		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
		arena->size = room;
	}
	mem = arena->blocks->bytes + arena->used;
	arena->used += whole;
	return mem;
}

char *drill_copy(struct drill_arena *arena, const char *text, size_t length)
{
	char *copy = drill_alloc(arena, length + 1);

	return memcpy(copy, text, length);
}

void drill_arena_free(struct drill_arena *arena)
{
	while (arena->blocks) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	free(arena);
}
