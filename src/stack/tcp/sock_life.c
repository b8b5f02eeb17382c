// SPDX-License-Identifier: MIT
/*
 * tcp/sock_life.c - a TCP sock from its making to its end
 *
 *	tcp_create_sock   CLOSE, one reference: the maker's (a socket, or a listener's queue)
 *	tcp_done          the connection is over: CLOSE, no timer left; an owner is woken, an orphan gives up its last reference
 *	tcp_destroy_sock  the last reference went and the entry is ending: memory goes back
 *
 * An orphan keeps the reference that its socket had. Whatever ends an orphan goes through tcp_done().
 */
#include "stack/tcp/fastopen.h"

int tcp_init(struct net *net)
{
	struct tcp *tcp = mem_zalloc(&net->mem, sizeof(*tcp));

	if (!tcp)
		return -ENOMEM;
	slab_init(&tcp->socks, &net->mem, "tcp_sock", sizeof(struct tcp_sock));
	slab_init(&tcp->requests, &net->mem, "request_sock", sizeof(struct request_sock));
	slab_init(&tcp->timewaits_v4, &net->mem, "timewait_sock", sizeof(struct timewait_sock) + 8);
	slab_init(&tcp->timewaits_v6, &net->mem, "timewait_sock6", sizeof(struct timewait_sock) + 32);
	slab_init(&tcp->opts, &net->mem, "sock_opts", sizeof(struct sock_opts));
	slab_init(&tcp->listens, &net->mem, "listen_queue", sizeof(struct listen_queue));
	slab_init(&tcp->ofos, &net->mem, "tcp_ofo", sizeof(struct tcp_ofo));
	slab_init(&tcp->fastopens, &net->mem, "tcp_fastopen", sizeof(struct tcp_fastopen));
	list_init(&tcp->fastopen_cache.peers);
	net->tcp = tcp;
	ip_register(net, IPPROTO_TCP, &tcp_protocol);
	return 0;
}

void tcp_exit(struct net *net)
{
	struct tcp *tcp = net->tcp;

	if (!tcp)
		return;
	slab_destroy(&tcp->socks);
	slab_destroy(&tcp->requests);
	slab_destroy(&tcp->timewaits_v4);
	slab_destroy(&tcp->timewaits_v6);
	slab_destroy(&tcp->opts);
	slab_destroy(&tcp->listens);
	slab_destroy(&tcp->ofos);
	slab_destroy(&tcp->fastopens);
	tcp_fastopen_cache_flush(net);
	mem_free(&net->mem, tcp, sizeof(*tcp));
	net->tcp = NULL;
}

struct sock *tcp_create_sock(struct net *net, int family)
{
	struct tcp_sock *tp = slab_zalloc(&net->tcp->socks);
	struct sock *sk;

	if (!tp)
		return NULL;
	sk = tcp_to_sk(tp);
	sk->net = net;
	sk->id = ++net->sock_ids;
	sk->refcnt = 1;
	sk->type = SOCK_STREAM;
	sk->opts = &sock_opts_default;
	sk->rcvlowat = 1;
	sk->rcvbuf = net->sysctl.tcp_rmem[1];
	sk->sndbuf = net->sysctl.tcp_wmem[1];
	sk->common.state = TCP_CLOSE;
	sk->common.family = family;
	sk->common.ipv6only = family == AF_INET6 && net->sysctl.bindv6only;
	sk->common.timer.kind = TIMER_SOCK;
	if (family == AF_INET)
		sk->daddr = sk->rcv_saddr = addr_from_v4(&(uint32_t){ 0 });

	tp->rto_j = TCP_TIMEOUT_INIT_J;
	tp->mdev_us = TCP_TIMEOUT_INIT_J * (uint32_t)(TICK_NSEC / NSEC_PER_USEC);
	tp->min_rtt_us = UINT32_MAX;
	tp->snd_cwnd = TCP_INIT_CWND;
	tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	tp->mss_cache = tp->mss_clamp = TCP_MSS_DEFAULT;
	tp->reordering = net->sysctl.tcp_reordering;
	tp->tcp_header_len = TCP_HDR_LEN;
	tp->ack.ato_j = 0;
	return sk;
}

struct sock_opts *sock_opts_own(struct sock *sk)
{
	struct sock_opts *own;

	if (sk->opts != &sock_opts_default)
		return (struct sock_opts *)sk->opts;
	own = slab_alloc(&sk->net->tcp->opts);
	if (own) {
		*own = sock_opts_default;
		sk->opts = own;
	}
	return own;
}

void tcp_clear_deadlines(struct sock *sk)
{
	sk->deadlines = 0;
	tcp_sk(sk)->retrans_kind = ICSK_TIME_NONE;
	tcp_sk(sk)->ack.pending = 0;
	timer_disarm(&sk->net->wheel, &sk->common.timer);
}

void tcp_write_queue_purge(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	skb_queue_purge(&sk->net->skbs, &tp->write_queue);
	skb_queue_purge(&sk->net->skbs, &tp->rtx_queue);
	tcp_zerocopy_done(sk, tp->write_seq);
	sk->wmem_queued = 0;
	tp->packets_out = tp->sacked_out = tp->lost_out = tp->retrans_out = 0;
	tp->tlp_high_seq = 0;
	tp->backoff = 0;
}

void tcp_destroy_sock(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sk->net;

	assert(!sk->common.hashed && !sk->socket && sk->refcnt == 0);
	tcp_clear_deadlines(sk);
	if (sock_flag(sk, SOCK_FASTOPEN)) {
		tcp_fastopen_ofo_check(sk);
		tcp_fastopen_free(sk);
	}
	tcp_write_queue_purge(sk);
	skb_queue_purge(&net->skbs, &tp->receive_queue);
	tcp_ofo_purge(sk);
	if (sk->bind)
		inet_put_port(sk);
	if (sock_flag(sk, SOCK_COUNTED_ORPHAN))
		net->tcp->orphans--;
	if (unlikely(tp->listen))
		slab_free(&net->tcp->listens, tp->listen);
	tcp_zerocopy_free(sk);
	sock_purge_err(sk);
	if (unlikely(sk->opts != &sock_opts_default))
		slab_free(&net->tcp->opts, (void *)sk->opts);
	slab_free(&net->tcp->socks, tp);
}

/* ------------------------------------------------------------------ the end of a connection */

void tcp_done(struct sock *sk, enum tcp_cause cause)
{
	if (sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV))
		NET_INC(sk->net, MIB_Tcp_AttemptFails);
	tcp_set_state(sk, TCP_CLOSE, cause);
	tcp_clear_deadlines(sk);
	if (sock_flag(sk, SOCK_FASTOPEN_REQ))
		tcp_fastopen_remove(sk, false);
	sk->shutdown = SHUTDOWN_MASK;
	if (sock_flag(sk, SOCK_DEAD))
		sock_put(sk);
	else
		sk_state_change(sk);
}

void tcp_done_with_error(struct sock *sk, int err, enum tcp_cause cause)
{
	bool owned = !sock_flag(sk, SOCK_DEAD);

	sk->err = err;
	tcp_write_queue_purge(sk);
	tcp_done(sk, cause);
	if (owned)
		sk_error_report(sk);
}

/* ------------------------------------------------------------------ orphans */

void tcp_count_orphan(struct sock *sk)
{
	sock_set_flag(sk, SOCK_COUNTED_ORPHAN);
	sk->net->tcp->orphans++;
}

bool tcp_too_many_orphans(struct net *net, unsigned shift)
{
	return (uint64_t)net->tcp->orphans << shift > (uint64_t)net->sysctl.tcp_max_orphans;
}

/* Its FIN found no memory (US-09): nothing is queued whose acknowledgement or timeout could end it. */
static bool tcp_fin_was_lost(const struct sock *sk)
{
	return sk_in(sk, TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK) && !tcp_sk(sk)->write_queue && !tcp_sk(sk)->rtx_queue;
}

enum { SOCK_MIN_SNDBUF = 4608, MEM_PAGE = 4096 }; /* bytes */

/* OR-06: the queues of all socks hold more than tcp_mem allows, and this one has its part in it. */
static bool tcp_out_of_memory(const struct sock *sk)
{
	const struct net *net = sk->net;

	return sk->wmem_queued > SOCK_MIN_SNDBUF && skb_pool_bytes(&net->skbs) > (uint64_t)net->sysctl.tcp_mem[2] * MEM_PAGE;
}

bool tcp_check_oom(struct sock *sk, unsigned shift)
{
	return tcp_too_many_orphans(sk->net, shift) || tcp_out_of_memory(sk) || tcp_fin_was_lost(sk);
}

uint32_t tcp_fin_time(const struct sock *sk)
{
	uint32_t rto = tcp_sk(sk)->rto_j;
	uint32_t set = (uint32_t)(sk->opts->linger2_s > 0 ? sk->opts->linger2_s : sk->net->sysctl.tcp_fin_timeout) * HZ;

	return max(set, (rto << 2) - (rto >> 1)); /* at least 3.5 RTO */
}
