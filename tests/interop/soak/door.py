# Calls and is called 2,000 times and tells what is left of the heap, after 20 calls and at the end.
# USAGE: door.py HOST TOWN CALLS     (addresses; TOWN is where town.py runs)

import asyncio
import gc
import sys

import micropython

from usip import limits

# As examples/doorbell.py: what a heap of 72 KB goes without.
limits.RTCP = False
limits.JITTER_SLOTS = 8
limits.JITTER_MAX = 6
limits.RTP_MAX = 256
limits.PTIME_MAX = 30

from usip import Phone  # noqa: E402
from usip.pump import Pump  # noqa: E402
from usip_micropython.net import Net  # noqa: E402

HOST, TOWN, CALLS = sys.argv[1], sys.argv[2], int(sys.argv[3])
THERE = "sip:indoor@%s:5070" % TOWN

# Thirty calls a second: what SIP keeps of each for 32 s, in case a message gets lost, would fill
# the heap with calls that are over. Here it is kept for 40 ms.
limits.TIMEOUT = limits.LINGER = limits.TIMER_D = 40
limits.T4 = 20
BUSY = 2  # so many transactions that are not over are no reason to wait


class Door:
    def __init__(self):
        self.phone = Phone(
            "sip:door@" + TOWN,
            "ding",
            net=Net(HOST),
            bind=(HOST, 5060),
            trace=False,
            allow="registrar," + TOWN,  # the phone there has a port of its own
            listener=self.hear,
        )
        # The phone keeps the sound buffers of as many calls as there ever were at once, and on a
        # slow machine one may begin before another is over: they are there from the start.
        self.phone.pumps.append(Pump(self.phone.net))
        self.failed = self.digits = self.texts = 0

    def hear(self, event, subject, detail):
        if event == "error":
            print("error", detail)

    async def out(self, n):
        """We call; every other time the other end hangs up, told by a digit."""
        call = await self.phone.call(THERE)
        if not await call.answered():
            return False
        if n % 80 in (4, 14):
            await call.send_digits("5", mode="info" if n % 80 == 4 else "rtp", duration_ms=60)
            return await call.ended(2000)
        call.hangup()
        return await call.ended(2000)

    async def into(self, n):
        """We are called."""
        text = "call me"
        if n % 80 in (5, 15):
            text += " and send 5 by " + ("info" if n % 80 == 5 else "rtp")
        elif n % 4 == 1:
            text += " and hang up"
        if await self.phone.message(THERE, text) != 200:
            return False
        call = await self.phone.incoming(2000)
        if not call:
            return False
        call.answer()
        if not await call.answered():
            return False
        if "send" in text:
            self.digits += await call.digit(2000) == "5"
        if "hang" not in text:
            call.hangup()
        return await call.ended(2000)

    async def restart(self):
        """The registrar forgets us; we hear of it and register again."""
        phone = self.phone
        if await phone.message(THERE, "restart") == 200 and await phone.next_message(3000):
            self.texts += 1
            phone.reregister()
            return await phone.registered(3000)
        return False

    async def idle(self, most):
        """Wait until no more than `most` transactions are not over, and no call."""
        agent = self.phone.agent
        for _ in range(1000):
            if len(agent.transactions) <= most and not self.phone.calls.active():
                return
            await asyncio.sleep_ms(5)
        states = [(t.method, t.state, t.client) for t in agent.transactions]
        print("stuck", states, [c.state for c in self.phone.calls.active()])
        raise SystemExit(1)

    async def rest(self, n):
        """Wait until nothing is going on, and tell what is left of the heap."""
        await self.idle(0)
        assert not self.phone.agent.dialogs
        gc.collect()
        gc.collect()
        print("after", n, "free", gc.mem_free())
        micropython.mem_info()

    async def main(self):
        phone = self.phone
        await phone.start()
        assert await phone.registered(3000)
        assert await phone.message(THERE, "I am at sip:door@" + HOST) == 200
        n = 0
        while n < CALLS:
            await self.idle(BUSY)
            try:
                good = await asyncio.wait_for(self.into(n) if n & 1 else self.out(n), 5)
            except asyncio.TimeoutError:
                good = False  # cancelled, the call is hung up
            if good:
                n += 1
            else:
                self.failed += 1
                assert self.failed < 20 + n // 10
                await asyncio.sleep_ms(500)
                for core in phone.calls.active():  # one that came too late to be waited for
                    core.data.hangup()
                continue
            if n % 200 == 10:
                assert await self.restart()
            if n % 100 == 20:
                await self.rest(n)
        await phone.close()
        print("failed", self.failed, "digits", self.digits, "texts", self.texts)


asyncio.run(Door().main())
