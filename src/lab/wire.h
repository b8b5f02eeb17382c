/* SPDX-License-Identifier: MIT */
/*
 * lab/wire.h - a wire between two ends, and everything that can go wrong on it
 *
 * A wire is two one-way roads. Each road is a row of pipes, every one the same small table around the next:
 *
 *	host -> tap -> gate -> lossy -> line -> tap -> host
 *
 *	tap	shows frames to the observers (captures, pictures, tests)
 *	gate	rules: "drop the third segment with FIN"
 *	lossy	chance: loss, duplicates, reordering, flipped bits
 *	line	rate, delay, a queue with a limit; it can be stalled or cut
 *
 * An end is a host's device, or whatever takes frames there (raw.h). Pipes of one's own may be put anywhere in a row.
 */
#ifndef LAB_WIRE_H
#define LAB_WIRE_H

#include "lab/frame.h"
#include "lab/world.h"

/**
 * struct lab_pipe - one piece of a one-way road
 * @push: takes the frame, does its part and pushes it on to @next, now or later; says what became of it
 */
struct lab_pipe {
	enum lab_fate (*push)(struct lab_pipe *pipe, struct lab_frame *frame);
	struct lab_pipe *next;
};

static inline enum lab_fate lab_pipe_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	return pipe->push(pipe, frame);
}

/* ------------------------------------------------------------------ gate: rules */

enum lab_verdict {
	LAB_DROP = 1,
	LAB_REFUSE,    /* the sender is told: -ENOBUFS */
	LAB_DELAY,     /* @extra_ns more */
	LAB_DUPLICATE, /* a second one @extra_ns later */
	LAB_CORRUPT,   /* one bit of the TCP part is flipped */
};

/**
 * struct lab_rule - what happens to which segments
 * @with, @without: TCP flags that must all be set, all be clear
 * @min_len:  payload bytes at least
 * @match:    a further condition, with @arg; may be NULL
 * @first:    the first match that is meant, from 1 (0 is 1 too)
 * @count:    how many from there on; 0: all
 * @seen:     matches so far
 */
struct lab_rule {
	enum lab_verdict verdict;
	uint8_t with, without;
	uint32_t min_len;
	bool (*match)(void *arg, const struct lab_segment *seg);
	void *arg;
	uint64_t first, count;
	uint64_t extra_ns;
	uint64_t seen;
	struct lab_rule *next;
};

/* ------------------------------------------------------------------ a road and its weather */

/**
 * struct lab_weather - one direction of a wire; all zero but the delay is a quiet wire
 * @delay_ns:    the time a frame is under way
 * @rate_bps:    bits per second, 0: no limit
 * @queue_bytes: what may wait to be sent; a frame more is refused with -ENOBUFS; 0: no limit
 * @loss_ppm, @dup_ppm, @corrupt_ppm: out of a million frames. One bit is flipped, which every checksum sees
 * @reorder_ppm, @reorder_ns: so many frames take so much longer, and later ones overtake them
 */
struct lab_weather {
	uint64_t delay_ns;
	uint64_t rate_bps;
	uint64_t queue_bytes;
	uint32_t loss_ppm, dup_ppm, corrupt_ppm, reorder_ppm;
	uint64_t reorder_ns;
};

struct lab_gate {
	struct lab_pipe pipe;
	struct lab_road *road;
	struct lab_rule *rules; /* in order of making; the first that is due decides */
};

struct lab_lossy {
	struct lab_pipe pipe;
	struct lab_road *road;
	uint64_t random;
};

struct lab_line {
	struct lab_pipe pipe;
	struct lab_road *road;
	uint64_t busy_until_ns;		   /* the last frame has left by then */
	struct lab_held *held, **held_end; /* frames of a stalled line, in order */
	uint64_t held_bytes;
	bool stalled, cut;
};

struct lab_tap {
	struct lab_pipe pipe;
	struct lab_road *road;
	bool arrival;
};

/**
 * struct lab_port - where a wire ends
 * @receive: a frame has arrived: takes it
 * @drop:    the wire ends; may be NULL
 * @host:    NULL where no stack is
 */
struct lab_port {
	struct lab_pipe pipe;
	struct lab_wire *wire;
	enum lab_end end;
	void (*receive)(struct lab_port *port, struct lab_frame *frame);
	void (*drop)(struct lab_port *port);
	struct lab_host *host;
	struct la_device device;
	int ifindex;
	void *arg;
};

struct lab_road {
	struct lab_wire *wire;
	enum lab_end from;
	struct lab_weather weather;
	struct lab_tap out;
	struct lab_gate gate;
	struct lab_lossy lossy;
	struct lab_line line;
	struct lab_tap in;
	uint64_t sent, lost, arrived; /* frames */
};

/**
 * struct lab_wire - two roads; @road[LAB_A] leads from end A to end B
 */
struct lab_wire {
	struct lab_world *world;
	struct lab_wire *next;
	unsigned number; /* from 0, in order of creation */
	uint32_t mtu;	 /* longer frames vanish; may be lowered below what the devices believe */
	bool complains;	 /* ... and their senders are told by an ICMP error, as by a router in the middle */
	struct lab_port port[2];
	struct lab_road road[2];
};

/* A quiet wire with 1 ms delay each way. Ends get addresses (below) and, on a host's first wire, the default route. */
struct lab_wire *lab_wire_new(struct lab_world *world, struct lab_host *a, struct lab_host *b, uint32_t mtu);
/* The same without hosts: ends swallow frames until lab_port_host(), or a receive() of one's own, changes that. */
struct lab_wire *lab_wire_bare(struct lab_world *world, uint32_t mtu);
void lab_port_host(struct lab_wire *wire, enum lab_end end, struct lab_host *host);
/* Sends a frame (taken) from an end as a device there would. */
enum lab_fate lab_wire_send(struct lab_wire *wire, enum lab_end from, struct lab_frame *frame);
void lab_wires_free(struct lab_world *world);

/* Address of an end: 10.x.y.1 and .2, fd00:0:0:w::1 and ::2 for wire w = 256 x + y; LAB_MAPPED: IPv4 in IPv6 clothes. */
enum { LAB_MAPPED = -1 };
struct sockaddr_storage;
socklen_t lab_wire_addr(const struct lab_wire *wire, enum lab_end end, int family, uint16_t port,
			struct sockaddr_storage *addr);
/* The same as 16 bytes, IPv4 mapped. @family: AF_INET, AF_INET6 or LAB_MAPPED */
void lab_wire_addr16(const struct lab_wire *wire, enum lab_end end, int family, uint8_t addr[16]);

/* What happens to frames sent from @from (or LAB_BOTH) from now on. */
void lab_wire_weather(struct lab_wire *wire, enum lab_end from, const struct lab_weather *weather);
/* Adds a rule for frames sent from @from; a copy, owned by the wire: given back to look at ->seen. */
struct lab_rule *lab_wire_rule(struct lab_wire *wire, enum lab_end from, const struct lab_rule *rule);
/* "Drop the @nth segment with these flags", counted from now. */
struct lab_rule *lab_wire_drop_nth(struct lab_wire *wire, enum lab_end from, uint8_t flags, uint64_t nth);
/* A cut wire loses what is sent and what is under way. */
void lab_wire_cut(struct lab_wire *wire, enum lab_end from, bool cut);
/* A stalled one keeps what is sent until it moves again, and then delivers all of it in order. */
void lab_wire_stall(struct lab_wire *wire, enum lab_end from, bool stalled);

#endif
