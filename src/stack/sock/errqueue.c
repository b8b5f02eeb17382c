// SPDX-License-Identifier: MIT
/*
 * sock/errqueue.c - the error queue: what ICMP said of a connection that was being made (IC-09), and of which calls with
 * MSG_ZEROCOPY the bytes are no longer needed
 *
 * In:   an ICMP error ends a handshake (tcp/icmp.c); bytes are acknowledged (tcp/zerocopy.c).
 * Here: it waits, also while the socket lives on and connects again.
 * Out:  recvmsg(MSG_ERRQUEUE) takes the oldest (inet/recverr.c); until then poll() says POLLERR.
 */
#include "stack/sock/sock.h"

/* Linux counts what it keeps, the whole ICMP packet in its buffer, against SO_RCVBUF: small ones cost so much. */
enum { ENTRY_COST = 768 };

void sock_queue_err(struct sock *sk, const struct sock_error *error, const uint8_t *quoted)
{
	struct sock_opts *own = sock_opts_own(sk);
	struct sock_error **end, *copy;
	uint32_t cost = ENTRY_COST;

	if (!own)
		return;
	for (end = &own->errors; *end; end = &(*end)->next)
		cost += ENTRY_COST;
	if (cost >= sk->rcvbuf)
		return;
	copy = mem_alloc(&sk->net->mem, sizeof(*copy) + error->len);
	if (!copy)
		return;
	*copy = *error;
	copy->next = NULL;
	memcpy(copy->quoted, quoted, error->len);
	*end = copy;
	sock_set_flag(sk, SOCK_ERRQUEUE);
}

void sock_queue_zerocopy(struct sock *sk, struct sock_error *told)
{
	struct sock_opts *own = (struct sock_opts *)sk->opts;
	struct sock_error **end = &own->errors, *last = NULL;

	for (; *end; end = &(*end)->next)
		last = *end;
	if (last && last->origin == ERROR_ZEROCOPY && last->data + 1 == told->info) {
		last->data = told->data;
		sock_free_err(sk, told);
	} else {
		told->next = NULL;
		*end = told;
	}
	sock_set_flag(sk, SOCK_ERRQUEUE);
	sk_error_report(sk);
}

static bool is_icmp(const struct sock_error *error)
{
	return error && error->origin != ERROR_ZEROCOPY;
}

/* The pending error becomes that of the next entry; an ICMP error's ends with it. */
struct sock_error *sock_dequeue_err(struct sock *sk)
{
	struct sock_opts *own = (struct sock_opts *)sk->opts;
	struct sock_error *first;

	if (!sock_flag(sk, SOCK_ERRQUEUE))
		return NULL;
	first = own->errors;
	own->errors = first->next;
	if (is_icmp(own->errors)) {
		sk->err = own->errors->err;
		sk_error_report(sk);
	} else if (is_icmp(first)) {
		sk->err = 0;
	}
	if (!own->errors)
		sock_reset_flag(sk, SOCK_ERRQUEUE);
	return first;
}

void sock_free_err(struct sock *sk, struct sock_error *error)
{
	mem_free(&sk->net->mem, error, sizeof(*error) + error->len);
}

void sock_purge_err(struct sock *sk)
{
	struct sock_opts *own = (struct sock_opts *)sk->opts;
	struct sock_error *error;

	if (!sock_flag(sk, SOCK_ERRQUEUE))
		return;
	while ((error = own->errors)) {
		own->errors = error->next;
		sock_free_err(sk, error);
	}
	sock_reset_flag(sk, SOCK_ERRQUEUE);
}
