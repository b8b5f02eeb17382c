// SPDX-License-Identifier: MIT
/*
 * drill/compare_packet.c - packets that left, laid side by side
 *
 * First each packet is looked at beside each other one: a pair costs as much as it has differences, a packet that
 * stands alone costs more than a few of them. The cheapest way through both lists says which belongs to which; one
 * that is missing so leaves its successors in their places. Then every pair is told aspect by aspect.
 */
#include "drill/compare_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COST_DIFFERENCE = 2, COST_ALONE = 5, COST_STRANGERS = 2 * COST_ALONE + 1, MOST_CELLS = 1 << 24 };
enum { OPT_EOL, OPT_NOP, OPT_SACK = 5, OPT_TS = 8 };

/* ---------------------------------------------------------------- options */

/* The next option of at most @end - *@at bytes; its length, 0: no more, or they are cut off. */
static unsigned next_option(const uint8_t *at, const uint8_t *end)
{
	unsigned len;

	if (at >= end)
		return 0;
	len = *at <= OPT_NOP ? 1 : end - at > 1 ? at[1] : 0;
	return len && (len > 1 || *at <= OPT_NOP) && len <= (size_t)(end - at) ? len : 0;
}

/* The kinds in their order, as bytes, at most 40. */
static size_t option_kinds(const struct lab_segment *seg, uint8_t kinds[40])
{
	const uint8_t *at = seg->options, *end = at + seg->options_len;
	size_t n = 0;

	for (unsigned len; n < 40 && (len = next_option(at, end)); at += len)
		kinds[n++] = *at;
	return n;
}

static const uint8_t *find_option(const struct lab_segment *seg, uint8_t kind, unsigned *len)
{
	const uint8_t *at = seg->options, *end = at + seg->options_len;

	for (; (*len = next_option(at, end)); at += *len)
		if (*at == kind)
			return at;
	return NULL;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool same_kinds(const struct lab_segment *a, const struct lab_segment *b)
{
	uint8_t kinds_a[40], kinds_b[40];
	size_t n_a = option_kinds(a, kinds_a), n_b = option_kinds(b, kinds_b);

	return n_a == n_b && !memcmp(kinds_a, kinds_b, n_a);
}

/* All bytes but those of time stamps. */
static bool same_syn_options(const struct lab_segment *a, const struct lab_segment *b)
{
	const uint8_t *at = a->options, *end = at + a->options_len, *other = b->options;

	if (a->options_len != b->options_len || !same_kinds(a, b))
		return false;
	for (unsigned len; (len = next_option(at, end)); at += len, other += len)
		if (*at != OPT_TS && memcmp(at, other, len))
			return false;
	return true;
}

static bool same_sack(const struct compare_packet *a, const struct compare_packet *b)
{
	unsigned len_a, len_b;
	const uint8_t *sack_a = find_option(&a->seg, OPT_SACK, &len_a),
		      *sack_b = find_option(&b->seg, OPT_SACK, &len_b);

	if (!sack_a || !sack_b)
		return true; /* that one is missing is told as "options" */
	if (len_a != len_b)
		return false;
	for (unsigned i = 2; i + 4 <= len_a; i += 4)
		if (be32(sack_a + i) - a->peer_isn != be32(sack_b + i) - b->peer_isn)
			return false;
	return true;
}

static bool same_echo(const struct lab_segment *a, const struct lab_segment *b)
{
	unsigned len_a, len_b;
	const uint8_t *ts_a = find_option(a, OPT_TS, &len_a), *ts_b = find_option(b, OPT_TS, &len_b);

	return !ts_a || !ts_b || len_a != 10 || len_b != 10 || be32(ts_a + 6) == be32(ts_b + 6);
}

/* ---------------------------------------------------------------- one packet beside another */

static uint32_t bit(bool differs, enum drill_aspect aspect)
{
	return differs ? 1u << aspect : 0;
}

/*
 * The aspects in which two packets differ, as bits; their time is looked at when it is clear that they belong
 * together.
 */
static uint32_t differences(const struct compare_packet *a, const struct compare_packet *b)
{
	const struct lab_segment *sa = &a->seg, *sb = &b->seg;
	bool syn = a->flags & b->flags & LAB_SYN;
	uint32_t bits = bit(a->tos != b->tos, DRILL_TRAFFIC_CLASS) |
			bit(a->hop_limit != b->hop_limit, DRILL_HOP_LIMIT) |
			bit(sa->broken != sb->broken, DRILL_CHECKSUM);

	if (!a->flow || !b->flow)
		return bits |
		       bit(sa->icmp_type != sb->icmp_type || sa->icmp_code != sb->icmp_code || a->info != b->info,
			   DRILL_ICMP_MESSAGE);
	return bits | bit(a->flow != b->flow, DRILL_CONNECTION) | bit((a->flags ^ b->flags) & ~LAB_PSH, DRILL_FLAGS) |
	       bit((a->flags ^ b->flags) & LAB_PSH, DRILL_PUSH) | bit(a->seq != b->seq, DRILL_SEQUENCE) |
	       bit(a->length != b->length || a->largest != b->largest, DRILL_LENGTH) |
	       bit(a->ack != b->ack, DRILL_ACKNOWLEDGED) |
	       bit(syn ? sa->window != sb->window : !sa->window != !sb->window, DRILL_WINDOW) |
	       bit(a->flags & b->flags & LAB_URG && sa->urgent != sb->urgent, DRILL_URGENT) |
	       bit(syn && !same_syn_options(sa, sb), DRILL_SYN_OPTIONS) |
	       bit(!syn && !same_kinds(sa, sb), DRILL_OPTIONS) | bit(!same_sack(a, b), DRILL_SACK_BLOCKS) |
	       bit(!same_echo(sa, sb), DRILL_TS_ECHO);
}

static int pair_cost(const struct compare_packet *a, const struct compare_packet *b)
{
	uint32_t bits;

	if (a->seg.protocol != b->seg.protocol || !a->flow != !b->flow)
		return COST_STRANGERS;
	bits = differences(a, b);
	if (a->flow && bits & 1u << DRILL_SEQUENCE && bits & (1u << DRILL_FLAGS | 1u << DRILL_LENGTH))
		return COST_STRANGERS;
	return __builtin_popcount(bits) * COST_DIFFERENCE;
}

static void tell_pair(struct compare *compare, const struct compare_packet *a, const struct compare_packet *b)
{
	uint32_t bits = differences(a, b);
	char at_a[sizeof(a->text) + 32], at_b[sizeof(at_a)];

	for (int aspect = 0; aspect < DRILL_ASPECTS; aspect++)
		if (bits & 1u << aspect)
			compare_differ(compare, a->pos, aspect, NULL, a->text, b->text);
	if (!compare_times_agree(&a->when, &b->when)) {
		snprintf(at_a, sizeof(at_a), "%.4f s  %s", (double)a->when.at_ns / 1e9, a->text);
		snprintf(at_b, sizeof(at_b), "%.4f s  %s", (double)b->when.at_ns / 1e9, b->text);
		compare_differ(compare, a->pos, DRILL_TIME, NULL, at_a, at_b);
	}
}

/* ---------------------------------------------------------------- which belongs to which */

/* struct grid - cost[i][j]: of what lies behind the first @i packets here and the first @j there */
struct grid {
	size_t rows, cols;
	int *cost;
};

static int *cell(const struct grid *grid, size_t i, size_t j)
{
	return &grid->cost[i * (grid->cols + 1) + j];
}

static void grid_fill(struct grid *grid, const struct compare_packet *a, const struct compare_packet *b)
{
	for (size_t i = grid->rows + 1; i--;) {
		for (size_t j = grid->cols + 1; j--;) {
			int best = 0, cost;

			if (i < grid->rows && j < grid->cols)
				best = pair_cost(&a[i], &b[j]) + *cell(grid, i + 1, j + 1);
			else if (i < grid->rows || j < grid->cols)
				best = (int)(grid->rows + grid->cols) * COST_STRANGERS;
			if (i < grid->rows && (cost = COST_ALONE + *cell(grid, i + 1, j)) < best)
				best = cost;
			if (j < grid->cols && (cost = COST_ALONE + *cell(grid, i, j + 1)) < best)
				best = cost;
			*cell(grid, i, j) = best;
		}
	}
}

static void tell_alone(struct compare *compare, const struct compare_packet *a, const struct compare_packet *b)
{
	compare_differ(compare, a ? a->pos : b->pos, DRILL_SEGMENT, NULL, a ? a->text : NULL, b ? b->text : NULL);
}

static void tell_along(struct compare *compare, const struct grid *grid, const struct compare_packet *a,
		       const struct compare_packet *b)
{
	size_t i = 0, j = 0;

	while (i < grid->rows || j < grid->cols) {
		int here = *cell(grid, i, j);

		if (i < grid->rows && j < grid->cols && here == pair_cost(&a[i], &b[j]) + *cell(grid, i + 1, j + 1)) {
			tell_pair(compare, &a[i++], &b[j++]);
		} else if (i < grid->rows && here == COST_ALONE + *cell(grid, i + 1, j)) {
			tell_alone(compare, &a[i++], NULL);
		} else {
			tell_alone(compare, NULL, &b[j++]);
		}
	}
}

/* Too many for a grid: one after the other, which tells too much behind a missing one but misses nothing. */
static void tell_in_order(struct compare *compare, const struct grid *grid, const struct compare_packet *a,
			  const struct compare_packet *b)
{
	for (size_t i = 0; i < grid->rows || i < grid->cols; i++) {
		if (i < grid->rows && i < grid->cols)
			tell_pair(compare, &a[i], &b[i]);
		else
			tell_alone(compare, i < grid->rows ? &a[i] : NULL, i < grid->cols ? &b[i] : NULL);
	}
}

void compare_packets(struct compare *compare)
{
	const struct compare_packet *a = compare->linux_side.packets, *b = compare->lastack_side.packets;
	struct grid grid = {.rows = compare->linux_side.n_packets, .cols = compare->lastack_side.n_packets};

	for (; grid.rows && grid.cols && !differences(a, b); grid.rows--, grid.cols--)
		tell_pair(compare, a++, b++); /* the usual case; only the time is left to be told */
	if ((grid.rows + 1) * (grid.cols + 1) > MOST_CELLS) {
		tell_in_order(compare, &grid, a, b);
		return;
	}
	grid.cost = compare_need(calloc((grid.rows + 1) * (grid.cols + 1), sizeof(*grid.cost)));
	grid_fill(&grid, a, b);
	tell_along(compare, &grid, a, b);
	free(grid.cost);
}
