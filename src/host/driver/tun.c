// SPDX-License-Identifier: MIT
/*
 * host/driver/tun.c - a TUN device: the kernel at the other end of a wire
 *
 * Out: tun_xmit() takes a frame or a unit of segments. A plain device gets one write per segment, cut by the library.
 *      A device with virtio headers gets the unit in one write, with its pseudo-header checksum, and the kernel treats
 *      it as a network card with segmentation offload would.
 * In:  tun_read() gives one finished packet at a time. The kernel is never told that we take units or partial
 *      checksums, so what it sends looks like what a wire would carry.
 * The interface's address, MTU and state are set through ioctls on a datagram socket of the same namespace.
 */
#include "host/driver/tun.h"

#include <lastack/stack.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_QUEUE_PACKETS   8192 /* the default of 500 loses packets of any sender with a larger window */
#define TUN_ADDRESS_WAIT_MS 500
#define TUN_IOV_MAX	    64

__attribute__((format(printf, 3, 4))) static int tun_fail(struct tun *tun, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(tun->why, sizeof(tun->why), fmt, args);
	va_end(args);
	return error;
}

/* ------------------------------------------------------------------ opening */

static int tun_open_failed(struct tun *tun, int error)
{
	switch (-error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return tun_fail(tun, error,
				"there is no usable /dev/net/tun: load the module with \"modprobe tun\", or "
				"give the container the device");
	case EPERM:
	case EACCES:
		return tun_fail(tun, error,
				"no right to open /dev/net/tun: run as root, or under \"unshare -Urn\" where "
				"ordinary users may open the device");
	default:
		return tun_fail(tun, error, "cannot open /dev/net/tun: %s", strerror(-error));
	}
}

static int tun_attach_failed(struct tun *tun, int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return tun_fail(tun, error,
				"no right to make the interface %s here: run as root, or under \"unshare "
				"-Urn\"",
				tun->name);
	case EBUSY:
		return tun_fail(tun, error,
				"the interface %s is in use by another program: end that one, or choose "
				"another name with --tun",
				tun->name);
	case EINVAL:
		return tun_fail(tun, error,
				"the interface %s is no TUN device, or was made with other flags: choose "
				"another name with --tun",
				tun->name);
	default:
		return tun_fail(tun, error, "cannot make the interface %s: %s", tun->name, strerror(-error));
	}
}

static int tun_attach(struct tun *tun)
{
	int hdr_len = sizeof(struct virtio_net_hdr);
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	if (tun->units)
		ifr.ifr_flags |= IFF_VNET_HDR;
	memcpy(ifr.ifr_name, tun->name, sizeof(ifr.ifr_name));
	if (ioctl(tun->fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	memcpy(tun->name, ifr.ifr_name, sizeof(tun->name));
	if (tun->units && ioctl(tun->fd, TUNSETVNETHDRSZ, &hdr_len) < 0)
		return -errno;
	/* Nothing offloaded towards us: packets come whole and with their checksums. */
	if (ioctl(tun->fd, TUNSETOFFLOAD, 0) < 0)
		return -errno;
	return 0;
}

int tun_open(struct tun *tun, const char *name, bool units)
{
	int error;

	*tun = (struct tun){.fd = -1, .units = units};
	if (strlen(name) >= sizeof(tun->name))
		return tun_fail(tun, -EINVAL, "the interface name %s is too long: %d characters are allowed", name,
				IFNAMSIZ - 1);
	memcpy(tun->name, name, strlen(name) + 1);
	tun->existed = if_nametoindex(name) != 0;
	tun->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun->fd < 0)
		return tun_open_failed(tun, -errno);
	error = tun_attach(tun);
	if (error) {
		tun_close(tun);
		return tun_attach_failed(tun, error);
	}
	return 0;
}

void tun_close(struct tun *tun)
{
	if (tun->fd >= 0)
		close(tun->fd);
	tun->fd = -1;
}

/* ------------------------------------------------------------------ the interface's settings */

/* One interface ioctl; the request structures of both families begin or continue as their ioctl wants. */
static int tun_ioctl(int family, unsigned long request, void *arg)
{
	int sock = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (sock < 0)
		return -errno;
	if (ioctl(sock, request, arg) < 0)
		error = -errno;
	close(sock);
	return error;
}

static void ifreq_init(struct ifreq *ifr, const struct tun *tun)
{
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, tun->name, sizeof(ifr->ifr_name));
}

static int tun_set_address4(struct tun *tun, const void *addr, unsigned prefixlen)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct ifreq ifr;
	int error;

	ifreq_init(&ifr, tun);
	memcpy(&sin.sin_addr, addr, sizeof(sin.sin_addr));
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	error = tun_ioctl(AF_INET, SIOCSIFADDR, &ifr);
	if (error)
		return error;
	sin.sin_addr.s_addr = prefixlen ? htonl(~0u << (32 - prefixlen)) : 0;
	memcpy(&ifr.ifr_netmask, &sin, sizeof(sin));
	return tun_ioctl(AF_INET, SIOCSIFNETMASK, &ifr);
}

/* Does the kernel take packets for this address as its own by now? */
static bool address_is_local6(int sock, const void *addr)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attr;
		uint8_t bytes[16];
	} question = {
		.head = {.nlmsg_len = sizeof(question), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
		.route = {.rtm_family = AF_INET6, .rtm_dst_len = 128},
		.attr = {sizeof(question.attr) + sizeof(question.bytes), RTA_DST},
	};
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		uint8_t attrs[1024];
	} answer;

	memcpy(question.bytes, addr, sizeof(question.bytes));
	if (send(sock, &question, sizeof(question), 0) < 0 || recv(sock, &answer, sizeof(answer), 0) < 0)
		return false;
	return answer.head.nlmsg_type == RTM_NEWROUTE && answer.route.rtm_type == RTN_LOCAL;
}

/* A new IPv6 address becomes the kernel's own in a work queue, a moment after the ioctl; what comes earlier is lost. */
static void tun_wait_address6(const void *addr)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	for (int i = 0; sock >= 0 && i < TUN_ADDRESS_WAIT_MS && !address_is_local6(sock, addr); i++)
		usleep(1000);
	if (sock >= 0)
		close(sock);
}

static int tun_set_address6(struct tun *tun, const void *addr, unsigned prefixlen)
{
	struct in6_ifreq req = {.ifr6_prefixlen = prefixlen, .ifr6_ifindex = (int)if_nametoindex(tun->name)};
	int error;

	memcpy(&req.ifr6_addr, addr, sizeof(req.ifr6_addr));
	error = tun_ioctl(AF_INET6, SIOCSIFADDR, &req);
	if (!error)
		tun_wait_address6(addr);
	return error == -EEXIST ? 0 : error;
}

int tun_set_address(struct tun *tun, int family, const void *addr, unsigned prefixlen)
{
	int error = family == AF_INET ? tun_set_address4(tun, addr, prefixlen) : tun_set_address6(tun, addr, prefixlen);

	if (error)
		return tun_fail(tun, error, "cannot give %s its %s address: %s", tun->name,
				family == AF_INET ? "IPv4" : "IPv6", strerror(-error));
	return 0;
}

/* By netlink: SIOCSIFTXQLEN asks for rights over the whole machine, even in a network namespace of one's own. */
static int tun_set_queue(const struct tun *tun, uint32_t packets)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct rtattr attr;
		uint32_t packets;
	} ask = {
		.head = {.nlmsg_len = sizeof(ask), .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_index = (int)if_nametoindex(tun->name)},
		.attr = {.rta_type = IFLA_TXQLEN, .rta_len = RTA_LENGTH(sizeof(packets))},
		.packets = packets,
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr result;
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), error = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, &ask, sizeof(ask), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		error = -errno;
	else if (answer.head.nlmsg_type == NLMSG_ERROR)
		error = answer.result.error;
	close(fd);
	return error;
}

int tun_up(struct tun *tun, unsigned mtu)
{
	struct ifreq ifr;
	int error;

	ifreq_init(&ifr, tun);
	ifr.ifr_mtu = (int)mtu;
	error = tun_ioctl(AF_INET, SIOCSIFMTU, &ifr);
	if (error)
		return tun_fail(tun, error, "cannot set the MTU of %s to %u: %s", tun->name, mtu, strerror(-error));
	error = tun_set_queue(tun, TUN_QUEUE_PACKETS);
	if (error)
		return tun_fail(tun, error, "cannot lengthen the queue of %s: %s", tun->name, strerror(-error));
	ifreq_init(&ifr, tun);
	error = tun_ioctl(AF_INET, SIOCGIFFLAGS, &ifr);
	if (!error) {
		ifr.ifr_flags |= IFF_UP;
		error = tun_ioctl(AF_INET, SIOCSIFFLAGS, &ifr);
	}
	if (error)
		return tun_fail(tun, error, "cannot bring %s up: %s", tun->name, strerror(-error));
	return 0;
}

int tun_mtu(struct tun *tun)
{
	struct ifreq ifr;
	int error;

	ifreq_init(&ifr, tun);
	error = tun_ioctl(AF_INET, SIOCGIFMTU, &ifr);
	return error ? error : ifr.ifr_mtu;
}

/* ------------------------------------------------------------------ frames out */

static int tun_writev(struct tun *tun, const struct iovec *iov, int iovcnt)
{
	ssize_t n;

	do
		n = writev(tun->fd, iov, iovcnt);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	tun->frames_dropped++;
	return -ENOBUFS;
}

/* Puts the virtio header, where the device wants one, before the parts of a frame. */
static int tun_write_parts(struct tun *tun, struct virtio_net_hdr *hdr, const struct iovec *parts, int count)
{
	struct iovec iov[TUN_IOV_MAX + 1];

	if (!tun->units)
		return tun_writev(tun, parts, count);
	iov[0] = (struct iovec){hdr, sizeof(*hdr)};
	memcpy(iov + 1, parts, sizeof(*parts) * (size_t)count);
	return tun_writev(tun, iov, count + 1);
}

static int tun_xmit_cut(struct tun *tun, const struct la_frame *frame)
{
	uint32_t count = la_frame_count(frame);
	struct virtio_net_hdr hdr = {0};
	uint8_t buf[TUN_FRAME_MAX];
	struct iovec part;
	int error = 0;

	for (uint32_t i = 0; i < count; i++) {
		part = (struct iovec){buf, la_frame_cut(frame, i, buf, sizeof(buf))};
		if (!part.iov_len || tun_write_parts(tun, &hdr, &part, 1))
			error = -ENOBUFS;
	}
	return error;
}

static uint32_t sum16(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return sum;
}

/* Headers of a unit as the kernel wants them from a card that segments: total length set, the TCP checksum field
 * holding the sum of the pseudo-header alone. */
static void unit_headers(const struct la_frame *frame, uint8_t *head, struct virtio_net_hdr *hdr)
{
	bool v4 = frame->family == AF_INET;
	uint32_t ip_len = v4 ? (head[0] & 15u) * 4u : 40u;
	uint32_t tcp_len = frame->len - ip_len;
	uint32_t sum = v4 ? sum16(head + 12, 8) : sum16(head + 8, 32);

	sum += IPPROTO_TCP + (tcp_len & 0xffff) + (tcp_len >> 16);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	head[ip_len + 16] = (uint8_t)(sum >> 8);
	head[ip_len + 17] = (uint8_t)sum;
	if (v4) {
		head[2] = (uint8_t)(frame->len >> 8);
		head[3] = (uint8_t)frame->len;
		head[10] = head[11] = 0;
		sum = sum16(head, ip_len);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		head[10] = (uint8_t)(~sum >> 8);
		head[11] = (uint8_t)~sum;
	} else {
		head[4] = (uint8_t)(tcp_len >> 8);
		head[5] = (uint8_t)tcp_len;
	}
	*hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = frame->hdr_len,
		.gso_size = frame->gso_size,
		.csum_start = (uint16_t)ip_len,
		.csum_offset = 16,
	};
}

/* One write for the whole unit: its headers copied and completed, the payload where it lies. */
static int tun_xmit_unit(struct tun *tun, const struct la_frame *frame)
{
	struct iovec parts[TUN_IOV_MAX];
	struct virtio_net_hdr hdr;
	size_t left = frame->hdr_len, n;
	uint8_t head[128];
	int count = 1;

	for (int i = 0; i < frame->iovcnt; i++) {
		const struct iovec *v = &frame->iov[i];

		n = left < v->iov_len ? left : v->iov_len;
		memcpy(head + frame->hdr_len - left, v->iov_base, n);
		left -= n;
		if (n < v->iov_len)
			parts[count++] = (struct iovec){(uint8_t *)v->iov_base + n, v->iov_len - n};
	}
	parts[0] = (struct iovec){head, frame->hdr_len};
	unit_headers(frame, head, &hdr);
	return tun_write_parts(tun, &hdr, parts, count);
}

int tun_xmit(struct tun *tun, const struct la_frame *frame)
{
	struct virtio_net_hdr hdr = {0};
	bool fits = frame->iovcnt < TUN_IOV_MAX;

	if (!frame->gso_size && fits)
		return tun_write_parts(tun, &hdr, frame->iov, frame->iovcnt);
	if (tun->units && frame->gso_size && fits && frame->len <= TUN_FRAME_MAX && frame->hdr_len <= 120)
		return tun_xmit_unit(tun, frame);
	return tun_xmit_cut(tun, frame);
}

/* ------------------------------------------------------------------ frames in */

int tun_read(struct tun *tun, void *buf)
{
	struct virtio_net_hdr hdr;
	struct iovec iov[2] = {{&hdr, sizeof(hdr)}, {buf, TUN_FRAME_MAX}};
	ssize_t n;

	do
		n = tun->units ? readv(tun->fd, iov, 2) : read(tun->fd, buf, TUN_FRAME_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (tun->units)
		n -= (ssize_t)sizeof(hdr);
	return n > 0 ? (int)n : 0;
}
