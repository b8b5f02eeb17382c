/* SPDX-License-Identifier: MIT */
/*
 * sock/sock.h - struct sock: the network's half of a connection
 *
 * Three kinds of object can own an address pair, all beginning with struct sock_common and told apart by its state:
 *
 *	request_sock   NEW_SYN_RECV  a passive connection in its handshake; belongs to no process
 *	sock           the others    a full connection or a listener (as struct tcp_sock)
 *	timewait_sock  TIME_WAIT     stand-in for a finished connection, or an orphan's FIN_WAIT_2
 *
 * A sock is tied to the program's half by @socket and @wq until it is orphaned (sock_orphan). It is freed by nobody at
 * once: sock_put() of the last reference puts it on net->dead (linked by common.hash.next), and it goes when the entry
 * ends. One reference is its socket's, or its listener's while it waits to be accepted; an orphan keeps the one of its
 * socket until tcp_done(). Each request holds one on its listener.
 */
#ifndef LA_SOCK_H
#define LA_SOCK_H

#include "base/htab.h"
#include "base/timer.h"
#include "stack/net.h"
#include "stack/sock/wait.h"
#include "stack/wire/wire.h"

struct socket; /* socket/socket.h */
struct inet_bind_bucket;

/* name, Linux's number. Entered from: tcp/state.c */
#define TCP_STATES(S) \
	S(ESTABLISHED, 1) S(SYN_SENT, 2) S(SYN_RECV, 3) S(FIN_WAIT1, 4) S(FIN_WAIT2, 5) S(TIME_WAIT, 6) S(CLOSE, 7) \
	S(CLOSE_WAIT, 8) S(LAST_ACK, 9) S(LISTEN, 10) S(CLOSING, 11) S(NEW_SYN_RECV, 12)

enum tcp_state {
#define TCP_STATE_ENUM(name, nr) TCP_##name = nr,
	TCP_STATES(TCP_STATE_ENUM)
#undef TCP_STATE_ENUM
	TCP_MAX_STATES
};
/* Sets of states: TCPF_ESTABLISHED | TCPF_CLOSE_WAIT */
enum {
#define TCP_STATE_BIT(name, nr) TCPF_##name = 1 << nr,
	TCP_STATES(TCP_STATE_BIT)
#undef TCP_STATE_BIT
};

/* What a lookup compares; 48 bytes. The address pair follows in each kind (sock_addrs()). */
struct sock_common {
	union {
		struct hnode hash; /* in hashinfo's table of pairs */
		struct {
			struct hnode *hash_next;
			uint32_t hash_value;
			uint16_t dport, num; /* in hash.extra: the peer's and our port, host order; num 0: unbound */
		};
	};
	struct timer timer;   /* kind tells which of the three this is, too */
	uint8_t state;	      /* enum tcp_state */
	uint8_t family;	      /* AF_INET or AF_INET6: the socket's, not the wire's */
	uint8_t hashed : 1;   /* is in a table */
	uint8_t reuse : 1;    /* SO_REUSEADDR */
	uint8_t reuseport : 1;
	uint8_t ipv6only : 1;
	uint8_t v4 : 1;	      /* IPv4 on the wire; a timewait_sock then keeps 4-byte addresses */
	uint8_t listed : 1;   /* hashed among the listeners (hashinfo.c) */
	uint8_t connect_bind : 1; /* its port was chosen by connect() */
	uint8_t pad : 1;
	uint8_t rcv_wscale : 4; /* timewait_sock */
	uint8_t bind_class : 2; /* as which it is counted in its bind bucket */
	uint8_t pad2 : 2;
	union { /* what is left of the 48 bytes, by kind */
		uint32_t snt_tsval_first; /* request_sock: timestamp of its first SYN-ACK */
		struct { /* timewait_sock */
			uint32_t fin_wait2 : 1;	  /* stands in for FIN_WAIT2; else for TIME_WAIT */
			uint32_t entered_ms : 31; /* when it was made */
		};
	};
};
_Static_assert(offsetof(struct sock_common, dport) == offsetof(struct sock_common, hash.extra), "ports lie beside the hash");
_Static_assert(sizeof(struct sock_common) == 48, "what every address pair costs");

/* ------------------------------------------------------------------ options few sockets set */

/* Shared, constant defaults until a setsockopt() asks for a copy of its own: sock_opts_own(). */
struct sock_opts {
	uint32_t lingertime_s; /* SO_LINGER, as given, unsigned */
	uint32_t rcvtimeo_ms;  /* UINT32_MAX: none */
	uint32_t sndtimeo_ms;
	uint32_t keepalive_time_ms; /* 0: the sysctl */
	uint32_t keepalive_intvl_ms;
	uint8_t keepalive_probes;   /* 0: the sysctl */
	uint8_t syn_retries;	    /* TCP_SYNCNT; 0: the sysctl */
	uint8_t defer_accept;	    /* TCP_DEFER_ACCEPT: number of SYN-ACK retransmissions that it covers; 0: off */
	uint8_t tos;		    /* IP_TOS, IPV6_TCLASS */
	uint32_t user_timeout_ms;   /* TCP_USER_TIMEOUT; 0: off */
	int32_t linger2_s;	    /* TCP_LINGER2; 0: the sysctl, -1: none */
	uint32_t window_clamp;	    /* TCP_WINDOW_CLAMP; 0: none */
	uint32_t notsent_lowat;	    /* TCP_NOTSENT_LOWAT; 0: the sysctl */
	uint32_t rto_min_us, rto_max_ms; /* 0: the sysctl */
	uint16_t user_mss;	    /* TCP_MAXSEG; 0: none */
	uint8_t ttl;		    /* IP_TTL, IPV6_UNICAST_HOPS; 0: the default */
	uint8_t priority;	    /* SO_PRIORITY */
	uint32_t mark;		    /* SO_MARK, kept only */
	uint32_t shown;		    /* options without effect here, only shown again: bits of socket/option.c, inet/option.c */
	struct sock_error *errors;  /* the error queue, oldest first; owned */
	struct tcp_zerocopy *zerocopy; /* owned; NULL until MSG_ZEROCOPY (tcp/zerocopy.c) */
	int8_t pmtudisc;	    /* IP_MTU_DISCOVER, IPV6_MTU_DISCOVER less IP_PMTUDISC_WANT; kept only */
	uint8_t repair_queue;	    /* TCP_REPAIR_QUEUE */
	struct tcp_fastopen *fastopen; /* owned; NULL unless SOCK_FASTOPEN */
};
extern const struct sock_opts sock_opts_default;

/* ------------------------------------------------------------------ the full sock */

enum sock_flag {
	SOCK_DEAD = 1 << 0,	  /* orphan: no file refers to it, nobody is woken */
	SOCK_DONE = 1 << 1,	  /* the peer's FIN has been taken in order */
	SOCK_LINGER = 1 << 2,	  /* SO_LINGER is on */
	SOCK_KEEPOPEN = 1 << 3,	  /* SO_KEEPALIVE */
	SOCK_URGINLINE = 1 << 4,  /* SO_OOBINLINE */
	SOCK_RECVERR = 1 << 5,	  /* IP_RECVERR, IPV6_RECVERR */
	SOCK_NOSPACE = 1 << 6,	  /* a writer or a poll waits for space */
	SOCK_RCVBUF_LOCK = 1 << 7, /* SO_RCVBUF was set: no tuning */
	SOCK_SNDBUF_LOCK = 1 << 8,
	SOCK_BINDADDR_LOCK = 1 << 9, /* bound to an address by the program */
	SOCK_BINDPORT_LOCK = 1 << 10, /* bound to a port by number */
	SOCK_COUNTED_ORPHAN = 1 << 11,
	SOCK_MIGRATES = 1 << 12, /* listened in a SO_REUSEPORT group; the others take over what it left (LS-14) */
	SOCK_ERRQUEUE = 1 << 13, /* the error queue is not empty */
	SOCK_REPAIR = 1 << 14,	 /* TCP_REPAIR is on (repair.c) */
	SOCK_FORCE_REUSE = 1 << 15, /* and bind() finds no port taken */
	SOCK_FASTOPEN = 1 << 16, /* has to do with Fast Open: sock_opts.fastopen (tcp/fastopen.h) */
	SOCK_FASTOPEN_REQ = 1 << 17, /* a child of Fast Open whose handshake is not done */
	SOCK_DEFER_CONNECT = 1 << 18, /* its SYN waits for data to take along */
	SOCK_ZEROCOPY = 1 << 19, /* SO_ZEROCOPY */
	SOCK_ZEROCOPY_SENT = 1 << 20, /* bytes of MSG_ZEROCOPY are not acknowledged yet */
};

#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define SHUTDOWN_MASK 3

enum sock_deadline { SOCK_RETRANS, SOCK_DELACK, SOCK_KEEPALIVE, SOCK_DEADLINES };

struct sock {
	struct sock_common common;
	struct in6_addr daddr;	   /* the peer's; any while unconnected */
	struct in6_addr rcv_saddr; /* ours: bound or chosen; any */
	struct net *net;
	struct socket *socket;	   /* the program's half; borrowed, NULL for an orphan and a child not yet accepted */
	struct wait_queue *wq;	   /* who waits; inside @socket, NULL with it */
	const struct sock_opts *opts; /* own copy or &sock_opts_default */
	struct inet_bind_bucket *bind;	/* holds our port; NULL: none */
	uint64_t id;		   /* for traces: from 1, in order of creation */
	uint32_t refcnt;
	uint32_t flags;		   /* enum sock_flag */
	uint16_t err, err_soft;	   /* positive errno: pending hard, last soft */
	uint8_t shutdown;	   /* RCV_SHUTDOWN | SEND_SHUTDOWN */
	uint8_t deadlines;	   /* bit per enum sock_deadline: which of @deadline are set */
	uint8_t type;		   /* SOCK_STREAM */
	uint8_t cause;		   /* enum tcp_cause of the last move */
	uint16_t disconnects;	   /* connect(AF_UNSPEC): a call that waits since before ends (DC-10) */
	uint32_t deadline[SOCK_DEADLINES]; /* ticks */
	uint32_t rcvbuf, sndbuf;   /* as Linux counts them: twice what setsockopt() was told */
	uint32_t rmem_alloc;	   /* payload bytes received and not yet read, out of order ones included */
	uint32_t wmem_queued;	   /* what is written and not yet acknowledged costs, as Linux counts it (tcp_skb_truesize) */
	uint32_t rcvlowat;	   /* at least 1 */
};

/* Each stands for something unusual. */
static inline bool sock_flag(const struct sock *sk, enum sock_flag f) { return unlikely(sk->flags & f); }
static inline void sock_set_flag(struct sock *sk, enum sock_flag f) { sk->flags |= f; }
static inline void sock_reset_flag(struct sock *sk, enum sock_flag f) { sk->flags &= ~(uint32_t)f; }
static inline bool sk_in(const struct sock *sk, unsigned set) { return 1u << sk->common.state & set; }
/* IPv4 on the wire? of a sock with a peer or an address */
static inline bool sk_is_v4(const struct sock *sk)
{
	return likely(sk->common.family == AF_INET) || addr_is_v4(&sk->daddr);
}

/* Who says it, and that of MSG_ZEROCOPY: Linux's SO_EE_ORIGIN_*, SO_EE_CODE_ZEROCOPY_COPIED */
enum { ERROR_ICMP = 2, ERROR_ICMP6 = 3, ERROR_ZEROCOPY = 5, ZEROCOPY_COPIED = 1 };

/* An entry of the error queue (errqueue.c). ICMP: @offender complained about a segment that was meant for @daddr.
 * MSG_ZEROCOPY: the bytes of the calls @info to @data are no longer needed. */
struct sock_error {
	struct sock_error *next;
	struct in6_addr offender, daddr;
	uint32_t info, data;	    /* a parameter problem's place, 0 */
	uint32_t len;		    /* of the segment, as far as it was quoted */
	uint16_t dport;
	uint16_t err;
	uint8_t origin, type, code; /* the latter of the ICMP message */
	uint32_t end_seq, bytes;    /* MSG_ZEROCOPY until it is told: the end of its last unit, and how long its calls are */
	uint8_t quoted[];
};
void sock_queue_err(struct sock *sk, const struct sock_error *error, const uint8_t *quoted); /* a copy of both */
struct sock_error *sock_dequeue_err(struct sock *sk); /* gives the oldest: sock_free_err(); NULL */
void sock_free_err(struct sock *sk, struct sock_error *error);
/* Appends to the last entry if that is of the calls before; @told becomes the queue's or is freed. */
void sock_queue_zerocopy(struct sock *sk, struct sock_error *told);
void sock_purge_err(struct sock *sk);

struct sock_opts *sock_opts_own(struct sock *sk); /* a copy to write to; NULL: no memory */
void sock_hold(struct sock *sk);
void sock_put(struct sock *sk);
/* Frees what net->dead holds, by @destroy (tcp_destroy_sock); called by net_leave(). */
void sock_reap(struct net *net, void (*destroy)(struct sock *sk));

/* Wakes who waits, with the bits that the kernel's callbacks pass on (0: everyone). Orphans have nobody. */
void sk_state_change(struct sock *sk); /* everyone */
void sk_data_ready(struct sock *sk);   /* EPOLLIN and its like; on a listener one waiter in accept() */
void sk_write_space(struct sock *sk);  /* EPOLLOUT, if SOCK_NOSPACE is set */
void sk_error_report(struct sock *sk); /* EPOLLERR */
/* The pending error, cleared, as a negative errno; 0: none. */
int sock_error(struct sock *sk);
/* Ends the tie to the program's half: SOCK_DEAD, nobody to wake. */
void sock_orphan(struct sock *sk);
/* Ties a sock to its socket (accept, socket). */
void sock_graft(struct sock *sk, struct socket *socket, struct wait_queue *wq);

/* ------------------------------------------------------------------ the small ones */

struct request_sock {
	struct sock_common common; /* state NEW_SYN_RECV */
	struct in6_addr daddr, saddr;
	struct sock *listener;	   /* a reference */
	uint32_t rcv_isn, snt_isn;
	uint32_t ts_recent;
	uint32_t synack_us;	   /* when the first SYN-ACK left, for the RTT; 0: was repeated */
	uint32_t last_oow_ack_ms;
	uint32_t rcv_wnd;	   /* what the child begins with; a SYN-ACK says at most 65535 of it */
	uint16_t mss;		   /* the peer's */
	uint16_t snt_tsval_span;   /* from common.snt_tsval_first to the last one's, at most 65535 */
	uint8_t snd_wscale : 4, rcv_wscale : 4;
	uint8_t tstamp_ok : 1, sack_ok : 1, wscale_ok : 1, ecn_ok : 1, acked : 1 /* seen while the queue was full */, cookie : 1 /* not remembered */;
	uint8_t num_retrans, num_timeout;
};
_Static_assert(sizeof(struct request_sock) <= 120, "a half-open connection, all told");

struct timewait_sock {
	struct sock_common common; /* state TIME_WAIT */
	struct inet_bind_bucket *bind;
	uint32_t rcv_nxt, snd_nxt;
	uint32_t rcv_wnd;	   /* as it was offered: scaled back before sending */
	uint32_t ts_recent, ts_recent_stamp_s; /* 0 stamp: timestamps were not in use */
	uint32_t last_oow_ack_ms;
	uint8_t addrs[];	   /* peer's, ours: 4 bytes each if common.v4, else 16 */
};
_Static_assert(sizeof(struct timewait_sock) + 8 <= 88, "a TIME_WAIT over IPv4, all told");
_Static_assert(sizeof(struct timewait_sock) + 32 <= 120, "a TIME_WAIT over IPv6, all told");

static inline struct sock *sk_from_common(struct sock_common *c) { return container_of(c, struct sock, common); }
static inline struct request_sock *req_from_common(struct sock_common *c)
{
	return container_of(c, struct request_sock, common);
}
static inline struct timewait_sock *tw_from_common(struct sock_common *c)
{
	return container_of(c, struct timewait_sock, common);
}
/* The address pair of any of the three. */
void sock_addrs(const struct sock_common *c, struct in6_addr *daddr, struct in6_addr *saddr);

#endif
