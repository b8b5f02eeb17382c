// SPDX-License-Identifier: MIT
/*
 * host/run/folder.c - where the stacks of this user are found: a folder each, named as the stack
 *
 * The lock decides: who has it owns the folder and all in it. A lock file can be unlinked by its owner between our
 * open() and our flock(), so it counts only if it is still the one that the name leads to.
 */
#include "host/run/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 10

bool folder_name_is_good(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > FOLDER_NAME || *name == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr(".-_", *name))
			return false;
	return true;
}

/* Root of a user namespace is not root of /run. */
static bool run_is_ours(void)
{
	struct stat st;

	return !geteuid() && !stat("/run", &st) && !st.st_uid;
}

static void base_path(char *path, size_t room)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (run_is_ours())
		snprintf(path, room, "/run/lastack");
	else if (geteuid() && runtime && *runtime == '/' && strlen(runtime) < FOLDER_PATH - FOLDER_NAME - 10)
		snprintf(path, room, "%s/lastack", runtime);
	else
		snprintf(path, room, "/tmp/lastack-%u", (unsigned)geteuid());
}

bool folder_path(char path[FOLDER_PATH], const char *name)
{
	char base[FOLDER_PATH];

	base_path(base, sizeof(base));
	return snprintf(path, FOLDER_PATH, "%s/%s", base, name) < FOLDER_PATH;
}

/* The folder above all stacks must be ours: /tmp is everybody's. */
static int make_base(void)
{
	char base[FOLDER_PATH];
	struct stat st;

	base_path(base, sizeof(base));
	if (mkdir(base, 0755) && errno != EEXIST)
		return -errno;
	if (lstat(base, &st))
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? 0 : -EPERM;
}

static int open_in(const struct folder *folder, const char *name, int flags, mode_t mode)
{
	char path[FOLDER_PATH + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	return fd < 0 ? -errno : fd;
}

/* Is @fd still the file that "lock" leads to? */
static bool lock_is_current(const struct folder *folder, int fd)
{
	char path[FOLDER_PATH + 16];
	struct stat here, there;

	snprintf(path, sizeof(path), "%s/lock", folder->path);
	return !fstat(fd, &here) && !lstat(path, &there) && here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static int take_lock(struct folder *folder)
{
	int fd;

	for (int i = 0; i < TRIES; i++) {
		if (mkdir(folder->path, 0711) && errno != EEXIST)
			return -errno;
		fd = open_in(folder, "lock", O_RDWR | O_CREAT, 0600);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			close(fd);
			return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		}
		if (lock_is_current(folder, fd)) {
			folder->lock = fd;
			return 0;
		}
		close(fd);
	}
	return -EAGAIN;
}

/* Unlinks what is in a folder, one level of folders below it, but not @keep. */
static void clean(const char *path, const char *keep, int depth)
{
	char below[2 * FOLDER_PATH + 256];
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (keep && !strcmp(entry->d_name, keep)))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (!unlink(below) || errno != EISDIR || !depth)
			continue;
		clean(below, NULL, depth - 1);
		rmdir(below);
	}
	closedir(dir);
}

/* Both ends once, so that POLLHUP tells from now on that nobody writes; a FIFO that was never written to stays
 * silent. */
static int make_hold(struct folder *folder)
{
	char path[FOLDER_PATH + 16];
	int writer;

	snprintf(path, sizeof(path), "%s/hold", folder->path);
	if (mkfifo(path, 0600))
		return -errno;
	folder->hold = open_in(folder, "hold", O_RDONLY | O_NONBLOCK, 0);
	writer = open_in(folder, "hold", O_WRONLY | O_NONBLOCK, 0);
	if (writer >= 0)
		close(writer);
	return folder->hold < 0 ? folder->hold : writer < 0 ? writer : 0;
}

/* Stacks that were killed, and whose names nobody uses again. */
static void sweep(void)
{
	char base[FOLDER_PATH];
	struct folder dead;
	struct dirent **list;
	int count;

	base_path(base, sizeof(base));
	count = scandir(base, &list, NULL, NULL);
	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;

		if (folder_name_is_good(name) && folder_path(dead.path, name)) {
			dead.lock = open_in(&dead, "lock", O_RDWR, 0);
			if (dead.lock >= 0 && !flock(dead.lock, LOCK_EX | LOCK_NB) && lock_is_current(&dead, dead.lock))
				folder_remove(&dead);
			if (dead.lock >= 0)
				close(dead.lock);
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
}

int folder_make(struct folder *folder, const char *name)
{
	int error = make_base();

	*folder = (struct folder){.lock = -1, .hold = -1};
	if (error)
		return error;
	sweep();
	if (!folder_path(folder->path, name))
		return -ENAMETOOLONG;
	error = take_lock(folder);
	if (error)
		return error;
	clean(folder->path, "lock", 1);
	error = chmod(folder->path, 0711) ? -errno : make_hold(folder);
	if (error) {
		folder_remove(folder);
		folder_close(folder);
	}
	return error;
}

/* A lock that can be had belongs to nobody alive. */
static bool is_alive(const struct folder *folder)
{
	int fd = open_in(folder, "lock", O_RDWR, 0);
	bool alive;

	if (fd < 0)
		return false;
	alive = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return alive;
}

int folder_join(struct folder *folder, const char *name)
{
	*folder = (struct folder){.lock = -1, .hold = -1};
	if (!folder_path(folder->path, name))
		return -ENAMETOOLONG;
	if (!is_alive(folder))
		return -ESRCH;
	folder->hold = open_in(folder, "hold", O_WRONLY | O_NONBLOCK, 0);
	if (folder->hold < 0)
		return folder->hold == -ENXIO || folder->hold == -ENOENT ? -ESRCH : folder->hold;
	return 0;
}

bool folder_is_held(const struct folder *folder)
{
	struct pollfd pollfd = {.fd = folder->hold};

	return poll(&pollfd, 1, 0) == 0;
}

void folder_close(struct folder *folder)
{
	if (folder->hold >= 0)
		close(folder->hold);
	if (folder->lock >= 0)
		close(folder->lock);
	folder->hold = folder->lock = -1;
}

void folder_remove(const struct folder *folder)
{
	clean(folder->path, "lock", 1);
	clean(folder->path, NULL, 0);
	rmdir(folder->path);
}

int folder_write_keeper(const struct folder *folder, pid_t keeper, bool rootless)
{
	char text[32];
	int len, fd = open_in(folder, "keeper", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%d %d\n", (int)keeper, rootless);
	len = write(fd, text, (size_t)len) == len ? 0 : -EIO;
	close(fd);
	return len;
}

int folder_read_keeper(const struct folder *folder, pid_t *keeper, bool *rootless)
{
	char text[32] = "";
	int pid, flag, fd = open_in(folder, "keeper", O_RDONLY, 0);

	if (fd < 0)
		return fd;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	if (sscanf(text, "%d %d", &pid, &flag) != 2)
		return -ESRCH;
	*keeper = pid;
	*rootless = flag;
	return 0;
}

size_t folder_each(void (*visit)(void *arg, const char *name), void *arg)
{
	char base[FOLDER_PATH];
	struct folder folder;
	struct dirent **list;
	size_t alive = 0;
	int count;

	base_path(base, sizeof(base));
	count = scandir(base, &list, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;

		if (folder_name_is_good(name) && folder_path(folder.path, name) && is_alive(&folder)) {
			alive++;
			visit(arg, name);
		}
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return alive;
}
