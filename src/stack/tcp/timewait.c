// SPDX-License-Identifier: MIT
/*
 * tcp/timewait.c - what remains of a connection after both FINs, or of an orphan whose FIN is acknowledged
 *
 * In:   a sock whose FINs are both acknowledged (substate TIME_WAIT), or an orphan in FIN_WAIT2 (tcp/input.c, data.c).
 * Here: it is replaced by a struct timewait_sock of 88 or 112 bytes that keeps the address pair, two sequence numbers, the
 *       window and a deadline; the sock itself is closed, and freed with its last reference.
 * Out:  an ACK for a repeated FIN, a RST for what must not come, a new connection for an acceptable SYN, or silence at the
 *       deadline. RFC 9293 section 3.10.7.4, RFC 1122 section 4.2.2.13, RFC 6191; rows F2 and TW.
 */
#include "stack/tcp/tcp.h"

static struct slab_cache *tw_cache(struct net *net, bool v4)
{
	return v4 ? &net->tcp->timewaits_v4 : &net->tcp->timewaits_v6;
}

/* ------------------------------------------------------------------ coming and going */

static struct timewait_sock *tw_alloc(struct sock *sk, bool fin_wait2)
{
	struct net *net = sk->net;
	struct tcp_sock *tp = tcp_sk(sk);
	bool v4 = sk_is_v4(sk);
	struct timewait_sock *tw;

	if (net->tcp->tw_count >= (uint32_t)net->sysctl.tcp_max_tw_buckets)
		return NULL;
	tw = slab_zalloc(tw_cache(net, v4));
	if (!tw)
		return NULL;
	tw->common.timer.kind = TIMER_TIMEWAIT;
	tw->common.state = TCP_TIME_WAIT;
	tw->common.family = sk->common.family;
	tw->common.num = sk->common.num;
	tw->common.dport = sk->common.dport;
	tw->common.reuse = sk->common.reuse;
	tw->common.reuseport = sk->common.reuseport;
	tw->common.ipv6only = sk->common.ipv6only;
	tw->common.v4 = v4;
	tw->common.rcv_wscale = tp->rcv_wscale;
	if (v4) {
		memcpy(tw->addrs, addr_v4(&sk->daddr), 4);
		memcpy(tw->addrs + 4, addr_v4(&sk->rcv_saddr), 4);
	} else {
		memcpy(tw->addrs, &sk->daddr, 16);
		memcpy(tw->addrs + 16, &sk->rcv_saddr, 16);
	}
	tw->rcv_nxt = tp->rcv_nxt;
	tw->snd_nxt = tp->snd_nxt;
	tw->rcv_wnd = tcp_receive_window(tp);
	tw->ts_recent = tp->ts_recent;
	tw->ts_recent_stamp_s = tp->tstamp_ok ? tp->ts_recent_stamp_s : 0;
	tw->common.fin_wait2 = fin_wait2;
	tw->common.entered_ms = net_time_ms(net);
	return tw;
}

static void tw_arm(struct net *net, struct timewait_sock *tw, uint32_t timeo_j)
{
	timer_arm(&net->wheel, &tw->common.timer, tick_after_jiffies(net, timeo_j));
}

/* The full time once more. */
static void tw_restart(struct net *net, struct timewait_sock *tw)
{
	tw_arm(net, tw, TCP_TIMEWAIT_MS / 4);
}

void tcp_time_wait(struct sock *sk, bool fin_wait2, uint32_t timeo_j, enum tcp_cause cause)
{
	struct net *net = sk->net;
	uint32_t rto = tcp_sk(sk)->rto_j;
	struct timewait_sock *tw = tw_alloc(sk, fin_wait2);

	if (!tw) {
		NET_INC(net, MIB_TcpExt_TCPTimeWaitOverflow);
		tcp_done(sk, CAUSE_time_wait_overflow);
		return;
	}
	timeo_j = fin_wait2 ? max(timeo_j, (rto << 2) - (rto >> 1)) : TCP_TIMEWAIT_MS / 4;
	inet_ehash_replace(net, &sk->common, &tw->common);
	inet_bind_bucket_move(net, sk, tw);
	net->tcp->tw_count++;
	NET_INC(net, timeo_j <= 4 * HZ ? MIB_TcpExt_TWKilled : MIB_TcpExt_TW);
	tw_arm(net, tw, timeo_j);
	tcp_trace_state(net, &tw->common, sk->common.state, fin_wait2 ? TCP_FIN_WAIT2 : TCP_TIME_WAIT, cause);
	tcp_done(sk, cause);
}

static void tw_end(struct net *net, struct timewait_sock *tw, enum tcp_cause cause)
{
	tcp_trace_state(net, &tw->common, tw->common.fin_wait2 ? TCP_FIN_WAIT2 : TCP_TIME_WAIT, TCP_CLOSE, cause);
	timer_disarm(&net->wheel, &tw->common.timer);
	inet_unhash(net, &tw->common);
	inet_bind_bucket_put_tw(net, tw);
	net->tcp->tw_count--;
	slab_free(tw_cache(net, tw->common.v4), tw);
}

void tcp_timewait_kill(struct net *net, struct timewait_sock *tw)
{
	tw_end(net, tw, CAUSE_time_wait_reused);
}

void tcp_timewait_destroy(struct net *net, struct timewait_sock *tw)
{
	tw_end(net, tw, CAUSE_destroyed);
}

void tcp_timewait_timer(struct net *net, struct timewait_sock *tw)
{
	tw_end(net, tw, tw->common.fin_wait2 ? CAUSE_fin_wait2_over : CAUSE_time_wait_over);
}

/* ------------------------------------------------------------------ a segment */

enum tw_answer { TW_SILENCE, TW_ACK, TW_RST, TW_SYN, TW_KILL };

static enum tw_answer ack_unless_too_many(struct net *net, struct timewait_sock *tw, const struct tcp_seg *seg, enum mib skipped)
{
	return tcp_oow_rate_limited(net, seg, skipped, &tw->last_oow_ack_ms) ? TW_SILENCE : TW_ACK;
}

static bool tw_fails_paws(const struct net *net, const struct timewait_sock *tw, struct tcp_seg *seg)
{
	if (!tw->ts_recent_stamp_s)
		return false;
	tcp_parse_seg_options(seg);
	return seg->options.saw_tstamp && tcp_paws_reject(net, tw->ts_recent, tw->ts_recent_stamp_s, seg->options.tsval,
							  seg_has(seg, TCPHDR_RST));
}

static void keep_timestamp(const struct net *net, struct timewait_sock *tw, const struct tcp_seg *seg)
{
	if (!tw->ts_recent_stamp_s || !seg->options.saw_tstamp) /* parsed where there is something to compare with */
		return;
	tw->ts_recent = seg->options.tsval;
	tw->ts_recent_stamp_s = net_time_s(net);
}

/* Stand-in for FIN_WAIT2: nobody will read, so only the peer's FIN may come (rows F2-02 .. F2-20). */
static enum tw_answer in_fin_wait2(struct net *net, struct timewait_sock *tw, struct tcp_seg *seg, bool old)
{
	if (old || !tcp_in_window(seg->seq, seg->end_seq, tw->rcv_nxt, tw->rcv_nxt + tw->rcv_wnd))
		return ack_unless_too_many(net, tw, seg, MIB_TcpExt_TCPACKSkippedFinWait2);
	if (seg_has(seg, TCPHDR_RST))
		return TW_KILL;
	if (seg_has(seg, TCPHDR_SYN) && !before(seg->seq, tw->rcv_nxt))
		return TW_RST;
	if (!seg_has(seg, TCPHDR_ACK) || !after(seg->end_seq, tw->rcv_nxt) || seg->end_seq == seg->seq)
		return TW_SILENCE;
	if (!seg_has(seg, TCPHDR_FIN) || seg->end_seq != tw->rcv_nxt + 1)
		return TW_RST;
	tcp_trace_state(net, &tw->common, TCP_FIN_WAIT2, TCP_TIME_WAIT, CAUSE_fin_both);
	tw->common.fin_wait2 = false;
	tw->common.entered_ms = net_time_ms(net);
	tw->rcv_nxt = seg->end_seq;
	keep_timestamp(net, tw, seg);
	tw_restart(net, tw);
	return TW_ACK;
}

/* RFC 6191: a SYN that cannot belong to the old connection. */
static bool opens_anew(const struct timewait_sock *tw, const struct tcp_seg *seg)
{
	if ((seg->flags & (TCPHDR_SYN | TCPHDR_RST | TCPHDR_ACK)) != TCPHDR_SYN)
		return false;
	return after(seg->seq, tw->rcv_nxt) || (tw->ts_recent_stamp_s && seg->options.saw_tstamp &&
						 (int32_t)(tw->ts_recent - seg->options.tsval) < 0);
}

static enum tw_answer in_time_wait(struct net *net, struct timewait_sock *tw, struct tcp_seg *seg, bool old)
{
	bool rst = seg_has(seg, TCPHDR_RST);

	if (!old && seg->seq == tw->rcv_nxt && (seg->seq == seg->end_seq || rst)) {
		if (rst && !net->sysctl.tcp_rfc1337)
			return TW_KILL; /* TIME_WAIT assassination, RFC 1337: TW-07 */
		if (!rst)
			tw_restart(net, tw);
		keep_timestamp(net, tw, seg);
		return TW_SILENCE;
	}
	if (!old && opens_anew(tw, seg))
		return TW_SYN;
	if (old)
		NET_INC(net, MIB_TcpExt_PAWSTimewait);
	if (rst)
		return TW_SILENCE;
	if (old || seg_has(seg, TCPHDR_ACK))
		tw_restart(net, tw);
	return ack_unless_too_many(net, tw, seg, MIB_TcpExt_TCPACKSkippedTimeWait);
}

/* A listener takes the new connection at a number well behind the old one's (TW-05); without one the SYN is only answered. */
static enum tw_answer open_anew(struct net *net, struct timewait_sock *tw, struct tcp_seg *seg)
{
	struct sock *listener = inet_lookup_listener(net, &seg->daddr, seg->dport, &seg->saddr, seg->sport);
	uint32_t isn = tw->snd_nxt + 65537;

	if (!listener)
		return TW_ACK;
	tw_end(net, tw, CAUSE_time_wait_syn);
	if (seg_has(seg, TCPHDR_FIN)) /* no listener takes that: both are gone */
		tcp_trace_drop(net, &listener->common, seg, CAUSE_listen_other);
	else
		tcp_conn_request(listener, seg, isn ? isn : 1);
	return TW_SILENCE;
}

void tcp_timewait_rcv(struct net *net, struct timewait_sock *tw, struct tcp_seg *seg)
{
	bool old = tw_fails_paws(net, tw, seg);
	enum tw_answer answer = tw->common.fin_wait2 ? in_fin_wait2(net, tw, seg, old) : in_time_wait(net, tw, seg, old);

	if (answer == TW_SYN)
		answer = open_anew(net, tw, seg);
	switch (answer) {
	case TW_ACK:
		tcp_timewait_send_ack(net, tw);
		break;
	case TW_RST:
		tcp_send_reply_reset(net, &tw->common, seg, CAUSE_data_fin_wait2);
		tw_end(net, tw, CAUSE_data_fin_wait2);
		break;
	case TW_KILL:
		tw_end(net, tw, tw->common.fin_wait2 ? CAUSE_rst_fin_wait2 : CAUSE_time_wait_rst);
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------------------ connect() would reuse the pair */

/* TW-17. True: it may; the new connection begins where the old one cannot be confused with it. */
bool tcp_twsk_unique(struct sock *sk, struct timewait_sock *tw, bool port_by_number)
{
	struct net *net = sk->net;
	struct tcp_sock *tp = tcp_sk(sk);
	int reuse = net->sysctl.tcp_tw_reuse;

	if (!tw->ts_recent_stamp_s)
		return false;
	if (reuse == 2) {
		struct in6_addr daddr, saddr;

		sock_addrs(&tw->common, &daddr, &saddr);
		reuse = addr_is_loopback(&daddr) || addr_is_loopback(&saddr);
	}
	if (!port_by_number) {
		uint32_t age = (net_time_ms(net) - tw->common.entered_ms) & 0x7fffffff;

		if (!reuse || tw->common.fin_wait2 || age <= (uint32_t)net->sysctl.tcp_tw_reuse_delay)
			return false;
	}
	tp->write_seq = tw->snd_nxt + 65537;
	if (!tp->write_seq)
		tp->write_seq = 1;
	tp->ts_recent = tw->ts_recent;
	tp->ts_recent_stamp_s = tw->ts_recent_stamp_s;
	return true;
}
