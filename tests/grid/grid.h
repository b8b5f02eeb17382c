/* SPDX-License-Identifier: MIT */
/*
 * tests/grid/grid.h - every situation of a connection meets every kind of segment, on the kernel and on Lastack
 *
 *	situations.c   how a sock gets where it is, as lines of a script --.
 *	segments.c     one segment: kind, place of its numbers ------------+-> script -> drill_run() on a side -> record
 *	answer.c       what came of it, as one line of text <-----------------------------------------------------'
 *	book.c         the kernel's answers, in a file per situation: tests/grid/answers/
 *	work.c         many cells at once, each in a namespace of its own
 *	main.c         check, record, show
 *
 * Numbers of a cell are places, not values: "left edge - 1". What they come to was seen on the kernel when the answers were
 * recorded, and stands in the book.
 */
#ifndef TESTS_GRID_H
#define TESTS_GRID_H

#include "drill/run.h"
#include "tests/grid/work.h"

/* ------------------------------------------------------------------ the axes */

/* Options of the connection and its packets; a variant is a sum of them. */
enum { GRID_SACK = 1, GRID_TS = 2, GRID_IPV6 = 4, GRID_VARIANTS = 8 };

enum grid_seq { GRID_LEFT, GRID_EDGE_1, GRID_EDGE, GRID_INSIDE, GRID_RIGHT, GRID_BEYOND_RIGHT, GRID_SEQS };
enum grid_ack { GRID_STALE, GRID_OLD, GRID_UNA, GRID_NXT, GRID_BEYOND, GRID_ACKS };

/**
 * struct grid_situation - where a segment finds the sock
 * @lines:   of a script; %o, %e, %t, %c stand for options that the variant decides (segments.c)
 * @fd:      the descriptor whose error is asked for at the end, 0: none
 * @accepts: asks accept() of descriptor 3 instead
 */
struct grid_situation {
	const char *name;
	const char *lines;
	int fd;
	bool accepts;
};

struct grid_segment {
	const char *name;
	const char *flags;
	unsigned length;
	bool ack, syn, urgent;
};

extern const struct grid_situation grid_situations[];
extern const size_t grid_n_situations;
extern const struct grid_segment grid_segments[];
extern const size_t grid_n_segments;
extern const char *const grid_seq_names[GRID_SEQS];
extern const char *const grid_ack_names[GRID_ACKS];

/* struct grid_place - the numbers that a situation has come to, relative as a script writes them */
struct grid_place {
	uint32_t edge, right; /* of the side's receive window */
	uint32_t una, nxt;    /* of what the side has sent */
};

/* struct grid_cell - one point of the grid; a segment without ACK has but one @ack */
struct grid_cell {
	const struct grid_situation *situation;
	const struct grid_segment *segment;
	unsigned variant;
	enum grid_seq seq;
	enum grid_ack ack;
};

/* The cell with this number among those of one situation, variants innermost; false behind the last. */
bool grid_cell_at(const struct grid_situation *situation, size_t number, struct grid_cell *cell);
size_t grid_cells(void); /* how many a situation has */

/* The script of a cell; with @place NULL that of its situation alone. Gives the text. */
char *grid_script(const struct grid_cell *cell, const struct grid_place *place);

/* ------------------------------------------------------------------ playing */

enum grid_side { GRID_LASTACK, GRID_LINUX };

#define GRID_ANSWER   WORK_TEXT
#define GRID_PAUSE_MS 100	/* from the segment to the last call: a delayed ACK is in, a retransmission is not */
#define GRID_LATE     "! late" /* the answer where the machine was too busy for that */

/* What came of a cell; what went wrong before anything could come of it begins with '!', and equals nothing. */
void grid_answer(enum grid_side side, const struct grid_cell *cell, const struct grid_place *place,
		 char answer[GRID_ANSWER]);
/* Where a situation leads on a side; false with the reason in @why. */
bool grid_find_place(enum grid_side side, const struct grid_situation *situation, unsigned variant,
		     struct grid_place *place, char why[GRID_ANSWER]);
/* What happened behind the script's line @line, as text; @to has GRID_ANSWER bytes. */
void grid_answer_text(const struct drill_record *record, int line, char *to);
/* The numbers at the end of a record. */
void grid_place_of(const struct drill_record *record, struct grid_place *place);

/* ------------------------------------------------------------------ the book */

/**
 * struct grid_book - what the kernel answered, for one situation
 * @kernel:   the release that answered
 * @answers:  one for each cell, in the order of grid_cell_at(); equal ones are one string
 * @distinct: the strings; owned
 */
struct grid_book {
	const struct grid_situation *situation;
	char kernel[80];
	struct grid_place place[GRID_VARIANTS];
	const char **answers;
	char **distinct;
	size_t n_distinct;
};

struct grid_book *grid_book_new(const struct grid_situation *situation);
/* The book's own copy of @answer. */
const char *grid_book_keep(struct grid_book *book, const char *answer);
/* False with a message on stderr: no such file, or not one of ours. */
bool grid_book_read(struct grid_book *book, const char *folder);
bool grid_book_write(const struct grid_book *book, const char *folder);
void grid_book_free(struct grid_book *book);

#endif
