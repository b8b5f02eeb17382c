// SPDX-License-Identifier: MIT
/* tests/unit/life_settings.c - settings, counters, and socks as they are listed */
#include "file_env.h"

static void expect_setting(struct host *h, const char *name, const char *value)
{
	char text[96];

	assert_int_equal(la_sysctl_get(h->stack, name, text, sizeof(text)), strlen(value));
	assert_string_equal(text, value);
}

static void settings_go_by_linux_names_with_and_without_their_folder(void **state)
{
	struct host h;

	(void)state;
	host_init(&h);
	expect_setting(&h, "net.ipv4.tcp_fin_timeout", "60");
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_fin_timeout", " 30\n"), 0);
	expect_setting(&h, "tcp_fin_timeout", "30");
	expect_setting(&h, "net.core.somaxconn", "4096");
	expect_setting(&h, "net.ipv6.conf.all.hop_limit", "64");
	expect_setting(&h, "net.ipv4.route.min_pmtu", "552");
	expect_setting(&h, "net.ipv4.tcp_notsent_lowat", "-1");
	host_exit(&h);
}

static void settings_of_several_numbers(void **state)
{
	struct host h;

	(void)state;
	host_init(&h);
	expect_setting(&h, "net.ipv4.ip_local_port_range", "32768\t60999");
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.ip_local_port_range", "40000 40003"), 0);
	expect_setting(&h, "net.ipv4.ip_local_port_range", "40000\t40003");
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.ip_local_port_range", "40004 40003"), -EINVAL);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.ip_local_port_range", "40000 70000"), -EINVAL);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_rmem", "4096\t65536\t6291456"), 0);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_rmem", "8192"), 0);
	expect_setting(&h, "net.ipv4.tcp_rmem", "8192\t65536\t6291456");
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_rmem", "1 2 3 4"), -EINVAL);
	host_exit(&h);
}

/* What the kernel made of the same writes, one after the other. */
static void the_keys_of_fast_open_are_read_as_the_kernel_reads_them(void **state)
{
	static const struct {
		const char *written;
		int err;
		const char *read;
	} writes[] = {
		{"1-2-3-4", 0, "00000001-00000002-00000003-00000004"},
		{"a-b-c-d,1-2-3-4", 0, "0000000a-0000000b-0000000c-0000000d,00000001-00000002-00000003-00000004"},
		{"a-b-c", -EINVAL, "0000000a-0000000b-0000000c-0000000d,00000001-00000002-00000003-00000004"},
		{"a-b-c-d-e", 0, "0000000a-0000000b-0000000c-0000000d"},
		{"a-b-c-d,", -EINVAL, "0000000a-0000000b-0000000c-0000000d"},
		{"a-b-c-d,1", -EINVAL, "0000000a-0000000b-0000000c-0000000d"},
		{"123456789-1-1-1", 0, "23456789-00000001-00000001-00000001"},
		{"0x1-2-3-4", 0, "00000001-00000002-00000003-00000004"},
		{" 5-6-7-8", 0, "00000005-00000006-00000007-00000008"},
		{"g-1-2-3", -EINVAL, "00000005-00000006-00000007-00000008"},
		{"", 0, "00000005-00000006-00000007-00000008"},
		{"-1-2-3-4", -EINVAL, "00000005-00000006-00000007-00000008"},
		{"9-8-7-6 x", 0, "00000009-00000008-00000007-00000006"},
	};
	struct host h;

	(void)state;
	host_init(&h);
	expect_setting(&h, "net.ipv4.tcp_fastopen_key", "00000000-00000000-00000000-00000000");
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_fastopen_key", writes[i].written), writes[i].err);
		expect_setting(&h, "tcp_fastopen_key", writes[i].read);
	}
	assert_int_equal(la_sysctl_get(h.stack, "tcp_fastopen_key", (char[8]){0}, 8), -ENOSPC);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_fastopen", "0x203"), 0);
	expect_setting(&h, "net.ipv4.tcp_fastopen", "515");
	host_exit(&h);
}

static void what_is_no_setting_or_no_value_is_refused(void **state)
{
	static const char *const bad[] = {"", "abc", "3x", "-1", "99999999999999999999", "1 2"};
	struct host h;
	char text[2];

	(void)state;
	host_init(&h);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.tcp_fin", "1"), -ENOENT);
	assert_int_equal(la_sysctl_set(h.stack, "net.ipv4.", "1"), -ENOENT);
	assert_int_equal(la_sysctl_set(h.stack, NULL, "1"), -ENOENT);
	assert_int_equal(la_sysctl_set(h.stack, "tcp_fin_timeout", NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(la_sysctl_set(h.stack, "tcp_fin_timeout", bad[i]), -EINVAL);
	expect_setting(&h, "tcp_fin_timeout", "60");
	assert_int_equal(la_sysctl_get(h.stack, "tcp_fin_timeout", text, sizeof(text)), -ENOSPC);
	assert_int_equal(la_sysctl_get(h.stack, "nothing", text, sizeof(text)), -ENOENT);
	host_exit(&h);
}

static void counters_go_by_the_names_of_nstat(void **state)
{
	const char *name;
	uint64_t value;
	size_t n = 0;
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(counter(&h, "TcpActiveOpens"), 1);
	assert_int_equal(counter(&h, "TcpCurrEstab"), 2);
	assert_int_equal(la_counter(h.stack, "ActiveOpens", &value), -ENOENT);
	while (la_counter_at(h.stack, n, &name, &value))
		n++;
	assert_true(n > 100);
	assert_false(la_counter_at(h.stack, n, &name, &value));
	pair_end(&h, &p);
}

struct listing {
	unsigned count, limit;
	uint16_t sports[64];
};

static bool list_port(void *arg, const struct la_sock_info *info)
{
	struct listing *l = arg;

	l->sports[l->count++] = info->sport;
	return l->count < l->limit;
}

static void socks_are_listed_by_port_until_the_visitor_has_enough(void **state)
{
	struct listing all = {.limit = 64}, some = {.limit = 3};
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	for (int i = 0; i < 20; i++) {
		struct sockaddr_in addr = loopback((uint16_t)(5000 - 7 * i));
		int fd = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);

		assert_int_equal(CALL(&h, h.task, bind, fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
		assert_int_equal(CALL(&h, h.task, listen, fd, 1), 0);
	}
	la_socks(h.stack, list_port, &all);
	assert_int_equal(all.count, 22);
	for (unsigned i = 1; i < all.count; i++)
		assert_true(all.sports[i - 1] < all.sports[i]);
	la_socks(h.stack, list_port, &some);
	assert_int_equal(some.count, 3);
	assert_memory_equal(some.sports, all.sports, 3 * sizeof(uint16_t));
	pair_end(&h, &p);
}

/* The endpoint of that cookie, or that state where the cookie is 0. */
struct search {
	uint64_t cookie;
	uint8_t state;
	unsigned found;
	struct la_sock_info info;
	struct tcp_info tcp;
};

static bool search_one(void *arg, const struct la_sock_info *info)
{
	struct search *search = arg;

	if (info->cookie != search->cookie || (!search->cookie && info->state != search->state))
		return true;
	search->found++;
	search->info = *info;
	assert_int_equal(!!info->tcp_info, !!info->cookie);
	if (info->tcp_info) {
		assert_true(info->tcp_info_len >= sizeof(search->tcp));
		memcpy(&search->tcp, info->tcp_info, sizeof(search->tcp));
	}
	return true;
}

static struct search search_fd(struct host *h, struct la_task *task, int fd)
{
	struct search search = {.cookie = 0};
	socklen_t len = sizeof(search.cookie);

	assert_int_equal(CALL(h, task, getsockopt, fd, SOL_SOCKET, SO_COOKIE, &search.cookie, &len), 0);
	la_socks(h->stack, search_one, &search);
	assert_int_equal(search.found, 1);
	return search;
}

static void a_listed_sock_has_its_cookie_its_timer_and_what_tcp_info_says(void **state)
{
	struct search search, wait = {.state = 6 /* TIME_WAIT */};
	struct host h;
	struct pair p;
	int on = 1;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(CALL(&h, h.task, send, p.fd, "abc", 3, 0), 3);
	assert_int_equal(CALL(&h, p.peer, setsockopt, p.peer_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
	host_run_ms(&h, 1000);
	search = search_fd(&h, p.peer, p.peer_fd);
	assert_int_equal(search.info.state, 1);
	assert_int_equal(search.info.recv_q, 3);
	assert_int_equal(search.info.rmem, 3);
	assert_int_equal(search.info.rcvbuf, 131072);
	assert_int_equal(search.info.timer, LA_TIMER_KEEPALIVE);
	assert_in_range(search.info.timer_ms, 7198900, 7199100);
	assert_string_equal(search.info.congestion, "reno");
	assert_int_equal(search.tcp.tcpi_snd_cwnd, 10);
	assert_false(search.info.orphan);
	search = search_fd(&h, h.task, p.fd);
	assert_int_equal(search.info.timer, LA_TIMER_OFF);
	assert_int_equal(CALL(&h, h.task, shutdown, p.fd, SHUT_WR), 0);
	assert_int_equal(search_fd(&h, h.task, p.fd).info.shutdown, 2);
	assert_int_equal(CALL(&h, p.peer, shutdown, p.peer_fd, SHUT_WR), 0);
	la_socks(h.stack, search_one, &wait);
	assert_int_equal(wait.found, 1);
	assert_int_equal(wait.info.timer, LA_TIMER_TIMEWAIT);
	assert_in_range(wait.info.timer_ms, 59990, 60004);
	pair_end(&h, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_go_by_linux_names_with_and_without_their_folder),
		cmocka_unit_test(settings_of_several_numbers),
		cmocka_unit_test(the_keys_of_fast_open_are_read_as_the_kernel_reads_them),
		cmocka_unit_test(what_is_no_setting_or_no_value_is_refused),
		cmocka_unit_test(counters_go_by_the_names_of_nstat),
		cmocka_unit_test(socks_are_listed_by_port_until_the_visitor_has_enough),
		cmocka_unit_test(a_listed_sock_has_its_cookie_its_timer_and_what_tcp_info_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
