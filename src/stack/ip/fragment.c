// SPDX-License-Identifier: MIT
/*
 * ip/fragment.c - datagrams put together again
 *
 * In:   fragments that ip/input.c found good. All of one datagram meet in a struct frag_queue, found by addresses, id
 *       and (IPv4) protocol.
 * Here: its bytes lie in runs without a gap, one sk_buff each, in order; a fragment that touches a run is copied to its
 *       end, one that fills a gap joins two. A fragment inside a run is a duplicate and ignored; one that overlaps in
 *       part ends the datagram, because somebody plays games (RFC 5722).
 * Out:  when one run reaches from 0 to the end, it is the datagram: the run that begins at 0 carries the headers of the
 *       first fragment in front. Or TIMER_FRAG fires, and ICMP says so to a sender whose first fragment came.
 *
 * Memory is bounded for each family by ip(6)frag_high_thresh: while it is exceeded, fragments are dropped.
 */
#include "stack/ip/tables.h"

struct frag_key {
	struct in6_addr saddr, daddr;
	uint32_t id;
	uint8_t proto;	/* IPv6: 0 */
	uint8_t family; /* 4 or 6 */
	uint8_t zero[2]; /* hashed and compared too */
};

struct frag_queue {
	struct hnode node;     /* ip.frag_hash */
	struct list_head list; /* ip.frags */
	struct timer timer;
	struct frag_key key;
	struct sk_buff *runs; /* owned; seq, end_seq: offsets of the payload; mark: bytes of headers in front of it */
	uint32_t len;	      /* of the datagram's payload as far as known */
	bool last_in;	      /* len is final */
	uint8_t ecn;	      /* 1 << ECN field of each fragment */
	int ifindex;	      /* where the latest came from */
	uint32_t nhoff;	      /* IPv6: where the first fragment's headers name the fragment header, their last */
	uint32_t bytes;	      /* accounted to ip.frag_bytes */
};

/* One fragment, ready for a queue. @hdr: all headers in front of the payload, IPv6's fragment header among them. */
struct frag {
	const uint8_t *hdr, *payload;
	uint32_t hdr_len;
	uint32_t nhoff;
	uint32_t off, end;
	bool more;
	uint8_t dsfield;
};

enum frag_verdict { FRAG_QUEUED, FRAG_DUP, FRAG_OVERLAP, FRAG_CONFLICT, FRAG_NO_MEMORY };

static bool is_v4(const struct frag_queue *q)
{
	return q->key.family == 4;
}

static uint64_t *bytes_of(struct net *net, uint8_t family)
{
	return &net->ip->frag_bytes[family == 6];
}

static void count_fail(struct net *net, const struct frag_queue *q)
{
	NET_INC(net, is_v4(q) ? MIB_Ip_ReasmFails : MIB_Ip6_ReasmFails);
}

/* ------------------------------------------------------------------ queues */

void frag_init(struct net *net)
{
	htab_init(&net->ip->frag_hash, &net->mem);
	list_init(&net->ip->frags);
}

static void frag_account(struct net *net, struct frag_queue *q)
{
	struct sk_buff *run;

	*bytes_of(net, q->key.family) -= q->bytes;
	q->bytes = sizeof(*q);
	skb_queue_walk(q->runs, run)
		q->bytes += (uint32_t)sizeof(*run) + run->cap;
	*bytes_of(net, q->key.family) += q->bytes;
}

/* The runs outlive the queue where the caller has taken them off. */
static void frag_kill(struct net *net, struct frag_queue *q)
{
	timer_disarm(&net->wheel, &q->timer);
	htab_remove(&net->ip->frag_hash, &q->node);
	list_del_init(&q->list);
	skb_queue_purge(&net->skbs, &q->runs);
	*bytes_of(net, q->key.family) -= q->bytes;
	mem_free(&net->mem, q, sizeof(*q));
}

void frag_exit(struct net *net)
{
	struct frag_queue *q, *tmp;

	list_for_each_entry_safe(q, tmp, &net->ip->frags, list)
		frag_kill(net, q);
	htab_destroy(&net->ip->frag_hash);
}

static struct frag_queue *frag_create(struct net *net, const struct frag_key *key, uint32_t hash)
{
	struct frag_queue *q = mem_zalloc(&net->mem, sizeof(*q));
	int32_t seconds = key->family == 4 ? net->sysctl.ipfrag_time : net->sysctl.ip6frag_time;

	if (!q)
		return NULL;
	q->key = *key;
	q->timer.kind = TIMER_FRAG;
	list_init(&q->list);
	list_add_tail(&q->list, &net->ip->frags);
	htab_insert(&net->ip->frag_hash, &q->node, hash);
	timer_arm(&net->wheel, &q->timer, tick_after_ns(net, (uint64_t)seconds * NSEC_PER_SEC));
	frag_account(net, q);
	return q;
}

static struct frag_queue *frag_find(struct net *net, const struct frag_key *key)
{
	uint32_t hash = (uint32_t)siphash(key, sizeof(*key), &net->hash_key);
	int32_t limit = key->family == 4 ? net->sysctl.ipfrag_high_thresh : net->sysctl.ip6frag_high_thresh;
	struct hnode *n;

	if (*bytes_of(net, key->family) > (uint64_t)limit || !limit)
		return NULL;
	htab_for_each_candidate(n, &net->ip->frag_hash, hash) {
		struct frag_queue *q = container_of(n, struct frag_queue, node);

		if (!memcmp(&q->key, key, sizeof(*key)))
			return q;
	}
	return frag_create(net, key, hash);
}

/* ------------------------------------------------------------------ runs */

static struct sk_buff *run_of(struct net *net, const struct frag *f)
{
	uint32_t front = f->off ? 0 : f->hdr_len, len = f->end - f->off;
	struct sk_buff *run = skb_alloc(&net->skbs, front + len);

	if (!run)
		return NULL;
	memcpy(run->head, f->hdr, front);
	memcpy(run->head + front, f->payload, len);
	run->len = front + len;
	run->mark = front;
	run->seq = f->off;
	run->end_seq = f->end;
	return run;
}

/* Appends the bytes of @next, which begins where @run ends, and frees it. */
static bool run_join(struct net *net, struct sk_buff **runs, struct sk_buff *run, struct sk_buff *next)
{
	if (!skb_append(&net->skbs, run, skb_data(next), next->len))
		return false;
	run->end_seq = next->end_seq;
	skb_unlink(runs, next);
	skb_free(&net->skbs, next);
	return true;
}

static enum frag_verdict run_insert(struct net *net, struct frag_queue *q, const struct frag *f)
{
	struct sk_buff *next, *prev, *run;

	skb_queue_walk(q->runs, next) {
		if (f->end <= next->seq)
			break;
		if (f->off >= next->seq && f->end <= next->end_seq)
			return FRAG_DUP;
		if (f->off < next->end_seq)
			return FRAG_OVERLAP;
	}
	prev = next ? (next == q->runs ? NULL : next->prev) : skb_peek_tail(q->runs);
	if (prev && prev->end_seq == f->off) {
		if (!skb_append(&net->skbs, prev, f->payload, f->end - f->off))
			return FRAG_NO_MEMORY;
		prev->end_seq = f->end;
		run = prev;
	} else {
		run = run_of(net, f);
		if (!run)
			return FRAG_NO_MEMORY;
		if (!f->off)
			q->nhoff = f->nhoff;
		if (next)
			skb_queue_before(&q->runs, next, run);
		else
			skb_queue_tail(&q->runs, run);
	}
	if (next && next->seq == f->end && !run_join(net, &q->runs, run, next))
		return FRAG_NO_MEMORY;
	return FRAG_QUEUED;
}

/* Does the fragment agree with what is known of the length? */
static bool frag_fits(struct frag_queue *q, const struct frag *f)
{
	if (f->end == f->off)
		return false;
	if (!f->more) {
		if (f->end < q->len || (q->last_in && f->end != q->len))
			return false;
		q->last_in = true;
		q->len = f->end;
	} else if (f->end > q->len) {
		if (q->last_in)
			return false;
		q->len = f->end;
	}
	return true;
}

/* True: the datagram is complete. False: wait for more, or the queue is gone. */
static bool frag_queue_add(struct net *net, struct frag_queue *q, const struct frag *f)
{
	enum frag_verdict verdict = frag_fits(q, f) ? run_insert(net, q, f) : FRAG_CONFLICT;

	frag_account(net, q);
	if (verdict == FRAG_DUP)
		return false;
	if (verdict == FRAG_QUEUED) {
		q->ecn |= (uint8_t)(1 << (f->dsfield & INET_ECN_MASK));
		return q->last_in && q->runs->seq == 0 && q->runs->end_seq == q->len;
	}
	if (verdict == FRAG_OVERLAP && is_v4(q))
		NET_INC(net, MIB_IpExt_ReasmOverlaps);
	count_fail(net, q);
	frag_kill(net, q);
	return false;
}

/* RFC 3168 section 5.3: CE in one is CE in the whole; fragments with and without ECN do not belong together. */
static bool ecn_of_whole(uint8_t seen, uint8_t *ce)
{
	const uint8_t not_ect = 1 << 0, congested = 1 << INET_ECN_CE;

	*ce = seen & congested ? INET_ECN_CE : 0;
	return !(seen & not_ect) || seen == not_ect;
}

/* Ends the queue and gives the datagram: headers, then payload. NULL: it was none, and is counted. */
static struct sk_buff *frag_take(struct net *net, struct frag_queue *q, uint8_t *ce)
{
	struct sk_buff *skb = NULL;
	uint32_t len = q->runs->mark + q->len;
	uint32_t limit = IP_MAX_LEN + (is_v4(q) ? 0 : IP6_HDR_LEN + IP6_FRAG_HDR_LEN);

	if (ecn_of_whole(q->ecn, ce) && len <= limit) {
		skb = skb_dequeue(&q->runs);
		NET_INC(net, is_v4(q) ? MIB_Ip_ReasmOKs : MIB_Ip6_ReasmOKs);
	} else {
		count_fail(net, q);
	}
	frag_kill(net, q);
	return skb;
}

/* Of the first run only the first fragment is quoted, whose headers stand in front. */
void ip_frag_timeout(struct net *net, struct timer *t)
{
	struct frag_queue *q = container_of(t, struct frag_queue, timer);
	const struct sk_buff *first = q->runs && q->runs->seq == 0 ? q->runs : NULL;
	const uint8_t *p = first ? skb_data(first) : NULL;

	NET_INC(net, is_v4(q) ? MIB_Ip_ReasmTimeout : MIB_Ip6_ReasmTimeout);
	count_fail(net, q);
	if (first && is_v4(q))
		icmp_send(net, q->ifindex, p, get_be16(p + 2), ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, 0);
	else if (first)
		icmpv6_send(net, q->ifindex, p, IP6_HDR_LEN + get_be16(p + 4), ICMPV6_TIME_EXCEED,
			    ICMPV6_EXC_FRAGTIME, 0);
	frag_kill(net, q);
}

/* ------------------------------------------------------------------ IPv4 */

static void ip4_whole(struct net *net, struct frag_queue *q, enum dst_kind kind)
{
	int ifindex = q->ifindex;
	struct ip_header h;
	uint8_t ce, *p;
	struct sk_buff *skb = frag_take(net, q, &ce);

	if (!skb)
		return;
	p = skb_data(skb);
	p[1] |= ce;
	put_be16(p + 2, (uint16_t)skb->len);
	put_be16(p + 6, 0);
	ip4_update_csum(p);
	if (ip4_parse(&h, p, skb->len) == IP_HDR_OK)
		ip4_deliver(net, ifindex, p, &h, kind);
	skb_free(&net->skbs, skb);
}

void ip4_defrag(struct net *net, int ifindex, const uint8_t *p, const struct ip_header *h, enum dst_kind kind)
{
	struct frag_key key = { .saddr = h->saddr, .daddr = h->daddr, .id = h->id, .proto = h->proto, .family = 4 };
	struct frag f = {
		.hdr = p,
		.payload = p + h->hdr_len,
		.hdr_len = h->hdr_len,
		.off = (h->frag & IP_OFFSET) * 8u,
		.more = h->frag & IP_MF,
		.dsfield = h->dsfield,
	};
	struct frag_queue *q;

	f.end = f.off + h->len - h->hdr_len;
	if (f.more)
		f.end &= ~7u; /* what is beyond cannot be followed by anything */
	NET_INC(net, MIB_Ip_ReasmReqds);
	q = frag_find(net, &key);
	if (!q) {
		NET_INC(net, MIB_Ip_ReasmFails);
		return;
	}
	q->ifindex = ifindex;
	if (frag_queue_add(net, q, &f))
		ip4_whole(net, q, kind);
}

/* ------------------------------------------------------------------ IPv6 */

static void ip6_problem(struct net *net, const struct ip6_walk *walk, uint8_t code, uint32_t where)
{
	NET_INC(net, MIB_Ip6_InHdrErrors);
	icmpv6_param_prob(net, walk, code, where);
}

/* RFC 8200 section 4.5: the first fragment must hold all headers, the transport's included. Like Linux we let pass what
 * ends within an extension header. */
static bool first_is_too_short(const struct ip6_walk *walk)
{
	uint32_t off, need;
	uint8_t proto;

	if (!ip6_find_transport(walk->pkt, walk->len, &proto, &off))
		return false;
	if (proto == IPPROTO_TCP)
		need = TCP_HDR_LEN;
	else
		need = proto == IPPROTO_UDP || proto == IPPROTO_ICMPV6 ? 8 : 1;
	return walk->len - off < need;
}

/* The fragment header is the last one in front of the payload: the others move up to it. */
static void ip6_whole(struct net *net, struct frag_queue *q, bool multicast)
{
	struct ip6_walk walk = { .off = q->runs->mark - IP6_FRAG_HDR_LEN, .nhoff = q->nhoff, .fragmented = true,
				 .multicast = multicast, .ifindex = q->ifindex };
	struct ip_header h;
	uint8_t ce, *p;
	struct sk_buff *skb = frag_take(net, q, &ce);

	if (!skb)
		return;
	p = skb_data(skb);
	walk.next = p[walk.off];
	memmove(p + IP6_FRAG_HDR_LEN, p, walk.off);
	skb_pull(skb, IP6_FRAG_HDR_LEN);
	p = skb_data(skb);
	p[walk.nhoff] = walk.next;
	p[1] |= (uint8_t)(ce << 4);
	put_be16(p + 4, (uint16_t)(skb->len - IP6_HDR_LEN));
	if (ip6_parse(&h, p, skb->len) == IP_HDR_OK) {
		walk.h = &h;
		walk.pkt = p;
		walk.len = h.len;
		ip6_deliver(net, &walk);
	}
	skb_free(&net->skbs, skb);
}

void ip6_defrag(struct net *net, const struct ip6_walk *walk)
{
	const uint8_t *ext = walk->pkt + walk->off;
	struct frag f = {
		.hdr = walk->pkt,
		.payload = ext + IP6_FRAG_HDR_LEN,
		.hdr_len = walk->off + IP6_FRAG_HDR_LEN,
		.nhoff = walk->nhoff,
		.off = get_be16(ext + 2) & IP6_OFFSET,
		.more = get_be16(ext + 2) & IP6_MF,
		.dsfield = walk->h->dsfield,
	};
	struct frag_key key = {
		.saddr = walk->h->saddr, .daddr = walk->h->daddr, .id = get_be32(ext + 4), .family = 6
	};
	struct frag_queue *q;

	f.end = f.off + walk->len - f.hdr_len;
	if (!f.off && first_is_too_short(walk)) {
		ip6_problem(net, walk, ICMPV6_HDR_INCOMP, 0);
		return;
	}
	q = frag_find(net, &key);
	if (!q) {
		NET_INC(net, MIB_Ip6_ReasmFails);
		return;
	}
	if (f.end > IP_MAX_LEN) {
		ip6_problem(net, walk, ICMPV6_HDR_FIELD, walk->off + 2);
		return;
	}
	if (f.more && f.end % 8) {
		ip6_problem(net, walk, ICMPV6_HDR_FIELD, 4);
		return;
	}
	q->ifindex = walk->ifindex;
	if (frag_queue_add(net, q, &f))
		ip6_whole(net, q, walk->multicast);
}
