// SPDX-License-Identifier: MIT
/*
 * host/preload/loan.c - what the executor lent this process (run/loan.c), used
 *
 *   recv   the bytes are copied, then the word says that they are taken; one that says something else by then was too late
 *   send   the word says that this thread writes; bytes; the word says that they are sent
 *
 * The change of the word is the moment at which recv() or send() happens: before it the executor may take the loan back, and
 * the call is an ordinary one; after it the process may die. Other threads, and handlers that come in between, see
 * the same word. A loan with users is not lent again, so nobody's bytes are copied over others'.
 */
#include "host/preload/loan.h"
#include "host/preload/state.h"
#include "host/preload/wait.h"

#include <pthread.h>
#include <sys/socket.h>

#define RECV_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE)

static struct seg_loan *loan_enter(seg_handle file, uint64_t *word)
{
	struct seg_loan *loan;

	if (!state->life)
		return NULL;
	loan = &state->seg->loan[SEG_ID(file) % SEG_LOANS];
	if (!(loan->word & LOAN_THERE))
		return NULL;
	atomic_fetch_add(&loan->users, 1);
	*word = atomic_load(&loan->word);
	if (*word & LOAN_THERE && !(*word & LOAN_WRITING) && !loan_sent(*word) && loan->file == file)
		return loan;
	atomic_fetch_sub(&loan->users, 1);
	return NULL;
}

static void loan_leave(struct seg_loan *loan, bool used)
{
	uint32_t place = (uint32_t)(loan - state->seg->loan);

	atomic_fetch_sub(&loan->users, 1);
	if (!used)
		return;
	atomic_fetch_or(&state->seg->used[place / 64], 1ull << place % 64);
	executor_ring(false);
}

size_t loan_recv(seg_handle file, const struct run *run, int flags)
{
	struct run rest = *run;
	struct seg_loan *loan;
	uint64_t word;
	uint32_t at;
	size_t n = 0;
	bool done = false;

	if (flags & ~RECV_FLAGS || !run->left)
		return 0;
	pthread_testcancel();
	loan = loan_enter(file, &word);
	if (!loan)
		return 0;
	at = loan_taken(word);
	if (at < loan->recv && loan->recv < SEG_LOAN_DATA) {
		n = run->left < loan->recv - at ? run->left : loan->recv - at;
		run_put(&rest, state->seg->loan_recv[loan - state->seg->loan] + at, n);
		done = atomic_compare_exchange_strong(&loan->word, &word, word + ((uint64_t)n << LOAN_TAKEN_AT));
	}
	loan_leave(loan, done);
	return done ? n : 0;
}

size_t loan_send(seg_handle file, const struct run *run, int flags)
{
	struct run rest = *run;
	struct seg_loan *loan;
	uint64_t word;
	size_t n = run->left;
	bool done = false;

	if (flags & ~SEND_FLAGS || !run->left || run->bad || run->left >= SEG_LOAN_DATA)
		return 0;
	pthread_testcancel();
	loan = loan_enter(file, &word);
	if (!loan)
		return 0;
	if (run->left <= loan->send && atomic_compare_exchange_strong(&loan->word, &word, word | LOAN_WRITING)) {
		word |= LOAN_WRITING;
		run_get(&rest, state->seg->loan_send[loan - state->seg->loan], n);
		loan->flags = (uint32_t)flags;
		loan->stamp = time_now_ns();
		done = atomic_compare_exchange_strong(&loan->word, &word,
						      (word & ~(uint64_t)LOAN_WRITING) | (uint64_t)n << LOAN_SENT_AT);
	}
	loan_leave(loan, done);
	return done ? n : 0;
}
