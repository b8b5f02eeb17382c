// SPDX-License-Identifier: MIT
/*
 * posix/p10-sigpipe.c - rows SP-01, SP-02, SP-03, SP-05: SIGPIPE goes with EPIPE, and only with it
 */
#include "tap.h"

static volatile sig_atomic_t *pipes;

static void after_SHUT_WR_each_write_raises_it_unless_MSG_NOSIGNAL(void)
{
	struct duo duo = duo_open();

	count_signal(SIGPIPE, &pipes);
	shutdown(duo.fd, SHUT_WR);
	EXPECT_ERRNO(write(duo.fd, "a", 1), EPIPE);
	EXPECT(*pipes == 1);
	EXPECT_ERRNO(send(duo.fd, "a", 1, MSG_NOSIGNAL), EPIPE);
	EXPECT(*pipes == 1);
	EXPECT_ERRNO(write(duo.fd, "", 0), EPIPE);
	EXPECT(*pipes == 2);
	duo_close(&duo);
}

static void after_a_reset_the_second_write_raises_it(void)
{
	struct duo duo = duo_open();

	count_signal(SIGPIPE, &pipes);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	nap_ms(100);
	EXPECT_ERRNO(write(duo.fd, "a", 1), ECONNRESET);
	EXPECT(*pipes == 0);
	EXPECT_ERRNO(write(duo.fd, "a", 1), EPIPE);
	EXPECT(*pipes == 1);
	close(duo.fd);
}

static void the_first_write_to_a_peer_that_closed_succeeds(void)
{
	struct duo duo = duo_open();

	count_signal(SIGPIPE, &pipes);
	close(duo.peer);
	nap_ms(100);
	EXPECT(write(duo.fd, "a", 1) == 1 && *pipes == 0);
	nap_ms(100);
	EXPECT_ERRNO(write(duo.fd, "a", 1), EPIPE);
	EXPECT(*pipes == 1);
	close(duo.fd);
}

static void a_socket_that_never_was_connected_raises_it(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	count_signal(SIGPIPE, &pipes);
	EXPECT_ERRNO(write(fd, "a", 1), EPIPE);
	EXPECT(*pipes == 1);
	EXPECT_ERRNO(recv(fd, &byte, 1, 0), ENOTCONN);
	close(fd);
}

static void by_default_it_ends_the_program(void)
{
	struct duo duo = duo_open();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		shutdown(duo.fd, SHUT_WR);
		_exit(write(duo.fd, "a", 1) == 1 ? 0 : 1);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(after_SHUT_WR_each_write_raises_it_unless_MSG_NOSIGNAL),
	CASE(after_a_reset_the_second_write_raises_it),
	CASE(the_first_write_to_a_peer_that_closed_succeeds),
	CASE(a_socket_that_never_was_connected_raises_it),
	CASE(by_default_it_ends_the_program),
};
TAP_MAIN(cases)
