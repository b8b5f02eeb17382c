// SPDX-License-Identifier: MIT
/*
 * examples/two_stacks.c - two stacks in one process, joined by a wire of memory: open, hello, close, and why
 *
 *	cc two_stacks.c $(pkg-config --cflags --libs lastack)
 *
 * A frame that one stack sends is kept until its entry has ended, then handed to the other: no stack is entered from a
 * callback of the other. The clock is a number that we move to whatever the stacks wait for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <lastack/socket.h>
#include <lastack/stack.h>
#include <lastack/trace.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64, MTU = 1500 };

struct host {
	const char *name;
	struct la_env_seeded env;
	struct la_stack *stack;
	struct la_task *task;
	struct la_device dev;
	int ifindex;
	unsigned char frame[SLOTS][MTU]; /* sent, not yet delivered */
	size_t len[SLOTS];
	unsigned sent, taken;
};

static uint64_t now = 1000000000;

/* ------------------------------------------------------------------ the world around a stack */

static int keep_frame(struct la_device *dev, const struct la_frame *frame)
{
	struct host *host = dev->world;

	for (uint32_t i = 0; i < la_frame_count(frame); i++) { /* a unit of several segments is cut here */
		unsigned slot = host->sent % SLOTS;

		if (host->sent - host->taken == SLOTS)
			return -ENOBUFS;
		host->len[slot] = la_frame_cut(frame, i, host->frame[slot], MTU);
		host->sent++;
	}
	return 0;
}

static void tell(void *world, const struct la_trace_event *e)
{
	struct host *host = (struct host *)((char *)world - offsetof(struct host, env));

	if (e->kind == LA_TRACE_STATE)
		printf("%-6s %s -> %s (%s)\n", host->name, la_state_name(e->oldstate), la_state_name(e->newstate), e->cause);
}

static void host_begin(struct host *host, const char *name, const char *address, uint64_t seed)
{
	struct in_addr addr;

	host->name = name;
	la_env_seeded_init(&host->env, seed);
	host->env.env.trace = tell; /* its world is &host->env */
	host->stack = la_stack_new(&host->env.env, now);
	host->dev = (struct la_device){ .name = "wire", .mtu = MTU, .xmit = keep_frame, .world = host };
	host->task = host->stack ? la_task_new(host->stack) : NULL;
	if (!host->task)
		exit(1);
	inet_pton(AF_INET, address, &addr);
	host->ifindex = la_device_add(host->stack, &host->dev);
	la_addr_add(host->stack, host->ifindex, AF_INET, &addr, 24);
}

static int deliver(struct host *from, struct host *to)
{
	int any = from->taken != from->sent;

	for (; from->taken != from->sent; from->taken++)
		la_receive(to->stack, to->ifindex, from->frame[from->taken % SLOTS], from->len[from->taken % SLOTS], now);
	return any;
}

/* Until nothing is under way and no timer is due before @until. */
static void run(struct host *a, struct host *b, uint64_t until)
{
	for (;;) {
		uint64_t next;

		if (deliver(a, b) | deliver(b, a))
			continue;
		next = la_deadline_ns(a->stack) < la_deadline_ns(b->stack) ? la_deadline_ns(a->stack)
									   : la_deadline_ns(b->stack);
		if (next > until)
			break;
		now = next;
		la_advance(a->stack, now);
		la_advance(b->stack, now);
	}
	now = until;
}

/* ------------------------------------------------------------------ the story */

static struct host client, server;

static void on_accepted(struct la_op *op)
{
	printf("server accepted descriptor %lld\n", (long long)op->result);
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct la_op accepting = { .done = on_accepted };
	struct la_usage usage;
	char text[32];
	int listener, c, s;
	int64_t n;

	host_begin(&client, "client", "10.0.0.1", 1);
	host_begin(&server, "server", "10.0.0.2", 2);

	listener = la_socket(server.task, AF_INET, SOCK_STREAM, 0, now);
	la_bind(server.task, listener, (struct sockaddr *)&addr, sizeof(addr), now);
	la_listen(server.task, listener, 8, now);
	la_prep_accept4(&accepting, listener, NULL, NULL, 0);
	if (la_submit(server.task, &accepting, now) != LA_PENDING) /* it waits for somebody to connect */
		return 1;

	inet_pton(AF_INET, "10.0.0.2", &addr.sin_addr);
	c = la_socket(client.task, AF_INET, SOCK_STREAM, 0, now);
	if (la_connect(client.task, c, (struct sockaddr *)&addr, sizeof(addr), now) != -EINPROGRESS)
		return 1;
	run(&client, &server, now + 10000000);
	s = (int)accepting.result;

	la_send(client.task, c, "hello", 5, 0, now);
	la_close(client.task, c, now);
	run(&client, &server, now + 10000000);
	n = la_recv(server.task, s, text, sizeof(text), 0, now);
	printf("server read %lld bytes: %.*s\n", (long long)n, (int)n, text);
	la_close(server.task, s, now);
	run(&client, &server, now + 61000000000); /* TIME_WAIT is 60 s, and takes no time at all */

	la_usage(client.stack, &usage);
	printf("client has %llu socks and %llu stand-ins left\n", (unsigned long long)usage.socks,
	       (unsigned long long)usage.timewaits);
	la_stack_free(client.stack);
	la_stack_free(server.stack);
	return usage.socks + usage.timewaits || n != 5;
}
