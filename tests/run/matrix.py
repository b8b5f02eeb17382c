#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
matrix.py [ROUNDS] - how a connection's holders let go, times how it was prepared: what a peer of the kernel's sees

build/run-matrix plays each cell once on the kernel's sockets, behind a veth pair, and once under `lastack run`, behind
a TUN device. The peer is the same both times, and so is what it must see: the same segments in the same order. The
first FIN or RST may be 5 ms later than the kernel's, reckoned from what caused it, in the median of a cell's rounds (of
all cells, when there is one round). A difference of segments counts when it is seen again.
"""
import collections
import contextlib
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

import place

LANES = 4  # cells played at a time on each side, each at a port of its own
LATER_NS = 5_000_000
ETH_P_IP, SO_TIMESTAMPNS, PACKET_OUTGOING = 0x0800, 35, 4
LETTERS = ((1, "F"), (2, "S"), (4, "R"), (8, "P"), (16, "."))

Seen = collections.namedtuple("Seen", "ns outgoing flags size")  # a segment; outgoing: the peer's


class Wire:
    """What passes an interface of this side, by port of the peer."""

    def __init__(self, where):
        self.segments = collections.defaultdict(list)
        self.over = False
        with where:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self):
        while not self.over:
            if not select.select([self.sock], [], [], 0.2)[0]:
                continue
            data, extra, _, name = self.sock.recvmsg(200, 200)
            head = (data[0] & 15) * 4
            if name[0] == "lo" or data[9] != 6 or len(data) < head + 20:
                continue
            second, nano = struct.unpack("qq", extra[0][2])
            ports = struct.unpack_from("!HH", data, head)
            size = struct.unpack_from("!H", data, 2)[0] - head - (data[head + 12] >> 4) * 4
            flags = "".join(letter for bit, letter in LETTERS if data[head + 13] & bit)
            outgoing = name[2] == PACKET_OUTGOING
            self.segments[ports[0] if outgoing else ports[1]].append(
                Seen(second * 10**9 + nano, outgoing, flags, size))

    def close(self):
        self.over = True
        self.thread.join()
        self.sock.close()


class Lane:
    """One run-matrix and the peer that calls it, cell by cell."""

    def __init__(self, server, client, wire, port):
        self.addr, self.port, self.place, self.wire = server.addr, port, client.place, wire
        self.process = server.start(place.common.BUILD + "/run-matrix", server.addr, port, text=True)

    def line(self):
        return self.process.stdout.readline().strip()

    def play(self, cell):
        """(segments from the server's "ready" on, times of its marks, what the peer found at the end)"""
        if (said := self.line()) != "listening":
            raise AssertionError(f"run-matrix says {said!r}{self.process.stdout.read(3000)}")
        with self.place:
            peer = socket.create_connection((self.addr, self.port), timeout=5)
        mine, marks = peer.getsockname()[1], []
        peer.send(cell.encode() + b"\n")
        if peer.recv(6, socket.MSG_WAITALL) != b"ready\n":
            raise AssertionError(f"{cell}: no \"ready\"")
        while (said := self.line()) != "end":
            if said == "wake":
                with contextlib.suppress(OSError):  # it may have been reset already
                    peer.send(b"wake")
            elif said.startswith("mark "):
                marks.append(int(said.split()[2]))
            elif not said:
                raise AssertionError(f"{cell}: run-matrix ended")
        time.sleep(0.05)
        found = self.at_the_end(peer)
        peer.close()
        time.sleep(0.02)
        return self.wire.segments[mine], marks, found

    @staticmethod
    def at_the_end(peer):
        peer.setblocking(False)
        try:
            return str(peer.recv(100))
        except OSError as error:
            return error.strerror


class Side:
    """All that one of the two gives: cell -> [(flags, delay in ns, what the peer found)], a round each."""

    def __init__(self, kind, cells, rounds):
        self.kind, self.results, self.error = kind, collections.defaultdict(list), None
        self.world = place.World(kind, "kernel")
        self.cells, self.lock = list(cells) * rounds, threading.Lock()

    def play(self):
        try:
            wire = Wire(self.world.client.place)
            threads = [threading.Thread(target=self._lane, args=(wire, 7000 + n)) for n in range(LANES)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wire.close()
            if self.error:
                raise self.error
        finally:
            self.world.close(quiet=self.error)

    def _lane(self, wire, port):
        try:
            lane = Lane(self.world.server, self.world.client, wire, port)
            while True:
                with self.lock:
                    if not self.cells or self.error:
                        break
                    cell = self.cells.pop(0)
                segments, marks, found = lane.play(cell)
                self.results[cell].append(judge(segments, marks) + (found,))
        except Exception as error:  # told by the thread that waits
            self.error = AssertionError(f"{self.kind}: {error!r}")


def judge(segments, marks):
    """The segments after the handshake as text, and how late the first FIN or RST of the server was."""
    text, delay = [], None
    causes = marks + [s.ns for s in segments if s.outgoing and s.size]
    for s in segments:
        if "S" in s.flags:
            continue
        text.append(("> " if s.outgoing else "< ") + s.flags + (f" {s.size}" if s.size else ""))
        if not s.outgoing and delay is None and ("F" in s.flags or "R" in s.flags):
            before = [ns for ns in causes if ns <= s.ns]
            delay = s.ns - max(before) if before else None
    return "  ".join(text), delay


def both(cells, rounds):
    sides = [Side("kernel", cells, rounds), Side("lastack", cells, rounds)]
    errors = []

    def work(side):
        try:
            side.play()
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=work, args=(side,)) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [side.results for side in sides]


def common_text(rounds):
    return collections.Counter((text, found) for text, _, found in rounds).most_common(1)[0][0]


def late(kernel, ours):
    """By how many ns the median of @ours lies behind that of @kernel; None when there is nothing to compare."""
    delays = [[d for _, d, _ in rounds if d is not None] for rounds in (kernel, ours)]
    return statistics.median(delays[1]) - statistics.median(delays[0]) if all(delays) else None


class Matrix:
    def __init__(self, rounds):
        program = place.common.BUILD + "/run-matrix"
        self.cells = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout.splitlines()
        self.rounds = rounds
        self.kernel, self.ours = both(self.cells, rounds)
        for _ in range(2):
            wrong = [c for c in self.cells if common_text(self.kernel[c]) != common_text(self.ours[c])]
            if wrong and len(wrong) <= 20:  # more are no accident
                again = both(wrong, max(rounds, 3))
                for cell in wrong:
                    self.kernel[cell], self.ours[cell] = again[0][cell], again[1][cell]
        self.lateness = {c: n for c in self.cells if (n := late(self.kernel[c], self.ours[c])) is not None}

    def way(self, way):
        def test():
            wrong = []
            for cell in self.cells:
                if cell.split()[0] != way:
                    continue
                wanted, found = common_text(self.kernel[cell]), common_text(self.ours[cell])
                if wanted != found:
                    wrong += [f"{cell}:", "    kernel   " + " : ".join(wanted), "    lastack  " + " : ".join(found)]
                elif self.rounds > 1 and self.lateness.get(cell, 0) > LATER_NS:
                    wrong.append(f"{cell}: {self.lateness[cell] / 1e6:.1f} ms later than the kernel")
            if wrong:
                raise AssertionError("\n" + "\n".join(wrong))
        return test

    def test_late(self):
        median = statistics.median(self.lateness.values())
        print(f"# {len(self.cells)} cells, {self.rounds} rounds: FIN or RST {median / 1e6:.2f} ms later than the "
              f"kernel's in the median of cells, {max(self.lateness.values()) / 1e6:.2f} ms in the latest cell")
        if median > LATER_NS:
            raise AssertionError(f"{median / 1e6:.1f} ms later")


def main():
    place.common.be_root()
    if (why := place.without_run()):
        print(f"1..0 # SKIP {why}")
        raise SystemExit(77)
    matrix = Matrix(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    ways = dict.fromkeys(cell.split()[0] for cell in matrix.cells)
    tests = {f"test_a_peer_sees_the_same_{way}": matrix.way(way) for way in ways}
    place.common.run({**tests, "test_and_hardly_later": matrix.test_late})


main()
