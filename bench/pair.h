/* SPDX-License-Identifier: MIT */
/*
 * bench/pair.h - two stacks and a wire of memory between them, made for speed
 *
 * A ring of frames each way and a clock that the benchmark moves; no events, no delay, nothing that a driver would cost.
 * pair_pump() carries frames to and fro until both rings are empty. Everything else goes through the public interface.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lastack/socket.h>
#include <lastack/stack.h>

enum { CLIENT, SERVER };
enum { RING_SLOTS = 4096, SLOT_BYTES = 2048, MTU = 1500 };

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* A result that is not as it must be ends the benchmark: figures of wrong work are worth nothing. */
static inline int64_t must(int64_t result, int64_t wanted, const char *what)
{
	if (result != wanted)
		die("%s: %lld (%s), expected %lld", what, (long long)result, result < 0 ? strerror((int)-result) : "",
		    (long long)wanted);
	return result;
}

static inline int64_t must_not_fail(int64_t result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, strerror((int)-result));
	return result;
}

struct ring {
	uint8_t (*slot)[SLOT_BYTES];
	uint16_t len[RING_SLOTS];
	uint32_t head, tail; /* frames put, frames taken */
};

/**
 * struct pair - a client's and a server's stack
 * @out: ring of frames that each has sent
 */
struct pair {
	struct la_env_seeded env[2];
	struct la_stack *stack[2];
	struct la_task *task[2];
	struct la_device dev[2];
	int ifindex[2];
	struct ring out[2];
	uint64_t now_ns;
};

/* A unit goes as the segments that it stands for. */
static inline int ring_put_unit(struct ring *ring, const struct la_frame *frame)
{
	uint32_t count = la_frame_count(frame);

	if (ring->head - ring->tail + count > RING_SLOTS)
		return -ENOBUFS;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = ring->head++ % RING_SLOTS;

		ring->len[at] = (uint16_t)la_frame_cut(frame, i, ring->slot[at], SLOT_BYTES);
	}
	return 0;
}

static inline int ring_xmit(struct la_device *dev, const struct la_frame *frame)
{
	struct ring *ring = dev->world;
	uint32_t at;
	uint8_t *p;

	if (ring->head == ring->tail)
		ring->head = ring->tail = 0; /* slots that are still in the cache */
	if (frame->gso_size)
		return ring_put_unit(ring, frame);
	if (ring->head - ring->tail == RING_SLOTS)
		return -ENOBUFS;
	at = ring->head++ % RING_SLOTS;
	p = ring->slot[at];
	for (int v = 0; v < frame->iovcnt; p += frame->iov[v++].iov_len)
		memcpy(p, frame->iov[v].iov_base, frame->iov[v].iov_len);
	ring->len[at] = (uint16_t)frame->len;
	return 0;
}

static inline bool pair_carry(struct pair *pair, int from)
{
	struct ring *ring = &pair->out[from];
	bool any = ring->tail != ring->head;

	while (ring->tail != ring->head) {
		uint32_t at = ring->tail % RING_SLOTS;

		la_receive(pair->stack[!from], pair->ifindex[!from], ring->slot[at], ring->len[at], pair->now_ns);
		ring->tail++;
	}
	return any;
}

static inline void pair_pump(struct pair *pair)
{
	while (pair_carry(pair, CLIENT) | pair_carry(pair, SERVER))
		;
}

/* Moves the clock; every timer on the way fires at its own instant. */
static inline void pair_clock(struct pair *pair, uint64_t ns)
{
	uint64_t target = pair->now_ns + ns;

	for (;;) {
		uint64_t c = la_deadline_ns(pair->stack[CLIENT]), s = la_deadline_ns(pair->stack[SERVER]);
		uint64_t next = c < s ? c : s;

		if (next > target)
			break;
		if (next > pair->now_ns)
			pair->now_ns = next;
		la_advance(pair->stack[c <= s ? CLIENT : SERVER], pair->now_ns);
		pair_pump(pair);
	}
	pair->now_ns = target;
}

static inline void pair_sysctl(struct pair *pair, const char *name, const char *value)
{
	for (int i = 0; i < 2; i++)
		must(la_sysctl_set(pair->stack[i], name, value), 0, name);
}

/* The client is 10.0.0.1 and fd00::1:1; the server has @servers addresses from 10.1.0.1 and fd00::2:1 on. */
static inline struct sockaddr_storage pair_addr(int who, int family, unsigned number, uint16_t port)
{
	struct sockaddr_storage addr = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;

	if (family == AF_INET) {
		in->sin_port = htons(port);
		in->sin_addr.s_addr = htonl(0x0a000001 + (who == SERVER ? 0x10000 : 0) + number);
	} else {
		in6->sin6_port = htons(port);
		in6->sin6_addr.s6_addr[0] = 0xfd;
		in6->sin6_addr.s6_addr[13] = (uint8_t)(who + 1);
		in6->sin6_addr.s6_addr[14] = (uint8_t)((number + 1) >> 8);
		in6->sin6_addr.s6_addr[15] = (uint8_t)(number + 1);
	}
	return addr;
}

static inline socklen_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static inline void pair_address(struct pair *pair, int who, int family, unsigned number)
{
	struct sockaddr_storage addr = pair_addr(who, family, number, 0);
	const void *bytes = family == AF_INET ? (void *)&((struct sockaddr_in *)&addr)->sin_addr
					      : (void *)&((struct sockaddr_in6 *)&addr)->sin6_addr;

	must(la_addr_add(pair->stack[who], pair->ifindex[who], family, bytes, family == AF_INET ? 32 : 128), 0,
	     "la_addr_add");
}

/* @servers addresses of the server; @features: enum la_device_feature, of both ends of the wire */
static inline struct pair *pair_new(unsigned servers, uint32_t features)
{
	static const uint8_t any[16];
	struct pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		die("no memory");
	pair->now_ns = 1000000000000ULL;
	for (int i = 0; i < 2; i++) {
		la_env_seeded_init(&pair->env[i], (uint64_t)i + 1);
		pair->stack[i] = la_stack_new(&pair->env[i].env, pair->now_ns);
		pair->out[i].slot = calloc(RING_SLOTS, SLOT_BYTES);
		if (!pair->stack[i] || !pair->out[i].slot)
			die("no memory");
		pair->dev[i] = (struct la_device){.name = "memory",
						  .mtu = MTU,
						  .features = features,
						  .xmit = ring_xmit,
						  .world = &pair->out[i]};
		pair->ifindex[i] = (int)must_not_fail(la_device_add(pair->stack[i], &pair->dev[i]), "la_device_add");
		pair->task[i] = la_task_new(pair->stack[i]);
		must(la_route_add(pair->stack[i], pair->ifindex[i], AF_INET, any, 0), 0, "la_route_add");
		must(la_route_add(pair->stack[i], pair->ifindex[i], AF_INET6, any, 0), 0, "la_route_add");
	}
	pair_address(pair, CLIENT, AF_INET, 0);
	pair_address(pair, CLIENT, AF_INET6, 0);
	for (unsigned n = 0; n < servers; n++) {
		pair_address(pair, SERVER, AF_INET, n);
		pair_address(pair, SERVER, AF_INET6, n);
	}
	return pair;
}

static inline void pair_free(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		la_stack_free(pair->stack[i]);
		free(pair->out[i].slot);
	}
	free(pair);
}

static inline int pair_listen(struct pair *pair, int family, uint16_t port, int backlog)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	struct la_task *task = pair->task[SERVER];
	int fd;

	((struct sockaddr_in *)&any)->sin_port = htons(port); /* the same place in both families */
	fd = (int)must_not_fail(la_socket(task, family, SOCK_STREAM, 0, pair->now_ns), "socket");
	must(la_bind(task, fd, (struct sockaddr *)&any, addr_len(&any), pair->now_ns), 0, "bind");
	must(la_listen(task, fd, backlog, pair->now_ns), 0, "listen");
	return fd;
}

static inline int pair_connect(struct pair *pair, const struct sockaddr_storage *to)
{
	int fd = (int)must_not_fail(la_socket(pair->task[CLIENT], to->ss_family, SOCK_STREAM, 0, pair->now_ns),
				    "socket");
	int result = la_connect(pair->task[CLIENT], fd, (const struct sockaddr *)to, addr_len(to), pair->now_ns);

	if (result && result != -EINPROGRESS)
		die("connect: %s", strerror(-result));
	return fd;
}

static inline uint64_t pair_counter(struct pair *pair, int who, const char *name)
{
	uint64_t value;

	must(la_counter(pair->stack[who], name, &value), 0, name);
	return value;
}

static inline double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What the figures were measured on. */
static inline void print_machine(void)
{
	char line[256], commit[64] = "unknown";
	FILE *file = popen("git describe --always --dirty 2>/dev/null", "r");

	if (file) {
		if (fgets(line, sizeof(line), file))
			snprintf(commit, sizeof(commit), "%.*s", (int)strcspn(line, "\n"), line);
		pclose(file);
	}
	printf("commit %s", commit);
	file = fopen("/proc/cpuinfo", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "model name", 10)) {
			printf(", %.*s", (int)strcspn(strchr(line, ':') + 2, "\n"), strchr(line, ':') + 2);
			break;
		}
	}
	if (file)
		fclose(file);
	printf("\n\n");
}

#endif
