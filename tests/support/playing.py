"""A peer that sends a frame every 20 ms of its own clock, a network, and a Playout that plays one
every 20 ms of ours."""

from usip.media.playout import Playout

LOUD = 0xA0  # a code of PCMU that is no pause
PAUSE = 0xFF


class Line:
    """Time is in samples. `delay` is the network's, `code` what each sample of a frame is, `lose`
    the numbers of frames that are lost."""

    def __init__(self, skew=0):
        self.buffer = Playout()
        self.pcm = bytearray(320)
        self.delay = 0  # of the network, samples
        self.skew = skew  # ppm by which the peer's clock is faster than ours
        self.at = self.parts = 0  # when the next frame is sent: samples, and millionths
        self.code = LOUD
        self.sent = self.played = 0
        self.way = []  # (arrives, number, code)
        self.late = self.heard = self.made_up = 0
        self.lose = ()

    def step(self):
        now = self.played * 160
        while self.at <= now:
            if self.sent not in self.lose:
                self.way.append((self.at + self.delay, self.sent, self.next_code()))
            self.sent += 1
            self.at += 160
            self.parts -= 160 * self.skew
            while self.parts >= 1000000:
                self.parts -= 1000000
                self.at += 1
            while self.parts < 0:
                self.parts += 1000000
                self.at -= 1
        for x in [x for x in self.way if x[0] <= now]:
            self.way.remove(x)
            ts = 160 * x[1] + 0xFFFFF000
            body = bytes((x[2],)) * 160
            if not self.buffer.put(ts >> 16 & 0xFFFF, ts & 0xFFFF, 0, body, 0, 160):
                self.late += 1
        before = self.buffer.concealed
        n = self.buffer.get(self.pcm)
        if self.buffer.concealed > before:
            self.made_up += 1
        elif n:
            self.heard += 1
        self.played += 1
        return n

    def next_code(self):
        return self.code

    def run(self, frames):
        for _ in range(frames):
            self.step()
