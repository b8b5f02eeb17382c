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

#include <stdlib.h>

enum { MAX_TEXT = 1 << 16, MAX_SEEDS = 1024 };

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

/* clang-format off */
static const char *const words[] = {
	"...", "{", "}", "[", "]", "(", ")", "<", ">", "|", "=", ",", "~", "*", "+", "-", "`", "\"", "%{", "}%",
	"//", "/*", "*/", "\n", "\\", ".", ":", " 0x", "--", "0", "1", "65535", "4294967296", "9223372036854775807",
	".000000001", "ack", "win", "mss", "nop", "sack", "TS val", "ECN", "FO", "md5", "icmp", "udp", "tos", "fd=",
	"events=", "msg_iov(1)=", "onoff=1", "EAGAIN", "SOL_SOCKET", "htons(", "--define=A=", "A",
	"// needs-sysctl: a=",
};
/* clang-format on */

struct seeds {
	const char *text[MAX_SEEDS];
	size_t length[MAX_SEEDS];
	unsigned n;
	unsigned long rounds;
};

static uint32_t draw(uint64_t *state, size_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)((*state >> 33) % below) : 0;
}

/* @piece instead of @cut bytes at @at; what would grow too long stays as it is. */
static size_t replace(char *text, size_t length, size_t at, size_t cut, const char *piece, size_t n)
{
	if (length - cut + n > MAX_TEXT)
		return length;
	memmove(text + at + n, text + at + cut, length - at - cut);
	memcpy(text + at, piece, n);
	return length - cut + n;
}

static size_t mutate(const struct seeds *seeds, char *text, size_t length, uint64_t *state)
{
	size_t at = draw(state, length + 1);
	size_t cut = draw(state, length - at + 1);
	unsigned other = draw(state, seeds->n);
	const char *word = words[draw(state, sizeof(words) / sizeof(words[0]))];
	char piece[64];
	size_t n;

	switch (draw(state, 5)) {
	case 0:
		piece[0] = (char)draw(state, 256);
		return replace(text, length, at, at < length, piece, 1);
	case 1:
		return replace(text, length, at, cut % 32, "", 0);
	case 2:
		n = cut < sizeof(piece) ? cut : sizeof(piece);
		memcpy(piece, text + at, n);
		return replace(text, length, draw(state, length + 1), 0, piece, n);
	case 3:
		at = draw(state, seeds->length[other]);
		n = draw(state, seeds->length[other] - at);
		return replace(text, length, draw(state, length + 1), 0, seeds->text[other] + at, n % 200);
	default:
		return replace(text, length, at, cut < 8 ? cut : 0, word, strlen(word));
	}
}

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

	for (unsigned long round = 0; round < seeds->rounds; round++) {
		unsigned seed = draw(&random, seeds->n);
		size_t length = seeds->length[seed];

		memcpy(text, seeds->text[seed], length);
		for (unsigned i = draw(&random, 4) + 1; i; i--)
			length = mutate(seeds, text, length, &random);
		look_at(text, length);
	}
}

static void add_file(struct seeds *seeds, const char *name)
{
	char *text = malloc(MAX_TEXT);
	FILE *file = fopen(name, "r");

	if (!file || !text || seeds->n == MAX_SEEDS)
		exit(2);
	seeds->length[seeds->n] = fread(text, 1, MAX_TEXT, file);
	seeds->text[seeds->n++] = text;
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct seeds seeds;
	struct CMUnitTest tests[] = {cmocka_unit_test(no_mutant_breaks_the_parser)};

	seeds.rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
	for (int i = 2; i < argc; i++)
		add_file(&seeds, argv[i]);
	for (size_t i = 0; argc < 3 && i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		seeds.length[seeds.n] = strlen(built_in[i]);
		seeds.text[seeds.n++] = built_in[i];
	}
	tests[0].initial_state = &seeds;
	return cmocka_run_group_tests_name("drill/mutants", tests, NULL, NULL);
}
