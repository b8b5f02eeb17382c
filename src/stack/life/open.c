// SPDX-License-Identifier: MIT
/*
 * life/open.c - socket(2), bind(2), listen(2): a number, a name, and readiness for others
 *
 *	sys_socket   number <- file <- socket <- sock, made from the bottom up and undone from the top down
 *	sys_bind     inet_bind: an address and a port
 *	sys_listen   tcp_listen_start: the port is open for SYNs; on a listener only the backlog changes (LS-15)
 */
#include "stack/life/open.h"

#include <errno.h>

enum { TYPE_MASK = 0xf, SOCKADDR_MAX = 128 /* sizeof(struct sockaddr_storage) */ };

/* ------------------------------------------------------------------ socket */

struct file *sock_file_new(struct net *net, struct sock *sk, int flags)
{
	struct slab_cache *sockets = &net->vfs->sockets;
	struct socket *socket = sock_alloc(net, sockets);
	struct file *file;

	if (!socket)
		return NULL;
	file = file_new(net, &socket_file_ops, socket, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0));
	if (!file) {
		sock_free(sockets, socket);
		return NULL;
	}
	socket->sk = sk;
	socket->family = sk->common.family;
	sock_graft(sk, socket, &socket->wq);
	return file;
}

static int64_t try_socket(struct op *op)
{
	int type = op->u.socket.type & TYPE_MASK, flags = op->u.socket.type & ~TYPE_MASK;
	struct net *net = op->task->net;
	struct file *file;
	struct sock *sk;
	int fd, err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = inet_create(net, op->u.socket.domain, type, op->u.socket.protocol, &sk);
	if (err)
		return err;
	file = sock_file_new(net, sk, flags);
	if (!file) {
		sock_put(sk);
		return -ENFILE;
	}
	fd = get_unused_fd(op->task->files, 0, flags & SOCK_CLOEXEC);
	if (fd < 0) {
		fput(file, NULL);
		return fd;
	}
	fd_install(op->task->files, fd, file);
	return fd;
}

const struct op_class sys_socket = {.name = "socket", .try = try_socket};

/* ------------------------------------------------------------------ bind */

int sockaddr_check(const struct sockaddr *addr, socklen_t len)
{
	if (len > SOCKADDR_MAX)
		return -EINVAL;
	return len && !addr ? -EFAULT : 0;
}

static int64_t try_bind(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	int err;

	if (!socket)
		return -ENOTSOCK;
	err = sockaddr_check(op->u.addr.addr, op->u.addr.len);
	return err ? err : inet_bind(socket->sk, op->u.addr.addr, op->u.addr.len);
}

const struct op_class sys_bind = {.name = "bind", .try = try_bind, .takes_fd = true};

/* ------------------------------------------------------------------ listen */

static int64_t try_listen(struct op *op)
{
	struct socket *socket = socket_of(op->file);
	int backlog = op->u.listen.backlog;
	struct sock *sk;

	if (!socket)
		return -ENOTSOCK;
	sk = socket->sk;
	if (backlog < 0 || backlog > sk->net->sysctl.somaxconn)
		backlog = sk->net->sysctl.somaxconn;
	if (socket->state != SS_UNCONNECTED || !sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		return -EINVAL;
	if (sk->common.state == TCP_LISTEN) {
		tcp_sk(sk)->listen->max_ack_backlog = (uint32_t)backlog;
		return 0;
	}
	tcp_trace_step(sk, "sys_listen");
	return tcp_listen_start(sk, backlog);
}

const struct op_class sys_listen = {.name = "listen", .try = try_listen, .takes_fd = true};
