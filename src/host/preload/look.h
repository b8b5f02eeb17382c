/* SPDX-License-Identifier: MIT */
/*
 * host/preload/look.h - names under which libc has long offered fstat() and readlink(); no header declares them
 */
#ifndef LA_PRELOAD_LOOK_H
#define LA_PRELOAD_LOOK_H

#include "host/preload/real.h"

int __fxstat(int version, int fd, struct stat *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __fxstatat(int version, int fd, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int fd, const char *path, struct stat64 *st, int flags);
int isfdtype(int fd, int type);
ssize_t __readlink_chk(const char *path, char *buf, size_t size, size_t room);
ssize_t __readlinkat_chk(int dir, const char *path, char *buf, size_t size, size_t room);

#endif
