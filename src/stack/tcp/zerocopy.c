// SPDX-License-Identifier: MIT
/*
 * tcp/zerocopy.c - MSG_ZEROCOPY: a program is told when the bytes of its calls are no longer needed
 *
 *	send.c                 a call's first bytes: it gets a number, and a note that waits for the end of its units
 *	ack.c, a queue purged  tcp_zerocopy_done: notes behind which nothing is needed go into the error queue
 *	inet/recverr.c         recvmsg(MSG_ERRQUEUE): from this call to that one, SO_EE_CODE_ZEROCOPY_COPIED
 *
 * We copy all the same, and say so: Linux says it, too, where a packet had to be copied on its way. When it is told is
 * Linux's: calls that fill the same unit share a note, and whatever else lies in the unit, another write() or the FIN, has
 * to be acknowledged with it.
 */
#include "stack/tcp/tcp.h"

#include <errno.h>
#include <sys/socket.h>

/* Linux counts notes against net.core.optmem_max: what each costs, and what must be left for one more. */
enum { OPTMEM_MAX = 131072, NOTE_COST = 832, NOTE_LEAST = 576, NOTE_BYTES = 1 << 19 };

struct tcp_zerocopy {
	struct sock_error *first, *last; /* the notes, by end_seq; owned */
	uint32_t next;			 /* the next call's number */
	uint32_t notes;
};

static struct sock_error *last_note(const struct sock *sk)
{
	return sock_flag(sk, SOCK_ZEROCOPY_SENT) ? sk->opts->zerocopy->last : NULL;
}

/* The note of the unit that waits to be filled or sent; NULL: there is none. */
static struct sock_error *tail_note(const struct sock *sk)
{
	const struct sk_buff *tail = tcp_write_queue_tail(sk);
	struct sock_error *note = last_note(sk);

	return note && tail && tail->seq != tail->end_seq && note->end_seq == tail->end_seq ? note : NULL;
}

static bool takes_one_more(const struct sock_error *note, size_t bytes)
{
	return note && note->bytes + bytes <= NOTE_BYTES;
}

static struct sock_error *new_note(struct sock *sk, struct tcp_zerocopy *zc)
{
	struct sock_error *note = mem_zalloc(&sk->net->mem, sizeof(*note));

	if (!note)
		return NULL;
	note->origin = ERROR_ZEROCOPY;
	note->code = ZEROCOPY_COPIED;
	note->end_seq = tcp_sk(sk)->write_seq;
	note->info = zc->next;
	note->data = zc->next - 1;
	if (zc->last)
		zc->last->next = note;
	else
		zc->first = note;
	zc->last = note;
	zc->notes++;
	sock_set_flag(sk, SOCK_ZEROCOPY_SENT);
	return note;
}

/* The socket's own, made by its first call. */
static struct tcp_zerocopy *zerocopy_of(struct sock *sk)
{
	struct sock_opts *own = sock_opts_own(sk);

	if (own && !own->zerocopy)
		own->zerocopy = mem_zalloc(&sk->net->mem, sizeof(*own->zerocopy));
	return own ? own->zerocopy : NULL;
}

/* ------------------------------------------------------------------ sending */

bool tcp_zerocopy_full(const struct sock *sk, const struct tcp_io *io)
{
	uint32_t used;

	if (!sk->opts->zerocopy || takes_one_more(tail_note(sk), io->iter.count))
		return false;
	used = sk->opts->zerocopy->notes * NOTE_COST;
	for (const struct sock_error *told = sk->opts->errors; told; told = told->next)
		used += told->origin == ERROR_ZEROCOPY ? NOTE_COST : 0;
	return used + NOTE_LEAST > OPTMEM_MAX;
}

bool __tcp_zerocopy_begin(struct sock *sk, struct tcp_io *io)
{
	struct tcp_zerocopy *zc = zerocopy_of(sk);
	struct sock_error *note = tail_note(sk);

	if (!zc)
		return false;
	io->apart = note && !takes_one_more(note, io->iter.count);
	if (!note || io->apart)
		note = new_note(sk, zc);
	if (!note)
		return false;
	note->data = zc->next++;
	note->bytes += (uint32_t)min(io->iter.count, (size_t)NOTE_BYTES);
	io->zerocopy = true;
	return true;
}

void __tcp_zerocopy_grows(struct sock *sk, const struct sk_buff *skb, uint32_t by, bool zerocopy)
{
	struct sock_error *note = last_note(sk);
	uint32_t before = skb->end_seq - by;

	if (note && (zerocopy || (note->end_seq == before && skb->seq != before)))
		note->end_seq = skb->end_seq;
}

/* The call fails with nothing sent: its number is the next one's. */
void __tcp_zerocopy_abort(struct sock *sk, struct tcp_io *io)
{
	struct tcp_zerocopy *zc = sk->opts->zerocopy;
	struct sock_error **end = &zc->first, *before = NULL, *note = zc->last;

	io->zerocopy = io->apart = false;
	zc->next--;
	if (note->data-- != note->info)
		return;
	for (; *end != note; end = &(*end)->next)
		before = *end;
	*end = NULL;
	zc->last = before;
	zc->notes--;
	sock_free_err(sk, note);
	if (!zc->first)
		sock_reset_flag(sk, SOCK_ZEROCOPY_SENT);
}

/* ------------------------------------------------------------------ telling */

void __tcp_zerocopy_done(struct sock *sk, uint32_t una)
{
	struct tcp_zerocopy *zc = sk->opts->zerocopy;
	struct sock_error *note;

	while ((note = zc->first) && !after(note->end_seq, una)) {
		zc->first = note->next;
		zc->notes--;
		if (sock_flag(sk, SOCK_DEAD))
			sock_free_err(sk, note);
		else
			sock_queue_zerocopy(sk, note);
	}
	if (!zc->first) {
		zc->last = NULL;
		sock_reset_flag(sk, SOCK_ZEROCOPY_SENT);
	}
}

void tcp_zerocopy_free(struct sock *sk)
{
	if (unlikely(sk->opts->zerocopy))
		mem_free(&sk->net->mem, sk->opts->zerocopy, sizeof(*sk->opts->zerocopy));
}
