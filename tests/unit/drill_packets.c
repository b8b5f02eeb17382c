// SPDX-License-Identifier: MIT
/* drill/parse_packet.c, drill/parse_option.c: TCP segments with their options, ICMP, what is said of IP */
#include "drill_env.h"

/* The packet of a script of one line; freed by the caller through @script. */
static const struct drill_packet *packet_of(struct drill_script **script, const char *packet)
{
	char text[512];

	snprintf(text, sizeof(text), "0 %s\n", packet);
	*script = parsed(text);
	assert_int_equal((*script)->events->kind, DRILL_PACKET);
	return &(*script)->events->packet;
}

static void a_segment_has_direction_numbers_ack_window_and_urgent_pointer(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(&script, "< PU. 1:1001(1000) ack 4294967295 win 257 urg 5");

	(void)state;
	assert_false(packet->outbound);
	assert_int_equal(packet->kind, DRILL_TCP);
	assert_int_equal(packet->tcp.flags, DRILL_PSH | DRILL_URG | DRILL_ACK);
	assert_int_equal(packet->tcp.seq, 1);
	assert_int_equal(packet->tcp.end, 1001);
	assert_int_equal(packet->tcp.length, 1000);
	assert_true(packet->tcp.has_ack);
	assert_int_equal(packet->tcp.ack, 0xffffffffu);
	assert_true(packet->tcp.has_window);
	assert_int_equal(packet->tcp.window, 257);
	assert_true(packet->tcp.has_urg);
	assert_int_equal(packet->tcp.urg, 5);
	assert_null(packet->tcp.options);
	drill_script_free(script);
}

static void what_an_outbound_segment_does_not_say_is_left_open(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(&script, "> R 1:1(0) <...>");

	(void)state;
	assert_true(packet->outbound);
	assert_false(packet->tcp.has_ack);
	assert_false(packet->tcp.has_window);
	assert_false(packet->tcp.has_urg);
	assert_false(packet->tcp.has_ports);
	assert_true(packet->tcp.any_options);
	assert_int_equal(packet->ip.tos_check, DRILL_TOS_ANY);
	drill_script_free(script);
	packet = packet_of(&script, "> R 1:1(0)");
	assert_false(packet->tcp.any_options);
	drill_script_free(script);
}

static void each_flag_has_its_bit(void **state)
{
	static const struct {
		const char *text;
		uint16_t flags;
		bool ace;
	} rows[] = {
		{"-", 0, false},
		{".", DRILL_ACK, false},
		{"FSRPU.", 0x3f, false},
		{"SEW", DRILL_SYN | DRILL_ECE | DRILL_CWR, false},
		{"SEWA", DRILL_SYN | DRILL_ECE | DRILL_CWR | DRILL_AE, false},
		{"S5.", DRILL_SYN | DRILL_ACK | DRILL_AE | DRILL_ECE, true},
		{"P.2", DRILL_PSH | DRILL_ACK | DRILL_CWR, true},
		{".4", DRILL_ACK | DRILL_AE, true},
		{".0", DRILL_ACK, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct drill_script *script;
		const struct drill_packet *packet;
		char text[64];

		snprintf(text, sizeof(text), "> %s 1:1(0)", rows[i].text);
		packet = packet_of(&script, text);
		assert_int_equal(packet->tcp.flags, rows[i].flags);
		assert_int_equal(packet->tcp.ace, rows[i].ace);
		drill_script_free(script);
	}
}

static void ports_may_stand_before_the_flags(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(&script, "< 49152 > 8080 S 0:0(0) win 100");

	(void)state;
	assert_true(packet->tcp.has_ports);
	assert_int_equal(packet->tcp.src_port, 49152);
	assert_int_equal(packet->tcp.dst_port, 8080);
	assert_int_equal(packet->tcp.flags, DRILL_SYN);
	drill_script_free(script);
}

static void options_keep_their_order_and_lengths(void **state)
{
	static const struct {
		enum drill_option_kind kind;
		unsigned length;
	} expected[] = {
		{DRILL_OPT_MSS, 4}, {DRILL_OPT_SACKOK, 2}, {DRILL_OPT_TS, 10},
		{DRILL_OPT_NOP, 1}, {DRILL_OPT_WSCALE, 3}, {DRILL_OPT_EOL, 1},
		{DRILL_OPT_NOP, 1}, {DRILL_OPT_NOP, 1},	   {DRILL_OPT_NOP, 1},
	};
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(
		&script, "> S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 4294967295 ecr 7,nop,wscale 14, eol,nop,nop,nop>");
	const struct drill_option *option = packet->tcp.options;

	(void)state;
	for (unsigned i = 0; i < 9; i++, option = option->next) {
		assert_int_equal(option->kind, expected[i].kind);
		assert_int_equal(option->length, expected[i].length);
	}
	assert_null(option);
	option = packet->tcp.options;
	assert_int_equal(packet->tcp.option_bytes, 24);
	assert_int_equal(option->mss, 1460);
	assert_int_equal(option->next->next->ts.val, 0xffffffffu);
	assert_int_equal(option->next->next->ts.ecr, 7);
	assert_int_equal(option->next->next->next->next->wscale, 14);
	drill_script_free(script);
}

static void sack_has_up_to_four_blocks(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet =
		packet_of(&script, "< . 1:1(0) ack 1 win 9 <nop,nop,sack 1:2 3001:4001 5:6 7:8>");
	const struct drill_option *sack = packet->tcp.options->next->next;

	(void)state;
	assert_int_equal(sack->sack.n, 4);
	assert_int_equal(sack->length, 34);
	assert_int_equal(sack->sack.block[1].start, 3001);
	assert_int_equal(sack->sack.block[1].end, 4001);
	drill_script_free(script);
}

static void cookies_are_bytes_even_when_they_look_like_numbers(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet =
		packet_of(&script, "> S 0:0(0) <FO 12345678ffff,FOEXP,FO 00112233,nop,nop>");
	const struct drill_option *option = packet->tcp.options;

	(void)state;
	assert_int_equal(option->cookie.length, 6);
	assert_memory_equal(option->cookie.bytes, "\x12\x34\x56\x78\xff\xff", 6);
	assert_int_equal(option->length, 8);
	assert_int_equal(option->next->kind, DRILL_OPT_FOEXP);
	assert_int_equal(option->next->cookie.length, 0);
	assert_int_equal(option->next->length, 4);
	assert_memory_equal(option->next->next->cookie.bytes, "\x00\x11\x22\x33", 4);
	drill_script_free(script);
	assert_comes_back("0 > S 0:0(0) <md5 000102030405060708090a0b0c0d0e0f,nop,nop>\n");
}

static void accecn_counters_keep_the_order_that_tells_the_kind(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(&script, "> . 1:1(0) <ECN e1b 1 ceb 0 e0b 16777215,nop>");
	const struct drill_option *option = packet->tcp.options;

	(void)state;
	assert_int_equal(option->kind, DRILL_OPT_ACCECN);
	assert_int_equal(option->length, 11);
	assert_int_equal(option->accecn.n, 3);
	assert_int_equal(option->accecn.item[0].field, DRILL_E1B);
	assert_int_equal(option->accecn.item[2].field, DRILL_E0B);
	assert_int_equal(option->accecn.item[2].value, 0xffffff);
	drill_script_free(script);
	assert_comes_back("0 > . 1:1(0) <ECN e0b 1 ceb 2,ECN e1b 1,nop,nop,nop>\n");
}

static void ip_says_ecn_byte_label_or_ttl(void **state)
{
	static const struct {
		const char *text;
		enum drill_tos_check check;
		uint8_t tos;
	} rows[] = {
		{"[noecn]", DRILL_TOS_ECN, 0}, {"[ect1]", DRILL_TOS_ECN, 1},	{"(ect0)", DRILL_TOS_ECN, 2},
		{"[ce]", DRILL_TOS_ECN, 3},    {"[ect01]", DRILL_TOS_ECT01, 0}, {"[tos 0x2e]", DRILL_TOS_BYTE, 0x2e},
	};
	struct drill_script *script;
	const struct drill_packet *packet;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "> %s . 1:1(0)", rows[i].text);
		packet = packet_of(&script, text);
		assert_int_equal(packet->ip.tos_check, rows[i].check);
		assert_int_equal(packet->ip.tos, rows[i].tos);
		drill_script_free(script);
	}
	packet = packet_of(&script, "> [ect0, flowlabel 0xfffff, ttl 3] . 1:1(0)");
	assert_int_equal(packet->ip.flow_label, 0xfffff);
	assert_int_equal(packet->ip.ttl, 3);
	drill_script_free(script);
	assert_comes_back("0 > [flowlabel 0x1, ttl 3] . 1:1(0)\n0 > [tos 0x2, ttl 3] . 1:1(0)\n");
}

static void icmp_has_type_code_mtu_and_the_segment_it_quotes(void **state)
{
	struct drill_script *script;
	const struct drill_packet *packet = packet_of(&script, "< icmp unreachable frag_needed mtu 840 [1:1001(1000)]");

	(void)state;
	assert_int_equal(packet->kind, DRILL_ICMP);
	assert_string_equal(packet->icmp.type, "unreachable");
	assert_string_equal(packet->icmp.code, "frag_needed");
	assert_true(packet->icmp.has_mtu);
	assert_int_equal(packet->icmp.mtu, 840);
	assert_true(packet->icmp.has_quote);
	assert_int_equal(packet->icmp.quote_seq, 1);
	assert_int_equal(packet->icmp.quote_length, 1000);
	drill_script_free(script);
	packet = packet_of(&script, "< icmp packet_too_big mtu 1400");
	assert_null(packet->icmp.code);
	assert_false(packet->icmp.has_quote);
	drill_script_free(script);
	assert_comes_back("0 > [ttl 7] icmp echo_reply id 9\n0 < icmp unreachable no_route [0:10(10)]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_has_direction_numbers_ack_window_and_urgent_pointer),
		cmocka_unit_test(what_an_outbound_segment_does_not_say_is_left_open),
		cmocka_unit_test(each_flag_has_its_bit),
		cmocka_unit_test(ports_may_stand_before_the_flags),
		cmocka_unit_test(options_keep_their_order_and_lengths),
		cmocka_unit_test(sack_has_up_to_four_blocks),
		cmocka_unit_test(cookies_are_bytes_even_when_they_look_like_numbers),
		cmocka_unit_test(accecn_counters_keep_the_order_that_tells_the_kind),
		cmocka_unit_test(ip_says_ecn_byte_label_or_ttl),
		cmocka_unit_test(icmp_has_type_code_mtu_and_the_segment_it_quotes),
	};

	return cmocka_run_group_tests_name("drill/parse_packet", tests, NULL, NULL);
}
