// SPDX-License-Identifier: MIT
/*
 * tests/grid/situations.c - how a sock gets into each state, as lines of a script
 *
 * The side under test is passive but where the state asks for connect(). The peer's window is 64 KiB (win 512 with scale 7),
 * or 1000 bytes where something has to stay unsent (win 1000 in a SYN is not scaled, so it is told by the last ACK of the
 * handshake: 8 units of 128).
 */
#include "tests/grid/grid.h"

#define LISTENER \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n" \
	"+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n" \
	"+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n" \
	"+0 bind(3, ..., ...) = 0\n" \
	"+0 listen(3, 8) = 0\n"
#define REQUEST \
	LISTENER \
	"+0 < S 0:0(0) win 512 <%o>\n" \
	"+0 > S. 0:0(0) ack 1 <%e>\n"
#define ACCEPTED(window) \
	REQUEST \
	"+.01 < . 1:1(0) ack 1 win " #window " <%t>\n" \
	"+0 accept(3, ..., ...) = 4\n" \
	"+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
#define OPEN   ACCEPTED(512)
#define NARROW ACCEPTED(8) /* 1024 bytes may leave */
#define CONNECTING \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n" \
	"+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n" \
	"+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n" \
	"+0 > S 0:0(0) <%c>\n"

#define UNSENT	    "+0 write(4, ..., 5000) = 5000\n+0 > P. 1:1025(1024) ack 1 <...>\n"
#define SHUT_WR_FIN "+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1 <...>\n"
#define SHUT_RDWR_FIN "+0 shutdown(4, SHUT_RDWR) = 0\n+0 > F. 1:1(0) ack 1 <...>\n"
#define CLOSE_FIN   "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1 <...>\n"
#define SHUT_WR_HELD "+0 shutdown(4, SHUT_WR) = 0\n"
#define CLOSE_HELD  "+0 close(4) = 0\n"
#define PEER_FIN    "+.01 < F. 1:1(0) ack 1 win 512 <%t>\n+0~+.1 > . 1:1(0) ack 2 <...>\n"
#define PEER_FIN_NARROW "+.01 < F. 1:1(0) ack 1 win 8 <%t>\n+0~+.1 > . 1025:1025(0) ack 2 <...>\n"
#define CROSSED_FIN "+.01 < F. 1:1(0) ack 1 win 512 <%t>\n+0~+.1 > . 2:2(0) ack 2 <...>\n"
#define ACK_OF_FIN  "+.01 < . 1:1(0) ack 2 win 512 <%t>\n"
#define LAST_FIN    "+.01 < F. 1:1(0) ack 2 win 512 <%t>\n+0~+.1 > . 2:2(0) ack 2 <...>\n"

const struct grid_situation grid_situations[] = {
	{"LISTEN", LISTENER, 0, true},
	{"NEW_SYN_RECV", REQUEST, 0, true},
	{"SYN_SENT", CONNECTING, 4, false},
	{"SYN_RECV", CONNECTING "+.01 < S 0:0(0) win 512 <%o>\n+0 > S. 0:0(0) ack 1 <...>\n", 4, false},

	{"ESTABLISHED-empty", OPEN, 4, false},
	{"ESTABLISHED-unread", OPEN "+.01 < P. 1:101(100) ack 1 win 512 <%t>\n+0~+.1 > . 1:1(0) ack 101 <...>\n", 4, false},
	{"ESTABLISHED-unsent", NARROW UNSENT, 4, false},
	{"ESTABLISHED-out-of-order",
	 OPEN "+.01 < P. 1001:1101(100) ack 1 win 512 <%t>\n+0~+.1 > . 1:1(0) ack 1 <...>\n", 4, false},

	{"FIN_WAIT1-owner", OPEN SHUT_WR_FIN, 4, false},
	{"FIN_WAIT1-owner-fin-queued", NARROW UNSENT SHUT_WR_HELD, 4, false},
	{"FIN_WAIT1-orphan", OPEN CLOSE_FIN, 0, false},
	{"FIN_WAIT1-orphan-fin-queued", NARROW UNSENT CLOSE_HELD, 0, false},

	{"CLOSING-owner", OPEN SHUT_WR_FIN CROSSED_FIN, 4, false},
	{"CLOSING-owner-fin-queued", NARROW UNSENT SHUT_WR_HELD PEER_FIN_NARROW, 4, false},
	{"CLOSING-orphan", OPEN CLOSE_FIN CROSSED_FIN, 0, false},
	{"CLOSING-orphan-fin-queued", NARROW UNSENT CLOSE_HELD PEER_FIN_NARROW, 0, false},

	{"LAST_ACK-owner", OPEN PEER_FIN "+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 2 <...>\n", 4, false},
	{"LAST_ACK-owner-fin-queued", NARROW UNSENT PEER_FIN_NARROW SHUT_WR_HELD, 4, false},
	{"LAST_ACK-orphan", OPEN PEER_FIN "+0 close(4) = 0\n+0 > F. 1:1(0) ack 2 <...>\n", 0, false},
	{"LAST_ACK-orphan-fin-queued", NARROW UNSENT PEER_FIN_NARROW CLOSE_HELD, 0, false},

	{"FIN_WAIT2-owner-shut-wr", OPEN SHUT_WR_FIN ACK_OF_FIN, 4, false},
	{"FIN_WAIT2-owner-shut-rdwr", OPEN SHUT_RDWR_FIN ACK_OF_FIN, 4, false},
	{"FIN_WAIT2-orphan", OPEN CLOSE_FIN ACK_OF_FIN, 0, false},

	{"CLOSE_WAIT-read", OPEN PEER_FIN "+0 read(4, ..., 100) = 0\n", 4, false},
	{"CLOSE_WAIT-unread",
	 OPEN "+.01 < FP. 1:101(100) ack 1 win 512 <%t>\n+0~+.1 > . 1:1(0) ack 102 <...>\n", 4, false},

	{"TIME_WAIT-listener", OPEN CLOSE_FIN ACK_OF_FIN LAST_FIN, 0, true},
	{"TIME_WAIT-no-listener", OPEN CLOSE_FIN ACK_OF_FIN LAST_FIN "+0 close(3) = 0\n", 0, false},
	{"CLOSE", OPEN "+.01 < R. 1:1(0) ack 1 win 512 <%t>\n+0 close(3) = 0\n", 4, false},
};
const size_t grid_n_situations = sizeof(grid_situations) / sizeof(grid_situations[0]);
