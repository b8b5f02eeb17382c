// SPDX-License-Identifier: MIT
/*
 * life/accept.c - accept4(2): the oldest child of a listener becomes a file of this task
 *
 * The number is reserved before the wait, as in Linux: a blocked accept() holds it, and others get the next. One
 * connection wakes one of several waiters; SHUT_RD wakes them all (LS-13).
 */
#include "stack/life/open.h"

#include <errno.h>

/* name.newfd is the number in reserve; -1: none, not yet or no more. */
static int accept_reserve(struct op *op)
{
	int fd;

	if (op->u.name.newfd >= 0)
		return 0;
	fd = get_unused_fd(op->task->files, 0, op->u.name.flags & SOCK_CLOEXEC);
	if (fd < 0)
		return fd;
	op->u.name.newfd = fd;
	return 0;
}

static void accept_leave(struct op *op)
{
	if (op->u.name.newfd >= 0)
		put_unused_fd(op->task->files, op->u.name.newfd);
	op->u.name.newfd = -1;
}

/* Who it is, where the caller asked. A child that was reset meanwhile still has its name (LS-08). */
static int accept_name(const struct op *op, const struct sock *child)
{
	if (!op->u.name.addr)
		return 0;
	return inet_addr_out(child, &child->daddr, child->common.dport, op->u.name.addr, op->u.name.len);
}

static int64_t accept_child(struct op *op, struct sock *listener)
{
	struct sock *child = tcp_sk(listener)->listen->accept_head;
	struct file *file = sock_file_new(listener->net, child, op->u.name.flags);
	int fd = op->u.name.newfd, err;

	if (!file)
		return -ENFILE;	    /* it stays in the queue */
	tcp_acceptq_take(listener); /* whose reference is the socket's now */
	((struct socket *)file->private_data)->state = SS_CONNECTED;
	tcp_trace_step(child, "sys_accept4");
	err = accept_name(op, child);
	if (err) {
		fput(file, NULL);
		return err;
	}
	op->u.name.newfd = -1;
	fd_install(op->task->files, fd, file);
	return fd;
}

static int64_t try_accept(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	struct sock *sk;
	int err;

	if (op->u.name.flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = accept_reserve(op);
	if (err)
		return err;
	if (!socket)
		return -ENOTSOCK;
	sk = socket->sk;
	if (sk->common.state != TCP_LISTEN)
		return -EINVAL;
	if (tcp_sk(sk)->listen->accept_head)
		return accept_child(op, sk);
	if (op_never_waits(op, 0, sk->opts->rcvtimeo_ms))
		return -EAGAIN;
	return op_wait_on_socket(op, socket, sk->opts->rcvtimeo_ms);
}

const struct op_class sys_accept4 = {
	.name = "accept4",
	.try = try_accept,
	.leave = accept_leave,
	.takes_fd = true,
	.exclusive = true,
};
