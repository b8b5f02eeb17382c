// SPDX-License-Identifier: MIT
/*
 * tcp/fastopen.c - a listener takes data with the SYN
 *
 *	tcp_try_fastopen           a SYN: is Fast Open on, is there room, is the cookie good?
 *	  yes                        create_child: it is in the table and in the accept queue at once, in SYN_RECV
 *	  a bad cookie, or none      the SYN-ACK brings one, and the handshake goes on as ever
 *	tcp_check_req (child.c)    what comes for the child is asked the questions of its request first
 *	tcp_fastopen_synack_timer  the SYN-ACK goes again; data and FIN wait until it is acknowledged
 *	tcp_fastopen_remove        the request is no longer needed
 *
 * A cookie is SipHash of the peer's address and ours. Who has one is owner of his address; so a listener bounds only how many
 * children it has that have not been acknowledged (TCP_FASTOPEN), and counts those that were reset once they had been accepted
 * for another minute: stolen cookies are worth little then.
 */
#include "stack/tcp/fastopen.h"

#define RST_PENALTY_J (60 * HZ)

/* ------------------------------------------------------------------ side objects */

struct tcp_fastopen *tcp_fastopen_own(struct sock *sk)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return NULL;
	if (!own->fastopen) {
		own->fastopen = slab_zalloc(&sk->net->tcp->fastopens);
		if (!own->fastopen)
			return NULL;
		own->fastopen->cookie.len = -1;
		sock_set_flag(sk, SOCK_FASTOPEN);
	}
	return own->fastopen;
}

void tcp_fastopen_free(struct sock *sk)
{
	struct tcp_fastopen *fo = tcp_fastopen(sk);

	if (!fo)
		return;
	if (fo->req)
		tcp_fastopen_remove(sk, false);
	tcp_fastopen_forget_resets(sk);
	slab_free(&sk->net->tcp->fastopens, fo);
}

/* ------------------------------------------------------------------ a listener's limit */

int tcp_fastopen_tune(struct sock *sk, uint32_t backlog)
{
	struct tcp_fastopen *fo = tcp_fastopen_own(sk);

	if (!fo)
		return -ENOMEM;
	fo->max_qlen = min_t(uint32_t, backlog, (uint32_t)sk->net->sysctl.somaxconn);
	return 0;
}

int tcp_fastopen_listen(struct sock *sk, uint32_t backlog)
{
	const int always = TFO_SERVER_ENABLE | TFO_SERVER_WO_SOCKOPT1;
	const struct tcp_fastopen *fo = tcp_fastopen(sk);

	if (likely((sk->net->sysctl.tcp_fastopen & always) != always) || (fo && fo->max_qlen))
		return 0;
	tcp_fastopen_init_key_once(sk->net);
	return tcp_fastopen_tune(sk, backlog);
}

static void forget_oldest_reset(struct sock *listener)
{
	struct tcp_fastopen *fo = tcp_fastopen(listener);
	struct request_sock *req = fo->rst_head;

	fo->rst_head = req == fo->rst_tail ? NULL : tcp_fastopen_next_reset(req);
	fo->qlen--;
	slab_free(&listener->net->tcp->requests, req);
}

void tcp_fastopen_forget_resets(struct sock *listener)
{
	while (tcp_fastopen(listener)->rst_head)
		forget_oldest_reset(listener);
}

/* Asked before any cookie is looked at: when there are too many, no time is lost on them. */
static bool queue_check(struct sock *listener)
{
	const struct tcp_fastopen *fo = tcp_fastopen(listener);

	if (!fo || !fo->max_qlen)
		return false;
	if (fo->qlen < fo->max_qlen)
		return true;
	if (!fo->rst_head || after(fo->rst_head->common.timer.expires, listener->net->jiffies)) {
		NET_INC(listener->net, MIB_TcpExt_TCPFastOpenListenOverflow);
		return false;
	}
	forget_oldest_reset(listener);
	return true;
}

/* ------------------------------------------------------------------ cookies */

void tcp_fastopen_init_key_once(struct net *net)
{
	struct fastopen_keys *keys = &net->tcp->fastopen_keys;

	if (keys->n)
		return;
	for (unsigned i = 0; i < sizeof(keys->key[0]); i += sizeof(uint64_t)) {
		uint64_t r = net_random(net);

		memcpy(&keys->key[0].k[i], &r, sizeof(r));
	}
	keys->n = 1;
}

static const struct fastopen_keys *keys_of(const struct sock *listener)
{
	const struct fastopen_keys *own = &tcp_fastopen(listener)->keys;

	return own->n ? own : &listener->net->tcp->fastopen_keys;
}

/* RFC 7413 section 4.1.2: of the two addresses, as they stand in the SYN. */
static void cookie_gen(const struct tcp_seg *seg, const struct siphash_key *key, struct tcp_fastopen_cookie *foc)
{
	struct in6_addr path[2] = {seg->saddr, seg->daddr};
	size_t len = sizeof(path);
	uint64_t hash;

	if (addr_is_v4(&seg->saddr)) {
		memcpy(path, addr_v4(&seg->saddr), 4);
		memcpy((uint8_t *)path + 4, addr_v4(&seg->daddr), 4);
		len = 8;
	}
	hash = siphash(path, len, key);
	for (int i = 0; i < TCP_FASTOPEN_COOKIE_SIZE; i++, hash >>= 8)
		foc->val[i] = (uint8_t)hash;
	foc->len = TCP_FASTOPEN_COOKIE_SIZE;
}

/* 1 or 2: which key made @orig; 0: neither. *@valid is what the first one makes. */
static unsigned cookie_check_keys(const struct sock *listener, const struct tcp_seg *seg, const struct tcp_fastopen_cookie *orig,
				  struct tcp_fastopen_cookie *valid)
{
	const struct fastopen_keys *keys = keys_of(listener);
	struct tcp_fastopen_cookie made;

	for (unsigned i = 0; i < keys->n; i++) {
		cookie_gen(seg, &keys->key[i], &made);
		if (!i) {
			memcpy(valid->val, made.val, sizeof(valid->val));
			valid->len = made.len;
		}
		if (orig->len == made.len && !memcmp(orig->val, made.val, TCP_FASTOPEN_COOKIE_SIZE))
			return i + 1;
	}
	return 0;
}

/* ------------------------------------------------------------------ a child before its handshake */

void tcp_fastopen_add_text(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool fin = seg_has(seg, TCPHDR_FIN);

	if (!seg->len && !fin)
		return;
	if (!tcp_queue_rcv(sk, tp->rcv_nxt, seg->data, seg->len, fin))
		return;
	tcp_fastopen(sk)->syn_data_acked = true;
	if (fin)
		tcp_fin(sk);
}

static struct sock *create_child(struct sock *listener, struct request_sock *req, struct tcp_seg *seg)
{
	struct sock *child = tcp_create_openreq_child(listener, req, seg);
	struct tcp_fastopen *fo = child ? tcp_fastopen_own(child) : NULL;
	struct tcp_sock *tp = tcp_sk(child);

	if (!fo) {
		if (child) {
			sock_orphan(child);
			sock_put(child);
		}
		return NULL;
	}
	inet_ehash_insert(child->net, &child->common);
	tcp_trace_state(child->net, &child->common, TCP_LISTEN, TCP_SYN_RECV, CAUSE_fastopen_child);
	fo->req = req;
	fo->child = true;
	sock_hold(listener);
	sock_set_flag(child, SOCK_FASTOPEN_REQ);
	tcp_fastopen(listener)->qlen++;
	tp->snd_wnd = tp->max_window = seg->wnd; /* never scaled in a SYN */
	tcp_reset_xmit_timer(child, ICSK_TIME_RETRANS, TCP_TIMEOUT_INIT_J);
	tcp_init_transfer(child);
	tcp_fastopen_add_text(child, seg);
	fo->rcv_nxt = tp->rcv_wup = tp->rcv_nxt;
	return child;
}

static bool needs_no_cookie(const struct sock *listener)
{
	return listener->net->sysctl.tcp_fastopen & TFO_SERVER_COOKIE_NOT_REQD || tcp_fastopen(listener)->no_cookie;
}

/* Makes the child of a SYN whose cookie key number @key has made; *@foc becomes a newer one where that was the second. */
static bool accept_syn(struct sock *listener, struct request_sock *req, struct tcp_seg *seg, unsigned key,
		       struct tcp_fastopen_cookie *foc, const struct tcp_fastopen_cookie *valid)
{
	struct net *net = listener->net;
	struct sock *child;

	req->synack_us = max_t(uint32_t, net_time_us(net), 1);
	child = create_child(listener, req, seg);
	if (!child) {
		NET_INC(net, MIB_TcpExt_TCPFastOpenPassiveFail);
		return false;
	}
	foc->len = -1;
	if (key == 2) {
		*foc = *valid;
		NET_INC(net, MIB_TcpExt_TCPFastOpenPassiveAltKey);
	}
	NET_INC(net, MIB_TcpExt_TCPFastOpenPassive);
	tcp_req_send_synack(net, req, child, foc);
	tcp_acceptq_add(listener, child);
	sk_data_ready(listener);
	return true;
}

bool tcp_try_fastopen(struct sock *listener, struct request_sock *req, struct tcp_seg *seg, struct tcp_fastopen_cookie *foc)
{
	struct tcp_fastopen_cookie valid = {.len = -1};
	struct net *net = listener->net;
	unsigned key;

	tcp_parse_fastopen(foc, seg->opt, seg->opt_len);
	valid.exp = foc->exp;
	if (!foc->len)
		NET_INC(net, MIB_TcpExt_TCPFastOpenCookieReqd);
	if (!(net->sysctl.tcp_fastopen & TFO_SERVER_ENABLE) || (!seg->len && foc->len < 0) || !queue_check(listener)) {
		foc->len = -1;
		return false;
	}
	if (seg->len && needs_no_cookie(listener)) {
		if (accept_syn(listener, req, seg, 1, foc, &valid))
			return true;
	} else if (foc->len >= 0) {
		key = cookie_check_keys(listener, seg, foc, &valid);
		if (key && accept_syn(listener, req, seg, key, foc, &valid))
			return true;
		if (!key && foc->len)
			NET_INC(net, MIB_TcpExt_TCPFastOpenPassiveFail);
	}
	*foc = valid;
	return false;
}

/* ------------------------------------------------------------------ the end of its handshake */

/* It goes on counting for a minute. */
static void count_reset(struct sock *listener, struct request_sock *req)
{
	struct tcp_fastopen *fo = tcp_fastopen(listener);

	req->common.timer.expires = listener->net->jiffies + RST_PENALTY_J;
	req->common.hash_next = NULL;
	if (fo->rst_head)
		fo->rst_tail->common.hash_next = &req->common.hash;
	else
		fo->rst_head = req;
	fo->rst_tail = req;
	fo->qlen++;
}

void tcp_fastopen_remove(struct sock *child, bool reset)
{
	struct tcp_fastopen *fo = tcp_fastopen(child);
	struct request_sock *req = fo->req;
	struct sock *listener = req->listener;

	fo->req = NULL;
	sock_reset_flag(child, SOCK_FASTOPEN_REQ);
	tcp_fastopen(listener)->qlen--;
	if (reset && tcp_fastopen_accepted(child) && listener->common.state == TCP_LISTEN)
		count_reset(listener, req);
	else
		slab_free(&child->net->tcp->requests, req);
	sock_put(listener);
}

bool tcp_fastopen_move(struct sock *child, struct sock *listener)
{
	struct request_sock *req = tcp_fastopen(child)->req;
	struct tcp_fastopen *to = tcp_fastopen_own(listener);

	if (!to)
		return false;
	tcp_fastopen(req->listener)->qlen--;
	to->qlen++;
	sock_hold(listener);
	sock_put(req->listener);
	req->listener = listener;
	return true;
}

/* Nothing else of it is sent again before its SYN-ACK has been acknowledged. */
void tcp_fastopen_synack_timer(struct sock *child)
{
	struct request_sock *req = tcp_fastopen(child)->req;
	struct tcp_sock *tp = tcp_sk(child);
	struct net *net = child->net;
	unsigned most = child->opts->syn_retries ? child->opts->syn_retries : (unsigned)net->sysctl.tcp_synack_retries + 1;

	NET_INC(net, MIB_TcpExt_TCPTimeouts);
	if (req->num_timeout >= most) {
		NET_INC(net, MIB_TcpExt_TCPAbortOnTimeout);
		tcp_done_with_error(child, child->err_soft ? child->err_soft : ETIMEDOUT, CAUSE_timeout_retries);
		return;
	}
	if (tp->retransmits == 1)
		tcp_enter_loss(child); /* as a handshake that took two repetitions begins with less */
	tcp_rtx_synack(req, child);
	req->num_timeout++;
	if (tp->retransmits < UINT8_MAX)
		tp->retransmits++;
	tp->synack_us = 0;
	tp->total_retrans++;
	if (!tp->retrans_stamp_ms)
		tp->retrans_stamp_ms = max(net_time_ms(net), 1u);
	tcp_reset_xmit_timer(child, ICSK_TIME_RETRANS, TCP_TIMEOUT_INIT_J << min_t(unsigned, req->num_timeout, 16));
}
