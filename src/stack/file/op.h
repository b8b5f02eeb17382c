/* SPDX-License-Identifier: MIT */
/*
 * file/op.h - a system call as an operation that completes
 *
 *	la_submit -> op_start -> try() --- result -----------------------------> op_complete -> la_op.done
 *	                           \-- OP_WAIT: on a wait queue, perhaps with a timer
 *	                                 woken: on vfs.woken -> try() again at the end of the entry
 *	                                 timer: expired()      cancel: interrupted()
 *
 * struct op lives in the caller's la_op. While it is pending it holds a reference on its file, as a thread inside the
 * kernel does; the reference is dropped before the caller hears of the result.
 */
#ifndef LA_OP_H
#define LA_OP_H

#include "base/timer.h"
#include "stack/net.h"
#include "stack/sock/wait.h"
#include "stack/tcp/tcp.h"
#include <lastack/socket.h>

struct op;
struct task;
struct file;
struct epoll_wait_entry;

#define OP_WAIT INT64_MIN /* returned by try(): wait and come again */

/* What an operation does; one constant of these per call, in the file that holds the call. */
struct op_class {
	const char *name;	   /* "recvmsg" */
	int64_t (*try)(struct op *op); /* runs or re-runs; the result or OP_WAIT */
	int64_t (*expired)(struct op *op);     /* its timer fired; NULL: -EAGAIN */
	int64_t (*interrupted)(struct op *op); /* cancelled as by a signal; NULL: -EINTR */
	void (*leave)(struct op *op);	       /* before it completes in any way: undo what waiting needed; or NULL */
	bool takes_fd;			       /* op.fd names a file that is held during the call */
	bool exclusive;			       /* waits exclusively: accept */
};

enum op_status { OP_IDLE, OP_RUNNING, OP_WAITING, OP_WOKEN };

union op_args {
	struct { int domain, type, protocol; } socket;
	struct { const struct sockaddr *addr; socklen_t len; int err; uint16_t disconnects; bool waits; } addr; /* bind, connect */
	struct { struct sockaddr *addr; socklen_t *len; int flags; int newfd; } name; /* accept4, get*name */
	struct { int backlog; } listen;
	struct { int how; } shutdown;
	struct { struct socket *socket; } linger; /* of any call that dropped the last reference; after its leave() */
	struct { int level, name; void *value; socklen_t len; socklen_t *lenp; } opt;
	struct { unsigned long request; void *arg; } ioctl;
	struct { int cmd; long arg; } fcntl;
	struct { int newfd, flags; } dup;
	struct { struct pollfd *fds; nfds_t nfds; int timeout_ms; struct poll_entry *entries; } poll;
	struct { int flags; } epoll_create;
	struct { int how, fd; struct epoll_event *event; } epoll_ctl;
	struct { struct epoll_event *events; int *fds, max, timeout_ms; } epoll_wait;
	struct { /* all that moves data */
		struct iovec one;	 /* recv, send, read, write */
		const struct iovec *iov; /* the caller's, or &one */
		int iovcnt;
		int flags;
		struct msghdr *msg;	 /* sendmsg, recvmsg */
		struct sockaddr *addr;
		socklen_t addrlen, *addrlenp;
		bool is_read;		 /* read, readv: a length of 0 returns at once (WK-11) */
		bool is_write;		 /* write, writev: EINVAL where send() says ENOTSOCK */
		bool connecting;	 /* it connects first: MSG_FASTOPEN (life/connect.c) */
		int unready;		 /* ... and says this if it shall not wait for that */
		struct tcp_io tcp;	 /* progress over several tries (life/io.c) */
	} io;
};

struct op {
	const struct op_class *class;
	struct task *task;
	struct file *file; /* held while running and pending; NULL */
	int fd;
	uint8_t status;	   /* enum op_status */
	bool nonblock;	   /* direct call: try() never returns OP_WAIT, whatever the file says */
	bool cancelled;	   /* a signal is pending: no lingering any more */
	bool limited;	   /* op_set_timeout_ms() was called */
	bool parked;	   /* what stands from here to the timer is set up: it had to wait, which most never do */
	struct list_head node;	     /* in task.ops while pending */
	struct list_head woken_node; /* in vfs.woken while OP_WOKEN */
	struct wait_entry wait;
	struct timer timer;	     /* TIMER_OP */
	union op_args u;
};

_Static_assert(sizeof(struct op) <= sizeof(((struct la_op *)0)->opaque), "struct la_op must hold a struct op");

static inline struct op *op_of(struct la_op *pub) { return (struct op *)pub->opaque; }
static inline struct la_op *op_public(struct op *op) { return container_of((void *)op, struct la_op, opaque); }

/*
 * When an operation completes, op.c takes it off its wait queue and stops its timer, then lets its file go. That fput()
 * may find itself the last one of a socket that lingers: it then gives @op a class of its own, whose functions return
 * the result that la_op.result already holds, calls op_wait_on() and op_set_timeout_ms(), and returns true. sys_close does
 * the same from within try(). Operations that may not wait, or no longer, are given to fput() as NULL.
 */
enum la_status op_start(struct task *task, struct op *op); /* from la_submit, between net_enter and net_leave */
void op_cancel(struct op *op);
void op_run_woken(struct net *net);	 /* from net_leave: each once, in the order of waking; they may wake more */
bool op_any_woken(const struct net *net);
void op_timer(struct net *net, struct timer *t); /* TIMER_OP has fired */

/* For try() functions: what to wait for before returning OP_WAIT. */
void op_wait_on(struct op *op, struct wait_queue *q); /* stays there until the operation completes */
void op_set_timeout_ms(struct op *op, uint64_t ms);	 /* once per operation: a second call leaves the first limit */
void op_wake(struct op *op);				 /* look again at the end of this entry */
static inline void op_signal(struct op *op, int sig) { op_public(op)->signal = sig; }

#endif
