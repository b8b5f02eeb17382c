// SPDX-License-Identifier: MIT
/*
 * life/exit.c - tasks and their descriptors multiply and end: fork, thread, exec, exit, dup, fcntl
 *
 *	task_new     a process with an empty table, or a thread with another's
 *	task_fork    a copy of the table: one reference more on each file
 *	task_exec    close-on-exec (FD-09)
 *	task_exit    calls in progress are broken off; the last user of a table closes all that is open in it, in the
 *	             order of the numbers, and lingers nowhere (FD-06, FD-07)
 *	sys_dup2     the old file of the number is closed before the call returns (FD-08)
 *
 * Whatever is closed here goes the way of life/close.c.
 */
#include "stack/life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

/* ------------------------------------------------------------------ tasks */

struct task *task_new(struct net *net, struct fdtable *files)
{
	struct task *task = slab_zalloc(&net->vfs->tasks);

	if (!task)
		return NULL;
	if (!files) {
		files = fdtable_new(net);
		if (!files) {
			slab_free(&net->vfs->tasks, task);
			return NULL;
		}
	}
	task->net = net;
	task->files = files;
	list_init(&task->ops);
	list_add_tail(&task->node, &net->vfs->all_tasks);
	return task;
}

static void files_close(struct fdtable *files, bool cloexec)
{
	for (int fd = -1; (fd = fdtable_next(files, fd + 1, cloexec)) >= 0;)
		filp_close(fdtable_take(files, fd), NULL);
}

/* The task uses the table no more. */
static void files_put(struct fdtable *files)
{
	if (--files->users)
		return;
	files_close(files, false);
	fdtable_free(files);
}

struct task *task_fork(struct task *parent)
{
	struct fdtable *files = fdtable_copy(parent->files);
	struct task *child;

	if (!files)
		return NULL;
	child = task_new(parent->net, files);
	if (!child)
		files_put(files);
	return child;
}

struct task *task_thread(struct task *task)
{
	struct task *thread = task_new(task->net, task->files);

	if (thread)
		task->files->users++;
	return thread;
}

/* Its calls end as by a signal that kills; meanwhile it begins no others. */
static void break_off_calls(struct task *task)
{
	task->exiting = true;
	while (!list_empty(&task->ops))
		op_cancel(list_first_entry(&task->ops, struct op, node));
}

int task_exec(struct task *task)
{
	struct fdtable *files = task->files;

	if (files->users > 1) { /* the others keep theirs */
		files = fdtable_copy(files);
		if (!files)
			return -ENOMEM;
	}
	break_off_calls(task); /* what they hold in reserve is in the old table */
	task->exiting = false;
	if (task->files != files) {
		task->files->users--;
		task->files = files;
	}
	files_close(files, true);
	return 0;
}

void task_exit(struct task *task)
{
	struct net *net = task->net;

	break_off_calls(task);
	files_put(task->files);
	list_del_init(&task->node);
	slab_free(&net->vfs->tasks, task);
}

/* ------------------------------------------------------------------ descriptors in flight */

struct flight *flight_new(struct net *net, struct file *file)
{
	struct flight *flight = slab_alloc(&net->vfs->flights);

	if (!flight)
		return NULL;
	get_file(file);
	flight->file = file;
	list_add_tail(&flight->node, &net->vfs->in_flight);
	return flight;
}

struct file *flight_land(struct net *net, struct flight *flight)
{
	struct file *file = flight->file;

	list_del_init(&flight->node);
	slab_free(&net->vfs->flights, flight);
	return file;
}

/* ------------------------------------------------------------------ dup */

static int64_t dup_from(struct op *op, uint32_t from, bool cloexec)
{
	int fd = get_unused_fd(op->task->files, from, cloexec);

	if (fd < 0)
		return fd;
	get_file(op->file);
	fd_install(op->task->files, fd, op->file);
	return fd;
}

static int64_t dup_try(struct op *op)
{
	return dup_from(op, 0, false);
}

static int64_t dup_onto(struct op *op, int newfd, bool cloexec)
{
	struct fdtable *files = op->task->files;
	struct file *file, *old;
	int err;

	if ((uint32_t)newfd >= FD_LIMIT)
		return -EBADF;
	file = fget(files, op->fd);
	if (!file)
		return -EBADF;
	err = fd_replace(files, newfd, file, cloexec, &old);
	if (err) {
		fput(file, NULL); /* the table holds it: not the last reference */
		return err;
	}
	op_public(op)->result = newfd;
	if (old && filp_close(old, op) == OP_WAIT)
		return OP_WAIT;
	return newfd;
}

static int64_t dup2_try(struct op *op)
{
	if (op->u.dup.newfd == op->fd)
		return fdtable_look(op->task->files, op->fd) ? op->fd : -EBADF;
	return dup_onto(op, op->u.dup.newfd, false);
}

static int64_t dup3_try(struct op *op)
{
	if (op->u.dup.flags & ~O_CLOEXEC || op->u.dup.newfd == op->fd)
		return -EINVAL;
	return dup_onto(op, op->u.dup.newfd, op->u.dup.flags & O_CLOEXEC);
}

const struct op_class sys_dup = {.name = "dup", .try = dup_try, .takes_fd = true};
const struct op_class sys_dup2 = {.name = "dup2", .try = dup2_try};
const struct op_class sys_dup3 = {.name = "dup3", .try = dup3_try};

/* ------------------------------------------------------------------ fcntl */

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_ASYNC | O_NOATIME)

static int64_t fcntl_try(struct op *op)
{
	struct fdtable *files = op->task->files;
	long arg = op->u.fcntl.arg;

	switch (op->u.fcntl.cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((unsigned long)arg >= FD_LIMIT)
			return -EINVAL;
		return dup_from(op, (uint32_t)arg, op->u.fcntl.cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_get_cloexec(files, op->fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(files, op->fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return op->file->flags;
	case F_SETFL:
		if (arg & O_DIRECT)
			return -EINVAL;
		op->file->flags = (op->file->flags & ~SETFL_MASK) | (arg & SETFL_MASK);
		return 0;
	}
	return -EINVAL;
}

const struct op_class sys_fcntl = {.name = "fcntl", .try = fcntl_try, .takes_fd = true};
