/* SPDX-License-Identifier: MIT */
/*
 * file/file.h - tasks, their tables of descriptors, and files, counted as in the kernel
 *
 *	task -> fdtable (shared by threads) -> file (counted) -> socket or epoll set
 *
 * A reference on a file is held by: each slot of a table, each operation in progress on it, each la_file in flight. An
 * epoll set holds none. fput() of the last one closes the file at once (life/close.c); where that happens in the middle
 * of something else, the caller sees to it that nothing of the file is used afterwards.
 */
#ifndef LA_FILE_H
#define LA_FILE_H

#include "stack/file/op.h"
#include "stack/net.h"
#include "stack/socket/socket.h"

struct file;
struct eventpoll;
struct epitem;

/* What a kind of file can do: the table that joins files to what stands behind them. */
struct file_operations {
	const char *name;
	uint32_t (*poll)(struct file *file);		/* POLL* bits that hold now */
	struct wait_queue *(*wait)(struct file *file);	/* where changes of it are told; NULL: never */
	/* The last reference went; @op: whose call it is, or NULL. True: @op is left pending, see fput(). */
	bool (*release)(struct file *file, struct op *op);
};

struct file {
	struct net *net;
	const struct file_operations *ops;
	void *private_data; /* struct socket or struct eventpoll: owned */
	struct epitem *epitems; /* epoll sets that watch it */
	uint32_t count;
	uint32_t flags; /* O_NONBLOCK | O_RDWR ... */
};

_Static_assert(sizeof(struct file) + sizeof(struct socket) + sizeof(struct tcp_sock) <= 640, "an idle connection, all told");

#define FD_LEVELS 4
struct fdtable {
	struct net *net;
	uint32_t users;	    /* tasks that share it */
	uint32_t size;	    /* slots allocated */
	struct file **fd;   /* NULL: free, or reserved by get_unused_fd() */
	uint64_t *cloexec;  /* a bit each */
	uint64_t *used[FD_LEVELS]; /* [0]: a bit each; above: a bit for each word below that is full */
};
#define FD_LIMIT (1u << 24) /* RLIMIT_NOFILE of every task: EMFILE beyond */
_Static_assert(FD_LIMIT == 1u << 6 * FD_LEVELS, "the top word covers them all");

struct task {
	struct net *net;
	struct fdtable *files;
	struct list_head ops;  /* its pending operations */
	struct list_head node; /* in vfs.all_tasks */
	bool exiting;	       /* PF_EXITING: lingering is skipped */
};

/* A descriptor in flight, as in a SCM_RIGHTS message: what the program knows as struct la_file. */
struct flight {
	struct list_head node; /* in vfs.in_flight */
	struct file *file;     /* a reference */
};

struct vfs {
	struct slab_cache files, tasks, tables, eventpolls, epitems, sockets, flights;
	struct list_head all_tasks; /* in order of creation */
	struct list_head in_flight;
	struct list_head woken;	 /* operations to look again */
	uint64_t pending_ops;
};

/* fdtable.c */
struct fdtable *fdtable_new(struct net *net); /* one user; NULL: no memory */
struct fdtable *fdtable_copy(struct fdtable *t); /* fork: every file one reference more; NULL: no memory */
void fdtable_free(struct fdtable *t); /* nobody uses it and nothing is open in it */
int get_unused_fd(struct fdtable *t, uint32_t from, bool cloexec); /* lowest from @from on; -EMFILE, -ENOMEM */
void put_unused_fd(struct fdtable *t, int fd);
void fd_install(struct fdtable *t, int fd, struct file *file); /* takes the reference */
struct file *fdtable_take(struct fdtable *t, int fd); /* frees the number, gives its reference; NULL: -EBADF */
struct file *fget(struct fdtable *t, int fd);	      /* one reference more; NULL: -EBADF */
struct file *fdtable_look(const struct fdtable *t, int fd); /* borrowed; NULL: -EBADF */
/* dup2: @file (takes) at @fd, which it frees first: *@old is what stood there, with its reference, or NULL. 0, -EBADF
 * (beyond the limit), -EBUSY (reserved by a call in progress), -ENOMEM; the reference stays with the caller then. */
int fd_replace(struct fdtable *t, int fd, struct file *file, bool cloexec, struct file **old);
bool fd_get_cloexec(const struct fdtable *t, int fd);
void fd_set_cloexec(struct fdtable *t, int fd, bool on);
/* The lowest open number from @from on, of those with close-on-exec only if @cloexec; -1: none. */
int fdtable_next(const struct fdtable *t, uint32_t from, bool cloexec);
/* file.c */
struct file *file_new(struct net *net, const struct file_operations *ops, void *private_data, uint32_t flags);
static inline void get_file(struct file *file) { file->count++; }
/* life/close.c: lets one reference go; the last one closes. @op may be NULL: whose call does it. True: @op is now left
 * pending by a lingering close and will be completed later with the result that it has in op->result. */
bool fput(struct file *file, struct op *op);
/* poll.c, eventpoll.c */
extern const struct op_class sys_poll, sys_epoll_create1, sys_epoll_ctl, sys_epoll_wait;
void eventpoll_release_file(struct file *file); /* a file dies: its entries vanish from all sets */
extern const struct file_operations eventpoll_fops;
extern const struct file_operations socket_file_ops; /* life/close.c */
static inline struct socket *socket_of(struct file *file) /* NULL: -ENOTSOCK */
{
	return file->ops == &socket_file_ops ? file->private_data : NULL;
}

#endif
