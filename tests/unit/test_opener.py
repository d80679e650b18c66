# usip tests: a door that is opened in calls, by whole phones
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, phone, run, up
from usip import limits
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
