# usip: what applications wait on: queues that a closing phone ends, the digits of a call
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio


class Queue:
    """A bounded queue that a closing phone ends. When it is full the oldest makes room."""

    def __init__(self, phone, size=16):
        self.phone = phone
        self.size = size
        self.items = []

    def put(self, item):
        if len(self.items) >= self.size:
            self.items.pop(0)
        self.items.append(item)

    def remove(self, item):
        """It is of no use any more."""
        if item in self.items:
            self.items.remove(item)

    async def get(self, timeout_ms=None):
        """The next item; None when none came in time or there will be no more."""
        while await self.phone.wait(lambda: self.items, timeout_ms):
            if self.items:  # nobody else was faster
                return self.items.pop(0)


class Digits:
    # An asynchronous iterator; MicroPython has no asynchronous generators.
    def __init__(self, call):
        self.call = call

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            d = await self.call.digit()
        except asyncio.CancelledError:
            self.call.hangup()
            raise
        if d is None:
            raise StopAsyncIteration
        return d


class _NoCall:
    """What a pump tells when its call is over."""

    def fault(self, *what):
        pass

    alive = silent = digit_came = fault


NO_CALL = _NoCall()
