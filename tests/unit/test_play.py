# usip: Call.play: tones and other sources of sound in place of the microphone

import asyncio

from phonenet import Ear, Lan, run, two, up
from usip.errors import UsageError
from usip.media.g711 import SILENCE

HEAPS = 2  # there are two phones in it


class Source:
    """Loud frames, so many; None: they do not end. `fails` is the frame that raises."""

    def __init__(self, frames=None, value=0x20, fails=None):
        self.left = frames
        self.value = value
        self.fails = fails
        self.given = self.closed = 0

    def readinto(self, pcm):
        if self.given == self.fails:
            raise OSError(5)
        if self.left == self.given:
            pcm[:] = SILENCE
            return 0
        self.given += 1
        for i in range(1, 320, 2):
            pcm[i] = self.value
        return 160

    def close(self):
        self.closed += 1


class Audio:
    """A microphone that gives 0x10xx, and what is played: how many frames were how loud."""

    def __init__(self):
        self.heard = {}
        self.running = 0

    def start(self):
        self.running += 1

    def stop(self):
        self.running -= 1

    def readinto(self, pcm):
        for i in range(0, 320, 2):
            pcm[i] = 0
            pcm[i + 1] = 0x10

    def write(self, pcm):
        k = pcm[101] & 0xF0
        self.heard[k] = self.heard.get(k, 0) + 1

    async def hears(self, value, n=1):
        n += self.heard.get(value, 0)
        while self.heard.get(value, 0) < n:
            await asyncio.sleep(0.01)


async def talking():
    lan = Lan()
    a, b = await two(lan)
    a.audio, b.audio = Audio(), Audio()
    a.listener = Ear()
    x, y = await up(a, b)
    return lan, a, b, x, y


async def over(lan, a, b):
    assert "error" not in a.listener.events, a.listener.detail
    await a.close()
    await b.close()
    assert lan.endpoints == [] and a.audio.running == b.audio.running == 0


async def to_its_end():
    lan, a, b, x, y = await talking()
    s = Source(5)
    await x.play(s)
    assert s.given == 5 and s.closed == 1 and x.pump.source is None
    await b.audio.hears(0x10)  # the microphone is back
    # On a machine that stood still a frame is left out, or made up.
    assert 3 <= b.audio.heard[0x20] <= 7, b.audio.heard
    await over(lan, a, b)


def test_to_its_end():
    run(to_its_end)


async def names():
    lan, a, b, x, y = await talking()
    await x.play("ok")  # three times 0.1 s, with as much between them
    assert x.pump.source is None and len(b.audio.heard) > 2
    for wrong in ("", "no such tone"):
        try:
            await x.play(wrong)
            raise AssertionError
        except UsageError:
            pass
    await b.audio.hears(0x10)
    await over(lan, a, b)


def test_a_tone_by_its_name():
    run(names)


async def cancelled():
    lan, a, b, x, y = await talking()
    s = Source()
    task = asyncio.create_task(x.play(s))
    await b.audio.hears(0x20, 2)
    task.cancel()
    try:
        await task
        raise AssertionError
    except asyncio.CancelledError:
        pass
    assert s.closed == 1 and x.pump.source is None and not x.over
    await b.audio.hears(0x10)
    # By a limit of time as well
    s = Source()
    try:
        await asyncio.wait_for(x.play(s), 0.05)
        raise AssertionError
    except asyncio.TimeoutError:
        pass
    assert s.closed == 1 and not x.over
    await over(lan, a, b)


def test_cancelled_the_call_goes_on():
    run(cancelled)


async def ended():
    lan, a, b, x, y = await talking()
    for ours in (True, False):
        s = Source()
        task = asyncio.create_task(x.play(s))
        await b.audio.hears(0x20)
        (x if ours else y).hangup()
        await task
        assert s.closed == 1 and x.over
        given = s.given
        late = Source()
        await x.play(late)  # the call is over: nothing, and no error
        assert late.closed == 1 and late.given == 0
        await y.ended()
        assert s.given == given
        x, y = await up(a, b)
    await over(lan, a, b)


def test_the_call_ends():
    run(ended)


async def another():
    lan, a, b, x, y = await talking()
    one, other = Source(value=0x20), Source(4, value=0x40)
    task = asyncio.create_task(x.play(one))
    await b.audio.hears(0x20)
    await x.play(other)
    await task
    assert one.closed == other.closed == 1
    await b.audio.hears(0x40)
    await b.audio.hears(0x10)
    await over(lan, a, b)


def test_something_else_is_played():
    run(another)


async def broken():
    lan, a, b, x, y = await talking()
    s = Source(fails=3)
    await x.play(s)
    assert s.closed == 1 and not x.over and x.pump.source is None
    assert a.listener.events.count("error") == 1
    await b.audio.hears(0x10)
    a.listener.events.clear()
    await over(lan, a, b)


def test_a_source_that_fails():
    run(broken)


async def before():
    lan = Lan()
    # A stranger has not sent enough for as much sound ahead of an answer.
    a, b = await two(lan, allow="192.0.2.*")
    a.audio, b.audio = Audio(), Audio()
    a.listener = Ear()
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    s = Source()
    for call in (x, y):
        try:
            await call.play(s)
            raise AssertionError
        except UsageError:
            pass
    assert s.closed == 2 and s.given == 0
    y.ring(183)  # our sound ahead of the answer
    s = Source(5)
    await y.play(s)
    await a.audio.hears(0x10)
    assert s.closed == 1 and a.audio.heard.get(0x20)
    y.answer()
    assert await x.answered()
    await over(lan, a, b)


def test_before_the_answer():
    run(before)


async def inband():
    lan = Lan()
    a, b = await two(lan, inband=True)
    a.audio, b.audio = Audio(), Audio()
    a.listener = Ear()
    ear = b.listener = Ear()
    x, y = await up(a, b)
    await x.send_digits("5", "inband", 80)
    assert await y.digit(2000) == "5"
    assert ear.events.count("dtmf") == 1
    assert not x.over and x.pump.source is None
    await over(lan, a, b)


def test_digits_as_tones():
    run(inband)
