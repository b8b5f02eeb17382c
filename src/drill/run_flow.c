// SPDX-License-Identifier: MIT
/*
 * drill/run_flow.c - connections of a script, and its numbers against those on the wire
 */
#include "drill/run_flow.h"

#include <stdlib.h>

struct run_flow *run_flow_new(struct run_flow **newest, int fd)
{
	struct run_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		abort();
	flow->fd = fd;
	flow->older = *newest;
	*newest = flow;
	return flow;
}

void run_flows_free(struct run_flow **newest)
{
	struct run_flow *flow;

	while ((flow = *newest)) {
		*newest = flow->older;
		free(flow->stamps);
		free(flow);
	}
}

struct run_flow *run_flow_find(struct run_flow *newest, int fd)
{
	while (newest && newest->fd != fd)
		newest = newest->older;
	return newest;
}

uint32_t run_local_offset(const struct run_flow *flow, bool syn)
{
	return syn ? flow->local_isn - flow->script_isn : flow->local_isn;
}

uint32_t run_remote_offset(const struct run_flow *flow, bool syn)
{
	return syn ? 0 : flow->remote_isn;
}

/* The last word on a value of the script's holds; the first stamp stays the base. */
void run_stamp_learn(struct run_flow *flow, uint32_t script, uint32_t wire)
{
	if (flow->n_stamps == flow->stamps_room) {
		flow->stamps_room = flow->stamps_room ? 2 * flow->stamps_room : 16;
		flow->stamps = realloc(flow->stamps, flow->stamps_room * sizeof(*flow->stamps));
		if (!flow->stamps)
			abort();
	}
	flow->stamps[flow->n_stamps++] = (struct run_stamp){script, wire};
}

bool run_stamp_wire(const struct run_flow *flow, uint32_t script, uint32_t *wire)
{
	for (unsigned i = flow->n_stamps; i--;)
		if (flow->stamps[i].script == script) {
			*wire = flow->stamps[i].wire;
			return true;
		}
	return false;
}

uint32_t run_stamp_to_wire(const struct run_flow *flow, uint32_t script)
{
	return flow->n_stamps ? script - flow->stamps[0].script + flow->stamps[0].wire : script;
}

uint32_t run_stamp_to_script(const struct run_flow *flow, uint32_t wire)
{
	return flow->n_stamps ? wire - flow->stamps[0].wire + flow->stamps[0].script : wire;
}
