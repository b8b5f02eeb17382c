/* SPDX-License-Identifier: MIT */
/*
 * base/iov.h - a position in the caller's memory: several pieces read or written as one
 *
 * The pieces are borrowed and never changed. A piece at address NULL is memory that the program does not have: copying
 * stops there, and the caller reports -EFAULT as the kernel does.
 */
#ifndef LA_IOV_H
#define LA_IOV_H

#include "base/base.h"
#include <sys/uio.h>

struct iov_iter {
	const struct iovec *iov; /* the present piece; borrowed */
	size_t offset;		 /* in it */
	size_t count;		 /* bytes left in all */
};

static inline void iov_iter_init(struct iov_iter *i, const struct iovec *iov, size_t count)
{
	*i = (struct iov_iter){.iov = iov, .count = count};
}

/* Passes over @n bytes, at most @count. */
static inline void iov_iter_advance(struct iov_iter *i, size_t n)
{
	assert(n <= i->count);
	i->count -= n;
	i->offset += n;
	while (i->count && unlikely(i->offset >= i->iov->iov_len))
		i->offset -= i->iov++->iov_len;
}

/* The memory at the position: *@len is how much of it lies in one piece. */
static inline uint8_t *iov_iter_piece(struct iov_iter *i, size_t *len)
{
	iov_iter_advance(i, 0); /* past pieces of no length */
	*len = i->count ? min(i->count, i->iov->iov_len - i->offset) : 0;
	return *len && i->iov->iov_base ? (uint8_t *)i->iov->iov_base + i->offset : NULL;
}

/* Both return false, having moved less, where the memory ends in NULL. */
static inline bool copy_to_iter(struct iov_iter *i, const uint8_t *from, size_t n)
{
	while (n) {
		size_t len;
		uint8_t *to = iov_iter_piece(i, &len);

		if (!to)
			return false;
		len = min(len, n);
		memcpy(to, from, len);
		iov_iter_advance(i, len);
		from += len;
		n -= len;
	}
	return true;
}

static inline bool copy_from_iter(uint8_t *to, struct iov_iter *i, size_t n)
{
	while (n) {
		size_t len;
		const uint8_t *from = iov_iter_piece(i, &len);

		if (!from)
			return false;
		len = min(len, n);
		memcpy(to, from, len);
		iov_iter_advance(i, len);
		to += len;
		n -= len;
	}
	return true;
}

#endif
