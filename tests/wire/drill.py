#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
drill.py - lastack drill: what it says and with which status it ends, on Lastack, on this kernel, and on both
"""
import os
import re
import struct
import subprocess
import tempfile

import common

RESET = """// A server closes with data unread: it resets.
`sh ./defaults.sh`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 8) = 0
 +.01 < S 0:0(0) win 65535 <mss 1000>
   +0 > S. 0:0(0) ack 1 <...>
 +.01 < . 1:1(0) ack 1 win 65535
   +0 accept(3, ..., ...) = 4
 +.01 < P. 1:101(100) ack 1 win 65535
   +0 > . 1:1(0) ack 101
 +.01 close(4) = 0
   +0 > R. 1:1(0) ack 101
"""


class Scripts:
    """A folder of scripts, there until the program ends."""

    kept = []

    def __init__(self, **texts):
        self.kept.append(self)
        self.folder = tempfile.TemporaryDirectory()
        for name, text in texts.items():
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

    def path(self, name):
        return os.path.join(self.folder.name, name + ".pkt")


def drill(*args, **options):
    done = subprocess.run([common.LASTACK, "drill", *args], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr


def wrong(found, *words):
    """Status 2, nothing played, and a line that has these words."""
    common.equal(found[:2], (2, ""))
    for word in words:
        if word not in found[2]:
            raise AssertionError(f"no {word!r} in {found[2]!r}")


def has(text, *lines):
    for line in lines:
        if not re.search("^" + re.escape(line), text, re.M):
            raise AssertionError(f"no line {line!r} in:\n{text}")


def test_a_wrong_command_line_exits_with_2_and_points_at_the_help():
    scripts = Scripts(good=RESET)
    path = scripts.path("good")
    wrong(drill(), "a script is missing", "lastack drill --help")
    wrong(drill("--dance", path), "--dance", "--help")
    wrong(drill("-x", path), "-x", "--help")
    wrong(drill("--v", path), "--v", "--help")
    wrong(drill("--on", "moon", path), "moon", "lastack, linux or both")
    wrong(drill("--ip", "5", path), "5", "4in6")
    wrong(drill("--set", "x", path), "NAME=VALUE")
    wrong(drill("-D", "=x", path), "NAME=VALUE")
    wrong(drill("--tolerance_usecs", "soon", path), "soon")


def test_a_file_that_is_not_there_and_a_folder_without_scripts_are_named():
    scripts = Scripts()
    wrong(drill(scripts.path("none")), scripts.path("none"), "No such file")
    wrong(drill(scripts.folder.name), scripts.folder.name, ".pkt")
    wrong(drill("--ip", "6", Scripts(only_v4=RESET).path("only_v4")), "family")


def test_wrong_scripts_are_told_with_line_and_column_before_anything_is_played():
    scripts = Scripts(a=RESET, b="0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 8 = 0\n", c="0 > X 0:0(0)\n")
    found = drill(scripts.folder.name)
    wrong(found, scripts.path("b") + ":2:", scripts.path("c") + ":1:", "expected")
    common.equal(found[2].count("\n"), 2)


def test_families_follow_the_name_and_the_option():
    scripts = Scripts(any=RESET, only_v4=RESET, only_v6=RESET)
    found = drill(scripts.folder.name)
    common.equal((found[0], found[2]), (0, ""))
    names = re.findall(r"^ok \d+ - .*/(\w+)\.pkt \((\S+)\)$", found[1], re.M)
    every = ["ipv4", "ipv6", "ipv4-mapped-ipv6"]
    common.equal(names, [("any", f) for f in every] + [("only_v4", every[0]), ("only_v4", every[2]), ("only_v6", every[1])])
    has(found[1], "TAP version 13", "1..6", "6 passed, 0 failed")
    has(drill("--ip", "4in6", scripts.folder.name)[1], "1..2", "2 passed, 0 failed")


def test_a_failure_shows_the_line_what_was_expected_and_the_ladder():
    scripts = Scripts(bad_v4=RESET.replace("> R. 1:1(0) ack 101", "> F. 1:1(0) ack 101"))
    path = scripts.path("bad_v4")
    status, out, _ = drill("--ip", "4", path)
    common.equal(status, 1)
    has(out, f"not ok 1 - {path} (ipv4)", f"# {path}:13: lastack: ", "#   expected: ", "#   actual:   ", "0 passed, 1 failed")
    shown = dict(re.findall(r"^#   (expected|actual): +\S+ (.*)$", out, re.M))
    common.equal(shown, {"expected": "> F. 1:1(0) ack 101", "actual": "> R. 1:1(0) ack 101"})
    has(out, "#               TcpExtTCPAbortOnClose)")  # the ladder says why
    if not re.search(r"^# .*\|-- R\. 1:1\(0\) ack 101 win \d+ -+>\|", out, re.M):
        raise AssertionError(out)


def test_an_unknown_line_of_shell_fails_the_script_on_lastack_by_name():
    status, out, _ = drill("--ip", "4", Scripts(shell=RESET.replace("`sh ./defaults.sh`", "`frobnicate --now`")).path("shell"))
    common.equal(status, 1)
    if "not supported: " not in out or "frobnicate" not in out:
        raise AssertionError(out)


def test_settings_symbols_and_tolerance_come_from_the_command_line():
    text = RESET.replace("listen(3, 8)", "listen(3, BACKLOG)")
    path = Scripts(symbol_v4=text).path("symbol_v4")
    common.equal(drill("--ip", "4", path)[0], 2)
    common.equal(drill("--ip", "4", "-D", "BACKLOG=8", path)[0], 0)
    scaled = RESET.replace("<mss 1000>", "<mss 1000,nop,wscale 0>")
    scaled = scaled.replace("`sh ./defaults.sh`\n", "").replace("<...>", "<mss 1460>")
    path = Scripts(scaled_v4=scaled).path("scaled_v4")
    common.equal(drill("--ip", "4", path)[0], 1)
    common.equal(drill("--ip", "4", "--set", "net.ipv4.tcp_window_scaling=0", path)[0], 0)
    status, out, _ = drill("--ip", "4", "--set", "net.ipv4.tcp_dance=0", path)
    common.equal(status, 1)
    if "tcp_dance" not in out:
        raise AssertionError(out)
    late = Scripts(late_v4=RESET.replace("+0 > R. 1", "+.05 > R. 1")).path("late_v4")
    common.equal(drill("--ip", "4", late)[0], 1)
    common.equal(drill("--ip", "4", "--tolerance_usecs=60000", late)[0], 0)


def test_both_sides_do_the_same_and_verbose_shows_each():
    path = Scripts(reset=RESET).path("reset")
    status, out, error = drill("--on", "both", "--tolerance_usecs=500000", "-v", path)
    common.equal((status, error), (0, ""))
    has(out, "1..3", "3 passed, 0 failed")
    for side in ("lastack", "linux"):
        common.equal(len(re.findall(rf"^# {side} +13 +\d\.\d+  > R\. 1:1\(0\) ack 101 win \d+$", out, re.M)), 3)


def blocks(data):
    """(type, body) of a pcapng file."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        common.equal(struct.unpack_from("<I", data, at + length - 4)[0], length)
        yield kind, data[at + 8:at + length - 4]
        at += length


def test_a_capture_has_an_interface_for_each_run_and_says_why_a_reset_was_sent():
    scripts = Scripts(reset=RESET)
    capture = os.path.join(scripts.folder.name, "all.pcapng")
    common.equal(drill("--pcap", capture, scripts.path("reset"))[0], 0)
    with open(capture, "rb") as file:
        data = file.read()
    kinds = [kind for kind, _ in blocks(data)]
    common.equal((kinds[0], kinds.count(1), kinds.count(6)), (0x0A0D0D0A, 3, 3 * 6))
    for text in (b"reset.pkt (ipv4-mapped-ipv6) on lastack", b"line 13; RST: close_unread, UR-01, TcpExtTCPAbortOnClose"):
        if text not in data:
            raise AssertionError(f"no {text!r} in the capture")
    status, _, error = drill("--pcap", "/nowhere/all.pcapng", scripts.path("reset"))
    common.equal(status, 1)
    if "/nowhere/all.pcapng" not in error:
        raise AssertionError(error)


def test_a_code_block_that_does_not_hold_fails_its_line():
    text = RESET.replace(" +.01 close(4)", "   +0 %{ assert tcpi_state == 1, tcpi_state }%\n +.01 close(4)")
    common.equal(drill("--ip", "4", Scripts(holds=text).path("holds"))[0], 0)
    bad = Scripts(fails=text.replace("== 1", "== 7"))
    status, out, _ = drill("--ip", "4", bad.path("fails"))
    common.equal(status, 1)
    has(out, f"# {bad.path('fails')}:12: lastack: ")


def test_the_documentation_quotes_the_list_of_what_is_compared():
    status, out, _ = drill("--help-compared")
    common.equal(status, 0)
    with open(os.path.join(common.SRC, "docs", "drill.md"), encoding="utf-8") as file:
        if out not in file.read():
            raise AssertionError("docs/drill.md does not quote `lastack drill --help-compared` as it is")


def test_missing_rights_are_one_sentence():
    if os.geteuid() != 0 or "LASTACK_WIRE" in os.environ:
        return "needs root, to give up its rights"
    scripts = Scripts(reset=RESET)
    program = os.path.join(scripts.folder.name, "lastack")
    with open(common.LASTACK, "rb") as source, open(program, "wb") as copy:
        copy.write(source.read())
    os.chmod(program, 0o755)
    os.chmod(scripts.folder.name, 0o755)
    os.chmod(scripts.path("reset"), 0o644)
    done = subprocess.run([program, "drill", "--on", "linux", scripts.path("reset")], capture_output=True, text=True,
                          user=65534, group=65534, extra_groups=[], timeout=10)
    common.equal((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
    if "root" not in done.stderr:
        raise AssertionError(done.stderr)
    return None


common.run(globals())
