"""Speech as far as loudness and spectrum go, the same from the same seed on every runtime: pulses
of a pitch and some noise, through two resonances that differ by syllable, 100 to 250 ms of it, with
pauses between words. Integers alone. And the room between a loudspeaker and a microphone."""

FRAME = 160
SILENCE = bytes(2 * FRAME)


class Dice:
    def __init__(self, seed):
        self.x = seed & 0xFFFF

    def below(self, n):
        # small enough for 31 bits: 16 bits of state, the upper ones are taken
        self.x = (self.x * 13709 + 13849) & 0xFFFF
        return (self.x >> 2) * n >> 14

    def noise(self, peak):
        return self.below(2 * peak + 1) - peak


class Voice:
    """frame(pcm) fills the next 20 ms. `loud` is the peak of a loud syllable. `on`, `off`: frames
    that a phrase lasts and the pause after it (None: it does not end); `talking` tells which."""

    # poles of the resonances, radius 0.95: 2 r cos(2 pi f / 8000) in 1/4096, at 300 to 2700 Hz
    POLES = (7567, 7396, 7000, 6290, 5507, 4575, 3000, 1217, -1217, -3533)

    def __init__(self, seed, loud=12000, pitch=64, on=None, off=0):
        self.dice = Dice(seed)
        self.loud = loud
        self.pitch = pitch
        self.on = on
        self.off = off
        self.n = 0
        self.left = self.at = self.length = 0
        self.a = self.b = 4575
        self.y1 = self.y2 = self.z1 = self.z2 = 0
        self.talking = True

    def _syllable(self):
        d = self.dice
        self.length = self.left = 800 + d.below(1200)
        self.a = self.POLES[d.below(5)]
        self.b = self.POLES[5 + d.below(5)]
        self.gain = 40 + d.below(60)

    def frame(self, pcm):
        if self.on is not None:
            self.talking = self.n % (self.on + self.off) < self.on
        self.n += 1
        if not self.talking:
            pcm[:] = SILENCE
            self.left = 0
            return pcm
        d = self.dice
        loud = self.loud >> 5
        y1, y2, z1, z2 = self.y1, self.y2, self.z1, self.z2
        for i in range(FRAME):
            if self.left <= 0:
                self._syllable()
            self.left -= 1
            self.at += 1
            x = d.noise(60)
            if self.at >= self.pitch:
                self.at = d.below(4)
                x += 1500
            y = x + (self.a * y1 - 3697 * y2 >> 12)
            y2, y1 = y1, y
            z = (y >> 2) + (self.b * z1 - 3697 * z2 >> 12)
            z2, z1 = z1, z
            # up in 10 ms, down in the last 40 ms
            e = self.length - self.left << 2
            if e > self.left:
                e = self.left
            if e > 320:
                e = 320
            s = (y + z >> 2) * self.gain // 100 * e // 320 * loud >> 5
            if s > self.loud:
                s = self.loud
            elif s < -self.loud:
                s = -self.loud
            pcm[2 * i] = s & 0xFF
            pcm[2 * i + 1] = s >> 8 & 0xFF
        self.y1, self.y2, self.z1, self.z2 = y1, y2, z1, z2
        return pcm


def get(pcm, i):
    return ((pcm[2 * i] | pcm[2 * i + 1] << 8) ^ 0x8000) - 0x8000


def put(pcm, i, s):
    s = min(max(s, -32768), 32767)
    pcm[2 * i] = s & 0xFF
    pcm[2 * i + 1] = s >> 8 & 0xFF


class Room:
    """What the loudspeaker plays comes back after `delay_ms`, times `gain` / 256 (128 is -6 dB),
    with `taps` of (ms later, gain / 256) after it. One frame is played while one is recorded."""

    def __init__(self, delay_ms, gain=128, taps=()):
        self.paths = [(8 * delay_ms, gain)] + [(8 * (delay_ms + ms), g) for ms, g in taps]
        n = max([d for d, _ in self.paths]) + FRAME
        self.line = [0] * n  # small numbers take no heap
        self.at = 0

    def play(self, pcm):
        line = self.line
        n = len(line)
        for i in range(FRAME):
            line[(self.at + i) % n] = get(pcm, i)
        self.at = (self.at + FRAME) % n

    def record(self, pcm, noise=None):
        """Add the echo to what is said in `pcm`; call it before play()."""
        line = self.line
        n = len(line)
        # sample i of this frame sounds at the same time as i of the one played last
        for d, g in self.paths:
            at = (self.at - FRAME - d) % n
            for i in range(0, 2 * FRAME, 2):
                x = line[at]
                at += 1
                if at == n:
                    at = 0
                if x:
                    s = (((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000) + (x * g >> 8)
                    if s > 32767:
                        s = 32767
                    elif s < -32768:
                        s = -32768
                    pcm[i] = s & 0xFF
                    pcm[i + 1] = s >> 8 & 0xFF
        if noise:
            for i in range(0, 2 * FRAME, 2):
                s = (((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000) + noise.noise(20)
                if -32768 <= s <= 32767:
                    pcm[i] = s & 0xFF
                    pcm[i + 1] = s >> 8 & 0xFF
        return pcm


def energy(pcm):
    """Sum of squares. A float: on boards small integers end too soon, and longer ones are slow."""
    high = low = 0
    for i in range(0, len(pcm), 2):
        s = ((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000
        s *= s
        high += s >> 10
        low += s & 0x3FF
    return high * 1024.0 + low


def db(a, b):
    """The ratio of two energies in decibels."""
    from math import log

    return 10 * log((a + 1e-9) / (b + 1e-9)) / log(10)
