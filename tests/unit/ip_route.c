// SPDX-License-Identifier: MIT
/* ip/route.c, ip/pmtu.c, ip/output.c: where a packet goes, from which address, in which size */
#include "ip_net.h"

static struct ip_net t;
static struct la_device other;

static int setup(void **state)
{
	(void)state;
	ip_net_init(&t);
	other = t.dev;
	other.mtu = 1400;
	other.gso_max = 20000;
	assert_int_equal(dev_add(&t.net, &other), 3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ip_net_exit(&t);
	return 0;
}

static int add_addr(int ifindex, const char *text, unsigned prefixlen)
{
	struct in6_addr a = A(text);

	return ip_addr_add(&t.net, ifindex, &a, prefixlen + (addr_is_v4(&a) ? 96 : 0));
}

static int add_route(int ifindex, const char *text, unsigned prefixlen)
{
	struct in6_addr a = A(text);

	return ip_route_add(&t.net, ifindex, &a, prefixlen + (addr_is_v4(&a) ? 96 : 0));
}

/* Leaves through @ifindex from @source, or fails with -@ifindex. */
static void assert_route(const char *to, int ifindex, const char *source)
{
	struct in6_addr daddr = A(to), saddr = in6addr_any;
	int out = 0, err = ip_route(&t.net, &daddr, &saddr, &out);

	if (ifindex < 0) {
		assert_int_equal(err, ifindex);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(out, ifindex);
	daddr = A(source);
	assert_true(addr_equal(&saddr, &daddr));
}

static void the_longest_prefix_wins_in_whatever_order_routes_came(void **state)
{
	(void)state;
	assert_route("192.168.1.1", -ENETUNREACH, NULL);
	assert_int_equal(add_route(2, "::", 0), 0);
	assert_route("192.168.1.1", -ENETUNREACH, NULL); /* ::/0 is not 0.0.0.0/0 */
	assert_int_equal(add_route(3, "192.168.1.128", 25), 0);
	assert_int_equal(add_route(2, "192.168.1.77", 24), 0); /* the host's part is cut off */
	assert_int_equal(add_route(3, "0.0.0.0", 0), 0);
	assert_int_equal(add_route(2, "192.168.1.200", 32), 0);
	assert_int_equal(add_route(2, "8.0.0.0", 7), 0);
	assert_route("192.168.1.1", 2, "10.0.0.1");
	assert_route("192.168.1.129", 3, "10.0.0.1");
	assert_route("192.168.1.200", 2, "10.0.0.1");
	assert_route("192.168.2.1", 3, "10.0.0.1");
	assert_route("9.255.255.255", 2, "10.0.0.1");
	assert_route("10.1.0.0", 3, "10.0.0.1");
	assert_route("2001::1", 2, "fd00::1");
	assert_int_equal(add_route(2, "192.168.1.0", 24), -EEXIST);
	assert_int_equal(add_route(9, "1.0.0.0", 8), -EINVAL);
	assert_int_equal(ip_route_add(&t.net, 2, &(struct in6_addr){.s6_addr = {[10] = 0xff, 0xff}}, 95), -EINVAL);
	assert_int_equal(ip_route_add(&t.net, 2, &in6addr_any, 129), -EINVAL);
}

static void broadcast_and_multicast_are_unreachable_for_a_transport(void **state)
{
	static const char *const to[] = {"255.255.255.255", "10.0.0.255", "127.255.255.255", "224.0.0.1",
					 "ff02::1",	    "ff0e::1",	  "0.0.0.0",	     "::"};

	(void)state;
	assert_int_equal(add_route(2, "0.0.0.0", 0), 0);
	assert_int_equal(add_route(2, "::", 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(to); i++)
		assert_route(to[i], -ENETUNREACH, NULL);
	assert_route("10.0.0.0", 2, "10.0.0.1");
}

static void our_own_addresses_are_reached_over_loopback_from_themselves(void **state)
{
	(void)state;
	assert_route("127.0.0.1", 1, "127.0.0.1");
	assert_route("127.3.4.5", 1, "127.0.0.1");
	assert_route("10.0.0.1", 1, "10.0.0.1");
	assert_route("::1", 1, "::1");
	assert_route("fd00::1", 1, "fd00::1");
	assert_route("fd00::2", 2, "fd00::1");
}

static void the_source_suits_the_destination(void **state)
{
	(void)state;
	assert_int_equal(add_addr(3, "172.16.0.1", 16), 0);
	assert_int_equal(add_addr(2, "10.0.0.7", 24), 0); /* the same prefix: a second address */
	assert_int_equal(add_addr(2, "10.1.0.1", 24), 0);
	assert_route("10.0.0.9", 2, "10.0.0.1");
	assert_route("10.1.0.9", 2, "10.1.0.1");
	assert_route("172.16.9.9", 3, "172.16.0.1");
	assert_int_equal(add_route(2, "0.0.0.0", 0), 0);
	assert_route("9.9.9.9", 2, "10.0.0.1");

	assert_int_equal(add_addr(2, "fe80::1", 64), 0);
	assert_int_equal(add_addr(2, "2001:db8:1::1", 64), 0);
	assert_int_equal(add_addr(3, "2001:db8:2::1", 64), 0);
	assert_int_equal(add_route(2, "::", 0), 0);
	assert_route("fe80::2", 2, "fe80::1"); /* scope */
	assert_route("2001:db8:2::2", 3, "2001:db8:2::1");
	assert_route("2001:db8:1:5::2", 2, "2001:db8:1::1"); /* prefix */
	assert_route("fe00::1", 2, "fd00::1");		     /* fe80::1 is more alike, but of a smaller scope */
	assert_route("fd00::5", 2, "fd00::1");
}

static void a_wished_source_must_be_ours(void **state)
{
	struct in6_addr to = A("10.0.0.2"), from = A("10.0.0.3");
	int ifindex;

	(void)state;
	assert_int_equal(ip_route(&t.net, &to, &from, &ifindex), -EINVAL);
	t.net.sysctl.ip_nonlocal_bind = 1;
	assert_int_equal(ip_route(&t.net, &to, &from, &ifindex), 0);
	t.net.sysctl.ip_nonlocal_bind = 0;
	from = A("127.0.0.9");
	assert_int_equal(ip_route(&t.net, &to, &from, &ifindex), 0);
	assert_int_equal(ifindex, 2);
}

static void what_may_be_bound_is_what_linux_lets_one_bind(void **state)
{
	static const struct {
		const char *addr;
		bool ok;
	} cases[] = {{"0.0.0.0", true},		{"::", true},
		     {"10.0.0.1", true},	{"127.3.3.3", true},
		     {"127.0.0.0", true},	{"127.255.255.255", true},
		     {"255.255.255.255", true}, {"10.0.0.255", true},
		     {"224.0.0.1", true},	{"::1", true},
		     {"fd00::1", true},		{"10.0.0.0", false},
		     {"10.0.0.2", false},	{"8.8.8.8", false},
		     {"240.0.0.1", false},	{"ff02::1", false},
		     {"fd00::", false}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct in6_addr a = A(cases[i].addr);

		assert_int_equal(ip_can_bind(&t.net, &a), cases[i].ok);
	}
}

static void addresses_are_checked(void **state)
{
	static const char *const bad[] = {"0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.2", "::", "ff02::1"};
	struct in6_addr a = A("10.0.0.77");

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(add_addr(2, bad[i], 32), -EINVAL);
	assert_int_equal(add_addr(2, "10.0.0.1", 24), -EEXIST);
	assert_int_equal(add_addr(9, "10.0.0.9", 24), -EINVAL);
	assert_int_equal(ip_addr_add(&t.net, 2, &a, 95), -EINVAL);
	assert_int_equal(ip_addr_add(&t.net, 2, &a, 129), -EINVAL);
	assert_false(ip_is_local(&t.net, &a));
	assert_int_equal(ip_addr_add(&t.net, 2, &a, 128), 0); /* the cached answer is stale now */
	assert_true(ip_is_local(&t.net, &a));
	a = A("10.0.0.78");
	assert_false(ip_is_local(&t.net, &a));
	assert_int_equal(ip_addr_add(&t.net, 2, &a, 96 + 24), 0); /* without a new route */
	assert_true(ip_is_local(&t.net, &a));
	for (int i = 0; i < 1000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.9.%d.%d", i / 250, i % 250 + 1);
		assert_int_equal(add_addr(2, text, 16), 0);
	}
	assert_route("10.9.3.200", 1, "10.9.3.200");
}

static void without_memory_an_address_is_refused_and_nothing_changes(void **state)
{
	(void)state;
	t.world.refusing = true;
	assert_int_equal(add_addr(2, "10.5.0.1", 24), -ENOMEM);
	t.world.refusing = false;
	assert_route("10.5.0.2", -ENETUNREACH, NULL);
	assert_int_equal(add_addr(2, "10.5.0.1", 24), 0);
	assert_route("10.5.0.2", 2, "10.5.0.1");
	assert_int_equal(add_addr(2, "10.6.0.1", 24), 0);
	t.world.room = 1; /* for the address, but not for the fifth route */
	assert_int_equal(add_addr(2, "10.7.0.1", 24), -ENOMEM);
	t.world.room = -1;
	assert_route("10.7.0.1", -ENETUNREACH, NULL);
}

/* ------------------------------------------------------------------ path MTU */

static void a_path_mtu_falls_holds_and_expires(void **state)
{
	struct in6_addr to = A("10.0.0.2"), neighbour = A("10.0.0.3"), six = A("fd00::2");

	(void)state;
	assert_int_equal(ip_mtu(&t.net, &to), 1500);
	assert_int_equal(ip_update_pmtu(&t.net, &to, 1600), 1500);
	assert_int_equal(ip_update_pmtu(&t.net, &to, 1400), 1400);
	assert_int_equal(ip_update_pmtu(&t.net, &to, 1450), 1400);
	assert_int_equal(ip_mtu(&t.net, &neighbour), 1500);
	ip_net_advance(&t, 599 * NSEC_PER_SEC);
	assert_int_equal(ip_mtu(&t.net, &to), 1400);
	ip_net_advance(&t, NSEC_PER_SEC);
	assert_int_equal(ip_mtu(&t.net, &to), 1500);
	assert_int_equal(ip_update_pmtu(&t.net, &six, 1000), 1280);
	ip_net_advance(&t, 600 * NSEC_PER_SEC);
	assert_int_equal(ip_mtu(&t.net, &six), 1500);
}

static void a_path_mtu_below_min_pmtu_is_not_followed_but_ends_df(void **state)
{
	struct in6_addr to = A("10.0.0.2");
	static uint8_t b[IP_HEADROOM + 1000];
	struct ip_out out = {.saddr = A("10.0.0.1"),
			     .daddr = to,
			     .proto = 6,
			     .df = true,
			     .hdr = b + IP_HEADROOM,
			     .hdr_len = 1000};

	(void)state;
	assert_int_equal(ip_update_pmtu(&t.net, &to, 100), 552);
	assert_int_equal(ip_update_pmtu(&t.net, &to, 560), 552);
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_int_equal(t.sent_count, 2);
	assert_int_equal(t.sent_len[0], 548);
	assert_int_equal(get_be16(t.sent[0] + 6), 0x2000);
}

static void path_mtus_are_bounded_in_number(void **state)
{
	struct in6_addr to = A("10.0.0.2");
	uint64_t bytes;

	(void)state;
	assert_int_equal(add_route(2, "20.0.0.0", 8), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		put_be32(&to.s6_addr[12], 20u << 24 | i);
		assert_int_equal(ip_update_pmtu(&t.net, &to, 1400), 1400);
		if (i == 5000)
			bytes = t.net.mem.bytes;
	}
	assert_int_equal(t.net.mem.bytes, bytes);
	assert_int_equal(ip_mtu(&t.net, &to), 1400);
	put_be32(&to.s6_addr[12], 20u << 24); /* the oldest had to go */
	assert_int_equal(ip_mtu(&t.net, &to), 1500);
	t.world.refusing = true;
	to = A("10.0.0.9");
	ip_update_pmtu(&t.net, &to, 1400);
	t.world.refusing = false;
}

static void mtu_and_unit_are_those_of_the_device(void **state)
{
	struct in6_addr to = A("10.0.0.2"), far = A("99.0.0.1"), self = A("127.0.0.1"), self6 = A("::1");

	(void)state;
	assert_int_equal(add_route(3, "99.0.0.0", 8), 0);
	assert_int_equal(ip_mtu(&t.net, &far), 1400);
	assert_int_equal(ip_gso_max(&t.net, &far), 20000);
	assert_int_equal(ip_gso_max(&t.net, &to), 65536);
	assert_int_equal(ip_mtu(&t.net, &self), 65535);
	assert_int_equal(ip_mtu(&t.net, &self6), 65536);
}

/* ------------------------------------------------------------------ output */

static void headers_are_built_as_by_linux(void **state)
{
	static const char b[30] = "transport header and payload";
	uint8_t packet[IP_HEADROOM + 20], *hdr = memcpy(packet + IP_HEADROOM, b, 20);
	struct ip_out out = {.saddr = A("10.0.0.1"),
			     .daddr = A("10.0.0.2"),
			     .proto = 6,
			     .dsfield = 0x12,
			     .df = true,
			     .hdr = hdr,
			     .hdr_len = 20,
			     .data = (const uint8_t *)b + 20,
			     .len = 10};

	(void)state;
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_string_equal(counted(&t), "IpOutRequests+1 IpOutTransmits+1");
	assert_int_equal(t.sent_len[0], 50);
	assert_memory_equal(t.sent[0], "\x45\x12\0\x32", 4);
	assert_memory_equal(t.sent[0] + 6, "\x40\0\x40\6", 4);
	assert_memory_equal(t.sent[0] + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	assert_memory_equal(t.sent[0] + 20, b, 30);
	assert_int_equal(naive_sum(t.sent[0], 20, 0), 0xffff);
	assert_int_equal(ip_xmit(&t.net, &out), 0); /* the id counts */
	assert_int_equal((uint16_t)(get_be16(t.sent[0] + 4) + 1), get_be16(t.sent[1] + 4));
	out.ttl = 3;
	out.saddr = A("fd00::1");
	out.daddr = A("fd00::2");
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_memory_equal(t.sent[2], "\x61\x20\0\0\0\x1e\6\3\xfd", 9);
	assert_memory_equal(t.sent[2] + 40, b, 30);
}

static void a_unit_takes_an_id_for_each_of_its_segments(void **state)
{
	static uint8_t packet[IP_HEADROOM + 20], *tcp = packet + IP_HEADROOM, data[10000];
	struct ip_out out = {.saddr = A("10.0.0.1"),
			     .daddr = A("10.0.0.2"),
			     .proto = 6,
			     .df = true,
			     .gso_size = 1448,
			     .hdr = tcp,
			     .hdr_len = 20,
			     .data = data,
			     .len = sizeof(data)};

	(void)state;
	tcp[12] = 0x50;
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_int_equal(t.sent_count, 14);
	for (int i = 0; i < 14; i++)
		assert_int_equal(get_be16(t.sent[i] + 4), (uint16_t)(get_be16(t.sent[0] + 4) + i));
	assert_string_equal(counted(&t), "IpOutRequests+2 IpOutTransmits+2");
}

static void what_is_too_large_or_goes_nowhere_says_so(void **state)
{
	static uint8_t b[IP_HEADROOM + 8], data[66000];
	struct ip_out out = {.saddr = A("10.0.0.1"),
			     .daddr = A("10.0.0.2"),
			     .proto = 6,
			     .df = true,
			     .hdr = b + IP_HEADROOM,
			     .hdr_len = 8,
			     .data = data,
			     .len = 1473};

	(void)state;
	assert_int_equal(ip_xmit(&t.net, &out), -EMSGSIZE);
	assert_string_equal(counted(&t), "IpOutRequests+1 IpFragFails+1");
	out.len = 65508;
	out.df = false;
	assert_int_equal(ip_xmit(&t.net, &out), -EMSGSIZE);
	out.len = 65507;
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_int_equal(t.sent_count, 45);
	out.daddr = A("8.8.8.8");
	counted(&t);
	assert_int_equal(ip_xmit(&t.net, &out), -ENETUNREACH);
	assert_string_equal(counted(&t), "IpOutNoRoutes+1");
	out.daddr = A("2001::1");
	assert_int_equal(ip_xmit(&t.net, &out), -ENETUNREACH);
	assert_string_equal(counted(&t), "Ip6OutNoRoutes+1");
	out.len = 92;
	out.daddr = A("10.0.0.2");
	t.xmit_result = -ENOBUFS;
	assert_int_equal(ip_xmit(&t.net, &out), -ENOBUFS);
}

static bool left_out;

static int note_csum(struct la_device *dev, const struct la_frame *frame)
{
	left_out = frame->csum_missing;
	return ip_net_xmit(dev, frame); /* by la_frame_cut(), which makes up for it */
}

/* Sends @len bytes over @dev, and has a look at the checksum of what becomes of them. */
static void send_summed(const struct la_device *dev, const char *to, uint32_t len, bool leave_out)
{
	uint8_t packet[IP_HEADROOM + 20] = {[IP_HEADROOM + 12] = 0x50}, *tcp = packet + IP_HEADROOM;
	uint8_t pseudo[12] = "\x0a\0\0\1", *sent;
	static uint8_t data[3000] = "an odd number of bytes";
	struct ip_out out = {.saddr = A("10.0.0.1"),
			     .daddr = A(to),
			     .proto = IPPROTO_TCP,
			     .csum_at = TCP_CSUM_AT,
			     .hdr = tcp,
			     .hdr_len = 20,
			     .data = data,
			     .len = len - 20};
	uint32_t first = (uint32_t)t.sent_count;

	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_int_equal(left_out, leave_out);
	assert_int_equal(get_be16(tcp + 16) == 0, leave_out);
	if (len > dev->mtu)
		return;
	sent = t.sent[first];
	memcpy(pseudo + 4, sent + 16, 4);
	pseudo[9] = IPPROTO_TCP;
	put_be16(pseudo + 10, (uint16_t)len);
	assert_int_equal(naive_sum(sent + 20, len, naive_sum(pseudo, 12, 0)), 0xffff);
}

static void a_device_may_do_without_the_transport_checksum(void **state)
{
	struct la_device plain = {.name = "sums", .mtu = 1400, .xmit = note_csum, .world = &t}, none = plain;

	(void)state;
	none.features = LA_DEVICE_TX_CSUM;
	assert_int_equal(add_route(dev_add(&t.net, &plain), "20.0.0.0", 8), 0);
	assert_int_equal(add_route(dev_add(&t.net, &none), "30.0.0.0", 8), 0);
	send_summed(&plain, "20.0.0.1", 43, false);
	send_summed(&none, "30.0.0.1", 43, true);
	send_summed(&none, "30.0.0.1", 2000, false); /* nobody can make up for it in a fragment */
}

/* Every allocation of ip_init() and link_init() refused in turn. */
static void a_layer_that_cannot_begin_ends_without_a_leak(void **state)
{
	static struct ip_net u;

	(void)state;
	for (int room = 0; room < 10; room++) {
		ip_net_init(&u);
		ip_exit(&u.net);
		link_exit(&u.net);
		u.world.room = room;
		if (!link_init(&u.net))
			ip_init(&u.net);
		u.world.room = -1;
		ip_net_exit(&u);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_longest_prefix_wins_in_whatever_order_routes_came),
		T(broadcast_and_multicast_are_unreachable_for_a_transport),
		T(our_own_addresses_are_reached_over_loopback_from_themselves),
		T(the_source_suits_the_destination),
		T(a_wished_source_must_be_ours),
		T(what_may_be_bound_is_what_linux_lets_one_bind),
		T(addresses_are_checked),
		T(without_memory_an_address_is_refused_and_nothing_changes),
		T(a_path_mtu_falls_holds_and_expires),
		T(a_path_mtu_below_min_pmtu_is_not_followed_but_ends_df),
		T(path_mtus_are_bounded_in_number),
		T(mtu_and_unit_are_those_of_the_device),
		T(headers_are_built_as_by_linux),
		T(a_unit_takes_an_id_for_each_of_its_segments),
		T(what_is_too_large_or_goes_nowhere_says_so),
		T(a_device_may_do_without_the_transport_checksum),
		T(a_layer_that_cannot_begin_ends_without_a_leak),
	};

	return cmocka_run_group_tests_name("ip/route", tests, NULL, NULL);
}
