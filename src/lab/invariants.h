/* SPDX-License-Identifier: MIT */
/*
 * lab/invariants.h - what must hold in every run of every world, whatever is done to it
 *
 * An observer that knows only what can be seen from outside: frames on the wires, traces, calls and their results. With
 * la_check(), which looks from inside, it is asked after every step:
 *
 *	bytes    what a host has acknowledged, its reader gets before the end of file; or the owner closes without having
 *	         read, and then a RST leaves. Excused: a RST was sent or received, the sock was CLOSE when it was closed,
 *	         its owner gave up reading (SHUT_RD, disconnect), the connection was given up
 *	end      recv() returns 0 exactly where a FIN stands in the peer's stream
 *	RST      each one on a wire has been traced in the same entry, with its cause, a row of the closing rules and Linux's
 *	         reason; and each one traced has left
 *	TIME_WAIT  on the side whose FIN was queued before it had taken the peer's, and there always
 *	silence  an orphan, and whoever waits for an answer of a peer that is silent, ends within Linux's time
 *	rest     when all tasks are gone and nothing is left to happen, no object and no timer is left
 *
 * Calls are seen if they are made through task.h; of a shutdown() by la_shutdown() nothing is known.
 * What Linux leaves without limit is listed in docs/LINUX.md; limits that options stretch (TCP_USER_TIMEOUT and its like) are
 * not looked at any more once a program has set one. A host that was refused memory, or whose device may
 * refuse frames, owes nobody a RST.
 */
#ifndef LAB_INVARIANTS_H
#define LAB_INVARIANTS_H

#include "lab/task.h"

struct lab_pair; /* a host's side of an address pair */
struct lab_half; /* a sock */

/**
 * struct lab_invariants - zero it before use
 * @broken: the first thing that did not hold, with who, when and by how much; "" while all does
 * @stretched: some limit is not Linux's usual one any more
 * @looked_ns: when silence was last looked for
 */
struct lab_invariants {
	struct lab_observer observer;
	struct lab_world *world;
	struct lab_pair **pairs, *uneven; /* @uneven: RSTs sent, traced and owed do not match yet */
	struct lab_half **halves;
	char broken[320];
	bool stretched;
	uint64_t looked_ns;
	uint64_t ends, resets, timewaits; /* ends of file, RSTs, TIME_WAITs that were looked at */
};

void lab_invariants_watch(struct lab_invariants *inv, struct lab_world *world);
/* To be asked between entries, best after every step. NULL: all holds, of what la_check() sees too. */
const char *lab_invariants_check(struct lab_invariants *inv);
/* To be asked when all tasks are gone and the world has come to rest. */
const char *lab_invariants_rest(struct lab_invariants *inv);
void lab_invariants_free(struct lab_invariants *inv); /* after lab_world_free() */

#endif
