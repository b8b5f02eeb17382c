/* SPDX-License-Identifier: MIT */
/*
 * lastack/socket.h - the calls programs know, on the descriptors of a task
 *
 * Objects, as in Linux: a task (one thread of control) has a table of descriptors; a number in the table refers to a
 * file; a file is counted by everyone that holds it: tables (dup, fork), calls in progress, and descriptors in flight.
 * The last holder that lets go closes it.
 *
 * Every call is an operation: prepare it with a la_prep_*(), then la_submit() it. It completes at once (LA_DONE) or
 * later (LA_PENDING: la_op.done is called from the entry that completes it), and la_cancel() ends it as a signal would.
 * Results are what the system call returns, errors negative: -EPIPE, -EAGAIN, ...; constants and structures are
 * those of Linux's headers.
 *
 *	struct la_op op = { .done = on_data };
 *	la_prep_recv(&op, fd, buf, sizeof(buf), 0);
 *	if (la_submit(task, &op, now_ns) == LA_DONE)
 *		use(op.result);
 */
#ifndef LASTACK_SOCKET_H
#define LASTACK_SOCKET_H

#include <lastack/stack.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct la_task;
struct la_file;

/* ------------------------------------------------------------------ tasks: threads, processes */

LA_API struct la_task *la_task_new(struct la_stack *stack);  /* a process with an empty table; NULL: no memory */
LA_API struct la_task *la_task_fork(struct la_task *task);   /* a copy of the table, one reference more on each file; NULL */
LA_API struct la_task *la_task_thread(struct la_task *task); /* the same table: clone(CLONE_FILES); NULL */
/* execve(): the task's pending operations are cancelled and its descriptors with close-on-exec closed; other threads of the table
 * are not touched. 0 or -ENOMEM. */
LA_API int la_task_exec(struct la_task *task, uint64_t now_ns);
/* The task ends: its pending operations are cancelled, its use of the table is given up, and whoever is last closes all
 * that is open, lingering skipped (row FD-07). @task is gone afterwards. */
LA_API void la_task_exit(struct la_task *task, uint64_t now_ns);

/* A descriptor in flight, as in a SCM_RIGHTS message: a reference of its own. */
LA_API struct la_file *la_file_get(struct la_task *task, int fd); /* NULL: bad descriptor, no memory */
/* Takes @file, also on error; @flags: O_CLOEXEC or 0. The number, or -EINVAL (flags), -EMFILE, -ENOMEM. */
LA_API int la_file_install(struct la_task *task, struct la_file *file, int flags);
LA_API void la_file_put(struct la_stack *stack, struct la_file *file, uint64_t now_ns); /* destroyed unread */
LA_API uint32_t la_file_count(const struct la_file *file); /* references held now */

/* ------------------------------------------------------------------ operations */

enum la_status { LA_DONE, LA_PENDING };

/**
 * struct la_op - one call; the caller's memory, zeroed before first use, not moved or freed while pending
 * @done:    called when a pending operation completes, not when la_submit() returned LA_DONE; may be NULL. What one's
 *           own addresses can answer may complete within la_submit(): done() is then called before LA_PENDING is
 *           returned. May submit and cancel operations, this one too
 * @user:    the caller's
 * @result:  the call's return value or a negative errno
 * @signal:  signal that Linux would raise with it (SIGPIPE), or 0
 */
struct la_op {
	void (*done)(struct la_op *op);
	void *user;
	int64_t result;
	int signal;
	uint64_t opaque[48];
};

/* Starts @op for @task. Buffers, addresses and vectors named by it are borrowed until it is done. */
LA_API enum la_status la_submit(struct la_task *task, struct la_op *op, uint64_t now_ns);
/* Ends a pending operation as a caught signal does: -EINTR, a partial count, or 0 for a lingering close. done() is called
 * within. An operation that is not pending is left alone. */
LA_API void la_cancel(struct la_op *op, uint64_t now_ns);

/**
 * struct la_op_description - a prepared or pending operation as strace would show it
 * @name: of the system call that it becomes: recvmsg for all that read, sendmsg for all that write
 * @fd:   the descriptor, -1 where none is named
 * @args: shutdown: how; setsockopt, getsockopt: level and name; what moves data, accept4: flags; dup2, dup3: the new number; else 0
 * @len:  bytes asked for by recv, send, read and write; 0 where the operation does not say so itself
 */
struct la_op_description {
	const char *name;
	int fd;
	int args[2];
	size_t len;
};
LA_API void la_op_describe(const struct la_op *op, struct la_op_description *description);

LA_API void la_prep_socket(struct la_op *op, int domain, int type, int protocol);
LA_API void la_prep_bind(struct la_op *op, int fd, const struct sockaddr *addr, socklen_t len);
LA_API void la_prep_listen(struct la_op *op, int fd, int backlog);
LA_API void la_prep_accept4(struct la_op *op, int fd, struct sockaddr *addr, socklen_t *len, int flags);
LA_API void la_prep_connect(struct la_op *op, int fd, const struct sockaddr *addr, socklen_t len);
LA_API void la_prep_read(struct la_op *op, int fd, void *buf, size_t len);
LA_API void la_prep_readv(struct la_op *op, int fd, const struct iovec *iov, int iovcnt);
LA_API void la_prep_write(struct la_op *op, int fd, const void *buf, size_t len);
LA_API void la_prep_writev(struct la_op *op, int fd, const struct iovec *iov, int iovcnt);
LA_API void la_prep_recv(struct la_op *op, int fd, void *buf, size_t len, int flags);
LA_API void la_prep_recvfrom(struct la_op *op, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			     socklen_t *addrlen);
LA_API void la_prep_recvmsg(struct la_op *op, int fd, struct msghdr *msg, int flags);
LA_API void la_prep_send(struct la_op *op, int fd, const void *buf, size_t len, int flags);
LA_API void la_prep_sendto(struct la_op *op, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
			   socklen_t addrlen);
LA_API void la_prep_sendmsg(struct la_op *op, int fd, const struct msghdr *msg, int flags);
LA_API void la_prep_shutdown(struct la_op *op, int fd, int how);
LA_API void la_prep_close(struct la_op *op, int fd);
LA_API void la_prep_getsockname(struct la_op *op, int fd, struct sockaddr *addr, socklen_t *len);
LA_API void la_prep_getpeername(struct la_op *op, int fd, struct sockaddr *addr, socklen_t *len);
LA_API void la_prep_getsockopt(struct la_op *op, int fd, int level, int name, void *value, socklen_t *len);
LA_API void la_prep_setsockopt(struct la_op *op, int fd, int level, int name, const void *value, socklen_t len);
LA_API void la_prep_ioctl(struct la_op *op, int fd, unsigned long request, void *arg); /* FIONREAD, SIOCOUTQ, FIONBIO, ... */
LA_API void la_prep_fcntl(struct la_op *op, int fd, int cmd, long arg); /* F_DUPFD(_CLOEXEC), F_GETFD, F_SETFD, F_GETFL, F_SETFL */
LA_API void la_prep_dup(struct la_op *op, int fd);
LA_API void la_prep_dup2(struct la_op *op, int fd, int newfd);
LA_API void la_prep_dup3(struct la_op *op, int fd, int newfd, int flags);
LA_API void la_prep_poll(struct la_op *op, struct pollfd *fds, nfds_t nfds, int timeout_ms); /* -1: no limit */
LA_API void la_prep_epoll_create1(struct la_op *op, int flags);
LA_API void la_prep_epoll_ctl(struct la_op *op, int epfd, int how, int fd, struct epoll_event *event);
LA_API void la_prep_epoll_wait(struct la_op *op, int epfd, struct epoll_event *events, int maxevents, int timeout_ms);

/* Before la_submit() of an epoll_wait: @fds, as long as its events, gets the number under which each was added; -1 where that
 * number means another file by now, or none. */
LA_API void la_epoll_wait_numbers(struct la_op *op, int *fds);

/* ------------------------------------------------------------------ ahead of the call
 *
 * For hosts that carry calls over a distance (a process boundary) and would rather know the answer than ask for it.
 */

/**
 * struct la_watch - hears of everything that happens on a socket; the caller's memory, zeroed, not moved while it watches
 * @changed: called from within the stack: may note it, and calls nothing. @events: EPOLL* bits, 0: look at everything
 */
struct la_watch {
	void (*changed)(struct la_watch *watch, uint32_t events);
	void *opaque[3];
};
/* Until la_unwatch(), or until the last reference of the file goes. -EBADF, -ENOTSOCK. */
LA_API int la_watch(struct la_task *task, int fd, struct la_watch *watch);
LA_API void la_unwatch(struct la_watch *watch);

/**
 * struct la_preview - what the next calls on a connected socket would do, unless something happens before
 * @recv:  bytes that recv() of any larger size would return, all of them; 0: none, more than there was room for, or recv() would
 *         do more than return bytes
 * @send:  bytes that send() would take whole and at once, perhaps more; 0: it would wait, fail, or that cannot be said
 * @local: the peer is one of this stack's own addresses: what the program does may arrive before its next call
 */
struct la_preview {
	size_t recv, send;
	bool local;
};
/* Copies the bytes to @buf, of @room bytes, and changes nothing, not even when an ACK leaves. -EBADF, -ENOTSOCK. */
LA_API int la_preview(struct la_task *task, int fd, void *buf, size_t room, struct la_preview *preview);

/* ------------------------------------------------------------------ direct calls
 *
 * For what cannot wait. The four that move data never do: as with MSG_DONTWAIT / O_NONBLOCK, -EAGAIN instead. la_close()
 * gives the number back at once and lets a positive SO_LINGER time pass unwaited.
 */
LA_API int la_socket(struct la_task *task, int domain, int type, int protocol, uint64_t now_ns);
LA_API int la_bind(struct la_task *task, int fd, const struct sockaddr *addr, socklen_t len, uint64_t now_ns);
LA_API int la_listen(struct la_task *task, int fd, int backlog, uint64_t now_ns);
LA_API int la_accept4(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, int flags, uint64_t now_ns);
LA_API int la_connect(struct la_task *task, int fd, const struct sockaddr *addr, socklen_t len, uint64_t now_ns);
LA_API int64_t la_recv(struct la_task *task, int fd, void *buf, size_t len, int flags, uint64_t now_ns);
LA_API int64_t la_send(struct la_task *task, int fd, const void *buf, size_t len, int flags, uint64_t now_ns);
LA_API int la_shutdown(struct la_task *task, int fd, int how, uint64_t now_ns);
LA_API int la_close(struct la_task *task, int fd, uint64_t now_ns);
LA_API int la_getsockname(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, uint64_t now_ns);
LA_API int la_getpeername(struct la_task *task, int fd, struct sockaddr *addr, socklen_t *len, uint64_t now_ns);
LA_API int la_getsockopt(struct la_task *task, int fd, int level, int name, void *value, socklen_t *len, uint64_t now_ns);
LA_API int la_setsockopt(struct la_task *task, int fd, int level, int name, const void *value, socklen_t len,
			 uint64_t now_ns);
LA_API int la_ioctl(struct la_task *task, int fd, unsigned long request, void *arg, uint64_t now_ns);
LA_API int la_fcntl(struct la_task *task, int fd, int cmd, long arg, uint64_t now_ns);
LA_API int la_dup(struct la_task *task, int fd, uint64_t now_ns);
LA_API int la_dup2(struct la_task *task, int fd, int newfd, uint64_t now_ns);
LA_API int la_dup3(struct la_task *task, int fd, int newfd, int flags, uint64_t now_ns);
LA_API int la_poll(struct la_task *task, struct pollfd *fds, nfds_t nfds, uint64_t now_ns); /* as with timeout 0 */
LA_API int la_epoll_create1(struct la_task *task, int flags, uint64_t now_ns);
LA_API int la_epoll_ctl(struct la_task *task, int epfd, int how, int fd, struct epoll_event *event, uint64_t now_ns);
LA_API int la_epoll_wait(struct la_task *task, int epfd, struct epoll_event *events, int maxevents, uint64_t now_ns);

#ifdef __cplusplus
}
#endif
#endif
