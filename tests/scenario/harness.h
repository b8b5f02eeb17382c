/* SPDX-License-Identifier: MIT */
/*
 * scenario/harness.h - tests as sentences, in a virtual world
 *
 *	TEST(close_with_unread_data_sends_rst_instead_of_fin)
 *	{
 *		struct duo d = duo_established();		two hosts, one quiet wire
 *
 *		duo_send(&d, CLIENT, "abc");
 *		duo_run_ms(&d, 10);
 *		EXPECT_EQ(duo_close(&d, SERVER), 0);
 *		EXPECT_TRACE(&d, "server ESTABLISHED -> CLOSE cause=close_unread");
 *		EXPECT_WIRE(&d, "server > client R.");
 *	}
 *
 * What every test gets without asking: la_check() on all hosts after every step; at its end all that is open is closed,
 * the clock runs on until nothing is left to happen, and then no object, no timer and no byte may be left. A failure
 * prints the seed and the whole run as a ladder; LA_PCAP=DIR writes DIR/NAME.pcapng too, SEED=n changes the seed.
 *
 * Then the test is run again with the first allocation of a host refused, then with the second, and so on: expectations
 * do not count there, but nothing may crash, leak or break an invariant. (A test made with TEST_ONCE is spared that.)
 * Expectations leave a failed test by longjmp(): use the ones below, not cmocka's own.
 */
#ifndef SCENARIO_HARNESS_H
#define SCENARIO_HARNESS_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "lab/raw.h"
#include "lab/task.h"
#include "lab/wire.h"

enum side { CLIENT, SERVER };

struct duo_side {
	const char *name;
	struct lab_host *host; /* NULL: a script plays this side */
	struct lab_thread thread;
	int fd; /* the connection, or -1 */
};

/**
 * struct duo - two sides and what happened between them
 * @wire:     end A is the client's, end B the server's; with a script, A is the stack's and B the script's
 * @listener: the server's descriptor of it, or -1
 * @raw:      the script, or NULL
 * @family:   AF_INET, AF_INET6 or LAB_MAPPED: what the test is run with
 */
struct duo {
	struct lab_world *world;
	struct lab_wire *wire;
	struct lab_raw *raw;
	struct duo_side client, server;
	int listener;
	int family;
};

#define DUO_PORT 80

/* ------------------------------------------------------------------ beginnings */

struct duo duo_hosts(void);	  /* a process on each host, nothing open */
struct duo duo_listening(void);	  /* the server listens on port 80; the client has a socket */
struct duo duo_established(void); /* connected and accepted; the listener is closed */

/* The same with a script instead of one side; its wire takes no time. Scripts negotiate no option but mss 1460. */
struct duo solo_listening(void); /* the server listens; the script is the client */
struct duo solo_accepted(void);	 /* the script has connected, the server accepted; the listener is closed */
struct duo solo_connected(void); /* the client has connected to the script */
struct duo solo_connecting(void); /* ... has sent its SYN, which the script has heard; connect() did not wait */

/* Ends the run as said above; done by itself at the end of a test and before the next beginning. */
void duo_end(struct duo *d);

/* ------------------------------------------------------------------ acting */

struct duo_side *duo_of(struct duo *d, enum side side);
void duo_run_ms(struct duo *d, uint64_t ms);

/* System calls on the side's descriptor: the last part of a la_prep_*() name, then its arguments behind the descriptor.
 * DUO_CALL blocks, DUO_TRY returns LAB_BLOCKED instead, DUO_START leaves the call to a thread and gives it to look at. */
#define DUO_CALL(d, side, what, ...)  LAB_CALL(&duo_of(d, side)->thread, what, duo_of(d, side)->fd, ##__VA_ARGS__)
#define DUO_TRY(d, side, what, ...)   LAB_TRY(&duo_of(d, side)->thread, what, duo_of(d, side)->fd, ##__VA_ARGS__)
#define DUO_START(d, side, what, ...) LAB_START(&duo_of(d, side)->thread, what, duo_of(d, side)->fd, ##__VA_ARGS__)

int64_t duo_accept(struct duo *d); /* does not wait; the server's fd is the result, and the listener stays */
int64_t duo_send(struct duo *d, enum side side, const char *text);
int64_t duo_send_bytes(struct duo *d, enum side side, size_t len); /* of the pattern lab_raw_byte(); does not wait */
int64_t duo_recv(struct duo *d, enum side side, void *buf, size_t len); /* does not wait: -EAGAIN */
int64_t duo_shutdown(struct duo *d, enum side side, int how);
int64_t duo_close(struct duo *d, enum side side); /* blocks as close() does; fd becomes -1 */
int64_t duo_linger(struct duo *d, enum side side, int onoff, int seconds);
int64_t duo_set(struct duo *d, enum side side, int level, int name, int value);
int64_t duo_get(struct duo *d, enum side side, int level, int name); /* the value, or -errno */
int duo_poll(struct duo *d, enum side side);			     /* POLL* bits of all that can be asked for */
/* What TCP says with one voice. */
enum { DUO_IN = POLLIN | POLLRDNORM, DUO_OUT = POLLOUT | POLLWRNORM };
/* More tasks of a side, that exit by themselves at the end: a forked process, a thread of the first one. */
struct lab_thread *duo_fork(struct duo *d, enum side side);
struct lab_thread *duo_thread(struct duo *d, enum side side);
void duo_exit(struct duo *d, enum side side); /* the side's first process; not lab_exit(), which would be done again */
void duo_sysctl(struct duo *d, enum side side, const char *name, const char *value);
uint64_t duo_counter(struct duo *d, enum side side, const char *name); /* since the beginning, or duo_forget() */
struct la_usage duo_usage(struct duo *d, enum side side);
/* State of the connection as ss lists it, "" where there is none (any more). */
const char *duo_state(struct duo *d, enum side side);
/* Expectations look at what happens from now on. */
void duo_forget(struct duo *d);
/* Keeps no record of frames and traces from now on: for millions of them. */
void duo_no_record(struct duo *d);

/* Both sides send @bytes and then the end, read all that comes, and find it whole: runs until both have (stream.c). */
void duo_both_ways(struct duo *d, uint64_t bytes);

/* Lets the script say a segment (frame.h) and the host react, in no time. */
void solo_say(struct duo *d, const char *text);

/* ------------------------------------------------------------------ expecting
 *
 * Patterns are words that must stand in a line in this order; other words may stand between. Lines are such as
 *
 *	server ESTABLISHED -> CLOSE cause=close_unread row=UR-01
 *	server step tcp_close
 *	server RST active cause=close_unread row=UR-01 reason=TCP_ABORT_ON_CLOSE counter=TcpExtTCPAbortOnClose
 *	server FIN cause=close row=CL-04		server DROP ...
 *	server > client R. 1:1(0) ack 4 win 501		client > server F. 4:4(0) ack 1 win 502 lost
 *	server > script ...
 *
 * EXPECT_TRACE and EXPECT_WIRE go forward: each looks behind the line that the last one with the same first word found.
 * The EXPECT_NO_ ones look at everything since the beginning or duo_forget(). EXPECT_HEARD takes the next segment that
 * the script has heard: "S. 0:0(0) ack 1 win 64240 <mss 1460>".
 */
#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			harness_fail(__FILE__, __LINE__, "%s", "not so: " #condition); \
	} while (0)
#define EXPECT_EQ(got, wanted)	    harness_equal(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(wanted))
#define EXPECT_STR(got, wanted)	    harness_string(__FILE__, __LINE__, #got, (got), (wanted))
#define EXPECT_TRACE(d, pattern)    ((void)(d), harness_line(__FILE__, __LINE__, false, (pattern)))
#define EXPECT_NO_TRACE(d, pattern) ((void)(d), harness_no_line(__FILE__, __LINE__, false, (pattern)))
#define EXPECT_WIRE(d, pattern)	    ((void)(d), harness_line(__FILE__, __LINE__, true, (pattern)))
#define EXPECT_NO_WIRE(d, pattern)  ((void)(d), harness_no_line(__FILE__, __LINE__, true, (pattern)))
#define EXPECT_HEARD(d, pattern)    harness_heard(__FILE__, __LINE__, (d), (pattern))
#define EXPECT_SILENCE(d)	    harness_heard(__FILE__, __LINE__, (d), NULL)
#define EXPECT_STATE(d, side, name) harness_string(__FILE__, __LINE__, #side "'s state", duo_state((d), (side)), (name))
#define EXPECT_POLL(d, side, bits)  harness_poll(__FILE__, __LINE__, duo_poll((d), (side)), (bits))
/* SO_ERROR, which clears it: 0 or a positive errno */
#define EXPECT_ERROR(d, side, err) \
	harness_equal(__FILE__, __LINE__, "SO_ERROR of the " #side, duo_get((d), (side), SOL_SOCKET, SO_ERROR), (err))
#define EXPECT_COUNTER(d, side, name, count) \
	harness_equal(__FILE__, __LINE__, #side " " name, (int64_t)duo_counter((d), (side), (name)), (count))
#define EXPECT_RECV_NOTHING(d, side) \
	harness_equal(__FILE__, __LINE__, "recv() of the " #side, duo_recv((d), (side), (char[1]){0}, 1), -EAGAIN)
/* recv() gives exactly this; "" is end of file */
#define EXPECT_RECV(d, side, text) harness_recv(__FILE__, __LINE__, (d), (side), (text))

__attribute__((noreturn, format(printf, 3, 4))) void harness_fail(const char *file, int line, const char *format, ...);
void harness_equal(const char *file, int line, const char *what, int64_t got, int64_t wanted);
void harness_string(const char *file, int line, const char *what, const char *got, const char *wanted);
void harness_line(const char *file, int line, bool wire, const char *pattern);
void harness_no_line(const char *file, int line, bool wire, const char *pattern);
void harness_heard(const char *file, int line, struct duo *d, const char *pattern);
void harness_poll(const char *file, int line, int got, int wanted);
void harness_recv(const char *file, int line, struct duo *d, enum side side, const char *text);

/* ------------------------------------------------------------------ tests */

enum { HARNESS_FAMILIES = 1, HARNESS_ONCE = 2 };

struct harness_test {
	const char *name;
	void (*body)(void);
	int how;
	struct harness_test *next;
};
void harness_register(struct harness_test *test);
/* The seed of worlds made from now on. At the start of each test 1, or SEED of the environment. */
void harness_seed(uint64_t seed);

#define HARNESS_TEST(title, flags) \
	static void title(void); \
	static struct harness_test title##_test = {#title, title, (flags), NULL}; \
	__attribute__((constructor)) static void title##_register(void) \
	{ \
		harness_register(&title##_test); \
	} \
	static void title(void)

#define TEST(title)	     HARNESS_TEST(title, 0)
/* Run over IPv4, IPv6 and IPv4 mapped into IPv6. */
#define TEST_FAMILIES(title) HARNESS_TEST(title, HARNESS_FAMILIES)
#define TEST_ONCE(title)     HARNESS_TEST(title, HARNESS_ONCE)

#endif
