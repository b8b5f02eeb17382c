/* SPDX-License-Identifier: MIT */
/* inet/inet.h - the families AF_INET and AF_INET6: sockaddr to and from mapped addresses, bind, names, linger */
#ifndef LA_INET_H
#define LA_INET_H

#include "stack/socket/socket.h"
#include "stack/tcp/tcp.h"

/* 0; -EINVAL (too short), -EAFNOSUPPORT: as Linux's bind() and connect() have it for this family. */
int inet_addr_in(const struct sock *sk, const struct sockaddr *addr, socklen_t len, struct in6_addr *ip, uint16_t *port);
/* Writes a name of the sock's family, cut to *len; *len becomes the full length. -EINVAL: *len negative; -EFAULT: NULL. */
int inet_addr_out(const struct sock *sk, const struct in6_addr *ip, uint16_t port, struct sockaddr *addr, socklen_t *len);
int inet_bind(struct socket *socket, const struct sockaddr *addr, socklen_t len);
int inet_getname(struct socket *socket, bool peer, struct sockaddr *addr, socklen_t *len);
int inet_autobind(struct sock *sk); /* a port of the local range: 0 or -EAGAIN */
/* socket(): 0 or -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL, -ENOMEM */
int inet_create(struct net *net, int domain, int type, int protocol, struct socket **socket);

#endif
