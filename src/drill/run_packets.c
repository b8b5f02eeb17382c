// SPDX-License-Identifier: MIT
/*
 * drill/run_packets.c - packets in: to which connection they belong, and how they get there
 */
#include "drill/runner.h"

enum { FIRST_REMOTE_PORT = 40001 };

/* A TCP packet that meets a listener, or no socket at all, begins a connection; what follows belongs to it. */
static bool begins_a_flow(const struct run_flow *flow)
{
	return !flow || flow->state == FLOW_NEW || flow->state == FLOW_LISTENING;
}

static void begin_flow(struct runner *run, const struct drill_tcp *tcp)
{
	struct run_flow *flow = run_flow_new(&run->flow, -1);

	flow->state = FLOW_GREETED;
	flow->local_port = run->wire.bind_port;
	flow->remote_port = (uint16_t)(FIRST_REMOTE_PORT + run->flows++);
	flow->remote_isn = tcp->seq;
}

static void follow_handshake(struct run_flow *flow, const struct drill_tcp *tcp)
{
	if (flow->state == FLOW_SYNACK_SENT && tcp->flags & DRILL_ACK) {
		flow->state = FLOW_SYNACK_ACKED;
	} else if (flow->state == FLOW_SYN_EXPECTED && tcp->flags & DRILL_SYN && tcp->flags & DRILL_ACK) {
		flow->state = FLOW_SYN_ACKED;
		flow->remote_isn = tcp->seq;
	}
}

static bool inject(struct runner *run)
{
	const struct drill_event *event = run->event;
	uint8_t bytes[RUN_PACKET_MAX];
	struct drill_text why;
	size_t len = run_write(bytes, run->net, &event->packet, run->flow, run->set.ts_scaled, &why);

	if (!len)
		return run_end(run, DRILL_FAILED, event->pos, "%s", why.text);
	drill_record_frame(run->record, DRILL_SAID, event, run_now(run), bytes, len);
	if (!run->side->ops->inject(run->side, bytes, len, &why))
		return run_end(run, DRILL_FAILED, event->pos, "%s", why.text);
	return true;
}

bool run_packet_in(struct runner *run)
{
	const struct drill_event *event = run->event;
	const struct drill_packet *packet = &event->packet;

	if (packet->kind == DRILL_TCP && begins_a_flow(run->flow))
		begin_flow(run, &packet->tcp);
	else if (!run->flow)
		return run_end(run, DRILL_FAILED, event->pos,
			       "there is no connection yet to which the packet could belong");
	if (!run_until_due(run, "the packet in"))
		return false;
	if (packet->kind == DRILL_TCP)
		follow_handshake(run->flow, &packet->tcp);
	return inject(run) && run_returned(run);
}
