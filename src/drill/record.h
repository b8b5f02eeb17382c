/* SPDX-License-Identifier: MIT */
/*
 * drill/record.h - what happened in one run, in the order in which it happened
 *
 * The runner writes it while it plays: every packet both ways, every call with its result, how each socket stood after
 * each line, and by how much each counter moved. Failure messages, captures and ladders read it, and compare.h lays
 * two of them side by side: the kernel's and Lastack's.
 *
 * Times are nanoseconds from the script's beginning. A record owns all that it points to.
 */
#ifndef DRILL_RECORD_H
#define DRILL_RECORD_H

#include "drill/backend.h"
#include "drill/script.h"

enum drill_entry_kind {
	DRILL_SAID,  /* a packet of the script's reached the side */
	DRILL_HEARD, /* a packet left the side, asked for by the script or not */
	DRILL_BEGAN, /* a call that waits has begun */
	DRILL_ENDED, /* a call has returned */
	DRILL_STOOD, /* how a socket stands after a line: only where drill_play.watch asks for it */
};

/**
 * struct drill_entry - one thing that happened
 * @event:  the script's line that it belongs to; of a packet that no line asked for, NULL
 * @at_ns:  when; a call that returned: when it returned
 * @frame, @len: SAID, HEARD: the IP packet
 * @no:     BEGAN, ENDED: which call
 * @fd:     BEGAN, ENDED: the script's descriptor in its first argument, or -1
 * @result: ENDED: what it returned or a negative errno
 * @out:    ENDED: what it wrote to its caller's memory, as the text that a script would have (poll bits, option values,
 *          epoll events, message flags), or ""
 * @stood_fd: STOOD: the script's descriptor
 * @state, @bits: STOOD: TCP_INFO's state (0: no TCP there), what poll() gives when asked for everything
 * @recv_q, @send_q: STOOD: FIONREAD and SIOCOUTQ, or a negative errno
 */
struct drill_entry {
	struct drill_entry *next;
	enum drill_entry_kind kind;
	const struct drill_event *event;
	int64_t at_ns;
	union {
		struct {
			uint8_t *frame;
			size_t len;
		};
		struct {
			enum drill_sysno no;
			int fd;
			int64_t result;
			char *out;
		};
		struct {
			int stood_fd;
			int state;
			uint32_t bits;
			int64_t recv_q, send_q;
		};
	};
};

struct drill_counter {
	char name[40];
	uint64_t before, after;
};

/**
 * struct drill_record - all of one run
 * @counters: those of the side, sorted by name; empty where drill_play.watch is off
 */
struct drill_record {
	struct drill_entry *first, **last;
	size_t count;
	struct drill_counter *counters;
	size_t n_counters;
};

struct drill_record *drill_record_new(void);
void drill_record_free(struct drill_record *record);

/* Appends an entry of this kind; gives it to be filled in. Packets and texts are copied. */
struct drill_entry *drill_record_add(struct drill_record *record, enum drill_entry_kind kind,
				     const struct drill_event *event, int64_t at_ns);
struct drill_entry *drill_record_frame(struct drill_record *record, enum drill_entry_kind kind,
				       const struct drill_event *event, int64_t at_ns, const void *frame, size_t len);
/* What an ended call wrote to its caller's memory; copied, instead of what stood there. */
void drill_record_out(struct drill_entry *entry, const char *text);
/* Takes the counters of the side: once before the first event and once after the last. */
void drill_record_counters(struct drill_record *record, struct drill_side *side);
/* By how much a counter moved. False: the side has none of this name. */
bool drill_record_moved(const struct drill_record *record, const char *name, int64_t *by);

#endif
