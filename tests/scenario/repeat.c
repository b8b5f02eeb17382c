// SPDX-License-Identifier: MIT
/*
 * scenario/repeat.c - what is counted when a timer repeats
 *
 * Scripts look at segments; these counters are all that tells one time-out from another. Each was compared with the kernel by
 * `lastack drill --on both` on a script that does the same (tests/packet/a-time-out-*).
 */
#include "harness.h"

TEST_FAMILIES(a_time_out_after_one_repeated_ack_is_a_failure_of_reno)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 2000), 2000);
	duo_run_ms(&d, 10);
	solo_say(&d, ". 1:1(0) ack 1 win 65535");
	duo_run_ms(&d, 300);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeouts", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPRenoFailures", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPSackFailures", 0);
	lab_raw_forget(d.raw);
}

TEST_FAMILIES(a_time_out_in_recovery_is_a_failed_recovery)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 5 * 1460), 5 * 1460);
	duo_run_ms(&d, 10);
	for (int n = 0; n < 3; n++)
		solo_say(&d, ". 1:1(0) ack 1 win 65535");
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPRenoRecovery", 1);
	duo_run_ms(&d, 300);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeouts", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPRenoRecoveryFail", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPSackRecoveryFail", 0);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPLossFailures", 0);
	lab_raw_forget(d.raw);
}

TEST_FAMILIES(a_time_out_after_one_that_helped_is_a_failure_of_loss)
{
	struct duo d = solo_accepted();

	EXPECT_EQ(duo_send_bytes(&d, SERVER, 3 * 1460), 3 * 1460);
	duo_run_ms(&d, 300);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPTimeouts", 1);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPLossFailures", 0);
	solo_say(&d, ". 1:1(0) ack 1461 win 65535");
	duo_run_ms(&d, 1000);
	EXPECT_COUNTER(&d, SERVER, "TcpExtTCPLossFailures", 1);
	lab_raw_forget(d.raw);
}
