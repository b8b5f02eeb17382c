/* SPDX-License-Identifier: MIT */
/*
 * host/preload/names.c - socket(), names, connections, options: calls that move no payload
 *
 * Each asks whose number it is; the kernel's go to libc, the stack's become one call of the segment. What Linux checks
 * before it looks at the protocol (lengths, pointers) is checked here, in its order.
 */
#include "host/preload/loopback.h"
#include "host/preload/user.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define TYPE_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* A call of one file that carries a name in or out, or nothing. */
struct named {
	enum seg_call what;
	int fd;
	seg_handle file;
	uint64_t arg[3];
};

static int64_t call_name_in(const struct named *n, const struct sockaddr *addr, socklen_t len)
{
	struct call call;
	int err = call_begin(&call, n->what, n->file);

	if (err < 0)
		return err;
	call.slot->number = n->fd;
	memcpy(call.slot->arg, n->arg, sizeof(n->arg));
	err = name_in(&call, addr, len);
	if (err < 0)
		call.slot->result = err;
	else
		call_wait(&call);
	return call_end(&call);
}

static int64_t call_name_out(const struct named *n, struct sockaddr *addr, socklen_t *len)
{
	struct call call;
	int err = call_begin(&call, n->what, n->file);

	if (err < 0)
		return err;
	call.slot->number = n->fd;
	if (call_wait(&call) >= 0) {
		err = name_out(&call, addr, len);
		if (err < 0)
			call.slot->result = err;
	}
	return call_end(&call);
}

/* ------------------------------------------------------------------ new sockets */

static int64_t stack_socket(int domain, int type, int protocol)
{
	struct call call;
	int fd = call_begin(&call, CALL_SOCKET, 0);

	if (fd < 0)
		return fd;
	fd = spare_open(&call);
	if (fd < 0) {
		call_end(&call);
		return fd;
	}
	call.slot->number = fd;
	call.slot->arg[0] = (uint64_t)domain;
	call.slot->arg[1] = (uint64_t)type;
	call.slot->arg[2] = (uint64_t)protocol;
	call_wait(&call);
	fd = spare_close(&call, fd, SEG_KIND_SOCKET, type & SOCK_CLOEXEC);
	call_end(&call);
	return fd;
}

EXPORT int socket(int domain, int type, int protocol)
{
	shim_ready();
	if (!shim_configured() || (domain != AF_INET && domain != AF_INET6) || (type & ~TYPE_FLAGS) != SOCK_STREAM)
		return real.socket(domain, type, protocol);
	if (protocol == IPPROTO_MPTCP)
		return (int)give(-EPROTONOSUPPORT); /* programs that would like it fall back to TCP */
	if (protocol != 0 && protocol != IPPROTO_TCP)
		return real.socket(domain, type, protocol);
	return (int)give(stack_socket(domain, type, protocol));
}

static int64_t stack_accept(int listener, seg_handle file, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct call call;
	int fd, err;

	if (flags & ~TYPE_FLAGS)
		return -EINVAL;
	fd = call_begin(&call, CALL_ACCEPT4, file);
	if (fd < 0)
		return fd;
	fd = spare_open(&call);
	if (fd < 0) {
		call_end(&call);
		return fd;
	}
	call.slot->number = listener;
	call.slot->arg[0] = (uint64_t)flags;
	call.slot->arg[1] = addr != NULL;
	err = call_wait(&call) >= 0 && addr ? name_out(&call, addr, len) : 0;
	if (err < 0)
		call.slot->result = err; /* the connection is closed again */
	fd = spare_close(&call, fd, SEG_KIND_SOCKET, flags & SOCK_CLOEXEC);
	call_end(&call);
	return fd;
}

EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	seg_handle file = stack_handle(fd);

	return file ? (int)give(stack_accept(fd, file, addr, len, flags)) : real.accept4(fd, addr, len, flags);
}

EXPORT int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	seg_handle file = stack_handle(fd);

	return file ? (int)give(stack_accept(fd, file, addr, len, 0)) : real.accept(fd, addr, len);
}

/* ------------------------------------------------------------------ names and connections */

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct named n = {CALL_BIND, fd, stack_handle(fd), {0}};

	if (!n.file || loopback_gives_way(fd, n.file, addr, len))
		return real.bind(fd, addr, len);
	return (int)give(call_name_in(&n, addr, len));
}

EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct named n = {CALL_CONNECT, fd, stack_handle(fd), {0}};

	if (!n.file || loopback_gives_way(fd, n.file, addr, len))
		return real.connect(fd, addr, len);
	return (int)give(call_name_in(&n, addr, len));
}

EXPORT int listen(int fd, int backlog)
{
	struct named n = {CALL_LISTEN, fd, stack_handle(fd), {(uint64_t)backlog}};

	return n.file ? (int)give(call_name_in(&n, NULL, 0)) : real.listen(fd, backlog);
}

EXPORT int shutdown(int fd, int how)
{
	struct named n = {CALL_SHUTDOWN, fd, stack_handle(fd), {(uint64_t)how}};

	return n.file ? (int)give(call_name_in(&n, NULL, 0)) : real.shutdown(fd, how);
}

EXPORT int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct named n = {CALL_GETSOCKNAME, fd, stack_handle(fd), {0}};

	return n.file ? (int)give(call_name_out(&n, addr, len)) : real.getsockname(fd, addr, len);
}

EXPORT int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct named n = {CALL_GETPEERNAME, fd, stack_handle(fd), {0}};

	return n.file ? (int)give(call_name_out(&n, addr, len)) : real.getpeername(fd, addr, len);
}

/* ------------------------------------------------------------------ options */

/* The reply's value to the program. */
static int option_out(const struct call *call, void *value, socklen_t *len)
{
	socklen_t got = call->slot->aux_len;

	if (got > SEG_AUX)
		got = SEG_AUX;
	if (got > *len)
		got = *len;
	if (got && !user_readable(value, got))
		return -EFAULT;
	if (got)
		memcpy(value, call->slot->aux, got);
	*len = got;
	return 0;
}

static int64_t stack_getsockopt(int fd, seg_handle file, int level, int name, void *value, socklen_t *len)
{
	struct call call;
	int err;

	if (!user_readable(len, sizeof(*len)))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	err = call_begin(&call, CALL_GETSOCKOPT, file);
	if (err < 0)
		return err;
	call.slot->number = fd;
	call.slot->arg[0] = (uint64_t)level;
	call.slot->arg[1] = (uint64_t)name;
	call.slot->arg[2] = *len < SEG_AUX ? *len : SEG_AUX;
	if (call_wait(&call) >= 0) {
		err = option_out(&call, value, len);
		if (err < 0)
			call.slot->result = err;
	}
	return call_end(&call);
}

EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	seg_handle file = stack_handle(fd);

	if (!file)
		return real.getsockopt(fd, level, name, value, len);
	return (int)give(stack_getsockopt(fd, file, level, name, value, len));
}

static int64_t stack_setsockopt(int fd, seg_handle file, int level, int name, const void *value, socklen_t len)
{
	struct call call;
	int err;

	if ((int)len < 0)
		return -EINVAL;
	if (len > SEG_AUX)
		len = SEG_AUX; /* no option of TCP's is larger */
	if (len && !user_readable(value, len))
		return -EFAULT;
	err = call_begin(&call, CALL_SETSOCKOPT, file);
	if (err < 0)
		return err;
	call.slot->number = fd;
	call.slot->arg[0] = (uint64_t)level;
	call.slot->arg[1] = (uint64_t)name;
	if (len)
		memcpy(call.slot->aux, value, len);
	call.slot->aux_len = len;
	call_wait(&call);
	return call_end(&call);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	seg_handle file = stack_handle(fd);

	if (!file)
		return real.setsockopt(fd, level, name, value, len);
	return (int)give(stack_setsockopt(fd, file, level, name, value, len));
}

/* ------------------------------------------------------------------ ioctl, fcntl */

/* What the request moves: every one that a TCP socket knows moves an int, and FIONBIO and FIOASYNC read theirs. */
static int64_t stack_ioctl(int fd, seg_handle file, unsigned long request, int *value)
{
	bool in = request == FIONBIO || request == FIOASYNC;
	struct call call;
	int err;

	if (in && !user_readable(value, sizeof(*value)))
		return -EFAULT;
	err = call_begin(&call, CALL_IOCTL, file);
	if (err < 0)
		return err;
	call.slot->number = fd;
	call.slot->arg[0] = request;
	call.slot->aux_len = sizeof(*value);
	memset(call.slot->aux, 0, sizeof(*value));
	if (in)
		memcpy(call.slot->aux, value, sizeof(*value));
	if (call_wait(&call) >= 0 && !in) {
		if (!user_readable(value, sizeof(*value)))
			call.slot->result = -EFAULT;
		else
			memcpy(value, call.slot->aux, sizeof(*value));
	}
	return call_end(&call);
}

/* Interfaces, addresses, routes: every socket answers for the machine's. */
static int64_t kernel_ioctl(unsigned long request, void *arg)
{
	long fd = sys(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return fd;
	ret = sys(SYS_ioctl, fd, request, arg);
	sys(SYS_close, fd);
	return ret;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	seg_handle file = stack_handle(fd);
	void *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!file || request == FIOCLEX || request == FIONCLEX)
		return real.ioctl(fd, request, arg);
	if (request >= SIOCADDRT && request <= 0x89ff)
		return (int)give(kernel_ioctl(request, arg));
	return (int)give(stack_ioctl(fd, file, request, arg));
}

EXPORT int sockatmark(int fd)
{
	seg_handle file = stack_handle(fd);
	int64_t ret;
	int at = 0;

	if (!file)
		return real.sockatmark(fd);
	ret = stack_ioctl(fd, file, SIOCATMARK, &at);
	return ret < 0 ? (int)give(ret) : at;
}
