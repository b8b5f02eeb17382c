/* SPDX-License-Identifier: MIT */
/*
 * tests/words/words.h - all short sequences of what program and peer can do, on the kernel and on Lastack
 *
 *	letters.c   what each letter does to the one connection of a word, and how it is put down
 *	batch.c     many words side by side on one machine, each on ports of its own, letter by letter
 *	main.c      check, record, show: the kernel's answers are kept as sums, one for each group of words that differ in their
 *	            last letter only
 *
 * A word begins in a situation, which is itself a word spoken before. Between letters PAUSE passes: long enough for a
 * delayed ACK to fall into the second pause, too short for the first retransmission. What a letter brings about is what its
 * call returned, what the side sent until the next letter, and how its sockets stood then.
 */
#ifndef TESTS_WORDS_H
#define TESTS_WORDS_H

#include "drill/backend.h"
#include "lab/frame.h"

#define WORD_LETTERS 6			      /* of a word, behind its situation */
#define WORD_TEXT    6000		      /* of a word's account */
#define WORD_PAUSE_NS ((int64_t)(25 * LAB_MS)) /* between letters */
#define WORD_STEP_NS  ((int64_t)(15 * LAB_MS)) /* between those of the situation */
#define WORD_LATE_NS  ((int64_t)(10 * LAB_MS)) /* a pause may take this much longer */

enum word_letter {
	WORD_CONNECT,
	WORD_ACCEPT,
	WORD_RECV,
	WORD_SEND,
	WORD_SHUT_RD,
	WORD_SHUT_WR,
	WORD_SHUT_RDWR,
	WORD_CLOSE,
	WORD_ABORT, /* close with linger 0 */
	WORD_SYN,
	WORD_SYN_ACK,
	WORD_ACK, /* of everything */
	WORD_DATA,
	WORD_FIN,
	WORD_RST,
	WORD_ALPHABET,
};

extern const char *const word_names[WORD_ALPHABET];

/* struct word_situation - @listens: there is a listener, else a fresh socket; then @before, ended by WORD_ALPHABET */
struct word_situation {
	const char *name;
	bool listens;
	enum word_letter before[8];
};

extern const struct word_situation word_situations[];
extern const size_t word_n_situations;

/**
 * struct word - one sequence being spoken
 * @port:      the side's port of the connection spoken of; @peer_port: ours
 * @listener, @fd: the side's descriptors, -1: none
 * @seq:       our next number; @spoke: we have sent a SYN
 * @heard_end: behind the highest number that the side has sent
 * @text:      what came of it so far
 */
struct word {
	const struct word_situation *situation;
	enum word_letter letters[WORD_LETTERS];
	unsigned length;

	uint16_t first_port, port, peer_port;
	int listener, fd;
	uint32_t seq, heard_end;
	bool spoke, heard;
	struct lab_flows flows;
	char text[WORD_TEXT];
};

/* ------------------------------------------------------------------ letters.c */

struct word_stage {
	struct drill_side *side;
	struct drill_net net;
};

/* Makes the word's first socket. */
void word_begin(struct word *word, struct word_stage *stage);
void word_speak(struct word *word, struct word_stage *stage, enum word_letter letter);
/* The side has sent this on one of the word's ports. */
void word_hear(struct word *word, const struct lab_segment *seg);
/* Puts down how its sockets stand. */
void word_look(struct word *word, struct word_stage *stage);
void word_end(struct word *word);

/* ------------------------------------------------------------------ batch.c */

enum word_side { WORD_LASTACK, WORD_LINUX };

enum words_outcome {
	WORDS_SPOKEN,
	WORDS_LATE,	  /* but the machine was too busy to count on it */
	WORDS_NOT_SPOKEN, /* a message was written to stderr */
};

/* Speaks @n words at once, of one situation and one length. */
enum words_outcome words_play(enum word_side side, struct word *words, size_t n);

#endif
