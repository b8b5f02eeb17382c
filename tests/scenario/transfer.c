// SPDX-License-Identifier: MIT
/*
 * scenario/transfer.c - data over wires of every kind, by programs that write and read as it pleases them
 *
 * rough.c sends much over one bad wire. Here each seed draws a wire (delay, loss, duplicates, reordering, flipped bits, a rate, a
 * short queue, an MTU that nobody was told of), a family, buffers, a segment size, and programs that come in pieces of any
 * length, late, and end by shutdown() or by close(). What must hold is the same: every byte in its place, the end exactly
 * behind the last one, and nothing left. `SEED=n scenario-transfer` plays seed n alone, LASTACK_SEEDS=n the first n.
 */
#include <stdlib.h>

#include "harness.h"

enum { PIECE = 30000 };

/**
 * struct flow - one direction
 * @pause_ns: the reader comes so much later than the data
 * @next_ns:  not before this
 */
struct flow {
	enum side from, to;
	uint64_t size, sent, got;
	uint64_t pause_ns, next_ns;
	bool by_close, finished, ended;
};

static uint64_t below(uint64_t *random, uint64_t limit)
{
	return lab_random(random) % limit;
}

static uint8_t byte_at(uint64_t place)
{
	return (uint8_t)(place * 31 + (place >> 8) * 7 + (place >> 16));
}

/* Writes a piece; when all is written, ends. True if anything moved. */
static bool flow_writes(struct duo *d, struct flow *f, uint64_t *random)
{
	uint64_t len = 1 + below(random, PIECE), left = f->size - f->sent;
	uint8_t buf[PIECE];
	int64_t n;

	if (f->finished)
		return false;
	len = len < left ? len : left;
	if (!left) {
		EXPECT_EQ(f->by_close ? duo_close(d, f->from) : duo_shutdown(d, f->from, SHUT_WR), 0);
		f->finished = true;
		return true;
	}
	for (uint64_t i = 0; i < len; i++)
		buf[i] = byte_at(f->sent + i);
	n = DUO_TRY(d, f->from, send, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		EXPECT_EQ(n, -EAGAIN);
	f->sent += n > 0 ? (uint64_t)n : 0;
	return n > 0;
}

static bool flow_reads(struct duo *d, struct flow *f, uint64_t *random)
{
	uint64_t now = d->world->now_ns;
	uint8_t buf[PIECE];
	int64_t n;

	if (f->ended || now < f->next_ns)
		return false;
	f->next_ns = now + f->pause_ns;
	n = duo_recv(d, f->to, buf, 1 + below(random, PIECE));
	if (n < 0)
		EXPECT_EQ(n, -EAGAIN);
	for (int64_t i = 0; i < n; i++, f->got++) {
		if (buf[i] != byte_at(f->got))
			harness_fail(__FILE__, __LINE__, "byte %llu is wrong", (unsigned long long)f->got);
	}
	if (!n) {
		EXPECT_EQ(f->got, f->size); /* the end, and not one byte too early */
		f->ended = true;
	}
	return n >= 0;
}

/* Plays the flows to their ends. */
static void flows_run(struct duo *d, struct flow *flows, size_t count, uint64_t *random)
{
	uint64_t limit = d->world->now_ns + LAB_PATIENCE_NS;

	for (;;) {
		uint64_t soonest = limit; /* when a reader comes again */
		bool moved = false, all = true;

		for (struct flow *f = flows; f < flows + count; f++) {
			moved |= flow_writes(d, f, random) | flow_reads(d, f, random);
			all &= f->ended;
			if (!f->ended && f->next_ns > d->world->now_ns && f->next_ns < soonest)
				soonest = f->next_ns;
		}
		if (all)
			return;
		if (moved || lab_step(d->world, soonest))
			continue;
		if (soonest == limit)
			harness_fail(__FILE__, __LINE__, "stuck at %llu of %llu bytes", (unsigned long long)flows->got,
				     (unsigned long long)flows->size);
		lab_run_until(d->world, soonest);
	}
}

/* ------------------------------------------------------------------ what a seed draws */

static struct lab_weather drawn_weather(uint64_t *random)
{
	struct lab_weather w = {
		.delay_ns = below(random, 40) * LAB_MS,
		.loss_ppm = (uint32_t)below(random, 50000),
		.dup_ppm = (uint32_t)below(random, 30000),
		.corrupt_ppm = (uint32_t)below(random, 10000),
		.reorder_ppm = (uint32_t)below(random, 100000),
		.reorder_ns = below(random, 20) * LAB_MS,
	};

	if (below(random, 3) == 0) {
		w.rate_bps = 1000000 + below(random, 100000000);
		w.queue_bytes = 5000 + below(random, 100000);
	}
	return w;
}

/* For the client's socket, or for the listener, whose child inherits it. */
static void set(struct duo *d, enum side side, int level, int name, int value)
{
	int fd = side == CLIENT ? d->client.fd : d->listener;

	EXPECT_EQ(LAB_TRY(&duo_of(d, side)->thread, setsockopt, fd, level, name, &value, sizeof(value)), 0);
}

/* Options of both before they connect, and the wire between them. */
static void draw_circumstances(struct duo *d, uint64_t *random)
{
	for (int end = LAB_A; end <= LAB_B; end++) {
		struct lab_weather weather = drawn_weather(random);
		enum side side = end == LAB_A ? CLIENT : SERVER;

		lab_wire_weather(d->wire, end, &weather);
		if (below(random, 4) == 0)
			set(d, side, SOL_SOCKET, SO_RCVBUF, 2000 + (int)below(random, 60000));
		if (below(random, 4) == 0)
			set(d, side, SOL_SOCKET, SO_SNDBUF, 5000 + (int)below(random, 200000));
		if (below(random, 3) == 0)
			set(d, side, IPPROTO_TCP, TCP_NODELAY, 1);
	}
	if (below(random, 4) == 0) {
		d->wire->mtu = 1280;
		d->wire->complains = true;
	}
	for (enum side side = CLIENT; side <= SERVER; side++) {
		if (below(random, 5) == 0)
			duo_sysctl(d, side, "net.ipv4.tcp_timestamps", "0");
		if (below(random, 5) == 0)
			duo_sysctl(d, side, "net.ipv4.tcp_sack", "0");
		if (below(random, 5) == 0)
			duo_sysctl(d, side, "net.ipv4.tcp_window_scaling", "0");
	}
}

static void play_seed(uint64_t seed, uint64_t most)
{
	uint64_t random = lab_stream(seed, 99, 0);
	struct flow flows[2] = {
		{ .from = CLIENT, .to = SERVER, .size = below(&random, most), .pause_ns = below(&random, 5) * LAB_MS },
		{ .from = SERVER, .to = CLIENT, .size = below(&random, most), .pause_ns = below(&random, 5) * LAB_MS },
	};
	bool one_way = below(&random, 3) == 0;
	struct sockaddr_storage addr;
	struct duo d;
	socklen_t len;

	harness_seed(seed);
	d = duo_listening();
	duo_no_record(&d);
	draw_circumstances(&d, &random);
	len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	while (duo_accept(&d) == -EAGAIN)
		EXPECT(lab_step(d.world, d.world->now_ns + LAB_PATIENCE_NS));
	EXPECT(d.server.fd >= 0);
	flows[0].by_close = one_way;
	flows_run(&d, flows, one_way ? 1 : 2, &random);
}

HARNESS_TEST(bytes_arrive_in_order_and_whole_whatever_the_wire_does, HARNESS_FAMILIES | HARNESS_ONCE)
{
	const char *alone = getenv("SEED"), *seeds = getenv("LASTACK_SEEDS");
	uint64_t last = seeds ? strtoull(seeds, NULL, 0) : 60;

	if (alone) {
		play_seed(strtoull(alone, NULL, 0), 100000);
		return;
	}
	for (uint64_t seed = 1; seed <= last; seed++)
		play_seed(seed, 100000);
}

/* ------------------------------------------------------------------ single troubles, each in every run */

static void expect_100000_bytes(struct duo *d)
{
	uint64_t random = 1;
	struct flow flows[2] = {
		{ .from = CLIENT, .to = SERVER, .size = 100000 },
		{ .from = SERVER, .to = CLIENT, .size = 100000 },
	};

	flows_run(d, flows, 2, &random);
}

HARNESS_TEST(every_tenth_segment_lost_is_sent_again, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 10 * LAB_MS, .loss_ppm = 100000 });
	expect_100000_bytes(&d);
	EXPECT(duo_counter(&d, CLIENT, "TcpRetransSegs") > 0);
}

HARNESS_TEST(every_segment_doubled_is_taken_once, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 10 * LAB_MS, .dup_ppm = 1000000 });
	expect_100000_bytes(&d);
}

HARNESS_TEST(flipped_bits_are_found_by_the_checksum_and_counted, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 10 * LAB_MS, .corrupt_ppm = 50000 });
	expect_100000_bytes(&d);
	EXPECT(duo_counter(&d, CLIENT, "TcpInCsumErrors") > 0);
	EXPECT(duo_counter(&d, CLIENT, "TcpInErrs") >= duo_counter(&d, CLIENT, "TcpInCsumErrors"));
}

HARNESS_TEST(a_third_of_the_segments_overtaken_is_put_in_order, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 10 * LAB_MS, .reorder_ppm = 300000,
								   .reorder_ns = 7 * LAB_MS });
	expect_100000_bytes(&d);
	EXPECT(duo_counter(&d, CLIENT, "TcpExtTCPOFOQueue") > 0);
}

HARNESS_TEST(a_reader_that_is_slower_than_its_window_stalls_the_writer_and_gets_all, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();
	uint64_t random = 7;
	struct flow flow = { .from = CLIENT, .to = SERVER, .size = 1000000, .pause_ns = 50 * LAB_MS, .by_close = true };

	EXPECT_EQ(duo_set(&d, SERVER, SOL_SOCKET, SO_RCVBUF, 8000), 0);
	flows_run(&d, &flow, 1, &random);
	EXPECT(duo_counter(&d, SERVER, "TcpExtTCPToZeroWindowAdv") > 0);
}

HARNESS_TEST(a_path_narrower_than_both_devices_is_found_by_icmp, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	d.wire->mtu = 1280;
	d.wire->complains = true;
	expect_100000_bytes(&d);
}

HARNESS_TEST(a_wire_cut_for_ten_seconds_costs_time_and_no_byte, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = duo_established();

	EXPECT(duo_send_bytes(&d, CLIENT, 10000) == 10000);
	lab_wire_cut(d.wire, LAB_BOTH, true);
	duo_run_ms(&d, 10000);
	lab_wire_cut(d.wire, LAB_BOTH, false);
	duo_run_ms(&d, 15000);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[10000]){ 0 }, 10000), 10000);
}
