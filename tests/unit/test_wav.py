# usip: tests of WAV files
# MIT licence; Copyright (c) 2026 the usip authors

import io
import struct

from usip.errors import UsageError
from usip.media.wav import Reader, Writer


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + (b"\0" if len(body) & 1 else b"")


def wav(data, rate=8000, bits=16, channels=1, kind=1, before=b"", more=b"", size=None):
    step = channels * bits // 8
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * step, step, bits) + more
    body = b"WAVE" + before + chunk(b"fmt ", fmt) + before
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body + before)


def samples(pcm, n=None):
    return list(struct.unpack("<%dh" % (len(pcm) // 2), pcm))[:n]


def pack(values):
    return struct.pack("<%dh" % len(values), *values)


def everything(r, frame=8):
    pcm = bytearray(2 * frame)
    out = []
    while True:
        n = r.readinto(pcm)
        out += samples(pcm, n)
        if n < frame:
            return out


def refusal(f):
    try:
        Reader(f)
    except UsageError as e:
        return str(e)
    return None


def test_plain():
    values = [i * 300 - 3000 for i in range(20)]
    r = Reader(wav(pack(values)))
    assert (r.rate, r.bits, r.channels) == (8000, 16, 1)
    assert everything(r) == values
    assert r.readinto(bytearray(8)) == 0
    r.rewind()
    assert everything(r, 7) == values


def test_other_chunks():
    junk = chunk(b"LIST", b"odd") + chunk(b"bext", bytes(600))
    assert everything(Reader(wav(pack([1, -2, 3]), before=junk))) == [1, -2, 3]


def test_extensible_and_unknown_length():
    sub = struct.pack("<HHI", 22, 16, 4) + b"\x01\0" + bytes(14)
    assert everything(Reader(wav(pack([5, 6]), kind=0xFFFE, more=sub))) == [5, 6]
    assert everything(Reader(wav(pack([5, 6]), size=0xFFFFFFFF))) == [5, 6]
    # cut off in the middle of a sample
    assert everything(Reader(wav(pack([5, 6]) + b"\1", size=100))) == [5, 6]


def test_8_bits_and_stereo():
    assert everything(Reader(wav(b"\x80\x00\xff\x81", bits=8))) == [0, -32768, 32512, 256]
    assert everything(Reader(wav(pack([100, 300, -5, 5, 7, 8]), channels=2))) == [200, 0, 7]
    assert everything(Reader(wav(b"\x80\x90\x00\x00", bits=8, channels=2))) == [2048, -32768]


def test_16000():
    assert everything(Reader(wav(pack([0, 10, 20, 40, -10, -30, 7]), rate=16000))) == [5, 30, -20]


def test_other_rates():
    # length and level are kept, whatever the rate
    for rate in (8001, 11025, 12000, 22050, 32000, 44100, 48000):
        for channels in (1, 2):
            data = pack([1000] * channels) * (rate // 50)
            out = everything(Reader(wav(data, rate=rate, channels=channels)))
            assert 158 <= len(out) <= 160, (rate, len(out))
            assert set(out) == {1000}


def test_ramp_at_44100():
    out = everything(Reader(wav(pack([i * 20 for i in range(882)]), rate=44100)))
    for i in range(len(out)):
        assert abs(out[i] - (i * 5.5125 + 2.25) * 20) < 3


def test_full_scale():
    for level in (32767, -32768):
        out = everything(Reader(wav(pack([level] * 441), rate=44100)))
        assert set(out) == {level}


def test_refuses():
    assert refusal(io.BytesIO(b"")) == "not a WAV file"
    assert refusal(io.BytesIO(b"ID3" + bytes(100))) == "not a WAV file"
    assert refusal(io.BytesIO(b"RIFF\4\0\0\0WAVE")) == "WAV file without sound"
    bare = b"RIFF\x0c\0\0\0WAVEdata\0\0\0\0"
    assert refusal(io.BytesIO(bare)) == "WAV file without a format"
    for kw in ({"kind": 7}, {"bits": 24}, {"channels": 3}, {"rate": 4000}, {"rate": 96000}):
        text = refusal(wav(bytes(12), **kw))
        assert text.startswith("WAV must be 8 or 16-bit PCM"), text
    assert "format 7, 16-bit, 1 channels, 8000 Hz" in refusal(wav(b"", kind=7))
    short = wav(b"").getvalue()
    for n in range(len(short)):
        assert refusal(io.BytesIO(short[:n]))


class Kept(io.BytesIO):
    def close(self):
        pass


def test_write():
    f = Kept()
    w = Writer(f)
    w.write(pack([1, 2, 3]))
    # not closed: of unknown length, and readable all the same
    f.seek(0)
    assert everything(Reader(f)) == [1, 2, 3]
    w.patch()
    w.write(pack([4]))
    w.close()
    b = f.getvalue()
    assert len(b) == 44 + 8
    assert struct.unpack("<I", b[4:8])[0] == 44 and struct.unpack("<I", b[40:44])[0] == 8
    f.seek(0)
    r = Reader(f)
    assert (r.rate, r.bits, r.channels) == (8000, 16, 1)
    assert everything(r) == [1, 2, 3, 4]
