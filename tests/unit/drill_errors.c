// SPDX-License-Identifier: MIT
/* drill/parse*.c, drill/lex.c: what a wrong script is told: the place, what was expected there, what was found */
#include "drill_env.h"

static void an_error_has_line_and_column(void **state)
{
	(void)state;
	assert_refused("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0\tbind(3, ..., ... = 0\n", 2, 21,
		       "expected ')' or ',' behind a value, found '='");
	assert_refused("/* a\n b */ 0 > Q 1:1(0)\n", 2, 11, "expected TCP flags of the letters");
	assert_refused("0 > SQ 1:1(0)\n", 1, 6, "expected TCP flags of the letters");
	assert_refused("0 %{\n\n}%\n+0 ?\n", 4, 4,
		       "expected a packet, a system call, a `command` or %{ code }%, found '?'");
}

static void what_was_found_is_named(void **state)
{
	(void)state;
	assert_refused("0", 1, 2,
		       "expected a packet, a system call, a `command` or %{ code }%, found the end of the script");
	assert_refused("0 \"x\"", 1, 3,
		       "expected a packet, a system call, a `command` or %{ code }%, found the string \"x\"");
	assert_refused("`a` `b`", 1, 5,
		       "expected a time before every command between the first and the last one, "
		       "found the command `b`");
	assert_refused("0 f(%{ x }%) = 0", 1, 5, "expected a value, found the code %{ x }%");
	assert_refused("0 `x`\n--mss=1", 2, 1, "expected a time in seconds, found the option --mss=1");
	assert_refused("0 \x01", 1, 3,
		       "expected a packet, a system call, a `command` or %{ code }%, found the byte 0x01");
}

static void what_is_not_closed_is_told_where_it_begins(void **state)
{
	(void)state;
	assert_refused("0 `x\n\n", 1, 3, "expected ` to end what begins here");
	assert_refused("0 f(\"x\n) = 0", 1, 5, "expected \" to end what begins here");
	assert_refused("0 %{ x }\n", 1, 3, "expected }% to end what begins here");
	assert_refused("0 /* x\n", 1, 3, "expected */ at the end of this comment");
	assert_refused("0 f() = -1 EPIPE (Broken\n", 1, 18, "expected ')' to end what begins here");
	assert_refused("--so_flags=\"x\n", 1, 1, "expected \" at the end of the option's value");
}

static void an_empty_script_is_no_script(void **state)
{
	(void)state;
	assert_refused("", 1, 1, "expected an event, found the end of the script");
	assert_refused("// nothing\n--mss=3\n", 3, 1, "expected an event, found the end of the script");
	assert_refused("`x`\n", 2, 1, "expected an event, found the end of the script");
	assert_refused("0 `x`\n`y`\n0 `z`\n", 3, 1, "expected nothing behind a command without a time");
}

static void times_are_checked(void **state)
{
	(void)state;
	assert_refused("-1 `x`\n", 1, 1, "expected a time in seconds, found \"-1\"");
	assert_refused("0x1 `x`\n", 1, 1, "expected a time in seconds, found \"0x1\"");
	assert_refused("1000000000 `x`\n", 1, 1, "expected a time of less than 10^9 seconds");
	assert_refused("2~1 > . 1:1(0)\n", 1, 1, "expected a range of time that ends after its beginning");
	assert_refused("+1~2 > . 1:1(0)\n", 1, 4, "expected '+' before the end of a relative range");
	assert_refused("1~2 < . 1:1(0) win 1\n", 1, 1, "expected one time, found a range, which only outbound packets");
	assert_refused("* close(3) = 0\n", 1, 1, "expected one time, found '*', which only outbound packets may have");
	assert_refused("+1...0.5 close(3) = 0\n", 1, 6, "expected a call that returns after its beginning");
	assert_refused("+1...2 > . 1:1(0)\n", 1, 8, "expected a packet, a system call");
}

static void segments_are_checked(void **state)
{
	(void)state;
	assert_refused("0 < S 0:0(0)\n", 1, 5, "expected \"win WINDOW\" in an inbound segment, found none");
	assert_refused("0 > . 1:1000(1000)\n", 1, 7,
		       "expected START:END(LENGTH) with END = START + LENGTH, found 1:1000(1000)");
	assert_refused("0 > . 1:1(0) ack 4294967296\n", 1, 18, "expected an acknowledgement from 0 to 4294967295");
	assert_refused("0 > . 1:1(0) win 65536\n", 1, 18, "expected a window from 0 to 65535, found \"65536\"");
	assert_refused("0 > . 0:65535(65535)\n", 1, 5, "expected a segment of at most 65535 bytes");
	assert_refused("0 > SE5 0:0(0)\n", 1, 7, "expected TCP flags");
	assert_refused("0 > S5E 0:0(0)\n", 1, 7, "expected TCP flags");
	assert_refused("0 > 1 > 65536 S 0:0(0)\n", 1, 9, "expected a port from 0 to 65535");
	assert_refused("0 < [ect01] . 1:1(0) win 1\n", 1, 6, "expected one value, found [ect01]");
	assert_refused("0 > [ect0, ce] . 1:1(0)\n", 1, 12,
		       "expected noecn, ect0, ect1, ce, ect01, tos, flowlabel or ttl");
	assert_refused("0 > [ect0) . 1:1(0)\n", 1, 10, "expected ']' behind what is said of IP, found ')'");
	assert_refused("0 > `a\nb` 1:1(0)\n", 1, 5, "expected TCP flags");
}

static void tcp_options_are_checked(void **state)
{
	(void)state;
	assert_refused("0 > S 0:0(0) <mss>\n", 1, 18, "expected an MSS from 0 to 65535, found '>'");
	assert_refused("0 > S 0:0(0) <mss 1,foo>\n", 1, 21, "expected a TCP option: mss, sackOK, sack");
	assert_refused("0 > S 0:0(0) <nop>\n", 1, 15, "expected TCP options of 4, 8, 12 ... bytes, found 1");
	assert_refused("0 < S 0:0(0) win 1 <...>\n", 1, 21, "expected TCP options, found <...>");
	assert_refused("0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>\n", 1, 36, "expected at most 4 SACK blocks");
	assert_refused("0 > S 0:0(0) <TS val 1>\n", 1, 23, "expected \"ecr\" behind the timestamp, found '>'");
	assert_refused("0 > S 0:0(0) <FO abc>\n", 1, 18, "expected up to 38 bytes in hex, found \"abc\"");
	assert_refused("0 > S 0:0(0) <FO xyzt>\n", 1, 18, "expected up to 38 bytes in hex, found \"xyzt\"");
	assert_refused("0 > S 0:0(0) <md5 00>\n", 1, 19, "expected 16 bytes behind md5, found 1");
	assert_refused("0 > S 0:0(0) <ECN ceb 1>\n", 1, 19, "expected e0b, ceb, e1b or e1b, ceb, e0b behind ECN");
	assert_refused("0 > S 0:0(0) <ECN e0b 1 e1b 1>\n", 1, 19, "expected e0b, ceb, e1b or e1b, ceb, e0b behind ECN");
	assert_refused("0 > S 0:0(0) <TS val 1 ecr 1,TS val 1 ecr 1,TS val 1 ecr 1,TS val 1 ecr 1,mss 1>\n", 1, 15,
		       "expected at most 40 bytes of TCP options, found 44");
}

static void icmp_is_checked(void **state)
{
	(void)state;
	assert_refused("0 < icmp gone\n", 1, 10, "expected a type of ICMP or ICMPv6, found \"gone\"");
	assert_refused("0 < icmp unreachable CODE\n", 1, 22, "expected a code of unreachable, found \"CODE\"");
	assert_refused("0 < icmp unreachable [1:2(3)]\n", 1, 23, "expected START:END(LENGTH)");
}

static void values_are_checked(void **state)
{
	(void)state;
	assert_refused("0 f(SO_NOTHING) = 0\n", 1, 5, "expected a value, found \"SO_NOTHING\", which is neither");
	assert_refused("0 f(1,) = 0\n", 1, 7, "expected a value, found ')'");
	assert_refused("0 f(1|...) = 0\n", 1, 7, "expected a number or a constant beside '|'");
	assert_refused("0 f(\"\\q\") = 0\n", 1, 5, "expected the escapes");
	assert_refused("0 f(\"\\x1\") = 0\n", 1, 5, "expected the escapes");
	assert_refused("0 f(9223372036854775808) = 0\n", 1, 5,
		       "the number 9223372036854775808 does not fit into 63 bits");
	assert_refused("0 f(htons(65536)) = 0\n", 1, 11, "expected a port from 0 to 65535 in htons()");
	assert_refused("0 f(inet_addr(\"1.2.3\")) = 0\n", 1, 15,
		       "expected an IP address in inet_addr(), found \"1.2.3\"");
	assert_refused("0 f() = -1 EFOO\n", 1, 12, "expected an errno or an event, found \"EFOO\"");
	assert_refused("0 f() = 0 EPIPE\n", 1, 11, "expected -1 before an errno");
	assert_refused("0 f([[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]) = 0\n", 1, 21,
		       "expected at most 16 values within each other");
}

static void structs_are_checked(void **state)
{
	(void)state;
	assert_refused("0 f({onoff=1}) = 0\n", 1, 5, "expected linger= in this struct, found none");
	assert_refused("0 f({onoff=1, fd=2}) = 0\n", 1, 15,
		       "expected a field of the struct that begins with onoff=, found \"fd\"");
	assert_refused("0 f({fd=1, fd=2}) = 0\n", 1, 12, "expected each field once, found fd= again");
	assert_refused("0 f({events=1}) = 0\n", 1, 5,
		       "expected one of fd=, ptr=, u32= and u64= in this struct, found 0");
	assert_refused("0 f({events=1, fd=1, ptr=2}) = 0\n", 1, 5,
		       "expected one of fd=, ptr=, u32= and u64= in this struct, found 2");
	assert_refused("0 f({..., 1, 2}) = 0\n", 1, 5, "expected two values in an iovec, {..., LENGTH}, found 3");
	assert_refused("0 f({msg_name=...}) = 0\n", 1, 14,
		       "expected '(' before the field's number of elements, found '='");
	assert_refused("0 f({nothing=1}) = 0\n", 1, 6, "expected the name of a field or a constant of Linux");
	assert_refused("0 f({sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"::1\")}) = 0\n", 1, 53,
		       "expected an address of the family that sa_family names, found \"::1\"");
	assert_refused("0 f({sa_family=AF_UNIX, sin_port=htons(1), sin_addr=inet_addr(\"::1\")}) = 0\n", 1, 16,
		       "expected sa_family=AF_INET or AF_INET6");
}

static void symbols_are_checked_where_they_are_used(void **state)
{
	(void)state;
	assert_refused("--define=A=b+c\n0 f(1) = 0\n+0 f(A) = 0\n", 3, 6, "expected a symbol for a word, a number");
	assert_refused("--define=A=99999999999999999999\n0 f(A) = 0\n", 2, 5,
		       "the number 99999999999999999999 does not fit");
	assert_refused("--define=A=`x\\`\n0 A\n", 2, 3, "expected a symbol for a word, a number");
}

static void a_byte_of_zero_is_no_text(void **state)
{
	static const char text[] = "0 `x`\n+0 `a\0b`\n";
	struct drill_error error;

	(void)state;
	assert_null(drill_parse("test.pkt", text, sizeof(text) - 1, NULL, 0, &error));
	assert_string_equal(error.text, "expected text, found a NUL byte");
	assert_int_equal(error.pos.line, 2);
	assert_int_equal(error.pos.column, 6);
}

static void options_are_checked(void **state)
{
	(void)state;
	assert_refused("--foo=1\n0 `x`\n", 1, 1, "expected an option of packetdrill, found --foo");
	assert_refused("--mss\n0 `x`\n", 1, 1, "expected --mss=VALUE, found no value");
	assert_refused("--dry_run=1\n0 `x`\n", 1, 1, "expected --dry_run without a value");
	assert_refused("--define=X\n0 `x`\n", 1, 1, "expected --define=NAME=VALUE, found --define=X");
	assert_refused("// needs-sysctl: tcp_fin_timeout\n0 `x`\n", 1, 1, "expected NAME=VALUE behind needs-sysctl:");
}

static void what_is_not_supported_is_named(void **state)
{
	(void)state;
	assert_refused("0 > udp (100)\n", 1, 5, "not supported: UDP packets");
	assert_refused("0 < encap psp spi 0x1 . 1:1(0) win 1\n", 1, 5, "not supported: encapsulation in PSP");
	assert_refused("0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0) win 1\n", 1, 5, "not supported: encapsulation in IPv4");
	assert_refused("0 < ipv6 ::1 > ::2: . 1:1(0) win 1\n", 1, 5, "not supported: encapsulation in IPv6");
	assert_refused("0 < gre: . 1:1(0) win 1\n", 1, 5, "not supported: encapsulation in GRE");
	assert_refused("0 < mpls (label 1, tc 0, ttl 1): . 1:1(0) win 1\n", 1, 5,
		       "not supported: encapsulation in MPLS");
	assert_refused("0 < icmp unreachable [udp (10)]\n", 1, 23, "not supported: ICMP that quotes anything but TCP");
	assert_refused("0 f({(label 1, tc 0, ttl 1)}) = 0\n", 1, 6, "not supported: a stack of MPLS labels");
	assert_refused("0 f({flags 0, sum 0}) = 0\n", 1, 6, "not supported: a GRE header");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_has_line_and_column),
		cmocka_unit_test(what_was_found_is_named),
		cmocka_unit_test(what_is_not_closed_is_told_where_it_begins),
		cmocka_unit_test(an_empty_script_is_no_script),
		cmocka_unit_test(times_are_checked),
		cmocka_unit_test(segments_are_checked),
		cmocka_unit_test(tcp_options_are_checked),
		cmocka_unit_test(icmp_is_checked),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(structs_are_checked),
		cmocka_unit_test(symbols_are_checked_where_they_are_used),
		cmocka_unit_test(a_byte_of_zero_is_no_text),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(what_is_not_supported_is_named),
	};

	return cmocka_run_group_tests_name("drill/errors", tests, NULL, NULL);
}
