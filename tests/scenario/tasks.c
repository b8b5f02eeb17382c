// SPDX-License-Identifier: MIT
/*
 * scenario/tasks.c - threads and processes that hold, close and wait for the same connection
 *
 * What the twelve programs of posix.c do not do: dup2, exec, descriptors in flight, numbers given out anew, poll and epoll of what
 * another closes, connect() that is closed under, signals. What is expected of rows FD, WK and SP was recorded by
 * tests/oracle/calls (calls.txt).
 */
#include <fcntl.h>

#include "harness.h"

static char buf[4096]; /* of calls that are left pending */

/* ------------------------------------------------------------------ who holds the file */

/* rows: FD-08 */
TEST_FAMILIES(dup2_onto_the_last_number_closes_before_it_returns)
{
	struct duo d = solo_accepted();
	int other = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);

	EXPECT(other >= 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, dup2, other, d.server.fd), d.server.fd);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(LAB_TRY(&d.server.thread, dup3, other, other, 0), -EINVAL);
	EXPECT_EQ(LAB_TRY(&d.server.thread, dup2, other, other), other);
}

TEST_FAMILIES(dup2_onto_one_of_two_numbers_closes_nothing)
{
	struct duo d = solo_accepted();
	int copy = (int)DUO_TRY(&d, SERVER, dup);
	int other = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);

	EXPECT_EQ(LAB_TRY(&d.server.thread, dup2, other, d.server.fd), d.server.fd);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, copy), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* rows: FD-09 */
TEST_FAMILIES(exec_closes_what_is_marked_and_nothing_else)
{
	struct duo d = solo_accepted();
	int copy = (int)DUO_TRY(&d, SERVER, fcntl, F_DUPFD_CLOEXEC, 10);

	EXPECT_EQ(copy, 10);
	EXPECT_EQ(la_task_exec(d.server.thread.task, d.world->now_ns), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, copy), -EBADF);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(DUO_TRY(&d, SERVER, fcntl, F_SETFD, FD_CLOEXEC), 0);
	EXPECT_EQ(la_task_exec(d.server.thread.task, d.world->now_ns), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(DUO_TRY(&d, SERVER, close), -EBADF);
}

TEST(exec_breaks_off_the_calls_of_its_task_and_leaves_the_others_theirs)
{
	struct duo d = solo_listening();
	struct lab_thread *other = duo_thread(&d, SERVER);
	struct lab_call *ours = LAB_START(&d.server.thread, accept4, d.listener, NULL, NULL, 0);
	struct lab_call *theirs = LAB_START(other, accept4, d.listener, NULL, NULL, 0);

	EXPECT_EQ(la_task_exec(d.server.thread.task, d.world->now_ns), 0);
	EXPECT_EQ(ours->result, -EINTR);
	EXPECT(theirs->pending);
	solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_EQ(theirs->result, d.listener + 2);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener + 2), -EBADF);
}

/* rows: FD-21 */
TEST_FAMILIES(a_forked_child_that_execs_keeps_the_connection_alive)
{
	struct duo d = solo_accepted();
	struct lab_thread *child = duo_fork(&d, SERVER);

	EXPECT_EQ(la_task_exec(child->task, d.world->now_ns), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	lab_exit(child);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* rows: FD-18 FD-19 */
TEST_FAMILIES(a_descriptor_in_flight_holds_the_connection_until_it_is_destroyed)
{
	struct duo d = solo_accepted();
	struct la_file *flight = la_file_get(d.server.thread.task, d.server.fd);

	EXPECT(flight != NULL);
	EXPECT_EQ(la_file_count(flight), 2);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(la_file_count(flight), 1);
	la_file_put(d.server.host->stack, flight, d.world->now_ns);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* rows: FD-20 */
TEST_FAMILIES(a_descriptor_that_lands_is_an_ordinary_one)
{
	struct duo d = solo_accepted();
	struct lab_thread *child = duo_fork(&d, SERVER);
	struct la_file *flight = la_file_get(d.server.thread.task, d.server.fd);
	int fd;

	EXPECT(flight != NULL);
	EXPECT_EQ(LAB_TRY(child, close, d.server.fd), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	fd = la_file_install(child->task, flight, 0);
	EXPECT(fd >= 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(LAB_TRY(child, recv, fd, buf, sizeof(buf), 0), 3);
	lab_exit(child);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 4");
}

TEST_FAMILIES(three_processes_and_the_last_one_closes)
{
	struct duo d = solo_accepted();
	struct lab_thread *one = duo_fork(&d, SERVER), *two = duo_fork(&d, SERVER);
	int fd = d.server.fd;

	EXPECT_EQ(LAB_TRY(one, close, fd), 0);
	lab_exit(two);
	EXPECT_SILENCE(&d);
	EXPECT_EQ(LAB_TRY(one, recv, fd, buf, 1, 0), -EBADF);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* ------------------------------------------------------------------ calls that wait while another closes */

/* rows: FD-14 */
TEST_FAMILIES(a_blocked_reader_stays_with_its_file_when_the_number_is_given_out_anew)
{
	struct duo d = solo_accepted();
	struct lab_thread *reader = duo_thread(&d, SERVER);
	struct lab_call *call = LAB_START(reader, recv, d.server.fd, buf, sizeof(buf), 0);
	int fd = d.server.fd;

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0), fd);
	EXPECT_SILENCE(&d);
	EXPECT(call->pending);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(call->result, 3);
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 4");
}

/* rows: FD-17 */
TEST_FAMILIES(a_connection_that_comes_up_under_close_is_closed_at_once)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	struct lab_thread *other = duo_thread(&d, CLIENT);
	struct lab_call *call;

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	d.client.fd = (int)LAB_TRY(&d.client.thread, socket, d.family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	lab_raw_forget(d.raw);
	d.raw->host_port = 0;
	call = LAB_START(other, connect, d.client.fd, (struct sockaddr *)&addr, len);
	EXPECT_HEARD(&d, "S 0:0(0)");
	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	EXPECT(call->pending);
	EXPECT_SILENCE(&d);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_EQ(call->result, 0);
	EXPECT_HEARD(&d, ". 1:1(0) ack 1");
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

/* rows: FD-15 */
TEST_FAMILIES(poll_of_what_another_closed_says_nval_when_something_happens)
{
	struct duo d = solo_accepted();
	struct lab_thread *other = duo_thread(&d, SERVER);
	static struct pollfd pfd;
	struct lab_call *call;

	pfd = (struct pollfd){ .fd = d.server.fd, .events = POLLIN };
	call = LAB_START(other, poll, &pfd, 1, -1);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	duo_run_ms(&d, 100);
	EXPECT(call->pending);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(call->result, 1);
	EXPECT_EQ(pfd.revents, POLLNVAL);
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_HEARD(&d, "R. 1:1(0) ack 4"); /* it held the file, and what is unread resets */
}

/* rows: FD-15 */
TEST_FAMILIES(poll_of_a_number_given_out_anew_tells_of_the_new_file)
{
	struct duo d = solo_accepted();
	struct lab_thread *other = duo_thread(&d, SERVER);
	static struct pollfd pfd;
	struct lab_call *call;
	int fd = d.server.fd, fresh = (int)LAB_TRY(&d.server.thread, socket, AF_INET, SOCK_STREAM, 0);

	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	call = LAB_START(other, poll, &pfd, 1, -1);
	EXPECT(call->pending);
	EXPECT_EQ(LAB_TRY(&d.server.thread, dup2, fresh, fd), fd);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(call->result, 1);
	EXPECT_EQ(pfd.revents, POLLHUP); /* of a fresh socket */
}

/* rows: FD-16 */
TEST_FAMILIES(an_epoll_set_forgets_what_is_closed_and_holds_nothing)
{
	struct duo d = solo_accepted();
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 }, got = { 0 };
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.server.fd, &event), 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_HEARD(&d, ". 1:1(0) ack 4");
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.data.u64, 7);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "R. 1:1(0) ack 4");
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
}

/* rows: FD-16 */
TEST_FAMILIES(while_a_copy_lives_epoll_goes_on_telling_under_the_old_data)
{
	struct duo d = solo_accepted();
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 }, got = { 0 };
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0), copy = (int)DUO_TRY(&d, SERVER, dup);

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.server.fd, &event), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.data.u64, 7);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, copy), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
}

TEST_FAMILIES(epoll_wait_that_blocks_sees_nothing_of_a_close)
{
	struct duo d = solo_accepted();
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };
	static struct epoll_event got;
	struct lab_thread *other = duo_thread(&d, SERVER);
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);
	struct lab_call *call;

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.server.fd, &event), 0);
	call = LAB_START(other, epoll_wait, epfd, &got, 1, 1000);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT(call->pending);
	duo_run_ms(&d, 1100);
	EXPECT_EQ(call->result, 0);
}

/* ------------------------------------------------------------------ edges that epoll tells */

TEST_FAMILIES(an_edge_is_told_once_for_the_fin_and_once_for_the_reset)
{
	struct duo d = solo_accepted();
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET }, got = { 0 };
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.server.fd, &event), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
	solo_say(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.events, EPOLLIN | EPOLLRDHUP);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
	solo_say(&d, "R. 2:2(0) ack 1 win 0");
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.events, EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
}

TEST_FAMILIES(our_own_shutdown_is_an_edge_too)
{
	struct duo d = solo_accepted();
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET }, got = { 0 };
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.server.fd, &event), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.events, EPOLLRDHUP);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.events, EPOLLRDHUP | EPOLLHUP);
}

TEST_FAMILIES(epoll_on_a_listener_tells_hup_when_it_shuts_down)
{
	struct duo d = solo_listening();
	struct epoll_event event = { .events = EPOLLIN }, got = { 0 };
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);

	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_ctl, epfd, EPOLL_CTL_ADD, d.listener, &event), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, shutdown, d.listener, SHUT_RD), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, epoll_wait, epfd, &got, 1, 0), 1);
	EXPECT_EQ(got.events, EPOLLHUP);
}

/* ------------------------------------------------------------------ woken by what */

TEST_FAMILIES(waitall_returns_its_part_when_the_stream_ends)
{
	struct duo d = solo_accepted();
	struct lab_call *call = DUO_START(&d, SERVER, recv, buf, 10, MSG_WAITALL);

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT(call->pending);
	solo_say(&d, "F. 4:4(0) ack 1 win 65535");
	EXPECT_EQ(call->result, 3);
	EXPECT_RECV(&d, SERVER, "");
}

TEST_FAMILIES(waitall_returns_its_part_at_a_reset_and_the_error_comes_next)
{
	struct duo d = solo_accepted();
	struct lab_call *call = DUO_START(&d, SERVER, recv, buf, 10, MSG_WAITALL);

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	solo_say(&d, "R. 4:4(0) ack 1 win 0");
	EXPECT_EQ(call->result, 3);
	EXPECT_EQ(duo_recv(&d, SERVER, (char[1]){ 0 }, 1), -ECONNRESET);
}

/* rows: WK-03 */
TEST_FAMILIES(waitall_returns_its_part_at_shutdown_and_at_a_signal)
{
	struct duo d = solo_accepted();
	struct lab_thread *other = duo_thread(&d, SERVER);
	struct lab_call *call = LAB_START(other, recv, d.server.fd, buf, 10, MSG_WAITALL);

	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(lab_interrupt(call), 3);
	call = LAB_START(other, recv, d.server.fd, buf, 10, MSG_WAITALL);
	solo_say(&d, "P. 4:6(2) ack 1 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_RD), 0);
	EXPECT_EQ(call->result, 2);
}

TEST_FAMILIES(recv_of_nothing_waits_and_read_of_nothing_does_not)
{
	struct duo d = solo_accepted();
	struct lab_call *call = DUO_START(&d, SERVER, recv, buf, 0, 0);

	EXPECT_EQ(DUO_TRY(&d, SERVER, read, buf, 0), 0);
	EXPECT(call->pending);
	solo_say(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(call->result, 0);
	EXPECT_RECV(&d, SERVER, "abc");
}

/* A blocking connect() that the script has heard. */
static struct lab_call *connects(struct duo *d)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d->wire, LAB_B, d->family, DUO_PORT, &addr);
	struct lab_thread *other = duo_thread(d, CLIENT);
	struct lab_call *call;

	EXPECT_EQ(duo_close(d, CLIENT), 0);
	d->client.fd = (int)LAB_TRY(&d->client.thread, socket, d->family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	EXPECT(d->client.fd >= 0);
	lab_raw_forget(d->raw);
	d->raw->host_port = 0;
	call = LAB_START(other, connect, d->client.fd, (struct sockaddr *)&addr, len);
	EXPECT_HEARD(d, "S 0:0(0)");
	return call;
}

/* rows: WK-10 */
TEST_FAMILIES(a_blocked_connect_hears_of_shutdown_as_econnreset)
{
	struct duo d = solo_connecting();
	struct lab_call *call = connects(&d);

	EXPECT_EQ(duo_shutdown(&d, CLIENT, SHUT_WR), 0);
	EXPECT_EQ(call->result, -ECONNRESET);
}

TEST_FAMILIES(a_blocked_connect_that_is_refused_leaves_a_fresh_socket)
{
	struct duo d = solo_connecting();
	struct lab_call *call = connects(&d);

	solo_say(&d, "R. 0:0(0) ack 1 win 0");
	EXPECT_EQ(call->result, -ECONNREFUSED);
	EXPECT_ERROR(&d, CLIENT, 0);
	EXPECT_EQ(duo_recv(&d, CLIENT, (char[1]){ 0 }, 1), -ENOTCONN);
	EXPECT_POLL(&d, CLIENT, DUO_OUT | POLLHUP);
}

TEST_FAMILIES(a_signal_ends_connect_and_the_attempt_goes_on)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	struct lab_call *call = connects(&d);

	EXPECT_EQ(lab_interrupt(call), -EINTR);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
	call = DUO_START(&d, CLIENT, connect, (struct sockaddr *)&addr, len);
	EXPECT(call->pending);
	solo_say(&d, "S. 0:0(0) ack 1 win 65535 <mss 1460>");
	EXPECT_EQ(call->result, 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EISCONN);
}

/* rows: WK-04 */
TEST_FAMILIES(connect_that_runs_out_of_so_sndtimeo_says_einprogress)
{
	struct duo d = solo_connecting();
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(d.wire, LAB_B, d.family, DUO_PORT, &addr);
	struct timeval timeout = { .tv_sec = 2 };
	struct lab_call *call;

	EXPECT_EQ(duo_close(&d, CLIENT), 0);
	d.client.fd = (int)LAB_TRY(&d.client.thread, socket, d.family == AF_INET ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, setsockopt, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)), 0);
	call = DUO_START(&d, CLIENT, connect, (struct sockaddr *)&addr, len);
	duo_run_ms(&d, 1990);
	EXPECT(call->pending);
	duo_run_ms(&d, 20);
	EXPECT_EQ(call->result, -EINPROGRESS);
	EXPECT_STATE(&d, CLIENT, "SYN_SENT");
}

TEST_FAMILIES(disconnect_wakes_a_reader_with_epipe_and_leaves_the_error)
{
	struct duo d = solo_accepted();
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct lab_thread *other = duo_thread(&d, SERVER);
	struct lab_call *call = LAB_START(other, recv, d.server.fd, buf, sizeof(buf), 0);

	EXPECT_EQ(DUO_TRY(&d, SERVER, connect, &unspec, sizeof(unspec)), 0);
	EXPECT_EQ(call->result, -EPIPE);
	EXPECT_ERROR(&d, SERVER, ECONNRESET);
}

TEST_FAMILIES(disconnect_wakes_a_connect_with_epipe)
{
	struct duo d = solo_connecting();
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct lab_call *call = connects(&d);

	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, &unspec, sizeof(unspec)), 0);
	EXPECT_EQ(call->result, -EPIPE);
}

TEST_FAMILIES(disconnect_of_a_listener_wakes_accept_with_einval)
{
	struct duo d = solo_listening();
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct lab_thread *other = duo_thread(&d, SERVER);
	struct lab_call *call = LAB_START(other, accept4, d.listener, NULL, NULL, 0);

	EXPECT(call->pending);
	EXPECT_EQ(LAB_TRY(&d.server.thread, connect, d.listener, &unspec, sizeof(unspec)), 0);
	EXPECT_EQ(call->result, -EINVAL);
}

TEST_ONCE(a_signal_ends_a_blocked_send_with_what_it_took)
{
	struct duo d = duo_established();
	static char much[1 << 20];
	struct lab_call *call;
	int64_t n;

	call = DUO_START(&d, CLIENT, send, much, sizeof(much), 0);
	duo_run_ms(&d, 1000);
	EXPECT(call->pending);
	n = lab_interrupt(call);
	EXPECT(n > 0 && n < (int64_t)sizeof(much));
	while (DUO_TRY(&d, CLIENT, send, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	call = DUO_START(&d, CLIENT, send, much, 1, 0);
	EXPECT_EQ(lab_interrupt(call), -EINTR);
}

TEST(signals_end_accept_poll_and_epoll_wait_with_eintr)
{
	struct duo d = solo_listening();
	static struct pollfd pfd;
	static struct epoll_event got;
	int epfd = (int)LAB_TRY(&d.server.thread, epoll_create1, 0);

	pfd = (struct pollfd){ .fd = d.listener, .events = POLLIN };
	EXPECT(epfd >= 0);
	EXPECT_EQ(lab_interrupt(LAB_START(&d.server.thread, accept4, d.listener, NULL, NULL, 0)), -EINTR);
	EXPECT_EQ(lab_interrupt(LAB_START(&d.server.thread, poll, &pfd, 1, -1)), -EINTR);
	EXPECT_EQ(lab_interrupt(LAB_START(&d.server.thread, epoll_wait, epfd, &got, 1, -1)), -EINTR);
	EXPECT_EQ(duo_usage(&d, SERVER).ops, 0);
}

/* ------------------------------------------------------------------ the end of a task */

TEST_FAMILIES(a_process_that_dies_closes_what_only_it_held_in_the_order_of_its_numbers)
{
	struct duo d = solo_listening();

	for (uint16_t port = 6000; port < 6004; port++) {
		d.raw->port = port;
		lab_raw_forget(d.raw);
		d.raw->host_port = DUO_PORT;
		solo_say(&d, "S 0:0(0) win 65535 <mss 1460>");
		solo_say(&d, ". 1:1(0) ack 1 win 65535");
		EXPECT(duo_accept(&d) >= 0);
	}
	duo_forget(&d);
	duo_exit(&d, SERVER);
	lab_run_for(d.world, 0);
	for (uint16_t port = 6000; port < 6004; port++) {
		EXPECT(lab_raw_hear(d.raw) != NULL);
		EXPECT_EQ(d.raw->seg.dport, port);
		EXPECT_EQ(d.raw->seg.flags, LAB_FIN | LAB_ACK);
	}
	EXPECT_SILENCE(&d);
}

TEST_FAMILIES(a_thread_that_dies_closes_nothing_while_another_lives)
{
	struct duo d = solo_accepted();
	struct lab_thread *other = duo_thread(&d, SERVER);

	duo_exit(&d, SERVER);
	EXPECT_SILENCE(&d);
	lab_exit(other);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
}

TEST_FAMILIES(a_thread_killed_in_recv_gives_up_its_hold_and_the_connection_ends)
{
	struct duo d = solo_accepted();
	struct lab_thread *reader = duo_thread(&d, SERVER);
	struct lab_call *call = LAB_START(reader, recv, d.server.fd, buf, sizeof(buf), 0);

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	EXPECT_SILENCE(&d);
	lab_exit(reader);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT_EQ(call->result, -EINTR);
}

TEST_FAMILIES(a_lingering_close_ends_when_its_process_is_killed)
{
	struct duo d = solo_accepted();
	struct lab_thread *child = duo_fork(&d, SERVER);
	struct lab_call *call;

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 60), 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.server.fd), 0);
	call = LAB_START(child, close, d.server.fd);
	EXPECT_HEARD(&d, "F. 1:1(0) ack 1");
	EXPECT(call->pending);
	lab_exit(child);
	EXPECT_EQ(call->result, 0);
	EXPECT_STATE(&d, SERVER, "FIN_WAIT1");
	EXPECT_EQ(duo_usage(&d, SERVER).orphans, 1);
}
