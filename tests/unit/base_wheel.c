// SPDX-License-Identifier: MIT
/* base/timer.c: the wheel against a list that is searched from end to end */
#include "base_env.h"
#include "base/seq.h"
#include "base/timer.h"

#define TIMERS 300

/* The naive model: a timer is due at its tick; among those of one tick the one armed first. */
struct model {
	struct base_env e;
	struct wheel w;
	struct timer timer[TIMERS];
	bool armed[TIMERS];
	uint32_t expires[TIMERS];
	uint64_t order[TIMERS]; /* of arming */
	uint64_t arms;
	uint32_t count;
};

static struct model m;

static void model_init(uint32_t now)
{
	memset(&m, 0, sizeof(m));
	base_env_init(&m.e);
	wheel_init(&m.w, now);
}

static void model_arm(unsigned i, uint32_t expires)
{
	timer_arm(&m.w, &m.timer[i], expires);
	m.count += !m.armed[i];
	m.armed[i] = true;
	m.expires[i] = after(expires, m.w.now) ? expires : m.w.now + 1;
	m.order[i] = m.arms++;
}

static void model_disarm(unsigned i)
{
	timer_disarm(&m.w, &m.timer[i]);
	m.count -= m.armed[i];
	m.armed[i] = false;
}

/* The index of the timer that must fire next; -1: none is armed. */
static int model_first(void)
{
	int first = -1;

	for (int i = 0; i < TIMERS; i++) {
		if (!m.armed[i])
			continue;
		if (first < 0 || before(m.expires[i], m.expires[first]) ||
		    (m.expires[i] == m.expires[first] && m.order[i] < m.order[first]))
			first = i;
	}
	return first;
}

static void check_next(void)
{
	int first = model_first();
	uint32_t tick;

	assert_int_equal(m.w.count, m.count);
	assert_int_equal(wheel_next(&m.w, &tick), first >= 0);
	if (first >= 0) {
		assert_false(after(tick, m.expires[first])); /* early it may be */
		assert_false(before(tick, m.w.now));
	}
}

/* Moves to @now; each timer that fires must be the model's next. Some are armed again from there. */
static void model_run(uint32_t now, bool rearm, uint32_t range)
{
	struct timer *t;
	int first;

	while ((t = wheel_pop(&m.w, now))) {
		first = model_first();
		assert_true(first >= 0);
		assert_ptr_equal(t, &m.timer[first]);
		assert_false(timer_armed(t));
		assert_int_equal(m.w.now, m.expires[first]); /* at its tick: not before, not after */
		m.armed[first] = false;
		m.count--;
		if (rearm && base_env_random(&m.e) % 4 == 0)
			model_arm(first, m.w.now + base_env_random(&m.e) % range);
		check_next();
	}
	first = model_first();
	assert_true(first < 0 || after(m.expires[first], now));
	assert_int_equal(m.w.now, now);
}

static void random_use(uint32_t start, uint32_t range, int steps)
{
	model_init(start);
	for (int step = 0; step < steps; step++) {
		unsigned i = base_env_random(&m.e) % TIMERS;
		/* few distinct ticks now and then, so that many timers share one */
		uint32_t spread = base_env_random(&m.e) % 4 ? range : min(range, 8u);

		switch (base_env_random(&m.e) % 8) {
		case 0:
			model_disarm(i);
			break;
		case 1:
			model_run(m.w.now + base_env_random(&m.e) % spread, true, range);
			break;
		case 2: /* exactly to where the wheel wants to be woken */
			if (m.count) {
				uint32_t tick;

				wheel_next(&m.w, &tick);
				model_run(tick, true, range);
			}
			break;
		default:
			model_arm(i, m.w.now + base_env_random(&m.e) % spread);
		}
		check_next();
	}
	model_run(m.w.now + range, false, 1);
	model_run(m.w.now + range, false, 1);
	assert_int_equal(m.w.count, m.count);
}

static void it_agrees_with_the_naive_model_over_any_range(void **state)
{
	(void)state;
	for (unsigned bits = 3; bits <= 29; bits++)
		random_use(12345, 1u << bits, 4000);
	random_use(0, WHEEL_SPAN, 4000);
}

static void it_agrees_with_the_naive_model_across_the_wrap_of_the_tick(void **state)
{
	(void)state;
	for (unsigned bits = 3; bits <= 29; bits++)
		random_use(0u - (1u << bits), 1u << bits, 4000);
}

static void it_agrees_with_the_naive_model_around_each_border_of_a_level(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= WHEEL_LEVELS; level++)
		for (int off = -2; off <= 1; off++)
			random_use((1u << WHEEL_BITS * level) + off, 200, 1000);
}

static void a_tick_not_after_now_means_the_next_tick(void **state)
{
	static const uint32_t late[] = { 0, 1, 1000, 0x7fffffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(late); i++) {
		struct timer t = { 0 };
		uint32_t tick;

		model_init(5000);
		timer_arm(&m.w, &t, 5000 - late[i]);
		assert_int_equal(t.expires, 5001);
		assert_true(wheel_next(&m.w, &tick));
		assert_int_equal(tick, 5001);
		assert_null(wheel_pop(&m.w, 5000));
		assert_ptr_equal(wheel_pop(&m.w, 5001), &t);
	}
}

static void timers_of_one_tick_fire_as_they_were_armed_from_near_and_far(void **state)
{
	struct timer t[4] = { 0 };

	(void)state;
	model_init(0);
	timer_arm(&m.w, &t[0], 100000); /* level 2 */
	assert_null(wheel_pop(&m.w, 98500));
	timer_arm(&m.w, &t[1], 100000); /* level 1 */
	assert_null(wheel_pop(&m.w, 99999));
	timer_arm(&m.w, &t[2], 100000); /* level 0 */
	timer_arm(&m.w, &t[3], 100000);
	timer_arm(&m.w, &t[1], 100000); /* again: now it is the last */
	assert_ptr_equal(wheel_pop(&m.w, 200000), &t[0]);
	assert_ptr_equal(wheel_pop(&m.w, 200000), &t[2]);
	assert_ptr_equal(wheel_pop(&m.w, 200000), &t[3]);
	assert_ptr_equal(wheel_pop(&m.w, 200000), &t[1]);
	assert_null(wheel_pop(&m.w, 200000));
	assert_int_equal(m.w.now, 200000);
}

static void a_deadline_beyond_the_span_fires_at_its_tick_all_the_same(void **state)
{
	static const uint32_t start[] = { 0, 77, 0xfffffff0u, 0x3fffffffu };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(start); i++) {
		struct timer t = { 0 };
		uint32_t tick, woken = 0;

		model_init(start[i]);
		timer_arm(&m.w, &t, start[i] + 0x7ffffff0u);
		for (;;) {
			assert_true(wheel_next(&m.w, &tick));
			assert_false(after(tick, start[i] + 0x7ffffff0u));
			woken++;
			if (wheel_pop(&m.w, tick))
				break;
		}
		assert_int_equal(tick, start[i] + 0x7ffffff0u);
		assert_true(woken < 3 * WHEEL_LEVELS);
	}
}

static void an_idle_timer_may_be_disarmed_and_an_idle_wheel_may_jump(void **state)
{
	struct timer t = { 0 };
	uint32_t tick;

	(void)state;
	model_init(10);
	timer_disarm(&m.w, &t);
	assert_false(timer_armed(&t));
	assert_false(wheel_next(&m.w, &tick));
	assert_null(wheel_pop(&m.w, 10 + 0xc0000000u)); /* idle for 149 days */
	timer_arm(&m.w, &t, 20 + 0xc0000000u);
	assert_true(timer_armed(&t));
	assert_null(wheel_pop(&m.w, 19 + 0xc0000000u));
	assert_ptr_equal(wheel_pop(&m.w, 20 + 0xc0000000u), &t);
	assert_int_equal(m.w.count, 0);
}

static void a_timer_armed_while_others_fire_waits_for_its_own_tick(void **state)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	model_init(0);
	timer_arm(&m.w, &a, 10);
	timer_arm(&m.w, &b, 12);
	assert_ptr_equal(wheel_pop(&m.w, 50), &a);
	timer_arm(&m.w, &c, 11);
	timer_arm(&m.w, &a, 60);
	assert_ptr_equal(wheel_pop(&m.w, 50), &c);
	assert_ptr_equal(wheel_pop(&m.w, 50), &b);
	assert_null(wheel_pop(&m.w, 50));
	assert_int_equal(m.w.count, 1);
	assert_null(wheel_pop(&m.w, 40)); /* time that goes back moves nothing */
	assert_int_equal(m.w.now, 50);
	assert_ptr_equal(wheel_pop(&m.w, 60), &a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_the_naive_model_over_any_range),
		cmocka_unit_test(it_agrees_with_the_naive_model_across_the_wrap_of_the_tick),
		cmocka_unit_test(it_agrees_with_the_naive_model_around_each_border_of_a_level),
		cmocka_unit_test(a_tick_not_after_now_means_the_next_tick),
		cmocka_unit_test(timers_of_one_tick_fire_as_they_were_armed_from_near_and_far),
		cmocka_unit_test(a_deadline_beyond_the_span_fires_at_its_tick_all_the_same),
		cmocka_unit_test(an_idle_timer_may_be_disarmed_and_an_idle_wheel_may_jump),
		cmocka_unit_test(a_timer_armed_while_others_fire_waits_for_its_own_tick),
	};

	return cmocka_run_group_tests_name("base/wheel", tests, NULL, NULL);
}
