/* SPDX-License-Identifier: MIT */
/*
 * host/run/run.h - inside the executor: what its files share
 *
 *	executor.c  its life and its loop: calls, frames, timers, descriptors, and sleep
 *	control.c   the control socket: who may come, and what is said on it besides calls
 *	clients.c   processes: a segment each, and what is left when one ends
 *	calls.c     slot -> la_op -> slot
 *	table.c     the list of calls: how each takes its arguments and gives its results
 *	files.c     FIFO <-> file of the stack: spares, birth, last close
 *	loan.c      what a process may receive and send without a call
 *	owners.c    who has what open, from /proc
 *
 * Nothing here is called from within the stack but call_done(), which therefore closes nothing and frees nothing: what it
 * finds in doubt is looked at when the turn ends.
 */
#ifndef LA_RUN_RUN_H
#define LA_RUN_RUN_H

#include "host/run/executor.h"
#include "host/run/segment.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define RUN_POOL_MAX 512 /* FIFOs kept for new files */

struct client;

/* A descriptor in the executor's epoll. */
struct watch {
	int fd;
	void (*ready)(struct executor *ex, struct watch *watch, uint32_t events);
};

/* ------------------------------------------------------------------ loan.c */

/**
 * struct run_loan - a file's loan, as the executor knows it
 * @watch:      from the first loan on
 * @client:     who has it; NULL: nobody
 * @serial:     of the loan there is; counts on from one to the next
 * @recv, @send: as lent
 * @ended:      by something that happened on the connection: @used of it is still to be done
 * @stamp, @next_used: of those that were used, while they are being done
 */
struct run_file;
struct run_loan {
	struct la_watch watch;
	struct executor *ex;
	struct client *client;
	uint32_t serial, recv, send;
	bool watched, ended;
	uint64_t used, stamp;
	struct run_file *next_used;
};

bool loan_grant(struct executor *ex, struct client *client, struct run_file *file); /* false: nothing to lend */
void loan_end(struct executor *ex, struct run_file *file); /* and do what was used of it */
void loan_file_gone(struct executor *ex, struct run_file *file);
bool loans_take(struct executor *ex); /* does what was used; false: nothing was */
void loans_client_gone(struct executor *ex, struct client *client);
bool loans_waiting(const struct executor *ex); /* was any used? */

/* ------------------------------------------------------------------ files.c */

enum file_state {
	FILE_NONE,  /* no FIFO: the number waits to be used again */
	FILE_POOL,  /* a FIFO that nobody has open */
	FILE_SPARE, /* handed to a slot, for its next socket */
	FILE_LIMBO, /* was a spare of a process that is gone; somebody still has it open */
	FILE_BOUND, /* a file of the stack */
};

/* A further number by which epoll sets know the file: epoll keys are (file, number), the library's own number must differ. */
struct run_key {
	struct run_key *next;
	int number; /* the program's */
	int fd;	    /* the library's, a dup */
};

/**
 * struct run_file - a FIFO, and the file of the stack that it stands for; never freed, its number is used again
 * @watch:      the FIFO's reading side; -1 in FILE_NONE
 * @generation: new for each life; not to be guessed
 * @hung_up:    the event came while no file was bound: to be asked again at binding
 * @timed:      TIMED_RECV, TIMED_SEND
 * @fd:         the library's number of it
 * @number:     the program's number that @fd stands for in epoll sets; -1: none yet
 * @kernel_set: of an epoll set: its kernel epoll; -1: none
 * @client:     whose spare it is, or who made it; NULL: that one is gone
 * @closer:     has announced to close it
 * @calls:      in progress that act on it. One that waits may receive or send at any time: it is not lent meanwhile
 */
struct run_file {
	struct watch watch;
	uint32_t id, generation;
	enum file_state state;
	enum seg_kind kind;
	bool hung_up, in_doubt;
	uint8_t timed;
	int fd, number, kernel_set;
	int late_error; /* for the next call that moves data */
	uint32_t calls;
	uint64_t inode;
	struct run_key *keys;
	struct run_loan loan;
	struct client *client, *closer;
	struct run_file *next;	    /* in the pool, or of numbers without FIFO */
	struct run_file *next_doubt;
	struct run_file *next_hash; /* by inode */
};

enum { TIMED_RECV = 1, TIMED_SEND = 2, TIMED_ALWAYS = 4 }; /* what has a time limit ends with EINTR */

struct run_files {
	struct run_file **by_id, **by_inode, **by_fd; /* by_fd: the library's numbers, keys included */
	uint32_t count, room, buckets, fds;
	struct run_file *pool, *none, *doubtful;
	uint32_t pooled, bound, spares, kernel_sets;
};

static inline seg_handle file_handle(const struct run_file *file)
{
	return (uint64_t)file->generation << 32 | file->id;
}

struct run_file *file_find(struct executor *ex, seg_handle handle); /* NULL: no such life of a file */
struct run_file *file_by_fd(const struct executor *ex, int fd); /* the library's number */
struct run_file *file_by_inode(struct executor *ex, uint64_t inode);
struct run_file *file_spare(struct executor *ex, struct client *client); /* NULL: no memory or descriptor */
void file_take_back(struct executor *ex, struct run_file *spare);
void file_bind(struct executor *ex, struct run_file *spare, enum seg_kind kind, int fd);
bool file_is_held(const struct run_file *file); /* somebody has it open */
int file_unbind(struct executor *ex, struct run_file *file); /* gives the library's number, still to be closed */
int file_key(struct executor *ex, struct run_file *file, int number); /* the library's number for it, or -errno */
void files_look(struct executor *ex); /* at those in doubt */
void files_client_gone(struct executor *ex, struct client *client);
int files_open(struct executor *ex);
void files_close(struct executor *ex);

/* ------------------------------------------------------------------ calls.c, table.c */

enum call_state { CALL_IDLE, CALL_SUBMITTING, CALL_PENDING, CALL_ANSWERED };

/**
 * struct run_call - a slot's true state, and private copies of all that the library reads or writes but the payload
 * @spare:     its file in reserve
 * @handle:    what it acts on
 * @file:      the same, looked up when it began: only for what does not wait, it may have ended since
 * @made:      for SOCKET, ACCEPT4, EPOLL_CREATE1: inherited @timed
 * @stale:     to end with -ESTALE
 * @waking:    in executor.waking
 * @counted:   in its file's @calls
 * @list:      pollfds, or epoll_events and behind them @fds, the library's number of each
 */
struct run_call {
	struct la_op op;
	struct client *client;
	uint32_t slot;
	enum call_state state;
	uint32_t call;
	int32_t number;
	bool stale, waking, counted;
	uint8_t inherited;
	seg_handle handle;
	struct run_file *spare, *file;
	struct run_call *next_waking;
	uint64_t arg[6];
	uint32_t aux_len, data_len, name_len;
	socklen_t len;
	struct sockaddr_storage name;
	struct msghdr msg;
	struct iovec iov;
	struct epoll_event event;
	void *list;
	int *fds;
	_Alignas(16) uint8_t aux[SEG_AUX];
};

/**
 * struct call_class - one kind of call
 * @name:   the system call, as in strace
 * @file:   it acts on one: -EBADF without
 * @timed:  which limits of the file make it end with EINTR
 * @begin:  prepares c->op; false: c->op.result is the answer already
 * @end:    brings results to the slot; may be NULL
 */
struct call_class {
	const char *name;
	bool file;
	uint8_t timed;
	bool (*begin)(struct executor *ex, struct run_call *c);
	void (*end)(struct executor *ex, struct run_call *c, struct seg_slot *slot);
};
extern const struct call_class call_classes[CALL_MAX];

/* A close that was announced has been done: if it was not submitted yet, it is now. */
void call_begin_closed(struct executor *ex, struct client *client, unsigned slot);
bool calls_take(struct executor *ex);		  /* begins what was submitted; false: nothing was */
bool calls_waiting(const struct executor *ex);	  /* is anything submitted? */
void calls_wake(struct executor *ex);		  /* those who sleep and whose state changed */
void calls_end(struct executor *ex, struct client *client); /* break off all, free all */
void calls_set_changed(struct executor *ex, struct run_file *set); /* waits on it end with -ESTALE */
static inline uint8_t *call_payload(const struct run_call *c);

/* ------------------------------------------------------------------ clients.c, control.c */

/**
 * struct client - a connection to the control socket; a process, from SEG_ATTACH on
 * @conn:  the connection
 * @death: pidfd
 * @bell:  an eventfd of its own, so that nobody can take the others' ringing away
 * @seg:   NULL: not attached
 * @bells: by slot, -1: none; allocated with the first
 * @loans: by place in the segment, NULL: none; allocated with the first
 * @text:  an answer on its way out
 */
struct client {
	struct watch conn, death, bell;
	struct executor *ex;
	struct client *next;
	bool gone;
	pid_t pid;
	uint64_t number;
	char comm[16];
	struct seg *seg;
	int *bells;
	struct run_call *calls[SEG_SLOTS];
	uint64_t submitted[SEG_WORDS]; /* calls to begin in this turn */
	bool has_submitted;
	struct run_file **loans;
	char *text;
	size_t text_len, text_at;
};

static inline uint8_t *call_payload(const struct run_call *c)
{
	return c->client->seg->data[c->slot];
}

int client_attach(struct executor *ex, struct client *client, int fds[3]); /* gives segment, shared page, bell to send */
void client_add_bell(struct executor *ex, struct client *client, uint64_t slot, int fd); /* takes @fd */
void client_gone(struct executor *ex, struct client *client); /* freed when the turn ends */
void clients_sweep(struct executor *ex);
bool client_may_come(struct executor *ex, pid_t pid, uid_t uid);

int control_open(struct executor *ex);
void control_retry(struct executor *ex); /* somebody may wait whom no descriptor was left for */

/* ------------------------------------------------------------------ the executor */

struct executor {
	struct executor_options options;
	struct la_stack *stack;
	struct la_task *task;
	int dir, fifos, epoll, reserve;
	uint64_t fifo_dev;
	struct watch control, launcher, tun;
	struct seg_shared *shared;
	int shared_fd; /* read-only */
	struct run_files files;
	struct client *clients;
	uint64_t clients_made;
	const struct run_call *running; /* for executor_who() */
	const struct run_file *abandoned;
	struct run_call *waking;
	bool stopped, sweep, refused;
	bool looking; /* for calls, since busy_ns */
	bool trying;  /* to look for them in full */
	bool lent;    /* with the last answers: their programs have work without calls */
	bool loans_ended;
	int error;
	uint64_t busy_ns, look_ns, patience_ns;
	uint64_t slept_ns;		/* at a time, of late */
	uint32_t rung_from, rung_amiss; /* a processor, and how often in a row while it was the wrong one */
	uint64_t calls, sleeps, wakes;
	char who[64];
};

void executor_rung_from(struct executor *ex, uint32_t cpu);
int watch_add(struct executor *ex, struct watch *watch, uint32_t events);
void watch_close(struct executor *ex, struct watch *watch);
void executor_note(struct executor *ex, enum executor_note_kind kind, const struct client *client, int fd);

#endif
