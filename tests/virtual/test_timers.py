# usip tests: RFC 3261's timers with the driver that a phone has. On CPython in virtual time; on a
# board by its own clock, which passes at once while the processor sleeps: host/test_qemu.py.
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from sip import SDP, request
from usip import limits
from usip.agent import Agent
from usip.calls import Calls
from usip.clock import left
from usip.digest import Credentials
from usip.driver import Driver, now
from usip.registration import Registration
from usip.sdp import Session

if hasattr(asyncio, "core"):  # MicroPython
    start = asyncio.run
    SLACK = 100  # ms that the interpreter may take on the way: of some half-minute, and it adds up
else:
    from virtualtime import run as start

    SLACK = 0


class Endpoint:
    """A socket into the void. What is put into `inbox` comes out of it."""

    port = 5060
    source = (b"192.0.2.9", 5060)

    def __init__(self):
        self.sent = []  # (ms since the start, the first line)
        self.inbox = []
        self.news = asyncio.Event()
        self.start = now()

    async def readable(self):
        await self.news.wait()
        self.news.clear()

    def readinto(self, buf):
        if not self.inbox:
            return None
        data = self.inbox.pop(0)
        buf[: len(data)] = data
        return len(data)

    def put(self, data):
        self.inbox.append(data)
        self.news.set()

    def sendto(self, data, address):
        line = bytes(data).split(b"\r\n", 1)[0]
        self.sent.append((left(now(), self.start), line))
        return True

    def close(self):
        pass

    def times(self, start):
        return [t for t, line in self.sent if line[: len(start)] == start]


class Net:
    def __init__(self):
        self.endpoint = None

    def udp(self, host, port):
        self.endpoint = Endpoint()
        return self.endpoint

    async def prepare(self, host):
        pass

    def resolve(self, host, port):
        return host, port

    def readable_address(self, address):
        return address

    def local_for(self, address, bound=None):
        return b"192.0.2.1"


class Desk:
    """An agent, its driver, and what the listener heard."""

    def __init__(self):
        self.heard = {}  # event -> ms since the start
        self.net = Net()
        self.driver = Driver(self.net, ("192.0.2.1", 5060))
        self.agent = Agent(self.driver, self.hear, b"sip:door@192.0.2.9")
        self.calls = Calls(self.agent, lambda call, flow: Session(b"192.0.2.1", 4000))
        self.call = None
        self.driver.start(self.agent)
        self.wire = self.net.endpoint

    def hear(self, event, subject, detail):
        if event == "incoming":
            self.call = subject
        self.heard.setdefault(event, left(now(), self.wire.start))

    async def until(self, ms):
        """Let the time since the start become `ms`."""
        await asyncio.sleep(max(0, ms - left(now(), self.wire.start)) / 1000)


def near(times, wanted):
    assert len(times) == len(wanted), (times, wanted)
    for t, w in zip(times, wanted):
        assert w <= t <= w + SLACK, (times, wanted)


def run(story):
    async def whole():
        desk = Desk()
        try:
            await story(desk)
        finally:
            desk.driver.close()

    start(whole())


def test_invite_into_the_void():
    # Timer A doubles from T1, timer B ends it after 64*T1.
    async def story(d):
        call = d.calls.dial(b"sip:x@192.0.2.9", now())
        d.driver.kick()
        await d.until(limits.TIMEOUT + 1000)
        near(d.wire.times(b"INVITE"), [500 * (2**i - 1) for i in range(7)])
        near([d.heard["ended"]], [limits.TIMEOUT])
        assert call.state == b"X" and not d.agent.transactions

    run(story)


def test_options_into_the_void():
    # Timer E doubles up to T2, timer F ends it.
    async def story(d):
        d.agent.credentials = Credentials(b"door", b"secret")
        Registration(d.agent, b"sip:192.0.2.9").start(now())
        d.driver.kick()
        await d.until(limits.TIMEOUT + 500)
        wanted = [0, 500, 1500, 3500] + [7500 + 4000 * i for i in range(7)]
        near(d.wire.times(b"REGISTER")[: len(wanted)], wanted)
        near([d.heard["registration-failed"]], [limits.TIMEOUT])

    run(story)


def test_no_ack():
    # Our 200 is sent again, T1 doubled up to T2, until 64*T1 are over: then the call is hung up.
    async def story(d):
        more = (b"Contact", b"<sip:x@192.0.2.9>")
        d.wire.put(request(b"INVITE", body=SDP, more=more))
        await d.until(100)
        answered = left(now(), d.wire.start)
        d.call.answer(now())
        d.driver.kick()
        await d.until(limits.TIMEOUT + 1000)
        times = [t - answered for t in d.wire.times(b"SIP/2.0 200")]
        near(times, [0, 500, 1500, 3500] + [7500 + 4000 * i for i in range(7)])
        near([d.wire.times(b"BYE")[0]], [answered + limits.TIMEOUT])

    run(story)
