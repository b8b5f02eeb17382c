// SPDX-License-Identifier: MIT
/*
 * host/drill/space.c - into a network namespace of one's own, and back
 *
 * Root, or who may, just leaves for a new namespace. Anybody else first becomes root of a user namespace, which works once
 * per process and while it has one thread; from then on he may. A way back into the machine's own network does not exist
 * for him: home is then an empty namespace of his.
 * Only the calling thread moves. Threads and programs that it starts begin where it is.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int space_here(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static bool space_setting_is(const char *path, char value)
{
	char first = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &first, 1) != 1)
		first = 0;
	close(fd);
	return first == value;
}

/* Why may an ordinary user not make a user namespace here? */
static bool space_user_refused(int error, struct drill_text *why)
{
	if (space_setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return side_refuse(why, "ordinary users may make no namespace here: run as root, or \"sysctl "
					"kernel.unprivileged_userns_clone=1\"");
	if (space_setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return side_refuse(why, "AppArmor lets ordinary users make no namespace: run as root, or \"sysctl "
					"kernel.apparmor_restrict_unprivileged_userns=0\"");
	if (error == ENOSPC || error == EUSERS)
		return side_refuse(why, "no more user namespaces are allowed: run as root, or raise the sysctl "
					"user.max_user_namespaces");
	if (error == EINVAL)
		return side_refuse(why, "no user namespace can be made (the kernel lacks CONFIG_USER_NS, or this "
					"program has a second thread): run as root");
	return side_refuse(why,
			   "no right to make a network namespace (%s): run as root, or give the container "
			   "CAP_SYS_ADMIN and CAP_NET_ADMIN",
			   strerror(error));
}

/* The caller's user and group become root's inside: a program that is executed keeps its rights only as root. */
static bool space_map_user(unsigned uid, unsigned gid)
{
	char map[64];

	settings_write("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (settings_write("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return !settings_write("/proc/self/gid_map", map);
}

static bool space_become_root(struct drill_text *why)
{
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return space_user_refused(errno, why);
	if (!space_map_user(uid, gid))
		return space_user_refused(EPERM, why);
	return true;
}

bool space_enter(int *home, struct drill_text *why)
{
	*home = space_here();
	if (*home < 0)
		return side_refuse(why, "cannot open /proc/thread-self/ns/net (%s): is /proc mounted?",
				   strerror(errno));
	if (!unshare(CLONE_NEWNET))
		return true;
	if (errno == EPERM && space_become_root(why)) {
		close(*home);
		*home = space_here();
		if (*home >= 0 && !unshare(CLONE_NEWNET))
			return true;
		space_user_refused(errno, why);
	} else if (errno != EPERM) {
		side_refuse(why, "the kernel makes no network namespace (%s): it needs CONFIG_NET_NS", strerror(errno));
	}
	if (*home >= 0)
		close(*home);
	*home = -1;
	return false;
}

/* Where there is no way back, an empty namespace does as well: this one must be left, or it would live on. */
void space_leave(int home)
{
	if (home < 0)
		return;
	if (setns(home, CLONE_NEWNET) && unshare(CLONE_NEWNET))
		perror("lastack: cannot leave the network namespace of a script");
	close(home);
}
