// SPDX-License-Identifier: MIT
/*
 * life/watch.c - a socket's condition, for a host that wants to answer its program without asking the stack
 *
 *	la_preview   what recv() and send() would do now
 *	la_watch     whatever happens on the socket from now on, which may change that
 *
 * A watch stands in the socket's wait queue, before those who wait exclusively, and takes no wake-up from anybody.
 */
#include "stack/life/life.h"
#include "stack/tcp/tcp.h"

#include <errno.h>

_Static_assert(sizeof(struct wait_entry) <= sizeof(((struct la_watch *)0)->opaque), "stands in the caller's memory");

static struct wait_entry *entry_of(struct la_watch *watch)
{
	return (struct wait_entry *)watch->opaque;
}

static bool watch_wake(struct wait_entry *entry, uint32_t key)
{
	struct la_watch *watch = (struct la_watch *)((char *)entry - offsetof(struct la_watch, opaque));

	watch->changed(watch, key);
	return false;
}

/* NULL: *@err says why */
static struct socket *socket_look(struct la_task *task, int fd, int *err)
{
	struct file *file = fdtable_look(((struct task *)task)->files, fd);
	struct socket *socket = file ? socket_of(file) : NULL;

	*err = !file ? -EBADF : socket ? 0 : -ENOTSOCK;
	return socket;
}

int la_watch(struct la_task *task, int fd, struct la_watch *watch)
{
	struct wait_entry *entry = entry_of(watch);
	struct socket *socket;
	int err;

	socket = socket_look(task, fd, &err);
	if (!socket)
		return err;
	la_unwatch(watch);
	list_init(&entry->node);
	entry->wake = watch_wake;
	wait_add_first(&socket->wq, entry);
	return 0;
}

void la_unwatch(struct la_watch *watch)
{
	struct wait_entry *entry = entry_of(watch);

	if (entry->wake) /* it has watched */
		wait_remove(entry);
}

int la_preview(struct la_task *task, int fd, void *buf, size_t room, struct la_preview *preview)
{
	struct socket *socket;
	int err;

	*preview = (struct la_preview){0};
	socket = socket_look(task, fd, &err);
	if (!socket)
		return err;
	preview->recv = tcp_recv_preview(socket->sk, buf, room);
	preview->send = tcp_send_preview(socket->sk);
	preview->local = ip_is_local(socket->sk->net, &socket->sk->daddr);
	return 0;
}
