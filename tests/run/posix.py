#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
posix.py [ADDRESS] - every build/posix-* on the kernel's loopback and on Lastack's: the same lines, and whose they were

The programs say themselves what is right (TAP); here they must say the same on both, and the stack must have counted as
many opens, failures and resets as the kernel did, while the kernel's own counters stay at nothing. With
$LASTACK_POSIX the programs of that folder (a Makefile builds them) are played as well.
"""
import concurrent.futures
import difflib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import place

COUNTED = ("ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets")


def kernel_counters(where):
    with where, open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("Tcp:")]
    return {name: int(value) for name, value in zip(names, values)}


def points(said):
    """Its lines of TAP; a number in parentheses is how much or how long, not what."""
    lines = re.findall(r"^(?:not )?ok \d+.*$|^Bail out!.*$", said, re.M)
    return [re.sub(r"\(-?\d+[^)]*\)", "(...)", line) for line in lines]


def play(side, program):
    """(its lines, what the kernel of its namespace counted, all that it said)"""
    done = side.run(program, *sys.argv[1:], timeout=90)
    return points(done.out), [kernel_counters(side.place)[name] for name in COUNTED], done.out + done.err


def compare(program):
    where = place.net.Net()
    where.ip("link set lo up")
    kernel = place.Side(where, "127.0.0.1")
    wanted, counted, said = play(kernel, program)
    kernel.close()
    where.close()
    if not wanted or any(not line.startswith("ok") for line in wanted):
        raise AssertionError(f"does not pass on this kernel:\n{said}")
    with place.alone() as ours:
        found, leaked, said = play(ours, program)
        mine = ours.counters()
        if found != wanted:
            raise AssertionError("\n".join(difflib.unified_diff(wanted, found, "kernel", "lastack", lineterm="")) + said)
        place.common.equal([mine["Tcp" + name] for name in COUNTED], counted)
        place.common.equal(leaked, [0] * len(COUNTED))


def judged(program, future):
    def test():
        # A difference counts when it is seen again, without the other programs beside it.
        if future.exception():
            concurrent.futures.wait(FUTURES)
            compare(program)
    return test


def main():
    place.common.be_root()
    if (why := place.without_run()):
        print(f"1..0 # SKIP {why}")
        raise SystemExit(77)
    programs = sorted(glob.glob(os.path.join(place.common.BUILD, "posix-*")))
    folder = None
    if (theirs := os.environ.get("LASTACK_POSIX")):
        folder = tempfile.TemporaryDirectory()
        copy = shutil.copytree(theirs, os.path.join(folder.name, "theirs"))
        os.chmod(copy, 0o755)
        subprocess.run(["make", "-s", "-C", copy], check=True)
        programs += sorted(p[:-2] for p in glob.glob(os.path.join(copy, "p*.c")))
    programs = [p for p in programs if os.access(p, os.X_OK) and os.path.isfile(p)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # they sleep most of the time
        plays = {p: pool.submit(compare, p) for p in programs}
        FUTURES.extend(plays.values())
        place.common.run({"test_" + os.path.basename(p): judged(p, plays[p]) for p in programs})


FUTURES = []
main()
