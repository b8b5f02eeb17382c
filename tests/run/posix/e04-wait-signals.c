// SPDX-License-Identifier: MIT
/*
 * posix/e04-wait-signals.c - poll, select and epoll_wait: time limits, signals, and masks that hold only while asleep
 */
#include "tap.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t *alarms;

/* SIGALRM after @ms, with SA_RESTART: the calls here end with EINTR all the same. */
static void alarm_in(int ms)
{
	struct itimerval timer = {.it_value.tv_usec = ms * 1000};
	struct sigaction sa;

	count_signal(SIGALRM, &alarms);
	sigaction(SIGALRM, NULL, &sa);
	sa.sa_flags |= SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void block(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(how, &set, NULL);
}

/* All of them wait on a stack's socket, and beside an event counter if @mixed. */
struct world {
	struct duo duo;
	int set, counter;
	struct pollfd p[2];
	fd_set in;
};

static struct world world_new(bool mixed)
{
	struct world w = {.duo = duo_open(), .set = epoll_create1(0), .counter = eventfd(0, 0)};
	struct epoll_event event = {.events = EPOLLIN};

	w.p[0] = (struct pollfd){w.duo.fd, POLLIN, 0};
	w.p[1] = (struct pollfd){mixed ? w.counter : -1, POLLIN, 0};
	FD_ZERO(&w.in);
	FD_SET(w.duo.fd, &w.in);
	epoll_ctl(w.set, EPOLL_CTL_ADD, w.duo.fd, &event);
	if (mixed) {
		FD_SET(w.counter, &w.in);
		epoll_ctl(w.set, EPOLL_CTL_ADD, w.counter, &event);
	}
	return w;
}

static void world_end(struct world *w)
{
	close(w->set);
	close(w->counter);
	duo_close(&w->duo);
}

enum how { POLL_MS, PPOLL, SELECT, PSELECT, EPOLL_MS, EPOLL_P, EPOLL_P2, HOWS };

static int wait_by(enum how how, struct world *w, int ms, const sigset_t *mask)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L}, *tsp = ms < 0 ? NULL : &ts;
	struct timeval tv = {ms / 1000, ms % 1000 * 1000L};
	struct epoll_event event[2];
	fd_set in = w->in;

	switch (how) {
	case POLL_MS:
		return poll(w->p, 2, ms);
	case PPOLL:
		return ppoll(w->p, 2, tsp, mask);
	case SELECT:
		return select(FD_SETSIZE, &in, NULL, NULL, ms < 0 ? NULL : &tv);
	case PSELECT:
		return pselect(FD_SETSIZE, &in, NULL, NULL, tsp, mask);
	case EPOLL_MS:
		return epoll_wait(w->set, event, 2, ms);
	case EPOLL_P:
		return epoll_pwait(w->set, event, 2, ms, mask);
	case EPOLL_P2:
		return epoll_pwait2(w->set, event, 2, tsp, mask);
	default:
		return -1;
	}
}

static void for_all(void (*play)(struct world *w, enum how how))
{
	for (int mixed = 0; mixed < 2; mixed++) {
		struct world w = world_new(mixed);

		for (int how = 0; how < HOWS; how++)
			play(&w, (enum how)how);
		world_end(&w);
	}
}

static void times_out(struct world *w, enum how how)
{
	long begun = now_ms(), took;

	EXPECT(wait_by(how, w, 0, NULL) == 0);
	EXPECT(wait_by(how, w, 60, NULL) == 0);
	took = now_ms() - begun;
	EXPECT(took >= 59 && took < 160);
}

static void time_limits_are_kept(void)
{
	for_all(times_out);
}

static void is_interrupted(struct world *w, enum how how)
{
	long begun = now_ms();
	int before;

	alarm_in(50);
	before = *alarms;
	EXPECT_ERRNO(wait_by(how, w, -1, NULL), EINTR);
	EXPECT(*alarms == before + 1 && now_ms() - begun < 1000);
	alarm_in(50);
	before = *alarms;
	EXPECT_ERRNO(wait_by(how, w, 5000, NULL), EINTR);
	EXPECT(*alarms == before + 1);
}

static void a_handler_ends_the_wait_whatever_SA_RESTART_says(void)
{
	for_all(is_interrupted);
}

/* The signal is there before the call and blocked: only the mask of the call lets it in. */
static void takes_what_is_pending(struct world *w, enum how how)
{
	sigset_t none;
	int before;

	if (how == POLL_MS || how == SELECT || how == EPOLL_MS)
		return;
	sigemptyset(&none);
	block(SIG_BLOCK);
	alarm_in(10);
	before = *alarms;
	nap_ms(40);
	EXPECT(wait_by(how, w, 20, NULL) == 0);
	EXPECT(*alarms == before);
	EXPECT_ERRNO(wait_by(how, w, 5000, &none), EINTR);
	EXPECT(*alarms == before + 1);
	EXPECT(wait_by(how, w, 20, &none) == 0);
	block(SIG_UNBLOCK);
}

static void a_mask_lets_a_pending_signal_in_while_asleep(void)
{
	for_all(takes_what_is_pending);
}

static void prefers_events(struct world *w, enum how how)
{
	sigset_t none;
	int before;
	char byte;

	sigemptyset(&none);
	block(SIG_BLOCK);
	alarm_in(10);
	before = *alarms;
	EXPECT(send(w->duo.peer, "a", 1, 0) == 1);
	nap_ms(40);
	EXPECT(wait_by(how, w, 5000, &none) == 1);
	EXPECT(*alarms == before);
	EXPECT(recv(w->duo.fd, &byte, 1, 0) == 1);
	block(SIG_UNBLOCK);
	EXPECT(*alarms == before + 1);
}

static void what_is_ready_comes_before_signals(void)
{
	for_all(prefers_events);
}

static void keeps_out(struct world *w, enum how how)
{
	sigset_t all;
	int before;

	if (how == POLL_MS || how == SELECT || how == EPOLL_MS)
		return;
	sigfillset(&all);
	alarm_in(20);
	before = *alarms;
	EXPECT(wait_by(how, w, 80, &all) == 0);
	EXPECT(*alarms == before + 1); /* after the call */
}

static void a_mask_keeps_a_signal_out_while_asleep(void)
{
	for_all(keeps_out);
}

static void select_says_what_is_left_of_its_time(void)
{
	struct world w = world_new(false);
	struct timeval tv = {5, 0};
	fd_set in = w.in;

	EXPECT(send(w.duo.peer, "a", 1, 0) == 1);
	EXPECT(select(w.duo.fd + 1, &in, NULL, NULL, &tv) == 1);
	EXPECT(FD_ISSET(w.duo.fd, &in) && tv.tv_sec == 4 && tv.tv_usec > 0);
	world_end(&w);

	w = world_new(true);
	in = w.in;
	tv = (struct timeval){0, 30000};
	EXPECT(select(FD_SETSIZE, &in, NULL, NULL, &tv) == 0);
	EXPECT(tv.tv_sec == 0 && tv.tv_usec == 0 && !FD_ISSET(w.duo.fd, &in) && !FD_ISSET(w.counter, &in));
	world_end(&w);
}

static void short_times_are_not_rounded_to_milliseconds(void)
{
	struct world w = world_new(true);
	struct timespec ts = {0, 300000}, begun, end;
	struct epoll_event event;
	long best_us = 1000000, us;

	for (int i = 0; i < 50; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begun);
		EXPECT(epoll_pwait2(w.set, &event, 1, &ts, NULL) == 0);
		clock_gettime(CLOCK_MONOTONIC, &end);
		us = (end.tv_sec - begun.tv_sec) * 1000000 + (end.tv_nsec - begun.tv_nsec) / 1000;
		EXPECT(us >= 300);
		best_us = us < best_us ? us : best_us;
	}
	EXPECT(best_us < 900);
	world_end(&w);
}

static void wrong_times_are_refused(void)
{
	struct world w = world_new(false);
	struct timespec ts = {0, 1000000000}, negative = {-1, 0};
	struct timeval tv = {-1, 0};
	struct epoll_event event;
	fd_set in = w.in;

	EXPECT_ERRNO(ppoll(w.p, 2, &ts, NULL), EINVAL);
	EXPECT_ERRNO(ppoll(w.p, 2, &negative, NULL), EINVAL);
	EXPECT_ERRNO(epoll_pwait2(w.set, &event, 1, &ts, NULL), EINVAL);
	EXPECT_ERRNO(pselect(w.duo.fd + 1, &in, NULL, NULL, &ts, NULL), EINVAL);
	EXPECT_ERRNO(select(w.duo.fd + 1, &in, NULL, NULL, &tv), EINVAL);
	world_end(&w);
}

static const struct tap_case cases[] = {
	CASE(time_limits_are_kept),
	CASE(a_handler_ends_the_wait_whatever_SA_RESTART_says),
	CASE(a_mask_lets_a_pending_signal_in_while_asleep),
	CASE(what_is_ready_comes_before_signals),
	CASE(a_mask_keeps_a_signal_out_while_asleep),
	CASE(select_says_what_is_left_of_its_time),
	CASE(short_times_are_not_rounded_to_milliseconds),
	CASE(wrong_times_are_refused),
};
TAP_MAIN(cases)
