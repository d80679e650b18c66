# usip: opens a door for who types its code in a call
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from ..driver import now
from .codes import Codes


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
        self.codes = Codes(codes, end, store)
        self.ms = ms
        self.tones = tones
        self._tasks = [None, None]  # kept: nothing else holds them

    async def watch(self, call):
        """Listen to the digits of `call` until it is over."""
        self.codes.clear()
        async for digit in call.digits():
            came = self.codes.digit(digit, now())
            if came:
                self._do(call, came[0], came[1])

    def _do(self, call, event, detail):
        # Tasks of their own: who hangs up at once has opened all the same, and nobody waits for a
        # tone to end.
        if event == "opened":
            self._tasks[0] = asyncio.create_task(self._open(call.phone, detail))
            detail = None
        call.phone.tell(event, call, detail)
        if self.tones:
            self._tasks[1] = asyncio.create_task(self._say(call, "wrong" if detail else "ok"))

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
