// SPDX-License-Identifier: MIT
/*
 * host/preload/epoll.c - epoll sets that watch the stack's files and the kernel's alike
 *
 * A set is a file of the stack; members of the stack's are the library's epoll entries, keyed (file, number) as in the
 * kernel. The first kernel member gives the set a kernel epoll as well, shared by all processes that have the set:
 *
 *   epoll_ctl     a stack number -> CALL_EPOLL_CTL; a kernel number -> epoll_ctl() on the kernel epoll, data untouched
 *   epoll_wait    the kernel epoll, then one CALL_EPOLL_WAIT; nothing on either side: sleep on both
 *   a set in a set    stands in both halves of the outer one; an event that comes from both is told once
 *
 * Level, edge, one-shot and exclusive are thus the library's and the kernel's own affair. What an epoll_wait() took
 * from one half is always returned: the other half is asked only for as many events as there is room left.
 */
#include "host/preload/wait.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define EVENTS_MAX  (INT_MAX / (int)sizeof(struct epoll_event)) /* Linux's limit */
#define CALL_EVENTS ((int)(SEG_DATA / sizeof(struct epoll_event)))

static _Atomic bool any_nested;		/* since this program began */
static __thread bool stack_comes_first; /* the kernel's events filled the last answer */

/* ------------------------------------------------------------------ epoll_create */

EXPORT int epoll_create1(int flags)
{
	struct call call;
	int fd;

	if (!shim_configured() || flags & ~EPOLL_CLOEXEC || shim_attach() < 0)
		return real.epoll_create1(flags);
	fd = call_begin(&call, CALL_EPOLL_CREATE1, 0);
	if (fd < 0)
		return (int)give(fd);
	fd = spare_open(&call);
	if (fd >= 0) {
		call.slot->arg[0] = (uint64_t)flags;
		call.slot->number = fd;
		call_wait(&call);
		fd = spare_close(&call, fd, SEG_KIND_EPOLL, flags & EPOLL_CLOEXEC);
	}
	call_end(&call);
	return (int)give(fd);
}

EXPORT int epoll_create(int size)
{
	return size <= 0 ? (int)give(-EINVAL) : epoll_create1(0);
}

/* ------------------------------------------------------------------ epoll_ctl */

static int64_t ctl_in_stack(seg_handle set, int epfd, int how, seg_handle member, int fd,
			    const struct epoll_event *event)
{
	struct call call;
	int err = call_begin(&call, CALL_EPOLL_CTL, set);

	if (err < 0)
		return err;
	call.slot->arg[0] = (uint64_t)how;
	call.slot->arg[1] = event ? event->events : 0;
	call.slot->arg[2] = event ? event->data.u64 : 0;
	call.slot->arg[3] = member;
	call.slot->arg[4] = (uint64_t)fd;
	call.slot->number = epfd;
	call_wait(&call);
	return call_end(&call);
}

/* Only an entry makes the kernel epoll; whatever is asked of one that is not there finds nothing in it. */
static int64_t ctl_in_kernel(seg_handle set, int how, int fd, struct epoll_event *event)
{
	int k = kernel_set_known(set);

	if (number_is_own(fd) || (k < 0 && sys(SYS_fcntl, fd, F_GETFD) < 0))
		return -EBADF;
	if (k < 0)
		k = kernel_set(set, how != EPOLL_CTL_MOD && how != EPOLL_CTL_DEL);
	return k < 0 ? k : sys(SYS_epoll_ctl, k, how, fd, event);
}

/*
 * The inner set's kernel epoll becomes a member of the outer one's. EPOLLRDNORM, which an epoll file shows beside
 * EPOLLIN, marks its events, see tell_once().
 */
static void ctl_nested(seg_handle set, int how, seg_handle inner, const struct epoll_event *event)
{
	int k = kernel_set(set, how == EPOLL_CTL_ADD), inner_k = kernel_set(inner, how == EPOLL_CTL_ADD);
	struct epoll_event marked = event ? *event : (struct epoll_event){0};

	any_nested = true;
	if (marked.events & EPOLLIN)
		marked.events |= EPOLLRDNORM;
	if (k >= 0 && inner_k >= 0)
		sys(SYS_epoll_ctl, k, how, inner_k, &marked);
}

/* A kernel epoll, made before `lastack run` or past us, knows nothing of the stack's files. */
static int64_t ctl_foreign(int epfd, int fd)
{
	struct epoll_event event = {0};
	long ret = sys(SYS_epoll_ctl, epfd, EPOLL_CTL_MOD, fd, &event);

	return ret == -ENOENT ? -EPERM : ret;
}

static int64_t ctl(int epfd, int how, int fd, struct epoll_event *event)
{
	enum seg_kind kind, member_kind;
	seg_handle set = stack_handle_kind(epfd, &kind), member = stack_handle_kind(fd, &member_kind);
	int64_t ret;

	if (how != EPOLL_CTL_DEL && !event)
		return -EFAULT;
	if (!set)
		return ctl_foreign(epfd, fd);
	if (member)
		ret = ctl_in_stack(set, epfd, how, member, fd, event);
	else if (kind == SEG_KIND_EPOLL)
		return ctl_in_kernel(set, how, fd, event);
	else
		return number_is_own(fd) || sys(SYS_fcntl, fd, F_GETFD) < 0 ? -EBADF : -EINVAL;
	if (ret == 0 && member_kind == SEG_KIND_EPOLL)
		ctl_nested(set, how, member, event);
	return ret;
}

EXPORT int epoll_ctl(int epfd, int how, int fd, struct epoll_event *event)
{
	if (!stack_handle(epfd) && !stack_handle(fd))
		return real.epoll_ctl(epfd, how, fd, event);
	return (int)give(ctl(epfd, how, fd, event));
}

/* ------------------------------------------------------------------ epoll_wait */

/* What the kernel members have now. Another thread may close the set meanwhile: nothing, then. */
static int ask_kernel(int k, struct epoll_event *events, int max)
{
	long ret = max > 0 ? sys(SYS_epoll_pwait, k, events, max, 0, NULL, sizeof(uint64_t)) : 0;

	return ret > 0 ? (int)ret : 0;
}

/*
 * What the stack's members have; without anything, sleeps as long as neither side has. The count, 0 when only the
 * kernel's side has something or it was woken for nothing; -ETIME, -EINTR, -ESTALE and other errors.
 */
static int64_t ask_stack(seg_handle set, int k, struct epoll_event *events, int max, uint64_t until,
			 const sigset_t *mask)
{
	struct pollfd fds[2] = {{.fd = k, .events = POLLIN}};
	struct call call;
	int64_t ret = call_begin(&call, CALL_EPOLL_WAIT, set), woken = 0;

	if (ret < 0)
		return ret;
	call.slot->arg[0] = (uint64_t)(max < CALL_EVENTS ? max : CALL_EVENTS);
	call.slot->arg[1] = until == UNTIL_NOW ? 0 : (uint64_t)-1;
	call.slot->arg[2] = k >= 0;
	if (until == UNTIL_NOW || (k < 0 && until == UNTIL_NEVER && !mask)) {
		ret = call_wait(&call);
	} else {
		call_submit(&call);
		woken = wait_beside(&call, fds, 1, until, mask);
		if (woken)
			call_cancel(&call);
		ret = call.slot->result;
	}
	if (ret > max)
		ret = max;
	if (ret > 0)
		memcpy(events, call.data, (size_t)ret * sizeof(*events));
	call_end(&call);
	if (ret == -EINTR && woken)
		return woken < 0 ? woken : 0;
	return ret == 0 && until == UNTIL_NOW ? -ETIME : ret;
}

/* One round: the count, 0: come again, or an error; -ETIME is one. */
static int64_t ask_both(seg_handle set, int k, struct epoll_event *events, int max, uint64_t until,
			const sigset_t *mask)
{
	int64_t stack;
	int kernel;

	if (stack_comes_first) {
		stack_comes_first = false;
		stack = ask_stack(set, k, events, max, UNTIL_NOW, NULL);
		if (stack < 0)
			return stack == -ETIME ? 0 : stack;
		return stack + ask_kernel(k, events + stack, max - (int)stack);
	}
	kernel = ask_kernel(k, events, max);
	stack_comes_first = kernel == max;
	if (kernel == max)
		return kernel;
	stack = ask_stack(set, k, events + kernel, max - kernel, kernel ? UNTIL_NOW : until, mask);
	return kernel ? kernel + (stack > 0 ? stack : 0) : stack;
}

/* Both halves of an inner set may have had something to say: that is one event. */
static int64_t tell_once(struct epoll_event *events, int64_t n)
{
	int64_t kept = 0;

	for (int64_t i = 0; i < n; i++) {
		int64_t other = 0;

		if (events[i].events & EPOLLRDNORM) {
			while (other < n && (other == i || events[other].events & EPOLLRDNORM ||
					     events[other].data.u64 != events[i].data.u64))
				other++;
			if (other < n)
				continue;
			events[i].events &= ~(uint32_t)EPOLLRDNORM;
		}
		events[kept++] = events[i];
	}
	return kept;
}

static int64_t set_wait(seg_handle set, struct epoll_event *events, int max, uint64_t until, const sigset_t *mask)
{
	uint64_t limit = mask ? UNTIL_NOW : until; /* what is there comes before the signals that a mask lets in */
	int64_t ret;
	int k;

	do {
		k = kernel_set_known(set);
		ret = k < 0 ? ask_stack(set, k, events, max, limit, mask) : ask_both(set, k, events, max, limit, mask);
		if (ret == -ETIME && limit != until) {
			limit = until;
			ret = 0;
		}
		if (ret == -ESTALE) { /* the set has kernel members, we do not know them yet */
			ret = kernel_set(set, false);
			ret = ret < 0 ? ret : 0;
		}
	} while (ret == 0);
	if (ret > 0 && any_nested)
		ret = tell_once(events, ret);
	return ret == -ETIME ? 0 : ret;
}

static int64_t wait_on(int epfd, struct epoll_event *events, int max, uint64_t until, const sigset_t *mask)
{
	enum seg_kind kind;
	seg_handle set = stack_handle_kind(epfd, &kind);

	if (max <= 0 || max > EVENTS_MAX || kind != SEG_KIND_EPOLL)
		return -EINVAL;
	if (!events)
		return -EFAULT;
	return set_wait(set, events, max, until, mask);
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	if (!stack_handle(epfd))
		return real.epoll_wait(epfd, events, max, timeout_ms);
	return (int)give(wait_on(epfd, events, max, until_ms(timeout_ms), NULL));
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
	if (!stack_handle(epfd))
		return real.epoll_pwait(epfd, events, max, timeout_ms, mask);
	return (int)give(wait_on(epfd, events, max, until_ms(timeout_ms), mask));
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
			const sigset_t *mask)
{
	uint64_t until;
	int ret;

	if (!stack_handle(epfd))
		return real.epoll_pwait2(epfd, events, max, timeout, mask);
	ret = until_timespec(timeout, &until);
	return (int)give(ret < 0 ? ret : wait_on(epfd, events, max, until, mask));
}
