/* SPDX-License-Identifier: MIT */
/*
 * tcp/fastopen.h - data in the SYN, for those who have shown once that they own their address: RFC 7413
 *
 *	client: sendto(MSG_FASTOPEN), or connect() and write() with TCP_FASTOPEN_CONNECT      (fastopen_client.c, life/connect.c)
 *	  no cookie known: a SYN that asks for one       else: a SYN with the cookie and data
 *	server: a SYN for a listener with TCP_FASTOPEN                                        (fastopen.c)
 *	  a good cookie: the child is made at once, can be accepted, and reads and writes in SYN_RECV;
 *	  its request goes on in its side object until the ACK of the SYN-ACK comes
 *
 * Few socks have to do with this. What they need lies in a struct of its own; an ordinary sock pays with a bit in its flags.
 */
#ifndef LA_TCP_FASTOPEN_H
#define LA_TCP_FASTOPEN_H

#include "stack/tcp/tcp.h"

/* sysctl tcp_fastopen */
enum {
	TFO_CLIENT_ENABLE = 0x1,
	TFO_SERVER_ENABLE = 0x2,
	TFO_CLIENT_NO_COOKIE = 0x4,	    /* data in the SYN without a cookie */
	TFO_SERVER_COOKIE_NOT_REQD = 0x200, /* data in a SYN is taken without one */
	TFO_SERVER_WO_SOCKOPT1 = 0x400,	    /* listeners have it without asking */
};

/**
 * struct tcp_fastopen - what Fast Open adds to a sock
 * @keys:     of a listener: TCP_FASTOPEN_KEY; n 0: the stack's
 * @max_qlen: of a listener: TCP_FASTOPEN, how many children may be without their ACK at once; 0: none
 * @qlen:     how many there are, and how many requests were reset in the last minute after they had been accepted
 * @rst_head: those, oldest first, by hash_next
 * @req:      of a child: its request, with a reference to the listener; NULL: handshake done
 * @rcv_nxt:  of a child: behind the data of its SYN
 * @io:       of a client: where the data for the SYN is, and who waits to send more
 * @copied:   of a client: bytes that went with the SYN
 * @rcv_isn:  of a client: the peer's first number
 * @cookie:   of a client: what its SYN says
 */
struct tcp_fastopen {
	struct fastopen_keys keys;
	uint32_t max_qlen, qlen;
	struct request_sock *rst_head, *rst_tail;
	struct request_sock *req;
	uint32_t rcv_nxt;
	uint32_t rcv_isn;
	struct tcp_io *io;
	size_t copied;
	struct tcp_fastopen_cookie cookie;
	bool connect;	/* TCP_FASTOPEN_CONNECT */
	bool no_cookie; /* TCP_FASTOPEN_NO_COOKIE */
	bool pending;	/* a connect() or sendto() uses @cookie */
	bool syn_fastopen, syn_fastopen_exp; /* our SYN had the option; in its experimental form */
	bool syn_fastopen_ch; /* data was found to vanish, and this sock tries whether it still does */
	bool syn_data, syn_data_acked;	     /* a SYN had data; it was taken */
	bool child;	      /* made by Fast Open */
	uint8_t client_fail;  /* enum tcp_fastopen_client_fail */
};

static inline struct tcp_fastopen *tcp_fastopen(const struct sock *sk) { return sk->opts->fastopen; } /* or NULL */
struct tcp_fastopen *tcp_fastopen_own(struct sock *sk); /* made if need be; NULL: no memory */
void tcp_fastopen_free(struct sock *sk);

/* fastopen.c: the server's side */
int tcp_fastopen_listen(struct sock *sk, uint32_t backlog); /* listen(): 0 or -ENOMEM */
int tcp_fastopen_tune(struct sock *sk, uint32_t backlog);   /* setsockopt(TCP_FASTOPEN) */
void tcp_fastopen_init_key_once(struct net *net);
/* Might a SYN for @listener be for Fast Open? */
static inline bool tcp_syn_is_fastopen(const struct sock *listener, const struct tcp_seg *seg)
{
	return seg->options.fastopen || (seg->len && sock_flag(listener, SOCK_FASTOPEN));
}
/* True: @req has become a child, and all that is to be said has been said. Else *@foc is what the SYN-ACK shall say. */
bool tcp_try_fastopen(struct sock *listener, struct request_sock *req, struct tcp_seg *seg, struct tcp_fastopen_cookie *foc);
/* The handshake of a child is done, or will never be; @reset: by the peer's RST. */
void tcp_fastopen_remove(struct sock *child, bool reset);
bool tcp_fastopen_move(struct sock *child, struct sock *listener); /* its listener is another now; false: no memory */
void tcp_fastopen_forget_resets(struct sock *listener);
static inline struct request_sock *tcp_fastopen_next_reset(const struct request_sock *req)
{
	return req_from_common(container_of(req->common.hash_next, struct sock_common, hash));
}
void tcp_fastopen_synack_timer(struct sock *child);
void tcp_fastopen_add_text(struct sock *sk, struct tcp_seg *seg); /* what a SYN or SYN-ACK brings beside itself */
/* Not yet accepted children end with their listener; accepted ones have an owner. */
static inline bool tcp_fastopen_accepted(const struct sock *child) { return child->socket || sock_flag(child, SOCK_DEAD); }
/* The number behind the SYN of @req, and behind its data if a child has taken that. */
static inline uint32_t tcp_req_rcv_nxt(const struct request_sock *req, const struct sock *sk)
{
	return sock_flag(sk, SOCK_FASTOPEN_REQ) ? tcp_fastopen(sk)->rcv_nxt : req->rcv_isn + 1;
}

/* fastopen_client.c */
int tcp_fastopen_begin(struct sock *sk, struct tcp_io *io); /* sendto(MSG_FASTOPEN): 0 or its error */
size_t tcp_fastopen_end(struct sock *sk);		    /* ... is over: bytes that went with the SYN */
bool tcp_fastopen_defer_connect(struct sock *sk, int *err); /* connect(): shall the SYN wait? */
void tcp_send_syn_data(struct sock *sk, struct sk_buff *syn); /* in place of @syn alone, which is queued */
size_t tcp_fastopen_syn_option(struct sock *sk, uint8_t *p, size_t room);
/* A SYN-ACK has come; true: it did not take the data, which went again. @again: our SYN had been repeated. */
bool tcp_rcv_fastopen_synack(struct sock *sk, struct tcp_seg *seg, bool again);
void tcp_fastopen_forget(struct sock *sk); /* disconnected */
void tcp_fastopen_ofo_check(struct sock *sk); /* it ends: did something between us keep data from it? */
void tcp_fastopen_detect_blackhole(struct sock *sk, bool expired);
void tcp_fastopen_stray_reset(struct sock *sk); /* a RST, but with a number that we do not expect */
void tcp_fastopen_cache_flush(struct net *net);

/* setsockopt, getsockopt (fastopen_option.c) */
bool tcp_is_fastopen_option(int name);
int tcp_fastopen_setsockopt(struct sock *sk, int name, const void *value, socklen_t len);
int tcp_fastopen_getsockopt(struct sock *sk, int name, void *value, socklen_t *len);
/* sysctl tcp_fastopen_key: "a0bf63f7-ed803d81-cd641d30-cebc4a90", two of them with a comma. 0 or -EINVAL; the length */
int fastopen_keys_parse(struct fastopen_keys *keys, const char *text);
int fastopen_keys_print(const struct fastopen_keys *keys, char *text, size_t cap);

#endif
