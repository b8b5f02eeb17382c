// SPDX-License-Identifier: MIT
/*
 * bench/sizes.c - how many bytes does a connection cost that does nothing?
 *
 * "objects": the structures that one consists of, each with its share of what the slab allocator needs for itself.
 * "all told": memory taken from the allocator (la_usage().bytes) before and after 100,000 of a thing, divided by their
 * number: also what an allocator keeps in reserve, what a port costs that is in use, and hash tables that grow. The slot in
 * the table of descriptors is measured by itself, with 100,000 duplicates of one descriptor, and taken off.
 */
#include "pair.h"

#include "stack/file/file.h"

enum { COUNT = 100000, PORT = 8000, ADDRESSES = 64 };

static struct la_usage usage_of(struct pair *pair, int who)
{
	struct la_usage usage;

	la_usage(pair->stack[who], &usage);
	return usage;
}

static double each(uint64_t after, uint64_t before)
{
	return ((double)after - (double)before) / COUNT;
}

static double slot_bytes(void)
{
	struct pair *pair = pair_new(1, 0);
	int fd = pair_listen(pair, AF_INET, PORT, 1);
	uint64_t before = usage_of(pair, SERVER).bytes;
	double slot;

	for (int i = 0; i < COUNT; i++)
		must_not_fail(la_dup(pair->task[SERVER], fd, pair->now_ns), "dup");
	slot = each(usage_of(pair, SERVER).bytes, before);
	pair_free(pair);
	return slot;
}

/* @ends: the client's and the server's end of an established connection */
static void established_bytes(int family, double slot, double ends[2])
{
	struct pair *pair = pair_new(ADDRESSES, 0);
	int listener = pair_listen(pair, family, PORT, 16);
	uint64_t before[2] = {usage_of(pair, CLIENT).bytes, usage_of(pair, SERVER).bytes};

	for (unsigned i = 0; i < COUNT; i++) {
		struct sockaddr_storage to = pair_addr(SERVER, family, i % ADDRESSES, PORT);

		pair_connect(pair, &to);
		pair_pump(pair);
		must_not_fail(la_accept4(pair->task[SERVER], listener, NULL, NULL, 0, pair->now_ns), "accept");
	}
	pair_clock(pair, 10000000000ULL);
	for (int who = CLIENT; who <= SERVER; who++)
		ends[who] = each(usage_of(pair, who).bytes, before[who]) - slot;
	pair_free(pair);
}

/* The client gives each attempt up at once, which is silent; only the server is looked at. */
static double request_bytes(int family)
{
	struct pair *pair = pair_new(ADDRESSES, 0);
	uint64_t before;
	double bytes;

	pair_sysctl(pair, "somaxconn", "1000000");
	pair_sysctl(pair, "tcp_max_syn_backlog", "1000000");
	pair_listen(pair, family, PORT, 1000000);
	before = usage_of(pair, SERVER).bytes;
	for (unsigned i = 0; i < COUNT; i++) {
		struct sockaddr_storage to = pair_addr(SERVER, family, i % ADDRESSES, PORT);
		int fd = pair_connect(pair, &to);

		pair_carry(pair, CLIENT);
		pair->out[SERVER].tail = pair->out[SERVER].head; /* the SYN-ACK is lost */
		must(la_close(pair->task[CLIENT], fd, pair->now_ns), 0, "close");
	}
	if (usage_of(pair, SERVER).requests < COUNT * 95ULL / 100)
		die("only %llu requests of %d", (unsigned long long)usage_of(pair, SERVER).requests, COUNT);
	bytes = ((double)usage_of(pair, SERVER).bytes - (double)before) / (double)usage_of(pair, SERVER).requests;
	pair_free(pair);
	return bytes;
}

static void one_life(struct pair *pair, int listener, const struct sockaddr_storage *to)
{
	struct la_task *client = pair->task[CLIENT], *server = pair->task[SERVER];
	int c = pair_connect(pair, to), s;

	pair_pump(pair);
	s = (int)must_not_fail(la_accept4(server, listener, NULL, NULL, 0, pair->now_ns), "accept");
	must(la_close(client, c, pair->now_ns), 0, "close");
	pair_pump(pair);
	must(la_close(server, s, pair->now_ns), 0, "close");
	pair_pump(pair);
}

static double timewait_bytes(int family)
{
	struct pair *pair = pair_new(ADDRESSES, 0);
	int listener = pair_listen(pair, family, PORT, 16);
	struct sockaddr_storage to = pair_addr(SERVER, family, 0, PORT);
	uint64_t before;
	double bytes;

	one_life(pair, listener, &to); /* what the first one takes for good is not theirs */
	pair_clock(pair, 61000000000ULL);
	before = usage_of(pair, CLIENT).bytes;
	for (unsigned i = 0; i < COUNT; i++) {
		to = pair_addr(SERVER, family, i % ADDRESSES, PORT);
		one_life(pair, listener, &to);
	}
	must((int64_t)usage_of(pair, CLIENT).timewaits, COUNT, "number of TIME_WAITs");
	bytes = each(usage_of(pair, CLIENT).bytes, before);
	pair_free(pair);
	return bytes;
}

/* An object's share of its chunk. */
static double slab_bytes(size_t size)
{
	size_t per_chunk = SLAB_ROOM / ((size + 7) & ~(size_t)7) - 1; /* slab.c: the header cuts one in two */

	return (double)SLAB_CHUNK / (double)per_chunk;
}

static void print_row(const char *what, double objects4, double objects6, const char *most, double told4, double told6)
{
	printf("  %-46s %7.1f %7.1f   %-7s  %7.1f %7.1f\n", what, objects4, objects6, most, told4, told6);
}

int main(void)
{
	static const int families[] = {AF_INET, AF_INET6};
	double slot = slot_bytes(), ends[2][2], request[2], timewait[2];
	double end = slab_bytes(sizeof(struct file)) + slab_bytes(sizeof(struct socket)) + slab_bytes(sizeof(struct tcp_sock));
	double req = slab_bytes(sizeof(struct request_sock));
	double tw4 = slab_bytes(sizeof(struct timewait_sock) + 8), tw6 = slab_bytes(sizeof(struct timewait_sock) + 32);

	for (int i = 0; i < 2; i++) {
		established_bytes(families[i], slot, ends[i]);
		request[i] = request_bytes(families[i]);
		timewait[i] = timewait_bytes(families[i]);
	}
	printf("Bytes of one of %d that do nothing.\n", COUNT);
	print_machine();
	printf("  %-46s %15s   %-7s  %15s\n", "", "objects", "at most", "all told");
	printf("  %-46s %7s %7s   %-7s  %7s %7s\n", "", "IPv4", "IPv6", "", "IPv4", "IPv6");
	print_row("ESTABLISHED, client's end (file, socket, sock)", end, end, "640", ends[0][CLIENT], ends[1][CLIENT]);
	print_row("ESTABLISHED, server's end (file, socket, sock)", end, end, "640", ends[0][SERVER], ends[1][SERVER]);
	print_row("half-open request", req, req, "128", request[0], request[1]);
	print_row("TIME_WAIT", tw4, tw6, "96, 128", timewait[0], timewait[1]);
	printf("  slot in the table of descriptors, apart: %.1f\n\n", slot);
	return 0;
}
