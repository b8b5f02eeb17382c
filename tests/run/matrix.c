// SPDX-License-Identifier: MIT
/*
 * run/matrix.c - the server of the matrix: one connection, one way to prepare it, one way in which its holders let go
 *
 *	matrix ADDRESS PORT
 *
 * For each connection a process of its own accepts, reads the cell's name ("fork linger0\n"), says "ready" and lets
 * go, reference by reference, 50 ms apart. On standard output it says when: "mark WHAT NANOSECONDS", "wake" where the
 * peer has to send something now, and "end" when all processes of the cell are gone. It knows nothing of the stack below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ------------------------------------------------------------------ what the harness reads */

static void say(const char *line)
{
	if (write(1, line, strlen(line)) < 0)
		_exit(1);
}

static void mark(const char *what)
{
	struct timespec now;
	char line[80];

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(line, sizeof(line), "mark %s %lld\n", what, now.tv_sec * 1000000000LL + now.tv_nsec);
	say(line);
}

/* So long that no delayed acknowledgment (40 ms) of the step before falls into the next. */
static void pause_between(void)
{
	struct timespec left = { 0, 50 * 1000000L };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* ------------------------------------------------------------------ how it is prepared */

static void set_linger(int fd, int on, int seconds)
{
	struct linger value = { on, seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof(value)))
		die("SO_LINGER");
}

static void shut(int fd, int how)
{
	mark("shutdown");
	if (shutdown(fd, how) && errno != ENOTCONN)
		die("shutdown");
	pause_between();
}

static void as_it_is(int fd) { (void)fd; }
static void shut_rd(int fd) { shut(fd, SHUT_RD); }
static void shut_wr(int fd) { shut(fd, SHUT_WR); }
static void shut_both(int fd) { shut(fd, SHUT_RDWR); }
static void linger_off(int fd) { set_linger(fd, 1, 0); set_linger(fd, 0, 5); }
static void linger_zero(int fd) { set_linger(fd, 1, 0); }
static void linger_long(int fd) { set_linger(fd, 1, 5); }
static void shut_linger_zero(int fd) { shut_wr(fd); set_linger(fd, 1, 0); }

static void unread(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	say("wake\n");
	if (poll(&p, 1, 2000) != 1)
		die("poll");
}

static const struct {
	const char *name;
	void (*prepare)(int fd);
} preparations[] = {
	{ "close", as_it_is },		{ "shut_rd", shut_rd },		{ "shut_wr", shut_wr },
	{ "shut_both", shut_both },	{ "linger_off", linger_off },	{ "linger_zero", linger_zero },
	{ "linger_long", linger_long }, { "shut_linger_zero", shut_linger_zero },
	{ "unread", unread },
};

/* ------------------------------------------------------------------ how the holders let go */

static void drop(int fd)
{
	mark("close");
	if (close(fd))
		die("close");
	pause_between();
}

static void wait_for(pid_t pid)
{
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("child");
}

static void by_close(int fd)
{
	drop(fd);
}

static void by_dup(int fd)
{
	int copy = dup(fd);

	drop(fd);
	drop(copy);
}

static void by_dup2(int fd)
{
	int null = open("/dev/null", O_RDWR);

	mark("dup2");
	if (dup2(null, fd) != fd)
		die("dup2");
	pause_between();
}

/* The parent lets go first, then the child. */
static void by_fork(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause_between();
		pause_between();
		drop(fd);
		_exit(0);
	}
	drop(fd);
	wait_for(pid);
}

static void by_fork_child_first(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		drop(fd);
		_exit(0);
	}
	wait_for(pid);
	drop(fd);
}

/* A new program has it as its standard input and ends by itself. */
static void by_exec(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fd, 0);
		close(fd);
		execl("/bin/sleep", "sleep", "0.1", NULL);
		_exit(99);
	}
	drop(fd);
	wait_for(pid);
	mark("exited");
	pause_between();
}

static void by_exec_with_cloexec(int fd)
{
	pid_t pid;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		pause_between();
		pause_between();
		mark("exec");
		execl("/bin/sleep", "sleep", "0.1", NULL);
		_exit(99);
	}
	drop(fd);
	wait_for(pid);
}

static void send_number(int way, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec io = { "", 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(way, &msg, 0) != 1)
		die("sendmsg");
}

static int receive_number(int way)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(way, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* In flight while nobody else has it, then another process gets it. */
static void by_message(int fd)
{
	int way[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, way))
		die("socketpair");
	send_number(way[0], fd);
	drop(fd);
	pid = fork();
	if (pid == 0) {
		drop(receive_number(way[1]));
		_exit(0);
	}
	wait_for(pid);
	close(way[0]);
	close(way[1]);
}

static void by_lost_message(int fd)
{
	int way[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, way))
		die("socketpair");
	send_number(way[0], fd);
	drop(fd);
	close(way[0]);
	mark("lost");
	close(way[1]);
	pause_between();
}

static void *read_one(void *arg)
{
	char byte[64];

	if (recv(*(int *)arg, byte, sizeof(byte), 0) < 0 && errno != ECONNRESET)
		die("recv");
	return NULL;
}

/* Another thread sits in recv() while this one closes; what the peer sends then ends both. */
static void by_blocked_reader(int fd)
{
	pthread_t reader;

	if (pthread_create(&reader, NULL, read_one, &fd))
		die("pthread_create");
	pause_between();
	drop(fd);
	say("wake\n");
	pthread_join(reader, NULL);
	pause_between();
}

static void *poll_one(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };

	if (poll(&p, 1, 5000) != 1)
		die("poll");
	return NULL;
}

static void by_blocked_poll(int fd)
{
	pthread_t watcher;

	if (pthread_create(&watcher, NULL, poll_one, &fd))
		die("pthread_create");
	pause_between();
	drop(fd);
	say("wake\n");
	pthread_join(watcher, NULL);
	pause_between();
}

static void by_close_range(int fd)
{
	mark("close_range");
	if (close_range(fd, ~0U, 0))
		die("close_range");
	pause_between();
}

static void by_exit(int fd)
{
	(void)fd;
	mark("exit");
	exit(0);
}

static void by_kill(int fd)
{
	(void)fd;
	mark("kill");
	kill(getpid(), SIGKILL);
}

static void by_kill_while_blocked(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		read_one(&fd);
		_exit(0);
	}
	drop(fd);
	mark("kill");
	kill(pid, SIGKILL);
	wait_for(pid);
	pause_between();
}

static const struct {
	const char *name;
	void (*let_go)(int fd);
} ways[] = {
	{ "plain", by_close },
	{ "dup", by_dup },
	{ "dup2", by_dup2 },
	{ "fork", by_fork },
	{ "fork_child_first", by_fork_child_first },
	{ "exec", by_exec },
	{ "exec_cloexec", by_exec_with_cloexec },
	{ "scm_rights", by_message },
	{ "scm_rights_lost", by_lost_message },
	{ "thread_in_recv", by_blocked_reader },
	{ "thread_in_poll", by_blocked_poll },
	{ "close_range", by_close_range },
	{ "exit", by_exit },
	{ "sigkill", by_kill },
	{ "sigkill_in_recv", by_kill_while_blocked },
};

/* ------------------------------------------------------------------ a cell */

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static void play(int fd, const char *way, const char *preparation)
{
	for (size_t i = 0; i < COUNT(preparations); i++)
		if (!strcmp(preparations[i].name, preparation))
			preparations[i].prepare(fd);
	for (size_t i = 0; i < COUNT(ways); i++)
		if (!strcmp(ways[i].name, way))
			ways[i].let_go(fd);
}

static void one_connection(int listener)
{
	char cell[64] = "", way[32] = "", preparation[32] = "";
	int fd = accept(listener, NULL, NULL);

	close(listener);
	if (fd < 0 || recv(fd, cell, sizeof(cell) - 1, 0) <= 0)
		die("accept");
	if (sscanf(cell, "%31s %31s", way, preparation) != 2 || send(fd, "ready\n", 6, 0) != 6)
		die("cell");
	pause_between();
	play(fd, way, preparation);
}

static void list(void)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		for (size_t j = 0; j < COUNT(preparations); j++)
			printf("%s %s\n", ways[i].name, preparations[j].name);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
		return 2;
	at.sin_port = htons(atoi(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 8))
		die("listen");
	for (;;) {
		pid_t pid;

		say("listening\n");
		pid = fork();
		if (pid == 0) {
			one_connection(listener);
			exit(0);
		}
		wait_for(pid);
		say("end\n");
	}
}
