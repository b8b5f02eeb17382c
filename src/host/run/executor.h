/* SPDX-License-Identifier: MIT */
/*
 * host/run/executor.h - the process that owns the stack while unmodified programs run on it
 *
 *	launcher: fork --> host_init(), executor_new(), executor_run() ... executor_free(), host_destroy()
 *	programs: "control" in the stack's folder --> a segment each (host/run/segment.h) --> calls
 *
 * One thread. Everything that the protocol needs lives in its private memory; programs reach it through segments only.
 * It ends when the launcher says so; if that one is gone, with the last program.
 */
#ifndef LA_RUN_EXECUTOR_H
#define LA_RUN_EXECUTOR_H

#include "host/runtime/loop.h"

#include <stdio.h>
#include <sys/types.h>

struct executor;

/*
 * Between launcher and executor: a SOCK_SEQPACKET pair. The launcher says "end" with any message. It
 * keeps the segments' descriptors (SCM_RIGHTS), so that it can end the calls in them should the executor die.
 */
enum executor_note_kind {
	NOTE_READY = 1, /* ->launcher: programs may attach now */
	NOTE_SEGMENT,	/* ->launcher: with the memfd of the segment of @pid; the launcher closes it at NOTE_GONE */
	NOTE_GONE,	/* ->launcher: the segment of @pid with this @number is no longer used */
	NOTE_BELL,	/* ->launcher: with a slot's eventfd of the segment with this @number; closed at NOTE_GONE */
	NOTE_END,	/* launcher->: close everything and return from executor_run() */
};

struct executor_note {
	uint32_t kind;
	int32_t pid;
	uint64_t number; /* of the segment, from 1 */
};

/**
 * struct executor_options - all of it borrowed as long as the executor lives
 * @dir:         the stack's folder: it is there, empty but for the lock, and ours
 * @host:        the stack with its device, or none (host_init() with a NULL tun); its hooks.frame and hooks.trace as the
 *               caller likes, hooks.turn unset
 * @launcher_fd: see above; -1: none, executor_stop() ends it
 * @launcher:    descendants of this process may attach whatever their user; 0: nobody by that rule
 * @loopback_kernel: SEG_LOOPBACK_KERNEL
 * @spin_us:     how long to look for calls before sleeping; programs look a quarter of it for answers and events
 * @command:     answers one line of `lastack ss`, `lastack nstat`, ... into @out; NULL: only "debug" is known
 */
struct executor_options {
	const char *dir;
	struct host *host;
	int launcher_fd;
	pid_t launcher;
	bool loopback_kernel;
	unsigned spin_us;
	void (*command)(void *world, struct executor *ex, const char *line, FILE *out);
	void *world;
};

/* Makes folder contents, control socket, task; gives *@ex. 0 or a negative errno. */
int executor_new(struct executor **ex, const struct executor_options *options);
int executor_run(struct executor *ex); /* until told to end; 0, or a negative errno (the device failed) */
void executor_stop(struct executor *ex); /* from within a hook or another thread's signal: run() returns soon */
void executor_free(struct executor *ex); /* closes what is open (lingering skipped), detaches all; NULL is allowed */

/* Whose call is in progress: "nginx[4711] close(7)", "nginx[4711] exit" or "" - for the comments of a capture. Valid until
 * the next call; cheap enough to be asked at each FIN and RST only. */
const char *executor_who(struct executor *ex);

/* The stack's task in which the programs' files are open: for getsockopt() and the like by number. */
struct la_task *executor_task(struct executor *ex);

/**
 * struct executor_file - one file of the programs'
 * @fd:       its number in executor_task()
 * @inode:    what fstat() says, as in "socket:[4711]"
 * @socket:   else an epoll set
 */
struct executor_file {
	int fd;
	uint64_t inode;
	bool socket;
};
void executor_files(struct executor *ex, void (*visit)(void *arg, const struct executor_file *file), void *arg);

/* The numbers under which processes have files open, from /proc/PID/fd of all attached ones. */
struct executor_owner {
	uint64_t inode;
	pid_t pid;
	int number;
	char comm[16];
};
/* Gives an array, sorted by inode, pid, number; its length, or -ENOMEM. Free it with free(). */
int executor_owners(struct executor *ex, struct executor_owner **owners);

/**
 * struct executor_figures - what is alive now: the same before and after, or something leaks
 */
struct executor_figures {
	uint64_t processes, connections, files, spares, kernel_sets, calls_pending, descriptors;
	uint64_t calls, sleeps, wakes; /* since the beginning */
};
void executor_figures(struct executor *ex, struct executor_figures *figures);

#endif
