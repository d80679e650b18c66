# usip: calls that end, or fall silent, while their pump is at work

import asyncio

from phonenet import Ear, Lan, run, two, up
from usip import limits
from virtualtime import pass_ms

HEAPS = 2  # there are two phones in it


async def unreachable():
    # The network is gone: no sound comes, and there is no way to send a BYE. So the call ends at
    # once, in the pump's own task, which MicroPython's asyncio cannot cancel.
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    while not x.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    a.listener = ear = Ear()
    a.net.resolve = lambda host, port: None
    a.driver.moved()
    lan.drop = lambda source, destination, data: True
    assert await x.ended(6000)
    assert x.reason == "NoSound"
    await asyncio.sleep(0)
    assert "error" not in ear.events, ear.detail
    assert lan.open(b"192.0.2.1") == 0 and len(a.pumps) == 1
    # Nothing of it goes on, and the pump can be used again.
    sent = a.pumps[0].stream.sender.sent
    y.hangup()
    del a.net.resolve
    a.driver.moved()
    lan.drop = None
    assert await y.ended(3000)
    assert a.pumps[0].stream.sender.sent == sent
    x, y = await up(a, b)
    while not y.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    n = y.pump.stream.reception
    assert n.lost == 0 and n.duplicates == 0
    x.hangup()
    assert await y.ended(3000)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_a_call_that_ends_in_its_pump():
    before = limits.RTP_TIMEOUT
    limits.RTP_TIMEOUT = 1000
    try:
        run(unreachable)
    finally:
        limits.RTP_TIMEOUT = before


class Device:
    """A sound device that fails at the read that `fails` counts down to."""

    fails = 0
    stopped = 0

    def start(self):
        pass

    def stop(self):
        self.stopped += 1

    def readinto(self, pcm):
        self.fails -= 1
        if not self.fails:
            raise OSError("unplugged")

    def write(self, pcm):
        pass


async def stalled():
    # The machine stands still, and as the frames that are over are passed by the device fails.
    lan = Lan()
    a, b = await two(lan)
    a.audio = audio = Device()
    ear = a.listener = Ear()
    x, y = await up(a, b)
    while not x.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    audio.fails = 2  # the first is the frame that is due
    pass_ms(200)
    await ear.heard("error")
    assert "unplugged" in ear.detail
    # The sound goes on both ways
    n, k = y.stats["packets_received"], x.stats["packets_received"]
    while not (y.stats["packets_received"] > n + 2 and x.stats["packets_received"] > k + 2):
        await asyncio.sleep(0.01)
    x.hangup()
    assert await y.ended(3000)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_a_device_that_fails_when_time_was_lost():
    run(stalled)


async def inband():
    # A digit in the sound of a frame that was made up for lost time: the application hangs up, and
    # there is no way to say so.
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    while not x.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    pump = x.pump
    ear = a.listener = Ear()
    a.net.resolve = lambda host, port: None
    a.driver.moved()
    lan.drop = lambda source, destination, data: True
    miss = pump._miss

    def last():
        pump._miss = miss
        x.hangup()

    pump._miss = last
    pass_ms(200)
    assert await x.ended(3000)
    await asyncio.sleep(0)
    assert "error" not in ear.events, ear.detail
    assert lan.open(b"192.0.2.1") == 0 and len(a.pumps) == 1
    y.hangup()
    lan.drop = None
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_a_call_that_ends_when_time_was_lost():
    run(inband)
