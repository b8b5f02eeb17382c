// SPDX-License-Identifier: MIT
/*
 * unit/run_executor.c - the executor of `lastack run`: calls, files that several processes hold, deaths, limits
 *
 * An executor with nothing but loopback runs in a child; the test is its program, and forks others.
 */
#include "run_client.h"

static struct stack stack;
static struct client us;

static int begin(void **state)
{
	(void)state;
	stack_start(&stack);
	client_attach_to(&us, &stack);
	return 0;
}

/* Whatever was left open is gone with its holders: nothing stays behind. */
static int end(void **state)
{
	(void)state;
	client_leave(&us);
	assert_true(figure_becomes(&stack, "processes", 0));
	assert_true(figure_becomes(&stack, "files", 0));
	assert_int_equal(figure(&stack, "spares"), 0);
	assert_int_equal(figure(&stack, "calls_pending"), 0);
	assert_int_equal(figure(&stack, "kernel_sets"), 0);
	stack_end(&stack);
	return 0;
}

struct pair {
	struct number listener, client, server;
};

static struct pair make_pair(void)
{
	struct pair p;

	p.listener = make_listener(&us, 80);
	p.client = make_connection(&us, 80);
	p.server = make_accept(&us, p.listener);
	return p;
}

static void pair_close(const struct pair *p)
{
	close(p->listener.fd);
	close(p->client.fd);
	close(p->server.fd);
}

static void bytes_go_from_one_socket_to_another(void **state)
{
	struct pair p = make_pair();
	struct sockaddr_in sin;

	(void)state;
	assert_int_equal(slot_of(&us, 0)->name_len, sizeof(sin)); /* of the accept4() */
	memcpy(&sin, slot_of(&us, 0)->aux, sizeof(sin));
	assert_int_equal(sin.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(send_text(&us, p.client, "hello"), 5);
	assert_int_equal(recv_bytes(&us, p.server, 0), 5);
	assert_memory_equal(us.seg->data[0], "hello", 5);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), -EAGAIN);
	pair_close(&p);
}

static void a_handle_of_nothing_is_a_bad_descriptor(void **state)
{
	struct pair p = make_pair();

	(void)state;
	assert_int_equal(CALL(&us, 0, CALL_LISTEN, 0, 1), -EBADF);
	assert_int_equal(CALL(&us, 0, CALL_LISTEN, p.client.file + (1ull << 32), 1), -EBADF);
	assert_int_equal(CALL(&us, 0, CALL_LISTEN, p.client.file + 100, 1), -EBADF);
	assert_int_equal(CALL(&us, 0, CALL_MAX, p.client.file), -ENOSYS);
	assert_int_equal(CALL(&us, 0, CALL_NONE, p.client.file), -ENOSYS);
	pair_close(&p);
}

static void a_file_is_found_by_the_inode_of_its_fifo(void **state)
{
	struct pair p = make_pair();
	struct stat st;

	(void)state;
	assert_int_equal(fstat(p.server.fd, &st), 0);
	assert_int_equal(st.st_dev, us.hello.fifo_dev);
	assert_int_equal(CALL(&us, 0, CALL_IDENTIFY, 0, st.st_ino), 0);
	assert_int_equal(slot_of(&us, 0)->file, p.server.file);
	assert_int_equal(slot_of(&us, 0)->arg[0], SEG_KIND_SOCKET);
	assert_int_equal(CALL(&us, 0, CALL_IDENTIFY, 0, 1), -ENOENT);
	pair_close(&p);
}

static void close_of_a_duplicate_closes_nothing_and_of_the_last_sends_the_fin(void **state)
{
	struct pair p = make_pair();
	struct number twin = {dup(p.client.fd), p.client.file};

	(void)state;
	close_number(&us, 1, p.client);
	closed(&us, 1);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(send_text(&us, twin, "still"), 5);
	assert_int_equal(recv_bytes(&us, p.server, 0), 5);
	close_number(&us, 1, twin);
	closed(&us, 1);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), 0);
	assert_int_equal(send_text(&us, twin, "no"), -EBADF);
	close(p.listener.fd);
	close(p.server.fd);
}

static void a_close_that_nobody_reports_sends_the_fin_as_well(void **state)
{
	struct pair p = make_pair();

	(void)state;
	close(p.client.fd);
	assert_int_equal(recv_bytes(&us, p.server, 0), 0);
	close(p.listener.fd);
	close(p.server.fd);
}

static void a_forked_child_keeps_the_file_until_it_is_killed(void **state)
{
	struct pair p = make_pair();
	pid_t child = fork();

	(void)state;
	if (!child)
		for (;;)
			pause();
	close_number(&us, 1, p.client);
	closed(&us, 1);
	usleep(20000);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), -EAGAIN);
	kill(child, SIGKILL);
	assert_int_equal(recv_bytes(&us, p.server, 0), 0);
	waitpid(child, NULL, 0);
	close(p.listener.fd);
	close(p.server.fd);
}

static void a_descriptor_in_flight_holds_the_file_until_it_is_destroyed(void **state)
{
	struct pair p = make_pair();
	struct seg_message m = {.kind = SEG_BELL};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&m, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int sock[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &p.client.fd, sizeof(int));
	assert_int_equal(sendmsg(sock[0], &msg, 0), 1);
	close_number(&us, 1, p.client);
	closed(&us, 1);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), -EAGAIN);
	close(sock[0]);
	close(sock[1]);
	assert_int_equal(recv_bytes(&us, p.server, 0), 0);
	close(p.listener.fd);
	close(p.server.fd);
}

static void close_under_a_blocked_recv_lets_the_recv_go_on(void **state)
{
	struct pair p = make_pair();

	(void)state;
	memcpy(slot_of(&us, 2)->arg, (uint64_t[]){0, 10, SEG_IO_MSG, 0}, 4 * sizeof(uint64_t));
	call_start(&us, 2, CALL_RECV, p.client.file);
	assert_int_equal(call_until(&us, 2, SLOT_PENDING), 0);
	close_number(&us, 1, p.client);
	closed(&us, 1);
	assert_int_equal(recv_bytes(&us, p.server, MSG_DONTWAIT), -EAGAIN); /* the call holds the file */
	assert_int_equal(send_text(&us, p.server, "late"), 4);
	assert_int_equal(call_end(&us, 2), 4);
	assert_int_equal(recv_bytes(&us, p.server, 0), 0);
	close(p.listener.fd);
	close(p.server.fd);
}

static void a_signal_ends_a_blocked_call_and_a_time_limit_forbids_its_restart(void **state)
{
	struct pair p = make_pair();
	struct timeval tv = {5, 0};

	(void)state;
	memcpy(slot_of(&us, 2)->arg, (uint64_t[]){0, 10, SEG_IO_MSG, 0}, 4 * sizeof(uint64_t));
	call_start(&us, 2, CALL_RECV, p.client.file);
	assert_int_equal(call_until(&us, 2, SLOT_PENDING), 0);
	assert_int_equal(slot_of(&us, 2)->state, SLOT_PENDING);
	atomic_store(&slot_of(&us, 2)->cancel, 1);
	call_post(&us, 2);
	assert_int_equal(call_end(&us, 2), -EINTR);

	memcpy(slot_of(&us, 0)->aux, &tv, sizeof(tv));
	slot_of(&us, 0)->aux_len = sizeof(tv);
	assert_int_equal(CALL(&us, 0, CALL_SETSOCKOPT, p.client.file, SOL_SOCKET, SO_RCVTIMEO), 0);
	call_start(&us, 2, CALL_RECV, p.client.file);
	assert_int_equal(call_until(&us, 2, SLOT_PENDING_EINTR), 0);
	assert_int_equal(slot_of(&us, 2)->state, SLOT_PENDING_EINTR);
	pair_close(&p);
}

static void who_goes_to_sleep_while_its_call_becomes_pending_is_woken_when_it_is_done(void **state)
{
	struct pair p = make_pair();
	struct timespec second = {1, 0};
	struct seg_slot *slot = slot_of(&us, 2);
	pid_t child;

	(void)state;
	memcpy(slot->arg, (uint64_t[]){0, 10, SEG_IO_MSG, 0}, 4 * sizeof(uint64_t));
	slot->sleeper = SLEEPER_FUTEX; /* as if set between the new state and the wake-up for it */
	call_start(&us, 2, CALL_RECV, p.server.file);
	while (slot->state != SLOT_PENDING)
		;
	usleep(20000);
	child = fork();
	if (!child) {
		usleep(50000);
		send_text(&us, p.client, "x");
		_exit(0);
	}
	assert_int_equal(syscall(SYS_futex, &slot->state, FUTEX_WAIT, SLOT_PENDING, &second, NULL, 0), 0);
	assert_int_equal(call_end(&us, 2), 1);
	waitpid(child, NULL, 0);
	pair_close(&p);
}

/* Sends until nothing more fits: the FIN cannot be acknowledged. */
static void fill(struct number n)
{
	while (CALL(&us, 0, CALL_SEND, n.file, MSG_DONTWAIT | MSG_NOSIGNAL, SEG_DATA, SEG_IO_MSG) > 0)
		;
}

static void set_linger(struct number n, int seconds)
{
	struct linger l = {1, seconds};

	memcpy(slot_of(&us, 0)->aux, &l, sizeof(l));
	slot_of(&us, 0)->aux_len = sizeof(l);
	assert_int_equal(CALL(&us, 0, CALL_SETSOCKOPT, n.file, SOL_SOCKET, SO_LINGER), 0);
}

static void a_close_announced_before_it_is_done_lingers_even_if_the_hang_up_is_seen_first(void **state)
{
	struct pair p = make_pair();
	struct seg_slot *slot = slot_of(&us, 1);

	(void)state;
	set_linger(p.client, 30);
	slot_of(&us, 0)->aux_len = slot_of(&us, 0)->name_len = 0;
	fill(p.client);
	close_announce(&us, 1, p.client);
	close(p.client.fd);
	usleep(50000);
	close_submit(&us, 1);
	assert_int_equal(call_until(&us, 1, SLOT_PENDING), 0);
	assert_int_equal(slot->state, SLOT_PENDING);
	atomic_store(&slot->cancel, 1);
	call_post(&us, 1);
	closed(&us, 1);
	close(p.listener.fd);
	close(p.server.fd);
}

static void who_announces_a_close_and_dies_has_closed(void **state)
{
	struct pair p = make_pair();
	pid_t child = fork();

	(void)state;
	if (!child) {
		struct client own;

		client_attach_to(&own, &stack);
		close_announce(&own, 0, p.client);
		close(us.control);
		for (;;)
			pause();
	}
	assert_true(figure_becomes(&stack, "processes", 2));
	usleep(20000);
	close(p.client.fd); /* the child has it still */
	kill(child, SIGKILL);
	assert_int_equal(recv_bytes(&us, p.server, 0), 0);
	waitpid(child, NULL, 0);
	close(p.listener.fd);
	close(p.server.fd);
}

static void a_killed_process_leaves_nothing_behind(void **state)
{
	struct number listener = make_listener(&us, 80), servers[2];
	uint64_t descriptors;
	pid_t child = fork();

	(void)state;
	if (!child) {
		struct client own;

		close(listener.fd);
		client_attach_to(&own, &stack);
		make_connection(&own, 80);
		call_start(&own, 1, CALL_SPARE, 0);
		call_end(&own, 1);
		memcpy(slot_of(&own, 2)->arg, (uint64_t[]){0, 10, SEG_IO_MSG, 0}, 4 * sizeof(uint64_t));
		call_start(&own, 2, CALL_RECV, make_connection(&own, 80).file);
		for (;;)
			pause();
	}
	for (int i = 0; i < 2; i++)
		servers[i] = make_accept(&us, listener);
	assert_true(figure_becomes(&stack, "calls_pending", 1));
	assert_int_equal(figure(&stack, "processes"), 2);
	assert_int_equal(figure(&stack, "files"), 5);
	descriptors = figure(&stack, "descriptors");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(figure_becomes(&stack, "processes", 1));
	assert_int_equal(figure(&stack, "files"), 3);
	assert_int_equal(figure(&stack, "calls_pending"), 0);
	assert_int_equal(figure(&stack, "spares"), 1);
	/* two files, two spares; connection, pidfd, bell */
	assert_int_equal(figure(&stack, "descriptors"), descriptors - 7);
	for (int i = 0; i < 2; i++)
		close(servers[i].fd);
	close(listener.fd);
}

static void a_process_that_attaches_again_has_done_an_exec(void **state)
{
	struct client again;

	(void)state;
	client_attach_to(&again, &stack);
	assert_int_equal(figure(&stack, "processes"), 1);
	assert_int_equal(CALL(&again, 0, CALL_SPARE, 0), 0);
	client_leave(&us);
	us = again;
}

static void an_accept_that_waits_gives_the_number_that_was_opened_before(void **state)
{
	struct number listener = make_listener(&us, 80);
	int fd = spare_open(&us, 3);
	struct number client, server;

	(void)state;
	slot_of(&us, 3)->arg[0] = slot_of(&us, 3)->arg[1] = 0;
	call_start(&us, 3, CALL_ACCEPT4, listener.file);
	assert_int_equal(call_until(&us, 3, SLOT_PENDING), 0);
	client = make_connection(&us, 80);
	assert_int_equal(call_end(&us, 3), 0);
	server = file_made(&us, 3, fd);
	assert_int_not_equal(slot_of(&us, 3)->spare, server.file); /* the next one, brought along */
	assert_int_equal(send_text(&us, client, "x"), 1);
	assert_int_equal(recv_bytes(&us, server, 0), 1);
	close(listener.fd);
	close(client.fd);
	close(server.fd);
}

static void make_a_file_and_never_open_it(void)
{
	pid_t child = fork();

	if (!child) {
		struct client own;

		client_attach_to(&own, &stack);
		CALL(&own, 0, CALL_SPARE, 0);
		_exit(CALL(&own, 0, CALL_SOCKET, 0, AF_INET, SOCK_STREAM, 0) != 0);
	}
	waitpid(child, NULL, 0);
	assert_true(figure_becomes(&stack, "processes", 1));
	assert_true(figure_becomes(&stack, "files", 0));
}

static void a_file_that_was_made_and_never_opened_goes_with_its_process(void **state)
{
	struct number n;

	(void)state;
	make_a_file_and_never_open_it();
	n = make_socket(&us); /* now FIFOs that were open in an earlier life */
	close_number(&us, 1, n);
	closed(&us, 1);
	make_a_file_and_never_open_it();
}

/* ------------------------------------------------------------------ waiting for many */

static void poll_answers_for_each_handle(void **state)
{
	struct pair p = make_pair();
	struct seg_pollfd *fds = (void *)us.seg->data[2];

	(void)state;
	fds[0] = (struct seg_pollfd){.file = p.server.file, .events = 1};
	fds[1] = (struct seg_pollfd){.file = p.client.file, .events = 4};
	fds[2] = (struct seg_pollfd){.file = p.client.file + (1ull << 40), .events = 1};
	fds[3] = (struct seg_pollfd){.file = 0, .events = 1};
	assert_int_equal(CALL(&us, 2, CALL_POLL, 0, 4, (uint64_t)-1), 2);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, 4);
	assert_int_equal(fds[2].revents, 0x20); /* POLLNVAL */
	assert_int_equal(fds[3].revents, 0);

	slot_of(&us, 2)->arg[0] = 1;
	call_start(&us, 2, CALL_POLL, 0);
	assert_int_equal(call_until(&us, 2, SLOT_PENDING_EINTR), 0);
	assert_int_equal(send_text(&us, p.client, "x"), 1);
	assert_int_equal(call_end(&us, 2), 1);
	assert_int_equal(fds[0].revents, 1);
	assert_int_equal(CALL(&us, 2, CALL_POLL, 0, 1ull << 33, 0), -EINVAL);
	pair_close(&p);
}

static struct number make_set(void)
{
	int fd = spare_open(&us, 0);

	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CREATE1, 0, 0), 0);
	return file_made(&us, 0, fd);
}

#define EVENT_IN 1

static void a_set_knows_a_file_by_each_of_its_numbers(void **state)
{
	struct pair p = make_pair();
	struct number set = make_set();
	const struct {
		uint32_t events;
		uint64_t data;
	} __attribute__((packed)) *events = (void *)us.seg->data[0];

	(void)state;
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, 1, EVENT_IN, 70, p.server.file, 7), 0);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, 1, EVENT_IN, 70, p.server.file, 7), -EEXIST);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, 1, EVENT_IN, 90, p.server.file, 9), 0);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, 2, 0, 0, p.server.file, 8), -ENOENT);
	assert_int_equal(send_text(&us, p.client, "x"), 1);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, set.file, 10, 0), 2);
	assert_int_equal(events[0].data + events[1].data, 160);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, 2, 0, 0, p.server.file, 7), 0);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, set.file, 10, 0), 1);
	assert_int_equal(events[0].data, 90);
	/* with the file its numbers are gone from the set */
	close_number(&us, 1, p.server);
	closed(&us, 1);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, set.file, 10, 0), 0);
	close(p.listener.fd);
	close(p.client.fd);
	close(set.fd);
}

static void who_waits_on_a_set_is_told_of_its_first_kernel_epoll(void **state)
{
	struct number set = make_set();
	struct seg_message m = {.kind = SEG_KERNEL_SET, .arg = {set.file}};
	int kernel_set = memfd_create("stands for an epoll", 0), fds[3];

	(void)state;
	assert_int_equal(control_ask(us.control, &m, -1, fds, 3), 0);
	assert_int_equal(m.error, -ENOENT);
	memcpy(slot_of(&us, 2)->arg, (uint64_t[]){10, (uint64_t)-1, 0}, 3 * sizeof(uint64_t));
	call_start(&us, 2, CALL_EPOLL_WAIT, set.file);
	assert_int_equal(call_until(&us, 2, SLOT_PENDING_EINTR), 0);
	m = (struct seg_message){.kind = SEG_KERNEL_SET, .arg = {set.file}};
	assert_int_equal(control_ask(us.control, &m, kernel_set, fds, 3), 0);
	assert_int_equal(m.error, 0);
	assert_true(fds[0] >= 0);
	close(fds[0]);
	assert_int_equal(call_end(&us, 2), -ESTALE);
	assert_int_equal(slot_of(&us, 2)->arg[0], 1);
	assert_int_equal(CALL(&us, 2, CALL_EPOLL_WAIT, set.file, 10, 0, 0), -ESTALE); /* who does not have it */
	assert_int_equal(CALL(&us, 2, CALL_EPOLL_WAIT, set.file, 10, 0, 1), 0);
	assert_int_equal(figure(&stack, "kernel_sets"), 1);
	close(kernel_set);
	close(set.fd);
}

/* ------------------------------------------------------------------ limits */

static void without_descriptors_the_caller_gets_enfile_and_nothing_is_lost(void **state)
{
	struct pair p = make_pair();
	struct rlimit few = {figure(&stack, "descriptors") + 4, 4096}, many = {4096, 4096};
	int64_t error = 0;
	unsigned nr = 10;

	(void)state;
	assert_int_equal(prlimit(stack.pid, RLIMIT_NOFILE, &few, NULL), 0);
	while (!error && nr < 100)
		error = CALL(&us, nr++, CALL_SPARE, 0);
	assert_int_equal(error, -ENFILE);
	assert_int_equal(send_text(&us, p.client, "x"), 1);
	assert_int_equal(recv_bytes(&us, p.server, 0), 1);
	assert_int_equal(prlimit(stack.pid, RLIMIT_NOFILE, &many, NULL), 0);
	assert_int_equal(CALL(&us, 99, CALL_SPARE, 0), 0);
	pair_close(&p);
}

/* The next descriptor of the stack's process would have this number or a higher one. */
static rlim_t next_descriptor(void)
{
	char path[64];

	for (rlim_t n = 3;; n++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)stack.pid, (int)n);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW))
			return n;
	}
}

static void a_newcomer_without_descriptors_left_is_turned_away(void **state)
{
	struct seg_message m = {.kind = SEG_TEXT, .text = "debug"};
	struct rlimit few = {.rlim_max = 4096}, many = {4096, 4096};
	int sock, none[3];
	uint64_t sleeps;

	(void)state;
	assert_int_equal(CALL(&us, 0, CALL_SPARE, 0), 0); /* the attaching is over, on both sides */
	few.rlim_cur = next_descriptor();
	assert_int_equal(prlimit(stack.pid, RLIMIT_NOFILE, &few, NULL), 0);
	sock = control_connect(&stack);
	assert_int_equal(control_ask(sock, &m, -1, none, 3), -1);
	close(sock);
	assert_int_equal(prlimit(stack.pid, RLIMIT_NOFILE, &many, NULL), 0);
	sleeps = figure(&stack, "sleeps");
	usleep(50000);
	assert_true(figure(&stack, "sleeps") < sleeps + 20); /* it does not turn in vain */
}

static void a_segment_cannot_be_made_smaller_and_the_shared_page_not_written(void **state)
{
	int control = control_connect(&stack), fds[3] = {-1, -1, -1};
	struct seg_message m = {.kind = SEG_ATTACH, .arg = {SEG_VERSION}};

	(void)state;
	assert_int_equal(control_ask(control, &m, -1, fds, 3), 0);
	assert_int_equal(ftruncate(fds[0], 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0), MAP_FAILED);
	assert_int_equal(control_ask(control, &m, -1, fds, 3), 0);
	assert_int_equal(m.error, -EALREADY);
	close(control);
	client_leave(&us); /* it was this very process that attached again */
	client_attach_to(&us, &stack);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		T(bytes_go_from_one_socket_to_another),
		T(a_handle_of_nothing_is_a_bad_descriptor),
		T(a_file_is_found_by_the_inode_of_its_fifo),
		T(close_of_a_duplicate_closes_nothing_and_of_the_last_sends_the_fin),
		T(a_close_that_nobody_reports_sends_the_fin_as_well),
		T(a_forked_child_keeps_the_file_until_it_is_killed),
		T(a_descriptor_in_flight_holds_the_file_until_it_is_destroyed),
		T(close_under_a_blocked_recv_lets_the_recv_go_on),
		T(a_signal_ends_a_blocked_call_and_a_time_limit_forbids_its_restart),
		T(who_goes_to_sleep_while_its_call_becomes_pending_is_woken_when_it_is_done),
		T(a_close_announced_before_it_is_done_lingers_even_if_the_hang_up_is_seen_first),
		T(who_announces_a_close_and_dies_has_closed),
		T(a_killed_process_leaves_nothing_behind),
		T(a_process_that_attaches_again_has_done_an_exec),
		T(an_accept_that_waits_gives_the_number_that_was_opened_before),
		T(a_file_that_was_made_and_never_opened_goes_with_its_process),
		T(poll_answers_for_each_handle),
		T(a_set_knows_a_file_by_each_of_its_numbers),
		T(who_waits_on_a_set_is_told_of_its_first_kernel_epoll),
		T(without_descriptors_the_caller_gets_enfile_and_nothing_is_lost),
		T(a_newcomer_without_descriptors_left_is_turned_away),
		T(a_segment_cannot_be_made_smaller_and_the_shared_page_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
