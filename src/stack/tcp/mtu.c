// SPDX-License-Identifier: MIT
/*
 * tcp/mtu.c - how large a segment may be, and how large a unit
 *
 *	path MTU - headers, the peer's limit, half of its largest window   -> mss_cache   (tcp_sync_mss)
 *	mss_cache - options of the moment (SACK blocks)                    -> what a segment carries now   (tcp_current_mss)
 *
 * Probing for a larger or smaller path MTU than routers tell (RFC 4821, sysctl tcp_mtu_probing, off by default) is not
 * modelled.
 */
#include "stack/tcp/output.h"

/* What Linux keeps free in a unit of 64 KB for the headers: its MAX_TCP_HEADER on x86-64, and 1. */
#define UNIT_HEADROOM 321u

static uint32_t net_header_len(const struct sock *sk)
{
	return sk_is_v4(sk) ? 20 : 40;
}

uint32_t tcp_sk_gso_max(const struct sock *sk)
{
	return ip_gso_max(sk->net, &sk->daddr) - UNIT_HEADROOM;
}

/* What we say in a SYN: the device's segment, whatever the path to the peer carries. */
uint16_t tcp_advertise_mss(struct net *net, const struct in6_addr *daddr, uint16_t user_mss)
{
	bool v4 = addr_is_v4(daddr);
	uint32_t overhead = (v4 ? 20 : 40) + TCP_HDR_LEN;
	uint32_t mss = max(ip_mtu(net, daddr), overhead) - overhead;

	mss = min_t(uint32_t, max_t(uint32_t, mss, v4 ? 256 : 1280 - overhead), 65535 - overhead);
	return (uint16_t)(user_mss ? min_t(uint32_t, mss, user_mss) : mss);
}

/* A peer with a tiny window is sent segments of half of it, so that it can acknowledge one while the other is under way. */
uint32_t tcp_bound_to_half_wnd(const struct tcp_sock *tp, uint32_t size)
{
	uint32_t most = tp->max_window > TCP_MSS_DEFAULT ? tp->max_window >> 1 : tp->max_window;

	return unlikely(most && size > most) ? max(most, 68u - tp->tcp_header_len) : size;
}

uint32_t tcp_mtu_to_mss(const struct sock *sk, uint32_t pmtu)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t overhead = net_header_len(sk) + TCP_HDR_LEN;
	uint32_t mss = max(pmtu, overhead) - overhead;

	mss = min_t(uint32_t, mss, tp->mss_clamp);
	mss = max_t(uint32_t, mss, sk->net->sysctl.tcp_min_snd_mss);
	return mss - (tp->tcp_header_len - TCP_HDR_LEN);
}

uint32_t tcp_sync_mss(struct sock *sk, uint32_t pmtu)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->pmtu_cookie = pmtu;
	tp->mss_cache = (uint16_t)tcp_bound_to_half_wnd(tp, tcp_mtu_to_mss(sk, pmtu));
	return tp->mss_cache;
}

/* The path MTU that holds now, and what follows from it. */
void tcp_mtup_init(struct sock *sk)
{
	tcp_sync_mss(sk, ip_mtu(sk->net, &sk->daddr));
}

uint32_t tcp_current_mss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mtu = ip_mtu(sk->net, &sk->daddr), mss = tp->mss_cache;
	struct tcp_options opt;

	if (unlikely(mtu != tp->pmtu_cookie))
		mss = tcp_sync_mss(sk, mtu);
	if (likely(!tp->ofo))
		return mss;
	tcp_established_options(tp, &opt);
	return mss - (TCP_HDR_LEN + tcp_options_len(&opt) - tp->tcp_header_len);
}

/* The segment size for a write() and, in @size_goal, that of the units it makes. */
uint32_t tcp_send_mss(struct sock *sk, uint32_t *size_goal, int flags)
{
	uint32_t mss = tcp_current_mss(sk);
	uint32_t unit = tcp_bound_to_half_wnd(tcp_sk(sk), tcp_sk_gso_max(sk));

	*size_goal = flags & MSG_OOB ? mss : max(unit - unit % mss, mss);
	return mss;
}
