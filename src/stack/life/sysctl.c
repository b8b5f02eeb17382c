// SPDX-License-Identifier: MIT
/*
 * life/sysctl.c - settings and counters by Linux's names
 *
 * In:   "net.ipv4.tcp_fin_timeout", or its last part alone; text, as in /proc/sys.
 * Here: two tables made from the lists of sysctl.h and mib.h.
 * Out:  numbers in struct sysctls; text.
 */
#include "stack/life/life.h"
#include "stack/tcp/fastopen.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ settings */

struct setting {
	const char *name;
	uint16_t offset; /* in struct sysctls, of the first of @count numbers */
	uint16_t count;
	int32_t lowest, highest;
};

static const struct setting settings[] = {
	/* two numbers here, one setting in Linux; ip_unprivileged_port_start bounds it */
	{"ip_local_port_range", offsetof(struct sysctls, ip_local_port_range_low), 2, 1024, 65535},
#define SETTING(name, def, lo, hi, unit) {#name, offsetof(struct sysctls, name), 1, lo, hi},
#define SETTING3(name, a, b, c)		 {#name, offsetof(struct sysctls, name), 3, 1, INT32_MAX},
	SYSCTL_LIST(SETTING, SETTING3)
#undef SETTING
#undef SETTING3
};
static_assert(offsetof(struct sysctls, ip_local_port_range_high) ==
		      offsetof(struct sysctls, ip_local_port_range_low) + sizeof(int32_t),
	      "they stand side by side");

/* What Linux puts before a name that we keep once for all families and devices. */
static const char *const prefixes[] = {
	"net.ipv4.route.", "net.ipv4.", "net.ipv6.conf.all.", "net.ipv6.conf.default.",
	"net.ipv6.route.", "net.ipv6.", "net.core.",
};

static const struct setting *setting_find(const char *name)
{
	for (unsigned i = 0; name && i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], len)) {
			name += len;
			break;
		}
	}
	for (unsigned i = 0; name && i < ARRAY_SIZE(settings); i++)
		if (!strcmp(name, settings[i].name))
			return &settings[i];
	return NULL;
}

/* The one that is no number. */
static bool is_fastopen_key(const char *name)
{
	return name && (!strcmp(name, "net.ipv4.tcp_fastopen_key") || !strcmp(name, "tcp_fastopen_key"));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Reads up to @count numbers, each within bounds; fewer leave the others as they are. */
static int setting_parse(const struct setting *s, const char *text, int32_t *value)
{
	unsigned n = 0;

	for (;;) {
		char *end;
		long v;

		while (is_blank(*text))
			text++;
		if (!*text)
			return n ? 0 : -EINVAL;
		if (n == s->count)
			return -EINVAL;
		v = strtol(text, &end, 0); /* 0x and 0 as in Linux; saturates: out of bounds either way */
		if (end == text || (*end && !is_blank(*end)) || v < s->lowest || v > s->highest)
			return -EINVAL;
		value[n++] = (int32_t)v;
		text = end;
	}
}

int la_sysctl_set(struct la_stack *stack, const char *name, const char *text)
{
	struct net *net = (struct net *)stack;
	const struct setting *s = setting_find(name);
	int32_t value[3], *stored;
	int err;

	if (is_fastopen_key(name))
		return text ? fastopen_keys_parse(&net->tcp->fastopen_keys, text) : -EINVAL;
	if (!s)
		return -ENOENT;
	if (!text)
		return -EINVAL;
	stored = (int32_t *)((char *)&net->sysctl + s->offset);
	memcpy(value, stored, s->count * sizeof(*value));
	err = setting_parse(s, text, value);
	if (err)
		return err;
	if (s->count == 2 && value[1] < value[0]) /* a range */
		return -EINVAL;
	memcpy(stored, value, s->count * sizeof(*value));
	if (stored == &net->sysctl.tcp_fastopen_blackhole_timeout_sec)
		net->tcp->fastopen_cache.disabled_times = 0;
	return 0;
}

int la_sysctl_get(const struct la_stack *stack, const char *name, char *text, size_t cap)
{
	const struct net *net = (const struct net *)stack;
	const struct setting *s = setting_find(name);
	const int32_t *v;
	int len;

	if (is_fastopen_key(name))
		return fastopen_keys_print(&net->tcp->fastopen_keys, text, cap);
	if (!s)
		return -ENOENT;
	v = (const int32_t *)((const char *)&net->sysctl + s->offset);
	if (s->count == 3)
		len = snprintf(text, cap, "%d\t%d\t%d", v[0], v[1], v[2]);
	else if (s->count == 2)
		len = snprintf(text, cap, "%d\t%d", v[0], v[1]);
	else
		len = snprintf(text, cap, "%d", v[0]);
	return (size_t)len < cap ? len : -ENOSPC;
}

void la_tcp_metrics_flush(struct la_stack *stack)
{
	tcp_fastopen_cache_flush((struct net *)stack);
}

/* ------------------------------------------------------------------ counters */

static const char *const counter_names[MIB_COUNT] = {
#define COUNTER_NAME(group, name) [MIB_##group##_##name] = #group #name,
	MIB_LIST(COUNTER_NAME)
#undef COUNTER_NAME
};

bool la_counter_at(const struct la_stack *stack, size_t index, const char **name, uint64_t *value)
{
	if (index >= MIB_COUNT)
		return false;
	*name = counter_names[index];
	*value = ((const struct net *)stack)->mib[index];
	return true;
}

int la_counter(const struct la_stack *stack, const char *name, uint64_t *value)
{
	const char *candidate;

	for (size_t i = 0; name && la_counter_at(stack, i, &candidate, value); i++)
		if (!strcmp(candidate, name))
			return 0;
	return -ENOENT;
}
