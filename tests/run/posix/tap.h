/* SPDX-License-Identifier: MIT */
/*
 * posix/tap.h - what these programs share: cases in TAP, a connected pair, and what one of its ends sees
 *
 * Ordinary programs over ordinary calls: both ends live in the program, at the address argv[1] (127.0.0.1 unless told),
 * so each says by itself whether the stack beneath behaves as Linux. A case is a function whose name is a sentence; what
 * it expected and did not find follows as comments. A case that takes longer than half a minute ends the program.
 */
#ifndef POSIX_TAP_H
#define POSIX_TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct tap_case {
	const char *name;
	void (*play)(void);
};
#define CASE(function) { #function, function }

/* The program's main(): its exit status. */
int tap_main(int argc, char **argv, const struct tap_case *cases, int count);
#define TAP_MAIN(cases)									\
	int main(int argc, char **argv)							\
	{										\
		return tap_main(argc, argv, cases, sizeof(cases) / sizeof(*(cases)));	\
	}

/* Both evaluate their call once; @wanted is the errno of a call that must fail with -1. */
#define EXPECT(condition)	     tap_expect(condition, #condition, __FILE__, __LINE__)
#define EXPECT_ERRNO(call, wanted) tap_expect_errno(call, wanted, #call, __FILE__, __LINE__)
bool tap_expect(bool good, const char *what, const char *file, int line);
bool tap_expect_errno(long result, int wanted, const char *what, const char *file, int line);
_Noreturn void tap_bail(const char *what);	/* nothing can be said: errno is printed */

long now_ms(void);
void nap_ms(int ms);

/* A connection: @fd is the accepted end, @peer the one that connected. */
struct duo {
	int fd, peer;
};
struct duo duo_open(void);
void duo_close(struct duo *duo);		/* whatever of it is open */

int listen_at(int port, int backlog);		/* 0: the stack chooses; dial() then goes there */
int port_of(int fd);
int dial(void);
int dial_errno(void);				/* 0, or why nobody answered; the socket is closed again */

/* What an end has before it within @ms; it is left there. */
enum sight { NOTHING = 1, DATA, END, RESET, OTHER };
enum sight sight(int fd, int ms);

void linger(int fd, int on, int seconds);
size_t fill(int fd);				/* until all buffers on the way are full */
ssize_t drain(int fd);				/* reads to the end: the last result, 0 or -1 */
int count_signal(int signal, volatile sig_atomic_t **count);

/* One call in a thread of its own, given time to block. */
enum blocked_call { RECV, SEND, ACCEPT, CONNECT, CLOSE, POLL };
struct blocked {
	enum blocked_call call;
	int fd;
	pthread_t thread;
	ssize_t result;
	int error;				/* errno, or poll()'s bits */
	_Atomic bool done;
};
struct blocked *blocked_start(enum blocked_call call, int fd);
bool blocked_done(struct blocked *call, int ms);

#endif
