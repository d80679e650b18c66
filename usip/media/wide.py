# usip: a sound device of 16 kHz
# MIT licence; Copyright (c) 2026 the usip authors

from .g711 import FRAME
from .rate import Doubler, Halver


class Wide:
    """A device whose frames have 320 samples (`rate` 16000), as one of 8 kHz.

    `codec` is the g722.Codec of the call that has the device, or None. What it sends and receives
    by G.722 goes by the pump, which sees a narrow copy, and is resampled nowhere."""

    def __init__(self, audio):
        self.audio = audio
        if hasattr(audio, "pace"):
            self.pace = audio.pace
        self._mic = bytearray(4 * FRAME)
        self._out = bytearray(4 * FRAME)
        self._halver = Halver()
        self._doubler = Doubler()
        self._codec = None

    @property
    def codec(self):
        return self._codec

    @codec.setter
    def codec(self, codec):
        if self._codec:
            self._codec.wide = None
        if codec:
            codec.wide = self._out
        self._codec = codec

    def start(self):
        self._halver.reset()
        self._doubler.reset()
        self.audio.start()

    def stop(self):
        self.audio.stop()

    def readinto(self, pcm):
        c = self._codec
        self.audio.readinto(self._mic)
        self._halver.process(self._mic, pcm)
        if c:
            c.mic = self._mic

    def write(self, pcm):
        c = self._codec
        if not c or not c.has_wide:
            self._doubler.process(pcm, self._out)
        self.audio.write(self._out)
