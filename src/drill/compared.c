// SPDX-License-Identifier: MIT
/*
 * drill/compared.c - what is compared between two records, what is not, and why
 *
 * This is the whole list: the comparison takes the names of its findings from here, `lastack drill --help-compared` prints it
 * and docs/drill.md quotes that. tests/unit/drill_compare.c has for each row a pair of records that differ only there.
 */
#include "drill/compare.h"

#include <string.h>

const struct drill_row drill_compared[DRILL_ASPECTS] = {
	[DRILL_SEGMENT] = {"segment",
			   "each packet that leaves, asked for by the script or not, is there on both sides, in "
			   "the same order"},
	[DRILL_CONNECTION] = {"connection", "which of the run's connections it belongs to, by order of appearance"},
	[DRILL_FLAGS] = {"flags", "FIN SYN RST ACK URG ECE CWR AE"},
	[DRILL_PUSH] = {"push", "PSH, at the end of each segmentation unit"},
	[DRILL_SEQUENCE] = {"sequence", "counted from the side's initial number"},
	[DRILL_LENGTH] = {"length", "payload bytes; segments of one unit are joined first, and then the unit's length "
				    "and its largest segment count"},
	[DRILL_ACKNOWLEDGED] = {"acknowledgement", "counted from the script's initial number"},
	[DRILL_WINDOW] = {"window", "of a SYN exactly; later whether it is zero"},
	[DRILL_URGENT] = {"urgent pointer", "where URG is set"},
	[DRILL_SYN_OPTIONS] = {"SYN options", "all of them in their order, with MSS and window scale"},
	[DRILL_OPTIONS] = {"options", "behind the SYN: which there are, in which order"},
	[DRILL_SACK_BLOCKS] = {"SACK blocks", "their edges, counted from the script's initial number"},
	[DRILL_TS_ECHO] = {"timestamp echo", "which of the script's time stamps is echoed"},
	[DRILL_TRAFFIC_CLASS] = {"traffic class", "DSCP and ECN bits"},
	[DRILL_HOP_LIMIT] = {"hop limit", "TTL, hop limit"},
	[DRILL_CHECKSUM] = {"checksum", "right or wrong, and lengths that fit"},
	[DRILL_ICMP_MESSAGE] = {"ICMP message", "type, code, and the second word (the MTU)"},
	[DRILL_TIME] = {"time",
			"of each packet that leaves and of each call that waited: the kernel may be later by 1/8 "
			"of the time since what may have armed the timer + 4 ms tick + 20 ms noise, and earlier "
			"by 24 ms"},
	[DRILL_RESULT] = {"result", "of each call, with its errno; of calls that give a descriptor, that they do"},
	[DRILL_OUTPUT] = {"output", "what a call writes to its caller's memory: values of options, poll bits, events"},
	[DRILL_WAITING] = {"waiting", "whether the call waited"},
	[DRILL_STATE] = {"state", "TCP_INFO's, of each socket after each line"},
	[DRILL_POLL_BITS] = {"poll bits", "of each socket after each line, asked for all"},
	[DRILL_RECV_QUEUE] = {"bytes to read", "FIONREAD, of each socket after each line"},
	[DRILL_SEND_QUEUE] = {"unacknowledged", "SIOCOUTQ, of each socket after each line"},
	[DRILL_COUNTER] = {"counter", "by how much each counter of the list moved during the run"},
};

const struct drill_row drill_not_compared[] = {
	{"initial number", "random by design"},
	{"local port", "random where the program does not choose it"},
	{"timestamp value", "counts from a random beginning"},
	{"window value",
	 "behind the SYN it follows memory accounting: bytes with Linux's overhead per buffer there, payload "
	 "bytes here. That it opens and closes at the same time is compared"},
	{"unit boundaries",
	 "where a burst is cut into segmentation units follows the kernel's pacing rate; PSH shows the ends "
	 "of units that a program can see"},
	{"IP id, DF", "the id is random or zero; DF follows path MTU discovery's default and decides nothing here"},
	{"flow label", "a hash with a secret key"},
	{"descriptors", "a program's other files decide which number is free"},
	{"state after death",
	 "a socket that is CLOSE on one side and has no TCP_INFO on the other is told as it is: compared; "
	 "the id of its TIME_WAIT is not visible to programs"},
	{NULL, NULL},
};

const char *const drill_counters_compared[] = {
	NULL,
};

const struct drill_row drill_counters_not_compared[] = {
	{NULL, NULL},
};

bool drill_counter_excluded(const char *name)
{
	size_t len = strlen(name);

	for (const struct drill_row *row = drill_counters_not_compared; row->name; row++)
		for (const char *at = row->name; (at = strstr(at, name)); at += len)
			if ((at == row->name || at[-1] == ' ') && (!at[len] || at[len] == ' '))
				return true;
	return false;
}
