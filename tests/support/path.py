"""The whole path of a call's sound without sockets: two ends of ours and a bad network between
them. Nothing here allocates once it is made, so that what is counted is usip's own."""

from usip.media import g711
from usip.media.duplex import HalfDuplex
from usip.media.stream import MediaStream
from voice import Dice, Voice

FRAME = 160
SIZE = 12 + FRAME


class Network:
    """One direction. `lost`, `late`, `twice`: per cent of the packets; a late one comes up to
    `frames` frames after those that were sent behind it."""

    def __init__(self, seed, lost=5, late=10, twice=2, frames=3):
        self.dice = Dice(seed)
        self.lost, self.late, self.twice, self.frames = lost, late, twice, frames
        self.data = [bytearray(SIZE) for _ in range(12)]
        self.size = [0] * 12  # 0: the place is free
        self.due = [0] * 12
        self.now = 0
        self.counts = [0, 0, 0, 0]  # carried, lost, late, twice

    def _keep(self, buf, n, wait):
        k = 0
        while self.size[k]:
            k += 1
        g711.copy(buf, 0, n, self.data[k], 0)
        self.size[k] = n
        self.due[k] = self.now + wait

    def take(self, buf, n):
        d = self.dice
        self.counts[0] += 1
        # Always as many throws: what becomes of one packet is not what became of the others.
        lost = d.below(100) < self.lost
        late = d.below(100) < self.late
        twice = d.below(100) < self.twice
        wait = 1 + d.below(self.frames)
        if lost:
            self.counts[1] += 1
            return
        if late:
            self.counts[2] += 1
        self._keep(buf, n, wait if late else 0)
        if twice:
            self.counts[3] += 1
            self._keep(buf, n, wait)

    def step(self):
        """20 ms pass."""
        self.now += 1

    def next(self):
        """The place of a packet that has come, -1 for none. In the order of their ages."""
        found = -1
        for k in range(12):
            if self.size[k] and self.due[k] <= self.now:
                if found < 0 or self.due[k] < self.due[found]:
                    found = k
        return found


def speech(seed, frames=8):
    """Frames of a voice, made once."""
    v = Voice(seed)
    return [v.frame(bytearray(2 * FRAME)) for _ in range(frames)]


class End:
    """A phone: microphone, half duplex, stream, network and back. It speaks while `talks`, and of
    what is heard `digits` counts those that it has been sent."""

    def __init__(self, seed, rand, network, address, half_duplex=True):
        self.stream = MediaStream(8, 101, rand=rand)
        self.stream.remote = address
        self.address = address
        self.network = network
        self.speech = HalfDuplex() if half_duplex else None
        self.voice = speech(seed)
        self.pcm = bytearray(2 * FRAME)
        self.at = 0
        self.talks = True
        self.digits = 0
        self.last = None
        self.loud = 0  # frames that were not silent

    def receive(self, network, now):
        s = self.stream
        while True:
            k = network.next()
            if k < 0:
                return
            d = s.receive(network.data[k], network.size[k], self.address, now)
            network.size[k] = 0
            if d:
                self.digits += 1
                self.last = d

    def frame(self):
        pcm = self.pcm
        if self.talks:
            self.at = (self.at + 1) % len(self.voice)
            g711.copy(self.voice[self.at], 0, 2 * FRAME, pcm, 0)
        else:
            g711.copy(g711.SILENCE, 0, 2 * FRAME, pcm, 0)
        if self.speech:
            self.speech.near(pcm)
        n = self.stream.frame_out(pcm)
        if n:
            self.network.take(self.stream.tx, n)
        if self.stream.frame_in(pcm):
            self.loud += 1
        if self.speech:
            self.speech.far(pcm)


class Call:
    """Two ends and both directions; run(n) is n frames of it. `packets` of each way are counted by
    the networks."""

    def __init__(self, rand, **how):
        self.ways = (Network(11, **how), Network(23, **how))
        self.ends = (End(3, rand, self.ways[0], "b"), End(5, rand, self.ways[1], "a"))
        self.now = 0

    def run(self, n):
        a, b = self.ends
        there, back = self.ways
        for _ in range(n):
            self.now = (self.now + 20) & 0xFFFFF
            # They take turns, now and then both or neither: 400 ms, of what there are four
            turn = self.now // 400 & 3
            a.talks = turn < 2
            b.talks = turn == 2 or turn == 1
            a.receive(back, self.now)
            b.receive(there, self.now)
            a.frame()
            b.frame()
            there.step()
            back.step()

    @property
    def sent(self):
        return min(w.counts[0] for w in self.ways)
