// SPDX-License-Identifier: MIT
/*
 * tcp/input.c - a segment arrives
 *
 *	tcp_rcv                    whose is it?
 *	  nobody's                   reply RST
 *	  a stand-in's               timewait.c
 *	  a request's                child.c: it may become a sock, which then processes the segment below
 *	  a listener's               listen.c
 *	  a sock's                   tcp_rcv_state_process
 *
 *	tcp_rcv_state_process      the column of questions, RFC 9293 section 3.10.7.4, one function each:
 *	  tcp_validate_incoming      acceptable?  timestamps, sequence, RST, SYN     (RFC 7323, RFC 5961)
 *	  tcp_ack                    what does it acknowledge?                       (ack.c)
 *	  tcp_ack_moves_state        what does that acknowledgement end?
 *	  tcp_urg                    urgent?                                         (data.c)
 *	  tcp_take_text              data, FIN: may it still be taken?               (data.c)
 *	  tcp_data_snd_check         what may we send now?
 *	  tcp_ack_snd_check          must we acknowledge now?                        (data.c)
 *
 * A sock that ends on the way stays readable until the entry ends (net.h), but nothing is done with it any more: each step
 * says whether to go on.
 */
#include "stack/tcp/fastopen.h"

/* ------------------------------------------------------------------ small questions */

void tcp_parse_seg_options(struct tcp_seg *seg)
{
	if (seg->options_parsed)
		return;
	tcp_parse_options(&seg->options, seg->opt, seg->opt_len, seg_has(seg, TCPHDR_SYN));
	seg->options_parsed = true;
}

bool tcp_paws_check(const struct net *net, uint32_t ts_recent, uint32_t stamp_s, uint32_t tsval, int32_t window)
{
	if (likely((int32_t)(ts_recent - tsval) <= window))
		return true;
	if (net_time_s(net) - stamp_s >= TCP_PAWS_24DAYS_S)
		return true;
	return ts_recent == 0; /* some peers begin with a zero timestamp */
}

bool tcp_paws_reject(const struct net *net, uint32_t ts_recent, uint32_t stamp_s, uint32_t tsval, bool rst)
{
	if (tcp_paws_check(net, ts_recent, stamp_s, tsval, 0))
		return false;
	return !(rst && net_time_s(net) - stamp_s >= 60); /* a RST after one MSL may come from a rebooted clock */
}

bool tcp_in_window(uint32_t seq, uint32_t end_seq, uint32_t start, uint32_t end)
{
	if (seq == start)
		return true;
	if (after(end_seq, start) && before(seq, end))
		return true;
	return seq == end && seq == end_seq;
}

void tcp_store_ts_recent(struct sock *sk)
{
	tcp_sk(sk)->ts_recent = tcp_sk(sk)->rcv_tsval;
	tcp_sk(sk)->ts_recent_stamp_s = net_time_s(sk->net);
}

/* Reads the timestamp of the segment in hand, if the connection uses them. */
static void read_timestamp(struct tcp_sock *tp, struct tcp_seg *seg)
{
	tp->saw_tstamp = false;
	if (unlikely(!tp->tstamp_ok || !seg->opt_len))
		return;
	tcp_parse_seg_options(seg);
	if (unlikely(!seg->options.saw_tstamp))
		return;
	tp->saw_tstamp = true;
	tp->rcv_tsval = seg->options.tsval;
	tp->rcv_tsecr = seg->options.tsecr ? seg->options.tsecr - tp->tsoffset : 0;
}

bool tcp_oow_rate_limited(struct net *net, const struct tcp_seg *seg, enum mib skipped, uint32_t *last_ms)
{
	uint32_t now = net_time_ms(net);

	if (seg->seq != seg->end_seq && !seg_has(seg, TCPHDR_SYN))
		return false; /* data is no part of a storm of ACKs */
	if (*last_ms && now - *last_ms < (uint32_t)net->sysctl.tcp_invalid_ratelimit) {
		NET_INC(net, skipped);
		return true;
	}
	*last_ms = now ? now : 1; /* 0 means: never */
	return false;
}

void tcp_send_challenge_ack(struct sock *sk)
{
	struct net *net = sk->net;
	struct tcp *tcp = net->tcp;
	uint32_t limit = net->sysctl.tcp_challenge_ack_limit, last = tcp_sk(sk)->last_oow_ack_ms, now = net_time_ms(net);

	if (last && now - last < (uint32_t)net->sysctl.tcp_invalid_ratelimit) {
		NET_INC(net, MIB_TcpExt_TCPACKSkippedChallenge);
		return;
	}
	tcp_sk(sk)->last_oow_ack_ms = now ? now : 1;
	if (limit != INT32_MAX) {
		if (tcp->challenge_second != net_time_s(net)) {
			tcp->challenge_second = net_time_s(net);
			/* half of it for sure, the rest by chance: a counter that cannot be observed (CVE-2016-5696) */
			tcp->challenge_count = (limit + 1) / 2 + (uint32_t)(limit ? net_random(net) % limit : net_random(net));
		}
		if (!tcp->challenge_count)
			return;
		tcp->challenge_count--;
	}
	NET_INC(net, MIB_TcpExt_TCPChallengeACK);
	tcp_send_ack(sk);
}

/* An accepted RST, or what is treated as one: the error by state, the receive queue stays readable (section 16). */
static void tcp_reset_because(struct sock *sk, enum tcp_cause cause)
{
	switch (sk->common.state) {
	case TCP_SYN_SENT:
		tcp_done_with_error(sk, ECONNREFUSED, CAUSE_rst_refused);
		break;
	case TCP_CLOSE_WAIT:
		tcp_done_with_error(sk, EPIPE, cause);
		break;
	case TCP_CLOSE:
		break;
	default:
		tcp_done_with_error(sk, ECONNRESET, cause);
	}
}

void tcp_reset(struct sock *sk, struct tcp_seg *seg)
{
	(void)seg;
	tcp_reset_because(sk, CAUSE_rst_received);
}

/* ------------------------------------------------------------------ acceptable? */

enum verdict { SEG_DROP, SEG_GO_ON };

/* RFC 7323 appendix: an ACK whose timestamp is a little old may be one that was overtaken. */
static bool is_overtaken_ack(const struct sock *sk, const struct tcp_seg *seg)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t wnd = (uint32_t)seg->wnd << tp->snd_wscale;
	bool updates_window = after(seg->ack, tp->snd_una) || after(seg->seq, tp->snd_wl1) ||
			      (seg->seq == tp->snd_wl1 && (wnd > tp->snd_wnd || !wnd));

	return seg->seq == tp->rcv_nxt && seg->ack == tp->snd_una && !updates_window &&
	       (int32_t)(tp->ts_recent - tp->rcv_tsval) <= (int32_t)(jiffies_to_msecs(tp->rto_j) * 12 / 10);
}

static void challenge_syn(struct sock *sk)
{
	if (sk->common.state == TCP_ESTABLISHED)
		NET_INC(sk->net, MIB_Tcp_InErrs);
	NET_INC(sk->net, MIB_TcpExt_TCPSYNChallenge);
	tcp_send_challenge_ack(sk);
}

/* Older than what was seen last? Every answer but "go on" has been given here. */
static enum verdict check_paws(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->net;
	bool pure_ack;

	read_timestamp(tp, seg);
	if (likely(!tp->saw_tstamp ||
		   tcp_paws_check(net, tp->ts_recent, tp->ts_recent_stamp_s, tp->rcv_tsval, TCP_PAWS_WINDOW)))
		return SEG_GO_ON;
	pure_ack = seg_has(seg, TCPHDR_ACK) && seg->seq == seg->end_seq;
	if (seg_has(seg, TCPHDR_RST) || (pure_ack && is_overtaken_ack(sk, seg)))
		return SEG_GO_ON; /* a RST needs no timestamp */
	if (seg_has(seg, TCPHDR_SYN)) {
		challenge_syn(sk);
		return SEG_DROP;
	}
	tcp_trace_drop(net, &sk->common, seg, CAUSE_paws);
	if (pure_ack && before(seg->seq, tp->rcv_nxt)) {
		NET_INC(net, MIB_TcpExt_PAWSOldAck);
		return SEG_DROP;
	}
	NET_INC(net, MIB_TcpExt_PAWSEstab);
	if (!tcp_oow_rate_limited(net, seg, MIB_TcpExt_TCPACKSkippedPAWS, &tp->last_oow_ack_ms))
		tcp_send_dupack(sk, seg);
	return SEG_DROP;
}

enum fit { SEQ_FITS, SEQ_OLD, SEQ_BEYOND };

/* A segment that begins in the window but reaches beyond it is taken whole while nothing waits to be read (RF-11); a FIN may
 * lie just beyond the edge (RF-08). */
static enum fit tcp_sequence(const struct sock *sk, const struct tcp_seg *seg)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t edge = tp->rcv_nxt + tcp_receive_window(tp);

	if (unlikely(before(seg->end_seq, tp->rcv_wup)))
		return SEQ_OLD;
	if (likely(!after(seg->end_seq - !!seg_has(seg, TCPHDR_FIN), edge)))
		return SEQ_FITS;
	if (after(seg->seq, edge) || tp->receive_queue)
		return SEQ_BEYOND;
	return SEQ_FITS;
}

/* One below what is expected: a peer that had to abort after its FIN. */
static bool rst_behind_fin(const struct sock *sk, const struct tcp_seg *seg)
{
	return seg->seq == tcp_sk(sk)->rcv_nxt - 1 && sk_in(sk, TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING);
}

static bool rst_at_highest_sack(const struct sock *sk, const struct tcp_seg *seg)
{
	const struct tcp_ofo *ofo = tcp_sk(sk)->ofo;
	uint32_t highest;

	if (!tcp_sk(sk)->sack_ok || !ofo || !ofo->num_sacks)
		return false;
	highest = ofo->selective_acks[0].end;
	for (unsigned i = 1; i < ofo->num_sacks; i++)
		if (after(ofo->selective_acks[i].end, highest))
			highest = ofo->selective_acks[i].end;
	return seg->seq == highest;
}

/* Crossed SYNs: the peer's SYN-ACK repeats its SYN, and belongs to the handshake (SO-02). */
static bool completes_crossed_syns(const struct sock *sk, const struct tcp_seg *seg)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return sk->common.state == TCP_SYN_RECV && sk->socket && seg_has(seg, TCPHDR_ACK) && seg->seq + 1 == seg->end_seq &&
	       seg->seq + 1 == tp->rcv_nxt && seg->ack == tp->snd_nxt;
}

static enum verdict tcp_validate_incoming(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->net;
	bool rst = seg_has(seg, TCPHDR_RST), syn = seg_has(seg, TCPHDR_SYN);
	enum fit fit;

	if (unlikely(check_paws(sk, seg) == SEG_DROP))
		return SEG_DROP;

	fit = tcp_sequence(sk, seg);
	if (unlikely(fit != SEQ_FITS)) {
		if (rst) {
			if (rst_behind_fin(sk, seg))
				tcp_reset(sk, seg);
			else
				tcp_trace_drop(net, &sk->common, seg, CAUSE_rst_unacceptable);
			return SEG_DROP;
		}
		if (syn) {
			challenge_syn(sk);
			return SEG_DROP;
		}
		if (fit == SEQ_BEYOND)
			NET_INC(net, MIB_TcpExt_BeyondWindow);
		if (!tcp_oow_rate_limited(net, seg, MIB_TcpExt_TCPACKSkippedSeq, &tp->last_oow_ack_ms))
			tcp_send_dupack(sk, seg);
		return SEG_DROP;
	}

	if (unlikely(rst)) {
		if (seg->seq == tp->rcv_nxt || rst_behind_fin(sk, seg) || rst_at_highest_sack(sk, seg)) {
			tcp_reset(sk, seg);
			return SEG_DROP;
		}
		if (sock_flag(sk, SOCK_FASTOPEN))
			tcp_fastopen_stray_reset(sk);
		tcp_send_challenge_ack(sk); /* RFC 5961 section 3.2 */
		return SEG_DROP;
	}
	if (unlikely(syn) && !completes_crossed_syns(sk, seg)) {
		challenge_syn(sk); /* RFC 5961 section 4.2 */
		return SEG_DROP;
	}
	return SEG_GO_ON;
}

/* ------------------------------------------------------------------ what does its ACK end? */

static bool brings_new_text(const struct sock *sk, const struct tcp_seg *seg)
{
	return seg->end_seq != seg->seq && after(seg->end_seq - !!seg_has(seg, TCPHDR_FIN), tcp_sk(sk)->rcv_nxt);
}

/* RTT of the handshake, from the SYN-ACK that was sent once. */
static void measure_synack_rtt(struct sock *sk, uint32_t synack_us)
{
	if (synack_us && !tcp_sk(sk)->srtt_us)
		tcp_valid_rtt_meas(sk, max_t(uint32_t, net_time_us(sk->net) - synack_us, 1));
}

static void handshake_done(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->delivered++;
	measure_synack_rtt(sk, tp->synack_us);
	tp->synack_us = 0;
	if (tp->tstamp_ok)
		tp->advmss -= 12;
	if (sock_flag(sk, SOCK_FASTOPEN_REQ)) {
		tcp_synack_acked(sk);
	} else {
		tp->retrans_stamp_ms = 0;
		tcp_init_transfer(sk);
		tp->copied_seq = tp->rcv_nxt;
	}
	tcp_set_state(sk, TCP_ESTABLISHED, CAUSE_handshake_done);
	sk_state_change(sk);
	tp->snd_una = seg->ack;
	tp->snd_wnd = (uint32_t)seg->wnd << tp->snd_wscale;
	tp->max_window = max(tp->max_window, tp->snd_wnd);
	tp->snd_wl1 = seg->seq;
	tcp_update_pacing_rate(sk);
	tp->lsndtime_ms = net_time_ms(sk->net); /* no idle restart on the first data */
	tcp_initialize_rcv_mss(sk);
	if (sk->shutdown & SEND_SHUTDOWN)
		tcp_shutdown(sk, SEND_SHUTDOWN); /* SH-13: asked for while the handshake ran */
}

/* Our FIN is acknowledged. An owner is told; an orphan has a time limit from here on (section 6). */
static enum verdict fin_acked(struct sock *sk, struct tcp_seg *seg)
{
	uint32_t tmo;

	tcp_set_state(sk, TCP_FIN_WAIT2, CAUSE_fin_acked);
	sk->shutdown |= SEND_SHUTDOWN;
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk_state_change(sk); /* a lingering close() ends here */
		return SEG_GO_ON;
	}
	if (sk->opts->linger2_s < 0 || brings_new_text(sk, seg)) {
		enum tcp_cause cause = sk->opts->linger2_s < 0 ? CAUSE_linger2_fin_wait1 : CAUSE_data_after_close;

		NET_INC(sk->net, MIB_TcpExt_TCPAbortOnData);
		tcp_send_reply_reset(sk->net, &sk->common, seg, cause);
		tcp_done(sk, cause);
		return SEG_DROP;
	}
	tmo = tcp_fin_time(sk);
	if (tmo > TCP_TIMEWAIT_MS / 4)
		tcp_reset_keepalive_timer(sk, tmo - TCP_TIMEWAIT_MS / 4); /* F2-15 */
	else if (seg_has(seg, TCPHDR_FIN))
		tcp_reset_keepalive_timer(sk, tmo); /* F2-18: the FIN may still be taken below */
	else {
		tcp_time_wait(sk, true, tmo, CAUSE_fin_wait2_standin);
		return SEG_DROP;
	}
	return SEG_GO_ON;
}

static enum verdict tcp_ack_moves_state(struct sock *sk, struct tcp_seg *seg)
{
	bool all_acked = tcp_sk(sk)->snd_una == tcp_sk(sk)->write_seq;

	switch (sk->common.state) {
	case TCP_SYN_RECV:
		handshake_done(sk, seg);
		return SEG_GO_ON;
	case TCP_FIN_WAIT1:
		if (sock_flag(sk, SOCK_FASTOPEN_REQ))
			tcp_synack_acked(sk);
		return all_acked ? fin_acked(sk, seg) : SEG_GO_ON;
	case TCP_CLOSING:
		if (!all_acked)
			return SEG_GO_ON;
		tcp_time_wait(sk, false, 0, CAUSE_fin_both);
		return SEG_DROP;
	case TCP_LAST_ACK:
		if (!all_acked)
			return SEG_GO_ON;
		tcp_done(sk, CAUSE_fin_last_ack);
		return SEG_DROP;
	default:
		return SEG_GO_ON;
	}
}

/* ------------------------------------------------------------------ may its data still be taken? */

static enum verdict tcp_take_text(struct sock *sk, struct tcp_seg *seg)
{
	bool after_fin = sk_in(sk, TCPF_CLOSE_WAIT | TCPF_CLOSING | TCPF_LAST_ACK);
	bool closing = after_fin || sk_in(sk, TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2);

	if (after_fin && !before(seg->seq, tcp_sk(sk)->rcv_nxt)) {
		if (seg->seq != seg->end_seq)
			tcp_trace_drop(sk->net, &sk->common, seg, CAUSE_data_behind_fin); /* RF-05 */
		return SEG_GO_ON;
	}
	if (closing && sk->shutdown & RCV_SHUTDOWN && brings_new_text(sk, seg)) {
		enum tcp_cause cause = after_fin ? CAUSE_data_across_fin : CAUSE_data_after_close;

		NET_INC(sk->net, MIB_TcpExt_TCPAbortOnData); /* nobody will ever read it: F1-01, RF-09 */
		tcp_send_reply_reset(sk->net, &sk->common, seg, cause);
		tcp_reset_because(sk, cause);
		return SEG_DROP;
	}
	if (likely(closing || sk->common.state == TCP_ESTABLISHED)) {
		if (unlikely(tcp_sk(sk)->ofo) && seg->seq != seg->end_seq)
			tcp_dsack_forget(sk);
		tcp_data_queue(sk, seg);
	}
	return sk->common.state == TCP_CLOSE ? SEG_DROP : SEG_GO_ON; /* a FIN may have ended the sock */
}

/* ------------------------------------------------------------------ the column */

/* What acknowledges nothing acceptable: in the handshake it deserves a RST (SO-04), later an ACK. */
static enum verdict check_ack(struct sock *sk, struct tcp_seg *seg)
{
	int good;

	if (sk->common.state == TCP_ESTABLISHED)
		return tcp_ack(sk, seg, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT) < 0 ? SEG_DROP : SEG_GO_ON;

	good = tcp_ack(sk, seg, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
	if (likely(good > 0))
		return SEG_GO_ON;
	if (sk->common.state == TCP_SYN_RECV) {
		tcp_send_reply_reset(sk->net, &sk->common, seg, CAUSE_syn_recv_bad_ack);
		return SEG_DROP;
	}
	if (good < 0) {
		tcp_send_challenge_ack(sk);
		return SEG_DROP;
	}
	return SEG_GO_ON; /* an old ACK while closing */
}

/*
 * Header prediction: the segment that is next, from a window that is known. What shows of it: text and timestamp are taken
 * before the ACK is looked at, so one that is too old spoils neither. Linux takes text so only into memory that the sock
 * has been charged with already, which means that it holds some.
 */
static bool is_predicted(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sk->common.state != TCP_ESTABLISHED || (seg->flags & ~TCPHDR_PSH) != TCPHDR_ACK)
		return false;
	if (seg->seq != tp->rcv_nxt || after(seg->ack, tp->snd_nxt) || seg->wnd != tp->snd_wnd >> tp->snd_wscale)
		return false;
	if (unlikely(tp->urg_data || !tp->rcv_wnd || (tp->ofo && tp->ofo->queue) || sk->rmem_alloc >= sk->rcvbuf))
		return false;
	if (seg->len && (seg->len > tcp_receive_window(tp) || !(sk->rmem_alloc || tp->rtx_queue || tp->write_queue)))
		return false;
	if (TCP_HDR_LEN + seg->opt_len != tp->tcp_header_len)
		return false;
	read_timestamp(tp, seg);
	return tp->saw_tstamp == tp->tstamp_ok && (!tp->tstamp_ok || (int32_t)(tp->rcv_tsval - tp->ts_recent) >= 0);
}

static void tcp_rcv_predicted(struct sock *sk, struct tcp_seg *seg)
{
	tcp_replace_ts_recent(sk, seg->seq);
	tcp_data_queue(sk, seg);
	if (seg->len && seg->ack == tcp_sk(sk)->snd_una) {
		tcp_sk(sk)->snd_wl1 = seg->seq; /* it acknowledges nothing: nothing else is read from it */
	} else {
		tcp_ack(sk, seg, 0);
		tcp_data_snd_check(sk);
	}
	if (seg->len)
		tcp_ack_snd_check(sk);
}

static void tcp_rcv_synchronised(struct sock *sk, struct tcp_seg *seg)
{
	if (is_predicted(sk, seg)) {
		tcp_rcv_predicted(sk, seg);
		return;
	}
	if (sock_flag(sk, SOCK_FASTOPEN_REQ) && !tcp_check_req(sk, tcp_fastopen(sk)->req, seg))
		return;
	if (unlikely(!(seg->flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)))) {
		tcp_trace_drop(sk->net, &sk->common, seg, CAUSE_no_ack_flag);
		return;
	}
	if (unlikely(tcp_validate_incoming(sk, seg) == SEG_DROP))
		return;
	if (unlikely(check_ack(sk, seg) == SEG_DROP))
		return;
	if (tcp_ack_moves_state(sk, seg) == SEG_DROP)
		return;
	tcp_urg(sk, seg);
	if (unlikely(tcp_take_text(sk, seg) == SEG_DROP))
		return;
	tcp_data_snd_check(sk);
	tcp_ack_snd_check(sk);
}

void tcp_rcv_state_process(struct sock *sk, struct tcp_seg *seg)
{
	enum tcp_cause cause;

	if (likely(!sk_in(sk, TCPF_CLOSE | TCPF_SYN_SENT))) {
		tcp_rcv_synchronised(sk, seg);
	} else if (sk->common.state == TCP_CLOSE) {
		tcp_trace_drop(sk->net, &sk->common, seg, CAUSE_closed_sock);
	} else {
		cause = tcp_rcv_synsent(sk, seg);
		if (unlikely(cause))
			tcp_send_reply_reset(sk->net, &sk->common, seg, cause);
	}
}

/* ------------------------------------------------------------------ whose is it? */

static void tcp_rcv_nobody(struct net *net, struct tcp_seg *seg)
{
	if (seg_has(seg, TCPHDR_RST))
		return; /* RR-09 */
	tcp_send_reply_reset(net, NULL, seg, CAUSE_no_socket);
}

/* LISTEN: only a SYN may open something (LS-12); an ACK may be the answer to a cookie. */
static void tcp_rcv_listen(struct sock *sk, struct tcp_seg *seg)
{
	struct net *net = sk->net;

	if (seg_has(seg, TCPHDR_RST)) {
		tcp_trace_drop(net, &sk->common, seg, CAUSE_listen_other);
	} else if (seg_has(seg, TCPHDR_ACK)) {
		enum tcp_cause rst = CAUSE_listen_ack;
		struct sock *child = seg_has(seg, TCPHDR_SYN) ? NULL : cookie_check(sk, seg, &rst);

		if (child) {
			tcp_rcv_state_process(child, seg);
			sk_data_ready(sk);
		} else if (rst) {
			tcp_send_reply_reset(net, &sk->common, seg, rst);
		}
	} else if (seg_has(seg, TCPHDR_SYN) && !seg_has(seg, TCPHDR_FIN)) {
		tcp_conn_request(sk, seg, 0);
	} else {
		tcp_trace_drop(net, &sk->common, seg, CAUSE_listen_other);
	}
}

/* True: the request is gone with its listener, and the segment finds nobody, or somebody else (LS-01). */
static bool tcp_rcv_request(struct net *net, struct request_sock *req, struct tcp_seg *seg)
{
	struct sock *listener = tcp_listen_heir(req->listener, &req->common);
	struct sock *child;

	if (unlikely(!listener)) {
		tcp_req_drop(net, req, CAUSE_request_gone);
		return true;
	}
	if (unlikely(tcp_req_is_for_listener(req, seg))) { /* not its handshake: as if it were not there (HS-02) */
		tcp_rcv_listen(listener, seg);
		return false;
	}
	sock_hold(listener); /* the request may hold the last reference, and go */
	child = tcp_check_req(listener, req, seg);
	if (child) {
		tcp_rcv_state_process(child, seg);
		if (child->common.state != TCP_SYN_RECV)
			sk_data_ready(listener);
	}
	sock_put(listener);
	return false;
}

static void tcp_rcv_sock(struct net *net, struct tcp_seg *seg)
{
	struct sock_common *c;
	struct sock *listener;

	do {
		c = inet_lookup_established(net, &seg->daddr, seg->dport, &seg->saddr, seg->sport);
		if (!c)
			break;
		if (unlikely(c->state == TCP_TIME_WAIT)) {
			tcp_timewait_rcv(net, tw_from_common(c), seg);
			return;
		}
		if (likely(c->state != TCP_NEW_SYN_RECV)) {
			tcp_sk(sk_from_common(c))->segs_in++;
			tcp_rcv_state_process(sk_from_common(c), seg);
			return;
		}
	} while (tcp_rcv_request(net, req_from_common(c), seg));
	if (c)
		return;

	listener = inet_lookup_listener(net, &seg->daddr, seg->dport, &seg->saddr, seg->sport);
	if (listener)
		tcp_rcv_listen(listener, seg);
	else
		tcp_rcv_nobody(net, seg);
}

static void count_bad_segment(struct net *net, enum tcp_seg_verdict verdict)
{
	if (verdict == TCP_SEG_BAD_CSUM)
		NET_INC(net, MIB_Tcp_InCsumErrors);
	if (verdict != TCP_SEG_TRUNCATED)
		NET_INC(net, MIB_Tcp_InErrs);
}

static void tcp_rcv(struct net *net, const struct ip_packet *pkt)
{
	const struct ip_header *ip = pkt->ip;
	enum tcp_seg_verdict verdict;
	struct tcp_seg seg;

	NET_INC(net, MIB_Tcp_InSegs);
	if (pkt->csum_ok)
		verdict = tcp_read_segment(&seg, &ip->saddr, &ip->daddr, pkt->data, pkt->len);
	else
		verdict = tcp_parse_segment(&seg, &ip->saddr, &ip->daddr, pkt->data, pkt->len);
	if (unlikely(verdict != TCP_SEG_OK)) {
		count_bad_segment(net, verdict);
		return;
	}
	seg.dsfield = ip->dsfield;
	seg.gso_size = pkt->gso_size;
	seg.ifindex = pkt->ifindex;
	tcp_rcv_sock(net, &seg);
}

const struct ip_protocol tcp_protocol = {
	.rcv = tcp_rcv,
	.err = tcp_err,
};
