// SPDX-License-Identifier: MIT
/*
 * life/report.c - what a stack holds, whether all of it is sound, and its socks as `ss` lists them
 */
#include "stack/life/life.h"
#include "stack/tcp/uapi.h"

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
	struct sock *sk; /* a listener or connection; NULL: a small one */
};

struct sock_list {
	struct sock_entry *entries;
	size_t count, room;
	const struct net *net;
};

static void list_timer(struct la_sock_info *info, const struct net *net, unsigned timer, uint32_t tick, unsigned retrans)
{
	info->timer = (uint8_t)timer;
	info->timer_ms = jiffies_to_msecs(max_t(int32_t, 0, (int32_t)(tick - net->next_tick)));
	info->timer_retrans = (uint8_t)retrans;
}

/* The one that ss shows: what is to be sent again comes before what keeps alive. */
static void list_sock_timer(struct la_sock_info *info, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (tcp_deadline_set(sk, SOCK_RETRANS) && tp->retrans_kind == ICSK_TIME_PROBE0)
		list_timer(info, sk->net, LA_TIMER_PROBE, sk->deadline[SOCK_RETRANS], tp->probes_out);
	else if (tcp_deadline_set(sk, SOCK_RETRANS))
		list_timer(info, sk->net, LA_TIMER_RETRANSMIT, sk->deadline[SOCK_RETRANS], tp->retransmits);
	else if (tcp_deadline_set(sk, SOCK_KEEPALIVE))
		list_timer(info, sk->net, LA_TIMER_KEEPALIVE, sk->deadline[SOCK_KEEPALIVE], tp->keepalive_probes);
}

static void list_sock(struct la_sock_info *info, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	info->cookie = sk->id;
	info->orphan = sock_flag(sk, SOCK_DEAD);
	info->shutdown = sk->shutdown;
	info->rmem = sk->rmem_alloc;
	info->rcvbuf = sk->rcvbuf;
	info->wmem = sk->wmem_queued;
	info->sndbuf = sk->sndbuf;
	list_sock_timer(info, sk);
	if (sk->common.state == TCP_LISTEN) {
		info->recv_q = tp->listen->ack_backlog;
		info->send_q = tp->listen->max_ack_backlog;
		return;
	}
	info->recv_q = tp->rcv_nxt - tp->copied_seq;
	info->send_q = tp->write_seq - tp->snd_una;
}

static void list_one(void *arg, struct sock_common *c)
{
	struct sock_list *list = arg;
	struct sock_entry *e = &list->entries[list->count];
	struct in6_addr daddr, saddr;
	const struct net *net = list->net;

	if (list->count == list->room)
		return;
	list->count++;
	sock_addrs(c, &daddr, &saddr);
	*e = (struct sock_entry){.info = {.state = c->state,
					  .family = c->family,
					  .sport = c->num,
					  .dport = c->dport,
					  .v6only = c->ipv6only}};
	memcpy(e->info.saddr, &saddr, 16);
	memcpy(e->info.daddr, &daddr, 16);
	switch (c->state) {
	case TCP_NEW_SYN_RECV:
		list_timer(&e->info, net, LA_TIMER_RETRANSMIT, c->timer.expires, req_from_common(c)->num_timeout);
		break;
	case TCP_TIME_WAIT:
		list_timer(&e->info, net, LA_TIMER_TIMEWAIT, c->timer.expires, 0);
		e->info.orphan = true;
		if (c->fin_wait2)
			e->info.state = TCP_FIN_WAIT2;
		break;
	default:
		e->sk = sk_from_common(c);
		list_sock(&e->info, e->sk);
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
	return order ? order : a->info.cookie < b->info.cookie ? -1 : a->info.cookie > b->info.cookie;
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

/* What would make the list itself long is told one by one. */
static bool visit_one(struct sock_entry *e, bool (*visit)(void *arg, const struct la_sock_info *info), void *arg)
{
	struct tcp_info tcp_info;

	if (e->sk) {
		tcp_get_info(e->sk, &tcp_info);
		e->info.tcp_info = &tcp_info;
		e->info.tcp_info_len = sizeof(tcp_info);
		e->info.congestion = tcp_congestion_name;
	}
	return visit(arg, &e->info);
}

/* By local port, then by addresses: the tables themselves have an order that depends on a key. Without memory for the
 * list nothing is shown. */
void la_socks(struct la_stack *stack, bool (*visit)(void *arg, const struct la_sock_info *info), void *arg)
{
	struct net *net = (struct net *)stack;
	struct sock_list list = {.room = net->hashinfo->pairs.count + net->hashinfo->listeners, .net = net};

	if (!list.room)
		return;
	list.entries = mem_alloc(&net->mem, list.room * sizeof(*list.entries));
	if (!list.entries)
		return;
	inet_walk(net, list_one, &list);
	entries_sort(list.entries, list.count);
	for (size_t i = 0; i < list.count && visit_one(&list.entries[i], visit, arg); i++)
		;
	mem_free(&net->mem, list.entries, list.room * sizeof(*list.entries));
}
