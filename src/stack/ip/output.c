// SPDX-License-Identifier: MIT
/*
 * ip/output.c - a transport's packet gets its IP header and leaves
 *
 * In:  struct ip_out: addresses, and the transport's bytes in pieces; nothing is copied.
 * Here: the transport's checksum, where the device does not do without it (as the kernel's loopback does).
 * Out: dev_xmit(), with the header as one piece more in front. What is larger than the path MTU leaves in fragments, or
 *      not at all where @df forbids it; units of segments are the driver's to cut.
 */
#include "stack/ip/tables.h"
#include <errno.h>
#include <sys/socket.h>

/* Linux gives each connection a counter of its own and unconnected packets with DF the id 0; here all packets take from
 * a counter shared by destinations of one hash (docs/LINUX.md). */
static uint16_t take_ids(const struct dst *dst, uint32_t count)
{
	uint16_t first = *dst->id;

	*dst->id = (uint16_t)(first + count);
	return first;
}

/* How many segments the unit stands for. */
static uint32_t segments(const struct ip_out *out)
{
	uint32_t payload = out->len - (uint32_t)out->iov[0].iov_len;

	return out->gso_size && payload > out->gso_size ? (payload + out->gso_size - 1) / out->gso_size : 1;
}

static void fill_csum(const struct ip_out *out)
{
	uint64_t sum = csum_pseudo(&out->saddr, &out->daddr, out->len, out->proto);
	uint8_t *hdr = out->iov[0].iov_base;
	uint16_t csum;

	sum = csum_words(hdr, out->iov[0].iov_len, sum);
	for (int i = 1; i < out->iovcnt; i++)
		sum = csum_partial(out->iov[i].iov_base, out->iov[i].iov_len, sum);
	csum = csum_fold(sum);
	memcpy(hdr + out->csum_at, &csum, sizeof(csum));
}

static struct ip_header header_of(struct net *net, const struct ip_out *out, bool v4, uint32_t len)
{
	return (struct ip_header){
		.saddr = out->saddr,
		.daddr = out->daddr,
		.len = len,
		.proto = out->proto,
		.dsfield = out->dsfield,
		.ttl = out->ttl ? out->ttl : (uint8_t)(v4 ? net->sysctl.ip_default_ttl : net->sysctl.hop_limit),
	};
}

/* The header of a packet that leaves whole, or of a unit. Two functions, so that the compiler keeps
 * IPv4's few words in registers. */
static void push_header4(struct net *net, const struct dst *dst, const struct ip_out *out, uint8_t *hdr, uint32_t len, bool df)
{
	struct ip_header h = header_of(net, out, true, len);

	h.id = take_ids(dst, segments(out));
	h.frag = df ? IP_DF : 0;
	ip4_build(hdr, &h);
}

static void push_header6(struct net *net, const struct ip_out *out, uint8_t *hdr, uint32_t len)
{
	struct ip_header h = header_of(net, out, false, len);

	ip6_build(hdr, &h);
}

/* Sends what stands in @iov behind @iov[0], which is taken by the header. */
static int send_frame(struct net *net, int ifindex, struct iovec *iov, int iovcnt, uint8_t *hdr, uint32_t hdr_len,
		      uint32_t len, const struct ip_out *out, bool v4, bool no_csum)
{
	struct la_frame frame = { .iov = iov, .iovcnt = iovcnt, .len = len, .family = v4 ? AF_INET : AF_INET6,
				  .csum_missing = no_csum };

	iov[0] = (struct iovec){ hdr, hdr_len };
	if (out->gso_size) {
		frame.gso_size = out->gso_size;
		frame.hdr_len = (uint16_t)(hdr_len + out->iov[0].iov_len);
	}
	NET_INC(net, v4 ? MIB_Ip_OutTransmits : MIB_Ip6_OutTransmits);
	return dev_xmit(net, ifindex, &frame);
}

/* The pieces of @from that hold its bytes @off to @off + @len; returns their number. */
static int iov_slice(struct iovec *to, const struct iovec *from, int count, size_t off, size_t len)
{
	int n = 0;

	for (int i = 0; i < count && len; i++) {
		if (off >= from[i].iov_len) {
			off -= from[i].iov_len;
			continue;
		}
		to[n].iov_base = (uint8_t *)from[i].iov_base + off;
		to[n].iov_len = min(from[i].iov_len - off, len);
		len -= to[n++].iov_len;
		off = 0;
	}
	return n;
}

/* @len bytes of payload, @off bytes into the datagram. */
static void build_fragment(uint8_t *hdr, struct ip_header *h, bool v4, uint32_t id, uint32_t off, uint32_t len,
			   bool more)
{
	uint8_t proto = h->proto;

	if (v4) {
		h->len = IP4_HDR_LEN + len;
		h->id = (uint16_t)id;
		h->frag = (uint16_t)(off / 8 | (more ? IP_MF : 0));
		ip4_build(hdr, h);
		return;
	}
	h->len = IP6_HDR_LEN + IP6_FRAG_HDR_LEN + len;
	h->proto = IPPROTO_FRAGMENT;
	ip6_build(hdr, h);
	h->proto = proto;
	hdr[IP6_HDR_LEN] = proto;
	hdr[IP6_HDR_LEN + 1] = 0;
	put_be16(hdr + IP6_HDR_LEN + 2, (uint16_t)(off | (more ? IP6_MF : 0)));
	put_be32(hdr + IP6_HDR_LEN + 4, id);
}

static int xmit_fragments(struct net *net, const struct dst *dst, const struct ip_out *out, bool v4)
{
	uint8_t hdr[IP6_HDR_LEN + IP6_FRAG_HDR_LEN];
	uint32_t hdr_len = v4 ? IP4_HDR_LEN : sizeof(hdr);
	uint32_t room = (dst->mtu - hdr_len) & ~7u, len, id;
	struct ip_header h = header_of(net, out, v4, 0);
	struct iovec iov[1 + IP_OUT_IOV];
	int n, err;

	id = v4 ? take_ids(dst, 1) : (uint32_t)net_random(net);
	for (uint32_t off = 0; off < out->len; off += len) {
		len = min(room, out->len - off);
		build_fragment(hdr, &h, v4, id, off, len, off + len < out->len);
		n = iov_slice(iov + 1, out->iov, out->iovcnt, off, len);
		err = send_frame(net, dst->ifindex, iov, n + 1, hdr, hdr_len, hdr_len + len, out, v4, false);
		if (err) {
			NET_INC(net, v4 ? MIB_Ip_FragFails : MIB_Ip6_FragFails);
			return err;
		}
		NET_INC(net, v4 ? MIB_Ip_FragCreates : MIB_Ip6_FragCreates);
	}
	NET_INC(net, v4 ? MIB_Ip_FragOKs : MIB_Ip6_FragOKs);
	return 0;
}

int ip_xmit(struct net *net, const struct ip_out *out)
{
	const struct dst *dst = ip_dst(net, &out->daddr);
	bool v4 = addr_is_v4(&out->daddr), df = out->df && !dst->mtu_locked;
	uint32_t hdr_len = v4 ? IP4_HDR_LEN : IP6_HDR_LEN, len = hdr_len + out->len;
	struct iovec iov[1 + IP_OUT_IOV];
	bool want_csum = out->csum_at && !out->gso_size, no_csum = want_csum && dst->tx_csum && len <= dst->mtu;
	uint8_t hdr[IP6_HDR_LEN];

	assert(out->iovcnt <= IP_OUT_IOV);
	if (unlikely(dst->kind != DST_UNICAST && dst->kind != DST_LOCAL)) {
		NET_INC(net, v4 ? MIB_Ip_OutNoRoutes : MIB_Ip6_OutNoRoutes);
		return -ENETUNREACH;
	}
	if (unlikely((v4 ? len : out->len) > IP_MAX_LEN))
		return -EMSGSIZE;
	NET_INC(net, v4 ? MIB_Ip_OutRequests : MIB_Ip6_OutRequests);
	if (want_csum && !no_csum)
		fill_csum(out);
	if (unlikely(!out->gso_size && len > dst->mtu)) {
		if (!df)
			return xmit_fragments(net, dst, out, v4);
		NET_INC(net, v4 ? MIB_Ip_FragFails : MIB_Ip6_FragFails);
		return -EMSGSIZE;
	}
	if (likely(v4))
		push_header4(net, dst, out, hdr, len, df);
	else
		push_header6(net, out, hdr, len);
	for (int i = 0; i < out->iovcnt; i++)
		iov[1 + i] = out->iov[i];
	return send_frame(net, dst->ifindex, iov, 1 + out->iovcnt, hdr, hdr_len, len, out, v4, no_csum);
}
