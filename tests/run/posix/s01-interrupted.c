// SPDX-License-Identifier: MIT
/*
 * posix/s01-interrupted.c - what signals, longjmp() and pthread_cancel() do to a call that waits
 */
#include "tap.h"

#include <setjmp.h>
#include <sys/time.h>

static volatile sig_atomic_t alarms;
static int spoken_fd = -1;
static sigjmp_buf out_of_it;

static void count(int signal)
{
	(void)signal;
	alarms++;
}

static void speak(int signal)
{
	int saved = errno;

	(void)signal;
	alarms += send(spoken_fd, "s", 1, 0) == 1;
	errno = saved;
}

static void leave(int signal)
{
	(void)signal;
	siglongjmp(out_of_it, 1);
}

static void alarm_in(int ms, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	alarms = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void *speak_late(void *fd)
{
	nap_ms(300);
	send(*(int *)fd, "late", 4, 0);
	return NULL;
}

static void a_handler_ends_recv_unless_it_restarts_calls(void)
{
	struct duo duo = duo_open();
	pthread_t thread;
	char word[8];

	alarm_in(100, count, 0);
	EXPECT_ERRNO(recv(duo.fd, word, sizeof(word), 0), EINTR);
	alarm_in(100, count, SA_RESTART);
	pthread_create(&thread, NULL, speak_late, &duo.peer);
	EXPECT(recv(duo.fd, word, sizeof(word), 0) == 4 && alarms == 1);
	pthread_join(thread, NULL);
	duo_close(&duo);
}

static void with_a_time_limit_no_call_restarts(void)
{
	struct duo duo = duo_open();
	struct timeval limit = { .tv_usec = 300000 };
	struct pollfd p = { .fd = duo.fd, .events = POLLIN };
	char word[8];

	setsockopt(duo.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	alarm_in(100, count, SA_RESTART);
	EXPECT_ERRNO(recv(duo.fd, word, sizeof(word), 0), EINTR);
	EXPECT_ERRNO(recv(duo.fd, word, sizeof(word), 0), EAGAIN);
	alarm_in(100, count, SA_RESTART);
	EXPECT_ERRNO(poll(&p, 1, 2000), EINTR);
	duo_close(&duo);
}

static void accept_is_ended_too(void)
{
	int listener = listen_at(0, 1);

	alarm_in(100, count, 0);
	EXPECT_ERRNO(accept(listener, NULL, NULL), EINTR);
	close(listener);
}

static void what_was_moved_is_not_lost(void)
{
	struct duo duo = duo_open();
	char word[8];

	EXPECT(send(duo.peer, "abc", 3, 0) == 3);
	alarm_in(200, count, 0);
	EXPECT(recv(duo.fd, word, sizeof(word), MSG_WAITALL) == 3 && alarms == 1);
	duo_close(&duo);
}

static void a_handler_may_use_sockets_itself(void)
{
	struct duo waited = duo_open(), spoken = duo_open();
	pthread_t thread;
	char word[8];

	spoken_fd = spoken.fd;
	alarm_in(100, speak, SA_RESTART);
	pthread_create(&thread, NULL, speak_late, &waited.peer);
	EXPECT(recv(waited.fd, word, sizeof(word), 0) == 4 && alarms == 1);
	EXPECT(recv(spoken.peer, word, sizeof(word), 0) == 1 && word[0] == 's');
	pthread_join(thread, NULL);
	duo_close(&waited);
	duo_close(&spoken);
}

static void longjmp_out_of_recv_leaves_the_data_to_the_next(void)
{
	struct duo duo = duo_open();
	char word[8];

	for (volatile int i = 0; i < 20; i++) {
		if (sigsetjmp(out_of_it, 1))
			continue;
		alarm_in(10, leave, 0);
		recv(duo.fd, word, sizeof(word), 0);
	}
	EXPECT(send(duo.peer, "after", 5, 0) == 5 && sight(duo.fd, 1000) == DATA);
	EXPECT(recv(duo.fd, word, sizeof(word), 0) == 5);
	duo_close(&duo);
}

static pid_t forked;

static void fork_off(int signal)
{
	(void)signal;
	forked = fork();
}

static void a_child_that_the_handler_forked_is_interrupted_too(void)
{
	int listener = listen_at(0, 1), result, error, status;

	alarm_in(100, fork_off, 0);
	result = accept(listener, NULL, NULL);
	error = errno;
	if (forked == 0)
		_exit(result != -1 || error != EINTR || socket(AF_INET, SOCK_STREAM, 0) < 0);
	EXPECT(result == -1 && error == EINTR);
	EXPECT(waitpid(forked, &status, 0) == forked && status == 0);
	close(listener);
}

static volatile sig_atomic_t forks, in_child;

static void fork_off_busy(int signal)
{
	(void)signal;
	forks++;
	in_child = fork() == 0;
}

static void *echo(void *fd)
{
	char byte;

	while (recv(*(int *)fd, &byte, 1, 0) == 1 && send(*(int *)fd, &byte, 1, 0) == 1)
		;
	return NULL;
}

static void children_that_a_handler_forked_in_busy_calls_go_on(void)
{
	struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
	struct duo busy = duo_open();
	int good = 0, status;
	pthread_t thread;
	sigset_t alarm;
	char byte;

	setsockopt(busy.fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 200000}, sizeof(struct timeval));
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	pthread_create(&thread, NULL, echo, &busy.peer);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = fork_off_busy}, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; forks < 40; i++) {
		EXPECT(send(busy.fd, "x", 1, 0) == 1);
		pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
		if (i % 2) /* neither takes anything; a child that was not in it yet may wait in vain, but not for ever */
			recv(busy.fd, &byte, 1, MSG_PEEK);
		else
			poll(&(struct pollfd){.fd = busy.fd, .events = POLLIN}, 1, 200);
		pthread_sigmask(SIG_BLOCK, &alarm, NULL);
		if (in_child)
			_exit(socket(AF_INET, SOCK_STREAM, 0) < 0);
		EXPECT(recv(busy.fd, &byte, 1, 0) == 1);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	while (wait(&status) > 0)
		good += status == 0;
	EXPECT(good == forks);
	shutdown(busy.peer, SHUT_RDWR);
	pthread_join(thread, NULL);
	duo_close(&busy);
}

static void *receive(void *fd)
{
	char word[8];

	recv(*(int *)fd, word, sizeof(word), 0);
	return NULL;
}

static void a_cancelled_thread_takes_nothing(void)
{
	struct duo duo = duo_open();
	pthread_t thread;
	void *end;
	char word[8];

	pthread_create(&thread, NULL, receive, &duo.fd);
	nap_ms(100);
	pthread_cancel(thread);
	EXPECT(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
	EXPECT(send(duo.peer, "after", 5, 0) == 5 && sight(duo.fd, 1000) == DATA);
	EXPECT(recv(duo.fd, word, sizeof(word), 0) == 5);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(a_handler_ends_recv_unless_it_restarts_calls),
	CASE(with_a_time_limit_no_call_restarts),
	CASE(accept_is_ended_too),
	CASE(what_was_moved_is_not_lost),
	CASE(a_handler_may_use_sockets_itself),
	CASE(longjmp_out_of_recv_leaves_the_data_to_the_next),
	CASE(a_child_that_the_handler_forked_is_interrupted_too),
	CASE(children_that_a_handler_forked_in_busy_calls_go_on),
	CASE(a_cancelled_thread_takes_nothing),
};
TAP_MAIN(cases)
