// SPDX-License-Identifier: MIT
/*
 * host/preload/wait.c - sleeping in the kernel's ppoll() with a call's bell among the numbers
 */
#include "host/preload/wait.h"

#include <pthread.h>
#include <sys/mman.h>

#define NSEC	 1000000000ull
#define NSEC_MAX (INT64_MAX / 2) /* ns; what is further away never comes */

uint64_t time_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC + (uint64_t)now.tv_nsec;
}

uint64_t until_ns(uint64_t ns)
{
	if (!ns)
		return UNTIL_NOW;
	return ns > NSEC_MAX ? UNTIL_NEVER : time_now_ns() + ns;
}

uint64_t until_ms(int ms)
{
	return ms < 0 ? UNTIL_NEVER : until_ns((uint64_t)ms * (NSEC / 1000));
}

int until_timespec(const struct timespec *ts, uint64_t *until)
{
	*until = UNTIL_NEVER;
	if (!ts)
		return 0;
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)NSEC)
		return -EINVAL;
	if ((uint64_t)ts->tv_sec < NSEC_MAX / NSEC)
		*until = until_ns((uint64_t)ts->tv_sec * NSEC + (uint64_t)ts->tv_nsec);
	return 0;
}

static const struct timespec *time_left(uint64_t until, struct timespec *left)
{
	uint64_t now = time_now_ns(), ns = until > now ? until - now : 0;

	if (until == UNTIL_NEVER)
		return NULL;
	left->tv_sec = (time_t)(ns / NSEC);
	left->tv_nsec = (long)(ns % NSEC);
	return left;
}

static void abandon(void *call)
{
	call_cancel(call);
	call_end(call);
}

/* libc's ppoll(), so that pthread_cancel() finds its point; the call is not left behind. */
static int sleep_in_poll(struct call *call, struct pollfd *fds, nfds_t n, uint64_t until, const sigset_t *mask)
{
	struct timespec left;
	int ret;

	pthread_cleanup_push(abandon, call);
	ret = real.ppoll(fds, n, time_left(until, &left), mask);
	pthread_cleanup_pop(0);
	return ret < 0 ? -errno : ret;
}

int wait_beside(struct call *call, struct pollfd *fds, nfds_t n, uint64_t until, const sigset_t *mask)
{
	while (!call_done(call)) {
		int bell = call_bell(call);
		uint64_t limit = until;
		int ret;

		if (bell == -EALREADY)
			break;
		if (bell < 0 && until > until_ns(NSEC / 1000))
			limit = until_ns(NSEC / 1000); /* no descriptor left for a bell: look at the slot again soon */
		fds[n] = (struct pollfd){.fd = bell, .events = POLLIN};
		ret = sleep_in_poll(call, fds, n + 1, limit, mask);
		if (bell >= 0)
			call_unbell(call);
		if (ret < 0)
			return ret;
		ret -= fds[n].revents != 0;
		if (ret > 0)
			return ret;
		if (!fds[n].revents && time_now_ns() >= until)
			return -ETIME;
	}
	return 0;
}

int wait_signal(const sigset_t *mask)
{
	struct timespec none = {0};
	long ret = mask ? sys(SYS_ppoll, NULL, 0, &none, mask, sizeof(uint64_t)) : 0;

	return (int)ret;
}

void *scratch_get(void *room, size_t room_size, size_t size)
{
	long mem;

	if (size <= room_size)
		return room;
	mem = sys(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mem < 0 && mem > -4096 ? NULL : (void *)mem;
}

void scratch_put(void *mem, const void *room, size_t size)
{
	if (mem && mem != room)
		sys(SYS_munmap, mem, size);
}
