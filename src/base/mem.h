/* SPDX-License-Identifier: MIT */
/*
 * base/mem.h - all memory of one stack: counted, refusable, from la_env
 *
 * mem_alloc() asks the host for one block. A slab_cache cuts chunks of 64 KiB, aligned to their size, into objects of
 * one size; the chunk of an object is found by masking its address, so an object carries no header. A chunk without
 * objects goes back to the host, but for one that each cache keeps.
 *
 * Every object of either kind may be refused (la_env.refuse, or no memory): callers must handle NULL.
 */
#ifndef LA_MEM_H
#define LA_MEM_H

#include "base/base.h"
#include "base/list.h"
#include <lastack/stack.h>

struct mem {
	const struct la_env *env; /* borrowed */
	uint64_t bytes;		  /* taken from env now */
};

void *mem_alloc(struct mem *mem, size_t size);	       /* not zeroed; 16-byte aligned */
void *mem_zalloc(struct mem *mem, size_t size);	       /* zeroed */
void mem_free(struct mem *mem, void *p, size_t size);  /* NULL is allowed; @size as asked */

#define SLAB_CHUNK 65536u
#define SLAB_HEADER 64u /* of each chunk; so objects of whole cache lines lie on cache lines */
#define SLAB_ROOM (SLAB_CHUNK - SLAB_HEADER)

struct slab_chunk;

struct slab_cache {
	struct mem *mem; /* borrowed */
	const char *name;
	uint32_t size;	 /* of an object, a multiple of 8 */
	uint32_t colour_mask; /* of where headers lie: slab.c */
	uint32_t per_chunk;
	uint64_t objects; /* handed out now */
	struct list_head partial; /* chunks with room */
	struct list_head full;
	struct slab_chunk *idle; /* the chunk that last lost all its objects: kept; it may be in use again */
};

void slab_init(struct slab_cache *cache, struct mem *mem, const char *name, size_t size);
void slab_destroy(struct slab_cache *cache); /* gives all chunks back, objects or not */
void *slab_alloc(struct slab_cache *cache);  /* not zeroed; 8-byte aligned */
void *slab_zalloc(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *obj); /* NULL is allowed */

#endif
