# usip: tests of G.722
# MIT licence; Copyright (c) 2026 the usip authors

import gc
from array import array
from binascii import a2b_base64

from usip.errors import UsageError
from usip.media import _g722_plain, g711, g722
from usip.media.g722 import Codec, Decoder, Encoder
from usip.media.stream import MediaStream
from usip.media.wide import Wide
from voice import Dice, Voice, db, energy, get, put

HEAPS = 2  # both twins, and seconds of speech

# The tables of the Recommendation as it prints them: of 3.5 and 6.2.1.3, of 3.2.1, 4.2, 4.3.
ILB = (2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774,
       2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838,
       3922, 4008)  # fmt: skip
Q6 = (0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940,
      1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 0, 0)  # fmt: skip
UP6 = (24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192,
       6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040,
       728)  # fmt: skip
UP4 = (20456, 12896, 8968, 6288, 4240, 2584, 1200)
WEIGHTS = (3042, 1198, 538, 334, 172, 58, -30)


def test_tables():
    down = [-x for x in UP6]
    table = [-136] * 4 + down + list(UP6) + [432, 136, -432, -136]
    table += [-7408, -1616, 7408, 1616, 798, -214, 798, -214]
    table += [0] + [-x for x in UP4] + list(UP4) + [0]
    table += [-60] + list(WEIGHTS) * 2 + [-60]
    assert list(g722._TABLES) == list(ILB + Q6) + [x + 0x8000 for x in table]


def sound(k, wide):
    """320 samples, the same everywhere: speech, noise as loud as can be, whispers, square waves."""
    if k % 4 == 0:
        for half in range(2):
            pcm = bytearray(320)
            VOICE.frame(pcm)
            wide[320 * half : 320 * half + 320] = pcm
    else:
        for i in range(320):
            x = NOISE.noise((0, 32767, 60, 0)[k % 4])
            if k % 4 == 3:
                x = 32767 if i // (3 + k % 7) & 1 else -32768
            put(wide, i, x)
    return wide


def restart():
    global VOICE, NOISE
    VOICE = Voice(11, 30000)
    NOISE = Dice(12)


class Sum:
    """A checksum of octets (Fletcher's)."""

    def __init__(self):
        self.a = self.b = 0

    def add(self, data):
        a, b = self.a, self.b
        for x in data:
            a = (a + x) % 65521
            b = (b + a) % 65521
        self.a, self.b = a, b

    def get(self):
        return self.a, self.b


# What the g722 coder and decoder of libavcodec (FFmpeg 8) made of sound(): the first frame's octets
# and the sums over FRAMES; of the coder libspandsp 0.0.6 makes the same.
FRAMES = 40
FIRST = (
    b"+vp6nrS3sojEPuVwThC5nYvebarXRnmqfNF88BzTkBNzbpoVlWBg0s27L3e/Wdr29B6Xfnp5v1xc93Ue"
    b"23y9XTq/3B0moHHN1PX5Xv7ceHH+GP95vt39eru939339J4XnTmfYOXUVHl63Pqe2vt32114+dqePl79"
    b"31rd9ft/dzidOZ3go9PYX3b9v5la93Vf2V73/J5dv37f/f74u17aGQ=="
)
CODED = (13096, 6778)
DECODED = (38078, 60246)
RANDOM = (3556, 12380)


def test_as_others_code_and_decode():
    restart()
    e, d = Encoder(), Decoder()
    wide, back, octets = bytearray(640), bytearray(640), bytearray(160)
    coded, decoded = Sum(), Sum()
    for k in range(FRAMES):
        e.encode(sound(k, wide), octets, 0)
        if k == 0:
            assert octets == a2b_base64(FIRST)
        coded.add(octets)
        d.decode(octets, 0, back)
        decoded.add(back)
    assert coded.get() == CODED
    assert decoded.get() == DECODED


def test_octets_that_nobody_coded():
    d, dice = Decoder(), Dice(7)
    wide, octets = bytearray(640), bytearray(160)
    total = Sum()
    for _ in range(FRAMES):
        for i in range(160):
            octets[i] = dice.below(256)
        d.decode(octets, 0, wide)
        total.add(wide)
    assert total.get() == RANDOM


def tone(pcm, hz, hertz, k, loud=8000):
    """Frame `k` of a sine of `hz` at a rate of `hertz`."""
    from math import pi, sin

    n = len(pcm) // 2
    for i in range(n):
        put(pcm, i, int(loud * sin(2 * pi * (hz * (k * n + i) % hertz) / hertz)))
    return pcm


def strength(pcm, hz, hertz):
    """How strong a tone is in `pcm` beside all that is there, in dB."""
    from math import cos, pi, sin

    n = len(pcm) // 2
    x = 2 * pi * hz / hertz
    a = sum([get(pcm, i) * sin(x * i) for i in range(n)])
    b = sum([get(pcm, i) * cos(x * i) for i in range(n)])
    return db(2 * (a * a + b * b) / n, energy(pcm))


def test_both_bands():
    for hz in (300, 1000, 3400, 5000, 6500):
        e, d = Encoder(), Decoder()
        wide, back, octets = bytearray(640), bytearray(640), bytearray(160)
        for k in range(4):
            e.encode(tone(wide, hz, 16000, k), octets, 0)
            d.decode(octets, 0, back)
        assert -1 < db(energy(back), energy(wide)) < 0.5, hz
        assert strength(back, hz, 16000) > -0.2, hz


def test_narrow_is_the_lower_band():
    # From a device of 8 kHz to one of 16 kHz and back.
    for hz in (300, 1000, 3000):
        e, d, n = Encoder(), Decoder(), Decoder()
        pcm, wide, back, octets = bytearray(320), bytearray(640), bytearray(320), bytearray(160)
        for k in range(4):
            e.narrow(tone(pcm, hz, 8000, k), octets, 0)
            d.decode(octets, 0, wide)
            n.narrow(octets, 0, back)
        assert -0.5 < db(energy(wide), 2 * energy(pcm)) < 0.5, hz
        assert strength(wide, hz, 16000) > -0.2, hz
        assert -0.5 < db(energy(back), energy(pcm)) < 0.5, hz
        both = bytearray(320)
        n.reset()
        d.reset()
        n.narrow(octets, 0, back)
        d.decode(octets, 0, wide, both)
        assert both == back, hz


class Device:
    """A sound device of 16 kHz."""

    rate = 16000

    def __init__(self, hz):
        self.hz = hz
        self.k = 0
        self.played = bytearray(640)
        self.said = []

    def start(self):
        self.said.append("start")

    def stop(self):
        self.said.append("stop")

    def readinto(self, wide):
        assert len(wide) == 640
        tone(wide, self.hz, 16000, self.k)
        self.k += 1

    def write(self, wide):
        self.played[:] = wide


class End:
    """One end of a call, as the pump does it."""

    def __init__(self, device, law, codec):
        self.device = device
        self.audio = Wide(device)
        self.audio.codec = codec
        self.codec = codec
        self.stream = MediaStream(law, codec=codec or g711)
        self.stream.remote = b"peer"
        self.pcm = bytearray(320)

    def frame(self, peer, lost=False):
        self.audio.readinto(self.pcm)
        n = self.stream.frame_out(self.pcm)
        if n and not lost:
            peer.stream.receive(self.stream.tx, n, b"peer")
        if not self.stream.frame_in(self.pcm) and self.codec:
            self.codec.has_wide = False
        self.audio.write(self.pcm)


def test_stream():
    a, b = End(Device(6000), 9, Codec()), End(Device(1000), 9, Codec())
    for _ in range(10):
        a.frame(b)
        b.frame(a)
    assert a.stream.tx[1] & 0x7F == 9
    assert strength(b.device.played, 6000, 16000) > -0.3
    assert strength(a.device.played, 1000, 16000) > -0.3
    # what waits is played, three frames are made up, softer each time; then silence
    before = energy(b.device.played)
    loud = []
    for _ in range(12):
        a.frame(b, lost=True)
        b.frame(a)
        loud.append(db(energy(b.device.played), before))
    assert min(loud[:3]) > -1 and -8 < loud[3] < -5 and -14 < loud[4] < -11, loud
    assert b.stream.stats()["frames_concealed"] == 3
    assert energy(b.device.played) == 0
    # PCMA comes through, too; the device has no less for it
    a.stream.law = 8
    a.device.hz = 1000
    for _ in range(8):
        a.frame(b)
        b.frame(a)
    assert strength(b.device.played, 1000, 16000) > -0.3
    a.stream.law = 9
    a.stream.reset(9)
    assert a.stream.laws == (0, 8, 9)
    a.audio.start()
    a.audio.stop()
    assert a.device.said == ["start", "stop"]
    a.audio.codec = None
    assert a.codec.wide is None


def test_pace_is_the_devices():
    class Paced(Device):
        def pace(self):
            return 1

    assert Wide(Paced(1000)).pace() == 1 and not hasattr(Wide(Device(1000)), "pace")


def test_no_codec():
    # A device of 16 kHz in a call of PCMU.
    a, b = End(Device(2000), 0, None), End(Device(500), 0, None)
    for _ in range(8):
        a.frame(b)
        b.frame(a)
    assert strength(b.device.played, 2000, 16000) > -0.3
    assert b.stream.laws == (0, 8)


def test_silence():
    c, d = Codec(), Codec()
    octets, pcm = bytearray(160), bytearray(320)
    for k in range(5):
        c.encode(9, tone(pcm, 700, 8000, k), 160, octets, 0)
        d.decode(9, octets, 0, 160, pcm)
        assert not d.quiet(9, octets, 0, 160)
    for _ in range(5):
        c.encode(9, g711.SILENCE, 160, octets, 0)
        d.decode(9, octets, 0, 160, pcm)
    assert energy(pcm) < 160 * 16 and d.quiet(9, octets, 0, 160)
    # a slot of the jitter buffer that is filled by halves touches no state
    before = list(c.encoder.low.state)
    c.blank(9, octets, 0)
    assert list(c.encoder.low.state) == before
    for _ in range(5):
        d.decode(9, octets, 0, 160, pcm)
    assert energy(pcm) < 160 * 64 * 64 and d.quiet(9, octets, 0, 160)
    c.blank(8, octets, 0)
    assert octets == b"\xd5" * 160
    # G.711 is as it was
    c.encode(8, g711.SILENCE, 160, octets, 0)
    assert octets == b"\xd5" * 160 and d.quiet(8, octets, 0, 160)
    d.decode(8, octets, 0, 160, pcm)
    assert energy(pcm) == 160 * 64


def test_bounds():
    e, d = Encoder(), Decoder()
    wide, pcm, octets = bytearray(640), bytearray(320), bytearray(161)
    for f, args in (
        (e.encode, (pcm, octets, 0)),
        (e.encode, (wide, octets, 2)),
        (e.encode, (wide, octets, -1)),
        (e.narrow, (octets, octets, 0)),
        (e.narrow, (pcm, octets, 2)),
        (d.decode, (octets, 2, wide)),
        (d.decode, (octets, -1, wide)),
        (d.decode, (octets, 0, pcm)),
        (d.decode, (octets, 0, wide, octets)),
        (d.narrow, (octets, 2, pcm)),
        (d.narrow, (octets, 0, octets)),
    ):
        try:
            f(*args)
            raise AssertionError((f, args))
        except UsageError:
            pass


def test_twin():
    dice = Dice(21)
    restart()

    def both(name, args):
        out = []
        for f in (getattr(g722, "_" + name), getattr(_g722_plain, name)):
            own = [x if isinstance(x, int) else x[:] for x in args]
            f(*own)
            out.append([x if isinstance(x, int) else list(x) for x in own])
        for i in range(len(args)):
            assert out[0][i] == out[1][i], (name, i)
            if not isinstance(args[i], int):
                for j in range(len(args[i])):
                    args[i][j] = out[0][i][j]

    wide, pcm, octets = bytearray(640), bytearray(320), bytearray(162)
    x = array("h", bytes(640))
    line = array("H", b"\x00\x80" * 342)
    back = array("H", b"\x00\x80" * 342)
    states = [array("i", bytes(88)) for _ in range(4)]
    for what in range(4):
        states[what][19] = 8 if what & 1 else 32
    for k in range(8):
        sound(k, wide)
        both("mirror", [line, x, wide, 160, 0])
        for what in range(4):
            if what == 2:
                if k > 5:  # octets that no coder makes
                    for i in range(162):
                        octets[i] = dice.below(256)
            first = 160 * (what & 1)
            both("band", [states[what], g722._TABLES, x, octets, first, 160, 1, what])
        both("mirror", [back, x, wide, 160, 1])
        both("lower", [wide, x, 160, octets, 2, 255])
        both("raised", [x, 160, pcm])


def test_nothing_is_allocated():
    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    c = Codec()
    c.wide = bytearray(640)
    mic, pcm, octets = bytearray(640), bytearray(320), bytearray(160)
    Voice(1).frame(pcm)

    def frames(n):
        for k in range(n):
            c.mic = mic if k & 1 else None
            mic[0] = k & 255
            c.encode(9, pcm, 160, octets, 0)
            c.decode(9, octets, 0, 160, pcm)
            c.quiet(9, octets, 0, 160)
            c.encode(9, g711.SILENCE, 160, octets, 0)
            c.decode(8, octets, 0, 160, pcm)

    fast = g722._band is not _g722_plain.band
    gc.collect()
    gc.disable()
    grown = []
    for n in (2, 2, 500 if fast else 10):
        before = gc.mem_alloc()
        frames(n)
        grown.append(gc.mem_alloc() - before)
    gc.enable()
    assert grown[1] == grown[2], grown
