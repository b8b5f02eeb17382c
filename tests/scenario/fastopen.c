// SPDX-License-Identifier: MIT
/*
 * scenario/fastopen.c - data in the SYN: a cookie, a second connection that uses it, and a listener's limit
 *
 * What the two ends say to each other follows tests/packet/fast-open-*.pkt and google's fastopen scripts, which pass on the kernel;
 * the limit and its minute follow `kernel-probe` runs of the same story.
 */
#include "harness.h"

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static socklen_t server_addr(struct duo *d, struct sockaddr_storage *addr)
{
	return lab_wire_addr(d->wire, LAB_B, d->family, DUO_PORT, addr);
}

/* Both ends know Fast Open, and the server's listener wants it. */
static struct duo fast_listening(void)
{
	struct duo d = duo_listening();

	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_fastopen", "1");
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fastopen", "2");
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, sizeof(int)), 0);
	return d;
}

static int64_t fast_send(struct duo *d, const char *text)
{
	struct sockaddr_storage addr;
	socklen_t len = server_addr(d, &addr);

	return DUO_CALL(d, CLIENT, sendto, text, strlen(text), MSG_FASTOPEN, (struct sockaddr *)&addr, len);
}

static void new_client(struct duo *d)
{
	EXPECT_EQ(duo_close(d, CLIENT), 0);
	d->client.fd = (int)LAB_TRY(&d->client.thread, socket, d->family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	EXPECT(d->client.fd >= 0);
}

TEST_FAMILIES(the_first_connection_brings_a_cookie_and_the_second_data_with_its_syn)
{
	struct duo d = fast_listening();

	EXPECT_EQ(fast_send(&d, "one"), 3);
	EXPECT_WIRE(&d, "client > server S 0:0(0)");
	EXPECT_WIRE(&d, "client > server P. 1:4(3)");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPFastOpenCookieReqd", 1);
	duo_run_ms(&d, 50);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "one");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	new_client(&d);
	duo_run_ms(&d, 50);

	EXPECT_EQ(fast_send(&d, "two"), 3);
	EXPECT_WIRE(&d, "client > server S 0:3(3)");
	EXPECT_WIRE(&d, "server > client S. 0:0(0) ack 4");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPFastOpenPassive", 1);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPFastOpenActive", 1);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "two");
}

TEST_FAMILIES(what_the_server_answers_leaves_before_the_handshake_is_done)
{
	struct duo d = solo_listening();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fastopen", "0x202");
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, sizeof(int)), 0);
	solo_say(&d, "S 0:3(3) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_STATE(&d, SERVER, "SYN_RECV");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT);
	EXPECT_RECV(&d, SERVER, "zab");
	EXPECT_EQ(duo_send(&d, SERVER, "answer"), 6);
	EXPECT_HEARD(&d, "P. 1:7(6) ack 4");
	duo_run_ms(&d, 1000); /* only the SYN-ACK goes again */
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT_SILENCE(&d);
	solo_say(&d, ". 4:4(0) ack 1 win 65535");
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	duo_run_ms(&d, 3100);
	EXPECT_HEARD(&d, "P. 1:7(6) ack 4");
	solo_say(&d, ". 4:4(0) ack 7 win 65535");
}

/* Says a SYN with data from another port each time; what the SYN-ACK acknowledges tells whether the data was taken. */
static void say_syn(struct duo *d, uint16_t port)
{
	lab_raw_forget(d->raw);
	d->raw->port = port;
	d->raw->host_port = DUO_PORT;
	solo_say(d, "S 0:3(3) win 65535 <mss 1460>");
}

TEST_FAMILIES(a_listener_lets_in_so_many_and_an_accepted_one_that_was_reset_counts_for_a_minute)
{
	struct duo d = solo_listening();
	int first;

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fastopen", "0x202");
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){1}, sizeof(int)), 0);
	say_syn(&d, 5001);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT(duo_accept(&d) >= 0);
	first = d.server.fd;
	solo_say(&d, "R. 4:4(0) ack 1 win 0");
	EXPECT_COUNTER(&d, SERVER, "TcpAttemptFails", 2);

	say_syn(&d, 5002); /* no room: an ordinary request */
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPFastOpenListenOverflow", 1);
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	duo_run_ms(&d, 60000);
	say_syn(&d, 5003);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, first), 0);
	d.server.fd = -1;
}

TEST_FAMILIES(a_listener_that_closes_forgets_its_penalties_and_resets_what_nobody_accepted)
{
	struct duo d = solo_listening();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fastopen", "0x202");
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){2}, sizeof(int)), 0);
	say_syn(&d, 5001);
	EXPECT(duo_accept(&d) >= 0);
	solo_say(&d, "R. 4:4(0) ack 1 win 0");
	say_syn(&d, 5002);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	d.listener = -1;
	duo_run_ms(&d, 1);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 4");
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
}

TEST_FAMILIES(an_accepted_child_outlives_its_listener_and_gives_up_like_any_handshake)
{
	struct duo d = solo_listening();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_fastopen", "0x202");
	duo_sysctl(&d, SERVER, "net.ipv4.tcp_synack_retries", "1");
	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, IPPROTO_TCP, TCP_FASTOPEN, &(int){2}, sizeof(int)), 0);
	say_syn(&d, 5001);
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	d.listener = -1;
	duo_run_ms(&d, 7100); /* 1 s, 2 s, 4 s: one time more than a request has */
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 4");
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "");
	EXPECT_RECV(&d, SERVER, "zab");
	EXPECT_ERROR(&d, SERVER, ETIMEDOUT);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
}

TEST_FAMILIES(connect_leaves_the_syn_to_the_first_write_once_a_cookie_is_known)
{
	struct duo d = fast_listening();
	struct sockaddr_storage addr;
	socklen_t len = server_addr(&d, &addr);

	EXPECT_EQ(fast_send(&d, "one"), 3);
	new_client(&d);
	duo_run_ms(&d, 50);
	duo_forget(&d);
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
	EXPECT_POLL(&d, CLIENT, DUO_OUT);
	EXPECT_NO_WIRE(&d, "client > server S");
	EXPECT_EQ(duo_send(&d, CLIENT, "two"), 3);
	EXPECT_WIRE(&d, "client > server S 0:3(3)");
	duo_run_ms(&d, 50);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
}

TEST_FAMILIES(a_deferred_connection_that_is_closed_was_never_there)
{
	struct duo d = fast_listening();
	struct sockaddr_storage addr;
	socklen_t len = server_addr(&d, &addr);

	EXPECT_EQ(fast_send(&d, "one"), 3);
	new_client(&d);
	duo_run_ms(&d, 50);
	duo_forget(&d);
	EXPECT_EQ(duo_set(&d, CLIENT, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_NO_WIRE(&d, "client > server S");
}

TEST_FAMILIES(data_swallowed_with_the_syn_goes_again_when_the_bare_syn_gets_through)
{
	struct duo d = fast_listening();
	struct sockaddr_storage addr;
	socklen_t len = server_addr(&d, &addr);

	duo_sysctl(&d, CLIENT, "net.ipv4.tcp_fastopen", "5"); /* no cookie, which the server wants: it takes the SYN alone */
	EXPECT_EQ(DUO_CALL(&d, CLIENT, sendto, "abc", 3, MSG_FASTOPEN, (struct sockaddr *)&addr, len), 3);
	EXPECT_WIRE(&d, "client > server S 0:3(3)");
	EXPECT_WIRE(&d, "server > client S. 0:0(0) ack 1");
	EXPECT_WIRE(&d, "client > server P. 1:4(3)");
	duo_run_ms(&d, 50);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPFastOpenActiveFail", 1);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "abc");
}
