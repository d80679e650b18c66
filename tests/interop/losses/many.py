# Makes many calls at a time, or takes them: what became of each is a line of JSON.
#
#   many.py HOST call TO COUNT AT_ONCE     each sends a digit and hangs up
#   many.py HOST take COUNT                until so many are over
#
# On CPython and on MicroPython's unix port.

import asyncio
import json
import sys

try:
    import usip_cpython as board
except ImportError:
    import usip_unix as board

from usip import Phone, limits

# Not a board's: as many calls as it has, at a time, are not worth waiting for.
limits.CALLS = 24
limits.TRANSACTIONS = 400
limits.RTP_PORTS = 64

HOST, WHAT = sys.argv[1:3]


def tell(**fields):
    print(json.dumps(fields))
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def text(b):
    return str(b, "utf-8")


class Many:
    def __init__(self):
        self.over = 0
        # Both ends list each other: with strangers it is said how it goes elsewhere.
        hosts = "any, " + HOST[: HOST.rfind(".")] + ".*"
        self.phone = Phone(
            "sip:many@" + HOST,
            net=board.net,
            bind=(HOST, 5060),
            trace=False,
            allow=hosts,
            listener=self.hear,
        )

    def hear(self, event, subject, detail):
        if event == "error":
            tell(event="error", reason=str(detail))

    def ended(self, call, call_id, **more):
        self.over += 1
        s = call.stats
        more["lost"] = s.get("packets_lost", 0)
        more["received"] = s.get("packets_received", 0)
        tell(
            event="over",
            id=text(call_id),
            code=call.code,
            reason=call.reason,
            remote=call.remote_ended,
            up=call.was_answered,
            **more,
        )

    # --- calling ---

    async def line(self, to):
        while self.left:
            self.left -= 1
            await self.one(to, ("rtp", "info")[self.left & 1])

    async def one(self, to, mode):
        call = await self.phone.call(to)
        call_id = call.call_id
        if await call.answered():
            await asyncio.sleep(0.3)
            await call.send_digits("5", mode, 160)
            if not call.over:
                await asyncio.sleep(0.2)
            call.hangup()
        await call.ended()
        self.ended(call, call_id, mode=mode)

    async def call(self, to, count, at_once):
        self.left = int(count)
        await asyncio.gather(*[self.line("sip:many@" + to) for _ in range(int(at_once))])

    # --- being called ---

    async def take(self, count):
        while self.over < int(count):
            call = await self.phone.incoming(1000)
            if call:
                asyncio.create_task(self.taken(call))

    async def taken(self, call):
        call_id = call.call_id
        call.answer()
        digits = ""
        async for d in call.digits():
            digits += d
        await call.ended()
        self.ended(call, call_id, digits=digits)


async def main():
    many = Many()
    await many.phone.start()
    await getattr(many, WHAT)(*sys.argv[3:])
    tell(event="done")
    # A BYE that comes again is answered for as long as it may come.
    await many.phone.wait(lambda: not len(many.phone.agent.transactions), 40_000)
    await many.phone.close()


asyncio.run(main())
