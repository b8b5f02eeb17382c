// SPDX-License-Identifier: MIT
/*
 * drill/so/wire.c - the device between stack and packetdrill, as a TUN device is between kernel and packetdrill
 *
 * Out: units are cut into frames, each is verified and queued with the time at which it left; packetdrill takes them in
 *      order when its script reaches a line with an outbound packet.
 * In:  packets of the script go straight into the stack.
 */
#include "drill/so/so.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 65575 /* an IPv6 packet with the largest payload */

static void queue_frame(struct so *so, const uint8_t *frame, size_t len)
{
	struct so_packet *packet = malloc(sizeof(*packet) + len);
	const char *fault = frame_fault(frame, len);

	if (fault)
		so_die("the stack sent a packet of %zu bytes with a bad %s", len, fault);
	if (!packet)
		so_die("out of memory");
	packet->next = NULL;
	packet->at_ns = so->now_ns;
	packet->len = len;
	memcpy(packet->bytes, frame, len);
	*so->last = packet;
	so->last = &packet->next;
}

int wire_xmit(struct la_device *dev, const struct la_frame *frame)
{
	uint32_t count = la_frame_count(frame);
	uint8_t buf[FRAME_MAX];
	size_t len;

	for (uint32_t i = 0; i < count; i++) {
		len = la_frame_cut(frame, i, buf, sizeof(buf));
		if (len > dev->mtu)
			so_die("the stack sent a packet of %zu bytes where the MTU is %u", len, dev->mtu);
		queue_frame(dev->world, buf, len);
	}
	return 0;
}

/* The first packet of the queue, out of it; NULL: none. */
static struct so_packet *take_packet(struct so *so)
{
	struct so_packet *packet = so->first;

	if (packet && !(so->first = packet->next))
		so->last = &so->first;
	return packet;
}

void wire_drain(struct so *so)
{
	struct so_packet *packet;

	while ((packet = take_packet(so)))
		free(packet);
}

int wire_send(void *userdata, const void *frame, size_t len)
{
	struct so *so = userdata;

	so_enter(so);
	clock_run_to(so, so->now_ns);
	la_receive(so->stack, so->ifindex, frame, len, so->now_ns);
	so_leave(so);
	return 0;
}

/* An empty packet is the only way to say "nothing came": an error would only make packetdrill ask again. */
int wire_receive(void *userdata, void *buf, size_t *len, long long *time_us)
{
	struct so *so = userdata;
	struct so_packet *packet;
	uint64_t limit_ns;
	size_t room = *len;

	so_enter(so);
	limit_ns = so->now_ns + SO_PATIENCE_NS;
	while (!so->first && clock_step(so, limit_ns))
		;
	packet = take_packet(so);
	so_leave(so);
	if (!packet) {
		fprintf(stderr, "lastack: no packet left, and none will\n");
		*len = 0;
		return 0;
	}
	*len = packet->len < room ? packet->len : room;
	*time_us = (long long)(packet->at_ns / SO_NSEC_PER_USEC);
	memcpy(buf, packet->bytes, *len);
	free(packet);
	return 0;
}
