// SPDX-License-Identifier: MIT
/*
 * lab/invariants.c - keeps account of what was promised, and notices when a promise is broken
 *
 * In:   frames as they leave and arrive, traces, calls and results (struct lab_observer).
 * Here: a lab_pair for each host's side of each address pair keeps the numbers seen on the wire since the last SYN; a
 *       lab_half for each sock what its owner has read. A sock is found from a descriptor by SO_COOKIE, which is the
 *       number that traces show.
 * Out:  lab_invariants_check(): NULL, or a sentence.
 */
#include "lab/invariants.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/wire.h"

enum { HEADS = 256, FINS = 64 };

/* Linux's numbers, as traces and la_socks() show them; the names of <netinet/tcp.h> but for the last. */
enum { STATE_REQUEST = 12 };

struct lab_pair {
	struct lab_pair *next, *next_uneven;
	struct lab_host *host;
	uint8_t key[36]; /* our address, the peer's, our port, the peer's */

	/* since the last SYN or SYN-ACK of ours: one incarnation of the pair */
	uint64_t incarnation;
	uint32_t isn;		       /* ours */
	uint32_t first, acked;	       /* what we acknowledged first and furthest: the peer's stream begins at @first */
	uint32_t peer_acked, sent_to;  /* the same of the peer; how far we have sent */
	bool open, acks, heard, sends; /* the four pairs of numbers above are known */
	bool reset, urgent;	       /* a RST was sent or received; urgent data came, which recv() may leave out */
	bool timewait;
	uint32_t fins[FINS]; /* the numbers behind the FINs that arrived, the last ones */
	unsigned nr_fins;

	/* of the present entry: RSTs, and a sock that was closed */
	unsigned sent, traced;
	const struct lab_half *closed;

	uint64_t heard_ns, moved_ns, progress_ns; /* a frame came; something changed; the peer acknowledged more */
};

struct lab_half {
	struct lab_half *next;
	struct lab_host *host;
	uint64_t id;
	struct lab_pair *pair;
	uint64_t incarnation;
	uint64_t read;
	unsigned reading;	    /* calls that have not returned: what they took is not known yet */
	bool deaf;		    /* its owner gave up reading, or it was given up */
	bool fin_queued, fin_taken; /* ours; the peer's */
	bool passive;		    /* the peer's was the first */
};

/* ------------------------------------------------------------------ breaking */

__attribute__((format(printf, 3, 4))) static void broken(struct lab_invariants *inv, const struct lab_host *host,
							 const char *format, ...)
{
	va_list args;
	int n;

	if (inv->broken[0])
		return;
	n = snprintf(inv->broken, sizeof(inv->broken), "%s, %.6f s: ", host->name,
		     (double)(inv->world->now_ns - LAB_START_NS) / 1e9);
	va_start(args, format);
	vsnprintf(inv->broken + n, sizeof(inv->broken) - (size_t)n, format, args);
	va_end(args);
}

/* A host without memory may be unable to keep a promise. */
static bool lacks_memory(const struct lab_host *host)
{
	return host->objects.refused || host->blocks.refused;
}

/* ------------------------------------------------------------------ who is meant */

static void pair_key(uint8_t key[36], const uint8_t ours[16], const uint8_t theirs[16], uint16_t sport, uint16_t dport)
{
	memcpy(key, ours, 16);
	memcpy(key + 16, theirs, 16);
	memcpy(key + 32, &sport, 2);
	memcpy(key + 34, &dport, 2);
}

static struct lab_pair *pair_get(struct lab_invariants *inv, struct lab_host *host, const uint8_t key[36])
{
	uint32_t hash = 2166136261U + host->number;
	struct lab_pair **head, *pair;

	for (int i = 12; i < 36; i++)
		hash = (hash ^ key[i]) * 16777619U;
	head = &inv->pairs[hash % HEADS];
	for (pair = *head; pair; pair = pair->next) {
		if (pair->host == host && !memcmp(pair->key, key, sizeof(pair->key)))
			return pair;
	}
	pair = lab_zalloc(sizeof(*pair));
	pair->host = host;
	memcpy(pair->key, key, sizeof(pair->key));
	pair->moved_ns = inv->world->now_ns;
	pair->next = *head;
	return *head = pair;
}

static struct lab_pair *pair_of_event(struct lab_invariants *inv, struct lab_host *host,
				      const struct la_trace_event *event)
{
	uint8_t key[36];

	if (event->kind != LA_TRACE_RST && (!event->sport || !event->dport))
		return NULL; /* a listener, or a sock without a port; a RST may be to port 0 */
	pair_key(key, event->saddr, event->daddr, event->sport, event->dport);
	return pair_get(inv, host, key);
}

static struct lab_half *half_get(struct lab_invariants *inv, struct lab_host *host, uint64_t id)
{
	struct lab_half **head = &inv->halves[(id * 7 + host->number) % HEADS], *half;

	for (half = *head; half; half = half->next) {
		if (half->host == host && half->id == id)
			return half;
	}
	half = lab_zalloc(sizeof(*half));
	half->host = host;
	half->id = id;
	half->next = *head;
	return *head = half;
}

/* The sock behind a descriptor of @thread, or NULL. Not to be asked from within an entry. */
static struct lab_half *half_of_fd(struct lab_invariants *inv, const struct lab_thread *thread, int fd)
{
	uint64_t id = 0;
	socklen_t len = sizeof(id);

	if (fd < 0 || la_getsockopt(thread->task, fd, SOL_SOCKET, SO_COOKIE, &id, &len, inv->world->now_ns))
		return NULL;
	return half_get(inv, thread->host, id);
}

/* The pair, if the sock's connection is still the one that its numbers belong to. */
static struct lab_pair *half_pair(const struct lab_half *half)
{
	return half->pair && half->pair->incarnation == half->incarnation ? half->pair : NULL;
}

/* ------------------------------------------------------------------ frames */

static bool is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static bool fin_arrived(const struct lab_pair *pair, uint32_t end)
{
	for (unsigned i = 0; i < FINS && i < pair->nr_fins; i++) {
		if (pair->fins[i] == end)
			return true;
	}
	return false;
}

static void uneven(struct lab_invariants *inv, struct lab_pair *pair)
{
	for (struct lab_pair *other = inv->uneven; other; other = other->next_uneven) {
		if (other == pair)
			return;
	}
	pair->next_uneven = inv->uneven;
	inv->uneven = pair;
}

/* A SYN with a number of its own begins the pair anew; what was promised before is another connection's. */
static void begin_anew(struct lab_pair *pair, uint32_t isn)
{
	if (pair->open && pair->isn == isn)
		return;
	pair->incarnation++;
	pair->isn = isn;
	pair->open = true;
	pair->acks = pair->heard = pair->sends = pair->reset = pair->urgent = pair->timewait = false;
	pair->nr_fins = 0;
}

static void note_acknowledged(struct lab_pair *pair, uint32_t ack)
{
	if (!pair->acks) {
		pair->acks = true;
		pair->first = pair->acked = ack;
	} else if (is_after(ack, pair->acked)) {
		pair->acked = ack;
	}
}

static void on_sent(struct lab_observer *obs, struct lab_wire *wire, enum lab_end from, const struct lab_frame *frame,
		    enum lab_fate fate)
{
	struct lab_invariants *inv = lab_container_of(obs, struct lab_invariants, observer);
	struct lab_host *host = wire->port[from].host;
	struct lab_segment seg;
	struct lab_pair *pair;
	uint8_t key[36];
	uint32_t end;

	(void)fate;
	if (!host || !lab_segment_read(&seg, frame->bytes, frame->len) || seg.protocol != IPPROTO_TCP || seg.fragment)
		return;
	pair_key(key, seg.saddr, seg.daddr, seg.sport, seg.dport);
	pair = pair_get(inv, host, key);
	if (seg.flags & LAB_RST) {
		inv->resets++;
		pair->reset = true;
		pair->sent++;
		uneven(inv, pair);
		return;
	}
	if (seg.flags & LAB_SYN)
		begin_anew(pair, seg.seq);
	if (seg.flags & LAB_ACK)
		note_acknowledged(pair, seg.ack);
	end = seg.seq + lab_segment_span(&seg);
	if (!pair->sends || is_after(end, pair->sent_to)) {
		pair->sends = true;
		pair->sent_to = end;
		pair->moved_ns = inv->world->now_ns;
	}
}

static void on_arrived(struct lab_observer *obs, struct lab_wire *wire, enum lab_end at, const struct lab_frame *frame)
{
	struct lab_invariants *inv = lab_container_of(obs, struct lab_invariants, observer);
	struct lab_host *host = wire->port[at].host;
	struct lab_segment seg;
	struct lab_pair *pair;
	uint8_t key[36];

	if (!host || !lab_segment_read(&seg, frame->bytes, frame->len) || seg.protocol != IPPROTO_TCP || seg.broken)
		return;
	pair_key(key, seg.daddr, seg.saddr, seg.dport, seg.sport);
	pair = pair_get(inv, host, key);
	pair->heard_ns = inv->world->now_ns;
	if (seg.flags & LAB_RST)
		pair->reset = true;
	if (seg.flags & LAB_URG)
		pair->urgent = true;
	if (seg.flags & LAB_FIN && !fin_arrived(pair, seg.seq + lab_segment_span(&seg)))
		pair->fins[pair->nr_fins++ % FINS] = seg.seq + lab_segment_span(&seg);
	if (seg.flags & LAB_ACK && (!pair->heard || is_after(seg.ack, pair->peer_acked))) {
		pair->heard = true;
		pair->peer_acked = seg.ack;
		pair->progress_ns = inv->world->now_ns;
	}
}

/* ------------------------------------------------------------------ traces */

/* Is it answered over a wire? What a host says to itself, nobody sees. */
static bool peer_is_on_a_wire(const struct lab_pair *pair)
{
	for (struct lab_wire *wire = pair->host->world->wires; wire; wire = wire->next) {
		for (int end = LAB_A; end <= LAB_B; end++) {
			uint8_t v4[16], v6[16];

			if (wire->port[end].host != pair->host)
				continue;
			lab_wire_addr16(wire, !end, AF_INET, v4);
			lab_wire_addr16(wire, !end, AF_INET6, v6);
			if (!memcmp(pair->key + 16, v4, 16) || !memcmp(pair->key + 16, v6, 16))
				return true;
		}
	}
	return false;
}

static void on_rst(struct lab_invariants *inv, struct lab_host *host, const struct la_trace_event *event)
{
	struct lab_pair *pair = pair_of_event(inv, host, event);

	if (!strcmp(event->cause, "none") || !event->cause[0] || !event->row[0])
		broken(inv, host, "a RST of port %u without a cause: cause=%s row=%s", event->sport, event->cause,
		       event->row);
	else if (!event->reason[0] || !strcmp(event->reason, "NOT_SPECIFIED"))
		broken(inv, host, "a RST of port %u without Linux's reason: cause=%s", event->sport, event->cause);
	pair->traced++;
	uneven(inv, pair);
}

/* The owner lets go. A call that held the file to the last returns behind this: what is unread shows at the entry's end. */
static void on_tcp_close(struct lab_invariants *inv, const struct lab_half *half, unsigned state)
{
	struct lab_pair *pair = half_pair(half);

	if (!pair || state == TCP_CLOSE || state == TCP_LISTEN || half->deaf || pair->reset)
		return;
	pair->closed = half;
	uneven(inv, pair);
}

/* A stand-in is made, moves, or ends. */
static void on_stand_in(struct lab_invariants *inv, struct lab_host *host, const struct la_trace_event *event)
{
	struct lab_pair *pair = pair_of_event(inv, host, event);

	if (!pair || event->newstate != TCP_TIME_WAIT)
		return;
	inv->timewaits++;
	pair->timewait = true;
	if (event->oldstate != TCP_FIN_WAIT1 && event->oldstate != TCP_FIN_WAIT2 && event->oldstate != TCP_CLOSING)
		broken(inv, host, "port %u: TIME_WAIT out of %s", event->sport, la_state_name(event->oldstate));
}

/* The sock of a connection that both sides have closed is gone: has it left a stand-in exactly if it has to? */
static void on_closed(struct lab_invariants *inv, struct lab_half *half, const struct la_trace_event *event)
{
	struct lab_pair *pair = half_pair(half);
	bool both = !strcmp(event->cause, "fin_both"), last = !strcmp(event->cause, "fin_last_ack");

	if (!pair || !(both || last))
		return;
	if (both != pair->timewait)
		broken(inv, half->host, "port %u: %s TIME_WAIT after %s", event->sport, both ? "no" : "a",
		       event->cause);
	if (both && (half->passive || !half->fin_queued) && !lacks_memory(half->host))
		broken(inv, half->host, "port %u: TIME_WAIT on the side that closed second", event->sport);
	if (last && !half->passive)
		broken(inv, half->host, "port %u: no TIME_WAIT on the side that closed first", event->sport);
}

static bool ends_in_order(const char *cause)
{
	return !strncmp(cause, "fin_", 4) || !strcmp(cause, "time_wait_overflow");
}

static void on_state(struct lab_invariants *inv, struct lab_half *half, struct lab_pair *pair,
		     const struct la_trace_event *event)
{
	switch (event->newstate) {
	case TCP_SYN_SENT:
		half->read = 0;
		half->fin_queued = half->fin_taken = half->passive = false;
		break;
	case TCP_CLOSE_WAIT:
		half->fin_taken = half->passive = true;
		break;
	case TCP_CLOSING:
		half->fin_taken = true;
		break;
	case TCP_CLOSE:
		on_closed(inv, half, event);
		half->deaf |= !ends_in_order(event->cause);
		return;
	}
	if (pair && (event->oldstate == TCP_SYN_SENT || event->oldstate == TCP_SYN_RECV || !event->oldstate)) {
		half->pair = pair;
		half->incarnation = pair->incarnation;
	}
}

static void on_trace(struct lab_observer *obs, struct lab_host *host, const struct la_trace_event *event)
{
	struct lab_invariants *inv = lab_container_of(obs, struct lab_invariants, observer);
	struct lab_half *half = event->id ? half_get(inv, host, event->id) : NULL;
	struct lab_pair *pair = pair_of_event(inv, host, event);

	if (pair && event->kind == LA_TRACE_STATE)
		pair->moved_ns = inv->world->now_ns;
	switch (event->kind) {
	case LA_TRACE_RST:
		on_rst(inv, host, event);
		break;
	case LA_TRACE_FIN:
		if (half)
			half->fin_queued = true;
		break;
	case LA_TRACE_STATE:
		if (half)
			on_state(inv, half, pair, event);
		else
			on_stand_in(inv, host, event);
		break;
	case LA_TRACE_STEP:
		if (half && !strcmp(event->name, "tcp_close"))
			on_tcp_close(inv, half, event->oldstate);
		if (pair)
			pair->moved_ns = inv->world->now_ns;
		break;
	case LA_TRACE_DROP:
		break;
	}
}

/* ------------------------------------------------------------------ calls */

/* Options that make a silence longer than the sysctls say. */
static bool stretches(const struct la_op_description *call)
{
	return !strcmp(call->name, "setsockopt") && call->args[0] == SOL_TCP &&
	       (call->args[1] == TCP_USER_TIMEOUT || call->args[1] == TCP_SYNCNT || call->args[1] == TCP_DEFER_ACCEPT ||
		call->args[1] == TCP_LINGER2);
}

static void on_called(struct lab_observer *obs, struct lab_call *call)
{
	struct lab_invariants *inv = lab_container_of(obs, struct lab_invariants, observer);
	const struct la_op_description *what = &call->what;
	struct lab_half *half;

	lab_invariants_check(inv); /* of what was done since without a call: exit, exec, a file put back */
	inv->stretched |= stretches(what);
	half = half_of_fd(inv, &call->thread, what->fd);
	call->watched = half;
	if (!half)
		return;
	if (half->pair)
		half->pair->moved_ns = inv->world->now_ns;
	half->reading += !strcmp(what->name, "recvmsg");
	if (!strcmp(what->name, "shutdown") && what->args[0] != SHUT_WR)
		half->deaf = true;
	if (!strcmp(what->name, "connect") && half_pair(half))
		half->deaf = true; /* a disconnect may be meant */
}

static uint16_t peer_port(const struct lab_pair *pair)
{
	uint16_t port;

	memcpy(&port, pair->key + 34, 2);
	return port;
}

static void on_end_of_file(struct lab_invariants *inv, const struct lab_half *half)
{
	const struct lab_pair *pair = half_pair(half);
	uint32_t place;

	if (!pair || !pair->acks || pair->reset || pair->urgent || half->deaf || !peer_is_on_a_wire(pair))
		return;
	inv->ends++;
	place = pair->first + (uint32_t)half->read;
	if (!fin_arrived(pair, place + 1))
		broken(inv, half->host, "from port %u: end of file after %llu bytes, where no FIN stands",
		       peer_port(pair), (unsigned long long)half->read);
	else if (is_after(pair->acked, place + 1))
		broken(inv, half->host, "from port %u: %u bytes acknowledged behind the end of file", peer_port(pair),
		       pair->acked - place - 1);
}

static void on_returned(struct lab_observer *obs, struct lab_call *call)
{
	struct lab_invariants *inv = lab_container_of(obs, struct lab_invariants, observer);
	struct lab_half *half = call->watched;

	if (!half || strcmp(call->what.name, "recvmsg"))
		return;
	half->reading--;
	if (call->what.args[0] & (MSG_OOB | MSG_ERRQUEUE))
		return;
	if (call->result > 0 && !(call->what.args[0] & MSG_PEEK))
		half->read += (uint64_t)call->result;
	if (!call->result && call->what.len)
		on_end_of_file(inv, half);
}

/* ------------------------------------------------------------------ between entries */

/* What was acknowledged and not read when its owner let go. */
static int64_t unread(const struct lab_pair *pair)
{
	bool fin;

	if (!pair->closed || pair->closed->reading || !pair->acks || pair->urgent)
		return 0; /* a reader that lingers after its last byte has not told of it yet */
	fin = pair->closed->fin_taken || fin_arrived(pair, pair->acked);
	return (int64_t)(pair->acked - pair->first) - fin - (int64_t)pair->closed->read;
}

/* A queue with a limit refuses a frame, a RST too (TCPAbortFailed), before anybody sees it. */
static bool may_be_refused(const struct lab_host *host)
{
	for (const struct lab_wire *wire = host->world->wires; wire; wire = wire->next) {
		for (int end = LAB_A; end <= LAB_B; end++) {
			if (wire->port[end].host == host && wire->road[end].weather.queue_bytes)
				return true;
		}
	}
	return false;
}

static void check_entry(struct lab_invariants *inv, struct lab_pair *pair)
{
	bool excused = lacks_memory(pair->host) || may_be_refused(pair->host);
	unsigned port = peer_port(pair);

	if (!peer_is_on_a_wire(pair))
		return;
	if (pair->sent > pair->traced)
		broken(inv, pair->host, "a RST to port %u left untraced", port);
	if (pair->sent < pair->traced && !excused)
		broken(inv, pair->host, "a RST to port %u was traced and did not leave", port);
	if (!pair->sent && unread(pair) > 0 && !excused)
		broken(inv, pair->host, "the connection to port %u was closed with %d bytes unread, and no RST left",
		       port, (int)unread(pair));
}

static void check_resets(struct lab_invariants *inv)
{
	struct lab_pair *pair;

	while ((pair = inv->uneven)) {
		inv->uneven = pair->next_uneven;
		check_entry(inv, pair);
		pair->sent = pair->traced = 0;
		pair->closed = NULL;
	}
}

static uint64_t sysctl_of(const struct lab_host *host, const char *name)
{
	char text[32] = "0";

	la_sysctl_get(host->stack, name, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* What @times doublings of @first_ns take, none longer than @most_ns. */
static uint64_t doublings(uint64_t times, uint64_t first_ns, uint64_t most_ns)
{
	uint64_t sum = 0;

	for (; times; times--, first_ns *= 2) {
		if (first_ns > most_ns)
			first_ns = most_ns;
		sum += first_ns;
	}
	return sum;
}

/*
 * How long a sock may last without a word from its peer, or LAB_NEVER. All begin with what Linux calls the model time
 * and end with the timer that notices, at most one longest RTO later:
 *
 *	TIME_WAIT   60 s                                                       TW-01
 *	request     tcp_synack_retries doublings of 1 s                       HS-04
 *	SYN_SENT    linear ones and tcp_syn_retries doublings of 1 s          HS-06
 *	FIN_WAIT2   orphan: tcp_fin_timeout, perhaps twice, or 3.5 RTO         F2-05, F2-15
 *	orphan      tcp_orphan_retries doublings; a closed window until the back-off is at its maximum   OR-02, OR-04
 *	owner       in flight or waiting for a window: tcp_retries2 steps      TM-02, TM-04, TM-07
 */
static uint64_t longest_silence_ns(const struct lab_host *host, const struct la_sock_info *info)
{
	uint64_t rto_max_ns = sysctl_of(host, "tcp_rto_max_ms") * LAB_MS, retries;

	switch (info->state) {
	case TCP_TIME_WAIT:
		return 60 * LAB_S;
	case STATE_REQUEST:
		return doublings(sysctl_of(host, "tcp_synack_retries") + 1, LAB_S, rto_max_ns);
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		if (!info->send_q)
			return LAB_NEVER;
		return (sysctl_of(host, "tcp_syn_linear_timeouts") + 1) * LAB_S + rto_max_ns +
		       doublings(sysctl_of(host, "tcp_syn_retries") + 1, LAB_S, rto_max_ns);
	case TCP_FIN_WAIT2:
		if (!info->orphan)
			return LAB_NEVER;
		return 2 * sysctl_of(host, "tcp_fin_timeout") * LAB_S + 7 * rto_max_ns / 2;
	case TCP_LISTEN:
		return LAB_NEVER;
	}
	if (info->orphan) {
		retries = sysctl_of(host, "tcp_orphan_retries");
		return doublings((retries ? retries : 8) + 1, LAB_S / 5, rto_max_ns) + 3 * rto_max_ns;
	}
	return info->send_q ? (sysctl_of(host, "tcp_retries2") + 2) * rto_max_ns : LAB_NEVER;
}

struct silence {
	struct lab_invariants *inv;
	struct lab_host *host;
};

/* Orphans are bounded whatever the peer answers, unless it takes what they have. */
static bool look_for_silence(void *arg, const struct la_sock_info *info)
{
	struct silence *silence = arg;
	struct lab_invariants *inv = silence->inv;
	struct lab_pair *pair;
	uint64_t since_ns, limit_ns;
	uint8_t key[36];

	pair_key(key, info->saddr, info->daddr, info->sport, info->dport);
	pair = pair_get(inv, silence->host, key);
	since_ns = info->orphan && info->state != TCP_TIME_WAIT ? pair->progress_ns : pair->heard_ns;
	if (pair->moved_ns > since_ns)
		since_ns = pair->moved_ns;
	limit_ns = longest_silence_ns(silence->host, info);
	if (limit_ns != LAB_NEVER && inv->world->now_ns > since_ns + limit_ns + LAB_S)
		broken(inv, silence->host, "port %u is in %s%s for %.0f s, more than Linux's %.0f s", info->sport,
		       la_state_name(info->state), info->orphan ? " as an orphan" : "",
		       (double)(inv->world->now_ns - since_ns) / 1e9, (double)limit_ns / 1e9);
	return true;
}

static void check_silence(struct lab_invariants *inv)
{
	if (inv->stretched || inv->world->now_ns < inv->looked_ns + 20 * LAB_S)
		return;
	inv->looked_ns = inv->world->now_ns;
	for (struct lab_host *host = inv->world->hosts; host; host = host->next) {
		struct silence silence = {inv, host};

		if (!lacks_memory(host) && !host->objects.nth && !host->blocks.nth)
			la_socks(host->stack, look_for_silence, &silence);
	}
}

/* ------------------------------------------------------------------ from outside */

void lab_invariants_watch(struct lab_invariants *inv, struct lab_world *world)
{
	inv->world = world;
	inv->looked_ns = world->now_ns;
	inv->pairs = lab_zalloc(HEADS * sizeof(*inv->pairs));
	inv->halves = lab_zalloc(HEADS * sizeof(*inv->halves));
	inv->observer = (struct lab_observer){.trace = on_trace,
					      .sent = on_sent,
					      .arrived = on_arrived,
					      .called = on_called,
					      .returned = on_returned};
	lab_world_observe(world, &inv->observer);
}

const char *lab_invariants_check(struct lab_invariants *inv)
{
	struct lab_host *host;
	const char *wrong;

	check_resets(inv);
	check_silence(inv);
	wrong = lab_check(inv->world, &host);
	if (wrong)
		broken(inv, host, "la_check(): %s", wrong);
	return inv->broken[0] ? inv->broken : NULL;
}

const char *lab_invariants_rest(struct lab_invariants *inv)
{
	for (struct lab_host *host = inv->world->hosts; host; host = host->next) {
		struct la_usage u;

		la_usage(host->stack, &u);
		if (u.tasks | u.files | u.sockets | u.socks | u.requests | u.timewaits | u.skbs | u.orphans | u.timers |
		    u.ops)
			broken(inv, host,
			       "left: %d tasks, %d files, %d sockets, %d socks, %d requests, %d timewaits, %d skbs, "
			       "%d orphans, %d timers, %d ops",
			       (int)u.tasks, (int)u.files, (int)u.sockets, (int)u.socks, (int)u.requests,
			       (int)u.timewaits, (int)u.skbs, (int)u.orphans, (int)u.timers, (int)u.ops);
	}
	return lab_invariants_check(inv);
}

void lab_invariants_free(struct lab_invariants *inv)
{
	for (size_t i = 0; i < HEADS; i++) {
		for (struct lab_pair *pair = inv->pairs[i], *next; pair; pair = next) {
			next = pair->next;
			free(pair);
		}
		for (struct lab_half *half = inv->halves[i], *next; half; half = next) {
			next = half->next;
			free(half);
		}
	}
	free(inv->pairs);
	free(inv->halves);
	*inv = (struct lab_invariants){0};
}
