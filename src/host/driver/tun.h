/* SPDX-License-Identifier: MIT */
/*
 * host/driver/tun.h - a TUN device: the kernel at the other end of a wire
 *
 * What the stack sends, the kernel receives on an interface of its own, and the other way round. The interface lives in
 * the network namespace that the caller is in when tun_open() runs; the descriptor works from anywhere afterwards.
 * Functions return 0 or a negative errno; those that can fail for a reason that a person can mend write one sentence
 * with the remedy into struct tun.
 */
#ifndef LA_HOST_TUN_H
#define LA_HOST_TUN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct la_frame;

/* Largest IP packet either way; the kernel sends nothing longer than the interface's MTU. */
#define TUN_FRAME_MAX 65535

/**
 * struct tun - one open TUN device
 * @fd:       non-blocking; poll it for reading
 * @name:     interface name in the kernel
 * @existed:  the interface was there before us (made with "ip tuntap add"): its settings are not ours to change
 * @units:    units of several TCP segments go out whole, the kernel takes them as they are
 * @frames_dropped: frames that the kernel did not take
 * @why:      what went wrong in the last call that failed, and what helps
 */
struct tun {
	int fd;
	char name[IFNAMSIZ];
	bool existed;
	bool units;
	uint64_t frames_dropped;
	char why[256];
};

/* Opens interface @name, making it where there is none. @units as above. */
int tun_open(struct tun *tun, const char *name, bool units);
void tun_close(struct tun *tun);

/* Gives the kernel's end an address of @family (4 or 16 bytes, network order) with its prefix. */
int tun_set_address(struct tun *tun, int family, const void *addr, unsigned prefixlen);

/* Sets the MTU and a queue long enough for a receive window, and brings the interface up. */
int tun_up(struct tun *tun, unsigned mtu);

/* The MTU that the interface has, or a negative errno. */
int tun_mtu(struct tun *tun);

/* Sends one frame, or one unit: whole where the device takes units, cut otherwise. Borrows @frame.
 * 0, or -ENOBUFS when a part of it was dropped. */
int tun_xmit(struct tun *tun, const struct la_frame *frame);

/* Reads one frame into @buf (TUN_FRAME_MAX bytes): its length, 0 when none waits, or a negative errno. */
int tun_read(struct tun *tun, void *buf);

#endif
