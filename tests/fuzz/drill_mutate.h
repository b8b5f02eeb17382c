/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/drill_mutate.h - scripts that nobody would write: pieces are cut, doubled, swapped between scripts, and bytes and
 * words of the language put in between
 *
 * The same state of chance makes the same mutant.
 */
#ifndef TESTS_FUZZ_DRILL_MUTATE_H
#define TESTS_FUZZ_DRILL_MUTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 1 << 16, MAX_SEEDS = 1024 };

/* clang-format off */
static const char *const words[] = {
	"...", "{", "}", "[", "]", "(", ")", "<", ">", "|", "=", ",", "~", "*", "+", "-", "`", "\"", "%{", "}%",
	"//", "/*", "*/", "\n", "\\", ".", ":", " 0x", "--", "0", "1", "65535", "4294967296", "9223372036854775807",
	".000000001", "ack", "win", "mss", "nop", "sack", "TS val", "ECN", "FO", "md5", "icmp", "udp", "tos", "fd=",
	"events=", "msg_iov(1)=", "onoff=1", "EAGAIN", "SOL_SOCKET", "htons(", "--define=A=", "A",
	"// needs-sysctl: a=",
};
/* clang-format on */

struct seeds {
	const char *text[MAX_SEEDS];
	size_t length[MAX_SEEDS];
	unsigned n;
};

static inline uint32_t draw(uint64_t *state, size_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)((*state >> 33) % below) : 0;
}

/* @piece instead of @cut bytes at @at; what would grow too long stays as it is. */
static inline size_t replace(char *text, size_t length, size_t at, size_t cut, const char *piece, size_t n)
{
	if (length - cut + n > MAX_TEXT)
		return length;
	memmove(text + at + n, text + at + cut, length - at - cut);
	memcpy(text + at, piece, n);
	return length - cut + n;
}

static inline size_t mutate(const struct seeds *seeds, char *text, size_t length, uint64_t *state)
{
	size_t at = draw(state, length + 1);
	size_t cut = draw(state, length - at + 1);
	unsigned other = draw(state, seeds->n);
	const char *word = words[draw(state, sizeof(words) / sizeof(words[0]))];
	char piece[64];
	size_t n;

	switch (draw(state, 5)) {
	case 0:
		piece[0] = (char)draw(state, 256);
		return replace(text, length, at, at < length, piece, 1);
	case 1:
		return replace(text, length, at, cut % 32, "", 0);
	case 2:
		n = cut < sizeof(piece) ? cut : sizeof(piece);
		memcpy(piece, text + at, n);
		return replace(text, length, draw(state, length + 1), 0, piece, n);
	case 3:
		at = draw(state, seeds->length[other]);
		n = draw(state, seeds->length[other] - at);
		return replace(text, length, draw(state, length + 1), 0, seeds->text[other] + at, n % 200);
	default:
		return replace(text, length, at, cut < 8 ? cut : 0, word, strlen(word));
	}
}

/* One mutant of one of the seeds, into @text of MAX_TEXT bytes; gives its length. */
static inline size_t mutant(const struct seeds *seeds, char *text, uint64_t *state)
{
	unsigned seed = draw(state, seeds->n);
	size_t length = seeds->length[seed];

	memcpy(text, seeds->text[seed], length);
	for (unsigned i = draw(state, 4) + 1; i; i--)
		length = mutate(seeds, text, length, state);
	return length;
}

/* False: the file cannot be read, or there are too many. */
static inline bool add_file(struct seeds *seeds, const char *name)
{
	char *text = malloc(MAX_TEXT);
	FILE *file = fopen(name, "r");

	if (!file || !text || seeds->n == MAX_SEEDS) {
		if (file)
			fclose(file);
		free(text);
		return false;
	}
	seeds->length[seeds->n] = fread(text, 1, MAX_TEXT, file);
	seeds->text[seeds->n++] = text;
	fclose(file);
	return true;
}

#endif
