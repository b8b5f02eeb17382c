/* SPDX-License-Identifier: MIT */
/* socket/socket.h - struct socket: the program's half of a connection; dies with the last reference to its file */
#ifndef LA_SOCKET_INTERNAL_H
#define LA_SOCKET_INTERNAL_H

#include "stack/inet/inet.h"

enum socket_state { SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };

struct socket {
	struct sock *sk;      /* the network's half: a reference; never NULL while the socket is open */
	struct wait_queue wq; /* operations, polls and epoll items that wait */
	uint8_t state;	      /* enum socket_state; not reset by a RST */
	uint8_t type;
	uint8_t family;
};

struct socket *sock_alloc(struct net *net, struct slab_cache *cache); /* without a sock; NULL: no memory */
void sock_free(struct slab_cache *cache, struct socket *socket);

/* setsockopt() and getsockopt(), all levels: SOL_SOCKET here, the others passed on to inet/. */
int sock_setsockopt(struct socket *socket, int level, int name, const void *value, socklen_t len);
int sock_getsockopt(struct socket *socket, int level, int name, void *value, socklen_t *len);

#endif
