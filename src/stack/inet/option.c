// SPDX-License-Identifier: MIT
/*
 * inet/option.c - setsockopt and getsockopt of SOL_IP and SOL_IPV6; SOL_TCP goes on to tcp/option.c
 *
 * An AF_INET6 socket knows both levels. TOS and traffic class, and the TTL and the hop limit, are one value each here:
 * Linux keeps one for each family on the wire (docs/LINUX.md).
 */
#include "stack/inet/inet.h"
#include "stack/tcp/uapi.h"

#include <errno.h>

enum { PMTUDISC_MAX = 5 };
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif

/* ------------------------------------------------------------------ options that are only shown again */

static const struct shown_option shown[] = {
	{SOL_IP, IP_FREEBIND, SHOWN_FREEBIND},
	{SOL_IP, IP_BIND_ADDRESS_NO_PORT, SHOWN_BIND_NO_PORT},
	{SOL_IP, IP_RECVOPTS, SHOWN_IP + 2},
	{SOL_IP, IP_RETOPTS, SHOWN_IP + 3},
	{SOL_IP, IP_PKTINFO, SHOWN_IP + 4},
	{SOL_IP, IP_RECVTTL, SHOWN_IP + 5},
	{SOL_IP, IP_RECVTOS, SHOWN_IP + 6},
	{SOL_IP, IP_TRANSPARENT, SHOWN_IP + 7},
	{SOL_IP, IP_RECVERR_RFC4884, SHOWN_IP + 8},
	{SOL_IPV6, IPV6_FREEBIND, SHOWN_FREEBIND},
	{SOL_IPV6, IPV6_RECVPKTINFO, SHOWN_IP + 9},
	{SOL_IPV6, IPV6_RECVHOPLIMIT, SHOWN_IP + 10},
	{SOL_IPV6, IPV6_RECVRTHDR, SHOWN_IP + 11},
	{SOL_IPV6, IPV6_RECVHOPOPTS, SHOWN_IP + 12},
	{SOL_IPV6, IPV6_RECVDSTOPTS, SHOWN_IP + 13},
	{SOL_IPV6, IPV6_RECVTCLASS, SHOWN_IP + 14},
	{SOL_IPV6, IPV6_DONTFRAG, SHOWN_IP + 15},
	{SOL_IPV6, IPV6_RECVPATHMTU, SHOWN_IP + 16},
	{SOL_IPV6, IPV6_AUTOFLOWLABEL, SHOWN_IP + 17},
	{SOL_IPV6, IPV6_TRANSPARENT, SHOWN_IP + 7},
};

const struct shown_option *shown_option_find(const struct shown_option *table, size_t n, int level, int name)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].level == level && table[i].name == name)
			return &table[i];
	return NULL;
}

int shown_option_set(struct sock *sk, const struct shown_option *o, bool on)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return -ENOMEM;
	own->shown = (own->shown & ~(1u << o->bit)) | (uint32_t)on << o->bit;
	return 0;
}

/* ------------------------------------------------------------------ setting */

/* The two ECN bits belong to TCP. */
static int set_tos(struct sock *sk, int v)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return -ENOMEM;
	own->tos = (uint8_t)((v & ~INET_ECN_MASK) | (own->tos & INET_ECN_MASK));
	return 0;
}

/* -1: the default. Linux takes a hop limit of 0, not a TTL of 0; here both mean the default. */
static int set_ttl(struct sock *sk, int v, int lowest)
{
	struct sock_opts *own;

	if (v != -1 && (v < lowest || v > 255))
		return -EINVAL;
	own = sock_opts_own(sk);
	if (!own)
		return -ENOMEM;
	own->ttl = v == -1 ? 0 : (uint8_t)v;
	return 0;
}

static int set_pmtudisc(struct sock *sk, int v)
{
	struct sock_opts *own;

	if (v < 0 || v > PMTUDISC_MAX)
		return -EINVAL;
	own = sock_opts_own(sk);
	if (!own)
		return -ENOMEM;
	own->pmtudisc = (int8_t)(v - IP_PMTUDISC_WANT);
	return 0;
}

static int set_recverr(struct sock *sk, bool on)
{
	if (on)
		sock_set_flag(sk, SOCK_RECVERR);
	else
		sock_reset_flag(sk, SOCK_RECVERR);
	if (!on)
		sock_purge_err(sk);
	return 0;
}

/* SOL_IP takes an int or a single byte, and nothing at all for 0. */
static int ip_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	const struct shown_option *o = shown_option_find(shown, ARRAY_SIZE(shown), SOL_IP, name);
	int v = 0;

	if (len && !value)
		return -EFAULT;
	if (len >= sizeof(int))
		memcpy(&v, value, sizeof(v));
	else if (len)
		v = *(const uint8_t *)value;
	if (o)
		return shown_option_set(sk, o, v);
	switch (name) {
	case IP_TOS:
		return set_tos(sk, v);
	case IP_TTL:
		return len ? set_ttl(sk, v, 1) : -EINVAL;
	case IP_MTU_DISCOVER:
		return set_pmtudisc(sk, v);
	case IP_RECVERR:
		return set_recverr(sk, v);
	default:
		return -ENOPROTOOPT;
	}
}

static int ipv6_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	const struct shown_option *o = shown_option_find(shown, ARRAY_SIZE(shown), SOL_IPV6, name);
	int v, err = option_int(value, len, &v);

	if (err)
		return err;
	if (o)
		return shown_option_set(sk, o, v);
	switch (name) {
	case IPV6_V6ONLY:
		if (sk->bind)
			return -EINVAL;
		sk->common.ipv6only = !!v;
		return 0;
	case IPV6_UNICAST_HOPS:
		return set_ttl(sk, v, 0);
	case IPV6_TCLASS:
		if (v < -1 || v > 255)
			return -EINVAL;
		return set_tos(sk, v == -1 ? 0 : v);
	case IPV6_MTU_DISCOVER:
		return set_pmtudisc(sk, v);
	case IPV6_RECVERR:
		return set_recverr(sk, v);
	default:
		return -ENOPROTOOPT;
	}
}

int inet_setsockopt(struct sock *sk, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_TCP)
		return tcp_setsockopt(sk, name, value, len);
	if (level == SOL_IP)
		return ip_setsockopt(sk, name, value, len);
	if (level == SOL_IPV6 && sk->common.family == AF_INET6)
		return ipv6_setsockopt(sk, name, value, len);
	return -ENOPROTOOPT;
}

/* ------------------------------------------------------------------ showing */

static int get_ttl(const struct sock *sk)
{
	bool v6 = sk->common.family == AF_INET6;

	if (sk->opts->ttl)
		return sk->opts->ttl;
	return v6 ? sk->net->sysctl.hop_limit : sk->net->sysctl.ip_default_ttl;
}

static int get_mtu(struct sock *sk)
{
	return sk->common.dport && !sk_in(sk, TCPF_CLOSE) ? (int)ip_mtu(sk->net, &sk->daddr) : -ENOTCONN;
}

static int get_int(struct sock *sk, int level, int name, int *v)
{
	const struct shown_option *o = shown_option_find(shown, ARRAY_SIZE(shown), level, name);
	bool v6 = level == SOL_IPV6;

	if (o)
		*v = shown_option_get(sk, o);
	else if (name == (v6 ? IPV6_TCLASS : IP_TOS))
		*v = sk->opts->tos;
	else if (name == (v6 ? IPV6_UNICAST_HOPS : IP_TTL))
		*v = get_ttl(sk);
	else if (name == (v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER))
		*v = sk->opts->pmtudisc + IP_PMTUDISC_WANT;
	else if (name == (v6 ? IPV6_RECVERR : IP_RECVERR))
		*v = sock_flag(sk, SOCK_RECVERR);
	else if (v6 && name == IPV6_V6ONLY)
		*v = sk->common.ipv6only;
	else if (name == (v6 ? IPV6_MTU : IP_MTU))
		*v = get_mtu(sk);
	else
		return -ENOPROTOOPT;
	return *v == -ENOTCONN ? -ENOTCONN : 0;
}

int inet_getsockopt(struct sock *sk, int level, int name, void *value, socklen_t *len)
{
	uint8_t byte;
	int v, err;

	if (level == SOL_TCP)
		return tcp_getsockopt(sk, name, value, len);
	if (level != SOL_IP && !(level == SOL_IPV6 && sk->common.family == AF_INET6))
		return sk->common.family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
	if ((int)*len < 0)
		return -EINVAL;
	err = get_int(sk, level, name, &v);
	if (err)
		return err;
	if (level == SOL_IP && *len && *len < sizeof(int) && v >= 0 && v <= 255) { /* as it may be set */
		byte = (uint8_t)v;
		return option_put(value, len, &byte, 1);
	}
	return option_put(value, len, &v, sizeof(v));
}
