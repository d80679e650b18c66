# usip port: a microphone and an amplifier on I2S, what ESP32 and RP2 share
# MIT licence; Copyright (c) 2026 the usip authors
#
# machine.I2S has three ways. Blocking stops everything else. With irq() there is one transfer at a
# time: a second one is lost without a word, and so is a callback that finds the scheduler's queue
# full, after which nobody ever asks again. Here is the third, which a poll switches on: readinto()
# and write() move what there is and return at once. Whether poll() says that there is something is
# not asked: on boards with octal PSRAM it never does. The pump comes every 20 ms in any case.

import select

from machine import I2S, Pin

from usip.errors import UsageError
from usip.media.g711 import FRAME, SILENCE, copy
from usip.media.gain import UNITY, narrow, scale
from usip.media.rate import Doubler, Halver

_BLOCK = 256  # frames that an ESP32 moves at a time: 16 ms at 16 kHz, 32 ms at 8 kHz
_RATES = (8000, 16000)
# Milliseconds of the next frame that are there at the least, whenever a frame is read.
_SOON = 2
_LATE = 10


def _not_blocking(i2s, flag):
    p = select.poll()
    p.register(i2s, flag)
    p.poll(0)
    p.unregister(i2s)


class Microphone:
    """One direction of one I2S controller: `id`, and the numbers of its pins.

    `bits` is 32 for 24-bit microphones, which are made 6 dB `louder` 0 to 8 times with saturation,
    or 16. `blocks` of 16 ms (at 16 kHz) are kept by the driver: so long may a program stand still
    before sound is lost. Everything but the driver's own buffer is made here; a frame allocates
    nothing. `gaps` counts frames that were not there in time."""

    def __init__(self, id, sck, ws, sd, rate=16000, bits=32, louder=3, blocks=4):
        if rate not in _RATES or bits not in (16, 32) or blocks < 2:
            raise UsageError("I2S has 8000 or 16000 Hz, 16 or 32 bits, 2 blocks or more")
        self._args = (id, sck, ws, sd, rate, bits, blocks)
        self._bits = bits
        self._louder = louder
        n = FRAME * (rate // 8000)
        self._n = n
        self._raw = bytearray(n * (bits // 8))
        self._rest = bytearray(len(self._raw))
        self._wide = bytearray(2 * n)
        self._halver = Halver() if rate > 8000 else None
        self._ms = 8 * (rate // 8000) * (bits // 8)  # octets of a millisecond
        self._have = self._least = 0
        self._i2s = None
        self.gaps = 0

    def start(self):
        id, sck, ws, sd, rate, bits, blocks = self._args
        self._have = 0
        self._least = len(self._raw)
        if self._halver:
            self._halver.reset()
        self._i2s = I2S(
            id,
            sck=Pin(sck),
            ws=Pin(ws),
            sd=Pin(sd),
            mode=I2S.RX,
            bits=bits,
            format=I2S.MONO,  # the left one
            rate=rate,
            # What the controller reads is always 32 bits of left and right.
            ibuf=blocks * _BLOCK * 8,
        )
        _not_blocking(self._i2s, select.POLLIN)

    def stop(self):
        # Kept until then: the finaliser would stop it.
        if self._i2s:
            self._i2s.deinit()
            self._i2s = None

    def readinto(self, pcm):
        """One frame of 20 ms, or silence while there is no whole one. Whether there was. It has 160
        samples, or all 320 of 16 kHz where `pcm` has room for them."""
        if not self._whole():
            copy(SILENCE, 0, 2 * FRAME, pcm, 0)
            if len(pcm) > 2 * FRAME:
                copy(SILENCE, 0, 2 * FRAME, pcm, 2 * FRAME)
            self.gaps += 1
            return False
        wide = self._raw
        halver = self._halver if len(pcm) < 2 * self._n else None
        if self._bits == 32:
            wide = self._wide if halver else pcm
            narrow(self._raw, wide, self._n, self._louder)
        if halver:
            halver.process(wide, pcm)
        elif wide is not pcm:
            copy(wide, 0, 2 * self._n, pcm, 0)
        # How much of the next one is there: how far the microphone is ahead.
        self._have = 0
        self._whole()
        if self._have < self._least:
            self._least = self._have
        return True

    def pace(self):
        """Asked once a second: by how many milliseconds the next frame shall be later, so that the
        microphone's clock sets the pace: there is always a whole frame, and it never waits long."""
        least = self._least
        self._least = len(self._raw)
        return 1 if least < _SOON * self._ms else -1 if least > _LATE * self._ms else 0

    def _whole(self):
        # A driver that has less gives less. There is no reading to the middle of a buffer without
        # making a slice of it, so the rest of a frame goes by another one.
        if not self._i2s:
            return False
        raw = self._raw
        size = len(raw)
        have = self._have
        while have < size:
            if have:
                n = self._i2s.readinto(self._rest, size - have) or 0
                copy(self._rest, 0, n, raw, have)
            else:
                n = self._i2s.readinto(raw) or 0
            if not n:
                break
            have += n
        self._have = have
        return have == size


class Amplifier:
    """The other direction, on another controller. `enable` is the number of a pin that is high
    while there is a call, `volume` a gain of usip.media.gain. `blocks` of 16 ms are the
    driver's. `full`: its ring is full of zeros when it starts, as an ESP32's, and all is played
    behind them for good; then there are fewer.

    The frames that do not fit are `dropped`."""

    def __init__(
        self, id, sck, ws, sd, rate=16000, blocks=None, enable=None, volume=UNITY, full=False
    ):
        blocks = blocks or (3 if full else 4)
        if rate not in _RATES or blocks < 3:
            raise UsageError("I2S has 8000 or 16000 Hz, 3 blocks or more")
        self._args = (id, sck, ws, sd, rate, blocks)
        self.volume = volume
        self._pcm = bytearray(2 * FRAME)
        self._doubler = Doubler() if rate > 8000 else None
        self._out = bytearray(2 * FRAME * (rate // 8000))
        self._left = 0
        self._i2s = None
        self._enable = None
        if enable is not None:
            self._enable = Pin(enable, Pin.OUT, value=0)
        self.dropped = 0
        self._full = full

    def start(self):
        id, sck, ws, sd, rate, blocks = self._args
        self._left = 0
        if self._doubler:
            self._doubler.reset()
        self._i2s = I2S(
            id,
            sck=Pin(sck),
            ws=Pin(ws),
            sd=Pin(sd),
            mode=I2S.TX,
            bits=16,
            format=I2S.MONO,
            rate=rate,
            ibuf=blocks * _BLOCK * 2,
        )
        _not_blocking(self._i2s, select.POLLOUT)
        if not self._full:
            # A frame ahead: the next one may be late by as much without being heard.
            copy(SILENCE, 0, 2 * FRAME, self._pcm, 0)
            self._play()
        if self._enable:
            self._enable(1)

    def stop(self):
        # First the amplifier, then its clock: the other way about it pops.
        if self._enable:
            self._enable(0)
        if self._i2s:
            self._i2s.deinit()
            self._i2s = None

    def write(self, pcm):
        """Play one frame, of 160 samples or of 320 at 16 kHz; never blocks. Whether there was
        room."""
        if not self._i2s:
            return False
        if self._left:
            self._push()
            if self._left:
                self.dropped += 1
                return False
        if self._doubler and len(pcm) == len(self._out):
            copy(pcm, 0, len(pcm), self._out, 0)
            if self.volume != UNITY:
                scale(self._out, self.volume, n=2 * FRAME)
            self._left = len(pcm)
            self._push()
            return True
        copy(pcm, 0, 2 * FRAME, self._pcm, 0)
        if self.volume != UNITY:
            scale(self._pcm, self.volume)
        self._play()
        return True

    def _play(self):
        if self._doubler:
            self._doubler.process(self._pcm, self._out)
        else:
            copy(self._pcm, 0, 2 * FRAME, self._out, 0)
        self._left = len(self._out)
        self._push()

    def _push(self):
        # Whole samples only: half of one would shift all that follow.
        out = self._out
        while self._left:
            n = self._i2s.write(out, len(out) - self._left, self._left) or 0
            if not n:
                return
            self._left -= n


class I2SAudio:
    """Full duplex: a Microphone and an Amplifier, each on a controller of its own; either may be
    None. What a phone takes as `audio`; `wide`, for one that has G.722, if both have 16 kHz."""

    def __init__(self, microphone=None, amplifier=None, wide=False):
        self.rate = 16000 if wide else 8000
        self.microphone = microphone
        self.amplifier = amplifier

    def start(self):
        if self.microphone:
            self.microphone.start()
        try:
            if self.amplifier:
                self.amplifier.start()
        except Exception:
            self.stop()
            raise

    def stop(self):
        if self.amplifier:
            self.amplifier.stop()
        if self.microphone:
            self.microphone.stop()

    def readinto(self, pcm):
        if self.microphone:
            self.microphone.readinto(pcm)
        else:
            for i in range(0, len(pcm), 2 * FRAME):
                copy(SILENCE, 0, 2 * FRAME, pcm, i)

    def write(self, pcm):
        if self.amplifier:
            self.amplifier.write(pcm)

    def pace(self):
        return self.microphone.pace() if self.microphone else 0
