# usip: the jitter buffer
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from . import g711
from .rtp import elapsed

_FRAME = g711.FRAME
_FAR = 16000  # samples; two seconds back is not late, the peer's clock has jumped
_LATE = 4  # a late packet weighs this, one in time takes away 1 ...
_TOO_LATE = 32  # ... and this much says that the delay has grown for good


class Jitter:
    """A ring of octets, 8000 a second, addressed by timestamp; one slot is one frame of 20 ms.

    By timestamp and not by sequence number: digits take sequence numbers but no room, silence that
    is not sent takes time but no numbers, and packets may be of any length. The first frame is
    played `start` frames after it came; from then on every get() is 20 ms. Neither put() nor get()
    allocates.
    """

    def __init__(self, slots=limits.JITTER_SLOTS, start=limits.JITTER_START, codec=g711):
        self.codec = codec  # the module g711, or what does as it does: see g722.Codec
        self._ring = bytearray(slots * _FRAME)
        self._have = bytearray(slots)  # octets that have come for each slot
        self._law = bytearray(slots)
        self._start = start
        self._slot = self._hi = self._lo = 0  # what get() gives next, and its timestamp
        self.ahead = 0  # samples by which the last packet came early, negative: late
        self._late = 0
        self._on = False

    def restart(self):
        """Begin anew with the next packet: another SSRC."""
        self._on = False

    def _begin(self, hi, lo):
        for i in range(len(self._have)):
            self._have[i] = 0
        self._on = True
        self._late = self._slot = 0
        lo -= self._start * _FRAME
        self._lo = lo & 0xFFFF
        self._hi = (hi + (lo >> 16)) & 0xFFFF

    def put(self, hi, lo, law, buf, at, n):
        """Keep buf[at : at + n], whose first sample has the time hi:lo; False if it is late."""
        size = len(self._ring)
        if n > size - self._start * _FRAME:
            return False
        self.ahead = d = elapsed(hi, lo, self._hi, self._lo) if self._on else _FAR
        if -_FAR < d < 0:
            self._late += _LATE
            if self._late < _TOO_LATE:
                return False
        elif self._late:
            self._late -= 1
        if d < 0 or d >= _FAR:
            self._begin(hi, lo)
            self.ahead = d = self._start * _FRAME
        while d + n > size:  # it came in a burst: the oldest is given up
            self._step()
            d -= _FRAME
        p = self._slot * _FRAME + d
        while n > 0:
            if p >= size:
                p -= size
            k = p // _FRAME
            m = min(n, (k + 1) * _FRAME - p)
            if not self._have[k]:
                self._law[k] = law
                if m < _FRAME:
                    self.codec.blank(law, self._ring, k * _FRAME)
            g711.copy(buf, at, m, self._ring, p)
            self._have[k] = min(_FRAME, self._have[k] + m)
            at += m
            p += m
            n -= m
        return True

    def get(self, pcm):
        """The next frame to `pcm`; 0 when nothing came for it: `pcm` is as it was."""
        if not self._on:
            return 0
        k = self._slot
        have = self._have[k]
        if have:
            self.codec.decode(self._law[k], self._ring, k * _FRAME, _FRAME, pcm)
        self._step()
        return have

    def _step(self):
        k = self._slot
        self._have[k] = 0
        k += 1
        self._slot = k if k < len(self._have) else 0
        self._lo += _FRAME
        if self._lo > 0xFFFF:
            self._lo &= 0xFFFF
            self._hi = (self._hi + 1) & 0xFFFF
