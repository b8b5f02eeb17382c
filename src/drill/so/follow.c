// SPDX-License-Identifier: MIT
/*
 * drill/so/follow.c - settings that a script makes in its shell lines
 *
 * Scripts set sysctls of the kernel's ("`sysctl -w net.ipv4.tcp_sack=0`") after we have been loaded and before their first
 * socket(). What has changed in /proc/sys since the beginning is done to the stack as well at each socket(), so that one
 * script does for both. Names that the stack does not know are passed over, as is a /proc that cannot be read.
 */
#include "drill/so/so.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOLLOWED_DIR "/proc/sys/net/ipv4"

/* The value as the stack wants it: blanks between numbers, no end of line. False: none. */
static bool read_value(const char *name, char *value, size_t cap)
{
	char path[sizeof(FOLLOWED_DIR) + SO_SYSCTL_NAME];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), FOLLOWED_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, value, cap - 1);
	close(fd);
	if (len <= 0)
		return false;
	value[len] = 0;
	value[strcspn(value, "\n")] = 0;
	for (char *p = value; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return true;
}

static bool is_known(struct so *so, const char *name)
{
	char value[SO_SYSCTL_VALUE];

	return strlen(name) < SO_SYSCTL_NAME && la_sysctl_get(so->stack, name, value, sizeof(value)) >= 0;
}

void follow_begin(struct so *so)
{
	DIR *dir = opendir(FOLLOWED_DIR);
	struct so_followed *f;
	struct dirent *entry;

	while (dir && so->followed_count < SO_FOLLOWED_MAX && (entry = readdir(dir))) {
		f = &so->followed[so->followed_count];
		if (!is_known(so, entry->d_name) || !read_value(entry->d_name, f->value, sizeof(f->value)))
			continue;
		strcpy(f->name, entry->d_name);
		so->followed_count++;
	}
	if (dir)
		closedir(dir);
}

void follow_changes(struct so *so)
{
	char value[SO_SYSCTL_VALUE];
	struct so_followed *f;

	for (unsigned i = 0; i < so->followed_count; i++) {
		f = &so->followed[i];
		if (!read_value(f->name, value, sizeof(value)) || !strcmp(value, f->value))
			continue;
		strcpy(f->value, value);
		if (la_sysctl_set(so->stack, f->name, value))
			fprintf(stderr, "lastack: the kernel takes %s = \"%s\", the stack does not\n", f->name, value);
	}
}
