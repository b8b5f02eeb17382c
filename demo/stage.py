# SPDX-License-Identifier: MIT
"""
stage.py - plays one closing with one subject, and compares two such plays

An Arm is a peer (this kernel, in a namespace of its own) joined to a subject: Lastack behind a TUN device, or this
kernel in a second namespace behind a pair of interfaces. One thread directs both ends line by line and reads the
capture made on the peer's interface, so that what is compared is the order of causes and not the speed of the machine.
"""
import os
import select
import socket
import subprocess
import sys
import time

import net
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
INTERFACE = "wire0"
PEER4, SUBJECT4, PEER6, SUBJECT6 = "10.9.0.1", "10.9.0.2", "fd09::1", "fd09::2"
NOBODY = ("10.9.0.77", 7777)
QUIET = 0.12  # longer than a delayed ACK
SILENT = ("socket", "bind", "listen", "set", "state", "error", "poll", "fork", "thread", "dup", "unread", "unsent",
          "counter")
PATIENCE = 20.0


class Broken(Exception):
    """A play that could not be brought to its end; the text says why."""


class Player:
    """A running interpreter of lines: lastack play, or player.py."""

    def __init__(self, command, stderr):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.held, self.open, self.results, self.ready, self.gone = b"", {}, [], False, False

    def fileno(self):
        return self.process.stdout.fileno()

    def say(self, task, line):
        self.open[task] = (line, time.monotonic())
        try:
            self.process.stdin.write(f"{task} {line}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            self.gone = True

    def read(self):
        data = os.read(self.fileno(), 65536)
        self.gone |= not data
        *lines, self.held = (self.held + data).split(b"\n")
        for line in lines:
            line = line.decode()
            if line.startswith("playing"):
                self.ready = True
            elif " = " in line:
                call, _, result = line.rpartition(" = ")
                task = call.split()[0]
                _, began = self.open.pop(task, (None, time.monotonic()))
                self.results.append((call, result, time.monotonic() - began))

    def end(self):
        """Ends the tasks, which closes what they have open."""
        try:
            self.process.stdin.close()
            self.process.wait(timeout=5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Arm:
    """One play. @lastack: path of the program, or None for the kernel as the subject."""

    def __init__(self, closing, lastack=None):
        self.closing, self.lastack = closing, lastack
        self.results, self.crafted, self.segments = [], None, []
        self.ladder = ""

    def play(self):
        """Plays the closing; leaves results, segments and the subject's own ladder."""
        peer_net, nets, self.stderr = net.Net(), [], None
        nets.append(peer_net)
        self.players = {}
        try:
            self._set(peer_net, nets)
            for line in self.closing.lines(*((SUBJECT6, PEER6) if self.closing.six else (SUBJECT4, PEER4))):
                self._step(line)
            self._settle(2 * QUIET)
        finally:
            for player in self.players.values():
                player.end()
            if self.stderr:
                self.stderr.seek(0)
                self.ladder = self.stderr.read()
                self.stderr.close()
            if hasattr(self, "capture"):
                self.capture.close()
            for each in nets:
                each.close()
        self.segments = self.capture.segments
        return self

    # setting the stage

    def _set(self, peer_net, nets):
        with peer_net:
            self.peer_net = peer_net
            if self.lastack:
                self.stderr = open(os.memfd_create("ladder"), "w+", encoding="utf-8", errors="replace")
                self.players["S"] = Player([self.lastack, "play", "--tun", INTERFACE, "--ladder"], self.stderr)
                self._until(lambda: self.players["S"].ready, "the subject does not start")
            else:
                subject_net = net.Net()
                nets.append(subject_net)
                net.join(peer_net, subject_net, INTERFACE, (PEER4 + "/24", PEER6 + "/64"),
                         (SUBJECT4 + "/24", SUBJECT6 + "/64"))
                with subject_net:
                    self.players["S"] = Player([sys.executable, os.path.join(HERE, "player.py")], None)
            self.capture = wire.Capture(INTERFACE)
            self.players["P"] = Player([sys.executable, os.path.join(HERE, "player.py")], None)
        self._until(lambda: all(p.ready for p in self.players.values()), "an end does not start")

    # directing

    def _pump(self, timeout):
        """Reads what the ends and the wire have to say; true if something happened."""
        sources = [p for p in self.players.values() if not p.gone]
        if hasattr(self, "capture"):
            sources.append(self.capture)
        happened = False
        for source in select.select(sources, [], [], timeout)[0]:
            happened |= source.read() is not False
        return happened

    def _until(self, condition, complaint):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if any(p.gone for p in self.players.values()) or time.monotonic() > deadline:
                if self.stderr and not self.players["S"].ready:
                    self.stderr.seek(0)
                    complaint += ": " + self.stderr.read().strip()
                raise Broken(complaint)
            self._pump(0.05)

    def _settle(self, quiet=QUIET):
        deadline = time.monotonic() + PATIENCE
        last = time.monotonic()
        while time.monotonic() - last < quiet:
            if self._pump(quiet - (time.monotonic() - last)):
                last = time.monotonic()
            if last > deadline:
                raise Broken("the wire does not become quiet")

    def _step(self, line):
        words = line.split()
        if words[0] == "quiet":
            self._settle(int(words[1]) / 1000)
            return
        if words[0] == "hold":
            self._hold()
            return
        if words[0] == "craft":
            self._craft(words[1])
            self._settle()
            return
        player, task = self.players[words[0]], words[1]
        if words[2] != "?":
            player.say(task, " ".join(w for w in words[2:] if w not in "&@"))
        if words[-1] != "&":
            self._until(lambda: task not in player.open, f"no end of \"{line}\"")
            if words[-1] == "@":
                call, result, took = player.results[-1]
                player.results[-1] = (call, f"{result} after {took:.0f} s", took)
        if words[2] not in SILENT and not self.held:
            self._settle()
        self.held = False

    held = False  # the next step must follow at once

    def _hold(self):
        """Fills the token bucket's queue: what the peer sends now leaves 140 ms later."""
        with self.peer_net:
            done = subprocess.run(["tc", "qdisc", "replace", "dev", INTERFACE, "root", "tbf", "rate", "80kbit", "burst",
                                   "1600", "limit", "100000"], capture_output=True, text=True)
            if done.returncode:
                raise Broken(f"tc cannot hold segments here: {done.stderr.strip()}")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for _ in range(2):
                    sock.sendto(bytes(1472), (SUBJECT4, 9))
        self.held = True

    def _craft(self, what):
        """SYN, or the ACK that would complete its handshake, from an address that nobody has."""
        iss = 1000
        with self.peer_net:
            if what == "SYN":
                wire.craft(NOBODY, (SUBJECT4, 8000), wire.SYN, iss, 0)
            else:
                answer = [s for s in self.capture.segments if s.peer == NOBODY and not s.out and s.flags & wire.SYN]
                if not answer:
                    raise Broken("the crafted SYN was not answered")
                wire.craft(NOBODY, (SUBJECT4, 8000), wire.ACK, iss + 1, (answer[-1].seq + 1) % 2**32)

    # what is compared

    def lines(self):
        lines = wire.relative(self.segments)
        return wire.reduced(lines) if self.closing.bulk else wire.joined(lines)

    def disturbed(self):
        """Whether the peer repeated a segment."""
        return wire.repeats(wire.relative(self.segments))

    def calls(self):
        """Results of both ends' calls, each end's in its own order."""
        return [f"{end} {call} = {result}" for end in "SP" for call, result, _ in self.players[end].results]


def differences(ours, kernel):
    """Lines that tell where two plays differ; none: they do not."""
    found = []
    a, b = [x.key() for x in ours.lines()], [x.key() for x in kernel.lines()]
    if a != b:
        found.append("the segments, ours and then the kernel's:")
        found += ["   " + x.text("lastack") for x in ours.lines()]
        found.append("   --")
        found += ["   " + x.text("kernel ") for x in kernel.lines()]
    for mine, its in zip(ours.calls(), kernel.calls()):
        if mine != its:
            found.append(f"   ours: {mine}   the kernel's: {its}")
    return found


def compared(closing, lastack):
    """Plays @closing with both subjects: Lastack's arm, the kernel's, and where they differ."""
    ours, kernel = Arm(closing, lastack), Arm(closing)
    try:
        ours.play()
        kernel.play()
        return ours, kernel, differences(ours, kernel)
    except Broken as broken:
        return ours, kernel, [f"not played to its end: {broken}"]


def again(closing, lastack):
    """A difference counts when it is seen three times more with the machine to itself. A play in which the peer ran out
    of patience and repeated a segment was disturbed from outside: it does not count, unless most of them are like that."""
    counted = plays = 0
    while True:
        ours, kernel, found = compared(closing, lastack)
        plays += 1
        counted += not (ours.disturbed() or kernel.disturbed())
        if not found or counted == 3 or plays == 10:
            return ours, kernel, found
