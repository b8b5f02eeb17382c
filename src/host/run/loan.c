// SPDX-License-Identifier: MIT
/*
 * host/run/loan.c - what a process may receive and send without a call
 *
 *	an answer about a socket --loan_grant()--> its holder may recv() these bytes, send() so many
 *	    it was used        --loans_take()--> done now, in the order of the sends, and lent anew
 *	    a call on the file, its last close, its holder's end --loan_end()--> done before that
 *	    data, FIN, RST, an error arrive    --on_change()--> taken back at once: the next recv() or send() asks
 *
 * So a server that handles many connections has one hand-over for each epoll_wait() and none for what it reads and
 * answers in between. Nothing is different from calls that were made: what is lent is all that recv() would find, bytes stay
 * in the socket until they were received, room was there. Between the program's send() and its segment's leaving may
 * lie a doze (executor.c). Sockets whose peer is the stack itself have no loans: what one end does, the other sees at once.
 * Nor have those on which a call waits: it may take the same bytes, or the same room, as soon as they are there.
 *
 * The word in the segment (segment.h) is the program's to change as well: whatever it holds is bounded by what was lent.
 */
#include "host/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define LENT_MOST  (SEG_LOAN_DATA - 1)
#define ROOM_ALONE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND) /* what takes nothing away */
#define SEND_FLAGS (MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL)

static uint32_t place_of(const struct run_file *file)
{
	return file->id % SEG_LOANS;
}

static struct seg_loan *loan_of(const struct run_file *file)
{
	return &file->loan.client->seg->loan[place_of(file)];
}

static bool is_lent(const struct run_file *file)
{
	return file->loan.client && !file->loan.ended;
}

/* ------------------------------------------------------------------ back */

/* The word as it was when the loan ended, or nothing used, if its program spoilt it. */
static uint64_t loan_take_back(struct run_file *file)
{
	struct run_loan *l = &file->loan;
	uint64_t word = atomic_exchange(&loan_of(file)->word, 0);

	if (word >> 32 != l->serial || !(word & LOAN_THERE) || loan_taken(word) > l->recv || loan_sent(word) > l->send)
		return 0;
	return loan_used(word);
}

static void loan_forget(struct run_file *file)
{
	struct run_loan *l = &file->loan;

	l->client->loans[place_of(file)] = NULL;
	l->client = NULL;
	l->ended = false;
	l->used = 0;
}

/* From within the stack: no call may be made here. */
static void on_change(struct la_watch *watch, uint32_t events)
{
	struct run_loan *l = (struct run_loan *)watch; /* its first member */
	struct run_file *file = (struct run_file *)((char *)l - offsetof(struct run_file, loan));

	if (!is_lent(file) || (events && !(events & ~(uint32_t)ROOM_ALONE)))
		return;
	l->used = loan_take_back(file);
	if (!l->used)
		return loan_forget(file);
	l->ended = l->ex->loans_ended = true;
}

/* ------------------------------------------------------------------ done */

/* Memory was refused, the bytes that send() took are lost: the connection cannot go on as if they were not. */
static void stream_is_broken(struct executor *ex, struct run_file *file)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	la_connect(ex->task, file->fd, &nobody, sizeof(nobody), host_now_ns());
	file->late_error = -ENOBUFS;
}

/* If the connection has ended meanwhile, it is as if that had come after the send(): nothing leaves, and nobody is told. */
static void do_send(struct executor *ex, struct run_file *file, const struct seg_loan *loan, const uint8_t *data,
		    size_t len)
{
	int flags = (int)*(volatile const uint32_t *)&loan->flags & SEND_FLAGS;
	struct la_preview now;

	if (la_preview(ex->task, file->fd, NULL, 0, &now) || !now.send)
		return;
	if (la_send(ex->task, file->fd, data, len, flags | MSG_NOSIGNAL, host_now_ns()) != (int64_t)len)
		stream_is_broken(ex, file);
}

static void loan_do(struct executor *ex, struct run_file *file)
{
	struct run_loan *l = &file->loan;
	struct seg *seg = l->client->seg;
	uint32_t place = place_of(file);
	uint64_t used = l->ended ? l->used : loan_take_back(file);

	loan_forget(file);
	if (loan_taken(used))
		la_recv(ex->task, file->fd, NULL, loan_taken(used), MSG_TRUNC, host_now_ns());
	if (loan_sent(used))
		do_send(ex, file, &seg->loan[place], seg->loan_send[place], loan_sent(used));
}

void loan_end(struct executor *ex, struct run_file *file)
{
	if (file->loan.client)
		loan_do(ex, file);
}

void loan_file_gone(struct executor *ex, struct run_file *file)
{
	loan_end(ex, file);
	if (file->loan.watched)
		la_unwatch(&file->loan.watch);
	file->loan.watched = false;
}

/* ------------------------------------------------------------------ out */

/* Nothing was used of it: another may have its place. */
static bool loan_yields(struct run_file *file)
{
	struct run_loan *l = &file->loan;

	if (l->ended || loan_used(atomic_load(&loan_of(file)->word)))
		return false;
	l->used = loan_take_back(file);
	if (!l->used) {
		loan_forget(file);
		return true;
	}
	l->ended = l->ex->loans_ended = true;
	return false;
}

static bool place_is_free(struct client *client, struct run_file *file)
{
	struct run_file *there;

	if (!client->loans)
		client->loans = calloc(SEG_LOANS, sizeof(struct run_file *));
	if (!client->loans || (file->loan.client && (file->loan.client == client || !loan_yields(file))))
		return false;
	there = client->loans[place_of(file)];
	if (there && !loan_yields(there))
		return false;
	return !atomic_load(&client->seg->loan[place_of(file)].users);
}

static bool loan_watches(struct executor *ex, struct run_file *file)
{
	struct run_loan *l = &file->loan;

	l->ex = ex;
	l->watch.changed = on_change;
	if (!l->watched)
		l->watched = la_watch(ex->task, file->fd, &l->watch) == 0;
	return l->watched;
}

bool loan_grant(struct executor *ex, struct client *client, struct run_file *file)
{
	struct run_loan *l = &file->loan;
	uint32_t place = place_of(file);
	struct seg_loan *loan;
	struct la_preview p;

	if (file->kind != SEG_KIND_SOCKET || file->late_error || file->calls || client->gone ||
	    !place_is_free(client, file))
		return false;
	if (la_preview(ex->task, file->fd, client->seg->loan_recv[place], LENT_MOST, &p) || p.local ||
	    !(p.recv | p.send) || !loan_watches(ex, file))
		return false;
	l->recv = (uint32_t)p.recv;
	l->send = p.send < LENT_MOST ? (uint32_t)p.send : LENT_MOST;
	l->serial++;
	l->client = client;
	client->loans[place] = file;
	loan = &client->seg->loan[place];
	loan->recv = l->recv;
	loan->send = l->send;
	loan->file = file_handle(file);
	atomic_store(&loan->word, l->serial * LOAN_SERIAL | LOAN_THERE);
	return true;
}

/* ------------------------------------------------------------------ all that were used */

bool loans_waiting(const struct executor *ex)
{
	if (ex->loans_ended)
		return true;
	for (const struct client *client = ex->clients; client; client = client->next)
		for (unsigned w = 0; client->seg && !client->gone && w < SEG_LOANS / 64; w++)
			if (atomic_load(&client->seg->used[w]))
				return true;
	return false;
}

/* Lists in the order of the sends, the n-th of 2^n files or empty. */
struct used {
	struct run_file *lists[24];
};

static struct run_file *lists_merged(struct run_file *a, struct run_file *b)
{
	struct run_file *list = NULL, **end = &list;

	while (a && b) {
		struct run_file **first = a->loan.stamp <= b->loan.stamp ? &a : &b;

		*end = *first;
		*first = (*first)->loan.next_used;
		end = &(*end)->loan.next_used;
	}
	*end = a ? a : b;
	return list;
}

static void note_used(struct client *client, unsigned place, struct used *used)
{
	struct run_file *file = client->loans ? client->loans[place] : NULL;
	unsigned n;

	if (!file)
		return;
	file->loan.stamp = *(volatile uint64_t *)&client->seg->loan[place].stamp;
	file->loan.next_used = NULL;
	for (n = 0; used->lists[n]; n++) {
		file = lists_merged(used->lists[n], file);
		used->lists[n] = NULL;
	}
	used->lists[n] = file;
}

/* False: nobody said that there were any. False bits count: who makes up many shall not keep us from the rest. */
static bool note_client(struct client *client, bool ended, struct used *used)
{
	bool any = false;

	for (unsigned w = 0; w < SEG_LOANS / 64; w++) {
		uint64_t bits = atomic_load_explicit(&client->seg->used[w], memory_order_relaxed);

		if (bits)
			bits = atomic_exchange(&client->seg->used[w], 0);
		for (unsigned bit = 0; ended && client->loans && bit < 64; bit++)
			if (client->loans[64 * w + bit] && client->loans[64 * w + bit]->loan.ended)
				bits |= 1ull << bit;
		any |= bits != 0;
		for (; bits; bits &= bits - 1)
			note_used(client, 64 * w + (unsigned)__builtin_ctzll(bits), used);
	}
	return any;
}

bool loans_take(struct executor *ex)
{
	bool ended = ex->loans_ended, any = false;
	struct run_file *list = NULL, *next;
	struct used used = {0};

	ex->loans_ended = false;
	for (struct client *client = ex->clients; client; client = client->next)
		if (client->seg && note_client(client, ended, &used))
			any = true;
	for (size_t n = 0; any && n < sizeof(used.lists) / sizeof(*used.lists); n++)
		list = lists_merged(used.lists[n], list);
	for (; list; list = next) {
		struct client *client = list->loan.client;

		next = list->loan.next_used;
		loan_end(ex, list);
		if (client)
			loan_grant(ex, client, list);
	}
	return any;
}

void loans_client_gone(struct executor *ex, struct client *client)
{
	loans_take(ex);
	for (unsigned place = 0; client->loans && place < SEG_LOANS; place++)
		if (client->loans[place])
			loan_end(ex, client->loans[place]);
}
