// SPDX-License-Identifier: MIT
/*
 * tcp/listen.c - a listening sock: SYNs become requests, children wait to be accepted
 *
 *	tcp_listen_start    listen()
 *	tcp_conn_request    a SYN: is there room?  remember it as a request (120 bytes), or answer with a cookie (cookie.c)
 *	tcp_req_timer       the SYN-ACK goes again, less often when many wait; at last the request is forgotten
 *	  (child.c            the ACK comes: the request becomes a child, which enters the accept queue)
 *	tcp_acceptq_take    accept()
 *	tcp_listen_stop     close() or shutdown(): children are reset in queue order; requests stay, unusable, until their timer
 *	                    or next segment finds that nobody listens (LS-01, LS-02). With tcp_migrate_req another listener of
 *	                    the SO_REUSEPORT group takes the children at once, the requests then (LS-14)
 */
#include "stack/tcp/fastopen.h"

/* ------------------------------------------------------------------ listen() and its end */

int tcp_listen_start(struct sock *sk, int backlog)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct listen_queue *queue = tp->listen;
	int err;

	if (!queue) {
		queue = slab_zalloc(&sk->net->tcp->listens);
		if (!queue)
			return -ENOMEM;
		tp->listen = queue;
	}
	err = tcp_fastopen_listen(sk, (uint32_t)backlog);
	if (err)
		return err;
	sock_reset_flag(sk, SOCK_MIGRATES);
	queue->max_ack_backlog = (uint32_t)backlog;
	tp->ack.ato_j = 0; /* inet_csk_delack_init */
	tp->ack.pending = tp->ack.quick = tp->ack.pingpong = 0;

	/* In LISTEN before the port is looked at: two binds that allowed each other must not both listen. */
	tcp_set_state(sk, TCP_LISTEN, CAUSE_listen);
	err = sk->bind ? inet_csk_listen_check(sk) : inet_csk_get_port(sk, 0);
	if (err) {
		tcp_set_state(sk, TCP_CLOSE, CAUSE_listen);
		return err;
	}
	inet_listen_hash(sk->net, sk);
	return 0;
}

void tcp_listen_stop(struct sock *sk, enum tcp_cause cause)
{
	struct sock *child, *heir;

	if (sk->common.reuseport && sk->net->sysctl.tcp_migrate_req)
		sock_set_flag(sk, SOCK_MIGRATES);
	tcp_set_state(sk, TCP_CLOSE, cause);
	while ((child = tcp_acceptq_take(sk))) {
		heir = tcp_listen_heir(sk, &child->common);
		if (heir && sock_flag(child, SOCK_FASTOPEN_REQ) && !tcp_fastopen_move(child, heir))
			heir = NULL;
		if (!heir) {
			tcp_child_destroy(child, CAUSE_close_child);
			continue;
		}
		NET_INC(sk->net, MIB_TcpExt_TCPMigrateReqSuccess);
		tcp_acceptq_add(heir, child);
		sk_data_ready(heir);
	}
	if (sock_flag(sk, SOCK_FASTOPEN))
		tcp_fastopen_forget_resets(sk);
}

struct sock *tcp_listen_heir(struct sock *sk, const struct sock_common *c)
{
	struct sock *heir;

	if (sk->common.state == TCP_LISTEN)
		return sk;
	if (!sock_flag(sk, SOCK_MIGRATES))
		return NULL;
	heir = inet_reuseport_heir(sk, c);
	if (!heir)
		NET_INC(sk->net, MIB_TcpExt_TCPMigrateReqFailure);
	return heir;
}

/* ------------------------------------------------------------------ the accept queue */

bool tcp_acceptq_is_full(const struct sock *sk)
{
	const struct listen_queue *queue = tcp_sk(sk)->listen;

	return queue->ack_backlog > queue->max_ack_backlog; /* backlog 0 admits one */
}

void tcp_acceptq_add(struct sock *listener, struct sock *child)
{
	struct listen_queue *queue = tcp_sk(listener)->listen;

	tcp_sk(child)->accept_next = NULL;
	if (queue->accept_tail)
		tcp_sk(queue->accept_tail)->accept_next = child;
	else
		queue->accept_head = child;
	queue->accept_tail = child;
	queue->ack_backlog++;
}

struct sock *tcp_acceptq_take(struct sock *listener)
{
	struct listen_queue *queue = tcp_sk(listener)->listen;
	struct sock *child = queue ? queue->accept_head : NULL;

	if (!child)
		return NULL;
	queue->accept_head = tcp_sk(child)->accept_next;
	if (!queue->accept_head)
		queue->accept_tail = NULL;
	tcp_sk(child)->accept_next = NULL;
	queue->ack_backlog--;
	return child;
}

/* inet_child_forget(): disconnect, then the end of an orphan. A child that was reset already leaves in silence (LS-08). */
void tcp_child_destroy(struct sock *child, enum tcp_cause cause)
{
	if (child->common.state != TCP_CLOSE) {
		tcp_send_active_reset(child, cause);
		tcp_write_queue_purge(child);
		tcp_set_state(child, TCP_CLOSE, cause);
	}
	tcp_clear_deadlines(child);
	if (sock_flag(child, SOCK_FASTOPEN_REQ))
		tcp_fastopen_remove(child, false);
	sock_orphan(child);
	sock_put(child);
}

/* ------------------------------------------------------------------ requests come and go */

static uint32_t req_timeout_j(struct sock *listener, const struct request_sock *req)
{
	uint32_t timeout = TCP_TIMEOUT_INIT_J << min_t(unsigned, req->num_timeout, 16);

	return min(timeout, tcp_rto_max_j(listener));
}

static void req_arm(struct request_sock *req)
{
	struct net *net = req->listener->net;

	timer_arm(&net->wheel, &req->common.timer, tick_after_jiffies(net, req_timeout_j(req->listener, req)));
}

static void req_count(const struct request_sock *req, int by)
{
	struct listen_queue *queue = tcp_sk(req->listener)->listen;

	queue->qlen += (uint32_t)by;
	if (!req->num_timeout)
		queue->young += (uint32_t)by;
}

static void req_insert(struct sock *listener, struct request_sock *req)
{
	sock_hold(listener);
	inet_ehash_insert(listener->net, &req->common);
	req_count(req, +1);
	req_arm(req);
	tcp_trace_state(listener->net, &req->common, TCP_LISTEN, TCP_NEW_SYN_RECV, CAUSE_syn_received);
}

/* Out of the tables, the timer and the listener's counts; the memory and the reference stay. */
void tcp_req_unlink(struct net *net, struct request_sock *req)
{
	timer_disarm(&net->wheel, &req->common.timer);
	inet_unhash(net, &req->common);
	req_count(req, -1);
}

void tcp_req_free(struct net *net, struct request_sock *req)
{
	struct sock *listener = req->listener;

	slab_free(&net->tcp->requests, req);
	sock_put(listener);
}

void tcp_req_drop(struct net *net, struct request_sock *req, enum tcp_cause cause)
{
	tcp_trace_state(net, &req->common, TCP_NEW_SYN_RECV, TCP_CLOSE, cause);
	tcp_req_unlink(net, req);
	tcp_req_free(net, req);
}

/* ------------------------------------------------------------------ the SYN-ACK's timer */

/* Many old requests get fewer repetitions, so that young ones find room (AQ-04). */
static unsigned synack_threshold(struct sock *listener)
{
	const struct listen_queue *queue = tcp_sk(listener)->listen;
	unsigned thresh = (unsigned)tcp_synack_retries(listener);
	uint32_t young = queue->young << 1;

	if (queue->qlen << 1 > max_t(uint32_t, 8, queue->max_ack_backlog))
		for (; thresh > 2 && queue->qlen >= young; young <<= 1)
			thresh--;
	return thresh;
}

/* A repeated SYN-ACK: 0, or the error of sending. */
int tcp_rtx_synack(struct request_sock *req, struct sock *sk)
{
	struct net *net = req->listener->net;
	int err = tcp_req_send_synack(net, req, sk, NULL);

	if (!err) {
		req->num_retrans++;
		req->synack_us = 0; /* no RTT from what was sent twice */
		NET_INC(net, MIB_Tcp_RetransSegs);
		NET_INC(net, MIB_TcpExt_TCPSynRetrans);
	}
	return err;
}

/* @req waits for another listener from now on. */
static void req_move(struct request_sock *req, struct sock *listener)
{
	struct sock *was = req->listener;

	req_count(req, -1);
	req->listener = listener;
	req_count(req, +1);
	sock_hold(listener);
	sock_put(was);
}

void tcp_req_timer(struct net *net, struct request_sock *req)
{
	struct sock *listener = tcp_listen_heir(req->listener, &req->common);
	unsigned thresh, defer;
	bool expire, resend, moved;

	if (!listener) {
		tcp_req_drop(net, req, CAUSE_request_gone);
		return;
	}
	moved = listener != req->listener;
	if (moved)
		req_move(req, listener);
	thresh = synack_threshold(listener);
	defer = listener->opts->defer_accept;
	expire = req->num_timeout >= thresh && (!defer || !req->acked || req->num_timeout >= defer);
	/* A deferred request whose ACK came is left alone until the last period (DA-04). */
	resend = !defer || !req->acked || req->num_timeout + 1u >= defer;
	NET_INC(net, MIB_TcpExt_TCPTimeouts);
	if (expire || (resend && tcp_rtx_synack(req, listener) && !req->acked)) {
		tcp_req_drop(net, req, CAUSE_request_over);
		return;
	}
	if (!req->num_timeout++)
		tcp_sk(listener)->listen->young--;
	if (moved)
		NET_INC(net, MIB_TcpExt_TCPMigrateReqSuccess);
	req_arm(req);
}

void tcp_req_syn_again(struct request_sock *req, struct sock *sk)
{
	if (!tcp_rtx_synack(req, sk) && !sock_flag(sk, SOCK_FASTOPEN_REQ))
		req_arm(req);
}

/* ------------------------------------------------------------------ a SYN */

static bool requests_full(const struct sock *listener)
{
	const struct listen_queue *queue = tcp_sk(listener)->listen;

	return queue->qlen > queue->max_ack_backlog; /* backlog 0 admits one */
}

/* Without cookies the last quarter of tcp_max_syn_backlog is for peers that are known; we know none. */
static bool backlog_spent(const struct sock *listener)
{
	const struct sysctls *ctl = &listener->net->sysctl;
	int32_t most = ctl->tcp_max_syn_backlog;

	return !ctl->tcp_syncookies && most - (int32_t)tcp_sk(listener)->listen->qlen < most >> 2;
}

void tcp_req_init(struct sock *listener, struct request_sock *req, struct tcp_seg *seg)
{
	struct net *net = listener->net;
	const struct tcp_options *opt = &seg->options;

	memset(req, 0, sizeof(*req));
	tcp_parse_seg_options(seg);
	req->common.timer.kind = TIMER_REQUEST;
	req->common.state = TCP_NEW_SYN_RECV;
	req->common.family = listener->common.family;
	req->common.num = seg->dport;
	req->common.dport = seg->sport;
	req->daddr = seg->saddr;
	req->saddr = seg->daddr;
	req->common.v4 = addr_is_v4(&req->daddr);
	req->listener = listener;
	req->rcv_isn = seg->seq;
	req->mss = opt->mss ? opt->mss : tcp_default_mss(req->common.v4);
	if (listener->opts->user_mss && listener->opts->user_mss < req->mss)
		req->mss = listener->opts->user_mss;
	req->tstamp_ok = opt->saw_tstamp && net->sysctl.tcp_timestamps;
	req->ts_recent = req->tstamp_ok ? opt->tsval : 0;
	req->sack_ok = opt->sack_ok && net->sysctl.tcp_sack;
	req->wscale_ok = opt->wscale_ok && net->sysctl.tcp_window_scaling;
	req->snd_wscale = req->wscale_ok ? opt->wscale : 0;
}

static uint32_t our_mss(const struct sock *listener, const struct request_sock *req)
{
	uint32_t mss = ip_mtu(listener->net, &req->daddr) - (req->common.v4 ? 40 : 60);

	if (listener->opts->user_mss && listener->opts->user_mss < mss)
		mss = listener->opts->user_mss;
	return req->tstamp_ok ? mss - 12 : mss;
}

static uint32_t select_window(const struct sock *listener, const struct request_sock *req, uint32_t mss,
			      uint32_t *rcv_wnd, uint8_t *rcv_wscale)
{
	uint32_t clamp = listener->opts->window_clamp, space = tcp_full_space(listener);

	if (sock_flag(listener, SOCK_RCVBUF_LOCK) && (!clamp || clamp > space))
		clamp = space; /* the buffer will not grow */
	tcp_select_initial_window(listener, space, mss, req->wscale_ok, rcv_wnd, &clamp, rcv_wscale);
	return clamp;
}

uint32_t tcp_req_window(const struct sock *listener, const struct request_sock *req, uint32_t *rcv_wnd,
			uint8_t *rcv_wscale)
{
	return select_window(listener, req, our_mss(listener, req), rcv_wnd, rcv_wscale);
}

void tcp_req_init_rwin(const struct sock *listener, struct request_sock *req, uint32_t mss)
{
	uint8_t wscale;

	select_window(listener, req, mss ? mss : our_mss(listener, req), &req->rcv_wnd, &wscale);
	req->rcv_wscale = wscale;
}

uint32_t tcp_req_ts_off(struct net *net, const struct request_sock *req)
{
	if (!req->tstamp_ok)
		return 0;
	return unlikely(req->cookie) ? cookie_ts_off(net, req) : tcp_init_ts_off(net, &req->saddr, &req->daddr);
}

static void send_cookie(struct sock *listener, struct tcp_seg *seg)
{
	struct request_sock req;

	tcp_req_init(listener, &req, seg);
	if (!req.tstamp_ok) { /* what a cookie cannot hold is given up */
		req.sack_ok = req.wscale_ok = 0;
		req.snd_wscale = 0;
	}
	req.snt_isn = cookie_init_sequence(listener, seg, &req.mss);
	req.cookie = 1;
	tcp_req_init_rwin(listener, &req, 0);
	tcp_req_send_synack(listener->net, &req, listener, NULL);
}

static void listen_drop(struct sock *listener, struct tcp_seg *seg, enum tcp_cause cause)
{
	NET_INC(listener->net, MIB_TcpExt_ListenDrops);
	tcp_trace_drop(listener->net, &listener->common, seg, cause);
}

void tcp_conn_request(struct sock *listener, struct tcp_seg *seg, uint32_t isn)
{
	struct net *net = listener->net;
	struct tcp_fastopen_cookie foc = {.len = -1};
	bool want_cookie = false;
	struct request_sock *req;

	if (!isn && (net->sysctl.tcp_syncookies == 2 || requests_full(listener))) {
		want_cookie = net->sysctl.tcp_syncookies;
		NET_INC(net, want_cookie ? MIB_TcpExt_TCPReqQFullDoCookies : MIB_TcpExt_TCPReqQFullDrop);
		if (!want_cookie) {
			listen_drop(listener, seg, CAUSE_request_queue_full);
			return;
		}
	}
	if (tcp_acceptq_is_full(listener)) {
		NET_INC(net, MIB_TcpExt_ListenOverflows);
		listen_drop(listener, seg, CAUSE_accept_queue_full);
		return;
	}
	if (want_cookie) {
		send_cookie(listener, seg);
		return;
	}
	if (!isn && backlog_spent(listener)) {
		listen_drop(listener, seg, CAUSE_request_queue_full);
		return;
	}
	req = slab_alloc(&net->tcp->requests);
	if (!req) {
		listen_drop(listener, seg, CAUSE_no_memory);
		return;
	}
	tcp_req_init(listener, req, seg);
	req->snt_isn = isn ? isn : tcp_init_seq(net, &req->saddr, &req->daddr, req->common.num, req->common.dport);
	tcp_req_init_rwin(listener, req, 0);
	if (unlikely(tcp_syn_is_fastopen(listener, seg)) && tcp_try_fastopen(listener, req, seg, &foc))
		return;
	req_insert(listener, req);
	req->synack_us = max_t(uint32_t, net_time_us(net), 1);
	tcp_req_send_synack(net, req, listener, &foc);
}
