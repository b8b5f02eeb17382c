// SPDX-License-Identifier: MIT
/*
 * scenario/repair.c - TCP_REPAIR: a connection is taken from one socket and goes on in another, and its peer does not notice
 *
 * The probe is what kernel-probe.py saw: `. 0:0(0) ack 1` one number below what is next.
 */
#include "harness.h"

#ifndef TCP_REPAIR
enum { TCP_REPAIR = 19, TCP_REPAIR_QUEUE = 20, TCP_QUEUE_SEQ = 21 };
#endif
enum { NO_QUEUE, RECV_QUEUE, SEND_QUEUE };

TEST_FAMILIES(the_end_of_repair_asks_the_peer_for_its_window)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_REPAIR, 1), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_REPAIR, 0), 0);
	EXPECT_HEARD(&d, ". 0:0(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPWinProbe", 1);
}

/* The number that is next in one direction. */
static int64_t next_of(struct duo *d, int queue)
{
	EXPECT_EQ(duo_set(d, CLIENT, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue), 0);
	return duo_get(d, CLIENT, IPPROTO_TCP, TCP_QUEUE_SEQ);
}

static void set_next(struct duo *d, int queue, int64_t seq)
{
	EXPECT_EQ(duo_set(d, CLIENT, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue), 0);
	EXPECT_EQ(duo_set(d, CLIENT, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)seq), 0);
}

TEST(a_connection_goes_on_in_another_socket)
{
	struct duo d = duo_established();
	struct sockaddr_storage name, peer;
	socklen_t name_len = sizeof(name), peer_len = sizeof(peer);
	int64_t send_next, recv_next;

	EXPECT_EQ(DUO_TRY(&d, CLIENT, getsockname, (struct sockaddr *)&name, &name_len), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, getpeername, (struct sockaddr *)&peer, &peer_len), 0);
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_REPAIR, 1), 0);
	send_next = next_of(&d, SEND_QUEUE);
	recv_next = next_of(&d, RECV_QUEUE);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_NO_WIRE(&d, "client > server");

	d.client.fd = (int)LAB_TRY(&d.client.thread, socket, AF_INET, SOCK_STREAM, 0);
	EXPECT(d.client.fd >= 0);
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_REPAIR, 1), 0);
	set_next(&d, SEND_QUEUE, send_next);
	set_next(&d, RECV_QUEUE, recv_next);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, bind, (struct sockaddr *)&name, name_len), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&peer, peer_len), 0);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_NO_WIRE(&d, "client > server");
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_REPAIR, 0), 0);
	duo_run_ms(&d, 10);
	EXPECT_EQ(duo_send(&d, CLIENT, "still here"), 10);
	duo_run_ms(&d, 50);
	EXPECT_RECV(&d, SERVER, "still here");
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
}
