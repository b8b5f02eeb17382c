// SPDX-License-Identifier: MIT
/*
 * unit/run_loan.c - loans of `lastack run`: what a process may receive and send without a call (host/run/loan.c)
 *
 *	us --segment--> executor, 10.0.0.1 --a socket pair as wire-- executor, 10.0.0.2 <--segment-- them
 *
 * The test is a program of both, and uses words of loans as the shim does, and as it never would.
 */
#include "run_client.h"

#include <poll.h>
#include <sys/epoll.h>

static struct stack near, far;
static struct client us, them;

/* ------------------------------------------------------------------ two executors and a wire */

static int begin(void **state)
{
	int wire[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, wire), 0);
	stack_start_on(&near, wire[0], 1);
	stack_start_on(&far, wire[1], 2);
	close(wire[0]);
	close(wire[1]);
	client_attach_to(&us, &near);
	client_attach_to(&them, &far);
	return 0;
}

static int end(void **state)
{
	(void)state;
	client_leave(&us);
	client_leave(&them);
	assert_true(figure_becomes(&near, "files", 0));
	assert_int_equal(figure(&near, "calls_pending"), 0);
	stack_end(&near);
	stack_end(&far);
	return 0;
}

/* A connection, ours accepted and in an epoll set. */
struct pair {
	struct number ours, theirs, set;
};

static struct number make_set(struct client *client)
{
	int fd = spare_open(client, 0);

	assert_int_equal(CALL(client, 0, CALL_EPOLL_CREATE1, 0), 0);
	return file_made(client, 0, fd);
}

static struct pair make_pair(uint16_t port)
{
	struct number listener = make_listener_at(&us, "10.0.0.1", port);
	struct pair p;

	p.theirs = make_connection_to(&them, "10.0.0.1", port);
	p.ours = make_accept(&us, listener);
	p.set = make_set(&us);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, p.set.file, EPOLL_CTL_ADD, EPOLLIN, 0, p.ours.file, 7), 0);
	close(listener.fd);
	return p;
}

static void pair_close(const struct pair *p)
{
	close(p->ours.fd);
	close(p->theirs.fd);
	close(p->set.fd);
}

/* They send @text, and we hear of it. */
static void they_say(const struct pair *p, const char *text)
{
	assert_int_equal(send_text(&them, p->theirs, text), strlen(text));
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, p->set.file, 8, 2000, 1), 1);
}

static void they_get(const struct pair *p, const char *text)
{
	int64_t n = recv_bytes(&them, p->theirs, 0);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(them.seg->data[0], text, n);
}

/* ------------------------------------------------------------------ the shim's part */

static struct seg_loan *loan_of(struct client *client, seg_handle file)
{
	return &client->seg->loan[SEG_ID(file) % SEG_LOANS];
}

static bool is_lent(struct client *client, seg_handle file)
{
	struct seg_loan *loan = loan_of(client, file);

	return loan->word & LOAN_THERE && loan->file == file;
}

static void say_used(struct client *client, seg_handle file)
{
	uint32_t place = SEG_ID(file) % SEG_LOANS;
	uint64_t one = 1;

	atomic_fetch_or(&client->seg->used[place / 64], 1ull << place % 64);
	assert_int_equal(write(client->bell, &one, sizeof(one)), sizeof(one));
}

static void take(struct client *client, seg_handle file, unsigned n)
{
	atomic_fetch_add(&loan_of(client, file)->word, (uint64_t)n << LOAN_TAKEN_AT);
}

static void put(struct client *client, seg_handle file, const char *text)
{
	static uint64_t stamp;
	struct seg_loan *loan = loan_of(client, file);

	memcpy(client->seg->loan_send[loan - client->seg->loan], text, strlen(text));
	loan->flags = 0;
	loan->stamp = ++stamp;
	atomic_fetch_add(&loan->word, (uint64_t)strlen(text) << LOAN_SENT_AT);
}

/* Until it is another word; false: not within two seconds. */
static bool word_changes(struct client *client, seg_handle file, uint64_t from)
{
	for (int i = 0; i < 2000 && loan_of(client, file)->word == from; i++)
		usleep(1000);
	return loan_of(client, file)->word != from;
}

/* What was used is done, and what is left is lent; false: not within two seconds. */
static bool is_lent_anew(struct client *client, seg_handle file, uint64_t word)
{
	return word_changes(client, file, word) && (is_lent(client, file) || word_changes(client, file, 0)) &&
	       is_lent(client, file);
}

/* ------------------------------------------------------------------ what is lent, and what was used */

static void what_recv_would_find_is_lent_with_the_event_and_room_to_answer(void **state)
{
	struct pair p = make_pair(80);
	struct seg_loan *loan = loan_of(&us, p.ours.file);

	(void)state;
	they_say(&p, "hello");
	assert_true(is_lent(&us, p.ours.file));
	assert_int_equal(loan->recv, 5);
	assert_true(loan->send > 10000);
	assert_memory_equal(us.seg->loan_recv[loan - us.seg->loan], "hello", 5);
	/* Nothing was taken: a call finds all of it, and ends the loan. */
	assert_int_equal(recv_bytes(&us, p.ours, 0), 5);
	assert_int_equal(recv_bytes(&us, p.ours, MSG_DONTWAIT), -EAGAIN);
	assert_false(is_lent(&us, p.ours.file));
	pair_close(&p);
}

static void poll_lends_as_epoll_does(void **state)
{
	struct pair p = make_pair(80);
	struct seg_pollfd entry = {.file = p.ours.file, .events = POLLIN};

	(void)state;
	memcpy(us.seg->data[0], &entry, sizeof(entry));
	assert_int_equal(send_text(&them, p.theirs, "hello"), 5);
	assert_int_equal(CALL(&us, 0, CALL_POLL, 0, 1, 2000), 1);
	assert_true(is_lent(&us, p.ours.file));
	pair_close(&p);
}

static void a_call_goes_on_where_the_loan_was_left(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 2); /* its bit is not set yet: the thread was stopped here */
	assert_int_equal(recv_bytes(&us, p.ours, 0), 3);
	assert_memory_equal(us.seg->data[0], "llo", 3);
	pair_close(&p);
}

static void what_was_taken_is_received_and_the_rest_lent_anew(void **state)
{
	struct pair p = make_pair(80);
	struct seg_loan *loan = loan_of(&us, p.ours.file);
	uint64_t word;

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 2);
	word = loan->word;
	say_used(&us, p.ours.file);
	assert_true(is_lent_anew(&us, p.ours.file, word));
	assert_int_equal(loan->recv, 3);
	assert_memory_equal(us.seg->loan_recv[loan - us.seg->loan], "llo", 3);
	pair_close(&p);
}

static void what_was_put_is_sent(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 5);
	put(&us, p.ours.file, "answer");
	say_used(&us, p.ours.file);
	they_get(&p, "answer");
	assert_int_equal(recv_bytes(&us, p.ours, MSG_DONTWAIT), -EAGAIN);
	pair_close(&p);
}

static void sends_leave_in_the_order_in_which_they_were_made(void **state)
{
	struct pair p[3];
	struct number set = make_set(&them);
	static const int order[] = {1, 2, 0};
	struct epoll_event events[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		p[i] = make_pair((uint16_t)(81 + i));
		assert_int_equal(
			CALL(&them, 0, CALL_EPOLL_CTL, set.file, EPOLL_CTL_ADD, EPOLLIN, i, p[i].theirs.file, i), 0);
		they_say(&p[i], "?");
	}
	for (int i = 0; i < 3; i++)
		put(&us, p[order[i]].ours.file, "!");
	for (int i = 0; i < 3; i++)
		atomic_fetch_or(&us.seg->used[SEG_ID(p[i].ours.file) % SEG_LOANS / 64],
				1ull << SEG_ID(p[i].ours.file) % 64);
	say_used(&us, p[0].ours.file);
	usleep(100000);
	assert_int_equal(CALL(&them, 0, CALL_EPOLL_WAIT, set.file, 3, 0, 1), 3);
	memcpy(events, them.seg->data[0], sizeof(events));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(events[i].data.u64, order[i]);
		pair_close(&p[i]);
	}
	close(set.fd);
}

static void what_was_put_before_a_call_leaves_before_it(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	put(&us, p.ours.file, "one");
	assert_int_equal(send_text(&us, p.ours, "two"), 3);
	usleep(50000);
	they_get(&p, "onetwo");
	pair_close(&p);
}

/* ------------------------------------------------------------------ what ends a loan */

static void ends(const struct pair *p, uint64_t word)
{
	assert_true(word_changes(&us, p->ours.file, word));
	assert_false(is_lent(&us, p->ours.file));
}

static void bytes_that_arrive_end_it_so_that_recv_finds_them_too(void **state)
{
	struct pair p = make_pair(80);
	uint64_t word;

	(void)state;
	they_say(&p, "hello");
	word = loan_of(&us, p.ours.file)->word;
	assert_int_equal(send_text(&them, p.theirs, ", you"), 5);
	ends(&p, word);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 10);
	pair_close(&p);
}

static void what_was_used_when_bytes_arrive_is_done(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 4);
	put(&us, p.ours.file, "answer");
	assert_int_equal(send_text(&them, p.theirs, ", you"), 5); /* nobody has said that it was used */
	they_get(&p, "answer");
	assert_int_equal(recv_bytes(&us, p.ours, 0), 6);
	pair_close(&p);
}

static void the_peers_end_ends_it(void **state)
{
	struct pair p = make_pair(80);
	uint64_t word;

	(void)state;
	they_say(&p, "hello");
	word = loan_of(&us, p.ours.file)->word;
	assert_int_equal(CALL(&them, 0, CALL_SHUTDOWN, p.theirs.file, SHUT_WR), 0);
	ends(&p, word);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 5);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 0);
	pair_close(&p);
}

static void reset_by_them(const struct pair *p)
{
	struct linger linger = {1, 0};

	memcpy(slot_of(&them, 0)->aux, &linger, sizeof(linger));
	slot_of(&them, 0)->aux_len = sizeof(linger);
	assert_int_equal(CALL(&them, 0, CALL_SETSOCKOPT, p->theirs.file, SOL_SOCKET, SO_LINGER), 0);
	close(p->theirs.fd);
}

static void a_reset_ends_it_and_send_says_so(void **state)
{
	struct pair p = make_pair(80);
	uint64_t word;

	(void)state;
	they_say(&p, "hello");
	word = loan_of(&us, p.ours.file)->word;
	reset_by_them(&p);
	ends(&p, word);
	assert_int_equal(send_text(&us, p.ours, "late"), -ECONNRESET);
	pair_close(&p);
}

/* It was sent before the reset came, as far as its program knows: the error is still the next call's. */
static void what_was_put_before_a_reset_takes_no_error_away(void **state)
{
	struct pair p = make_pair(80);
	uint64_t word;

	(void)state;
	they_say(&p, "hello");
	put(&us, p.ours.file, "answer");
	word = loan_of(&us, p.ours.file)->word;
	reset_by_them(&p); /* nobody has said that it was used */
	ends(&p, word);
	assert_int_equal(send_text(&us, p.ours, "late"), -ECONNRESET);
	pair_close(&p);
}

static void a_close_with_bytes_that_nobody_took_is_a_reset(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 4);
	close_number(&us, 1, p.ours);
	closed(&us, 1);
	assert_int_equal(recv_bytes(&them, p.theirs, 0), -ECONNRESET);
	pair_close(&p);
}

static void a_close_after_all_was_taken_is_a_fin_behind_what_was_put(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 5);
	put(&us, p.ours.file, "answer");
	close_number(&us, 1, p.ours);
	closed(&us, 1);
	they_get(&p, "answer");
	assert_int_equal(recv_bytes(&them, p.theirs, 0), 0);
	pair_close(&p);
}

static void a_close_that_nobody_reports_comes_after_what_was_used(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	take(&us, p.ours.file, 5);
	put(&us, p.ours.file, "answer");
	close(p.ours.fd);
	they_get(&p, "answer");
	assert_int_equal(recv_bytes(&them, p.theirs, 0), 0);
	pair_close(&p);
}

/* ------------------------------------------------------------------ several processes */

/* A process that has the connection, too, hears of it and uses its loan without ever saying so. */
static void use_and_die(const struct pair *p)
{
	struct client other;

	client_attach_to(&other, &near);
	if (CALL(&other, 0, CALL_EPOLL_WAIT, p->set.file, 8, 2000, 1) != 1 || !is_lent(&other, p->ours.file))
		_exit(1);
	take(&other, p->ours.file, 5);
	put(&other, p->ours.file, "last words");
	kill(getpid(), SIGKILL);
}

static void what_was_used_is_done_when_its_process_dies(void **state)
{
	struct pair p = make_pair(80);
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(send_text(&them, p.theirs, "hello"), 5);
	child = fork();
	if (!child)
		use_and_die(&p);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	they_get(&p, "last words");
	assert_int_equal(recv_bytes(&us, p.ours, MSG_DONTWAIT), -EAGAIN);
	pair_close(&p);
}

/* Held by nobody else: bytes and FIN; its unread ones make it a RST. */
static void the_last_holders_death_closes_after_what_it_used(void **state)
{
	struct pair p = make_pair(80);
	pid_t child;

	(void)state;
	assert_int_equal(send_text(&them, p.theirs, "hello"), 5);
	child = fork();
	if (!child)
		use_and_die(&p);
	close(p.ours.fd);
	close(p.set.fd);
	assert_int_equal(waitpid(child, NULL, 0), child);
	they_get(&p, "last words");
	assert_int_equal(recv_bytes(&them, p.theirs, 0), 0);
	close(p.theirs.fd);
}

/* Takes two bytes and lives on until @tell ends. */
static void take_two(const struct pair *p, const int tell[2])
{
	struct client other;
	bool good;

	client_attach_to(&other, &near);
	good = CALL(&other, 0, CALL_EPOLL_WAIT, p->set.file, 8, 2000, 1) == 1 && is_lent(&other, p->ours.file) &&
	       !is_lent(&us, p->ours.file);
	take(&other, p->ours.file, 2);
	good = write(tell[1], "x", good) == 1;
	pause();
	_exit(!good);
}

static void another_process_that_hears_of_it_gets_the_loan(void **state)
{
	struct pair p = make_pair(80);
	int tell[2];
	pid_t child;
	char c;

	(void)state;
	they_say(&p, "hello");
	assert_true(is_lent(&us, p.ours.file));
	assert_int_equal(pipe(tell), 0);
	child = fork();
	if (!child)
		take_two(&p, tell);
	close(tell[1]);
	assert_int_equal(read(tell[0], &c, 1), 1);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 3);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(tell[0]);
	pair_close(&p);
}

/* ------------------------------------------------------------------ no loan */

static void it_is_not_lent_again_while_a_thread_is_still_about_to_use_it(void **state)
{
	struct pair p = make_pair(80);

	(void)state;
	they_say(&p, "hello");
	atomic_fetch_add(&loan_of(&us, p.ours.file)->users, 1);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 5);
	they_say(&p, "again");
	assert_false(is_lent(&us, p.ours.file));
	atomic_fetch_sub(&loan_of(&us, p.ours.file)->users, 1);
	assert_int_equal(recv_bytes(&us, p.ours, 0), 5);
	they_say(&p, "and again");
	assert_true(is_lent(&us, p.ours.file));
	pair_close(&p);
}

static void much_is_not_lent_but_room_is(void **state)
{
	struct pair p = make_pair(80);
	uint64_t sent = 0;

	(void)state;
	while (sent < SEG_LOAN_DATA)
		sent += (uint64_t)CALL(&them, 0, CALL_SEND, p.theirs.file, MSG_NOSIGNAL, 8192, SEG_IO_MSG);
	usleep(50000);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, p.set.file, 8, 2000, 1), 1);
	assert_true(is_lent(&us, p.ours.file));
	assert_int_equal(loan_of(&us, p.ours.file)->recv, 0);
	pair_close(&p);
}

static void two_ends_of_one_stack_lend_nothing(void **state)
{
	struct number listener = make_listener(&us, 80), a = make_connection(&us, 80), b = make_accept(&us, listener);
	struct number set = make_set(&us);

	(void)state;
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_CTL, set.file, EPOLL_CTL_ADD, EPOLLIN, 0, b.file, 7), 0);
	assert_int_equal(send_text(&us, a, "hello"), 5);
	assert_int_equal(CALL(&us, 0, CALL_EPOLL_WAIT, set.file, 8, 2000, 1), 1);
	assert_false(is_lent(&us, b.file));
	close(listener.fd);
	close(a.fd);
	close(b.fd);
	close(set.fd);
}

static void a_word_that_cannot_be_true_is_as_if_nothing_was_used(void **state)
{
	static const uint64_t wrong[] = {
		LOAN_THERE | 6ull << LOAN_TAKEN_AT,			  /* more than was lent */
		LOAN_THERE | (uint64_t)LOAN_LENGTH << LOAN_SENT_AT,	  /* more than there is room */
		LOAN_THERE | LOAN_SERIAL * 12345 | 1ull << LOAN_TAKEN_AT, /* of another life */
		1ull << LOAN_TAKEN_AT,					  /* not there */
		UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct pair p = make_pair((uint16_t)(80 + i));
		struct seg_loan *loan = loan_of(&us, p.ours.file);

		they_say(&p, "hello");
		loan->recv = loan->send = UINT32_MAX; /* nobody there reads these */
		loan->word = wrong[i] | (wrong[i] >> 32 ? 0 : loan->word & ~(LOAN_SERIAL - 1));
		say_used(&us, p.ours.file);
		assert_int_equal(recv_bytes(&us, p.ours, MSG_PEEK), 5);
		usleep(20000);
		assert_int_equal(recv_bytes(&them, p.theirs, MSG_DONTWAIT), -EAGAIN);
		assert_int_equal(recv_bytes(&us, p.ours, 0), 5);
		pair_close(&p);
		assert_true(figure_becomes(&near, "files", 0));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_recv_would_find_is_lent_with_the_event_and_room_to_answer),
		TEST(poll_lends_as_epoll_does),
		TEST(a_call_goes_on_where_the_loan_was_left),
		TEST(what_was_taken_is_received_and_the_rest_lent_anew),
		TEST(what_was_put_is_sent),
		TEST(sends_leave_in_the_order_in_which_they_were_made),
		TEST(what_was_put_before_a_call_leaves_before_it),
		TEST(bytes_that_arrive_end_it_so_that_recv_finds_them_too),
		TEST(what_was_used_when_bytes_arrive_is_done),
		TEST(the_peers_end_ends_it),
		TEST(a_reset_ends_it_and_send_says_so),
		TEST(what_was_put_before_a_reset_takes_no_error_away),
		TEST(a_close_with_bytes_that_nobody_took_is_a_reset),
		TEST(a_close_after_all_was_taken_is_a_fin_behind_what_was_put),
		TEST(a_close_that_nobody_reports_comes_after_what_was_used),
		TEST(what_was_used_is_done_when_its_process_dies),
		TEST(the_last_holders_death_closes_after_what_it_used),
		TEST(another_process_that_hears_of_it_gets_the_loan),
		TEST(it_is_not_lent_again_while_a_thread_is_still_about_to_use_it),
		TEST(much_is_not_lent_but_room_is),
		TEST(two_ends_of_one_stack_lend_nothing),
		TEST(a_word_that_cannot_be_true_is_as_if_nothing_was_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
