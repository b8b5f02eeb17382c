// SPDX-License-Identifier: MIT
/*
 * tests/unit/file_epoll.c - epoll and poll: what Linux 6.18.44 answered to the same calls
 */
#include "file_env.h"

#include <limits.h>
#include <stdio.h>

#define EXCLUSIVE ((uint32_t)EPOLLEXCLUSIVE)
#define EDGE	  ((uint32_t)EPOLLET)

static int set_new(struct host *h)
{
	int ep = (int)CALL(h, h->task, epoll_create1, 0);

	assert_true(ep >= 0);
	return ep;
}

static int64_t ctl(struct host *h, int ep, int how, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	return CALL(h, h->task, epoll_ctl, ep, how, fd, &event);
}

/* What epoll_wait() with time 0 gives, as "data:events data:events". */
static const char *ready_of(struct host *h, int ep, int max)
{
	static char text[128];
	struct epoll_event got[8];
	int64_t n = CALL(h, h->task, epoll_wait, ep, got, max, 0);

	text[0] = '\0';
	if (n < 0)
		return strcpy(text, "error");
	for (int64_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%x", i ? " " : "",
			 (unsigned)got[i].data.u64, got[i].events);
	return text;
}
#define READY(h, ep) ready_of(h, ep, 8)

static void epoll_calls_are_refused_as_on_linux(void **state)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	assert_int_equal(CALL(&h, h.task, epoll_create1, 1), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, -1, EPOLL_CTL_ADD, p.fd, NULL), -EFAULT);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, -1, EPOLL_CTL_ADD, p.fd, &event), -EBADF);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, 99, &event), -EBADF);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, ep, &event), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, p.fd, EPOLL_CTL_ADD, ep, &event), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, 77, p.fd, NULL), -EFAULT);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, 77, p.fd, &event), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_DEL, p.fd, NULL), -ENOENT);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_MOD, p.fd, &event), -ENOENT);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, p.fd, &event), 0);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_ADD, p.fd, &event), -EEXIST);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_MOD, p.fd, EPOLLIN | EXCLUSIVE, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_ctl, ep, EPOLL_CTL_DEL, p.fd, NULL), 0);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN | EXCLUSIVE | EPOLLONESHOT, 0), -EINVAL);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLPRI | EXCLUSIVE, 0), -EINVAL);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN | EXCLUSIVE | EDGE | (uint32_t)EPOLLWAKEUP, 0), 0);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_MOD, p.fd, EPOLLIN, 0), -EINVAL);
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_ADD, set_new(&h), EPOLLIN | EXCLUSIVE, 0), -EINVAL);

	assert_int_equal(CALL(&h, h.task, epoll_wait, -1, NULL, 0, 0), -EBADF);
	assert_int_equal(CALL(&h, h.task, epoll_wait, p.fd, &event, 1, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, &event, 0, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, &event, -1, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, &event, INT_MAX / 12 + 1, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, &event, INT_MAX / 12, 0), 0);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, NULL, 1, 0), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(CALL(&h, h.task, epoll_wait, ep, NULL, 1, 0), -EFAULT);
	assert_string_equal(READY(&h, ep), "0:1"); /* it was not lost */
	pair_end(&h, &p);
}

static void sets_watch_sets_four_steps_deep_and_never_in_a_circle(void **state)
{
	struct host h;
	int ep[8];

	(void)state;
	host_init(&h);
	for (int i = 0; i < 8; i++)
		ep[i] = set_new(&h);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ctl(&h, ep[i], EPOLL_CTL_ADD, ep[i + 1], EPOLLIN, 0), 0);
	assert_int_equal(ctl(&h, ep[4], EPOLL_CTL_ADD, ep[5], EPOLLIN, 0), -ELOOP);
	assert_int_equal(ctl(&h, ep[4], EPOLL_CTL_ADD, ep[0], EPOLLIN, 0), -ELOOP);
	assert_int_equal(ctl(&h, ep[1], EPOLL_CTL_ADD, ep[0], EPOLLIN, 0), -ELOOP);
	assert_int_equal(ctl(&h, ep[6], EPOLL_CTL_ADD, ep[0], EPOLLIN, 0), -ELOOP);
	assert_int_equal(ctl(&h, ep[6], EPOLL_CTL_ADD, ep[1], EPOLLIN, 0), 0);
	assert_int_equal(ctl(&h, ep[5], EPOLL_CTL_ADD, ep[7], EPOLLIN, 0), 0);
	assert_int_equal(ctl(&h, ep[7], EPOLL_CTL_ADD, ep[5], EPOLLIN, 0), -ELOOP);
	host_exit(&h);
}

static void an_event_rises_through_nested_sets(void **state)
{
	struct host h;
	struct pair p;
	struct call waiter = {0};
	struct epoll_event got;
	int inner, middle, outer;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	inner = set_new(&h);
	middle = set_new(&h);
	outer = set_new(&h);
	ctl(&h, inner, EPOLL_CTL_ADD, p.fd, EPOLLIN, 1);
	ctl(&h, middle, EPOLL_CTL_ADD, inner, EPOLLIN, 2);
	ctl(&h, outer, EPOLL_CTL_ADD, middle, EPOLLIN, 3);
	assert_int_equal(START(&h, h.task, &waiter, epoll_wait, outer, &got, 1, -1), BLOCKED);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(waiter.result, 1);
	assert_int_equal(got.data.u64, 3);
	assert_int_equal(receive(&h, h.task, p.fd), 1);
	assert_string_equal(READY(&h, outer), "");
	pair_end(&h, &p);
}

static void one_file_under_three_numbers_is_three_entries_the_last_added_first(void **state)
{
	struct host h;
	struct pair p;
	int ep, later, copy[3];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	for (int i = 0; i < 3; i++) {
		copy[i] = (int)CALL(&h, h.task, dup, p.fd);
		assert_int_equal(ctl(&h, ep, EPOLL_CTL_ADD, copy[i], EPOLLIN, i), 0);
	}
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_string_equal(READY(&h, ep), "2:1 1:1 0:1");
	assert_string_equal(READY(&h, ep), "2:1 1:1 0:1");
	assert_string_equal(ready_of(&h, ep, 1), "2:1"); /* level-triggered entries take turns */
	assert_string_equal(ready_of(&h, ep, 1), "1:1");
	assert_string_equal(ready_of(&h, ep, 1), "0:1");
	assert_string_equal(ready_of(&h, ep, 1), "2:1");
	later = set_new(&h);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ctl(&h, later, EPOLL_CTL_ADD, copy[i], EPOLLIN, i), 0);
	assert_string_equal(READY(&h, later), "0:1 1:1 2:1");
	pair_end(&h, &p);
}

static void edge_triggered_entries_tell_each_event_once(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EDGE, 7);
	assert_string_equal(READY(&h, ep), "7:4");
	assert_string_equal(READY(&h, ep), "");
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_string_equal(READY(&h, ep), "7:5");
	assert_string_equal(READY(&h, ep), "");
	assert_int_equal(CALL(&h, p.peer, shutdown, p.peer_fd, SHUT_WR), 0);
	assert_string_equal(READY(&h, ep), "7:2005");
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_MOD, p.fd, EPOLLIN | EDGE, 8), 0);
	assert_string_equal(READY(&h, ep), "8:1");
	pair_end(&h, &p);
}

static void a_one_shot_entry_is_silent_until_it_is_modified(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN | EPOLLONESHOT, 9);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_string_equal(READY(&h, ep), "9:1");
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_string_equal(READY(&h, ep), "");
	assert_int_equal(ctl(&h, ep, EPOLL_CTL_MOD, p.fd, EPOLLIN | EPOLLONESHOT, 9), 0);
	assert_string_equal(READY(&h, ep), "9:1");
	pair_end(&h, &p);
}

static void errors_and_hang_up_are_told_without_being_asked_for(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLOUT | EDGE, 1);
	assert_string_equal(READY(&h, ep), "1:4");
	set_linger(&h, p.peer, p.peer_fd, 0);
	assert_int_equal(CALL(&h, p.peer, close, p.peer_fd), 0);
	assert_string_equal(READY(&h, ep), "1:1c");
	pair_end(&h, &p);
}

static void an_entry_is_not_woken_by_what_it_does_not_watch(void **state)
{
	struct host h;
	struct pair p;
	struct call waiter = {0};
	struct epoll_event got;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	fill(&h, h.task, p.fd);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLOUT, 1);
	assert_int_equal(START(&h, h.task, &waiter, epoll_wait, ep, &got, 1, 50), BLOCKED);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(waiter.result, BLOCKED);
	host_run_ms(&h, 100);
	assert_int_equal(waiter.result, 0);
	pair_end(&h, &p);
}

static void edge_triggered_entries_are_silent_about_what_they_do_not_watch(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLOUT | EDGE, 1);
	assert_string_equal(READY(&h, ep), "1:4");
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_string_equal(READY(&h, ep), ""); /* it is still writable, but that is not what happened */
	pair_end(&h, &p);
}

static void a_level_triggered_event_reaches_both_waiters_an_edge_triggered_one_only_one(void **state)
{
	struct host h;
	struct pair p;
	struct la_task *thread;
	struct call first = {0}, second = {0};
	struct epoll_event got[2];
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	thread = la_task_thread(h.task);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN | EDGE, 1);
	START(&h, h.task, &first, epoll_wait, ep, &got[0], 1, -1);
	START(&h, thread, &second, epoll_wait, ep, &got[1], 1, -1);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(first.result, 1);
	assert_int_equal(second.result, BLOCKED);
	la_cancel(&second.op, h.now_ns);
	assert_int_equal(receive(&h, h.task, p.fd), 1);
	ctl(&h, ep, EPOLL_CTL_MOD, p.fd, EPOLLIN, 1);
	START(&h, h.task, &first, epoll_wait, ep, &got[0], 1, -1);
	START(&h, thread, &second, epoll_wait, ep, &got[1], 1, -1);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(first.result, 1);
	assert_int_equal(second.result, 1);
	la_task_exit(thread, h.now_ns);
	pair_end(&h, &p);
}

static void a_set_that_is_closed_forgets_its_files(void **state)
{
	struct host h;
	struct pair p;
	int ep;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	ep = set_new(&h);
	ctl(&h, ep, EPOLL_CTL_ADD, p.fd, EPOLLIN, 1);
	assert_int_equal(CALL(&h, h.task, close, ep), 0);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(receive(&h, h.task, p.fd), 1);
	pair_end(&h, &p);
}

/* ------------------------------------------------------------------ poll */

static void poll_answers_as_on_linux(void **state)
{
	struct host h;
	struct pair p;
	struct pollfd fds[3];

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fds[0] = (struct pollfd){.fd = p.fd, .events = POLLIN | POLLOUT};
	fds[1] = (struct pollfd){.fd = 99, .events = 0};
	fds[2] = (struct pollfd){.fd = -7, .events = POLLIN, .revents = -1};
	assert_int_equal(CALL(&h, h.task, poll, fds, 3, -1), 2);
	assert_int_equal(fds[0].revents, POLLOUT);
	assert_int_equal(fds[1].revents, POLLNVAL);
	assert_int_equal(fds[2].revents, 0);
	assert_int_equal(CALL(&h, h.task, poll, NULL, 1, 0), -EFAULT);
	assert_int_equal(CALL(&h, h.task, poll, NULL, 0, 0), 0);
	assert_int_equal(CALL(&h, h.task, poll, fds, (nfds_t)1 << 40, 0), -EINVAL);
	pair_end(&h, &p);
}

static void poll_times_out_and_then_looks_once_more(void **state)
{
	struct host h;
	struct pair p;
	struct call open = {0}, closed = {0};
	struct pollfd a, b;
	int copy;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	copy = (int)CALL(&h, h.task, dup, p.fd);
	a = (struct pollfd){.fd = p.fd, .events = POLLIN};
	b = (struct pollfd){.fd = copy, .events = POLLIN};
	START(&h, h.task, &open, poll, &a, 1, 50);
	START(&h, h.task, &closed, poll, &b, 1, 50);
	assert_int_equal(CALL(&h, h.task, close, copy), 0);
	host_run_ms(&h, 48);
	assert_int_equal(open.result, BLOCKED);
	host_run_ms(&h, 8);
	assert_int_equal(open.result, 0);
	assert_int_equal(closed.result, 1);
	assert_int_equal(b.revents, POLLNVAL);
	pair_end(&h, &p);
}

static void poll_ignores_what_it_did_not_ask_for_and_ends_by_a_signal(void **state)
{
	struct host h;
	struct pair p;
	struct call poller = {0};
	struct pollfd fd;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	fd = (struct pollfd){.fd = p.fd, .events = POLLPRI};
	assert_int_equal(START(&h, h.task, &poller, poll, &fd, 1, -1), BLOCKED);
	assert_int_equal(send_to(&h, p.peer, p.peer_fd, "x"), 1);
	assert_int_equal(poller.result, BLOCKED);
	la_cancel(&poller.op, h.now_ns);
	assert_int_equal(poller.result, -EINTR);
	pair_end(&h, &p);
}

static void poll_lets_the_last_reference_go_and_lingers_before_it_returns(void **state)
{
	struct host h;
	struct pair p;
	struct call poller = {0};
	struct pollfd fd;

	(void)state;
	host_init(&h);
	p = pair_of(&h);
	set_linger(&h, h.task, p.fd, 30);
	fill(&h, h.task, p.fd);
	fd = (struct pollfd){.fd = p.fd, .events = POLLRDHUP};
	assert_int_equal(START(&h, h.task, &poller, poll, &fd, 1, -1), BLOCKED);
	assert_int_equal(CALL(&h, h.task, close, p.fd), 0);
	assert_int_equal(CALL(&h, p.peer, shutdown, p.peer_fd, SHUT_WR), 0);
	assert_int_equal(poller.result, BLOCKED);
	assert_int_equal(CLIENT_STATE(&h), TCP_LAST_ACK);
	host_run_ms(&h, 31000);
	assert_int_equal(poller.result, 1);
	assert_int_equal(fd.revents, POLLNVAL);
	pair_end(&h, &p);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(epoll_calls_are_refused_as_on_linux),
		T(sets_watch_sets_four_steps_deep_and_never_in_a_circle),
		T(an_event_rises_through_nested_sets),
		T(one_file_under_three_numbers_is_three_entries_the_last_added_first),
		T(edge_triggered_entries_tell_each_event_once),
		T(a_one_shot_entry_is_silent_until_it_is_modified),
		T(errors_and_hang_up_are_told_without_being_asked_for),
		T(an_entry_is_not_woken_by_what_it_does_not_watch),
		T(edge_triggered_entries_are_silent_about_what_they_do_not_watch),
		T(a_level_triggered_event_reaches_both_waiters_an_edge_triggered_one_only_one),
		T(a_set_that_is_closed_forgets_its_files),
		T(poll_answers_as_on_linux),
		T(poll_times_out_and_then_looks_once_more),
		T(poll_ignores_what_it_did_not_ask_for_and_ends_by_a_signal),
		T(poll_lets_the_last_reference_go_and_lingers_before_it_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
