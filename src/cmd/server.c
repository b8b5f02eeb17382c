// SPDX-License-Identifier: MIT
/*
 * cmd/server.c - what every server does: listen, accept, and tell which connection has something to do
 *
 * One turn: at most SERVER_EVENTS descriptors that are ready; the listener's means accept until there is none left, a
 * connection's means one step of the application. The epoll data is the connection, NULL for the listener.
 */
#include "cmd/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define SERVER_EVENTS 64

int64_t conn_recv(struct server_conn *conn, void *buf, size_t len)
{
	return la_recv(conn->server->setup->task, conn->fd, buf, len, 0, host_now_ns());
}

int64_t conn_send(struct server_conn *conn, const void *buf, size_t len, int flags)
{
	return la_send(conn->server->setup->task, conn->fd, buf, len, flags | MSG_NOSIGNAL, host_now_ns());
}

static int set_flag(struct la_task *task, int fd, int level, int name, int value)
{
	return la_setsockopt(task, fd, level, name, &value, sizeof(value), host_now_ns());
}

int server_start(struct server *server, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct la_task *task = server->setup->task;
	struct epoll_event event = {.events = EPOLLIN};
	uint64_t now_ns = host_now_ns();
	int error;

	server->epfd = la_epoll_create1(task, 0, now_ns);
	server->listener = la_socket(task, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0, now_ns);
	if (server->epfd < 0 || server->listener < 0)
		return fail(server->setup->command, "no memory for a listener");
	error = set_flag(task, server->listener, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error)
		error = la_bind(task, server->listener, (struct sockaddr *)&any, sizeof(any), now_ns);
	if (!error)
		error = la_listen(task, server->listener, 1024, now_ns);
	if (!error)
		error = la_epoll_ctl(task, server->epfd, EPOLL_CTL_ADD, server->listener, &event, now_ns);
	if (error)
		return fail(server->setup->command, "cannot listen on port %u: %s; choose another with --port", port,
			    strerror(-error));
	return 0;
}

static void conn_end(struct server_conn *conn)
{
	struct server *server = conn->server;

	if (server->app->end)
		server->app->end(conn);
	la_close(server->setup->task, conn->fd, host_now_ns());
	*conn->prev = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	free(conn);
	server->served++;
}

/* One step of the application, then the events it waits for. */
static void conn_step(struct server_conn *conn)
{
	struct server *server = conn->server;
	struct epoll_event event = {.data.ptr = conn};

	if (!server->app->step(conn)) {
		conn_end(conn);
		return;
	}
	event.events = server->app->wants(conn);
	if (event.events == conn->events)
		return;
	conn->events = event.events;
	la_epoll_ctl(server->setup->task, server->epfd, EPOLL_CTL_MOD, conn->fd, &event, host_now_ns());
}

static void server_accept(struct server *server)
{
	struct la_task *task = server->setup->task;
	struct server_conn *conn;
	struct epoll_event event = {.events = EPOLLIN};
	int fd;

	while ((fd = la_accept4(task, server->listener, NULL, NULL, SOCK_NONBLOCK, host_now_ns())) >= 0) {
		conn = calloc(1, server->app->conn_size);
		if (!conn) {
			la_close(task, fd, host_now_ns());
			continue;
		}
		conn->server = server;
		conn->next = server->conns;
		conn->prev = &server->conns;
		if (conn->next)
			conn->next->prev = &conn->next;
		server->conns = conn;
		conn->fd = fd;
		conn->events = event.events;
		event.data.ptr = conn;
		if (server->app->begin)
			server->app->begin(conn);
		set_flag(task, fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (la_epoll_ctl(task, server->epfd, EPOLL_CTL_ADD, fd, &event, host_now_ns()))
			conn_end(conn);
	}
}

bool server_turn(void *world)
{
	struct epoll_event events[SERVER_EVENTS];
	struct server *server = world;
	int count;

	count = la_epoll_wait(server->setup->task, server->epfd, events, SERVER_EVENTS, host_now_ns());
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			conn_step(events[i].data.ptr);
		else
			server_accept(server);
	}
	return count > 0;
}

void server_stop(struct server *server)
{
	while (server->conns)
		conn_end(server->conns);
}
