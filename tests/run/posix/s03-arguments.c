// SPDX-License-Identifier: MIT
/*
 * posix/s03-arguments.c - pointers, lengths and flags that are wrong, and calls that sockets do not know
 */
#include "tap.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

/* Not constants: the compiler knows that these are wrong. */
static void *volatile bad = (void *)-1, *volatile nowhere;
static volatile int negative = -1;

static void bad_pointers_are_EFAULT(void)
{
	struct duo duo = duo_open();
	socklen_t len = sizeof(struct sockaddr_in);
	char name[sizeof(struct sockaddr_in)];

	EXPECT_ERRNO(send(duo.fd, nowhere, 5, 0), EFAULT);
	EXPECT_ERRNO(write(duo.fd, bad, 5), EFAULT);
	EXPECT(send(duo.peer, "ab", 2, 0) == 2 && sight(duo.fd, 1000) == DATA);
	EXPECT_ERRNO(recv(duo.fd, bad, 5, 0), EFAULT);
	EXPECT_ERRNO(read(duo.fd, nowhere, 5), EFAULT);
	EXPECT(recv(duo.fd, name, sizeof(name), 0) == 2);
	EXPECT_ERRNO(recvmsg(duo.fd, bad, 0), EFAULT);
	EXPECT_ERRNO(getsockname(duo.fd, bad, &len), EFAULT);
	EXPECT_ERRNO(getsockname(duo.fd, (struct sockaddr *)name, bad), EFAULT);
	EXPECT_ERRNO(bind(duo.fd, bad, len), EFAULT);
	EXPECT_ERRNO(connect(duo.fd, bad, len), EFAULT);
	EXPECT_ERRNO(setsockopt(duo.fd, SOL_SOCKET, SO_KEEPALIVE, bad, sizeof(int)), EFAULT);
	EXPECT_ERRNO(getsockopt(duo.fd, SOL_SOCKET, SO_KEEPALIVE, name, bad), EFAULT);
	duo_close(&duo);
}

static void bad_lengths_are_EINVAL(void)
{
	struct duo duo = duo_open();
	struct sockaddr_storage name;
	struct iovec iov[2] = { { "ab", 2 }, { "cd", (size_t)negative } };
	struct msghdr many = { .msg_iov = iov, .msg_iovlen = 2000 };
	socklen_t len = (socklen_t)-1;
	int on = 1;

	EXPECT_ERRNO(connect(duo.fd, (struct sockaddr *)&name, 500), EINVAL);
	EXPECT_ERRNO(getsockname(duo.fd, (struct sockaddr *)&name, &len), EINVAL);
	EXPECT_ERRNO(getsockopt(duo.fd, SOL_SOCKET, SO_TYPE, &on, &len), EINVAL);
	EXPECT_ERRNO(setsockopt(duo.fd, IPPROTO_TCP, TCP_NODELAY, &on, 2), EINVAL);
	EXPECT_ERRNO(writev(duo.fd, iov, 2), EINVAL);
	EXPECT_ERRNO(writev(duo.fd, iov, negative), EINVAL);
	EXPECT_ERRNO(sendmsg(duo.fd, &many, 0), EMSGSIZE);
	EXPECT_ERRNO(accept4(duo.fd, NULL, NULL, 1), EINVAL);
	EXPECT_ERRNO(shutdown(duo.fd, 5), EINVAL);
	duo_close(&duo);
}

static void nothing_is_moved_by_lengths_of_zero(void)
{
	struct duo duo = duo_open();
	char byte;

	EXPECT(read(duo.fd, &byte, 0) == 0);
	EXPECT(write(duo.fd, nowhere, 0) == 0);
	EXPECT(send(duo.fd, &byte, 0, 0) == 0);
	EXPECT(sight(duo.peer, 50) == NOTHING);
	duo_close(&duo);
}

static void it_is_neither_file_nor_pipe_nor_terminal(void)
{
	struct duo duo = duo_open();
	char byte;

	EXPECT_ERRNO(lseek(duo.fd, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(pread(duo.fd, &byte, 1, 0), ESPIPE);
	EXPECT_ERRNO(pwrite(duo.fd, "a", 1, 0), ESPIPE);
	EXPECT_ERRNO(ftruncate(duo.fd, 0), EINVAL);
	EXPECT_ERRNO(fsync(duo.fd), EINVAL);
	EXPECT_ERRNO(fcntl(duo.fd, F_GETPIPE_SZ), EBADF);
	EXPECT(!isatty(duo.fd));
	duo_close(&duo);
}

static void some_sockets_are_not_tcp(void)
{
	int fd;

	EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	EXPECT_ERRNO(socket(AF_INET, 99, 0), EINVAL);
	EXPECT((fd = socket(AF_INET, SOCK_DGRAM, 0)) >= 0 && close(fd) == 0);
	EXPECT((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && close(fd) == 0);
}

static void flags_are_the_files_or_the_numbers(void)
{
	struct duo duo = duo_open();
	int copy = fcntl(duo.fd, F_DUPFD_CLOEXEC, 50), on = 0, waiting = 0;
	char byte;

	EXPECT(copy >= 50 && fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(duo.fd, F_GETFD) == 0);
	EXPECT(fcntl(copy, F_SETFL, O_NONBLOCK) == 0 && fcntl(duo.fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
	EXPECT_ERRNO(recv(duo.fd, &byte, 1, 0), EAGAIN);
	EXPECT(ioctl(duo.fd, FIONBIO, &on) == 0 && fcntl(copy, F_GETFL) == O_RDWR);
	EXPECT(send(duo.peer, "abc", 3, 0) == 3 && sight(duo.fd, 1000) == DATA);
	EXPECT(ioctl(copy, FIONREAD, &waiting) == 0 && waiting == 3);
	close(copy);
	duo_close(&duo);
}

static void several_messages_in_one_call(void)
{
	struct duo duo = duo_open();
	char in[2][4];
	struct iovec out = { "abcd", 4 }, room[2] = { { in[0], 4 }, { in[1], 4 } };
	struct mmsghdr sent[2] = { { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } } };
	struct mmsghdr got[2] = { { .msg_hdr = { .msg_iov = &room[0], .msg_iovlen = 1 } },
				  { .msg_hdr = { .msg_iov = &room[1], .msg_iovlen = 1 } } };

	EXPECT(sendmmsg(duo.peer, sent, 2, 0) == 2 && sent[0].msg_len == 4 && sent[1].msg_len == 4);
	EXPECT(recvmmsg(duo.fd, got, 2, 0, NULL) == 2 && got[1].msg_len == 4 && !memcmp(in[1], "abcd", 4));
	EXPECT(send(duo.peer, "ab", 2, 0) == 2);
	EXPECT(recvmmsg(duo.fd, got, 2, MSG_WAITFORONE, NULL) == 1 && got[0].msg_len == 2);
	duo_close(&duo);
}

static void *speak_long(void *fd)
{
	size_t len = 3 << 20;
	char *text = malloc(len);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(i * 7 + i / 1000);
	send(*(int *)fd, text, len, 0);
	free(text);
	return NULL;
}

static void long_ones_arrive_whole(void)
{
	struct duo duo = duo_open();
	size_t len = 3 << 20, wrong = 0;
	char *text = malloc(len);
	pthread_t thread;

	pthread_create(&thread, NULL, speak_long, &duo.peer);
	EXPECT(recv(duo.fd, text, len, MSG_WAITALL) == (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		wrong += text[i] != (char)(i * 7 + i / 1000);
	EXPECT(wrong == 0);
	pthread_join(thread, NULL);
	free(text);
	duo_close(&duo);
}

static void *speak_and_reset(void *fd)
{
	size_t len = 256 << 10;
	char *text = calloc(1, len);

	send(*(int *)fd, text, len, 0);
	nap_ms(200);
	linger(*(int *)fd, 1, 0);
	close(*(int *)fd);
	free(text);
	return NULL;
}

/* Whatever the size of the pieces in which long calls are made. */
static void an_error_after_data_is_the_next_calls(void)
{
	struct duo duo = duo_open();
	size_t room = 1 << 20;
	char *text = malloc(room);
	pthread_t thread;

	pthread_create(&thread, NULL, speak_and_reset, &duo.peer);
	EXPECT(recv(duo.fd, text, room, MSG_WAITALL) == 256 << 10);
	EXPECT_ERRNO(recv(duo.fd, text, room, 0), ECONNRESET);
	EXPECT(recv(duo.fd, text, room, 0) == 0);
	pthread_join(thread, NULL);
	free(text);
	duo.peer = -1;
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(bad_pointers_are_EFAULT),
	CASE(bad_lengths_are_EINVAL),
	CASE(nothing_is_moved_by_lengths_of_zero),
	CASE(it_is_neither_file_nor_pipe_nor_terminal),
	CASE(some_sockets_are_not_tcp),
	CASE(flags_are_the_files_or_the_numbers),
	CASE(several_messages_in_one_call),
	CASE(long_ones_arrive_whole),
	CASE(an_error_after_data_is_the_next_calls),
};
TAP_MAIN(cases)
