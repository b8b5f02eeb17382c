/* SPDX-License-Identifier: MIT */
/* inet/inet.h - the families AF_INET and AF_INET6: sockaddr to and from mapped addresses, bind, names, IP options */
#ifndef LA_INET_H
#define LA_INET_H

#include "stack/tcp/tcp.h"
#include <sys/socket.h>

/* For socket(), @type without flags. 0 or -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL, -ENOBUFS */
int inet_create(struct net *net, int domain, int type, int protocol, struct sock **sk);

/* 0; -EINVAL (too short), -EAFNOSUPPORT: as Linux's connect() has it for this family. */
int inet_addr_in(const struct sock *sk, const struct sockaddr *addr, socklen_t len, struct in6_addr *ip,
		 uint16_t *port);
/* Writes a name of the sock's family, cut to *len; *len becomes the full length. -EINVAL (*len negative), -EFAULT */
int inet_addr_out(const struct sock *sk, const struct in6_addr *ip, uint16_t port, struct sockaddr *addr,
		  socklen_t *len);
int inet_bind(struct sock *sk, const struct sockaddr *addr, socklen_t len);
/* getsockname(), getpeername(): 0, -ENOTCONN (SP-06), and as inet_addr_out(). */
int inet_getname(const struct sock *sk, bool peer, struct sockaddr *addr, socklen_t *len);

/* recvmsg(MSG_ERRQUEUE): bytes of the quoted segment, -EAGAIN: the queue is empty, -EFAULT. @msg, for a control message, and
 * @name may be NULL. */
int64_t inet_recv_error(struct sock *sk, struct tcp_io *io, struct msghdr *msg, struct sockaddr *name, socklen_t *namelen);

/* Options of SOL_IP and SOL_IPV6; those of SOL_TCP are passed on. */
int inet_setsockopt(struct sock *sk, int level, int name, const void *value, socklen_t len);
int inet_getsockopt(struct sock *sk, int level, int name, void *value, socklen_t *len);

/*
 * Options that change nothing here are kept as Linux keeps them, to be shown again: one bit each in sock_opts.shown,
 * from a table of names; SOL_SOCKET's from bit 0, SOL_IP's and SOL_IPV6's from bit 10 on.
 */
struct shown_option {
	int level, name;
	uint8_t bit;
};
const struct shown_option *shown_option_find(const struct shown_option *table, size_t n, int level, int name);
int shown_option_set(struct sock *sk, const struct shown_option *o, bool on); /* 0 or -ENOMEM */
static inline int shown_option_get(const struct sock *sk, const struct shown_option *o)
{
	return sk->opts->shown >> o->bit & 1;
}
enum { SHOWN_IP = 10 };
/* Two of them mean something to bind(). */
enum { SHOWN_FREEBIND = SHOWN_IP, SHOWN_BIND_NO_PORT = SHOWN_IP + 1 };

#endif
