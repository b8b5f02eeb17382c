// SPDX-License-Identifier: MIT
/*
 * lab/task.c - threads of control in a world, and calls that block them
 *
 * In:   a prepared operation and the thread that makes the call.
 * Here: it is submitted; when the stack completes it later, call_done() notes result and time.
 * Out:  the result, now or after the world has been run far enough.
 */
#include "lab/task.h"

struct lab_thread lab_process(struct lab_host *host)
{
	return (struct lab_thread){.host = host, .task = la_task_new(host->stack)};
}

struct lab_thread lab_fork(const struct lab_thread *thread)
{
	return (struct lab_thread){.host = thread->host, .task = la_task_fork(thread->task)};
}

struct lab_thread lab_thread_of(const struct lab_thread *thread)
{
	return (struct lab_thread){.host = thread->host, .task = la_task_thread(thread->task)};
}

void lab_exit(struct lab_thread *thread)
{
	if (thread->task)
		la_task_exit(thread->task, thread->host->world->now_ns);
	thread->task = NULL;
}

static void call_done(struct la_op *op)
{
	struct lab_call *call = op->user;

	call->pending = false;
	call->result = op->result;
	call->ended_ns = call->world->now_ns;
	for (struct lab_observer *obs = call->world->observers; obs; obs = obs->next) {
		if (obs->returned)
			obs->returned(obs, call);
	}
}

struct lab_call *lab_call_new(struct lab_host *host)
{
	struct lab_call *call = lab_zalloc(sizeof(*call));

	call->world = host->world;
	call->op.done = call_done;
	call->op.user = call;
	call->result = LAB_BLOCKED;
	call->next = call->world->calls;
	call->world->calls = call;
	return call;
}

struct lab_call *lab_submit(const struct lab_thread *thread, struct lab_call *call)
{
	call->thread = *thread;
	la_op_describe(&call->op, &call->what);
	call->begun_ns = call->world->now_ns;
	call->pending = true;
	for (struct lab_observer *obs = call->world->observers; obs; obs = obs->next) {
		if (obs->called)
			obs->called(obs, call);
	}
	if (la_submit(thread->task, &call->op, call->begun_ns) == LA_DONE)
		call_done(&call->op);
	return call;
}

int64_t lab_wait(struct lab_call *call, uint64_t patience_ns)
{
	struct lab_world *world = call->world;
	uint64_t until_ns = world->now_ns + patience_ns;

	while (call->pending && patience_ns && lab_step(world, until_ns))
		;
	return call->result;
}

int64_t lab_interrupt(struct lab_call *call)
{
	if (call->pending)
		la_cancel(&call->op, call->world->now_ns);
	return call->result;
}

void lab_calls_cancel(struct lab_world *world)
{
	for (struct lab_call *call = world->calls; call; call = call->next)
		lab_interrupt(call);
}

void lab_calls_free(struct lab_world *world)
{
	struct lab_call *call;

	while ((call = world->calls)) {
		world->calls = call->next;
		free(call);
	}
}
