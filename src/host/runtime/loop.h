/* SPDX-License-Identifier: MIT */
/*
 * host/runtime/loop.h - a stack in the real world: its clock, memory, randomness, device and turns
 *
 * A host is one stack on one TUN device, or on none: loopback is always there. One thread runs it. The program on top is a
 * function that is called after each batch of frames and timers, outside the stack's entries, and uses the stack's direct
 * calls or operations there. A program with a loop of its own (host/run/executor.c) calls host_receive() from it.
 */
#ifndef LA_HOST_LOOP_H
#define LA_HOST_LOOP_H

#include <lastack/socket.h>

#include "host/driver/tun.h"

#include <poll.h>

#define HOST_WATCH_MAX 4

struct host;

/**
 * struct host_hooks - what the program above wants to hear; any may be NULL
 * @turn:   work of the program; called before the host sleeps, again as long as it returns true
 * @frame:  a frame as the wire carries it, @out: from the stack; borrowed
 * @looped: a packet that the stack sends to itself; borrowed
 * @trace:  an event of the stack; borrowed
 * @world:  passed back
 */
struct host_hooks {
	bool (*turn)(void *world);
	void (*frame)(void *world, bool out, const void *frame, size_t len, uint64_t now_ns);
	void (*looped)(void *world, const void *packet, size_t len, uint64_t now_ns);
	void (*trace)(void *world, const struct la_trace_event *event);
	void *world;
};

struct host_watch {
	int fd;
	void (*ready)(void *arg);
	void *arg;
};

/**
 * struct host - a stack, its device and its loop
 * @stack:    owned
 * @tun:      owned
 * @ifindex:  of the device inside the stack; loopback's where there is no device
 * @entropy:  random bytes in stock, used from the end
 * @watches:  descriptors of the program's that the loop also waits for
 * @stopped:  host_run() is to return
 * @frame:    where frames are read into or cut out of units
 */
struct host {
	struct la_stack *stack;
	struct la_env env;
	struct la_device dev;
	struct tun tun;
	int ifindex;
	struct host_hooks hooks;
	uint64_t entropy[64];
	unsigned entropy_left;
	struct host_watch watches[HOST_WATCH_MAX];
	unsigned watch_count;
	bool stopped;
	uint64_t frames_in, frames_out;
	uint8_t frame[TUN_FRAME_MAX];
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t host_now_ns(void);

/* Makes a stack on an interface that is open and up, NULL: on none; takes @tun, also on error. -ENOMEM, -EINVAL (the MTU). */
int host_init(struct host *host, struct tun *tun, unsigned mtu, const struct host_hooks *hooks);
void host_destroy(struct host *host);

/* Calls @ready from host_run() whenever @fd is readable or at its end. */
void host_watch(struct host *host, int fd, void (*ready)(void *arg), void *arg);
void host_unwatch(struct host *host, int fd);

/* Runs until host_stop(). 0, or a negative errno when the device failed (-EBADFD, -EIO: it was removed). */
int host_run(struct host *host);
void host_stop(struct host *host);

/* Takes in frames that wait at the device, a batch at most: how many, or a negative errno when the device failed. */
int host_receive(struct host *host);

/* A blocking call: submits @op, runs the loop until it is done, returns its result. -EINTR, the operation cancelled,
 * when host_stop() ended the loop; -EIO when the device failed. Uses @op->done and @op->user. */
int64_t host_call(struct host *host, struct la_task *task, struct la_op *op);

#endif
