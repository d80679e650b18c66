"""Bad days of whole phones, with their sockets, pumps and tasks, on an event loop whose time is
simulated: a minute takes as long as its work. CPython alone.
"""

import asyncio
import selectors
import sys

from fakenet import Random
from phonenet import Lan, Net
from usip import driver, limits, rand
from usip.phone import Phone

A, B = b"192.0.2.1", b"192.0.2.2"
DIGITS = "0123456789*#"


class _Selector(selectors.SelectSelector):
    loop = None

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will happen")
        self.loop.passed += max(timeout, 0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """Time passes at once, by as much as all wait for."""

    def __init__(self):
        self.passed = 0.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        return self.passed


class Air(Lan):
    """What is sent takes its time, gets lost, comes twice, comes late."""

    def __init__(self, loop, r, loss, double, late):
        Lan.__init__(self)
        self.loop = loop
        self.r = r
        self.loss = loss
        self.double = double
        self.late = late
        self.gone = set()  # the addresses that nothing comes from or goes to

    def carry(self, source, address, data):
        r = self.r
        if source[0] in self.gone or r.below(100) < self.loss:
            return
        for _ in range(2 if r.below(100) < self.double else 1):
            ms = 5 + r.below(20)
            if r.below(100) < self.late:
                ms += 100 + r.below(2900)
            self.loop.call_later(ms / 1000, self.arrive, source, address, data)

    def arrive(self, source, address, data):
        if address[0] not in self.gone:
            Lan.carry(self, source, address, data)


class Day:
    def __init__(self, seed, loop):
        self.r = r = Random(seed)
        self.loop = loop
        self.clean = clean = not r.below(5)
        bad = 0 if clean else 1
        self.air = Air(loop, r, bad * r.below(21), bad * r.below(11), bad * r.below(11))
        self.faults = []
        rand.urandom = lambda n: bytes([r.below(256) for _ in range(n)])

    def phone(self, ip):
        def hear(event, subject, detail):
            if event == "error" and isinstance(subject, Exception):
                self.faults.append(repr(subject))

        return Phone("sip:x@" + ip.decode(), net=Net(self.air, ip), trace=False, listener=hear)

    async def sleep(self, ms):
        await asyncio.sleep(ms / 1000)

    async def caller(self, a):
        r = self.r
        call = await a.call("sip:b@" + B.decode(), ring_ms=15_000)
        cancelled = not r.below(6)
        if cancelled:
            await self.sleep(r.below(5000))
            call.hangup()
        if await call.answered() and not cancelled:
            pressed = DIGITS[: r.below(5)]
            mode = ("rtp", "info")[r.below(2)]
            if r.below(2):
                await self.sleep(r.below(2000))
                call.hold()
                await self.sleep(r.below(2000))
                call.hold(False)
                await self.sleep(3000)
            await call.send_digits(pressed, mode)
            await self.sleep(r.below(3000))
            self.pressed = pressed
            if r.below(2):
                call.hangup()
        await call.ended(20_000)
        call.hangup()
        await call.ended()
        return call

    async def callee(self, b):
        r = self.r
        call = await b.incoming(40_000)
        if not call:
            return None
        what = r.below(8)
        await self.sleep(r.below(4000))
        if what == 0:
            call.reject(486)
        elif what > 1:
            call.answer()
        heard = []

        async def listen():
            async for digit in call.digits():
                heard.append(digit)

        task = asyncio.create_task(listen())
        if r.below(3) == 0:
            await call.ended(r.below(8000))
            call.hangup()
        await call.ended(60_000)
        call.hangup()
        await call.ended()
        await task
        self.heard = "".join(heard)
        return call

    pressed = heard = None

    async def trouble(self, b):
        r = self.r
        if self.clean or r.below(2):
            return
        await self.sleep(r.below(8000))
        ip = (A, B)[r.below(2)]
        self.air.gone.add(ip)
        await self.sleep(r.below(12_000))
        self.air.gone.clear()

    async def run(self):
        air = self.air
        a = self.phone(A)
        b = self.phone(B)
        await a.start()
        await b.start()
        tasks = len(asyncio.all_tasks())
        x, y, _ = await asyncio.gather(self.caller(a), self.callee(b), self.trouble(b))
        await self.sleep(limits.RING_MS + 3 * limits.TIMEOUT)
        self.check(not self.faults, "a fault: %s" % self.faults)
        for call in (x, y):
            self.check(not call or call.over, "not over")
            self.check(not call or (call.pump is None and call.endpoint is None), "sound is left")
        for p in (a, b):
            agent = p.agent
            self.check(not agent.dialogs and not agent.parts, "something of a call is left")
            self.check(not len(agent.transactions), "a transaction is left")
            self.check(all(pump._task is None for pump in p.pumps), "a pump runs")
            self.check(len(p.pumps) <= 2, "more pumps than calls")
        self.check(len(air.endpoints) == 2, "a socket is left: %d" % len(air.endpoints))
        self.check(len(asyncio.all_tasks()) == tasks, "a task is left")
        if self.pressed is not None and self.heard is not None:
            at = -1
            for d in self.heard:
                self.check(DIGITS.find(d) > at, "digits %s of %s" % (self.heard, self.pressed))
                at = DIGITS.find(d)
            if self.clean and x.remote_ended is False:
                self.check(self.heard == self.pressed, "lost: %s, %s" % (self.pressed, self.heard))
        await a.close()
        await b.close()
        self.check(not air.endpoints, "a socket is left at the end")
        return "talked" if x.was_answered and y and y.was_answered else "no talk"

    def check(self, good, why):
        if not good:
            raise AssertionError(why)


def run(seed):
    """The run `seed`: what came of it. AssertionError when anything is wrong."""
    real = driver.now
    urandom = rand.urandom
    loop = Loop()

    def now():
        # The clock wraps on the way.
        return int(loop.passed * 1000) + 0x3FFFFFFF - 20_000 & 0x3FFFFFFF

    users = [m for n, m in sys.modules.items() if n[:4] == "usip" and getattr(m, "now", 0) is real]
    for m in users:
        m.now = now
    probe = limits.PROBE_MS
    limits.PROBE_MS = 90_000
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(Day(seed, loop).run())
    finally:
        limits.PROBE_MS = probe
        for m in users:
            m.now = real
        rand.urandom = urandom
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
