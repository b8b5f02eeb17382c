// SPDX-License-Identifier: MIT
/*
 * drill/compare.c: whatever stands in the list of what is compared is found, and nothing else is
 *
 * A sketch is one run in few words: a handshake, some data, a call that waits, a socket's state, a counter. Two
 * sketches that differ in one word must give one difference, and it must have the name of the list's row; two that
 * differ only in what the list leaves out must give none.
 */
#include "drill_env.h"

#include "drill/compare.h"
#include "lab/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MS 1000000

static const char script_text[] = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
				  "+0 < S 0:0(0) win 1000 <mss 1000>\n"
				  "+0 > S. 0:0(0) ack 1 <...>\n"
				  "+0 < . 1:1(0) ack 1 win 1000\n"
				  "+0 accept(3, ..., ...) = 4\n"
				  "+0 > P. 1:1001(1000) ack 1\n"
				  "+0...1 read(4, ..., 10) = 10\n"
				  "+0 < icmp echo_request id 3\n";

enum { SOCKET, SAID_SYN, SYN_ACK, SAID_ACK, ACCEPT, DATA, READ, ECHO_REQUEST, EVENTS };

/**
 * struct sketch - a run
 * @data_port: the data's own, where it is not of the usual connection
 * @sizes:   of the segments in which the data comes
 * @df, @id: of the IP header of the data
 * @waits:   the read has begun before it ended
 * @unseen:  nobody has asked how the socket stands, @seen_early: also just before the read returns
 * @late_ns: the data leaves so much later
 */
struct sketch {
	bool v6;
	uint32_t isn;
	uint16_t port, data_port, syn_window;
	uint8_t syn_options[4];
	struct lab_segment data;
	uint8_t options[16];
	uint16_t sizes[4];
	uint8_t tos, hop_limit;
	bool ae, df, damaged, missing;
	uint16_t id;
	uint32_t flow_label;
	uint8_t icmp_code;
	int64_t accepted, result, late_ns, late_read_ns;
	const char *out;
	bool waits, unseen, seen_early;
	int state;
	uint32_t bits;
	int64_t recv_q, send_q;
	uint64_t delayed, compressed;
};

static const struct sketch usual = {
	.isn = 5000,
	.port = 8080,
	.syn_window = 64240,
	.syn_options = {2, 4, 5, 180},
	.data = {.flags = LAB_ACK | LAB_PSH, .seq = 1, .ack = 1, .window = 500},
	.sizes = {1000},
	.accepted = 4,
	.result = 10,
	.out = "",
	.waits = true,
	.state = 1,
	.bits = POLLOUT,
	.send_q = 1000,
};

static struct drill_script *script;

static const struct drill_event *event(unsigned number)
{
	const struct drill_event *found = script->events;

	while (found->number != number)
		found = found->next;
	return found;
}

/* ---------------------------------------------------------------- a sketch becomes a record */

static void add_frame(struct drill_record *record, const struct sketch *sketch, unsigned number, bool out,
		      int64_t at_ns, struct lab_segment seg)
{
	static const uint8_t side[16] = {[10] = 0xff, 0xff, 192, 168, 0, 1},
			     peer[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	uint16_t port = seg.sport ? seg.sport : sketch->port;
	static const uint8_t zeroes[4000];
	struct lab_frame *frame;

	seg.family = sketch->v6 ? AF_INET6 : AF_INET;
	seg.protocol = 6;
	seg.payload = zeroes;
	memcpy(out ? seg.saddr : seg.daddr, side, 16);
	memcpy(out ? seg.daddr : seg.saddr, peer, 16);
	seg.sport = out ? port : 40000;
	seg.dport = out ? 40000 : port;
	frame = lab_segment_write(&seg);
	drill_record_frame(record, out ? DRILL_HEARD : DRILL_SAID, event(number), at_ns, frame->bytes, frame->len);
	lab_frame_put(frame);
}

/* A frame once made gets what the lab's writer has no words for; its checksums become right again. */
static void touch(struct drill_record *record, const struct sketch *sketch)
{
	struct drill_entry *entry = record->first;
	uint8_t *p;
	uint16_t sum;

	while (entry->next)
		entry = entry->next;
	p = entry->frame;
	if (sketch->v6) {
		p[3] = (uint8_t)sketch->flow_label;
		return;
	}
	p[1] = sketch->tos;
	p[4] = (uint8_t)(sketch->id >> 8);
	p[5] = (uint8_t)sketch->id;
	p[6] = sketch->df ? 0x40 : 0;
	p[8] = sketch->hop_limit ? sketch->hop_limit : 64;
	p[10] = p[11] = 0;
	sum = (uint16_t)~lab_checksum(0, p, 20);
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	if (sketch->ae) { /* one bit more in one place, one less in the checksum: the same sum */
		p[32] |= 1;
		sum = (uint16_t)(p[36] << 8 | p[37]);
		sum = (uint16_t)(sum < 0x100 ? sum - 0x100 - 1 : sum - 0x100);
		p[36] = (uint8_t)(sum >> 8);
		p[37] = (uint8_t)sum;
	}
	if (sketch->damaged)
		p[37] ^= 1;
}

static void add_data(struct drill_record *record, const struct sketch *sketch)
{
	struct lab_segment seg = sketch->data;

	seg.seq += sketch->isn;
	seg.ack += 100;
	seg.sport = sketch->data_port;
	seg.options = sketch->options;
	for (unsigned i = 0; sketch->sizes[i]; i++) {
		seg.flags = sketch->sizes[i + 1] ? sketch->data.flags & ~LAB_PSH : sketch->data.flags;
		seg.payload_len = sketch->sizes[i];
		add_frame(record, sketch, DATA, true, 30 * MS + sketch->late_ns, seg);
		touch(record, sketch);
		seg.seq += sketch->sizes[i];
	}
}

static void add_handshake(struct drill_record *record, const struct sketch *sketch)
{
	add_frame(record, sketch, SAID_SYN, false, 10 * MS, (struct lab_segment){.flags = LAB_SYN, .seq = 100});
	add_frame(record, sketch, SYN_ACK, true, 10 * MS,
		  (struct lab_segment){.flags = LAB_SYN | LAB_ACK,
				       .seq = sketch->isn,
				       .ack = 101,
				       .window = sketch->syn_window,
				       .options = sketch->syn_options,
				       .options_len = 4});
	add_frame(record, sketch, SAID_ACK, false, 20 * MS,
		  (struct lab_segment){.flags = LAB_ACK, .seq = 101, .ack = sketch->isn + 1});
}

static struct drill_entry *add_call(struct drill_record *record, enum drill_entry_kind kind, unsigned number,
				    enum drill_sysno no, int64_t at_ns, int64_t result)
{
	struct drill_entry *entry = drill_record_add(record, kind, event(number), at_ns);

	entry->no = no;
	entry->fd = number == READ ? 4 : 3;
	entry->result = result;
	return entry;
}

static void add_stood(struct drill_record *record, const struct sketch *sketch, unsigned number, int64_t at_ns)
{
	struct drill_entry *entry = drill_record_add(record, DRILL_STOOD, event(number), at_ns);

	entry->stood_fd = 4;
	entry->state = sketch->state;
	entry->bits = sketch->bits;
	entry->recv_q = sketch->recv_q;
	entry->send_q = sketch->send_q;
}

static void add_rest(struct drill_record *record, const struct sketch *sketch)
{
	const struct drill_entry *said = record->first;
	struct drill_entry *entry;
	struct lab_frame *frame;

	while (said->kind != DRILL_SAID)
		said = said->next;
	if (sketch->waits)
		add_call(record, DRILL_BEGAN, READ, DRILL_SYS_READ, 40 * MS, 0);
	if (sketch->seen_early)
		add_stood(record, sketch, DATA, 899 * MS);
	entry = add_call(record, DRILL_ENDED, READ, DRILL_SYS_READ, 900 * MS + sketch->late_read_ns, sketch->result);
	drill_record_out(entry, sketch->out);
	if (!sketch->unseen)
		add_stood(record, sketch, READ, 900 * MS);
	frame = lab_icmp_error(said->frame, said->len, 3, sketch->icmp_code, 0);
	drill_record_frame(record, DRILL_HEARD, event(ECHO_REQUEST), 950 * MS, frame->bytes, frame->len);
	lab_frame_put(frame);
}

static const struct sketch *counted;

static void say_counters(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)side;
	each(arg, "TcpExtDelayedACKs", counted->delayed);
	each(arg, "TcpExtTCPRcvCoalesce", counted->compressed);
}

static void add_counters(struct drill_record *record, const struct sketch *sketch)
{
	static const struct drill_backend ops = {.counters = say_counters};
	struct drill_side side = {&ops};

	counted = &usual;
	drill_record_counters(record, &side);
	counted = sketch;
	drill_record_counters(record, &side);
}

static struct drill_record *drawn(const struct sketch *sketch)
{
	struct drill_record *record = drill_record_new();

	add_call(record, DRILL_ENDED, SOCKET, DRILL_SYS_SOCKET, 0, 3);
	add_handshake(record, sketch);
	add_call(record, DRILL_ENDED, ACCEPT, DRILL_SYS_ACCEPT, 20 * MS, sketch->accepted);
	if (!sketch->missing)
		add_data(record, sketch);
	add_rest(record, sketch);
	add_counters(record, sketch);
	return record;
}

/* ---------------------------------------------------------------- changes */

static void set_options(struct sketch *sketch, const uint8_t *bytes, size_t len)
{
	memcpy(sketch->options, bytes, len);
	sketch->data.options_len = (uint32_t)len;
}

static void set_sack(struct sketch *sketch, uint32_t start)
{
	uint8_t bytes[] = {1, 1, 5, 10, 0, 0, (uint8_t)(start >> 8), (uint8_t)start, 0, 0, 0x10, 0};

	set_options(sketch, bytes, sizeof(bytes));
}

static void set_stamps(struct sketch *sketch, uint8_t val, uint8_t ecr)
{
	uint8_t bytes[] = {1, 1, 8, 10, 0, 0, 0, val, 0, 0, 0, ecr};

	set_options(sketch, bytes, sizeof(bytes));
}

#define CHANGE(name, ...) \
	static void name(struct sketch *a, struct sketch *b) \
	{ \
		(void)a, (void)b; \
		__VA_ARGS__; \
	}

CHANGE(change_segment, b->missing = true)
CHANGE(change_connection, b->data_port = 8081)
CHANGE(change_flags, b->ae = true)
CHANGE(change_push, b->data.flags = LAB_ACK)
CHANGE(change_sequence, b->data.seq = 2)
CHANGE(change_length, b->sizes[0] = 999)
CHANGE(change_acknowledged, b->data.ack = 2)
CHANGE(change_window, b->data.window = 0)
CHANGE(change_urgent, a->data.flags |= LAB_URG, a->data.urgent = 1, b->data.flags |= LAB_URG, b->data.urgent = 2)
CHANGE(change_syn_options, b->syn_options[3] = 181)
CHANGE(change_options, set_stamps(b, 1, 2))
CHANGE(change_sack, set_sack(a, 200), set_sack(b, 201))
CHANGE(change_echo, set_stamps(a, 1, 2), set_stamps(b, 1, 3))
CHANGE(change_tos, b->tos = 2)
CHANGE(change_hop_limit, b->hop_limit = 63)
CHANGE(change_checksum, b->damaged = true)
CHANGE(change_icmp, b->icmp_code = 1)
CHANGE(change_time, a->late_ns = 100 * MS, b->late_ns = 200 * MS)
CHANGE(change_result, b->result = -EAGAIN)
CHANGE(change_output, b->out = "[1]")
CHANGE(change_waiting, b->waits = false)
CHANGE(change_state, b->state = 8)
CHANGE(change_bits, b->bits = POLLIN)
CHANGE(change_recv_q, b->recv_q = 1)
CHANGE(change_send_q, b->send_q = -EINVAL)
CHANGE(change_counter, b->delayed = 1)

/* clang-format off */
static void (*const changes[DRILL_ASPECTS])(struct sketch *a, struct sketch *b) = {
	[DRILL_SEGMENT] = change_segment, [DRILL_CONNECTION] = change_connection, [DRILL_FLAGS] = change_flags,
	[DRILL_PUSH] = change_push, [DRILL_SEQUENCE] = change_sequence, [DRILL_LENGTH] = change_length,
	[DRILL_ACKNOWLEDGED] = change_acknowledged, [DRILL_WINDOW] = change_window, [DRILL_URGENT] = change_urgent,
	[DRILL_SYN_OPTIONS] = change_syn_options, [DRILL_OPTIONS] = change_options, [DRILL_SACK_BLOCKS] = change_sack,
	[DRILL_TS_ECHO] = change_echo, [DRILL_TRAFFIC_CLASS] = change_tos, [DRILL_HOP_LIMIT] = change_hop_limit,
	[DRILL_CHECKSUM] = change_checksum, [DRILL_ICMP_MESSAGE] = change_icmp, [DRILL_TIME] = change_time,
	[DRILL_RESULT] = change_result, [DRILL_OUTPUT] = change_output, [DRILL_WAITING] = change_waiting,
	[DRILL_STATE] = change_state, [DRILL_POLL_BITS] = change_bits, [DRILL_RECV_QUEUE] = change_recv_q,
	[DRILL_SEND_QUEUE] = change_send_q, [DRILL_COUNTER] = change_counter,
};
/* clang-format on */

CHANGE(other_isn, b->isn = 4294967000u)
CHANGE(other_port, b->port = 50000)
CHANGE(other_stamp, set_stamps(a, 1, 2), set_stamps(b, 9, 2))
CHANGE(other_window, b->data.window = 501)
CHANGE(other_units, memcpy(a->sizes, ((uint16_t[]){1000, 500, 1000, 0}), 8),
       memcpy(b->sizes, ((uint16_t[]){1000, 1000, 500, 0}), 8))
CHANGE(other_label, a->v6 = true, b->v6 = true, b->flow_label = 5)
CHANGE(other_id, b->id = 7, b->df = true)
CHANGE(other_moment, a->seen_early = b->seen_early = true, a->unseen = b->unseen = true, b->bits = POLLIN)
CHANGE(other_descriptor, b->accepted = 9)

/* By the names of the list. */
static const struct {
	const char *name;
	void (*make)(struct sketch *a, struct sketch *b);
} leftovers[] = {
	{"initial number", other_isn},	{"local port", other_port},	  {"timestamp value", other_stamp},
	{"window value", other_window}, {"unit boundaries", other_units}, {"IP id, DF", other_id},
	{"flow label", other_label},	{"waking socket", other_moment},  {"descriptors", other_descriptor},
};

/* ---------------------------------------------------------------- tests */

static struct drill_diff *diff_of(void (*make)(struct sketch *a, struct sketch *b))
{
	struct sketch a = usual, b = usual;
	struct drill_record *linux_record, *lastack_record;
	struct drill_diff *diff;

	if (make)
		make(&a, &b);
	linux_record = drawn(&a);
	lastack_record = drawn(&b);
	diff = drill_compare(linux_record, lastack_record);
	drill_record_free(linux_record);
	drill_record_free(lastack_record);
	return diff;
}

static void two_runs_that_are_alike_have_no_difference(void **state)
{
	(void)state;
	assert_null(diff_of(NULL));
}

static void each_row_of_the_list_is_found_alone_and_by_its_name(void **state)
{
	(void)state;
	for (int aspect = 0; aspect < DRILL_ASPECTS; aspect++) {
		const char *name = drill_compared[aspect].name;
		struct drill_diff *diff;

		assert_non_null(name);
		assert_non_null(changes[aspect]);
		diff = diff_of(changes[aspect]);
		if (!diff)
			fail_msg("%s: the difference is not found", name);
		if (strncmp(diff->what, name, strlen(name)) || diff->next)
			fail_msg("%s: found is %s%s%s", name, diff->what, diff->next ? " and " : "",
				 diff->next ? diff->next->what : "");
		drill_diff_free(diff);
	}
}

static void what_the_list_leaves_out_is_no_difference(void **state)
{
	size_t n = sizeof(leftovers) / sizeof(leftovers[0]), rows = 0;

	(void)state;
	for (; drill_not_compared[rows].name; rows++) {
		const char *name = drill_not_compared[rows].name;
		struct drill_diff *diff;

		assert_true(rows < n);
		assert_string_equal(leftovers[rows].name, name);
		diff = diff_of(leftovers[rows].make);
		if (diff)
			fail_msg("%s: found is %s, %s | %s", name, diff->what, diff->linux_side, diff->lastack_side);
	}
	assert_int_equal(rows, n);
}

CHANGE(missing_with_more, b->missing = true, b->state = 8, b->delayed = 1)

static void a_missing_segment_leaves_the_others_in_their_places(void **state)
{
	struct drill_diff *diff = diff_of(missing_with_more), *at = diff;

	(void)state;
	assert_string_equal(at->what, "segment");
	assert_int_equal(at->pos.line, 6);
	assert_string_equal(at->linux_side, "> P. 1:1001(1000) ack 1 win 500");
	assert_string_equal(at->lastack_side, "-");
	at = at->next;
	assert_string_equal(at->what, "state");
	assert_int_equal(at->pos.line, 7);
	assert_string_equal(at->linux_side, "fd 4: ESTABLISHED");
	assert_string_equal(at->lastack_side, "fd 4: CLOSE_WAIT");
	at = at->next;
	assert_string_equal(at->what, "counter TcpExtDelayedACKs");
	assert_int_equal(at->pos.line, 0);
	assert_string_equal(at->linux_side, "+0");
	assert_string_equal(at->lastack_side, "+1");
	assert_null(at->next);
	drill_diff_free(diff);
}

CHANGE(closing_descriptor, b->bits = POLLNVAL, b->state = 0, a->unseen = true)
CHANGE(closed_descriptor, b->bits = POLLNVAL, b->state = 0)

static void a_descriptor_that_is_gone_counts_as_not_there(void **state)
{
	struct drill_diff *diff = diff_of(closed_descriptor);

	(void)state;
	assert_null(diff_of(closing_descriptor));
	assert_string_equal(diff->what, "state");
	assert_string_equal(diff->linux_side, "fd 4 is open");
	assert_string_equal(diff->lastack_side, "-");
	assert_null(diff->next);
	drill_diff_free(diff);
}

CHANGE(timer_an_eighth_later, a->late_read_ns = 860 * MS / 8 + 23 * MS)
CHANGE(timer_more_than_an_eighth_later, a->late_read_ns = 880 * MS / 8 + 25 * MS)
CHANGE(timer_a_tick_earlier, b->late_read_ns = 23 * MS)
CHANGE(timer_much_earlier, b->late_read_ns = 25 * MS)

static void a_timer_of_the_kernel_may_be_later_by_its_share_and_hardly_earlier(void **state)
{
	struct drill_diff *diff;

	(void)state;
	assert_null(diff_of(timer_an_eighth_later));
	assert_null(diff_of(timer_a_tick_earlier));
	diff = diff_of(timer_more_than_an_eighth_later);
	assert_string_equal(diff->what, "time");
	assert_null(diff->next);
	drill_diff_free(diff);
	diff = diff_of(timer_much_earlier);
	assert_string_equal(diff->what, "time");
	drill_diff_free(diff);
}

CHANGE(excluded_counter, b->compressed = 5)

static void each_counter_stands_in_one_list_only(void **state)
{
	(void)state;
	assert_null(diff_of(excluded_counter));
	assert_true(drill_counter_excluded("Ip6InReceives"));
	assert_false(drill_counter_excluded("TcpExtTCPRcv"));
	for (const char *const *name = drill_counters_compared; *name; name++) {
		if (drill_counter_excluded(*name))
			fail_msg("%s stands in both lists", *name);
		for (const char *const *other = name + 1; *other; other++)
			assert_string_not_equal(*name, *other);
	}
	for (const struct drill_row *row = drill_counters_not_compared; row->name; row++)
		assert_true(row->text && *row->text);
}

/* A run that failed half-way is compared as far as it went: its counters and what came later are not. */
static void a_run_that_ended_early_is_compared_as_far_as_it_went(void **state)
{
	struct sketch other = usual;
	struct drill_record *whole, *part = drill_record_new();

	(void)state;
	other.delayed = 3;
	whole = drawn(&other);
	add_call(part, DRILL_ENDED, SOCKET, DRILL_SYS_SOCKET, 0, 3);
	add_handshake(part, &usual);
	assert_null(drill_compare(whole, part));
	assert_null(drill_compare(part, whole));
	drill_record_free(whole);
	drill_record_free(part);
}

static int parse_script(void **state)
{
	(void)state;
	script = parsed(script_text);
	assert_int_equal(script->n_events, EVENTS);
	return 0;
}

static int free_script(void **state)
{
	(void)state;
	drill_script_free(script);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_runs_that_are_alike_have_no_difference),
		cmocka_unit_test(each_row_of_the_list_is_found_alone_and_by_its_name),
		cmocka_unit_test(what_the_list_leaves_out_is_no_difference),
		cmocka_unit_test(a_missing_segment_leaves_the_others_in_their_places),
		cmocka_unit_test(a_descriptor_that_is_gone_counts_as_not_there),
		cmocka_unit_test(a_timer_of_the_kernel_may_be_later_by_its_share_and_hardly_earlier),
		cmocka_unit_test(each_counter_stands_in_one_list_only),
		cmocka_unit_test(a_run_that_ended_early_is_compared_as_far_as_it_went),
	};

	return cmocka_run_group_tests_name("drill/compare", tests, parse_script, free_script);
}
