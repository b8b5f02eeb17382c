/* SPDX-License-Identifier: MIT */
/*
 * drill/settings.h - what a script asks for before and beside its events: options, sysctls, shell lines
 *
 *	--tolerance_usecs=100000               --> struct drill_settings, struct drill_net      settings.c
 *	// needs-sysctl: net.ipv4.x=1          --> side->ops->sysctl                            settings.c
 *	`../common/defaults.sh                 --> lists of sysctls                             settings_lists.c
 *	 sysctl -q net.ipv4.tcp_ecn=1          --> side->ops->sysctl                            settings_shell.c
 *	 tc qdisc replace dev tun0 root fq`    --> side->ops->command: what is not understood here
 */
#ifndef DRILL_SETTINGS_H
#define DRILL_SETTINGS_H

#include "drill/backend.h"
#include "drill/run_time.h"
#include "drill/script.h"

/**
 * struct drill_settings - options that concern the runner
 * @slack:     --tolerance_usecs, --tolerance_percent
 * @ts_tick_ns: --tcp_ts_tick_usecs: one step of a time stamp; 0: they are not looked at
 * @ts_scaled: --tcp_ts_ecr_scaled
 * @strict_segments: a line with payload is one packet
 * @dry_run:   the script is only read
 */
struct drill_settings {
	struct run_slack slack;
	uint16_t bind_port, connect_port;
	int64_t ts_tick_ns;
	bool ts_scaled, strict_segments, dry_run;
};

/* False: an option that is not carried out, or a bad value; @pos is its place. */
bool drill_settings_read(struct drill_settings *set, const struct drill_script *script, struct drill_pos *pos,
			 struct drill_text *why);

/* The sysctls that comments ask for; false: the side refuses one. */
bool drill_settings_needs(const struct drill_script *script, struct drill_side *side, struct drill_pos *pos,
			  struct drill_text *why);

/* Runs what stands between back-ticks. False: a command failed, or the side cannot do it; @why says which. */
bool drill_settings_shell(const char *text, struct drill_side *side, struct drill_text *why);

/* struct drill_setting - a sysctl and its value */
struct drill_setting {
	const char *name, *value;
};

/*
 * What a script of settings sets, by the words of its command line; the list ends with a NULL name. NULL: none that
 * we know.
 */
const struct drill_setting *drill_settings_list(const char *const *words, unsigned n);

#endif
