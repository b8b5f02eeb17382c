// SPDX-License-Identifier: MIT
/*
 * cmd/echo.c - lastack echo: every connection gets back what it sent
 *
 * A connection holds at most one buffer: it reads when the buffer is empty and writes while it is not. At the peer's
 * FIN it closes, everything having been sent back by then.
 */
#include "cmd/server.h"

#include <errno.h>
#include <stdio.h>

#define ECHO_BUFFER 65536

struct echo_conn {
	struct server_conn conn;
	size_t sent, held;
	uint8_t buf[ECHO_BUFFER];
};

static bool echo_step(struct server_conn *conn)
{
	struct echo_conn *echo = (struct echo_conn *)conn;
	int64_t n;

	for (;;) {
		if (echo->sent == echo->held) {
			n = conn_recv(conn, echo->buf, sizeof(echo->buf));
			if (n <= 0)
				return n == -EAGAIN;
			echo->sent = 0;
			echo->held = (size_t)n;
		}
		n = conn_send(conn, echo->buf + echo->sent, echo->held - echo->sent, 0);
		if (n < 0)
			return n == -EAGAIN;
		echo->sent += (size_t)n;
	}
}

static uint32_t echo_wants(const struct server_conn *conn)
{
	const struct echo_conn *echo = (const struct echo_conn *)conn;

	return echo->sent < echo->held ? EPOLLOUT : EPOLLIN;
}

static const struct server_app echo_app = {
	.conn_size = sizeof(struct echo_conn),
	.step = echo_step,
	.wants = echo_wants,
};

enum { OPT_PORT = 2 };

static const struct option_spec echo_options[] = {
	{OPT_PORT, "port", "NUMBER", "port to listen on (7)"},
	{0, NULL, NULL, NULL},
};

static int echo_run(const struct command *command, int argc, char **argv)
{
	struct setup setup;
	struct server server = {.setup = &setup, .app = &echo_app};
	struct args args;
	const char *value;
	uint64_t port = 7;
	int id, status;

	setup_init(&setup, command);
	args_init(&args, command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN)
			return misuse(command, "%s is one argument too many", value);
		if (id == OPT_PORT && !parse_number(value, 1, 65535, &port))
			return misuse(command, "--port wants 1 to 65535, not %s", value);
		if (id != OPT_PORT && setup_option(&setup, id, value))
			return EXIT_USAGE;
	}
	setup.turn = server_turn;
	setup.world = &server;
	status = setup_start(&setup);
	if (status)
		return status;
	status = server_start(&server, (uint16_t)port);
	if (!status) {
		printf("echo on port %u, interface %s\n", (unsigned)port, setup.host.tun.name);
		fflush(stdout);
		if (host_run(&setup.host))
			status = fail(command, "the interface %s is gone", setup.host.tun.name);
		server_stop(&server);
	}
	setup_stop(&setup);
	return status;
}

const struct command echo_command = {
	.name = "echo",
	.args = "",
	.about = "a server that sends back what it gets",
	.options = echo_options,
	.network = true,
	.run = echo_run,
};
