/* SPDX-License-Identifier: MIT */
/* tests/unit/base_env.h - a world for the parts of src/base: counts what is taken, refuses on request */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/mem.h"

#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct base_env {
	struct la_env env;
	struct mem mem;
	uint64_t blocks, bytes; /* taken now */
	size_t align;		/* last asked for */
	uint64_t asked;		/* objects that refuse() was asked for */
	int64_t room;		/* blocks that alloc() still gives; negative: no limit */
	bool refusing;
	uint64_t random;
};

static inline void *base_env_alloc(void *world, size_t size, size_t align)
{
	struct base_env *e = world;
	size_t *block;

	if (e->room == 0)
		return NULL;
	if (e->room > 0)
		e->room--;
	e->blocks++;
	e->align = align;
	e->bytes += size;
	/* the size stands behind the block, to compare when it comes back */
	block = aligned_alloc(align, (size + sizeof(size_t) + align - 1) / align * align);
	assert_non_null(block);
	memcpy((char *)block + size, &size, sizeof(size));
	return block;
}

static inline void base_env_free(void *world, void *p, size_t size)
{
	struct base_env *e = world;
	size_t asked;

	memcpy(&asked, (char *)p + size, sizeof(asked));
	assert_int_equal(asked, size);
	e->blocks--;
	e->bytes -= size;
	free(p);
}

static inline bool base_env_refuse(void *world, size_t size)
{
	struct base_env *e = world;

	(void)size;
	e->asked++;
	return e->refusing;
}

static inline void base_env_init(struct base_env *e)
{
	*e = (struct base_env){
		.env = { .alloc = base_env_alloc, .free = base_env_free, .refuse = base_env_refuse, .world = e },
		.room = -1,
		.random = 88172645463325252ull,
	};
	e->mem.env = &e->env;
}

/* xorshift64: the same numbers in every run */
static inline uint32_t base_env_random(struct base_env *e)
{
	e->random ^= e->random << 13;
	e->random ^= e->random >> 7;
	e->random ^= e->random << 17;
	return e->random >> 32;
}

#endif
