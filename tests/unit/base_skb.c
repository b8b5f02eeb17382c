// SPDX-License-Identifier: MIT
/* base/skb.c: buffers that grow, queues that keep their order, nothing lost when memory is refused */
#include "base_env.h"
#include "base/skb.h"

static struct base_env e;
static struct skb_pool pool;

static int setup(void **state)
{
	(void)state;
	base_env_init(&e);
	skb_pool_init(&pool, &e.mem);
	return 0;
}

/* After every test: each sk_buff was given back, and so was all memory. */
static int teardown(void **state)
{
	(void)state;
	if (pool.count)
		return -1;
	for (unsigned n = 0; n < SKB_CLASSES; n++)
		if (pool.buf[n].objects)
			return -1;
	skb_pool_destroy(&pool);
	return e.blocks || e.mem.bytes ? -1 : 0;
}

static uint8_t pattern(uint32_t i)
{
	return i * 31 + (i >> 8);
}

static void append_pattern(struct sk_buff *skb, uint32_t from, uint32_t len)
{
	static uint8_t bytes[300000];

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = pattern(from + i);
	assert_true(skb_append(&pool, skb, bytes, len));
}

static void check_pattern(const struct sk_buff *skb, uint32_t from)
{
	for (uint32_t i = 0; i < skb->len; i++)
		if (skb_data(skb)[i] != pattern(from + i))
			fail_msg("byte %u of %u is wrong", i, skb->len);
}

static void a_new_one_is_empty_and_has_the_room_asked_for(void **state)
{
	static const uint32_t rooms[] = { 0, 1, 56, 57, 248, 249, 256, 257, 504, 505, 1448, 32736, 32737, 65536, 65537, 300000 };

	(void)state;
	for (unsigned r = 0; r < ARRAY_SIZE(rooms); r++) {
		struct sk_buff *skb = skb_alloc(&pool, rooms[r]);

		assert_non_null(skb);
		assert_int_equal(pool.count, 1);
		assert_true(skb->cap >= rooms[r]);
		assert_true(rooms[r] <= SKB_INLINE ? skb->cap == SKB_INLINE : skb->cap < 2 * rooms[r] + 250);
		assert_int_equal(skb->len | skb->off | skb->seq | skb->end_seq | skb->tcp_flags | skb->sacked | skb->eor |
				 skb->retrans | skb->gso_segs | skb->gso_size | skb->sent_ns | skb->mark, 0);
		assert_null(skb->next);
		memset(skb->head, 0xff, skb->cap); /* all of it is ours: ASan looks */
		memset(&skb->off, 0xff, offsetof(struct sk_buff, inline_data) - offsetof(struct sk_buff, off));
		skb_free(&pool, skb);
	}
	skb_free(&pool, NULL);
}

static void bytes_survive_growth_from_inline_to_large(void **state)
{
	struct sk_buff *skb = skb_alloc(&pool, 0);
	uint32_t sent = 0;

	(void)state;
	for (uint32_t step = 1; sent < 200000; step += step / 3 + 1) {
		append_pattern(skb, sent, step);
		sent += step;
		assert_int_equal(skb->len, sent);
	}
	check_pattern(skb, 0);
	assert_true(skb_append(&pool, skb, NULL, 0));
	skb_free(&pool, skb);
}

static void bytes_pulled_from_the_front_make_room_again(void **state)
{
	struct sk_buff *skb = skb_alloc(&pool, 2000);
	uint32_t cap = skb->cap, read = 0, written = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		append_pattern(skb, written, 700);
		written += 700;
		check_pattern(skb, read);
		skb_pull(skb, 700);
		read += 700;
	}
	assert_int_equal(skb->len, 0);
	assert_int_equal(skb->cap, cap);
	skb_free(&pool, skb);
}

static void random_appends_and_pulls_keep_the_stream(void **state)
{
	struct sk_buff *skb = skb_alloc(&pool, 0);
	uint32_t read = 0, written = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t n = base_env_random(&e) % 300;

		if (base_env_random(&e) & 1) {
			append_pattern(skb, written, n);
			written += n;
		} else {
			n = min(n, skb->len);
			skb_pull(skb, n);
			read += n;
		}
		assert_int_equal(skb->len, written - read);
		if (i % 64 == 0)
			check_pattern(skb, read);
	}
	skb_free(&pool, skb);
}

static void a_refused_buffer_leaves_no_head_behind(void **state)
{
	(void)state;
	e.refusing = true;
	assert_null(skb_alloc(&pool, 10));
	e.refusing = false;
	e.room = 1; /* a chunk for heads, none for buffers */
	assert_null(skb_alloc(&pool, 1000));
	assert_null(skb_alloc(&pool, 100000));
	assert_null(skb_alloc(&pool, UINT32_MAX));
	assert_int_equal(pool.count, 0);
	assert_int_equal(pool.heads.objects, 0);
}

static void a_refused_growth_changes_nothing(void **state)
{
	struct sk_buff *skb = skb_alloc(&pool, 300);
	uint8_t more[1000] = { 0 };

	(void)state;
	append_pattern(skb, 0, 300);
	skb_pull(skb, 10);
	e.refusing = true;
	assert_false(skb_append(&pool, skb, more, sizeof(more)));
	assert_false(skb_reserve_tail(&pool, skb, UINT32_MAX));
	e.refusing = false;
	assert_false(skb_reserve_tail(&pool, skb, UINT32_MAX));
	assert_int_equal(skb->len, 290);
	check_pattern(skb, 10);
	assert_true(skb_append(&pool, skb, more, sizeof(more)));
	assert_int_equal(skb->len, 1290);
	skb_free(&pool, skb);
}

/* ------------------------------------------------------------------ queues */

#define MARKS 64

static void check_queue(struct sk_buff *queue, const uint32_t *mark, unsigned n)
{
	struct sk_buff *skb, *last = NULL;
	unsigned i = 0;

	skb_queue_walk(queue, skb) {
		assert_true(i < n);
		assert_int_equal(skb->mark, mark[i]);
		if (last)
			assert_ptr_equal(skb->prev, last);
		last = skb;
		i++;
	}
	assert_int_equal(i, n);
	assert_ptr_equal(skb_peek_tail(queue), last);
}

/* Against an array of marks: every way in, at every place, and every way out. */
static void a_queue_keeps_its_order_through_any_use(void **state)
{
	struct sk_buff *queue = NULL, *skb, *pos;
	uint32_t mark[MARKS];
	unsigned n = 0, at;

	(void)state;
	for (uint32_t step = 1; step < 20000; step++) {
		bool in = n == 0 || (n < MARKS && base_env_random(&e) % 2);
		unsigned how = base_env_random(&e) % 4;

		at = n ? base_env_random(&e) % n : 0;
		pos = queue;
		for (unsigned i = 0; i < at; i++)
			pos = pos->next;
		if (in) {
			skb = skb_alloc(&pool, 0);
			skb->mark = step;
			if (how == 0 || n == 0) {
				at = n;
				skb_queue_tail(&queue, skb);
			} else if (how == 1) {
				at = 0;
				skb_queue_head(&queue, skb);
			} else if (how == 2) {
				at++;
				skb_queue_after(&queue, pos, skb);
			} else {
				skb_queue_before(&queue, pos, skb);
			}
			memmove(&mark[at + 1], &mark[at], (n - at) * sizeof(*mark));
			mark[at] = step;
			n++;
		} else {
			if (how == 0) {
				at = 0;
				pos = skb_dequeue(&queue);
			} else {
				skb_unlink(&queue, pos);
			}
			assert_int_equal(pos->mark, mark[at]);
			skb_free(&pool, pos); /* which asserts that it is in no queue */
			memmove(&mark[at], &mark[at + 1], (n - at - 1) * sizeof(*mark));
			n--;
		}
		check_queue(queue, mark, n);
	}
	skb_queue_purge(&pool, &queue);
	assert_null(queue);
}

static void the_safe_walk_allows_unlinking_all_it_sees(void **state)
{
	struct sk_buff *queue = NULL, *skb, *tmp;
	int seen = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		skb_queue_tail(&queue, skb_alloc(&pool, 100 * i));
	skb_queue_walk_safe(queue, skb, tmp) {
		skb_unlink(&queue, skb);
		skb_free(&pool, skb);
		seen++;
	}
	assert_int_equal(seen, 10);
	assert_null(queue);
	assert_null(skb_dequeue(&queue));
	assert_null(skb_peek_tail(queue));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_one_is_empty_and_has_the_room_asked_for),
		T(bytes_survive_growth_from_inline_to_large),
		T(bytes_pulled_from_the_front_make_room_again),
		T(random_appends_and_pulls_keep_the_stream),
		T(a_refused_buffer_leaves_no_head_behind),
		T(a_refused_growth_changes_nothing),
		T(a_queue_keeps_its_order_through_any_use),
		T(the_safe_walk_allows_unlinking_all_it_sees),
	};

	return cmocka_run_group_tests_name("base/skb", tests, NULL, NULL);
}
