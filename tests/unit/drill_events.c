// SPDX-License-Identifier: MIT
/* drill/parse.c, drill/lex.c: times, kinds of events, options, commands, comments, symbols */
#include "drill_env.h"

#define MS 1000000LL

static void times_are_absolute_relative_ranged_or_any(void **state)
{
	static const struct drill_time expected[] = {
		{DRILL_AT, 0, 0},
		{DRILL_AT, 1500 * MS, 1500 * MS},
		{DRILL_AFTER, 10 * MS, 10 * MS},
		{DRILL_AT_RANGE, 2000 * MS, 2100 * MS},
		{DRILL_AFTER_RANGE, 300 * MS, 310 * MS},
		{DRILL_ANY_TIME, 0, 0},
	};
	struct drill_script *script = parsed("0 > . 1:1(0)\n1.5 > . 1:1(0)\n+.01 > . 1:1(0)\n2~2.1 > . 1:1(0)\n"
					     "+.3~+.310 > . 1:1(0)\n* > . 1:1(0)\n");
	const struct drill_event *event = script->events;

	(void)state;
	assert_int_equal(script->n_events, 6);
	for (unsigned i = 0; i < 6; i++, event = event->next) {
		assert_int_equal(event->number, i);
		assert_int_equal(event->pos.line, i + 1);
		assert_int_equal(event->pos.column, 1);
		assert_int_equal(event->time.kind, expected[i].kind);
		assert_int_equal(event->time.ns, expected[i].ns);
		assert_int_equal(event->time.end_ns, expected[i].end_ns);
	}
	assert_null(event);
	drill_script_free(script);
}

static void a_time_is_exact_to_the_nanosecond_and_finer_digits_are_cut_off(void **state)
{
	struct drill_script *script = parsed("0.29 `a`\n+12.0000000019 `b`\n999999999 `c`\n");

	(void)state;
	assert_int_equal(script->events->time.ns, 290 * MS);
	assert_int_equal(script->events->next->time.ns, 12000 * MS + 1);
	assert_int_equal(script->events->next->next->time.ns, 999999999000 * MS);
	drill_script_free(script);
}

static void a_blocking_call_has_an_end(void **state)
{
	struct drill_script *script = parsed("0...0.2 read(3, ..., 10) = 10\n+.1 read(3, ..., 10) = 10\n");
	const struct drill_call *first = &script->events->call;
	const struct drill_call *second = &script->events->next->call;

	(void)state;
	assert_true(first->blocks);
	assert_int_equal(first->end_ns, 200 * MS);
	assert_false(second->blocks);
	assert_int_equal(second->end_ns, 100 * MS);
	drill_script_free(script);
	assert_comes_back("+0.1...30 accept(3, ..., ...) = 4\n");
	assert_prints("+.1 ... .3 accept(3, ..., ...) = 4\n", "+0.1...0.3 accept(3, ..., ...) = 4\n");
}

static void a_call_has_arguments_a_result_an_errno_and_a_note(void **state)
{
	struct drill_script *script = parsed("+0 read(4, ..., 10) = -1 ECONNRESET(Connection reset by peer)\n"
					     "+0 fork() = 0x2 (flags O_RDWR)\n"
					     "+0 close(3) = -1 EBADF\n");
	const struct drill_event *event = script->events;

	(void)state;
	assert_string_equal(event->call.name, "read");
	assert_int_equal(event->call.n_args, 3);
	assert_int_equal(event->call.args->value, 4);
	assert_int_equal(event->call.args->next->kind, DRILL_ELLIPSIS);
	assert_int_equal(event->call.result->value, -1);
	assert_int_equal(event->call.err, 104);
	assert_string_equal(event->call.err_name, "ECONNRESET");
	assert_string_equal(event->call.note, "Connection reset by peer");
	event = event->next;
	assert_int_equal(event->call.n_args, 0);
	assert_null(event->call.args);
	assert_int_equal(event->call.result->value, 2);
	assert_int_equal(event->call.err, 0);
	assert_string_equal(event->call.note, "flags O_RDWR");
	event = event->next;
	assert_int_equal(event->call.err, 9);
	assert_null(event->call.note);
	drill_script_free(script);
}

static void code_loses_its_outer_blanks_only(void **state)
{
	struct drill_script *script = parsed("0 %{  assert tcpi_state == 1, {}  \t}%\n+0 %{\nx = '}'\n }%\n+0 %{}%\n");

	(void)state;
	assert_int_equal(script->events->kind, DRILL_CODE);
	assert_string_equal(script->events->text, "assert tcpi_state == 1, {}");
	assert_string_equal(script->events->next->text, "\nx = '}'\n");
	assert_int_equal(script->events->next->next->pos.line, 5);
	assert_string_equal(script->events->next->next->text, "");
	drill_script_free(script);
}

static void commands_stand_before_behind_and_among_the_events(void **state)
{
	struct drill_script *script = parsed("`sh a.sh\n b.sh x=1`\n0 `sleep 1`\n`rm \\`x\\``\n");

	(void)state;
	assert_string_equal(script->init->value, "sh a.sh\n b.sh x=1");
	assert_int_equal(script->n_events, 1);
	assert_int_equal(script->events->kind, DRILL_COMMAND);
	assert_string_equal(script->events->text, "sleep 1");
	assert_int_equal(script->events->pos.line, 3);
	assert_string_equal(script->cleanup->value, "rm \\`x\\`");
	assert_int_equal(script->cleanup->pos.line, 4);
	drill_script_free(script);
}

static void options_come_first_and_the_last_of_a_name_counts(void **state)
{
	struct drill_script *script = parsed("--mss=1000 // why\n--strict_segments\n  --local_ip=fd::1\n--mss=1200\n"
					     "--so_flags=\"a b\"\n0 `x`\n");

	(void)state;
	assert_string_equal(drill_find_note(script->options, "mss")->value, "1200");
	assert_string_equal(drill_find_note(script->options, "local_ip")->value, "fd::1");
	assert_string_equal(drill_find_note(script->options, "so_flags")->value, "\"a b\"");
	assert_null(drill_find_note(script->options, "strict_segments")->value);
	assert_int_equal(drill_find_note(script->options, "strict_segments")->pos.line, 2);
	assert_null(drill_find_note(script->options, "mtu"));
	drill_script_free(script);
}

static void comments_are_blanks_but_for_the_sysctls_they_need(void **state)
{
	struct drill_script *script = parsed("// needs-sysctl: net.ipv4.tcp_rmem=4096 131072 6291456 \r\n"
					     "// it needs-sysctl: a=b is only a mention\n"
					     "/* one * two /\n three */ 0 /**/ `x` // end\n"
					     "+1 `y` //needs-sysctl: a=1");

	(void)state;
	assert_string_equal(script->needs->name, "net.ipv4.tcp_rmem");
	assert_string_equal(script->needs->value, "4096 131072 6291456");
	assert_string_equal(script->needs->next->name, "a");
	assert_string_equal(script->needs->next->value, "1");
	assert_null(script->needs->next->next);
	assert_int_equal(script->n_events, 2);
	assert_int_equal(script->events->pos.line, 4);
	assert_int_equal(script->events->pos.column, 11);
	drill_script_free(script);
}

static void a_symbol_stands_for_a_word_a_number_a_string_or_a_command(void **state)
{
	static const struct drill_define defines[] = {
		{"LEVEL", "SOL_IP"}, {"MSS", "1460"}, {"NAME", "\"reno\""}, {"RUN", "`true`"}, {"HEX", "0x10"}};
	struct drill_script *script =
		parsed_with("0 f(LEVEL, HEX, NAME) = 0\n+0 > S 0:0(0) <mss MSS>\n+0 RUN\n", defines, 5);
	const struct drill_expr *arg = script->events->call.args;

	(void)state;
	assert_int_equal(arg->kind, DRILL_WORD);
	assert_string_equal(arg->text, "SOL_IP");
	assert_int_equal(arg->next->value, 16);
	assert_true(arg->next->hex);
	assert_string_equal(arg->next->next->text, "reno");
	assert_int_equal(script->events->next->packet.tcp.options->mss, 1460);
	assert_string_equal(script->events->next->next->text, "true");
	drill_script_free(script);
}

static void a_symbol_of_the_command_line_wins_over_the_script(void **state)
{
	static const struct drill_define defines[] = {{"A", "1"}};
	struct drill_script *script = parsed_with("--define=A=2\n--define=B=3\n0 f(A, B) = 0\n", defines, 1);

	(void)state;
	assert_int_equal(script->events->call.args->value, 1);
	assert_int_equal(script->events->call.args->next->value, 3);
	assert_null(drill_find_note(script->options, "define"));
	drill_script_free(script);
}

static void a_script_is_printed_in_one_form(void **state)
{
	(void)state;
	assert_prints("// needs-sysctl: a=b\n--mss=1000\n`x`\n  0.50 socket( ... ,SOCK_STREAM ,IPPROTO_TCP)=3\n"
		      "+0.010>. 1:1(0)ack 1\n+.1~+.2 > F.   1:1(0)\n+.0 %{ x }%\n`y`",
		      "// needs-sysctl: a=b\n--mss=1000\n`x`\n0.5 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
		      "+0.01 > . 1:1(0) ack 1\n+0.1~+0.2 > F. 1:1(0)\n+0 %{ x }%\n`y`\n");
}

static void printing_into_too_little_room_gives_the_length_and_an_end(void **state)
{
	struct drill_script *script = parsed("+.25 close(3) = 0\n");
	char small[8];

	(void)state;
	assert_int_equal(drill_print_event(script->events, NULL, 0), strlen("+0.25 close(3) = 0"));
	assert_int_equal(drill_print_event(script->events, small, sizeof(small)), strlen("+0.25 close(3) = 0"));
	assert_string_equal(small, "+0.25 c");
	assert_int_equal(drill_print_time(script->events, small, sizeof(small)), 5);
	assert_string_equal(small, "+0.25");
	drill_script_free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_absolute_relative_ranged_or_any),
		cmocka_unit_test(a_time_is_exact_to_the_nanosecond_and_finer_digits_are_cut_off),
		cmocka_unit_test(a_blocking_call_has_an_end),
		cmocka_unit_test(a_call_has_arguments_a_result_an_errno_and_a_note),
		cmocka_unit_test(code_loses_its_outer_blanks_only),
		cmocka_unit_test(commands_stand_before_behind_and_among_the_events),
		cmocka_unit_test(options_come_first_and_the_last_of_a_name_counts),
		cmocka_unit_test(comments_are_blanks_but_for_the_sysctls_they_need),
		cmocka_unit_test(a_symbol_stands_for_a_word_a_number_a_string_or_a_command),
		cmocka_unit_test(a_symbol_of_the_command_line_wins_over_the_script),
		cmocka_unit_test(a_script_is_printed_in_one_form),
		cmocka_unit_test(printing_into_too_little_room_gives_the_length_and_an_end),
	};

	return cmocka_run_group_tests_name("drill/parse", tests, NULL, NULL);
}
