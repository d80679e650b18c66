# usip: tests of media that need CPython
# MIT licence; Copyright (c) 2026 the usip authors

import math
import os
import struct
import sys
import warnings
import wave
from random import Random

import pytest

from usip.media import _g711_plain, wav
from usip.media.stream import MediaStream

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "unit"))
import test_stream  # noqa: E402

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
except ImportError:  # gone in Python 3.13
    audioop = None


@pytest.mark.skipif(audioop is None, reason="this Python has no audioop")
@pytest.mark.parametrize("law, name", [(0, "ulaw"), (8, "alaw")])
def test_g711_is_audioop(law, name):
    pcm = struct.pack("<65536H", *range(65536))
    out = bytearray(65536)
    _g711_plain.encode(law, pcm, 65536, out, 0)
    assert out == getattr(audioop, "lin2" + name)(pcm, 2)
    codes = bytes(range(256))
    back = bytearray(512)
    _g711_plain.decode(law, codes, 0, 256, back)
    assert back == getattr(audioop, name + "2lin")(codes, 2)


def sine(rate, seconds, hz, channels, width):
    out = bytearray()
    for i in range(int(rate * seconds)):
        v = math.sin(2 * math.pi * hz * i / rate)
        out += (
            struct.pack("<h", int(12000 * v)) if width == 2 else bytes((128 + int(47 * v),))
        ) * channels
    return bytes(out)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
def test_wav_of_the_wave_module(tmp_path, rate, channels, width):
    name = str(tmp_path / "x.wav")
    with wave.open(name, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(width)
        w.setframerate(rate)
        w.writeframes(sine(rate, 0.5, 440, channels, width))
    pcm = bytearray(320)
    heard = bytearray()
    with open(name, "rb") as f:
        r = wav.Reader(f)
        while True:
            n = r.readinto(pcm)
            heard += pcm[: 2 * n]
            if n < 160:
                break
    got = struct.unpack("<%dh" % (len(heard) // 2), heard)
    assert 3990 <= len(got) <= 4000
    # The tone is there and little else: project on 440 Hz, what remains is noise.
    s = [math.sin(2 * math.pi * 440 * i / 8000) for i in range(len(got))]
    c = [math.cos(2 * math.pi * 440 * i / 8000) for i in range(len(got))]
    a = 2 * sum(x * y for x, y in zip(got, s)) / len(got)
    b = 2 * sum(x * y for x, y in zip(got, c)) / len(got)
    noise = sum((g - a * x - b * y) ** 2 for g, x, y in zip(got, s, c)) / len(got)
    assert 11000 < math.hypot(a, b) < 12500
    assert noise < math.hypot(a, b) ** 2 / 2 / 1000  # 30 dB


def test_recording_opens_in_the_wave_module(tmp_path):
    name = str(tmp_path / "x.wav")
    w = wav.Writer(open(name, "wb"))
    w.write(bytes(range(200)))
    w.close()
    with wave.open(name) as r:
        assert (r.getnchannels(), r.getsampwidth(), r.getframerate()) == (1, 2, 8000)
        assert r.readframes(1000) == bytes(range(200))


def mangled(random, packet):
    b = bytearray(packet)
    for _ in range(random.randrange(4)):
        b[random.randrange(len(b))] = random.randrange(256)
    return bytes(b[: random.randrange(len(b) + 1)]) if random.random() < 0.3 else bytes(b)


def test_nothing_from_the_network_raises():
    random = Random(1)
    a = MediaStream(0, 101, rand=random.randbytes if hasattr(random, "randbytes") else os.urandom)
    b = MediaStream(8, 101)
    b.remote = "a"
    pcm = bytearray(320)
    for i in range(20000):
        if i % 500 == 0:
            a.send_digits(b"7")
        n = a.frame_out(pcm)
        if n:
            d = mangled(random, a.tx[:n])
            assert b.receive(d, len(d), random.choice(("a", "b", None)), i * 20) in (
                None,
                *(bytes((c,)) for c in b"0123456789*#ABCD"),
            )
        d = random.getrandbits(8 * 40).to_bytes(40, "big")
        b.receive(d, random.randrange(50), "a", i * 20)
        b.frame_in(pcm)
    assert b.stats()["packets_received"] > 1000


@pytest.mark.parametrize("seed", range(0, 400, 100))
def test_one_press_is_one_digit_many_times(seed):
    for s in range(seed + 1000, seed + 1100):
        assert test_stream.lossy(s), s
