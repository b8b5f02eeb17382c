// SPDX-License-Identifier: MIT
/*
 * sim/life.c - one world of random lives
 *
 * In:   a seed.
 * Here: two hosts, each with two threads of one process and a forked one. Each turn one of them does one thing of acts[] on one
 *       of its descriptors; calls may stay pending, and what is pending may be interrupted. The sock behind a descriptor
 *       (SO_COOKIE) leads to its struct end, whoever holds it under whatever number.
 *       What an end sends begins with its number, and each byte behind says its place: so the reader knows whom it hears and
 *       what must come next, over dup, fork, exec, descriptors in flight, ports used again, and bits flipped on the way. A byte
 *       that an urgent pointer points at may be left out: a reader that has not got that far yet loses another than the one
 *       that was sent as urgent where the pointer is wrong (docs/LINUX.md). In some worlds memory is refused now and then.
 * Out:  what was counted, or the first thing that did not hold.
 */
#include "life.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/ladder.h"
#include "lab/wire.h"

enum {
	LIVES = 8,
	TURNS = 260,
	TASKS = 3,
	ENDS = 96,
	FDS = 24,
	PIECE = 30000,
	PORT = 80,
	URGENT = 8,
	FLIGHT = 4,
	FAR = 1 << 17
};
enum { SERVER, CLIENT };
enum { STREAM_LIFE = 60 };

/**
 * struct end - one sock of one host, from its first sight
 * @speaker: the end whose bytes arrive here; -1 before the first
 * @sent:    bytes that send() has taken, without those of a send() that is pending
 * @urgent:  the places of those that were sent with MSG_OOB
 * @over:    an error was told, or the program gave up: the end of file need not be the peer's
 */
struct end {
	int host;
	uint64_t id;
	int speaker;
	uint64_t sent, got;
	uint64_t urgent[URGENT];
	int nr_urgent;
	unsigned sending, receiving;
	bool over;
};

/* A call that was begun, and what its result must be compared with. */
struct act {
	struct lab_call *call;
	struct act *next;
	struct end *end;
	enum { ACT_OTHER, ACT_SEND, ACT_RECV, ACT_PEEK, ACT_OOB, ACT_EPOLL } kind;
	struct sockaddr_storage addr;
	struct pollfd pfd;
	struct epoll_event events[3];
	socklen_t len;
	size_t size;
	uint8_t bytes[];
};

struct party {
	struct lab_host *host;
	struct lab_thread tasks[TASKS];
	struct la_file *flight[FLIGHT]; /* NULL: none */
	int listener, epfd;		/* -1: closed, none yet */
};

struct life {
	struct lab_world *world;
	struct lab_wire *wire;
	struct lab_invariants inv;
	struct lab_observer observer;
	struct lab_ladder ladder;
	struct party parties[2];
	struct lab_flows flows;
	uint8_t pointed_at[2][FAR / 8]; /* a bit a place in what a host sends, of all its connections */
	struct end ends[ENDS];
	int nr_ends;
	struct act *acts;
	struct life_tally *tally;
	uint64_t chance;
	int family; /* AF_INET, AF_INET6 or LAB_MAPPED */
	char why[400];
	bool show, short_of_memory;
	bool in_order; /* the wire neither loses nor reorders */
};

static uint64_t below(struct life *l, uint64_t limit)
{
	return lab_random(&l->chance) % limit;
}

__attribute__((format(printf, 2, 3))) static void wrong(struct life *l, const char *format, ...)
{
	va_list args;

	if (l->why[0])
		return;
	va_start(args, format);
	vsnprintf(l->why, sizeof(l->why), format, args);
	va_end(args);
}

/* ------------------------------------------------------------------ who is meant */

static struct end *end_of(struct life *l, int host, uint64_t id)
{
	for (int i = 0; i < l->nr_ends; i++) {
		if (l->ends[i].host == host && l->ends[i].id == id)
			return &l->ends[i];
	}
	if (l->nr_ends == ENDS)
		return NULL;
	l->ends[l->nr_ends] = (struct end){.host = host, .id = id, .speaker = -1};
	return &l->ends[l->nr_ends++];
}

static struct end *end_of_fd(struct life *l, int who, int task, int fd)
{
	struct la_task *la_task = l->parties[who].tasks[task].task;
	uint64_t id;
	socklen_t len = sizeof(id);

	if (!la_task || la_getsockopt(la_task, fd, SOL_SOCKET, SO_COOKIE, &id, &len, l->world->now_ns))
		return NULL;
	return end_of(l, who, id);
}

/* ------------------------------------------------------------------ bytes that say who and where */

static uint8_t byte_at(int speaker, uint64_t place)
{
	if (!place)
		return (uint8_t)speaker;
	return (uint8_t)((place ^ place >> 8 ^ place >> 16) * 167 + (unsigned)speaker * 101);
}

static void fill(struct life *l, struct act *act)
{
	for (size_t i = 0; i < act->size; i++)
		act->bytes[i] = byte_at((int)(act->end - l->ends), act->end->sent + i);
}

/* Where is the byte, counted from the one behind the SYN, that the frame calls urgent? */
static void note_pointer(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from,
			 const struct lab_frame *frame, enum lab_fate fate)
{
	struct life *l = lab_container_of(obs, struct life, observer);
	struct lab_segment seg;
	uint32_t isn, place;

	(void)fate;
	if (!lab_segment_read(&seg, frame->bytes, frame->len) || seg.protocol != IPPROTO_TCP)
		return;
	if (seg.flags & LAB_SYN)
		lab_flows_set(&l->flows, &seg, seg.seq);
	if (!(seg.flags & LAB_URG) || !lab_flows_isn(&l->flows, &seg, false, &isn))
		return;
	place = seg.seq + seg.urgent - 1 - (isn + 1);
	if (place < FAR)
		l->pointed_at[wire->port[from].host == l->parties[CLIENT].host][place / 8] |=
			(uint8_t)(1u << place % 8);
}

static bool may_be_left_out(const struct life *l, const struct end *speaker, uint64_t place)
{
	return place < FAR && l->pointed_at[speaker->host][place / 8] >> place % 8 & 1;
}

/* The place behind the @count bytes that were read. */
static uint64_t compare(struct life *l, struct act *act, uint64_t count)
{
	struct end *end = act->end;
	uint64_t place = end->got;

	if (count && end->speaker < 0 && !end->got) {
		end->speaker = act->bytes[0];
		if (end->speaker >= l->nr_ends || l->ends[end->speaker].host == end->host)
			wrong(l, "the first byte says that end %d speaks", end->speaker);
	}
	for (uint64_t i = 0; i < count && !l->why[0]; i++, place++) {
		while (act->bytes[i] != byte_at(end->speaker, place) &&
		       may_be_left_out(l, &l->ends[end->speaker], place))
			place++;
		if (act->bytes[i] != byte_at(end->speaker, place))
			wrong(l, "byte %llu of end %d is not what was sent", (unsigned long long)place, end->speaker);
	}
	l->tally->bytes += count;
	return place;
}

/* Behind a hole Linux takes a byte of the header for one that is missing (tcp_urg()). */
static void compare_urgent(struct life *l, const struct act *act)
{
	int speaker = act->end->speaker;

	l->tally->urgent++;
	if (speaker < 0 || !l->in_order || l->short_of_memory)
		return;
	for (int i = 0; i < l->ends[speaker].nr_urgent; i++) {
		if (act->bytes[0] == byte_at(speaker, l->ends[speaker].urgent[i]))
			return;
	}
	wrong(l, "an urgent byte that end %d has not sent", speaker);
}

static void at_end_of_file(struct life *l, const struct end *end)
{
	const struct end *speaker;
	uint64_t got = end->got;

	if (end->over || end->speaker < 0)
		return;
	speaker = &l->ends[end->speaker];
	while (got < speaker->sent && may_be_left_out(l, speaker, got))
		got++;
	if (got != speaker->sent)
		wrong(l, "end of file after %llu bytes of %llu", (unsigned long long)got,
		      (unsigned long long)speaker->sent);
}

/* Each event has with it what was asked for. */
static void look_at_events(struct life *l, const struct act *act, int64_t count)
{
	for (int64_t i = 0; i < count; i++) {
		uint32_t asked = (uint32_t)act->events[i].data.u64;

		l->tally->events++;
		if (!act->events[i].events || act->events[i].events & ~(asked | EPOLLERR | EPOLLHUP))
			wrong(l, "epoll_wait() tells of %#x where %#x was asked for", act->events[i].events, asked);
	}
}

/* ------------------------------------------------------------------ calls */

static void tell(struct life *l, const struct lab_call *call)
{
	enum lab_end end = call->thread.host == l->parties[CLIENT].host ? LAB_A : LAB_B;
	char text[80];

	snprintf(text, sizeof(text), "%s(%d, %d, %zu) = %lld", call->what.name, call->what.fd, call->what.args[0],
		 call->what.len, (long long)call->result);
	lab_ladder_say(&l->ladder, l->world->now_ns, end, text);
}

static void returned(struct lab_observer *obs, struct lab_call *call)
{
	struct life *l = lab_container_of(obs, struct life, observer);
	struct act *act = call->user;
	struct end *end = act ? act->end : NULL;
	int64_t n = call->result;

	if (l->show)
		tell(l, call);
	if (act && act->kind == ACT_EPOLL)
		look_at_events(l, act, n);
	if (!end)
		return;
	if (n < 0 && act->kind != ACT_OOB && n != -EAGAIN && n != -EINTR && n != -EALREADY && n != -EINPROGRESS)
		end->over = true;
	switch (act->kind) {
	case ACT_SEND:
		end->sending--;
		end->sent += n > 0 ? (uint64_t)n : 0;
		break;
	case ACT_RECV:
		end->receiving--;
		if (n > 0)
			end->got = compare(l, act, (uint64_t)n);
		if (!n && act->size)
			at_end_of_file(l, end);
		break;
	case ACT_PEEK:
		if (n > 0 && !end->receiving)
			compare(l, act, (uint64_t)n);
		break;
	case ACT_OOB:
		if (n > 0)
			compare_urgent(l, act);
		break;
	case ACT_EPOLL:
	case ACT_OTHER:
		break;
	}
}

static struct act *act_new(struct life *l, struct party *p, struct end *end, size_t size)
{
	struct act *act = lab_zalloc(sizeof(*act) + size);

	act->call = lab_call_new(p->host);
	act->call->user = act;
	act->end = end;
	act->size = size;
	act->len = sizeof(act->addr);
	act->next = l->acts;
	l->acts = act;
	return act;
}

/* Begins it and leaves it to itself. */
#define BEGIN(act, what, ...) \
	do { \
		la_prep_##what(&(act)->call->op, __VA_ARGS__); \
		l->tally->calls++; \
		lab_submit(&l->parties[who].tasks[task], (act)->call); \
	} while (0)

static int set(struct life *l, int who, int task, int fd, int level, int name, const void *value, socklen_t len)
{
	return la_setsockopt(l->parties[who].tasks[task].task, fd, level, name, value, len, l->world->now_ns);
}

static int new_socket(struct life *l, int who, int task, uint16_t port, bool nonblock)
{
	int domain = l->family == AF_INET ? AF_INET : AF_INET6, one = 1;
	struct sockaddr_in6 any = {.sin6_family = (sa_family_t)domain,
				   .sin6_port = htons(port)}; /* the port has one place */
	struct la_task *la_task = l->parties[who].tasks[task].task;
	int fd = la_socket(la_task, domain, SOCK_STREAM | (nonblock ? SOCK_NONBLOCK : 0), 0, l->world->now_ns);

	if (fd < 0 || !port)
		return fd;
	set(l, who, task, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!la_bind(la_task, fd, (struct sockaddr *)&any, sizeof(any), l->world->now_ns))
		return fd;
	la_close(la_task, fd, l->world->now_ns);
	return -1;
}

static void connects_to(struct life *l, int who, int task, uint16_t port, uint16_t to)
{
	int fd = new_socket(l, who, task, port, below(l, 2));
	struct act *act;

	if (fd < 0)
		return;
	act = act_new(l, &l->parties[who], end_of_fd(l, who, task, fd), 0);
	act->len = lab_wire_addr(l->wire, who == CLIENT ? LAB_B : LAB_A, l->family, to, &act->addr);
	if (act->end && below(l, 4) == 0) { /* a small buffer, from the beginning */
		int small = 2000 + (int)below(l, 6000);

		set(l, who, task, fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
	BEGIN(act, connect, fd, (struct sockaddr *)&act->addr, act->len);
}

/* There are always the first two. */
static int some_task(struct life *l, int who, int task)
{
	return l->parties[who].tasks[task].task ? task : 0;
}

/* A new life: from a port of its own, one that the stack chooses, or one that was used before. Some cross. */
static void do_connect(struct life *l, int who, int task, int fd)
{
	uint16_t number = (uint16_t)l->tally->lives, port = 0;

	(void)fd;
	if (l->tally->lives == LIVES || l->nr_ends > ENDS - 8)
		return;
	l->tally->lives++;
	if (below(l, 3))
		port = (uint16_t)(20000 + (below(l, 4) ? number : below(l, number + 1u)));
	if (below(l, 6) == 0) {
		connects_to(l, CLIENT, some_task(l, CLIENT, task), (uint16_t)(20000 + number),
			    (uint16_t)(30000 + number));
		connects_to(l, SERVER, some_task(l, SERVER, task), (uint16_t)(30000 + number),
			    (uint16_t)(20000 + number));
		return;
	}
	connects_to(l, CLIENT, some_task(l, CLIENT, task), port, PORT);
	(void)who;
}

static void do_accept(struct life *l, int who, int task, int fd)
{
	struct act *act = act_new(l, &l->parties[who], NULL, 0);

	BEGIN(act, accept4, who == SERVER && below(l, 5) ? l->parties[SERVER].listener : fd,
	      (struct sockaddr *)&act->addr, &act->len, below(l, 2) ? SOCK_NONBLOCK : 0);
}

static void do_send(struct life *l, int who, int task, int fd)
{
	struct end *end = end_of_fd(l, who, task, fd);
	struct act *act;

	if (!end || end->sending)
		return; /* of two at once nobody knows which bytes come first */
	act = act_new(l, &l->parties[who], end, 1 + below(l, below(l, 4) ? 3000 : PIECE));
	act->kind = ACT_SEND;
	end->sending++;
	fill(l, act);
	BEGIN(act, send, fd, act->bytes, act->size,
	      (below(l, 2) ? MSG_DONTWAIT : 0) | (below(l, 8) ? 0 : MSG_MORE) | MSG_NOSIGNAL);
}

/* One byte, of which the place is known; not where neighbours look alike, nor farther than 16 bits of pointer reach. */
static void do_send_urgent(struct life *l, int who, int task, int fd)
{
	struct end *end = end_of_fd(l, who, task, fd);
	struct act *act;

	if (!end || end->sending || !end->sent || end->sent > 60000 || end->nr_urgent == URGENT ||
	    (end->sent & 0xff) >= 0xf0)
		return;
	act = act_new(l, &l->parties[who], end, 1);
	act->kind = ACT_SEND;
	end->sending++;
	end->urgent[end->nr_urgent++] = end->sent;
	fill(l, act);
	BEGIN(act, send, fd, act->bytes, 1, MSG_OOB | MSG_NOSIGNAL | (below(l, 2) ? MSG_DONTWAIT : 0));
}

static void do_recv_urgent(struct life *l, int who, int task, int fd)
{
	struct end *end = end_of_fd(l, who, task, fd);
	struct act *act;

	if (!end)
		return;
	act = act_new(l, &l->parties[who], end, 1);
	act->kind = ACT_OOB;
	BEGIN(act, recv, fd, act->bytes, 1, MSG_OOB | (below(l, 4) ? 0 : MSG_PEEK));
}

/* SO_RCVLOWAT, set or inherited: of two recv() at once nobody knows which took what first. */
static bool waits_for_more(struct life *l, int who, int task, int fd)
{
	int lowat = 0;
	socklen_t len = sizeof(lowat);

	la_getsockopt(l->parties[who].tasks[task].task, fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len, l->world->now_ns);
	return lowat > 1;
}

static void do_recv(struct life *l, int who, int task, int fd)
{
	struct end *end = end_of_fd(l, who, task, fd);
	bool peek =
		below(l, 10) == 0; /* one that waits while another reads begins anew and repeats itself, as on Linux */
	int flags = (below(l, 3) || peek ? MSG_DONTWAIT : 0) | (peek ? MSG_PEEK : 0);
	struct act *act;

	if (!end || (end->receiving && waits_for_more(l, who, task, fd)))
		return;
	act = act_new(l, &l->parties[who], end, 1 + below(l, below(l, 4) ? 3000 : PIECE));
	act->kind = peek ? ACT_PEEK : ACT_RECV;
	end->receiving += !peek;
	BEGIN(act, recv, fd, act->bytes, act->size, flags);
}

static void do_shutdown(struct life *l, int who, int task, int fd)
{
	int how = below(l, 2) ? SHUT_WR : (int)below(l, 3);
	struct end *end = end_of_fd(l, who, task, fd);
	struct act *act;

	if (!end)
		return;
	end->over |= how != SHUT_WR;
	act = act_new(l, &l->parties[who], NULL, 0);
	BEGIN(act, shutdown, fd, how);
}

static void do_close(struct life *l, int who, int task, int fd)
{
	struct act *act = act_new(l, &l->parties[who], NULL, 0);

	BEGIN(act, close, fd);
}

static void do_listen(struct life *l, int who, int task, int fd)
{
	struct party *server = &l->parties[SERVER];

	(void)who;
	(void)fd;
	task = some_task(l, SERVER, task);
	if (server->listener >= 0 && below(l, 3)) {
		(below(l, 2) ? do_close : do_shutdown)(l, SERVER, task, server->listener);
		server->listener = -1; /* if a dup2() has given the number to another file by now, that one suffers */
		return;
	}
	server->listener = new_socket(l, SERVER, task, PORT, below(l, 2));
	if (server->listener >= 0)
		la_listen(server->tasks[task].task, server->listener, (int)below(l, 6), l->world->now_ns);
}

static void do_linger(struct life *l, int who, int task, int fd)
{
	struct linger linger = {1, below(l, 2) ? 0 : (int)below(l, 100)};

	if (set(l, who, task, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return;
	if (below(l, 2))
		do_close(l, who, task, fd);
}

static void do_option(struct life *l, int who, int task, int fd)
{
	static const struct {
		int level, name, most;
	} options[] = {
		{SOL_TCP, TCP_NODELAY, 2},	{SOL_TCP, TCP_CORK, 2},		 {SOL_SOCKET, SO_KEEPALIVE, 2},
		{SOL_TCP, TCP_KEEPIDLE, 30},	{SOL_TCP, TCP_KEEPINTVL, 20},	 {SOL_SOCKET, SO_RCVBUF, 20000},
		{SOL_SOCKET, SO_SNDBUF, 20000}, {SOL_SOCKET, SO_RCVLOWAT, 3000}, {SOL_SOCKET, SO_OOBINLINE, 2},
	};
	size_t i = below(l, sizeof(options) / sizeof(options[0]));
	int value = (int)below(l, (uint64_t)options[i].most);
	struct end *end = end_of_fd(l, who, task, fd);

	if (!end || (options[i].name == SO_RCVLOWAT && end->receiving))
		return;
	set(l, who, task, fd, options[i].level, options[i].name, &value, sizeof(value));
}

static void do_error(struct life *l, int who, int task, int fd)
{
	struct end *end = end_of_fd(l, who, task, fd);
	int err = 0;
	socklen_t len = sizeof(err);

	if (!end ||
	    la_getsockopt(l->parties[who].tasks[task].task, fd, SOL_SOCKET, SO_ERROR, &err, &len, l->world->now_ns))
		return;
	end->over |= err;
}

static void do_poll(struct life *l, int who, int task, int fd)
{
	struct act *act = act_new(l, &l->parties[who], NULL, 0);

	act->pfd = (struct pollfd){.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};
	BEGIN(act, poll, &act->pfd, 1, (int)below(l, 2000));
}

/* A set, what is in it, or who waits for it. */
static void do_epoll(struct life *l, int who, int task, int fd)
{
	static const uint32_t hows[] = {EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
	static const uint32_t flags[] = {0, 0, EPOLLET, EPOLLONESHOT};
	struct party *p = &l->parties[who];
	struct act *act;

	if (p->epfd < 0 || below(l, 20) == 0)
		p->epfd = la_epoll_create1(p->tasks[task].task, 0, l->world->now_ns);
	act = act_new(l, p, NULL, 0);
	if (below(l, 2)) {
		act->kind = ACT_EPOLL;
		BEGIN(act, epoll_wait, p->epfd, act->events, 3, below(l, 2) ? 0 : (int)below(l, 2000));
		return;
	}
	act->events[0].events = (uint32_t)below(l, 8) | flags[below(l, 4)] | (below(l, 2) ? EPOLLRDHUP : 0);
	act->events[0].data.u64 = act->events[0].events;
	BEGIN(act, epoll_ctl, p->epfd, (int)hows[below(l, 5)], fd, &act->events[0]);
}

/* A descriptor leaves in a message that nobody has received yet; or one arrives, or is destroyed unread. */
static void do_flight(struct life *l, int who, int task, int fd)
{
	struct party *p = &l->parties[who];
	struct la_file **flight = &p->flight[below(l, FLIGHT)];

	if (!*flight) {
		*flight = la_file_get(p->tasks[task].task, fd);
		return;
	}
	l->tally->flights++;
	if (below(l, 2))
		la_file_install(p->tasks[task].task, *flight, below(l, 2) ? O_CLOEXEC : 0);
	else
		la_file_put(p->host->stack, *flight, l->world->now_ns);
	*flight = NULL;
}

static void do_dup(struct life *l, int who, int task, int fd)
{
	struct act *act = act_new(l, &l->parties[who], NULL, 0);

	if (below(l, 2))
		BEGIN(act, dup, fd);
	else
		BEGIN(act, dup2, fd, (int)below(l, FDS));
}

/* The third task of a host is now and then a copy of one of the others; whoever it was before has exited. */
static void do_fork(struct life *l, int who, int task, int fd)
{
	struct party *p = &l->parties[who];

	(void)fd;
	if (task == TASKS - 1)
		return;
	lab_exit(&p->tasks[TASKS - 1]);
	p->tasks[TASKS - 1] = below(l, 3) ? lab_fork(&p->tasks[task]) : lab_process(p->host);
}

static void do_signal(struct life *l, int who, int task, int fd)
{
	(void)who;
	(void)task;
	(void)fd;
	for (struct act *act = l->acts; act; act = act->next) {
		if (act->call->pending && below(l, 3) == 0) {
			lab_interrupt(act->call);
			return;
		}
	}
}

static void do_disconnect(struct life *l, int who, int task, int fd)
{
	struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	struct end *end = end_of_fd(l, who, task, fd);
	struct act *act;

	if (!end || below(l, 3))
		return;
	end->over = true;
	act = act_new(l, &l->parties[who], NULL, 0);
	memcpy(&act->addr, &unspec, sizeof(unspec));
	BEGIN(act, connect, fd, (struct sockaddr *)&act->addr, sizeof(unspec));
}

/* From now on, in a while, or not any more; what was refused so far stays known. */
static void do_refuse(struct life *l, int who, int task, int fd)
{
	struct lab_host *host = l->parties[who].host;
	struct lab_refusal *refusal = below(l, 4) ? &host->objects : &host->blocks;
	uint64_t refused = refusal->refused;

	(void)task;
	(void)fd;
	if (!l->short_of_memory)
		return;
	lab_refuse(refusal, below(l, 3) ? 1 + below(l, 40) : 0, below(l, 4) == 0);
	refusal->refused = refused;
}

static void do_exec(struct life *l, int who, int task, int fd)
{
	struct act *act;

	if (below(l, 4) == 0) {
		l->tally->execs++;
		la_task_exec(l->parties[who].tasks[task].task, l->world->now_ns);
		return;
	}
	act = act_new(l, &l->parties[who], NULL, 0);
	BEGIN(act, fcntl, fd, F_SETFD, FD_CLOEXEC);
}

/* A thread beside @sibling or else a new process; never for want of memory none at all. */
static struct lab_thread new_task(struct lab_host *host, const struct lab_thread *sibling)
{
	uint64_t objects = host->objects.nth, blocks = host->blocks.nth;
	struct lab_thread thread;

	host->objects.nth = host->blocks.nth = 0;
	thread = sibling->task ? lab_thread_of(sibling) : lab_process(host);
	host->objects.nth = objects;
	host->blocks.nth = blocks;
	return thread;
}

static void do_exit(struct life *l, int who, int task, int fd)
{
	struct party *p = &l->parties[who];

	(void)fd;
	if (below(l, 6))
		return;
	lab_exit(&p->tasks[task]);
	p->tasks[task] = new_task(p->host, &p->tasks[task < 2 ? !task : task]);
	if (who == SERVER && task < 2 && below(l, 4) == 0)
		p->listener = -1;
}

/* The peer, or all that lies between, is gone: for a while, or for good. */
static void do_cut(struct life *l, int who, int task, int fd)
{
	(void)who;
	(void)task;
	(void)fd;
	if (below(l, 3))
		return;
	l->in_order = false;
	lab_wire_cut(l->wire, (enum lab_end)below(l, 3), below(l, 2));
}

static const struct {
	unsigned often;
	void (*act)(struct life *l, int who, int task, int fd);
} acts[] = {
	{10, do_connect},    {2, do_listen}, {14, do_accept}, {22, do_send},	  {22, do_recv},  {5, do_shutdown},
	{6, do_close},	     {2, do_linger}, {4, do_option},  {1, do_error},	  {3, do_poll},	  {3, do_dup},
	{2, do_fork},	     {3, do_signal}, {1, do_exit},    {1, do_disconnect}, {1, do_cut},	  {7, do_send_urgent},
	{5, do_recv_urgent}, {3, do_flight}, {1, do_exec},    {9, do_epoll},	  {2, do_refuse},
};

static void turn(struct life *l)
{
	int who = (int)below(l, 2), task = (int)below(l, TASKS), fd = (int)below(l, below(l, 3) ? 6 : FDS);
	uint64_t draw, sum = 0;
	size_t i = 0;

	for (size_t n = 0; n < sizeof(acts) / sizeof(acts[0]); n++)
		sum += acts[n].often;
	draw = below(l, sum);
	task = some_task(l, who, task);
	while (draw >= acts[i].often)
		draw -= acts[i++].often;
	acts[i].act(l, who, task, fd);
}

/* Mostly none or a little; sometimes long enough for timers of every kind. */
static uint64_t pause_ns(struct life *l)
{
	switch (below(l, 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return 0;
	case 9:
		return below(l, below(l, 20) ? 3 * LAB_S : 200 * LAB_S);
	case 8:
		return below(l, 400 * LAB_MS);
	default:
		return below(l, 20 * LAB_MS);
	}
}

/* ------------------------------------------------------------------ the world */

static void after_step(struct lab_world *world, void *arg)
{
	struct life *l = arg;
	const char *broken = lab_invariants_check(&l->inv);

	(void)world;
	l->tally->steps++;
	if (broken)
		wrong(l, "%s", broken);
}

static void on_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	struct life *l = lab_container_of(obs, struct life, observer);

	(void)host;
	l->tally->open += event->kind == LA_TRACE_STATE && event->newstate == TCP_ESTABLISHED;
}

static void print_line(void *arg, const char *text)
{
	(void)arg;
	puts(text);
}

static void weather(struct life *l)
{
	struct lab_weather w = {.delay_ns = below(l, 30 * LAB_MS)};

	if (below(l, 3))
		w.loss_ppm = (uint32_t)below(l, below(l, 3) ? 50000 : 300000);
	if (below(l, 2))
		w.dup_ppm = (uint32_t)below(l, 100000);
	if (below(l, 2)) {
		w.reorder_ppm = (uint32_t)below(l, 150000);
		w.reorder_ns = below(l, 200 * LAB_MS);
	}
	if (below(l, 2))
		w.corrupt_ppm = (uint32_t)below(l, 30000);
	if (below(l, 3) == 0) {
		w.rate_bps = 100000 + below(l, 100000000);
		w.queue_bytes = 3000 + below(l, 200000);
	}
	l->in_order = !w.loss_ppm && !w.reorder_ppm && !w.corrupt_ppm && !w.queue_bytes;
	lab_wire_weather(l->wire, LAB_BOTH, &w);
}

static void begin(struct life *l, uint64_t seed)
{
	static const char *const names[] = {[SERVER] = "server", [CLIENT] = "client"};
	static const int families[] = {AF_INET, AF_INET6, LAB_MAPPED};

	l->world = lab_world_new(seed);
	l->chance = lab_stream(seed, STREAM_LIFE, 0);
	l->family = families[below(l, 3)];
	for (int who = SERVER; who <= CLIENT; who++) {
		struct party *p = &l->parties[who];

		p->host = lab_host_new(l->world, names[who]);
		p->listener = p->epfd = -1;
		p->tasks[0] = lab_process(p->host);
		p->tasks[1] = lab_thread_of(&p->tasks[0]);
	}
	l->wire = lab_wire_new(l->world, l->parties[CLIENT].host, l->parties[SERVER].host, 1500);
	weather(l);
	l->short_of_memory = below(l, 5) == 0;
	l->observer = (struct lab_observer){.trace = on_trace, .sent = note_pointer, .returned = returned};
	lab_world_observe(l->world, &l->observer);
	lab_invariants_watch(&l->inv, l->world);
	l->world->after_step = after_step;
	l->world->after_arg = l;
	if (l->show)
		lab_ladder_watch(&l->ladder, l->wire, print_line, NULL);
	do_listen(l, SERVER, 0, -1);
}

/*
 * All tasks exit, and messages that nobody received are destroyed. What is left must end by itself, whether the wire
 * carries or not.
 */
static void finish(struct life *l)
{
	const char *broken;

	for (int who = SERVER; who <= CLIENT; who++) {
		struct party *p = &l->parties[who];

		for (int task = 0; task < TASKS; task++)
			lab_exit(&p->tasks[task]);
		for (int i = 0; i < FLIGHT; i++) {
			if (p->flight[i])
				la_file_put(p->host->stack, p->flight[i], l->world->now_ns);
		}
		l->tally->refused += p->host->objects.refused + p->host->blocks.refused;
	}
	if (!lab_run_idle(l->world, LAB_PATIENCE_NS))
		wrong(l, "an hour after the end something still wants to happen");
	broken = lab_invariants_rest(&l->inv);
	if (broken)
		wrong(l, "%s", broken);
}

static void acts_free(struct life *l)
{
	struct act *act;

	while ((act = l->acts)) {
		l->acts = act->next;
		free(act);
	}
}

bool life_world(uint64_t seed, bool show, struct life_tally *tally, char *why, size_t cap)
{
	struct life *l = lab_zalloc(sizeof(*l));
	bool well;

	l->tally = tally;
	l->show = show;
	begin(l, seed);
	for (int i = 0; i < TURNS && !l->why[0]; i++) {
		turn(l);
		lab_run_for(l->world, pause_ns(l));
	}
	for (int i = 0; i < LIVES && !l->why[0]; i++)
		do_connect(l, CLIENT, 0, -1); /* those that no turn has begun */
	if (!l->why[0])
		finish(l);
	tally->ends = l->inv.ends;
	tally->resets = l->inv.resets;
	tally->timewaits = l->inv.timewaits;
	if (show)
		lab_ladder_end(&l->ladder);
	if (lab_world_free(l->world))
		wrong(l, "a stack did not give all its memory back");
	lab_invariants_free(&l->inv);
	lab_flows_free(&l->flows);
	acts_free(l);
	well = !l->why[0];
	snprintf(why, cap, "%s", l->why);
	free(l);
	return well;
}
