// SPDX-License-Identifier: MIT
/*
 * oracle/interleave.c - what this kernel answers to two tasks that call on one socket in turn
 *
 * In:   words of tests/sim/interleave.c on stdin ("data threads 0r1x"; anything behind the word is left out).
 * Here: for each a process with the socket and a second one beside it, made by clone(CLONE_FILES) or by fork(); both wait for
 *       letters in shared memory, so that no descriptor is there but what the word is about. A call counts as blocked when
 *       /proc shows its task asleep in it for SETTLED_MS. The peer is this program, over loopback.
 * Out:  the same lines with their results, on stdout.
 *
 *	cc -O2 -o /tmp/interleave tests/oracle/interleave.c
 *	unshare -n sh -c 'ip link set lo up; /tmp/interleave < tests/sim/interleave.kernel' > again
 *
 * The words there: 78 by hand, then 569 drawn from `build/sim-interleave -w 2`. Situations that need a segment to be held back
 * (connecting, request) are not played here. Two tasks that wait for the same bytes are left out: who gets them is chance.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_MAX = 8, SETTLED_MS = 20 };

/* What the program and the two tasks share. */
struct shared {
	uint32_t asked[2], done[2]; /* number of calls */
	char letter[2];
	int64_t result[2];
	int fd;
	pid_t pid[2];
	uint32_t ready;
};

static struct shared *shared;
static struct sockaddr_in here, other;

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ------------------------------------------------------------------ the tasks */

static int64_t result_of(int64_t n)
{
	return n < 0 ? -errno : n;
}

static int64_t call(char letter, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLRDHUP};
	struct linger linger = {1, 0};
	char buf[16];
	int64_t n;

	switch (letter) {
	case 'r':
		return result_of(recv(fd, buf, sizeof(buf), 0));
	case 's':
		return result_of(send(fd, "hello", 5, MSG_NOSIGNAL));
	case 'a':
		n = result_of(accept4(fd, NULL, NULL, 0));
		return n > 0 ? 0 : n;
	case 'c':
		return result_of(connect(fd, (struct sockaddr *)&other, sizeof(other)));
	case 'p':
		n = result_of(poll(&pfd, 1, -1));
		return n > 0 ? pfd.revents : n;
	case 'R':
		return result_of(shutdown(fd, SHUT_RD));
	case 'W':
		return result_of(shutdown(fd, SHUT_WR));
	case 'B':
		return result_of(shutdown(fd, SHUT_RDWR));
	case 'x':
		return result_of(close(fd));
	case 'd':
		n = result_of(dup(fd));
		return n > 0 ? 0 : n;
	case 'l':
		return result_of(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	}
	_exit(0);
}

static void serve(int task)
{
	for (uint32_t n = 0;; n++) {
		while (__atomic_load_n(&shared->asked[task], __ATOMIC_ACQUIRE) == n)
			syscall(SYS_futex, &shared->asked[task], FUTEX_WAIT, n, NULL, NULL, 0);
		shared->result[task] = call(shared->letter[task], shared->fd);
		__atomic_store_n(&shared->done[task], n + 1, __ATOMIC_RELEASE);
	}
}

static int new_socket(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at && (bind(fd, (const struct sockaddr *)at, sizeof(*at)) || listen(fd, 4)))
		perror("bind");
	return fd;
}

/* The first task makes the socket, then the second task: one that shares its table, or a fork. */
static void first_task(bool is_listener, bool threads)
{
	pid_t second;

	for (int fd = 3; fd < 64; fd++)
		close(fd);
	shared->fd = new_socket(is_listener ? &here : NULL);
	if (!is_listener && connect(shared->fd, (struct sockaddr *)&here, sizeof(here)))
		perror("connect");
	second = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PARENT | (threads ? CLONE_FILES : 0), NULL, NULL, NULL, 0);
	if (!second)
		serve(1);
	shared->pid[1] = second;
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	serve(0);
}

/* ------------------------------------------------------------------ watching them */

/* Asleep in a call that waits, not in futex(), or gone. */
static bool is_at_rest(int task, bool *blocked)
{
	char path[64], text[256] = "";
	FILE *f;

	*blocked = __atomic_load_n(&shared->asked[task], __ATOMIC_ACQUIRE) !=
		   __atomic_load_n(&shared->done[task], __ATOMIC_ACQUIRE);
	if (!*blocked)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", shared->pid[task]);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (fgets(text, sizeof(text), f) && strrchr(text, ')'))
		*text = strrchr(text, ')')[2];
	fclose(f);
	return *text == 'S' || *text == 'Z';
}

static void settle(void)
{
	bool blocked[2];
	int quiet = 0;

	for (int i = 0; quiet < SETTLED_MS && i < 2000; i++) {
		bool rest = is_at_rest(0, &blocked[0]) & is_at_rest(1, &blocked[1]);

		quiet = rest ? quiet + 1 : 0;
		sleep_ms(1);
	}
}

/* ------------------------------------------------------------------ a word */

struct spoken {
	int task;
	char letter, when;
	uint32_t number;
	int64_t result;
};

static void look(struct spoken *word, int length, char when)
{
	for (int i = 0; i < length; i++) {
		struct spoken *w = &word[i];

		if (w->when != '-')
			continue;
		if (w->letter == 'e') {
			w->when = when;
		} else if (__atomic_load_n(&shared->done[w->task], __ATOMIC_ACQUIRE) >= w->number) {
			w->when = when;
			w->result = shared->result[w->task];
		}
	}
}

static void speak(struct spoken *word, int *length, int task, char letter)
{
	struct spoken *w = &word[(*length)++];

	*w = (struct spoken){task, letter, '-', shared->asked[task] + 1, 0};
	shared->letter[task] = letter;
	__atomic_store_n(&shared->asked[task], w->number, __ATOMIC_RELEASE);
	syscall(SYS_futex, &shared->asked[task], FUTEX_WAKE, 1, NULL, NULL, 0);
	settle();
	look(word, *length, (char)('0' + *length));
}

static void play(const char *situation, const char *mode, const char *text)
{
	bool is_listener = !strcmp(situation, "listener");
	struct spoken word[CALLS_MAX];
	int length = 0, listener = is_listener ? -1 : new_socket(&here), elsewhere = new_socket(&other), fd;
	pid_t first;

	memset(shared, 0, sizeof(*shared));
	first = fork();
	if (!first)
		first_task(is_listener, !strcmp(mode, "threads"));
	shared->pid[0] = first;
	if (is_listener) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
	} else {
		fd = accept(listener, NULL, NULL);
		close(listener);
		if (!strcmp(situation, "data"))
			send(fd, "abc", 3, 0);
		else
			shutdown(fd, SHUT_WR);
	}
	while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	sleep_ms(5);
	for (const char *c = text; *c && c[1]; c += 2)
		speak(word, &length, *c - '0', c[1]);
	if (is_listener) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		connect(fd, (struct sockaddr *)&here, sizeof(here));
		sleep_ms(5);
	}
	send(fd, "xyz", 3, MSG_NOSIGNAL);
	settle();
	look(word, length, 'D');
	close(fd);
	settle();
	look(word, length, 'F');
	for (int task = 0; task < 2; task++)
		kill(shared->pid[task], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(elsewhere);
	printf("%s %s %s", situation, mode, text);
	for (int i = 0; i < length; i++) {
		if (word[i].when == '-')
			printf(" -");
		else
			printf(" %lld/%c", (long long)word[i].result, word[i].when);
	}
	putchar('\n');
	fflush(stdout);
}

int main(void)
{
	char line[256], situation[16], mode[16], word[2 * CALLS_MAX + 1];
	struct utsname name;

	uname(&name);
	printf("# Linux %s; written by tests/oracle/interleave.c\n", name.release);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	here = other = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	here.sin_port = htons(8080);
	other.sin_port = htons(8081);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %15s %16s", situation, mode, word) == 3 && strcmp(situation, "connecting") &&
		    strcmp(situation, "request"))
			play(situation, mode, word);
	}
	return 0;
}
