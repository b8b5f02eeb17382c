// SPDX-License-Identifier: MIT
/*
 * tcp/child.c - a segment for a request; if it completes the handshake, the request becomes a sock
 *
 *	tcp_check_req              the questions of RFC 9293 section 3.10.7.4 for SYN-RECEIVED, in Linux's order
 *	tcp_create_openreq_child   what the listener leaves to its child, and what the handshake agreed
 *
 * The child is in SYN_RECV when it is handed out; the same segment, processed by it, makes it ESTABLISHED.
 */
#include "stack/tcp/fastopen.h"

/* ------------------------------------------------------------------ the questions */

/* Timestamps: is the segment older than the SYN? */
static bool fails_paws(const struct net *net, const struct request_sock *req, const struct tcp_seg *seg)
{
	uint32_t stamp_s = net_time_s(net) - (1u << min_t(unsigned, req->num_timeout, 7));

	return seg->options.saw_tstamp &&
	       tcp_paws_reject(net, req->ts_recent, stamp_s, seg->options.tsval, seg_has(seg, TCPHDR_RST));
}

/* An echo of none of our SYN-ACKs: not from the peer that they went to. */
static bool echoes_wrongly(const struct request_sock *req, const struct tcp_seg *seg)
{
	return seg->options.saw_tstamp && seg->options.tsecr &&
	       seg->options.tsecr - req->common.snt_tsval_first > req->snt_tsval_span;
}

/* Timestamps that do not belong here: the counter of their kind, or MIB_COUNT. */
static enum mib tstamp_fault(struct net *net, const struct request_sock *req, struct tcp_seg *seg, bool fastopen)
{
	if (!req->tstamp_ok)
		return MIB_COUNT;
	tcp_parse_seg_options(seg);
	if (fails_paws(net, req, seg))
		return MIB_TcpExt_PAWSEstab;
	return !fastopen && echoes_wrongly(req, seg) ? MIB_TcpExt_TSEcrRejected : MIB_COUNT;
}

/* RST, or a SYN that is not ours: the attempt is over (HS-03, HS-07). */
static void embryonic_reset(struct net *net, struct request_sock *req, struct tcp_seg *seg, enum tcp_cause cause)
{
	if (!seg_has(seg, TCPHDR_RST))
		tcp_send_reply_reset(net, &req->common, seg, cause);
	NET_INC(net, MIB_TcpExt_EmbryonicRsts);
	tcp_req_drop(net, req, cause);
}

/* The accept queue is full: the peer will send again (AQ-02), unless it is told (AQ-03). */
static void overflow(struct net *net, struct request_sock *req, struct tcp_seg *seg, enum tcp_cause cause)
{
	if (cause == CAUSE_accept_queue_full)
		NET_INC(net, MIB_TcpExt_ListenOverflows);
	NET_INC(net, MIB_TcpExt_ListenDrops);
	if (net->sysctl.tcp_abort_on_overflow) {
		embryonic_reset(net, req, seg, CAUSE_request_overflow);
		return;
	}
	req->acked = 1;
	tcp_trace_drop(net, &req->common, seg, cause);
}

/* The request is replaced by its child, in the table and in its listener's counts. */
static struct sock *complete(struct sock *listener, struct request_sock *req, struct tcp_seg *seg)
{
	struct net *net = listener->net;
	struct sock *child;

	if (tcp_acceptq_is_full(listener)) {
		overflow(net, req, seg, CAUSE_accept_queue_full);
		return NULL;
	}
	child = tcp_create_openreq_child(listener, req, seg);
	if (!child) {
		overflow(net, req, seg, CAUSE_no_memory);
		return NULL;
	}
	if (seg->options_parsed && seg->options.saw_tstamp && !after(seg->seq, req->rcv_isn + 1))
		tcp_sk(child)->ts_recent = seg->options.tsval; /* also of a segment that it will refuse */
	inet_ehash_replace(net, &req->common, &child->common);
	tcp_req_unlink(net, req);
	if (listener != req->listener)
		NET_INC(net, MIB_TcpExt_TCPMigrateReqSuccess);
	tcp_acceptq_add(listener, child);
	tcp_trace_state(net, &child->common, TCP_NEW_SYN_RECV, TCP_SYN_RECV, CAUSE_child_made);
	tcp_req_free(net, req);
	return child;
}

bool tcp_req_is_for_listener(const struct request_sock *req, const struct tcp_seg *seg)
{
	bool syn_again = seg->seq == req->rcv_isn && (seg->flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST)) == TCPHDR_SYN;

	return !syn_again && !seg_has(seg, TCPHDR_RST) && seg_has(seg, TCPHDR_ACK) && seg->ack != req->snt_isn + 1;
}

/* A RST in the window but not at its beginning (RFC 5961 section 3): the peer shall repeat it where it belongs. */
static void challenge(struct net *net, struct request_sock *req, const struct tcp_seg *seg, struct sock *sk)
{
	tcp_trace_drop(net, &req->common, seg, CAUSE_rst_unacceptable);
	if (tcp_oow_rate_limited(net, seg, MIB_TcpExt_TCPACKSkippedChallenge, &req->last_oow_ack_ms))
		return;
	NET_INC(net, MIB_TcpExt_TCPChallengeACK);
	tcp_req_send_ack(net, req, sk);
}

/* A child of Fast Open belongs to a program already: only a RST ends it, and a SYN in its window is merely refused. */
static void fastopen_reset(struct sock *child, struct request_sock *req, struct tcp_seg *seg, bool rst)
{
	if (rst) {
		tcp_fastopen_remove(child, true);
		tcp_reset(child, seg);
	} else {
		tcp_send_reply_reset(child->net, &req->common, seg, CAUSE_request_syn);
	}
}

struct sock *tcp_check_req(struct sock *sk, struct request_sock *req, struct tcp_seg *seg)
{
	struct net *net = sk->net;
	bool fastopen = sock_flag(sk, SOCK_FASTOPEN_REQ);
	uint8_t flags = seg->flags & (TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST);
	enum mib fault = tstamp_fault(net, req, seg, fastopen);
	uint32_t first = tcp_req_rcv_nxt(req, sk);

	if (seg->seq == req->rcv_isn && flags == TCPHDR_SYN && fault != MIB_TcpExt_PAWSEstab) { /* the SYN again (HS-01) */
		if (!tcp_oow_rate_limited(net, seg, MIB_TcpExt_TCPACKSkippedSynRecv, &req->last_oow_ack_ms))
			tcp_req_syn_again(req, sk);
		return NULL;
	}
	if (fault != MIB_COUNT || !tcp_in_window(seg->seq, seg->end_seq, first, first + req->rcv_wnd)) { /* HS-09 */
		if (!seg_has(seg, TCPHDR_RST) &&
		    !tcp_oow_rate_limited(net, seg, MIB_TcpExt_TCPACKSkippedSynRecv, &req->last_oow_ack_ms))
			tcp_req_send_ack(net, req, sk);
		if (fault != MIB_COUNT)
			NET_INC(net, fault);
		return NULL;
	}
	if (seg->seq == req->rcv_isn)
		flags &= ~TCPHDR_SYN; /* what lies before the window is cut off */
	if (flags & TCPHDR_RST && seg->seq != first) {
		challenge(net, req, seg, sk);
		return NULL;
	}
	if (flags & (TCPHDR_RST | TCPHDR_SYN)) {
		NET_INC(net, MIB_Tcp_AttemptFails);
		if (fastopen) {
			fastopen_reset(sk, req, seg, flags & TCPHDR_RST);
			return NULL;
		}
		embryonic_reset(net, req, seg, flags & TCPHDR_RST ? CAUSE_rst_request : CAUSE_request_syn);
		return NULL;
	}
	if (!(flags & TCPHDR_ACK)) {
		tcp_trace_drop(net, &req->common, seg, CAUSE_no_ack_flag);
		return NULL;
	}
	if (fastopen)
		return sk;
	if (req->num_timeout < sk->opts->defer_accept && seg->end_seq == first) { /* DA-01 */
		req->acked = 1;
		NET_INC(net, MIB_TcpExt_TCPDeferAcceptDrop);
		tcp_trace_drop(net, &req->common, seg, CAUSE_defer_accept);
		return NULL;
	}
	return complete(sk, req, seg);
}

/* ------------------------------------------------------------------ the child */

/* What the program set on the listener is the child's as well, as it is now (LS-11); but nobody gave the child its port by
 * number: a disconnect() gives it back. */
static bool inherit_options(struct sock *listener, struct sock *child)
{
	const uint32_t inherited = SOCK_LINGER | SOCK_KEEPOPEN | SOCK_URGINLINE | SOCK_RECVERR | SOCK_RCVBUF_LOCK |
				   SOCK_SNDBUF_LOCK | SOCK_BINDADDR_LOCK | SOCK_ZEROCOPY;

	child->flags = listener->flags & inherited;
	child->rcvbuf = listener->rcvbuf;
	child->sndbuf = listener->sndbuf;
	child->rcvlowat = listener->rcvlowat;
	child->shutdown = listener->shutdown; /* of a shutdown() that failed before listen(): the mark outlives it (SH-17) */
	child->common.reuse = listener->common.reuse;
	child->common.reuseport = listener->common.reuseport;
	child->common.ipv6only = listener->common.ipv6only;
	tcp_sk(child)->nonagle = tcp_sk(listener)->nonagle;
	tcp_sk(child)->ack.pingpong = tcp_sk(listener)->ack.pingpong; /* TCP_QUICKACK */
	if (listener->opts != &sock_opts_default) {
		struct sock_opts *own = sock_opts_own(child);

		if (!own)
			return false;
		*own = *listener->opts;
		own->priority = 0;
		own->errors = NULL;
		own->zerocopy = NULL;
		own->fastopen = NULL;
	}
	return true;
}

static void take_window(struct sock *listener, struct sock *child, const struct request_sock *req, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(child);
	uint32_t wnd;
	uint8_t wscale;

	tp->window_clamp = tcp_req_window(listener, req, &wnd, &wscale); /* window and scale stay as the SYN-ACK had them */
	tp->rcv_wnd = tp->rcv_ssthresh = req->rcv_wnd;
	tp->wscale_ok = req->wscale_ok;
	tp->snd_wscale = req->snd_wscale;
	tp->rcv_wscale = req->rcv_wscale;
	tp->snd_wnd = (uint32_t)seg->wnd << tp->snd_wscale;
	tp->max_window = tp->snd_wnd;
}

static void take_sequence(struct tcp_sock *tp, const struct request_sock *req)
{
	uint32_t mine = req->snt_isn + 1;

	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = req->rcv_isn + 1;
	tp->snd_wl1 = req->rcv_isn;
	tp->snd_una = tp->snd_nxt = tp->snd_sml = tp->snd_up = tp->write_seq = tp->pushed_seq = mine;
}

struct sock *tcp_create_openreq_child(struct sock *listener, struct request_sock *req, struct tcp_seg *seg)
{
	struct net *net = listener->net;
	struct sock *child = tcp_create_sock(net, listener->common.family);
	struct tcp_sock *tp;

	if (!child)
		return NULL;
	tp = tcp_sk(child);
	child->common.num = req->common.num;
	child->common.dport = req->common.dport;
	child->common.v4 = req->common.v4;
	child->daddr = req->daddr;
	child->rcv_saddr = req->saddr;
	if (!inherit_options(listener, child) || inet_inherit_port(listener, child)) {
		sock_orphan(child);
		sock_put(child);
		return NULL;
	}
	child->common.state = TCP_SYN_RECV;
	take_sequence(tp, req);
	tp->segs_in = 1;
	tp->lrcvtime_ms = net_time_ms(net); /* an answer sent at once counts as one of a dialogue */
	tp->mss_clamp = req->mss;
	tp->sack_ok = req->sack_ok;
	tp->tstamp_ok = req->tstamp_ok;
	tp->tcp_header_len = TCP_HDR_LEN + (req->tstamp_ok ? 12 : 0);
	tp->tsoffset = tcp_req_ts_off(net, req);
	if (req->tstamp_ok) {
		tp->rcv_tsval = req->ts_recent;
		tcp_store_ts_recent(child);
	}
	take_window(listener, child, req, seg);
	tp->synack_us = req->num_retrans ? 0 : req->synack_us;
	if (req->num_timeout) { /* the SYN-ACK was repeated: tcp_init_transfer() starts with less */
		tp->total_retrans = req->num_timeout;
		tp->undo_marker = req->snt_isn;
	}
	if (seg->len + seg->opt_len + TCP_HDR_LEN >= (uint32_t)TCP_MSS_DEFAULT + tp->tcp_header_len)
		tp->last_seg_size = (uint16_t)(seg->len + seg->opt_len + TCP_HDR_LEN - tp->tcp_header_len);
	tcp_sync_mss(child, ip_mtu(net, &req->daddr));
	tp->advmss = (uint16_t)(ip_mtu(net, &req->daddr) - (req->common.v4 ? 40 : 60));
	if (child->opts->user_mss && child->opts->user_mss < tp->advmss)
		tp->advmss = child->opts->user_mss;
	tcp_initialize_rcv_mss(child);
	if (sock_flag(child, SOCK_KEEPOPEN))
		tcp_reset_keepalive_timer(child, msecs_to_jiffies(tcp_keepalive_time_ms(child)));
	NET_INC(net, MIB_Tcp_PassiveOpens);
	return child;
}
