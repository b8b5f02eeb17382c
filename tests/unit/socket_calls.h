/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/socket_calls.h - system calls for tests that can be run on the library and on the kernel
 *
 * The same file is a unit test of the library and, compiled with -DON_LINUX, the question to the oracle:
 *
 *	gcc -DON_LINUX -D_GNU_SOURCE -Iinclude tests/unit/socket_errors.c -lcmocka -o t &&
 *	unshare -rn sh -c 'ip link set lo up && ./t'
 *
 * Calls return the result or a negative errno, and never wait: sockets are non-blocking, settle() lets the network
 * work.
 */
#ifndef SOCKET_CALLS_H
#define SOCKET_CALLS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cmocka.h>

#define BAD_FD 999

#ifdef ON_LINUX
/* ------------------------------------------------------------------ the kernel */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define R(call) \
	({ \
		int64_t r_ = (call); \
		r_ < 0 ? -errno : r_; \
	})
/* Raw, so that the C library neither faults on a NULL nor thinks for itself. */
#define sys_socket(d, t, p)		R(socket(d, t, p))
#define sys_bind(...)			R(syscall(SYS_bind, __VA_ARGS__))
#define sys_listen(fd, b)		R(listen(fd, b))
#define sys_connect(...)		R(syscall(SYS_connect, __VA_ARGS__))
#define sys_accept4(fd, a, l, f)	R(syscall(SYS_accept4, fd, a, l, f))
#define sys_read(fd, b, n)		R(syscall(SYS_read, fd, b, n))
#define sys_write(fd, b, n)		R(syscall(SYS_write, fd, b, n))
#define sys_readv(fd, v, n)		R(syscall(SYS_readv, fd, v, n))
#define sys_writev(fd, v, n)		R(syscall(SYS_writev, fd, v, n))
#define sys_recv(fd, b, n, f)		R(syscall(SYS_recvfrom, fd, b, n, f, NULL, NULL))
#define sys_send(fd, b, n, f)		R(syscall(SYS_sendto, fd, b, n, f, NULL, 0))
#define sys_recvfrom(fd, b, n, f, a, l) R(syscall(SYS_recvfrom, fd, b, n, f, a, l))
#define sys_sendto(fd, b, n, f, a, l)	R(syscall(SYS_sendto, fd, b, n, f, a, l))
#define sys_recvmsg(fd, m, f)		R(syscall(SYS_recvmsg, fd, m, f))
#define sys_sendmsg(fd, m, f)		R(syscall(SYS_sendmsg, fd, m, f))
#define sys_shutdown(fd, h)		R(shutdown(fd, h))
#define sys_close(fd)			R(close(fd))
#define sys_getsockname(fd, a, l)	R(syscall(SYS_getsockname, fd, a, l))
#define sys_getpeername(fd, a, l)	R(syscall(SYS_getpeername, fd, a, l))
#define sys_getsockopt(fd, v, n, p, l)	R(syscall(SYS_getsockopt, fd, v, n, p, l))
#define sys_setsockopt(fd, v, n, p, l)	R(syscall(SYS_setsockopt, fd, v, n, p, l))
#define sys_ioctl(fd, r, p)		R(ioctl(fd, r, p))
#define sys_fcntl(fd, c, a)		R(fcntl(fd, c, a))
#define sys_poll(p, n)			R(poll(p, n, 0))
#define sys_epoll_create1(f)		R(epoll_create1(f))

static inline void settle(void)
{
	usleep(60000);
}
static inline int calls_begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return 0;
}
static inline int calls_end(void **state)
{
	(void)state;
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	return 0;
}

#else
/* ------------------------------------------------------------------ the library */
#include <lastack/socket.h>

static struct {
	struct la_env_seeded env;
	struct la_stack *stack;
	struct la_task *task;
	uint64_t now_ns;
	int signal; /* of the last call */
} calls;

/* One call by its la_prep_*() name, which must not wait. */
#define CALL(what, ...) \
	({ \
		struct la_op op_ = {0}; \
		la_prep_##what(&op_, ##__VA_ARGS__); \
		assert_int_equal(la_submit(calls.task, &op_, calls.now_ns), LA_DONE); \
		calls.signal = op_.signal; \
		op_.result; \
	})
#define sys_socket(d, t, p)		CALL(socket, d, t, p)
#define sys_bind(...)			CALL(bind, __VA_ARGS__)
#define sys_listen(fd, b)		CALL(listen, fd, b)
#define sys_connect(...)		CALL(connect, __VA_ARGS__)
#define sys_accept4(fd, a, l, f)	CALL(accept4, fd, a, l, f)
#define sys_read(fd, b, n)		CALL(read, fd, b, n)
#define sys_write(fd, b, n)		CALL(write, fd, b, n)
#define sys_readv(fd, v, n)		CALL(readv, fd, v, n)
#define sys_writev(fd, v, n)		CALL(writev, fd, v, n)
#define sys_recv(fd, b, n, f)		CALL(recv, fd, b, n, f)
#define sys_send(fd, b, n, f)		CALL(send, fd, b, n, f)
#define sys_recvfrom(fd, b, n, f, a, l) CALL(recvfrom, fd, b, n, f, a, l)
#define sys_sendto(fd, b, n, f, a, l)	CALL(sendto, fd, b, n, f, a, l)
#define sys_recvmsg(fd, m, f)		CALL(recvmsg, fd, m, f)
#define sys_sendmsg(fd, m, f)		CALL(sendmsg, fd, m, f)
#define sys_shutdown(fd, h)		CALL(shutdown, fd, h)
#define sys_close(fd)			CALL(close, fd)
#define sys_getsockname(fd, a, l)	CALL(getsockname, fd, a, l)
#define sys_getpeername(fd, a, l)	CALL(getpeername, fd, a, l)
#define sys_getsockopt(fd, v, n, p, l)	CALL(getsockopt, fd, v, n, p, l)
#define sys_setsockopt(fd, v, n, p, l)	CALL(setsockopt, fd, v, n, p, l)
#define sys_ioctl(fd, r, p)		CALL(ioctl, fd, r, p)
#define sys_fcntl(fd, c, a)		CALL(fcntl, fd, c, a)
#define sys_poll(p, n)			CALL(poll, p, n, 0)
#define sys_epoll_create1(f)		CALL(epoll_create1, f)

static inline void run_ms(uint64_t ms)
{
	uint64_t end_ns = calls.now_ns + ms * 1000000, next_ns;

	while ((next_ns = la_deadline_ns(calls.stack)) <= end_ns) {
		calls.now_ns = next_ns > calls.now_ns ? next_ns : calls.now_ns;
		la_advance(calls.stack, calls.now_ns);
	}
	calls.now_ns = end_ns;
	la_advance(calls.stack, end_ns);
	assert_null(la_check(calls.stack));
}
static inline void settle(void)
{
	run_ms(60);
}

static inline int calls_begin(void **state)
{
	(void)state;
	memset(&calls, 0, sizeof(calls));
	la_env_seeded_init(&calls.env, 1);
	calls.now_ns = 1000000000;
	calls.stack = la_stack_new(&calls.env.env, calls.now_ns);
	calls.task = la_task_new(calls.stack);
	for (int i = 0; i < 3; i++) /* so that numbers are those of a program with its three */
		la_socket(calls.task, AF_INET, SOCK_STREAM, 0, calls.now_ns);
	return !calls.task;
}

/* All that is open is closed by exit, and nothing may be left. */
static inline int calls_end(void **state)
{
	struct la_usage usage;

	(void)state;
	la_task_exit(calls.task, calls.now_ns);
	run_ms(3600 * 1000);
	la_usage(calls.stack, &usage);
	la_stack_free(calls.stack);
	return usage.socks || usage.requests || usage.timewaits || usage.skbs || usage.files || usage.sockets ||
	       usage.timers;
}
#endif

/* ------------------------------------------------------------------ beginnings */

static inline struct sockaddr_in in4(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
	return a;
}

static inline struct sockaddr_in6 in6(const char *ip, uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET6, ip, &a.sin6_addr), 1);
	return a;
}

#define SA(a) (struct sockaddr *)&(a), sizeof(a)

static inline int tcp4(void)
{
	return (int)sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}
static inline int tcp6(void)
{
	return (int)sys_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static inline int listener(struct sockaddr_in *at)
{
	int fd = tcp4();
	socklen_t len = sizeof(*at);

	*at = in4("127.0.0.1", 0);
	assert_int_equal(sys_bind(fd, SA(*at)), 0);
	assert_int_equal(sys_listen(fd, 8), 0);
	assert_int_equal(sys_getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* Two ends of a connection; the accepted one is @mine. */
static inline void pair(int *mine, int *peer)
{
	struct sockaddr_in at;
	int l = listener(&at);

	*peer = tcp4();
	assert_int_equal(sys_connect(*peer, SA(at)), -EINPROGRESS);
	settle();
	assert_int_equal(sys_connect(*peer, SA(at)), 0);
	*mine = (int)sys_accept4(l, NULL, NULL, SOCK_NONBLOCK);
	assert_true(*mine >= 0);
	assert_int_equal(sys_close(l), 0);
}

static inline int64_t set_int(int fd, int level, int name, int v)
{
	return sys_setsockopt(fd, level, name, &v, sizeof(v));
}

static inline int get_int(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof(v);
	int64_t err = sys_getsockopt(fd, level, name, &v, &len);

	return err ? (int)err : v;
}

static inline int64_t set_linger(int fd, int onoff, int seconds)
{
	struct linger l = {.l_onoff = onoff, .l_linger = seconds};

	return sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static inline int polled(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};

	sys_poll(&p, 1);
	return p.revents;
}

#endif
