// SPDX-License-Identifier: MIT
/* wire/csum.h: against a sum made byte by byte */
#include "ip_net.h"

static uint32_t seed = 1;

static uint8_t rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return (uint8_t)(seed >> 24);
}

static uint16_t naive_folded(const uint8_t *p, size_t len)
{
	uint8_t two[2];
	uint16_t v;

	naive_store(two, naive_sum(p, len, 0));
	memcpy(&v, two, 2);
	return v;
}

/* 0x0000 and 0xffff are the same number in ones' complement */
static void assert_same(uint16_t a, uint16_t b)
{
	assert_int_equal(a == 0xffff ? 0 : a, b == 0xffff ? 0 : b);
}

static void sums_are_right_for_every_length_and_alignment(void **state)
{
	(void)state;
	for (size_t align = 0; align < 16; align++) {
		for (size_t len = 0; len <= 400; len++) {
			uint8_t *buf = malloc(align + len + !len), *p = buf + align;

			for (size_t i = 0; i < len; i++)
				p[i] = rnd();
			assert_same(csum_fold(csum_partial(p, len, 0)), naive_folded(p, len));
			free(buf);
		}
	}
}

static void sums_of_nothing_but_ones_do_not_overflow(void **state)
{
	static uint8_t p[65536];

	(void)state;
	memset(p, 0xff, sizeof(p));
	for (size_t len = sizeof(p) - 130; len <= sizeof(p); len++)
		assert_same(csum_fold(csum_partial(p, len, 0)), naive_folded(p, len));
	assert_same(csum_fold(0xffffffffffffffffull), (uint16_t)~0xffff);
	assert_same(csum_fold(0xffff0000ffff0001ull), (uint16_t)~1);
}

static void sums_of_pieces_add_up(void **state)
{
	uint8_t p[200];

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = rnd();
	for (size_t cut = 0; cut <= sizeof(p); cut += 2)
		assert_same(csum_fold(csum_partial(p + cut, sizeof(p) - cut, csum_partial(p, cut, 0))),
			    naive_folded(p, sizeof(p)));
}

static void vectors_of_odd_pieces_sum_like_the_whole(void **state)
{
	uint8_t p[97];

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = rnd();
	for (size_t a = 0; a < 20; a++) {
		for (size_t b = a; b < 40; b++) {
			struct iovec iov[] = {{p, a}, {p + a, b - a}, {p + b, sizeof(p) - b}};

			for (size_t off = 0; off < 50; off += 7)
				for (size_t len = 0; off + len <= sizeof(p); len += 3)
					assert_same(csum_fold(csum_iov(iov, 3, off, len, 0)),
						    naive_folded(p + off, len));
		}
	}
}

static void pseudo_headers_are_those_of_their_family(void **state)
{
	struct in6_addr s4 = A("192.0.2.1"), d4 = A("198.51.100.77"), s6 = A("2001:db8::1"), d6 = A("fe80::abcd:1");
	uint8_t four[12] = {192, 0, 2, 1, 198, 51, 100, 77, 0, 6, 0x12, 0x34};
	uint8_t six[40] = {0};

	(void)state;
	assert_same(csum_fold(csum_pseudo(&s4, &d4, 0x1234, 6)), naive_folded(four, 12));
	memcpy(six, &s6, 16);
	memcpy(six + 16, &d6, 16);
	six[33] = 0x01; /* 32 bits of length */
	six[35] = 0x56;
	six[39] = 58;
	assert_same(csum_fold(csum_pseudo(&s6, &d6, 0x10056, 58)), naive_folded(six, 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_right_for_every_length_and_alignment),
		cmocka_unit_test(sums_of_nothing_but_ones_do_not_overflow),
		cmocka_unit_test(sums_of_pieces_add_up),
		cmocka_unit_test(vectors_of_odd_pieces_sum_like_the_whole),
		cmocka_unit_test(pseudo_headers_are_those_of_their_family),
	};

	return cmocka_run_group_tests_name("wire/csum", tests, NULL, NULL);
}
