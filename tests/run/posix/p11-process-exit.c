// SPDX-License-Identifier: MIT
/*
 * posix/p11-process-exit.c - rows FD-06, FD-07, LG-16: what a dying process leaves to its peers
 */
#include "tap.h"

/* What the child has on its end when it dies. */
struct estate {
	bool unread, unsent;
	int linger_on, linger_seconds;
};

static void heir(int fd, const struct estate *estate, int ready)
{
	if (estate->linger_on)
		linger(fd, 1, estate->linger_seconds);
	if (estate->unread && sight(fd, 2000) != DATA)
		_exit(9);
	if (estate->unsent)
		fill(fd);
	if (write(ready, "", 1) != 1)
		_exit(8);
	for (;;)
		pause();
}

/* A child that alone has such an end dies of @signal: what the other end sees of it. */
static enum sight seen_after(int signal, struct estate estate)
{
	struct duo duo = duo_open();
	int ready[2], status;
	enum sight seen;
	long begin;
	pid_t pid;
	char byte;

	if (pipe(ready))
		tap_bail("pipe");
	pid = fork();
	if (pid == 0) {
		close(duo.peer);
		heir(duo.fd, &estate, ready[1]);
	}
	close(duo.fd);
	close(ready[1]);
	EXPECT(!estate.unread || send(duo.peer, "unread", 6, 0) == 6);
	EXPECT(read(ready[0], &byte, 1) == 1);
	begin = now_ms();
	kill(pid, signal);
	EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == signal);
	EXPECT(now_ms() - begin < 1000);
	seen = sight(duo.peer, 1000);
	close(ready[0]);
	close(duo.peer);
	return seen;
}

static void killed_with_nothing_unread_it_sends_a_FIN(void)
{
	EXPECT(seen_after(SIGKILL, (struct estate){}) == END);
}

static void killed_with_data_unread_it_resets(void)
{
	EXPECT(seen_after(SIGKILL, (struct estate){ .unread = true }) == RESET);
}

static void killed_with_linger_0_it_resets(void)
{
	EXPECT(seen_after(SIGKILL, (struct estate){ .linger_on = 1 }) == RESET);
}

static void a_dying_process_does_not_linger(void)
{
	struct estate estate = { .linger_on = 1, .linger_seconds = 20, .unsent = true };

	EXPECT(seen_after(SIGTERM, estate) == DATA);
	EXPECT(seen_after(SIGKILL, estate) == DATA);
}

static void exit_closes_as_close_does(void)
{
	struct duo duo = duo_open();
	pid_t pid = fork();
	int status;

	if (pid == 0)
		exit(send(duo.fd, "bye", 3, 0) == 3 ? 0 : 1);
	close(duo.fd);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(drain(duo.peer) == 0);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(killed_with_nothing_unread_it_sends_a_FIN),
	CASE(killed_with_data_unread_it_resets),
	CASE(killed_with_linger_0_it_resets),
	CASE(a_dying_process_does_not_linger),
	CASE(exit_closes_as_close_does),
};
TAP_MAIN(cases)
