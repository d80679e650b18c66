# usip: from 16 kHz to 8 kHz and back
# MIT licence; Copyright (c) 2026 the usip authors
#
# Microphones and amplifiers on I2S are best run at 16 kHz (an ESP32 moves blocks of 256 frames, and
# an INMP441 wants more than 460 kHz of clock); a call has 8 kHz. Both ways delay by 1.2 ms and let
# 0 to 3.4 kHz through. Everything is made once; nothing allocates per frame.

from ..errors import UsageError
from .g711 import FRAME

try:
    from ._rate_viper import double as _double
    from ._rate_viper import halve as _halve
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._rate_plain import double as _double
    from ._rate_plain import halve as _halve


class Halver:
    """16 kHz to 8 kHz: process(wide, pcm) makes 160 samples of 320."""

    def __init__(self):
        self._x = bytearray(2 * (38 + 2 * FRAME))
        self.reset()

    def reset(self):
        for i in range(38):
            self._x[2 * i] = 0
            self._x[2 * i + 1] = 0x80

    # Viper checks no bounds.
    def process(self, wide, pcm):
        if len(wide) < 4 * FRAME or len(pcm) < 2 * FRAME:
            raise UsageError("buffer too small")
        _halve(wide, self._x, pcm, FRAME)


class Doubler:
    """8 kHz to 16 kHz: process(pcm, wide) makes 320 samples of 160."""

    def __init__(self):
        self._x = bytearray(2 * (19 + FRAME))
        self.reset()

    def reset(self):
        for i in range(19):
            self._x[2 * i] = 0
            self._x[2 * i + 1] = 0x80

    def process(self, pcm, wide):
        if len(pcm) < 2 * FRAME or len(wide) < 4 * FRAME:
            raise UsageError("buffer too small")
        _double(pcm, self._x, wide, FRAME)
