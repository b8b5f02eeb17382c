// SPDX-License-Identifier: MIT
/* drill/parse_expr.c: values, lists and structs in calls */
#include "drill_env.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* The first argument of f(@arg). */
static const struct drill_expr *arg_of(struct drill_script **script, const char *arg)
{
	char text[512];

	snprintf(text, sizeof(text), "0 f(%s) = 0\n", arg);
	*script = parsed(text);
	return (*script)->events->call.args;
}

static void numbers_are_decimal_negative_or_hex(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "10, -1, 0x7FffffffFFFFffff, 010");

	(void)state;
	assert_int_equal(arg->kind, DRILL_INTEGER);
	assert_int_equal(arg->value, 10);
	assert_int_equal(arg->next->value, -1);
	assert_true(arg->next->next->value == INT64_MAX);
	assert_true(arg->next->next->hex);
	assert_int_equal(arg->next->next->next->value, 10);
	drill_script_free(script);
	assert_comes_back("0 f(10, -1, 0xff) = 0\n");
}

static void names_and_their_combinations_are_numbers_at_once(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "SOL_SOCKET, POLLIN|POLLOUT | 0x1000, NULL");

	(void)state;
	assert_int_equal(arg->kind, DRILL_WORD);
	assert_int_equal(arg->value, SOL_SOCKET);
	assert_string_equal(arg->text, "SOL_SOCKET");
	arg = arg->next;
	assert_int_equal(arg->kind, DRILL_OR);
	assert_int_equal(arg->value, POLLIN | POLLOUT | 0x1000);
	assert_string_equal(arg->items->next->text, "POLLOUT");
	assert_true(drill_is_number(arg));
	assert_int_equal(arg->next->value, 0);
	drill_script_free(script);
	assert_comes_back("0 f(POLLIN|POLLOUT, MSG_PEEK) = SOL_TCP\n");
}

static void strings_resolve_escapes_and_join_their_neighbours(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "\"a\\n\\x00\\\"\\\\\" \"b\", \"c\"..., \"\"");

	(void)state;
	assert_int_equal(arg->kind, DRILL_STRING);
	assert_int_equal(arg->length, 6);
	assert_memory_equal(arg->text, "a\n\0\"\\b", 7);
	assert_false(arg->more);
	assert_true(arg->next->more);
	assert_string_equal(arg->next->text, "c");
	assert_int_equal(arg->next->next->length, 0);
	assert_string_equal(arg->next->next->text, "");
	drill_script_free(script);
	assert_comes_back("0 f(\"a\\x0a\\x00\\\"\\\\b\", \"c\"...) = 0\n");
}

static void lists_hold_any_values(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "[], [1], [2, [..., \"x\"]]");

	(void)state;
	assert_int_equal(arg->kind, DRILL_LIST);
	assert_null(arg->items);
	assert_int_equal(arg->next->items->value, 1);
	arg = arg->next->next->items;
	assert_int_equal(arg->value, 2);
	assert_int_equal(arg->next->kind, DRILL_LIST);
	assert_int_equal(arg->next->items->kind, DRILL_ELLIPSIS);
	drill_script_free(script);
}

static void a_struct_is_known_by_its_first_field(void **state)
{
	static const struct {
		const char *text;
		enum drill_struct form;
	} rows[] = {
		{"{onoff=1, linger=0}", DRILL_LINGER},
		{"{fd=3, events=POLLIN}", DRILL_POLLFD},
		{"{fd=3, events=POLLIN, revents=POLLIN|POLLHUP}", DRILL_POLLFD},
		{"{events=EPOLLIN, ptr=7}", DRILL_EPOLL_EVENT},
		{"{events=EPOLLIN|EPOLLET, fd=7}", DRILL_EPOLL_EVENT},
		{"{events=1, u32=7}", DRILL_EPOLL_EVENT},
		{"{events=1, u64=7}", DRILL_EPOLL_EVENT},
		{"{..., 1000}", DRILL_IOVEC},
		{"{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}", DRILL_MSGHDR},
		{"{msg_name(...)=..., msg_iov(0)=[], msg_flags=MSG_EOR, msg_control=[]}", DRILL_MSGHDR},
		{"{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=100}", DRILL_CMSG},
		{"{scm_sec=1, scm_nsec=2}", DRILL_TIMESTAMPING},
		{"{ee_errno=ENOMSG, ee_origin=4, ee_type=0, ee_code=0, ee_info=1, ee_data=2}", DRILL_EXTENDED_ERR},
		{"{TCP_NLA_BUSY=0, TCP_NLA_SRTT=...}", DRILL_NAMED_VALUES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct drill_script *script;
		const struct drill_expr *arg = arg_of(&script, rows[i].text);
		char back[256];

		assert_int_equal(arg->kind, DRILL_STRUCT);
		assert_int_equal(arg->form, rows[i].form);
		drill_print_expr(arg, back, sizeof(back));
		assert_string_equal(back, rows[i].text);
		drill_script_free(script);
	}
}

static void fields_are_found_by_name(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg =
		arg_of(&script, "{msg_name(...)=..., msg_iov(2)=[{..., 10},{\"ab\", 2}], msg_flags=MSG_OOB}");
	const struct drill_expr *iov = drill_field(arg, "msg_iov");

	(void)state;
	assert_int_equal(drill_field(arg, "msg_name")->count->kind, DRILL_ELLIPSIS);
	assert_int_equal(iov->count->value, 2);
	assert_int_equal(iov->items->items->next->value, 10);
	assert_string_equal(iov->items->next->items->text, "ab");
	assert_int_equal(drill_field(arg, "msg_flags")->value, MSG_OOB);
	assert_null(drill_field(arg, "msg_control"));
	drill_script_free(script);
}

static void a_constant_as_a_field_keeps_its_number(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "{TCP_NLA_BUSY=5}");

	(void)state;
	assert_int_equal(arg->items->field_number, 1);
	assert_int_equal(arg->items->value, 5);
	drill_script_free(script);
}

static void an_address_is_of_either_family(void **state)
{
	struct drill_script *script;
	const struct drill_expr *arg = arg_of(&script, "{sa_family = AF_INET, sin_port = htons(8080), sin_addr = "
						       "inet_addr(\"192.0.2.1\")}, inet6_addr(\"::1\")");

	(void)state;
	assert_int_equal(arg->form, DRILL_SOCKADDR);
	assert_int_equal(drill_field(arg, "sa_family")->value, AF_INET);
	assert_int_equal(drill_field(arg, "sin_port")->value, htons(8080));
	assert_int_equal(drill_field(arg, "sin_addr")->value, inet_addr("192.0.2.1"));
	assert_int_equal(arg->next->kind, DRILL_CALL);
	assert_string_equal(arg->next->items->text, "::1");
	assert_false(drill_is_number(arg->next));
	drill_script_free(script);
	assert_comes_back("0 f({sa_family=AF_INET6, sin_port=htons(80), sin_addr=inet_addr(\"fd00::1\")}) = 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_negative_or_hex),
		cmocka_unit_test(names_and_their_combinations_are_numbers_at_once),
		cmocka_unit_test(strings_resolve_escapes_and_join_their_neighbours),
		cmocka_unit_test(lists_hold_any_values),
		cmocka_unit_test(a_struct_is_known_by_its_first_field),
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(a_constant_as_a_field_keeps_its_number),
		cmocka_unit_test(an_address_is_of_either_family),
	};

	return cmocka_run_group_tests_name("drill/parse_expr", tests, NULL, NULL);
}
