// SPDX-License-Identifier: MIT
/*
 * unit/run_scribble.c - programs that write wildly over their segment and die at any moment harm nobody else
 *
 * Several vandals attach and scribble: whole slots of noise, plausible calls with noise in some words, bits at random,
 * handles that they have seen anywhere, control messages of noise; each is killed after a moment. Meanwhile an honest
 * process moves bytes over a connection. In the end the stack is sound (stack_end) and holds nothing.
 */
#include "run_client.h"

#include <sys/prctl.h>
#include <time.h>

static struct stack stack;

struct noise {
	uint64_t state;
};

static uint64_t noise(struct noise *n)
{
	uint64_t z = n->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void noise_fill(struct noise *n, void *mem, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)mem)[i] = (uint8_t)noise(n);
}

/* Numbers as calls know them: small, negative, huge, or any. */
static uint64_t noise_number(struct noise *n)
{
	switch (noise(n) % 6) {
	case 0:
		return noise(n) % 4;
	case 1:
		return noise(n) % 3000;
	case 2:
		return -(noise(n) % 3);
	case 3:
		return 1ull << noise(n) % 64;
	default:
		return noise(n);
	}
}

/* A handle that the segment holds somewhere: an own file or spare, as it happens. */
static seg_handle seen_handle(struct client *c, struct noise *n)
{
	struct seg_slot *slot = slot_of(c, noise(n) % 16);

	return noise(n) % 2 ? slot->file : slot->spare;
}

/* Opens a spare as the shim does, sometimes not. */
static void open_spare(struct client *c, unsigned nr)
{
	char path[32];

	snprintf(path, sizeof(path), "f/%u", SEG_ID(slot_of(c, nr)->spare));
	if (openat(c->dir, path, O_RDWR | O_NONBLOCK | O_CLOEXEC) > 200)
		close_range(20, 1000, 0);
}

static void plausible_call(struct client *c, struct noise *n)
{
	unsigned nr = noise(n) % 16;
	struct seg_slot *slot = slot_of(c, nr);
	uint32_t call = noise(n) % (CALL_MAX + 2);

	if (call == CALL_SOCKET || call == CALL_ACCEPT4 || call == CALL_EPOLL_CREATE1)
		if (noise(n) % 4)
			open_spare(c, nr);
	slot->call = call;
	slot->file = noise(n) % 4 ? seen_handle(c, n) : noise_number(n);
	for (int i = 0; i < 6; i++)
		slot->arg[i] = noise(n) % 4 ? noise_number(n) : seen_handle(c, n);
	if (call == CALL_SOCKET && noise(n) % 4) {
		slot->arg[0] = AF_INET;
		slot->arg[1] = SOCK_STREAM;
		slot->arg[2] = 0;
	}
	slot->aux_len = (uint32_t)noise_number(n);
	slot->name_len = (uint32_t)noise_number(n);
	slot->data_len = (uint32_t)noise_number(n);
	if (noise(n) % 2) {
		put_name(c, nr, (uint16_t)(1000 + noise(n) % 4));
		slot->name_len = noise(n) % 2 ? slot->aux_len : 0;
	} else {
		noise_fill(n, slot->aux, 64);
	}
	if (call == CALL_POLL)
		noise_fill(n, c->seg->data[nr], 256);
	slot->cancel = noise(n) % 8 == 0;
	slot->sleeper = (uint32_t)noise(n) % 4;
	atomic_store(&slot->state, noise(n) % 16 ? SLOT_SUBMITTED : (uint32_t)noise_number(n));
}

static void bad_message(struct client *c, struct noise *n)
{
	struct seg_message m;
	int fd = noise(n) % 2 ? c->bell : -1, fds[3], sock = c->control;
	bool own = noise(n) % 2;

	noise_fill(n, &m, sizeof(m));
	m.kind = (uint32_t)(noise(n) % 7);
	m.arg[0] = noise(n) % 2 ? seen_handle(c, n) : noise_number(n);
	if (m.kind == SEG_TEXT)
		strcpy(m.text, noise(n) % 2 ? "debug" : "noise");
	if (own) {
		sock = control_connect(&stack);
		send(sock, &m, noise(n) % sizeof(m), MSG_NOSIGNAL);
	} else if (m.kind != SEG_TEXT && m.kind <= SEG_KERNEL_SOCKET && m.kind) {
		fds[0] = -1;
		control_ask(sock, &m, fd, fds, 3);
		if (fds[0] >= 0)
			close(fds[0]);
	}
	if (own)
		close(sock);
}

static void vandal(uint64_t seed)
{
	struct client c;
	struct noise n = {seed};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client_attach_to(&c, &stack);
	for (unsigned nr = 0; nr < 16; nr++)
		CALL(&c, nr, CALL_SPARE, 0);
	for (;;) {
		switch (noise(&n) % 32) {
		case 0:
			noise_fill(&n, slot_of(&c, noise(&n) % SEG_SLOTS), 256);
			break;
		case 1:
			noise_fill(&n, (void *)c.seg->closing, sizeof(c.seg->closing));
			break;
		case 2:
			noise_fill(&n, (void *)c.seg->submitted, sizeof(c.seg->submitted));
			break;
		case 3:
			bad_message(&c, &n);
			break;
		case 4:
			for (unsigned nr = 0; nr < 16; nr++)
				if (!slot_of(&c, nr)->spare)
					slot_of(&c, nr)->call = CALL_SPARE, slot_of(&c, nr)->state = SLOT_SUBMITTED;
			atomic_fetch_or(&c.seg->submitted[0], 0xffff);
			break;
		default:
			plausible_call(&c, &n);
		}
		call_post(&c, noise(&n) % 16);
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Its own connection works while the others rage. */
static void honest_round(struct client *c, struct number from, struct number to)
{
	assert_int_equal(send_text(c, from, "honest"), 6);
	assert_int_equal(recv_bytes(c, to, 0), 6);
	assert_memory_equal(c->seg->data[0], "honest", 6);
}

static void vandals_harm_only_themselves(void **state)
{
	const char *given = getenv("SCRIBBLE_SEED"), *long_ms = getenv("SCRIBBLE_MS");
	uint64_t seed = given ? strtoull(given, NULL, 10) : now_ms(), until_ms = now_ms() + (long_ms ? strtoull(long_ms, NULL, 10) : 4000);
	struct number listener, from, to;
	struct noise n = {seed};
	uint64_t descriptors;
	pid_t vandals[3] = {0};
	struct client us;

	(void)state;
	print_message("SCRIBBLE_SEED=%llu\n", (unsigned long long)seed);
	stack_start(&stack);
	client_attach_to(&us, &stack);
	listener = make_listener(&us, 80);
	from = make_connection(&us, 80);
	to = make_accept(&us, listener);
	descriptors = figure(&stack, "descriptors");
	while (now_ms() < until_ms) {
		unsigned which = noise(&n) % 3;

		if (vandals[which]) {
			kill(vandals[which], SIGKILL);
			waitpid(vandals[which], NULL, 0);
		}
		vandals[which] = fork();
		if (!vandals[which])
			vandal(noise(&n));
		for (int i = 0; i < 5; i++)
			honest_round(&us, from, to);
		usleep(noise(&n) % 50000);
	}
	for (int i = 0; i < 3; i++)
		if (vandals[i]) {
			kill(vandals[i], SIGKILL);
			waitpid(vandals[i], NULL, 0);
		}
	honest_round(&us, from, to);
	assert_true(figure_becomes(&stack, "processes", 1));
	assert_true(figure_becomes(&stack, "files", 3));
	assert_int_equal(figure(&stack, "spares"), 1);
	assert_int_equal(figure(&stack, "calls_pending"), 0);
	assert_int_equal(figure(&stack, "kernel_sets"), 0);
	assert_true(figure_becomes(&stack, "descriptors", descriptors));
	client_leave(&us);
	close(listener.fd);
	close(from.fd);
	close(to.fd);
	stack_end(&stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vandals_harm_only_themselves)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
