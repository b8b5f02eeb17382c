/* SPDX-License-Identifier: MIT */
/*
 * stack/mib.h - the counters, by Linux's names: one list, from which the enum and the names that `nstat` prints are made
 *
 * Names: RFC 4293 (Ip, Ip6), RFC 792 and 4443 (Icmp, Icmp6), RFC 4022 (Tcp); TcpExt and IpExt are Linux's own.
 */
#ifndef LA_MIB_H
#define LA_MIB_H

#define MIB_LIST(M) \
	M(Ip, InReceives) M(Ip, InHdrErrors) M(Ip, InAddrErrors) M(Ip, ForwDatagrams) M(Ip, InUnknownProtos) \
	M(Ip, InDiscards) M(Ip, InDelivers) M(Ip, OutRequests) M(Ip, OutDiscards) M(Ip, OutNoRoutes) \
	M(Ip, ReasmTimeout) M(Ip, ReasmReqds) M(Ip, ReasmOKs) M(Ip, ReasmFails) M(Ip, FragOKs) M(Ip, FragFails) \
	M(Ip, FragCreates) M(Ip, OutTransmits) \
	M(Ip6, InReceives) M(Ip6, InHdrErrors) M(Ip6, InTooBigErrors) M(Ip6, InNoRoutes) M(Ip6, InAddrErrors) \
	M(Ip6, InUnknownProtos) M(Ip6, InTruncatedPkts) M(Ip6, InDiscards) M(Ip6, InDelivers) M(Ip6, OutRequests) \
	M(Ip6, OutDiscards) M(Ip6, OutNoRoutes) M(Ip6, ReasmTimeout) M(Ip6, ReasmReqds) M(Ip6, ReasmOKs) \
	M(Ip6, ReasmFails) M(Ip6, FragOKs) M(Ip6, FragFails) M(Ip6, FragCreates) M(Ip6, OutTransmits) \
	M(IpExt, InTruncatedPkts) M(IpExt, InCsumErrors) M(IpExt, ReasmOverlaps) \
	M(Icmp, InMsgs) M(Icmp, InErrors) M(Icmp, InCsumErrors) M(Icmp, InDestUnreachs) M(Icmp, InTimeExcds) \
	M(Icmp, InParmProbs) M(Icmp, InSrcQuenchs) M(Icmp, InRedirects) M(Icmp, InEchos) M(Icmp, InEchoReps) \
	M(Icmp, OutMsgs) M(Icmp, OutErrors) M(Icmp, OutDestUnreachs) M(Icmp, OutEchoReps) M(Icmp, OutTimeExcds) \
	M(Icmp, InTimestamps) M(Icmp, InAddrMasks) M(Icmp, OutParmProbs) M(Icmp, OutRateLimitGlobal) \
	M(Icmp, OutRateLimitHost) \
	M(Icmp6, InMsgs) M(Icmp6, InErrors) M(Icmp6, InCsumErrors) M(Icmp6, InDestUnreachs) M(Icmp6, InPktTooBigs) \
	M(Icmp6, InTimeExcds) M(Icmp6, InParmProblems) M(Icmp6, InEchos) M(Icmp6, InEchoReplies) M(Icmp6, OutMsgs) \
	M(Icmp6, OutErrors) M(Icmp6, OutDestUnreachs) M(Icmp6, OutPktTooBigs) M(Icmp6, OutTimeExcds) \
	M(Icmp6, OutParmProblems) M(Icmp6, OutEchoReplies) M(Icmp6, OutRateLimitHost) \
	M(Tcp, ActiveOpens) M(Tcp, PassiveOpens) M(Tcp, AttemptFails) M(Tcp, EstabResets) M(Tcp, CurrEstab) \
	M(Tcp, InSegs) M(Tcp, OutSegs) M(Tcp, RetransSegs) M(Tcp, InErrs) M(Tcp, OutRsts) M(Tcp, InCsumErrors) \
	M(TcpExt, SyncookiesSent) M(TcpExt, SyncookiesRecv) M(TcpExt, SyncookiesFailed) M(TcpExt, EmbryonicRsts) \
	M(TcpExt, PruneCalled) M(TcpExt, RcvPruned) M(TcpExt, OfoPruned) M(TcpExt, OutOfWindowIcmps) \
	M(TcpExt, LockDroppedIcmps) M(TcpExt, TW) M(TcpExt, TWRecycled) M(TcpExt, TWKilled) M(TcpExt, PAWSActive) \
	M(TcpExt, PAWSEstab) M(TcpExt, BeyondWindow) M(TcpExt, TSEcrRejected) M(TcpExt, PAWSOldAck) \
	M(TcpExt, PAWSTimewait) M(TcpExt, DelayedACKs) M(TcpExt, DelayedACKLocked) M(TcpExt, DelayedACKLost) \
	M(TcpExt, ListenOverflows) M(TcpExt, ListenDrops) M(TcpExt, TCPHPHits) M(TcpExt, TCPPureAcks) \
	M(TcpExt, TCPHPAcks) M(TcpExt, TCPRenoRecovery) M(TcpExt, TCPSackRecovery) M(TcpExt, TCPSACKReneging) \
	M(TcpExt, TCPSACKReorder) M(TcpExt, TCPRenoReorder) M(TcpExt, TCPTSReorder) M(TcpExt, TCPFullUndo) \
	M(TcpExt, TCPPartialUndo) M(TcpExt, TCPDSACKUndo) M(TcpExt, TCPLossUndo) M(TcpExt, TCPLostRetransmit) \
	M(TcpExt, TCPRenoFailures) M(TcpExt, TCPSackFailures) M(TcpExt, TCPLossFailures) M(TcpExt, TCPFastRetrans) \
	M(TcpExt, TCPSlowStartRetrans) M(TcpExt, TCPTimeouts) M(TcpExt, TCPLossProbes) M(TcpExt, TCPLossProbeRecovery) \
	M(TcpExt, TCPRenoRecoveryFail) M(TcpExt, TCPSackRecoveryFail) M(TcpExt, TCPRcvCollapsed) \
	M(TcpExt, TCPBacklogCoalesce) M(TcpExt, TCPDSACKOldSent) M(TcpExt, TCPDSACKOfoSent) M(TcpExt, TCPDSACKRecv) \
	M(TcpExt, TCPDSACKOfoRecv) M(TcpExt, TCPAbortOnData) M(TcpExt, TCPAbortOnClose) M(TcpExt, TCPAbortOnMemory) \
	M(TcpExt, TCPAbortOnTimeout) M(TcpExt, TCPAbortOnLinger) M(TcpExt, TCPAbortFailed) M(TcpExt, TCPMemoryPressures) \
	M(TcpExt, TCPSACKDiscard) M(TcpExt, TCPSpuriousRTOs) M(TcpExt, TCPSackShifted) M(TcpExt, TCPSackMerged) \
	M(TcpExt, TCPSackShiftFallback) M(TcpExt, TCPBacklogDrop) M(TcpExt, TCPRcvQDrop) M(TcpExt, PFMemallocDrop) \
	M(TcpExt, TCPMinTTLDrop) M(TcpExt, TCPDeferAcceptDrop) M(TcpExt, IPReversePathFilter) \
	M(TcpExt, TCPTimeWaitOverflow) M(TcpExt, TCPReqQFullDoCookies) M(TcpExt, TCPReqQFullDrop) \
	M(TcpExt, TCPRetransFail) M(TcpExt, TCPRcvCoalesce) M(TcpExt, TCPOFOQueue) M(TcpExt, TCPOFODrop) \
	M(TcpExt, TCPOFOMerge) M(TcpExt, TCPChallengeACK) M(TcpExt, TCPSYNChallenge) M(TcpExt, TCPSpuriousRtxHostQueues) \
	M(TcpExt, TCPAutoCorking) M(TcpExt, TCPFromZeroWindowAdv) M(TcpExt, TCPToZeroWindowAdv) \
	M(TcpExt, TCPWantZeroWindowAdv) M(TcpExt, TCPSynRetrans) M(TcpExt, TCPOrigDataSent) M(TcpExt, TCPACKSkippedSynRecv) \
	M(TcpExt, TCPACKSkippedPAWS) M(TcpExt, TCPACKSkippedSeq) M(TcpExt, TCPACKSkippedFinWait2) \
	M(TcpExt, TCPACKSkippedTimeWait) M(TcpExt, TCPACKSkippedChallenge) M(TcpExt, TCPWinProbe) M(TcpExt, TCPKeepAlive) \
	M(TcpExt, TCPDelivered) M(TcpExt, TCPAckCompressed) M(TcpExt, TCPZeroWindowDrop) M(TcpExt, TCPWqueueTooBig) \
	M(TcpExt, TcpTimeoutRehash) M(TcpExt, TCPDSACKRecvSegs) M(TcpExt, TCPDSACKIgnoredDubious) \
	M(TcpExt, TCPMigrateReqSuccess) M(TcpExt, TCPMigrateReqFailure) M(TcpExt, TCPFastOpenActive) \
	M(TcpExt, TCPFastOpenActiveFail) M(TcpExt, TCPFastOpenPassive) M(TcpExt, TCPFastOpenPassiveFail) \
	M(TcpExt, TCPFastOpenListenOverflow) M(TcpExt, TCPFastOpenCookieReqd) M(TcpExt, TCPFastOpenBlackhole) \
	M(TcpExt, TCPFastOpenPassiveAltKey)

enum mib {
#define MIB_ENUM(group, name) MIB_##group##_##name,
	MIB_LIST(MIB_ENUM)
#undef MIB_ENUM
	MIB_COUNT
};

#endif
