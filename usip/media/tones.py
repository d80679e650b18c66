# usip: tones: what a caller hears, what a door says without words, digits in the sound itself
# MIT licence; Copyright (c) 2026 the usip authors
#
# A source of sound has readinto(pcm), which fills a frame and returns how many samples of it are
# sound: fewer than a frame, or none, at its end. What is left of the frame is silence. Nothing here
# allocates per frame.

from array import array

from ..errors import UsageError
from . import g711
from .events import DIGITS, DURATION_MS

try:
    from ._tones_viper import two as _two
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._tones_plain import two as _two

FRAME = g711.FRAME

# Country (- for all), name, cadence: Hz/ms, Hz+Hz/ms, 0/ms for a pause; 3*... so many times,
# otherwise for ever. One text, which lies in flash when it is frozen. Ringback, busy and congestion
# (here: nobody answered) as ITU-T E.180's supplement 2 lists them by country; "wrong" is its
# special information tone, the rest is common to all.
TABLE = """
de ringback 425/1000,0/4000
de busy 425/480,0/480
de noanswer 425/240,0/240
us ringback 440+480/2000,0/4000
us busy 480+620/500,0/500
us noanswer 480+620/250,0/250
uk ringback 400+450/400,0/200,400+450/400,0/2000
uk busy 400/375,0/375
uk noanswer 400/400,0/350,400/225,0/525
fr ringback 440/1500,0/3500
fr busy 440/500,0/500
fr noanswer 440/250,0/250
- ok 3*350+440/100,0/100
- wrong 2*950/330,1400/330,1800/330,0/1000
- warning 2*1400/200,0/200
- privacy 1*440/500,0/500
"""
_LEVEL = 8100  # -9 dBm0, where a sine as loud as possible has +3.14
_LOUDER = 10200  # -7 dBm0: the column of a digit, which lines attenuate more
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
_KEYS = b"123A456B789C*0#D"
_PAUSE_MS = 80
_SHORTEST_MS = 50


def _step(hz):
    # Rounded: 1,633 Hz is off by 0.05 Hz at most.
    return (hz * 65536 + 4000) // 8000


class _Source:
    # Stretches of two sines or of silence. `_next` sets what comes now and gives its samples.
    def __init__(self):
        self._w = array("i", (0, 0, 0, 0, 0, 0))
        self._left = 0

    def _set(self, low, high, level, louder):
        w = self._w
        w[0] = w[3] = 0
        w[1] = _step(low)
        w[2] = level if low else 0
        w[4] = _step(high)
        w[5] = louder if high else 0

    def readinto(self, pcm):
        """Fill a frame; how many samples there are until the end of it all."""
        if len(pcm) < 2 * FRAME:
            raise UsageError("buffer too small")
        at = 0
        while at < FRAME:
            if not self._left:
                self._left = self._next()
                if not self._left:
                    break
            n = min(self._left, FRAME - at)
            _two(pcm, at, n, self._w)
            self._left -= n
            at += n
        if at < FRAME:
            g711.copy(g711.SILENCE, 0, 2 * (FRAME - at), pcm, 2 * at)
        return at


class Tone(_Source):
    """A tone by its cadence, see TABLE."""

    def __init__(self, cadence, level=_LEVEL):
        _Source.__init__(self)
        try:
            times, star, parts = cadence.partition("*")
            if not star:
                times, parts = 0, cadence
            self._times = int(times)  # 0: for ever
            steps = []
            for part in parts.split(","):
                sound, ms = part.split("/")
                low, _, high = sound.partition("+")
                steps += (int(low), int(high or 0), int(ms) * 8)
        except ValueError:
            raise UsageError("not a cadence: " + cadence)
        for i in range(0, len(steps), 3):
            if not (0 <= steps[i] < 4000 and 0 <= steps[i + 1] < 4000 and steps[i + 2] > 0):
                raise UsageError("not a cadence: " + cadence)
        if not 0 <= level < 16384:  # two of them
            raise UsageError("no such level")
        self._steps = steps
        self._level = level
        self._at = self._round = 0

    def rewind(self):
        """Begin again."""
        self._left = self._at = self._round = 0

    def _next(self):
        steps = self._steps
        i = self._at
        if i == len(steps):
            i = 0
            self._round += 1
            if self._round == self._times:
                self._round -= 1
                return 0
        self._set(steps[i], steps[i + 1], self._level, self._level)
        self._at = i + 3
        return steps[i + 2]


def cadence(name, country="de"):
    """Of the tone `name` there, or everywhere."""
    for c in (country, "-"):
        row = "\n%s %s " % (c, name)
        at = TABLE.find(row)
        if at >= 0:
            at += len(row)
            return TABLE[at : TABLE.find("\n", at)]
    raise UsageError("no tone %s in %s" % (name, country))


def tone(name, country="de"):
    """The Tone of that name; "ok", "wrong", "warning" and "privacy" have no country."""
    return Tone(cadence(name, country))


class Digits(_Source):
    """Digits (0-9 * # A-D as bytes) as tones."""

    def __init__(self, digits, duration_ms=DURATION_MS):
        _Source.__init__(self)
        digits = digits.upper()
        for i in range(len(digits)):
            if DIGITS.find(digits[i : i + 1]) < 0:
                raise UsageError("no digit: " + repr(digits[i : i + 1]))
        self._digits = digits
        self._samples = 8 * max(duration_ms, _SHORTEST_MS)
        self._at = 0

    def _next(self):
        # Before each a pause, and after the last.
        i = self._at
        if i > 2 * len(self._digits):
            return 0
        self._at = i + 1
        if i & 1:
            k = 0
            while _KEYS[k] != self._digits[i >> 1]:
                k += 1
            self._set(_ROWS[k >> 2], _COLUMNS[k & 3], _LEVEL, _LOUDER)
            return self._samples
        self._set(0, 0, 0, 0)
        return 8 * _PAUSE_MS
