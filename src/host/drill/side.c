// SPDX-License-Identifier: MIT
/*
 * host/drill/side.c - a side of the running kernel, from beginning to end
 *
 *	open   into a namespace of our own, the device and the tap, the thread made ready, one worker
 *	close  waiting calls, workers, descriptors; connections without descriptors; the device; back home
 *
 * The order of closing matters: a connection that is still there would hold the namespace, and with it the device's name
 * and its timers, for minutes.
 */
#include "host/drill/side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

bool side_refuse(struct drill_text *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return false;
}

/* ---------------------------------------------------------------- the kernel */

const char *host_drill_kernel(void)
{
	static struct utsname name; /* the same at every call */

	return uname(&name) ? "unknown" : name.release;
}

const char *host_drill_other_kernel(void)
{
	const char *release = host_drill_kernel();
	size_t len = strlen(HOST_DRILL_REFERENCE);

	return !strncmp(release, HOST_DRILL_REFERENCE, len) && (release[len] < '0' || release[len] > '9') ? NULL
													  : release;
}

/* ---------------------------------------------------------------- the thread */

static struct __user_cap_header_struct caps_header(void)
{
	return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

static void thread_prepare(struct side_thread *before)
{
	struct __user_cap_header_struct header = caps_header();

	syscall(SYS_capget, &header, before->caps);
	before->policy = sched_getscheduler(0);
	sched_getparam(0, &before->param);
	before->slack_ns = prctl(PR_GET_TIMERSLACK);
	clock_hurry();
}

static void thread_restore(const struct side_thread *before)
{
	prctl(PR_SET_TIMERSLACK, before->slack_ns, 0, 0, 0);
	sched_setscheduler(0, before->policy, &before->param);
}

/* Rights that the script has dropped: leaving the namespace needs them. */
static void thread_regain(const struct side_thread *before)
{
	struct __user_cap_header_struct header = caps_header();

	syscall(SYS_capset, &header, before->caps);
}

/* ---------------------------------------------------------------- opening and closing */

static void side_close(struct drill_side *side)
{
	struct linux_side *self = linux_side(side);

	thread_regain(&self->before);
	calls_close(self);
	stall_end(self->stall);
	netlink_end_connections();
	wire_close(self);
	space_leave(self->home);
	thread_restore(&self->before);
	if (self->folder >= 0)
		close(self->folder);
	free(self);
}

static const struct drill_backend linux_ops = {
	.name = "linux",
	.now = clock_side_now,
	.begin = clock_begin,
	.sleep = clock_sleep,
	.start = calls_start,
	.finish = calls_finish,
	.abandon = calls_abandon,
	.inject = wire_inject,
	.next = wire_next,
	.sysctl = settings_sysctl,
	.command = settings_command,
	.counters = settings_counters,
	.close = side_close,
};

static bool folder_open(struct linux_side *self, struct drill_text *why)
{
	self->folder = AT_FDCWD;
	if (!self->net.folder || !*self->net.folder)
		return true;
	self->folder = open(self->net.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return self->folder >= 0 ||
	       side_refuse(why, "cannot enter the script's folder %s (%s)", self->net.folder, strerror(errno));
}

bool host_drill_open(const struct drill_net *net, struct drill_side **side, struct drill_text *why)
{
	struct linux_side *self = calloc(1, sizeof(*self));

	if (!self)
		abort();
	*self = (struct linux_side){.side.ops = &linux_ops, .net = *net, .home = -1, .tun = -1, .tap = -1};
	if (!folder_open(self, why) || !space_enter(&self->home, why)) {
		if (self->folder >= 0)
			close(self->folder);
		free(self);
		return false;
	}
	thread_prepare(&self->before);
	if (!calls_open(self, why) || !wire_open(self, why)) {
		side_close(&self->side);
		return false;
	}
	self->stall = stall_begin();
	*side = &self->side;
	return true;
}
