// SPDX-License-Identifier: MIT
/*
 * host/drill/wire.c - the one wire of a side: a TUN device, and a packet socket that watches it
 *
 * In:   wire_inject() writes a packet to the device's descriptor; the kernel has handled it when the write returns.
 * Out:  the kernel shows the packet socket what leaves, with the time at which it leaves the queue. What arrives at the
 *       descriptor itself is the same and thrown away.
 *
 * The device offers what a network card does: checksums and segmentation. So a unit of many segments is seen as one
 * packet, as packetdrill's scripts have it, and TCP's sizes are those of a real machine. The checksum, which the card
 * would fill in, is filled in here.
 * Noise that no script means (multicast, IPv6's housekeeping, other protocols) is not shown.
 */
#include "host/drill/side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define WIRE_OFFLOADS  (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define WIRE_TAP_BYTES (64 << 20) /* units of 64 KB count with all their memory */
#define IP4_HEADER     20	  /* at least */
#define IP6_HEADER     40
#define TCP_HEADER     20
#define TCP_CSUM_AT    16

/* ---------------------------------------------------------------- opening */

static bool tun_refused(int error, struct drill_text *why)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return side_refuse(why,
				   "there is no usable /dev/net/tun: load the module with \"modprobe tun\", or give "
				   "the container the device");
	if (error == EPERM || error == EACCES)
		return side_refuse(why,
				   "no right to open /dev/net/tun (%s): run as root, or \"chmod 666 /dev/net/tun\"",
				   strerror(error));
	return side_refuse(why, "cannot make a TUN device (%s)", strerror(error));
}

static bool tun_open(struct linux_side *self, struct drill_text *why)
{
	struct ifreq request = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

	self->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (self->tun < 0 || ioctl(self->tun, TUNSETIFF, &request) || ioctl(self->tun, TUNSETOFFLOAD, WIRE_OFFLOADS))
		return tun_refused(errno, why);
	self->index = if_nametoindex("tun0");
	return true;
}

/* Only what leaves is of interest: a program for the kernel, which keeps our own packets out of the buffer. */
static bool tap_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* It listens from bind() on, when all the rest is set. */
static bool tap_open(struct linux_side *self, struct drill_text *why)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)self->index};
	int bytes = WIRE_TAP_BYTES, on = 1;

	self->tap = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (self->tap < 0)
		return side_refuse(why, "cannot watch the device (packet socket: %s): the kernel needs CONFIG_PACKET",
				   strerror(errno));
	if (setsockopt(self->tap, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(self->tap, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (!tap_filter(self->tap) || setsockopt(self->tap, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(self->tap, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    bind(self->tap, (struct sockaddr *)&at, sizeof(at)))
		return side_refuse(why, "cannot watch the device (%s)", strerror(errno));
	return true;
}

/* No router is asked for on devices still to be made: that would show in the counters. Without IPv6 there is no such file. */
bool wire_open(struct linux_side *self, struct drill_text *why)
{
	settings_write("/proc/sys/net/ipv6/conf/default/router_solicitations", "0");
	return tun_open(self, why) && netlink_set_up(&self->net, self->index, why) && tap_open(self, why);
}

void wire_close(struct linux_side *self)
{
	if (self->tap >= 0)
		close(self->tap);
	if (self->tun >= 0)
		close(self->tun);
	self->tap = self->tun = -1;
}

/* ---------------------------------------------------------------- in */

/* The device's queue is short, and what stands in it has been seen already. */
static void tun_drain(struct linux_side *self)
{
	char start[sizeof(struct virtio_net_hdr) + 1];

	while (read(self->tun, start, sizeof(start)) > 0)
		;
}

bool wire_inject(struct drill_side *side, const void *frame, size_t len, struct drill_text *why)
{
	struct linux_side *self = linux_side(side);
	struct virtio_net_hdr plain = {0};
	struct iovec parts[] = {{&plain, sizeof(plain)}, {(void *)frame, len}};

	calls_settle(self);
	tun_drain(self);
	if (writev(self->tun, parts, 2) < 0)
		return side_refuse(why, "the kernel did not take a packet of %zu bytes (%s)", len, strerror(errno));
	return true;
}

/* ---------------------------------------------------------------- out */

static uint32_t csum_add(uint32_t sum, const uint8_t *at, size_t len)
{
	for (; len > 1; at += 2, len -= 2)
		sum += at[0] << 8 | at[1];
	return len ? sum + (at[0] << 8) : sum;
}

/* The checksum that the card would fill in, over the pseudo-header and all behind @head. */
static void csum_finish(uint8_t *packet, size_t len, size_t head, bool ip6)
{
	uint8_t *tcp = packet + head;
	uint64_t sum = len - head + IPPROTO_TCP;

	tcp[TCP_CSUM_AT] = tcp[TCP_CSUM_AT + 1] = 0;
	sum += ip6 ? csum_add(0, packet + 8, 32) : csum_add(0, packet + 12, 8);
	sum += csum_add(0, tcp, len - head);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	tcp[TCP_CSUM_AT] = (uint8_t)(~sum >> 8);
	tcp[TCP_CSUM_AT + 1] = (uint8_t)~sum;
}

/* Neighbours, routers and groups are IPv6's own affair. */
static bool icmp6_is_meant(const uint8_t *icmp)
{
	return icmp[0] < ICMP6_INFOMSG_MASK || icmp[0] == ICMP6_ECHO_REQUEST || icmp[0] == ICMP6_ECHO_REPLY;
}

/* Does a script mean this packet? @head: bytes before TCP or ICMP. */
static bool frame_is_meant(const struct drill_net *net, const struct drill_frame *frame, size_t *head)
{
	const uint8_t *packet = frame->bytes;
	bool ip6 = net->family == DRILL_IPV6;

	if (frame->len < (ip6 ? IP6_HEADER + 8 : IP4_HEADER + 8) || packet[0] >> 4 != (ip6 ? 6 : 4))
		return false;
	*head = ip6 ? IP6_HEADER : (packet[0] & 15) * 4u;
	if (ip6)
		return packet[24] != 0xff &&
		       (packet[6] == IPPROTO_TCP || (packet[6] == IPPROTO_ICMPV6 && icmp6_is_meant(packet + *head)));
	return packet[16] < 224 && (packet[9] == IPPROTO_TCP || packet[9] == IPPROTO_ICMP);
}

/* One packet from the socket: false when none waits. */
static bool tap_read(struct linux_side *self, struct drill_frame *frame, bool *unfinished)
{
	char control[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata))]
		__attribute__((aligned(8)));
	struct iovec to = {frame->bytes, sizeof(frame->bytes)};
	struct msghdr msg = {
		.msg_iov = &to, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg;
	ssize_t len;

	do
		len = recvmsg(self->tap, &msg, 0);
	while (len < 0 && (errno == EINTR || errno == ENETDOWN));
	if (len < 0)
		return false;
	frame->len = (size_t)len;
	frame->at_ns = clock_now();
	*unfinished = false;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_TIMESTAMPNS) {
			const struct timespec *at = (const struct timespec *)CMSG_DATA(cmsg);

			frame->at_ns = clock_of_real(at->tv_sec * NS_PER_S + at->tv_nsec);
		} else if (cmsg->cmsg_level == SOL_PACKET && cmsg->cmsg_type == PACKET_AUXDATA) {
			*unfinished =
				((const struct tpacket_auxdata *)CMSG_DATA(cmsg))->tp_status & TP_STATUS_CSUMNOTREADY;
		}
	return true;
}

bool wire_next(struct drill_side *side, struct drill_frame *frame, int64_t until_ns)
{
	struct linux_side *self = linux_side(side);
	struct pollfd tap = {.fd = self->tap, .events = POLLIN};
	struct timespec rest;
	bool unfinished;
	size_t head;

	for (;;) {
		int64_t now = clock_now();

		tun_drain(self);
		while (tap_read(self, frame, &unfinished)) {
			if (!frame_is_meant(&self->net, frame, &head))
				continue;
			if (unfinished && frame->len >= head + TCP_HEADER)
				csum_finish(frame->bytes, frame->len, head, self->net.family == DRILL_IPV6);
			return true;
		}
		if (now >= until_ns)
			return false;
		rest = clock_spec(until_ns - now);
		ppoll(&tap, 1, &rest, NULL);
	}
}
