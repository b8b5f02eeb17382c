#!/bin/sh
# SPDX-License-Identifier: MIT
#
# defaults.sh [NAME=VALUE...] - puts the network namespace of a script into a known state; single settings on top of it
#
# Best effort: what cannot be set (no privilege, another stack than the kernel's) is passed over. The values are Linux's own
# defaults but for the congestion control (machines differ: reno is always there), the buffers' first and largest sizes
# (they give the window scale, and what a write() takes), and the queue, which shall not pace.
ctl() {
	sysctl -q -w "$1" >/dev/null 2>&1 || :
}

if [ $# -gt 0 ]; then
	for setting; do
		ctl "$setting"
	done
	exit 0
fi

# bind() refuses an IPv6 address that is tentative.
n=0
while [ $n -lt 60 ] && ip -6 addr show tentative 2>/dev/null | grep -q inet6; do
	sleep 0.05
	n=$((n + 1))
done
ip tcp_metrics flush all >/dev/null 2>&1 || :
tc qdisc replace dev tun0 root pfifo >/dev/null 2>&1 || :

ctl net.ipv4.tcp_congestion_control=reno
ctl "net.ipv4.tcp_rmem=4096 131072 6291456"
ctl "net.ipv4.tcp_wmem=4096 65536 4194304"
for setting in tcp_timestamps=1 tcp_sack=1 tcp_window_scaling=1 tcp_ecn=2 tcp_fastopen=1 tcp_stdurg=0 tcp_fin_timeout=60 \
	tcp_syn_retries=6 tcp_synack_retries=5 tcp_syn_linear_timeouts=4 tcp_retries1=3 tcp_retries2=15 tcp_orphan_retries=0 \
	tcp_rfc1337=0 tcp_tw_reuse=2 tcp_syncookies=1 tcp_abort_on_overflow=0 tcp_keepalive_time=7200 tcp_keepalive_intvl=75 \
	tcp_keepalive_probes=9 tcp_invalid_ratelimit=500 tcp_challenge_ack_limit=2147483647 tcp_slow_start_after_idle=1 \
	tcp_early_retrans=3 tcp_recovery=1; do
	ctl "net.ipv4.$setting"
done
exit 0
