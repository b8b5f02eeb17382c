// SPDX-License-Identifier: MIT
/*
 * tests/words/batch.c - many words side by side on one machine
 *
 *	for each letter:  every word speaks - the pause - frames that left go to the word with their ports - every word looks
 *
 * The machine is a side of drill/backend.h, made for the batch. Every word has PORTS of its own (each connect() of a
 * fresh socket takes the next), so that words do not meet.
 */
#include "tests/words/words.h"

#include "host/drill/drill.h"
#include "lab/drill.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define FIRST_PORT 2000
#define PORTS	   8
#define PEER_PORT  5000

static bool open_stage(enum word_side which, struct word_stage *stage)
{
	struct drill_text why = {{0}};
	struct drill_net *net = &stage->net;

	*net = (struct drill_net){.family = DRILL_IPV4, .mtu = 1500, .prefix = 16};
	inet_pton(AF_INET6, "::ffff:192.168.0.1", net->local);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", net->remote);
	inet_pton(AF_INET6, "::ffff:192.168.0.2", net->gateway);
	stage->side = NULL;
	if (which == WORD_LASTACK)
		stage->side = lab_drill_open(net, NULL, &why);
	else
		host_drill_open(net, &stage->side, &why);
	if (!stage->side)
		fprintf(stderr, "words: no machine to play on: %s\n", why.text);
	return stage->side;
}

/* What a busy machine and another default would change. */
static bool settle(struct word_stage *stage)
{
	static const char *const settings[][2] = {
		{"net.ipv4.tcp_congestion_control", "reno"},
		{"net.ipv4.tcp_rmem", "4096 131072 6291456"},
		{"net.ipv4.tcp_wmem", "4096 65536 4194304"},
		{"net.ipv4.tcp_timestamps", "0"},
	};
	struct drill_text why;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!stage->side->ops->sysctl(stage->side, settings[i][0], settings[i][1], &why)) {
			fprintf(stderr, "words: %s: %s\n", settings[i][0], why.text);
			return false;
		}
	return true;
}

/* Frames that left until @until_ns, each to its word. */
static void listen_until(struct word_stage *stage, struct word *words, size_t n, int64_t until_ns)
{
	static struct drill_frame frame;
	struct lab_segment seg;

	while (stage->side->ops->next(stage->side, &frame, until_ns)) {
		size_t i;

		if (!lab_segment_read(&seg, frame.bytes, frame.len) || seg.protocol != IPPROTO_TCP)
			continue;
		i = (size_t)(seg.sport - FIRST_PORT) / PORTS;
		if (seg.sport >= FIRST_PORT && i < n)
			word_hear(&words[i], &seg);
	}
}

/* @letter counts those of the situation too. False: the word has no such letter. */
static bool letter_at(const struct word *word, unsigned letter, enum word_letter *which, bool *before)
{
	unsigned n = 0;

	while (word->situation->before[n] != WORD_ALPHABET)
		n++;
	*before = letter < n;
	if (letter >= n + word->length)
		return false;
	*which = letter < n ? word->situation->before[letter] : word->letters[letter - n];
	return true;
}

/*
 * All words are equally far: they have one situation and one length. False: the machine was so busy that a pause took
 * much longer than it should, and what fell into it may be a retransmission.
 */
static bool play(struct word_stage *stage, struct word *words, size_t n)
{
	enum word_letter letter;
	bool before, on_time = true;

	for (size_t i = 0; i < n; i++) {
		words[i].first_port = (uint16_t)(FIRST_PORT + PORTS * i);
		words[i].peer_port = PEER_PORT;
		word_begin(&words[i], stage);
	}
	for (unsigned k = 0; letter_at(&words[0], k, &letter, &before); k++) {
		int64_t begun_ns = stage->side->ops->now(stage->side), until_ns;

		for (size_t i = 0; i < n; i++) {
			letter_at(&words[i], k, &letter, &before);
			word_speak(&words[i], stage, letter);
		}
		until_ns = begun_ns + (before ? WORD_STEP_NS : WORD_PAUSE_NS);
		listen_until(stage, words, n, until_ns);
		for (size_t i = 0; i < n; i++)
			word_look(&words[i], stage);
		on_time = on_time && stage->side->ops->now(stage->side) < until_ns + WORD_LATE_NS;
	}
	return on_time;
}

/* What the side has found wrong with itself, such as a broken invariant, goes to stderr. */
static bool is_sound(struct word_stage *stage, const struct word *first)
{
	const char *fault = stage->side->ops->fault ? stage->side->ops->fault(stage->side) : NULL;

	if (fault)
		fprintf(stderr, "words: %s, among the words next to %s:%s\n", fault, first->situation->name, first->text);
	return !fault;
}

enum words_outcome words_play(enum word_side side, struct word *words, size_t n)
{
	struct word_stage stage;
	enum words_outcome outcome = WORDS_NOT_SPOKEN;

	if (!open_stage(side, &stage))
		return outcome;
	if (settle(&stage))
		outcome = play(&stage, words, n) ? WORDS_SPOKEN : WORDS_LATE;
	if (!is_sound(&stage, words))
		outcome = WORDS_NOT_SPOKEN;
	for (size_t i = 0; i < n; i++)
		word_end(&words[i]);
	stage.side->ops->close(stage.side);
	return outcome;
}
