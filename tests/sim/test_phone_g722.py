# usip: calls with G.722, between devices of 16 and of 8 kHz
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio
from math import pi, sin

from phonenet import Lan, phone, run, up
from usip.media import g711
from usip.media.duplex import HalfDuplex
from usip.media.tones import Tone
from usip.media.wide import Wide
from voice import db, energy, get, put

HEAPS = 2  # there are two phones in it


class Device:
    """A microphone that hears a tone, and what is played; 20 ms have 20 * `rate` samples."""

    def __init__(self, rate, hz):
        self.rate = rate
        n = rate // 50
        self.frame = bytearray(2 * n)
        for i in range(n):
            put(self.frame, i, int(8000 * sin(2 * pi * hz * i / rate)))
        self.played = bytearray(2 * n)
        self.came = asyncio.Event()

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        assert len(pcm) == len(self.frame)
        g711.copy(self.frame, 0, len(pcm), pcm, 0)

    def write(self, pcm):
        assert len(pcm) == len(self.played)
        g711.copy(pcm, 0, len(pcm), self.played, 0)
        self.came.set()

    async def hears(self, hz):
        """Wait until this tone, a multiple of 50 Hz, is nearly all that is played."""
        n = self.rate // 50
        while True:
            self.came.clear()
            await self.came.wait()
            pcm = self.played
            x = 2 * pi * hz / self.rate
            a = sum([get(pcm, i) * sin(x * i) for i in range(n)])
            b = sum([get(pcm, i) * sin(x * i + pi / 2) for i in range(n)])
            e = energy(pcm)
            if e > n * 1e6 and db(2 * (a * a + b * b) / n, e) > -1:
                return


async def two(a, b, codecs, others):
    lan = Lan()
    return (
        lan,
        await phone(lan, b"192.0.2.1", codecs=codecs, audio=a),
        await phone(lan, b"192.0.2.2", codecs=others, audio=b),
    )


def law(call):
    return call.core.sdp.remote.payload_type


async def wide():
    one, other = Device(16000, 6000), Device(16000, 1000)
    lan, a, b = await two(one, other, (9, 8, 0), (8, 9))
    assert isinstance(a.audio, Wide) and a.audio.audio is one
    x, y = await up(a, b)
    assert law(x) == law(y) == 9
    await other.hears(6000)
    await one.hears(1000)
    # What is sent in place of the microphone is heard in place of it.
    x.pump.source = Tone("450/5000")
    await other.hears(450)
    x.pump.source = None
    await other.hears(6000)
    x.hangup()
    await y.ended()
    # Speech is told apart at 8 kHz: then there is no more than the lower band.
    a.speech = HalfDuplex()
    one.frame = Device(16000, 500).frame
    x, y = await up(a, b)
    await other.hears(500)
    assert a.audio.codec is None
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_wide():
    run(wide)


async def mixed(codecs, others, agreed):
    # One device has 8 kHz, one has 16.
    one, other = Device(8000, 1000), Device(16000, 500)
    lan, a, b = await two(one, other, codecs, others)
    assert a.audio is one
    x, y = await up(a, b)
    assert law(x) == law(y) == agreed
    await other.hears(1000)
    await one.hears(500)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_g722_of_8_khz():
    run(mixed, (9, 8), (9, 8), 9)


def test_g711_of_16_khz():
    run(mixed, (9, 8), (8, 0), 8)
    run(mixed, (8, 0), (9, 8), 8)
