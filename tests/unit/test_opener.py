# usip tests: a door that is opened in calls, by whole phones
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, phone, run, up
from usip import limits
from usip.door import opener as module
from usip.door.opener import Opener

HEAPS = 2  # there are two phones in it


class Relay:
    def __init__(self, error=None):
        self.pulses = []
        self.error = error

    async def pulse(self, ms):
        self.pulses.append(ms)
        if self.error:
            raise self.error


class Scarce:
    """asyncio without memory for the first `n` tasks."""

    def __init__(self, n):
        self.n = n

    def create_task(self, coroutine):
        if self.n:
            self.n -= 1
            coroutine.close()
            raise MemoryError
        return asyncio.create_task(coroutine)


class Kept:
    """A store."""

    def __init__(self, data):
        self.data = data

    def load(self):
        return self.data

    def save(self, data):
        self.data = data


async def pair(error=None, **how):
    lan = Lan()
    ear = Ear()
    a = await phone(lan, b"192.0.2.1", **how)
    b = await phone(lan, b"192.0.2.2", listener=ear)
    relay = Relay(error)
    return lan, a, b, ear, relay


async def type_codes(mode):
    lan, a, b, ear, relay = await pair()
    opener = Opener({"1234": relay}, 700, tones=False)
    x, y = await up(a, b)
    task = asyncio.create_task(opener.watch(y))
    await x.send_digits("124#", mode, 60)
    await ear.heard("wrong-code")
    assert relay.pulses == [] and ear.detail == 1
    await x.send_digits("1234#", mode, 60)
    await ear.heard("opened")
    x.hangup()  # at once: it opens all the same
    await task  # ends with the call
    assert relay.pulses == [700]
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_by_info():
    run(type_codes, "info")


def test_by_telephone_events():
    run(type_codes, "rtp")


async def over_calls():
    lan, a, b, ear, relay = await pair(RuntimeError("broken pin"))
    limits_kept = limits.CODE_TRIES
    limits.CODE_TRIES = 2
    try:
        opener = Opener({"12": relay})
        for event in ("wrong-code", "door-locked"):
            x, y = await up(a, b)
            task = asyncio.create_task(opener.watch(y))
            await x.send_digits("9#", "info", 60)
            await ear.heard(event)
            x.hangup()
            await task
        assert relay.pulses == []
        opener.codes._until = None
        x, y = await up(a, b)
        task = asyncio.create_task(opener.watch(y))
        await x.send_digits("12#", "info", 60)
        await ear.heard("opened")
        await ear.heard("error")  # the pin's: told, and the phone lives on
        assert relay.pulses == [1000] and not x.over
        await a.close()
        await task
        await b.close()
    finally:
        limits.CODE_TRIES = limits_kept


def test_wrong_ones_count_over_calls():
    run(over_calls)


async def beside():
    lan, a, b, ear, relay = await pair()
    c = await phone(lan, b"192.0.2.3")
    opener = Opener({"1234": relay}, tones=False)
    x, y = await up(a, b)
    v, w = await up(c, b)
    tasks = [asyncio.create_task(opener.watch(y))]
    await x.send_digits("12", "info", 60)
    tasks.append(asyncio.create_task(opener.watch(w)))  # spoils nothing of it
    await v.send_digits("34#", "info", 60)  # does not end it
    await ear.heard("wrong-code")
    assert relay.pulses == []
    await x.send_digits("34#", "info", 60)
    await ear.heard("opened")
    x.hangup()
    v.hangup()
    for t in tasks:
        await t
    assert relay.pulses == [1000]
    for p in (a, b, c):
        await p.close()


def test_two_calls_type_each_its_own():
    run(beside)


async def begins(now):
    lan, a, b, ear, relay = await pair()
    time = [5000]
    module.now = lambda: time[0]
    opener = Opener({"12": relay}, store=Kept(b"5"), tones=False)
    time[0] += limits.CODE_LOCK  # with nobody there
    x, y = await up(a, b)
    task = asyncio.create_task(opener.watch(y))
    await x.send_digits("12#", "info", 60)
    while not relay.pulses:
        assert "door-locked" not in ear.events
        await asyncio.sleep(0)
    # The next one is over when somebody rings, days before he types.
    await x.send_digits("9#" * limits.CODE_TRIES, "info", 60)
    await ear.heard("door-locked")
    x.hangup()
    await task
    time[0] += limits.CODE_LOCK
    x, y = await up(a, b)
    task = asyncio.create_task(opener.watch(y))
    await asyncio.sleep(0)
    assert opener.codes._until is None
    await a.close()
    await task
    await b.close()


def test_a_lock_passes_with_nobody_there():
    kept = module.now
    try:
        run(begins, kept)
    finally:
        module.now = kept


async def no_memory():
    lan, a, b, ear, relay = await pair()
    opener = Opener({"1234": relay})
    x, y = await up(a, b)
    task = asyncio.create_task(opener.watch(y))
    module.asyncio = Scarce(1)  # none for what opens
    await x.send_digits("1234#", "info", 60)
    await ear.heard("opened")
    assert relay.pulses == [1000] and ear.events.count("error") == 1
    module.asyncio = Scarce(1)  # none for the tone
    await x.send_digits("9#", "info", 60)
    await ear.heard("wrong-code")
    real = y.digit

    async def short(timeout_ms=None):  # none to wait with
        y.digit = real
        raise MemoryError

    y.digit = short
    await x.send_digits("91234#", "info", 60)
    await ear.heard("error", 3)
    await ear.heard("wrong-code", 2)
    await x.send_digits("1234#", "info", 60)
    await ear.heard("opened", 2)
    x.hangup()
    await task
    assert relay.pulses == [1000, 1000]
    await a.close()
    await b.close()


def test_without_memory_it_opens_all_the_same():
    try:
        run(no_memory)
    finally:
        module.asyncio = asyncio
