/* SPDX-License-Identifier: MIT */
/*
 * life/life.h - the acts that cross all layers, one file each, and the switchboard (ops.c) that names every call
 *
 *	open.c     socket, bind, listen            connect.c   connect, disconnect         accept.c   accept4
 *	shutdown.c sys_shutdown inet_shutdown tcp_shutdown
 *	names.c    getsockname, getpeername, getsockopt, setsockopt
 *	close.c    sys_close filp_close fput __fput sock_close sock_release inet_release tcp_close
 *	exit.c     fork, exec, exit                io.c        read, write, send*, recv*
 *	net.c      the instance: made, entered, left, ended        api.c  the public face
 *	watch.c    for hosts that know a socket's condition ahead of its program's calls
 */
#ifndef LA_LIFE_H
#define LA_LIFE_H

#include "stack/file/file.h"
#include "stack/inet/inet.h"

extern const struct op_class sys_socket, sys_bind, sys_listen, sys_accept4, sys_connect, sys_recvmsg, sys_sendmsg,
	sys_shutdown_class, sys_close_class, sys_getsockname, sys_getpeername, sys_getsockopt, sys_setsockopt, sys_ioctl,
	sys_fcntl, sys_dup, sys_dup2, sys_dup3, sys_poll, sys_epoll_create1, sys_epoll_ctl, sys_epoll_wait;

/* close.c */
int64_t sys_close(struct op *op);			      /* result or OP_WAIT: a lingering close */
int64_t filp_close(struct file *file, struct op *op);	      /* as sys_close, from the file on: dup2, exec, exit */
/* shutdown.c */
int64_t sys_shutdown(struct op *op);
/* exit.c */
struct task *task_new(struct net *net, struct fdtable *files /* takes a use of it, if it succeeds; NULL: a new one */);
struct task *task_fork(struct task *task);   /* NULL: no memory */
struct task *task_thread(struct task *task); /* NULL: no memory */
int task_exec(struct task *task);	     /* 0 or -ENOMEM */
void task_exit(struct task *task);
struct flight *flight_new(struct net *net, struct file *file); /* one reference more; NULL: no memory */
struct file *flight_land(struct net *net, struct flight *flight /* takes */); /* gives its reference */

/* net.c */
struct net *net_create(const struct la_env *env, uint64_t now_ns);
void net_destroy(struct net *net);

#endif
