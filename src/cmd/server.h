/* SPDX-License-Identifier: MIT */
/*
 * cmd/server.h - what every server does: listen, accept, and tell which connection has something to do
 *
 * Level-triggered epoll on the stack, asked in each turn of the host. An application gives the size of its connection
 * (struct server_conn first) and a function that works on one until it would block.
 */
#ifndef LA_CMD_SERVER_H
#define LA_CMD_SERVER_H

#include "cmd/setup.h"

#include <lastack/socket.h>

struct server;

struct server_conn {
	struct server *server;
	struct server_conn *next, **prev; /* in the server's list */
	int fd;
	uint32_t events; /* waited for now */
};

/**
 * struct server_app - an application
 * @conn_size: bytes of its connection
 * @step:      works until the call it needs next would block; false: the connection is to be closed
 * @wants:     EPOLLIN, EPOLLOUT: what @step waits for now
 * @begin:     the connection has been accepted; its memory is zeroed
 * @end:       the connection is about to be freed, its descriptor is still open
 */
struct server_app {
	size_t conn_size;
	void (*begin)(struct server_conn *conn);
	bool (*step)(struct server_conn *conn);
	uint32_t (*wants)(const struct server_conn *conn);
	void (*end)(struct server_conn *conn);
};

struct server {
	struct setup *setup;
	const struct server_app *app;
	struct server_conn *conns;
	int epfd, listener;
	void *world; /* the application's */
	uint64_t served;
};

/* Listens on @port of all addresses, both families. 0, or an exit status after a message. Set as the setup's turn:
 * server_turn with the server as world. */
int server_start(struct server *server, uint16_t port);
bool server_turn(void *world);
/* Ends all connections. */
void server_stop(struct server *server);

/* The direct calls on a connection, at the present instant. */
int64_t conn_recv(struct server_conn *conn, void *buf, size_t len);
int64_t conn_send(struct server_conn *conn, const void *buf, size_t len, int flags);

#endif
