# usip: speech without echo on a cheap board: half duplex switched by voice, push-to-talk
# MIT licence; Copyright (c) 2026 the usip authors

from .g711 import FRAME
from .gain import UNITY, Fader, HighPass, Meter, NoiseFloor, factor

# Who has the line.
IDLE = "idle"
NEAR = "near"
FAR = "far"

_HOLD = 15  # frames, 300 ms: the pauses between words
_PAUSE = 5  # frames, 100 ms: longer than those within a word
_PART = 5  # frames, 100 ms; two of them: an echo of 120 ms, what a room adds, a frame to be played
_TAIL = 15  # frames, 300 ms: then no echo is left
_UNIT = 256  # of a coupling
_LEAST = 8  # -30 dB
_MOST = 2048  # 18 dB


class Echo:
    """How loud the echo of what was played may be now, learned by listening.

    Between loudspeaker and microphone lie a delay that nobody told us and a loss. What counts is
    the loudest of the last 200 to 300 ms, times the loss at its worst (`coupling`, in 1/256)."""

    def __init__(self, least=_LEAST):
        self._least = least
        self.reset()

    def reset(self):
        self.coupling = _UNIT
        self._n = self._now = self._before = self._older = 0
        self._loud = 0

    def played(self, loudness):
        # The loudest of three parts of 100 ms, of which one is under way.
        if loudness > self._now:
            self._now = loudness
        self._loud = max(self._now, self._before, self._older)
        self._n += 1
        if self._n == _PART:
            self._n = 0
            self._older = self._before
            self._before = self._now
            self._now = 0

    @property
    def loudness(self):
        """Never above this, unless the coupling is yet to be learned."""
        return (self._loud >> 4) * self.coupling * 3 >> 5  # 3.5 dB more, to be sure

    def heard(self, loudness):
        """Learn: this was heard while they played, and nobody spoke here."""
        if self._loud > 400:
            d = (loudness << 8) // self._loud - self.coupling
            self._set(self.coupling + (d >> 2 if d > 0 else d >> 6))

    def mistaken(self):
        """What was taken for speech was echo."""
        self._set(2 * self.coupling)

    def _set(self, coupling):
        self.coupling = min(max(coupling, self._least), _MOST)


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
    for none). Who speaks first gets the line, for the whole of that frame: no syllable is lost. He
    keeps it over pauses of 300 ms, unless the other one speaks in them or is 3 dB louder. What
    comes from the microphone counts only if it is louder than the echo can be.

    `talk` is push-to-talk: True while the button is pressed (the far end is silent), False while
    it is not (the microphone is), None (as at first) leaves it to the voices. `way` tells who has
    the line. `agc` is a gain.Agc for the microphone, or None.

    A canceller before it (see echo.FullDuplex) clears `duck` when it has learned enough: then the
    far end is silenced no longer. `least` is the lowest coupling that is believed.
    """

    def __init__(self, agc=None, gate_db=12, least=_LEAST):
        self.talk = None
        self.gate = factor(-gate_db)
        self.echo = Echo(least)
        self._agc = agc
        self.duck = True
        self._high = HighPass()
        self._meter = Meter()
        self._far_meter = Meter()
        self._floor = NoiseFloor()
        # What comes from the far end at -40 dBFS is never taken for noise: its echo would be sent.
        self._far_floor = NoiseFloor(most_db=-50)
        self._fader = Fader()
        self._far_fader = Fader()
        self.reset()

    def reset(self):
        self.way = IDLE
        self._hold = 0  # frames until the line is free
        self._broke = 0  # frames since near interrupted far, until it is sure that it was speech
        self._near_loud = self._far_loud = 0
        self._far_talks = False
        self._fader.gain = self._far_fader.gain = UNITY
        for x in (self.echo, self._high, self._meter, self._far_meter, self._floor):
            x.reset()
        self._far_floor.reset()
        if self._agc:
            self._agc.reset()

    def near(self, pcm):
        self._high.process(pcm)
        loudness = self._meter.loudness(pcm)
        # While far has the line, what is heard may be echo: the floor must not rise to it.
        speech = self._floor.talks(loudness, self.way != FAR) and loudness > self.echo.loudness
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
                if self._far_talks:
                    self.echo.heard(loudness)
                return
            if self._far_talks and self.duck:
                if loudness <= self._far_loud:
                    return
                self._broke = 1
        if speech:
            self.way = NEAR
            self._hold = _HOLD
            if loudness > self._near_loud:
                self._near_loud = loudness
        if self.way == NEAR:
            if self._broke:
                self._broke += 1
                if speech and self._broke > _TAIL + 2:
                    self._broke = 0  # far is silenced, and yet it goes on
            if not speech:
                self._hold -= 1
                if self._hold <= 0:
                    self._leave(IDLE)

    def _leave(self, way):
        self.way = way
        if self._broke:
            self._broke = 0
            self.echo.mistaken()

    def far(self, pcm):
        loudness = self._far_meter.loudness(pcm)
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
        self.echo.played(0 if silent else loudness)

    def _far_wants(self, loudness, talks):
        if talks:
            if self.way == NEAR:
                if not self.duck:
                    return
                # In a pause it is enough to be no whisper.
                n = self._near_loud
                n = n >> 2 if self._hold <= _HOLD - _PAUSE else n + (n >> 1)
                if loudness <= n:
                    return
                self._leave(FAR)
            self.way = FAR
            self._hold = _TAIL
        elif self.way == FAR:
            self._hold -= 1
            if self._hold <= 0:
                self.way = IDLE
