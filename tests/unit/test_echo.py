# usip: tests of the echo canceller
# MIT licence; Copyright (c) 2026 the usip authors

import gc
from array import array

from usip.errors import UsageError
from usip.media import _echo_plain, echo
from usip.media.duplex import FAR, NEAR
from usip.media.echo import Canceller, FullDuplex
from usip.media.g711 import copy
from voice import Dice, Room, Voice, db, energy, put

SILENCE = bytes(320)
# Without machine code a tap costs a hundred times as much: there is a short echo then.
FAST = echo._cancel is not _echo_plain.cancel
TAPS = 128 if FAST else 16
ROOM = ((2, -60), (5, 50), (8, -30), (11, 20)) if FAST else ((1, -60),)


class Line:
    """A loudspeaker, a room, a microphone, and what takes the echo off between them."""

    def __init__(self, speech, delay_ms=10, gain=128, taps=ROOM, seed=1):
        self.speech = speech
        self.room = Room(delay_ms, gain, taps)
        self.noise = Dice(5)
        self.voice = Voice(seed, 12000, on=60, off=12)
        self.near = bytearray(320)
        self.far = bytearray(320)

    def run(self, frames, near=None, talks=True):
        """Energies: said here, recorded, sent, said there, played."""
        sums = [0.0] * 5
        a, b = self.near, self.far
        for _ in range(frames):
            if near:
                near.frame(a)
            else:
                a[:] = SILENCE
            sums[0] += energy(a)
            self.room.record(a, self.noise)
            sums[1] += energy(a)
            self.speech.near(a)
            sums[2] += energy(a)
            if talks:
                self.voice.frame(b)
            else:
                b[:] = SILENCE
            sums[3] += energy(b)
            self.speech.far(b)
            sums[4] += energy(b)
            self.room.play(b)
        return sums

    def erle(self, frames):
        sums = self.run(frames)
        return db(sums[1], sums[2])


def test_erle():
    line = Line(Canceller(TAPS, 10))
    after = []
    for _ in range(4):
        after.append(line.erle(50))
    print("ERLE with", TAPS, "taps after 1, 2, 3, 4 s:", after)
    assert after[1] > 14 and after[3] > 24, after


def test_speech_on_both_ends():
    # Who speaks here comes through whole, and what was learned is not lost by it.
    line = Line(Canceller(TAPS, 10))
    line.run(150)
    before = line.erle(50)
    voice = Voice(77, 8000)
    said, _, sent, _, _ = line.run(50, near=voice)
    assert -1 < db(sent, said) < 1
    line.run(50)
    assert line.erle(50) > min(before, 30) - 6


def test_loud_speech_undoes_nothing():
    # 12 dB above the echo, for three seconds: what was learned is kept.
    line = Line(Canceller(TAPS, 10), gain=64)
    line.run(150)
    before = line.erle(50)
    line.run(150 if FAST else 50, near=Voice(77, 16000))
    line.run(20)
    assert line.erle(50) > min(before, 25) - 6


class Loud:
    """What no room does: `kind` of noise as loud as can be."""

    def __init__(self, kind):
        self.kind = kind
        self.dice = Dice(7)
        self.n = 0

    def frame(self, pcm):
        for i in range(160):
            self.n += 1
            n = self.n
            if self.kind == 0:  # white
                s = self.dice.noise(32767)
            elif self.kind == 1:  # a tone of 1 kHz, clipped
                s = 32767 if n & 7 < 4 else -32768
            elif self.kind == 2:  # steps
                s = 30000 if n // 40 & 1 else -30000
            else:  # crackles
                s = 32767 if self.dice.below(200) == 0 else 0
            put(pcm, i, s)
        return pcm


def test_never_diverges():
    # Whatever comes, half a second of it is no louder for the filter than a path that turned over
    # makes it, 6 dB; and then speech is learned.
    for kind in range(4):
        line = Line(Canceller(TAPS, 10), 10, 128)
        line.voice = Loud(kind)
        for turn in range(4):
            # the path turns over, is louder than the loudspeaker and clips; somebody speaks
            line.room = Room(10, (128, -200, 400, -128)[turn], ROOM)
            near = Voice(9, 32000) if turn == 2 else None
            sums = line.run(25 if FAST else 8, near)
            assert db(sums[2], sums[1]) < 6, (kind, turn)
        line.room = Room(10, 128, ROOM)
        line.voice = Voice(1, 12000)
        # After a tone it knows that well and nothing else, and believes in itself for 4 s.
        line.run(250 if FAST else 50)
        assert line.erle(25) > 10 or (kind == 1 and not FAST), kind


def test_another_place():
    # The loudspeaker was moved: what was learned makes it worse, and is learned anew.
    line = Line(Canceller(TAPS, 10), 10)
    line.run(100)
    line.room = Room(10, -100, ((1, 30),))
    worse = line.erle(10)
    line.run(100)
    assert worse < 10 < line.erle(50)


def test_soft_and_silent_ends_teach_nothing():
    c = Canceller(TAPS)
    line = Line(c)
    line.run(100, near=Voice(3), talks=False)
    assert not any(c._h)
    # nor does it change what is said, but for the ends of rounding
    pcm = Voice(4).frame(bytearray(320))
    v = Voice(5)
    for _ in range(3):
        v.frame(pcm)
        e = energy(pcm)
        c.near(pcm)
        assert -0.1 < db(energy(pcm), e) < 0.1


def test_full_duplex():
    speech = FullDuplex(TAPS, 10)
    line = Line(speech)
    # From the first word on no echo; half duplex until there is something learned.
    sums = line.run(150)
    assert db(sums[2], sums[3]) < -40
    assert speech.way == FAR and speech.switch.duck is False
    # Now both talk at once, and both are heard.
    said, _, sent, far, played = line.run(75, near=Voice(78, 8000))
    assert speech.way == NEAR
    assert -1 < db(sent, said) < 1
    assert db(played, far) > -0.1
    # and then he who is left alone has no echo again
    line.run(25)
    sums = line.run(50)
    assert speech.way == FAR and db(sums[2], sums[3]) < -40
    speech.talk = True
    sums = line.run(10)
    assert sums[4] < sums[3] / 1000
    speech.reset()
    assert not any(speech.canceller._h) and speech.switch.echo.coupling == 256


def test_bounds():
    def refused(f, *args):
        try:
            f(*args)
        except UsageError:
            return True
        return False

    for taps in (0, 4, 124, 264):
        assert refused(Canceller, taps)
    assert refused(Canceller, 64, -1)
    c = Canceller(8)
    assert refused(c.near, bytearray(319)) and refused(c.far, bytearray(319))


def test_twin():
    d = Dice(44)
    taps = 16

    def both(name, args):
        out = []
        for f in (getattr(echo, "_" + name), getattr(_echo_plain, name)):
            own = [x if isinstance(x, int) else x[:] for x in args]
            f(*own)
            out.append([x if isinstance(x, int) else list(x) for x in own])
        assert out[0] == out[1], name
        return [x if isinstance(x, int) else array("i", x) for x in out[0]]

    state = array("i", bytes(40))
    w = array("i", bytes(4 * taps))
    h = array("i", bytes(4 * taps))
    x = array("i", bytes(4 * (taps + 160)))
    pcm = bytearray(320)
    for k in range(12):
        for i in range(320):
            pcm[i] = d.below(256) if k < 8 else (0x00, 0x80, 0xFF, 0x7F)[k - 8 if i & 1 else i % 4]
        line = bytearray(2 * (160 + k))
        for i in range(len(line)):
            line[i] = d.below(256)
        both("push", [line, k, pcm])
        if k > 8:  # as loud as can be: the sums must stay within 32 bits
            line = bytearray(b"\xff\x7f\x00\x80" * 86)
            for i in range(taps):
                h[i] = 4095 if i & 1 else -4095
                w[i] = h[i] << 14
        x, state = [both("take", [line, x, taps, state])[i] for i in (1, 3)]
        assert 0 < state[4] < 1 << 30
        out = both("cancel", [h, x, taps, pcm, 40 * (k % 4), 40, array("i", bytes(160)), state])
        e, state = out[6], out[7]
        up, down = (4, 0) if k == 3 else (0, 3)
        if k == 3:
            for i in range(40):
                e[i] = d.noise(255)
        more = [up, down, 8, 1 + k * 92, k]  # with 8 fewer bits, as for samples this loud
        w, h = both("learn", [e, x, taps, w, h, 40 * (k % 4), 40] + more)[3:5]
        if k > 8:  # small again
            h = array("i", bytes(4 * taps))
            w = array("i", bytes(4 * taps))


def test_nothing_is_allocated():
    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    speech = FullDuplex(TAPS if FAST else 8, 10)
    # As loud as can be: where a sum could reach 2**30 it would be here.
    voice = bytearray([(0xFF, 0x7F, 0x00, 0x80)[i // 40 % 2 * 2 + i % 2] for i in range(320)])
    near = bytearray(320)

    def frames(n):
        speech.canceller.reset()
        for i in range(n):
            copy(voice, 0, 318, near, 2 if i // 40 % 3 == 1 else 0)
            speech.near(near)
            speech.far(voice)

    gc.collect()
    gc.disable()
    grown = []
    for n in (1, 1, 1000 if FAST else 100):
        before = gc.mem_alloc()
        frames(n)
        grown.append(gc.mem_alloc() - before)
    gc.enable()
    assert grown[1] == grown[2], grown
