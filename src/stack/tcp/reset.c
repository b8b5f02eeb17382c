// SPDX-License-Identifier: MIT
/*
 * tcp/reset.c - segments that no queue stands behind
 *
 *	tcp_send_active_reset   a sock aborts: in its own name, with its options and window
 *	tcp_send_reply_reset    a segment is refused: made from that segment alone
 *	tcp_timewait_send_ack, tcp_req_send_ack, tcp_req_send_synack   what the small socks say
 *
 * The two forms of a RST: linux-close.md section 0.2. All count OutSegs, the RSTs OutRsts.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"

/* ------------------------------------------------------------------ a sock's own */

void tcp_send_active_reset(struct sock *sk, enum tcp_cause cause)
{
	struct sk_buff rst;

	tcp_init_nondata_skb(&rst, tcp_acceptable_seq(tcp_sk(sk)), TCPHDR_ACK | TCPHDR_RST);
	NET_INC(sk->net, MIB_Tcp_OutRsts);
	tcp_trace_rst(sk->net, &sk->common, NULL, cause, true); /* before the segment: captures know why */
	if (tcp_transmit_skb(sk, &rst))
		NET_INC(sk->net, MIB_TcpExt_TCPAbortFailed);
}

/* ------------------------------------------------------------------ without one */

struct bare_segment {
	struct in6_addr saddr, daddr;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags;
	uint8_t dsfield, ttl;
	struct tcp_options opt;
	const struct tcp_fastopen_cookie *foc; /* NULL: none */
};

/* With DF always: these are small. */
static int send_bare(struct net *net, const struct bare_segment *seg)
{
	uint8_t packet[IP_HEADROOM + TCP_HDR_LEN + TCP_OPT_MAX], *hdr = packet + IP_HEADROOM;
	uint32_t len = TCP_HDR_LEN + (uint32_t)tcp_write_options(hdr + TCP_HDR_LEN, &seg->opt);

	if (unlikely(seg->foc))
		len += (uint32_t)tcp_write_fastopen(hdr + len, TCP_HDR_LEN + TCP_OPT_MAX - len, seg->foc);
	tcp_write_header(hdr, seg->sport, seg->dport, seg->seq, seg->ack, len, seg->flags, seg->wnd);
	NET_INC(net, MIB_Tcp_OutSegs);
	return ip_xmit(net, &(struct ip_out){
		.saddr = seg->saddr,
		.daddr = seg->daddr,
		.proto = IPPROTO_TCP,
		.dsfield = seg->dsfield,
		.ttl = seg->ttl,
		.df = true,
		.csum_at = TCP_CSUM_AT,
		.hdr = hdr,
		.hdr_len = len,
	});
}

void tcp_send_reply_reset(struct net *net, const struct sock_common *c, const struct tcp_seg *seg, enum tcp_cause cause)
{
	struct bare_segment rst = {
		.saddr = seg->daddr,
		.daddr = seg->saddr,
		.sport = seg->dport,
		.dport = seg->sport,
		.flags = TCPHDR_RST,
		.dsfield = seg->dsfield & ~3, /* less ECN */
	};

	if (seg_has(seg, TCPHDR_RST))
		return;
	if (!c && !ip_is_local(net, &seg->daddr))
		return; /* multicast, broadcast */
	if (seg_has(seg, TCPHDR_ACK)) {
		rst.seq = seg->ack;
	} else {
		rst.flags |= TCPHDR_ACK;
		rst.ack = seg->end_seq;
	}
	NET_INC(net, MIB_Tcp_OutRsts);
	tcp_trace_rst(net, c, seg, cause, false);
	send_bare(net, &rst);
}

/* ------------------------------------------------------------------ stand-ins and requests */

/* Addresses and ports of a small sock. */
static struct bare_segment from_common(const struct sock_common *c, uint8_t flags)
{
	struct bare_segment seg = { .sport = c->num, .dport = c->dport, .flags = flags };

	sock_addrs(c, &seg.daddr, &seg.saddr);
	return seg;
}

void tcp_timewait_send_ack(struct net *net, struct timewait_sock *tw)
{
	struct bare_segment ack = from_common(&tw->common, TCPHDR_ACK);

	ack.seq = tw->snd_nxt;
	ack.ack = tw->rcv_nxt;
	ack.wnd = (uint16_t)(tw->rcv_wnd >> tw->common.rcv_wscale);
	ack.opt.saw_tstamp = tw->ts_recent;
	ack.opt.tsval = net_time_ms(net) + tcp_init_ts_off(net, &ack.saddr, &ack.daddr);
	ack.opt.tsecr = tw->ts_recent;
	send_bare(net, &ack);
}

void tcp_req_send_ack(struct net *net, struct request_sock *req, const struct sock *sk)
{
	struct bare_segment ack = from_common(&req->common, TCPHDR_ACK);

	ack.seq = sock_flag(sk, SOCK_FASTOPEN_REQ) ? tcp_sk(sk)->snd_nxt : req->snt_isn + 1;
	ack.ack = tcp_req_rcv_nxt(req, sk);
	ack.wnd = (uint16_t)(min(req->rcv_wnd, 65535u) >> req->rcv_wscale);
	ack.opt.saw_tstamp = req->ts_recent;
	ack.opt.tsval = net_time_ms(net) + tcp_req_ts_off(net, req);
	ack.opt.tsecr = req->ts_recent;
	send_bare(net, &ack);
}

/* What a peer may echo: the timestamps from the first SYN-ACK to the last. */
static void note_synack_tsval(struct request_sock *req, uint32_t tsval)
{
	if (!req->common.snt_tsval_first)
		req->common.snt_tsval_first = tsval ? tsval : UINT32_MAX;
	req->snt_tsval_span = (uint16_t)min(tsval - req->common.snt_tsval_first, 65535u);
}

int tcp_req_send_synack(struct net *net, struct request_sock *req, const struct sock *sk, const struct tcp_fastopen_cookie *foc)
{
	struct bare_segment synack = from_common(&req->common, TCPHDR_SYN | TCPHDR_ACK);

	synack.seq = req->snt_isn;
	synack.ack = tcp_req_rcv_nxt(req, sk);
	synack.wnd = (uint16_t)min(req->rcv_wnd, 65535u); /* never scaled in a SYN */
	synack.dsfield = sk->opts->tos;
	synack.ttl = sk->opts->ttl;
	synack.foc = foc;
	synack.opt = (struct tcp_options){
		.mss = tcp_advertise_mss(net, &synack.daddr, sk->opts->user_mss),
		.wscale_ok = req->wscale_ok,
		.wscale = req->rcv_wscale,
		.sack_ok = req->sack_ok,
		.saw_tstamp = req->tstamp_ok,
		.tsval = net_time_ms(net) + tcp_req_ts_off(net, req),
		.tsecr = req->ts_recent,
	};
	note_synack_tsval(req, synack.opt.tsval);
	return send_bare(net, &synack);
}
