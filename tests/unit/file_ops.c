// SPDX-License-Identifier: MIT
/* tests/unit/file_ops.c - operations: who is woken, when the caller hears of it, and what it may do then */
#include "file_env.h"

static void two_threads_in_accept_get_one_connection_each(void **state)
{
	struct sockaddr_in addr = loopback(PORT);
	struct host h;
	struct la_task *thread;
	struct call accept[2] = {0}, connect[2] = {0};
	int listener, fd[2];

	(void)state;
	host_init(&h);
	thread = la_task_thread(h.task);
	listener = listen_on(&h, h.task, 5);
	START(&h, h.task, &accept[0], accept4, listener, NULL, NULL, 0);
	START(&h, thread, &accept[1], accept4, listener, NULL, NULL, 0);
	for (int i = 0; i < 2; i++) {
		fd[i] = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);
		START(&h, h.task, &connect[i], connect, fd[i], (struct sockaddr *)&addr, sizeof(addr));
		assert_int_equal(connect[i].result, 0);
		assert_true(accept[i].result >= 0); /* in the order in which they began to wait */
	}
	assert_int_not_equal(accept[0].result, accept[1].result);
	la_task_exit(thread, h.now_ns);
	host_exit(&h);
}

struct two_connects {
	struct host *h;
	struct sockaddr_in addr;
	struct call call[2];
};

static void connect_twice(struct la_op *op)
{
	struct two_connects *two = op->user;

	for (int i = 0; i < 2; i++) {
		struct la_op *connect = &two->call[i].op;

		connect->done = call_done;
		connect->user = &two->call[i];
		la_prep_connect(connect, 10 + i, (struct sockaddr *)&two->addr, sizeof(two->addr));
		la_submit(two->h->task, connect, two->h->now_ns);
	}
}

static void two_connections_in_one_entry_wake_two_threads_in_accept(void **state)
{
	struct host h;
	struct two_connects two = {.h = &h, .addr = loopback(PORT)};
	struct call accept[2] = {0};
	struct la_op trigger = {.done = connect_twice, .user = &two};
	int listener, fd;

	(void)state;
	host_init(&h);
	listener = listen_on(&h, h.task, 5);
	fd = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(CALL(&h, h.task, dup2, fd, 10), 10);
	fd = (int)CALL(&h, h.task, socket, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(CALL(&h, h.task, dup2, fd, 11), 11);
	START(&h, h.task, &accept[0], accept4, listener, NULL, NULL, 0);
	START(&h, h.task, &accept[1], accept4, listener, NULL, NULL, 0);
	la_prep_poll(&trigger, NULL, 0, -1);
	assert_int_equal(la_submit(h.task, &trigger, h.now_ns), LA_PENDING);
	la_cancel(&trigger, h.now_ns);
	assert_int_equal(two.call[0].result, 0);
	assert_int_equal(two.call[1].result, 0);
	assert_true(accept[0].result >= 0);
	assert_true(accept[1].result >= 0);
	host_exit(&h);
}

static void two_threads_in_recv_share_what_comes(void **state)
{
	struct host h;
	struct pair p;
	struct call reader[2] = {0};
	char byte[2];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	START(&h, h.task, &reader[0], recv, p.fd, &byte[0], 1, 0);
	START(&h, h.task, &reader[1], recv, p.fd, &byte[1], 1, 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "ab"), 2);
	assert_int_equal(reader[0].result, 1);
	assert_int_equal(reader[1].result, 1);
	pair_end(&h, &p);
}

static void shutdown_wakes_all_threads_in_accept(void **state)
{
	struct host h;
	struct la_task *thread;
	struct call accept[2] = {0};
	int listener;

	(void)state;
	host_init(&h);
	thread = la_task_thread(h.task);
	listener = listen_on(&h, h.task, 5);
	START(&h, h.task, &accept[0], accept4, listener, NULL, NULL, 0);
	START(&h, thread, &accept[1], accept4, listener, NULL, NULL, 0);
	assert_int_equal(CALL(&h, h.task, shutdown, listener, SHUT_RD), 0);
	assert_int_equal(accept[0].result, -EINVAL);
	assert_int_equal(accept[1].result, -EINVAL);
	la_task_exit(thread, h.now_ns);
	host_exit(&h);
}

static void a_poll_behind_a_thread_in_accept_is_woken_too(void **state)
{
	struct host h;
	struct call accept = {0}, poller = {0};
	struct pollfd fd;
	int listener;

	(void)state;
	host_init(&h);
	listener = listen_on(&h, h.task, 5);
	START(&h, h.task, &accept, accept4, listener, NULL, NULL, 0);
	fd = (struct pollfd){.fd = listener, .events = POLLIN};
	START(&h, h.task, &poller, poll, &fd, 1, -1);
	connect_to(&h, h.task);
	assert_true(accept.result >= 0 || poller.result == 1);
	assert_true(accept.result >= 0);
	host_exit(&h);
}

/* ------------------------------------------------------------------ from within done() */

struct echo {
	struct la_op op;
	struct host *h;
	int fd;
	char byte;
	unsigned rounds;
	struct la_op *victim; /* cancelled in the first round */
};

static void echo_done(struct la_op *op)
{
	struct echo *e = op->user;

	for (;;) {
		if (op->result != 1)
			return;
		e->rounds++;
		if (e->victim)
			la_cancel(e->victim, e->h->now_ns);
		e->victim = NULL;
		la_prep_recv(op, e->fd, &e->byte, 1, 0);
		if (la_submit(e->h->task, op, e->h->now_ns) == LA_PENDING)
			return;
	}
}

static void done_may_submit_again_and_cancel_others(void **state)
{
	struct host h;
	struct pair p;
	struct call victim = {0};
	struct echo e = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	START(&h, p.peer, &victim, recv, p.peer_fd, buf, sizeof(buf), 0);
	e = (struct echo){.h = &h, .fd = p.fd, .victim = &victim.op};
	e.op.done = echo_done;
	e.op.user = &e;
	la_prep_recv(&e.op, p.fd, &e.byte, 1, 0);
	assert_int_equal(la_submit(h.task, &e.op, h.now_ns), LA_PENDING);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "abc"), 3);
	assert_int_equal(e.rounds, 3);
	assert_int_equal(e.byte, 'c');
	assert_int_equal(victim.result, -EINTR);
	la_cancel(&e.op, h.now_ns);
	assert_int_equal(e.op.result, -EINTR);
	pair_end(&h, &p);
}

static void a_woken_operation_that_is_cancelled_by_another_ones_done_hears_of_it_once(void **state)
{
	struct host h;
	struct pair p;
	struct call second = {0};
	struct echo e = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	/* The last to wait is woken first; it takes the only byte and cancels the other, which is woken by then. */
	START(&h, h.task, &second, recv, p.fd, buf, sizeof(buf), 0);
	e = (struct echo){.h = &h, .fd = p.fd, .victim = &second.op};
	e.op.done = echo_done;
	e.op.user = &e;
	la_prep_recv(&e.op, p.fd, &e.byte, 1, 0);
	assert_int_equal(la_submit(h.task, &e.op, h.now_ns), LA_PENDING);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(e.rounds, 1);
	assert_int_equal(second.result, -EINTR);
	assert_int_equal(second.completions, 1);
	la_cancel(&e.op, h.now_ns);
	pair_end(&h, &p);
}

/* ------------------------------------------------------------------ ends */

static void an_operation_that_is_not_pending_cannot_be_cancelled(void **state)
{
	struct host h;
	struct call idle = {0};

	(void)state;
	host_init(&h);
	la_cancel(&idle.op, h.now_ns);
	assert_int_equal(START(&h, h.task, &idle, dup, 0), -EBADF);
	la_cancel(&idle.op, h.now_ns);
	assert_int_equal(idle.completions, 0);
	host_exit(&h);
}

static void so_rcvtimeo_ends_recv_with_eagain(void **state)
{
	struct timeval tv = {.tv_usec = 100000};
	struct host h;
	struct pair p;
	struct call reader = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	assert_int_equal(CALL(&h, h.task, setsockopt, p.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	START(&h, h.task, &reader, recv, p.fd, buf, sizeof(buf), 0);
	host_run_ms(&h, 96);
	assert_int_equal(reader.result, BLOCKED);
	host_run_ms(&h, 8);
	assert_int_equal(reader.result, -EAGAIN);
	pair_end(&h, &p);
}

static void a_task_that_exits_breaks_off_its_calls_and_takes_no_more(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;
	struct call reader = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	START(&h, thread, &reader, recv, p.fd, buf, sizeof(buf), 0);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	la_task_exit(thread, h.now_ns);
	assert_int_equal(reader.result, -EINTR);
	assert_int_equal(reader.completions, 1);
	assert_fin_sent(&h); /* the call held the last reference */
	pair_end(&h, &p);
}

static void a_call_broken_off_by_exit_does_not_linger(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;
	struct call reader = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	START(&h, thread, &reader, recv, p.fd, buf, sizeof(buf), 0);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	la_task_exit(thread, h.now_ns);
	assert_int_equal(reader.result, -EINTR);
	assert_int_equal(reader.completions, 1);
	assert_int_equal(CLIENT_STATE(&h), TCP_FIN_WAIT1);
	pair_end(&h, &p);
}

static void stubborn_done(struct la_op *op)
{
	struct echo *e = op->user;

	e->rounds++;
	la_prep_recv(op, e->fd, &e->byte, 1, 0);
	assert_int_equal(la_submit(e->h->task, op, e->h->now_ns), LA_DONE);
	assert_int_equal(op->result, -EINTR);
}

static void a_task_that_exits_begins_no_more_calls(void **state)
{
	struct host h;
	struct pair p;
	struct echo e;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	e = (struct echo){.op = {.done = stubborn_done, .user = &e}, .h = &h, .fd = p.fd};
	la_prep_recv(&e.op, p.fd, &e.byte, 1, 0);
	assert_int_equal(la_submit(h.task, &e.op, h.now_ns), LA_PENDING);
	la_task_exit(h.task, h.now_ns);
	assert_int_equal(e.rounds, 1);
	h.task = p.peer;
	host_exit(&h);
}

static void la_stack_free_ends_pending_operations(void **state)
{
	struct host h;
	struct pair p;
	struct call reader = {0}, closer = {0};
	char buf[4];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	START(&h, p.peer, &reader, recv, p.peer_fd, buf, sizeof(buf), MSG_WAITALL);
	set_linger(&h, h.task, p.fd, 30);
	la_cancel(&reader.op, h.now_ns);
	fill(&h, h.task, p.fd);
	START(&h, h.task, &closer, close, p.fd);
	assert_int_equal(closer.result, BLOCKED);
	la_stack_free(h.stack);
	assert_int_equal(closer.result, 0);
	assert_int_equal(closer.completions, 1);
	assert_int_equal(h.bytes, 0);
}

static void direct_calls_never_wait(void **state)
{
	struct sockaddr_in addr = loopback(PORT);
	struct host h;
	char buf[4];
	int listener, fd;

	(void)state;
	host_init(&h);
	listener = listen_on(&h, h.task, 5);
	assert_int_equal(la_accept4(h.task, listener, NULL, NULL, 0, h.now_ns), -EAGAIN);
	fd = la_socket(h.task, AF_INET, SOCK_STREAM, 0, h.now_ns);
	assert_int_equal(la_connect(h.task, fd, (struct sockaddr *)&addr, sizeof(addr), h.now_ns), -EINPROGRESS);
	assert_int_equal(la_connect(h.task, fd, (struct sockaddr *)&addr, sizeof(addr), h.now_ns), 0);
	assert_int_equal(la_recv(h.task, fd, buf, sizeof(buf), 0, h.now_ns), -EAGAIN);
	assert_int_equal(la_recv(h.task, fd, buf, sizeof(buf), MSG_WAITALL, h.now_ns), -EAGAIN);
	assert_int_equal(la_epoll_wait(h.task, la_epoll_create1(h.task, 0, h.now_ns), NULL, 1, h.now_ns), 0);
	host_exit(&h);
}

/* ------------------------------------------------------------------ no memory */

static bool refusing;

static bool refuse(void *world, size_t size)
{
	(void)world;
	(void)size;
	return refusing;
}

static void without_memory_calls_say_so_and_nothing_is_lost(void **state)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct host h;
	struct pair p;
	struct pollfd fd;
	int ep;

	(void)state;
	host_init(&h);
	h.env.refuse = refuse;
	p = pair_of(&h);
	ep = (int)CALL(&h, h.task, epoll_create1, 0);
	fd = (struct pollfd){.fd = p.fd, .events = POLLIN};
	refusing = true;
	assert_null(la_task_new(h.stack));
	assert_null(la_task_fork(h.task));
	assert_null(la_task_thread(h.task));
	assert_null(la_file_get(h.task, p.fd));
	assert_int_equal(CALL(&h, h.task, epoll_create1, 0), -ENOMEM);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, p.fd, &event), -ENOMEM);
	assert_int_equal(CALL(&h, h.task, poll, &fd, 1, -1), -ENOMEM);
	assert_int_equal(CALL(&h, h.task, fcntl, p.fd, F_DUPFD, 1000), -ENOMEM);
	assert_int_equal(CALL(&h, h.task, dup2, p.fd, 1000), -ENOMEM);
	refusing = false;
	host_check(&h);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_fin_sent(&h); /* none of them kept a reference */
	pair_end(&h, &p);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_threads_in_accept_get_one_connection_each),
		T(two_connections_in_one_entry_wake_two_threads_in_accept),
		T(two_threads_in_recv_share_what_comes),
		T(shutdown_wakes_all_threads_in_accept),
		T(a_poll_behind_a_thread_in_accept_is_woken_too),
		T(done_may_submit_again_and_cancel_others),
		T(a_woken_operation_that_is_cancelled_by_another_ones_done_hears_of_it_once),
		T(an_operation_that_is_not_pending_cannot_be_cancelled),
		T(so_rcvtimeo_ends_recv_with_eagain),
		T(a_task_that_exits_breaks_off_its_calls_and_takes_no_more),
		T(a_call_broken_off_by_exit_does_not_linger),
		T(a_task_that_exits_begins_no_more_calls),
		T(la_stack_free_ends_pending_operations),
		T(direct_calls_never_wait),
		T(without_memory_calls_say_so_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
