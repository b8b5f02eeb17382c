#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
launcher.py - `lastack run` around a program: what it inherits, how it ends, signals, daemons, names, refusals; ss, nstat

What a program would do or see without Lastack is asked of the same program without Lastack, where that is possible.
"""
import contextlib
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

import place
from place import common

LASTACK, equal = common.LASTACK, common.equal

FOLDERS = f"/tmp/lastack-{os.geteuid()}" if os.geteuid() or os.stat("/run").st_uid else "/run/lastack"
NAME = f"launcher-{os.getpid()}"


def run(*args, options=(), **how):
    how = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 30, **how}
    return subprocess.run([LASTACK, "run", *options, "--", *map(str, args)], **how)


def start(*args, options=(), **how):
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
    return subprocess.Popen([LASTACK, "run", *options, "--", *map(str, args)], **how)


def python(code):
    return [sys.executable, "-c", code]


def wait_until(what, seconds=5):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError(f"still not after {seconds} s: {what}")
        time.sleep(0.01)


def folder(name):
    return os.path.join(FOLDERS, name)


def executor_of(launcher):
    found = [pid for pid in place.descendants(launcher) if place.name_of(pid) == "lastack-exec"]
    equal(len(found), 1)
    return found[0]


def compiled(folder_, name, source, *options):
    path = os.path.join(folder_, name)
    done = subprocess.run(["cc", "-x", "c", "-", "-o", path, *options], input=source, text=True, capture_output=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return path


@contextlib.contextmanager
def scratch():
    path = tempfile.mkdtemp(prefix="lastack-launcher-")
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# ---------------------------------------------------------------- how it ends, and what it inherits


def test_the_exit_status_is_the_programs():
    equal([run("sh", "-c", f"exit {n}").returncode for n in (0, 1, 7, 125, 255)], [0, 1, 7, 125, 255])


def test_a_program_killed_by_a_signal_ends_the_launcher_by_the_same():
    for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT):
        equal(run("sh", "-c", f"kill -{int(sig)} $$").returncode, -sig)


def test_what_a_program_inherits_is_what_it_inherits_without():
    shown = ("ls -l /proc/self/fd | sed 's/.* \\([0-9]* -> [a-z]*\\).*/\\1/;/total/d'; ulimit -Sn; umask; pwd; id -u;"
             "grep -E 'Sig(Blk|Ign)' /proc/self/status")
    for changes in ("", "exec <&-;", "exec 2>&-;", "ulimit -Sn 99;", "trap '' PIPE HUP;", "cd /tmp; umask 7;"):
        bare = subprocess.run(["sh", "-c", changes + 'exec sh -c "$0"', shown], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        ours = subprocess.run(["sh", "-c", changes + f'exec {LASTACK} run -- sh -c "$0"', shown], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        equal((changes, ours.stdout), (changes, bare.stdout))


def test_arguments_and_input_reach_the_program():
    equal(run("sh", "-c", 'echo "$0|$1|$2"', "a b", "", "--help").stdout, "a b||--help\n")
    equal(run("cat", input="some\ninput", stdin=None).stdout, "some\ninput")


def test_the_reader_of_a_pipe_sees_its_end_when_the_program_closed_it():
    process = start("sh", "-c", "exec >&- 2>&-; sleep 3")
    began = time.monotonic()
    process.stdout.read(), process.stderr.read()
    took = time.monotonic() - began
    process.kill()
    process.wait()
    # Our own words go to stderr, and so the keeper has it as long as the program runs.
    if took > 4:
        raise AssertionError(f"after {took:.1f} s")


# ---------------------------------------------------------------- signals


COUNTER = """
import signal, sys, time
got = []
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
    signal.signal(s, lambda s, f: got.append(s))
print("up", flush=True)
while signal.SIGTERM not in got:
    time.sleep(0.01)
time.sleep(0.1)
print(*[int(s) for s in got])
"""


def test_signals_are_passed_on_once_each():
    process = start(*python(COUNTER))
    equal(process.stdout.readline(), "up\n")
    sent = [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTERM]
    for sig in sent:
        process.send_signal(sig)
        time.sleep(0.03)
    equal(process.communicate(timeout=10)[0].split(), [str(int(s)) for s in sent])
    equal(process.returncode, 0)


HANDLER = """
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile int seen, over;
static void count(int sig) { seen += sig == SIGUSR1; over |= sig == SIGTERM; }
int main(void)
{
	signal(SIGUSR1, count);
	signal(SIGTERM, count);
	puts("up");
	fflush(stdout);
	while (!over)
		usleep(10000);
	usleep(100000);
	printf("%d\\n", seen);
}
"""


def test_a_signal_to_the_whole_group_reaches_the_program_once():
    with scratch() as here:  # no script: an interpreter's handler runs later, and twice is once
        process = start(compiled(here, "handler", HANDLER), start_new_session=True)
        equal(process.stdout.readline(), "up\n")
        for sig in [signal.SIGUSR1] * 5 + [signal.SIGTERM]:
            os.killpg(process.pid, sig)
            time.sleep(0.03)
        equal(process.communicate(timeout=10)[0], "5\n")
        equal(process.returncode, 0)


def test_a_program_that_stops_stops_the_launcher_and_goes_on_with_it():
    process = start(*python("import os, signal; os.kill(os.getpid(), signal.SIGSTOP); print('on')"))
    pid, status = os.waitpid(process.pid, os.WUNTRACED)
    equal((os.WIFSTOPPED(status), os.WSTOPSIG(status)), (True, signal.SIGSTOP))
    process.send_signal(signal.SIGCONT)
    equal(process.communicate(timeout=10)[0], "on\n")
    equal(process.returncode, 0)


def read_until(fd, wanted, seconds=5):
    said, end = "", time.monotonic() + seconds
    while wanted not in said:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError(f"no {wanted!r} in {said!r}")
        said += os.read(fd, 4096).decode(errors="replace")
    return said


def test_the_terminals_keys_reach_the_program_once_and_job_control_works():
    pid, terminal = pty.fork()
    if not pid:
        os.execvp("bash", ["bash", "--norc", "-i"])
    try:
        with scratch() as here:
            path = os.path.join(here, "counter.py")
            with open(path, "w", encoding="ascii") as file:
                file.write(COUNTER)
            os.write(terminal, f"PS1='prompt''> '; {LASTACK} run -- {sys.executable} {path}\n".encode())
            read_until(terminal, "up\r\n")
            os.write(terminal, b"\x03")  # SIGINT
            time.sleep(0.1)
            os.write(terminal, b"\x1a")  # SIGTSTP
            read_until(terminal, "Stopped")
            os.write(terminal, b"jobs; fg\n")
            read_until(terminal, "run")
            time.sleep(0.2)
            os.write(terminal, b"\x1c")  # SIGQUIT
            time.sleep(0.1)
            os.kill(program_under(pid), signal.SIGTERM)
            said = read_until(terminal, "15\r")
            equal(re.findall(r"([0-9 ]*15)\r", said), ["2 3 15"])
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def program_under(pid):
    return [p for p in place.descendants(pid) if place.name_of(p).startswith("python")][0]


# ---------------------------------------------------------------- daemons, names, folders


def test_a_daemon_keeps_the_stack_and_the_launcher_returns():
    listen = "import socket, time; l = socket.socket(); l.bind(('127.0.0.1', 99)); l.listen(); time.sleep(60)"
    with scratch() as here:
        path = os.path.join(here, "daemon.py")
        with open(path, "w", encoding="ascii") as file:
            file.write(listen)
        began = time.monotonic()
        done = run("sh", "-c", f"setsid {sys.executable} {path} >/dev/null 2>&1 </dev/null & echo $!", options=["--name", NAME])
        if time.monotonic() - began > 5:
            raise AssertionError("the launcher waits for the daemon")
        equal((done.returncode, done.stderr), (0, ""))
        wait_until(lambda: "127.0.0.1:99" in subprocess.run([LASTACK, "ss", NAME, "-tln"], capture_output=True, text=True).stdout)
        os.kill(int(done.stdout), signal.SIGKILL)
        wait_until(lambda: not os.path.exists(folder(NAME)))


def test_wait_returns_with_the_last_descendant():
    began = time.monotonic()
    equal(run("sh", "-c", "sleep 0.7 & exit 3", options=["--wait"]).returncode, 3)
    if time.monotonic() - began < 0.7:
        raise AssertionError("it returned before")


def test_programs_join_a_stack_by_name_and_keep_it():
    first = start(*python("import socket, sys; l = socket.socket(); l.bind(('127.0.0.1', 99)); l.listen(); print('up', flush=True);"
                          "c, _ = l.accept(); print(c.recv(9)); sys.stdin.read()"), options=["--name", NAME], stdin=subprocess.PIPE)
    equal(first.stdout.readline(), "up\n")
    done = run(*python("import socket; c = socket.create_connection(('127.0.0.1', 99)); c.send(b'hello')"), options=["--join", NAME])
    equal((done.returncode, done.stderr), (0, ""))
    equal(first.stdout.readline(), "b'hello'\n")
    second = start("sh", "-c", "echo up; read end; exit 4", options=["--join", NAME], stdin=subprocess.PIPE)
    equal(second.stdout.readline(), "up\n")
    first.stdin.close()
    equal(first.wait(10), 0)
    equal(os.path.exists(folder(NAME)), True)
    second.stdin.close()
    equal(second.wait(10), 4)
    wait_until(lambda: not os.path.exists(folder(NAME)))
    for process in (first, second):
        process.stdout.close()
        process.stderr.close()


def test_a_name_in_use_is_refused_and_a_dead_stacks_is_taken_over():
    process = start("sleep", "60", options=["--name", NAME])
    wait_until(lambda: os.path.exists(folder(NAME) + "/control"))
    done = run("true", options=["--name", NAME])
    equal((done.returncode, done.stderr), (125, f"lastack run: a stack named {NAME} is running; choose another --name, or --join it\n"))
    everybody = place.descendants(process.pid)
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    for pid in everybody[1:]:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    equal(os.path.exists(folder(NAME)), True)
    equal(run("true", options=["--name", NAME]).returncode, 0)
    equal(os.path.exists(folder(NAME)), False)
    done = run("true", options=["--join", NAME])
    equal((done.returncode, done.stderr), (125, f"lastack run: no stack named {NAME} is running; \"lastack ss --list\" names those that are\n"))


# ---------------------------------------------------------------- what cannot be run


def test_what_cannot_be_run_is_refused_by_name():
    main = "int main(void) { return 0; }"
    with scratch() as here:
        static = compiled(here, "static", main, "-static")
        go = compiled(here, "go", '__attribute__((section(".go.buildinfo"))) int info = 1; ' + main)
        good = compiled(here, "good", main)
        foreign = shutil.copy(good, os.path.join(here, "foreign"))
        with contextlib.suppress(OSError):  # as root of a user namespace: there is nobody else
            os.chown(foreign, 1, 1)
        os.chmod(foreign, 0o4755)
        refused = os.stat(foreign).st_uid != os.geteuid()
        script = os.path.join(here, "script")
        with open(script, "w", encoding="ascii") as file:
            file.write(f"#!{static}\n")
        os.chmod(script, 0o755)
        plain = shutil.copy(good, os.path.join(here, "plain"))
        os.chmod(plain, 0o644)
        for path, status, words in (
                (os.path.join(here, "absent"), 127, "there is no program"), ("no-such-program-at-all", 127, "there is no program"),
                (plain, 126, "cannot be executed"), (here, 126, "no program"), (static, 126, f"{static} is statically linked"),
                (script, 126, f"{static} is statically linked"), (go, 126, f"{go} is written in Go"),
                (foreign, 126 if refused else 0, f"{foreign} is set-user-ID" if refused else ""), (good, 0, "")):
            done = run(path)
            equal((path, done.returncode, words in done.stderr, done.stderr.count("\n")), (path, status, True, 1 if status else 0))


def test_mistakes_are_told_and_nothing_is_left_behind():
    for options, words in ((["--dev", "eth0"], "--dev wants tun:NAME or none"), (["--name", "a/b"], "a stack's name is of"),
                           (["--loopback", "mine"], "--loopback wants stack or kernel"), (["--sysctl", "tcp_no=1"], "no setting tcp_no"),
                           (["--drain", "never"], "--drain wants"), (["--join", "x", "--dev", "none"], "--join takes the stack as it is"),
                           (["--join", "x", "--pcap", "y"], "--join takes the stack as it is"),
                           (["--netns", "/nowhere", "--dev", "tun:x"], "cannot enter the namespace /nowhere")):
        done = run("true", options=[*options])
        equal((options, done.returncode, words in done.stderr), (options, 125, True))
    equal([n for n in os.listdir(FOLDERS) if n.startswith("true-")], [])


# ---------------------------------------------------------------- the executor's death


WAITERS = """
import errno, os, select, socket, threading, time
l = socket.socket(); l.bind(("127.0.0.1", 99)); l.listen()
c = socket.create_connection(("127.0.0.1", 99)); a, _ = l.accept()
r, w = os.pipe()
pure, mixed, epure, emixed = select.poll(), select.poll(), select.epoll(), select.epoll()
for p in (pure, mixed, epure, emixed): p.register(a, 1)
for p in (mixed, emixed): p.register(r, 1)
def one(name, call):
    try: said = call()
    except OSError as e: said = errno.errorcode[e.errno]
    os.write(1, f"{name} {said}\\n".encode())
calls = {"recv": lambda: a.recv(1), "accept": l.accept, "poll": lambda: pure.poll(9000), "mixed": lambda: mixed.poll(9000),
         "epoll": lambda: epure.poll(9), "emixed": lambda: emixed.poll(9)}
threads = [threading.Thread(target=one, args=x) for x in calls.items()]
for t in threads: t.start()
time.sleep(0.3); os.write(1, b"up\\n")
for t in threads: t.join()
one("socket", socket.socket); one("send", lambda: c.send(b"x")); one("close", c.close)
os._exit(5)
"""


def test_when_the_executor_dies_every_call_ends_with_enetdown():
    process = start(*python(WAITERS), options=["--name", NAME])
    equal(process.stdout.readline(), "up\n")
    os.kill(executor_of(process.pid), signal.SIGKILL)
    said, complaint = process.communicate(timeout=8)
    fail = ("recv", "accept", "poll", "mixed", "epoll", "emixed", "socket", "send")
    equal(sorted(said.split("\n")), sorted([f"{n} ENETDOWN" for n in fail] + ["close None", ""]))  # the number is closed
    equal((process.returncode, "executor was killed by signal 9" in complaint), (5, True))
    equal(os.path.exists(folder(NAME)), False)


def test_a_stack_in_the_background_is_ended_by_sigterm_to_its_keeper():
    code = ("import errno, os, socket, sys, time; l = socket.socket(); l.bind(('127.0.0.1', 99)); l.listen();"
            "out = open(sys.argv[1], 'w', buffering=1)\n"
            "for call in l.accept, l.accept, lambda: socket.socket():\n"
            "    try: call()\n"
            "    except OSError as e: print(errno.errorcode[e.errno], file=out)\n"
            "print('end', file=out)")
    with scratch() as here:
        path = os.path.join(here, "said")
        daemon = f"setsid '{sys.executable}' -c \"$0\" {path} >/dev/null 2>&1 </dev/null & "
        equal(run("sh", "-c", daemon, code, options=["--name", NAME]).returncode, 0)
        with open(folder(NAME) + "/keeper", encoding="ascii") as file:
            keeper = int(file.read().split()[0])
        wait_until(lambda: ":99" in subprocess.run([LASTACK, "ss", NAME, "-tln"], capture_output=True, text=True).stdout)
        os.kill(keeper, signal.SIGTERM)
        wait_until(lambda: os.path.getsize(path) >= 31)
        with open(path, encoding="ascii") as file:
            equal(file.read().split(), ["ENETDOWN"] * 3 + ["end"])
        os.waitpid(keeper, 0)
        equal(os.path.exists(folder(NAME)), False)


def test_when_the_keeper_is_killed_programs_go_on_and_the_stack_ends_with_the_last():
    process = start(*python("import os, signal, socket, time; l = socket.socket(); l.bind(('127.0.0.1', 99)); l.listen();"
                            "os.kill(os.getppid(), signal.SIGKILL); time.sleep(0.2);"
                            "c = socket.create_connection(('127.0.0.1', 99)); a, _ = l.accept(); c.send(b'on'); print(a.recv(9), flush=True)"),
                    options=["--name", NAME])
    stack = []
    wait_until(lambda: stack.extend(p for p in place.descendants(os.getpid()) if place.name_of(p) == "lastack-exec") or stack)
    equal(process.stdout.readline(), "b'on'\n")
    said = process.communicate(timeout=5)[1]
    equal((process.returncode, "the process that kept the stack was killed" in said), (125, True))
    for pid in set(stack):
        os.waitpid(pid, getattr(os, "__WALL", 0x40000000))
    equal(run("true").returncode, 0)  # cleans up what the dead left
    equal(os.path.exists(folder(NAME)), False)


# ---------------------------------------------------------------- on a device


def kernel_peer():
    where = place.net.Net()
    where.ip("link set lo up")
    return where


def test_an_orphan_is_given_time_to_finish_and_not_more():
    where = kernel_peer()
    send = python("import socket; c = socket.create_connection(('10.9.0.1', 99)); c.setblocking(0); print(c.send(b'x' * 100000))")
    device = ["--dev", "tun:la0", "--addr", "10.9.0.2/24", "--peer", "10.9.0.1/24"]
    try:
        with where:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("0.0.0.0", 99))
            listener.listen()
            process = start(*send, options=device)
            peer = listener.accept()[0]
            sent = int(process.stdout.readline())
            time.sleep(0.3)  # the program is over, most of what it sent is not
            equal(process.poll(), None)
            got = 0
            while (data := peer.recv(1 << 20)):
                got += len(data)
            peer.close()
            equal((process.wait(3), got), (0, sent))
            process = start(*send, options=[*device, "--drain", "1"])
            peer = listener.accept()[0]  # reads nothing and closes nothing
            began = time.monotonic()
            equal(process.wait(5), 0)
            if not 0.8 < time.monotonic() - began < 3:
                raise AssertionError(f"after {time.monotonic() - began:.1f} s")
            peer.close()
            listener.close()
    finally:
        where.close()


def test_the_kernels_address_follows_from_ours_and_a_family_that_is_not_named_has_none():
    where = kernel_peer()
    try:
        with where:
            for options, wanted in ((["--addr", "10.55.0.2/24"], "10.55.0.1/24"), (["--addr", "10.55.0.1/24"], "10.55.0.2/24"),
                                    (["--addr", "fd55::2/64"], "fd55::1/64"), (["--addr", "10.55.0.9/24", "--peer", "10.55.0.7/24"], "10.55.0.7/24"),
                                    ([], "10.9.0.1/24 fd09::1/64")):
                done = run("ip", "-br", "addr", "show", "la0", options=["--dev", "tun:la0", *options])
                equal((options, [a for a in done.stdout.split()[2:] if not a.startswith("fe80")]), (options, wanted.split()))
    finally:
        where.close()


def test_rootless_makes_its_own_namespaces_and_others_join_them():
    code = ("import os, socket, sys; l = socket.socket(); l.bind(('10.9.0.2', 99)); l.listen(); print(os.getuid(), flush=True);"
            "c, _ = l.accept(); print(c.recv(9), flush=True); c, _ = l.accept(); print(c.recv(9), flush=True)")
    process = start(*python(code), options=["--rootless", "--name", NAME])
    equal(process.stdout.readline(), f"{os.getuid()}\n")
    hello = python("import socket; c = socket.create_connection(('10.9.0.2', 99)); c.send(b'hello')")
    equal(run(*hello, options=["--join", NAME]).returncode, 0)
    equal(process.stdout.readline(), "b'hello'\n")
    # The kernel's own TCP in there is the other side of the device.
    equal(run("env", "-u", "LD_PRELOAD", *hello, options=["--join", NAME]).returncode, 0)
    equal(process.communicate(timeout=10)[0], "b'hello'\n")


# ---------------------------------------------------------------- ss, nstat, the capture


PAIR = """
import socket, subprocess, sys, time
l6 = socket.socket(socket.AF_INET6); l6.bind(("::", 80)); l6.listen(7)
l = socket.socket(); l.bind(("127.0.0.1", 99)); l.listen(5)
c = socket.create_connection(("127.0.0.1", 99)); a, _ = l.accept()
c.send(b"x" * 1000); a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
d = socket.create_connection(("127.0.0.1", 99)); b, _ = l.accept(); d.close(); b.close()
e = socket.create_connection(("127.0.0.1", 99)); f, _ = l.accept(); e.close()
time.sleep(0.05)
for line in sys.argv[1:]:
    print(subprocess.run(line, shell=True, capture_output=True, text=True).stdout, end="====\\n")
"""


def neutral(line):
    """Without what differs from run to run, and without what Lastack does not count (docs/LINUX.md)."""
    line = re.sub(r"pid=\d+|\b[345]\d{4}\b|1\d{4}\b|6[01]\d{3}\b|2\d{4}\b", "N", line)
    return " ".join(line.split())


def test_ss_prints_what_ss_of_iproute2_prints_for_the_same_sockets():
    ways = ("-tan", "-tanp", "-tano", "-tln", "-tn", "-4tan", "-6tlnH")
    where = kernel_peer()
    try:
        with where:
            asked = [sys.executable, "-c", PAIR]
            kernel = subprocess.run([*asked, *[f"ss {w}" for w in ways]], capture_output=True, text=True).stdout.split("====\n")
            ours = run(*asked[0:], *[f"{LASTACK} ss {w}" for w in ways]).stdout.split("====\n")
    finally:
        where.close()
    for way, left, right in zip(ways, kernel, ours):
        left, right = ([neutral(x) for x in text.replace("PortProcess", "Port Process").splitlines()] for text in (left, right))
        equal((way, sorted(right)), (way, sorted(left)))


def test_ss_names_every_owner_orphans_and_the_state_of_the_protocol():
    code = PAIR.replace("time.sleep(0.05)", "import os\nif not os.fork(): time.sleep(60)\ntime.sleep(0.05)") + "os.kill(0, 9)"
    said = run(*python(code), f"{LASTACK} ss -tanpieOm", start_new_session=True).stdout
    line = next(x for x in said.splitlines() if x.startswith("ESTAB") and "127.0.0.1:99 " in x)
    for wanted in (r"ESTAB +1000 +0 ", r'users:\(\("python3?[\d.]*",pid=\d+,fd=\d+\),\("python3?[\d.]*",pid=\d+,fd=\d+\)\)',
                   r" ino:[1-9]\d* sk:[0-9a-f]+ <->", r" skmem:\(r1000,rb131072,t0,tb\d+,f0,w0,o0,bl0,d0\)",
                   r" ts sack reno wscale:10,10 rto:2\d\d rtt:\S+ ato:40 mss:32768 pmtu:65535 rcvmss:1000 advmss:65483 cwnd:10 "):
        if not re.search(wanted, line):
            raise AssertionError(f"no {wanted} in {line}")


def test_nstat_counts_what_was_added_and_speaks_json():
    asked = [f"{LASTACK} nstat", f"{LASTACK} nstat", f"{LASTACK} nstat -as", f"{LASTACK} nstat -az --json 'Tcp*'", f"{LASTACK} nstat -a 'TcpA*'"]
    first, second, absolute, as_json, some = run(*python(PAIR), *asked).stdout.split("====\n")[:5]
    counted = {line.split()[0]: line.split()[1] for line in absolute.splitlines()[1:]}
    equal(first.splitlines()[0], "#kernel")
    equal((counted["TcpActiveOpens"], counted["TcpPassiveOpens"], counted["TcpExtTW"]), ("3", "3", "2"))
    equal("TcpActiveOpens                  3                  0.0\n" in first, True)
    equal(second, "#kernel\n")
    equal(json.loads(as_json)["kernel"]["TcpEstabResets"], 0)
    equal(some.split()[1:], ["TcpActiveOpens", "3", "0.0"])


def test_the_counters_of_a_stack_that_is_over_are_in_a_file():
    with scratch() as here:
        path = os.path.join(here, "counters")
        code = "import socket; l = socket.create_server(('127.0.0.1', 99)); c = socket.create_connection(('127.0.0.1', 99))"
        equal(run(*python(code), options=["--nstat", path]).returncode, 0)
        with open(path, encoding="ascii") as file:
            counted = {line.split()[0]: line.split()[1:] for line in file}
        equal((counted["TcpActiveOpens"], counted["TcpEstabResets"][0] != "0"), (["1", "0.0"], True))


def test_they_find_the_only_stack_and_name_those_that_there_are():
    equal("no stack" in subprocess.run([LASTACK, "ss", "no-such-stack"], capture_output=True, text=True).stderr, True)
    two = [start("sleep", "60", options=["--name", f"{NAME}-{n}"]) for n in "ab"]
    try:
        wait_until(lambda: all(os.path.exists(folder(f"{NAME}-{n}") + "/control") for n in "ab"))
        done = subprocess.run([LASTACK, "nstat"], capture_output=True, text=True)
        equal((done.returncode, "several stacks are running" in done.stderr, f"{NAME}-a, {NAME}-b" in done.stderr), (1, True, True))
        equal(subprocess.run([LASTACK, "ss", f"{NAME}-b", "-H"], capture_output=True, text=True).returncode, 0)
        names = subprocess.run([LASTACK, "ss", "--list"], capture_output=True, text=True).stdout.split()
        equal([n for n in names if n.startswith(NAME)], [f"{NAME}-a", f"{NAME}-b"])
    finally:
        for process in two:
            process.terminate()
            process.communicate()


def test_the_capture_says_who_made_each_fin_and_rst_leave_and_by_which_rule():
    if not shutil.which("tshark"):
        return "tshark is not installed"
    code = PAIR.replace("time.sleep(0.05)", "a.close(); f.close()\nimport signal, os\nos.kill(os.getpid(), signal.SIGKILL)")
    with scratch() as here:
        path = os.path.join(here, "all.pcapng")
        equal(run(*python(code), options=["--pcap", path]).returncode, -9)
        said = subprocess.run(["tshark", "-r", path, "-Y", "tcp.flags.fin == 1 || tcp.flags.reset == 1", "-T", "fields", "-e", "frame.comment"],
                              capture_output=True, text=True).stdout.splitlines()
    said = [re.sub(r"^python3?[\d.]*\[\d+\]", "P", line) for line in said]
    equal(said, ["P close(7): CL-04 close", "P close(8): CL-07 close_passive", "P close(7): CL-04 close",
                 "P close(6): UR-01 close_unread, TCP_ABORT_ON_CLOSE", "P close(8): CL-07 close_passive"])
    return None


common.run(globals())
