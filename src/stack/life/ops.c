// SPDX-License-Identifier: MIT
/*
 * life/ops.c - the switchboard: each call of lastack/socket.h by name, with its class and its arguments
 *
 * Nothing is looked at here, not even a NULL: that is the business of the class, when the operation is submitted.
 */
#include "stack/life/life.h"

/* A fresh operation in the caller's memory. How far a transfer is, io_begin() says; before it only "again?" is asked. */
static struct op *prep(struct la_op *pub, const struct op_class *class, int fd)
{
	struct op *op = op_of(pub);

	op->class = class;
	op->file = NULL;
	op->fd = fd;
	op->status = OP_IDLE;
	op->nonblock = op->limited = false;
	memset(&op->u, 0, offsetof(union op_args, io.tcp));
	op->u.io.tcp.resumed = false;
	return op;
}

/* ------------------------------------------------------------------ open */

void la_prep_socket(struct la_op *pub, int domain, int type, int protocol)
{
	struct op *op = prep(pub, &sys_socket, -1);

	op->u.socket.domain = domain;
	op->u.socket.type = type;
	op->u.socket.protocol = protocol;
}

void la_prep_bind(struct la_op *pub, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct op *op = prep(pub, &sys_bind, fd);

	op->u.addr.addr = addr;
	op->u.addr.len = len;
}

void la_prep_listen(struct la_op *pub, int fd, int backlog)
{
	prep(pub, &sys_listen, fd)->u.listen.backlog = backlog;
}

void la_prep_accept4(struct la_op *pub, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct op *op = prep(pub, &sys_accept4, fd);

	op->u.name.addr = addr;
	op->u.name.len = len;
	op->u.name.flags = flags;
	op->u.name.newfd = -1;
}

void la_prep_connect(struct la_op *pub, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct op *op = prep(pub, &sys_connect, fd);

	op->u.addr.addr = addr;
	op->u.addr.len = len;
}

/* ------------------------------------------------------------------ data */

static struct op *prep_buffer(struct la_op *pub, const struct op_class *class, int fd, const void *buf, size_t len,
			      int flags)
{
	struct op *op = prep(pub, class, fd);

	op->u.io.one = (struct iovec){.iov_base = (void *)buf, .iov_len = len};
	op->u.io.iov = &op->u.io.one;
	op->u.io.iovcnt = 1;
	op->u.io.flags = flags;
	return op;
}

static struct op *prep_vector(struct la_op *pub, const struct op_class *class, int fd, const struct iovec *iov,
			      int iovcnt)
{
	struct op *op = prep(pub, class, fd);

	op->u.io.iov = iov;
	op->u.io.iovcnt = iovcnt;
	return op;
}

void la_prep_read(struct la_op *pub, int fd, void *buf, size_t len)
{
	prep_buffer(pub, &sys_recvmsg, fd, buf, len, 0)->u.io.is_read = true;
}

void la_prep_readv(struct la_op *pub, int fd, const struct iovec *iov, int iovcnt)
{
	prep_vector(pub, &sys_recvmsg, fd, iov, iovcnt)->u.io.is_read = true;
}

void la_prep_write(struct la_op *pub, int fd, const void *buf, size_t len)
{
	prep_buffer(pub, &sys_sendmsg, fd, buf, len, 0)->u.io.is_write = true;
}

void la_prep_writev(struct la_op *pub, int fd, const struct iovec *iov, int iovcnt)
{
	prep_vector(pub, &sys_sendmsg, fd, iov, iovcnt)->u.io.is_write = true;
}

void la_prep_recv(struct la_op *pub, int fd, void *buf, size_t len, int flags)
{
	prep_buffer(pub, &sys_recvmsg, fd, buf, len, flags);
}

void la_prep_recvfrom(struct la_op *pub, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
		      socklen_t *addrlen)
{
	struct op *op = prep_buffer(pub, &sys_recvmsg, fd, buf, len, flags);

	op->u.io.addr = addr;
	op->u.io.addrlenp = addrlen;
}

static void prep_msg(struct la_op *pub, const struct op_class *class, int fd, const struct msghdr *msg, int flags)
{
	struct op *op = prep(pub, class, fd);

	op->u.io.msg = (struct msghdr *)msg;
	op->u.io.iov = msg ? msg->msg_iov : NULL;
	op->u.io.iovcnt =
		msg ? (int)msg->msg_iovlen : 1; /* one vector at address 0: -EFAULT, once the descriptor was found */
	op->u.io.flags = flags;
}

void la_prep_recvmsg(struct la_op *pub, int fd, struct msghdr *msg, int flags)
{
	prep_msg(pub, &sys_recvmsg, fd, msg, flags);
}

void la_prep_send(struct la_op *pub, int fd, const void *buf, size_t len, int flags)
{
	prep_buffer(pub, &sys_sendmsg, fd, buf, len, flags);
}

void la_prep_sendto(struct la_op *pub, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
		    socklen_t addrlen)
{
	struct op *op = prep_buffer(pub, &sys_sendmsg, fd, buf, len, flags);

	op->u.io.addr = (struct sockaddr *)addr;
	op->u.io.addrlen = addrlen;
}

void la_prep_sendmsg(struct la_op *pub, int fd, const struct msghdr *msg, int flags)
{
	prep_msg(pub, &sys_sendmsg, fd, msg, flags);
}

/* ------------------------------------------------------------------ end */

void la_prep_shutdown(struct la_op *pub, int fd, int how)
{
	prep(pub, &sys_shutdown_class, fd)->u.shutdown.how = how;
}

void la_prep_close(struct la_op *pub, int fd)
{
	prep(pub, &sys_close_class, fd);
}

/* ------------------------------------------------------------------ names, options */

static void prep_name(struct la_op *pub, const struct op_class *class, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct op *op = prep(pub, class, fd);

	op->u.name.addr = addr;
	op->u.name.len = len;
}

void la_prep_getsockname(struct la_op *pub, int fd, struct sockaddr *addr, socklen_t *len)
{
	prep_name(pub, &sys_getsockname, fd, addr, len);
}

void la_prep_getpeername(struct la_op *pub, int fd, struct sockaddr *addr, socklen_t *len)
{
	prep_name(pub, &sys_getpeername, fd, addr, len);
}

static struct op *prep_opt(struct la_op *pub, const struct op_class *class, int fd, int level, int name,
			   const void *value)
{
	struct op *op = prep(pub, class, fd);

	op->u.opt.level = level;
	op->u.opt.name = name;
	op->u.opt.value = (void *)value;
	return op;
}

void la_prep_getsockopt(struct la_op *pub, int fd, int level, int name, void *value, socklen_t *len)
{
	prep_opt(pub, &sys_getsockopt, fd, level, name, value)->u.opt.lenp = len;
}

void la_prep_setsockopt(struct la_op *pub, int fd, int level, int name, const void *value, socklen_t len)
{
	prep_opt(pub, &sys_setsockopt, fd, level, name, value)->u.opt.len = len;
}

void la_prep_ioctl(struct la_op *pub, int fd, unsigned long request, void *arg)
{
	struct op *op = prep(pub, &sys_ioctl, fd);

	op->u.ioctl.request = request;
	op->u.ioctl.arg = arg;
}

/* ------------------------------------------------------------------ descriptors */

void la_prep_fcntl(struct la_op *pub, int fd, int cmd, long arg)
{
	struct op *op = prep(pub, &sys_fcntl, fd);

	op->u.fcntl.cmd = cmd;
	op->u.fcntl.arg = arg;
}

void la_prep_dup(struct la_op *pub, int fd)
{
	prep(pub, &sys_dup, fd);
}

void la_prep_dup2(struct la_op *pub, int fd, int newfd)
{
	prep(pub, &sys_dup2, fd)->u.dup.newfd = newfd;
}

void la_prep_dup3(struct la_op *pub, int fd, int newfd, int flags)
{
	struct op *op = prep(pub, &sys_dup3, fd);

	op->u.dup.newfd = newfd;
	op->u.dup.flags = flags;
}

/* ------------------------------------------------------------------ waiting for many */

void la_prep_poll(struct la_op *pub, struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	struct op *op = prep(pub, &sys_poll, -1);

	op->u.poll.fds = fds;
	op->u.poll.nfds = nfds;
	op->u.poll.timeout_ms = timeout_ms;
}

void la_prep_epoll_create1(struct la_op *pub, int flags)
{
	prep(pub, &sys_epoll_create1, -1)->u.epoll_create.flags = flags;
}

void la_prep_epoll_ctl(struct la_op *pub, int epfd, int how, int fd, struct epoll_event *event)
{
	struct op *op = prep(pub, &sys_epoll_ctl, epfd);

	op->u.epoll_ctl.how = how;
	op->u.epoll_ctl.fd = fd;
	op->u.epoll_ctl.event = event;
}

void la_prep_epoll_wait(struct la_op *pub, int epfd, struct epoll_event *events, int maxevents, int timeout_ms)
{
	struct op *op = prep(pub, &sys_epoll_wait, epfd);

	op->u.epoll_wait.events = events;
	op->u.epoll_wait.fds = NULL;
	op->u.epoll_wait.max = maxevents;
	op->u.epoll_wait.timeout_ms = timeout_ms;
}

void la_epoll_wait_numbers(struct la_op *pub, int *fds)
{
	op_of(pub)->u.epoll_wait.fds = fds;
}

/* ------------------------------------------------------------------ the other way round, for pictures and tests */

void la_op_describe(const struct la_op *pub, struct la_op_description *d)
{
	const struct op *op = op_of((struct la_op *)pub);
	const struct op_class *class = op->class;

	*d = (struct la_op_description){.name = class->name, .fd = op->fd};
	if (class == &sys_shutdown_class) {
		d->args[0] = op->u.shutdown.how;
	} else if (class == &sys_setsockopt || class == &sys_getsockopt) {
		d->args[0] = op->u.opt.level;
		d->args[1] = op->u.opt.name;
	} else if (class == &sys_recvmsg || class == &sys_sendmsg) {
		d->args[0] = op->u.io.flags;
		d->len = op->u.io.iov == &op->u.io.one ? op->u.io.one.iov_len : 0;
	} else if (class == &sys_accept4) {
		d->args[0] = op->u.name.flags;
	} else if (class == &sys_dup2 || class == &sys_dup3) {
		d->args[0] = op->u.dup.newfd;
	}
}
