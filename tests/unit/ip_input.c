// SPDX-License-Identifier: MIT
/*
 * ip/input.c: every kind of bad packet, and what it counts
 *
 * The expected counters are those of Linux 6.18.44 for the same packets, written to a TUN device in a namespace of their
 * own; where Lastack differs on purpose, the test says so.
 */
#include "ip_net.h"

static struct ip_net t;
static struct pkt p;
static struct {
	int count;
	struct ip_packet pkt;
	struct ip_header ip;
} tcp;

static void take(struct net *net, const struct ip_packet *pkt)
{
	assert_ptr_equal(net, &t.net);
	assert_ptr_equal(pkt->hdr + pkt->hdr_len, pkt->data);
	tcp.count++;
	tcp.pkt = *pkt;
	tcp.ip = *pkt->ip;
}

static const struct ip_protocol tcp_ops = {.rcv = take};

static int setup(void **state)
{
	(void)state;
	ip_net_init(&t);
	ip_register(&t.net, IPPROTO_TCP, &tcp_ops);
	memset(&tcp, 0, sizeof(tcp));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ip_net_exit(&t);
	return 0;
}

#define RECEIVED(want) \
	do { \
		ip_net_receive(&t, p.b, p.len); \
		assert_string_equal(counted(&t), want); \
	} while (0)
#define SENT(n) assert_int_equal(t.sent_count, n)

static const uint8_t body[32] = "01234567890123456789";

static void good4(const char *saddr, const char *daddr)
{
	pkt4(&p, &(struct pkt4){
			 .saddr = saddr, .daddr = daddr, .proto = IPPROTO_TCP, .payload = body, .len = sizeof(body)});
}

/* ------------------------------------------------------------------ IPv4 */

static void a_good_ipv4_packet_reaches_its_transport_without_padding(void **state)
{
	struct in6_addr ours = A("10.0.0.1"), peer = A("10.0.0.2");

	(void)state;
	pkt4(&p, &(struct pkt4){.proto = IPPROTO_TCP, .dsfield = 0x5f, .payload = body, .len = 32, .id = 7});
	pkt_add(&p, "padding", 7);
	RECEIVED("IpInReceives+1 IpInDelivers+1");
	assert_int_equal(tcp.count, 1);
	assert_int_equal(tcp.pkt.len, 32);
	assert_int_equal(tcp.ip.dsfield, 0x5f);
	assert_int_equal(tcp.ip.ttl, 64);
	assert_int_equal(tcp.pkt.ifindex, 2);
	assert_int_equal(tcp.pkt.gso_size, 0);
	assert_true(addr_equal(&tcp.ip.saddr, &peer) && addr_equal(&tcp.ip.daddr, &ours));
	SENT(0);
}

static void every_truncation_of_an_ipv4_packet_is_counted_and_dropped(void **state)
{
	(void)state;
	good4(NULL, NULL);
	for (size_t len = 0; len < 52; len++) {
		ip_net_receive(&t, p.b, len);
		assert_string_equal(counted(&t), len == 0   ? ""
						 : len < 20 ? "IpInReceives+1 IpInHdrErrors+1"
							    : "IpInReceives+1 IpExtInTruncatedPkts+1");
	}
	assert_int_equal(tcp.count, 0);
	SENT(0);
}

static void header_lengths_that_contradict_themselves_are_header_errors(void **state)
{
	(void)state;
	for (unsigned ihl = 0; ihl < 16; ihl++) {
		if (ihl == 5)
			continue;
		good4(NULL, NULL);
		p.b[0] = (uint8_t)(0x40 | ihl);
		pkt4_fix(&p);
		p.len = 20;
		RECEIVED("IpInReceives+1 IpInHdrErrors+1");
	}
	for (unsigned total = 0; total < 20; total++) {
		good4(NULL, NULL);
		put_be16(p.b + 2, (uint16_t)total);
		pkt4_fix(&p);
		RECEIVED("IpInReceives+1 IpInHdrErrors+1");
	}
	good4(NULL, NULL);
	put_be16(p.b + 2, 53);
	pkt4_fix(&p);
	RECEIVED("IpInReceives+1 IpExtInTruncatedPkts+1");
	assert_int_equal(tcp.count, 0);
}

static void every_flipped_bit_of_an_ipv4_header_is_noticed(void **state)
{
	(void)state;
	good4(NULL, NULL);
	for (unsigned bit = 8; bit < 160; bit++) {
		p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		RECEIVED("IpInReceives+1 IpInHdrErrors+1 IpExtInCsumErrors+1");
		p.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned version = 0; version < 16; version++) { /* a TUN device refuses these before they are counted */
		if (version == 4 || version == 6)
			continue;
		p.b[0] = (uint8_t)(version << 4 | 5);
		RECEIVED("");
	}
	assert_int_equal(tcp.count, 0);
}

static void martian_sources_and_destinations_vanish_without_a_counter(void **state)
{
	static const char *const sources[] = {"127.0.0.1", "127.255.255.255", "10.0.0.1", "224.0.0.1",
					      "239.1.2.3", "255.255.255.255", "0.0.0.0"};
	static const char *const dests[] = {"127.0.0.1", "127.1.2.3", "0.0.0.0", "224.1.2.3"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
		good4(sources[i], NULL);
		RECEIVED("IpInReceives+1");
	}
	for (unsigned i = 0; i < ARRAY_SIZE(dests); i++) {
		good4(NULL, dests[i]);
		RECEIVED("IpInReceives+1");
	}
	assert_int_equal(tcp.count, 0);
	SENT(0);
}

static void sources_without_a_route_and_of_class_e_are_let_in(void **state)
{
	static const char *const sources[] = {"10.0.0.255", "240.0.0.1", "9.9.9.9"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
		good4(sources[i], NULL);
		RECEIVED("IpInReceives+1 IpInDelivers+1");
	}
	assert_int_equal(tcp.count, 3);
}

static void packets_for_others_are_address_errors(void **state)
{
	static const char *const dests[] = {"10.0.0.77", "8.8.8.8", "0.0.0.1", "10.0.0.0", "240.0.0.1"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(dests); i++) {
		good4(NULL, dests[i]);
		RECEIVED("IpInReceives+1 IpInAddrErrors+1");
	}
	assert_int_equal(tcp.count, 0);
	SENT(0);
}

/* Linux hands them to TCP, which counts InSegs and drops them. */
static void broadcast_never_reaches_the_transport(void **state)
{
	(void)state;
	good4(NULL, "255.255.255.255");
	RECEIVED("IpInReceives+1 IpInDelivers+1");
	good4(NULL, "10.0.0.255");
	RECEIVED("IpInReceives+1 IpInDelivers+1");
	assert_int_equal(tcp.count, 0);
	SENT(0);
}

static void an_unknown_protocol_is_answered_with_protocol_unreachable(void **state)
{
	(void)state;
	pkt4(&p, &(struct pkt4){.proto = 200, .dsfield = 0x1e, .payload = "abcdefgh", .len = 8});
	RECEIVED("IpInReceives+1 IpInUnknownProtos+1 IpOutRequests+1 IpOutTransmits+1 IcmpOutMsgs+1 "
		 "IcmpOutDestUnreachs+1");
	SENT(1);
	assert_int_equal(t.sent_len[0], 56);
	assert_int_equal(t.sent[0][1], 0xde);	      /* network control, and the TOS bits of the cause */
	assert_int_equal(get_be16(t.sent[0] + 6), 0); /* no DF */
	assert_int_equal(t.sent[0][20], 3);
	assert_int_equal(t.sent[0][21], 2);
	assert_memory_equal(t.sent[0] + 28, p.b, 28);
	assert_int_equal(naive_sum(t.sent[0], 20, 0), 0xffff);
	assert_int_equal(naive_sum(t.sent[0] + 20, 36, 0), 0xffff);
	pkt4(&p, &(struct pkt4){.proto = 2, .payload = "abcdefgh", .len = 8}); /* IGMP: heard, not obeyed */
	RECEIVED("IpInReceives+1 IpInDelivers+1");
	pkt4(&p, &(struct pkt4){.proto = 200, .daddr = "10.0.0.255", .payload = "abcdefgh", .len = 8});
	RECEIVED("IpInReceives+1 IpInUnknownProtos+1");
	SENT(1);
}

static void ipv4_options_are_judged_as_by_linux(void **state)
{
#define OK   "IpInReceives+1 IpInDelivers+1"
#define BAD  "IpInReceives+1 IpInHdrErrors+1 IpOutRequests+1 IpOutTransmits+1 IcmpOutMsgs+1 IcmpOutParmProbs+1"
#define GONE "IpInReceives+1"
	static const struct {
		const char *opt;
		size_t len;
		const char *counted;
		uint8_t pointer;
	} cases[] = {
		{"\1\1\1\1", 4, OK, 0},
		{"\0\0\0\0", 4, OK, 0},
		{"\0\1\2\3", 4, OK, 0}, /* nothing counts behind the end */
		{"\x07\0\0\0", 4, BAD, 20},
		{"\x07\1\0\0", 4, BAD, 20},
		{"\x07\x07\x04\0\0\0\0\0", 8, OK, 0}, /* record route, empty */
		{"\x07\x02\x01\x01", 4, BAD, 21},
		{"\x07\x07\x03\0\0\0\0\0", 8, BAD, 22},
		{"\x07\x07\x06\0\0\0\0\0", 8, BAD, 22},
		{"\x07\x07\x08\0\0\0\0\0", 8, OK, 0},	      /* full */
		{"\x07\x03\x04\x07\x03\x04\0\0", 8, BAD, 23}, /* twice */
		{"\x83\x07\x04\1\2\3\4\0", 8, GONE, 0},	      /* loose source route */
		{"\x89\x07\x08\1\2\3\4\0", 8, GONE, 0},
		{"\x89\x02\x08\0", 4, BAD, 21},
		{"\x44\x08\x05\0\0\0\0\0", 8, OK, 0}, /* timestamp */
		{"\x44\x08\x09\0\0\0\0\0", 8, OK, 0},
		{"\x44\x08\x09\xf0\0\0\0\0", 8, BAD, 23},
		{"\x44\x08\x05\1\0\0\0\0", 8, BAD, 22}, /* no room for address and time */
		{"\x44\x08\x04\0\0\0\0\0", 8, BAD, 22},
		{"\x94\x04\0\0", 4, OK, 0}, /* router alert */
		{"\x94\x03\0\0", 4, BAD, 21},
		{"\x9f\x04\0\0", 4, OK, 0}, /* unknown */
		{"\x9f\x05\0\0", 4, BAD, 20},
		{"\1\1\1\x07", 4, BAD, 23},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		int before = tcp.count;

		pkt4(&p, &(struct pkt4){
				 .proto = 6, .opt = cases[i].opt, .opt_len = cases[i].len, .payload = body, .len = 32});
		RECEIVED(cases[i].counted);
		assert_int_equal(tcp.count - before, cases[i].counted == (const char *)OK);
		if (cases[i].pointer) {
			SENT(1);
			assert_int_equal(t.sent[0][20], 12);
			assert_int_equal(t.sent[0][24], cases[i].pointer);
		}
		ip_net_forget(&t);
		ip_net_advance(&t, 10 * NSEC_PER_SEC); /* the limit on errors is of another test */
	}
}

static void ipv4_options_of_every_kind_and_length_stay_within_the_header(void **state)
{
	uint8_t pointer;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++)
		for (unsigned len = 0; len < 256; len++)
			for (size_t room = 4; room <= 40; room += 4)
				for (unsigned third = 0; third < 48; third += 5) {
					uint8_t *h = malloc(20 + room);

					memset(h, 1, 20 + room);
					h[19 + room] = (uint8_t)kind; /* at the very end too */
					h[20] = (uint8_t)kind;
					h[21] = (uint8_t)len;
					h[22] = (uint8_t)third;
					pointer = 0;
					ip4_check_options(h, 20 + room, &pointer);
					assert_true(pointer < 20 + room + 4);
					free(h);
				}
}

/* ------------------------------------------------------------------ IPv6 */

static void good6(const char *saddr, const char *daddr)
{
	pkt6(&p,
	     &(struct pkt6){.saddr = saddr, .daddr = daddr, .next = IPPROTO_TCP, .payload = body, .len = sizeof(body)});
}

static void a_good_ipv6_packet_reaches_its_transport_without_padding(void **state)
{
	(void)state;
	pkt6(&p, &(struct pkt6){.next = IPPROTO_TCP, .dsfield = 0x5f, .payload = body, .len = 32});
	pkt_add(&p, "padding", 7);
	RECEIVED("Ip6InReceives+1 Ip6InDelivers+1");
	assert_int_equal(tcp.pkt.len, 32);
	assert_int_equal(tcp.ip.dsfield, 0x5f);
	assert_int_equal(tcp.pkt.hdr_len, 40);
	pkt6(&p, &(struct pkt6){.next = IPPROTO_NONE, .payload = body, .len = 32});
	RECEIVED("Ip6InReceives+1 Ip6InDelivers+1");
	assert_int_equal(tcp.count, 1);
}

static void every_truncation_of_an_ipv6_packet_is_counted_and_dropped(void **state)
{
	(void)state;
	good6(NULL, NULL);
	for (size_t len = 1; len < 72; len++) {
		ip_net_receive(&t, p.b, len);
		assert_string_equal(counted(&t), len < 40 ? "Ip6InReceives+1 Ip6InHdrErrors+1"
							  : "Ip6InReceives+1 Ip6InTruncatedPkts+1");
	}
	assert_int_equal(tcp.count, 0);
}

/* Linux accepts a mapped source until TCP looks at it, and finds no route for the answer: the packet ends as well. */
static void ipv6_addresses_that_cannot_be_are_header_errors(void **state)
{
	static const char *const sources[] = {"::1", "ff02::1", "::ffff:1.2.3.4", "::ffff:10.0.0.2"};
	static const char *const dests[] = {"::1", "ff00::1", "ff01::1"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
		good6(sources[i], NULL);
		RECEIVED("Ip6InReceives+1 Ip6InHdrErrors+1");
	}
	for (unsigned i = 0; i < ARRAY_SIZE(dests); i++) {
		good6(NULL, dests[i]);
		RECEIVED("Ip6InReceives+1 Ip6InHdrErrors+1");
	}
	SENT(0);
}

static void ipv6_packets_for_others_are_told_where_there_is_no_route(void **state)
{
	(void)state;
	good6(NULL, "fd00::77");
	RECEIVED("Ip6InReceives+1 Ip6InAddrErrors+1");
	good6(NULL, "fd00::");
	RECEIVED("Ip6InReceives+1 Ip6InAddrErrors+1");
	good6(NULL, "ff02::77");
	RECEIVED("Ip6InReceives+1");
	SENT(0);
	good6(NULL, "2001::77");
	RECEIVED("Ip6InReceives+1 Ip6InNoRoutes+1 Ip6OutRequests+1 Ip6OutTransmits+1 Icmp6OutMsgs+1 "
		 "Icmp6OutDestUnreachs+1");
	SENT(1);
	assert_int_equal(t.sent_len[0], 40 + 8 + 72);
	assert_int_equal(t.sent[0][40], 1);
	assert_int_equal(t.sent[0][41], 0);
	assert_memory_equal(t.sent[0] + 48, p.b, 72);
	assert_int_equal(naive_sum(t.sent[0] + 40, 80, naive_pseudo6("fd00::1", "fd00::2", 80, 58)), 0xffff);
	good6(NULL, "::ffff:10.0.0.1"); /* not our IPv4 address */
	RECEIVED("Ip6InReceives+1 Ip6InNoRoutes+1 Ip6OutRequests+1 Ip6OutTransmits+1 Icmp6OutMsgs+1 "
		 "Icmp6OutDestUnreachs+1");
	good6(NULL, "::");
	RECEIVED("Ip6InReceives+1 Ip6InAddrErrors+1 Ip6OutRequests+1 Ip6OutTransmits+1 Icmp6OutMsgs+1 "
		 "Icmp6OutDestUnreachs+1");
	assert_int_equal(tcp.count, 0);
}

static void our_own_ipv6_source_and_multicast_do_what_linux_lets_them(void **state)
{
	(void)state;
	good6("fd00::1", NULL);
	RECEIVED("Ip6InReceives+1 Ip6InDelivers+1");
	assert_int_equal(tcp.count, 1);
	good6(NULL, "ff02::1");
	RECEIVED("Ip6InReceives+1 Ip6InDelivers+1");
	assert_int_equal(tcp.count, 1);
}

#define PROBLEM(first) first " Ip6OutRequests+1 Ip6OutTransmits+1 Icmp6OutMsgs+1 Icmp6OutParmProblems+1"
#define HDR_ERROR      "Ip6InReceives+1 Ip6InHdrErrors+1"
#define DELIVERED      "Ip6InReceives+1 Ip6InDelivers+1"

static void assert_problem(uint8_t code, uint32_t pointer)
{
	SENT(1);
	assert_int_equal(t.sent[0][40], 4);
	assert_int_equal(t.sent[0][41], code);
	assert_int_equal(get_be32(t.sent[0] + 44), pointer);
	ip_net_forget(&t);
	ip_net_advance(&t, NSEC_PER_SEC);
}

/* Extension header @kind with these bytes behind its first two, then a transport header. */
static void with_ext(uint8_t kind, const void *ext, size_t len, uint8_t next)
{
	uint8_t b[400] = {next, (uint8_t)((len + 2) / 8 - 1)};

	memcpy(b + 2, ext, len);
	memcpy(b + 2 + len, body, 32);
	pkt6(&p, &(struct pkt6){.next = kind, .payload = b, .len = 2 + len + 32});
}

static void ipv6_options_are_judged_as_by_linux(void **state)
{
	enum { OK_, DROP, UNKNOWN };
	static const struct {
		const char *opt;
		size_t len;
		int what;
		bool multicast_too; /* reported even then */
	} cases[] = {
		{"\1\4\0\0\0\0", 6, OK_, 0},
		{"\0\0\0\0\0\0", 6, OK_, 0},
		{"\1\4\0\0\1\0", 6, DROP, 0},		       /* padding that is not zero */
		{"\1\6\0\0\0\0\0\0\1\4\0\0\0\0", 14, DROP, 0}, /* more than 7 bytes of it */
		{"\x1e\0\1\2\0\0", 6, OK_, 0},		       /* unknown: skip */
		{"\x1e\x09\0\0\0\0", 6, DROP, 0},	       /* longer than the header */
		{"\0\x1e\0\x1e\0\x1e", 6, DROP, 0},	       /* an option without its length */
		{"\x5e\0\1\2\0\0", 6, DROP, 0},
		{"\x9e\0\1\2\0\0", 6, UNKNOWN, 1},
		{"\xde\0\1\2\0\0", 6, UNKNOWN, 0},
	};

	(void)state;
	for (uint8_t kind = 0; kind <= 60; kind += 60) { /* hop-by-hop, destination */
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			with_ext(kind, cases[i].opt, cases[i].len, IPPROTO_TCP);
			RECEIVED(cases[i].what == OK_	 ? DELIVERED
				 : cases[i].what == DROP ? HDR_ERROR
							 : PROBLEM(HDR_ERROR));
			if (cases[i].what == UNKNOWN)
				assert_problem(2, 42);
			SENT(0);
			inet_pton(AF_INET6, "ff02::1", p.b + 24);
			if (cases[i].what == UNKNOWN) {
				RECEIVED(cases[i].multicast_too ? PROBLEM(HDR_ERROR) : HDR_ERROR);
				if (cases[i].multicast_too)
					assert_problem(2, 42);
			}
		}
		with_ext(kind, "\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\1\4\0\0\0\0", 22, IPPROTO_TCP);
		RECEIVED(DELIVERED);
		with_ext(kind, "\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\1\2\0\0", 22, IPPROTO_TCP);
		RECEIVED(HDR_ERROR); /* the ninth */
	}
	with_ext(0, "\5\2\0\0\1\0", 6, IPPROTO_TCP); /* router alert */
	RECEIVED(DELIVERED);
	with_ext(0, "\5\1\0\1\1\0", 6, IPPROTO_TCP);
	RECEIVED(HDR_ERROR);
	with_ext(0, "\xc2\4\0\0\0\x30", 6, IPPROTO_TCP); /* a jumbogram that is none */
	RECEIVED(PROBLEM(HDR_ERROR));
	assert_problem(0, 44);
	with_ext(60, "\xc2\4\0\0\0\x30", 6, IPPROTO_TCP);
	RECEIVED(PROBLEM(HDR_ERROR));
	assert_problem(2, 42);
}

static void extension_headers_that_end_too_early_are_header_errors(void **state)
{
	static const uint8_t kinds[] = {0, 60, 43};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		for (size_t len = 0; len < 16; len++) {
			uint8_t b[16] = {6, 1, 0, 0};

			pkt6(&p, &(struct pkt6){.next = kinds[k], .payload = b, .len = len});
			RECEIVED(HDR_ERROR);
		}
	}
	SENT(0);
}

static void a_hop_by_hop_header_may_only_come_first(void **state)
{
	static const uint8_t chain[] = {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0, 1, 2, 3, 4};

	(void)state;
	pkt6(&p, &(struct pkt6){.next = 60, .payload = chain, .len = sizeof(chain)});
	RECEIVED(PROBLEM("Ip6InReceives+1 Ip6InUnknownProtos+1"));
	assert_problem(1, 40);
	pkt6(&p, &(struct pkt6){.next = 0, .payload = chain, .len = sizeof(chain)});
	RECEIVED(PROBLEM("Ip6InReceives+1 Ip6InUnknownProtos+1"));
	assert_problem(1, 40);
	pkt6(&p, &(struct pkt6){.next = 200, .payload = chain, .len = sizeof(chain)});
	RECEIVED(PROBLEM("Ip6InReceives+1 Ip6InUnknownProtos+1"));
	assert_problem(1, 6);
}

static void no_routing_header_is_obeyed(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned left = 0; left < 3; left++) {
			uint8_t ext[6] = {(uint8_t)type, (uint8_t)left};
			bool silent = type == 3 || type == 4;

			with_ext(43, ext, 6, IPPROTO_TCP);
			RECEIVED(silent ? "Ip6InReceives+1" : left ? PROBLEM(HDR_ERROR) : DELIVERED);
			if (!silent && left)
				assert_problem(0, 42);
		}
	}
	with_ext(43, "\0\0\0\0\0\0", 6, IPPROTO_TCP);
	inet_pton(AF_INET6, "ff02::1", p.b + 24);
	RECEIVED("Ip6InReceives+1 Ip6InAddrErrors+1");
}

static void ipv6_chains_of_noise_end_within_the_packet(void **state)
{
	static const uint8_t kinds[] = {0, 60, 43, 44, 6, 58, 59, 200};
	uint32_t seed = 3;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t b[120];
		size_t len = (size_t)i % sizeof(b);

		for (size_t k = 0; k < sizeof(b); k++) {
			seed = seed * 1664525 + 1013904223;
			b[k] = (uint8_t)(seed >> 24) < 160 ? (uint8_t)(seed >> 16) % 3 : kinds[(seed >> 16) % 8];
		}
		pkt6(&p, &(struct pkt6){.next = kinds[i % 4], .payload = b, .len = len});
		ip_net_receive(&t, p.b, p.len);
		ip_net_forget(&t);
		if (i % 1000 == 0)
			ip_net_advance(&t, 61 * NSEC_PER_SEC);
	}
	ip_net_advance(&t, 61 * NSEC_PER_SEC);
	assert_int_equal(t.net.wheel.count, 0);
}

static void ipv4_noise_is_survived(void **state)
{
	uint32_t seed = 5;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		good4(NULL, NULL);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525 + 1013904223;
			p.b[(seed >> 20) % 12] ^= (uint8_t)(seed >> 8);
		}
		if ((p.b[0] & 15) >= 5)
			pkt4_fix(&p);
		ip_net_receive(&t, p.b, p.len);
		ip_net_forget(&t);
		if (i % 1000 == 0)
			ip_net_advance(&t, 31 * NSEC_PER_SEC);
	}
}

static void a_device_may_vouch_for_the_transport_checksum(void **state)
{
	(void)state;
	good4("10.0.0.2", "10.0.0.1");
	ip_net_receive(&t, p.b, p.len);
	assert_false(tcp.pkt.csum_ok);
	t.dev.features = LA_DEVICE_RX_CSUM;
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(tcp.count, 2);
	assert_true(tcp.pkt.csum_ok);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_device_may_vouch_for_the_transport_checksum),
		T(a_good_ipv4_packet_reaches_its_transport_without_padding),
		T(every_truncation_of_an_ipv4_packet_is_counted_and_dropped),
		T(header_lengths_that_contradict_themselves_are_header_errors),
		T(every_flipped_bit_of_an_ipv4_header_is_noticed),
		T(martian_sources_and_destinations_vanish_without_a_counter),
		T(sources_without_a_route_and_of_class_e_are_let_in),
		T(packets_for_others_are_address_errors),
		T(broadcast_never_reaches_the_transport),
		T(an_unknown_protocol_is_answered_with_protocol_unreachable),
		T(ipv4_options_are_judged_as_by_linux),
		T(ipv4_options_of_every_kind_and_length_stay_within_the_header),
		T(a_good_ipv6_packet_reaches_its_transport_without_padding),
		T(every_truncation_of_an_ipv6_packet_is_counted_and_dropped),
		T(ipv6_addresses_that_cannot_be_are_header_errors),
		T(ipv6_packets_for_others_are_told_where_there_is_no_route),
		T(our_own_ipv6_source_and_multicast_do_what_linux_lets_them),
		T(ipv6_options_are_judged_as_by_linux),
		T(extension_headers_that_end_too_early_are_header_errors),
		T(a_hop_by_hop_header_may_only_come_first),
		T(no_routing_header_is_obeyed),
		T(ipv6_chains_of_noise_end_within_the_packet),
		T(ipv4_noise_is_survived),
	};

	return cmocka_run_group_tests_name("ip/input", tests, NULL, NULL);
}
