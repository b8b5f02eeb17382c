// SPDX-License-Identifier: MIT
/*
 * scenario/rows_recorded.c - what is counted, and how long a stand-in has: held against the kernel's own words
 *
 * tests/oracle/calls.txt has what the running kernel answered to the same stories, a line each: "UR-01 unread data:
 * TcpExtTCPAbortOnClose 1, TcpEstabResets 1, TcpOutRsts 1". A test plays its story on a socket of Lastack's whose peer is a script,
 * puts the answer into the same words, and compares them with the line of that name. tests/oracle/calls records them again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

/* What stands behind "NAME: " in the record; NULL: no such line. */
static const char *recorded(const char *name)
{
	const char *root = getenv("LASTACK_SRC");
	static char line[512];
	size_t len = strlen(name);
	char path[512];
	FILE *file;
	bool found = false;

	snprintf(path, sizeof(path), "%s/tests/oracle/calls.txt", root ? root : ".");
	file = fopen(path, "r");
	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "  ", 2) && !strncmp(line + 2, name, len) && !strncmp(line + 2 + len, ": ", 2);
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = 0;
	return found ? line + 2 + len + 2 : NULL;
}

static void expect_recorded(const char *name, const char *ours)
{
	const char *theirs = recorded(name);

	if (!theirs)
		harness_fail(__FILE__, __LINE__, "the kernel's answer to \"%s\" is not in tests/oracle/calls.txt", name);
	EXPECT_STR(ours, theirs);
}

/* ------------------------------------------------------------------ what is counted */

static struct duo accepted(void)
{
	struct duo d = solo_accepted();

	duo_forget(&d);
	return d;
}

static void expect_counted(struct duo *d, const char *name)
{
	static const char *const counted[] = {
		"TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData", "TcpExtTCPAbortOnLinger", "TcpExtTCPAbortOnTimeout",
		"TcpExtTCPAbortOnMemory", "TcpEstabResets", "TcpAttemptFails", "TcpOutRsts", "TcpExtTW", "TcpExtTWKilled",
		"TcpExtTCPTimeWaitOverflow", "TcpExtPAWSTimewait", "TcpExtTCPACKSkippedTimeWait",
		"TcpExtTCPACKSkippedFinWait2", "TcpExtTCPChallengeACK",
	};
	char text[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		unsigned long long count = duo_counter(d, SERVER, counted[i]);

		if (count)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %llu", len ? ", " : "", counted[i], count);
	}
	expect_recorded(name, len ? text : "nothing");
}

static void say_counting(struct duo *d, const char *text)
{
	duo_run_ms(d, 15);
	solo_say(d, text);
}

/* rows: UR-01 */
TEST(unread_data_is_counted)
{
	struct duo d = accepted();

	say_counting(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "UR-01 unread data");
}

/* rows: UR-06 */
TEST(unread_data_in_close_wait_is_counted)
{
	struct duo d = accepted();

	say_counting(&d, "P. 1:4(3) ack 1 win 65535");
	say_counting(&d, "F. 4:4(0) ack 1 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "UR-06 unread data in CLOSE_WAIT");
}

/* rows: UR-09 */
TEST(unread_data_in_fin_wait1_is_counted)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	say_counting(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "UR-09 unread data in FIN_WAIT_1");
}

/* rows: UR-09 */
TEST(unread_data_in_fin_wait2_is_counted)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	say_counting(&d, "P. 1:4(3) ack 2 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "UR-09 unread data in FIN_WAIT_2");
}

/* rows: UR-11 LG-10 */
TEST(unread_data_is_counted_as_such_whatever_linger_says)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	say_counting(&d, "P. 1:4(3) ack 1 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "UR-11 unread data and linger 0");
}

/* rows: LG-01 */
TEST(linger_0_is_counted)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "LG-01 linger 0");
}

/* rows: LG-03 */
TEST(linger_0_in_close_wait_is_counted)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	say_counting(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "LG-03 linger 0 in CLOSE_WAIT");
}

/* After shutdown(SHUT_WR) and @segment, if any, close() with linger 0. */
static void linger_0_after_shutdown(const char *segment, const char *name)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	if (segment)
		say_counting(&d, segment);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, name);
}

/* rows: LG-04 */
TEST(linger_0_in_fin_wait1_is_counted)
{
	linger_0_after_shutdown(NULL, "LG-04 linger 0 in FIN_WAIT_1");
}

/* rows: LG-04 */
TEST(linger_0_in_fin_wait2_is_counted)
{
	linger_0_after_shutdown(". 1:1(0) ack 2 win 65535", "LG-04 linger 0 in FIN_WAIT_2");
}

/* rows: LG-12 */
TEST(linger_0_in_closing_is_counted)
{
	linger_0_after_shutdown("F. 1:1(0) ack 1 win 65535", "LG-12 linger 0 in CLOSING");
}

/* rows: LG-12 */
TEST(linger_0_in_last_ack_is_counted)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_linger(&d, SERVER, 1, 0), 0);
	say_counting(&d, "F. 1:1(0) ack 1 win 65535");
	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "LG-12 linger 0 in LAST_ACK");
}

/* rows: CL-11 */
TEST(close_in_fin_wait2_counts_a_stand_in)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	say_counting(&d, ". 1:1(0) ack 2 win 65535");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "CL-11 close in FIN_WAIT_2");
}

/* close(), then up to three segments. */
static void after_close(struct duo d, const char *name, const char *one, const char *two, const char *three)
{
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	say_counting(&d, one);
	if (two)
		say_counting(&d, two);
	if (three)
		say_counting(&d, three);
	expect_counted(&d, name);
}

static struct duo accepted_with_linger2(int seconds)
{
	struct duo d = accepted();

	EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, seconds), 0);
	return d;
}

static struct duo accepted_without_room(void)
{
	struct duo d = accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_max_tw_buckets", "0");
	return d;
}

#define ACK_OF_FIN ". 1:1(0) ack 2 win 65535"
#define FIN_TOO	   "F. 1:1(0) ack 2 win 65535"

/* rows: F1-01 */
TEST(data_in_fin_wait1_is_counted)
{
	after_close(accepted(), "F1-01 data in FIN_WAIT_1", "P. 1:4(3) ack 1 win 65535", NULL, NULL);
}

/* rows: F1-04 */
TEST(fin_and_ack_in_fin_wait1_count_a_time_wait)
{
	after_close(accepted(), "F1-04 FIN and ACK in FIN_WAIT_1", FIN_TOO, NULL, NULL);
}

/* rows: F1-05 */
TEST(data_and_ack_in_fin_wait1_are_counted)
{
	after_close(accepted(), "F1-05 data and ACK in FIN_WAIT_1", "P. 1:4(3) ack 2 win 65535", NULL, NULL);
}

/* rows: F2-01 */
TEST(a_stand_in_is_counted)
{
	after_close(accepted(), "F2-01 ACK of the FIN", ACK_OF_FIN, NULL, NULL);
}

/* rows: F2-01 */
TEST(a_stand_in_of_4_seconds_counts_as_killed)
{
	after_close(accepted_with_linger2(4), "F2-01 ACK of the FIN, TCP_LINGER2 4", ACK_OF_FIN, NULL, NULL);
}

/* rows: F2-01 */
TEST(a_stand_in_of_5_seconds_does_not)
{
	after_close(accepted_with_linger2(5), "F2-01 ACK of the FIN, TCP_LINGER2 5", ACK_OF_FIN, NULL, NULL);
}

/* rows: F2-02 */
TEST(data_for_the_stand_in_counts_a_rst_alone)
{
	after_close(accepted(), "F2-02 data for the stand-in", ACK_OF_FIN, "P. 1:4(3) ack 2 win 65535", NULL);
}

/* rows: F2-06 */
TEST(a_negative_linger2_in_fin_wait2_is_counted)
{
	struct duo d = accepted_with_linger2(-1);

	EXPECT_EQ(duo_shutdown(&d, SERVER, SHUT_WR), 0);
	say_counting(&d, ACK_OF_FIN);
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	expect_counted(&d, "F2-06 TCP_LINGER2 -1 in FIN_WAIT_2");
}

/* rows: F2-07 */
TEST(a_negative_linger2_in_fin_wait1_is_counted)
{
	after_close(accepted_with_linger2(-1), "F2-07 TCP_LINGER2 -1 in FIN_WAIT_1", ACK_OF_FIN, NULL, NULL);
}

/* rows: F2-13 */
TEST(a_rst_for_the_stand_in_is_not_counted)
{
	after_close(accepted(), "F2-13 RST for the stand-in", ACK_OF_FIN, "R 5000:5000(0) win 0", NULL);
}

/* rows: F2-17 */
TEST(a_stand_in_without_room_is_counted)
{
	after_close(accepted_without_room(), "F2-17 no room for the stand-in", ACK_OF_FIN, NULL, NULL);
}

/* rows: TW-15 */
TEST(a_time_wait_without_room_is_counted)
{
	after_close(accepted_without_room(), "TW-15 no room for TIME_WAIT", FIN_TOO, NULL, NULL);
}

/* rows: F2-19 */
TEST(a_skipped_ack_of_a_stand_in_is_counted)
{
	const char *rst = "R 200000:200000(0) win 0";

	after_close(accepted(), "F2-19 two RSTs outside", ACK_OF_FIN, rst, rst);
}

/* rows: TW-14 */
TEST(a_skipped_ack_in_time_wait_is_counted)
{
	after_close(accepted(), "TW-14 two old empty segments", FIN_TOO, ACK_OF_FIN, ACK_OF_FIN);
}

/* rows: OR-08 */
TEST(a_rst_elsewhere_for_an_orphan_is_counted)
{
	after_close(accepted(), "OR-08 a RST elsewhere, one in place", "R 5000:5000(0) win 0", "R 1:1(0) win 0", NULL);
}

/* rows: TW-16 */
TEST(the_end_of_last_ack_is_not_counted)
{
	struct duo d = accepted();

	say_counting(&d, "F. 1:1(0) ack 1 win 65535");
	after_close(d, "TW-16 LAST_ACK ends", ". 2:2(0) ack 2 win 65535", NULL, NULL);
}

/* rows: OR-03 */
TEST(an_orphan_that_is_given_up_is_counted)
{
	struct duo d = accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_orphan_retries", "1");
	EXPECT_EQ(duo_close(&d, SERVER), 0);
	duo_run_ms(&d, 1700);
	EXPECT_STATE(&d, SERVER, "");
	expect_counted(&d, "OR-03 given up");
}

/* ------------------------------------------------------------------ how long a stand-in has */

/* Until the stand-in is gone, in whole seconds: the clock runs on to see. */
static void time_left(struct duo *d, char *text, size_t size)
{
	unsigned halves = 0;

	while (duo_usage(d, SERVER).timewaits) {
		duo_run_ms(d, 500);
		halves++;
	}
	if (halves)
		snprintf(text, size, "%u s", halves / 2);
	else
		snprintf(text, size, "none");
}

static struct duo accepted_with_timestamps(void)
{
	struct duo d = solo_listening();

	solo_say(&d, "S 0:0(0) win 65535 <mss 1460,TS val 1000 ecr 0>");
	solo_say(&d, ". 1:1(0) ack 1 win 65535 <nop,nop,TS val 1000 ecr 0>");
	EXPECT(duo_accept(&d) >= 0);
	EXPECT_EQ(LAB_TRY(&d.server.thread, close, d.listener), 0);
	d.listener = -1;
	return d;
}

/* rows: TW-11 */
TEST(an_older_timestamp_in_time_wait_is_counted)
{
	struct duo d = accepted_with_timestamps();

	duo_forget(&d);
	after_close(d, "TW-11 older timestamp", "F. 1:1(0) ack 2 win 65535 <nop,nop,TS val 1001 ecr 0>",
		    ". 2:2(0) ack 2 win 65535 <nop,nop,TS val 900 ecr 0>", NULL);
}

/* rows: TW-21 */
TEST(an_older_rst_in_time_wait_is_counted)
{
	struct duo d = accepted_with_timestamps();

	duo_forget(&d);
	after_close(d, "TW-21 RST with an older timestamp", "F. 1:1(0) ack 2 win 65535 <nop,nop,TS val 1001 ecr 0>",
		    "R 2:2(0) win 0 <nop,nop,TS val 900 ecr 0>", NULL);
}

#define FIN_WITH(tsval) "F. 1:1(0) ack 2 win 65535 <nop,nop,TS val " #tsval " ecr 0>"

/* After 1.7 s of TIME_WAIT @segment comes: how long has it then, and what does the peer hear? */
static void in_time_wait(struct duo d, const char *fin, const char *name, const char *segment)
{
	char left[32], text[160], answer[64] = "nothing";
	const char *heard;

	EXPECT_EQ(duo_close(&d, SERVER), 0);
	solo_say(&d, fin);
	duo_run_ms(&d, 1700);
	while (lab_raw_hear(d.raw))
		continue;
	solo_say(&d, segment);
	heard = lab_raw_hear(d.raw);
	if (heard)
		snprintf(answer, sizeof(answer), "%.*s", (int)(strstr(heard, " win ") - heard), heard);
	time_left(&d, left, sizeof(left));
	snprintf(text, sizeof(text), "60 s, and then %s, heard %s", left, answer);
	expect_recorded(name, text);
}

/* rows: TW-02 */
TEST(the_fin_again_begins_time_wait_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, the FIN again", "F. 1:1(0) ack 2 win 65535");
}

/* rows: TW-03 */
TEST(an_empty_segment_in_place_begins_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, an empty segment in place", ". 2:2(0) ack 2 win 65535");
}

/* rows: TW-04 */
TEST(an_old_empty_segment_begins_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, an empty segment, old", ". 1:1(0) ack 2 win 65535");
}

/* rows: TW-04 */
TEST(an_empty_segment_outside_the_window_begins_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, an empty segment outside the window", ". 200000:200000(0) ack 2 win 65535");
}

/* rows: TW-04 */
TEST(data_begins_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, data", "P. 2:5(3) ack 2 win 65535");
}

/* rows: TW-06 */
TEST(an_old_syn_does_not_begin_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, an old SYN", "S 1:1(0) win 65535 <mss 1000>");
}

/* rows: TW-06 TW-12 */
TEST(a_syn_ack_begins_it_anew)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, a SYN-ACK", "S. 1:1(0) ack 2 win 65535 <mss 1000>");
}

/* rows: TW-07 */
TEST(a_rst_in_place_ends_it)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, a RST in place", "R 2:2(0) win 0");
}

/* rows: TW-08 */
TEST(a_rst_in_place_leaves_it_alone_with_rfc1337)
{
	struct duo d = accepted();

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_rfc1337", "1");
	in_time_wait(d, FIN_TOO, "TIME_WAIT, a RST in place, rfc1337", "R 2:2(0) win 0");
}

/* rows: TW-09 */
TEST(a_rst_elsewhere_leaves_it_alone)
{
	in_time_wait(accepted(), FIN_TOO, "TIME_WAIT, a RST elsewhere", "R 100:100(0) win 0");
}

/* rows: TW-11 */
TEST(an_older_timestamp_begins_it_anew)
{
	in_time_wait(accepted_with_timestamps(), FIN_WITH(1001), "TIME_WAIT, an older timestamp",
		     ". 2:2(0) ack 2 win 65535 <nop,nop,TS val 900 ecr 0>");
}

/* rows: TW-11 */
TEST(an_older_timestamp_in_a_syn_begins_it_anew)
{
	in_time_wait(accepted_with_timestamps(), FIN_WITH(1001), "TIME_WAIT, an older timestamp in a SYN",
		     "S 1:1(0) win 65535 <nop,nop,TS val 900 ecr 0>");
}

/* rows: TW-21 */
TEST(a_rst_with_an_older_timestamp_leaves_it_alone)
{
	in_time_wait(accepted_with_timestamps(), FIN_WITH(1001), "TIME_WAIT, a RST with an older timestamp",
		     "R 2:2(0) win 0 <nop,nop,TS val 900 ecr 0>");
}

/* close() with these settings: the seconds of the stand-in, and those after the peer's FIN. */
static void in_fin_wait2(const char *name, int linger2, const char *fin_timeout)
{
	for (int fin = 0; fin <= 1; fin++) {
		struct duo d = accepted();
		char text[32];

		duo_sysctl(&d, SERVER, "net.ipv4.tcp_fin_timeout", fin_timeout);
		if (linger2)
			EXPECT_EQ(duo_set(&d, SERVER, IPPROTO_TCP, TCP_LINGER2, linger2), 0);
		EXPECT_EQ(duo_close(&d, SERVER), 0);
		solo_say(&d, ACK_OF_FIN);
		if (fin)
			solo_say(&d, FIN_TOO);
		time_left(&d, text, sizeof(text));
		expect_recorded(fin ? "the peer's FIN" : name, text);
	}
}

/* rows: F2-01 F2-16 */
TEST(a_stand_in_has_a_minute)
{
	in_fin_wait2("TCP_LINGER2 0, tcp_fin_timeout 60", 0, "60");
}

/* rows: F2-05 F2-16 */
TEST(a_stand_in_has_what_linger2_says)
{
	in_fin_wait2("TCP_LINGER2 7, tcp_fin_timeout 60", 7, "60");
	in_fin_wait2("TCP_LINGER2 3, tcp_fin_timeout 60", 3, "60");
	in_fin_wait2("TCP_LINGER2 1, tcp_fin_timeout 60", 1, "60");
}

/* rows: F2-09 */
TEST(a_stand_in_has_what_fin_timeout_says)
{
	in_fin_wait2("TCP_LINGER2 0, tcp_fin_timeout 30", 0, "30");
}

/* ------------------------------------------------------------------ a SYN that opens anew, and what may be in its way */

/* The listener has its @backlog, a first connection is in TIME_WAIT, whose first number was @isn, then come the SYNs of three
 * others, and their ACKs. */
static struct duo with_three_others(int backlog, bool acks, uint32_t *isn)
{
	struct duo d = solo_listening();

	EXPECT_EQ(LAB_TRY(&d.server.thread, listen, d.listener, backlog), 0);
	for (unsigned n = 0; n <= 3; n++) {
		lab_raw_forget(d.raw);
		d.raw->port = (uint16_t)(5000 + n);
		solo_say(&d, "S 0:0(0) win 65535 <mss 1000>");
		if (n == 0 || acks)
			solo_say(&d, ". 1:1(0) ack 1 win 65535");
		if (n)
			continue;
		EXPECT(duo_accept(&d) >= 0);
		EXPECT_EQ(duo_close(&d, SERVER), 0);
		solo_say(&d, FIN_TOO);
		EXPECT_EQ(duo_usage(&d, SERVER).timewaits, 1);
		while (lab_raw_hear(d.raw))
			*isn = d.raw->host_isn;
	}
	lab_raw_forget(d.raw);
	d.raw->port = 5000;
	return d;
}

static void expect_syn_to_time_wait(struct duo *d, uint32_t isn, const char *name)
{
	char text[128], at[32] = "";
	const char *heard;

	solo_say(d, "S 7000:7000(0) win 65535 <mss 1000>");
	heard = lab_raw_hear(d->raw);
	if (heard)
		snprintf(at, sizeof(at), " at %u", d->raw->host_isn - isn);
	snprintf(text, sizeof(text), "heard %.*s%s, of TIME_WAIT is left %s", heard ? (int)strcspn(heard, " ") : 7,
		 heard ? heard : "nothing", at, duo_usage(d, SERVER).timewaits ? "some" : "none");
	expect_recorded(name, text);
}

/* rows: TW-05 */
TEST(a_newer_syn_opens_anew)
{
	uint32_t isn = 0;
	struct duo d = with_three_others(8, false, &isn);

	expect_syn_to_time_wait(&d, isn, "nothing in the way");
}

/* rows: TW-05 */
TEST(a_newer_syn_ends_time_wait_and_is_dropped_where_the_accept_queue_is_full)
{
	uint32_t isn = 0;
	struct duo d = with_three_others(0, true, &isn);

	expect_syn_to_time_wait(&d, isn, "accept queue full");
}

/* rows: TW-05 */
TEST(a_newer_syn_opens_anew_where_the_backlog_is_full_of_requests)
{
	uint32_t isn = 0;
	struct duo d = with_three_others(1, false, &isn);

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "0");
	expect_syn_to_time_wait(&d, isn, "three requests, backlog 1, no cookies");
}

/* rows: TW-05 */
TEST(a_newer_syn_opens_anew_without_a_cookie)
{
	uint32_t isn = 0;
	struct duo d = with_three_others(8, false, &isn);

	duo_sysctl(&d, SERVER, "net.ipv4.tcp_syncookies", "2");
	expect_syn_to_time_wait(&d, isn, "cookies always");
}

/* ------------------------------------------------------------------ connecting again */

/* The socket disconnects from a script that has offered @window at most, or not answered, and connects to another. */
static void expect_next_number(uint32_t window, const char *name)
{
	struct sockaddr_storage unspec = {.ss_family = AF_UNSPEC}, addr;
	struct duo d = solo_connecting();
	uint32_t first = d.raw->host_isn;
	char text[128];
	socklen_t len;

	if (window) {
		snprintf(text, sizeof(text), "S. 0:0(0) ack 1 win %u <mss 1000>", window);
		solo_say(&d, text);
		EXPECT_EQ(duo_send_bytes(&d, CLIENT, 10), 10);
		snprintf(text, sizeof(text), ". 1:1(0) ack 11 win %u", window - 500);
		solo_say(&d, text);
	}
	EXPECT_EQ(DUO_CALL(&d, CLIENT, connect, (struct sockaddr *)&unspec, sizeof(unspec)), 0);
	duo_run_ms(&d, 1);
	lab_raw_forget(d.raw);
	d.raw->port = 5001;
	d.raw->host_port = 0;
	len = lab_wire_addr(d.wire, LAB_B, d.family, d.raw->port, &addr);
	EXPECT_EQ(DUO_TRY(&d, CLIENT, connect, (struct sockaddr *)&addr, len), -EINPROGRESS);
	EXPECT_HEARD(&d, "S 0:0(0)");
	snprintf(text, sizeof(text), "disconnect 0, the next SYN %u above the first", d.raw->host_isn - first);
	expect_recorded(name, text);
}

/* rows: DC-01 DC-06 */
TEST(after_an_attempt_numbers_go_on_behind_the_first)
{
	expect_next_number(0, "nobody answered");
}

/* rows: DC-01 */
TEST(after_a_disconnect_numbers_go_on_beyond_what_the_peer_could_take)
{
	expect_next_number(5000, "10 bytes, window 5000");
	expect_next_number(65535, "10 bytes, window 65535");
}
