/* SPDX-License-Identifier: MIT */
/* tests/unit/hashinfo_env.h - an instance with nothing but the tables of ports and pairs, and socks made by hand */
#ifndef HASHINFO_ENV_H
#define HASHINFO_ENV_H

#include "base_env.h"
#include "stack/sock/hashinfo.h"

#include <arpa/inet.h>
#include <errno.h>

struct ports {
	struct base_env env;
	struct net net;
};

static inline uint64_t ports_random(void *world)
{
	struct base_env *e = world;

	return (uint64_t)base_env_random(e) << 32 | base_env_random(e);
}

static inline void ports_init(struct ports *p)
{
	memset(p, 0, sizeof(*p));
	base_env_init(&p->env);
	p->env.env.random = ports_random;
	p->net.mem.env = &p->env.env;
	p->net.sysctl.ip_local_port_range_low = 32768;
	p->net.sysctl.ip_local_port_range_high = 60999;
	assert_int_equal(hashinfo_init(&p->net), 0);
}

static inline void ports_exit(struct ports *p)
{
	assert_null(hashinfo_check(&p->net));
	assert_int_equal(p->net.hashinfo->bucket_cache.objects, 0);
	assert_int_equal(p->net.hashinfo->port_cache.objects, 0);
	hashinfo_exit(&p->net);
	assert_int_equal(p->env.bytes, 0);
}

static inline struct in6_addr ip(const char *text)
{
	struct in6_addr a;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1)
		return addr_from_v4(&four);
	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* A sock as socket() and setsockopt() leave it. */
static inline struct sock sock_of(struct ports *p, int family, bool reuse, bool reuseport)
{
	return (struct sock){.net = &p->net,
			     .common = {.family = family, .state = TCP_CLOSE, .reuse = reuse, .reuseport = reuseport}};
}

static inline int do_bind(struct sock *sk, const char *addr, uint16_t port)
{
	sk->rcv_saddr = ip(addr);
	return inet_csk_get_port(sk, port);
}

static inline int do_listen(struct sock *sk)
{
	int err;

	sk->common.state = TCP_LISTEN;
	err = inet_csk_listen_check(sk);
	if (err)
		sk->common.state = TCP_CLOSE;
	else
		inet_listen_hash(sk->net, sk);
	return err;
}

static inline bool tw_never(struct sock *sk, struct timewait_sock *tw, bool by_number)
{
	(void)sk;
	(void)tw;
	(void)by_number;
	return false;
}

static inline int do_connect(struct sock *sk, const char *from, const char *to, uint16_t port)
{
	sk->rcv_saddr = ip(from);
	sk->daddr = ip(to);
	sk->common.dport = port;
	return inet_hash_connect(sk, tw_never, NULL);
}

static inline void do_close(struct sock *sk)
{
	inet_unhash(sk->net, &sk->common);
	inet_put_port(sk);
	sk->common.state = TCP_CLOSE;
}

#endif
