# usip: when to play what has come: delay, gaps and clocks that differ
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from . import g711
from .jitter import Jitter
from .rtp import elapsed

_FRAME = g711.FRAME
_REPEATS = 3  # frames made up for what did not come, each 6 dB below the one before
_JUMP = 5  # frames: for more than that playing begins anew
_WINDOW = 500  # frames, 10 s: so long must packets come early before the delay shrinks
_MANY = 25  # packets of a window that were nearly late: no accident

NOISE = 13  # the payload type of comfort noise, RFC 3551 6: nobody speaks from there on

# What is made of the next pause.
_SHORTER = 1  # less of it
_LONGER = 2  # more


class Playout(Jitter):
    """A Jitter whose delay follows the network: packets wait in it for at most JITTER_MAX frames.

    It grows where packets come too late for silence that was played in their place: playing goes
    back to where the gap began. It shrinks by a frame, in a pause, when all packets of ten seconds
    came two frames early, and grows by one, in a pause, when many are nearly late: so a peer's
    clock that is faster or slower than ours is not heard. What is missing is the last frame,
    repeated and faded. Nothing allocates."""

    def __init__(self, slots=limits.JITTER_SLOTS, start=limits.JITTER_START, codec=g711):
        Jitter.__init__(self, slots, start, codec)
        self.concealed = 0  # frames made up
        self._forget()

    def _forget(self):
        self._age = 0
        # Samples by which the packets of this window came early, at least and at most; and a mean.
        self._least = 0x7FFF
        self._most = 0
        self._mean = self._start * _FRAME
        self._slip = 0
        self._tight = 0  # packets of this window that were nearly late
        self._gone = 0  # frames since the last that came
        self._played = -1  # its slot

    def _begin(self, hi, lo):
        Jitter._begin(self, hi, lo)
        self._forget()

    def put(self, hi, lo, law, buf, at, n):
        if self._on:
            d = elapsed(hi, lo, self._hi, self._lo)
            if d < 0 and -d <= self._gone * _FRAME:
                self._back((_FRAME - 1 - d) // _FRAME)
        good = Jitter.put(self, hi, lo, law, buf, at, n)
        d = self.ahead
        if d >= 0:
            # Not by min() and max(): they cost a board 3 % of a packet.
            if d < self._least:
                self._least = d
            if d > self._most:
                self._most = d
            if d < 80:  # half a frame: nearly late
                self._tight += 1
                if self._tight == _MANY:
                    self._slip = _LONGER
            self._mean += (d - self._mean) >> 4
        return good

    def _back(self, frames):
        if frames > _JUMP:
            self._on = False  # a long silence that the peer's timestamps do not count
            return
        self._least = 0
        for _ in range(frames):
            k = (self._slot or len(self._have)) - 1
            if self._have[k] or self._most >= (limits.JITTER_MAX - 1) * _FRAME:
                return  # it would wait too long
            self._slot = k
            self._gone -= 1
            self._most += _FRAME
            self._lo -= _FRAME
            if self._lo < 0:
                self._lo += 0x10000
                self._hi = (self._hi - 1) & 0xFFFF

    @property
    def delay_ms(self):
        """How long packets wait here, of late."""
        return (self._mean + _FRAME) // 8

    def get(self, pcm):
        """The next frame to `pcm`; 0 when there is only silence: `pcm` is as it was."""
        if not self._on:
            return 0
        self._age += 1
        if self._age == _WINDOW:
            early = 0x7FFF > self._least >= 2 * _FRAME
            if early and self._slip == _SHORTER:  # ten seconds without a pause: now or never
                self._skip()
            self._slip = _SHORTER if early else 0
            self._age = self._most = self._tight = 0
            self._least = 0x7FFF
        k = self._slot
        if self._slip:
            have = self._have[k]
            law = self._law[k]
            pause = have and (law == NOISE or self.codec.quiet(law, self._ring, k * _FRAME, _FRAME))
            if self._slip == _SHORTER:
                if pause or not have:
                    self._slip = 0
                    self._skip()
                    k = self._slot
            elif pause and law != NOISE and self._most < (limits.JITTER_MAX - 1) * _FRAME:
                # This one twice: all that comes after it waits for 20 ms longer.
                self._slip = self._tight = self._gone = 0
                self._most += _FRAME
                self._least += _FRAME
                self.codec.decode(law, self._ring, k * _FRAME, _FRAME, pcm)
                return _FRAME
        if self._have[k]:
            self._gone = 0
            if self._law[k] == NOISE:  # nothing to be made up after it
                self._played = -1
                self._step()
                return 0
            self._played = k
            return Jitter.get(self, pcm)
        Jitter.get(self, pcm)
        self._gone += 1
        if self._gone > _REPEATS or self._played < 0:
            return 0
        self.concealed += 1
        k = self._played
        self.codec.decode(self._law[k], self._ring, k * _FRAME, _FRAME, pcm)
        self.codec.fade(pcm, _FRAME, self._gone)
        return _FRAME

    def _skip(self):
        self._step()
        self._least = 0x7FFF
