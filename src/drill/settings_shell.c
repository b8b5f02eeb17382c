// SPDX-License-Identifier: MIT
/*
 * drill/settings_shell.c - shell lines of a script, as far as they set something
 *
 *	text --split at newline ; && ||--> command --words--> known here?  sysctl, echo > /proc/sys, defaults.sh,
 *	                                                      set_sysctls.py, sleep, true
 *	                                                 no:  side->ops->command(), as it was written
 *
 * What is known here does the same on every side, and needs no shell. The shell would go on behind a command that
 * fails; here that ends the script unless `||` follows: a setting that was not made is never passed over.
 */
#include "drill/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 64, MAX_COMMAND = 4096 };

enum joint { JOINT_END, JOINT_THEN, JOINT_AND, JOINT_OR };

/**
 * struct command - one command, or several with pipes between
 * @text, @length: as written
 * @words: without quotes and redirections; they stand in @store
 * @plain: one command whose words say all: nothing that only a shell understands
 * @to:    `> file`, or NULL; what goes to /dev/null is not told
 */
struct command {
	const char *text;
	size_t length;
	const char *words[MAX_WORDS];
	unsigned n;
	bool plain;
	const char *to;
	char store[MAX_COMMAND];
	size_t used;
};

/* ---------------------------------------------------------------- splitting */

static void skip_blanks(const char **at)
{
	for (;;) {
		if (**at == ' ' || **at == '\t' || **at == '\r')
			(*at)++;
		else if (**at == '\\' && (*at)[1] == '\n')
			*at += 2;
		else
			break;
	}
	if (**at == '#')
		*at += strcspn(*at, "\n");
}

static void store(struct command *command, char c)
{
	if (command->used + 1 < sizeof(command->store))
		command->store[command->used++] = c;
	else
		command->plain = false;
}

/* A word without its quotes, in @store. What a shell would replace makes the command one for a shell. */
static const char *take_word(struct command *command, const char **at)
{
	const char *word = command->store + command->used;
	char quote = 0;

	for (; **at; (*at)++) {
		if ((*at)[0] == '\\' && (*at)[1] == '\n' && quote != '\'') {
			(*at)++;
			continue;
		}
		if (quote ? **at == quote : **at == '"' || **at == '\'') {
			quote = quote ? 0 : **at;
			continue;
		}
		if (!quote && strchr(" \t\r\n;&|<>()", **at))
			break;
		if (quote != '\'' && (**at == '$' || **at == '`' || **at == '\\'))
			command->plain = false;
		store(command, **at);
	}
	if (quote)
		command->plain = false;
	store(command, '\0');
	return word;
}

/* `> file`, `2>&1`, `&> file`: @at stands on the sign, or on the digit before it. */
static bool take_redirection(struct command *command, const char **at)
{
	const char *p = *at;
	bool errors = *p == '2';
	const char *file;

	p += *p == '2' || *p == '1' || *p == '&';
	if (*p != '>')
		return false;
	p += p[1] == '>' ? 2 : 1;
	if (*p == '&') { /* 2>&1 */
		p += 1 + strspn(p + 1, "0123456789-");
		*at = p;
		return true;
	}
	skip_blanks(&p);
	file = take_word(command, &p);
	if (strcmp(file, "/dev/null") && !errors)
		command->to = file;
	*at = p;
	return true;
}

static enum joint take_joint(const char **at)
{
	if (!**at)
		return JOINT_END;
	if ((*at)[0] == '&' && (*at)[1] == '&') {
		*at += 2;
		return JOINT_AND;
	}
	if ((*at)[0] == '|' && (*at)[1] == '|') {
		*at += 2;
		return JOINT_OR;
	}
	*at += 1;
	return JOINT_THEN;
}

static bool at_joint(const char *at)
{
	return !*at || *at == '\n' || *at == ';' || (*at == '&' && at[1] == '&') || (*at == '|' && at[1] == '|');
}

/* The next command of @at; the joint behind it is stepped over and given. */
static enum joint take_command(struct command *command, const char **at)
{
	command->n = 0;
	command->used = 0;
	command->plain = true;
	command->to = NULL;
	skip_blanks(at);
	command->text = *at;
	while (!at_joint(*at)) {
		command->length = 0;
		if (take_redirection(command, at)) {
		} else if (strchr("|&<>()", **at)) {
			command->plain = false;
			(*at)++;
		} else if (command->n < MAX_WORDS) {
			command->words[command->n++] = take_word(command, at);
		} else {
			command->plain = false;
			(*at)++;
		}
		command->length = (size_t)(*at - command->text);
		skip_blanks(at);
	}
	return take_joint(at);
}

/* ---------------------------------------------------------------- settings */

/* "net/ipv4/tcp_ecn" and "/proc/sys/net/ipv4/tcp_ecn" are net.ipv4.tcp_ecn. */
static bool set_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why)
{
	static const char proc[] = "/proc/sys/";
	char dotted[128];

	if (!strncmp(name, proc, sizeof(proc) - 1))
		name += sizeof(proc) - 1;
	snprintf(dotted, sizeof(dotted), "%s", name);
	for (char *p = dotted; *p; p++)
		if (*p == '/')
			*p = '.';
	return side->ops->sysctl(side, dotted, value, why);
}

static bool set_word(struct drill_side *side, const char *word, struct drill_text *why)
{
	char name[128];
	size_t n = strcspn(word, "=");

	if (!word[n] || n >= sizeof(name)) {
		snprintf(why->text, sizeof(why->text), "expected NAME=VALUE, found \"%.200s\"", word);
		return false;
	}
	memcpy(name, word, n);
	name[n] = '\0';
	return set_sysctl(side, name, word + n + 1, why);
}

/*
 * The scripts go on behind a setting that is refused, and so does this: cubic may not be had in a network namespace,
 * and then it is Reno, which is the nearest; settings that a side does not have are those of things that it does not
 * have either.
 */
static void set_list(struct drill_side *side, const struct drill_setting *list)
{
	struct drill_text why;

	for (; list->name; list++)
		if (!side->ops->sysctl(side, list->name, list->value, &why) && !strcmp(list->value, "cubic"))
			side->ops->sysctl(side, list->name, "reno", &why);
	side->ops->command(side, "ip tcp_metrics flush all", &why);
	side->ops->command(side, "tc qdisc replace dev tun0 root pfifo", &why);
}

/* ---------------------------------------------------------------- commands that are known */

enum known { KNOWN_GOOD, KNOWN_BAD, UNKNOWN };

static enum known run_sysctl(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	bool unknown_is_good = false, good = true;

	for (unsigned i = 1; i < command->n; i++) {
		const char *word = command->words[i];

		if (*word == '-' && strspn(word + 1, "qwe") != strlen(word + 1))
			return UNKNOWN;
		if (*word != '-' && !strchr(word, '='))
			return UNKNOWN;
	}
	for (unsigned i = 1; i < command->n; i++) {
		if (command->words[i][0] == '-')
			unknown_is_good |= strchr(command->words[i], 'e') != NULL;
		else if (!set_word(side, command->words[i], why))
			good = false;
	}
	return good || unknown_is_good ? KNOWN_GOOD : KNOWN_BAD;
}

static enum known run_defaults(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	const struct drill_setting *list = drill_settings_list(command->words, command->n);
	unsigned path = !strcmp(command->words[0], "sh") || !strcmp(command->words[0], "bash");

	if (!list)
		return UNKNOWN;
	if (command->n == path + 1)
		set_list(side, list);
	for (unsigned i = path + 1; i < command->n; i++)
		if (!set_word(side, command->words[i], why))
			return KNOWN_BAD;
	return KNOWN_GOOD;
}

static enum known run_set_sysctls(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	for (unsigned i = 1; i < command->n; i++)
		if (!set_word(side, command->words[i], why))
			return KNOWN_BAD;
	return KNOWN_GOOD;
}

static enum known run_echo(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	char value[256];
	size_t at = 0;

	if (!command->to || strncmp(command->to, "/proc/sys/", 10))
		return UNKNOWN;
	value[0] = '\0';
	for (unsigned i = 1; i < command->n && at < sizeof(value); i++)
		at += (size_t)snprintf(value + at, sizeof(value) - at, "%s%s", at ? " " : "", command->words[i]);
	return set_sysctl(side, command->to, value, why) ? KNOWN_GOOD : KNOWN_BAD;
}

static enum known run_sleep(const struct command *command, struct drill_side *side)
{
	char *end;
	double s = command->n == 2 ? strtod(command->words[1], &end) : -1;

	if (!(s >= 0 && s < 1e6) || *end)
		return UNKNOWN;
	side->ops->sleep(side, side->ops->now(side) + (int64_t)(s * 1e9));
	return KNOWN_GOOD;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/*
 * set_sysctls.py leaves a script that sets the old values again. What was set ends with the side: there is nothing
 * to do.
 */
static bool is_restore(const struct command *command)
{
	static const char begin[] = "/tmp/sysctl_restore_";

	return command->n == 1 && !strncmp(command->words[0], begin, sizeof(begin) - 1);
}

static enum known run_known(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	const char *name = command->words[0];

	if (is_restore(command))
		return KNOWN_GOOD;
	if (!command->plain)
		return UNKNOWN;
	if (!strcmp(name, ":") || !strcmp(name, "true"))
		return KNOWN_GOOD;
	if (!strcmp(name, "echo"))
		return run_echo(command, side, why);
	if (command->to)
		return UNKNOWN;
	if (!strcmp(name, "sysctl"))
		return run_sysctl(command, side, why);
	if (!strcmp(name, "sleep"))
		return run_sleep(command, side);
	if (ends_with(name, "set_sysctls.py"))
		return run_set_sysctls(command, side, why);
	return run_defaults(command, side, why);
}

static bool run_command(const struct command *command, struct drill_side *side, struct drill_text *why)
{
	char line[MAX_COMMAND];
	enum known known = run_known(command, side, why);

	if (known != UNKNOWN)
		return known == KNOWN_GOOD;
	if (command->length >= sizeof(line)) {
		snprintf(why->text, sizeof(why->text), "a shell line of %zu characters is too long", command->length);
		return false;
	}
	memcpy(line, command->text, command->length);
	line[command->length] = '\0';
	return side->ops->command(side, line, why);
}

bool drill_settings_shell(const char *text, struct drill_side *side, struct drill_text *why)
{
	struct command *command = malloc(sizeof(*command));
	enum joint before = JOINT_THEN, behind = JOINT_THEN;
	bool good = true;

	if (!command)
		abort();
	while (behind != JOINT_END) {
		behind = take_command(command, &text);
		if (!command->n)
			continue;
		if (good == (before != JOINT_OR))
			good = run_command(command, side, why);
		if (!good && behind == JOINT_THEN)
			break;
		before = behind;
	}
	free(command);
	return good;
}
