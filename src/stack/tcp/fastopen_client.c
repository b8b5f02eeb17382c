// SPDX-License-Identifier: MIT
/*
 * tcp/fastopen_client.c - a client sends data with its SYN
 *
 *	tcp_fastopen_begin, tcp_fastopen_defer_connect   sendto(MSG_FASTOPEN); connect() that leaves the SYN to the first write()
 *	tcp_send_syn_data          is a cookie known?  the SYN, the cookie and data as one segment; else a SYN that asks for one
 *	tcp_rcv_fastopen_synack    the cookie is kept; data that was not taken goes again at once
 *	cache                      cookie and MSS of peers, by our address and theirs; at most PEERS_MAX, the oldest goes
 *	blackholes                 something between us swallows such SYNs, or what follows: none is sent for a while
 *
 * In the retransmission queue the SYN and its data are two units, so that a SYN is repeated without the data.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"
#include "stack/tcp/uapi.h"

#include <errno.h>

#define PEERS_MAX	   128
#define MAX_TCP_OPTION_SPACE 40u

/* ------------------------------------------------------------------ what is known of peers */

struct peer {
	struct list_head node;
	struct in6_addr saddr, daddr;
	uint16_t mss;
	uint8_t try_exp; /* it gave no cookie: 1: ask in the experimental form, 2: that did not help either */
	struct tcp_fastopen_cookie cookie;
};

/* The one that was asked for last stands first. */
static struct peer *peer_find(struct sock *sk)
{
	struct list_head *peers = &sk->net->tcp->fastopen_cache.peers;
	struct peer *p;

	list_for_each_entry(p, peers, node) {
		if (addr_equal(&p->saddr, &sk->rcv_saddr) && addr_equal(&p->daddr, &sk->daddr)) {
			list_del_init(&p->node);
			list_add(&p->node, peers);
			return p;
		}
	}
	return NULL;
}

static void peer_free(struct net *net, struct peer *p)
{
	list_del_init(&p->node);
	net->tcp->fastopen_cache.count--;
	mem_free(&net->mem, p, sizeof(*p));
}

static struct peer *peer_get(struct sock *sk)
{
	struct fastopen_cache *cache = &sk->net->tcp->fastopen_cache;
	struct peer *p = peer_find(sk);

	if (p)
		return p;
	p = mem_zalloc(&sk->net->mem, sizeof(*p));
	if (!p)
		return NULL;
	if (cache->count == PEERS_MAX)
		peer_free(sk->net, container_of(cache->peers.prev, struct peer, node));
	p->saddr = sk->rcv_saddr;
	p->daddr = sk->daddr;
	list_add(&p->node, &cache->peers);
	cache->count++;
	return p;
}

void tcp_fastopen_cache_flush(struct net *net)
{
	struct peer *p, *tmp;

	list_for_each_entry_safe(p, tmp, &net->tcp->fastopen_cache.peers, node)
		peer_free(net, p);
}

static void cache_get(struct sock *sk, uint16_t *mss, struct tcp_fastopen_cookie *cookie)
{
	const struct peer *p = peer_find(sk);

	if (!p)
		return;
	if (p->mss)
		*mss = p->mss;
	*cookie = p->cookie;
	if (!cookie->len && p->try_exp == 1)
		cookie->exp = true;
}

static void cache_set(struct sock *sk, uint16_t mss, const struct tcp_fastopen_cookie *cookie, uint8_t try_exp)
{
	struct peer *p = peer_get(sk);

	if (!p)
		return;
	if (mss)
		p->mss = mss;
	if (cookie->len > 0)
		p->cookie = *cookie;
	else if (try_exp > p->try_exp && !p->cookie.len && !p->cookie.exp)
		p->try_exp = try_exp;
}

/* ------------------------------------------------------------------ blackholes */

static void active_disable(struct sock *sk)
{
	struct fastopen_cache *cache = &sk->net->tcp->fastopen_cache;

	if (!sk->net->sysctl.tcp_fastopen_blackhole_timeout_sec)
		return;
	cache->disabled_stamp_ms = net_time_ms(sk->net);
	cache->disabled_times++;
	NET_INC(sk->net, MIB_TcpExt_TCPFastOpenBlackhole);
}

/* An hour as it is usually set, twice that the second time, and so on. */
static bool active_should_disable(struct sock *sk)
{
	const struct fastopen_cache *cache = &sk->net->tcp->fastopen_cache;
	uint64_t timeout_s = (uint64_t)sk->net->sysctl.tcp_fastopen_blackhole_timeout_sec;

	if (!timeout_s || !cache->disabled_times)
		return false;
	timeout_s <<= min(cache->disabled_times - 1, 6u);
	if (net_time_ms(sk->net) - cache->disabled_stamp_ms < timeout_s * 1000)
		return true;
	tcp_fastopen(sk)->syn_fastopen_ch = true;
	return false;
}

/* Nothing but the peer's SYN has come, in order at least. */
static bool heard_nothing(const struct sock *sk)
{
	return tcp_sk(sk)->rcv_nxt == tcp_fastopen(sk)->rcv_isn + 1;
}

void tcp_fastopen_stray_reset(struct sock *sk)
{
	if (sk->common.state == TCP_ESTABLISHED && tcp_fastopen(sk)->syn_fastopen && heard_nothing(sk))
		active_disable(sk);
}

void tcp_fastopen_ofo_check(struct sock *sk)
{
	struct fastopen_cache *cache = &sk->net->tcp->fastopen_cache;
	const struct tcp_fastopen *fo = tcp_fastopen(sk);
	const struct sk_buff *ofo = tcp_sk(sk)->ofo ? tcp_sk(sk)->ofo->queue : NULL;

	if (!fo->syn_fastopen)
		return;
	if (heard_nothing(sk)) { /* a FIN, and the data before it has gone astray */
		if (ofo && !ofo->next && !ofo->len && ofo->tcp_flags & TCPHDR_FIN)
			active_disable(sk);
	} else if (fo->syn_fastopen_ch && !addr_is_loopback(&sk->daddr)) {
		cache->disabled_times = 0;
	}
}

void tcp_fastopen_detect_blackhole(struct sock *sk, bool expired)
{
	const struct tcp_fastopen *fo = tcp_fastopen(sk);
	unsigned timeouts = tcp_sk(sk)->retransmits;

	if (!fo->syn_fastopen && !fo->syn_data && !fo->syn_data_acked)
		return;
	if (timeouts == 2 || (timeouts < 2 && expired)) {
		active_disable(sk);
		NET_INC(sk->net, MIB_TcpExt_TCPFastOpenActiveFail);
	}
}

/* ------------------------------------------------------------------ the calls */

/* May data go with the SYN? @cookie is what to say there; @mss is left alone where none is known. */
static bool cookie_check_client(struct sock *sk, uint16_t *mss, struct tcp_fastopen_cookie *cookie)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);

	cache_get(sk, mss, cookie);
	if (active_should_disable(sk)) {
		cookie->len = -1;
		return false;
	}
	if (sk->net->sysctl.tcp_fastopen & TFO_CLIENT_NO_COOKIE || fo->no_cookie) {
		cookie->len = -1;
		return true;
	}
	if (cookie->len > 0)
		return true;
	fo->client_fail = TFO_COOKIE_UNAVAILABLE;
	return false;
}

static void request_begin(struct tcp_fastopen *fo, struct tcp_io *io)
{
	fo->pending = true;
	fo->cookie = (struct tcp_fastopen_cookie){.len = 0};
	fo->io = io;
	fo->copied = 0;
}

int tcp_fastopen_begin(struct sock *sk, struct tcp_io *io)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);

	if (!(sk->net->sysctl.tcp_fastopen & TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (fo && fo->pending)
		return -EALREADY;
	fo = tcp_fastopen_own(sk);
	if (!fo)
		return -ENOBUFS;
	request_begin(fo, io);
	return 0;
}

size_t tcp_fastopen_end(struct sock *sk)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	size_t copied = fo->copied;

	fo->io = NULL;
	if (!fo->pending)
		return 0;
	fo->pending = false;
	fo->cookie.len = -1;
	fo->copied = 0;
	sock_reset_flag(sk, SOCK_DEFER_CONNECT);
	return copied;
}

bool tcp_fastopen_defer_connect(struct sock *sk, int *err)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	struct tcp_fastopen_cookie cookie = {.len = 0};
	uint16_t mss;

	*err = 0;
	if (!fo->connect || fo->pending)
		return false;
	if (cookie_check_client(sk, &mss, &cookie)) {
		sock_set_flag(sk, SOCK_DEFER_CONNECT);
		return true;
	}
	request_begin(fo, NULL); /* so that the SYN asks for one */
	fo->cookie = cookie;
	return false;
}

void tcp_fastopen_forget(struct sock *sk)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);

	if (fo->req)
		tcp_fastopen_remove(sk, false);
	sock_reset_flag(sk, SOCK_DEFER_CONNECT);
	fo->pending = false;
	fo->io = NULL;
	fo->copied = 0;
	fo->cookie.len = -1;
	fo->syn_fastopen = fo->syn_fastopen_exp = fo->syn_fastopen_ch = false;
	fo->syn_data = fo->syn_data_acked = fo->child = false;
	fo->client_fail = TFO_STATUS_UNSPEC;
}

/* ------------------------------------------------------------------ the SYN */

size_t tcp_fastopen_syn_option(struct sock *sk, uint8_t *p, size_t room)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	size_t len = fo->pending ? tcp_write_fastopen(p, room, &fo->cookie) : 0;

	if (len) {
		fo->syn_fastopen = true;
		fo->syn_fastopen_exp = fo->cookie.exp;
	}
	return len;
}

/* Bytes that a SYN takes: room is kept for options that something on the way may add. */
static uint32_t syn_space(struct sock *sk, uint16_t mss)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->mss_clamp = sk->opts->user_mss ? min(mss, sk->opts->user_mss) : mss;
	tcp_sync_mss(sk, tp->pmtu_cookie);
	return tcp_mtu_to_mss(sk, tp->pmtu_cookie) + (tp->tcp_header_len - TCP_HDR_LEN) - MAX_TCP_OPTION_SPACE;
}

/* @syn once more, with @len bytes of the program's; NULL: no memory, or none of it where the program says. */
static struct sk_buff *syn_data_skb(struct sock *sk, const struct sk_buff *syn, uint32_t len)
{
	struct skb_pool *pool = &sk->net->skbs;
	struct sk_buff *skb = skb_alloc(pool, len);
	struct tcp_io *io = tcp_fastopen(sk)->io;

	if (!skb)
		return NULL;
	skb->seq = syn->seq;
	skb->end_seq = syn->end_seq;
	if (len && !(tcp_zerocopy_begin(sk, io) && copy_from_iter(skb_tail(skb), &io->iter, len))) {
		tcp_zerocopy_abort(sk, io);
		skb_free(pool, skb);
		return NULL;
	}
	skb->len = len;
	skb->end_seq += len;
	skb->tcp_flags = TCPHDR_SYN;
	skb->gso_segs = 1;
	return skb;
}

/* True: they have left as one. What could not leave waits as data does. */
static bool send_as_one(struct sock *sk, struct sk_buff *syn, struct sk_buff *data)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	int err;

	fo->copied = data->len;
	tcp_zerocopy_grows(sk, data, data->len, fo->io && fo->io->zerocopy);
	if (fo->io && !fo->io->iter.count)
		fo->io = NULL; /* nobody has more to send */
	tp->write_seq += data->len;
	sk->wmem_queued += tcp_skb_truesize(data);
	err = tcp_transmit_skb(sk, data);
	syn->sent_ns = data->sent_ns;
	data->seq++;
	data->tcp_flags = TCPHDR_PSH;
	if (err) {
		skb_queue_tail(&tp->write_queue, data);
		return false;
	}
	fo->syn_data = data->len;
	skb_queue_tail(&tp->rtx_queue, data);
	tp->packets_out++;
	NET_INC(sk->net, MIB_TcpExt_TCPOrigDataSent);
	return true;
}

void tcp_send_syn_data(struct sock *sk, struct sk_buff *syn)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	uint16_t mss = tcp_sk(sk)->advmss;
	struct sk_buff *data;
	bool ready, sent = false;

	ready = cookie_check_client(sk, &mss, &fo->cookie);
	tcp_sk(sk)->mss_clamp = mss;
	if (ready) {
		uint32_t space = syn_space(sk, mss);

		space = (uint32_t)min((size_t)space, fo->io ? fo->io->iter.count : 0);
		data = syn_data_skb(sk, syn, space);
		if (data)
			sent = send_as_one(sk, syn, data);
	}
	if (!sent) {
		if (fo->cookie.len > 0)
			fo->cookie.len = 0;
		if (tcp_transmit_skb(sk, syn))
			fo->syn_fastopen = false;
	}
	fo->cookie.len = -1; /* a SYN that is repeated says nothing of it */
}

/* ------------------------------------------------------------------ the SYN-ACK */

bool tcp_rcv_fastopen_synack(struct sock *sk, struct tcp_seg *seg, bool again)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	bool unacked = fo->syn_data && tp->rtx_queue;
	struct tcp_fastopen_cookie cookie;
	uint8_t try_exp = 0;

	tcp_parse_fastopen(&cookie, seg->opt, seg->opt_len);
	fo->rcv_isn = seg->seq;
	if (!fo->syn_fastopen)
		cookie.len = -1; /* not asked for */
	else if (!again && cookie.len < 0 && !fo->syn_data)
		try_exp = fo->syn_fastopen_exp ? 2 : 1;
	cache_set(sk, seg->options.mss ? seg->options.mss : tp->mss_clamp, &cookie, try_exp);

	if (unacked) {
		fo->client_fail = again ? TFO_SYN_RETRANSMITTED : TFO_DATA_NOT_ACKED;
		tcp_retransmit_unacked(sk);
		NET_INC(sk->net, MIB_TcpExt_TCPFastOpenActiveFail);
		return true;
	}
	fo->syn_data_acked = fo->syn_data;
	if (fo->syn_data_acked) {
		NET_INC(sk->net, MIB_TcpExt_TCPFastOpenActive);
		if (tp->delivered > 1)
			tp->delivered--; /* it was one segment */
	}
	tcp_fastopen_add_text(sk, seg);
	return false;
}
