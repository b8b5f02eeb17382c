// SPDX-License-Identifier: MIT
/* life/names.c - getsockname(2), getpeername(2), getsockopt(2), setsockopt(2), ioctl(2): asking and telling a socket */
#include "stack/life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

static int64_t getname(struct op *op, bool peer)
{
	struct socket *socket = socket_of(op->file);

	return socket ? inet_getname(socket->sk, peer, op->u.name.addr, op->u.name.len) : -ENOTSOCK;
}

static int64_t try_getsockname(struct op *op)
{
	return getname(op, false);
}

static int64_t try_getpeername(struct op *op)
{
	return getname(op, true);
}

static int64_t try_getsockopt(struct op *op)
{
	struct socket *socket = socket_of(op->file);

	if (!socket)
		return -ENOTSOCK;
	return sock_getsockopt(socket, op->u.opt.level, op->u.opt.name, op->u.opt.value, op->u.opt.lenp);
}

static int64_t try_setsockopt(struct op *op)
{
	struct socket *socket = socket_of(op->file);

	if (!socket)
		return -ENOTSOCK;
	return sock_setsockopt(socket, op->u.opt.level, op->u.opt.name, op->u.opt.value, op->u.opt.len);
}

/* Those that every file knows, then the socket's. */
static int64_t try_ioctl(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	int *arg = op->u.ioctl.arg;

	switch (op->u.ioctl.request) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(op->task->files, op->fd, op->u.ioctl.request == FIOCLEX);
		return 0;
	case FIONBIO:
		if (!arg)
			return -EFAULT;
		op->file->flags = (op->file->flags & ~(uint32_t)O_NONBLOCK) | (*arg ? O_NONBLOCK : 0);
		return 0;
	default:
		return socket ? tcp_ioctl(socket->sk, op->u.ioctl.request, arg) : -EINVAL; /* an epoll set */
	}
}

const struct op_class sys_getsockname = {.name = "getsockname", .try = try_getsockname, .takes_fd = true};
const struct op_class sys_getpeername = {.name = "getpeername", .try = try_getpeername, .takes_fd = true};
const struct op_class sys_getsockopt = {.name = "getsockopt", .try = try_getsockopt, .takes_fd = true};
const struct op_class sys_setsockopt = {.name = "setsockopt", .try = try_setsockopt, .takes_fd = true};
const struct op_class sys_ioctl = {.name = "ioctl", .try = try_ioctl, .takes_fd = true};
