// SPDX-License-Identifier: MIT
/*
 * scenario/busy_world.c - prints all that happens in a busy world, for tools/twice to compare
 *
 * Three hosts on two bad wires; many connections at once, read through one epoll set; closes of every kind, the last of
 * them by the exit of the tasks, which close what is open in some order: it must not be an order of addresses.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lab/task.h"
#include "lab/wire.h"

enum { CLIENTS = 2, EACH = 24, PORT = 80 };

static void print_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	(void)obs;
	printf("%" PRIu64 " %s sock %" PRIu64 " kind %d %u -> %u port %u %u %s %s %s\n", event->now_ns, host->name,
	       event->id, (int)event->kind, event->oldstate, event->newstate, event->sport, event->dport, event->name,
	       event->cause, event->counter);
}

static void print_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from,
		       const struct lab_frame *frame, enum lab_fate fate)
{
	(void)obs;
	printf("%" PRIu64 " wire %u.%d %d ", wire->world->now_ns, wire->number, from, fate);
	for (size_t i = 0; i < frame->len && i < 80; i++)
		printf("%02x", frame->bytes[i]);
	printf("\n");
}

static void serve(struct lab_thread *server, int listener, int epfd, unsigned *served)
{
	struct epoll_event events[8];
	int64_t n = LAB_TRY(server, epoll_wait, epfd, events, 8, 0);
	char buf[512];

	for (int64_t i = 0; i < n; i++) {
		int fd = events[i].data.fd;
		int64_t got;

		printf("event %d of fd %d\n", (int)events[i].events, fd);
		if (fd == listener) {
			fd = (int)LAB_TRY(server, accept4, listener, NULL, NULL, SOCK_NONBLOCK);
			printf("accepted %d\n", fd);
			if (fd >= 0)
				LAB_TRY(server, epoll_ctl, epfd, EPOLL_CTL_ADD, fd,
					&(struct epoll_event){.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd});
			continue;
		}
		got = LAB_TRY(server, recv, fd, buf, fd % 5 ? sizeof(buf) : 1, MSG_DONTWAIT);
		printf("fd %d recv %d\n", fd, (int)got);
		if (got <= 0 || fd % 5 == 0)
			printf("fd %d close %d\n", fd, (int)LAB_TRY(server, close, fd)), ++*served;
		else
			LAB_TRY(server, send, fd, buf, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void talk(struct lab_thread *client, const int fd[EACH], unsigned round)
{
	static const char text[700] = "twice";

	for (int i = 0; i < EACH; i++) {
		char buf[256];

		if ((i + (int)round) % 3 == 0)
			printf("send %d\n",
			       (int)LAB_TRY(client, send, fd[i], text, 100 + (size_t)i, MSG_DONTWAIT | MSG_NOSIGNAL));
		if ((i + (int)round) % 4 == 0)
			printf("recv %d\n", (int)LAB_TRY(client, recv, fd[i], buf, sizeof(buf), MSG_DONTWAIT));
		if (i % 6 == 0 && round == 20)
			LAB_TRY(client, shutdown, fd[i], SHUT_WR);
	}
}

int main(void)
{
	struct lab_weather bad = {.delay_ns = 3 * LAB_MS,
				  .loss_ppm = 30000,
				  .reorder_ppm = 30000,
				  .reorder_ns = 2 * LAB_MS,
				  .dup_ppm = 20000};
	struct lab_observer observer = {.trace = print_trace, .sent = print_sent};
	struct lab_world *world = lab_world_new(42);
	struct lab_host *host = lab_host_new(world, "server");
	struct lab_thread server = lab_process(host), client[CLIENTS];
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd[CLIENTS][EACH], listener, epfd;
	struct sockaddr_storage to;
	unsigned served = 0;

	lab_world_observe(world, &observer);
	listener = (int)LAB_TRY(&server, socket, AF_INET, SOCK_STREAM, 0);
	LAB_TRY(&server, bind, listener, (struct sockaddr *)&any, sizeof(any));
	LAB_TRY(&server, listen, listener, 64);
	epfd = (int)LAB_TRY(&server, epoll_create1, 0);
	LAB_TRY(&server, epoll_ctl, epfd, EPOLL_CTL_ADD, listener,
		&(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
	for (int k = 0; k < CLIENTS; k++) {
		struct lab_host *peer = lab_host_new(world, k ? "client1" : "client0");
		struct lab_wire *wire = lab_wire_new(world, peer, host, 1500);
		socklen_t len = lab_wire_addr(wire, LAB_B, AF_INET, PORT, &to);

		client[k] = lab_process(peer);
		lab_wire_weather(wire, LAB_BOTH, &bad);
		for (int i = 0; i < EACH; i++) {
			fd[k][i] = (int)LAB_TRY(&client[k], socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			LAB_TRY(&client[k], connect, fd[k][i], (struct sockaddr *)&to, len);
		}
	}
	for (unsigned round = 0; round < 40; round++) {
		lab_run_for(world, 20 * LAB_MS);
		serve(&server, listener, epfd, &served);
		for (int k = 0; k < CLIENTS; k++)
			talk(&client[k], fd[k], round);
	}
	for (int k = 0; k < CLIENTS; k++)
		lab_exit(&client[k]);
	lab_run_for(world, 50 * LAB_MS);
	lab_exit(&server);
	printf("served %u, at rest %d\n", served, lab_run_idle(world, LAB_PATIENCE_NS));
	printf("leaked %" PRIu64 "\n", lab_world_free(world));
	return 0;
}
