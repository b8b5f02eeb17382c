/* SPDX-License-Identifier: MIT */
/*
 * stack/sysctl.h - the settings, by Linux's names: one list, from which the struct, the defaults and the names are made
 *
 * Values of one number: S(name, default, lowest, highest, unit). Values of three (tcp_rmem and tcp_wmem in bytes, tcp_mem in pages):
 * S3(name, min, default, max).
 * Defaults are those that Linux 6.18 shows on the reference machine; docs/LINUX.md says which of them it derives from memory.
 */
#ifndef LA_SYSCTL_H
#define LA_SYSCTL_H

#include <stdint.h>

#define SYSCTL_LIST(S, S3) \
	S(tcp_fin_timeout, 60, 0, 0x7fffffff / 250, "seconds") \
	S(tcp_max_tw_buckets, 131072, 0, 0x7fffffff, "socks") \
	S(tcp_tw_reuse, 2, 0, 2, "0 off, 1 on, 2 loopback only") \
	S(tcp_tw_reuse_delay, 1000, 1, 60000, "milliseconds") \
	S(tcp_rfc1337, 0, 0, 255, "bool") \
	S(tcp_max_orphans, 131072, 0, 0x7fffffff, "socks") \
	S(tcp_orphan_retries, 0, 0, 255, "times; 0 acts as 8") \
	S(tcp_retries1, 3, 0, 255, "times") \
	S(tcp_retries2, 15, 0, 255, "times") \
	S(tcp_syn_retries, 6, 1, 127, "times") \
	S(tcp_syn_linear_timeouts, 4, 0, 127, "times") \
	S(tcp_synack_retries, 5, 0, 255, "times") \
	S(tcp_keepalive_time, 7200, 0, 0x7fffffff / 250, "seconds") \
	S(tcp_keepalive_intvl, 75, 0, 0x7fffffff / 250, "seconds") \
	S(tcp_keepalive_probes, 9, 0, 255, "times") \
	S(tcp_invalid_ratelimit, 500, 0, 0x7fffffff, "milliseconds") \
	S(tcp_challenge_ack_limit, 0x7fffffff, 0, 0x7fffffff, "a second") \
	S(tcp_syncookies, 1, 0, 2, "0 off, 1 when full, 2 always") \
	S(tcp_abort_on_overflow, 0, 0, 255, "bool") \
	S(tcp_max_syn_backlog, 2048, 0, 0x7fffffff, "requests") \
	S(somaxconn, 4096, 0, 0x7fffffff, "connections") \
	S(tcp_timestamps, 1, 0, 2, "0 off, 1 random offset, 2 no offset") \
	S(tcp_sack, 1, 0, 255, "bool") \
	S(tcp_dsack, 1, 0, 255, "bool") \
	S(tcp_window_scaling, 1, 0, 255, "bool") \
	S(tcp_ecn, 2, 0, 5, "0 off, 2 when asked") \
	S(tcp_early_retrans, 3, 0, 4, "3: tail loss probes") \
	S(tcp_recovery, 1, 0, 255, "bits") \
	S(tcp_reordering, 3, 0, 0x7fffffff, "segments") \
	S(tcp_max_reordering, 300, 0, 0x7fffffff, "segments") \
	S(tcp_retrans_collapse, 1, 0, 255, "bool") \
	S(tcp_stdurg, 0, 0, 255, "bool") \
	S(tcp_slow_start_after_idle, 1, 0, 255, "bool") \
	S(tcp_no_metrics_save, 0, 0, 255, "bool") \
	S(tcp_rto_min_us, 200000, 1, 0x7fffffff, "microseconds") \
	S(tcp_rto_max_ms, 120000, 1000, 120000, "milliseconds") \
	S(tcp_pingpong_thresh, 1, 1, 255, "answers") \
	S(tcp_min_snd_mss, 48, 1, 65535, "bytes") \
	S(tcp_base_mss, 1024, 1, 65535, "bytes") \
	S(tcp_mtu_probing, 0, 0, 2, "mode") \
	S(tcp_limit_output_bytes, 4194304, 0, 0x7fffffff, "bytes") \
	S(tcp_min_tso_segs, 2, 1, 65535, "segments") \
	S(tcp_tso_win_divisor, 3, 0, 0x7fffffff, "divisor") \
	S(tcp_tso_rtt_log, 9, 0, 255, "log2 microseconds") \
	S(tcp_autocorking, 1, 0, 255, "bool") \
	S(tcp_thin_linear_timeouts, 0, 0, 255, "bool") \
	S(tcp_moderate_rcvbuf, 1, 0, 255, "bool") \
	S(tcp_adv_win_scale, 1, -31, 31, "unused since 6.6") \
	S(tcp_shrink_window, 0, 0, 255, "bool") \
	S(tcp_workaround_signed_windows, 0, 0, 255, "bool") \
	S(tcp_notsent_lowat, -1, -1, 0x7fffffff, "bytes; -1: no limit") \
	S(tcp_fastopen, 1, 0, 0x7fffffff, "bits: tcp/fastopen.h") \
	S(tcp_fastopen_blackhole_timeout_sec, 0, 0, 0x7fffffff, "seconds; 0: never") \
	S(tcp_migrate_req, 0, 0, 1, "bool") \
	S(tcp_comp_sack_delay_ns, 1000000, 0, 0x7fffffff, "nanoseconds") \
	S(tcp_comp_sack_slack_ns, 100000, 0, 0x7fffffff, "nanoseconds") \
	S(tcp_comp_sack_nr, 44, 0, 255, "ACKs") \
	S(ip_default_ttl, 64, 1, 255, "hops") \
	S(ip_no_pmtu_disc, 0, 0, 3, "mode") \
	S(min_pmtu, 552, 68, 65535, "bytes") \
	S(mtu_expires, 600, 0, 0x7fffffff, "seconds") \
	S(ipfrag_high_thresh, 4194304, 0, 0x7fffffff, "bytes") \
	S(ipfrag_time, 30, 0, 0x7fffffff / 250, "seconds") \
	S(ip6frag_high_thresh, 4194304, 0, 0x7fffffff, "bytes") \
	S(ip6frag_time, 60, 0, 0x7fffffff / 250, "seconds") \
	S(ip_local_port_range_low, 32768, 1, 65535, "port") \
	S(ip_local_port_range_high, 60999, 1, 65535, "port") \
	S(ip_nonlocal_bind, 0, 0, 1, "bool") \
	S(icmp_echo_ignore_all, 0, 0, 1, "bool") \
	S(icmp_ratelimit, 1000, 0, 0x7fffffff, "milliseconds between errors to one host") \
	S(icmp_ratemask, 6168, 0, 0x7fffffff, "bit for each type of ICMP that is limited") \
	S(icmp_msgs_per_sec, 1000, 0, 0x7fffffff, "errors a second to all hosts") \
	S(icmp_msgs_burst, 50, 0, 0x7fffffff, "errors") \
	S(bindv6only, 0, 0, 1, "bool") \
	S(hop_limit, 64, 1, 255, "hops") \
	S(rmem_max, 4194304, 2304, 0x7fffffff, "bytes") \
	S(wmem_max, 4194304, 4608, 0x7fffffff, "bytes") \
	S3(tcp_rmem, 4096, 131072, 33554432) \
	S3(tcp_wmem, 4096, 16384, 4194304) \
	S3(tcp_mem, 287901, 383868, 575802)

struct sysctls {
#define SYSCTL_FIELD(name, def, lo, hi, unit) int32_t name;
#define SYSCTL_FIELD3(name, a, b, c) int32_t name[3];
	SYSCTL_LIST(SYSCTL_FIELD, SYSCTL_FIELD3)
#undef SYSCTL_FIELD
#undef SYSCTL_FIELD3
};

#endif
