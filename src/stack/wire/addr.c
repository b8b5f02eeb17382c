// SPDX-License-Identifier: MIT
/* wire/addr.c - what kind of address is this? */
#include "stack/wire/addr.h"

unsigned addr_common_bits(const struct in6_addr *a, const struct in6_addr *b)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned differ = a->s6_addr[i] ^ b->s6_addr[i];

		if (differ)
			return 8 * i + (unsigned)__builtin_clz(differ) - 24;
	}
	return 128;
}

bool addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix, unsigned len)
{
	unsigned bytes = len / 8, bits = len % 8;

	if (memcmp(a, prefix, bytes))
		return false;
	return !bits || !((a->s6_addr[bytes] ^ prefix->s6_addr[bytes]) >> (8 - bits));
}

unsigned addr_scope(const struct in6_addr *a)
{
	if (!addr_is_v4(a) && addr_is_multicast(a))
		return a->s6_addr[1] & 15;
	if (addr_is_loopback(a) || IN6_IS_ADDR_LINKLOCAL(a))
		return 2;
	if (addr_is_v4(a) && addr_v4(a)[0] == 169 && addr_v4(a)[1] == 254)
		return 2;
	return IN6_IS_ADDR_SITELOCAL(a) ? 5 : 14;
}
