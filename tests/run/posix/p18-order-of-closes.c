// SPDX-License-Identifier: MIT
/*
 * posix/p18-order-of-closes.c - a process that lets go of several connections at once closes the highest number first
 *
 * exit(), SIGKILL, exec and close_range() find the files from below, but each file's end waits until the call returns, and
 * the list of those is worked off from its end. A peer of more than one connection sees it.
 */
#include "tap.h"

#include <sys/epoll.h>

#define COUNT 4

static void by_exit(const struct duo *duos)
{
	(void)duos;
	_exit(0);
}

static void by_kill(const struct duo *duos)
{
	(void)duos;
	raise(SIGKILL);
}

static void by_close_range(const struct duo *duos)
{
	close_range(duos[0].fd, ~0U, 0);
	_exit(0);
}

static void by_exec(const struct duo *duos)
{
	for (int i = 0; i < COUNT; i++)
		fcntl(duos[i].fd, F_SETFD, FD_CLOEXEC);
	execl("/bin/true", "true", NULL);
	_exit(1);
}

/* Which peers learn it, as epoll lists those that became ready: edge-triggered, each once. */
static void expect_last_first(void (*let_go)(const struct duo *duos))
{
	struct epoll_event events[COUNT] = {};
	struct duo duos[COUNT];
	int set = epoll_create1(EPOLL_CLOEXEC);
	pid_t pid;

	for (int i = 0; i < COUNT; i++)
		duos[i] = duo_open();
	pid = fork();
	if (pid == 0) {
		close(set);
		for (int i = 0; i < COUNT; i++)
			close(duos[i].peer);
		nap_ms(100);
		let_go(duos);
	}
	for (int i = 0; i < COUNT; i++) {
		struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET, .data.u32 = i };

		close(duos[i].fd);
		EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, duos[i].peer, &event) == 0);
	}
	EXPECT(waitpid(pid, NULL, 0) == pid);
	nap_ms(50);
	EXPECT(epoll_wait(set, events, COUNT, 1000) == COUNT);
	for (int i = 0; i < COUNT; i++) {
		EXPECT(events[i].data.u32 == COUNT - 1 - (unsigned int)i);
		close(duos[i].peer);
	}
	close(set);
}

static void when_it_exits(void)
{
	expect_last_first(by_exit);
}

static void when_it_is_killed(void)
{
	expect_last_first(by_kill);
}

static void when_close_range_takes_them(void)
{
	expect_last_first(by_close_range);
}

static void when_another_program_takes_its_place(void)
{
	expect_last_first(by_exec);
}

static const struct tap_case cases[] = {
	CASE(when_it_exits),
	CASE(when_it_is_killed),
	CASE(when_close_range_takes_them),
	CASE(when_another_program_takes_its_place),
};
TAP_MAIN(cases)
