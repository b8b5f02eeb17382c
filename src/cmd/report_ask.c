// SPDX-License-Identifier: MIT
/*
 * cmd/report_ask.c - which stack is meant, and what it answers
 *
 * Without a name it is the stack that we run on ourselves (LASTACK_DIR), or the only one that there is.
 */
#include "cmd/report.h"

#include "host/run/folder.h"
#include "host/run/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct names {
	FILE *text;
	char last[FOLDER_NAME + 1];
};

static void take_name(void *arg, const char *name)
{
	struct names *names = arg;

	fprintf(names->text, "%s%s", *names->last ? ", " : "", name);
	snprintf(names->last, sizeof(names->last), "%s", name);
}

static int find_only(const struct command *command, char *found)
{
	struct names names = {.last = ""};
	char *list = NULL;
	size_t count, len;
	int status = 0;

	names.text = open_memstream(&list, &len);
	if (!names.text)
		return fail(command, "no memory");
	count = folder_each(take_name, &names);
	fclose(names.text);
	if (!count)
		status = fail(command, "no stack is running; \"lastack run\" starts one");
	else if (count > 1)
		status = fail(command, "several stacks are running, name one of them: %s", list);
	snprintf(found, FOLDER_NAME + 1, "%s", names.last);
	free(list);
	return status;
}

/* The control socket's folder, and the name it has. */
static int find_stack(const struct command *command, const char *name, char *path, char *found)
{
	const char *own = getenv(SEG_ENV_DIR), *slash;

	if (!name && own && (slash = strrchr(own, '/')) && strlen(own) < FOLDER_PATH) {
		snprintf(path, FOLDER_PATH, "%s", own);
		snprintf(found, FOLDER_NAME + 1, "%s", slash + 1);
		return 0;
	}
	if (name)
		snprintf(found, FOLDER_NAME + 1, "%s", name);
	else if (find_only(command, found))
		return EXIT_FAILURE;
	if (!folder_name_is_good(found) || !folder_path(path, found))
		return fail(command, "%s is no name of a stack", found);
	return 0;
}

static int connect_stack(const struct command *command, const char *path, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control", path);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		fail(command, "no stack named %s is running", name);
	else
		fail(command, "cannot reach the stack %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Pieces until an empty one; NULL: it broke off. */
static char *read_answer(int fd)
{
	struct seg_message message;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool whole = false;

	while (out && recv(fd, &message, sizeof(message), 0) == sizeof(message) &&
	       message.arg[0] <= sizeof(message.text)) {
		whole = !message.arg[0];
		if (whole)
			break;
		fwrite(message.text, 1, message.arg[0], out);
	}
	if (out && fclose(out))
		whole = false;
	if (whole)
		return text;
	free(text);
	return NULL;
}

char *report_ask(const struct command *command, const char *name, const char *line, char *found)
{
	struct seg_message message = {.magic = SEG_MAGIC, .kind = SEG_TEXT};
	char path[FOLDER_PATH], *text = NULL;
	int fd;

	if (find_stack(command, name, path, found))
		return NULL;
	fd = connect_stack(command, path, found);
	if (fd < 0)
		return NULL;
	snprintf(message.text, sizeof(message.text), "%s", line);
	if (send(fd, &message, sizeof(message), MSG_NOSIGNAL) == sizeof(message))
		text = read_answer(fd);
	if (!text)
		fail(command, "the stack %s gave no answer: it ended, or it is not ours to ask", found);
	close(fd);
	return text;
}
