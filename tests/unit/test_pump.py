# usip: the sound of calls: who has the microphone, and what a broken one costs
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, phone, run, two, up

HEAPS = 2  # there are two phones in it


class Audio:
    """Counts. `fail` names the method that raises."""

    def __init__(self, fail=""):
        self.fail = fail
        self.count = {"start": 0, "stop": 0, "readinto": 0, "write": 0}
        self.moved = asyncio.Event()

    def _did(self, what):
        self.count[what] += 1
        self.moved.set()
        if self.fail == what:
            raise OSError(5)

    def start(self):
        self._did("start")

    def stop(self):
        self._did("stop")

    def readinto(self, pcm):
        self._did("readinto")

    def write(self, pcm):
        self._did("write")

    async def moves(self, n=3):
        """Wait until `n` more frames were recorded and played."""
        n += self.count["write"]
        while self.count["write"] < n:
            self.moved.clear()
            await self.moved.wait()


async def second_call():
    lan = Lan()
    audio = Audio()
    a, b = await two(lan)
    a.audio = audio
    one = await up(a, b)
    two_ = await up(b, a)
    await audio.moves()
    assert one[0].pump.audio is audio and two_[1].pump.audio is None
    assert audio.count["start"] == 1
    two_[1].hangup()  # not the one that has it
    await two_[1].ended()
    assert audio.count["stop"] == 0
    two_ = await up(b, a)
    one[1].hangup()
    await one[0].ended()
    assert two_[1].pump.audio is audio
    assert audio.count["start"] == 2 and audio.count["stop"] == 1
    await audio.moves()
    await a.close()
    assert audio.count["stop"] == 2 and await two_[0].ended()
    n = audio.count["write"]
    await asyncio.sleep(0.05)
    assert audio.count["write"] == n
    await b.close()
    assert lan.endpoints == []


def test_second_call_gets_the_microphone():
    run(second_call)


async def broken(what):
    lan = Lan()
    a, b = await two(lan)
    a.audio = Audio(what)
    ear = a.listener = Ear()
    x, y = await up(a, b)
    if what != "stop":
        await ear.heard("error")
        assert not x.over and x.pump.audio is None
    # Silence goes out and comes in, digits too.
    n = y.stats["packets_received"]
    while y.stats["packets_received"] < n + 3:
        await asyncio.sleep(0.01)
    await y.send_digits("8", "rtp", 40)
    assert await x.digit() == "8"
    x.hangup()
    assert await x.ended() and await y.ended() and lan.open() == 0
    assert (x.code, y.code, x.reason) == (200, 200, "HungUp")
    assert "error" in ear.events
    # The next one is none the worse for it.
    a.audio = Audio()
    x, y = await up(a, b)
    await a.audio.moves()
    await a.close()
    await b.close()
    assert lan.endpoints == [] and a.audio.count["stop"] == 1


def test_sound_that_fails():
    for what in ("readinto", "write"):
        run(broken, what)


def test_sound_that_does_not_start():
    run(broken, "start")


def test_sound_that_does_not_stop():
    run(broken, "stop")


async def handed_on():
    # The second call takes over a microphone that does not start again.
    lan = Lan()
    a, b = await two(lan)
    a.audio = Audio()
    ear = a.listener = Ear()
    one = await up(a, b)
    two_ = await up(a, b)
    a.audio.fail = "start"
    one[0].hangup()
    await one[1].ended()
    await one[0].ended()
    assert "error" in ear.events and not two_[0].over and len(a.pumps) == 1
    n = two_[1].stats["packets_received"]
    while two_[1].stats["packets_received"] < n + 3:
        await asyncio.sleep(0.01)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_sound_handed_on_that_does_not_start():
    run(handed_on)


async def alone():
    # Nothing to hear and nothing to say: a phone without sound sends silence.
    lan = Lan()
    a = await phone(lan, b"192.0.2.1")
    b = await phone(lan, b"192.0.2.2")
    x, y = await up(a, b)
    while not (x.stats["packets_received"] > 2 and y.stats["packets_received"] > 2):
        await asyncio.sleep(0.01)
    y.hold()
    b.listener = Ear()
    await b.listener.heard("held")
    await a.close()
    await b.close()


def test_silence():
    run(alone)
