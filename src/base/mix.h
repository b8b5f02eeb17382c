/* SPDX-License-Identifier: MIT */
/*
 * base/mix.h - a quick keyed hash of an address pair, for lookup tables
 *
 * Folded 64 x 64 bit products, seeded with 128 secret bits: a few nanoseconds where SipHash takes forty. A peer that does not
 * know the key cannot aim at one chain. For what a peer sees (sequence numbers, ports, cookies) there is siphash.h.
 */
#ifndef LA_MIX_H
#define LA_MIX_H

#include "base/siphash.h"

static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 u128;
	u128 product = (u128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* @words of 8 bytes at @p, and @extra: a port or two */
static inline uint32_t mix_hash(const void *p, unsigned words, uint64_t extra, const struct siphash_key *key)
{
	uint64_t k[2], v, h;

	memcpy(k, key->k, sizeof(k));
	h = mix_fold(extra ^ k[0], k[1] | 1);
	for (unsigned i = 0; i < words; i++) {
		memcpy(&v, (const char *)p + 8 * i, sizeof(v));
		h = mix_fold(h ^ v, k[i & 1] ^ 0x9e3779b97f4a7c15);
	}
	return (uint32_t)(h ^ h >> 32);
}

#endif
