// SPDX-License-Identifier: MIT
/*
 * drill/so/calls.c - the calls of a script, in libc's shape, as operations of the stack
 *
 * Each one: call_begin() - name the stack's descriptor and prepare - call_run() - call_end(). A call that makes a descriptor
 * gives it a placeholder before it returns.
 */
#include "drill/so/interface.h"
#include "drill/so/so.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int fd_of(const struct so_call *call, int fd)
{
	return fd_lookup(call->so, fd);
}

static ssize_t finish(struct so_call *call)
{
	return call_end(call, call_run(call));
}

/* As finish(), for calls whose result is a new descriptor of the stack. */
static int finish_fd(struct so_call *call)
{
	int64_t result = call_run(call);
	int fd;

	if (result < 0)
		return (int)call_end(call, result);
	fd = fd_bind(call->so, (int)result);
	if (fd < 0)
		la_close(call->so->task, (int)result, call->so->now_ns);
	return (int)call_end(call, fd);
}

/* ------------------------------------------------------------------ open, connect, close */

static int so_socket(void *userdata, int domain, int type, int protocol)
{
	struct so_call call;

	call_begin(&call, userdata);
	follow_changes(call.so);
	la_prep_socket(&call.op, domain, type, protocol);
	return finish_fd(&call);
}

static int so_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_bind(&call.op, fd_of(&call, fd), addr, len);
	return (int)finish(&call);
}

static int so_listen(void *userdata, int fd, int backlog)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_listen(&call.op, fd_of(&call, fd), backlog);
	return (int)finish(&call);
}

static int so_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_accept4(&call.op, fd_of(&call, fd), addr, len, 0);
	return finish_fd(&call);
}

static int so_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_connect(&call.op, fd_of(&call, fd), addr, len);
	return (int)finish(&call);
}

static int so_shutdown(void *userdata, int fd, int how)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_shutdown(&call.op, fd_of(&call, fd), how);
	return (int)finish(&call);
}

static int so_close(void *userdata, int fd)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_close(&call.op, fd_release(call.so, fd)); /* the number is free at once, also while close() lingers */
	return (int)finish(&call);
}

/* ------------------------------------------------------------------ data */

static ssize_t so_read(void *userdata, int fd, void *buf, size_t len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_read(&call.op, fd_of(&call, fd), buf, len);
	return finish(&call);
}

static ssize_t so_readv(void *userdata, int fd, const struct iovec *iov, int iovcnt)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_readv(&call.op, fd_of(&call, fd), iov, iovcnt);
	return finish(&call);
}

static ssize_t so_recv(void *userdata, int fd, void *buf, size_t len, int flags)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_recv(&call.op, fd_of(&call, fd), buf, len, flags);
	return finish(&call);
}

static ssize_t so_recvfrom(void *userdata, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			   socklen_t *addrlen)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_recvfrom(&call.op, fd_of(&call, fd), buf, len, flags, addr, addrlen);
	return finish(&call);
}

static ssize_t so_recvmsg(void *userdata, int fd, struct msghdr *msg, int flags)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_recvmsg(&call.op, fd_of(&call, fd), msg, flags);
	return finish(&call);
}

static ssize_t so_write(void *userdata, int fd, const void *buf, size_t len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_write(&call.op, fd_of(&call, fd), buf, len);
	return finish(&call);
}

static ssize_t so_writev(void *userdata, int fd, const struct iovec *iov, int iovcnt)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_writev(&call.op, fd_of(&call, fd), iov, iovcnt);
	return finish(&call);
}

static ssize_t so_send(void *userdata, int fd, const void *buf, size_t len, int flags)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_send(&call.op, fd_of(&call, fd), buf, len, flags);
	return finish(&call);
}

static ssize_t so_sendto(void *userdata, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
			 socklen_t addrlen)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_sendto(&call.op, fd_of(&call, fd), buf, len, flags, addr, addrlen);
	return finish(&call);
}

static ssize_t so_sendmsg(void *userdata, int fd, const struct msghdr *msg, int flags)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_sendmsg(&call.op, fd_of(&call, fd), msg, flags);
	return finish(&call);
}

/* ------------------------------------------------------------------ options and control */

static int so_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_getsockopt(&call.op, fd_of(&call, fd), level, name, value, len);
	return (int)finish(&call);
}

static int so_setsockopt(void *userdata, int fd, int level, int name, const void *value, socklen_t len)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_setsockopt(&call.op, fd_of(&call, fd), level, name, value, len);
	return (int)finish(&call);
}

/* packetdrill passes an int, or nothing where the script has no third argument. */
static int so_fcntl(void *userdata, int fd, int cmd, ...)
{
	bool makes_fd = cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
	bool has_arg = makes_fd || cmd == F_SETFL || cmd == F_SETFD;
	struct so_call call;
	va_list args;
	int arg;

	va_start(args, cmd);
	arg = has_arg ? va_arg(args, int) : 0;
	va_end(args);
	call_begin(&call, userdata);
	la_prep_fcntl(&call.op, fd_of(&call, fd), cmd, makes_fd ? 0 : arg);
	return makes_fd ? finish_fd(&call) : (int)finish(&call);
}

static int so_ioctl(void *userdata, int fd, unsigned long request, ...)
{
	struct so_call call;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	call_begin(&call, userdata);
	la_prep_ioctl(&call.op, fd_of(&call, fd), request, arg);
	return (int)finish(&call);
}

/* ------------------------------------------------------------------ poll, epoll */

/* Works on a copy with the stack's descriptors. revents comes in holding what the script expects and is always written. */
static int so_poll(void *userdata, struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	struct pollfd *copy = calloc(nfds + 1, sizeof(*copy));
	struct so_call call;
	int64_t result = -ENOMEM;

	call_begin(&call, userdata);
	if (copy) {
		for (nfds_t i = 0; i < nfds; i++) {
			copy[i].fd = fds[i].fd < 0 ? fds[i].fd : fd_of(&call, fds[i].fd);
			copy[i].events = fds[i].events;
		}
		la_prep_poll(&call.op, copy, nfds, timeout_ms);
		result = call_run(&call);
	}
	for (nfds_t i = 0; i < nfds; i++)
		fds[i].revents = result >= 0 ? copy[i].revents : 0;
	free(copy);
	return (int)call_end(&call, result);
}

static int so_epoll_create(void *userdata, int size)
{
	struct so_call call;

	call_begin(&call, userdata);
	if (size <= 0)
		return (int)call_end(&call, -EINVAL);
	la_prep_epoll_create1(&call.op, 0);
	return finish_fd(&call);
}

static int so_epoll_ctl(void *userdata, int epfd, int how, int fd, struct epoll_event *event)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_epoll_ctl(&call.op, fd_of(&call, epfd), how, fd_of(&call, fd), event);
	return (int)finish(&call);
}

static int so_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int maxevents, int timeout_ms)
{
	struct so_call call;

	call_begin(&call, userdata);
	la_prep_epoll_wait(&call.op, fd_of(&call, epfd), events, maxevents, timeout_ms);
	return (int)finish(&call);
}

/* ------------------------------------------------------------------ what the stack has not */

static int so_pipe(void *userdata, int fds[2])
{
	(void)userdata;
	(void)fds;
	errno = ENOSYS;
	return -1;
}

static int so_splice(void *userdata, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned flags)
{
	(void)userdata;
	(void)fd_in;
	(void)off_in;
	(void)fd_out;
	(void)off_out;
	(void)len;
	(void)flags;
	errno = ENOSYS;
	return -1;
}

void calls_fill(struct packetdrill_interface *table)
{
	table->socket = so_socket;
	table->bind = so_bind;
	table->listen = so_listen;
	table->accept = so_accept;
	table->connect = so_connect;
	table->read = so_read;
	table->readv = so_readv;
	table->recv = so_recv;
	table->recvfrom = so_recvfrom;
	table->recvmsg = so_recvmsg;
	table->write = so_write;
	table->writev = so_writev;
	table->send = so_send;
	table->sendto = so_sendto;
	table->sendmsg = so_sendmsg;
	table->fcntl = so_fcntl;
	table->ioctl = so_ioctl;
	table->close = so_close;
	table->shutdown = so_shutdown;
	table->getsockopt = so_getsockopt;
	table->setsockopt = so_setsockopt;
	table->poll = so_poll;
	table->epoll_create = so_epoll_create;
	table->epoll_ctl = so_epoll_ctl;
	table->epoll_wait = so_epoll_wait;
	table->pipe = so_pipe;
	table->splice = so_splice;
}
