// SPDX-License-Identifier: MIT
/*
 * tcp/cookie.c - SYN cookies: a handshake that nobody has to remember (RFC 4987 section 3.6)
 *
 * The first sequence number is a sum, as in Linux: a keyed hash of the addresses, the peer's first number, the minute in the
 * upper 8 bits, and in the lower 24 an index of MSS hidden by a hash of the minute. So an ACK whose two numbers are both off
 * by the same fits as well: the last ACK of a connection that is over may make a new one. With timestamps, the lowest six
 * bits of our first timestamp hold the peer's window scale and whether it takes SACK. An ACK that gives the number back
 * makes a child as if there had been a request.
 */
#include "stack/tcp/tcp.h"

#define COOKIE_MINUTES 2 /* how long a cookie is good */
#define COOKIE_BITS 24	 /* below the minute */
#define COOKIE_MASK ((1u << COOKIE_BITS) - 1)
#define COOKIE_TS_BITS 6
#define COOKIE_TS_WSCALE 0x0f
#define COOKIE_TS_NO_WSCALE 0x0f
#define COOKIE_TS_SACK 0x10

static const uint16_t mss_table[] = { 536, 1300, 1440, 1460 };

static uint32_t minute(const struct net *net)
{
	return (uint32_t)(net->now_ns / (60 * NSEC_PER_SEC)) + 1;
}

/* @when 0: the part that does not change. */
static uint32_t cookie_hash(struct net *net, const struct tcp_seg *seg, uint32_t when)
{
	struct {
		struct in6_addr saddr, daddr;
		uint32_t when;
		uint16_t sport, dport;
	} key;

	memset(&key, 0, sizeof(key));
	key.saddr = seg->saddr;
	key.daddr = seg->daddr;
	key.sport = seg->sport;
	key.dport = seg->dport;
	key.when = when;
	return (uint32_t)siphash(&key, sizeof(key), &net->cookie_key);
}

uint32_t cookie_init_sequence(struct sock *listener, const struct tcp_seg *seg, uint16_t *mss)
{
	struct listen_queue *queue = tcp_sk(listener)->listen;
	struct net *net = listener->net;
	uint32_t i = ARRAY_SIZE(mss_table) - 1;

	while (i && mss_table[i] > *mss)
		i--;
	*mss = mss_table[i];
	queue->cookie_minute = minute(net);
	NET_INC(net, MIB_TcpExt_SyncookiesSent);
	return cookie_hash(net, seg, 0) + seg->seq + (minute(net) << COOKIE_BITS) +
	       ((cookie_hash(net, seg, minute(net)) + i) & COOKIE_MASK);
}

/* The offset that makes the timestamp of a SYN-ACK leaving now carry the options. */
uint32_t cookie_ts_off(struct net *net, const struct request_sock *req)
{
	uint32_t base = tcp_init_ts_off(net, &req->saddr, &req->daddr), now = net_time_ms(net) + base;
	uint32_t bits = (req->wscale_ok ? req->snd_wscale : COOKIE_TS_NO_WSCALE) | (req->sack_ok ? COOKIE_TS_SACK : 0);
	uint32_t ts = (now & ~((1u << COOKIE_TS_BITS) - 1)) | bits;

	if (!req->tstamp_ok)
		return 0;
	if (ts > now)
		ts -= 1u << COOKIE_TS_BITS; /* never ahead of the clock */
	return base + (ts - now);
}

/* MSS of a good cookie; 0: not one of ours. */
static uint16_t check(struct net *net, const struct tcp_seg *seg)
{
	uint32_t cookie = seg->ack - 1 - cookie_hash(net, seg, 0) - (seg->seq - 1), age, i;

	age = (minute(net) - (cookie >> COOKIE_BITS)) & (UINT32_MAX >> COOKIE_BITS);
	if (age >= COOKIE_MINUTES)
		return 0;
	i = (cookie - cookie_hash(net, seg, minute(net) - age)) & COOKIE_MASK;
	return i < ARRAY_SIZE(mss_table) ? mss_table[i] : 0;
}

/* What the SYN had agreed, as far as it came back. */
static void rebuild(struct sock *listener, struct request_sock *req, struct tcp_seg *seg, uint16_t mss)
{
	const struct sysctls *ctl = &listener->net->sysctl;

	tcp_req_init(listener, req, seg);
	req->rcv_isn = seg->seq - 1;
	req->snt_isn = seg->ack - 1;
	req->mss = mss;
	req->sack_ok = req->wscale_ok = 0;
	req->snd_wscale = 0;
	req->synack_us = 0;
	if (req->tstamp_ok && seg->options.tsecr) {
		uint32_t bits = seg->options.tsecr & ((1u << COOKIE_TS_BITS) - 1);

		req->sack_ok = bits & COOKIE_TS_SACK && ctl->tcp_sack;
		req->wscale_ok = (bits & COOKIE_TS_WSCALE) != COOKIE_TS_NO_WSCALE && ctl->tcp_window_scaling;
		req->snd_wscale = req->wscale_ok ? bits & COOKIE_TS_WSCALE : 0;
	}
	tcp_req_init_rwin(listener, req, mss); /* other segments than the SYN-ACK reckoned with, as in Linux */
}

struct sock *cookie_check(struct sock *listener, struct tcp_seg *seg, enum tcp_cause *reply_rst)
{
	struct listen_queue *queue = tcp_sk(listener)->listen;
	struct net *net = listener->net;
	struct request_sock req;
	struct sock *child;
	uint16_t mss;

	if (!net->sysctl.tcp_syncookies || !queue->cookie_minute || minute(net) - queue->cookie_minute > COOKIE_MINUTES)
		return NULL; /* none was sent lately: an ACK like any other */
	mss = check(net, seg);
	if (!mss) {
		NET_INC(net, MIB_TcpExt_SyncookiesFailed);
		*reply_rst = CAUSE_cookie_bad;
		return NULL;
	}
	NET_INC(net, MIB_TcpExt_SyncookiesRecv);
	*reply_rst = CAUSE_none;
	if (tcp_acceptq_is_full(listener)) {
		NET_INC(net, MIB_TcpExt_ListenOverflows);
		NET_INC(net, MIB_TcpExt_ListenDrops);
		tcp_trace_drop(net, &listener->common, seg, CAUSE_accept_queue_full);
		return NULL;
	}
	if (inet_lookup_established(net, &seg->daddr, seg->dport, &seg->saddr, seg->sport))
		return NULL; /* a request of a later SYN has the pair: as in Linux, nothing is said */
	rebuild(listener, &req, seg, mss);
	child = tcp_create_openreq_child(listener, &req, seg);
	if (!child) {
		NET_INC(net, MIB_TcpExt_ListenDrops);
		tcp_trace_drop(net, &listener->common, seg, CAUSE_no_memory);
		return NULL;
	}
	inet_ehash_insert(net, &child->common);
	tcp_acceptq_add(listener, child);
	tcp_trace_state(net, &child->common, TCP_NEW_SYN_RECV, TCP_SYN_RECV, CAUSE_cookie_accepted);
	return child;
}
