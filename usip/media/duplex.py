# usip: speech without echo on a cheap board: half duplex switched by voice, push-to-talk
# MIT licence; Copyright (c) 2026 the usip authors

from array import array

from .g711 import FRAME
from .gain import TALK, UNITY, Fader, HighPass, NoiseFloor, check, factor

try:
    from ._duplex_viper import bins as _bins
    from ._duplex_viper import heard as _heard
    from ._duplex_viper import learn as _learn
    from ._duplex_viper import play as _play
    from ._duplex_viper import swap as _swap
except (ImportError, SyntaxError, ValueError, MemoryError):
    from ._duplex_plain import bins as _bins
    from ._duplex_plain import heard as _heard
    from ._duplex_plain import learn as _learn
    from ._duplex_plain import play as _play
    from ._duplex_plain import swap as _swap

# Who has the line.
IDLE = "idle"
NEAR = "near"
FAR = "far"

_HOLD = 15  # frames, 300 ms: the pauses between words
_PAUSE = 4  # frames, 80 ms: longer than those within a word
_TAIL = 15  # frames, 300 ms: then no echo is left
_UNIT = 256  # of a coupling
_LEAST = 8  # -30 dB
_MOST = 2048  # 18 dB
_LAGS = 44  # bins of 5 ms, 220 ms: an echo of 120 ms, a frame to be played, blocks of I2S
_LEARNED = 40  # frames of the far end, 0.8 s: then the lag is believed
_ECHO = 6  # frames, 120 ms: what a room adds to the lag


class Echo:
    """How loud the echo of what was played may be now, learned by listening.

    Between loudspeaker and microphone lie a delay that nobody told us and a loss. For each delay
    that there may be, the echo can be no louder than the largest ratio of what was heard to what
    had been played then; the true one has the least (`lag`, in bins of 5 ms; -1: not known yet) and
    it is the `coupling`, in 1/256. A bin is compared with what was played `lag` bins ago, not with
    the loudest of a while: so speech from here is told from echo in the gaps of the other one's."""

    def __init__(self, least=_LEAST):
        self._least = least
        self._ring = array("i", bytes(256))
        self._c = array("i", bytes(4 * _LAGS))
        self.reset()

    def reset(self):
        self.coupling = _UNIT
        self.lag = -1
        self._leak = 8
        self._at = self._n = 0
        for x in (self._ring, self._c):
            for i in range(len(x)):
                x[i] = 0

    def played(self, bins, on):
        _play(self._ring, self._at, bins, on)
        self._at = (self._at + 4) & 63

    def beyond(self, bins):
        """How loud the loudest bin is that can be no echo; 0 if all of them can."""
        c = self.coupling
        return _heard(self._ring, bins, self._at, self.lag, c + (c >> 1))

    def learn(self, bins, floor, talks):
        """They talked, and nobody spoke here; `floor` is the noise."""
        lag = _learn(self._ring, bins, self._c, self._at, _LAGS, floor >> 4, _MOST, self._leak)
        if talks and self._n < _LEARNED:
            self._n += 1
        if self._n == _LEARNED:
            self.lag = lag
            self._set(self._c[lag])

    def cancelled(self, on):
        """A canceller begins to take off 12 dB and more, or has ceased to."""
        self._leak = 6 if on else 8  # it goes on learning
        if not on:
            self._louder()

    def _louder(self):
        c = self._c
        for i in range(_LAGS):
            c[i] = min(2 * c[i] + 1, _MOST)
        self._set(2 * self.coupling)

    def mistaken(self):
        """What was taken for speech was echo."""
        self._louder()

    def _set(self, coupling):
        self.coupling = min(max(coupling, self._least), _MOST)

    @property
    def frames(self):
        """So long something may still be heard of what was played."""
        return _ECHO + ((self.lag if self.lag >= 0 else _LAGS) >> 2)


class HalfDuplex:
    """One direction at a time: the louder one has the line, and the other is silent.

    This is what is called `speech`: an object with

        far(pcm)    the frame that is about to be played
        near(pcm)   the frame that the microphone gave, about to be sent
        reset()     another call begins

    Both take a frame of 20 ms (160 samples of 16-bit PCM in a bytearray of 320) and change it in
    place. They are called once a frame each, from one task, near() first: a frame that is played
    now is heard by the next one at the earliest. Nothing allocates; everything is made here.

    While both are silent, both are open, the microphone through a noise gate (`gate_db`, 0
    for none). Who speaks first gets the line, and keeps it over pauses of 300 ms, unless the other
    one speaks in them or is louder by 3 dB, as the microphone hears both. What comes from the
    microphone counts only if it is louder than the echo can be. It is sent a frame later (`early`:
    20 ms of delay; False: none): the frame before the one in which speech was found goes with it,
    so that no syllable loses its beginning.

    `talk` is push-to-talk: True while the button is pressed (the far end is silent), False while
    it is not (the microphone is), None (as at first) leaves it to the voices. `way` tells who has
    the line. `agc` is a gain.Agc for the microphone, or None.

    A canceller before it (see echo.FullDuplex) clears `duck` when it has learned enough: then the
    far end is silenced no longer. `least` is the lowest coupling that is believed.
    """

    def __init__(self, agc=None, gate_db=12, least=_LEAST, early=True):
        self.talk = None
        self.gate = factor(-gate_db)
        self.echo = Echo(least)
        self._agc = agc
        self.duck = True
        self._held = bytearray(2 * FRAME) if early else None
        self._high = HighPass()
        self._bins = array("i", bytes(20))
        self._far_bins = array("i", bytes(20))
        self._floor = NoiseFloor()
        # What comes from the far end at -40 dBFS is never taken for noise: its echo would be sent.
        self._far_floor = NoiseFloor(most_db=-50)
        self._fader = Fader()
        self._far_fader = Fader()
        self.reset()

    def reset(self):
        self.way = IDLE
        self._hold = 0  # frames until the line is free
        self._doubt = False  # near took the line from far, and it may yet have been echo
        self._near_loud = self._far_loud = 0
        self._far_talks = False
        self._far_ago = 0  # frames since the far end was played
        self._fader.gain = self._far_fader.gain = UNITY
        for x in (self._held or (), self._bins, self._far_bins):
            for i in range(len(x)):
                x[i] = 0
        for x in (self.echo, self._high, self._floor, self._far_floor):
            x.reset()
        if self._agc:
            self._agc.reset()

    def near(self, pcm):
        self._high.process(pcm)
        loudness = _bins(pcm, self._bins)
        if self._held:
            _swap(pcm, self._held, 2 * FRAME)
        # While far has the line, what is heard may be echo: the floor must not rise to it.
        speech = self._floor.talks(loudness, self.way != FAR)
        if speech:
            loudness = self.echo.beyond(self._bins)
            speech = loudness > TALK * self._floor.floor
        if self.talk is None:
            self._near_wants(loudness, speech)
        else:
            self.way = NEAR if self.talk else FAR
            self._hold = _HOLD
        if self.way == NEAR:
            self._fader.process(pcm, UNITY)
        elif self.way == FAR:
            self._fader.process(pcm, 0)
        else:
            self._fader.process(pcm, self.gate, FRAME)
        if self._agc:
            self._agc.process(pcm, speech and self.way == NEAR)

    def _near_wants(self, loudness, speech):
        self._near_loud -= self._near_loud >> 4
        if self.way == FAR:
            if not speech:
                self.echo.learn(self._bins, self._floor.floor, self._far_talks)
                return
            # A voice that is 12 dB softer than theirs interrupts nobody.
            if self._far_talks and self.duck and loudness <= self._far_loud >> 2:
                return
            self._doubt = self.duck
        if speech:
            self.way = NEAR
            self._hold = _HOLD
            if loudness > self._near_loud:
                self._near_loud = loudness
            if self._far_ago > self.echo.frames:
                self._doubt = False  # far has been silent for long, and yet it goes on
        elif self.way == NEAR:
            # What a canceller leaves is not sent for longer than a pause within a sentence is.
            self._hold -= 1 if self.duck or not self._far_talks else 3
            if self._hold <= 0:
                self._leave(IDLE)

    def _leave(self, way):
        self.way = way
        if self._doubt:
            self._doubt = False
            self.echo.mistaken()

    def far(self, pcm):
        check(pcm)
        loudness = _bins(pcm, self._far_bins)
        talks = self._far_talks = self._far_floor.talks(loudness)
        # Follows speech up at once and down by 6 dB in 220 ms, as _near_loud does: over the pauses
        # in a word it is still known how loud it was.
        self._far_loud -= self._far_loud >> 4
        if talks and loudness > self._far_loud:
            self._far_loud = loudness
        if self.talk is None:
            self._far_wants(loudness, talks)
        silent = self.way == NEAR and (self.duck or self.talk)
        self._far_fader.process(pcm, 0 if silent else UNITY)
        self.echo.played(self._far_bins, 0 if silent else 1)
        self._far_ago = 0 if talks and not silent else self._far_ago + 1

    def _far_wants(self, loudness, talks):
        if talks:
            if self.way == NEAR:
                if not self.duck:
                    return
                n = self._near_loud
                if self._hold <= _HOLD - _PAUSE:  # in a pause it is enough to be no whisper
                    n >>= 2
                else:  # 3 dB louder in the room
                    n = min(max(n * 384 // self.echo.coupling, n + (n >> 1)), 4 * n)
                if loudness <= n:
                    return
                self._leave(FAR)
            self.way = FAR
            self._hold = _TAIL
        elif self.way == FAR:
            self._hold -= 1
            if self._hold <= 0:
                self.way = IDLE
