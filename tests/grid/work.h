/* SPDX-License-Identifier: MIT */
/*
 * tests/grid/work.h - many small jobs in a few processes
 */
#ifndef TESTS_GRID_WORK_H
#define TESTS_GRID_WORK_H

#include <stdbool.h>
#include <stddef.h>

#define WORK_TEXT 1000

/*
 * Runs @job for 0 .. @n-1 in @workers processes and hands each text that they gave to @done, here and in no order. False: one
 * of them died.
 */
bool work(size_t n, unsigned workers, void (*job)(void *arg, size_t number, char answer[WORK_TEXT]),
	  void (*done)(void *arg, size_t number, const char *answer), void *arg);

#endif
