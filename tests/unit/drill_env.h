/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/drill_env.h - scripts in tests: one that parses, one that does not, and a look at the text that comes back
 */
#ifndef TESTS_UNIT_DRILL_ENV_H
#define TESTS_UNIT_DRILL_ENV_H

#include "drill/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The tree of @text; fails the test with the message when there is none. The caller frees it. */
static inline struct drill_script *parsed_with(const char *text, const struct drill_define *defines, size_t n)
{
	struct drill_error error;
	struct drill_script *script = drill_parse("test.pkt", text, strlen(text), defines, n, &error);

	if (!script)
		fail_msg("%d:%d: %s, in: %s", error.pos.line, error.pos.column, error.text, text);
	return script;
}

static inline struct drill_script *parsed(const char *text)
{
	return parsed_with(text, NULL, 0);
}

/* @text is refused at this place with a message that begins so. */
static inline void assert_refused(const char *text, int line, int column, const char *message)
{
	struct drill_error error = {0};
	struct drill_script *script = drill_parse("test.pkt", text, strlen(text), NULL, 0, &error);
	char found[sizeof(error.text) + 40], wanted[sizeof(found)];

	if (script) {
		drill_script_free(script);
		fail_msg("parses, but should not: %s", text);
	}
	error.text[strlen(message) < sizeof(error.text) ? strlen(message) : 0] = '\0';
	snprintf(found, sizeof(found), "%d:%d: %s", error.pos.line, error.pos.column, error.text);
	snprintf(wanted, sizeof(wanted), "%d:%d: %s", line, column, message);
	assert_string_equal(found, wanted);
}

/* @text becomes @expected when it is parsed and printed, and that again becomes itself. */
static inline void assert_prints(const char *text, const char *expected)
{
	char first[4096], second[4096];
	struct drill_script *script = parsed(text);

	drill_print_script(script, first, sizeof(first));
	drill_script_free(script);
	assert_string_equal(first, expected);
	script = parsed(first);
	drill_print_script(script, second, sizeof(second));
	drill_script_free(script);
	assert_string_equal(second, first);
}

/* @text is a script in the printer's own form. */
static inline void assert_comes_back(const char *text)
{
	assert_prints(text, text);
}

#endif
