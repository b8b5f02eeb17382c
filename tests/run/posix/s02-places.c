// SPDX-License-Identifier: MIT
/*
 * posix/s02-places.c - where calls are made from: vfork children, threads beside a fork, jails, without numbers to spare
 */
#include "tap.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int exit_status(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void what_a_vfork_child_does_to_numbers_is_its_own(void)
{
	struct duo duo = duo_open();
	int null = open("/dev/null", O_RDWR);
	char word[8];
	pid_t pid = vfork();

	if (pid == 0) {
		dup2(duo.fd, null);
		_exit(fcntl(null, F_GETFL) < 0 || send(null, "v", 1, 0) != 1 || close(duo.fd) || close(duo.peer) || close(null));
	}
	EXPECT(exit_status(pid) == 0);
	EXPECT(recv(duo.peer, word, sizeof(word), 0) == 1);
	EXPECT(read(null, word, 1) == 0);
	EXPECT(send(duo.peer, "a", 1, 0) == 1 && recv(duo.fd, word, sizeof(word), 0) == 1);
	close(null);
	duo_close(&duo);
}

static int numbers_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_vfork_child_that_closes_everything_takes_nothing_away(void)
{
	struct duo duo = duo_open();
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0), pipe_ends[2], before, got;
	pid_t pid;

	EXPECT(pipe(pipe_ends) == 0);
	epoll_ctl(set, EPOLL_CTL_ADD, pipe_ends[0], &event);
	epoll_ctl(set, EPOLL_CTL_ADD, duo.fd, &event);
	got = epoll_wait(set, &event, 1, 0);
	before = numbers_open();
	for (int i = 0; i < 20; i++) {
		pid = vfork();
		if (pid == 0) {
			close(set);
			_exit(close_range(3, ~0u, 0));
		}
		EXPECT(exit_status(pid) == 0);
		got += epoll_wait(set, &event, 1, 0);
	}
	EXPECT(got == 0 && numbers_open() == before);
	EXPECT(write(pipe_ends[1], "a", 1) == 1 && epoll_wait(set, &event, 1, 1000) == 1);
	EXPECT(send(duo.peer, "a", 1, 0) == 1 && sight(duo.fd, 1000) == DATA);
	close(set);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	duo_close(&duo);
}

static void what_another_thread_accepts_is_not_the_childs(void)
{
	int listener = listen_at(0, 1), peer;
	struct blocked *accepting = blocked_start(ACCEPT, listener);
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	peer = dial();
	EXPECT(blocked_done(accepting, 1000) && accepting->result >= 0);
	close((int)accepting->result);
	EXPECT(sight(peer, 1000) == END);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(peer);
	close(listener);
}

static void from_a_jail_as_nobody(void)
{
	char jail[] = "/tmp/jail-XXXXXX", word[8];
	struct duo duo = duo_open();
	pid_t pid;

	if (geteuid() || !mkdtemp(jail)) {
		duo_close(&duo);
		return; /* needs root */
	}
	pid = fork();
	if (pid == 0) {
		if (chroot(jail) || chdir("/") || setuid(65534) || send(duo.fd, "j", 1, 0) != 1)
			_exit(1);
		pid = fork();
		if (pid == 0)
			_exit(socket(AF_INET, SOCK_STREAM, 0) < 0);
		_exit(exit_status(pid));
	}
	EXPECT(exit_status(pid) == 0);
	EXPECT(recv(duo.peer, word, sizeof(word), 0) == 1);
	rmdir(jail);
	duo_close(&duo);
}

static void without_a_number_to_spare(void)
{
	int listener = listen_at(0, 4), peer = dial(), last = -1;
	struct rlimit old, few = { .rlim_cur = 64 };
	pid_t pid;

	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_NOFILE, &few);
		for (int fd; (fd = dup(listener)) >= 0;)
			last = fd;
		if (socket(AF_INET, SOCK_STREAM, 0) != -1 || errno != EMFILE || accept(listener, NULL, NULL) != -1 || errno != EMFILE)
			_exit(1);
		close(last);
		_exit(accept(listener, NULL, NULL) != last); /* the connection waited */
	}
	EXPECT(exit_status(pid) == 0);
	close(peer);
	close(listener);
}

static void errno_is_left_alone(void)
{
	struct duo duo = duo_open();
	char word[8];
	int other;

	errno = 77;
	other = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(send(duo.fd, "a", 1, 0) == 1 && recv(duo.peer, word, 1, 0) == 1);
	EXPECT(port_of(duo.fd) > 0 && dup2(duo.fd, other) == other && close(other) == 0);
	EXPECT(errno == 77);
	duo_close(&duo);
}

static void it_looks_like_a_socket(void)
{
	char path[40], link[40] = "", wanted[40];
	struct duo duo = duo_open();
	struct stat st;

	EXPECT(fstat(duo.fd, &st) == 0 && S_ISSOCK(st.st_mode));
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", (unsigned long)st.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", duo.fd);
	EXPECT(readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, wanted));
	EXPECT_ERRNO(open(path, O_RDONLY), ENXIO);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(what_a_vfork_child_does_to_numbers_is_its_own),
	CASE(a_vfork_child_that_closes_everything_takes_nothing_away),
	CASE(what_another_thread_accepts_is_not_the_childs),
	CASE(from_a_jail_as_nobody),
	CASE(without_a_number_to_spare),
	CASE(errno_is_left_alone),
	CASE(it_looks_like_a_socket),
};
TAP_MAIN(cases)
