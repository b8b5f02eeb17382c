/* SPDX-License-Identifier: MIT */
/* base/siphash.h - keyed hashing by SipHash-2-4 (libsodium's crypto_shorthash) */
#ifndef LA_SIPHASH_H
#define LA_SIPHASH_H

#include "base/base.h"

struct siphash_key {
	uint8_t k[16];
};
uint64_t siphash(const void *data, size_t len, const struct siphash_key *key);

#endif
