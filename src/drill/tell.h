/* SPDX-License-Identifier: MIT */
/*
 * drill/tell.h - the entries of a record in the script's language
 *
 *	< S 0:0(0) win 65535 <mss 1000>
 *	> S. 0:0(0) ack 1 win 64240 <mss 1460>
 *	accept(3, ..., ...) = 4
 *	fd 4: ESTABLISHED, POLLOUT, 0 to read, 0 unacknowledged
 *
 * Sequence numbers are relative, and their beginning is learned on the way: entries are told in order.
 */
#ifndef DRILL_TELL_H
#define DRILL_TELL_H

#include "drill/record.h"

#include "lab/frame.h"

enum { DRILL_TELL_MAX = 512 };

/* struct drill_teller - what is known so far; zero it before use */
struct drill_teller {
	struct lab_flows flows;
};

/* Gives @to: the entry's text without its time, cut at @size. */
const char *drill_tell(struct drill_teller *teller, const struct drill_entry *entry, char *to, size_t size);
void drill_teller_end(struct drill_teller *teller);

/*
 * Parts of it, for differences. A call is "name(arguments)"; its result has the errno's name and what was written
 * back.
 */
const char *drill_tell_call(const struct drill_event *event, char *to, size_t size);
const char *drill_tell_result(const struct drill_entry *entry, char *to, size_t size);
/* "ipv4", "ipv6", "ipv4-mapped-ipv6" */
const char *drill_family_name(enum drill_family family);
/* "ESTABLISHED" for 1 and so on, as Linux numbers them; "none" for 0. */
const char *drill_state_name(int state);

#endif
