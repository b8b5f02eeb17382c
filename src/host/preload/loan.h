/* SPDX-License-Identifier: MIT */
/*
 * host/preload/loan.h - bytes that were lent with an answer: received, or sent, without a call
 *
 * How many; 0: ask the executor. The run stands as before, though what loan_recv() would have put there may have been.
 */
#ifndef LA_PRELOAD_LOAN_H
#define LA_PRELOAD_LOAN_H

#include "host/preload/user.h"

size_t loan_recv(seg_handle file, const struct run *run, int flags);
size_t loan_send(seg_handle file, const struct run *run, int flags);

#endif
