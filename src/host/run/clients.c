// SPDX-License-Identifier: MIT
/*
 * host/run/clients.c - processes: a segment each, and what is left when one ends
 *
 * In:   SEG_ATTACH. The segment is a memfd of fixed size (sealed: a program that could shrink it would kill the executor),
 *       of which the launcher has a descriptor too.
 * Here: a pidfd tells the death, the connection's end tells an exec; a process that attaches again has done one.
 * Out:  its calls are broken off, its spares taken back; its files live as long as somebody holds them.
 */
#include "host/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANCESTORS_MAX 64

/* ------------------------------------------------------------------ who may come */

/* Of a line of /proc/PID/stat: the parent stands behind the name, which may hold anything. */
static pid_t parent_of(pid_t pid)
{
	char path[32], line[256], *at;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = 0;
	at = strrchr(line, ')');
	return at && strlen(at) > 4 ? (pid_t)strtol(at + 4, NULL, 10) : 0;
}

static bool is_connected(const struct executor *ex, pid_t pid)
{
	for (const struct client *c = ex->clients; c; c = c->next)
		if (!c->gone && c->pid == pid)
			return true;
	return false;
}

/* Root, our own user, and whoever descends from the launcher or from one that is here: a worker that changed its user, a
 * program that the keeper of a joined one speaks for. */
bool client_may_come(struct executor *ex, pid_t pid, uid_t uid)
{
	if (!uid || uid == geteuid())
		return true;
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		if (pid == ex->options.launcher || is_connected(ex, pid))
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* ------------------------------------------------------------------ begin */

static void read_comm(struct client *client)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)client->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, client->comm, sizeof(client->comm) - 1);
		close(fd);
	}
	client->comm[n > 0 ? n : 0] = 0;
	client->comm[strcspn(client->comm, "\n")] = 0;
}

/* The segment's memfd, mapped; -errno. */
static int segment_new(struct client *client)
{
	int fd = memfd_create("lastack-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	void *mem;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct seg)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto out_close;
	mem = mmap(NULL, sizeof(struct seg), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		goto out_close;
	client->seg = mem;
	client->seg->magic = SEG_MAGIC;
	client->seg->version = SEG_VERSION;
	return fd;

out_close:
	error = -errno;
	close(fd);
	return error;
}

static void on_death(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)((char *)watch - offsetof(struct client, death));

	(void)events;
	client_gone(ex, client);
}

/* It only ends the sleep: edge-triggered, so nobody has to read it. */
static void on_bell(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)((char *)watch - offsetof(struct client, bell));

	(void)events;
	if (client->seg && !client->gone)
		executor_rung_from(ex, atomic_load_explicit(&client->seg->cpu, memory_order_relaxed));
}

/* An exec closes the connection only after the new program may have made its own. */
static void end_former_life(struct executor *ex, const struct client *now)
{
	for (struct client *c = ex->clients; c; c = c->next)
		if (c != now && c->seg && c->pid == now->pid)
			client_gone(ex, c);
}

int client_attach(struct executor *ex, struct client *client, int fds[3])
{
	int error;

	if (client->seg)
		return -EALREADY;
	end_former_life(ex, client);
	client->death = (struct watch){(int)syscall(SYS_pidfd_open, client->pid, 0), on_death};
	if (client->death.fd < 0 || watch_add(ex, &client->death, 0))
		return -errno;
	client->bell = (struct watch){eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), on_bell};
	if (client->bell.fd < 0 || watch_add(ex, &client->bell, EPOLLET))
		return -errno;
	error = segment_new(client);
	if (error < 0)
		return error;
	fds[0] = error;
	fds[1] = ex->shared_fd;
	fds[2] = client->bell.fd;
	read_comm(client);
	client->number = ++ex->clients_made;
	executor_note(ex, NOTE_SEGMENT, client, fds[0]);
	return 0;
}

static void ring(int bell)
{
	uint64_t one = 1;

	while (write(bell, &one, sizeof(one)) < 0 && errno == EINTR)
		; /* a full one rings already */
}

void client_add_bell(struct executor *ex, struct client *client, uint64_t slot, int fd)
{
	if (!client->seg || slot >= SEG_SLOTS)
		goto out_close;
	if (!client->bells) {
		client->bells = malloc(SEG_SLOTS * sizeof(*client->bells));
		if (!client->bells)
			goto out_close;
		for (unsigned i = 0; i < SEG_SLOTS; i++)
			client->bells[i] = -1;
	}
	if (client->bells[slot] >= 0)
		close(client->bells[slot]);
	fcntl(fd, F_SETFL, O_NONBLOCK); /* a full one rings already */
	client->bells[slot] = fd;
	executor_note(ex, NOTE_BELL, client, fd);
	ring(fd); /* the answer may have been there before its bell */
	return;

out_close:
	close(fd);
}

/* ------------------------------------------------------------------ end */

void client_gone(struct executor *ex, struct client *client)
{
	if (client->gone)
		return;
	client->gone = ex->sweep = true;
	if (!client->seg)
		return;
	calls_end(ex, client);
	loans_client_gone(ex, client);
	files_client_gone(ex, client);
	executor_note(ex, NOTE_GONE, client, -1);
}

static void client_free(struct executor *ex, struct client *client)
{
	watch_close(ex, &client->conn);
	watch_close(ex, &client->death);
	watch_close(ex, &client->bell);
	for (unsigned i = 0; client->bells && i < SEG_SLOTS; i++)
		if (client->bells[i] >= 0)
			close(client->bells[i]);
	if (client->seg)
		munmap(client->seg, sizeof(struct seg));
	free(client->bells);
	free(client->loans);
	free(client->text);
	free(client);
}

void clients_sweep(struct executor *ex)
{
	struct client **at = &ex->clients;

	if (!ex->sweep)
		return;
	ex->sweep = false;
	while (*at) {
		struct client *client = *at;

		if (!client->gone) {
			at = &client->next;
			continue;
		}
		*at = client->next;
		client_free(ex, client);
	}
	control_retry(ex); /* there may be a descriptor for who waits */
}
