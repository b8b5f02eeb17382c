// SPDX-License-Identifier: MIT
/*
 * scenario/peer.c - whom connect() may name
 *
 * The errors and the source addresses are those that Linux 6.18.44 gave to the same calls in a namespace with the same routes.
 */
#include <arpa/inet.h>

#include "harness.h"

static socklen_t address(int family, const char *text, uint16_t port, struct sockaddr_storage *addr)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		in->sin_port = htons(port);
		EXPECT_EQ(inet_pton(family, text, &in->sin_addr), 1);
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	EXPECT_EQ(inet_pton(family, text, &in6->sin6_addr), 1);
	return sizeof(*in6);
}

static const char *source_of(struct duo *d, int fd)
{
	static char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	EXPECT_EQ(LAB_TRY(&d->client.thread, getsockname, fd, (struct sockaddr *)&addr, &len), 0);
	if (addr.ss_family == AF_INET)
		return inet_ntop(AF_INET, &((struct sockaddr_in *)&addr)->sin_addr, text, sizeof(text));
	return inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&addr)->sin6_addr, text, sizeof(text));
}

/* A new socket, bound to @from if that is not NULL, connects; where that begins, its source is @source. */
static void expect_connect(struct duo *d, int family, const char *from, const char *to, int wanted, const char *source)
{
	int fd = (int)LAB_TRY(&d->client.thread, socket, family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage addr;
	socklen_t len;

	if (from) {
		len = address(family, from, 0, &addr);
		EXPECT_EQ(LAB_TRY(&d->client.thread, bind, fd, (struct sockaddr *)&addr, len), 0);
	}
	len = address(family, to, 9, &addr);
	EXPECT_EQ(LAB_TRY(&d->client.thread, connect, fd, (struct sockaddr *)&addr, len), wanted);
	if (source)
		harness_string(__FILE__, __LINE__, to, source_of(d, fd), source);
	EXPECT_EQ(LAB_TRY(&d->client.thread, close, fd), 0);
}

TEST(any_means_this_host)
{
	struct duo d = duo_hosts();

	expect_connect(&d, AF_INET, NULL, "0.0.0.0", -EINPROGRESS, "127.0.0.1");
	expect_connect(&d, AF_INET6, NULL, "::", -EINPROGRESS, "::1");
	expect_connect(&d, AF_INET6, NULL, "::ffff:0.0.0.0", -EINPROGRESS, "::ffff:127.0.0.1");
}

TEST(nobody_is_many)
{
	struct duo d = duo_hosts();

	expect_connect(&d, AF_INET, NULL, "255.255.255.255", -ENETUNREACH, NULL);
	expect_connect(&d, AF_INET, NULL, "224.0.0.1", -ENETUNREACH, NULL);
	expect_connect(&d, AF_INET6, NULL, "ff02::1", -ENETUNREACH, NULL);
	expect_connect(&d, AF_INET6, NULL, "fe80::1", -EINVAL, NULL);
}

TEST(a_multicast_source_is_no_source)
{
	struct duo d = duo_hosts();

	expect_connect(&d, AF_INET, "224.0.0.1", "127.0.0.1", -EINPROGRESS, "127.0.0.1");
}

TEST(bound_to_ipv4_nothing_else_is_reached)
{
	struct duo d = duo_hosts();

	expect_connect(&d, AF_INET6, "::ffff:127.0.0.1", "::", -EINPROGRESS, "::ffff:127.0.0.1");
	expect_connect(&d, AF_INET6, "::ffff:127.0.0.1", "::1", -EAFNOSUPPORT, NULL);
}

/* A host without a wire; counted by family. */
TEST_ONCE(a_peer_without_a_route_is_counted)
{
	struct duo d = duo_hosts(), alone = d;

	alone.client.host = lab_host_new(d.world, "alone");
	alone.client.thread = lab_process(alone.client.host);
	expect_connect(&alone, AF_INET, NULL, "127.0.0.1", -EINPROGRESS, NULL);
	EXPECT_COUNTER(&alone, CLIENT, "IpOutNoRoutes", 0);
	expect_connect(&alone, AF_INET, NULL, "198.51.100.1", -ENETUNREACH, NULL);
	expect_connect(&alone, AF_INET6, NULL, "::ffff:198.51.100.1", -ENETUNREACH, NULL);
	EXPECT_COUNTER(&alone, CLIENT, "IpOutNoRoutes", 2);
	EXPECT_COUNTER(&alone, CLIENT, "Ip6OutNoRoutes", 0);
	expect_connect(&alone, AF_INET6, NULL, "2001:db8:ffff::1", -ENETUNREACH, NULL);
	EXPECT_COUNTER(&alone, CLIENT, "Ip6OutNoRoutes", 1);
	lab_exit(&alone.client.thread);
}
