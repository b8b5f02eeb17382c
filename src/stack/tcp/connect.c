// SPDX-License-Identifier: MIT
/*
 * tcp/connect.c - a sock gets a peer, and loses it again
 *
 *	tcp_start_connect   route -> source address -> port and place in the table -> first sequence number -> SYN
 *	                    a failure leaves the sock as it was: CLOSE, and bound only if it was bound before
 *	tcp_disconnect      whatever the connection was is dropped; the sock can connect or listen again (section 13)
 */
#include "stack/tcp/fastopen.h"

#include <errno.h>

/* ------------------------------------------------------------------ connect */

static bool addr_is_linklocal(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a);
}

/* May this sock have that peer? "Any" means this host. */
static int tcp_peer_address(const struct sock *sk, struct in6_addr *daddr)
{
	static const uint8_t loopback4[4] = {127, 0, 0, 1};
	bool bound_v4 = addr_is_v4(&sk->rcv_saddr);

	if (addr_is_any(daddr)) {
		if (addr_is_v4(daddr) || bound_v4)
			*daddr = addr_from_v4(loopback4);
		else
			*daddr = in6addr_loopback;
	}
	if (addr_is_linklocal(daddr))
		return -EINVAL; /* which link? there are no scopes here */
	if (addr_is_multicast(daddr))
		return -ENETUNREACH;
	return addr_is_v4(daddr) && sk->common.family == AF_INET6 && sk->common.ipv6only ? -ENETUNREACH : 0;
}

/* An address of ours as source: the bound one, or the one that the route says. */
static int tcp_source_address(struct sock *sk, const struct in6_addr *daddr)
{
	struct in6_addr saddr = sk->rcv_saddr;
	int ifindex, err;

	if (addr_is_any(&saddr) || addr_is_multicast(&saddr) || addr_is_broadcast(&saddr))
		saddr = in6addr_any;
	err = ip_route(sk->net, daddr, &saddr, &ifindex);
	if (err == -EACCES)
		err = -ENETUNREACH; /* a broadcast address */
	if (err == -ENETUNREACH)
		NET_INC(sk->net, addr_is_v4(daddr) ? MIB_Ip_OutNoRoutes : MIB_Ip6_OutNoRoutes);
	if (!err && addr_is_v4(&sk->rcv_saddr) && !addr_is_v4(daddr))
		err = -EAFNOSUPPORT; /* bound to IPv4, and the peer is not */
	if (!err)
		sk->rcv_saddr = saddr;
	return err;
}

static void tcp_reset_saddr(struct sock *sk)
{
	static const uint8_t any4[4];

	if (sock_flag(sk, SOCK_BINDADDR_LOCK))
		return;
	sk->rcv_saddr = sk->common.family == AF_INET ? addr_from_v4(any4) : in6addr_any;
	if (inet_bhash2_update_saddr(sk))
		inet_put_port(sk); /* for want of memory, as in Linux */
}

int tcp_start_connect(struct sock *sk, const struct in6_addr *to, uint16_t dport)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct in6_addr daddr = *to;
	int err;

	err = tcp_peer_address(sk, &daddr);
	if (!err)
		err = tcp_source_address(sk, &daddr);
	if (err)
		return err;
	sk->daddr = daddr;
	sk->common.dport = dport;
	sk->common.v4 = addr_is_v4(&daddr);
	tp->mss_clamp = tcp_default_mss(sk->common.v4);
	tcp_set_state(sk, TCP_SYN_SENT, CAUSE_connect);
	err = inet_hash_connect(sk, tcp_twsk_unique, tcp_timewait_kill);
	if (err)
		goto failed;
	/* Not 0: a TIME_WAIT that we took the place of, or our own connection before this one, has chosen it. */
	if (likely(!sock_flag(sk, SOCK_REPAIR))) {
		if (!tp->write_seq)
			tp->write_seq = tcp_init_seq(sk->net, &sk->rcv_saddr, &daddr, sk->common.num, dport);
		tp->tsoffset = tcp_init_ts_off(sk->net, &sk->rcv_saddr, &daddr);
	}
	if (sock_flag(sk, SOCK_FASTOPEN) && tcp_fastopen_defer_connect(sk, &err))
		return err;
	err = tcp_connect(sk);
	if (!err)
		return 0;
failed: /* out of the table, and the port given back unless it was bound by number */
	tcp_set_state(sk, TCP_CLOSE, CAUSE_connect_failed);
	tcp_clear_deadlines(sk);
	tcp_write_queue_purge(sk);
	tcp_reset_saddr(sk);
	sk->common.dport = 0;
	return err;
}

/* ------------------------------------------------------------------ disconnect */

/* States in which the peer has to be told (tcp_need_reset). */
#define NEEDS_RST (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV)

/* RFC 9293's abort, with Linux's own opinion of CLOSING and LAST_ACK: a RST only if something is unsent (DC-04). */
static void tcp_disconnect_abort(struct sock *sk, unsigned was, enum tcp_cause cause)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	unsigned set = 1u << was;

	if (was == TCP_LISTEN)
		return;
	if (sock_flag(sk, SOCK_REPAIR)) {
		sk->err = ECONNABORTED;
	} else if (set & NEEDS_RST || (set & (TCPF_CLOSING | TCPF_LAST_ACK) && tp->snd_nxt != tp->write_seq)) {
		tcp_send_active_reset(sk, cause);
		sk->err = ECONNRESET;
	} else if (set & TCPF_SYN_SENT) {
		sk->err = ECONNRESET;
	}
}

/* The program's options stay, but for these two, which Linux keeps among what was learnt. */
static void tcp_forget_options(struct sock *sk)
{
	struct sock_opts *own = sk->opts->user_mss || sk->opts->rto_min_us ? sock_opts_own(sk) : NULL;

	if (own)
		own->user_mss = own->rto_min_us = 0;
}

/* What was learnt from the peer and about the path. */
static void tcp_forget_connection(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t next_isn = tp->write_seq + tp->max_window + 2;

	tp->write_seq = next_isn ? next_isn : 1;
	tp->srtt_us = tp->rttvar_us = tp->mdev_max_us = tp->rtt_seq = 0;
	tp->mdev_us = TCP_TIMEOUT_INIT_J * (uint32_t)(TICK_NSEC / NSEC_PER_USEC);
	tp->min_rtt_us = UINT32_MAX;
	tp->rcv_rtt_us = tp->rcv_rtt_seq = tp->rcv_rtt_time_us = 0;
	tp->rto_j = TCP_TIMEOUT_INIT_J;
	tp->backoff = tp->probes_out = tp->retransmits = tp->keepalive_probes = 0;
	tp->probes_tstamp_ms = tp->retrans_stamp_ms = tp->total_retrans = 0;
	tp->undo_marker = 0;
	tp->snd_cwnd = TCP_INIT_CWND;
	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	tp->snd_cwnd_cnt = tp->snd_cwnd_used = tp->max_packets_out = tp->delivered = 0;
	tp->bytes_acked = tp->segs_in = 0;
	tp->is_cwnd_limited = 0;
	tp->ca_state = TCP_CA_Open;
	tp->window_clamp = 0;
	memset(&tp->ack, 0, sizeof(tp->ack));
	tp->rcv_mss = 88; /* TCP_MIN_MSS */
	tp->mss_clamp = 0;
	tp->wscale_ok = tp->tstamp_ok = tp->sack_ok = tp->ecn_ok = 0;
	tp->snd_wscale = tp->rcv_wscale = 0;
	tp->ts_recent = tp->ts_recent_stamp_s = 0;
	tp->saw_tstamp = false;
	tcp_forget_options(sk);
}

int tcp_disconnect(struct sock *sk, enum tcp_cause cause)
{
	struct tcp_sock *tp = tcp_sk(sk);
	unsigned was = sk->common.state;

	if (was == TCP_LISTEN)
		tcp_listen_stop(sk, cause);
	tcp_set_state(sk, TCP_CLOSE, cause);
	tcp_disconnect_abort(sk, was, cause);
	tcp_clear_deadlines(sk);
	skb_queue_purge(&sk->net->skbs, &tp->receive_queue);
	tcp_write_queue_purge(sk);
	if (sock_flag(sk, SOCK_FASTOPEN)) {
		tcp_fastopen_ofo_check(sk);
		tcp_fastopen_forget(sk);
	}
	tcp_ofo_purge(sk);
	sk->rmem_alloc = 0;
	tp->copied_seq = tp->rcv_nxt;
	tp->urg_data = 0;
	sk->common.dport = 0;
	tcp_reset_saddr(sk);
	sk->shutdown = 0;
	sock_reset_flag(sk, SOCK_DONE);
	tcp_forget_connection(sk);
	sk_error_report(sk);
	return 0;
}
