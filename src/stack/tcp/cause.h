/* SPDX-License-Identifier: MIT */
/*
 * tcp/cause.h - why: each move of a state, each RST, FIN and silent drop names one of these
 *
 * C(id, row of the closing rules, counter that goes up, Linux's reset reason (include/net/rstreason.h) if a RST goes out)
 */
#ifndef LA_CAUSE_H
#define LA_CAUSE_H

#define TCP_CAUSES(C) \
	C(none, "", "", "NOT_SPECIFIED") \
	/* opening */ \
	C(listen, "LS-05", "", "") \
	C(connect, "SO-01", "TcpActiveOpens", "") \
	C(connect_failed, "HS-08", "", "") \
	C(syn_received, "HS-01", "", "") \
	C(crossed_syns, "SO-01", "", "") \
	C(handshake_done, "HS-10", "", "") \
	C(child_made, "HS-10", "TcpPassiveOpens", "") \
	C(fastopen_child, "CL-15", "TcpExtTCPFastOpenPassive", "") \
	C(cookie_accepted, "CK-01", "TcpExtSyncookiesRecv", "") \
	/* the program */ \
	C(close, "CL-04", "", "") \
	C(close_passive, "CL-07", "", "") \
	C(close_syn_sent, "CL-03", "", "") \
	C(close_syn_recv, "CL-05", "", "") \
	C(close_again, "CL-10", "", "") \
	C(close_closed, "CL-01", "", "") \
	C(close_listener, "CL-02", "", "") \
	C(close_child, "LS-02", "TcpEstabResets", "TCP_ABORT_ON_CLOSE") \
	C(close_unread, "UR-01", "TcpExtTCPAbortOnClose", "TCP_ABORT_ON_CLOSE") \
	C(close_repair, "CL-14", "TcpEstabResets", "") \
	C(close_linger0, "LG-01", "TcpExtTCPAbortOnData", "TCP_DISCONNECT_WITH_DATA") \
	C(close_linger2, "F2-06", "TcpExtTCPAbortOnLinger", "TCP_ABORT_ON_LINGER") \
	C(close_fin_wait2, "CL-11", "", "") \
	C(close_orphan_limit, "CL-13", "TcpExtTCPAbortOnMemory", "TCP_ABORT_ON_MEMORY") \
	C(shutdown_write, "SH-04", "", "") \
	C(shutdown_listener, "LS-05", "", "") \
	C(shutdown_syn_sent, "SH-12", "", "") \
	C(disconnect, "DC-01", "", "TCP_DISCONNECT_WITH_DATA") \
	C(destroyed, "DC-11", "", "TCP_STATE") \
	/* the peer: FIN and its acknowledgement */ \
	C(fin_received, "RF-01", "", "") \
	C(fin_crossed, "SC-01", "", "") \
	C(fin_acked, "F2-01", "", "") \
	C(fin_both, "TW-01", "", "") \
	C(fin_last_ack, "TW-16", "", "") \
	C(fin_wait2_standin, "F2-01", "", "") \
	C(time_wait_over, "TW-01", "", "") \
	C(fin_wait2_over, "F2-05", "", "") \
	C(time_wait_syn, "TW-05", "", "") \
	C(time_wait_rst, "TW-07", "", "") \
	C(time_wait_reused, "TW-17", "", "") \
	C(time_wait_overflow, "TW-15", "TcpExtTCPTimeWaitOverflow", "") \
	/* the peer: RST and what deserves one */ \
	C(rst_received, "RR-02", "", "") \
	C(rst_refused, "RR-01", "TcpAttemptFails", "") \
	C(rst_request, "HS-03", "TcpExtEmbryonicRsts", "") \
	C(rst_fin_wait2, "F2-13", "", "") \
	C(rst_unacceptable, "CA-02", "", "") \
	C(no_socket, "RR-09", "", "NO_SOCKET") \
	C(listen_ack, "LS-12", "", "TCP_FLAGS") \
	C(listen_other, "LS-12", "", "") \
	C(request_syn, "HS-07", "TcpExtEmbryonicRsts", "INVALID_SYN") \
	C(request_gone, "LS-01", "", "NO_SOCKET") \
	C(request_over, "HS-04", "", "") \
	C(request_overflow, "AQ-03", "TcpExtEmbryonicRsts", "TCP_ABORT_ON_OVERFLOW") \
	C(accept_queue_full, "AQ-01", "TcpExtListenOverflows", "") \
	C(request_queue_full, "CK-01", "TcpExtListenDrops", "") \
	C(defer_accept, "DA-01", "TcpExtTCPDeferAcceptDrop", "") \
	C(cookie_bad, "CK-02", "TcpExtSyncookiesFailed", "NO_SOCKET") \
	C(syn_sent_bad_ack, "HS-05", "", "TCP_INVALID_ACK_SEQUENCE") \
	C(syn_sent_other, "HS-05", "", "") \
	C(syn_recv_bad_ack, "SO-04", "", "TCP_INVALID_ACK_SEQUENCE") \
	C(data_after_close, "F1-01", "TcpExtTCPAbortOnData", "TCP_ABORT_ON_DATA") \
	C(data_fin_wait2, "F2-02", "", "TCP_TIMEWAIT_SOCKET") \
	C(data_across_fin, "RF-09", "TcpExtTCPAbortOnData", "TCP_ABORT_ON_DATA") \
	C(data_behind_fin, "RF-05", "", "") \
	C(linger2_fin_wait1, "F2-07", "TcpExtTCPAbortOnData", "TCP_ABORT_ON_DATA") \
	C(no_ack_flag, "RF-07", "", "") \
	C(old_ack, "CA-07", "", "") \
	C(future_ack, "CA-08", "", "") \
	C(paws, "RF-12", "", "") \
	C(closed_sock, "CL-01", "", "") \
	/* time */ \
	C(timeout_retries, "TM-02", "TcpExtTCPAbortOnTimeout", "") \
	C(timeout_user, "TM-03", "TcpExtTCPAbortOnTimeout", "") \
	C(timeout_orphan, "OR-02", "TcpExtTCPAbortOnTimeout", "") \
	C(timeout_probes, "TM-04", "TcpExtTCPAbortOnTimeout", "") \
	C(timeout_keepalive, "KA-02", "TcpExtTCPAbortOnTimeout", "TCP_KEEPALIVE_TIMEOUT") \
	C(timeout_fin_wait2, "F2-18", "", "TCP_STATE") \
	C(orphan_limit, "OR-05", "TcpExtTCPAbortOnMemory", "TCP_ABORT_ON_MEMORY") \
	/* the network, memory */ \
	C(icmp_error, "IC-01", "TcpAttemptFails", "") \
	C(icmp_request, "IC-05", "TcpExtListenDrops", "") \
	C(no_memory, "", "", "")

enum tcp_cause {
#define TCP_CAUSE_ENUM(id, row, counter, reason) CAUSE_##id,
	TCP_CAUSES(TCP_CAUSE_ENUM)
#undef TCP_CAUSE_ENUM
	TCP_CAUSE_COUNT
};

#endif
