// SPDX-License-Identifier: MIT
/*
 * lab/world.c - hosts, the clock, and the queue of what will happen
 *
 * In:   events from wires (a frame arrives), from tests (lab_at), and the deadlines of every stack.
 * Here: lab_step() picks the earliest, moves the clock there and lets it happen; ties are broken by number, never by
 *       an address.
 * Out:  la_advance() and, through the wires, la_receive() on the stacks; what they trace goes to the observers.
 */
#include "lab/world.h"

#include <stdio.h>
#include <string.h>

#include "lab/task.h"
#include "lab/wire.h"

#define LAB_STILL_MAX 20000000ULL /* steps at one instant after which the world is declared stuck */

enum { STREAM_HOST = 1 };

/* ------------------------------------------------------------------ the queue: a binary heap by time, then number */

static bool event_before(const struct lab_event *a, const struct lab_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static void queue_put(struct lab_world *world, size_t index, struct lab_event *event)
{
	world->queue[index] = event;
	event->index = index;
}

static void queue_rise(struct lab_world *world, size_t index)
{
	struct lab_event *event = world->queue[index];

	for (; index > 1 && event_before(event, world->queue[index / 2]); index /= 2)
		queue_put(world, index, world->queue[index / 2]);
	queue_put(world, index, event);
}

static void queue_sink(struct lab_world *world, size_t index)
{
	struct lab_event *event = world->queue[index];
	size_t child;

	while ((child = 2 * index) <= world->planned) {
		if (child < world->planned && event_before(world->queue[child + 1], world->queue[child]))
			child++;
		if (!event_before(world->queue[child], event))
			break;
		queue_put(world, index, world->queue[child]);
		index = child;
	}
	queue_put(world, index, event);
}

void lab_event_plan(struct lab_world *world, struct lab_event *event, uint64_t at_ns)
{
	lab_event_cancel(world, event);
	if (world->planned + 2 > world->room) {
		world->room = world->room ? 2 * world->room : 64;
		world->queue = realloc(world->queue, world->room * sizeof(*world->queue));
		if (!world->queue)
			abort();
	}
	event->at_ns = at_ns < world->now_ns ? world->now_ns : at_ns;
	event->number = ++world->numbers;
	queue_put(world, ++world->planned, event);
	queue_rise(world, world->planned);
}

void lab_event_cancel(struct lab_world *world, struct lab_event *event)
{
	size_t index = event->index;

	if (!index)
		return;
	event->index = 0;
	if (index != world->planned) {
		queue_put(world, index, world->queue[world->planned--]);
		queue_rise(world, index);
		queue_sink(world, world->queue[index]->index);
	} else {
		world->planned--;
	}
}

struct lab_appointment {
	struct lab_event event;
	struct lab_world *world;
	void (*run)(struct lab_world *world, void *arg);
	void *arg;
};

static void appointment_drop(struct lab_event *event)
{
	free(lab_container_of(event, struct lab_appointment, event));
}

static void appointment_run(struct lab_event *event)
{
	struct lab_appointment *app = lab_container_of(event, struct lab_appointment, event);

	app->run(app->world, app->arg);
	free(app);
}

void lab_at(struct lab_world *world, uint64_t at_ns, void (*run)(struct lab_world *world, void *arg), void *arg)
{
	struct lab_appointment *app = lab_zalloc(sizeof(*app));

	app->event = (struct lab_event){.run = appointment_run, .drop = appointment_drop};
	app->world = world;
	app->run = run;
	app->arg = arg;
	lab_event_plan(world, &app->event, at_ns);
}

/* ------------------------------------------------------------------ steps */

/* The host that asks to be woken first, and when; of two that ask for the same instant the older one. */
static struct lab_host *first_deadline(const struct lab_world *world, uint64_t *at_ns)
{
	struct lab_host *first = NULL;

	*at_ns = LAB_NEVER;
	for (struct lab_host *host = world->hosts; host; host = host->next) {
		uint64_t deadline = la_deadline_ns(host->stack);

		if (deadline < *at_ns) {
			*at_ns = deadline;
			first = host;
		}
	}
	return first;
}

static void clock_move(struct lab_world *world, uint64_t at_ns)
{
	if (at_ns > world->now_ns) {
		world->now_ns = at_ns;
		world->still = 0;
	} else if (++world->still > LAB_STILL_MAX) {
		fprintf(stderr, "lab: the world of seed %llu stands still at %llu ns\n",
			(unsigned long long)world->seed, (unsigned long long)world->now_ns);
		abort();
	}
}

bool lab_step(struct lab_world *world, uint64_t until_ns)
{
	struct lab_event *event = world->planned ? world->queue[1] : NULL;
	uint64_t deadline;
	struct lab_host *host = first_deadline(world, &deadline);

	if (event && event->at_ns <= deadline) {
		if (event->at_ns > until_ns)
			return false;
		clock_move(world, event->at_ns);
		lab_event_cancel(world, event);
		event->run(event);
	} else {
		if (!host || deadline > until_ns)
			return false;
		clock_move(world, deadline);
		la_advance(host->stack, world->now_ns);
	}
	if (world->after_step)
		world->after_step(world, world->after_arg);
	return true;
}

void lab_run_until(struct lab_world *world, uint64_t ns)
{
	while (lab_step(world, ns))
		;
	if (ns > world->now_ns)
		clock_move(world, ns);
}

void lab_run_for(struct lab_world *world, uint64_t ns)
{
	lab_run_until(world, world->now_ns + ns);
}

bool lab_run_idle(struct lab_world *world, uint64_t limit_ns)
{
	uint64_t deadline, until_ns = world->now_ns + limit_ns;

	while (lab_step(world, until_ns))
		;
	return !world->planned && !first_deadline(world, &deadline);
}

/* ------------------------------------------------------------------ hosts: what a stack may ask of its world */

void lab_refuse(struct lab_refusal *refusal, uint64_t nth, bool onwards)
{
	*refusal = (struct lab_refusal){.nth = nth, .onwards = onwards};
}

static bool refused(struct lab_refusal *refusal)
{
	refusal->asked++;
	if (!refusal->nth || refusal->asked < refusal->nth)
		return false;
	if (refusal->asked > refusal->nth && !refusal->onwards)
		return false;
	refusal->refused++;
	return true;
}

static uint64_t host_random(void *arg)
{
	struct lab_host *host = arg;

	return lab_random(&host->random);
}

/* New memory is filled with one pattern, so that reading what was never written cannot differ between two runs. */
static void *host_alloc(void *arg, size_t size, size_t align)
{
	struct lab_host *host = arg;
	void *mem = NULL;

	if (refused(&host->blocks) || posix_memalign(&mem, align < sizeof(void *) ? sizeof(void *) : align, size))
		return NULL;
	host->bytes += size;
	return memset(mem, 0xa5, size);
}

static void host_free(void *arg, void *mem, size_t size)
{
	struct lab_host *host = arg;

	if (mem)
		host->bytes -= size;
	free(mem);
}

static bool host_refuse(void *arg, size_t size)
{
	struct lab_host *host = arg;

	(void)size;
	return refused(&host->objects);
}

static void host_trace(void *arg, const struct la_trace_event *event)
{
	struct lab_host *host = arg;

	for (struct lab_observer *obs = host->world->observers; obs; obs = obs->next) {
		if (obs->trace)
			obs->trace(obs, host, event);
	}
}

struct lab_host *lab_host_new(struct lab_world *world, const char *name)
{
	struct lab_host **last = &world->hosts, *host = lab_zalloc(sizeof(*host));

	host->world = world;
	host->number = ++world->nr_hosts;
	snprintf(host->name, sizeof(host->name), "%s", name);
	host->random = lab_stream(world->seed, STREAM_HOST, host->number);
	host->env = (struct la_env){.random = host_random,
				    .alloc = host_alloc,
				    .free = host_free,
				    .trace = host_trace,
				    .refuse = host_refuse,
				    .world = host};
	host->stack = la_stack_new(&host->env, world->now_ns);
	if (!host->stack)
		abort();
	while (*last)
		last = &(*last)->next;
	*last = host;
	return host;
}

const char *lab_check(struct lab_world *world, struct lab_host **where)
{
	for (struct lab_host *host = world->hosts; host; host = host->next) {
		const char *wrong = la_check(host->stack);

		if (!wrong)
			continue;
		if (where)
			*where = host;
		return wrong;
	}
	return NULL;
}

/* ------------------------------------------------------------------ a world's beginning and end */

struct lab_world *lab_world_new(uint64_t seed)
{
	struct lab_world *world = lab_zalloc(sizeof(*world));

	world->seed = seed;
	world->now_ns = LAB_START_NS;
	return world;
}

void lab_world_observe(struct lab_world *world, struct lab_observer *obs)
{
	struct lab_observer **last = &world->observers;

	while (*last)
		last = &(*last)->next;
	obs->next = NULL;
	*last = obs;
}

/* Stacks go first: they complete the calls that are pending and still know their devices. */
uint64_t lab_world_free(struct lab_world *world)
{
	struct lab_host *host;
	uint64_t leaked = 0;

	if (!world)
		return 0;
	while ((host = world->hosts)) {
		world->hosts = host->next;
		la_stack_free(host->stack);
		leaked += host->bytes;
		free(host);
	}
	while (world->planned) {
		struct lab_event *event = world->queue[world->planned];

		lab_event_cancel(world, event);
		if (event->drop)
			event->drop(event);
	}
	lab_calls_free(world);
	lab_wires_free(world);
	free(world->queue);
	free(world);
	return leaked;
}
