// SPDX-License-Identifier: MIT
/*
 * host/preload/select.c - select, pselect
 *
 * Three bitmaps become one array for poll_numbers(), a number once, and its answer becomes bits again: Linux's own
 * table of which event makes a number readable, writable or exceptional. All numbers the kernel's: libc's own function.
 */
#include "host/preload/wait.h"

#include <string.h>

#define SELECT_READ   (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_WRITE  (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EXCEPT POLLPRI
#define SELECT_ROOM   512u /* bytes on the stack, for 64 numbers */

/* Programs may have made larger maps than fd_set says. */
#define WORD_BITS ((int)(8 * sizeof(unsigned long)))
static bool map_has(const fd_set *map, int fd)
{
	return map && ((const unsigned long *)(const void *)map)[fd / WORD_BITS] >> (fd % WORD_BITS) & 1;
}

static void map_put(fd_set *map, int fd, bool on)
{
	unsigned long bit = 1ul << (fd % WORD_BITS);
	unsigned long *word = map ? &((unsigned long *)(void *)map)[fd / WORD_BITS] : NULL;

	if (word)
		*word = on ? *word | bit : *word & ~bit;
}

static bool any_of_the_stack(int n, const fd_set *in, const fd_set *out, const fd_set *except, nfds_t *count)
{
	bool any = false;

	*count = 0;
	if (!shim_configured())
		return false;
	for (int fd = 0; fd < n; fd++) {
		if (!map_has(in, fd) && !map_has(out, fd) && !map_has(except, fd))
			continue;
		++*count;
		any |= stack_handle(fd) != 0;
	}
	return any;
}

static void fill(struct pollfd *p, int n, const fd_set *in, const fd_set *out, const fd_set *except)
{
	for (int fd = 0; fd < n; fd++) {
		bool read = map_has(in, fd), write = map_has(out, fd), exception = map_has(except, fd);

		if (read || write || exception)
			*p++ = (struct pollfd){.fd = fd,
					       .events = (short)((read ? SELECT_READ : 0) | (write ? SELECT_WRITE : 0) |
								 (exception ? SELECT_EXCEPT : 0))};
	}
}

/* The bits that remain set, counted over the three maps. */
static int gather(const struct pollfd *p, nfds_t count, fd_set *in, fd_set *out, fd_set *except)
{
	int bits = 0;

	for (nfds_t i = 0; i < count; i++) {
		bool read = map_has(in, p[i].fd) && p[i].revents & SELECT_READ;
		bool write = map_has(out, p[i].fd) && p[i].revents & SELECT_WRITE;
		bool exception = map_has(except, p[i].fd) && p[i].revents & SELECT_EXCEPT;

		map_put(in, p[i].fd, read);
		map_put(out, p[i].fd, write);
		map_put(except, p[i].fd, exception);
		bits += read + write + exception;
	}
	return bits;
}

/* Unlike poll(), select() does not take numbers that are not open. */
static bool any_is_bad(const struct pollfd *p, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++)
		if (p[i].revents & POLLNVAL)
			return true;
	return false;
}

static int64_t select_numbers(int n, nfds_t count, fd_set *in, fd_set *out, fd_set *except, uint64_t until,
			      const sigset_t *mask)
{
	_Alignas(16) uint8_t room[SELECT_ROOM];
	size_t size = count * sizeof(struct pollfd);
	struct pollfd *p = scratch_get(room, sizeof(room), size);
	int64_t ret;

	if (!p)
		return -ENOMEM;
	fill(p, n, in, out, except);
	ret = poll_numbers(p, count, until, mask);
	if (ret >= 0)
		ret = any_is_bad(p, count) ? -EBADF : gather(p, count, in, out, except);
	scratch_put(p, room, size);
	return ret;
}

EXPORT int select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	uint64_t until = UNTIL_NEVER, now;
	nfds_t count;
	int64_t ret;

	if (n < 0 || !any_of_the_stack(n, in, out, except, &count))
		return real.select(n, in, out, except, timeout);
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))
		return (int)give(-EINVAL);
	if (timeout && timeout->tv_sec < INT32_MAX)
		until = until_ns((uint64_t)timeout->tv_sec * 1000000000ull + (uint64_t)timeout->tv_usec * 1000);
	ret = select_numbers(n, count, in, out, except, until, NULL);
	if (timeout && until != UNTIL_NEVER) { /* what is left of it, as Linux tells */
		now = time_now_ns();
		now = until > now ? until - now : 0;
		timeout->tv_sec = (time_t)(now / 1000000000ull);
		timeout->tv_usec = (suseconds_t)(now % 1000000000ull / 1000);
	}
	return (int)give(ret);
}

EXPORT int pselect(int n, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout, const sigset_t *mask)
{
	uint64_t until;
	nfds_t count;
	int ret;

	if (n < 0 || !any_of_the_stack(n, in, out, except, &count))
		return real.pselect(n, in, out, except, timeout, mask);
	ret = until_timespec(timeout, &until);
	return (int)give(ret < 0 ? ret : select_numbers(n, count, in, out, except, until, mask));
}
