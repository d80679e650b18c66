# usip: sound on a host, from and to WAV files
# MIT licence; Copyright (c) 2026 the usip authors
#
# The pump sets the pace: every readinto() and write() is one frame of 20 ms.

import math

from usip.errors import UsageError
from usip.media.wav import Reader, Writer


def _open(name, mode):
    try:
        return open(name, mode)
    except OSError as e:
        # CPython's str(e) would say the name again; MicroPython has no strerror.
        raise UsageError("cannot open %s: %s" % (name, getattr(e, "strerror", None) or e))


def _clear(pcm, i):
    while i < len(pcm):
        pcm[i] = 0
        i += 1


class WavAudio:
    """The file `play` is the microphone, the file `record` the loudspeaker; either may be None.

    Every start() plays from the beginning, once or, with `loop`, for ever; then silence. `played`
    says that the end was reached. What is written is recorded as it is; the recording goes on from
    call to call, and is a whole file whenever stop() has been called. close() ends it. With `rate`
    16000, for a phone that has G.722, frames have 320 samples, unless `play` has fewer in 20 ms.
    """

    def __init__(self, play=None, record=None, loop=False, rate=8000):
        self.rate = rate
        self.loop = loop
        self.played = play is None
        self._reader = self._writer = None
        if play is not None:
            f = _open(play, "rb")
            try:
                self._reader = Reader(f, rate)
                self.rate = self._reader.out
            except UsageError as e:
                f.close()
                raise UsageError("%s: %s" % (play, e))
        if record is not None:
            self._writer = Writer(_open(record, "wb"), self.rate)

    def start(self):
        if self._reader:
            self._reader.rewind()
            self.played = False

    def stop(self):
        if self._writer:
            self._writer.patch()

    def close(self):
        if self._reader:
            self._reader.f.close()
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None
        self.played = True

    def readinto(self, pcm):
        n = 0
        if not self.played:
            n = self._reader.readinto(pcm)
            if 2 * n < len(pcm):
                if self.loop:
                    # The last frame is filled up with silence; there is no frame of silence alone.
                    self._reader.rewind()
                    if not n:
                        n = self._reader.readinto(pcm)
                else:
                    self.played = True
        _clear(pcm, 2 * n)

    def write(self, pcm):
        if self._writer:
            self._writer.write(pcm)


class ToneAudio:
    """A sine of `hz` at `level` (0 to 32767) for a microphone; what is played is counted only."""

    def __init__(self, hz, level=8000):
        # A period in 256 steps, and how many 1/65536 of it a sample is.
        self._wave = [int(level * math.sin(math.pi * i / 128)) & 0xFFFF for i in range(256)]
        self._step = hz * 65536 // 8000
        self._at = 0
        self.frames = 0

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        at = self._at
        for i in range(0, len(pcm), 2):
            s = self._wave[at >> 8]
            pcm[i] = s & 0xFF
            pcm[i + 1] = s >> 8
            at = (at + self._step) & 0xFFFF
        self._at = at

    def write(self, pcm):
        self.frames += 1
