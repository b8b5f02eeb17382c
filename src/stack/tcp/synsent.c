// SPDX-License-Identifier: MIT
/*
 * tcp/synsent.c - a segment for a connection that has sent its SYN
 *
 *	with ACK: does it acknowledge our SYN?  no: reply RST (HS-05)   RST: refused   SYN: ESTABLISHED
 *	without:  SYN: both sides opened at once, SYN_RECV (SO-01)      all else: ignored
 *
 * Data and FIN of a SYN or SYN-ACK are not taken (linux-close.md section 23.10), unless Fast Open was asked for.
 */
#include "stack/tcp/fastopen.h"

/* Timestamps, window scale and SACK are used if both SYNs had them. */
static void take_syn_options(struct sock *sk, const struct tcp_options *opt)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sysctls *ctl = &sk->net->sysctl;

	if (opt->mss) /* else connect()'s guess stands */
		tp->mss_clamp = opt->mss;
	if (sk->opts->user_mss && sk->opts->user_mss < tp->mss_clamp)
		tp->mss_clamp = sk->opts->user_mss;
	tp->wscale_ok = opt->wscale_ok && ctl->tcp_window_scaling;
	tp->snd_wscale = tp->wscale_ok ? opt->wscale : 0;
	tp->sack_ok = opt->sack_ok && ctl->tcp_sack;
	tp->tstamp_ok = opt->saw_tstamp && ctl->tcp_timestamps;
	tp->saw_tstamp = tp->tstamp_ok;
	tp->rcv_tsval = opt->tsval;
	tp->tcp_header_len = TCP_HDR_LEN + (tp->tstamp_ok ? 12 : 0);
	if (tp->tstamp_ok)
		tcp_store_ts_recent(sk);
}

/* Only a SYN-ACK without the option ends our own scale: a crossed SYN without it does not, as in Linux. */
static void settle_rcv_wscale(struct tcp_sock *tp)
{
	if (tp->wscale_ok)
		return;
	tp->rcv_wscale = 0;
	tp->window_clamp = min_t(uint32_t, tp->window_clamp, 65535);
}

static void take_sequence(struct tcp_sock *tp, const struct tcp_seg *seg)
{
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = seg->seq + 1;
	tp->snd_wl1 = seg->seq;
	tp->snd_wnd = seg->wnd; /* never scaled in a SYN */
	tp->max_window = max(tp->max_window, tp->snd_wnd);
}

/* The first ACK may wait for data that is sure to come soon. */
static bool may_save_first_ack(const struct sock *sk)
{
	return sk->opts->defer_accept || tcp_sk(sk)->ack.pingpong >= sk->net->sysctl.tcp_pingpong_thresh ||
	       (sock_flag(sk, SOCK_FASTOPEN) && tcp_fastopen(sk)->io);
}

void tcp_finish_connect(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_set_state(sk, TCP_ESTABLISHED, CAUSE_handshake_done);
	tp->lrcvtime_ms = net_time_ms(sk->net);
	tp->retrans_stamp_ms = tp->undo_marker ? tp->retrans_stamp_ms : 0;
	tcp_init_transfer(sk);
	tp->lsndtime_ms = net_time_ms(sk->net);
	if (sock_flag(sk, SOCK_KEEPOPEN))
		tcp_reset_keepalive_timer(sk, msecs_to_jiffies(tcp_keepalive_time_ms(sk)));
}

/* The SYN-ACK has come. */
static void established(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool again = tp->total_retrans, data_went_again = false;

	tp->saw_tstamp = seg->options.saw_tstamp && sk->net->sysctl.tcp_timestamps;
	tp->rcv_tsval = seg->options.tsval;
	tp->rcv_tsecr = seg->options.tsecr ? seg->options.tsecr - tp->tsoffset : 0;
	tp->snd_wl1 = seg->seq;
	if (tp->saw_tstamp && tp->rcv_tsecr == tp->retrans_stamp_ms)
		tp->undo_marker = 0; /* it answers the first SYN: the repetitions were not needed */
	tp->sack_ok = seg->options.sack_ok && sk->net->sysctl.tcp_sack; /* data of our SYN may have been lost: who tells? */
	tcp_ack(sk, seg, FLAG_SLOWPATH);
	take_syn_options(sk, &seg->options);
	settle_rcv_wscale(tp);
	take_sequence(tp, seg);
	if (tp->tstamp_ok)
		tp->advmss -= 12;
	tcp_sync_mss(sk, tp->pmtu_cookie);
	tcp_initialize_rcv_mss(sk);

	tcp_finish_connect(sk);
	if (sock_flag(sk, SOCK_FASTOPEN) && (tcp_fastopen(sk)->syn_fastopen || tcp_fastopen(sk)->syn_data))
		data_went_again = tcp_rcv_fastopen_synack(sk, seg, again);
	sk_state_change(sk);
	sk_write_space(sk);

	if (data_went_again) {
		tcp_data_snd_check(sk);
	} else if (may_save_first_ack(sk)) {
		tp->ack.pending |= ICSK_ACK_SCHED;
		tcp_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		tp->ack.pending |= ICSK_ACK_TIMER;
		tcp_set_deadline(sk, SOCK_DELACK, tick_after_jiffies(sk->net, TCP_DELACK_MAX_J));
	} else {
		tcp_send_ack(sk);
		tcp_data_snd_check(sk);
	}
}

static void crossed_syns(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tcp_set_state(sk, TCP_SYN_RECV, CAUSE_crossed_syns);
	take_syn_options(sk, &seg->options);
	take_sequence(tp, seg);
	tp->max_window = tp->snd_wnd;
	tcp_mtup_init(sk);
	tcp_sync_mss(sk, tp->pmtu_cookie);
	tcp_initialize_rcv_mss(sk);
	tcp_send_synack_simultaneous(sk);
}

/* An ACK of something else: our SYN goes again soon, unless it did already. */
static enum tcp_cause bad_ack(struct sock *sk, const struct tcp_seg *seg)
{
	if (!tcp_sk(sk)->retransmits)
		tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, TCP_TIMEOUT_MIN_J);
	if (!seg_has(seg, TCPHDR_RST))
		return CAUSE_syn_sent_bad_ack;
	tcp_trace_drop(sk->net, &sk->common, seg, CAUSE_syn_sent_other);
	return CAUSE_none;
}

/* Does the echoed timestamp lie between our first SYN and now? */
static bool echo_is_ours(const struct sock *sk, const struct tcp_options *opt)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t echo = opt->tsecr - tp->tsoffset;

	if (!opt->saw_tstamp || !opt->tsecr)
		return true;
	return echo - tp->retrans_stamp_ms <= net_time_ms(sk->net) - tp->retrans_stamp_ms;
}

enum tcp_cause tcp_rcv_synsent(struct sock *sk, struct tcp_seg *seg)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool syn = seg_has(seg, TCPHDR_SYN), rst = seg_has(seg, TCPHDR_RST);

	tcp_parse_seg_options(seg);
	if (seg_has(seg, TCPHDR_ACK)) {
		if (!after(seg->ack, tp->snd_una) || after(seg->ack, tp->snd_nxt))
			return bad_ack(sk, seg);
		if (!echo_is_ours(sk, &seg->options)) {
			NET_INC(sk->net, MIB_TcpExt_PAWSActive);
			return rst ? CAUSE_none : CAUSE_syn_sent_bad_ack;
		}
		if (rst) {
			tcp_reset(sk, seg);
			return CAUSE_none;
		}
		if (syn) {
			established(sk, seg);
			return CAUSE_none;
		}
	} else if (syn && !rst) {
		crossed_syns(sk, seg);
		return CAUSE_none;
	}
	tcp_trace_drop(sk->net, &sk->common, seg, CAUSE_syn_sent_other);
	return CAUSE_none;
}
