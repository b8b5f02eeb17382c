// SPDX-License-Identifier: MIT
/*
 * run/tunnel.c - a wire between the TUN devices of two kernels: FD FD, opened by whoever starts it
 *
 * What Lastack's figures are held against: the kernel's TCP at both ends, over the kind of device that Lastack has at one.
 * A thread for each direction reads packets and writes them on as they are, with the header that says what is still to
 * be cut or summed (IFF_VNET_HDR), so that a unit of many segments crosses whole.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct direction {
	int from, to;
	char packet[1 << 17];
};

static void *copy(void *arg)
{
	struct direction *d = arg;
	ssize_t got;

	while ((got = read(d->from, d->packet, sizeof(d->packet))) > 0 || errno == EINTR)
		if (got > 0 && write(d->to, d->packet, got) != got && errno != EINVAL)
			break;
	fprintf(stderr, "tunnel: %s\n", strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	static struct direction there, back;
	pthread_t thread;

	if (argc != 3)
		return 2;
	there.from = back.to = atoi(argv[1]);
	there.to = back.from = atoi(argv[2]);
	if (pthread_create(&thread, NULL, copy, &there))
		return 1;
	copy(&back);
	return 0;
}
