/* SPDX-License-Identifier: MIT */
/*
 * lastack/stack.h - a TCP/IP stack as an object: frames and time in, frames and completions out
 *
 * A stack does no I/O and has no clock, no threads and no randomness of its own. The program around it (the "host")
 * hands in frames and the time; the stack answers through the tables below. Each entry takes @now_ns, nanoseconds of
 * any monotonic clock of the host's, and sees that one instant; time must not go backwards from entry to entry.
 *
 * Rules for every entry:
 *  - one stack is used by one thread at a time; any number of stacks live in one process;
 *  - callbacks (xmit, done, trace) run inside the entry that caused them and must not enter the same stack again,
 *    except la_submit() and la_cancel() from within la_op.done;
 *  - after each entry ask la_deadline_ns() when the stack wants la_advance() next;
 *  - integers are in host byte order, addresses and ports inside struct sockaddr_* in network order;
 *  - functions return 0 or a count on success and a negative errno, the one a Linux program would see.
 *
 * Ownership words: "borrows" (only for the call), "owns", "takes" (also on error), "gives" (the caller frees).
 */
#ifndef LASTACK_STACK_H
#define LASTACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LA_API __attribute__((visibility("default")))
#else
#define LA_API
#endif

struct la_stack;
struct la_trace_event; /* lastack/trace.h */

/**
 * struct la_env - all that a stack may ask of the world
 * @random: 64 unpredictable bits; the same sequence makes the same run, byte for byte
 * @alloc:  @size bytes aligned to @align (a power of two, at most 64 KiB), or NULL
 * @free:   gives back what @alloc gave; @size is the size that was asked for
 * @trace:  what happened and why (lastack/trace.h); borrows the event; may be NULL
 * @loopback: a packet that the stack sends to itself, as long as a unit; checksums may not be filled in. For captures; borrows
 *           it; may be NULL
 * @refuse: asked before each object of @size bytes is handed out inside the stack; true makes that allocation fail.
 *          For tests of memory exhaustion; NULL refuses nothing
 * @world:  passed back in every call
 */
struct la_env {
	uint64_t (*random)(void *world);
	void *(*alloc)(void *world, size_t size, size_t align);
	void (*free)(void *world, void *mem, size_t size);
	void (*trace)(void *world, const struct la_trace_event *event);
	void (*loopback)(void *world, const void *packet, size_t len);
	bool (*refuse)(void *world, size_t size);
	void *world;
};

/* A world for programs that do not care: malloc, free and a generator with a seed; 0 is a seed like any other. env.world is
 * the struct itself; env.trace and env.refuse may be set afterwards. */
struct la_env_seeded {
	struct la_env env;
	uint64_t state;
};
LA_API void la_env_seeded_init(struct la_env_seeded *env, uint64_t seed);

/* ------------------------------------------------------------------ a stack's life */

/* Makes an empty stack: loopback (127.0.0.1, ::1) and nothing else. Borrows @env for its whole life. NULL: no memory. */
LA_API struct la_stack *la_stack_new(const struct la_env *env, uint64_t now_ns);

/* Ends a stack at once: pending operations are completed with -EINTR, nothing is sent. NULL is allowed. */
LA_API void la_stack_free(struct la_stack *stack);

/* ------------------------------------------------------------------ devices, addresses, routes */

/**
 * struct la_frame - one frame on its way out, or a unit of several TCP segments
 * @iov, @iovcnt: the bytes, IP header first (link layer: none, as on a TUN device); borrowed for the call
 * @len:          their sum
 * @hdr_len:      bytes of IP and TCP header together; 0 where @gso_size is 0
 * @gso_size:     0: one complete frame. Otherwise the payload bytes of each segment but the last: the driver cuts the unit
 *                with la_frame_cut(), or hands it to a device that can
 * @family:       AF_INET or AF_INET6
 * @csum_missing: TCP's checksum has not been filled in (LA_DEVICE_TX_CSUM); la_frame_cut() does it where it is wanted.
 *                False: all checksums of a frame are correct
 */
struct la_frame {
	const struct iovec *iov;
	int iovcnt;
	uint32_t len;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint8_t family;
	bool csum_missing;
};

/* How many frames the unit becomes: 1 where gso_size is 0. */
LA_API uint32_t la_frame_count(const struct la_frame *frame);

/* Writes frame number @index (from 0), complete with lengths, sequence number, flags and checksums, to @buf.
 * Returns its length, or 0 if @cap is too small or @index too large. */
LA_API size_t la_frame_cut(const struct la_frame *frame, uint32_t index, void *buf, size_t cap);

/* What a device relieves the stack of, as in the kernel; its loopback has both. */
enum la_device_feature {
	LA_DEVICE_TX_CSUM = 1 << 0, /* NETIF_F_HW_CSUM: takes TCP segments without their checksum, la_frame.csum_missing */
	LA_DEVICE_RX_CSUM = 1 << 1, /* NETIF_F_RXCSUM: brings no TCP segment whose checksum would have to be looked at */
};

/**
 * struct la_device - where frames leave; filled by the host, borrowed until the stack ends
 * @name:     for messages and traces
 * @mtu:      largest IP packet, 1280 .. 65535 (IPv4 alone: from 68)
 * @gso_max:  largest unit in bytes that @xmit takes, 0: 65536
 * @features: enum la_device_feature, from la_device_add() on
 * @xmit:     sends one frame; borrows it; 0, or -ENOBUFS where a full queue dropped it (Linux: NET_XMIT_DROP)
 * @world:    the host's
 */
struct la_device {
	const char *name;
	uint32_t mtu;
	uint32_t gso_max;
	uint32_t features;
	int (*xmit)(struct la_device *dev, const struct la_frame *frame);
	void *world;
};

/* Adds @dev; returns its interface index (loopback is 1, so 2 and up) or -ENOMEM, -EINVAL (mtu). */
LA_API int la_device_add(struct la_stack *stack, struct la_device *dev);

/* Gives an interface a local address (4 or 16 bytes, network order) and the connected route of that prefix.
 * -EINVAL: family, prefix, interface, or an address that is no unicast address; -EEXIST, -ENOMEM. */
LA_API int la_addr_add(struct la_stack *stack, int ifindex, int family, const void *addr, unsigned prefixlen);

/* Sends a prefix out of an interface; prefixlen 0 is the default route. -EINVAL: family, prefix, interface; -EEXIST: the
 * prefix has a route; -ENOMEM. */
LA_API int la_route_add(struct la_stack *stack, int ifindex, int family, const void *dst, unsigned prefixlen);

/* ------------------------------------------------------------------ packets and time */

/* A frame has arrived on @ifindex; borrows @frame, which begins with the IP header. Bad frames are counted and dropped. */
LA_API void la_receive(struct la_stack *stack, int ifindex, const void *frame, size_t len, uint64_t now_ns);

/*
 * Frames that came together: between la_hold() and la_let_go() pending operations are not completed, and what the stack's own
 * addresses send each other does not arrive. Then whoever waits sees all that came, as programs do when a network card
 * hands in several frames at once. Nothing but la_receive() may be called in between.
 */
LA_API void la_hold(struct la_stack *stack);
LA_API void la_let_go(struct la_stack *stack, uint64_t now_ns);

/* Runs the timers that are due at @now_ns. */
LA_API void la_advance(struct la_stack *stack, uint64_t now_ns);

/* When la_advance() is wanted next; UINT64_MAX: nothing to wait for. May be early, never late. */
LA_API uint64_t la_deadline_ns(const struct la_stack *stack);

/* ------------------------------------------------------------------ settings and counters, by Linux's names */

/* "net.ipv4.tcp_fin_timeout" (or "tcp_fin_timeout") = "60". -ENOENT: no such setting; -EINVAL: not a value for it. */
LA_API int la_sysctl_set(struct la_stack *stack, const char *name, const char *value);
/* Writes the value as text, 0-terminated; returns its length, -ENOENT, or -ENOSPC. */
LA_API int la_sysctl_get(const struct la_stack *stack, const char *name, char *value, size_t cap);

/* What was learnt of peers is forgotten, as by `ip tcp_metrics flush all`: Fast Open's cookies and segment sizes. */
LA_API void la_tcp_metrics_flush(struct la_stack *stack);

/* Counters as `nstat` names them: "TcpExtTCPAbortOnClose", "IpInReceives", "TcpCurrEstab". */
LA_API int la_counter(const struct la_stack *stack, const char *name, uint64_t *value); /* -ENOENT */
/* The @index-th counter from 0; false behind the last one. */
LA_API bool la_counter_at(const struct la_stack *stack, size_t index, const char **name, uint64_t *value);

/**
 * struct la_usage - what the stack holds now
 * @bytes is all memory taken from la_env.alloc; the others count objects
 */
struct la_usage {
	uint64_t bytes;
	uint64_t tasks, files, sockets, socks, requests, timewaits, skbs, orphans, timers, ops;
};
LA_API void la_usage(const struct la_stack *stack, struct la_usage *usage);

/* Checks every invariant of every sock, table and queue; NULL if all hold, else a sentence that says which does not
 * (static memory). Takes time proportional to the number of socks: for tests and simulations. */
LA_API const char *la_check(struct la_stack *stack);

/* Which timer runs, by the numbers of Linux's sock_diag. */
enum la_sock_timer { LA_TIMER_OFF, LA_TIMER_RETRANSMIT, LA_TIMER_KEEPALIVE, LA_TIMER_TIMEWAIT, LA_TIMER_PROBE };

/**
 * struct la_sock_info - one endpoint as `ss -tanoiem` would list it
 * @state:     Linux's number: TCP_ESTABLISHED is 1; a request is NEW_SYN_RECV, 12
 * @sport, @dport: host order
 * @saddr, @daddr: IPv4: mapped, ::ffff:a.b.c.d
 * @recv_q, @send_q: bytes; of a listener: connections that wait, and how many may
 * @orphan:    no program has it
 * @v6only:    IPV6_V6ONLY
 * @shutdown:  bit 0: nothing more is received, bit 1: sent
 * @timer:     enum la_sock_timer, its end in @timer_ms, and how often it was in vain
 * @cookie:    SO_COOKIE, the id of traces; 0: a request or a stand-in
 * @rmem, @rcvbuf, @wmem, @sndbuf: memory held and allowed, as in `ss -m`
 * @tcp_info:  struct tcp_info as TCP_INFO gives it, of @tcp_info_len bytes; borrowed for the visit; NULL: none
 * @congestion: the algorithm's name; NULL: none
 */
struct la_sock_info {
	uint8_t state;
	uint8_t family;
	bool orphan, v6only;
	uint16_t sport, dport;
	uint8_t saddr[16], daddr[16];
	uint32_t recv_q, send_q;
	uint8_t shutdown, timer, timer_retrans;
	uint32_t timer_ms;
	uint64_t cookie;
	uint32_t rmem, rcvbuf, wmem, sndbuf;
	const void *tcp_info;
	size_t tcp_info_len;
	const char *congestion;
};
/* Calls @visit for every sock (listeners, requests, connections, TIME_WAIT) in an order that depends on nothing but
 * the stack's history; stops early when it returns false. */
LA_API void la_socks(struct la_stack *stack, bool (*visit)(void *arg, const struct la_sock_info *info), void *arg);
/* Ends the one at these addresses, as `ss -K` does: a RST where the peer would go on believing in it, ECONNABORTED for the
 * calls of its owner. Not from within a visit. 0, or -ENOENT: nobody is there. */
LA_API int la_sock_destroy(struct la_stack *stack, const struct la_sock_info *which, uint64_t now_ns);

#ifdef __cplusplus
}
#endif
#endif
