// SPDX-License-Identifier: MIT
/*
 * posix/p05-shutdown-wakes-recv.c - rows WK-05, WK-06, WK-03: shutdown() wakes readers when it ends reading
 */
#include "tap.h"

static void SHUT_WR_wakes_no_reader_and_SHUT_RD_does(void)
{
	struct duo duo = duo_open();
	struct blocked *reader = blocked_start(RECV, duo.fd);

	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT(!blocked_done(reader, 200));
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(shutdown(duo.fd, SHUT_RD) == 0);
	EXPECT(blocked_done(reader, 1000) && reader->result == 0);
	duo_close(&duo);
}

static void SHUT_RDWR_wakes_every_reader_and_sends_the_FIN(void)
{
	struct duo duo = duo_open();
	struct blocked *readers[3];

	for (int i = 0; i < 3; i++)
		readers[i] = blocked_start(RECV, duo.fd);
	EXPECT(shutdown(duo.fd, SHUT_RDWR) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(blocked_done(readers[i], 1000) && readers[i]->result == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	duo_close(&duo);
}

static void *waitall(void *arg)
{
	char bytes[10];

	return (void *)(long)recv(*(int *)arg, bytes, sizeof(bytes), MSG_WAITALL);
}

static void MSG_WAITALL_gives_the_part_that_came_before_the_end(void)
{
	struct duo duo = duo_open();
	pthread_t thread;
	void *got;

	if (pthread_create(&thread, NULL, waitall, &duo.fd))
		tap_bail("pthread_create");
	EXPECT(send(duo.peer, "four", 4, 0) == 4);
	nap_ms(100);
	shutdown(duo.peer, SHUT_WR);
	pthread_join(thread, &got);
	EXPECT((long)got == 4);
	EXPECT(sight(duo.fd, 100) == END);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(SHUT_WR_wakes_no_reader_and_SHUT_RD_does),
	CASE(SHUT_RDWR_wakes_every_reader_and_sends_the_FIN),
	CASE(MSG_WAITALL_gives_the_part_that_came_before_the_end),
};
TAP_MAIN(cases)
