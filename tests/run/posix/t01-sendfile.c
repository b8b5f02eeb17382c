// SPDX-License-Identifier: MIT
/*
 * posix/t01-sendfile.c - sendfile() into a connection, splice() between pipes and connections
 */
#include "tap.h"

#include <sys/sendfile.h>

#define BIG (1 << 20)

static char pattern(size_t at)
{
	return (char)(at * 7 + at / 251);
}

static int file_of(size_t size)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	char *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		tap_bail("file");
	lseek(fd, 0, SEEK_SET);
	free(bytes);
	return fd;
}

struct reader {
	int fd;
	size_t from, got;
	bool good;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	char buf[32768];
	ssize_t n;

	r->good = true;
	while ((n = recv(r->fd, buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			r->good &= buf[i] == pattern(r->from + r->got++);
	r->good &= n == 0;
	return NULL;
}

static void a_file_arrives_whole_and_its_position_moves(void)
{
	struct duo duo = duo_open();
	struct reader reader = {.fd = duo.peer};
	int file = file_of(BIG);
	pthread_t thread;

	pthread_create(&thread, NULL, read_all, &reader);
	EXPECT(sendfile(duo.fd, file, NULL, BIG + 1000) == BIG);
	EXPECT(lseek(file, 0, SEEK_CUR) == BIG);
	EXPECT(sendfile(duo.fd, file, NULL, 10) == 0);
	close(duo.fd);
	pthread_join(thread, NULL);
	EXPECT(reader.got == BIG && reader.good);
	close(duo.peer);
	close(file);
}

static void with_an_offset_the_position_stays(void)
{
	struct duo duo = duo_open();
	struct reader reader = {.fd = duo.peer, .from = 1000};
	int file = file_of(5000);
	off_t offset = 1000;

	EXPECT(sendfile(duo.fd, file, &offset, 3000) == 3000);
	EXPECT(offset == 4000 && lseek(file, 0, SEEK_CUR) == 0);
	EXPECT(sendfile(duo.fd, file, &offset, 3000) == 1000);
	EXPECT(offset == 5000);
	offset = 9000;
	EXPECT(sendfile(duo.fd, file, &offset, 10) == 0 && offset == 9000);
	offset = -1;
	EXPECT_ERRNO(sendfile(duo.fd, file, &offset, 10), EINVAL);
	EXPECT(sendfile(duo.fd, file, NULL, 0) == 0);
	close(duo.fd);
	read_all(&reader);
	EXPECT(reader.got == 4000 && reader.good);
	close(duo.peer);
	close(file);
}

static void without_room_it_sends_a_part_or_says_EAGAIN(void)
{
	struct duo duo = duo_open();
	struct reader reader = {.fd = duo.peer};
	int file = file_of(64 * BIG);
	off_t offset = 0;
	ssize_t n, total = 0;

	fcntl(duo.fd, F_SETFL, O_NONBLOCK);
	for (int quiet = 0; quiet < 3;) {
		n = sendfile(duo.fd, file, &offset, 64 * BIG);
		total += n > 0 ? n : 0;
		quiet += n < 0;
		if (n < 0) {
			EXPECT(errno == EAGAIN);
			nap_ms(50);
		}
	}
	EXPECT(total > 0 && total < 64 * BIG && offset == total);
	close(duo.fd);
	read_all(&reader);
	EXPECT(reader.got == (size_t)total && reader.good);
	close(duo.peer);
	close(file);
}

static volatile sig_atomic_t *pipes;

static void a_peer_that_is_gone_means_EPIPE_and_a_signal(void)
{
	struct duo duo = duo_open();
	int file = file_of(5000), pipe_ends[2];

	EXPECT(pipe(pipe_ends) == 0 && write(pipe_ends[1], "abc", 3) == 3);
	count_signal(SIGPIPE, &pipes);
	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT_ERRNO(sendfile(duo.fd, file, NULL, 10), EPIPE);
	EXPECT(*pipes == 1 && lseek(file, 0, SEEK_CUR) == 0);
	EXPECT_ERRNO(splice(pipe_ends[0], NULL, duo.fd, NULL, 3, 0), EPIPE);
	EXPECT(*pipes == 2);
	signal(SIGPIPE, SIG_IGN);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	close(file);
	duo_close(&duo);
}

static void what_sendfile_refuses(void)
{
	struct duo duo = duo_open();
	int file = file_of(10), ends[2], wronly = open("/dev/null", O_WRONLY);
	off_t offset = 0;

	EXPECT(pipe(ends) == 0);
	EXPECT_ERRNO(sendfile(duo.fd, ends[0], NULL, 10), EINVAL);
	EXPECT_ERRNO(sendfile(duo.fd, ends[0], &offset, 10), ESPIPE);
	EXPECT_ERRNO(sendfile(duo.fd, duo.peer, NULL, 10), EINVAL);
	EXPECT_ERRNO(sendfile(file, duo.fd, NULL, 10), EINVAL);
	EXPECT_ERRNO(sendfile(file, duo.fd, &offset, 10), ESPIPE);
	EXPECT_ERRNO(sendfile(duo.fd, wronly, NULL, 10), EBADF);
	EXPECT_ERRNO(sendfile(duo.fd, 999, NULL, 10), EBADF);
	EXPECT_ERRNO(sendfile(999, file, NULL, 10), EBADF);
	close(ends[0]);
	close(ends[1]);
	close(wronly);
	close(file);
	duo_close(&duo);
}

static void splice_carries_a_pipe_into_a_connection(void)
{
	struct duo duo = duo_open();
	int ends[2];
	char buf[16] = "";

	EXPECT(pipe(ends) == 0 && write(ends[1], "hello world", 11) == 11);
	EXPECT(splice(ends[0], NULL, duo.fd, NULL, 5, 0) == 5);
	EXPECT(recv(duo.peer, buf, 5, MSG_WAITALL) == 5 && !memcmp(buf, "hello", 5));
	EXPECT(splice(ends[0], NULL, duo.fd, NULL, 100, 0) == 6);
	EXPECT(recv(duo.peer, buf, 6, MSG_WAITALL) == 6 && !memcmp(buf, " world", 6));
	EXPECT_ERRNO(splice(ends[0], NULL, duo.fd, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	close(ends[1]);
	EXPECT(splice(ends[0], NULL, duo.fd, NULL, 100, 0) == 0);
	close(ends[0]);
	duo_close(&duo);
}

static void splice_carries_a_connection_into_a_pipe(void)
{
	struct duo duo = duo_open();
	int ends[2];
	char buf[16] = "";

	EXPECT(pipe(ends) == 0 && send(duo.peer, "hello world", 11, 0) == 11);
	nap_ms(50);
	EXPECT(splice(duo.fd, NULL, ends[1], NULL, 5, 0) == 5);
	EXPECT(splice(duo.fd, NULL, ends[1], NULL, 100, 0) == 6);
	EXPECT(read(ends[0], buf, 16) == 11 && !memcmp(buf, "hello world", 11));
	fcntl(duo.fd, F_SETFL, O_NONBLOCK);
	EXPECT_ERRNO(splice(duo.fd, NULL, ends[1], NULL, 100, 0), EAGAIN);
	fcntl(duo.fd, F_SETFL, 0);
	EXPECT(shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(splice(duo.fd, NULL, ends[1], NULL, 100, 0) == 0);
	close(ends[0]);
	close(ends[1]);
	duo_close(&duo);
}

static void a_full_pipe_takes_what_it_can_and_the_rest_stays(void)
{
	struct duo duo = duo_open();
	struct reader reader = {.fd = duo.fd};
	char *bytes = malloc(BIG);
	int ends[2];
	ssize_t n, total = 0;

	for (int i = 0; i < 200000; i++)
		bytes[i] = pattern((size_t)i);
	EXPECT(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
	EXPECT(send(duo.peer, bytes, 200000, 0) == 200000 && shutdown(duo.peer, SHUT_WR) == 0);
	nap_ms(100);
	while ((n = splice(duo.fd, NULL, ends[1], NULL, BIG, SPLICE_F_NONBLOCK)) > 0)
		total += n;
	EXPECT(n == -1 && errno == EAGAIN && total > 0 && total < 200000);
	n = read(ends[0], bytes, BIG);
	EXPECT(n > 0 && n <= total);
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] != pattern((size_t)i))
			EXPECT(!"what came out of the pipe went in");
	reader.from = (size_t)total;
	read_all(&reader);
	EXPECT(reader.good && reader.from + reader.got == 200000);
	free(bytes);
	close(ends[0]);
	close(ends[1]);
	duo_close(&duo);
}

static void what_splice_and_its_kin_refuse(void)
{
	struct duo duo = duo_open();
	int file = file_of(10), ends[2];
	struct iovec iov = {"a", 1};
	off_t offset = 0;

	EXPECT(pipe(ends) == 0 && write(ends[1], "a", 1) == 1);
	EXPECT_ERRNO(splice(duo.fd, NULL, duo.peer, NULL, 10, 0), EINVAL);
	EXPECT_ERRNO(splice(file, NULL, duo.fd, NULL, 10, 0), EINVAL);
	EXPECT_ERRNO(splice(duo.fd, NULL, file, NULL, 10, 0), EINVAL);
	EXPECT_ERRNO(splice(ends[0], NULL, duo.fd, &offset, 1, 0), EINVAL);
	EXPECT_ERRNO(splice(ends[0], &offset, duo.fd, NULL, 1, 0), ESPIPE);
	EXPECT_ERRNO(splice(duo.fd, &offset, ends[1], NULL, 1, 0), EINVAL);
	EXPECT_ERRNO(splice(duo.fd, NULL, ends[1], &offset, 1, 0), ESPIPE);
	EXPECT_ERRNO(splice(ends[0], NULL, duo.fd, NULL, 1, 0x80), EINVAL);
	EXPECT_ERRNO(splice(ends[0], NULL, 999, NULL, 1, 0), EBADF);
	EXPECT(splice(ends[0], NULL, duo.fd, NULL, 0, 0) == 0);
	EXPECT_ERRNO(tee(duo.fd, ends[1], 1, 0), EINVAL);
	EXPECT_ERRNO(tee(ends[0], duo.fd, 1, 0), EINVAL);
	EXPECT_ERRNO(vmsplice(duo.fd, &iov, 1, 0), EBADF);
	EXPECT_ERRNO(copy_file_range(file, NULL, duo.fd, NULL, 10, 0), EINVAL);
	EXPECT(sight(duo.peer, 50) == NOTHING);
	close(ends[0]);
	close(ends[1]);
	close(file);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(a_file_arrives_whole_and_its_position_moves),
	CASE(with_an_offset_the_position_stays),
	CASE(without_room_it_sends_a_part_or_says_EAGAIN),
	CASE(a_peer_that_is_gone_means_EPIPE_and_a_signal),
	CASE(what_sendfile_refuses),
	CASE(splice_carries_a_pipe_into_a_connection),
	CASE(splice_carries_a_connection_into_a_pipe),
	CASE(a_full_pipe_takes_what_it_can_and_the_rest_stays),
	CASE(what_splice_and_its_kin_refuse),
};
TAP_MAIN(cases)
