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
int dev_add(struct net *net, struct la_device *dev);
/* Takes the frames waiting on loopback and feeds each to ip_rcv(); false if there was none. Called by net_leave(). */
bool loopback_run(struct net *net, void (*rcv)(struct net *net, int ifindex, const void *frame, size_t len));

#endif
