/* SPDX-License-Identifier: MIT */
/*
 * host/preload/user.h - the program's memory: pointers that may be wrong, and vectors of them
 *
 * The kernel answers EFAULT where we would crash. Small things (names, option values) are looked at through the kernel,
 * a system call each; payload only for what no mapping can have, so that recv(fd, NULL, n) and (void *)-1 say EFAULT.
 */
#ifndef LA_PRELOAD_USER_H
#define LA_PRELOAD_USER_H

#include "host/preload/preload.h"

bool user_readable(const void *p, size_t len); /* asks the kernel */
bool user_possible(const void *p, size_t len); /* cheap: not NULL, not the kernel's half */

/**
 * struct run - a vector as one run of bytes, front to back
 * @iov:  the segment we stand in
 * @at:   bytes of it that are behind us
 * @left: bytes from here to the end
 * @bad:  the run stopped before an impossible pointer
 */
struct run {
	const struct iovec *iov;
	size_t at, left;
	bool bad;
};

int run_begin(struct run *run, const struct iovec *iov, size_t count); /* 0, -EINVAL (lengths), -EFAULT (the vector) */
void run_put(struct run *run, const uint8_t *from, size_t len);	       /* len <= left */
void run_get(struct run *run, uint8_t *to, size_t len);

/* A socket's name into a call, and out of one: what bind() and accept() do with their arguments. */
int name_in(struct call *call, const struct sockaddr *addr, socklen_t len);
int name_out(const struct call *call, struct sockaddr *addr, socklen_t *len);

#endif
