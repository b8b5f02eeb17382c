// SPDX-License-Identifier: MIT
/*
 * host/drill/netlink.c - the namespace is furnished, and swept out at the end
 *
 * What `ip link`, `ip addr` and `ip route` would do, as messages to the kernel, because starting them costs more than the
 * whole run: a request goes out, its answer comes back, and an error becomes a sentence.
 * The device sends nothing of its own accord: no link-local address, so no router is solicited and no group reported.
 */
#include "host/drill/side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_WAIT_NS (2 * NS_PER_S)

/* A request under construction: attributes are appended behind the fixed part. */
struct request {
	struct nlmsghdr head;
	char body[512];
};

static void *request_begin(struct request *req, int type, int flags, size_t fixed)
{
	memset(req, 0, sizeof(*req));
	req->head.nlmsg_type = type;
	req->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	req->head.nlmsg_len = NLMSG_LENGTH(fixed);
	return NLMSG_DATA(&req->head);
}

static struct rtattr *request_add(struct request *req, int type, const void *data, size_t len)
{
	struct rtattr *attr = (struct rtattr *)((char *)req + NLMSG_ALIGN(req->head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
	return attr;
}

/* What has been appended since @attr becomes its contents. */
static void request_enclose(struct request *req, struct rtattr *attr)
{
	attr->rta_len = (char *)req + req->head.nlmsg_len - (char *)attr;
}

/* 0 or a negative errno, the kernel's or that of the socket */
static int request_ask(int fd, struct request *req)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;

	if (send(fd, req, req->head.nlmsg_len, 0) < 0)
		return -errno;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)))
		return -EPROTO;
	return answer.head.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
}

/* ---------------------------------------------------------------- device, address, route */

static int link_up(int fd, unsigned index, unsigned mtu)
{
	struct request req;
	struct ifinfomsg *link = request_begin(&req, RTM_NEWLINK, 0, sizeof(*link));
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;

	link->ifi_index = index;
	link->ifi_flags = link->ifi_change = IFF_UP;
	if (mtu) {
		struct rtattr *families, *inet6;

		request_add(&req, IFLA_MTU, &mtu, sizeof(mtu));
		families = request_add(&req, IFLA_AF_SPEC, NULL, 0);
		inet6 = request_add(&req, AF_INET6, NULL, 0);
		request_add(&req, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
		request_enclose(&req, inet6);
		request_enclose(&req, families);
	}
	return request_ask(fd, &req);
}

/* An address as its family writes it; @mapped is one of struct drill_net */
static const uint8_t *address_bytes(const struct drill_net *net, const uint8_t mapped[16])
{
	return net->family == DRILL_IPV6 ? mapped : mapped + 12;
}

static int address_family(const struct drill_net *net)
{
	return net->family == DRILL_IPV6 ? AF_INET6 : AF_INET;
}

static size_t address_size(const struct drill_net *net)
{
	return net->family == DRILL_IPV6 ? 16 : 4;
}

static int address_add(int fd, const struct drill_net *net, unsigned index)
{
	struct request req;
	struct ifaddrmsg *addr = request_begin(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*addr));

	addr->ifa_family = address_family(net);
	addr->ifa_prefixlen = net->prefix;
	addr->ifa_flags = IFA_F_NODAD;
	addr->ifa_index = index;
	request_add(&req, IFA_LOCAL, address_bytes(net, net->local), address_size(net));
	request_add(&req, IFA_ADDRESS, address_bytes(net, net->local), address_size(net));
	return request_ask(fd, &req);
}

/* Towards the script; under anyip nobody stands between. */
static int route_add(int fd, const struct drill_net *net, unsigned index)
{
	struct request req;
	struct rtmsg *route = request_begin(&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*route));

	route->rtm_family = address_family(net);
	route->rtm_dst_len = 8 * address_size(net);
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_scope = net->anyip && net->family != DRILL_IPV6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	request_add(&req, RTA_DST, address_bytes(net, net->remote), address_size(net));
	request_add(&req, RTA_OIF, &index, sizeof(index));
	if (!net->anyip)
		request_add(&req, RTA_GATEWAY, address_bytes(net, net->gateway), address_size(net));
	return request_ask(fd, &req);
}

/* All of the network is this machine's, without an address on any device. */
static int anyip_add(int fd, const struct drill_net *net)
{
	unsigned lo = if_nametoindex("lo"), bit;
	struct request req;
	struct rtmsg *route = request_begin(&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*route));
	uint8_t network[16];

	memcpy(network, address_bytes(net, net->local), address_size(net));
	for (bit = net->prefix; bit < 8 * address_size(net); bit++)
		network[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	route->rtm_family = address_family(net);
	route->rtm_dst_len = net->prefix;
	route->rtm_table = RT_TABLE_LOCAL;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_scope = RT_SCOPE_HOST;
	route->rtm_type = RTN_LOCAL;
	request_add(&req, RTA_DST, network, address_size(net));
	request_add(&req, RTA_OIF, &lo, sizeof(lo));
	return request_ask(fd, &req);
}

/* Would the kernel take a packet to our address for its own by now? */
static bool address_is_ours(int fd, const struct drill_net *net)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		char rest[1024];
	} answer;
	struct request req;
	struct rtmsg *ask = request_begin(&req, RTM_GETROUTE, 0, sizeof(*ask));

	req.head.nlmsg_flags &= ~NLM_F_ACK;
	ask->rtm_family = address_family(net);
	ask->rtm_dst_len = 8 * address_size(net);
	request_add(&req, RTA_DST, address_bytes(net, net->local), address_size(net));
	return send(fd, &req, req.head.nlmsg_len, 0) > 0 && recv(fd, &answer, sizeof(answer), 0) > 0 &&
	       answer.head.nlmsg_type == RTM_NEWROUTE && answer.route.rtm_type == RTN_LOCAL;
}

/* IPv6 makes an address usable in a thread of its own, a moment later. */
static bool address_wait(int fd, const struct drill_net *net)
{
	const struct timespec moment = {.tv_nsec = 200 * NS_PER_US};
	int64_t end = clock_now() + ADDRESS_WAIT_NS;

	while (!address_is_ours(fd, net)) {
		if (clock_now() > end)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

static const char *address_text(const struct drill_net *net, const uint8_t mapped[16], char to[INET6_ADDRSTRLEN])
{
	return inet_ntop(address_family(net), address_bytes(net, mapped), to, INET6_ADDRSTRLEN);
}

bool netlink_set_up(const struct drill_net *net, unsigned index, struct drill_text *why)
{
	char one[INET6_ADDRSTRLEN], other[INET6_ADDRSTRLEN];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;
	bool done = false;

	if (fd < 0)
		return side_refuse(why, "cannot open a netlink socket (%s)", strerror(errno));
	err = link_up(fd, if_nametoindex("lo"), 0);
	if (!err)
		err = link_up(fd, index, net->mtu);
	if (err) {
		side_refuse(why, "cannot bring up tun0 with an MTU of %u (%s)", net->mtu, strerror(-err));
		goto out;
	}
	err = net->anyip ? anyip_add(fd, net) : address_add(fd, net, index);
	if (!err && !address_wait(fd, net))
		err = -ETIMEDOUT;
	if (err) {
		side_refuse(why, "cannot give tun0 the address %s/%u (%s)%s", address_text(net, net->local, one),
			    net->prefix, strerror(-err), net->family == DRILL_IPV6 ? ": has this kernel IPv6?" : "");
		goto out;
	}
	err = route_add(fd, net, index);
	done = !err;
	if (err)
		side_refuse(why, "cannot make a route to %s through %s (%s)", address_text(net, net->remote, one),
			    net->anyip ? "tun0" : address_text(net, net->gateway, other), strerror(-err));
out:
	close(fd);
	return done;
}

/* ---------------------------------------------------------------- connections */

/* These end with the namespace, or with their listener. */
#define STATES_THAT_STAY (1u << TCP_TIME_WAIT | 1u << TCP_LISTEN | 1u << TCP_CLOSE | 1u << 12)

static void connection_end(int fd, const struct inet_diag_msg *found)
{
	struct request req;
	struct inet_diag_req_v2 *end = request_begin(&req, SOCK_DESTROY, 0, sizeof(*end));

	end->sdiag_family = found->idiag_family;
	end->sdiag_protocol = IPPROTO_TCP;
	end->idiag_states = ~0u;
	end->id = found->id;
	request_ask(fd, &req);
}

/* One family's connections, asked with @list, ended with @end. */
static void connections_end(int list, int end, int family)
{
	struct request req;
	struct inet_diag_req_v2 *ask = request_begin(&req, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*ask));
	char answer[16384] __attribute__((aligned(8)));

	req.head.nlmsg_flags &= ~NLM_F_ACK;
	ask->sdiag_family = family;
	ask->sdiag_protocol = IPPROTO_TCP;
	ask->idiag_states = ~STATES_THAT_STAY;
	if (send(list, &req, req.head.nlmsg_len, 0) < 0)
		return;
	for (;;) {
		ssize_t got = recv(list, answer, sizeof(answer), 0);
		struct nlmsghdr *head = (struct nlmsghdr *)answer;

		if (got <= 0)
			return;
		for (; NLMSG_OK(head, (size_t)got); head = NLMSG_NEXT(head, got)) {
			if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
				return;
			connection_end(end, NLMSG_DATA(head));
		}
	}
}

/* A kernel without CONFIG_INET_DIAG_DESTROY refuses; the namespace then goes when the connections have timed out. */
void netlink_end_connections(void)
{
	int list = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int end = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (list >= 0 && end >= 0) {
		connections_end(list, end, AF_INET);
		connections_end(list, end, AF_INET6);
	}
	if (list >= 0)
		close(list);
	if (end >= 0)
		close(end);
}
