#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
usage.py - a mistake draws one clear sentence on stderr: exit status 2 for a wrong command line, 1 for a failure
"""
import os
import subprocess
import tempfile

import common
import net


def say(*args, **options):
    done = subprocess.run([common.LASTACK, *args], capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL,
                          **options)
    return done.returncode, done.stderr


def one_sentence(found, status, *words):
    common.equal(found[0], status)
    common.equal(found[1].count("\n"), 1)
    for word in words:
        if word not in found[1]:
            raise AssertionError(f"no {word!r} in {found[1]!r}")


def test_wrong_command_lines_exit_with_2_and_point_at_the_help():
    one_sentence(say(), 2, "command", "--help")
    one_sentence(say("dance"), 2, "dance", "--help")
    one_sentence(say("serve", "--dance"), 2, "--dance", "lastack serve --help")
    one_sentence(say("serve", "--port", "http"), 2, "http")
    one_sentence(say("serve", "--port"), 2, "--port", "NUMBER")
    one_sentence(say("get", "http://example.org/"), 2, "names are not looked up")
    one_sentence(say("echo", "--addr", "10.9.0"), 2, "10.9.0.2/24")
    one_sentence(say("play", "--mtu", "100"), 2, "1280")


def test_help_and_version_are_printed_and_exit_with_0():
    for args in (("--help",), ("--version",), ("serve", "--help"), ("get", "--help"), ("echo", "--help"),
                 ("play", "--help"), ("help", "serve"), ("play", "--words")):
        common.equal(say(*args), (0, ""))


def test_an_interface_or_address_in_use_is_named_with_the_remedy():
    place = net.Net()
    with place, common.Play():
        one_sentence(say("echo"), 1, "lastack0 is in use", "--tun")
        one_sentence(say("echo", "--tun", "other0"), 1, "10.9.0.1 is busy", "lastack0", "--peer")
    place.close()


def test_an_unknown_setting_and_a_bad_value_are_named():
    place = net.Net()
    with place:
        one_sentence(say("echo", "--sysctl", "tcp_dance=1"), 2, "tcp_dance")
        one_sentence(say("echo", "--sysctl", "tcp_fin_timeout=soon"), 2, "soon")
    place.close()


def test_missing_rights_are_named_with_the_remedy():
    if os.geteuid() != 0 or "LASTACK_WIRE" in os.environ:
        return "needs root, to give up its rights"
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "lastack")
        with open(common.LASTACK, "rb") as source, open(program, "wb") as copy:
            copy.write(source.read())
        os.chmod(program, 0o755)
        os.chmod(folder, 0o755)
        done = subprocess.run([program, "echo"], capture_output=True, text=True, user=65534, group=65534,
                              extra_groups=[], timeout=10)
        one_sentence((done.returncode, done.stderr), 1, "run as root", "unshare -Urn")
    return None


common.run(globals())
