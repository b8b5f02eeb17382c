/* SPDX-License-Identifier: MIT */
/*
 * lab/lab.h - the small things that every part of the lab stands on: memory, chance, time
 *
 * The lab is a test bench: when the machine itself has no memory left it stops, and says so. What the stacks in it may
 * be refused is another matter (world.h).
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define LAB_US 1000ULL
#define LAB_MS 1000000ULL
#define LAB_S  1000000000ULL

#define lab_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void *lab_zalloc(size_t size)
{
	void *mem = calloc(1, size);

	if (!mem)
		abort();
	return mem;
}

/* splitmix64: every stream of chance in a world is one of these, derived from the world's seed and a number */
static inline uint64_t lab_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A stream that has nothing to do with its neighbours, for object number @number of a kind. */
static inline uint64_t lab_stream(uint64_t seed, uint64_t kind, uint64_t number)
{
	uint64_t state = seed ^ (kind << 56) ^ (number * 0xd1342543de82ef95ULL);

	return lab_random(&state);
}

/* True @ppm times in a million. A chance of nothing draws nothing: a quiet wire leaves the stream alone. */
static inline bool lab_chance(uint64_t *state, uint32_t ppm)
{
	return ppm && lab_random(state) % 1000000 < ppm;
}

#endif
