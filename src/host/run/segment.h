/* SPDX-License-Identifier: MIT */
/*
 * host/run/segment.h - what a program's process and the executor share: calls go in, results come out
 *
 *	shim: take a slot, fill it in, SLOT_SUBMITTED, set its bit --> executor: copy, check, la_submit()
 *	shim: look, then sleep on slot.state or on a bell          <-- executor: result, SLOT_DONE, wake who sleeps
 *
 * One segment a process (a memfd, made when it attaches): a program that writes wildly can spoil its own calls and nothing
 * else. The executor trusts no word in it: it copies a request before it looks at it, keeps each slot's true state
 * in memory of its own, and lets the library touch nothing here but the payload area, whose bounds it knows.
 *
 * Files: a stack file is known to programs by the FIFO "f/ID" in the stack's folder. The program's descriptor is an open
 * description of that FIFO, so the kernel counts its holders (dup, fork, exec, descriptors in flight, SIGKILL); the
 * executor holds the reading side and sees POLLHUP when the last one went. A handle names one life of one file.
 * Loans: with an answer about a socket the executor lends the process what recv() would return and room for what it may
 * send() next, so that neither has to ask (struct seg_loan). It ends them before anything else happens to the file.
 * All integers are in the machine's order; the two sides are built from one tree and check SEG_VERSION.
 */
#ifndef LA_RUN_SEGMENT_H
#define LA_RUN_SEGMENT_H

#include <limits.h>
#include <stdint.h>

#define SEG_MAGIC   0x4b434154u /* "TACK" */
#define SEG_VERSION 3u

/* The environment of programs under `lastack run`. */
#define SEG_ENV_DIR "LASTACK_DIR" /* the stack's folder: the socket "control", the FIFOs "f/ID" */

#define SEG_SLOTS 1024		/* calls of one process in progress at a time */
#define SEG_WORDS (SEG_SLOTS / 64)
#define SEG_DATA  (256u << 10)	/* payload of one call; longer ones are cut by the shim */
#define SEG_AUX	  3840		/* names, option values, control messages */

/* id in the low half, generation above (1 to 2^31 - 1): never 0 for a file that exists. "f/ID": ID in decimal. */
typedef uint64_t seg_handle;
#define SEG_ID(h) ((uint32_t)(h))

enum seg_state {
	SLOT_FREE,	/* shim: nobody uses it */
	SLOT_TAKEN,	/* shim: being filled in, or its result being read */
	SLOT_SUBMITTED, /* executor's from here on */
	SLOT_PENDING,	/* executor: it takes time; a signal with SA_RESTART restarts it (ERESTARTSYS) */
	SLOT_PENDING_EINTR, /* executor: as above, but a signal ends it with EINTR whatever SA_RESTART says */
	SLOT_DONE,	/* shim's again */
};

enum seg_sleeper { SLEEPER_NONE, SLEEPER_FUTEX /* on slot.state */, SLEEPER_BELL /* in poll, on the slot's eventfd */ };

enum seg_call {
	CALL_NONE,
	/* Files. SPARE gives the slot a handle in slot.spare, to be opened before SOCKET, ACCEPT4, EPOLL_CREATE1, which turn it into
	 * the new file: the number is there first, as with get_unused_fd(), and EMFILE loses nothing. */
	CALL_SPARE,
	CALL_IDENTIFY,	    /* arg[0]: inode of a FIFO -> slot.file its handle, arg[0] enum seg_kind; -ENOENT */
	CALL_CLOSED,	    /* a descriptor of file was closed: if it was the last, the close runs now, lingering; see seg.closing */
	CALL_SOCKET,	    /* domain, type, protocol */
	CALL_ACCEPT4,	    /* file; flags, wants name -> aux: name, aux_len */
	CALL_BIND,	    /* file; aux: name */
	CALL_CONNECT,	    /* file; aux: name */
	CALL_LISTEN,	    /* file; backlog */
	CALL_SHUTDOWN,	    /* file; how */
	CALL_GETSOCKNAME,   /* file -> aux: name */
	CALL_GETPEERNAME,   /* file -> aux: name */
	CALL_GETSOCKOPT,    /* file; level, name, room -> aux: value, aux_len */
	CALL_SETSOCKOPT,    /* file; level, name; aux: value */
	CALL_IOCTL,	    /* file; request; aux: what it points to, both ways */
	CALL_FCNTL,	    /* file; F_GETFL, F_SETFL, ... and its argument */
	/* Long ones come in pieces: arg[4] is what earlier pieces of the same system call moved. An error then ends the call with
	 * their count and must be left for the next call, without a signal. */
	CALL_RECV,	    /* file; flags, length, enum seg_io, control room -> data; aux: name, then control; msg_flags in arg[0] */
	CALL_SEND,	    /* file; flags, length, enum seg_io; data; aux: name, then control */
	CALL_POLL,	    /* count, timeout ms; data: struct seg_pollfd each, both ways */
	CALL_EPOLL_CREATE1, /* flags (none matter) */
	CALL_EPOLL_CTL,	    /* file: the set; how, events, data, the member's handle, the member's number */
	CALL_EPOLL_WAIT,    /* file: the set; most events, timeout ms, 1: has its kernel epoll -> data: struct epoll_event each */
	/* A set watches kernel descriptors in a kernel epoll of its own, which the executor keeps for all processes that
	 * have the set. The first to need it makes it and sends it over the control socket. Whoever waits on the set without it, then or
	 * later (arg[2] 0), gets -ESTALE at once: to fetch it and come again. arg[0] of a reply to EPOLL_CTL and EPOLL_WAIT: 1 where
	 * there is one. */
	CALL_MAX,
};

enum seg_kind { SEG_KIND_NONE, SEG_KIND_SOCKET, SEG_KIND_EPOLL };

/* Which system call moves the data: read and write differ from recv and send in small things. */
enum seg_io { SEG_IO_MSG, SEG_IO_FILE /* read, readv, write, writev */ };

struct seg_pollfd {
	seg_handle file;
	int16_t events, revents;
	int32_t number; /* the shim's own */
};

/**
 * struct seg_slot - one call
 * @state:    enum seg_state; a futex
 * @sleeper:  enum seg_sleeper; set before sleeping, cleared with the next call. Who wakes leaves it: it may have been set for the
 *	      state that comes next. SLEEPER_FUTEX is woken also when SUBMITTED becomes PENDING_EINTR: it sleeps in another way then
 * @cancel:   a signal came: end it as one does, then SLOT_DONE. Set the slot's bit again to be seen
 * @call:     enum seg_call
 * @file:     what it acts on; replies may return one
 * @arg:      as listed at enum seg_call
 * @aux_len, @data_len: bytes used of @aux and of the slot's payload area, both ways
 * @name_len: of @aux, bytes of a socket name; what follows is control messages
 * @result:   the return value or a negative errno
 * @signal:   to raise in this thread, 0: none
 * @spare:    a handle to be used up by the next SOCKET, ACCEPT4 or EPOLL_CREATE1 of this slot; 0: none. The reply of one
 *            that used it up brings the next, or 0 where there is none to be had
 * @number:   the descriptor as the program named it, for the comments of a capture; -1: none
 */
struct seg_slot {
	_Atomic uint32_t state, sleeper, cancel;
	uint32_t call;
	seg_handle file, spare;
	uint64_t arg[6];
	uint32_t aux_len, data_len, name_len;
	int32_t signal;
	int64_t result;
	int32_t number;
	uint8_t pad[124];
	_Alignas(64) uint8_t aux[SEG_AUX];
};
_Static_assert(sizeof(struct seg_slot) == 4096, "a page a slot");

/*
 * A loan's word: whether it is there, and what was used of it. Both sides change it by compare and exchange alone; who succeeds is
 * believed: a program that has set "sent" has sent, and one that has not, has not. Each life of a loan has a serial number.
 */
#define SEG_LOANS     1024u  /* of one process; a file's is at its id modulo this */
#define SEG_LOAN_DATA 16384u /* bytes each way */
#define LOAN_THERE    1u
#define LOAN_WRITING  2u /* a thread fills in what it is about to send */
#define LOAN_TAKEN_AT 2  /* 15 bits: bytes received of it */
#define LOAN_SENT_AT  17 /* 15 bits: bytes sent, after that: nothing is received any more */
#define LOAN_LENGTH   0x7fffu
#define LOAN_SERIAL   (1ull << 32)
static inline uint32_t loan_taken(uint64_t word) { return (uint32_t)(word >> LOAN_TAKEN_AT) & LOAN_LENGTH; }
static inline uint32_t loan_sent(uint64_t word) { return (uint32_t)(word >> LOAN_SENT_AT) & LOAN_LENGTH; }
static inline uint64_t loan_used(uint64_t word) { return word & (uint32_t)~(LOAN_THERE | LOAN_WRITING); }

/**
 * struct seg_loan - what one file's holder may do without a call
 * @word:  above
 * @users: threads that are about to use it, or gave up in the middle: until none is, it is not lent again. seq_cst, as @word
 * @recv:  bytes in loan_recv[]: all that recv() would find, fewer than SEG_LOAN_DATA
 * @send:  bytes that may be put into loan_send[]
 * @file:  whose. These three are the executor's; fixed while it is there
 * @flags, @stamp: of what is sent: MSG_*, and when, in ns of CLOCK_MONOTONIC: all programs' sends leave in this order
 */
struct seg_loan {
	_Atomic uint64_t word;
	_Atomic uint32_t users;
	uint32_t recv, send, flags;
	seg_handle file;
	uint64_t stamp;
	uint8_t pad[24];
};
_Static_assert(sizeof(struct seg_loan) == 64, "a line of cache a loan");

/**
 * struct seg - one process's segment: this, then SEG_SLOTS payload areas of SEG_DATA bytes
 * @cpu:       the processor from which the bell was rung last; a hint: the executor had better run there
 * @submitted: a bit each slot: something for the executor; the executor clears a bit before it looks
 * @closing:   a bit each slot: it has call CALL_CLOSED and its file filled in, is in SLOT_TAKEN, and the real close comes
 *             next. The executor often sees the last close before the call does: it then begins the call itself
 *             (SLOT_SUBMITTED), and the shim finds it in progress or done. The shim clears the bit when the call is done
 * @used:      a bit each loan: something was received or sent; the executor clears a bit before it looks
 */
struct seg {
	uint32_t magic, version;
	_Atomic uint32_t cpu;
	_Alignas(64) _Atomic uint64_t submitted[SEG_WORDS];
	_Alignas(64) _Atomic uint64_t closing[SEG_WORDS];
	_Alignas(64) _Atomic uint64_t used[SEG_LOANS / 64];
	_Alignas(64) struct seg_loan loan[SEG_LOANS];
	_Alignas(4096) struct seg_slot slot[SEG_SLOTS];
	_Alignas(4096) uint8_t data[SEG_SLOTS][SEG_DATA];
	_Alignas(4096) uint8_t loan_recv[SEG_LOANS][SEG_LOAN_DATA];
	_Alignas(4096) uint8_t loan_send[SEG_LOANS][SEG_LOAN_DATA];
};

enum seg_sleep {
	SEG_AWAKE,
	SEG_ASLEEP, /* in poll: whoever has something for the executor rings its bell (an eventfd) */
	SEG_DOZING, /* on the word, for a moment: who submits a call wakes it there, a loan that was used can wait */
};

/**
 * struct seg_shared - one page for all programs of a stack, which may only read it
 * @sleeping: enum seg_sleep; a futex
 * @spin_ns:  how long a thread may look for what it waits for before it sleeps
 */
struct seg_shared {
	uint32_t magic, version;
	uint64_t spin_ns;
	_Alignas(64) _Atomic uint32_t sleeping;
};

/*
 * The control socket: SOCK_SEQPACKET, "control" in the stack's folder. The first message of a process attaches it; the
 * answer brings three descriptors: the segment, the shared page, the executor's bell.
 */
enum seg_message_kind {
	SEG_ATTACH = 1, /* -> and <-: arg[0] SEG_VERSION; in the answer: @fifo_dev, flags */
	SEG_BELL,	/* ->: with an eventfd for slot arg[0]: where SLEEPER_BELL rings; rung once on arrival. No answer */
	SEG_KERNEL_SET,	/* ->: with a kernel epoll for the set arg[0] (a handle); <-: the same with the one that counts,
			 * another process may have been first. Without a descriptor: asks for it */
	SEG_TEXT,	/* -> a command of `lastack ss`, `lastack nstat`; <- text in pieces, an empty one ends it */
	SEG_KERNEL_SOCKET, /* ->: file arg[0] becomes a kernel socket (--loopback kernel): <- result arg[0] */
	SEG_CHILD,	/* ->: with one end of a socket pair: the other is the control socket of the forked child that made it. The
			 * folder's name may mean nothing to a child any more (chroot). No answer here */
};

#define SEG_LOOPBACK_KERNEL 1u /* flag: loopback addresses are the kernel's */

struct seg_message {
	uint32_t magic, kind;
	uint64_t arg[4];
	uint64_t fifo_dev;	/* st_dev of the stack's FIFOs */
	uint32_t flags;
	int32_t error;		/* negative errno, 0: good */
	char text[1024];	/* SEG_TEXT */
};

#endif
