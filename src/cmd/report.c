// SPDX-License-Identifier: MIT
/*
 * cmd/report.c - what a running stack says to `lastack ss` and `lastack nstat`
 *
 * In:   the library's list of endpoints; the executor's list of files (number -> inode) and of who has them open.
 * Here: SO_COOKIE joins an endpoint to its file, the inode a file to its owners.
 * Out:  lines for cmd/ss.c and cmd/nstat.c, worded as `ss` of iproute2 does.
 */
#include "cmd/report.h"

#include "host/run/executor.h"

#include <lastack/stack.h>

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------ who has what open */

enum { STATE_LISTEN = 10 };

/* The file of an endpoint. */
struct tie {
	uint64_t cookie, inode;
};

/**
 * struct answer - one listing
 * @ties:   by cookie
 * @owners: by inode
 */
struct answer {
	FILE *out;
	struct executor *ex;
	struct tie *ties;
	size_t tie_count, tie_room;
	struct executor_owner *owners;
	int owner_count;
};

static void add_tie(void *arg, const struct executor_file *file)
{
	struct answer *answer = arg;
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	struct tie *more;

	if (!file->socket ||
	    la_getsockopt(executor_task(answer->ex), file->fd, SOL_SOCKET, SO_COOKIE, &cookie, &len, host_now_ns()))
		return;
	if (answer->tie_count == answer->tie_room) {
		answer->tie_room = answer->tie_room ? 2 * answer->tie_room : 64;
		more = realloc(answer->ties, answer->tie_room * sizeof(*more));
		if (!more) {
			answer->tie_room = answer->tie_count;
			return;
		}
		answer->ties = more;
	}
	answer->ties[answer->tie_count++] = (struct tie){cookie, file->inode};
}

static int compare_ties(const void *a, const void *b)
{
	const struct tie *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static uint64_t find_inode(const struct answer *answer, uint64_t cookie)
{
	struct tie key = {.cookie = cookie};
	const struct tie *tie =
		answer->tie_count ? bsearch(&key, answer->ties, answer->tie_count, sizeof(key), compare_ties) : NULL;

	return tie ? tie->inode : 0;
}

/* The first owner of a file; its others follow it. */
static const struct executor_owner *find_owner(const struct answer *answer, uint64_t inode)
{
	int low = 0, high = answer->owner_count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (answer->owners[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < answer->owner_count && answer->owners[low].inode == inode ? &answer->owners[low] : NULL;
}

/* ------------------------------------------------------------------ an endpoint, field by field */

static const char *state_name(unsigned state)
{
	static const char *const names[] = {"UNKNOWN",	  "ESTAB",     "SYN-SENT", "SYN-RECV",	 "FIN-WAIT-1",
					    "FIN-WAIT-2", "TIME-WAIT", "UNCONN",   "CLOSE-WAIT", "LAST-ACK",
					    "LISTEN",	  "CLOSING",   "SYN-RECV"};

	return names[state < sizeof(names) / sizeof(names[0]) ? state : 0];
}

static bool is_any(const uint8_t *addr)
{
	static const uint8_t v6[16], v4[16] = {[10] = 0xff, 0xff};

	return !memcmp(addr, v6, 16) || !memcmp(addr, v4, 16);
}

/* "10.0.0.1 TAB 80", "[::1] TAB 80"; a socket of both families without an address is "*". */
static void print_address(FILE *out, const struct la_sock_info *info, const uint8_t *addr, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (info->family == AF_INET)
		fprintf(out, "\t%s\t", is_any(addr) ? "0.0.0.0" : inet_ntop(AF_INET, addr + 12, text, sizeof(text)));
	else if (is_any(addr))
		fprintf(out, "\t%s\t", info->v6only ? "[::]" : "*");
	else
		fprintf(out, "\t[%s]\t", inet_ntop(AF_INET6, addr, text, sizeof(text)));
	if (port)
		fprintf(out, "%u", port);
	else
		fputc('*', out);
}

/* The program's name can hold anything. */
static void print_comm(FILE *out, const char *comm)
{
	for (; *comm; comm++)
		fputc(*comm < ' ' || *comm == '"' ? '?' : *comm, out);
}

static void print_users(const struct answer *answer, const struct executor_owner *owner, bool orphan)
{
	const struct executor_owner *at = owner, *end = answer->owners + answer->owner_count;

	fputc('\t', answer->out);
	if (!owner) {
		if (orphan)
			fputs("orphan", answer->out);
		return;
	}
	fputs("users:(", answer->out);
	for (; at < end && at->inode == owner->inode; at++) {
		fprintf(answer->out, "%s(\"", at > owner ? "," : "");
		print_comm(answer->out, at->comm);
		fprintf(answer->out, "\",pid=%d,fd=%d)", (int)at->pid, at->number);
	}
	fputc(')', answer->out);
}

/* As ss does: hours are told in minutes, what is over ten seconds without a fraction. */
static void print_duration(FILE *out, uint32_t ms)
{
	uint32_t s = ms / 1000, minutes = s / 60;

	ms %= 1000;
	if (minutes)
		fprintf(out, "%umin", minutes);
	if (minutes <= 9) {
		s %= 60;
		if (minutes || s >= 10)
			ms = 0;
		if (s)
			fprintf(out, ms ? "%u." : "%usec", s);
		if (ms)
			fprintf(out, s ? "%03usec" : "%03ums", ms);
	}
}

static void print_timer(FILE *out, const struct la_sock_info *info)
{
	static const char *const names[] = {"off", "on", "keepalive", "timewait", "persist"};

	fputc('\t', out);
	if (!info->timer || info->timer >= sizeof(names) / sizeof(names[0]))
		return;
	fprintf(out, "timer:(%s,", names[info->timer]);
	print_duration(out, info->timer_ms);
	fprintf(out, ",%u)", info->timer_retrans);
}

static void print_extended(const struct answer *answer, const struct la_sock_info *info,
			   const struct executor_owner *owner, uint64_t inode)
{
	char path[32];
	struct stat st;
	FILE *out = answer->out;

	fputc('\t', out);
	if (owner) {
		snprintf(path, sizeof(path), "/proc/%d", (int)owner->pid);
		if (!stat(path, &st) && st.st_uid)
			fprintf(out, "uid:%u ", (unsigned)st.st_uid);
	}
	fprintf(out, "ino:%llu sk:%llx", (unsigned long long)inode, (unsigned long long)info->cookie);
	if (info->family == AF_INET6 && info->state == STATE_LISTEN)
		fprintf(out, " v6only:%d", info->v6only);
	if (info->cookie)
		fprintf(out, " %c-%c", info->shutdown & 1 ? '-' : '<', info->shutdown & 2 ? '-' : '>');
}

static void print_memory(FILE *out, const struct la_sock_info *info)
{
	fputc('\t', out);
	if (info->cookie)
		fprintf(out, "skmem:(r%u,rb%u,t0,tb%u,f0,w%u,o0,bl0,d0)", info->rmem, info->rcvbuf, info->sndbuf,
			info->wmem);
}

/* ------------------------------------------------------------------ struct tcp_info, worded as ss does */

static void print_number(FILE *out, const char *name, uint64_t value)
{
	if (value)
		fprintf(out, " %s:%llu", name, (unsigned long long)value);
}

static void print_flow(FILE *out, const struct tcp_info *t)
{
	uint64_t rate = t->tcpi_rtt ? (uint64_t)t->tcpi_snd_cwnd * t->tcpi_snd_mss * 8 * 1000000 / t->tcpi_rtt : 0;

	print_number(out, "bytes_sent", t->tcpi_bytes_sent);
	print_number(out, "bytes_retrans", t->tcpi_bytes_retrans);
	print_number(out, "bytes_acked", t->tcpi_bytes_acked);
	print_number(out, "bytes_received", t->tcpi_bytes_received);
	print_number(out, "segs_out", t->tcpi_segs_out);
	print_number(out, "segs_in", t->tcpi_segs_in);
	print_number(out, "data_segs_out", t->tcpi_data_segs_out);
	print_number(out, "data_segs_in", t->tcpi_data_segs_in);
	if (rate)
		fprintf(out, " send %llubps", (unsigned long long)rate);
	print_number(out, "lastsnd", t->tcpi_last_data_sent);
	print_number(out, "lastrcv", t->tcpi_last_data_recv);
	print_number(out, "lastack", t->tcpi_last_ack_recv);
	if (t->tcpi_pacing_rate && t->tcpi_pacing_rate != UINT64_MAX)
		fprintf(out, " pacing_rate %llubps", (unsigned long long)t->tcpi_pacing_rate * 8);
	print_number(out, "delivered", t->tcpi_delivered);
}

static void print_queues(FILE *out, const struct tcp_info *t)
{
	print_number(out, "unacked", t->tcpi_unacked);
	if (t->tcpi_retrans || t->tcpi_total_retrans)
		fprintf(out, " retrans:%u/%u", t->tcpi_retrans, t->tcpi_total_retrans);
	print_number(out, "lost", t->tcpi_lost);
	print_number(out, "sacked", t->tcpi_sacked);
	if (t->tcpi_reordering != 3)
		print_number(out, "reordering", t->tcpi_reordering);
	if (t->tcpi_rcv_rtt)
		fprintf(out, " rcv_rtt:%g", (double)t->tcpi_rcv_rtt / 1000);
	print_number(out, "rcv_space", t->tcpi_rcv_space);
	print_number(out, "rcv_ssthresh", t->tcpi_rcv_ssthresh);
	print_number(out, "notsent", t->tcpi_notsent_bytes);
	if (t->tcpi_min_rtt && t->tcpi_min_rtt != UINT32_MAX)
		fprintf(out, " minrtt:%g", (double)t->tcpi_min_rtt / 1000);
	print_number(out, "snd_wnd", t->tcpi_snd_wnd);
}

static void print_info(FILE *out, const struct la_sock_info *info)
{
	struct tcp_info t = {0};

	fputc('\t', out);
	if (!info->tcp_info)
		return;
	memcpy(&t, info->tcp_info, info->tcp_info_len < sizeof(t) ? info->tcp_info_len : sizeof(t));
	if (info->state == STATE_LISTEN) {
		fprintf(out, "%s cwnd:%u", info->congestion, t.tcpi_snd_cwnd);
		return;
	}
	fprintf(out, "%s%s%s", t.tcpi_options & TCPI_OPT_TIMESTAMPS ? "ts " : "",
		t.tcpi_options & TCPI_OPT_SACK ? "sack " : "", info->congestion);
	if (t.tcpi_options & TCPI_OPT_WSCALE)
		fprintf(out, " wscale:%u,%u", t.tcpi_snd_wscale, t.tcpi_rcv_wscale);
	if (t.tcpi_rto)
		fprintf(out, " rto:%g", (double)t.tcpi_rto / 1000);
	print_number(out, "backoff", t.tcpi_backoff);
	if (t.tcpi_rtt)
		fprintf(out, " rtt:%g/%g", (double)t.tcpi_rtt / 1000, (double)t.tcpi_rttvar / 1000);
	print_number(out, "ato", t.tcpi_ato / 1000);
	print_number(out, "mss", t.tcpi_snd_mss);
	print_number(out, "pmtu", t.tcpi_pmtu);
	print_number(out, "rcvmss", t.tcpi_rcv_mss);
	print_number(out, "advmss", t.tcpi_advmss);
	print_number(out, "cwnd", t.tcpi_snd_cwnd);
	if (t.tcpi_snd_ssthresh < 0xffff)
		print_number(out, "ssthresh", t.tcpi_snd_ssthresh);
	print_flow(out, &t);
	print_queues(out, &t);
}

static bool answer_one(void *arg, const struct la_sock_info *info)
{
	const struct answer *answer = arg;
	uint64_t inode = info->cookie ? find_inode(answer, info->cookie) : 0;
	const struct executor_owner *owner = inode ? find_owner(answer, inode) : NULL;
	FILE *out = answer->out;

	fprintf(out, "%s\t%u\t%u", state_name(info->state), info->recv_q, info->send_q);
	print_address(out, info, info->saddr, info->sport);
	print_address(out, info, info->daddr, info->dport);
	print_users(answer, owner, info->orphan && info->cookie);
	print_timer(out, info);
	print_extended(answer, info, owner, inode);
	print_memory(out, info);
	print_info(out, info);
	fputc('\n', out);
	return true;
}

/* ------------------------------------------------------------------ the questions */

/* Owners cost a walk through /proc, during which the stack stands still. */
static void answer_ss(struct la_stack *stack, struct executor *ex, bool owners, FILE *out)
{
	struct answer answer = {.out = out, .ex = ex};

	executor_files(ex, add_tie, &answer);
	if (answer.tie_count)
		qsort(answer.ties, answer.tie_count, sizeof(*answer.ties), compare_ties);
	if (owners)
		answer.owner_count = executor_owners(ex, &answer.owners);
	la_socks(stack, answer_one, &answer);
	free(answer.owners);
	free(answer.ties);
}

void report_counter(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "%-32s%-16llu%6.1f\n", name, (unsigned long long)value, 0.0);
}

void report_counters(struct la_stack *stack, FILE *out)
{
	const char *name;
	uint64_t value;

	fprintf(out, "#kernel\n");
	for (size_t i = 0; la_counter_at(stack, i, &name, &value); i++)
		report_counter(out, name, value);
}

static void answer_usage(struct la_stack *stack, struct executor *ex, FILE *out)
{
	const char *wrong = la_check(stack);
	struct executor_figures f;
	struct la_usage u;

	la_usage(stack, &u);
	executor_figures(ex, &f);
	fprintf(out, "bytes %llu\ntasks %llu\nfiles %llu\nsockets %llu\nsocks %llu\nrequests %llu\ntimewaits %llu\n",
		(unsigned long long)u.bytes, (unsigned long long)u.tasks, (unsigned long long)u.files,
		(unsigned long long)u.sockets, (unsigned long long)u.socks, (unsigned long long)u.requests,
		(unsigned long long)u.timewaits);
	fprintf(out, "fifos %llu\nspares %llu\ndescriptors %llu\n", (unsigned long long)f.files,
		(unsigned long long)f.spares, (unsigned long long)f.descriptors);
	fprintf(out, "skbs %llu\norphans %llu\ntimers %llu\nops %llu\ncheck %s\n", (unsigned long long)u.skbs,
		(unsigned long long)u.orphans, (unsigned long long)u.timers, (unsigned long long)u.ops,
		wrong ? wrong : "good");
}

void report_answer(struct la_stack *stack, struct executor *ex, const char *line, FILE *out)
{
	if (!strcmp(line, "ss") || !strcmp(line, "ss owners"))
		answer_ss(stack, ex, line[2], out);
	else if (!strcmp(line, "nstat"))
		report_counters(stack, out);
	else if (!strcmp(line, "usage"))
		answer_usage(stack, ex, out);
}
