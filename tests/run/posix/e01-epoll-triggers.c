// SPDX-License-Identifier: MIT
/*
 * posix/e01-epoll-triggers.c - what makes a member of a set be reported, how often, and what epoll_ctl() refuses
 */
#include "tap.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int watch(int set, int how, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = 0x1234567800000000ull + (uint32_t)fd};

	return epoll_ctl(set, how, fd, &event);
}

/* The bits reported for the only member, 0: none, ~0: not what was registered. */
static uint32_t bits(int set, int fd, int ms)
{
	struct epoll_event event[4];
	int n = epoll_wait(set, event, 4, ms);

	if (!n)
		return 0;
	return n == 1 && event[0].data.u64 == 0x1234567800000000ull + (uint32_t)fd ? event[0].events : ~0u;
}

static void level_is_reported_as_long_as_it_is_true(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0);
	char two[2];

	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN) == 0);
	EXPECT(bits(set, duo.fd, 0) == 0);
	EXPECT(send(duo.peer, "ab", 2, 0) == 2);
	EXPECT(bits(set, duo.fd, 1000) == EPOLLIN);
	EXPECT(bits(set, duo.fd, 1000) == EPOLLIN);
	EXPECT(recv(duo.fd, two, 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 0) == EPOLLIN);
	EXPECT(recv(duo.fd, two, 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 0) == 0);
	close(set);
	duo_close(&duo);
}

static void an_edge_is_reported_once_for_each_arrival(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(EPOLL_CLOEXEC);

	EXPECT(fcntl(set, F_GETFD) == FD_CLOEXEC);
	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN | EPOLLOUT | EPOLLET) == 0);
	EXPECT(bits(set, duo.fd, 0) == EPOLLOUT);
	EXPECT(bits(set, duo.fd, 0) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLOUT));
	EXPECT(bits(set, duo.fd, 50) == 0);
	EXPECT(send(duo.peer, "b", 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLOUT));
	EXPECT(watch(set, EPOLL_CTL_MOD, duo.fd, EPOLLIN | EPOLLET) == 0);
	EXPECT(bits(set, duo.fd, 0) == EPOLLIN);
	EXPECT(bits(set, duo.fd, 0) == 0);
	close(set);
	duo_close(&duo);
}

static void a_one_shot_fires_once_until_it_is_set_again(void)
{
	struct duo duo = duo_open();
	int set = epoll_create(1);

	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN | EPOLLONESHOT) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 1000) == EPOLLIN);
	EXPECT(send(duo.peer, "b", 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 50) == 0);
	EXPECT(shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(bits(set, duo.fd, 50) == 0);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN), EEXIST);
	EXPECT(watch(set, EPOLL_CTL_MOD, duo.fd, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT) == 0);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLRDHUP));
	EXPECT(bits(set, duo.fd, 0) == 0);
	close(set);
	duo_close(&duo);
}

static void what_ends_a_connection_shows_in_the_bits(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0);

	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN | EPOLLRDHUP) == 0);
	EXPECT(shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLRDHUP));
	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	nap_ms(50);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
	duo_close(&duo);

	duo = duo_open();
	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP) == 0);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	nap_ms(50);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP));
	close(duo.fd);
	close(set);
}

static void a_member_without_wishes_still_reports_its_end(void)
{
	struct duo duo = duo_open();
	int set = epoll_create1(0);

	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, 0) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(bits(set, duo.fd, 50) == 0);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	EXPECT(bits(set, duo.fd, 1000) == (EPOLLERR | EPOLLHUP));
	close(duo.fd);
	close(set);
}

static void a_fresh_socket_hangs_up_and_a_listener_reads(void)
{
	int set = epoll_create1(0), s = socket(AF_INET, SOCK_STREAM, 0), l, c;

	EXPECT(watch(set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLOUT) == 0);
	EXPECT(bits(set, s, 0) == (EPOLLOUT | EPOLLHUP));
	close(s);
	l = listen_at(0, 4);
	EXPECT(watch(set, EPOLL_CTL_ADD, l, EPOLLIN | EPOLLOUT) == 0);
	EXPECT(bits(set, l, 0) == 0);
	c = dial();
	EXPECT(bits(set, l, 1000) == EPOLLIN);
	close(c);
	close(l);
	close(set);
}

static void a_set_has_room_for_more_than_is_asked_and_takes_turns(void)
{
	struct duo duo[3];
	int set = epoll_create1(0), seen[3] = {0};
	struct epoll_event event = {.events = EPOLLIN};

	for (int i = 0; i < 3; i++) {
		duo[i] = duo_open();
		event.data.u32 = (uint32_t)i;
		EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duo[i].fd, &event) == 0);
		EXPECT(send(duo[i].peer, "a", 1, 0) == 1);
	}
	nap_ms(50);
	for (int i = 0; i < 6; i++) {
		EXPECT(epoll_wait(set, &event, 1, 1000) == 1);
		seen[event.data.u32]++;
	}
	EXPECT(seen[0] == 2 && seen[1] == 2 && seen[2] == 2);
	for (int i = 0; i < 3; i++)
		duo_close(&duo[i]);
	EXPECT(epoll_wait(set, &event, 1, 0) == 0);
	close(set);
}

static void what_epoll_refuses(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0), other = epoll_create1(0), file = open("/proc/self/exe", O_RDONLY);
	volatile int negative = -1;

	EXPECT_ERRNO(epoll_create(0), EINVAL);
	EXPECT_ERRNO(epoll_create1(1), EINVAL);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_MOD, duo.fd, EPOLLIN), ENOENT);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_DEL, duo.fd, EPOLLIN), ENOENT);
	EXPECT_ERRNO(watch(set, 17, duo.fd, EPOLLIN), EINVAL);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, 999, EPOLLIN), EBADF);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, set, EPOLLIN), EINVAL);
	EXPECT_ERRNO(watch(999, EPOLL_CTL_ADD, duo.fd, EPOLLIN), EBADF);
	EXPECT_ERRNO(watch(duo.fd, EPOLL_CTL_ADD, duo.peer, EPOLLIN), EINVAL);
	EXPECT_ERRNO(watch(file, EPOLL_CTL_ADD, duo.peer, EPOLLIN), EINVAL);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, NULL), EFAULT);
	EXPECT_ERRNO(epoll_wait(set, &event, 0, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(set, &event, negative, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(duo.fd, &event, 1, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(file, &event, 1, 0), EINVAL);
	EXPECT_ERRNO(epoll_wait(999, &event, 1, 0), EBADF);
	EXPECT(watch(set, EPOLL_CTL_ADD, duo.fd, EPOLLIN | EPOLLEXCLUSIVE) == 0);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_MOD, duo.fd, EPOLLIN), EINVAL);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	EXPECT_ERRNO(watch(set, EPOLL_CTL_ADD, duo.peer, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, duo.fd, NULL) == 0);
	close(file);
	close(other);
	close(set);
	duo_close(&duo);
}

static void a_set_reads_and_writes_nothing(void)
{
	int set = epoll_create1(0);
	char byte = 0;

	EXPECT_ERRNO(read(set, &byte, 1), EINVAL);
	EXPECT_ERRNO(write(set, &byte, 1), EINVAL);
	EXPECT_ERRNO(recv(set, &byte, 1, 0), ENOTSOCK);
	close(set);
}

static const struct tap_case cases[] = {
	CASE(level_is_reported_as_long_as_it_is_true),
	CASE(an_edge_is_reported_once_for_each_arrival),
	CASE(a_one_shot_fires_once_until_it_is_set_again),
	CASE(what_ends_a_connection_shows_in_the_bits),
	CASE(a_member_without_wishes_still_reports_its_end),
	CASE(a_fresh_socket_hangs_up_and_a_listener_reads),
	CASE(a_set_has_room_for_more_than_is_asked_and_takes_turns),
	CASE(what_epoll_refuses),
	CASE(a_set_reads_and_writes_nothing),
};
TAP_MAIN(cases)
