// SPDX-License-Identifier: MIT
/*
 * posix/p16-close-all.c - programs that close all they find, and that look at what a number is
 *
 * Daemons close every descriptor at their start, some by number, some by /proc/self/fd, some with close_range(); what
 * they open afterwards must work as before.
 */
#include "tap.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void close_by_number(int first)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &most);
	for (int fd = first; fd < (most.rlim_cur > 4096 ? 4096 : (int)most.rlim_cur); fd++)
		close(fd);
}

static void close_by_range(int first)
{
	close_range(first, ~0U, 0);
}

static void close_by_from(int first)
{
	closefrom(first);
}

static void close_by_folder(int first)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (atoi(entry->d_name) >= first && atoi(entry->d_name) != dirfd(folder))
			close(atoi(entry->d_name));
	closedir(folder);
}

/* In a child: a connection is closed with all else, its peer learns it, and the next one works. */
static void expect_fresh_start(void (*close_all)(int first))
{
	struct duo duo = duo_open();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct duo fresh;
		char byte;

		close_all(3);
		if (fcntl(duo.fd, F_GETFD) != -1 || errno != EBADF)
			_exit(1);
		fresh = duo_open();
		if (fresh.fd > 5 || fresh.peer > 5)
			_exit(2);
		if (send(fresh.fd, "a", 1, 0) != 1 || recv(fresh.peer, &byte, 1, 0) != 1)
			_exit(3);
		close_all(3);
		fresh = duo_open();
		close(fresh.fd);
		_exit(sight(fresh.peer, 1000) == END ? 0 : 4);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(sight(duo.peer, 100) == NOTHING);
	close_all(3);
	duo = duo_open();
	close(duo.fd);
	EXPECT(sight(duo.peer, 1000) == END);
	close(duo.peer);
}

static void close_of_each_number(void)
{
	expect_fresh_start(close_by_number);
}

static void close_range_over_everything(void)
{
	expect_fresh_start(close_by_range);
}

static void closefrom_3(void)
{
	expect_fresh_start(close_by_from);
}

static void close_of_what_proc_self_fd_lists(void)
{
	expect_fresh_start(close_by_folder);
}

static void close_range_in_the_middle_closes_what_lies_there(void)
{
	struct duo duo = duo_open(), other = duo_open();

	dup2(duo.fd, 50);
	close(duo.fd);
	EXPECT(close_range(40, 60, 0) == 0);
	EXPECT(sight(duo.peer, 1000) == END);
	EXPECT(sight(other.peer, 50) == NOTHING);
	EXPECT(close_range(other.fd, other.fd, CLOSE_RANGE_CLOEXEC) == 0);
	EXPECT(fcntl(other.fd, F_GETFD) == FD_CLOEXEC);
	close(duo.peer);
	duo_close(&other);
}

static void fstat_says_socket_and_proc_self_fd_too(void)
{
	struct duo duo = duo_open();
	char path[32], name[64] = "", wanted[64];
	struct stat st, by_path;

	EXPECT(fstat(duo.fd, &st) == 0 && S_ISSOCK(st.st_mode));
	EXPECT(fstat(duo.peer, &by_path) == 0 && S_ISSOCK(by_path.st_mode) && by_path.st_ino != st.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", duo.fd);
	EXPECT(stat(path, &by_path) == 0 && S_ISSOCK(by_path.st_mode) && by_path.st_ino == st.st_ino);
	EXPECT(readlink(path, name, sizeof(name) - 1) > 0);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", (unsigned long)st.st_ino);
	EXPECT(!strcmp(name, wanted));
	EXPECT_ERRNO(lseek(duo.fd, 0, SEEK_CUR), ESPIPE);
	EXPECT(!isatty(duo.fd));
	duo_close(&duo);
}

static void a_program_sees_no_descriptor_that_it_did_not_open(void)
{
	DIR *folder;
	struct dirent *entry;
	struct duo duo;
	int count = 0;

	close_by_range(3);
	duo = duo_open();
	folder = opendir("/proc/self/fd");
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && fcntl(atoi(entry->d_name), F_GETFD) != -1)
			count++;
	EXPECT(count == 3 + 2 + 1); /* standard ones, the two ends, the folder */
	closedir(folder);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(close_of_each_number),
	CASE(close_range_over_everything),
	CASE(closefrom_3),
	CASE(close_of_what_proc_self_fd_lists),
	CASE(close_range_in_the_middle_closes_what_lies_there),
	CASE(fstat_says_socket_and_proc_self_fd_too),
	CASE(a_program_sees_no_descriptor_that_it_did_not_open),
};
TAP_MAIN(cases)
