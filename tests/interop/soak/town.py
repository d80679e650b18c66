"""The other end of door.py: a registrar, and a phone that does what the texts it gets say.

town.py HOST        the registrar's port is 5060, the phone's 5070
"""

import asyncio
import sys

from usip import Phone, limits
from usip.server.runner import Server
from usip_cpython.net import Net

HOST = sys.argv[1]
# Thirty calls a second: what is kept of each in case a message gets lost has to go sooner.
limits.TIMEOUT = limits.LINGER = limits.TIMER_D = 2000
limits.TRANSACTIONS = 400
limits.CALLS = 8


class Town:
    async def start(self):
        await self.open()
        self.door = None
        how = {"net": Net(HOST), "bind": (HOST, 5070), "trace": False}
        # Strangers have few of its places and few answers: the door is none.
        self.phone = Phone("sip:indoor@" + HOST, allow="any,127.*", **how)
        await self.phone.start()

    async def open(self):
        self.server = Server(Net(HOST), (HOST, 5060), {b"door": b"ding"}, b"soak")
        await self.server.start()

    async def restart(self):
        await self.server.close()
        await self.open()

    async def called(self):
        """Answer; hang up on hearing a digit."""
        while True:
            call = await self.phone.incoming()
            call.answer()
            asyncio.create_task(self.listen(call))

    async def listen(self, call):
        if await call.digit():
            call.hangup()

    async def told(self):
        """Do what texts say: where the door is, "restart", "call me", "call me and hang up",
        "call me and send 5 by info".
        """
        while True:
            _, text = await self.phone.next_message()
            if text == "restart":
                await self.restart()
                await self.phone.message(self.door, "restarted")
            elif text.startswith("I am at "):
                self.door = text[8:]
            else:
                asyncio.create_task(self.call(text.split()))

    async def call(self, words):
        call = await self.phone.call(self.door)
        if not await call.answered():
            return
        if "send" in words:
            await call.send_digits(words[4], mode=words[6], duration_ms=60)
        elif "hang" in words:
            call.hangup()
        await call.ended(3000)
        call.hangup()


async def main():
    town = Town()
    await town.start()
    await asyncio.gather(town.called(), town.told())


asyncio.run(main())
