/* SPDX-License-Identifier: MIT */
/*
 * host/preload/numbers.c - close(), dup(), fcntl(): what numbers mean changes here
 *
 *   letting_go    this process is about to close a number of the stack's: say so first (seg.closing)
 *   the kernel    closes it: its count of holders is the truth
 *   let_go        if it was the last holder the close runs now, and may linger: that is what we wait for
 *
 * The shim's own descriptors are not there for the program: close() says EBADF, close_range() goes around them, dup2() onto
 * one finds it moved away. So a daemon that closes everything keeps its stack.
 */
#include "host/preload/preload.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <unistd.h>

struct letting_go {
	struct call call;
	bool told;
};

/* What a vfork child closes its parent has still: that is never the last. */
static void letting_go(struct letting_go *l, int fd)
{
	enum seg_kind kind;
	seg_handle file;

	l->told = false;
	if (shim_is_vfork_child())
		return;
	file = stack_handle_kind(fd, &kind);
	l->told = file && call_begin(&l->call, CALL_CLOSED, file) == 0;
	if (l->told) {
		l->call.slot->number = fd;
		call_announce(&l->call, true);
	}
	if (kind == SEG_KIND_EPOLL)
		kernel_set_forget(file);
}

/* @done: the kernel did it: close() has succeeded then, however long the rest lingers and whatever becomes of it. */
static void let_go(struct letting_go *l, int fd, bool done)
{
	number_forget(fd);
	if (!l->told)
		return;
	if (done)
		call_wait(&l->call);
	call_announce(&l->call, false);
	call_end(&l->call);
}

static int64_t stack_close(int fd)
{
	struct letting_go l;
	int64_t ret;

	letting_go(&l, fd);
	ret = sys(SYS_close, fd);
	let_go(&l, fd, ret == 0);
	return ret;
}

EXPORT int close(int fd)
{
	seg_handle file = stack_handle(fd);
	int ret;

	if (number_is_own(fd))
		return (int)give(-EBADF);
	if (file)
		return (int)give(stack_close(fd));
	ret = real.close(fd);
	number_forget(fd);
	return ret;
}

/* ------------------------------------------------------------------ many at once */

/* The kernel's own call, for each stretch between our descriptors. */
static int64_t close_stretches(unsigned int first, unsigned int last, int flags)
{
	unsigned int from = first;
	int64_t ret = 0;

	while (from <= last && ret == 0) {
		int own = number_next_own(from, last);
		unsigned int to = own < 0 ? last : (unsigned int)own - 1;

		if (own < 0 || (unsigned int)own > from)
			ret = sys(SYS_close_range, from, to, flags);
		if (own < 0)
			break;
		from = (unsigned int)own + 1;
	}
	number_forget_range(first, last);
	return ret;
}

/* The kernel finds the files from below and lets them go, when the call returns, from above. */
static int64_t stack_close_range(unsigned int first, unsigned int last, int flags)
{
	if (first > last || (flags & ~(int)CLOSE_RANGE_UNSHARE) || !shim_configured())
		return sys(SYS_close_range, first, last,
			   flags); /* CLOSE_RANGE_CLOEXEC closes nothing now; ours have it */
	if (!(flags & (int)CLOSE_RANGE_UNSHARE) && !shim_is_vfork_child())
		for (int fd; (fd = number_last_known(first, last)) >= 0;)
			stack_close(fd);
	return close_stretches(first, last, flags);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	shim_ready();
	return (int)give(stack_close_range(first, last, flags));
}

EXPORT void closefrom(int first)
{
	shim_ready();
	if (!shim_configured())
		return real.closefrom(first);
	stack_close_range(first < 0 ? 0 : (unsigned int)first, UINT_MAX, 0);
}

/* ------------------------------------------------------------------ copies */

static int copied(int fd)
{
	if (fd >= 0)
		number_forget(fd);
	stdio_number_changed(fd);
	return fd;
}

EXPORT int dup(int fd)
{
	shim_ready();
	if (number_is_own(fd))
		return (int)give(-EBADF);
	return copied(real.dup(fd));
}

/* dup2() and dup3() onto @to: closes what it was, as close() does, but cannot fail by that. */
int64_t dup_onto(int fd, int to, int flags)
{
	struct letting_go l;
	int64_t ret;

	if (number_is_own(fd))
		return -EBADF;
	if (number_is_own(to) && !shim_is_vfork_child()) {
		ret = sys(SYS_fcntl, fd, F_GETFD);
		if (ret >= 0)
			ret = own_move(to);
		if (ret < 0)
			return ret;
	}
	letting_go(&l, to);
	ret = sys(SYS_dup3, fd, to, flags);
	let_go(&l, to, ret >= 0);
	stdio_number_changed((int)ret);
	return ret;
}

EXPORT int dup2(int fd, int to)
{
	shim_ready();
	if (!shim_configured() || fd == to || to < 0)
		return number_is_own(fd) ? (int)give(-EBADF) : real.dup2(fd, to);
	return (int)give(dup_onto(fd, to, 0));
}

EXPORT int dup3(int fd, int to, int flags)
{
	shim_ready();
	if (!shim_configured() || fd == to || to < 0 || (flags & ~O_CLOEXEC))
		return real.dup3(fd, to, flags);
	return (int)give(dup_onto(fd, to, flags));
}

/* libc's daemon() puts /dev/null onto 0 to 2 without asking us. */
EXPORT int daemon(int stay, int keep)
{
	int ret;

	shim_ready();
	ret = real.daemon(stay, keep);
	number_forget_range(0, 2);
	return ret;
}

/* ------------------------------------------------------------------ fcntl: of the number, or of the file? */

static int fcntl_any(int (*libc)(int, int, ...), int fd, int cmd, void *arg)
{
	seg_handle file = stack_handle(fd);

	if (number_is_own(fd))
		return (int)give(-EBADF);
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return copied(libc(fd, cmd, arg));
	case F_GETFL:
	case F_SETFL:
	case F_GETOWN:
	case F_SETOWN:
	case F_GETOWN_EX:
	case F_SETOWN_EX:
	case F_GETSIG:
	case F_SETSIG:
		if (file)
			return (int)give(call_plain(CALL_FCNTL, file, (uint64_t)cmd, (uint64_t)(uintptr_t)arg, 0));
		break;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		if (file)
			return (int)give(-EBADF); /* not a pipe, as far as anyone may see */
		break;
	}
	return libc(fd, cmd, arg);
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	shim_ready();
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_any(real.fcntl, fd, cmd, arg);
}

EXPORT int fcntl64(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	shim_ready();
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_any(real.fcntl64, fd, cmd, arg);
}
