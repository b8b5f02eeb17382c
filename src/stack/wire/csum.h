/* SPDX-License-Identifier: MIT */
/*
 * wire/csum.h - the Internet checksum, RFC 1071
 *
 * A sum is kept unfolded in 64 bits and in the machine's byte order over 16-bit words as they lie in memory: the result
 * of csum_fold() is stored with memcpy, whatever the machine. Sums of pieces are added up as plain numbers; every piece
 * but the last must have an even length.
 */
#ifndef LA_WIRE_CSUM_H
#define LA_WIRE_CSUM_H

#include "stack/wire/addr.h"
#include <sys/uio.h>

uint64_t csum_partial(const void *p, size_t len, uint64_t sum);
uint16_t csum_fold(uint64_t sum); /* complemented; of correct data with its checksum: 0 */
uint64_t csum_pseudo(const struct in6_addr *saddr, const struct in6_addr *daddr, uint32_t len, uint8_t proto);
/* The @len bytes of @iov from @off on; the pieces may be of any length and odd. */
uint64_t csum_iov(const struct iovec *iov, int iovcnt, size_t off, size_t len, uint64_t sum);

#endif
