// SPDX-License-Identifier: MIT
/*
 * drill/settings*.c: options, addresses and shell lines of a script; the side writes down what reaches it
 */
#include "drill_env.h"

#include "drill/run.h"
#include "drill/settings.h"

#include <arpa/inet.h>

/**
 * struct listener - a side that writes down settings: "a=b", and commands in quotes
 * @refuse: a sysctl or a command that it does not have
 */
struct listener {
	struct drill_side side;
	const char *refuse;
	int64_t now_ns;
	char said[4096];
};

static bool hear(struct drill_side *side, struct drill_text *why, const char *name, const char *text)
{
	struct listener *listener = (struct listener *)side;
	size_t at = strlen(listener->said);

	if (listener->refuse && !strcmp(listener->refuse, name)) {
		snprintf(why->text, sizeof(why->text), "no %.200s", name);
		return false;
	}
	snprintf(listener->said + at, sizeof(listener->said) - at, "%s\n", text);
	return true;
}

static bool hear_sysctl(struct drill_side *side, const char *name, const char *value, struct drill_text *why)
{
	char text[512];

	snprintf(text, sizeof(text), "%s=%s", name, value);
	return hear(side, why, name, text);
}

static bool hear_command(struct drill_side *side, const char *line, struct drill_text *why)
{
	char text[512];

	snprintf(text, sizeof(text), "\"%s\"", line);
	return hear(side, why, line, text);
}

static int64_t tell_now(struct drill_side *side)
{
	return ((struct listener *)side)->now_ns;
}

static void sleep_until(struct drill_side *side, int64_t until_ns)
{
	((struct listener *)side)->now_ns = until_ns;
}

static const struct drill_backend backend = {
	.name = "listener", .now = tell_now, .sleep = sleep_until, .sysctl = hear_sysctl, .command = hear_command};

/* Plays @text on a side without @refuse; the side has heard @said, and it went well or ended with @why. */
static void assert_shell(const char *text, const char *refuse, const char *said, const char *why)
{
	struct listener listener = {.side = {&backend}, .refuse = refuse};
	struct drill_text reason = {""};
	bool good = drill_settings_shell(text, &listener.side, &reason);

	assert_string_equal(listener.said, said);
	assert_string_equal(good ? "" : reason.text, why ? why : "");
	assert_int_equal(good, !why);
}

/* ---------------------------------------------------------------- shell lines */

static void sysctl_is_understood_in_all_its_forms(void **state)
{
	(void)state;
	assert_shell("sysctl -q net.ipv4.tcp_ecn=1", NULL, "net.ipv4.tcp_ecn=1\n", NULL);
	assert_shell("sysctl -q -w net/ipv4/tcp_sack=0 net.ipv4.tcp_ecn=2", NULL,
		     "net.ipv4.tcp_sack=0\nnet.ipv4.tcp_ecn=2\n", NULL);
	assert_shell("sysctl -qw net.ipv4.tcp_wmem=\"4096 65536 4194304\"", NULL,
		     "net.ipv4.tcp_wmem=4096 65536 4194304\n", NULL);
	assert_shell("echo 3 > /proc/sys/net/ipv4/tcp_retries2", NULL, "net.ipv4.tcp_retries2=3\n", NULL);
	assert_shell("sysctl -q net.ipv4.tcp_ecn=2 # of the server", NULL, "net.ipv4.tcp_ecn=2\n", NULL);
}

static void a_refused_setting_ends_the_line_unless_the_script_has_thought_of_it(void **state)
{
	(void)state;
	assert_shell("sysctl a=1\nsysctl b=1", "a", "", "no a");
	assert_shell("sysctl a=1 || :\nsysctl b=1", "a", "b=1\n", NULL);
	assert_shell("sysctl a=1 || sysctl c=1; sysctl b=1", "a", "c=1\nb=1\n", NULL);
	assert_shell("sysctl a=1 && sysctl b=1", "a", "", "no a");
	assert_shell("sysctl b=1 || sysctl a=1", "a", "b=1\n", NULL);
	assert_shell("sysctl -e -q a=1", "a", "", NULL);
	assert_shell("sysctl a=1 b=1", "a", "b=1\n", "no a");
	assert_shell("sysctl a=1\nsysctl b=1 || sysctl c=1", "a", "", "no a");
}

static void set_sysctls_goes_over_lines_and_its_restoring_script_is_not_needed(void **state)
{
	(void)state;
	assert_shell("../../common/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0\\\n"
		     "   /proc/sys/net/ipv4/tcp_wmem=\"4096 50000 4194304\"",
		     NULL, "net.ipv4.tcp_timestamps=0\nnet.ipv4.tcp_wmem=4096 50000 4194304\n", NULL);
	assert_shell("/tmp/sysctl_restore_${PPID}.sh", NULL, "", NULL);
}

static void what_is_not_known_goes_to_the_side_as_written(void **state)
{
	(void)state;
	assert_shell("tc qdisc replace dev tun0 root fq", NULL, "\"tc qdisc replace dev tun0 root fq\"\n", NULL);
	assert_shell("nstat | grep A > /dev/null\nsysctl a=1", NULL, "\"nstat | grep A > /dev/null\"\na=1\n", NULL);
	assert_shell("sysctl a=$((2*3))", NULL, "\"sysctl a=$((2*3))\"\n", NULL);
	assert_shell("sysctl a=$B", NULL, "\"sysctl a=$B\"\n", NULL);
	assert_shell("sysctl a", NULL, "\"sysctl a\"\n", NULL);
	assert_shell("echo 3 > /sys/module/x", NULL, "\"echo 3 > /sys/module/x\"\n", NULL);
	assert_shell("ip tcp_metrics flush all &> /dev/null", NULL, "\"ip tcp_metrics flush all &> /dev/null\"\n",
		     NULL);
	assert_shell("rm x", "rm x", "", "no rm x");
}

static void sleep_passes_on_the_side(void **state)
{
	struct listener listener = {.side = {&backend}, .now_ns = 5};
	struct drill_text why;

	(void)state;
	assert_true(drill_settings_shell("sleep .25; true", &listener.side, &why));
	assert_int_equal(listener.now_ns, 250000005);
}

static void scripts_of_defaults_are_known(void **state)
{
	struct listener listener = {.side = {&backend}};
	struct drill_text why;

	(void)state;
	assert_true(drill_settings_shell("../common/defaults.sh", &listener.side, &why));
	assert_non_null(strstr(listener.said, "net.ipv4.tcp_rmem=4096 540000 15728640\n"));
	assert_non_null(strstr(listener.said, "net.ipv4.tcp_fastopen=0x70403\n"));
	assert_non_null(strstr(listener.said, "\"tc qdisc replace dev tun0 root pfifo\"\n"));
	memset(listener.said, 0, sizeof(listener.said));
	assert_true(drill_settings_shell("./defaults.sh", &listener.side, &why));
	assert_non_null(strstr(listener.said, "net.ipv4.tcp_fastopen=0x3\n"));
	memset(listener.said, 0, sizeof(listener.said));
	assert_true(drill_settings_shell("sh ./defaults.sh", &listener.side, &why));
	assert_non_null(strstr(listener.said, "net.ipv4.tcp_wmem=4096 65536 4194304\n"));
	assert_shell("sh ./defaults.sh net.ipv4.tcp_rfc1337=1", NULL, "net.ipv4.tcp_rfc1337=1\n", NULL);
}

/* The side of this test refuses the setting altogether, so that nothing else is heard of it. */
static void defaults_go_on_behind_a_setting_that_is_refused(void **state)
{
	struct listener listener = {.side = {&backend}, .refuse = "net.ipv4.tcp_congestion_control"};
	struct drill_text why;

	(void)state;
	assert_true(drill_settings_shell("sh ./defaults.sh", &listener.side, &why));
	assert_null(strstr(listener.said, "congestion"));
	assert_non_null(strstr(listener.said, "net.ipv4.tcp_stdurg=0\n"));
}

/* ---------------------------------------------------------------- options */

static void assert_option(const char *text, const char *message)
{
	struct drill_script *script = parsed(text);
	struct drill_settings set;
	struct drill_pos pos;
	struct drill_text why = {""};

	assert_int_equal(drill_settings_read(&set, script, &pos, &why), !*message);
	assert_string_equal(why.text, message);
	drill_script_free(script);
}

static void options_are_carried_out_or_refused_by_name(void **state)
{
	(void)state;
	assert_option("--verbose\n--send_omit_free\n--ip_version=ipv4\n0 `a`\n", "");
	assert_option("--code_command=python3\n--code_sockopt=TCP_INFO\n--mtu=1400\n0 `a`\n", "");
	assert_option("--mss=1000\n0 `a`\n", "--mss=1000: packets in are not joined to longer ones for the side");
	assert_option("--wire_client\n0 `a`\n", "--wire_client: there is one machine only");
	assert_option("--tolerance_usecs=x\n0 `a`\n", "--tolerance_usecs=x: this value is not possible");
	assert_option("--tolerance_percent=101\n0 `a`\n", "--tolerance_percent=101: expected a number from 0 to 100");
	assert_option("--code_format=perl\n0 `a`\n", "--code_format=perl: code is Python");
}

static void values_of_options_are_read(void **state)
{
	struct drill_script *script =
		parsed("--tolerance_usecs=7000\n--tolerance_percent=1.5\n--tcp_ts_tick_usecs=1000\n"
		       "--bind_port=81\n--connect_port=82\n--strict_segments\n0 `a`\n");
	struct drill_settings set;
	struct drill_pos pos;
	struct drill_text why;

	(void)state;
	assert_true(drill_settings_read(&set, script, &pos, &why));
	assert_int_equal(set.slack.ns, 7000000);
	assert_int_equal(set.slack.ppm, 15000);
	assert_int_equal(set.ts_tick_ns, 1000000);
	assert_int_equal(set.bind_port, 81);
	assert_int_equal(set.connect_port, 82);
	assert_true(set.strict_segments);
	assert_false(set.ts_scaled || set.dry_run);
	drill_script_free(script);
}

/* ---------------------------------------------------------------- the wire */

static void assert_address(const uint8_t address[16], const char *text)
{
	char found[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, address, found, sizeof(found));
	assert_string_equal(found, text);
}

static void a_wire_is_the_familys_unless_the_script_says_otherwise(void **state)
{
	struct drill_script *plain = parsed("0 `a`\n");
	struct drill_script *own = parsed("--local_ip=10.0.0.2\n--remote_ip=10.1.0.1/24\n--netmask_ip=255.255.255.0\n"
					  "--mtu=1400\n--is_anyip\n0 `a`\n");
	struct drill_net net;
	struct drill_text why;

	(void)state;
	assert_true(drill_net_init(&net, plain, DRILL_4IN6, false, &why));
	assert_address(net.local, "::ffff:192.168.0.1");
	assert_address(net.remote, "::ffff:192.0.2.1");
	assert_int_equal(net.mtu, 1500);
	assert_int_equal(net.prefix, 16);
	assert_true(drill_net_init(&net, plain, DRILL_IPV6, false, &why));
	assert_address(net.local, "fd3d:a0b:17d6::1");
	assert_int_equal(net.mtu, 1520);
	assert_int_equal(net.prefix, 48);
	assert_true(drill_net_init(&net, own, DRILL_IPV4, false, &why));
	assert_address(net.local, "::ffff:10.0.0.2");
	assert_address(net.remote, "::ffff:10.1.0.1");
	assert_int_equal(net.mtu, 1400);
	assert_int_equal(net.prefix, 24);
	assert_true(net.anyip);
	assert_true(
		drill_net_init(&net, own, DRILL_IPV6, false, &why)); /* addresses of the other family are for the other runs */
	assert_address(net.remote, "fd3d:fa7b:d17d::1");
	drill_script_free(plain);
	drill_script_free(own);
}

static void a_wire_as_the_originals_runner_asks_for_it(void **state)
{
	struct drill_script *own = parsed("--local_ip=10.0.0.2\n--remote_ip=10.1.0.1/24\n--netmask_ip=255.255.255.0\n"
					  "--mtu=1400\n0 `a`\n");
	struct drill_net net;
	struct drill_text why;

	(void)state;
	assert_true(drill_net_init(&net, own, DRILL_IPV4, true, &why));
	assert_address(net.local, "::ffff:192.168.0.1");
	assert_address(net.remote, "::ffff:192.0.2.1");
	assert_int_equal(net.prefix, 16);
	assert_int_equal(net.mtu, 1400); /* the runner names none for IPv4 */
	assert_true(drill_net_init(&net, own, DRILL_IPV6, true, &why));
	assert_int_equal(net.mtu, 1520);
	drill_script_free(own);
}

static void a_wire_that_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"--mtu=10\n0 `a`\n", "--mtu=10: expected 1280 to 65535"},
		{"--local_ip=x\n0 `a`\n", "--local_ip=x: expected an address"},
		{"--netmask_ip=255.0.255.0\n0 `a`\n",
		 "--netmask_ip=255.0.255.0: expected a netmask, such as 255.255.0.0"},
	};
	struct drill_net net;
	struct drill_text why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct drill_script *script = parsed(bad[i].text);

		assert_false(drill_net_init(&net, script, DRILL_IPV6, false, &why));
		assert_string_equal(why.text, bad[i].why);
		drill_script_free(script);
	}
}

static void symbols_of_a_family(void **state)
{
	struct drill_define to[DRILL_FAMILY_DEFINES];

	(void)state;
	assert_int_equal(drill_family_defines(DRILL_IPV4, to), 4);
	assert_string_equal(to[0].value, "3021b9d889017eeb");
	assert_string_equal(to[1].name, "CODE");
	assert_string_equal(to[2].value, "SOL_IP");
	assert_int_equal(drill_family_defines(DRILL_4IN6, to), 4);
	assert_string_equal(to[3].value, "IPV6_RECVERR");
	assert_int_equal(drill_family_defines(DRILL_IPV6, to), 3);
	assert_string_equal(to[0].value, "c1d1e9742a47a9bc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysctl_is_understood_in_all_its_forms),
		cmocka_unit_test(a_refused_setting_ends_the_line_unless_the_script_has_thought_of_it),
		cmocka_unit_test(set_sysctls_goes_over_lines_and_its_restoring_script_is_not_needed),
		cmocka_unit_test(what_is_not_known_goes_to_the_side_as_written),
		cmocka_unit_test(sleep_passes_on_the_side),
		cmocka_unit_test(scripts_of_defaults_are_known),
		cmocka_unit_test(defaults_go_on_behind_a_setting_that_is_refused),
		cmocka_unit_test(options_are_carried_out_or_refused_by_name),
		cmocka_unit_test(values_of_options_are_read),
		cmocka_unit_test(a_wire_is_the_familys_unless_the_script_says_otherwise),
		cmocka_unit_test(a_wire_as_the_originals_runner_asks_for_it),
		cmocka_unit_test(a_wire_that_cannot_be_is_refused),
		cmocka_unit_test(symbols_of_a_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
