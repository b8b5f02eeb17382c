// SPDX-License-Identifier: MIT
/*
 * tests/words/letters.c - what each letter does, and how it is put down
 *
 * A program's letter acts on the connection's descriptor; where there is none, on the listener's. connect() where there is no
 * connection makes one, from a port of its own. The peer's letters continue its stream of numbers and acknowledge all that
 * the side has sent.
 */
#include "tests/words/words.h"

#include "drill/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <lastack/trace.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define ISN 1000u
#define PAYLOAD 100
#define WINDOW  512 /* scale 7: 64 KiB */

const char *const word_names[WORD_ALPHABET] = {
	"connect", "accept", "recv", "send", "shut-rd", "shut-wr", "shut-rdwr", "close",
	"abort", "SYN", "SYN|ACK", "ACK", "data", "FIN", "RST",
};

const struct word_situation word_situations[] = {
	{"CLOSE", false, {WORD_ALPHABET}},
	{"LISTEN", true, {WORD_ALPHABET}},
	{"NEW_SYN_RECV", true, {WORD_SYN, WORD_ALPHABET}},
	{"SYN_SENT", false, {WORD_CONNECT, WORD_ALPHABET}},
	{"SYN_RECV", false, {WORD_CONNECT, WORD_SYN, WORD_ALPHABET}},
	{"un-accepted", true, {WORD_SYN, WORD_ACK, WORD_ALPHABET}},
	{"ESTABLISHED", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_ALPHABET}},
	{"FIN_WAIT1", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_SHUT_WR, WORD_ALPHABET}},
	{"FIN_WAIT2", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_SHUT_WR, WORD_ACK, WORD_ALPHABET}},
	{"CLOSE_WAIT", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_FIN, WORD_ALPHABET}},
	{"LAST_ACK", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_FIN, WORD_SHUT_WR, WORD_ALPHABET}},
	{"TIME_WAIT", true, {WORD_SYN, WORD_ACK, WORD_ACCEPT, WORD_CLOSE, WORD_ACK, WORD_FIN, WORD_ALPHABET}},
};
const size_t word_n_situations = sizeof(word_situations) / sizeof(word_situations[0]);

/* ------------------------------------------------------------------ what is put down */

__attribute__((format(printf, 2, 3))) static void say(struct word *word, const char *format, ...)
{
	size_t len = strlen(word->text);
	va_list args;

	va_start(args, format);
	vsnprintf(word->text + len, sizeof(word->text) - len, format, args);
	va_end(args);
}

static void say_result(struct word *word, const char *name, int64_t result)
{
	const char *err = result < 0 ? drill_errno_name((int)-result) : NULL;

	if (err)
		say(word, "%s = %s; ", name, err);
	else
		say(word, "%s = %lld; ", name, (long long)result);
}

/* Values of time stamps are the side's own clock; windows are zero or not, but for a SYN's. */
static void say_segment(struct word *word, const struct lab_segment *seg)
{
	bool syn = seg->flags & LAB_SYN;
	char text[LAB_TEXT_MAX];

	lab_segment_text(text, sizeof(text), &word->flows, seg, syn ? LAB_TEXT_ALL : LAB_TEXT_OPTIONS);
	say(word, "> %s%s; ", text, !syn && !seg->window ? " win 0" : "");
}

/* ------------------------------------------------------------------ the program */

static int64_t call(struct word_stage *stage, enum drill_sysno no, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		    uint64_t e)
{
	struct drill_sys sys = {.no = no, .arg = {a, b, c, d, e}};
	struct drill_text why;

	if (!stage->side->ops->start(stage->side, &sys, false, &why)) {
		fprintf(stderr, "words: %s\n", why.text);
		exit(2);
	}
	return sys.result;
}

static socklen_t address(const uint8_t addr[16], uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	memcpy(&in4->sin_addr, addr + 12, 4);
	return sizeof(*in4);
}

static int new_socket(struct word_stage *stage, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = address(stage->net.local, port, &addr);
	int fd = (int)call(stage, DRILL_SYS_SOCKET, AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0);
	int one = 1;

	if (fd < 0)
		return fd;
	call(stage, DRILL_SYS_FCNTL, (uint64_t)fd, F_SETFL, O_RDWR | O_NONBLOCK, 0, 0);
	call(stage, DRILL_SYS_SETSOCKOPT, (uint64_t)fd, SOL_SOCKET, SO_REUSEADDR, (uintptr_t)&one, sizeof(one));
	call(stage, DRILL_SYS_BIND, (uint64_t)fd, (uintptr_t)&addr, len, 0, 0);
	return fd;
}

void word_begin(struct word *word, struct word_stage *stage)
{
	int fd = new_socket(stage, word->first_port);

	word->listener = word->fd = -1;
	word->port = word->first_port;
	word->seq = ISN;
	if (word->situation->listens) {
		word->listener = fd;
		call(stage, DRILL_SYS_LISTEN, (uint64_t)fd, 4, 0, 0, 0);
	} else {
		word->fd = fd;
	}
}

static int64_t do_connect(struct word *word, struct word_stage *stage)
{
	struct sockaddr_storage addr;
	socklen_t len = address(stage->net.remote, word->peer_port, &addr);

	if (word->fd < 0) {
		word->port++;
		word->spoke = word->heard = false;
		word->heard_end = 0;
		word->seq += 100000; /* another stream */
		word->fd = new_socket(stage, word->port);
	}
	return call(stage, DRILL_SYS_CONNECT, (uint64_t)word->fd, (uintptr_t)&addr, len, 0, 0);
}

static int64_t do_accept(struct word *word, struct word_stage *stage)
{
	int from = word->listener >= 0 ? word->listener : word->fd;
	int64_t fd = call(stage, DRILL_SYS_ACCEPT, (uint64_t)from, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	call(stage, DRILL_SYS_FCNTL, (uint64_t)fd, F_SETFL, O_RDWR | O_NONBLOCK, 0, 0);
	word->fd = (int)fd;
	return 0;
}

static int64_t do_close(struct word *word, struct word_stage *stage, bool abort)
{
	int *fd = word->fd >= 0 ? &word->fd : &word->listener;
	const struct linger linger = {.l_onoff = 1};
	int64_t result;

	if (abort)
		call(stage, DRILL_SYS_SETSOCKOPT, (uint64_t)*fd, SOL_SOCKET, SO_LINGER, (uintptr_t)&linger,
		     sizeof(linger));
	result = call(stage, DRILL_SYS_CLOSE, (uint64_t)*fd, 0, 0, 0, 0);
	*fd = -1;
	return result;
}

static int64_t act(struct word *word, struct word_stage *stage, enum word_letter letter)
{
	static uint8_t buf[PAYLOAD];
	uint64_t fd = (uint64_t)(word->fd >= 0 ? word->fd : word->listener);

	switch (letter) {
	case WORD_CONNECT:
		return do_connect(word, stage);
	case WORD_ACCEPT:
		return do_accept(word, stage);
	case WORD_RECV:
		return call(stage, DRILL_SYS_RECV, fd, (uintptr_t)buf, sizeof(buf), 0, 0);
	case WORD_SEND:
		return call(stage, DRILL_SYS_SEND, fd, (uintptr_t)buf, PAYLOAD / 2, MSG_NOSIGNAL, 0);
	case WORD_SHUT_RD:
	case WORD_SHUT_WR:
	case WORD_SHUT_RDWR:
		return call(stage, DRILL_SYS_SHUTDOWN, fd, letter - WORD_SHUT_RD, 0, 0, 0);
	case WORD_CLOSE:
	case WORD_ABORT:
		return do_close(word, stage, letter == WORD_ABORT);
	default:
		return 0;
	}
}

/* ------------------------------------------------------------------ the peer */

/* Scale 7, and the options of a SYN that Linux itself would send but for time stamps, whose clock a sum could not bear. */
static const uint8_t syn_options[] = {2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};

static void send_segment(struct word *word, struct word_stage *stage, uint8_t flags, uint32_t len)
{
	static const uint8_t payload[PAYLOAD];
	struct lab_segment seg = {
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.sport = word->peer_port,
		.dport = word->port,
		.seq = word->seq,
		.ack = flags & LAB_ACK ? word->heard_end : 0,
		.flags = flags,
		.window = WINDOW,
		.payload = payload,
		.payload_len = len,
	};
	struct lab_frame *frame;
	struct drill_text why;

	if (flags & LAB_SYN) {
		seg.options = syn_options;
		seg.options_len = sizeof(syn_options);
	}
	memcpy(seg.saddr, stage->net.remote, 16);
	memcpy(seg.daddr, stage->net.local, 16);
	lab_flows_learn(&word->flows, &seg);
	frame = lab_segment_write(&seg);
	if (!stage->side->ops->inject(stage->side, frame->bytes, frame->len, &why)) {
		fprintf(stderr, "words: %s\n", why.text);
		exit(2);
	}
	lab_frame_put(frame);
	word->seq += len + (flags & LAB_FIN ? 1 : 0);
}

static void say_as_peer(struct word *word, struct word_stage *stage, enum word_letter letter)
{
	static const uint8_t flags[WORD_ALPHABET] = {
		[WORD_SYN] = LAB_SYN,	       [WORD_SYN_ACK] = LAB_SYN | LAB_ACK,
		[WORD_ACK] = LAB_ACK,	       [WORD_DATA] = LAB_PSH | LAB_ACK,
		[WORD_FIN] = LAB_FIN | LAB_ACK, [WORD_RST] = LAB_RST | LAB_ACK,
	};

	send_segment(word, stage, flags[letter], letter == WORD_DATA ? PAYLOAD : 0);
	if (flags[letter] & LAB_SYN && !word->spoke) {
		word->spoke = true;
		word->seq++;
	}
}

void word_hear(struct word *word, const struct lab_segment *seg)
{
	uint32_t end = seg->seq + lab_segment_span(seg);

	lab_flows_learn(&word->flows, seg);
	say_segment(word, seg);
	if (seg->dport != word->peer_port || seg->sport != word->port || seg->flags & LAB_RST)
		return;
	if (!word->heard || (int32_t)(end - word->heard_end) > 0)
		word->heard_end = end;
	word->heard = true;
}

/* ------------------------------------------------------------------ a letter */

void word_speak(struct word *word, struct word_stage *stage, enum word_letter letter)
{
	say(word, "\n");
	if (letter >= WORD_SYN) {
		say(word, "%s: ", word_names[letter]);
		say_as_peer(word, stage, letter);
	} else if (word->fd < 0 && word->listener < 0 && letter != WORD_CONNECT) {
		say(word, "%s: ", word_names[letter]); /* nothing to act on */
	} else {
		say_result(word, word_names[letter], act(word, stage, letter));
	}
}

static void look_at(struct word *word, struct word_stage *stage, const char *name, int fd)
{
	struct pollfd ask = {.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	char bits[120];

	call(stage, DRILL_SYS_GETSOCKOPT, (uint64_t)fd, IPPROTO_TCP, TCP_INFO, (uintptr_t)&info, (uintptr_t)&len);
	call(stage, DRILL_SYS_POLL, (uintptr_t)&ask, 1, 0, 0, 0);
	say(word, "%s %s %s; ", name, la_state_name(info.tcpi_state),
	    drill_poll_names("POLL", (uint32_t)ask.revents & 0xffff, bits, sizeof(bits)));
}

void word_look(struct word *word, struct word_stage *stage)
{
	if (word->listener >= 0)
		look_at(word, stage, "listener", word->listener);
	if (word->fd >= 0)
		look_at(word, stage, "fd", word->fd);
}

void word_end(struct word *word)
{
	lab_flows_free(&word->flows);
}
