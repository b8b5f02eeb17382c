// SPDX-License-Identifier: MIT
/*
 * drill/settings.c - options of a script
 *
 * Every option that the language has is carried out, has no meaning here, or is refused by its name: none is passed
 * over. What the original's runner says on the command line - addresses, and an MTU of 1520 over IPv6, for the same
 * MSS as over IPv4 - are the defaults here, and an option in the script goes over them; addresses of the other
 * family are for the other runs.
 */
#include "drill/settings.h"

#include "drill/run.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLERANCE_US = 4000, TOLERANCE_PPM = 125000, PORT = 8080 };

static bool is_number(const char *text, long from, long to, long *value)
{
	char *end;

	*value = strtol(text, &end, 10);
	return *text && !*end && *value >= from && *value <= to;
}

static bool refuse(struct drill_text *why, const struct drill_note *option, const char *reason)
{
	snprintf(why->text, sizeof(why->text), "--%s%s%.200s: %s", option->name, option->value ? "=" : "",
		 option->value ? option->value : "", reason);
	return false;
}

/* ---------------------------------------------------------------- what is not carried out */

/* struct no - an option and why there is none of it; a NULL reason: it makes no difference here */
static const struct no {
	const char *name, *reason;
} refused[] = {
	{"speed", "the device has no speed"},
	{"mss", "packets in are not joined to longer ones for the side"},
	{"init_scripts", "write the lines between back-ticks before the first event"},
	{"non_fatal", "a line that may fail says nothing"},
	{"wire_client", "there is one machine only"},
	{"wire_server", "there is one machine only"},
	{"wire_server_ip", "there is one machine only"},
	{"wire_server_at", "there is one machine only"},
	{"wire_server_port", "there is one machine only"},
	{"wire_client_dev", "there is one machine only"},
	{"wire_server_dev", "there is one machine only"},
	{"so_filename", "the side is chosen with --on"},
	{"so_flags", "the side is chosen with --on"},
	{"psp_udp_port", "there is no PSP"},
};

static const char *const without_meaning[] = {
	"ip_version",	  /* the runs of a script are chosen with --ip */
	"send_omit_free", /* buffers stay until the call has returned */
	"debug",
	"verbose",
};

/* Those that drill_net_init() reads. */
static const char *const of_the_net[] = {"remote_ip", "local_ip", "gateway_ip", "netmask_ip", "mtu", "is_anyip"};

static bool is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

#define IS_AMONG(names, name) is_among(names, sizeof(names) / sizeof((names)[0]), name)

static const char *reason_against(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!strcmp(refused[i].name, name))
			return refused[i].reason;
	return "this option is not known here";
}

/* ---------------------------------------------------------------- options of the runner */

static bool read_code_option(const struct drill_note *option, struct drill_text *why)
{
	bool command = !strcmp(option->name, "code_command"), format = !strcmp(option->name, "code_format");
	const char *only = command ? "python3" : format ? "python" : "TCP_INFO";

	return !strcmp(option->value, only) || (command && !strcmp(option->value, "python")) ||
	       (!command && !format && !*option->value) ||
	       refuse(why, option,
		      command  ? "code is run by python3"
		      : format ? "code is Python"
			       : "code sees TCP_INFO");
}

static bool read_percent(struct drill_settings *set, const struct drill_note *option, struct drill_text *why)
{
	char *end;
	double percent = strtod(option->value, &end);

	if (!*option->value || *end || !(percent >= 0 && percent <= 100))
		return refuse(why, option, "expected a number from 0 to 100");
	set->slack.ppm = (int64_t)(percent * 10000 + .5);
	return true;
}

/* False without words: the option is not one of these. */
static bool read_number(struct drill_settings *set, const struct drill_note *option, bool *good, struct drill_text *why)
{
	long value;

	if (!strcmp(option->name, "tolerance_usecs")) {
		if ((*good = is_number(option->value, 1, 1000000000, &value)))
			set->slack.ns = value * 1000LL;
	} else if (!strcmp(option->name, "tcp_ts_tick_usecs")) {
		if ((*good = is_number(option->value, 0, 1000000, &value)))
			set->ts_tick_ns = value * 1000LL;
	} else if (!strcmp(option->name, "bind_port")) {
		if ((*good = is_number(option->value, 1, 65535, &value)))
			set->bind_port = (uint16_t)value;
	} else if (!strcmp(option->name, "connect_port")) {
		if ((*good = is_number(option->value, 1, 65535, &value)))
			set->connect_port = (uint16_t)value;
	} else {
		return false;
	}
	if (!*good)
		refuse(why, option, "this value is not possible");
	return true;
}

static bool read_option(struct drill_settings *set, const struct drill_note *option, struct drill_text *why)
{
	bool good;

	if (!strcmp(option->name, "tcp_ts_ecr_scaled"))
		return set->ts_scaled = true;
	if (!strcmp(option->name, "strict_segments"))
		return set->strict_segments = true;
	if (!strcmp(option->name, "dry_run"))
		return set->dry_run = true;
	if (!strcmp(option->name, "tolerance_percent"))
		return read_percent(set, option, why);
	if (!strncmp(option->name, "code_", 5))
		return read_code_option(option, why);
	if (read_number(set, option, &good, why))
		return good;
	if (IS_AMONG(without_meaning, option->name) || IS_AMONG(of_the_net, option->name))
		return true;
	return refuse(why, option, reason_against(option->name));
}

bool drill_settings_read(struct drill_settings *set, const struct drill_script *script, struct drill_pos *pos,
			 struct drill_text *why)
{
	*set = (struct drill_settings){
		.slack = {TOLERANCE_US * 1000LL, TOLERANCE_PPM}, .bind_port = PORT, .connect_port = PORT};
	for (const struct drill_note *option = script->options; option; option = option->next) {
		*pos = option->pos;
		if (!read_option(set, option, why))
			return false;
	}
	return true;
}

bool drill_settings_needs(const struct drill_script *script, struct drill_side *side, struct drill_pos *pos,
			  struct drill_text *why)
{
	for (const struct drill_note *need = script->needs; need; need = need->next) {
		*pos = need->pos;
		if (!side->ops->sysctl(side, need->name, need->value, why))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- the wire */

static void map_ipv4(uint8_t *to, const uint8_t *ip4)
{
	memset(to, 0, 10);
	memset(to + 10, 0xff, 2);
	memcpy(to + 12, ip4, 4);
}

/* "192.0.2.1", "192.0.2.1/24", "fd::1"; @other: a good address, but of the other family. */
static bool read_address(uint8_t *to, const char *text, bool ipv6, bool *other)
{
	char host[64];
	uint8_t bytes[16];
	int n = (int)strcspn(text, "/");

	*other = false;
	snprintf(host, sizeof(host), "%.*s", n, text);
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host, bytes) == 1) {
		if (ipv6)
			memcpy(to, bytes, 16);
		else
			map_ipv4(to, bytes);
		return true;
	}
	*other = inet_pton(ipv6 ? AF_INET : AF_INET6, host, bytes) == 1;
	return *other;
}

static bool read_netmask(struct drill_net *net, const struct drill_note *option)
{
	uint8_t mask[16];
	uint32_t bits;
	bool other;

	if (!read_address(mask, option->value, false, &other) || other)
		return false;
	bits = (uint32_t)mask[12] << 24 | (uint32_t)mask[13] << 16 | (uint32_t)mask[14] << 8 | mask[15];
	if (~bits & (~bits + 1))
		return false;
	if (net->family != DRILL_IPV6)
		net->prefix = (unsigned)__builtin_popcount(bits);
	return true;
}

static bool read_net_address(uint8_t *to, const struct drill_script *script, const char *name, bool ipv6,
			     struct drill_text *why)
{
	const struct drill_note *option = drill_find_note(script->options, name);
	bool other;

	if (!option || read_address(to, option->value, ipv6, &other))
		return true;
	return refuse(why, option, "expected an address");
}

static void default_net(struct drill_net *net, enum drill_family family)
{
	bool ipv6 = family == DRILL_IPV6, other;

	*net = (struct drill_net){.family = family, .mtu = ipv6 ? 1520 : 1500, .prefix = ipv6 ? 48 : 16};
	read_address(net->local, ipv6 ? "fd3d:a0b:17d6::1" : "192.168.0.1", ipv6, &other);
	read_address(net->gateway, ipv6 ? "fd3d:a0b:17d6:8888::1" : "192.168.0.1", ipv6, &other);
	read_address(net->remote, ipv6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1", ipv6, &other);
}

bool drill_net_init(struct drill_net *net, const struct drill_script *script, enum drill_family family, bool runner,
		    struct drill_text *why)
{
	bool ipv6 = family == DRILL_IPV6;
	const struct drill_note *mtu = drill_find_note(script->options, "mtu");
	const struct drill_note *mask = drill_find_note(script->options, "netmask_ip");
	long value;

	default_net(net, family);
	net->anyip = drill_find_note(script->options, "is_anyip");
	if (mtu && !is_number(mtu->value, ipv6 ? 1280 : 68, 65535, &value))
		return refuse(why, mtu, ipv6 ? "expected 1280 to 65535" : "expected 68 to 65535");
	if (mtu && !(runner && ipv6))
		net->mtu = (unsigned)value;
	if (runner)
		return true;
	if (mask && !read_netmask(net, mask))
		return refuse(why, mask, "expected a netmask, such as 255.255.0.0");
	return read_net_address(net->local, script, "local_ip", ipv6, why) &&
	       read_net_address(net->gateway, script, "gateway_ip", ipv6, why) &&
	       read_net_address(net->remote, script, "remote_ip", ipv6, why);
}

/* The cookies are what a Linux with the key of the public suites' defaults.sh gives these addresses. */
size_t drill_family_defines(enum drill_family family, struct drill_define to[DRILL_FAMILY_DEFINES])
{
	size_t n = 0;

	to[n++] = (struct drill_define){"TFO_COOKIE", family == DRILL_IPV6 ? "c1d1e9742a47a9bc" : "3021b9d889017eeb"};
	if (family != DRILL_IPV6)
		to[n++] = (struct drill_define){"CODE", "host_unreachable"};
	to[n++] = (struct drill_define){"CMSG_LEVEL_IP", family == DRILL_IPV4 ? "SOL_IP" : "SOL_IPV6"};
	to[n++] = (struct drill_define){"CMSG_TYPE_RECVERR", family == DRILL_IPV4 ? "IP_RECVERR" : "IPV6_RECVERR"};
	return n;
}
