#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
kill.py ROUNDS [SEED] - nginx, two workers and wrk; a random process is killed at a random moment, nginx started again

One stack lives through all rounds. wrk calls from the kernel in one round and from the same stack in the next. After
each kill the others must go on: workers without their master, a master that makes a new worker, a server whose client
died. Before the first round and after the last, with no program left but the stack's holder, all that the stack has
is counted, and the executor's descriptors and memory: nothing may be left behind. (FIFOs in the pool are not counted:
they are kept for the next files, as slabs are.)
"""
import contextlib
import os
import random
import signal
import sys
import time

import place

PORT = 8080
SETTLE_ROUNDS = 10  # until slabs and pools have about the size that they keep
COUNTED = ("tasks", "files", "sockets", "socks", "requests", "orphans", "ops", "fifos", "spares", "descriptors")
MEMORY_KB = 16384   # what slabs may keep of the busiest minute's TIME-WAITs; the rest may not grow at all
CONFIG = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 256; }}
http {{
	access_log off;
	client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
	uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
	server {{ listen {addr}:{port}; location / {{ return 200 "here\\n"; }} }}
}}
"""


def wait_until(what, true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def named(*names):
    """Our descendants of such a name that live."""
    found = []
    for pid in place.descendants(os.getpid()):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            head, _, tail = file.read().rpartition(")")
            if head.partition("(")[2] in names and tail.split()[0] not in "ZX":
                found.append(pid)
    return found


class Rounds:
    def __init__(self, world, seed):
        self.world, self.random = world, random.Random(seed)
        self.stack, self.kernel = world.sides
        self.nginx = None
        self.killed = {}
        os.makedirs(world.path("temp"))
        world.write("nginx.conf", CONFIG.format(folder=world.folder, addr=self.stack.addr, port=PORT))

    def start(self):
        log = self.world.path("error.log")
        self.nginx = self.stack.start("nginx", "-e", log, "-c", self.world.path("nginx.conf"))
        self.stack.listens(PORT)
        wait_until("two workers", lambda: len(named("nginx")) == 3)

    def answers(self):
        said = self.kernel.run("curl", "-sS", "--max-time", "5", f"http://{self.stack.addr}:{PORT}/", timeout=10)
        if said.out != "here\n":
            raise AssertionError(f"nginx does not answer: {said.out}{said.err}")

    def play(self, number):
        side = self.stack if number % 2 else self.kernel
        if not self.nginx:
            self.start()
        header = self.random.choice(([], ["-H", "Connection: close"]))
        wrk = side.start("wrk", "-t", "2", "-c", "20", "-d", "20", *header, f"http://{self.stack.addr}:{PORT}/")
        wait_until("wrk runs", lambda: named("wrk"))
        time.sleep(self.random.uniform(0, 0.15))
        victim = self.random.choice(sorted(named("nginx") + (named("wrk") if side is self.stack else [])))
        with open(self.world.path("nginx.pid"), encoding="ascii") as file:
            master = int(file.read())
        name = "master" if victim == master else "worker" if victim in named("nginx") else "wrk"
        self.killed[name] = self.killed.get(name, 0) + 1
        os.kill(victim, signal.SIGKILL)
        self.answers()
        if name == "worker":
            wait_until("a new worker", lambda: len(named("nginx")) == 3)
        for pid in named("wrk"):
            os.kill(pid, signal.SIGKILL)
        wrk.communicate(timeout=10)
        if name == "master":
            self.stop()
        self.forget()

    def stop(self):
        def gone():
            """A list of children that is read while one of them ends may lack others: whoever is still there is killed again."""
            for pid in (left := named("nginx")):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        wait_until("nginx is gone", gone)
        if self.nginx:
            self.nginx.communicate(timeout=10)
        self.nginx = None
        self.forget()

    def forget(self):
        """Programs that ended, whoever's children they became."""
        for side in self.world.sides:
            side.started = [p for p in side.started if p.poll() is None]
        for pid in place.descendants(os.getpid())[1:]:  # keepers of programs that were killed are ours now
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    os.waitpid(pid, os.WNOHANG)

    def memory_kb(self):
        with open(f"/proc/{self.stack.executor()}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def figures(self):
        """What the stack has when no program but its holder is there."""
        self.stop()
        wait_until("connections end", lambda: not self.stack.connections(), 70)
        time.sleep(0.5)  # the connection of the last `lastack ss` is a descriptor, too
        holds = self.stack.holds()
        place.common.equal(holds.pop("check"), "good")
        return {**{name: int(holds[name]) for name in COUNTED}, "memory_kB": self.memory_kb()}


def main():
    rounds, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    place.common.be_root()

    def test_the_stack_outlives_its_programs():
        with place.World("lastack", "kernel") as world:
            play = Rounds(world, seed)
            for number in range(SETTLE_ROUNDS):
                play.play(number)
            before = play.figures()
            for number in range(rounds):
                if number % 100 == 99:
                    print(f"# round {number + 1}: {play.memory_kb()} kB, {play.stack.holds()['timewaits']} TIME-WAITs",
                          flush=True)
                try:
                    play.play(number)
                except Exception as error:
                    raise AssertionError(f"round {number} of seed {seed}: {error}") from error
            after = play.figures()
            print(f"# {rounds} rounds, seed {seed}, killed: {play.killed}")
            print(f"# before {before}")
            print(f"# after  {after}", flush=True)
            before["memory_kB"] += MEMORY_KB
            if any(after[name] > before[name] for name in before):
                raise AssertionError("something was left behind")
    if (why := place.without_run()):
        print(f"1..0 # SKIP {why}")
        raise SystemExit(77)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    place.common.run({f"test_the_stack_outlives_its_programs_in_{rounds}_rounds": test_the_stack_outlives_its_programs})


main()
