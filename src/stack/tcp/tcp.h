/* SPDX-License-Identifier: MIT */
/*
 * tcp/tcp.h - the protocol
 *
 *	sock_life.c from the making of a sock to its end              connect.c    a sock gets a peer, and loses it
 *	input.c     a segment finds its owner; the column of questions for a synchronised connection
 *	listen.c    SYNs, requests, the accept queue                  timewait.c   stand-ins
 *	synsent.c   active and simultaneous open                      child.c      a request becomes a sock
 *	ack.c       what the peer acknowledges: RTT, window, loss     data.c       what the peer sends: order, FIN, urgent
 *	ofo.c       what came out of order, SACK blocks               icmp.c       errors that the network reports
 *	cookie.c    requests that nobody remembers                    transfer.c   what a connection begins with
 *	xmit.c      what may leave now                                output.c     a segment is built; ACK, FIN
 *	syn.c       SYN and SYN-ACK of a sock                         retransmit.c what leaves again
 *	probe.c     of a closed window, of the tail                   mtu.c fragment.c   how large a segment may be; cutting
 *	reset.c     the two kinds of RST, ACKs without a sock
 *	timer.c     deadlines of a sock                               cong.c       congestion window (Reno)
 *	send.c recv.c   what write and read do to the queues          rcvwin.c     the window that is offered
 *	option.c    setsockopt, getsockopt, TCP_INFO                  poll.c       what poll says
 *	repair.c    TCP_REPAIR: a connection as numbers               fastopen.c fastopen_client.c   data in the SYN (fastopen.h)
 *	state.c     the one function that moves a state               check.c      what may be trusted in each state
 */
#ifndef LA_TCP_H
#define LA_TCP_H

#include "base/iov.h"
#include "base/seq.h"
#include "stack/ip/ip.h"
#include "stack/sock/hashinfo.h"
#include "stack/sock/sock.h"
#include "stack/tcp/cause.h"
#include <sys/socket.h>

/* ------------------------------------------------------------------ Linux's constants (docs/LINUX.md) */

enum {
	TCP_MSS_DEFAULT = 536,
	TCP_INIT_CWND = 10,
	TCP_INFINITE_SSTHRESH = 0x7fffffff,
	MAX_TCP_WINDOW = 32767, /* with tcp_workaround_signed_windows */
	TCP_MAX_QUICKACKS = 16,
	TCP_TIMEOUT_INIT_J = HZ,	 /* initial RTO */
	TCP_TIMEOUT_FALLBACK_J = 3 * HZ, /* when the SYN was repeated and no sample is there */
	TCP_TIMEWAIT_MS = 60000,
	TCP_FIN_TIMEOUT_MAX_S = 120,
	TCP_ATO_MIN_J = HZ / 25,	 /* 40 ms */
	TCP_DELACK_MIN_J = HZ / 25,
	TCP_DELACK_MAX_J = HZ / 5,	 /* 200 ms */
	TCP_RESOURCE_PROBE_INTERVAL_J = HZ / 2, /* after a local send failure */
	TCP_TIMEOUT_MIN_J = 2,
	TCP_PAWS_WINDOW = 1,
	TCP_PAWS_24DAYS_S = 60 * 60 * 24 * 24,
};

enum { TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss };

/* sk_buff.sacked */
enum { TCPCB_SACKED_ACKED = 1, TCPCB_SACKED_RETRANS = 2, TCPCB_LOST = 4, TCPCB_EVER_RETRANS = 0x80 };

/* tcp_sock.ack.pending */
enum { ICSK_ACK_SCHED = 1, ICSK_ACK_TIMER = 2, ICSK_ACK_PUSHED = 4, ICSK_ACK_PUSHED2 = 8, ICSK_ACK_NOW = 16, ICSK_ACK_NOMEM = 32 };

/* tcp_sock.retrans_kind: what SOCK_RETRANS is armed for */
enum { ICSK_TIME_NONE, ICSK_TIME_RETRANS, ICSK_TIME_PROBE0, ICSK_TIME_LOSS_PROBE };

#define TCP_NAGLE_OFF 1 /* TCP_NODELAY */
#define TCP_NAGLE_CORK 2
#define TCP_NAGLE_PUSH 4

/* A listener's own part: requests are counted, children wait in order. */
struct listen_queue {
	struct sock *accept_head;   /* children not yet accepted, oldest first, by tcp_sock.accept_next */
	struct sock *accept_tail;
	uint32_t ack_backlog;	    /* their number */
	uint32_t max_ack_backlog;   /* listen()'s backlog, capped by somaxconn */
	uint32_t qlen, young;	    /* requests; those whose SYN-ACK was not yet repeated */
	uint32_t cookie_minute;	    /* when a cookie was sent last, minutes from 1; 0: never */
};

/* What arrived out of order; exists only while there is something. */
struct tcp_ofo {
	struct sk_buff *queue;		     /* sorted by seq, no overlaps */
	struct sack_block selective_acks[4]; /* the most recently changed first */
	struct sack_block duplicate_sack;
	uint8_t num_sacks;
	bool dsack; /* the next ACK reports @duplicate_sack, once */
};

/**
 * struct tcp_sock - a sock of TCP; sequence numbers in host order, names as in Linux
 *
 * Queues: @rtx_queue sent and not acknowledged; @write_queue not yet sent; @receive_queue in order, not yet read.
 * All own their buffers. FIN stands on the last sk_buff of a send queue.
 */
struct tcp_sock {
	struct sock sk;

	struct sk_buff *receive_queue, *write_queue, *rtx_queue;
	struct tcp_ofo *ofo;	     /* owned; NULL: nothing out of order, no SACK to send */
	struct listen_queue *listen; /* owned; NULL: never listened */
	struct sock *accept_next;    /* in its listener's accept queue */
	uint64_t bytes_acked;	     /* by the peer, of all our data */

	/* receiving */
	uint32_t rcv_nxt, copied_seq, rcv_wup; /* rcv_wup: rcv_nxt when a window was last offered */
	uint32_t rcv_wnd, window_clamp, rcv_ssthresh;
	uint32_t rcv_tstamp_ms, lrcvtime_ms;   /* last ACK received; last data received */
	uint32_t urg_seq;
	uint16_t urg_data;		       /* TCP_URG_* | byte */
	uint16_t rcv_mss;		       /* the peer's, as estimated for delayed ACKs */
	uint16_t last_seg_size, advmss;
	struct {
		uint8_t pending, quick, pingpong;
		uint32_t ato_j;
	} ack;
	struct { /* receive buffer tuning */
		uint32_t seq, space, copied;
		uint32_t time_us;
	} rcvq_space;
	uint32_t rcv_rtt_us, rcv_rtt_seq, rcv_rtt_time_us;

	/* sending */
	uint32_t snd_una, snd_nxt, snd_sml, snd_wl1, snd_wnd, max_window, write_seq, pushed_seq, snd_up;
	uint32_t snd_cwnd, snd_cwnd_cnt, snd_ssthresh, snd_cwnd_stamp_ms, snd_cwnd_used;
	uint32_t cwnd_usage_seq, max_packets_out;
	uint32_t packets_out, sacked_out, lost_out, retrans_out, reordering;
	uint32_t high_seq, retrans_stamp_ms, undo_marker, total_retrans, delivered;
	uint32_t prior_cwnd, prior_ssthresh; /* before the loss that undo_marker stands for */
	uint32_t srtt_us, mdev_us, mdev_max_us, rttvar_us, rtt_seq; /* srtt << 3, mdev << 2, as Linux keeps them */
	uint32_t min_rtt_us;
	uint32_t rto_j;
	uint32_t lsndtime_ms, last_oow_ack_ms;
	uint32_t wstamp_us; /* when anything left last */
	uint32_t pacing_bytes; /* that the pacing rate, as the last ACK left it, lets out in 1/1024 s; 0: no limit */
	uint32_t tlp_high_seq, probes_tstamp_ms;
	uint32_t segs_in;
	uint16_t mss_cache, mss_clamp;	     /* now in force; the peer's limit */
	uint16_t tcp_header_len;
	uint8_t scaling_ratio; /* window bytes of 256 bytes of buffer (rcvwin.c); 0: 128 */
	bool saw_tstamp;       /* the segment in hand has a timestamp: rcv_tsval, rcv_tsecr */
	uint32_t pmtu_cookie;
	uint8_t ca_state, retransmits, backoff, probes_out, keepalive_probes, retrans_kind, syn_retries_done;
	uint8_t nonagle;
	uint8_t rcv_wscale : 4, snd_wscale : 4;
	uint8_t wscale_ok : 1, tstamp_ok : 1, sack_ok : 2, is_cwnd_limited : 1, ecn_ok : 1, tlp_retrans : 1, frto : 1;

	/* timestamps */
	uint32_t ts_recent, ts_recent_stamp_s, tsoffset;
	uint32_t rcv_tsval, rcv_tsecr; /* of the segment in hand */

	/* opening */
	uint32_t synack_us;   /* when the SYN-ACK of a passive opening left, until its RTT is taken; 0: unknown */
};

static inline struct tcp_sock *tcp_sk(const struct sock *sk) { return (struct tcp_sock *)sk; }
static inline struct sock *tcp_to_sk(struct tcp_sock *tp) { return &tp->sk; }

/* The offset of timestamps between two addresses, a keyed hash that is asked for at every opening. */
struct ts_offset {
	struct in6_addr saddr, daddr;
	uint32_t offset;
};
#define TS_OFFSET_BITS 8

/* Keys of Fast Open's cookies: one makes them, the other is still good. */
struct fastopen_keys {
	struct siphash_key key[2];
	unsigned n; /* 0: none yet */
};

/* What peers' cookies are, the one asked for last first; and whether the network is trusted with them. */
struct fastopen_cache {
	struct list_head peers;
	unsigned count;
	unsigned disabled_times;    /* data in SYNs has vanished so often */
	uint32_t disabled_stamp_ms; /* the last time */
};

/* TCP's part of a stack */
struct tcp {
	struct slab_cache socks, requests, timewaits_v4, timewaits_v6, opts, listens, ofos, fastopens;
	uint32_t orphans;
	uint32_t tw_count;
	uint32_t challenge_second, challenge_count;
	struct fastopen_keys fastopen_keys; /* sysctl tcp_fastopen_key */
	struct fastopen_cache fastopen_cache;
	struct ts_offset ts_offset[1 << TS_OFFSET_BITS]; /* asked for lately, by a hash of the addresses */
};

/* ------------------------------------------------------------------ state.c */
void tcp_set_state(struct sock *sk, enum tcp_state next, enum tcp_cause cause);
bool tcp_move_is_legal(enum tcp_state prev, enum tcp_state next);
/* trace helpers: see lastack/trace.h. @c may be NULL where no owner was found (then @seg names the addresses) */
void __tcp_trace_step(struct sock *sk, const char *function);
static inline void tcp_trace_step(struct sock *sk, const char *function)
{
	if (unlikely(net_traced(sk->net)))
		__tcp_trace_step(sk, function);
}
void tcp_trace_rst(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause, bool active);
void tcp_trace_fin(struct sock *sk, enum tcp_cause cause);
void tcp_trace_drop(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause);
/* Any of the three has moved or gone: old and new state by number. */
void __tcp_trace_state(struct net *net, const struct sock_common *c, unsigned oldstate, unsigned newstate, enum tcp_cause cause);
static inline void tcp_trace_state(struct net *net, const struct sock_common *c, unsigned oldstate, unsigned newstate,
				   enum tcp_cause cause)
{
	if (unlikely(net_traced(net)))
		__tcp_trace_state(net, c, oldstate, newstate, cause);
}
/* check.c: NULL, or the invariant that does not hold */
const char *tcp_check(struct sock *sk);
const char *tcp_check_request(const struct request_sock *req);
const char *tcp_check_timewait(const struct timewait_sock *tw);

/* ------------------------------------------------------------------ life of a sock (sock_life.c) */
/* A fresh sock in CLOSE with Linux's defaults, one reference; NULL: no memory. */
struct sock *tcp_create_sock(struct net *net, int family);
/* Purges queues, stops timers, gives the port back, frees. Called by sock_reap() alone. */
void tcp_destroy_sock(struct sock *sk);
void tcp_clear_deadlines(struct sock *sk);
void tcp_write_queue_purge(struct sock *sk); /* both send queues; also ends recovery */
/* The connection is over: CLOSE, both shutdown bits, timers stopped; wakes the owner, or lets an orphan go. */
void tcp_done(struct sock *sk, enum tcp_cause cause);
/* As tcp_done(), for an error: err is set, queue of unsent data dropped. */
void tcp_done_with_error(struct sock *sk, int err, enum tcp_cause cause);
/* Orphan accounting: count up when a closed sock lives on; down in tcp_destroy_sock(). */
void tcp_count_orphan(struct sock *sk);
bool tcp_too_many_orphans(struct net *net, unsigned shift);
bool tcp_check_oom(struct sock *sk, unsigned shift);
/* tcp_fin_time of linux-close.md section 6, in jiffies */
uint32_t tcp_fin_time(const struct sock *sk);

/* ------------------------------------------------------------------ input */
extern const struct ip_protocol tcp_protocol;
void tcp_err(struct net *net, const struct icmp_error *err); /* icmp.c */
/* Any full sock but a listener: the column of questions. May end the sock. */
void tcp_rcv_state_process(struct sock *sk, struct tcp_seg *seg);
/* CAUSE_none, or why the segment must be answered with a reply RST (synsent.c) */
enum tcp_cause tcp_rcv_synsent(struct sock *sk, struct tcp_seg *seg);
void tcp_finish_connect(struct sock *sk); /* ESTABLISHED, and what the transfer begins with */
void tcp_reset(struct sock *sk, struct tcp_seg *seg); /* an accepted RST */
void tcp_send_challenge_ack(struct sock *sk);
/* At most one per tcp_invalid_ratelimit; counts @skipped when too early. */
bool tcp_oow_rate_limited(struct net *net, const struct tcp_seg *seg, enum mib skipped, uint32_t *last_ms);
void tcp_parse_seg_options(struct tcp_seg *seg); /* once per segment */
/* init after the handshake: congestion window, receive window, buffers (tcp_init_transfer) */
void tcp_init_transfer(struct sock *sk);
void tcp_init_buffer_space(struct sock *sk);
void tcp_sndbuf_expand(struct sock *sk); /* send.c: the send buffer follows the congestion window */
/* RFC 7323 section 5.3: is the timestamp of the segment in hand older than what was seen? */
bool tcp_paws_check(const struct net *net, uint32_t ts_recent, uint32_t stamp_s, uint32_t tsval, int32_t window);
bool tcp_paws_reject(const struct net *net, uint32_t ts_recent, uint32_t stamp_s, uint32_t tsval, bool rst);
/* RFC 9293 section 3.4: does [seq, end_seq) touch [start, end)? */
bool tcp_in_window(uint32_t seq, uint32_t end_seq, uint32_t start, uint32_t end);
void tcp_store_ts_recent(struct sock *sk);

/* ack.c */
enum { FLAG_SLOWPATH = 1, FLAG_UPDATE_TS_RECENT = 2, FLAG_NO_CHALLENGE_ACK = 4 };
/* 1: good or old; 0: to be ignored; -CAUSE: to be answered or dropped for that cause (a challenge was sent already) */
int tcp_ack(struct sock *sk, struct tcp_seg *seg, int flag);
void tcp_replace_ts_recent(struct sock *sk, uint32_t seq);
void tcp_rearm_rto(struct sock *sk);
void tcp_enter_loss(struct sock *sk);
void tcp_simple_retransmit(struct sock *sk); /* a smaller path MTU: what is too large counts as lost */
void tcp_retransmit_unacked(struct sock *sk); /* all of it is lost, but not by congestion */
void tcp_synack_acked(struct sock *sk);	      /* of a child of Fast Open: its own data has its timers now */
void tcp_rtt_estimator(struct sock *sk, uint32_t mrtt_us);
void tcp_set_rto(struct sock *sk);
void tcp_valid_rtt_meas(struct sock *sk, uint32_t mrtt_us); /* least RTT, estimator and RTO */

/* data.c, ofo.c */
enum { TCP_URG_VALID = 0x0100, TCP_URG_NOTYET = 0x0200, TCP_URG_READ = 0x0400 }; /* tcp_sock.urg_data, beside the byte */
void tcp_ofo_purge(struct sock *sk); /* what is out of order is forgotten, SACK blocks too */
void tcp_data_queue_ofo(struct sock *sk, struct tcp_seg *seg);
void tcp_ofo_queue(struct sock *sk); /* a hole was filled: what follows moves to the receive queue */
void tcp_dsack_set(struct sock *sk, uint32_t seq, uint32_t end_seq);
void tcp_dsack_forget(struct sock *sk); /* where there is tp->ofo */
bool tcp_queue_rcv(struct sock *sk, uint32_t seq, const uint8_t *data, uint32_t len, bool fin); /* false: no memory */
void tcp_data_ready(struct sock *sk);
void tcp_send_dupack(struct sock *sk, const struct tcp_seg *seg);
void tcp_data_queue(struct sock *sk, struct tcp_seg *seg);
void tcp_fin(struct sock *sk);
void tcp_urg(struct sock *sk, struct tcp_seg *seg);
void tcp_data_snd_check(struct sock *sk);
void tcp_ack_snd_check(struct sock *sk);
void tcp_event_data_recv(struct sock *sk, const struct tcp_seg *seg);
void tcp_measure_rcv_mss(struct sock *sk, const struct tcp_seg *seg);
void tcp_initialize_rcv_mss(struct sock *sk);
void tcp_enter_quickack_mode(struct sock *sk, unsigned max_quickacks);
void tcp_incr_quickack(struct sock *sk, unsigned max_quickacks);
bool tcp_in_quickack_mode(const struct sock *sk);

/* listen.c, child.c */
int tcp_listen_start(struct sock *sk, int backlog); /* inet_csk_listen_start; 0, -EADDRINUSE, -ENOMEM */
void tcp_listen_stop(struct sock *sk, enum tcp_cause cause); /* requests become unusable, children are reset in queue order */
/* A SYN. @isn: TIME_WAIT chose it for the new connection (TW-05); 0: none */
void tcp_conn_request(struct sock *listener, struct tcp_seg *seg, uint32_t isn);
/* An ACK of another number than ours: the request has nothing to do with it, its listener answers. */
bool tcp_req_is_for_listener(const struct request_sock *req, const struct tcp_seg *seg);
/* @sk while it listens; then who took over from it, and shall have @c (LS-14); NULL: nobody. */
struct sock *tcp_listen_heir(struct sock *sk, const struct sock_common *c);
/* A segment for a request, whose child @listener shall have: NULL: dealt with; else the sock that shall process the segment
 * (a new child). In place of the listener stands a child that Fast Open has made of the request already. */
struct sock *tcp_check_req(struct sock *sk, struct request_sock *req, struct tcp_seg *seg);
void tcp_req_timer(struct net *net, struct request_sock *req);
void tcp_req_drop(struct net *net, struct request_sock *req, enum tcp_cause cause);
struct sock *tcp_create_openreq_child(struct sock *listener, struct request_sock *req, struct tcp_seg *seg);
void tcp_req_init(struct sock *listener, struct request_sock *req, struct tcp_seg *seg);
uint32_t tcp_req_ts_off(struct net *net, const struct request_sock *req); /* what its timestamps are ahead of the clock */
void tcp_req_init_rwin(const struct sock *listener, struct request_sock *req, uint32_t mss /* 0: ours */);
/* The window and scale that a SYN-ACK of @listener begins with; returns the limit of the child's window. */
uint32_t tcp_req_window(const struct sock *listener, const struct request_sock *req, uint32_t *rcv_wnd,
			uint8_t *rcv_wscale);
void tcp_req_unlink(struct net *net, struct request_sock *req);
void tcp_req_free(struct net *net, struct request_sock *req);
int tcp_rtx_synack(struct request_sock *req, struct sock *sk);
void tcp_req_syn_again(struct request_sock *req, struct sock *sk);
void tcp_acceptq_add(struct sock *listener, struct sock *child);
void tcp_child_destroy(struct sock *child, enum tcp_cause cause); /* not accepted: active RST if established (LS-02) */
bool tcp_acceptq_is_full(const struct sock *sk);
struct sock *tcp_acceptq_take(struct sock *listener); /* the oldest child; the caller gets the queue's reference; NULL */
uint32_t tcp_init_seq(struct net *net, const struct in6_addr *saddr, const struct in6_addr *daddr, uint16_t sport,
		      uint16_t dport);
uint32_t tcp_init_ts_off(struct net *net, const struct in6_addr *saddr, const struct in6_addr *daddr);
uint32_t cookie_init_sequence(struct sock *listener, const struct tcp_seg *seg, uint16_t *mss);
uint32_t cookie_ts_off(struct net *net, const struct request_sock *req);
/* The child of a good cookie, or NULL with *@reply_rst set if a RST is due. */
struct sock *cookie_check(struct sock *listener, struct tcp_seg *seg, enum tcp_cause *reply_rst);

/* timewait.c */
void tcp_time_wait(struct sock *sk, bool fin_wait2, uint32_t timeo_j, enum tcp_cause cause); /* and closes sk */
void tcp_timewait_rcv(struct net *net, struct timewait_sock *tw, struct tcp_seg *seg);
void tcp_timewait_timer(struct net *net, struct timewait_sock *tw);
void tcp_timewait_kill(struct net *net, struct timewait_sock *tw);
void tcp_timewait_destroy(struct net *net, struct timewait_sock *tw); /* the administrator's wish */
bool tcp_twsk_unique(struct sock *sk, struct timewait_sock *tw, bool port_by_number);

/* ------------------------------------------------------------------ output */
int tcp_connect(struct sock *sk); /* sends the SYN: 0, or -ENOBUFS, -ENOMEM, ... */
void tcp_push_pending_frames(struct sock *sk);	   /* __tcp_push_pending_frames(sk, current mss, TCP_NAGLE_OFF/own) */
void __tcp_push_pending_frames(struct sock *sk, uint32_t cur_mss, int nonagle);
bool tcp_write_xmit(struct sock *sk, uint32_t mss_now, int nonagle, int push_one);
void tcp_push_one(struct sock *sk, uint32_t mss_now);
int tcp_transmit_skb(struct sock *sk, struct sk_buff *skb); /* one unit; 0 or negative errno. NULL queue position untouched */
int tcp_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
void tcp_send_fin(struct sock *sk, enum tcp_cause cause); /* on the last unsent segment, or one of its own */
void tcp_send_ack(struct sock *sk);
void tcp_send_delayed_ack(struct sock *sk);
int tcp_send_synack_simultaneous(struct sock *sk); /* SYN_SENT has met a SYN */
int tcp_write_wakeup(struct sock *sk, enum mib counter); /* window probe */
void tcp_send_probe0(struct sock *sk);
void tcp_send_window_probe(struct sock *sk); /* repair has ended: what may we send? */
bool tcp_schedule_loss_probe(struct sock *sk, bool advancing_rto);
void tcp_send_loss_probe(struct sock *sk);
int64_t tcp_rto_delta_us(const struct sock *sk); /* until the RTO of what is in flight ends; negative: over */
uint32_t tcp_current_mss(struct sock *sk);
uint16_t tcp_advertise_mss(struct net *net, const struct in6_addr *daddr, uint16_t user_mss /* 0: none */); /* what a SYN says */
uint32_t tcp_sync_mss(struct sock *sk, uint32_t pmtu);
void tcp_mtup_init(struct sock *sk);
uint32_t tcp_send_mss(struct sock *sk, uint32_t *size_goal, int flags);
/* Splits a unit of a send queue: @len bytes stay in it. 0 or -ENOMEM. */
int tcp_fragment(struct sock *sk, struct sk_buff **queue, struct sk_buff *skb, uint32_t len, uint32_t mss_now);
static inline uint32_t tcp_wnd_end(const struct tcp_sock *tp) { return tp->snd_una + tp->snd_wnd; }
static inline uint32_t tcp_packets_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - (tp->sacked_out + tp->lost_out) + tp->retrans_out;
}
static inline struct sk_buff *tcp_send_head(const struct sock *sk) { return tcp_sk(sk)->write_queue; }
static inline struct sk_buff *tcp_write_queue_tail(const struct sock *sk) { return skb_peek_tail(tcp_sk(sk)->write_queue); }
static inline struct sk_buff *tcp_rtx_queue_head(const struct sock *sk) { return tcp_sk(sk)->rtx_queue; }
static inline uint32_t tcp_skb_pcount(const struct sk_buff *skb) { return skb->gso_segs ? skb->gso_segs : 1; }
static inline void tcp_dec_quickack_mode(struct tcp_sock *tp)
{
	if (tp->ack.quick)
		tp->ack.quick--;
}
/* Is the receive buffer so full that a reader is called whatever it waits for? */
static inline bool tcp_rmem_pressure(const struct sock *sk) { return sk->rmem_alloc > sk->rcvbuf - (sk->rcvbuf >> 3); }
/*
 * What a unit of a send queue takes of SO_SNDBUF: its bytes, and what its sk_buff, head and shared info weigh in Linux. The 832
 * are what SO_MEMINFO shows of a SYN alone (6.18, 64 bits).
 */
enum { TCP_SKB_COST = 832 };
static inline uint32_t tcp_skb_truesize(const struct sk_buff *skb) { return TCP_SKB_COST + skb->len; }
/* A unit that stands in no queue any more. */
static inline void tcp_wmem_free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk->wmem_queued -= tcp_skb_truesize(skb);
	skb_free(&sk->net->skbs, skb);
}
/* The MSS of a peer that says none: what fits into the smallest packet that every path takes */
static inline uint16_t tcp_default_mss(bool v4) { return v4 ? TCP_MSS_DEFAULT : 1280 - 60; }
/* Room that a writer may still use, bytes (sk_stream_wspace) */
static inline int64_t sk_stream_wspace(const struct sock *sk) { return (int64_t)sk->sndbuf - sk->wmem_queued; }

/* reset.c: segments that no sock of ours stands behind; all count OutSegs, RSTs OutRsts */
void tcp_send_active_reset(struct sock *sk, enum tcp_cause cause);
void tcp_send_reply_reset(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause);
void tcp_timewait_send_ack(struct net *net, struct timewait_sock *tw);
/* In the name of @sk: its listener, or the child that Fast Open made. @req may stand on the caller's stack: a cookie. */
void tcp_req_send_ack(struct net *net, struct request_sock *req, const struct sock *sk);
int tcp_req_send_synack(struct net *net, struct request_sock *req, const struct sock *sk, const struct tcp_fastopen_cookie *foc);

/* rcvwin.c */
uint16_t tcp_select_window(struct sock *sk); /* for the segment about to leave: what goes into the header, scaled */
uint32_t __tcp_select_window(struct sock *sk); /* what could be offered now, bytes */
uint32_t tcp_receive_window(const struct tcp_sock *tp); /* from rcv_nxt, of what was offered */
void tcp_select_initial_window(const struct sock *sk, uint32_t space, uint32_t mss, bool wscale_ok, uint32_t *rcv_wnd,
			       uint32_t *window_clamp, uint8_t *rcv_wscale);
uint32_t tcp_full_space(const struct sock *sk);
int32_t tcp_space(const struct sock *sk);
void tcp_cleanup_rbuf(struct sock *sk, uint32_t copied); /* after a read: is an ACK or a window update due? */
void tcp_rcv_space_adjust(struct sock *sk);
void tcp_grow_window(struct sock *sk, uint32_t len);
void tcp_learn_scaling_ratio(struct sock *sk, uint32_t len); /* of a segment larger than rcv_mss */
bool tcp_rmem_full(struct sock *sk, uint32_t need); /* after pruning what may be pruned */

/* timer.c */
void tcp_set_deadline(struct sock *sk, enum sock_deadline which, uint32_t tick);
void tcp_clear_deadline(struct sock *sk, enum sock_deadline which);
static inline bool tcp_deadline_set(const struct sock *sk, enum sock_deadline which) { return sk->deadlines & 1u << which; }
void tcp_sock_timer(struct sock *sk); /* TIMER_SOCK has fired */
/* inet_csk_reset_xmit_timer: @what is ICSK_TIME_*; @when_j capped by the RTO's maximum */
void tcp_reset_xmit_timer(struct sock *sk, int what, uint32_t when_j);
void tcp_reset_keepalive_timer(struct sock *sk, uint32_t in_j);
void tcp_set_keepalive(struct sock *sk, bool on);
uint32_t tcp_rto_min_j(const struct sock *sk);
uint32_t tcp_rto_max_j(const struct sock *sk);
uint32_t tcp_probe0_base_j(const struct sock *sk);
uint32_t tcp_probe0_when_j(const struct sock *sk, uint32_t max_j);
void tcp_check_probe_timer(struct sock *sk);
uint32_t tcp_clamp_probe0_to_user_timeout(const struct sock *sk, uint32_t when_j);
uint32_t tcp_keepalive_time_ms(const struct sock *sk);
uint32_t tcp_keepalive_intvl_ms(const struct sock *sk);
int tcp_synack_retries(const struct sock *listener);

/* cong.c */
void tcp_init_congestion(struct sock *sk);
void tcp_cong_avoid(struct sock *sk, uint32_t acked);
void tcp_update_pacing_rate(struct sock *sk); /* after each ACK that may have changed window or RTT */
uint32_t tcp_reno_ssthresh(const struct sock *sk);
uint32_t tcp_current_ssthresh(const struct tcp_sock *tp);
void tcp_cwnd_validate(struct sock *sk, bool is_cwnd_limited);
void tcp_cwnd_restart_after_idle(struct sock *sk);

/* ------------------------------------------------------------------ the program's side (send.c, recv.c, option.c, poll.c) */
/*
 * One call that moves data, over all its tries. tcp_sendmsg() and tcp_recvmsg() do what can be done now and return the count
 * so far or a negative errno; with *@wait set there is more to do: wait on the socket and come again with the same tcp_io.
 */
struct tcp_io {
	struct iov_iter iter; /* the caller's memory that is left */
	size_t done;	      /* bytes moved */
	size_t target;	      /* recv: satisfied with so many (SO_RCVLOWAT, MSG_WAITALL) */
	int flags;	      /* MSG_* */
	int msg_flags;	      /* recv: what msghdr.msg_flags becomes */
	uint32_t peek_seq;    /* MSG_PEEK: where it stands, from the second try on */
	uint32_t urg_hole;    /* urgent bytes passed over by it */
	uint16_t disconnects; /* sock.disconnects when the call began */
	bool nonblock;
	bool resumed;	      /* not the first try */
	bool zerocopy;	      /* MSG_ZEROCOPY: the call has its number (zerocopy.c) */
	bool apart;	      /* and must not join the unit that is there */
	bool no_memory;	      /* waits for memory: nobody will wake it, try again after a while */
};
int64_t tcp_sendmsg(struct sock *sk, struct tcp_io *io, bool *wait);
int64_t tcp_recvmsg(struct sock *sk, struct tcp_io *io, bool *wait);
/* May a writer queue more?  With @wake: is it worth waking one?  (SO_SNDBUF and TCP_NOTSENT_LOWAT) */
bool sk_stream_memory_free(const struct sock *sk, bool wake);
bool sk_stream_is_writeable(const struct sock *sk);
void sk_stream_write_space(struct sock *sk); /* wakes who waits for room, if there is enough */
/* What the next read() of any size would return, and how much the next write() would take at once, told without doing
 * it: @room is that of @buf. 0: nothing, more than @room, or something that only the call itself can say. */
size_t tcp_recv_preview(const struct sock *sk, uint8_t *buf, size_t room);
size_t tcp_send_preview(const struct sock *sk);
void tcp_check_space(struct sock *sk); /* the peer has acknowledged: is there room for a writer that waits? */
uint32_t tcp_poll(struct sock *sk); /* POLL* bits; sets SOCK_NOSPACE where Linux does */
int tcp_setsockopt(struct sock *sk, int name, const void *value, socklen_t len);
int tcp_getsockopt(struct sock *sk, int name, void *value, socklen_t *len);
struct tcp_info;
void tcp_get_info(const struct sock *sk, struct tcp_info *info);
extern const char tcp_congestion_name[]; /* the only algorithm */
/* Values as the kernel reads and writes them. Reading an int: -EINVAL too short, -EFAULT NULL. Writing: cut to *len, which
 * becomes what was put; -EINVAL: *len is negative. */
int option_int(const void *value, socklen_t len, int *v);
int option_put(void *value, socklen_t *len, const void *from, socklen_t size);
uint32_t tcp_inq(const struct sock *sk); /* bytes that read() would return before the urgent byte or the FIN (SP-09) */
int tcp_ioctl(struct sock *sk, unsigned long request, int *value); /* SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK */
/* connect()'s lower half: route, port, ISN, SYN: state SYN_SENT. 0 or negative errno (tcp_v4_connect) */
int tcp_start_connect(struct sock *sk, const struct in6_addr *daddr, uint16_t dport);
int tcp_disconnect(struct sock *sk, enum tcp_cause cause); /* connect(AF_UNSPEC), SO_LINGER 0; section 13 */

/*
 * zerocopy.c. A call with MSG_ZEROCOPY begins before its first bytes are queued (false: no memory), and is taken back if none
 * are. @skb has grown @by so much, with the call's bytes or others. What lies before @una is no longer needed.
 */
bool tcp_zerocopy_full(const struct sock *sk, const struct tcp_io *io); /* no room for one more note: -ENOBUFS */
void tcp_zerocopy_free(struct sock *sk);
bool __tcp_zerocopy_begin(struct sock *sk, struct tcp_io *io);
void __tcp_zerocopy_grows(struct sock *sk, const struct sk_buff *skb, uint32_t by, bool zerocopy);
void __tcp_zerocopy_abort(struct sock *sk, struct tcp_io *io);
void __tcp_zerocopy_done(struct sock *sk, uint32_t una);

static inline bool tcp_zerocopy_wanted(const struct sock *sk, const struct tcp_io *io)
{
	return unlikely(io->flags & MSG_ZEROCOPY) && !io->zerocopy && io->iter.count && sock_flag(sk, SOCK_ZEROCOPY);
}
static inline bool tcp_zerocopy_begin(struct sock *sk, struct tcp_io *io)
{
	return !tcp_zerocopy_wanted(sk, io) || __tcp_zerocopy_begin(sk, io);
}
static inline void tcp_zerocopy_grows(struct sock *sk, const struct sk_buff *skb, uint32_t by, bool zerocopy)
{
	if (sock_flag(sk, SOCK_ZEROCOPY_SENT))
		__tcp_zerocopy_grows(sk, skb, by, zerocopy);
}
static inline void tcp_zerocopy_abort(struct sock *sk, struct tcp_io *io)
{
	if (unlikely(io->zerocopy) && !io->done)
		__tcp_zerocopy_abort(sk, io);
}
static inline void tcp_zerocopy_done(struct sock *sk, uint32_t una)
{
	if (sock_flag(sk, SOCK_ZEROCOPY_SENT))
		__tcp_zerocopy_done(sk, una);
}

/* repair.c */
bool tcp_is_repair_option(int name);
int tcp_repair_setsockopt(struct sock *sk, int name, const void *value, socklen_t len); /* @len is that of an int at least */
int tcp_repair_getsockopt(struct sock *sk, int name, void *value, socklen_t *len);
#define TCP_REPAIR_AS_EVER INT64_MIN /* nothing special: go on as with any other sock */
int64_t tcp_repair_recv(struct sock *sk, struct tcp_io *io);
int64_t tcp_repair_send(struct sock *sk, struct tcp_io *io);
bool tcp_repairs_send_queue(const struct sock *sk); /* what is written counts as sent */

/* life/close.c, life/shutdown.c */
void tcp_shutdown(struct sock *sk, int how);
bool tcp_close_state(struct sock *sk, enum tcp_cause cause); /* the state behind a FIN of ours; true: send one */

#endif
