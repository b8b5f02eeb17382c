/* SPDX-License-Identifier: MIT */
/*
 * host/run/room.h - namespaces in which anybody may have a TUN device
 */
#ifndef LA_RUN_ROOM_H
#define LA_RUN_ROOM_H

#include <sys/types.h>

/* Puts the caller into a user namespace where it is who it was, and a network namespace with its loopback up. 0, or a
 * negative errno with *@why. */
int room_make(const char **why);

/* Puts the caller into those of @pid. */
int room_enter(pid_t pid, const char **why);

#endif
