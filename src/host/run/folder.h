/* SPDX-License-Identifier: MIT */
/*
 * host/run/folder.h - where the stacks of this user are found: a folder each, named as the stack
 *
 *	/run/lastack/NAME, $XDG_RUNTIME_DIR/lastack/NAME or /tmp/lastack-UID/NAME
 *	    lock      locked (flock) as long as the stack lives: a folder whose lock is free is a leftover
 *	    hold      a FIFO that joined programs keep open for writing: the stack does not end before they do
 *	    keeper    number of the process that keeps the stack, and whether it made namespaces of its own
 *	    control, f/ID: the executor's
 */
#ifndef LA_RUN_FOLDER_H
#define LA_RUN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FOLDER_PATH 96 /* with "/control" behind it, it must fit into a sockaddr_un */
#define FOLDER_NAME 40

struct folder {
	char path[FOLDER_PATH];
	int lock; /* ours as long as it is open; -1 */
	int hold; /* the reading end (folder_make) or a writing one (folder_join); -1 */
};

/* Letters, digits and .-_ only, the first no dot. */
bool folder_name_is_good(const char *name);

/* Makes the folder of a new stack, cleaning up what dead ones left. 0; -EADDRINUSE: that stack lives; else a negative
 * errno. */
int folder_make(struct folder *folder, const char *name);
/* Takes hold of a stack that lives. 0; -ESRCH: there is none of this name; else a negative errno. */
int folder_join(struct folder *folder, const char *name);
/* Does any joined program still hold the stack of this folder_make()d folder? */
bool folder_is_held(const struct folder *folder);
/* Closes what this process has open of it; the folder stays. */
void folder_close(struct folder *folder);
/* Unlinks all of it; whoever has the lock does that. */
void folder_remove(const struct folder *folder);

/* Who keeps the stack; written by the keeper, read to join. @rootless: in user and network namespaces of its own. */
int folder_write_keeper(const struct folder *folder, pid_t keeper, bool rootless);
int folder_read_keeper(const struct folder *folder, pid_t *keeper, bool *rootless);

/* Calls @visit with the name of each stack that lives, sorted; how many there are. */
size_t folder_each(void (*visit)(void *arg, const char *name), void *arg);
/* "BASE/NAME": false if it does not fit. */
bool folder_path(char path[FOLDER_PATH], const char *name);

#endif
