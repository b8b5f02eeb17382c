// SPDX-License-Identifier: MIT
/*
 * posix/p08-blocked-send.c - rows WK-09, FD-13, SP-04: what ends a send() that waits for room, and what does not
 */
#include "tap.h"

static void SHUT_WR_ends_it_with_EPIPE_and_SHUT_RD_does_not(void)
{
	struct duo duo = duo_open();
	struct blocked *sender;

	fill(duo.fd);
	sender = blocked_start(SEND, duo.fd);
	EXPECT(shutdown(duo.fd, SHUT_RD) == 0 && !blocked_done(sender, 200));
	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT(blocked_done(sender, 1000) && sender->result == -1 && sender->error == EPIPE);
	duo_close(&duo);
}

static void the_FIN_waits_until_the_sender_has_sent_all(void)
{
	struct duo duo = duo_open();
	struct blocked *sender;
	size_t total = fill(duo.fd), got = 0;
	static char sink[1 << 20];
	ssize_t part;

	sender = blocked_start(SEND, duo.fd);
	EXPECT(close(duo.fd) == 0 && !blocked_done(sender, 300));
	while ((part = recv(duo.peer, sink, sizeof(sink), 0)) > 0)
		got += part;
	EXPECT(part == 0);
	EXPECT(blocked_done(sender, 1000) && sender->result > 0 && got == total + sender->result);
	close(duo.peer);
}

static void the_peers_RST_ends_it_with_ECONNRESET(void)
{
	struct duo duo = duo_open();
	struct blocked *sender;

	fill(duo.fd);
	sender = blocked_start(SEND, duo.fd);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	EXPECT(blocked_done(sender, 1000) && sender->result == -1 && sender->error == ECONNRESET);
	close(duo.fd);
}

static const struct tap_case cases[] = {
	CASE(SHUT_WR_ends_it_with_EPIPE_and_SHUT_RD_does_not),
	CASE(the_FIN_waits_until_the_sender_has_sent_all),
	CASE(the_peers_RST_ends_it_with_ECONNRESET),
};
TAP_MAIN(cases)
