// SPDX-License-Identifier: MIT
/*
 * scenario/malformed.c - what no honest peer sends: cut, flipped, overlong, with options of every length, at socks in every state
 *
 * Each case is drawn from the seed and injected as raw bytes; after each one la_check() must hold on the host, what it drops it
 * must count, and it must say nothing to a broken packet. At the end the connection that should still live does, and nothing is
 * left. LASTACK_CASES=n plays n cases a state instead of 60.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

static uint64_t cases(void)
{
	const char *n = getenv("LASTACK_CASES");

	return n ? strtoull(n, NULL, 0) : 60;
}

static uint64_t below(uint64_t *random, uint64_t limit)
{
	return lab_random(random) % limit;
}

static void inject(struct duo *d, const void *bytes, size_t len)
{
	struct lab_host *host = d->server.host;
	const char *wrong;

	la_receive(host->stack, 2, bytes, len, d->world->now_ns);
	wrong = la_check(host->stack);
	if (wrong)
		harness_fail(__FILE__, __LINE__, "la_check(): %s", wrong);
}

static uint64_t counted(struct duo *d, const char *name)
{
	return duo_counter(d, SERVER, name);
}

/* ------------------------------------------------------------------ socks in every state */

static void say_nothing(struct duo *d)
{
	(void)d;
}

static void say_ack(struct duo *d)
{
	solo_say(d, ". 1:1(0) ack 1 win 65535");
}

static void accepted(struct duo *d)
{
	say_ack(d);
	EXPECT(duo_accept(d) >= 0);
}

static void with_queues(struct duo *d)
{
	accepted(d);
	EXPECT_EQ(duo_send_bytes(d, SERVER, 12000), 12000);
	solo_say(d, "P. 1:501(500) ack 1 win 65535");
	solo_say(d, "P. 2001:2501(500) ack 1 win 65535");
	solo_say(d, "PU. 3001:3501(500) ack 1 win 65535 urg 9");
}

static void in_fin_wait1(struct duo *d)
{
	accepted(d);
	EXPECT_EQ(duo_shutdown(d, SERVER, SHUT_WR), 0);
}

static void in_fin_wait2(struct duo *d)
{
	in_fin_wait1(d);
	solo_say(d, ". 1:1(0) ack 2 win 65535");
}

static void orphan(struct duo *d)
{
	accepted(d);
	EXPECT_EQ(duo_close(d, SERVER), 0);
}

static void standin(struct duo *d)
{
	orphan(d);
	solo_say(d, ". 1:1(0) ack 2 win 65535");
}

static void in_time_wait(struct duo *d)
{
	orphan(d);
	solo_say(d, "F. 1:1(0) ack 2 win 65535");
}

static void in_closing(struct duo *d)
{
	in_fin_wait1(d);
	solo_say(d, "F. 1:1(0) ack 1 win 65535");
}

static void in_close_wait(struct duo *d)
{
	accepted(d);
	solo_say(d, "F. 1:1(0) ack 1 win 65535");
}

static void in_last_ack(struct duo *d)
{
	in_close_wait(d);
	EXPECT_EQ(duo_close(d, SERVER), 0);
}

static const struct {
	const char *name;
	void (*reach)(struct duo *d);
} states[] = {
	{ "request", say_nothing },	{ "unaccepted", say_ack },	   { "established", accepted },
	{ "with queues", with_queues }, { "fin_wait1", in_fin_wait1 },	   { "fin_wait2", in_fin_wait2 },
	{ "orphan", orphan },		{ "stand-in", standin },	   { "time_wait", in_time_wait },
	{ "closing", in_closing },	{ "close_wait", in_close_wait }, { "last_ack", in_last_ack },
};

/* @timestamps: the connection has them, and SACK and scaling */
static struct duo at_state(size_t i, bool timestamps)
{
	struct duo d = solo_listening();

	duo_no_record(&d);
	solo_say(&d, timestamps ? "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 10 ecr 0,nop,wscale 7>" :
				  "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	states[i].reach(&d);
	lab_run_for(d.world, 0);
	return d;
}

/* ------------------------------------------------------------------ drawing segments */

/* Numbers near the edges that matter, or anywhere. */
static uint32_t near(uint64_t *random, uint32_t number)
{
	static const int64_t steps[] = { -65536, -1461, -2, -1, 0, 0, 0, 1, 2, 500, 1460, 30000, 64239, 64240, 64241, 1 << 20 };

	if (below(random, 10) == 0)
		return (uint32_t)lab_random(random);
	return number + (uint32_t)steps[below(random, sizeof(steps) / sizeof(steps[0]))];
}

/* Any options of up to 40 bytes: known kinds with right and wrong lengths, and noise. */
static uint32_t draw_options(uint64_t *random, uint8_t options[40])
{
	static const uint8_t kinds[] = { 0, 1, 1, 2, 3, 4, 5, 8, 8, 19, 28, 29, 30, 34, 69, 254 };
	uint32_t room = 4 * (uint32_t)below(random, 11), at = 0;

	while (at < room) {
		uint8_t kind = kinds[below(random, sizeof(kinds))];
		uint8_t right = kind == 2 ? 4 : kind == 3 ? 3 : kind == 4 ? 2 : kind == 8 ? 10 : kind == 5 ? 10 : 6;
		uint8_t len = below(random, 3) ? right : (uint8_t)below(random, 45);

		options[at++] = kind;
		if (kind < 2 || at >= room)
			continue;
		options[at++] = len;
		for (; len > 2 && at < room; len--)
			options[at++] = (uint8_t)lab_random(random);
	}
	return room;
}

/* A segment of the script's connection (mostly), well formed as IP and TCP, of any meaning. */
static struct lab_frame *draw_segment(struct duo *d, uint64_t *random)
{
	static const uint8_t payload[3000];
	static uint8_t options[40];
	struct lab_segment seg = {
		.family = (uint8_t)d->raw->family,
		.protocol = 6,
		.sport = below(random, 20) ? d->raw->port : (uint16_t)lab_random(random),
		.dport = below(random, 20) ? DUO_PORT : (uint16_t)lab_random(random),
		.seq = near(random, d->raw->isn + 1),
		.ack = near(random, d->raw->host_isn + 1),
		.flags = below(random, 3) ? (uint8_t)(LAB_ACK | (uint8_t)below(random, 16)) : (uint8_t)lab_random(random),
		.window = below(random, 4) ? 65535 : (uint16_t)below(random, 65536),
		.urgent = (uint16_t)near(random, 5),
		.payload = payload,
		.payload_len = below(random, 2) ? 0 : (uint32_t)below(random, below(random, 5) ? 1460 : 3000),
		.options = options,
	};

	seg.options_len = draw_options(random, options);
	lab_wire_addr16(d->wire, LAB_B, d->raw->family, seg.saddr);
	lab_wire_addr16(d->wire, LAB_A, d->raw->family, seg.daddr);
	return lab_segment_write(&seg);
}

/* ------------------------------------------------------------------ the tests */

/* What remains after the noise answers an honest SYN, and closes. */
static void expect_listener_lives(struct duo *d)
{
	lab_run_idle(d->world, 400 * LAB_S);
	while (duo_accept(d) >= 0)
		LAB_START(&d->server.thread, close, d->server.fd);
	lab_run_idle(d->world, 400 * LAB_S);
	lab_raw_forget(d->raw);
	d->raw->port = 7777;
	d->raw->host_port = DUO_PORT;
	solo_say(d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(d, "S. 0:0(0) ack 1");
	solo_say(d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(d) >= 0);
	solo_say(d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_RECV(d, SERVER, "abc");
}

static void forget_heard(struct duo *d)
{
	while (lab_raw_hear(d->raw))
		;
}

/* Starts over where the noise has ended the state, and from time to time anyway. */
static void storm(size_t state, bool timestamps, void (*one)(struct duo *d, uint64_t *random))
{
	uint64_t random = lab_stream(1, 77, state * 2 + timestamps);
	struct duo d = { 0 };

	for (uint64_t i = 0; i < cases(); i++) {
		if (i % 20 == 0)
			d = at_state(state, timestamps);
		one(&d, &random);
		if (below(&random, 10) == 0)
			duo_run_ms(&d, below(&random, 700));
		forget_heard(&d);
		if (i + 1 == cases())
			expect_listener_lives(&d);
	}
}

static void storm_everywhere(void (*one)(struct duo *d, uint64_t *random))
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		storm(i, false, one);
		storm(i, true, one);
	}
}

static void any_segment(struct duo *d, uint64_t *random)
{
	struct lab_frame *frame = draw_segment(d, random);

	inject(d, frame->bytes, frame->len);
	lab_frame_put(frame);
}

HARNESS_TEST(segments_of_any_meaning_at_socks_in_every_state_break_nothing, HARNESS_FAMILIES | HARNESS_ONCE)
{
	storm_everywhere(any_segment);
}

/* Some bits of a segment flipped, wherever: the checksums see nearly all. */
static void flipped_segment(struct duo *d, uint64_t *random)
{
	struct lab_frame *frame = draw_segment(d, random);

	for (uint64_t flips = 1 + below(random, 4); flips; flips--)
		frame->bytes[below(random, frame->len)] ^= (uint8_t)(1 << below(random, 8));
	inject(d, frame->bytes, frame->len);
	lab_frame_put(frame);
}

HARNESS_TEST(flipped_bits_break_nothing, HARNESS_FAMILIES | HARNESS_ONCE)
{
	storm_everywhere(flipped_segment);
}

/* Header fields changed and the checksum made right again: only the fields themselves can be found wrong. */
static void repair_checksums(struct lab_frame *frame)
{
	uint8_t *p = frame->bytes;
	bool v6 = p[0] >> 4 == 6;
	size_t ip = v6 ? 40 : (size_t)(p[0] & 15) * 4, len;
	uint32_t pseudo = 0;
	uint16_t sum;

	if (frame->len < ip || ip < 20)
		return;
	len = frame->len - ip;
	if (!v6) {
		p[10] = p[11] = 0;
		sum = (uint16_t)~lab_checksum(0, p, ip);
		p[10] = (uint8_t)(sum >> 8);
		p[11] = (uint8_t)sum;
	}
	for (size_t i = v6 ? 8 : 12; i < (v6 ? 40u : 20u); i += 2)
		pseudo += (uint32_t)p[i] << 8 | p[i + 1];
	pseudo += 6 + (uint32_t)len;
	if (len < 20)
		return;
	p[ip + 16] = p[ip + 17] = 0;
	sum = (uint16_t)~lab_checksum(pseudo, p + ip, len);
	p[ip + 16] = (uint8_t)(sum >> 8);
	p[ip + 17] = (uint8_t)sum;
}

static void repaired_segment(struct duo *d, uint64_t *random)
{
	struct lab_frame *frame = draw_segment(d, random);
	size_t header = d->raw->family == AF_INET6 ? 60 : 40;

	for (uint64_t flips = 1 + below(random, 3); flips; flips--)
		frame->bytes[below(random, header)] = (uint8_t)lab_random(random);
	repair_checksums(frame);
	inject(d, frame->bytes, frame->len);
	lab_frame_put(frame);
}

HARNESS_TEST(header_fields_of_any_value_with_right_checksums_break_nothing, HARNESS_FAMILIES | HARNESS_ONCE)
{
	storm_everywhere(repaired_segment);
}

HARNESS_TEST(a_segment_cut_anywhere_is_dropped_in_silence_and_counted, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = at_state(2, false);
	uint64_t before;
	struct lab_segment seg = { .family = (uint8_t)d.raw->family, .protocol = 6, .sport = d.raw->port, .dport = DUO_PORT,
				   .seq = d.raw->isn + 1, .ack = d.raw->host_isn + 1, .flags = LAB_ACK | LAB_PSH,
				   .window = 1000, .payload = (const uint8_t *)"0123456789", .payload_len = 10,
				   .options = (const uint8_t *)"\1\1\10\12\0\0\0\1\0\0\0\0", .options_len = 12 };
	struct lab_frame *frame;
	const char *in = d.raw->family == AF_INET6 ? "Ip6InReceives" : "IpInReceives";

	lab_wire_addr16(d.wire, LAB_B, d.raw->family, seg.saddr);
	lab_wire_addr16(d.wire, LAB_A, d.raw->family, seg.daddr);
	frame = lab_segment_write(&seg);
	forget_heard(&d);
	before = counted(&d, in);
	for (size_t len = 0; len < frame->len; len++)
		inject(&d, frame->bytes, len);
	EXPECT(counted(&d, in) - before <= frame->len);
	EXPECT_SILENCE(&d);
	EXPECT_RECV_NOTHING(&d, SERVER);
	/* the same with the lengths of the IP header made to fit, so that TCP sees the cut */
	for (size_t len = d.raw->family == AF_INET6 ? 40 : 20; len < frame->len; len++) {
		struct lab_frame *cut = lab_frame_new(frame->bytes, len);
		bool v6 = d.raw->family == AF_INET6;
		size_t total = v6 ? len - 40 : len;

		cut->bytes[v6 ? 4 : 2] = (uint8_t)(total >> 8);
		cut->bytes[v6 ? 5 : 3] = (uint8_t)total;
		before = counted(&d, "TcpInSegs");
		repair_checksums(cut);
		inject(&d, cut->bytes, len);
		lab_frame_put(cut);
		if (len >= (v6 ? 72u : 52u))
			break; /* the header is whole */
		EXPECT_EQ(counted(&d, "TcpInSegs") - before, 1);
		EXPECT_COUNTER(&d, SERVER, "TcpInErrs", 0); /* Linux counts no segment that is too short for its header */
	}
	lab_frame_put(frame);
}

HARNESS_TEST(a_wrong_checksum_is_counted_and_nothing_is_said, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = at_state(2, false);
	struct lab_frame *frame;
	uint64_t random = 5;

	forget_heard(&d);
	duo_forget(&d);
	for (int i = 0; i < 100; i++) {
		frame = draw_segment(&d, &random);
		frame->bytes[d.raw->family == AF_INET6 ? 40 + 16 : 20 + 16] ^= 0x55;
		inject(&d, frame->bytes, frame->len);
		lab_frame_put(frame);
	}
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpInCsumErrors", 100);
	EXPECT_COUNTER(&d, SERVER, "TcpInErrs", 100);
	EXPECT_COUNTER(&d, SERVER, "TcpInSegs", 100);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
}

HARNESS_TEST(noise_of_any_length_is_no_packet, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = at_state(2, false);
	uint64_t random = 11;
	uint8_t noise[200];

	for (uint64_t i = 0; i < cases() * 20; i++) {
		size_t len = below(&random, sizeof(noise));

		for (size_t k = 0; k < len; k++)
			noise[k] = (uint8_t)lab_random(&random);
		if (len)
			noise[0] = (uint8_t)((below(&random, 2) ? 0x40 : 0x60) | below(&random, 16));
		inject(&d, noise, len);
	}
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_RECV_NOTHING(&d, SERVER);
}

/* Options whose lengths lie, in the SYN that a listener reads and in what a connection reads. */
HARNESS_TEST(options_of_every_kind_and_length_are_read_without_harm, HARNESS_FAMILIES | HARNESS_ONCE)
{
	struct duo d = solo_listening();

	duo_no_record(&d);
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = kind % 3; len < 44; len += 3) {
			uint8_t options[40] = { (uint8_t)kind, (uint8_t)len };
			struct lab_segment seg = { .flags = LAB_SYN, .window = 1000, .sport = (uint16_t)(10000 + kind),
						   .options = options, .options_len = 4 * (1 + len % 10) };

			for (unsigned i = 2; i < 40; i++)
				options[i] = (uint8_t)(kind * len + i);
			if (len > 40)
				seg.flags = LAB_RST, seg.seq = 1;
			lab_raw_send(d.raw, &seg);
			lab_run_for(d.world, 0);
		}
		duo_run_ms(&d, kind % 16 == 15 ? 70000 : 0);
		forget_heard(&d);
	}
	expect_listener_lives(&d);
}

/* ICMP errors that quote anything, with any type and code. */
HARNESS_TEST(icmp_errors_that_quote_anything_break_nothing, HARNESS_FAMILIES | HARNESS_ONCE)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		uint64_t random = lab_stream(1, 78, i);
		struct duo d = at_state(i, true);

		for (uint64_t n = 0; n < cases(); n++) {
			struct lab_frame *about = draw_segment(&d, &random), *error, *back;
			struct lab_segment seg;

			/* as if the host had sent it: both ends exchanged */
			EXPECT(lab_segment_read(&seg, about->bytes, about->len));
			seg.seq = near(&random, d.raw->host_isn + 1);
			lab_wire_addr16(d.wire, LAB_A, d.raw->family, seg.saddr);
			lab_wire_addr16(d.wire, LAB_B, d.raw->family, seg.daddr);
			seg.sport = DUO_PORT;
			seg.dport = d.raw->port;
			back = lab_segment_write(&seg);
			error = lab_icmp_error(back->bytes, back->len, (uint8_t)below(&random, 20), (uint8_t)below(&random, 16),
					       (uint32_t)below(&random, 2000));
			for (uint64_t flips = below(&random, 3); flips; flips--)
				error->bytes[below(&random, error->len)] ^= (uint8_t)(1 << below(&random, 8));
			inject(&d, error->bytes, below(&random, 5) ? error->len : below(&random, error->len));
			lab_frame_put(about);
			lab_frame_put(back);
			lab_frame_put(error);
		}
		forget_heard(&d);
		expect_listener_lives(&d);
	}
}

/* IP fragments of segments: pieces of any place and length, that overlap, never end, or end too far. */
HARNESS_TEST(fragments_of_any_place_and_length_break_nothing, HARNESS_ONCE)
{
	struct duo d = at_state(2, false);
	uint64_t random = 13;

	for (uint64_t i = 0; i < cases() * 30; i++) {
		struct lab_frame *frame = draw_segment(&d, &random);
		uint16_t offset = (uint16_t)below(&random, below(&random, 4) ? 200 : 8192);
		uint16_t sum;

		frame->bytes[4] = 0;
		frame->bytes[5] = (uint8_t)below(&random, 20); /* few datagrams, many pieces */
		frame->bytes[6] = (uint8_t)(offset >> 8 | (below(&random, 3) ? 0x20 : 0));
		frame->bytes[7] = (uint8_t)offset;
		frame->bytes[10] = frame->bytes[11] = 0;
		sum = (uint16_t)~lab_checksum(0, frame->bytes, 20);
		frame->bytes[10] = (uint8_t)(sum >> 8);
		frame->bytes[11] = (uint8_t)sum;
		inject(&d, frame->bytes, frame->len);
		lab_frame_put(frame);
		if (below(&random, 50) == 0)
			duo_run_ms(&d, below(&random, 40000));
	}
	EXPECT(counted(&d, "IpReasmReqds") > 0);
	EXPECT(counted(&d, "IpReasmFails") > 0);
	forget_heard(&d);
	expect_listener_lives(&d);
}
