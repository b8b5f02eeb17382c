// SPDX-License-Identifier: MIT
/*
 * host/run/table.c - the calls of programs, one row each: arguments out of the slot, results into it
 *
 * Names, option values and lists are copied to struct run_call before the library reads them, and back when it has written
 * them: a program that changes them meanwhile changes nothing. Only payload is read and written in the segment.
 */
#include "host/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static bool answer(struct run_call *c, int64_t result)
{
	c->op.result = result;
	return false;
}

/* ------------------------------------------------------------------ files */

static bool spare_begin(struct executor *ex, struct run_call *c)
{
	if (!c->spare)
		c->spare = file_spare(ex, c->client);
	return answer(c, c->spare ? 0 : -ENFILE);
}

static void spare_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)ex;
	slot->spare = c->spare ? file_handle(c->spare) : 0;
}

static bool identify_begin(struct executor *ex, struct run_call *c)
{
	c->file = file_by_inode(ex, c->arg[0]);
	return answer(c, c->file ? 0 : -ENOENT);
}

static void identify_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)ex;
	slot->file = c->file ? file_handle(c->file) : 0;
	slot->arg[0] = c->file ? c->file->kind : SEG_KIND_NONE;
}

/* The real close was done; it was the last one if nobody holds the FIFO now. */
static bool closed_begin(struct executor *ex, struct run_call *c)
{
	struct run_file *file = c->file;

	c->file = NULL;
	if (!file || file_is_held(file))
		return answer(c, 0);
	la_prep_close(&c->op, file_unbind(ex, file));
	return true;
}

/* Does the slot have the number that the new file is to get? The program has opened it by now. */
static bool has_spare(const struct run_call *c)
{
	return c->spare && c->client->seg->slot[c->slot].spare == file_handle(c->spare);
}

static void new_file_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	struct run_file *file = c->spare;

	if (c->op.result < 0)
		return;
	file_bind(ex, file, c->call == CALL_EPOLL_CREATE1 ? SEG_KIND_EPOLL : SEG_KIND_SOCKET, (int)c->op.result);
	file->timed = c->inherited;
	c->op.result = 0;
	c->spare = file_spare(ex, c->client);
	slot->file = file_handle(file);
	slot->spare = c->spare ? file_handle(c->spare) : 0;
}

static bool socket_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	if (!has_spare(c))
		return answer(c, -EINVAL);
	c->inherited = 0;
	la_prep_socket(&c->op, (int)c->arg[0], (int)c->arg[1] & ~SOCK_CLOEXEC, (int)c->arg[2]);
	return true;
}

static bool epoll_create_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	if (!has_spare(c))
		return answer(c, -EINVAL);
	c->inherited = 0;
	la_prep_epoll_create1(&c->op, 0);
	return true;
}

/* ------------------------------------------------------------------ names */

/* The library writes what fits into @name and the true length into @len. */
static void name_out(struct run_call *c, struct seg_slot *slot)
{
	uint32_t len = c->op.result < 0 ? 0 : (uint32_t)c->len;

	slot->aux_len = slot->name_len = len;
	memcpy(slot->aux, &c->name, len < sizeof(c->name) ? len : sizeof(c->name));
}

static void name_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)ex;
	name_out(c, slot);
}

static bool accept_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	if (!has_spare(c))
		return answer(c, -EINVAL);
	c->inherited = c->file->timed;
	c->len = c->arg[1] ? sizeof(c->name) : 0;
	la_prep_accept4(&c->op, c->file->fd, c->arg[1] ? (struct sockaddr *)&c->name : NULL, &c->len,
			(int)c->arg[0] & ~SOCK_CLOEXEC);
	return true;
}

static void accept_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	name_out(c, slot);
	new_file_end(ex, c, slot);
}

static const struct sockaddr *name_in(const struct run_call *c)
{
	return (const struct sockaddr *)c->aux;
}

static bool bind_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_bind(&c->op, c->file->fd, name_in(c), c->aux_len);
	return true;
}

static bool connect_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_connect(&c->op, c->file->fd, name_in(c), c->aux_len);
	return true;
}

static bool listen_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_listen(&c->op, c->file->fd, (int)c->arg[0]);
	return true;
}

static bool shutdown_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_shutdown(&c->op, c->file->fd, (int)c->arg[0]);
	return true;
}

static bool getsockname_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	c->len = sizeof(c->name);
	la_prep_getsockname(&c->op, c->file->fd, (struct sockaddr *)&c->name, &c->len);
	return true;
}

static bool getpeername_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	c->len = sizeof(c->name);
	la_prep_getpeername(&c->op, c->file->fd, (struct sockaddr *)&c->name, &c->len);
	return true;
}

/* ------------------------------------------------------------------ options and switches */

static bool getsockopt_begin(struct executor *ex, struct run_call *c)
{
	int room = (int)c->arg[2];

	(void)ex;
	c->len = (socklen_t)(room > SEG_AUX ? SEG_AUX : room);
	la_prep_getsockopt(&c->op, c->file->fd, (int)c->arg[0], (int)c->arg[1], c->aux, &c->len);
	return true;
}

static void getsockopt_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)ex;
	slot->aux_len = c->op.result < 0 || c->len > SEG_AUX ? 0 : c->len;
	memcpy(slot->aux, c->aux, slot->aux_len);
}

static bool setsockopt_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_setsockopt(&c->op, c->file->fd, (int)c->arg[0], (int)c->arg[1], c->aux, c->aux_len);
	return true;
}

/* Which calls have a time limit from now on: a signal does not restart those. */
static void setsockopt_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	uint8_t bit = 0;
	struct timeval tv;

	(void)ex;
	(void)slot;
	if (c->op.result < 0 || (int)c->arg[0] != SOL_SOCKET || c->aux_len < sizeof(tv))
		return;
	switch ((int)c->arg[1]) {
	case SO_RCVTIMEO:
		bit = TIMED_RECV;
		break;
	case SO_SNDTIMEO:
		bit = TIMED_SEND;
		break;
	}
	memcpy(&tv, c->aux, sizeof(tv));
	c->file->timed &= (uint8_t)~bit;
	if (tv.tv_sec || tv.tv_usec)
		c->file->timed |= bit;
}

static bool ioctl_begin(struct executor *ex, struct run_call *c)
{
	(void)ex;
	la_prep_ioctl(&c->op, c->file->fd, c->arg[0], c->aux);
	return true;
}

static void ioctl_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)ex;
	slot->aux_len = c->aux_len;
	memcpy(slot->aux, c->aux, c->aux_len);
}

/* The file's flags; what concerns numbers is the kernel's. */
static bool fcntl_begin(struct executor *ex, struct run_call *c)
{
	int cmd = (int)c->arg[0];

	(void)ex;
	if (cmd != F_GETFL && cmd != F_SETFL)
		return answer(c, -EINVAL);
	la_prep_fcntl(&c->op, c->file->fd, cmd, (long)c->arg[1]);
	return true;
}

/* ------------------------------------------------------------------ data */

static void payload_iov(struct run_call *c)
{
	uint64_t len = c->arg[1];

	c->iov = (struct iovec){call_payload(c), len < SEG_DATA ? len : SEG_DATA};
}

/* An error that met a later piece of a long call is the next call's. */
static void leave_error(struct executor *ex, struct run_call *c)
{
	int64_t error = c->op.result;
	struct run_file *file = file_find(ex, c->handle);

	if (!c->arg[4] || error >= 0)
		return;
	c->op.signal = 0;
	if (file && error != -EAGAIN && error != -EINTR &&
	    error != -EPIPE) /* these come again by themselves, or need not */
		file->late_error = (int)error;
}

static int late_error(struct run_call *c)
{
	int error = c->arg[4] ? 0 : c->file->late_error;

	if (error)
		c->file->late_error = 0;
	return error;
}

static bool recv_begin(struct executor *ex, struct run_call *c)
{
	uint64_t room = c->arg[3];
	int error = late_error(c);

	(void)ex;
	if (error)
		return answer(c, error);
	payload_iov(c);
	if (c->arg[2] == SEG_IO_FILE) {
		la_prep_read(&c->op, c->file->fd, c->iov.iov_base, c->iov.iov_len);
		return true;
	}
	c->msg = (struct msghdr){
		.msg_name = &c->name,
		.msg_namelen = sizeof(c->name),
		.msg_iov = &c->iov,
		.msg_iovlen = 1,
		.msg_control = c->aux,
		.msg_controllen = room < SEG_AUX - sizeof(c->name) ? room : SEG_AUX - sizeof(c->name),
	};
	la_prep_recvmsg(&c->op, c->file->fd, &c->msg, (int)c->arg[0]);
	return true;
}

static void recv_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	uint32_t name_len = c->msg.msg_namelen, control_len = (uint32_t)c->msg.msg_controllen;

	slot->aux_len = slot->name_len = 0;
	slot->arg[0] = 0;
	leave_error(ex, c);
	if (c->op.result < 0)
		return;
	slot->data_len = c->op.result < SEG_DATA ? (uint32_t)c->op.result : SEG_DATA;
	if (c->arg[2] == SEG_IO_FILE)
		return;
	slot->arg[0] = (uint64_t)(unsigned)c->msg.msg_flags;
	slot->name_len = name_len;
	slot->aux_len = name_len + control_len;
	memcpy(slot->aux, &c->name, name_len);
	memcpy(slot->aux + name_len, c->aux, control_len);
}

static bool send_begin(struct executor *ex, struct run_call *c)
{
	int error = late_error(c);

	(void)ex;
	if (error)
		return answer(c, error);
	payload_iov(c);
	if (c->arg[2] == SEG_IO_FILE && !c->arg[0]) {
		la_prep_write(&c->op, c->file->fd, c->iov.iov_base, c->iov.iov_len);
		return true;
	}
	if (c->aux_len == c->name_len) {
		la_prep_sendto(&c->op, c->file->fd, c->iov.iov_base, c->iov.iov_len, (int)c->arg[0],
			       c->name_len ? name_in(c) : NULL, c->name_len);
		return true;
	}
	/* The name moves out of the way: control messages have to be aligned. */
	memcpy(&c->name, c->aux, c->name_len < sizeof(c->name) ? c->name_len : sizeof(c->name));
	memmove(c->aux, c->aux + c->name_len, c->aux_len - c->name_len);
	c->msg = (struct msghdr){
		.msg_name = c->name_len ? &c->name : NULL,
		.msg_namelen = c->name_len,
		.msg_iov = &c->iov,
		.msg_iovlen = 1,
		.msg_control = c->aux,
		.msg_controllen = c->aux_len - c->name_len,
	};
	la_prep_sendmsg(&c->op, c->file->fd, &c->msg, (int)c->arg[0]);
	return true;
}

static void send_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	(void)slot;
	leave_error(ex, c);
}

/* ------------------------------------------------------------------ waiting for many */

/* The program will act on it next. */
static void lend(struct executor *ex, struct run_call *c, struct run_file *file)
{
	if (file && loan_grant(ex, c->client, file))
		ex->lent = true;
}

static bool poll_begin(struct executor *ex, struct run_call *c)
{
	const struct seg_pollfd *in = (const void *)call_payload(c);
	size_t count = c->arg[0];
	struct pollfd *fds;

	if (count > SEG_DATA / sizeof(*in))
		return answer(c, -EINVAL);
	c->list = fds = malloc((count + 1) * sizeof(*fds));
	if (!fds)
		return answer(c, -ENOMEM);
	for (size_t i = 0; i < count; i++) {
		seg_handle handle = ((const volatile struct seg_pollfd *)in)[i].file;
		const struct run_file *file = file_find(ex, handle);

		/* 0: none; of a file that is gone: a number that nothing has */
		fds[i] = (struct pollfd){.fd = file ? file->fd : handle ? INT_MAX : -1, .events = in[i].events};
	}
	la_prep_poll(&c->op, fds, count, (int)c->arg[1]);
	return true;
}

static void poll_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	struct seg_pollfd *out = (void *)call_payload(c);
	const struct pollfd *fds = c->list;
	size_t count = c->arg[0];

	if (c->op.result < 0 || !fds)
		return;
	for (size_t i = 0; i < count; i++) {
		out[i].revents = fds[i].revents;
		if (fds[i].revents)
			lend(ex, c, file_find(ex, *(volatile seg_handle *)&out[i].file));
	}
	slot->data_len = (uint32_t)(count * sizeof(*out));
}

/* A key of the set is (file, number): each further number of a file is one more of the library's. */
static bool epoll_ctl_begin(struct executor *ex, struct run_call *c)
{
	struct run_file *member = file_find(ex, c->arg[3]);
	int fd;

	if (!member)
		return answer(c, -EBADF);
	fd = file_key(ex, member, (int)c->arg[4]);
	if (fd < 0)
		return answer(c, -ENOMEM);
	c->event = (struct epoll_event){.events = (uint32_t)c->arg[1], .data.u64 = c->arg[2]};
	la_prep_epoll_ctl(&c->op, c->file->fd, (int)c->arg[0], fd, &c->event);
	return true;
}

static bool epoll_wait_begin(struct executor *ex, struct run_call *c)
{
	int max = (int)c->arg[0];

	(void)ex;
	if (c->file->kernel_set >= 0 &&
	    !c->arg[2]) /* it watches kernel descriptors too, and the caller would not see them */
		return answer(c, -ESTALE);
	if (max > (int)(SEG_DATA / sizeof(struct epoll_event)))
		max = SEG_DATA / sizeof(struct epoll_event);
	c->list = malloc((max > 0 ? (size_t)max : 1) * (sizeof(struct epoll_event) + sizeof(int)));
	if (!c->list)
		return answer(c, -ENOMEM);
	la_prep_epoll_wait(&c->op, c->file->fd, c->list, max, (int)c->arg[1]);
	c->fds = (int *)((struct epoll_event *)c->list + (max > 0 ? max : 1));
	la_epoll_wait_numbers(&c->op, c->fds);
	return true;
}

static void epoll_end(struct executor *ex, struct run_call *c, struct seg_slot *slot)
{
	const struct run_file *set = file_find(ex, c->handle); /* it may have ended meanwhile */

	slot->arg[0] = set && set->kernel_set >= 0;
	if (c->call != CALL_EPOLL_WAIT || c->op.result <= 0 || !c->list)
		return;
	slot->data_len = (uint32_t)c->op.result * (uint32_t)sizeof(struct epoll_event);
	memcpy(call_payload(c), c->list, slot->data_len);
	for (int64_t i = 0; i < c->op.result; i++)
		lend(ex, c, file_by_fd(ex, c->fds[i]));
}

/* ------------------------------------------------------------------ the list */

/* clang-format off */
const struct call_class call_classes[CALL_MAX] = {
	[CALL_SPARE]	     = {"spare",	 false, 0,	      spare_begin,	  spare_end},
	[CALL_IDENTIFY]	     = {"identify",	 false, 0,	      identify_begin,	  identify_end},
	[CALL_CLOSED]	     = {"close",	 false, 0,	      closed_begin,	  NULL},
	[CALL_SOCKET]	     = {"socket",	 false, 0,	      socket_begin,	  new_file_end},
	[CALL_ACCEPT4]	     = {"accept4",	 true,	TIMED_RECV,   accept_begin,	  accept_end},
	[CALL_BIND]	     = {"bind",		 true,	0,	      bind_begin,	  NULL},
	[CALL_CONNECT]	     = {"connect",	 true,	TIMED_SEND,   connect_begin,	  NULL},
	[CALL_LISTEN]	     = {"listen",	 true,	0,	      listen_begin,	  NULL},
	[CALL_SHUTDOWN]	     = {"shutdown",	 true,	0,	      shutdown_begin,	  NULL},
	[CALL_GETSOCKNAME]   = {"getsockname",	 true,	0,	      getsockname_begin,  name_end},
	[CALL_GETPEERNAME]   = {"getpeername",	 true,	0,	      getpeername_begin,  name_end},
	[CALL_GETSOCKOPT]    = {"getsockopt",	 true,	0,	      getsockopt_begin,	  getsockopt_end},
	[CALL_SETSOCKOPT]    = {"setsockopt",	 true,	0,	      setsockopt_begin,	  setsockopt_end},
	[CALL_IOCTL]	     = {"ioctl",	 true,	0,	      ioctl_begin,	  ioctl_end},
	[CALL_FCNTL]	     = {"fcntl",	 true,	0,	      fcntl_begin,	  NULL},
	[CALL_RECV]	     = {"recv",		 true,	TIMED_RECV,   recv_begin,	  recv_end},
	[CALL_SEND]	     = {"send",		 true,	TIMED_SEND,   send_begin,	  send_end},
	[CALL_POLL]	     = {"poll",		 false, TIMED_ALWAYS, poll_begin,	  poll_end},
	[CALL_EPOLL_CREATE1] = {"epoll_create1", false, 0,	      epoll_create_begin, new_file_end},
	[CALL_EPOLL_CTL]     = {"epoll_ctl",	 true,	0,	      epoll_ctl_begin,	  epoll_end},
	[CALL_EPOLL_WAIT]    = {"epoll_wait",	 true,	TIMED_ALWAYS, epoll_wait_begin,	  epoll_end},
};
/* clang-format on */
