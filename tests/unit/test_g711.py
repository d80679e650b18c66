# usip: tests of G.711
# MIT licence; Copyright (c) 2026 the usip authors

from usip.errors import UsageError
from usip.media import _g711_plain, g711

# Of all 65,536 inputs and all 256 codes, as audioop has them (tests/host/test_media_host.py).
ENCODED = {0: 15790272, 8: 6684672}
DECODED = {0: 1879937, 8: 6312864}


def checksum(h, data):
    for c in data:
        h = (h * 31 + c) & 0xFFFFFF
    return h


def ramp(first, pcm):
    for i in range(len(pcm) // 2):
        s = first + i
        pcm[2 * i] = s & 0xFF
        pcm[2 * i + 1] = s >> 8


def encoded(encode, law):
    pcm = bytearray(512)
    out = bytearray(256)
    h = 0
    for first in range(0, 65536, 256):
        ramp(first, pcm)
        encode(law, pcm, 256, out, 0)
        h = checksum(h, out)
    return h


def decoded(decode, law):
    pcm = bytearray(512)
    decode(law, bytes(range(256)), 0, 256, pcm)
    return checksum(0, pcm)


def test_all_inputs():
    for law in (0, 8):
        assert encoded(g711.encode, law) == ENCODED[law]
        assert decoded(g711.decode, law) == DECODED[law]


def test_twin():
    for law in (0, 8):
        assert encoded(_g711_plain.encode, law) == ENCODED[law]
        assert decoded(_g711_plain.decode, law) == DECODED[law]


def test_silence():
    out = bytearray(3)
    g711.encode(0, g711.SILENCE, 3, out, 0)
    assert out == b"\xff\xff\xff"
    g711.encode(8, g711.SILENCE, 3, out, 0)
    assert out == b"\xd5\xd5\xd5"


def test_codes_survive():
    for law in (0, 8):
        codes = bytes(range(256))
        pcm = bytearray(512)
        out = bytearray(256)
        g711.decode(law, codes, 0, 256, pcm)
        g711.encode(law, pcm, 256, out, 0)
        for i in range(256):
            # PCMU has two zeros: the negative one comes back as the positive.
            assert out[i] == (0xFF if law == 0 and i == 0x7F else i)


def test_offsets():
    out = bytearray(6)
    g711.encode(8, bytes(4), 2, out, 3)
    assert out == b"\x00\x00\x00\xd5\xd5\x00"
    pcm = bytearray(b"\x01" * 8)
    g711.decode(0, b"aa\xff\xffaa", 2, 2, pcm)
    assert pcm == b"\x00\x00\x00\x00\x01\x01\x01\x01"
    g711.copy(b"abcdef", 2, 3, out, 1)
    assert out == b"\x00cde\xd5\x00"
    _g711_plain.copy(b"abcdef", 0, 2, out, 4)
    assert out == b"\x00cdeab"


def refused(f, *args):
    try:
        f(*args)
    except UsageError:
        return True
    return False


def test_bounds():
    b = bytearray(8)
    assert refused(g711.encode, 0, b, 5, b, 0)
    assert refused(g711.encode, 0, b, -1, b, 0)
    assert refused(g711.encode, 0, b, 4, b, 5)
    assert refused(g711.encode, 0, b, 1, b, -1)
    assert refused(g711.decode, 0, b, 0, 5, b)
    assert refused(g711.decode, 0, b, 5, 4, b)
    assert refused(g711.decode, 0, b, 0, -1, b)
    assert refused(g711.copy, b, 5, 4, b, 0)
    assert refused(g711.copy, b, 0, 4, b, 5)
    assert refused(g711.copy, b, 0, 4, b, -1)


def test_fade_and_quiet():
    twins = [_g711_plain, g711]
    for m in twins:
        pcm = bytearray(b"\x00\x40\x00\xc0\x01\x00\xff\xff\x07\x00")
        m.fade(pcm, 4, 1)
        assert pcm == b"\x00\x20\x00\xe0\x00\x00\xff\xff\x07\x00"
        for law, loudest in ((0, 372), (8, 504)):
            for code in range(256):
                g711.decode(law, bytes((code,)), 0, 1, pcm)
                s = pcm[0] | pcm[1] << 8
                s = 0x10000 - s if s & 0x8000 else s
                data = b"\x00" + b"\xff\xd5"[law // 8 : law // 8 + 1] * 3 + bytes((code,))
                assert bool(m.quiet(law, data, 1, 4)) == (s <= loudest), (law, code)
    b = bytearray(8)
    assert refused(g711.fade, b, 5, 1) and refused(g711.fade, b, 2, 16)
    assert refused(g711.quiet, 0, b, 2, 8)
