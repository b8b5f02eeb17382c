/* SPDX-License-Identifier: MIT */
/*
 * wire/csum.h - the Internet checksum, RFC 1071
 *
 * A sum is kept unfolded in 64 bits and in the machine's byte order over 16-bit words as they lie in memory: the result
 * of csum_fold() is stored with memcpy, whatever the machine. Sums of pieces are added up by csum_add(); every piece but
 * the last must have an even length.
 */
#ifndef LA_WIRE_CSUM_H
#define LA_WIRE_CSUM_H

#include "stack/wire/addr.h"
#include <sys/uio.h>

uint64_t csum_partial(const void *p, size_t len, uint64_t sum);

static inline uint64_t csum_add(uint64_t sum, uint64_t word) /* with the carry: ones' complement */
{
	sum += word;
	return sum + (sum < word);
}

static inline uint16_t csum_fold(uint64_t sum) /* complemented; of correct data with its checksum: 0 */
{
	uint32_t half = (uint32_t)sum, carry = __builtin_add_overflow(half, (uint32_t)(sum >> 32), &half);

	half += carry;
	half += half << 16 | half >> 16; /* the upper half is now the sum of both, and of its carry */
	return (uint16_t)~(half >> 16);
}

/* Of a header that has just been written in words of four bytes: reading it back in larger ones would wait for the stores. */
static inline uint64_t csum_words(const uint8_t *p, size_t len, uint64_t sum)
{
	uint32_t word;

	for (; len; len -= 4, p += 4) {
		memcpy(&word, p, sizeof(word));
		sum = csum_add(sum, word);
	}
	return sum;
}

/* One for both families: the prefix of a mapped address adds 0xffff, which is nothing in ones' complement. */
static inline uint64_t csum_pseudo(const struct in6_addr *saddr, const struct in6_addr *daddr, uint32_t len, uint8_t proto)
{
	struct addr_words s = addr_words(saddr), d = addr_words(daddr);
	uint64_t sum = csum_add(csum_add(s.high, s.low), csum_add(d.high, d.low));

	return csum_add(sum, (uint64_t)htonl(len) + htonl(proto));
}
/* The @len bytes of @iov from @off on; the pieces may be of any length and odd. */
uint64_t csum_iov(const struct iovec *iov, int iovcnt, size_t off, size_t len, uint64_t sum);

#endif
