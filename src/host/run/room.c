// SPDX-License-Identifier: MIT
/*
 * host/run/room.c - namespaces in which anybody may have a TUN device
 *
 * In the user namespace we have all rights over the network namespace made with it until the next execve(), and are
 * still ourselves: the program sees its own user, and files belong to whom they did.
 */
#include "host/run/room.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	close(fd);
	return len < 0 ? -errno : 0;
}

static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int error;

	snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)uid, (unsigned)uid);
	error = write_text("/proc/self/uid_map", text);
	if (!error)
		error = write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1\n", (unsigned)gid, (unsigned)gid);
	return error ? error : write_text("/proc/self/gid_map", text);
}

static int loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		error = -errno;
	close(fd);
	return error;
}

int room_make(const char **why)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int error;

	*why = "no new user namespace: this system forbids them (see user.max_user_namespaces, and "
	       "kernel.unprivileged_userns_clone or its AppArmor rule); run as root without --rootless";
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	*why = "cannot map our user into the new namespace";
	error = map_ids(uid, gid);
	if (error)
		return error;
	*why = "cannot bring up the loopback of the new namespace";
	return loopback_up();
}

static int enter(pid_t pid, const char *kind, int flag)
{
	char path[64];
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = setns(fd, flag) ? -errno : 0;
	close(fd);
	return error;
}

int room_enter(pid_t pid, const char **why)
{
	int error;

	*why = "cannot enter the namespaces of the stack";
	error = enter(pid, "user", CLONE_NEWUSER);
	return error ? error : enter(pid, "net", CLONE_NEWNET);
}
