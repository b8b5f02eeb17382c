// SPDX-License-Identifier: MIT
/*
 * life/report.c - what a stack holds, whether all of it is sound, and its socks as `ss` lists them
 */
#include "stack/life/life.h"

/* ------------------------------------------------------------------ how much */

void la_usage(const struct la_stack *stack, struct la_usage *usage)
{
	const struct net *net = (const struct net *)stack;

	*usage = (struct la_usage){
		.bytes = net->mem.bytes,
		.tasks = net->vfs->tasks.objects,
		.files = net->vfs->files.objects,
		.sockets = net->vfs->sockets.objects,
		.socks = net->tcp->socks.objects,
		.requests = net->tcp->requests.objects,
		.timewaits = net->tcp->timewaits_v4.objects + net->tcp->timewaits_v6.objects,
		.skbs = net->skbs.count,
		.orphans = net->tcp->orphans,
		.timers = net->wheel.count,
		.ops = net->vfs->pending_ops,
	};
}

/* ------------------------------------------------------------------ is it sound? */

struct sock_check {
	uint64_t socks, requests, timewaits;
	const char *wrong;
};

static void check_one(void *arg, struct sock_common *c)
{
	struct sock_check *check = arg;
	const char *wrong = NULL;

	switch (c->state) {
	case TCP_NEW_SYN_RECV:
		check->requests++;
		wrong = tcp_check_request(req_from_common(c));
		break;
	case TCP_TIME_WAIT:
		check->timewaits++;
		wrong = tcp_check_timewait(tw_from_common(c));
		break;
	default:
		check->socks++;
		wrong = tcp_check(sk_from_common(c));
	}
	if (wrong)
		check->wrong = wrong;
}

static const char *check_tables(struct net *net)
{
	struct sock_check check = {0};

	inet_walk(net, check_one, &check);
	if (check.wrong)
		return check.wrong;
	if (check.socks > net->tcp->socks.objects)
		return "more socks in the tables than there are";
	if (check.requests > net->tcp->requests.objects)
		return "more requests in the table than there are";
	if (check.timewaits != net->tcp->timewaits_v4.objects + net->tcp->timewaits_v6.objects)
		return "a stand-in that no segment can find";
	if (check.timewaits != net->tcp->tw_count)
		return "stand-ins are miscounted";
	return hashinfo_check(net);
}

static const char *check_file(struct file *file)
{
	struct socket *socket;

	if (!file->count)
		return "an open file without a reference";
	if (file->ops != &socket_file_ops)
		return NULL;
	socket = file->private_data;
	if (socket->sk->socket != socket)
		return "a socket whose sock does not know it";
	return tcp_check(socket->sk);
}

static const char *check_task(const struct task *task, uint64_t *ops)
{
	const struct op *op;

	for (int fd = -1; (fd = fdtable_next(task->files, fd + 1, false)) >= 0;) {
		const char *wrong = check_file(fdtable_look(task->files, fd));

		if (wrong)
			return wrong;
	}
	list_for_each_entry (op, &task->ops, node) {
		if (op->status != OP_WAITING)
			return "an operation is left over that neither waits nor is done";
		++*ops;
	}
	return NULL;
}

const char *la_check(struct la_stack *stack)
{
	struct net *net = (struct net *)stack;
	const char *wrong = check_tables(net);
	const struct task *task;
	uint64_t ops = 0;

	if (wrong)
		return wrong;
	if (net->dead)
		return "a dead sock outlives its entry";
	if (op_any_woken(net))
		return "a woken operation was forgotten";
	list_for_each_entry (task, &net->vfs->all_tasks, node) {
		wrong = check_task(task, &ops);
		if (wrong)
			return wrong;
	}
	return ops == net->vfs->pending_ops ? NULL : "pending operations are miscounted";
}

/* ------------------------------------------------------------------ the socks */

struct sock_entry {
	struct la_sock_info info;
	uint64_t id; /* listeners of one group have nothing else to tell them apart */
};

struct sock_list {
	struct sock_entry *entries;
	size_t count, room;
};

static void list_one(void *arg, struct sock_common *c)
{
	struct sock_list *list = arg;
	struct sock_entry *e = &list->entries[list->count];
	struct in6_addr daddr, saddr;

	if (list->count == list->room)
		return;
	list->count++;
	sock_addrs(c, &daddr, &saddr);
	*e = (struct sock_entry){.info = {.state = c->state, .family = c->family, .sport = c->num, .dport = c->dport}};
	memcpy(e->info.saddr, &saddr, 16);
	memcpy(e->info.daddr, &daddr, 16);
	switch (c->state) {
	case TCP_NEW_SYN_RECV:
		break;
	case TCP_TIME_WAIT:
		e->info.orphan = true;
		if (c->fin_wait2)
			e->info.state = TCP_FIN_WAIT2;
		break;
	case TCP_LISTEN:
		e->id = sk_from_common(c)->id;
		e->info.recv_q = tcp_sk(sk_from_common(c))->listen->ack_backlog;
		e->info.send_q = tcp_sk(sk_from_common(c))->listen->max_ack_backlog;
		break;
	default:
		e->id = sk_from_common(c)->id;
		e->info.orphan = sock_flag(sk_from_common(c), SOCK_DEAD);
		e->info.recv_q = tcp_sk(sk_from_common(c))->rcv_nxt - tcp_sk(sk_from_common(c))->copied_seq;
		e->info.send_q = tcp_sk(sk_from_common(c))->write_seq - tcp_sk(sk_from_common(c))->snd_una;
	}
}

static int entry_compare(const struct sock_entry *a, const struct sock_entry *b)
{
	int order = a->info.sport - b->info.sport;

	if (!order)
		order = memcmp(a->info.saddr, b->info.saddr, 16);
	if (!order)
		order = a->info.dport - b->info.dport;
	if (!order)
		order = memcmp(a->info.daddr, b->info.daddr, 16);
	return order ? order : a->id < b->id ? -1 : a->id > b->id;
}

/* Heap sort: the largest of the first @count entries sinks from @at to its place. */
static void entry_sift(struct sock_entry *entries, size_t at, size_t count)
{
	struct sock_entry moving = entries[at];
	size_t child;

	for (; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && entry_compare(&entries[child], &entries[child + 1]) < 0)
			child++;
		if (entry_compare(&moving, &entries[child]) >= 0)
			break;
		entries[at] = entries[child];
	}
	entries[at] = moving;
}

static void entries_sort(struct sock_entry *entries, size_t count)
{
	for (size_t at = count / 2; at-- > 0;)
		entry_sift(entries, at, count);
	while (count-- > 1) {
		struct sock_entry largest = entries[0];

		entries[0] = entries[count];
		entries[count] = largest;
		entry_sift(entries, 0, count);
	}
}

/* By local port, then by addresses: the tables themselves have an order that depends on a key. Without memory for the
 * list nothing is shown. */
void la_socks(struct la_stack *stack, bool (*visit)(void *arg, const struct la_sock_info *info), void *arg)
{
	struct net *net = (struct net *)stack;
	struct sock_list list = {.room = net->hashinfo->pairs.count + net->hashinfo->listeners};

	if (!list.room)
		return;
	list.entries = mem_alloc(&net->mem, list.room * sizeof(*list.entries));
	if (!list.entries)
		return;
	inet_walk(net, list_one, &list);
	entries_sort(list.entries, list.count);
	for (size_t i = 0; i < list.count && visit(arg, &list.entries[i].info); i++)
		;
	mem_free(&net->mem, list.entries, list.room * sizeof(*list.entries));
}
