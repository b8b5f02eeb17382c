// SPDX-License-Identifier: MIT
/* drill/constants.c, drill/icmp.c: Linux's numbers by name and back */
#include "drill_env.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void constants_have_the_numbers_of_linux(void **state)
{
	static const struct {
		const char *name;
		int64_t value;
	} rows[] = {
		{"SOL_TCP", 6},
		{"SO_ZEROCOPY", 60},
		{"TCP_INQ", 36},
		{"MSG_FASTOPEN", 0x20000000},
		{"EPOLLET", 1u << 31},
		{"ETIMEDOUT", 110},
		{"MSG_ZEROCOPY", 0x4000000},
		{"NULL", 0},
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(drill_constant(rows[i].name, &value));
		assert_true(value == rows[i].value);
	}
	assert_false(drill_constant("SO_NOTHING", &value));
	assert_false(drill_constant("", &value));
}

static void an_errno_has_one_name_and_sometimes_two_ways_in(void **state)
{
	int err = 0;

	(void)state;
	assert_true(drill_errno("EWOULDBLOCK", &err));
	assert_int_equal(err, EAGAIN);
	assert_string_equal(drill_errno_name(EAGAIN), "EAGAIN");
	assert_string_equal(drill_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	assert_null(drill_errno_name(100000));
	assert_false(drill_errno("SOL_SOCKET", &err));
}

static void poll_bits_are_shown_by_name_and_the_rest_in_hex(void **state)
{
	char text[64], small[10];

	(void)state;
	assert_string_equal(drill_poll_names("POLL", POLLIN | POLLHUP | POLLRDHUP, text, sizeof(text)),
			    "POLLIN|POLLRDHUP|POLLHUP");
	assert_string_equal(drill_poll_names("EPOLL", EPOLLOUT | EPOLLET, text, sizeof(text)), "EPOLLOUT|EPOLLET");
	assert_string_equal(drill_poll_names("POLL", POLLIN | 1 << 20, text, sizeof(text)), "POLLIN|0x100000");
	assert_string_equal(drill_poll_names("POLL", 0, text, sizeof(text)), "0");
	assert_string_equal(drill_poll_names("POLL", POLLIN | POLLOUT, small, sizeof(small)), "POLLIN|PO");
}

static void icmp_names_have_the_numbers_of_the_family(void **state)
{
	struct drill_icmp port = {.type = "unreachable", .code = "port_unreachable"};
	struct drill_icmp big = {.type = "packet_too_big"};
	struct drill_icmp frag = {.type = "unreachable", .code = "frag_needed"};
	uint8_t type, code;

	(void)state;
	assert_true(drill_icmp_numbers(&port, AF_INET, &type, &code));
	assert_int_equal(type, 3);
	assert_int_equal(code, 3);
	assert_true(drill_icmp_numbers(&port, AF_INET6, &type, &code));
	assert_int_equal(type, 1);
	assert_int_equal(code, 4);
	assert_true(drill_icmp_numbers(&big, AF_INET6, &type, &code));
	assert_int_equal(type, 2);
	assert_int_equal(code, 0);
	assert_false(drill_icmp_numbers(&big, AF_INET, &type, &code));
	assert_false(drill_icmp_numbers(&frag, AF_INET6, &type, &code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_have_the_numbers_of_linux),
		cmocka_unit_test(an_errno_has_one_name_and_sometimes_two_ways_in),
		cmocka_unit_test(poll_bits_are_shown_by_name_and_the_rest_in_hex),
		cmocka_unit_test(icmp_names_have_the_numbers_of_the_family),
	};

	return cmocka_run_group_tests_name("drill/constants", tests, NULL, NULL);
}
