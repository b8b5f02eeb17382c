// SPDX-License-Identifier: MIT
/*
 * host/preload/transfer.c - sendfile, splice, tee, vmsplice where a stack socket stands at one end
 *
 *   file -> socket   pread() into the call's payload, one CALL_SEND a piece
 *   pipe -> socket   tee() to a pipe of our own and from there into the payload; what the socket took leaves the
 *                    program's pipe
 *   socket -> pipe   peeked bytes go through a pipe of our own, splice() moves what the program's pipe has room for,
 *                    and only that leaves the socket
 *
 * So a partial transfer loses nothing on either side. All other pairs are the kernel's, or an error.
 */
#include "host/preload/data.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define TRANSFER_MAX (INT_MAX & ~4095l) /* Linux's MAX_RW_COUNT */
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int payload_begin(struct call *call, enum seg_call what, int fd, seg_handle file, size_t moved)
{
	int err = call_begin(call, what, file);

	if (err < 0)
		return err;
	call->slot->number = fd;
	call->slot->arg[2] = SEG_IO_MSG;
	call->slot->arg[4] = moved;
	return 0;
}

/* Sends the @len bytes that the payload holds. The call is not over then. */
static int64_t payload_send(struct call *call, size_t len, bool more)
{
	call->slot->arg[0] = more ? MSG_MORE : 0;
	call->slot->arg[1] = len;
	call->slot->data_len = (uint32_t)len;
	return call_wait(call);
}

/* ------------------------------------------------------------------ file -> socket */

/**
 * struct source - a file that can be read anywhere
 * @size: where it ends now, so that the last bytes are known as such; INT64_MAX: nobody can say
 */
struct source {
	int fd;
	int64_t at, size;
};

static int source_open(struct source *source, int fd, const off64_t *offset)
{
	long here = sys(SYS_lseek, fd, 0, SEEK_CUR);
	struct stat st;

	if (here == -EBADF)
		return -EBADF;
	if (here < 0) /* a pipe, a socket: what is read could not be put back */
		return offset ? -ESPIPE : -EINVAL;
	if (offset && *offset < 0)
		return -EINVAL;
	*source = (struct source){.fd = fd, .at = offset ? *offset : here, .size = INT64_MAX};
	if (sys(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode))
		source->size = st.st_size;
	return 0;
}

/* Whether it all left: what follows must wait otherwise. 0 at the end of the file, or an error. */
static int64_t send_piece(int out, seg_handle file, struct source *source, size_t left, size_t moved)
{
	size_t piece = at_most(left, SEG_DATA);
	struct call call;
	int64_t ret = payload_begin(&call, CALL_SEND, out, file, moved), got;

	if (ret < 0)
		return ret;
	got = sys(SYS_pread64, source->fd, call.data, piece, source->at);
	if (got <= 0) {
		call_end(&call);
		return got;
	}
	payload_send(&call, (size_t)got, (size_t)got < left && source->at + got < source->size);
	ret = call_end(&call);
	if (ret > 0)
		source->at += ret;
	return ret < 0 ? ret : ret == got;
}

static int64_t file_to_socket(int out, seg_handle file, int in, off64_t *offset, size_t count)
{
	int64_t begun, ret, moved = 0;
	struct source source;
	int err = source_open(&source, in, offset);

	if (err < 0)
		return err;
	begun = source.at;
	count = at_most(count, TRANSFER_MAX);
	do {
		ret = count ? send_piece(out, file, &source, count - (size_t)moved, (size_t)moved) : 0;
		moved = source.at - begun;
	} while (ret > 0 && (size_t)moved < count);
	if (offset)
		*offset = source.at;
	else if (moved)
		sys(SYS_lseek, in, source.at, SEEK_SET);
	return moved ? moved : ret;
}

/* ------------------------------------------------------------------ pipe -> socket */

/* Adds to @moved. As send_piece(). */
static int64_t pipe_piece(int out, seg_handle file, int in, const int own[2], size_t len, unsigned int flags,
			  size_t *moved)
{
	size_t left = len - *moved;
	struct call call;
	int64_t got = sys(SYS_tee, in, own[1], at_most(left, SEG_DATA), flags & SPLICE_F_NONBLOCK), ret;
	int waiting = 0;

	if (got <= 0)
		return got;
	ret = payload_begin(&call, CALL_SEND, out, file, *moved);
	if (ret < 0)
		return ret;
	sys(SYS_ioctl, in, FIONREAD, &waiting);
	got = sys(SYS_read, own[0], call.data, SEG_DATA);
	ret = payload_send(&call, (size_t)got, flags & SPLICE_F_MORE || ((size_t)got < left && waiting > got));
	if (ret > 0) {
		sys(SYS_read, in, call.data, ret);
		*moved += (size_t)ret;
	}
	call_end(&call);
	return ret < 0 ? ret : ret == got;
}

static int64_t pipe_to_socket(int out, seg_handle file, int in, size_t len, unsigned int flags)
{
	size_t moved = 0;
	int64_t ret;
	int own[2];

	ret = sys(SYS_pipe2, own, O_CLOEXEC | O_NONBLOCK);
	if (ret < 0)
		return ret;
	do {
		ret = pipe_piece(out, file, in, own, len, flags, &moved);
		flags |= SPLICE_F_NONBLOCK; /* later only what is there */
	} while (ret > 0 && moved < len);
	sys(SYS_close, own[0]);
	sys(SYS_close, own[1]);
	return moved ? (int64_t)moved : ret;
}

/* ------------------------------------------------------------------ socket -> pipe */

/* Until the pipe has room; -EPIPE, with its signal, when nobody reads it any more. */
static int64_t pipe_wait_room(int out, bool nonblock)
{
	struct pollfd p = {.fd = out, .events = POLLOUT};
	struct timespec none = {0};
	long ret = sys(SYS_ppoll, &p, 1, nonblock ? &none : NULL, NULL, 0);

	if (ret < 0)
		return ret;
	if (p.revents & POLLERR) {
		sys(SYS_tgkill, sys(SYS_getpid), sys(SYS_gettid), SIGPIPE);
		return -EPIPE;
	}
	return p.revents & POLLOUT ? 0 : -EAGAIN;
}

/* The payload's @len bytes, as far as the pipe has room. */
static int64_t payload_to_pipe(const struct call *call, size_t len, int out)
{
	int own[2];
	int64_t ret = sys(SYS_pipe2, own, O_CLOEXEC | O_NONBLOCK);

	if (ret < 0)
		return ret;
	ret = sys(SYS_write, own[1], call->data, len);
	if (ret > 0)
		ret = sys(SYS_splice, own[0], NULL, out, NULL, ret, SPLICE_F_NONBLOCK);
	sys(SYS_close, own[0]);
	sys(SYS_close, own[1]);
	return ret;
}

/* What was peeked and passed on leaves the socket. */
static void socket_drop(int in, seg_handle file, size_t len)
{
	struct call call;

	if (payload_begin(&call, CALL_RECV, in, file, 0) < 0)
		return;
	call.slot->arg[0] = MSG_TRUNC | MSG_DONTWAIT;
	call.slot->arg[1] = len;
	call_wait(&call);
	call_end(&call);
}

static int64_t socket_to_pipe(int in, seg_handle file, int out, size_t len, unsigned int flags)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK || sys(SYS_fcntl, out, F_GETFL) & O_NONBLOCK;
	int64_t ret = pipe_wait_room(out, nonblock);
	struct call call;

	if (ret < 0)
		return ret;
	ret = payload_begin(&call, CALL_RECV, in, file, 0);
	if (ret < 0)
		return ret;
	call.slot->arg[0] = MSG_PEEK;
	call.slot->arg[1] = at_most(len, 65536); /* what a pipe holds */
	ret = call_wait(&call);
	if (ret > 0)
		ret = payload_to_pipe(&call, (size_t)ret, out);
	call_end(&call);
	if (ret > 0)
		socket_drop(in, file, (size_t)ret);
	return ret;
}

/* ------------------------------------------------------------------ libc's names */

static bool is_pipe(int fd)
{
	struct stat st;

	return !stack_handle(fd) && sys(SYS_fstat, fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static bool is_open(int fd)
{
	return !number_is_own(fd) && sys(SYS_fcntl, fd, F_GETFD) >= 0;
}

static int64_t transfer(int out, int in, off64_t *offset, size_t count)
{
	enum seg_kind out_kind;
	seg_handle out_file = stack_handle_kind(out, &out_kind), in_file = stack_handle(in);

	if (!is_open(out) || !is_open(in))
		return -EBADF;
	if (in_file && offset)
		return -ESPIPE;
	if (in_file && is_pipe(out))
		return socket_to_pipe(in, in_file, out, count, 0);
	if (in_file || out_kind != SEG_KIND_SOCKET)
		return -EINVAL;
	return file_to_socket(out, out_file, in, offset, count);
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t count)
{
	if (!stack_handle(out) && !stack_handle(in))
		return real.sendfile64(out, in, offset, count);
	return give(transfer(out, in, offset, count));
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
	_Static_assert(sizeof(off_t) == sizeof(off64_t), "the 64-bit systems have one sendfile");
	return sendfile64(out, in, offset, count);
}

static int64_t stack_splice(int in, const off64_t *in_offset, int out, const off64_t *out_offset, size_t len,
			    unsigned int flags)
{
	enum seg_kind in_kind, out_kind;
	seg_handle in_file = stack_handle_kind(in, &in_kind), out_file = stack_handle_kind(out, &out_kind);

	if (!len)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!is_open(in) || !is_open(out))
		return -EBADF;
	len = at_most(len, TRANSFER_MAX);
	if ((!in_file && is_pipe(in) && in_offset) || (!out_file && is_pipe(out) && out_offset))
		return -ESPIPE;
	if (in_offset || out_offset)
		return -EINVAL;
	if (!in_file && is_pipe(in) && out_kind == SEG_KIND_SOCKET)
		return pipe_to_socket(out, out_file, in, len, flags);
	if (!out_file && is_pipe(out) && in_kind == SEG_KIND_SOCKET)
		return socket_to_pipe(in, in_file, out, len, flags);
	return -EINVAL;
}

EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len, unsigned int flags)
{
	if (!stack_handle(in) && !stack_handle(out))
		return real.splice(in, in_offset, out, out_offset, len, flags);
	return give(stack_splice(in, in_offset, out, out_offset, len, flags));
}

/* The FIFO beneath a stack number is no pipe of the program's. */
EXPORT ssize_t tee(int in, int out, size_t len, unsigned int flags)
{
	if (!stack_handle(in) && !stack_handle(out))
		return real.tee(in, out, len, flags);
	return give(len ? -EINVAL : 0);
}

EXPORT ssize_t vmsplice(int fd, const struct iovec *iov, size_t count, unsigned int flags)
{
	return stack_handle(fd) ? give(-EBADF) : real.vmsplice(fd, iov, count, flags);
}
