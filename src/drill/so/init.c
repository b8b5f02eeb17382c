// SPDX-License-Identifier: MIT
/*
 * drill/so/init.c - a run's beginning and end, and the lock around everything between
 *
 * The stack's own invariants are checked at the end of every entry: a script that passes on a broken stack is no use.
 */
#include "drill/so/interface.h"
#include "drill/so/so.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_NS (1000 * SO_NSEC_PER_SEC) /* virtual time at the beginning: any will do */

void so_die(const char *fmt, ...)
{
	va_list args;

	fputs("lastack: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(3); /* not exit(): the other thread may be in the middle of anything */
}

void so_enter(struct so *so)
{
	pthread_mutex_lock(&so->lock);
	if (pthread_equal(pthread_self(), so->main))
		so->main_calls++;
}

void so_leave(struct so *so)
{
	const char *broken = la_check(so->stack);

	if (broken)
		so_die("invariant broken: %s", broken);
	pthread_mutex_unlock(&so->lock);
}

static void init_lock(struct so *so)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&so->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&so->done, &attr);
	pthread_condattr_destroy(&attr);
	so->main = pthread_self();
}

static struct so *so_new(const struct so_settings *set)
{
	struct so *so = calloc(1, sizeof(*so));

	if (!so)
		so_die("out of memory");
	init_lock(so);
	so->now_ns = START_NS;
	so->last = &so->first;
	la_env_seeded_init(&so->env, set->seed);
	so->stack = la_stack_new(&so->env.env, so->now_ns);
	so->task = so->stack ? la_task_new(so->stack) : NULL;
	if (!so->task)
		so_die("no memory for a stack");
	so_settings_apply(so, set);
	follow_begin(so);
	return so;
}

/* The end of a run that has passed. packetdrill has closed the placeholders already. */
static void so_free(void *userdata)
{
	struct so *so = userdata;

	la_task_exit(so->task, so->now_ns);
	la_stack_free(so->stack);
	wire_drain(so);
	pthread_cond_destroy(&so->done);
	pthread_mutex_destroy(&so->lock);
	free(so);
}

__attribute__((visibility("default"))) void packetdrill_interface_init(const char *flags,
								       struct packetdrill_interface *table)
{
	struct so_settings set;

	so_settings_read(&set, flags);
	calls_fill(table);
	table->netdev_send = wire_send;
	table->netdev_receive = wire_receive;
	table->usleep = clock_usleep;
	table->gettimeofday = clock_gettimeofday;
	table->free = so_free;
	table->userdata = so_new(&set);
}
