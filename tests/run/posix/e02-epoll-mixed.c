// SPDX-License-Identifier: MIT
/*
 * posix/e02-epoll-mixed.c - sets in which connections stand beside pipes, event counters, timers and datagrams
 */
#include "tap.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static int add(int set, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* Which of the members says something within @ms; -1: none. */
static int who(int set, int ms)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, ms) == 1 ? event.data.fd : -1;
}

static void each_kind_of_member_is_reported_with_its_own_data(void)
{
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	struct duo duo = duo_open();
	struct epoll_event event[8];
	int set = epoll_create1(0), counter = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int ends[2], seen = 0, n;

	EXPECT(pipe(ends) == 0);
	EXPECT(add(set, counter, EPOLLIN) == 0 && add(set, duo.fd, EPOLLIN) == 0 && add(set, timer, EPOLLIN) == 0 &&
	       add(set, ends[0], EPOLLIN) == 0);
	EXPECT(who(set, 0) == -1);
	EXPECT(eventfd_write(counter, 1) == 0 && write(ends[1], "a", 1) == 1 && send(duo.peer, "a", 1, 0) == 1);
	EXPECT(timerfd_settime(timer, 0, &soon, NULL) == 0);
	nap_ms(50);
	n = epoll_wait(set, event, 8, 1000);
	EXPECT(n == 4);
	for (int i = 0; i < n; i++) {
		EXPECT(event[i].events == EPOLLIN);
		for (int k = 0; k < 4; k++)
			seen |= (event[i].data.fd == (int[]){counter, duo.fd, timer, ends[0]}[k]) << k;
	}
	EXPECT(seen == 15);
	for (int i = 0; i < 8 && seen; i++) { /* one at a time: nobody is left out */
		int fd = who(set, 1000);

		for (int k = 0; k < 4; k++)
			seen &= ~((fd == (int[]){counter, duo.fd, timer, ends[0]}[k]) << k);
	}
	EXPECT(seen == 0);
	close(set);
	close(counter);
	close(timer);
	close(ends[0]);
	close(ends[1]);
	duo_close(&duo);
}

struct later {
	int fd;
	bool is_socket;
};

static void *write_later(void *arg)
{
	struct later *later = arg;

	nap_ms(100);
	if ((later->is_socket ? send(later->fd, "a", 1, 0) : write(later->fd, "a", 1)) != 1)
		tap_bail("write");
	return NULL;
}

static void a_sleeper_is_woken_from_either_side(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), ends[2];
	pthread_t thread;
	char byte;

	EXPECT(pipe(ends) == 0);
	EXPECT(add(set, duo.fd, EPOLLIN) == 0 && add(set, ends[0], EPOLLIN) == 0);
	for (int i = 0; i < 6; i++) {
		struct later later = {i & 1 ? duo.peer : ends[1], i & 1};
		long begun = now_ms();

		pthread_create(&thread, NULL, write_later, &later);
		EXPECT(who(set, 5000) == (i & 1 ? duo.fd : ends[0]));
		EXPECT(now_ms() - begun >= 90 && now_ms() - begun < 1000);
		EXPECT(read(i & 1 ? duo.fd : ends[0], &byte, 1) == 1);
		pthread_join(thread, NULL);
	}
	close(set);
	close(ends[0]);
	close(ends[1]);
	duo_close(&duo);
}

struct wait {
	int set, who;
};

static void *wait_on(void *arg)
{
	struct wait *wait = arg;

	wait->who = who(wait->set, 3000);
	return NULL;
}

static void who_sleeps_already_hears_of_a_first_pipe(void)
{
	struct duo duo = duo_open();
	struct wait wait = {.set = epoll_create1(0)};
	pthread_t thread;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	EXPECT(add(wait.set, duo.fd, EPOLLIN) == 0);
	pthread_create(&thread, NULL, wait_on, &wait);
	nap_ms(100);
	EXPECT(add(wait.set, ends[0], EPOLLIN) == 0);
	nap_ms(50);
	EXPECT(write(ends[1], "a", 1) == 1);
	pthread_join(thread, NULL);
	EXPECT(wait.who == ends[0]);
	close(ends[0]);

	pthread_create(&thread, NULL, wait_on, &wait);
	nap_ms(100);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	pthread_join(thread, NULL);
	EXPECT(wait.who == duo.fd);
	close(ends[1]);
	close(wait.set);
	duo_close(&duo);
}

static void who_sleeps_already_hears_of_a_new_connection(void)
{
	struct duo duo = duo_open();
	struct wait wait = {.set = epoll_create1(0)};
	pthread_t thread;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	EXPECT(add(wait.set, ends[0], EPOLLIN) == 0);
	pthread_create(&thread, NULL, wait_on, &wait);
	nap_ms(100);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(50);
	EXPECT(add(wait.set, duo.fd, EPOLLIN) == 0);
	pthread_join(thread, NULL);
	EXPECT(wait.who == duo.fd);
	close(ends[0]);
	close(ends[1]);
	close(wait.set);
	duo_close(&duo);
}

static void kernel_members_are_modified_and_deleted_as_ever(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), counter = eventfd(1, 0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 77};

	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, counter, NULL), ENOENT);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_MOD, counter, &event), ENOENT);
	EXPECT(add(set, duo.fd, EPOLLIN) == 0);
	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, counter, &event) == 0);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, counter, &event), EEXIST);
	EXPECT(epoll_wait(set, &event, 1, 0) == 1 && event.data.u64 == 77 && event.events == EPOLLIN);
	EXPECT(epoll_wait(set, &event, 1, 0) == 0);
	event.events = EPOLLOUT | EPOLLET;
	event.data.u64 = 78;
	EXPECT(epoll_ctl(set, EPOLL_CTL_MOD, counter, &event) == 0);
	EXPECT(epoll_wait(set, &event, 1, 0) == 1 && event.data.u64 == 78 && event.events == EPOLLOUT);
	EXPECT(epoll_wait(set, &event, 1, 0) == 0);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, counter, NULL) == 0);
	EXPECT(eventfd_write(counter, 1) == 0);
	EXPECT(epoll_wait(set, &event, 1, 50) == 0);
	close(counter);
	close(set);
	duo_close(&duo);
}

static void a_datagram_and_a_connection_share_a_set(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct duo duo = duo_open();
	int set = epoll_create1(0), udp = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT(bind(udp, (struct sockaddr *)&at, len) == 0 && getsockname(udp, (struct sockaddr *)&at, &len) == 0);
	EXPECT(add(set, udp, EPOLLIN | EPOLLET) == 0 && add(set, duo.fd, EPOLLIN | EPOLLET) == 0);
	EXPECT(sendto(udp, "a", 1, 0, (struct sockaddr *)&at, len) == 1);
	EXPECT(who(set, 1000) == udp && who(set, 0) == -1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == duo.fd && who(set, 0) == -1);
	close(udp);
	close(set);
	duo_close(&duo);
}

static void a_number_that_changes_its_kind_is_a_new_member(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0), counter = eventfd(1, 0), number = counter;

	EXPECT(add(set, number, EPOLLIN) == 0);
	EXPECT(who(set, 0) == number);
	EXPECT(dup2(duo.fd, number) == number);
	EXPECT(who(set, 0) == -1);
	EXPECT(add(set, number, EPOLLIN) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(who(set, 1000) == number);
	counter = eventfd(1, 0);
	EXPECT(dup2(counter, number) == number); /* the connection lives on: the set still reports it */
	EXPECT(who(set, 0) == number);
	close(duo.fd);
	EXPECT(who(set, 0) == -1);
	EXPECT(add(set, number, EPOLLIN) == 0);
	EXPECT(who(set, 0) == number);
	close(number);
	close(counter);
	close(set);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(each_kind_of_member_is_reported_with_its_own_data),
	CASE(a_sleeper_is_woken_from_either_side),
	CASE(who_sleeps_already_hears_of_a_first_pipe),
	CASE(who_sleeps_already_hears_of_a_new_connection),
	CASE(kernel_members_are_modified_and_deleted_as_ever),
	CASE(a_datagram_and_a_connection_share_a_set),
	CASE(a_number_that_changes_its_kind_is_a_new_member),
};
TAP_MAIN(cases)
