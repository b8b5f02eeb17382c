/* SPDX-License-Identifier: MIT */
/*
 * host/preload/loopback.h - `--loopback kernel`: 127.0.0.1 and ::1 are the machine's own
 */
#ifndef LA_PRELOAD_LOOPBACK_H
#define LA_PRELOAD_LOOPBACK_H

#include "host/preload/user.h"

/* Before bind() and connect(): is @fd, known as @file, from now on a socket of the kernel's? */
bool loopback_gives_way(int fd, seg_handle file, const struct sockaddr *addr, socklen_t len);

#endif
