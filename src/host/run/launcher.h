/* SPDX-License-Identifier: MIT */
/*
 * host/run/launcher.h - a program on a stack: who starts it, passes signals on, reaps, and ends the stack
 *
 *	launcher    the process that was started: hands signals to the program, ends as the program ends
 *	 keeper       its child: subreaper, so that every descendant of the program is its to reap
 *	  executor      owns the stack (host/run/executor.h); in a session of its own, no terminal signal reaches it
 *	  program       and all that come of it
 *
 * Two processes and not one, since `nginx` returns to the shell when its first process ends while the daemon lives on:
 * the launcher does so too, and the keeper stays until the last one is gone.
 */
#ifndef LA_RUN_LAUNCHER_H
#define LA_RUN_LAUNCHER_H

#include "host/run/folder.h"

/* Exit status where Lastack itself failed; as of env and timeout. */
#define LAUNCH_FAILED 125

/**
 * struct launch - what to start
 * @folder:   of the stack; owned by the keeper from launch() on
 * @path:     of the program; @argv: its arguments, with its name
 * @environ:  the program's
 * @executor: body of the executor's process, which says NOTE_READY on @launcher_fd; returns its exit status.
 *            NULL: the stack is joined, its executor is there
 * @space:    called in the keeper before anything is started, to enter or make namespaces; 0, or an exit status
 * @say:      "lastack run: sentence" on stderr
 * @wait:     return when the last descendant is gone, not when the program is
 * @rootless: for those who join
 */
struct launch {
	struct folder *folder;
	const char *path;
	char **argv, **environ;
	int (*executor)(void *world, int launcher_fd);
	int (*space)(void *world);
	void (*say)(void *world, const char *sentence);
	void *world;
	bool wait, rootless;
};

/* Takes note of what the program is to inherit - closed standard descriptors, signals blocked and ignored - before
 * anything changes it. To be called first. */
void launch_prepare(void);

/* Runs it: the program's exit status, or LAUNCH_FAILED after a message. Does not return if the program was killed by a
 * signal: neither did we survive it. */
int launch(const struct launch *launch);

#endif
