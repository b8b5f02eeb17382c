// SPDX-License-Identifier: MIT
/*
 * life/close.c - close(2), from the number to the FIN
 *
 *   sys_close      the number stops meaning anything and may be given out again
 *   filp_close     this process lets go; dup, fork, a message in flight or a call in progress may still hold the file
 *   fput           the last holder lets go ...
 *   __fput         ... and the file dies (epoll learns it first)
 *   sock_close     the file was a socket
 *   sock_release   the program's half ends here
 *   inet_release   how long may close wait?  linger, unless the process is exiting
 *   tcp_close      FIN, RST or silence
 *   tcp_orphan     now, or when the lingering is over: the network's half lives on alone while it has work, or ends here
 *
 * Everyone that drops a last reference comes by here: close, dup2, exec, exit, and a call in progress whose descriptor
 * was closed under it (FD-10). From __fput on the functions return whether close() has to wait: then @op stays pending,
 * as close_linger, until the FIN is acknowledged, the time is over, or a signal comes, and ends with the result it had.
 *
 * Linux keeps these bodies in five files and has two variants of the first three: docs/LINUX.md.
 */
#include "stack/life/life.h"
#include "stack/tcp/fastopen.h"

#include <errno.h>

static bool __fput(struct file *file, struct op *op);
static bool sock_close(struct file *file, struct op *op);
static bool sock_release(struct socket *socket, struct op *op);
static bool inet_release(struct socket *socket, struct op *op);
static bool tcp_close(struct sock *sk, struct op *op, uint32_t linger_s);
static void tcp_orphan(struct sock *sk);

/* ------------------------------------------------------------------ the file */

static void trace_step(const struct file *file, const char *function)
{
	if (unlikely(net_traced(file->net)) && file->ops == &socket_file_ops)
		tcp_trace_step(((struct socket *)file->private_data)->sk, function);
}

int64_t sys_close(struct op *op)
{
	struct file *file = fdtable_take(op->task->files, op->fd); /* takes the table's reference */

	if (!file)
		return -EBADF;
	trace_step(file, __func__);
	op_public(op)->result = 0; /* whatever becomes of the connection (FD-22) */
	return filp_close(file, op);
}

const struct op_class sys_close_class = {.name = "close", .try = sys_close};

int64_t filp_close(struct file *file, struct op *op)
{
	trace_step(file, __func__);
	return fput(file, op) ? OP_WAIT : 0;
}

bool fput(struct file *file, struct op *op)
{
	assert(file->count > 0);
	if (likely(--file->count))
		return false;
	trace_step(file, __func__);
	return __fput(file, op);
}

static bool __fput(struct file *file, struct op *op)
{
	struct slab_cache *files = &file->net->vfs->files;
	bool lingers;

	trace_step(file, __func__);
	eventpoll_release_file(file);
	lingers = file->ops->release(file, op);
	slab_free(files, file);
	return lingers;
}

/* ------------------------------------------------------------------ the program's half */

static bool sock_close(struct file *file, struct op *op)
{
	trace_step(file, __func__);
	return sock_release(file->private_data, op);
}

static bool sock_release(struct socket *socket, struct op *op)
{
	struct slab_cache *sockets = &socket->sk->net->vfs->sockets;

	tcp_trace_step(socket->sk, __func__);
	if (inet_release(socket, op))
		return true; /* the socket stays until close_linger ends */
	sock_free(sockets, socket);
	return false;
}

static bool inet_release(struct socket *socket, struct op *op)
{
	struct sock *sk = socket->sk;
	uint32_t linger_s = 0;

	tcp_trace_step(sk, __func__);
	if (sock_flag(sk, SOCK_LINGER) && op && !op->nonblock && !op->task->exiting)
		linger_s = sk->opts->lingertime_s;
	return tcp_close(sk, op, linger_s);
}

/* ------------------------------------------------------------------ the protocol */

/* From each state the one behind our FIN, whether a FIN is due, and the cause by which close() goes there. */
/* clang-format off */
#define CLOSE_TABLE(C) \
	C(ESTABLISHED,	FIN_WAIT1,	true,	close)			\
	C(SYN_SENT,	CLOSE,		false,	close_syn_sent)		\
	C(SYN_RECV,	FIN_WAIT1,	true,	close_syn_recv)		\
	C(FIN_WAIT1,	FIN_WAIT1,	false,	close_again)		\
	C(FIN_WAIT2,	FIN_WAIT2,	false,	close_fin_wait2)	\
	C(CLOSE,	CLOSE,		false,	close_closed)		\
	C(CLOSE_WAIT,	LAST_ACK,	true,	close_passive)		\
	C(LAST_ACK,	LAST_ACK,	false,	close_again)		\
	C(CLOSING,	CLOSING,	false,	close_again)
/* clang-format on */

static const struct {
	uint8_t next;
	bool fin;
	uint8_t cause;
} close_table[TCP_MAX_STATES] = {
#define CLOSE_ROW(state, next, fin, cause) [TCP_##state] = {TCP_##next, fin, CAUSE_##cause},
	CLOSE_TABLE(CLOSE_ROW)
#undef CLOSE_ROW
};

bool tcp_close_state(struct sock *sk, enum tcp_cause cause)
{
	unsigned state = sk->common.state;

	assert(close_table[state].next); /* listeners and the small socks do not come here */
	tcp_set_state(sk, close_table[state].next, cause);
	return close_table[state].fin;
}

/* What was received goes. True: the program has not read all of it; a FIN is no data (UR-05), and neither is what lies
 * behind a hole (UR-07). */
static bool tcp_drop_received(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	bool unread = false;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&tp->receive_queue)) != NULL) {
		unread |= after(skb->seq + skb->len, tp->copied_seq);
		sk->rmem_alloc -= skb->len;
		skb_free(&sk->net->skbs, skb);
	}
	return unread;
}

static void tcp_abort(struct sock *sk, enum mib counter, enum tcp_cause cause)
{
	NET_INC(sk->net, counter);
	tcp_set_state(sk, TCP_CLOSE, cause);
	tcp_send_active_reset(sk, cause);
}

/* The FIN, or what lies before it, is still on its way: sk_stream_closing(). */
static bool tcp_fin_unacked(const struct sock *sk)
{
	return sk_in(sk, TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK);
}

static void close_wait_on(struct op *op, struct sock *sk, uint32_t linger_s);

/*
 * The seven steps of linux-close.md section 2. What applies first of 3 to 6 decides:
 *
 *	1  nothing more is read or written
 *	2  a listener stops listening; else what was received goes
 *	3  closed already (reset, timed out, never connected): silence
 *	   in repair: silence
 *	4  the program did not read all: RST, whatever SO_LINGER says
 *	5  SO_LINGER with time 0: RST where the peer has to be told
 *	6  the state that lies behind our FIN, and the FIN where this is the moment for it
 *	7  SO_LINGER with a time: wait for the FIN's acknowledgement; then, as always, the orphan
 */
static bool tcp_close(struct sock *sk, struct op *op, uint32_t linger_s)
{
	enum tcp_cause cause = close_table[sk->common.state].cause;
	bool unread;

	tcp_trace_step(sk, __func__);
	sk->shutdown = SHUTDOWN_MASK; /* 1 */
	if (sk->common.state == TCP_LISTEN) {
		tcp_listen_stop(sk, CAUSE_close_listener); /* 2 */
		goto orphan;
	}
	unread = tcp_drop_received(sk);
	if (sk->common.state == TCP_CLOSE) /* 3 */
		goto orphan;

	if (unlikely(sock_flag(sk, SOCK_REPAIR))) {
		tcp_disconnect(sk, CAUSE_close_repair); /* it lives on elsewhere */
	} else if (unlikely(unread)) { /* 4 */
		tcp_abort(sk, MIB_TcpExt_TCPAbortOnClose, CAUSE_close_unread);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->opts->lingertime_s) { /* 5 */
		tcp_disconnect(sk, CAUSE_close_linger0);
		NET_INC(sk->net, MIB_TcpExt_TCPAbortOnData);
	} else if (tcp_close_state(sk, cause)) { /* 6 */
		tcp_send_fin(sk, cause);
	}

	if (unlikely(linger_s) && tcp_fin_unacked(sk)) { /* 7 */
		close_wait_on(op, sk, linger_s);
		return true;
	}
orphan:
	tcp_orphan(sk);
	return false;
}

/* ------------------------------------------------------------------ the orphan */

/* Nobody owns it any more: FIN_WAIT2 has a time limit now (section 6). True: a stand-in took its place. */
static bool tcp_orphan_fin_wait2(struct sock *sk)
{
	uint32_t limit_j = tcp_fin_time(sk), timewait_j = msecs_to_jiffies(TCP_TIMEWAIT_MS);

	if (sk->opts->linger2_s < 0) {
		tcp_abort(sk, MIB_TcpExt_TCPAbortOnLinger, CAUSE_close_linger2);
		return false;
	}
	if (limit_j > timewait_j) { /* too long for a stand-in: it waits itself at first (F2-15) */
		tcp_reset_keepalive_timer(sk, limit_j - timewait_j);
		return false;
	}
	tcp_time_wait(sk, true, limit_j, CAUSE_close_fin_wait2);
	return true;
}

static void tcp_orphan(struct sock *sk)
{
	tcp_trace_step(sk, __func__);
	sock_orphan(sk);
	if (sk->common.state == TCP_FIN_WAIT2 && tcp_orphan_fin_wait2(sk))
		return; /* tcp_time_wait() has dropped the socket's reference */
	if (sk->common.state != TCP_CLOSE) {
		tcp_count_orphan(sk);
		if (!tcp_check_oom(sk, 0))
			return; /* it keeps the socket's reference until tcp_done() */
		tcp_abort(sk, MIB_TcpExt_TCPAbortOnMemory, CAUSE_close_orphan_limit);
	}
	tcp_clear_deadlines(sk);
	if (sock_flag(sk, SOCK_FASTOPEN_REQ))
		tcp_fastopen_remove(sk, false);
	sock_put(sk);
}

/* ------------------------------------------------------------------ SO_LINGER: close() waits (section 5) */

/* Whatever call @op was, its result is there already; what is left is the parting of socket and sock. */
static int64_t close_linger_end(struct op *op)
{
	struct socket *socket = op->u.linger.socket;
	struct sock *sk = socket->sk;

	wait_remove(&op->wait); /* the queue is the socket's */
	tcp_orphan(sk);
	sock_free(&sk->net->vfs->sockets, socket);
	return op_public(op)->result;
}

static int64_t close_linger_try(struct op *op)
{
	return tcp_fin_unacked(op->u.linger.socket->sk) ? OP_WAIT : close_linger_end(op);
}

/* Its time over or a signal: 0 all the same, and closing goes on without the program (LG-07, LG-18). */
static const struct op_class close_linger = {
	.name = "close",
	.try = close_linger_try,
	.expired = close_linger_end,
	.interrupted = close_linger_end,
};

#define LINGER_LIMIT_S (90u * 24 * 3600) /* beyond, and for a negative time, it waits without limit (LG-19) */

static void close_wait_on(struct op *op, struct sock *sk, uint32_t linger_s)
{
	op->class = &close_linger;
	op->u.linger.socket = sk->socket;
	op_wait_on(op, sk->wq);
	if (linger_s <= LINGER_LIMIT_S)
		op_set_timeout_ms(op, linger_s * (uint64_t)1000);
}

/* ------------------------------------------------------------------ files that are sockets */

static uint32_t sock_poll(struct file *file)
{
	return tcp_poll(((struct socket *)file->private_data)->sk);
}

static struct wait_queue *sock_wait(struct file *file)
{
	return &((struct socket *)file->private_data)->wq;
}

const struct file_operations socket_file_ops = {
	.name = "socket",
	.poll = sock_poll,
	.wait = sock_wait,
	.release = sock_close,
};
