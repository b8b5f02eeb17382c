// SPDX-License-Identifier: MIT
/*
 * tcp/icmp.c - the network reports an error about a segment of ours (section 18, rows IC)
 *
 *	whose segment was it, and can it be true?    quoted addresses and sequence number: RFC 5927
 *	a smaller path MTU                           smaller segments from now on, what was too large goes again
 *	a handshake                                  ends at once
 *	anything later                               is only noted: the error of a time-out, or of SO_ERROR
 */
#include "stack/tcp/fastopen.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

struct meaning {
	int err;
	bool ends_request; /* a half-open connection is forgotten for it */
	bool reverts;	   /* RFC 6069: may mean that a link went, and no congestion */
};

static const uint8_t unreach_v4[] = {
	[ICMP_NET_UNREACH] = ENETUNREACH,   [ICMP_HOST_UNREACH] = EHOSTUNREACH, [ICMP_PROT_UNREACH] = ENOPROTOOPT,
	[ICMP_PORT_UNREACH] = ECONNREFUSED, [ICMP_FRAG_NEEDED] = EMSGSIZE,	[ICMP_SR_FAILED] = EOPNOTSUPP,
	[ICMP_NET_UNKNOWN] = ENETUNREACH,   [ICMP_HOST_UNKNOWN] = EHOSTDOWN,	[ICMP_HOST_ISOLATED] = ENONET,
	[ICMP_NET_ANO] = ENETUNREACH,	    [ICMP_HOST_ANO] = EHOSTUNREACH,	[ICMP_NET_UNR_TOS] = ENETUNREACH,
	[ICMP_HOST_UNR_TOS] = EHOSTUNREACH, [ICMP_PKT_FILTERED] = EHOSTUNREACH, [ICMP_PREC_VIOLATION] = EHOSTUNREACH,
	[ICMP_PREC_CUTOFF] = EHOSTUNREACH,
};

/* False: says nothing to TCP. */
static bool meaning_v4(const struct icmp_error *e, struct meaning *m)
{
	switch (e->type) {
	case ICMP_DEST_UNREACH:
		if (e->code >= ARRAY_SIZE(unreach_v4))
			return false;
		m->err = unreach_v4[e->code];
		m->ends_request = m->reverts = e->code == ICMP_NET_UNREACH || e->code == ICMP_HOST_UNREACH;
		return true;
	case ICMP_PARAMETERPROB:
		m->err = EPROTO;
		m->ends_request = true;
		return true;
	case ICMP_TIME_EXCEEDED:
		m->err = EHOSTUNREACH;
		m->ends_request = true;
		return e->code == ICMP_EXC_TTL;
	default:
		return false; /* source quench: RFC 6633 */
	}
}

static const struct meaning unreach_v6[] = {
	{ ENETUNREACH, false, true }, { EACCES, true, false }, { EHOSTUNREACH, false, false }, { EHOSTUNREACH, false, false },
	{ ECONNREFUSED, true, false }, { EACCES, true, false }, { EACCES, true, false },
};

static bool meaning_v6(const struct icmp_error *e, struct meaning *m)
{
	switch (e->type) {
	case ICMP6_DST_UNREACH:
		*m = e->code < ARRAY_SIZE(unreach_v6) ? unreach_v6[e->code] : (struct meaning){ EPROTO, false, false };
		return true;
	case ICMP6_PARAM_PROB:
		*m = (struct meaning){ EPROTO, true, false };
		return true;
	case ICMP6_TIME_EXCEEDED:
		*m = (struct meaning){ EHOSTUNREACH, false, false };
		return true;
	case ICMP6_PACKET_TOO_BIG:
		m->err = EMSGSIZE;
		return true;
	default:
		return false;
	}
}

static bool is_too_big(const struct icmp_error *e)
{
	return e->family == AF_INET ? e->type == ICMP_DEST_UNREACH && e->code == ICMP_FRAG_NEEDED
				    : e->type == ICMP6_PACKET_TOO_BIG;
}

/* ------------------------------------------------------------------ what follows */

static void mtu_reduced(struct sock *sk, const struct icmp_error *e)
{
	uint32_t mtu;

	if (sk_in(sk, TCPF_LISTEN | TCPF_CLOSE))
		return;
	mtu = ip_update_pmtu(sk->net, &sk->daddr, e->mtu);
	if (tcp_sk(sk)->pmtu_cookie <= mtu)
		return;
	tcp_sync_mss(sk, mtu);
	tcp_simple_retransmit(sk);
}

/* RFC 6069: the path was gone, which is no congestion: one doubling of the RTO is undone. */
static void revert_backoff(struct sock *sk, uint32_t seq)
{
	struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *head = tcp_rtx_queue_head(sk);
	uint64_t rto_ns, since_ns;

	if (seq != tp->snd_una || !tp->retransmits || !tp->backoff || !head)
		return;
	tp->backoff--;
	if (tp->srtt_us)
		tcp_set_rto(sk);
	else
		tp->rto_j = TCP_TIMEOUT_INIT_J;
	tp->rto_j = (uint32_t)min_t(uint64_t, (uint64_t)tp->rto_j << tp->backoff, tcp_rto_max_j(sk));
	rto_ns = tp->rto_j * TICK_NSEC;
	since_ns = sk->net->now_ns - head->sent_ns;
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, rto_ns > since_ns ? (uint32_t)((rto_ns - since_ns) / TICK_NSEC) : 1);
}

static void request_err(struct net *net, struct request_sock *req, uint32_t seq, bool ends)
{
	if (seq != req->snt_isn) {
		NET_INC(net, MIB_TcpExt_OutOfWindowIcmps);
	} else if (ends) {
		NET_INC(net, MIB_TcpExt_ListenDrops);
		tcp_req_drop(net, req, CAUSE_icmp_request);
	}
}

/* IPv4's entry does not ask for IP_RECVERR. */
static void queue_err(struct sock *sk, const struct icmp_error *e, int err)
{
	struct sock_error error = {
		.offender = e->offender,
		.daddr = e->daddr,
		.info = e->info,
		.len = e->quoted_len,
		.dport = get_be16(e->quoted + 2),
		.err = (uint16_t)err,
		.origin = e->family == AF_INET ? ERROR_ICMP : ERROR_ICMP6,
		.type = e->type,
		.code = e->code,
	};

	if (e->family == AF_INET || sock_flag(sk, SOCK_RECVERR))
		sock_queue_err(sk, &error, e->quoted);
}

static void sock_err(struct sock *sk, const struct icmp_error *e, const struct meaning *m, uint32_t seq)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool fastopen = sock_flag(sk, SOCK_FASTOPEN_REQ);

	if (sk->common.state == TCP_CLOSE || sk->common.state == TCP_LISTEN)
		return;
	if (!between(seq, fastopen ? tcp_fastopen(sk)->req->snt_isn : tp->snd_una, tp->snd_nxt)) {
		NET_INC(sk->net, MIB_TcpExt_OutOfWindowIcmps);
		return;
	}
	if (is_too_big(e)) {
		mtu_reduced(sk, e);
		return;
	}
	if (m->reverts && !fastopen)
		revert_backoff(sk, seq);
	if (sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV) && !(fastopen && tcp_fastopen_accepted(sk))) {
		queue_err(sk, e, m->err);
		tcp_done_with_error(sk, m->err, CAUSE_icmp_error);
	} else if (sock_flag(sk, SOCK_RECVERR)) {
		sk->err = (uint16_t)m->err;
		sk_error_report(sk);
	} else {
		sk->err_soft = (uint16_t)m->err;
	}
}

void tcp_err(struct net *net, const struct icmp_error *e)
{
	const uint8_t *th = e->quoted; /* ports and sequence number: 8 bytes are always quoted */
	uint32_t seq = get_be32(th + 4);
	struct meaning m = { 0 };
	struct sock_common *c;

	c = inet_lookup_established(net, &e->saddr, get_be16(th), &e->daddr, get_be16(th + 2));
	if (!c) {
		NET_INC(net, e->family == AF_INET ? MIB_Icmp_InErrors : MIB_Icmp6_InErrors);
		return;
	}
	if (c->state == TCP_TIME_WAIT)
		return; /* TW-19 */
	if (!(e->family == AF_INET ? meaning_v4(e, &m) : meaning_v6(e, &m)))
		return;
	if (c->state == TCP_NEW_SYN_RECV)
		request_err(net, req_from_common(c), seq, m.ends_request);
	else
		sock_err(sk_from_common(c), e, &m, seq);
}
