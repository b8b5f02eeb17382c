// SPDX-License-Identifier: MIT
/*
 * tcp/transfer.c - the handshake is done: what the transfer begins with
 *
 * Also the numbers that a connection begins with: its first sequence number (RFC 6528) and its timestamps' offset
 * (RFC 7323 section 7.1), both keyed hashes of the addresses.
 */
#include "stack/tcp/tcp.h"

/* ------------------------------------------------------------------ windows and buffers */

/* Linux keeps no metrics of earlier connections here: docs/LINUX.md. */
static void init_rto(struct tcp_sock *tp)
{
	if (likely(tp->srtt_us))
		return;
	/* RFC 6298 section 5.7: no sample, so the SYN was repeated */
	tp->rttvar_us = tp->mdev_us = tp->mdev_max_us = TCP_TIMEOUT_FALLBACK_J * (uint32_t)(TICK_NSEC / NSEC_PER_USEC);
	tp->rto_j = TCP_TIMEOUT_FALLBACK_J;
}

void tcp_init_transfer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_mtup_init(sk);
	init_rto(tp);
	tp->snd_cwnd = tp->total_retrans > 1 && tp->undo_marker ? 1 : TCP_INIT_CWND;
	tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
	tcp_init_congestion(sk);
	tcp_init_buffer_space(sk);
}

void tcp_init_buffer_space(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t most = tcp_full_space(sk), segment = tp->advmss;

	if (!sock_flag(sk, SOCK_SNDBUF_LOCK))
		tcp_sndbuf_expand(sk);
	tp->rcvq_space.time_us = net_time_us(sk->net);
	tp->rcvq_space.seq = tp->copied_seq;
	if (tp->window_clamp >= most)
		tp->window_clamp = most;
	/* room for one segment more is kept back */
	if (tp->window_clamp > 2 * segment && tp->window_clamp + segment > most)
		tp->window_clamp = max(2 * segment, most - segment);
	tp->rcv_ssthresh = min(tp->rcv_ssthresh, tp->window_clamp);
	tp->rcvq_space.space = min(min(tp->rcv_ssthresh, tp->rcv_wnd), TCP_INIT_CWND * segment);
}

/* ------------------------------------------------------------------ first numbers */

uint32_t tcp_init_seq(struct net *net, const struct in6_addr *saddr, const struct in6_addr *daddr, uint16_t sport,
		      uint16_t dport)
{
	uint32_t ports = (uint32_t)sport << 16 | dport;

	/* the clock runs 64 ns a step, as Linux's: 4.5 minutes around the circle */
	return (uint32_t)addr_siphash(saddr, daddr, ports, &net->isn_key) + (uint32_t)(net->now_ns >> 6);
}

uint32_t tcp_init_ts_off(struct net *net, const struct in6_addr *saddr, const struct in6_addr *daddr)
{
	struct ts_offset *known = &net->tcp->ts_offset[(addr_mix(saddr) + addr_mix(daddr)) >> (32 - TS_OFFSET_BITS)];
	struct in6_addr key[2] = { *saddr, *daddr };

	if (net->sysctl.tcp_timestamps != 1)
		return 0;
	if (unlikely(!addr_equal(&known->saddr, saddr) || !addr_equal(&known->daddr, daddr)))
		*known = (struct ts_offset){ *saddr, *daddr, (uint32_t)siphash(key, sizeof(key), &net->ts_key) };
	return known->offset;
}
