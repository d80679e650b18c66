# usip: what comes to the media ports from elsewhere, 2,000 a second, pushes out nothing of a call

from phonenet import Endpoint, Lan, Net
from usip.media.rtcp import Rtcp
from usip.media.stream import MediaStream
from usip.pump import Pump

HEAPS = 2  # what waits in a kernel's socket

ELSEWHERE = (b"192.0.2.66", 4000)


class Told:
    def __init__(self):
        self.lives = self.silences = 0

    def alive(self):
        self.lives += 1

    def silent(self):
        self.silences += 1

    def fault(self, e):
        raise e


class Media:
    payload_type = 8
    event_type = event_type_in = 101
    direction = "sendrecv"
    host = b"192.0.2.9"
    port = 4000
    rtcp = 4001


class Bench:
    """A pump whose 20 ms the test counts; its socket holds as much as a kernel's."""

    def __init__(self):
        lan = Lan()
        net = Net(lan, b"192.0.2.1")
        self.endpoint = Endpoint(net, 16384)
        lan.endpoints.append(self.endpoint)
        self.user = Told()
        self.pump = p = Pump(net)
        p.begin(self.endpoint, b"192.0.2.1", None, self.user)
        p._task = True  # the test is the loop
        p.agree(Media, Media.host)
        self.side = p.rtcp.side
        self.peer = MediaStream(8, 101)
        self.address = p.stream.remote
        self.lost = 0

    def put(self, endpoint, source, data):
        if len(endpoint.data) < 200:
            endpoint.data.append((source, data))
        elif source != ELSEWHERE:
            self.lost += 1

    def frames(self, n, make, to=None):
        """20 ms, n times, in which the peer sends a packet and somebody else forty."""
        peer = self.peer
        for i in range(n):
            for k in range(40):
                self.put(to or self.endpoint, ELSEWHERE, make(40 * i + k))
            size = peer.frame_out(None)
            self.put(self.endpoint, self.address, bytes(peer.tx[:size]))
            self.pump._take()
            self.pump._frame()


def _sound(n):
    return b"\x80\x08" + bytes([n >> 8 & 255, n & 255]) + bytes(168)


def _garbage(n):
    return bytes([n & 255]) * (n % 40)


def test_sound_from_elsewhere():
    for make in (_sound, _garbage):
        b = Bench()
        b.frames(20, lambda n: b"?")  # the peer is who came first
        b.frames(100, make)
        s = b.pump.stats()
        assert s["packets_received"] == 120 and s["packets_lost"] == 0 and not b.lost, s
        assert s["packets_refused"] > 4000, s
        assert s["packets_late"] == 0, s


def test_it_is_no_sign_of_life():
    b = Bench()
    b.frames(20, _sound)
    b.pump._second()
    assert b.user.lives == 1
    b.put(b.endpoint, ELSEWHERE, _sound(1))
    b.pump._take()
    b.pump._second()
    assert b.user.lives == 1


def test_reports_from_elsewhere():
    b = Bench()
    other = Rtcp(b.peer)
    b.frames(50, _sound, b.side)
    n = other.report(1000)
    b.side.data.insert(30, ((b"192.0.2.9", 4001), bytes(other.tx[:n])))
    b.pump._take()
    assert b.pump.rtcp.heard
    assert b.pump.stats()["packets_lost"] == 0
