// SPDX-License-Identifier: MIT
/*
 * link/loopback.c - frames from the stack to itself
 *
 * In:  dev_xmit() on LOOPBACK_IFINDEX: the frame is copied into an sk_buff and waits. Units are not cut, as in Linux:
 *      the receiver sees one large segment and is told the size of those that it stands for.
 * Out: net_leave() hands what waits to ip_rcv(), so that output never recurses into input.
 */
#include "stack/link/link.h"
#include <errno.h>

int loopback_xmit(struct net *net, const struct la_frame *frame)
{
	struct sk_buff *skb = skb_alloc(&net->skbs, frame->len);
	const struct la_env *env = net->mem.env;

	if (!skb)
		return -ENOBUFS;
	frame_whole(frame, skb->head);
	skb->len = frame->len;
	skb->gso_size = frame->gso_size;
	if (unlikely(env->loopback))
		env->loopback(env->world, skb->head, skb->len);
	skb_queue_tail(&net->link->loopback, skb);
	net->unsettled = true;
	return 0;
}

bool loopback_run(struct net *net, void (*rcv)(struct net *net, int ifindex, const void *frame, size_t len))
{
	struct link *link = net->link;
	struct sk_buff *queue = link->loopback, *skb;

	if (!queue)
		return false;
	link->loopback = NULL;
	while ((skb = skb_dequeue(&queue))) {
		link->gso_size = skb->gso_size;
		rcv(net, LOOPBACK_IFINDEX, skb_data(skb), skb->len);
		skb_free(&net->skbs, skb);
	}
	link->gso_size = 0;
	return true;
}

uint16_t loopback_gso_size(const struct net *net)
{
	return net->link->gso_size;
}
