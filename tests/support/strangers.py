# usip tests: an endpoint with its Guard on the fake network, and a stranger whose address may be
# anybody's
# MIT licence; Copyright (c) 2026 the usip authors

from endpoint import End
from sip import SDP, request
from usip.guard import Guard
from usip.pager import Pager

DOOR = b"192.0.2.1"
VICTIM = b"198.51.100.9"

SPEC = (b"Contact", b"<sip:x@%s>" % VICTIM)


class Door(End):
    """Its agent sees what the guard admits, as that of a driver does."""

    def __init__(self, world, ip=DOOR, **how):
        End.__init__(self, world, ip, b"door", **how)
        self.guard = self.agent.guard = Guard(self.agent)
        self.host.agent = self
        self.auto = 0  # a status: what an incoming call gets at once
        Pager(self.agent)

    def receive(self, data, flow, now):
        if self.guard.admits(bytearray(data), len(data), flow.remote, now):
            self.agent.receive(data, flow, now)

    def poll(self, now):
        return self.agent.poll(now)

    def hear(self, event, subject, detail):
        End.hear(self, event, subject, detail)
        if event == "incoming" and self.auto == 200:
            subject.answer(self.now)
        elif event == "incoming" and self.auto:
            subject.reject(self.now, self.auto)


def spoofed(n, method=b"OPTIONS", more=(), body=b"", rport=b"", **how):
    """A request that says it is from VICTIM; `n` makes it another one."""
    return request(
        method,
        via=b"SIP/2.0/UDP %s:5060;branch=z9hG4bK%d%s" % (VICTIM, n, rport),
        me=b"<sip:x@%s>;tag=%d" % (VICTIM, n),
        call_id=b"c%d" % n,
        more=more,
        body=body,
        **how,
    )


# What may be sent, as short as it may be: the worst that it can do. A name, and n -> datagram.
KINDS = {
    "OPTIONS": lambda n: spoofed(n),
    "OPTIONS with rport": lambda n: spoofed(n, rport=b";rport"),
    "INVITE": lambda n: spoofed(n, b"INVITE", SPEC, SDP),
    "INVITE, late offer": lambda n: spoofed(n, b"INVITE", SPEC),
    "INVITE, wrong body": lambda n: spoofed(n, b"INVITE", SPEC, b"x", ctype=b"text/x"),
    "MESSAGE": lambda n: spoofed(n, b"MESSAGE", (), b"x", ctype=b"text/plain"),
    "REGISTER": lambda n: spoofed(n, b"REGISTER"),
    "SUBSCRIBE": lambda n: spoofed(n, b"SUBSCRIBE"),
    "BYE": lambda n: spoofed(n, b"BYE"),
    "CANCEL": lambda n: spoofed(n, b"CANCEL"),
    "ACK": lambda n: spoofed(n, b"ACK"),
    "unknown method": lambda n: spoofed(n, b"X"),
    "Require": lambda n: spoofed(n, more=(b"Require", b"a")),
    "unreadable": lambda n: spoofed(n).replace(b"CSeq: 1", b"CSeq: x"),
    "other version": lambda n: spoofed(n).replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1),
    "short names": lambda n: (
        b"OPTIONS sip:a@b SIP/2.0\r\nv:SIP/2.0/UDP h;rport;branch=z9hG4bK%d\r\n"
        b"f:<sip:a@b>;tag=1\r\nt:<sip:a@b>\r\ni:%d\r\nCSeq:1 OPTIONS\r\n\r\n" % (n, n)
    ),
    "response": lambda n: b"SIP/2.0 200 OK\r\n" + spoofed(n)[36:],
    "garbage": lambda n: bytes([(n * 7 + i * i) & 255 for i in range(200)]),
    "keep-alive": lambda n: b"\r\n\r\n",
}
