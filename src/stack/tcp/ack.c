// SPDX-License-Identifier: MIT
/*
 * tcp/ack.c - what a segment acknowledges
 *
 *	tcp_ack                  does its ACK lie in what we sent?                      RFC 5961 section 5
 *	  tcp_ack_update_window    may the peer take more?                              RFC 9293 section 3.10.7.4
 *	  tcp_clean_rtx_queue      what needs no second sending; how long did it take?  RFC 6298
 *	  tcp_fastretrans_alert    was something lost?                                  RFC 5681, RFC 6582 (NewReno)
 *	    tcp_process_loss         after a time-out: or was it only late?             RFC 5682 (F-RTO), RFC 4015 (Eifel)
 *	  tcp_xmit_recovery        then send it again, and more if the window allows
 *	  tcp_ack_probe            nothing was in flight: a probe of a closed window was answered
 *
 * Loss is found by duplicate ACKs and by the retransmission timer. SACK blocks of the peer are not used yet: sacked_out
 * counts duplicate ACKs, as Linux does it for a peer without SACK.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"

/* what this ACK was */
enum {
	ACK_DATA = 1 << 8,	       /* the segment carries data */
	ACK_WIN_UPDATE = 1 << 9,
	ACK_DATA_ACKED = 1 << 10,
	ACK_RETRANS_ACKED = 1 << 11,
	ACK_SYN_ACKED = 1 << 12,
	ACK_UNA_ADVANCED = 1 << 13,
	ACK_SET_XMIT_TIMER = 1 << 14,
	ACK_ORIG_ACKED = 1 << 15, /* something that was sent once, and before the loss was seen */
	ACK_ACKED = ACK_DATA_ACKED | ACK_SYN_ACKED,
	ACK_NOT_DUP = ACK_DATA | ACK_WIN_UPDATE | ACK_ACKED,
};

/* what it asks for */
enum rexmit {
	REXMIT_NONE,
	REXMIT_LOST, /* what counts as lost shall be sent again */
	REXMIT_NEW,  /* new data shall tell whether anything was lost */
};

/* ------------------------------------------------------------------ round-trip time, RFC 6298 with Linux's variance */

void tcp_rtt_estimator(struct sock *sk, uint32_t mrtt_us)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int32_t m = (int32_t)max_t(uint32_t, mrtt_us, 1);

	if (!tp->srtt_us) {
		tp->srtt_us = (uint32_t)m << 3;
		tp->mdev_us = (uint32_t)m << 1; /* srtt + 4 * m/2 = 3 m until the next sample */
		tp->rttvar_us = max_t(uint32_t, tp->mdev_us, jiffies_to_msecs(tcp_rto_min_j(sk)) * 1000);
		tp->mdev_max_us = tp->rttvar_us;
		tp->rtt_seq = tp->snd_nxt;
		return;
	}
	m -= (int32_t)(tp->srtt_us >> 3);
	tp->srtt_us += m; /* srtt = 7/8 srtt + 1/8 m */
	if (m < 0) {
		m = -m - (int32_t)(tp->mdev_us >> 2);
		if (m > 0)
			m >>= 3; /* a falling RTT must not raise the deviation much */
	} else {
		m -= (int32_t)(tp->mdev_us >> 2);
	}
	tp->mdev_us += m; /* mdev = 3/4 mdev + 1/4 |m| */
	if (tp->mdev_us > tp->mdev_max_us) {
		tp->mdev_max_us = tp->mdev_us;
		if (tp->mdev_max_us > tp->rttvar_us)
			tp->rttvar_us = tp->mdev_max_us;
	}
	if (after(tp->snd_una, tp->rtt_seq)) { /* once a window */
		if (tp->mdev_max_us < tp->rttvar_us)
			tp->rttvar_us -= (tp->rttvar_us - tp->mdev_max_us) >> 2;
		tp->rtt_seq = tp->snd_nxt;
		tp->mdev_max_us = jiffies_to_msecs(tcp_rto_min_j(sk)) * 1000;
	}
}

void tcp_set_rto(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t us = (tp->srtt_us >> 3) + tp->rttvar_us;
	uint32_t j = (uint32_t)((us + TICK_NSEC / NSEC_PER_USEC - 1) / (TICK_NSEC / NSEC_PER_USEC));

	tp->rto_j = min(j, tcp_rto_max_j(sk));
}

void tcp_valid_rtt_meas(struct sock *sk, uint32_t mrtt_us)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->min_rtt_us = min(tp->min_rtt_us, mrtt_us);
	tcp_rtt_estimator(sk, mrtt_us);
	tcp_set_rto(sk);
	tp->backoff = 0;
}

/* @sent_ns: when the oldest data that was now acknowledged, and was sent once only, left; 0: there is none. */
static void tcp_ack_update_rtt(struct sock *sk, int flag, uint64_t sent_ns)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t rtt_us = 0;

	if (likely(sent_ns))
		rtt_us = (uint32_t)max_t(uint64_t, (sk->net->now_ns - sent_ns) / NSEC_PER_USEC, 1);
	else if (flag & ACK_ACKED && tp->saw_tstamp && tp->rcv_tsecr) /* RFC 7323 section 4 */
		rtt_us = max_t(uint32_t, net_time_ms(sk->net) - tp->rcv_tsecr, 1) * 1000;
	if (unlikely(!rtt_us || rtt_us > INT32_MAX))
		return;
	tcp_valid_rtt_meas(sk, rtt_us);
}

/* ------------------------------------------------------------------ timers that an ACK moves */

void tcp_rearm_rto(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (sock_flag(sk, SOCK_FASTOPEN_REQ))
		return; /* the timer is its SYN-ACK's */
	if (!tp->packets_out) {
		if (likely(tp->retrans_kind != ICSK_TIME_PROBE0))
			tcp_clear_deadline(sk, SOCK_RETRANS);
		return;
	}
	if (tp->retrans_kind == ICSK_TIME_LOSS_PROBE) { /* in its place: the RTO has run since the oldest segment left */
		int64_t left_us = max_t(int64_t, tcp_rto_delta_us(sk), 1);

		tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, (uint32_t)((left_us * 1000 + TICK_NSEC - 1) / TICK_NSEC));
		return;
	}
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, tp->rto_j);
}

static void tcp_set_xmit_timer(struct sock *sk)
{
	if (!tcp_schedule_loss_probe(sk, true))
		tcp_rearm_rto(sk);
}

/* Nothing was in flight: if the window is open again the probes end, else the next one is due after the usual time. */
static void tcp_ack_probe(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *head = tcp_send_head(sk);

	if (likely(!head))
		return;
	if (!after(head->end_seq, tcp_wnd_end(tp))) {
		tp->backoff = 0;
		tp->probes_tstamp_ms = 0;
		tcp_clear_deadline(sk, SOCK_RETRANS);
	} else {
		uint32_t when = tcp_probe0_when_j(sk, tcp_rto_max_j(sk));

		tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, tcp_clamp_probe0_to_user_timeout(sk, when));
	}
}

/* ------------------------------------------------------------------ window */

static int tcp_ack_update_window(struct sock *sk, const struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t wnd = seg->wnd;
	int flag = 0;

	if (likely(!seg_has(seg, TCPHDR_SYN)))
		wnd <<= tp->snd_wscale;
	if (likely(after(seg->ack, tp->snd_una) || after(seg->seq, tp->snd_wl1) ||
		   (seg->seq == tp->snd_wl1 && (wnd > tp->snd_wnd || !wnd)))) {
		flag = ACK_WIN_UPDATE;
		tp->snd_wl1 = seg->seq;
		if (tp->snd_wnd != wnd) {
			tp->snd_wnd = wnd;
			if (tp->write_queue)
				tcp_cwnd_restart_after_idle(sk);
			if (wnd > tp->max_window) {
				tp->max_window = wnd;
				tcp_sync_mss(sk, tp->pmtu_cookie);
			}
		}
	}
	tp->bytes_acked += seg->ack - tp->snd_una;
	tp->snd_una = seg->ack;
	return flag;
}

/* ------------------------------------------------------------------ the retransmission queue */

/* Part of a unit is acknowledged: its front goes. Returns the segments that it no longer counts for. */
static uint32_t tcp_tso_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t before_ack = tcp_skb_pcount(skb), gone = tp->snd_una - skb->seq;

	skb_pull(skb, gone);
	skb->seq = tp->snd_una;
	sk->wmem_queued -= gone;
	if (skb->gso_size)
		skb->gso_segs = (uint16_t)((skb->len + skb->gso_size - 1) / skb->gso_size);
	return before_ack - tcp_skb_pcount(skb);
}

/* Takes @pkts segments out of the counts that this unit has a part in. */
static void forget_segments(struct tcp_sock *tp, const struct sk_buff *skb, uint32_t pkts)
{
	if (unlikely(skb->sacked & TCPCB_SACKED_RETRANS))
		tp->retrans_out -= min(tp->retrans_out, pkts);
	if (unlikely(skb->sacked & TCPCB_LOST))
		tp->lost_out -= min(tp->lost_out, pkts);
	tp->packets_out -= min(tp->packets_out, pkts);
}

/* Duplicate ACKs stand for no more segments than are in flight, not known as lost, and not the hole. */
static bool tcp_limit_reno_sacked(struct tcp_sock *tp)
{
	uint32_t holes = min(max_t(uint32_t, tp->lost_out, 1), tp->packets_out);

	if (likely(tp->sacked_out + holes <= tp->packets_out))
		return false;
	tp->sacked_out = tp->packets_out - holes;
	return true;
}

/* There were more of them: the network reorders, and so far. */
static void tcp_check_reno_reordering(struct sock *sk, uint32_t addend)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (likely(!tcp_limit_reno_sacked(tp)) || tp->sack_ok)
		return;
	tp->reordering = min(tp->packets_out + addend, (uint32_t)sk->net->sysctl.tcp_max_reordering);
	NET_INC(sk->net, MIB_TcpExt_TCPRenoReorder);
}

/* Duplicate ACKs stand for segments that arrived, and were counted as delivered then: those are acknowledged now. */
static void tcp_remove_reno_sacks(struct sock *sk, uint32_t acked)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (likely(acked > 0)) {
		tp->delivered += acked > tp->sacked_out ? acked - tp->sacked_out : 1;
		/* one of them was the hole */
		tp->sacked_out -= min(tp->sacked_out, acked - 1);
	}
	tcp_check_reno_reordering(sk, acked);
}

static int tcp_clean_rtx_queue(struct sock *sk, uint32_t prior_una)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;
	uint64_t first_sent_ns = 0;
	uint32_t pkts, total = 0;
	int flag = 0;

	while ((skb = tcp_rtx_queue_head(sk))) {
		bool whole = !after(skb->end_seq, tp->snd_una);

		if (unlikely(!whole) && (tcp_skb_pcount(skb) == 1 || !after(tp->snd_una, skb->seq)))
			break;
		if (unlikely(skb->sacked & TCPCB_EVER_RETRANS)) {
			flag |= ACK_RETRANS_ACKED;
		} else {
			first_sent_ns = first_sent_ns ? first_sent_ns : skb->sent_ns;
			if (!after(skb->end_seq, tp->high_seq))
				flag |= ACK_ORIG_ACKED;
		}
		pkts = likely(whole) ? tcp_skb_pcount(skb) : tcp_tso_acked(sk, skb);
		forget_segments(tp, skb, pkts);
		total += pkts;
		if (unlikely(skb->tcp_flags & TCPHDR_SYN)) {
			flag |= ACK_SYN_ACKED;
			tp->retrans_stamp_ms = 0;
		} else {
			flag |= ACK_DATA_ACKED;
		}
		if (unlikely(!whole))
			break;
		skb_unlink(&tp->rtx_queue, skb);
		tcp_wmem_free_skb(sk, skb);
	}
	tcp_zerocopy_done(sk, tp->snd_una);
	if (between(tp->snd_up, prior_una, tp->snd_una))
		tp->snd_up = tp->snd_una;
	if (unlikely(!tp->sack_ok && flag & ACK_RETRANS_ACKED))
		flag &= ~ACK_ORIG_ACKED; /* which of the two brought it on, no one knows */
	if (likely(flag & ACK_ACKED)) {
		flag |= ACK_SET_XMIT_TIMER;
		tcp_remove_reno_sacks(sk, total);
	}
	tcp_ack_update_rtt(sk, flag, unlikely(flag & ACK_RETRANS_ACKED) ? 0 : first_sent_ns);
	return flag;
}

/* ------------------------------------------------------------------ loss */

static void mark_lost(struct tcp_sock *tp, struct sk_buff *skb)
{
	if (skb->sacked & TCPCB_LOST)
		return;
	skb->sacked |= TCPCB_LOST;
	tp->lost_out += tcp_skb_pcount(skb);
}

/* What was sent again is lost again, as far as we know. */
static void mark_lost_again(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (skb->sacked & TCPCB_SACKED_RETRANS) {
		skb->sacked &= ~TCPCB_SACKED_RETRANS;
		tp->retrans_out -= min(tp->retrans_out, tcp_skb_pcount(skb));
		if (skb->sacked & TCPCB_LOST)
			NET_ADD(sk->net, MIB_TcpExt_TCPLostRetransmit, tcp_skb_pcount(skb));
	}
	mark_lost(tp, skb);
}

/* The first segment that is not acknowledged; a unit is cut so that only one segment counts as lost. */
static void tcp_mark_head_lost(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb = tcp_rtx_queue_head(sk);

	if (!skb)
		return;
	if (tcp_skb_pcount(skb) > 1 && skb->gso_size && tcp_fragment(sk, &tp->rtx_queue, skb, skb->gso_size, skb->gso_size))
		return;
	if (skb->sacked & TCPCB_SACKED_RETRANS)
		return; /* on its way once more */
	mark_lost(tp, skb);
	tcp_limit_reno_sacked(tp);
}

/* What the window was, in case the loss turns out to be none. */
static void tcp_init_undo(struct tcp_sock *tp)
{
	tp->prior_cwnd = tp->snd_cwnd;
	tp->prior_ssthresh = tcp_current_ssthresh(tp);
	tp->undo_marker = tp->snd_una;
}

static void tcp_enter_recovery(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	NET_INC(sk->net, MIB_TcpExt_TCPRenoRecovery);
	tcp_init_undo(tp);
	tp->snd_ssthresh = tcp_reno_ssthresh(sk);
	tp->snd_cwnd = tp->snd_ssthresh;
	tp->snd_cwnd_cnt = 0;
	tp->high_seq = tp->snd_nxt;
	tp->ca_state = TCP_CA_Recovery;
}

static void tcp_leave_recovery(struct tcp_sock *tp)
{
	tp->snd_cwnd = tp->snd_ssthresh < TCP_INFINITE_SSTHRESH ? min(tp->snd_cwnd, tp->snd_ssthresh) : tp->snd_cwnd;
	tp->retrans_stamp_ms = 0;
	tp->sacked_out = 0;
	tp->ca_state = TCP_CA_Open;
}

void tcp_enter_loss(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool first = tp->ca_state < TCP_CA_Recovery;
	struct sk_buff *skb;

	tp->sacked_out = 0; /* what duplicate ACKs stood for is as lost as the rest */
	skb_queue_walk(tp->rtx_queue, skb)
		mark_lost_again(sk, skb);
	if (first || !after(tp->high_seq, tp->snd_una) || (tp->ca_state == TCP_CA_Loss && !tp->retransmits)) {
		tcp_init_undo(tp); /* once a window */
		tp->snd_ssthresh = tcp_reno_ssthresh(sk);
	}
	tp->snd_cwnd = tcp_packets_in_flight(tp) + 1;
	tp->snd_cwnd_cnt = 0;
	tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
	tp->frto = first || tp->retransmits;
	tp->high_seq = tp->snd_nxt;
	tp->ca_state = TCP_CA_Loss;
}

/* All that was sent before the loss was seen has arrived: go on as before. */
static bool recovery_is_over(const struct tcp_sock *tp)
{
	return !before(tp->snd_una, tp->high_seq);
}

static void tcp_add_reno_sack(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t prior = tp->sacked_out++;

	tcp_check_reno_reordering(sk, 0);
	if (tp->sacked_out > prior)
		tp->delivered++;
}

/*
 * The peer answers what was sent before the first retransmission: its timestamp tells. Where none of this episode is known of,
 * nothing was sent again; but without SACK the end of one forgets it, and so does the SYN's ACK in SYN_SENT.
 */
static bool tcp_packet_delayed(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!tp->undo_marker)
		return false;
	if (tp->retrans_stamp_ms)
		return tp->saw_tstamp && tp->rcv_tsecr && before(tp->rcv_tsecr, tp->retrans_stamp_ms);
	return (tp->sack_ok || before(tp->snd_una, tp->high_seq)) && sk->common.state != TCP_SYN_SENT;
}

static bool tcp_any_retrans_done(const struct sock *sk)
{
	const struct sk_buff *head = tcp_rtx_queue_head(sk);

	return tcp_sk(sk)->retrans_out || (head && head->sacked & TCPCB_EVER_RETRANS);
}

/* Without SACK an episode lasts until something beyond it is acknowledged, so that old duplicates begin no other (RFC 6582). */
static bool tcp_holds_state(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->sack_ok || tp->snd_una != tp->high_seq)
		return false;
	if (!tcp_any_retrans_done(sk))
		tp->retrans_stamp_ms = 0;
	return true;
}

static void tcp_undo_cwnd_reduction(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->snd_cwnd = max(tp->snd_cwnd, tp->prior_cwnd);
	tp->snd_ssthresh = max(tp->snd_ssthresh, tp->prior_ssthresh);
	tp->snd_cwnd_stamp_ms = net_time_ms(sk->net);
	tp->undo_marker = 0;
	NET_INC(sk->net, MIB_TcpExt_TCPLossUndo);
}

static void tcp_open_again(struct tcp_sock *tp)
{
	tp->retrans_stamp_ms = 0;
	tp->sacked_out = 0;
	tp->ca_state = TCP_CA_Open;
}

/* The time-out came too early: nothing was lost, and all goes on as before. @frto: data that was sent once has arrived. */
static bool tcp_try_undo_loss(struct sock *sk, bool frto)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *skb;

	if (!frto && !tcp_packet_delayed(sk))
		return false;
	skb_queue_walk(tp->rtx_queue, skb)
		skb->sacked &= ~TCPCB_LOST;
	tp->lost_out = 0;
	tcp_undo_cwnd_reduction(sk);
	if (frto)
		NET_INC(sk->net, MIB_TcpExt_TCPSpuriousRTOs);
	if (!tcp_holds_state(sk) && (frto || tp->sack_ok))
		tcp_open_again(tp);
	return true;
}

/* F-RTO: after a time-out one segment goes again. If the next ACK acknowledges more than that, new data is sent before
 * anything else, and what is acknowledged then shows whether the rest was lost or late. */
static enum rexmit tcp_process_loss(struct sock *sk, int flag, bool is_dup)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool recovered = recovery_is_over(tp);

	if (flag & ACK_UNA_ADVANCED && tcp_try_undo_loss(sk, false))
		return REXMIT_NONE;
	if (tp->frto && flag & ACK_ORIG_ACKED && tcp_try_undo_loss(sk, true))
		return REXMIT_NONE;
	if (tp->frto && after(tp->snd_nxt, tp->high_seq)) {
		if (is_dup)
			tp->frto = 0; /* it was lost */
	} else if (tp->frto && flag & ACK_UNA_ADVANCED && !recovered) {
		tp->high_seq = tp->snd_nxt;
		if (tcp_send_head(sk) && after(tcp_wnd_end(tp), tp->snd_nxt))
			return REXMIT_NEW;
		tp->frto = 0;
	}
	if (recovered) {
		if (tcp_packet_delayed(sk))
			tcp_undo_cwnd_reduction(sk);
		if (!tcp_holds_state(sk))
			tcp_open_again(tp);
		return REXMIT_NONE;
	}
	if (is_dup && after(tp->snd_nxt, tp->high_seq))
		tcp_add_reno_sack(sk);
	else if (flag & ACK_UNA_ADVANCED)
		tp->sacked_out = 0;
	return REXMIT_LOST;
}

/* Open, or Disorder: something has arrived out of order or went again, and it is too early to call it lost. */
static void tcp_try_to_open(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool again = tcp_any_retrans_done(sk);
	uint8_t state = tp->sacked_out || tp->lost_out || again ? TCP_CA_Disorder : TCP_CA_Open;

	if (!again)
		tp->retrans_stamp_ms = 0;
	if (tp->ca_state != state) {
		tp->ca_state = state;
		tp->high_seq = tp->snd_nxt;
	}
}

/* A peer that agreed to SACK says in blocks what has arrived; an ACK without any tells nothing. */
static bool is_duplicate(const struct tcp_sock *tp, const struct tcp_seg *seg, int flag)
{
	if (likely(flag & (ACK_UNA_ADVANCED | ACK_NOT_DUP)) || !tp->packets_out)
		return false;
	return !tp->sack_ok || (seg->options_parsed && seg->options.nsacks);
}

static enum rexmit tcp_fastretrans_alert(struct sock *sk, const struct tcp_seg *seg, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool is_dup = is_duplicate(tp, seg, flag);

	switch (__builtin_expect(tp->ca_state, TCP_CA_Open)) {
	case TCP_CA_Loss:
		return tcp_process_loss(sk, flag, is_dup);
	case TCP_CA_Recovery:
		if (flag & ACK_UNA_ADVANCED) {
			/* NewReno: wait until more than high_seq is acknowledged, so that old duplicates start nothing */
			if (recovery_is_over(tp)) {
				tcp_leave_recovery(tp);
				return REXMIT_NONE;
			}
			tcp_mark_head_lost(sk); /* a partial ACK names the next hole */
		} else if (is_dup) {
			tcp_add_reno_sack(sk);
		}
		return REXMIT_LOST;
	default:
		if (likely(tp->ca_state == TCP_CA_Open && flag & ACK_NOT_DUP))
			return REXMIT_NONE; /* nothing to be suspicious of */
		if (tp->ca_state == TCP_CA_Open)
			tp->retrans_stamp_ms = 0;
		if (flag & ACK_UNA_ADVANCED)
			tp->sacked_out = 0;
		else if (is_dup)
			tcp_add_reno_sack(sk);
		if (likely(tp->sacked_out < tp->reordering)) {
			tcp_try_to_open(sk);
			return REXMIT_NONE;
		}
		tcp_enter_recovery(sk);
		tcp_mark_head_lost(sk);
		return REXMIT_LOST;
	}
}

/* Sends again what counts as lost, as far as the congestion window allows; the first one of a recovery in any case. */
static void tcp_xmit_retransmit_queue(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int max_segs = (int)tcp_tso_segs(sk, tcp_current_mss(sk));
	struct sk_buff *skb, *next;

	skb_queue_walk_safe(tp->rtx_queue, skb, next) {
		int segs = (int)tp->snd_cwnd - (int)tcp_packets_in_flight(tp);

		if (!(skb->sacked & TCPCB_LOST) || skb->sacked & TCPCB_SACKED_RETRANS)
			continue;
		if (segs <= 0) {
			if (tp->ca_state != TCP_CA_Recovery || tp->retrans_out)
				return;
			segs = 1;
		}
		if (tcp_retransmit_skb(sk, skb, min(segs, max_segs)))
			return;
		NET_ADD(sk->net, tp->ca_state == TCP_CA_Loss ? MIB_TcpExt_TCPSlowStartRetrans : MIB_TcpExt_TCPFastRetrans,
			tcp_skb_pcount(skb));
		if (skb == tcp_rtx_queue_head(sk) && tp->retrans_kind != ICSK_TIME_RETRANS)
			tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, tp->rto_j);
		next = skb->next; /* a unit may have been cut */
	}
}

static void tcp_xmit_recovery(struct sock *sk, enum rexmit rexmit)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (likely(rexmit == REXMIT_NONE) || sk->common.state == TCP_SYN_SENT)
		return; /* data of a SYN: tcp_rcv_fastopen_synack() */
	if (rexmit == REXMIT_NEW) {
		__tcp_push_pending_frames(sk, tcp_current_mss(sk), TCP_NAGLE_OFF);
		if (after(tp->snd_nxt, tp->high_seq))
			return;
		tp->frto = 0;
	}
	tcp_xmit_retransmit_queue(sk);
}

/* What is marked as lost goes again; the network is not to blame, and the window stays. */
static void non_congestion_loss_retransmit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_limit_reno_sacked(tp);
	if (tp->ca_state != TCP_CA_Loss) {
		tp->high_seq = tp->snd_nxt;
		tp->snd_ssthresh = tp->snd_cwnd; /* no congestion: the window stays */
		tp->undo_marker = 0;
		tp->ca_state = TCP_CA_Loss;
	}
	tcp_xmit_retransmit_queue(sk);
}

void tcp_retransmit_unacked(struct sock *sk)
{
	struct sk_buff *skb;

	skb_queue_walk(tcp_sk(sk)->rtx_queue, skb)
		mark_lost_again(sk, skb);
	non_congestion_loss_retransmit(sk);
}

void tcp_simple_retransmit(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t mss = tcp_current_mss(sk), prior_lost = tp->lost_out;
	struct sk_buff *skb;

	/* A SYN and its data left as one segment: neither unit is as large as that was. */
	if (sk->common.state == TCP_SYN_SENT && sock_flag(sk, SOCK_FASTOPEN) && tcp_fastopen(sk)->syn_data) {
		tcp_retransmit_unacked(sk);
		return;
	}
	skb_queue_walk(tp->rtx_queue, skb)
		if (min_t(uint32_t, skb->len, skb->gso_size ? skb->gso_size : skb->len) > mss)
			mark_lost_again(sk, skb);
	if (tp->lost_out != prior_lost)
		non_congestion_loss_retransmit(sk);
}

/* Its repetitions may turn out to have been too early. What the child has sent meanwhile is watched over from now on. */
void tcp_synack_acked(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state == TCP_CA_Loss && !tp->packets_out) {
		if (tcp_packet_delayed(sk))
			tcp_undo_cwnd_reduction(sk);
		if (!tcp_holds_state(sk))
			tcp_open_again(tp);
	}
	tp->retrans_stamp_ms = 0;
	tp->retransmits = 0;
	tcp_fastopen_remove(sk, false);
	tcp_rearm_rto(sk);
}

/* The answer to a tail loss probe: did it repair a loss? */
static void tcp_process_tlp_ack(struct sock *sk, uint32_t ack, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (before(ack, tp->tlp_high_seq))
		return;
	if (!tp->tlp_retrans) {
		tp->tlp_high_seq = 0; /* the probe was new data */
	} else if (after(ack, tp->tlp_high_seq)) {
		tp->snd_ssthresh = tcp_reno_ssthresh(sk);
		tp->snd_cwnd = min(tp->snd_cwnd, tp->snd_ssthresh);
		tp->tlp_high_seq = 0;
		NET_INC(sk->net, MIB_TcpExt_TCPLossProbeRecovery);
	} else if (!(flag & (ACK_UNA_ADVANCED | ACK_NOT_DUP))) {
		tp->tlp_high_seq = 0; /* a mere duplicate: original and probe both arrived */
	}
}

/* ------------------------------------------------------------------ the ACK itself */

/* RFC 7323 section 4.3: the timestamp is kept if the segment covers what was acknowledged last. */
void tcp_replace_ts_recent(struct sock *sk, uint32_t seq)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->saw_tstamp && !after(seq, tp->rcv_wup) &&
	    tcp_paws_check(sk->net, tp->ts_recent, tp->ts_recent_stamp_s, tp->rcv_tsval, 0))
		tcp_store_ts_recent(sk);
}

/* Does @ack lie where an ACK may lie? 1: look at it; 0: old, harmless; negative: not to be believed. */
static int check_range(struct sock *sk, uint32_t ack, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);
	enum tcp_cause cause;

	if (unlikely(after(ack, tp->snd_nxt))) {
		cause = CAUSE_future_ack;
	} else if (unlikely(before(ack, tp->snd_una))) {
		if (!before(ack, tp->snd_una - (uint32_t)min_t(uint64_t, tp->max_window, tp->bytes_acked)))
			return 0;
		cause = CAUSE_old_ack;
	} else {
		return 1;
	}
	if (!(flag & FLAG_NO_CHALLENGE_ACK))
		tcp_send_challenge_ack(sk);
	return -(int)cause;
}

static void on_acked(struct sock *sk, struct tcp_seg *seg, int flag, uint32_t prior_una)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t prior_delivered = tp->delivered;
	enum rexmit rexmit;

	flag |= tcp_clean_rtx_queue(sk, prior_una);
	if (unlikely(tp->tlp_high_seq))
		tcp_process_tlp_ack(sk, seg->ack, flag);
	rexmit = tcp_fastretrans_alert(sk, seg, flag);
	if (likely(flag & ACK_SET_XMIT_TIMER))
		tcp_set_xmit_timer(sk);
	NET_ADD(sk->net, MIB_TcpExt_TCPDelivered, tp->delivered - prior_delivered);
	if (likely(flag & ACK_DATA_ACKED && tp->ca_state != TCP_CA_Recovery))
		tcp_cong_avoid(sk, tp->delivered - prior_delivered);
	tcp_update_pacing_rate(sk);
	tcp_xmit_recovery(sk, rexmit);
}

int tcp_ack(struct sock *sk, struct tcp_seg *seg, int flag)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t prior_una = tp->snd_una, prior_packets = tp->packets_out;
	int good;

	if (unlikely(!seg_has(seg, TCPHDR_ACK)))
		return 1;
	good = check_range(sk, seg->ack, flag);
	if (unlikely(good <= 0))
		return good;
	if (after(seg->ack, prior_una)) {
		flag |= ACK_UNA_ADVANCED;
		tp->retransmits = 0;
	}
	if (flag & FLAG_UPDATE_TS_RECENT)
		tcp_replace_ts_recent(sk, seg->seq);
	if (seg->seq != seg->end_seq)
		flag |= ACK_DATA;
	else
		NET_INC(sk->net, MIB_TcpExt_TCPPureAcks);
	flag |= tcp_ack_update_window(sk, seg);

	sk->err_soft = 0; /* something gets through */
	tp->probes_out = 0;
	tp->rcv_tstamp_ms = net_time_ms(sk->net);
	if (prior_packets) {
		on_acked(sk, seg, flag, prior_una);
	} else {
		tcp_ack_probe(sk);
		if (unlikely(tp->tlp_high_seq))
			tcp_process_tlp_ack(sk, seg->ack, flag);
	}
	return 1;
}
