// SPDX-License-Identifier: MIT
/*
 * posix/p15-dup2.c - row FD-08: a number that is given to something else is closed first
 */
#include "tap.h"

static void dup2_of_another_file_over_it_closes_it(void)
{
	struct duo duo = duo_open();
	int null = open("/dev/null", O_RDWR);

	EXPECT(dup2(null, duo.fd) == duo.fd);
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(write(duo.fd, "a", 1) == 1);
	close(null);
	duo_close(&duo);
}

static void dup3_of_one_connection_over_another(void)
{
	struct duo first = duo_open(), second = duo_open();
	char byte;

	EXPECT(dup3(first.fd, second.fd, O_CLOEXEC) == second.fd);
	EXPECT(fcntl(second.fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(sight(second.peer, 1000) == END);
	close(first.fd);
	EXPECT(sight(first.peer, 100) == NOTHING);
	EXPECT(send(second.fd, "a", 1, 0) == 1 && recv(first.peer, &byte, 1, 0) == 1);
	close(second.fd);
	EXPECT(sight(first.peer, 1000) == END);
	close(first.peer);
	close(second.peer);
}

static void over_itself_it_changes_nothing(void)
{
	struct duo duo = duo_open();

	EXPECT(dup2(duo.fd, duo.fd) == duo.fd);
	EXPECT_ERRNO(dup3(duo.fd, duo.fd, 0), EINVAL);
	EXPECT(sight(duo.peer, 100) == NOTHING);
	duo_close(&duo);
}

static void with_unread_data_the_peer_is_reset(void)
{
	struct duo duo = duo_open();

	EXPECT(send(duo.peer, "unread", 6, 0) == 6 && sight(duo.fd, 1000) == DATA);
	EXPECT(dup2(2, duo.fd) == duo.fd);
	EXPECT(sight(duo.peer, 1000) == RESET);
	duo_close(&duo);
}

static void standard_input_and_output_speak_on_it(void)
{
	struct duo duo = duo_open();
	int status;
	char word[8];
	pid_t pid = fork();

	if (pid == 0) {
		close(duo.peer);
		dup2(duo.fd, 0);
		dup2(duo.fd, 1);
		close(duo.fd);
		execlp("sh", "sh", "-c", "read line; echo \"$line\"", NULL);
		_exit(99);
	}
	close(duo.fd);
	EXPECT(send(duo.peer, "line\n", 5, 0) == 5);
	EXPECT(sight(duo.peer, 2000) == DATA && recv(duo.peer, word, sizeof(word), 0) == 5 && !memcmp(word, "line\n", 5));
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(dup2_of_another_file_over_it_closes_it),
	CASE(dup3_of_one_connection_over_another),
	CASE(over_itself_it_changes_nothing),
	CASE(with_unread_data_the_peer_is_reset),
	CASE(standard_input_and_output_speak_on_it),
};
TAP_MAIN(cases)
