# usip: tests of DTMF heard in the sound, and of tones
# MIT licence; Copyright (c) 2026 the usip authors

import gc
from array import array

from dtmfline import LOW, Line, amplitude
from usip.errors import UsageError
from usip.media import _inband_plain, _tones_plain, inband, tones
from usip.media.inband import DIGITS, Detector
from voice import Dice, Voice, get, put


def test_all_digits_of_40_ms():
    line = Line(13)
    for k in range(16):
        line.digit(k)
        line.tone(0, 0, 40)
    assert line.end() == DIGITS


def test_wherever_they_begin():
    for at in range(0, 160, 16):
        line = Line(at)
        line.digit(5)
        line.tone(0, 0, 40)
        line.digit(5)  # 40 ms later it is another press
        line.tone(0, 0, 10)
        line.digit(5)  # 10 ms later it is the same
        line.tone(0, 0, 40)
        line.digit(10, 23)  # none
        assert line.end() == b"55", at


def test_frequency():
    line = Line()
    for k in range(0, 16, 5):
        for off in (985, 1015):
            line.digit(k, 50, off)
            line.tone(0, 0, 40)
    assert line.end() == b"115599DD"
    line = Line()
    for k in range(0, 16, 5):
        for off in (965, 1035):
            line.digit(k, 100, off)
            line.tone(0, 0, 40)
    assert line.end() == b""


def test_twist_and_level():
    line = Line()
    for row, column in ((-6, -14), (-10, -6), (-25, -25), (-30, -30), (-3, -3)):
        line.digit(6, row=row, column=column)
        line.tone(0, 0, 40)
    assert line.end() == b"66666"
    line = Line()
    for row, column in ((-6, -18), (-14, -6), (-40, -40)):
        line.digit(6, 100, row=row, column=column)
        line.tone(0, 0, 40)
    assert line.end() == b""


def test_noise_10_db_below():
    # Two tones of -10 dBm0: three uniform noises of a peak a have together the power a * a.
    line = Line(5, int(amplitude(-10) * 0.316))
    for k in range(16):
        line.digit(k, 70, column=-10)
        line.tone(0, 0, 60)
    assert line.end() == DIGITS


def test_noise_and_voices_are_no_digits():
    line = Line(0, 3000)
    line.tone(0, 0, 1000)
    pcm = bytearray(320)
    d = Detector()
    heard = []
    for seed in range(4):
        v = Voice(seed, pitch=40 + 13 * seed)
        heard += [d.hear(v.frame(pcm)) for _ in range(100)]
    assert line.end() == b"" and heard == [None] * 400


def test_twins():
    try:
        from usip.media import _inband_viper, _tones_viper
    except (ImportError, SyntaxError, ValueError):
        from skip import Skip

        raise Skip("no viper")
    dice = Dice(3)
    one, two = Detector(), Detector()
    pcm, other = bytearray(320), bytearray(320)
    v = array("i", (0, 5710, 8000, 0, 9904, 10000))
    w = array("i", v)
    for i in range(40):
        other[:] = pcm
        _tones_viper.two(pcm, 3, 150, v)
        _tones_plain.two(other, 3, 150, w)
        assert pcm == other and v == w
        for k in range(160):
            if i % 4 == 1:
                put(pcm, k, dice.noise(32767))
            elif i % 4 == 2:
                put(pcm, k, -32768 if k // (3 + i % 5) & 1 else 32767)
            elif i % 4 == 3:
                put(pcm, k, get(pcm, k) >> i % 11)
        for at in (0, 80):
            a = _inband_viper.search(pcm, at, one._w, 8, 0)
            assert a == _inband_plain.search(pcm, at, two._w, 8, 0)
            assert one._w == two._w, i
        v[1] = w[1] = LOW[i & 3] * 8
        v[4] = w[4] = (1209, 1336, 1477, 1633)[i >> 2 & 3] * 8


def test_nothing_is_allocated():
    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    from micropython import heap_lock, heap_unlock

    d = Detector()
    pcm = bytearray(320)
    t = tones.Tone("697+1209/100,0/60")

    def frames(n):
        for _ in range(n):
            t.readinto(pcm)
            d.hear(pcm)

    frames(30)
    assert d._bytes[0] == b"1"
    gc.collect()
    gc.disable()
    grown = []
    for n in (1, 1, 200):
        before = gc.mem_alloc()
        frames(n)
        grown.append(gc.mem_alloc() - before)
    gc.enable()
    assert grown[1] == grown[2], grown
    heap_lock()
    try:
        for _ in (1, 2, 3, 4, 5, 6, 7, 8):
            t.readinto(pcm)
            d.hear(pcm)
    finally:
        heap_unlock()


def test_digits_sent_are_heard():
    d = Detector()
    pcm = bytearray(320)
    source = tones.Digits(b"0123456789*#abcd", 60)
    heard = b""
    while source.readinto(pcm) == 160:
        heard += d.hear(pcm) or b""
    assert heard == b"0123456789*#ABCD"
    assert source.readinto(pcm) == 0 and pcm == bytes(320)


def refused(f, *args):
    try:
        f(*args)
    except UsageError:
        return True
    return False


def test_cadences():
    pcm = bytearray(320)
    for country in ("de", "us", "uk", "fr"):
        for name in ("ringback", "busy", "noanswer", "ok", "wrong", "warning", "privacy"):
            t = tones.tone(name, country)
            sound = 0
            for _ in range(600):  # 12 s
                n = t.readinto(pcm)
                sound += pcm != bytes(320)
                if n < 160:
                    break
            assert (n == 160) == (name in ("ringback", "busy", "noanswer")), (country, name)
            assert 10 < sound < 400, (country, name)
    # Half a second on, half a second off.
    t = tones.tone("busy", "us")
    loud = []
    for _ in range(100):
        t.readinto(pcm)
        loud.append(pcm != bytes(320))
    assert loud == ([True] * 25 + [False] * 25) * 2
    for wrong in ("", "425", "425/x", "5000/20", "x*425/20", "425/0"):
        assert refused(tones.Tone, wrong), wrong
    assert refused(tones.tone, "busy", "xx") and refused(tones.tone, "no")
    assert refused(tones.Digits, b"12x")
    assert refused(inband.Detector().hear, bytearray(318))
    assert refused(t.readinto, bytearray(318))
