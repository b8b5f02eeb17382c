/* SPDX-License-Identifier: MIT */
/*
 * host/preload/preload.h - inside the shim: what its files share
 *
 * The shim stands before libc in every program of `lastack run`. Each interposed call asks what its number means:
 *
 *	stack_handle(fd)  0: the kernel's ---> real.recv(...)            libc's own function
 *	                  a handle --------> call_begin, call_wait, call_end: a slot of the segment, answered by the executor
 *
 * attach.c  the process joins its stack: control socket, segment, bell; forgets all of it in a forked child
 * table.c   numbers: what each means; a cache only, the kernel's own table is the truth
 * slot.c    one call: slot, submission, sleep, signals
 *
 * All this runs in signal handlers and between fork and exec: no malloc, no stdio, no locks that a handler could meet
 * held; private system calls go through sys(), which leaves errno alone. Results are negative errno until give().
 */
#ifndef LA_PRELOAD_PRELOAD_H
#define LA_PRELOAD_PRELOAD_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "host/preload/real.h"
#include "host/run/segment.h"

#if defined(_FILE_OFFSET_BITS) || defined(_FORTIFY_SOURCE)
#error "the shim defines pread and pread64, read and __read_chk: the headers must not turn one into the other"
#endif

#define EXPORT __attribute__((visibility("default"), used))

/* ------------------------------------------------------------------ system calls, past libc: the value or -errno */

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
#error "the shim knows how to call the kernel on x86-64 and arm64"
#endif
}
#define SYS_SIX(nr, a, b, c, d, e, f, ...) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(...)			   SYS_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* What the program gets: errno only on failure. */
static inline long give(int64_t result)
{
	if (result >= 0)
		return (long)result;
	errno = (int)-result;
	return -1;
}

/* ------------------------------------------------------------------ attach.c: the process and its stack */

extern _Atomic bool shim_started;
void shim_start(void);
bool shim_configured(void); /* the program runs under `lastack run`; false: everything is libc's */

/* First thing in every interposed call that does not begin with stack_handle(): makes `real` valid. */
static inline void shim_ready(void)
{
	if (__builtin_expect(!shim_started, 0))
		shim_start();
}

int shim_attach(void);	       /* 0, or -ENETDOWN: there is no stack to join. Cheap once attached */
uint64_t shim_life(void);      /* differs in every process that attached: what is cached per life ends with it. 0: not attached */
bool shim_is_vfork_child(void); /* runs in its parent's memory with a descriptor table of its own: must not fill the cache */
extern _Atomic uint32_t vfork_children; /* vfork.c: how many there may be now */

/* The set's kernel epoll, an own number (below): made and registered with the executor if @make and there is none. -ENOENT
 * without one. Valid until the program closes its number of the set in this process. */
int kernel_set(seg_handle set, bool make);
int kernel_set_known(seg_handle set);   /* as above, where this process has it already; asks nobody */
void kernel_set_forget(seg_handle set); /* closes our number of it; the kernel's object lives on while others have it */

/* ------------------------------------------------------------------ table.c: numbers */

seg_handle stack_handle(int fd); /* 0: a kernel number, or none at all: libc will say EBADF */
seg_handle stack_handle_kind(int fd, enum seg_kind *kind);
void number_set(int fd, seg_handle file, enum seg_kind kind); /* we just made it */
void number_is_kernel(int fd);		/* the kernel just made it */
void number_forget(int fd);		/* before and after whatever changes its meaning */
void number_forget_range(unsigned int first, unsigned int last);
bool number_is_own(int fd); /* the shim's own descriptor: the program sees EBADF */
int number_last_known(unsigned int first, unsigned int last); /* the highest cached stack number within; -1 */
int64_t dup_onto(int fd, int to, int flags); /* numbers.c: dup3(), for the program */
int number_next_own(unsigned int first, unsigned int last);

/* Own descriptors stand high, close-on-exec. Takes @fd (also on error) and gives its place: own_fd() its number now, which
 * changes when the program dup2()s over it. Negative errno. */
int own_add(int fd);
int own_fd(int place);
void own_close(int place);
int own_move(int fd); /* the program is about to dup2() onto it */

/* ------------------------------------------------------------------ say.c: to the user */

void say(const char *text);  /* a line on stderr, if that is still what the user sees */
const char *say_note(void);  /* which stderr that is: an environment entry for new programs, "" without */

/* ------------------------------------------------------------------ stdio.c: streams */

void stdio_number_changed(int fd); /* a copy was made onto it: stdin, stdout and stderr follow their numbers */

/* ------------------------------------------------------------------ slot.c: one call */

/**
 * struct call - a slot in this thread's hands; calls of a thread nest strictly (a signal handler's within the one it met)
 * @slot: the request and then the reply; arguments are zero after call_begin(), number is -1: say there what the program said
 * @data: its payload, SEG_DATA bytes
 * @since: when it was submitted; 0: it is done, or was not
 * @life:  of the process that began it; a child that its handler forked comes back to it with another
 */
struct call {
	struct seg_slot *slot;
	uint8_t *data;
	unsigned int nr, level;
	uint64_t since, life;
};

int call_begin(struct call *call, enum seg_call what, seg_handle file); /* 0; -ENETDOWN, -ENOMEM */
/* Submits it and sleeps until it is done; a signal ends it as it would end the system call. The result; the slot stays
 * ours to read aux and data. */
int64_t call_wait(struct call *call);
/* Gives the slot back (on whatever call_begin() gave), then raises the reply's signal. The result. */
int64_t call_end(struct call *call);

/* The same in pieces, for what also waits for kernel numbers. */
void call_submit(struct call *call);
bool call_done(struct call *call);   /* spins briefly the first time */
int call_bell(struct call *call);    /* about to sleep: a number for poll, readable when done; -EALREADY: is done; -errno */
void call_unbell(struct call *call); /* slept: the bell is silent again */
void call_cancel(struct call *call); /* ends it as a signal does and waits for its result */

/* For SOCKET, ACCEPT4, EPOLL_CREATE1: the number is there before the file. spare_open() right after call_begin(): the number,
 * close-on-exec, or -errno; spare_close() after call_wait(): keeps it (giving it back) or closes it, as the result says. */
int spare_open(struct call *call);
int spare_close(struct call *call, int fd, enum seg_kind kind, bool cloexec);

/* For CALL_CLOSED: on, before the real close; off, after call_wait(). */
void call_announce(struct call *call, bool on);

/* A call without payload. */
int64_t call_plain(enum seg_call what, seg_handle file, uint64_t a, uint64_t b, uint64_t c);

#endif
