// SPDX-License-Identifier: MIT
/*
 * tcp/output.c - a unit gets its header and leaves
 *
 * In:   a unit of a send queue (xmit.c, retransmit.c, probe.c), or a segment without text made here: ACK, RST, probe.
 * Here: the header is built on the stack, behind room for IP's: options, window (rcvwin.c); the checksum is left to
 *       ip_xmit(). What follows from having acknowledged, or from having sent data, is noted.
 * Out:  ip_xmit(), header and payload as two pieces; nothing is copied.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"

/* ------------------------------------------------------------------ the header */

/*
 * A window that shrank leaves snd_nxt outside it, and the peer would not look at the rest of the segment. With window
 * scaling the edge is only known to within a unit of our own scale, and an excess below that is ignored.
 */
uint32_t tcp_acceptable_seq(const struct tcp_sock *tp)
{
	uint32_t edge = tcp_wnd_end(tp);

	if (likely(!before(edge, tp->snd_nxt)) || (tp->wscale_ok && tp->snd_nxt - edge < 1u << tp->rcv_wscale))
		return tp->snd_nxt;
	return edge;
}

static void add_sack_blocks(struct tcp_options *opt, const struct tcp_ofo *ofo)
{
	uint32_t room = TCP_OPT_MAX - (opt->saw_tstamp ? 2 + TCPOLEN_TIMESTAMP : 0) - 2 - TCPOLEN_SACK_BASE;
	unsigned most = room / TCPOLEN_SACK_PERBLOCK;

	if (ofo->dsack)
		opt->sack[opt->nsacks++] = ofo->duplicate_sack;
	for (unsigned i = 0; i < ofo->num_sacks && opt->nsacks < most; i++)
		opt->sack[opt->nsacks++] = ofo->selective_acks[i];
}

void tcp_established_options(const struct tcp_sock *tp, struct tcp_options *opt)
{
	tcp_clear_options(opt);
	opt->saw_tstamp = tp->tstamp_ok;
	opt->tsecr = tp->ts_recent;
	if (unlikely(tp->ofo && tp->sack_ok))
		add_sack_blocks(opt, tp->ofo);
}

uint32_t tcp_options_len(const struct tcp_options *opt)
{
	return (opt->saw_tstamp ? 2 + TCPOLEN_TIMESTAMP : 0) +
	       (opt->nsacks ? 2 + TCPOLEN_SACK_BASE + opt->nsacks * TCPOLEN_SACK_PERBLOCK : 0);
}

/* All that we can do is offered, in the SYN-ACK of crossed SYNs too. A path that has become narrower since the first SYN narrows
 * what we want to be sent as well. */
static void syn_options(struct sock *sk, struct tcp_options *opt)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	struct tcp_sock *tp = tcp_sk(sk);

	tp->advmss = min(tp->advmss, tcp_advertise_mss(sk->net, &sk->daddr, 0));
	*opt = (struct tcp_options){
		.mss = tp->advmss,
		.saw_tstamp = sysctl->tcp_timestamps,
		.tsecr = tp->ts_recent,
		.wscale_ok = sysctl->tcp_window_scaling,
		.wscale = tp->rcv_wscale,
		.sack_ok = sysctl->tcp_sack,
	};
}

static uint32_t write_options(struct sock *sk, struct sk_buff *skb, uint8_t *p)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t tsval = net_time_ms(sk->net) + tp->tsoffset;
	struct tcp_options opt;
	size_t len;

	if (unlikely(skb->tcp_flags & TCPHDR_SYN))
		syn_options(sk, &opt);
	else if (likely(!tp->ofo))
		return likely(tp->tstamp_ok) ? (uint32_t)tcp_write_timestamp(p, tsval, tp->ts_recent) : 0;
	else
		tcp_established_options(tp, &opt);
	opt.tsval = tsval;
	if (opt.nsacks)
		tp->ofo->dsack = false; /* told once */
	len = tcp_write_options(p, &opt);
	if (unlikely(skb->tcp_flags & TCPHDR_SYN) && sock_flag(sk, SOCK_FASTOPEN))
		len += tcp_fastopen_syn_option(sk, p + len, TCP_OPT_MAX - len);
	return (uint32_t)len;
}

/* Points behind the urgent byte; one out of reach of 16 bits is announced as far as they go. */
static void write_urgent(const struct tcp_sock *tp, const struct sk_buff *skb, uint8_t *hdr)
{
	if (likely(!tcp_urg_pending(tp)) || !before(skb->seq, tp->snd_up))
		return;
	if (before(tp->snd_up, skb->seq + 0x10000))
		put_be16(hdr + 18, (uint16_t)(tp->snd_up - skb->seq));
	else if (after(skb->seq + 0xffff, tp->snd_nxt))
		put_be16(hdr + 18, 0xffff);
	else
		return;
	hdr[13] |= TCPHDR_URG;
}

/* All but a first SYN acknowledge. A unit of several segments ends in PSH (US-08): the receiver need not wait for more of it;
 * what is left of it when it leaves again does not. */
static uint8_t flags_of(const struct sk_buff *skb)
{
	uint8_t flags = skb->tcp_flags;

	if (likely(!(flags & TCPHDR_SYN)))
		flags |= TCPHDR_ACK;
	if (unlikely(tcp_skb_pcount(skb) > 1))
		flags |= TCPHDR_PSH;
	return flags;
}

static uint32_t build_header(struct sock *sk, struct sk_buff *skb, uint8_t flags, uint8_t *hdr)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t len = TCP_HDR_LEN + write_options(sk, skb, hdr + TCP_HDR_LEN);
	bool syn = flags & TCPHDR_SYN;

	tcp_write_header(hdr, sk->common.num, sk->common.dport, skb->seq, flags & TCPHDR_ACK ? tp->rcv_nxt : 0, len, flags,
			 syn ? (uint16_t)min(tp->rcv_wnd, 65535u) : tcp_select_window(sk));
	write_urgent(tp, skb, hdr);
	return len;
}

/* ------------------------------------------------------------------ what follows from having sent */

static void event_ack_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_dec_quickack_mode(tp);
	tp->ack.pending = 0;
	tcp_clear_deadline(sk, SOCK_DELACK);
}

/* Data that leave soon after data came: a dialogue, in which ACKs may wait for an answer to carry them. */
static void event_data_sent(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_ms(sk->net);

	tp->lsndtime_ms = now;
	if (now - tp->lrcvtime_ms < jiffies_to_msecs(tp->ack.ato_j) && tp->ack.pingpong < UINT8_MAX)
		tp->ack.pingpong++;
}

/* Sends the unit as it is; neither queues nor snd_nxt move. */
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb)
{
	uint8_t packet[IP_HEADROOM + TCP_HDR_LEN + TCP_OPT_MAX], *hdr = packet + IP_HEADROOM;
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->net;
	uint8_t flags = flags_of(skb);
	uint32_t hdr_len;

	assert(tcp_skb_pcount(skb) == 1 || skb->gso_size);
	skb->sent_ns = max_t(uint64_t, net->now_ns, 1); /* 0: never */
	tp->wstamp_us = net_time_us(net);

	hdr_len = build_header(sk, skb, flags, hdr);
	if (likely(flags & TCPHDR_ACK))
		event_ack_sent(sk);
	if (skb->len)
		event_data_sent(sk);
	if (likely(after(skb->end_seq, tp->snd_nxt) || skb->seq == skb->end_seq))
		NET_ADD(net, MIB_Tcp_OutSegs, tcp_skb_pcount(skb)); /* what leaves again is RetransSegs */

	return ip_xmit(net, &(struct ip_out){
		.saddr = sk->rcv_saddr,
		.daddr = sk->daddr,
		.proto = IPPROTO_TCP,
		.dsfield = sk->opts->tos,
		.ttl = sk->opts->ttl,
		.df = !net->sysctl.ip_no_pmtu_disc,
		.csum_at = TCP_CSUM_AT,
		.gso_size = skb->gso_size,
		.hdr = hdr,
		.hdr_len = hdr_len,
		.len = skb->len,
		.data = skb_data(skb),
	});
}

/* The unit has left for the first time. */
void tcp_event_new_data_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool idle = !tp->packets_out;

	tp->snd_nxt = skb->end_seq;
	skb_unlink(&tp->write_queue, skb);
	skb_queue_tail(&tp->rtx_queue, skb);
	tp->packets_out += tcp_skb_pcount(skb);
	if (idle || tp->retrans_kind == ICSK_TIME_LOSS_PROBE)
		tcp_rearm_rto(sk);
	NET_ADD(sk->net, MIB_TcpExt_TCPOrigDataSent, tcp_skb_pcount(skb));
	tcp_check_space(sk); /* TCP_NOTSENT_LOWAT */
}

/* ------------------------------------------------------------------ ACKs */

void tcp_send_ack(struct sock *sk)
{
	struct sk_buff skb;

	if (sk->common.state == TCP_CLOSE)
		return;
	tcp_init_nondata_skb(&skb, tcp_acceptable_seq(tcp_sk(sk)), TCPHDR_ACK);
	tcp_transmit_skb(sk, &skb); /* lost on the way out is lost on the way */
}

/* How long an ACK may wait, in jiffies: the interval of the peer's segments, within what a dialogue and the RTT allow. */
static uint32_t delayed_ack_j(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool dialogue = tp->ack.pingpong >= sk->net->sysctl.tcp_pingpong_thresh;
	uint32_t ato = tp->ack.ato_j, longest = HZ / 2;

	if (ato > TCP_DELACK_MIN_J) {
		if (dialogue || tp->ack.pending & ICSK_ACK_PUSHED)
			longest = TCP_DELACK_MAX_J;
		if (tp->srtt_us)
			longest = min(longest, max_t(uint32_t, usecs_to_jiffies(tp->srtt_us >> 3), TCP_DELACK_MIN_J));
		ato = min(ato, longest);
	}
	/* the peer's RTO is hardly shorter than ours could be: stay a tick below */
	return min(ato, min_t(uint32_t, TCP_DELACK_MAX_J, max(tcp_rto_min_j(sk), 2u) - 1));
}

void tcp_send_delayed_ack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t ato = delayed_ack_j(sk);
	uint32_t tick = tick_after_jiffies(sk->net, ato);

	if (unlikely(tp->ack.pending & ICSK_ACK_TIMER)) {
		uint32_t before_this = sk->deadline[SOCK_DELACK];

		if (!after(before_this, sk->net->jiffies + (ato >> 2))) {
			tcp_send_ack(sk); /* about to leave anyway */
			return;
		}
		if (before(before_this, tick))
			tick = before_this;
	}
	tp->ack.pending |= ICSK_ACK_SCHED | ICSK_ACK_TIMER;
	tcp_set_deadline(sk, SOCK_DELACK, tick);
}

/* ------------------------------------------------------------------ FIN */

/* The FIN joins what is already queued: it then leaves where, and when, that does. */
static void fin_onto(struct sock *sk, struct sk_buff *skb)
{
	skb->tcp_flags |= TCPHDR_FIN;
	skb->end_seq++;
	tcp_sk(sk)->write_seq++;
	tcp_zerocopy_grows(sk, skb, 1, false);
}

/*
 * US-01 .. US-09. Nagle, cork and MSG_MORE are overridden for everything queued. Without memory the FIN goes onto a segment
 * that has already left and is told by its retransmission; if there is none either, it is never sent.
 */
void tcp_send_fin(struct sock *sk, enum tcp_cause cause)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *tail = tcp_write_queue_tail(sk), *fin = NULL;

	tcp_trace_step(sk, "tcp_send_fin");
	if (tail) {
		fin_onto(sk, tail);
	} else {
		fin = skb_alloc(&sk->net->skbs, 0);
		if (fin) {
			fin->seq = fin->end_seq = tp->write_seq;
			fin_onto(sk, fin);
			skb_queue_tail(&tp->write_queue, fin);
			sk->wmem_queued += tcp_skb_truesize(fin);
		} else if (tp->rtx_queue) {
			fin_onto(sk, skb_peek_tail(tp->rtx_queue));
			tp->snd_nxt++; /* as if it had been sent with it */
			tcp_trace_fin(sk, cause);
			return;
		} else {
			return;
		}
	}
	tcp_trace_fin(sk, cause);
	__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
}
