// SPDX-License-Identifier: MIT
/*
 * host/run/calls.c - from a slot of a segment to an operation of the stack and back
 *
 * In:   a bit in seg.submitted. The slot's own words say only what its program wishes; what the slot is in truth stands in
 *       struct run_call, and so a bit for a slot in progress can mean nothing but "look whether it is to be cancelled".
 * Here: the request is copied, then looked at. Each call is begun by its row in call_classes[] (table.c).
 * Out:  call_done(), at once or from within the stack later: results, SLOT_DONE. Whoever sleeps is woken when the turn
 *       ends (calls_wake): one that still spins has seen it by then and costs no system call.
 *
 * Stores to slot.state are sequentially consistent with loads of slot.sleeper, as the shim's are the other way round: either
 * it sees the new state before it sleeps, or it is seen sleeping.
 */
#include "host/run/run.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ------------------------------------------------------------------ waking */

static struct seg_slot *call_slot(const struct run_call *c)
{
	return &c->client->seg->slot[c->slot];
}

/* Its thread may sleep. Of those that wait in a futex only a call that cannot be restarted wants to hear that it takes time,
 * and one that went to sleep because of that is not to be woken by it. */
static void call_set_state(struct executor *ex, struct run_call *c, enum seg_state state)
{
	struct seg_slot *slot = call_slot(c);

	atomic_store(&slot->state, state);
	if (state == SLOT_PENDING || c->waking || (state == SLOT_PENDING_EINTR && !atomic_load(&slot->sleeper)))
		return;
	c->waking = true;
	c->next_waking = ex->waking;
	ex->waking = c;
}

/* @sleeper stays as it is: its owner may just have set it, having seen this state, to wait for the next. */
static void call_wake(struct executor *ex, struct run_call *c)
{
	struct seg_slot *slot = call_slot(c);
	uint64_t one = 1;

	switch (atomic_load(&slot->sleeper)) {
	case SLEEPER_FUTEX:
		ex->wakes++;
		syscall(SYS_futex, &slot->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
		break;
	case SLEEPER_BELL: /* rings for an answer alone */
		if (slot->state == SLOT_DONE && c->client->bells && c->client->bells[c->slot] >= 0 &&
		    write(c->client->bells[c->slot], &one, sizeof(one)) == sizeof(one))
			ex->wakes++;
		break;
	}
}

void calls_wake(struct executor *ex)
{
	struct run_call *c;

	while ((c = ex->waking) != NULL) {
		ex->waking = c->next_waking;
		c->waking = false;
		call_wake(ex, c);
	}
}

/* ------------------------------------------------------------------ an answer */

static void call_count(struct run_call *c)
{
	c->counted = c->file;
	if (c->file)
		c->file->calls++;
}

/* Its file may have ended meanwhile. */
static void call_uncount(struct executor *ex, struct run_call *c)
{
	struct run_file *file = c->counted ? file_find(ex, c->handle) : NULL;

	if (file)
		file->calls--;
	c->counted = false;
}

static void call_answer(struct executor *ex, struct run_call *c)
{
	struct seg_slot *slot = call_slot(c);
	const struct call_class *class = c->call < CALL_MAX ? &call_classes[c->call] : NULL;

	if (c->stale && c->op.result == -EINTR)
		c->op.result = -ESTALE;
	slot->data_len = 0;
	call_uncount(ex, c);
	if (class && class->end)
		class->end(ex, c, slot);
	free(c->list);
	c->list = NULL;
	c->file = NULL;
	slot->result = c->op.result;
	slot->signal = c->op.signal;
	c->state = CALL_ANSWERED;
	call_set_state(ex, c, SLOT_DONE);
}

static void call_done(struct la_op *op)
{
	struct run_call *c = op->user;

	call_answer(c->client->ex, c);
}

/* ------------------------------------------------------------------ a request */

/* The slot's memory of our own, made when it is first used. */
static struct run_call *call_of(struct client *client, unsigned slot)
{
	struct run_call *c = client->calls[slot];

	if (!c) {
		c = aligned_alloc(_Alignof(struct run_call), sizeof(*c));
		if (!c)
			return NULL;
		memset(c, 0, sizeof(*c));
		c->client = client;
		c->slot = slot;
		client->calls[slot] = c;
	}
	return c;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

/* Everything but the payload; what it says about the payload is bounded. */
static void call_copy(struct run_call *c, struct seg_slot *slot)
{
	volatile const struct seg_slot *s = slot; /* each word is read once */

	c->call = s->call;
	c->number = s->number;
	for (int i = 0; i < 6; i++)
		c->arg[i] = s->arg[i];
	c->aux_len = at_most(s->aux_len, SEG_AUX);
	c->data_len = at_most(s->data_len, SEG_DATA);
	c->name_len = at_most(s->name_len, c->aux_len);
	memcpy(c->aux, slot->aux, c->aux_len);
	c->stale = false;
	c->op.user = c;
	c->op.done = call_done;
	c->op.result = 0;
	c->op.signal = 0;
}

/* What takes time: may a signal restart it, or does its time limit forbid that? */
static enum seg_state pending_state(const struct run_call *c)
{
	uint8_t timed = call_classes[c->call].timed;

	if (timed & TIMED_ALWAYS || (c->file && c->file->timed & timed))
		return SLOT_PENDING_EINTR;
	return SLOT_PENDING;
}

static void call_submit(struct executor *ex, struct run_call *c)
{
	c->state = CALL_SUBMITTING;
	if (la_submit(ex->task, &c->op, host_now_ns()) == LA_DONE)
		return call_answer(ex, c);
	if (c->state != CALL_SUBMITTING) /* done within */
		return;
	c->state = CALL_PENDING;
	call_set_state(ex, c, pending_state(c));
}

static void call_begin(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	const struct call_class *class;

	call_copy(c, slot);
	ex->calls++;
	ex->lent = false;
	class = c->call < CALL_MAX ? &call_classes[c->call] : NULL;
	if (!class || !class->begin) {
		c->op.result = -ENOSYS;
		return call_answer(ex, c);
	}
	c->handle = *(volatile seg_handle *)&slot->file;
	c->file = file_find(ex, c->handle);
	if (class->file && !c->file) {
		c->op.result = -EBADF;
		return call_answer(ex, c);
	}
	if (c->file)
		loan_end(ex, c->file);
	call_count(c);
	ex->running = c;
	if (class->begin(ex, c))
		call_submit(ex, c);
	else
		call_answer(ex, c);
	ex->running = NULL;
}

static void slot_look(struct executor *ex, struct client *client, unsigned nr)
{
	struct seg_slot *slot = &client->seg->slot[nr];
	struct run_call *c = client->calls[nr];

	if (!c || c->state != CALL_PENDING) {
		if (atomic_load(&slot->state) != SLOT_SUBMITTED)
			return;
		c = call_of(client, nr);
		if (!c) {
			slot->result = -ENOMEM;
			atomic_store(&slot->state, SLOT_DONE);
			syscall(SYS_futex, &slot->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
			return;
		}
		call_begin(ex, c, slot);
	}
	if (c->state == CALL_PENDING && atomic_load(&slot->cancel)) {
		ex->running = c;
		la_cancel(&c->op, host_now_ns());
		ex->running = NULL;
	}
}

void call_begin_closed(struct executor *ex, struct client *client, unsigned nr)
{
	uint32_t taken = SLOT_TAKEN;

	if (atomic_compare_exchange_strong(&client->seg->slot[nr].state, &taken, SLOT_SUBMITTED))
		slot_look(ex, client, nr);
}

/* Takes note of what was submitted; false: nothing was. */
static bool client_submitted(struct client *client)
{
	bool any = false;

	for (unsigned w = 0; w < SEG_WORDS; w++) {
		_Atomic uint64_t *word = &client->seg->submitted[w];

		if (!atomic_load_explicit(word, memory_order_relaxed))
			continue;
		client->submitted[w] = atomic_exchange(word, 0);
		any = client->has_submitted = true;
	}
	return any;
}

static void client_calls(struct executor *ex, struct client *client)
{
	client->has_submitted = false;
	for (unsigned w = 0; w < SEG_WORDS; w++) {
		uint64_t bits = client->submitted[w];

		client->submitted[w] = 0;
		for (; bits; bits &= bits - 1)
			slot_look(ex, client, 64 * w + (unsigned)__builtin_ctzll(bits));
	}
	calls_wake(ex);
}

/* A loan that was used before a call was made, in whatever process, comes before it. */
bool calls_take(struct executor *ex)
{
	bool any = false, used;

	for (struct client *client = ex->clients; client; client = client->next)
		if (client->seg && !client->gone && client_submitted(client))
			any = true;
	used = loans_take(ex);
	for (struct client *client = ex->clients; any && client; client = client->next)
		if (client->has_submitted)
			client_calls(ex, client);
	return any || used;
}

bool calls_waiting(const struct executor *ex)
{
	for (const struct client *client = ex->clients; client; client = client->next)
		for (unsigned w = 0; client->seg && !client->gone && w < SEG_WORDS; w++)
			if (atomic_load(&client->seg->submitted[w]))
				return true;
	return false;
}

/* ------------------------------------------------------------------ from elsewhere */

void calls_end(struct executor *ex, struct client *client)
{
	for (unsigned i = 0; i < SEG_SLOTS; i++) {
		struct run_call *c = client->calls[i];

		if (!c)
			continue;
		if (c->state == CALL_PENDING) {
			ex->running = c;
			la_cancel(&c->op, host_now_ns());
			ex->running = NULL;
		}
		if (c->spare)
			file_take_back(ex, c->spare);
	}
	calls_wake(ex); /* nobody of this client is on that list any more */
	for (unsigned i = 0; i < SEG_SLOTS; i++) {
		free(client->calls[i]);
		client->calls[i] = NULL;
	}
}

void calls_set_changed(struct executor *ex, struct run_file *set)
{
	for (struct client *client = ex->clients; client; client = client->next)
		for (unsigned i = 0; i < SEG_SLOTS; i++) {
			struct run_call *c = client->calls[i];

			if (!c || c->state != CALL_PENDING || c->call != CALL_EPOLL_WAIT ||
			    c->handle != file_handle(set))
				continue;
			c->stale = true;
			la_cancel(&c->op, host_now_ns());
		}
}
