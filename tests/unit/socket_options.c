// SPDX-License-Identifier: MIT
/* What setsockopt() takes and what getsockopt() shows then; the same file asks the kernel (socket_calls.h). */
#include "socket_calls.h"

#define EXPECT(call, result) assert_int_equal(call, result)

enum { /* <netinet/tcp.h> is not what the library includes either */
       NODELAY = 1,
       MAXSEG,
       CORK,
       KEEPIDLE,
       KEEPINTVL,
       KEEPCNT,
       SYNCNT,
       LINGER2,
       DEFER_ACCEPT,
       WINDOW_CLAMP,
       INFO,
       QUICKACK,
       CONGESTION,
       USER_TIMEOUT = 18,
       NOTSENT_LOWAT = 25,
       ULP = 31,
       RTO_MAX_MS = 44,
       RTO_MIN_US = 45,
};

struct row {
	int level, name, value, result, shown;
};

/* Each on a socket of its own. */
static void expect_rows(int family, const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = family == AF_INET ? tcp4() : tcp6();
		int64_t result = set_int(fd, t[i].level, t[i].name, t[i].value);
		int shown = get_int(fd, t[i].level, t[i].name);

		if (result != t[i].result || shown != t[i].shown)
			fail_msg("option %d of level %d set to %d: %d, not %d; shows %d, not %d", t[i].name, t[i].level,
				 t[i].value, (int)result, t[i].result, shown, t[i].shown);
		sys_close(fd);
	}
}
#define ROWS(family, t) expect_rows(family, t, sizeof(t) / sizeof((t)[0]))

static void numbers_of_tcp_have_linuxs_limits_and_are_shown_as_linux_shows_them(void **state)
{
	static const struct row t[] = {
		{IPPROTO_TCP, NODELAY, 1, 0, 1},
		{IPPROTO_TCP, NODELAY, -7, 0, 1},
		{IPPROTO_TCP, CORK, 2, 0, 1},
		{IPPROTO_TCP, QUICKACK, 0, 0, 0},
		{IPPROTO_TCP, QUICKACK, 1, 0, 1},
		{IPPROTO_TCP, MAXSEG, 0, 0, 536},
		{IPPROTO_TCP, MAXSEG, 87, -EINVAL, 536},
		{IPPROTO_TCP, MAXSEG, 88, 0, 88},
		{IPPROTO_TCP, MAXSEG, 32767, 0, 32767},
		{IPPROTO_TCP, MAXSEG, 32768, -EINVAL, 536},
		{IPPROTO_TCP, KEEPIDLE, 0, -EINVAL, 7200},
		{IPPROTO_TCP, KEEPIDLE, 1, 0, 1},
		{IPPROTO_TCP, KEEPIDLE, 32767, 0, 32767},
		{IPPROTO_TCP, KEEPIDLE, 32768, -EINVAL, 7200},
		{IPPROTO_TCP, KEEPINTVL, 0, -EINVAL, 75},
		{IPPROTO_TCP, KEEPINTVL, 32767, 0, 32767},
		{IPPROTO_TCP, KEEPINTVL, 32768, -EINVAL, 75},
		{IPPROTO_TCP, KEEPCNT, 0, -EINVAL, 9},
		{IPPROTO_TCP, KEEPCNT, 127, 0, 127},
		{IPPROTO_TCP, KEEPCNT, 128, -EINVAL, 9},
		{IPPROTO_TCP, SYNCNT, 0, -EINVAL, 6},
		{IPPROTO_TCP, SYNCNT, 127, 0, 127},
		{IPPROTO_TCP, SYNCNT, 128, -EINVAL, 6},
		{IPPROTO_TCP, LINGER2, -9, 0, -1},
		{IPPROTO_TCP, LINGER2, 0, 0, 60},
		{IPPROTO_TCP, LINGER2, 1, 0, 1},
		{IPPROTO_TCP, LINGER2, 120, 0, 120},
		{IPPROTO_TCP, LINGER2, 121, 0, 120},
		{IPPROTO_TCP, DEFER_ACCEPT, -1, 0, 0},
		{IPPROTO_TCP, DEFER_ACCEPT, 0, 0, 0},
		{IPPROTO_TCP, DEFER_ACCEPT, 1, 0, 1},
		{IPPROTO_TCP, DEFER_ACCEPT, 2, 0, 3},
		{IPPROTO_TCP, DEFER_ACCEPT, 60, 0, 63},
		{IPPROTO_TCP, DEFER_ACCEPT, 200, 0, 247},
		{IPPROTO_TCP, DEFER_ACCEPT, 1000, 0, 1087},
		{IPPROTO_TCP, DEFER_ACCEPT, 100000, 0, 29887},
		{IPPROTO_TCP, WINDOW_CLAMP, 0, 0, 0},
		{IPPROTO_TCP, WINDOW_CLAMP, 1, 0, 1152},
		{IPPROTO_TCP, WINDOW_CLAMP, 100000, 0, 100000},
		{IPPROTO_TCP, USER_TIMEOUT, -1, -EINVAL, 0},
		{IPPROTO_TCP, USER_TIMEOUT, 5, 0, 5},
		{IPPROTO_TCP, NOTSENT_LOWAT, -1, 0, -1},
		{IPPROTO_TCP, NOTSENT_LOWAT, 5, 0, 5},
		{IPPROTO_TCP, RTO_MAX_MS, 999, -EINVAL, 120000},
		{IPPROTO_TCP, RTO_MAX_MS, 1000, 0, 1000},
		{IPPROTO_TCP, RTO_MAX_MS, 120001, -EINVAL, 120000},
		{IPPROTO_TCP, RTO_MIN_US, 4000, -EINVAL, 200000},
		{IPPROTO_TCP, RTO_MIN_US, 7999, 0, 8000},
		{IPPROTO_TCP, RTO_MIN_US, 8001, 0, 12000},
		{IPPROTO_TCP, RTO_MIN_US, 200001, -EINVAL, 200000},
		{IPPROTO_TCP, 99, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	};

	(void)state;
	ROWS(AF_INET, t);
	ROWS(AF_INET6, t);
}

static void options_of_the_socket(void **state)
{
	static const struct row t[] = {
		{SOL_SOCKET, SO_DEBUG, 1, 0, 1},
		{SOL_SOCKET, SO_REUSEADDR, 7, 0, 1},
		{SOL_SOCKET, SO_REUSEPORT, -1, 0, 1},
		{SOL_SOCKET, SO_TYPE, 1, -ENOPROTOOPT, SOCK_STREAM},
		{SOL_SOCKET, SO_ERROR, 1, -ENOPROTOOPT, 0},
		{SOL_SOCKET, SO_PROTOCOL, 1, -ENOPROTOOPT, IPPROTO_TCP},
		{SOL_SOCKET, SO_ACCEPTCONN, 1, -ENOPROTOOPT, 0},
		{SOL_SOCKET, SO_DONTROUTE, 1, 0, 1},
		{SOL_SOCKET, SO_BROADCAST, 1, 0, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 5, 0, 1},
		{SOL_SOCKET, SO_OOBINLINE, 5, 0, 1},
		{SOL_SOCKET, SO_NO_CHECK, 5, 0, 1},
		{SOL_SOCKET, SO_PRIORITY, 6, 0, 6},
		{SOL_SOCKET, SO_BSDCOMPAT, 1, 0, 0},
		{SOL_SOCKET, SO_RCVLOWAT, 0, 0, 1},
		{SOL_SOCKET, SO_RCVLOWAT, 100000, 0, 100000},
		{SOL_SOCKET, SO_RCVLOWAT, -1, 0, 16777216},
		{SOL_SOCKET, SO_SNDLOWAT, 5, -ENOPROTOOPT, 1},
		{SOL_SOCKET, SO_SNDBUF, 0, 0, 4608},
		{SOL_SOCKET, SO_SNDBUF, 2303, 0, 4608},
		{SOL_SOCKET, SO_SNDBUF, 10000, 0, 20000},
		{SOL_SOCKET, SO_SNDBUF, 10000000, 0, 8388608},
		{SOL_SOCKET, SO_SNDBUF, -1, 0, 8388608},
		{SOL_SOCKET, SO_RCVBUF, 0, 0, 2304},
		{SOL_SOCKET, SO_RCVBUF, 2303, 0, 4606},
		{SOL_SOCKET, SO_RCVBUF, 10000, 0, 20000},
		{SOL_SOCKET, SO_RCVBUF, -1, 0, 8388608},
		{SOL_SOCKET, SO_TIMESTAMP, 1, 0, 1},
		{SOL_SOCKET, SO_RXQ_OVFL, 1, 0, 1},
		{SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1, 0, 1},
		{SOL_SOCKET, 99, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	};

	(void)state;
	ROWS(AF_INET, t);
	ROWS(AF_INET6, t);
	EXPECT(get_int(tcp4(), SOL_SOCKET, SO_DOMAIN), AF_INET);
	EXPECT(get_int(tcp6(), SOL_SOCKET, SO_DOMAIN), AF_INET6);
	EXPECT(get_int(tcp4(), SOL_SOCKET, SO_SNDBUF), 16384);
	EXPECT(get_int(tcp4(), SOL_SOCKET, SO_RCVBUF), 131072);
}

static void options_of_ip(void **state)
{
	static const struct row t[] = {
		{SOL_IP, IP_TOS, 255, 0, 252},
		{SOL_IP, IP_TOS, 16, 0, 16},
		{SOL_IP, IP_TOS, 256, 0, 0},
		{SOL_IP, IP_TTL, -1, 0, 64},
		{SOL_IP, IP_TTL, 0, -EINVAL, 64},
		{SOL_IP, IP_TTL, 255, 0, 255},
		{SOL_IP, IP_TTL, 256, -EINVAL, 64},
		{SOL_IP, IP_MTU_DISCOVER, -1, -EINVAL, 1},
		{SOL_IP, IP_MTU_DISCOVER, 0, 0, 0},
		{SOL_IP, IP_MTU_DISCOVER, 5, 0, 5},
		{SOL_IP, IP_MTU_DISCOVER, 6, -EINVAL, 1},
		{SOL_IP, IP_RECVERR, 2, 0, 1},
		{SOL_IP, IP_FREEBIND, 5, 0, 1},
		{SOL_IP, IP_BIND_ADDRESS_NO_PORT, 5, 0, 1},
		{SOL_IP, IP_PKTINFO, 5, 0, 1},
		{SOL_IP, IP_MTU, 5, -ENOPROTOOPT, -ENOTCONN},
	};
	static const struct row t6[] = {
		{SOL_IPV6, IPV6_V6ONLY, 5, 0, 1},
		{SOL_IPV6, IPV6_UNICAST_HOPS, -2, -EINVAL, 64},
		{SOL_IPV6, IPV6_UNICAST_HOPS, -1, 0, 64},
		{SOL_IPV6, IPV6_UNICAST_HOPS, 255, 0, 255},
		{SOL_IPV6, IPV6_UNICAST_HOPS, 256, -EINVAL, 64},
		{SOL_IPV6, IPV6_TCLASS, -2, -EINVAL, 0},
		{SOL_IPV6, IPV6_TCLASS, -1, 0, 0},
		{SOL_IPV6, IPV6_TCLASS, 255, 0, 252},
		{SOL_IPV6, IPV6_TCLASS, 256, -EINVAL, 0},
		{SOL_IPV6, IPV6_MTU_DISCOVER, -1, -EINVAL, 1},
		{SOL_IPV6, IPV6_MTU_DISCOVER, 5, 0, 5},
		{SOL_IPV6, IPV6_RECVERR, 5, 0, 1},
		{SOL_IPV6, IPV6_RECVTCLASS, 5, 0, 1},
		{SOL_IPV6, IPV6_DONTFRAG, 5, 0, 1},
	};

	(void)state;
	ROWS(AF_INET, t);
	ROWS(AF_INET6, t); /* an IPv6 socket knows them too */
	ROWS(AF_INET6, t6);
	EXPECT(set_int(tcp4(), SOL_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
	EXPECT(get_int(tcp4(), SOL_IPV6, IPV6_V6ONLY), -EOPNOTSUPP);
	EXPECT(set_int(tcp4(), 17, 1, 1), -ENOPROTOOPT);
	EXPECT(get_int(tcp4(), 17, 1), -EOPNOTSUPP);
	EXPECT(get_int(tcp6(), 17, 1), -ENOPROTOOPT);
}

/* Lengths of values: what is too short, what is cut, and pointers to nothing. */
static void lengths_and_addresses_of_values(void **state)
{
	static const struct {
		int level, name, set[3], got; /* set with 0, 1, 3 bytes; bytes shown of 3 */
	} t[] = {
		{SOL_SOCKET, SO_REUSEADDR, {-EINVAL, -EINVAL, -EINVAL}, 3},
		{SOL_SOCKET, SO_LINGER, {-EINVAL, -EINVAL, -EINVAL}, 3},
		{SOL_SOCKET, SO_RCVTIMEO, {-EINVAL, -EINVAL, -EINVAL}, 3},
		{IPPROTO_TCP, NODELAY, {-EINVAL, -EINVAL, -EINVAL}, 3},
		{IPPROTO_TCP, CONGESTION, {-EINVAL, -ENOENT, -ENOENT}, 3},
		{SOL_IP, IP_TOS, {0, 0, 0}, 1},
		{SOL_IP, IP_TTL, {-EINVAL, 0, 0}, 1},
		{SOL_IP, IP_MTU_DISCOVER, {0, 0, 0}, 1},
	};
	static const uint8_t ones[3] = {1, 1, 1};
	static const int lens[3] = {0, 1, 3};
	int fd = tcp4(), v;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t got[3];

		for (int k = 0; k < 3; k++)
			EXPECT(sys_setsockopt(fd, t[i].level, t[i].name, ones, lens[k]), t[i].set[k]);
		EXPECT(sys_setsockopt(fd, t[i].level, t[i].name, ones, -1), -EINVAL);
		len = sizeof(got);
		EXPECT(sys_getsockopt(fd, t[i].level, t[i].name, got, &len), 0);
		EXPECT(len, t[i].got);
		len = (socklen_t)-1;
		EXPECT(sys_getsockopt(fd, t[i].level, t[i].name, got, &len), -EINVAL);
		len = 0;
		EXPECT(sys_getsockopt(fd, t[i].level, t[i].name, NULL, &len), 0);
		EXPECT(len, 0);
	}
	EXPECT(sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4), -EFAULT);
	EXPECT(sys_setsockopt(fd, IPPROTO_TCP, NODELAY, NULL, 4), -EFAULT);
	EXPECT(sys_setsockopt(fd, SOL_IP, IP_TOS, NULL, 4), -EFAULT);
	EXPECT(sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 0), -EINVAL);
	EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, NULL), -EFAULT);
	len = sizeof(v);
	EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &len), -EFAULT);
}

static void times_are_kept_in_ticks(void **state)
{
	static const struct {
		struct timeval set;
		int result;
		struct timeval shown;
	} t[] = {
		{{0, 0}, 0, {0, 0}},	   {{1, 1}, 0, {1, 4000}},	    {{1, 999999}, 0, {2, 0}},
		{{0, 4001}, 0, {0, 8000}}, {{0, 1000000}, -EDOM, {0, 0}},   {{0, -1}, -EDOM, {0, 0}},
		{{-1, 0}, 0, {0, 0}},	   {{1000000, 0}, 0, {1000000, 0}},
	};
	static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (int n = 0; n < 2; n++) {
			struct timeval tv = {9, 9};
			socklen_t len = sizeof(tv);
			int fd = tcp4();

			EXPECT(sys_setsockopt(fd, SOL_SOCKET, names[n], &t[i].set, sizeof(tv)), t[i].result);
			EXPECT(sys_getsockopt(fd, SOL_SOCKET, names[n], &tv, &len), 0);
			EXPECT(len, sizeof(tv));
			EXPECT(tv.tv_sec, t[i].shown.tv_sec);
			EXPECT(tv.tv_usec, t[i].shown.tv_usec);
			sys_close(fd);
		}
}

static void linger_shows_no_limit_in_its_own_way(void **state)
{
	struct linger l;
	socklen_t len = sizeof(l);
	int fd = tcp4();

	(void)state;
	EXPECT(set_linger(fd, 1, -1), 0);
	EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	EXPECT(l.l_linger, -1752346657);
	EXPECT(set_linger(fd, 1, INT_MAX), 0);
	EXPECT(sys_getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	EXPECT(l.l_linger, INT_MAX);
}

static void reno_is_a_congestion_control(void **state)
{
	char name[32];
	socklen_t len = sizeof(name);
	int fd = tcp4();

	(void)state;
	EXPECT(sys_setsockopt(fd, IPPROTO_TCP, CONGESTION, "reno", 4), 0);
	EXPECT(sys_setsockopt(fd, IPPROTO_TCP, CONGESTION, "nope", 4), -ENOENT);
	EXPECT(sys_setsockopt(fd, IPPROTO_TCP, CONGESTION, NULL, 4), -EFAULT);
	EXPECT(sys_getsockopt(fd, IPPROTO_TCP, CONGESTION, name, &len), 0);
	EXPECT(len, 16);
	assert_string_equal(name, "reno");
	len = 3;
	EXPECT(sys_getsockopt(fd, IPPROTO_TCP, CONGESTION, name, &len), 0);
	EXPECT(len, 3);
	EXPECT(sys_setsockopt(fd, IPPROTO_TCP, ULP, "tls", 0), -EINVAL);
}

/* struct tcp_info: how long it is, and the state that stands first in it. */
static void tcp_info_tells_the_state(void **state)
{
	uint8_t info[400];
	socklen_t len = sizeof(info);
	int mine, peer, fd = tcp4();

	(void)state;
	EXPECT(sys_getsockopt(fd, IPPROTO_TCP, INFO, info, &len), 0);
	EXPECT(len, 280);
	EXPECT(info[0], 7); /* CLOSE */
	pair(&mine, &peer);
	len = 1;
	EXPECT(sys_getsockopt(mine, IPPROTO_TCP, INFO, info, &len), 0);
	EXPECT(len, 1);
	EXPECT(info[0], 1); /* ESTABLISHED */
	EXPECT(sys_shutdown(mine, SHUT_WR), 0);
	settle();
	EXPECT(sys_getsockopt(mine, IPPROTO_TCP, INFO, info, &len), 0);
	EXPECT(info[0], 5); /* FIN_WAIT2 */
	EXPECT(sys_getsockopt(peer, IPPROTO_TCP, INFO, info, &len), 0);
	EXPECT(info[0], 8); /* CLOSE_WAIT */
}

static void a_connection_inherits_from_its_listener_what_linux_lets_it(void **state)
{
	struct sockaddr_in at;
	struct linger l;
	socklen_t len = sizeof(l);
	int listening = listener(&at), c = tcp4(), mine;

	(void)state;
	EXPECT(set_linger(listening, 1, 5), 0);
	EXPECT(set_int(listening, IPPROTO_TCP, LINGER2, 7), 0);
	EXPECT(set_int(listening, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	EXPECT(set_int(listening, IPPROTO_TCP, NODELAY, 1), 0);
	EXPECT(set_int(listening, IPPROTO_TCP, USER_TIMEOUT, 99), 0);
	EXPECT(set_int(listening, SOL_SOCKET, SO_PRIORITY, 3), 0);
	EXPECT(sys_connect(c, SA(at)), -EINPROGRESS);
	settle();
	mine = (int)sys_accept4(listening, NULL, NULL, 0);
	EXPECT(sys_getsockopt(mine, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	EXPECT(l.l_onoff, 1);
	EXPECT(l.l_linger, 5);
	EXPECT(get_int(mine, IPPROTO_TCP, LINGER2), 7);
	EXPECT(get_int(mine, SOL_SOCKET, SO_KEEPALIVE), 1);
	EXPECT(get_int(mine, IPPROTO_TCP, NODELAY), 1);
	EXPECT(get_int(mine, IPPROTO_TCP, USER_TIMEOUT), 99);
	EXPECT(get_int(mine, SOL_SOCKET, SO_PRIORITY), 0);
	EXPECT(sys_fcntl(mine, F_GETFL, 0), O_RDWR); /* the listener's was O_NONBLOCK */
	EXPECT(set_linger(mine, 0, 0), 0);
}

static void sizes_and_segments_of_a_connection_over_loopback(void **state)
{
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	EXPECT(get_int(peer, IPPROTO_TCP, WINDOW_CLAMP), 65536);
	EXPECT(set_int(peer, IPPROTO_TCP, WINDOW_CLAMP, 0), -EINVAL);
	EXPECT(get_int(mine, SOL_SOCKET, SO_RCVBUF), 131072);
	EXPECT(get_int(mine, SOL_IP, IP_MTU), 65535);
}

#define T(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(numbers_of_tcp_have_linuxs_limits_and_are_shown_as_linux_shows_them),
		T(options_of_the_socket),
		T(options_of_ip),
		T(lengths_and_addresses_of_values),
		T(times_are_kept_in_ticks),
		T(linger_shows_no_limit_in_its_own_way),
		T(reno_is_a_congestion_control),
		T(tcp_info_tells_the_state),
		T(a_connection_inherits_from_its_listener_what_linux_lets_it),
		T(sizes_and_segments_of_a_connection_over_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
