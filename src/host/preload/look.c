/* SPDX-License-Identifier: MIT */
/*
 * host/preload/look.c - what a program sees that looks at its numbers: a socket, not a FIFO
 *
 *   fstat and its forms    the kernel's answer for the FIFO, with what sockfs (or an epoll's anonymous inode) says instead
 *   readlink /proc/.../fd  "socket:[inode]" with the same inode; the path may name another process of the stack's
 */
#include "host/preload/look.h"
#include "host/preload/state.h"
#include "host/preload/user.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

/* ------------------------------------------------------------------ stat */

/* The kernel's own socket and anonymous inode at hand: the control socket and the doorbell. */
static void sample(enum seg_kind kind, struct stat *st)
{
	*st = (struct stat){0};
	if (shim_attach() == 0)
		sys(SYS_fstat, own_fd(kind == SEG_KIND_EPOLL ? state->doorbell : state->control), st);
}

static void dress(enum seg_kind kind, struct stat *st)
{
	struct stat like;

	sample(kind, &like);
	st->st_dev = like.st_dev;
	st->st_mode = kind == SEG_KIND_EPOLL ? 0600 : S_IFSOCK | 0777;
	if (kind == SEG_KIND_EPOLL)
		st->st_ino = like.st_ino;
	st->st_atim = like.st_atim;
	st->st_mtim = like.st_mtim;
	st->st_ctim = like.st_ctim;
}

static int fstat_seen(int ret, int fd, void *st)
{
	enum seg_kind kind = SEG_KIND_NONE;

	if (ret == 0 && S_ISFIFO(((struct stat *)st)->st_mode) && stack_handle_kind(fd, &kind))
		dress(kind, st);
	return ret;
}

EXPORT int fstat(int fd, struct stat *st)
{
	shim_ready();
	return fstat_seen(real.fstat(fd, st), fd, st);
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
	shim_ready();
	return fstat_seen(real.fstat64(fd, st), fd, st);
}

EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	shim_ready();
	return fstat_seen(real.__fxstat(version, fd, st), fd, st);
}

EXPORT int __fxstat64(int version, int fd, struct stat64 *st)
{
	shim_ready();
	return fstat_seen(real.__fxstat64(version, fd, st), fd, st);
}

static size_t link_of_ours(int dir, const char *path, char *text, enum seg_kind *kind);

/* What a path leads to that led to a FIFO. With AT_EMPTY_PATH the directory is the file. */
static enum seg_kind kind_at(int dir, const char *path, int flags)
{
	enum seg_kind kind = SEG_KIND_NONE;
	char text[40];

	if ((flags & AT_EMPTY_PATH) && (!path || !*path))
		stack_handle_kind(dir, &kind);
	else if (!(flags & AT_SYMLINK_NOFOLLOW))
		link_of_ours(dir, path, text, &kind);
	return kind;
}

static int stat_seen(int ret, int dir, const char *path, void *st, int flags)
{
	enum seg_kind kind = SEG_KIND_NONE;

	if (ret == 0 && S_ISFIFO(((struct stat *)st)->st_mode))
		kind = kind_at(dir, path, flags);
	if (kind != SEG_KIND_NONE)
		dress(kind, st);
	return ret;
}

EXPORT int stat(const char *path, struct stat *st)
{
	shim_ready();
	return stat_seen(real.stat(path, st), AT_FDCWD, path, st, 0);
}

EXPORT int stat64(const char *path, struct stat64 *st)
{
	shim_ready();
	return stat_seen(real.stat64(path, st), AT_FDCWD, path, st, 0);
}

EXPORT int fstatat(int fd, const char *path, struct stat *st, int flags)
{
	shim_ready();
	return stat_seen(real.fstatat(fd, path, st, flags), fd, path, st, flags);
}

EXPORT int fstatat64(int fd, const char *path, struct stat64 *st, int flags)
{
	shim_ready();
	return stat_seen(real.fstatat64(fd, path, st, flags), fd, path, st, flags);
}

EXPORT int __fxstatat(int version, int fd, const char *path, struct stat *st, int flags)
{
	shim_ready();
	return stat_seen(real.__fxstatat(version, fd, path, st, flags), fd, path, st, flags);
}

EXPORT int __fxstatat64(int version, int fd, const char *path, struct stat64 *st, int flags)
{
	shim_ready();
	return stat_seen(real.__fxstatat64(version, fd, path, st, flags), fd, path, st, flags);
}

EXPORT int statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	enum seg_kind kind = SEG_KIND_NONE;
	struct stat st = {0};
	int ret;

	shim_ready();
	ret = real.statx(fd, path, flags, mask, stx);
	if (ret == 0 && S_ISFIFO(stx->stx_mode))
		kind = kind_at(fd, path, flags);
	if (kind == SEG_KIND_NONE)
		return ret;
	st.st_ino = stx->stx_ino;
	dress(kind, &st);
	stx->stx_mode = (uint16_t)st.st_mode;
	stx->stx_ino = st.st_ino;
	stx->stx_dev_major = major(st.st_dev);
	stx->stx_dev_minor = minor(st.st_dev);
	return ret;
}

/* libc asks the kernel here without going through fstat(). */
EXPORT int isfdtype(int fd, int type)
{
	enum seg_kind kind = SEG_KIND_NONE;

	if (!stack_handle_kind(fd, &kind))
		return real.isfdtype(fd, type);
	return kind == SEG_KIND_SOCKET && type == S_IFSOCK;
}

/* ------------------------------------------------------------------ links of /proc */

static size_t put_text(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return len;
}

static size_t put_number(char *to, uint64_t value)
{
	char digits[20];
	size_t n = 0, len;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	for (len = n; n; to++)
		*to = digits[--n];
	return len;
}

/* "/run/lastack/NAME/f/" as /proc spells it; 0: it cannot be said. */
static size_t fifo_prefix(char *to, size_t room)
{
	char self[40];
	size_t at = put_text(self, "/proc/self/fd/");
	int dir = folder_fd();
	long len;

	if (dir < 0)
		return 0;
	self[at + put_number(self + at, (uint64_t)dir)] = '\0';
	len = sys(SYS_readlinkat, AT_FDCWD, self, to, room - 3);
	if (len <= 0 || (size_t)len == room - 3)
		return 0;
	return (size_t)len + put_text(to + len, "/f/");
}

/* The last component, if it is a number of this process's. */
static int own_number_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *digit = slash ? slash + 1 : path;
	int fd = 0;

	if (!*digit || strlen(digit) > 7)
		return -1;
	for (; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -1;
		fd = fd * 10 + (*digit - '0');
	}
	return fd;
}

static size_t link_text(char *text, const char *path, const struct stat *st, enum seg_kind *kind)
{
	int fd = own_number_of(path);
	struct stat mine;
	size_t len;

	*kind = SEG_KIND_NONE;
	if (fd >= 0 && sys(SYS_fstat, fd, &mine) == 0 && mine.st_ino == st->st_ino && mine.st_dev == st->st_dev)
		stack_handle_kind(fd, kind);
	if (*kind == SEG_KIND_EPOLL)
		return put_text(text, "anon_inode:[eventpoll]");
	*kind = SEG_KIND_SOCKET;
	len = put_text(text, "socket:[");
	len += put_number(text + len, st->st_ino);
	return len + put_text(text + len, "]");
}

/* What a link to a FIFO of the stack's reads as; 0: it is none. */
static size_t link_of_ours(int dir, const char *path, char *text, enum seg_kind *kind)
{
	char prefix[300], target[300];
	struct stat st;
	size_t len;
	long got;

	if (!shim_configured() || !path)
		return 0;
	got = sys(SYS_readlinkat, dir, path, target, sizeof(target));
	if (got <= 0 || target[0] != '/')
		return 0;
	if (sys(SYS_newfstatat, dir, path, &st, 0) < 0 || !S_ISFIFO(st.st_mode) || st.st_dev != fifo_dev)
		return 0;
	len = fifo_prefix(prefix, sizeof(prefix));
	if (!len || len > (size_t)got || memcmp(prefix, target, len))
		return 0;
	return link_text(text, path, &st, kind);
}

/* True when @buf has the answer; nothing behind it is touched. */
static bool link_seen(int dir, const char *path, char *buf, size_t size, ssize_t *ret)
{
	enum seg_kind kind;
	char text[40];
	size_t len = size ? link_of_ours(dir, path, text, &kind) : 0;

	if (len > size)
		len = size;
	memcpy(buf, text, len);
	*ret = (ssize_t)len;
	return len != 0;
}

EXPORT ssize_t readlink(const char *path, char *buf, size_t size)
{
	ssize_t ret;

	shim_ready();
	return link_seen(AT_FDCWD, path, buf, size, &ret) ? ret : real.readlink(path, buf, size);
}

EXPORT ssize_t readlinkat(int dir, const char *path, char *buf, size_t size)
{
	ssize_t ret;

	shim_ready();
	return link_seen(dir, path, buf, size, &ret) ? ret : real.readlinkat(dir, path, buf, size);
}

EXPORT ssize_t __readlink_chk(const char *path, char *buf, size_t size, size_t room)
{
	ssize_t ret;

	shim_ready();
	if (size <= room && link_seen(AT_FDCWD, path, buf, size, &ret))
		return ret;
	return real.__readlink_chk(path, buf, size, room);
}

EXPORT ssize_t __readlinkat_chk(int dir, const char *path, char *buf, size_t size, size_t room)
{
	ssize_t ret;

	shim_ready();
	if (size <= room && link_seen(dir, path, buf, size, &ret))
		return ret;
	return real.__readlinkat_chk(dir, path, buf, size, room);
}
