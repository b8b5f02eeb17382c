// SPDX-License-Identifier: MIT
/*
 * cmd/setup.c - a host as the command line describes it: interface, addresses at both ends, capture, settings
 *
 * The interface is made in the network namespace that --netns names, or in ours; the kernel's end gets the --peer
 * addresses, the stack the --addr ones. An interface that was there before keeps its own addresses unless --peer asks.
 */
#include "cmd/setup.h"

#include "cmd/view.h"

#include <lastack/socket.h>
#include <lastack/trace.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum setup_option_id {
	OPT_TUN = 100,
	OPT_ADDR,
	OPT_PEER,
	OPT_NETNS,
	OPT_MTU,
	OPT_NO_UNITS,
	OPT_PCAP,
	OPT_LADDER,
	OPT_SYSCTL,
};

const struct option_spec setup_options[] = {
	{OPT_TUN, "tun", "NAME", "interface at the kernel's end, made if it is not there (lastack0)"},
	{OPT_ADDR, "addr", "ADDRESS/LENGTH",
	 "our address, IPv4 or IPv6, may be given for both (10.9.0.2/24, fd09::2/64)"},
	{OPT_ADDR, "addr6", "ADDRESS/LENGTH", "the same"},
	{OPT_PEER, "peer", "ADDRESS/LENGTH",
	 "the kernel's address on the interface (the first of our prefix: 10.9.0.1/24, fd09::1/64)"},
	{OPT_NETNS, "netns", "FILE", "make the interface in this network namespace, such as /run/netns/blue"},
	{OPT_MTU, "mtu", "BYTES", "largest packet, 1280 to 65535 (1500)"},
	{OPT_NO_UNITS, "no-units", NULL, "one write for each segment; otherwise the kernel gets units of them whole"},
	{OPT_PCAP, "pcap", "FILE", "write a capture that Wireshark opens, with the stack's own comments"},
	{OPT_LADDER, "ladder", NULL, "draw segments and states as a ladder on stderr while they happen"},
	{OPT_SYSCTL, "sysctl", "NAME=VALUE", "a setting by Linux's name, such as tcp_fin_timeout=5; may be repeated"},
	{0, NULL, NULL, NULL},
};

/* ------------------------------------------------------------------ options */

static bool parse_addr(const char *text, struct setup_addr *addr)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t prefixlen;

	memset(addr, 0, sizeof(*addr));
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = 0;
	addr->family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(addr->family, host, addr->bytes) != 1)
		return false;
	prefixlen = addr->family == AF_INET ? 24 : 64;
	if (slash && !parse_number(slash + 1, 1, addr->family == AF_INET ? 32 : 128, &prefixlen))
		return false;
	addr->prefixlen = (unsigned)prefixlen;
	return true;
}

void setup_init(struct setup *setup, const struct command *command)
{
	memset(setup, 0, sizeof(*setup));
	setup->command = command;
	setup->tun_name = "lastack0";
	setup->mtu = 1500;
	setup->units = true;
	setup->signal_fd = -1;
	parse_addr("10.9.0.2/24", &setup->addr[0]);
	parse_addr("fd09::2/64", &setup->addr[1]);
	parse_addr("10.9.0.1/24", &setup->peer[0]);
	parse_addr("fd09::1/64", &setup->peer[1]);
}

static int option_addr(struct setup *setup, struct setup_addr *which, const char *name, const char *value)
{
	struct setup_addr addr;

	if (!parse_addr(value, &addr))
		return misuse(setup->command, "--%s wants an address such as 10.9.0.2/24 or fd09::2/64, not %s", name,
			      value);
	addr.asked = true;
	which[addr.family == AF_INET6] = addr;
	return 0;
}

int setup_option(struct setup *setup, int id, const char *value)
{
	uint64_t number;

	setup->device_asked |= id != OPT_PCAP && id != OPT_LADDER && id != OPT_SYSCTL;
	switch ((enum setup_option_id)id) {
	case OPT_TUN:
		setup->tun_name = value;
		return 0;
	case OPT_ADDR:
		return option_addr(setup, setup->addr, "addr", value);
	case OPT_PEER:
		return option_addr(setup, setup->peer, "peer", value);
	case OPT_NETNS:
		setup->netns = value;
		return 0;
	case OPT_MTU:
		if (!parse_number(value, 1280, 65535, &number))
			return misuse(setup->command, "--mtu wants 1280 to 65535, not %s", value);
		setup->mtu = (unsigned)number;
		return 0;
	case OPT_NO_UNITS:
		setup->units = false;
		return 0;
	case OPT_PCAP:
		setup->pcap = value;
		return 0;
	case OPT_LADDER:
		setup->ladder = true;
		return 0;
	case OPT_SYSCTL:
		if (!strchr(value, '=') || setup->sysctl_count == SETUP_SYSCTLS)
			return misuse(setup->command, "--sysctl wants NAME=VALUE, at most %d times, not %s",
				      SETUP_SYSCTLS, value);
		setup->sysctls[setup->sysctl_count++] = value;
		return 0;
	}
	return misuse(setup->command, "unknown option");
}

/* The kernel's end where --addr was given and --peer was not: the first other address of the same prefix. */
static void derive_peer(const struct setup_addr *addr, struct setup_addr *peer)
{
	unsigned bits = addr->family == AF_INET ? 32 : 128, last = bits / 8 - 1;

	if (!addr->asked || peer->asked || addr->prefixlen > bits - 2)
		return;
	*peer = *addr;
	peer->asked = false;
	for (unsigned bit = addr->prefixlen; bit < bits; bit++)
		peer->bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	peer->bytes[last] |= 1;
	if (!memcmp(peer->bytes, addr->bytes, last + 1))
		peer->bytes[last] ^= 3;
}

/* Defaults of a family of which nothing was said are left out where something was said about the other. */
static void settle_addresses(struct setup *setup)
{
	for (int i = 0; i < 2; i++) {
		derive_peer(&setup->addr[i], &setup->peer[i]);
		if (setup->only_asked && !setup->addr[i].asked && !setup->peer[i].asked && setup->addr[!i].asked)
			setup->addr[i].family = setup->peer[i].family = 0;
	}
}

/* ------------------------------------------------------------------ the interface */

/* Steps into a namespace; *@back is a descriptor of the one we came from. */
static int enter_netns(struct setup *setup, int *back)
{
	int fd, status = 0;

	*back = -1;
	if (!setup->netns)
		return 0;
	*back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fd = open(setup->netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || *back < 0 || setns(fd, CLONE_NEWNET) < 0)
		status = fail(setup->command, "cannot enter the namespace %s: %s", setup->netns, strerror(errno));
	if (fd >= 0)
		close(fd);
	return status;
}

static void leave_netns(int back)
{
	if (back < 0)
		return;
	if (setns(back, CLONE_NEWNET) < 0)
		perror("lastack: cannot return to the first network namespace");
	close(back);
}

static const void *sockaddr_bytes(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return &((const struct sockaddr_in *)sa)->sin_addr;
	return &((const struct sockaddr_in6 *)sa)->sin6_addr;
}

/* The name of another interface that has one of our two addresses already; answers would go astray. */
static bool address_is_taken(const struct setup *setup, const struct setup_addr *addr, char *name)
{
	struct ifaddrs *list, *at;
	bool taken = false;

	if (getifaddrs(&list))
		return false;
	for (at = list; at && !taken; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != addr->family || !strcmp(at->ifa_name, setup->tun_name))
			continue;
		taken = !memcmp(sockaddr_bytes(at->ifa_addr), addr->bytes, addr->family == AF_INET ? 4 : 16);
		if (taken)
			snprintf(name, IFNAMSIZ, "%s", at->ifa_name);
	}
	freeifaddrs(list);
	return taken;
}

static int check_addresses(const struct setup *setup, const struct setup_addr *addr, const char *option)
{
	char text[INET6_ADDRSTRLEN], name[IFNAMSIZ];

	for (int i = 0; i < 2; i++)
		if (addr[i].family && address_is_taken(setup, &addr[i], name))
			return fail(setup->command,
				    "the address %s is busy, it belongs to %s: choose another with --%s",
				    inet_ntop(addr[i].family, addr[i].bytes, text, sizeof(text)), name, option);
	return 0;
}

/* The kernel's end: addresses, MTU, up. A kernel without IPv6 is no mistake unless IPv6 was asked for. */
static int configure_interface(struct setup *setup, struct tun *tun)
{
	int error;

	if (!tun->existed && tun_up(tun, setup->mtu))
		return fail(setup->command, "%s", tun->why);
	for (int i = 0; i < 2; i++) {
		struct setup_addr *peer = &setup->peer[i];

		if (!peer->family || (tun->existed && !peer->asked))
			continue;
		error = tun_set_address(tun, peer->family, peer->bytes, peer->prefixlen);
		if (error && (peer->family == AF_INET || peer->asked))
			return fail(setup->command, "%s", tun->why);
	}
	error = tun_mtu(tun);
	if (error > 0)
		setup->mtu = (unsigned)error;
	return 0;
}

static int open_interface(struct setup *setup, struct tun *tun)
{
	int back, status;

	status = enter_netns(setup, &back);
	if (!status)
		status = check_addresses(setup, setup->peer, "peer");
	if (!status)
		status = check_addresses(setup, setup->addr, "addr");
	if (!status && tun_open(tun, setup->tun_name, setup->units))
		status = fail(setup->command, "%s", tun->why);
	if (!status && configure_interface(setup, tun)) {
		tun_close(tun);
		status = EXIT_FAILURE;
	}
	leave_netns(back);
	return status;
}

/* ------------------------------------------------------------------ the stack */

static int apply_sysctl(struct setup *setup, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[128];
	int error;

	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	error = la_sysctl_set(setup->host.stack, name, equals + 1);
	if (error == -ENOENT)
		return misuse(setup->command, "--sysctl: there is no setting %s", name);
	if (error)
		return misuse(setup->command, "--sysctl: %s is no value for %s", equals + 1, name);
	return 0;
}

static int configure_stack(struct setup *setup)
{
	struct la_stack *stack = setup->host.stack;
	char text[INET6_ADDRSTRLEN];
	int error, status = 0;

	for (unsigned i = 0; i < setup->sysctl_count && !status; i++)
		status = apply_sysctl(setup, setup->sysctls[i]);
	for (int i = 0; i < 2 && !status; i++) {
		struct setup_addr *addr = &setup->addr[i];
		static const uint8_t any[16];

		if (!addr->family || (!setup->tun_name && !addr->asked))
			continue;
		error = la_addr_add(stack, setup->host.ifindex, addr->family, addr->bytes, addr->prefixlen);
		if (error) {
			inet_ntop(addr->family, addr->bytes, text, sizeof(text));
			status = fail(setup->command, "%s cannot be our address: %s", text, strerror(-error));
		} else if (setup->tun_name) {
			la_route_add(stack, setup->host.ifindex, addr->family, any, 0);
		}
	}
	return status;
}

static void on_frame(void *world, bool out, const void *frame, size_t len, uint64_t now_ns)
{
	struct setup *setup = world;

	view_frame(setup->view, out, frame, len, now_ns);
}

static void on_looped(void *world, const void *packet, size_t len, uint64_t now_ns)
{
	struct setup *setup = world;

	view_looped(setup->view, packet, len, now_ns);
}

static void on_trace(void *world, const struct la_trace_event *event)
{
	struct setup *setup = world;

	if (setup->view)
		view_trace(setup->view, event, setup->who ? setup->who(setup->world) : NULL);
	if (setup->trace)
		setup->trace(setup->world, event);
}

static bool on_turn(void *world)
{
	struct setup *setup = world;

	return setup->turn(setup->world);
}

static void on_signal(void *arg)
{
	struct setup *setup = arg;
	struct signalfd_siginfo info;

	if (read(setup->signal_fd, &info, sizeof(info)) == sizeof(info))
		host_stop(&setup->host);
}

static void watch_signals(struct setup *setup)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setup->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (setup->signal_fd >= 0)
		host_watch(&setup->host, setup->signal_fd, on_signal, setup);
}

int setup_host(struct setup *setup)
{
	struct host_hooks hooks = {.world = setup};
	struct tun tun;
	int status;

	settle_addresses(setup);
	if (setup->tun_name) {
		status = open_interface(setup, &tun);
		if (status)
			return status;
	}
	if (setup->pcap || setup->ladder) {
		setup->view = view_new(setup->pcap, setup->ladder, setup->tun_name ? tun.name : NULL);
		if (!setup->view) {
			if (setup->tun_name)
				tun_close(&tun);
			return fail(setup->command, "cannot write the capture %s: %s", setup->pcap, strerror(errno));
		}
	}
	hooks.turn = setup->turn ? on_turn : NULL;
	hooks.frame = setup->view ? on_frame : NULL;
	hooks.looped = setup->pcap && setup->who ? on_looped : NULL;
	hooks.trace = setup->view || setup->trace ? on_trace : NULL;
	if (host_init(&setup->host, setup->tun_name ? &tun : NULL, setup->mtu, &hooks))
		return fail(setup->command, "no memory for a stack");
	status = configure_stack(setup);
	if (status)
		setup_stop(setup);
	return status;
}

int setup_start(struct setup *setup)
{
	int status = setup_host(setup);

	if (status)
		return status;
	watch_signals(setup);
	setup->task = la_task_new(setup->host.stack);
	if (setup->task)
		return 0;
	setup_stop(setup);
	return fail(setup->command, "no memory for a task");
}

void setup_stop(struct setup *setup)
{
	if (setup->task)
		la_task_exit(setup->task, host_now_ns());
	setup->task = NULL;
	if (setup->view)
		view_end(setup->view);
	setup->view = NULL;
	host_destroy(&setup->host);
	if (setup->signal_fd >= 0)
		close(setup->signal_fd);
	setup->signal_fd = -1;
}
