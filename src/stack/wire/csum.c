// SPDX-License-Identifier: MIT
/*
 * wire/csum.c - the Internet checksum over 64-bit words
 *
 * What most segments are, 20 to 60 bytes of header, is summed in words of eight bytes, each carry added back at once.
 * Blocks of 64 bytes go through vector registers, which know no carry: there 32-bit halves are added into 64-bit sums,
 * which never overflow (2^32 of them would fit).
 */
#include "stack/wire/csum.h"

#define BLOCK 64

typedef uint64_t v2u64 __attribute__((vector_size(16)));

/* Sums whole blocks; advances @p. */
static uint64_t csum_blocks(const uint8_t **p, size_t blocks)
{
	const v2u64 low = { 0xffffffff, 0xffffffff };
	v2u64 a = { 0 }, b = { 0 }, w[BLOCK / 16];

	for (; blocks; blocks--, *p += BLOCK) {
		memcpy(w, *p, BLOCK);
		a += (w[0] & low) + (w[0] >> 32) + (w[1] & low) + (w[1] >> 32);
		b += (w[2] & low) + (w[2] >> 32) + (w[3] & low) + (w[3] >> 32);
	}
	a += b;
	return a[0] + a[1];
}

uint64_t csum_partial(const void *data, size_t len, uint64_t sum)
{
	const uint8_t *p = data;
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	if (len >= BLOCK)
		sum = csum_add(sum, csum_blocks(&p, len / BLOCK));
	for (len %= BLOCK; len >= 8; len -= 8, p += 8) {
		memcpy(&eight, p, 8);
		sum = csum_add(sum, eight);
	}
	if (len & 4) {
		memcpy(&four, p, 4);
		sum = csum_add(sum, four);
		p += 4;
	}
	if (len & 2) {
		memcpy(&two, p, 2);
		sum = csum_add(sum, two);
		p += 2;
	}
	if (len & 1) {
		two = 0; /* the missing byte counts as zero */
		memcpy(&two, p, 1);
		sum = csum_add(sum, two);
	}
	return sum;
}

/* A piece that begins at an odd place of the whole counts with its bytes exchanged. */
static uint64_t csum_at(const void *p, size_t len, bool odd)
{
	uint16_t sum = (uint16_t)~csum_fold(csum_partial(p, len, 0));

	return odd ? (uint16_t)(sum << 8 | sum >> 8) : sum;
}

uint64_t csum_iov(const struct iovec *iov, int iovcnt, size_t off, size_t len, uint64_t sum)
{
	size_t done = 0;

	for (int i = 0; i < iovcnt && done < len; i++) {
		size_t piece = iov[i].iov_len;

		if (off >= piece) {
			off -= piece;
			continue;
		}
		piece = min(piece - off, len - done);
		sum = csum_add(sum, csum_at((const uint8_t *)iov[i].iov_base + off, piece, done & 1));
		done += piece;
		off = 0;
	}
	return sum;
}
