// SPDX-License-Identifier: MIT
/*
 * host/preload/syscall.c - syscall(2) by number, and io_uring
 *
 * Programs that call by number (language runtimes, libevent's epoll_pwait2, shells' close_range) mean the same
 * descriptors: each number that names descriptors goes to the interposed function of its name, everything else to the
 * kernel. System calls made by instructions of the program's own are not seen; a Go program makes all of its calls so.
 *
 * io_uring would read and write the FIFO beneath a stack number: it is refused as on a kernel without it, which
 * programs know how to live with.
 */
#include "host/preload/preload.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

static long refuse_io_uring(void)
{
	static _Atomic bool said;

	if (!atomic_exchange(&said, true))
		say("io_uring is not there for programs on the stack (ENOSYS)");
	return -ENOSYS;
}

/* Time limits and signal masks of the raw calls are the kernel's structures; glibc's are the same on 64-bit systems. */
struct mask_and_size {
	const sigset_t *mask;
	size_t size;
};

static long call_moves_data(long nr, const long *a, bool *known)
{
	switch (nr) {
	case SYS_read:
		return read((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_write:
		return write((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_readv:
		return readv((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_writev:
		return writev((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_preadv2:
		return preadv2((int)a[0], (void *)a[1], (int)a[2], a[3], (int)a[5]);
	case SYS_pwritev2:
		return pwritev2((int)a[0], (void *)a[1], (int)a[2], a[3], (int)a[5]);
	case SYS_recvfrom:
		return recvfrom((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3], (void *)a[4], (void *)a[5]);
	case SYS_recvmsg:
		return recvmsg((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_recvmmsg:
		return recvmmsg((int)a[0], (void *)a[1], (unsigned int)a[2], (int)a[3], (void *)a[4]);
	case SYS_sendto:
		return sendto((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3], (void *)a[4], (socklen_t)a[5]);
	case SYS_sendmsg:
		return sendmsg((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_sendmmsg:
		return sendmmsg((int)a[0], (void *)a[1], (unsigned int)a[2], (int)a[3]);
	case SYS_sendfile:
		return sendfile((int)a[0], (int)a[1], (void *)a[2], (size_t)a[3]);
	case SYS_splice:
		return splice((int)a[0], (void *)a[1], (int)a[2], (void *)a[3], (size_t)a[4], (unsigned int)a[5]);
	case SYS_tee:
		return tee((int)a[0], (int)a[1], (size_t)a[2], (unsigned int)a[3]);
	case SYS_vmsplice:
		return vmsplice((int)a[0], (void *)a[1], (size_t)a[2], (unsigned int)a[3]);
	}
	*known = false;
	return 0;
}

static long call_makes_connections(long nr, const long *a, bool *known)
{
	switch (nr) {
	case SYS_socket:
		return socket((int)a[0], (int)a[1], (int)a[2]);
	case SYS_socketpair:
		return socketpair((int)a[0], (int)a[1], (int)a[2], (void *)a[3]);
	case SYS_bind:
		return bind((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_listen:
		return listen((int)a[0], (int)a[1]);
	case SYS_accept:
		return accept((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_accept4:
		return accept4((int)a[0], (void *)a[1], (void *)a[2], (int)a[3]);
	case SYS_connect:
		return connect((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_shutdown:
		return shutdown((int)a[0], (int)a[1]);
	case SYS_getsockname:
		return getsockname((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getpeername:
		return getpeername((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getsockopt:
		return getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (void *)a[4]);
	case SYS_setsockopt:
		return setsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (socklen_t)a[4]);
	}
	*known = false;
	return 0;
}

static long call_is_about_numbers(long nr, const long *a, bool *known)
{
	switch (nr) {
	case SYS_close:
		return close((int)a[0]);
	case SYS_close_range:
		return close_range((unsigned int)a[0], (unsigned int)a[1], (int)a[2]);
	case SYS_dup:
		return dup((int)a[0]);
#ifdef SYS_dup2
	case SYS_dup2:
		return dup2((int)a[0], (int)a[1]);
#endif
	case SYS_dup3:
		return dup3((int)a[0], (int)a[1], (int)a[2]);
	case SYS_fcntl:
		return fcntl((int)a[0], (int)a[1], a[2]);
	case SYS_ioctl:
		return ioctl((int)a[0], (unsigned long)a[1], a[2]);
	case SYS_fstat:
		return fstat((int)a[0], (void *)a[1]);
	case SYS_newfstatat:
		return fstatat((int)a[0], (void *)a[1], (void *)a[2], (int)a[3]);
	case SYS_statx:
		return statx((int)a[0], (void *)a[1], (int)a[2], (unsigned int)a[3], (void *)a[4]);
	case SYS_readlinkat:
		return readlinkat((int)a[0], (void *)a[1], (void *)a[2], (size_t)a[3]);
#ifdef SYS_readlink
	case SYS_readlink:
		return readlink((void *)a[0], (void *)a[1], (size_t)a[2]);
#endif
	case SYS_lseek:
		return lseek((int)a[0], a[1], (int)a[2]);
	}
	*known = false;
	return 0;
}

static long pselect_by_number(const long *a)
{
	const struct mask_and_size *sixth = (void *)a[5];

	return pselect((int)a[0], (void *)a[1], (void *)a[2], (void *)a[3], (void *)a[4], sixth ? sixth->mask : NULL);
}

static long call_waits(long nr, const long *a, bool *known)
{
	switch (nr) {
#ifdef SYS_poll
	case SYS_poll:
		return poll((void *)a[0], (nfds_t)a[1], (int)a[2]);
#endif
	case SYS_ppoll:
		return ppoll((void *)a[0], (nfds_t)a[1], (void *)a[2], (void *)a[3]);
#ifdef SYS_select
	case SYS_select:
		return select((int)a[0], (void *)a[1], (void *)a[2], (void *)a[3], (void *)a[4]);
#endif
	case SYS_pselect6:
		return pselect_by_number(a);
#ifdef SYS_epoll_create
	case SYS_epoll_create:
		return epoll_create((int)a[0]);
#endif
	case SYS_epoll_create1:
		return epoll_create1((int)a[0]);
	case SYS_epoll_ctl:
		return epoll_ctl((int)a[0], (int)a[1], (int)a[2], (void *)a[3]);
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
		return epoll_wait((int)a[0], (void *)a[1], (int)a[2], (int)a[3]);
#endif
	case SYS_epoll_pwait:
		return epoll_pwait((int)a[0], (void *)a[1], (int)a[2], (int)a[3], (void *)a[4]);
	case SYS_epoll_pwait2:
		return epoll_pwait2((int)a[0], (void *)a[1], (int)a[2], (void *)a[3], (void *)a[4]);
	case SYS_execve:
		return execve((void *)a[0], (void *)a[1], (void *)a[2]);
	case SYS_execveat:
		return execveat((int)a[0], (void *)a[1], (void *)a[2], (void *)a[3], (int)a[4]);
	case SYS_io_uring_setup:
		return give(refuse_io_uring());
	case SYS_pidfd_getfd: /* may bring a stack descriptor of another process */
		nr = give(sys(SYS_pidfd_getfd, a[0], a[1], a[2]));
		number_forget((int)nr);
		return nr;
	}
	*known = false;
	return 0;
}

EXPORT long syscall(long nr, ...)
{
	static long (*const groups[])(long, const long *, bool *) = {call_moves_data, call_makes_connections,
								     call_is_about_numbers, call_waits};
	long a[6], ret;
	bool known;
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!shim_configured())
		return give(sys(nr, a[0], a[1], a[2], a[3], a[4], a[5]));
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		known = true;
		ret = groups[i](nr, a, &known);
		if (known)
			return ret;
	}
	return give(sys(nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* libc's wrapper of newer versions. */
int pidfd_getfd(int pidfd, int fd, unsigned int flags);
EXPORT int pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

/* ------------------------------------------------------------------ liburing, whose own calls are instructions */

struct io_uring;
struct io_uring_params;
int io_uring_setup(unsigned int entries, struct io_uring_params *params);
int io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags);
int io_uring_queue_init_params(unsigned int entries, struct io_uring *ring, struct io_uring_params *params);
int io_uring_queue_init_mem(unsigned int entries, struct io_uring *ring, struct io_uring_params *params, void *buf,
			    size_t size);

EXPORT int io_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	(void)entries;
	(void)params;
	return (int)refuse_io_uring();
}

EXPORT int io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags)
{
	(void)entries;
	(void)ring;
	(void)flags;
	return (int)refuse_io_uring();
}

EXPORT int io_uring_queue_init_params(unsigned int entries, struct io_uring *ring, struct io_uring_params *params)
{
	(void)entries;
	(void)ring;
	(void)params;
	return (int)refuse_io_uring();
}

EXPORT int io_uring_queue_init_mem(unsigned int entries, struct io_uring *ring, struct io_uring_params *params,
				   void *buf, size_t size)
{
	(void)entries;
	(void)ring;
	(void)params;
	(void)buf;
	(void)size;
	return (int)refuse_io_uring();
}
