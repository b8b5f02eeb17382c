// SPDX-License-Identifier: MIT
/*
 * scenario/rough.c - a megabyte each way over a bad wire, for 200 seeds
 */
#include "harness.h"

TEST_ONCE(a_megabyte_both_ways_survives_a_rough_wire_for_200_seeds)
{
	struct lab_weather rough = {.delay_ns = 5 * LAB_MS,
				    .rate_bps = 100000000,
				    .queue_bytes = 200000,
				    .loss_ppm = 20000,
				    .dup_ppm = 10000,
				    .corrupt_ppm = 2000,
				    .reorder_ppm = 50000,
				    .reorder_ns = 3 * LAB_MS};

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct duo d;

		harness_seed(seed);
		d = duo_established();
		lab_wire_weather(d.wire, LAB_BOTH, &rough);
		duo_both_ways(&d, 1000000);
	}
}
