// SPDX-License-Identifier: MIT
/*
 * host/run/control.c - the control socket: who may come, and what is said on it besides calls
 *
 *	connect --> a struct client --SEG_ATTACH--> a process
 *	SEG_BELL        an eventfd for a slot
 *	SEG_KERNEL_SET  the kernel epoll that belongs to an epoll set, for all processes that have the set
 *	SEG_TEXT        a line of `lastack ss` or `lastack nstat`, answered in pieces as fast as they are read
 *
 * When descriptors run out, one that was kept in reserve takes the caller in, to be closed at once: it learns that there is
 * no place, and the loop does not turn in vain.
 */
#include "host/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS_MAX 3

/* ------------------------------------------------------------------ messages with descriptors */

/* 0, -EAGAIN, or what ended the connection; descriptors are borrowed. */
static int message_send(int sock, const struct seg_message *m, const int *fds, unsigned count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, count * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The length, 0 at the end, -EAGAIN; *@fd is the first descriptor that came with it, or -1. */
static ssize_t message_receive(int sock, struct seg_message *m, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {m, sizeof(*m)};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (*fd < 0)
				*fd = one;
			else
				close(one);
		}
	}
	return n;
}

static void reply(struct executor *ex, struct client *client, struct seg_message *m, int error, const int *fds,
		  unsigned count)
{
	m->magic = SEG_MAGIC;
	m->error = error;
	if (message_send(client->conn.fd, m, fds, error ? 0 : count))
		client_gone(ex, client); /* it does not listen to answers: no program of ours */
}

/* ------------------------------------------------------------------ the messages */

static void on_attach(struct executor *ex, struct client *client, struct seg_message *m)
{
	int fds[FDS_MAX], error;

	error = m->arg[0] == SEG_VERSION ? client_attach(ex, client, fds) : -EPROTO;
	m->arg[0] = SEG_VERSION;
	m->fifo_dev = ex->fifo_dev;
	m->flags = ex->options.loopback_kernel ? SEG_LOOPBACK_KERNEL : 0;
	reply(ex, client, m, error == -EMFILE ? -ENFILE : error, fds, FDS_MAX);
	if (!error)
		close(fds[0]); /* it is mapped, and who needs the descriptor has one */
}

/* Takes @fd. The first one counts: whoever waits on the set comes again and watches it too. */
static void on_kernel_set(struct executor *ex, struct client *client, struct seg_message *m, int fd)
{
	struct run_file *set = file_find(ex, m->arg[0]);

	if (!set || set->kind != SEG_KIND_EPOLL) {
		reply(ex, client, m, -EBADF, NULL, 0);
	} else if (fd >= 0 && set->kernel_set < 0) {
		set->kernel_set = fd;
		ex->files.kernel_sets++;
		calls_set_changed(ex, set);
		calls_wake(ex);
		return reply(ex, client, m, 0, &set->kernel_set, 1);
	} else {
		reply(ex, client, m, set->kernel_set < 0 ? -ENOENT : 0, &set->kernel_set, 1);
	}
	if (fd >= 0)
		close(fd);
}

/* May a fresh socket of the stack give way to one of the kernel's? What is bound or connected already stays. */
static void on_kernel_socket(struct executor *ex, struct client *client, struct seg_message *m)
{
	struct run_file *file = file_find(ex, m->arg[0]);
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	int error = file && file->kind == SEG_KIND_SOCKET ? 0 : -EBADF;

	if (!error && !la_getpeername(ex->task, file->fd, (struct sockaddr *)&name, &len, host_now_ns()))
		error = -EISCONN;
	m->arg[0] = 0;
	reply(ex, client, m, error, NULL, 0);
}

static void debug_text(struct executor *ex, FILE *out)
{
	struct executor_figures f;

	executor_figures(ex, &f);
#define FIGURE(name) fprintf(out, "%-14s %llu\n", #name, (unsigned long long)f.name)
	FIGURE(processes);
	FIGURE(connections);
	FIGURE(files);
	FIGURE(spares);
	FIGURE(kernel_sets);
	FIGURE(calls_pending);
	FIGURE(descriptors);
	FIGURE(calls);
	FIGURE(sleeps);
	FIGURE(wakes);
#undef FIGURE
}

/* As much of the answer as the socket takes; the rest when it can take more. */
static void text_continue(struct executor *ex, struct client *client)
{
	struct seg_message m = {.magic = SEG_MAGIC, .kind = SEG_TEXT};
	int error = 0;

	while (client->text) {
		size_t left = client->text_len - client->text_at, n = left < sizeof(m.text) ? left : sizeof(m.text);

		m.arg[0] = n;
		memcpy(m.text, client->text + client->text_at, n);
		error = message_send(client->conn.fd, &m, NULL, 0);
		if (error)
			break;
		client->text_at += n;
		if (!n) { /* the empty piece that ends it */
			free(client->text);
			client->text = NULL;
		}
	}
	if (error && error != -EAGAIN)
		client_gone(ex, client);
}

static void on_text(struct executor *ex, struct client *client, struct seg_message *m)
{
	FILE *out;

	if (client->text) /* one at a time */
		return client_gone(ex, client);
	m->text[sizeof(m->text) - 1] = 0;
	out = open_memstream(&client->text, &client->text_len);
	if (!out)
		return client_gone(ex, client);
	if (!strcmp(m->text, "debug"))
		debug_text(ex, out);
	else if (ex->options.command)
		ex->options.command(ex->options.world, ex, m->text, out);
	if (fclose(out))
		return client_gone(ex, client);
	client->text_at = 0;
	text_continue(ex, client);
}

static void newcomer(struct executor *ex, int fd);

static void on_message(struct executor *ex, struct client *client, struct seg_message *m, int fd)
{
	switch (m->kind) {
	case SEG_ATTACH:
		on_attach(ex, client, m);
		break;
	case SEG_BELL:
		if (fd >= 0)
			client_add_bell(ex, client, m->arg[0], fd);
		return;
	case SEG_KERNEL_SET:
		return on_kernel_set(ex, client, m, fd);
	case SEG_TEXT:
		on_text(ex, client, m);
		break;
	case SEG_KERNEL_SOCKET:
		on_kernel_socket(ex, client, m);
		break;
	case SEG_CHILD:
		if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
			return newcomer(ex, fd);
		break;
	default:
		client_gone(ex, client);
	}
	if (fd >= 0)
		close(fd);
}

static void on_connection(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)((char *)watch - offsetof(struct client, conn));
	struct seg_message m;
	ssize_t n = -EAGAIN;
	int fd;

	if (events & EPOLLOUT)
		text_continue(ex, client);
	while (!client->gone) {
		memset(&m, 0, sizeof(m));
		n = message_receive(watch->fd, &m, &fd);
		if (n < (ssize_t)sizeof(m) || m.magic != SEG_MAGIC)
			break;
		on_message(ex, client, &m, fd);
	}
	if (client->gone || n == -EAGAIN || n == -EINTR)
		return;
	if (n > 0 && fd >= 0)
		close(fd);
	client_gone(ex, client);
}

/* ------------------------------------------------------------------ newcomers */

/* Takes @fd. */
static void newcomer(struct executor *ex, int fd)
{
	struct client *client = NULL;
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || !client_may_come(ex, who.pid, who.uid))
		goto out_close;
	client = calloc(1, sizeof(*client));
	if (!client)
		goto out_close;
	client->ex = ex;
	client->pid = who.pid;
	client->conn = (struct watch){fd, on_connection};
	client->death.fd = client->bell.fd = -1;
	if (watch_add(ex, &client->conn, EPOLLET | EPOLLOUT))
		goto out_close;
	client->next = ex->clients;
	ex->clients = client;
	return;

out_close:
	free(client);
	close(fd);
}

static bool turn_away(struct executor *ex)
{
	int fd;

	close(ex->reserve);
	fd = accept4(ex->control.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	ex->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void on_newcomers(struct executor *ex, struct watch *watch, uint32_t events)
{
	int fd;

	(void)events;
	for (;;) {
		fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			newcomer(ex, fd);
		else if (errno == ECONNABORTED || errno == EINTR)
			continue;
		else if ((errno != EMFILE && errno != ENFILE) || ex->reserve < 0 || !turn_away(ex))
			break;
	}
	ex->refused = fd < 0 && errno != EAGAIN;
}

void control_retry(struct executor *ex)
{
	if (ex->reserve < 0)
		ex->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (ex->refused)
		on_newcomers(ex, &ex->control, 0);
}

/* By way of /proc: a folder's name may be longer than a socket's may. */
int control_open(struct executor *ex)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	ex->control = (struct watch){socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on_newcomers};
	if (ex->control.fd < 0)
		return -errno;
	unlinkat(ex->dir, "control", 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/control", ex->dir);
	if (bind(ex->control.fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    fchmodat(ex->dir, "control", 0666, 0) < 0 || listen(ex->control.fd, 4096) < 0)
		return -errno;
	return watch_add(ex, &ex->control, EPOLLET);
}
