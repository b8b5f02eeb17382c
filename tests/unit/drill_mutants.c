// SPDX-License-Identifier: MIT
/*
 * drill/parse.c under scripts that nobody would write: unit-drill_mutants [ROUNDS [FILE.pkt ...]]
 *
 * In:   the scripts below, or files; they are changed at random, always in the same way.
 * Here: pieces are cut, doubled, swapped between scripts, and bytes and words of the language put in between.
 * Out:  either an error with a place inside the text, or a tree whose text parses to the same text. Nothing else may
 *       happen: run it under the sanitizers.
 */
#include "drill_env.h"

#include "../fuzz/drill_mutate.h"

static unsigned long rounds = 20000;

static const char *const built_in[] = {
	"// needs-sysctl: net.ipv4.tcp_rfc1337=1\n--tolerance_usecs=1000\n--define=LEVEL=SOL_IP\n`sh a.sh\n x=1`\n"
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.1...0.2 connect(3, ..., ...) = -1 EINPROGRESS (In progress)\n"
	"+0 > S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>\n/* one */ +.01 < S. 0:0(0) ack 1 win 9 "
	"<mss 1000>\n"
	"+0 setsockopt(3, LEVEL, IP_TTL, [1], 4) = 0\n+0 %{ assert tcpi_state == 1 }%\n`rm x`\n",
	"0 poll([{fd=3, events=POLLIN|POLLOUT, revents=0x10}], 1, -1) = 1\n"
	"+0 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, u64=3}) = 0\n"
	"+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
	"+0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"1.2.3.4\")}, 16) = 0\n"
	"+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 9}], msg_flags=0, msg_control=[\n"
	"   {cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data={TCP_NLA_SRTT=1}}]}, 0) = 9\n"
	"+0 write(3, \"a\\n\\x7f\" \"b\"..., 3) = 3\n",
	"0 f(\"\\\\ \\\" \\x00\") = 0\n",
	"0 < . 1:1(0) win 1 <nop,nop,sack 1:2 3:4 5:6 7:8>\n",
	"0 > S 0:0(0) <FO 000102030405060708090a0b0c0d0e0f1011>\n",
	"0 f([[[[[[[[[[[[[[1]]]]]]]]]]]]]]) = 0\n",
	"* > [ect01] P.5 1:1001(1000) ack 1 urg 3 <nop,nop,sack 1:2 3:4>\n"
	"1~1.5 > SEWA 0:9(9) <FO 0123,nop,nop,nop,nop>\n"
	"+.1~+.2 > [tos 0x4, ttl 3] - 0:0(0) <...>\n+0 < 1 > 2 R 1:1(0) win 0 <ECN e0b 1 ceb 2 e1b 3,nop>\n"
	"+0 < icmp unreachable frag_needed mtu 800 [1:11(10)]\n+0 > icmp echo_reply id 3\n+0 < . 1:1(0) ack 1 win 1\n",
};

static void assert_place(const struct drill_error *error, const char *text, size_t length)
{
	int lines = 1;

	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	assert_in_range(error->pos.line, 1, lines);
	assert_in_range(error->pos.column, 1, length + 1);
	assert_true(error->text[0]);
}

static void look_at(const char *text, size_t length)
{
	static char first[8 * MAX_TEXT], second[8 * MAX_TEXT];
	struct drill_error error = {0};
	struct drill_script *script = drill_parse("mutant", text, length, NULL, 0, &error);

	if (!script) {
		assert_place(&error, text, length);
		return;
	}
	assert_true(drill_print_script(script, first, sizeof(first)) < sizeof(first));
	drill_script_free(script);
	script = parsed(first);
	drill_print_script(script, second, sizeof(second));
	drill_script_free(script);
	assert_string_equal(second, first);
}

static void no_mutant_breaks_the_parser(void **state)
{
	const struct seeds *seeds = *state;
	static char text[MAX_TEXT];
	uint64_t random = 1;

	for (unsigned long round = 0; round < rounds; round++) {
		size_t length = mutant(seeds, text, &random);

		look_at(text, length);
	}
}

int main(int argc, char **argv)
{
	static struct seeds seeds;
	struct CMUnitTest tests[] = {cmocka_unit_test(no_mutant_breaks_the_parser)};

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 0);
	for (int i = 2; i < argc; i++)
		if (!add_file(&seeds, argv[i]))
			return 2;
	for (size_t i = 0; argc < 3 && i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		seeds.length[seeds.n] = strlen(built_in[i]);
		seeds.text[seeds.n++] = built_in[i];
	}
	tests[0].initial_state = &seeds;
	return cmocka_run_group_tests_name("drill/mutants", tests, NULL, NULL);
}
