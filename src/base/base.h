/* SPDX-License-Identifier: MIT */
/* base/base.h - small words used everywhere */
#ifndef LA_BASE_H
#define LA_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* What is usual runs straight on, and what is not lies behind it: a jump costs more than most of what a segment asks. */
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* Each argument is evaluated once; unique names keep a nested min(max()) free of shadows. */
#define PICK_ONCE(a, b, cmp, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x cmp y ? x : y; })
#define PICK_NAMED(a, b, cmp, n) PICK_NAMED_(a, b, cmp, n)
#define PICK_NAMED_(a, b, cmp, n) PICK_ONCE(a, b, cmp, pick_a##n, pick_b##n)
#define min(a, b) PICK_NAMED(a, b, <, __COUNTER__)
#define max(a, b) PICK_NAMED(a, b, >, __COUNTER__)
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

#endif
