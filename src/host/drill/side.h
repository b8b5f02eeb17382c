/* SPDX-License-Identifier: MIT */
/*
 * host/drill/side.h - what the files of the kernel's side know of each other
 *
 *	side.c      opens and closes one, in order
 *	space.c     the network namespace, and the user namespace around it for who is not root
 *	netlink.c   device, addresses, route; the last connections are ended
 *	wire.c      frames in through the TUN device, frames out through a packet socket that sees when they leave
 *	clock.c     the time, exact sleeping
 *	calls.c     a program's calls: here, or on a worker thread when they may wait
 *	sysno.c     each call of the language as a call of the C library
 *	settings.c  sysctls, lines of shell, counters
 *	stall.c     whether the machine stood still
 */
#ifndef LA_HOST_DRILL_SIDE_H
#define LA_HOST_DRILL_SIDE_H

#include "host/drill/drill.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL
#define NS_PER_US 1000LL

/* A call that was not announced to wait, and a line of shell, may take so long: longer than TIME_WAIT and any linger. */
#define SIDE_PATIENCE_NS (65 * NS_PER_S)

/* Breaks off a call: it has a handler without SA_RESTART. Programs of the C library use the other end of the range. */
#define SIDE_SIGNAL (SIGRTMAX - 3)

/**
 * struct side_thread - what the thread that opened the side was before
 * @caps:   its capabilities, for a script may drop some
 */
struct side_thread {
	sigset_t mask;
	struct sigaction action;
	int policy;
	struct sched_param param;
	int slack_ns;
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
};

/* A descriptor that a script's call has made. */
struct side_fd {
	struct side_fd *next;
	int fd;
};

/**
 * struct linux_side - a network namespace with the script at its one wire
 * @home:     the namespace that the thread comes from and returns to
 * @folder:   where lines of shell run and open() begins; AT_FDCWD: where the program does
 * @tun:      the device's other end, for frames to the kernel
 * @tap:      packet socket that is shown what leaves, with the time
 * @index:    the device's number
 * @patience: interrupts the opening thread in a call that never returns
 * @workers:  threads for calls that may wait; stay until the side ends
 * @stall:    the thread that watches the machine; may be NULL
 */
struct linux_side {
	struct drill_side side;
	struct drill_net net;
	struct side_thread before;
	int home;
	int folder;
	int tun;
	int tap;
	unsigned index;
	timer_t patience;
	bool has_patience;
	struct side_worker *workers;
	struct side_fd *fds;
	struct side_stall *stall;
};

static inline struct linux_side *linux_side(struct drill_side *side)
{
	return (struct linux_side *)side;
}

/* Writes a sentence and gives false. */
__attribute__((format(printf, 2, 3))) bool side_refuse(struct drill_text *why, const char *format, ...);

/* ---------------------------------------------------------------- space.c */

/* Into a fresh namespace; @home gives the way back. */
bool space_enter(int *home, struct drill_text *why);
void space_leave(int home);

/* ---------------------------------------------------------------- netlink.c */

/* Names a device of the namespace and brings up lo and it, with address and route as @net says. */
bool netlink_set_up(const struct drill_net *net, unsigned index, struct drill_text *why);

/* Connections without a descriptor end at once: they would hold the namespace until their timers do. */
void netlink_end_connections(void);

/* ---------------------------------------------------------------- wire.c */

bool wire_open(struct linux_side *self, struct drill_text *why);
void wire_close(struct linux_side *self);
bool wire_inject(struct drill_side *side, const void *frame, size_t len, struct drill_text *why);
bool wire_next(struct drill_side *side, struct drill_frame *frame, int64_t until_ns);

/* ---------------------------------------------------------------- clock.c */

int64_t clock_now(void);

/* CLOCK_REALTIME's @at_ns as time of the side. */
int64_t clock_of_real(int64_t real_ns);
struct timespec clock_spec(int64_t ns);

/* The time stamps in a received message's control part become times of the side. */
void clock_of_message(struct msghdr *msg);

int64_t clock_side_now(struct drill_side *side);
int64_t clock_begin(struct drill_side *side);
void clock_sleep(struct drill_side *side, int64_t until_ns);

/* The calling thread is to be woken exactly, as far as it is allowed to ask. */
void clock_hurry(void);

/* ---------------------------------------------------------------- calls.c */

bool calls_open(struct linux_side *self, struct drill_text *why);

/* Ends waiting calls, threads, and descriptors that the script has left open. */
void calls_close(struct linux_side *self);

/* Every call that waits has returned, or sleeps again: what came before has had its effect. */
void calls_settle(struct linux_side *self);

bool calls_start(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why);
bool calls_finish(struct drill_side *side, struct drill_sys *sys, int64_t until_ns);
void calls_abandon(struct drill_side *side, struct drill_sys *sys);

/* Interrupts this thread after SIDE_PATIENCE_NS, and again and again; up to calls_patience_ends(). */
void calls_patience(struct linux_side *self);
void calls_patience_ends(struct linux_side *self);

/* ---------------------------------------------------------------- sysno.c */

/* Makes the call: -1 and errno as the C library does. Paths begin at @folder. */
long sysno_call(enum drill_sysno no, const uint64_t arg[6], int folder);

/* Which arguments are descriptors, bit by bit. */
unsigned sysno_fds(enum drill_sysno no);

/* ---------------------------------------------------------------- settings.c */

bool settings_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why);
bool settings_command(struct drill_side *side, const char *line, struct drill_text *why);
void settings_counters(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value), void *arg);

/* Writes @value into a file of /proc/sys: 0 or a negative errno. */
int settings_write(const char *path, const char *value);

/* ---------------------------------------------------------------- stall.c */

struct side_stall *stall_begin(void);
void stall_end(struct side_stall *stall);
void stall_forget(struct side_stall *stall);

#endif
