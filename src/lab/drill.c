// SPDX-License-Identifier: MIT
/*
 * lab/drill.c - the side `lastack`: one stack in virtual time, on which scripts are played
 *
 *	start(), finish(), abandon() --- operations ---> struct la_stack --- xmit() ---> queue --- next() --->
 *	inject() --- la_receive() ------------------------>
 *
 * The clock never jumps over a deadline of the stack: it stops at each, so that every timer fires, and every frame
 * leaves, at its own nanosecond. The device takes units of several segments, as the TUN device of packetdrill does,
 * and frames are handed on as it takes them. The stack's invariants, and lengths and checksums of all that it sends,
 * are looked at all the time: a script that passes on a broken stack is no use.
 */
#include "lab/drill.h"

#include <lastack/socket.h>
#include <lastack/stack.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/frame.h"

#define START_NS    (1000 * LAB_S)
#define PATIENCE_NS (300 * LAB_S)

struct lab_drill;

/* struct queued - a frame that has left and was not yet asked for */
struct queued {
	struct queued *next;
	uint64_t at_ns;
	size_t len;
	uint8_t bytes[];
};

/* struct pending - an operation; @sys is NULL while it is not used */
struct pending {
	struct pending *next;
	struct la_op op;
	struct lab_drill *drill;
	struct drill_sys *sys;
};

/**
 * struct lab_drill - a side
 * @cut:     the device takes single segments only (ethtool -K tun0 tso off gso off)
 * @drop:    the queue in front of it has no room for any frame (tc qdisc ... pfifo limit 0)
 * @fault:   the first thing found wrong, or ""
 * @told:    counters when nstat was last run
 */
struct lab_drill {
	struct drill_side side;
	struct lab_drill_options options;
	struct la_env_seeded env;
	struct la_stack *stack;
	struct la_task *task;
	struct la_device dev;
	int ifindex;
	uint64_t now_ns;
	struct queued *first, **last;
	struct pending *pendings;
	bool cut, drop;
	char fault[256];
	uint64_t *told;
	uint8_t frame[65576];
};

static struct lab_drill *of(struct drill_side *side)
{
	return lab_container_of(side, struct lab_drill, side);
}

static bool say(struct drill_text *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False, always. */
static bool say(struct drill_text *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return false;
}

/* ---------------------------------------------------------------- is it sound? */

static void found(struct lab_drill *drill, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void found(struct lab_drill *drill, const char *format, ...)
{
	va_list args;

	if (drill->fault[0])
		return;
	va_start(args, format);
	vsnprintf(drill->fault, sizeof(drill->fault), format, args);
	va_end(args);
}

/* At the end of every entry. */
static void look(struct lab_drill *drill)
{
	const char *broken = la_check(drill->stack);

	if (broken)
		found(drill, "invariant broken: %s", broken);
}

static const char *drill_fault(struct drill_side *side)
{
	return of(side)->fault[0] ? of(side)->fault : NULL;
}

/* ---------------------------------------------------------------- clock */

/* To the stack's next deadline; false: there is none until @limit_ns. */
static bool step(struct lab_drill *drill, uint64_t limit_ns)
{
	uint64_t due_ns = la_deadline_ns(drill->stack);

	if (due_ns == UINT64_MAX || due_ns > limit_ns)
		return false;
	if (due_ns > drill->now_ns)
		drill->now_ns = due_ns;
	la_advance(drill->stack, drill->now_ns);
	look(drill);
	if (la_deadline_ns(drill->stack) > drill->now_ns)
		return true;
	found(drill, "the stack's next deadline lies in the past after la_advance()");
	return false;
}

static void run_to(struct lab_drill *drill, uint64_t to_ns)
{
	while (step(drill, to_ns))
		;
	if (drill->now_ns < to_ns)
		drill->now_ns = to_ns;
}

static int64_t drill_now(struct drill_side *side)
{
	return (int64_t)of(side)->now_ns;
}

static void drill_sleep(struct drill_side *side, int64_t until_ns)
{
	run_to(of(side), (uint64_t)until_ns);
}

/* ---------------------------------------------------------------- wire */

static void queue_frame(struct lab_drill *drill, size_t len)
{
	struct queued *queued = malloc(sizeof(*queued) + len);
	struct lab_segment seg;

	if (!queued)
		abort();
	if (!lab_segment_read(&seg, drill->frame, len) || seg.broken)
		found(drill, "a packet of %zu bytes left with wrong lengths or a wrong checksum", len);
	queued->next = NULL;
	queued->at_ns = drill->now_ns;
	queued->len = len;
	memcpy(queued->bytes, drill->frame, len);
	*drill->last = queued;
	drill->last = &queued->next;
}

/* A unit as one packet is what a single segment of its whole length would be. */
static int xmit(struct la_device *dev, const struct la_frame *frame)
{
	struct lab_drill *drill = dev->world;
	struct la_frame as_taken = *frame;
	uint32_t count;

	if (drill->drop)
		return -ENOBUFS;
	if (frame->gso_size && !drill->cut)
		as_taken.gso_size = (uint16_t)(frame->len - frame->hdr_len);
	count = la_frame_count(&as_taken);
	for (uint32_t i = 0; i < count; i++) {
		size_t len = la_frame_cut(&as_taken, i, drill->frame, sizeof(drill->frame));

		if (!as_taken.gso_size && len > dev->mtu)
			found(drill, "a packet of %zu bytes left where the MTU is %u", len, dev->mtu);
		queue_frame(drill, len);
	}
	return 0;
}

static bool drill_inject(struct drill_side *side, const void *frame, size_t len, struct drill_text *why)
{
	struct lab_drill *drill = of(side);

	(void)why;
	run_to(drill, drill->now_ns);
	la_receive(drill->stack, drill->ifindex, frame, len, drill->now_ns);
	look(drill);
	return true;
}

static bool drill_next(struct drill_side *side, struct drill_frame *frame, int64_t until_ns)
{
	struct lab_drill *drill = of(side);
	struct queued *queued;

	while (!drill->first && step(drill, (uint64_t)until_ns))
		;
	queued = drill->first;
	if (!queued) {
		run_to(drill, (uint64_t)until_ns);
		return false;
	}
	if (!(drill->first = queued->next))
		drill->last = &drill->first;
	frame->at_ns = (int64_t)queued->at_ns;
	frame->len = queued->len;
	memcpy(frame->bytes, queued->bytes, queued->len);
	free(queued);
	return true;
}

/* ---------------------------------------------------------------- calls */

/* As a program passes them; false: the library has no such call. */
static bool prepare_data(struct la_op *op, const struct drill_sys *sys)
{
	const uint64_t *arg = sys->arg;
	int fd = (int)arg[0];
	void *memory = (void *)(uintptr_t)arg[1];

	switch (sys->no) {
	case DRILL_SYS_READ:
		la_prep_read(op, fd, memory, arg[2]);
		return true;
	case DRILL_SYS_READV:
		la_prep_readv(op, fd, memory, (int)arg[2]);
		return true;
	case DRILL_SYS_RECV:
		la_prep_recv(op, fd, memory, arg[2], (int)arg[3]);
		return true;
	case DRILL_SYS_RECVFROM:
		la_prep_recvfrom(op, fd, memory, arg[2], (int)arg[3], (struct sockaddr *)(uintptr_t)arg[4],
				 (socklen_t *)(uintptr_t)arg[5]);
		return true;
	case DRILL_SYS_RECVMSG:
		la_prep_recvmsg(op, fd, memory, (int)arg[2]);
		return true;
	case DRILL_SYS_WRITE:
		la_prep_write(op, fd, memory, arg[2]);
		return true;
	case DRILL_SYS_WRITEV:
		la_prep_writev(op, fd, memory, (int)arg[2]);
		return true;
	case DRILL_SYS_SEND:
		la_prep_send(op, fd, memory, arg[2], (int)arg[3]);
		return true;
	case DRILL_SYS_SENDTO:
		la_prep_sendto(op, fd, memory, arg[2], (int)arg[3], (struct sockaddr *)(uintptr_t)arg[4],
			       (socklen_t)arg[5]);
		return true;
	case DRILL_SYS_SENDMSG:
		la_prep_sendmsg(op, fd, memory, (int)arg[2]);
		return true;
	default:
		return false;
	}
}

static bool prepare_settings(struct la_op *op, const struct drill_sys *sys)
{
	const uint64_t *arg = sys->arg;
	int fd = (int)arg[0];

	switch (sys->no) {
	case DRILL_SYS_FCNTL:
		la_prep_fcntl(op, fd, (int)arg[1], (long)arg[2]);
		return true;
	case DRILL_SYS_IOCTL:
		la_prep_ioctl(op, fd, arg[1], (void *)(uintptr_t)arg[2]);
		return true;
	case DRILL_SYS_GETSOCKOPT:
		la_prep_getsockopt(op, fd, (int)arg[1], (int)arg[2], (void *)(uintptr_t)arg[3],
				   (socklen_t *)(uintptr_t)arg[4]);
		return true;
	case DRILL_SYS_SETSOCKOPT:
		la_prep_setsockopt(op, fd, (int)arg[1], (int)arg[2], (void *)(uintptr_t)arg[3], (socklen_t)arg[4]);
		return true;
	case DRILL_SYS_POLL:
		la_prep_poll(op, (struct pollfd *)(uintptr_t)arg[0], (nfds_t)arg[1], (int)arg[2]);
		return true;
	case DRILL_SYS_EPOLL_CTL:
		la_prep_epoll_ctl(op, fd, (int)arg[1], (int)arg[2], (struct epoll_event *)(uintptr_t)arg[3]);
		return true;
	case DRILL_SYS_EPOLL_WAIT:
		la_prep_epoll_wait(op, fd, (struct epoll_event *)(uintptr_t)arg[1], (int)arg[2], (int)arg[3]);
		return true;
	default:
		return false;
	}
}

static bool prepare_life(struct la_op *op, const struct drill_sys *sys)
{
	const uint64_t *arg = sys->arg;
	int fd = (int)arg[0];

	switch (sys->no) {
	case DRILL_SYS_SOCKET:
		la_prep_socket(op, (int)arg[0], (int)arg[1], (int)arg[2]);
		return true;
	case DRILL_SYS_BIND:
		la_prep_bind(op, fd, (struct sockaddr *)(uintptr_t)arg[1], (socklen_t)arg[2]);
		return true;
	case DRILL_SYS_LISTEN:
		la_prep_listen(op, fd, (int)arg[1]);
		return true;
	case DRILL_SYS_ACCEPT:
		la_prep_accept4(op, fd, (struct sockaddr *)(uintptr_t)arg[1], (socklen_t *)(uintptr_t)arg[2], 0);
		return true;
	case DRILL_SYS_CONNECT:
		la_prep_connect(op, fd, (struct sockaddr *)(uintptr_t)arg[1], (socklen_t)arg[2]);
		return true;
	case DRILL_SYS_CLOSE:
		la_prep_close(op, fd);
		return true;
	case DRILL_SYS_SHUTDOWN:
		la_prep_shutdown(op, fd, (int)arg[1]);
		return true;
	case DRILL_SYS_EPOLL_CREATE:
		la_prep_epoll_create1(op, 0); /* the size has to be above 0, and means nothing: start() */
		return true;
	default:
		return false;
	}
}

static bool prepare(struct la_op *op, const struct drill_sys *sys, struct drill_text *why)
{
	static const char *const missing[DRILL_SYSCALLS] = {
		[DRILL_SYS_CAP_SET] = "cap_set", [DRILL_SYS_OPEN] = "open",	[DRILL_SYS_SENDFILE] = "sendfile",
		[DRILL_SYS_PIPE] = "pipe",	 [DRILL_SYS_SPLICE] = "splice",
	};

	if (prepare_life(op, sys) || prepare_data(op, sys) || prepare_settings(op, sys))
		return true;
	return say(why, "Lastack has no %s()", missing[sys->no] ? missing[sys->no] : "such call");
}

static void has_returned(struct drill_sys *sys, int64_t result, int signal, uint64_t now_ns)
{
	sys->pending = false;
	sys->result = result;
	sys->signal = signal;
	sys->ended_ns = (int64_t)now_ns;
}

static void on_done(struct la_op *op)
{
	struct pending *pending = op->user;

	has_returned(pending->sys, op->result, op->signal, pending->drill->now_ns);
	pending->sys = NULL;
}

static struct pending *pending_get(struct lab_drill *drill)
{
	struct pending *pending = drill->pendings;

	while (pending && pending->sys)
		pending = pending->next;
	if (pending)
		return pending;
	pending = lab_zalloc(sizeof(*pending));
	pending->op.done = on_done;
	pending->op.user = pending;
	pending->drill = drill;
	pending->next = drill->pendings;
	drill->pendings = pending;
	return pending;
}

/* Gives up on a call for which nothing is left that could end it, or not for a long time. */
static bool wait_here(struct lab_drill *drill, struct drill_sys *sys, struct drill_text *why)
{
	uint64_t limit_ns = drill->now_ns + PATIENCE_NS;
	struct pending *pending = sys->side;

	while (sys->pending && step(drill, limit_ns))
		;
	if (!sys->pending)
		return true;
	la_cancel(&pending->op, drill->now_ns);
	return say(why,
		   "the call waits for ever, or for more than 300 s, but the script has no time at which it returns");
}

static bool drill_start(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why)
{
	struct lab_drill *drill = of(side);
	struct pending *pending = pending_get(drill);

	run_to(drill, drill->now_ns);
	if (!prepare(&pending->op, sys, why))
		return false;
	sys->begun_ns = (int64_t)drill->now_ns;
	if (sys->no == DRILL_SYS_EPOLL_CREATE && (int)sys->arg[0] <= 0) {
		has_returned(sys, -EINVAL, 0, drill->now_ns);
		return true;
	}
	sys->pending = true;
	sys->side = pending;
	pending->sys = sys;
	if (la_submit(drill->task, &pending->op, drill->now_ns) == LA_DONE)
		on_done(&pending->op);
	look(drill);
	return !sys->pending || may_wait || wait_here(drill, sys, why);
}

static bool drill_finish(struct drill_side *side, struct drill_sys *sys, int64_t until_ns)
{
	struct lab_drill *drill = of(side);

	while (sys->pending && step(drill, (uint64_t)until_ns))
		;
	if (sys->pending)
		run_to(drill, (uint64_t)until_ns);
	return !sys->pending;
}

static void drill_abandon(struct drill_side *side, struct drill_sys *sys)
{
	struct lab_drill *drill = of(side);
	struct pending *pending = sys->side;

	if (sys->pending)
		la_cancel(&pending->op, drill->now_ns);
	look(drill);
}

/* ---------------------------------------------------------------- settings and counters */

static bool drill_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why)
{
	int error;

	if (!strcmp(name, "net.ipv4.tcp_congestion_control"))
		return !strcmp(value, "reno") ||
		       say(why, "Lastack's congestion control is reno, %s is not there", value);
	error = la_sysctl_set(of(side)->stack, name, value);
	if (error == -ENOENT)
		return say(why, "Lastack has no setting %s", name);
	return !error || say(why, "%s cannot be \"%s\" on Lastack", name, value);
}

static void drill_counters(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value),
			   void *arg)
{
	const char *name;
	uint64_t value;

	for (size_t i = 0; la_counter_at(of(side)->stack, i, &name, &value); i++)
		each(arg, name, value);
}

/* Has this counter moved since nstat was last run? With NULL any, and all are taken note of. */
static bool nstat(struct lab_drill *drill, const char *pattern)
{
	bool moved = false;
	const char *name;
	uint64_t value;
	size_t n = 0;

	while (la_counter_at(drill->stack, n, &name, &value))
		n++;
	if (!drill->told)
		drill->told = lab_zalloc(n * sizeof(*drill->told));
	for (size_t i = 0; i < n; i++) {
		la_counter_at(drill->stack, i, &name, &value);
		moved |= value != drill->told[i] && (!pattern || strstr(name, pattern));
		drill->told[i] = value;
	}
	return moved;
}

static bool begins(const char *line, const char *words)
{
	return !strncmp(line, words, strlen(words));
}

/* What a stack without a kernel around it can do of ip, tc, ethtool and nstat; the rest is refused by name. */
static bool drill_command(struct drill_side *side, const char *line, struct drill_text *why)
{
	struct lab_drill *drill = of(side);
	char pattern[64];

	if (begins(line, "ip tcp_metrics flush")) {
		la_tcp_metrics_flush(drill->stack);
		return true;
	}
	if (begins(line, "tc qdisc del") || (begins(line, "tc qdisc ") && strstr(line, "dev tun0 root pfifo"))) {
		drill->drop = strstr(line, "limit 0") != NULL;
		return true;
	}
	if (begins(line, "ethtool -K tun0 ") && strstr(line, "tso off")) {
		drill->cut = true;
		return true;
	}
	if (sscanf(line, "nstat | grep %63[A-Za-z0-9]", pattern) == 1)
		return nstat(drill, pattern) || say(why, "%s has not moved: `%s`", pattern, line);
	if (begins(line, "nstat >")) {
		nstat(drill, NULL);
		return true;
	}
	return say(why, "Lastack is not a machine with a shell, and cannot do `%s`", line);
}

/* ---------------------------------------------------------------- beginning and end */

static void drill_close(struct drill_side *side)
{
	struct lab_drill *drill = of(side);
	struct queued *queued;
	struct pending *pending;

	if (drill->task)
		la_task_exit(drill->task, drill->now_ns);
	la_stack_free(drill->stack);
	while ((queued = drill->first)) {
		drill->first = queued->next;
		free(queued);
	}
	while ((pending = drill->pendings)) {
		drill->pendings = pending->next;
		free(pending);
	}
	free(drill->told);
	free(drill);
}

static const struct drill_backend lastack_side = {
	.name = "lastack",
	.now = drill_now,
	.sleep = drill_sleep,
	.start = drill_start,
	.finish = drill_finish,
	.abandon = drill_abandon,
	.inject = drill_inject,
	.next = drill_next,
	.sysctl = drill_sysctl,
	.command = drill_command,
	.counters = drill_counters,
	.fault = drill_fault,
	.close = drill_close,
};

static void on_trace(void *world, const struct la_trace_event *event)
{
	struct lab_drill *drill = lab_container_of(world, struct lab_drill, env);

	drill->options.trace(drill->options.arg, event);
}

/* The wire's family alone, as the original gives its TUN device one. */
static bool set_up(struct lab_drill *drill, const struct drill_net *net, struct drill_text *why)
{
	static const uint8_t any[16];
	bool ipv6 = net->family == DRILL_IPV6;
	int family = ipv6 ? AF_INET6 : AF_INET, error;

	if (net->anyip)
		return say(why, "Lastack cannot own every address: --is_anyip");
	drill->dev = (struct la_device){.name = "tun0", .mtu = net->mtu, .xmit = xmit, .world = drill};
	drill->ifindex = la_device_add(drill->stack, &drill->dev);
	if (drill->ifindex < 0)
		return say(why, "Lastack has no device with an MTU of %u: %s", net->mtu, strerror(-drill->ifindex));
	error = la_addr_add(drill->stack, drill->ifindex, family, net->local + (ipv6 ? 0 : 12), net->prefix);
	if (!error)
		error = la_route_add(drill->stack, drill->ifindex, family, any, 0);
	return !error || say(why, "Lastack does not take the wire's address: %s", strerror(-error));
}

struct drill_side *lab_drill_open(const struct drill_net *net, const struct lab_drill_options *options,
				  struct drill_text *why)
{
	struct lab_drill *drill = malloc(sizeof(*drill));

	if (!drill)
		abort();
	memset(drill, 0, offsetof(struct lab_drill, frame));
	if (options)
		drill->options = *options;
	drill->side.ops = &lastack_side;
	drill->last = &drill->first;
	drill->now_ns = START_NS;
	la_env_seeded_init(&drill->env, drill->options.seed);
	if (drill->options.trace)
		drill->env.env.trace = on_trace;
	drill->stack = la_stack_new(&drill->env.env, drill->now_ns);
	drill->task = drill->stack ? la_task_new(drill->stack) : NULL;
	if (!drill->task)
		say(why, "no memory for a stack");
	if (drill->task && set_up(drill, net, why))
		return &drill->side;
	drill_close(&drill->side);
	return NULL;
}
