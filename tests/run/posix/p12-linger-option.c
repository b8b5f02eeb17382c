// SPDX-License-Identifier: MIT
/*
 * posix/p12-linger-option.c - rows LG-17, LG-21: the values that SO_LINGER takes and gives
 */
#include "tap.h"

static void expect_linger(int fd, int on, int seconds)
{
	struct linger value = { -1, -1 };
	socklen_t len = sizeof(value);

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &len) == 0 && len == sizeof(value));
	EXPECT(value.l_onoff == on && value.l_linger == seconds);
}

static void what_is_set_is_told(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	expect_linger(fd, 0, 0);
	linger(fd, 1, 7);
	expect_linger(fd, 1, 7);
	linger(fd, 5, 0);
	expect_linger(fd, 1, 0);
	linger(fd, 1, 2000000000);
	expect_linger(fd, 1, 2000000000);
	close(fd);
}

static void off_keeps_the_time(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	linger(fd, 1, 7);
	linger(fd, 0, 3);
	expect_linger(fd, 0, 7);
	close(fd);
}

static void a_value_that_is_too_short_is_EINVAL(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	EXPECT_ERRNO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), EINVAL);
	close(fd);
}

static void children_inherit_it_from_their_listener(void)
{
	int listener = listen_at(0, 8), caller, child;

	linger(listener, 1, 0);
	caller = dial();
	child = accept(listener, NULL, NULL);
	expect_linger(child, 1, 0);
	close(child);
	EXPECT(sight(caller, 1000) == RESET);
	close(caller);
	close(listener);
}

static const struct tap_case cases[] = {
	CASE(what_is_set_is_told),
	CASE(off_keeps_the_time),
	CASE(a_value_that_is_too_short_is_EINVAL),
	CASE(children_inherit_it_from_their_listener),
};
TAP_MAIN(cases)
