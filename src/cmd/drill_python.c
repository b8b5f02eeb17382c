// SPDX-License-Identifier: MIT
/*
 * cmd/drill_python.c - a program for python3: the program on its standard input, what it says into a text
 */
#include "cmd/drill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A file without a name that holds the program, so that nobody has to write while somebody else must read. -1: no
 * room.
 */
static int program_file(const char *program)
{
	size_t len = strlen(program), done = 0;
	int fd = memfd_create("program", MFD_CLOEXEC);

	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, program + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void become_python(int in, int out)
{
	signal(SIGPIPE, SIG_DFL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execlp("python3", "python3", "-", (char *)NULL);
	dprintf(STDERR_FILENO, "python3 cannot be started: %s", strerror(errno));
	_exit(127);
}

/*
 * All that comes is read, so that the program can end; what is too long is dropped at its beginning, the end says what
 * failed.
 */
static void read_all(int fd, struct drill_text *said)
{
	size_t len = 0, room = sizeof(said->text) - 1;
	char block[512];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)) {
		size_t take = n > 0 ? (size_t)n : 0;

		if (len + take > room) {
			size_t drop = len + take - room;

			memmove(said->text, said->text + drop, len - drop);
			len -= drop;
		}
		memcpy(said->text + len, block, take);
		len += take;
	}
	while (len && said->text[len - 1] == '\n')
		len--;
	said->text[len] = '\0';
}

bool drill_python(void *arg, const char *program, struct drill_text *said)
{
	int in = program_file(program), out[2], status = 0;
	pid_t pid;

	(void)arg;
	if (in < 0 || pipe(out)) {
		snprintf(said->text, sizeof(said->text), "no room for a program: %s", strerror(errno));
		if (in >= 0)
			close(in);
		return false;
	}
	fflush(stdout);
	pid = fork();
	if (!pid)
		become_python(in, out[1]);
	close(in);
	close(out[1]);
	if (pid > 0)
		read_all(out[0], said);
	else
		snprintf(said->text, sizeof(said->text), "no process for python3: %s", strerror(errno));
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}
