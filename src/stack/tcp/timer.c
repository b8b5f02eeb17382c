// SPDX-License-Identifier: MIT
/*
 * tcp/timer.c - the deadlines of a sock
 *
 *	SOCK_RETRANS     one of: retransmission   nothing was acknowledged for an RTO         TM-01 .. TM-03, TM-07, TM-08, OR-02
 *	                         probe            something waits, nothing is in flight       TM-04, TM-05, TM-10, OR-04
 *	                         loss probe       the tail may be lost (probe.c)              TM-06
 *	SOCK_DELACK      an ACK has waited for a segment to carry it long enough
 *	SOCK_KEEPALIVE   keepalive, KA; of an orphan in FIN_WAIT2: its end, F2-15, F2-18
 *
 * One wheel timer stands for all three. It is armed for a tick that is not after the first of them: a deadline that moves
 * later or goes away leaves it where it is, and it fires early, finds nothing due, and is armed for what is left. So the
 * timer of a busy connection is hardly ever moved.
 *
 * A deadline is the first tick at which the time has passed in full. What ends a connection goes through write_err().
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/output.h"

/* ------------------------------------------------------------------ three deadlines, one timer */

void tcp_set_deadline(struct sock *sk, enum sock_deadline which, uint32_t tick)
{
	struct timer *t = &sk->common.timer;

	sk->deadline[which] = tick;
	sk->deadlines |= 1u << which;
	if (!timer_armed(t) || before(tick, t->expires))
		timer_arm(&sk->net->wheel, t, tick);
}

void tcp_clear_deadline(struct sock *sk, enum sock_deadline which)
{
	sk->deadlines &= ~(1u << which);
	if (which == SOCK_RETRANS)
		tcp_sk(sk)->retrans_kind = ICSK_TIME_NONE;
}

static void arm_for_next(struct sock *sk)
{
	uint32_t next = 0;
	bool any = false;

	for (unsigned i = 0; i < SOCK_DEADLINES; i++) {
		if (!tcp_deadline_set(sk, i) || (any && !before(sk->deadline[i], next)))
			continue;
		next = sk->deadline[i];
		any = true;
	}
	if (any)
		timer_arm(&sk->net->wheel, &sk->common.timer, next);
}

void tcp_reset_xmit_timer(struct sock *sk, int what, uint32_t when_j)
{
	tcp_sk(sk)->retrans_kind = (uint8_t)what;
	tcp_set_deadline(sk, SOCK_RETRANS, tick_after_jiffies(sk->net, min(when_j, tcp_rto_max_j(sk))));
}

void tcp_reset_keepalive_timer(struct sock *sk, uint32_t in_j)
{
	tcp_set_deadline(sk, SOCK_KEEPALIVE, tick_after_jiffies(sk->net, in_j));
}

/* ------------------------------------------------------------------ settings: the sock's own, or the stack's */

uint32_t tcp_rto_min_us(const struct sock *sk)
{
	return unlikely(sk->opts->rto_min_us) ? sk->opts->rto_min_us : (uint32_t)sk->net->sysctl.tcp_rto_min_us;
}

uint32_t tcp_rto_min_j(const struct sock *sk)
{
	return usecs_to_jiffies(tcp_rto_min_us(sk));
}

uint32_t tcp_rto_max_j(const struct sock *sk)
{
	uint32_t own = sk->opts->rto_max_ms;

	return msecs_to_jiffies(unlikely(own) ? own : (uint32_t)sk->net->sysctl.tcp_rto_max_ms);
}

static uint32_t seconds_to_ms(int32_t s)
{
	return (uint32_t)min_t(uint64_t, (uint64_t)s * 1000, INT32_MAX);
}

uint32_t tcp_keepalive_time_ms(const struct sock *sk)
{
	return sk->opts->keepalive_time_ms ? sk->opts->keepalive_time_ms : seconds_to_ms(sk->net->sysctl.tcp_keepalive_time);
}

uint32_t tcp_keepalive_intvl_ms(const struct sock *sk)
{
	return sk->opts->keepalive_intvl_ms ? sk->opts->keepalive_intvl_ms :
					      seconds_to_ms(sk->net->sysctl.tcp_keepalive_intvl);
}

static uint32_t keepalive_probes(const struct sock *sk)
{
	return sk->opts->keepalive_probes ? sk->opts->keepalive_probes : (uint32_t)sk->net->sysctl.tcp_keepalive_probes;
}

int tcp_synack_retries(const struct sock *listener)
{
	return listener->opts->syn_retries ? listener->opts->syn_retries : listener->net->sysctl.tcp_synack_retries;
}

/* ------------------------------------------------------------------ giving up */

static void write_err(struct sock *sk, enum tcp_cause cause)
{
	NET_INC(sk->net, MIB_TcpExt_TCPAbortOnTimeout);
	tcp_done_with_error(sk, sk->err_soft ? sk->err_soft : ETIMEDOUT, cause);
}

/* Why an unanswered sock is given up: the program said so, or nobody owns it, or it was tried long enough. */
static enum tcp_cause timeout_cause(const struct sock *sk, enum tcp_cause usual)
{
	if (sk->opts->user_timeout_ms)
		return CAUSE_timeout_user;
	return sock_flag(sk, SOCK_DEAD) ? CAUSE_timeout_orphan : usual;
}

/* OR-05: too many orphans; who has sent nothing for long, or is known to be unreachable, counts double. True: it is gone. */
static bool out_of_resources(struct sock *sk, bool do_reset)
{
	struct tcp_sock *tp = tcp_sk(sk);
	int32_t since_data = (int32_t)(net_time_ms(sk->net) - tp->lsndtime_ms);
	unsigned shift = 0;

	if (since_data > 2 * (int32_t)jiffies_to_msecs(tcp_rto_max_j(sk)) || !do_reset)
		shift++;
	if (sk->err_soft)
		shift++;
	if (!tcp_check_oom(sk, shift))
		return false;
	if (since_data <= TCP_TIMEWAIT_MS || (!tp->snd_wnd && !tp->packets_out))
		do_reset = true;
	if (do_reset)
		tcp_send_active_reset(sk, CAUSE_orphan_limit);
	NET_INC(sk->net, MIB_TcpExt_TCPAbortOnMemory);
	tcp_done(sk, CAUSE_orphan_limit);
	return true;
}

/* @alive: the RTO is not at its maximum yet. */
static uint32_t orphan_retries(const struct sock *sk, bool alive)
{
	uint32_t retries = (uint32_t)sk->net->sysctl.tcp_orphan_retries;

	if (sk->err_soft && !alive)
		retries = 0;
	return !retries && alive ? 8 : retries;
}

/* "Model time" (TM-02): what @boundary retransmissions take that begin after @rto_base_j and double up to @rto_max_j. */
uint32_t tcp_model_timeout_ms(uint32_t boundary, uint32_t rto_base_j, uint32_t rto_max_j)
{
	uint32_t doublings = rto_max_j > rto_base_j ? ilog2(rto_max_j / rto_base_j) : 0;
	uint64_t j;

	if (boundary <= doublings)
		j = ((2ull << boundary) - 1) * rto_base_j;
	else
		j = ((2ull << doublings) - 1) * rto_base_j + (uint64_t)(boundary - doublings) * rto_max_j;
	return (uint32_t)min_t(uint64_t, j * 4, INT32_MAX);
}

/* Counted from the first retransmission; for a SYN from its first sending. @timeout_ms 0: the model's time. */
static bool retransmits_timed_out(const struct sock *sk, uint32_t boundary, uint32_t timeout_ms)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t base_j = sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV) ? TCP_TIMEOUT_INIT_J : HZ / 5;

	if (!tp->retransmits)
		return false;
	if (!timeout_ms)
		timeout_ms = tcp_model_timeout_ms(boundary, base_j, tcp_rto_max_j(sk));
	return (int32_t)(net_time_ms(sk->net) - tp->retrans_stamp_ms - timeout_ms) >= 0;
}

/* True: the sock is given up. */
static bool write_timeout(struct sock *sk)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t retry_until = (uint32_t)sysctl->tcp_retries2;
	bool expired = false;

	if (sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		uint32_t most;

		retry_until = sk->opts->syn_retries ? sk->opts->syn_retries : (uint32_t)sysctl->tcp_syn_retries;
		most = retry_until + (sk->common.state == TCP_SYN_SENT ? (uint32_t)sysctl->tcp_syn_linear_timeouts : 0);
		expired = tp->retransmits >= most;
	} else if (sock_flag(sk, SOCK_DEAD)) {
		bool alive = tp->rto_j < tcp_rto_max_j(sk);

		retry_until = orphan_retries(sk, alive);
		if (out_of_resources(sk, alive || !retransmits_timed_out(sk, retry_until, 0)))
			return true;
	}
	expired = expired || retransmits_timed_out(sk, retry_until, sk->opts->user_timeout_ms);
	if (sock_flag(sk, SOCK_FASTOPEN))
		tcp_fastopen_detect_blackhole(sk, expired);
	if (expired) {
		write_err(sk, timeout_cause(sk, CAUSE_timeout_retries));
		return true;
	}
	NET_INC(sk->net, MIB_TcpExt_TcpTimeoutRehash); /* Linux then tries another path of equal cost */
	return false;
}

/* ------------------------------------------------------------------ retransmission */

/* TM-03: the RTO is shortened so as to end where the user's time ends. */
static uint32_t clamp_rto_to_user_timeout(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int32_t left;

	if (!sk->opts->user_timeout_ms)
		return tp->rto_j;
	left = (int32_t)(sk->opts->user_timeout_ms - (net_time_ms(sk->net) - tp->retrans_stamp_ms));
	return left > 0 ? min(tp->rto_j, msecs_to_jiffies((uint32_t)left)) : 1;
}

/* Unless it was the SYN, whose first repetitions are equally spaced (HS-06), or the stream is thin and the program of a mind. */
static void back_off(struct sock *sk)
{
	const struct sysctls *sysctl = &sk->net->sysctl;
	struct tcp_sock *tp = tcp_sk(sk);
	bool thin = tp->packets_out < 4 && tp->snd_ssthresh < TCP_INFINITE_SSTHRESH;

	if (sk->common.state == TCP_ESTABLISHED && sysctl->tcp_thin_linear_timeouts && thin && tp->retransmits <= 6) {
		tp->backoff = 0;
		tcp_set_rto(sk);
		tp->rto_j = max(tp->rto_j, tcp_rto_min_j(sk));
	} else if (sk->common.state != TCP_SYN_SENT || tp->syn_retries_done > sysctl->tcp_syn_linear_timeouts) {
		tp->backoff++;
		tp->rto_j = min(tp->rto_j << 1, tcp_rto_max_j(sk));
	}
	tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, clamp_rto_to_user_timeout(sk));
}

/* TM-07: the peer took its window back. It may answer for ever, but must answer. */
static bool probed_in_vain(const struct sock *sk, const struct sk_buff *head)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_ms(sk->net), user = sk->opts->user_timeout_ms;
	uint32_t most = 2 * jiffies_to_msecs(tcp_rto_max_j(sk));
	uint32_t since_sent = now - (tp->retrans_stamp_ms ? tp->retrans_stamp_ms : (uint32_t)(head->sent_ns / NSEC_PER_MSEC));

	if (user && since_sent > user)
		return true;
	if (user)
		most = min(most, user);
	return (int32_t)(now - tp->rcv_tstamp_ms) > (int32_t)most && since_sent > most;
}

static void count_failed_recovery(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (tp->ca_state == TCP_CA_Recovery)
		NET_INC(sk->net, tp->sack_ok ? MIB_TcpExt_TCPSackRecoveryFail : MIB_TcpExt_TCPRenoRecoveryFail);
	else if (tp->ca_state == TCP_CA_Loss)
		NET_INC(sk->net, MIB_TcpExt_TCPLossFailures);
	else if (tp->ca_state == TCP_CA_Disorder || tp->sacked_out)
		NET_INC(sk->net, tp->sack_ok ? MIB_TcpExt_TCPSackFailures : MIB_TcpExt_TCPRenoFailures);
}

static void tcp_retransmit_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	struct sk_buff *head = tcp_rtx_queue_head(sk);

	if (sock_flag(sk, SOCK_FASTOPEN_REQ)) {
		tcp_fastopen_synack_timer(sk);
		return;
	}
	if (!head)
		return;
	tp->tlp_high_seq = 0; /* no answer to a loss probe either: the next episode may have one of its own */
	if (!tp->snd_wnd && !sock_flag(sk, SOCK_DEAD) && !sk_in(sk, TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (probed_in_vain(sk, head)) {
			write_err(sk, timeout_cause(sk, CAUSE_timeout_probes));
			return;
		}
		tcp_enter_loss(sk);
		tcp_retransmit_skb(sk, head, 1);
		back_off(sk);
		return;
	}

	NET_INC(sk->net, MIB_TcpExt_TCPTimeouts);
	if (write_timeout(sk))
		return;
	if (!tp->retransmits)
		count_failed_recovery(sk);
	tcp_enter_loss(sk);
	if (tp->retransmits < UINT8_MAX)
		tp->retransmits++;
	if (tp->syn_retries_done < UINT8_MAX && sk->common.state == TCP_SYN_SENT)
		tp->syn_retries_done++;
	if (tcp_local_congestion(tcp_retransmit_skb(sk, tcp_rtx_queue_head(sk), 1)))
		tcp_reset_xmit_timer(sk, ICSK_TIME_RETRANS, TCP_RESOURCE_PROBE_INTERVAL_J); /* TM-08: nothing left us */
	else
		back_off(sk);
}

/* ------------------------------------------------------------------ probes of a closed window */

uint32_t tcp_probe0_base_j(const struct sock *sk)
{
	return max(tcp_sk(sk)->rto_j, HZ / 5);
}

uint32_t tcp_probe0_when_j(const struct sock *sk, uint32_t max_j)
{
	unsigned most = ilog2(120 * HZ / (HZ / 5)) + 1, backoff = min_t(unsigned, most, tcp_sk(sk)->backoff);

	return (uint32_t)min_t(uint64_t, (uint64_t)tcp_probe0_base_j(sk) << backoff, max_j);
}

void tcp_check_probe_timer(struct sock *sk)
{
	if (!tcp_sk(sk)->packets_out && tcp_sk(sk)->retrans_kind == ICSK_TIME_NONE)
		tcp_reset_xmit_timer(sk, ICSK_TIME_PROBE0, tcp_probe0_base_j(sk));
}

/* TM-05 */
uint32_t tcp_clamp_probe0_to_user_timeout(const struct sock *sk, uint32_t when_j)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int32_t left;

	if (!sk->opts->user_timeout_ms || !tp->probes_tstamp_ms)
		return when_j;
	left = (int32_t)(sk->opts->user_timeout_ms - (net_time_ms(sk->net) - tp->probes_tstamp_ms));
	return min(when_j, max_t(uint32_t, msecs_to_jiffies((uint32_t)max(left, 0)), TCP_TIMEOUT_MIN_J));
}

static void tcp_probe_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t max_probes = (uint32_t)sk->net->sysctl.tcp_retries2, now = net_time_ms(sk->net);
	bool give_up = false;

	if (tp->packets_out || !tp->write_queue) {
		tp->probes_out = 0;
		tp->probes_tstamp_ms = 0;
		return;
	}
	if (!tp->probes_tstamp_ms)
		tp->probes_tstamp_ms = max(now, 1u);
	else if (sk->opts->user_timeout_ms)
		give_up = (int32_t)(now - tp->probes_tstamp_ms - sk->opts->user_timeout_ms) >= 0;
	if (!give_up && sock_flag(sk, SOCK_DEAD)) {
		bool alive = (uint64_t)tp->rto_j << min_t(unsigned, tp->backoff, 32) < tcp_rto_max_j(sk);

		max_probes = orphan_retries(sk, alive);
		give_up = !alive && tp->backoff >= max_probes; /* OR-04: answered or not */
		if (!give_up && out_of_resources(sk, true))
			return;
	}
	if (give_up || tp->probes_out >= max_probes)
		write_err(sk, timeout_cause(sk, CAUSE_timeout_probes));
	else
		tcp_send_probe0(sk);
}

static void tcp_write_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint8_t kind = tp->retrans_kind;

	if (kind == ICSK_TIME_LOSS_PROBE) {
		tcp_send_loss_probe(sk);
		return;
	}
	tp->retrans_kind = ICSK_TIME_NONE;
	if (kind == ICSK_TIME_RETRANS)
		tcp_retransmit_timer(sk);
	else if (kind == ICSK_TIME_PROBE0)
		tcp_probe_timer(sk);
}

/* ------------------------------------------------------------------ delayed ACK */

static void tcp_delack_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!(tp->ack.pending & ICSK_ACK_TIMER))
		return;
	tp->ack.pending &= ~ICSK_ACK_TIMER;
	if (!(tp->ack.pending & ICSK_ACK_SCHED))
		return;
	if (tp->ack.pingpong >= sk->net->sysctl.tcp_pingpong_thresh) {
		tp->ack.pingpong = 0; /* no answer came to carry it: no dialogue after all */
		tp->ack.ato_j = TCP_ATO_MIN_J;
	} else {
		tp->ack.ato_j = min(tp->ack.ato_j << 1, tp->rto_j); /* nor another segment: wait longer */
	}
	tcp_send_ack(sk);
	NET_INC(sk->net, MIB_TcpExt_DelayedACKs);
}

/* ------------------------------------------------------------------ keepalive, and the end of an orphan */

void tcp_set_keepalive(struct sock *sk, bool on)
{
	if (sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		return;
	if (on && !sock_flag(sk, SOCK_KEEPOPEN))
		tcp_reset_keepalive_timer(sk, msecs_to_jiffies(tcp_keepalive_time_ms(sk)));
	else if (!on)
		tcp_clear_deadline(sk, SOCK_KEEPALIVE);
}

/* F2-15: it becomes a stand-in for as long again; F2-18: it ends with a RST. */
static void orphan_in_fin_wait2(struct sock *sk)
{
	if (sk->opts->linger2_s >= 0 && tcp_fin_time(sk) > msecs_to_jiffies(TCP_TIMEWAIT_MS)) {
		tcp_time_wait(sk, true, tcp_fin_time(sk) - msecs_to_jiffies(TCP_TIMEWAIT_MS), CAUSE_fin_wait2_standin);
		return;
	}
	tcp_send_active_reset(sk, CAUSE_timeout_fin_wait2);
	tcp_done(sk, CAUSE_timeout_fin_wait2);
}

/* Nothing was heard of the peer for @idle_ms: has it been asked often enough? */
static bool peer_is_gone(const struct sock *sk, uint32_t idle_ms)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	uint32_t user = sk->opts->user_timeout_ms;

	if (user) /* KA-04 */
		return idle_ms >= user && tp->probes_out;
	return tp->probes_out >= keepalive_probes(sk);
}

static void tcp_keepalive_timer(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	uint32_t now = net_time_ms(sk->net), time = tcp_keepalive_time_ms(sk), idle;

	if (sk->common.state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD)) {
		orphan_in_fin_wait2(sk);
		return;
	}
	if (!sock_flag(sk, SOCK_KEEPOPEN) || sk_in(sk, TCPF_CLOSE | TCPF_SYN_SENT | TCPF_LISTEN))
		return;
	if (tp->packets_out || tp->write_queue) { /* KA-05: other timers watch over it */
		tcp_reset_keepalive_timer(sk, msecs_to_jiffies(time));
		return;
	}
	idle = min(now - tp->lrcvtime_ms, now - tp->rcv_tstamp_ms);
	if (idle < time) {
		tcp_reset_keepalive_timer(sk, msecs_to_jiffies(time - idle));
		return;
	}
	if (peer_is_gone(sk, idle)) {
		tcp_send_active_reset(sk, CAUSE_timeout_keepalive);
		write_err(sk, CAUSE_timeout_keepalive);
		return;
	}
	if (tcp_local_congestion(tcp_write_wakeup(sk, MIB_TcpExt_TCPKeepAlive))) {
		tcp_reset_keepalive_timer(sk, TCP_RESOURCE_PROBE_INTERVAL_J);
		return;
	}
	tp->probes_out++;
	tcp_reset_keepalive_timer(sk, msecs_to_jiffies(tcp_keepalive_intvl_ms(sk)));
}

/* ------------------------------------------------------------------ */

void tcp_sock_timer(struct sock *sk)
{
	static void (*const handlers[SOCK_DEADLINES])(struct sock *sk) = {
		[SOCK_RETRANS] = tcp_write_timer,
		[SOCK_DELACK] = tcp_delack_timer,
		[SOCK_KEEPALIVE] = tcp_keepalive_timer,
	};

	for (unsigned i = 0; i < SOCK_DEADLINES; i++) {
		if (!tcp_deadline_set(sk, i) || after(sk->deadline[i], sk->net->jiffies))
			continue;
		sk->deadlines &= ~(1u << i); /* what it was armed for is the handler's to look at */
		handlers[i](sk);
	}
	arm_for_next(sk);
}
