// SPDX-License-Identifier: MIT
/* link/frame.c and link/loopback.c: units cut into frames, against a naive cutter; units that travel whole */
#include "ip_net.h"

struct unit {
	uint8_t b[70000];
	uint32_t len, hdr_len;
	uint16_t gso;
	uint8_t family;
};

static void make_unit(struct unit *u, uint8_t family, uint32_t opt, uint32_t payload, uint16_t gso, uint8_t flags)
{
	uint32_t ip = family == AF_INET ? 20 : 40;

	memset(u->b, 0, 200);
	u->family = family;
	u->hdr_len = ip + 20 + opt;
	u->len = u->hdr_len + payload;
	u->gso = gso;
	if (family == AF_INET) {
		memcpy(u->b, "\x45\x02\0\0\xff\xfe\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
		put_be16(u->b + 2, (uint16_t)u->len);
		naive_store(u->b + 10, naive_sum(u->b, 20, 0));
	} else {
		memcpy(u->b, "\x60\x20\0\0\0\0\x06\x40\xfd", 9);
		put_be16(u->b + 4, (uint16_t)(u->len - 40));
		u->b[23] = 1;
		u->b[24] = 0xfd;
		u->b[39] = 2;
	}
	put_be16(u->b + ip, 80);
	put_be16(u->b + ip + 2, 9999);
	put_be32(u->b + ip + 4, 0xfffffff0);
	put_be32(u->b + ip + 8, 5);
	u->b[ip + 12] = (uint8_t)((20 + opt) / 4 << 4);
	u->b[ip + 13] = flags;
	put_be16(u->b + ip + 14, 500);
	for (uint32_t i = 0; i < opt; i++)
		u->b[ip + 20 + i] = 1;
	for (uint32_t i = 0; i < payload; i++)
		u->b[u->hdr_len + i] = (uint8_t)(i * 7 + i / 256);
}

/* The naive cutter: from the definition, byte by byte. Returns the length. */
static uint32_t naive_cut(const struct unit *u, uint32_t index, uint8_t *out)
{
	uint32_t ip = u->family == AF_INET ? 20 : 40, payload = u->len - u->hdr_len, from = index * u->gso, n = 0, sum;
	uint8_t pseudo[40] = {0};
	bool last;

	for (uint32_t i = 0; i < u->hdr_len; i++)
		out[i] = u->b[i];
	while (n < u->gso && from + n < payload) {
		out[u->hdr_len + n] = u->b[u->hdr_len + from + n];
		n++;
	}
	last = from + n == payload;
	put_be32(out + ip + 4, get_be32(u->b + ip + 4) + from);
	if (!last)
		out[ip + 13] &= (uint8_t) ~(TCPHDR_FIN | TCPHDR_PSH);
	if (index)
		out[ip + 13] &= (uint8_t)~TCPHDR_CWR;
	n += u->hdr_len;
	if (u->family == AF_INET) {
		put_be16(out + 2, (uint16_t)n);
		put_be16(out + 4, (uint16_t)(get_be16(u->b + 4) + index));
		put_be16(out + 10, 0);
		naive_store(out + 10, naive_sum(out, 20, 0));
		memcpy(pseudo, out + 12, 8);
		pseudo[9] = 6;
		put_be16(pseudo + 10, (uint16_t)(n - ip));
	} else {
		put_be16(out + 4, (uint16_t)(n - 40));
		memcpy(pseudo, out + 8, 32);
		put_be16(pseudo + 34, (uint16_t)(n - ip));
		pseudo[39] = 6;
	}
	put_be16(out + ip + 16, 0);
	sum = naive_sum(out + ip, n - ip, naive_sum(pseudo, sizeof(pseudo), 0));
	naive_store(out + ip + 16, sum);
	return n;
}

/* The unit in pieces of different sizes, headers broken too. */
static int scatter(struct iovec *iov, const struct unit *u, int how)
{
	static const uint32_t cuts[][6] = {{0}, {20, 40}, {1, 2, 3, 50}, {40, 61, 62, 63, 700}, {39, 41, 1000}};
	uint32_t at = 0;
	int n = 0;

	for (int i = 0; i < 6 && cuts[how][i] && cuts[how][i] < u->len; i++) {
		iov[n++] = (struct iovec){(void *)(uintptr_t)(u->b + at), cuts[how][i] - at};
		at = cuts[how][i];
	}
	iov[n++] = (struct iovec){NULL, 0}; /* an empty piece does no harm */
	iov[n++] = (struct iovec){(void *)(uintptr_t)(u->b + at), u->len - at};
	return n;
}

static struct la_frame frame_of(const struct unit *u, struct iovec *iov, int how)
{
	return (struct la_frame){.iov = iov,
				 .iovcnt = scatter(iov, u, how),
				 .len = u->len,
				 .hdr_len = (uint16_t)u->hdr_len,
				 .gso_size = u->gso,
				 .family = u->family};
}

static void every_cut_equals_the_naive_one(void **state)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	static const uint32_t payloads[] = {0, 1, 9, 10, 11, 100, 1447, 1448, 1449, 14480, 14481, 60000};
	static const uint16_t sizes[] = {1, 10, 536, 1448};
	static struct unit u;
	static uint8_t want[70000];

	(void)state;
	for (int f = 0; f < 2; f++)
		for (unsigned p = 0; p < ARRAY_SIZE(payloads); p++)
			for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
				struct iovec iov[8];
				struct la_frame frame;
				uint32_t count = (payloads[p] + sizes[s] - 1) / sizes[s];

				if (count > 200)
					continue;
				make_unit(&u, families[f], p % 2 ? 12 : 0, payloads[p], sizes[s], 0xff & ~TCPHDR_SYN);
				frame = frame_of(&u, iov, (int)((p + s) % 5));
				count = count ? count : 1;
				assert_int_equal(la_frame_count(&frame), count);
				for (uint32_t i = 0; i < count; i++) {
					uint32_t len = naive_cut(&u, i, want);
					uint8_t *got = malloc(len);

					assert_int_equal(la_frame_cut(&frame, i, got, len), len);
					assert_memory_equal(got, want, len);
					assert_int_equal(la_frame_cut(&frame, i, got, len - 1), 0);
					free(got);
				}
				assert_int_equal(la_frame_cut(&frame, count, want, sizeof(want)), 0);
			}
}

static void a_single_frame_is_copied_as_it_is(void **state)
{
	static struct unit u;
	static uint8_t got[2000];
	struct iovec iov[8];
	struct la_frame frame;

	(void)state;
	make_unit(&u, AF_INET, 0, 1000, 0, TCPHDR_PSH | TCPHDR_ACK);
	frame = frame_of(&u, iov, 2);
	frame.hdr_len = 0;
	assert_int_equal(la_frame_count(&frame), 1);
	assert_int_equal(la_frame_cut(&frame, 0, got, u.len - 1), 0);
	assert_int_equal(la_frame_cut(&frame, 1, got, sizeof(got)), 0);
	assert_int_equal(la_frame_cut(&frame, 0, got, sizeof(got)), u.len);
	assert_memory_equal(got, u.b, u.len);
}

/* ---- loopback */

static struct {
	int count;
	uint8_t b[70000];
	size_t len;
	uint16_t gso;
	bool again;
} heard;

static void hear(struct net *net, int ifindex, const void *frame, size_t len)
{
	assert_int_equal(ifindex, LOOPBACK_IFINDEX);
	heard.count++;
	memcpy(heard.b, frame, len);
	heard.len = len;
	heard.gso = loopback_gso_size(net);
	if (heard.again) {
		struct iovec iov = {heard.b, heard.len};
		struct la_frame answer = {.iov = &iov, .iovcnt = 1, .len = (uint32_t)len, .family = AF_INET};

		heard.again = false;
		assert_int_equal(dev_xmit(net, LOOPBACK_IFINDEX, &answer), 0);
	}
}

static void loopback_carries_a_unit_whole_with_its_checksum_complete(void **state)
{
	static struct ip_net t;
	static struct unit u, whole;
	static uint8_t want[70000];
	struct iovec iov[8];
	struct la_frame frame;

	(void)state;
	ip_net_init(&t);
	for (int f = 0; f < 2; f++) {
		make_unit(&u, f ? AF_INET6 : AF_INET, 12, 40001, 1448, TCPHDR_FIN | TCPHDR_PSH | TCPHDR_ACK);
		frame = frame_of(&u, iov, 3);
		assert_int_equal(dev_xmit(&t.net, LOOPBACK_IFINDEX, &frame), 0);
		assert_true(loopback_run(&t.net, hear));
		assert_int_equal(heard.gso, 1448);
		whole = u;
		whole.gso = 65535;
		assert_int_equal(heard.len, naive_cut(&whole, 0, want));
		assert_memory_equal(heard.b, want, heard.len);
		assert_int_equal(loopback_gso_size(&t.net), 0);
	}
	ip_net_exit(&t);
}

static void frames_that_loopback_input_causes_wait_for_the_next_turn(void **state)
{
	static struct ip_net t;
	static struct unit u;
	struct iovec iov[8];
	struct la_frame frame;

	(void)state;
	ip_net_init(&t);
	make_unit(&u, AF_INET, 0, 10, 0, TCPHDR_ACK);
	frame = frame_of(&u, iov, 0);
	frame.hdr_len = 0;
	assert_false(loopback_run(&t.net, hear));
	assert_int_equal(dev_xmit(&t.net, LOOPBACK_IFINDEX, &frame), 0);
	assert_int_equal(dev_xmit(&t.net, LOOPBACK_IFINDEX, &frame), 0);
	heard.count = 0;
	heard.again = true;
	assert_true(loopback_run(&t.net, hear));
	assert_int_equal(heard.count, 2);
	assert_true(loopback_run(&t.net, hear));
	assert_int_equal(heard.count, 3);
	assert_false(loopback_run(&t.net, hear));
	ip_net_exit(&t);
}

static void loopback_without_memory_refuses_the_frame(void **state)
{
	static struct ip_net t;
	static struct unit u;
	struct iovec iov[8];
	struct la_frame frame;

	(void)state;
	ip_net_init(&t);
	make_unit(&u, AF_INET, 0, 10, 0, TCPHDR_ACK);
	frame = frame_of(&u, iov, 0);
	t.world.refusing = true;
	assert_int_equal(dev_xmit(&t.net, LOOPBACK_IFINDEX, &frame), -ENOBUFS);
	t.world.refusing = false;
	assert_false(loopback_run(&t.net, hear));
	ip_net_exit(&t);
}

static void devices_are_numbered_from_two_and_their_mtu_is_checked(void **state)
{
	static struct ip_net t;
	struct la_device dev[20];

	(void)state;
	ip_net_init(&t);
	for (int i = 0; i < 20; i++) {
		dev[i] = t.dev;
		dev[i].mtu = 1280 + (uint32_t)i;
		dev[i].gso_max = i ? 3000 : 0;
		assert_int_equal(dev_add(&t.net, &dev[i]), 3 + i);
	}
	assert_int_equal(dev_mtu(&t.net, 1), 65536);
	assert_int_equal(dev_mtu(&t.net, 22), 1299);
	assert_int_equal(dev_mtu(&t.net, 23), 0);
	assert_int_equal(dev_mtu(&t.net, 0), 0);
	assert_int_equal(dev_gso_max(&t.net, 3), 65536);
	assert_int_equal(dev_gso_max(&t.net, 4), 3000);
	assert_int_equal(dev_xmit(&t.net, 23, &(struct la_frame){.len = 0}), -ENODEV);
	dev[0].mtu = 67;
	assert_int_equal(dev_add(&t.net, &dev[0]), -EINVAL);
	dev[0].mtu = 65536;
	assert_int_equal(dev_add(&t.net, &dev[0]), -EINVAL);
	t.net.dying = true;
	assert_int_equal(dev_xmit(&t.net, 2, &(struct la_frame){.len = 0}), -ENODEV);
	ip_net_exit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_equals_the_naive_one),
		cmocka_unit_test(a_single_frame_is_copied_as_it_is),
		cmocka_unit_test(loopback_carries_a_unit_whole_with_its_checksum_complete),
		cmocka_unit_test(frames_that_loopback_input_causes_wait_for_the_next_turn),
		cmocka_unit_test(loopback_without_memory_refuses_the_frame),
		cmocka_unit_test(devices_are_numbered_from_two_and_their_mtu_is_checked),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
