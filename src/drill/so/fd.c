// SPDX-License-Identifier: MIT
/*
 * drill/so/fd.c - descriptors that the kernel knows too
 *
 * At the end of a script packetdrill closes with the kernel's own close() what the script left open. Every descriptor
 * that we hand out is therefore a real one, of a file that means nothing, and stands for one of the stack's.
 */
#include "drill/so/so.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int fd_bind(struct so *so, int la_fd)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd >= SO_FD_MAX) {
		close(fd);
		return -EMFILE;
	}
	so->fds[fd] = la_fd + 1;
	return fd;
}

int fd_lookup(const struct so *so, int fd)
{
	return fd >= 0 && fd < SO_FD_MAX ? so->fds[fd] - 1 : -1;
}

int fd_release(struct so *so, int fd)
{
	int la_fd = fd_lookup(so, fd);

	if (la_fd >= 0) {
		so->fds[fd] = 0;
		close(fd);
	}
	return la_fd;
}
