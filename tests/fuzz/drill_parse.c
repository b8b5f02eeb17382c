// SPDX-License-Identifier: MIT
/*
 * drill's parser under anything at all
 *
 *	fuzz-drill_parse COUNT SEED FILE.pkt...		(make fuzz N=1000000 SEED=1)
 *
 * Mutants of the files go through the parser; what it accepts is printed and must parse to the same text again. The
 * mutant number i is made from SEED + i alone, so that a crash, which names its seed, is repeated with COUNT 1. One that
 * takes longer than HANG_SECONDS is a hang. For libFuzzer build with -DLIBFUZZER: it brings its own main().
 */
#include "drill/script.h"

#include "drill_mutate.h"

#include <signal.h>
#include <unistd.h>

enum { HANG_SECONDS = 20, ROOM = 8 * MAX_TEXT };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct drill_script *parse(const char *text, size_t length)
{
	struct drill_error error = {0};
	struct drill_script *script = drill_parse("mutant", text, length, NULL, 0, &error);

	if (!script && (!error.text[0] || error.pos.line < 1 || error.pos.column < 1))
		abort(); /* refused without a reason or a place */
	return script;
}

static unsigned long scripts; /* accepted so far */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char first[ROOM], second[ROOM];
	struct drill_script *script = parse((const char *)data, size);

	if (!script)
		return 0;
	scripts++;
	if (drill_print_script(script, first, sizeof(first)) >= sizeof(first))
		abort();
	drill_script_free(script);
	script = parse(first, strlen(first));
	if (!script)
		abort(); /* its own text is refused */
	drill_print_script(script, second, sizeof(second));
	drill_script_free(script);
	if (strcmp(first, second))
		abort();
	return 0;
}

#ifndef LIBFUZZER

static unsigned long current;

static void tell(void)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "fuzz-drill_parse: it was seed %lu\n", current);

	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		return;
}

static void on_signal(int number)
{
	tell();
	signal(number == SIGALRM ? SIGABRT : number, SIG_DFL);
	raise(number == SIGALRM ? SIGABRT : number);
}

/* The sanitizers' own way to die; not there without them. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

int main(int argc, char **argv)
{
	static struct seeds seeds;
	static char text[MAX_TEXT];
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 0, seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	for (int i = 3; i < argc; i++) {
		if (!add_file(&seeds, argv[i])) {
			perror(argv[i]);
			return 2;
		}
	}
	if (!count || !seeds.n) {
		fprintf(stderr, "usage: fuzz-drill_parse COUNT SEED FILE.pkt...\n");
		return 2;
	}
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(tell);
	for (current = seed; current < seed + count; current++) {
		uint64_t state = current * 0x9e3779b97f4a7c15u;
		size_t length = mutant(&seeds, text, &state);

		alarm(HANG_SECONDS);
		LLVMFuzzerTestOneInput((const uint8_t *)text, length);
	}
	printf("%lu mutants of %u scripts, seeds %lu to %lu: %lu are scripts, %lu are refused; no crash, no hang\n",
	       count, seeds.n, seed, seed + count - 1, scripts, count - scripts);
	return 0;
}

#endif
