/* SPDX-License-Identifier: MIT */
/*
 * base/skb.h - a piece of a byte stream in a queue
 *
 * One sk_buff is one unit of a queue: of the send queues (cut where Linux cuts its units), of the receive queue, of the
 * out-of-order queue. Its bytes lie in one buffer that grows by doubling; up to SKB_INLINE bytes lie in the sk_buff
 * itself. A queue is one pointer to its first entry; the first entry's prev is the last one, the last one's next NULL.
 * Sequence space: end_seq - seq = len + SYN + FIN.
 */
#ifndef LA_SKB_H
#define LA_SKB_H

#include "base/mem.h"

#define SKB_INLINE 56
#define SKB_CLASSES 8 /* buffers from slabs, see SKB_CLASS_BYTES; larger ones from mem_alloc(), in powers of two */

/* A little under 256 << n, so that a chunk holds a power of two of them beside its header: 248, 504, ... 32736 */
#define SKB_CLASS_BYTES(n) ((SLAB_ROOM >> (SKB_CLASSES - (n))) & ~7u)

struct skb_pool {
	struct mem *mem;
	struct slab_cache heads;
	struct slab_cache buf[SKB_CLASSES];
	uint64_t count; /* sk_buffs alive */
	uint64_t large; /* bytes of buffers that no slab gave */
};

struct sk_buff {
	struct sk_buff *next, *prev;
	uint8_t *head;	   /* buffer, or inline_data */
	uint32_t cap;	   /* of the buffer */
	uint32_t off;	   /* first byte still wanted */
	uint32_t len;	   /* bytes from there on */
	uint32_t seq, end_seq;
	uint8_t tcp_flags; /* TCPHDR_*: FIN, SYN, PSH as they will be or were sent */
	uint8_t sacked;	   /* TCPCB_* */
	bool eor;	   /* no more may be appended (MSG_EOR) */
	uint8_t retrans;   /* times retransmitted, saturating */
	uint16_t gso_segs; /* segments that it counts for; 0: not yet known */
	uint16_t gso_size; /* payload of each */
	uint64_t sent_ns;  /* when it last left; 0: never */
	uint32_t mark;	   /* owner's: position of urgent byte and the like */
	uint8_t inline_data[SKB_INLINE];
};

void skb_pool_init(struct skb_pool *pool, struct mem *mem);
void skb_pool_destroy(struct skb_pool *pool); /* every sk_buff has been freed */
uint64_t skb_pool_bytes(const struct skb_pool *pool); /* of all sk_buffs and their buffers */

struct sk_buff *skb_alloc(struct skb_pool *pool, uint32_t room); /* empty, zeroed head; NULL: no memory */
void skb_free(struct skb_pool *pool, struct sk_buff *skb);	  /* NULL is allowed; must be in no queue */
bool skb_reserve_tail(struct skb_pool *pool, struct sk_buff *skb, uint32_t more); /* room for @more behind the data */
static inline uint8_t *skb_data(const struct sk_buff *skb) { return skb->head + skb->off; }
static inline uint8_t *skb_tail(const struct sk_buff *skb) { return skb->head + skb->off + skb->len; }
bool skb_append(struct skb_pool *pool, struct sk_buff *skb, const void *data, uint32_t len); /* seq fields untouched */
static inline void skb_pull(struct sk_buff *skb, uint32_t n) { skb->off += n; skb->len -= n; } /* from the front */

/* queues: struct sk_buff *queue; */
void skb_queue_tail(struct sk_buff **queue, struct sk_buff *skb);
void skb_queue_head(struct sk_buff **queue, struct sk_buff *skb);
void skb_queue_after(struct sk_buff **queue, struct sk_buff *pos, struct sk_buff *skb);
void skb_queue_before(struct sk_buff **queue, struct sk_buff *pos, struct sk_buff *skb);
void skb_unlink(struct sk_buff **queue, struct sk_buff *skb);
struct sk_buff *skb_dequeue(struct sk_buff **queue); /* NULL: empty */
void __skb_queue_purge(struct skb_pool *pool, struct sk_buff **queue);
static inline void skb_queue_purge(struct skb_pool *pool, struct sk_buff **queue)
{
	if (unlikely(*queue))
		__skb_queue_purge(pool, queue);
}
static inline struct sk_buff *skb_peek_tail(struct sk_buff *queue) { return queue ? queue->prev : NULL; }
#define skb_queue_walk(queue, skb) for (skb = (queue); skb; skb = skb->next)
#define skb_queue_walk_safe(queue, skb, tmp) \
	for (skb = (queue); skb && (tmp = skb->next, 1); skb = tmp)

#endif
