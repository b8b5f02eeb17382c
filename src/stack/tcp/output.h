/* SPDX-License-Identifier: MIT */
/*
 * tcp/output.h - between the files of the sending side
 *
 *	xmit.c        what may leave now, and in which units      output.c     a unit gets its header and leaves; ACKs; FIN
 *	retransmit.c  a unit leaves again                         syn.c        the SYN, the SYN-ACK of crossed SYNs
 *	probe.c       zero-window probes, tail loss probes        fragment.c   units cut, joined and counted
 *	mtu.c         how large a segment may be                  reset.c      segments that no queue stands behind
 *
 * A unit is one sk_buff of a send queue: up to 64 KB, which leave as one and are cut into segments of gso_size by the
 * driver. What is computed from numbers alone takes numbers, so that a test can ask it directly.
 */
#ifndef LA_TCP_OUTPUT_H
#define LA_TCP_OUTPUT_H

#include "stack/tcp/tcp.h"

/* The device's queue was full: not the network's fault, so nothing backs off; try again in TCP_RESOURCE_PROBE_INTERVAL_J. */
static inline bool tcp_local_congestion(int err) { return err == -ENOBUFS; }

static inline uint32_t usecs_to_jiffies(uint64_t us) { return (uint32_t)((us * NSEC_PER_USEC + TICK_NSEC - 1) / TICK_NSEC); }
static inline uint32_t jiffies_to_usecs(uint32_t j) { return (uint32_t)(j * (TICK_NSEC / NSEC_PER_USEC)); }
static inline unsigned ilog2(uint32_t v) { return 31 - (unsigned)__builtin_clz(v); }

/* An urgent byte is queued and not yet acknowledged. */
static inline bool tcp_urg_pending(const struct tcp_sock *tp) { return tp->snd_una != tp->snd_up; }

/* A segment without text; it stands in no queue and is over once it has left. */
static inline void tcp_init_nondata_skb(struct sk_buff *skb, uint32_t seq, uint8_t flags)
{
	memset(skb, 0, offsetof(struct sk_buff, inline_data));
	skb->seq = seq;
	skb->end_seq = seq + !!(flags & (TCPHDR_SYN | TCPHDR_FIN));
	skb->tcp_flags = flags;
	skb->gso_segs = 1;
}

/* output.c */
uint32_t tcp_acceptable_seq(const struct tcp_sock *tp); /* of a segment without text: snd_nxt, if the window still has it */
void tcp_established_options(const struct tcp_sock *tp, struct tcp_options *opt); /* but for the timestamp's value */
uint32_t tcp_options_len(const struct tcp_options *opt);			  /* of an established connection */
void tcp_event_new_data_sent(struct sock *sk, struct sk_buff *skb); /* moves it to the retransmission queue */

/* xmit.c */
enum { PUSH_ALL, PUSH_ONE, PUSH_PROBE }; /* tcp_write_xmit(): @push_one */
bool tcp_snd_wnd_test(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss_now);
/* May a piece shorter than a segment not leave? @partial: it is one. Minshall's variant of Nagle's rule. */
bool tcp_nagle_check(const struct tcp_sock *tp, bool partial, int nonagle);
/* Segments of a unit: what the pacing rate lets out in 1/1024 s, and more towards a peer that is near. */
uint32_t tcp_tso_autosize(uint32_t pacing_bytes, uint32_t min_rtt_us, uint32_t gso_max, uint32_t mss_now, const struct net *net);
uint32_t tcp_mss_split_point(const struct tcp_sock *tp, const struct sk_buff *skb, uint32_t mss_now, uint32_t max_segs,
			     int nonagle);
uint32_t tcp_tso_segs(struct sock *sk, uint32_t mss_now);

/* fragment.c */
void tcp_set_skb_tso_segs(struct sk_buff *skb, uint32_t mss_now);
void tcp_adjust_pcount(struct tcp_sock *tp, const struct sk_buff *skb, int decr);
void tcp_grow_skb(struct sock *sk, struct sk_buff *skb, uint32_t amount); /* of the write queue, from the one behind it */
void tcp_retrans_try_collapse(struct sock *sk, struct sk_buff *to, uint32_t space);

/* retransmit.c */
int __tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs); /* sends, but counts no loss */

/* rcvwin.c */
uint32_t tcp_truesize(uint32_t len);
uint64_t tcp_queue_cost(uint32_t bytes, uint32_t mss);

/* timer.c */
uint32_t tcp_rto_min_us(const struct sock *sk);
uint32_t tcp_model_timeout_ms(uint32_t boundary, uint32_t rto_base_j, uint32_t rto_max_j);

/* mtu.c */
uint32_t tcp_bound_to_half_wnd(const struct tcp_sock *tp, uint32_t size);
uint32_t tcp_mtu_to_mss(const struct sock *sk, uint32_t pmtu);
uint32_t tcp_sk_gso_max(const struct sock *sk);
#endif
