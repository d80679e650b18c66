# usip tests: whole phones in one process; their sockets are lists in memory
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

import virtualtime
from sip import SDP, request
from usip import limits
from usip.phone import Phone


def run(f, *args):
    """Run a test's coroutine in virtual time. What hangs fails here, after 20 s of that."""
    virtualtime.run(asyncio.wait_for(f(*args), 20))


class Endpoint:
    """As a port's: see ports/cpython. An address is (host: bytes, port)."""

    def __init__(self, net, port):
        self.net = net
        self.port = port
        self.source = None
        self.data = []
        self.came = None  # made in the loop: CPython 3.9 ties an Event to that of the moment

    async def readable(self):
        await asyncio.sleep(0)  # a socket that has more lets the others have their turn as well
        self.came = self.came or asyncio.Event()
        while not self.data:
            self.came.clear()
            await self.came.wait()

    def readinto(self, buf):
        if not self.data:
            return None
        self.source, data = self.data.pop(0)
        buf[: len(data)] = data
        return len(data)

    def sendto(self, data, address):
        if self not in self.net.lan.endpoints:
            return False
        self.net.lan.carry((self.net.ip, self.port), address, bytes(data))
        return True

    def close(self):
        self.net.lan.endpoints.remove(self)  # once: a second time is an error


class Lan:
    """`drop(source, destination, data)`, when set, tells what gets lost; `seen` keeps the first
    lines of SIP messages while it is a list."""

    def __init__(self):
        self.endpoints = []
        self.drop = None
        self.seen = None

    def carry(self, source, address, data):
        sip = source[1] < limits.RTP_PORT
        if sip and self.seen is not None:
            self.seen.append(data[: data.find(b"\r\n")])
        if self.drop and self.drop(source, address, data):
            return
        for e in self.endpoints:
            if e.port == address[1] and e.net.ip == address[0] and len(e.data) < 16:
                e.data.append((source, data))
                if e.came:
                    e.came.set()

    def open(self, ip=None):
        """How many sockets for RTP are open, at `ip` or at all: their ports are even."""
        n = 0
        for e in self.endpoints:
            if e.port >= limits.RTP_PORT and not e.port & 1 and (ip is None or e.net.ip == ip):
                n += 1
        return n


class Net:
    """The machine at `ip`, which may change. `names`: what other hosts' names stand for."""

    def __init__(self, lan, ip, names=None):
        self.lan = lan
        self.ip = ip
        self.names = names or {}
        self.asked = []

    def udp(self, host=None, port=0):
        for e in self.lan.endpoints:
            if e.net is self and e.port == port:
                raise OSError("taken")
        e = Endpoint(self, port)
        self.lan.endpoints.append(e)
        return e

    def resolve(self, host, port):
        return (host, port) if host[-1:].isdigit() else None

    async def look(self, host):
        self.asked.append(host)
        return self.names.get(host)

    def readable_address(self, address):
        return address

    def local_for(self, address, bound=None):
        return self.ip


class Ear:
    """A listener that keeps names of events; raises `error` at all of them when it has one."""

    def __init__(self, error=None):
        self.events = []
        self.detail = None
        self.error = error
        self.wake = None

    def __call__(self, event, subject, detail):
        self.events.append(event)
        self.detail = detail
        if self.wake:
            self.wake.set()
        if self.error:
            raise self.error

    async def heard(self, event, n=1):
        """Wait until `event` was heard `n` times."""
        while self.events.count(event) < n:
            self.wake = asyncio.Event()
            await self.wake.wait()


async def phone(lan, ip, aor=b"sip:usip@localhost", password=None, **how):
    """A phone that was started. Without a trace: it would keep what it sees."""
    p = Phone(aor, password, net=Net(lan, ip), trace=False, **how)
    await p.start()
    return p


async def two(lan, **how):
    return await phone(lan, b"192.0.2.1", **how), await phone(lan, b"192.0.2.2", **how)


async def up(a, b):
    """A call of `a` to `b` that is up: both sides of it."""
    x = await a.call(b"sip:b@" + b.net.ip)
    y = await b.incoming()
    y.answer()
    assert await x.answered() and await y.answered()
    return x, y


class Peer:
    """A SIP port without a phone behind it."""

    def __init__(self, lan, ip=b"192.0.2.9"):
        self.endpoint = Net(lan, ip).udp(None, 5060)
        self.buf = bytearray(limits.SEND_MAX)

    def send(self, data, to=b"192.0.2.1"):
        self.endpoint.sendto(data, (to, 5060))

    async def called(self, phone, more, body=SDP, ring=0):
        """Call `phone`, which answers, and send it the ACK: its Call. `more`: header lines."""
        self.send(request(b"INVITE", more=more, body=body))
        call = await phone.incoming()
        if ring:
            call.ring(ring)
            return call
        call.answer()
        await self.acknowledge()
        assert await call.answered()
        return call

    async def acknowledge(self):
        """The ACK for the 2xx that comes."""
        ok = b""
        while ok[:11] != b"SIP/2.0 200":
            ok = await self.get()
        i = ok.find(b";tag=", ok.find(b"\r\nTo:" if b"\r\nTo:" in ok else b"\r\nt:"))
        you = b"<sip:door@192.0.2.1>" + ok[i : ok.find(b"\r\n", i)]
        self.send(request(b"ACK", via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa", you=you))

    async def get(self):
        """The next datagram."""
        await self.endpoint.readable()
        n = self.endpoint.readinto(self.buf)
        return bytes(memoryview(self.buf)[:n])
