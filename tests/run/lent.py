#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
lent.py quick|all [PART] - after an event a program reads, writes and lets go: what it sees, and what its peer sees

build/run-lent plays each case once on the kernel's sockets, behind a veth pair, and once under `lastack run`, behind a
TUN device, where an epoll_wait() or poll() brings a loan: recv() and send() then need no call. The peer is the same
both times, so all that either of the two sees must be the same: results, errors, bits, bytes, EOF or a reset.
"""
import concurrent.futures
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import place

PORT = 7100
WAYS = ("epoll", "poll")
PAUSE = 0.05  # what was sent has arrived
SOON_NS = 50_000_000
# Cases that take more than a moment.
LONG = ("little_room", "four_readers", "two_writers", "sleeping_reader", "hasty_reader", "handler_reads_too",
        "order_of_sockets", "order_of_processes", "busy_without_calls", "stack_dies")


MESSAGE = struct.Struct("=2I5QIi1024s")  # struct seg_message
MAGIC, TEXT = 0x4B434154, 4


def calls_made(pid):
    """What the executor says to "debug" on its control socket."""
    for child in place.descendants(pid):
        with open(f"/proc/{child}/environ", "rb") as file:
            found = [e[len("LASTACK_DIR="):] for e in file.read().split(b"\0") if e.startswith(b"LASTACK_DIR=")]
    said = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(os.path.join(os.fsdecode(found[0]), "control"))
        control.send(MESSAGE.pack(MAGIC, TEXT, 0, 0, 0, 0, 0, 0, 0, b"debug"))
        while (piece := MESSAGE.unpack(control.recv(2000)))[2]:
            said += piece[9][:piece[2]]
    return int(dict(line.split() for line in said.decode().splitlines())["calls"])


class Peer:
    """The other end of one case: what the program tells it to do."""

    def __init__(self, side, client, play):
        self.side, self.client, self.play, self.seen, self.socks = side, client, play, [], []
        self.thread = self.arrived = self.epoll = self.collected = self.calls = None

    def do(self, what, *words):
        getattr(self, "do_" + what)(*words)

    def ack(self):
        with contextlib.suppress(BrokenPipeError):  # it ends without waiting for that
            self.play.stdin.write(b".")
            self.play.stdin.flush()

    def pause(self):
        time.sleep(PAUSE)
        self.ack()

    def do_connect(self):
        with self.client.place:
            self.socks.append(socket.create_connection((self.side.addr, PORT), timeout=5))
        self.ack()

    def do_calls(self):
        """How many were made since it was last asked."""
        if self.side.stack == "lastack":
            now = calls_made(self.play.pid)
            self.seen += [f"calls: {now - self.calls}"] if self.calls else []
            self.calls = now
        self.ack()

    def do_kill(self):
        os.kill(self.side.executor(), signal.SIGKILL)
        time.sleep(0.2)
        self.ack()

    def do_send(self, text):
        self.socks[0].send(text.encode())
        self.pause()

    def do_later(self, text):
        self.ack()
        time.sleep(0.02)
        self.socks[0].send(text.encode())

    def do_quickly(self, text):
        self.ack()
        self.socks[0].send(text.encode())

    def do_urgent(self, byte):
        self.socks[0].send(byte.encode(), socket.MSG_OOB)
        self.pause()

    def do_shut(self):
        self.socks[0].shutdown(socket.SHUT_WR)
        self.pause()

    def do_reset(self):
        sock = self.socks.pop()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        self.pause()

    def do_read(self, count):
        self.seen.append(str(self.bytes(int(count))))
        self.ack()

    def bytes(self, count):
        data = b""
        while len(data) < count and (more := self.socks[0].recv(count - len(data))):
            data += more
        return data

    def do_await(self, count):
        def wait():
            self.bytes(int(count))
            self.arrived = time.monotonic_ns()
        self.background(wait)
        self.ack()

    def sent(self, when):
        self.thread.join()
        late = self.arrived - int(when)
        self.seen.append("in time" if late < SOON_NS else f"{late / 1e6:.0f} ms late")

    def background(self, work):
        self.thread = threading.Thread(target=work)
        self.thread.start()

    def do_watch(self):
        self.epoll = select.epoll()
        for sock in self.socks:
            self.epoll.register(sock, select.EPOLLIN | select.EPOLLET)
        self.ack()

    def do_order(self):
        time.sleep(PAUSE)
        numbers = [sock.fileno() for sock in self.socks]
        self.seen.append("order: " + " ".join(str(numbers.index(fd)) for fd, _ in self.epoll.poll(1)))
        for sock in self.socks:
            sock.recv(100)
        self.epoll.close()
        self.ack()

    def do_collect(self, count):
        def collect():
            time.sleep(0.1)  # until nothing more fits
            self.collected = self.bytes(int(count))
        self.background(collect)
        self.ack()

    def do_collected(self):
        self.thread.join()
        whole = bytes(range(251)) * (len(self.collected) // 251 + 1)
        self.seen.append(f"{len(self.collected)} bytes, {self.collected == whole[:len(self.collected)]}")
        self.ack()

    def do_stream(self, count):
        data = (bytes(range(251)) * (int(count) // 251 + 1))[:int(count)]
        self.ack()
        for at in range(0, len(data), 10):
            self.socks[0].send(data[at:at + 10])
            time.sleep(0.0005)

    def do_records(self, count, size):
        data = self.bytes(int(count) * int(size))
        found = {"a": [], "b": []}
        for at in range(0, len(data), int(size)):
            record = data[at:at + int(size)].decode()
            if record != f"{record[0]}{int(record[1:5]):04d}".ljust(int(size), record[0]):
                self.seen.append(f"torn: {record}")
            found[record[0]].append(int(record[1:5]))
        self.seen.append("in order: " + str([found[w] == list(range(int(count) // 2)) for w in "ab"]))
        self.ack()

    def do_count(self, count):
        self.seen.append(f"{len(self.bytes(int(count)))} bytes")
        self.ack()

    def at_the_end(self):
        """What is left in each connection, and how it ended."""
        time.sleep(PAUSE)
        for sock in self.socks:
            data = b""
            sock.setblocking(False)
            try:
                while (more := sock.recv(65536)):
                    data += more
                self.seen.append(f"{data} EOF")
            except OSError as error:
                self.seen.append(f"{data} {error.strerror}")
            sock.close()


class Stage:
    """One of the two: a run-lent, and its peers."""

    def __init__(self, kind):
        # A stack that never looks for calls before it sleeps leaves the longest time between their use and what comes of it.
        self.world = place.World(kind, "kernel", options=("--spin", "0"))
        self.start()

    def start(self):
        self.play = self.world.server.start(place.common.BUILD + "/run-lent", self.world.server.addr, PORT,
                                            stdin=subprocess.PIPE)
        self.world.server.listens(PORT)

    def run(self, way, case):
        """All that was seen, in order."""
        try:
            return self.steps(way, case)
        except Exception:
            place.end(self.play)  # it stands in the middle of a case
            self.start()
            raise

    def steps(self, way, case):
        self.play.stdin.write(f"{way} {case}\n".encode())
        self.play.stdin.flush()
        peer = Peer(self.world.server, self.world.client, self.play)
        while (line := self.play.stdout.readline().decode(errors="replace").rstrip("\n")):
            what, _, rest = line.partition(" ")
            if what == "peer":
                peer.do(*rest.split())
            elif what == "sent":
                peer.sent(rest)
            else:
                peer.seen.append(line)
            if what == "end":
                break
        else:
            raise AssertionError("run-lent ended")
        peer.at_the_end()
        return peer.seen

    def close(self, quiet=False):
        self.play.stdin.close()
        self.play.stdin = None
        self.world.close(quiet)


class Pair:
    def __init__(self):
        self.kernel, self.ours = Stage("kernel"), Stage("lastack")

    def both(self, way, case):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            wanted, found = pool.map(lambda stage: stage.run(way, case), (self.kernel, self.ours))
        if wanted == found:
            return
        lines = []
        for n in range(max(len(wanted), len(found))):
            left, right = (seen[n] if n < len(seen) else "-" for seen in (wanted, found))
            lines.append(f"  {left}" if left == right else f"  kernel  {left}\n  lastack {right}")
        raise AssertionError("\n".join([f"{way} {case}:"] + lines))

    def close(self):
        self.kernel.close()
        self.ours.close()


def without_calls(pair):
    for way in WAYS:
        seen = pair.ours.run(way, "without_calls")
        counts = [line for line in seen if line.startswith("calls")]
        place.common.equal((counts[0], counts[2]), ("calls: 0", "calls: 0"))


def dead_stack():
    """What it lent is nobody's any more."""
    for way in WAYS:
        stage = Stage("lastack")
        try:
            seen = stage.run(way, "stack_dies")
            place.common.equal(seen[1:4], ["recv: ENETDOWN", "send: -1 ENETDOWN", "end 0"])
        finally:
            stage.close(quiet=True)


def main():
    place.common.be_root()
    if (why := place.without_run()):
        print(f"1..0 # SKIP {why}")
        raise SystemExit(77)
    which, part = sys.argv[1] if len(sys.argv) > 1 else "all", sys.argv[2] if len(sys.argv) > 2 else ""
    listed = subprocess.run([place.common.BUILD + "/run-lent", "list"], check=True, capture_output=True, text=True)
    cases = [c for c in listed.stdout.split() if part in c and (which != "quick" or c not in LONG)]
    pair = Pair()
    special = {"without_calls": lambda: without_calls(pair), "stack_dies": dead_stack}

    ways = WAYS if which == "all" else WAYS[:1]

    def test(case):
        return special.get(case) or (lambda: [pair.both(way, case) for way in ways] and None)
    try:
        place.common.run({"test_" + case: test(case) for case in cases})
    finally:
        pair.close()


main()
