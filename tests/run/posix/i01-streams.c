// SPDX-License-Identifier: MIT
/*
 * posix/i01-streams.c - stdio on connections: fdopen(), dprintf(), and stdin, stdout, stderr moved onto one
 */
#include "tap.h"

/* What @fd gets until its end or @len bytes. */
static bool arrives(int fd, const char *text)
{
	size_t len = strlen(text), n = 0;
	char buf[256];
	ssize_t ret;

	while (n < len && (ret = recv(fd, buf + n, len - n, 0)) > 0)
		n += (size_t)ret;
	return n == len && !memcmp(buf, text, len);
}

static void a_stream_reads_and_writes_and_closes(void)
{
	struct duo duo = duo_open();
	FILE *in = fdopen(dup(duo.fd), "r"), *out = fdopen(duo.fd, "w");
	char line[64];

	EXPECT(in && out && fileno(out) == duo.fd);
	EXPECT(fprintf(out, "one %d\n", 1) == 6);
	EXPECT(sight(duo.peer, 50) == NOTHING); /* buffered */
	EXPECT(fflush(out) == 0 && arrives(duo.peer, "one 1\n"));
	EXPECT(send(duo.peer, "two\nthree\n", 10, 0) == 10);
	EXPECT(fgets(line, sizeof(line), in) && !strcmp(line, "two\n"));
	EXPECT(fgets(line, sizeof(line), in) && !strcmp(line, "three\n"));
	EXPECT(fputs("last", out) >= 0);
	EXPECT(shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(!fgets(line, sizeof(line), in) && feof(in));
	EXPECT(fclose(in) == 0);
	EXPECT(sight(duo.peer, 50) == NOTHING);
	EXPECT(fclose(out) == 0);
	EXPECT(arrives(duo.peer, "last") && sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void one_stream_for_both_directions(void)
{
	struct duo duo = duo_open();
	FILE *both = fdopen(duo.fd, "r+");
	char line[64];

	setvbuf(both, NULL, _IOLBF, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(fprintf(both, "ping %d\n", i) == 7 && arrives(duo.peer, "ping "));
		EXPECT(recv(duo.peer, line, 2, MSG_WAITALL) == 2);
		EXPECT(send(duo.peer, "pong\n", 5, 0) == 5);
		EXPECT(fgets(line, sizeof(line), both) && !strcmp(line, "pong\n"));
		EXPECT(fseek(both, 0, SEEK_CUR) == -1 && errno == ESPIPE);
	}
	EXPECT(fclose(both) == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void errors_reach_the_stream(void)
{
	struct duo duo = duo_open();
	FILE *out = fdopen(duo.fd, "w");

	EXPECT(shutdown(duo.fd, SHUT_WR) == 0);
	EXPECT(fputs("a", out) >= 0 && fflush(out) == EOF && errno == EPIPE && ferror(out));
	fclose(out);
	close(duo.peer);
}

static void dprintf_sends(void)
{
	struct duo duo = duo_open();

	EXPECT(dprintf(duo.fd, "%s %d\n", "value", 42) == 9);
	EXPECT(arrives(duo.peer, "value 42\n"));
	duo_close(&duo);
	EXPECT(dprintf(duo.fd, "a") == -1);
}

/* As inetd does, in a child: what was in the buffer before goes out by the number's new meaning. */
static void the_three_streams_follow_their_numbers(void)
{
	struct duo duo = duo_open();
	char line[64];
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int old = dup(1);

		setvbuf(stdout, NULL, _IOFBF, 4096);
		printf("before, ");
		dup2(duo.fd, 0);
		dup2(duo.fd, 1);
		dup2(duo.fd, 2);
		close(duo.fd);
		close(duo.peer);
		printf("%s", "after\n");
		fflush(stdout);
		fprintf(stderr, "error\n");
		if (!fgets(line, sizeof(line), stdin) || puts("read") < 0 || printf("%s", line) < 0 || fflush(stdout))
			_exit(1);
		dup2(old, 1);
		printf("# and back again\n");
		exit(strcmp(line, "input\n") != 0);
	}
	close(duo.fd);
	EXPECT(arrives(duo.peer, "before, after\nerror\n"));
	EXPECT(send(duo.peer, "input\n", 6, 0) == 6);
	EXPECT(arrives(duo.peer, "read\ninput\n"));
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void a_reopened_stream_leaves_the_connection(void)
{
	struct duo duo = duo_open();
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(duo.fd, 1);
		close(duo.fd);
		close(duo.peer);
		printf("to the peer");
		if (!freopen("/dev/null", "w", stdout) || printf("to nobody") < 0 || fflush(stdout))
			_exit(1);
		nap_ms(100);
		_exit(write(1, "nor this", 8) != 8);
	}
	close(duo.fd);
	EXPECT(arrives(duo.peer, "to the peer"));
	EXPECT(sight(duo.peer, 80) == END);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(duo.peer);
}

static void a_new_program_finds_its_streams_on_a_connection(void)
{
	struct duo duo = duo_open();
	int status;
	pid_t child = fork();

	if (child == 0) {
		dup2(duo.fd, 0);
		dup2(duo.fd, 1);
		close(duo.fd);
		close(duo.peer);
		execl("/proc/self/exe", "i01-streams", "child", NULL);
		_exit(99);
	}
	close(duo.fd);
	EXPECT(send(duo.peer, "a line\nrest", 11, 0) == 11 && shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(arrives(duo.peer, "got a line\nthen rest"));
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(duo.peer);
}

static int child_main(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		return 1;
	printf("got %s", line);
	if (scanf("%63s", line) != 1)
		return 2;
	printf("then %s", line);
	return 0; /* exit() writes what is left */
}

static void a_shell_and_cat_talk_over_a_connection(void)
{
	struct duo duo = duo_open();
	int status;
	pid_t child = fork();

	if (child == 0) {
		dup2(duo.fd, 0);
		dup2(duo.fd, 1);
		close(duo.fd);
		close(duo.peer);
		execl("/bin/sh", "sh", "-c", "echo hello; read line; echo \"$line\" | cat; exec cat", NULL);
		_exit(99);
	}
	close(duo.fd);
	EXPECT(arrives(duo.peer, "hello\n"));
	EXPECT(send(duo.peer, "first\nsecond\n", 13, 0) == 13 && shutdown(duo.peer, SHUT_WR) == 0);
	EXPECT(arrives(duo.peer, "first\nsecond\n"));
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(a_stream_reads_and_writes_and_closes),
	CASE(one_stream_for_both_directions),
	CASE(errors_reach_the_stream),
	CASE(dprintf_sends),
	CASE(the_three_streams_follow_their_numbers),
	CASE(a_reopened_stream_leaves_the_connection),
	CASE(a_new_program_finds_its_streams_on_a_connection),
	CASE(a_shell_and_cat_talk_over_a_connection),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		return child_main();
	return tap_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
