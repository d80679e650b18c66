# usip: tests of 16 kHz to 8 kHz and back
# MIT licence; Copyright (c) 2026 the usip authors

from math import pi, sin

from usip.errors import UsageError
from usip.media import _rate_plain, rate
from voice import Dice, db, energy, get, put


def tone(pcm, hz, hertz, k, loud=10000):
    """Frame `k` of a sine of `hz` at a rate of `hertz`."""
    n = len(pcm) // 2
    for i in range(n):
        put(pcm, i, int(loud * sin(2 * pi * (hz * (k * n + i) % hertz) / hertz)))
    return pcm


def halved(hz):
    """How loud a tone is behind the Halver, in dB to before."""
    h = rate.Halver()
    wide, pcm = bytearray(640), bytearray(320)
    for k in range(3):
        tone(wide, hz, 16000, k)
        h.process(wide, pcm)
    return db(2 * energy(pcm), energy(wide))


def test_halver():
    for hz in (100, 1000, 2500, 3400):
        assert -0.1 < halved(hz) < 0.1, hz
    # what would fold back into speech
    for hz in (4600, 5000, 6100, 7900):
        assert halved(hz) < -48, hz


def test_doubler():
    for hz in (100, 1000, 2500, 3400):
        d = rate.Doubler()
        wide, pcm = bytearray(640), bytearray(320)
        for k in range(3):
            d.process(tone(pcm, hz, 8000, k), wide)
        assert -0.1 < db(energy(wide), 2 * energy(pcm)) < 0.1, hz
        # Its mirror above 4 kHz: a sine at half the rate turns it back, and what is left is that.
        h = [get(wide, i) for i in range(320)]
        x = 2 * pi * (8000 - hz) / 16000
        a = sum([h[i] * sin(x * i) for i in range(320)]) / 160
        b = sum([h[i] * sin(x * i + pi / 2) for i in range(320)]) / 160
        assert db(a * a + b * b, 10000.0**2) < -45, hz


def test_there_and_back():
    # A loud square wave rings over the ends of 16 bits: it is cut, not wrapped.
    d, h = rate.Doubler(), rate.Halver()
    pcm, wide, out = bytearray(320), bytearray(640), bytearray(320)
    for i in range(160):
        put(pcm, i, 32767 if i // 20 & 1 else -32768)
    for _ in range(2):
        d.process(pcm, wide)
        h.process(wide, out)
    for i in range(20, 160):
        at = i - 20  # both filters together: half a sample less
        if at % 20 != 19:
            assert get(out, i) * get(pcm, at) > 0
    d.reset()
    h.reset()
    d.process(bytearray(320), wide)
    h.process(wide, out)
    assert wide == bytes(640) and out == bytes(320)


def test_bounds():
    for f, a, b in ((rate.Halver(), 640, 320), (rate.Doubler(), 320, 640)):
        for x, y in ((a - 1, b), (a, b - 1)):
            try:
                f.process(bytearray(x), bytearray(y))
                raise AssertionError("taken")
            except UsageError:
                pass


def test_twin():
    d = Dice(5)
    wide = bytearray(640)
    history = [bytearray(716), bytearray(716), bytearray(358), bytearray(358)]
    for k in range(10):
        for i in range(640):
            wide[i] = d.below(256)
        if k > 5:  # the ends of the range, and as loud as the taps can be together
            for i in range(320):
                put(wide, i, (-32768 if i // k & 1 else 32767) if k < 8 else 32767 - k)
        out = []
        for f, x in ((rate._halve, history[0]), (_rate_plain.halve, history[1])):
            pcm = bytearray(320)
            f(wide, x, pcm, 160)
            out.append(pcm)
        assert out[0] == out[1]
        assert history[0][:76] == history[1][:76]
        out = []
        for f, x in ((rate._double, history[2]), (_rate_plain.double, history[3])):
            more = bytearray(640)
            f(wide, x, more, 160)
            out.append(more)
        assert out[0] == out[1]
        assert history[2][:38] == history[3][:38]


def test_nothing_is_allocated():
    import gc

    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    d, h = rate.Doubler(), rate.Halver()
    pcm, wide = bytearray(b"\x55\xaa" * 160), bytearray(640)

    def frames(n):
        for _ in range(n):
            d.process(pcm, wide)
            h.process(wide, pcm)

    gc.collect()
    gc.disable()
    grown = []
    for n in (1, 1, 1000):
        before = gc.mem_alloc()
        frames(n)
        grown.append(gc.mem_alloc() - before)
    gc.enable()
    assert grown[1] == grown[2], grown
