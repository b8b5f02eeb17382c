/* SPDX-License-Identifier: MIT */
/*
 * cmd/play.h - lastack play: tasks that read their system calls from lines of text
 *
 * A line is "TASK CALL ARGUMENTS"; its answer is the line followed by " = RESULT". A task is one thread of control: it
 * takes its next line when its present call has returned. Descriptors have names, which tasks of one table share and a
 * fork copies.
 */
#ifndef LA_CMD_PLAY_H
#define LA_CMD_PLAY_H

#include "cmd/setup.h"

#include <lastack/socket.h>

#include <netinet/in.h>

#define PLAY_ARGS    8
#define PLAY_NAMES   64
#define PLAY_TASKS   32
#define PLAY_PATTERN 251 /* byte number i of what is sent on a name has the value i % 251 */
#define PLAY_BUFFER  (1 << 20)

/**
 * struct play_name - a descriptor's name
 * @sent:   bytes sent under this name
 * @expect: value of the next byte to be received, -1: not known
 */
struct play_name {
	char name[16];
	int fd;
	uint64_t sent;
	int expect;
};

/* The names of one descriptor table. */
struct play_table {
	unsigned users, count;
	struct play_name names[PLAY_NAMES];
};

struct play_line {
	struct play_line *next;
	char text[];
};

union play_addr {
	struct sockaddr sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

/* What a call's functions say. */
enum play_step {
	PLAY_SUBMIT, /* the operation is prepared */
	PLAY_DONE,   /* the call is over: struct play_task.result holds */
	PLAY_LATER,  /* ask again in the next turn */
	PLAY_WRONG,  /* the line cannot be understood */
};

/**
 * struct play_task - one task and the call it is in
 * @task, @table: NULL before it is made (lines for it may come earlier) and after its exit
 * @lines, @tail: lines still to be played; owns them
 * @call:         the call in progress, NULL between calls
 * @argc, @argv:  its arguments, in the text of @line
 * @name:         descriptor name that the call works on, or NULL
 * @done:         the operation has completed, its end has not been looked at
 * @result:       text of the last result
 * @count:        bytes so far, of calls that repeat
 * @addr ... buf: memory that the operation borrows
 */
struct play_task {
	struct play *play;
	char label[16];
	struct la_task *task;
	struct play_table *table;
	struct play_line *lines, **tail, *line;
	const struct play_call *call;
	int argc;
	char *argv[PLAY_ARGS];
	struct play_name *name;
	bool pending, done, exited;
	struct la_op op;
	char result[64];
	uint64_t count;
	union play_addr addr;
	union {
		int number;
		struct linger linger;
	} value;
	struct pollfd poll;
	uint8_t *buf;
};

/**
 * struct play_call - one word of the language
 * @least:  arguments that must be there
 * @start:  prepares the operation, or does all
 * @finish: looks at the result; may prepare the next operation of the same call. NULL: the plain result is printed
 */
struct play_call {
	const char *word, *args;
	int least;
	enum play_step (*start)(struct play_task *task);
	enum play_step (*finish)(struct play_task *task);
};

struct play {
	struct setup setup;
	struct play_task *tasks[PLAY_TASKS];
	unsigned task_count;
	bool trace, ended;
	unsigned mistakes;
	size_t held;
	char input[4096];
};

extern const struct play_call play_calls[];

/* play.c */
struct play_task *play_task_find(struct play *play, const char *label);
bool play_task_start(struct play *play, const char *label, struct la_task *task, struct play_table *table);
bool play_task_idle(const struct play_task *task);
void play_task_exit(struct play_task *task);

#endif
