// SPDX-License-Identifier: MIT
/* base/mem.c, base/slab.c: memory that is counted, may be refused, and comes back */
#include "base_env.h"

#define MANY 5000

static void a_block_is_counted_while_it_is_held(void **state)
{
	struct base_env e;
	void *p;

	(void)state;
	base_env_init(&e);
	p = mem_alloc(&e.mem, 100);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_int_equal(e.align, 16);
	assert_int_equal(e.mem.bytes, 100);
	mem_free(&e.mem, p, 100);
	mem_free(&e.mem, NULL, 100);
	assert_int_equal(e.mem.bytes, 0);
	assert_int_equal(e.blocks, 0);
}

static void a_zeroed_block_is_zero(void **state)
{
	struct base_env e;
	uint8_t *p, *q;

	(void)state;
	base_env_init(&e);
	p = mem_alloc(&e.mem, 64);
	memset(p, 0xa5, 64);
	mem_free(&e.mem, p, 64);
	q = mem_zalloc(&e.mem, 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(q[i], 0);
	mem_free(&e.mem, q, 64);
}

static void a_refused_block_is_null_and_not_counted(void **state)
{
	struct base_env e;

	(void)state;
	base_env_init(&e);
	e.refusing = true;
	assert_null(mem_alloc(&e.mem, 10));
	assert_null(mem_zalloc(&e.mem, 10));
	e.refusing = false;
	e.room = 0;
	assert_null(mem_alloc(&e.mem, 10));
	assert_int_equal(e.mem.bytes, 0);
}

static void objects_are_aligned_distinct_and_keep_their_bytes(void **state)
{
	static const size_t sizes[] = { 1, 8, 24, 100, 128, 320, 4088, 32736, SLAB_ROOM };
	static uint8_t *obj[MANY];
	struct base_env e;

	(void)state;
	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
		unsigned n = min(MANY, 40 * 65536 / (int)sizes[s]);
		struct slab_cache cache;

		base_env_init(&e);
		slab_init(&cache, &e.mem, "test", sizes[s]);
		for (unsigned i = 0; i < n; i++) {
			obj[i] = slab_alloc(&cache);
			assert_int_equal((uintptr_t)obj[i] % 8, 0);
			memset(obj[i], i & 0xff, sizes[s]);
		}
		assert_int_equal(cache.objects, n);
		for (unsigned i = 0; i < n; i++) {
			for (size_t b = 0; b < sizes[s]; b++)
				if (obj[i][b] != (i & 0xff))
					fail_msg("object %u of size %zu was overwritten", i, sizes[s]);
		}
		for (unsigned i = 0; i < n; i++)
			slab_free(&cache, obj[i]);
		assert_int_equal(cache.objects, 0);
		slab_destroy(&cache);
		assert_int_equal(e.blocks, 0);
		assert_int_equal(e.mem.bytes, 0);
	}
}

static void objects_of_whole_cache_lines_lie_on_cache_lines(void **state)
{
	struct slab_cache cache;
	struct base_env e;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 320);
	for (int i = 0; i < 300; i++)
		assert_int_equal((uintptr_t)slab_alloc(&cache) % 64, 0);
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void a_freed_object_is_handed_out_again_before_new_memory(void **state)
{
	struct slab_cache cache;
	struct base_env e;
	void *a, *b;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 64);
	a = slab_alloc(&cache);
	b = slab_alloc(&cache);
	slab_free(&cache, a);
	assert_ptr_equal(slab_alloc(&cache), a);
	assert_ptr_not_equal(a, b);
	memset(a, 0xff, 64);
	slab_free(&cache, a);
	slab_free(&cache, NULL);
	a = slab_zalloc(&cache);
	for (int i = 0; i < 64; i++)
		assert_int_equal(((uint8_t *)a)[i], 0);
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void a_full_chunk_that_gets_one_back_has_room_again(void **state)
{
	struct slab_cache cache;
	struct base_env e;
	void *first, *p;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 512);
	first = slab_alloc(&cache);
	for (unsigned i = 1; i < 2 * cache.per_chunk; i++)
		slab_alloc(&cache);
	assert_int_equal(e.blocks, 2);
	slab_free(&cache, first);
	p = slab_alloc(&cache);
	assert_ptr_equal(p, first);
	assert_int_equal(e.blocks, 2);
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void a_refusal_is_asked_for_each_object_and_leaves_nothing(void **state)
{
	struct slab_cache cache;
	struct base_env e;
	void *p;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 64);
	e.refusing = true;
	assert_null(slab_alloc(&cache));
	assert_null(slab_zalloc(&cache));
	assert_int_equal(e.blocks, 0);
	e.refusing = false;
	p = slab_alloc(&cache);
	e.refusing = true;
	assert_null(slab_alloc(&cache)); /* though the chunk has room */
	assert_int_equal(cache.objects, 1);
	assert_int_equal(e.asked, 4);
	slab_free(&cache, p);
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void a_host_without_memory_fails_the_object_that_needs_a_new_chunk(void **state)
{
	struct slab_cache cache;
	struct base_env e;
	unsigned n = 0;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 1000);
	e.room = 2;
	while (slab_alloc(&cache))
		n++;
	assert_int_equal(n, 2 * cache.per_chunk);
	assert_int_equal(cache.objects, n);
	e.room = -1;
	assert_non_null(slab_alloc(&cache));
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void empty_chunks_go_back_but_for_one(void **state)
{
	static void *obj[MANY];
	struct slab_cache cache;
	struct base_env e;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 256);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			obj[i] = slab_alloc(&cache);
		assert_int_equal(e.blocks, (MANY + cache.per_chunk - 1) / cache.per_chunk);
		for (int i = MANY - 1; i > 0; i--) { /* in an order without system */
			int j = base_env_random(&e) % (i + 1);
			void *o = obj[i];

			obj[i] = obj[j];
			obj[j] = o;
		}
		for (int i = 0; i < MANY; i++)
			slab_free(&cache, obj[i]);
		assert_int_equal(e.blocks, 1);
		assert_int_equal(e.mem.bytes, SLAB_CHUNK);
	}
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void a_life_at_the_edge_of_a_chunk_does_not_ask_the_host_each_time(void **state)
{
	struct slab_cache cache;
	struct base_env e;

	(void)state;
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 256);
	for (unsigned i = 0; i < 3 * cache.per_chunk; i++)
		slab_alloc(&cache);
	e.room = 1;
	for (int i = 0; i < 100; i++) {
		void *p = slab_alloc(&cache);

		assert_non_null(p);
		slab_free(&cache, p);
	}
	slab_destroy(&cache);
	assert_int_equal(e.blocks, 0);
}

static void random_use_agrees_with_the_count_of_what_is_held(void **state)
{
	static uint32_t *obj[MANY];
	struct slab_cache cache;
	struct base_env e;
	uint64_t held = 0;

	(void)state;
	memset(obj, 0, sizeof(obj));
	base_env_init(&e);
	slab_init(&cache, &e.mem, "test", 520);
	for (int step = 0; step < 400000; step++) {
		unsigned i = base_env_random(&e) % (step % 100000 < 50000 ? MANY : MANY / 50);

		if (obj[i]) {
			assert_int_equal(obj[i][1], i);
			slab_free(&cache, obj[i]);
			obj[i] = NULL;
			held--;
		} else {
			obj[i] = slab_alloc(&cache);
			obj[i][1] = i;
			held++;
		}
		assert_int_equal(cache.objects, held);
	}
	for (int i = 0; i < MANY; i++)
		slab_free(&cache, obj[i]);
	assert_int_equal(e.blocks, 1);
	slab_destroy(&cache);
	assert_int_equal(e.mem.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_counted_while_it_is_held),
		cmocka_unit_test(a_zeroed_block_is_zero),
		cmocka_unit_test(a_refused_block_is_null_and_not_counted),
		cmocka_unit_test(objects_are_aligned_distinct_and_keep_their_bytes),
		cmocka_unit_test(objects_of_whole_cache_lines_lie_on_cache_lines),
		cmocka_unit_test(a_freed_object_is_handed_out_again_before_new_memory),
		cmocka_unit_test(a_full_chunk_that_gets_one_back_has_room_again),
		cmocka_unit_test(a_refusal_is_asked_for_each_object_and_leaves_nothing),
		cmocka_unit_test(a_host_without_memory_fails_the_object_that_needs_a_new_chunk),
		cmocka_unit_test(empty_chunks_go_back_but_for_one),
		cmocka_unit_test(a_life_at_the_edge_of_a_chunk_does_not_ask_the_host_each_time),
		cmocka_unit_test(random_use_agrees_with_the_count_of_what_is_held),
	};

	return cmocka_run_group_tests_name("base/slab", tests, NULL, NULL);
}
