// SPDX-License-Identifier: MIT
/*
 * posix/t02-zerocopy.c - MSG_ZEROCOPY: what the error queue tells, and when
 */
#include "tap.h"

#include <linux/errqueue.h>

#define BIG (1 << 20)

static struct duo zerocopy_open(void)
{
	struct duo duo = duo_open();
	int on = 1, got = 0;
	socklen_t len = sizeof(got);

	EXPECT(setsockopt(duo.fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) == 0);
	EXPECT(getsockopt(duo.fd, SOL_SOCKET, SO_ZEROCOPY, &got, &len) == 0 && got == 1);
	return duo;
}

static bool told_within(int fd, int ms)
{
	struct pollfd pollfd = {.fd = fd};

	return poll(&pollfd, 1, ms) == 1 && pollfd.revents == POLLERR;
}

/* The next entry of the error queue is about the calls @from to @to, and nothing else. */
static bool tells(int fd, unsigned from, unsigned to)
{
	char control[256], name[64];
	struct msghdr msg = {.msg_name = name,
			     .msg_namelen = sizeof(name),
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct sock_extended_err *err;
	struct cmsghdr *cmsg;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE) != 0 || msg.msg_flags != MSG_ERRQUEUE || msg.msg_namelen)
		return false;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || CMSG_NXTHDR(&msg, cmsg))
		return false;
	if (!(cmsg->cmsg_level == SOL_IP && cmsg->cmsg_type == IP_RECVERR) &&
	    !(cmsg->cmsg_level == SOL_IPV6 && cmsg->cmsg_type == IPV6_RECVERR))
		return false;
	err = (struct sock_extended_err *)CMSG_DATA(cmsg);
	return !err->ee_errno && err->ee_origin == SO_EE_ORIGIN_ZEROCOPY &&
	       err->ee_code == SO_EE_CODE_ZEROCOPY_COPIED && err->ee_info == from && err->ee_data == to;
}

static bool tells_nothing(int fd)
{
	struct msghdr msg = {0};

	return recvmsg(fd, &msg, MSG_ERRQUEUE) == -1 && errno == EAGAIN;
}

static void calls_are_numbered_and_told_when_acknowledged(void)
{
	struct duo duo = zerocopy_open();
	char buf[16];

	EXPECT(tells_nothing(duo.fd));
	EXPECT(send(duo.fd, "hello", 5, MSG_ZEROCOPY) == 5);
	EXPECT(recv(duo.peer, buf, 5, MSG_WAITALL) == 5 && !memcmp(buf, "hello", 5));
	EXPECT(told_within(duo.fd, 1000));
	EXPECT(tells(duo.fd, 0, 0));
	EXPECT(!told_within(duo.fd, 0) && tells_nothing(duo.fd));
	EXPECT(send(duo.fd, "hello", 5, 0) == 5);
	for (int i = 0; i < 3; i++) {
		EXPECT(send(duo.fd, "hello", 5, MSG_ZEROCOPY) == 5);
		nap_ms(100);
	}
	EXPECT(told_within(duo.fd, 1000));
	EXPECT(tells(duo.fd, 1, 3));
	EXPECT(tells_nothing(duo.fd));
	duo_close(&duo);
}

static void *drain_in_a_thread(void *fd)
{
	drain(*(int *)fd);
	return NULL;
}

static void a_long_call_has_one_number(void)
{
	struct duo duo = zerocopy_open();
	char *bytes = calloc(1, BIG), *more = calloc(1, BIG);
	struct iovec iov[2] = {{bytes, BIG}, {more, BIG}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	pthread_t thread;

	pthread_create(&thread, NULL, drain_in_a_thread, &duo.peer);
	EXPECT(send(duo.fd, bytes, BIG, MSG_ZEROCOPY) == BIG);
	EXPECT(sendmsg(duo.fd, &msg, MSG_ZEROCOPY) == 2 * BIG);
	nap_ms(300);
	EXPECT(told_within(duo.fd, 1000));
	EXPECT(tells(duo.fd, 0, 1));
	EXPECT(tells_nothing(duo.fd));
	shutdown(duo.fd, SHUT_WR);
	pthread_join(thread, NULL);
	free(bytes);
	free(more);
	duo_close(&duo);
}

static void a_call_that_fails_has_none(void)
{
	struct duo duo = zerocopy_open();

	EXPECT_ERRNO(send(duo.fd, (void *)1, 5, MSG_ZEROCOPY), EFAULT);
	EXPECT(send(duo.fd, "", 0, MSG_ZEROCOPY) == 0);
	EXPECT(send(duo.fd, "hello", 5, MSG_ZEROCOPY) == 5);
	EXPECT(told_within(duo.fd, 1000));
	EXPECT(tells(duo.fd, 0, 0));
	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT_ERRNO(send(duo.fd, "hello", 5, MSG_ZEROCOPY | MSG_NOSIGNAL), EPIPE);
	EXPECT(tells_nothing(duo.fd));
	duo_close(&duo);
}

static void without_the_option_the_flag_means_nothing(void)
{
	struct duo duo = duo_open();
	int two = 2;

	EXPECT(send(duo.fd, "hello", 5, MSG_ZEROCOPY) == 5);
	EXPECT(!told_within(duo.fd, 100) && tells_nothing(duo.fd));
	EXPECT_ERRNO(setsockopt(duo.fd, SOL_SOCKET, SO_ZEROCOPY, &two, sizeof(two)), EINVAL);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(calls_are_numbered_and_told_when_acknowledged),
	CASE(a_long_call_has_one_number),
	CASE(a_call_that_fails_has_none),
	CASE(without_the_option_the_flag_means_nothing),
};
TAP_MAIN(cases)
