/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/file_env.h - one stack that talks to itself over loopback, and programs on it
 *
 *	START(&h, task, &call, recv, fd, buf, 10, 0)	a thread enters a call: its result, or BLOCKED
 *	CALL(&h, task, recv, fd, buf, 10, 0)		a call that must not block: broken off if it does
 */
#ifndef FILE_ENV_H
#define FILE_ENV_H

#include <lastack/socket.h>
#include <lastack/stack.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define BLOCKED INT64_MIN
#define PORT	80
#define MS	1000000ull

struct host {
	struct la_env_seeded seeded;
	struct la_env env;
	uint64_t bytes; /* taken from the test's heap */
	struct la_stack *stack;
	uint64_t now_ns;
	struct la_task *task;
};

/* One thread inside one call. */
struct call {
	struct la_op op;
	int64_t result;
	unsigned completions;
};

static inline uint64_t host_random(void *world)
{
	struct host *h = world;

	return h->seeded.env.random(&h->seeded);
}

static inline void *host_alloc(void *world, size_t size, size_t align)
{
	struct host *h = world;

	h->bytes += size;
	return h->seeded.env.alloc(&h->seeded, size, align);
}

static inline void host_free(void *world, void *mem, size_t size)
{
	struct host *h = world;

	h->bytes -= size;
	h->seeded.env.free(&h->seeded, mem, size);
}

static inline void host_init(struct host *h)
{
	*h = (struct host){.now_ns = 1000000 * MS};
	la_env_seeded_init(&h->seeded, 1);
	h->env = (struct la_env){.random = host_random, .alloc = host_alloc, .free = host_free, .world = h};
	h->stack = la_stack_new(&h->env, h->now_ns);
	h->task = la_task_new(h->stack);
	assert_non_null(h->task);
}

static inline void host_check(struct host *h)
{
	const char *wrong = la_check(h->stack);

	if (wrong)
		fail_msg("%s", wrong);
}

static inline void host_run_ms(struct host *h, uint64_t ms)
{
	uint64_t until_ns = h->now_ns + ms * MS;

	while (la_deadline_ns(h->stack) <= until_ns) {
		if (la_deadline_ns(h->stack) > h->now_ns)
			h->now_ns = la_deadline_ns(h->stack);
		la_advance(h->stack, h->now_ns);
		host_check(h);
	}
	h->now_ns = until_ns;
}

/* The program of the test dies; nothing may be left when all time limits have passed. */
static inline void host_exit(struct host *h)
{
	struct la_usage left;

	host_check(h);
	la_task_exit(h->task, h->now_ns);
	host_check(h);
	host_run_ms(h, 600000);
	la_usage(h->stack, &left);
	assert_int_equal(left.tasks, 0);
	assert_int_equal(left.ops, 0);
	assert_int_equal(left.files, 0);
	assert_int_equal(left.sockets, 0);
	assert_int_equal(left.socks, 0);
	assert_int_equal(left.requests, 0);
	assert_int_equal(left.timewaits, 0);
	assert_int_equal(left.timers, 0);
	assert_int_equal(left.skbs, 0);
	la_stack_free(h->stack);
	assert_int_equal(h->bytes, 0);
}

static inline void call_done(struct la_op *op)
{
	struct call *call = op->user;

	call->result = op->result;
	call->completions++;
}

static inline int64_t call_start(struct host *h, struct la_task *task, struct call *call)
{
	call->op.done = call_done;
	call->op.user = call;
	call->result = BLOCKED;
	call->completions = 0;
	if (la_submit(task, &call->op, h->now_ns) == LA_DONE)
		call->result = call->op.result;
	host_check(h);
	return call->result;
}

static inline int64_t call_now(struct host *h, struct la_task *task, struct call *call)
{
	int64_t result = call_start(h, task, call);

	if (result == BLOCKED)
		la_cancel(&call->op, h->now_ns);
	return result;
}

#define START(h, task, call, what, ...) (la_prep_##what(&(call)->op, __VA_ARGS__), call_start(h, task, call))
#define CALL(h, task, what, ...) \
	__extension__({ \
		struct call call_ = {.result = 0}; \
		la_prep_##what(&call_.op, __VA_ARGS__); \
		call_now(h, task, &call_); \
	})

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int listen_on(struct host *h, struct la_task *task, int backlog)
{
	struct sockaddr_in addr = loopback(PORT);
	int fd = (int)CALL(h, task, socket, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(CALL(h, task, bind, fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(CALL(h, task, listen, fd, backlog), 0);
	return fd;
}

static inline int connect_to(struct host *h, struct la_task *task)
{
	struct sockaddr_in addr = loopback(PORT);
	int fd = (int)CALL(h, task, socket, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(CALL(h, task, connect, fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* A connection of @h->task with another process; the listener is closed. */
struct pair {
	struct la_task *peer;
	int fd, peer_fd;
};

static inline struct pair pair_of(struct host *h)
{
	struct pair p = {.peer = la_task_new(h->stack)};
	int listener = listen_on(h, p.peer, 5);

	CALL(h, h->task, epoll_create1, 0); /* something at 0, as in most programs: no result is 0 by chance */
	p.fd = connect_to(h, h->task);
	p.peer_fd = (int)CALL(h, p.peer, accept4, listener, NULL, NULL, 0);
	assert_true(p.peer_fd >= 0);
	assert_int_equal(CALL(h, p.peer, close, listener), 0);
	return p;
}

static inline void pair_end(struct host *h, struct pair *p)
{
	la_task_exit(p->peer, h->now_ns);
	host_exit(h);
}

static inline int64_t send_to(struct host *h, struct la_task *task, int fd, const char *text)
{
	return CALL(h, task, send, fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What a read finds now: the count, or -EAGAIN and the like. */
static inline int64_t receive(struct host *h, struct la_task *task, int fd)
{
	char buf[64];

	return CALL(h, task, recv, fd, buf, sizeof(buf), MSG_DONTWAIT);
}

static inline void set_linger(struct host *h, struct la_task *task, int fd, int seconds)
{
	struct linger l = {.l_onoff = 1, .l_linger = seconds};

	assert_int_equal(CALL(h, task, setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
}

/* Sends until nothing fits any more; the peer does not read. The number of bytes. */
static inline size_t fill(struct host *h, struct la_task *task, int fd)
{
	static char buf[65536];
	size_t total = 0;
	int64_t n;

	while ((n = CALL(h, task, send, fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	return total;
}

/* Reads all that is there: the number of bytes. */
static inline size_t drain(struct host *h, struct la_task *task, int fd)
{
	static char buf[65536];
	size_t total = 0;
	int64_t n;

	while ((n = CALL(h, task, recv, fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += (size_t)n;
	return total;
}

/* Reads all that comes, until nothing has come for two seconds: the number of bytes. */
static inline size_t drain_all(struct host *h, struct la_task *task, int fd)
{
	size_t total = 0, n;

	for (int quiet = 0; quiet < 200; quiet = n ? 0 : quiet + 1) {
		n = drain(h, task, fd);
		total += n;
		host_run_ms(h, 10);
	}
	return total;
}

static inline uint64_t counter(struct host *h, const char *name)
{
	uint64_t value;

	assert_int_equal(la_counter(h->stack, name, &value), 0);
	return value;
}

/* ------------------------------------------------------------------ states, as ss would list them */

struct sock_question {
	bool client;
	unsigned state;
};

static inline bool sock_answer(void *arg, const struct la_sock_info *info)
{
	struct sock_question *q = arg;

	if (info->dport && (q->client ? info->dport : info->sport) == PORT)
		q->state = info->state;
	return true;
}

/* The state of the side that connected, or of the one that accepted; 0: it is gone. */
static inline unsigned state_of(struct host *h, bool client)
{
	struct sock_question q = {.client = client};

	la_socks(h->stack, sock_answer, &q);
	return q.state;
}
#define CLIENT_STATE(h) state_of(h, true)
#define SERVER_STATE(h) state_of(h, false)

/* The side that connected has closed; the FIN's acknowledgement may be delayed (RF-10). */
static inline void assert_fin_sent(struct host *h)
{
	assert_in_set(CLIENT_STATE(h), ((const unsigned long[]){TCP_FIN_WAIT1, TCP_FIN_WAIT2}), 2);
	host_run_ms(h, 100);
	assert_int_equal(CLIENT_STATE(h), TCP_FIN_WAIT2);
}

#endif
