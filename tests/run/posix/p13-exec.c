// SPDX-License-Identifier: MIT
/*
 * posix/p13-exec.c - rows FD-09, FD-21: what a new program keeps, and what the old one's numbers with FD_CLOEXEC leave
 *
 * The new program is this one again: "child NUMBER" says a word on that number and waits for the end of its input.
 */
#include "tap.h"

#include <spawn.h>

extern char **environ;

static int child_main(const char *number)
{
	char byte;
	int status = send(atoi(number), "exec", 4, MSG_NOSIGNAL) == 4 ? 0 : errno;

	while (read(0, &byte, 1) > 0)
		;
	return status;
}

/* A child whose input ends when @tell is closed. */
struct child {
	pid_t pid;
	int tell;
};

static struct child exec_with(int fd, pid_t (*fork_)(void))
{
	struct child child;
	char number[16];
	int words[2];

	snprintf(number, sizeof(number), "%d", fd);
	if (pipe2(words, O_CLOEXEC))
		tap_bail("pipe");
	child.pid = fork_();
	if (child.pid == 0) {
		dup2(words[0], 0);
		execl("/proc/self/exe", "p13-exec", "child", number, NULL);
		_exit(99);
	}
	close(words[0]);
	child.tell = words[1];
	return child;
}

static int child_ends(struct child *child)
{
	int status;

	close(child->tell);
	return waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_kept(pid_t (*fork_)(void))
{
	struct duo duo = duo_open();
	struct child child;
	char word[8];

	fcntl(duo.peer, F_SETFD, FD_CLOEXEC);
	child = exec_with(duo.fd, fork_);
	close(duo.fd);
	EXPECT(sight(duo.peer, 2000) == DATA && recv(duo.peer, word, sizeof(word), 0) == 4);
	EXPECT(sight(duo.peer, 100) == NOTHING);
	EXPECT(child_ends(&child) == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void a_new_program_keeps_the_connection(void)
{
	expect_kept(fork);
}

static void after_vfork_too(void)
{
	expect_kept(vfork);
}

static void FD_CLOEXEC_closes_before_the_new_program_runs(void)
{
	struct duo duo = duo_open();
	struct child child;

	fcntl(duo.peer, F_SETFD, FD_CLOEXEC);
	fcntl(duo.fd, F_SETFD, FD_CLOEXEC);
	child = exec_with(duo.fd, fork);
	close(duo.fd);
	EXPECT(sight(duo.peer, 2000) == END);
	EXPECT(waitpid(child.pid, NULL, WNOHANG) == 0);
	EXPECT(child_ends(&child) == EBADF);
	close(duo.peer);
}

static void SOCK_CLOEXEC_and_accept4_set_it(void)
{
	int listener = listen_at(0, 8), caller = dial(), fd;
	int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
	EXPECT(fcntl(made, F_GETFD) == FD_CLOEXEC && fcntl(made, F_GETFL) == (O_RDWR | O_NONBLOCK));
	EXPECT(fcntl(caller, F_GETFD) == 0 && fcntl(caller, F_GETFL) == O_RDWR);
	close(fd);
	close(made);
	close(caller);
	close(listener);
}

static void posix_spawn_may_move_it_to_standard_output(void)
{
	struct duo duo = duo_open();
	posix_spawn_file_actions_t actions;
	char *args[] = { "sh", "-c", "echo spawned; cat <&0 >/dev/null", NULL }, word[16];
	int words[2], status;
	pid_t pid;

	fcntl(duo.peer, F_SETFD, FD_CLOEXEC);
	fcntl(duo.fd, F_SETFD, FD_CLOEXEC);
	if (pipe2(words, O_CLOEXEC))
		tap_bail("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, words[0], 0);
	posix_spawn_file_actions_adddup2(&actions, duo.fd, 1);
	EXPECT(posix_spawn(&pid, "/bin/sh", &actions, NULL, args, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(words[0]);
	close(duo.fd);
	EXPECT(sight(duo.peer, 2000) == DATA);
	EXPECT(recv(duo.peer, word, sizeof(word), 0) == 8 && !memcmp(word, "spawned\n", 8));
	EXPECT(sight(duo.peer, 100) == NOTHING);
	close(words[1]);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static const struct tap_case cases[] = {
	CASE(a_new_program_keeps_the_connection),
	CASE(after_vfork_too),
	CASE(FD_CLOEXEC_closes_before_the_new_program_runs),
	CASE(SOCK_CLOEXEC_and_accept4_set_it),
	CASE(posix_spawn_may_move_it_to_standard_output),
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "child"))
		return child_main(argv[2]);
	return tap_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
