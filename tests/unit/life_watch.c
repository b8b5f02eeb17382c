// SPDX-License-Identifier: MIT
/*
 * unit/life_watch.c - what a host may know ahead of its program's calls: la_preview, la_watch, la_epoll_wait_numbers; and frames
 * that came together: la_hold, la_let_go
 *
 * Most of it between two of a stack's own sockets; the last ones between two stacks and a wire that is a list.
 */
#include "socket_calls.h"

#include <stdlib.h>

static struct la_preview preview_of(int fd, char *buf, size_t room)
{
	struct la_preview p;

	assert_int_equal(la_preview(calls.task, fd, buf, room, &p), 0);
	return p;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(sys_send(fd, text, strlen(text), 0), strlen(text));
	settle();
}

/* ------------------------------------------------------------------ previews */

static void a_preview_has_all_that_recv_would_return_and_takes_nothing(void **state)
{
	int mine, peer;
	char buf[16], got[16];

	(void)state;
	pair(&mine, &peer);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 0);
	send_text(peer, "abc");
	send_text(peer, "defg");
	assert_int_equal(sys_recv(mine, got, 1, 0), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 6);
		assert_memory_equal(buf, "bcdefg", 6);
	}
	assert_int_equal(preview_of(mine, buf, 6).recv, 6);
	assert_int_equal(preview_of(mine, buf, 5).recv, 0); /* a part would be a different recv() */
	assert_int_equal(sys_recv(mine, got, sizeof(got), 0), 6);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 0);
	assert_true(preview_of(mine, buf, sizeof(buf)).local);
}

static void a_preview_makes_no_ack_leave(void **state)
{
	int mine, peer;
	char buf[16];
	uint64_t before, after;

	(void)state;
	pair(&mine, &peer);
	send_text(peer, "abc");
	assert_int_equal(sys_send(peer, "defg", 4, 0), 4); /* its ACK is due, and waits */
	la_counter(calls.stack, "TcpOutSegs", &before);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 7);
	la_counter(calls.stack, "TcpOutSegs", &after);
	assert_int_equal(after, before);
}

static void bytes_before_a_fin_are_previewed_without_it(void **state)
{
	int mine, peer;
	char buf[16];

	(void)state;
	pair(&mine, &peer);
	send_text(peer, "abc");
	assert_int_equal(sys_shutdown(peer, SHUT_WR), 0);
	settle();
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 3);
	assert_int_equal(sys_recv(mine, buf, 3, 0), 3);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 0); /* recv() returns 0, which is no byte */
	assert_true(preview_of(mine, buf, sizeof(buf)).send > 0);
}

static void what_recv_would_do_besides_is_not_previewed(void **state)
{
	int mine, peer, lowat = 5, on = 1;
	char buf[16];

	(void)state;
	pair(&mine, &peer);
	send_text(peer, "abcdef");
	assert_int_equal(sys_setsockopt(mine, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 0);
	lowat = 1;
	assert_int_equal(sys_setsockopt(mine, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 6);
	assert_int_equal(sys_setsockopt(mine, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)), 0);
	assert_int_equal(sys_send(peer, "!", 1, MSG_OOB), 1);
	settle();
	assert_int_equal(preview_of(mine, buf, sizeof(buf)).recv, 0); /* it ends before the mark */
}

static void nothing_is_promised_of_a_socket_that_would_fail(void **state)
{
	int mine, peer, fresh = tcp4(), set = (int)sys_epoll_create1(0);
	struct la_preview p;

	(void)state;
	assert_int_equal(preview_of(fresh, NULL, 0).send, 0);
	assert_int_equal(la_preview(calls.task, BAD_FD, NULL, 0, &p), -EBADF);
	assert_int_equal(la_preview(calls.task, set, NULL, 0, &p), -ENOTSOCK);
	pair(&mine, &peer);
	assert_true(preview_of(mine, NULL, 0).send > 0);
	assert_int_equal(sys_shutdown(mine, SHUT_WR), 0);
	assert_int_equal(preview_of(mine, NULL, 0).send, 0);
	pair(&mine, &peer);
	send_text(peer, "abc");
	assert_int_equal(set_linger(peer, 1, 0), 0);
	assert_int_equal(sys_close(peer), 0);
	settle();
	p = preview_of(mine, NULL, 0);
	assert_int_equal(p.send, 0);
	assert_int_equal(p.recv, 0);
}

/* ------------------------------------------------------------------ watches */

struct heard {
	struct la_watch watch; /* first */
	uint32_t events;
	int times;
};

static void hears(struct la_watch *watch, uint32_t events)
{
	struct heard *heard = (struct heard *)watch;

	heard->events |= events;
	heard->times++;
}

static void a_watch_hears_of_bytes_of_the_end_and_of_an_error(void **state)
{
	struct heard heard = {.watch.changed = hears};
	int mine, peer;

	(void)state;
	pair(&mine, &peer);
	assert_int_equal(la_watch(calls.task, mine, &heard.watch), 0);
	send_text(peer, "abc");
	assert_true(heard.times > 0 && heard.events & EPOLLIN);
	heard.times = 0;
	assert_int_equal(sys_shutdown(peer, SHUT_WR), 0);
	settle();
	assert_true(heard.times > 0);
	la_unwatch(&heard.watch);
	la_unwatch(&heard.watch); /* twice does no harm */
	heard.times = 0;
	assert_int_equal(set_linger(peer, 1, 0), 0);
	assert_int_equal(sys_close(peer), 0);
	settle();
	assert_int_equal(heard.times, 0);

	pair(&mine, &peer);
	assert_int_equal(la_watch(calls.task, mine, &heard.watch), 0);
	assert_int_equal(set_linger(peer, 1, 0), 0);
	assert_int_equal(sys_close(peer), 0);
	settle();
	assert_true(heard.times > 0 && heard.events & EPOLLERR);
	la_unwatch(&heard.watch);
}

static void a_watch_ends_with_its_socket(void **state)
{
	struct heard heard = {.watch.changed = hears};
	int mine, peer, set = (int)sys_epoll_create1(0);

	(void)state;
	pair(&mine, &peer);
	assert_int_equal(la_watch(calls.task, set, &heard.watch), -ENOTSOCK);
	assert_int_equal(la_watch(calls.task, BAD_FD, &heard.watch), -EBADF);
	assert_int_equal(la_watch(calls.task, mine, &heard.watch), 0);
	assert_int_equal(sys_close(mine), 0);
	settle();
	la_unwatch(&heard.watch); /* touches nothing that is gone: the sanitizer would say so */
	assert_int_equal(la_watch(calls.task, peer, &heard.watch), 0);
	assert_int_equal(sys_close(peer), 0);
}

static void a_watch_takes_no_wake_up_from_who_waits_in_accept(void **state)
{
	struct heard heard = {.watch.changed = hears};
	struct la_op op = {0};
	struct sockaddr_in at;
	int lfd = listener(&at), peer = tcp4();

	(void)state;
	assert_int_equal(sys_fcntl(lfd, F_SETFL, 0), 0);
	la_prep_accept4(&op, lfd, NULL, NULL, 0);
	assert_int_equal(la_submit(calls.task, &op, calls.now_ns), LA_PENDING);
	assert_int_equal(la_watch(calls.task, lfd, &heard.watch), 0);
	assert_int_equal(sys_connect(peer, SA(at)), -EINPROGRESS);
	settle();
	assert_true(heard.times > 0);
	la_unwatch(&heard.watch);
	assert_true(op.result > 0);
}

static void epoll_wait_says_under_which_number_an_event_was_added(void **state)
{
	struct epoll_event add = {.events = EPOLLIN, .data.u64 = 77}, events[4];
	int mine, peer, twin, set = (int)sys_epoll_create1(0), fds[4];
	struct la_op op = {0};

	(void)state;
	pair(&mine, &peer);
	twin = (int)CALL(dup, mine);
	assert_int_equal(CALL(epoll_ctl, set, EPOLL_CTL_ADD, mine, &add), 0);
	assert_int_equal(CALL(epoll_ctl, set, EPOLL_CTL_ADD, twin, &add), 0);
	send_text(peer, "abc");
	la_prep_epoll_wait(&op, set, events, 4, 0);
	la_epoll_wait_numbers(&op, fds);
	assert_int_equal(la_submit(calls.task, &op, calls.now_ns), LA_DONE);
	assert_int_equal(op.result, 2);
	assert_true((fds[0] == mine && fds[1] == twin) || (fds[0] == twin && fds[1] == mine));
}

/* ------------------------------------------------------------------ frames that came together */

#define FRAMES 64

static struct end {
	struct la_env_seeded env;
	struct la_device dev;
	struct la_stack *stack;
	struct la_task *task;
	int ifindex;
	uint8_t frame[FRAMES][2048]; /* sent, not yet delivered */
	size_t len[FRAMES];
	int frames;
} ends[2];

static int end_xmit(struct la_device *dev, const struct la_frame *frame)
{
	struct end *end = dev->world;

	for (uint32_t i = 0; i < la_frame_count(frame) && end->frames < FRAMES; i++, end->frames++)
		end->len[end->frames] = la_frame_cut(frame, i, end->frame[end->frames], sizeof(end->frame[0]));
	return 0;
}

static void end_begin(struct end *end, uint8_t last, uint64_t seed)
{
	uint8_t addr[4] = {10, 0, 0, last};

	memset(end, 0, sizeof(*end));
	la_env_seeded_init(&end->env, seed);
	end->dev = (struct la_device){.name = "wire", .mtu = 1500, .xmit = end_xmit, .world = end};
	end->stack = la_stack_new(&end->env.env, 1);
	end->task = la_task_new(end->stack);
	end->ifindex = la_device_add(end->stack, &end->dev);
	assert_int_equal(la_addr_add(end->stack, end->ifindex, AF_INET, addr, 24), 0);
}

/* What @from has sent arrives at @to, all at one instant. */
static void deliver(struct end *from, struct end *to)
{
	for (int i = 0; i < from->frames; i++)
		la_receive(to->stack, to->ifindex, from->frame[i], from->len[i], 1);
	from->frames = 0;
}

static void run_wire(void)
{
	while (ends[0].frames + ends[1].frames) {
		deliver(&ends[0], &ends[1]);
		deliver(&ends[1], &ends[0]);
	}
}

static int wire_begin(void **state)
{
	struct sockaddr_in at = in4("10.0.0.1", 80);
	static int fds[2];
	int lfd;

	end_begin(&ends[0], 1, 1);
	end_begin(&ends[1], 2, 2);
	lfd = la_socket(ends[0].task, AF_INET, SOCK_STREAM, 0, 1);
	assert_int_equal(la_bind(ends[0].task, lfd, SA(at), 1), 0);
	assert_int_equal(la_listen(ends[0].task, lfd, 1, 1), 0);
	fds[1] = la_socket(ends[1].task, AF_INET, SOCK_STREAM, 0, 1);
	assert_int_equal(la_connect(ends[1].task, fds[1], SA(at), 1), -EINPROGRESS);
	run_wire();
	fds[0] = la_accept4(ends[0].task, lfd, NULL, NULL, 0, 1);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	*state = fds;
	return 0;
}

static int wire_end(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		la_stack_free(ends[i].stack);
	return 0;
}

static void who_waits_sees_all_frames_that_came_together(void **state)
{
	int *fds = *state;
	struct la_op op = {0};
	char buf[16];

	la_prep_recv(&op, fds[0], buf, sizeof(buf), 0);
	assert_int_equal(la_submit(ends[0].task, &op, 1), LA_PENDING);
	assert_int_equal(la_send(ends[1].task, fds[1], "abc", 3, 0, 1), 3);
	assert_int_equal(la_setsockopt(ends[1].task, fds[1], 6, 1, &(int){1}, sizeof(int), 1), 0); /* TCP_NODELAY */
	assert_int_equal(la_send(ends[1].task, fds[1], "defg", 4, 0, 1), 4);
	assert_int_equal(ends[1].frames, 2);
	la_hold(ends[0].stack);
	deliver(&ends[1], &ends[0]);
	assert_int_equal(op.result, 0);
	la_let_go(ends[0].stack, 1);
	assert_int_equal(op.result, 7);
	assert_memory_equal(buf, "abcdefg", 7);
	run_wire();
}

static void a_preview_of_send_is_what_send_takes_whole(void **state)
{
	int *fds = *state, sndbuf = 200000;
	static char much[1 << 20];
	struct la_preview p;

	assert_int_equal(la_setsockopt(ends[0].task, fds[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf), 1), 0);
	assert_int_equal(la_send(ends[0].task, fds[0], much, 50000, 0, 1), 50000);
	assert_int_equal(la_preview(ends[0].task, fds[0], NULL, 0, &p), 0);
	assert_in_range(p.send, 100000, 350000);
	while (p.send) { /* a promise is less than what there is: units may turn out short, and each costs more than its bytes */
		assert_int_equal(la_send(ends[0].task, fds[0], much, p.send, MSG_DONTWAIT, 1), p.send);
		assert_int_equal(la_preview(ends[0].task, fds[0], NULL, 0, &p), 0);
	}
	run_wire();
	assert_int_equal(la_preview(ends[0].task, fds[0], NULL, 0, &p), 0);
	assert_true(p.send > 0);
}

static void a_peer_on_a_wire_is_not_local(void **state)
{
	int *fds = *state;
	struct la_preview p;

	assert_int_equal(la_preview(ends[0].task, fds[0], NULL, 0, &p), 0);
	assert_false(p.local);
	assert_true(p.send > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)
#define WIRE(name) cmocka_unit_test_setup_teardown(name, wire_begin, wire_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_preview_has_all_that_recv_would_return_and_takes_nothing),
		TEST(a_preview_makes_no_ack_leave),
		TEST(bytes_before_a_fin_are_previewed_without_it),
		TEST(what_recv_would_do_besides_is_not_previewed),
		TEST(nothing_is_promised_of_a_socket_that_would_fail),
		TEST(a_watch_hears_of_bytes_of_the_end_and_of_an_error),
		TEST(a_watch_ends_with_its_socket),
		TEST(a_watch_takes_no_wake_up_from_who_waits_in_accept),
		TEST(epoll_wait_says_under_which_number_an_event_was_added),
		WIRE(who_waits_sees_all_frames_that_came_together),
		WIRE(a_preview_of_send_is_what_send_takes_whole),
		WIRE(a_peer_on_a_wire_is_not_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
