// SPDX-License-Identifier: MIT
/*
 * host/runtime/loop.c - a stack in the real world: its clock, memory, randomness, device and turns
 *
 * One round of host_run(): the program's turns until it has nothing left to do; sleep until a frame, a watched
 * descriptor or the stack's own deadline; the timers that are due; at most HOST_BATCH frames. Frames leave inside the
 * stack's entries, through host_xmit().
 */
#include "host/runtime/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define HOST_BATCH    64
#define HOST_LOOPBACK 1 /* its interface index in each stack */
#define NSEC	      1000000000ull

uint64_t host_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* ------------------------------------------------------------------ what a stack asks of the world */

static uint64_t env_random(void *world)
{
	struct host *host = world;

	if (!host->entropy_left) {
		/* Up to 256 bytes come whole or not at all; only a kernel without a seeded pool could refuse them. */
		for (size_t i = 0; i < sizeof(host->entropy); i += 256)
			if (getrandom((uint8_t *)host->entropy + i, 256, 0) != 256)
				abort();
		host->entropy_left = sizeof(host->entropy) / sizeof(host->entropy[0]);
	}
	return host->entropy[--host->entropy_left];
}

static void *env_alloc(void *world, size_t size, size_t align)
{
	void *mem;

	(void)world;
	if (align <= _Alignof(max_align_t))
		return malloc(size);
	return posix_memalign(&mem, align, size) ? NULL : mem;
}

static void env_free(void *world, void *mem, size_t size)
{
	(void)world;
	(void)size;
	free(mem);
}

static void env_trace(void *world, const struct la_trace_event *event)
{
	struct host *host = world;

	host->hooks.trace(host->hooks.world, event);
}

static void env_loopback(void *world, const void *packet, size_t len)
{
	struct host *host = world;

	host->hooks.looped(host->hooks.world, packet, len, host_now_ns());
}

/* ------------------------------------------------------------------ frames */

/* Shows the listener each frame of @frame as the wire carries it, also where the device takes the unit whole. */
static void show_frames(struct host *host, const struct la_frame *frame)
{
	uint32_t count = la_frame_count(frame);
	uint64_t now_ns = host_now_ns();
	uint8_t buf[TUN_FRAME_MAX];
	size_t len;

	for (uint32_t i = 0; i < count; i++) {
		len = la_frame_cut(frame, i, buf, sizeof(buf));
		host->hooks.frame(host->hooks.world, true, buf, len, now_ns);
	}
}

static int host_xmit(struct la_device *dev, const struct la_frame *frame)
{
	struct host *host = dev->world;

	host->frames_out++;
	if (host->hooks.frame)
		show_frames(host, frame);
	return tun_xmit(&host->tun, frame);
}

int host_receive(struct host *host)
{
	uint64_t now_ns;
	int i, len;

	la_hold(host->stack);
	for (i = 0; i < HOST_BATCH; i++) {
		len = tun_read(&host->tun, host->frame);
		if (len <= 0)
			break;
		now_ns = host_now_ns();
		host->frames_in++;
		if (host->hooks.frame)
			host->hooks.frame(host->hooks.world, false, host->frame, (size_t)len, now_ns);
		la_receive(host->stack, host->ifindex, host->frame, (size_t)len, now_ns);
	}
	la_let_go(host->stack, host_now_ns());
	return len < 0 ? len : i;
}

/* ------------------------------------------------------------------ a host's life */

int host_init(struct host *host, struct tun *tun, unsigned mtu, const struct host_hooks *hooks)
{
	memset(host, 0, sizeof(*host));
	host->tun.fd = -1;
	if (tun) {
		host->tun = *tun;
		tun->fd = -1;
	}
	if (hooks)
		host->hooks = *hooks;
	host->env = (struct la_env){
		.random = env_random,
		.alloc = env_alloc,
		.free = env_free,
		.trace = host->hooks.trace ? env_trace : NULL,
		.loopback = host->hooks.looped ? env_loopback : NULL,
		.world = host,
	};
	host->dev = (struct la_device){.name = host->tun.name, .mtu = mtu, .xmit = host_xmit, .world = host};
	host->stack = la_stack_new(&host->env, host_now_ns());
	if (!host->stack) {
		host_destroy(host);
		return -ENOMEM;
	}
	host->ifindex = tun ? la_device_add(host->stack, &host->dev) : HOST_LOOPBACK;
	if (host->ifindex < 0) {
		host_destroy(host);
		return host->ifindex;
	}
	return 0;
}

void host_destroy(struct host *host)
{
	la_stack_free(host->stack);
	host->stack = NULL;
	tun_close(&host->tun);
}

void host_watch(struct host *host, int fd, void (*ready)(void *arg), void *arg)
{
	if (host->watch_count < HOST_WATCH_MAX)
		host->watches[host->watch_count++] = (struct host_watch){fd, ready, arg};
}

void host_unwatch(struct host *host, int fd)
{
	for (unsigned i = 0; i < host->watch_count; i++)
		if (host->watches[i].fd == fd) {
			host->watches[i] = host->watches[--host->watch_count];
			return;
		}
}

void host_stop(struct host *host)
{
	host->stopped = true;
}

/* ------------------------------------------------------------------ the loop */

static void host_turns(struct host *host)
{
	while (!host->stopped && host->hooks.turn && host->hooks.turn(host->hooks.world))
		;
}

/* Sleeps until something happens; @fds[0] is the device, the watches follow. */
static int host_wait(struct host *host, struct pollfd *fds, nfds_t count)
{
	uint64_t deadline_ns = la_deadline_ns(host->stack);
	uint64_t now_ns = host_now_ns();
	uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec ts = {(time_t)(left_ns / NSEC), (long)(left_ns % NSEC)};

	if (ppoll(fds, count, deadline_ns == UINT64_MAX ? NULL : &ts, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	return 0;
}

/* Runs until host_stop(), or until *@done where it is given. */
static int host_loop(struct host *host, const bool *done)
{
	struct pollfd fds[1 + HOST_WATCH_MAX];
	struct host_watch watches[HOST_WATCH_MAX];
	unsigned count;
	int error;

	for (;;) {
		host_turns(host);
		if (host->stopped || (done && *done))
			return 0;
		count = host->watch_count;
		memcpy(watches, host->watches, sizeof(watches)); /* a callback may change the list */
		memset(fds, 0, sizeof(fds));
		fds[0] = (struct pollfd){.fd = host->tun.fd, .events = POLLIN};
		for (unsigned i = 0; i < count; i++)
			fds[1 + i] = (struct pollfd){.fd = watches[i].fd, .events = POLLIN};
		error = host_wait(host, fds, 1 + count);
		if (error)
			return error;
		la_advance(host->stack, host_now_ns());
		error = fds[0].revents ? host_receive(host) : 0;
		if (error < 0)
			return error;
		for (unsigned i = 0; i < count; i++)
			if (fds[1 + i].revents)
				watches[i].ready(watches[i].arg);
	}
}

int host_run(struct host *host)
{
	return host_loop(host, NULL);
}

static void on_call_done(struct la_op *op)
{
	*(bool *)op->user = true;
}

int64_t host_call(struct host *host, struct la_task *task, struct la_op *op)
{
	bool done = false;
	int error;

	op->done = on_call_done;
	op->user = &done;
	if (la_submit(task, op, host_now_ns()) == LA_DONE)
		return op->result;
	error = host_loop(host, &done);
	if (!done)
		la_cancel(op, host_now_ns());
	return error ? -EIO : op->result;
}
