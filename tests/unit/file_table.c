// SPDX-License-Identifier: MIT
/* tests/unit/file_table.c - numbers of descriptors: the lowest free one, always, and what dup and fcntl make of them */
#include "file_env.h"

static int socket_new(struct host *h, struct la_task *task)
{
	return (int)CALL(h, task, socket, AF_INET, SOCK_STREAM, 0);
}

static void every_call_gets_the_lowest_free_number(void **state)
{
	struct host h;

	(void)state;
	host_init(&h);
	for (int fd = 0; fd < 5000; fd++)
		assert_int_equal(la_socket(h.task, AF_INET, SOCK_STREAM, 0, h.now_ns), fd);
	for (int fd = 4999; fd >= 0; fd -= 7)
		assert_int_equal(la_close(h.task, fd, h.now_ns), 0);
	for (int fd = 4999 % 7; fd < 5000; fd += 7)
		assert_int_equal(la_socket(h.task, AF_INET, SOCK_STREAM, 0, h.now_ns), fd);
	assert_int_equal(la_socket(h.task, AF_INET, SOCK_STREAM, 0, h.now_ns), 5000);
	host_exit(&h);
}

static void numbers_far_apart_are_found_among_full_and_empty_words(void **state)
{
	static const int far[] = {63, 64, 127, 4095, 4096, 70000, 300000};
	struct host h;
	int fd;

	(void)state;
	host_init(&h);
	fd = socket_new(&h, h.task);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		assert_int_equal(CALL(&h, h.task, dup2, fd, far[i]), far[i]);
		assert_int_equal(CALL(&h, h.task, fcntl, fd, F_DUPFD, far[i]), far[i] + 1);
		assert_int_equal(CALL(&h, h.task, close, far[i] + 1), 0);
	}
	assert_int_equal(CALL(&h, h.task, dup, fd), 1);
	for (int n = 2; n < 63; n++)
		assert_int_equal(CALL(&h, h.task, dup, fd), n);
	assert_int_equal(CALL(&h, h.task, dup, fd), 65); /* 63 and 64 are in use */
	host_exit(&h);
}

static void dup_and_fcntl_are_refused_as_on_linux(void **state)
{
	struct host h;
	int fd;

	(void)state;
	host_init(&h);
	fd = socket_new(&h, h.task);
	assert_int_equal(CALL(&h, h.task, dup, 9), -EBADF);
	assert_int_equal(CALL(&h, h.task, dup2, 9, fd), -EBADF);
	assert_int_equal(CALL(&h, h.task, dup2, fd, -1), -EBADF);
	assert_int_equal(CALL(&h, h.task, dup2, fd, 1 << 24), -EBADF);
	assert_int_equal(CALL(&h, h.task, dup2, fd, fd), fd);
	assert_int_equal(CALL(&h, h.task, dup2, 9, 9), -EBADF);
	assert_int_equal(CALL(&h, h.task, dup3, fd, fd, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, dup3, 9, 9, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, dup3, fd, 5, O_NONBLOCK), -EINVAL);
	assert_int_equal(CALL(&h, h.task, fcntl, 9, F_GETFL, 0), -EBADF);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_DUPFD, -1), -EINVAL);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_DUPFD, 1 << 24), -EINVAL);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, 4711, 0), -EINVAL);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_SETFL, O_DIRECT), -EINVAL);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_GETFL, 0), O_RDWR);
	assert_int_equal(CALL(&h, h.task, dup, fd), 1); /* none of these took a number */
	host_exit(&h);
}

static void nonblock_belongs_to_the_file_and_cloexec_to_the_number(void **state)
{
	struct host h;
	int fd, copy;

	(void)state;
	host_init(&h);
	fd = socket_new(&h, h.task);
	copy = (int)CALL(&h, h.task, fcntl, fd, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_GETFD, 0), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_SETFL, O_NONBLOCK | O_WRONLY), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
	assert_int_equal(CALL(&h, h.task, dup2, copy, copy), copy);
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(CALL(&h, h.task, dup2, fd, 1000), 1000); /* the table grows */
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(CALL(&h, h.task, dup2, fd, copy), copy);
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_GETFD, 0), 0);
	assert_int_equal(CALL(&h, h.task, close, fd), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, copy, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(CALL(&h, h.task, close, copy), 0);
	assert_int_equal(socket_new(&h, h.task), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, 0, F_GETFD, 0), 0); /* nothing is left of the number's past */
	host_exit(&h);
}

static void a_forked_table_is_a_copy_with_its_own_numbers(void **state)
{
	struct host h;
	struct la_task *child;

	(void)state;
	host_init(&h);
	for (int fd = 0; fd < 200; fd++)
		assert_int_equal(socket_new(&h, h.task), fd);
	assert_int_equal(CALL(&h, h.task, close, 100), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, 150, F_SETFD, FD_CLOEXEC), 0);
	child = la_task_fork(h.task);
	assert_int_equal(socket_new(&h, child), 100);
	assert_int_equal(socket_new(&h, child), 200);
	assert_int_equal(CALL(&h, child, fcntl, 150, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(CALL(&h, child, close, 7), 0);
	assert_int_equal(CALL(&h, h.task, fcntl, 7, F_GETFD, 0), 0);
	assert_int_equal(socket_new(&h, h.task), 100);
	la_task_exit(child, h.now_ns);
	host_exit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_gets_the_lowest_free_number),
		cmocka_unit_test(numbers_far_apart_are_found_among_full_and_empty_words),
		cmocka_unit_test(dup_and_fcntl_are_refused_as_on_linux),
		cmocka_unit_test(nonblock_belongs_to_the_file_and_cloexec_to_the_number),
		cmocka_unit_test(a_forked_table_is_a_copy_with_its_own_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
