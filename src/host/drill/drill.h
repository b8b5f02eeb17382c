/* SPDX-License-Identifier: MIT */
/*
 * host/drill/drill.h - scripts on the running kernel: drill's side `linux`
 *
 * A side is a network namespace of its own with one TUN device, on which the script is the other end. Only the thread that
 * opens it, and the worker threads that it starts, are inside; the thread must be the one that closes it, and is back where
 * it was afterwards. Any number of sides may follow each other in one process. Nothing of a side outlives its close().
 */
#ifndef LA_HOST_DRILL_H
#define LA_HOST_DRILL_H

#include "drill/backend.h"

/* The release whose behaviour Lastack follows; another one may rightly fail a script. */
#define HOST_DRILL_REFERENCE "6.18"

/*
 * Makes a side, closed with its ops->close(). Without root a user namespace is entered first, once per process and before
 * it has a second thread. False: @why says what is missing and what helps.
 */
bool host_drill_open(const struct drill_net *net, struct drill_side **side, struct drill_text *why);

/* The running kernel's release, "6.18.44-fc"; NULL where it is of the series HOST_DRILL_REFERENCE. */
const char *host_drill_other_kernel(void);

/*
 * How long the machine gave a thread no processor, at worst, since the script's time 0: what failed in such a run for being
 * late may say nothing about TCP. A calm machine stays under 1 ms.
 */
int64_t host_drill_stalled(struct drill_side *side);

/* The running kernel's release in any case. */
const char *host_drill_kernel(void);

#endif
