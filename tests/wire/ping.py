#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
ping.py - echo requests of this kernel's, whole and in fragments, answered by Lastack
"""
import os
import socket
import struct

import common
import net


def internet_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping4(size):
    body = os.urandom(size)
    head = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
    head = struct.pack("!BBHHH", 8, 0, internet_sum(head + body), 77, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.settimeout(5)
        sock.sendto(head + body, (common.SUBJECT4, 0))
        while True:
            packet, source = sock.recvfrom(65536)
            answer = packet[(packet[0] & 15) * 4:]
            if source[0] == common.SUBJECT4 and answer[0] == 0:
                common.equal(answer[4:], head[4:] + body)
                return


def ping6(size):
    body = os.urandom(size)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.settimeout(5)
        sock.sendto(struct.pack("!BBHHH", 128, 0, 0, 77, 1) + body, (common.SUBJECT6, 0))
        while True:
            packet, source = sock.recvfrom(65536)
            if source[0] == common.SUBJECT6 and packet[0] == 129:
                common.equal(packet[8:], body)
                return


def played(ping, size):
    place = net.Net()
    with place, common.Play():
        ping(size)
    place.close()


def test_an_echo_request_is_answered():
    played(ping4, 56)


def test_an_echo_request_over_IPv6_is_answered():
    played(ping6, 56)


def test_an_echo_request_of_4000_bytes_in_fragments_is_answered():
    played(ping4, 4000)


def test_an_echo_request_of_4000_bytes_in_IPv6_fragments_is_answered():
    played(ping6, 4000)


common.run(globals())
