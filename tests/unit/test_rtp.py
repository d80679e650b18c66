# usip: tests of RTP
# MIT licence; Copyright (c) 2026 the usip authors

from usip.media import rtp


def rand(n):
    return bytes(range(0xF0, 0xF0 + n))


def packet(first=0x80, pt=8, seq=0x1234, body=b"abcd", csrc=b"", tail=b""):
    head = bytes((first, pt, seq >> 8, seq & 0xFF)) + b"\xfe\xdc\xba\x98" + b"\x01\x02\x03\x04"
    return head + csrc + body + tail


def test_gap():
    for a, b, d in ((1, 0, 1), (0, 0xFFFF, 1), (0xFFFF, 0, -1), (5, 5, 0), (0x8000, 0, -0x8000)):
        assert rtp.gap(a, b) == d


def test_elapsed():
    for a, b, d in (
        (0, 0, 0),
        (160, 0, 160),
        (0, 160, -160),
        (0x10000, 0xFF60, 160),
        (0, 0xFFFFFF60, 160),
        (0xFFFFFF60, 0, -160),
        (0x20000, 0x1FFFF, 1),
        (0x80000, 0, 0x80000),
    ):
        assert rtp.elapsed(a >> 16, a & 0xFFFF, b >> 16, b & 0xFFFF) == d
    assert rtp.elapsed(0x7000, 0, 0, 0) > 200_000_000
    assert rtp.elapsed(0x9000, 0, 0, 0) < -200_000_000


def test_sender():
    tx = bytearray(12)
    s = rtp.Sender(tx, rand)
    # SSRC f0f1f2f3, sequence f4f5, timestamp f6f7f8f9
    s.header(8, True, s.hi, s.lo, 160)
    assert tx == b"\x80\x88\xf4\xf5\xf6\xf7\xf8\xf9\xf0\xf1\xf2\xf3"
    s.tick()
    s.header(0, False, s.hi, s.lo, 160)
    assert tx == b"\x80\x00\xf4\xf6\xf6\xf7\xf9\x99\xf0\xf1\xf2\xf3"
    assert s.sent == 2


def test_sender_wraps():
    tx = bytearray(12)
    s = rtp.Sender(tx, lambda n: b"\xff" * n)
    s.tick()
    s.header(0, False, s.hi, s.lo, 160)
    assert tx[2:8] == b"\xff\xff\x00\x00\x00\x9f"
    s.header(0, False, s.hi, s.lo, 160)
    assert tx[2:4] == b"\x00\x00"


def test_parse():
    h = rtp.Header()
    p = packet(pt=0x88)
    assert h.parse(p, len(p))
    assert (h.pt, h.marker, h.seq, h.hi, h.lo) == (8, 1, 0x1234, 0xFEDC, 0xBA98)
    assert (h.ssrc_hi, h.ssrc_lo, h.at, h.n) == (0x0102, 0x0304, 12, 4)
    # a reused buffer is longer than the datagram
    assert h.parse(bytearray(p + b"rest of another"), len(p)) and h.n == 4
    # no payload: a keep-alive
    assert h.parse(p, 12) and h.n == 0
    # CSRCs, extension, padding
    p = packet(first=0x82, csrc=b"x" * 8)
    assert h.parse(p, len(p)) and (h.at, h.n) == (20, 4)
    p = packet(first=0x91, csrc=b"cccc" + b"\xbe\xde\x00\x01eeee")
    assert h.parse(p, len(p)) and (h.at, h.n) == (24, 4)
    p = packet(first=0xA0, tail=b"\x00\x00\x03")
    assert h.parse(p, len(p)) and (h.at, h.n) == (12, 4)


def test_parse_refuses():
    h = rtp.Header()
    p = packet()
    for n in range(12):
        assert not h.parse(p, n)
    assert not h.parse(p, len(p) + 1)
    for first in (0x00, 0x40, 0xC0):
        assert not h.parse(packet(first=first), 16)
    for pt in (200, 201, 223, 192):
        assert not h.parse(packet(pt=pt), 16)
    # CSRCs or extension longer than the packet; padding of none or of more than there is
    assert not h.parse(packet(first=0x82), 16)
    assert not h.parse(packet(first=0x90, body=b"\x00\x00\x00"), 15)
    assert not h.parse(packet(first=0x90, body=b"\x00\x00\x00\x01"), 16)
    assert not h.parse(packet(first=0x90, body=b"\x00\x00\xff\xff"), 16)
    assert not h.parse(packet(first=0xA0, body=b"abc\x00"), 16)
    assert not h.parse(packet(first=0xA0, body=b"abc\x05"), 16)
    assert h.parse(packet(first=0xA0, body=b"abc\x04"), 16) and h.n == 0


def test_parse_never_raises():
    h = rtp.Header()
    x = 1
    b = bytearray(24)
    for _ in range(3000):
        for i in range(24):
            x = (x * 1103 + 12345) & 0xFFFF
            b[i] = x >> 7 & 0xFF
        b[0] = b[0] & 0x3F | 0x80
        n = x % 25
        if h.parse(b, n):
            assert 12 <= h.at and h.n >= 0 and h.at + h.n <= n


def fed(*seqs):
    r = rtp.Reception()
    for s in seqs:
        r.update(s & 0xFFFF)
    return r.received, r.lost, r.duplicates


def test_counts():
    assert fed() == (0, 0, 0)
    assert fed(7) == (1, 0, 0)
    assert fed(1, 2, 4) == (3, 1, 0)
    assert fed(1, 2, 4, 3) == (4, 0, 0)
    assert fed(1, 2, 2, 1, 3, 2) == (3, 0, 3)
    assert fed(-2, -1, 1, 2) == (4, 1, 0)
    assert fed(0, -1, 1) == (3, 0, 0)
    assert fed(0, -2, 1) == (3, 1, 0)
    assert fed(0, 50, 20, 25, 25) == (4, 47, 1)
    r = rtp.Reception()
    for s in range(0, 140000, 2):
        r.update(s & 0xFFFF)
    assert (r.received, r.lost) == (70000, 69999)


def test_jump():
    r = rtp.Reception()
    assert r.update(10) and r.update(12)
    assert not r.update(30000)  # one alone is an accident
    assert r.update(13)
    assert not r.update(20000)
    assert r.update(20001) and r.update(20002)
    assert (r.received, r.lost) == (5, 1)
    r.restart()
    assert r.update(5) and r.update(7)
    assert (r.received, r.lost, r.duplicates) == (7, 2, 0)


def test_jitter():
    r = rtp.Reception()
    now = 0x3FFFFFF0  # the clock wraps on the way
    lo = 0xFF00
    for i in range(200):
        r.arrived((lo + 160 * i) & 0xFFFF, (now + 20 * i) & 0x3FFFFFFF)
    assert r.jitter_ms == 0
    for i in range(200, 600):
        r.arrived((lo + 160 * i) & 0xFFFF, (now + 20 * i + (i & 1) * 10) & 0x3FFFFFFF)
    assert 9 <= r.jitter_ms <= 10
