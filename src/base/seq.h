/* SPDX-License-Identifier: MIT */
/* base/seq.h - sequence numbers wrap: RFC 9293 section 3.4 */
#ifndef LA_SEQ_H
#define LA_SEQ_H

#include "base/base.h"

static inline bool before(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool after(uint32_t a, uint32_t b) { return before(b, a); }
/* low <= seq <= high, around the circle */
static inline bool between(uint32_t seq, uint32_t low, uint32_t high) { return high - low >= seq - low; }

#endif
