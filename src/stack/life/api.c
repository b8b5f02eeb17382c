// SPDX-License-Identifier: MIT
/*
 * life/api.c - the public face: tasks, files in flight, operations, and the calls that never wait
 *
 * Each function is one entry: net_enter(), the work, net_leave(). From within la_op.done the entry is open already;
 * only la_submit() and la_cancel() may be called there, and they join it.
 */
#include "stack/life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static inline struct net *net_of(struct la_stack *stack)
{
	return (struct net *)stack;
}
static inline struct task *task_of(struct la_task *task)
{
	return (struct task *)task;
}
static inline struct flight *flight_of(struct la_file *file)
{
	return (struct flight *)file;
}

/* ------------------------------------------------------------------ a world for programs that do not care */

static uint64_t seeded_random(void *world)
{
	struct la_env_seeded *env = world;
	uint64_t z = env->state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void *seeded_alloc(void *world, size_t size, size_t align)
{
	(void)world;
	return aligned_alloc(align, (size + align - 1) / align * align);
}

static void seeded_free(void *world, void *mem, size_t size)
{
	(void)world;
	(void)size;
	free(mem);
}

void la_env_seeded_init(struct la_env_seeded *env, uint64_t seed)
{
	*env = (struct la_env_seeded){
		.env = {.random = seeded_random, .alloc = seeded_alloc, .free = seeded_free, .world = env},
		.state = seed,
	};
}

/* ------------------------------------------------------------------ tasks */

struct la_task *la_task_new(struct la_stack *stack)
{
	return (struct la_task *)task_new(net_of(stack), NULL);
}

struct la_task *la_task_fork(struct la_task *task)
{
	return (struct la_task *)task_fork(task_of(task));
}

struct la_task *la_task_thread(struct la_task *task)
{
	return (struct la_task *)task_thread(task_of(task));
}

int la_task_exec(struct la_task *task, uint64_t now_ns)
{
	struct net *net = task_of(task)->net;
	int err;

	net_enter(net, now_ns);
	err = task_exec(task_of(task));
	net_leave(net);
	return err;
}

void la_task_exit(struct la_task *task, uint64_t now_ns)
{
	struct net *net = task_of(task)->net;

	net_enter(net, now_ns);
	task_exit(task_of(task));
	net_leave(net);
}

/* ------------------------------------------------------------------ files in flight */

struct la_file *la_file_get(struct la_task *task, int fd)
{
	struct file *file = fdtable_look(task_of(task)->files, fd);

	return file ? (struct la_file *)flight_new(file->net, file) : NULL;
}

int la_file_install(struct la_task *task, struct la_file *file, int flags)
{
	struct net *net = task_of(task)->net;
	struct file *landed;
	int fd;

	net_enter(net, net->now_ns);
	landed = flight_land(net, flight_of(file));
	fd = flags & ~O_CLOEXEC ? -EINVAL : get_unused_fd(task_of(task)->files, 0, flags & O_CLOEXEC);
	if (fd < 0)
		fput(landed, NULL);
	else
		fd_install(task_of(task)->files, fd, landed);
	net_leave(net);
	return fd;
}

void la_file_put(struct la_stack *stack, struct la_file *file, uint64_t now_ns)
{
	struct net *net = net_of(stack);

	net_enter(net, now_ns);
	fput(flight_land(net, flight_of(file)), NULL);
	net_leave(net);
}

uint32_t la_file_count(const struct la_file *file)
{
	return ((const struct flight *)file)->file->count;
}

/* ------------------------------------------------------------------ several frames at once */

void la_hold(struct la_stack *stack)
{
	net_of(stack)->held = true;
}

void la_let_go(struct la_stack *stack, uint64_t now_ns)
{
	struct net *net = net_of(stack);

	net->held = false;
	net_enter(net, now_ns);
	net_leave(net);
}

/* ------------------------------------------------------------------ operations */

enum la_status la_submit(struct la_task *task, struct la_op *pub, uint64_t now_ns)
{
	struct net *net = task_of(task)->net;
	enum la_status status;

	if (net->entered) /* from within a done() */
		return op_start(task_of(task), op_of(pub));
	net_enter(net, now_ns);
	status = op_start(task_of(task), op_of(pub));
	net_leave(net);
	return status;
}

void la_cancel(struct la_op *pub, uint64_t now_ns)
{
	struct op *op = op_of(pub);
	struct net *net;

	if (op->status == OP_IDLE)
		return;
	net = op->task->net;
	if (net->entered)
		return op_cancel(op);
	net_enter(net, now_ns);
	op_cancel(op);
	net_leave(net);
}

/* ------------------------------------------------------------------ direct calls */

static int64_t call(struct la_task *task, struct la_op *op, uint64_t now_ns)
{
	op->done = NULL;
	op_of(op)->nonblock = true;
	la_submit(task, op, now_ns);
	return op->result;
}

#define CALL(task, now_ns, what, ...) \
	__extension__({ \
		struct la_op op_; \
		la_prep_##what(&op_, __VA_ARGS__); \
		call(task, &op_, now_ns); \
	})

int la_socket(struct la_task *task, int domain, int type, int protocol, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, socket, domain, type, protocol);
}

int la_bind(struct la_task *task, int fd, const struct sockaddr *addr, socklen_t len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, bind, fd, addr, len);
}

int la_listen(struct la_task *task, int fd, int backlog, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, listen, fd, backlog);
}

int la_accept4(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, int flags, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, accept4, fd, addr, len, flags);
}

int la_connect(struct la_task *task, int fd, const struct sockaddr *addr, socklen_t len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, connect, fd, addr, len);
}

int64_t la_recv(struct la_task *task, int fd, void *buf, size_t len, int flags, uint64_t now_ns)
{
	return CALL(task, now_ns, recv, fd, buf, len, flags);
}

int64_t la_send(struct la_task *task, int fd, const void *buf, size_t len, int flags, uint64_t now_ns)
{
	return CALL(task, now_ns, send, fd, buf, len, flags);
}

int la_shutdown(struct la_task *task, int fd, int how, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, shutdown, fd, how);
}

int la_close(struct la_task *task, int fd, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, close, fd);
}

int la_getsockname(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, getsockname, fd, addr, len);
}

int la_getpeername(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, getpeername, fd, addr, len);
}

int la_getsockopt(struct la_task *task, int fd, int level, int name, void *value, socklen_t *len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, getsockopt, fd, level, name, value, len);
}

int la_setsockopt(struct la_task *task, int fd, int level, int name, const void *value, socklen_t len, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, setsockopt, fd, level, name, value, len);
}

int la_ioctl(struct la_task *task, int fd, unsigned long request, void *arg, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, ioctl, fd, request, arg);
}

int la_fcntl(struct la_task *task, int fd, int cmd, long arg, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, fcntl, fd, cmd, arg);
}

int la_dup(struct la_task *task, int fd, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, dup, fd);
}

int la_dup2(struct la_task *task, int fd, int newfd, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, dup2, fd, newfd);
}

int la_dup3(struct la_task *task, int fd, int newfd, int flags, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, dup3, fd, newfd, flags);
}

int la_poll(struct la_task *task, struct pollfd *fds, nfds_t nfds, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, poll, fds, nfds, 0);
}

int la_epoll_create1(struct la_task *task, int flags, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, epoll_create1, flags);
}

int la_epoll_ctl(struct la_task *task, int epfd, int how, int fd, struct epoll_event *event, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, epoll_ctl, epfd, how, fd, event);
}

int la_epoll_wait(struct la_task *task, int epfd, struct epoll_event *events, int maxevents, uint64_t now_ns)
{
	return (int)CALL(task, now_ns, epoll_wait, epfd, events, maxevents, 0);
}
