// SPDX-License-Identifier: MIT
/*
 * posix/e03-epoll-shared.c - sets within sets, sets shared over fork and dup, members that are dup()ed or closed
 *
 * A member is (file, number): it ends when the file's last descriptor goes, not when its number does.
 */
#include "tap.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int add(int set, int fd, uint32_t events, int data)
{
	struct epoll_event event = {.events = events, .data.fd = data};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* The data of the one member that has something within @ms; -1: none has. */
static int who(int set, int ms)
{
	struct epoll_event event[4];
	int n = epoll_wait(set, event, 4, ms);

	return n == 1 ? event[0].data.fd : n == 0 ? -1 : -2;
}

static void an_inner_set_is_readable_when_a_member_is(void)
{
	struct duo duo = duo_open();
	int inner = epoll_create1(0), outer = epoll_create1(0);
	struct pollfd p = {inner, POLLIN, 0};
	char byte;

	EXPECT(add(inner, duo.fd, EPOLLIN, 7) == 0 && add(outer, inner, EPOLLIN, 8) == 0);
	EXPECT(who(outer, 0) == -1 && poll(&p, 1, 0) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(outer, 1000) == 8 && who(inner, 0) == 7);
	EXPECT(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	EXPECT(recv(duo.fd, &byte, 1, 0) == 1);
	EXPECT(who(outer, 0) == -1 && who(inner, 0) == -1 && poll(&p, 1, 0) == 0);
	close(inner);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(outer, 50) == -1);
	close(outer);
	duo_close(&duo);
}

static void an_inner_set_may_mix_and_counts_once(void)
{
	struct duo duo = duo_open();
	int inner = epoll_create1(0), outer = epoll_create1(0), counter = eventfd(0, 0);
	struct pollfd p = {inner, POLLIN, 0};
	eventfd_t count;

	EXPECT(add(inner, duo.fd, EPOLLIN, 7) == 0 && add(outer, inner, EPOLLIN, 8) == 0);
	EXPECT(add(inner, counter, EPOLLIN, 9) == 0);
	EXPECT(eventfd_write(counter, 1) == 0);
	EXPECT(who(outer, 1000) == 8 && who(inner, 0) == 9 && poll(&p, 1, 1000) == 1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(50);
	EXPECT(who(outer, 1000) == 8);
	EXPECT(eventfd_read(counter, &count) == 0);
	EXPECT(who(outer, 0) == 8 && who(inner, 0) == 7);
	EXPECT(epoll_ctl(outer, EPOLL_CTL_DEL, inner, NULL) == 0);
	EXPECT(eventfd_write(counter, 1) == 0);
	EXPECT(who(outer, 50) == -1);
	close(inner);
	close(outer);
	close(counter);
	duo_close(&duo);
}

static void sets_may_not_watch_each_other(void)
{
	int a = epoll_create1(0), b = epoll_create1(0), chain[8];

	EXPECT(add(a, b, EPOLLIN, 0) == 0);
	EXPECT_ERRNO(add(b, a, EPOLLIN, 0), ELOOP);
	for (int i = 0; i < 8; i++)
		chain[i] = epoll_create1(0);
	for (int i = 0; i < 4; i++)
		EXPECT(add(chain[i], chain[i + 1], EPOLLIN, 0) == 0);
	EXPECT_ERRNO(add(chain[4], chain[5], EPOLLIN, 0), ELOOP);
	close(a);
	close(b);
	for (int i = 0; i < 8; i++)
		close(chain[i]);
}

static void a_forked_child_waits_on_the_same_set(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), counter = eventfd(0, 0), status;
	pid_t child;

	EXPECT(add(set, duo.fd, EPOLLIN | EPOLLONESHOT, 7) == 0 && add(set, counter, EPOLLIN | EPOLLONESHOT, 8) == 0);
	child = fork();
	if (child == 0) {
		int first = who(set, 3000), second = who(set, 3000);

		_exit(first == 7 && second == 8 ? 0 : 1);
	}
	nap_ms(50);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(50);
	EXPECT(eventfd_write(counter, 1) == 0);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(who(set, 50) == -1); /* both one-shots were the child's */
	close(set);
	close(counter);
	duo_close(&duo);
}

static void what_a_child_adds_its_parent_is_told(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), ends[2], status;
	pid_t child;

	EXPECT(pipe(ends) == 0);
	child = fork();
	if (child == 0)
		_exit(add(set, duo.fd, EPOLLIN, 7) == 0 && add(set, ends[0], EPOLLIN, 8) == 0 ? 0 : 1);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(who(set, 0) == -1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == 7);
	EXPECT(write(ends[1], "a", 1) == 1);
	nap_ms(50);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, duo.fd, NULL) == 0);
	EXPECT(who(set, 1000) == 8);
	close(ends[0]);
	EXPECT(who(set, 50) == -1);
	close(ends[1]);
	close(set);
	duo_close(&duo);
}

static void a_sleeping_parent_is_told_what_its_child_adds(void)
{
	int set = epoll_create1(0), ends[2], status;
	struct duo duo = duo_open();
	pid_t child;

	EXPECT(add(set, duo.fd, EPOLLIN, 7) == 0 && pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		nap_ms(100);
		add(set, ends[0], EPOLLIN, 8);
		nap_ms(50);
		_exit(write(ends[1], "a", 1) == 1 ? 0 : 1);
	}
	EXPECT(who(set, 3000) == 8);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(ends[0]);
	close(ends[1]);
	close(set);
	duo_close(&duo);
}

static void a_member_lives_as_long_as_its_file(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), copy = dup(duo.fd), number = duo.fd;

	EXPECT(add(set, number, EPOLLIN, 7) == 0);
	close(number);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == 7);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL), EBADF);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL), ENOENT);
	EXPECT(dup2(copy, number) == number);
	EXPECT_ERRNO(add(set, number, EPOLLIN, 9), EEXIST);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL) == 0);
	EXPECT(who(set, 0) == -1);
	EXPECT(add(set, number, EPOLLIN, 9) == 0);
	close(copy);
	EXPECT(who(set, 0) == 9);
	close(number);
	EXPECT(who(set, 0) == -1);
	close(set);
	close(duo.peer);
}

static void each_number_of_a_file_is_a_member_of_its_own(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), copy = dup(duo.fd);
	struct epoll_event event[4];

	EXPECT(add(set, duo.fd, EPOLLIN, 7) == 0 && add(set, copy, EPOLLIN | EPOLLET, 8) == 0);
	EXPECT_ERRNO(add(set, copy, EPOLLIN, 8), EEXIST);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(50);
	EXPECT(epoll_wait(set, event, 4, 1000) == 2 && event[0].data.fd + event[1].data.fd == 15);
	EXPECT(who(set, 0) == 7);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, duo.fd, NULL) == 0);
	EXPECT(who(set, 0) == -1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == 8);
	close(copy);
	close(set);
	duo_close(&duo);
}

static void two_numbers_of_a_set_are_one_set(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), copy = dup(set);

	EXPECT(add(copy, duo.fd, EPOLLIN, 7) == 0);
	EXPECT_ERRNO(add(set, duo.fd, EPOLLIN, 7), EEXIST);
	close(set);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(copy, 1000) == 7);
	close(copy);
	duo_close(&duo);
}

static void a_member_held_by_a_child_outlives_the_parents_number(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), words[2], status;
	char byte;
	pid_t child;

	EXPECT(pipe(words) == 0);
	EXPECT(add(set, duo.fd, EPOLLIN, 7) == 0);
	child = fork();
	if (child == 0) {
		close(words[1]);
		_exit(read(words[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(words[0]);
	close(duo.fd);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == 7);
	close(words[1]);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	nap_ms(20);
	EXPECT(who(set, 0) == -1);
	EXPECT(sight(duo.peer, 1000) == RESET); /* a byte was left unread */
	close(set);
	close(duo.peer);
}

/* The first wait of a process: nothing about it is known yet to whoever answers. */
static void the_first_wait_of_a_fresh_process_is_answered_at_once(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), status;
	long begun, took = 0;

	EXPECT(add(set, duo.fd, EPOLLOUT, 7) == 0);
	for (int i = 0; i < 60; i++) {
		begun = now_ms();
		if (fork() == 0)
			_exit(who(set, 2000) == 7 ? 0 : 1);
		EXPECT(wait(&status) > 0 && status == 0);
		took = now_ms() - begun > took ? now_ms() - begun : took;
	}
	EXPECT(took < 1000);
	close(set);
	duo_close(&duo);
}

static int child_main(int set)
{
	int first = who(set, 2000), second = who(set, 2000);

	return first == 7 && second == 8 ? 0 : 1;
}

static void a_new_program_waits_on_a_set_that_it_inherits(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), counter = eventfd(0, EFD_CLOEXEC), status;
	char number[16];
	pid_t child;

	snprintf(number, sizeof(number), "%d", set);
	EXPECT(add(set, duo.fd, EPOLLIN | EPOLLONESHOT, 7) == 0 && add(set, counter, EPOLLIN | EPOLLONESHOT, 8) == 0);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "e03-epoll-shared", "child", number, NULL);
		_exit(99);
	}
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(100);
	EXPECT(eventfd_write(counter, 1) == 0);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(who(set, 0) == -1);
	close(set);
	close(counter);
	duo_close(&duo);
}

struct waiter {
	int set;
	_Atomic int woken;
};

static void *wait_once(void *arg)
{
	struct waiter *w = arg;

	w->woken = who(w->set, 500) >= 0;
	return NULL;
}

static int woken_of_four(uint32_t events)
{
	int listener = listen_at(0, 8), count = 0, fd;
	struct waiter waiters[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){.set = epoll_create1(0)};
		EXPECT(add(waiters[i].set, listener, events, i) == 0);
		pthread_create(&threads[i], NULL, wait_once, &waiters[i]);
	}
	nap_ms(100);
	fd = dial();
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		count += waiters[i].woken;
		close(waiters[i].set);
	}
	close(fd);
	close(listener);
	return count;
}

static void all_sets_hear_of_a_connection_or_one_where_they_are_exclusive(void)
{
	EXPECT(woken_of_four(EPOLLIN) == 4);
	EXPECT(woken_of_four(EPOLLIN | EPOLLEXCLUSIVE) == 1);
}

static void of_threads_on_one_set_one_gets_an_edge(void)
{
	struct duo duo = duo_open();
	struct waiter waiters[4];
	pthread_t threads[4];
	int set = epoll_create1(0), count = 0;

	EXPECT(add(set, duo.fd, EPOLLIN | EPOLLET, 7) == 0);
	for (int i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){.set = set};
		pthread_create(&threads[i], NULL, wait_once, &waiters[i]);
	}
	nap_ms(100);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		count += waiters[i].woken;
	}
	EXPECT(count == 1);
	close(set);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(an_inner_set_is_readable_when_a_member_is),
	CASE(an_inner_set_may_mix_and_counts_once),
	CASE(sets_may_not_watch_each_other),
	CASE(a_forked_child_waits_on_the_same_set),
	CASE(what_a_child_adds_its_parent_is_told),
	CASE(a_sleeping_parent_is_told_what_its_child_adds),
	CASE(a_member_lives_as_long_as_its_file),
	CASE(each_number_of_a_file_is_a_member_of_its_own),
	CASE(two_numbers_of_a_set_are_one_set),
	CASE(a_member_held_by_a_child_outlives_the_parents_number),
	CASE(the_first_wait_of_a_fresh_process_is_answered_at_once),
	CASE(a_new_program_waits_on_a_set_that_it_inherits),
	CASE(all_sets_hear_of_a_connection_or_one_where_they_are_exclusive),
	CASE(of_threads_on_one_set_one_gets_an_edge),
};

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "child"))
		return child_main(atoi(argv[2]));
	return tap_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
