// SPDX-License-Identifier: MIT
/*
 * drill/settings_lists.c - what the scripts of settings set that scripts call before their first event
 *
 *	../common/defaults.sh, ./defaults.sh     google/packetdrill and Linux's selftests
 *	sh ./defaults.sh                         close-matrix, and the scripts of this project
 *
 * Their values are facts; a script that calls them gets these settings on every side, with no shell.
 */
#include "drill/settings.h"

#include <string.h>

static const struct drill_setting google[] = {
	{"net.ipv4.tcp_rmem", "4096 540000 15728640"},
	{"net.ipv4.tcp_wmem", "4096 262144 4194304"},
	{"net.ipv4.tcp_timestamps", "1"},
	{"net.ipv4.tcp_syn_retries", "5"},
	{"net.ipv4.tcp_synack_retries", "5"},
	{"net.ipv4.tcp_frto", "2"},
	{"net.ipv4.tcp_sack", "1"},
	{"net.ipv4.tcp_dsack", "1"},
	{"net.ipv4.tcp_fack", "0"},
	{"net.ipv4.tcp_reordering", "3"},
	{"net.ipv4.tcp_congestion_control", "cubic"},
	{"net.ipv4.tcp_slow_start_after_idle", "0"},
	{"net.ipv4.tcp_early_retrans", "4"},
	{"net.ipv4.tcp_recovery", "1"},
	{"net.ipv4.tcp_tso_win_divisor", "3"},
	{"net.ipv4.tcp_ecn", "0"},
	{"net.ipv4.tcp_ecn_option", "2"},
	{"net.ipv4.tcp_pacing_ss_ratio", "200"},
	{"net.ipv4.tcp_pacing_ca_ratio", "120"},
	{"net.ipv4.tcp_notsent_lowat", "4294967295"},
	{"net.ipv4.tcp_fastopen", "0x70403"},
	{"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
	{"net.ipv4.tcp_syncookies", "1"},
	{NULL, NULL},
};

/* The selftests have the same but for what they do not set, and Fast Open for both ends only. */
static const struct drill_setting selftests[] = {
	{"net.ipv4.tcp_rmem", "4096 540000 15728640"},
	{"net.ipv4.tcp_wmem", "4096 262144 4194304"},
	{"net.ipv4.tcp_timestamps", "1"},
	{"net.ipv4.tcp_syn_retries", "5"},
	{"net.ipv4.tcp_synack_retries", "5"},
	{"net.ipv4.tcp_frto", "2"},
	{"net.ipv4.tcp_sack", "1"},
	{"net.ipv4.tcp_dsack", "1"},
	{"net.ipv4.tcp_fack", "0"},
	{"net.ipv4.tcp_reordering", "3"},
	{"net.ipv4.tcp_congestion_control", "cubic"},
	{"net.ipv4.tcp_slow_start_after_idle", "0"},
	{"net.ipv4.tcp_early_retrans", "4"},
	{"net.ipv4.tcp_recovery", "1"},
	{"net.ipv4.tcp_tso_win_divisor", "3"},
	{"net.ipv4.tcp_ecn", "0"},
	{"net.ipv4.tcp_pacing_ss_ratio", "200"},
	{"net.ipv4.tcp_pacing_ca_ratio", "120"},
	{"net.ipv4.tcp_notsent_lowat", "4294967295"},
	{"net.ipv4.tcp_fastopen", "0x3"},
	{"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
	{"net.ipv4.tcp_syncookies", "1"},
	{NULL, NULL},
};

/* Linux's own defaults, and a send buffer that begins with 64 KiB. */
static const struct drill_setting plain[] = {
	{"net.ipv4.tcp_congestion_control", "cubic"},
	{"net.ipv4.tcp_rmem", "4096 131072 6291456"},
	{"net.ipv4.tcp_wmem", "4096 65536 4194304"},
	{"net.ipv4.tcp_timestamps", "1"},
	{"net.ipv4.tcp_sack", "1"},
	{"net.ipv4.tcp_window_scaling", "1"},
	{"net.ipv4.tcp_ecn", "2"},
	{"net.ipv4.tcp_fin_timeout", "60"},
	{"net.ipv4.tcp_syn_retries", "6"},
	{"net.ipv4.tcp_synack_retries", "5"},
	{"net.ipv4.tcp_syn_linear_timeouts", "4"},
	{"net.ipv4.tcp_retries1", "3"},
	{"net.ipv4.tcp_retries2", "15"},
	{"net.ipv4.tcp_orphan_retries", "0"},
	{"net.ipv4.tcp_rfc1337", "0"},
	{"net.ipv4.tcp_tw_reuse", "2"},
	{"net.ipv4.tcp_syncookies", "1"},
	{"net.ipv4.tcp_abort_on_overflow", "0"},
	{"net.ipv4.tcp_keepalive_time", "7200"},
	{"net.ipv4.tcp_keepalive_intvl", "75"},
	{"net.ipv4.tcp_keepalive_probes", "9"},
	{"net.ipv4.tcp_invalid_ratelimit", "500"},
	{"net.ipv4.tcp_challenge_ack_limit", "2147483647"},
	{"net.ipv4.tcp_slow_start_after_idle", "1"},
	{"net.ipv4.tcp_early_retrans", "3"},
	{"net.ipv4.tcp_recovery", "1"},
	{"net.ipv4.tcp_fastopen", "1"},
	{"net.ipv4.tcp_stdurg", "0"},
	{NULL, NULL},
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

const struct drill_setting *drill_settings_list(const char *const *words, unsigned n)
{
	bool by_sh = n > 1 && (!strcmp(words[0], "sh") || !strcmp(words[0], "bash"));
	const char *path = words[by_sh];

	if (ends_with(path, "common/defaults.sh"))
		return google;
	if (strcmp(path, "./defaults.sh") && strcmp(path, "defaults.sh"))
		return NULL;
	return by_sh ? plain : selftests;
}
