// SPDX-License-Identifier: MIT
/*
 * tests/grid/segments.c - the segments of the grid, and a cell as a script
 *
 *	sysctls - the situation's lines - one segment - a pause - one last call whose outcome is not asked for but recorded
 *
 * The last call fails its line more often than not: its expectation is a guess, and nobody looks at the verdict.
 */
#include "tests/grid/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD 100
#define STEP	1000   /* how far "left" and "right" are from the window */
#define STALE	100000 /* more than the largest window that the peer ever had: RFC 5961 5.2 */

const struct grid_segment grid_segments[] = {
	{"SYN", "S", 0, false, true, false},
	{"SYN|ACK", "S.", 0, true, true, false},
	{"ACK", ".", 0, true, false, false},
	{"data", "P.", PAYLOAD, true, false, false},
	{"FIN", "F", 0, false, false, false},
	{"FIN|ACK", "F.", 0, true, false, false},
	{"data+FIN", "FP.", PAYLOAD, true, false, false},
	{"RST", "R", 0, false, false, false},
	{"RST|ACK", "R.", 0, true, false, false},
	{"SYN|FIN", "SF", 0, false, true, false},
	{"none", "-", 0, false, false, false},
	{"URG", "PU.", PAYLOAD, true, false, true},
	{"SYN+data", "S", PAYLOAD, false, true, false},
};
const size_t grid_n_segments = sizeof(grid_segments) / sizeof(grid_segments[0]);
const char *const grid_seq_names[GRID_SEQS] = {"left", "edge-1", "edge", "inside", "right", "beyond-right"};
const char *const grid_ack_names[GRID_ACKS] = {"stale", "old", "una", "nxt", "beyond"};

/* ------------------------------------------------------------------ which cells there are */

static size_t cells_of(const struct grid_segment *segment)
{
	return GRID_SEQS * (segment->ack ? GRID_ACKS : 1);
}

size_t grid_cells(void)
{
	size_t n = 0;

	for (size_t i = 0; i < grid_n_segments; i++)
		n += cells_of(&grid_segments[i]);
	return n * GRID_VARIANTS;
}

bool grid_cell_at(const struct grid_situation *situation, size_t number, struct grid_cell *cell)
{
	size_t rest = number / GRID_VARIANTS;

	for (size_t i = 0; i < grid_n_segments; rest -= cells_of(&grid_segments[i]), i++)
		if (rest < cells_of(&grid_segments[i])) {
			cell->situation = situation;
			cell->segment = &grid_segments[i];
			cell->variant = number % GRID_VARIANTS;
			cell->seq = rest % GRID_SEQS;
			cell->ack = rest / GRID_SEQS;
			return true;
		}
	return false;
}

/* ------------------------------------------------------------------ as text */

/* A script being written. */
struct text {
	char *bytes;
	size_t len, room;
};

static void put(struct text *text, const char *what, size_t len)
{
	if (text->len + len + 1 > text->room) {
		text->room = 2 * (text->len + len + 1);
		text->bytes = realloc(text->bytes, text->room);
		if (!text->bytes)
			abort();
	}
	memcpy(text->bytes + text->len, what, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

/* SACK and time stamps as the variant has them; @val and @ecr are those of the time stamp. */
static void put_options(struct text *script, unsigned variant, bool syn, unsigned val, unsigned ecr)
{
	bool sack = syn && variant & GRID_SACK, ts = variant & GRID_TS;
	char line[100];

	snprintf(line, sizeof(line), "%s%s", syn ? "mss 1460" : "",
		 sack && ts ? ",sackOK" :
		 sack	    ? ",nop,nop,sackOK" :
		 ts && syn  ? ",nop,nop" :
		 ts	    ? "nop,nop" :
			      "");
	put(script, line, strlen(line));
	if (ts) {
		snprintf(line, sizeof(line), ",TS val %u ecr %u", val, ecr);
		put(script, line, strlen(line));
	}
	if (syn)
		put(script, ",nop,wscale 7", 13);
}

/* The clocks as scripts call them: ours in the handshake and later, and the side's. */
enum { FIRST_VAL = 100, LATER_VAL = 200, SIDE_VAL = 300 };

/* `%o` our SYN, `%e` the side's answer to it, `%t` any other segment of ours; `%c` the SYN of a side that connects, which offers all. */
static void put_placeholder(struct text *script, const struct grid_cell *cell, char letter)
{
	static const char offer[] = "mss 1460,sackOK,TS val 300 ecr 0,nop,wscale 7";

	if (letter == 'o')
		put_options(script, cell->variant, true, FIRST_VAL, 0);
	else if (letter == 'e')
		put_options(script, cell->variant, true, SIDE_VAL, FIRST_VAL);
	else if (letter == 'c')
		put(script, offer, sizeof(offer) - 1);
	else
		put_options(script, cell->variant, false, LATER_VAL, SIDE_VAL);
}

static void put_lines(struct text *script, const struct grid_cell *cell, const char *lines)
{
	for (const char *p = lines; *p; p++) {
		if (*p == '%')
			put_placeholder(script, cell, *++p);
		else if (p[0] == ' ' && !strncmp(p, " <%t>", 5) && !(cell->variant & GRID_TS))
			p += 4; /* " <>" says nothing */
		else
			put(script, p, 1);
	}
}

static uint32_t seq_number(const struct grid_cell *cell, const struct grid_place *place)
{
	switch (cell->seq) {
	case GRID_LEFT:
		return place->edge - STEP;
	case GRID_EDGE_1:
		return place->edge - 1;
	case GRID_INSIDE:
		return place->edge + STEP / 2;
	case GRID_RIGHT:
		return place->right;
	case GRID_BEYOND_RIGHT:
		return place->right + STEP;
	default:
		return place->edge;
	}
}

static uint32_t ack_number(const struct grid_cell *cell, const struct grid_place *place)
{
	switch (cell->ack) {
	case GRID_STALE:
		return place->una - STALE;
	case GRID_OLD:
		return place->una - 1;
	case GRID_NXT:
		return place->nxt;
	case GRID_BEYOND:
		return place->nxt + STEP;
	default:
		return place->una;
	}
}

static void put_segment(struct text *script, const struct grid_cell *cell, const struct grid_place *place)
{
	const struct grid_segment *segment = cell->segment;
	uint32_t seq = seq_number(cell, place);
	unsigned variant = cell->variant;
	char line[200], ack[20] = "", urgent[20] = "";

	if (segment->ack)
		snprintf(ack, sizeof(ack), " ack %u", ack_number(cell, place));
	if (segment->urgent)
		snprintf(urgent, sizeof(urgent), " urg %u", PAYLOAD / 2);
	snprintf(line, sizeof(line), "+.01 < %s %u:%u(%u)%s win 512%s", segment->flags, seq, seq + segment->length,
		 segment->length, ack, urgent);
	put(script, line, strlen(line));
	/* A side that has sent nothing has no time stamp to be echoed, and scripts cannot make one up. */
	if (segment->ack && !place->nxt)
		variant &= ~(unsigned)GRID_TS;
	if (segment->syn || variant & GRID_TS) {
		put(script, " <", 2);
		put_options(script, variant, segment->syn, LATER_VAL, segment->ack || !segment->syn ? SIDE_VAL : 0);
		put(script, ">", 1);
	}
	put(script, "\n", 1);
}

static void put_question(struct text *script, const struct grid_situation *situation)
{
	char line[100], pause[20];

	snprintf(pause, sizeof(pause), "+.%03d", GRID_PAUSE_MS);
	if (situation->accepts)
		snprintf(line, sizeof(line), "%s accept(3, ..., ...) = 5\n", pause);
	else if (situation->fd)
		snprintf(line, sizeof(line), "%s getsockopt(%d, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n", pause,
			 situation->fd);
	else
		snprintf(line, sizeof(line), "%s socket(..., SOCK_STREAM, IPPROTO_TCP) = 7\n", pause);
	put(script, line, strlen(line));
}

char *grid_script(const struct grid_cell *cell, const struct grid_place *place)
{
	static const char head[] = "// needs-sysctl: net.ipv4.tcp_rmem=4096 131072 6291456\n"
				   "// needs-sysctl: net.ipv4.tcp_wmem=4096 65536 4194304\n"
				   "// needs-sysctl: net.ipv4.tcp_congestion_control=reno\n"
				   "// needs-sysctl: net.ipv4.tcp_early_retrans=0\n"
				   "--tolerance_usecs=1000000\n";
	struct text script = {0};

	put(&script, head, sizeof(head) - 1);
	put_lines(&script, cell, cell->situation->lines);
	if (place) {
		put_segment(&script, cell, place);
		put_question(&script, cell->situation);
	}
	return script.bytes;
}
