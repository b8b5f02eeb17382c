// SPDX-License-Identifier: MIT
/*
 * drill/record.c and drill/tell.c: what is written down stays as it was, and reads like a script
 */
#include "drill_env.h"

#include "drill/record.h"
#include "drill/tell.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct drill_entry *add_segment(struct drill_record *record, bool out, const char *text)
{
	struct lab_segment seg = {.family = AF_INET, .protocol = 6};
	struct drill_entry *entry;
	struct lab_frame *frame;
	uint8_t options[40];

	assert_true(lab_segment_parse(&seg, options, text));
	seg.seq += out ? 5000 : 100;
	seg.ack += seg.flags & LAB_ACK ? out ? 100 : 5000 : 0;
	seg.saddr[10] = seg.saddr[11] = seg.daddr[10] = seg.daddr[11] = 0xff;
	seg.saddr[15] = out ? 1 : 2;
	seg.daddr[15] = out ? 2 : 1;
	seg.sport = out ? 8080 : 40000;
	seg.dport = out ? 40000 : 8080;
	seg.payload = (const uint8_t *)"0123456789";
	frame = lab_segment_write(&seg);
	entry = drill_record_frame(record, out ? DRILL_HEARD : DRILL_SAID, NULL, 7, frame->bytes, frame->len);
	assert_int_equal(entry->len, frame->len);
	assert_ptr_not_equal(entry->frame, frame->bytes);
	assert_memory_equal(entry->frame, frame->bytes, frame->len);
	lab_frame_put(frame);
	return entry;
}

static void entries_stay_in_the_order_in_which_they_came(void **state)
{
	struct drill_record *record = drill_record_new();
	int64_t times[] = {5, 3, 9};
	const struct drill_entry *entry;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		drill_record_add(record, DRILL_ENDED, NULL, times[i]);
	for (entry = record->first; entry; entry = entry->next)
		assert_int_equal(entry->at_ns, times[n++]);
	assert_int_equal(n, 3);
	assert_int_equal(record->count, 3);
	drill_record_free(record);
}

static void what_a_call_wrote_is_copied_and_may_be_replaced(void **state)
{
	struct drill_record *record = drill_record_new();
	struct drill_entry *entry = drill_record_add(record, DRILL_ENDED, NULL, 0);
	char text[] = "[1]";

	(void)state;
	assert_string_equal(entry->out, "");
	drill_record_out(entry, "something else");
	drill_record_out(entry, text);
	text[1] = '2';
	assert_string_equal(entry->out, "[1]");
	drill_record_free(record);
}

/* ---------------------------------------------------------------- counters */

static uint64_t value;
static bool turned;

static void say_counters(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)side;
	each(arg, turned ? "TcpInSegs" : "TcpOutSegs", turned ? 3 : value);
	each(arg, turned ? "TcpOutSegs" : "TcpInSegs", turned ? value : 3);
}

static void counters_are_found_by_name_whatever_their_order(void **state)
{
	static const struct drill_backend ops = {.counters = say_counters};
	struct drill_record *record = drill_record_new();
	struct drill_side side = {&ops};
	int64_t by = 7;

	(void)state;
	assert_false(drill_record_moved(record, "TcpInSegs", &by));
	value = 10;
	drill_record_counters(record, &side);
	value = 8; /* a gauge may fall */
	turned = true;
	drill_record_counters(record, &side);
	assert_int_equal(record->n_counters, 2);
	assert_string_equal(record->counters[0].name, "TcpInSegs");
	assert_true(drill_record_moved(record, "TcpOutSegs", &by));
	assert_int_equal(by, -2);
	assert_true(drill_record_moved(record, "TcpInSegs", &by));
	assert_int_equal(by, 0);
	assert_false(drill_record_moved(record, "TcpIn", &by));
	drill_record_free(record);
}

/* ---------------------------------------------------------------- as text */

static void assert_told(struct drill_teller *teller, const struct drill_entry *entry, const char *expected)
{
	char text[DRILL_TELL_MAX];

	assert_string_equal(drill_tell(teller, entry, text, sizeof(text)), expected);
}

static void packets_read_like_a_script_with_relative_numbers(void **state)
{
	struct drill_record *record = drill_record_new();
	struct drill_teller teller = {0};

	(void)state;
	assert_told(&teller, add_segment(record, false, "S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>"),
		    "< S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>");
	assert_told(&teller, add_segment(record, true, "S. 0:0(0) ack 1 win 500 <mss 1460,nop,wscale 7>"),
		    "> S. 0:0(0) ack 1 win 500 <mss 1460,nop,wscale 7>");
	assert_told(&teller, add_segment(record, true, "P. 1:11(10) ack 1 win 500"), "> P. 1:11(10) ack 1 win 500");
	record->first->frame[1] = 3;
	assert_told(&teller, record->first, "< [ce] S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop> bad checksum");
	drill_teller_end(&teller);
	drill_record_free(record);
}

static void calls_are_told_with_what_really_came(void **state)
{
	struct drill_script *script = parsed("0...1 read(4, ..., 10) = 10\n");
	struct drill_record *record = drill_record_new();
	struct drill_entry *entry = drill_record_add(record, DRILL_BEGAN, script->events, 0);
	struct drill_teller teller = {0};

	(void)state;
	assert_told(&teller, entry, "read(4, ..., 10) waits");
	entry = drill_record_add(record, DRILL_ENDED, script->events, 0);
	entry->result = 10;
	assert_told(&teller, entry, "read(4, ..., 10) = 10");
	entry->result = -ECONNRESET;
	drill_record_out(entry, "flags 0");
	assert_told(&teller, entry, "read(4, ..., 10) = -1 ECONNRESET, flags 0");
	entry->result = -4000;
	assert_told(&teller, entry, "read(4, ..., 10) = -1 errno 4000, flags 0");
	drill_record_free(record);
	drill_script_free(script);
}

static void a_socket_stands_in_one_line(void **state)
{
	struct drill_record *record = drill_record_new();
	struct drill_entry *entry = drill_record_add(record, DRILL_STOOD, NULL, 0);
	struct drill_teller teller = {0};

	(void)state;
	entry->stood_fd = 4;
	entry->state = 8;
	entry->bits = POLLIN | POLLRDHUP;
	entry->recv_q = 10;
	entry->send_q = -EINVAL;
	assert_told(&teller, entry, "fd 4: CLOSE_WAIT, POLLIN|POLLRDHUP, 10 to read");
	drill_record_free(record);
}

static void a_text_too_long_is_cut(void **state)
{
	struct drill_record *record = drill_record_new();
	struct drill_entry *entry = add_segment(record, false, "S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>");
	struct drill_teller teller = {0};
	char text[12];

	(void)state;
	assert_string_equal(drill_tell(&teller, entry, text, sizeof(text)), "< S 0:0(0) ");
	drill_teller_end(&teller);
	drill_record_free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_stay_in_the_order_in_which_they_came),
		cmocka_unit_test(what_a_call_wrote_is_copied_and_may_be_replaced),
		cmocka_unit_test(counters_are_found_by_name_whatever_their_order),
		cmocka_unit_test(packets_read_like_a_script_with_relative_numbers),
		cmocka_unit_test(calls_are_told_with_what_really_came),
		cmocka_unit_test(a_socket_stands_in_one_line),
		cmocka_unit_test(a_text_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("drill/record", tests, NULL, NULL);
}
