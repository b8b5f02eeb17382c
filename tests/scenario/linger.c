// SPDX-License-Identifier: MIT
/*
 * scenario/linger.c - SO_LINGER: a close() that resets, and one that waits for the ACK of its FIN
 *
 * linux-close.md section 5. A lingering close() belongs to a thread: it is started, the clock moves, and then it has
 * returned or has not.
 */
#include <fcntl.h>

#include "harness.h"

/* The server's close(), left to itself. */
static struct lab_call *close_lingers(struct duo *d)
{
	struct lab_call *call = DUO_START(d, SERVER, close);

	d->server.fd = -1;
	lab_run_for(d->world, 0);
	return call;
}

/* ------------------------------------------------------------------ time 0 */

static void expect_linger0(struct duo *d, const char *rst)
{
	EXPECT_EQ(duo_linger(d, SERVER, 1, 0), 0);
	EXPECT_EQ(duo_close(d, SERVER), 0);
	EXPECT_HEARD(d, rst);
	EXPECT_SILENCE(d);
	EXPECT_STATE(d, SERVER, "");
	EXPECT_EQ(duo_usage(d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(d, SERVER).skbs, 0);
	EXPECT_COUNTER(d, SERVER, "TcpExtTCPAbortOnData", 1);
	EXPECT_COUNTER(d, SERVER, "TcpExtTCPAbortOnClose", 0);
	EXPECT_COUNTER(d, SERVER, "TcpExtTCPAbortOnLinger", 0);
	EXPECT_COUNTER(d, SERVER, "TcpOutRsts", rst ? 1 : 0);
}

TEST_FAMILIES(linger_0_resets_an_established_connection)
{
	struct duo d = solo_accepted();

	expect_linger0(&d, "R. 1:1(0) ack 1");
	EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=close_linger0 row=LG-01");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(linger_0_drops_unsent_data_and_resets_at_what_was_sent)
{
	struct duo d = solo_accepted();
	bool v6 = d.family == AF_INET6;

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 16000), 16000);
	lab_run_for(d.world, 0);
	duo_forget(&d);
	expect_linger0(&d, v6 ? "R. 14401:14401(0) ack 1" : "R. 14601:14601(0) ack 1");
}

TEST_FAMILIES(linger_0_resets_in_close_wait)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	expect_linger0(&d, "R. 1:1(0) ack 2");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 1);
}

TEST_FAMILIES(linger_0_resets_behind_the_fin_in_fin_wait1)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	expect_linger0(&d, "R. 2:2(0) ack 1");
	EXPECT_COUNTER(&d, SERVER, "TcpEstabResets", 0);
}

TEST_FAMILIES(linger_0_resets_behind_the_fin_in_fin_wait2)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	expect_linger0(&d, "R. 2:2(0) ack 1");
	EXPECT_TRACE(&d, "server FIN_WAIT2 -> CLOSE cause=close_linger0");
}

TEST_FAMILIES(linger_0_in_syn_sent_is_counted_and_silent)
{
	struct duo d = solo_connecting();

	EXPECT_EQ(duo_linger(&d, CLIENT, 1, 0), 0);
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT_SILENCE(&d);
	EXPECT_COUNTER(&d, CLIENT, "TcpExtTCPAbortOnData", 1);
	EXPECT_COUNTER(&d, CLIENT, "TcpAttemptFails", 0);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "R 1:1(0)");
}

TEST_FAMILIES(linger_0_in_last_ack_with_the_fin_sent_is_silent)
{
	struct duo d = solo_accepted();

	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1:1(0) ack 2");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 2");
	expect_linger0(&d, NULL);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_HEARD(&d, "R 2:2(0)");
}

TEST_FAMILIES(linger_0_in_closing_with_the_fin_sent_is_silent)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	expect_linger0(&d, NULL);
}

TEST_FAMILIES(linger_0_in_last_ack_with_the_fin_unsent_resets)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 1000), 1000);
	EXPECT_HEARD(&d, "P. 1:1001(1000) ack 1");
	solo_say(&d, ". 1:1(0) ack 1001 win 0");
	solo_say(&d, "F. 1:1(0) ack 1001 win 0");
	duo_run_ms(&d, 50);
	EXPECT_HEARD(&d, ". 1001:1001(0) ack 2");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_STATE(&d, SERVER, "LAST_ACK");
	expect_linger0(&d, "R. 1001:1001(0) ack 2");
}

TEST_FAMILIES(linger_0_changes_nothing_about_a_time_wait)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "F. 1:1(0) ack 2 win 65535");
	EXPECT_HEARD(&d, ". 2:2(0) ack 2");
	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPAbortOnData", 0);
}

/* ------------------------------------------------------------------ a time */

TEST_FAMILIES(a_lingering_close_ends_when_its_fin_is_acknowledged)
{
	struct duo d = duo_established();
	struct lab_call *call;

	lab_wire_weather(d.wire, LAB_BOTH, &(struct lab_weather){ .delay_ns = 50 * LAB_MS });
	EXPECT_EQ(duo_linger(&d, CLIENT, 1, 3), 0);
	call = DUO_START(&d, CLIENT, close);
	EXPECT(call->pending);
	EXPECT_WIRE(&d, "client > server F.");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, CLIENT).orphans, 0);
	duo_run_ms(&d, 500);
	EXPECT_EQ(call->result, 0);
	EXPECT(call->ended_ns - call->begun_ns >= 100 * LAB_MS); /* and what the peer's ACK waits */
	EXPECT(call->ended_ns - call->begun_ns <= 110 * LAB_MS);
	EXPECT_TRACE(&d, "client FIN_WAIT1 -> FIN_WAIT2 cause=fin_acked");
	EXPECT_TRACE(&d, "client step tcp_orphan");
	EXPECT_STATE(&d, CLIENT, "FIN_WAIT2");
	EXPECT_EQ(duo_usage(&d, CLIENT).timewaits, 1);
	EXPECT_EQ(duo_usage(&d, CLIENT).ops, 0);
	EXPECT_EQ(duo_usage(&d, CLIENT).sockets, 0);
}

TEST_FAMILIES(a_lingering_close_gives_up_when_its_time_is_over_and_the_orphan_goes_on)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 1), 0);
	call = close_lingers(&d);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	duo_run_ms(&d, 990);
	EXPECT(call->pending);
	duo_run_ms(&d, 20);
	EXPECT_EQ(call->result, 0);
	EXPECT(call->ended_ns - call->begun_ns >= LAB_S);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	EXPECT_EQ(duo_usage(&d, SERVER).sockets, 0);
	duo_forget(&d);
	duo_run_ms(&d, 1000);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
}

TEST_FAMILIES(data_of_a_close_whose_time_ran_out_is_still_delivered)
{
	struct duo d = duo_established();
	struct lab_call *call;
	char buf[4000];

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 3), 0);
	lab_wire_cut(d.wire, LAB_BOTH, true);
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 4000), 4000);
	call = DUO_START(&d, SERVER, close);
	d.server.fd = -1;
	duo_run_ms(&d, 3010);
	EXPECT_EQ(call->result, 0);
	lab_wire_cut(d.wire, LAB_BOTH, false);
	duo_run_ms(&d, 10000);
	EXPECT_EQ(duo_recv(&d, CLIENT, buf, sizeof(buf)), 4000);
	EXPECT_RECV(&d, CLIENT, "");
}

TEST_FAMILIES(a_nonblocking_socket_lingers_all_the_same)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(DUO_TRY(&d, SERVER, fcntl, F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = close_lingers(&d);
	duo_run_ms(&d, 500);
	EXPECT(call->pending);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(call->result, 0);
}

TEST_FAMILIES(lingering_that_was_switched_off_again_does_not_wait)
{
	struct duo d = solo_accepted();
	struct linger linger;
	socklen_t len = sizeof(linger);

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	EXPECT_EQ(duo_linger(&d, SERVER, 0, 0), 0);
	EXPECT_EQ(DUO_TRY(&d, SERVER, getsockopt, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
	EXPECT_EQ(linger.l_onoff, 0);
	EXPECT_EQ(linger.l_linger, 10);
	EXPECT(!close_lingers(&d)->pending);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* rows: LG-18 FD-22 */
TEST_FAMILIES(a_signal_ends_a_lingering_close_with_0_and_the_number_is_gone)
{
	struct duo d = solo_accepted();
	struct lab_call *call;
	int fd = d.server.fd;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = close_lingers(&d);
	duo_run_ms(&d, 100);
	EXPECT(call->pending);
	EXPECT_EQ(LAB_TRY(&d.server.thread, shutdown, fd, SHUT_WR), -EBADF);
	EXPECT_EQ(lab_interrupt(call), 0);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	duo_run_ms(&d, 200);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

TEST_FAMILIES(a_reset_ends_a_lingering_close)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = close_lingers(&d);
	duo_run_ms(&d, 100);
	solo_say(&d, "R. 1:1(0) ack 2 win 0");
	EXPECT_EQ(call->result, 0);
	EXPECT_EQ(call->ended_ns - call->begun_ns, 100 * LAB_MS);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).sockets, 0);
}

TEST_FAMILIES(data_that_arrives_ends_a_lingering_close_by_rst)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = close_lingers(&d);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	solo_say(&d, "P. 1:11(10) ack 1 win 65535");
	EXPECT_HEARD(&d, "R 1:1(0)");
	EXPECT_EQ(call->result, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

TEST_FAMILIES(lingering_with_the_fin_acknowledged_already_returns_at_once)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT(!close_lingers(&d)->pending);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT2");
}

TEST_FAMILIES(lingering_in_close_wait_waits_out_last_ack)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	call = close_lingers(&d);
	EXPECT_STATE(&d, SERVER, "LAST_ACK");
	duo_run_ms(&d, 100);
	EXPECT(call->pending);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_EQ(call->result, 0);
	EXPECT_STATE(&d, SERVER, "");
}

TEST_FAMILIES(a_lingering_close_waits_out_closing_too)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = close_lingers(&d);
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_STATE(&d, SERVER, "CLOSING");
	EXPECT(call->pending);
	solo_say(&d, ". 2:2(0) ack 2 win 65535");
	EXPECT_EQ(call->result, 0);
	EXPECT_STATE(&d, SERVER, "TIME_WAIT");
}

TEST_FAMILIES(a_negative_time_lingers_without_limit)
{
	struct duo d = solo_accepted();
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, -1), 0);
	EXPECT_EQ(duo_send_bytes(&d, SERVER, 100), 100);
	call = close_lingers(&d);
	duo_run_ms(&d, 60000);
	EXPECT(call->pending);
	solo_say(&d, ". 1:1(0) ack 102 win 65535");
	EXPECT_EQ(call->result, 0);
}

TEST_FAMILIES(only_the_last_of_two_descriptors_lingers)
{
	struct duo d = solo_accepted();
	struct lab_call *call;
	int copy = (int)DUO_TRY(&d, SERVER, dup);

	EXPECT(copy >= 0);
	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	EXPECT(!close_lingers(&d)->pending);
	EXPECT_SILENCE(&d);
	d.server.fd = copy;
	call = close_lingers(&d);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT(call->pending);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(call->result, 0);
}

TEST_FAMILIES(dup2_onto_a_lingering_socket_waits_as_close_does)
{
	struct duo d = solo_accepted();
	struct lab_call *call;
	int other = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);

	EXPECT(other >= 0);
	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	call = LAB_START(&d.server.thread, dup2, other, d.server.fd);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT(call->pending);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(call->result, d.server.fd);
}

TEST_FAMILIES(a_process_that_exits_does_not_linger)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 10), 0);
	duo_exit(&d, SERVER);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
	EXPECT_EQ(duo_usage(&d, SERVER).ops, 0);
	EXPECT_EQ(duo_usage(&d, SERVER).sockets, 0);
}

TEST_FAMILIES(a_process_that_exits_with_linger_0_resets)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	duo_exit(&d, SERVER);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 1");
	EXPECT_EQ(duo_usage(&d, SERVER).socks, 0);
}

TEST_FAMILIES(a_child_lingers_as_its_listener_was_told)
{
	struct duo d = solo_listening();
	struct linger linger = { 1, 10 };
	struct lab_call *call;

	EXPECT_EQ(LAB_TRY(&d.server.thread, setsockopt, d.listener, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	EXPECT_HEARD(&d, "S. 0:0(0) ack 1");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT(duo_accept(&d) >= 0);
	call = close_lingers(&d);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT(call->pending);
	solo_say(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(call->result, 0);
}

TEST(the_option_wants_its_whole_structure)
{
	struct duo d = duo_listening();
	struct linger linger = { 1, 7 };
	socklen_t len = 4;

	EXPECT_EQ(DUO_TRY(&d, CLIENT, setsockopt, SOL_SOCKET, SO_LINGER, &linger, 4), -EINVAL);
	EXPECT_EQ(duo_linger(&d, CLIENT, 5, 7), 0);
	linger = (struct linger){ -1, -1 };
	EXPECT_EQ(DUO_TRY(&d, CLIENT, getsockopt, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
	EXPECT_EQ(len, 4);
	EXPECT_EQ(linger.l_onoff, 1);
	EXPECT_EQ(linger.l_linger, -1);
}

/* ------------------------------------------------------------------ not close() itself, but the last call in progress */

/* The descriptor is closed under a recv(), whose end is then the close; a signal ends both at once (FD-10, LG-18). */
TEST(linger_of_an_interrupted_call_is_over_at_once)
{
	struct duo d = solo_accepted();
	char buf[8];
	struct lab_call *r = DUO_START(&d, SERVER, recv, buf, sizeof(buf), 0);

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 5), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(lab_interrupt(r), -EINTR);
	EXPECT(!r->pending);
	lab_run_for(d.world, 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}
