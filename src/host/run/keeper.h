/* SPDX-License-Identifier: MIT */
/*
 * host/run/keeper.h - between launcher.c and keeper.c
 */
#ifndef LA_RUN_KEEPER_H
#define LA_RUN_KEEPER_H

#include "host/run/launcher.h"

/* What the keeper tells the launcher, a message each, and one the other way. The end of the socket: all is over. */
enum report_kind {
	REPORT_STARTED,	   /* value: the program's process */
	REPORT_STOPPED,	   /* value: by which signal */
	REPORT_ENDED,	   /* value: its wait status */
	REPORT_FAILED,	   /* value: exit status; it has been said why */
	REPORT_BACKGROUND, /* others live on */
	REPORT_FORGET,	   /* launcher->: the signal that came to the whole group */
};

struct report {
	int32_t kind, value;
};

/* Becomes the program's image, with the signals that launch_prepare() found; does not return. */
__attribute__((noreturn)) void launch_exec(const struct launch *launch);

/* The keeper's life, in its own process; @front: where reports go. Its exit status means nothing. */
void keeper_run(const struct launch *launch, int front);

#endif
