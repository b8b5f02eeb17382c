/* SPDX-License-Identifier: MIT */
/* life/names.c - getsockname(2), getpeername(2), getsockopt(2), setsockopt(2): asking and telling a socket */
#include "stack/life/life.h"

#include <errno.h>

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

const struct op_class sys_getsockname = { .name = "getsockname", .try = try_getsockname, .takes_fd = true };
const struct op_class sys_getpeername = { .name = "getpeername", .try = try_getpeername, .takes_fd = true };
const struct op_class sys_getsockopt = { .name = "getsockopt", .try = try_getsockopt, .takes_fd = true };
const struct op_class sys_setsockopt = { .name = "setsockopt", .try = try_setsockopt, .takes_fd = true };
