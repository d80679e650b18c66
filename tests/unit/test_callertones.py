# usip: what a caller hears while the peer sends no sound: which tone, from when until when

import asyncio

import usip.callertones as callertones
from phonenet import Ear, Lan, phone, run, up

HEAPS = 2  # there are two phones in it


class Audio:
    """Counts; `fail` names the method that raises."""

    def __init__(self, fail=None):
        self.fail = fail
        self.running = self.written = self.most = 0

    def _did(self, what):
        if self.fail == what:
            raise OSError(5)

    def start(self):
        self._did("start")
        self.running += 1
        self.most = max(self.most, self.running)

    def stop(self):
        self.running -= 1

    def readinto(self, pcm):
        pass

    def write(self, pcm):
        self.written += 1
        self._did("write")

    async def moves(self, n=3):
        n += self.written
        while self.written < n:
            await asyncio.sleep(0.01)


played = []
tone = callertones.tone


def noted(name, country):
    played.append((name, country))
    return tone(name, country)


async def caller(lan, audio=None, country="de"):
    a = await phone(lan, b"192.0.2.1", tones=country)
    b = await phone(lan, b"192.0.2.2", allow="192.0.2.1")  # early media is not for strangers
    a.audio = audio or Audio()
    a.listener = Ear()
    return a, b


def trial(f, *args):
    played.clear()
    callertones.tone = noted
    before = callertones._AFTER_MS
    callertones._AFTER_MS = 100  # of busy
    try:
        run(f, *args)
    finally:
        callertones.tone = tone
        callertones._AFTER_MS = before


async def rings(a, b):
    """A call that rings, and rings in the caller's ear: both sides."""
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    await a.audio.moves()
    assert a.tones.playing
    return x, y


async def quiet(a):
    """The tone has ended, and the device is free."""
    while a.tones.playing:
        await asyncio.sleep(0.01)
    assert a.audio.running == 0


async def end(lan, a, b, errors=0):
    assert a.listener.events.count("error") == errors, a.listener.detail
    await a.close()
    await b.close()
    assert lan.endpoints == [] and not a.tones.playing
    assert a.audio.running == 0 and a.audio.most <= 1


async def answered():
    lan = Lan()
    a, b = await caller(lan)
    x, y = await rings(a, b)
    y.answer()
    assert await x.answered()
    assert not a.tones.playing and a.audio.running == 1  # the call's own
    await a.audio.moves()
    x.hangup()
    await x.ended()
    assert played == [("ringback", "de")] and not a.tones.playing
    await end(lan, a, b)


def test_ringback_until_the_answer():
    trial(answered)


async def early():
    lan = Lan()
    a, b = await caller(lan, country="uk")
    x, y = await rings(a, b)
    y.ring(183)
    while not x.pump:
        await asyncio.sleep(0)
    assert not a.tones.playing and a.audio.running == 1
    y.ring(180)  # rings on, with sound of its own
    await a.audio.moves()
    assert not a.tones.playing
    y.reject(486)
    await x.ended()
    await quiet(a)
    assert played == [("ringback", "uk"), ("busy", "uk")]
    await end(lan, a, b)


def test_ringback_until_early_media():
    trial(early)


async def refused(code, name):
    lan = Lan()
    a, b = await caller(lan)
    x, y = await rings(a, b)
    y.reject(code)
    await x.ended()
    assert a.tones.playing is (name is not None)
    n = a.audio.written
    await quiet(a)
    if name:
        assert 3 <= a.audio.written - n <= 6, a.audio.written - n  # 100 ms of it
    assert played == [("ringback", "de")] + ([(name, "de")] if name else [])
    await end(lan, a, b)


def test_what_follows_a_refusal():
    for code, name in ((486, "busy"), (603, "busy"), (480, "noanswer"), (404, "wrong")):
        trial(refused, code, name)


async def cancelled():
    lan = Lan()
    a, b = await caller(lan)
    x, y = await rings(a, b)
    x.hangup()
    await x.ended()
    assert not a.tones.playing and played == [("ringback", "de")]
    # Nobody answered in time: that is told
    x = await a.call(b"sip:b@192.0.2.2", ring_ms=100)
    await x.ended()
    assert x.reason == "NoAnswer"
    await quiet(a)
    assert played[1:] == [("ringback", "de"), ("noanswer", "de")]
    await end(lan, a, b)


def test_who_hangs_up_hears_nothing():
    trial(cancelled)


async def taken():
    # One call has the loudspeaker: the other rings in silence.
    lan = Lan()
    a, b = await caller(lan)
    x, y = await up(a, b)
    await a.audio.moves()
    del played[:]
    second = await a.call(b"sip:b@192.0.2.2")
    ringing = await b.incoming()
    ringing.reject(486)
    await second.ended()
    assert played == [] and not a.tones.playing and a.audio.running == 1
    # A call that comes in takes it from a tone
    x.hangup()
    await x.ended()
    third, _ = await rings(a, b)
    other = await b.call(b"sip:a@192.0.2.1")
    mine = await a.incoming()
    mine.answer()
    assert await other.answered() and await mine.answered()
    while not mine.pump:
        await asyncio.sleep(0)
    assert not a.tones.playing and a.audio.running == 1 and a.audio.most == 1
    third.hangup()
    await third.ended()
    await end(lan, a, b)


def test_a_call_has_the_loudspeaker():
    trial(taken)


async def broken(what):
    lan = Lan()
    a, b = await caller(lan, Audio(what))
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    await a.listener.heard("error")
    while a.tones.playing:
        await asyncio.sleep(0)
    assert not x.over and a.audio.running == 0
    a.audio.fail = None
    y.answer()
    assert await x.answered()
    await a.audio.moves()
    await end(lan, a, b, errors=1)


def test_sound_that_fails_is_no_end_of_the_call():
    for what in ("start", "write"):
        trial(broken, what)


async def closed():
    lan = Lan()
    a, b = await caller(lan)
    await rings(a, b)
    await end(lan, a, b)


def test_close_ends_it():
    trial(closed)
