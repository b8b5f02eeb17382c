// SPDX-License-Identifier: MIT
/*
 * posix/p17-watched.c - rows FD-15, FD-16: what poll() and epoll make of a number that is closed under them
 */
#include "tap.h"

#include <sys/epoll.h>

static void poll_holds_the_file_and_then_finds_no_number(void)
{
	struct duo duo = duo_open();
	struct blocked *watcher = blocked_start(POLL, duo.fd);

	EXPECT(close(duo.fd) == 0);
	EXPECT(!blocked_done(watcher, 200));
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(blocked_done(watcher, 1000) && watcher->result == 1 && watcher->error == POLLNVAL);
	close(duo.peer);
}

static void the_last_close_takes_the_file_out_of_the_set(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 42 };
	int set = epoll_create1(0), copy = dup(duo.fd);

	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event) == 0);
	close(duo.fd);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	memset(&event, 0, sizeof(event));
	EXPECT(epoll_wait(set, &event, 1, 1000) == 1 && event.data.u64 == 42 && event.events == EPOLLIN);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, duo.fd, NULL), EBADF);
	close(copy);
	EXPECT(epoll_wait(set, &event, 1, 100) == 0);
	EXPECT(sight(duo.peer, 1000) == RESET);
	close(duo.peer);
	close(set);
}

static void one_file_under_two_numbers_is_two_members(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = { .events = EPOLLIN, .data.fd = duo.fd }, seen[4];
	int set = epoll_create1(EPOLL_CLOEXEC), copy = dup(duo.fd);

	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event) == 0);
	EXPECT_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event), EEXIST);
	event.data.fd = copy;
	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, copy, &event) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	nap_ms(50);
	EXPECT(epoll_wait(set, seen, 4, 1000) == 2);
	EXPECT(epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL) == 0);
	EXPECT(epoll_wait(set, seen, 4, 1000) == 1 && seen[0].data.fd == duo.fd);
	close(copy);
	close(set);
	duo_close(&duo);
}

static void a_set_watches_pipes_and_connections_alike(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = 1 }, seen[4];
	int set = epoll_create1(0), ends[2];

	if (pipe(ends))
		tap_bail("pipe");
	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event) == 0);
	event.data.u32 = 2;
	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
	EXPECT(epoll_wait(set, seen, 4, 50) == 0);
	EXPECT(write(ends[1], "a", 1) == 1);
	EXPECT(epoll_wait(set, seen, 4, 1000) == 1 && seen[0].data.u32 == 2);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(epoll_wait(set, seen, 4, 1000) == 1 && seen[0].data.u32 == 1 && seen[0].events == EPOLLIN);
	EXPECT(epoll_wait(set, seen, 4, 50) == 0);
	close(ends[0]);
	close(ends[1]);
	close(set);
	duo_close(&duo);
}

static void a_set_outlives_fork_and_both_wait_on_it(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 };
	int set = epoll_create1(0), status;
	pid_t pid;

	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event) == 0);
	pid = fork();
	if (pid == 0)
		_exit(epoll_wait(set, &event, 1, 2000) == 1 && event.data.u32 == 7 ? 0 : 1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(epoll_wait(set, &event, 1, 1000) == 1);
	close(set);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(poll_holds_the_file_and_then_finds_no_number),
	CASE(the_last_close_takes_the_file_out_of_the_set),
	CASE(one_file_under_two_numbers_is_two_members),
	CASE(a_set_watches_pipes_and_connections_alike),
	CASE(a_set_outlives_fork_and_both_wait_on_it),
};
TAP_MAIN(cases)
