# SPDX-License-Identifier: MIT
"""
closings.py - the list: each kind of closing as a script for two ends

A step is "END TASK CALL ...": the subject S (Lastack, then the kernel in its place) or the peer P (always the kernel),
in the words of "lastack play". The next step follows when the call has returned and the wire was quiet for a while.

    S main recv c 100 &    does not wait for the call
    S main ?               waits for the call left open
    S main close c @       its result includes how long it took, in whole seconds
    craft FLAGS            a segment from an address that nobody has; its answers go nowhere
    hold                   the peer's next segments wait on its interface for a moment
    quiet MILLISECONDS     longer than usual without a segment
    {S} {P} {six}          addresses of the two ends; " 6" where the connection is to be IPv6
"""
import dataclasses

LISTEN = """
    S main socket l{six}
    S main bind l {S} 8000
    S main listen l 16
"""
OPEN = LISTEN + """
    P main socket p{six}
    P main connect p {S} 8000
    S main accept l c
"""
CONNECT = """
    P main socket l{six}
    P main bind l {P} 8000
    P main listen l 16
    S main socket c{six}
    S main connect c {P} 8000
    P main accept l p
    P main close l
"""
STALLED = LISTEN + """
    P main socket p
    P main set p rcvbuf 16384
    P main connect p {S} 8000
    S main accept l c
    S main set c sndbuf 1000000
    S main send c 150000
"""
PEER_CLOSES = """
    P main recvall p
    P main close p
"""
# asked of the subject at the end of every closing
COUNTERS = ("TcpOutRsts", "TcpEstabResets", "TcpExtTCPAbortOnClose", "TcpExtTCPAbortOnData", "TcpExtTCPAbortOnLinger")


@dataclasses.dataclass
class Closing:
    """@bulk: so much data that only the data as a whole is compared; @wants: what must be in the capture besides"""
    name: str
    steps: str
    bulk: bool = False
    six: bool = False
    wants: str = ""

    def lines(self, subject, peer):
        text = self.steps.replace("{S}", subject).replace("{P}", peer).replace("{six}", " 6" if self.six else "")
        text += "".join(f"\nS main counter {name}" for name in COUNTERS)
        return [line.strip() for line in text.splitlines() if line.strip()]


CLOSINGS = [
    Closing("four-way close, we first", OPEN + """
        P main send p 700
        S main recv c 1000
        S main send c 300
        P main recv p 1000
        S main close c
        P main recv p 100
        P main close p
    """),
    Closing("four-way close, the peer first, over IPv6", OPEN + """
        P main send p 700
        P main close p
        S main recv c 1000
        S main close c
    """, six=True),
    Closing("four-way close of a connection that we opened", CONNECT + """
        S main send c 300
        P main recv p 1000
        S main close c
        P main recv p 100
        P main close p
    """),
    Closing("simultaneous close: the two FINs cross", OPEN + """
        hold
        P main close p
        S main close c
        quiet 500
    """),
    Closing("close with unread data: reset, not FIN", OPEN + """
        P main send p 3000
        S main recv c 1000
        S main close c
        P main recv p 100
        P main recv p 100
        P main close p
    """),
    Closing("close with much unsent data: all of it arrives, then FIN", STALLED + """
        S main close c
    """ + PEER_CLOSES, bulk=True, wants="all bytes and a FIN on the last data segment"),
    Closing("SO_LINGER, 0 s: reset, unsent data dropped", OPEN + """
        P main send p 100
        S main recv c 100
        S main send c 200
        S main set c linger 1 0
        S main close c
        P main recv p 1000
        P main recv p 1000
        P main close p
    """),
    Closing("SO_LINGER, 3 s, live peer: close waits for the ACK of the FIN", OPEN + """
        S main send c 300
        S main set c linger 1 3
        S main close c @
    """ + PEER_CLOSES),
    Closing("SO_LINGER, 3 s, stalled peer: close gives up waiting, the data still arrives", STALLED + """
        S main set c linger 1 3
        S main close c @
    """ + PEER_CLOSES, bulk=True, wants="all bytes and a FIN on the last data segment"),
    Closing("close of a listener: reset for un-accepted, silence for half-open", LISTEN + """
        craft SYN
        P main socket p
        P main connect p {S} 8000
        P main socket q
        P main connect q {S} 8000
        P main send q 500
        S main close l
        P main recv p 100
        P main recv q 100
        craft ACK
    """),
    Closing("shutdown RD: the peer may go on sending", OPEN + """
        S main shutdown c rd
        S main recv c 100
        P main send p 500
        S main recv c 1000
        S main recv c 1000
        S main send c 200
        S main close c
    """ + PEER_CLOSES),
    Closing("shutdown WR: half-closed, then data the other way", OPEN + """
        S main send c 100
        S main shutdown c wr
        S main send c 100
        P main recvall p
        P main send p 2000
        S main recv c 5000 waitall &
        P main send p 3000
        P main close p
        S main ?
        S main recv c 100
        S main state c
        S main close c
    """),
    Closing("shutdown RDWR: FIN, and reset for what the peer still sends", OPEN + """
        S main shutdown c rdwr
        S main recv c 100
        P main send p 400
        S main error c
        S main poll c 0
        P main send p 10
        P main error p
        S main close c
        P main close p
    """),
    Closing("one descriptor, two tasks after fork: the last close sends the FIN", OPEN + """
        S main fork child
        S main close c
        P main send p 300
        S child recv c 1000
        S child send c 200
        S child close c
    """ + PEER_CLOSES),
    Closing("one descriptor, two threads: close while the other reads; the FIN follows its return", OPEN + """
        S main thread reader
        S reader recv c 1000 &
        S main close c
        P main send p 300
        S reader ?
        S reader recv c 1000
    """ + PEER_CLOSES),
]
