// SPDX-License-Identifier: MIT
/*
 * wire/drill_side.c - drill's side `linux`, played by hand
 *
 * Each test opens a side of its own, in one process one after the other; main() plays all of them for IPv4 and for IPv6.
 * The packets are bare: no options, so the kernel's answers carry few.
 */
#include "host/drill/drill.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS	  1000000LL
#define PEER_PORT 40000
#define OWN_PORT  8080

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static enum drill_family family;
static struct drill_side *side;
static struct drill_text why;
static struct drill_frame frame;

/* ---------------------------------------------------------------- packets by hand */

static bool six(void)
{
	return family == DRILL_IPV6;
}

static void address(uint8_t to[16], const char *text6, const char *text4)
{
	memcpy(to, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	assert_int_equal(inet_pton(six() ? AF_INET6 : AF_INET, six() ? text6 : text4, six() ? to : to + 12), 1);
}

static struct drill_net net(void)
{
	struct drill_net to = {.family = family, .mtu = six() ? 1520 : 1500, .prefix = six() ? 48 : 16};

	address(to.local, "fd3d:0a0b:17d6::1", "192.168.0.1");
	address(to.remote, "fd3d:fa7b:d17d::1", "192.0.2.1");
	address(to.gateway, "fd3d:0a0b:17d6:8888::1", "192.168.0.1");
	return to;
}

static uint32_t sum(uint32_t so_far, const uint8_t *at, size_t len)
{
	for (; len > 1; at += 2, len -= 2)
		so_far += at[0] << 8 | at[1];
	return len ? so_far + (at[0] << 8) : so_far;
}

static uint16_t fold(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return (uint16_t)~value;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t tcp_sum(const uint8_t *ip, size_t head, size_t len)
{
	uint32_t pseudo = six() ? sum(0, ip + 8, 32) : sum(0, ip + 12, 8);

	return fold(sum(pseudo + (uint32_t)(len - head) + IPPROTO_TCP, ip + head, len - head));
}

static size_t ip_head(void)
{
	return six() ? 40 : 20;
}

/* A segment of the script's, @len zero bytes long */
static void say(unsigned flags, uint32_t seq, uint32_t ack, size_t len)
{
	uint8_t bytes[2048] = {0}, *tcp = bytes + ip_head();
	struct drill_net at = net();
	size_t total = ip_head() + 20 + len;

	if (six()) {
		bytes[0] = 0x60;
		put16(bytes + 4, (unsigned)(20 + len));
		bytes[6] = IPPROTO_TCP;
		bytes[7] = 64;
		memcpy(bytes + 8, at.remote, 16);
		memcpy(bytes + 24, at.local, 16);
	} else {
		bytes[0] = 0x45;
		put16(bytes + 2, (unsigned)total);
		bytes[8] = 64;
		bytes[9] = IPPROTO_TCP;
		memcpy(bytes + 12, at.remote + 12, 4);
		memcpy(bytes + 16, at.local + 12, 4);
		put16(bytes + 10, fold(sum(0, bytes, 20)));
	}
	put16(tcp, PEER_PORT);
	put16(tcp + 2, OWN_PORT);
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	put16(tcp + 8, ack >> 16);
	put16(tcp + 10, ack);
	tcp[12] = 5 << 4;
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, 60000);
	put16(tcp + 16, tcp_sum(bytes, ip_head(), total));
	if (!side->ops->inject(side, bytes, total, &why))
		fail_msg("%s", why.text);
}

static const uint8_t *heard_tcp(void)
{
	return frame.bytes + ip_head();
}

static void hear(unsigned flags)
{
	if (!side->ops->next(side, &frame, side->ops->now(side) + 2000 * MS))
		fail_msg("no packet came");
	assert_int_equal(frame.bytes[0] >> 4, six() ? 6 : 4);
	assert_int_equal(heard_tcp()[13], flags);
	assert_int_equal(tcp_sum(frame.bytes, ip_head(), frame.len), 0);
}

static void hear_nothing_for(int64_t ns)
{
	if (side->ops->next(side, &frame, side->ops->now(side) + ns))
		fail_msg("a packet came, flags %#x", heard_tcp()[13]);
}

/* ---------------------------------------------------------------- calls by hand */

#define PTR(x) ((uint64_t)(uintptr_t)(x))

static bool begin(struct drill_sys *sys, bool may_wait)
{
	if (!side->ops->start(side, sys, may_wait, &why))
		fail_msg("%s", why.text);
	return sys->pending;
}

static int64_t call(enum drill_sysno no, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct drill_sys sys = {.no = no, .arg = {a, b, c, d, e}};

	assert_false(begin(&sys, false));
	assert_true(sys.begun_ns <= sys.ended_ns && sys.ended_ns <= side->ops->now(side));
	return sys.result;
}

static int listener(void)
{
	struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons(OWN_PORT)};
	struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_port = htons(OWN_PORT)};
	int fd = (int)call(DRILL_SYS_SOCKET, six() ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 0);

	assert_true(fd >= 0);
	assert_int_equal(six() ? call(DRILL_SYS_BIND, (uint64_t)fd, PTR(&at6), sizeof(at6), 0, 0)
			       : call(DRILL_SYS_BIND, (uint64_t)fd, PTR(&at4), sizeof(at4), 0, 0),
			 0);
	assert_int_equal(call(DRILL_SYS_LISTEN, (uint64_t)fd, 1, 0, 0, 0), 0);
	return fd;
}

/* The accepted socket; *@isn is its first sequence number. The script's own numbers begin at 0. */
static int connection(uint32_t *isn)
{
	int listening = listener(), fd;

	say(SYN, 0, 0, 0);
	hear(SYN | ACK);
	*isn = get32(heard_tcp() + 4);
	say(ACK, 1, *isn + 1, 0);
	fd = (int)call(DRILL_SYS_ACCEPT, (uint64_t)listening, 0, 0, 0, 0);
	assert_true(fd >= 0);
	return fd;
}

static int64_t receive(int fd)
{
	char to[64];

	return call(DRILL_SYS_RECV, (uint64_t)fd, PTR(to), sizeof(to), MSG_DONTWAIT, 0);
}

static void add_counter(void *arg, const char *name, uint64_t value)
{
	const char **asked = arg;

	if (!strcmp(name, asked[0]))
		asked[1] = (const char *)(uintptr_t)value;
}

static uint64_t counter(const char *name)
{
	const char *asked[2] = {name, (const char *)UINTPTR_MAX};

	side->ops->counters(side, add_counter, asked);
	return PTR(asked[1]);
}

/* What the file holds in the namespace of the calling thread, up to the line's end */
static const char *line_of(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[len > 0 ? len : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static bool anyip;

static int set_up(void **state)
{
	struct drill_net at = net();

	(void)state;
	at.folder = "/usr";
	at.anyip = anyip;
	if (!host_drill_open(&at, &side, &why))
		fail_msg("%s", why.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (side)
		side->ops->close(side);
	side = NULL;
	return 0;
}

/* ---------------------------------------------------------------- tests */

static void a_connection_is_made_and_carries_data(void **state)
{
	int64_t before = side->ops->now(side), reply;
	uint32_t isn;
	int fd = connection(&isn);

	(void)state;
	reply = frame.at_ns;
	assert_true(before <= reply && reply <= side->ops->now(side));
	assert_int_equal(receive(fd), -EAGAIN);
	say(PSH | ACK, 1, isn + 1, 33);
	hear(ACK);
	assert_int_equal(get32(heard_tcp() + 8), 34);
	assert_int_equal(receive(fd), 33);
	say(FIN | ACK, 34, isn + 1, 0);
	assert_int_equal(receive(fd), 0);
}

static void under_anyip_the_address_is_ours_without_a_device(void **state)
{
	uint32_t isn;

	(void)state;
	tear_down(NULL);
	anyip = true;
	set_up(NULL);
	anyip = false;
	assert_int_not_equal(system("grep -q 0a0b17d6 /proc/thread-self/net/if_inet6"), 0);
	assert_true(receive(connection(&isn)) == -EAGAIN);
}

static void a_unit_of_segments_is_seen_whole_with_its_checksum(void **state)
{
	static char data[4096];
	uint32_t isn;
	int fd = connection(&isn);

	(void)state;
	assert_int_equal(call(DRILL_SYS_WRITE, (uint64_t)fd, PTR(data), 3 * 536, 0, 0), 3 * 536);
	hear(PSH | ACK);
	assert_int_equal(frame.len, ip_head() + 20 + 3 * 536);
}

static void a_message_is_stamped_by_the_sides_clock(void **state)
{
	char to[64], control[256] __attribute__((aligned(8)));
	struct iovec iov = {to, sizeof(to)};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int64_t before = 0, stamp;
	struct timespec at;
	uint32_t isn;
	int fd = connection(&isn), on = 1;

	(void)state;
	assert_int_equal(call(DRILL_SYS_SETSOCKOPT, (uint64_t)fd, SOL_SOCKET, SO_TIMESTAMPNS, PTR(&on), sizeof(on)), 0);
	/* The kernel begins to stamp packets a moment after the first socket asked, in a work queue: on a busy machine later. */
	for (uint32_t seq = 1; seq < 2000; seq += 10) {
		msg.msg_controllen = sizeof(control);
		before = side->ops->now(side);
		say(PSH | ACK, seq, isn + 1, 10);
		assert_int_equal(call(DRILL_SYS_RECVMSG, (uint64_t)fd, PTR(&msg), 0, 0, 0), 10);
		if (CMSG_FIRSTHDR(&msg))
			break;
		side->ops->sleep(side, side->ops->now(side) + 10 * MS);
	}
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&at, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(at));
	stamp = at.tv_sec * 1000 * MS + at.tv_nsec;
	assert_true(before <= stamp && stamp <= side->ops->now(side));
}

static void a_call_that_waits_is_seen_to_wait_and_returns_with_its_data(void **state)
{
	char to[64];
	uint32_t isn;
	int fd = connection(&isn);
	struct drill_sys sys = {.no = DRILL_SYS_RECV, .arg = {(uint64_t)fd, PTR(to), sizeof(to)}};
	int64_t said;

	(void)state;
	assert_true(begin(&sys, true));
	assert_false(side->ops->finish(side, &sys, side->ops->now(side) + 5 * MS));
	said = side->ops->now(side);
	say(PSH | ACK, 1, isn + 1, 10);
	assert_true(side->ops->finish(side, &sys, side->ops->now(side) + 2000 * MS));
	assert_false(sys.pending);
	assert_int_equal(sys.result, 10);
	assert_true(sys.ended_ns >= said);
}

static void a_call_that_may_wait_and_does_not_has_returned(void **state)
{
	int fd = listener();
	struct drill_sys sys = {.no = DRILL_SYS_SHUTDOWN, .arg = {(uint64_t)fd, SHUT_RD}};

	(void)state;
	assert_false(begin(&sys, true));
	assert_int_equal(sys.result, 0);
}

static void an_abandoned_call_is_interrupted(void **state)
{
	struct drill_sys one = {.no = DRILL_SYS_ACCEPT, .arg = {(uint64_t)listener()}}, other = one;

	(void)state;
	assert_true(begin(&one, true));
	assert_true(begin(&other, true)); /* two at a time */
	side->ops->abandon(side, &one);
	assert_false(one.pending);
	assert_int_equal(one.result, -EINTR);
	assert_true(other.pending);
	side->ops->abandon(side, &other);
	assert_int_equal(other.result, -EINTR);
}

static void sigpipe_is_told_and_kills_nobody(void **state)
{
	uint32_t isn;
	int fd = connection(&isn);
	struct drill_sys sys = {.no = DRILL_SYS_WRITE, .arg = {(uint64_t)fd, PTR("x"), 1}};

	(void)state;
	assert_int_equal(call(DRILL_SYS_SHUTDOWN, (uint64_t)fd, SHUT_WR, 0, 0, 0), 0);
	assert_false(begin(&sys, false));
	assert_int_equal(sys.result, -EPIPE);
	assert_int_equal(sys.signal, SIGPIPE);
	assert_false(begin(&sys, true));
	assert_int_equal(sys.signal, SIGPIPE);
	sys = (struct drill_sys){.no = DRILL_SYS_SEND, .arg = {(uint64_t)fd, PTR("x"), 1, MSG_NOSIGNAL}};
	assert_false(begin(&sys, false));
	assert_int_equal(sys.result, -EPIPE);
	assert_int_equal(sys.signal, 0);
}

static void no_descriptor_can_be_closed_that_the_script_has_not_opened(void **state)
{
	int own = listener(), fd;

	(void)state;
	for (fd = -1; fd < 64; fd++)
		if (fd != own)
			assert_int_equal(call(DRILL_SYS_CLOSE, (uint64_t)fd, 0, 0, 0, 0), -EBADF);
	say(SYN, 0, 0, 0);
	hear(SYN | ACK);
	assert_int_equal(call(DRILL_SYS_CLOSE, (uint64_t)own, 0, 0, 0, 0), 0);
	assert_int_equal(call(DRILL_SYS_CLOSE, (uint64_t)own, 0, 0, 0, 0), -EBADF);
}

static void a_setting_is_the_namespaces_own(void **state)
{
	(void)state;
	if (!side->ops->sysctl(side, "net.ipv4.tcp_fin_timeout", "7", &why))
		fail_msg("%s", why.text);
	assert_string_equal(line_of("/proc/sys/net/ipv4/tcp_fin_timeout"), "7");
	tear_down(NULL);
	assert_string_not_equal(line_of("/proc/sys/net/ipv4/tcp_fin_timeout"), "7");
}

static void a_setting_of_the_machine_is_left_alone(void **state)
{
	char now[256];

	(void)state;
	assert_false(side->ops->sysctl(side, "net.core.rmem_max", "4711", &why));
	assert_non_null(strstr(why.text, "the whole machine"));
	assert_false(side->ops->sysctl(side, "kernel.pid_max", "4711", &why));
	assert_false(side->ops->sysctl(side, "net.ipv4.tcp_no_such", "1", &why));
	assert_non_null(strstr(why.text, "no net.ipv4.tcp_no_such"));
	snprintf(now, sizeof(now), "%s", line_of("/proc/sys/kernel/pid_max"));
	assert_true(side->ops->sysctl(side, "kernel.pid_max", now, &why));
}

static void a_line_of_shell_runs_inside_and_its_words_are_told(void **state)
{
	(void)state;
	assert_true(side->ops->command(side, "test -d share && grep -q tun0 /proc/net/dev", &why));
	assert_false(side->ops->command(side, "echo so it is; echo but why >&2; exit 3", &why));
	assert_non_null(strstr(why.text, "status 3: so it is\nbut why"));
}

static void counters_move_and_silence_is_silence(void **state)
{
	uint64_t opens = counter("TcpPassiveOpens"), segments = counter("TcpInSegs");
	uint32_t isn;

	(void)state;
	connection(&isn);
	assert_int_equal(counter("TcpPassiveOpens"), opens + 1);
	assert_int_equal(counter("TcpInSegs"), segments + 2);
	assert_true(counter("TcpExtTCPHPAcks") < UINT64_MAX);
	assert_int_equal(counter("Icmp6OutMsgs"), 0);
	hear_nothing_for(300 * MS);
	assert_int_equal(counter("Ip6OutMcastPkts"), 0);
}

static void sleeping_ends_at_its_time(void **state)
{
	int64_t best = 1000 * MS;
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		int64_t until = side->ops->now(side) + 2 * MS, late;

		side->ops->sleep(side, until);
		late = side->ops->now(side) - until;
		assert_true(late >= 0);
		best = late < best ? late : best;
	}
	assert_true(best < MS / 10); /* a busy machine may spoil the others */
}

static void a_machine_that_stands_still_is_noticed(void **state)
{
	(void)state;
	side->ops->begin(side);
	side->ops->sleep(side, side->ops->now(side) + 20 * MS);
	assert_true(host_drill_stalled(side) > 0);
	assert_true(host_drill_stalled(side) < 20000 * MS);
}

static void nothing_is_left_when_a_side_ends(void **state)
{
	struct drill_sys waiting = {.no = DRILL_SYS_ACCEPT};
	unsigned fds, threads;
	char home[256] = "", back[256] = "";
	uint32_t isn;
	int fd, inside;

	(void)state;
	tear_down(NULL);
	fds = entries("/proc/self/fd");
	threads = entries("/proc/self/task");
	assert_true(readlink("/proc/thread-self/ns/net", home, sizeof(home) - 1) > 0);
	set_up(NULL);
	fd = connection(&isn);
	assert_int_equal(call(DRILL_SYS_WRITE, (uint64_t)fd, PTR("abc"), 3, 0, 0), 3);
	assert_int_equal(call(DRILL_SYS_CLOSE, (uint64_t)fd, 0, 0, 0, 0), 0); /* FIN_WAIT1, nobody's */
	waiting.arg[0] = (uint64_t)call(DRILL_SYS_SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0);
	call(DRILL_SYS_LISTEN, waiting.arg[0], 1, 0, 0, 0);
	assert_true(begin(&waiting, true));
	inside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	tear_down(NULL);
	assert_true(readlink("/proc/thread-self/ns/net", back, sizeof(back) - 1) > 0);
	assert_string_equal(home, back);
	assert_int_equal(entries("/proc/self/fd"), fds + 1);
	assert_int_equal(entries("/proc/self/task"), threads);
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(inside, CLONE_NEWNET), 0);
	assert_int_not_equal(system("grep -q tun0 /proc/net/dev"), 0);
	assert_int_not_equal(system("tail -q -n +2 /proc/net/tcp /proc/net/tcp6 | grep ."), 0);
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	close(fd);
	close(inside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_made_and_carries_data),
		TEST(under_anyip_the_address_is_ours_without_a_device),
		TEST(a_unit_of_segments_is_seen_whole_with_its_checksum),
		TEST(a_message_is_stamped_by_the_sides_clock),
		TEST(a_call_that_waits_is_seen_to_wait_and_returns_with_its_data),
		TEST(a_call_that_may_wait_and_does_not_has_returned),
		TEST(an_abandoned_call_is_interrupted),
		TEST(sigpipe_is_told_and_kills_nobody),
		TEST(no_descriptor_can_be_closed_that_the_script_has_not_opened),
		TEST(a_setting_is_the_namespaces_own),
		TEST(a_setting_of_the_machine_is_left_alone),
		TEST(a_line_of_shell_runs_inside_and_its_words_are_told),
		TEST(counters_move_and_silence_is_silence),
		TEST(sleeping_ends_at_its_time),
		TEST(a_machine_that_stands_still_is_noticed),
		TEST(nothing_is_left_when_a_side_ends),
	};
	struct drill_net at = net();
	int failed = 0;

	if (!host_drill_open(&at, &side, &why)) {
		printf("1..0 # SKIP NO TESTS OF DRILL ON THE KERNEL: %s\n", why.text);
		return 77;
	}
	tear_down(NULL);
	for (family = DRILL_IPV4; family <= DRILL_IPV6; family++)
		failed |= cmocka_run_group_tests_name(six() ? "IPv6" : "IPv4", tests, NULL, NULL);
	return failed;
}
