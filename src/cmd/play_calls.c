// SPDX-License-Identifier: MIT
/*
 * cmd/play_calls.c - the words of lastack play
 *
 * Each word has a function that prepares its operation and, where the plain result does not say all, one that looks at
 * the end. Received bytes are compared with the pattern that "send" makes: a result "300 damaged" is a stream that
 * arrived with a hole or out of order.
 */
#include "cmd/play.h"

#include <lastack/trace.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define TCP_INFO_STATE 0 /* offset of tcpi_state */

/* ------------------------------------------------------------------ names, numbers, results */

static struct play_name *name_find(struct play_table *table, const char *name)
{
	for (unsigned i = 0; i < table->count; i++)
		if (!strcmp(table->names[i].name, name))
			return &table->names[i];
	return NULL;
}

/* The descriptor called argv[@at]; -1, which every call refuses, where the name is unknown. */
static int fd_of(struct play_task *task, int at)
{
	task->name = name_find(task->table, task->argv[at]);
	return task->name ? task->name->fd : -1;
}

/* Gives a new descriptor the name argv[@at], or that name's new descriptor. */
static bool name_set(struct play_task *task, int at, int fd)
{
	struct play_table *table = task->table;
	struct play_name *name = name_find(table, task->argv[at]);

	if (!name) {
		if (table->count == PLAY_NAMES || strlen(task->argv[at]) >= sizeof(name->name))
			return false;
		name = &table->names[table->count++];
		strcpy(name->name, task->argv[at]);
	}
	name->fd = fd;
	name->sent = 0;
	name->expect = -1;
	return true;
}

static bool number_at(struct play_task *task, int at, int *number)
{
	char *end;
	long value;

	if (at >= task->argc)
		return false;
	errno = 0;
	value = strtol(task->argv[at], &end, 10);
	*number = (int)value;
	return !errno && !*end && end != task->argv[at] && value == *number;
}

static void say_number(struct play_task *task, int64_t result)
{
	if (result < 0)
		snprintf(task->result, sizeof(task->result), "-%s", strerrorname_np((int)-result));
	else
		snprintf(task->result, sizeof(task->result), "%lld", (long long)result);
}

/* A result that is a descriptor: it gets its name, and is printed as 0, for numbers differ from table to table. */
static enum play_step say_fd(struct play_task *task, int at)
{
	int64_t result = task->op.result;

	if (result >= 0 && !name_set(task, at, (int)result))
		return PLAY_WRONG;
	say_number(task, result < 0 ? result : 0);
	return PLAY_DONE;
}

/* ADDRESS PORT, as arguments @at and @at + 1 */
static socklen_t addr_at(struct play_task *task, int at)
{
	union play_addr *addr = &task->addr;
	int port;

	memset(addr, 0, sizeof(*addr));
	if (!number_at(task, at + 1, &port))
		return 0;
	if (inet_pton(AF_INET, task->argv[at], &addr->sin.sin_addr) == 1) {
		addr->sin.sin_family = AF_INET;
		addr->sin.sin_port = htons((uint16_t)port);
		return sizeof(addr->sin);
	}
	if (inet_pton(AF_INET6, task->argv[at], &addr->sin6.sin6_addr) == 1) {
		addr->sin6.sin6_family = AF_INET6;
		addr->sin6.sin6_port = htons((uint16_t)port);
		return sizeof(addr->sin6);
	}
	return 0;
}

struct word_flag {
	const char *word;
	int flag;
};

static int flags_from(struct play_task *task, int at, const struct word_flag *table)
{
	const struct word_flag *entry;
	int flags = 0;

	for (; at < task->argc; at++) {
		for (entry = table; entry->word && strcmp(entry->word, task->argv[at]); entry++)
			;
		if (!entry->word)
			return -1;
		flags |= entry->flag;
	}
	return flags;
}

/* ------------------------------------------------------------------ making and naming sockets */

static enum play_step socket_start(struct play_task *task)
{
	bool six = task->argc > 2 && !strcmp(task->argv[2], "6");

	la_prep_socket(&task->op, six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	return PLAY_SUBMIT;
}

static enum play_step socket_finish(struct play_task *task)
{
	return say_fd(task, 1);
}

static enum play_step bind_start(struct play_task *task)
{
	socklen_t len = addr_at(task, 2);

	la_prep_bind(&task->op, fd_of(task, 1), &task->addr.sa, len);
	return len ? PLAY_SUBMIT : PLAY_WRONG;
}

static enum play_step listen_start(struct play_task *task)
{
	int backlog;

	if (!number_at(task, 2, &backlog))
		return PLAY_WRONG;
	la_prep_listen(&task->op, fd_of(task, 1), backlog);
	return PLAY_SUBMIT;
}

static enum play_step accept_start(struct play_task *task)
{
	la_prep_accept4(&task->op, fd_of(task, 1), NULL, NULL, 0);
	return PLAY_SUBMIT;
}

static enum play_step accept_finish(struct play_task *task)
{
	return say_fd(task, 2);
}

static enum play_step connect_start(struct play_task *task)
{
	socklen_t len = addr_at(task, 2);

	la_prep_connect(&task->op, fd_of(task, 1), &task->addr.sa, len);
	return len ? PLAY_SUBMIT : PLAY_WRONG;
}

static enum play_step dup_start(struct play_task *task)
{
	la_prep_dup(&task->op, fd_of(task, 1));
	return PLAY_SUBMIT;
}

static enum play_step dup_finish(struct play_task *task)
{
	return say_fd(task, 2);
}

/* ------------------------------------------------------------------ data */

static const struct word_flag send_words[] = {
	{"more", MSG_MORE},
	{"dontwait", MSG_DONTWAIT},
	{"oob", MSG_OOB},
	{NULL, 0},
};

static const struct word_flag recv_words[] = {
	{"peek", MSG_PEEK}, {"waitall", MSG_WAITALL}, {"dontwait", MSG_DONTWAIT}, {"oob", MSG_OOB}, {NULL, 0},
};

static enum play_step send_start(struct play_task *task)
{
	int flags = flags_from(task, 3, send_words), len, fd = fd_of(task, 1);
	uint64_t at = task->name ? task->name->sent : 0;

	if (flags < 0 || !number_at(task, 2, &len) || len < 0 || len > PLAY_BUFFER)
		return PLAY_WRONG;
	for (int i = 0; i < len; i++)
		task->buf[i] = (uint8_t)((at + (uint64_t)i) % PLAY_PATTERN);
	la_prep_send(&task->op, fd, task->buf, (size_t)len, flags | MSG_NOSIGNAL);
	return PLAY_SUBMIT;
}

static enum play_step send_finish(struct play_task *task)
{
	if (task->op.result > 0)
		task->name->sent += (uint64_t)task->op.result;
	say_number(task, task->op.result);
	return PLAY_DONE;
}

/* Are these bytes the ones that come next? */
static bool data_is_right(struct play_task *task, size_t len, bool peeked)
{
	int next = task->name->expect;

	for (size_t i = 0; i < len; i++) {
		if (next >= 0 && task->buf[i] != next)
			return false;
		next = (task->buf[i] + 1) % PLAY_PATTERN;
	}
	if (!peeked)
		task->name->expect = next;
	return true;
}

static enum play_step recv_start(struct play_task *task)
{
	int flags = flags_from(task, 3, recv_words), len;

	if (flags < 0 || !number_at(task, 2, &len) || len < 0 || len > PLAY_BUFFER)
		return PLAY_WRONG;
	la_prep_recv(&task->op, fd_of(task, 1), task->buf, (size_t)len, flags);
	return PLAY_SUBMIT;
}

static enum play_step recv_finish(struct play_task *task)
{
	int flags = flags_from(task, 3, recv_words);
	int64_t result = task->op.result;

	say_number(task, result);
	if (result > 0 && !(flags & MSG_OOB) && !data_is_right(task, (size_t)result, flags & MSG_PEEK))
		strcat(task->result, " damaged");
	return PLAY_DONE;
}

static enum play_step recvall_start(struct play_task *task)
{
	la_prep_recv(&task->op, fd_of(task, 1), task->buf, PLAY_BUFFER, 0);
	return PLAY_SUBMIT;
}

/* Reads until end or error: "5000 EOF", "5000 -ECONNRESET" */
static enum play_step recvall_finish(struct play_task *task)
{
	int64_t result = task->op.result;
	const char *end = "EOF";

	if (result > 0) {
		task->count += (uint64_t)result;
		if (data_is_right(task, (size_t)result, false))
			return recvall_start(task);
		end = "damaged";
	} else if (result < 0) {
		end = strerrorname_np((int)-result);
	}
	snprintf(task->result, sizeof(task->result), "%llu %s%s", (unsigned long long)task->count,
		 result < 0 ? "-" : "", end);
	return PLAY_DONE;
}

/* ------------------------------------------------------------------ ends */

static enum play_step shutdown_start(struct play_task *task)
{
	static const struct word_flag words[] = {
		{"rd", 1 + SHUT_RD},
		{"wr", 1 + SHUT_WR},
		{"rdwr", 1 + SHUT_RDWR},
		{NULL, 0},
	};
	int how = flags_from(task, 2, words);

	if (how <= 0)
		return PLAY_WRONG;
	la_prep_shutdown(&task->op, fd_of(task, 1), how - 1);
	return PLAY_SUBMIT;
}

static enum play_step close_start(struct play_task *task)
{
	la_prep_close(&task->op, fd_of(task, 1));
	return PLAY_SUBMIT;
}

/* ------------------------------------------------------------------ options and questions */

static const struct option_word {
	const char *word;
	int level, name;
} option_words[] = {
	{"reuse", SOL_SOCKET, SO_REUSEADDR},
	{"sndbuf", SOL_SOCKET, SO_SNDBUF},
	{"rcvbuf", SOL_SOCKET, SO_RCVBUF},
	{"keepalive", SOL_SOCKET, SO_KEEPALIVE},
	{"nodelay", IPPROTO_TCP, TCP_NODELAY},
	{"cork", IPPROTO_TCP, TCP_CORK},
	{"linger2", IPPROTO_TCP, TCP_LINGER2},
	{"maxseg", IPPROTO_TCP, TCP_MAXSEG},
	{"usertimeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
	{"v6only", IPPROTO_IPV6, IPV6_V6ONLY},
};

/* set NAME linger ON SECONDS, set NAME OPTION NUMBER */
static enum play_step set_start(struct play_task *task)
{
	int fd = fd_of(task, 1), value, seconds;

	if (!number_at(task, 3, &value))
		return PLAY_WRONG;
	if (!strcmp(task->argv[2], "linger")) {
		if (!number_at(task, 4, &seconds))
			return PLAY_WRONG;
		task->value.linger = (struct linger){value, seconds};
		la_prep_setsockopt(&task->op, fd, SOL_SOCKET, SO_LINGER, &task->value.linger, sizeof(struct linger));
		return PLAY_SUBMIT;
	}
	task->value.number = value;
	if (!strcmp(task->argv[2], "nonblock")) {
		la_prep_ioctl(&task->op, fd, FIONBIO, &task->value.number);
		return PLAY_SUBMIT;
	}
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++)
		if (!strcmp(option_words[i].word, task->argv[2])) {
			la_prep_setsockopt(&task->op, fd, option_words[i].level, option_words[i].name,
					   &task->value.number, sizeof(int));
			return PLAY_SUBMIT;
		}
	return PLAY_WRONG;
}

static enum play_step error_start(struct play_task *task)
{
	socklen_t len = sizeof(int);
	int error, result;

	result = la_getsockopt(task->task, fd_of(task, 1), SOL_SOCKET, SO_ERROR, &error, &len, host_now_ns());
	say_number(task, result < 0 ? result : -error);
	return PLAY_DONE;
}

static enum play_step state_start(struct play_task *task)
{
	uint8_t info[256] = {0};
	socklen_t len = sizeof(info);
	int result;

	result = la_getsockopt(task->task, fd_of(task, 1), IPPROTO_TCP, TCP_INFO, info, &len, host_now_ns());
	if (result < 0)
		say_number(task, result);
	else
		snprintf(task->result, sizeof(task->result), "%s", la_state_name(info[TCP_INFO_STATE]));
	return PLAY_DONE;
}

static enum play_step ask_queue(struct play_task *task, unsigned long request)
{
	int value = 0, result;

	result = la_ioctl(task->task, fd_of(task, 1), request, &value, host_now_ns());
	say_number(task, result < 0 ? result : value);
	return PLAY_DONE;
}

static enum play_step unread_start(struct play_task *task)
{
	return ask_queue(task, FIONREAD);
}

static enum play_step unsent_start(struct play_task *task)
{
	return ask_queue(task, SIOCOUTQ);
}

static enum play_step counter_start(struct play_task *task)
{
	uint64_t value;
	int error = la_counter(task->play->setup.host.stack, task->argv[1], &value);

	say_number(task, error ? error : (int64_t)value);
	return PLAY_DONE;
}

/* poll NAME MILLISECONDS: waits for input, or tells what holds when the time is over */
static enum play_step poll_start(struct play_task *task)
{
	int timeout_ms;

	if (!number_at(task, 2, &timeout_ms))
		return PLAY_WRONG;
	task->poll = (struct pollfd){.fd = fd_of(task, 1), .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
	la_prep_poll(&task->op, &task->poll, 1, timeout_ms);
	return PLAY_SUBMIT;
}

static enum play_step poll_finish(struct play_task *task)
{
	static const struct word_flag bits[] = {
		{"|IN", POLLIN},   {"|PRI", POLLPRI}, {"|OUT", POLLOUT},   {"|RDHUP", POLLRDHUP},
		{"|HUP", POLLHUP}, {"|ERR", POLLERR}, {"|NVAL", POLLNVAL}, {NULL, 0},
	};
	char text[sizeof(task->result)] = "";

	if (task->op.result <= 0) {
		say_number(task, task->op.result);
		return PLAY_DONE;
	}
	for (const struct word_flag *bit = bits; bit->word; bit++)
		if (task->poll.revents & bit->flag)
			strcat(text, bit->word);
	strcpy(task->result, text + (*text == '|'));
	return PLAY_DONE;
}

/* ------------------------------------------------------------------ tasks */

static enum play_step new_task(struct play_task *task, struct la_task *la_task, struct play_table *table)
{
	if (la_task && table && play_task_start(task->play, task->argv[1], la_task, table)) {
		say_number(task, 0);
		return PLAY_DONE;
	}
	if (la_task)
		la_task_exit(la_task, host_now_ns());
	return PLAY_WRONG;
}

static enum play_step fork_start(struct play_task *task)
{
	struct play_table *copy = malloc(sizeof(*copy));
	enum play_step step;

	if (copy) {
		*copy = *task->table;
		copy->users = 0;
	}
	step = new_task(task, la_task_fork(task->task), copy);
	if (step == PLAY_WRONG)
		free(copy);
	return step;
}

static enum play_step thread_start(struct play_task *task)
{
	return new_task(task, la_task_thread(task->task), task->table);
}

static enum play_step exit_start(struct play_task *task)
{
	play_task_exit(task);
	say_number(task, 0);
	return PLAY_DONE;
}

static enum play_step wait_start(struct play_task *task)
{
	struct play_task *other = play_task_find(task->play, task->argv[1]);

	if (!other || other == task)
		return PLAY_WRONG;
	if (!play_task_idle(other))
		return PLAY_LATER;
	say_number(task, 0);
	return PLAY_DONE;
}

/* signal TASK: a handled signal meets the call that the other task is in */
static enum play_step signal_start(struct play_task *task)
{
	struct play_task *other = play_task_find(task->play, task->argv[1]);

	if (!other || other == task)
		return PLAY_WRONG;
	if (other->pending && !other->done)
		la_cancel(&other->op, host_now_ns());
	say_number(task, 0);
	return PLAY_DONE;
}

static enum play_step sleep_start(struct play_task *task)
{
	int ms;

	if (!number_at(task, 1, &ms))
		return PLAY_WRONG;
	la_prep_poll(&task->op, NULL, 0, ms);
	return PLAY_SUBMIT;
}

/* expect RESULT...: the last result was this */
static enum play_step expect_start(struct play_task *task)
{
	char text[sizeof(task->result)] = "";

	for (int i = 1; i < task->argc; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 1 ? " " : "", task->argv[i]);
	if (!strcmp(text, task->result))
		return PLAY_DONE;
	fail(task->play->setup.command, "%s: expected %s, got %s", task->label, text, task->result);
	task->play->mistakes++;
	return PLAY_DONE;
}

const struct play_call play_calls[] = {
	{"socket", "NAME [6]", 1, socket_start, socket_finish},
	{"bind", "NAME ADDRESS PORT", 3, bind_start, NULL},
	{"listen", "NAME BACKLOG", 2, listen_start, NULL},
	{"accept", "LISTENER NAME", 2, accept_start, accept_finish},
	{"connect", "NAME ADDRESS PORT", 3, connect_start, NULL},
	{"send", "NAME BYTES [more] [dontwait] [oob]", 2, send_start, send_finish},
	{"recv", "NAME BYTES [peek] [waitall] [dontwait] [oob]", 2, recv_start, recv_finish},
	{"recvall", "NAME", 1, recvall_start, recvall_finish},
	{"shutdown", "NAME rd|wr|rdwr", 2, shutdown_start, NULL},
	{"close", "NAME", 1, close_start, NULL},
	{"dup", "NAME NEWNAME", 2, dup_start, dup_finish},
	{"set", "NAME linger ON SECONDS | NAME OPTION NUMBER", 3, set_start, NULL},
	{"error", "NAME", 1, error_start, NULL},
	{"state", "NAME", 1, state_start, NULL},
	{"unread", "NAME", 1, unread_start, NULL},
	{"unsent", "NAME", 1, unsent_start, NULL},
	{"poll", "NAME MILLISECONDS", 2, poll_start, poll_finish},
	{"counter", "COUNTER", 1, counter_start, NULL},
	{"fork", "NEWTASK", 1, fork_start, NULL},
	{"thread", "NEWTASK", 1, thread_start, NULL},
	{"exit", "", 0, exit_start, NULL},
	{"wait", "OTHERTASK", 1, wait_start, NULL},
	{"signal", "OTHERTASK", 1, signal_start, NULL},
	{"sleep", "MILLISECONDS", 1, sleep_start, NULL},
	{"expect", "RESULT", 1, expect_start, NULL},
	{NULL, NULL, 0, NULL, NULL},
};
