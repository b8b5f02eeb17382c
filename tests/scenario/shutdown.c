// SPDX-License-Identifier: MIT
/*
 * scenario/shutdown.c - shutdown() in each direction and state, and connect(AF_UNSPEC), which drops everything
 *
 * linux-close.md sections 12, 13 and 14. Listeners are in listener.c, SYN_SENT and SYN_RECV in crossed.c.
 */
#include "harness.h"

static int64_t disconnect(struct duo *d, enum side side)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	return DUO_TRY(d, side, connect, &unspec, sizeof(unspec));
}

/* ------------------------------------------------------------------ writing is over */

TEST_FAMILIES(shut_wr_sends_a_fin_and_reading_goes_on)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_TRACE(&d, "server step sys_shutdown");
	EXPECT_TRACE(&d, "server step inet_shutdown");
	EXPECT_TRACE(&d, "server step tcp_shutdown");
	EXPECT_TRACE(&d, "server ESTABLISHED -> FIN_WAIT1 cause=shutdown_write row=SH-04");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_POLL(&d, SERVER, DUO_OUT);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
	EXPECT_POLL(&d, SERVER, DUO_OUT);
	EXPECT_EQ(duo_send(&d, SERVER, "x"), -EPIPE);
	EXPECT_EQ(DUO_TRY(&d, SERVER, send, "", 0, MSG_NOSIGNAL), -EPIPE);
	solo_say(&d, "P. 1:4(3) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	solo_say(&d, "F. 4:4(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 5");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(shut_wr_again_is_0_until_closed)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), -ENOTCONN);
	EXPECT_ERROR(&d, SERVER, 0);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(shut_wr_with_data_queued_puts_the_fin_on_its_last_segment)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_CORK, 1), 0);
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 300), 300);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "FP. 1:301(300) ack 1");
	EXPECT_EQ(duo_send(&d, SERVER, "x"), -EPIPE);
}

TEST_FAMILIES(in_close_wait_shut_wr_leads_to_last_ack_and_enotconn)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP);
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 2");
	solo_say(&d, ". 2:2(0) ack 4 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	EXPECT_STATE(&d, SERVER, "CLOSE_WAIT");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 4:4(0) ack 2");
	EXPECT_STATE(&d, SERVER, "LAST_ACK");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	solo_say(&d, ". 2:2(0) ack 5 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), -ENOTCONN);
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_ERROR(&d, SERVER, 0);
}

TEST(writing_after_shut_wr_raises_sigpipe_unless_told_not_to)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	call = DUO_START(&d, SERVER, send, "x", 1, 0);
	EXPECT_EQ(call->result, -EPIPE);
	EXPECT_EQ(call->op.signal, 13);
	call = DUO_START(&d, SERVER, send, "x", 1, MSG_NOSIGNAL);
	EXPECT_EQ(call->result, -EPIPE);
	EXPECT_EQ(call->op.signal, 0);
}

/* ------------------------------------------------------------------ reading is over */

TEST_FAMILIES(shut_rd_is_silent_and_what_arrives_is_still_readable)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP);
	EXPECT_RECV(&d, SERVER, "");
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
	EXPECT_EQ(duo_send(&d, SERVER, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 4");
}

TEST_FAMILIES(shut_rd_then_unread_data_makes_close_reset)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 4");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnClose", 1);
}

TEST_FAMILIES(shut_rd_keeps_what_is_queued)
{
	struct duo d = solo_accepted();

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RDWR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 4");
	EXPECT_RECV(&d, SERVER, "abc");
	EXPECT_RECV(&d, SERVER, "");
}

/* ------------------------------------------------------------------ both */

TEST_FAMILIES(after_shut_rdwr_new_data_meets_rst_and_the_owner_econnreset)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RDWR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLHUP);
	EXPECT_RECV(&d, SERVER, "");
	solo_say(&d, "P. 1:101(100) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=data_after_close");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 1);
	EXPECT_POLL(&d, SERVER, DUO_IN | DUO_OUT | POLLRDHUP | POLLERR | POLLHUP);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(shut_wr_then_shut_rd_in_fin_wait1_is_the_same_as_both)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_ERROR(&d, SERVER, ECONNRESET);
}

TEST_FAMILIES(shut_rdwr_then_close_says_nothing_more)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RDWR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

/* ------------------------------------------------------------------ not connected */

TEST_FAMILIES(a_direction_that_does_not_exist_is_einval)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, 3), -EINVAL);
	EXPECT_EQ(duo_shutdown(&d, SERVER, -1), -EINVAL);
	EXPECT_STATE(&d, SERVER, "ESTABLISHED");
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(shutdown_of_a_fresh_socket_is_enotconn_in_any_direction)
{
	struct duo d = duo_listening();

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_RD), -ENOTCONN);
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), -ENOTCONN);
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_RDWR), -ENOTCONN);
}

static int64_t connect_client(struct duo *d)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, d->family, DUO_PORT, &addr);

	return DUO_CALL(d, CLIENT, connect, (struct sockaddr *)&addr, len);
}

TEST_FAMILIES(shut_wr_that_failed_still_marks_the_next_connection)
{
	struct duo d = duo_listening();

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), -ENOTCONN);
	EXPECT_EQ(connect_client(&d), 0);
	EXPECT_EQ(duo_send(&d, CLIENT, "x"), -EPIPE);
	EXPECT_STATE(&d, CLIENT, "ESTABLISHED");
	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_EQ(connect_client(&d), 0);
	EXPECT_EQ(duo_send(&d, CLIENT, "x"), 1);
}

TEST_FAMILIES(shut_rd_that_failed_makes_the_next_connection_read_its_end)
{
	struct duo d = duo_listening();

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_RD), -ENOTCONN);
	EXPECT_EQ(connect_client(&d), 0);
	EXPECT_RECV(&d, CLIENT, "");
}

/* ------------------------------------------------------------------ connect(AF_UNSPEC) */

TEST_FAMILIES(disconnect_resets_and_the_socket_can_connect_again)
{
	struct duo d = solo_connected();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "client ESTABLISHED -> CLOSE cause=disconnect row=DC-01");
	EXPECT_COUNTER(&d, CLIENT, "TcpEstabResets", 1);
	EXPECT_POLL(&d, CLIENT, DUO_OUT | POLLERR | POLLHUP);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_POLL(&d, CLIENT, DUO_OUT | POLLHUP);
	EXPECT_EQ(duo_recv(&d, CLIENT, (char[1]){ 0 }, 1), -ENOTCONN);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, send, "x", 1, MSG_NOSIGNAL), -EPIPE);
	lab_raw_forget(d.raw);
	d.raw->host_port = 0;
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), LAB_BLOCKED);
	EXPECT_HEARD(&d, "S 0:0(0)");
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_EQ(duo_send(&d, CLIENT, "abc"), 3);
	EXPECT_HEARD(&d, "P. 1:4(3) ack 1");
}

TEST_FAMILIES(disconnect_in_fin_wait_resets_behind_the_fin)
{
	struct duo d = solo_connected();

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_HEARD(&d, "R. 2:2(0) ack 1");
	EXPECT_COUNTER(&d, CLIENT, "TcpEstabResets", 0);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
}

TEST_FAMILIES(disconnect_in_last_ack_with_the_fin_sent_is_silent)
{
	struct duo d = solo_connected();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_SILENCE(&d);
	EXPECT_ERROR(&d, CLIENT, 0);
}

TEST_FAMILIES(disconnect_drops_an_attempt_in_silence)
{
	struct duo d = solo_connecting();

	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_SILENCE(&d);
	EXPECT_ERROR(&d, CLIENT, ECONNRESET);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 0);
}

TEST_FAMILIES(disconnect_of_a_listener_resets_its_children)
{
	struct duo d = solo_listening();
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_EQ(LAB_TRY(&d.server.thread, connect, d.listener, &unspec, sizeof(unspec)), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_EQ(duo_accept(&d), -EINVAL);
}

TEST_FAMILIES(disconnect_drops_both_queues)
{
	struct duo d = solo_connected();

	solo_say(&d, "P. 1:101(100) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 101");
	EXPECT_EQ(duo_send_bytes(&d, CLIENT, 500), 500);
	EXPECT_HEARD(&d, "P. 1:501(500) ack 101");
	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_HEARD(&d, "R. 501:501(0) ack 101");
	EXPECT_EQ(duo_usage(&d, CLIENT).skbs, 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).timers, 0);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPAbortOnClose", 0);
}

/* ------------------------------------------------------------------ connect() again */

TEST_FAMILIES(connect_again_says_where_the_first_attempt_stands)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EALREADY);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EISCONN);
	solo_say(&d, "R. 1:1(0) ack 1 win 0");
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EISCONN);
	EXPECT_EQ(disconnect(&d, CLIENT), 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EINPROGRESS);
}

TEST_FAMILIES(connect_after_a_refusal_that_nobody_fetched_says_econnrefused_once)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	solo_say(&d, "R. 0:0(0) ack 1 win 0");
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -ECONNREFUSED);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EINPROGRESS);
}

TEST_FAMILIES(connect_after_a_refusal_that_was_fetched_says_econnaborted)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);

	solo_say(&d, "R. 0:0(0) ack 1 win 0");
	EXPECT_ERROR(&d, CLIENT, ECONNREFUSED);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -ECONNABORTED);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EINPROGRESS);
}
