# Two pumps and their real sockets, and between them a relay that loses, doubles and mixes: the
# bytes allocated while so many packets go each way. Not paced: a frame follows the other at once.
# USAGE: pathalloc.py PACKETS [locked]     prints two lines:
#
#   BYTES SENT RECEIVED SENT RECEIVED DIGITS LISTENER      of both sides
#   LOST DUPLICATES CONCEALED DELAY_MS                     of one
#
# BYTES are those of all but the application's listener, whose own are LISTENER. `locked`: the heap
# is locked but while the listener is told.

import gc
import sys

from micropython import heap_lock, heap_unlock

from path import Network, speech
from usip.media import g711
from usip.media.duplex import HalfDuplex
from usip.pump import Pump
from usip.trace import Trace
from usip_micropython.net import Net

HOST = "127.0.0.1"
DIGITS = b"0123456789*#ABCD"
ROUND = 100


class Media:
    """What was agreed: reports go the sound's way (rtcp-mux)."""

    payload_type = 8
    event_type = event_type_in = 101
    direction = "sendrecv"
    host = HOST.encode()

    def __init__(self, port):
        self.port = self.rtcp = port


class User:
    """The phone's call. What its listener allocates is counted apart."""

    def __init__(self):
        self.heard = []
        self.digits = self.used = 0
        self.locked = False

    def digit_came(self, d, via):
        if self.locked:
            heap_unlock()
        before = gc.mem_alloc()
        self.heard.append((d, via, self.digits))
        self.used += gc.mem_alloc() - before
        if self.locked:
            heap_lock()
        self.digits += 1

    def alive(self):
        pass

    def silent(self):
        raise OSError("silent")

    def fault(self, e):
        raise e


class Audio:
    """A voice; what is played is compared with nothing."""

    def __init__(self, seed):
        self.voice = speech(seed)
        self.at = 0
        self.talks = True

    def start(self):
        pass

    def readinto(self, pcm):
        self.at = (self.at + 1) % len(self.voice)
        g711.copy(self.voice[self.at] if self.talks else g711.SILENCE, 0, 320, pcm, 0)

    def write(self, pcm):
        pass


class Side:
    """A pump, and the relay's socket that it takes for its peer."""

    def __init__(self, net, seed, network):
        self.user = User()
        self.audio = Audio(seed)
        self.network = network
        self.end = net.udp(HOST)
        self.relay = net.udp(HOST)
        self.relay.connect(net.resolve(Media.host, self.end.port))
        self.buf = bytearray(172)
        self.pump = p = Pump(net)
        how = (Trace(), HOST, None, HalfDuplex())
        p.begin(self.end, Media.host, self.audio, self.user, *how)
        p._task = True  # we are the loop
        p.agree(Media(self.relay.port), Media.host)
        p.take(self.audio)

    def carry(self):
        """What it has just sent, into the network."""
        n = self.relay.readinto(self.buf)
        if n:
            self.network.take(self.buf, n)

    def deliver(self, network):
        """What has come for it."""
        sock = self.relay.sock
        while True:
            k = network.next()
            if k < 0:
                return
            sock.write(network.data[k], network.size[k])
            network.size[k] = 0


class Bench:
    def __init__(self):
        net = Net(HOST)
        self.ways = (Network(11), Network(23))
        self.sides = (Side(net, 3, self.ways[0]), Side(net, 5, self.ways[1]))
        self.frames = 0

    def run(self, n):
        a, b = self.sides
        there, back = self.ways
        for _ in range(n):
            self.frames += 1
            turn = self.frames // 20 & 3
            a.audio.talks = turn < 2
            b.audio.talks = turn == 2 or turn == 1
            a.deliver(back)
            b.deliver(there)
            a.pump._take()
            a.pump._frame()
            a.carry()
            b.pump._take()
            b.pump._frame()
            b.carry()
            there.step()
            back.step()
            if self.frames % 50 == 0:
                a.pump._second()
                a.carry()
                b.pump._second()
                b.carry()

    def press(self, digits):
        for s in self.sides:
            s.pump.stream.send_digits(digits, 100)

    def figures(self):
        out = []
        for s in self.sides:
            t = s.pump.stats()
            out += [t["packets_sent"], t["packets_received"]]
        return out


def main(packets, locked):
    b = Bench()
    b.press(DIGITS)  # each makes its bytes object the first time
    b.run(400)
    for s in b.sides:
        for k in range(8):  # the trace: each length costs 16 bytes, once
            s.pump._show(0, 172 - 16 * k)
        assert s.pump._connected, s.pump.stream.even
        assert s.user.digits == 16, s.user.digits
        s.user.digits = s.user.used = 0
        s.user.heard = [None] * 100
        s.user.heard.clear()
    first = b.figures()
    used = listener = i = 0
    while min(b.figures()[0] - first[0], b.figures()[2] - first[2]) < packets:
        b.press(DIGITS[i % 16 : i % 16 + 1] * 2)
        i += 1
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        if locked:
            heap_lock()
            for s in b.sides:
                s.user.locked = True
        try:
            b.run(ROUND)
        finally:
            if locked:
                heap_unlock()
                for s in b.sides:
                    s.user.locked = False
        after = gc.mem_alloc()
        gc.enable()
        used += after - before
        for s in b.sides:
            used -= s.user.used
            listener += s.user.used
            s.user.used = 0
    digits = [s.user.digits for s in b.sides]
    assert digits == [2 * i, 2 * i], (digits, i)
    print(used, *[x - y for x, y in zip(b.figures(), first)], sum(digits), listener)
    t = b.sides[0].pump.stats()
    print(t["packets_lost"], t["packets_duplicate"], t["frames_concealed"], t["delay_ms"])


main(int(sys.argv[1]), "locked" in sys.argv[2:])
