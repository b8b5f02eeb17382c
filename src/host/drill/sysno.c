// SPDX-License-Identifier: MIT
/*
 * host/drill/sysno.c - each call of the language as a call of the C library
 *
 * Arguments come as a program passes them; the library knows how the running machine's kernel wants them.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR): one of the calling thread's rights */
static long sysno_cap_set(uint64_t set, uint64_t cap, uint64_t on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t *word;

	if (set > 2 || cap >= 32 * _LINUX_CAPABILITY_U32S_3) {
		errno = EINVAL;
		return -1;
	}
	if (syscall(SYS_capget, &header, caps))
		return -1;
	word = set == 0	  ? &caps[cap / 32].effective
	       : set == 1 ? &caps[cap / 32].permitted
			  : &caps[cap / 32].inheritable;
	if (on)
		*word |= 1u << cap % 32;
	else
		*word &= ~(1u << cap % 32);
	return syscall(SYS_capset, &header, caps);
}

static void *ptr(uint64_t arg)
{
	return (void *)(uintptr_t)arg;
}

long sysno_call(enum drill_sysno no, const uint64_t a[6], int folder)
{
	switch (no) {
	case DRILL_SYS_SOCKET:
		return socket(a[0], a[1], a[2]);
	case DRILL_SYS_BIND:
		return bind(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_LISTEN:
		return listen(a[0], a[1]);
	case DRILL_SYS_ACCEPT:
		return accept(a[0], ptr(a[1]), ptr(a[2]));
	case DRILL_SYS_CONNECT:
		return connect(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_READ:
		return read(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_READV:
		return readv(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_RECV:
		return recv(a[0], ptr(a[1]), a[2], a[3]);
	case DRILL_SYS_RECVFROM:
		return recvfrom(a[0], ptr(a[1]), a[2], a[3], ptr(a[4]), ptr(a[5]));
	case DRILL_SYS_RECVMSG:
		return recvmsg(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_WRITE:
		return write(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_WRITEV:
		return writev(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_SEND:
		return send(a[0], ptr(a[1]), a[2], a[3]);
	case DRILL_SYS_SENDTO:
		return sendto(a[0], ptr(a[1]), a[2], a[3], ptr(a[4]), a[5]);
	case DRILL_SYS_SENDMSG:
		return sendmsg(a[0], ptr(a[1]), a[2]);
	case DRILL_SYS_FCNTL:
		return fcntl(a[0], a[1], a[2]);
	case DRILL_SYS_IOCTL:
		return ioctl(a[0], a[1], ptr(a[2]));
	case DRILL_SYS_CLOSE:
		return close(a[0]);
	case DRILL_SYS_SHUTDOWN:
		return shutdown(a[0], a[1]);
	case DRILL_SYS_GETSOCKOPT:
		return getsockopt(a[0], a[1], a[2], ptr(a[3]), ptr(a[4]));
	case DRILL_SYS_SETSOCKOPT:
		return setsockopt(a[0], a[1], a[2], ptr(a[3]), a[4]);
	case DRILL_SYS_POLL:
		return poll(ptr(a[0]), a[1], a[2]);
	case DRILL_SYS_CAP_SET:
		return sysno_cap_set(a[0], a[1], a[2]);
	case DRILL_SYS_OPEN:
		return openat(folder, ptr(a[0]), a[1] | O_CLOEXEC, a[2]);
	case DRILL_SYS_SENDFILE:
		return sendfile(a[0], a[1], ptr(a[2]), a[3]);
	case DRILL_SYS_EPOLL_CREATE:
		return epoll_create(a[0]);
	case DRILL_SYS_EPOLL_CTL:
		return epoll_ctl(a[0], a[1], a[2], ptr(a[3]));
	case DRILL_SYS_EPOLL_WAIT:
		return epoll_wait(a[0], ptr(a[1]), a[2], a[3]);
	case DRILL_SYS_PIPE:
		return pipe(ptr(a[0]));
	case DRILL_SYS_SPLICE:
		return splice(a[0], ptr(a[1]), a[2], ptr(a[3]), a[4], a[5]);
	case DRILL_SYSCALLS:
		break;
	}
	errno = ENOSYS;
	return -1;
}

unsigned sysno_fds(enum drill_sysno no)
{
	switch (no) {
	case DRILL_SYS_SOCKET:
	case DRILL_SYS_POLL: /* an array of them, that can do no harm */
	case DRILL_SYS_CAP_SET:
	case DRILL_SYS_OPEN:
	case DRILL_SYS_EPOLL_CREATE:
	case DRILL_SYS_PIPE:
	case DRILL_SYSCALLS:
		return 0;
	case DRILL_SYS_SENDFILE:
		return 1 << 0 | 1 << 1;
	case DRILL_SYS_EPOLL_CTL:
	case DRILL_SYS_SPLICE:
		return 1 << 0 | 1 << 2;
	default:
		return 1 << 0;
	}
}
