/* SPDX-License-Identifier: MIT */
/*
 * drill/so/so.h - Lastack in the place of the kernel under the original packetdrill
 *
 *	script -> packetdrill -+- socket, read, close ...  calls.c (libc's shape) -> la_submit
 *	                       |- netdev_send              wire.c                 -> la_receive
 *	                       |- netdev_receive           wire.c   queue         <- la_device.xmit
 *	                       '- usleep, gettimeofday     clock.c                -> la_advance
 *
 * Two threads come in: packetdrill's main thread with everything, and its system call thread with the calls that a script
 * marks as blocking. One lock stands around all of it; only a call that waits lets it go (wait.c).
 *
 * Time is virtual and belongs to whoever holds the lock. It moves in usleep (by what was asked for), in gettimeofday (by
 * a microsecond: packetdrill spins on it), and to the stack's next deadline where somebody waits: netdev_receive for a
 * packet, or a blocked call when nobody else moves the clock.
 */
#ifndef LA_DRILL_SO_H
#define LA_DRILL_SO_H

#include <lastack/socket.h>
#include <lastack/stack.h>
#include <pthread.h>
#include <sys/time.h>

#define SO_NSEC_PER_USEC 1000ull
#define SO_NSEC_PER_SEC	 1000000000ull

/* How long in virtual time a packet, or the end of a call on the main thread, is waited for. */
#define SO_PATIENCE_NS (300 * SO_NSEC_PER_SEC)

#define SO_FD_MAX 1024

/* A sysctl of the kernel's as it was when we looked last; follow.c. */
#define SO_FOLLOWED_MAX 128
#define SO_SYSCTL_NAME	64
#define SO_SYSCTL_VALUE 64
struct so_followed {
	char name[SO_SYSCTL_NAME], value[SO_SYSCTL_VALUE];
};

/* A packet that has left and that packetdrill has not asked for yet. */
struct so_packet {
	struct so_packet *next;
	uint64_t at_ns;
	size_t len;
	uint8_t bytes[];
};

/**
 * struct so - one run of packetdrill
 * @lock:       around everything here
 * @done:       told when a pending call completes
 * @main:       packetdrill's main thread
 * @main_calls: how often it has come in: a waiting call sees by it whether somebody moves the clock
 * @now_ns:     the virtual clock
 * @first, @last: packets on their way to packetdrill, in order
 * @fds:        descriptor of the stack + 1, by descriptor of the kernel (fd.c)
 * @followed:   sysctls of the kernel's as a script finds or has set them (follow.c)
 * @returning:  a call has just ended on @returning_thread at @returning_ns; the clock may be further already
 */
struct so {
	pthread_mutex_t lock;
	pthread_cond_t done;
	pthread_t main;
	uint64_t main_calls;
	uint64_t now_ns;
	struct la_env_seeded env;
	struct la_stack *stack;
	struct la_task *task;
	struct la_device dev;
	int ifindex;
	struct so_packet *first, **last;
	int fds[SO_FD_MAX];
	bool returning;
	pthread_t returning_thread;
	uint64_t returning_ns;
	struct so_followed followed[SO_FOLLOWED_MAX];
	unsigned followed_count;
};

/* What --so_flags and the environment ask for; settings.c. */
struct so_settings {
	unsigned mtu;
	uint64_t seed;
	char local4[64], local6[64]; /* addresses as text */
	char sysctls[1024];	     /* name=value, separated by commas */
};

void so_settings_read(struct so_settings *set, const char *flags); /* @flags may be NULL */
void so_settings_apply(struct so *so, const struct so_settings *set);

void follow_begin(struct so *so);
void follow_changes(struct so *so); /* what a script's shell lines have set meanwhile */

void so_enter(struct so *so);
void so_leave(struct so *so);
_Noreturn void so_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* clock.c; the lock is held, except in the two members of the table. */
int clock_usleep(void *userdata, unsigned us);
int clock_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz);
void clock_run_to(struct so *so, uint64_t to_ns);  /* every timer on the way fires at its own time */
bool clock_step(struct so *so, uint64_t limit_ns); /* to the next deadline; false: there is none up to @limit_ns */

/* wire.c */
int wire_xmit(struct la_device *dev, const struct la_frame *frame);
int wire_send(void *userdata, const void *frame, size_t len);
int wire_receive(void *userdata, void *buf, size_t *len, long long *time_us);
void wire_drain(struct so *so);
const char *frame_fault(const uint8_t *frame, size_t len); /* frame.c: what is wrong with it, or NULL */

/* fd.c: a descriptor of the stack stands on a placeholder of the kernel. */
int fd_bind(struct so *so, int la_fd);	    /* the placeholder, or -EMFILE */
int fd_lookup(const struct so *so, int fd); /* the stack's, or -1 */
int fd_release(struct so *so, int fd);	    /* closes the placeholder; the stack's, or -1 */

struct packetdrill_interface;
void calls_fill(struct packetdrill_interface *table); /* calls.c */

/* wait.c: from la_prep_*() to the result. */
struct so_call {
	struct la_op op;
	struct so *so;
	bool completed;
	uint64_t completed_ns;
};
void call_begin(struct so_call *call, void *userdata);	/* takes the lock */
int64_t call_run(struct so_call *call);			/* submits, waits; negative errno */
int64_t call_end(struct so_call *call, int64_t result); /* gives the lock back; -1 and errno */

#endif
