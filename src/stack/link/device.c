// SPDX-License-Identifier: MIT
/*
 * link/device.c - the list of devices
 *
 * In:  frames from ip/output.c, with the interface that the route chose.
 * Out: the host's la_device.xmit(), or the loopback queue. Nothing is queued here for a device of the host's: whether
 *      it took the frame is known at once, as with a device whose queue is full or not.
 */
#include "stack/link/link.h"
#include <errno.h>

#define FIRST_IFINDEX (LOOPBACK_IFINDEX + 1)
#define MIN_MTU 68 /* RFC 791: every link carries this much */
#define MAX_MTU 65535
#define MAX_UNIT 65536

int link_init(struct net *net)
{
	net->link = mem_zalloc(&net->mem, sizeof(*net->link));
	return net->link ? 0 : -ENOMEM;
}

void link_exit(struct net *net)
{
	struct link *link = net->link;

	if (!link)
		return;
	skb_queue_purge(&net->skbs, &link->loopback);
	mem_free(&net->mem, link->dev, (size_t)link->cap * sizeof(*link->dev));
	mem_free(&net->mem, link, sizeof(*link));
	net->link = NULL;
}

static bool dev_grow(struct net *net)
{
	struct link *link = net->link;
	int cap = max(4, 2 * link->cap);
	struct la_device **dev = mem_alloc(&net->mem, (size_t)cap * sizeof(*dev));

	if (!dev)
		return false;
	if (link->count)
		memcpy(dev, link->dev, (size_t)link->count * sizeof(*dev));
	mem_free(&net->mem, link->dev, (size_t)link->cap * sizeof(*dev));
	link->dev = dev;
	link->cap = cap;
	return true;
}

int dev_add(struct net *net, struct la_device *dev)
{
	struct link *link = net->link;

	if (!dev || !dev->xmit || dev->mtu < MIN_MTU || dev->mtu > MAX_MTU)
		return -EINVAL;
	if (link->count == link->cap && !dev_grow(net))
		return -ENOMEM;
	link->dev[link->count] = dev;
	return FIRST_IFINDEX + link->count++;
}

int dev_xmit(struct net *net, int ifindex, const struct la_frame *frame)
{
	struct la_device *dev;

	if (unlikely(net->dying))
		return -ENODEV;
	if (ifindex == LOOPBACK_IFINDEX)
		return loopback_xmit(net, frame);
	dev = dev_by_index(net, ifindex);
	return dev ? dev->xmit(dev, frame) : -ENODEV;
}

uint32_t dev_mtu(const struct net *net, int ifindex)
{
	const struct la_device *dev = dev_by_index(net, ifindex);

	if (ifindex == LOOPBACK_IFINDEX)
		return LOOPBACK_MTU;
	return dev ? dev->mtu : 0;
}

uint32_t dev_gso_max(const struct net *net, int ifindex)
{
	const struct la_device *dev = dev_by_index(net, ifindex);

	return dev && dev->gso_max && dev->gso_max < MAX_UNIT ? dev->gso_max : MAX_UNIT;
}
