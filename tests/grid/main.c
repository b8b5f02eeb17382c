// SPDX-License-Identifier: MIT
/*
 * tests/grid/main.c - grid: every situation of a connection meets every kind of segment
 *
 *	grid check FOLDER                    Lastack against the answers of the kernel in FOLDER; TAP, a test for a situation
 *	grid record FOLDER [SITUATION...]    asks the running kernel again and writes FOLDER
 *	grid show SITUATION SEGMENT SEQ ACK VARIANT      one cell: its script, and what both sides answer now
 */
#include "tests/grid/grid.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define RECORDERS 24 /* they mostly sleep */
#define CHECKERS  2
#define TRIES	  12

/* ------------------------------------------------------------------ one situation */

struct task {
	enum grid_side side;
	struct grid_book *book;
	struct grid_book *seen; /* check: Lastack's */
};

static void job(void *arg, size_t number, char answer[GRID_ANSWER])
{
	const struct task *task = arg;
	struct grid_cell cell;

	grid_cell_at(task->book->situation, number, &cell);
	grid_answer(task->side, &cell, &task->book->place[cell.variant], answer);
}

/* The kernel is asked until it has said the same twice, in time both times. */
static void record_job(void *arg, size_t number, char answer[GRID_ANSWER])
{
	char said[TRIES][GRID_ANSWER];
	unsigned n = 0;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		job(arg, number, said[n]);
		if (!strcmp(said[n], GRID_LATE))
			continue;
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(said[i], said[n])) {
				memcpy(answer, said[n], GRID_ANSWER);
				return;
			}
		n++;
	}
	snprintf(answer, GRID_ANSWER, "! never twice the same: %.900s", n ? said[0] : GRID_LATE);
}

static void done(void *arg, size_t number, const char *answer)
{
	const struct task *task = arg;

	task->seen->answers[number] = grid_book_keep(task->seen, answer);
}

static bool find_places(enum grid_side side, struct grid_book *book)
{
	char why[GRID_ANSWER];

	for (unsigned v = 0; v < GRID_VARIANTS; v++)
		if (!grid_find_place(side, book->situation, v, &book->place[v], why)) {
			fprintf(stderr, "%s, variant %u: %s\n", book->situation->name, v, why);
			return false;
		}
	return true;
}

/* ------------------------------------------------------------------ record */

static bool wanted(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return n == 0;
}

static bool record_situation(const struct grid_situation *situation, const char *folder)
{
	struct grid_book *book = grid_book_new(situation);
	struct task task = {.side = GRID_LINUX, .book = book, .seen = book};
	struct utsname kernel;
	size_t strange = 0;
	bool well;

	uname(&kernel);
	snprintf(book->kernel, sizeof(book->kernel), "%.20s %.40s", kernel.sysname, kernel.release);
	well = find_places(GRID_LINUX, book) && work(grid_cells(), RECORDERS, record_job, done, &task);
	for (size_t i = 0; well && i < grid_cells(); i++)
		strange += book->answers[i][0] == '!';
	if (well)
		well = grid_book_write(book, folder);
	printf("%s: %zu cells, %zu different answers, %zu without one\n", situation->name, grid_cells(),
	       book->n_distinct, strange);
	grid_book_free(book);
	return well && !strange;
}

static int record(const char *folder, char **names, int n)
{
	bool well = true;

	for (size_t i = 0; i < grid_n_situations; i++)
		if (wanted(grid_situations[i].name, names, n))
			well = record_situation(&grid_situations[i], folder) && well;
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ------------------------------------------------------------------ check */

#define SHOWN 5 /* differences of one situation; the rest is counted */

static size_t compare(const struct grid_book *book, const struct grid_book *seen)
{
	struct grid_cell cell;
	size_t differ = 0;

	for (size_t i = 0; grid_cell_at(book->situation, i, &cell); i++) {
		if (book->answers[i][0] != '!' && !strcmp(book->answers[i], seen->answers[i]))
			continue;
		if (differ++ < SHOWN)
			printf("# grid show %s '%s' %s %s %u\n#   Linux    %s\n#   Lastack  %s\n", book->situation->name,
			       cell.segment->name, grid_seq_names[cell.seq], grid_ack_names[cell.ack], cell.variant,
			       book->answers[i], seen->answers[i]);
	}
	return differ;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Places may coincide (everything acknowledged: "una" is "nxt"), and a segment may have no option that a variant could change. */
static size_t distinct_cells(const struct grid_book *book)
{
	uint64_t *sums = calloc(grid_cells(), sizeof(*sums));
	struct grid_cell cell;
	size_t distinct = 0;

	if (!sums)
		abort();
	for (size_t i = 0; grid_cell_at(book->situation, i, &cell); i++) {
		char *script = grid_script(&cell, &book->place[cell.variant]);

		sums[i] = cell.variant & GRID_IPV6 ? 2 : 1;
		for (const char *p = script; *p; p++)
			sums[i] = (sums[i] ^ (uint8_t)*p) * 1099511628211U;
		free(script);
	}
	qsort(sums, grid_cells(), sizeof(*sums), by_value);
	for (size_t i = 0; i < grid_cells(); i++)
		distinct += !i || sums[i] != sums[i - 1];
	free(sums);
	return distinct;
}

/* Gives the number of cells that differ; all of them where the book cannot be read. */
static size_t check_situation(const struct grid_situation *situation, const char *folder, size_t number, size_t *distinct)
{
	struct grid_book *book = grid_book_new(situation), *seen = grid_book_new(situation);
	struct task task = {.side = GRID_LASTACK, .book = book, .seen = seen};
	size_t differ = grid_cells(), scripts = 0;
	bool read = grid_book_read(book, folder);

	if (read)
		scripts = distinct_cells(book);
	if (read && work(grid_cells(), CHECKERS, job, done, &task))
		differ = compare(book, seen);
	*distinct += scripts;
	printf("%sok %zu - grid %s: %zu cells, %zu distinct, %zu differ\n", differ ? "not " : "", number, situation->name,
	       grid_cells(), scripts, differ);
	fflush(stdout);
	grid_book_free(seen);
	grid_book_free(book);
	return differ;
}

static int check(const char *folder)
{
	size_t differ = 0, distinct = 0;

	printf("TAP version 13\n1..%zu\n", grid_n_situations);
	for (size_t i = 0; i < grid_n_situations; i++)
		differ += check_situation(&grid_situations[i], folder, i + 1, &distinct);
	printf("# %zu situations, %zu cells, %zu of them distinct, %zu differ from Linux\n", grid_n_situations,
	       grid_n_situations * grid_cells(), distinct, differ);
	return differ ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ------------------------------------------------------------------ show */

static void show_side(const char *name, enum grid_side side, const struct grid_cell *cell)
{
	struct grid_place place;
	char answer[GRID_ANSWER];

	if (grid_find_place(side, cell->situation, cell->variant, &place, answer))
		grid_answer(side, cell, &place, answer);
	printf("%-8s %s\n", name, answer);
}

static int show(char **argv)
{
	struct grid_place place;
	struct grid_cell cell;
	char why[GRID_ANSWER], *script;

	for (size_t s = 0; s < grid_n_situations; s++)
		for (size_t i = 0; grid_cell_at(&grid_situations[s], i, &cell); i++) {
			if (strcmp(cell.situation->name, argv[0]) || strcmp(cell.segment->name, argv[1]) ||
			    strcmp(grid_seq_names[cell.seq], argv[2]) || strcmp(grid_ack_names[cell.ack], argv[3]) ||
			    cell.variant != (unsigned)atoi(argv[4]))
				continue;
			if (grid_find_place(GRID_LASTACK, cell.situation, cell.variant, &place, why)) {
				script = grid_script(&cell, &place);
				printf("%s", script);
				free(script);
			}
			show_side("Lastack", GRID_LASTACK, &cell);
			show_side("Linux", GRID_LINUX, &cell);
			return EXIT_SUCCESS;
		}
	fprintf(stderr, "grid: there is no such cell; a segment without ACK has the ACK position %s\n", grid_ack_names[0]);
	return 2;
}

/* A side is made and ended for each cell: its memory stays with the process. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, INT_MAX);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

int main(int argc, char **argv)
{
	keep_memory();
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "record"))
		return record(argv[2], argv + 3, argc - 3);
	if (argc == 7 && !strcmp(argv[1], "show"))
		return show(argv + 2);
	fprintf(stderr, "usage: grid check FOLDER | record FOLDER [SITUATION...] | show SITUATION SEGMENT SEQ ACK VARIANT\n");
	return 2;
}
