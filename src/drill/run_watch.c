// SPDX-License-Identifier: MIT
/*
 * drill/run_watch.c - how the sockets stand after a line: what a second pair of eyes would ask, for comparisons
 *
 * State, poll bits and queues are asked for by calls of the side's own; none of them changes anything.
 */
#include "drill/runner.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

enum { EVERYTHING = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | POLLRDHUP };

static int64_t ask(struct drill_side *side, enum drill_sysno no, const uint64_t *args, unsigned n)
{
	struct drill_sys sys = {.no = no};
	struct drill_text why;

	memcpy(sys.arg, args, n * sizeof(*args));
	return side->ops->start(side, &sys, false, &why) ? sys.result : -1;
}

#define ASK(side, no, ...) \
	ask(side, no, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static int64_t queue_length(struct drill_side *side, int fd, unsigned long request)
{
	int bytes = 0;
	int64_t error = ASK(side, DRILL_SYS_IOCTL, (uint64_t)fd, request, (uintptr_t)&bytes);

	return error < 0 ? error : bytes;
}

static int tcp_state(struct drill_side *side, int fd)
{
	struct tcp_info info = {.tcpi_state = 0};
	socklen_t len = sizeof(info);

	ASK(side, DRILL_SYS_GETSOCKOPT, (uint64_t)fd, IPPROTO_TCP, TCP_INFO, (uintptr_t)&info, (uintptr_t)&len);
	return info.tcpi_state;
}

static uint32_t poll_bits(struct drill_side *side, int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = EVERYTHING};

	ASK(side, DRILL_SYS_POLL, (uintptr_t)&pollfd, 1, 0);
	return (uint16_t)pollfd.revents;
}

void run_watch(struct runner *run)
{
	const struct drill_fd *fd = drill_calls_fds(run->calls);

	for (; fd; fd = fd->next) {
		struct drill_entry *entry;

		if (fd->closed || fd->kind != DRILL_FD_SOCKET)
			continue;
		entry = drill_record_add(run->record, DRILL_STOOD, run->event, run_now(run));
		entry->stood_fd = fd->number;
		entry->state = tcp_state(run->side, fd->side_fd);
		entry->bits = poll_bits(run->side, fd->side_fd);
		entry->recv_q = queue_length(run->side, fd->side_fd, FIONREAD);
		entry->send_q = queue_length(run->side, fd->side_fd, SIOCOUTQ);
	}
}
