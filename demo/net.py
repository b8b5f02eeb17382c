# SPDX-License-Identifier: MIT
"""
net.py - network namespaces without names: they live as long as this program holds their descriptor

A Net is entered by the calling thread only ("with net:"); programs started inside live in it. Nothing is left behind,
whatever way the program ends.
"""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
SIOCETHTOOL, ETHTOOL_STSO = 0x8946, 0x1F
MAC = "02:00:00:00:09:09"  # of both ends of a pair: with ARP off, each side sends to its own address

libc = ctypes.CDLL(None, use_errno=True)


class NoNamespace(Exception):
    """No right to make a network namespace; the text is a sentence with the remedy."""


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


class Net:
    """One network namespace."""

    def __init__(self):
        self.fd = self.error = None
        self.homes = []  # entered by one thread at a time, nested
        thread = threading.Thread(target=self._make)
        thread.start()
        thread.join()
        if self.error:
            raise NoNamespace(f"no right to make a network namespace ({self.error}): run as root, "
                              "or under \"unshare -Urn\"")

    def _make(self):
        try:
            check(libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self.error = error.strerror

    def __enter__(self):
        self.homes.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        check(libc.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_):
        home = self.homes.pop()
        check(libc.setns(home, CLONE_NEWNET), "setns")
        os.close(home)

    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def ip(self, *commands):
        """Runs ip(8) commands inside."""
        with self:
            subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True,
                           capture_output=True)

    def close(self):
        os.close(self.fd)


def offload_off(name):
    """Segments leave this interface one by one, as from a TUN device."""
    value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STSO, 0))
    request = struct.pack("16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, request)


def join(left, right, name, left_addrs, right_addrs):
    """A wire of the kernel's between two namespaces: an interface @name at each end, no ARP, no offloads."""
    left.ip(f"link add {name} address {MAC} arp off type veth "
            f"peer name {name} address {MAC} arp off netns {right.path()}")
    for net, addrs in ((left, left_addrs), (right, right_addrs)):
        with net:
            offload_off(name)
        net.ip(f"link set {name} up", *(f"addr add {a} dev {name} {'nodad' if ':' in a else ''}" for a in addrs))
