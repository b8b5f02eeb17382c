/* SPDX-License-Identifier: MIT */
/*
 * drill/backend.h - a side: the machine on which a script is played
 *
 *	runner (run.h) --- calls of programs, frames, settings ---> side     Lastack in virtual time   lab/drill.c
 *	               <-- results, frames that left, counters ----          the running kernel        host/drill/
 *
 * The runner knows scripts and nothing of how a side works; a side knows nothing of scripts. It has a clock, programs whose
 * calls may wait, one wire on which the script is the other end, settings and counters.
 *
 * Times are nanoseconds of the side's own clock, from any beginning; so are the time stamps in control messages. Results are
 * those of the system calls, errors negative.
 * What a side cannot do it says in a struct drill_text, and the script fails with these words.
 */
#ifndef DRILL_BACKEND_H
#define DRILL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct drill_text - a sentence for the user, without a full stop at its end; cut where it is too long */
struct drill_text {
	char text[1024];
};

/* Which sockets and which packets: 4in6 are AF_INET6 sockets with IPv4 packets. */
enum drill_family { DRILL_IPV4, DRILL_IPV6, DRILL_4IN6 };

/**
 * struct drill_net - the wire of a run
 * @local, @remote: addresses of the side and of the script; IPv4 mapped (::ffff:a.b.c.d), network order
 * @gateway:        next hop towards @remote where it is not on the wire itself
 * @prefix:         bits of @local's network, counted in its own family
 * @anyip:          the side owns every address (the option is_anyip)
 * @folder:         where lines of shell run, the script's own; NULL: where the program runs. Borrowed
 */
struct drill_net {
	enum drill_family family;
	unsigned mtu;
	uint8_t local[16], remote[16], gateway[16];
	unsigned prefix;
	bool anyip;
	const char *folder;
};

/* Every call that the language has. */
enum drill_sysno {
	DRILL_SYS_SOCKET,
	DRILL_SYS_BIND,
	DRILL_SYS_LISTEN,
	DRILL_SYS_ACCEPT,
	DRILL_SYS_CONNECT,
	DRILL_SYS_READ,
	DRILL_SYS_READV,
	DRILL_SYS_RECV,
	DRILL_SYS_RECVFROM,
	DRILL_SYS_RECVMSG,
	DRILL_SYS_WRITE,
	DRILL_SYS_WRITEV,
	DRILL_SYS_SEND,
	DRILL_SYS_SENDTO,
	DRILL_SYS_SENDMSG,
	DRILL_SYS_FCNTL,
	DRILL_SYS_IOCTL,
	DRILL_SYS_CLOSE,
	DRILL_SYS_SHUTDOWN,
	DRILL_SYS_GETSOCKOPT,
	DRILL_SYS_SETSOCKOPT,
	DRILL_SYS_POLL,
	DRILL_SYS_CAP_SET,
	DRILL_SYS_OPEN,
	DRILL_SYS_SENDFILE,
	DRILL_SYS_EPOLL_CREATE,
	DRILL_SYS_EPOLL_CTL,
	DRILL_SYS_EPOLL_WAIT,
	DRILL_SYS_PIPE,
	DRILL_SYS_SPLICE,
	DRILL_SYSCALLS,
};

/**
 * struct drill_sys - one call of a program, in C's terms
 * @arg:     as a program passes them; pointers point into the runner's memory, which stays until the call has returned;
 *           descriptors are the side's own
 * @pending: it waits; the rest is not there yet
 * @result:  what it returned, or a negative errno
 * @signal:  raised with it (SIGPIPE), 0: none. A side that cannot tell gives 0
 * @begun_ns, @ended_ns: by the side's clock
 * @side:    the side's own, while the call is under way
 */
struct drill_sys {
	enum drill_sysno no;
	uint64_t arg[6];
	bool pending;
	int64_t result;
	int signal;
	int64_t begun_ns, ended_ns;
	void *side;
};

/**
 * struct drill_frame - an IP packet that left the side
 * @at_ns: when it left
 */
struct drill_frame {
	int64_t at_ns;
	size_t len;
	uint8_t bytes[65576];
};

struct drill_side {
	const struct drill_backend *ops;
};

/**
 * struct drill_backend - what a side can do
 * @name:     "lastack", "linux"
 * @now:      its clock
 * @begin:    a good moment for the script's time 0, now or a few ms later: the kernel's coarse clock has just ticked, so that
 *            events on whole milliseconds are not counted to the tick before. NULL: any moment is good
 * @sleep:    returns at @until_ns, or a little later
 * @start:    a program begins a call. With @may_wait it comes back when the call has returned or is seen to wait
 *            (@sys->pending); without, when it has returned, however long that takes. A call that would never return is
 *            broken off after the side's patience: false, with the reason
 * @finish:   waits at most until @until_ns for a pending call; false: it still waits
 * @abandon:  a pending call is broken off as by a signal
 * @inject:   a packet of the script's arrives at the side; false with the reason
 * @next:     the oldest frame that has left and was not yet asked for, waiting at most until @until_ns; false: none. May be
 *            asked with a time that has passed: nothing is waited for then
 * @sysctl:   sets @name (net.ipv4.tcp_fin_timeout) to @value
 * @command:  a line of shell that the runner has not understood itself (settings.h); false with the reason
 * @counters: every MIB counter, by nstat's names, in any order
 * @fault:    what is wrong with the side itself, such as a broken invariant, or NULL; asked after every event. May be NULL
 * @close:    the side ends: descriptors still open are closed and what that sends is lost
 */
struct drill_backend {
	const char *name;
	int64_t (*now)(struct drill_side *side);
	int64_t (*begin)(struct drill_side *side);
	void (*sleep)(struct drill_side *side, int64_t until_ns);
	bool (*start)(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why);
	bool (*finish)(struct drill_side *side, struct drill_sys *sys, int64_t until_ns);
	void (*abandon)(struct drill_side *side, struct drill_sys *sys);
	bool (*inject)(struct drill_side *side, const void *frame, size_t len, struct drill_text *why);
	bool (*next)(struct drill_side *side, struct drill_frame *frame, int64_t until_ns);
	bool (*sysctl)(struct drill_side *side, const char *name, const char *value, struct drill_text *why);
	bool (*command)(struct drill_side *side, const char *line, struct drill_text *why);
	void (*counters)(struct drill_side *side, void (*each)(void *arg, const char *name, uint64_t value), void *arg);
	const char *(*fault)(struct drill_side *side);
	void (*close)(struct drill_side *side);
};

#endif
