// SPDX-License-Identifier: MIT
/*
 * host/preload/poll.c - poll, ppoll
 *
 * In:   numbers of either kind, mixed.
 * Here: all of them the kernel's: libc's own function. Otherwise the stack's go into one CALL_POLL, and the kernel's,
 *       with that call's bell, into ppoll(). Whichever has something first, the other is asked for what it has by then.
 * Out:  both answers in the program's array. A set that also watches kernel descriptors is asked on both sides.
 *
 * What the numbers mean is looked at again after a sleep, as Linux does: one that was closed meanwhile shows POLLNVAL.
 */
#include "host/preload/wait.h"

#include <string.h>

/**
 * struct polling - one poll() on its way
 * @kernel:  as long as @fds, and one for the bell; -1 where only the stack is asked
 * @file:    as long as @fds; 0: the kernel's
 * @mem:     holds both
 */
struct polling {
	struct pollfd *fds, *kernel;
	seg_handle *file;
	nfds_t n, in_stack, in_kernel;
	void *mem, *room;
	size_t size;
};

#define POLL_ROOM 1024u /* bytes on the stack; it may be a signal handler's */

static int polling_begin(struct polling *p, struct pollfd *fds, nfds_t n, void *room)
{
	*p = (struct polling){.fds = fds, .n = n, .room = room};
	if (n >= INT32_MAX / (sizeof(*p->kernel) + sizeof(*p->file)))
		return -EINVAL;
	p->size = (n + 1) * (sizeof(*p->kernel) + sizeof(*p->file));
	p->mem = scratch_get(room, POLL_ROOM, p->size);
	if (!p->mem)
		return -ENOMEM;
	p->file = p->mem;
	p->kernel = (struct pollfd *)(void *)(p->file + n + 1);
	return 0;
}

/* Who is asked about each number? */
static void polling_sort(struct polling *p)
{
	enum seg_kind kind;

	p->in_stack = p->in_kernel = 0;
	for (nfds_t i = 0; i < p->n; i++) {
		p->file[i] = stack_handle_kind(p->fds[i].fd, &kind);
		p->kernel[i] = p->fds[i];
		p->in_stack += p->file[i] != 0;
		if (p->file[i])
			p->kernel[i].fd = kind == SEG_KIND_EPOLL ? kernel_set(p->file[i], false) : -1;
		p->in_kernel += p->kernel[i].fd >= 0;
	}
}

static bool polling_is_outdated(const struct polling *p)
{
	for (nfds_t i = 0; i < p->n; i++)
		if (p->file[i] != stack_handle(p->fds[i].fd))
			return true;
	return false;
}

static void polling_fill(const struct polling *p, struct call *call)
{
	struct seg_pollfd *entry = (struct seg_pollfd *)(void *)call->data;

	for (nfds_t i = 0; i < p->n; i++)
		if (p->file[i])
			*entry++ = (struct seg_pollfd){p->file[i], p->fds[i].events, 0, (int)i};
	call->slot->arg[0] = p->in_stack;
	call->slot->data_len = (uint32_t)(p->in_stack * sizeof(*entry));
}

/* Both answers together: how many numbers have something. */
static int polling_gather(const struct polling *p, const struct call *call, bool stack_too)
{
	const struct seg_pollfd *entry = (const struct seg_pollfd *)(const void *)call->data;
	int count = 0;

	for (nfds_t i = 0; i < p->n; i++)
		p->fds[i].revents = p->kernel[i].fd >= 0 ? p->kernel[i].revents : 0;
	for (nfds_t i = 0; stack_too && i < p->in_stack; i++)
		if (entry[i].number >= 0 && (nfds_t)entry[i].number < p->n)
			p->fds[entry[i].number].revents |= entry[i].revents;
	for (nfds_t i = 0; i < p->n; i++)
		count += p->fds[i].revents != 0;
	return count;
}

/* What the kernel has now; POLLNVAL for numbers that are nobody's comes from there too. */
static int polling_ask_kernel(const struct polling *p)
{
	struct timespec none = {0};

	for (nfds_t i = 0; i < p->n; i++)
		p->kernel[i].revents = 0;
	return p->in_kernel ? (int)sys(SYS_ppoll, p->kernel, p->n, &none, NULL, 0) : 0;
}

/* One round: how many numbers have something; 0 when woken for nothing; -ETIME, -EINTR and other errors. */
static int64_t polling_round(const struct polling *p, uint64_t until, const sigset_t *mask, bool *slept)
{
	int64_t now = polling_ask_kernel(p), result;
	struct call call;
	int count;

	if (now < 0)
		return now;
	if (p->in_stack > SEG_DATA / sizeof(struct seg_pollfd))
		return -ENOMEM;
	result = call_begin(&call, CALL_POLL, 0);
	if (result < 0)
		return result;
	polling_fill(p, &call);
	*slept = !now && until != UNTIL_NOW;
	call.slot->arg[1] = *slept ? (uint64_t)-1 : 0;
	if (!*slept || (!p->in_kernel && until == UNTIL_NEVER && !mask)) {
		result = call_wait(&call);
	} else {
		call_submit(&call);
		now = wait_beside(&call, p->kernel, p->n, until, mask);
		if (now)
			call_cancel(&call);
		result = call.slot->result;
	}
	count = polling_gather(p, &call, result > 0);
	result = call_end(&call);
	if (count)
		return count;
	if (!*slept)
		return result < 0 ? result : wait_signal(mask) ?: -ETIME;
	return now < 0 ? now : result;
}

int64_t poll_numbers(struct pollfd *fds, nfds_t n, uint64_t until, const sigset_t *mask)
{
	_Alignas(16) uint8_t room[POLL_ROOM];
	struct polling p;
	bool slept = false;
	int64_t ret = polling_begin(&p, fds, n, room);

	if (ret < 0)
		return ret;
	polling_sort(&p);
	if (mask && until != UNTIL_NOW) { /* what is there already comes before the signals that the mask lets in */
		ret = polling_round(&p, UNTIL_NOW, NULL, &slept);
		if (ret != -ETIME)
			goto out;
	}
	do {
		polling_sort(&p);
		ret = polling_round(&p, until, mask, &slept);
		if (ret > 0 && slept && polling_is_outdated(&p)) {
			polling_sort(&p);
			ret = polling_round(&p, UNTIL_NOW, NULL, &slept);
			if (ret == -ETIME)
				ret = 0; /* what happened, happened to a file that is no longer here */
		}
	} while (!ret);
out:
	scratch_put(p.mem, room, p.size);
	return ret == -ETIME ? 0 : ret;
}

/* ------------------------------------------------------------------ libc's names */

static bool any_of_the_stack(struct pollfd *fds, nfds_t n)
{
	if (!shim_configured())
		return false;
	for (nfds_t i = 0; i < n; i++)
		if (stack_handle(fds[i].fd))
			return true;
	return false;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (!any_of_the_stack(fds, n))
		return real.poll(fds, n, timeout_ms);
	return (int)give(poll_numbers(fds, n, until_ms(timeout_ms), NULL));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	uint64_t until;
	int ret;

	if (!any_of_the_stack(fds, n))
		return real.ppoll(fds, n, timeout, mask);
	ret = until_timespec(timeout, &until);
	return (int)give(ret < 0 ? ret : poll_numbers(fds, n, until, mask));
}

/* What _FORTIFY_SOURCE makes of them: @room is the array's size in bytes. */
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room);

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room)
{
	if (room / sizeof(*fds) < n || !any_of_the_stack(fds, n))
		return real.__poll_chk(fds, n, timeout_ms, room);
	return poll(fds, n, timeout_ms);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask, size_t room)
{
	if (room / sizeof(*fds) < n || !any_of_the_stack(fds, n))
		return real.__ppoll_chk(fds, n, timeout, mask, room);
	return ppoll(fds, n, timeout, mask);
}
