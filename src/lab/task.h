/* SPDX-License-Identifier: MIT */
/*
 * lab/task.h - threads of control in a world, and calls that block them
 *
 * A program's call becomes an operation; "blocking" is nothing but running the world until the operation is done:
 *
 *	n = LAB_CALL(&thread, recv, fd, buf, sizeof(buf), 0);		blocks as long as the world has something to do
 *
 *	call = LAB_START(&thread, recv, fd, buf, sizeof(buf), 0);	another thread sits in recv() ...
 *	lab_run_for(world, 10 * LAB_MS);
 *	if (!call->pending) ... call->result
 *
 * The second word is the tail of a la_prep_*() name. Calls belong to the world and live as long as it does, so a test
 * may leave one pending and forget it; the buffers named in it are the caller's.
 */
#ifndef LAB_TASK_H
#define LAB_TASK_H

#include "lab/world.h"

struct lab_half;

#define LAB_BLOCKED	INT64_MIN /* result of a call that did not return in time */
#define LAB_PATIENCE_NS (3600 * LAB_S)

struct lab_thread {
	struct lab_host *host;
	struct la_task *task;
};

/**
 * struct lab_call - one system call of one thread
 * @thread:   who made it; its task may be gone when the call has ended
 * @what:     as strace would show it
 * @user:     the caller's
 * @watched:  the sock that invariants.c keeps account of
 * @result:   what it returned; LAB_BLOCKED while it is pending
 * @ended_ns: when it returned
 */
struct lab_call {
	struct la_op op;
	struct lab_world *world;
	struct lab_thread thread;
	struct lab_call *next;
	struct la_op_description what;
	void *user;
	struct lab_half *watched;
	bool pending;
	int64_t result;
	uint64_t begun_ns, ended_ns;
};

struct lab_thread lab_process(struct lab_host *host);		  /* an empty table */
struct lab_thread lab_fork(const struct lab_thread *thread);	  /* a copy of the table */
struct lab_thread lab_thread_of(const struct lab_thread *thread); /* the same table */
void lab_exit(struct lab_thread *thread);

struct lab_call *lab_call_new(struct lab_host *host); /* gives one to prepare; owned by the world */
struct lab_call *lab_submit(const struct lab_thread *thread, struct lab_call *call);
/* Runs the world until the call returns or @patience_ns have passed: its result, or LAB_BLOCKED and it stays pending. */
int64_t lab_wait(struct lab_call *call, uint64_t patience_ns);
/* As a caught signal: the call returns at once what Linux makes it return. */
int64_t lab_interrupt(struct lab_call *call);
void lab_calls_cancel(struct lab_world *world);
void lab_calls_free(struct lab_world *world);

#define LAB_START(thread, what, ...) \
	__extension__({ \
		struct lab_call *call_ = lab_call_new((thread)->host); \
		la_prep_##what(&call_->op, __VA_ARGS__); \
		lab_submit((thread), call_); \
	})
#define LAB_CALL(thread, what, ...) lab_wait(LAB_START(thread, what, __VA_ARGS__), LAB_PATIENCE_NS)
/* For calls that must not wait: the world is not run; LAB_BLOCKED says that it would have blocked, and it goes on doing so. */
#define LAB_TRY(thread, what, ...)  lab_wait(LAB_START(thread, what, __VA_ARGS__), 0)

#endif
