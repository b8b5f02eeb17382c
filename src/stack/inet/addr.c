// SPDX-License-Identifier: MIT
/*
 * inet/addr.c - names: struct sockaddr to and from the stack's mapped addresses, bind, getsockname, getpeername
 *
 * The order of the checks is Linux's, family by family, and can be seen by programs.
 */
#include "stack/inet/inet.h"

#include <errno.h>

#define SIN6_LEN_RFC2133 24 /* sockaddr_in6 before it had a scope: still enough */

static const uint8_t any4[4];

/* ------------------------------------------------------------------ in and out */

int inet_addr_in(const struct sock *sk, const struct sockaddr *addr, socklen_t len, struct in6_addr *ip, uint16_t *port)
{
	if (sk->common.family == AF_INET) {
		struct sockaddr_in sin;

		if (len < sizeof(sin))
			return -EINVAL;
		memcpy(&sin, addr, sizeof(sin));
		if (sin.sin_family != AF_INET)
			return -EAFNOSUPPORT;
		*ip = addr_from_v4(&sin.sin_addr);
		*port = ntohs(sin.sin_port);
	} else {
		struct sockaddr_in6 sin6 = {0};

		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		memcpy(&sin6, addr, min_t(size_t, len, sizeof(sin6)));
		if (sin6.sin6_family != AF_INET6)
			return -EAFNOSUPPORT;
		*ip = sin6.sin6_addr;
		*port = ntohs(sin6.sin6_port);
	}
	return 0;
}

int inet_addr_out(const struct sock *sk, const struct in6_addr *ip, uint16_t port, struct sockaddr *addr,
		  socklen_t *len)
{
	union {
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
	} name = {0};
	socklen_t full, n;

	if (!len)
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	if (sk->common.family == AF_INET) {
		name.sin.sin_family = AF_INET;
		name.sin.sin_port = htons(port);
		memcpy(&name.sin.sin_addr, addr_is_v4(ip) ? addr_v4(ip) : any4, 4);
		full = sizeof(name.sin);
	} else {
		name.sin6.sin6_family = AF_INET6;
		name.sin6.sin6_port = htons(port);
		name.sin6.sin6_addr = *ip;
		full = sizeof(name.sin6);
	}
	n = min(*len, full);
	if (n && !addr)
		return -EFAULT;
	if (n)
		memcpy(addr, &name, n);
	*len = full;
	return 0;
}

int inet_getname(const struct sock *sk, bool peer, struct sockaddr *addr, socklen_t *len)
{
	if (!peer)
		return inet_addr_out(sk, &sk->rcv_saddr, sk->common.num, addr, len);
	if (!sk->common.dport || sk_in(sk, TCPF_CLOSE | TCPF_SYN_SENT))
		return -ENOTCONN;
	return inet_addr_out(sk, &sk->daddr, sk->common.dport, addr, len);
}

/* ------------------------------------------------------------------ bind */

/* bind(AF_UNSPEC, 0.0.0.0) on an AF_INET socket is an old habit that Linux forgives. */
static int bind_addr4(const struct sock *sk, const struct sockaddr *addr, socklen_t len, struct in6_addr *ip,
		      uint16_t *port)
{
	struct sockaddr_in sin;

	if (len < sizeof(sin))
		return -EINVAL;
	memcpy(&sin, addr, sizeof(sin));
	if (sin.sin_family == AF_UNSPEC && !sin.sin_addr.s_addr)
		sin.sin_family = AF_INET;
	return inet_addr_in(sk, (const struct sockaddr *)&sin, sizeof(sin), ip, port);
}

static int bind_addr6(const struct sock *sk, const struct sockaddr *addr, socklen_t len, struct in6_addr *ip,
		      uint16_t *port)
{
	int err = inet_addr_in(sk, addr, len, ip, port);

	if (!err && !addr_is_v4(ip) && addr_is_multicast(ip))
		return -EINVAL;
	return err;
}

/* Is the address one that may be bound? IPv6 looks at the sock first, IPv4 at the address. */
static int bind_check(struct sock *sk, const struct in6_addr *ip)
{
	bool v6 = sk->common.family == AF_INET6, bound = sk->common.state != TCP_CLOSE || sk->bind;
	bool any_address = sk->net->sysctl.ip_nonlocal_bind || sk->opts->shown & 1u << SHOWN_FREEBIND;

	if (v6 && bound)
		return -EINVAL;
	if (v6 && addr_is_v4(ip) && sk->common.ipv6only)
		return -EINVAL;
	if (v6 && IN6_IS_ADDR_LINKLOCAL(ip))
		return -EINVAL; /* which link? there are no scopes here */
	if (!any_address && !ip_can_bind(sk->net, ip))
		return -EADDRNOTAVAIL;
	return bound ? -EINVAL : 0;
}

int inet_bind(struct sock *sk, const struct sockaddr *addr, socklen_t len)
{
	bool v6 = sk->common.family == AF_INET6, v6only = sk->common.ipv6only;
	struct in6_addr ip, was = sk->rcv_saddr;
	uint16_t port;
	int err;

	err = v6 ? bind_addr6(sk, addr, len, &ip, &port) : bind_addr4(sk, addr, len, &ip, &port);
	if (!err)
		err = bind_check(sk, &ip);
	if (err)
		return err;

	sk->rcv_saddr = ip;
	if (v6 && !addr_is_v4(&ip) && !addr_is_any(&ip))
		sk->common.ipv6only = 1; /* an IPv6 address takes no IPv4 */
	if (port || !(sk->opts->shown & 1u << SHOWN_BIND_NO_PORT)) {
		err = inet_csk_get_port(sk, port);
		if (err) {
			sk->rcv_saddr = was;
			sk->common.ipv6only = v6only;
			return err;
		}
	}
	if (v6 ? !IN6_IS_ADDR_UNSPECIFIED(&ip) : !addr_is_any(&ip))
		sock_set_flag(sk, SOCK_BINDADDR_LOCK);
	if (port)
		sock_set_flag(sk, SOCK_BINDPORT_LOCK);
	return 0;
}
