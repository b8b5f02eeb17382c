// SPDX-License-Identifier: MIT
/*
 * socket/option.c - setsockopt and getsockopt: the level, and the options of SOL_SOCKET
 *
 *	SOL_SOCKET            here
 *	SOL_IP, SOL_IPV6      inet/option.c
 *	SOL_TCP               tcp/option.c, by way of inet/
 *
 * Limits, what is shown back, and errors are Linux 6.18's, by experiment.
 */
#include "stack/socket/socket.h"

#include <errno.h>
#include <limits.h>
#include <sys/time.h>

enum { SOCK_MIN_SNDBUF = 4608, SOCK_MIN_RCVBUF = 2304 };
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif

/* Nothing here depends on them: kept, and shown again. */
static const struct shown_option shown[] = {
	{SOL_SOCKET, SO_DEBUG, 0},
	{SOL_SOCKET, SO_DONTROUTE, 1},
	{SOL_SOCKET, SO_BROADCAST, 2},
	{SOL_SOCKET, SO_NO_CHECK, 3},
	{SOL_SOCKET, SO_TIMESTAMP, 4},
	{SOL_SOCKET, SO_TIMESTAMPNS, 5},
	{SOL_SOCKET, SO_RXQ_OVFL, 6},
	{SOL_SOCKET, SO_BUSY_POLL, 7},
	{SOL_SOCKET, SO_SELECT_ERR_QUEUE, 8},
	{SOL_SOCKET, SO_PREFER_BUSY_POLL, 9},
};

/* ------------------------------------------------------------------ setting */

/* Shares of the bind table are by kind: reuse, reuseport, listening. */
static void set_reuse(struct sock *sk, bool reuse, bool reuseport)
{
	if (sk->bind)
		inet_bind_count(sk, -1);
	sk->common.reuse = reuse;
	sk->common.reuseport = reuseport;
	if (sk->bind)
		inet_bind_count(sk, +1);
}

/* Twice what was asked for, as Linux, which counts its own overhead into it. */
static void set_sndbuf(struct sock *sk, uint32_t v)
{
	v = min_t(uint32_t, v, INT_MAX / 2);
	sock_set_flag(sk, SOCK_SNDBUF_LOCK);
	sk->sndbuf = max_t(uint32_t, v * 2, SOCK_MIN_SNDBUF);
	sk_stream_write_space(sk);
}

static void set_rcvbuf(struct sock *sk, uint32_t v)
{
	v = min_t(uint32_t, v, INT_MAX / 2);
	sock_set_flag(sk, SOCK_RCVBUF_LOCK);
	sk->rcvbuf = max_t(uint32_t, v * 2, SOCK_MIN_RCVBUF);
}

static void set_flag(struct sock *sk, enum sock_flag flag, bool on)
{
	if (on)
		sock_set_flag(sk, flag);
	else
		sock_reset_flag(sk, flag);
}

static int set_linger(struct sock *sk, const void *value, socklen_t len)
{
	struct sock_opts *own;
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, value, sizeof(l));
	if (l.l_onoff) { /* switching off keeps the time */
		own = sock_opts_own(sk);
		if (!own)
			return -ENOMEM;
		own->lingertime_s = (uint32_t)l.l_linger;
	}
	set_flag(sk, SOCK_LINGER, l.l_onoff);
	return 0;
}

/* To ticks, rounded up; 0 is no limit, and less than nothing means not to wait at all. */
static int set_timeout(struct sock *sk, bool receive, const void *value, socklen_t len)
{
	struct sock_opts *own;
	struct timeval tv;
	uint32_t ms = UINT32_MAX;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		ms = 0;
	else if ((tv.tv_sec || tv.tv_usec) && tv.tv_sec < UINT32_MAX / 1000)
		ms = (uint32_t)tv.tv_sec * 1000 + (uint32_t)(tv.tv_usec + 3999) / 4000 * 4;
	own = sock_opts_own(sk);
	if (!own)
		return -ENOMEM;
	if (receive)
		own->rcvtimeo_ms = ms;
	else
		own->sndtimeo_ms = ms;
	return 0;
}

/* Readers are woken for so much at once; the buffer must be able to hold it. */
static int set_rcvlowat(struct sock *sk, int v)
{
	bool locked = sock_flag(sk, SOCK_RCVBUF_LOCK);
	uint32_t cap = (locked ? sk->rcvbuf : (uint32_t)sk->net->sysctl.tcp_rmem[2]) >> 1;
	uint32_t want = min(v < 0 ? (uint32_t)INT_MAX : (uint32_t)v, cap);
	struct tcp_sock *tp = tcp_sk(sk);

	sk->rcvlowat = want ? want : 1;
	if (tp->rcv_nxt != tp->copied_seq)
		tcp_data_ready(sk); /* it may be enough now */
	if (!locked && want * 2 > sk->rcvbuf) {
		sk->rcvbuf = want * 2;
		if (tp->window_clamp && tp->window_clamp < want)
			tp->window_clamp = want;
	}
	return 0;
}

static int set_priority(struct sock *sk, int v)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return -ENOMEM;
	own->priority = (uint8_t)v;
	return 0;
}

static int set_mark(struct sock *sk, int v)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (!own)
		return -ENOMEM;
	own->mark = (uint32_t)v;
	return 0;
}

/* Those that are no int; 1: not one of them. */
static int set_struct(struct sock *sk, int name, const void *value, socklen_t len)
{
	switch (name) {
	case SO_LINGER:
		return set_linger(sk, value, len);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return set_timeout(sk, name == SO_RCVTIMEO, value, len);
	default:
		return 1;
	}
}

static int set_int(struct socket *socket, int name, int v)
{
	struct sock *sk = socket->sk;
	const struct shown_option *o = shown_option_find(shown, ARRAY_SIZE(shown), SOL_SOCKET, name);

	if (o)
		return shown_option_set(sk, o, v);
	switch (name) {
	case SO_REUSEADDR:
		set_reuse(sk, v, sk->common.reuseport);
		sock_reset_flag(sk, SOCK_FORCE_REUSE);
		return 0;
	case SO_REUSEPORT:
		set_reuse(sk, sk->common.reuse, v);
		return 0;
	case SO_SNDBUF:
		set_sndbuf(sk, min((uint32_t)v, (uint32_t)sk->net->sysctl.wmem_max));
		return 0;
	case SO_RCVBUF:
		set_rcvbuf(sk, min((uint32_t)v, (uint32_t)sk->net->sysctl.rmem_max));
		return 0;
	case SO_SNDBUFFORCE:
		set_sndbuf(sk, v < 0 ? 0 : (uint32_t)v);
		return 0;
	case SO_RCVBUFFORCE:
		set_rcvbuf(sk, v < 0 ? 0 : (uint32_t)v);
		return 0;
	case SO_KEEPALIVE:
		tcp_set_keepalive(sk, v);
		set_flag(sk, SOCK_KEEPOPEN, v);
		return 0;
	case SO_OOBINLINE:
		set_flag(sk, SOCK_URGINLINE, v);
		return 0;
	case SO_RCVLOWAT:
		return set_rcvlowat(sk, v);
	case SO_PRIORITY:
		return set_priority(sk, v);
	case SO_MARK:
		return set_mark(sk, v);
	case SO_ZEROCOPY:
		if (v < 0 || v > 1)
			return -EINVAL;
		set_flag(sk, SOCK_ZEROCOPY, v);
		return 0;
	case SO_BSDCOMPAT:
		return 0;
	default: /* also those that can only be read */
		return -ENOPROTOOPT;
	}
}

int sock_setsockopt(struct socket *socket, int level, int name, const void *value, socklen_t len)
{
	int v, err;

	if ((int)len < 0)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return inet_setsockopt(socket->sk, level, name, value, len);
	if (name == SO_BINDTODEVICE)
		return len && value && *(const char *)value ? -ENODEV : 0;
	err = option_int(value, len, &v);
	if (err)
		return err;
	err = set_struct(socket->sk, name, value, len);
	return err == 1 ? set_int(socket, name, v) : err;
}

/* ------------------------------------------------------------------ showing */

/* A negative time means no limit. Linux keeps the longest time there is and shows the lower half of that in seconds. */
#define LINGER_FOREVER_SHOWN (-1752346657)

static int get_linger(const struct sock *sk, void *value, socklen_t *len)
{
	int32_t s = (int32_t)sk->opts->lingertime_s;
	struct linger l = {.l_onoff = sock_flag(sk, SOCK_LINGER), .l_linger = s < 0 ? LINGER_FOREVER_SHOWN : s};

	return option_put(value, len, &l, sizeof(l));
}

static int get_timeout(uint32_t ms, void *value, socklen_t *len)
{
	struct timeval tv = {0};

	if (ms != UINT32_MAX)
		tv = (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	return option_put(value, len, &tv, sizeof(tv));
}

/* The pending error, else the last soft one; cleared (SP-07). */
static int get_error(struct sock *sk)
{
	int err = -sock_error(sk);

	if (!err) {
		err = sk->err_soft;
		sk->err_soft = 0;
	}
	return err;
}

static int get_int(struct socket *socket, int name, int *v)
{
	struct sock *sk = socket->sk;
	const struct shown_option *o = shown_option_find(shown, ARRAY_SIZE(shown), SOL_SOCKET, name);

	if (o) {
		*v = shown_option_get(sk, o);
		return 0;
	}
	switch (name) {
	case SO_TYPE:
		*v = sk->type;
		break;
	case SO_PROTOCOL:
		*v = IPPROTO_TCP;
		break;
	case SO_DOMAIN:
		*v = sk->common.family;
		break;
	case SO_ERROR:
		*v = get_error(sk);
		break;
	case SO_ACCEPTCONN:
		*v = sk->common.state == TCP_LISTEN;
		break;
	case SO_REUSEADDR:
		*v = sock_flag(sk, SOCK_FORCE_REUSE) ? 2 : sk->common.reuse;
		break;
	case SO_REUSEPORT:
		*v = sk->common.reuseport;
		break;
	case SO_SNDBUF:
		*v = (int)sk->sndbuf;
		break;
	case SO_RCVBUF:
		*v = (int)sk->rcvbuf;
		break;
	case SO_KEEPALIVE:
		*v = sock_flag(sk, SOCK_KEEPOPEN);
		break;
	case SO_OOBINLINE:
		*v = sock_flag(sk, SOCK_URGINLINE);
		break;
	case SO_RCVLOWAT:
		*v = (int)sk->rcvlowat;
		break;
	case SO_SNDLOWAT:
		*v = 1;
		break;
	case SO_PRIORITY:
		*v = sk->opts->priority;
		break;
	case SO_MARK:
		*v = (int)sk->opts->mark;
		break;
	case SO_ZEROCOPY:
		*v = sock_flag(sk, SOCK_ZEROCOPY);
		break;
	case SO_BSDCOMPAT:
	case SO_INCOMING_NAPI_ID:
		*v = 0;
		break;
	case SO_INCOMING_CPU:
		*v = -1;
		break;
	case SO_TXREHASH:
		*v = 1;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return 0;
}

int sock_getsockopt(struct socket *socket, int level, int name, void *value, socklen_t *len)
{
	struct sock *sk = socket->sk;
	int v, err;

	if (!len)
		return -EFAULT;
	if (level != SOL_SOCKET)
		return inet_getsockopt(sk, level, name, value, len);
	if ((int)*len < 0)
		return -EINVAL;
	switch (name) {
	case SO_LINGER:
		return get_linger(sk, value, len);
	case SO_RCVTIMEO:
		return get_timeout(sk->opts->rcvtimeo_ms, value, len);
	case SO_SNDTIMEO:
		return get_timeout(sk->opts->sndtimeo_ms, value, len);
	case SO_COOKIE:
		return *len < sizeof(sk->id) ? -EINVAL : option_put(value, len, &sk->id, sizeof(sk->id));
	case SO_BINDTODEVICE:
		*len = 0;
		return 0;
	case SO_PEERNAME: {
		struct sockaddr_storage name_of;
		socklen_t n = sizeof(name_of);

		err = inet_getname(sk, true, (struct sockaddr *)&name_of, &n);
		if (!err && n < *len)
			err = -EINVAL;
		return err ? err : option_put(value, len, &name_of, n);
	}
	default:
		err = get_int(socket, name, &v);
		return err ? err : option_put(value, len, &v, sizeof(v));
	}
}
