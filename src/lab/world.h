/* SPDX-License-Identifier: MIT */
/*
 * lab/world.h - a world that we invent: hosts, one clock, and everything that will happen
 *
 * A world has a virtual clock in nanoseconds, hosts (each a stack of its own), wires between them (wire.h) and a queue
 * of events. Nothing happens by itself: lab_run_*() moves the clock to the earliest of what is due - an event, or what a
 * stack asked for with la_deadline_ns() - and lets it happen. Two things due at the same instant happen in a fixed
 * order: events in the order in which they were planned, then hosts in the order in which they were made.
 *
 * All chance comes from the world's seed. The same seed and the same calls make the same run, byte for byte; whoever
 * runs a world prints world->seed.
 */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include <lastack/socket.h>
#include <lastack/stack.h>
#include <lastack/trace.h>

#include "lab/lab.h"

#define LAB_START_NS (1000 * LAB_S) /* the clock of a new world; not 0, where a mistake would go unseen */
#define LAB_NEVER    UINT64_MAX

struct lab_call;
struct lab_frame;
struct lab_host;
struct lab_wire;
struct lab_world;

enum lab_end { LAB_A, LAB_B, LAB_BOTH };

/* What became of a frame that was sent. */
enum lab_fate {
	LAB_SENT,      /* it is on its way */
	LAB_LOST,      /* chance, a rule or a cut wire took it */
	LAB_TOO_LONG,  /* more than the wire's MTU */
	LAB_NO_BUFFER, /* the sender's queue is full: -ENOBUFS */
};

/**
 * struct lab_event - something that will happen; lives inside what it concerns
 * @run:  lets it happen; the event is out of the queue by then and may be planned again
 * @drop: the world ends first: frees what the event owns; may be NULL
 */
struct lab_event {
	void (*run)(struct lab_event *event);
	void (*drop)(struct lab_event *event);
	uint64_t at_ns;
	uint64_t number; /* order of planning */
	size_t index;	 /* place in the queue, from 1; 0: not planned */
};

/**
 * struct lab_observer - somebody who watches a world: a capture, a picture, a test
 * @trace:   a stack said something about itself
 * @sent:    a frame left an end of a wire, or was meant to (@fate)
 * @arrived: a frame reached the other end
 * @called:  a thread is about to make a call
 * @returned: it has returned; also from within another entry, where no stack may be asked anything
 * All borrow, each may be NULL, none may act on the world.
 */
struct lab_observer {
	void (*trace)(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event);
	void (*sent)(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from, const struct lab_frame *frame,
		     enum lab_fate fate);
	void (*arrived)(struct lab_observer *obs, struct lab_wire *wire, enum lab_end at,
			const struct lab_frame *frame);
	void (*called)(struct lab_observer *obs, struct lab_call *call);
	void (*returned)(struct lab_observer *obs, struct lab_call *call);
	struct lab_observer *next;
};

struct lab_world {
	uint64_t seed;
	uint64_t now_ns;
	struct lab_host *hosts; /* in order of creation */
	struct lab_wire *wires;
	struct lab_call *calls; /* all that were started (task.h) */
	struct lab_observer *observers;
	/* Called after every step with @after_arg; lab_check() is a good thing to do there. May be NULL. */
	void (*after_step)(struct lab_world *world, void *arg);
	void *after_arg;

	struct lab_event **queue; /* a binary heap from index 1 */
	size_t planned, room;
	uint64_t numbers; /* given to events so far */
	uint64_t frames;  /* sent so far */
	uint64_t still;	  /* steps since the clock last moved */
	unsigned nr_hosts, nr_wires;
};

/* Memory that a host does not get: the @nth request from now on (from 1), and all later ones too if @onwards. */
struct lab_refusal {
	uint64_t asked; /* requests seen since it was set */
	uint64_t nth;	/* 0: refuse nothing */
	bool onwards;
	uint64_t refused;
};

/**
 * struct lab_host - one machine of a world
 * @objects: refusals of the stack's objects (la_env.refuse)
 * @blocks:  refusals of the blocks that objects are carved from (la_env.alloc)
 * @bytes:   memory that the stack has taken and not given back
 */
struct lab_host {
	struct lab_world *world;
	struct lab_host *next;
	char name[16];
	unsigned number;
	unsigned nr_wires;
	struct la_env env;
	struct la_stack *stack;
	uint64_t random;
	struct lab_refusal objects, blocks;
	uint64_t bytes;
};

struct lab_world *lab_world_new(uint64_t seed);
/* Ends stacks, wires and calls still pending. Returns the bytes that stacks did not give back: 0 unless they leak. */
uint64_t lab_world_free(struct lab_world *world);
void lab_world_observe(struct lab_world *world, struct lab_observer *obs /* borrowed until the world ends */);

struct lab_host *lab_host_new(struct lab_world *world, const char *name);
/* The first invariant that does not hold on any host, as la_check() puts it, or NULL; @host says where, may be NULL. */
const char *lab_check(struct lab_world *world, struct lab_host **host);
/* lab_refuse(&host->objects, 3, false): the third request from now on fails, and no other */
void lab_refuse(struct lab_refusal *refusal, uint64_t nth, bool onwards);

/* One step: the earliest thing due at or before @until_ns. False when there is none; the clock then stays. */
bool lab_step(struct lab_world *world, uint64_t until_ns);
void lab_run_until(struct lab_world *world, uint64_t ns);
void lab_run_for(struct lab_world *world, uint64_t ns);
/* Runs until nothing is left to happen, at most for @limit_ns. True when it came to rest. */
bool lab_run_idle(struct lab_world *world, uint64_t limit_ns);

void lab_event_plan(struct lab_world *world, struct lab_event *event, uint64_t at_ns);
void lab_event_cancel(struct lab_world *world, struct lab_event *event); /* one that is not planned is left alone */
/* @run happens with @arg at @at_ns, for tests that act in the middle of a run. */
void lab_at(struct lab_world *world, uint64_t at_ns, void (*run)(struct lab_world *world, void *arg), void *arg);

#endif
