# usip: digits heard in the sound itself: DTMF, ITU-T Q.23 and Q.24
# MIT licence; Copyright (c) 2026 the usip authors
#
# Nothing here allocates per frame. A digit allocates the first time it is heard.

from array import array

from ..errors import UsageError
from .g711 import FRAME

try:
    from ._inband_viper import search as _search
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._inband_plain import search as _search

# Rows of 697, 770, 852, 941 Hz, columns of 1209, 1336, 1477, 1633.
DIGITS = b"123A456B789C*0#D"
_BLOCK = FRAME // 2  # 10 ms, so that no sound has to be kept from frame to frame
_HEARD = 3  # blocks in a row: 40 ms always have so many whole ones, 23 ms never
_GONE = 3  # likewise for a pause of 40 ms; a gap of 10 ms tears two blocks
_SOFT = 400  # no pair has a lower peak
_LEAST = 3 * 25 * 360 * 360  # energy in three blocks of a tone of -36 dBm0

# 2 cos and sin of the eight, 8,192 is 1.
_TUNING = (13990, 13478, 12851, 12109, 9536, 8162, 6542, 4657) + (
    (4264, 4658, 5082, 5518, 6661, 7103, 7511, 7854)  # no starred tuple: MicroPython has none
)
# cos and sin of what each turns within a block, and of how much more or less it may turn: 2.5 %,
# less for the upper three, which at 3.5 % have turned more than half round. 256 is 1.
# fmt: off
_TURN = (
    251, -48, 116, 228,
    -79, -243, 92, 239,
    -254, -32, 58, 249,
    -216, 137, 22, 255,
    216, 137, -83, 242,
    -163, 197, -120, 226,
    32, -254, -128, 222,
    -123, 224, -132, 219,
)
# fmt: on


class Detector:
    """Hears DTMF in frames of 160 samples. `digit` is the one that sounds now, -1 for none."""

    def __init__(self):
        self._w = array("i", bytes(4 * 144))
        for i in range(16):
            self._w[24 + i] = _TUNING[i]
        self._bytes = [None] * 16
        self.reset()

    def reset(self):
        self.digit = self._last = -1
        self._run = self._gone = self._slot = 0

    def hear(self, pcm):
        """The digit that begins in this frame as bytes, None if none does."""
        if len(pcm) < 2 * FRAME:
            raise UsageError("buffer too small")
        found = None
        at = 0
        while at < FRAME:
            n = _search(pcm, at, self._w, self._slot, _SOFT)
            at += _BLOCK
            if self._take(n):
                if self._bytes[n] is None:
                    self._bytes[n] = DIGITS[n : n + 1]
                found = self._bytes[n]
        return found

    def _take(self, n):
        # True when with this block digit `n` begins.
        if n != self._last:
            self._last = n
            self._run = 0
        self._run += 1
        if n < 0:
            begins = False
        else:
            self._slot = (self._slot + 8) % 24
            begins = n != self.digit and self._run >= _HEARD and self._sure(n)
        if begins:
            self.digit = n
        if n == self.digit:
            self._gone = 0
        elif self.digit >= 0:
            self._gone += 1
            if self._gone >= _GONE:
                self.digit = -1
        return begins

    # The last three blocks together. One alone says little: its tones leak into each other, and a
    # voice may have any two for 10 ms.
    def _sure(self, n):
        w = self._w
        e = max(w[7], w[15], w[23])
        if min(w[7], w[15], w[23]) < e - 1:
            return False
        low = high = total = most = 0
        least = 0x3FFFFFFF
        for i in (0, 8, 16):
            d = 2 * (e - w[i + 7])
            a = w[i + 4] >> d
            b = w[i + 5] >> d
            total += w[i + 6] >> d
            low += a
            high += b
            most = max(most, a + b)
            least = min(least, a + b)
        # Level. Twist: the row at most 8 dB louder, or 4 dB softer; what leaks may add one. Purity.
        # Not growing nor fading.
        if (
            low < _LEAST >> 2 * e
            or high < _LEAST >> 2 * e
            or low > 9 * high
            or 10 * high > 32 * low
            or 32 * (low + high) < 15 * total
            or 100 * least < 58 * most
        ):
            return False
        return self._tuned(0, n >> 2) and self._tuned(2, 4 + (n & 3))

    # From block to block a tone turns by its frequency times 10 ms: so it is told from one that is
    # 3.5 % off, which 30 ms alone are too short for, and from what slides, as a voice's harmonics.
    def _tuned(self, at, f):
        w = self._w
        re = im = 0
        a = self._slot + at  # the oldest
        for _ in range(_HEARD - 1):
            b = (a + 8) % 24
            x = w[a] - 0x8000
            y = w[a + 1] - 0x8000
            p = w[b] - 0x8000
            q = w[b + 1] - 0x8000
            re += p * x + q * y
            im += q * x - p * y
            a = b
        re >>= 8
        im >>= 8
        f *= 4
        c = _TURN[f]
        s = _TURN[f + 1]
        more = im * c - re * s >> 8
        re = re * c + im * s >> 8
        # sin(limit - angle), times a length
        return re * _TURN[f + 3] > abs(more) * _TURN[f + 2]
