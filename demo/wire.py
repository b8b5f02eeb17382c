# SPDX-License-Identifier: MIT
"""
wire.py - what passed an interface: capture with a packet socket, TCP segments, and what of them can be compared

Two captures of the same script differ in ports, initial sequence numbers and timing. A Flow makes the numbers relative.
Where much data was sent, acknowledgements and the cut into segments depend on who was scheduled when: such a capture is
reduced to the data as a whole, and to the segments that open and close.
"""
import dataclasses
import errno
import socket
import struct
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
PACKET_OUTGOING = 4
AT_ONCE = 0.05  # seconds; between two steps of a closing lie more
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35


@dataclasses.dataclass
class Segment:
    """One segment as it was on the wire; @out: it left the peer, the subject received it."""
    time: float
    out: bool
    subject: tuple
    peer: tuple
    flags: int
    seq: int
    ack: int
    length: int


def parse(packet, out, when):
    """The TCP segment in an IP packet, or None."""
    if packet[0] >> 4 == 4:
        head, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
        proto, addrs = packet[9], (packet[12:16], packet[16:20])
        family = socket.AF_INET
    else:
        head, total = 40, 40 + struct.unpack_from("!H", packet, 4)[0]
        proto, addrs = packet[6], (packet[8:24], packet[24:40])
        family = socket.AF_INET6
    if proto != socket.IPPROTO_TCP or len(packet) < head + 20:
        return None
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", packet, head)
    ends = tuple((socket.inet_ntop(family, a), p) for a, p in zip(addrs, (sport, dport)))
    subject, peer = ends[::-1] if out else ends
    return Segment(when, out, subject, peer, flags & 31, seq, ack, total - head - (offset >> 4) * 4)


class Capture:
    """A packet socket on one interface of the namespace that the calling thread is in."""

    def __init__(self, interface):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        except OSError:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind((interface, ETH_P_ALL))
        self.sock.setblocking(False)
        self.segments = []

    def fileno(self):
        return self.sock.fileno()

    def read(self):
        """Takes what has been captured; true if there was a TCP segment in it."""
        before = len(self.segments)
        while True:
            try:
                packet, extra, _, addr = self.sock.recvmsg(65536, 64)
            except BlockingIOError:
                return len(self.segments) > before
            except OSError as error:
                if error.errno == errno.ENETDOWN:  # the interface is gone
                    return False
                raise
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16]) if extra else divmod(time.time_ns(), 10**9)
            if addr[1] in (ETH_P_IP, ETH_P_IPV6):
                segment = parse(packet, addr[2] == PACKET_OUTGOING, seconds + nanoseconds / 1e9)
                if segment:
                    self.segments.append(segment)

    def close(self):
        self.sock.close()


def flag_text(flags):
    return "".join(c for bit, c in ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, ".")) if flags & bit)


@dataclasses.dataclass
class Line:
    """One segment, or a run of data, with relative numbers. @riding: a FIN on data"""
    time: float
    out: bool
    flow: int
    flags: str
    seq: int
    length: int
    ack: int
    riding: bool = False
    until: float = 0  # of a run of data: when its last segment left

    def key(self):
        return (self.out, self.flow, self.flags, self.seq, self.length, self.ack, self.riding)

    def text(self, subject):
        arrow = f"{subject} {'<---' if self.out else '--->'} peer"
        ack = f" ack {self.ack}" if "." in self.flags else ""
        return f"{arrow}  {self.flags:<4} {self.seq}:{self.seq + self.length}({self.length}){ack}" + \
            (f"  (connection {self.flow + 1})" if self.flow else "")


def relative(segments):
    """Lines with relative numbers; connections are numbered as they appear."""
    flows, lines = {}, []
    for seg in segments:
        flow = flows.setdefault((seg.subject, seg.peer), {"nr": len(flows), True: None, False: None})
        if flow[seg.out] is None:
            # a stack that is asked for a reset out of the blue speaks with the other side's numbers, or with 0
            flow[seg.out] = 0 if seg.flags & RST and not seg.seq else seg.seq
        if flow[not seg.out] is None and seg.flags & ACK:
            flow[not seg.out] = seg.ack - 1
        seq = (seg.seq - flow[seg.out]) % 2**32
        ack = (seg.ack - flow[not seg.out]) % 2**32 if seg.flags & ACK else 0
        riding = bool(seg.flags & FIN and seg.length)
        lines.append(Line(seg.time, seg.out, flow["nr"], flag_text(seg.flags), seq, seg.length, ack, riding))
    return lines


def joined(lines):
    """Segments of one unit, or sent back to back, as one: the cut into segments is not compared, nor how far the other
    side's bare ACKs were with the first of them when the last left (they name what they have seen)."""
    result = []
    for line in lines:
        at = len(result) - 1
        while at >= 0 and result[at].out != line.out and result[at].flags == ".":
            at -= 1
        last = result[at] if at >= 0 else None
        if last and last.length and line.length and (last.out, last.flow) == (line.out, line.flow) and \
                last.seq + last.length == line.seq and last.ack == line.ack and not set("SFR") & set(last.flags) and \
                line.time - last.until < AT_ONCE:
            last.length += line.length
            last.flags = line.flags
            last.riding = line.riding
            last.until = line.time
        else:
            result.append(dataclasses.replace(line, until=line.time))
    return result


def repeats(lines):
    """Whether the peer, a kernel, sent a text again."""
    seen = {}
    for line in lines:
        end = line.seq + line.length + ("F" in line.flags)
        if line.out and end > line.seq and end <= seen.get(line.flow, 0):
            return True
        if line.out:
            seen[line.flow] = max(seen.get(line.flow, 0), end)
    return False


def reduced(lines):
    """A bulk transfer without its scheduling: data as a whole, no bare ACKs, no probes or repetitions."""
    result, runs, seen = [], {}, {}
    for line in lines:
        way = (line.out, line.flow)
        end = line.seq + line.length
        special = set("SFR") & set(line.flags)
        if not special and (not line.length or end <= seen.get(way, 0)):
            continue  # a bare ACK, a window update, a probe, a repetition
        if special and "F" in line.flags and end + 1 <= seen.get(way, 0):
            continue
        seen[way] = max(seen.get(way, 0), end + ("F" in line.flags))
        if line.length and way in runs:
            run = runs[way]
            run.length = end - run.seq
            run.riding = line.riding
            if special:
                run.flags, run.time, run.ack = line.flags.replace("P", ""), line.time, line.ack
                result.remove(run)
                result.append(run)
            continue
        copy = dataclasses.replace(line, flags=line.flags.replace("P", ""))
        result.append(copy)
        if line.length:
            runs[way] = copy
    return result


def craft(source, target, flags, seq, ack):
    """Sends one IPv4 segment with invented addresses through a raw socket of this thread's namespace."""
    def checksum(data):
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return ~total & 0xFFFF

    saddr, daddr = socket.inet_aton(source[0]), socket.inet_aton(target[0])
    options = struct.pack("!BBH", 2, 4, 1460) if flags & SYN else b""
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack("!HHIIBBHHH", source[1], target[1], seq, ack, offset, flags, 64240, 0, 0) + options
    pseudo = saddr + daddr + struct.pack("!HH", socket.IPPROTO_TCP, len(head))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(head), 1, 0, 64, socket.IPPROTO_TCP, 0, saddr, daddr)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(packet + head, target)
