// SPDX-License-Identifier: MIT
/*
 * scenario/rows_listen.c - rows that need several connections at a listener, the administrator, or a device that refuses
 *
 * What is expected here the kernel has said: tests/oracle/calls, recorded in calls.txt.
 */
#include "harness.h"

#include <fcntl.h>
#include <lastack/stack.h>

static int64_t group_member(struct duo *d)
{
	const bool v4 = d->family == AF_INET;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(DUO_PORT) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(DUO_PORT) };
	int fd = (int)LAB_TRY(&d->server.thread, socket, v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	LAB_TRY(&d->server.thread, setsockopt, fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	LAB_TRY(&d->server.thread, bind, fd, v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6, v4 ? sizeof(in) : sizeof(in6));
	EXPECT_EQ(LAB_TRY(&d->server.thread, listen, fd, 8), 0);
	return fd;
}

/* The script begins a connection from @port; it can go back to it with back_to(). */
static uint32_t syn_from(struct duo *d, uint16_t port)
{
	lab_raw_forget(d->raw);
	d->raw->port = port;
	d->raw->host_port = DUO_PORT;
	solo_say(d, "S 0:0(0) win 65535 <mss 1460>");
	return d->raw->host_isn;
}

static void back_to(struct duo *d, uint16_t port, uint32_t host_isn)
{
	lab_raw_forget(d->raw);
	d->raw->port = port;
	d->raw->host_port = DUO_PORT;
	d->raw->host_isn = host_isn;
	d->raw->knows_host = true;
}

/* A request's SYN-ACK is taken, so that its numbers are known. */
static uint32_t requested(struct duo *d, uint16_t port)
{
	syn_from(d, port);
	EXPECT_HEARD(d, "S. 0:0(0) ack 1");
	return d->raw->host_isn;
}

static void connected(struct duo *d, uint16_t port)
{
	requested(d, port);
	solo_say(d, ". 1:1(0) ack 1 win 65535");
}

static int bits_of(struct duo *d, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	LAB_TRY(&d->server.thread, poll, &pfd, 1, 0);
	return pfd.revents;
}

static int accept_from(struct duo *d, int listener)
{
	return (int)LAB_TRY(&d->server.thread, accept4, listener, NULL, NULL, 0);
}

/* ------------------------------------------------------------------ a member of a SO_REUSEPORT group leaves */

/* Two members of a group; @first had one connection, un-accepted, and two requests before @heir came. */
struct group {
	struct duo d;
	int first, heir;
	uint32_t child, request, timed;
};

static struct group group_of_two(const char *migrate)
{
	struct group g = { .d = solo_listening() };

	EXPECT_EQ(LAB_TRY(&g.d.server.thread, close, g.d.listener), 0);
	g.d.listener = -1;
	duo_sysctl(&g.d, SERVER, "net.ipv4.tcp_migrate_req", migrate);
	g.first = (int)group_member(&g.d);
	connected(&g.d, 6000);
	g.child = g.d.raw->host_isn;
	g.request = requested(&g.d, 6001);
	g.timed = requested(&g.d, 6002);
	g.heir = (int)group_member(&g.d);
	duo_forget(&g.d);
	return g;
}

/* rows: LS-14 */
TEST_FAMILIES(with_migration_a_connection_moves_to_another_of_the_group_and_wakes_its_accept)
{
	struct group g = group_of_two("1");
	struct lab_call *waits;

	EXPECT_EQ(LAB_TRY(&g.d.server.thread, fcntl, g.heir, F_SETFL, 0), 0);
	waits = LAB_START(&g.d.server.thread, accept4, g.heir, NULL, NULL, 0);
	back_to(&g.d, 6000, g.child);
	EXPECT_EQ(LAB_TRY(&g.d.server.thread, close, g.first), 0);
	EXPECT_SILENCE(&g.d);
	EXPECT(lab_wait(waits, 10 * LAB_MS) >= 0);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqSuccess", 1);
	EXPECT_COUNTER(&g.d, SERVER, "TcpOutRsts", 0);
	g.d.server.fd = (int)waits->result;
	solo_say(&g.d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_RECV(&g.d, SERVER, "abc");
}

/* rows: LS-14 */
TEST_FAMILIES(with_migration_a_request_moves_with_its_last_ack)
{
	struct group g = group_of_two("1");

	EXPECT_EQ(LAB_TRY(&g.d.server.thread, close, g.first), 0);
	EXPECT_EQ(accept_from(&g.d, g.heir) >= 0, 1);
	duo_forget(&g.d);
	back_to(&g.d, 6001, g.request);
	solo_say(&g.d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&g.d);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqSuccess", 1);
	EXPECT_EQ(bits_of(&g.d, g.heir), POLLIN);
	g.d.server.fd = accept_from(&g.d, g.heir);
	solo_say(&g.d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_RECV(&g.d, SERVER, "abc");
}

/* rows: LS-14 */
TEST_FAMILIES(with_migration_a_request_moves_with_its_timer_and_is_repeated)
{
	struct group g = group_of_two("1");

	EXPECT_EQ(LAB_TRY(&g.d.server.thread, shutdown, g.first, SHUT_RD), 0);
	back_to(&g.d, 6002, g.timed);
	duo_forget(&g.d);
	duo_run_ms(&g.d, 1010);
	EXPECT_WIRE(&g.d, "server > script S. 0:0(0) ack 1");
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqSuccess", 2);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPSynRetrans", 2);
	lab_raw_forget(g.d.raw);
	back_to(&g.d, 6002, g.timed);
	solo_say(&g.d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&g.d);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqSuccess", 2);
	EXPECT(accept_from(&g.d, g.heir) >= 0);
	EXPECT(accept_from(&g.d, g.heir) >= 0);
}

/* rows: LS-14 */
TEST_FAMILIES(with_migration_and_nobody_left_a_connection_is_reset_and_counted)
{
	struct group g = group_of_two("1");

	EXPECT_EQ(LAB_TRY(&g.d.server.thread, close, g.heir), 0);
	duo_forget(&g.d);
	back_to(&g.d, 6000, g.child);
	EXPECT_EQ(LAB_TRY(&g.d.server.thread, shutdown, g.first, SHUT_RD), 0);
	EXPECT_HEARD(&g.d, "R. 1:1(0) ack 1");
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqFailure", 1);
	EXPECT_COUNTER(&g.d, SERVER, "TcpEstabResets", 1);
}

/* rows: LS-14 */
TEST_FAMILIES(without_migration_a_group_lets_the_connections_of_a_member_end)
{
	struct group g = group_of_two("0");

	back_to(&g.d, 6000, g.child);
	EXPECT_EQ(LAB_TRY(&g.d.server.thread, close, g.first), 0);
	EXPECT_HEARD(&g.d, "R. 1:1(0) ack 1");
	EXPECT_EQ(accept_from(&g.d, g.heir), -EAGAIN);
	back_to(&g.d, 6001, g.request);
	solo_say(&g.d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&g.d, "R 1:1(0)");
	duo_run_ms(&g.d, 1500);
	EXPECT_SILENCE(&g.d);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqSuccess", 0);
	EXPECT_COUNTER(&g.d, SERVER, "TcpExtTCPMigrateReqFailure", 0);
}

/* ------------------------------------------------------------------ full queues */

/* rows: CK-03 */
TEST_FAMILIES(a_cookie_that_comes_back_to_a_full_queue_is_ignored_until_there_is_room)
{
	struct duo d = solo_listening();
	uint32_t fills, late;

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "2");
	EXPECT_EQ(LAB_TRY(&d.server.thread, listen, d.listener, 0), 0);
	fills = requested(&d, 6000);
	late = requested(&d, 6001);
	back_to(&d, 6000, fills);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	duo_forget(&d);
	syn_from(&d, 6002);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenOverflows", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenDrops", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesRecv", 0);
	back_to(&d, 6001, late);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenOverflows", 2);
	EXPECT_COUNTER(&d, SERVER, "TcpExtListenDrops", 2);
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesRecv", 1);
	EXPECT(duo_accept(&d) >= 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_COUNTER(&d, SERVER, "TcpExtSyncookiesRecv", 2);
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_RECV(&d, SERVER, "abc");
}

/* How often each of @count requests that came together is answered again within 17 s. */
static void repetitions(struct duo *d, unsigned count, unsigned *heard)
{
	const char *text;

	for (unsigned i = 0; i < count; i++)
		requested(d, (uint16_t)(6000 + i));
	memset(heard, 0, count * sizeof(*heard));
	lab_raw_forget(d->raw);
	duo_run_ms(d, 17000);
	while ((text = lab_raw_hear(d->raw)))
		heard[d->raw->seg.dport - 6000]++;
}

/* rows: AQ-04 */
TEST_FAMILIES(of_many_requests_the_old_ones_are_answered_less_often)
{
	static const unsigned wanted[3][7] = { { 4, 4, 4, 4 }, { 2, 4, 4, 4, 4 }, { 2, 2, 2, 4, 4, 4, 4 } };
	static const unsigned counts[] = { 4, 5, 7 };

	for (int i = 0; i < 3; i++) {
		struct duo d = solo_listening();
		unsigned heard[7];

		EXPECT_EQ(LAB_TRY(&d.server.thread, listen, d.listener, 8), 0);
		repetitions(&d, counts[i], heard);
		for (unsigned j = 0; j < counts[i]; j++)
			EXPECT_EQ(heard[j], wanted[i][j]);
	}
}

/* ------------------------------------------------------------------ the administrator */

static bool is_script(void *arg, const struct la_sock_info *info)
{
	struct la_sock_info *found = arg;

	if (info->state == found->state) {
		*found = *info;
		return false;
	}
	return true;
}

/* Ends who is in this state on the server, as `ss -K` does. */
static int destroy(struct duo *d, uint8_t state)
{
	struct la_stack *stack = d->server.host->stack;
	struct la_sock_info info = { .state = state };

	la_socks(stack, is_script, &info);
	return la_sock_destroy(stack, &info, d->world->now_ns);
}

enum { ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING, NEW_SYN_RECV };

/* rows: DC-11 */
TEST_FAMILIES(destroyed_a_connection_is_reset_and_its_reader_hears_econnaborted)
{
	struct duo d = solo_accepted();
	struct lab_call *recv = DUO_START(&d, SERVER, recv, (char[8]){0}, 8, 0);

	EXPECT_EQ(destroy(&d, ESTABLISHED), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=destroyed row=DC-11");
	EXPECT_EQ(lab_wait(recv, LAB_MS), -ECONNABORTED);
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_ERROR(&d, SERVER, 0);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_send(&d, SERVER, "x"), -EPIPE);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 0);
	EXPECT_EQ(destroy(&d, ESTABLISHED), -ENOENT);
}

/* rows: DC-11 */
TEST_FAMILIES(what_a_destroyed_connection_has_received_stays_readable)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(destroy(&d, ESTABLISHED), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 4");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_ERROR(&d, SERVER, ECONNABORTED);
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_EQ(duo_send(&d, SERVER, "x"), -EPIPE);
}

/* rows: DC-11 */
TEST_FAMILIES(destroyed_in_close_wait_reading_ends_and_writing_is_econnaborted)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(destroy(&d, CLOSE_WAIT), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 2");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_send(&d, SERVER, "x"), -ECONNABORTED);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

/* rows: DC-11 */
TEST_FAMILIES(destroyed_in_fin_wait_the_rst_stands_behind_the_fin)
{
	for (int acked = 0; acked < 2; acked++) {
		struct duo d = solo_accepted();

		EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
		EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
		if (acked)
			solo_say(&d, ". 1:1(0) ack 2 win 65535");
		EXPECT_EQ(destroy(&d, acked ? FIN_WAIT2 : FIN_WAIT1), 0);
		EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
		EXPECT_ERROR(&d, SERVER, ECONNABORTED);
		EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
	}
}

/* rows: DC-11 */
TEST_FAMILIES(an_orphan_is_destroyed_with_rst_too)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(destroy(&d, FIN_WAIT1), 0);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

/* rows: DC-12 */
TEST_FAMILIES(an_attempt_is_destroyed_in_silence)
{
	struct duo d = solo_connecting();
	struct la_sock_info info = { .state = SYN_SENT };

	la_socks(d.client.host->stack, is_script, &info);
	EXPECT_EQ(la_sock_destroy(d.client.host->stack, &info, d.world->now_ns), 0);
	EXPECT_SILENCE(&d);
	EXPECT_ERROR(&d, CLIENT, ECONNABORTED);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 1);
}

/* rows: DC-12 */
TEST_FAMILIES(last_ack_and_closing_are_destroyed_in_silence)
{
	for (int closing = 0; closing < 2; closing++) {
		struct duo d = solo_accepted();

		if (!closing)
			solo_say(&d, "F. 1:1(0) ack 1 win 65535");
		EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
		if (closing)
			solo_say(&d, "F. 1:1(0) ack 1 win 65535");
		lab_run_for(d.world, 100 * LAB_MS);
		while (lab_raw_hear(d.raw))
			;
		EXPECT_EQ(destroy(&d, closing ? CLOSING : LAST_ACK), 0);
		EXPECT_SILENCE(&d);
		EXPECT_ERROR(&d, SERVER, ECONNABORTED);
		EXPECT_COUNTER(&d, SERVER, "TcpOutRsts", 0);
	}
}

/* rows: DC-12 */
TEST_FAMILIES(a_listener_is_destroyed_its_connection_reset_and_its_request_forgotten_later)
{
	struct duo d = solo_listening();
	uint32_t child, request;

	connected(&d, 6000);
	child = d.raw->host_isn;
	request = requested(&d, 6001);
	back_to(&d, 6000, child);
	EXPECT_EQ(destroy(&d, LISTEN), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_EQ(bits_of(&d, d.listener), POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_EQ(accept_from(&d, d.listener), -EINVAL);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	back_to(&d, 6001, request);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

/* rows: DC-12 */
TEST_FAMILIES(a_request_is_destroyed_in_silence)
{
	struct duo d = solo_listening();

	requested(&d, 6000);
	EXPECT_EQ(destroy(&d, NEW_SYN_RECV), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_usage(&d, SERVER).requests, 0);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

/* rows: DC-12 */
TEST_FAMILIES(stand_ins_are_destroyed_in_silence)
{
	for (int late = 0; late < 2; late++) {
		struct duo d = solo_accepted();

		EXPECT_EQ(duo_close(&d, SERVER), 0);
		EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
		solo_say(&d, late ? "F. 1:1(0) ack 2 win 65535" : ". 1:1(0) ack 2 win 65535");
		if (late)
			EXPECT_HEARD(&d, ". 2:2(0) ack 2");
		EXPECT_EQ(destroy(&d, late ? TIME_WAIT : FIN_WAIT2), 0);
		EXPECT_SILENCE(&d);
		EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 0);
		solo_say(&d, late ? ". 2:2(0) ack 2 win 65535" : ". 1:1(0) ack 2 win 65535");
		EXPECT_HEARD(&d, "R 2:2(0)");
	}
}

/* ------------------------------------------------------------------ a device that takes nothing */

static struct lab_rule *device_refuses(struct duo *d, uint64_t count)
{
	return lab_wire_rule(d->wire, LAB_A, &(struct lab_rule){ .verdict = LAB_REFUSE, .count = count });
}

/* rows: TM-08 */
TEST_FAMILIES(a_repetition_that_the_device_refuses_is_tried_again_after_500_ms)
{
	struct duo d = solo_accepted();
	uint64_t begun;

	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
	begun = d.world->now_ns;
	device_refuses(&d, 1);
	lab_run_until(d.world, begun + 690 * LAB_MS);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPRetransFail", 1);
	duo_run_ms(&d, 30);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
}

/* rows: TM-10 */
TEST_FAMILIES(what_cannot_leave_at_all_is_tried_every_500_ms_and_given_up)
{
	struct duo d = solo_accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_retries2", "3");
	device_refuses(&d, 0);
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	duo_run_ms(&d, 1650);
	EXPECT_POLL(&d, SERVER, DUO_OUT);
	duo_run_ms(&d, 100);
	EXPECT_ERROR(&d, SERVER, ETIMEDOUT);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnTimeout", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

/* ------------------------------------------------------------------ the error queue */

/* The attempt has failed: host unreachable. */
static struct duo unreachable(void)
{
	struct duo d = solo_connecting();

	duo_run_ms(&d, 1010);
	EXPECT_HEARD(&d, "S 0:0(0)");
	lab_raw_icmp(d.raw, 3, 1, 0);
	lab_run_for(d.world, 0);
	return d;
}

/* rows: IC-09 */
TEST(what_icmp_said_of_a_failed_connect_is_told_with_name_and_offender)
{
	struct duo d = unreachable();
	uint8_t data[64], control[64];
	struct sockaddr_in name, *offender = (struct sockaddr_in *)(CMSG_DATA((struct cmsghdr *)control) + 16);
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control, .msg_controllen = sizeof(control) };

	EXPECT_POLL(&d, CLIENT, DUO_IN | DUO_OUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT(DUO_TRY(&d, CLIENT, recvmsg, &msg, MSG_ERRQUEUE) >= 8);
	EXPECT_EQ(msg.msg_flags, MSG_ERRQUEUE);
	EXPECT_EQ(msg.msg_namelen, sizeof(name));
	EXPECT_EQ(name.sin_port, htons(d.raw->port));
	EXPECT_EQ(CMSG_FIRSTHDR(&msg)->cmsg_len, CMSG_LEN(32));
	EXPECT_EQ(CMSG_FIRSTHDR(&msg)->cmsg_type, IP_RECVERR);
	EXPECT_EQ(offender->sin_family, AF_INET);
	EXPECT_EQ(offender->sin_addr.s_addr, name.sin_addr.s_addr);
	EXPECT_POLL(&d, CLIENT, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, recvmsg, &msg, MSG_ERRQUEUE), -EAGAIN);
}

/* rows: IC-09 */
TEST(control_memory_that_is_too_small_gets_a_part_and_msg_ctrunc)
{
	struct duo d = unreachable();
	uint8_t data[4], control[20];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	EXPECT_EQ(DUO_TRY(&d, CLIENT, recvmsg, &msg, MSG_ERRQUEUE), 4);
	EXPECT_EQ(msg.msg_flags, MSG_ERRQUEUE | MSG_CTRUNC | MSG_TRUNC);
	EXPECT_EQ(msg.msg_controllen, 20);
	EXPECT_EQ(((struct cmsghdr *)control)->cmsg_len, 20);
}

/* rows: IC-09 */
TEST(an_error_queue_that_nobody_asks_goes_with_its_socket)
{
	struct duo d = unreachable();

	EXPECT_ERROR(&d, CLIENT, EHOSTUNREACH);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).socks, 0);
}
