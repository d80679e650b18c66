# usip: full duplex for boards that can afford it: an adaptive filter takes off the echo
# MIT licence; Copyright (c) 2026 the usip authors

from array import array

from ..errors import UsageError
from .duplex import HalfDuplex
from .g711 import FRAME

try:
    from ._echo_viper import cancel as _cancel
    from ._echo_viper import learn as _learn
    from ._echo_viper import push as _push
    from ._echo_viper import take as _take
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._echo_plain import cancel as _cancel
    from ._echo_plain import learn as _learn
    from ._echo_plain import push as _push
    from ._echo_plain import take as _take

_BLOCK = 40  # samples, 5 ms: what is learned from at once
_ONE = 4096  # of a ratio of powers
_LEARNED = _ONE >> 4  # 12 dB above 1 kHz; below, where speech is loud, it is more
_REST = 32  # in 1/256, -18 dB: no louder to the far end's speech is what a learned filter leaves


def _bits(n):
    b = 0
    while n >= 16:
        n >>= 4
        b += 4
    while n:
        n >>= 1
        b += 1
    return b


class Canceller:
    """Block NLMS: learns how the loudspeaker sounds in the microphone, and takes it off.

    `taps` samples of echo, a multiple of 8 up to 256 (32 ms), that begin `delay_ms` after a frame
    was handed to the loudspeaker: the least that its buffers and the microphone's amount to. Every
    frame handed over by far() is heard by the next near() at the earliest. Both are called once a
    frame; near() works in place.
    """

    def __init__(self, taps=128, delay_ms=0):
        if not 8 <= taps <= 256 or taps % 8 or delay_ms < 0:
            raise UsageError("no such echo")
        self.taps = taps
        self._delay = 8 * delay_ms
        # In 1/256: half of what speech would bear, because a block is learned from at once.
        self._step = min(taps >> 2, 32)
        self._line = bytearray(2 * (self._delay + FRAME))
        self._x = array("i", bytes(4 * (taps + FRAME)))
        self._w = array("i", bytes(4 * taps))
        self._h = array("i", bytes(4 * taps))
        self._e = array("i", bytes(4 * _BLOCK))
        self._state = array("i", bytes(40))
        self.reset()

    def reset(self):
        """Forget all, the loudspeaker's frames as well."""
        for x in (self._line, self._x, self._state):
            for i in range(len(x)):
                x[i] = 0
        self._forget()

    def _forget(self):
        for i in range(self.taps):
            self._w[i] = self._h[i] = 0
        self.left = 4 * _ONE  # of the echo's power, as much is left after the filter
        self._worse = self._before = self._after = 0

    def far(self, pcm):
        if len(pcm) < 2 * FRAME:
            raise UsageError("buffer too small")
        _push(self._line, self._delay, pcm)

    def near(self, pcm):
        if len(pcm) < 2 * FRAME:
            raise UsageError("buffer too small")
        s = self._state
        _take(self._line, self._x, self.taps, s)
        power = s[4] // (self.taps + FRAME) * self.taps
        before = after = 0
        at = 0
        while at < FRAME:
            _cancel(self._h, self._x, self.taps, pcm, at, _BLOCK, self._e, s)
            after += s[6] >> 2
            before += s[8] >> 2
            if power > self.taps:  # louder than 32 on the mean
                self._block(at, power)
            at += _BLOCK
        if power > self.taps:
            # More comes out than went in, by 6 % in a third of a second: what was learned is worth
            # nothing any more, and the error is no speech.
            self._before += before - self._before >> 4
            self._after += after - self._after >> 4
            if self._after > self._before + (self._before >> 4):
                self.left = 4 * _ONE
        # Much more: the loudspeaker was moved, or another is in its place.
        self._worse = self._worse + 1 if after > before + (before >> 2) else 0
        if self._worse > 10:
            self._forget()

    # As much as is left of the echo should be learned, and no more: what else is in the error is
    # somebody's speech. How much is left is what the best blocks of late had. Squared, because that
    # is believed to grow while he speaks: 12 dB louder than the echo he undoes little in seconds.
    def _block(self, at, power):
        s = self._state
        ratio = s[6] // ((s[7] >> 12) + 1)
        left = self.left
        if ratio > 4 * _ONE:
            ratio = 4 * _ONE
        if ratio < left:
            self.left = left = left - (left - ratio >> 3)
        elif left < 4 * _ONE:
            self.left = left = left + (left >> 9) + 1
        step = self._step
        if ratio > 2 * left:
            step = step * 2 * left // ratio * 2 * left // ratio
        if not step:
            return
        # step / power as m / 2**q, m of 9 or 10 bits
        q = 0
        b = _bits(power)
        if b > 18:
            q = b - 18
            power >>= q
            b = 18
        b += 9 - _bits(step)
        q += b
        m = min((step << b) // power, 1023)
        k = 12 - _bits(s[9])
        a = _bits(s[5]) - 7
        if a < 0:
            a = 0
        b = q - 14 + k - a
        if b < 0:
            m = min(m << min(10, -b), 1023)
            b = 0
        _learn(
            self._e, self._x, self.taps, self._w, self._h, at, _BLOCK,
            k if k > 0 else 0, -k if k < 0 else 0, a, m, b,
        )  # fmt: skip


class FullDuplex:
    """Both directions at once, a `speech` as duplex.HalfDuplex describes it: a Canceller takes off
    what it can of the echo, and while only the far end talks the microphone is silent, so that the
    rest is not heard either. The microphone opens for what is louder than that rest.

    It is half duplex until a second or two of the far end's speech was learned from, and again
    when the loudspeaker was moved. `talk`, `way`, `agc` and `gate_db` as there.
    """

    def __init__(self, taps=128, delay_ms=0, agc=None, gate_db=12):
        self.canceller = Canceller(taps, delay_ms)
        self.switch = HalfDuplex(agc, gate_db, _REST)

    def reset(self):
        self.canceller.reset()
        self.switch.duck = True
        self.switch.reset()

    @property
    def way(self):
        return self.switch.way

    @property
    def talk(self):
        return self.switch.talk

    @talk.setter
    def talk(self, talk):
        self.switch.talk = talk

    def near(self, pcm):
        self.canceller.near(pcm)
        duck = self.canceller.left > _LEARNED
        if duck != self.switch.duck:
            self.switch.duck = duck
            self.switch.echo.cancelled(not duck)
        self.switch.near(pcm)

    def far(self, pcm):
        self.switch.far(pcm)
        self.canceller.far(pcm)  # what is played, that is
