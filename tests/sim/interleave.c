// SPDX-License-Identifier: MIT
/*
 * sim/interleave.c - two tasks on one socket, in every order
 *
 * In:   a number of calls for each of two tasks, that are threads of one table or a process and its fork.
 * Here: every word over LETTERS that the two can speak, in every order of their calls, over each situation. A task whose call
 *       blocks says nothing more until it returns; so which words there are shows while they are played: a run follows the
 *       choices of the one before up to the last that has an alternative (explore()). After each call the world runs for 10 ms
 *       and the invariants are checked; at the end the peer speaks ('D') and closes ('F'), then both tasks exit and nothing
 *       may be left. A call that fails without any effect ends its word: what could follow is another word.
 * Out:  counts by situation; or, with -f, the results of recorded words beside the kernel's (tests/oracle/interleave.c).
 *
 *	sim-interleave [-t] CALLS			every word of up to CALLS calls a task
 *	sim-interleave [-t] -f FILE			the words of FILE, compared with the results that stand there
 *	sim-interleave 'SITUATION MODE 0r1x...'		one word, with its ladder
 *	sim-interleave -w CALLS				prints every word, to be drawn from and recorded
 *
 * A result is "task letter = value / when": when is the number of the call, from 1, during which it returned, D, F, or - if never.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lab/invariants.h"
#include "lab/ladder.h"
#include "lab/wire.h"

#define LETTERS "rsacpRWBxdle"
/*
 * r recv   s send   a accept   c connect (elsewhere)   p poll   R W B shutdown RD, WR, RDWR   x close   d dup
 * l SO_LINGER 0   e exit
 */

enum { CALLS_MAX = 8, PORT = 80, OTHER_PORT = 81 };
enum { LISTENER, DATA, FIN, CONNECTING, REQUEST, SITUATIONS };
enum { THREADS, FORK, MODES };

static const char *const situations[] = {"listener", "data", "fin", "connecting", "request"};
static const char *const modes[] = {"threads", "fork"};

/* A call of the word, and what came of it. */
struct spoken {
	uint8_t task;
	char letter;
	struct lab_call *call; /* NULL: done at once */
	int64_t result;
	char when;
	char buf[16];
	struct pollfd pfd;
	struct sockaddr_storage addr;
};

struct stage {
	struct lab_world *world;
	struct lab_wire *wire;
	struct lab_invariants inv;
	struct lab_observer observer;
	struct lab_ladder ladder;
	struct lab_thread peer, tasks[2];
	int fd, peer_fd; /* the socket all is about; the peer's end of it, or its listener's */
	int situation, mode;
	struct spoken word[CALLS_MAX];
	int length;
	uint64_t stirred; /* frames and traces so far */
	bool gone[2];
	char why[400];
};

static void wrong(struct stage *s, const char *why)
{
	if (!s->why[0])
		snprintf(s->why, sizeof(s->why), "%s", why);
}

/* ------------------------------------------------------------------ the stage */

static void on_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	(void)host;
	lab_container_of(obs, struct stage, observer)->stirred += event->kind != LA_TRACE_STEP;
}

static void on_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from, const struct lab_frame *frame,
		    enum lab_fate fate)
{
	(void)wire;
	(void)from;
	(void)frame;
	(void)fate;
	lab_container_of(obs, struct stage, observer)->stirred++;
}

static void check(struct stage *s)
{
	const char *broken = lab_invariants_check(&s->inv);

	if (broken)
		wrong(s, broken);
}

static void after_step(struct lab_world *world, void *arg)
{
	(void)world;
	check(arg);
}

static int listens(const struct lab_thread *thread, uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = (int)LAB_TRY(thread, socket, AF_INET, SOCK_STREAM, 0);

	LAB_TRY(thread, bind, fd, (struct sockaddr *)&any, sizeof(any));
	LAB_TRY(thread, listen, fd, 4);
	return fd;
}

/* Begins a connection from @thread, whose end of the wire is @end, to the other side. */
static int connecting(struct stage *s, const struct lab_thread *thread, enum lab_end end)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(s->wire, end == LAB_A ? LAB_B : LAB_A, AF_INET, PORT, &addr);
	int fd = (int)LAB_TRY(thread, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	LAB_TRY(thread, connect, fd, (struct sockaddr *)&addr, len);
	LAB_TRY(thread, fcntl, fd, F_SETFL, 0);
	return fd;
}

static void connect_again(struct stage *s)
{
	struct sockaddr_storage addr;
	socklen_t len = lab_wire_addr(s->wire, LAB_B, AF_INET, PORT, &addr);

	LAB_TRY(&s->tasks[0], connect, s->fd, (struct sockaddr *)&addr, len);
}

/* A host at end A with the two tasks, the peer at end B. */
static void set_up(struct stage *s)
{
	int listener;

	switch (s->situation) {
	case LISTENER:
		s->fd = listens(&s->tasks[0], PORT);
		break;
	case REQUEST: /* the peer's last ACK is under way */
		s->fd = listens(&s->tasks[0], PORT);
		s->peer_fd = connecting(s, &s->peer, LAB_B);
		lab_run_for(s->world, LAB_MS);
		lab_wire_stall(s->wire, LAB_B, true);
		break;
	case CONNECTING: /* the peer's SYN-ACK is */
		s->peer_fd = listens(&s->peer, PORT);
		lab_wire_stall(s->wire, LAB_B, true);
		s->fd = connecting(s, &s->tasks[0], LAB_A);
		break;
	default:
		listener = listens(&s->peer, PORT);
		s->fd = connecting(s, &s->tasks[0], LAB_A);
		lab_run_for(s->world, 10 * LAB_MS);
		connect_again(s); /* 0: it has been told that it is connected, as if it had waited (HS-08) */
		s->peer_fd = (int)LAB_TRY(&s->peer, accept4, listener, NULL, NULL, 0);
		LAB_TRY(&s->peer, close, listener);
		if (s->situation == DATA)
			LAB_TRY(&s->peer, send, s->peer_fd, "abc", 3, 0);
		else
			LAB_TRY(&s->peer, shutdown, s->peer_fd, SHUT_WR);
	}
	lab_run_for(s->world, 10 * LAB_MS);
}

static void print_line(void *arg, const char *text)
{
	(void)arg;
	puts(text);
}

static void begin(struct stage *s, bool show)
{
	struct lab_host *host, *peer;

	s->world = lab_world_new(1);
	host = lab_host_new(s->world, "host");
	peer = lab_host_new(s->world, "peer");
	s->wire = lab_wire_new(s->world, host, peer, 1500);
	s->observer = (struct lab_observer){.trace = on_trace, .sent = on_sent};
	lab_world_observe(s->world, &s->observer);
	lab_invariants_watch(&s->inv, s->world);
	s->world->after_step = after_step;
	s->world->after_arg = s;
	if (show)
		lab_ladder_watch(&s->ladder, s->wire, print_line, NULL);
	s->peer = lab_process(peer);
	s->tasks[0] = lab_process(host);
	listens(&s->peer, OTHER_PORT);
	set_up(s);
	s->tasks[1] = s->mode == FORK ? lab_fork(&s->tasks[0]) : lab_thread_of(&s->tasks[0]);
}

/* ------------------------------------------------------------------ speaking */

static struct lab_call *start(struct stage *s, struct spoken *w)
{
	static const struct linger linger = {1, 0};
	struct lab_thread *t = &s->tasks[w->task];
	int fd = s->fd;
	socklen_t len;

	switch (w->letter) {
	case 'r':
		return LAB_START(t, recv, fd, w->buf, sizeof(w->buf), 0);
	case 's':
		return LAB_START(t, send, fd, "hello", 5, MSG_NOSIGNAL);
	case 'a':
		return LAB_START(t, accept4, fd, NULL, NULL, 0);
	case 'c':
		len = lab_wire_addr(s->wire, LAB_B, AF_INET, OTHER_PORT, &w->addr);
		return LAB_START(t, connect, fd, (struct sockaddr *)&w->addr, len);
	case 'p':
		w->pfd = (struct pollfd){.fd = fd, .events = POLLIN | POLLRDHUP};
		return LAB_START(t, poll, &w->pfd, 1, -1);
	case 'R':
	case 'W':
	case 'B':
		return LAB_START(t, shutdown, fd, w->letter == 'R' ? SHUT_RD : w->letter == 'W' ? SHUT_WR : SHUT_RDWR);
	case 'x':
		return LAB_START(t, close, fd);
	case 'd':
		return LAB_START(t, dup, fd);
	case 'l':
		return LAB_START(t, setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
	lab_exit(t);
	s->gone[w->task] = true;
	return NULL;
}

/* Looks which calls have returned; numbers of new descriptors are of no account. */
static void look(struct stage *s, char when)
{
	for (int i = 0; i < s->length; i++) {
		struct spoken *w = &s->word[i];

		if (w->when != '-' || (w->call && w->call->pending))
			continue;
		w->when = when;
		w->result = w->call ? w->call->result : 0;
		if (w->letter == 'p' && w->result > 0)
			w->result = (unsigned short)w->pfd.revents;
		else if (strchr("ad", w->letter) && w->result > 0)
			w->result = 0;
	}
}

/* True: the word may go on. */
static bool speak(struct stage *s, int task, char letter)
{
	struct spoken *w = &s->word[s->length++];
	uint64_t stirred = s->stirred;

	*w = (struct spoken){.task = (uint8_t)task, .letter = letter, .when = '-'};
	w->call = start(s, w);
	look(s, (char)('0' + s->length));
	if (stirred == s->stirred && w->when != '-' &&
	    (w->result == -EBADF || w->result == -EINVAL || w->result == -EISCONN))
		return false;
	lab_run_for(s->world, 10 * LAB_MS);
	look(s, (char)('0' + s->length));
	check(s);
	return !s->why[0];
}

static bool is_blocked(const struct stage *s, int task)
{
	for (int i = 0; i < s->length; i++) {
		if (s->word[i].task == task && s->word[i].when == '-')
			return true;
	}
	return false;
}

static void end(struct stage *s)
{
	int fd = s->peer_fd;

	lab_wire_stall(s->wire, LAB_B, false);
	lab_run_for(s->world, 100 * LAB_MS);
	if (s->situation == LISTENER)
		fd = connecting(s, &s->peer, LAB_B);
	lab_run_for(s->world, 100 * LAB_MS);
	if (s->situation == CONNECTING)
		fd = (int)LAB_TRY(&s->peer, accept4, fd, NULL, NULL, 0);
	LAB_TRY(&s->peer, send, fd, "xyz", 3, MSG_NOSIGNAL);
	lab_run_for(s->world, 300 * LAB_MS);
	look(s, 'D');
	LAB_TRY(&s->peer, close, fd);
	lab_run_for(s->world, 300 * LAB_MS);
	look(s, 'F');
	check(s);

	for (int task = 0; task < 2; task++) {
		if (!s->gone[task])
			lab_exit(&s->tasks[task]);
	}
	lab_exit(&s->peer);
	if (!lab_run_idle(s->world, LAB_PATIENCE_NS))
		wrong(s, "an hour after the end something still wants to happen");
	if (lab_invariants_rest(&s->inv))
		wrong(s, s->inv.broken);
}

static void free_stage(struct stage *s, bool show)
{
	if (show)
		lab_ladder_end(&s->ladder);
	if (lab_world_free(s->world))
		wrong(s, "a stack did not give all its memory back");
	lab_invariants_free(&s->inv);
}

static void print_results(const struct stage *s, FILE *out)
{
	fprintf(out, "%s %s ", situations[s->situation], modes[s->mode]);
	for (int i = 0; i < s->length; i++)
		fprintf(out, "%d%c", s->word[i].task, s->word[i].letter);
	for (int i = 0; i < s->length; i++) {
		if (s->word[i].when == '-')
			fprintf(out, " -");
		else
			fprintf(out, " %lld/%c", (long long)s->word[i].result, s->word[i].when);
	}
	fputc('\n', out);
}

/* ------------------------------------------------------------------ every word */

/* The choices of a run: at each place one of @options, of which @taken is the present one. */
struct choices {
	int taken[CALLS_MAX], options[CALLS_MAX];
	int depth;
};

/* The @choice-th thing that can be said now, or false. The two tasks are alike: the first word is task 0's. */
static bool can_say(const struct stage *s, int calls, int choice, int *task, char *letter)
{
	int made[2] = {0};

	for (int i = 0; i < s->length; i++)
		made[s->word[i].task]++;
	for (*task = 0; *task < (s->length ? 2 : 1); ++*task) {
		if (made[*task] == calls || s->gone[*task] || is_blocked(s, *task))
			continue;
		if (choice < (int)strlen(LETTERS)) {
			*letter = LETTERS[choice];
			return true;
		}
		choice -= (int)strlen(LETTERS);
	}
	return false;
}

/* One run along @c; beyond its end always the first choice. */
static void follow(struct stage *s, struct choices *c, int calls, uint64_t *nr_calls)
{
	int at, task, other;
	char letter, last;

	for (at = 0; at < 2 * calls; at++) {
		int taken = at < c->depth ? c->taken[at] : 0;

		if (!can_say(s, calls, taken, &task, &letter))
			break;
		c->taken[at] = taken;
		c->options[at] = taken + 1 + can_say(s, calls, taken + 1, &other, &last);
		++*nr_calls;
		if (!speak(s, task, letter)) {
			at++;
			break;
		}
	}
	c->depth = at;
}

/* The next run differs at the last place that has another choice. */
static bool next(struct choices *c)
{
	while (c->depth && c->taken[c->depth - 1] + 1 >= c->options[c->depth - 1])
		c->depth--;
	if (c->depth)
		c->taken[c->depth - 1]++;
	return c->depth;
}

static bool explore(int situation, int mode, int calls, bool print, uint64_t *words, uint64_t *nr_calls)
{
	struct choices c = {0};

	do {
		struct stage s = {.situation = situation, .mode = mode};

		begin(&s, false);
		follow(&s, &c, calls, nr_calls);
		end(&s);
		free_stage(&s, false);
		++*words;
		if (print)
			print_results(&s, stdout);
		if (s.why[0]) {
			fprintf(stderr, "%s\n", s.why);
			print_results(&s, stderr);
			return false;
		}
	} while (next(&c));
	return true;
}

static bool explore_all(int calls, bool print)
{
	for (int situation = 0; situation < SITUATIONS; situation++) {
		for (int mode = 0; mode < MODES; mode++) {
			uint64_t words = 0, nr_calls = 0;

			if (!explore(situation, mode, calls, print, &words, &nr_calls))
				return false;
			if (!print)
				printf("# %-10s %-7s: %8llu words, %9llu calls\n", situations[situation], modes[mode],
				       (unsigned long long)words, (unsigned long long)nr_calls);
			fflush(stdout);
		}
	}
	return true;
}

/* ------------------------------------------------------------------ given words */

static int number_of(const char *const names[], int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -1;
}

/* Plays "data threads 0r1x" and gives its line of results. False: not understood, or an invariant broke. */
static bool play(const char *line, bool show, char *result, size_t cap)
{
	char situation[16], mode[16], word[2 * CALLS_MAX + 1];
	struct stage s = {0};
	FILE *out;

	if (sscanf(line, "%15s %15s %16s", situation, mode, word) != 3)
		return false;
	s.situation = number_of(situations, SITUATIONS, situation);
	s.mode = number_of(modes, MODES, mode);
	if (s.situation < 0 || s.mode < 0)
		return false;
	begin(&s, show);
	for (const char *c = word; *c && c[1]; c += 2)
		speak(&s, *c - '0', c[1]);
	end(&s);
	free_stage(&s, show);
	if (s.why[0])
		fprintf(stderr, "%s: %s\n", line, s.why);
	out = fmemopen(result, cap, "w");
	print_results(&s, out);
	fclose(out);
	return !s.why[0];
}

static bool compare_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256], result[256];
	unsigned same = 0, different = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (*line == '#')
			continue;
		if (play(line, false, result, sizeof(result)) && !strcmp(line, result)) {
			same++;
			continue;
		}
		different++;
		printf("# kernel:  %s# lastack: %s", line, result);
	}
	if (f)
		fclose(f);
	printf("# %u words as on the kernel, %u not\n", same, different);
	return same && !different;
}

int main(int argc, char **argv)
{
	bool tap = argc > 1 && !strcmp(argv[1], "-t"), print = false, well;
	struct timespec a, b;
	char result[256];

	mallopt(M_TRIM_THRESHOLD, 1 << 28); /* the next run wants it again */
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	clock_gettime(CLOCK_MONOTONIC, &a);
	argc -= tap;
	argv += tap;
	if (tap)
		puts("1..1");
	if (argc > 2 && !strcmp(argv[1], "-f")) {
		well = compare_file(argv[2]);
	} else if (argc > 1 && strchr(argv[1], ' ')) {
		well = play(argv[1], true, result, sizeof(result));
		fputs(result, stdout);
	} else {
		print = argc > 2 && !strcmp(argv[1], "-w");
		well = explore_all(atoi(argc > 1 ? argv[argc - 1] : "2"), print);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (!print)
		printf("# %.1f s\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	if (tap)
		printf("%sok 1 - two tasks on one socket in every order\n", well ? "" : "not ");
	return !well;
}
