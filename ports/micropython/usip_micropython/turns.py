# usip port: a microphone and an amplifier that cannot run at the same time
# MIT licence; Copyright (c) 2026 the usip authors
#
# A chip with one I2S controller (ESP32-C3, S2), and any codec whose two halves share a clock, can
# listen or play: stock MicroPython gives a controller one direction. Turning round is a new driver.

from usip.media.g711 import FRAME, SILENCE, copy
from usip.media.gain import Meter, NoiseFloor

_HOLD = 15  # frames, 300 ms: the pauses between words
_MOST = 250  # frames, 5 s: whoever shouts here must hear the house all the same


class TurnsAudio:
    """Half duplex: it plays while the far end speaks and listens while it is silent. Who speaks at
    the door keeps the turn until a pause, at most for 5 s.

    push(True) and push(False) are a button to talk with: the microphone, the loudspeaker.
    push(None) goes back to the voices. `turns` counts; `failed` is the last turn's OSError: it is
    tried again with the next frame."""

    def __init__(self, microphone, amplifier):
        self.microphone = microphone
        self.amplifier = amplifier
        self._far = Meter()
        self._near = Meter()
        self._far_floor = NoiseFloor()
        self._near_floor = NoiseFloor()
        self.turns = 0
        self.failed = None
        self._pushed = None
        self._on = None
        self._reset()

    def _reset(self):
        for x in (self._far, self._near, self._far_floor, self._near_floor):
            x.reset()
        self._far_hold = self._near_hold = self._talked = 0

    def start(self):
        self._reset()
        self._turn(self.amplifier)  # the call's first word is the house's
        if self.failed:
            raise self.failed

    def stop(self):
        if self._on:
            self._on.stop()
        self._on = None

    def push(self, talk):
        self._pushed = talk

    @property
    def listening(self):
        """Whether the microphone has the turn."""
        return self._on is self.microphone

    def readinto(self, pcm):
        m = self.microphone
        if self._on is not m:
            copy(SILENCE, 0, 2 * FRAME, pcm, 0)
            return
        if not m.readinto(pcm):
            return
        if self._near_floor.talks(self._near.loudness(pcm)):
            self._near_hold = _HOLD
        elif self._near_hold:
            self._near_hold -= 1

    def write(self, pcm):
        if self._far_floor.talks(self._far.loudness(pcm)):
            self._far_hold = _HOLD
        elif self._far_hold:
            self._far_hold -= 1
        self._turn(self._wanted())
        if self._on is self.amplifier:
            self.amplifier.write(pcm)

    def _wanted(self):
        if self._pushed is not None:
            return self.microphone if self._pushed else self.amplifier
        if not self._far_hold:
            self._talked = 0
            return self.microphone
        if self._on is self.microphone and self._near_hold and self._talked < _MOST:
            self._talked += 1  # only while the other one waits
            return self.microphone
        return self.amplifier

    def _turn(self, to):
        if to is self._on:
            return
        if self._on:
            self._on.stop()
        self._on = None
        self._near_hold = 0
        self._near.reset()
        try:
            to.start()
        except OSError as e:
            self.failed = e
            return
        self.failed = None
        self._on = to
        self.turns += 1
