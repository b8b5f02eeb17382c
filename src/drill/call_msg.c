// SPDX-License-Identifier: MIT
/*
 * drill/call_msg.c - arguments of readv(), writev(), recvmsg(), sendmsg()
 *
 * A message to be received has room for exactly the control messages that the script names, made here as the kernel would
 * make them: what comes is compared with them one by one. Time stamps and times may be off by the script's tolerance.
 */
#include "drill/call_arg.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { MAX_IOVECS = 1024, MAX_CONTROL = 4096, SHOWN_BYTES = 16, NS_PER_S = 1000000000 };

/* ---------------------------------------------------------------- struct iovec */

static bool read_iovec(struct drill_prepared *call, const struct drill_expr *expr, bool reads, struct iovec *iov,
		       struct drill_text *why)
{
	int32_t length;

	if (expr->kind != DRILL_STRUCT || expr->form != DRILL_IOVEC || expr->items->kind != DRILL_ELLIPSIS)
		return call_fail(why, "data have to be {..., LENGTH}");
	if (!call_int32(expr->items->next, &length, "the length of data", why))
		return false;
	if (length < 0 || length > CALL_MAX_BUFFER)
		return call_fail(why, "data of %d bytes are not supported", length);
	iov->iov_len = (size_t)length;
	iov->iov_base = reads ? call_read_buffer(call, iov->iov_len) : call_zeros(call->own->calls, iov->iov_len);
	return true;
}

/* [{..., 10}, {..., 20}]; gives the array, NULL with the reason. */
static struct iovec *read_iovecs(struct drill_prepared *call, const struct drill_expr *expr,
				 const struct drill_expr *count, bool reads, struct drill_text *why)
{
	const struct drill_expr *item = expr->kind == DRILL_LIST ? expr->items : NULL;
	struct iovec *iov;
	int64_t n = 0;

	for (; item; item = item->next)
		n++;
	if (expr->kind != DRILL_LIST || n > MAX_IOVECS) {
		call_fail(why, "data have to be a list of {..., LENGTH}, of at most %d elements", MAX_IOVECS);
		return NULL;
	}
	if (!drill_is_number(count) || count->value != n) {
		call_fail(why, "the list of data has %lld elements, not the number that is said", (long long)n);
		return NULL;
	}
	iov = call_alloc(call, (size_t)(n + 1) * sizeof(*iov));
	n = 0;
	for (item = expr->items; item; item = item->next)
		if (!read_iovec(call, item, reads, &iov[n++], why))
			return NULL;
	return iov;
}

static bool put_read_iov(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			 struct drill_text *why)
{
	struct iovec *iov = read_iovecs(call, expr, expr->next, true, why);

	call->sys.arg[at] = (uintptr_t)iov;
	return iov;
}

static bool put_write_iov(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct drill_text *why)
{
	struct iovec *iov = read_iovecs(call, expr, expr->next, false, why);

	call->sys.arg[at] = (uintptr_t)iov;
	return iov;
}

/* Are the @left bytes that came zeros? What did not come was never written. */
static bool iov_is_plain(const struct iovec *iov, size_t n, int64_t left)
{
	for (size_t i = 0; i < n && left > 0; i++) {
		size_t here = (size_t)left < iov[i].iov_len ? (size_t)left : iov[i].iov_len;

		if (!call_data_is_plain(iov[i].iov_base, here))
			return false;
		left -= (int64_t)here;
	}
	return true;
}

/* As the script wrote it, with the beginning of each part in the place of `...` where it is not only zeros. */
static void put_iov_text(struct call_text *text, const struct iovec *iov, size_t n, int64_t left)
{
	bool plain = iov_is_plain(iov, n, left);

	call_put(text, "[");
	for (size_t i = 0; i < n; i++) {
		size_t here = left <= 0 ? 0 : (size_t)left < iov[i].iov_len ? (size_t)left : iov[i].iov_len;

		call_put(text, i ? ", {" : "{");
		if (plain || !here)
			call_put(text, "...");
		else
			call_put_bytes(text, iov[i].iov_base, here < SHOWN_BYTES ? here : SHOWN_BYTES);
		call_put(text, ", %zu}", iov[i].iov_len);
		left -= (int64_t)here;
	}
	call_put(text, "]");
}

static void tell_read_iov(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct call_text *text)
{
	const struct iovec *iov = (const void *)(uintptr_t)call->sys.arg[at];
	size_t n = (size_t)expr->next->value;

	if (!iov_is_plain(iov, n, call->sys.result))
		put_iov_text(text, iov, n, call->sys.result);
}

/* ---------------------------------------------------------------- TCP's statistics in a control message */

/* How each of them is stored, and whether it is a time in microseconds. */
static const struct statistic {
	const char *name;
	uint8_t size;
	bool is_time;
} statistics[] = {
	[TCP_NLA_PAD] = {"TCP_NLA_PAD", 4, false},
	[TCP_NLA_BUSY] = {"TCP_NLA_BUSY", 8, true},
	[TCP_NLA_RWND_LIMITED] = {"TCP_NLA_RWND_LIMITED", 8, true},
	[TCP_NLA_SNDBUF_LIMITED] = {"TCP_NLA_SNDBUF_LIMITED", 8, true},
	[TCP_NLA_DATA_SEGS_OUT] = {"TCP_NLA_DATA_SEGS_OUT", 8, false},
	[TCP_NLA_TOTAL_RETRANS] = {"TCP_NLA_TOTAL_RETRANS", 8, false},
	[TCP_NLA_PACING_RATE] = {"TCP_NLA_PACING_RATE", 8, false},
	[TCP_NLA_DELIVERY_RATE] = {"TCP_NLA_DELIVERY_RATE", 8, false},
	[TCP_NLA_SND_CWND] = {"TCP_NLA_SND_CWND", 4, false},
	[TCP_NLA_REORDERING] = {"TCP_NLA_REORDERING", 4, false},
	[TCP_NLA_MIN_RTT] = {"TCP_NLA_MIN_RTT", 4, false},
	[TCP_NLA_RECUR_RETRANS] = {"TCP_NLA_RECUR_RETRANS", 1, false},
	[TCP_NLA_DELIVERY_RATE_APP_LMT] = {"TCP_NLA_DELIVERY_RATE_APP_LMT", 1, false},
	[TCP_NLA_SNDQ_SIZE] = {"TCP_NLA_SNDQ_SIZE", 4, false},
	[TCP_NLA_CA_STATE] = {"TCP_NLA_CA_STATE", 1, false},
	[TCP_NLA_SND_SSTHRESH] = {"TCP_NLA_SND_SSTHRESH", 4, false},
	[TCP_NLA_DELIVERED] = {"TCP_NLA_DELIVERED", 4, false},
	[TCP_NLA_DELIVERED_CE] = {"TCP_NLA_DELIVERED_CE", 4, false},
	[TCP_NLA_BYTES_SENT] = {"TCP_NLA_BYTES_SENT", 8, false},
	[TCP_NLA_BYTES_RETRANS] = {"TCP_NLA_BYTES_RETRANS", 8, false},
	[TCP_NLA_DSACK_DUPS] = {"TCP_NLA_DSACK_DUPS", 4, false},
	[TCP_NLA_REORD_SEEN] = {"TCP_NLA_REORD_SEEN", 4, false},
	[TCP_NLA_SRTT] = {"TCP_NLA_SRTT", 4, false},
	[TCP_NLA_TIMEOUT_REHASH] = {"TCP_NLA_TIMEOUT_REHASH", 2, false},
	[TCP_NLA_BYTES_NOTSENT] = {"TCP_NLA_BYTES_NOTSENT", 4, false},
	[TCP_NLA_EDT] = {"TCP_NLA_EDT", 8, false},
	[TCP_NLA_TTL] = {"TCP_NLA_TTL", 1, false},
};

enum { STATISTICS = sizeof(statistics) / sizeof(statistics[0]) };

/* NAME=value, ...; `...` as a value: any. Gives the bytes written, -1 with the reason. */
static long read_statistics(const struct drill_expr *expr, uint8_t *to, size_t room, struct drill_text *why)
{
	uint8_t *at = to;

	for (const struct drill_expr *item = expr->items; item; item = item->next) {
		struct nlattr *attr = (struct nlattr *)at;
		size_t size;

		if (item->field_number < 0 || item->field_number >= STATISTICS) {
			call_fail(why, "%s is no statistic of TCP", item->field);
			return -1;
		}
		if (item->kind != DRILL_ELLIPSIS && !drill_is_number(item)) {
			call_fail(why, "%s has to be a number or ...", item->field);
			return -1;
		}
		size = statistics[item->field_number].size;
		if ((size_t)(at - to) + NLA_HDRLEN + NLA_ALIGN(size) > room) {
			call_fail(why, "these are too many statistics");
			return -1;
		}
		attr->nla_type = (uint16_t)item->field_number;
		attr->nla_len = (uint16_t)(NLA_HDRLEN + size);
		memcpy(at + NLA_HDRLEN, &item->value, size);
		at += NLA_HDRLEN + NLA_ALIGN(size);
	}
	return at - to;
}

static uint64_t attr_value(const struct nlattr *attr)
{
	size_t size = attr->nla_len - (size_t)NLA_HDRLEN;
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)attr + NLA_HDRLEN, size < sizeof(value) ? size : sizeof(value));
	return value;
}

/* A time that is not 0 may be off by the tolerance; 0 is 0. */
static bool same_statistic(const struct drill_prepared *call, const struct drill_expr *item, const struct nlattr *attr)
{
	uint64_t value = attr_value(attr), asked = 0;
	int64_t off;

	if (attr->nla_type != item->field_number || attr->nla_len != NLA_HDRLEN + statistics[item->field_number].size)
		return false;
	if (item->kind == DRILL_ELLIPSIS)
		return true;
	memcpy(&asked, &item->value, statistics[item->field_number].size);
	off = (int64_t)(value - asked);
	if (!statistics[item->field_number].is_time || !asked)
		return value == asked;
	return (off < 0 ? -off : off) <= call_wire(call)->tolerance_ns / 1000;
}

/* Walks both; gives the first one that is not alike, NULL: all are. */
static const struct drill_expr *other_statistic(const struct drill_prepared *call, const struct drill_expr *expr,
						const uint8_t *data, size_t length)
{
	size_t at = 0;

	for (const struct drill_expr *item = expr->items; item; item = item->next) {
		const struct nlattr *attr = (const void *)(data + at);

		if (at + NLA_HDRLEN > length || attr->nla_len < NLA_HDRLEN || at + attr->nla_len > length ||
		    !same_statistic(call, item, attr))
			return item;
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static void put_statistics_text(const struct drill_prepared *call, const struct drill_expr *expr, const uint8_t *data,
				size_t length, struct call_text *text)
{
	const struct drill_expr *item = expr ? expr->items : NULL;

	call_put(text, "{");
	for (size_t at = 0; at + NLA_HDRLEN <= length;) {
		const struct nlattr *attr = (const void *)(data + at);

		if (attr->nla_len < NLA_HDRLEN || at + attr->nla_len > length)
			break;
		call_put(text, at ? ", " : "");
		if (attr->nla_type < STATISTICS)
			call_put(text, "%s=", statistics[attr->nla_type].name);
		else
			call_put(text, "%u=", attr->nla_type);
		if (item && same_statistic(call, item, attr))
			call_put_expr(text, item);
		else
			call_put(text, "%llu", (unsigned long long)attr_value(attr));
		item = item ? item->next : NULL;
		at += NLA_ALIGN(attr->nla_len);
	}
	call_put(text, "}");
}

/* ---------------------------------------------------------------- the data of a control message */

enum { TIMESTAMPS = 3 };

/* As the kernel writes it behind an extended error: whom it came from. */
static size_t extended_err_size(int level)
{
	return sizeof(struct sock_extended_err) +
	       (level == SOL_IP ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

static bool read_extended_err(const struct drill_expr *expr, struct sock_extended_err *err, struct drill_text *why)
{
	static const char *const names[] = {"ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data"};
	int32_t value[6];

	for (size_t i = 0; i < 6; i++) {
		if (!call_int32(drill_field(expr, names[i]), &value[i], names[i], why))
			return false;
		if (i >= 1 && i <= 3 && (value[i] < INT8_MIN || value[i] > UINT8_MAX))
			return call_fail(why, "%s does not fit into 8 bits", names[i]);
	}
	err->ee_errno = (uint32_t)value[0];
	err->ee_origin = (uint8_t)value[1];
	err->ee_type = (uint8_t)value[2];
	err->ee_code = (uint8_t)value[3];
	err->ee_info = (uint32_t)value[4];
	err->ee_data = (uint32_t)value[5];
	return true;
}

/* The first of the three stamps; the two others, and one that is 0, are not compared. */
static bool read_timestamping(const struct drill_expr *expr, struct timespec *stamp, struct drill_text *why)
{
	const struct drill_expr *sec = drill_field(expr, "scm_sec"), *nsec = drill_field(expr, "scm_nsec");

	if (!drill_is_number(sec) || !drill_is_number(nsec))
		return call_fail(why, "scm_sec and scm_nsec have to be numbers");
	stamp->tv_sec = (time_t)sec->value;
	stamp->tv_nsec = (long)nsec->value;
	return true;
}

/* @expr as bytes; gives their number, -1 with the reason. */
static long read_control_data(const struct drill_expr *expr, int level, uint8_t *to, size_t room,
			      struct drill_text *why)
{
	if (drill_is_number(expr))
		return call_int32(expr, (int32_t *)to, "cmsg_data", why) ? (long)sizeof(int32_t) : -1;
	if (expr->kind == DRILL_STRUCT && expr->form == DRILL_TIMESTAMPING)
		return read_timestamping(expr, (struct timespec *)to, why)
			       ? (long)(TIMESTAMPS * sizeof(struct timespec))
			       : -1;
	if (expr->kind == DRILL_STRUCT && expr->form == DRILL_EXTENDED_ERR)
		return read_extended_err(expr, (struct sock_extended_err *)to, why) ? (long)extended_err_size(level)
										    : -1;
	if (expr->kind == DRILL_STRUCT && expr->form == DRILL_NAMED_VALUES)
		return read_statistics(expr, to, room, why);
	call_fail(why, "cmsg_data has to be a number, {scm_sec=}, {ee_errno=} or {TCP_NLA_...=}");
	return -1;
}

static bool same_timestamping(const struct drill_prepared *call, const struct timespec *asked,
			      const struct timespec *is)
{
	int64_t off;

	if (!asked->tv_sec && !asked->tv_nsec)
		return true;
	off = ((int64_t)is->tv_sec - asked->tv_sec) * NS_PER_S + is->tv_nsec - asked->tv_nsec -
	      call_wire(call)->begin_ns;
	return (off < 0 ? -off : off) <= call_wire(call)->tolerance_ns;
}

static bool same_control_data(const struct drill_prepared *call, const struct drill_expr *expr,
			      const struct cmsghdr *asked, const struct cmsghdr *is)
{
	size_t length = is->cmsg_len - CMSG_LEN(0);

	if (expr->kind != DRILL_STRUCT)
		return !memcmp(CMSG_DATA(asked), CMSG_DATA(is), length);
	switch (expr->form) {
	case DRILL_TIMESTAMPING:
		return same_timestamping(call, (const void *)CMSG_DATA(asked), (const void *)CMSG_DATA(is));
	case DRILL_EXTENDED_ERR:
		return !memcmp(CMSG_DATA(asked), CMSG_DATA(is), offsetof(struct sock_extended_err, ee_pad)) &&
		       !memcmp(CMSG_DATA(asked) + offsetof(struct sock_extended_err, ee_info),
			       CMSG_DATA(is) + offsetof(struct sock_extended_err, ee_info), 2 * sizeof(uint32_t));
	default:
		return !other_statistic(call, expr, CMSG_DATA(is), length);
	}
}

static void put_timestamping_text(const struct drill_prepared *call, const struct timespec *stamp,
				  struct call_text *text)
{
	int64_t ns = (int64_t)stamp->tv_sec * NS_PER_S + stamp->tv_nsec - call_wire(call)->begin_ns;

	call_put(text, "{scm_sec=%lld, scm_nsec=%lld}", (long long)(ns / NS_PER_S), (long long)(ns % NS_PER_S));
}

static void put_extended_err_text(const struct sock_extended_err *err, struct call_text *text)
{
	const char *name = err->ee_errno ? drill_errno_name((int)err->ee_errno) : NULL;

	if (name)
		call_put(text, "{ee_errno=%s", name);
	else
		call_put(text, "{ee_errno=%u", err->ee_errno);
	call_put(text, ", ee_origin=%u, ee_type=%u, ee_code=%u, ee_info=%u, ee_data=%u}", err->ee_origin, err->ee_type,
		 err->ee_code, err->ee_info, err->ee_data);
}

static bool is_error(const struct cmsghdr *cmsg)
{
	return (cmsg->cmsg_level == SOL_IP && cmsg->cmsg_type == IP_RECVERR) ||
	       (cmsg->cmsg_level == SOL_IPV6 && cmsg->cmsg_type == IPV6_RECVERR);
}

/* By what it says of itself: it need not be what the script asks for. */
static void put_control_data_text(const struct drill_prepared *call, const struct drill_expr *expr,
				  const struct cmsghdr *cmsg, struct call_text *text)
{
	size_t length = cmsg->cmsg_len - CMSG_LEN(0);
	const uint8_t *data = CMSG_DATA(cmsg);

	if (is_error(cmsg) && length >= sizeof(struct sock_extended_err))
		put_extended_err_text((const void *)data, text);
	else if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TIMESTAMPING &&
		 length >= sizeof(struct timespec))
		put_timestamping_text(call, (const void *)data, text);
	else if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TIMESTAMPING_OPT_STATS)
		put_statistics_text(call, expr && expr->kind == DRILL_STRUCT ? expr : NULL, data, length, text);
	else if (length == sizeof(int32_t))
		call_put(text, "%d", *(const int32_t *)data);
	else
		call_put_bytes(text, data, length);
}

/* ---------------------------------------------------------------- control messages */

/* All of @expr's into @msg, whose length they fill; without @expr there is no room. */
static bool read_control(struct drill_prepared *call, const struct drill_expr *expr, struct msghdr *msg,
			 struct drill_text *why)
{
	struct cmsghdr *cmsg;
	size_t used = 0;
	long length;

	if (!expr)
		return true;
	if (expr->kind != DRILL_LIST)
		return call_fail(why, "msg_control has to be a list");
	msg->msg_control = call_alloc(call, MAX_CONTROL);
	for (const struct drill_expr *item = expr->items; item; item = item->next) {
		cmsg = (struct cmsghdr *)((uint8_t *)msg->msg_control + used);
		if (item->kind != DRILL_STRUCT || item->form != DRILL_CMSG)
			return call_fail(why, "msg_control has to be a list of {cmsg_level=, cmsg_type=, cmsg_data=}");
		if (used + CMSG_SPACE(256) > MAX_CONTROL)
			return call_fail(why, "these are too many control messages");
		if (!call_int32(drill_field(item, "cmsg_level"), &cmsg->cmsg_level, "cmsg_level", why) ||
		    !call_int32(drill_field(item, "cmsg_type"), &cmsg->cmsg_type, "cmsg_type", why))
			return false;
		length = read_control_data(drill_field(item, "cmsg_data"), cmsg->cmsg_level, CMSG_DATA(cmsg),
					   MAX_CONTROL - used - CMSG_LEN(0), why);
		if (length < 0)
			return false;
		cmsg->cmsg_len = CMSG_LEN((size_t)length);
		used += CMSG_SPACE((size_t)length);
	}
	msg->msg_controllen = used;
	return true;
}

static bool same_control(const struct drill_prepared *call, const struct drill_expr *item, const struct cmsghdr *asked,
			 const struct cmsghdr *is)
{
	return asked->cmsg_level == is->cmsg_level && asked->cmsg_type == is->cmsg_type &&
	       asked->cmsg_len == is->cmsg_len && same_control_data(call, drill_field(item, "cmsg_data"), asked, is);
}

static void put_control_text(const struct drill_prepared *call, const struct drill_expr *item,
			     const struct cmsghdr *asked, const struct cmsghdr *is, struct call_text *text)
{
	if (item && same_control(call, item, asked, is)) {
		call_put_expr(text, item);
		return;
	}
	call_put(text, "{cmsg_level=");
	if (item && asked->cmsg_level == is->cmsg_level)
		call_put_expr(text, drill_field(item, "cmsg_level"));
	else
		call_put(text, "%d", is->cmsg_level);
	call_put(text, ", cmsg_type=");
	if (item && asked->cmsg_level == is->cmsg_level && asked->cmsg_type == is->cmsg_type)
		call_put_expr(text, drill_field(item, "cmsg_type"));
	else
		call_put(text, "%d", is->cmsg_type);
	call_put(text, ", cmsg_data=");
	put_control_data_text(call, item ? drill_field(item, "cmsg_data") : NULL, is, text);
	call_put(text, "}");
}

/* ---------------------------------------------------------------- struct msghdr */

/* struct message - what recvmsg() gets, with what is expected in it; @msg is the first: its address is the argument */
struct message {
	struct msghdr msg;
	struct msghdr asked;
};

static bool read_message(struct drill_prepared *call, const struct drill_expr *expr, bool receives,
			 struct message *message, struct drill_text *why)
{
	const struct drill_expr *name, *iov, *flags;
	struct msghdr *msg = &message->msg;

	if (expr->kind != DRILL_STRUCT || expr->form != DRILL_MSGHDR)
		return call_fail(why, "a message has to be {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=0}");
	name = drill_field(expr, "msg_name");
	iov = drill_field(expr, "msg_iov");
	flags = drill_field(expr, "msg_flags");
	if (name->kind != DRILL_ELLIPSIS || name->count->kind != DRILL_ELLIPSIS)
		return call_fail(why, "an address of the script's own is not supported here: write msg_name(...)=...");
	msg->msg_name = call_alloc(call, sizeof(struct sockaddr_storage));
	msg->msg_namelen = sizeof(struct sockaddr_storage);
	msg->msg_iov = read_iovecs(call, iov, iov->count, receives, why);
	if (!msg->msg_iov)
		return false;
	msg->msg_iovlen = (size_t)iov->count->value;
	if (!call_int32(flags, &msg->msg_flags, "msg_flags", why))
		return false;
	return read_control(call, drill_field(expr, "msg_control"), msg, why);
}

static bool put_msg_recv(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			 struct drill_text *why)
{
	struct message *message = call_alloc(call, sizeof(*message));

	call->sys.arg[at] = (uintptr_t)&message->msg;
	if (!read_message(call, expr, true, message, why))
		return false;
	message->asked = message->msg;
	message->msg.msg_flags = 0;
	if (message->msg.msg_control)
		message->msg.msg_control = call_alloc(call, MAX_CONTROL);
	return true;
}

static bool put_msg_send(struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			 struct drill_text *why)
{
	struct message *message = call_alloc(call, sizeof(*message));

	call->sys.arg[at] = (uintptr_t)&message->msg;
	if (!read_message(call, expr, false, message, why))
		return false;
	if (message->msg.msg_flags)
		return call_fail(why, "sendmsg() does not look at msg_flags: it has to be 0");
	message->msg.msg_namelen = call_name(call, false, message->msg.msg_name);
	call_connects(call, false);
	return true;
}

/* The first control message, or the one behind @cmsg; NULL where none is whole. */
static struct cmsghdr *next_control(struct msghdr *msg, struct cmsghdr *cmsg)
{
	struct cmsghdr *next = cmsg ? CMSG_NXTHDR(msg, cmsg) : CMSG_FIRSTHDR(msg);
	size_t at = next ? (size_t)((uint8_t *)next - (uint8_t *)msg->msg_control) : 0;

	return next && next->cmsg_len >= CMSG_LEN(0) && next->cmsg_len <= msg->msg_controllen - at ? next : NULL;
}

static bool check_control(const struct drill_prepared *call, const struct drill_expr *item, struct message *message,
			  struct drill_text *wrong)
{
	struct cmsghdr *is = next_control(&message->msg, NULL), *asked = next_control(&message->asked, NULL);
	struct call_text text = {wrong->text, sizeof(wrong->text), 0};
	unsigned n = 0;

	for (; is && item; item = item->next, n++) {
		if (!same_control(call, item, asked, is)) {
			call_put(&text, "control message %u is ", n + 1);
			put_control_text(call, item, asked, is, &text);
			call_put(&text, " instead of ");
			call_put_expr(&text, item);
			return false;
		}
		is = next_control(&message->msg, is);
		asked = next_control(&message->asked, asked);
	}
	if (is)
		return call_fail(wrong, "there are more than %u control messages", n);
	return !item || call_fail(wrong, "there are only %u control messages", n);
}

static void put_flags_text(struct call_text *text, int flags)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{MSG_OOB, "MSG_OOB"},
		{MSG_CTRUNC, "MSG_CTRUNC"},
		{MSG_TRUNC, "MSG_TRUNC"},
		{MSG_EOR, "MSG_EOR"},
		{MSG_ERRQUEUE, "MSG_ERRQUEUE"},
		{MSG_DONTWAIT, "MSG_DONTWAIT"},
		{MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"},
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(flags & names[i].bit))
			continue;
		call_put(text, "%s%s", comma, names[i].name);
		flags &= ~names[i].bit;
		comma = "|";
	}
	if (flags || !*comma)
		call_put(text, flags ? "%s0x%x" : "%s%d", comma, flags);
}

static bool check_msg_recv(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			   struct drill_text *wrong)
{
	struct message *message = (struct message *)(uintptr_t)call->sys.arg[at];
	const struct drill_expr *control = drill_field(expr, "msg_control");
	struct call_text text = {wrong->text, sizeof(wrong->text), 0};

	if (call->sys.result < 0)
		return true;
	if (message->msg.msg_flags == message->asked.msg_flags)
		return check_control(call, control ? control->items : NULL, message, wrong);
	call_put(&text, "msg_flags is ");
	put_flags_text(&text, message->msg.msg_flags);
	call_put(&text, " instead of ");
	put_flags_text(&text, message->asked.msg_flags);
	return false;
}

static void tell_msg_recv(const struct drill_prepared *call, unsigned at, const struct drill_expr *expr,
			  struct call_text *text)
{
	struct message *message = (struct message *)(uintptr_t)call->sys.arg[at];
	struct cmsghdr *is = next_control(&message->msg, NULL), *asked = next_control(&message->asked, NULL);
	const struct drill_expr *control = drill_field(expr, "msg_control");
	const struct drill_expr *item = control ? control->items : NULL;

	if (call->sys.result < 0)
		return;
	call_put(text, "{msg_name(...)=..., msg_iov(%zu)=", message->msg.msg_iovlen);
	put_iov_text(text, message->msg.msg_iov, message->msg.msg_iovlen, call->sys.result);
	call_put(text, ", msg_flags=");
	put_flags_text(text, message->msg.msg_flags);
	call_put(text, control || is ? ", msg_control=[" : "");
	for (bool first = true; is; first = false) {
		call_put(text, first ? "" : ", ");
		put_control_text(call, item, asked, is, text);
		is = next_control(&message->msg, is);
		asked = asked ? next_control(&message->asked, asked) : NULL;
		item = item ? item->next : NULL;
	}
	call_put(text, control || message->msg.msg_controllen ? "]}" : "}");
}

const struct call_arg call_arg_read_iov = {.put = put_read_iov, .tell = tell_read_iov};
const struct call_arg call_arg_write_iov = {.put = put_write_iov};
const struct call_arg call_arg_msg_recv = {put_msg_recv, check_msg_recv, tell_msg_recv};
const struct call_arg call_arg_msg_send = {.put = put_msg_send};
