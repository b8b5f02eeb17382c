// SPDX-License-Identifier: MIT
/* What read, write, poll and the ioctls say of what is there and what is gone; the same file asks the kernel
 * (socket_calls.h). Rows are those of linux-close.md. */
#include "socket_calls.h"

#define EXPECT(call, result) assert_int_equal(call, result)

#define IN_   (POLLIN)
#define OUT   (POLLOUT)
#define RDHUP (POLLRDHUP)
#define HUP   (POLLHUP)
#define ERR   (POLLERR)

static int asked(int fd, unsigned long request)
{
	int v = -1;
	int64_t err = sys_ioctl(fd, request, &v);

	return err ? (int)err : v;
}
#define INQ(fd)	      asked(fd, FIONREAD)
#define OUTQ(fd)      asked(fd, TIOCOUTQ)
#define OUTQ_NSD(fd)  asked(fd, 0x894B) /* SIOCOUTQNSD */
#define AT_MARK(fd)   asked(fd, 0x8905) /* SIOCATMARK */
#define SO_ERROR_(fd) get_int(fd, SOL_SOCKET, SO_ERROR)

#define RECEIVES(fd, flags, text) \
	do { \
		char got_[64] = ""; \
		EXPECT(sys_recv(fd, got_, sizeof(got_), flags), sizeof(text) - 1); \
		EXPECT(memcmp(got_, text, sizeof(text) - 1), 0); \
	} while (0)

static void send_all(int fd, const char *text, int flags)
{
	EXPECT(sys_send(fd, text, strlen(text), flags), strlen(text));
	settle();
}

static void reset_by(int fd)
{
	EXPECT(set_linger(fd, 1, 0), 0);
	EXPECT(sys_close(fd), 0);
	settle();
}

/* ------------------------------------------------------------------ reading */

static void peeking_leaves_everything_and_truncating_throws_away(void **state)
{
	int mine, peer;
	char c[8];

	(void)state;
	pair(&mine, &peer);
	send_all(peer, "abcdef", 0);
	EXPECT(INQ(mine), 6);
	RECEIVES(mine, MSG_PEEK, "abcdef");
	EXPECT(sys_recv(mine, c, 2, MSG_PEEK), 2);
	EXPECT(INQ(mine), 6);
	EXPECT(sys_recv(mine, NULL, 2, MSG_TRUNC), 2);
	EXPECT(sys_recv(mine, c, 1, 0), 1);
	EXPECT(c[0], 'c');
	RECEIVES(mine, MSG_WAITALL, "def"); /* all that there is: the socket does not block */
	EXPECT(sys_recv(mine, c, 1, MSG_PEEK), -EAGAIN);
	EXPECT(INQ(mine), 0);
}

static void vectors_are_filled_one_after_the_other_up_to_a_bad_one(void **state)
{
	char a[2], b[3];
	struct iovec v[] = {{a, 2}, {NULL, 0}, {b, 3}, {NULL, 9}};
	struct iovec w[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_writev(peer, w, 3), 5);
	settle();
	EXPECT(sys_readv(mine, v, 3), 5);
	EXPECT(memcmp(a, "ab", 2) || memcmp(b, "cde", 3), 0);
}

static void so_rcvlowat_is_what_poll_waits_for(void **state)
{
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(set_int(mine, SOL_SOCKET, SO_RCVLOWAT, 5), 0);
	send_all(peer, "abcd", 0);
	EXPECT(polled(mine), OUT);
	send_all(peer, "e", 0);
	EXPECT(polled(mine), OUT | IN_);
	RECEIVES(mine, 0, "abcde");
	send_all(peer, "x", 0);
	EXPECT(polled(mine), OUT);
	EXPECT(sys_shutdown(peer, SHUT_WR), 0);
	settle();
	EXPECT(polled(mine), OUT | IN_ | RDHUP); /* PF-07 */
	RECEIVES(mine, 0, "x");
}

static void the_urgent_byte_stands_beside_the_stream(void **state)
{
	int mine, peer;
	char c;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB), -EINVAL);
	send_all(peer, "abU", MSG_OOB);
	send_all(peer, "cd", 0);
	EXPECT(polled(mine), OUT | IN_ | POLLPRI);
	EXPECT(INQ(mine), 2);
	EXPECT(AT_MARK(mine), 0);
	RECEIVES(mine, 0, "ab"); /* a read ends before it */
	EXPECT(AT_MARK(mine), 1);
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB | MSG_PEEK), 1);
	EXPECT(sys_recv(mine, &c, 0, MSG_OOB | MSG_PEEK), 0);
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB), 1);
	EXPECT(c, 'U');
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB), -EINVAL);
	EXPECT(polled(mine), OUT | IN_);
	RECEIVES(mine, 0, "cd"); /* and passes over it */
	EXPECT(AT_MARK(mine), 0);
	EXPECT(set_int(mine, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	send_all(peer, "eV", MSG_OOB);
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB), -EINVAL);
	RECEIVES(mine, 0, "e");
	RECEIVES(mine, 0, "V");
}

/* A read stopped before an urgent byte, then another comes: the first is stepped over, the bytes between are not. */
static void a_second_urgent_byte_makes_the_first_an_old_one(void **state)
{
	int mine, peer;
	char c;

	(void)state;
	pair(&mine, &peer);
	send_all(peer, "abU", MSG_OOB);
	send_all(peer, "cd", 0);
	RECEIVES(mine, 0, "ab");
	EXPECT(AT_MARK(mine), 1);
	send_all(peer, "efV", MSG_OOB);
	EXPECT(AT_MARK(mine), 0);
	EXPECT(INQ(mine), 4);
	RECEIVES(mine, 0, "cdef");
	EXPECT(sys_recv(mine, &c, 1, MSG_OOB), 1);
	EXPECT(c, 'V');

	pair(&mine, &peer); /* the first stands at the end of what is there */
	send_all(peer, "abU", MSG_OOB);
	RECEIVES(mine, 0, "ab");
	send_all(peer, "V", MSG_OOB);
	EXPECT(AT_MARK(mine), 1);
	EXPECT(sys_recv(mine, &c, 1, 0), -EAGAIN);
}

static void a_message_says_that_it_is_urgent(void **state)
{
	char c;
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	send_all(peer, "U", MSG_OOB);
	EXPECT(sys_recvmsg(mine, &m, MSG_OOB | MSG_PEEK), 1);
	EXPECT(m.msg_flags, MSG_OOB);
	v.iov_len = 0;
	EXPECT(sys_recvmsg(mine, &m, MSG_OOB), 0);
	EXPECT(m.msg_flags, MSG_OOB | MSG_TRUNC);
}

/* ------------------------------------------------------------------ writing */

static void msg_more_and_cork_hold_back_what_siocoutqnsd_counts(void **state)
{
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_send(peer, "abc", 3, MSG_MORE), 3);
	EXPECT(OUTQ(peer), 3);
	EXPECT(OUTQ_NSD(peer), 3);
	EXPECT(INQ(mine), 0);
	send_all(peer, "d", 0);
	EXPECT(OUTQ_NSD(peer), 0);
	RECEIVES(mine, 0, "abcd");
	EXPECT(set_int(peer, IPPROTO_TCP, 3 /* TCP_CORK */, 1), 0);
	EXPECT(sys_write(peer, "e", 1), 1);
	EXPECT(OUTQ_NSD(peer), 1);
	EXPECT(set_int(peer, IPPROTO_TCP, 3, 0), 0);
	settle();
	EXPECT(OUTQ_NSD(peer), 0);
	RECEIVES(mine, 0, "e");
}

static void a_full_connection_takes_no_more_until_the_peer_reads(void **state)
{
	static char much[1 << 20];
	int mine, peer;
	int64_t n, in = 0, out = 0;

	(void)state;
	pair(&mine, &peer);
	EXPECT(set_int(peer, SOL_SOCKET, SO_SNDBUF, 20000), 0);
	for (int quiet = 0; quiet < 8;) {
		n = sys_send(peer, much, sizeof(much), 0);
		out += n > 0 ? n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
		settle();
	}
	EXPECT(n, -EAGAIN);
	EXPECT(polled(peer), 0);
	EXPECT(OUTQ(peer) > 0, 1);
	EXPECT(INQ(mine) + OUTQ(peer), out);
	EXPECT(sys_shutdown(peer, SHUT_WR), 0);
	EXPECT(polled(peer), OUT); /* writing would not block: it fails */
	while ((n = sys_recv(mine, much, sizeof(much), 0)) != 0) {
		in += n > 0 ? n : 0;
		settle();
	}
	EXPECT(in, out);
	settle();
	EXPECT(OUTQ(peer), 0);
}

/* ------------------------------------------------------------------ the end, seen from both sides */

static void poll_bits_of_every_way_to_the_end(void **state)
{
	struct sockaddr_in at, me;
	socklen_t len = sizeof(me);
	int mine, peer, l = listener(&at);
	char c;

	(void)state;
	EXPECT(polled(l), 0);
	EXPECT(polled(tcp4()), OUT | HUP);
	pair(&mine, &peer);
	EXPECT(polled(mine), OUT);
	EXPECT(sys_shutdown(mine, SHUT_RD), 0);
	EXPECT(polled(mine), OUT | IN_ | RDHUP);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);
	send_all(peer, "x", 0); /* readable all the same (SH-02) */
	EXPECT(sys_recv(mine, &c, 1, 0), 1);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);

	pair(&mine, &peer);
	EXPECT(sys_shutdown(mine, SHUT_WR), 0);
	settle();
	EXPECT(polled(mine), OUT);		 /* FIN_WAIT2, PF-11 */
	EXPECT(polled(peer), OUT | IN_ | RDHUP); /* CLOSE_WAIT, PF-04 */
	EXPECT(INQ(peer), 0);
	EXPECT(sys_send(mine, "x", 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(sys_recv(peer, &c, 1, 0), 0);
	EXPECT(sys_recv(peer, &c, 1, 0), 0);
	EXPECT(sys_shutdown(peer, SHUT_WR), 0);
	settle();
	EXPECT(polled(mine), OUT | IN_ | RDHUP | HUP); /* TIME_WAIT, PF-06 */
	EXPECT(polled(peer), OUT | IN_ | RDHUP | HUP);
	EXPECT(sys_getpeername(mine, (struct sockaddr *)&me, &len), -ENOTCONN); /* SP-06 */
	EXPECT(sys_getpeername(peer, (struct sockaddr *)&me, &len), -ENOTCONN);
	EXPECT(sys_getsockname(peer, (struct sockaddr *)&me, &len), 0);
	EXPECT(me.sin_port != 0, 1);
	EXPECT(sys_shutdown(mine, SHUT_WR), -ENOTCONN); /* SH-08 */
	EXPECT(sys_recv(mine, &c, 1, 0), 0);
	EXPECT(SO_ERROR_(mine), 0);
}

static void a_reset_is_told_once_and_data_first(void **state)
{
	struct sockaddr_in me;
	socklen_t len = sizeof(me);
	int mine, peer;
	char c;

	(void)state;
	pair(&mine, &peer);
	reset_by(peer);
	EXPECT(polled(mine), OUT | IN_ | RDHUP | ERR | HUP); /* PF-05 */
	EXPECT(sys_getpeername(mine, (struct sockaddr *)&me, &len), -ENOTCONN);
	EXPECT(sys_recv(mine, &c, 1, 0), -ECONNRESET);
	EXPECT(polled(mine), OUT | IN_ | RDHUP | HUP);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);
	EXPECT(sys_send(mine, &c, 1, MSG_NOSIGNAL), -EPIPE);

	pair(&mine, &peer);
	send_all(peer, "last", 0);
	reset_by(peer);
	RECEIVES(mine, 0, "last"); /* RR-05 */
	EXPECT(SO_ERROR_(mine), ECONNRESET);
	EXPECT(SO_ERROR_(mine), 0);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);

	pair(&mine, &peer); /* RR-03: in CLOSE_WAIT a reader never sees it */
	send_all(peer, "x", 0);
	EXPECT(sys_shutdown(peer, SHUT_WR), 0);
	settle();
	reset_by(peer);
	EXPECT(sys_recv(mine, &c, 1, 0), 1);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);
	EXPECT(SO_ERROR_(mine), EPIPE);
}

/* SP-05, SH-06: new data for an end that reads no more. */
static void data_after_both_directions_were_shut_resets(void **state)
{
	int mine, peer;
	char c;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_shutdown(mine, SHUT_RDWR), 0);
	settle();
	send_all(peer, "x", 0);
	EXPECT(SO_ERROR_(mine), ECONNRESET);
	EXPECT(SO_ERROR_(peer), EPIPE);
	EXPECT(sys_recv(mine, &c, 1, 0), 0);

	pair(&mine, &peer);
	EXPECT(sys_close(mine), 0);
	settle();
	send_all(peer, "x", 0);
	EXPECT(sys_send(peer, "y", 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(polled(peer), OUT | IN_ | RDHUP | HUP);
}

/* ------------------------------------------------------------------ connect(AF_UNSPEC), section 13 */

static void disconnect_leaves_an_error_where_a_reset_was_due(void **state)
{
	struct sockaddr_in at, unspec = {.sin_family = AF_UNSPEC}, me;
	socklen_t len = sizeof(me);
	int mine, peer, l = listener(&at);
	char c;

	(void)state;
	pair(&mine, &peer);
	EXPECT(sys_connect(peer, SA(unspec)), 0); /* ESTABLISHED, DC-01 */
	settle();
	EXPECT(polled(peer), OUT | ERR | HUP);
	EXPECT(sys_recv(peer, &c, 1, 0), -ECONNRESET); /* DC-09 */
	EXPECT(sys_recv(peer, &c, 1, 0), -ENOTCONN);
	EXPECT(sys_send(peer, &c, 1, MSG_NOSIGNAL), -EPIPE);
	EXPECT(polled(peer), OUT | HUP);
	EXPECT(sys_recv(mine, &c, 1, 0), -ECONNRESET);
	EXPECT(sys_getsockname(peer, (struct sockaddr *)&me, &len), 0);
	EXPECT(me.sin_addr.s_addr, 0);
	EXPECT(me.sin_port != 0, 1); /* of a port that is given up the number is still shown */
	me = in4("127.0.0.1", 0);
	EXPECT(sys_bind(peer, SA(me)), 0);		 /* but it is not bound */
	EXPECT(sys_connect(peer, SA(at)), -EINPROGRESS); /* and it can connect again */
	settle();
	EXPECT(sys_connect(peer, SA(at)), 0);

	EXPECT(sys_connect(mine, SA(unspec)), 0); /* CLOSE, DC-08 */
	EXPECT(SO_ERROR_(mine), 0);
	EXPECT(sys_getsockname(mine, (struct sockaddr *)&me, &len), 0);
	EXPECT(sys_connect(l, SA(unspec)), 0); /* LISTEN, DC-05 */
	EXPECT(SO_ERROR_(l), 0);
	EXPECT(polled(l), OUT | HUP);
	settle();
	EXPECT(sys_recv(peer, &c, 1, 0), -ECONNRESET);
}

static void disconnect_while_closing(void **state)
{
	struct sockaddr_in unspec = {.sin_family = AF_UNSPEC};
	int mine, peer;

	(void)state;
	pair(&mine, &peer); /* FIN_WAIT2 and CLOSE_WAIT */
	EXPECT(sys_shutdown(mine, SHUT_WR), 0);
	settle();
	EXPECT(sys_connect(mine, SA(unspec)), 0);
	EXPECT(SO_ERROR_(mine), ECONNRESET);
	settle();
	EXPECT(SO_ERROR_(peer), EPIPE);
	pair(&mine, &peer);
	EXPECT(sys_shutdown(mine, SHUT_WR), 0);
	settle();
	EXPECT(sys_connect(peer, SA(unspec)), 0);
	EXPECT(SO_ERROR_(peer), ECONNRESET);
	settle();
	EXPECT(SO_ERROR_(mine), ECONNRESET);
	EXPECT(sys_shutdown(peer, SHUT_WR), -ENOTCONN);
}

static void a_port_by_number_outlives_disconnect(void **state)
{
	struct sockaddr_in at, unspec = {.sin_family = AF_UNSPEC}, me = in4("127.0.0.1", 0);
	socklen_t len = sizeof(me);
	int l = listener(&at), s = tcp4(), t = tcp4();
	in_port_t port;

	(void)state;
	EXPECT(sys_bind(t, SA(me)), 0); /* finds a free number */
	EXPECT(sys_getsockname(t, (struct sockaddr *)&me, &len), 0);
	port = me.sin_port;
	EXPECT(sys_close(t), 0);
	EXPECT(sys_bind(s, SA(me)), 0);
	EXPECT(sys_connect(s, SA(at)), -EINPROGRESS);
	settle();
	EXPECT(sys_connect(s, SA(at)), 0);
	EXPECT(sys_connect(s, SA(unspec)), 0);
	EXPECT(sys_getsockname(s, (struct sockaddr *)&me, &len), 0);
	EXPECT(me.sin_port, port);
	EXPECT(me.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	(void)l;
}

/* ------------------------------------------------------------------ the other family */

static void an_ipv6_socket_speaks_ipv4_under_a_mapped_name(void **state)
{
	struct sockaddr_in at;
	struct sockaddr_in6 to, name;
	socklen_t len = sizeof(name);
	int l = listener(&at), c = tcp6(), mine, l6 = tcp6(), c4 = tcp4();

	(void)state;
	to = in6("::ffff:127.0.0.1", ntohs(at.sin_port));
	EXPECT(sys_connect(c, SA(to)), -EINPROGRESS);
	settle();
	EXPECT(sys_connect(c, SA(to)), 0);
	EXPECT(sys_getpeername(c, (struct sockaddr *)&name, &len), 0);
	EXPECT(memcmp(&name, &to, sizeof(to)), 0);
	mine = (int)sys_accept4(l, NULL, NULL, 0);
	send_all(mine, "x", 0);
	RECEIVES(c, 0, "x");

	EXPECT(sys_listen(l6, 5), 0); /* [::]:some port takes IPv4 too */
	EXPECT(sys_getsockname(l6, (struct sockaddr *)&name, &len), 0);
	EXPECT(IN6_IS_ADDR_UNSPECIFIED(&name.sin6_addr), 1);
	at.sin_port = name.sin6_port;
	EXPECT(sys_connect(c4, SA(at)), -EINPROGRESS);
	settle();
	len = sizeof(name);
	EXPECT(sys_accept4(l6, (struct sockaddr *)&name, &len, 0) >= 0, 1);
	EXPECT(len, sizeof(name));
	EXPECT(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(peeking_leaves_everything_and_truncating_throws_away),
		T(vectors_are_filled_one_after_the_other_up_to_a_bad_one),
		T(so_rcvlowat_is_what_poll_waits_for),
		T(the_urgent_byte_stands_beside_the_stream),
		T(a_second_urgent_byte_makes_the_first_an_old_one),
		T(a_message_says_that_it_is_urgent),
		T(msg_more_and_cork_hold_back_what_siocoutqnsd_counts),
		T(a_full_connection_takes_no_more_until_the_peer_reads),
		T(poll_bits_of_every_way_to_the_end),
		T(a_reset_is_told_once_and_data_first),
		T(data_after_both_directions_were_shut_resets),
		T(disconnect_leaves_an_error_where_a_reset_was_due),
		T(disconnect_while_closing),
		T(a_port_by_number_outlives_disconnect),
		T(an_ipv6_socket_speaks_ipv4_under_a_mapped_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
