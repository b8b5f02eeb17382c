/* SPDX-License-Identifier: MIT */
/*
 * host/preload/open.h - fortified forms of open() that no header declares
 */
#ifndef LA_PRELOAD_OPEN_H
#define LA_PRELOAD_OPEN_H

#include "host/preload/preload.h"

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

#endif
