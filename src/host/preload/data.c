/* SPDX-License-Identifier: MIT */
/*
 * host/preload/data.c - bytes to and from a stack socket
 *
 *   read, recv, recvfrom, readv, recvmsg -> stack_recvmsg -> pieces of SEG_DATA: slot.data -> the program's vector
 *   write, send, sendto, writev, sendmsg -> stack_sendmsg -> pieces, MSG_MORE on all but the last
 *
 * What was lent with an earlier answer needs no call (loan.c).
 *
 * A system call is several calls of the segment only when it is longer than SEG_DATA. Later pieces of a recv() take what
 * is there already (MSG_DONTWAIT), unless MSG_WAITALL asks for all; they say how much went before (arg[4]), so that an error
 * is left for the program's next call, as Linux leaves it.
 */
#include "host/preload/data.h"
#include "host/preload/loan.h"

#include <limits.h>
#include <string.h>

/* One system call under way. */
struct moving {
	int fd;
	seg_handle file;
	enum seg_io io;
	int flags;
	struct run run;
	size_t moved;
};

static int moving_begin(struct moving *m, struct call *call, enum seg_call what, size_t piece, int flags)
{
	int err = call_begin(call, what, m->file);

	if (err < 0)
		return err;
	call->slot->number = m->fd;
	call->slot->arg[0] = (uint64_t)flags;
	call->slot->arg[1] = piece;
	call->slot->arg[2] = flags ? SEG_IO_MSG : m->io; /* a file's call has no flags */
	call->slot->arg[4] = m->moved;
	return 0;
}

static size_t piece_of(const struct moving *m)
{
	return m->run.left < SEG_DATA ? m->run.left : SEG_DATA;
}

static int64_t moved_or(const struct moving *m, int64_t result)
{
	return m->moved ? (int64_t)m->moved : result;
}

/* What sendmsg() and recvmsg() check before they look at the socket. */
static int msghdr_check(const struct msghdr *msg)
{
	if (!user_possible(msg, sizeof(*msg)))
		return -EFAULT;
	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	if (msg->msg_name && (int)msg->msg_namelen < 0)
		return -EINVAL;
	return 0;
}

/* ------------------------------------------------------------------ in */

/* Name and control messages of the first piece; msg_flags of the last. */
static void reply_to_msghdr(const struct seg_slot *slot, struct msghdr *msg, bool first)
{
	size_t name = slot->name_len, control = slot->aux_len;

	msg->msg_flags = (int)slot->arg[0];
	if (!first)
		return;
	if (control > SEG_AUX || name > control)
		return; /* the executor would never */
	control -= name;
	if (msg->msg_name) {
		memcpy(msg->msg_name, slot->aux, name < msg->msg_namelen ? name : msg->msg_namelen);
		msg->msg_namelen = (socklen_t)name;
	}
	if (control > msg->msg_controllen)
		control = msg->msg_controllen;
	if (control)
		memcpy(msg->msg_control, slot->aux + name, control);
	msg->msg_controllen = control;
}

/* A vector that begins with a bad pointer: Linux says so only when there is something to copy. */
static int64_t recv_nowhere(struct moving *m)
{
	struct call call;
	int64_t ret = moving_begin(m, &call, CALL_RECV, 1, (m->flags & ~MSG_TRUNC) | MSG_PEEK);

	if (ret < 0)
		return ret;
	call_wait(&call);
	ret = call_end(&call);
	return ret > 0 ? -EFAULT : ret;
}

static int64_t recv_piece(struct moving *m, struct msghdr *msg, int flags)
{
	size_t piece = piece_of(m), got;
	struct call call;
	int64_t ret = moving_begin(m, &call, CALL_RECV, piece, flags);

	if (ret < 0)
		return ret;
	if (!m->moved)
		call.slot->arg[3] = msg->msg_controllen < SEG_AUX ? msg->msg_controllen : SEG_AUX;
	ret = call_wait(&call);
	got = call.slot->data_len;
	if (ret >= 0) {
		if (got <= piece && (!(flags & MSG_TRUNC) || flags & MSG_ERRQUEUE)) /* TCP throws them away */
			run_put(&m->run, call.data, got);
		reply_to_msghdr(call.slot, msg, m->moved == 0);
	}
	return call_end(&call);
}

int64_t stack_recvmsg(int fd, seg_handle file, struct msghdr *msg, int flags, enum seg_io io)
{
	struct moving m = {.fd = fd, .file = file, .io = io, .flags = flags};
	int64_t ret = run_begin(&m.run, msg->msg_iov, msg->msg_iovlen);
	size_t piece, lent;

	if (ret < 0)
		return ret;
	if (m.run.bad && !m.run.left)
		return recv_nowhere(&m);
	if (!msg->msg_name && !msg->msg_controllen && (lent = loan_recv(file, &m.run, flags)) != 0) {
		msg->msg_flags = 0;
		return (int64_t)lent;
	}
	do {
		piece = piece_of(&m);
		ret = recv_piece(&m, msg, m.moved && !(flags & MSG_WAITALL) ? flags | MSG_DONTWAIT : flags);
		if (ret > 0)
			m.moved += (size_t)ret;
	} while (ret > 0 && (size_t)ret == piece && m.run.left &&
		 !(flags & (MSG_PEEK | MSG_OOB | MSG_TRUNC | MSG_ERRQUEUE)));
	return moved_or(&m, ret);
}

int64_t stack_recv(int fd, seg_handle file, void *buf, size_t len, int flags, enum seg_io io)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return stack_recvmsg(fd, file, &msg, flags, io);
}

/* ------------------------------------------------------------------ out */

/* Name, then control messages, with the first piece. */
static int msghdr_to_request(struct call *call, const struct msghdr *msg)
{
	socklen_t most = sizeof(struct sockaddr_storage), name = msg->msg_namelen < most ? msg->msg_namelen : most;
	size_t control = msg->msg_control ? msg->msg_controllen : 0;
	int err = 0;

	if (msg->msg_name)
		err = name_in(call, msg->msg_name, name);
	if (err < 0 || !control)
		return err;
	if (control > SEG_AUX - sizeof(struct sockaddr_storage))
		return -ENOBUFS;
	if (!user_readable(msg->msg_control, control))
		return -EFAULT;
	memcpy(call->slot->aux + call->slot->name_len, msg->msg_control, control);
	call->slot->aux_len = call->slot->name_len + (uint32_t)control;
	return 0;
}

/* The call's number with MSG_ZEROCOPY goes with its first piece. */
static int send_flags(const struct moving *m, bool last)
{
	int flags = m->moved ? m->flags & ~MSG_ZEROCOPY : m->flags;

	return last ? flags : (flags & ~MSG_OOB) | MSG_MORE;
}

static int64_t send_piece(struct moving *m, const struct msghdr *msg)
{
	size_t piece = piece_of(m);
	struct call call;
	int64_t ret = moving_begin(m, &call, CALL_SEND, piece, send_flags(m, piece == m->run.left));

	if (ret < 0)
		return ret;
	if (!m->moved)
		ret = msghdr_to_request(&call, msg);
	if (ret < 0) {
		call.slot->result = ret;
	} else {
		run_get(&m->run, call.data, piece);
		call.slot->data_len = (uint32_t)piece;
		call_wait(&call);
	}
	return call_end(&call);
}

int64_t stack_sendmsg(int fd, seg_handle file, const struct msghdr *msg, int flags, enum seg_io io)
{
	struct moving m = {.fd = fd, .file = file, .io = io, .flags = flags};
	int64_t ret = run_begin(&m.run, msg->msg_iov, msg->msg_iovlen);
	bool nothing = m.run.bad && !m.run.left;
	size_t piece, lent;

	if (ret < 0)
		return ret;
	if (!msg->msg_name && !msg->msg_control && (lent = loan_send(file, &m.run, flags)) != 0)
		return (int64_t)lent;
	do {
		piece = piece_of(&m);
		ret = send_piece(&m, msg);
		if (ret > 0)
			m.moved += (size_t)ret;
	} while (ret > 0 && (size_t)ret == piece && m.run.left);
	if (ret >= 0 && nothing)
		return -EFAULT; /* the connection's own errors come first */
	return moved_or(&m, ret);
}

int64_t stack_send(int fd, seg_handle file, const void *buf, size_t len, int flags, enum seg_io io)
{
	struct iovec iov = {(void *)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return stack_sendmsg(fd, file, &msg, flags, io);
}

/* ------------------------------------------------------------------ files' calls */

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_recv(fd, file, buf, len, 0, SEG_IO_FILE)) : real.read(fd, buf, len);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_send(fd, file, buf, len, 0, SEG_IO_FILE)) : real.write(fd, buf, len);
}

static int64_t stack_vector(int fd, seg_handle file, const struct iovec *iov, int count, int flags, bool out)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};

	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	return out ? stack_sendmsg(fd, file, &msg, flags, SEG_IO_FILE)
		   : stack_recvmsg(fd, file, &msg, flags, SEG_IO_FILE);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_vector(fd, file, iov, count, 0, false)) : real.readv(fd, iov, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_vector(fd, file, iov, count, 0, true)) : real.writev(fd, iov, count);
}

EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	seg_handle file = stack_handle(fd);

	if (!file || len > room)
		return real.__read_chk(fd, buf, len, room); /* which aborts the program */
	return give(stack_recv(fd, file, buf, len, 0, SEG_IO_FILE));
}

/* With an offset a FIFO says ESPIPE, as a socket does; -1 means none, and is the one case that differs. */
static int64_t vector_at_none(int fd, seg_handle file, const struct iovec *iov, int count, int flags, bool out)
{
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	return stack_vector(fd, file, iov, count, flags & RWF_NOWAIT ? MSG_DONTWAIT : 0, out);
}

#define VECTOR_AT(name, offset_type, buf_out) \
	EXPORT ssize_t name(int fd, const struct iovec *iov, int count, offset_type offset, int flags) \
	{ \
		seg_handle file = stack_handle(fd); \
\
		if (!file || offset != -1) \
			return real.name(fd, iov, count, offset, flags); \
		return give(vector_at_none(fd, file, iov, count, flags, buf_out)); \
	}
VECTOR_AT(preadv2, off_t, false)
VECTOR_AT(pwritev2, off_t, true)
VECTOR_AT(preadv64v2, off64_t, false)
VECTOR_AT(pwritev64v2, off64_t, true)

/* ------------------------------------------------------------------ sockets' calls */

EXPORT ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_recv(fd, file, buf, len, flags, SEG_IO_MSG)) : real.recv(fd, buf, len, flags);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags)
{
	seg_handle file = stack_handle(fd);

	if (!file || len > room)
		return real.__recv_chk(fd, buf, len, room, flags);
	return give(stack_recv(fd, file, buf, len, flags, SEG_IO_MSG));
}

EXPORT ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	seg_handle file = stack_handle(fd);

	return file ? give(stack_send(fd, file, buf, len, flags, SEG_IO_MSG)) : real.send(fd, buf, len, flags);
}

/* TCP names nobody: the length comes back as 0, the name untouched. */
static int64_t stack_recvfrom(int fd, seg_handle file, void *buf, size_t len, int flags, struct sockaddr *addr,
			      socklen_t *addrlen)
{
	struct sockaddr_storage name;
	struct iovec iov = {buf, len};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = addr ? &name : NULL, .msg_namelen = sizeof(name)};
	int64_t ret = stack_recvmsg(fd, file, &msg, flags, SEG_IO_MSG);

	if (ret < 0 || !addr)
		return ret;
	if (!user_readable(addrlen, sizeof(*addrlen)))
		return -EFAULT;
	if ((int)*addrlen < 0)
		return -EINVAL;
	memcpy(addr, &name, msg.msg_namelen < *addrlen ? msg.msg_namelen : *addrlen);
	*addrlen = msg.msg_namelen;
	return ret;
}

EXPORT ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{
	seg_handle file = stack_handle(fd);

	if (!file)
		return real.recvfrom(fd, buf, len, flags, addr, addrlen);
	return give(stack_recvfrom(fd, file, buf, len, flags, addr, addrlen));
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t room, int flags, struct sockaddr *addr,
			      socklen_t *addrlen)
{
	seg_handle file = stack_handle(fd);

	if (!file || len > room)
		return real.__recvfrom_chk(fd, buf, len, room, flags, addr, addrlen);
	return give(stack_recvfrom(fd, file, buf, len, flags, addr, addrlen));
}

static int64_t stack_sendto(int fd, seg_handle file, const void *buf, size_t len, int flags,
			    const struct sockaddr *addr, socklen_t addrlen)
{
	struct iovec iov = {(void *)buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = (void *)addr, .msg_namelen = addrlen};

	if (addr && addrlen > sizeof(struct sockaddr_storage))
		return -EINVAL;
	return stack_sendmsg(fd, file, &msg, flags, SEG_IO_MSG);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen)
{
	seg_handle file = stack_handle(fd);

	if (!file)
		return real.sendto(fd, buf, len, flags, addr, addrlen);
	return give(stack_sendto(fd, file, buf, len, flags, addr, addrlen));
}

/* Descriptors that came over a Unix socket: their numbers may have meant something before. */
static void forget_received(const struct msghdr *msg)
{
	struct cmsghdr *c;

	if (!msg->msg_controllen || !shim_configured())
		return;
	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		const int *fd = (const int *)(const void *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); n; n--)
			number_forget(*fd++);
	}
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	seg_handle file = stack_handle(fd);
	ssize_t ret;
	int err;

	if (!file) {
		ret = real.recvmsg(fd, msg, flags);
		if (ret >= 0)
			forget_received(msg);
		return ret;
	}
	err = msghdr_check(msg);
	return give(err < 0 ? err : stack_recvmsg(fd, file, msg, flags, SEG_IO_MSG));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	seg_handle file = stack_handle(fd);
	int err;

	if (!file)
		return real.sendmsg(fd, msg, flags);
	err = msghdr_check(msg);
	return give(err < 0 ? err : stack_sendmsg(fd, file, msg, flags, SEG_IO_MSG));
}

/* ------------------------------------------------------------------ several messages: TCP gets each as a call of its own */

static int64_t stack_sendmmsg(int fd, seg_handle file, struct mmsghdr *v, unsigned int n, int flags)
{
	unsigned int done = 0;
	int64_t ret = 0;

	if (n > IOV_MAX)
		n = IOV_MAX;
	for (; done < n && ret >= 0; done++) {
		ret = msghdr_check(&v[done].msg_hdr);
		if (ret >= 0)
			ret = stack_sendmsg(fd, file, &v[done].msg_hdr, flags, SEG_IO_MSG);
		if (ret < 0)
			break;
		v[done].msg_len = (unsigned int)ret;
	}
	return done ? (int64_t)done : ret;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *v, unsigned int n, int flags)
{
	seg_handle file = stack_handle(fd);

	if (!file)
		return real.sendmmsg(fd, v, n, flags);
	return (int)give(n && !user_possible(v, sizeof(*v)) ? -EFAULT : stack_sendmmsg(fd, file, v, n, flags));
}

static bool time_is_up(const struct timespec *until)
{
	struct timespec now;

	sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return now.tv_sec > until->tv_sec || (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

/* The time limit is looked at between messages only: so it is in Linux. */
static int64_t stack_recvmmsg(int fd, seg_handle file, struct mmsghdr *v, unsigned int n, int flags,
			      const struct timespec *until)
{
	unsigned int done = 0;
	int64_t ret = 0;

	if (n > IOV_MAX)
		n = IOV_MAX;
	while (done < n && ret >= 0) {
		ret = msghdr_check(&v[done].msg_hdr);
		if (ret >= 0)
			ret = stack_recvmsg(fd, file, &v[done].msg_hdr, flags & ~MSG_WAITFORONE, SEG_IO_MSG);
		if (ret < 0)
			break;
		v[done++].msg_len = (unsigned int)ret;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (until && time_is_up(until))
			break;
	}
	return done ? (int64_t)done : ret;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned int n, int flags, struct timespec *limit)
{
	seg_handle file = stack_handle(fd);
	struct timespec until;
	int ret;

	if (!file) {
		ret = real.recvmmsg(fd, v, n, flags, limit);
		for (int i = 0; i < ret; i++)
			forget_received(&v[i].msg_hdr);
		return ret;
	}
	if (n && !user_possible(v, sizeof(*v)))
		return (int)give(-EFAULT);
	if (limit && (limit->tv_sec < 0 || limit->tv_nsec < 0 || limit->tv_nsec >= 1000000000))
		return (int)give(-EINVAL);
	if (limit) {
		sys(SYS_clock_gettime, CLOCK_MONOTONIC, &until);
		until.tv_sec += limit->tv_sec + (until.tv_nsec + limit->tv_nsec) / 1000000000;
		until.tv_nsec = (until.tv_nsec + limit->tv_nsec) % 1000000000;
	}
	return (int)give(stack_recvmmsg(fd, file, v, n, flags, limit ? &until : NULL));
}
