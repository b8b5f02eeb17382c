// SPDX-License-Identifier: MIT
/*
 * tests/unit/hashinfo_bind.c - who gets along with whom on one port: the answers of Linux 6.18.44
 *
 * kernel[] was printed by a program that ran on the kernel: for each first socket (address, options, bound or
 * listening) a row, for each second one a letter: '.' it could bind and listen, 'b' bind() said EADDRINUSE, 'l'
 * listen() did.
 */
#include "hashinfo_env.h"

static const struct {
	const char *addr;
	int family;
	bool v6only;
} addresses[] = {
	{"0.0.0.0", AF_INET, false},
	{"127.0.0.1", AF_INET, false},
	{"127.0.0.2", AF_INET, false},
	{"::", AF_INET6, false},
	{"::", AF_INET6, true},
	{"::1", AF_INET6, false},
	{"::1", AF_INET6, true},
	{"::ffff:127.0.0.1", AF_INET6, false},
	{"::ffff:0.0.0.0", AF_INET6, false},
};
static const struct {
	bool reuse, reuseport;
} options[] = {{false, false}, {true, false}, {false, true}, {true, true}};

#define ADDRESSES ARRAY_SIZE(addresses)
#define OPTIONS	  ARRAY_SIZE(options)

/* Columns: the addresses above, for each the options above. Rows: the same, for each bound and listening. */
static const char *const kernel[ADDRESSES * OPTIONS * 2] = {
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* 0.0.0.0 */
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* 0.0.0.0 listening */
	"b.b.b.b.b.b.b.b.............b.b.b.b.", /* 0.0.0.0 reuse */
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* 0.0.0.0 reuse listening */
	"bb..bb..bb..bb..............bb..bb..", /* 0.0.0.0 reuseport */
	"bb..bb..bb..bb..............bb..bb..", /* 0.0.0.0 reuseport listening */
	"b...b...b...b...............b...b...", /* 0.0.0.0 reuse reuseport */
	"bb..bb..bb..bb..............bb..bb..", /* 0.0.0.0 reuse reuseport listening */
	"bbbbbbbb....bbbb............bbbbbbbb", /* 127.0.0.1 */
	"bbbbbbbb....bbbb............bbbbbbbb", /* 127.0.0.1 listening */
	"b.b.b.b.....b.b.............b.b.b.b.", /* 127.0.0.1 reuse */
	"bbbbbbbb....bbbb............bbbbbbbb", /* 127.0.0.1 reuse listening */
	"bb..bb......bb..............bb..bb..", /* 127.0.0.1 reuseport */
	"bb..bb......bb..............bb..bb..", /* 127.0.0.1 reuseport listening */
	"b...b.......b...............b...b...", /* 127.0.0.1 reuse reuseport */
	"bb..bb......bb..............bb..bb..", /* 127.0.0.1 reuse reuseport listening */
	"bbbb....bbbbbbbb................bbbb", /* 127.0.0.2 */
	"bbbb....bbbbbbbb................bbbb", /* 127.0.0.2 listening */
	"b.b.....b.b.b.b.................b.b.", /* 127.0.0.2 reuse */
	"bbbb....bbbbbbbb................bbbb", /* 127.0.0.2 reuse listening */
	"bb......bb..bb..................bb..", /* 127.0.0.2 reuseport */
	"bb......bb..bb..................bb..", /* 127.0.0.2 reuseport listening */
	"b.......b...b...................b...", /* 127.0.0.2 reuse reuseport */
	"bb......bb..bb..................bb..", /* 127.0.0.2 reuse reuseport listening */
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", /* :: */
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", /* :: listening */
	"b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.", /* :: reuse */
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", /* :: reuse listening */
	"bb..bb..bb..bb..bb..bb..bb..bb..bb..", /* :: reuseport */
	"bb..bb..bb..bb..bb..bb..bb..bb..bb..", /* :: reuseport listening */
	"b...b...b...b...b...b...b...b...b...", /* :: reuse reuseport */
	"bb..bb..bb..bb..bb..bb..bb..bb..bb..", /* :: reuse reuseport listening */
	"............bbbbbbbbbbbbbbbb........", /* :: v6only */
	"............bbbbbbbbbbbbbbbb........", /* :: v6only listening */
	"............b.b.b.b.b.b.b.b.........", /* :: v6only reuse */
	"............bbbbbbbbbbbbbbbb........", /* :: v6only reuse listening */
	"............bb..bb..bb..bb..........", /* :: v6only reuseport */
	"............bb..bb..bb..bb..........", /* :: v6only reuseport listening */
	"............b...b...b...b...........", /* :: v6only reuse reuseport */
	"............bb..bb..bb..bb..........", /* :: v6only reuse reuseport listening */
	"............bbbbbbbbbbbbbbbb........", /* ::1 */
	"............bbbbbbbbbbbbbbbb........", /* ::1 listening */
	"............b.b.b.b.b.b.b.b.........", /* ::1 reuse */
	"............bbbbbbbbbbbbbbbb........", /* ::1 reuse listening */
	"............bb..bb..bb..bb..........", /* ::1 reuseport */
	"............bb..bb..bb..bb..........", /* ::1 reuseport listening */
	"............b...b...b...b...........", /* ::1 reuse reuseport */
	"............bb..bb..bb..bb..........", /* ::1 reuse reuseport listening */
	"............bbbbbbbbbbbbbbbb........", /* ::1 v6only */
	"............bbbbbbbbbbbbbbbb........", /* ::1 v6only listening */
	"............b.b.b.b.b.b.b.b.........", /* ::1 v6only reuse */
	"............bbbbbbbbbbbbbbbb........", /* ::1 v6only reuse listening */
	"............bb..bb..bb..bb..........", /* ::1 v6only reuseport */
	"............bb..bb..bb..bb..........", /* ::1 v6only reuseport listening */
	"............b...b...b...b...........", /* ::1 v6only reuse reuseport */
	"............bb..bb..bb..bb..........", /* ::1 v6only reuse reuseport listening */
	"bbbbbbbb....bbbb............bbbbbbbb", /* ::ffff:127.0.0.1 */
	"bbbbbbbb....bbbb............bbbbbbbb", /* ::ffff:127.0.0.1 listening */
	"b.b.b.b.....b.b.............b.b.b.b.", /* ::ffff:127.0.0.1 reuse */
	"bbbbbbbb....bbbb............bbbbbbbb", /* ::ffff:127.0.0.1 reuse listening */
	"bb..bb......bb..............bb..bb..", /* ::ffff:127.0.0.1 reuseport */
	"bb..bb......bb..............bb..bb..", /* ::ffff:127.0.0.1 reuseport listening */
	"b...b.......b...............b...b...", /* ::ffff:127.0.0.1 reuse reuseport */
	"bb..bb......bb..............bb..bb..", /* ::ffff:127.0.0.1 reuse reuseport listening */
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* ::ffff:0.0.0.0 */
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* ::ffff:0.0.0.0 listening */
	"b.b.b.b.b.b.b.b.............b.b.b.b.", /* ::ffff:0.0.0.0 reuse */
	"bbbbbbbbbbbbbbbb............bbbbbbbb", /* ::ffff:0.0.0.0 reuse listening */
	"bb..bb..bb..bb..............bb..bb..", /* ::ffff:0.0.0.0 reuseport */
	"bb..bb..bb..bb..............bb..bb..", /* ::ffff:0.0.0.0 reuseport listening */
	"b...b...b...b...............b...b...", /* ::ffff:0.0.0.0 reuse reuseport */
	"bb..bb..bb..bb..............bb..bb..", /* ::ffff:0.0.0.0 reuse reuseport listening */
};

static struct sock matrix_sock(struct ports *p, size_t addr, size_t opt)
{
	struct sock sk = sock_of(p, addresses[addr].family, options[opt].reuse, options[opt].reuseport);

	sk.common.ipv6only = addresses[addr].v6only;
	return sk;
}

static char matrix_try(struct ports *p, size_t addr, size_t opt)
{
	struct sock sk = matrix_sock(p, addr, opt);
	char outcome = '.';

	if (do_bind(&sk, addresses[addr].addr, 2000)) {
		assert_null(sk.bind);
		return 'b';
	}
	if (do_listen(&sk))
		outcome = 'l';
	assert_null(hashinfo_check(&p->net));
	do_close(&sk);
	return outcome;
}

static void two_sockets_get_along_on_a_port_as_on_linux(void **state)
{
	struct ports p;

	(void)state;
	ports_init(&p);
	for (size_t row = 0; row < ARRAY_SIZE(kernel); row++) {
		size_t addr = row / (2 * OPTIONS), opt = row / 2 % OPTIONS;
		struct sock first = matrix_sock(&p, addr, opt);
		char ours[ADDRESSES * OPTIONS + 1] = "";

		assert_int_equal(do_bind(&first, addresses[addr].addr, 2000), 0);
		if (row % 2)
			assert_int_equal(do_listen(&first), 0);
		for (size_t column = 0; column < ADDRESSES * OPTIONS; column++)
			ours[column] = matrix_try(&p, column / OPTIONS, column % OPTIONS);
		if (strcmp(ours, kernel[row]))
			fail_msg("row %zu, %s%s%s%s%s\n  ours   %s\n  kernel %s", row, addresses[addr].addr,
				 addresses[addr].v6only ? " v6only" : "", options[opt].reuse ? " reuse" : "",
				 options[opt].reuseport ? " reuseport" : "", row % 2 ? " listening" : "", ours,
				 kernel[row]);
		do_close(&first);
	}
	ports_exit(&p);
}

/* ------------------------------------------------------------------ options that change after bind() */

static void set_reuse(struct sock *sk, bool on)
{
	inet_bind_count(sk, -1);
	sk->common.reuse = on;
	inet_bind_count(sk, +1);
}

static void set_reuseport(struct sock *sk, bool on)
{
	inet_bind_count(sk, -1);
	sk->common.reuseport = on;
	inet_bind_count(sk, +1);
}

static void reuseaddr_cleared_after_bind_keeps_others_out(void **state)
{
	struct ports p;
	struct sock a, b;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, true, false);
	b = sock_of(&p, AF_INET, true, false);
	assert_int_equal(do_bind(&a, "127.0.0.1", 2000), 0);
	set_reuse(&a, false);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(do_bind(&b, "0.0.0.0", 2000), -EADDRINUSE);
	set_reuse(&a, true);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	do_close(&a);
	do_close(&b);
	ports_exit(&p);
}

static void reuseport_cleared_after_bind_still_lets_the_same_address_in(void **state)
{
	struct ports p;
	struct sock a, b, c;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, false, true);
	b = sock_of(&p, AF_INET, false, true);
	c = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_bind(&a, "127.0.0.1", 2000), 0);
	set_reuseport(&a, false);
	assert_int_equal(do_bind(&c, "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	do_close(&a);
	do_close(&b);

	assert_int_equal(do_bind(&c, "127.0.0.1", 2000), 0);
	set_reuseport(&c, true);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	do_close(&b);
	do_close(&c);
	ports_exit(&p);
}

static void a_listener_that_stopped_lets_another_listen_and_cannot_listen_again(void **state)
{
	struct ports p;
	struct sock a, b;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, true, false);
	b = sock_of(&p, AF_INET, true, false);
	assert_int_equal(do_bind(&a, "127.0.0.1", 2000), 0);
	assert_int_equal(do_listen(&a), 0);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), -EADDRINUSE);
	inet_unhash(&p.net, &a.common); /* shutdown(SHUT_RD): CLOSE, the port by number is kept */
	a.common.state = TCP_CLOSE;
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	assert_int_equal(do_listen(&b), 0);
	assert_int_equal(do_listen(&a), -EADDRINUSE);
	assert_null(hashinfo_check(&p.net));
	do_close(&a);
	do_close(&b);
	ports_exit(&p);
}

/* ------------------------------------------------------------------ addresses that come with connect() */

static void an_any_address_holds_all_until_connect_chooses_one(void **state)
{
	struct ports p;
	struct sock a, b, c;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, false, false);
	b = sock_of(&p, AF_INET, false, false);
	c = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_bind(&a, "0.0.0.0", 2000), 0);
	assert_int_equal(do_bind(&b, "127.0.0.5", 2000), -EADDRINUSE);
	assert_int_equal(do_connect(&a, "127.0.0.1", "127.0.0.1", 80), 0);
	assert_int_equal(do_bind(&b, "127.0.0.5", 2000), 0);
	do_close(&b);
	assert_int_equal(do_bind(&c, "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(do_bind(&c, "0.0.0.0", 2000), -EADDRINUSE);

	/* and when connect() fails it gives the address back */
	inet_unhash(&p.net, &a.common);
	a.rcv_saddr = in6addr_any;
	assert_int_equal(inet_bhash2_update_saddr(&a), 0);
	assert_int_equal(do_bind(&b, "127.0.0.5", 2000), -EADDRINUSE);
	do_close(&a);
	ports_exit(&p);
}

static void a_port_chosen_by_connect_is_shared_only_if_both_say_so(void **state)
{
	(void)state;
	for (int mine = 0; mine < 2; mine++) {
		for (int his = 0; his < 2; his++) {
			struct ports p;
			struct sock c, b, other;

			ports_init(&p);
			c = sock_of(&p, AF_INET, mine, false);
			b = sock_of(&p, AF_INET, his, false);
			other = sock_of(&p, AF_INET, false, false);
			assert_int_equal(do_connect(&c, "127.0.0.1", "127.0.0.1", 80), 0);
			assert_int_equal(do_bind(&b, "127.0.0.1", c.common.num), mine && his ? 0 : -EADDRINUSE);
			assert_int_equal(do_bind(&other, "127.0.0.9", c.common.num), 0);
			do_close(&c);
			do_close(&b);
			do_close(&other);
			ports_exit(&p);
		}
	}
}

static void a_time_wait_holds_the_port_unless_both_had_reuseaddr(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		for (int now = 0; now < 2; now++) {
			struct ports p;
			struct sock sk, b;
			struct timewait_sock tw = {.common = {.state = TCP_TIME_WAIT}};

			ports_init(&p);
			sk = sock_of(&p, AF_INET, old, false);
			b = sock_of(&p, AF_INET, now, false);
			assert_int_equal(do_bind(&sk, "127.0.0.1", 2000), 0);
			inet_bind_bucket_move(&p.net, &sk, &tw);
			do_close(&sk);
			assert_int_equal(do_bind(&b, "127.0.0.1", 2000), old && now ? 0 : -EADDRINUSE);
			if (b.bind)
				assert_int_equal(do_listen(&b), 0);
			do_close(&b);
			inet_bind_bucket_put_tw(&p.net, &tw);
			assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
			do_close(&b);
			ports_exit(&p);
		}
	}
}

static unsigned allowed;

static bool refuse_beyond(void *world, size_t size)
{
	(void)world;
	(void)size;
	return !allowed || !allowed--;
}

static void without_memory_bind_says_that_the_port_is_in_use(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		struct ports p;
		struct sock sk;

		ports_init(&p);
		sk = sock_of(&p, AF_INET, false, false);
		p.env.env.refuse = refuse_beyond;
		allowed = n;
		assert_int_equal(do_bind(&sk, "127.0.0.1", 2000), -EADDRINUSE);
		allowed = n;
		assert_int_equal(do_connect(&sk, "127.0.0.1", "127.0.0.1", 80), -ENOMEM);
		assert_false(sk.common.hashed);
		ports_exit(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_sockets_get_along_on_a_port_as_on_linux),
		cmocka_unit_test(reuseaddr_cleared_after_bind_keeps_others_out),
		cmocka_unit_test(reuseport_cleared_after_bind_still_lets_the_same_address_in),
		cmocka_unit_test(a_listener_that_stopped_lets_another_listen_and_cannot_listen_again),
		cmocka_unit_test(an_any_address_holds_all_until_connect_chooses_one),
		cmocka_unit_test(a_port_chosen_by_connect_is_shared_only_if_both_say_so),
		cmocka_unit_test(a_time_wait_holds_the_port_unless_both_had_reuseaddr),
		cmocka_unit_test(without_memory_bind_says_that_the_port_is_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
