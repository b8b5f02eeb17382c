/* SPDX-License-Identifier: MIT */
/*
 * wire/addr.h - numbers in network order, and addresses
 *
 * Addresses everywhere in the stack are struct in6_addr, IPv4 ones mapped (::ffff:a.b.c.d); the family on the wire
 * follows from the address.
 */
#ifndef LA_WIRE_ADDR_H
#define LA_WIRE_ADDR_H

#include "base/base.h"
#include <netinet/in.h>

static inline uint16_t get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get_be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static inline void put_be16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = (uint8_t)v; }
static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline bool addr_is_v4(const struct in6_addr *a) { return IN6_IS_ADDR_V4MAPPED(a); }
static inline bool addr_equal(const struct in6_addr *a, const struct in6_addr *b) { return !memcmp(a, b, sizeof(*a)); }
static inline struct in6_addr addr_from_v4(const void *four)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.s6_addr[12], four, 4);
	return a;
}
static inline const uint8_t *addr_v4(const struct in6_addr *a) { return &a->s6_addr[12]; }
/* :: and 0.0.0.0 */
static inline bool addr_is_any(const struct in6_addr *a)
{
	static const uint8_t zero[4];

	return IN6_IS_ADDR_UNSPECIFIED(a) || (addr_is_v4(a) && !memcmp(addr_v4(a), zero, 4));
}
bool addr_is_loopback(const struct in6_addr *a);  /* 127.0.0.0/8, ::1 */
bool addr_is_multicast(const struct in6_addr *a); /* 224.0.0.0/4, ff00::/8 */
bool addr_is_broadcast(const struct in6_addr *a); /* 255.255.255.255 */
unsigned addr_common_bits(const struct in6_addr *a, const struct in6_addr *b); /* leading bits alike, 0 .. 128 */
bool addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix, unsigned len /* of 128 */);
/* A quick unkeyed hash, for caches: who may choose the addresses can make it collide. */
static inline uint32_t addr_mix(const struct in6_addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->s6_addr, 8);
	memcpy(&low, a->s6_addr + 8, 8);
	return (uint32_t)(((high ^ low * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull) >> 32);
}
/* RFC 4291: 1 interface, 2 link, 5 site, 14 global; of multicast addresses what stands in them */
unsigned addr_scope(const struct in6_addr *a);

#endif
