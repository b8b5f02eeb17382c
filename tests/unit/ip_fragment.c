// SPDX-License-Identifier: MIT
/* ip/fragment.c: datagrams in pieces, in every order and with every mischief; the counters are those of Linux 6.18.44 */
#include "ip_net.h"

static struct ip_net t;
static struct pkt p;
static uint8_t datagram[66000];
static struct {
	int count;
	uint32_t len;
	uint8_t b[66000];
	uint8_t dsfield;
} got;

static void take(struct net *net, const struct ip_packet *pkt)
{
	(void)net;
	got.count++;
	got.len = pkt->len;
	got.dsfield = pkt->ip->dsfield;
	memcpy(got.b, pkt->data, pkt->len);
	assert_ptr_equal(pkt->hdr + pkt->hdr_len, pkt->data);
}

static const struct ip_protocol ops = {.rcv = take};

static int setup(void **state)
{
	(void)state;
	ip_net_init(&t);
	ip_register(&t.net, IPPROTO_TCP, &ops);
	memset(&got, 0, sizeof(got));
	for (size_t i = 0; i < sizeof(datagram); i++)
		datagram[i] = (uint8_t)(i * 13 + i / 251);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(t.net.skbs.count <= 64);
	ip_net_exit(&t);
	return 0;
}

/* Bytes @from to @to of the datagram with this id. */
static void frag(bool v6, uint16_t id, uint32_t from, uint32_t to, bool more)
{
	static uint8_t b[66000];

	if (v6) {
		memset(b, 0, 8);
		b[0] = IPPROTO_TCP;
		put_be16(b + 2, (uint16_t)(from | more));
		put_be32(b + 4, id);
		memcpy(b + 8, datagram + from, to - from);
		pkt6(&p, &(struct pkt6){.next = IPPROTO_FRAGMENT, .payload = b, .len = 8 + to - from});
	} else {
		pkt4(&p, &(struct pkt4){.proto = IPPROTO_TCP,
					.id = id,
					.frag = (uint16_t)(from / 8 | (more ? 0x2000 : 0)),
					.payload = datagram + from,
					.len = to - from});
	}
	ip_net_receive(&t, p.b, p.len);
}

static void assert_whole(uint32_t len)
{
	assert_int_equal(got.count, 1);
	assert_int_equal(got.len, len);
	assert_memory_equal(got.b, datagram, len);
	assert_int_equal(t.net.wheel.count, 0);
	assert_int_equal(t.net.skbs.count, 0);
	got.count = 0;
}

/* All orders of the @n fragments by Heap's method; each order is a datagram. */
static uint16_t next_id;

static void play(bool v6, const int *order, int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(got.count, 0);
		frag(v6, next_id, (uint32_t)order[i] * 24, (uint32_t)order[i] * 24 + (order[i] == n - 1 ? 5 : 24),
		     order[i] < n - 1);
	}
	assert_whole((uint32_t)(n - 1) * 24 + 5);
	next_id++;
}

static void permute(bool v6, int *order, int k, int n)
{
	if (k == 1) {
		play(v6, order, n);
		return;
	}
	for (int i = 0; i < k; i++) {
		int other = k % 2 ? 0 : i, tmp;

		permute(v6, order, k - 1, n);
		tmp = order[other];
		order[other] = order[k - 1];
		order[k - 1] = tmp;
	}
}

static void fragments_in_all_orders_become_the_datagram(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		int order[6] = {0, 1, 2, 3, 4, 5};

		permute(v6, order, 6, 6);
	}
	assert_int_equal(mib(&t, MIB_Ip_ReasmOKs), 720);
	assert_int_equal(mib(&t, MIB_Ip_ReasmReqds), 6 * 720);
	assert_int_equal(mib(&t, MIB_Ip6_ReasmOKs), 720);
	assert_int_equal(mib(&t, MIB_Ip_ReasmFails) + mib(&t, MIB_Ip6_ReasmFails), 0);
}

static void the_largest_datagram_comes_through_forwards_and_backwards(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t total = v6 ? 65535 : 65515, n = (total + 1447) / 1448;

		for (int back = 0; back < 2; back++) {
			for (uint32_t i = 0; i < n; i++) {
				uint32_t k = back ? n - 1 - i : i;

				frag(v6, (uint16_t)back, k * 1448, min(total, k * 1448 + 1448), k < n - 1);
			}
			assert_whole(total);
		}
	}
}

static void one_byte_more_than_the_largest_is_a_failure(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 45; k++)
		frag(false, 1, k * 1480, min(65516u, k * 1480 + 1480), k < 44);
	assert_int_equal(got.count, 0);
	assert_int_equal(mib(&t, MIB_Ip_ReasmFails), 1);
	assert_int_equal(t.net.skbs.count, 0);
}

static void a_repeated_fragment_is_ignored(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		frag(v6, 2, 0, 24, true);
		frag(v6, 2, 0, 24, true);
		frag(v6, 2, 48, 72, true);
		frag(v6, 2, 48, 72, true);
		frag(v6, 2, 48, 56, true); /* inside */
		frag(v6, 2, 24, 48, true);
		frag(v6, 2, 8, 64, true);
		frag(v6, 2, 72, 80, false);
		assert_whole(80);
	}
	assert_int_equal(mib(&t, MIB_Ip_ReasmFails), 0);
	assert_int_equal(mib(&t, MIB_Ip_ReasmReqds), 8);
}

static void every_partial_overlap_drops_the_whole_datagram(void **state)
{
	static const struct {
		uint32_t from, to;
	} second[] = {{0, 40}, {8, 24}, {0, 24}, {24, 40}, {8, 48}, {16, 40}};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned i = 0; i < ARRAY_SIZE(second); i++) {
			frag(v6, (uint16_t)(100 + i), 16, 32, true);
			counted(&t);
			frag(v6, (uint16_t)(100 + i), second[i].from, second[i].to, true);
			assert_string_equal(counted(&t),
					    v6 ? "Ip6InReceives+1 Ip6ReasmReqds+1 Ip6ReasmFails+1"
					       : "IpInReceives+1 IpReasmReqds+1 IpReasmFails+1 IpExtReasmOverlaps+1");
			assert_int_equal(t.net.skbs.count, 0);
			assert_int_equal(t.net.wheel.count, 0);
		}
	}
	assert_int_equal(got.count, 0);
}

static void fragments_that_disagree_about_the_end_drop_the_datagram(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		frag(v6, 1, 16, 24, false);
		frag(v6, 1, 16, 23, false); /* ends earlier */
		frag(v6, 2, 16, 24, false);
		frag(v6, 2, 24, 32, true); /* goes on behind the end */
		frag(v6, 3, 32, 40, true);
		frag(v6, 3, 16, 24, false); /* ends before what we have */
		frag(v6, 4, 16, 16, false); /* empty */
		assert_int_equal(mib(&t, v6 ? MIB_Ip6_ReasmFails : MIB_Ip_ReasmFails), 4);
		assert_int_equal(t.net.skbs.count, 0);
		assert_int_equal(t.net.wheel.count, 0);
	}
}

static void an_ipv4_fragment_of_odd_length_is_cut_to_eights(void **state)
{
	(void)state;
	frag(false, 1, 0, 19, true);
	frag(false, 1, 16, 40, false);
	assert_whole(40);
}

static void ipv6_fragments_that_cannot_be_are_told_to_the_sender(void **state)
{
	static const struct {
		uint32_t from, to;
		bool more;
		uint8_t code;
		uint8_t pointer;
	} bad[] = {{0, 31, true, 0, 4}, {65528, 65544, false, 0, 42}, {0, 16, true, 3, 0}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		frag(true, (uint16_t)i, bad[i].from, bad[i].to, bad[i].more);
		assert_string_equal(counted(&t), "Ip6InReceives+1 Ip6InHdrErrors+1 Ip6OutRequests+1 Ip6ReasmReqds+1 "
						 "Ip6OutTransmits+1 Icmp6OutMsgs+1 Icmp6OutParmProblems+1");
		assert_int_equal(t.sent_count, 1);
		assert_int_equal(t.sent[0][40], 4);
		assert_int_equal(t.sent[0][41], bad[i].code);
		assert_int_equal(get_be32(t.sent[0] + 44), bad[i].pointer);
		ip_net_forget(&t);
		t.net.now_ns += NSEC_PER_SEC;
	}
	frag(true, 99, 0, 31, false); /* an atomic fragment is none */
	assert_string_equal(counted(&t), "Ip6InReceives+1 Ip6InDelivers+1 Ip6ReasmReqds+1 Ip6ReasmOKs+1");
}

static void headers_before_an_ipv6_fragment_stay_in_front_of_the_datagram(void **state)
{
	uint8_t b[200] = {44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 9};

	(void)state;
	memcpy(b + 16, datagram, 64);
	pkt6(&p, &(struct pkt6){.next = 60, .payload = b, .len = 16 + 64});
	ip_net_receive(&t, p.b, p.len);
	put_be16(b + 10, 64);
	memcpy(b + 16, datagram + 64, 40);
	pkt6(&p, &(struct pkt6){.next = 60, .payload = b, .len = 16 + 40});
	ip_net_receive(&t, p.b, p.len);
	assert_whole(104);
}

static void a_fragment_in_a_fragment_is_a_header_error(void **state)
{
	uint8_t b[60] = {44, 0, 0, 1, 0, 0, 0, 9, 6, 0, 0, 1, 0, 0, 0, 10};

	(void)state;
	pkt6(&p, &(struct pkt6){.next = 44, .payload = b, .len = 8 + 48});
	ip_net_receive(&t, p.b, p.len);
	b[3] = 48;
	pkt6(&p, &(struct pkt6){.next = 44, .payload = b, .len = 8 + 8});
	counted(&t);
	ip_net_receive(&t, p.b, p.len);
	assert_string_equal(counted(&t),
			    "Ip6InReceives+1 Ip6InHdrErrors+1 Ip6OutRequests+1 Ip6ReasmReqds+2 Ip6ReasmOKs+1 "
			    "Ip6OutTransmits+1 Icmp6OutMsgs+1 Icmp6OutParmProblems+1");
	assert_int_equal(get_be32(t.sent[0] + 44), 40);
}

static void datagrams_are_told_apart_by_id_protocol_and_address(void **state)
{
	(void)state;
	frag(false, 1, 0, 24, true);
	frag(false, 2, 24, 48, false);
	pkt4(&p, &(struct pkt4){.proto = 200, .id = 1, .frag = 3, .payload = datagram + 24, .len = 24});
	ip_net_receive(&t, p.b, p.len);
	pkt4(&p,
	     &(struct pkt4){.saddr = "10.0.0.3", .proto = 6, .id = 1, .frag = 3, .payload = datagram + 24, .len = 24});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(got.count, 0);
	frag(false, 1, 24, 48, false);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.len, 48);
}

static void time_runs_out_with_a_word_only_if_the_first_fragment_came(void **state)
{
	(void)state;
	frag(false, 1, 0, 16, true);
	frag(false, 1, 16, 24, true); /* not quoted */
	frag(false, 2, 16, 24, false);
	counted(&t);
	ip_net_advance(&t, 30 * NSEC_PER_SEC - TICK_NSEC);
	assert_string_equal(counted(&t), "");
	ip_net_advance(&t, TICK_NSEC);
	assert_string_equal(counted(&t),
			    "IpOutRequests+1 IpReasmTimeout+2 IpReasmFails+2 IpOutTransmits+1 IcmpOutMsgs+1 "
			    "IcmpOutTimeExcds+1");
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.sent_len[0], 20 + 8 + 36);
	assert_int_equal(t.sent[0][20], 11);
	assert_int_equal(t.sent[0][21], 1);
	ip_net_forget(&t);

	frag(true, 1, 0, 48, true);
	frag(true, 2, 48, 96, false);
	counted(&t);
	ip_net_advance(&t, 60 * NSEC_PER_SEC - TICK_NSEC);
	assert_string_equal(counted(&t), "");
	ip_net_advance(&t, TICK_NSEC);
	assert_string_equal(counted(&t),
			    "Ip6OutRequests+1 Ip6ReasmTimeout+2 Ip6ReasmFails+2 Ip6OutTransmits+1 Icmp6OutMsgs+1 "
			    "Icmp6OutTimeExcds+1");
	assert_int_equal(t.sent_len[0], 40 + 8 + 40 + 8 + 48);
	assert_memory_equal(t.sent[0] + 40 + 8 + 40 + 8, datagram, 48);
	assert_int_equal(t.sent[0][40], 3);
	assert_int_equal(t.sent[0][41], 1);
	assert_int_equal(t.net.skbs.count, 0);
}

static void memory_is_bounded_and_comes_back(void **state)
{
	uint64_t before = t.net.mem.bytes;

	(void)state;
	t.net.sysctl.ipfrag_high_thresh = 200000;
	t.net.sysctl.ip6frag_high_thresh = 100000;
	for (int i = 0; i < 20000; i++)
		frag(false, (uint16_t)i, 8, 1488, true);
	assert_true(t.net.mem.bytes < before + 2 * 200000 + 20 * 65536); /* slabs count in chunks */
	assert_true(mib(&t, MIB_Ip_ReasmFails) > 19000);
	frag(true, 1, 0, 24, true); /* the other family has its own */
	assert_int_equal(mib(&t, MIB_Ip6_ReasmFails), 0);
	ip_net_advance(&t, 61 * NSEC_PER_SEC);
	assert_int_equal(t.net.skbs.count, 0);
	frag(false, 1, 0, 24, true);
	frag(false, 1, 24, 48, false);
	assert_whole(48);
	t.net.sysctl.ipfrag_high_thresh = 0; /* none at all */
	counted(&t);
	frag(false, 1, 0, 24, true);
	assert_string_equal(counted(&t), "IpInReceives+1 IpReasmReqds+1 IpReasmFails+1");
}

static void small_fragments_in_a_bad_order_cost_no_more_memory_than_the_bound(void **state)
{
	(void)state;
	t.net.sysctl.ipfrag_high_thresh = 100000;
	for (uint32_t k = 4000; k > 0; k--)
		frag(false, 1, k * 16, k * 16 + 8, true);
	assert_true(t.net.skbs.count < 1000);
	ip_net_advance(&t, 31 * NSEC_PER_SEC);
	assert_int_equal(t.net.skbs.count, 0);
}

static void without_memory_a_datagram_fails_and_nothing_leaks(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (int fail = 0; fail < 5; fail++) {
			enum mib fails = v6 ? MIB_Ip6_ReasmFails : MIB_Ip_ReasmFails;
			uint64_t before = mib(&t, fails);

			for (int i = 0; i < 5; i++) {
				static const uint32_t at[] = {0, 2000, 6000, 4000, 8000};

				t.world.refusing = i == fail;
				frag(v6, (uint16_t)fail, at[i], at[i] + 2000, i < 4);
				t.world.refusing = false;
			}
			/* a buffer may have had room without being asked for more */
			assert_int_equal(got.count, mib(&t, fails) == before);
			got.count = 0;
			ip_net_advance(&t, 61 * NSEC_PER_SEC);
			assert_int_equal(t.net.skbs.count, 0);
			assert_int_equal(t.net.wheel.count, 0);
			ip_net_forget(&t);
		}
	}
}

static void congestion_seen_by_one_fragment_is_seen_by_the_datagram(void **state)
{
	static const struct {
		uint8_t first, second;
		int whole; /* -1: none */
	} cases[] = {{0, 0, 0}, {2, 2, 2}, {2, 3, 3}, {3, 1, 3}, {3, 3, 3}, {0, 2, -1}, {3, 0, -1}, {0, 3, -1}};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			for (int part = 0; part < 2; part++) {
				uint8_t b[8 + 24] = {6, 0, 0, part ? 24 : 1, 0, 0, 0, (uint8_t)i};
				uint8_t ds = part ? cases[i].second : cases[i].first;

				if (v6)
					pkt6(&p, &(struct pkt6){.next = 44, .dsfield = ds, .payload = b, .len = 32});
				else
					pkt4(&p, &(struct pkt4){.proto = 6,
								.id = (uint16_t)i,
								.dsfield = ds,
								.payload = b,
								.len = 24,
								.frag = part ? 3 : 0x2000});
				ip_net_receive(&t, p.b, p.len);
			}
			assert_int_equal(got.count, cases[i].whole >= 0);
			if (got.count)
				assert_int_equal(got.dsfield, cases[i].whole);
			got.count = 0;
		}
	}
	assert_int_equal(mib(&t, MIB_Ip_ReasmFails), 3);
	assert_int_equal(mib(&t, MIB_Ip6_ReasmFails), 3);
}

static void only_the_first_of_the_first_fragments_gives_the_headers(void **state)
{
	uint8_t b[200] = {60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4, 0, 0, 0, 0,
			  44, 0, 1, 4, 0, 0, 0, 0, 6,  0, 0, 1, 0, 0, 0, 7};

	(void)state;
	frag(true, 7, 0, 24, true);
	memcpy(b + 32, datagram, 24);
	pkt6(&p, &(struct pkt6){.next = 60, .payload = b, .len = 32 + 24});
	ip_net_receive(&t, p.b, p.len);
	b[26] = 0;
	b[27] = 48; /* the last one, behind the same headers */
	memcpy(b + 32, datagram + 48, 24);
	pkt6(&p, &(struct pkt6){.next = 60, .payload = b, .len = 32 + 24});
	ip_net_receive(&t, p.b, p.len);
	frag(true, 7, 24, 48, true);
	assert_whole(72);
}

static void an_error_about_a_datagram_quotes_it_without_the_fragment_header(void **state)
{
	uint8_t b[8 + 24] = {200, 0, 0, 1, 0, 0, 0, 7};

	(void)state;
	memcpy(b + 8, datagram, 24);
	pkt6(&p, &(struct pkt6){.next = 44, .payload = b, .len = 32});
	ip_net_receive(&t, p.b, p.len);
	b[3] = 24;
	pkt6(&p, &(struct pkt6){.next = 44, .payload = b, .len = 32});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.sent_len[0], 40 + 8 + 40 + 48);
	assert_int_equal(get_be32(t.sent[0] + 44), 6); /* points at what was wrong: protocol 200 */
	assert_int_equal(t.sent[0][48 + 6], 200);
	assert_int_equal(get_be16(t.sent[0] + 48 + 4), 48);
	assert_memory_equal(t.sent[0] + 48 + 40, datagram, 24);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(fragments_in_all_orders_become_the_datagram),
		T(the_largest_datagram_comes_through_forwards_and_backwards),
		T(one_byte_more_than_the_largest_is_a_failure),
		T(a_repeated_fragment_is_ignored),
		T(every_partial_overlap_drops_the_whole_datagram),
		T(fragments_that_disagree_about_the_end_drop_the_datagram),
		T(an_ipv4_fragment_of_odd_length_is_cut_to_eights),
		T(ipv6_fragments_that_cannot_be_are_told_to_the_sender),
		T(headers_before_an_ipv6_fragment_stay_in_front_of_the_datagram),
		T(a_fragment_in_a_fragment_is_a_header_error),
		T(datagrams_are_told_apart_by_id_protocol_and_address),
		T(time_runs_out_with_a_word_only_if_the_first_fragment_came),
		T(memory_is_bounded_and_comes_back),
		T(small_fragments_in_a_bad_order_cost_no_more_memory_than_the_bound),
		T(without_memory_a_datagram_fails_and_nothing_leaks),
		T(congestion_seen_by_one_fragment_is_seen_by_the_datagram),
		T(only_the_first_of_the_first_fragments_gives_the_headers),
		T(an_error_about_a_datagram_quotes_it_without_the_fragment_header),
	};

	return cmocka_run_group_tests_name("ip/fragment", tests, NULL, NULL);
}
