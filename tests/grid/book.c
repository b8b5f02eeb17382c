// SPDX-License-Identifier: MIT
/*
 * tests/grid/book.c - the kernel's answers on paper
 *
 *	# Linux 6.18.44 ...
 *	place ipv4+ts 1 65161 1 1                     edge, right, una, nxt of this variant
 *	answer 1 > . 1:1(0) ack 1; ...
 *	cell SYN|ACK edge una 1 1 2 2 1 1 2 2         the answer's number for each variant, in their order
 *
 * A file is read back only if it holds each cell of its situation once.
 */
#include "tests/grid/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const variant_names[GRID_VARIANTS] = {
	"ipv4", "ipv4+sack", "ipv4+ts", "ipv4+sack+ts", "ipv6", "ipv6+sack", "ipv6+ts", "ipv6+sack+ts",
};

struct grid_book *grid_book_new(const struct grid_situation *situation)
{
	struct grid_book *book = calloc(1, sizeof(*book));

	if (book)
		book->answers = calloc(grid_cells(), sizeof(*book->answers));
	if (!book || !book->answers)
		abort();
	book->situation = situation;
	return book;
}

const char *grid_book_keep(struct grid_book *book, const char *answer)
{
	for (size_t i = 0; i < book->n_distinct; i++)
		if (!strcmp(book->distinct[i], answer))
			return book->distinct[i];
	book->distinct = realloc(book->distinct, (book->n_distinct + 1) * sizeof(*book->distinct));
	if (!book->distinct || !(book->distinct[book->n_distinct] = strdup(answer)))
		abort();
	return book->distinct[book->n_distinct++];
}

void grid_book_free(struct grid_book *book)
{
	for (size_t i = 0; i < book->n_distinct; i++)
		free(book->distinct[i]);
	free(book->distinct);
	free(book->answers);
	free(book);
}

static FILE *open_book(const struct grid_book *book, const char *folder, const char *mode)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.txt", folder, book->situation->name);
	file = fopen(path, mode);
	if (!file)
		perror(path);
	return file;
}

/* ------------------------------------------------------------------ writing */

/* The number of an answer, from 1 in the order of the cells; a new one is written. */
static unsigned write_answer(const char *answer, const char **written, unsigned *n, FILE *file)
{
	for (unsigned i = 0; i < *n; i++)
		if (written[i] == answer)
			return i + 1;
	written[(*n)++] = answer;
	fprintf(file, "answer %u %s\n", *n, answer);
	return *n;
}

/* Gives the numbers, by cell. */
static unsigned *write_answers(const struct grid_book *book, FILE *file)
{
	unsigned *numbers = calloc(grid_cells(), sizeof(*numbers)), n = 0;
	const char **written = calloc(book->n_distinct + 1, sizeof(*written));

	if (!numbers || !written)
		abort();
	for (size_t i = 0; i < grid_cells(); i++)
		numbers[i] = write_answer(book->answers[i], written, &n, file);
	free(written);
	return numbers;
}

bool grid_book_write(const struct grid_book *book, const char *folder)
{
	FILE *file = open_book(book, folder, "w");
	struct grid_cell cell;
	unsigned *numbers;

	if (!file)
		return false;
	fprintf(file, "# %s\n", book->kernel);
	for (unsigned v = 0; v < GRID_VARIANTS; v++)
		fprintf(file, "place %s %u %u %u %u\n", variant_names[v], book->place[v].edge, book->place[v].right,
			book->place[v].una, book->place[v].nxt);
	numbers = write_answers(book, file);
	for (size_t i = 0; grid_cell_at(book->situation, i, &cell); i++) {
		if (!cell.variant)
			fprintf(file, "cell %s %s %s", cell.segment->name, grid_seq_names[cell.seq],
				cell.segment->ack ? grid_ack_names[cell.ack] : "-");
		fprintf(file, " %u%s", numbers[i], cell.variant == GRID_VARIANTS - 1 ? "\n" : "");
	}
	free(numbers);
	return fclose(file) == 0;
}

/* ------------------------------------------------------------------ reading */

/* A file being read: answers by number, cells in their order. */
struct reading {
	struct grid_book *book;
	const char **answers;
	size_t n_answers, cells, places;
};

static bool read_place(struct reading *in, const char *line)
{
	char name[40];
	struct grid_place at;

	if (in->places >= GRID_VARIANTS ||
	    sscanf(line, "place %39s %u %u %u %u", name, &at.edge, &at.right, &at.una, &at.nxt) != 5 ||
	    strcmp(name, variant_names[in->places]))
		return false;
	in->book->place[in->places++] = at;
	return true;
}

static bool read_answer(struct reading *in, const char *line)
{
	size_t number;
	int skip = 0;

	if (sscanf(line, "answer %zu%n", &number, &skip) != 1 || number != in->n_answers + 1)
		return false;
	in->answers = realloc(in->answers, number * sizeof(*in->answers));
	if (!in->answers)
		abort();
	in->answers[in->n_answers++] = grid_book_keep(in->book, line[skip] ? line + skip + 1 : "");
	return true;
}

static bool read_cells(struct reading *in, const char *line)
{
	char expected[100];
	struct grid_cell cell;
	int skip;

	if (!grid_cell_at(in->book->situation, in->cells, &cell))
		return false;
	skip = snprintf(expected, sizeof(expected), "cell %s %s %s", cell.segment->name, grid_seq_names[cell.seq],
			cell.segment->ack ? grid_ack_names[cell.ack] : "-");
	if (strncmp(line, expected, (size_t)skip))
		return false;
	line += skip;
	for (unsigned v = 0; v < GRID_VARIANTS; v++) {
		size_t number = 0;

		if (sscanf(line, " %zu%n", &number, &skip) != 1 || !number || number > in->n_answers)
			return false;
		line += skip;
		in->book->answers[in->cells++] = in->answers[number - 1];
	}
	return true;
}

static bool read_line(struct reading *in, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#') {
		snprintf(in->book->kernel, sizeof(in->book->kernel), "%.70s", line[1] ? line + 2 : "");
		return true;
	}
	return !strncmp(line, "place ", 6)  ? read_place(in, line) :
	       !strncmp(line, "answer ", 7) ? read_answer(in, line) :
					      read_cells(in, line);
}

bool grid_book_read(struct grid_book *book, const char *folder)
{
	FILE *file = open_book(book, folder, "r");
	struct reading in = {.book = book};
	char line[GRID_ANSWER + 40];
	bool well = file != NULL;
	int number = 0;

	while (well && fgets(line, sizeof(line), file)) {
		number++;
		well = read_line(&in, line);
	}
	if (file && (!well || in.cells != grid_cells() || in.places != GRID_VARIANTS)) {
		fprintf(stderr, "%s/%s.txt:%d: not what `grid record` writes; record it again\n", folder,
			book->situation->name, number);
		well = false;
	}
	if (file)
		fclose(file);
	free(in.answers);
	return well;
}
