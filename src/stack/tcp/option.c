// SPDX-License-Identifier: MIT
/*
 * tcp/option.c - setsockopt and getsockopt of SOL_TCP, TCP_INFO, and the ioctls that ask about the queues
 *
 *	tcp_setsockopt   ranges[]: may it have this value?  then what it switches, or keeps in struct sock_opts
 *	tcp_getsockopt   get_number(), TCP_INFO, and the few strings
 *
 * Limits, what is shown back, and errors are Linux 6.18's, by experiment. What few socks set lives in struct sock_opts;
 * a sock gets its own copy with the first such option.
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/uapi.h"

#include <errno.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
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

/* Outside these a value is -EINVAL. */
static const struct {
	int name, lowest, highest;
} ranges[] = {
	{TCP_KEEPIDLE, 1, 32767}, /* seconds */
	{TCP_KEEPINTVL, 1, 32767},	{TCP_KEEPCNT, 1, 127},
	{TCP_SYNCNT, 1, 127},		{TCP_USER_TIMEOUT, 0, INT_MAX},
	{TCP_RTO_MAX_MS, 1000, 120000}, {TCP_RTO_MIN_US, 4001, 200000}, /* two ticks, rounded up */
};

static bool in_range(int name, int v)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (ranges[i].name == name)
			return v >= ranges[i].lowest && v <= ranges[i].highest;
	return name != TCP_MAXSEG || !v || (v >= TCP_MIN_MSS && v <= TCP_MAXSEG_MAX);
}

/* What has passed of the new time counts already. */
static void keepidle_changed(struct sock *sk, uint32_t idle_ms)
{
	uint32_t since_ms = net_time_ms(sk->net) - tcp_sk(sk)->rcv_tstamp_ms;

	if (sock_flag(sk, SOCK_KEEPOPEN) && !sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		tcp_reset_keepalive_timer(sk, msecs_to_jiffies(idle_ms > since_ms ? idle_ms - since_ms : 0));
}

/* TCP_DEFER_ACCEPT is given in seconds and kept as a number of SYN-ACK repetitions, which cover at least that time. */
static uint8_t secs_to_retrans(int seconds)
{
	int period = 1, timeout = 1;
	uint8_t n = seconds > 0;

	for (; seconds > period && n < 255; n++) {
		timeout = min(timeout * 2, 120);
		period += timeout;
	}
	return n;
}

static int retrans_to_secs(int n)
{
	int timeout = 1, period = n ? 1 : 0;

	while (n-- > 1) {
		timeout = min(timeout * 2, 120);
		period += timeout;
	}
	return period;
}

static void set_window_clamp(struct sock *sk, uint32_t clamp)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (clamp && clamp < tp->window_clamp)
		tp->rcv_ssthresh = min(tp->rcv_ssthresh, clamp);
	else if (clamp > tp->window_clamp)
		tp->rcv_ssthresh = max(min(tp->rcv_wnd, clamp), tp->rcv_ssthresh);
	tp->window_clamp = clamp;
}

/* A value that is in its range. */
static int set_kept(struct sock *sk, int name, int v)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return -ENOMEM;
	switch (name) {
	case TCP_KEEPIDLE:
		own->keepalive_time_ms = (uint32_t)v * 1000;
		keepidle_changed(sk, own->keepalive_time_ms);
		break;
	case TCP_KEEPINTVL:
		own->keepalive_intvl_ms = (uint32_t)v * 1000;
		break;
	case TCP_KEEPCNT:
		own->keepalive_probes = (uint8_t)v;
		break;
	case TCP_SYNCNT:
		own->syn_retries = (uint8_t)v;
		break;
	case TCP_LINGER2:
		own->linger2_s = v < 0 ? -1 : min_t(int, v, TCP_FIN_TIMEOUT_MAX_S);
		break;
	case TCP_DEFER_ACCEPT:
		own->defer_accept = secs_to_retrans(v);
		break;
	case TCP_WINDOW_CLAMP:
		own->window_clamp = v ? max_t(uint32_t, SOCK_MIN_RCVBUF / 2, (uint32_t)v) : 0;
		set_window_clamp(sk, own->window_clamp);
		break;
	case TCP_USER_TIMEOUT:
		own->user_timeout_ms = (uint32_t)v;
		break;
	case TCP_MAXSEG:
		own->user_mss = (uint16_t)v;
		break;
	case TCP_NOTSENT_LOWAT:
		own->notsent_lowat = (uint32_t)v;
		sk_stream_write_space(sk);
		break;
	case TCP_RTO_MAX_MS:
		own->rto_max_ms = (uint32_t)v;
		break;
	case TCP_RTO_MIN_US:
		own->rto_min_us = ((uint32_t)v + 3999) / 4000 * 4000; /* kept in ticks */
		break;
	default:
		return -ENOPROTOOPT;
	}
	return 0;
}

/* ------------------------------------------------------------------ switches */

static void set_nodelay(struct sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (on) {
		tp->nonagle |= TCP_NAGLE_OFF | TCP_NAGLE_PUSH;
		tcp_push_pending_frames(sk);
	} else {
		tp->nonagle &= ~TCP_NAGLE_OFF;
	}
}

static void set_cork(struct sock *sk, bool on)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (on) {
		tp->nonagle |= TCP_NAGLE_CORK;
		return;
	}
	tp->nonagle &= ~TCP_NAGLE_CORK;
	if (tp->nonagle & TCP_NAGLE_OFF)
		tp->nonagle |= TCP_NAGLE_PUSH;
	tcp_push_pending_frames(sk);
}

static void set_quickack(struct sock *sk, int v)
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
}

static int set_number(struct sock *sk, int name, int v)
{
	if (!in_range(name, v))
		return -EINVAL;
	switch (name) {
	case TCP_NODELAY:
		set_nodelay(sk, v);
		return 0;
	case TCP_CORK:
		set_cork(sk, v);
		return 0;
	case TCP_QUICKACK:
		set_quickack(sk, v);
		return 0;
	case TCP_WINDOW_CLAMP:
		if (!v && sk->common.state != TCP_CLOSE)
			return -EINVAL;
		break;
	}
	return set_kept(sk, name, v);
}

/* ------------------------------------------------------------------ showing */

static int get_maxseg(const struct sock *sk)
{
	bool asked = sk->opts->user_mss && sk_in(sk, TCPF_CLOSE | TCPF_LISTEN);

	return asked ? sk->opts->user_mss : tcp_sk(sk)->mss_cache;
}

static int get_number(const struct sock *sk, int name, int *v)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	const struct sock_opts *opts = sk->opts;
	const struct tcp_sock *tp = tcp_sk(sk);

	switch (name) {
	case TCP_NODELAY:
		*v = !!(tp->nonagle & TCP_NAGLE_OFF);
		break;
	case TCP_MAXSEG:
		*v = get_maxseg(sk);
		break;
	case TCP_CORK:
		*v = !!(tp->nonagle & TCP_NAGLE_CORK);
		break;
	case TCP_KEEPIDLE:
		*v = (int)(tcp_keepalive_time_ms(sk) / 1000);
		break;
	case TCP_KEEPINTVL:
		*v = (int)(tcp_keepalive_intvl_ms(sk) / 1000);
		break;
	case TCP_KEEPCNT:
		*v = opts->keepalive_probes ? opts->keepalive_probes : sysctl->tcp_keepalive_probes;
		break;
	case TCP_SYNCNT:
		*v = opts->syn_retries ? opts->syn_retries : sysctl->tcp_syn_retries;
		break;
	case TCP_LINGER2:
		*v = opts->linger2_s ? opts->linger2_s : sysctl->tcp_fin_timeout;
		break;
	case TCP_DEFER_ACCEPT:
		*v = retrans_to_secs(opts->defer_accept);
		break;
	case TCP_WINDOW_CLAMP:
		*v = (int)tp->window_clamp;
		break;
	case TCP_QUICKACK:
		*v = tp->ack.pingpong < sysctl->tcp_pingpong_thresh;
		break;
	case TCP_USER_TIMEOUT:
		*v = (int)opts->user_timeout_ms;
		break;
	case TCP_NOTSENT_LOWAT:
		*v = (int)opts->notsent_lowat;
		break;
	case TCP_RTO_MAX_MS:
		*v = (int)jiffies_to_msecs(tcp_rto_max_j(sk));
		break;
	case TCP_RTO_MIN_US:
		*v = (int)jiffies_to_msecs(tcp_rto_min_j(sk)) * 1000;
		break;
	case TCP_IS_MPTCP:
		*v = 0;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return 0;
}

/* ------------------------------------------------------------------ strings and structures */

const char tcp_congestion_name[TCP_CA_NAME_MAX] = "reno"; /* the only one */

static int set_congestion(const void *value, socklen_t len)
{
	char name[TCP_CA_NAME_MAX] = "";

	if (len < 1)
		return -EINVAL;
	if (!value)
		return -EFAULT;
	memcpy(name, value, min_t(size_t, len, TCP_CA_NAME_MAX - 1));
	return strcmp(name, tcp_congestion_name) ? -ENOENT : 0;
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

void tcp_get_info(const struct sock *sk, struct tcp_info *info)
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
	if (sock_flag(sk, SOCK_FASTOPEN)) {
		const struct tcp_fastopen *fo = tcp_fastopen(sk);

		info->options |= (fo->syn_data_acked ? TCPI_OPT_SYN_DATA : 0) | (fo->child ? TCPI_OPT_TFO_CHILD : 0);
		info->fastopen_client_fail = fo->client_fail & 3;
	}
}

/* ------------------------------------------------------------------ entries */

int tcp_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	int v, err;

	if (name == TCP_CONGESTION)
		return set_congestion(value, len);
	if (name == TCP_ULP)
		return len < 1 ? -EINVAL : -ENOENT;
	if (tcp_is_fastopen_option(name))
		return tcp_fastopen_setsockopt(sk, name, value, len);
	err = option_int(value, len, &v);
	if (err)
		return err;
	if (tcp_is_repair_option(name))
		return tcp_repair_setsockopt(sk, name, value, len);
	return set_number(sk, name, v);
}

int tcp_getsockopt(struct sock *sk, int name, void *value, socklen_t *len)
{
	struct tcp_info info;
	int v, err;

	if (name == TCP_INFO) {
		tcp_get_info(sk, &info);
		return option_put(value, len, &info, sizeof(info));
	}
	if (name == TCP_CONGESTION)
		return option_put(value, len, tcp_congestion_name, sizeof(tcp_congestion_name));
	if (name == TCP_ULP)
		return option_put(value, len, "", 0);
	if (tcp_is_fastopen_option(name))
		return tcp_fastopen_getsockopt(sk, name, value, len);
	if (tcp_is_repair_option(name))
		return tcp_repair_getsockopt(sk, name, value, len);
	err = get_number(sk, name, &v);
	return err ? err : option_put(value, len, &v, sizeof(v));
}

uint32_t tcp_inq(const struct sock *sk)
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
