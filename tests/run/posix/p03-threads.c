// SPDX-License-Identifier: MIT
/*
 * posix/p03-threads.c - row FD-05: threads have one table; a number that one of them closed is gone for all
 */
#include "tap.h"

static void one_threads_close_is_everyones(void)
{
	struct duo duo = duo_open();
	struct blocked *closing = blocked_start(CLOSE, duo.fd);

	EXPECT(blocked_done(closing, 1000) && closing->result == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT_ERRNO(send(duo.fd, "a", 1, MSG_NOSIGNAL), EBADF);
	EXPECT_ERRNO(close(duo.fd), EBADF);
	close(duo.peer);
}

static void the_lowest_number_is_given_out_again(void)
{
	struct duo duo = duo_open();
	int lowest = dup(0), second;

	dup2(duo.fd, lowest);
	close(lowest);
	second = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(second == lowest);
	close(second);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(one_threads_close_is_everyones),
	CASE(the_lowest_number_is_given_out_again),
};
TAP_MAIN(cases)
