// SPDX-License-Identifier: MIT
/*
 * drill/compared.c - what is compared between two records, what is not, and why
 *
 * This is the whole list: the comparison takes the names of its findings from here, `lastack drill --help-compared`
 * prints it and docs/drill.md quotes that. tests/unit/drill_compare.c has for each row a pair of records that differ
 * only there.
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
	{"waking socket",
	 "of a call that waits: the line that ends the wait and the call race on a kernel; whether the call has "
	 "taken an error or data already is looked at from the next line on"},
	{"descriptors", "a program's other files decide which number is free"},
	{NULL, NULL},
};

/* clang-format off */
const char *const drill_counters_compared[] = {
	"IpInReceives", "IpInHdrErrors", "IpInAddrErrors", "IpForwDatagrams", "IpInUnknownProtos", "IpInDiscards",
	"IpInDelivers", "IpOutRequests", "IpOutDiscards", "IpOutNoRoutes", "IpReasmTimeout", "IpReasmReqds",
	"IpReasmOKs", "IpReasmFails", "IpFragOKs", "IpFragFails", "IpFragCreates", "IpOutTransmits", "IcmpInMsgs",
	"IcmpInErrors", "IcmpInCsumErrors", "IcmpInDestUnreachs", "IcmpInTimeExcds", "IcmpInParmProbs",
	"IcmpInSrcQuenchs", "IcmpInRedirects", "IcmpInEchos", "IcmpInEchoReps", "IcmpOutMsgs", "IcmpOutErrors",
	"IcmpOutDestUnreachs", "IcmpOutEchoReps", "IcmpOutTimeExcds", "IcmpInTimestamps", "IcmpInAddrMasks",
	"IcmpOutParmProbs", "IcmpOutRateLimitGlobal", "IcmpOutRateLimitHost", "Icmp6InMsgs", "Icmp6InErrors",
	"Icmp6InCsumErrors", "Icmp6InDestUnreachs", "Icmp6InPktTooBigs", "Icmp6InTimeExcds", "Icmp6InParmProblems",
	"Icmp6InEchos", "Icmp6InEchoReplies", "TcpActiveOpens", "TcpPassiveOpens", "TcpAttemptFails", "TcpEstabResets",
	"TcpCurrEstab", "TcpInSegs", "TcpOutSegs", "TcpRetransSegs", "TcpInErrs", "TcpOutRsts", "TcpInCsumErrors",
	"TcpExtSyncookiesSent", "TcpExtSyncookiesRecv", "TcpExtSyncookiesFailed", "TcpExtEmbryonicRsts",
	"TcpExtOutOfWindowIcmps", "TcpExtTW", "TcpExtTWRecycled", "TcpExtTWKilled", "TcpExtPAWSActive",
	"TcpExtPAWSEstab", "TcpExtBeyondWindow", "TcpExtTSEcrRejected", "TcpExtPAWSOldAck", "TcpExtPAWSTimewait",
	"TcpExtDelayedACKs", "TcpExtDelayedACKLost", "TcpExtListenOverflows", "TcpExtListenDrops", 
	"TcpExtTCPRenoRecovery", "TcpExtTCPSackRecovery",
	"TcpExtTCPSACKReneging", "TcpExtTCPSACKReorder", "TcpExtTCPRenoReorder", "TcpExtTCPTSReorder",
	"TcpExtTCPFullUndo", "TcpExtTCPPartialUndo", "TcpExtTCPDSACKUndo", "TcpExtTCPLossUndo",
	"TcpExtTCPLostRetransmit", "TcpExtTCPRenoFailures", "TcpExtTCPSackFailures", "TcpExtTCPLossFailures",
	"TcpExtTCPFastRetrans", "TcpExtTCPSlowStartRetrans", "TcpExtTCPTimeouts", "TcpExtTCPLossProbes",
	"TcpExtTCPLossProbeRecovery", "TcpExtTCPRenoRecoveryFail", "TcpExtTCPSackRecoveryFail",
	"TcpExtTCPDSACKOldSent", "TcpExtTCPDSACKOfoSent", "TcpExtTCPDSACKRecv", "TcpExtTCPDSACKOfoRecv",
	"TcpExtTCPAbortOnData", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnTimeout", "TcpExtTCPAbortOnLinger",
	"TcpExtTCPAbortFailed", "TcpExtTCPSACKDiscard", "TcpExtTCPSpuriousRTOs", "TcpExtTCPSackShifted",
	"TcpExtTCPSackMerged", "TcpExtTCPSackShiftFallback", "TcpExtTCPMinTTLDrop", "TcpExtTCPDeferAcceptDrop",
	"TcpExtIPReversePathFilter", "TcpExtTCPTimeWaitOverflow", "TcpExtTCPReqQFullDoCookies",
	"TcpExtTCPReqQFullDrop", "TcpExtTCPRetransFail", "TcpExtTCPOFOQueue", "TcpExtTCPOFODrop", "TcpExtTCPOFOMerge",
	"TcpExtTCPChallengeACK", "TcpExtTCPSYNChallenge", "TcpExtTCPFromZeroWindowAdv", "TcpExtTCPToZeroWindowAdv",
	"TcpExtTCPWantZeroWindowAdv", "TcpExtTCPSynRetrans", "TcpExtTCPOrigDataSent", "TcpExtTCPACKSkippedSynRecv",
	"TcpExtTCPACKSkippedPAWS", "TcpExtTCPACKSkippedSeq", "TcpExtTCPACKSkippedFinWait2",
	"TcpExtTCPACKSkippedTimeWait", "TcpExtTCPACKSkippedChallenge", "TcpExtTCPWinProbe", "TcpExtTCPKeepAlive",
	"TcpExtTCPDelivered", "TcpExtTCPAckCompressed", "TcpExtTCPZeroWindowDrop", "TcpExtTCPDSACKRecvSegs",
	"TcpExtTCPDSACKIgnoredDubious", "TcpExtTCPMigrateReqSuccess", "TcpExtTCPMigrateReqFailure",
	NULL,
};
/* clang-format on */

const struct drill_row drill_counters_not_compared[] = {
	{"TcpExtDelayedACKLocked TcpExtLockDroppedIcmps TcpExtTCPBacklogCoalesce TcpExtTCPBacklogDrop",
	 "count segments that meet a call in progress on another processor"},
	{"TcpExtPruneCalled TcpExtRcvPruned TcpExtOfoPruned TcpExtTCPRcvCollapsed TcpExtTCPRcvQDrop "
	 "TcpExtTCPRcvCoalesce "
	 "TcpExtTCPMemoryPressures TcpExtTCPMemoryPressuresChrono TcpExtTCPAbortOnMemory TcpExtTCPWqueueTooBig "
	 "TcpExtPFMemallocDrop",
	 "follow memory accounting, which counts the kernel's own overhead per buffer"},
	{"TcpExtTCPHPHits TcpExtTCPHPAcks TcpExtTCPPureAcks",
	 "tell which of the kernel's two paths took a segment; with data that depends on memory charged ahead by the "
	 "page, and Lastack has one path. What the segment did is compared"},
	{"TcpExtTCPAutoCorking TcpExtTCPSpuriousRtxHostQueues", "depend on when a device gives buffers back"},
	{"TcpExtTcpTimeoutRehash", "counts new flow labels, of which Lastack sends none"},
	{"TcpExtTCPHystart*", "CUBIC's, which Lastack does not have"},
	{"TcpExtTCPPLBRehash TcpExtTCPAO* TcpExtTCPMD5* TcpExtMPTCP* MPTcpExt*",
	 "of protocols that Lastack does not have"},
	{"Ip6*", "count the kernel's own neighbour discovery and multicast reports as well"},
	{"Icmp6Out*", "neighbour discovery, likewise"},
	{"IpExt*", "octets and ECN marks of all packets: each packet is compared itself"},
	{"IcmpMsg* Icmp6InType* Icmp6OutType*", "the same messages once more, by number"},
	{"Udp* UdpLite*", "not TCP"},
	{NULL, NULL},
};

/* @pattern, up to a blank, is a name or the beginning of names with a star behind it. */
static bool pattern_fits(const char *pattern, const char *name)
{
	size_t len = strcspn(pattern, " ");

	if (len && pattern[len - 1] == '*')
		return !strncmp(name, pattern, len - 1);
	return strlen(name) == len && !memcmp(name, pattern, len);
}

bool drill_counter_excluded(const char *name)
{
	for (const struct drill_row *row = drill_counters_not_compared; row->name; row++)
		for (const char *at = row->name; *at; at += strspn(at, " ")) {
			if (pattern_fits(at, name))
				return true;
			at += strcspn(at, " ");
		}
	return false;
}
