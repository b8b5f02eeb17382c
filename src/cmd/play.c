// SPDX-License-Identifier: MIT
/*
 * cmd/play.c - lastack play: tasks that read their system calls from lines of text
 *
 * Lines come from standard input and are sorted to the tasks' queues. In each turn every task that is between two calls
 * takes its next line, and every task whose operation has completed looks at the result and prints it. The words of the
 * language stand in cmd/play_calls.c.
 */
#include "cmd/play.h"

#include "cmd/view.h"

#include <lastack/trace.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void play_mistake(struct play *play, const char *what, const char *text)
{
	fail(play->setup.command, "%s: %s", what, text);
	play->mistakes++;
}

/* ------------------------------------------------------------------ tasks */

/* The task of that name; one that nobody has spoken of yet is made here and waits to be started. NULL: no room. */
struct play_task *play_task_find(struct play *play, const char *label)
{
	struct play_task *task;

	for (unsigned i = 0; i < play->task_count; i++)
		if (!strcmp(play->tasks[i]->label, label))
			return play->tasks[i];
	if (play->task_count == PLAY_TASKS || strlen(label) >= sizeof(task->label))
		return NULL;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->buf = malloc(PLAY_BUFFER);
	if (!task->buf) {
		free(task);
		return NULL;
	}
	strcpy(task->label, label);
	task->play = play;
	task->tail = &task->lines;
	play->tasks[play->task_count++] = task;
	return task;
}

/* Gives the task of that name its thread of control and its descriptors; false: it has them, or there is no room. */
bool play_task_start(struct play *play, const char *label, struct la_task *la_task, struct play_table *table)
{
	struct play_task *task = play_task_find(play, label);

	if (!task || task->task || task->exited)
		return false;
	task->task = la_task;
	task->table = table;
	table->users++;
	return true;
}

bool play_task_idle(const struct play_task *task)
{
	return !task->call && !task->lines;
}

/* The task ends, with what it has open; its struct stays so that late lines find it gone. */
void play_task_exit(struct play_task *task)
{
	task->exited = true;
	if (!task->task)
		return;
	la_task_exit(task->task, host_now_ns());
	task->task = NULL;
	if (!--task->table->users)
		free(task->table);
	task->table = NULL;
}

static void play_task_free(struct play_task *task)
{
	struct play_line *line;

	if (!task->task && !task->exited)
		play_mistake(task->play, "there never was a task of this name", task->label);
	play_task_exit(task);
	while ((line = task->lines)) {
		task->lines = line->next;
		free(line);
	}
	free(task->line);
	free(task->buf);
	free(task);
}

/* ------------------------------------------------------------------ calls */

static void play_answer(struct play_task *task)
{
	printf("%s", task->label);
	for (int i = 0; i < task->argc; i++)
		printf(" %s", task->argv[i]);
	printf(" = %s\n", task->result);
	fflush(stdout);
}

static void on_op_done(struct la_op *op)
{
	((struct play_task *)op->user)->done = true;
}

/* Takes the call as far as it goes now; true if it went anywhere. */
static bool play_step(struct play_task *task, enum play_step step)
{
	switch (step) {
	case PLAY_SUBMIT:
		task->done = false;
		task->pending = true;
		task->op.done = on_op_done;
		task->op.user = task;
		if (la_submit(task->task, &task->op, host_now_ns()) == LA_DONE)
			task->done = true;
		return true;
	case PLAY_LATER:
		return false;
	case PLAY_WRONG:
		snprintf(task->result, sizeof(task->result), "?");
		play_mistake(task->play, "this line is not understood", task->argv[0]);
		break;
	case PLAY_DONE:
		break;
	}
	play_answer(task);
	task->call = NULL;
	free(task->line);
	task->line = NULL;
	return true;
}

static enum play_step play_finish(struct play_task *task)
{
	int64_t result = task->op.result;

	task->pending = false;
	if (task->call->finish)
		return task->call->finish(task);
	if (result < 0)
		snprintf(task->result, sizeof(task->result), "-%s", strerrorname_np((int)-result));
	else
		snprintf(task->result, sizeof(task->result), "%lld", (long long)result);
	return PLAY_DONE;
}

static const struct play_call *play_find_call(const char *word)
{
	for (const struct play_call *call = play_calls; call->word; call++)
		if (!strcmp(call->word, word))
			return call;
	return NULL;
}

/* Takes the next line: words apart, the call looked up and started. */
static bool play_next_line(struct play_task *task)
{
	struct play_line *line = task->lines;
	char *save = NULL;

	task->lines = line->next;
	if (!task->lines)
		task->tail = &task->lines;
	task->line = line;
	task->argc = 0;
	for (char *word = strtok_r(line->text, " \t", &save); word && task->argc < PLAY_ARGS;
	     word = strtok_r(NULL, " \t", &save))
		task->argv[task->argc++] = word;
	task->call = task->argc ? play_find_call(task->argv[0]) : NULL;
	if (!task->call || task->argc - 1 < task->call->least || task->exited) {
		play_mistake(task->play, task->exited ? "the task has ended" : "this line is not understood",
			     task->argc ? task->argv[0] : task->label);
		task->call = NULL;
		free(task->line);
		task->line = NULL;
		return true;
	}
	task->count = 0;
	task->name = NULL;
	memset(&task->op, 0, sizeof(task->op));
	return play_step(task, task->call->start(task));
}

static bool play_task_turn(struct play_task *task)
{
	if (!task->call)
		return task->lines && (task->task || task->exited) && play_next_line(task);
	if (!task->pending)
		return play_step(task, task->call->start(task));
	return task->done && play_step(task, play_finish(task));
}

static bool play_turn(void *world)
{
	struct play *play = world;
	bool idle = true, moved = false;

	for (unsigned i = 0; i < play->task_count; i++) {
		moved |= play_task_turn(play->tasks[i]);
		/* Lines for a task that nobody will start are a mistake, not a reason to wait. */
		idle &= play_task_idle(play->tasks[i]) || !(play->tasks[i]->task || play->tasks[i]->exited);
	}
	if (idle && !moved && play->ended)
		host_stop(&play->setup.host);
	return moved;
}

/* ------------------------------------------------------------------ input */

static void play_take_line(struct play *play, char *text)
{
	size_t label_len = strcspn(text, " \t");
	struct play_task *task;
	struct play_line *line;
	char *rest;

	if (!*text || *text == '#')
		return;
	rest = text + label_len + strspn(text + label_len, " \t");
	text[label_len] = 0;
	task = play_task_find(play, text);
	if (!task) {
		play_mistake(play, "one task too many, or too long a name", text);
		return;
	}
	line = malloc(sizeof(*line) + strlen(rest) + 1);
	if (!line) {
		play_mistake(play, "no memory for the line", rest);
		return;
	}
	strcpy(line->text, rest);
	line->next = NULL;
	*task->tail = line;
	task->tail = &line->next;
}

static void on_input(void *arg)
{
	struct play *play = arg;
	ssize_t got = read(STDIN_FILENO, play->input + play->held, sizeof(play->input) - 1 - play->held);
	char *at = play->input, *end;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		play->ended = true;
		host_unwatch(&play->setup.host, STDIN_FILENO);
		return;
	}
	play->held += (size_t)got;
	play->input[play->held] = 0;
	while ((end = strchr(at, '\n'))) {
		*end = 0;
		play_take_line(play, at);
		at = end + 1;
	}
	play->held = strlen(at);
	memmove(play->input, at, play->held + 1);
	if (play->held == sizeof(play->input) - 1) {
		play_mistake(play, "a line is too long", "");
		play->held = 0;
	}
}

/* One event as words, for programs that read along; "-" where a text is empty. */
static void play_trace(void *world, const struct la_trace_event *event)
{
	static const char *const kinds[] = {"?", "state", "step", "rst", "fin", "drop"};
	struct play *play = world;

	if (!play->trace)
		return;
	printf("# %llu %s %llu %s %s %s %s %s %s %s\n", (unsigned long long)event->now_ns,
	       kinds[event->kind <= LA_TRACE_DROP ? event->kind : 0], (unsigned long long)event->id,
	       event->oldstate ? la_state_name(event->oldstate) : "-",
	       event->newstate ? la_state_name(event->newstate) : "-", *event->name ? event->name : "-",
	       *event->cause ? event->cause : "-", *event->row ? event->row : "-", *event->reason ? event->reason : "-",
	       *event->counter ? event->counter : "-");
}

/* ------------------------------------------------------------------ the command */

enum { OPT_TRACE = 2, OPT_WORDS };

static const struct option_spec play_options[] = {
	{OPT_TRACE, "trace", NULL, "print the stack's own events, in lines that begin with #"},
	{OPT_WORDS, "words", NULL, "list the calls and their arguments"},
	{0, NULL, NULL, NULL},
};

static void print_words(void)
{
	for (const struct play_call *call = play_calls; call->word; call++)
		printf("  TASK %s %s\n", call->word, call->args);
}

/* -1: go on */
static int read_options(struct play *play, const struct command *command, int argc, char **argv)
{
	struct args args;
	const char *value;
	int id;

	args_init(&args, command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN)
			return misuse(command, "%s is one argument too many, the script comes from standard input",
				      value);
		if (id == OPT_WORDS) {
			print_words();
			return EXIT_SUCCESS;
		}
		if (id == OPT_TRACE)
			play->trace = true;
		else if (setup_option(&play->setup, id, value))
			return EXIT_USAGE;
	}
	return -1;
}

static int play_main(struct play *play)
{
	struct play_table *table = calloc(1, sizeof(*table));
	int status = EXIT_SUCCESS;

	if (!table || !play_task_start(play, "main", play->setup.task, table))
		return fail(play->setup.command, "no memory for a task");
	play->setup.task = NULL; /* ends with the player's task */
	host_watch(&play->setup.host, STDIN_FILENO, on_input, play);
	printf("playing on %s\n", play->setup.host.tun.name);
	fflush(stdout);
	if (host_run(&play->setup.host))
		status = fail(play->setup.command, "the interface %s is gone", play->setup.host.tun.name);
	if (play->setup.view)
		view_ladder_end(play->setup.view);
	for (unsigned i = 0; i < play->task_count; i++)
		play_task_free(play->tasks[i]);
	return play->mistakes ? EXIT_FAILURE : status;
}

static int play_run(const struct command *command, int argc, char **argv)
{
	struct play *play = calloc(1, sizeof(*play));
	int status;

	if (!play)
		return fail(command, "no memory");
	setup_init(&play->setup, command);
	play->setup.units = false; /* who plays wants to see segments */
	status = read_options(play, command, argc, argv);
	if (status >= 0) {
		free(play);
		return status;
	}
	play->setup.turn = play_turn;
	play->setup.trace = play->trace ? play_trace : NULL;
	play->setup.world = play;
	status = setup_start(&play->setup);
	if (!status) {
		status = play_main(play);
		setup_stop(&play->setup);
	}
	free(play);
	return status;
}

const struct command play_command = {
	.name = "play",
	.args = "< SCRIPT",
	.about = "plays system calls from lines of text, each task a thread of control",
	.details = "  main socket s\n"
		   "  main connect s 10.9.0.1 8000\n"
		   "  main send s 100\n"
		   "  main fork child\n"
		   "  main wait child\n"
		   "  child close s\n\n"
		   "Each line is answered with itself, \" = \" and what the call returned. At the end of the script "
		   "every\n"
		   "task exits, which closes what it has open; let one sleep first if the segments matter.\n",
	.options = play_options,
	.network = true,
	.run = play_run,
};
