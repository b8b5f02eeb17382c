// SPDX-License-Identifier: MIT
/*
 * ip/output.c - a transport's packet gets its IP header and leaves
 *
 * In:  struct ip_out: addresses, the transport's header with room in front of it, its payload; nothing is copied.
 * Here: the IP header is written into that room, and the transport's checksum, where the device does not do without it
 *      (as the kernel's loopback does).
 * Out: dev_xmit(), headers and payload as two pieces. What is larger than the path MTU leaves in fragments, or not at all
 *      where @df forbids it; units of segments are the driver's to cut.
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
	return unlikely(out->gso_size && out->len > out->gso_size) ? (out->len + out->gso_size - 1) / out->gso_size : 1;
}

static void fill_csum(const struct ip_out *out)
{
	uint64_t sum = csum_pseudo(&out->saddr, &out->daddr, out->hdr_len + out->len, out->proto);
	uint16_t csum;

	sum = csum_words(out->hdr, out->hdr_len, sum);
	csum = csum_fold(csum_partial(out->data, out->len, sum));
	memcpy(out->hdr + out->csum_at, &csum, sizeof(csum));
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

static int send_frame(struct net *net, int ifindex, const struct la_frame *frame, bool v4)
{
	NET_INC(net, v4 ? MIB_Ip_OutTransmits : MIB_Ip6_OutTransmits);
	return dev_xmit(net, ifindex, frame);
}

/* ------------------------------------------------------------------ in fragments */

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
	const struct iovec datagram[2] = { { out->hdr, out->hdr_len }, { (void *)out->data, out->len } };
	uint8_t hdr[IP6_HDR_LEN + IP6_FRAG_HDR_LEN];
	uint32_t hdr_len = v4 ? IP4_HDR_LEN : sizeof(hdr), whole = out->hdr_len + out->len;
	uint32_t room = (dst->mtu - hdr_len) & ~7u, len, id;
	struct ip_header h = header_of(net, out, v4, 0);
	struct iovec iov[3] = { { hdr, hdr_len } };
	struct la_frame frame = { .iov = iov, .family = v4 ? AF_INET : AF_INET6 };
	int err;

	id = v4 ? take_ids(dst, 1) : (uint32_t)net_random(net);
	for (uint32_t off = 0; off < whole; off += len) {
		len = min(room, whole - off);
		build_fragment(hdr, &h, v4, id, off, len, off + len < whole);
		frame.iovcnt = 1 + iov_slice(iov + 1, datagram, 2, off, len);
		frame.len = hdr_len + len;
		err = send_frame(net, dst->ifindex, &frame, v4);
		if (err) {
			NET_INC(net, v4 ? MIB_Ip_FragFails : MIB_Ip6_FragFails);
			return err;
		}
		NET_INC(net, v4 ? MIB_Ip_FragCreates : MIB_Ip6_FragCreates);
	}
	NET_INC(net, v4 ? MIB_Ip_FragOKs : MIB_Ip6_FragOKs);
	return 0;
}

static int xmit_too_large(struct net *net, const struct dst *dst, const struct ip_out *out, bool v4)
{
	if (out->df && !dst->mtu_locked) {
		NET_INC(net, v4 ? MIB_Ip_FragFails : MIB_Ip6_FragFails);
		return -EMSGSIZE;
	}
	if (out->csum_at)
		fill_csum(out);
	return xmit_fragments(net, dst, out, v4);
}

/* ------------------------------------------------------------------ as one */

static int xmit_whole(struct net *net, const struct dst *dst, const struct ip_out *out, bool v4)
{
	uint32_t ip_len = v4 ? IP4_HDR_LEN : IP6_HDR_LEN, hdr_len = ip_len + out->hdr_len;
	struct iovec iov[2] = { { out->hdr - ip_len, hdr_len }, { (void *)out->data, out->len } };
	struct la_frame frame = { .iov = iov, .iovcnt = out->len ? 2 : 1, .len = hdr_len + out->len,
				  .family = v4 ? AF_INET : AF_INET6 };
	struct ip_header h = header_of(net, out, v4, frame.len);

	if (unlikely(out->gso_size)) {
		frame.gso_size = out->gso_size;
		frame.hdr_len = (uint16_t)hdr_len;
	} else if (out->csum_at) {
		frame.csum_missing = dst->tx_csum;
		if (unlikely(!frame.csum_missing))
			fill_csum(out);
	}
	if (v4) {
		h.id = take_ids(dst, segments(out));
		h.frag = out->df && !dst->mtu_locked ? IP_DF : 0;
		ip4_build(iov[0].iov_base, &h);
	} else {
		ip6_build(iov[0].iov_base, &h);
	}
	return send_frame(net, dst->ifindex, &frame, v4);
}

/* The compiler makes two of it, one for each family. */
static inline int xmit(struct net *net, const struct ip_out *out, bool v4)
{
	const struct dst *dst = ip_dst(net, &out->daddr);
	uint32_t payload = out->hdr_len + out->len, len = (v4 ? IP4_HDR_LEN : IP6_HDR_LEN) + payload;

	if (unlikely(dst->kind != DST_UNICAST && dst->kind != DST_LOCAL)) {
		NET_INC(net, v4 ? MIB_Ip_OutNoRoutes : MIB_Ip6_OutNoRoutes);
		return -ENETUNREACH;
	}
	if (unlikely((v4 ? len : payload) > IP_MAX_LEN))
		return -EMSGSIZE;
	NET_INC(net, v4 ? MIB_Ip_OutRequests : MIB_Ip6_OutRequests);
	if (unlikely(len > dst->mtu && !out->gso_size))
		return xmit_too_large(net, dst, out, v4);
	return xmit_whole(net, dst, out, v4);
}

int ip_xmit(struct net *net, const struct ip_out *out)
{
	return likely(addr_is_v4(&out->daddr)) ? xmit(net, out, true) : xmit(net, out, false);
}
