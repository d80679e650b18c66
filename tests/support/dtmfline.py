"""DTMF with what disturbs it, made sample by sample and put into a Detector."""

from array import array

from usip.media import _tones_plain
from usip.media.inband import Detector
from voice import Dice, Voice, get, put

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
LOUDNESS = 3500  # of a Voice as loud as 12000: its power's root


def amplitude(dbm0):
    return int(32767 * 10 ** ((dbm0 - 3.14) / 20))


class Line:
    """Samples into a detector, frame by frame; `heard` is what came of them. `noise` is the power's
    root of white noise, `voice` that of somebody who talks all the time."""

    def __init__(self, at=0, noise=0, voice=0, seed=77):
        self.voice = Voice(seed, 12000, 40 + seed % 50) if voice else None
        self.gain = 4096 * voice // LOUDNESS
        self.said = bytearray(320)
        self.detector = Detector()
        self.pcm = bytearray(320)
        self.one = bytearray(2)
        self.n = 0
        self.noise = noise
        self.dice = Dice(seed)
        self.heard = b""
        self.tone(0, 0, 40, at)

    def _put(self, s):
        if self.noise:  # nearly Gaussian: of three, each with a third of the power
            d = self.dice
            s += d.noise(self.noise) + d.noise(self.noise) + d.noise(self.noise)
        if self.voice:
            if not self.n:
                self.voice.frame(self.said)
            s += get(self.said, self.n) * self.gain >> 12
        put(self.pcm, self.n, min(max(s, -32768), 32767))
        self.n += 1
        if self.n == 160:
            self.n = 0
            d = self.detector.hear(self.pcm)
            if d:
                self.heard += d

    def tone(self, low, high, ms, more=0, row=-10, column=-9):
        turn = [f * 65536 // 8000 for f in (low, high)]
        w = array("i", (9000, int(turn[0]), amplitude(row), 40000, int(turn[1]), amplitude(column)))
        if not low:
            w[2] = w[5] = 0
        for _ in range(int(8 * ms) + more):
            _tones_plain.two(self.one, 0, 1, w)
            self._put(get(self.one, 0))

    def digit(self, k, ms=40, off=1000, **how):
        """`off`: thousandths of the frequency."""
        self.tone(LOW[k >> 2] * off / 1000, HIGH[k & 3] * off / 1000, ms, **how)

    def end(self):
        self.tone(0, 0, 60)
        return self.heard
