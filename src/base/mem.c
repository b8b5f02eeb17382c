// SPDX-License-Identifier: MIT
/*
 * base/mem.c - one block from the host, counted; or a refusal
 */
#include "base/mem.h"

#define MEM_ALIGN 16

void *mem_alloc(struct mem *mem, size_t size)
{
	const struct la_env *env = mem->env;
	void *p;

	if (env->refuse && env->refuse(env->world, size))
		return NULL;
	p = env->alloc(env->world, size, MEM_ALIGN);
	if (p)
		mem->bytes += size;
	return p;
}

void *mem_zalloc(struct mem *mem, size_t size)
{
	void *p = mem_alloc(mem, size);

	if (p)
		memset(p, 0, size);
	return p;
}

void mem_free(struct mem *mem, void *p, size_t size)
{
	if (!p)
		return;
	assert(mem->bytes >= size);
	mem->bytes -= size;
	mem->env->free(mem->env->world, p, size);
}
