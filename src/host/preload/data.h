/* SPDX-License-Identifier: MIT */
/*
 * host/preload/data.h - bytes to and from a stack socket, for whatever call moves them
 *
 * Both cut what is longer than a slot's payload into pieces and return what the system call would, or a negative errno.
 */
#ifndef LA_PRELOAD_DATA_H
#define LA_PRELOAD_DATA_H

#include "host/preload/preload.h"

int64_t stack_recvmsg(int fd, seg_handle file, struct msghdr *msg, int flags, enum seg_io io);
int64_t stack_sendmsg(int fd, seg_handle file, const struct msghdr *msg, int flags, enum seg_io io);

int64_t stack_recv(int fd, seg_handle file, void *buf, size_t len, int flags, enum seg_io io);
int64_t stack_send(int fd, seg_handle file, const void *buf, size_t len, int flags, enum seg_io io);

/* What -D_FORTIFY_SOURCE makes of read() and the like; no header declares them. */
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t room, int flags, struct sockaddr *addr,
		       socklen_t *addrlen);

#endif
