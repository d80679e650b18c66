# usip: tests of the jitter buffer
# MIT licence; Copyright (c) 2026 the usip authors

from usip.media import g711
from usip.media.jitter import Jitter

T = 0xFFFFFE00  # the timestamp wraps in the fourth frame


class Line:
    """A peer that sends frames whose samples all are one PCMU code; heard() plays one."""

    def __init__(self, slots=8, start=3):
        self.buffer = Jitter(slots, start)
        self.pcm = bytearray(320)

    def put(self, i, code=None, n=160, shift=0, law=0):
        ts = (T + 160 * i + shift) & 0xFFFFFFFF
        body = b"?" + bytes((0x80 + (i if code is None else code),)) * n
        return self.buffer.put(ts >> 16, ts & 0xFFFF, law, body, 1, n)

    def heard(self):
        """The code of the next frame's first sample less 0x80, None for nothing."""
        if not self.buffer.get(self.pcm):
            return None
        out = bytearray(160)
        g711.encode(0, self.pcm, 160, out, 0)
        return out[0] - 0x80


def played(line, n):
    return [line.heard() for _ in range(n)]


def test_empty():
    line = Line()
    line.pcm[0] = 7
    assert played(line, 3) == [None] * 3
    assert line.pcm[0] == 7


def test_delay_and_order():
    line = Line()
    for i in (0, 2, 1):
        assert line.put(i)
    assert played(line, 3) == [None] * 3
    assert played(line, 2) == [0, 1]
    assert line.put(4)
    assert line.put(3)
    assert played(line, 4) == [2, 3, 4, None]


def test_many_rounds():
    line = Line()
    got = []
    for i in range(100):
        assert line.put(i, code=i % 50)
        got.append(line.heard())
    assert got == [None] * 3 + [i % 50 for i in range(97)]


def test_missing_duplicate_late():
    line = Line()
    for i in (0, 1, 1, 3):
        assert line.put(i)
    played(line, 3)
    assert played(line, 4) == [0, 1, None, 3]
    assert not line.put(2)
    assert not line.put(3)
    assert line.put(4)
    assert played(line, 1) == [4]


def test_other_lengths():
    # 30 ms packets, and one frame of which only the half comes
    line = Line(slots=8, start=1)
    for i in range(4):
        assert line.put(0, code=i, n=240, shift=240 * i)
    assert line.heard() is None
    out = bytearray(160)
    assert played(line, 1) == [0]
    assert line.buffer.get(line.pcm) == 160
    g711.encode(0, line.pcm, 160, out, 0)
    assert out[:80] == b"\x80" * 80 and out[80:] == b"\x81" * 80
    assert played(line, 4) == [1, 2, 2, 3]
    assert line.put(6, n=80, shift=40)
    assert line.buffer.get(line.pcm) == 80
    g711.encode(0, line.pcm, 160, out, 0)
    assert out == b"\xff" * 40 + b"\x86" * 80 + b"\xff" * 40


def test_law_of_each_frame():
    line = Line(start=0)
    line.put(0, code=0x55, law=8)
    line.put(1, code=0x7F, law=0)
    for _ in range(2):
        assert line.buffer.get(line.pcm)
        assert (
            -16 <= (line.pcm[1] << 8 | line.pcm[0]) - (0x10000 if line.pcm[1] & 0x80 else 0) <= 16
        )


def test_jump_ahead():
    line = Line()
    for i in range(4):
        line.put(i)
    played(line, 4)
    assert line.put(1000, code=60)
    assert played(line, 5) == [None] * 3 + [60, None]


def test_jump_back():
    line = Line()
    line.put(2000, code=1)
    played(line, 4)
    assert line.put(0, code=2)
    assert played(line, 4) == [None] * 3 + [2]


def test_delay_grows_for_good():
    line = Line()
    for i in range(4):
        line.put(i)
    played(line, 12)
    results = []
    for i in range(4, 16):
        results.append(line.put(i))
        line.heard()
    assert results == [False] * 7 + [True] * 5
    assert played(line, 3) == [13, 14, 15]


def test_a_pause_keeps_the_pace():
    # 200 ms of silence that is not sent
    line = Line()
    line.put(0)
    assert played(line, 14) == [None] * 3 + [0] + [None] * 10
    assert line.put(14)
    assert played(line, 4) == [None] * 3 + [14]


def test_too_long():
    line = Line(slots=4, start=3)
    assert not line.put(0, n=161)
    assert line.put(0, n=160)
    assert line.put(1, n=0)


def test_restart():
    line = Line()
    line.put(0)
    line.buffer.restart()
    assert played(line, 5) == [None] * 5
    line.put(9)
    assert played(line, 4) == [None] * 3 + [9]
