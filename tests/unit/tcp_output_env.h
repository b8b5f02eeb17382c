/* SPDX-License-Identifier: MIT */
/* tests/unit/tcp_output_env.h - one established sock on 10.0.0.1:80 whose peer 10.0.0.2:1234 is the test, and a clock */
#ifndef TCP_OUTPUT_ENV_H
#define TCP_OUTPUT_ENV_H

#include "ip_net.h"
#include "stack/tcp/output.h"

#define ISS 1000u /* so that our first byte is 1001 */
#define MSS 1000u

struct tcp_env {
	struct ip_net n;
	struct sock *sk;
	struct tcp_sock *tp;
	uint64_t begin_ns;
};

/* what a frame that was sent says */
struct said {
	uint32_t seq, ack, len;
	uint8_t flags;
	uint16_t wnd;
};

static inline struct said said(const struct tcp_env *e, int i)
{
	const uint8_t *p;

	assert_in_range(i, 0, e->n.sent_count - 1);
	p = e->n.sent[i] + 20;
	return (struct said){
		.seq = get_be32(p + 4),
		.ack = get_be32(p + 8),
		.flags = p[13],
		.wnd = get_be16(p + 14),
		.len = (uint32_t)e->n.sent_len[i] - 20 - (p[12] >> 4) * 4,
	};
}
#define ASSERT_SAID(e, i, want_flags, from, length)                          \
	do {                                                                 \
		struct said s_ = said(e, i);                                 \
		assert_int_equal(s_.flags, want_flags);                      \
		assert_int_equal(s_.seq - ISS, from);                        \
		assert_int_equal(s_.len, length);                            \
	} while (0)

static inline uint64_t counter(const struct tcp_env *e, enum mib m) { return e->n.net.mib[m]; }

static inline void set_now(struct tcp_env *e, uint64_t now_ns)
{
	net_set_now(&e->n.net, now_ns);
}
static inline double now_s(const struct tcp_env *e) { return (double)(e->n.net.now_ns - e->begin_ns) / 1e9; }

/* Lets the next deadline within @ms come to pass; false: there was none, and the time is over. */
static inline bool next_deadline(struct tcp_env *e, uint64_t ms)
{
	struct net *net = &e->n.net;
	uint64_t until = net->now_ns + ms * NSEC_PER_MSEC;
	struct timer *t;
	uint32_t tick;

	while (wheel_next(&net->wheel, &tick) && tick * TICK_NSEC <= until) {
		set_now(e, max(net->now_ns, tick * TICK_NSEC));
		t = wheel_pop(&net->wheel, net->jiffies);
		if (!t)
			continue; /* it has only moved down a level */
		tcp_sock_timer(sk_from_common(container_of(t, struct sock_common, timer)));
		return true;
	}
	set_now(e, until);
	wheel_pop(&net->wheel, net->jiffies);
	return false;
}

static inline void run_ms(struct tcp_env *e, uint64_t ms)
{
	uint64_t until = e->n.net.now_ns + ms * NSEC_PER_MSEC;

	while (e->n.net.now_ns < until && next_deadline(e, (until - e->n.net.now_ns) / NSEC_PER_MSEC))
		;
}

/* Until the sock is given up, or @limit_s have passed; returns the second. */
static inline double run_to_close(struct tcp_env *e, double limit_s)
{
	while (e->sk->common.state != TCP_CLOSE && now_s(e) < limit_s && next_deadline(e, 1000000))
		ip_net_forget(&e->n);
	return now_s(e);
}

/* As write(2) leaves them: one unit, PSH at its end. */
static inline struct sk_buff *queue(struct tcp_env *e, uint32_t len)
{
	struct sk_buff *skb = skb_alloc(&e->n.net.skbs, len);

	assert_non_null(skb);
	for (uint32_t i = 0; i < len; i++)
		skb->head[i] = (uint8_t)((e->tp->write_seq + i) % 251);
	skb->len = len;
	skb->seq = e->tp->write_seq;
	skb->end_seq = e->tp->write_seq += len;
	skb->tcp_flags = TCPHDR_PSH;
	e->sk->wmem_queued += len;
	skb_queue_tail(&e->tp->write_queue, skb);
	return skb;
}

static inline void push(struct tcp_env *e) { tcp_push_pending_frames(e->sk); }

/* The program has closed it: an orphan with one reference, its own. */
static inline void orphan(struct tcp_env *e) { sock_set_flag(e->sk, SOCK_DEAD); }

/* The RTT is 10 ms, the RTO 212 ms (200 ms, the RTT, and all of the last tick), the window 65535 bytes, the congestion window ten segments. No option is in use. */
static inline void tcp_env_init(struct tcp_env *e)
{
	struct tcp_sock *tp;

	ip_net_init(&e->n);
	assert_int_equal(hashinfo_init(&e->n.net), 0);
	assert_int_equal(tcp_init(&e->n.net), 0);
	e->begin_ns = e->n.net.now_ns;
	set_now(e, e->begin_ns);
	e->sk = tcp_create_sock(&e->n.net, AF_INET);
	assert_non_null(e->sk);
	e->tp = tp = tcp_sk(e->sk);
	e->sk->rcv_saddr = A("10.0.0.1");
	e->sk->daddr = A("10.0.0.2");
	e->sk->common.num = 80;
	e->sk->common.dport = 1234;
	e->sk->common.v4 = 1;
	e->sk->sndbuf = 1 << 20;
	tcp_set_state(e->sk, TCP_SYN_SENT, CAUSE_connect);
	tcp_set_state(e->sk, TCP_ESTABLISHED, CAUSE_handshake_done);
	tp->snd_una = tp->snd_nxt = tp->write_seq = tp->snd_sml = tp->snd_up = tp->pushed_seq = ISS + 1;
	tp->snd_wnd = tp->max_window = 65535;
	tp->mss_clamp = MSS;
	tcp_sync_mss(e->sk, 1500);
	tp->advmss = 1460;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = 5001;
	tp->rcv_wnd = 64240;
	tp->window_clamp = tp->rcv_ssthresh = 64076;
	tp->rcv_mss = 536;
	tp->srtt_us = 10000 << 3;
	tp->min_rtt_us = 10000;
	tp->rttvar_us = tp->mdev_max_us = 200000;
	tcp_set_rto(e->sk);
	tp->rcv_tstamp_ms = tp->lrcvtime_ms = tp->lsndtime_ms = net_time_ms(&e->n.net);
	tcp_update_pacing_rate(e->sk);
}

static inline void tcp_env_exit(struct tcp_env *e)
{
	struct net *net = &e->n.net;

	if (e->sk->common.state != TCP_CLOSE) {
		sock_reset_flag(e->sk, SOCK_DEAD);
		tcp_done(e->sk, CAUSE_none);
	}
	if (e->sk->refcnt)
		sock_put(e->sk);
	sock_reap(net, tcp_destroy_sock);
	tcp_exit(net);
	hashinfo_exit(net);
	ip_net_exit(&e->n);
}

static struct tcp_env e;

static inline int setup(void **state)
{
	(void)state;
	memset(&e, 0, sizeof(e));
	tcp_env_init(&e);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	tcp_env_exit(&e);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
