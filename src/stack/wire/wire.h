/* SPDX-License-Identifier: MIT */
/*
 * wire/wire.h - headers as bytes: read, written and summed; no state, nothing is trusted
 *
 *	addr.h		network order, addresses
 *	csum.h		Internet checksum
 *	iphdr.h		IPv4 and IPv6 headers, options, extension headers
 *	icmp.h		types and codes
 *	segment.h	TCP header and options, struct tcp_seg
 */
#ifndef LA_WIRE_H
#define LA_WIRE_H

#include "stack/wire/addr.h"
#include "stack/wire/csum.h"
#include "stack/wire/icmp.h"
#include "stack/wire/iphdr.h"
#include "stack/wire/segment.h"

#endif
