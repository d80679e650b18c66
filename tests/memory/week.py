# A phone lives for days: OPTIONS every half minute, a call an hour, a registrar that forgets us at
# night. On the virtual clock, in the heap of a board. USAGE: week.py DAYS     (0: what it takes)

import asyncio
import gc
import sys

from usip import limits

# As examples/doorbell.py: what a heap of 64 KB goes without.
limits.RTCP = False
limits.JITTER_SLOTS = 8
limits.JITTER_MAX = 6
limits.RTP_MAX = 256
limits.PTIME_MAX = 30
limits.DATAGRAM_MAX = 1500

from usip import Phone  # noqa: E402
from usip.driver import now  # noqa: E402

gc.collect()
_before = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0

from street import Street, sleep_ms  # noqa: E402

import quick  # noqa: E402

gc.collect()
OTHERS = (gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0) - _before

DAYS = float(sys.argv[1])
HOUR = 3600_000


class Audio:
    started = False

    def start(self):
        self.started = True

    def stop(self):
        self.started = False

    def readinto(self, pcm):
        pcm[0] = pcm[0] + 1 & 255

    def write(self, pcm):
        pass


class Life:
    def __init__(self):
        self.street = Street()
        self.audio = Audio()
        self.phone = Phone(
            "sip:door@192.0.2.9",
            "ding",
            net=self.street,
            bind=("192.0.2.1", 5060),
            audio=self.audio,
            trace=False,
            listener=self.hear,
        )
        self.typed = ""
        self.calls_in = self.calls_out = self.options = self.unanswered = self.nights = 0
        self.expired = 0
        self.late = 0  # the most that a step of an hour came late

    def hear(self, event, subject, detail):
        if event == "error":
            print("error", detail)

    async def door(self):
        """The application."""
        while True:
            call = await self.phone.incoming()
            call.answer()
            if await call.answered():
                async for digit in call.digits():
                    self.typed += digit

    async def in_(self):
        s = self.street
        self.typed = ""
        assert await s.call() == 200
        await s.talk(1000)
        assert await s.press(b"5") == 200 and await s.press(b"#") == 200
        await s.talk(1000)
        assert await s.ask(b"BYE") == 200
        assert self.typed == "5#", self.typed
        self.calls_in += 1

    async def out(self):
        s = self.street
        s.digits = b""
        call = await self.phone.call("sip:f@192.0.2.9", ring_ms=30_000)
        assert await call.answered()
        await s.talk(1000)
        await call.send_digits("7", mode="info")
        assert s.digits == b"7", s.digits
        call.hangup()
        assert await call.ended(5000)
        self.calls_out += 1

    async def day(self, hours):
        """What happens in an hour, `hours` times, with half a minute from OPTIONS to OPTIONS."""
        s = self.street
        for h in range(hours):
            start = now()
            for i in range(120):
                if s.bound:
                    self.options += 1
                    code = await s.out_of_dialog(b"OPTIONS")
                    if code != 200:
                        self.unanswered += 1
                if i == 40:
                    if not s.bound:
                        self.expired += 1
                        assert await self.phone.registered(0)
                    await (self.out() if h & 1 else self.in_())
                if i == 80 and h % 24 == 3:
                    # The registrar restarts: it is away for five minutes and knows nobody.
                    self.nights += 1
                    s.up = s.bound = False
                if i == 90:
                    s.up = True
                due = (start + (i + 1) * 30_000) & 0x3FFFFFFF
                wait = (due - now()) & 0x3FFFFFFF
                await sleep_ms(wait if wait < 60_000 else 0)
            over = (now() - start - HOUR) & 0x3FFFFFFF
            self.late = max(self.late, over if over < 0x20000000 else 0)
            self.tell(h + 1)

    def tell(self, h):
        phone = self.phone
        agent = phone.agent
        assert not agent.dialogs and not phone.calls.active()
        assert len(agent.parts) == 1 and len(self.street.open) == 1, self.street.open
        assert len(agent.transactions) <= 3, len(agent.transactions)
        assert not self.audio.started
        gc.collect()
        gc.collect()
        free = gc.mem_free() if hasattr(gc, "mem_free") else 0
        print("hour %d free %d largest %d" % (h, free, largest()))

    async def main(self):
        s = self.street
        await self.phone.start()
        assert await self.phone.registered(5000)
        tasks = [asyncio.create_task(self.door()), asyncio.create_task(s.live())]
        await self.day(int(DAYS * 24))
        await sleep_ms(limits.TIMEOUT + 1000)
        assert not self.phone.agent.transactions
        self.tell(int(DAYS * 24) + 1)
        assert self.phone.registration.state == b"A" and s.bound
        for t in tasks:
            t.cancel()
        await self.phone.close()
        assert not s.open, s.open
        print("calls in %d out %d, OPTIONS %d, unanswered %d, registered %d times, nights %d" % (
            self.calls_in, self.calls_out, self.options, self.unanswered, s.registered,
            self.nights))  # fmt: skip
        print("hours that began without being known %d, the latest hour %d ms late" % (
            self.expired, self.late))  # fmt: skip


def largest():
    """Bytes of the largest piece that can be had."""
    if not hasattr(gc, "mem_free"):
        return 0
    low, high = 0, gc.mem_free()
    while high - low > 64:
        middle = (low + high) // 2
        try:
            x = bytearray(middle)
            x = None  # noqa: F841
            low = middle
        except MemoryError:
            high = middle
    gc.collect()
    return low


print("others keep %d bytes" % OTHERS)
if DAYS:
    quick.install(0x3FFFFFFF - 20 * HOUR)  # the clock wraps on the first day
    quick.run(Life().main())
