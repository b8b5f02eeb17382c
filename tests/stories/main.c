// SPDX-License-Identifier: MIT
/*
 * tests/stories/main.c - the kernel and Lastack tell the same stories
 *
 *	stories SEED COUNT [STEPS]        COUNT stories; prints those whose accounts differ
 *	stories show STORY [STEPS]        one of them, whole, from both sides
 *	stories alone SEED COUNT [STEPS]  on Lastack, whose invariants are checked; TAP
 *
 * A story counts if Lastack tells it the same way when all pauses are a little longer or shorter, so that no timer is near the end of one,
 * and if the kernel tells it the same way twice.
 */
#include "tests/stories/stories.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 100
#define SLOW  18 /* from so many steps on pauses may be as long as TIME_WAIT */

/* The kernel's timers are later than ours by up to 1/8 and a tick, its steps by what the machine takes for them. */
enum pace { PACE_EXACT, PACE_FAST, PACE_SLOW };

static void pauses(uint64_t seed, bool slow, enum pace pace, unsigned pause_ms[STORY_STEPS])
{
	static const unsigned lengths[] = {20, 20, 20, 20, 20, 60, 60, 110, 250, 450, 1250, 2900, 7100, 31000, 70000};

	for (unsigned k = 0; k < STORY_STEPS; k++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		pause_ms[k] = lengths[k < 3 ? 0 : (seed >> 33) % (slow ? 15 : 11)];
		if (pace == PACE_FAST)
			pause_ms[k] = pause_ms[k] * 7 / 8 - 4;
		else if (pace == PACE_SLOW)
			pause_ms[k] += 9;
	}
}

static struct story *batch(uint64_t seed, unsigned steps)
{
	struct story *stories = calloc(BATCH, sizeof(*stories));

	if (!stories)
		abort();
	for (size_t i = 0; i < BATCH; i++)
		story_write(&stories[i], seed + i, steps);
	return stories;
}

static struct story *told(enum story_side side, uint64_t seed, unsigned steps, enum pace pace)
{
	struct story *stories = batch(seed, steps);
	unsigned pause_ms[STORY_STEPS];

	pauses(seed, steps >= SLOW, pace, pause_ms);
	if (!stories_tell(side, seed / BATCH % 2 ? AF_INET6 : AF_INET, stories, BATCH, pause_ms))
		exit(2);
	return stories;
}

/* The story up to the first step that differs, and that from both. */
static void show(const struct story *kernel, const struct story *lastack)
{
	const char *a = kernel->text, *b = lastack->text;

	printf("# story %llu: sack %d stamps %d scale %d mss %u\n", (unsigned long long)kernel->seed, kernel->sack,
	       kernel->stamps, kernel->scale, kernel->mss);
	while (*a) {
		size_t la = strcspn(a + 1, "\n") + 1, lb = strcspn(b + 1, "\n") + 1;

		if (la != lb || memcmp(a, b, la)) {
			printf("#  linux   %.*s\n#  lastack %.*s\n", (int)la - 1, a + 1, (int)lb - 1, b + 1);
			return;
		}
		printf("#          %.*s\n", (int)la - 1, a + 1);
		a += la;
		b += lb;
	}
}

/* ------------------------------------------------------------------ both */

struct tally {
	unsigned same, differ, near, unsure;
};

static void compare_batch(uint64_t seed, unsigned steps, struct tally *tally)
{
	struct story *ours = told(STORY_LASTACK, seed, steps, PACE_EXACT),
		     *slow = told(STORY_LASTACK, seed, steps, PACE_SLOW);
	struct story *fast = told(STORY_LASTACK, seed, steps, PACE_FAST),
		     *theirs = told(STORY_LINUX, seed, steps, PACE_EXACT);
	struct story *again = NULL;

	for (size_t i = 0; i < BATCH; i++) {
		if (strcmp(ours[i].text, slow[i].text) || strcmp(ours[i].text, fast[i].text)) {
			tally->near++;
		} else if (!strcmp(ours[i].text, theirs[i].text)) {
			tally->same++;
		} else {
			again = again ? again : told(STORY_LINUX, seed, steps, PACE_EXACT);
			if (strcmp(theirs[i].text, again[i].text)) {
				tally->unsure++;
			} else {
				tally->differ++;
				show(&theirs[i], &ours[i]);
			}
		}
	}
	free(ours);
	free(slow);
	free(fast);
	free(theirs);
	free(again);
}

static int compare(uint64_t seed, unsigned long count, unsigned steps)
{
	struct tally tally = {0};

	for (unsigned long done = 0; done < count; done += BATCH) {
		compare_batch((seed + done / BATCH) * BATCH, steps, &tally);
		fflush(stdout);
	}
	printf("# stories of %u steps: %u the same, %u differ; not counted: %u since a timer was near, %u since the "
	       "kernel was not sure\n",
	       steps, tally.same, tally.differ, tally.near, tally.unsure);
	return tally.differ != 0;
}

/* ------------------------------------------------------------------ */

/* It is told among those with which it was told. */
static int show_one(uint64_t number, unsigned steps)
{
	uint64_t seed = number - number % BATCH;
	struct story *theirs = told(STORY_LINUX, seed, steps, PACE_EXACT),
		     *ours = told(STORY_LASTACK, seed, steps, PACE_EXACT);

	printf("linux%s\n\nlastack%s\n", theirs[number % BATCH].text, ours[number % BATCH].text);
	free(theirs);
	free(ours);
	return 0;
}

/* A broken invariant has been told by stories_tell(). */
static int alone(uint64_t seed, unsigned long count, unsigned steps)
{
	for (unsigned long done = 0; done < count; done += BATCH)
		free(told(STORY_LASTACK, (seed + done / BATCH) * BATCH, steps, PACE_EXACT));
	printf("1..1\nok 1 - %lu stories of %u steps break no invariant\n", count, steps);
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: stories SEED COUNT [STEPS] | alone SEED COUNT [STEPS] | show STORY [STEPS]; 4 to %d STEPS\n",
		STORY_STEPS);
	return 2;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 && (!strcmp(argv[1], "alone") || !strcmp(argv[1], "show")) ? argv[1] : "";
	char **arg = argv + (*mode ? 2 : 1);
	bool one = *mode == 's';
	int n = argc - (int)(arg - argv), counts = one ? 1 : 2;
	unsigned steps = n > counts ? (unsigned)atoi(arg[counts]) : 12;

	if (n < counts || n > counts + 1 || steps < 4 || steps > STORY_STEPS)
		return usage();
	if (one)
		return show_one(strtoull(arg[0], NULL, 10), steps);
	return (*mode ? alone : compare)(strtoull(arg[0], NULL, 10), strtoul(arg[1], NULL, 10), steps);
}
