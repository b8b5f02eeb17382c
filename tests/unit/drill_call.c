// SPDX-License-Identifier: MIT
/*
 * drill/call*.c, code.c: what a side gets of a script's calls, and what it may answer
 *
 * The side is a list of answers: result, and what is written into the caller's memory. The script's descriptors are 3, 4, ...,
 * the side's 103, 104, ...
 */
#include "drill_env.h"

#include "drill/call.h"
#include "drill/code.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

struct answer {
	int64_t result;
	void (*write)(struct drill_sys *sys);
};

/* struct scene - a script whose calls are answered one by one; @last is the last one, returned and not yet checked */
struct scene {
	struct drill_net net;
	struct drill_wire wire;
	struct drill_calls *calls;
	struct drill_script *script;
	struct drill_prepared *last;
	struct drill_verdict verdict;
	struct drill_text why;
};

static void set_address(uint8_t ip[16], const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET6, text, ip) == 1)
		return;
	assert_int_equal(inet_pton(AF_INET, text, &in), 1);
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, &in, sizeof(in));
}

static void scene_open(struct scene *scene, enum drill_family family, const char *text)
{
	bool v6 = family == DRILL_IPV6;

	memset(scene, 0, sizeof(*scene));
	scene->net.family = family;
	set_address(scene->net.local, v6 ? "fd3d::1" : "192.168.0.1");
	set_address(scene->net.remote, v6 ? "fd3d::2" : "192.0.2.1");
	scene->wire = (struct drill_wire){&scene->net, 8080, 8081, 5 * (int64_t)SECOND, SECOND / 100};
	scene->calls = drill_calls_new(&scene->wire);
	scene->script = parsed(text);
}

static void scene_close(struct scene *scene)
{
	if (scene->last)
		drill_call_free(scene->last);
	drill_calls_free(scene->calls);
	drill_script_free(scene->script);
}

/* All calls but the last one are as the script has them. */
static void scene_play(struct scene *scene, const struct answer *answer)
{
	for (struct drill_event *event = scene->script->events; event; event = event->next, answer++) {
		if (scene->last && !drill_call_check(scene->last, &scene->verdict))
			fail_msg("%s", scene->verdict.text.text);
		if (scene->last)
			drill_call_free(scene->last);
		scene->last = drill_call_prepare(scene->calls, &event->call, &scene->why);
		if (!scene->last)
			return;
		scene->last->sys.result = answer->result;
		if (answer->write)
			answer->write(&scene->last->sys);
	}
}

#define SOCKET "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
#define SIDE_SOCKET \
	{ \
		103, NULL \
	}

/* After socket() the line comes out as written when the side answers @good, and does not when it answers @bad. */
static void assert_call(const char *line, struct answer good, struct answer bad, const char *wrong)
{
	struct answer answers[] = {SIDE_SOCKET, good};
	struct scene scene;
	char text[1024];

	snprintf(text, sizeof(text), SOCKET "+0 %s\n", line);
	scene_open(&scene, DRILL_IPV4, text);
	scene_play(&scene, answers);
	if (!scene.last)
		fail_msg("%s: %s", line, scene.why.text);
	if (!drill_call_check(scene.last, &scene.verdict))
		fail_msg("%s: %s", line, scene.verdict.text.text);
	scene_close(&scene);

	answers[1] = bad;
	scene_open(&scene, DRILL_IPV4, text);
	scene_play(&scene, answers);
	assert_false(drill_call_check(scene.last, &scene.verdict));
	assert_int_equal(scene.verdict.outcome, DRILL_FAILED);
	assert_string_equal(scene.verdict.text.text, wrong);
	scene_close(&scene);
}

static void assert_not_supported(const char *line, const char *why)
{
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}};
	struct scene scene;
	char text[1024];

	snprintf(text, sizeof(text), SOCKET "+0 %s\n", line);
	scene_open(&scene, DRILL_IPV4, text);
	scene_play(&scene, answers);
	if (scene.last)
		fail_msg("is taken, but should not: %s", line);
	assert_string_equal(scene.why.text, why);
	scene_close(&scene);
}

/* What the side wrote, as text. */
static void assert_out(const char *line, struct answer answer, const char *out)
{
	struct answer answers[] = {SIDE_SOCKET, answer};
	struct scene scene;
	char text[1024];

	snprintf(text, sizeof(text), SOCKET "+0 %s\n", line);
	scene_open(&scene, DRILL_IPV4, text);
	scene_play(&scene, answers);
	assert_non_null(scene.last);
	assert_string_equal(drill_call_out(scene.last), out);
	scene_close(&scene);
}

/* ---------------------------------------------------------------- results */

static void results_are_exact_and_errnos_have_their_names(void **state)
{
	static const struct {
		const char *line;
		struct answer good, bad;
		const char *wrong;
	} rows[] = {
		{"bind(3, ..., ...) = 0", {0, NULL}, {-EADDRINUSE, NULL}, "bind() fails with EADDRINUSE"},
		{"listen(3, 1) = 0", {0, NULL}, {-EINVAL, NULL}, "listen() fails with EINVAL"},
		{"connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
		 {-EINPROGRESS, NULL},
		 {-ECONNREFUSED, NULL},
		 "connect() fails with ECONNREFUSED instead of EINPROGRESS"},
		{"read(3, ..., 1000) = 1000", {1000, NULL}, {10, NULL}, "read() gives 10 instead of 1000"},
		{"readv(3, [{..., 10}, {..., 20}], 2) = 15", {15, NULL}, {30, NULL}, "readv() gives 30 instead of 15"},
		{"recv(3, ..., 10, MSG_DONTWAIT) = -1 EAGAIN",
		 {-EAGAIN, NULL},
		 {0, NULL},
		 "recv() gives 0 instead of -1"},
		{"recvfrom(3, NULL, 10, 0, ..., ...) = -1 EFAULT (Bad address)",
		 {-EFAULT, NULL},
		 {-EAGAIN, NULL},
		 "recvfrom() fails with EAGAIN instead of EFAULT"},
		{"write(3, ..., 1000) = 500", {500, NULL}, {1000, NULL}, "write() gives 1000 instead of 500"},
		{"writev(3, [{..., 10}, {..., 20}], 2) = 30", {30, NULL}, {-EPIPE, NULL}, "writev() fails with EPIPE"},
		{"send(3, ..., 10, MSG_OOB) = 10", {10, NULL}, {9, NULL}, "send() gives 9 instead of 10"},
		{"sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10",
		 {10, NULL},
		 {-EINPROGRESS, NULL},
		 "sendto() fails with EINPROGRESS"},
		{"sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 7}], msg_flags=0}, 0) = 7",
		 {7, NULL},
		 {0, NULL},
		 "sendmsg() gives 0 instead of 7"},
		{"fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", {0, NULL}, {-EBADF, NULL}, "fcntl() fails with EBADF"},
		{"fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)",
		 {0x802, NULL},
		 {2, NULL},
		 "fcntl() gives 2 instead of 2050"},
		{"close(3) = 0", {0, NULL}, {-EIO, NULL}, "close() fails with EIO"},
		{"shutdown(3, SHUT_WR) = -1 ENOTCONN",
		 {-ENOTCONN, NULL},
		 {0, NULL},
		 "shutdown() gives 0 instead of -1"},
		{"setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
		 {0, NULL},
		 {-ENOPROTOOPT, NULL},
		 "setsockopt() fails with ENOPROTOOPT"},
		{"cap_set(1, 2, 3) = 0", {0, NULL}, {-EPERM, NULL}, "cap_set() fails with EPERM"},
		{"sendfile(3, 3, [0], 10) = 10", {10, NULL}, {-EINVAL, NULL}, "sendfile() fails with EINVAL"},
		{"splice(3, NULL, 3, NULL, 10, 0) = 10", {10, NULL}, {-EINVAL, NULL}, "splice() fails with EINVAL"},
		{"epoll_ctl(3, EPOLL_CTL_ADD, 3, {events=EPOLLIN, fd=3}) = 0",
		 {0, NULL},
		 {-EEXIST, NULL},
		 "epoll_ctl() fails with EEXIST"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_call(rows[i].line, rows[i].good, rows[i].bad, rows[i].wrong);
}

static void a_new_descriptor_may_have_any_number(void **state)
{
	(void)state;
	assert_call("socket(..., SOCK_STREAM, IPPROTO_TCP) = 4", (struct answer){77, NULL},
		    (struct answer){-EMFILE, NULL}, "socket() fails with EMFILE");
	assert_call("accept(3, ..., ...) = -1 EAGAIN", (struct answer){-EAGAIN, NULL}, (struct answer){104, NULL},
		    "accept() gives 104 instead of -1");
	assert_call("epoll_create(1) = 4", (struct answer){9, NULL}, (struct answer){-EINVAL, NULL},
		    "epoll_create() fails with EINVAL");
	assert_call("open(\"/tmp/x\", O_RDONLY) = 4", (struct answer){9, NULL}, (struct answer){-ENOENT, NULL},
		    "open() fails with ENOENT");
	assert_call("socket(..., SOCK_STREAM, IPPROTO_TCP) = 4", (struct answer){0, NULL}, (struct answer){-1234, NULL},
		    "socket() fails with errno 1234");
}

static void an_errno_that_is_not_named_is_not_compared(void **state)
{
	(void)state;
	assert_call("shutdown(3, SHUT_RD) = -1", (struct answer){-ENOTCONN, NULL}, (struct answer){0, NULL},
		    "shutdown() gives 0 instead of -1");
	assert_call("shutdown(3, SHUT_RD) = -1", (struct answer){-EBADF, NULL}, (struct answer){1, NULL},
		    "shutdown() gives 1 instead of -1");
}

/* ---------------------------------------------------------------- arguments */

static void the_side_gets_its_own_descriptors(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {104, NULL}, {0, NULL}};
	const struct epoll_event *event;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4,
		   SOCKET "+0 epoll_create(1) = 4\n"
			  "+0 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, fd=3}) = 0\n");
	scene_play(&scene, answers);
	assert_int_equal(scene.last->fd, 4);
	assert_int_equal(scene.last->sys.no, DRILL_SYS_EPOLL_CTL);
	assert_int_equal(scene.last->sys.arg[0], 104);
	assert_int_equal(scene.last->sys.arg[2], 103);
	event = (const void *)(uintptr_t)scene.last->sys.arg[3];
	assert_int_equal(event->data.fd, 103);
	assert_int_equal(event->events, EPOLLIN | EPOLLET);
	scene_close(&scene);
}

static void addresses_that_are_left_open_are_those_of_the_wire(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}};
	const struct sockaddr_in6 *in6;
	const struct sockaddr_in *in;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 bind(3, ..., ...) = 0\n");
	scene_play(&scene, answers);
	in = (const void *)(uintptr_t)scene.last->sys.arg[1];
	assert_int_equal(scene.last->sys.arg[2], sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 8080);
	assert_int_equal(in->sin_addr.s_addr, inet_addr("192.168.0.1"));
	scene_close(&scene);

	scene_open(&scene, DRILL_4IN6, SOCKET "+0 connect(3, ..., ...) = 0\n");
	scene_play(&scene, answers);
	in6 = (const void *)(uintptr_t)scene.last->sys.arg[1];
	assert_int_equal(scene.last->sys.arg[2], sizeof(*in6));
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 8081);
	assert_memory_equal(&in6->sin6_addr, scene.net.remote, 16);
	assert_true(IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr));
	assert_int_equal(drill_calls_under_test(scene.calls)->domain, AF_INET6);
	assert_int_equal(drill_calls_under_test(scene.calls)->role, DRILL_FD_CONNECTING);
	scene_close(&scene);
}

static void a_connection_taken_back_has_no_address(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}, {0, NULL}};
	const struct sockaddr *addr;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV6, SOCKET "+0 connect(3, ..., ...) = 0\n+0 connect(3, AF_UNSPEC, ...) = 0\n");
	scene_play(&scene, answers);
	addr = (const void *)(uintptr_t)scene.last->sys.arg[1];
	assert_int_equal(addr->sa_family, AF_UNSPEC);
	assert_int_equal(scene.last->sys.arg[2], sizeof(struct sockaddr_storage));
	assert_int_equal(drill_calls_find(scene.calls, 3)->role, DRILL_FD_FRESH);
	scene_close(&scene);
}

static void option_values_are_numbers_texts_and_lingers(void **state)
{
	static const struct {
		const char *value;
		const char *bytes;
		size_t n;
	} rows[] = {
		{"[7], 4", "\7\0\0\0", 4},
		{"[-1], 4", "\xff\xff\xff\xff", 4},
		{"\"reno\", 4", "reno", 5},
		{"{onoff=1, linger=300}, 8", "\1\0\0\0\x2c\1\0\0", 8},
		{"inet6_addr(\"::1\"), 16", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16},
	};
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}};
	struct scene scene;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), SOCKET "+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, %s) = 0\n",
			 rows[i].value);
		scene_open(&scene, DRILL_IPV4, text);
		scene_play(&scene, answers);
		assert_non_null(scene.last);
		assert_memory_equal((const void *)(uintptr_t)scene.last->sys.arg[3], rows[i].bytes, rows[i].n);
		scene_close(&scene);
	}
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 setsockopt(3, SOL_TCP, TCP_NODELAY, NULL, 4) = -1 EFAULT\n");
	scene_play(&scene, answers);
	assert_int_equal(scene.last->sys.arg[3], 0);
	assert_int_equal(scene.last->sys.arg[4], 4);
	scene_close(&scene);
}

static void what_is_sent_is_zero(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}, {0, NULL}};
	static const char zeros[100000];
	const struct msghdr *msg;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4,
		   SOCKET
		   "+0 write(3, ..., 100000) = 0\n"
		   "+0 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 0}, {..., 100000}], msg_flags=0}, 0) = 0\n");
	scene_play(&scene, answers);
	msg = (const void *)(uintptr_t)scene.last->sys.arg[1];
	assert_int_equal(msg->msg_namelen, sizeof(struct sockaddr_in));
	assert_int_equal(msg->msg_iovlen, 2);
	assert_int_equal(msg->msg_iov[1].iov_len, 100000);
	assert_memory_equal(msg->msg_iov[1].iov_base, zeros, sizeof(zeros));
	scene_close(&scene);
}

static void what_is_not_there_is_refused_by_name(void **state)
{
	(void)state;
	assert_not_supported("close(4) = 0", "the script has no open descriptor 4");
	assert_not_supported("getsockname(3, ..., ...) = 0", "the call getsockname() is not supported");
	assert_not_supported("listen(3) = 0", "listen() takes 2 arguments, not 1");
	assert_not_supported("fcntl(3, F_GETFL, 0, 0) = 0", "fcntl() takes 2 or 3 arguments, not 4");
	assert_not_supported("listen(3, ...) = 0", "argument 2 has to be a number");
	assert_not_supported("listen(3, 0x100000000) = 0", "argument 2 does not fit into 32 bits");
	assert_not_supported("listen(3, 1) = ...", "the result has to be a number");
	assert_not_supported("write(3, \"text\", 4) = 4", "a buffer has to be ... or NULL");
	assert_not_supported("write(3, ..., -1) = 4", "a buffer of -1 bytes is not supported");
	assert_not_supported(
		"bind(3, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"1.2.3.4\")}, ...) = 0",
		"an address of the script's own is not supported here: write ...");
	assert_not_supported("setsockopt(3, SOL_TCP, TCP_NODELAY, 1, 4) = 0",
			     "an option's value has to be [NUMBER], \"text\", {onoff=, linger=}, inet6_addr() or NULL");
	assert_not_supported("poll([{fd=3, events=POLLIN}], 2, 0) = 0",
			     "the list has 1 descriptors, the number behind it is 2");
	assert_not_supported("poll([{fd=4, events=POLLIN}], 1, 0) = 0", "the script has no open descriptor 4");
	assert_not_supported("readv(3, [{..., 10}], 2) = 10",
			     "the list of data has 1 elements, not the number that is said");
	assert_not_supported("readv(3, [{\"text\", 4}], 1) = 4", "data have to be {..., LENGTH}");
	assert_not_supported("sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 7}], msg_flags=MSG_EOR}, 0) = 7",
			     "sendmsg() does not look at msg_flags: it has to be 0");
	assert_not_supported("splice(3, 1, 3, NULL, 10, 0) = 10",
			     "an offset has to be NULL or one number in brackets, [0]");
	assert_not_supported("ioctl(3, SIOCINQ, 5) = 0", "what the ioctl gives has to be one number in brackets, [4]");
}

/* ---------------------------------------------------------------- what came back */

static int word;

static void write_option(struct drill_sys *sys)
{
	memcpy((void *)(uintptr_t)sys->arg[3], &word, sizeof(word));
}

static void write_option_of_one_byte(struct drill_sys *sys)
{
	*(socklen_t *)(uintptr_t)sys->arg[4] = 1;
}

static void write_reno(struct drill_sys *sys)
{
	strcpy((char *)(uintptr_t)sys->arg[3], "reno");
}

static void write_linger(struct drill_sys *sys)
{
	memcpy((void *)(uintptr_t)sys->arg[3], "\1\0\0\0\5\0\0", 8);
}

static void an_options_value_and_length_are_compared(void **state)
{
	const char *line = "getsockopt(3, SOL_SOCKET, SO_ERROR, [104], [4]) = 0";

	(void)state;
	word = ECONNRESET;
	assert_call(line, (struct answer){0, write_option}, (struct answer){0, NULL},
		    "the option's value is [0] instead of [104]");
	assert_call(line, (struct answer){0, write_option}, (struct answer){0, write_option_of_one_byte},
		    "the option's length is 1 instead of 4");
	assert_call("getsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", [4]) = 0", (struct answer){0, write_reno},
		    (struct answer){0, NULL}, "the option's value is \"\\x00\\x00\\x00\\x00\" instead of \"reno\"");
	assert_call("getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 0",
		    (struct answer){0, write_linger}, (struct answer){0, NULL},
		    "the option's value is {onoff=0, linger=0} instead of {onoff=1, linger=5}");
	assert_out(line, (struct answer){0, write_option}, "[104], [4]");
	assert_out("getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", (struct answer){0, write_option}, "[104], [4]");
	assert_out(line, (struct answer){-EBADF, write_option}, "");
}

static void write_hup(struct drill_sys *sys)
{
	((struct pollfd *)(uintptr_t)sys->arg[0])->revents = POLLIN | POLLHUP;
}

static void poll_bits_are_compared(void **state)
{
	const char *line = "poll([{fd=3, events=POLLIN, revents=POLLIN|POLLHUP}], 1, 0) = 1";

	(void)state;
	assert_call(line, (struct answer){1, write_hup}, (struct answer){1, NULL},
		    "poll() gives 0 for descriptor 3 instead of POLLIN|POLLHUP");
	assert_call("poll([{fd=3, events=POLLIN}], 1, 0) = 0", (struct answer){0, NULL}, (struct answer){0, write_hup},
		    "poll() gives POLLIN|POLLHUP for descriptor 3 instead of 0");
	assert_call("poll([], 0, 0) = 0", (struct answer){0, NULL}, (struct answer){-EINTR, NULL},
		    "poll() fails with EINTR");
	assert_out("poll([{fd=3, events=POLLIN}], 1, 0) = 0", (struct answer){1, write_hup},
		   "[{fd=3, events=POLLIN, revents=POLLIN|POLLHUP}]");
}

static void write_event(struct drill_sys *sys)
{
	struct epoll_event *event = (void *)(uintptr_t)sys->arg[1];

	event->events = EPOLLIN;
	event->data.fd = 103;
}

static void write_event_of_another(struct drill_sys *sys)
{
	write_event(sys);
	((struct epoll_event *)(uintptr_t)sys->arg[1])->data.fd = 104;
}

static void write_another_event(struct drill_sys *sys)
{
	write_event(sys);
	((struct epoll_event *)(uintptr_t)sys->arg[1])->events = EPOLLIN | EPOLLHUP;
}

static void the_first_event_is_compared_in_the_scripts_numbers(void **state)
{
	(void)state;
	assert_call("epoll_wait(3, {events=EPOLLIN, fd=3}, 2, 0) = 1", (struct answer){1, write_event},
		    (struct answer){1, write_event_of_another},
		    "the first event is {events=EPOLLIN, fd=-1} instead of {events=EPOLLIN, fd=3}");
	assert_call("epoll_wait(3, {events=EPOLLIN, fd=3}, 2, 0) = 1", (struct answer){1, write_event},
		    (struct answer){1, write_another_event},
		    "the first event is {events=EPOLLIN|EPOLLHUP, fd=3} instead of {events=EPOLLIN, fd=3}");
	assert_call("epoll_wait(3, {events=EPOLLIN, fd=3}, 2, 0) = 1", (struct answer){1, write_event},
		    (struct answer){1, NULL}, "the first event is {events=0, fd=0} instead of {events=EPOLLIN, fd=3}");
	assert_call("epoll_wait(3, {events=0, ptr=0}, 2, 0) = 0", (struct answer){0, NULL},
		    (struct answer){0, write_event},
		    "the first event is {events=EPOLLIN, ptr=103} instead of {events=0, ptr=0}");
	assert_call("epoll_wait(3, {events=EPOLLIN, u32=103}, 2, 0) = 1", (struct answer){1, write_event},
		    (struct answer){0, write_event}, "epoll_wait() gives 0 instead of 1");
	assert_out("epoll_wait(3, {events=0, fd=3}, 2, 0) = 0", (struct answer){2, write_event},
		   "{events=EPOLLIN, fd=3}, {events=0, fd=0}");
}

static void write_int(struct drill_sys *sys)
{
	*(int *)(uintptr_t)sys->arg[2] = word;
}

static void what_an_ioctl_gives_is_compared(void **state)
{
	(void)state;
	word = 1000;
	assert_call("ioctl(3, SIOCINQ, [1000]) = 0", (struct answer){0, write_int}, (struct answer){0, NULL},
		    "the ioctl gives 0 instead of 1000");
	assert_out("ioctl(3, SIOCINQ, [1]) = 0", (struct answer){0, write_int}, "[1000]");
}

static void write_peer(struct drill_sys *sys)
{
	struct sockaddr_in *in = (void *)(uintptr_t)sys->arg[1];

	in->sin_family = AF_INET;
	in->sin_port = htons(40000);
	in->sin_addr.s_addr = inet_addr("192.0.2.1");
	*(socklen_t *)(uintptr_t)sys->arg[2] = sizeof(*in);
}

static void write_peer_of_wrong_length(struct drill_sys *sys)
{
	write_peer(sys);
	*(socklen_t *)(uintptr_t)sys->arg[2] = 28;
}

static void accept_tells_the_peer(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {109, write_peer}};
	const struct drill_fd *fd;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 accept(3, ..., ...) = 4\n");
	scene_play(&scene, answers);
	assert_string_equal(drill_call_out(scene.last),
			    "{sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr(\"192.0.2.1\")}");
	assert_int_equal(drill_call_result(scene.last), 4);
	assert_true(drill_call_check(scene.last, &scene.verdict));
	fd = drill_calls_under_test(scene.calls);
	assert_int_equal(fd->number, 4);
	assert_int_equal(fd->side_fd, 109);
	assert_int_equal(fd->role, DRILL_FD_ACCEPTED);
	assert_int_equal(fd->protocol, IPPROTO_TCP);
	assert_int_equal(fd->peer_port, 40000);
	assert_memory_equal(fd->peer, scene.net.remote, 16);
	scene_close(&scene);
	assert_call("accept(3, ..., ...) = 4", (struct answer){104, write_peer},
		    (struct answer){104, write_peer_of_wrong_length},
		    "the address that came back has 28 bytes instead of 16");
	assert_call("accept(3, ..., ...) = 4", (struct answer){104, write_peer}, (struct answer){104, NULL},
		    "the address that came back has family 0");
}

static void write_data(struct drill_sys *sys)
{
	memcpy((void *)(uintptr_t)sys->arg[1], "\0\0ab", 4);
}

static void write_zeros(struct drill_sys *sys)
{
	memset((void *)(uintptr_t)sys->arg[1], 0, 4);
}

static void data_are_told_where_they_are_not_zeros(void **state)
{
	(void)state;
	assert_out("read(3, ..., 4) = 4", (struct answer){4, write_zeros}, "");
	assert_out("read(3, ..., 4) = 4", (struct answer){4, write_data}, "\"\\x00\\x00ab\"");
	assert_out("read(3, ..., 4) = 4", (struct answer){2, write_data}, "");
	assert_out("read(3, ..., 2) = 2", (struct answer){2, NULL}, "\"\\xa5\\xa5\"");
	assert_out("recv(3, ..., 100, 0) = 100", (struct answer){20, NULL},
		   "\"\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\\xa5\"...");
}

/* ---------------------------------------------------------------- messages */

static struct cmsghdr *first_cmsg(struct drill_sys *sys, int level, int type, size_t length)
{
	struct msghdr *msg = (void *)(uintptr_t)sys->arg[1];
	struct cmsghdr *cmsg = msg->msg_control;

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(length);
	msg->msg_controllen = CMSG_SPACE(length);
	return cmsg;
}

static void write_inq(struct drill_sys *sys)
{
	memcpy(CMSG_DATA(first_cmsg(sys, IPPROTO_TCP, 36, sizeof(word))), &word, sizeof(word));
}

static void write_no_cmsg(struct drill_sys *sys)
{
	((struct msghdr *)(uintptr_t)sys->arg[1])->msg_controllen = 0;
}

static void write_cmsg_without_head(struct drill_sys *sys)
{
	(void)sys; /* the room is there, and zero */
}

static void write_truncated(struct drill_sys *sys)
{
	write_inq(sys);
	((struct msghdr *)(uintptr_t)sys->arg[1])->msg_flags = MSG_CTRUNC;
}

static void flags_and_control_messages_are_compared(void **state)
{
	const char *line = "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 7}], msg_flags=0, "
			   "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=93}]}, 0) = 0";

	(void)state;
	word = 93;
	assert_call(line, (struct answer){0, write_inq}, (struct answer){0, write_no_cmsg},
		    "there are only 0 control messages");
	assert_call(line, (struct answer){0, write_inq}, (struct answer){0, write_cmsg_without_head},
		    "there are only 0 control messages");
	assert_call(line, (struct answer){0, write_inq}, (struct answer){0, write_truncated},
		    "msg_flags is MSG_CTRUNC instead of 0");
	assert_call("recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 7}], msg_flags=0}, 0) = -1 EAGAIN",
		    (struct answer){-EAGAIN, NULL}, (struct answer){0, NULL}, "recvmsg() gives 0 instead of -1");
	assert_out("recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 2}], msg_flags=0, "
		   "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=5}]}, 0) = 0",
		   (struct answer){2, write_inq},
		   "{msg_name(...)=..., msg_iov(1)=[{\"\\xa5\\xa5\", 2}], msg_flags=0, "
		   "msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=93}]}");
}

/* 5 s is the script's 0. */
static void write_stamp(struct drill_sys *sys)
{
	struct timespec stamp[3] = {{5, 205000000}};

	memcpy(CMSG_DATA(first_cmsg(sys, SOL_SOCKET, SCM_TIMESTAMPING, sizeof(stamp))), stamp, sizeof(stamp));
}

static void write_late_stamp(struct drill_sys *sys)
{
	struct timespec stamp[3] = {{5, 211000000}};

	memcpy(CMSG_DATA(first_cmsg(sys, SOL_SOCKET, SCM_TIMESTAMPING, sizeof(stamp))), stamp, sizeof(stamp));
}

static void time_stamps_count_from_the_scripts_beginning(void **state)
{
	const char *line = "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, "
			   "msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, "
			   "cmsg_data={scm_sec=0, scm_nsec=200000000}}]}, 0) = 0";

	(void)state;
	assert_call(line, (struct answer){0, write_stamp}, (struct answer){0, write_late_stamp},
		    "control message 1 is {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, "
		    "cmsg_data={scm_sec=0, scm_nsec=211000000}} instead of {cmsg_level=SOL_SOCKET, "
		    "cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=200000000}}");
}

static int err_data;

static void write_err(struct drill_sys *sys)
{
	struct sock_extended_err err = {
		.ee_origin = SO_EE_ORIGIN_ZEROCOPY, .ee_code = 1, .ee_data = (unsigned)err_data};
	struct cmsghdr *cmsg = first_cmsg(sys, SOL_IP, IP_RECVERR, sizeof(err) + sizeof(struct sockaddr_in));

	memcpy(CMSG_DATA(cmsg), &err, sizeof(err));
	memset(CMSG_DATA(cmsg) + sizeof(err), 0xee, sizeof(struct sockaddr_in));
	err_data++;
}

static void extended_errors_are_compared_without_the_offender(void **state)
{
	err_data = 0;
	(void)state;
	assert_call("recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, "
		    "msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=0, "
		    "ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=SO_EE_CODE_ZEROCOPY_COPIED, ee_info=0, "
		    "ee_data=0}}]}, MSG_ERRQUEUE) = 0",
		    (struct answer){0, write_err}, (struct answer){0, write_err},
		    "control message 1 is {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=0, "
		    "ee_origin=5, ee_type=0, ee_code=1, ee_info=0, ee_data=1}} instead of {cmsg_level=SOL_IP, "
		    "cmsg_type=IP_RECVERR, cmsg_data={ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, "
		    "ee_code=SO_EE_CODE_ZEROCOPY_COPIED, ee_info=0, ee_data=0}}");
}

/* busy for @word us, cwnd 10 */
static void write_statistics(struct drill_sys *sys)
{
	uint8_t attrs[20] = {12, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 8, 0, 10, 0, 0, 0};

	memcpy(attrs + 4, &word, sizeof(word));
	memcpy(CMSG_DATA(first_cmsg(sys, SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS, sizeof(attrs))), attrs, sizeof(attrs));
	word += 5000;
}

static void statistics_are_exact_but_for_times(void **state)
{
	const char *line = "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, "
			   "msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, "
			   "cmsg_data={TCP_NLA_BUSY=20000, TCP_NLA_SND_CWND=%s}}]}, 0) = 0";
	char text[512];

	(void)state;
	word = 30000;
	snprintf(text, sizeof(text), line, "...");
	assert_call(text, (struct answer){0, write_statistics}, (struct answer){0, write_statistics},
		    "control message 1 is {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING_OPT_STATS, "
		    "cmsg_data={TCP_NLA_BUSY=35000, TCP_NLA_SND_CWND=...}} instead of {cmsg_level=SOL_SOCKET, "
		    "cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data={TCP_NLA_BUSY=20000, TCP_NLA_SND_CWND=...}}");
	word = 20000;
	snprintf(text, sizeof(text), line, "11");
	assert_out(text, (struct answer){0, write_statistics},
		   "{msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[{cmsg_level=SOL_SOCKET, "
		   "cmsg_type=SCM_TIMESTAMPING_OPT_STATS, cmsg_data={TCP_NLA_BUSY=20000, TCP_NLA_SND_CWND=10}}]}");
}

/* ---------------------------------------------------------------- descriptors */

static void write_pipe(struct drill_sys *sys)
{
	((int *)(uintptr_t)sys->arg[0])[0] = 110;
	((int *)(uintptr_t)sys->arg[0])[1] = 111;
}

static void both_ends_of_a_pipe_are_known(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, write_pipe}, {7, NULL}};
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 pipe([4, 5]) = 0\n+0 splice(4, NULL, 3, NULL, 7, 0) = 7\n");
	scene_play(&scene, answers);
	assert_int_equal(scene.last->sys.arg[0], 110);
	assert_int_equal(drill_calls_find(scene.calls, 5)->side_fd, 111);
	assert_int_equal(drill_calls_find(scene.calls, 5)->kind, DRILL_FD_PIPE);
	assert_int_equal(drill_calls_under_test(scene.calls)->number, 3);
	scene_close(&scene);
	assert_call("pipe([4, 5]) = 0", (struct answer){0, write_pipe}, (struct answer){-EMFILE, NULL},
		    "pipe() fails with EMFILE");
}

static void a_number_has_a_new_meaning_after_close(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, NULL}, {203, NULL}, {0, NULL}};
	const struct drill_fd *fd;
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 close(3) = 0\n" SOCKET "+0 listen(3, 1) = 0\n");
	scene_play(&scene, answers);
	assert_int_equal(scene.last->sys.arg[0], 203);
	assert_true(drill_call_check(scene.last, &scene.verdict));
	fd = drill_calls_fds(scene.calls);
	assert_true(fd->closed);
	assert_int_equal(fd->side_fd, 103);
	assert_false(fd->next->closed);
	assert_int_equal(fd->next->role, DRILL_FD_LISTENING);
	assert_null(fd->next->next);
	scene_close(&scene);
}

static void an_unwanted_descriptor_is_known_all_the_same(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {104, write_peer}};
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 accept(3, ..., ...) = -1 EAGAIN\n");
	scene_play(&scene, answers);
	assert_int_equal(drill_call_result(scene.last), 104);
	assert_false(drill_call_check(scene.last, &scene.verdict));
	assert_int_equal(drill_calls_fds(scene.calls)->next->side_fd, 104);
	scene_close(&scene);
	assert_call("socket(..., SOCK_STREAM, IPPROTO_TCP) = -1", (struct answer){-EMFILE, NULL},
		    (struct answer){9, NULL}, "socket() gives 9 instead of -1");
}

static void one_number_for_two_open_descriptors_is_wrong(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {104, NULL}};
	struct scene scene;

	(void)state;
	scene_open(&scene, DRILL_IPV4, SOCKET SOCKET);
	scene_play(&scene, answers);
	assert_false(drill_call_check(scene.last, &scene.verdict));
	assert_string_equal(scene.verdict.text.text, "descriptor 3 of the script is open already");
	scene_close(&scene);
}

static void expected_and_actual_stand_one_under_the_other(void **state)
{
	struct answer answers[] = {SIDE_SOCKET, {0, write_option}};
	struct scene scene;

	(void)state;
	word = 104;
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n");
	scene_play(&scene, answers);
	assert_false(drill_call_check(scene.last, &scene.verdict));
	assert_string_equal(scene.verdict.expected.text, "getsockopt(3, SOL_SOCKET, SO_ERROR, [0],   [4]) = 0");
	assert_string_equal(scene.verdict.actual.text, "getsockopt(3, SOL_SOCKET, SO_ERROR, [104], [4]) = 0");
	scene_close(&scene);
	scene_open(&scene, DRILL_IPV4, SOCKET "+0 close(3) = 0\n");
	answers[1] = (struct answer){-EIO, NULL};
	scene_play(&scene, answers);
	assert_false(drill_call_check(scene.last, &scene.verdict));
	assert_string_equal(scene.verdict.actual.text, "close(3) = -1 EIO");
	scene_close(&scene);
}

/* ---------------------------------------------------------------- %{ }% */

enum { FULL_INFO = 280 };

static size_t info_length;

/* A side that knows one socket, 103: state 8, cwnd 10; buffers of 1, 2, 3 ... bytes; no congestion control's values. */
static bool option_start(struct drill_side *side, struct drill_sys *sys, bool may_wait, struct drill_text *why)
{
	uint8_t *value = (void *)(uintptr_t)sys->arg[3];
	socklen_t *length = (void *)(uintptr_t)sys->arg[4];

	(void)side;
	(void)may_wait;
	(void)why;
	if (sys->no != DRILL_SYS_GETSOCKOPT || sys->arg[0] != 103) {
		sys->result = -EBADF;
	} else if (sys->arg[2] == 11) {
		value[0] = 8;
		value[6] = 0x87;
		value[80] = 10;
		value[FULL_INFO - 2] = 5;
		*length = (socklen_t)info_length;
	} else if (sys->arg[2] == 26) {
		*length = 0;
	} else {
		for (unsigned i = 0; i < 9; i++)
			((uint32_t *)value)[i] = i + 1;
		*length = 36;
	}
	return true;
}

static const struct drill_backend option_ops = {.name = "options", .start = option_start};

/* The program of the script's one block. */
static struct drill_code *code_of(const char *text, int fd, struct drill_text *why)
{
	struct drill_side side = {&option_ops};
	struct drill_script *script = parsed(text);
	struct drill_code *code = drill_code_new("dir/x.pkt");

	if (!drill_code_take(code, &side, fd, script->events, why)) {
		drill_code_free(code);
		code = NULL;
	}
	drill_script_free(script);
	return code;
}

static void the_values_of_a_socket_stand_before_the_block(void **state)
{
	struct drill_text why;
	struct drill_code *code;

	(void)state;
	info_length = FULL_INFO;
	code = code_of("\n0 %{ assert tcpi_state == 8, \"\xc3\xa9\"\nx = '\\n' }%\n", 103, &why);
	assert_non_null(strstr(drill_code_program(code), "\ntcpi_state = 8\n"));
	assert_non_null(strstr(drill_code_program(code), "\ntcpi_snd_wscale = 7\ntcpi_rcv_wscale = 8\n"));
	assert_non_null(strstr(drill_code_program(code), "\ntcpi_snd_cwnd = 10\n"));
	assert_non_null(strstr(drill_code_program(code), "\ntcpi_accecn_opt_seen = 5\n"));
	assert_non_null(strstr(drill_code_program(code), "\nSK_MEMINFO_DROPS = 9\n"));
	assert_non_null(strstr(drill_code_program(code), "\nTCP_CLOSE_WAIT = 8\n"));
	assert_null(strstr(drill_code_program(code), "bbr_bw"));
	assert_non_null(strstr(drill_code_program(code),
			       "_block(2, \"assert tcpi_state == 8, \\\"\xc3\xa9\\\"\\x0ax = '\\\\n'\")\n"));
	drill_code_free(code);
}

static void values_that_the_side_does_not_give_have_no_name(void **state)
{
	struct drill_text why;
	struct drill_code *code;

	(void)state;
	info_length = 104;
	code = code_of("0 %{ pass }%\n", 103, &why);
	assert_non_null(strstr(drill_code_program(code), "\ntcpi_total_retrans = 0\n"));
	assert_null(strstr(drill_code_program(code), "tcpi_pacing_rate"));
	drill_code_free(code);
	assert_null(code_of("0 %{ pass }%\n", 104, &why));
	assert_string_equal(why.text, "the socket under test tells no TCP_INFO: EBADF");
}

static void a_failed_assertion_names_line_source_and_values(void **state)
{
	struct drill_code *code = drill_code_new("dir/x.pkt");
	struct drill_text said = {
		"printed\n\ndrill: 12 AssertionError: 10\nassert tcpi_snd_cwnd == 9\ntcpi_snd_cwnd = 10\n"};
	struct drill_verdict verdict;

	(void)state;
	assert_string_equal(drill_code_program(code), "");
	drill_code_failed(code, &said, &verdict);
	assert_int_equal(verdict.outcome, DRILL_FAILED);
	assert_int_equal(verdict.pos.line, 12);
	assert_string_equal(verdict.text.text, "AssertionError: 10, in assert tcpi_snd_cwnd == 9");
	assert_string_equal(verdict.expected.text, "assert tcpi_snd_cwnd == 9");
	assert_string_equal(verdict.actual.text, "tcpi_snd_cwnd = 10");
	strcpy(said.text, "python3 cannot be started: No such file or directory");
	drill_code_failed(code, &said, &verdict);
	assert_int_equal(verdict.pos.line, 0);
	assert_string_equal(verdict.text.text,
			    "the code in dir/x.pkt failed: python3 cannot be started: No such file or directory");
	drill_code_free(code);
}

/* What python3 itself makes of the programs: those that hold, and what is said of those that do not. */
static void python_says_what_does_not_hold(void **state)
{
	static const struct {
		const char *block, *said;
	} rows[] = {
		{"0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%\n", ""},
		{"0 %{ assert tcpi_snd_cwnd == 10;\\\n assert tcpi_state == 8;\\\n}%\n", ""},
		{"\n0 %{ x = 1\nassert tcpi_snd_cwnd == 11, tcpi_snd_cwnd }%\n",
		 "\ndrill: 3 AssertionError: 10\nassert tcpi_snd_cwnd == 11, tcpi_snd_cwnd\ntcpi_snd_cwnd = 10\n"},
		{"0 %{\n\nassert tcpi_state == TCP_CLOSE }%\n",
		 "\ndrill: 3 AssertionError:\nassert tcpi_state == TCP_CLOSE\ntcpi_state = 8\n"},
		{"0 %{ assert bbr_bw }%\n", "\ndrill: 1 NameError: name 'bbr_bw' is not defined\nassert bbr_bw\n\n"},
	};
	char path[] = "/tmp/drill_call_XXXXXX", command[64], said[512];

	(void)state;
	info_length = FULL_INFO;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct drill_text why;
		struct drill_code *code = code_of(rows[i].block, 103, &why);
		FILE *file;
		size_t n;
		int fd;

		strcpy(path + sizeof(path) - 7, "XXXXXX");
		fd = mkstemp(path);
		assert_true(write(fd, drill_code_program(code), strlen(drill_code_program(code))) > 0);
		close(fd);
		snprintf(command, sizeof(command), "python3 %s 2>&1", path);
		file = popen(command, "r");
		n = fread(said, 1, sizeof(said) - 1, file);
		said[n] = '\0';
		pclose(file);
		remove(path);
		assert_string_equal(said, rows[i].said);
		drill_code_free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_exact_and_errnos_have_their_names),
		cmocka_unit_test(a_new_descriptor_may_have_any_number),
		cmocka_unit_test(an_errno_that_is_not_named_is_not_compared),
		cmocka_unit_test(the_side_gets_its_own_descriptors),
		cmocka_unit_test(addresses_that_are_left_open_are_those_of_the_wire),
		cmocka_unit_test(a_connection_taken_back_has_no_address),
		cmocka_unit_test(option_values_are_numbers_texts_and_lingers),
		cmocka_unit_test(what_is_sent_is_zero),
		cmocka_unit_test(what_is_not_there_is_refused_by_name),
		cmocka_unit_test(an_options_value_and_length_are_compared),
		cmocka_unit_test(poll_bits_are_compared),
		cmocka_unit_test(the_first_event_is_compared_in_the_scripts_numbers),
		cmocka_unit_test(what_an_ioctl_gives_is_compared),
		cmocka_unit_test(accept_tells_the_peer),
		cmocka_unit_test(data_are_told_where_they_are_not_zeros),
		cmocka_unit_test(flags_and_control_messages_are_compared),
		cmocka_unit_test(time_stamps_count_from_the_scripts_beginning),
		cmocka_unit_test(extended_errors_are_compared_without_the_offender),
		cmocka_unit_test(statistics_are_exact_but_for_times),
		cmocka_unit_test(both_ends_of_a_pipe_are_known),
		cmocka_unit_test(a_number_has_a_new_meaning_after_close),
		cmocka_unit_test(an_unwanted_descriptor_is_known_all_the_same),
		cmocka_unit_test(one_number_for_two_open_descriptors_is_wrong),
		cmocka_unit_test(expected_and_actual_stand_one_under_the_other),
		cmocka_unit_test(the_values_of_a_socket_stand_before_the_block),
		cmocka_unit_test(values_that_the_side_does_not_give_have_no_name),
		cmocka_unit_test(a_failed_assertion_names_line_source_and_values),
		cmocka_unit_test(python_says_what_does_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
