/* SPDX-License-Identifier: MIT */
/* life/open.h - what opening, accepting and connecting share */
#ifndef LA_LIFE_OPEN_H
#define LA_LIFE_OPEN_H

#include "stack/life/life.h"

#include <fcntl.h>

/* A file with a socket for @sk, whose reference it takes; SOCK_NONBLOCK. NULL: no memory, the reference stays. */
struct file *sock_file_new(struct net *net, struct sock *sk, int flags);
/* A name that the program hands in: 0, -EINVAL (too long), -EFAULT. */
int sockaddr_check(const struct sockaddr *addr, socklen_t len);

/* connect(2) as a part of sendmsg(2), and what it ended with: 0: go on and send; OP_WAIT; else the result of the call. */
int64_t sendmsg_connect(struct op *op, struct socket *socket);
int64_t sendmsg_connect_over(struct op *op, struct socket *socket, int64_t err);

/* Does the call return rather than wait? By O_NONBLOCK, MSG_DONTWAIT, a direct call, or a negative SO_RCVTIMEO. */
static inline bool op_never_waits(const struct op *op, int msg_flags, uint32_t timeo_ms)
{
	return op->nonblock || msg_flags & MSG_DONTWAIT || op->file->flags & O_NONBLOCK || timeo_ms == 0;
}

/* Waits on the socket until something happens, for at most the time of SO_RCVTIMEO or SO_SNDTIMEO in all. */
static inline int64_t op_wait_on_socket(struct op *op, struct socket *socket, uint32_t timeo_ms)
{
	op_wait_on(op, &socket->wq);
	if (timeo_ms != UINT32_MAX)
		op_set_timeout_ms(op, timeo_ms);
	return OP_WAIT;
}

#endif
