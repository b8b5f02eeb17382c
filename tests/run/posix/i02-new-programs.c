// SPDX-License-Identifier: MIT
/*
 * posix/i02-new-programs.c - every way to start a program hands a connection on, with whatever environment
 *
 * The new program is this one: "child NUMBER" answers on that number with what it reads there.
 */
#include "tap.h"

#include <spawn.h>
#include <sys/syscall.h>

static char path[] = "/proc/self/exe", *argv_of_child[4] = {"i02-new-programs", "child"}, number[16];
static char *bare[] = {"A=b", NULL}, *nothing[] = {NULL};

static int child_main(int fd)
{
	char buf[16];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	return n > 0 && send(fd, buf, (size_t)n, 0) == n ? 0 : 1;
}

static int how_execve(int fd)
{
	(void)fd;
	return execve(path, argv_of_child, bare);
}

static int how_execve_without_environment(int fd)
{
	(void)fd;
	return execve(path, argv_of_child, nothing);
}

static int how_execv_after_clearenv(int fd)
{
	(void)fd;
	clearenv();
	return execv(path, argv_of_child);
}

static int how_execvp(int fd)
{
	(void)fd;
	return execvp(path, argv_of_child);
}

static int how_execvpe(int fd)
{
	(void)fd;
	return execvpe(path, argv_of_child, bare);
}

static int how_execl(int fd)
{
	(void)fd;
	return execl(path, argv_of_child[0], "child", number, (char *)NULL);
}

static int how_execlp(int fd)
{
	(void)fd;
	return execlp(path, argv_of_child[0], "child", number, (char *)NULL);
}

static int how_execle(int fd)
{
	(void)fd;
	return execle(path, argv_of_child[0], "child", number, (char *)NULL, bare);
}

static int how_fexecve(int fd)
{
	(void)fd;
	return fexecve(open(path, O_RDONLY | O_CLOEXEC), argv_of_child, bare);
}

static int how_execveat(int fd)
{
	(void)fd;
	return execveat(open(path, O_PATH | O_CLOEXEC), "", argv_of_child, bare, AT_EMPTY_PATH);
}

static int how_syscall(int fd)
{
	(void)fd;
	return (int)syscall(SYS_execve, path, argv_of_child, bare);
}

static int spawn(int fd, bool search)
{
	posix_spawn_file_actions_t actions;
	int status, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 77);
	posix_spawn_file_actions_addclose(&actions, fd);
	argv_of_child[2] = "77";
	error = (search ? posix_spawnp : posix_spawn)(&pid, path, &actions, NULL, argv_of_child, bare);
	posix_spawn_file_actions_destroy(&actions);
	if (error || waitpid(pid, &status, 0) != pid)
		_exit(98);
	_exit(status != 0);
}

static int how_posix_spawn(int fd)
{
	return spawn(fd, false);
}

static int how_posix_spawnp(int fd)
{
	return spawn(fd, true);
}

static void expect_answer(int (*how)(int fd), const char *name, bool vforked)
{
	struct duo duo = duo_open();
	char buf[3] = "";
	int status;
	pid_t child;

	snprintf(number, sizeof(number), "%d", duo.fd);
	argv_of_child[2] = number;
	child = vforked ? vfork() : fork();
	if (child == 0) {
		how(duo.fd);
		_exit(99);
	}
	close(duo.fd);
	EXPECT(send(duo.peer, "abc", 3, 0) == 3);
	if (!EXPECT(recv(duo.peer, buf, 3, MSG_WAITALL) == 3 && !memcmp(buf, "abc", 3)))
		printf("# by %s\n", name);
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(duo.peer);
}
#define EXPECT_ANSWER(how, vforked) expect_answer(how, #how, vforked)

static void whoever_gives_an_environment(void)
{
	EXPECT_ANSWER(how_execve, false);
	EXPECT_ANSWER(how_execve_without_environment, false);
	EXPECT_ANSWER(how_execv_after_clearenv, false);
	EXPECT_ANSWER(how_execvpe, false);
	EXPECT_ANSWER(how_execle, false);
	EXPECT_ANSWER(how_fexecve, false);
	EXPECT_ANSWER(how_execveat, false);
	EXPECT_ANSWER(how_syscall, false);
}

static void whoever_keeps_its_own(void)
{
	EXPECT_ANSWER(how_execvp, false);
	EXPECT_ANSWER(how_execl, false);
	EXPECT_ANSWER(how_execlp, false);
}

static void after_vfork(void)
{
	EXPECT_ANSWER(how_execve, true);
	EXPECT_ANSWER(how_execlp, true);
	EXPECT_ANSWER(how_execle, true);
}

static void posix_spawn_with_a_number_moved(void)
{
	EXPECT_ANSWER(how_posix_spawn, false);
	EXPECT_ANSWER(how_posix_spawnp, false);
}

static void what_cannot_be_run_says_why_and_changes_nothing(void)
{
	struct duo duo = duo_open();
	char byte;

	EXPECT_ERRNO(execve("/nonexistent", argv_of_child, bare), ENOENT);
	EXPECT_ERRNO(execve("/tmp", argv_of_child, bare), EACCES);
	EXPECT_ERRNO(execve("/etc/passwd", argv_of_child, bare), EACCES);
	EXPECT_ERRNO(execvp("no-such-program-anywhere", argv_of_child), ENOENT);
	EXPECT_ERRNO(execvp("", argv_of_child), ENOENT);
	EXPECT(send(duo.peer, "a", 1, 0) == 1 && recv(duo.fd, &byte, 1, 0) == 1);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(whoever_gives_an_environment),
	CASE(whoever_keeps_its_own),
	CASE(after_vfork),
	CASE(posix_spawn_with_a_number_moved),
	CASE(what_cannot_be_run_says_why_and_changes_nothing),
};

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "child"))
		return child_main(atoi(argv[2]));
	return tap_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
