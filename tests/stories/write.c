// SPDX-License-Identifier: MIT
/*
 * tests/stories/write.c - a story from a seed
 *
 * It begins with a handshake, mostly a whole one; what follows leans towards what makes sense, so that connections live long enough
 * for the rest to matter.
 */
#include "tests/stories/stories.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ------------------------------------------------------------------ chance */

static uint64_t draw(uint64_t *seed) /* splitmix64 */
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *seed, unsigned n)
{
	return (unsigned)(draw(seed) % n);
}

static bool one_in(uint64_t *seed, unsigned n)
{
	return below(seed, n) == 0;
}

/* The index of one of @n weights. */
static unsigned weighed(uint64_t *seed, const unsigned *weights, unsigned n)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < n; i++)
		sum += weights[i];
	at = below(seed, sum);
	for (unsigned i = 0;; at -= weights[i++])
		if (at < weights[i])
			return i;
}

/* ------------------------------------------------------------------ options */

static const struct option {
	const char *text;
	int level, name, value;
} options[] = {
	{"nodelay", IPPROTO_TCP, TCP_NODELAY, 1},
	{"delay", IPPROTO_TCP, TCP_NODELAY, 0},
	{"cork", IPPROTO_TCP, TCP_CORK, 1},
	{"uncork", IPPROTO_TCP, TCP_CORK, 0},
	{"quickack", IPPROTO_TCP, TCP_QUICKACK, 1},
	{"no quickack", IPPROTO_TCP, TCP_QUICKACK, 0},
	{"linger2 1 s", IPPROTO_TCP, TCP_LINGER2, 1},
	{"linger2 -1", IPPROTO_TCP, TCP_LINGER2, -1},
	{"user timeout 300 ms", IPPROTO_TCP, TCP_USER_TIMEOUT, 300},
	{"maxseg 500", IPPROTO_TCP, TCP_MAXSEG, 500},
	{"lowat 150", SOL_SOCKET, SO_RCVLOWAT, 150},
	{"oob in line", SOL_SOCKET, SO_OOBINLINE, 1},
	{"sndbuf 3000", SOL_SOCKET, SO_SNDBUF, 3000},
	{"keepidle 1 s", IPPROTO_TCP, TCP_KEEPIDLE, 1},
	{"keepalive", SOL_SOCKET, SO_KEEPALIVE, 1},
	{"defer accept", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1},
	{"notsent lowat 100", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 100},
};

bool story_option(unsigned which, int *level, int *name, int *value, const char **text)
{
	const struct option *option = &options[which];

	if (which >= sizeof(options) / sizeof(options[0]))
		return false;
	*level = option->level;
	*name = option->name;
	*value = option->value;
	*text = option->text;
	return true;
}

/* ------------------------------------------------------------------ steps */

static const struct step syn = {.deed = DEED_SEGMENT, .flags = LAB_SYN};
static const struct step syn_ack = {.deed = DEED_SEGMENT, .flags = LAB_SYN | LAB_ACK};
static const struct step ack = {.deed = DEED_SEGMENT, .flags = LAB_ACK};
static const struct step connecting = {.deed = DEED_CONNECT};
static const struct step accepting = {.deed = DEED_ACCEPT};

static void add(struct story *story, struct step step)
{
	if (story->n < STORY_STEPS)
		story->steps[story->n++] = step;
}

static struct step segment(uint64_t *seed)
{
	static const uint8_t flags[] = {
		LAB_ACK, LAB_ACK | LAB_PSH,	     LAB_FIN | LAB_ACK, LAB_SYN,	   LAB_SYN | LAB_ACK,
		LAB_RST, LAB_RST | LAB_ACK,	     LAB_ACK | LAB_URG, LAB_SYN | LAB_FIN, 0,
		LAB_FIN, LAB_FIN | LAB_ACK | LAB_URG};
	static const unsigned flag_weights[] = {30, 24, 12, 3, 3, 2, 2, 4, 1, 1, 1, 1};
	static const unsigned seqs[SEQ_KINDS] = {24, 3, 4, 3, 5, 2, 1};
	static const unsigned acks[ACK_KINDS] = {26, 4, 5, 2, 2};
	static const unsigned windows[WINDOW_KINDS] = {20, 2, 2, 3};
	static const unsigned stamps[STAMP_KINDS] = {24, 2, 2, 1};
	static const int lengths[] = {0, 1, 100, 100, 100, 536, 1000};
	struct step step = {
		.deed = DEED_SEGMENT,
		.flags = flags[weighed(seed, flag_weights, sizeof(flags))],
		.seq = weighed(seed, seqs, SEQ_KINDS),
		.ack = weighed(seed, acks, ACK_KINDS),
		.window = weighed(seed, windows, WINDOW_KINDS),
		.stamp = weighed(seed, stamps, STAMP_KINDS),
		.number = lengths[below(seed, sizeof(lengths) / sizeof(lengths[0]))],
	};

	if (step.flags & (LAB_SYN | LAB_RST))
		step.number = one_in(seed, 4) ? step.number : 0;
	if (step.flags & LAB_PSH && !step.number)
		step.number = 100;
	if (step.flags == LAB_ACK && one_in(seed, 2))
		step.number = 0;
	if (step.flags & LAB_URG)
		step.urgent = (uint16_t)below(seed, (unsigned)step.number + 3);
	return step;
}

static struct step deed(uint64_t *seed)
{
	static const unsigned weights[DEEDS] = {
		[DEED_CONNECT] = 2, [DEED_ACCEPT] = 3,	 [DEED_RECV] = 14,	[DEED_SEND] = 18,  [DEED_SHUTDOWN] = 7,
		[DEED_CLOSE] = 5,   [DEED_ABORT] = 1,	 [DEED_DISCONNECT] = 1, [DEED_LISTEN] = 1, [DEED_SET] = 8,
		[DEED_ERROR] = 3,   [DEED_SEGMENT] = 60, [DEED_ICMP] = 2,
	};
	static const int recv_lengths[] = {1, 50, 100, 1000, 5000},
			 send_lengths[] = {1, 50, 100, 500, 1500, 3000, 8000};
	static const int recv_flags[] = {0, 0, 0, MSG_PEEK, MSG_OOB, MSG_TRUNC},
			 send_flags[] = {0, 0, 0, 0, MSG_MORE, MSG_OOB, MSG_EOR};
	struct step step = {.deed = weighed(seed, weights, DEEDS)};

	switch (step.deed) {
	case DEED_RECV:
		step.number = recv_lengths[below(seed, 5)];
		step.flags = recv_flags[below(seed, 6)];
		break;
	case DEED_SEND:
		step.number = send_lengths[below(seed, 7)];
		step.flags = send_flags[below(seed, 7)];
		break;
	case DEED_SHUTDOWN:
		step.number = (int)below(seed, 3);
		break;
	case DEED_LISTEN:
		step.number = (int)below(seed, 3);
		break;
	case DEED_SET:
		step.number = (int)below(seed, sizeof(options) / sizeof(options[0]));
		break;
	case DEED_ICMP:
		step.number = (int)below(seed, STORY_ICMPS);
		break;
	case DEED_SEGMENT:
		return segment(seed);
	default:
		break;
	}
	return step;
}

static void handshake(struct story *story, uint64_t *seed)
{
	unsigned kind = below(seed, 10);

	story->listens = kind < 6;
	if (kind < 5) { /* whole */
		add(story, syn);
		add(story, ack);
		add(story, accepting);
	} else if (kind < 6) { /* half */
		add(story, syn);
	} else if (kind < 8) {
		add(story, connecting);
		add(story, syn_ack);
	} else if (kind < 9) {
		add(story, connecting);
	} /* else whatever comes */
}

void story_write(struct story *story, uint64_t seed, unsigned steps)
{
	memset(story, 0, offsetof(struct story, text));
	story->text[0] = 0;
	story->seed = seed;
	story->sack = one_in(&seed, 4);
	story->stamps = one_in(&seed, 2);
	story->scale = one_in(&seed, 2);
	story->mss = (uint16_t[]){536, 1000, 1460}[below(&seed, 3)];
	handshake(story, &seed);
	/* all stories of a batch are equally long: who begins with less does more behind it */
	while (story->n < steps)
		add(story, deed(&seed));
}

/* ------------------------------------------------------------------ as text */

void step_text(const struct step *step, char *text, size_t size)
{
	static const char *const names[DEEDS] = {"nothing",  "connect", "accept", "recv",	"send",
						 "shutdown", "close",	"abort",  "disconnect", "listen",
						 "set",	     "error",	"seg",	  "icmp"};
	static const char *const seqs[] = {"", " before", " again", " overlap", " hole", " old", " far"};
	static const char *const acks[] = {"", " ack same", " ack half", " ack old", " ack beyond"};
	static const char *const windows[] = {"", " win small", " win tiny", " win 0"};
	static const char *const stamps[] = {"", " ts old", " ts absent", " ts echo wrong"};
	int level, name, value;
	const char *option;

	if (step->deed == DEED_SET && story_option((unsigned)step->number, &level, &name, &value, &option)) {
		snprintf(text, size, "set %s", option);
	} else if (step->deed == DEED_SEGMENT) {
		size_t len = 0;
		char flags[8];

		for (unsigned i = 0; i < 6; i++)
			if (step->flags & 1 << i)
				flags[len++] = "FSRPAU"[i];
		flags[len] = 0;
		snprintf(text, size, "seg %s +%d%s%s%s%s urg %u", len ? flags : "-", step->number, seqs[step->seq],
			 acks[step->ack], windows[step->window], stamps[step->stamp], step->urgent);
	} else {
		snprintf(text, size, "%s %d%s%s%s%s%s", names[step->deed], step->number,
			 step->flags & MSG_PEEK ? " peek" : "", step->flags & MSG_OOB ? " oob" : "",
			 step->flags & MSG_TRUNC ? " trunc" : "", step->flags & MSG_MORE ? " more" : "",
			 step->flags & MSG_EOR ? " eor" : "");
	}
}
