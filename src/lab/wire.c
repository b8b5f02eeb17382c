// SPDX-License-Identifier: MIT
/*
 * lab/wire.c - a wire between two ends, and everything that can go wrong on it
 *
 * In:   a stack hands a frame, or a unit of several segments, to port_xmit(), which cuts it; raw ends send whole frames.
 * Here: the frame passes the pipes of its road: tap, gate, lossy, line.
 * Out:  after its delay an event of the world brings it past the second tap to the other end: la_receive().
 */
#include "lab/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <lastack/stack.h>

enum { STREAM_LOSSY = 2, STREAM_RULE = 3 };

/* ------------------------------------------------------------------ tap: whoever watches, sees it here */

/* "Fragmentation needed", or "packet too big", on the way back. */
static void complain(struct lab_wire *wire, enum lab_end from, const struct lab_frame *frame)
{
	bool v6 = frame->len && frame->bytes[0] >> 4 == 6;
	struct lab_segment seg;

	if (!wire->complains || !lab_segment_read(&seg, frame->bytes, frame->len))
		return;
	if (seg.protocol != IPPROTO_ICMP && seg.protocol != IPPROTO_ICMPV6) /* never about a complaint */
		lab_wire_send(wire, !from, lab_icmp_error(frame->bytes, frame->len, v6 ? 2 : 3, v6 ? 0 : 4, wire->mtu));
}

static enum lab_fate tap_sent(struct lab_tap *tap, struct lab_frame *frame)
{
	struct lab_road *road = tap->road;
	struct lab_world *world = road->wire->world;
	enum lab_fate fate;

	lab_frame_get(frame);
	if (frame->len > road->wire->mtu) {
		lab_frame_put(frame);
		fate = LAB_TOO_LONG;
	} else {
		fate = lab_pipe_push(tap->pipe.next, frame);
	}
	road->sent++;
	road->lost += fate != LAB_SENT;
	for (struct lab_observer *obs = world->observers; obs; obs = obs->next) {
		if (obs->sent)
			obs->sent(obs, road->wire, road->from, frame, fate);
	}
	if (fate == LAB_TOO_LONG)
		complain(road->wire, road->from, frame);
	lab_frame_put(frame);
	return fate;
}

static enum lab_fate tap_arrived(struct lab_tap *tap, struct lab_frame *frame)
{
	struct lab_road *road = tap->road;
	struct lab_world *world = road->wire->world;

	road->arrived++;
	for (struct lab_observer *obs = world->observers; obs; obs = obs->next) {
		if (obs->arrived)
			obs->arrived(obs, road->wire, !road->from, frame);
	}
	return lab_pipe_push(tap->pipe.next, frame);
}

static enum lab_fate tap_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	struct lab_tap *tap = lab_container_of(pipe, struct lab_tap, pipe);

	return tap->arrival ? tap_arrived(tap, frame) : tap_sent(tap, frame);
}

/* ------------------------------------------------------------------ gate: rules */

static bool rule_matches(const struct lab_rule *rule, const struct lab_segment *seg)
{
	bool flags = rule->with || rule->without || rule->min_len;

	if (flags && (seg->protocol != IPPROTO_TCP || !seg->sport))
		return false;
	return (seg->flags & rule->with) == rule->with && !(seg->flags & rule->without) &&
	       seg->payload_len >= rule->min_len && (!rule->match || rule->match(rule->arg, seg));
}

/* Counts the segment; true when it is one of those meant. */
static bool rule_is_due(struct lab_rule *rule, const struct lab_segment *seg)
{
	uint64_t first = rule->first ? rule->first : 1;

	if (!rule_matches(rule, seg))
		return false;
	rule->seen++;
	return rule->seen >= first && (!rule->count || rule->seen < first + rule->count);
}

static struct lab_frame *flip_bit(struct lab_frame *frame, size_t from, uint64_t chance)
{
	struct lab_frame *copy = lab_frame_copy(frame);
	size_t span = frame->len - from;

	lab_frame_put(frame);
	if (span)
		copy->bytes[from + chance / 8 % span] ^= (uint8_t)(1 << chance % 8);
	return copy;
}

static enum lab_fate gate_apply(struct lab_gate *gate, const struct lab_rule *rule, const struct lab_segment *seg,
				struct lab_frame *frame)
{
	struct lab_pipe *next = gate->pipe.next;
	struct lab_frame *twin;
	enum lab_fate fate;
	uint64_t stream;

	switch (rule->verdict) {
	case LAB_DROP:
	case LAB_REFUSE:
		lab_frame_put(frame);
		return rule->verdict == LAB_DROP ? LAB_LOST : LAB_NO_BUFFER;
	case LAB_DELAY:
		frame->extra_ns += rule->extra_ns;
		break;
	case LAB_DUPLICATE:
		twin = lab_frame_copy(frame);
		twin->extra_ns = rule->extra_ns;
		fate = lab_pipe_push(next, frame);
		lab_pipe_push(next, twin);
		return fate;
	case LAB_CORRUPT:
		stream = lab_stream(gate->road->wire->world->seed, STREAM_RULE, frame->number);
		frame = flip_bit(frame, seg->family == AF_INET ? 20 : 40, lab_random(&stream));
		break;
	}
	return lab_pipe_push(next, frame);
}

static enum lab_fate gate_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	struct lab_gate *gate = lab_container_of(pipe, struct lab_gate, pipe);
	struct lab_rule *decides = NULL;
	struct lab_segment seg;

	if (!gate->rules)
		return lab_pipe_push(pipe->next, frame);
	lab_segment_read(&seg, frame->bytes, frame->len);
	for (struct lab_rule *rule = gate->rules; rule; rule = rule->next) {
		if (rule_is_due(rule, &seg) && !decides)
			decides = rule;
	}
	return decides ? gate_apply(gate, decides, &seg, frame) : lab_pipe_push(pipe->next, frame);
}

/* ------------------------------------------------------------------ lossy: chance */

static enum lab_fate lossy_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	struct lab_lossy *lossy = lab_container_of(pipe, struct lab_lossy, pipe);
	const struct lab_weather *weather = &lossy->road->weather;
	struct lab_frame *twin = NULL;
	enum lab_fate fate;

	if (lab_chance(&lossy->random, weather->loss_ppm)) {
		lab_frame_put(frame);
		return LAB_LOST;
	}
	if (lab_chance(&lossy->random, weather->dup_ppm))
		twin = lab_frame_copy(frame);
	if (lab_chance(&lossy->random, weather->corrupt_ppm))
		frame = flip_bit(frame, 0, lab_random(&lossy->random));
	if (lab_chance(&lossy->random, weather->reorder_ppm))
		frame->extra_ns += weather->reorder_ns;
	fate = lab_pipe_push(pipe->next, frame);
	if (twin)
		lab_pipe_push(pipe->next, twin);
	return fate;
}

/* ------------------------------------------------------------------ line: rate, delay, queue */

/* A frame under way, or waiting on a stalled line. */
struct lab_held {
	struct lab_event event;
	struct lab_line *line;
	struct lab_frame *frame;
	struct lab_held *next;
};

static void held_drop(struct lab_event *event)
{
	struct lab_held *held = lab_container_of(event, struct lab_held, event);

	lab_frame_put(held->frame);
	free(held);
}

static void held_arrive(struct lab_event *event)
{
	struct lab_held *held = lab_container_of(event, struct lab_held, event);
	struct lab_line *line = held->line;

	if (line->cut) {
		line->road->lost++;
		held_drop(event);
		return;
	}
	lab_pipe_push(line->pipe.next, held->frame);
	free(held);
}

static uint64_t line_backlog_bytes(const struct lab_line *line)
{
	const struct lab_weather *weather = &line->road->weather;
	uint64_t now_ns = line->road->wire->world->now_ns, bytes = line->held_bytes;

	if (weather->rate_bps && line->busy_until_ns > now_ns)
		bytes += (uint64_t)((unsigned __int128)(line->busy_until_ns - now_ns) * weather->rate_bps / 8 / LAB_S);
	return bytes;
}

static bool line_has_room(const struct lab_line *line, size_t len)
{
	uint64_t limit = line->road->weather.queue_bytes;

	return !limit || line_backlog_bytes(line) + len <= limit;
}

static void line_depart(struct lab_line *line, struct lab_held *held)
{
	const struct lab_weather *weather = &line->road->weather;
	struct lab_world *world = line->road->wire->world;

	if (line->busy_until_ns < world->now_ns)
		line->busy_until_ns = world->now_ns;
	if (weather->rate_bps)
		line->busy_until_ns += (held->frame->len * 8 * LAB_S + weather->rate_bps - 1) / weather->rate_bps;
	lab_event_plan(world, &held->event, line->busy_until_ns + weather->delay_ns + held->frame->extra_ns);
}

static enum lab_fate line_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	struct lab_line *line = lab_container_of(pipe, struct lab_line, pipe);
	struct lab_held *held;

	if (line->cut) {
		lab_frame_put(frame);
		return LAB_LOST;
	}
	held = lab_zalloc(sizeof(*held));
	held->event = (struct lab_event){.run = held_arrive, .drop = held_drop};
	held->line = line;
	held->frame = frame;
	if (line->stalled) {
		line->held_bytes += frame->len;
		*line->held_end = held;
		line->held_end = &held->next;
	} else {
		line_depart(line, held);
	}
	return LAB_SENT;
}

/* Everything held goes on its way, or, with @drop, to nowhere. */
static void line_release(struct lab_line *line, bool drop)
{
	struct lab_held *held;

	while ((held = line->held)) {
		line->held = held->next;
		if (drop)
			held_drop(&held->event);
		else
			line_depart(line, held);
	}
	line->held_end = &line->held;
	line->held_bytes = 0;
}

/* ------------------------------------------------------------------ ports: where a wire ends */

enum lab_fate lab_wire_send(struct lab_wire *wire, enum lab_end from, struct lab_frame *frame)
{
	struct lab_world *world = wire->world;

	frame->sent_ns = world->now_ns;
	frame->number = ++world->frames;
	return lab_pipe_push(&wire->road[from].out.pipe, frame);
}

static enum lab_fate port_push(struct lab_pipe *pipe, struct lab_frame *frame)
{
	struct lab_port *port = lab_container_of(pipe, struct lab_port, pipe);

	port->receive(port, frame);
	return LAB_SENT;
}

static void port_to_host(struct lab_port *port, struct lab_frame *frame)
{
	la_receive(port->host->stack, port->ifindex, frame->bytes, frame->len, port->wire->world->now_ns);
	lab_frame_put(frame);
}

static void port_to_nobody(struct lab_port *port, struct lab_frame *frame)
{
	(void)port;
	lab_frame_put(frame);
}

/* A device of a stack sends: a unit is cut here; a queue that cannot hold all of it takes none of it, as in Linux. */
static int port_xmit(struct la_device *dev, const struct la_frame *unit)
{
	struct lab_port *port = lab_container_of(dev, struct lab_port, device);
	struct lab_road *road = &port->wire->road[port->end];
	uint32_t count = la_frame_count(unit);

	if (!line_has_room(&road->line, unit->len)) {
		road->sent++;
		road->lost++;
		return -ENOBUFS;
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t cap = unit->gso_size ? (size_t)unit->hdr_len + unit->gso_size : unit->len;
		struct lab_frame *frame = lab_frame_new(NULL, cap);

		frame->len = la_frame_cut(unit, i, frame->bytes, cap);
		if (!frame->len)
			abort(); /* the stack's own count and its own cut disagree */
		if (lab_wire_send(port->wire, port->end, frame) == LAB_NO_BUFFER)
			return -ENOBUFS;
	}
	return 0;
}

void lab_wire_addr16(const struct lab_wire *wire, enum lab_end end, int family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (family == AF_INET6) {
		addr[0] = 0xfd;
		addr[6] = (uint8_t)(wire->number >> 8);
		addr[7] = (uint8_t)wire->number;
		addr[15] = (uint8_t)(end + 1);
		return;
	}
	addr[10] = addr[11] = 0xff;
	addr[12] = 10;
	addr[13] = (uint8_t)(wire->number >> 8);
	addr[14] = (uint8_t)wire->number;
	addr[15] = (uint8_t)(end + 1);
}

socklen_t lab_wire_addr(const struct lab_wire *wire, enum lab_end end, int family, uint16_t port,
			struct sockaddr_storage *addr)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	uint8_t bytes[16];

	memset(addr, 0, sizeof(*addr));
	lab_wire_addr16(wire, end, family, bytes);
	if (family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, bytes + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, bytes, 16);
	return sizeof(*in6);
}

void lab_port_host(struct lab_wire *wire, enum lab_end end, struct lab_host *host)
{
	static const uint8_t any[16];
	struct lab_port *port = &wire->port[end];
	uint8_t addr[16];
	bool failed;

	port->host = host;
	port->receive = port_to_host;
	port->device = (struct la_device){
		.name = end == LAB_A ? "wire-a" : "wire-b", .mtu = wire->mtu, .xmit = port_xmit, .world = port};
	port->ifindex = la_device_add(host->stack, &port->device);
	failed = port->ifindex < 0;
	lab_wire_addr16(wire, end, AF_INET, addr);
	failed = failed || la_addr_add(host->stack, port->ifindex, AF_INET, addr + 12, 24);
	lab_wire_addr16(wire, end, AF_INET6, addr);
	if (wire->mtu >= 1280)
		failed = failed || la_addr_add(host->stack, port->ifindex, AF_INET6, addr, 64);
	if (!host->nr_wires++) {
		failed = failed || la_route_add(host->stack, port->ifindex, AF_INET, any, 0);
		if (wire->mtu >= 1280)
			failed = failed || la_route_add(host->stack, port->ifindex, AF_INET6, any, 0);
	}
	if (failed)
		abort(); /* a world is built before memory is refused */
}

/* ------------------------------------------------------------------ wires */

static void road_build(struct lab_wire *wire, enum lab_end from)
{
	struct lab_road *road = &wire->road[from];
	uint64_t number = 2 * wire->number + (uint64_t)from;

	road->wire = wire;
	road->from = from;
	road->weather.delay_ns = LAB_MS;
	road->out = (struct lab_tap){{tap_push, &road->gate.pipe}, road, false};
	road->gate = (struct lab_gate){{gate_push, &road->lossy.pipe}, road, NULL};
	road->lossy = (struct lab_lossy){
		{lossy_push, &road->line.pipe}, road, lab_stream(wire->world->seed, STREAM_LOSSY, number)};
	road->line = (struct lab_line){.pipe = {line_push, &road->in.pipe}, .road = road};
	road->line.held_end = &road->line.held;
	road->in = (struct lab_tap){{tap_push, &wire->port[!from].pipe}, road, true};
}

struct lab_wire *lab_wire_bare(struct lab_world *world, uint32_t mtu)
{
	struct lab_wire **last = &world->wires, *wire = lab_zalloc(sizeof(*wire));

	wire->world = world;
	wire->number = world->nr_wires++;
	wire->mtu = mtu;
	for (int end = LAB_A; end <= LAB_B; end++) {
		road_build(wire, end);
		wire->port[end] = (struct lab_port){
			.pipe = {port_push, NULL}, .wire = wire, .end = end, .receive = port_to_nobody};
	}
	while (*last)
		last = &(*last)->next;
	*last = wire;
	return wire;
}

struct lab_wire *lab_wire_new(struct lab_world *world, struct lab_host *a, struct lab_host *b, uint32_t mtu)
{
	struct lab_wire *wire = lab_wire_bare(world, mtu);

	lab_port_host(wire, LAB_A, a);
	lab_port_host(wire, LAB_B, b);
	return wire;
}

void lab_wires_free(struct lab_world *world)
{
	struct lab_wire *wire;
	struct lab_rule *rule;

	while ((wire = world->wires)) {
		world->wires = wire->next;
		for (int end = LAB_A; end <= LAB_B; end++) {
			line_release(&wire->road[end].line, true);
			if (wire->port[end].drop)
				wire->port[end].drop(&wire->port[end]);
			while ((rule = wire->road[end].gate.rules)) {
				wire->road[end].gate.rules = rule->next;
				free(rule);
			}
		}
		free(wire);
	}
}

void lab_wire_weather(struct lab_wire *wire, enum lab_end from, const struct lab_weather *weather)
{
	for (int end = LAB_A; end <= LAB_B; end++) {
		if (from == LAB_BOTH || (int)from == end)
			wire->road[end].weather = *weather;
	}
}

struct lab_rule *lab_wire_rule(struct lab_wire *wire, enum lab_end from, const struct lab_rule *rule)
{
	struct lab_rule **last = &wire->road[from].gate.rules, *copy = lab_zalloc(sizeof(*copy));

	*copy = *rule;
	copy->next = NULL;
	while (*last)
		last = &(*last)->next;
	*last = copy;
	return copy;
}

struct lab_rule *lab_wire_drop_nth(struct lab_wire *wire, enum lab_end from, uint8_t flags, uint64_t nth)
{
	return lab_wire_rule(wire, from,
			     &(struct lab_rule){.verdict = LAB_DROP, .with = flags, .first = nth, .count = 1});
}

void lab_wire_cut(struct lab_wire *wire, enum lab_end from, bool cut)
{
	for (int end = LAB_A; end <= LAB_B; end++) {
		if (from == LAB_BOTH || (int)from == end)
			wire->road[end].line.cut = cut;
	}
}

void lab_wire_stall(struct lab_wire *wire, enum lab_end from, bool stalled)
{
	for (int end = LAB_A; end <= LAB_B; end++) {
		struct lab_line *line = &wire->road[end].line;

		if (from != LAB_BOTH && (int)from != end)
			continue;
		line->stalled = stalled;
		if (!stalled)
			line_release(line, false);
	}
}
