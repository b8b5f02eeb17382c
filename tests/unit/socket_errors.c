// SPDX-License-Identifier: MIT
/* What each call says of a wrong descriptor, state, length or pointer; it can ask the kernel, too (socket_calls.h). */
#include "socket_calls.h"

#define EXPECT(call, result) assert_int_equal(call, result)

static void a_descriptor_that_is_not_open_is_ebadf_everywhere(void **state)
{
	struct sockaddr_in a = in4("127.0.0.1", 1);
	struct iovec v = {.iov_base = "x", .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	socklen_t len = sizeof(a);
	char c[4];

	(void)state;
	for (int fd = -1; fd <= BAD_FD; fd += BAD_FD + 1) {
		EXPECT(sys_bind(fd, SA(a)), -EBADF);
		EXPECT(sys_listen(fd, 1), -EBADF);
		EXPECT(sys_connect(fd, SA(a)), -EBADF);
		EXPECT(sys_accept4(fd, NULL, NULL, 0), -EBADF);
		EXPECT(sys_read(fd, c, 1), -EBADF);
		EXPECT(sys_write(fd, c, 1), -EBADF);
		EXPECT(sys_readv(fd, &v, 1), -EBADF);
		EXPECT(sys_writev(fd, &v, 1), -EBADF);
		EXPECT(sys_recv(fd, c, 1, 0), -EBADF);
		EXPECT(sys_send(fd, c, 1, 0), -EBADF);
		EXPECT(sys_recvmsg(fd, &m, 0), -EBADF);
		EXPECT(sys_sendmsg(fd, &m, 0), -EBADF);
		EXPECT(sys_shutdown(fd, SHUT_WR), -EBADF);
		EXPECT(sys_close(fd), -EBADF);
		EXPECT(sys_getsockname(fd, (struct sockaddr *)&a, &len), -EBADF);
		EXPECT(sys_getpeername(fd, (struct sockaddr *)&a, &len), -EBADF);
		EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, c, &len), -EBADF);
		EXPECT(sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, c, 4), -EBADF);
		EXPECT(sys_ioctl(fd, FIONREAD, c), -EBADF);
		EXPECT(sys_fcntl(fd, F_GETFD, 0), -EBADF);
	}
}

static void a_file_that_is_no_socket_is_enotsock_or_einval(void **state)
{
	struct sockaddr_in a = in4("127.0.0.1", 1);
	struct iovec v = {.iov_base = "x", .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	socklen_t len = sizeof(a);
	char c[4];
	int fd = (int)sys_epoll_create1(0);

	(void)state;
	EXPECT(sys_bind(fd, SA(a)), -ENOTSOCK);
	EXPECT(sys_listen(fd, 1), -ENOTSOCK);
	EXPECT(sys_connect(fd, SA(a)), -ENOTSOCK);
	EXPECT(sys_accept4(fd, NULL, NULL, 0), -ENOTSOCK);
	EXPECT(sys_accept4(fd, NULL, NULL, ~0), -EINVAL); /* flags are looked at first */
	EXPECT(sys_read(fd, c, 1), -EINVAL);
	EXPECT(sys_write(fd, c, 1), -EINVAL);
	EXPECT(sys_recv(fd, c, 1, 0), -ENOTSOCK);
	EXPECT(sys_send(fd, c, 1, 0), -ENOTSOCK);
	EXPECT(sys_recvmsg(fd, &m, 0), -ENOTSOCK);
	EXPECT(sys_sendmsg(fd, &m, 0), -ENOTSOCK);
	EXPECT(sys_shutdown(fd, SHUT_WR), -ENOTSOCK);
	EXPECT(sys_shutdown(fd, 77), -ENOTSOCK);
	EXPECT(sys_getsockname(fd, (struct sockaddr *)&a, &len), -ENOTSOCK);
	EXPECT(sys_getpeername(fd, (struct sockaddr *)&a, &len), -ENOTSOCK);
	EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, c, &len), -ENOTSOCK);
	EXPECT(sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, c, 4), -ENOTSOCK);
	EXPECT(sys_ioctl(fd, FIONREAD, c), -EINVAL);
	EXPECT(sys_close(fd), 0);
}

static void socket_knows_its_families_types_and_protocols(void **state)
{
	static const struct {
		int domain, type, protocol, result;
	} t[] = {
		{AF_INET, SOCK_STREAM, 17, -EPROTONOSUPPORT},
		{AF_INET6, SOCK_STREAM, 17, -EPROTONOSUPPORT},
		{AF_INET, SOCK_STREAM, 263, -EINVAL},
		{AF_INET, SOCK_STREAM, -1, -EINVAL},
		{AF_INET, SOCK_RDM, 0, -ESOCKTNOSUPPORT},
		{AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT},
		{AF_INET, 0, 0, -ESOCKTNOSUPPORT},
		{AF_INET, 11, 0, -EINVAL},
		{AF_UNSPEC, SOCK_STREAM, 0, -EAFNOSUPPORT},
		{99, SOCK_STREAM, 0, -EAFNOSUPPORT},
		{45, SOCK_STREAM, 0, -EAFNOSUPPORT},
		{-1, SOCK_STREAM, 0, -EAFNOSUPPORT},
		{AF_INET, SOCK_STREAM | 0x100000, 0, -EINVAL},
		{99, SOCK_STREAM | 0x100000, 0, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		EXPECT(sys_socket(t[i].domain, t[i].type, t[i].protocol), t[i].result);
	EXPECT(sys_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP), 3);
	EXPECT(sys_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 4);
	EXPECT(sys_fcntl(3, F_GETFD, 0), 0);
	EXPECT(sys_fcntl(4, F_GETFD, 0), FD_CLOEXEC);
	EXPECT(sys_fcntl(3, F_GETFL, 0), O_RDWR);
	EXPECT(sys_fcntl(4, F_GETFL, 0), O_RDWR | O_NONBLOCK);
}

static void bind_looks_at_length_family_address_and_state(void **state)
{
	struct sockaddr_in a = in4("127.0.0.1", 0), strange = in4("10.99.99.99", 0), other = a, any = in4("0.0.0.0", 0);
	struct sockaddr_in6 b = in6("::1", 0), b4 = in6("::ffff:127.0.0.1", 0), group = in6("ff02::1", 0),
			    link = in6("fe80::1", 0);
	struct sockaddr_in6 none = in6("2001:db8::1", 0);
	struct sockaddr_storage big = {.ss_family = AF_INET};
	int s = tcp4(), s6;

	(void)state;
	EXPECT(sys_bind(s, NULL, sizeof(a)), -EFAULT);
	EXPECT(sys_bind(s, NULL, 0), -EINVAL);
	EXPECT(sys_bind(s, (struct sockaddr *)&a, 15), -EINVAL);
	EXPECT(sys_bind(s, (struct sockaddr *)&big, 129), -EINVAL);
	EXPECT(sys_bind(s, (struct sockaddr *)&a, (socklen_t)-1), -EINVAL);
	other.sin_family = AF_INET6;
	EXPECT(sys_bind(s, SA(other)), -EAFNOSUPPORT);
	other.sin_family = AF_UNSPEC; /* forgiven for 0.0.0.0 alone */
	EXPECT(sys_bind(s, SA(other)), -EAFNOSUPPORT);
	EXPECT(sys_bind(s, SA(strange)), -EADDRNOTAVAIL);
	any.sin_family = AF_UNSPEC;
	EXPECT(sys_bind(s, SA(any)), 0);
	EXPECT(sys_bind(s, SA(a)), -EINVAL);		  /* once */
	EXPECT(sys_bind(s, SA(strange)), -EADDRNOTAVAIL); /* IPv4 looks at the address first */

	s6 = tcp6();
	EXPECT(sys_bind(s6, (struct sockaddr *)&b, 23), -EINVAL);
	EXPECT(sys_bind(s6, SA(a)), -EINVAL);
	EXPECT(sys_bind(s6, SA(group)), -EINVAL);
	EXPECT(sys_bind(s6, SA(link)), -EINVAL);
	EXPECT(sys_bind(s6, SA(none)), -EADDRNOTAVAIL);
	EXPECT(set_int(s6, SOL_IPV6, IPV6_V6ONLY, 1), 0);
	EXPECT(sys_bind(s6, SA(b4)), -EINVAL);
	EXPECT(sys_bind(s6, (struct sockaddr *)&b, 24), 0); /* as before there were scopes */
	EXPECT(sys_bind(s6, SA(none)), -EINVAL);	    /* IPv6 looks at the socket first */
	EXPECT(set_int(s6, SOL_IPV6, IPV6_V6ONLY, 0), -EINVAL);
}

static void listen_wants_a_socket_that_is_nothing_else(void **state)
{
	struct sockaddr_in at;
	int mine, peer, l = listener(&at), s = tcp4();

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_listen(mine, 1), -EINVAL);
	EXPECT(sys_listen(peer, 1), -EINVAL);
	EXPECT(sys_listen(l, 5), 0); /* again: only the backlog */
	EXPECT(sys_listen(s, -1), 0);
	EXPECT(sys_bind(s, SA(at)), -EINVAL);
	EXPECT(get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 1);
	EXPECT(set_linger(peer, 1, 0), 0);
	EXPECT(sys_close(peer), 0);
	settle();
	EXPECT(sys_listen(mine, 1), -EINVAL); /* reset, and "connected" all the same */
}

static void connect_looks_at_length_family_address_and_state(void **state)
{
	static const char *const unreachable[] = {"255.255.255.255", "224.0.0.1", "10.9.9.9", "240.0.0.1"};
	struct sockaddr_in a = in4("127.0.0.1", 1), at;
	struct sockaddr_in6 b = in6("::1", 1), link = in6("fe80::1", 1), group = in6("ff02::1", 1),
			    b4 = in6("::ffff:127.0.0.1", 1);
	int s = tcp4(), s6 = tcp6(), l = listener(&at), mine, peer;

	(void)state;
	EXPECT(sys_connect(s, NULL, sizeof(a)), -EFAULT);
	EXPECT(sys_connect(s, NULL, 0), -EINVAL);
	EXPECT(sys_connect(s, (struct sockaddr *)&a, 1), -EINVAL);
	EXPECT(sys_connect(s, (struct sockaddr *)&a, 15), -EINVAL);
	EXPECT(sys_connect(s, (struct sockaddr *)&a, 129), -EINVAL);
	EXPECT(sys_connect(s, SA(b)), -EAFNOSUPPORT);
	for (size_t i = 0; i < sizeof(unreachable) / sizeof(*unreachable); i++) {
		a = in4(unreachable[i], 1);
		EXPECT(sys_connect(s, SA(a)), -ENETUNREACH);
	}
	EXPECT(sys_connect(s6, (struct sockaddr *)&b, 23), -EINVAL);
	EXPECT(sys_connect(s6, SA(a)), -EINVAL);
	b.sin6_family = AF_INET;
	EXPECT(sys_connect(s6, SA(b)), -EAFNOSUPPORT);
	EXPECT(sys_connect(s6, SA(link)), -EINVAL);
	EXPECT(sys_connect(s6, SA(group)), -ENETUNREACH);
	EXPECT(set_int(s6, SOL_IPV6, IPV6_V6ONLY, 1), 0);
	EXPECT(sys_connect(s6, SA(b4)), -ENETUNREACH);
	EXPECT(sys_connect(l, SA(at)), -EISCONN);
	pair(&mine, &peer);
	EXPECT(sys_connect(mine, SA(at)), -EISCONN);
	EXPECT(sys_connect(peer, SA(at)), -EISCONN);
}

static void a_refused_connect_says_so_once_and_then_starts_anew(void **state)
{
	struct sockaddr_in at;
	int l = listener(&at), s = tcp4();

	(void)state;
	EXPECT(sys_close(l), 0);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(polled(s), POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT(sys_connect(s, SA(at)), -ECONNREFUSED);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(get_int(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	EXPECT(sys_connect(s, SA(at)), -ECONNABORTED);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(sys_shutdown(s, SHUT_WR), -ENOTCONN);
	EXPECT(sys_connect(s, SA(at)), -EINVAL); /* until AF_UNSPEC */
	at.sin_family = AF_UNSPEC;
	EXPECT(sys_connect(s, SA(at)), 0);
}

static void accept_looks_at_flags_state_and_where_the_name_goes(void **state)
{
	struct sockaddr_in at, name;
	socklen_t len = 3, negative = (socklen_t)-1;
	int s = tcp4(), l = listener(&at), c = tcp4();

	(void)state;
	EXPECT(sys_accept4(s, NULL, NULL, 0), -EINVAL);
	EXPECT(sys_accept4(l, NULL, NULL, O_APPEND), -EINVAL);
	EXPECT(sys_accept4(l, NULL, NULL, 0), -EAGAIN);
	for (int i = 0; i < 3; i++) {
		c = tcp4();
		EXPECT(sys_connect(c, SA(at)), -EINPROGRESS);
	}
	settle();
	EXPECT(polled(l), POLLIN);
	EXPECT(sys_accept4(l, (struct sockaddr *)&name, NULL, 0), -EFAULT); /* the connection is lost with it */
	EXPECT(sys_accept4(l, (struct sockaddr *)&name, &negative, 0), -EINVAL);
	memset(&name, 0x55, sizeof(name));
	EXPECT(sys_accept4(l, (struct sockaddr *)&name, &len, SOCK_CLOEXEC), c + 1);
	EXPECT(len, sizeof(name));
	EXPECT(name.sin_family, AF_INET);
	EXPECT(((uint8_t *)&name)[3], 0x55);
	EXPECT(sys_fcntl(c + 1, F_GETFD, 0), FD_CLOEXEC);
	EXPECT(sys_fcntl(c + 1, F_GETFL, 0), O_RDWR);
	EXPECT(sys_accept4(l, NULL, NULL, 0), -EAGAIN);
}

static void names_are_cut_to_the_room_that_is_there(void **state)
{
	struct sockaddr_in at, name;
	struct sockaddr_in6 name6;
	socklen_t len;
	int l = listener(&at), s = tcp4(), s6 = tcp6(), mine, peer;

	(void)state;
	len = sizeof(name);
	EXPECT(sys_getsockname(s, (struct sockaddr *)&name, NULL), -EFAULT);
	EXPECT(sys_getsockname(s, NULL, &len), -EFAULT);
	len = 0;
	EXPECT(sys_getsockname(s, NULL, &len), 0);
	EXPECT(len, sizeof(name));
	len = (socklen_t)-5;
	EXPECT(sys_getsockname(s, (struct sockaddr *)&name, &len), -EINVAL);
	len = sizeof(name);
	EXPECT(sys_getsockname(s, (struct sockaddr *)&name, &len), 0);
	EXPECT(name.sin_addr.s_addr, 0);
	EXPECT(name.sin_port, 0);
	len = 100;
	EXPECT(sys_getsockname(s6, (struct sockaddr *)&name6, &len), 0);
	EXPECT(len, sizeof(name6));
	EXPECT(name6.sin6_family, AF_INET6);
	len = sizeof(name);
	EXPECT(sys_getpeername(s, (struct sockaddr *)&name, &len), -ENOTCONN);
	EXPECT(sys_getpeername(l, (struct sockaddr *)&name, &len), -ENOTCONN);
	pair(&mine, &peer);
	EXPECT(sys_getpeername(mine, (struct sockaddr *)&name, &len), 0);
	EXPECT(sys_getsockname(peer, (struct sockaddr *)&at, &len), 0);
	EXPECT(memcmp(&at, &name, sizeof(at)), 0);
}

static void absurd_lengths_and_addresses_of_data(void **state)
{
	static struct iovec many[1025];
	struct iovec v[2] = {{.iov_base = "a", .iov_len = 1}, {.iov_base = NULL, .iov_len = 1}},
		     bad = {"x", (size_t)-1};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 1};
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	int mine, peer;
	char buf[16];

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_send(peer, NULL, 1, 0), -EFAULT);
	EXPECT(sys_send(peer, NULL, 0, 0), 0);
	EXPECT(sys_write(peer, NULL, 0), 0);
	EXPECT(sys_sendmsg(peer, NULL, 0), -EFAULT);
	EXPECT(sys_recvmsg(peer, NULL, 0), -EFAULT);
	EXPECT(sys_writev(peer, &bad, 1), -EINVAL);
	EXPECT(sys_writev(peer, v, -1), -EINVAL);
	EXPECT(sys_writev(peer, many, 1025), -EINVAL);
	EXPECT(sys_writev(peer, NULL, 1), -EFAULT);
	EXPECT(sys_writev(peer, many, 1024), 0);
	m.msg_iov = many;
	m.msg_iovlen = 1025;
	EXPECT(sys_sendmsg(peer, &m, 0), -EMSGSIZE);
	EXPECT(sys_recvmsg(peer, &m, 0), -EMSGSIZE);
	m = (struct msghdr){.msg_iov = v, .msg_iovlen = 1, .msg_name = &name, .msg_namelen = (socklen_t)-1};
	EXPECT(sys_sendmsg(peer, &m, 0), -EINVAL);
	EXPECT(sys_recvmsg(peer, &m, 0), -EINVAL);
	EXPECT(sys_recv(mine, buf, 4, 0), -EAGAIN);
	EXPECT(sys_read(mine, buf, 0), 0);		 /* nothing asked, nothing waited for ... */
	EXPECT(sys_recv(mine, buf, 0, 0), -EAGAIN);	 /* ... by recv() it is (WK-11) */
	EXPECT(sys_sendto(peer, "x", 1, 0, NULL, 5), 1); /* no name, whatever length */
	EXPECT(sys_sendto(peer, "x", 1, 0, (struct sockaddr *)&name, 129), -EINVAL);
	EXPECT(sys_sendto(peer, "y", 1, 0, (struct sockaddr *)&name, 3), 1); /* a name means nothing */
	settle();
	EXPECT(sys_recv(mine, NULL, 1, 0), -EFAULT); /* and nothing is lost */
	EXPECT(sys_recvfrom(mine, buf, 1, 0, (struct sockaddr *)&name, &len), 1);
	EXPECT(len, 0);
	m = (struct msghdr){.msg_iov = &(struct iovec){buf, 9},
			    .msg_iovlen = 1,
			    .msg_name = &name,
			    .msg_namelen = 16,
			    .msg_control = buf,
			    .msg_controllen = 8,
			    .msg_flags = ~0};
	EXPECT(sys_recvmsg(mine, &m, 0), 1);
	EXPECT(m.msg_namelen, 0);
	EXPECT(m.msg_controllen, 0);
	EXPECT(m.msg_flags, 0);
	EXPECT(sys_recv(mine, buf, 1, MSG_ERRQUEUE), -EAGAIN);
}

static void control_messages_mean_nothing_but_must_be_sound(void **state)
{
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = IPPROTO_TCP, .cmsg_type = 99}};
	struct iovec v = {.iov_base = "a", .iov_len = 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_sendmsg(peer, &m, 0), 1);
	control.h.cmsg_level = SOL_SOCKET;
	EXPECT(sys_sendmsg(peer, &m, 0), -EINVAL);
	control.h.cmsg_level = IPPROTO_TCP;
	control.h.cmsg_len = 3;
	EXPECT(sys_sendmsg(peer, &m, 0), -EINVAL);
}

static void shutdown_wants_one_of_three_and_a_connection(void **state)
{
	struct sockaddr_in at;
	int s = tcp4(), l = listener(&at), mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_shutdown(s, 3), -EINVAL);
	EXPECT(sys_shutdown(s, -1), -EINVAL);
	EXPECT(sys_shutdown(mine, INT_MAX), -EINVAL);
	EXPECT(sys_shutdown(l, SHUT_WR), 0);
	for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
		EXPECT(sys_shutdown(s, how), -ENOTCONN);
	EXPECT(sys_shutdown(mine, SHUT_RD), 0);
	EXPECT(sys_shutdown(mine, SHUT_RDWR), 0);
	EXPECT(sys_shutdown(mine, SHUT_WR), 0);
	EXPECT(sys_shutdown(l, SHUT_RD), 0);
	EXPECT(polled(l), POLLOUT | POLLHUP);
	EXPECT(sys_shutdown(l, SHUT_RD), -ENOTCONN);
	EXPECT(polled(l), POLLOUT | POLLHUP | POLLIN | POLLRDHUP); /* the mark is there all the same */
	EXPECT(sys_accept4(l, NULL, NULL, 0), -EINVAL);
}

/* SH-17: the marks of a shutdown() that failed are there when the socket connects. */
static void a_failed_shutdown_marks_the_connection_that_follows(void **state)
{
	struct sockaddr_in at, unspec = {.sin_family = AF_UNSPEC};
	int l = listener(&at), s = tcp4();
	char c;

	(void)state;
	EXPECT(sys_shutdown(s, SHUT_WR), -ENOTCONN);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(sys_connect(s, SA(at)), 0);
	EXPECT(sys_send(s, "x", 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(sys_recv(s, &c, 1, 0), -EAGAIN);
	EXPECT(sys_connect(s, SA(unspec)), 0);
	EXPECT(get_int(s, SOL_SOCKET, SO_ERROR), ECONNRESET);
	EXPECT(sys_shutdown(s, SHUT_RD), -ENOTCONN);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(sys_recv(s, &c, 1, 0), 0);
	EXPECT(sys_send(s, "x", 1, 0), 1);
	(void)l;
}

/* Section 20: what read and write say where there is no connection. */
static void reading_and_writing_without_a_connection(void **state)
{
	struct sockaddr_in at;
	int s = tcp4(), l = listener(&at), c = tcp4();
	char b;

	(void)state;
	EXPECT(sys_recv(s, &b, 1, 0), -ENOTCONN);
	EXPECT(sys_send(s, &b, 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(sys_write(s, "", 0), -EPIPE);
	EXPECT(sys_recv(l, &b, 1, 0), -ENOTCONN);
	EXPECT(sys_recv(l, &b, 1, MSG_OOB), -ENOTCONN);
	EXPECT(sys_send(l, &b, 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(sys_recv(s, &b, 1, MSG_OOB), -EINVAL);
	EXPECT(polled(s), POLLOUT | POLLHUP);
	EXPECT(sys_connect(c, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(sys_send(c, &b, 1, 0), 1); /* it is up, told or not */
	EXPECT(sys_ioctl(l, FIONREAD, &(int){0}), -EINVAL);
	EXPECT(sys_ioctl(l, TIOCOUTQ, &(int){0}), -EINVAL);
	EXPECT(sys_ioctl(s, FIONREAD, NULL), -EFAULT);
	EXPECT(sys_ioctl(s, 0x12345, NULL), -ENOTTY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_descriptor_that_is_not_open_is_ebadf_everywhere),
		T(a_file_that_is_no_socket_is_enotsock_or_einval),
		T(socket_knows_its_families_types_and_protocols),
		T(bind_looks_at_length_family_address_and_state),
		T(listen_wants_a_socket_that_is_nothing_else),
		T(connect_looks_at_length_family_address_and_state),
		T(a_refused_connect_says_so_once_and_then_starts_anew),
		T(accept_looks_at_flags_state_and_where_the_name_goes),
		T(names_are_cut_to_the_room_that_is_there),
		T(absurd_lengths_and_addresses_of_data),
		T(control_messages_mean_nothing_but_must_be_sound),
		T(shutdown_wants_one_of_three_and_a_connection),
		T(a_failed_shutdown_marks_the_connection_that_follows),
		T(reading_and_writing_without_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
