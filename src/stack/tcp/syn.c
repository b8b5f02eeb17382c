// SPDX-License-Identifier: MIT
/*
 * tcp/syn.c - the first segment of an active opening
 *
 * In:  connect() has chosen addresses, port and first sequence number (write_seq).
 * Out: a SYN that offers all we can do, in the retransmission queue, its timer running. The answer is synsent.c's.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"

/* Nothing is known of the peer yet; an earlier connection of this sock is forgotten. */
static void connect_init(struct sock *sk)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	struct tcp_sock *tp = tcp_sk(sk);
	uint8_t wscale;

	tp->tcp_header_len = TCP_HDR_LEN + (sysctl->tcp_timestamps ? 2 + TCPOLEN_TIMESTAMP : 0);
	if (sk->opts->user_mss)
		tp->mss_clamp = sk->opts->user_mss;
	tp->max_window = 0;
	tcp_sync_mss(sk, ip_mtu(sk->net, &sk->daddr));
	tp->advmss = tcp_advertise_mss(sk->net, &sk->daddr, sk->opts->user_mss);
	tcp_initialize_rcv_mss(sk);

	if (!tp->window_clamp)
		tp->window_clamp = sk->opts->window_clamp;
	if (sock_flag(sk, SOCK_RCVBUF_LOCK) && (!tp->window_clamp || tp->window_clamp > tcp_full_space(sk)))
		tp->window_clamp = tcp_full_space(sk);
	tcp_select_initial_window(sk, tcp_full_space(sk),
				  tp->advmss - (tp->ts_recent_stamp_s ? tp->tcp_header_len - TCP_HDR_LEN : 0),
				  sysctl->tcp_window_scaling, &tp->rcv_wnd, &tp->window_clamp, &wscale);
	tp->rcv_wscale = wscale;
	tp->rcv_ssthresh = tp->rcv_wnd;

	sk->err = 0;
	sock_reset_flag(sk, SOCK_DONE);
	tcp_write_queue_purge(sk);
	tp->snd_wnd = 0;
	tp->snd_wl1 = 0;
	tp->snd_una = tp->snd_sml = tp->snd_up = tp->snd_nxt = tp->write_seq;
	if (likely(!sock_flag(sk, SOCK_REPAIR)))
		tp->rcv_nxt = 0;
	else
		tp->rcv_tstamp_ms = net_time_ms(sk->net);
	tp->rcv_wup = tp->copied_seq = tp->rcv_nxt;
	tp->rto_j = TCP_TIMEOUT_INIT_J;
	tp->retransmits = 0;
	tp->syn_retries_done = 0;
	tp->undo_marker = 0;
}

int tcp_connect(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *syn;

	connect_init(sk);
	if (unlikely(sock_flag(sk, SOCK_REPAIR))) { /* its handshake was elsewhere, and long ago */
		tcp_finish_connect(sk);
		return 0;
	}
	syn = skb_alloc(&sk->net->skbs, 0);
	if (!syn)
		return -ENOBUFS;
	syn->seq = tp->write_seq;
	syn->end_seq = ++tp->write_seq;
	syn->tcp_flags = TCPHDR_SYN;
	syn->gso_segs = 1;
	tp->retrans_stamp_ms = max(net_time_ms(sk->net), 1u); /* what a time limit counts from (TM-02) */
	skb_queue_tail(&tp->rtx_queue, syn);
	sk->wmem_queued += tcp_skb_truesize(syn);
	tp->packets_out++;
	if (sock_flag(sk, SOCK_FASTOPEN) && tcp_fastopen(sk)->pending)
		tcp_send_syn_data(sk, syn);
	else
		tcp_transmit_skb(sk, syn); /* one that could not leave is repeated like one that was lost */
	tp->snd_nxt = tp->pushed_seq = tp->write_queue ? tp->write_queue->seq : tp->write_seq;
	NET_INC(sk->net, MIB_Tcp_ActiveOpens);
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, tp->rto_j);
	return 0;
}

/* SO-01: our SYN, waiting for its acknowledgement, goes again and acknowledges the peer's; so it will when repeated. */
int tcp_send_synack_simultaneous(struct sock *sk)
{
	struct sk_buff *syn = tcp_rtx_queue_head(sk);

	assert(syn && syn->tcp_flags & TCPHDR_SYN);
	syn->tcp_flags |= TCPHDR_ACK;
	return tcp_transmit_skb(sk, syn);
}
