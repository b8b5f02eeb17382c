// SPDX-License-Identifier: MIT
/*
 * scenario/rough_soak.c - a hundred megabytes each way over a bad wire, again and again
 */
#include "harness.h"

TEST_ONCE(a_hundred_megabytes_both_ways_survive_a_rough_wire_for_20_seeds)
{
	struct lab_weather rough = {.delay_ns = 5 * LAB_MS,
				    .rate_bps = 100000000,
				    .queue_bytes = 200000,
				    .loss_ppm = 20000,
				    .dup_ppm = 10000,
				    .corrupt_ppm = 2000,
				    .reorder_ppm = 50000,
				    .reorder_ns = 3 * LAB_MS};

	for (uint64_t seed = 1001; seed <= 1020; seed++) {
		struct duo d;

		harness_seed(seed);
		d = duo_established();
		duo_no_record(&d);
		lab_wire_weather(d.wire, LAB_BOTH, &rough);
		duo_both_ways(&d, 100000000);
	}
}
