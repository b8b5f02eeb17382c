/* SPDX-License-Identifier: MIT */
/*
 * host/preload/loopback.c - `--loopback kernel`: 127.0.0.1 and ::1 are the machine's own
 *
 * In:   bind() or connect() of a stack socket to a loopback address.
 * Here: a socket of the kernel's takes its place: options replayed, put over every number that this process knows it by.
 * Out:  libc's bind() or connect(), and everything after, is the kernel's.
 *
 * Only a fresh socket can change sides: one that has a name or a peer stays. A set that watched it already has lost it, and
 * so have processes that got it by fork before.
 */
#include "host/preload/loopback.h"
#include "host/preload/state.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

struct option {
	int level, name;
};

/* Those with a meaning before bind() and connect(); what nobody set is the same on both sides, or harmless to say. */
static const struct option options[] = {
	{SOL_SOCKET, SO_REUSEADDR},	 {SOL_SOCKET, SO_REUSEPORT},	  {SOL_SOCKET, SO_KEEPALIVE},
	{SOL_SOCKET, SO_LINGER},	 {SOL_SOCKET, SO_OOBINLINE},	  {SOL_SOCKET, SO_RCVLOWAT},
	{SOL_SOCKET, SO_RCVTIMEO},	 {SOL_SOCKET, SO_SNDTIMEO},	  {IPPROTO_TCP, TCP_NODELAY},
	{IPPROTO_TCP, TCP_CORK},	 {IPPROTO_TCP, TCP_KEEPIDLE},	  {IPPROTO_TCP, TCP_KEEPINTVL},
	{IPPROTO_TCP, TCP_KEEPCNT},	 {IPPROTO_TCP, TCP_SYNCNT},	  {IPPROTO_TCP, TCP_LINGER2},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT}, {IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_IP, IP_TOS},
	{IPPROTO_IPV6, IPV6_V6ONLY},
};

static bool is_loopback(const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (len >= sizeof(*in) && addr->sa_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (len < sizeof(*in6) || addr->sa_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && in6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

/* The value's length, 0: the stack has no such option for this socket. */
static socklen_t option_get(seg_handle file, const struct option *option, void *value, socklen_t room)
{
	struct call call;
	socklen_t len = 0;

	if (call_begin(&call, CALL_GETSOCKOPT, file) < 0)
		return 0;
	call.slot->arg[0] = (uint64_t)option->level;
	call.slot->arg[1] = (uint64_t)option->name;
	call.slot->arg[2] = room;
	if (call_wait(&call) >= 0 && call.slot->aux_len <= room) {
		len = call.slot->aux_len;
		memcpy(value, call.slot->aux, len);
	}
	call_end(&call);
	return len;
}

static void options_replay(seg_handle file, int fd)
{
	uint8_t value[64], old[64];

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		socklen_t len = option_get(file, &options[i], value, sizeof(value)), old_len = sizeof(old);

		if (!len || sys(SYS_getsockopt, fd, options[i].level, options[i].name, old, &old_len) < 0)
			continue;
		if (len != old_len || memcmp(value, old, len))
			sys(SYS_setsockopt, fd, options[i].level, options[i].name, value, len);
	}
}

static bool is_fresh(seg_handle file)
{
	struct seg_message message = {.kind = SEG_KERNEL_SOCKET, .arg = {file}};
	const struct sockaddr_in *name;
	uint64_t mask = state_lock();
	struct call call;
	bool fresh = control_send(&message, -1) == 0 && control_receive(&message, NULL, 0) >= 0;

	state_unlock(mask);
	if (!fresh || call_begin(&call, CALL_GETSOCKNAME, file) < 0)
		return false;
	name = (const void *)call.slot->aux;
	fresh = call_wait(&call) >= 0 && name->sin_port == 0; /* at the same place in IPv6 */
	call_end(&call);
	return fresh;
}

static int kernel_twin(seg_handle file)
{
	static const struct option domain_of = {SOL_SOCKET, SO_DOMAIN};
	int64_t flags = call_plain(CALL_FCNTL, file, F_GETFL, 0, 0);
	int nonblock = flags > 0 && flags & O_NONBLOCK ? SOCK_NONBLOCK : 0, domain = AF_INET, fd;

	option_get(file, &domain_of, &domain, sizeof(domain));
	fd = (int)sys(SYS_socket, domain, SOCK_STREAM | SOCK_CLOEXEC | nonblock, 0);
	if (fd >= 0)
		options_replay(file, fd);
	return fd;
}

bool loopback_gives_way(int fd, seg_handle file, const struct sockaddr *addr, socklen_t len)
{
	int twin, number = INT32_MAX;

	if (shim_attach() < 0 || !(state->flags & SEG_LOOPBACK_KERNEL))
		return false;
	if (!user_readable(addr, len) || !is_loopback(addr, len) || !is_fresh(file))
		return false;
	twin = kernel_twin(file);
	if (twin < 0)
		return false;
	while (number > 0 && (number = number_last_known(0, (unsigned int)number - 1)) >= 0)
		if (stack_handle(number) == file)
			dup_onto(twin, number, sys(SYS_fcntl, number, F_GETFD) > 0 ? O_CLOEXEC : 0);
	sys(SYS_close, twin);
	return !stack_handle(fd);
}
