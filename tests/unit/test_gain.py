# usip: tests of volume, microphone gain, gate, automatic gain, high-pass
# MIT licence; Copyright (c) 2026 the usip authors

from math import pi, sin

from usip.errors import UsageError
from usip.media import _gain_plain, gain
from usip.media.gain import UNITY, Agc, Fader, Gate, HighPass, Meter, dbfs, factor
from voice import Dice, Voice, db, energy, get, put

FRAME = 160


def noise(dice, pcm, peak):
    for i in range(FRAME):
        put(pcm, i, dice.noise(peak))
    return pcm


def sine(pcm, hz, loud, first=0, rate=8000, offset=0):
    for i in range(len(pcm) // 2):
        put(pcm, i, int(loud * sin(2 * pi * hz * (first + i) / rate)) + offset)
    return pcm


def refused(f, *args):
    try:
        f(*args)
    except UsageError:
        return True
    return False


def test_scale():
    pcm = bytearray(320)
    for first in range(-32768, 32768, 4095):
        for g, limit in ((UNITY, 32767), (UNITY // 2, 32767), (0, 32767), (64 * UNITY, 20000)):
            for i in range(FRAME):
                put(pcm, i, first + 7 * i)
            gain.scale(pcm, g, limit)
            for i in range(FRAME):
                s = min(max(first + 7 * i, -32768), 32767)
                s = (s * (g >> 8) + 128) >> 8
                assert get(pcm, i) == min(max(s, -limit), limit)


def test_db():
    assert factor(0) == UNITY
    assert abs(factor(6.0206) - 2 * UNITY) < 3
    assert refused(factor, 36.5)
    pcm = sine(bytearray(320), 400, 32767 // 10)
    m = Meter()
    m.loudness(pcm)
    assert abs(m.loudness(pcm) - dbfs(-20)) < dbfs(-20) // 20


def test_bounds():
    pcm = bytearray(320)
    assert refused(gain.scale, bytearray(318), UNITY)
    assert refused(gain.scale, pcm, -1)
    assert refused(gain.scale, pcm, gain.MOST + 1)
    assert refused(gain.scale, pcm, UNITY, 32768)
    assert refused(gain.narrow, bytearray(639), pcm, 160)
    assert refused(gain.narrow, bytearray(640), pcm, 161)
    assert refused(gain.narrow, bytearray(640), pcm, -1)
    assert refused(gain.narrow, bytearray(640), pcm, 160, 9)
    for x in (Meter().loudness, HighPass().process, Gate().process, Agc().process):
        assert refused(x, bytearray(318))
    assert refused(lambda: Agc(most_db=-1))


def test_narrow():
    # the 24 bits are the upper ones of 32; below them a part may put what it likes
    rows = (
        (0x123456, 0, 0x1234),
        (0x123456, 2, 0x123456 >> 6),
        (0x001234, 8, 0x1234),
        (0x012345, 8, 32767),
        (-0x012345, 8, -32767),
        (-1, 0, -1),
        (-0x000100, 0, -1),
        (0x7FFFFF, 0, 0x7FFF),
        (0x7FFFFF, 1, 32767),
    )
    wide = bytearray(4)
    pcm = bytearray(2)
    for value, louder, out in rows:
        wide[0] = 0xA5
        for i in range(3):
            wide[i + 1] = value >> 8 * i & 0xFF
        for f in (gain._narrow, _gain_plain.narrow):
            f(wide, pcm, 1, 8 - louder)
            assert get(pcm, 0) == out, (value, louder)


def test_fader_has_no_steps():
    f = Fader()
    pcm = bytearray(320)
    last = 10000
    for g in (0, 0, UNITY, UNITY // 4, UNITY):
        for i in range(FRAME):
            put(pcm, i, 10000)
        f.process(pcm, g)
        for i in range(FRAME):
            assert abs(get(pcm, i) - last) < 700
            last = get(pcm, i)
        assert last == 10000 * g // UNITY


def test_high_pass():
    h = HighPass()
    pcm = bytearray(320)
    for k in range(50):
        sine(pcm, 300, 8000, FRAME * k, offset=6000)
        h.process(pcm)
    assert abs(sum([get(pcm, i) for i in range(FRAME)])) < 160 * 40
    assert -0.3 < db(energy(pcm), energy(sine(bytearray(320), 300, 8000))) < 0.1
    # what a full swing of both does is cut, and forgotten
    for k in range(100):
        for i in range(FRAME):
            put(pcm, i, -32768 if k % 4 < 2 else 32767)
        h.process(pcm)
    for _ in range(20):
        h.process(bytearray(320))
    out = bytearray(320)
    h.process(out)
    assert max([abs(get(out, i)) for i in range(FRAME)]) <= 1


def test_meter_passes_over_clicks():
    m = Meter()
    pcm = bytearray(320)
    put(pcm, 70, 32767)
    put(pcm, 71, -32767)
    assert m.loudness(pcm) == 0
    for i in range(60, 140):  # 10 ms wherever they begin hold at least one whole pair's half
        put(pcm, i, 1000)
    assert m.loudness(pcm) >= 20000


def test_gate():
    g = Gate(depth_db=15)
    d = Dice(7)
    pcm = bytearray(320)
    before = after = 0.0
    for k in range(150):
        noise(d, pcm, 60)
        e = energy(pcm)
        g.process(pcm)
        if k >= 100:
            before += e
            after += energy(pcm)
    assert -16 < db(after, before) < -14
    # Speech: open at once, for the whole frame but its first 2 ms, and over the pauses.
    voice = Voice(5)
    said = heard = 0.0
    for k in range(60):
        voice.frame(pcm)
        e = energy(pcm)
        opened = g.process(pcm)
        if k < 3:
            said += e
            heard += energy(pcm)
        else:
            assert opened
    assert -0.5 < db(heard, said) <= 0
    # and shut 300 ms later
    opened = [g.process(noise(d, pcm, 60)) for _ in range(30)]
    assert 14 <= opened.index(False) <= 16 and not any(opened[16:])


def spoken(a, loud, frames=250, seed=1):
    """How loud speech of that peak gets, in dB to the target, in its last second; its peak."""
    v = Voice(seed, loud, on=45, off=12)
    m = Meter()
    pcm = bytearray(320)
    most = peak = 0
    for k in range(frames):
        a.process(v.frame(pcm))
        peak = max(peak, max([abs(get(pcm, i)) for i in range(FRAME)]))
        if k >= frames - 50:
            most = max(most, m.loudness(pcm))
    return db(float(most) * most, float(a.target) * a.target), peak


def test_agc_brings_all_voices_to_one_loudness():
    soft, _ = spoken(Agc(), 2500)
    loud, peak = spoken(Agc(), 26000)
    assert -4 < soft < 4 and -4 < loud < 4, (soft, loud)
    assert peak <= 26000


def test_agc_limits():
    a = Agc(most_db=9)
    spoken(a, 1000)
    assert factor(8) < a.gain <= factor(9)
    # Suddenly a shout: the limit holds from the first sample on.
    _, peak = spoken(a, 32767, 50, seed=2)
    assert 20000 < peak <= 26000
    assert refused(lambda: Agc(limit=0))


def test_agc_leaves_noise_alone():
    a = Agc()
    spoken(a, 12000)
    g = a.gain
    d = Dice(3)
    pcm = bytearray(320)
    for _ in range(150):
        a.process(noise(d, pcm, 20))
    assert abs(a.gain - g) <= g // 50


def test_twin():
    d = Dice(99)
    names = ("scale", "loudness", "peak", "level_out", "narrow")
    from array import array

    def both(name, args):
        """The results and all buffers after each."""
        out = []
        for f in (getattr(gain, "_" + name), getattr(_gain_plain, name)):
            own = [x if isinstance(x, int) else x[:] for x in args]
            result = f(*own)
            out.append((result, [x if isinstance(x, int) else list(x) for x in own]))
        assert out[0] == out[1], name
        return out[0]

    assert all([hasattr(_gain_plain, x) for x in names])
    pcm = bytearray(320)
    wide = bytearray(640)
    state = array("i", (0x8000, 0x10000000))
    for k in range(12):
        for i in range(320):
            pcm[i] = d.below(256) if k < 8 else (0x00, 0x80, 0xFF, 0x7F)[k - 8 if i & 1 else 3]
        for i in range(640):
            wide[i] = d.below(256)
        g = (0, 1, UNITY, UNITY * 64, 70000, 3000000)[k % 6]
        both("scale", [pcm, 3, 157, g, -g // 160, 32767 - 3000 * k])
        both("scale", [pcm, 0, 16, 0, UNITY // 16, 32767])
        both("loudness", [pcm, 160, array("i", (d.below(2000) * 600,))])
        both("peak", [pcm, 160])
        state = array("i", both("level_out", [pcm, 160, state])[1][2])
        both("narrow", [wide, pcm, 160, k % 9])


def test_nothing_is_allocated():
    import gc

    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    pcm = Voice(1).frame(bytearray(320))
    wide = bytearray(640)
    gate, agc, high = Gate(), Agc(), HighPass()

    def frames(n):
        for _ in range(n):
            gain.narrow(wide, pcm, 160, 4)
            high.process(pcm)
            gate.process(pcm)
            agc.process(pcm)
            gain.scale(pcm, 50000)

    frames(1)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    frames(1)
    one = gc.mem_alloc() - before
    before = gc.mem_alloc()
    frames(1000)
    many = gc.mem_alloc() - before
    gc.enable()
    assert many == one, (one, many)
