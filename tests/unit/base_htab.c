// SPDX-License-Identifier: MIT
/* base/htab.c, base/siphash.c: tables that grow, with memory or without; the hash that fills them */
#include "base_env.h"
#include "base/htab.h"
#include "base/siphash.h"

#define MANY 20000

struct item {
	struct hnode node;
	uint32_t key;
};
static struct item item[MANY];

static uint32_t hash_of(uint32_t key)
{
	return key * 2654435761u >> 7; /* some hashes are shared, as in life */
}

static struct item *find(const struct htab *t, uint32_t key)
{
	struct hnode *n;

	htab_for_each_candidate(n, t, hash_of(key)) {
		struct item *i = container_of(n, struct item, node);

		if (i->key == key)
			return i;
	}
	return NULL;
}

static void fill(struct htab *t)
{
	for (uint32_t i = 0; i < MANY; i++) {
		item[i].key = i * 3;
		htab_insert(t, &item[i].node, hash_of(item[i].key));
	}
}

static uint32_t longest_chain(const struct htab *t)
{
	uint32_t longest = 0;

	for (uint32_t s = 0; s <= t->mask; s++) {
		uint32_t length = 0;

		for (struct hnode *n = t->slot[s]; n; n = n->next)
			length++;
		longest = max(longest, length);
	}
	return longest;
}

static void an_empty_table_holds_no_memory_and_finds_nothing(void **state)
{
	struct base_env e;
	struct htab t;

	(void)state;
	base_env_init(&e);
	htab_init(&t, &e.mem);
	assert_null(find(&t, 1));
	assert_false(htab_remove(&t, &item[0].node));
	assert_int_equal(e.asked, 0);
	htab_destroy(&t);
	assert_int_equal(e.blocks, 0);
}

static void what_was_inserted_is_found_after_any_growth(void **state)
{
	struct base_env e;
	struct htab t;

	(void)state;
	base_env_init(&e);
	htab_init(&t, &e.mem);
	fill(&t);
	assert_int_equal(t.count, MANY);
	for (uint32_t key = 0; key < 3 * MANY; key++)
		assert_ptr_equal(find(&t, key), key % 3 ? NULL : &item[key / 3]);
	assert_true(t.mask + 1 >= MANY);
	assert_true(longest_chain(&t) < 16);
	assert_int_equal(e.blocks, 1); /* the smaller arrays went back */
	htab_destroy(&t);
	assert_int_equal(e.blocks, 0);
}

static void a_removed_node_is_gone_and_its_neighbours_stay(void **state)
{
	struct base_env e;
	struct htab t;

	(void)state;
	base_env_init(&e);
	htab_init(&t, &e.mem);
	fill(&t);
	for (uint32_t i = 0; i < MANY; i += 2)
		assert_true(htab_remove(&t, &item[i].node));
	assert_false(htab_remove(&t, &item[0].node));
	assert_int_equal(t.count, MANY / 2);
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(find(&t, item[i].key), i % 2 ? &item[i] : NULL);
	htab_destroy(&t);
	assert_int_equal(e.blocks, 0);
}

static void a_table_that_may_not_grow_still_takes_and_finds_everything(void **state)
{
	struct base_env e;
	struct htab t;

	(void)state;
	base_env_init(&e);
	htab_init(&t, &e.mem);
	e.refusing = true;
	for (uint32_t i = 0; i < 500; i++) {
		item[i].key = i;
		htab_insert(&t, &item[i].node, hash_of(i));
	}
	assert_int_equal(t.mask, 0);
	for (uint32_t i = 0; i < 500; i++)
		assert_ptr_equal(find(&t, i), &item[i]);
	e.refusing = false; /* memory is back: it catches up, a doubling with each insertion */
	for (uint32_t i = 500; i < 600; i++) {
		item[i].key = i;
		htab_insert(&t, &item[i].node, hash_of(i));
	}
	assert_true(t.mask + 1 >= 512);
	for (uint32_t i = 0; i < 600; i++)
		assert_ptr_equal(find(&t, i), &item[i]);
	htab_destroy(&t);
	assert_int_equal(e.blocks, 0);
}

static void nodes_of_one_hash_are_told_apart(void **state)
{
	struct item a = { .key = 1 }, b = { .key = 2 }, c = { .key = 3 };
	struct hnode *n;
	struct base_env e;
	struct htab t;
	int seen = 0;

	(void)state;
	base_env_init(&e);
	htab_init(&t, &e.mem);
	htab_insert(&t, &a.node, 7);
	htab_insert(&t, &b.node, 7);
	htab_insert(&t, &c.node, 7 + 4096);
	htab_for_each_candidate(n, &t, 7)
		seen += container_of(n, struct item, node)->key;
	assert_int_equal(seen, 3); /* a and b, not c */
	assert_true(htab_remove(&t, &a.node));
	assert_ptr_equal(container_of(htab_first(&t, 7), struct item, node), &c);
	htab_destroy(&t);
	assert_int_equal(e.blocks, 0);
}

/* The vectors of the SipHash paper's reference code: key 00 .. 0f, message 00 01 02 ... of each length. */
static void the_hash_is_siphash_2_4(void **state)
{
	struct siphash_key key;
	uint8_t message[15];

	(void)state;
	for (int i = 0; i < 16; i++)
		key.k[i] = i;
	for (int i = 0; i < 15; i++)
		message[i] = i;
	assert_true(siphash(message, 0, &key) == 0x726fdb47dd0e0e31ull);
	assert_true(siphash(message, 1, &key) == 0x74f839c593dc67fdull);
	assert_true(siphash(message, 8, &key) == 0x93f5f5799a932462ull);
	assert_true(siphash(message, 15, &key) == 0xa129ca6149be45e5ull);
	key.k[0] ^= 1;
	assert_true(siphash(message, 15, &key) != 0xa129ca6149be45e5ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_holds_no_memory_and_finds_nothing),
		cmocka_unit_test(what_was_inserted_is_found_after_any_growth),
		cmocka_unit_test(a_removed_node_is_gone_and_its_neighbours_stay),
		cmocka_unit_test(a_table_that_may_not_grow_still_takes_and_finds_everything),
		cmocka_unit_test(nodes_of_one_hash_are_told_apart),
		cmocka_unit_test(the_hash_is_siphash_2_4),
	};

	return cmocka_run_group_tests_name("base/htab", tests, NULL, NULL);
}
