// SPDX-License-Identifier: MIT
/* inet/inet.c - which protocol does socket() mean? The errors are Linux's, in its order. */
#include "stack/inet/inet.h"

#include <errno.h>

enum {
	AF_LIMIT = 46, /* AF_MAX, SOCK_MAX, IPPROTO_MAX: beyond is no number for it at all */
	SOCK_LIMIT = 11,
	IPPROTO_LIMIT = 263,
};

int inet_create(struct net *net, int domain, int type, int protocol, struct sock **sk)
{
	if (domain < 0 || domain >= AF_LIMIT)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_LIMIT)
		return -EINVAL;
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (protocol < 0 || protocol >= IPPROTO_LIMIT)
		return -EINVAL;
	if (type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol && protocol != IPPROTO_TCP)
		return -EPROTONOSUPPORT;
	*sk = tcp_create_sock(net, domain);
	return *sk ? 0 : -ENOBUFS;
}
