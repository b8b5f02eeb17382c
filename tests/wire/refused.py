#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
refused.py - connections refused and connections reset, in both directions
"""
import errno
import socket
import struct

import common
import net


def played(work):
    place = net.Net()
    with place, common.Play() as play:
        work(play)
    place.close()


def errno_of(call, *args):
    try:
        call(*args)
        return None
    except OSError as error:
        return errno.errorcode[error.errno]


def kernel_socket(family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(10)
    return sock


def test_the_kernel_is_refused_where_nobody_listens():
    def work(_):
        with kernel_socket() as sock:
            common.equal(errno_of(sock.connect, (common.SUBJECT4, 81)), "ECONNREFUSED")
        with kernel_socket(socket.AF_INET6) as sock:
            common.equal(errno_of(sock.connect, (common.SUBJECT6, 81)), "ECONNREFUSED")
    played(work)


def test_lastack_is_refused_where_nobody_listens():
    def work(play):
        play.say("main socket s")
        common.equal(play.say(f"main connect s {common.PEER4} 81"), "-ECONNREFUSED")
        play.say("main socket t 6")
        common.equal(play.say(f"main connect t {common.PEER6} 81"), "-ECONNREFUSED")
    played(work)


def accepted(play):
    """A connection from the kernel, accepted by Lastack as c."""
    play.say("main socket l")
    play.say(f"main bind l {common.SUBJECT4} 8000")
    play.say("main listen l 5")
    sock = kernel_socket()
    sock.connect((common.SUBJECT4, 8000))
    common.equal(play.say("main accept l c"), "0")
    return sock


def test_the_kernel_is_reset_by_a_lingering_time_of_zero():
    def work(play):
        with accepted(play) as sock:
            play.say("main set c linger 1 0")
            common.equal(play.say("main close c"), "0")
            common.equal(errno_of(sock.recv, 1), "ECONNRESET")
    played(work)


def test_lastack_is_reset_by_the_kernel_while_it_reads():
    def work(play):
        with accepted(play) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            play.begin("main recv c 100")
            sock.close()
            common.equal(play.result(), "-ECONNRESET")
            common.equal(play.say("main recv c 100"), "0")
            common.equal(play.say("main send c 1"), "-EPIPE")
            common.equal(play.say("main state c"), "CLOSE")
    played(work)


def test_the_kernel_echoes_through_lastack():
    place = net.Net()
    with place, common.Program("echo", ready="echo"):
        with kernel_socket() as sock:
            sock.connect((common.SUBJECT4, 7))
            sock.sendall(b"x" * 5000)
            sock.shutdown(socket.SHUT_WR)
            data = b""
            while (more := sock.recv(65536)):
                data += more
            common.equal(data, b"x" * 5000)
    place.close()


common.run(globals())
