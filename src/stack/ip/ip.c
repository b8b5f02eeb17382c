// SPDX-License-Identifier: MIT
/* ip/ip.c - the layer begins and ends; who takes which protocol number */
#include "stack/ip/tables.h"
#include <errno.h>

int ip_init(struct net *net)
{
	struct ip *ip = mem_zalloc(&net->mem, sizeof(*ip));

	if (!ip)
		return -ENOMEM;
	net->ip = ip;
	ip->gen = 1; /* the empty cache is of generation 0 */
	ip->icmp_credit = (uint32_t)net->sysctl.icmp_msgs_burst;
	list_init(&ip->icmp_peers);
	for (unsigned i = 0; i < IP_IDS; i++)
		ip->ids[i] = (uint16_t)net_random(net);
	pmtu_init(net);
	frag_init(net);
	return route_init(net);
}

void ip_exit(struct net *net)
{
	if (!net->ip)
		return;
	icmp_send_exit(net);
	frag_exit(net);
	pmtu_exit(net);
	route_exit(net);
	mem_free(&net->mem, net->ip, sizeof(*net->ip));
	net->ip = NULL;
}

void ip_register(struct net *net, uint8_t proto, const struct ip_protocol *ops)
{
	net->ip->proto[proto] = ops;
}
