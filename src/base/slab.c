// SPDX-License-Identifier: MIT
/*
 * base/slab.c - objects of one size, cut from aligned chunks
 *
 *   chunk   | object | ... | never used yet | header, 64 bytes | object | object | ... |
 *
 * slab_alloc() takes from the first chunk with room: an object given back before, else the next never used one.
 * slab_free() finds the chunk by masking the address. The headers of all caches, and the first few objects behind them, are
 * in use all the time; at one place of each chunk they would all want the same few lines of the processor's cache. So the
 * header of small objects lies somewhere in the first 4 KiB, as the chunk's address says, and the objects behind it are
 * used before those in front. A chunk is in cache->partial or in cache->full; one that loses
 * its last object goes back to the host, but for one per cache, so that a life at the edge of a chunk does not ask the
 * host each time. Under AddressSanitizer, objects that are not handed out are poisoned.
 */
#include "base/mem.h"

struct slab_chunk {
	struct list_head node;
	struct slab_cache *cache;
	struct free_object *free; /* given back; linked through their first word */
	uint32_t used;		  /* objects handed out now */
	uint32_t fresh;		  /* offset in the chunk of the first byte never handed out */
};

struct free_object {
	struct free_object *next;
};

static_assert(sizeof(struct slab_chunk) <= SLAB_HEADER, "objects begin behind the header");

#define COLOUR_RANGE 12	 /* headers lie within the first 2^12 bytes ... */
#define COLOUR_MASK 0xe00u	 /* ... at multiples of 512 */
#define COLOURED_SIZE_MAX 1024u /* of larger objects too many would be lost */

/* The header of the 64 KiB at @base, which the allocator may well give out at even multiples only: hence the product. */
static inline struct slab_chunk *chunk_at(const struct slab_cache *cache, uintptr_t base)
{
	uint32_t mixed = (uint32_t)(base / SLAB_CHUNK) * 0x9e3779b1u;

	return (void *)(base + (mixed >> (32 - COLOUR_RANGE) & cache->colour_mask));
}

static inline uintptr_t chunk_base(const void *inside)
{
	return (uintptr_t)inside & ~(uintptr_t)(SLAB_CHUNK - 1);
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define poison(p, size) __asan_poison_memory_region(p, size)
#define unpoison(p, size) __asan_unpoison_memory_region(p, size)
#else
#define poison(p, size) ((void)(p), (void)(size))
#define unpoison(p, size) ((void)(p), (void)(size))
#endif

void slab_init(struct slab_cache *cache, struct mem *mem, const char *name, size_t size)
{
	size = size < sizeof(struct free_object) ? sizeof(struct free_object) : (size + 7) & ~(size_t)7;
	assert(size <= SLAB_ROOM);
	*cache = (struct slab_cache){
		.mem = mem,
		.name = name,
		.size = size,
		.colour_mask = size <= COLOURED_SIZE_MAX ? COLOUR_MASK : 0,
		.per_chunk = SLAB_ROOM / size - (size <= COLOURED_SIZE_MAX), /* one is lost where the header cuts it in two */
	};
	list_init(&cache->partial);
	list_init(&cache->full);
}

static struct slab_chunk *chunk_new(struct slab_cache *cache)
{
	const struct la_env *env = cache->mem->env;
	void *base = env->alloc(env->world, SLAB_CHUNK, SLAB_CHUNK);
	struct slab_chunk *chunk;

	if (!base)
		return NULL;
	assert(chunk_base(base) == (uintptr_t)base);
	chunk = chunk_at(cache, (uintptr_t)base);
	cache->mem->bytes += SLAB_CHUNK;
	*chunk = (struct slab_chunk){ .cache = cache, .fresh = (uint32_t)((char *)chunk - (char *)base) + SLAB_HEADER };
	poison(base, (uintptr_t)chunk - (uintptr_t)base);
	poison((char *)chunk + SLAB_HEADER, (uintptr_t)base + SLAB_ROOM - (uintptr_t)chunk);
	list_add(&chunk->node, &cache->partial);
	return chunk;
}

static void chunk_free(struct slab_chunk *chunk)
{
	struct mem *mem = chunk->cache->mem;

	list_del_init(&chunk->node);
	unpoison((void *)chunk_base(chunk), SLAB_CHUNK);
	mem->bytes -= SLAB_CHUNK;
	mem->env->free(mem->env->world, (void *)chunk_base(chunk), SLAB_CHUNK);
}

void slab_destroy(struct slab_cache *cache)
{
	list_splice_tail_init(&cache->full, &cache->partial);
	while (!list_empty(&cache->partial))
		chunk_free(list_first_entry(&cache->partial, struct slab_chunk, node));
	cache->idle = NULL;
	cache->objects = 0;
}

/* The next object that was never handed out; there is one. Behind the header first, then in front of it. */
static void *chunk_fresh(const struct slab_cache *cache, struct slab_chunk *chunk)
{
	char *base = (char *)chunk_base(chunk);
	char *obj = base + chunk->fresh;

	if (obj + cache->size > base + SLAB_CHUNK)
		obj = base;
	chunk->fresh = (uint32_t)(obj - base) + cache->size;
	return obj;
}

static inline void *chunk_take(struct slab_cache *cache, struct slab_chunk *chunk)
{
	struct free_object *obj = chunk->free;

	if (likely(obj)) {
		unpoison(obj, cache->size);
		chunk->free = obj->next;
	} else {
		obj = chunk_fresh(cache, chunk);
		unpoison(obj, cache->size);
	}
	if (unlikely(++chunk->used == cache->per_chunk)) {
		list_del_init(&chunk->node);
		list_add(&chunk->node, &cache->full);
	}
	cache->objects++;
	return obj;
}

/* Somebody has a say in who gets memory, or a chunk is wanted. */
static __attribute__((noinline)) void *slab_alloc_slow(struct slab_cache *cache)
{
	const struct la_env *env = cache->mem->env;

	if (env->refuse && env->refuse(env->world, cache->size))
		return NULL;
	if (list_empty(&cache->partial) && !chunk_new(cache))
		return NULL;
	return chunk_take(cache, list_first_entry(&cache->partial, struct slab_chunk, node));
}

void *slab_alloc(struct slab_cache *cache)
{
	if (unlikely(cache->mem->env->refuse || list_empty(&cache->partial)))
		return slab_alloc_slow(cache);
	return chunk_take(cache, list_first_entry(&cache->partial, struct slab_chunk, node));
}

void *slab_zalloc(struct slab_cache *cache)
{
	void *obj = slab_alloc(cache);

	if (obj)
		memset(obj, 0, cache->size);
	return obj;
}

/* Keeps one chunk without objects, at first behind all others, and gives any further one back. */
static __attribute__((noinline)) void chunk_emptied(struct slab_cache *cache, struct slab_chunk *chunk)
{
	struct slab_chunk *idle = cache->idle;

	if (idle && idle->used == 0)
		return chunk_free(chunk);
	cache->idle = chunk;
	list_del_init(&chunk->node);
	list_add_tail(&chunk->node, &cache->partial);
}

void slab_free(struct slab_cache *cache, void *obj)
{
	struct slab_chunk *chunk = chunk_at(cache, chunk_base(obj));
	struct free_object *freed = obj;

	if (!obj)
		return;
	assert(chunk->cache == cache);
	assert(chunk->used > 0);
	freed->next = chunk->free;
	chunk->free = freed;
	poison(obj, cache->size);
	cache->objects--;
	if (unlikely(chunk->used-- == cache->per_chunk)) {
		list_del_init(&chunk->node);
		list_add(&chunk->node, &cache->partial);
	}
	if (unlikely(!chunk->used & (cache->idle != chunk)))
		chunk_emptied(cache, chunk);
}
