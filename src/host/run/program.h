/* SPDX-License-Identifier: MIT */
/*
 * host/run/program.h - can this program be run with the preload, and if not, why
 */
#ifndef LA_RUN_PROGRAM_H
#define LA_RUN_PROGRAM_H

#include <limits.h>

/* Exit statuses of env, timeout and nohup. */
enum { PROGRAM_OK = 0, PROGRAM_CANNOT_RUN = 126, PROGRAM_NOT_FOUND = 127 };

/**
 * struct program - what execve() would load
 * @path: as found, by PATH where the name has no slash
 * @why:  one sentence, if it cannot be run
 */
struct program {
	char path[PATH_MAX];
	char why[PATH_MAX + 256];
};

/* Finds @name as execvp() does and looks into it, and into the interpreters that it names. PROGRAM_* */
int program_find(struct program *program, const char *name);

#endif
