// SPDX-License-Identifier: MIT
/*
 * drill/compare_read.c - one side's record made ready for the comparison
 *
 * Entries are put in order of time: a real machine notes a frame when it is asked for, which may be after later things.
 * Then each entry learns how long ago everything was that may have armed its timer, and packets that left are read with
 * relative numbers; segments that follow each other directly and differ in nothing but their place in one segmentation
 * unit become one.
 */
#include "drill/compare_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---------------------------------------------------------------- order and origins */

/* Insertion: what is out of order is so by a few places. Equal times keep the record's order. */
static void put_in_order(const struct drill_entry **entries, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct drill_entry *entry = entries[i];
		size_t at = i;

		for (; at && entries[at - 1]->at_ns > entry->at_ns; at--)
			entries[at] = entries[at - 1];
		entries[at] = entry;
	}
}

/* The record up to the first entry behind @limit. */
static void take_entries(struct compare_side *side, unsigned limit)
{
	side->entries = compare_need(calloc(side->record->count + 1, sizeof(*side->entries)));
	for (const struct drill_entry *entry = side->record->first; entry; entry = entry->next) {
		if (entry->event && entry->event->number > limit)
			break;
		side->entries[side->n++] = entry;
	}
	put_in_order(side->entries, side->n);
}

static enum compare_origin origin_of(const struct drill_entry *entry)
{
	if (entry->kind == DRILL_SAID)
		return COMPARE_SAID;
	if (entry->kind == DRILL_HEARD)
		return COMPARE_HEARD;
	return entry->kind == DRILL_STOOD ? COMPARE_BEGINNING : COMPARE_CALL;
}

/* A call that waited counts from its own beginning. */
static int64_t began_ns(const struct compare_side *side, size_t ended)
{
	for (size_t i = ended; i--;)
		if (side->entries[i]->kind == DRILL_BEGAN && side->entries[i]->event == side->entries[ended]->event)
			return side->entries[i]->at_ns;
	return -1;
}

static void find_origins(struct compare_side *side)
{
	int64_t last[COMPARE_ORIGINS] = {0, -1, -1, -1, -1};
	struct drill_pos pos = {0};

	side->when = compare_need(calloc(side->n + 1, sizeof(*side->when)));
	side->pos = compare_need(calloc(side->n + 1, sizeof(*side->pos)));
	for (size_t i = 0; i < side->n; i++) {
		const struct drill_entry *entry = side->entries[i];
		int64_t began = entry->kind == DRILL_ENDED ? began_ns(side, i) : -1;
		enum compare_origin origin = origin_of(entry);

		side->when[i].at_ns = entry->at_ns;
		for (int o = 0; o < COMPARE_ORIGINS; o++)
			side->when[i].since_ns[o] = last[o] < 0 ? -1 : entry->at_ns - last[o];
		if (began >= 0)
			side->when[i].since_ns[COMPARE_CALL] = entry->at_ns - began;
		if (origin != COMPARE_BEGINNING)
			last[origin] = entry->at_ns;
		if (entry->event)
			pos = entry->event->pos;
		side->pos[i] = pos;
	}
}

static bool lateness_agrees(int64_t linux_ns, int64_t lastack_ns)
{
	int64_t slack = DRILL_TICK_NS + DRILL_NOISE_NS;

	return linux_ns >= lastack_ns - slack && linux_ns <= lastack_ns + lastack_ns / DRILL_TIMER_SHARE + slack;
}

bool compare_times_agree(const struct compare_when *linux_when, const struct compare_when *lastack_when)
{
	int64_t apart = linux_when->at_ns - lastack_when->at_ns;

	if (llabs(apart) <= DRILL_TICK_NS + DRILL_NOISE_NS)
		return true;
	for (int o = COMPARE_SAID; o < COMPARE_ORIGINS; o++)
		if (linux_when->since_ns[o] >= 0 && lastack_when->since_ns[o] >= 0 &&
		    lateness_agrees(linux_when->since_ns[o], lastack_when->since_ns[o]))
			return true;
	return false;
}

/* ---------------------------------------------------------------- packets */

/*
 * struct flows - connections by order of appearance, by the addresses and ports of the script's end and of the side's
 */
struct flows {
	struct flow {
		uint8_t key[36];
	} * flow;
	unsigned n, room;
	struct lab_flows numbers;
};

static unsigned flow_number(struct flows *flows, const struct lab_segment *seg, bool out)
{
	uint8_t key[36];

	memcpy(key, out ? seg->saddr : seg->daddr, 16);
	memcpy(key + 16, out ? seg->daddr : seg->saddr, 16);
	memcpy(key + 32, out ? &seg->sport : &seg->dport, 2);
	memcpy(key + 34, out ? &seg->dport : &seg->sport, 2);
	for (unsigned i = 0; i < flows->n; i++)
		if (!memcmp(flows->flow[i].key, key, sizeof(key)))
			return i + 1;
	if (flows->n == flows->room) {
		flows->room = flows->room ? 2 * flows->room : 8;
		flows->flow = compare_need(realloc(flows->flow, flows->room * sizeof(*flows->flow)));
	}
	memcpy(flows->flow[flows->n++].key, key, sizeof(key));
	return flows->n;
}

/* What the lab's reader passes over: the traffic class, AE, the second word of an ICMP message. */
static void read_rest(struct compare_packet *packet, const uint8_t *p, size_t len)
{
	bool v4 = packet->seg.family == AF_INET;
	size_t head = v4 ? (p[0] & 15) * 4u : 40;

	packet->tos = v4 ? p[1] : (uint8_t)(p[0] << 4 | p[1] >> 4);
	packet->hop_limit = packet->seg.hop_limit;
	packet->flags = packet->seg.flags;
	if (packet->seg.protocol == 6 && packet->seg.sport && len > head + 12)
		packet->flags |= p[head + 12] & 1 ? DRILL_AE : 0;
	if ((packet->seg.protocol == 1 || packet->seg.protocol == 58) && len >= head + 8)
		packet->info = (uint32_t)p[head + 4] << 24 | (uint32_t)p[head + 5] << 16 | (uint32_t)p[head + 6] << 8 |
			       p[head + 7];
}

/* False: no packet that a script could be about. */
static bool read_packet(struct compare_packet *packet, struct flows *flows, const struct drill_entry *entry)
{
	struct lab_segment *seg = &packet->seg;
	uint32_t isn = 0;

	if (!lab_segment_read(seg, entry->frame, entry->len))
		return false;
	read_rest(packet, entry->frame, entry->len);
	lab_flows_learn(&flows->numbers, seg);
	snprintf(packet->text, sizeof(packet->text), "%c ", entry->kind == DRILL_HEARD ? '>' : '<');
	lab_segment_text(packet->text + 2, sizeof(packet->text) - 2, &flows->numbers, seg, LAB_TEXT_ALL);
	if (seg->protocol != 6 || !seg->sport)
		return true;
	packet->flow = flow_number(flows, seg, entry->kind == DRILL_HEARD);
	lab_flows_isn(&flows->numbers, seg, false, &isn);
	lab_flows_isn(&flows->numbers, seg, true, &packet->peer_isn);
	packet->seq = seg->flags & LAB_RST && !seg->seq ? 0 : seg->seq - isn;
	packet->ack = seg->flags & LAB_ACK ? seg->ack - packet->peer_isn : 0;
	packet->length = packet->largest = seg->payload_len;
	return true;
}

/* Is @next the next piece of the unit that begins with @unit? */
static bool continues(const struct compare_packet *unit, const struct compare_packet *next, int64_t apart_ns)
{
	uint16_t ends = LAB_PSH | LAB_FIN;

	return unit->flow && unit->flow == next->flow && unit->length && next->length && !(unit->flags & ends) &&
	       unit->flags == (next->flags & ~ends) && unit->seq + unit->length == next->seq &&
	       unit->ack == next->ack && !unit->seg.window == !next->seg.window && unit->tos == next->tos &&
	       unit->seg.options_len == next->seg.options_len && apart_ns <= DRILL_TICK_NS + DRILL_NOISE_NS;
}

/* The text of a unit is that of its last segment, with the bytes of all. */
static void join(struct compare_packet *unit, const struct compare_packet *next)
{
	const char *flags = strchr(next->text + 2, ' '), *rest = strchr(next->text, ')');

	unit->flags = next->flags;
	unit->length += next->length;
	unit->largest = next->largest > unit->largest ? next->largest : unit->largest;
	unit->seg.broken |= next->seg.broken;
	if (flags && rest)
		snprintf(unit->text, sizeof(unit->text), "%.*s %u:%u(%u%s", (int)(flags - next->text), next->text,
			 unit->seq, unit->seq + unit->length, unit->length, rest);
}

/* When was a segment last sent that began with the same number, with data, SYN or FIN in it? */
static void find_again(struct compare_packet *packets, size_t n)
{
	struct compare_packet *packet = &packets[n];

	if (!packet->length && !(packet->flags & (LAB_SYN | LAB_FIN)))
		return;
	for (size_t i = n; i--;) {
		if (packets[i].flow == packet->flow && packets[i].seq == packet->seq &&
		    (packets[i].length || packets[i].flags & (LAB_SYN | LAB_FIN))) {
			packet->when.since_ns[COMPARE_AGAIN] = packet->when.at_ns - packets[i].when.at_ns;
			return;
		}
	}
}

static void read_packets(struct compare_side *side)
{
	struct flows flows = {0};
	bool directly = false;
	int64_t before_ns = 0;

	side->packets = compare_need(calloc(side->n + 1, sizeof(*side->packets)));
	for (size_t i = 0; i < side->n; i++) {
		const struct drill_entry *entry = side->entries[i];
		struct compare_packet *packet = &side->packets[side->n_packets], *unit = packet - 1;

		if (entry->kind != DRILL_SAID && entry->kind != DRILL_HEARD)
			continue;
		memset(packet, 0, sizeof(*packet));
		if (!read_packet(packet, &flows, entry) || entry->kind == DRILL_SAID) {
			directly = false;
			continue;
		}
		packet->when = side->when[i];
		packet->pos = side->pos[i];
		if (directly && continues(unit, packet, entry->at_ns - before_ns)) {
			join(unit, packet);
		} else {
			find_again(side->packets, side->n_packets++);
		}
		directly = true;
		before_ns = entry->at_ns;
	}
	lab_flows_free(&flows.numbers);
	free(flows.flow);
}

void compare_side_read(struct compare_side *side, const struct drill_record *record, unsigned limit)
{
	side->record = record;
	take_entries(side, limit);
	find_origins(side);
	read_packets(side);
}

void compare_side_end(struct compare_side *side)
{
	free(side->entries);
	free(side->when);
	free(side->pos);
	free(side->packets);
}
