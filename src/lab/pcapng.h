/* SPDX-License-Identifier: MIT */
/*
 * lab/pcapng.h - captures that Wireshark opens, with a comment on the packets that have something to say
 *
 * The writer only makes bytes; where they go is the affair of the sink. One section, one interface per place where frames
 * are seen, nanosecond time stamps, packets that begin with the IP header (LINKTYPE_RAW).
 */
#ifndef LAB_PCAPNG_H
#define LAB_PCAPNG_H

#include "lab/wire.h"

/**
 * struct lab_pcapng - a capture being written
 * @write: takes the next bytes; what goes wrong there is the sink's to remember
 */
struct lab_pcapng {
	void (*write)(void *sink, const void *bytes, size_t len);
	void *sink;
	uint32_t interfaces;
};

enum lab_pcapng_way { LAB_PCAPNG_UNKNOWN, LAB_PCAPNG_IN, LAB_PCAPNG_OUT };

/* Begins the file. @about: a comment on the whole, may be NULL. */
void lab_pcapng_begin(struct lab_pcapng *pcap, void (*write)(void *sink, const void *bytes, size_t len), void *sink,
		      const char *about);
/* Returns the number of a new interface. */
uint32_t lab_pcapng_interface(struct lab_pcapng *pcap, const char *name);
/* @comment may be NULL. */
void lab_pcapng_packet(struct lab_pcapng *pcap, uint32_t interface, uint64_t time_ns, enum lab_pcapng_way way,
		       const void *bytes, size_t len, const char *comment);

/* ------------------------------------------------------------------ a capture of a world */

/**
 * struct lab_capture - writes down what passes wires: both ends of each, every frame when it leaves and when it arrives
 *
 * Frames with RST or FIN carry what their sender said about them as a comment; lost frames the word "lost".
 */
struct lab_capture {
	struct lab_observer observer;
	struct lab_pcapng pcap;
	struct lab_world *world;
	uint32_t *interfaces; /* of each wire's end A; end B is the next. UINT32_MAX: not yet seen */
	unsigned room;
	struct lab_said *said; /* what hosts said, not yet found on a frame */
};

/* Watches all wires of @world from now on. @cap is the caller's, as long as the world lives. */
void lab_capture_begin(struct lab_capture *cap, struct lab_world *world,
		       void (*write)(void *sink, const void *bytes, size_t len), void *sink);
/* After the world's end, or before it where nothing runs any more. */
void lab_capture_end(struct lab_capture *cap);

#endif
