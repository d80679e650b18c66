# usip: volume, microphone gain, noise gate, automatic gain
# MIT licence; Copyright (c) 2026 the usip authors
#
# Frames are 20 ms, 160 samples of 16-bit little-endian PCM in a bytearray of 320, and are changed
# in place. Everything is made once; nothing allocates per frame. A gain is in 1/65536 (UNITY), at
# most MOST; a loudness is the sum of the magnitudes of 5 ms, 40 samples (see dbfs).

from array import array

from ..errors import UsageError
from .g711 import FRAME

try:
    from ._gain_viper import level_out as _level_out
    from ._gain_viper import loudness as _loudness
    from ._gain_viper import narrow as _narrow
    from ._gain_viper import peak as _peak
    from ._gain_viper import scale as _scale
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._gain_plain import level_out as _level_out
    from ._gain_plain import loudness as _loudness
    from ._gain_plain import narrow as _narrow
    from ._gain_plain import peak as _peak
    from ._gain_plain import scale as _scale

UNITY = 0x10000
MOST = 64 * UNITY
_FULL = 32767
TALK = 3  # speech is so many times as loud as the noise: 10 dB
_HOLD = 15  # frames, 300 ms: the pauses between words


# Viper checks no bounds: these do.


def check(pcm, n=FRAME):
    if len(pcm) < 2 * n:
        raise UsageError("buffer too small")


def factor(db):
    """The gain that `db` decibels are. At start, not per frame: it takes floats."""
    g = int(UNITY * 10 ** (db / 20) + 0.5)
    if g > MOST:
        raise UsageError("gain above 36 dB")
    return g


def dbfs(db):
    """The loudness of a sine of `db` dB, where the loudest that there is has 0."""
    return int(40 * 32767 * 0.6366 * 10 ** (db / 20) + 0.5)


def scale(pcm, gain, limit=_FULL, n=FRAME):
    """Make `n` samples louder or softer; what is then louder than `limit` is cut, never wrapped."""
    check(pcm, n)
    if not (0 <= gain <= MOST and 0 <= limit <= _FULL):
        raise UsageError("no such gain")
    _scale(pcm, 0, n, gain, 0, limit)


def narrow(wide, pcm, n, louder=0):
    """The first `n` samples of a 24-bit microphone, each the upper part of 32 bits as I2S reads
    them, to 16 bits, 6 dB `louder` 0 to 8 times. Speech lies 20 to 30 dB below what such a
    microphone can give: 4 costs nothing, where 16-bit reading would have thrown 24 dB away."""
    if not 0 <= louder <= 8 or n < 0 or len(wide) < 4 * n or len(pcm) < 2 * n:
        raise UsageError("buffer too small")
    _narrow(wide, pcm, n, 8 - louder)


class Meter:
    """How loud a direction is. A click (less than 5 to 10 ms) is not."""

    def __init__(self):
        self._last = array("i", (0,))

    def loudness(self, pcm):
        check(pcm)
        return _loudness(pcm, FRAME, self._last)

    def reset(self):
        self._last[0] = 0


class HighPass:
    """Takes off what microphones add: an offset, hum below 40 Hz. A meter would hear it."""

    def __init__(self):
        self._state = array("i", (0, 0))
        self.reset()

    def process(self, pcm):
        check(pcm)
        _level_out(pcm, FRAME, self._state)

    def reset(self):
        self._state[0] = 0x8000
        self._state[1] = 0x10000000


class NoiseFloor:
    """Tells speech from noise. The floor falls to what is softer within some frames and creeps up
    by 6 dB in 1.8 s, never above `most_db`: so loud is no noise.
    """

    def __init__(self, least_db=-66, most_db=-36):
        self._least = dbfs(least_db)
        self._most = dbfs(most_db)
        self.reset()

    def reset(self):
        self.floor = self._most  # it falls faster than it rises

    def talks(self, loudness, learn=True):
        """True if this is speech. Without `learn` it may be another's, and the floor only falls."""
        f = self.floor
        if loudness < f:
            f -= f - loudness + 3 >> 2
            self.floor = f if f > self._least else self._least
        elif learn:
            f += (f >> 7) + 1
            self.floor = f if f < self._most else self._most
        return loudness > TALK * self.floor


class Fader:
    """Goes from one gain to another without a click."""

    def __init__(self, gain=UNITY):
        self.gain = gain

    def process(self, pcm, gain, over=16, limit=_FULL):
        """The whole frame gets `gain`, but for its first `over` samples, which come from the gain
        before: 16 are 2 ms, 160 the whole frame."""
        check(pcm)
        g = self.gain
        if g != gain:
            _scale(pcm, 0, over, g, (gain - g) // over, limit)
            _scale(pcm, over, FRAME - over, gain, 0, limit)
            self.gain = gain
        elif gain != UNITY or limit != _FULL:
            _scale(pcm, 0, FRAME, gain, 0, limit)


class Gate:
    """A noise gate: what is no speech is made softer by `depth_db`. It opens within a frame, and
    for that whole frame, so that the beginning of a word is not lost; it shuts 300 ms after the
    last one."""

    def __init__(self, depth_db=15):
        self.depth = factor(-depth_db)
        self._meter = Meter()
        self._floor = NoiseFloor()
        self._fader = Fader()
        self._hold = 0

    def reset(self):
        self._meter.reset()
        self._floor.reset()
        self._fader.gain = UNITY
        self._hold = 0

    def process(self, pcm):
        """True while it is open."""
        if self._floor.talks(self._meter.loudness(pcm)):
            self._hold = _HOLD
        elif self._hold:
            self._hold -= 1
        if self._hold:
            self._fader.process(pcm, UNITY)
        else:
            self._fader.process(pcm, self.depth, FRAME)
        return self._hold > 0


class Agc:
    """Automatic gain with a limit: brings speech to the loudness `target_db`, raising it at most
    by `most_db` and lowering it at most by `least_db`. No sample is ever above `limit`. It keeps
    its gain while nobody speaks, so that it does not turn up the noise."""

    def __init__(self, target_db=-20, most_db=18, least_db=-12, limit=26000):
        if not least_db <= 0 <= most_db or not 0 < limit <= _FULL:
            raise UsageError("no such gain")
        self.target = dbfs(target_db)
        self.most = factor(most_db)
        self.least = factor(least_db)
        self.limit = limit
        self._meter = Meter()
        self._floor = NoiseFloor()
        self._fader = Fader()
        self.reset()

    def reset(self):
        self.gain = self._fader.gain = UNITY
        self._loud = self.target
        self._meter.reset()
        self._floor.reset()

    def process(self, pcm, speech=None):
        """`speech`: whether this is, where one knows better than a noise floor."""
        loudness = self._meter.loudness(pcm)
        if speech is None:
            speech = self._floor.talks(loudness)
        g = self.gain
        if speech:
            # Follows the loud syllables: up in 40 ms, down in 0.6 s.
            d = loudness - self._loud
            self._loud += d >> 1 if d > 0 else d >> 5
            wanted = (self.target << 8) // (self._loud or 1) << 8
            if wanted > self.most:
                wanted = self.most
            elif wanted < self.least:
                wanted = self.least
            d = wanted - g
            self.gain = g = g + (d >> 4 if d > 0 else d >> 2)
        # A loud frame is turned down at once, before it is cut.
        p = _peak(pcm, FRAME)
        if p > 1:
            most = (self.limit << 8) // p << 8
            if g > most:
                g = most
        self._fader.process(pcm, g, 16 if g < self._fader.gain else FRAME, self.limit)
