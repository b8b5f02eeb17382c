// SPDX-License-Identifier: MIT
/*
 * scenario/mixed_world.c - prints all that happens in a long mixed run, for tools/twice to compare
 *
 * Four hosts around a server on bad wires, over both families. Processes fork, dup, exec, pass descriptors and die; connections
 * are opened, refused, crossed, half-closed, reset, lingered over and forgotten; listeners close with connections half-open and
 * un-accepted; epoll sets and polls watch. What is done next comes from the world's seed, so every order that is seen must come
 * from the stacks' histories, none from an address. busy_world.c is the same for one server's plain day.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "lab/invariants.h"
#include "lab/wire.h"

enum { HOSTS = 4, TASKS = 3, FDS = 64, ROUNDS = 1500, PORTS = 6 };

/**
 * struct party - a host and its tasks
 * @fds: numbers that its tasks may have open; nobody keeps account, EBADF is an answer like any other
 */
struct party {
	struct lab_host *host;
	struct lab_thread tasks[TASKS];
	struct lab_wire *wire; /* to the server */
	bool is_server;
};

static struct lab_world *world;
static struct lab_invariants invariants;
static struct party parties[HOSTS + 1];
static uint64_t chance;
static char junk[70000];

static uint64_t below(uint64_t limit)
{
	return lab_random(&chance) % limit;
}

/* ------------------------------------------------------------------ printing */

static void print_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	(void)obs;
	printf("%" PRIu64 " %s sock %" PRIu64 " kind %d %u -> %u port %u %u %s %s %s\n", event->now_ns, host->name, event->id,
	       (int)event->kind, event->oldstate, event->newstate, event->sport, event->dport, event->name, event->cause,
	       event->counter);
}

static void print_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from, const struct lab_frame *frame,
		       enum lab_fate fate)
{
	uint64_t hash = 0;

	(void)obs;
	for (size_t i = 0; i < frame->len; i++)
		hash = hash * 1099511628211ULL + frame->bytes[i];
	printf("%" PRIu64 " wire %u.%d %zu bytes %016" PRIx64 " %d\n", world->now_ns, wire->number, from, frame->len, hash, fate);
}

/* A call is left to itself; what it says is printed when it ends. */
struct noted {
	struct lab_call *call;
	const char *what;
	int who, task, fd;
	struct epoll_event events[4];
	struct pollfd pfd[3];
};

static struct noted noted[20000];
static size_t nr_noted;

static struct noted *note(int who, int task, const char *what, int fd)
{
	struct noted *n = &noted[nr_noted++];

	n->who = who;
	n->task = task;
	n->what = what;
	n->fd = fd;
	return n;
}

static void print_ended(void)
{
	for (size_t i = 0; i < nr_noted; i++) {
		struct noted *n = &noted[i];

		if (!n->call || n->call->pending)
			continue;
		printf("%" PRIu64 " party %d.%d %s(%d) = %" PRId64 " signal %d at %" PRIu64, world->now_ns, n->who, n->task, n->what,
		       n->fd, n->call->result, n->call->op.signal, n->call->ended_ns);
		if (!strcmp(n->what, "epoll_wait"))
			for (int64_t k = 0; k < n->call->result; k++)
				printf(" %d:%x", n->events[k].data.fd, n->events[k].events);
		if (!strcmp(n->what, "poll"))
			for (int k = 0; k < 3; k++)
				printf(" %d:%x", n->pfd[k].fd, n->pfd[k].revents);
		printf("\n");
		n->call = NULL;
	}
}

/* ------------------------------------------------------------------ what may be done */

#define DO(what, fd, ...)									\
	do {											\
		struct noted *n_ = note(who, task, #what, fd);					\
		n_->call = LAB_START(&p->tasks[task], what, fd, ##__VA_ARGS__);			\
	} while (0)

static void opens(struct party *p, int who, int task)
{
	int family = below(2) ? AF_INET : AF_INET6, one = 1;
	int fd = (int)LAB_TRY(&p->tasks[task], socket, family, SOCK_STREAM | (below(2) ? SOCK_NONBLOCK : 0), 0);
	uint16_t port = (uint16_t)(80 + below(PORTS));
	static struct sockaddr_storage addrs[4000];
	static size_t used;
	struct sockaddr_storage *addr = &addrs[used++ % 4000];
	socklen_t len;

	printf("party %d.%d socket %d\n", who, task, fd);
	if (fd < 0)
		return;
	if (p->is_server && below(3)) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

		*in6 = (struct sockaddr_in6){ .sin6_family = (sa_family_t)family, .sin6_port = htons(port) };
		LAB_TRY(&p->tasks[task], setsockopt, fd, SOL_SOCKET, below(2) ? SO_REUSEADDR : SO_REUSEPORT, &one, sizeof(one));
		DO(bind, fd, (struct sockaddr *)addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(*in6));
		DO(listen, fd, (int)below(6));
		return;
	}
	if (p->is_server)
		len = lab_wire_addr(parties[1 + below(HOSTS)].wire, LAB_A, family, port, addr);
	else
		len = lab_wire_addr(p->wire, LAB_B, family, port, addr);
	DO(connect, fd, (struct sockaddr *)addr, len);
}

static void closes(struct party *p, int who, int task, int fd)
{
	struct linger linger = { 1, (int)below(3) };

	if (below(4) == 0)
		LAB_TRY(&p->tasks[task], setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (below(4) == 0)
		DO(shutdown, fd, (int)below(3));
	else
		DO(close, fd);
}

static void watches(struct party *p, int who, int task, int fd)
{
	static struct epoll_event events[4000];
	static size_t used;
	struct epoll_event *event = &events[used++ % 4000];
	struct noted *n;

	*event = (struct epoll_event){ .events = EPOLLIN | EPOLLRDHUP | (below(2) ? EPOLLET : 0) | (below(4) ? 0 : EPOLLONESHOT),
				       .data.fd = fd };
	switch (below(4)) {
	case 0:
		printf("party %d.%d epoll_create1 %d\n", who, task, (int)LAB_TRY(&p->tasks[task], epoll_create1, 0));
		return;
	case 1:
		DO(epoll_ctl, (int)below(FDS), 1 + (int)below(3), fd, event);
		return;
	case 2:
		n = note(who, task, "epoll_wait", fd);
		n->call = LAB_START(&p->tasks[task], epoll_wait, fd, n->events, 4, (int)below(500));
		return;
	default:
		n = note(who, task, "poll", fd);
		for (int i = 0; i < 3; i++)
			n->pfd[i] = (struct pollfd){ .fd = (int)below(FDS), .events = POLLIN | POLLOUT | POLLRDHUP };
		n->call = LAB_START(&p->tasks[task], poll, n->pfd, 3, (int)below(500));
	}
}

static void shares(struct party *p, int who, int task, int fd)
{
	struct la_file *flight;
	int other = (int)below(TASKS);

	switch (below(6)) {
	case 0:
		DO(dup, fd);
		return;
	case 1:
		DO(dup2, fd, (int)below(FDS));
		return;
	case 2:
		if (other == task)
			return;
		lab_exit(&p->tasks[other]);
		p->tasks[other] = below(2) ? lab_fork(&p->tasks[task]) : lab_thread_of(&p->tasks[task]);
		printf("party %d.%d is new\n", who, other);
		return;
	case 3:
		flight = la_file_get(p->tasks[task].task, fd);
		if (!flight)
			return;
		if (below(3))
			printf("lands as %d\n", la_file_install(p->tasks[other].task, flight, 0));
		else
			la_file_put(p->host->stack, flight, world->now_ns);
		return;
	case 4:
		DO(fcntl, fd, F_SETFD, FD_CLOEXEC);
		return;
	default:
		printf("exec %d\n", la_task_exec(p->tasks[task].task, world->now_ns));
	}
}

static void talks(struct party *p, int who, int task, int fd)
{
	if (below(2))
		DO(send, fd, junk, 1 + below(below(5) ? 3000 : sizeof(junk) - 1), below(2) ? MSG_DONTWAIT : 0);
	else
		DO(recv, fd, junk, 1 + below(sizeof(junk) - 1), below(2) ? MSG_DONTWAIT : 0);
}

static void act(void)
{
	int who = (int)below(HOSTS + 1), task = (int)below(TASKS), fd = (int)below(FDS);
	struct party *p = &parties[who];

	if (below(2))
		fd = (int)below(12); /* low numbers are open more often */
	switch (below(12)) {
	case 0:
	case 1:
	case 2:
		opens(p, who, task);
		break;
	case 3:
	case 4:
		DO(accept4, fd, NULL, NULL, below(2) ? SOCK_NONBLOCK : 0);
		break;
	case 5:
		closes(p, who, task, fd);
		break;
	case 6:
		watches(p, who, task, fd);
		break;
	case 7:
		shares(p, who, task, fd);
		break;
	case 8:
		if (nr_noted) {
			struct noted *n = &noted[below(nr_noted)];

			if (n->call && n->call->pending)
				lab_interrupt(n->call);
		}
		break;
	default:
		talks(p, who, task, fd);
	}
}

/* ------------------------------------------------------------------ the world */

static void begin(void)
{
	struct lab_weather bad = { .delay_ns = 3 * LAB_MS, .loss_ppm = 40000, .reorder_ppm = 40000, .reorder_ns = 2 * LAB_MS,
				   .dup_ppm = 20000, .corrupt_ppm = 5000 };
	static char names[HOSTS + 1][8];

	for (int i = 0; i <= HOSTS; i++) {
		struct party *p = &parties[i];

		snprintf(names[i], sizeof(names[i]), i ? "host%d" : "server", i);
		p->host = lab_host_new(world, names[i]);
		p->is_server = !i;
		for (int k = 0; k < TASKS; k++)
			p->tasks[k] = k == 1 ? lab_thread_of(&p->tasks[0]) : lab_process(p->host);
		if (!i)
			continue;
		p->wire = lab_wire_new(world, p->host, parties[0].host, i == 2 ? 1280 : 1500);
		lab_wire_weather(p->wire, LAB_BOTH, &bad);
	}
}

static bool print_sock(void *arg, const struct la_sock_info *info)
{
	(void)arg;
	printf("  state %u ports %u %u queues %u %u orphan %d\n", info->state, info->sport, info->dport, info->recv_q, info->send_q,
	       info->orphan);
	return true;
}

static void print_world(void)
{
	const char *wrong = lab_invariants_check(&invariants);
	const char *name;
	uint64_t value;

	printf("check: %s\n", wrong ? wrong : "well");
	for (int i = 0; i <= HOSTS; i++) {
		printf("%s:\n", parties[i].host->name);
		la_socks(parties[i].host->stack, print_sock, NULL);
		for (size_t k = 0; la_counter_at(parties[i].host->stack, k, &name, &value); k++)
			if (value)
				printf("  %s %" PRIu64 "\n", name, value);
	}
}

/* `twice-mixed_world [seed]` */
int main(int argc, char **argv)
{
	struct lab_observer observer = { .trace = print_trace, .sent = print_sent };
	const char *broken;

	world = lab_world_new(argc > 1 ? strtoull(argv[1], NULL, 0) : 4711);
	chance = lab_stream(world->seed, 50, 0);
	lab_world_observe(world, &observer);
	lab_invariants_watch(&invariants, world);
	begin();
	for (int round = 0; round < ROUNDS; round++) {
		for (uint64_t n = 1 + below(8); n; n--)
			act();
		lab_run_for(world, below(20) * LAB_MS);
		print_ended();
		if (round % 300 == 299)
			print_world();
		if (round % 500 == 499)
			lab_wire_cut(parties[1 + below(HOSTS)].wire, LAB_BOTH, below(2));
	}
	for (int i = 0; i <= HOSTS; i++)
		for (int k = 0; k < TASKS; k++)
			lab_exit(&parties[i].tasks[k]);
	for (int i = 1; i <= HOSTS; i++)
		lab_wire_cut(parties[i].wire, LAB_BOTH, false);
	printf("at rest %d\n", lab_run_idle(world, LAB_PATIENCE_NS));
	print_ended();
	print_world();
	broken = lab_invariants_rest(&invariants);
	printf("invariants: %s\n", broken ? broken : "well");
	printf("leaked %" PRIu64 "\n", lab_world_free(world));
	lab_invariants_free(&invariants);
	return broken != NULL;
}
