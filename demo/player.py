# SPDX-License-Identifier: MIT
"""
player.py - the kernel's side of "lastack play": the same lines of text, played with this kernel's sockets

A task is a process or a thread that reads its lines from a channel of its own; the router below sorts standard input to
the channels and prints the answers. "fork" is fork(2), "thread" a thread. Calls go straight to the C library, so that a
result is what the system call returned.
"""
import collections
import ctypes
import errno
import fcntl
import os
import selectors
import signal
import socket
import struct
import sys
import threading

PATTERN = bytes(range(251))
STATES = ("?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
          "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV")
OPTIONS = {
    "reuse": (socket.SOL_SOCKET, socket.SO_REUSEADDR), "sndbuf": (socket.SOL_SOCKET, socket.SO_SNDBUF),
    "rcvbuf": (socket.SOL_SOCKET, socket.SO_RCVBUF), "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY), "cork": (socket.IPPROTO_TCP, socket.TCP_CORK),
    "linger2": (socket.IPPROTO_TCP, socket.TCP_LINGER2), "maxseg": (socket.IPPROTO_TCP, socket.TCP_MAXSEG),
    "usertimeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
    "v6only": (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
}
FLAGS = {"more": socket.MSG_MORE, "dontwait": socket.MSG_DONTWAIT, "oob": socket.MSG_OOB, "peek": socket.MSG_PEEK,
         "waitall": socket.MSG_WAITALL}
POLL = (("IN", 1), ("PRI", 2), ("OUT", 4), ("RDHUP", 0x2000), ("HUP", 0x10), ("ERR", 8), ("NVAL", 0x20))
FIONBIO, FIONREAD, SIOCOUTQ, SYS_TGKILL = 0x5421, 0x541B, 0x5411, 234

libc = ctypes.CDLL(None, use_errno=True)
for name in ("recv", "send"):
    getattr(libc, name).restype = ctypes.c_ssize_t
    getattr(libc, name).argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def call(name, *args):
    """A system call's result, or its negative errno."""
    result = getattr(libc, name)(*args)
    return result if result >= 0 else -ctypes.get_errno()


def said(result):
    return str(result) if result >= 0 else "-" + errno.errorcode[-result]


def sockaddr(host, port):
    if ":" in host:
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", int(port), 0) + \
            socket.inet_pton(socket.AF_INET6, host) + bytes(4)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", int(port)) + \
        socket.inet_pton(socket.AF_INET, host) + bytes(8)


class Name:
    """What a script calls a descriptor."""

    def __init__(self, fd=-1):
        self.fd, self.sent, self.expect = fd, 0, None


class Task:
    """One thread of control. Methods do_*() are the words of the language."""

    def __init__(self, channel, names):
        self.channel, self.names = channel, names
        self.buffer = ctypes.create_string_buffer(1 << 20)

    def run(self):
        try:
            self.play()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the router has gone

    def play(self):
        self.channel.send(f"tid {os.getpid()} {threading.get_native_id()}".encode())
        while True:
            line = self.channel.recv(4096).decode()
            if not line:
                return
            word, *args = line.split()
            try:
                result = getattr(self, "do_" + word)(*args)
            except (AttributeError, TypeError, ValueError, KeyError, OSError) as error:
                result = f"? {error}"
            self.channel.send(f"= {result}".encode())
            if word == "exit":
                return

    def fd(self, name):
        return self.names[name].fd if name in self.names else -1

    def named(self, name, fd):
        if fd >= 0:
            self.names[name] = Name(fd)
        return said(min(fd, 0))

    # making and naming

    def do_socket(self, name, family="4"):
        return self.named(name, call("socket", socket.AF_INET6 if family == "6" else socket.AF_INET,
                                     socket.SOCK_STREAM, 0))

    def do_bind(self, name, host, port):
        addr = sockaddr(host, port)
        return said(call("bind", self.fd(name), addr, len(addr)))

    def do_listen(self, name, backlog):
        return said(call("listen", self.fd(name), int(backlog)))

    def do_accept(self, listener, name):
        return self.named(name, call("accept", self.fd(listener), None, None))

    def do_connect(self, name, host, port):
        addr = sockaddr(host, port)
        return said(call("connect", self.fd(name), addr, len(addr)))

    def do_dup(self, name, new):
        return self.named(new, call("dup", self.fd(name)))

    # data

    def do_send(self, name, count, *flags):
        at, count = self.names[name].sent if name in self.names else 0, int(count)
        data = (PATTERN * (count // 251 + 2))[at % 251:at % 251 + count]
        result = call("send", self.fd(name), data, count, sum(FLAGS[f] for f in flags) | socket.MSG_NOSIGNAL)
        if result > 0:
            self.names[name].sent += result
        return said(result)

    def right(self, name, count, peeked=False):
        data, item = self.buffer.raw[:count], self.names[name]
        first = data[0] if item.expect is None else item.expect
        if data != (PATTERN * (count // 251 + 2))[first:first + count]:
            return False
        if not peeked:
            item.expect = (first + count) % 251
        return True

    def do_recv(self, name, count, *flags):
        result = call("recv", self.fd(name), self.buffer, int(count), sum(FLAGS[f] for f in flags))
        damaged = result > 0 and "oob" not in flags and not self.right(name, result, "peek" in flags)
        return said(result) + (" damaged" if damaged else "")

    def do_recvall(self, name):
        total = 0
        while (result := call("recv", self.fd(name), self.buffer, len(self.buffer), 0)) > 0:
            total += result
            if not self.right(name, result):
                return f"{total} damaged"
        return f"{total} {said(result) if result else 'EOF'}"

    # ends

    def do_shutdown(self, name, how):
        return said(call("shutdown", self.fd(name), ("rd", "wr", "rdwr").index(how)))

    def do_close(self, name):
        return said(call("close", self.fd(name)))

    # options and questions

    def do_set(self, name, option, value, seconds="0"):
        fd = self.fd(name)
        if option == "nonblock":
            fcntl.ioctl(fd, FIONBIO, struct.pack("i", int(value)))
            return "0"
        if option == "linger":
            level, number, data = socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(value), int(seconds))
        else:
            (level, number), data = OPTIONS[option], struct.pack("i", int(value))
        return said(call("setsockopt", fd, level, number, data, len(data)))

    def ask(self, name, level, option, size):
        data, length = ctypes.create_string_buffer(size), ctypes.c_uint(size)
        result = call("getsockopt", self.fd(name), level, option, data, ctypes.byref(length))
        return result, data.raw

    def do_error(self, name):
        result, data = self.ask(name, socket.SOL_SOCKET, socket.SO_ERROR, 4)
        return said(result if result < 0 else -struct.unpack("i", data)[0])

    def do_state(self, name):
        result, data = self.ask(name, socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return said(result) if result < 0 else STATES[data[0]]

    def do_unread(self, name):
        return str(struct.unpack("i", fcntl.ioctl(self.fd(name), FIONREAD, bytes(4)))[0])

    def do_unsent(self, name):
        return str(struct.unpack("i", fcntl.ioctl(self.fd(name), SIOCOUTQ, bytes(4)))[0])

    def do_poll(self, name, timeout):
        want = 1 | 2 | 4 | 0x2000
        entry = ctypes.create_string_buffer(struct.pack("ihh", self.fd(name), want, 0))
        result = call("poll", entry, 1, int(timeout))
        bits = struct.unpack("ihh", entry.raw[:8])[2]
        return said(result) if result <= 0 else "|".join(word for word, bit in POLL if bits & bit)

    def do_counter(self, name):
        for path in ("/proc/net/netstat", "/proc/net/snmp"):
            with open(path, encoding="ascii") as file:
                rows = file.read().splitlines()
            for head, values in zip(rows[::2], rows[1::2]):
                prefix = head.split(":")[0]
                for word, value in zip(head.split()[1:], values.split()[1:]):
                    if prefix + word == name:
                        return value
        return "-ENOENT"

    # tasks

    def do_fork(self, label):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self.channel.close()
            ours.close()
            Task(theirs, self.names).run()
            os._exit(0)
        theirs.close()
        socket.send_fds(self.channel, [f"new {label}".encode()], [ours.fileno()])
        ours.close()
        return "0"

    def do_thread(self, label):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        threading.Thread(target=Task(theirs, self.names).run, daemon=True).start()
        socket.send_fds(self.channel, [f"new {label}".encode()], [ours.fileno()])
        ours.close()
        return "0"

    def do_sleep(self, ms):
        return said(call("poll", None, 0, int(ms)))

    def do_exit(self):
        return "0"


class Router:
    """Standard input to the tasks, their answers to standard output."""

    def __init__(self):
        self.lines = collections.defaultdict(collections.deque)
        self.channels, self.busy, self.tids = {}, {}, {}
        self.select = selectors.DefaultSelector()
        self.ended, self.held = False, b""

    def add(self, label, channel):
        self.channels[label] = channel
        self.busy[label] = None
        self.select.register(channel, selectors.EVENT_READ, label)

    def answer(self, label, line, result):
        print(f"{label} {line} = {result}", flush=True)

    def wait_or_signal(self, label, line):
        """Words that are about other tasks; None: not yet."""
        word, other = line.split()
        if word == "wait":
            return "0" if not self.busy.get(other) and not self.lines[other] else None
        if self.busy.get(other):
            libc.syscall(SYS_TGKILL, *self.tids[other], signal.SIGUSR1)
        return "0"

    def feed(self):
        """Gives every idle task its next line; true if one of them went anywhere."""
        moved = False
        for label, channel in list(self.channels.items()):
            if self.busy[label] or not self.lines[label]:
                continue
            line = self.lines[label][0]
            if line.split()[0] in ("wait", "signal"):
                if (result := self.wait_or_signal(label, line)) is None:
                    continue
                self.answer(label, line, result)
            else:
                self.busy[label] = line
                channel.send(line.encode())
            self.lines[label].popleft()
            moved = True
        return moved

    def on_input(self):
        data = os.read(0, 65536)
        if not data:
            self.ended = True
            self.select.unregister(0)
            return
        *lines, self.held = (self.held + data).split(b"\n")
        for line in lines:
            label, _, rest = line.decode().strip().partition(" ")
            if label and label[0] != "#":
                self.lines[label].append(rest.strip())

    def on_channel(self, label, channel):
        data, fds, _, _ = socket.recv_fds(channel, 4096, 1)
        word, _, rest = data.decode().partition(" ")
        if not data:
            self.select.unregister(channel)
            channel.close()
            del self.channels[label]
        elif word == "new":
            self.add(rest, socket.socket(fileno=fds[0]))
        elif word == "tid":
            self.tids[label] = [int(n) for n in rest.split()]
        else:
            self.answer(label, self.busy[label], rest)
            self.busy[label] = None

    def run(self):
        self.select.register(0, selectors.EVENT_READ, None)
        print("playing on the kernel", flush=True)
        while True:
            while self.feed():
                pass
            if self.ended and not any(self.busy.values()):
                return
            for key, _ in self.select.select():
                if key.data is None:
                    self.on_input()
                else:
                    self.on_channel(key.data, key.fileobj)


def main():
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, True)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        Task(theirs, {}).run()
        os._exit(0)
    theirs.close()
    router = Router()
    router.add("main", ours)
    router.run()
    for channel in router.channels.values():
        channel.close()  # the tasks end, and with them what they have open


if __name__ == "__main__":
    sys.exit(main())
