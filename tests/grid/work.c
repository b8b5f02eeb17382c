// SPDX-License-Identifier: MIT
/*
 * tests/grid/work.c - many small jobs in a few processes
 *
 * Worker k of n does the jobs k, k + n, k + 2n ... and writes fixed-size replies to a pipe that all share: one reply is less
 * than PIPE_BUF, so that they do not mix.
 */
#include "tests/grid/work.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct reply {
	size_t number;
	char answer[WORK_TEXT];
};
_Static_assert(sizeof(struct reply) <= PIPE_BUF, "a reply is written at once");

static void worker(size_t first, size_t step, size_t n, int fd, void (*job)(void *, size_t, char[WORK_TEXT]),
		   void *arg)
{
	struct reply reply;

	for (size_t i = first; i < n; i += step) {
		memset(&reply, 0, sizeof(reply));
		reply.number = i;
		job(arg, i, reply.answer);
		if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
			_exit(1);
	}
	_exit(0);
}

/* False: the pipe has ended. */
static bool read_reply(int fd, struct reply *reply)
{
	size_t have = 0;

	while (have < sizeof(*reply)) {
		ssize_t n = read(fd, (char *)reply + have, sizeof(*reply) - have);

		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

bool work(size_t n, unsigned workers, void (*job)(void *arg, size_t number, char answer[WORK_TEXT]),
	  void (*done)(void *arg, size_t number, const char *answer), void *arg)
{
	struct reply reply;
	size_t replies = 0;
	int fds[2], status;
	bool well = true;

	fflush(NULL);
	if (pipe(fds)) {
		perror("pipe");
		return false;
	}
	for (unsigned k = 0; k < workers; k++) {
		if (fork() == 0) {
			close(fds[0]);
			worker(k, workers, n, fds[1], job, arg);
		}
	}
	close(fds[1]);
	for (; read_reply(fds[0], &reply); replies++)
		done(arg, reply.number, reply.answer);
	close(fds[0]);
	for (unsigned k = 0; k < workers; k++)
		well = wait(&status) > 0 && status == 0 && well;
	return well && replies == n;
}
