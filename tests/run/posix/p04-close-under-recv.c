// SPDX-License-Identifier: MIT
/*
 * posix/p04-close-under-recv.c - rows FD-10, FD-11, FD-14: a call in progress holds the file that it works on
 */
#include "tap.h"

static void the_FIN_waits_for_the_reader_and_the_reader_for_data(void)
{
	struct duo duo = duo_open();
	struct blocked *reader = blocked_start(RECV, duo.fd);

	EXPECT(close(duo.fd) == 0);
	EXPECT(!blocked_done(reader, 200));
	EXPECT(sight(duo.peer, 100) == NOTHING);
	EXPECT(send(duo.peer, "hello", 5, 0) == 5);
	EXPECT(blocked_done(reader, 1000) && reader->result == 5);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void the_peers_FIN_ends_the_reader_and_then_comes_ours(void)
{
	struct duo duo = duo_open();
	struct blocked *reader = blocked_start(RECV, duo.fd);

	close(duo.fd);
	shutdown(duo.peer, SHUT_WR);
	EXPECT(blocked_done(reader, 1000) && reader->result == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void the_peers_RST_ends_the_reader(void)
{
	struct duo duo = duo_open();
	struct blocked *reader = blocked_start(RECV, duo.fd);

	close(duo.fd);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	EXPECT(blocked_done(reader, 1000) && reader->result == -1 && reader->error == ECONNRESET);
}

static void the_reader_stays_with_its_file_when_the_number_has_another(void)
{
	struct duo duo = duo_open(), other;
	struct blocked *reader = blocked_start(RECV, duo.fd);

	other = duo_open();
	EXPECT(dup2(other.fd, duo.fd) == duo.fd);
	EXPECT(send(other.peer, "wrong", 5, 0) == 5);
	EXPECT(!blocked_done(reader, 200));
	EXPECT(sight(duo.fd, 100) == DATA);
	EXPECT(send(duo.peer, "right one", 9, 0) == 9);
	EXPECT(blocked_done(reader, 1000) && reader->result == 9);
	EXPECT(sight(duo.peer, 1000) == END);
	duo_close(&duo);
	duo_close(&other);
}

static const struct tap_case cases[] = {
	CASE(the_FIN_waits_for_the_reader_and_the_reader_for_data),
	CASE(the_peers_FIN_ends_the_reader_and_then_comes_ours),
	CASE(the_peers_RST_ends_the_reader),
	CASE(the_reader_stays_with_its_file_when_the_number_has_another),
};
TAP_MAIN(cases)
