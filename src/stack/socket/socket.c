// SPDX-License-Identifier: MIT
/* socket/socket.c - a socket comes and goes; its sock is given to it by socket() or accept() and taken by close() */
#include "stack/socket/socket.h"

struct socket *sock_alloc(struct net *net, struct slab_cache *cache)
{
	struct socket *socket = slab_zalloc(cache);

	(void)net;
	if (!socket)
		return NULL;
	wait_queue_init(&socket->wq);
	socket->state = SS_UNCONNECTED;
	socket->type = SOCK_STREAM;
	return socket;
}

void sock_free(struct slab_cache *cache, struct socket *socket)
{
	/* Operations and epoll have gone before; those who only watch may still be here. */
	while (!list_empty(&socket->wq.entries))
		list_del_init(socket->wq.entries.next);
	slab_free(cache, socket);
}
