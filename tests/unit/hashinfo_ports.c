// SPDX-License-Identifier: MIT
/* tests/unit/hashinfo_ports.c - ports that the stack chooses, pairs one of a kind, and who listens for a segment */
#include "hashinfo_env.h"

static void set_range(struct ports *p, uint16_t low, uint16_t high)
{
	p->net.sysctl.ip_local_port_range_low = low;
	p->net.sysctl.ip_local_port_range_high = high;
}

static void close_all(struct sock *socks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		do_close(&socks[i]);
}

/* ------------------------------------------------------------------ bind() to port 0 */

static void bind_to_any_port_takes_odd_ones_first_and_leaves_even_ones_to_connect(void **state)
{
	struct ports p;
	struct sock sk[5];

	(void)state;
	ports_init(&p);
	set_range(&p, 40000, 40003);
	for (int i = 0; i < 4; i++) {
		sk[i] = sock_of(&p, AF_INET, false, false);
		assert_int_equal(do_bind(&sk[i], "127.0.0.1", 0), 0);
		assert_int_equal(sk[i].common.num % 2, i < 2);
	}
	sk[4] = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_bind(&sk[4], "127.0.0.1", 0), -EADDRINUSE);
	assert_int_equal(do_bind(&sk[4], "127.0.0.2", 0), 0);
	close_all(sk, 5);
	ports_exit(&p);
}

static void with_reuseaddr_the_lower_half_is_searched_first_and_nothing_is_shared(void **state)
{
	static const uint16_t kernel[] = {40001, 40000, 40003, 40002};
	struct ports p;
	struct sock sk[5];

	(void)state;
	ports_init(&p);
	set_range(&p, 40000, 40003);
	for (int i = 0; i < 4; i++) {
		sk[i] = sock_of(&p, AF_INET, true, true);
		assert_int_equal(do_bind(&sk[i], "127.0.0.1", 0), 0);
		assert_int_equal(sk[i].common.num, kernel[i]);
	}
	sk[4] = sock_of(&p, AF_INET, true, true);
	assert_int_equal(do_bind(&sk[4], "127.0.0.1", 0), -EADDRINUSE);
	assert_int_equal(do_bind(&sk[4], "0.0.0.0", 0), -EADDRINUSE);
	close_all(sk, 4);
	ports_exit(&p);
}

/* ------------------------------------------------------------------ connect() */

static void connect_takes_even_ports_first_and_shares_them_among_destinations(void **state)
{
	struct ports p;
	struct sock sk[9];

	(void)state;
	ports_init(&p);
	set_range(&p, 40000, 40003);
	for (int i = 0; i < 8; i++) {
		sk[i] = sock_of(&p, AF_INET, false, false);
		assert_int_equal(do_connect(&sk[i], "127.0.0.1", "127.0.0.1", 80 + i / 4), 0);
		assert_int_equal(sk[i].common.num % 2, i % 4 >= 2);
	}
	sk[8] = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_connect(&sk[8], "127.0.0.1", "127.0.0.1", 80), -EADDRNOTAVAIL);
	assert_false(sk[8].common.hashed);
	assert_int_equal(do_bind(&sk[8], "127.0.0.1", 0), -EADDRINUSE);
	assert_null(hashinfo_check(&p.net));
	close_all(sk, 8);
	ports_exit(&p);
}

static void connect_chooses_no_port_that_somebody_has_bound_until_he_lets_it_go(void **state)
{
	struct ports p;
	struct sock bound[3], sk[2], third;

	(void)state;
	ports_init(&p);
	set_range(&p, 40000, 40003);
	for (int i = 0; i < 3; i++) {
		bound[i] = sock_of(&p, AF_INET, false, false);
		assert_int_equal(do_bind(&bound[i], "127.0.0.7", 40000 + i), 0);
	}
	sk[0] = sock_of(&p, AF_INET, false, false);
	sk[1] = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_connect(&sk[0], "127.0.0.1", "127.0.0.1", 80), 0);
	assert_int_equal(sk[0].common.num, 40003);
	assert_int_equal(do_connect(&sk[1], "127.0.0.1", "127.0.0.1", 80), -EADDRNOTAVAIL);

	/* A port that both have: when only connect()'s own choice is left, it may be chosen again (6.18). */
	assert_int_equal(do_bind(&sk[1], "127.0.0.9", 40003), 0);
	do_close(&sk[1]);
	assert_int_equal(do_connect(&sk[1], "127.0.0.1", "127.0.0.1", 81), 0);
	assert_int_equal(sk[1].common.num, 40003);
	do_close(&sk[1]);
	do_close(&sk[0]);

	/* The same with one address, which both may use. */
	sk[0].common.reuse = sk[1].common.reuse = 1;
	third = sock_of(&p, AF_INET, true, false);
	assert_int_equal(do_connect(&sk[0], "127.0.0.1", "127.0.0.1", 80), 0);
	assert_int_equal(do_bind(&sk[1], "127.0.0.1", 40003), 0);
	assert_int_equal(do_connect(&third, "127.0.0.1", "127.0.0.1", 81), -EADDRNOTAVAIL);
	do_close(&sk[1]);
	assert_int_equal(do_connect(&third, "127.0.0.1", "127.0.0.1", 81), 0);
	do_close(&third);
	do_close(&sk[0]);
	close_all(bound, 3);
	ports_exit(&p);
}

static struct net *killed_in;
static bool asked_by_number;

static bool tw_allows(struct sock *sk, struct timewait_sock *tw, bool by_number)
{
	(void)sk;
	(void)tw;
	asked_by_number = by_number;
	return true;
}

static void tw_gone(struct net *net, struct timewait_sock *tw)
{
	killed_in = net;
	inet_unhash(net, &tw->common);
	inet_bind_bucket_put_tw(net, tw);
}

static void connect_from_a_bound_port_needs_a_pair_of_its_own(void **state)
{
	struct ports p;
	struct sock a, b;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, true, false);
	b = sock_of(&p, AF_INET, true, false);
	assert_int_equal(do_bind(&a, "127.0.0.1", 2000), 0);
	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	assert_int_equal(do_connect(&a, "127.0.0.1", "127.0.0.1", 80), 0);
	assert_int_equal(do_connect(&b, "127.0.0.1", "127.0.0.1", 80), -EADDRNOTAVAIL);
	assert_int_equal(inet_hash_connect(&b, tw_allows, tw_gone), -EADDRNOTAVAIL); /* its owner is no stand-in */
	assert_int_equal(do_connect(&b, "127.0.0.1", "127.0.0.1", 81), 0);
	do_close(&a);
	do_close(&b);
	ports_exit(&p);
}

static void connect_takes_the_pair_of_a_time_wait_that_lets_it(void **state)
{
	struct {
		struct timewait_sock tw;
		uint8_t addrs[8];
	} stand_in;
	struct timewait_sock *tw = &stand_in.tw;
	struct ports p;
	struct sock a, b;
	struct in6_addr daddr;

	(void)state;
	ports_init(&p);
	a = sock_of(&p, AF_INET, true, false);
	b = sock_of(&p, AF_INET, true, false);
	assert_int_equal(do_bind(&a, "127.0.0.1", 2000), 0);
	assert_int_equal(do_connect(&a, "127.0.0.1", "127.0.0.9", 80), 0);

	memset(&stand_in, 0, sizeof(stand_in));
	tw->common = (struct sock_common){.state = TCP_TIME_WAIT, .num = 2000, .dport = 80, .v4 = 1};
	daddr = ip("127.0.0.9");
	memcpy(stand_in.tw.addrs, addr_v4(&daddr), 4);
	memcpy(stand_in.tw.addrs + 4, addr_v4(&a.rcv_saddr), 4);
	inet_bind_bucket_move(&p.net, &a, tw);
	do_close(&a);
	inet_ehash_insert(&p.net, &tw->common);

	assert_int_equal(do_bind(&b, "127.0.0.1", 2000), 0);
	assert_int_equal(do_connect(&b, "127.0.0.1", "127.0.0.9", 80), -EADDRNOTAVAIL);
	assert_int_equal(inet_hash_connect(&b, tw_allows, tw_gone), 0);
	assert_true(asked_by_number);
	assert_ptr_equal(killed_in, &p.net);
	assert_int_equal(p.net.mib[MIB_TcpExt_TWRecycled], 1);
	assert_ptr_equal(inet_lookup_established(&p.net, &b.rcv_saddr, 2000, &b.daddr, 80), &b.common);
	do_close(&b);
	ports_exit(&p);
}

/* ------------------------------------------------------------------ lookup */

static struct sock *who_listens(struct ports *p, const char *on, const char *from, uint16_t sport)
{
	struct in6_addr saddr = ip(on), daddr = ip(from);

	return inet_lookup_listener(&p->net, &saddr, 80, &daddr, sport);
}

static void the_listener_on_the_address_is_preferred_and_ipv4_to_dual(void **state)
{
	struct ports p;
	struct sock any4, exact, dual;

	(void)state;
	ports_init(&p);
	dual = sock_of(&p, AF_INET6, false, true);
	any4 = sock_of(&p, AF_INET, false, true);
	exact = sock_of(&p, AF_INET, false, true);
	assert_null(who_listens(&p, "127.0.0.1", "127.0.0.1", 1));
	assert_int_equal(do_bind(&dual, "::", 80), 0);
	assert_int_equal(do_listen(&dual), 0);
	assert_ptr_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", 1), &dual);
	assert_ptr_equal(who_listens(&p, "::1", "::1", 1), &dual);
	assert_int_equal(do_bind(&any4, "0.0.0.0", 80), 0);
	assert_int_equal(do_listen(&any4), 0);
	assert_ptr_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", 1), &any4);
	assert_ptr_equal(who_listens(&p, "::1", "::1", 1), &dual);
	assert_int_equal(do_bind(&exact, "127.0.0.2", 80), 0);
	assert_int_equal(do_listen(&exact), 0);
	assert_ptr_equal(who_listens(&p, "127.0.0.2", "127.0.0.1", 1), &exact);
	assert_ptr_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", 1), &any4);
	do_close(&any4);
	assert_ptr_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", 1), &dual);
	do_close(&dual);
	do_close(&exact);
	ports_exit(&p);
}

static void an_ipv6_only_listener_hears_no_ipv4(void **state)
{
	struct ports p;
	struct sock v6;

	(void)state;
	ports_init(&p);
	v6 = sock_of(&p, AF_INET6, false, false);
	v6.common.ipv6only = 1;
	assert_int_equal(do_bind(&v6, "::", 80), 0);
	assert_int_equal(do_listen(&v6), 0);
	assert_null(who_listens(&p, "127.0.0.1", "127.0.0.1", 1));
	assert_ptr_equal(who_listens(&p, "::1", "::1", 1), &v6);
	do_close(&v6);
	ports_exit(&p);
}

static void a_reuseport_group_shares_connections_and_each_pair_stays_with_one(void **state)
{
	struct ports p;
	struct sock group[3];
	unsigned hits[3] = {0};

	(void)state;
	ports_init(&p);
	for (int i = 0; i < 3; i++) {
		group[i] = sock_of(&p, AF_INET, false, true);
		assert_int_equal(do_bind(&group[i], "0.0.0.0", 80), 0);
		assert_int_equal(do_listen(&group[i]), 0);
	}
	for (uint16_t sport = 1; sport <= 3000; sport++) {
		struct sock *sk = who_listens(&p, "127.0.0.1", "127.0.0.1", sport);

		assert_ptr_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", sport), sk);
		hits[sk - group]++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(hits[i], 900, 1100);
	do_close(&group[0]);
	for (uint16_t sport = 1; sport <= 3000; sport++)
		assert_ptr_not_equal(who_listens(&p, "127.0.0.1", "127.0.0.1", sport), &group[0]);
	do_close(&group[1]);
	do_close(&group[2]);
	ports_exit(&p);
}

static void children_share_the_port_of_their_listener_and_outlive_it(void **state)
{
	struct ports p;
	struct sock listener, child, b;

	(void)state;
	ports_init(&p);
	listener = sock_of(&p, AF_INET6, true, false);
	assert_int_equal(do_bind(&listener, "::", 80), 0);
	assert_int_equal(do_listen(&listener), 0);
	child = sock_of(&p, AF_INET6, true, false);
	child.rcv_saddr = ip("127.0.0.1");
	child.daddr = ip("127.0.0.9");
	child.common.num = 80;
	child.common.dport = 1;
	child.common.state = TCP_SYN_RECV;
	assert_int_equal(inet_inherit_port(&listener, &child), 0);
	inet_ehash_insert(&p.net, &child.common);
	assert_null(hashinfo_check(&p.net));
	do_close(&listener);

	b = sock_of(&p, AF_INET, false, false);
	assert_int_equal(do_bind(&b, "127.0.0.1", 80), -EADDRINUSE);
	assert_int_equal(do_bind(&b, "127.0.0.2", 80), 0); /* the any address went with the listener */
	do_close(&b);
	b.common.reuse = 1;
	assert_int_equal(do_bind(&b, "127.0.0.1", 80), 0);
	assert_int_equal(do_listen(&b), 0);
	do_close(&b);
	do_close(&child);
	ports_exit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind_to_any_port_takes_odd_ones_first_and_leaves_even_ones_to_connect),
		cmocka_unit_test(with_reuseaddr_the_lower_half_is_searched_first_and_nothing_is_shared),
		cmocka_unit_test(connect_takes_even_ports_first_and_shares_them_among_destinations),
		cmocka_unit_test(connect_chooses_no_port_that_somebody_has_bound_until_he_lets_it_go),
		cmocka_unit_test(connect_from_a_bound_port_needs_a_pair_of_its_own),
		cmocka_unit_test(connect_takes_the_pair_of_a_time_wait_that_lets_it),
		cmocka_unit_test(the_listener_on_the_address_is_preferred_and_ipv4_to_dual),
		cmocka_unit_test(an_ipv6_only_listener_hears_no_ipv4),
		cmocka_unit_test(a_reuseport_group_shares_connections_and_each_pair_stays_with_one),
		cmocka_unit_test(children_share_the_port_of_their_listener_and_outlive_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
