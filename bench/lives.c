// SPDX-License-Identifier: MIT
/*
 * bench/lives.c - how many whole lives of a connection does a second of CPU time buy?
 *
 * A life: socket, connect, accept, one byte each way, the client closes with FIN first, the server reads the end and
 * closes, the client's end waits out its 60 seconds of TIME_WAIT. Both ends run in this one thread, on Lastack over a
 * wire of memory (pair.h) and on the running kernel over its loopback, the same calls in the same order; rounds of both
 * alternate, each figure is the median of five rounds. The time is the CPU time of the process, user and system.
 *
 * The kernel's loopback computes and checks no TCP checksum, and neither does the wire of memory (LA_DEVICE_TX_CSUM,
 * LA_DEVICE_RX_CSUM); a row of its own shows what they cost where both ends compute them.
 *
 * Lastack's clock is moved by a fixed time after every life, and TIME_WAIT is filled to what that rate keeps for 60
 * seconds before anything is measured. With 500 us these are 120,000, as many as tcp_max_tw_buckets allows by default
 * and about what the kernel has gathered at the end; `bench-lives 100` keeps 600,000. Destinations are spread over
 * addresses and ports so that no port runs out.
 */
#include "pair.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 5, PORTS = 16, ADDRESSES = 64, FIRST_PORT = 8000, BATCH_MAX = 64, BACKLOG = 1024 };
enum { LIVES_LASTACK = 128000, LIVES_KERNEL = 9600, IDLE = 100000 };

#define TIME_WAIT_NS 60000000000ULL
#define TW_BUCKETS   131072 /* the default */

struct bench {
	struct pair *pair;
	int la_listener[PORTS], kernel_listener[PORTS];
	uint64_t turn;	  /* lives begun, which spreads them */
	uint64_t life_ns; /* what a life takes on Lastack's clock */
	uint64_t peak_timewaits;
};

/* ------------------------------------------------------------------ Lastack */

static struct sockaddr_storage next_la_address(struct bench *b, unsigned port)
{
	return pair_addr(SERVER, AF_INET, (unsigned)(b->turn++ / PORTS % ADDRESSES), (uint16_t)(FIRST_PORT + port));
}

/* @n lives at once, each step of them together. */
static void lastack_lives(struct bench *b, unsigned n)
{
	struct pair *pair = b->pair;
	struct la_task *client = pair->task[CLIENT], *server = pair->task[SERVER];
	unsigned port = (unsigned)(b->turn % PORTS);
	int c[BATCH_MAX], s[BATCH_MAX];
	char byte = 'x';

	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_storage to = next_la_address(b, port);

		c[i] = pair_connect(pair, &to);
	}
	pair_pump(pair);
	for (unsigned i = 0; i < n; i++)
		s[i] = (int)must_not_fail(la_accept4(server, b->la_listener[port], NULL, NULL, 0, pair->now_ns),
					  "accept");
	for (unsigned i = 0; i < n; i++)
		must(la_send(client, c[i], &byte, 1, 0, pair->now_ns), 1, "send");
	pair_pump(pair);
	for (unsigned i = 0; i < n; i++) {
		must(la_recv(server, s[i], &byte, 1, 0, pair->now_ns), 1, "recv");
		must(la_send(server, s[i], &byte, 1, 0, pair->now_ns), 1, "send");
	}
	pair_pump(pair);
	for (unsigned i = 0; i < n; i++) {
		must(la_recv(client, c[i], &byte, 1, 0, pair->now_ns), 1, "recv");
		must(la_close(client, c[i], pair->now_ns), 0, "close");
	}
	pair_pump(pair);
	for (unsigned i = 0; i < n; i++) {
		must(la_recv(server, s[i], &byte, 1, 0, pair->now_ns), 0, "recv of the end");
		must(la_close(server, s[i], pair->now_ns), 0, "close");
	}
	pair_pump(pair);
	pair_clock(pair, n * b->life_ns);
}

static void note_peak(struct bench *b)
{
	struct la_usage usage;

	la_usage(b->pair->stack[CLIENT], &usage);
	if (usage.timewaits > b->peak_timewaits)
		b->peak_timewaits = usage.timewaits;
}

static double lastack_round(struct bench *b, unsigned at_once, unsigned lives)
{
	double begun = cpu_seconds();

	for (unsigned done = 0; done < lives; done += at_once)
		lastack_lives(b, at_once);
	begun = cpu_seconds() - begun;
	note_peak(b);
	return lives / begun;
}

static void lastack_begin(struct bench *b, uint32_t features)
{
	char buckets[24];

	b->pair = pair_new(ADDRESSES, features);
	if (TIME_WAIT_NS / b->life_ns + BATCH_MAX > TW_BUCKETS) {
		snprintf(buckets, sizeof(buckets), "%llu", 2 * TIME_WAIT_NS / b->life_ns);
		pair_sysctl(b->pair, "tcp_max_tw_buckets", buckets);
	}
	for (int i = 0; i < PORTS; i++)
		b->la_listener[i] = pair_listen(b->pair, AF_INET, (uint16_t)(FIRST_PORT + i), BACKLOG);
	/* until as many TIME_WAITs end as begin */
	lastack_round(b, BATCH_MAX, (unsigned)(TIME_WAIT_NS / b->life_ns) + BATCH_MAX);
}

/* Connections that do nothing, beside which the lives are lived. */
static void lastack_idle(struct bench *b, unsigned count)
{
	struct pair *pair = b->pair;

	for (unsigned i = 0; i < count; i++) {
		unsigned port = (unsigned)(b->turn % PORTS);
		struct sockaddr_storage to = next_la_address(b, port);

		pair_connect(pair, &to);
		pair_pump(pair);
		must_not_fail(la_accept4(pair->task[SERVER], b->la_listener[port], NULL, NULL, 0, pair->now_ns),
			      "accept");
	}
	pair_clock(pair, 1000000000ULL);
}

/* ------------------------------------------------------------------ the kernel */

/* A network of our own where that is allowed, so that no packet filter of this machine takes part. */
static const char *kernel_network(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return "this machine's network";
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("cannot bring up the loopback device of a new network namespace: %s", strerror(errno));
	close(fd);
	return "a network namespace of its own";
}

static void kernel_begin(struct bench *b)
{
	for (int i = 0; i < PORTS; i++) {
		struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST_PORT + i))};
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, BACKLOG))
			die("kernel: port %d: %s", FIRST_PORT + i, strerror(errno));
		b->kernel_listener[i] = fd;
	}
}

static int64_t checked(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void kernel_lives(struct bench *b, unsigned n)
{
	unsigned port = (unsigned)(b->turn % PORTS);
	int c[BATCH_MAX], s[BATCH_MAX];
	char byte = 'x';

	for (unsigned i = 0; i < n; i++) {
		unsigned number = (unsigned)(b->turn++ / PORTS % ADDRESSES);
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port = htons((uint16_t)(FIRST_PORT + port)),
					 .sin_addr.s_addr = htonl(0x7f000001 + number)};

		c[i] = (int)must_not_fail(checked(socket(AF_INET, SOCK_STREAM, 0)), "kernel: socket");
		must(checked(connect(c[i], (struct sockaddr *)&to, sizeof(to))), 0, "kernel: connect");
	}
	for (unsigned i = 0; i < n; i++)
		s[i] = (int)must_not_fail(checked(accept4(b->kernel_listener[port], NULL, NULL, 0)), "kernel: accept");
	for (unsigned i = 0; i < n; i++)
		must(checked(send(c[i], &byte, 1, 0)), 1, "kernel: send");
	for (unsigned i = 0; i < n; i++) {
		must(checked(recv(s[i], &byte, 1, 0)), 1, "kernel: recv");
		must(checked(send(s[i], &byte, 1, 0)), 1, "kernel: send");
	}
	for (unsigned i = 0; i < n; i++) {
		must(checked(recv(c[i], &byte, 1, 0)), 1, "kernel: recv");
		must(checked(close(c[i])), 0, "kernel: close");
	}
	for (unsigned i = 0; i < n; i++) {
		must(checked(recv(s[i], &byte, 1, 0)), 0, "kernel: recv of the end");
		must(checked(close(s[i])), 0, "kernel: close");
	}
}

static double kernel_round(struct bench *b, unsigned at_once, unsigned lives)
{
	double begun = cpu_seconds();

	for (unsigned done = 0; done < lives; done += at_once)
		kernel_lives(b, at_once);
	return lives / (cpu_seconds() - begun);
}

/* A counter of the kernel's, such as TCPTimeWaitOverflow; it stands in two lines of words and of numbers. */
static uint64_t kernel_counter(const char *name)
{
	FILE *file = fopen("/proc/net/netstat", "r");
	static char names[16384], values[16384];
	uint64_t found = 0;

	while (file && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		char *n, *v, *n_save, *v_save;

		for (n = strtok_r(names, " \n", &n_save), v = strtok_r(values, " \n", &v_save); n && v;
		     n = strtok_r(NULL, " \n", &n_save), v = strtok_r(NULL, " \n", &v_save)) {
			if (!strcmp(n, name))
				found = strtoull(v, NULL, 10);
		}
	}
	if (file)
		fclose(file);
	return found;
}

/* ------------------------------------------------------------------ figures */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double value[ROUNDS])
{
	qsort(value, ROUNDS, sizeof(double), by_value);
	return value[ROUNDS / 2];
}

/* Rounds are sorted by now: the first is the slowest, the last the fastest. */
static void print_row(const char *name, const double value[ROUNDS])
{
	printf("  %-52s %9.0f  %7.2f   %9.0f .. %.0f\n", name, value[ROUNDS / 2], 1e6 / value[ROUNDS / 2], value[0],
	       value[ROUNDS - 1]);
}

int main(int argc, char **argv)
{
	double one[ROUNDS], many[ROUNDS], idle[ROUNDS], summed[ROUNDS], kernel_one[ROUNDS], kernel_many[ROUNDS];
	struct bench bench = {.life_ns = argc > 1 ? strtoull(argv[1], NULL, 10) * 1000 : 500000}, sums = bench;
	uint64_t kernel_overflow, overflow;
	const char *network;
	char buckets[24];

	if (!bench.life_ns)
		die("usage: bench-lives [MICROSECONDS]: what a life takes on Lastack's clock, 500 by default");
	network = kernel_network();
	lastack_begin(&bench, LA_DEVICE_TX_CSUM | LA_DEVICE_RX_CSUM);
	kernel_begin(&bench);
	kernel_overflow = kernel_counter("TCPTimeWaitOverflow");
	for (int i = 0; i < ROUNDS; i++) {
		one[i] = lastack_round(&bench, 1, LIVES_LASTACK);
		kernel_one[i] = kernel_round(&bench, 1, LIVES_KERNEL);
		many[i] = lastack_round(&bench, BATCH_MAX, LIVES_LASTACK);
		kernel_many[i] = kernel_round(&bench, BATCH_MAX, LIVES_KERNEL);
	}
	lastack_idle(&bench, IDLE);
	for (int i = 0; i < ROUNDS; i++)
		idle[i] = lastack_round(&bench, 1, LIVES_LASTACK);
	lastack_begin(&sums, 0);
	for (int i = 0; i < ROUNDS; i++)
		summed[i] = lastack_round(&sums, 1, LIVES_LASTACK);
	kernel_overflow = kernel_counter("TCPTimeWaitOverflow") - kernel_overflow;
	overflow = pair_counter(bench.pair, CLIENT, "TcpExtTCPTimeWaitOverflow") +
		   pair_counter(bench.pair, SERVER, "TcpExtTCPTimeWaitOverflow");
	must_not_fail(la_sysctl_get(bench.pair->stack[CLIENT], "tcp_max_tw_buckets", buckets, sizeof(buckets)),
		      "tcp_max_tw_buckets");

	printf("Lives of a connection: open, 1 byte each way, client closes first, both closed. Both ends in one "
	       "thread.\n");
	print_machine();
	printf("  %-52s %9s  %7s   %s\n", "medians of five rounds", "lives/s", "us each", "slowest .. fastest");
	printf("  %-52s %9s  %7s\n", "", "per CPU", "");
	median(one), median(many), median(idle), median(summed), median(kernel_one), median(kernel_many);
	print_row("Lastack, one after the other", one);
	print_row("Lastack, 64 at once", many);
	print_row("Lastack, one after the other, 100,000 idle beside", idle);
	print_row("Lastack, one after the other, TCP checksums computed", summed);
	print_row("kernel's loopback, one after the other", kernel_one);
	print_row("kernel's loopback, 64 at once", kernel_many);
	printf("\n  Lastack : kernel, one after the other %.1f : 1,  64 at once %.1f : 1\n",
	       one[ROUNDS / 2] / kernel_one[ROUNDS / 2], many[ROUNDS / 2] / kernel_many[ROUNDS / 2]);
	printf("  The wire of memory, like the kernel's loopback, carries no TCP checksums, but where a row says so.\n");
	printf("  100,000 idle connections beside make a life %.2f times as long\n",
	       one[ROUNDS / 2] / idle[ROUNDS / 2]);
	printf("  TIME_WAIT kept for 60 s of Lastack's clock, which moves %llu us with each life: peak %llu,\n"
	       "  TCPTimeWaitOverflow %llu (tcp_max_tw_buckets %s)\n",
	       (unsigned long long)bench.life_ns / 1000, (unsigned long long)bench.peak_timewaits,
	       (unsigned long long)overflow, buckets);
	printf("  kernel: in %s, TCPTimeWaitOverflow %llu\n\n", network, (unsigned long long)kernel_overflow);
	pair_free(bench.pair);
	pair_free(sums.pair);
	return 0;
}
