// SPDX-License-Identifier: MIT
/*
 * base/skb.c - pieces of a byte stream, and the queues of them
 *
 * In:   skb_alloc() takes the struct from one slab and, for more than SKB_INLINE bytes, a buffer from the slab of the
 *       smallest class that has room. skb_append() fills it; a buffer that grows too small is replaced by one twice
 *       as large.
 * Out:  skb_pull() only moves the front; skb_free() gives both back.
 */
#include "base/skb.h"

void skb_pool_init(struct skb_pool *pool, struct mem *mem)
{
	static const char *const name[SKB_CLASSES] = {
		"skb_248", "skb_504", "skb_1016", "skb_2040", "skb_4088", "skb_8184", "skb_16368", "skb_32736",
	};

	static_assert(sizeof(struct sk_buff) == 128, "two cache lines");
	static_assert(SKB_CLASS_BYTES(0) == 248 && SKB_CLASS_BYTES(7) == 32736, "as the names say");
	pool->mem = mem;
	pool->count = pool->large = 0;
	slab_init(&pool->heads, mem, "sk_buff", sizeof(struct sk_buff));
	for (unsigned n = 0; n < SKB_CLASSES; n++)
		slab_init(&pool->buf[n], mem, name[n], SKB_CLASS_BYTES(n));
}

void skb_pool_destroy(struct skb_pool *pool)
{
	assert(pool->count == 0); /* a large buffer would be lost */
	slab_destroy(&pool->heads);
	for (unsigned n = 0; n < SKB_CLASSES; n++)
		slab_destroy(&pool->buf[n]);
}

uint64_t skb_pool_bytes(const struct skb_pool *pool)
{
	uint64_t bytes = pool->heads.objects * sizeof(struct sk_buff) + pool->large;

	for (unsigned n = 0; n < SKB_CLASSES; n++)
		bytes += pool->buf[n].objects * SKB_CLASS_BYTES(n);
	return bytes;
}

/* The smallest class that holds @bytes; SKB_CLASSES: none does. */
static unsigned skb_class(uint32_t bytes)
{
	unsigned n = bytes <= 256 ? 0 : 24 - __builtin_clz(bytes - 1);

	if (n >= SKB_CLASSES)
		return SKB_CLASSES;
	return bytes <= SKB_CLASS_BYTES(n) ? n : n + 1;
}

static uint8_t *skb_buffer_alloc(struct skb_pool *pool, uint32_t room, uint32_t *cap)
{
	unsigned n = skb_class(room);
	uint8_t *large;

	if (likely(n < SKB_CLASSES)) {
		*cap = SKB_CLASS_BYTES(n);
		return slab_alloc(&pool->buf[n]);
	}
	if (room > 1u << 30)
		return NULL;
	*cap = 1u << (32 - __builtin_clz(room - 1));
	large = mem_alloc(pool->mem, *cap);
	if (large)
		pool->large += *cap;
	return large;
}

static void skb_buffer_free(struct skb_pool *pool, struct sk_buff *skb)
{
	unsigned n;

	if (likely(skb->head == skb->inline_data))
		return;
	n = skb_class(skb->cap);
	if (likely(n < SKB_CLASSES)) {
		slab_free(&pool->buf[n], skb->head);
		return;
	}
	mem_free(pool->mem, skb->head, skb->cap);
	pool->large -= skb->cap;
}

struct sk_buff *skb_alloc(struct skb_pool *pool, uint32_t room)
{
	struct sk_buff *skb = slab_alloc(&pool->heads);

	if (!skb)
		return NULL;
	memset(skb, 0, offsetof(struct sk_buff, inline_data));
	skb->head = skb->inline_data;
	skb->cap = SKB_INLINE;
	if (unlikely(room > SKB_INLINE)) {
		skb->head = skb_buffer_alloc(pool, room, &skb->cap);
		if (!skb->head) {
			slab_free(&pool->heads, skb);
			return NULL;
		}
	}
	pool->count++;
	return skb;
}

void skb_free(struct skb_pool *pool, struct sk_buff *skb)
{
	if (!skb)
		return;
	assert(!skb->next && !skb->prev);
	skb_buffer_free(pool, skb);
	slab_free(&pool->heads, skb);
	pool->count--;
}

/* The data move to the front of the same buffer where that frees more than it costs, else to a larger one. */
bool skb_reserve_tail(struct skb_pool *pool, struct sk_buff *skb, uint32_t more)
{
	uint64_t need = (uint64_t)skb->len + more;
	uint32_t cap;
	uint8_t *head;

	if (likely(skb->off + need <= skb->cap))
		return true;
	if (need <= skb->cap && skb->off >= skb->len) {
		memmove(skb->head, skb_data(skb), skb->len);
		skb->off = 0;
		return true;
	}
	if (need > UINT32_MAX)
		return false;
	head = skb_buffer_alloc(pool, max((uint32_t)need, min(2 * skb->cap, 65536u)), &cap);
	if (!head)
		return false;
	memcpy(head, skb_data(skb), skb->len);
	skb_buffer_free(pool, skb);
	skb->head = head;
	skb->cap = cap;
	skb->off = 0;
	return true;
}

bool skb_append(struct skb_pool *pool, struct sk_buff *skb, const void *data, uint32_t len)
{
	if (!skb_reserve_tail(pool, skb, len))
		return false;
	if (len) /* memcpy() wants a pointer even for nothing */
		memcpy(skb_tail(skb), data, len);
	skb->len += len;
	return true;
}

/* ------------------------------------------------------------------ queues */

void skb_queue_tail(struct sk_buff **queue, struct sk_buff *skb)
{
	struct sk_buff *first = *queue;

	skb->next = NULL;
	if (!first) {
		skb->prev = skb;
		*queue = skb;
		return;
	}
	skb->prev = first->prev;
	first->prev->next = skb;
	first->prev = skb;
}

void skb_queue_head(struct sk_buff **queue, struct sk_buff *skb)
{
	struct sk_buff *first = *queue;

	skb->next = first;
	skb->prev = first ? first->prev : skb;
	if (first)
		first->prev = skb;
	*queue = skb;
}

void skb_queue_after(struct sk_buff **queue, struct sk_buff *pos, struct sk_buff *skb)
{
	if (!pos->next)
		return skb_queue_tail(queue, skb);
	skb->prev = pos;
	skb->next = pos->next;
	pos->next->prev = skb;
	pos->next = skb;
}

void skb_queue_before(struct sk_buff **queue, struct sk_buff *pos, struct sk_buff *skb)
{
	if (pos == *queue)
		return skb_queue_head(queue, skb);
	skb_queue_after(queue, pos->prev, skb);
}

void skb_unlink(struct sk_buff **queue, struct sk_buff *skb)
{
	struct sk_buff *first = *queue;

	if (skb->next)
		skb->next->prev = skb->prev;
	else
		first->prev = skb->prev;
	if (likely(skb == first))
		*queue = skb->next;
	else
		skb->prev->next = skb->next;
	skb->next = skb->prev = NULL;
}

struct sk_buff *skb_dequeue(struct sk_buff **queue)
{
	struct sk_buff *skb = *queue;

	if (skb)
		skb_unlink(queue, skb);
	return skb;
}

void __skb_queue_purge(struct skb_pool *pool, struct sk_buff **queue)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(queue)))
		skb_free(pool, skb);
}
