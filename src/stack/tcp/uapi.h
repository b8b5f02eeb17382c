/* SPDX-License-Identifier: MIT */
/*
 * tcp/uapi.h - what programs and Linux agree upon for SOL_TCP: option numbers and struct tcp_info
 *
 * Not taken from <netinet/tcp.h>, which has its own idea of TCP_ESTABLISHED and the rest.
 */
#ifndef LA_TCP_UAPI_H
#define LA_TCP_UAPI_H

#include <stdint.h>

#ifndef SOL_TCP
#define SOL_TCP 6
#endif

enum tcp_option_name {
	TCP_NODELAY = 1,
	TCP_MAXSEG = 2,
	TCP_CORK = 3,
	TCP_KEEPIDLE = 4,
	TCP_KEEPINTVL = 5,
	TCP_KEEPCNT = 6,
	TCP_SYNCNT = 7,
	TCP_LINGER2 = 8,
	TCP_DEFER_ACCEPT = 9,
	TCP_WINDOW_CLAMP = 10,
	TCP_INFO = 11,
	TCP_QUICKACK = 12,
	TCP_CONGESTION = 13,
	TCP_USER_TIMEOUT = 18,
	TCP_REPAIR = 19,
	TCP_REPAIR_QUEUE = 20,
	TCP_QUEUE_SEQ = 21,
	TCP_REPAIR_OPTIONS = 22,
	TCP_FASTOPEN = 23,
	TCP_TIMESTAMP = 24,
	TCP_NOTSENT_LOWAT = 25,
	TCP_REPAIR_WINDOW = 29,
	TCP_FASTOPEN_CONNECT = 30,
	TCP_ULP = 31,
	TCP_FASTOPEN_KEY = 33,
	TCP_FASTOPEN_NO_COOKIE = 34,
	TCP_IS_MPTCP = 43,
	TCP_RTO_MAX_MS = 44,
	TCP_RTO_MIN_US = 45,
};

/* TCP_REPAIR: values of the option, and its two queues */
enum { TCP_REPAIR_OFF_NO_WP = -1, TCP_REPAIR_OFF, TCP_REPAIR_ON };
enum tcp_repair_queue { TCP_NO_QUEUE, TCP_RECV_QUEUE, TCP_SEND_QUEUE, TCP_QUEUES_NR };
struct tcp_repair_opt {
	uint32_t opt_code, opt_val; /* kind of the option in a SYN, and what it agreed */
};
struct tcp_repair_window {
	uint32_t snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup;
};

enum {
	TCPI_OPT_TIMESTAMPS = 1,
	TCPI_OPT_SACK = 2,
	TCPI_OPT_WSCALE = 4,
	TCPI_OPT_ECN = 8,
	TCPI_OPT_SYN_DATA = 32,
	TCPI_OPT_TFO_CHILD = 128,
};
enum tcp_fastopen_client_fail { TFO_STATUS_UNSPEC, TFO_COOKIE_UNAVAILABLE, TFO_DATA_NOT_ACKED, TFO_SYN_RETRANSMITTED };

/* Linux 6.18's, 280 bytes; what this stack does not count stays 0. */
struct tcp_info {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t snd_wscale : 4, rcv_wscale : 4;
	uint8_t delivery_rate_app_limited : 1, fastopen_client_fail : 2;
	uint32_t rto, ato, snd_mss, rcv_mss; /* rto, ato in us */
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv; /* ms ago */
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t accecn[8];
};
_Static_assert(sizeof(struct tcp_info) == 280, "as Linux 6.18 has it");

#endif
