// SPDX-License-Identifier: MIT
/*
 * run/lent.c - a program that does what loans could get wrong, and says what came of it
 *
 *	lent ADDRESS PORT        for each line "epoll CASE" or "poll CASE" of standard input a process plays the case
 *	lent read NUMBER         the end of the case "exec"
 *	lent list
 *
 * A case accepts a connection, waits until it is readable, and goes on from there; it tells its peer, lent.py, what to do
 * meanwhile ("peer send 0123456789", done when a byte comes on standard input). All other lines are what the program saw.
 * It knows nothing of the stack below: what it says on the kernel's is what it must say on any.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STREAM	250 /* bytes, each another one */
#define ROUNDS	10
#define RECORD	64
#define RECORDS 150 /* of each writer */
#define MUCH	1000000

static int listener;
static bool by_poll;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ------------------------------------------------------------------ what the harness reads */

static void say(const char *format, ...)
{
	char line[400];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[len++] = '\n';
	if (write(1, line, (size_t)len) != len)
		_exit(1);
}

/* Tells the peer to do something, and waits until that has arrived here. */
#define PEER(...) (say("peer " __VA_ARGS__), peer_has_done())

static void peer_has_done(void)
{
	char byte;

	if (read(0, &byte, 1) != 1)
		die("the peer");
}

static const char *named_error(void)
{
	return strerrorname_np(errno);
}

/* The result of a call that gives bytes, and the bytes. */
static ssize_t say_got(const char *call, ssize_t n, const char *bytes)
{
	if (n < 0)
		say("%s: %s", call, named_error());
	else
		say("%s: %zd %.*s", call, n, n > 100 ? 100 : (int)n, bytes);
	return n;
}

static ssize_t get(int fd, size_t len, int flags)
{
	char buf[65536] = "";
	ssize_t n = recv(fd, buf, len, flags);

	return say_got("recv", n, buf);
}

static void put(int fd, const char *text, int flags)
{
	ssize_t n = send(fd, text, strlen(text), flags);

	say("send: %zd %s", n, n < 0 ? named_error() : "");
}

static void number_of(int fd, unsigned long request, const char *name)
{
	int value = -1;

	if (ioctl(fd, request, &value))
		die(name);
	say("%s: %d", name, value);
}

/* ------------------------------------------------------------------ connections */

static void nap(int ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static int accepted(void)
{
	int fd;

	PEER("connect");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	return fd;
}

static __thread int set = -1, member = -1; /* of each thread, of each process */

static pid_t split(void)
{
	pid_t pid = fork();

	if (pid == 0)
		set = member = -1;
	return pid;
}

/* Waits for @events in the way that this pass tries; what came. */
static int wait_for(int fd, int events, int timeout_ms)
{
	struct epoll_event event = {.events = (uint32_t)events};
	struct pollfd p = {.fd = fd, .events = (short)events};

	if (by_poll)
		return poll(&p, 1, timeout_ms) > 0 ? p.revents : 0;
	if (set < 0)
		set = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(set, member == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) && errno != EEXIST &&
	    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
	member = fd;
	return epoll_wait(set, &event, 1, timeout_ms) > 0 ? (int)event.events : 0;
}

static void ready(int fd)
{
	say("event: %#x", wait_for(fd, POLLIN | POLLPRI | POLLRDHUP, 3000));
}

static void bits(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

	poll(&p, 1, 0);
	say("poll: %#x", p.revents);
}

/* Ten bytes are here, and the program knows. */
static int with_ten(void)
{
	int fd = accepted();

	PEER("send 0123456789");
	ready(fd);
	return fd;
}

/* ------------------------------------------------------------------ what happens after the event */

static void more_comes(void)
{
	int fd = with_ten();

	PEER("send abcdefghij");
	get(fd, 100, 0);
	PEER("send klm");
	ready(fd);
	get(fd, 1, 0);
	PEER("send nop");
	get(fd, 100, 0);
	get(fd, 100, MSG_DONTWAIT);
}

/* That is what loans are for. (A second one may come while the executor does what was used and lends anew.) */
static void without_calls(void)
{
	int fd = with_ten();

	PEER("calls");
	get(fd, 10, 0);
	PEER("calls");
	wait_for(fd, POLLOUT, 1000);
	PEER("calls");
	put(fd, "bye", 0);
	PEER("calls");
}

/* lent.py kills it: not for the kernel. */
static void stack_dies(void)
{
	int fd = with_ten();

	PEER("kill");
	get(fd, 3, 0);
	put(fd, "bye", MSG_NOSIGNAL);
}

static void end_comes(void)
{
	int fd = with_ten();

	PEER("shut");
	get(fd, 4, 0);
	get(fd, 100, 0);
	get(fd, 100, 0);
	put(fd, "bye", 0);
}

static void reset_comes_then_send(void)
{
	int fd = with_ten();

	get(fd, 3, 0);
	PEER("reset");
	put(fd, "one", MSG_NOSIGNAL);
	put(fd, "two", MSG_NOSIGNAL);
	get(fd, 100, 0);
	get(fd, 100, 0);
	bits(fd);
}

static void reset_comes_then_recv(void)
{
	int fd = with_ten();

	PEER("reset");
	get(fd, 3, 0);
	get(fd, 100, 0);
	get(fd, 100, 0);
	get(fd, 100, 0);
	put(fd, "one", MSG_NOSIGNAL);
}

static void reset_comes_and_kills(void)
{
	int fd = with_ten();

	PEER("reset");
	put(fd, "one", 0);
	signal(SIGPIPE, SIG_DFL);
	put(fd, "two", 0);
}

static void urgent_byte_comes(void)
{
	int fd = with_ten();

	PEER("urgent !");
	bits(fd);
	get(fd, 4, 0);
	number_of(fd, SIOCATMARK, "SIOCATMARK");
	get(fd, 100, 0);
	number_of(fd, SIOCATMARK, "SIOCATMARK");
	get(fd, 1, MSG_OOB);
	PEER("send abc");
	get(fd, 100, 0);
}

static void urgent_byte_before(void)
{
	int fd = accepted();

	PEER("send abc");
	PEER("urgent !");
	PEER("send def");
	ready(fd);
	get(fd, 100, 0);
	get(fd, 1, MSG_OOB);
	get(fd, 100, 0);
}

static void urgent_byte_in_line(void)
{
	int fd = with_ten(), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	ready(fd);
	PEER("urgent !");
	get(fd, 100, 0);
	ready(fd);
	get(fd, 100, 0);
	PEER("send def");
	ready(fd);
	get(fd, 100, 0);
}

/* ------------------------------------------------------------------ how it ends */

static void close_with_unread(void)
{
	int fd = with_ten();

	get(fd, 3, 0);
	close(fd);
}

static void close_with_all_read(void)
{
	int fd = with_ten();

	get(fd, 3, 0);
	get(fd, 100, 0);
	put(fd, "bye", 0);
	close(fd);
}

static void shut_after_send(void)
{
	int fd = with_ten();

	get(fd, 100, 0);
	put(fd, "bye", 0);
	shutdown(fd, SHUT_WR);
	put(fd, "no", MSG_NOSIGNAL);
	PEER("read 3");
	PEER("send more");
	get(fd, 100, 0);
}

/* The socket lives until the process ends, which it does at once. */
static int about_to_end(size_t of_ten)
{
	int fd = with_ten();

	get(fd, of_ten, 0);
	send(fd, "bye", 3, 0);
	return fd;
}

static void exit_at_once(void)
{
	about_to_end(10);
	_exit(0);
}

static void exit_with_unread(void)
{
	about_to_end(3);
	_exit(0);
}

static void kill_at_once(void)
{
	about_to_end(10);
	kill(getpid(), SIGKILL);
}

static void kill_with_unread(void)
{
	about_to_end(3);
	kill(getpid(), SIGKILL);
}

static void disconnected(void)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int fd = with_ten();

	get(fd, 3, 0);
	send(fd, "bye", 3, 0);
	connect(fd, &nobody, sizeof(nobody));
	get(fd, 100, 0);
	put(fd, "no", MSG_NOSIGNAL);
}

/* ------------------------------------------------------------------ several processes */

static void join(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("child");
	if (status)
		say("the child ends with %#x", status);
}

static void forked_child_first(void)
{
	int fd = with_ten();
	pid_t pid = split();

	if (pid == 0) {
		get(fd, 3, 0);
		put(fd, "child", 0);
		_exit(0);
	}
	join(pid);
	get(fd, 100, 0);
	put(fd, "parent", 0);
}

static void forked_parent_first(void)
{
	int fd = with_ten();
	pid_t pid;

	get(fd, 3, 0);
	put(fd, "parent", 0);
	pid = split();
	if (pid == 0) {
		get(fd, 3, 0);
		put(fd, "child", 0);
		_exit(0);
	}
	join(pid);
	get(fd, 100, 0);
}

/* Both have waited for it, and take turns. */
static void forked_in_turns(void)
{
	int fd = with_ten(), turn[2], back[2];
	char byte = 0;
	pid_t pid;

	if (pipe(turn) || pipe(back))
		die("pipe");
	pid = split();
	for (int i = 0; i < 4 && pid == 0; i++) {
		if (read(turn[0], &byte, 1) != 1)
			_exit(1);
		bits(fd);
		get(fd, 1, 0);
		put(fd, "c", 0);
		if (write(back[1], &byte, 1) != 1)
			_exit(1);
	}
	if (pid == 0)
		_exit(0);
	for (int i = 0; i < 4; i++) {
		ready(fd);
		get(fd, 1, 0);
		put(fd, "p", 0);
		if (write(turn[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			die("turn");
	}
	join(pid);
	get(fd, 100, 0);
}

static void vforked(void)
{
	volatile int fd = with_ten();
	pid_t pid;

	get(fd, 2, 0);
	pid = vfork();
	if (pid == 0) {
		get(fd, 2, 0);
		put(fd, "child", 0);
		_exit(0);
	}
	join(pid);
	get(fd, 100, 0);
}

static void pass(int way, int fd, int *got)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec io = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if ((got ? recvmsg(way, &msg, 0) : sendmsg(way, &msg, 0)) != 1)
		die("pass");
	if (got)
		memcpy(got, CMSG_DATA(c), sizeof(fd));
}

static void passed_on(void)
{
	int way[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, way))
		die("socketpair");
	pid = split();
	if (pid == 0) {
		pass(way[1], -1, &fd);
		get(fd, 100, 0);
		put(fd, "child", 0);
		_exit(0);
	}
	fd = with_ten();
	get(fd, 3, 0);
	put(fd, "parent", 0);
	pass(way[0], fd, NULL);
	close(fd);
	join(pid);
}

static void other_number(void)
{
	int fd = with_ten(), copy;

	get(fd, 3, 0);
	copy = dup(fd);
	close(fd);
	get(copy, 3, 0);
	put(copy, "bye", 0);
	get(copy, 100, 0);
}

static void executed(void)
{
	int fd = with_ten();
	char number[12];

	get(fd, 3, 0);
	send(fd, "before", 6, 0);
	snprintf(number, sizeof(number), "%d", fd);
	execl("/proc/self/exe", "lent", "read", number, NULL);
	die("exec");
}

/* ------------------------------------------------------------------ what calls say in between */

static void asked_in_between(void)
{
	int fd = with_ten();

	get(fd, 3, 0);
	number_of(fd, FIONREAD, "FIONREAD");
	get(fd, 100, MSG_PEEK);
	ready(fd);
	get(fd, 3, 0);
	bits(fd);
	ready(fd);
	get(fd, 100, 0);
	bits(fd);
	put(fd, "bye", 0);
	PEER("read 3");
	nap(60); /* a delayed acknowledgment */
	number_of(fd, SIOCOUTQ, "SIOCOUTQ");
}

static void low_water_mark(void)
{
	int fd = with_ten(), five = 5;

	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &five, sizeof(five));
	bits(fd);
	get(fd, 7, 0);
	bits(fd);
	get(fd, 100, MSG_DONTWAIT);
	PEER("send abc");
	bits(fd);
	PEER("send def");
	ready(fd);
	get(fd, 2, 0);
	get(fd, 100, MSG_DONTWAIT);
}

static void wait_for_all(void)
{
	int fd = with_ten();

	PEER("later klmno");
	get(fd, 15, MSG_WAITALL);
	PEER("send 01234");
	ready(fd);
	get(fd, 2, 0);
	get(fd, 100, MSG_TRUNC);
	PEER("later x");
	get(fd, 1, 0);
}

static void all_forms_of_recv(void)
{
	char a[4] = "", b[4] = "", c[100] = "";
	struct iovec iov[] = {{a, 2}, {b, 0}, {b, 1}, {c, 100}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3, .msg_flags = -1};
	int fd = with_ten();

	say_got("read", read(fd, c, 1), c);
	say_got("recvfrom", recvfrom(fd, c, 2, 0, NULL, NULL), c);
	say_got("readv", readv(fd, iov, 3), a);
	say("and %s", b);
	say_got("recvmsg", recvmsg(fd, &msg, 0), a);
	say("and %s, flags %#x", b, msg.msg_flags);
	ready(fd);
	say_got("readv", readv(fd, iov + 2, 2), b);
	get(fd, 100, MSG_DONTWAIT);
}

static void all_forms_of_send(void)
{
	struct iovec iov[] = {{"6", 1}, {"", 0}, {"789", 3}, {"abc", 3}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 4};
	int fd = accepted();

	for (int i = 0; i < 5; i++) {
		ssize_t n = 0;

		wait_for(fd, POLLOUT, 1000);
		if (i == 0)
			n = write(fd, "012", 3);
		if (i == 1)
			n = send(fd, "34", 2, MSG_MORE);
		if (i == 2)
			n = sendto(fd, "5", 1, MSG_DONTWAIT, NULL, 0);
		if (i == 3)
			n = writev(fd, iov, 3);
		if (i == 4)
			n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		say("%zd", n);
	}
	PEER("read 17");
	say("nothing: %zd %zd", send(fd, "", 0, 0), recv(fd, iov, 0, MSG_DONTWAIT));
}

/* ------------------------------------------------------------------ when it leaves */

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void busy_without_calls(void)
{
	int fd = with_ten();
	long long since;

	PEER("await 3");
	nap(20);
	get(fd, 100, 0);
	since = now_ns();
	if (send(fd, "bye", 3, 0) != 3)
		die("send");
	while (now_ns() - since < 300000000)
		;
	say("sent %lld", since);
}

static void order_of_sockets(void)
{
	int fd[3] = {accepted(), accepted(), accepted()};
	static const int order[] = {2, 0, 1};

	PEER("send go");
	for (int round = 0; round < 5; round++) {
		PEER("watch");
		for (int i = 0; i < 3; i++)
			wait_for(fd[i], POLLOUT, 1000);
		for (int i = 0; i < 3; i++)
			if (send(fd[order[(i + round) % 3]], "x", 1, 0) != 1)
				die("send");
		PEER("order");
	}
}

/* Two processes, one right after the other: what is sent first leaves first. */
static void order_of_processes(void)
{
	_Atomic int *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd[2] = {accepted(), accepted()};

	for (int round = 0; round < 6; round++) {
		int first = fd[round % 2], second = fd[!(round % 2)];
		pid_t pid;

		PEER("watch");
		*turn = 0;
		pid = split();
		if (pid == 0) {
			wait_for(second, POLLOUT, 1000);
			for (*turn = 1; *turn != 2;)
				;
			_exit(send(second, "x", 1, 0) != 1);
		}
		while (*turn != 1)
			;
		wait_for(first, POLLOUT, 1000);
		if (send(first, "x", 1, 0) != 1)
			die("send");
		*turn = 2;
		join(pid);
		PEER("order");
	}
}

static void little_room(void)
{
	int fd = accepted(), room = 8192, stops = 0;
	char buf[12000]; /* often more than there is room for, but never more than is lent */
	size_t done = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	PEER("collect %d", MUCH);
	while (done < MUCH) {
		ssize_t n;

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (char)((done + i) % 251);
		n = send(fd, buf, MUCH - done < sizeof(buf) ? MUCH - done : sizeof(buf), 0);
		if (n > 0) {
			done += (size_t)n;
		} else {
			stops++;
			if (errno != EAGAIN || !wait_for(fd, POLLOUT, 3000))
				die("send");
		}
	}
	say("stopped: %s", stops ? "yes" : "no");
	PEER("collected");
}

/* ------------------------------------------------------------------ several at the same socket */

/* Who found which of the stream's bytes. */
struct reader {
	pthread_t thread;
	int fd;
	unsigned int count;
	uint8_t seen[STREAM];
};

static _Atomic unsigned int total;

static void *read_single(void *arg)
{
	struct reader *r = arg;

	while (total < STREAM) {
		wait_for(r->fd, POLLIN, 100);
		for (int i = 0; i < 20 && r->count < STREAM; i++)
			if (recv(r->fd, &r->seen[r->count], 1, MSG_DONTWAIT) == 1) {
				r->count++;
				total++;
			}
	}
	return NULL;
}

/* Each byte came to one of them, and to each they came in order. */
static void say_merged(const struct reader *readers, int n)
{
	unsigned int times[256] = {}, wrong = 0, backward = 0;

	for (int i = 0; i < n; i++)
		for (unsigned int k = 0; k < readers[i].count; k++) {
			times[readers[i].seen[k]]++;
			backward += k && readers[i].seen[k] <= readers[i].seen[k - 1];
		}
	for (unsigned int i = 0; i < STREAM; i++)
		wrong += times[i] != 1;
	if (wrong || backward || total != STREAM)
		say("%u bytes came, %u not once, %u backward", total, wrong, backward);
	total = 0;
}

static void four_readers(void)
{
	int fd = accepted();

	for (int round = 0; round < ROUNDS; round++) {
		struct reader readers[4] = {};

		for (int i = 0; i < 4; i++) {
			readers[i].fd = fd;
			pthread_create(&readers[i].thread, NULL, read_single, &readers[i]);
		}
		PEER("stream %d", STREAM);
		for (int i = 0; i < 4; i++)
			pthread_join(readers[i].thread, NULL);
		say_merged(readers, 4);
	}
	get(fd, 100, MSG_DONTWAIT);
}

struct writer {
	pthread_t thread;
	int fd;
	char letter;
};

static void *write_records(void *arg)
{
	struct writer *w = arg;
	char record[RECORD];

	for (int n = 0; n < RECORDS; n++) {
		memset(record, w->letter, sizeof(record));
		snprintf(record, sizeof(record), "%c%04d", w->letter, n);
		record[5] = w->letter;
		wait_for(w->fd, POLLOUT, 1000);
		if (send(w->fd, record, sizeof(record), 0) != sizeof(record))
			die("send");
	}
	return NULL;
}

static void two_writers(void)
{
	int fd = accepted();
	struct writer writers[] = {{.fd = fd, .letter = 'a'}, {.fd = fd, .letter = 'b'}};

	for (int i = 0; i < 2; i++)
		pthread_create(&writers[i].thread, NULL, write_records, &writers[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i].thread, NULL);
	PEER("records %d %d", 2 * RECORDS, RECORD);
}

static void *read_four(void *arg)
{
	char four[5] = "";
	ssize_t n = recv(*(int *)arg, four, 4, 0);

	say_got("thread", n, four);
	return NULL;
}

/* One thread sleeps in recv(), the other in epoll_wait(): what one got the other must not get again. */
static void sleeping_reader(void)
{
	int fd = accepted();
	pthread_t thread;

	for (int i = 0; i < 10; i++) {
		pthread_create(&thread, NULL, read_four, &fd);
		nap(10);
		PEER("later %c123456789", 'a' + i);
		wait_for(fd, POLLIN, 3000);
		while (wait_for(fd, POLLIN, 20)) { /* by now the thread has had its four */
			pthread_join(thread, NULL);
			get(fd, 100, MSG_DONTWAIT);
		}
	}
}

struct sleeper {
	int fd;
	uint8_t bytes[4];
	ssize_t n;
};

static void *read_into(void *arg)
{
	struct sleeper *s = arg;

	s->n = recv(s->fd, s->bytes, sizeof(s->bytes), 0);
	return NULL;
}

/* The same, but the second reads as soon as it may: ten bytes came, and that is what the two of them get. */
static void hasty_reader(void)
{
	struct sleeper sleeper = {.fd = accepted()};
	unsigned int wrong = 0;

	for (int i = 0; i < 40; i++) {
		uint8_t mine[100];
		ssize_t n = 0, sum = 0;
		pthread_t thread;

		pthread_create(&thread, NULL, read_into, &sleeper);
		nap(3);
		PEER("quickly abcdefghij");
		for (int tries = 0; tries < 3; tries++) {
			wait_for(sleeper.fd, POLLIN, 5);
			n = recv(sleeper.fd, mine, sizeof(mine), MSG_DONTWAIT);
			sum += n > 0 ? n : 0;
		}
		if (sum >= 10)
			PEER("quickly abcd");
		pthread_join(thread, NULL);
		wrong += sum + sleeper.n != (sum >= 10 ? 14 : 10);
	}
	say("wrong %u times", wrong);
}

/* ------------------------------------------------------------------ signals */

static struct reader main_flow, handler;
static int signalled_fd;

static void on_alarm(int sig)
{
	int error = errno;

	(void)sig;
	wait_for(signalled_fd, POLLIN, 0);
	if (handler.count < STREAM &&
	    recv(signalled_fd, &handler.seen[handler.count], 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) {
		handler.count++;
		total++;
		if (send(signalled_fd, "h", 1, MSG_NOSIGNAL) != 1)
			_exit(3);
	}
	errno = error;
}

static void main_flow_reads(int fd)
{
	if (main_flow.count == STREAM || recv(fd, &main_flow.seen[main_flow.count], 1, MSG_DONTWAIT) != 1)
		return;
	main_flow.count++;
	total++;
	if (send(fd, "m", 1, 0) != 1)
		die("send");
}

static void handler_reads_too(void)
{
	bool both = false;
	struct itimerval often = {{0, 300}, {0, 300}}, never = {};
	int fd = accepted(), on = 1;

	setsockopt(fd, IPPROTO_TCP, 1, &on, sizeof(on));
	wait_for(fd, POLLOUT, 1000);
	signalled_fd = fd;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		PEER("stream %d", STREAM);
		while (total < STREAM) {
			if (wait_for(fd, POLLIN, 100) <= 0)
				continue;
			for (int i = 0; i < 5; i++)
				main_flow_reads(fd);
		}
		both |= handler.count && main_flow.count;
		say_merged((struct reader[]){main_flow, handler}, 2);
		main_flow.count = handler.count = 0;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	say("both: %s", both ? "yes" : "no");
	PEER("count %d", ROUNDS * STREAM);
}

/* ------------------------------------------------------------------ the list */

static const struct {
	const char *name;
	void (*play)(void);
} cases[] = {
	{"without_calls", without_calls},
	{"stack_dies", stack_dies},
	{"more_comes", more_comes},
	{"end_comes", end_comes},
	{"reset_comes_then_send", reset_comes_then_send},
	{"reset_comes_then_recv", reset_comes_then_recv},
	{"reset_comes_and_kills", reset_comes_and_kills},
	{"urgent_byte_comes", urgent_byte_comes},
	{"urgent_byte_before", urgent_byte_before},
	{"urgent_byte_in_line", urgent_byte_in_line},
	{"close_with_unread", close_with_unread},
	{"close_with_all_read", close_with_all_read},
	{"shut_after_send", shut_after_send},
	{"exit_at_once", exit_at_once},
	{"exit_with_unread", exit_with_unread},
	{"kill_at_once", kill_at_once},
	{"kill_with_unread", kill_with_unread},
	{"disconnected", disconnected},
	{"forked_child_first", forked_child_first},
	{"forked_parent_first", forked_parent_first},
	{"forked_in_turns", forked_in_turns},
	{"vforked", vforked},
	{"passed_on", passed_on},
	{"other_number", other_number},
	{"executed", executed},
	{"asked_in_between", asked_in_between},
	{"low_water_mark", low_water_mark},
	{"wait_for_all", wait_for_all},
	{"all_forms_of_recv", all_forms_of_recv},
	{"all_forms_of_send", all_forms_of_send},
	{"busy_without_calls", busy_without_calls},
	{"order_of_sockets", order_of_sockets},
	{"order_of_processes", order_of_processes},
	{"little_room", little_room},
	{"four_readers", four_readers},
	{"two_writers", two_writers},
	{"sleeping_reader", sleeping_reader},
	{"hasty_reader", hasty_reader},
	{"handler_reads_too", handler_reads_too},
};
#define CASES (sizeof(cases) / sizeof(*cases))

static void play(const char *way, const char *name)
{
	by_poll = !strcmp(way, "poll");
	alarm(10); /* whatever it waits for then does not come */
	for (size_t i = 0; i < CASES; i++)
		if (!strcmp(cases[i].name, name))
			cases[i].play();
	exit(0);
}

static void serve(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	char way[16], name[64];
	int on = 1, status;
	pid_t pid;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 8))
		die("listen");
	setvbuf(stdin, NULL, _IONBF, 0); /* the cases read it, too */
	signal(SIGPIPE, SIG_IGN);
	while (scanf("%15s %63[^\n]", way, name) == 2) {
		getchar();
		pid = split();
		if (pid == 0)
			play(way, name);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			die("child");
		say("end %#x", status);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t i = 0; i < CASES; i++)
			say("%s", cases[i].name);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "read")) {
		get(atoi(argv[2]), 100, 0);
		put(atoi(argv[2]), "after", 0);
		return 0;
	}
	if (argc != 3)
		return 2;
	serve(argv[1], argv[2]);
	return 0;
}
