/* SPDX-License-Identifier: MIT */
/*
 * drill/call.h - a script's system call: from its text to C's arguments, and what came back against what it asks for
 *
 *	struct drill_call (script.h)
 *	   drill_call_prepare()   numbers, buffers and structs in memory of their own; the script's descriptors become the side's
 *	struct drill_sys  --->  side->ops->start(), finish()                                                 (the runner)
 *	   drill_call_check()     result, errno and all that was written back; opened and closed descriptors are noted
 *	struct drill_verdict
 *
 * A script names descriptors by the numbers that it expects; the side gives its own. struct drill_calls knows both, for one
 * run. `...` stands for what the script leaves to us: a family, a buffer, and the addresses of struct drill_wire.
 */
#ifndef DRILL_CALL_H
#define DRILL_CALL_H

#include "drill/backend.h"
#include "drill/run.h"
#include "drill/script.h"

/**
 * struct drill_wire - what `...` means in an address, and how exact times must be
 * @bind_port, @connect_port: of the side's own address, and of the script's
 * @begin_ns:     the script's time 0 by the side's clock; time stamps in control messages count from it
 * @tolerance_ns: they, and the times in TCP's statistics, may be this much off
 */
struct drill_wire {
	const struct drill_net *net;
	uint16_t bind_port, connect_port;
	int64_t begin_ns, tolerance_ns;
};

enum drill_fd_kind { DRILL_FD_SOCKET, DRILL_FD_EPOLL, DRILL_FD_PIPE, DRILL_FD_FILE };
enum drill_fd_role { DRILL_FD_FRESH, DRILL_FD_LISTENING, DRILL_FD_CONNECTING, DRILL_FD_ACCEPTED };

/**
 * struct drill_fd - a descriptor that the script's calls have opened
 * @number, @side_fd: as the script calls it, as the side does
 * @closed:  the script has closed it: @number may have a new meaning, in a later entry of the list
 * @domain, @type, @protocol: of a socket, as socket() was told
 * @role:    of a socket: by its last listen(), connect(), accept()
 * @peer, @peer_port: of ACCEPTED, as accept() told; the address as in struct drill_net, host order
 */
struct drill_fd {
	struct drill_fd *next;
	int number, side_fd;
	bool closed;
	enum drill_fd_kind kind;
	int domain, type, protocol;
	enum drill_fd_role role;
	uint8_t peer[16];
	uint16_t peer_port;
};

/* The descriptors of a run. @wire is borrowed and may change between the calls. */
struct drill_calls *drill_calls_new(const struct drill_wire *wire);
void drill_calls_free(struct drill_calls *calls);

/* All that were ever opened, in this order; the open ones among them have not @closed. */
const struct drill_fd *drill_calls_fds(const struct drill_calls *calls);
/* The open descriptor with the script's number, or NULL. */
const struct drill_fd *drill_calls_find(const struct drill_calls *calls, int number);
/* The socket that socket() or accept() gave last, closed or not: the one that %{ }% asks. NULL: there was none. */
const struct drill_fd *drill_calls_under_test(const struct drill_calls *calls);

/**
 * struct drill_prepared - a call with its arguments; the pointers in @sys live as long as it does
 * @fd:  the script's descriptor in the first argument, or -1
 * @own: buffers and what is expected in them
 */
struct drill_prepared {
	struct drill_sys sys;
	const struct drill_call *call;
	int fd;
	struct drill_call_own *own;
};

/* Gives the call ready for start(), or NULL: the script asks for what is not there, or is not supported; @why names it. */
struct drill_prepared *drill_call_prepare(struct drill_calls *calls, const struct drill_call *call,
					  struct drill_text *why);

/*
 * The call has returned: is it what the script asks for? False fills in @verdict but for its @pos, which is the event's. The
 * descriptors are noted in either case, so that none is forgotten that the side has opened.
 */
bool drill_call_check(struct drill_prepared *prepared, struct drill_verdict *verdict);

/* What it returned, a new descriptor by the script's number where it has one. */
int64_t drill_call_result(const struct drill_prepared *prepared);

/* All that the call wrote to its caller's memory, as a script would have it, asked for or not; "" where it is nothing. */
const char *drill_call_out(struct drill_prepared *prepared);

void drill_call_free(struct drill_prepared *prepared);

#endif
