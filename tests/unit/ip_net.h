/* SPDX-License-Identifier: MIT */
/* tests/unit/ip_net.h - a struct net of wire, link and ip alone, with one device that keeps what is sent */
#ifndef IP_NET_H
#define IP_NET_H

#include "base_env.h"
#include "stack/ip/ip.h"
#include "stack/link/link.h"
#include "stack/net.h"
#include "stack/wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <arpa/inet.h>

#define SENT_MAX 256

struct ip_net {
	struct base_env world;
	struct net net;
	struct la_device dev;
	int ifindex;
	uint8_t *sent[SENT_MAX]; /* malloc'd, of exactly their length */
	size_t sent_len[SENT_MAX];
	int sent_count;
	int xmit_result;
	bool fresh; /* nothing counted yet */
};

static inline uint64_t ip_net_random(void *world)
{
	return base_env_random(world);
}

static inline int ip_net_xmit(struct la_device *dev, const struct la_frame *frame)
{
	struct ip_net *t = dev->world;
	uint32_t count = la_frame_count(frame);

	for (uint32_t i = 0; i < count && t->sent_count < SENT_MAX; i++) {
		uint8_t *buf = malloc(frame->len);

		t->sent_len[t->sent_count] = la_frame_cut(frame, i, buf, frame->len);
		assert_int_not_equal(t->sent_len[t->sent_count], 0);
		t->sent[t->sent_count++] = buf;
	}
	return t->xmit_result;
}

static inline struct in6_addr A(const char *text)
{
	struct in6_addr a;
	uint8_t four[4];

	if (inet_pton(AF_INET, text, four) == 1)
		return addr_from_v4(four);
	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void ip_net_forget(struct ip_net *t)
{
	for (int i = 0; i < t->sent_count; i++)
		free(t->sent[i]);
	t->sent_count = 0;
}

/* Loopback, and a device with 10.0.0.1/24 and fd00::1/64. */
static inline void ip_net_init(struct ip_net *t)
{
	struct sysctls defaults = {
#define DEFAULT(name, def, lo, hi, unit) .name = def,
#define DEFAULT3(name, a, b, c) .name = { a, b, c },
		SYSCTL_LIST(DEFAULT, DEFAULT3)
	};
	struct in6_addr a;

	memset(t, 0, sizeof(*t));
	t->fresh = true;
	base_env_init(&t->world);
	t->world.env.random = ip_net_random;
	t->net.mem.env = &t->world.env;
	t->net.sysctl = defaults;
	t->net.now_ns = 1000 * NSEC_PER_SEC;
	wheel_init(&t->net.wheel, (uint32_t)(t->net.now_ns / TICK_NSEC));
	skb_pool_init(&t->net.skbs, &t->net.mem);
	assert_int_equal(link_init(&t->net), 0);
	assert_int_equal(ip_init(&t->net), 0);
	t->dev = (struct la_device){ .name = "t0", .mtu = 1500, .xmit = ip_net_xmit, .world = t };
	t->ifindex = dev_add(&t->net, &t->dev);
	assert_int_equal(t->ifindex, 2);
	a = A("10.0.0.1");
	assert_int_equal(ip_addr_add(&t->net, t->ifindex, &a, 96 + 24), 0);
	a = A("fd00::1");
	assert_int_equal(ip_addr_add(&t->net, t->ifindex, &a, 64), 0);
}

/* Nothing may be left: no memory, no timer. */
static inline void ip_net_exit(struct ip_net *t)
{
	ip_net_forget(t);
	ip_exit(&t->net);
	link_exit(&t->net);
	assert_int_equal(t->net.wheel.count, 0);
	skb_pool_destroy(&t->net.skbs);
	assert_int_equal(t->net.mem.bytes, 0);
	assert_int_equal(t->world.blocks, 0);
}

/* Lets the stack read a copy of exactly this length, so that a sanitizer sees a byte too many. */
static inline void ip_net_receive(struct ip_net *t, const void *p, size_t len)
{
	uint8_t *copy = malloc(len);

	memcpy(copy, p, len);
	ip_rcv(&t->net, t->ifindex, copy, len);
	free(copy);
}

static inline void ip_net_advance(struct ip_net *t, uint64_t ns)
{
	struct timer *timer;

	t->net.now_ns += ns;
	while ((timer = wheel_pop(&t->net.wheel, (uint32_t)(t->net.now_ns / TICK_NSEC)))) {
		assert_int_equal(timer->kind, TIMER_FRAG);
		ip_frag_timeout(&t->net, timer);
	}
}

/* ---- the naive way to do things: byte by byte, independent of src/stack/wire */

static inline uint32_t naive_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static inline void naive_store(uint8_t *p, uint32_t sum)
{
	p[0] = (uint8_t)(~sum >> 8);
	p[1] = (uint8_t)~sum;
}

/* A packet under construction */
struct pkt {
	uint8_t b[70000];
	size_t len;
};

static inline void pkt_add(struct pkt *p, const void *data, size_t len)
{
	memcpy(p->b + p->len, data, len);
	p->len += len;
}

struct pkt4 {
	const char *saddr, *daddr;
	uint8_t proto, dsfield;
	uint16_t id, frag;
	const void *opt;
	size_t opt_len;
	const void *payload;
	size_t len;
};

static inline void pkt4_fix(struct pkt *p)
{
	size_t hdr = (p->b[0] & 15) * 4u;

	p->b[10] = p->b[11] = 0;
	naive_store(p->b + 10, naive_sum(p->b, hdr > p->len ? p->len : hdr, 0));
}

static inline void pkt4(struct pkt *p, const struct pkt4 *how)
{
	size_t hdr = 20 + how->opt_len, total = hdr + how->len;
	uint8_t h[20] = { (uint8_t)(0x40 | hdr / 4), how->dsfield, (uint8_t)(total >> 8), (uint8_t)total,
			  (uint8_t)(how->id >> 8), (uint8_t)how->id, (uint8_t)(how->frag >> 8), (uint8_t)how->frag,
			  64, how->proto };

	inet_pton(AF_INET, how->saddr ? how->saddr : "10.0.0.2", h + 12);
	inet_pton(AF_INET, how->daddr ? how->daddr : "10.0.0.1", h + 16);
	p->len = 0;
	pkt_add(p, h, 20);
	if (how->opt_len)
		pkt_add(p, how->opt, how->opt_len);
	pkt4_fix(p);
	if (how->len)
		pkt_add(p, how->payload, how->len);
}

struct pkt6 {
	const char *saddr, *daddr;
	uint8_t next, dsfield;
	const void *payload;
	size_t len;
};

static inline void pkt6(struct pkt *p, const struct pkt6 *how)
{
	uint8_t h[40] = { (uint8_t)(0x60 | how->dsfield >> 4), (uint8_t)(how->dsfield << 4), 0, 0,
			  (uint8_t)(how->len >> 8), (uint8_t)how->len, how->next, 64 };

	inet_pton(AF_INET6, how->saddr ? how->saddr : "fd00::2", h + 8);
	inet_pton(AF_INET6, how->daddr ? how->daddr : "fd00::1", h + 24);
	p->len = 0;
	pkt_add(p, h, 40);
	if (how->len)
		pkt_add(p, how->payload, how->len);
}

static inline uint32_t naive_pseudo6(const char *saddr, const char *daddr, size_t len, uint8_t proto)
{
	uint8_t p[40] = { 0 };

	inet_pton(AF_INET6, saddr ? saddr : "fd00::2", p);
	inet_pton(AF_INET6, daddr ? daddr : "fd00::1", p + 16);
	p[34] = (uint8_t)(len >> 8);
	p[35] = (uint8_t)len;
	p[39] = proto;
	return naive_sum(p, 40, 0);
}

/* ICMP message of @len bytes: the type, the code, four bytes @rest, then @body */
static inline size_t icmp_message(uint8_t *m, uint8_t type, uint8_t code, uint32_t rest, const void *body, size_t len,
				  uint32_t pseudo)
{
	memset(m, 0, 8);
	m[0] = type;
	m[1] = code;
	put_be32(m + 4, rest);
	if (len)
		memcpy(m + 8, body, len);
	naive_store(m + 2, naive_sum(m, 8 + len, pseudo));
	return 8 + len;
}

/* What has been counted since the last question, "IpInReceives+1 IpInHdrErrors+1", in the order of mib.h. */
static inline const char *counted(struct ip_net *t)
{
	static const char *const names[] = {
#define MIB_NAME(group, name) #group #name,
		MIB_LIST(MIB_NAME)
	};
	static uint64_t before[MIB_COUNT];
	static char text[4096];
	size_t n = 0;

	if (t->fresh)
		memset(before, 0, sizeof(before));
	t->fresh = false;
	text[0] = '\0';
	for (int i = 0; i < MIB_COUNT; i++) {
		if (t->net.mib[i] != before[i])
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s+%llu", n ? " " : "", names[i],
					      (unsigned long long)(t->net.mib[i] - before[i]));
		before[i] = t->net.mib[i];
	}
	return text;
}

static inline uint64_t mib(const struct ip_net *t, enum mib m)
{
	return t->net.mib[m];
}

#endif
