// SPDX-License-Identifier: MIT
/*
 * posix/p02-fork.c - rows FD-03, FD-04: parent and child hold the same file
 */
#include "tap.h"

/* A child that has the accepted end alone and does one thing each time that it is told; its last is to exit. */
struct child {
	struct duo duo;
	pid_t pid;
	int tell;
};

static void wait_for_word(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(9);
}

static struct child child_with(void (*work)(int fd))
{
	struct child child = { .duo = duo_open() };
	int words[2];

	if (pipe(words))
		tap_bail("pipe");
	child.pid = fork();
	if (child.pid == 0) {
		close(words[1]);
		close(child.duo.peer);
		wait_for_word(words[0]);
		work(child.duo.fd);
		wait_for_word(words[0]);
		_exit(0);
	}
	close(words[0]);
	child.tell = words[1];
	return child;
}

static void tell(struct child *child)
{
	EXPECT(write(child->tell, "", 1) == 1);
}

static void child_ends(struct child *child)
{
	int status;

	tell(child);
	EXPECT(waitpid(child->pid, &status, 0) == child->pid && status == 0);
	close(child->tell);
}

static void say_hello(int fd)
{
	if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5)
		_exit(8);
}

static void the_childs_exit_is_the_last_close(void)
{
	struct child child = child_with(say_hello);
	char word[8];

	close(child.duo.fd);
	EXPECT(sight(child.duo.peer, 200) == NOTHING);
	tell(&child);
	EXPECT(sight(child.duo.peer, 1000) == DATA);
	EXPECT(recv(child.duo.peer, word, sizeof(word), 0) == 5);
	EXPECT(sight(child.duo.peer, 100) == NOTHING);
	child_ends(&child);
	EXPECT(sight(child.duo.peer, 1000) == END);
	close(child.duo.peer);
}

static void shut_writing(int fd)
{
	if (shutdown(fd, SHUT_WR))
		_exit(8);
}

static void the_childs_shutdown_is_the_parents_too(void)
{
	struct child child = child_with(shut_writing);

	tell(&child);
	EXPECT(sight(child.duo.peer, 1000) == END);
	EXPECT_ERRNO(send(child.duo.fd, "a", 1, MSG_NOSIGNAL), EPIPE);
	child_ends(&child);
	duo_close(&child.duo);
}

static void take_three(int fd)
{
	char bytes[3];

	if (recv(fd, bytes, 3, MSG_WAITALL) != 3)
		_exit(8);
}

static void what_the_child_read_the_parent_does_not_see(void)
{
	struct child child = child_with(take_three);
	char rest[8];

	EXPECT(send(child.duo.peer, "abcdef", 6, 0) == 6);
	EXPECT(sight(child.duo.fd, 1000) == DATA);
	tell(&child);
	child_ends(&child);
	EXPECT(recv(child.duo.fd, rest, sizeof(rest), 0) == 3 && !memcmp(rest, "def", 3));
	duo_close(&child.duo);
}

static const struct tap_case cases[] = {
	CASE(the_childs_exit_is_the_last_close),
	CASE(the_childs_shutdown_is_the_parents_too),
	CASE(what_the_child_read_the_parent_does_not_see),
};
TAP_MAIN(cases)
