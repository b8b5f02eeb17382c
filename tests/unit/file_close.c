// SPDX-License-Identifier: MIT
/*
 * tests/unit/file_close.c - descriptors, files and references: section 1 of the closing rules, row by row
 *
 * The connection is one over loopback inside one stack. h.task is the program under test, p.peer the process at the
 * other end. "Nothing on the wire" is told by TcpOutSegs.
 */
#include "file_env.h"

static void fd01_closing_one_of_two_descriptors_leaves_the_connection(void **state)
{
	struct host h;
	struct pair p;
	int copy, again;
	uint64_t sent;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	copy = (int)CALL(&h, h.task, dup, p.fd);
	again = (int)CALL(&h, h.task, fcntl, p.fd, F_DUPFD, 10);
	assert_int_equal(again, 10);
	sent = counter(&h, "TcpOutSegs");
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CALL(&h, h.task, close, again), 0);
	assert_int_equal(counter(&h, "TcpOutSegs"), sent);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(send_to(&h, h.task, copy, "abc"), 3);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 3);
	assert_int_equal(CALL(&h, h.task, close, copy), 0);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 0);
	pair_end(&h, &p);
}

static void fd02_shutdown_through_either_descriptor_acts_for_both(void **state)
{
	struct host h;
	struct pair p;
	int copy;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	copy = (int)CALL(&h, h.task, dup, p.fd);
	assert_int_equal(CALL(&h, h.task, shutdown, copy, SHUT_WR), 0);
	assert_int_equal(send_to(&h, h.task, p.fd, "abc"), -EPIPE);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 0);
	pair_end(&h, &p);
}

static void fd03_close_in_one_process_leaves_the_connection_to_the_other(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *child;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	child = la_task_fork(h.task);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(receive(&h, h.task, p.fd), -EBADF);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(send_to(&h, child, p.fd, "abc"), 3);
	la_task_exit(child, h.now_ns);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd04_shutdown_in_one_process_is_seen_by_the_other_at_once(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *child;
	struct call reader = {0};
	char buf[8];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	child = la_task_fork(h.task);
	assert_int_equal(START(&h, child, &reader, recv, p.fd, buf, sizeof(buf), 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, shutdown, p.fd, SHUT_RDWR), 0);
	assert_int_equal(reader.result, 0);
	assert_int_equal(send_to(&h, child, p.fd, "abc"), -EPIPE);
	la_task_exit(child, h.now_ns);
	pair_end(&h, &p);
}

static void fd05_threads_share_one_table_and_a_second_close_is_ebadf(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	assert_int_equal(CALL(&h, thread, close, p.fd), 0);
	assert_fin_sent(&h);
	assert_int_equal(CALL(&h, h.task, close, p.fd), -EBADF);
	assert_int_equal(receive(&h, h.task, p.fd), -EBADF);
	la_task_exit(thread, h.now_ns);
	pair_end(&h, &p);
}

static void fd05_a_thread_that_ends_leaves_the_table_to_the_others(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	la_task_exit(thread, h.now_ns);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(send_to(&h, h.task, p.fd, "abc"), 3);
	pair_end(&h, &p);
}

static void fd06_a_process_that_dies_closes_with_fin_or_rst_if_data_is_unread(void **state)
{
	(void)state;
	for (int unread = 0; unread < 2; unread++) {
		struct host h;
		struct pair p;

		host_init(&h);
		p = pair_of(&h);
		if (unread)
			assert_int_equal(send_to(&h, h.task, p.fd, "abc"), 3);
		la_task_exit(p.peer, h.now_ns);
		assert_int_equal(receive(&h, h.task, p.fd), unread ? -ECONNRESET : 0);
		assert_int_equal(counter(&h, "TcpExtTCPAbortOnClose"), unread);
		host_exit(&h);
	}
}

static void fd07_a_process_that_dies_does_not_linger(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *child;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	child = la_task_fork(h.task);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	set_linger(&h, child, p.fd, 30);
	fill(&h, child, p.fd);
	la_task_exit(child, h.now_ns); /* returns, though not all has been sent */
	assert_int_equal(CLIENT_STATE(&h), TCP_FIN_WAIT1);
	drain_all(&h, p.peer, p.peer_fd);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 0);
	pair_end(&h, &p);
}

static void fd07_a_process_that_dies_with_linger_0_resets(void **state)
{
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, p.peer, p.peer_fd, 0);
	la_task_exit(p.peer, h.now_ns);
	assert_int_equal(receive(&h, h.task, p.fd), -ECONNRESET);
	assert_int_equal(counter(&h, "TcpExtTCPAbortOnData"), 1);
	host_exit(&h);
}

static void fd08_dup2_onto_a_socket_closes_it_before_it_returns(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = (int)CALL(&h, h.task, epoll_create1, 0);
	assert_int_equal(CALL(&h, h.task, dup2, ep, p.fd), p.fd);
	assert_fin_sent(&h);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 0);
	assert_int_equal(receive(&h, h.task, p.fd), -ENOTSOCK);
	pair_end(&h, &p);
}

static void fd08_dup3_onto_a_socket_that_lingers_waits_and_returns_the_number(void **state)
{
	struct host h;
	struct pair p;
	struct call dup = {0};
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = (int)CALL(&h, h.task, epoll_create1, 0);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	assert_int_equal(START(&h, h.task, &dup, dup3, ep, p.fd, O_CLOEXEC), BLOCKED);
	assert_int_equal(receive(&h, h.task, p.fd), -ENOTSOCK); /* the number is the new file's already */
	drain_all(&h, p.peer, p.peer_fd);
	assert_int_equal(dup.result, p.fd);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_GETFD, 0), FD_CLOEXEC);
	pair_end(&h, &p);
}

static void fd09_exec_closes_what_is_close_on_exec(void **state)
{
	struct host h;
	struct pair p;
	int kept;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	kept = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_GETFD, 0), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(la_task_exec(h.task, h.now_ns), 0);
	assert_fin_sent(&h);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_GETFD, 0), -EBADF);
	assert_int_equal(CALL(&h, h.task, fcntl, kept, F_GETFD, 0), 0);
	pair_end(&h, &p);
}

static void fd09_exec_of_one_thread_leaves_the_table_of_the_others(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(la_task_exec(thread, h.now_ns), 0);
	assert_int_equal(CALL(&h, thread, fcntl, p.fd, F_GETFD, 0), -EBADF);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(send_to(&h, h.task, p.fd, "abc"), 3);
	la_task_exit(thread, h.now_ns);
	pair_end(&h, &p);
}

static void fd10_close_under_a_blocked_recv_sends_nothing_and_does_not_wake_it(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;
	struct call reader = {0};
	uint64_t sent;
	char buf[8];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	assert_int_equal(START(&h, thread, &reader, recv, p.fd, buf, sizeof(buf), 0), BLOCKED);
	sent = counter(&h, "TcpOutSegs");
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(receive(&h, h.task, p.fd), -EBADF);
	host_run_ms(&h, 100000);
	assert_int_equal(reader.result, BLOCKED);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(counter(&h, "TcpOutSegs"), sent);

	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(reader.result, 3);
	assert_fin_sent(&h);
	la_task_exit(thread, h.now_ns);
	pair_end(&h, &p);
}

static void fd11_the_close_is_judged_by_what_is_unread_when_the_call_ends(void **state)
{
	struct host h;
	struct pair p;
	struct call reader = {0};
	char byte;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(START(&h, h.task, &reader, recv, p.fd, &byte, 1, 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3); /* two bytes stay unread */
	assert_int_equal(reader.result, 1);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), -ECONNRESET);
	assert_int_equal(counter(&h, "TcpExtTCPAbortOnClose"), 1);
	pair_end(&h, &p);
}

static void fd11_a_signal_ends_the_blocked_call_and_the_close_follows(void **state)
{
	struct host h;
	struct pair p;
	struct call reader = {0};
	char buf[8];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(START(&h, h.task, &reader, recv, p.fd, buf, sizeof(buf), 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	la_cancel(&reader.op, h.now_ns);
	assert_int_equal(reader.result, -EINTR);
	assert_int_equal(reader.completions, 1);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd11_a_blocked_call_whose_descriptor_was_closed_lingers_before_it_returns(void **state)
{
	struct host h;
	struct pair p;
	struct call reader = {0};
	char buf[8];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	assert_int_equal(START(&h, h.task, &reader, recv, p.fd, buf, sizeof(buf), 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(reader.result, BLOCKED); /* it has its three bytes, and closes */
	drain_all(&h, p.peer, p.peer_fd);
	assert_int_equal(reader.result, 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(reader.completions, 1);
	pair_end(&h, &p);
}

static void fd12_close_under_a_blocked_accept_lets_one_more_connection_in(void **state)
{
	struct sockaddr_in addr = loopback(PORT);
	struct host h;
	struct call accept = {0};
	struct la_task *peer;
	int listener, fd;

	(void)state;
	host_init(&h);
	peer = la_task_new(h.stack);
	listener = listen_on(&h, h.task, 5);
	assert_int_equal(START(&h, h.task, &accept, accept4, listener, NULL, NULL, 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, listener), 0);
	host_run_ms(&h, 1000);
	assert_int_equal(accept.result, BLOCKED);
	connect_to(&h, peer);
	assert_true(accept.result >= 0);
	assert_int_equal(SERVER_STATE(&h), TCP_ESTABLISHED);

	fd = (int)CALL(&h, peer, socket, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(CALL(&h, peer, connect, fd, (struct sockaddr *)&addr, sizeof(addr)), -ECONNREFUSED);
	la_task_exit(peer, h.now_ns);
	host_exit(&h);
}

static void fd13_close_under_a_blocked_send_sends_the_fin_behind_its_data(void **state)
{
	static char big[100000];
	struct host h;
	struct pair p;
	struct call writer = {0};
	size_t filled, got;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	filled = fill(&h, h.task, p.fd);
	assert_int_equal(START(&h, h.task, &writer, send, p.fd, big, sizeof(big), 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	host_run_ms(&h, 1000);
	assert_int_equal(writer.result, BLOCKED);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	got = drain_all(&h, p.peer, p.peer_fd);
	assert_int_equal(writer.result, sizeof(big));
	assert_int_equal(got, filled + sizeof(big));
	assert_int_equal(receive(&h, p.peer, p.peer_fd), 0);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd14_a_blocked_call_stays_with_the_old_file_when_the_number_is_reused(void **state)
{
	struct host h;
	struct pair p;
	struct call reader = {0};
	char buf[8];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(START(&h, h.task, &reader, recv, p.fd, buf, sizeof(buf), 0), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0), p.fd);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(reader.result, 3);
	pair_end(&h, &p);
}

static void fd15_poll_holds_the_file_and_finds_the_number_closed_when_something_happens(void **state)
{
	struct host h;
	struct pair p;
	struct call poller = {0};
	struct pollfd fds[2];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fds[0] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = p.fd, .events = POLLIN};
	assert_int_equal(START(&h, h.task, &poller, poll, fds, 2, -1), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	host_run_ms(&h, 1000);
	assert_int_equal(poller.result, BLOCKED);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(poller.result, 1);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, POLLNVAL);
	assert_int_equal(receive(&h, p.peer, p.peer_fd), -ECONNRESET); /* "abc" was never read */
	pair_end(&h, &p);
}

static void fd15_poll_shows_the_bits_of_the_file_that_has_the_number_now(void **state)
{
	struct host h;
	struct pair p;
	struct call poller = {0};
	struct pollfd fds;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fds = (struct pollfd){.fd = p.fd, .events = POLLIN};
	assert_int_equal(START(&h, h.task, &poller, poll, &fds, 1, 60000), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0), p.fd);
	assert_int_equal(poller.result, BLOCKED); /* a fresh socket would show POLLHUP, but nobody looks */
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(poller.result, 1);
	assert_int_equal(fds.revents, POLLHUP);
	pair_end(&h, &p);
}

static void fd15_an_event_that_poll_did_not_ask_for_does_not_make_it_look(void **state)
{
	struct host h;
	struct pair p;
	struct call poller = {0};
	struct pollfd fds;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fill(&h, h.task, p.fd);
	fds = (struct pollfd){.fd = p.fd, .events = POLLOUT};
	assert_int_equal(START(&h, h.task, &poller, poll, &fds, 1, -1), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(poller.result, BLOCKED);
	drain_all(&h, p.peer, p.peer_fd);
	assert_int_equal(poller.result, 1);
	assert_int_equal(fds.revents, POLLNVAL);
	pair_end(&h, &p);
}

static void fd16_an_epoll_entry_disappears_with_the_last_descriptor(void **state)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 42}, got[4];
	struct host h;
	struct pair p;
	int ep, copy;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = (int)CALL(&h, h.task, epoll_create1, 0);
	copy = (int)CALL(&h, h.task, dup, p.fd);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, p.fd, &event), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);

	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, got, 4, 0), 1); /* another copy is open */
	assert_int_equal(got[0].data.u64, 42);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_DEL, p.fd, NULL), -EBADF);
	assert_int_equal(receive(&h, h.task, copy), 3);
	assert_int_equal(CALL(&h, h.task, close, copy), 0);
	assert_fin_sent(&h); /* the set holds no reference */
	assert_int_equal(CALL(&h, p.peer, close, p.peer_fd), 0);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, got, 4, 0), 0);

	assert_int_equal(CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0),
			 p.fd); /* and a new file is nobody's old one */
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, p.fd, &event), 0);
	pair_end(&h, &p);
}

/* A listener with a full queue does not answer: connect() blocks until there is room, and its SYN is repeated. */
static void fd17_close_under_a_blocked_connect_follows_when_the_connection_comes_up(void **state)
{
	struct sockaddr_in addr = loopback(PORT);
	struct host h;
	struct la_task *peer;
	struct call connect = {0};
	int listener, fd;

	(void)state;
	host_init(&h);
	peer = la_task_new(h.stack);
	listener = listen_on(&h, peer, 0);
	connect_to(&h, peer);
	fd = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(START(&h, h.task, &connect, connect, fd, (struct sockaddr *)&addr, sizeof(addr)), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, fd), 0);
	assert_int_equal(connect.result, BLOCKED);
	assert_true(CALL(&h, peer, accept4, listener, NULL, NULL, 0) >= 0);
	host_run_ms(&h, 1500);
	assert_int_equal(connect.result, 0);
	fd = (int)CALL(&h, peer, accept4, listener, NULL, NULL, 0);
	assert_true(fd >= 0);
	assert_int_equal(receive(&h, peer, fd), 0);
	la_task_exit(peer, h.now_ns);
	host_exit(&h);
}

static void fd18_a_descriptor_in_flight_keeps_the_connection(void **state)
{
	struct host h;
	struct pair p;
	struct la_file *message;
	int fd;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_null(la_file_get(h.task, 99));
	message = la_file_get(h.task, p.fd);
	assert_int_equal(la_file_count(message), 2);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(la_file_count(message), 1);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);

	/* FD-20: received, it is an ordinary descriptor of the same file. */
	fd = la_file_install(p.peer, message, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(CALL(&h, p.peer, fcntl, fd, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(send_to(&h, p.peer, fd, "abc"), 3);
	assert_int_equal(CALL(&h, p.peer, close, fd), 0);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd19_a_message_destroyed_unread_closes_its_descriptors(void **state)
{
	struct host h;
	struct pair p;
	struct la_file *message;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	message = la_file_get(h.task, p.fd);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	la_file_put(h.stack, message, h.now_ns);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd19_a_stack_that_ends_takes_messages_and_open_files_along(void **state)
{
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fill(&h, h.task, p.fd);
	assert_non_null(la_file_get(h.task, p.fd));
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	la_stack_free(h.stack);
	assert_int_equal(h.bytes, 0);
}

static void fd21_what_a_child_inherits_through_exec_lives_until_it_ends(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *child;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	child = la_task_fork(h.task);
	assert_int_equal(la_task_exec(child, h.now_ns), 0);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CLIENT_STATE(&h), TCP_ESTABLISHED);
	la_task_exit(child, h.now_ns);
	assert_fin_sent(&h);
	pair_end(&h, &p);
}

static void fd22_close_frees_the_number_and_reports_no_network_error(void **state)
{
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, p.peer, p.peer_fd, 0);
	assert_int_equal(CALL(&h, p.peer, close, p.peer_fd), 0);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0); /* ECONNRESET is pending */
	assert_int_equal(CALL(&h, h.task, close, p.fd), -EBADF);
	assert_int_equal(CALL(&h, h.task, close, -1), -EBADF);
	assert_int_equal(CALL(&h, h.task, close, INT32_MAX), -EBADF);
	pair_end(&h, &p);
}

static void fd22_a_lingering_close_cut_short_by_a_signal_returns_0_and_the_number_is_free_meanwhile(void **state)
{
	struct host h;
	struct pair p;
	struct call closer = {0};

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	assert_int_equal(START(&h, h.task, &closer, close, p.fd), BLOCKED);
	assert_int_equal(CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0), p.fd);
	la_cancel(&closer.op, h.now_ns);
	assert_int_equal(closer.result, 0);
	assert_int_equal(CLIENT_STATE(&h), TCP_FIN_WAIT1);
	pair_end(&h, &p);
}

static void a_direct_close_does_not_wait_out_the_linger_time(void **state)
{
	struct host h;
	struct pair p;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	assert_int_equal(la_close(h.task, p.fd, h.now_ns), 0);
	assert_int_equal(CLIENT_STATE(&h), TCP_FIN_WAIT1);
	pair_end(&h, &p);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fd01_closing_one_of_two_descriptors_leaves_the_connection),
		T(fd02_shutdown_through_either_descriptor_acts_for_both),
		T(fd03_close_in_one_process_leaves_the_connection_to_the_other),
		T(fd04_shutdown_in_one_process_is_seen_by_the_other_at_once),
		T(fd05_threads_share_one_table_and_a_second_close_is_ebadf),
		T(fd05_a_thread_that_ends_leaves_the_table_to_the_others),
		T(fd06_a_process_that_dies_closes_with_fin_or_rst_if_data_is_unread),
		T(fd07_a_process_that_dies_does_not_linger),
		T(fd07_a_process_that_dies_with_linger_0_resets),
		T(fd08_dup2_onto_a_socket_closes_it_before_it_returns),
		T(fd08_dup3_onto_a_socket_that_lingers_waits_and_returns_the_number),
		T(fd09_exec_closes_what_is_close_on_exec),
		T(fd09_exec_of_one_thread_leaves_the_table_of_the_others),
		T(fd10_close_under_a_blocked_recv_sends_nothing_and_does_not_wake_it),
		T(fd11_the_close_is_judged_by_what_is_unread_when_the_call_ends),
		T(fd11_a_signal_ends_the_blocked_call_and_the_close_follows),
		T(fd11_a_blocked_call_whose_descriptor_was_closed_lingers_before_it_returns),
		T(fd12_close_under_a_blocked_accept_lets_one_more_connection_in),
		T(fd13_close_under_a_blocked_send_sends_the_fin_behind_its_data),
		T(fd14_a_blocked_call_stays_with_the_old_file_when_the_number_is_reused),
		T(fd15_poll_holds_the_file_and_finds_the_number_closed_when_something_happens),
		T(fd15_poll_shows_the_bits_of_the_file_that_has_the_number_now),
		T(fd15_an_event_that_poll_did_not_ask_for_does_not_make_it_look),
		T(fd16_an_epoll_entry_disappears_with_the_last_descriptor),
		T(fd17_close_under_a_blocked_connect_follows_when_the_connection_comes_up),
		T(fd18_a_descriptor_in_flight_keeps_the_connection),
		T(fd19_a_message_destroyed_unread_closes_its_descriptors),
		T(fd19_a_stack_that_ends_takes_messages_and_open_files_along),
		T(fd21_what_a_child_inherits_through_exec_lives_until_it_ends),
		T(fd22_close_frees_the_number_and_reports_no_network_error),
		T(fd22_a_lingering_close_cut_short_by_a_signal_returns_0_and_the_number_is_free_meanwhile),
		T(a_direct_close_does_not_wait_out_the_linger_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
