// SPDX-License-Identifier: MIT
/*
 * host/run/owners.c - which processes have which file open, and under which numbers, from /proc/PID/fd
 *
 * The links of all processes that lead into the folder of FIFOs: a process that inherited one need not have called us yet.
 * Asked for pictures (`lastack ss -p`), never to decide anything.
 */
#include "host/run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct owner_list {
	struct executor_owner *owners;
	size_t count, room;
};

static int owner_add(struct owner_list *list, const struct executor_owner *owner)
{
	size_t room = list->room ? 2 * list->room : 64;
	struct executor_owner *more;

	if (list->count == list->room) {
		more = realloc(list->owners, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->owners = more;
		list->room = room;
	}
	list->owners[list->count++] = *owner;
	return 0;
}

static void read_comm(int proc, pid_t pid, char comm[16])
{
	char path[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%d/comm", (int)pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, comm, 15);
	comm[len < 0 ? 0 : len] = 0;
	comm[strcspn(comm, "\n")] = 0;
	if (fd >= 0)
		close(fd);
}

static int process_owners(struct executor *ex, int proc, pid_t pid, struct owner_list *list)
{
	struct executor_owner owner = {.pid = pid};
	struct dirent *entry;
	char path[32];
	struct stat st;
	int error = 0, fd;
	DIR *dir;

	snprintf(path, sizeof(path), "%d/fd", (int)pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && !error && (entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 || !S_ISFIFO(st.st_mode) || st.st_dev != ex->fifo_dev ||
		    !file_by_inode(ex, st.st_ino))
			continue;
		if (!*owner.comm)
			read_comm(proc, pid, owner.comm);
		owner.inode = st.st_ino;
		owner.number = (int)strtol(entry->d_name, NULL, 10);
		error = owner_add(list, &owner);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return error;
}

static int owner_compare(const void *one, const void *two)
{
	const struct executor_owner *a = one, *b = two;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return a->pid != b->pid ? a->pid - b->pid : a->number - b->number;
}

int executor_owners(struct executor *ex, struct executor_owner **owners)
{
	struct owner_list list = {0};
	struct dirent *entry;
	int error = 0;
	DIR *proc = opendir("/proc");

	while (proc && !error && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid()) /* we have the other ends */
			error = process_owners(ex, dirfd(proc), pid, &list);
	}
	if (proc)
		closedir(proc);
	if (error) {
		free(list.owners);
		return error;
	}
	if (list.count)
		qsort(list.owners, list.count, sizeof(*list.owners), owner_compare);
	*owners = list.owners;
	return (int)list.count;
}

void executor_files(struct executor *ex, void (*visit)(void *arg, const struct executor_file *file), void *arg)
{
	for (uint32_t i = 0; i < ex->files.count; i++) {
		const struct run_file *file = ex->files.by_id[i];
		struct executor_file info = {file->fd, file->inode, file->kind == SEG_KIND_SOCKET};

		if (file->state == FILE_BOUND)
			visit(arg, &info);
	}
}
