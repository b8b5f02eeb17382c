/* SPDX-License-Identifier: MIT */
/*
 * tests/stories/stories.h - long random sequences of what program and peer can do, on the kernel and on Lastack
 *
 *	write.c   a story from a seed: what is agreed on, and a dozen steps
 *	tell.c    many stories side by side on one machine, step by step; each puts down what came of it
 *	main.c    both machines tell the same stories; where the accounts differ
 *
 * Words (tests/words) are short and complete; stories are long, and richer in what a step can be: any flags, numbers before, at and
 * behind where they belong, closed windows, old time stamps, urgent data, options. Nobody knows beforehand what is right: the kernel
 * is asked.
 */
#ifndef TESTS_STORIES_H
#define TESTS_STORIES_H

#include "drill/backend.h"
#include "lab/frame.h"

#include <sys/socket.h>

#define STORY_STEPS 24
#define STORY_TEXT  12000

enum deed {
	DEED_NOTHING,
	DEED_CONNECT, /* the socket there is, or a new one */
	DEED_ACCEPT,
	DEED_RECV,
	DEED_SEND,
	DEED_SHUTDOWN,
	DEED_CLOSE,
	DEED_ABORT,	 /* close() with linger 0 */
	DEED_DISCONNECT, /* connect(AF_UNSPEC) */
	DEED_LISTEN,
	DEED_SET,
	DEED_ERROR, /* SO_ERROR */
	DEED_SEGMENT,
	DEED_ICMP, /* an error about the side's last segment */
	DEEDS,
};

enum seq_kind { SEQ_NEXT, SEQ_BEFORE, SEQ_AGAIN, SEQ_OVERLAP, SEQ_HOLE, SEQ_OLD, SEQ_FAR, SEQ_KINDS };
enum ack_kind { ACK_ALL, ACK_SAME, ACK_HALF, ACK_OLD, ACK_BEYOND, ACK_KINDS };
enum window_kind { WINDOW_OPEN, WINDOW_SMALL, WINDOW_TINY, WINDOW_ZERO, WINDOW_KINDS };
enum stamp_kind { STAMP_NOW, STAMP_OLD, STAMP_ABSENT, STAMP_WRONG_ECHO, STAMP_KINDS };

/**
 * struct step - of program or peer
 * @number: bytes of RECV and SEND, "how" of SHUTDOWN, backlog of LISTEN, which one of SET and ICMP, payload of a segment
 * @flags:  of RECV and SEND, of a segment
 */
struct step {
	enum deed deed;
	int number, flags;
	enum seq_kind seq;
	enum ack_kind ack;
	enum window_kind window;
	enum stamp_kind stamp;
	uint16_t urgent;
};

/**
 * struct story - one connection's
 * @sack, @stamps, @scale, @mss: what the peer offers
 * @first_port: the first of STORY_PORTS that are the side's; @port: of the connection told of
 * @next, @last_len: our next number, and how long our last segment with text was; @acked: what we acknowledged last
 * @heard_end:  behind the highest number that the side has sent; @una: the one with which it began
 * @clock, @echo: our time stamp, and the side's newest
 * @held:       a segment of the side's that the next one may continue
 * @last:       the beginning of the last packet that the side sent, and its length
 */
struct story {
	uint64_t seed;
	bool listens, sack, stamps, scale;
	uint16_t mss;
	struct step steps[STORY_STEPS];
	unsigned n;

	uint16_t first_port, port, peer_port;
	int listener, fd;
	uint32_t next, last_len, acked, heard_end, una, clock, echo;
	bool spoke, heard, holds;
	struct lab_segment held;
	uint8_t held_options[40], last[128];
	size_t last_size;
	struct lab_flows flows;
	char text[STORY_TEXT];
};

#define STORY_PORTS 8

#define STORY_ICMPS 4

/* write.c: an option that a program sets, by its number; false: there are no more */
bool story_option(unsigned which, int *level, int *name, int *value, const char **text);
/* The same seed and length give the same story. */
void story_write(struct story *story, uint64_t seed, unsigned steps);
/* "seg FA +100 hole ack half win 0" */
void step_text(const struct step *step, char *text, size_t size);

/* tell.c */
enum story_side { STORY_LASTACK, STORY_LINUX };
/* Tells @n stories at once; @pause_ms[k] follows step k. False: there is no machine, or it found itself broken. */
bool stories_tell(enum story_side side, sa_family_t family, struct story *stories, size_t n, const unsigned *pause_ms);

#endif
