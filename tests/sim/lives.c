// SPDX-License-Identifier: MIT
/*
 * sim/lives.c - lives of connections on bad wires, under random calls, drawn from a seed
 *
 * In:   seeds. Each makes a world of two hosts and one wire with weather of its own, and LIVES connections in it.
 * Here: life.c does one random thing after another - connect, also crosswise, accept, send, recv, shutdown, close, linger, dup,
 *       fork, exec, exit, signal, disconnect, close the listener, cut the wire, urgent data, epoll, a descriptor in flight, no
 *       memory - and looks at every byte that comes; the invariants (lab/invariants.h) are checked after every step. At the end
 *       all tasks exit and nothing may be left.
 * Out:  a count of what was lived through, lives per second; or the seed of the first world that broke, and why.
 *
 *	sim-lives [-v] [-t] FIRST_SEED COUNT_OF_LIVES		-v: the ladder of each world; -t: TAP for `make check`
 */
#include "life.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void add(struct life_tally *sum, const struct life_tally *one)
{
	sum->lives += one->lives;
	sum->open += one->open;
	sum->calls += one->calls;
	sum->bytes += one->bytes;
	sum->ends += one->ends;
	sum->resets += one->resets;
	sum->timewaits += one->timewaits;
	sum->steps += one->steps;
	sum->urgent += one->urgent;
	sum->flights += one->flights;
	sum->execs += one->execs;
	sum->events += one->events;
	sum->refused += one->refused;
}

static void report(const struct life_tally *sum, double took)
{
	printf("# %" PRIu64 " lives, %" PRIu64 " established ends; %" PRIu64 " calls, %" PRIu64 " steps, %" PRIu64
	       " bytes read and compared\n# %" PRIu64 " ends of file, %" PRIu64 " RSTs, %" PRIu64
	       " TIME_WAITs looked at\n# %" PRIu64 " urgent bytes, %" PRIu64 " descriptors in flight, %" PRIu64
	       " exec(), %" PRIu64 " events of epoll, %" PRIu64
	       " requests for memory refused\n# %.0f lives per second, %.0f per second of processor time\n",
	       sum->lives, sum->open, sum->calls, sum->steps, sum->bytes, sum->ends, sum->resets, sum->timewaits,
	       sum->urgent, sum->flights, sum->execs, sum->events, sum->refused, (double)sum->lives / took,
	       (double)sum->lives / seconds(CLOCK_PROCESS_CPUTIME_ID));
	fflush(stdout);
}

static uint64_t present_seed;

/* An assertion has not held: which world was that? */
static void on_abort(int signal)
{
	(void)signal;
	printf("not ok 1 - seed %" PRIu64 ": aborted\n# make sim SEED=%" PRIu64 " shows it\n", present_seed,
	       present_seed);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct life_tally sum = {0};
	bool show = false, tap = false;
	uint64_t seed, count, told = 0;
	double begun = seconds(CLOCK_MONOTONIC);

	signal(SIGABRT, on_abort);
	mallopt(M_TRIM_THRESHOLD, 1 << 28); /* the next world wants it again */
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		show |= !strcmp(argv[1], "-v");
		tap |= !strcmp(argv[1], "-t");
	}
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	printf("%s# seeds from %" PRIu64 ", %" PRIu64 " lives\n", tap ? "1..1\n" : "", seed, count);
	for (; sum.lives < count; seed++) {
		struct life_tally one = {0};
		char why[400] = "";

		present_seed = seed;
		if (!life_world(seed, show, &one, why, sizeof(why))) {
			printf("%sseed %" PRIu64 ": %s\n# make sim SEED=%" PRIu64 " shows it\n",
			       tap ? "not ok 1 - " : "", seed, why, seed);
			return 1;
		}
		add(&sum, &one);
		if (sum.lives >= told + 100000) {
			told = sum.lives;
			report(&sum, seconds(CLOCK_MONOTONIC) - begun);
		}
	}
	report(&sum, seconds(CLOCK_MONOTONIC) - begun);
	if (tap)
		printf("ok 1 - no invariant breaks in %" PRIu64 " random lives\n", sum.lives);
	return 0;
}
