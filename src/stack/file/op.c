// SPDX-License-Identifier: MIT
/*
 * file/op.c - system calls as operations: begun, woken, timed out, cancelled, completed
 *
 * In:   op_start() from la_submit(); wake-ups from wait queues, the timer wheel, la_cancel().
 * Here: a wake-up only puts the operation on vfs.woken; op_run_woken(), at the end of the entry, lets each look again.
 * Out:  op_complete(): off every queue, the file let go, and then the caller is told.
 *
 * The thread of a program that Linux would put to sleep inside a system call is, here, an operation in OP_WAITING; the
 * reference that such a thread holds on its file is op->file.
 */
#include "stack/file/op.h"
#include "stack/file/file.h"

#include <errno.h>

static bool op_wait_wake(struct wait_entry *entry, uint32_t key)
{
	struct op *op = container_of(entry, struct op, wait);

	(void)key;
	/* A waiter that is awake already does not take the wake-up from the next exclusive one. */
	if (op->status != OP_WAITING)
		return false;
	op_wake(op);
	return op->class->exclusive;
}

/* On no queue or list yet, and without a timer. */
static void op_park(struct op *op)
{
	if (op->parked)
		return;
	list_init(&op->node);
	list_init(&op->woken_node);
	list_init(&op->wait.node);
	op->timer.pprev = NULL;
	op->parked = true;
}

void op_wait_on(struct op *op, struct wait_queue *q)
{
	op_park(op);
	if (!list_empty(&op->wait.node))
		return;
	op->wait.wake = op_wait_wake;
	if (op->class->exclusive)
		wait_add(q, &op->wait);
	else
		wait_add_first(q, &op->wait);
}

void op_set_timeout_ms(struct op *op, uint64_t ms)
{
	struct net *net = op->task->net;

	if (op->limited)
		return;
	op_park(op);
	op->limited = true;
	op->timer.kind = TIMER_OP;
	timer_arm(&net->wheel, &op->timer, tick_after_ms(net, ms));
}

void op_wake(struct op *op)
{
	if (op->status != OP_WAITING)
		return;
	op->status = OP_WOKEN;
	list_add_tail(&op->woken_node, &op->task->net->vfs->woken);
	op->task->net->unsettled = true;
}

/* It waits, or goes on waiting. */
static void op_pend(struct op *op)
{
	op_park(op);
	op->status = OP_WAITING;
	if (list_empty(&op->node)) {
		list_add_tail(&op->node, &op->task->ops);
		op->task->net->vfs->pending_ops++;
	}
}

/* No queue, list or timer knows it any more. */
static void op_dequeue(struct op *op)
{
	wait_remove(&op->wait);
	timer_disarm(&op->task->net->wheel, &op->timer);
	list_del_init(&op->woken_node);
	op->limited = false;
}

/* The call has its result. False: letting the file go is a close that lingers; the call returns when that has ended. */
static bool op_finish(struct op *op, int64_t result)
{
	struct file *file;

	op_public(op)->result = result;
	if (unlikely(op->class->leave))
		op->class->leave(op);
	if (unlikely(op->parked))
		op_dequeue(op);
	file = op->file;
	op->file = NULL;
	if (file && unlikely(fput(file, op->nonblock || op->cancelled ? NULL : op))) {
		op_pend(op);
		return false;
	}
	if (unlikely(op->parked) && !list_empty(&op->node)) {
		list_del_init(&op->node);
		op->task->net->vfs->pending_ops--;
	}
	op->status = OP_IDLE;
	return true;
}

static void op_complete(struct op *op, int64_t result)
{
	struct la_op *pub = op_public(op);

	if (op_finish(op, result) && pub->done)
		pub->done(pub);
}

enum la_status op_start(struct task *task, struct op *op)
{
	const struct op_class *class = op->class;
	struct la_op *pub = op_public(op);
	int64_t result;

	op->task = task;
	op->status = OP_RUNNING;
	op->cancelled = op->parked = false;
	pub->signal = 0;
	pub->result = 0;
	if (unlikely(task->exiting)) {
		pub->result = -EINTR;
		return LA_DONE;
	}
	if (likely(class->takes_fd)) {
		op->file = fget(task->files, op->fd);
		if (unlikely(!op->file)) {
			pub->result = -EBADF;
			return LA_DONE;
		}
	}
	result = class->try(op);
	if (unlikely(result == OP_WAIT)) {
		assert(!op->nonblock); /* the class knows what to return instead */
		op_pend(op);
		return LA_PENDING;
	}
	return op_finish(op, result) ? LA_DONE : LA_PENDING;
}

/* Lets a waiting operation look again: true if that completed it. */
static bool op_run(struct op *op)
{
	int64_t result;

	list_del_init(&op->woken_node);
	op->status = OP_RUNNING;
	result = op->class->try(op);
	if (result == OP_WAIT) {
		op_pend(op);
		return false;
	}
	op_complete(op, result);
	return true;
}

bool op_any_woken(const struct net *net)
{
	return !list_empty(&net->vfs->woken);
}

void op_run_woken(struct net *net)
{
	struct list_head batch;

	/* What these wake has its turn when the frames that they send to this very stack have arrived. */
	list_init(&batch);
	list_splice_tail_init(&net->vfs->woken, &batch);
	while (!list_empty(&batch))
		op_run(list_first_entry(&batch, struct op, woken_node));
}

void op_timer(struct net *net, struct timer *t)
{
	struct op *op = container_of(t, struct op, timer);
	int64_t result;

	(void)net;
	/* What happened at the same instant counts first, as for a thread that wakes up and looks. */
	if (op->status == OP_WOKEN && op_run(op))
		return;
	result = op->class->expired ? op->class->expired(op) : -EAGAIN;
	if (result == OP_WAIT)
		return op_pend(op);
	op_complete(op, result);
}

void op_cancel(struct op *op)
{
	if (op->status != OP_WAITING && op->status != OP_WOKEN)
		return;
	op->cancelled = true;
	if (op->status == OP_WOKEN && !op->task->exiting && op_run(op))
		return;
	op_complete(op, op->class->interrupted ? op->class->interrupted(op) : -EINTR);
}
