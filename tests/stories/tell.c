// SPDX-License-Identifier: MIT
/*
 * tests/stories/tell.c - many stories side by side on one machine
 *
 *	for each step:  every story takes it - the pause - frames that left go to the story with their ports - every story looks
 *
 * What a step brings about is what its call returned, what the side sent until the next one, and how its sockets stood then. Segments
 * with text that follow each other are put down as one: where a burst is cut depends on a round trip's microseconds.
 */
#include "tests/stories/stories.h"

#include "drill/script.h"
#include "host/drill/drill.h"
#include "lab/drill.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <lastack/trace.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define FIRST_PORT 2000
#define PEER_PORT  5000
#define PEER_ISN   1000u
#define PEER_CLOCK 100000u /* its first time stamp */
#define CLOCK_STEP 50u	   /* between two steps */
#define MS	   1000000LL

struct stage {
	struct drill_side *side;
	struct drill_net net;
};

/* ------------------------------------------------------------------ what is put down */

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
	size_t len = strlen(story->text);
	va_list args;

	va_start(args, format);
	vsnprintf(story->text + len, sizeof(story->text) - len, format, args);
	va_end(args);
}

static void say_result(struct story *story, const char *name, int64_t result)
{
	const char *err = result < 0 ? drill_errno_name((int)-result) : NULL;

	if (err)
		say(story, "%s = %s; ", name, err);
	else
		say(story, "%s = %lld; ", name, (long long)result);
}

/* The side's own clock is nobody's business. */
static void blank_stamp(char *text)
{
	char *at = strstr(text, "TS val ");

	if (!at)
		return;
	for (at += strlen("TS val "); *at >= '0' && *at <= '9';)
		memmove(at, at + 1, strlen(at));
}

static void say_held(struct story *story)
{
	char text[LAB_TEXT_MAX];

	if (!story->holds)
		return;
	story->holds = false;
	story->held.options = story->held_options;
	lab_segment_text(text, sizeof(text), &story->flows, &story->held,
			 story->held.flags & LAB_SYN ? LAB_TEXT_ALL : LAB_TEXT_OPTIONS);
	blank_stamp(text);
	say(story, "> %s%s; ", text, !(story->held.flags & LAB_SYN) && !story->held.window ? " win 0" : "");
}

static bool continues(const struct story *story, const struct lab_segment *seg)
{
	const struct lab_segment *held = &story->held;

	return story->holds && held->payload_len && !(held->flags & (LAB_SYN | LAB_FIN | LAB_RST | LAB_URG)) &&
	       !(seg->flags & (LAB_SYN | LAB_RST | LAB_URG)) && seg->sport == held->sport &&
	       seg->seq == held->seq + held->payload_len && (seg->payload_len || seg->flags & LAB_FIN) &&
	       seg->ack == held->ack;
}

static void hear(struct story *story, const struct lab_segment *seg, const struct drill_frame *frame)
{
	uint32_t end = seg->seq + lab_segment_span(seg);

	story->last_size = frame->len < sizeof(story->last) ? frame->len : sizeof(story->last);
	memcpy(story->last, frame->bytes, story->last_size);
	lab_flows_learn(&story->flows, seg);
	if (continues(story, seg)) {
		story->held.payload_len += seg->payload_len;
		story->held.flags |= seg->flags;
	} else {
		say_held(story);
		story->held = *seg;
		memcpy(story->held_options, seg->options, seg->options_len);
		story->holds = true;
	}
	if (story->held.payload_len)
		story->held.flags &= (uint8_t)~LAB_PSH;
	if (seg->dport != story->peer_port || seg->sport != story->port || seg->flags & LAB_RST)
		return;
	for (uint32_t i = 0; i + 10 <= seg->options_len;) { /* its newest time stamp is what we echo */
		if (seg->options[i] == 8)
			memcpy(&story->echo, seg->options + i + 2, 4);
		i += seg->options[i] == 1 ? 1 : seg->options[i + 1] ? seg->options[i + 1] : 40;
	}
	if (!story->heard)
		story->una = seg->seq + 1;
	if (!story->heard || (int32_t)(end - story->heard_end) > 0)
		story->heard_end = end;
	story->heard = true;
}

/* ------------------------------------------------------------------ the program */

static int64_t call(struct stage *stage, enum drill_sysno no, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		    uint64_t e)
{
	struct drill_sys sys = {.no = no, .arg = {a, b, c, d, e}};
	struct drill_text why;

	if (!stage->side->ops->start(stage->side, &sys, false, &why)) {
		fprintf(stderr, "stories: %s\n", why.text);
		exit(2);
	}
	return sys.result;
}

static socklen_t address(const struct stage *stage, const uint8_t addr[16], uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (stage->net.family == DRILL_IPV4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, addr + 12, 4);
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr, 16);
	return sizeof(*in6);
}

static int new_socket(struct stage *stage, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = address(stage, stage->net.local, port, &addr);
	int fd = (int)call(stage, DRILL_SYS_SOCKET, addr.ss_family, SOCK_STREAM, IPPROTO_TCP, 0, 0), one = 1;

	if (fd < 0)
		return fd;
	call(stage, DRILL_SYS_FCNTL, (uint64_t)fd, F_SETFL, O_RDWR | O_NONBLOCK, 0, 0);
	call(stage, DRILL_SYS_SETSOCKOPT, (uint64_t)fd, SOL_SOCKET, SO_REUSEADDR, (uintptr_t)&one, sizeof(one));
	call(stage, DRILL_SYS_BIND, (uint64_t)fd, (uintptr_t)&addr, len, 0, 0);
	return fd;
}

static void begin(struct story *story, struct stage *stage)
{
	int fd = new_socket(stage, story->first_port);

	story->listener = story->fd = -1;
	story->port = story->first_port;
	story->next = PEER_ISN;
	if (story->listens) {
		story->listener = fd;
		call(stage, DRILL_SYS_LISTEN, (uint64_t)fd, 2, 0, 0, 0);
	} else {
		story->fd = fd;
	}
}

static int64_t do_connect(struct story *story, struct stage *stage)
{
	struct sockaddr_storage addr;
	socklen_t len = address(stage, stage->net.remote, story->peer_port, &addr);

	if (story->fd < 0) {
		story->port = (uint16_t)(story->first_port + (story->port - story->first_port + 1) % STORY_PORTS);
		story->spoke = story->heard = false;
		story->heard_end = story->acked = story->echo = 0;
		story->next += 100000; /* another stream */
		story->fd = new_socket(stage, story->port);
	}
	return call(stage, DRILL_SYS_CONNECT, (uint64_t)story->fd, (uintptr_t)&addr, len, 0, 0);
}

static int64_t do_accept(struct story *story, struct stage *stage)
{
	int from = story->listener >= 0 ? story->listener : story->fd;
	int64_t fd = call(stage, DRILL_SYS_ACCEPT, (uint64_t)from, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	call(stage, DRILL_SYS_FCNTL, (uint64_t)fd, F_SETFL, O_RDWR | O_NONBLOCK, 0, 0);
	if (story->fd >= 0 && story->fd != from)
		call(stage, DRILL_SYS_CLOSE, (uint64_t)story->fd, 0, 0, 0, 0);
	story->fd = (int)fd;
	return 0;
}

static int64_t do_close(struct story *story, struct stage *stage, bool abort)
{
	int *fd = story->fd >= 0 ? &story->fd : &story->listener;
	const struct linger linger = {.l_onoff = 1};
	int64_t result;

	if (abort)
		call(stage, DRILL_SYS_SETSOCKOPT, (uint64_t)*fd, SOL_SOCKET, SO_LINGER, (uintptr_t)&linger,
		     sizeof(linger));
	result = call(stage, DRILL_SYS_CLOSE, (uint64_t)*fd, 0, 0, 0, 0);
	*fd = -1;
	return result;
}

static int64_t do_disconnect(struct stage *stage, uint64_t fd)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	return call(stage, DRILL_SYS_CONNECT, fd, (uintptr_t)&nowhere, sizeof(nowhere), 0, 0);
}

static int64_t do_set(struct stage *stage, uint64_t fd, const struct step *step)
{
	int level, name, value;
	const char *text;

	if (!story_option((unsigned)step->number, &level, &name, &value, &text))
		return 0;
	return call(stage, DRILL_SYS_SETSOCKOPT, fd, (uint64_t)level, (uint64_t)name, (uintptr_t)&value, sizeof(value));
}

/* What is pending; a negative errno if it could not be asked. */
static int64_t do_error(struct stage *stage, uint64_t fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	int64_t result =
		call(stage, DRILL_SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_ERROR, (uintptr_t)&error, (uintptr_t)&len);

	return result < 0 ? result : -error;
}

static int64_t act(struct story *story, struct stage *stage, const struct step *step)
{
	static uint8_t buf[65536];
	uint64_t fd = (uint64_t)(story->fd >= 0 ? story->fd : story->listener), number = (uint64_t)step->number;

	switch (step->deed) {
	case DEED_CONNECT:
		return do_connect(story, stage);
	case DEED_ACCEPT:
		return do_accept(story, stage);
	case DEED_RECV:
		return call(stage, DRILL_SYS_RECV, fd, (uintptr_t)buf, number, (uint64_t)step->flags, 0);
	case DEED_SEND:
		return call(stage, DRILL_SYS_SEND, fd, (uintptr_t)buf, number, (uint64_t)step->flags | MSG_NOSIGNAL, 0);
	case DEED_SHUTDOWN:
		return call(stage, DRILL_SYS_SHUTDOWN, fd, number, 0, 0, 0);
	case DEED_CLOSE:
	case DEED_ABORT:
		return do_close(story, stage, step->deed == DEED_ABORT);
	case DEED_DISCONNECT:
		return do_disconnect(stage, fd);
	case DEED_LISTEN:
		return call(stage, DRILL_SYS_LISTEN, fd, number, 0, 0, 0);
	case DEED_SET:
		return do_set(stage, fd, step);
	case DEED_ERROR:
		return do_error(stage, fd);
	default:
		return 0;
	}
}

/* ------------------------------------------------------------------ the peer */

static uint32_t seq_of(const struct story *story, enum seq_kind kind)
{
	const uint32_t
		next = story->next,
		at[SEQ_KINDS] = {
			[SEQ_NEXT] = next,	    [SEQ_BEFORE] = next - 1, [SEQ_AGAIN] = next - story->last_len,
			[SEQ_OVERLAP] = next - 30,  [SEQ_HOLE] = next + 100, [SEQ_OLD] = next - 5000,
			[SEQ_FAR] = next + 1000000,
		};

	return at[kind];
}

static uint32_t ack_of(const struct story *story, enum ack_kind kind)
{
	const uint32_t at[ACK_KINDS] = {
		[ACK_ALL] = story->heard_end,
		[ACK_SAME] = story->acked ? story->acked : story->heard_end,
		[ACK_HALF] = story->acked ? story->acked + (story->heard_end - story->acked) / 2 : story->heard_end,
		[ACK_OLD] = story->una,
		[ACK_BEYOND] = story->heard_end + 1000,
	};

	return at[kind];
}

static size_t put32(uint8_t *to, size_t at, uint32_t v)
{
	to[at] = (uint8_t)(v >> 24);
	to[at + 1] = (uint8_t)(v >> 16);
	to[at + 2] = (uint8_t)(v >> 8);
	to[at + 3] = (uint8_t)v;
	return at + 4;
}

static size_t put_options(const struct story *story, const struct step *step, uint8_t to[40])
{
	size_t n = 0;

	if (step->flags & LAB_SYN) {
		memcpy(to, (uint8_t[]){2, 4, (uint8_t)(story->mss >> 8), (uint8_t)story->mss}, 4);
		n = 4;
		if (story->sack)
			memcpy(to + n, (uint8_t[]){1, 1, 4, 2}, 4), n += 4;
		if (story->scale)
			memcpy(to + n, (uint8_t[]){1, 3, 3, 7}, 4), n += 4;
	}
	if (story->stamps && step->stamp != STAMP_ABSENT) {
		uint32_t echo;

		memcpy(&echo, &story->echo, 4);
		memcpy(to + n, (uint8_t[]){1, 1, 8, 10}, 4);
		n = put32(to, n + 4, step->stamp == STAMP_OLD ? story->clock - 5000 : story->clock);
		n = put32(to, n,
			  !(step->flags & LAB_ACK) ? 0 : ntohl(echo) + (step->stamp == STAMP_WRONG_ECHO ? 1000000 : 0));
	}
	return n;
}

static void inject(struct stage *stage, struct lab_frame *frame)
{
	struct drill_text why;

	if (!stage->side->ops->inject(stage->side, frame->bytes, frame->len, &why)) {
		fprintf(stderr, "stories: %s\n", why.text);
		exit(2);
	}
	lab_frame_put(frame);
}

/* Somebody on the path complains about what left last; not that it was too big, which all stories would remember. */
static void send_icmp(struct story *story, struct stage *stage, int which)
{
	static const struct {
		uint8_t type, code;
	} errors[2][STORY_ICMPS] = {
		{{3, 0}, {3, 1}, {3, 3}, {11, 0}}, /* net, host, port, time exceeded */
		{{1, 0}, {1, 3}, {1, 4}, {3, 0}},  /* route, address, port, time exceeded */
	};
	int family = stage->net.family != DRILL_IPV4;

	if (story->last_size)
		inject(stage, lab_icmp_error(story->last, story->last_size, errors[family][which].type,
					     errors[family][which].code, 0));
}

static void send_segment(struct story *story, struct stage *stage, const struct step *step)
{
	static const uint8_t payload[2000];
	static const uint16_t windows[WINDOW_KINDS] = {[WINDOW_OPEN] = 512, [WINDOW_SMALL] = 8, [WINDOW_TINY] = 1};
	uint8_t options[40];
	struct lab_segment seg = {
		.family = stage->net.family == DRILL_IPV4 ? AF_INET : AF_INET6,
		.protocol = IPPROTO_TCP,
		.sport = story->peer_port,
		.dport = story->port,
		.seq = seq_of(story, step->seq),
		.ack = step->flags & LAB_ACK ? ack_of(story, step->ack) : 0,
		.flags = (uint8_t)step->flags,
		.window = (uint16_t)(windows[step->window] * (story->scale && !(step->flags & LAB_SYN) ? 1 : 120)),
		.urgent = step->urgent,
		.payload = payload,
		.payload_len = (uint32_t)step->number,
	};
	uint32_t end;

	seg.options = options;
	seg.options_len = (uint32_t)put_options(story, step, options);
	memcpy(seg.saddr, stage->net.remote, 16);
	memcpy(seg.daddr, stage->net.local, 16);
	lab_flows_learn(&story->flows, &seg);
	inject(stage, lab_segment_write(&seg));
	if (step->flags & LAB_ACK && step->ack != ACK_BEYOND && step->ack != ACK_OLD)
		story->acked = seg.ack;
	end = seg.seq + (uint32_t)step->number + !!(step->flags & LAB_FIN) + (step->flags & LAB_SYN && !story->spoke);
	if (step->flags & LAB_SYN)
		story->spoke = true;
	if (step->seq != SEQ_HOLE && step->seq != SEQ_FAR && (int32_t)(end - story->next) > 0)
		story->next = end;
	if (step->number)
		story->last_len = (uint32_t)step->number;
}

/* ------------------------------------------------------------------ a step */

static void take(struct story *story, struct stage *stage, unsigned k)
{
	const struct step *step = &story->steps[k];
	char text[100];

	story->clock = PEER_CLOCK + CLOCK_STEP * k;
	step_text(step, text, sizeof(text));
	say(story, "\n%2u ", k);
	if (step->deed == DEED_SEGMENT) {
		say(story, "%s: ", text);
		send_segment(story, stage, step);
	} else if (step->deed == DEED_ICMP) {
		say(story, "%s: ", text);
		send_icmp(story, stage, step->number);
	} else if (step->deed == DEED_NOTHING || (story->fd < 0 && story->listener < 0 && step->deed != DEED_CONNECT)) {
		say(story, "%s: ", text); /* nothing to act on */
	} else {
		say_result(story, text, act(story, stage, step));
	}
}

static long long queue(struct stage *stage, int fd, unsigned long request)
{
	int bytes = 0;
	int64_t error = call(stage, DRILL_SYS_IOCTL, (uint64_t)fd, request, (uintptr_t)&bytes, 0, 0);

	return error < 0 ? error : bytes;
}

static void look_at(struct story *story, struct stage *stage, const char *name, int fd)
{
	struct pollfd ask = {.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	char bits[120];

	call(stage, DRILL_SYS_GETSOCKOPT, (uint64_t)fd, IPPROTO_TCP, TCP_INFO, (uintptr_t)&info, (uintptr_t)&len);
	call(stage, DRILL_SYS_POLL, (uintptr_t)&ask, 1, 0, 0, 0);
	say(story, "%s %s %s", name, la_state_name(info.tcpi_state),
	    drill_poll_names("POLL", (uint32_t)ask.revents & 0xffff, bits, sizeof(bits)));
	if (info.tcpi_state != 10 && info.tcpi_state != 7)
		say(story,
		    " in %lld out %lld ca %u re %u pr %u bo %u cwnd %u ssthresh %d unacked %u lost %u retrans %u/%u",
		    queue(stage, fd, SIOCINQ), queue(stage, fd, SIOCOUTQ), info.tcpi_ca_state, info.tcpi_retransmits,
		    info.tcpi_probes, info.tcpi_backoff, info.tcpi_snd_cwnd, (int)info.tcpi_snd_ssthresh,
		    info.tcpi_unacked, info.tcpi_lost, info.tcpi_retrans, info.tcpi_total_retrans);
	say(story, "; ");
}

static void look(struct story *story, struct stage *stage)
{
	say_held(story);
	if (story->listener >= 0)
		look_at(story, stage, "listener", story->listener);
	if (story->fd >= 0)
		look_at(story, stage, "fd", story->fd);
}

/* ------------------------------------------------------------------ the machine */

static bool open_stage(enum story_side which, sa_family_t family, struct stage *stage)
{
	struct drill_text why = {{0}};
	struct drill_net *net = &stage->net;

	if (family == AF_INET) {
		*net = (struct drill_net){.family = DRILL_IPV4, .mtu = 1500, .prefix = 16};
		inet_pton(AF_INET6, "::ffff:192.168.0.1", net->local);
		inet_pton(AF_INET6, "::ffff:192.0.2.1", net->remote);
		inet_pton(AF_INET6, "::ffff:192.168.0.2", net->gateway);
	} else {
		*net = (struct drill_net){.family = DRILL_IPV6, .mtu = 1520, .prefix = 48};
		inet_pton(AF_INET6, "fd3d:0a0b:17d6::1", net->local);
		inet_pton(AF_INET6, "fd3d:fa7b:d17d::1", net->remote);
		inet_pton(AF_INET6, "fd3d:0a0b:17d6:8888::1", net->gateway);
	}
	stage->side = NULL;
	if (which == STORY_LASTACK)
		stage->side = lab_drill_open(net, NULL, &why);
	else
		host_drill_open(net, &stage->side, &why);
	if (!stage->side)
		fprintf(stderr, "stories: no machine to play on: %s\n", why.text);
	return stage->side;
}

static bool settle(struct stage *stage)
{
	static const char *const settings[][2] = {
		{"net.ipv4.tcp_congestion_control", "reno"},
		{"net.ipv4.tcp_rmem", "4096 131072 6291456"},
		{"net.ipv4.tcp_wmem", "4096 65536 4194304"},
		{"net.ipv4.tcp_no_metrics_save", "1"}, /* no story knows of another */
	};
	struct drill_text why;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!stage->side->ops->sysctl(stage->side, settings[i][0], settings[i][1], &why)) {
			fprintf(stderr, "stories: %s: %s\n", settings[i][0], why.text);
			return false;
		}
	return true;
}

static void listen_until(struct stage *stage, struct story *stories, size_t n, int64_t until_ns)
{
	static struct drill_frame frame;
	struct lab_segment seg;

	while (stage->side->ops->next(stage->side, &frame, until_ns)) {
		size_t i;

		if (!lab_segment_read(&seg, frame.bytes, frame.len) || seg.protocol != IPPROTO_TCP)
			continue;
		i = (size_t)(seg.sport - FIRST_PORT) / STORY_PORTS;
		if (seg.sport >= FIRST_PORT && i < n)
			hear(&stories[i], &seg, &frame);
	}
}

static void play(struct stage *stage, struct story *stories, size_t n, const unsigned *pause_ms)
{
	for (size_t i = 0; i < n; i++) {
		stories[i].first_port = (uint16_t)(FIRST_PORT + STORY_PORTS * i);
		stories[i].peer_port = PEER_PORT;
		begin(&stories[i], stage);
	}
	for (unsigned k = 0; k < stories[0].n; k++) {
		int64_t until_ns = stage->side->ops->now(stage->side) + pause_ms[k] * MS;

		for (size_t i = 0; i < n; i++)
			take(&stories[i], stage, k);
		listen_until(stage, stories, n, until_ns);
		for (size_t i = 0; i < n; i++)
			look(&stories[i], stage);
	}
}

bool stories_tell(enum story_side side, sa_family_t family, struct story *stories, size_t n, const unsigned *pause_ms)
{
	const char *fault = NULL;
	struct stage stage;
	bool told = false;

	if (!open_stage(side, family, &stage))
		return false;
	if (settle(&stage)) {
		play(&stage, stories, n, pause_ms);
		fault = stage.side->ops->fault ? stage.side->ops->fault(stage.side) : NULL;
		told = !fault;
	}
	if (fault)
		fprintf(stderr, "stories: %s, in the batch of seed %llu\n", fault, (unsigned long long)stories[0].seed);
	for (size_t i = 0; i < n; i++)
		lab_flows_free(&stories[i].flows);
	stage.side->ops->close(stage.side);
	return told;
}
