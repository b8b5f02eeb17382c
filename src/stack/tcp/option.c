// SPDX-License-Identifier: MIT
/*
 * tcp/option.c - setsockopt and getsockopt of SOL_TCP, TCP_INFO, and the ioctls that ask about the queues
 *
 * An option is one row of a table: how to set it, how to show it.  Limits, what is shown back, and errors are Linux 6.18's, by
 * experiment.  What few socks set lives in struct sock_opts; a sock gets its own copy with the first such option.
 */
#include "stack/tcp/tcp.h"
#include "stack/tcp/uapi.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	MAX_TCP_KEEPIDLE = 32767,
	MAX_TCP_KEEPINTVL = 32767,
	MAX_TCP_KEEPCNT = 127,
	MAX_TCP_SYNCNT = 127,
	TCP_MIN_MSS = 88,
	TCP_MAXSEG_MAX = 32767,
	SOCK_MIN_RCVBUF = 2304,
	TCP_CA_NAME_MAX = 16,
};

#ifndef SIOCOUTQNSD
#define SIOCOUTQNSD 0x894B
#endif
#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

/* ------------------------------------------------------------------ values in and out */

int option_int(const void *value, socklen_t len, int *v)
{
	if (len < sizeof(int))
		return -EINVAL;
	if (!value)
		return -EFAULT;
	memcpy(v, value, sizeof(*v));
	return 0;
}

int option_put(void *value, socklen_t *len, const void *from, socklen_t size)
{
	if (!len)
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	size = min(size, *len);
	if (size && !value)
		return -EFAULT;
	if (size)
		memcpy(value, from, size);
	*len = size;
	return 0;
}

/* ------------------------------------------------------------------ numbers kept in sock_opts */

/* A copy of the options to write to in the variable own, or -ENOMEM. */
#define OWN_OPTS(sk) \
	struct sock_opts *own = sock_opts_own(sk); \
	if (!own) \
		return -ENOMEM

static int set_keepidle(struct sock *sk, int v)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t idle_ms, since_ms;

	if (v < 1 || v > MAX_TCP_KEEPIDLE)
		return -EINVAL;
	OWN_OPTS(sk);
	own->keepalive_time_ms = idle_ms = (uint32_t)v * 1000;
	if (!sock_flag(sk, SOCK_KEEPOPEN) || sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		return 0;
	since_ms = net_time_ms(sk->net) - tp->rcv_tstamp_ms; /* what has passed of it counts */
	tcp_reset_keepalive_timer(sk, msecs_to_jiffies(idle_ms > since_ms ? idle_ms - since_ms : 0));
	return 0;
}

static int set_keepintvl(struct sock *sk, int v)
{
	if (v < 1 || v > MAX_TCP_KEEPINTVL)
		return -EINVAL;
	OWN_OPTS(sk);
	own->keepalive_intvl_ms = (uint32_t)v * 1000;
	return 0;
}

static int set_keepcnt(struct sock *sk, int v)
{
	if (v < 1 || v > MAX_TCP_KEEPCNT)
		return -EINVAL;
	OWN_OPTS(sk);
	own->keepalive_probes = (uint8_t)v;
	return 0;
}

static int set_syncnt(struct sock *sk, int v)
{
	if (v < 1 || v > MAX_TCP_SYNCNT)
		return -EINVAL;
	OWN_OPTS(sk);
	own->syn_retries = (uint8_t)v;
	return 0;
}

static int set_linger2(struct sock *sk, int v)
{
	OWN_OPTS(sk);
	own->linger2_s = v < 0 ? -1 : min_t(int, v, TCP_FIN_TIMEOUT_MAX_S);
	return 0;
}

static int set_user_timeout(struct sock *sk, int v)
{
	if (v < 0)
		return -EINVAL;
	OWN_OPTS(sk);
	own->user_timeout_ms = (uint32_t)v;
	return 0;
}

static int set_maxseg(struct sock *sk, int v)
{
	if (v && (v < TCP_MIN_MSS || v > TCP_MAXSEG_MAX))
		return -EINVAL;
	OWN_OPTS(sk);
	own->user_mss = (uint16_t)v;
	return 0;
}

static int set_rto_max(struct sock *sk, int v)
{
	if (v < 1000 || v > 120000)
		return -EINVAL;
	OWN_OPTS(sk);
	own->rto_max_ms = (uint32_t)v;
	return 0;
}

static int set_rto_min(struct sock *sk, int v)
{
	uint32_t j = v > 0 ? ((uint32_t)v + 3999) / 4000 : 0; /* kept in ticks */

	if (j < TCP_TIMEOUT_MIN_J || j > HZ / 5)
		return -EINVAL;
	OWN_OPTS(sk);
	own->rto_min_us = j * 4000;
	return 0;
}

static int set_notsent_lowat(struct sock *sk, int v)
{
	OWN_OPTS(sk);
	own->notsent_lowat = (uint32_t)v;
	sk_write_space(sk);
	return 0;
}

static int set_window_clamp(struct sock *sk, int v)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t clamp = v ? max_t(uint32_t, SOCK_MIN_RCVBUF / 2, (uint32_t)v) : 0;

	if (!v && sk->common.state != TCP_CLOSE)
		return -EINVAL;
	OWN_OPTS(sk);
	own->window_clamp = clamp;
	if (clamp && clamp != tp->window_clamp) {
		if (clamp < tp->window_clamp)
			tp->rcv_ssthresh = min(tp->rcv_ssthresh, clamp);
		else
			tp->rcv_ssthresh = max(min(tp->rcv_wnd, clamp), tp->rcv_ssthresh);
	}
	tp->window_clamp = clamp;
	return 0;
}

/* TCP_DEFER_ACCEPT is given in seconds and kept as a number of SYN-ACK repetitions, which cover at least that time. */
static int set_defer_accept(struct sock *sk, int seconds)
{
	int period = 1, timeout = 1;
	uint8_t n = 0;

	OWN_OPTS(sk);
	if (seconds > 0)
		for (n = 1; seconds > period && n < 255; n++) {
			timeout = min(timeout * 2, 120);
			period += timeout;
		}
	own->defer_accept = n;
	return 0;
}

static int get_defer_accept(const struct sock *sk)
{
	int n = sk->opts->defer_accept, timeout = 1, period = n ? 1 : 0;

	while (n-- > 1) {
		timeout = min(timeout * 2, 120);
		period += timeout;
	}
	return period;
}

static int get_keepidle(const struct sock *sk) { return (int)(tcp_keepalive_time_ms(sk) / 1000); }
static int get_keepintvl(const struct sock *sk) { return (int)(tcp_keepalive_intvl_ms(sk) / 1000); }
static int get_keepcnt(const struct sock *sk)
{
	return sk->opts->keepalive_probes ? sk->opts->keepalive_probes : sk->net->sysctl.tcp_keepalive_probes;
}
static int get_syncnt(const struct sock *sk)
{
	return sk->opts->syn_retries ? sk->opts->syn_retries : sk->net->sysctl.tcp_syn_retries;
}
static int get_linger2(const struct sock *sk)
{
	return sk->opts->linger2_s ? sk->opts->linger2_s : sk->net->sysctl.tcp_fin_timeout;
}
static int get_user_timeout(const struct sock *sk) { return (int)sk->opts->user_timeout_ms; }
static int get_notsent_lowat(const struct sock *sk) { return (int)sk->opts->notsent_lowat; }
static int get_window_clamp(const struct sock *sk) { return (int)tcp_sk(sk)->window_clamp; }
static int get_rto_max(const struct sock *sk) { return (int)jiffies_to_msecs(tcp_rto_max_j(sk)); }
static int get_rto_min(const struct sock *sk) { return (int)jiffies_to_msecs(tcp_rto_min_j(sk)) * 1000; }
static int get_maxseg(const struct sock *sk)
{
	bool own = sk->opts->user_mss && sk_in(sk, TCPF_CLOSE | TCPF_LISTEN);

	return own ? sk->opts->user_mss : tcp_sk(sk)->mss_cache;
}

/* ------------------------------------------------------------------ switches of the output side */

static int set_nodelay(struct sock *sk, int v)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (v) {
		tp->nonagle |= TCP_NAGLE_OFF | TCP_NAGLE_PUSH;
		tcp_push_pending_frames(sk);
	} else {
		tp->nonagle &= ~TCP_NAGLE_OFF;
	}
	return 0;
}

static int set_cork(struct sock *sk, int v)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (v) {
		tp->nonagle |= TCP_NAGLE_CORK;
		return 0;
	}
	tp->nonagle &= ~TCP_NAGLE_CORK;
	if (tp->nonagle & TCP_NAGLE_OFF)
		tp->nonagle |= TCP_NAGLE_PUSH;
	tcp_push_pending_frames(sk);
	return 0;
}

static int set_quickack(struct sock *sk, int v)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint8_t dialogue = (uint8_t)sk->net->sysctl.tcp_pingpong_thresh;

	tp->ack.pingpong = v ? 0 : dialogue;
	if (v && sk_in(sk, TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) && tp->ack.pending & ICSK_ACK_SCHED) {
		tp->ack.pending |= ICSK_ACK_PUSHED;
		tcp_cleanup_rbuf(sk, 1);
		if (!(v & 1))
			tp->ack.pingpong = dialogue; /* an even number: this once */
	}
	return 0;
}

/* What an unprivileged program is told. */
static int set_repair(struct sock *sk, int v)
{
	(void)sk;
	(void)v;
	return -EPERM;
}

static int get_nodelay(const struct sock *sk) { return !!(tcp_sk(sk)->nonagle & TCP_NAGLE_OFF); }
static int get_cork(const struct sock *sk) { return !!(tcp_sk(sk)->nonagle & TCP_NAGLE_CORK); }
static int get_quickack(const struct sock *sk)
{
	return tcp_sk(sk)->ack.pingpong < sk->net->sysctl.tcp_pingpong_thresh;
}
static int get_zero(const struct sock *sk)
{
	(void)sk;
	return 0;
}

/* ------------------------------------------------------------------ the table */

static const struct tcp_option {
	int name;
	int (*set)(struct sock *sk, int v);
	int (*get)(const struct sock *sk);
} tcp_options[] = {
	{ TCP_NODELAY, set_nodelay, get_nodelay },
	{ TCP_MAXSEG, set_maxseg, get_maxseg },
	{ TCP_CORK, set_cork, get_cork },
	{ TCP_KEEPIDLE, set_keepidle, get_keepidle },
	{ TCP_KEEPINTVL, set_keepintvl, get_keepintvl },
	{ TCP_KEEPCNT, set_keepcnt, get_keepcnt },
	{ TCP_SYNCNT, set_syncnt, get_syncnt },
	{ TCP_LINGER2, set_linger2, get_linger2 },
	{ TCP_DEFER_ACCEPT, set_defer_accept, get_defer_accept },
	{ TCP_WINDOW_CLAMP, set_window_clamp, get_window_clamp },
	{ TCP_QUICKACK, set_quickack, get_quickack },
	{ TCP_USER_TIMEOUT, set_user_timeout, get_user_timeout },
	{ TCP_REPAIR, set_repair, get_zero },
	{ TCP_NOTSENT_LOWAT, set_notsent_lowat, get_notsent_lowat },
	{ TCP_IS_MPTCP, NULL, get_zero },
	{ TCP_RTO_MAX_MS, set_rto_max, get_rto_max },
	{ TCP_RTO_MIN_US, set_rto_min, get_rto_min },
};

static const struct tcp_option *tcp_option_find(int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tcp_options); i++)
		if (tcp_options[i].name == name)
			return &tcp_options[i];
	return NULL;
}

/* ------------------------------------------------------------------ strings and structures */

static const char congestion_name[TCP_CA_NAME_MAX] = "reno"; /* the only one */

static int set_congestion(const void *value, socklen_t len)
{
	char name[TCP_CA_NAME_MAX] = "";

	if (len < 1)
		return -EINVAL;
	if (!value)
		return -EFAULT;
	memcpy(name, value, min_t(size_t, len, TCP_CA_NAME_MAX - 1));
	return strcmp(name, congestion_name) ? -ENOENT : 0;
}

static uint32_t ms_since(const struct sock *sk, uint32_t stamp_ms)
{
	return net_time_ms(sk->net) - stamp_ms;
}

static void tcp_info_queues(const struct sock *sk, struct tcp_info *info)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->common.state == TCP_LISTEN) { /* who waits to be accepted, and how many may */
		info->unacked = tp->listen->ack_backlog;
		info->sacked = tp->listen->max_ack_backlog;
		return;
	}
	info->unacked = tp->packets_out;
	info->sacked = tp->sacked_out;
	info->lost = tp->lost_out;
	info->retrans = tp->retrans_out;
	info->notsent_bytes = max_t(int32_t, 0, (int32_t)(tp->write_seq - tp->snd_nxt));
}

static void tcp_info_fill(const struct sock *sk, struct tcp_info *info)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	*info = (struct tcp_info){
		.state = sk->common.state,
		.ca_state = tp->ca_state,
		.retransmits = tp->retransmits,
		.probes = tp->probes_out,
		.backoff = tp->backoff,
		.options = (tp->tstamp_ok ? TCPI_OPT_TIMESTAMPS : 0) | (tp->sack_ok ? TCPI_OPT_SACK : 0) |
			   (tp->wscale_ok ? TCPI_OPT_WSCALE : 0),
		.snd_wscale = tp->snd_wscale,
		.rcv_wscale = tp->rcv_wscale,
		.rto = jiffies_to_msecs(tp->rto_j) * 1000,
		.ato = jiffies_to_msecs(tp->ack.ato_j) * 1000,
		.snd_mss = tp->mss_cache,
		.rcv_mss = tp->rcv_mss,
		.last_data_sent = ms_since(sk, tp->lsndtime_ms),
		.last_data_recv = ms_since(sk, tp->lrcvtime_ms),
		.last_ack_recv = ms_since(sk, tp->rcv_tstamp_ms),
		.pmtu = tp->pmtu_cookie,
		.rcv_ssthresh = tp->rcv_ssthresh,
		.rtt = tp->srtt_us >> 3,
		.rttvar = tp->mdev_us >> 2,
		.snd_ssthresh = tp->snd_ssthresh,
		.snd_cwnd = tp->snd_cwnd,
		.advmss = tp->advmss,
		.reordering = tp->reordering,
		.rcv_rtt = tp->rcv_rtt_us >> 3,
		.rcv_space = tp->rcvq_space.space,
		.total_retrans = tp->total_retrans,
		.pacing_rate = tp->pacing_bytes ? (uint64_t)tp->pacing_bytes << 10 : UINT64_MAX,
		.max_pacing_rate = UINT64_MAX,
		.bytes_acked = tp->bytes_acked,
		.segs_in = tp->segs_in,
		.min_rtt = tp->min_rtt_us,
		.delivered = tp->delivered,
		.snd_wnd = tp->snd_wnd,
		.rcv_wnd = tp->rcv_wnd,
	};
	tcp_info_queues(sk, info);
}

/* ------------------------------------------------------------------ entries */

int tcp_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	const struct tcp_option *o = tcp_option_find(name);
	int v, err;

	if (name == TCP_CONGESTION)
		return set_congestion(value, len);
	if (name == TCP_ULP)
		return len < 1 ? -EINVAL : -ENOENT;
	err = option_int(value, len, &v);
	if (err)
		return err;
	return o && o->set ? o->set(sk, v) : -ENOPROTOOPT;
}

int tcp_getsockopt(struct sock *sk, int name, void *value, socklen_t *len)
{
	const struct tcp_option *o = tcp_option_find(name);
	struct tcp_info info;
	int v;

	if (name == TCP_INFO) {
		tcp_info_fill(sk, &info);
		return option_put(value, len, &info, sizeof(info));
	}
	if (name == TCP_CONGESTION)
		return option_put(value, len, congestion_name, sizeof(congestion_name));
	if (name == TCP_ULP)
		return option_put(value, len, "", 0);
	if (!o)
		return -ENOPROTOOPT;
	v = o->get(sk);
	return option_put(value, len, &v, sizeof(v));
}

/* Bytes that read() would return before the urgent byte or the FIN (SP-09). */
static uint32_t tcp_inq(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool urgent_ahead = !sock_flag(sk, SOCK_URGINLINE) && tp->urg_data && !before(tp->urg_seq, tp->copied_seq) &&
			    before(tp->urg_seq, tp->rcv_nxt);
	uint32_t n;

	if (sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV))
		return 0;
	if (urgent_ahead)
		return tp->urg_seq - tp->copied_seq;
	n = tp->rcv_nxt - tp->copied_seq;
	return n && sock_flag(sk, SOCK_DONE) ? n - 1 : n;
}

int tcp_ioctl(struct sock *sk, unsigned long request, int *value)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool opening = sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV);
	uint32_t answer;

	switch (request) {
	case FIONREAD: /* SIOCINQ */
		answer = tcp_inq(sk);
		break;
	case TIOCOUTQ: /* SIOCOUTQ */
		answer = opening ? 0 : tp->write_seq - tp->snd_una;
		break;
	case SIOCOUTQNSD:
		answer = opening ? 0 : tp->write_seq - tp->snd_nxt;
		break;
	case SIOCATMARK:
		answer = tp->urg_data && tp->urg_seq == tp->copied_seq;
		break;
	default:
		return -ENOTTY;
	}
	if (sk->common.state == TCP_LISTEN && request != SIOCATMARK)
		return -EINVAL;
	if (!value)
		return -EFAULT;
	*value = (int)answer;
	return 0;
}
