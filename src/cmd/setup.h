/* SPDX-License-Identifier: MIT */
/*
 * cmd/setup.h - a host as the command line describes it: interface, addresses at both ends, capture, settings
 */
#ifndef LA_CMD_SETUP_H
#define LA_CMD_SETUP_H

#include "cmd/args.h"
#include "host/runtime/loop.h"

#define SETUP_SYSCTLS 16

extern const struct option_spec setup_options[];

struct setup_addr {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];
	unsigned prefixlen;
	bool asked; /* on the command line: then it must work */
};

/**
 * struct setup - what the options said, and the host made from it
 * @addr, @peer: addresses of our end and of the kernel's, [0] IPv4, [1] IPv6
 * @tun_name:    NULL: no interface, only the stack's own loopback, to which --addr adds addresses
 * @device_asked: an option was given that is about an interface
 * @only_asked:  no address of a family of which the options say nothing, if they name one of the other
 * @units:       units of segments go to the kernel whole
 * @who:         whose call the stack works on, for a capture in which FIN and RST say that; it has loopback's packets,
 *               too. NULL: a capture in which each packet has the steps that led to it
 * @task:        the first task of the stack
 * @view:        capture and ladder of the run; NULL: not wanted
 */
struct setup {
	const struct command *command;
	const char *tun_name, *netns, *pcap;
	struct setup_addr addr[2], peer[2];
	unsigned mtu;
	bool units, ladder, device_asked, only_asked;
	const char *sysctls[SETUP_SYSCTLS];
	unsigned sysctl_count;
	void (*trace)(void *world, const struct la_trace_event *event);
	bool (*turn)(void *world);
	const char *(*who)(void *world);
	void *world;
	struct host host;
	struct la_task *task;
	struct view *view;
	int signal_fd;
};

/* Fills in the defaults. */
void setup_init(struct setup *setup, const struct command *command);

/* Takes one option of setup_options; 0, or EXIT_USAGE after a message. */
int setup_option(struct setup *setup, int id, const char *value);

/* Opens the interface (none where @tun_name is NULL) and makes the stack. The signals stay as they are, and there is no
 * task. 0, or an exit status after a message. */
int setup_host(struct setup *setup);

/* The same, with a task to begin with. @turn, @trace and @world of @setup are its hooks.
 * SIGINT and SIGTERM will end host_run(). 0, or an exit status after a message. */
int setup_start(struct setup *setup);

/* The task exits (all that is open closes), the stack ends, the interface goes away. */
void setup_stop(struct setup *setup);

#endif
