// SPDX-License-Identifier: MIT
/*
 * drill/run*.c: a script is played on a side that does what the test says
 *
 * The side's clock moves when it is slept on or waited on. Frames leave it at times that are planned before the run;
 * what comes in is kept. Its first number is ISN, its port of connections out OUR_PORT, and calls give what a kernel
 * would.
 */
#include "drill_env.h"

#include "drill/run.h"
#include "drill/run_time.h"
#include "lab/frame.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MS 1000000LL

enum { BEGIN_NS = 77, ISN = 0x80000001, OUR_PORT = 50000, PEER_PORT = 40001, SIDE_FD = 103, MAX_FRAMES = 16 };

struct plan {
	int64_t at_ns;
	size_t len;
	uint8_t bytes[4096];
};

/**
 * struct scene - a side, and how a run on it ended
 * @out, @in: frames that will leave, and that came in
 * @to_ns: a call that may wait returns at this time; 0: at once
 * @said:  lines of settings as they arrive: "a=b" and commands in quotes
 * @refuse: a sysctl or a command that the side does not have
 */
struct scene {
	struct drill_side side;
	struct drill_net net;
	int64_t now_ns, to_ns;
	struct plan out[MAX_FRAMES], in[MAX_FRAMES];
	unsigned n_out, next_out, n_in;
	int next_fd;
	const char *refuse, *fault;
	char said[1024];
	struct drill_record *record;
	struct drill_verdict verdict;
};

/* ---------------------------------------------------------------- the side */

static struct scene *of(struct drill_side *side)
{
	return (struct scene *)side;
}

static int64_t side_now(struct drill_side *side)
{
	return of(side)->now_ns;
}

static void side_sleep(struct drill_side *side, int64_t until_ns)
{
	if (of(side)->now_ns < until_ns)
		of(side)->now_ns = until_ns;
}

static void write_peer(const struct drill_sys *sys)
{
	struct sockaddr_in *peer = (struct sockaddr_in *)(uintptr_t)sys->arg[1];

	peer->sin_family = AF_INET;
	peer->sin_port = htons(PEER_PORT);
	peer->sin_addr.s_addr = htonl(0xc0000201);
	*(socklen_t *)(uintptr_t)sys->arg[2] = sizeof(*peer);
}

static void side_return(struct scene *scene, struct drill_sys *sys)
{
	bool opens = sys->no == DRILL_SYS_SOCKET || sys->no == DRILL_SYS_ACCEPT;

	sys->pending = false;
	sys->ended_ns = scene->now_ns;
	sys->result = opens ? scene->next_fd++ : 0;
	if (sys->no == DRILL_SYS_ACCEPT)
		write_peer(sys);
}

static bool side_start(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why)
{
	struct scene *scene = of(side);

	if (sys->no == DRILL_SYS_PIPE) {
		strcpy(why->text, "no pipe() here");
		return false;
	}
	sys->begun_ns = scene->now_ns;
	sys->pending = may_wait && scene->to_ns;
	if (!sys->pending)
		side_return(scene, sys);
	return true;
}

static bool side_finish(struct drill_side *side, struct drill_sys *sys, int64_t until_ns)
{
	struct scene *scene = of(side);
	int64_t now_ns = scene->now_ns;

	if (until_ns < scene->to_ns) {
		side_sleep(side, until_ns);
		return false;
	}
	scene->now_ns = scene->to_ns;
	side_return(scene, sys);
	if (scene->now_ns < now_ns)
		scene->now_ns = now_ns;
	return true;
}

static void side_abandon(struct drill_side *side, struct drill_sys *sys)
{
	(void)side;
	sys->pending = false;
}

static bool side_inject(struct drill_side *side, const void *frame, size_t len, struct drill_text *why)
{
	struct plan *in = &of(side)->in[of(side)->n_in++];

	(void)why;
	assert_true(len <= sizeof(in->bytes));
	in->at_ns = of(side)->now_ns;
	in->len = len;
	memcpy(in->bytes, frame, len);
	return true;
}

static bool side_next(struct drill_side *side, struct drill_frame *frame, int64_t until_ns)
{
	struct scene *scene = of(side);
	const struct plan *out = &scene->out[scene->next_out];

	if (scene->next_out == scene->n_out || out->at_ns > until_ns) {
		side_sleep(side, until_ns);
		return false;
	}
	side_sleep(side, out->at_ns);
	scene->next_out++;
	frame->at_ns = out->at_ns;
	frame->len = out->len;
	memcpy(frame->bytes, out->bytes, out->len);
	return true;
}

static bool side_say(struct scene *scene, const char *name, struct drill_text *why, const char *format, const char *a,
		     const char *b)
{
	size_t at = strlen(scene->said);

	if (scene->refuse && !strcmp(name, scene->refuse)) {
		snprintf(why->text, sizeof(why->text), "no %.200s here", name);
		return false;
	}
	snprintf(scene->said + at, sizeof(scene->said) - at, format, a, b);
	return true;
}

static bool side_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why)
{
	return side_say(of(side), name, why, "%s=%s\n", name, value);
}

static bool side_command(struct drill_side *side, const char *line, struct drill_text *why)
{
	return side_say(of(side), line, why, "\"%s\"%s\n", line, "");
}

static void side_counters(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)side;
	each(arg, "TcpInSegs", 1);
}

static const char *side_fault(struct drill_side *side)
{
	return of(side)->fault;
}

static const struct drill_backend backend = {
	.name = "fake",
	.now = side_now,
	.sleep = side_sleep,
	.start = side_start,
	.finish = side_finish,
	.abandon = side_abandon,
	.inject = side_inject,
	.next = side_next,
	.sysctl = side_sysctl,
	.command = side_command,
	.counters = side_counters,
	.fault = side_fault,
};

/* ---------------------------------------------------------------- scenes */

static int scene_open(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	scene->side.ops = &backend;
	scene->now_ns = BEGIN_NS;
	scene->next_fd = SIDE_FD;
	scene->record = drill_record_new();
	*state = scene;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *scene = *state;

	drill_record_free(scene->record);
	free(scene);
	return 0;
}

/*
 * A segment of the side's leaves at @at_ns of the script; numbers are those that a script would have, after a SYN of
 * @peer_isn.
 */
static struct lab_segment segment_out(const char *text, uint32_t peer_isn, uint8_t options[40])
{
	static const uint8_t zeroes[4096];
	static const uint8_t local[16] = {[10] = 255, 255, 192, 168, 0, 1},
			     remote[16] = {[10] = 255, 255, 192, 0, 2, 1};
	struct lab_segment seg = {.family = AF_INET, .protocol = IPPROTO_TCP, .hop_limit = 64, .payload = zeroes};

	assert_true(lab_segment_parse(&seg, options, text));
	memcpy(seg.saddr, local, 16);
	memcpy(seg.daddr, remote, 16);
	seg.sport = 8080;
	seg.dport = PEER_PORT;
	seg.seq += (uint32_t)ISN;
	if (seg.flags & LAB_ACK)
		seg.ack += peer_isn;
	return seg;
}

static void plan(struct scene *scene, int64_t at_ns, const struct lab_segment *seg)
{
	struct plan *out = &scene->out[scene->n_out++];
	struct lab_frame *frame = lab_segment_write(seg);

	out->at_ns = BEGIN_NS + at_ns;
	out->len = frame->len;
	memcpy(out->bytes, frame->bytes, frame->len);
	lab_frame_put(frame);
}

static void leaves(struct scene *scene, int64_t at_ns, const char *text)
{
	uint8_t options[40];
	struct lab_segment seg = segment_out(text, 1000, options);

	plan(scene, at_ns, &seg);
}

static void play_family(struct scene *scene, const char *text, enum drill_family family)
{
	struct drill_script *script = parsed(text);
	struct drill_play play = {.script = script, .side = &scene->side, .net = &scene->net};
	struct drill_text why;

	assert_true(drill_net_init(&scene->net, script, family, false, &why));
	drill_run(&play, scene->record, &scene->verdict);
	drill_script_free(script);
}

static void play(struct scene *scene, const char *text)
{
	play_family(scene, text, DRILL_IPV4);
}

static void assert_passes(struct scene *scene, const char *text)
{
	play(scene, text);
	if (scene->verdict.outcome != DRILL_PASSED)
		fail_msg("%d: %s\n%s\n%s", scene->verdict.pos.line, scene->verdict.text.text,
			 scene->verdict.expected.text, scene->verdict.actual.text);
}

static void assert_ends(const struct scene *scene, enum drill_outcome outcome, int line, const char *text)
{
	assert_string_equal(scene->verdict.text.text, text);
	assert_int_equal(scene->verdict.outcome, outcome);
	assert_int_equal(scene->verdict.pos.line, line);
}

/* Word stands under word. */
static void assert_shown(const struct scene *scene, const char *expected, const char *actual)
{
	assert_string_equal(scene->verdict.expected.text, expected);
	assert_string_equal(scene->verdict.actual.text, actual);
}

static struct lab_segment came_in(const struct scene *scene, unsigned i)
{
	struct lab_segment seg;

	assert_true(i < scene->n_in);
	assert_true(lab_segment_read(&seg, scene->in[i].bytes, scene->in[i].len));
	assert_false(seg.broken);
	return seg;
}

/* Six lines: a connection from a peer whose first number is 1000, made at 0.2 s. */
#define ACCEPTED \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n" \
	"+0 bind(3, ..., ...) = 0\n" \
	"+0 listen(3, 1) = 0\n" \
	"+.1 < S 1000:1000(0) win 65535 <mss 1000>\n" \
	"+0 > S. 0:0(0) ack 1001 <...>\n" \
	"+.1 < . 1:1(0) ack 1 win 65535\n"

static void accepted(struct scene *scene)
{
	leaves(scene, 100 * MS, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
}

/* ---------------------------------------------------------------- time */

static void a_relative_time_counts_from_the_end_of_the_event_before(void **state)
{
	struct drill_script *script = parsed("0 `a`\n+.5 `b`\n");
	const struct drill_event *a = script->events;
	struct run_due due_a = run_due(a, NULL, NULL, 0), due_b = run_due(a->next, a, &due_a, 30 * MS);

	(void)state;
	assert_int_equal(due_a.ns, 0);
	assert_int_equal(due_b.ns, 530 * MS);
	assert_int_equal(due_b.end_ns, 530 * MS);
	drill_script_free(script);
}

static void a_packet_in_behind_a_packet_in_counts_from_when_that_was_due(void **state)
{
	struct drill_script *script = parsed("0 < . 1:1(0) win 1\n+.5 < . 1:1(0) win 1\n+.5 > . 1:1(0)\n");
	const struct drill_event *a = script->events;
	struct run_due due_a = run_due(a, NULL, NULL, 0), due_b = run_due(a->next, a, &due_a, 30 * MS);
	struct run_due due_c = run_due(a->next->next, a->next, &due_b, 540 * MS);

	(void)state;
	assert_int_equal(due_b.ns, 500 * MS);
	assert_int_equal(due_c.ns, 1040 * MS);
	drill_script_free(script);
}

static void a_tolerance_is_fixed_or_a_share_of_the_interval_whichever_is_more(void **state)
{
	const struct run_slack slack = {4 * MS, 125000};

	(void)state;
	assert_int_equal(run_slack(&slack, 0), 4 * MS);
	assert_int_equal(run_slack(&slack, 32 * MS), 4 * MS);
	assert_int_equal(run_slack(&slack, 1000 * MS), 125 * MS);
}

static void a_time_is_met_within_the_tolerance_on_both_sides(void **state)
{
	const struct run_due due = {DRILL_AT, 100 * MS, 100 * MS, 0}, any = {DRILL_ANY_TIME, 100 * MS, 100 * MS, 0};
	const struct run_due range = {DRILL_AT_RANGE, 100 * MS, 200 * MS, 0};
	struct drill_text why;

	(void)state;
	assert_true(run_in_time(&due, MS, 99 * MS, "it", &why));
	assert_true(run_in_time(&due, MS, 101 * MS, "it", &why));
	assert_true(run_in_time(&any, MS, 5000 * MS, "it", &why));
	assert_true(run_in_time(&range, MS, 201 * MS, "it", &why));
	assert_false(run_in_time(&due, MS, 102 * MS, "it", &why));
	assert_string_equal(why.text,
			    "expected it at 0.100000 s, but it happened at 0.102000 s, 0.002000 s too late; tolerance "
			    "0.001000 s");
	assert_false(run_in_time(&due, MS, 98 * MS, "it", &why));
	assert_string_equal(why.text,
			    "expected it at 0.100000 s, but it happened at 0.098000 s, 0.002000 s too early; tolerance "
			    "0.001000 s");
	assert_false(run_in_time(&range, MS, 210 * MS, "it", &why));
	assert_string_equal(
		why.text, "expected it between 0.100000 and 0.200000 s, but it happened at 0.210000 s, 0.010000 s too "
			  "late; tolerance 0.001000 s");
}

static void a_packet_that_comes_too_late_fails_its_line(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 300 * MS, "F. 1:1(0) ack 1 win 65535");
	play(scene, ACCEPTED "+.01 > F. 1:1(0) ack 1\n");
	assert_ends(
		scene, DRILL_FAILED, 7,
		"expected the packet out at 0.210000 s, but it happened at 0.300000 s, 0.090000 s too late; tolerance "
		"0.004000 s");
	assert_shown(scene, "0.210000 > F. 1:1(0) ack 1", "0.300000 > F. 1:1(0) ack 1");
}

static void a_wildcard_time_takes_a_packet_whenever_it_comes(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 100000 * MS, "F. 1:1(0) ack 1 win 65535");
	assert_passes(scene, ACCEPTED "* > F. 1:1(0) ack 1\n");
}

static void the_option_tolerance_usecs_holds(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 300 * MS, "F. 1:1(0) ack 1 win 65535");
	assert_passes(scene, "--tolerance_usecs=100000\n" ACCEPTED "+.01 > F. 1:1(0) ack 1\n");
}

static void a_script_begins_at_time_0_and_does_not_go_back(void **state)
{
	struct scene *scene = *state;

	play(scene, ".1 `true`\n");
	assert_ends(scene, DRILL_FAILED, 1, "the first event has to be at time 0");
	play(scene, "0 `true`\n2 `true`\n1 `true`\n");
	assert_ends(scene, DRILL_FAILED, 3, "time goes backward: the event before is at 2.000000 s");
}

/* ---------------------------------------------------------------- numbers */

static void packets_in_have_wire_numbers_ports_and_right_checksums(void **state)
{
	struct scene *scene = *state;
	struct lab_segment syn, ack, data;

	accepted(scene);
	assert_passes(scene, ACCEPTED "+0 < P. 101:201(100) ack 5 win 7 urg 3 <nop,nop,sack 9:10>\n");
	syn = came_in(scene, 0);
	ack = came_in(scene, 1);
	data = came_in(scene, 2);
	assert_int_equal(syn.seq, 1000);
	assert_int_equal(syn.sport, PEER_PORT);
	assert_int_equal(syn.dport, 8080);
	assert_int_equal(ack.seq, 1001);
	assert_int_equal(ack.ack, (uint32_t)ISN + 1);
	assert_int_equal(data.seq, 1101);
	assert_int_equal(data.ack, (uint32_t)ISN + 5);
	assert_int_equal(data.payload_len, 100);
	assert_int_equal(data.window, 7);
	assert_int_equal(data.urgent, 3);
	assert_memory_equal(data.options, "\1\1\5\12\x80\0\0\x0a\x80\0\0\x0b", 12);
}

static void an_echo_is_what_was_really_sent(void **state)
{
	struct scene *scene = *state;
	struct lab_segment ack;

	leaves(scene, 100 * MS, "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,TS val 70000 ecr 5>");
	assert_passes(scene,
		      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
		      "+.1 < S 1000:1000(0) win 65535 <mss 1000,nop,nop,TS val 5 ecr 0>\n"
		      "+0 > S. 0:0(0) ack 1001 <mss 1460,nop,nop,TS val 100 ecr 5>\n"
		      "+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 6 ecr 100>\n");
	ack = came_in(scene, 1);
	assert_memory_equal(ack.options, "\1\1\10\12\0\0\0\6\0\1\x11\x70", 12);
}

static void an_echo_of_what_was_never_sent_is_refused_unless_scaled(void **state)
{
#define STAMPED \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n" \
	"+.1 < S 1000:1000(0) win 65535 <mss 1000,nop,nop,TS val 5 ecr 0>\n" \
	"+0 > S. 0:0(0) ack 1001 <mss 1460,nop,nop,TS val 100 ecr 5>\n" \
	"+.1 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 6 ecr 101>\n"
	struct scene *scene = *state;

	leaves(scene, 100 * MS, "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,TS val 70000 ecr 5>");
	play(scene, STAMPED);
	assert_ends(scene, DRILL_FAILED, 6,
		    "the packet echoes TS val 101, which no packet out had before: take a value that one had, or "
		    "--tcp_ts_ecr_scaled");
	scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	assert_passes(scene, "--tcp_ts_ecr_scaled\n" STAMPED);
	assert_memory_equal(came_in(scene, 1).options, "\1\1\10\12\0\0\0\6\0\1\x11\x71", 12);
}

static void a_connection_out_is_known_by_its_syn(void **state)
{
	struct scene *scene = *state;
	uint8_t options[40];
	struct lab_segment syn = segment_out("S 0:0(0) win 65535 <mss 1460>", 0, options);
	struct lab_segment in;

	syn.sport = OUR_PORT;
	syn.dport = 8080;
	plan(scene, 0, &syn);
	assert_passes(scene, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = 0\n"
			     "+0 > S 0:0(0) <mss 1460>\n+.1 < S. 500:500(0) ack 1 win 65535 <mss 1000>\n"
			     "+0 < . 1:1(0) ack 1 win 65535\n");
	in = came_in(scene, 0);
	assert_int_equal(in.dport, OUR_PORT);
	assert_int_equal(in.sport, 8080);
	assert_int_equal(in.seq, 500);
	assert_int_equal(in.ack, (uint32_t)ISN + 1);
	assert_int_equal(came_in(scene, 1).seq, 501);
}

static void a_syn_sent_again_belongs_to_the_connection_before(void **state)
{
	struct scene *scene = *state;
	uint8_t options[40];
	struct lab_segment syn = segment_out("S 0:0(0) win 65535 <mss 1460>", 0, options);

	syn.sport = OUR_PORT;
	syn.dport = 8080;
	plan(scene, 0, &syn);
	plan(scene, 0, &syn);
	syn.sport = OUR_PORT + 1;
	plan(scene, 0, &syn);
	assert_passes(scene, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = 0\n"
			     "+0 > S 0:0(0) <mss 1460>\n"
			     "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n+0 connect(4, ..., ...) = 0\n"
			     "+0 > S 0:0(0) <mss 1460>\n+.1 < S. 500:500(0) ack 1 win 65535 <mss 1000>\n");
	assert_int_equal(came_in(scene, 0).dport, OUR_PORT + 1);
}

static void accept_may_give_a_number_that_is_still_open(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	assert_passes(scene, ACCEPTED "+0 accept(3, ..., ...) = 4\n+0 accept(3, ..., ...) = 4\n+0 close(4) = 0\n"
				      "+0 close(4) = 0\n");
}

static int64_t side_begin(struct drill_side *side)
{
	return of(side)->now_ns += 5 * MS;
}

static void time_0_is_the_sides_choice(void **state)
{
	struct drill_backend chooses = backend;
	struct scene *scene = *state;

	chooses.begin = side_begin;
	scene->side.ops = &chooses;
	assert_passes(scene, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.001 close(3) = 0\n");
	assert_int_equal(scene->now_ns, BEGIN_NS + 6 * MS);
}

static void each_connection_in_comes_from_a_port_of_its_own(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	assert_passes(scene, ACCEPTED "+0 accept(3, ..., ...) = 4\n+0 listen(3, 1) = 0\n+0 < S 7:7(0) win 65535\n");
	assert_int_equal(came_in(scene, 1).sport, PEER_PORT);
	assert_int_equal(came_in(scene, 2).sport, PEER_PORT); /* the flow under test is still the accepted one */
	scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	assert_passes(scene, ACCEPTED "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n+0 < S 7:7(0) win 65535\n");
	assert_int_equal(came_in(scene, 2).sport, PEER_PORT + 1);
}

static void ports_in_the_line_are_those_of_the_packet(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	assert_passes(scene, ACCEPTED "+0 < 1234 > 99 S 7:7(0) win 65535\n");
	assert_int_equal(came_in(scene, 2).sport, 1234);
	assert_int_equal(came_in(scene, 2).dport, 99);
}

static void an_icmp_error_quotes_a_segment_of_the_flow(void **state)
{
	struct scene *scene = *state;
	static const uint8_t tcp[8] = {8080 >> 8, 8080 & 255, PEER_PORT >> 8, PEER_PORT & 255, 0x80, 0, 0, 2};

	accepted(scene);
	assert_passes(scene, ACCEPTED "+0 < icmp unreachable frag_needed mtu 800 [1:101(100)]\n");
	assert_int_equal(scene->in[2].len, 20 + 8 + 20 + 8);
	assert_memory_equal(scene->in[2].bytes + 20, "\3\4", 2);
	assert_memory_equal(scene->in[2].bytes + 24, "\0\0\3\x20", 4);
	assert_memory_equal(scene->in[2].bytes + 48, tcp, 8);
	assert_int_equal(lab_checksum(0, scene->in[2].bytes + 20, 36), 0xffff);
	assert_int_equal(lab_checksum(0, scene->in[2].bytes + 28, 20), 0xffff);
}

static void over_ipv6_too(void **state)
{
	struct scene *scene = *state;

	play_family(scene,
		    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n"
		    "+0 < [tos 0x12, flowlabel 0x345, ttl 9] S 0:0(0) win 65535\n"
		    "+0 < icmp packet_too_big mtu 1400\n",
		    DRILL_IPV6);
	assert_int_equal(scene->verdict.outcome, DRILL_PASSED);
	assert_int_equal(came_in(scene, 0).family, AF_INET6);
	assert_memory_equal(scene->in[0].bytes, "\x61\x20\x03\x45", 4);
	assert_int_equal(scene->in[0].bytes[7], 9);
	assert_int_equal(came_in(scene, 1).icmp_type, 2);
	play_family(scene,
		    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 1\n"
		    "+0 < icmp unreachable frag_needed\n",
		    DRILL_IPV6);
	assert_ends(scene, DRILL_FAILED, 4, "ICMPv6 has no message `unreachable frag_needed`");
}

/* ---------------------------------------------------------------- packets out */

/* The line is compared with a segment that leaves at 0.2 s. */
static void compare(struct scene *scene, const char *line, const char *segment)
{
	char text[1024];

	scene->n_out = scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	accepted(scene);
	leaves(scene, 200 * MS, segment);
	snprintf(text, sizeof(text), "%s+0 > %s\n", ACCEPTED, line);
	play(scene, text);
}

static void each_field_that_differs_is_named_and_shown(void **state)
{
	struct scene *scene = *state;

	compare(scene, "P. 1:11(10) ack 1", ". 1:11(10) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's flags differ");
	assert_shown(scene, "0.200000 > P. 1:11(10) ack 1", "0.200000 > .  1:11(10) ack 1");
	compare(scene, ". 2:2(0) ack 1", ". 100:100(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's seq is 100 (0x64), expected 2 (0x2)");
	assert_shown(scene, "0.200000 > . 2:2(0)     ack 1", "0.200000 > . 100:100(0) ack 1");
	compare(scene, ". 1:1(0) ack 3", ". 1:1(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's ack is 1 (0x1), expected 3 (0x3)");
	compare(scene, ". 1:1(0) ack 1 win 6", ". 1:1(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's window is 5 (0x5), expected 6 (0x6)");
	assert_shown(scene, "0.200000 > . 1:1(0) ack 1 win 6", "0.200000 > . 1:1(0) ack 1 win 5");
	compare(scene, ". 1:11(10) ack 1", ". 1:21(20) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's length is 20 (0x14), expected 10 (0xa)");
	compare(scene, "[ttl 63] . 1:1(0) ack 1", ". 1:1(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's TTL is 64 (0x40), expected 63 (0x3f)");
	compare(scene, "[ect0] . 1:1(0) ack 1", ". 1:1(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's ECN bits are 0, expected 2");
	compare(scene, "[ect01] . 1:1(0) ack 1", ". 1:1(0) ack 1 win 5");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's ECN bits are 0, expected 1 or 2");
}

static void a_window_that_the_line_does_not_name_is_not_looked_at(void **state)
{
	struct scene *scene = *state;

	compare(scene, ". 1:1(0) ack 1", ". 1:1(0) ack 1 win 4711");
	assert_int_equal(scene->verdict.outcome, DRILL_PASSED);
}

static void options_are_compared_in_order_but_for_time_stamps(void **state)
{
	struct scene *scene = *state;

	compare(scene, ". 1:1(0) ack 1 <nop,nop,TS val 1 ecr 2>", ". 1:1(0) ack 1 win 5 <nop,nop,TS val 700 ecr 900>");
	assert_int_equal(scene->verdict.outcome, DRILL_PASSED);
	compare(scene, ". 1:1(0) ack 1 <mss 5>", ". 1:1(0) ack 1 win 5 <mss 6>");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's options differ");
	compare(scene, ". 1:1(0) ack 1 <...>", ". 1:1(0) ack 1 win 5 <mss 6>");
	assert_int_equal(scene->verdict.outcome, DRILL_PASSED);
	compare(scene, ". 1:1(0) ack 1", ". 1:1(0) ack 1 win 5 <nop,nop,TS val 700 ecr 900>");
	assert_ends(scene, DRILL_FAILED, 7, "the packet's options differ");
	assert_shown(scene, "0.200000 > . 1:1(0) ack 1", "0.200000 > . 1:1(0) ack 1 <nop,nop,TS val 700 ecr 900>");
}

static void blocks_of_sack_count_as_acknowledgments_do(void **state)
{
	struct scene *scene = *state;
	uint8_t options[40];
	struct lab_segment seg = segment_out(". 1:1(0) ack 1 win 5", 1000, options);

	seg.options = (const uint8_t *)"\1\1\5\12\0\0\3\xf2\0\0\4\x56"; /* 1010 to 1110 */
	seg.options_len = 12;
	accepted(scene);
	plan(scene, 200 * MS, &seg);
	assert_passes(scene, ACCEPTED "+0 > . 1:1(0) ack 1 <nop,nop,sack 10:110>\n");
}

static void an_option_without_a_name_is_told_by_its_kind(void **state)
{
	struct scene *scene = *state;
	uint8_t options[40];
	struct lab_segment seg = segment_out(". 1:1(0) ack 1 win 5", 1000, options);

	seg.options = (const uint8_t *)"\x1e\4\0\0";
	seg.options_len = 4;
	accepted(scene);
	plan(scene, 200 * MS, &seg);
	play(scene, ACCEPTED "+0 > . 1:1(0) ack 1\n");
	assert_ends(scene, DRILL_FAILED, 7, "the packet has an option of kind 30, which a script cannot name");
}

static void time_stamps_are_looked_at_when_the_script_says_how_long_a_tick_is(void **state)
{
#define TICKS \
	"--tcp_ts_tick_usecs=1000\n" ACCEPTED "+0 > . 1:1(0) ack 1 <nop,nop,TS val 10 ecr 0>\n" \
	"+1 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 0>\n"
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 200 * MS, ". 1:1(0) ack 1 win 5 <nop,nop,TS val 7000 ecr 0>");
	leaves(scene, 1200 * MS, ". 1:1(0) ack 1 win 5 <nop,nop,TS val 8000 ecr 0>");
	assert_passes(scene, TICKS);
	scene->n_out = scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	accepted(scene);
	leaves(scene, 200 * MS, ". 1:1(0) ack 1 win 5 <nop,nop,TS val 7000 ecr 0>");
	leaves(scene, 1200 * MS, ". 1:1(0) ack 1 win 5 <nop,nop,TS val 9000 ecr 0>");
	play(scene, TICKS);
	assert_ends(scene, DRILL_FAILED, 9, "the packet's TS val is 2010 (0x7da), expected 1010 (0x3f2)");
}

static void nothing_that_comes_is_shown_as_such(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	play(scene, ACCEPTED "+.5 > F. 1:1(0) ack 1\n");
	assert_ends(scene, DRILL_FAILED, 7, "no packet came, and it is 2.700000 s");
	assert_shown(scene, "0.700000 > F. 1:1(0) ack 1", "(nothing)");
}

static void packets_of_other_connections_pass_unseen_but_are_recorded(void **state)
{
	struct scene *scene = *state;
	uint8_t options[40];
	struct lab_segment other = segment_out("R 5:5(0) win 0", 1000, options);
	unsigned heard = 0, unasked = 0;

	accepted(scene);
	other.dport = 9;
	plan(scene, 200 * MS, &other);
	leaves(scene, 200 * MS, "F. 1:1(0) ack 1 win 5");
	leaves(scene, 200 * MS, "F. 1:1(0) ack 1 win 5");
	assert_passes(scene, ACCEPTED "+0 > F. 1:1(0) ack 1\n");
	for (struct drill_entry *entry = scene->record->first; entry; entry = entry->next) {
		heard += entry->kind == DRILL_HEARD;
		unasked += entry->kind == DRILL_HEARD && !entry->event;
	}
	assert_int_equal(heard, 4);
	assert_int_equal(unasked, 2);
}

static void a_line_may_be_several_packets_unless_segments_are_strict(void **state)
{
#define THREE_PACKETS ACCEPTED "+0 > P. 1:2501(2500) ack 1\n"
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 200 * MS, ". 1:1001(1000) ack 1 win 5");
	leaves(scene, 200 * MS, ". 1001:2001(1000) ack 1 win 5");
	leaves(scene, 200 * MS, "P. 2001:2501(500) ack 1 win 5");
	assert_passes(scene, THREE_PACKETS);
	scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	play(scene, "--strict_segments\n" THREE_PACKETS);
	assert_ends(scene, DRILL_FAILED, 8, "the packet's length is 1000 (0x3e8), expected 2500 (0x9c4)");
}

static void pieces_continue_each_other_and_only_the_last_is_short(void **state)
{
	struct scene *scene = *state;

	accepted(scene);
	leaves(scene, 200 * MS, ". 1:1001(1000) ack 1 win 5");
	leaves(scene, 200 * MS, ". 1001:1501(500) ack 1 win 5");
	play(scene, THREE_PACKETS);
	assert_ends(scene, DRILL_FAILED, 7,
		    "only 1000 of 2500 bytes came in packets of one kind; the next has 500 bytes, seq 1001");
}

/* ---------------------------------------------------------------- calls */

static void a_blocking_call_returns_while_other_lines_are_played(void **state)
{
	struct scene *scene = *state;
	const struct drill_entry *last;

	scene->to_ns = BEGIN_NS + 500 * MS;
	accepted(scene);
	assert_passes(scene, ACCEPTED "+0...0.300 accept(3, ..., ...) = 4\n+.4 < . 1:1(0) ack 1 win 65535\n");
	last = scene->record->first;
	while (last->kind != DRILL_ENDED || last->no != DRILL_SYS_ACCEPT)
		last = last->next;
	assert_int_equal(last->at_ns, 500 * MS);
	assert_int_equal(last->fd, 3);
	assert_int_equal(last->result, 4); /* as the script calls it */
}

static void a_blocking_call_that_returns_too_late_or_never_fails(void **state)
{
	struct scene *scene = *state;

	scene->to_ns = BEGIN_NS + 500 * MS;
	accepted(scene);
	play(scene, ACCEPTED "+0...0.200 accept(3, ..., ...) = 4\n+1 `true`\n");
	assert_ends(scene, DRILL_FAILED, 7,
		    "expected the call's return at 0.400000 s, but it happened at 0.500000 s, 0.100000 s too late; "
		    "tolerance "
		    "0.025000 s");
	scene->next_out = scene->n_in = 0;
	scene->now_ns = BEGIN_NS;
	scene->to_ns = BEGIN_NS + 5000 * MS;
	play(scene, ACCEPTED "+0...0.200 accept(3, ..., ...) = 4\n");
	assert_ends(scene, DRILL_FAILED, 7, "the call still waits a second after the script's end");
}

static void a_call_that_does_not_give_what_is_written_fails(void **state)
{
	struct scene *scene = *state;

	play(scene, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = -1 EINVAL\n");
	assert_int_equal(scene->verdict.outcome, DRILL_FAILED);
	assert_int_equal(scene->verdict.pos.line, 2);
}

static void a_call_that_the_side_does_not_have_is_unsupported(void **state)
{
	struct scene *scene = *state;

	play(scene, "0 pipe([3, 4]) = 0\n");
	assert_ends(scene, DRILL_UNSUPPORTED, 1, "no pipe() here");
}

static void a_broken_side_ends_the_run_with_its_own_words(void **state)
{
	struct scene *scene = *state;

	scene->fault = "invariant broken";
	play(scene, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n");
	assert_ends(scene, DRILL_FAILED, 1, "fake: invariant broken");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_open, scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_relative_time_counts_from_the_end_of_the_event_before),
		TEST(a_packet_in_behind_a_packet_in_counts_from_when_that_was_due),
		TEST(a_tolerance_is_fixed_or_a_share_of_the_interval_whichever_is_more),
		TEST(a_time_is_met_within_the_tolerance_on_both_sides),
		TEST(a_packet_that_comes_too_late_fails_its_line),
		TEST(a_wildcard_time_takes_a_packet_whenever_it_comes),
		TEST(the_option_tolerance_usecs_holds),
		TEST(a_script_begins_at_time_0_and_does_not_go_back),
		TEST(packets_in_have_wire_numbers_ports_and_right_checksums),
		TEST(an_echo_is_what_was_really_sent),
		TEST(an_echo_of_what_was_never_sent_is_refused_unless_scaled),
		TEST(a_connection_out_is_known_by_its_syn),
		TEST(a_syn_sent_again_belongs_to_the_connection_before),
		TEST(accept_may_give_a_number_that_is_still_open),
		TEST(time_0_is_the_sides_choice),
		TEST(each_connection_in_comes_from_a_port_of_its_own),
		TEST(ports_in_the_line_are_those_of_the_packet),
		TEST(an_icmp_error_quotes_a_segment_of_the_flow),
		TEST(over_ipv6_too),
		TEST(each_field_that_differs_is_named_and_shown),
		TEST(a_window_that_the_line_does_not_name_is_not_looked_at),
		TEST(options_are_compared_in_order_but_for_time_stamps),
		TEST(blocks_of_sack_count_as_acknowledgments_do),
		TEST(an_option_without_a_name_is_told_by_its_kind),
		TEST(time_stamps_are_looked_at_when_the_script_says_how_long_a_tick_is),
		TEST(nothing_that_comes_is_shown_as_such),
		TEST(packets_of_other_connections_pass_unseen_but_are_recorded),
		TEST(a_line_may_be_several_packets_unless_segments_are_strict),
		TEST(pieces_continue_each_other_and_only_the_last_is_short),
		TEST(a_blocking_call_returns_while_other_lines_are_played),
		TEST(a_blocking_call_that_returns_too_late_or_never_fails),
		TEST(a_call_that_does_not_give_what_is_written_fails),
		TEST(a_call_that_the_side_does_not_have_is_unsupported),
		TEST(a_broken_side_ends_the_run_with_its_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
