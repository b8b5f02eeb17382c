// SPDX-License-Identifier: MIT
/*
 * file/poll.c - poll(2)
 *
 * In:   an array of numbers and the events asked for.
 * Here: each number is looked up and its file asked. If nothing is true, poll holds every file that it found and
 *       waits on each; a wake-up with other bits than those asked for is not one.
 * Out:  when woken it looks the numbers up again, but waits on the files it began with: a number closed meanwhile shows
 *       POLLNVAL, or the bits of the file that has it now, and only when something happens on the old one (FD-15).
 */
#include "stack/file/file.h"

#include <errno.h>
#include <poll.h>

struct poll_entry {
	struct wait_entry wait;
	struct op *op;
	struct file *file; /* a reference; NULL: nothing to wait for */
	uint32_t key;
};

static bool poll_wake(struct wait_entry *wait, uint32_t key)
{
	struct poll_entry *entry = container_of(wait, struct poll_entry, wait);

	if (!key || key & entry->key)
		op_wake(entry->op);
	return false;
}

static uint32_t poll_filter(const struct pollfd *p)
{
	return (uint16_t)p->events | POLLERR | POLLHUP;
}

/* Writes what is true now; the number of descriptors with something to say. */
static int64_t poll_look(struct op *op)
{
	int64_t count = 0;

	for (nfds_t i = 0; i < op->u.poll.nfds; i++) {
		struct pollfd *p = &op->u.poll.fds[i];
		struct file *file;

		p->revents = 0;
		if (p->fd < 0)
			continue;
		file = fdtable_look(op->task->files, p->fd);
		p->revents = (short)(file ? file->ops->poll(file) & poll_filter(p) : POLLNVAL);
		count += p->revents != 0;
	}
	return count;
}

/* Nothing was true: every number is negative or open. */
static int poll_begin_waiting(struct op *op)
{
	nfds_t nfds = op->u.poll.nfds;
	struct poll_entry *entries;

	if (!nfds || op->u.poll.entries)
		return 0;
	entries = mem_zalloc(&op->task->net->mem, nfds * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (nfds_t i = 0; i < nfds; i++) {
		struct poll_entry *e = &entries[i];

		list_init(&e->wait.node);
		e->op = op;
		e->wait.wake = poll_wake;
		e->key = poll_filter(&op->u.poll.fds[i]);
		e->file = fget(op->task->files, op->u.poll.fds[i].fd);
		if (e->file)
			wait_add_first(e->file->ops->wait(e->file), &e->wait);
	}
	op->u.poll.entries = entries;
	return 0;
}

static int64_t poll_try(struct op *op)
{
	int timeout_ms = op->u.poll.timeout_ms;
	int64_t count;

	if (op->u.poll.nfds > FD_LIMIT)
		return -EINVAL;
	if (op->u.poll.nfds && !op->u.poll.fds)
		return -EFAULT;
	count = poll_look(op);
	if (count || timeout_ms == 0 || op->nonblock)
		return count;
	if (poll_begin_waiting(op))
		return -ENOMEM;
	if (timeout_ms > 0)
		op_set_timeout_ms(op, timeout_ms);
	return OP_WAIT;
}

/* A signal that finds something true is not what ends the call. */
static int64_t poll_interrupted(struct op *op)
{
	int64_t count = poll_look(op);

	return count ? count : -EINTR;
}

/* Of the files that were closed meanwhile, one may linger: the operation itself lets that one go. */
static void poll_leave(struct op *op)
{
	struct poll_entry *entries = op->u.poll.entries;
	nfds_t nfds = op->u.poll.nfds;

	if (!entries)
		return;
	for (nfds_t i = 0; i < nfds; i++)
		wait_remove(&entries[i].wait);
	for (nfds_t i = 0; i < nfds; i++) {
		struct file *file = entries[i].file;

		if (file && file->count == 1 && !op->file)
			op->file = file;
		else if (file)
			fput(file, NULL);
	}
	op->u.poll.entries = NULL;
	mem_free(&op->task->net->mem, entries, nfds * sizeof(*entries));
}

const struct op_class sys_poll = {
	.name = "poll",
	.try = poll_try,
	.expired = poll_look,
	.interrupted = poll_interrupted,
	.leave = poll_leave,
};
