// SPDX-License-Identifier: MIT
/*
 * posix/p14-scm-rights.c - rows FD-18, FD-19, FD-20: a descriptor in flight is a reference
 */
#include "tap.h"

static void send_number(int way, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec io = { "", 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(way, &msg, 0) != 1)
		tap_bail("sendmsg");
}

static int receive_number(int way)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(way, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void ways(int way[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, way))
		tap_bail("socketpair");
}

static void the_message_keeps_the_connection_and_the_receiver_has_it(void)
{
	struct duo duo = duo_open();
	int way[2], fd;
	char byte;

	ways(way);
	send_number(way[0], duo.fd);
	close(duo.fd);
	EXPECT(sight(duo.peer, 200) == NOTHING);
	fd = receive_number(way[1]);
	EXPECT(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(send(fd, "a", 1, 0) == 1 && recv(duo.peer, &byte, 1, 0) == 1);
	close(fd);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
	close(way[0]);
	close(way[1]);
}

static void a_message_that_nobody_read_closes_it(void)
{
	struct duo duo = duo_open();
	int way[2];

	ways(way);
	send_number(way[0], duo.fd);
	close(duo.fd);
	close(way[0]);
	EXPECT(sight(duo.peer, 200) == NOTHING);
	close(way[1]);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void another_process_takes_it_over(void)
{
	struct duo duo;
	int way[2], status;
	pid_t pid;

	ways(way);
	pid = fork();		/* before there is a connection: it knows nothing of it */
	if (pid == 0) {
		int fd;

		close(way[0]);
		fd = receive_number(way[1]);
		_exit(fd >= 0 && send(fd, "other", 5, 0) == 5 && sight(fd, 2000) == END ? 0 : 1);
	}
	close(way[1]);
	duo = duo_open();
	send_number(way[0], duo.fd);
	close(duo.fd);
	EXPECT(sight(duo.peer, 2000) == DATA);
	shutdown(duo.peer, SHUT_WR);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(drain(duo.peer) == 0);
	close(duo.peer);
	close(way[0]);
}

static void a_listener_too(void)
{
	int listener = listen_at(0, 8), way[2], caller, taken, status;
	pid_t pid;
	char byte;

	ways(way);
	pid = fork();
	if (pid == 0) {
		close(way[0]);
		close(listener);
		taken = accept(receive_number(way[1]), NULL, NULL);
		_exit(send(taken, "a", 1, 0) == 1 ? 0 : 1);
	}
	send_number(way[0], listener);
	close(listener);
	close(way[0]);
	close(way[1]);
	caller = dial();
	EXPECT(recv(caller, &byte, 1, 0) == 1);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(dial_errno() == ECONNREFUSED);
	close(caller);
}

static const struct tap_case cases[] = {
	CASE(the_message_keeps_the_connection_and_the_receiver_has_it),
	CASE(a_message_that_nobody_read_closes_it),
	CASE(another_process_takes_it_over),
	CASE(a_listener_too),
};
TAP_MAIN(cases)
