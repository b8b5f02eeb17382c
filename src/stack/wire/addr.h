/* SPDX-License-Identifier: MIT */
/*
 * wire/addr.h - numbers in network order, and addresses
 *
 * Addresses everywhere in the stack are struct in6_addr, IPv4 ones mapped (::ffff:a.b.c.d); the family on the wire
 * follows from the address.
 */
#ifndef LA_WIRE_ADDR_H
#define LA_WIRE_ADDR_H

#include "base/siphash.h"
#include <netinet/in.h>

static inline uint16_t get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get_be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static inline void put_be16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

/* An address as two words, as they lie in memory: compared, hashed and summed without a loop. */
struct addr_words {
	uint64_t high, low;
};
static inline struct addr_words addr_words(const struct in6_addr *a)
{
	struct addr_words w;

	memcpy(&w, a, sizeof(w));
	return w;
}

static inline bool addr_is_v4(const struct in6_addr *a)
{
	return !(addr_words(a).high | (a->s6_addr32[2] ^ htonl(0xffff)));
}
static inline bool addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	struct addr_words x = addr_words(a), y = addr_words(b);

	return !((x.high ^ y.high) | (x.low ^ y.low));
}
static inline struct in6_addr addr_from_v4(const void *four)
{
	struct in6_addr a = { .s6_addr32 = { [2] = htonl(0xffff) } };

	memcpy(&a.s6_addr[12], four, 4);
	return a;
}
static inline const uint8_t *addr_v4(const struct in6_addr *a) { return &a->s6_addr[12]; }
/* :: and 0.0.0.0 */
static inline bool addr_is_any(const struct in6_addr *a)
{
	return !(addr_words(a).high | a->s6_addr32[3]) && (!a->s6_addr32[2] || a->s6_addr32[2] == htonl(0xffff));
}
static inline bool addr_is_loopback(const struct in6_addr *a) /* 127.0.0.0/8, ::1 */
{
	return addr_is_v4(a) ? addr_v4(a)[0] == 127 : IN6_IS_ADDR_LOOPBACK(a);
}
static inline bool addr_is_multicast(const struct in6_addr *a) /* 224.0.0.0/4, ff00::/8 */
{
	return addr_is_v4(a) ? (addr_v4(a)[0] & 0xf0) == 0xe0 : a->s6_addr[0] == 0xff;
}
static inline bool addr_is_broadcast(const struct in6_addr *a) /* 255.255.255.255 */
{
	return addr_is_v4(a) && a->s6_addr32[3] == 0xffffffff;
}
unsigned addr_common_bits(const struct in6_addr *a, const struct in6_addr *b); /* leading bits alike, 0 .. 128 */
bool addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix, unsigned len /* of 128 */);
/* A quick unkeyed hash, for caches: who may choose the addresses can make it collide. */
static inline uint32_t addr_mix(const struct in6_addr *a)
{
	struct addr_words w = addr_words(a);

	return (uint32_t)(((w.high ^ w.low * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull) >> 32);
}
/* For what a peer sees. Two IPv4 addresses are a key of their own length, and cannot be taken for two of IPv6. */
static inline uint64_t addr_siphash(const struct in6_addr *saddr, const struct in6_addr *daddr, uint32_t ports,
				    const struct siphash_key *key)
{
	const struct {
		struct in6_addr saddr, daddr;
		uint32_t ports;
	} six = { *saddr, *daddr, ports };
	const uint32_t four[3] = { saddr->s6_addr32[3], daddr->s6_addr32[3], ports };

	return addr_is_v4(saddr) ? siphash(four, sizeof(four), key) : siphash(&six, sizeof(six), key);
}
/* RFC 4291: 1 interface, 2 link, 5 site, 14 global; of multicast addresses what stands in them */
unsigned addr_scope(const struct in6_addr *a);

#endif
