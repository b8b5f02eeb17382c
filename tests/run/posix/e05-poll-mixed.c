// SPDX-License-Identifier: MIT
/*
 * posix/e05-poll-mixed.c - poll() and select() over connections, pipes, gaps and closed numbers
 */
#include "tap.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>

static void each_entry_gets_its_own_answer(void)
{
	struct duo duo = duo_open();
	int ends[2], l = listen_at(0, 1);

	EXPECT(pipe(ends) == 0 && write(ends[1], "a", 1) == 1);
	struct pollfd p[] = {{duo.fd, POLLIN | POLLOUT, 0},  {ends[0], POLLIN, 0}, {-1, POLLIN, 77}, {999, POLLIN, 0},
			     {duo.peer, POLLIN, 0},	     {l, POLLIN, 0},	   {ends[1], POLLOUT, 0},
			     {-duo.fd, POLLIN | POLLOUT, 77}, {duo.fd, POLLOUT, 0}};

	EXPECT(poll(p, 9, 1000) == 5);
	EXPECT(p[0].revents == POLLOUT && p[1].revents == POLLIN && p[2].revents == 0 && p[3].revents == POLLNVAL);
	EXPECT(p[4].revents == 0 && p[5].revents == 0 && p[6].revents == POLLOUT && p[7].revents == 0);
	EXPECT(p[8].revents == POLLOUT);
	close(ends[0]);
	close(ends[1]);
	close(l);
	duo_close(&duo);
}

static void poll_waits_for_nobody(void)
{
	struct duo duo = duo_open();
	struct pollfd p = {-5, POLLIN, 1};
	long begun = now_ms();

	EXPECT(poll(NULL, 0, 30) == 0 && now_ms() - begun >= 29);
	EXPECT(poll(&p, 1, 30) == 0 && p.revents == 0);
	p = (struct pollfd){duo.fd, 0, 0};
	EXPECT(poll(&p, 1, 0) == 0);
	linger(duo.peer, 1, 0);
	close(duo.peer);
	EXPECT(poll(&p, 1, 1000) == 1 && p.revents == (POLLERR | POLLHUP));
	close(duo.fd);
}

static void all_bits_of_an_end_of_stream(void)
{
	struct duo duo = duo_open();
	struct pollfd p = {duo.fd, POLLIN | POLLRDHUP | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI, 0};

	EXPECT(poll(&p, 1, 0) == 1 && p.revents == (POLLOUT | POLLWRNORM));
	EXPECT(send(duo.peer, "a", 1, MSG_OOB) == 1);
	nap_ms(50);
	EXPECT(poll(&p, 1, 0) == 1 && p.revents == (POLLOUT | POLLWRNORM | POLLPRI));
	EXPECT(shutdown(duo.peer, SHUT_WR) == 0);
	nap_ms(50);
	EXPECT(poll(&p, 1, 0) == 1);
	EXPECT(p.revents == (POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLPRI));
	duo_close(&duo);
}

struct later {
	int fd;
	bool is_socket;
};

static void *write_later(void *arg)
{
	struct later *later = arg;

	nap_ms(60);
	if ((later->is_socket ? send(later->fd, "a", 1, 0) : write(later->fd, "a", 1)) != 1)
		tap_bail("write");
	return NULL;
}

static void poll_and_select_wake_from_either_side(void)
{
	struct duo duo = duo_open();
	pthread_t thread;
	int ends[2], n;
	fd_set in;
	char byte;

	EXPECT(pipe(ends) == 0);
	for (int i = 0; i < 4; i++) {
		struct later later = {i & 1 ? duo.peer : ends[1], i & 1};
		struct pollfd p[] = {{ends[0], POLLIN, 0}, {duo.fd, POLLIN, 0}};

		pthread_create(&thread, NULL, write_later, &later);
		if (i & 2) {
			FD_ZERO(&in);
			FD_SET(ends[0], &in);
			FD_SET(duo.fd, &in);
			n = select((duo.fd > ends[0] ? duo.fd : ends[0]) + 1, &in, NULL, NULL, NULL);
			EXPECT(n == 1 && FD_ISSET(i & 1 ? duo.fd : ends[0], &in) && !FD_ISSET(i & 1 ? ends[0] : duo.fd, &in));
		} else {
			EXPECT(poll(p, 2, -1) == 1 && p[i & 1].revents == POLLIN && p[!(i & 1)].revents == 0);
		}
		pthread_join(thread, NULL);
		EXPECT(read(i & 1 ? duo.fd : ends[0], &byte, 1) == 1);
	}
	close(ends[0]);
	close(ends[1]);
	duo_close(&duo);
}

static void select_counts_bits_over_three_sets(void)
{
	struct duo duo = duo_open();
	struct timeval none = {0, 0};
	fd_set in, out, except;

	EXPECT(send(duo.peer, "ab", 2, MSG_OOB) == 2);
	nap_ms(50);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	FD_SET(duo.fd, &in);
	FD_SET(duo.fd, &out);
	FD_SET(duo.fd, &except);
	FD_SET(duo.peer, &in);
	EXPECT(select(FD_SETSIZE, &in, &out, &except, &none) == 3);
	EXPECT(FD_ISSET(duo.fd, &in) && FD_ISSET(duo.fd, &out) && FD_ISSET(duo.fd, &except) && !FD_ISSET(duo.peer, &in));
	EXPECT(select(duo.fd + 1, NULL, &out, NULL, NULL) == 1);
	EXPECT(select(0, NULL, NULL, NULL, &none) == 0);
	EXPECT(select(duo.fd, &in, NULL, NULL, &none) == 0); /* the number itself stands behind */
	duo_close(&duo);
}

static void select_refuses_closed_numbers(void)
{
	struct duo duo = duo_open();
	struct timeval none = {0, 0};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(duo.fd, &in);
	FD_SET(duo.peer, &in);
	close(duo.peer);
	EXPECT_ERRNO(select(FD_SETSIZE, &in, NULL, NULL, &none), EBADF);
	EXPECT(FD_ISSET(duo.fd, &in) && FD_ISSET(duo.peer, &in));
	EXPECT_ERRNO(select(-1, &in, NULL, NULL, &none), EINVAL);
	close(duo.fd);
}

static void many_entries_are_no_different(void)
{
	enum { N = 3000 };
	struct duo duo = duo_open();
	struct pollfd *p = calloc(N, sizeof(*p));

	for (int i = 0; i < N; i++)
		p[i] = (struct pollfd){i % 3 ? -1 : i % 2 ? duo.fd : duo.peer, POLLIN, 0};
	EXPECT(send(duo.peer, "a", 1, 0) == 1);
	EXPECT(poll(p, N, 1000) == N / 6);
	EXPECT(p[3].revents == POLLIN && p[N - 3].revents == POLLIN && p[0].revents == 0);
	free(p);
	duo_close(&duo);
}

static const struct tap_case cases[] = {
	CASE(each_entry_gets_its_own_answer),
	CASE(poll_waits_for_nobody),
	CASE(all_bits_of_an_end_of_stream),
	CASE(poll_and_select_wake_from_either_side),
	CASE(select_counts_bits_over_three_sets),
	CASE(select_refuses_closed_numbers),
	CASE(many_entries_are_no_different),
};
TAP_MAIN(cases)
