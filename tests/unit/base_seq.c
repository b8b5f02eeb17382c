// SPDX-License-Identifier: MIT
/* base/seq.h: comparing numbers on a circle */
#include "base/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void a_number_is_before_its_successor_across_the_wrap(void **state)
{
	(void)state;
	assert_true(before(0xffffffffu, 0));
	assert_true(after(0, 0xffffffffu));
	assert_false(before(0, 0xffffffffu));
	assert_true(before(5, 6));
	assert_false(before(6, 5));
}

static void a_number_is_neither_before_nor_after_itself(void **state)
{
	(void)state;
	assert_false(before(7, 7));
	assert_false(after(7, 7));
}

static void half_the_circle_is_the_horizon(void **state)
{
	(void)state;
	assert_true(before(10, 10 + 0x7fffffffu));
	assert_false(before(10, 10 + 0x80000001u));
	assert_true(before(10 + 0x80000001u, 10));
}

static void between_includes_both_ends_and_spans_the_wrap(void **state)
{
	(void)state;
	assert_true(between(0xfffffff0u, 0xfffffff0u, 0x10));
	assert_true(between(0x10, 0xfffffff0u, 0x10));
	assert_true(between(0, 0xfffffff0u, 0x10));
	assert_false(between(0x11, 0xfffffff0u, 0x10));
	assert_false(between(0xffffffefu, 0xfffffff0u, 0x10));
	assert_true(between(3, 3, 3));
	assert_false(between(4, 3, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_before_its_successor_across_the_wrap),
		cmocka_unit_test(a_number_is_neither_before_nor_after_itself),
		cmocka_unit_test(half_the_circle_is_the_horizon),
		cmocka_unit_test(between_includes_both_ends_and_spans_the_wrap),
	};

	return cmocka_run_group_tests_name("base/seq", tests, NULL, NULL);
}
