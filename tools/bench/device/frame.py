# The whole path of 20 ms of a call, and its parts: what is received, put in order, decoded, made up
# for, given and taken by half duplex, encoded and sent. A module of its own, imported when all
# others are done: what lies in the heap before moves their figures.

from usip.media.duplex import HalfDuplex
from usip.media.stream import MediaStream
from usip.pump import Pump
from usip.trace import Trace

PORT = 4000


class Media:
    payload_type = 8
    event_type = event_type_in = 101
    direction = "sendrecv"
    host = b"192.0.2.9"
    port = rtcp = PORT


class Endpoint:
    """A socket in which a packet of the peer's lies, or none."""

    port = 16384

    def __init__(self, peer):
        self.peer = peer
        self.n = 0
        self.source = None

    def readinto(self, buf):
        n = self.n
        if not n:
            return None
        self.n = 0
        buf[:n] = self.peer.tx
        return n

    def sendto(self, data, address):
        return True

    def connect(self, address):
        self.source = address

    def reopen(self):
        pass


class Net:
    def resolve(self, host, port):
        return host, port


class User:
    def digit_came(self, d, via):
        pass

    def alive(self):
        pass

    def fault(self, e):
        raise e


class Audio:
    def __init__(self, pcm):
        self.pcm = pcm

    def start(self):
        pass

    def readinto(self, pcm):
        pcm[:] = self.pcm

    def write(self, pcm):
        pass


class Frame:
    """A call in which both speak, as it is after two seconds: its source is certain."""

    def __init__(self):
        pcm = bytearray([i * 37 & 255 for i in range(320)])
        self.pcm = pcm
        self.peer = MediaStream(8, 101)
        self.speech = HalfDuplex()
        self.far = bytearray(320)
        self.socket = Endpoint(self.peer)
        self.pump = p = Pump(Net())
        p.begin(self.socket, b"192.0.2.1", Audio(pcm), User(), Trace(), None, None, self.speech)
        p._task = True  # we are the loop
        p.agree(Media, Media.host)
        p.take(p.audio)
        self.socket.source = p.stream.remote
        for _ in range(100):
            self.whole()
        p._second()

    def peer_sends(self):
        """No work of ours."""
        self.socket.n = self.peer.frame_out(self.pcm)

    def whole(self):
        self.peer_sends()
        self.pump._take()
        self.pump._frame()

    def whole_and_lost(self):
        self.whole()
        self.peer.miss()
        self.pump._take()
        self.pump._frame()

    def received(self):
        self.peer_sends()
        self.pump._take()
        self.pump.stream.frame_in(self.far)

    def duplex(self):
        self.far[:] = self.pcm
        self.speech.near(self.far)
        self.speech.far(self.far)

    def sent(self):
        self.pump.stream.frame_out(self.pcm)


def pieces():
    """{name: (what costs, what of it is not counted)}"""
    f, g = Frame(), Frame()
    return {
        "frame": (f.whole, f.peer_sends),
        "frame_lost": (f.whole_and_lost, f.whole),
        "frame_received": (g.received, g.peer_sends),
        "frame_duplex": (f.duplex, None),
        "frame_sent": (g.sent, None),
    }
