// SPDX-License-Identifier: MIT
/*
 * posix/i03-by-number.c - system calls made with syscall(2) mean the same descriptors as libc's functions
 */
#include "tap.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void a_connection_made_and_used_by_number(void)
{
	int l = listen_at(0, 4), one = 1;
	struct sockaddr_storage at, name;
	socklen_t len = sizeof(at), short_len;
	char buf[16];
	long c, s;

	EXPECT(syscall(SYS_getsockname, l, &at, &len) == 0);
	EXPECT(((struct sockaddr_in *)&at)->sin_port == htons((uint16_t)port_of(l))); /* stands there in both families */
	short_len = len;
	c = syscall(SYS_socket, (long)at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(c >= 0 && syscall(SYS_fcntl, c, F_GETFD) == FD_CLOEXEC);
	EXPECT(syscall(SYS_setsockopt, c, IPPROTO_TCP, TCP_NODELAY, &one, (long)sizeof(one)) == 0);
	EXPECT(syscall(SYS_connect, c, &at, (long)len) == 0);
	s = syscall(SYS_accept4, l, &name, &len, 0L);
	EXPECT(s >= 0 && len == short_len);
	EXPECT(syscall(SYS_sendto, c, "abc", 3L, 0L, NULL, 0L) == 3);
	EXPECT(syscall(SYS_recvfrom, s, buf, 16L, 0L, NULL, NULL) == 3);
	EXPECT(syscall(SYS_write, s, "de", 2L) == 2 && syscall(SYS_read, c, buf, 16L) == 2);
	EXPECT(syscall(SYS_writev, s, &(struct iovec){"fg", 2}, 1L) == 2);
	EXPECT(syscall(SYS_readv, c, &(struct iovec){buf, 16}, 1L) == 2 && !memcmp(buf, "fg", 2));
	EXPECT(syscall(SYS_shutdown, s, (long)SHUT_WR) == 0 && sight((int)c, 1000) == END);
	EXPECT(syscall(SYS_close, s) == 0 && syscall(SYS_close, c) == 0);
	EXPECT(syscall(SYS_close, c) == -1 && errno == EBADF);
	close(l);
}

static void waits_by_number(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};
	struct pollfd p = {duo.fd, POLLIN, 0};
	long set = syscall(SYS_epoll_create1, 0L);

	EXPECT(syscall(SYS_epoll_ctl, set, (long)EPOLL_CTL_ADD, (long)duo.fd, &event) == 0);
	EXPECT(syscall(SYS_epoll_pwait, set, &event, 1L, 20L, NULL, 8L) == 0);
	EXPECT(syscall(SYS_ppoll, &p, 1L, &(struct timespec){0, 1000000}, NULL, 8L) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(syscall(SYS_epoll_pwait, set, &event, 1L, 1000L, NULL, 8L) == 1 && event.data.u64 == 7);
	EXPECT(syscall(SYS_ppoll, &p, 1L, NULL, NULL, 8L) == 1 && p.revents == POLLIN);
	syscall(SYS_close, set);
	duo_close(&duo);
}

static void numbers_by_number(void)
{
	struct duo duo = duo_open();
	long copy = syscall(SYS_dup, (long)duo.fd);
	struct stat st;

	EXPECT(copy >= 0 && syscall(SYS_fstat, copy, &st) == 0 && S_ISSOCK(st.st_mode));
	EXPECT(syscall(SYS_dup3, copy, 200L, (long)O_CLOEXEC) == 200);
	EXPECT(syscall(SYS_close_range, copy, copy, 0L) == 0 && close((int)copy) == -1);
	EXPECT(syscall(SYS_close, (long)duo.fd) == 0);
	EXPECT(sight(duo.peer, 50) == NOTHING);
	EXPECT(syscall(SYS_close_range, 200L, 200L, 0L) == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void a_descriptor_fetched_from_a_child(void)
{
	struct duo duo = duo_open();
	int words[2], status;
	pid_t child;
	long pidfd, fd;
	char byte;

	EXPECT(pipe(words) == 0);
	child = fork();
	if (child == 0) {
		close(words[1]);
		_exit(read(words[0], &byte, 1) != 0);
	}
	close(words[0]);
	pidfd = syscall(SYS_pidfd_open, (long)child, 0L);
	fd = syscall(SYS_pidfd_getfd, pidfd, (long)duo.fd, 0L);
	EXPECT(pidfd >= 0 && fd >= 0);
	close(duo.fd);
	close(words[1]);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1 && recv((int)fd, &byte, 1, 0) == 1);
	EXPECT(sight(duo.peer, 50) == NOTHING);
	close((int)fd);
	EXPECT(sight(duo.peer, 1000) == END);
	close((int)pidfd);
	close(duo.peer);
}

static void other_numbers_are_what_they_were(void)
{
	EXPECT(syscall(SYS_getpid) == getpid());
	EXPECT_ERRNO(syscall(SYS_close, -1L), EBADF);
	EXPECT_ERRNO(syscall(100000L), ENOSYS);
}

static const struct tap_case cases[] = {
	CASE(a_connection_made_and_used_by_number),
	CASE(waits_by_number),
	CASE(numbers_by_number),
	CASE(a_descriptor_fetched_from_a_child),
	CASE(other_numbers_are_what_they_were),
};
TAP_MAIN(cases)
