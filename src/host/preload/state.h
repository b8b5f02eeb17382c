/* SPDX-License-Identifier: MIT */
/*
 * host/preload/state.h - what attach.c, table.c and slot.c share, and nobody else
 *
 * struct state lies on pages with MADV_WIPEONFORK: a child that has memory of its own finds zeros there, however it was
 * forked, and attaches anew at its first call. A vfork child runs in its parent's memory and uses its parent's segment,
 * as it borrows the rest. What must outlive fork (own numbers, the table) is ordinary memory.
 */
#ifndef LA_PRELOAD_STATE_H
#define LA_PRELOAD_STATE_H

#include "host/preload/preload.h"

#include <signal.h>

#define KERNEL_SETS 2048 /* sets of one process that also watch kernel descriptors; a power of two */
#define KERNEL_SET_PROBES 8

struct kernel_set {
	_Atomic seg_handle set; /* 0: free */
	int place;
};

/**
 * struct state - this process's side of its stack
 * @life:    0 until attached; never the same in two processes with memory of a common origin
 * @pid:     who uses this memory; a vfork child is another
 * @joining: attaching, or talking on the control socket: one thread at a time, its signals blocked
 * @taken:   a bit each slot of the segment: some thread has it
 * @bell:    of each slot, own place + 1
 */
struct state {
	_Atomic uint64_t life;
	_Atomic int pid;
	_Atomic uint32_t joining;
	struct seg *seg;
	const struct seg_shared *shared;
	int control, doorbell;
	uint32_t flags;
	_Atomic uint64_t taken[SEG_WORDS];
	_Atomic int bell[SEG_SLOTS];
	struct kernel_set sets[KERNEL_SETS];
};
extern struct state *state; /* valid once started */

extern uint64_t fifo_dev; /* st_dev of the stack's FIFOs */
int folder_fd(void); /* the stack's folder, an own number; negative errno */

/* Around what one thread may do at a time: a signal handler must not meet it half done. */
uint64_t state_lock(void);
void state_unlock(uint64_t mask);
/* One message to the executor on the control socket, with a descriptor or -1; call with the lock held. 0 or -errno */
int control_send(struct seg_message *message, int fd);
int control_receive(struct seg_message *message, int *fd, int most); /* how many descriptors came, or -errno */

void executor_ring(bool urgent); /* slot.c: something was put into the segment */
bool limit_widen(void); /* RLIMIT_NOFILE, for our own descriptors; true: limit_restore() it soon */
void limit_restore(void);
void own_drop_inherited(int keep); /* in a forked child: its parent's, but for the folder */
void spares_drop_inherited(void);  /* what another thread of the parent had opened for an accept() in progress */

#endif
