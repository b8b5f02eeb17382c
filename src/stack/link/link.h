/* SPDX-License-Identifier: MIT */
/* link/link.h - devices: the host's (struct la_device) and loopback, whose frames come back at the end of the entry */
#ifndef LA_LINK_H
#define LA_LINK_H

#include "stack/net.h"

#define LOOPBACK_IFINDEX 1
#define LOOPBACK_MTU 65536

/* Sends; borrows @frame. 0, -ENOBUFS (the device's queue, or no memory for a loopback frame), -ENODEV. */
int dev_xmit(struct net *net, int ifindex, const struct la_frame *frame);
uint32_t dev_mtu(const struct net *net, int ifindex);	  /* 0: no such device */
uint32_t dev_gso_max(const struct net *net, int ifindex); /* largest unit in bytes, at most 65536 */
/* Borrows @dev; gives it the next interface index and returns that. -EINVAL: mtu; -ENOMEM. */
int dev_add(struct net *net, struct la_device *dev);

/* Takes the frames waiting on loopback and feeds each to @rcv, which is ip_rcv(); false if there was none. Called by
 * net_leave(). Frames that this causes wait for the next call. */
bool loopback_run(struct net *net, void (*rcv)(struct net *net, int ifindex, const void *frame, size_t len));
/* Units travel whole over loopback: the segment size of the one that loopback_run() delivers now; 0: a single frame. */
uint16_t loopback_gso_size(const struct net *net);

/* The whole unit as one frame, lengths and checksums complete; @buf has room for frame->len bytes. */
void frame_whole(const struct la_frame *frame, uint8_t *buf);

/* inside link/ */
struct link {
	struct la_device **dev; /* borrowed ones; interface index LOOPBACK_IFINDEX + 1 + position */
	int count, cap;
	struct sk_buff *loopback; /* owned, in order of sending */
	uint16_t gso_size;	  /* of the frame being delivered */
};
int loopback_xmit(struct net *net, const struct la_frame *frame);

static inline struct la_device *dev_by_index(const struct net *net, int ifindex) /* the host's; NULL: loopback, or none */
{
	unsigned i = (unsigned)ifindex - (LOOPBACK_IFINDEX + 1);

	return i < (unsigned)net->link->count ? net->link->dev[i] : NULL;
}

/* enum la_device_feature */
static inline uint32_t dev_features(const struct net *net, int ifindex)
{
	const struct la_device *dev = dev_by_index(net, ifindex);

	return dev ? dev->features : 0;
}

#endif
