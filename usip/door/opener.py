# usip: opens a door for who types its code in a call
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from ..driver import now, sleep_ms
from .codes import Codes, Try


class Opener:
    """Opens for whole codes.

        opener = Opener({"1234": board.opener}, store=FileStore("wrong-codes"))
        await opener.watch(call)              # until the call is over

    `codes` is a dict: digits, and the relay that they pulse for `ms`; `end` and `store` as in
    codes.py. Digits count in an answered call only, and from its own peer only (see policy.py and
    media/stream.py). The application's listener hears `opened`, `wrong-code` and `door-locked`, and
    the peer a tone. No code is ever told, kept in a trace or printed.
    """

    def __init__(self, codes, ms=1000, end="#", store=None, tones=True):
        self.codes = Codes(codes, now(), end, store)
        self.ms = ms
        self.tones = tones
        self._tasks = [None, None]  # kept: nothing else holds them

    async def watch(self, call):
        """Listen to the digits of `call` until it is over."""
        self.codes.locked_ms(now())
        typed = Try(self.codes)
        while True:
            try:
                async for digit in call.digits():
                    came = typed.digit(digit, now())
                    if came and not self._do(call, came[0], came[1]):
                        await self._open(call.phone, came[1])
                return
            except MemoryError as e:  # there will be some again, and more digits
                self._fault(call.phone, e)
                await sleep_ms(20)

    def _do(self, call, event, detail):
        # Tasks of their own: who hangs up at once has opened all the same, and nobody waits for a
        # tone to end. False: there is no memory for the one that opens.
        done = True
        if event == "opened":
            try:
                self._tasks[0] = asyncio.create_task(self._open(call.phone, detail))
            except MemoryError as e:
                done = False
                self._fault(call.phone, e)
            detail = None
        try:
            call.phone.tell(event, call, detail)
            if self.tones:
                self._tasks[1] = asyncio.create_task(self._say(call, "wrong" if detail else "ok"))
        except MemoryError as e:
            self._fault(call.phone, e)
        return done

    def _fault(self, phone, e):
        try:
            phone.fault(e)
        except MemoryError:
            pass  # told or not, it goes on

    async def _say(self, call, name):
        try:
            await call.play(name)
        except Exception as e:  # no sound, no memory: the door does not depend on it
            call.phone.fault(e)

    async def _open(self, phone, relay):
        try:
            await relay.pulse(self.ms)
        except Exception as e:  # the owner's own pin
            phone.fault(e)
