// SPDX-License-Identifier: MIT
/* ip/icmp.c, ip/icmp_send.c: echo, errors in and out, and their limits; the counters are those of Linux 6.18.44 */
#include "ip_net.h"

static struct ip_net t;
static struct pkt p;
static uint8_t m[70000];
static struct {
	int count;
	struct icmp_error err;
	uint8_t quoted[600];
} heard;

static void hear(struct net *net, const struct icmp_error *err)
{
	(void)net;
	heard.count++;
	heard.err = *err;
	memcpy(heard.quoted, err->quoted, min(err->quoted_len, 600u));
}

static void no_packet(struct net *net, const struct ip_packet *pkt)
{
	(void)net;
	(void)pkt;
}

static const struct ip_protocol ops = {.rcv = no_packet, .err = hear};

static int setup(void **state)
{
	(void)state;
	ip_net_init(&t);
	ip_register(&t.net, IPPROTO_TCP, &ops);
	memset(&heard, 0, sizeof(heard));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ip_net_exit(&t);
	return 0;
}

#define EXPECT(want) assert_string_equal(counted(&t), want)

static void message4(const char *saddr, const char *daddr, uint8_t type, uint8_t code, uint32_t rest, const void *body,
		     size_t len)
{
	len = icmp_message(m, type, code, rest, body, len, 0);
	pkt4(&p, &(struct pkt4){.saddr = saddr, .daddr = daddr, .proto = IPPROTO_ICMP, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
}

static void message6(const char *saddr, const char *daddr, uint8_t type, uint8_t code, uint32_t rest, const void *body,
		     size_t len)
{
	len = icmp_message(m, type, code, rest, body, len, naive_pseudo6(saddr, daddr, 8 + len, 58));
	pkt6(&p, &(struct pkt6){.saddr = saddr, .daddr = daddr, .next = IPPROTO_ICMPV6, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
}

/* ------------------------------------------------------------------ echo */

static void an_echo_request_is_answered_with_the_same_bytes(void **state)
{
	(void)state;
	message4(NULL, NULL, 8, 5, 0x00010002, "some data", 9); /* the code comes back too */
	EXPECT("IpInReceives+1 IpInDelivers+1 IpOutRequests+1 IpOutTransmits+1 IcmpInMsgs+1 IcmpInEchos+1 "
	       "IcmpOutMsgs+1 "
	       "IcmpOutEchoReps+1");
	assert_int_equal(t.sent_count, 1);
	assert_int_equal(t.sent_len[0], 37);
	assert_memory_equal(t.sent[0] + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	assert_int_equal(t.sent[0][20], 0);
	assert_int_equal(t.sent[0][21], 5);
	assert_memory_equal(t.sent[0] + 24, m + 4, 13);
	assert_int_equal(naive_sum(t.sent[0] + 20, 17, 0), 0xffff);
	ip_net_forget(&t);

	message6(NULL, NULL, 128, 0, 0x00010002, "some data", 9);
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Ip6OutRequests+1 Ip6OutTransmits+1 Icmp6InMsgs+1 Icmp6InEchos+1 "
	       "Icmp6OutMsgs+1 Icmp6OutEchoReplies+1");
	assert_int_equal(t.sent_len[0], 57);
	assert_int_equal(t.sent[0][40], 129);
	assert_memory_equal(t.sent[0] + 44, m + 4, 13);
	assert_int_equal(naive_sum(t.sent[0] + 40, 17, naive_pseudo6("fd00::1", "fd00::2", 17, 58)), 0xffff);
}

static void all_nodes_are_answered_from_our_own_address_but_ipv4_broadcast_is_not(void **state)
{
	(void)state;
	message6("fd00::2", "ff02::1", 128, 0, 1, "x", 1);
	assert_int_equal(t.sent_count, 1);
	assert_memory_equal(t.sent[0] + 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	counted(&t);
	message4(NULL, "10.0.0.255", 8, 0, 1, "x", 1);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1 IcmpInEchos+1");
	message4(NULL, "10.0.0.255", 17, 0, 1, "x", 1);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInAddrMasks+1");
	assert_int_equal(t.sent_count, 1);
}

static void icmp_echo_ignore_all_is_obeyed(void **state)
{
	(void)state;
	t.net.sysctl.icmp_echo_ignore_all = 1;
	message4(NULL, NULL, 8, 0, 1, "x", 1);
	message6(NULL, NULL, 128, 0, 1, "x", 1);
	assert_int_equal(t.sent_count, 0);
}

static void an_asker_that_cannot_be_reached_gets_no_answer(void **state)
{
	(void)state;
	message4("9.9.9.9", NULL, 8, 0, 1, "x", 1);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInEchos+1");
	message6("2001::9", NULL, 128, 0, 1, "x", 1);
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Ip6OutNoRoutes+1 Icmp6InMsgs+1 Icmp6InEchos+1");
	message6("::", NULL, 128, 0, 1, "x", 1);
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Ip6OutNoRoutes+1 Icmp6InMsgs+1 Icmp6InEchos+1");
	assert_int_equal(t.sent_count, 0);
}

/* Request and answer are larger than the MTU: both travel in fragments. */
static void echo_of_4000_bytes_comes_and_goes_in_fragments(void **state)
{
	static uint8_t data[4000], back[4008];
	size_t len, n;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3 + i / 256);
	len = icmp_message(m, 8, 0, 0x00010002, data, sizeof(data), 0);
	for (size_t off = 0; off < len; off += 1480) {
		n = min(len - off, (size_t)1480);
		pkt4(&p, &(struct pkt4){.proto = 1,
					.id = 5,
					.frag = (uint16_t)(off / 8 | (off + n < len ? 0x2000 : 0)),
					.payload = m + off,
					.len = n});
		ip_net_receive(&t, p.b, p.len);
	}
	EXPECT("IpInReceives+3 IpInDelivers+1 IpOutRequests+1 IpReasmReqds+3 IpReasmOKs+1 IpFragOKs+1 IpFragCreates+3 "
	       "IpOutTransmits+3 IcmpInMsgs+1 IcmpInEchos+1 IcmpOutMsgs+1 IcmpOutEchoReps+1");
	assert_int_equal(t.sent_count, 3);
	assert_int_equal(t.sent_len[0], 1500);
	assert_int_equal(t.sent_len[2], 1068);
	n = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(naive_sum(t.sent[i], 20, 0), 0xffff);
		assert_int_equal(get_be16(t.sent[i] + 2), t.sent_len[i]);
		assert_memory_equal(t.sent[i] + 4, t.sent[0] + 4, 2);
		assert_int_equal(get_be16(t.sent[i] + 6), n / 8 | (i < 2 ? 0x2000 : 0));
		memcpy(back + n, t.sent[i] + 20, t.sent_len[i] - 20);
		n += t.sent_len[i] - 20;
	}
	assert_int_equal(n, 4008);
	assert_int_equal(back[0], 0);
	assert_int_equal(naive_sum(back, n, 0), 0xffff);
	assert_memory_equal(back + 8, data, 4000);
	ip_net_forget(&t);

	len = icmp_message(m, 128, 0, 0x00010002, data, sizeof(data), naive_pseudo6(NULL, NULL, 4008, 58));
	for (size_t off = 0; off < len; off += 1448) {
		static uint8_t b[1500];

		n = min(len - off, (size_t)1448);
		memset(b, 0, 8);
		b[0] = 58;
		put_be16(b + 2, (uint16_t)(off | (off + n < len)));
		b[7] = 5;
		memcpy(b + 8, m + off, n);
		pkt6(&p, &(struct pkt6){.next = 44, .payload = b, .len = 8 + n});
		ip_net_receive(&t, p.b, p.len);
	}
	EXPECT("Ip6InReceives+3 Ip6InDelivers+1 Ip6OutRequests+1 Ip6ReasmReqds+3 Ip6ReasmOKs+1 Ip6FragOKs+1 "
	       "Ip6FragCreates+3 "
	       "Ip6OutTransmits+3 Icmp6InMsgs+1 Icmp6InEchos+1 Icmp6OutMsgs+1 Icmp6OutEchoReplies+1");
	assert_int_equal(t.sent_count, 3);
	assert_int_equal(t.sent_len[0], 1496);
	assert_int_equal(t.sent_len[2], 1160);
	n = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(t.sent[i][6], 44);
		assert_int_equal(t.sent[i][40], 58);
		assert_int_equal(get_be16(t.sent[i] + 42), n | (i < 2));
		assert_memory_equal(t.sent[i] + 44, t.sent[0] + 44, 4);
		memcpy(back + n, t.sent[i] + 48, t.sent_len[i] - 48);
		n += t.sent_len[i] - 48;
	}
	assert_int_equal(naive_sum(back, n, naive_pseudo6("fd00::1", "fd00::2", n, 58)), 0xffff);
	assert_memory_equal(back + 8, data, 4000);
}

static void echo_over_loopback_comes_back_at_the_end_of_the_entry(void **state)
{
	struct in6_addr self = A("127.0.0.1");
	uint8_t packet[IP_HEADROOM + 9] = {[IP_HEADROOM] = 8, 0, 0, 0, 0, 1, 0, 1, 'x'}, *hdr = packet + IP_HEADROOM;
	struct ip_out out = {
		.saddr = self, .daddr = self, .proto = 1, .hdr = hdr, .hdr_len = 8, .data = hdr + 8, .len = 1};

	(void)state;
	naive_store(hdr + 2, naive_sum(hdr, 9, 0));
	assert_int_equal(ip_xmit(&t.net, &out), 0);
	assert_true(loopback_run(&t.net, ip_rcv)); /* the request */
	assert_true(loopback_run(&t.net, ip_rcv)); /* the answer */
	assert_false(loopback_run(&t.net, ip_rcv));
	assert_int_equal(mib(&t, MIB_Icmp_InEchoReps), 1);
	assert_int_equal(t.sent_count, 0);
}

/* ------------------------------------------------------------------ errors in */

/* A packet of ours: IPv4 header with @opt_len bytes of options, and @len bytes of transport. */
static size_t quote4(uint8_t *q, size_t opt_len, size_t len, uint8_t proto)
{
	static struct pkt ours;

	pkt4(&ours, &(struct pkt4){.saddr = "10.0.0.1",
				   .daddr = "10.0.0.2",
				   .proto = proto,
				   .opt = "\1\1\1\1",
				   .opt_len = opt_len,
				   .payload = "0123456789abcdef",
				   .len = len});
	memcpy(q, ours.b, ours.len);
	return ours.len;
}

static void every_icmp_error_reaches_the_transport_with_what_it_quotes(void **state)
{
	static const uint8_t types[] = {3, 4, 11, 12};
	struct in6_addr ours = A("10.0.0.1"), peer = A("10.0.0.2");
	uint8_t q[100];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		for (unsigned code = 0; code < 20; code++) {
			bool concerns = types[i] == 3 ? code <= 15 : types[i] == 11 ? code != 1 : true;
			size_t len = quote4(q, code % 2 * 4, 12, 6);

			heard.count = 0;
			message4(NULL, NULL, types[i], (uint8_t)code, 1400, q, len);
			assert_int_equal(heard.count, concerns);
			if (!concerns)
				continue;
			assert_int_equal(heard.err.type, types[i]);
			assert_int_equal(heard.err.code, code);
			assert_int_equal(heard.err.family, AF_INET);
			assert_int_equal(heard.err.mtu, types[i] == 3 && code == 4 ? 1400 : 0);
			assert_int_equal(heard.err.quoted_len, 12);
			assert_memory_equal(heard.quoted, "0123456789ab", 12);
			assert_true(addr_equal(&heard.err.saddr, &ours) && addr_equal(&heard.err.daddr, &peer));
		}
	}
	assert_int_equal(mib(&t, MIB_Icmp_InErrors), 0);
	assert_int_equal(t.sent_count, 0);
}

static void an_icmp_error_that_quotes_too_little_is_an_error_itself(void **state)
{
	uint8_t q[100];
	size_t len = quote4(q, 4, 8, 6);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		heard.count = 0;
		message4(NULL, NULL, 3, 1, 0, q, cut);
		assert_int_equal(heard.count, cut == len);
		EXPECT(cut == len ? "IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInDestUnreachs+1"
				  : "IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1 IcmpInDestUnreachs+1");
	}
	for (unsigned ihl = 0; ihl < 16; ihl++) {
		heard.count = 0;
		q[0] = (uint8_t)(0x40 | ihl);
		message4(NULL, NULL, 3, 1, 0, q, len);
		assert_int_equal(heard.count, ihl == 5 || ihl == 6);
	}
	len = quote4(q, 0, 8, 99); /* of a protocol that nobody has */
	counted(&t);
	heard.count = 0;
	message4(NULL, NULL, 3, 1, 0, q, len);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInDestUnreachs+1");
	assert_int_equal(heard.count, 0);
}

static void bad_icmp_messages_are_counted_as_by_linux(void **state)
{
	(void)state;
	message4(NULL, NULL, 8, 0, 1, "x", 1);
	p.b[28] ^= 1;
	counted(&t);
	ip_net_receive(&t, p.b, p.len);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1 IcmpInCsumErrors+1");
	pkt4(&p, &(struct pkt4){.proto = 1, .payload = "\x08\0\xf7\xff", .len = 4});
	ip_net_receive(&t, p.b, p.len);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1");
	for (unsigned type = 19; type < 256; type++) {
		message4(NULL, NULL, (uint8_t)type, 0, 0, NULL, 0);
		EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1");
	}
	message4(NULL, NULL, 5, 0, 0, "01234567012345670123456701234567", 32);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInRedirects+1");
	message4(NULL, NULL, 13, 0, 0, "01", 2);
	EXPECT("IpInReceives+1 IpInDelivers+1 IcmpInMsgs+1 IcmpInErrors+1 IcmpInTimestamps+1");

	message6(NULL, NULL, 200, 0, 0, NULL, 0); /* unknown, informational */
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Icmp6InMsgs+1");
	message6(NULL, NULL, 100, 0, 0, NULL, 0); /* unknown, an error */
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Icmp6InMsgs+1 Icmp6InErrors+1");
	p.b[44] ^= 1;
	ip_net_receive(&t, p.b, p.len);
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Icmp6InMsgs+1 Icmp6InErrors+1 Icmp6InCsumErrors+1");
	pkt6(&p, &(struct pkt6){.next = 58, .payload = "\x80\0\0", .len = 3});
	ip_net_receive(&t, p.b, p.len);
	EXPECT("Ip6InReceives+1 Ip6InDelivers+1 Icmp6InMsgs+1 Icmp6InErrors+1 Icmp6InCsumErrors+1");
	assert_int_equal(t.sent_count, 1);
}

static void every_icmpv6_error_reaches_the_transport_behind_extension_headers(void **state)
{
	static const uint8_t types[] = {1, 2, 3, 4, 100};
	static struct pkt ours;
	uint8_t chain[20] = {6, 0, 1, 4, 0, 0, 0, 0, '0', '1', '2', '3', '4', '5', '6', '7'};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		for (int ext = 0; ext < 2; ext++) {
			pkt6(&ours, &(struct pkt6){.saddr = "fd00::1",
						   .daddr = "fd00::2",
						   .next = ext ? 60 : 6,
						   .payload = ext ? chain : chain + 8,
						   .len = ext ? 16 : 8});
			for (size_t cut = 0; cut <= ours.len; cut++) {
				heard.count = 0;
				message6(NULL, NULL, types[i], 1, 1300, ours.b, cut);
				assert_int_equal(heard.count, cut == ours.len);
			}
			assert_int_equal(heard.err.type, types[i]);
			assert_int_equal(heard.err.family, AF_INET6);
			assert_int_equal(heard.err.mtu, types[i] == 2 ? 1300 : 0);
			assert_int_equal(heard.err.quoted_len, 8);
			assert_memory_equal(heard.quoted, "01234567", 8);
		}
	}
}

/* ------------------------------------------------------------------ errors out */

static void unknown_protocol(const char *saddr)
{
	pkt4(&p, &(struct pkt4){.saddr = saddr, .proto = 200, .payload = "abcdefgh", .len = 8});
	ip_net_receive(&t, p.b, p.len);
}

static void errors_to_one_host_come_six_at_once_and_then_one_a_second(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		unknown_protocol(NULL);
	assert_int_equal(t.sent_count, 6);
	assert_int_equal(mib(&t, MIB_Icmp_OutRateLimitHost), 24);
	unknown_protocol("10.0.0.3"); /* another host has its own */
	assert_int_equal(t.sent_count, 7);
	for (int i = 0; i < 40; i++) {
		ip_net_advance(&t, 100 * NSEC_PER_MSEC);
		unknown_protocol(NULL);
	}
	assert_int_equal(t.sent_count, 11);
	ip_net_advance(&t, 60 * NSEC_PER_SEC);
	for (int i = 0; i < 30; i++)
		unknown_protocol(NULL);
	assert_int_equal(t.sent_count, 17);
}

static void errors_to_all_hosts_together_are_limited(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		char host[20];

		snprintf(host, sizeof(host), "10.0.0.%d", 2 + i);
		unknown_protocol(host);
	}
	assert_int_equal(t.sent_count, 50);
	assert_int_equal(mib(&t, MIB_Icmp_OutRateLimitGlobal), 150);
	ip_net_advance(&t, 40 * NSEC_PER_MSEC); /* 1000 a second */
	for (int i = 0; i < 200; i++) {
		char host[20];

		snprintf(host, sizeof(host), "10.0.0.%d", 2 + i);
		unknown_protocol(host);
	}
	assert_int_equal(t.sent_count, 90);
}

/* 100 ms, and for a /64 a quarter of that */
static void icmpv6_errors_have_a_limit_that_goes_by_the_prefix(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		pkt6(&p, &(struct pkt6){.next = 200, .payload = "abcdefgh", .len = 8});
		ip_net_receive(&t, p.b, p.len);
	}
	assert_int_equal(t.sent_count, 6);
	assert_int_equal(mib(&t, MIB_Icmp6_OutRateLimitHost), 14);
	ip_net_advance(&t, 24 * NSEC_PER_MSEC);
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 6);
	ip_net_advance(&t, NSEC_PER_MSEC);
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 7);
}

static void no_error_answers_an_error_a_later_fragment_or_nobody(void **state)
{
	static uint8_t inner[100];
	size_t len;

	(void)state;
	len = quote4(inner, 0, 8, 6); /* an ICMP error with a bad option in its header */
	len = icmp_message(m, 3, 1, 0, inner, len, 0);
	pkt4(&p, &(struct pkt4){.proto = 1, .opt = "\x07\0\0\0", .opt_len = 4, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
	pkt4(&p, &(struct pkt4){.proto = 6, .frag = 3, .opt = "\x07\0\0\0", .opt_len = 4, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 0);
	pkt4(&p, &(struct pkt4){.proto = 6, .opt = "\x07\0\0\0", .opt_len = 4, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 1);
	ip_net_forget(&t);

	pkt6(&p, &(struct pkt6){.saddr = "::", .next = 200, .payload = "abcdefgh", .len = 8});
	ip_net_receive(&t, p.b, p.len);
	pkt6(&p, &(struct pkt6){.daddr = "ff02::1", .next = 200, .payload = "abcdefgh", .len = 8});
	ip_net_receive(&t, p.b, p.len);
	len = icmp_message(m, 1, 0, 0, "x", 1, 0); /* an ICMPv6 error to an address without a route */
	pkt6(&p, &(struct pkt6){.daddr = "2001::1", .next = 58, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 0);
	m[0] = 128;
	pkt6(&p, &(struct pkt6){.daddr = "2001::1", .next = 58, .payload = m, .len = len});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_count, 1);
}

static void errors_quote_as_much_as_linux(void **state)
{
	(void)state;
	memset(m, 7, 3000);
	pkt4(&p, &(struct pkt4){.proto = 200, .payload = m, .len = 1400});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_len[0], 576);
	pkt6(&p, &(struct pkt6){.next = 200, .payload = m, .len = 1400});
	ip_net_receive(&t, p.b, p.len);
	assert_int_equal(t.sent_len[1], 1280);
	assert_memory_equal(t.sent[1] + 48, p.b, 1232);
}

static void without_memory_no_error_leaves_and_nothing_leaks(void **state)
{
	(void)state;
	t.world.refusing = true;
	unknown_protocol(NULL);
	t.world.refusing = false;
	assert_int_equal(t.sent_count, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_echo_request_is_answered_with_the_same_bytes),
		T(all_nodes_are_answered_from_our_own_address_but_ipv4_broadcast_is_not),
		T(icmp_echo_ignore_all_is_obeyed),
		T(an_asker_that_cannot_be_reached_gets_no_answer),
		T(echo_of_4000_bytes_comes_and_goes_in_fragments),
		T(echo_over_loopback_comes_back_at_the_end_of_the_entry),
		T(every_icmp_error_reaches_the_transport_with_what_it_quotes),
		T(an_icmp_error_that_quotes_too_little_is_an_error_itself),
		T(bad_icmp_messages_are_counted_as_by_linux),
		T(every_icmpv6_error_reaches_the_transport_behind_extension_headers),
		T(errors_to_one_host_come_six_at_once_and_then_one_a_second),
		T(errors_to_all_hosts_together_are_limited),
		T(icmpv6_errors_have_a_limit_that_goes_by_the_prefix),
		T(no_error_answers_an_error_a_later_fragment_or_nobody),
		T(errors_quote_as_much_as_linux),
		T(without_memory_no_error_leaves_and_nothing_leaks),
	};

	return cmocka_run_group_tests_name("ip/icmp", tests, NULL, NULL);
}
