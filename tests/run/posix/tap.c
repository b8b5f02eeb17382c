// SPDX-License-Identifier: MIT
/*
 * posix/tap.c - see tap.h
 */
#include "tap.h"

#include <time.h>

/* Of either family; where the port stands is the same in both. */
union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union name here, there;			/* where listen_at() listens, where dial() goes */
static socklen_t name_len = sizeof(here.v4);
static bool failed;

static void sentence(const char *name)
{
	for (; *name; name++)
		putchar(*name == '_' ? ' ' : *name);
	putchar('\n');
}

static void read_address(const char *text)
{
	if (inet_pton(AF_INET, text, &here.v4.sin_addr) == 1) {
		here.any.sa_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &here.v6.sin6_addr) == 1) {
		here.any.sa_family = AF_INET6;
		name_len = sizeof(here.v6);
	} else {
		tap_bail("address");
	}
	there = here;
}

int tap_main(int argc, char **argv, const struct tap_case *cases, int count)
{
	int bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	read_address(argc > 1 ? argv[1] : "127.0.0.1");
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		failed = false;
		alarm(30);
		cases[i].play();
		alarm(0);
		printf("%sok %d - ", failed ? "not " : "", i + 1);
		sentence(cases[i].name);
		bad += failed;
	}
	return bad != 0;
}

bool tap_expect(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		printf("# %s:%d: not so: %s\n", file, line, what);
		failed = true;
	}
	return good;
}

bool tap_expect_errno(long result, int wanted, const char *what, const char *file, int line)
{
	int error = errno;

	if (result == -1 && error == wanted)
		return true;
	printf("# %s:%d: %s = %ld", file, line, what, result);
	if (result == -1)
		printf(" (%s)", strerrorname_np(error));
	printf(", wanted -1 (%s)\n", strerrorname_np(wanted));
	failed = true;
	return false;
}

void tap_bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void nap_ms(int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

struct duo duo_open(void)
{
	int listener = listen_at(0, 8);
	struct duo duo = { .peer = dial() };

	duo.fd = accept(listener, NULL, NULL);
	if (duo.fd < 0)
		tap_bail("accept");
	close(listener);
	return duo;
}

void duo_close(struct duo *duo)
{
	close(duo->fd);
	close(duo->peer);
}

int listen_at(int port, int backlog)
{
	int fd = socket(here.any.sa_family, SOCK_STREAM, 0), on = 1;
	union name at = here;

	at.v4.sin_port = htons(port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		tap_bail("socket");
	if (bind(fd, &at.any, name_len))
		tap_bail("bind");
	if (listen(fd, backlog))
		tap_bail("listen");
	there.v4.sin_port = htons(port_of(fd));
	return fd;
}

int port_of(int fd)
{
	union name name;
	socklen_t len = sizeof(name);

	if (getsockname(fd, &name.any, &len))
		tap_bail("getsockname");
	return ntohs(name.v4.sin_port);
}

static int connect_there(int fd)
{
	return connect(fd, &there.any, name_len);
}

int dial(void)
{
	int fd = socket(there.any.sa_family, SOCK_STREAM, 0);

	if (fd < 0 || connect_there(fd))
		tap_bail("connect");
	return fd;
}

int dial_errno(void)
{
	int fd = socket(there.any.sa_family, SOCK_STREAM, 0);
	int error = connect_there(fd) ? errno : 0;

	close(fd);
	return error;
}

enum sight sight(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t got;
	char byte;

	if (poll(&p, 1, ms) <= 0)
		return NOTHING;
	got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got >= 0)
		return got ? DATA : END;
	return errno == ECONNRESET ? RESET : OTHER;
}

void linger(int fd, int on, int seconds)
{
	struct linger value = { on, seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof(value)))
		tap_bail("SO_LINGER");
}

/* Full is what stays full: the peer's side may take a little more each time that it has acknowledged. */
size_t fill(int fd)
{
	static char junk[1 << 16];
	size_t total = 0;

	for (int full = 0; full < 3;) {
		ssize_t sent = send(fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			total += sent;
			full = 0;
		} else {
			full++;
			nap_ms(100);
		}
	}
	return total;
}

ssize_t drain(int fd)
{
	static char sink[1 << 20];
	ssize_t got;

	do {
		got = recv(fd, sink, sizeof(sink), 0);
	} while (got > 0);
	return got;
}

static volatile sig_atomic_t signals;

static void count_one(int signal)
{
	(void)signal;
	signals++;
}

int count_signal(int signal, volatile sig_atomic_t **count)
{
	struct sigaction action = { .sa_handler = count_one };

	signals = 0;
	*count = &signals;
	return sigaction(signal, &action, NULL);
}

static void *blocked_main(void *arg)
{
	static char bytes[1 << 16];
	struct blocked *call = arg;
	struct pollfd p = { .fd = call->fd, .events = POLLIN };

	errno = 0;
	switch (call->call) {
	case RECV:	call->result = recv(call->fd, bytes, sizeof(bytes), 0); break;
	case SEND:	call->result = send(call->fd, bytes, sizeof(bytes), MSG_NOSIGNAL); break;
	case ACCEPT:	call->result = accept(call->fd, NULL, NULL); break;
	case CONNECT:	call->result = connect_there(call->fd); break;
	case CLOSE:	call->result = close(call->fd); break;
	case POLL:	call->result = poll(&p, 1, 10000); break;
	}
	call->error = call->call == POLL ? p.revents : errno;
	call->done = true;
	return NULL;
}

struct blocked *blocked_start(enum blocked_call what, int fd)
{
	struct blocked *call = calloc(1, sizeof(*call)); /* kept: its thread may never end */

	if (!call)
		tap_bail("memory");
	call->call = what;
	call->fd = fd;
	if (pthread_create(&call->thread, NULL, blocked_main, call))
		tap_bail("pthread_create");
	nap_ms(150);
	return call;
}

bool blocked_done(struct blocked *call, int ms)
{
	long end = now_ms() + ms;

	while (!call->done && now_ms() < end)
		nap_ms(2);
	return call->done;
}
