// SPDX-License-Identifier: MIT
/*
 * scenario/harness.c - plays tests: once as they stand, then with memory refused
 *
 * In:   tests, registered before main() in the order in which they stand in their file.
 * Here: harness_fail() leaves a test from anywhere by longjmp() to attempt().
 * Out:  cmocka's verdict; for a failure the seed and the ladder.
 */
#include "run.h"

#include <signal.h>
#include <stdlib.h>

#include <cmocka.h>

#define REFUSALS_MAX 20000

struct harness h;

/* ------------------------------------------------------------------ failing */

void harness_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h.failure, sizeof(h.failure), format, args);
	va_end(args);
	h.failed_file = file;
	h.failed_line = line;
	longjmp(h.escape, 1);
}

/* Runs @part of a test; false when it was left by harness_fail(). */
static bool attempt(void (*part)(void))
{
	if (setjmp(h.escape))
		return false;
	part();
	return true;
}

/* ------------------------------------------------------------------ tests */

void harness_register(struct harness_test *test)
{
	struct harness_test **last = &h.tests;

	while (*last)
		last = &(*last)->next;
	*last = test;
}

void harness_seed(uint64_t seed)
{
	h.seed = seed;
}

static void finish(void)
{
	duo_end(&h.duo);
}

static void show_failure(const char *when)
{
	fprintf(stderr, "\n%s: seed %llu%s\n", h.title, (unsigned long long)h.seed, when);
	if (h.record) {
		lab_ladder_end(&h.record->ladder);
		for (size_t i = 0; i < h.record->ladder_count; i++)
			fprintf(stderr, "%s\n", h.record->ladder_lines[i]);
	}
	if (h.failed_file)
		fprintf(stderr, "%s:%d: %s\n", h.failed_file, h.failed_line, h.failure);
}

static void fail_hard(const char *when)
{
	show_failure(when);
	discard();
	_fail(h.failed_file, h.failed_line);
}

static void seed_from_environment(void)
{
	const char *seed = getenv("SEED");

	h.seed = seed ? strtoull(seed, NULL, 0) : 1;
}

/* The run until now, from its beginning on. */
static void show_run(const struct harness_test *test)
{
	const struct record *rec = h.record;

	printf("%s\n", test->name);
	if (!rec)
		return;
	lab_ladder_flush(&h.record->ladder);
	for (size_t i = 0; i < rec->ladder_count; i++)
		if (!i || i >= rec->ladder_begin)
			printf("%s\n", rec->ladder_lines[i]);
}

/* One run of the test as it stands. */
static void run_once(const struct harness_test *test)
{
	h.victim = 0;
	seed_from_environment();
	if (!attempt(test->body))
		fail_hard("");
	if (h.shows)
		show_run(test);
	if (!attempt(finish))
		fail_hard("");
}

/* The same with each allocation of one host refused in turn, until the run needs no more of them. */
static void run_refused(const struct harness_test *test, int victim, bool blocks)
{
	char when[96];

	for (uint64_t nth = 1; nth <= REFUSALS_MAX; nth++) {
		h.victim = victim;
		h.blocks = blocks;
		h.nth = nth;
		h.refused = 0;
		seed_from_environment();
		snprintf(when, sizeof(when), ", %s %llu of host %d refused", blocks ? "block" : "object",
			 (unsigned long long)nth, victim);
		if ((!attempt(test->body) && h.broken) || !attempt(finish))
			fail_hard(when);
		if (!h.refused)
			break;
	}
	h.victim = 0;
}

/* An assertion of the library does not tell in which run it failed: this does. */
static void on_abort(int sig)
{
	(void)sig;
	show_failure(", aborted");
	if (h.victim)
		fprintf(stderr, "%s %llu of host %d was refused\n", h.blocks ? "block" : "object",
			(unsigned long long)h.nth, h.victim);
}

static void play_test(void **state)
{
	const struct harness_test *test = *state;
	static const int families[] = {AF_INET, AF_INET6, LAB_MAPPED};

	signal(SIGABRT, on_abort);
	h.title = test->name;
	h.broken = false;
	h.duo.world = NULL; /* a test that crashed has left it */
	for (int i = 0; i < (test->how & HARNESS_FAMILIES ? 3 : 1); i++) {
		h.family = families[i];
		run_once(test);
		for (int victim = 1; !(test->how & HARNESS_ONCE) && victim <= 2; victim++) {
			run_refused(test, victim, false);
			run_refused(test, victim, true);
		}
	}
}

/* The tests with @part in their names as pictures: over IPv4, with all the memory that they want. */
static int show_tests(const char *part)
{
	h.family = AF_INET;
	h.shows = true;
	for (const struct harness_test *test = h.tests; test; test = test->next) {
		h.title = test->name;
		if (strstr(test->name, part))
			run_once(test);
	}
	return 0;
}

/*
 * `scenario-NAME [part of a test's name]`; `scenario-NAME -l` lists them, `scenario-NAME -v [part]` draws what happens in them.
 * Weak: a program that only prints (tools/twice) has a main() of its own.
 */
__attribute__((weak)) int main(int argc, char **argv)
{
	struct CMUnitTest *tests;
	char filter[256];
	size_t count = 0;

	if (argc > 1 && !strcmp(argv[1], "-v"))
		return show_tests(argc > 2 ? argv[2] : "");
	for (struct harness_test *test = h.tests; test; test = test->next)
		count++;
	tests = lab_zalloc((count + 1) * sizeof(*tests));
	count = 0;
	for (struct harness_test *test = h.tests; test; test = test->next) {
		tests[count++] = (struct CMUnitTest){.name = test->name, .test_func = play_test, .initial_state = test};
		if (argc > 1 && !strcmp(argv[1], "-l"))
			puts(test->name);
	}
	if (argc > 1 && !strcmp(argv[1], "-l"))
		return 0;
	if (argc > 1) {
		snprintf(filter, sizeof(filter), "*%s*", argv[1]);
		cmocka_set_test_filter(filter);
	}
	return _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
}
