// SPDX-License-Identifier: MIT
/* tests/unit/hashinfo_calls.c - ports through the calls of a program: what connect() takes, and what it gives back */
#include "file_env.h"

static int socket_new(struct host *h)
{
	return (int)CALL(h, h->task, socket, AF_INET, SOCK_STREAM, 0);
}

static int64_t bind_to(struct host *h, int fd, const char *ip, uint16_t port)
{
	struct sockaddr_in addr = loopback(port);

	assert_int_equal(inet_pton(AF_INET, ip, &addr.sin_addr), 1);
	return CALL(h, h->task, bind, fd, (struct sockaddr *)&addr, sizeof(addr));
}

static uint16_t port_of(struct host *h, int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	assert_int_equal(CALL(h, h->task, getsockname, fd, (struct sockaddr *)&addr, &len), 0);
	return ntohs(addr.sin_port);
}

static void reset_by_peer(struct host *h, struct pair *p)
{
	set_linger(h, p->peer, p->peer_fd, 0);
	assert_int_equal(CALL(h, p->peer, close, p->peer_fd), 0);
}

static void a_reset_connection_shows_its_port_and_can_be_bound_again(void **state)
{
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(bind_to(&h, p.fd, "127.0.0.1", 2000), -EINVAL);
	reset_by_peer(&h, &p);
	assert_int_not_equal(port_of(&h, p.fd), 0);
	assert_int_equal(bind_to(&h, p.fd, "127.0.0.1", 2000), 0);
	assert_int_equal(port_of(&h, p.fd), 2000);
	assert_int_equal(bind_to(&h, p.fd, "127.0.0.1", 2001), -EINVAL);
	pair_end(&h, &p);
}

static void a_port_by_number_survives_a_reset(void **state)
{
	struct sockaddr_in addr = loopback(PORT);
	struct host h;
	struct pair p = {0};
	int listener, fd;

	(void)state;
	host_init(&h);
	p.peer = la_task_new(h.stack);
	listener = listen_on(&h, p.peer, 5);
	fd = socket_new(&h);
	assert_int_equal(bind_to(&h, fd, "127.0.0.1", 2000), 0);
	assert_int_equal(CALL(&h, h.task, connect, fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	p.peer_fd = (int)CALL(&h, p.peer, accept4, listener, NULL, NULL, 0);
	reset_by_peer(&h, &p);
	assert_int_equal(bind_to(&h, fd, "127.0.0.1", 2001), -EINVAL);
	assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(CALL(&h, h.task, close, fd), 0);
	assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.1", 2000), 0);
	pair_end(&h, &p);
}

static void a_connect_that_fails_gives_the_address_back_it_had_chosen(void **state)
{
	struct sockaddr_in nobody = loopback(1);
	struct host h;
	int fd;

	(void)state;
	host_init(&h);
	fd = socket_new(&h);
	assert_int_equal(bind_to(&h, fd, "0.0.0.0", 2000), 0);
	assert_int_equal(CALL(&h, h.task, connect, fd, (struct sockaddr *)&nobody, sizeof(nobody)), -ECONNREFUSED);
	assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.5", 2000), -EADDRINUSE);
	assert_int_equal(port_of(&h, fd), 2000);
	host_exit(&h);
}

static void time_wait_holds_its_port_against_bind_as_its_options_say(void **state)
{
	(void)state;
	for (int reuse = 0; reuse < 2; reuse++) {
		struct host h;
		struct pair p;
		uint16_t port;
		int fd;

		host_init(&h);
		p = pair_of(&h);
		port = port_of(&h, p.fd);
		assert_int_equal(CALL(&h, h.task, setsockopt, p.fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)),
				 0);
		assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
		assert_int_equal(CALL(&h, p.peer, close, p.peer_fd), 0);
		assert_int_equal(CLIENT_STATE(&h), TCP_TIME_WAIT);
		fd = socket_new(&h);
		assert_int_equal(bind_to(&h, fd, "127.0.0.1", port), -EADDRINUSE);
		assert_int_equal(CALL(&h, h.task, setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
		assert_int_equal(bind_to(&h, fd, "127.0.0.1", port), reuse ? 0 : -EADDRINUSE);
		host_run_ms(&h, 61000);
		assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.1", port), reuse ? -EADDRINUSE : 0);
		pair_end(&h, &p);
	}
}

static void a_listener_stopped_by_shutdown_keeps_a_port_by_number_only(void **state)
{
	struct host h;
	uint16_t port;
	int fd;

	(void)state;
	host_init(&h);
	fd = socket_new(&h);
	assert_int_equal(bind_to(&h, fd, "127.0.0.1", 2000), 0);
	assert_int_equal(CALL(&h, h.task, listen, fd, 5), 0);
	assert_int_equal(CALL(&h, h.task, shutdown, fd, SHUT_RD), 0);
	assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(CALL(&h, h.task, listen, fd, 5), 0);
	assert_int_equal(port_of(&h, fd), 2000);

	fd = socket_new(&h);
	assert_int_equal(CALL(&h, h.task, listen, fd, 5), 0);
	port = port_of(&h, fd);
	assert_int_equal(port % 2, 1);
	assert_int_equal(CALL(&h, h.task, shutdown, fd, SHUT_RD), 0);
	assert_int_equal(bind_to(&h, socket_new(&h), "127.0.0.1", port), 0);
	assert_int_equal(CALL(&h, h.task, listen, fd, 5), 0);
	assert_int_not_equal(port_of(&h, fd), port);
	host_exit(&h);
}

static void reuseaddr_set_on_a_bound_socket_counts_from_then_on(void **state)
{
	struct host h;
	int a, b;

	(void)state;
	host_init(&h);
	a = socket_new(&h);
	b = socket_new(&h);
	assert_int_equal(bind_to(&h, a, "127.0.0.1", 2000), 0);
	assert_int_equal(CALL(&h, h.task, setsockopt, b, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind_to(&h, b, "127.0.0.1", 2000), -EADDRINUSE);
	assert_int_equal(CALL(&h, h.task, setsockopt, a, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind_to(&h, b, "127.0.0.1", 2000), 0);
	assert_int_equal(CALL(&h, h.task, listen, b, 5), 0);
	assert_int_equal(CALL(&h, h.task, listen, a, 5), -EADDRINUSE);
	host_exit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_connection_shows_its_port_and_can_be_bound_again),
		cmocka_unit_test(a_port_by_number_survives_a_reset),
		cmocka_unit_test(a_connect_that_fails_gives_the_address_back_it_had_chosen),
		cmocka_unit_test(time_wait_holds_its_port_against_bind_as_its_options_say),
		cmocka_unit_test(a_listener_stopped_by_shutdown_keeps_a_port_by_number_only),
		cmocka_unit_test(reuseaddr_set_on_a_bound_socket_counts_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
