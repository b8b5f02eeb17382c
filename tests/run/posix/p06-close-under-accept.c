// SPDX-License-Identifier: MIT
/*
 * posix/p06-close-under-accept.c - rows FD-12, LS-13: accept() in progress keeps the listener listening
 */
#include "tap.h"

static void the_next_connection_is_accepted_and_then_the_port_refuses(void)
{
	int listener = listen_at(0, 8), caller;
	struct blocked *taker = blocked_start(ACCEPT, listener);

	EXPECT(close(listener) == 0);
	EXPECT(!blocked_done(taker, 200));
	caller = dial();
	EXPECT(blocked_done(taker, 1000) && taker->result >= 0);
	EXPECT(send(caller, "a", 1, 0) == 1 && sight(taker->result, 1000) == DATA);
	nap_ms(50);
	EXPECT(dial_errno() == ECONNREFUSED);
	close(caller);
	close(taker->result);
}

static void one_connection_wakes_one_of_several_in_accept(void)
{
	int listener = listen_at(0, 8), callers[2], woken = 0;
	struct blocked *takers[3];

	for (int i = 0; i < 3; i++)
		takers[i] = blocked_start(ACCEPT, listener);
	for (int i = 0; i < 2; i++)
		callers[i] = dial();
	nap_ms(200);
	for (int i = 0; i < 3; i++)
		woken += takers[i]->done && takers[i]->result >= 0;
	EXPECT(woken == 2);
	shutdown(listener, SHUT_RD);
	for (int i = 0; i < 3; i++)
		EXPECT(blocked_done(takers[i], 1000));
	for (int i = 0; i < 2; i++)
		close(callers[i]);
	close(listener);
}

static const struct tap_case cases[] = {
	CASE(the_next_connection_is_accepted_and_then_the_port_refuses),
	CASE(one_connection_wakes_one_of_several_in_accept),
};
TAP_MAIN(cases)
