// SPDX-License-Identifier: MIT
/*
 * posix/p09-linger-blocks.c - rows LG-06, LG-07, LG-08, LG-13, LG-18: the close() that waits
 */
#include "tap.h"

static void it_returns_as_soon_as_the_FIN_is_acknowledged(void)
{
	struct duo duo = duo_open();
	long begin = now_ms();

	linger(duo.fd, 1, 5);
	EXPECT(close(duo.fd) == 0);
	EXPECT(now_ms() - begin < 1000);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

/* The peer does not read: all the time is waited for, and then all arrives nevertheless. */
static void waits_for_a_silent_peer(int flags)
{
	struct duo duo = duo_open();
	long begin, took;

	fill(duo.fd);
	EXPECT(fcntl(duo.fd, F_SETFL, fcntl(duo.fd, F_GETFL) | flags) == 0);
	linger(duo.fd, 1, 1);
	begin = now_ms();
	EXPECT(close(duo.fd) == 0);
	took = now_ms() - begin;
	EXPECT(took >= 900 && took < 2500);
	EXPECT(drain(duo.peer) == 0);
	close(duo.peer);
}

static void it_waits_as_long_as_told_and_returns_0(void)
{
	waits_for_a_silent_peer(0);
}

static void O_NONBLOCK_makes_no_difference(void)
{
	waits_for_a_silent_peer(O_NONBLOCK);
}

static void it_returns_when_the_peer_has_taken_all(void)
{
	struct duo duo = duo_open();
	struct blocked *closing;

	fill(duo.fd);
	linger(duo.fd, 1, 30);
	closing = blocked_start(CLOSE, duo.fd);
	EXPECT(!closing->done);
	EXPECT(drain(duo.peer) == 0);
	EXPECT(blocked_done(closing, 1000) && closing->result == 0);
	close(duo.peer);
}

static void it_returns_when_the_peer_resets(void)
{
	struct duo duo = duo_open();
	struct blocked *closing;

	fill(duo.fd);
	linger(duo.fd, 1, 30);
	closing = blocked_start(CLOSE, duo.fd);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	EXPECT(blocked_done(closing, 1000) && closing->result == 0);
}

static void a_signal_ends_the_wait_but_it_is_no_error(void)
{
	struct duo duo = duo_open();
	volatile sig_atomic_t *count;
	struct blocked *closing;

	fill(duo.fd);
	linger(duo.fd, 1, 30);
	count_signal(SIGUSR1, &count);
	closing = blocked_start(CLOSE, duo.fd);
	pthread_kill(closing->thread, SIGUSR1);
	EXPECT(blocked_done(closing, 1000) && closing->result == 0 && *count == 1);
	EXPECT(drain(duo.peer) == 0);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(it_returns_as_soon_as_the_FIN_is_acknowledged),
	CASE(it_waits_as_long_as_told_and_returns_0),
	CASE(O_NONBLOCK_makes_no_difference),
	CASE(it_returns_when_the_peer_has_taken_all),
	CASE(it_returns_when_the_peer_resets),
	CASE(a_signal_ends_the_wait_but_it_is_no_error),
};
TAP_MAIN(cases)
