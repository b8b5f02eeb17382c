// SPDX-License-Identifier: MIT
/*
 * drill/icmp.c - the messages of ICMP and ICMPv6 by name
 *
 * A script names type and code once and may run over both families. The tables say which names a family has.
 */
#include "drill/parse.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

enum { ICMP6_NET_UNREACH = 0 }; /* net_unreachable: the same as no_route */

struct code {
	const char *name;
	uint8_t code;
};

struct type {
	const char *name;
	uint8_t type;
	const struct code *codes; /* ends with a name that is NULL */
};

static const struct code no_codes[] = {{NULL, 0}};

static const struct code unreachable4[] = {
	{"net_unreachable", ICMP_NET_UNREACH},
	{"host_unreachable", ICMP_HOST_UNREACH},
	{"protocol_unreachable", ICMP_PROT_UNREACH},
	{"port_unreachable", ICMP_PORT_UNREACH},
	{"frag_needed", ICMP_FRAG_NEEDED},
	{"source_route_failed", ICMP_SR_FAILED},
	{"net_unknown", ICMP_NET_UNKNOWN},
	{"host_unknown", ICMP_HOST_UNKNOWN},
	{"source_host_isolated", ICMP_HOST_ISOLATED},
	{"net_prohibited", ICMP_NET_ANO},
	{"host_prohibited", ICMP_HOST_ANO},
	{"net_unreachable_for_tos", ICMP_NET_UNR_TOS},
	{"host_unreachable_for_tos", ICMP_HOST_UNR_TOS},
	{"packet_filtered", ICMP_PKT_FILTERED},
	{"precedence_violation", ICMP_PREC_VIOLATION},
	{"precedence_cutoff", ICMP_PREC_CUTOFF},
	{NULL, 0},
};

static const struct code unreachable6[] = {
	{"net_unreachable", ICMP6_NET_UNREACH},
	{"no_route", ICMP6_DST_UNREACH_NOROUTE},
	{"admin_prohibited", ICMP6_DST_UNREACH_ADMIN},
	{"not_neighbour", ICMP6_DST_UNREACH_BEYONDSCOPE},
	{"address_unreachable", ICMP6_DST_UNREACH_ADDR},
	{"port_unreachable", ICMP6_DST_UNREACH_NOPORT},
	{NULL, 0},
};

static const struct code time_exceeded6[] = {
	{"exceeded_hop_limit", ICMP6_TIME_EXCEED_TRANSIT},
	{"exceeded_frag_time", ICMP6_TIME_EXCEED_REASSEMBLY},
	{NULL, 0},
};

static const struct code parameter_problem6[] = {
	{"header_field", ICMP6_PARAMPROB_HEADER},
	{"unknown_next_header", ICMP6_PARAMPROB_NEXTHEADER},
	{"unknown_option", ICMP6_PARAMPROB_OPTION},
	{NULL, 0},
};

static const struct type types4[] = {
	{"echo_reply", ICMP_ECHOREPLY, no_codes},
	{"unreachable", ICMP_DEST_UNREACH, unreachable4},
	{"source_quench", ICMP_SOURCE_QUENCH, no_codes},
	{"redirect", ICMP_REDIRECT, no_codes},
	{"echo_request", ICMP_ECHO, no_codes},
	{"time_exceeded", ICMP_TIME_EXCEEDED, no_codes},
	{"parameter_problem", ICMP_PARAMETERPROB, no_codes},
	{"timestamp_request", ICMP_TIMESTAMP, no_codes},
	{"timestamp_reply", ICMP_TIMESTAMPREPLY, no_codes},
	{"information_request", ICMP_INFO_REQUEST, no_codes},
	{"information_reply", ICMP_INFO_REPLY, no_codes},
	{"address_mask_request", ICMP_ADDRESS, no_codes},
	{"address_mask_reply", ICMP_ADDRESSREPLY, no_codes},
	{NULL, 0, NULL},
};

static const struct type types6[] = {
	{"unreachable", ICMP6_DST_UNREACH, unreachable6},
	{"packet_too_big", ICMP6_PACKET_TOO_BIG, no_codes},
	{"time_exceeded", ICMP6_TIME_EXCEEDED, time_exceeded6},
	{"parameter_problem", ICMP6_PARAM_PROB, parameter_problem6},
	{"echo_request", ICMP6_ECHO_REQUEST, no_codes},
	{"echo_reply", ICMP6_ECHO_REPLY, no_codes},
	{NULL, 0, NULL},
};

static const struct type *find_type(const struct type *type, const char *name)
{
	while (type->name && strcmp(type->name, name))
		type++;
	return type->name ? type : NULL;
}

static const struct code *find_code(const struct type *type, const char *name)
{
	const struct code *code = type ? type->codes : no_codes;

	while (code->name && strcmp(code->name, name))
		code++;
	return code->name ? code : NULL;
}

bool icmp_type_exists(const char *type)
{
	return find_type(types4, type) || find_type(types6, type);
}

bool icmp_code_exists(const char *type, const char *code)
{
	return find_code(find_type(types4, type), code) || find_code(find_type(types6, type), code);
}

bool drill_icmp_numbers(const struct drill_icmp *icmp, int family, uint8_t *type, uint8_t *code)
{
	const struct type *found = find_type(family == AF_INET6 ? types6 : types4, icmp->type);
	const struct code *with = icmp->code ? find_code(found, icmp->code) : NULL;

	if (!found || (icmp->code && !with))
		return false;
	*type = found->type;
	*code = with ? with->code : 0;
	return true;
}
