# SPDX-License-Identifier: MIT
"""
place.py - where the programs of these tests run: on the kernel's TCP or on a Lastack, each side at its own address

A Side starts programs; a World is two sides that reach each other, in network namespaces without names:

    kernel   kernel     two namespaces and a veth pair between them
    lastack  kernel     one namespace: the kernel's end of the TUN device is the other side
    lastack  lastack    one namespace that forwards between the TUN devices of two stacks

A program that `lastack run` starts is an ordinary child of the test; who lost his parent becomes a child of ours.
"""
import contextlib
import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
import common  # noqa: E402
import net  # noqa: E402  the demo's, which common puts into reach

PR_SET_CHILD_SUBREAPER = 36
net.check(net.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
RENO = "net.ipv4.tcp_congestion_control=reno"  # what Lastack has; the reference kernel's own choice is another


def without_run():
    """Why there is no `lastack run` here, or None."""
    if not os.path.exists(os.path.join(common.BUILD, "liblastack-preload.so")):
        return "liblastack-preload.so is not built"
    return common.obstacle()


def end_strays(place):
    """Kills what is left in a namespace: processes whose parent ended before them. Not the stacks and their holders."""
    mine = os.fstat(place.fd).st_ino
    spared = {os.getpid(), *(pid for holder in Lastack.holders for pid in descendants(holder.pid))}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino == mine and pid not in spared and "lastack" not in name_of(pid):
                os.kill(pid, signal.SIGKILL)


class Finished:
    """What subprocess.run() gives, for a program that somebody else may have started."""

    def __init__(self, process, timeout):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end(process)
            out, err = process.communicate(timeout=5)
            raise AssertionError(f"{process.args} still runs after {timeout} s: {text(out)}{text(err)}") from None
        self.status, self.out, self.err = process.returncode, text(out), text(err)


def text(data):
    return data.decode(errors="replace") if isinstance(data, bytes) else data or ""


def end(process, how=signal.SIGTERM, patience=5):
    """Ends a process of ours, at last by SIGKILL; its status."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
    return process.returncode


def descendants(pid):
    """A process and all that came of it and did not lose its parent."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += descendants(int(child))
    return found


def name_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()
    return ""


class Side:
    """Programs on the kernel's TCP, in a namespace."""

    stack = "kernel"

    def __init__(self, place, addr):
        self.place, self.addr, self.started = place, addr, []

    def command(self, args):
        return args

    def start(self, *args, **options):
        """Starts a program; it is ended with its side."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        with self.place:
            process = subprocess.Popen(self.command([str(a) for a in args]), **options)
        self.started.append(process)
        return process

    def run(self, *args, timeout=30, **options):
        """Runs a program to its end."""
        options = {"stderr": subprocess.PIPE, **options}
        return Finished(self.start(*args, **options), timeout)

    def good(self, *args, **options):
        """Runs a program that must succeed: its output."""
        done = self.run(*args, **options)
        if done.status:
            raise AssertionError(f"{self.stack}: {args} ends with {done.status}: {(done.out + done.err)[-3000:]}")
        return done.out

    def listens(self, port, timeout=10):
        """Waits until something listens there, as /proc/net/tcp or lastack ss has it."""
        deadline = time.monotonic() + timeout
        while not self.has_listener(port):
            if time.monotonic() > deadline:
                said = "".join(text(end_and_read(p)) for p in self.started)
                raise AssertionError(f"nothing listens at port {port} on the {self.stack}: {said[-3000:]}")
            time.sleep(0.02)

    def has_listener(self, port):
        with self.place:
            with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
                return any(re.match(rf"\s*\d+: [0-9A-F]+:{port:04X} \S+ 0A", line) for line in file)

    def connections(self):
        """Lines that tell of connections which are not over (TIME_WAIT is)."""
        with self.place:
            with open("/proc/thread-self/net/tcp", encoding="ascii") as file:
                return [line for line in file if re.match(r"\s*\d+: \S+ \S+ 0[1-59B]", line)]

    def end_programs(self):
        for process in reversed(self.started):
            end(process)
        end_strays(self.place)

    def close(self):
        self.end_programs()
        for process in self.started:
            if process.stdout:
                process.stdout.close()


def end_and_read(process):
    end(process)
    return process.stdout.read() if process.stdout and not process.stdout.closed else b""


class Lastack(Side):
    """Programs on a stack of their own behind a TUN device, which lives as long as the side."""

    stack = "lastack"
    count = 0
    holders = []

    def __init__(self, place, addr, device="la0", peer=None, loopback="stack", options=()):
        super().__init__(place, addr)
        Lastack.count += 1
        self.name = f"test-{os.getpid()}-{Lastack.count}"
        dev = ["--dev", "none"] if device is None else ["--dev", f"tun:{device}", "--addr", addr + "/24"]
        dev += ["--peer", peer + "/24"] if peer else []
        with place:
            # The stack's first program says that it is there and ends when its input does.
            self.holder = subprocess.Popen(
                [common.LASTACK, "run", "--name", self.name, *dev, "--loopback", loopback, *options, "--",
                 "sh", "-c", "echo up; read end || exit 0"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        Lastack.holders.append(self.holder)
        if self.holder.stdout.readline() != b"up\n":
            end(self.holder)
            raise AssertionError(f"lastack run does not start: {text(self.holder.stderr.read())}")

    def command(self, args):
        return [common.LASTACK, "run", "--join", self.name, "--", *args]

    def ask(self, *args):
        with self.place:
            done = subprocess.run([common.LASTACK, args[0], *args[1:], self.name], capture_output=True,
                                  text=True, timeout=10, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"lastack {args[0]} ends with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def counters(self):
        """{"TcpActiveOpens": 3, ...}"""
        pairs = (line.split()[:2] for line in self.ask("nstat", "-azs").splitlines() if line and line[0] != "#")
        return {name: int(value) for name, value in pairs}

    def holds(self):
        """{"files": "2", ..., "check": "good"}: what the stack has, and whether it is in order."""
        return dict(line.split(maxsplit=1) for line in self.ask("ss", "-s").splitlines())

    def has_listener(self, port):
        return re.search(rf"^LISTEN\s.*[:\]]{port}\s", self.ask("ss", "-tan"), re.M)

    def connections(self):
        return [line for line in self.ask("ss", "-tan").splitlines()
                if line and not re.match(r"State|LISTEN|TIME-WAIT|UNCONN|\s", line)]

    def executor(self):
        """The process id of the stack itself."""
        for pid in descendants(self.holder.pid):
            if name_of(pid) == "lastack-exec":
                return pid
        raise AssertionError("the executor is no descendant of the launcher")

    def close(self):
        super().close()
        if self.holder.stdin.closed:
            return
        self.holder.stdin.close()
        try:
            self.holder.wait(10)
        except subprocess.TimeoutExpired:
            end(self.holder)
        Lastack.holders.remove(self.holder)
        said = text(self.holder.stderr.read())
        if self.holder.returncode:
            raise AssertionError(f"lastack run ends with {self.holder.returncode}: {said}")
        deadline = time.monotonic() + 10
        while self.name in subprocess.run([common.LASTACK, "ss", "--list"], capture_output=True, text=True).stdout.split():
            if time.monotonic() > deadline:
                raise AssertionError("the stack does not end with its last program")
            time.sleep(0.02)


TUNSETIFF, TUNSETOFFLOAD, IFF_TUN, IFF_NO_PI, IFF_VNET_HDR, TUN_UNITS = 0x400454CA, 0x400454D0, 1, 0x1000, 0x4000, 0x7


def open_tun(place, addr, units):
    """A TUN device as Lastack's is; @units: the kernel may send many segments in one, too."""
    with place:
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
        fcntl.ioctl(fd, TUNSETOFFLOAD, TUN_UNITS if units else 0)
    place.ip(f"addr add {addr}/24 dev tun0", "link set tun0 txqueuelen 8192 up")
    return fd


class World:
    """
    Two sides and a folder of their own.

    @wire: between two kernels: "veth", or "tun": two devices as Lastack's and a process that copies, "units": the same
    and the kernels send units of segments as to a network card. @options: of `lastack run`, with one stack.
    """

    def __init__(self, server, client, wire="veth", options=()):
        self.options = options
        self.kinds, self.nets, self.sides, self.wire, self.tunnel = (server, client), [], [], wire, None
        self.folder = tempfile.mkdtemp(prefix="lastack-run-")
        os.chmod(self.folder, 0o755)
        try:
            {("kernel", "kernel"): self._veth if wire == "veth" else self._tunnel,
             ("lastack", "kernel"): self._tun, ("kernel", "lastack"): self._tun,
             ("lastack", "lastack"): self._two}[self.kinds]()
        except BaseException:
            self.close(quiet=True)
            raise
        self.server, self.client = self.sides

    def _net(self):
        place = net.Net()
        self.nets.append(place)
        place.ip("link set lo up")
        with place:
            subprocess.run(["sysctl", "-qw", RENO, "net.ipv4.ip_forward=1"], check=True)
        return place

    def _veth(self):
        left, right = self._net(), self._net()
        net.join(left, right, "veth0", ["10.9.0.2/24"], ["10.9.0.1/24"])
        self.sides = [Side(left, "10.9.0.2"), Side(right, "10.9.0.1")]

    def _tunnel(self):
        left, right = self._net(), self._net()
        ends = [open_tun(left, "10.9.0.2", self.wire == "units"), open_tun(right, "10.9.0.1", self.wire == "units")]
        self.tunnel = subprocess.Popen([os.path.join(common.BUILD, "run-tunnel"), *map(str, ends)], pass_fds=ends)
        for end_ in ends:
            os.close(end_)
        self.sides = [Side(left, "10.9.0.2"), Side(right, "10.9.0.1")]

    def _tun(self):
        place = self._net()
        ours, kernel = Lastack(place, "10.9.0.2", peer="10.9.0.1", options=self.options), Side(place, "10.9.0.1")
        self.sides = [ours, kernel] if self.kinds[0] == "lastack" else [kernel, ours]

    def _two(self):
        place = self._net()
        self.sides.append(Lastack(place, "10.9.0.2", device="la0", peer="10.9.0.1"))
        self.sides.append(Lastack(place, "10.9.1.2", device="la1", peer="10.9.1.1",
                                  options=("--addr", "fd19::2/64", "--peer", "fd19::1/64")))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes) else "w") as file:
            file.write(content)
        return self.path(name)

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.close(quiet=bool(failure))

    def close(self, quiet=False):
        wrong = []
        for side in reversed(self.sides):
            try:
                side.close()
            except AssertionError as error:
                wrong.append(str(error))
        if self.tunnel:
            end(self.tunnel)
        for place in self.nets:
            place.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if wrong and not quiet:
            raise AssertionError("; ".join(wrong))


@contextlib.contextmanager
def alone(loopback="stack"):
    """A stack without a device, in a namespace that has nothing but its own loopback."""
    place = net.Net()
    place.ip("link set lo up")
    side = Lastack(place, "127.0.0.1", device=None, loopback=loopback)
    try:
        yield side
    except BaseException:
        with contextlib.suppress(AssertionError):
            side.close()
        raise
    side.close()
    place.close()
