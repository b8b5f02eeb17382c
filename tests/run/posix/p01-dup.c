// SPDX-License-Identifier: MIT
/*
 * posix/p01-dup.c - rows FD-01, FD-02: the connection ends with its last descriptor; shutdown() asks none of them
 */
#include "tap.h"

static void a_connection_outlives_the_first_of_its_descriptors(void)
{
	struct duo duo = duo_open();
	int copies[] = { dup(duo.fd), fcntl(duo.fd, F_DUPFD, 100), fcntl(duo.fd, F_DUPFD_CLOEXEC, 200) };
	char byte;

	close(duo.fd);
	EXPECT(copies[1] >= 100 && copies[2] >= 200);
	for (int i = 0; i < 3; i++) {
		EXPECT(sight(duo.peer, 100) == NOTHING);
		EXPECT(send(copies[i], "a", 1, 0) == 1 && recv(duo.peer, &byte, 1, 0) == 1);
		EXPECT(send(duo.peer, "b", 1, 0) == 1 && recv(copies[i], &byte, 1, 0) == 1);
		close(copies[i]);
	}
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void shutdown_through_one_descriptor_is_felt_by_all(void)
{
	struct duo duo = duo_open();
	int copy = dup(duo.fd);

	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT_ERRNO(send(copy, "a", 1, MSG_NOSIGNAL), EPIPE);
	close(copy);
	duo_close(&duo);
}

static void O_NONBLOCK_belongs_to_the_file_and_FD_CLOEXEC_to_the_number(void)
{
	struct duo duo = duo_open();
	int copy = dup(duo.fd);
	char byte;

	EXPECT(fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK) == 0);
	EXPECT(fcntl(duo.fd, F_GETFL) & O_NONBLOCK);
	EXPECT_ERRNO(recv(duo.fd, &byte, 1, 0), EAGAIN);
	EXPECT(fcntl(copy, F_SETFD, FD_CLOEXEC) == 0);
	EXPECT(fcntl(copy, F_GETFD) == FD_CLOEXEC);
	EXPECT(fcntl(duo.fd, F_GETFD) == 0);
	close(copy);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(a_connection_outlives_the_first_of_its_descriptors),
	CASE(shutdown_through_one_descriptor_is_felt_by_all),
	CASE(O_NONBLOCK_belongs_to_the_file_and_FD_CLOEXEC_to_the_number),
};
TAP_MAIN(cases)
