// SPDX-License-Identifier: MIT
/*
 * scenario/stream.c - much data both ways at once, looked at byte by byte
 *
 * In:   a connection, over whatever weather its wire has.
 * Here: each side sends as much as goes and reads as much as is there; when neither moves, the world makes a step.
 * Out:  nothing lost, nothing doubled, the end exactly behind the last byte; or harness_fail().
 */
#include "harness.h"

enum { PIECE = 16384 };

/* One direction. A byte's value tells its place, modulo a prime, so that a piece that is lost or moved shows. */
struct stream {
	enum side from, to;
	uint64_t size, sent, got;
	bool shut, ended;
};

static uint8_t byte_at(uint64_t place)
{
	return (uint8_t)(place % 251);
}

static bool stream_sends(struct duo *d, struct stream *s)
{
	uint64_t len = s->size - s->sent < PIECE ? s->size - s->sent : PIECE;
	uint8_t buf[PIECE];
	int64_t n;

	if (s->shut)
		return false;
	if (!len) {
		EXPECT_EQ(duo_shutdown(d, s->from, SHUT_WR), 0);
		s->shut = true;
		return true;
	}
	for (uint64_t i = 0; i < len; i++)
		buf[i] = byte_at(s->sent + i);
	n = DUO_TRY(d, s->from, send, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		EXPECT_EQ(n, -EAGAIN);
	s->sent += n > 0 ? (uint64_t)n : 0;
	return n > 0;
}

static bool stream_reads(struct duo *d, struct stream *s)
{
	uint8_t buf[PIECE];
	int64_t n;

	if (s->ended)
		return false;
	n = duo_recv(d, s->to, buf, sizeof(buf));
	if (n < 0) {
		EXPECT_EQ(n, -EAGAIN);
		return false;
	}
	for (int64_t i = 0; i < n; i++, s->got++) {
		if (buf[i] != byte_at(s->got))
			harness_fail(__FILE__, __LINE__, "byte %llu is wrong", (unsigned long long)s->got);
	}
	s->ended = !n;
	if (s->ended)
		EXPECT_EQ(s->got, s->size);
	return true;
}

static bool stream_moves(struct duo *d, struct stream *s)
{
	return stream_sends(d, s) | stream_reads(d, s);
}

void duo_both_ways(struct duo *d, uint64_t bytes)
{
	struct stream there = {.from = CLIENT, .to = SERVER, .size = bytes};
	struct stream back = {.from = SERVER, .to = CLIENT, .size = bytes};
	uint64_t limit = d->world->now_ns + 24 * LAB_PATIENCE_NS;

	while (!there.ended || !back.ended) {
		bool moves = stream_moves(d, &there) | stream_moves(d, &back);

		if (!moves && !lab_step(d->world, limit))
			harness_fail(__FILE__, __LINE__, "stuck at %llu and %llu bytes of %llu",
				     (unsigned long long)there.got, (unsigned long long)back.got,
				     (unsigned long long)bytes);
	}
}
