// SPDX-License-Identifier: MIT
/*
 * drill/so/settings.c - addresses, MTU and sysctls of a run
 *
 * packetdrill tells a shared object none of them. They come, the later over the earlier, from the values with which Linux's
 * own scripts are run, the environment (TEST_FAMILY=ipv6, TEST_SYSCTLS="a=1 b=2"), and --so_flags:
 *
 *	--so_flags='mtu=1500;sysctl=net.ipv4.tcp_rfc1337=1,tcp_retries2=1;local4=192.168.0.1;local6=fd3d:a0b:17d6::1;seed=1'
 */
#include "drill/so/so.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX4 16
#define PREFIX6 48

/* Linux's defaults where a machine's memory decides, and 64 KiB to begin a send buffer with. */
static const char *const usual_sysctls[] = {
	"net.ipv4.tcp_rmem=4096 131072 6291456",
	"net.ipv4.tcp_wmem=4096 65536 4194304",
};

static void set_text(char *to, size_t size, const char *value, const char *what)
{
	if (strlen(value) >= size)
		so_die("%s is too long: \"%s\"", what, value);
	strcpy(to, value);
}

static void read_flag(struct so_settings *set, const char *flag)
{
	char value[sizeof(set->sysctls)];

	if (sscanf(flag, "mtu=%u", &set->mtu) == 1 || sscanf(flag, "seed=%lu", &set->seed) == 1)
		return;
	set_text(value, sizeof(value), flag, "a flag");
	if (!strncmp(value, "sysctl=", 7))
		set_text(set->sysctls, sizeof(set->sysctls), value + 7, "sysctl");
	else if (!strncmp(value, "local4=", 7))
		set_text(set->local4, sizeof(set->local4), value + 7, "local4");
	else if (!strncmp(value, "local6=", 7))
		set_text(set->local6, sizeof(set->local6), value + 7, "local6");
	else
		so_die("--so_flags has mtu=, sysctl=, local4=, local6= and seed=, separated by ';', but not \"%s\"",
		       flag);
}

static void read_environment(struct so_settings *set)
{
	const char *family = getenv("TEST_FAMILY");
	const char *sysctls = getenv("TEST_SYSCTLS");

	if (family && !strcmp(family, "ipv6"))
		set->mtu = 1520; /* the same MSS as over IPv4 */
	if (sysctls) {
		set_text(set->sysctls, sizeof(set->sysctls), sysctls, "TEST_SYSCTLS");
		for (char *p = set->sysctls; *p; p++)
			if (*p == ' ')
				*p = ',';
	}
}

void so_settings_read(struct so_settings *set, const char *flags)
{
	char *copy, *rest, *flag;

	memset(set, 0, sizeof(*set));
	set->mtu = 1500;
	set->seed = 1;
	strcpy(set->local4, "192.168.0.1");
	strcpy(set->local6, "fd3d:a0b:17d6::1");
	read_environment(set);
	copy = rest = strdup(flags ? flags : "");
	while ((flag = strsep(&rest, ";")))
		if (*flag)
			read_flag(set, flag);
	free(copy);
}

/* ------------------------------------------------------------------ into the stack */

static void apply_sysctl(struct so *so, const char *setting)
{
	char name[128];
	const char *value = strchr(setting, '=');
	int error;

	if (!value || (size_t)(value - setting) >= sizeof(name))
		so_die("not NAME=VALUE: \"%s\"", setting);
	snprintf(name, sizeof(name), "%.*s", (int)(value - setting), setting);
	error = la_sysctl_set(so->stack, name, value + 1);
	if (error)
		so_die("sysctl %s: %s", setting, strerror(-error));
}

static void apply_sysctls(struct so *so, const struct so_settings *set)
{
	char list[sizeof(set->sysctls)], *rest = list, *setting;

	for (size_t i = 0; i < sizeof(usual_sysctls) / sizeof(usual_sysctls[0]); i++)
		apply_sysctl(so, usual_sysctls[i]);
	strcpy(list, set->sysctls);
	while ((setting = strsep(&rest, ",")))
		if (*setting)
			apply_sysctl(so, setting);
}

static void apply_address(struct so *so, int family, const char *text, unsigned prefixlen)
{
	static const uint8_t any[16];
	uint8_t addr[16];
	int error;

	if (inet_pton(family, text, addr) != 1)
		so_die("not an address: \"%s\"", text);
	error = la_addr_add(so->stack, so->ifindex, family, addr, prefixlen);
	if (!error)
		error = la_route_add(so->stack, so->ifindex, family, any, 0);
	if (error)
		so_die("address %s: %s", text, strerror(-error));
}

void so_settings_apply(struct so *so, const struct so_settings *set)
{
	so->dev = (struct la_device){.name = "tun0", .mtu = set->mtu, .xmit = wire_xmit, .world = so};
	so->ifindex = la_device_add(so->stack, &so->dev);
	if (so->ifindex < 0)
		so_die("device with MTU %u: %s", set->mtu, strerror(-so->ifindex));
	apply_address(so, AF_INET, set->local4, PREFIX4);
	apply_address(so, AF_INET6, set->local6, PREFIX6);
	apply_sysctls(so, set);
}
