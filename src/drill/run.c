// SPDX-License-Identifier: MIT
/*
 * drill/run.c - one event of the script after the other
 *
 * The run: sysctls and shell lines before the first event; the events; the calls that still wait; the shell line
 * behind the last event, whatever happened; then Python looks at the values that %{ code }% asked for.
 */
#include "drill/runner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool run_end(struct runner *run, enum drill_outcome outcome, struct drill_pos pos, const char *format, ...)
{
	va_list args;

	run->verdict->outcome = outcome;
	run->verdict->pos = pos;
	va_start(args, format);
	vsnprintf(run->verdict->text.text, sizeof(run->verdict->text.text), format, args);
	va_end(args);
	return false;
}

int64_t run_now(const struct runner *run)
{
	return run->side->ops->now(run->side) - run->wire.begin_ns;
}

/* ---------------------------------------------------------------- time */

int64_t run_line_slack(const struct runner *run)
{
	return run_slack(&run->set.slack, run->before ? run->due.ns - run->before_due.ns : 0);
}

/* The first event makes the time: it cannot be late. */
bool run_until_due(struct runner *run, const char *what)
{
	struct drill_text why;

	if (!run->before)
		return true;
	run->side->ops->sleep(run->side, run->wire.begin_ns + run->due.ns);
	if (!run_returned(run))
		return false;
	if (!run_in_time(&run->due, run_line_slack(run), run_now(run), what, &why))
		return run_end(run, DRILL_FAILED, run->event->pos, "%s", why.text);
	return true;
}

static bool is_absolute(const struct drill_event *event)
{
	return event && (event->time.kind == DRILL_AT || event->time.kind == DRILL_AT_RANGE);
}

static bool turn_to(struct runner *run, const struct drill_event *event)
{
	run->before = run->event;
	run->before_due = run->due;
	run->event = event;
	run->due = run_due(event, run->before, &run->before_due, run_now(run));
	if (!run->before && event->time.ns)
		return run_end(run, DRILL_FAILED, event->pos, "the first event has to be at time 0");
	if (is_absolute(run->before) && is_absolute(event) && run->due.ns < run->before_due.ns)
		return run_end(run, DRILL_FAILED, event->pos, "time goes backward: the event before is at %.6f s",
			       (double)run->before_due.ns / 1e9);
	return true;
}

/* ---------------------------------------------------------------- events */

static bool run_shell(struct runner *run, const char *text, struct drill_pos pos)
{
	struct drill_text why;

	if (drill_settings_shell(text, run->side, &why))
		return true;
	return run_end(run, DRILL_UNSUPPORTED, pos, "%s", why.text);
}

static bool run_code(struct runner *run)
{
	const struct drill_fd *fd = drill_calls_under_test(run->calls);
	struct drill_text why;

	if (!run_until_due(run, "the look at the values"))
		return false;
	if (!fd)
		return run_end(run, DRILL_FAILED, run->event->pos,
			       "there is no socket yet whose values could be looked at");
	if (!drill_code_take(run->code, run->side, fd->side_fd, run->event, &why))
		return run_end(run, DRILL_UNSUPPORTED, run->event->pos, "%s", why.text);
	return true;
}

static bool run_event(struct runner *run)
{
	const struct drill_event *event = run->event;

	switch (event->kind) {
	case DRILL_PACKET:
		return event->packet.outbound ? run_packet_out(run) : run_packet_in(run);
	case DRILL_SYSCALL:
		return run_call(run);
	case DRILL_COMMAND:
		return run_until_due(run, "the command") && run_shell(run, event->text, event->pos) &&
		       run_returned(run);
	case DRILL_CODE:
		return run_code(run);
	}
	return true;
}

/* A side that has found itself broken says so, and no result counts any more. */
static bool side_is_sound(struct runner *run)
{
	const char *fault = run->side->ops->fault ? run->side->ops->fault(run->side) : NULL;

	return !fault || run_end(run, DRILL_FAILED, run->event ? run->event->pos : (struct drill_pos){0, 0}, "%s: %s",
				 run->side->ops->name, fault);
}

static bool run_events(struct runner *run)
{
	run->wire.begin_ns = run->side->ops->begin ? run->side->ops->begin(run->side) : run->side->ops->now(run->side);
	for (const struct drill_event *event = run->play->script->events; event; event = event->next) {
		bool good = turn_to(run, event) && run_event(run);

		if (!side_is_sound(run) || !good)
			return false;
		if (run->play->watch) {
			if (!run_settled(run))
				return false;
			run_watch(run);
		}
	}
	return run_last_calls(run) && side_is_sound(run);
}

/* ---------------------------------------------------------------- beginning and end */

static bool run_settings(struct runner *run)
{
	const struct drill_script *script = run->play->script;
	struct drill_pos pos;
	struct drill_text why;

	if (script->init && !run_shell(run, script->init->value, script->init->pos))
		return false;
	if (!drill_settings_needs(script, run->side, &pos, &why))
		return run_end(run, DRILL_UNSUPPORTED, pos, "%s", why.text);
	return true;
}

/* What it sets ends with the side; it is run because it may fail. A verdict that is there already stays. */
static bool run_cleanup(struct runner *run, bool good)
{
	const struct drill_note *cleanup = run->play->script->cleanup;
	struct drill_verdict first = *run->verdict;

	if (cleanup && !run_shell(run, cleanup->value, cleanup->pos) && good)
		return false;
	*run->verdict = first;
	return good;
}

static bool run_python(struct runner *run)
{
	const char *program = drill_code_program(run->code);
	struct drill_text said;

	if (!*program)
		return true;
	if (!run->play->python)
		return run_end(run, DRILL_UNSUPPORTED, run->event->pos,
			       "%%{ code }%% needs python3, which is not at hand");
	if (run->play->python(run->play->arg, program, &said))
		return true;
	run->verdict->outcome = DRILL_FAILED;
	drill_code_failed(run->code, &said, run->verdict);
	return false;
}

static void play_all(struct runner *run)
{
	bool good = run_settings(run);

	if (good && run->play->watch)
		drill_record_counters(run->record, run->side);
	good = good && run_events(run);
	run_drain(run);
	if (run->play->watch)
		drill_record_counters(run->record, run->side);
	run_abandon_calls(run);
	if (run_cleanup(run, good))
		run_python(run);
}

static struct runner *runner_new(const struct drill_play *play, struct drill_record *record,
				 struct drill_verdict *verdict)
{
	struct runner *run = malloc(sizeof(*run));

	if (!run)
		abort();
	memset(run, 0, offsetof(struct runner, frame)); /* a frame is long, and written before it is read */
	run->play = play;
	run->side = play->side;
	run->net = play->net;
	run->record = record;
	run->verdict = verdict;
	run->calls = drill_calls_new(&run->wire);
	run->code = drill_code_new(play->script->file);
	return run;
}

static void runner_free(struct runner *run)
{
	run_flows_free(&run->flow);
	drill_calls_free(run->calls);
	drill_code_free(run->code);
	free(run);
}

void drill_run(const struct drill_play *play, struct drill_record *record, struct drill_verdict *verdict)
{
	struct runner *run = runner_new(play, record, verdict);
	struct drill_pos pos;
	struct drill_text why;

	memset(verdict, 0, sizeof(*verdict));
	if (!drill_settings_read(&run->set, play->script, &pos, &why)) {
		run_end(run, DRILL_UNSUPPORTED, pos, "%s", why.text);
	} else if (!run->set.dry_run) {
		run->wire = (struct drill_wire){.net = run->net,
						.bind_port = run->set.bind_port,
						.connect_port = run->set.connect_port,
						.tolerance_ns = run->set.slack.ns};
		play_all(run);
	}
	runner_free(run);
}
