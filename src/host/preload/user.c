/* SPDX-License-Identifier: MIT */
/*
 * host/preload/user.c - the program's memory: pointers that may be wrong, and vectors of them
 */
#include "host/preload/user.h"

#include <signal.h>
#include <string.h>

#define USER_FIRST 4096ull	     /* vm.mmap_min_addr is not below */
#define USER_LAST  0x7fffffffefffull /* of 47 bits; larger addresses must be asked for */
#define RUN_MAX	   0x7ffff000ull     /* MAX_RW_COUNT: no call moves more */
#define WORD_MASK  (~(uintptr_t)7)

bool user_possible(const void *p, size_t len)
{
	uintptr_t at = (uintptr_t)p;

	return len == 0 || (at >= USER_FIRST && at <= USER_LAST && len - 1 <= USER_LAST - at);
}

/* rt_sigprocmask() with an impossible "how" reads a word and then refuses: -EFAULT or -EINVAL, nothing changes. */
static bool word_readable(uintptr_t at)
{
	return sys(SYS_rt_sigprocmask, INT32_MAX, at & WORD_MASK, NULL, 8) != -EFAULT;
}

bool user_readable(const void *p, size_t len)
{
	uintptr_t first = (uintptr_t)p, last = first + len - 1;

	if (!user_possible(p, len))
		return false;
	if (!len || !word_readable(first))
		return !len;
	return ((first ^ last) & ~(uintptr_t)4095) == 0 || word_readable(last);
}

int run_begin(struct run *run, const struct iovec *iov, size_t count)
{
	*run = (struct run){.iov = iov};
	if (!user_possible(iov, count * sizeof(*iov)))
		return -EFAULT;
	for (size_t i = 0; i < count; i++)
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
	for (size_t i = 0; i < count && run->left < RUN_MAX && !run->bad; i++) {
		size_t room = RUN_MAX - run->left;

		if (!user_possible(iov[i].iov_base, iov[i].iov_len))
			run->bad = true;
		else
			run->left += iov[i].iov_len < room ? iov[i].iov_len : room;
	}
	return 0;
}

/* The next stretch of at most @len bytes; it is behind us then. */
static uint8_t *run_next(struct run *run, size_t len, size_t *got)
{
	uint8_t *here;

	while (run->at == run->iov->iov_len) {
		run->iov++;
		run->at = 0;
	}
	here = (uint8_t *)run->iov->iov_base + run->at;
	*got = run->iov->iov_len - run->at < len ? run->iov->iov_len - run->at : len;
	run->at += *got;
	run->left -= *got;
	return here;
}

void run_put(struct run *run, const uint8_t *from, size_t len)
{
	size_t got;

	for (; len; from += got, len -= got) {
		uint8_t *to = run_next(run, len, &got);

		memcpy(to, from, got);
	}
}

void run_get(struct run *run, uint8_t *to, size_t len)
{
	size_t got;

	for (; len; to += got, len -= got) {
		const uint8_t *from = run_next(run, len, &got);

		memcpy(to, from, got);
	}
}

int name_in(struct call *call, const struct sockaddr *addr, socklen_t len)
{
	if (len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (len && !user_readable(addr, len))
		return -EFAULT;
	if (len)
		memcpy(call->slot->aux, addr, len);
	call->slot->name_len = call->slot->aux_len = len;
	return 0;
}

int name_out(const struct call *call, struct sockaddr *addr, socklen_t *len)
{
	socklen_t whole = call->slot->aux_len, room;

	if (!user_readable(len, sizeof(*len)))
		return -EFAULT;
	room = *len;
	if (whole > sizeof(struct sockaddr_storage))
		whole = sizeof(struct sockaddr_storage);
	if ((int)room < 0)
		return -EINVAL;
	if (room > whole)
		room = whole;
	if (room && !user_readable(addr, room))
		return -EFAULT;
	if (room)
		memcpy(addr, call->slot->aux, room);
	*len = whole;
	return 0;
}
