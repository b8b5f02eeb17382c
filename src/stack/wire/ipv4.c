// SPDX-License-Identifier: MIT
/* wire/ipv4.c - the IPv4 header and its options */
#include "stack/wire/iphdr.h"

#define IPOPT_END 0
#define IPOPT_NOOP 1
#define IPOPT_RR 7
#define IPOPT_TIMESTAMP 68
#define IPOPT_LSRR 131
#define IPOPT_SSRR 137
#define IPOPT_RA 148
#define IPOPT_TS_TSANDADDR 1
#define IPOPT_TS_PRESPEC 3

void ip4_update_csum(uint8_t *p)
{
	uint16_t csum = 0;

	memcpy(p + 10, &csum, 2);
	csum = ip4_header_csum(p, (p[0] & 15) * 4u);
	memcpy(p + 10, &csum, 2);
}

/* The offset within a record route or timestamp option of the byte that is wrong; 0: none. Both carry a pointer,
 * counted from 1, to the next free slot; one behind the end says that the option is full. */
static unsigned check_route(const uint8_t *opt)
{
	unsigned len = opt[1], next = len > 2 ? opt[2] : 0;

	if (len < 3)
		return 1;
	if (next < 4 || (next <= len && next + 3 > len))
		return 2;
	return 0;
}

static unsigned check_timestamp(const uint8_t *opt)
{
	unsigned len = opt[1], next = len > 2 ? opt[2] : 0, kind, slot;

	if (len < 4)
		return 1;
	if (next < 5)
		return 2;
	kind = opt[3] & 15;
	if (next > len) /* full: systems that found no room are counted, up to 15 */
		return kind != IPOPT_TS_PRESPEC && opt[3] >> 4 == 15 ? 3 : 0;
	slot = kind == IPOPT_TS_TSANDADDR || kind == IPOPT_TS_PRESPEC ? 8 : 4;
	return next + slot - 1 > len ? 2 : 0;
}

static unsigned check_source_route(const uint8_t *opt)
{
	if (opt[1] < 3)
		return 1;
	return opt[2] < 4 ? 2 : 0;
}

static unsigned check_option(const uint8_t *opt)
{
	switch (opt[0]) {
	case IPOPT_RR:
		return check_route(opt);
	case IPOPT_TIMESTAMP:
		return check_timestamp(opt);
	case IPOPT_LSRR:
	case IPOPT_SSRR:
		return check_source_route(opt);
	case IPOPT_RA:
		return opt[1] < 4 ? 1 : 0;
	default:
		return 0;
	}
}

enum ip4_options_verdict ip4_check_options(const uint8_t *hdr, size_t hdr_len, uint8_t *pointer)
{
	bool source_route = false, route = false, timestamp = false;
	const uint8_t *opt = hdr + IP4_HDR_LEN, *end = hdr + hdr_len;
	unsigned wrong;

	for (; opt < end && *opt != IPOPT_END; opt += opt[1]) {
		while (opt < end && *opt == IPOPT_NOOP)
			opt++;
		if (opt == end || *opt == IPOPT_END)
			break;
		*pointer = (uint8_t)(opt - hdr);
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return IP4_OPTIONS_BAD;
		/* each of these may stand there once */
		if ((source_route && (*opt == IPOPT_LSRR || *opt == IPOPT_SSRR)) || (route && *opt == IPOPT_RR) ||
		    (timestamp && *opt == IPOPT_TIMESTAMP))
			return IP4_OPTIONS_BAD;
		wrong = check_option(opt);
		*pointer += (uint8_t)wrong;
		if (wrong)
			return IP4_OPTIONS_BAD;
		source_route |= *opt == IPOPT_LSRR || *opt == IPOPT_SSRR;
		route |= *opt == IPOPT_RR;
		timestamp |= *opt == IPOPT_TIMESTAMP;
	}
	return source_route ? IP4_OPTIONS_SOURCE_ROUTE : IP4_OPTIONS_OK;
}
