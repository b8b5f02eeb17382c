// SPDX-License-Identifier: MIT
/*
 * tests/words/main.c - words: all short sequences of what program and peer can do
 *
 *	words check FOLDER                         Lastack against the sums of the kernel's accounts in FOLDER; TAP
 *	words record FOLDER [SITUATION...]         asks the running kernel again and writes FOLDER
 *	words show SITUATION LETTER...             one word, on both sides
 *	words explore LENGTH                       all words of five or six letters on Lastack alone, its invariants checked
 *
 * All words of four letters are spoken, and with them their beginnings of one to three. A file has a line for each two letters
 * and on it a sum for each third: of the accounts of the words that begin so, whatever their last letter.
 */
#include "tests/grid/work.h"
#include "tests/words/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define LENGTH	  4
#define A	  WORD_ALPHABET
#define LINES	  (A * A)     /* a batch: all words with the same first two letters */
#define WORDS	  (A + A * A + A * A * A + A * A * A * A)
#define RECORDERS 4
#define CHECKERS  2
#define TRIES	  12

/* struct sums - of one situation; sum[two letters][third] */
struct sums {
	char kernel[80];
	uint32_t sum[LINES][A];
	bool known[LINES];
};

static void sum_text(uint32_t *sum, const char *text)
{
	for (; *text; text++)
		*sum = (*sum ^ (uint8_t)*text) * 16777619U;
}

/* ------------------------------------------------------------------ a batch */

static void spell(struct word *word, const struct word_situation *situation, unsigned line, unsigned third, unsigned last)
{
	memset(word, 0, sizeof(*word));
	word->situation = situation;
	word->length = LENGTH;
	word->letters[0] = line / A;
	word->letters[1] = line % A;
	word->letters[2] = third;
	word->letters[3] = last;
}

static struct word *batch_new(const struct word_situation *situation, unsigned line)
{
	struct word *words = calloc(A * A, sizeof(*words));

	if (!words)
		abort();
	for (unsigned i = 0; i < A * A; i++)
		spell(&words[i], situation, line, i / A, i % A);
	return words;
}

/*
 * The kernel speaks all words of a line at once, since its pauses are real; Lastack those of a group, since it checks its
 * invariants after each step, over all that it holds.
 */
static enum words_outcome play_line(enum word_side side, struct word *words)
{
	enum words_outcome outcome = WORDS_SPOKEN;

	if (side == WORD_LINUX)
		return words_play(side, words, A * A);
	for (unsigned third = 0; third < A && outcome == WORDS_SPOKEN; third++)
		outcome = words_play(side, words + third * A, A);
	return outcome;
}

static enum words_outcome sum_line(enum word_side side, const struct word_situation *situation, unsigned line,
				   uint32_t sum[A])
{
	struct word *words = batch_new(situation, line);
	enum words_outcome outcome = play_line(side, words);

	for (unsigned third = 0; third < A; third++) {
		sum[third] = 2166136261U;
		for (unsigned last = 0; last < A; last++)
			sum_text(&sum[third], words[third * A + last].text);
	}
	free(words);
	return outcome;
}

struct task {
	enum word_side side;
	const struct word_situation *situation;
	struct sums *sums;
};

static void put_sums(char text[WORK_TEXT], const uint32_t sum[A])
{
	size_t len = 0;

	for (unsigned i = 0; i < A; i++)
		len += (size_t)snprintf(text + len, WORK_TEXT - len, " %08x", sum[i]);
}

static bool get_sums(const char *text, uint32_t sum[A])
{
	int skip;

	for (unsigned i = 0; i < A; i++, text += skip)
		if (sscanf(text, " %8x%n", &sum[i], &skip) != 1)
			return false;
	return true;
}

static void check_job(void *arg, size_t line, char answer[WORK_TEXT])
{
	const struct task *task = arg;
	uint32_t sum[A];

	if (sum_line(task->side, task->situation, (unsigned)line, sum) == WORDS_SPOKEN)
		put_sums(answer, sum);
}

/* On a busy machine an answer may fall behind the next letter: a sum counts when it came out twice, both times without delay. */
static void record_job(void *arg, size_t line, char answer[WORK_TEXT])
{
	const struct task *task = arg;
	uint32_t runs[TRIES][A], sum[A];
	bool settled[A] = {false};
	unsigned open = A, n = 0;

	for (unsigned tries = 0; tries < TRIES && open; tries++) {
		enum words_outcome outcome = sum_line(task->side, task->situation, (unsigned)line, runs[n]);

		if (outcome == WORDS_NOT_SPOKEN)
			return;
		if (outcome == WORDS_LATE)
			continue;
		for (unsigned i = 0; i < A; i++)
			for (unsigned before = 0; before < n && !settled[i]; before++)
				if (runs[before][i] == runs[n][i]) {
					settled[i] = true;
					sum[i] = runs[n][i];
					open--;
				}
		n++;
	}
	if (!open)
		put_sums(answer, sum);
}

static void done(void *arg, size_t line, const char *answer)
{
	struct task *task = arg;

	task->sums->known[line] = get_sums(answer, task->sums->sum[line]);
}

/* ------------------------------------------------------------------ files */

static FILE *open_sums(const struct word_situation *situation, const char *folder, const char *mode)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.txt", folder, situation->name);
	file = fopen(path, mode);
	if (!file)
		perror(path);
	return file;
}

static bool write_sums(const struct word_situation *situation, const struct sums *sums, const char *folder)
{
	FILE *file = open_sums(situation, folder, "w");
	char text[WORK_TEXT];

	if (!file)
		return false;
	fprintf(file, "# %s\n", sums->kernel);
	for (unsigned line = 0; line < LINES; line++) {
		put_sums(text, sums->sum[line]);
		fprintf(file, "%s %s%s\n", word_names[line / A], word_names[line % A], text);
	}
	return fclose(file) == 0;
}

static bool read_sums(const struct word_situation *situation, struct sums *sums, const char *folder)
{
	FILE *file = open_sums(situation, folder, "r");
	char text[WORK_TEXT], name[60];
	unsigned line = 0;

	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		snprintf(sums->kernel, sizeof(sums->kernel), "%.70s", text + 2);
	for (; line < LINES && fgets(text, sizeof(text), file); line++) {
		int len = snprintf(name, sizeof(name), "%s %s", word_names[line / A], word_names[line % A]);

		if (strncmp(text, name, (size_t)len) || !get_sums(text + len, sums->sum[line]))
			break;
	}
	fclose(file);
	if (line < LINES)
		fprintf(stderr, "%s/%s.txt:%u: not what `words record` writes; record it again\n", folder,
			situation->name, line + 2);
	return line == LINES;
}

/* ------------------------------------------------------------------ check, record */

static size_t compare(const struct word_situation *situation, const struct sums *book, const struct sums *seen)
{
	size_t differ = 0;

	for (unsigned line = 0; line < LINES; line++)
		for (unsigned third = 0; third < A; third++) {
			if (seen->known[line] && book->sum[line][third] == seen->sum[line][third])
				continue;
			if (differ++ < 5)
				printf("# differs: words show %s '%s' '%s' '%s'\n", situation->name, word_names[line / A],
				       word_names[line % A], word_names[third]);
		}
	return differ;
}

static size_t check_situation(const struct word_situation *situation, const char *folder)
{
	struct sums *book = calloc(2, sizeof(*book)), *seen = book + 1;
	struct task task = {.side = WORD_LASTACK, .situation = situation, .sums = seen};
	size_t differ = LINES * A;

	if (!book)
		abort();
	if (read_sums(situation, book, folder) && work(LINES, CHECKERS, check_job, done, &task))
		differ = compare(situation, book, seen);
	free(book);
	return differ;
}

static int check(const char *folder)
{
	size_t all = 0;

	printf("TAP version 13\n1..%zu\n", word_n_situations);
	for (size_t i = 0; i < word_n_situations; i++) {
		size_t differ = check_situation(&word_situations[i], folder);

		printf("%sok %zu - words from %s: %d words, %zu of %d groups differ\n", differ ? "not " : "", i + 1,
		       word_situations[i].name, WORDS, differ, LINES * A);
		fflush(stdout);
		all += differ;
	}
	printf("# %zu words of up to %d letters, %zu groups differ from Linux\n", word_n_situations * WORDS, LENGTH, all);
	return all ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool record_situation(const struct word_situation *situation, const char *folder)
{
	struct sums *sums = calloc(1, sizeof(*sums));
	struct task task = {.side = WORD_LINUX, .situation = situation, .sums = sums};
	struct utsname kernel;
	unsigned missing = 0;
	bool well;

	if (!sums)
		abort();
	uname(&kernel);
	snprintf(sums->kernel, sizeof(sums->kernel), "%.20s %.40s", kernel.sysname, kernel.release);
	well = work(LINES, RECORDERS, record_job, done, &task);
	for (unsigned line = 0; line < LINES; line++)
		if (!sums->known[line] && missing++ < 5)
			printf("# no answer twice: %s %s %s ...\n", situation->name, word_names[line / A],
			       word_names[line % A]);
	well = well && !missing && write_sums(situation, sums, folder);
	printf("%s: %d words, %u of %d lines without an answer that came twice\n", situation->name, WORDS, missing,
	       LINES);
	fflush(stdout);
	free(sums);
	return well;
}

static int record(const char *folder, char **names, int n)
{
	bool well = true;

	for (size_t i = 0; i < word_n_situations; i++) {
		bool wanted = n == 0;

		for (int k = 0; k < n; k++)
			wanted = wanted || !strcmp(names[k], word_situations[i].name);
		if (wanted)
			well = record_situation(&word_situations[i], folder) && well;
	}
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ------------------------------------------------------------------ show */

static const struct word_situation *find_situation(const char *name)
{
	for (size_t i = 0; i < word_n_situations; i++)
		if (!strcmp(word_situations[i].name, name))
			return &word_situations[i];
	return NULL;
}

static bool read_word(struct word *word, char **names, int n)
{
	memset(word, 0, sizeof(*word));
	word->situation = find_situation(names[0]);
	for (int i = 1; i < n; i++) {
		unsigned letter = 0;

		while (letter < A && strcmp(names[i], word_names[letter]))
			letter++;
		if (letter == A || word->length == WORD_LETTERS)
			return false;
		word->letters[word->length++] = letter;
	}
	return word->situation;
}

/* A word of three letters may stand for its group: the first fourth letter with which the sides differ is shown. */
static int show(char **names, int n)
{
	static struct word spoken, linux_word, lastack_word;
	unsigned tries = 1;

	if (!read_word(&spoken, names, n)) {
		fprintf(stderr, "words: there is no such situation or letter\n");
		return 2;
	}
	if (spoken.length == LENGTH - 1) {
		spoken.length = LENGTH;
		tries = A;
	}
	for (unsigned last = 0; last < tries; last++) {
		if (tries > 1)
			spoken.letters[LENGTH - 1] = last;
		linux_word = lastack_word = spoken;
		if (words_play(WORD_LINUX, &linux_word, 1) == WORDS_NOT_SPOKEN ||
		    words_play(WORD_LASTACK, &lastack_word, 1) == WORDS_NOT_SPOKEN)
			return 2;
		if (last == tries - 1 || strcmp(linux_word.text, lastack_word.text))
			break;
	}
	printf("Linux:%s\n\nLastack:%s\n\n%s\n", linux_word.text, lastack_word.text,
	       strcmp(linux_word.text, lastack_word.text) ? "They differ." : "They are equal.");
	return EXIT_SUCCESS;
}

/* ------------------------------------------------------------------ explore */

struct exploration {
	const struct word_situation *situation;
	unsigned length;
	size_t spoken;
};

/* All words with the same letters but the last two. */
static void explore_job(void *arg, size_t prefix, char answer[WORK_TEXT])
{
	const struct exploration *exploration = arg;
	struct word *words = batch_new(exploration->situation, 0);
	unsigned length = exploration->length;

	for (unsigned i = 0; i < A * A; i++) {
		size_t rest = prefix;

		words[i].length = length;
		words[i].letters[length - 1] = i % A;
		words[i].letters[length - 2] = i / A;
		for (unsigned k = length - 2; k-- > 0; rest /= A)
			words[i].letters[k] = rest % A;
	}
	if (play_line(WORD_LASTACK, words) == WORDS_SPOKEN)
		strcpy(answer, "spoken");
	free(words);
}

static void explored(void *arg, size_t prefix, const char *answer)
{
	struct exploration *exploration = arg;

	(void)prefix;
	exploration->spoken += answer[0] ? A * A : 0;
}

/* A broken invariant is named, and its batch counts as not spoken. */
static int explore(unsigned length)
{
	size_t prefixes = 1;
	bool well = true;

	if (length <= LENGTH || length > WORD_LETTERS) {
		fprintf(stderr, "words: explore takes %d to %d letters\n", LENGTH + 1, WORD_LETTERS);
		return 2;
	}
	for (unsigned i = 2; i < length; i++)
		prefixes *= A;
	printf("TAP version 13\n1..%zu\n", word_n_situations);
	for (size_t i = 0; i < word_n_situations; i++) {
		struct exploration exploration = {.situation = &word_situations[i], .length = length};
		bool spoken = work(prefixes, CHECKERS, explore_job, explored, &exploration) &&
			      exploration.spoken == prefixes * A * A;

		printf("%sok %zu - words of %u letters from %s: %zu spoken\n", spoken ? "" : "not ", i + 1, length,
		       word_situations[i].name, exploration.spoken);
		fflush(stdout);
		well = well && spoken;
	}
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "record"))
		return record(argv[2], argv + 3, argc - 3);
	if (argc >= 3 && !strcmp(argv[1], "show"))
		return show(argv + 2, argc - 2);
	if (argc == 3 && !strcmp(argv[1], "explore"))
		return explore((unsigned)atoi(argv[2]));
	fprintf(stderr, "usage: words check FOLDER | record FOLDER [SITUATION...] | show SITUATION LETTER... | explore LENGTH\n");
	return 2;
}
