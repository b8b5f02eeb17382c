/* SPDX-License-Identifier: MIT */
/*
 * unit/run_client.h - an executor in a child process, and the smallest program that speaks host/run/segment.h to it
 *
 * The real shim is src/host/preload. This one has no cache and no signals: a number is a FIFO's descriptor, beside it stands
 * the handle.
 */
#ifndef UNIT_RUN_CLIENT_H
#define UNIT_RUN_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host/run/executor.h"
#include "host/run/segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the stack */

struct stack {
	char dir[64];
	pid_t pid;
	int launcher; /* our end of the pair */
};

/* With a wire: @last is that of its address, 10.0.0.@last. */
static void stack_main(const char *dir, int launcher, int wire, uint8_t last)
{
	static struct host host;
	struct executor_options options = {.dir = dir, .host = &host, .launcher_fd = launcher, .spin_us = 50};
	struct executor *ex;
	const char *wrong;
	struct tun tun = {.fd = wire, .name = "wire"};
	uint8_t addr[4] = {10, 0, 0, last};
	int error = host_init(&host, wire < 0 ? NULL : &tun, 1500, NULL);

	if (!error && wire >= 0)
		error = la_addr_add(host.stack, host.ifindex, AF_INET, addr, 24);
	if (!error)
		error = executor_new(&ex, &options);
	if (error)
		_exit(1);
	error = executor_run(ex);
	wrong = la_check(host.stack);
	if (wrong)
		fprintf(stderr, "la_check: %s\n", wrong);
	executor_free(ex);
	host_destroy(&host);
	_exit(error || wrong ? 1 : 0);
}

static inline void stack_start_on(struct stack *stack, int wire, uint8_t last)
{
	struct executor_note note;
	int pair[2];

	strcpy(stack->dir, "/tmp/lastack-unit-XXXXXX");
	assert_non_null(mkdtemp(stack->dir));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	stack->pid = fork();
	if (!stack->pid) {
		for (int fd = 3; fd < 256; fd++) /* another stack's end of its pair among them */
			if (fd != pair[1] && fd != wire)
				close(fd);
		stack_main(stack->dir, pair[1], wire, last);
	}
	close(pair[1]);
	stack->launcher = pair[0];
	assert_int_equal(recv(stack->launcher, &note, sizeof(note), 0), sizeof(note));
	assert_int_equal(note.kind, NOTE_READY);
}

static inline void stack_start(struct stack *stack)
{
	stack_start_on(stack, -1, 0);
}

/* It lived until it was told to end, all of it was sound, and nothing is left in its folder. */
static inline void stack_end(struct stack *stack)
{
	int status;

	close(stack->launcher);
	assert_int_equal(waitpid(stack->pid, &status, 0), stack->pid);
	assert_int_equal(status, 0);
	assert_int_equal(rmdir(stack->dir), 0);
}

/* ------------------------------------------------------------------ a process of it */

struct client {
	int dir, control, bell;
	struct seg *seg;
	const struct seg_shared *shared;
	struct seg_message hello;
};

static inline int control_connect(const struct stack *stack)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control", stack->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Sends @m, with @fd unless -1, and receives the answer into it; its descriptors into @fds. -1: the connection ended. */
static inline int control_ask(int sock, struct seg_message *m, int fd, int *fds, int count)
{
	char control[CMSG_SPACE(3 * sizeof(int))] = {0};
	struct iovec iov = {m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	m->magic = SEG_MAGIC;
	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return -1;
	if (m->kind == SEG_BELL)
		return 0;
	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	for (int i = 0; i < count; i++)
		fds[i] = -1;
	if (c)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return 0;
}

static inline void client_attach_to(struct client *client, const struct stack *stack)
{
	int fds[3] = {-1, -1, -1};

	client->dir = open(stack->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	client->control = control_connect(stack);
	client->hello = (struct seg_message){.kind = SEG_ATTACH, .arg = {SEG_VERSION}};
	assert_int_equal(control_ask(client->control, &client->hello, -1, fds, 3), 0);
	assert_int_equal(client->hello.error, 0);
	client->seg = mmap(NULL, sizeof(struct seg), PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	client->shared = mmap(NULL, sizeof(struct seg_shared), PROT_READ, MAP_SHARED, fds[1], 0);
	assert_ptr_not_equal(client->seg, MAP_FAILED);
	assert_ptr_not_equal(client->shared, MAP_FAILED);
	client->bell = fds[2];
	close(fds[0]);
	close(fds[1]);
}

static inline void client_leave(struct client *client)
{
	munmap(client->seg, sizeof(struct seg));
	munmap((void *)client->shared, sizeof(struct seg_shared));
	close(client->bell);
	close(client->control);
	close(client->dir);
}

/* ------------------------------------------------------------------ calls */

static inline struct seg_slot *slot_of(struct client *client, unsigned nr)
{
	return &client->seg->slot[nr];
}

static inline void call_post(struct client *client, unsigned nr)
{
	uint64_t one = 1;

	atomic_fetch_or(&client->seg->submitted[nr / 64], 1ull << nr % 64);
	if (atomic_load(&client->shared->sleeping))
		assert_int_equal(write(client->bell, &one, sizeof(one)), sizeof(one));
}

static inline void call_start(struct client *client, unsigned nr, enum seg_call call, seg_handle file)
{
	struct seg_slot *slot = slot_of(client, nr);

	slot->call = call;
	slot->file = file;
	slot->number = -1;
	atomic_store(&slot->cancel, 0);
	atomic_store(&slot->state, SLOT_SUBMITTED);
	call_post(client, nr);
}

/* Until the slot is in @state or done; -ETIME after two seconds. */
static inline int call_until(struct client *client, unsigned nr, enum seg_state state)
{
	struct seg_slot *slot = slot_of(client, nr);
	struct timespec tenth = {0, 100000000};

	for (int i = 0; i < 20;) {
		uint32_t now = atomic_load(&slot->state);

		if (now == state || now == SLOT_DONE)
			return 0;
		atomic_store(&slot->sleeper, SLEEPER_FUTEX);
		if (atomic_load(&slot->state) == now &&
		    syscall(SYS_futex, &slot->state, FUTEX_WAIT, now, &tenth, NULL, 0) < 0 && errno == ETIMEDOUT)
			i++;
	}
	return -ETIME;
}

static inline int64_t call_end(struct client *client, unsigned nr)
{
	return call_until(client, nr, SLOT_DONE) ? -ETIME : slot_of(client, nr)->result;
}

/* A whole call in slot @nr with up to five arguments. */
#define CALL(client, nr, what, file, ...) \
	call_with(client, nr, what, file, (uint64_t[5]){__VA_ARGS__})
static inline int64_t call_with(struct client *client, unsigned nr, enum seg_call call, seg_handle file, uint64_t arg[5])
{
	memcpy(slot_of(client, nr)->arg, arg, 5 * sizeof(*arg));
	call_start(client, nr, call, file);
	return call_end(client, nr);
}

/* ------------------------------------------------------------------ files */

struct number {
	int fd;
	seg_handle file;
};

/* The slot's spare, opened: the number is there before the file. */
static inline int spare_open(struct client *client, unsigned nr)
{
	struct seg_slot *slot = slot_of(client, nr);
	char path[32];

	if (!slot->spare) {
		int64_t error = CALL(client, nr, CALL_SPARE, 0);

		if (error)
			return (int)error;
	}
	snprintf(path, sizeof(path), "f/%u", SEG_ID(slot->spare));
	return openat(client->dir, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static inline struct number file_made(struct client *client, unsigned nr, int fd)
{
	return (struct number){fd, slot_of(client, nr)->file};
}

static inline struct number make_socket(struct client *client)
{
	int fd = spare_open(client, 0);

	assert_true(fd >= 0);
	assert_int_equal(CALL(client, 0, CALL_SOCKET, 0, AF_INET, SOCK_STREAM, 0), 0);
	return file_made(client, 0, fd);
}

static inline void put_name_at(struct client *client, unsigned nr, const char *addr, uint16_t port)
{
	struct sockaddr_in sin = {AF_INET, htons(port), {inet_addr(addr)}, {0}};
	struct seg_slot *slot = slot_of(client, nr);

	memcpy(slot->aux, &sin, sizeof(sin));
	slot->aux_len = slot->name_len = sizeof(sin);
}

static inline void put_name(struct client *client, unsigned nr, uint16_t port)
{
	put_name_at(client, nr, "127.0.0.1", port);
}

static inline struct number make_listener_at(struct client *client, const char *addr, uint16_t port)
{
	struct number n = make_socket(client);

	put_name_at(client, 0, addr, port);
	assert_int_equal(CALL(client, 0, CALL_BIND, n.file), 0);
	assert_int_equal(CALL(client, 0, CALL_LISTEN, n.file, 16), 0);
	return n;
}

static inline struct number make_listener(struct client *client, uint16_t port)
{
	return make_listener_at(client, "127.0.0.1", port);
}

static inline struct number make_connection_to(struct client *client, const char *addr, uint16_t port)
{
	struct number n = make_socket(client);

	put_name_at(client, 0, addr, port);
	assert_int_equal(CALL(client, 0, CALL_CONNECT, n.file), 0);
	return n;
}

static inline struct number make_connection(struct client *client, uint16_t port)
{
	return make_connection_to(client, "127.0.0.1", port);
}

static inline struct number make_accept(struct client *client, struct number listener)
{
	int fd = spare_open(client, 0);

	assert_true(fd >= 0);
	assert_int_equal(CALL(client, 0, CALL_ACCEPT4, listener.file, 0, 1), 0);
	return file_made(client, 0, fd);
}

/* close(2) as the shim does it: said, done, and then submitted unless the executor has begun it by itself. */
static inline void close_announce(struct client *client, unsigned nr, struct number n)
{
	struct seg_slot *slot = slot_of(client, nr);

	slot->call = CALL_CLOSED;
	slot->file = n.file;
	slot->number = n.fd;
	slot->sleeper = slot->cancel = 0;
	atomic_store(&slot->state, SLOT_TAKEN);
	atomic_fetch_or(&client->seg->closing[nr / 64], 1ull << nr % 64);
}

static inline void close_submit(struct client *client, unsigned nr)
{
	uint32_t taken = SLOT_TAKEN;

	if (atomic_compare_exchange_strong(&slot_of(client, nr)->state, &taken, SLOT_SUBMITTED))
		call_post(client, nr);
}

static inline void close_number(struct client *client, unsigned nr, struct number n)
{
	close_announce(client, nr, n);
	close(n.fd);
	close_submit(client, nr);
}

static inline void closed(struct client *client, unsigned nr)
{
	assert_int_equal(call_end(client, nr), 0);
	atomic_fetch_and(&client->seg->closing[nr / 64], ~(1ull << nr % 64));
}

static inline int64_t send_text(struct client *client, struct number n, const char *text)
{
	struct seg_slot *slot = slot_of(client, 0);

	strcpy((char *)client->seg->data[0], text);
	slot->aux_len = slot->name_len = 0;
	return CALL(client, 0, CALL_SEND, n.file, MSG_NOSIGNAL, strlen(text), SEG_IO_MSG);
}

static inline int64_t recv_bytes(struct client *client, struct number n, int flags)
{
	return CALL(client, 0, CALL_RECV, n.file, (unsigned)flags, 1000, SEG_IO_MSG, 0);
}

/* ------------------------------------------------------------------ what the executor says about itself */

/* The figure called @name in the answer to "debug". */
static inline uint64_t figure(const struct stack *stack, const char *name)
{
	struct seg_message m = {.kind = SEG_TEXT, .text = "debug"};
	int sock = control_connect(stack), none[3];
	char text[4096] = "";
	const char *at;

	assert_int_equal(control_ask(sock, &m, -1, none, 3), 0);
	while (m.arg[0]) {
		strncat(text, m.text, m.arg[0]);
		assert_int_equal(recv(sock, &m, sizeof(m), 0), sizeof(m));
	}
	close(sock);
	at = strstr(text, name);
	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 10);
}

/* Waits until the figure is @value: what a death or a last close sets in motion takes a moment. */
static inline bool figure_becomes(const struct stack *stack, const char *name, uint64_t value)
{
	for (int i = 0; i < 200; i++) {
		if (figure(stack, name) == value)
			return true;
		usleep(10000);
	}
	return false;
}

#endif
