// SPDX-License-Identifier: MIT
/* wire/segment.h: TCP headers and options, good and bad */
#include "ip_net.h"

/* A segment in a block of exactly its length; @csum_off spoils the checksum. */
static uint8_t *segment(size_t hdr_len, size_t payload, uint8_t flags, const struct in6_addr *s,
			const struct in6_addr *d)
{
	size_t len = hdr_len + payload;
	uint8_t *p = calloc(1, len), pseudo[40] = {0};
	uint32_t sum;

	put_be16(p, 1234);
	put_be16(p + 2, 80);
	put_be32(p + 4, 0xfffffffe);
	put_be32(p + 8, 77);
	p[12] = (uint8_t)(hdr_len / 4 << 4);
	p[13] = flags;
	put_be16(p + 14, 4321);
	put_be16(p + 18, 9);
	for (size_t i = hdr_len; i < len; i++)
		p[i] = (uint8_t)i;
	memcpy(pseudo, s, 16);
	memcpy(pseudo + 16, d, 16);
	if (addr_is_v4(s)) /* the mapped prefix does not count */
		pseudo[10] = pseudo[11] = pseudo[26] = pseudo[27] = 0;
	pseudo[34] = (uint8_t)(len >> 8);
	pseudo[35] = (uint8_t)len;
	pseudo[39] = 6;
	sum = naive_sum(p, len, naive_sum(pseudo, 40, 0));
	naive_store(p + 16, sum);
	return p;
}

static void a_good_segment_is_read_in_both_families(void **state)
{
	const struct in6_addr pair[2][2] = {{A("10.0.0.2"), A("10.0.0.1")}, {A("fd00::2"), A("fd00::1")}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t *p = segment(32, 10, TCPHDR_SYN | TCPHDR_FIN | TCPHDR_ACK, &pair[i][0], &pair[i][1]);
		struct tcp_seg seg;

		memset(&seg, 1, sizeof(seg));
		assert_int_equal(tcp_parse_segment(&seg, &pair[i][0], &pair[i][1], p, 42), TCP_SEG_OK);
		assert_true(addr_equal(&seg.saddr, &pair[i][0]) && addr_equal(&seg.daddr, &pair[i][1]));
		assert_int_equal(seg.sport, 1234);
		assert_int_equal(seg.dport, 80);
		assert_int_equal(seg.seq, 0xfffffffe);
		assert_int_equal(seg.end_seq, 10); /* wraps; SYN and FIN count */
		assert_int_equal(seg.ack, 77);
		assert_int_equal(seg.wnd, 4321);
		assert_int_equal(seg.urg_ptr, 9);
		assert_int_equal(seg.flags, TCPHDR_SYN | TCPHDR_FIN | TCPHDR_ACK);
		assert_int_equal(seg.opt_len, 12);
		assert_ptr_equal(seg.opt, p + 20);
		assert_ptr_equal(seg.data, p + 32);
		assert_int_equal(seg.len, 10);
		assert_false(seg.options_parsed);
		free(p);
	}
}

static void each_kind_of_damage_has_its_verdict(void **state)
{
	struct in6_addr s = A("10.0.0.2"), d = A("10.0.0.1"), other = A("10.0.0.3");
	uint8_t *p = segment(20, 3, TCPHDR_ACK, &s, &d);
	struct tcp_seg seg;

	(void)state;
	assert_int_equal(tcp_parse_segment(&seg, &s, &d, p, 23), TCP_SEG_OK);
	assert_int_equal(tcp_parse_segment(&seg, &s, &other, p, 23), TCP_SEG_BAD_CSUM);
	assert_int_equal(tcp_read_segment(&seg, &s, &other, p, 23), TCP_SEG_OK); /* somebody vouches for it */
	for (uint32_t len = 0; len < 20; len++)
		assert_int_equal(tcp_parse_segment(&seg, &s, &d, p, len), TCP_SEG_TRUNCATED);
	for (unsigned doff = 0; doff < 16; doff++) {
		p[12] = (uint8_t)(doff << 4);
		assert_int_equal(tcp_parse_segment(&seg, &s, &d, p, 23), doff < 5    ? TCP_SEG_BAD_HEADER
									 : doff == 5 ? TCP_SEG_OK
										     : TCP_SEG_TRUNCATED);
	}
	p[12] = 5 << 4;
	for (unsigned bit = 0; bit < 23 * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(tcp_parse_segment(&seg, &s, &d, p, 23), TCP_SEG_OK);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(p);
}

static void options_of_every_kind_and_length_stay_within_the_header(void **state)
{
	struct tcp_options opt;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len < 256; len++) {
			for (size_t room = 0; room <= TCP_OPT_MAX; room++) {
				uint8_t *p = malloc(room + !room); /* a sanitizer watches its end */

				memset(p, 0x11, room + !room);
				if (room > 0)
					p[0] = (uint8_t)kind;
				if (room > 1)
					p[1] = (uint8_t)len;
				tcp_parse_options(&opt, p, room, true);
				assert_true(opt.nsacks <= 4 && opt.wscale <= 14);
				if (kind > 1 && room >= 2 && len > room) { /* partial: nothing is taken from it */
					struct tcp_options none = {0};

					assert_memory_equal(&opt, &none, offsetof(struct tcp_options, sack));
				}
				free(p);
			}
		}
	}
}

static void noise_is_read_without_reading_beyond(void **state)
{
	uint32_t seed = 7;
	struct tcp_options opt;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t room = (size_t)i % (TCP_OPT_MAX + 1);
		uint8_t *p = malloc(room + !room);

		for (size_t k = 0; k < room; k++) {
			seed = seed * 1664525 + 1013904223;
			p[k] = seed >> 31 ? (uint8_t)(seed >> 24)
					  : (uint8_t)(seed >> 20) % 12; /* often a kind that is known */
		}
		tcp_parse_options(&opt, p, room, i & 1);
		assert_true(opt.nsacks <= 4 && opt.wscale <= 14);
		free(p);
	}
}

static void a_known_option_counts_only_with_its_own_length(void **state)
{
	static const struct {
		uint8_t kind, len;
	} known[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}};

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(known); k++) {
		for (unsigned len = 2; len <= TCP_OPT_MAX; len++) {
			uint8_t p[TCP_OPT_MAX] = {known[k].kind, (uint8_t)len, 1, 1, 1, 1, 1, 1, 1, 1};
			struct tcp_options opt;

			tcp_parse_options(&opt, p, len, true);
			assert_int_equal(opt.mss || opt.wscale_ok || opt.sack_ok || opt.saw_tstamp,
					 len == known[k].len);
			tcp_parse_options(&opt, p, len, false); /* of these only the timestamp counts without SYN */
			assert_int_equal(opt.mss || opt.wscale_ok || opt.sack_ok || opt.saw_tstamp,
					 len == known[k].len && known[k].kind == 8);
		}
	}
}

static void parsing_ends_at_eol_and_at_silly_lengths_but_keeps_what_came_before(void **state)
{
	const uint8_t eol[] = {2, 4, 5, 0xb4, 0, 2, 3, 3, 7}, silly[] = {2, 4, 5, 0xb4, 99, 1, 3, 3, 7};
	const uint8_t zero_mss[] = {2, 4, 0, 0}, big_scale[] = {3, 3, 15};
	struct tcp_options opt;

	(void)state;
	tcp_parse_options(&opt, eol, sizeof(eol), true);
	assert_int_equal(opt.mss, 1460);
	assert_false(opt.wscale_ok);
	tcp_parse_options(&opt, silly, sizeof(silly), true);
	assert_int_equal(opt.mss, 1460);
	assert_false(opt.wscale_ok);
	tcp_parse_options(&opt, zero_mss, sizeof(zero_mss), true);
	assert_int_equal(opt.mss, 0);
	tcp_parse_options(&opt, big_scale, sizeof(big_scale), true);
	assert_int_equal(opt.wscale, 14);
}

static void sack_blocks_are_read_in_order(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 4; n++) {
		uint8_t p[2 + 32] = {5, (uint8_t)(2 + 8 * n)};
		struct tcp_options opt;

		for (unsigned i = 0; i < n; i++) {
			put_be32(p + 2 + 8 * i, 100 * i);
			put_be32(p + 6 + 8 * i, 100 * i + 50);
		}
		tcp_parse_options(&opt, p, 2 + 8 * n, false);
		assert_int_equal(opt.nsacks, n);
		for (unsigned i = 0; i < n; i++)
			assert_true(opt.sack[i].start == 100 * i && opt.sack[i].end == 100 * i + 50);
	}
}

/* The bytes are what Linux 6.18 sent on a veth pair: SYN, SYN without timestamps, ACK, ACK with SACK. */
static void options_are_written_in_linux_order_and_padding(void **state)
{
	static const uint8_t syn[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
	static const uint8_t syn_no_ts[] = {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};
	static const uint8_t syn_no_sack[] = {2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
	static const uint8_t ack[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4};
	struct tcp_options opt = {.mss = 1460,
				  .wscale_ok = true,
				  .wscale = 7,
				  .sack_ok = true,
				  .saw_tstamp = true,
				  .tsval = 1,
				  .tsecr = 2};
	uint8_t p[TCP_OPT_MAX];

	(void)state;
	assert_int_equal(tcp_write_options(p, &opt), sizeof(syn));
	assert_memory_equal(p, syn, sizeof(syn));
	opt.saw_tstamp = false;
	assert_int_equal(tcp_write_options(p, &opt), sizeof(syn_no_ts));
	assert_memory_equal(p, syn_no_ts, sizeof(syn_no_ts));
	opt.saw_tstamp = true;
	opt.sack_ok = false;
	assert_int_equal(tcp_write_options(p, &opt), sizeof(syn_no_sack));
	assert_memory_equal(p, syn_no_sack, sizeof(syn_no_sack));
	opt = (struct tcp_options){.saw_tstamp = true, .tsval = 1, .tsecr = 2, .nsacks = 1, .sack = {{3, 4}}};
	assert_int_equal(tcp_write_options(p, &opt), sizeof(ack));
	assert_memory_equal(p, ack, sizeof(ack));
}

static void what_is_written_is_read_back_and_never_longer_than_the_header_has_room(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		for (unsigned nsacks = 0; nsacks <= 4; nsacks++) {
			struct tcp_options opt = {.mss = bits & 1 ? 1000 : 0,
						  .wscale_ok = bits & 2,
						  .wscale = bits & 2 ? 3 : 0,
						  .sack_ok = bits & 4,
						  .saw_tstamp = bits & 8,
						  .tsval = bits & 8 ? 5 : 0,
						  .nsacks = (uint8_t)nsacks,
						  .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
			uint8_t *p = malloc(TCP_OPT_MAX);
			struct tcp_options back;
			size_t len = tcp_write_options(p, &opt);

			assert_true(len <= TCP_OPT_MAX && len % 4 == 0);
			tcp_parse_options(&back, p, len, true);
			assert_true(back.nsacks <= nsacks);
			if (bits == 0 || bits == 8)
				assert_int_equal(back.nsacks, bits && nsacks == 4 ? 3 : nsacks);
			assert_memory_equal(back.sack, opt.sack, back.nsacks * sizeof(opt.sack[0]));
			assert_int_equal(back.mss, opt.mss);
			assert_int_equal(back.wscale_ok, opt.wscale_ok);
			assert_int_equal(back.wscale, opt.wscale);
			assert_int_equal(back.sack_ok, opt.sack_ok);
			assert_int_equal(back.saw_tstamp, opt.saw_tstamp);
			assert_int_equal(back.tsval, opt.tsval);
			free(p);
		}
	}
}

static void fast_opens_option_is_read_in_both_forms_and_within_its_bounds(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int len;
		bool exp;
	} cases[] = {
		{"\x22\x02\x01\x01", 4, 0, false},			       /* one is asked for */
		{"\x22\x06\x61\x62\x63\x64\x01\x01", 8, 4, false},	       /* the shortest */
		{"\x22\x12zabcdefghijklmno\x01\x01", 20, 16, false},	       /* the longest */
		{"\x22\x04\x61\x62", 4, -1, false},			       /* too short */
		{"\x22\x07\x61\x62\x63\x64\x65\x01", 8, -1, false},	       /* odd */
		{"\x22\x14zabcdefghijklmnopq", 20, -1, false},	       /* too long */
		{"\xfe\x04\xf9\x89", 4, 0, true},			       /* the experimental form */
		{"\xfe\x0c\xf9\x89zabcdefg", 12, 8, true},
		{"\xfe\x0c\xf9\x88zabcdefg", 12, -1, false},		       /* another experiment */
		{"\x22\x0azabc", 6, -1, false},				       /* longer than what is there */
		{"\x00\x22\x02\x01", 4, -1, false},			       /* behind the end */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_fastopen_cookie foc;
		uint8_t *p = malloc(cases[i].size); /* so that a byte beyond is noticed */

		memcpy(p, cases[i].bytes, cases[i].size);
		tcp_parse_fastopen(&foc, p, cases[i].size);
		assert_int_equal(foc.len, cases[i].len);
		if (foc.len >= 0)
			assert_int_equal(foc.exp, cases[i].exp);
		free(p);
	}
}

static void fast_opens_option_is_padded_and_left_out_where_it_does_not_fit(void **state)
{
	struct tcp_fastopen_cookie foc = {.val = "zabcdefg", .len = 8}, back;
	uint8_t p[TCP_OPT_MAX];

	(void)state;
	assert_int_equal(tcp_write_fastopen(p, 12, &foc), 12);
	assert_memory_equal(p, "\x22\x0azabcdefg\x01\x01", 12);
	assert_int_equal(tcp_write_fastopen(p, 11, &foc), 0);
	foc.exp = true;
	assert_int_equal(tcp_write_fastopen(p, sizeof(p), &foc), 12);
	tcp_parse_fastopen(&back, p, 12);
	assert_int_equal(back.len, 8);
	assert_true(back.exp && !memcmp(back.val, foc.val, 8));
	foc.len = -1;
	assert_int_equal(tcp_write_fastopen(p, sizeof(p), &foc), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_segment_is_read_in_both_families),
		cmocka_unit_test(each_kind_of_damage_has_its_verdict),
		cmocka_unit_test(options_of_every_kind_and_length_stay_within_the_header),
		cmocka_unit_test(noise_is_read_without_reading_beyond),
		cmocka_unit_test(a_known_option_counts_only_with_its_own_length),
		cmocka_unit_test(parsing_ends_at_eol_and_at_silly_lengths_but_keeps_what_came_before),
		cmocka_unit_test(sack_blocks_are_read_in_order),
		cmocka_unit_test(options_are_written_in_linux_order_and_padding),
		cmocka_unit_test(what_is_written_is_read_back_and_never_longer_than_the_header_has_room),
		cmocka_unit_test(fast_opens_option_is_read_in_both_forms_and_within_its_bounds),
		cmocka_unit_test(fast_opens_option_is_padded_and_left_out_where_it_does_not_fit),
	};

	return cmocka_run_group_tests_name("wire/segment", tests, NULL, NULL);
}
