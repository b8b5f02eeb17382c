/* SPDX-License-Identifier: MIT */
/*
 * host/preload/open.c - what open() gives is the kernel's
 *
 * Saying so here spares the question (an fstat) when the number is first used, which for most files is close(). One name can
 * lead to a stack's socket: /proc/self/fd/N, and its other spellings in /dev. Opening a socket is ENXIO.
 */
#include "host/preload/open.h"

#include <fcntl.h>
#include <string.h>

static int opened(int fd, const char *path, int flags)
{
	if (fd < 0 || !shim_configured())
		return fd;
	if (!(flags & O_PATH) && (!strncmp(path, "/proc/", 6) || !strncmp(path, "/dev/", 5))) {
		number_forget(fd);
		if (stack_handle(fd)) {
			number_forget(fd);
			sys(SYS_close, fd);
			return (int)give(-ENXIO);
		}
	} else {
		number_is_kernel(fd);
	}
	return fd;
}

static bool has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPEN(name) \
	EXPORT int name(const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list ap; \
\
		shim_ready(); \
		va_start(ap, flags); \
		if (has_mode(flags)) \
			mode = va_arg(ap, mode_t); \
		va_end(ap); \
		return opened(real.name(path, flags, mode), path, flags); \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
	EXPORT int name(int dir, const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list ap; \
\
		shim_ready(); \
		va_start(ap, flags); \
		if (has_mode(flags)) \
			mode = va_arg(ap, mode_t); \
		va_end(ap); \
		return opened(real.name(dir, path, flags, mode), path, flags); \
	}
OPENAT(openat)
OPENAT(openat64)

/* The fortified forms without a mode, which abort the program that should have given one. */
EXPORT int __open_2(const char *path, int flags)
{
	shim_ready();
	return opened(real.__open_2(path, flags), path, flags);
}

EXPORT int __open64_2(const char *path, int flags)
{
	shim_ready();
	return opened(real.__open64_2(path, flags), path, flags);
}

EXPORT int __openat_2(int dir, const char *path, int flags)
{
	shim_ready();
	return opened(real.__openat_2(dir, path, flags), path, flags);
}

EXPORT int __openat64_2(int dir, const char *path, int flags)
{
	shim_ready();
	return opened(real.__openat64_2(dir, path, flags), path, flags);
}
