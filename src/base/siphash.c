// SPDX-License-Identifier: MIT
/*
 * base/siphash.c - keyed hashing: names of connections, initial sequence numbers, ports
 *
 * libsodium stores the hash as eight bytes, least significant first; read so, the number is the same on every machine.
 */
#include "base/siphash.h"
#include <endian.h>

#include <sodium/crypto_shorthash.h>

static_assert(sizeof(struct siphash_key) == crypto_shorthash_KEYBYTES, "SipHash-2-4 takes a key of 16 bytes");

uint64_t siphash(const void *data, size_t len, const struct siphash_key *key)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t hash;

	crypto_shorthash(out, data, len, key->k);
	memcpy(&hash, out, sizeof(hash));
	return le64toh(hash);
}
