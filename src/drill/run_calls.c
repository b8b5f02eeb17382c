// SPDX-License-Identifier: MIT
/*
 * drill/run_calls.c - the calls of a script
 *
 * A call that the script marks as blocking may wait: the script goes on, and as soon as the call has returned its
 * result and its time are looked at, whatever line is being played. Any other has returned before the next line
 * begins.
 *
 *	event --prepare--> start --+-- it has returned ----------------------.
 *	                           '-- it waits: run->waiting -- finish() ---+--> check: result, time; record; flows
 */
#include "drill/runner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---------------------------------------------------------------- what calls mean for packets */

/* Before the call: its SYN may leave before it returns. */
static void flow_before(struct runner *run, const struct drill_prepared *call)
{
	const struct drill_sys *sys = &call->sys;
	struct run_flow *flow = run_flow_find(run->flow, call->fd);
	const struct sockaddr *to =
		sys->no == DRILL_SYS_CONNECT ? (const struct sockaddr *)(uintptr_t)sys->arg[1] : NULL;

	if (!flow)
		return;
	if (to && to->sa_family == AF_UNSPEC) {
		flow->state = FLOW_NEW;
	} else if (flow->state == FLOW_NEW && (to || sys->no == DRILL_SYS_SENDTO || sys->no == DRILL_SYS_SENDMSG)) {
		flow->state = FLOW_CONNECTING;
		flow->remote_port = run->wire.connect_port;
	}
}

static void flow_accepted(struct runner *run)
{
	const struct drill_fd *fd = drill_calls_under_test(run->calls);
	struct run_flow *flow = run->flow;

	while (flow && !(flow->state >= FLOW_GREETED && flow->state <= FLOW_SYNACK_ACKED && fd &&
			 flow->remote_port == fd->peer_port))
		flow = flow->older;
	if (flow)
		flow->fd = fd->number;
}

static void flow_after(struct runner *run, const struct drill_prepared *call)
{
	const struct drill_sys *sys = &call->sys;
	struct run_flow *flow = run_flow_find(run->flow, call->fd);

	if (sys->result < 0)
		return;
	if (sys->no == DRILL_SYS_SOCKET)
		run_flow_new(&run->flow, (int)call->call->result->value);
	else if (sys->no == DRILL_SYS_ACCEPT)
		flow_accepted(run);
	else if (sys->no == DRILL_SYS_LISTEN && flow)
		flow->state = FLOW_LISTENING;
	else if (sys->no == DRILL_SYS_CLOSE && flow)
		flow->fd = -1;
}

/* ---------------------------------------------------------------- results */

static void record_call(struct runner *run, enum drill_entry_kind kind, const struct drill_event *event,
			struct drill_prepared *call)
{
	int64_t at_ns = kind == DRILL_BEGAN ? call->sys.begun_ns : call->sys.ended_ns;
	struct drill_entry *entry = drill_record_add(run->record, kind, event, at_ns - run->wire.begin_ns);

	entry->no = call->sys.no;
	entry->fd = call->fd;
	if (kind == DRILL_ENDED) {
		entry->result = drill_call_result(call);
		drill_record_out(entry, drill_call_out(call));
	}
}

static bool check_call(struct runner *run, const struct drill_event *event, const struct run_due *due,
		       struct drill_prepared *call)
{
	struct run_due end = run_due_end(event, due);
	struct drill_text why;

	record_call(run, DRILL_ENDED, event, call);
	if (!drill_call_check(call, run->verdict)) {
		run->verdict->pos = event->pos;
		return false;
	}
	flow_after(run, call);
	if (event->call.blocks && !run_in_time(&end, run_slack(&run->set.slack, end.ns - due->ns),
					       call->sys.ended_ns - run->wire.begin_ns, "the call's return", &why))
		return run_end(run, DRILL_FAILED, event->pos, "%s", why.text);
	return true;
}

/* ---------------------------------------------------------------- calls that wait */

static void wait_for(struct runner *run, struct drill_prepared *call)
{
	struct run_waiting *waiting = calloc(1, sizeof(*waiting)), **last = &run->waiting;

	if (!waiting)
		abort();
	*waiting = (struct run_waiting){.event = run->event, .due = run->due, .call = call};
	while (*last)
		last = &(*last)->next;
	*last = waiting;
	record_call(run, DRILL_BEGAN, run->event, call);
}

/* Takes the call out of the list and looks at it. */
static bool take_returned(struct runner *run, struct run_waiting **at)
{
	struct run_waiting *waiting = *at;
	bool good;

	*at = waiting->next;
	good = check_call(run, waiting->event, &waiting->due, waiting->call);
	drill_call_free(waiting->call);
	free(waiting);
	return good;
}

/* @patience_ns: for a call that is to return by now and may not have got that far */
static bool take_all_returned(struct runner *run, int64_t patience_ns)
{
	struct run_waiting **at = &run->waiting;

	while (*at) {
		struct run_waiting *waiting = *at;
		int64_t now_ns = run->side->ops->now(run->side);
		bool due = run_due_end(waiting->event, &waiting->due).ns <= now_ns - run->wire.begin_ns;

		if (waiting->call->sys.pending &&
		    !run->side->ops->finish(run->side, &waiting->call->sys, now_ns + (due ? patience_ns : 0)))
			at = &(*at)->next;
		else if (!take_returned(run, at))
			return false;
	}
	return true;
}

bool run_returned(struct runner *run)
{
	return take_all_returned(run, 0);
}

/* A thread of the kernel's needs a moment to wake up and to go on. */
bool run_settled(struct runner *run)
{
	return take_all_returned(run, run->set.slack.ns);
}

bool run_last_calls(struct runner *run)
{
	while (run->waiting) {
		struct run_waiting *waiting = run->waiting;
		struct run_due end = run_due_end(waiting->event, &waiting->due);
		int64_t until_ns = run_now(run);

		if (until_ns < end.ns + run_slack(&run->set.slack, end.ns - waiting->due.ns))
			until_ns = end.ns + run_slack(&run->set.slack, end.ns - waiting->due.ns);
		until_ns += run->wire.begin_ns + RUN_SECOND;
		if (!run->side->ops->finish(run->side, &waiting->call->sys, until_ns))
			return run_end(run, DRILL_FAILED, waiting->event->pos,
				       "the call still waits a second after the script's end");
		if (!take_returned(run, &run->waiting))
			return false;
	}
	return true;
}

void run_abandon_calls(struct runner *run)
{
	struct run_waiting *waiting;

	while ((waiting = run->waiting)) {
		run->waiting = waiting->next;
		run->side->ops->abandon(run->side, &waiting->call->sys);
		drill_call_free(waiting->call);
		free(waiting);
	}
}

/* ---------------------------------------------------------------- a call's turn */

/* A side that does not have a call at all has not begun it. */
static bool start(struct runner *run, struct drill_prepared *call)
{
	struct drill_text why;

	if (run->side->ops->start(run->side, &call->sys, run->event->call.blocks, &why))
		return true;
	return run_end(run, call->sys.begun_ns ? DRILL_FAILED : DRILL_UNSUPPORTED, run->event->pos, "%s", why.text);
}

bool run_call(struct runner *run)
{
	struct drill_prepared *call;
	struct drill_text why;
	bool good;

	if (!run_until_due(run, "the call"))
		return false;
	call = drill_call_prepare(run->calls, &run->event->call, &why);
	if (!call)
		return run_end(run, DRILL_UNSUPPORTED, run->event->pos, "%s", why.text);
	flow_before(run, call);
	good = start(run, call);
	if (good && call->sys.pending) {
		wait_for(run, call);
		return run_returned(run);
	}
	good = good && check_call(run, run->event, &run->due, call);
	drill_call_free(call);
	return good && run_returned(run);
}
