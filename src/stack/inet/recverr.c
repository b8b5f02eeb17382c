// SPDX-License-Identifier: MIT
/*
 * inet/recverr.c - recvmsg(MSG_ERRQUEUE): the oldest entry of the error queue, as a program sees it
 *
 *	data              the segment that the ICMP error quoted
 *	name              whom that was meant for
 *	control message   IP_RECVERR or IPV6_RECVERR: what happened, and who said so
 *
 * What tells of MSG_ZEROCOPY has no data, no name, and nobody who said it.
 *
 * The form goes by the socket's family: an IPv6 socket gets mapped addresses where the packets were IPv4.
 */
#include "stack/inet/inet.h"

#include <errno.h>

/* struct sock_extended_err of <linux/errqueue.h>, with the name that follows it in the control message. */
struct recverr {
	uint32_t err;
	uint8_t origin, type, code, pad;
	uint32_t info, data;
	struct sockaddr_in6 offender; /* or the 16 bytes of AF_INET's */
};

static socklen_t recverr_fill(const struct sock *sk, const struct sock_error *error, struct recverr *r)
{
	socklen_t len = sizeof(r->offender);

	*r = (struct recverr){
		.err = error->err,
		.origin = error->origin,
		.type = error->type,
		.code = error->code,
		.info = error->info,
		.data = error->data,
	};
	if (error->origin == ERROR_ZEROCOPY)
		return sk->common.family == AF_INET ? offsetof(struct recverr, offender) + sizeof(struct sockaddr_in)
						    : sizeof(*r);
	inet_addr_out(sk, &error->offender, 0, (struct sockaddr *)&r->offender, &len);
	return offsetof(struct recverr, offender) + len;
}

/* As much as there is room for; what is not told shows as MSG_CTRUNC. */
static void put_cmsg(struct msghdr *msg, int level, int type, const void *data, size_t len, int *flags)
{
	struct cmsghdr *cmsg = msg->msg_control;
	size_t room = msg->msg_controllen, whole = CMSG_LEN(len);

	msg->msg_controllen = 0;
	if (!cmsg || room < sizeof(*cmsg)) {
		*flags |= MSG_CTRUNC;
		return;
	}
	if (room < whole) {
		*flags |= MSG_CTRUNC;
		whole = room;
	}
	*cmsg = (struct cmsghdr){ .cmsg_len = whole, .cmsg_level = level, .cmsg_type = type };
	memcpy(CMSG_DATA(cmsg), data, whole - sizeof(*cmsg));
	msg->msg_controllen = min(CMSG_SPACE(len), room);
}

int64_t inet_recv_error(struct sock *sk, struct tcp_io *io, struct msghdr *msg, struct sockaddr *name, socklen_t *namelen)
{
	struct sock_error *error = sock_dequeue_err(sk);
	const bool v4 = sk->common.family == AF_INET;
	struct recverr r;
	size_t copied;
	int err;

	if (!error)
		return -EAGAIN;
	copied = min((size_t)error->len, io->iter.count);
	io->msg_flags = MSG_ERRQUEUE | (copied < error->len ? MSG_TRUNC : 0);
	err = copy_to_iter(&io->iter, error->quoted, copied) ? 0 : -EFAULT;
	if (msg)
		put_cmsg(msg, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &r, recverr_fill(sk, error, &r),
			 &io->msg_flags);
	if (name && error->origin == ERROR_ZEROCOPY)
		*namelen = 0;
	else if (name && !err)
		err = inet_addr_out(sk, &error->daddr, error->dport, name, namelen);
	sock_free_err(sk, error);
	return err ? err : (int64_t)copied;
}
