// SPDX-License-Identifier: MIT
/*
 * posix/p07-shutdown-wakes-accept.c - rows WK-08, LS-05, LS-06, LS-07, LS-02: shutdown() of a listener
 */
#include "tap.h"

/* A number that is free now. */
static int free_port(void)
{
	int fd = listen_at(0, 1), port = port_of(fd);

	close(fd);
	return port;
}

static void SHUT_RD_ends_listening_and_SHUT_WR_does_nothing(void)
{
	int port = free_port(), listener = listen_at(port, 8), caller, taken;
	struct blocked *taker = blocked_start(ACCEPT, listener);

	EXPECT(shutdown(listener, SHUT_WR) == 0);
	EXPECT(!blocked_done(taker, 200));
	EXPECT(shutdown(listener, SHUT_RD) == 0);
	EXPECT(blocked_done(taker, 1000) && taker->result == -1 && taker->error == EINVAL);
	EXPECT(dial_errno() == ECONNREFUSED);
	EXPECT_ERRNO(accept(listener, NULL, NULL), EINVAL);
	EXPECT_ERRNO(shutdown(listener, SHUT_RD), ENOTCONN);

	EXPECT(listen(listener, 8) == 0 && port_of(listener) == port);
	caller = dial();
	taken = accept(listener, NULL, NULL);
	EXPECT(taken >= 0 && send(caller, "a", 1, 0) == 1 && sight(taken, 1000) == DATA);
	close(taken);
	close(caller);
	close(listener);
}

static void a_port_that_the_stack_chose_is_given_up(void)
{
	int listener = listen_at(0, 8);

	EXPECT(shutdown(listener, SHUT_RDWR) == 0);
	EXPECT(dial_errno() == ECONNREFUSED);
	EXPECT(listen(listener, 8) == 0 && port_of(listener) != 0);
	close(listener);
}

static void connections_nobody_accepted_are_reset_when_the_listener_closes(void)
{
	int listener = listen_at(0, 8), callers[2] = { dial(), dial() };

	EXPECT(send(callers[1], "a", 1, 0) == 1);
	nap_ms(50);
	close(listener);
	EXPECT(sight(callers[0], 1000) == RESET);
	EXPECT(sight(callers[1], 1000) == RESET);
	close(callers[0]);
	close(callers[1]);
}

static const struct tap_case cases[] = {
	CASE(SHUT_RD_ends_listening_and_SHUT_WR_does_nothing),
	CASE(a_port_that_the_stack_chose_is_given_up),
	CASE(connections_nobody_accepted_are_reset_when_the_listener_closes),
};
TAP_MAIN(cases)
