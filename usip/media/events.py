# usip: telephone-events, RFC 4733
# MIT licence; Copyright (c) 2026 the usip authors
#
# Nothing here allocates per packet. A digit allocates the first time it is heard.

from ..errors import UsageError
from .g711 import FRAME
from .rtp import elapsed

DIGITS = b"0123456789*#ABCD"  # RFC 4733 3.2: event codes 0-15
DURATION_MS = 160
_SHORTEST_MS = 100  # some gateways hear nothing shorter
_LONGEST_MS = 8000  # 65,535 samples are 8,191 ms
_VOLUME = 10  # -10 dBm0
_ENDS = 3  # RFC 4733 2.5.1.4: the last packet is sent three times
_PAUSE = 3  # frames after the third: with the two repeats before it, 100 ms between two digits
_OLD = 5 * 8000  # samples; what is older is no straggler, the peer's clock has jumped
_FORGIVEN = FRAME  # half of the 40 ms that part two presses at least


class EventReceiver:
    """Hears each press once. `code` is the event heard last, `duration` its samples so far."""

    def __init__(self):
        self.code = -1
        self.duration = 0
        self._hi = self._lo = 0
        self._moved = 0  # samples from the beginning of the press to that timestamp
        self._ended = False
        self._bytes = [None] * 16  # the digits heard so far

    # RFC 4733 2.5.2.2: the timestamp tells one press from the next. Not the marker, which may be
    # lost or never sent, and not the end, of which all three packets may be lost.
    def take(self, hi, lo, marker, buf, at, n, newest=True):
        """The digit that begins with this packet as bytes, None if none does. `newest`: none with a
        higher sequence number has come.
        """
        if n < 4 or buf[at] > 15:
            return None
        code = buf[at]
        duration = buf[at + 2] << 8 | buf[at + 3]
        if self.code >= 0:
            d = elapsed(hi, lo, self._hi, self._lo)
            if d < 0 and (d > -_OLD - self._moved or not newest):
                return None  # overtaken by a younger one, or by a later segment of its own press
            if d >= 0 and code == self.code:
                more = d == 0
                if d and not marker:
                    # The same digit cannot be pressed again before it is over: a peer that moves
                    # the timestamp on within a press. Longer than 65,535 samples: a new segment
                    # begins where the last one ended (2.5.1.3).
                    if self._ended:
                        more = d <= self.duration
                    else:
                        more = d <= self.duration + _FORGIVEN or 0xFFFF <= d <= 0x10000
                if more:
                    if d:
                        self._hi = hi
                        self._lo = lo
                        self._moved = min(self._moved + d, 0xFFFFFFF)
                    if d or duration > self.duration:
                        self.duration = duration
                    if buf[at + 1] & 0x80:
                        self._ended = True
                    return None
            elif d == 0:
                return None  # another event with the same timestamp: one of them is damaged
        self.code = code
        self.duration = duration
        self._hi = hi
        self._lo = lo
        self._moved = 0
        self._ended = buf[at + 1] & 0x80 != 0
        if self._bytes[code] is None:
            self._bytes[code] = DIGITS[code : code + 1]
        return self._bytes[code]


# What step() says.
IDLE = 0  # no digit: audio may be sent
QUIET = 1  # send nothing
EVENT = 2  # four octets of payload were written
FIRST = 3  # likewise, and they are the first of a press: marker, new timestamp


class EventSender:
    """Digits to be sent, one step a frame."""

    def __init__(self):
        self._queue = b""
        self._head = 0
        self._code = self._now = self._ends = self._pause = 0
        self._total = 0

    def add(self, digits, duration_ms=DURATION_MS):
        """Send `digits` after those that wait."""
        codes = bytearray()
        for i in range(len(digits)):
            c = DIGITS.find(digits[i : i + 1].upper())
            if c < 0:
                raise UsageError("no digit: " + repr(digits[i : i + 1]))
            codes.append(c)
        ms = min(max(duration_ms, _SHORTEST_MS), _LONGEST_MS)
        self._total = (ms * 8 + FRAME - 1) // FRAME * FRAME
        self._queue = self._queue[self._head :] + bytes(codes)
        self._head = 0

    @property
    def waiting(self):
        """Digits not yet sent to their end."""
        return len(self._queue) - self._head + (1 if self._ends else 0)

    def clear(self):
        """Forget all digits."""
        self._head = len(self._queue)
        self._ends = self._pause = 0

    def cut(self):
        """Forget the digit that is being sent: it has been heard."""
        self._ends = self._pause = 0

    def step(self, tx, at):
        """What to send in this frame; an event's payload is written to tx[at : at + 4]."""
        if self._pause:
            self._pause -= 1
            return QUIET
        said = EVENT
        if not self._ends:
            if self._head == len(self._queue):
                return IDLE
            self._code = self._queue[self._head]
            self._head += 1
            self._ends = _ENDS
            self._now = 0
            said = FIRST
        if self._now < self._total:
            self._now += FRAME
        tx[at] = self._code
        tx[at + 1] = _VOLUME
        tx[at + 2] = self._now >> 8
        tx[at + 3] = self._now & 0xFF
        if self._now >= self._total:
            tx[at + 1] = 0x80 | _VOLUME
            self._ends -= 1
            if not self._ends:
                self._pause = _PAUSE
        return said
