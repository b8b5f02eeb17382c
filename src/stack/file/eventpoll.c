// SPDX-License-Identifier: MIT
/*
 * file/eventpoll.c - epoll: epoll_create1, epoll_ctl, epoll_wait
 *
 * In:   a wake-up of a watched file, with the bits of what happened (ep_poll_callback).
 * Here: the entry goes to the end of the set's ready list, once; who waits on the set is woken.
 * Out:  epoll_wait() takes entries from the list and asks each file what is true now. An entry whose file has nothing
 *       leaves the list; a level-triggered one that had something goes to its end, and so is asked again next time.
 *
 * A set may watch sets: at most EP_MAX_NESTS steps from the outermost to the innermost, and never in a circle.
 */
#include "stack/file/eventpoll.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>

#define EP_PRIVATE_BITS ((uint32_t)EPOLLWAKEUP | (uint32_t)EPOLLONESHOT | (uint32_t)EPOLLET | (uint32_t)EPOLLEXCLUSIVE)
#define EP_EXCLUSIVE_OK \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | (uint32_t)EPOLLWAKEUP | (uint32_t)EPOLLET | \
	 (uint32_t)EPOLLEXCLUSIVE)
#define EP_MAX_NESTS  4
#define EP_MAX_EVENTS (INT_MAX / (int)sizeof(struct epoll_event))

static struct eventpoll *eventpoll_of(const struct file *file) /* NULL: not a set */
{
	return file->ops == &eventpoll_fops ? file->private_data : NULL;
}

/* ------------------------------------------------------------------ events come in */

static void ep_wake(struct eventpoll *ep)
{
	wake_up(&ep->wq, 0, 1);
	wake_up(&ep->poll_wait, EPOLLIN, 0);
}

static void ep_make_ready(struct epitem *epi)
{
	if (list_empty(&epi->ready))
		list_add_tail(&epi->ready, &epi->ep->ready);
	ep_wake(epi->ep);
}

/* Does an EPOLLEXCLUSIVE entry count as the one waiter that took the wake-up? Only if it wanted that direction. */
static bool ep_takes_exclusively(const struct epitem *epi, uint32_t key)
{
	uint32_t direction = key & (EPOLLIN | EPOLLOUT);

	if (!(epi->events & (uint32_t)EPOLLEXCLUSIVE) || list_empty(&epi->ep->wq.entries))
		return false;
	return !direction || (direction != (EPOLLIN | EPOLLOUT) && epi->events & direction);
}

static bool ep_poll_callback(struct wait_entry *entry, uint32_t key)
{
	struct epitem *epi = container_of(entry, struct epitem, wait);
	bool took;

	if (!(epi->events & ~EP_PRIVATE_BITS)) /* a one-shot that has fired */
		return false;
	if (key && !(key & epi->events))
		return false;
	took = ep_takes_exclusively(epi, key);
	ep_make_ready(epi);
	return took;
}

/* ------------------------------------------------------------------ what is true now */

static uint32_t ep_item_poll(const struct epitem *epi)
{
	return epi->file->ops->poll(epi->file) & epi->events;
}

static uint32_t eventpoll_poll(struct file *file)
{
	struct eventpoll *ep = file->private_data;

	while (!list_empty(&ep->ready)) {
		struct epitem *epi = list_first_entry(&ep->ready, struct epitem, ready);

		if (ep_item_poll(epi))
			return EPOLLIN | EPOLLRDNORM;
		list_del_init(&epi->ready);
	}
	return 0;
}

static struct wait_queue *eventpoll_wait(struct file *file)
{
	return &((struct eventpoll *)file->private_data)->poll_wait;
}

/* The number under which it was added, while that means this file: one that waits in a call outlives its numbers. */
static int ep_number(const struct epitem *epi, const struct op *op)
{
	return fdtable_look(op->task->files, epi->fd) == epi->file ? epi->fd : -1;
}

/* The number of events written, or -EFAULT. */
static int ep_send_events(struct eventpoll *ep, const struct op *op)
{
	struct epoll_event *events = op->u.epoll_wait.events;
	int *fds = op->u.epoll_wait.fds, max = op->u.epoll_wait.max;
	struct list_head scan;
	int sent = 0;

	list_init(&scan);
	list_splice_tail_init(&ep->ready, &scan);
	while (!list_empty(&scan) && sent < max) {
		struct epitem *epi = list_first_entry(&scan, struct epitem, ready);
		uint32_t revents = ep_item_poll(epi);

		if (revents && !events) {
			sent = -EFAULT;
			break;
		}
		list_del_init(&epi->ready);
		if (!revents)
			continue;
		events[sent].events = revents;
		events[sent].data.u64 = epi->data;
		if (fds)
			fds[sent] = ep_number(epi, op);
		sent++;
		if (epi->events & EPOLLONESHOT)
			epi->events &= EP_PRIVATE_BITS;
		else if (!(epi->events & (uint32_t)EPOLLET))
			list_add_tail(&epi->ready, &ep->ready);
	}
	/* What was not looked at stays in front; the next waiter may have it. */
	list_splice_tail_init(&ep->ready, &scan);
	list_splice_tail_init(&scan, &ep->ready);
	if (!list_empty(&ep->ready))
		wake_up(&ep->wq, 0, 1);
	return sent;
}

/* ------------------------------------------------------------------ entries */

static uint32_t item_hash(int fd)
{
	return (uint32_t)fd * 0x9e3779b1u;
}

static struct epitem *ep_find(const struct eventpoll *ep, const struct file *file, int fd)
{
	struct hnode *n;

	htab_for_each_candidate (n, &ep->items, item_hash(fd)) {
		struct epitem *epi = container_of(n, struct epitem, hash);

		if (epi->fd == fd && epi->file == file)
			return epi;
	}
	return NULL;
}

static int ep_insert(struct eventpoll *ep, struct file *file, int fd, uint32_t events, uint64_t data)
{
	struct epitem *epi = slab_zalloc(&ep->net->vfs->epitems);
	struct wait_queue *wq;

	if (!epi)
		return -ENOMEM;
	epi->ep = ep;
	epi->file = file;
	epi->fd = fd;
	epi->events = events;
	epi->data = data;
	list_init(&epi->ready);
	htab_insert(&ep->items, &epi->hash, item_hash(fd));

	epi->next = file->epitems;
	epi->pprev = &file->epitems;
	if (epi->next)
		epi->next->pprev = &epi->next;
	file->epitems = epi;

	list_init(&epi->wait.node);
	epi->wait.wake = ep_poll_callback;
	wq = file->ops->wait(file);
	if (events & (uint32_t)EPOLLEXCLUSIVE)
		wait_add(wq, &epi->wait);
	else
		wait_add_first(wq, &epi->wait);
	if (ep_item_poll(epi))
		ep_make_ready(epi);
	return 0;
}

static void ep_remove(struct epitem *epi)
{
	struct eventpoll *ep = epi->ep;

	wait_remove(&epi->wait);
	list_del_init(&epi->ready);
	htab_remove(&ep->items, &epi->hash);
	*epi->pprev = epi->next;
	if (epi->next)
		epi->next->pprev = epi->pprev;
	slab_free(&ep->net->vfs->epitems, epi);
}

static void ep_modify(struct epitem *epi, uint32_t events, uint64_t data)
{
	epi->events = events;
	epi->data = data;
	if (ep_item_poll(epi) && list_empty(&epi->ready))
		ep_make_ready(epi);
}

void eventpoll_release_file(struct file *file)
{
	while (file->epitems)
		ep_remove(file->epitems);
}

static bool eventpoll_release(struct file *file, struct op *op)
{
	struct eventpoll *ep = file->private_data;

	(void)op;
	for (uint32_t slot = 0; slot <= ep->items.mask; slot++)
		while (ep->items.slot[slot])
			ep_remove(container_of(ep->items.slot[slot], struct epitem, hash));
	htab_destroy(&ep->items);
	slab_free(&ep->net->vfs->eventpolls, ep);
	return false;
}

const struct file_operations eventpoll_fops = {
	.name = "eventpoll",
	.poll = eventpoll_poll,
	.wait = eventpoll_wait,
	.release = eventpoll_release,
};

/* ------------------------------------------------------------------ sets in sets */

/* Steps from @ep down to the innermost set; more than EP_MAX_NESTS for a way that leads to @into, or is too long. */
static int ep_nests_below(const struct eventpoll *ep, const struct eventpoll *into, int depth)
{
	int most = 0;

	if (ep == into || depth > EP_MAX_NESTS)
		return EP_MAX_NESTS + 1;
	for (uint32_t slot = 0; slot <= ep->items.mask && most <= EP_MAX_NESTS; slot++) {
		for (struct hnode *n = ep->items.slot[slot]; n; n = n->next) {
			const struct eventpoll *inner = eventpoll_of(container_of(n, struct epitem, hash)->file);

			if (inner)
				most = max(most, 1 + ep_nests_below(inner, into, depth + 1));
		}
	}
	return most;
}

/* Steps from @ep up to the outermost set that watches it. */
static int ep_nests_above(const struct eventpoll *ep)
{
	int most = 0;

	for (const struct epitem *epi = ep->file->epitems; epi; epi = epi->next)
		most = max(most, 1 + ep_nests_above(epi->ep));
	return most;
}

static bool ep_nests_too_deep(const struct eventpoll *ep, const struct file *file)
{
	const struct eventpoll *inner = eventpoll_of(file);

	return inner && ep_nests_below(inner, ep, 0) + 1 + ep_nests_above(ep) > EP_MAX_NESTS;
}

/* ------------------------------------------------------------------ calls */

static int64_t epoll_create_try(struct op *op)
{
	struct net *net = op->task->net;
	int flags = op->u.epoll_create.flags, fd;
	struct eventpoll *ep;
	struct file *file;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = slab_zalloc(&net->vfs->eventpolls);
	if (!ep)
		return -ENOMEM;
	ep->net = net;
	wait_queue_init(&ep->wq);
	wait_queue_init(&ep->poll_wait);
	list_init(&ep->ready);
	htab_init(&ep->items, &net->mem);

	fd = get_unused_fd(op->task->files, 0, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		goto out_free;
	file = file_new(net, &eventpoll_fops, ep, O_RDWR);
	if (!file) {
		put_unused_fd(op->task->files, fd);
		fd = -ENOMEM;
		goto out_free;
	}
	ep->file = file;
	fd_install(op->task->files, fd, file);
	return fd;

out_free:
	slab_free(&net->vfs->eventpolls, ep);
	return fd;
}

static int ep_ctl_add(struct eventpoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	if (ep_nests_too_deep(ep, file))
		return -ELOOP;
	if (ep_find(ep, file, fd))
		return -EEXIST;
	return ep_insert(ep, file, fd, event->events | EPOLLERR | EPOLLHUP, event->data.u64);
}

static int ep_ctl_mod(struct eventpoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	struct epitem *epi = ep_find(ep, file, fd);

	if (!epi)
		return -ENOENT;
	if (epi->events & (uint32_t)EPOLLEXCLUSIVE)
		return -EINVAL;
	ep_modify(epi, event->events | EPOLLERR | EPOLLHUP, event->data.u64);
	return 0;
}

static int ep_ctl_del(struct eventpoll *ep, struct file *file, int fd)
{
	struct epitem *epi = ep_find(ep, file, fd);

	if (!epi)
		return -ENOENT;
	ep_remove(epi);
	return 0;
}

/* EPOLLEXCLUSIVE goes with few other bits, with no set, and with EPOLL_CTL_ADD alone. */
static bool exclusive_is_wrong(int how, const struct file *file, const struct epoll_event *event)
{
	if (how == EPOLL_CTL_DEL || !(event->events & (uint32_t)EPOLLEXCLUSIVE))
		return false;
	if (how == EPOLL_CTL_ADD)
		return eventpoll_of(file) || event->events & ~EP_EXCLUSIVE_OK;
	return how == EPOLL_CTL_MOD;
}

static int64_t epoll_ctl_try(struct op *op)
{
	const struct epoll_event *event = op->u.epoll_ctl.event;
	int how = op->u.epoll_ctl.how, fd = op->u.epoll_ctl.fd;
	struct file *set = fdtable_look(op->task->files, op->fd), *file = fdtable_look(op->task->files, fd);
	struct eventpoll *ep;

	if (how != EPOLL_CTL_DEL && !event)
		return -EFAULT;
	if (!set || !file)
		return -EBADF;
	if (!file->ops->poll)
		return -EPERM;
	ep = eventpoll_of(set);
	if (set == file || !ep || exclusive_is_wrong(how, file, event))
		return -EINVAL;
	switch (how) {
	case EPOLL_CTL_ADD:
		return ep_ctl_add(ep, file, fd, event);
	case EPOLL_CTL_MOD:
		return ep_ctl_mod(ep, file, fd, event);
	case EPOLL_CTL_DEL:
		return ep_ctl_del(ep, file, fd);
	}
	return -EINVAL;
}

static int64_t epoll_wait_try(struct op *op)
{
	struct eventpoll *ep = eventpoll_of(op->file);
	int max = op->u.epoll_wait.max, sent;

	if (max <= 0 || max > EP_MAX_EVENTS || !ep)
		return -EINVAL;
	sent = ep_send_events(ep, op);
	if (sent || op->u.epoll_wait.timeout_ms == 0 || op->nonblock)
		return sent;
	op_wait_on(op, &ep->wq);
	if (op->u.epoll_wait.timeout_ms > 0)
		op_set_timeout_ms(op, op->u.epoll_wait.timeout_ms);
	return OP_WAIT;
}

static int64_t epoll_wait_expired(struct op *op)
{
	(void)op;
	return 0;
}

const struct op_class sys_epoll_create1 = {.name = "epoll_create1", .try = epoll_create_try};
const struct op_class sys_epoll_ctl = {.name = "epoll_ctl", .try = epoll_ctl_try};
const struct op_class sys_epoll_wait = {
	.name = "epoll_wait",
	.try = epoll_wait_try,
	.expired = epoll_wait_expired,
	.takes_fd = true,
	.exclusive = true,
};
