// SPDX-License-Identifier: MIT
/*
 * file/file.c - files come into being; and what this layer keeps for the whole stack
 *
 * A file begins with one reference, its maker's, who gives it to a slot of a table (fd_install) or lets it go (fput).
 * How it ends is told in life/close.c.
 */
#include "stack/file/file.h"
#include "stack/file/eventpoll.h"

#include <errno.h>

struct file *file_new(struct net *net, const struct file_operations *ops, void *private_data, uint32_t flags)
{
	struct file *file = slab_zalloc(&net->vfs->files);

	if (!file)
		return NULL;
	file->net = net;
	file->ops = ops;
	file->private_data = private_data;
	file->flags = flags;
	file->count = 1;
	return file;
}

int vfs_init(struct net *net)
{
	struct vfs *vfs = mem_zalloc(&net->mem, sizeof(*vfs));

	if (!vfs)
		return -ENOMEM;
	slab_init(&vfs->files, &net->mem, "files", sizeof(struct file));
	slab_init(&vfs->tasks, &net->mem, "tasks", sizeof(struct task));
	slab_init(&vfs->tables, &net->mem, "tables", sizeof(struct fdtable));
	slab_init(&vfs->eventpolls, &net->mem, "eventpolls", sizeof(struct eventpoll));
	slab_init(&vfs->epitems, &net->mem, "epitems", sizeof(struct epitem));
	slab_init(&vfs->sockets, &net->mem, "sockets", sizeof(struct socket));
	slab_init(&vfs->flights, &net->mem, "flights", sizeof(struct flight));
	list_init(&vfs->all_tasks);
	list_init(&vfs->in_flight);
	list_init(&vfs->woken);
	net->vfs = vfs;
	return 0;
}

/* Tasks, files in flight and pending operations are gone by now (net_destroy). */
void vfs_exit(struct net *net)
{
	struct vfs *vfs = net->vfs;

	if (!vfs)
		return;
	slab_destroy(&vfs->files);
	slab_destroy(&vfs->tasks);
	slab_destroy(&vfs->tables);
	slab_destroy(&vfs->eventpolls);
	slab_destroy(&vfs->epitems);
	slab_destroy(&vfs->sockets);
	slab_destroy(&vfs->flights);
	mem_free(&net->mem, vfs, sizeof(*vfs));
	net->vfs = NULL;
}
