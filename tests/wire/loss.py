#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
loss.py - 4 MB each way over a wire that loses one packet in a hundred

The wire is a thread of ours between two TUN devices: the kernel's program sits behind one, and behind the other a
second namespace forwards to Lastack's own. So the loss needs no queueing discipline; netem is often absent.
"""
import fcntl
import hashlib
import os
import random
import select
import struct
import subprocess
import tempfile
import threading

import common
import net

SIZE = 4 << 20
SEED = 2025
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLIENT = "10.8.0.1"


def open_tun(place, name):
    with place:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class LossyWire:
    """Carries packets between two descriptors until it is told to stop; one in a hundred is lost."""

    def __init__(self, left, right):
        self.ends, self.chance = {left: right, right: left}, random.Random(SEED)
        self.passed = self.lost = 0
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            ready = select.select([*self.ends, self.stop_read], [], [])[0]
            if self.stop_read in ready:
                return
            for fd in ready:
                self.carry(fd, self.ends[fd])

    def carry(self, source, target):
        for _ in range(64):
            try:
                packet = os.read(source, 65536)
            except BlockingIOError:
                return
            if self.chance.random() < 0.01:
                self.lost += 1
                continue
            self.passed += 1
            os.write(target, packet)

    def stop(self):
        os.write(self.stop_write, b"x")
        self.thread.join()
        for fd in (*self.ends, self.stop_read, self.stop_write):
            os.close(fd)


def over_lossy_wire(curl_args):
    """Runs curl against lastack serve over the wire; "copy" in the folder must become equal to "large"."""
    client, middle = net.Net(), net.Net()
    ends = open_tun(client, "lossy"), open_tun(middle, "lossy")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "large"), "wb") as file:
            file.write(os.urandom(SIZE))
        with middle:
            server = common.Program("serve", "--upload", "--quiet", folder, ready="serving")
            middle.ip("addr add 10.8.0.2/24 dev lossy", "link set lossy txqueuelen 5000 up")
            with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
                file.write("1")
        client.ip(f"addr add {CLIENT}/24 dev lossy", "link set lossy txqueuelen 5000 up",
                  f"route add {common.SUBJECT4} via 10.8.0.2")
        wire = LossyWire(*ends)
        with server, client:
            done = subprocess.run(["curl", "-sS", "--fail", "--max-time", "30", *curl_args(folder)],
                                  capture_output=True, text=True)
        wire.stop()
        common.equal((done.returncode, done.stderr), (0, ""))
        sums = []
        for name in ("large", "copy"):
            with open(os.path.join(folder, name), "rb") as file:
                sums.append(hashlib.sha256(file.read()).hexdigest())
        common.equal(sums[1], sums[0])
        if not wire.lost:
            raise AssertionError("the wire has lost nothing")
        print(f"# {wire.lost} of {wire.lost + wire.passed} packets lost")
    client.close()
    middle.close()


def test_lastack_sends_4_MB_over_a_wire_that_loses_one_packet_in_a_hundred():
    over_lossy_wire(lambda folder: ["-o", os.path.join(folder, "copy"), f"http://{common.SUBJECT4}/large"])


def test_lastack_receives_4_MB_over_a_wire_that_loses_one_packet_in_a_hundred():
    over_lossy_wire(lambda folder: ["-T", os.path.join(folder, "large"), "-o", os.devnull,
                                    f"http://{common.SUBJECT4}/copy"])


common.run(globals())
